/* run.c: one step of a session.
 *
 * The table of all states is ak__run_rows here plus those of load.c (the beginning), end.c (the
 * end, a runner that is gone), activity.c (calls), aside.c (requests out of calls), timer.c (time)
 * and signal.c (requests and mail); ak_run_step finds the row and calls its handler.
 */
#include "run.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* How seldom a runner tells that it replays, as docs/protocol.md has it. */
#define REPORT_US 1000000

static int module_named(AkRun *, AkNow, const AkEvent *, AkCommands *);
static int print(AkRun *, AkNow, const AkEvent *, AkCommands *);
static int ignore(AkRun *, AkNow, const AkEvent *, AkCommands *);

const AkRow ak__run_rows[] = {
    {AK__STARTING, AK_EV_MODULE, module_named, "starting + module: run the entry point"},
    {AK__TURN, AK_EV_REPLAYED, ak__replayed, "turn + replayed: forget that, send more"},

    {AK__STARTING, AK_EV_PRINT, print, "starting + print: record and show, once"},
    {AK__TURN, AK_EV_PRINT, print, "turn + print: record and show, once"},
    {AK__EXECUTING, AK_EV_PRINT, print, "executing + print: record and show"},
    {AK__BACKOFF, AK_EV_PRINT, print, "backoff + print: record and show"},
    {AK__WAITING, AK_EV_PRINT, print, "waiting + print: record and show"},
    {AK__STUCK, AK_EV_PRINT, print, "stuck + print: record and show"},

    {AK__PARKED, AK_EV_LOST, ignore, "parked + lost: known already"},
    {AK__RESPAWN, AK_EV_LOST, ignore, "respawn + lost: known already"},

    {AK__STARTING, AK_EV_CALL, ak__off_script, "starting + call: off script"},
    {AK__STARTING, AK_EV_RESULT, ak__off_script, "starting + result: off script"},
    {AK__STARTING, AK_EV_REQUEST, ak__off_script, "starting + request: off script"},
    {AK__STARTING, AK_EV_DONE, ak__off_script, "starting + done: off script"},
    {AK__TURN, AK_EV_MODULE, ak__off_script, "turn + module: off script"},
    {AK__TURN, AK_EV_RESULT, ak__off_script, "turn + result: off script"},
    {AK__EXECUTING, AK_EV_MODULE, ak__off_script, "executing + module: off script"},
    {AK__EXECUTING, AK_EV_CALL, ak__off_script, "executing + call: off script"},
    {AK__EXECUTING, AK_EV_DONE, ak__off_script, "executing + done: off script"},
    {AK__BACKOFF, AK_EV_MODULE, ak__off_script, "backoff + module: off script"},
    {AK__BACKOFF, AK_EV_CALL, ak__off_script, "backoff + call: off script"},
    {AK__BACKOFF, AK_EV_RESULT, ak__off_script, "backoff + result: off script"},
    {AK__BACKOFF, AK_EV_REQUEST, ak__off_script, "backoff + request: off script"},
    {AK__BACKOFF, AK_EV_DONE, ak__off_script, "backoff + done: off script"},
    {AK__WAITING, AK_EV_MODULE, ak__off_script, "waiting + module: off script"},
    {AK__WAITING, AK_EV_CALL, ak__off_script, "waiting + call: off script"},
    {AK__WAITING, AK_EV_RESULT, ak__off_script, "waiting + result: off script"},
    {AK__WAITING, AK_EV_REQUEST, ak__off_script, "waiting + request: off script"},
    {AK__WAITING, AK_EV_DONE, ak__off_script, "waiting + done: off script"},
    {AK__STUCK, AK_EV_MODULE, ak__off_script, "stuck + module: off script"},
    {AK__STUCK, AK_EV_RESULT, ak__off_script, "stuck + result: off script"},
    {AK__STARTING, AK_EV_REPLAYED, ak__off_script, "starting + replayed: off script"},
    {AK__EXECUTING, AK_EV_REPLAYED, ak__off_script, "executing + replayed: off script"},
    {AK__BACKOFF, AK_EV_REPLAYED, ak__off_script, "backoff + replayed: off script"},
    {AK__WAITING, AK_EV_REPLAYED, ak__off_script, "waiting + replayed: off script"},
    {AK__STUCK, AK_EV_REPLAYED, ignore, "stuck + replayed: too late"},
    {AK__STUCK, AK_EV_CALL, ignore, "stuck + call: too late"},
    {AK__STUCK, AK_EV_REQUEST, ignore, "stuck + request: too late"},
    {AK__STUCK, AK_EV_DONE, ignore, "stuck + done: too late"},
};
const size_t ak__run_rows_len = sizeof ak__run_rows / sizeof *ak__run_rows;

/* --- A run
 * ------------------------------------------------------------------------------------------ */

