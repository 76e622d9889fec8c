/* run.c: the life of a session: created or loaded, given a runner, replayed, ended.
 *
 * The table of all states is ak__run_rows here plus those of activity.c (calls), timer.c (time)
 * and signal.c (requests and mail); ak_run_step finds the row and calls its handler.
 */
#include "run.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* How seldom a runner tells that it replays, as docs/protocol.md has it. */
#define REPORT_US 1000000

static int create(AkRun *, AkNow, const AkEvent *, AkCommands *);
static int take_record(AkRun *, AkNow, const AkEvent *, AkCommands *);
static int loaded(AkRun *, AkNow, const AkEvent *, AkCommands *);
static int module_named(AkRun *, AkNow, const AkEvent *, AkCommands *);
static int print(AkRun *, AkNow, const AkEvent *, AkCommands *);
static int program_done(AkRun *, AkNow, const AkEvent *, AkCommands *);
static int lost(AkRun *, AkNow, const AkEvent *, AkCommands *);
static int lost_at_rest(AkRun *, AkNow, const AkEvent *, AkCommands *);
static int broken(AkRun *, AkNow, const AkEvent *, AkCommands *);
static int stop(AkRun *, AkNow, const AkEvent *, AkCommands *);
static int ignore(AkRun *, AkNow, const AkEvent *, AkCommands *);

