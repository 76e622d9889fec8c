/* activity.c: calls of user code: executed, recorded, replied; tried again when they fail;
 * ended when they take too long.
 *
 *     turn --call--> executing --result--> turn
 *     executing --result with error, attempts left--> backoff --its time--> executing
 *     executing --too long--> no runner; a new one replays up to the call and tries again, or
 * gets TimeoutError as its outcome
 *
 * A call with a record is answered from it, in the same row.
 */
#include "run.h"

#include "jsontext.h"

static int call(AkRun *, AkNow, const AkEvent *, AkCommands *);
static int result(AkRun *, AkNow, const AkEvent *, AkCommands *);
static int time_executing(AkRun *, AkNow, const AkEvent *, AkCommands *);
static int time_backoff(AkRun *, AkNow, const AkEvent *, AkCommands *);

const AkRow ak__activity_rows[] = {
    {AK__TURN, AK_EV_CALL, call, "turn + call: reply from the journal, or execute"},
    {AK__EXECUTING, AK_EV_RESULT, result,
     "executing + result: journal and reply, or try again later"},
    {AK__EXECUTING, AK_EV_TIME, time_executing, "executing + time: too long?"},
    {AK__BACKOFF, AK_EV_TIME, time_backoff, "backoff + time: the next attempt?"},
    {AK__EXECUTING, AK_EV_MAIL, ak__keep_mail, "executing + mail: keep it"},
    {AK__BACKOFF, AK_EV_MAIL, ak__keep_mail, "backoff + mail: keep it"},
};
const size_t ak__activity_rows_len = sizeof ak__activity_rows / sizeof *ak__activity_rows;

static void execute(AkRun *run, AkNow now, AkBytes data, AkCommands *out)
{
    AkCommand *command = ak__command(run, out, AK_CMD_EXECUTE);
    if (!command)
        return;
    command->seq = run->call.seq;
    command->attempt = run->call.attempt;
    command->name = ak__own(out, run->call.name);
    command->value = ak__own(out, data);
    run->phase = AK__EXECUTING;
    run->limit = run->call.timeout_us > 0 ? now.mono_us + run->call.timeout_us : 0;
}

static int call(AkRun *run, AkNow now, const AkEvent *event, AkCommands *out)
{
    ak__leave_history(run, event->seq);
    if (!ak__numbered(event, run->seq + 1))
        return ak__fail(run, now, "protocol", "ProtocolError",
                        ak_bytes("the runner sent a call with the wrong number"), out);
    AkKnown *known = ak__known(run, ++run->seq);
    if (known && ak__differs(run, known, event, false))
        return ak__diverge(run, now, known, event, false, out);
    if (known)
        ak__note_arguments(run, known, event, out);
    if (known && known->record.kind == AK_REC_CALL) {
        ak__reply(run, now, &known->record, false, out);
        ak__pass(run, known);
        return 0;
    }
    /* If there were attempts, the next one is due: before, there would be no runner. */
    int fault = ak__set_call(run, event, known ? known->record.attempt + 1 : 1, now);
    if (fault)
        return fault;
    if (known)
        ak__pass(run, known);
    execute(run, now, event->value, out);
    return 0;
}

/* Trying again cannot make a value picklable, nor a misuse right. */
static bool worth_retrying(AkBytes error)
{
    AkBytes kind = ak_json_member(error, "kind");
    return !ak_json_string_is(kind, ak_bytes("unpicklable")) &&
           !ak_json_string_is(kind, ak_bytes("misuse")) &&
           !ak_json_string_is(kind, ak_bytes("divergence"));
}

static AkRecord record_of(const AkCall *call, AkRecordKind kind)
{
    return (AkRecord){.kind = kind,
                      .seq = call->seq,
                      .attempt = call->attempt,
                      .name = call->name,
                      .file = call->file,
                      .func = call->func,
                      .line = call->line,
                      .digest = call->digest,
                      .preview = call->preview,
                      .in_memory = call->in_memory,
                      .start_us = call->start_us};
}

/* Doubles with each attempt, up to an hour. */
static int64_t backoff(const AkCall *call)
{
    const int64_t most = INT64_C(3600) * 1000000;
    int64_t pause = call->backoff_us > 0 ? call->backoff_us : 1000000;
    for (uint64_t i = 1; i < call->attempt && pause < most; i++)
        pause *= 2;
    return pause < most ? pause : most;
}