AkRun *ak_run_new(const AkRunOptions *options, AkBytes session_id)
{
    AkRun *run = calloc(1, sizeof *run);
    if (!run)
        return NULL;
    if (options)
        run->options = *options;
    if (run->options.turn_timeout_us == 0)
        run->options.turn_timeout_us = 10 * 1000000;
    if (run->options.stack_wait_us == 0)
        run->options.stack_wait_us = 2 * 1000000;
    if (run->options.max_line == 0)
        run->options.max_line = 16u << 20;
    if (run->options.max_losses == 0)
        run->options.max_losses = 5;
    run->state = AK_STATE_CREATED;
    run->row = -1;
    run->id = ak__copy(run, session_id);
    if (!run->id) {
        free(run);
        return NULL;
    }
    run->session = (AkBytes){run->id, session_id.len};
    return run;
}

void ak__drop_mail(AkMailItem *mail)
{
    free(mail->bytes);
    *mail = (AkMailItem){0};
}

void ak__forget_all(AkRun *run)
{
    ak__forget_records(run);
    for (size_t i = 0; i < run->mail_len; i++)
        ak__drop_mail(&run->mail[i]);
    run->mail_len = 0;
    free(run->call.bytes);
    run->call = (AkCall){0};
}

void ak_run_free(AkRun *run)
{
    if (!run)
        return;
    ak__forget_all(run);
    ak_text_free(&run->words);
    ak_text_free(&run->scratch);
    ak_text_free(&run->bytes);
    ak_text_free(&run->wait_args);
    free(run->known);
    free(run->mail);
    free(run->taken);
    free(run->parent);
    free(run->entry);
    free(run->id);
    free(run);
}

const char *ak_run_error(const AkRun *run)
{
    return run->words.at ? run->words.at : "";
}

AkBytes ak_run_id(const AkRun *run)
{
    return run->session;
}

AkState ak_run_state(const AkRun *run)
{
    return run->state;
}

uint64_t ak_run_length(const AkRun *run)
{
    return run->length;
}

AkWait ak_run_wait(const AkRun *run)
{
    return run->wait;
}

bool ak_run_has_runner(const AkRun *run)
{
    return run->has_runner;
}

int ak_run_row(const AkRun *run)
{
    return run->row;
}

static const struct {
    const AkRow *rows;
    const size_t *len;
} tables[] = {
    {ak__load_rows, &ak__load_rows_len},    {ak__run_rows, &ak__run_rows_len},
    {ak__end_rows, &ak__end_rows_len},      {ak__activity_rows, &ak__activity_rows_len},
    {ak__aside_rows, &ak__aside_rows_len},  {ak__timer_rows, &ak__timer_rows_len},
    {ak__signal_rows, &ak__signal_rows_len}};

static const AkRow *row_at(size_t i)
{
    for (size_t t = 0; t < sizeof tables / sizeof *tables; i -= *tables[t++].len)
        if (i < *tables[t].len)
            return &tables[t].rows[i];
    return NULL;
}

size_t ak_engine_rows(void)
{
    size_t len = 0;
    for (size_t t = 0; t < sizeof tables / sizeof *tables; t++)
        len += *tables[t].len;
    return len;
}

const char *ak_engine_row_name(size_t i)
{
    const AkRow *row = row_at(i);
    return row ? row->name : "";
}

static const AkRow *find_row(AkPhase phase, AkEventKind kind, int *number)
{
    int before = 0;

    for (size_t t = 0; t < sizeof tables / sizeof *tables; before += (int)*tables[t++].len)
        for (size_t i = 0; i < *tables[t].len; i++)
            if (tables[t].rows[i].phase == phase && tables[t].rows[i].event == kind) {
                *number = before + (int)i;
                return &tables[t].rows[i];
            }
    return NULL;
}

int ak_run_step(AkRun *run, AkNow now, const AkEvent *event, AkCommands *out)
{
    const AkRow *row;
    run->row = -1;
    if (run->failed)
        return AK_E_MISUSE;
    ak_text_clear(&run->words);
    if (run->phase == AK__ENDED)
        return ak__fault(run, AK_E_ENDED, "the session has ended");
    row = find_row(run->phase, event->kind, &run->row);
    if (!row)
        return ak__fault(run, AK_E_MISUSE, "no such event in this state");
    int fault = row->handle(run, now, event, out);
    if (fault == 0 && run->phase != AK__LOADING)
        ak__arm(run, now, out);
    if (run->failed || ak__commands_failed(out)) {
        run->failed = true;
        return fault ? fault : ak__fault(run, AK_E_NOMEM, "out of memory");
    }
    return fault;
}

/* --- Helpers of all files
 * ------------------------------------------------------------------------- */

