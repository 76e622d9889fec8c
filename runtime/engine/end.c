/* end.c: how a session ends: done, stopped, failed; and what happens when its runner is gone. */
#include "run.h"

static int program_done(AkRun *, AkNow, const AkEvent *, AkCommands *);
static int lost(AkRun *, AkNow, const AkEvent *, AkCommands *);
static int lost_at_rest(AkRun *, AkNow, const AkEvent *, AkCommands *);
static int broken(AkRun *, AkNow, const AkEvent *, AkCommands *);
static int stop(AkRun *, AkNow, const AkEvent *, AkCommands *);

const AkRow ak__end_rows[] = {
    {AK__TURN, AK_EV_DONE, program_done, "turn + done: the end"},
    {AK__STARTING, AK_EV_LOST, lost, "starting + lost: another runner, or give up"},
    {AK__TURN, AK_EV_LOST, lost, "turn + lost: another runner, or give up"},
    {AK__EXECUTING, AK_EV_LOST, lost,
     "executing + lost: another runner calls again, or give up"},
    {AK__BACKOFF, AK_EV_LOST, lost_at_rest, "backoff + lost: park"},
    {AK__WAITING, AK_EV_LOST, lost_at_rest, "waiting + lost: park"},
    {AK__STARTING, AK_EV_BROKEN, broken, "starting + broken: fail"},
    {AK__TURN, AK_EV_BROKEN, broken, "turn + broken: fail"},
    {AK__EXECUTING, AK_EV_BROKEN, broken, "executing + broken: fail"},
    {AK__BACKOFF, AK_EV_BROKEN, broken, "backoff + broken: fail"},
    {AK__WAITING, AK_EV_BROKEN, broken, "waiting + broken: fail"},
    {AK__STUCK, AK_EV_BROKEN, broken, "stuck + broken: fail"},
    {AK__PARKED, AK_EV_STOP, stop, "parked + stop: the end"},
    {AK__RESPAWN, AK_EV_STOP, stop, "respawn + stop: the end"},
    {AK__STARTING, AK_EV_STOP, stop, "starting + stop: the end"},
    {AK__TURN, AK_EV_STOP, stop, "turn + stop: the end"},
    {AK__EXECUTING, AK_EV_STOP, stop, "executing + stop: the end"},
    {AK__BACKOFF, AK_EV_STOP, stop, "backoff + stop: the end"},
    {AK__WAITING, AK_EV_STOP, stop, "waiting + stop: the end"},
    {AK__STUCK, AK_EV_STOP, stop, "stuck + stop: the end"},
};
const size_t ak__end_rows_len = sizeof ak__end_rows / sizeof *ak__end_rows;

/* What a parent's next_signal gets: {completed, value, error}. */
static void tell_parent(AkRun *run, AkState state, AkBytes value, AkBytes error,
                        AkCommands *out)
{
    AkText json = {0};
    if (!run->parent)
        return;
    AkCommand *send = ak__command(run, out, AK_CMD_SEND);
    ak_text_str(&json,
                state == AK_STATE_COMPLETED ? "{\"completed\": true" : "{\"completed\": false");
    ak_text_str(&json, ", \"value\": ");
    if (value.at)
        ak_text_json(&json, value);
    else
        ak_text_str(&json, "null");
    ak_text_str(&json, ", \"error\": ");
    ak_text_bytes(&json, error.at ? error : ak_bytes("null"));
    ak_text_str(&json, "}");
    if (send && !json.failed) {
        send->to = ak__own(out, ak_bytes(run->parent));
        send->mail_kind = AK_MAIL_SIGNAL;
        send->name = ak__own(out, run->session);
        send->from = send->name;
        send->value = ak__own(out, (AkBytes){json.at, json.len});
    }
    run->failed |= json.failed;
    ak_text_free(&json);
}

int ak__end(AkRun *run, AkNow now, AkState state, AkBytes value, AkBytes error, AkCommands *out)
{
    AkRecord record = {.kind = AK_REC_DONE,
                       .state = state,
                       .value = value,
                       .error = error,
                       .at_us = ak__time(run, now.wall_us)};
    AkCommand *finish = ak__command(run, out, AK_CMD_FINISH);
    if (finish) {
        finish->state = state;
        finish->at_us = record.at_us;
        finish->value = ak__own(out, value);
        finish->error = ak__own(out, error);
    }
    tell_parent(run, state, value, error, out);
    int fault = ak__journal(run, now, &record, false, out);
    run->state = state;
    run->phase = AK__ENDED;
    run->wait = AK_WAIT_NOTHING;
    return fault;
}

