/* protocol.c: JSON lines to messages and back.
 *
 * Each message type is a table of the fields it has: name, what it must look like, where it
 * goes in AkMessage. Reading checks the line once, walks it once, and decodes strings in their
 * own place; writing is by hand, in the order docs/protocol.md lists the fields.
 */
#include "protocol.h"

#include "jsontext.h"

#include <stdlib.h>
#include <string.h>

#define ROOM_LEAST 4096
#define ERROR_MAX  256

typedef enum Shape {
    STR,    /* a string, decoded */
    OPTSTR, /* a string or null */
    COUNT,  /* a whole number */
    TIME,   /* seconds, to microseconds */
    FLAG,   /* true or false */
    LIST,   /* an array, as it lies; null is absent */
    OBJECT, /* an object, as it lies; null is absent */
    ANY,    /* any value, as it lies */
    STREAM, /* "stdout" or "stderr" */
    WHERE,  /* {file, line, func} */
    OPTIONS /* {retries, timeout, backoff} */
} Shape;

typedef struct Field {
    const char *name;
    Shape shape;
    bool required;
    size_t offset;
} Field;

#define F(name, shape, member)                                                                 \
    {                                                                                          \
        name, shape, false, offsetof(AkMessage, member)                                        \
    }
#define MUST(name, shape, member)                                                              \
    {                                                                                          \
        name, shape, true, offsetof(AkMessage, member)                                         \
    }
#define END                                                                                    \
    {                                                                                          \
        NULL, STR, false, 0                                                                    \
    }

typedef struct Type {
    const char *name;
    AkMessageKind kind;
    unsigned sides;
    Field fields[12];
} Type;

/* A type whose two directions differ stands twice. */
static const Type types[] = {
    {"module",
     AK_MSG_MODULE,
     AK_FROM_RUNNER,
     {F("entries", LIST, entries), F("proto", COUNT, proto), F("python", OPTSTR, python),
      F("functions", LIST, functions), F("error", OBJECT, error), END}},
    {"run",
     AK_MSG_RUN,
     AK_FROM_ENGINE,
     {MUST("func_name", STR, name), F("event", OBJECT, event), F("proto", COUNT, proto),
      F("session_id", OPTSTR, session_id), F("dialect", OPTSTR, dialect),
      F("seed", OPTSTR, seed), F("at", TIME, at_us), F("replay", COUNT, replay), END}},
    {"history", AK_MSG_HISTORY, AK_FROM_ENGINE, {MUST("records", LIST, args), END}},
    {"callback",
     AK_MSG_CALLBACK,
     AK_FROM_RUNNER,
     {MUST("name", STR, name), F("args", LIST, args), F("kw", OBJECT, kw),
      MUST("data", STR, value), F("seq", COUNT, seq), F("where", WHERE, file),
      F("preview", OPTSTR, preview), F("digest", OPTSTR, digest),
      F("in_memory", FLAG, in_memory), F("options", OPTIONS, retries), END}},
    {"callback",
     AK_MSG_CALLBACK,
     AK_FROM_ENGINE,
     {MUST("name", STR, name), F("args", LIST, args), F("kw", OBJECT, kw),
      MUST("data", STR, value), F("seq", COUNT, seq), F("attempt", COUNT, attempt), END}},
    {"response",
     AK_MSG_RESPONSE,
     AK_FROM_RUNNER,
     {F("value", OPTSTR, value), F("seq", COUNT, seq), F("preview", OPTSTR, preview),
      F("error", OBJECT, error), END}},
    {"response",
     AK_MSG_RESPONSE,
     AK_FROM_ENGINE,
     {F("value", OPTSTR, value), F("seq", COUNT, seq), F("at", TIME, at_us),
      F("error", OBJECT, error), END}},
    {"request",
     AK_MSG_REQUEST,
     AK_FROM_RUNNER,
     {MUST("seq", COUNT, seq), MUST("op", STR, name), F("args", OBJECT, args),
      F("call", COUNT, call), F("where", WHERE, file), END}},
    {"reply",
     AK_MSG_REPLY,
     AK_FROM_ENGINE,
     {MUST("seq", COUNT, seq), F("at", TIME, at_us), F("value", ANY, value),
      F("error", OBJECT, error), END}},
    {"print",
     AK_MSG_PRINT,
     AK_FROM_RUNNER,
     {MUST("text", STR, text), F("stream", STREAM, stream), F("seq", COUNT, seq),
      F("where", WHERE, file), END}},
    {"replayed", AK_MSG_REPLAYED, AK_FROM_RUNNER, {MUST("seq", COUNT, seq), END}},
    {"done",
     AK_MSG_DONE,
     AK_FROM_RUNNER,
     {F("value", OPTSTR, value), F("error", OBJECT, error), END}},
};