int ak__fault(AkRun *run, int fault, const char *words)
{
    ak_text_clear(&run->words);
    ak_text_str(&run->words, "session ");
    ak_text_bytes(&run->words, run->session);
    ak_text_str(&run->words, ": ");
    ak_text_str(&run->words, words);
    if (fault == AK_E_CORRUPT || fault == AK_E_NEWER || fault == AK_E_NOMEM)
        run->failed = true;
    return fault;
}

char *ak__copy(AkRun *run, AkBytes bytes)
{
    char *copy = malloc(bytes.len + 1);
    if (!copy) {
        run->failed = true;
        return NULL;
    }
    if (bytes.len)
        memcpy(copy, bytes.at, bytes.len);
    copy[bytes.len] = '\0';
    return copy;
}

bool ak__run_grow(AkRun *run, void **items, size_t *room, size_t len, size_t size)
{
    if (len < *room)
        return true;
    size_t more = *room ? *room * 2 : 8;
    void *grown = realloc(*items, more * size);
    if (!grown) {
        run->failed = true;
        return false;
    }
    *items = grown;
    *room = more;
    return true;
}

int64_t ak__time(AkRun *run, int64_t at)
{
    if (at > run->last_at)
        run->last_at = at;
    return run->last_at;
}

int ak__journal(AkRun *run, AkNow now, AkRecord *record, bool lazy, AkCommands *out)
{
    uint64_t previous = run->sum, sum = 0;
    record->number = run->length;
    if (record->at_us == 0)
        record->at_us = record->kind == AK_REC_PRINT ? now.wall_us : ak__time(run, now.wall_us);
    ak_text_clear(&run->bytes);
    int fault = ak_record_write(record, run->session, previous, &run->bytes, &sum);
    if (fault == AK_E_TOOBIG)
        return ak__fault(run, fault, "a record is too big");
    if (fault)
        return ak__fault(run, fault, "out of memory");
    AkCommand *command = ak__command(run, out, AK_CMD_JOURNAL);
    if (!command)
        return AK_E_NOMEM;
    command->number = run->length++;
    command->sum = run->sum = sum;
    command->lazy = lazy;
    command->value = ak__own(out, (AkBytes){run->bytes.at, run->bytes.len});
    if (record->kind != AK_REC_PRINT)
        run->losses = 0;
    if (record->seq == 0 || record->kind == AK_REC_PRINT)
        return 0;
    run->last_seq = record->seq;
    if (run->phase == AK__PARKED ? !run->fresh : record->seq <= run->seq)
        return 0;
    AkBytes bytes = {run->bytes.at, run->bytes.len};
    AkRecord written;
    const char *why;
    fault =
        ak_record_read(bytes, run->session, command->number, previous, &written, &sum, &why);
    assert(fault == 0);
    return fault ? fault : ak__remember(run, bytes, written);
}

void ak__reply(AkRun *run, AkNow now, const AkRecord *record, bool request, AkCommands *out)
{
    AkCommand *command = ak__command(run, out, AK_CMD_REPLY);
    if (!command)
        return;
    command->seq = record->seq;
    command->at_us = ak__time(run, record->at_us);
    command->request = request;
    command->value = ak__own(out, record->value);
    command->error = ak__own(out, record->error);
    ak__start_turn(run, now);
}

void ak__start_turn(AkRun *run, AkNow now)
{
    run->phase = AK__TURN;
    run->limit =
        run->options.turn_timeout_us > 0 ? now.mono_us + run->options.turn_timeout_us : 0;
    if (run->limit && run->seq < run->promised)
        run->limit += REPORT_US;
}

int ak__set_call(AkRun *run, const AkEvent *event, uint64_t attempt, AkNow now)
{
    AkCall *call = &run->call;
    /* The data is kept only where it may be needed again. */
    AkBytes parts[] = {event->name,
                       event->args,
                       event->file,
                       event->func,
                       event->digest,
                       event->preview,
                       event->retries ? event->value : (AkBytes){NULL, 0}};
    AkBytes *slots[] = {&call->name,   &call->args,    &call->file, &call->func,
                        &call->digest, &call->preview, &call->data};
    size_t len = 0;
    for (size_t i = 0; i < 7; i++)
        len += parts[i].len + 1;
    free(call->bytes);
    *call = (AkCall){.bytes = malloc(len),
                     .seq = run->seq,
                     .attempt = attempt,
                     .line = event->line,
                     .retries = event->retries,
                     .in_memory = event->in_memory,
                     .timeout_us = event->timeout_us,
                     .backoff_us = event->backoff_us};
    call->start_us = now.wall_us > run->last_at ? now.wall_us : run->last_at;
    if (!call->bytes) {
        run->failed = true;
        return AK_E_NOMEM;
    }
    char *at = call->bytes;
    for (size_t i = 0; i < 7; i++) {
        if (parts[i].len)
            memcpy(at, parts[i].at, parts[i].len);
        *slots[i] = (AkBytes){parts[i].at ? at : NULL, parts[i].len};
        at += parts[i].len;
    }
    return 0;
}