void ak__end_runner(AkRun *run, AkCommands *out)
{
    if (run->has_runner)
        ak__command(run, out, AK_CMD_KILL);
    run->has_runner = false;
}

int ak__finish(AkRun *run, AkNow now, AkState state, AkBytes value, AkBytes error,
               AkCommands *out)
{
    int fault = ak__end(run, now, state, value, error, out);
    ak__end_runner(run, out);
    ak__forget_all(run);
    return fault;
}

int ak__fail(AkRun *run, AkNow now, const char *kind, const char *type, AkBytes message,
             AkCommands *out)
{
    AkBytes error = ak__error_json(run, kind, type, message, run->call.file, run->call.line,
                                   run->call.func);
    return ak__finish(run, now, AK_STATE_ERROR, (AkBytes){NULL, 0}, error, out);
}

static int program_done(AkRun *run, AkNow now, const AkEvent *event, AkCommands *out)
{
    for (uint64_t seq = run->seq + 1; seq <= run->known_len; seq++) {
        const AkKnown *known = ak__known(run, seq);
        if (known)
            return ak__diverge(run, now, known, event, false, out);
    }
    return ak__finish(run, now, event->error.at ? AK_STATE_ERROR : AK_STATE_COMPLETED,
                      event->value, event->error, out);
}

static int stop(AkRun *run, AkNow now, const AkEvent *event, AkCommands *out)
{
    AkBytes reason = event->text.at ? event->text : ak_bytes("stopped");
    AkBytes error = ak__error_json(run, "stopped", "Stopped", reason, run->call.file,
                                   run->call.line, run->call.func);
    return ak__finish(run, now, AK_STATE_STOPPED, (AkBytes){NULL, 0}, error, out);
}

static int broken(AkRun *run, AkNow now, const AkEvent *event, AkCommands *out)
{
    return ak__fail(run, now, "protocol", "ProtocolError", event->text, out);
}

/* --- A runner that is gone
 * ------------------------------------------------------------------------------- */

/* A program that takes its runner with it every time must not do so for ever: after some in a
 * row, without a record between them, the session fails and says where. */
static int give_up(AkRun *run, AkNow now, AkBytes how, AkCommands *out)
{
    AkText words = {0};
    ak_text_str(&words, "the runner was lost ");
    ak_text_int(&words, run->losses);
    ak_text_str(&words, " times in a row ");
    if (run->phase == AK__EXECUTING || run->phase == AK__TURN) {
        ak_text_str(&words, run->phase == AK__EXECUTING ? "in call " : "after call ");
        ak_text_int(&words, (int64_t)run->seq);
        if (run->call.name.at && run->call.seq == run->seq) {
            ak_text_str(&words, ", ");
            ak__describe(&words, run->call.name, run->call.file, run->call.line);
        }
    } else {
        ak_text_str(&words, "before it named its module");
    }
    ak_text_str(&words, ": ");
    ak_text_bytes(&words, how.at ? how : ak_bytes("it closed its socket"));
    run->failed |= words.failed;
    int fault = ak__fail(run, now, "lost", "RunnerLost", (AkBytes){words.at, words.len}, out);
    ak_text_free(&words);
    return fault;
}

static int lost(AkRun *run, AkNow now, const AkEvent *event, AkCommands *out)
{
    run->has_runner = false;
    if (++run->losses >= run->options.max_losses)
        return give_up(run, now, event->text, out);
    if (run->losses == 1)
        return ak__restart(run, out);
    uint32_t doublings = run->losses - 2 < 5 ? run->losses - 2 : 5;
    run->phase = AK__RESPAWN;
    run->limit = now.mono_us + (INT64_C(1000000) << doublings);
    return 0;
}

/* Nothing was going on in it: the session waits on without one. */
static int lost_at_rest(AkRun *run, AkNow now, const AkEvent *event, AkCommands *out)
{
    (void)now;
    (void)event;
    (void)out;
    run->has_runner = false;
    run->phase = AK__PARKED;
    run->fresh = false;
    return 0;
}