struct AkReader {
    AkSide from;
    size_t max_line;
    char *bytes;
    size_t start, end, room; /* start: of the line that is being gathered */
    size_t searched;         /* no newline before this */
    int fault;
    char error[ERROR_MAX];
    size_t error_len;
};

AkReader *ak_reader_new(AkSide from, size_t max_line)
{
    AkReader *reader = calloc(1, sizeof *reader);
    if (!reader)
        return NULL;
    reader->from = from;
    reader->max_line = max_line ? max_line : AK_LINE_MAX;
    return reader;
}

void ak_reader_free(AkReader *reader)
{
    if (reader)
        free(reader->bytes);
    free(reader);
}

const char *ak_reader_error(const AkReader *reader)
{
    return reader->error;
}

bool ak_reader_is_empty(const AkReader *reader)
{
    return reader->start == reader->end;
}

static void say(AkReader *reader, AkBytes words)
{
    for (size_t i = 0; i < words.len && reader->error_len + 1 < ERROR_MAX; i++) {
        unsigned char c = (unsigned char)words.at[i];
        reader->error[reader->error_len++] = c >= 0x20 && c < 0x7F ? (char)c : '?';
    }
    reader->error[reader->error_len] = '\0';
}

static void say_number(AkReader *reader, uint64_t number)
{
    char digits[20];
    size_t at = sizeof digits;
    do {
        digits[--at] = (char)('0' + number % 10);
        number /= 10;
    } while (number);
    say(reader, (AkBytes){digits + at, sizeof digits - at});
}

static int fail(AkReader *reader, int fault, const char *words)
{
    reader->fault = fault;
    say(reader, ak_bytes(words));
    return fault;
}

static int fail_about(AkReader *reader, const char *words, AkBytes name, const char *rest)
{
    say(reader, ak_bytes(words));
    say(reader, (AkBytes){name.at, name.len > 80 ? 80 : name.len});
    return fail(reader, AK_E_FORMAT, rest);
}

static int fail_long(AkReader *reader)
{
    say(reader, ak_bytes("a line is longer than "));
    say_number(reader, reader->max_line);
    return fail(reader, AK_E_TOOBIG, " bytes");
}

char *ak_reader_room(AkReader *reader, size_t *size)
{
    if (reader->start &&
        (reader->start == reader->end || reader->room - reader->end < ROOM_LEAST)) {
        memmove(reader->bytes, reader->bytes + reader->start, reader->end - reader->start);
        reader->end -= reader->start;
        reader->searched -= reader->start;
        reader->start = 0;
    }
    if (reader->room - reader->end < ROOM_LEAST) {
        size_t room = reader->room ? reader->room * 2 : ROOM_LEAST * 2;
        char *bytes = realloc(reader->bytes, room);
        if (!bytes) {
            if (!reader->fault)
                fail(reader, AK_E_NOMEM, "out of memory");
            return NULL;
        }
        reader->bytes = bytes;
        reader->room = room;
    }
    *size = reader->room - reader->end;
    return reader->bytes + reader->end;
}

void ak_reader_filled(AkReader *reader, size_t len)
{
    if (reader->fault)
        return; /* what follows a broken line is nobody's */
    reader->end += len;
    if (reader->end - reader->start <= reader->max_line)
        return;
    /* Above the limit only lines count that are too long themselves. */
    const char *newline =
        memchr(reader->bytes + reader->searched, '\n', reader->end - reader->searched);
    if (newline)
        return;
    reader->searched = reader->end;
    fail_long(reader);
}

int ak_reader_feed(AkReader *reader, const void *bytes, size_t len)
{
    const char *at = bytes;
    while (len && !reader->fault) {
        size_t size;
        char *room = ak_reader_room(reader, &size);
        if (!room)
            return reader->fault;
        size = size < len ? size : len;
        memcpy(room, at, size);
        ak_reader_filled(reader, size);
        at += size;
        len -= size;
    }
    return reader->fault;
}

