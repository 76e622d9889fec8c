/* timer.c: time: sleeps, limits on turns, the alarm that stands for all deadlines of a run.
 *
 *     turn --request sleep--> waiting --its time--> turn
 *     turn --too long--> stuck --its stack, or none in time--> ended
 *     respawn --its time--> loading, then starting
 *
 * A sleep's record is its deadline; that it is over needs no record, as the deadline says it
 * again. There is one alarm. It is not moved when a deadline moves further away (the turn's
 * does with each reply): it then comes too early, and is set anew.
 */
#include "run.h"

#include "jsontext.h"

static int time_turn(AkRun *, AkNow, const AkEvent *, AkCommands *);
static int time_stuck(AkRun *, AkNow, const AkEvent *, AkCommands *);
static int stack(AkRun *, AkNow, const AkEvent *, AkCommands *);
static int time_respawn(AkRun *, AkNow, const AkEvent *, AkCommands *);
static int time_early(AkRun *, AkNow, const AkEvent *, AkCommands *);
static int time_wait(AkRun *, AkNow, const AkEvent *, AkCommands *);

const AkRow ak__timer_rows[] = {
    {AK__TURN, AK_EV_TIME, time_turn, "turn + time: too long?"},
    {AK__STUCK, AK_EV_STACK, stack, "stuck + stack: fail, naming the line"},
    {AK__STUCK, AK_EV_TIME, time_stuck, "stuck + time: fail without a line?"},
    {AK__STUCK, AK_EV_LOST, stack, "stuck + lost: fail without a line"},
    {AK__STUCK, AK_EV_MAIL, ak__keep_mail, "stuck + mail: keep it"},
    {AK__STARTING, AK_EV_TIME, time_early, "starting + time: an old alarm"},
    {AK__RESPAWN, AK_EV_TIME, time_respawn, "respawn + time: another runner?"},
    {AK__WAITING, AK_EV_TIME, time_wait, "waiting + time: over?"},
    {AK__PARKED, AK_EV_TIME, time_wait, "parked + time: over?"},
};
const size_t ak__timer_rows_len = sizeof ak__timer_rows / sizeof *ak__timer_rows;

const char *ak_wait_name(AkWait wait)
{
    static const char *const names[] = {"", "sleep", "event", "signal", "retry"};
    return wait <= AK_WAIT_RETRY ? names[wait] : "";
}

/* The earliest deadline on each clock, told when it is not told already. */
void ak__arm(AkRun *run, AkNow now, AkCommands *out)
{
    bool waits =
        run->phase == AK__PARKED || run->phase == AK__WAITING || run->phase == AK__BACKOFF;
    bool limited = run->phase == AK__TURN || run->phase == AK__EXECUTING ||
                   run->phase == AK__STUCK || run->phase == AK__RESPAWN;
    int64_t wall = waits ? run->due : 0;
    int64_t mono = waits ? run->due_mono : limited ? run->limit : 0;
    if (run->armed_wall && run->armed_wall <= now.wall_us)
        run->armed_wall = 0;
    if (run->armed_mono && run->armed_mono <= now.mono_us)
        run->armed_mono = 0;
    bool wall_told = !wall || (run->armed_wall && run->armed_wall <= wall);
    bool mono_told = !mono || (run->armed_mono && run->armed_mono <= mono);
    if (wall_told && mono_told)
        return;
    run->armed_wall = wall;
    run->armed_mono = mono;
    AkCommand *alarm = ak__command(run, out, AK_CMD_ALARM);
    if (alarm) {
        alarm->wall_us = wall;
        alarm->mono_us = mono;
    }
}

bool ak__is_due(const AkRun *run, AkNow now)
{
    return run->due && (now.wall_us >= run->due || now.mono_us >= run->due_mono);
}

void ak__wait_until(AkRun *run, AkNow now, AkWait wait, uint64_t seq, int64_t since,
                    int64_t due)
{
    run->wait = wait;
    run->wait_seq = seq;
    run->since = since;
    run->due = due;
    run->due_mono = !due                ? 0
                    : due > now.wall_us ? now.mono_us + (due - now.wall_us)
                                        : now.mono_us;
    if (due && run->due_mono < 1)
        run->due_mono = 1;
}

void ak__show_wait(AkRun *run, AkCommands *out)
{
    AkCommand *command = ak__command(run, out, AK_CMD_WAIT);
    if (!command)
        return;
    command->wait = run->wait;
    command->seq = run->wait_seq;
    command->since_us = run->since;
    command->due_us = run->due;
    AkBytes args = {run->wait_args.at, run->wait_args.len};
    if (run->wait == AK_WAIT_RETRY)
        command->text = ak__own(out, args);
    else if (run->wait != AK_WAIT_SLEEP)
        command->text =
            ak__own(out, ak_json_member(args, run->wait == AK_WAIT_EVENT ? "ids" : "names"));
}

