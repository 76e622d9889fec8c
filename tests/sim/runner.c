/* The runner: what a program says next, and what it makes of an answer. */
#define _GNU_SOURCE
#include "sim.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const Op *op_of(const Session *s, Runner *r)
{
    return r->pc < s->program.len ? &s->program.ops[r->pc] : NULL;
}

void next_op(const Session *s, Runner *r)
{
    const Op *op = op_of(s, r);
    if (op && ++r->round < op->times)
        return;
    r->round = 0;
    r->pc++;
}

static void say_request(Said *said, Runner *r, const char *op, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

static void say_request(Said *said, Runner *r, const char *op, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(said->args, sizeof said->args, format, args);
    va_end(args);
    said->event = (AkEvent){.kind = AK_EV_REQUEST,
                            .seq = ++r->seq,
                            .name = ak_bytes(op),
                            .args = ak_bytes(said->args),
                            .file = ak_bytes("flow.py"),
                            .line = (uint64_t)r->pc + 1,
                            .func = ak_bytes("main")};
    r->mode = ASKED;
}

static const char *timeout_text(const Op *op, char *to, size_t size)
{
    if (op->seconds < 0)
        return "null";
    snprintf(to, size, "%d", op->seconds);
    return to;
}

/* The request of an operation. What the oracle compares is made here and nowhere else. */
void say_op(const Session *s, Runner *r, const Op *op, Said *said, World *world)
{
    char text[16];
    switch (op->kind) {
    case OP_SLEEP: say_request(said, r, "sleep", "{\"seconds\": %d.5}", op->seconds); return;
    case OP_SUBSCRIBE:
        say_request(said, r, "subscribe", "{\"source\": \"src\", \"filter\": \"\"}");
        return;
    case OP_NEXT_EVENT:
        say_request(said, r, "next_event", "{\"ids\": [\"%s\"], \"timeout\": %s}", r->sub,
                    timeout_text(op, text, sizeof text));
        return;
    case OP_UNSUBSCRIBE:
        say_request(said, r, "unsubscribe", "{\"id\": \"%s\"}", r->sub);
        return;
    case OP_NEXT_SIGNAL:
        say_request(said, r, "next_signal", "{\"names\": [\"go\", \"stop\"], \"timeout\": %s}",
                    timeout_text(op, text, sizeof text));
        return;
    case OP_START: say_request(said, r, "start", "{\"loc\": \"flow.py:child\"}"); return;
    case OP_NEXT_CHILD:
        say_request(said, r, "next_signal", "{\"names\": \"%s\", \"timeout\": %s}", r->child,
                    timeout_text(op, text, sizeof text));
        return;
    case OP_STORE:
        say_request(said, r, "store", "{\"action\": \"get\", \"key\": \"k%d\"}", r->pc);
        return;
    default: break;
    }
    int name = op->kind == OP_RANDOM && world ? below(world, 2) : r->pc;
    snprintf(said->name, sizeof said->name, "fetch%d", name);
    snprintf(said->value, sizeof said->value, "ZGF0YQ%d", r->pc);
    snprintf(said->digest, sizeof said->digest, "%016llx",
             (unsigned long long)(r->state ^ r->seq));
    r->seq++;
    said->event = (AkEvent){.kind = AK_EV_CALL,
                            .seq = s->program.base ? 0 : r->seq,
                            .name = ak_bytes(said->name),
                            .value = ak_bytes(said->value),
                            .retries = (uint32_t)op->retries,
                            .timeout_us = op->seconds > 0 ? op->seconds * INT64_C(1000000) : 0};
    if (!s->program.base) {
        said->event.file = ak_bytes("flow.py");
        said->event.line = (uint64_t)r->pc + 1;
        said->event.func = ak_bytes("main");
        said->event.digest = ak_bytes(said->digest);
    }
    r->mode = CALLED;
}

/* Walks over what says nothing. Gives the operation that speaks, NULL at the end. */
const Op *speaking(const Session *s, Runner *r)
{
    const Op *op;
    while ((op = op_of(s, r)) && op->kind == OP_BRANCH) {
        r->pc += r->state & 1 ? 2 : 1;
        r->round = 0;
    }
    return op;
}

/* The next of the answers that came in advance, with its brackets and commas stripped; absent when
 * none is there yet. `last` of its message. */
static AkBytes next_ahead(const Session *s, bool *last)
{
    AkBytes rest = {s->history.at + s->history_at, s->history.len - s->history_at}, key, item;
    if (!rest.len)
        return (AkBytes){NULL, 0};
    const char *end = memchr(rest.at, '\n', rest.len);
    /* Behind the first item a message goes on as ", {...}]": a list again, but for its bracket. */
    AkText list = {0};
    ak_text_str(&list, "[");
    ak_text_add(&list, rest.at + 1, (size_t)(end - rest.at) - 1);
    AkJsonWalk walk = ak_json_walk((AkBytes){list.at, list.len});
    AkBytes first = {NULL, 0};
    if (ak_json_next(&walk, &key, &first))
        first = (AkBytes){rest.at + (first.at - list.at), first.len};
    *last = !ak_json_next(&walk, &key, &item);
    ak_text_free(&list);
    return first;
}

static void use_ahead(Session *s, AkBytes item, bool last)
{
    s->history_at = (size_t)(item.at + item.len - s->history.at) + (last ? 2 : 1);
}

void forget_ahead(Session *s, Runner *r)
{
    ak_text_clear(&s->history);
    s->history_at = 0;
    r->promised = r->told = 0;
}

/* Stands before a call whose answer was promised, and has not come. */
static bool lacks_history(const Session *s, Runner *r)
{
    bool last;
    if (r->mode != READY || r->seq >= r->promised)
        return false;
    const Op *op = speaking(s, r);
    return op && op->kind != OP_PRINT && op->kind != OP_HANG && op->kind != OP_DIE &&
           !next_ahead(s, &last).at;
}

bool has_words(const Session *s, Runner *r)
{
    if (lacks_history(s, r) || s->unheard > s->durable)
        return false;
    if (r->mode == RUNNING) {
        const Op *op = op_of(s, r);
        return !(op && (int)r->attempt <= op->hangs);
    }
    return r->mode == LOADING || r->mode == READY || r->mode == RAISED;
}

/* It has been told to wait, for the engine or for ever. */
bool waits(const Runner *r)
{
    return r->mode == CALLED || r->mode == ASKED || r->mode == HUNG || r->mode == ASIDE;
}

/* A call that uses the runtime itself. */
static void say_aside(World *world, Session *s, Runner *r, Said *said)
{
    static const char *const ops[] = {"store", "subscribe", "start", "unsubscribe", "none"};
    int kind = below(world, 8);
    uint64_t seq = r->seq;
    if (kind < 5)
        say_request(said, r, ops[kind], "{\"id\": \"sub_1\"}");
    else
        say_request(said, r, "next_event", "{\"ids\": [\"sub_1\", \"sub_2\"], \"timeout\": 0}");
    s->asides = s->asides || kind >= 5;
    said->event.seq = 0;
    said->event.number = seq;
    r->seq = seq;
    r->mode = ASIDE;
    r->asides++;
    world->asides++;
}

static void say_result(World *world, Session *s, Runner *r, Said *said)
{
    const Op *op = op_of(s, r);
    bool fails = op && (int)r->attempt <= op->hangs + op->fails;
    if (!s->program.base && r->asides < 3 && below(world, 12) == 0) {
        say_aside(world, s, r, said);
        return;
    }
    if (!s->program.base && !r->printed && below(world, 8) == 0) {
        r->printed = true;
        said->event = (AkEvent){.kind = AK_EV_PRINT,
                                .seq = r->seq,
                                .text = ak_bytes("inside a call"),
                                .stream = AK_STREAM_STDERR};
        return;
    }
    /* Each execution gives another value: only the recorded one may count. */
    snprintf(said->value, sizeof said->value, "v%llx", (unsigned long long)draw(world));
    said->event = (AkEvent){.kind = AK_EV_RESULT,
                            .seq = s->program.base ? 0 : r->seq,
                            .value = ak_bytes(said->value)};
    if (fails) {
        snprintf(said->error, sizeof said->error,
                 "{\"type\": \"ValueError\", \"message\": \"no\", \"traceback\": [], \"kind\": "
                 "\"%s\"}",
                 below(world, 10) ? "user" : "unpicklable");
        said->event.error = ak_bytes(said->error);
    }
    r->mode = CALLED;
}

static void say_replayed(Said *said, Runner *r);
static void answer_oneself(World *world, Session *s, Runner *r, Said *said);

void speak(World *world, Session *s, Runner *r, Said *said)
{
    static const AkEventKind lies[] = {AK_EV_MODULE, AK_EV_RESULT, AK_EV_CALL,    AK_EV_REQUEST,
                                       AK_EV_DONE,   AK_EV_BROKEN, AK_EV_REPLAYED};
    memset(said, 0, sizeof *said);
    if (s->program.liar && (waits(r) || below(world, 6) == 0)) {
        said->event = (AkEvent){.kind = lies[below(world, 7)],
                                .seq = (uint64_t)below(world, 3),
                                .name = ak_bytes("lie"),
                                .value = ak_bytes("x"),
                                .text = ak_bytes("a line is not JSON")};
        if (said->event.kind == AK_EV_MODULE && below(world, 2))
            said->event.error = ak_bytes("{\"type\": \"SyntaxError\", \"kind\": \"load\"}");
        return;
    }
    if (r->mode == LOADING) {
        if (s->program.greets && !r->printed) {
            said->event = (AkEvent){.kind = AK_EV_PRINT, .text = ak_bytes("at import")};
            r->printed = true;
            return;
        }
        said->event = (AkEvent){.kind = AK_EV_MODULE, .number = s->program.base ? 0 : 2};
        r->mode = LOADED;
        return;
    }
    if (r->mode == RUNNING) {
        say_result(world, s, r, said);
        return;
    }
    if (r->mode == RAISED && r->seq < r->promised && r->seq != r->told) {
        say_replayed(said, r);
        return;
    }
    if (r->mode == RAISED) {
        said->event =
            (AkEvent){.kind = AK_EV_DONE,
                      .error = ak_bytes("{\"type\": \"ValueError\", \"kind\": \"user\"}")};
        r->mode = OVER;
        return;
    }
    const Op *op = speaking(s, r);
    if (!op && r->seq < r->promised && r->seq != r->told) {
        say_replayed(said, r);
    } else if (!op) {
        snprintf(said->value, sizeof said->value, "%llx", (unsigned long long)r->state);
        said->event = (AkEvent){.kind = AK_EV_DONE, .value = ak_bytes(said->value)};
        r->mode = OVER;
    } else if (op->kind == OP_PRINT) {
        said->event = (AkEvent){
            .kind = AK_EV_PRINT, .text = ak_bytes("hello"), .stream = AK_STREAM_STDOUT};
        next_op(s, r);
    } else if (op->kind == OP_HANG) {
        said->event = (AkEvent){.kind = AK_EV_TIME}; /* says nothing; an alarm too early */
        r->mode = HUNG;
    } else if (op->kind == OP_DIE) {
        said->event = (AkEvent){.kind = AK_EV_LOST, .text = ak_bytes("killed by signal 9")};
        r->mode = GONE;
    } else {
        say_op(s, r, op, said, world);
        if (r->seq <= r->promised)
            answer_oneself(world, s, r, said);
    }
}

static void say_replayed(Said *said, Runner *r)
{
    said->event = (AkEvent){.kind = AK_EV_REPLAYED, .seq = r->told = r->seq};
}

static bool is_recorded(AkBytes item, const AkEvent *event)
{
    bool request = event->kind == AK_EV_REQUEST;
    AkBytes name = ak_json_member(item, request ? "op" : "name");
    AkBytes args = ak_json_member(item, request ? "args" : "digest");
    return name.at && ak_json_string_is(name, event->name) &&
           (!args.at || (request ? ak_bytes_equal(args, event->args)
                                 : ak_json_string_is(args, event->digest)));
}

/* What was said is answered from the history if it is what the history holds; then the program
 * goes on to its next words. */
static void answer_oneself(World *world, Session *s, Runner *r, Said *said)
{
    bool last;
    AkBytes item = next_ahead(s, &last);
    if (!is_recorded(item, &said->event)) {
        forget_ahead(s, r);
        return;
    }
    AkCommand reply = {.seq = r->seq,
                       .value = ak_json_member(item, "value"),
                       .error = ak_json_member(item, "error")};
    if (ak_json_kind(reply.value) == AK_JSON_NULL &&
        (reply.error.at || said->event.kind == AK_EV_CALL))
        reply.value = (AkBytes){NULL, 0};
    else if (said->event.kind == AK_EV_CALL)
        reply.value = (AkBytes){reply.value.at + 1, reply.value.len - 2};
    ak_json_micros(ak_json_member(item, "at"), &reply.at_us);
    saw_reply(world, s, &reply);
    hear(s, r, reply.value, reply.error, reply.at_us);
    use_ahead(s, item, last);
    if (last || below(world, 4) == 0)
        say_replayed(said, r);
    else
        said->event = (AkEvent){.kind = AK_EV_TIME}; /* says nothing; an alarm too early */
}

static void copy_string(char *to, size_t size, AkBytes json)
{
    size_t len = json.len >= 2 ? json.len - 2 : 0;
    len = len < size - 1 ? len : size - 1;
    memcpy(to, json.at + 1, len);
    to[len] = '\0';
}

/* An answer changes what the program knows, so what it does next. */
void hear(const Session *s, Runner *r, AkBytes value, AkBytes error, int64_t at)
{
    const Op *op = op_of(s, r);
    r->state = hash(r->state, value.at, value.len);
    r->state = hash(r->state, &at, sizeof at);
    r->mode = READY;
    if (error.at) {
        r->state = hash(r->state, error.at, error.len);
        if (!op || !op->caught) {
            r->mode = RAISED;
            return;
        }
    } else if (op && op->kind == OP_SUBSCRIBE) {
        copy_string(r->sub, sizeof r->sub, value);
    } else if (op && op->kind == OP_START) {
        copy_string(r->child, sizeof r->child, value);
    }
    next_op(s, r);
}

void begin_program(const Session *s, Runner *r)
{
    *r = (Runner){.mode = READY, .state = hash(7, s->id, strlen(s->id))};
}