static bool decode_here(AkBytes item, AkBytes *to)
{
    if (ak_json_kind(item) != AK_JSON_STRING)
        return false;
    /* The line is ours to write in, and a decoded string is never longer than it was. */
    char *at = (char *)(uintptr_t)item.at;
    to->len = ak_json_decode(item, at);
    to->at = at;
    return true;
}

static bool set_where(AkMessage *message, AkBytes where)
{
    AkBytes name, item, file = {NULL, 0}, func = {NULL, 0};
    if (ak_json_kind(where) != AK_JSON_OBJECT)
        return false;
    AkJsonWalk walk = ak_json_walk(where);
    while (ak_json_next(&walk, &name, &item)) {
        if (ak_json_string_is(name, ak_bytes("file")))
            file = item;
        else if (ak_json_string_is(name, ak_bytes("func")))
            func = item;
        else if (ak_json_string_is(name, ak_bytes("line")) &&
                 !ak_json_count(item, &message->line))
            return false;
    }
    return (ak_json_kind(file) <= AK_JSON_NULL || decode_here(file, &message->file)) &&
           (ak_json_kind(func) <= AK_JSON_NULL || decode_here(func, &message->func));
}

static bool set_options(AkMessage *message, AkBytes options)
{
    AkBytes retries = ak_json_member(options, "retries");
    AkBytes timeout = ak_json_member(options, "timeout");
    AkBytes backoff = ak_json_member(options, "backoff");
    uint64_t count = 0;
    if (ak_json_kind(options) != AK_JSON_OBJECT)
        return false;
    if (ak_json_kind(retries) > AK_JSON_NULL &&
        (!ak_json_count(retries, &count) || count > UINT32_MAX))
        return false;
    message->retries = (uint32_t)count;
    if (ak_json_kind(timeout) > AK_JSON_NULL &&
        (!ak_json_micros(timeout, &message->timeout_us) || message->timeout_us < 0))
        return false;
    return ak_json_kind(backoff) <= AK_JSON_NULL ||
           (ak_json_micros(backoff, &message->backoff_us) && message->backoff_us >= 0);
}

static bool set_count(const Field *field, AkMessage *message, AkBytes item)
{
    uint64_t count;
    if (!ak_json_count(item, &count))
        return false;
    if (field->offset == offsetof(AkMessage, proto)) {
        message->proto = count > UINT32_MAX ? UINT32_MAX : (uint32_t)count;
        return true;
    }
    memcpy((char *)message + field->offset, &count, sizeof count);
    return true;
}

static bool set_field(const Field *field, AkMessage *message, AkBytes item)
{
    char *place = (char *)message + field->offset;
    AkBytes *bytes = (AkBytes *)(void *)place;
    AkJsonKind kind = ak_json_kind(item);
    if (kind == AK_JSON_NULL && field->shape != STR && field->shape != ANY)
        return true;
    switch (field->shape) {
    case STR:
    case OPTSTR: return decode_here(item, bytes);
    case COUNT: return set_count(field, message, item);
    case TIME: return ak_json_micros(item, &message->at_us);
    case FLAG: message->in_memory = ak_json_is_true(item); return kind == AK_JSON_BOOL;
    case LIST: *bytes = item; return kind == AK_JSON_ARRAY;
    case OBJECT: *bytes = item; return kind == AK_JSON_OBJECT;
    case ANY: *bytes = item; return true;
    case STREAM:
        message->stream =
            ak_json_string_is(item, ak_bytes("stderr")) ? AK_STREAM_STDERR : AK_STREAM_STDOUT;
        return message->stream == AK_STREAM_STDERR ||
               ak_json_string_is(item, ak_bytes("stdout"));
    case WHERE: return set_where(message, item);
    case OPTIONS: return set_options(message, item);
    }
    return false;
}

static const Type *find_type(AkBytes name, AkSide side)
{
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if ((types[i].sides & side) && ak_json_string_is(name, ak_bytes(types[i].name)))
            return &types[i];
    return NULL;
}

/* Two passes over the members: first the slices (the last of a doubled key wins, as in Python),
 * then what they mean. Only the second writes into the line. */