void ak__end_wait(AkRun *run, AkCommands *out)
{
    run->wait = AK_WAIT_NOTHING;
    run->due = run->due_mono = 0;
    ak__command(run, out, AK_CMD_WAIT);
}

/* Time is checked here so that replay can never go wrong over it: a sleep that has a record and
 * that the program comes to is over, whatever the clock says now. */
int ak__sleep(AkRun *run, AkNow now, const AkEvent *event, AkCommands *out)
{
    int64_t micros = 0;
    AkBytes seconds = ak_json_member(event->args, "seconds");
    if (ak_json_kind(seconds) != AK_JSON_NUMBER || !ak_json_micros(seconds, &micros) ||
        micros < 0)
        micros = 0;
    /* A century is for ever, and can be added to any time. */
    if (micros > INT64_C(3155760000) * 1000000)
        micros = INT64_C(3155760000) * 1000000;
    AkRecord record = {.kind = AK_REC_ASK,
                       .seq = run->seq,
                       .name = event->name,
                       .args = event->args,
                       .file = event->file,
                       .line = event->line,
                       .func = event->func,
                       .at_us = ak__time(run, now.wall_us)};
    record.start_us = record.at_us;
    record.due_us = record.at_us + micros;
    ak__wait_until(run, now, AK_WAIT_SLEEP, run->seq, record.at_us, record.due_us);
    bool over = ak__is_due(run, now);
    if (over)
        run->wait = AK_WAIT_NOTHING;
    else
        ak__show_wait(run, out);
    int fault = ak__journal(run, now, &record, false, out);
    if (fault)
        return fault;
    run->phase = AK__WAITING;
    run->limit = 0;
    if (over) {
        record.at_us = record.due_us;
        record.value = ak_bytes("null");
        ak__reply(run, now, &record, true, out);
    }
    return 0;
}

static int time_turn(AkRun *run, AkNow now, const AkEvent *event, AkCommands *out)
{
    (void)event;
    if (!run->limit || now.mono_us < run->limit)
        return 0;
    ak__command(run, out, AK_CMD_STACK);
    run->phase = AK__STUCK;
    run->limit = now.mono_us + run->options.stack_wait_us;
    return 0;
}

static int fail_turn(AkRun *run, AkNow now, const AkEvent *event, AkCommands *out)
{
    AkText words = {0};
    ak_text_str(&words, "workflow code ran longer than ");
    ak_text_seconds(&words, run->options.turn_timeout_us);
    ak_text_str(&words, " s between two steps");
    if (event && event->file.at) {
        ak_text_str(&words, ", at ");
        ak_text_bytes(&words, event->file);
        ak_text_str(&words, ":");
        ak_text_int(&words, (int64_t)event->line);
    }
    run->failed |= words.failed;
    AkBytes none = {NULL, 0};
    AkBytes error = ak__error_json(run, "timeout", "TurnTimeout",
                                   (AkBytes){words.at, words.len}, event ? event->file : none,
                                   event ? event->line : 0, event ? event->func : none);
    int fault = ak__finish(run, now, AK_STATE_ERROR, none, error, out);
    ak_text_free(&words);
    return fault;
}

static int stack(AkRun *run, AkNow now, const AkEvent *event, AkCommands *out)
{
    if (event->kind == AK_EV_LOST)
        run->has_runner = false;
    return fail_turn(run, now, event->kind == AK_EV_STACK ? event : NULL, out);
}

static int time_stuck(AkRun *run, AkNow now, const AkEvent *event, AkCommands *out)
{
    (void)event;
    return now.mono_us < run->limit ? 0 : fail_turn(run, now, NULL, out);
}

static int time_respawn(AkRun *run, AkNow now, const AkEvent *event, AkCommands *out)
{
    (void)event;
    return now.mono_us < run->limit ? 0 : ak__restart(run, out);
}

static int time_early(AkRun *run, AkNow now, const AkEvent *event, AkCommands *out)
{
    (void)run;
    (void)now;
    (void)event;
    (void)out;
    return 0;
}

static int time_wait(AkRun *run, AkNow now, const AkEvent *event, AkCommands *out)
{
    (void)event;
    int fault = ak__try_wait(run, now, out);
    return fault < 0 ? fault : 0;
}