void ak__describe(AkText *text, AkBytes name, AkBytes file, uint64_t line)
{
    ak_text_bytes(text, name);
    if (!file.at)
        return;
    ak_text_str(text, " (");
    ak_text_bytes(text, file);
    ak_text_str(text, ":");
    ak_text_int(text, (int64_t)line);
    ak_text_str(text, ")");
}

AkBytes ak__error_json(AkRun *run, const char *kind, const char *type, AkBytes message,
                       AkBytes file, uint64_t line, AkBytes func)
{
    AkText *json = &run->scratch;
    ak_text_clear(json);
    ak_text_str(json, "{\"type\": ");
    ak_text_json(json, ak_bytes(type));
    ak_text_str(json, ", \"message\": ");
    ak_text_json(json, message);
    ak_text_str(json, ", \"traceback\": [");
    if (file.at) {
        ak_text_str(json, "{\"file\": ");
        ak_text_json(json, file);
        ak_text_str(json, ", \"line\": ");
        ak_text_int(json, (int64_t)line);
        ak_text_str(json, ", \"name\": ");
        ak_text_json(json, func.at ? func : ak_bytes(""));
        ak_text_str(json, ", \"code\": \"\"}");
    }
    ak_text_str(json, "], \"kind\": ");
    ak_text_json(json, ak_bytes(kind));
    ak_text_str(json, "}");
    run->failed |= json->failed;
    return (AkBytes){json->at, json->len};
}

int ak__off_script(AkRun *run, AkNow now, const AkEvent *event, AkCommands *out)
{
    static const char *const phases[] = {[AK__STARTING] = "before it named its module",
                                         [AK__TURN] = "in workflow code",
                                         [AK__EXECUTING] = "while it performs a call",
                                         [AK__BACKOFF] = "while a call waits to be retried",
                                         [AK__WAITING] = "while it waits",
                                         [AK__STUCK] = "while its turn is over"};
    AkText words = {0};
    ak_text_str(&words, "the runner sent '");
    ak_text_str(&words, ak_event_name(event->kind));
    ak_text_str(&words, "' ");
    ak_text_str(&words, phases[run->phase]);
    run->failed |= words.failed;
    int fault =
        ak__fail(run, now, "protocol", "ProtocolError", (AkBytes){words.at, words.len}, out);
    ak_text_free(&words);
    return fault;
}

/* A base runner does not number its calls. */
bool ak__numbered(const AkEvent *event, uint64_t expected)
{
    return event->seq == 0 || event->seq == expected;
}

static int ignore(AkRun *run, AkNow now, const AkEvent *event, AkCommands *out)
{
    (void)run;
    (void)now;
    (void)event;
    (void)out;
    return 0;
}

static int module_named(AkRun *run, AkNow now, const AkEvent *event, AkCommands *out)
{
    if (event->error.at)
        return ak__finish(run, now, AK_STATE_ERROR, (AkBytes){NULL, 0}, event->error, out);
    AkCommand *command = ak__command(run, out, AK_CMD_RUN);
    if (!command)
        return AK_E_NOMEM;
    command->name = ak__own(out, run->start.name);
    command->args = ak__own(out, run->start.args);
    command->seed = ak__own(out, run->start.seed);
    command->dialect = ak__own(out, run->start.dialect);
    command->at_us = run->last_at = run->start.at_us;
    if (event->number >= 2)
        command->number = ak__promise(run);
    ak__send_history(run, out);
    ak__command(run, out, AK_CMD_WAIT); /* nothing: it runs. Shares a later commit */
    free(run->start_bytes);
    run->start_bytes = NULL;
    run->start = (AkRecord){0};
    run->fresh = false;
    ak__start_turn(run, now);
    return 0;
}

static int print(AkRun *run, AkNow now, const AkEvent *event, AkCommands *out)
{
    if (event->seq == 0 && ++run->prints_seen <= run->prints)
        return 0;
    AkRecord record = {.kind = AK_REC_PRINT,
                       .seq = event->seq,
                       .line = event->line,
                       .file = event->file,
                       .func = event->func,
                       .text = event->text,
                       .stream = event->stream ? event->stream : AK_STREAM_STDOUT};
    int fault = ak__journal(run, now, &record, true, out);
    if (fault)
        return fault;
    run->prints += event->seq == 0;
    AkCommand *show = ak__command(run, out, AK_CMD_SHOW);
    if (show) {
        show->seq = event->seq;
        show->stream = record.stream;
        show->text = ak__own(out, event->text);
    }
    return 0;
}