static int read_payload(AkReader *reader, const Type *type, AkBytes payload, AkMessage *message)
{
    AkBytes items[12] = {{NULL, 0}}, name, item;
    AkJsonWalk walk = ak_json_walk(payload);
    while (ak_json_next(&walk, &name, &item))
        for (size_t i = 0; type->fields[i].name; i++)
            if (ak_json_string_is(name, ak_bytes(type->fields[i].name)))
                items[i] = item;
    for (size_t i = 0; type->fields[i].name; i++) {
        const Field *field = &type->fields[i];
        if (!items[i].at) {
            if (!field->required)
                continue;
            fail_about(reader, "a ", ak_bytes(type->name), " message lacks its ");
            return fail_about(reader, "", ak_bytes(field->name), "");
        }
        if (!set_field(field, message, items[i])) {
            fail_about(reader, "a ", ak_bytes(type->name), " message has a ");
            return fail_about(reader, "", ak_bytes(field->name), " of the wrong kind");
        }
    }
    return 0;
}

/* Nothing before the first call, and nothing inside of one, has its number. */
static bool is_numbered(const AkMessage *message)
{
    if (message->kind == AK_MSG_REQUEST)
        return message->seq ? !message->call : message->call > 0;
    return message->kind != AK_MSG_REPLAYED || message->seq;
}

static int read_line(AkReader *reader, AkBytes line, AkMessage *message)
{
    const char *why;
    size_t where;
    memset(message, 0, sizeof *message);
    if (ak_json_check(line, AK_JSON_DEPTH, &why, &where) < 0) {
        say(reader, ak_bytes("a line is not JSON: "));
        say(reader, ak_bytes(why));
        say(reader, ak_bytes(" at byte "));
        say_number(reader, where);
        return fail(reader, AK_E_FORMAT, "");
    }
    while (line.len && (*line.at == ' ' || *line.at == '\t' || *line.at == '\r')) {
        line.at++;
        line.len--;
    }
    if (ak_json_kind(line) != AK_JSON_OBJECT)
        return fail(reader, AK_E_FORMAT, "a line is not a JSON object");
    AkBytes name = ak_json_member(line, "type");
    AkBytes payload = ak_json_member(line, "payload");
    if (ak_json_kind(name) != AK_JSON_STRING)
        return fail(reader, AK_E_FORMAT, "a message lacks its type");
    const Type *type = find_type(name, reader->from);
    if (!type)
        return fail_about(reader, "a message of unknown type ", name, "");
    if (ak_json_kind(payload) > AK_JSON_NULL && ak_json_kind(payload) != AK_JSON_OBJECT)
        return fail_about(reader, "a ", ak_bytes(type->name),
                          " message has no object as its payload");
    message->kind = type->kind;
    int fault = read_payload(reader, type, payload, message);
    if (fault)
        return fault;
    if (!is_numbered(message))
        return fail_about(reader, "a ", ak_bytes(type->name),
                          " message has a seq of the wrong kind");
    /* A base runner always says what a call gave; with an error there may be nothing to pickle.
     */
    if (type->kind == AK_MSG_RESPONSE && !message->value.at && !message->error.at)
        return fail(reader, AK_E_FORMAT, "a response message lacks its value");
    return 1;
}

int ak_reader_next(AkReader *reader, AkMessage *message)
{
    if (reader->start == reader->end)
        return reader->fault;
    const char *newline =
        memchr(reader->bytes + reader->searched, '\n', reader->end - reader->searched);
    if (!newline) {
        reader->searched = reader->end;
        if (!reader->fault && reader->end - reader->start > reader->max_line)
            fail_long(reader);
        return reader->fault;
    }
    AkBytes line = {reader->bytes + reader->start,
                    (size_t)(newline - reader->bytes) - reader->start};
    if (reader->fault)
        return reader->fault;
    if (line.len > reader->max_line)
        return fail_long(reader);
    reader->start += line.len + 1;
    reader->searched = reader->start;
    return read_line(reader, line, message);
}

/* Writing. Each helper puts ", " before all but the first member. */
static void member(AkText *out, const char *name)
{
    if (out->len && out->at[out->len - 1] != '{')
        ak_text_str(out, ", ");
    ak_text_json(out, ak_bytes(name));
    ak_text_str(out, ": ");
}