static int try_later(AkRun *run, AkNow now, AkBytes value, AkBytes error, AkCommands *out)
{
    AkRecord record = record_of(&run->call, AK_REC_ATTEMPT);
    record.at_us = ak__time(run, now.wall_us);
    record.due_us = now.wall_us + backoff(&run->call);
    record.value = value;
    record.error = error;
    ak_text_clear(&run->wait_args);
    ak_text_bytes(&run->wait_args, run->call.name);
    ak__return_lent(run);
    ak__wait_until(run, now, AK_WAIT_RETRY, run->call.seq, record.at_us, record.due_us);
    ak__show_wait(run, out);
    return ak__journal(run, now, &record, false, out);
}

static int result(AkRun *run, AkNow now, const AkEvent *event, AkCommands *out)
{
    if (!ak__numbered(event, run->seq))
        return ak__fail(run, now, "protocol", "ProtocolError",
                        ak_bytes("the runner answered a call with the wrong number"), out);
    if (event->error.at && run->call.attempt <= run->call.retries &&
        worth_retrying(event->error)) {
        run->phase = AK__BACKOFF;
        run->limit = 0;
        return try_later(run, now, event->value, event->error, out);
    }
    AkRecord record = record_of(&run->call, AK_REC_CALL);
    record.value = event->value;
    record.error = event->error;
    record.result = event->preview;
    ak__take_lent(run, out);
    int fault = ak__journal(run, now, &record, false, out);
    if (fault == AK_E_TOOBIG)
        return ak__fail(run, now, "user", "ValueError",
                        ak_bytes("the result is too big to be recorded"), out);
    if (fault == 0)
        ak__reply(run, now, &record, false, out);
    return fault;
}

/* base64 of a pickled TimeoutError(words), protocol 0, so that the program may catch it. words
 * are plain ASCII without quotes or backslashes. */
static void pickled_timeout(AkText *out, AkBytes words)
{
    static const char set[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    AkText pickle = {0};
    ak_text_str(&pickle, "cbuiltins\nTimeoutError\n(V");
    ak_text_bytes(&pickle, words);
    ak_text_str(&pickle, "\ntR.");
    for (size_t i = 0; i < pickle.len && !pickle.failed; i += 3) {
        const unsigned char *at = (const unsigned char *)pickle.at + i;
        size_t left = pickle.len - i;
        uint32_t bits = (uint32_t)at[0] << 16 | (left > 1 ? (uint32_t)at[1] << 8 : 0) |
                        (left > 2 ? at[2] : 0);
        char quad[4] = {set[bits >> 18 & 63], set[bits >> 12 & 63],
                        left > 1 ? set[bits >> 6 & 63] : '=', left > 2 ? set[bits & 63] : '='};
        ak_text_add(out, quad, 4);
    }
    out->failed |= pickle.failed;
    ak_text_free(&pickle);
}

/* A call cannot be interrupted from outside, so its runner goes. */
static int time_executing(AkRun *run, AkNow now, const AkEvent *event, AkCommands *out)
{
    AkText words = {0}, value = {0};
    int fault;
    (void)event;
    if (!run->limit || now.mono_us < run->limit)
        return 0;
    ak_text_str(&words, "the call took longer than ");
    ak_text_seconds(&words, run->call.timeout_us);
    ak_text_str(&words, " s");
    pickled_timeout(&value, (AkBytes){words.at, words.len});
    run->failed |= words.failed || value.failed;
    AkBytes error =
        ak__error_json(run, "timeout", "TimeoutError", (AkBytes){words.at, words.len},
                       run->call.file, run->call.line, run->call.func);
    if (run->call.attempt <= run->call.retries) {
        fault = try_later(run, now, (AkBytes){value.at, value.len}, error, out);
        run->phase = AK__PARKED;
    } else {
        AkRecord record = record_of(&run->call, AK_REC_CALL);
        record.value = (AkBytes){value.at, value.len};
        record.error = error;
        ak__take_lent(run, out);
        fault = ak__journal(run, now, &record, false, out);
    }
    ak__command(run, out, AK_CMD_KILL);
    run->has_runner = false;
    run->limit = 0;
    if (fault == 0 && run->phase != AK__PARKED)
        fault = ak__restart(run, out);
    ak_text_free(&words);
    ak_text_free(&value);
    return fault;
}

static int time_backoff(AkRun *run, AkNow now, const AkEvent *event, AkCommands *out)
{
    (void)event;
    if (!ak__is_due(run, now))
        return 0;
    run->call.attempt++;
    run->call.start_us = now.wall_us > run->last_at ? now.wall_us : run->last_at;
    execute(run, now, run->call.data, out);
    ak__end_wait(run, out);
    return 0;
}