const AkRow ak__run_rows[] = {
    {AK__NEW, AK_EV_CREATE, create, "new + create: journal the start, ask for a runner"},
    {AK__NEW, AK_EV_RECORD, take_record, "new + record: the journal begins"},
    {AK__NEW, AK_EV_LOADED, loaded, "new + loaded: a journal without a start is corrupt"},
    {AK__LOADING, AK_EV_RECORD, take_record, "loading + record: remember it"},
    {AK__LOADING, AK_EV_LOADED, loaded, "loading + loaded: wait on, or ask for a runner"},
    {AK__STARTING, AK_EV_MODULE, module_named, "starting + module: run the entry point"},
    {AK__TURN, AK_EV_DONE, program_done, "turn + done: the end"},
    {AK__TURN, AK_EV_REPLAYED, ak__replayed, "turn + replayed: forget that, send more"},

    {AK__STARTING, AK_EV_PRINT, print, "starting + print: record and show, once"},
    {AK__TURN, AK_EV_PRINT, print, "turn + print: record and show, once"},
    {AK__EXECUTING, AK_EV_PRINT, print, "executing + print: record and show"},
    {AK__BACKOFF, AK_EV_PRINT, print, "backoff + print: record and show"},
    {AK__WAITING, AK_EV_PRINT, print, "waiting + print: record and show"},
    {AK__STUCK, AK_EV_PRINT, print, "stuck + print: record and show"},

    {AK__STARTING, AK_EV_LOST, lost, "starting + lost: another runner, or give up"},
    {AK__TURN, AK_EV_LOST, lost, "turn + lost: another runner, or give up"},
    {AK__EXECUTING, AK_EV_LOST, lost,
     "executing + lost: another runner calls again, or give up"},
    {AK__BACKOFF, AK_EV_LOST, lost_at_rest, "backoff + lost: park"},
    {AK__WAITING, AK_EV_LOST, lost_at_rest, "waiting + lost: park"},
    {AK__PARKED, AK_EV_LOST, ignore, "parked + lost: known already"},
    {AK__RESPAWN, AK_EV_LOST, ignore, "respawn + lost: known already"},

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

    {AK__STARTING, AK_EV_CALL, ak__off_script, "starting + call: off script"},
    {AK__STARTING, AK_EV_RESULT, ak__off_script, "starting + result: off script"},
    {AK__STARTING, AK_EV_REQUEST, ak__off_script, "starting + request: off script"},
    {AK__STARTING, AK_EV_DONE, ak__off_script, "starting + done: off script"},
    {AK__TURN, AK_EV_MODULE, ak__off_script, "turn + module: off script"},
    {AK__TURN, AK_EV_RESULT, ak__off_script, "turn + result: off script"},
    {AK__EXECUTING, AK_EV_MODULE, ak__off_script, "executing + module: off script"},
    {AK__EXECUTING, AK_EV_CALL, ak__off_script, "executing + call: off script"},
    {AK__EXECUTING, AK_EV_REQUEST, ak__off_script, "executing + request: off script"},
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

/* --- Commands
 * ------------------------------------------------------------------------------------- */

#define PIECE 8192

typedef struct Piece {
    struct Piece *next;
    size_t used, room;
    char bytes[];
} Piece;

struct AkCommands {
    AkCommand *items;
    size_t len, room;
    Piece *pieces;
    bool failed;
};

AkCommands *ak_commands_new(void)
{
    return calloc(1, sizeof(AkCommands));
}

static void free_pieces(Piece *piece)
{
    while (piece) {
        Piece *next = piece->next;
        free(piece);
        piece = next;
    }
}

void ak_commands_free(AkCommands *commands)
{
    if (!commands)
        return;
    free_pieces(commands->pieces);
    free(commands->items);
    free(commands);
}

/* One piece of the usual size is kept for the next round. */
void ak_commands_clear(AkCommands *commands)
{
    Piece *first = commands->pieces;
    commands->len = 0;
    commands->failed = false;
    if (first && first->room == PIECE) {
        free_pieces(first->next);
        first->next = NULL;
        first->used = 0;
    } else {
        free_pieces(first);
        commands->pieces = NULL;
    }
}

size_t ak_commands_count(const AkCommands *commands)
{
    return commands->len;
}

const AkCommand *ak_commands_at(const AkCommands *commands, size_t i)
{
    assert(i < commands->len);
    return &commands->items[i];
}

AkBytes ak__own(AkCommands *out, AkBytes bytes)
{
    Piece *piece = out->pieces;
    if (!bytes.at)
        return bytes;
    if (!piece || piece->room - piece->used < bytes.len + 1) {
        size_t room = bytes.len + 1 > PIECE ? bytes.len + 1 : PIECE;
        piece = malloc(sizeof *piece + room);
        if (!piece) {
            out->failed = true;
            return (AkBytes){NULL, 0};
        }
        piece->room = room;
        piece->used = 0;
        piece->next = out->pieces;
        out->pieces = piece;
    }
    char *at = piece->bytes + piece->used;
    if (bytes.len)
        memcpy(at, bytes.at, bytes.len);
    at[bytes.len] = '\0';
    piece->used += bytes.len + 1;
    return (AkBytes){at, bytes.len};
}

/* Never NULL: when memory runs out it is a place nobody looks at, as the step then fails. */
AkCommand *ak__command(AkRun *run, AkCommands *out, AkCommandKind kind)
{
    if (!ak__run_grow(run, (void **)&out->items, &out->room, out->len, sizeof *out->items)) {
        out->failed = true;
        if (!out->room)
            return NULL;
        out->len = out->room - 1;
    }
    AkCommand *command = &out->items[out->len++];
    *command = (AkCommand){.kind = kind};
    return command;
}

bool ak_command_is_inside(AkCommandKind kind)
{
    return kind <= AK_CMD_JOURNAL;
}

const char *ak_command_name(AkCommandKind kind)
{
    static const char *const names[] = {
        "request", "send",    "take",  "wait", "finish", "load",  "journal", "spawn", "run",
        "history", "execute", "reply", "show", "note",   "alarm", "stack",   "kill"};
    return kind < AK_CMD_KINDS ? names[kind] : "";
}

const char *ak_event_name(AkEventKind kind)
{
    static const char *const names[] = {
        "create", "record",   "loaded", "mail", "module", "call", "result", "request", "print",
        "done",   "replayed", "answer", "time", "stack",  "lost", "broken", "stop"};
    return kind < AK_EV_KINDS ? names[kind] : "";
}

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

static void forget_records(AkRun *run)
{
    for (size_t i = 0; i < run->known_len; i++)
        ak__forget(&run->known[i]);
    run->known_len = 0;
    free(run->start_bytes);
    run->start_bytes = NULL;
    run->start = (AkRecord){0};
}

void ak__drop_mail(AkMailItem *mail)
{
    free(mail->bytes);
    *mail = (AkMailItem){0};
}

static void forget_all(AkRun *run)
{
    forget_records(run);
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
    forget_all(run);
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

static const AkRow *row_at(size_t i)
{
    if (i < ak__run_rows_len)
        return &ak__run_rows[i];
    i -= ak__run_rows_len;
    if (i < ak__activity_rows_len)
        return &ak__activity_rows[i];
    i -= ak__activity_rows_len;
    if (i < ak__timer_rows_len)
        return &ak__timer_rows[i];
    i -= ak__timer_rows_len;
    return i < ak__signal_rows_len ? &ak__signal_rows[i] : NULL;
}

size_t ak_engine_rows(void)
{
    return ak__run_rows_len + ak__activity_rows_len + ak__timer_rows_len + ak__signal_rows_len;
}

const char *ak_engine_row_name(size_t i)
{
    const AkRow *row = row_at(i);
    return row ? row->name : "";
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
    for (size_t i = 0; (row = row_at(i)); i++) {
        if (row->phase != run->phase || row->event != event->kind)
            continue;
        run->row = (int)i;
        int fault = row->handle(run, now, event, out);
        if (fault == 0 && run->phase != AK__LOADING)
            ak__arm(run, now, out);
        if (run->failed || out->failed) {
            run->failed = true;
            return fault ? fault : ak__fault(run, AK_E_NOMEM, "out of memory");
        }
        return fault;
    }
    return ak__fault(run, AK_E_MISUSE, "no such event in this state");
}

/* --- Helpers of all four files
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

void ak__forget(AkKnown *known)
{
    free(known->bytes);
    *known = (AkKnown){0};
}

void ak__pass(AkRun *run, AkKnown *known)
{
    ak__forget(known);
    if (run->seq < run->known_len)
        return;
    free(run->known);
    run->known = NULL;
    run->known_len = run->known_room = 0;
}

AkKnown *ak__known(AkRun *run, uint64_t seq)
{
    if (seq == 0 || seq > run->known_len || run->known[seq - 1].record.kind == 0)
        return NULL;
    return &run->known[seq - 1];
}

int64_t ak__time(AkRun *run, int64_t at)
{
    if (at > run->last_at)
        run->last_at = at;
    return run->last_at;
}

/* Keeps a record for the program, which is to come to its seq. A later record of the same seq
 * (an answer after its ask, a call after its attempts) takes the place of the former. */
static int remember(AkRun *run, AkBytes bytes, AkRecord record)
{
    char *copy = ak__copy(run, bytes);
    if (!copy)
        return AK_E_NOMEM;
    ak_record_move(&record, bytes.at, copy);
    while (run->known_len < record.seq) {
        if (!ak__run_grow(run, (void **)&run->known, &run->known_room, run->known_len,
                          sizeof *run->known)) {
            free(copy);
            return AK_E_NOMEM;
        }
        run->known[run->known_len++] = (AkKnown){0};
    }
    ak__forget(&run->known[record.seq - 1]);
    run->known[record.seq - 1] = (AkKnown){copy, record};
    return 0;
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
    return fault ? fault : remember(run, bytes, written);
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

/* --- The end
 * ------------------------------------------------------------------------------------------ */

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

static int end(AkRun *run, AkNow now, AkState state, AkBytes value, AkBytes error,
               AkCommands *out)
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

static void end_runner(AkRun *run, AkCommands *out)
{
    if (run->has_runner)
        ak__command(run, out, AK_CMD_KILL);
    run->has_runner = false;
}

int ak__finish(AkRun *run, AkNow now, AkState state, AkBytes value, AkBytes error,
               AkCommands *out)
{
    int fault = end(run, now, state, value, error, out);
    end_runner(run, out);
    forget_all(run);
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

/* --- Divergence
 * ----------------------------------------------------------------------------------------- */

static bool is_request(AkRecordKind kind)
{
    return kind == AK_REC_ASK || kind == AK_REC_ANSWER;
}

static bool other_arguments(const AkRecord *record, const AkEvent *event)
{
    if (is_request(record->kind))
        return record->args.at && event->args.at && !ak_bytes_equal(record->args, event->args);
    return record->digest.at && event->digest.at &&
           !ak_bytes_equal(record->digest, event->digest);
}

bool ak__differs(AkRun *run, const AkKnown *known, const AkEvent *event, bool request)
{
    const AkRecord *record = &known->record;
    return is_request(record->kind) != request || !ak_bytes_equal(record->name, event->name) ||
           (run->options.strict_arguments && other_arguments(record, event));
}

void ak__note_arguments(AkRun *run, const AkKnown *known, const AkEvent *event, AkCommands *out)
{
    const AkRecord *record = &known->record;
    AkText words = {0};
    if (!other_arguments(record, event))
        return;
    AkCommand *note = ak__command(run, out, AK_CMD_NOTE);
    ak_text_str(&words, "call ");
    ak_text_int(&words, (int64_t)record->seq);
    ak_text_str(&words, ", ");
    ak__describe(&words, event->name, event->file, event->line);
    ak_text_str(&words, ", has other arguments than when it was recorded");
    if (note && !words.failed) {
        note->seq = record->seq;
        note->text = ak__own(out, (AkBytes){words.at, words.len});
    }
    run->failed |= words.failed;
    ak_text_free(&words);
}

static void add_arguments(AkText *words, AkBytes preview, AkBytes args)
{
    AkBytes shown = preview.at ? preview : args;
    if (!shown.at)
        return;
    ak_text_str(words, " with ");
    ak_text_add(words, shown.at, shown.len > 200 ? 200 : shown.len);
}

/* The program does not do what its journal says it did. The runner hears of it (unless it says
 * that the program is over), then the session ends. */
int ak__diverge(AkRun *run, AkNow now, const AkKnown *known, const AkEvent *event, bool request,
                AkCommands *out)
{
    const AkRecord *record = &known->record;
    bool over = event->kind == AK_EV_DONE;
    bool alike = !over && is_request(record->kind) == request &&
                 ak_bytes_equal(record->name, event->name);
    uint64_t seq = record->seq;
    AkText words = {0};
    ak_text_str(&words, "call ");
    ak_text_int(&words, (int64_t)seq);
    ak_text_str(&words, " was ");
    ak__describe(&words, record->name, record->file, record->line);
    if (alike)
        add_arguments(&words, record->preview, record->args);
    ak_text_str(&words, " when it was recorded, but now the program ");
    if (over) {
        ak_text_str(&words, event->error.at ? "fails before it" : "ends before it");
    } else {
        ak_text_str(&words, "calls ");
        ak__describe(&words, event->name, event->file, event->line);
        if (alike)
            add_arguments(&words, event->preview, event->args);
    }
    run->failed |= words.failed;
    AkBytes error =
        ak__error_json(run, "divergence", "DivergenceError", (AkBytes){words.at, words.len},
                       event->file.at ? event->file : record->file,
                       event->file.at ? event->line : record->line,
                       event->file.at ? event->func : record->func);
    AkBytes told = ak__own(out, error);
    int fault = end(run, now, AK_STATE_ERROR, (AkBytes){NULL, 0}, told, out);
    if (!over && fault == 0) {
        AkCommand *reply = ak__command(run, out, AK_CMD_REPLY);
        if (reply) {
            reply->seq = seq;
            reply->at_us = run->last_at;
            reply->request = request;
            reply->error = told;
        }
    }
    end_runner(run, out);
    forget_all(run);
    ak_text_free(&words);
    return fault;
}

/* --- The beginning
 * ----------------------------------------------------------------------------------------- */

static void spawn(AkRun *run, AkCommands *out)
{
    ak__command(run, out, AK_CMD_SPAWN);
    run->has_runner = true;
    run->seq = 0;
    run->prints_seen = 0;
    run->promised = run->sent = 0;
    run->limit = 0;
    run->phase = AK__STARTING;
}

/* Record 0 has been read or written: what the run needs of it for as long as it lives. */
static int begin(AkRun *run, AkBytes bytes)
{
    uint64_t sum;
    const char *why;
    free(run->start_bytes);
    run->start_bytes = ak__copy(run, bytes);
    if (!run->start_bytes)
        return AK_E_NOMEM;
    bytes.at = run->start_bytes;
    ak_record_read(bytes, run->session, 0, 0, &run->start, &sum, &why);
    run->last_at = run->start.at_us;
    if (!run->entry)
        run->entry = ak__copy(run, run->start.name);
    if (!run->parent && run->start.parent.at)
        run->parent = ak__copy(run, run->start.parent);
    return 0;
}

static int create(AkRun *run, AkNow now, const AkEvent *event, AkCommands *out)
{
    AkRecord record = {.kind = AK_REC_START,
                       .name = event->name,
                       .args = event->args,
                       .seed = event->seed,
                       .dialect = event->dialect,
                       .parent = event->parent,
                       .text = event->text};
    int fault = ak__journal(run, now, &record, false, out);
    if (fault)
        return fault;
    fault = begin(run, (AkBytes){run->bytes.at, run->bytes.len});
    run->state = AK_STATE_RUNNING;
    run->fresh = true;
    spawn(run, out);
    return fault;
}

static int corrupt_record(AkRun *run, int fault, uint64_t number, const char *why)
{
    ak__fault(run, fault, "record ");
    ak_text_int(&run->words, (int64_t)number);
    ak_text_str(&run->words, " cannot be used: ");
    ak_text_str(&run->words, why);
    return fault;
}

static int note_taken(AkRun *run, uint64_t id)
{
    if (!ak__run_grow(run, (void **)&run->taken, &run->taken_room, run->taken_len,
                      sizeof *run->taken))
        return AK_E_NOMEM;
    size_t i = run->taken_len++;
    for (; i > 0 && run->taken[i - 1] > id; i--)
        run->taken[i] = run->taken[i - 1];
    run->taken[i] = id;
    return 0;
}

/* Does this record make sense after those before it? */
static const char *out_of_order(const AkRun *run, const AkRecord *record)
{
    uint64_t seq = record->seq;
    const AkRecord *last = run->last_seq && run->last_seq <= run->known_len
                               ? &run->known[run->last_seq - 1].record
                               : NULL;
    bool open = last && (last->kind == AK_REC_ATTEMPT ||
                         (last->kind == AK_REC_ASK && !ak_bytes_is(last->name, "sleep")));
    if (run->state != AK_STATE_CREATED && run->state != AK_STATE_RUNNING)
        return "it comes after the end";
    if ((record->kind == AK_REC_START) != (record->number == 0))
        return "the start is not at the start";
    if (record->kind == AK_REC_START || record->kind == AK_REC_PRINT ||
        record->kind == AK_REC_DONE)
        return NULL;
    if (seq == run->last_seq + 1 && !open && seq <= record->number)
        return NULL;
    if (seq == run->last_seq && open && is_request(record->kind) == (last->kind == AK_REC_ASK))
        return NULL;
    return "its call number does not follow";
}

static int take_record(AkRun *run, AkNow now, const AkEvent *event, AkCommands *out)
{
    AkRecord record;
    uint64_t sum;
    const char *why;
    (void)now;
    (void)out;
    run->phase = AK__LOADING;
    int fault =
        ak_record_read(event->value, run->session, run->fed, run->fed_sum, &record, &sum, &why);
    if (fault)
        return corrupt_record(run, fault, run->fed, why);
    why = out_of_order(run, &record);
    if (why)
        return corrupt_record(run, AK_E_CORRUPT, run->fed, why);
    switch (record.kind) {
    case AK_REC_START:
        fault = begin(run, event->value);
        run->state = AK_STATE_RUNNING;
        break;
    case AK_REC_PRINT: run->prints += record.seq == 0; break;
    case AK_REC_DONE: run->state = record.state; break;
    default:
        run->last_seq = record.seq;
        fault = remember(run, event->value, record);
        if (fault == 0 && record.mail)
            fault = note_taken(run, record.mail);
    }
    if (fault)
        return ak__fault(run, fault, "out of memory");
    ak__time(run, record.at_us);
    run->fed++;
    run->fed_sum = sum;
    return 0;
}

/* Was the program waiting when this was written? Then the wait is taken up where it stood. */
static bool take_up_wait(AkRun *run, AkNow now)
{
    const AkKnown *last = ak__known(run, run->last_seq);
    if (!last || (last->record.kind != AK_REC_ASK && last->record.kind != AK_REC_ATTEMPT))
        return false;
    const AkRecord *record = &last->record;
    AkWait wait = record->kind == AK_REC_ATTEMPT            ? AK_WAIT_RETRY
                  : ak_bytes_is(record->name, "sleep")      ? AK_WAIT_SLEEP
                  : ak_bytes_is(record->name, "next_event") ? AK_WAIT_EVENT
                                                            : AK_WAIT_SIGNAL;
    if (run->over == record->seq)
        return false;
    ak_text_clear(&run->wait_args);
    ak_text_bytes(&run->wait_args, wait == AK_WAIT_RETRY ? record->name : record->args);
    run->failed |= run->wait_args.failed;
    ak__wait_until(run, now, wait, record->seq, record->at_us, record->due_us);
    return true;
}

static int loaded(AkRun *run, AkNow now, const AkEvent *event, AkCommands *out)
{
    bool again = run->length > 0; /* after AK_CMD_LOAD */
    if (run->fed == 0)
        return ak__fault(run, AK_E_CORRUPT, "its journal has no start");
    if (run->fed != event->number || (again && run->fed != run->length)) {
        uint64_t wanted = again ? run->length : event->number;
        ak__fault(run, AK_E_CORRUPT, "its journal has ");
        ak_text_int(&run->words, (int64_t)run->fed);
        ak_text_str(&run->words, " records, but ");
        ak_text_int(&run->words, (int64_t)wanted);
        ak_text_str(&run->words, " were acknowledged; the first in question is record ");
        ak_text_int(&run->words, (int64_t)(run->fed < wanted ? run->fed : wanted));
        return AK_E_CORRUPT;
    }
    if (run->fed_sum != event->sum || (again && run->fed_sum != run->sum))
        return corrupt_record(run, AK_E_CORRUPT, run->fed - 1,
                              "it is not the one acknowledged");
    run->length = run->fed;
    run->sum = run->fed_sum;
    run->fresh = true;
    run->seq = 0;
    if (run->state != AK_STATE_RUNNING) {
        run->phase = AK__ENDED;
        forget_all(run);
        return 0;
    }
    run->phase = AK__PARKED;
    if (!take_up_wait(run, now)) {
        spawn(run, out);
        return 0;
    }
    int fault = ak__try_wait(run, now, out);
    /* The row may say that the wait was over: it was, by a clock that has been set back since.
     */
    if (fault == 0)
        ak__show_wait(run, out);
    return fault < 0 ? fault : 0;
}

/* Back to the start: what is remembered is dropped and asked for again, as it was partly
 * replied and freed. Mail stays, it is not part of the journal. */
int ak__restart(AkRun *run, AkCommands *out)
{
    if (run->fresh) {
        spawn(run, out);
        return 0;
    }
    forget_records(run);
    run->fed = run->fed_sum = 0;
    run->last_seq = run->prints = 0;
    run->taken_len = 0;
    run->limit = 0;
    run->wait = AK_WAIT_NOTHING;
    run->state = AK_STATE_RUNNING;
    run->phase = AK__LOADING;
    ak__command(run, out, AK_CMD_LOAD);
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