static void put_str(AkText *out, const char *name, AkBytes value)
{
    if (!value.at)
        return;
    member(out, name);
    ak_text_json(out, value);
}

static void put_raw(AkText *out, const char *name, AkBytes value)
{
    if (!value.at)
        return;
    member(out, name);
    ak_text_bytes(out, value);
}

static void put_raw_or_null(AkText *out, const char *name, AkBytes value)
{
    put_raw(out, name, value.at ? value : ak_bytes("null"));
}

static void put_count(AkText *out, const char *name, uint64_t count)
{
    if (!count)
        return;
    member(out, name);
    ak_text_int(out, (int64_t)count);
}

/* One that may be 0. */
static void put_seq(AkText *out, uint64_t seq)
{
    member(out, "seq");
    ak_text_int(out, (int64_t)seq);
}

static void put_time(AkText *out, const char *name, int64_t micros)
{
    if (!micros)
        return;
    member(out, name);
    ak_text_seconds(out, micros);
}

static void put_where(AkText *out, const AkMessage *m)
{
    if (!m->file.at)
        return;
    member(out, "where");
    ak_text_str(out, "{");
    put_str(out, "file", m->file);
    put_count(out, "line", m->line);
    put_str(out, "func", m->func);
    ak_text_str(out, "}");
}

static void put_options(AkText *out, const AkMessage *m)
{
    if (!m->retries && !m->timeout_us && !m->backoff_us)
        return;
    member(out, "options");
    ak_text_str(out, "{");
    put_count(out, "retries", m->retries);
    put_time(out, "timeout", m->timeout_us);
    put_time(out, "backoff", m->backoff_us);
    ak_text_str(out, "}");
}

static void write_payload(const AkMessage *m, AkSide from, AkText *out)
{
    switch (m->kind) {
    case AK_MSG_MODULE:
        put_raw(out, "entries", m->entries.at ? m->entries : ak_bytes("[]"));
        put_count(out, "proto", m->proto);
        put_str(out, "python", m->python);
        put_raw(out, "functions", m->functions);
        put_raw(out, "error", m->error);
        break;
    case AK_MSG_RUN:
        put_str(out, "func_name", m->name);
        put_raw_or_null(out, "event", m->event);
        put_count(out, "proto", m->proto);
        put_str(out, "session_id", m->session_id);
        put_str(out, "dialect", m->dialect);
        put_str(out, "seed", m->seed);
        put_time(out, "at", m->at_us);
        put_count(out, "replay", m->replay);
        break;
    case AK_MSG_HISTORY: put_raw(out, "records", m->args); break;
    case AK_MSG_REPLAYED: put_count(out, "seq", m->seq); break;
    case AK_MSG_CALLBACK:
        put_str(out, "name", m->name);
        put_raw_or_null(out, "args", m->args);
        put_raw_or_null(out, "kw", m->kw);
        put_str(out, "data", m->value);
        put_count(out, "seq", m->seq);
        if (from == AK_FROM_ENGINE) {
            put_count(out, "attempt", m->attempt);
            break;
        }
        put_where(out, m);
        put_str(out, "preview", m->preview);
        put_str(out, "digest", m->digest);
        put_raw(out, "in_memory", m->in_memory ? ak_bytes("true") : (AkBytes){NULL, 0});
        put_options(out, m);
        break;
    case AK_MSG_RESPONSE:
        put_str(out, "value", m->value);
        put_count(out, "seq", m->seq);
        put_time(out, "at", from == AK_FROM_ENGINE ? m->at_us : 0);
        put_str(out, "preview", from == AK_FROM_RUNNER ? m->preview : (AkBytes){NULL, 0});
        put_raw(out, "error", m->error);
        break;
    case AK_MSG_REQUEST:
        put_seq(out, m->seq);
        put_str(out, "op", m->name);
        put_raw(out, "args", m->args);
        put_where(out, m);
        put_count(out, "call", m->call);
        break;
    case AK_MSG_REPLY:
        put_seq(out, m->seq);
        put_time(out, "at", m->at_us);
        if (m->error.at)
            put_raw(out, "error", m->error);
        else
            put_raw_or_null(out, "value", m->value);
        break;
    case AK_MSG_PRINT:
        put_str(out, "text", m->text);
        put_str(out, "stream", ak_bytes(m->stream == AK_STREAM_STDERR ? "stderr" : "stdout"));
        put_seq(out, m->seq);
        put_where(out, m);
        break;
    case AK_MSG_DONE:
        put_str(out, "value", m->value);
        put_raw(out, "error", m->error);
        break;
    }
}

static const Type *type_of(AkMessageKind kind, AkSide from)
{
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (types[i].kind == kind && (types[i].sides & from))
            return &types[i];
    return NULL;
}

int ak_message_write(const AkMessage *message, AkSide from, AkText *out)
{
    const Type *type = type_of(message->kind, from);
    if (!type)
        return AK_E_MISUSE;
    ak_text_str(out, "{\"type\": \"");
    ak_text_str(out, type->name);
    ak_text_str(out, "\"");
    /* A base runner's `done` has no payload key at all. */
    if (message->kind != AK_MSG_DONE || message->value.at || message->error.at) {
        ak_text_str(out, ", \"payload\": {");
        write_payload(message, from, out);
        ak_text_str(out, "}");
    }
    ak_text_str(out, "}\n");
    return out->failed ? AK_E_NOMEM : 0;
}

int ak_message_event(const AkMessage *m, AkEvent *event)
{
    static const AkEventKind kinds[] = {
        [AK_MSG_MODULE] = AK_EV_MODULE,     [AK_MSG_CALLBACK] = AK_EV_CALL,
        [AK_MSG_RESPONSE] = AK_EV_RESULT,   [AK_MSG_REQUEST] = AK_EV_REQUEST,
        [AK_MSG_PRINT] = AK_EV_PRINT,       [AK_MSG_DONE] = AK_EV_DONE,
        [AK_MSG_REPLAYED] = AK_EV_REPLAYED,
    };
    if (!type_of(m->kind, AK_FROM_RUNNER))
        return AK_E_MISUSE;
    *event = (AkEvent){
        .kind = kinds[m->kind],
        .seq = m->seq,
        .number = m->proto,
        .line = m->line,
        .stream = m->stream,
        .in_memory = m->in_memory,
        .retries = m->retries,
        .timeout_us = m->timeout_us,
        .backoff_us = m->backoff_us,
        .name = m->name,
        .value = m->value,
        .error = m->error,
        .text = m->text,
        .preview = m->preview,
        .digest = m->digest,
        .file = m->file,
        .func = m->func,
    };
    if (m->kind == AK_MSG_REQUEST) {
        event->args = m->args;
        event->number = m->call;
    }
    return 0;
}

/* `file.py:func`, or `file.py` alone, whose function the runner is not told. */
static AkBytes function_of(AkBytes entry)
{
    for (size_t i = entry.len; i > 0; i--)
        if (entry.at[i - 1] == ':')
            return (AkBytes){entry.at + i, entry.len - i};
    return entry;
}

int ak_command_line(const AkCommand *command, uint32_t proto, AkBytes session_id, AkText *out)
{
    AkMessage message = {.value = command->value, .error = command->error};
    bool extended = proto >= 2;
    if (extended) {
        message.seq = command->seq;
        message.at_us = command->at_us;
    }
    switch (command->kind) {
    case AK_CMD_RUN:
        message.kind = AK_MSG_RUN;
        message.name = function_of(command->name);
        message.event = command->args;
        message.value = (AkBytes){NULL, 0};
        if (extended) {
            message.proto = 2;
            message.session_id = session_id;
            message.dialect = command->dialect;
            message.seed = command->seed;
            message.replay = command->number;
        }
        break;
    case AK_CMD_HISTORY:
        message.kind = AK_MSG_HISTORY;
        message.args = command->args;
        break;
    case AK_CMD_EXECUTE:
        message.kind = AK_MSG_CALLBACK;
        message.name = command->name;
        message.attempt = extended ? command->attempt : 0;
        break;
    case AK_CMD_REPLY: message.kind = command->request ? AK_MSG_REPLY : AK_MSG_RESPONSE; break;
    default: return AK_E_MISUSE;
    }
    if (!extended && command->error.at && !command->value.at)
        return AK_E_MISUSE; /* the base has no words for it: end that runner instead */
    if (!extended)
        message.error = (AkBytes){NULL, 0};
    return ak_message_write(&message, AK_FROM_ENGINE, out);
}
