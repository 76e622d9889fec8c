/* test_sim.c: the engine in a world made of chance.
 *
 *     test_sim [SESSIONS [SEED [FAULTS [STEPS [trace]]]]]
 *
 * A world is one seed: a session with a random program (calls that fail and hang, loops,
 * branches on what was replied, sleeps, events, signals, children, store operations, prints), a
 * driver that does commands one at a time, a store with transactions, two clocks. Between any
 * two commands the server may crash, a runner may be lost, a commit may fail, a clock may jump,
 * a message may come twice, an old server may wake up and go on writing. What must hold
 * whatever happens is named below (NAMES), checked at each step, and once more by an oracle
 * that runs each program against its final journal.
 *
 * A seed that fails is run again with fewer faults and shorter programs until it is as small as
 * it gets, and printed so that it can be given back as arguments.
 */
#define _GNU_SOURCE
#include "engine.h"
#include "journal.h"
#include "jsontext.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define USUAL_SESSIONS 20000
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define USUAL_SESSIONS 20000
#endif
#endif
#ifndef USUAL_SESSIONS
#define USUAL_SESSIONS 200000
#endif

enum { SESSIONS_MAX = 6, OPS_MAX = 12, MAIL_ROOM = 64, ACTIONS_MAX = 60000, SEQ_MAX = 128 };
static const int64_t day = INT64_C(86400) * 1000000;

/* --- What must hold
 * ----------------------------------------------------------------------------------- */

typedef enum Name {
    NO_HOLES,
    SAME_VALUE,
    NOT_EXECUTED_AGAIN,
    ENDED_TAKES_NOTHING,
    ONE_OWNER,
    ENDS_OR_WAITS,
    DURABLE_BEFORE_SEEN,
    MAIL_ONCE,
    PRINTS_ONCE,
    SAME_PROGRAM,
    NO_FAULT,
    SLEEPS_LONG_ENOUGH
} Name;

static const char *const names[] = {
    [NO_HOLES] = "journal numbers have no holes and the chain holds",
    [SAME_VALUE] = "a value once replied never changes",
    [NOT_EXECUTED_AGAIN] = "a call with a record is never executed again",
    [ENDED_TAKES_NOTHING] = "a finished session takes no event",
    [ONE_OWNER] = "two owners never append to one session",
    [ENDS_OR_WAITS] = "every session ends or waits for something named",
    [DURABLE_BEFORE_SEEN] = "what is seen outside is durable",
    [MAIL_ONCE] = "mail is taken once, and none is lost",
    [PRINTS_ONCE] = "the journal holds each print of workflow code once",
    [SAME_PROGRAM] = "the journal is what the program does",
    [NO_FAULT] = "the engine takes every event it has to take",
    [SLEEPS_LONG_ENOUGH] = "a sleep is not shorter than asked for",
};

/* --- Programs
 * -------------------------------------------------------------------------------------------
 */

typedef enum OpKind {
    OP_CALL,
    OP_PRINT,
    OP_SLEEP,
    OP_BRANCH, /* skips the next one, if what was replied so far is odd */
    OP_SUBSCRIBE,
    OP_NEXT_EVENT,
    OP_UNSUBSCRIBE,
    OP_NEXT_SIGNAL,
    OP_START,
    OP_NEXT_CHILD,
    OP_STORE,
    OP_HANG,  /* workflow code that never comes to a step */
    OP_DIE,   /* workflow code that takes its process with it */
    OP_RANDOM /* a call whose name is drawn anew each time: the pitfall itself */
} OpKind;

typedef struct Op {
    OpKind kind;
    int times; /* a loop around it */
    int fails; /* the first attempts fail */
    int hangs; /* the first attempts never end */
    int retries;
    bool caught; /* the program goes on after the error */
    int seconds; /* timeout or length; -1 none */
} Op;

typedef struct Program {
    Op ops[OPS_MAX];
    int len;
    bool base;   /* a runner of the base protocol: no numbers */
    bool greets; /* the module prints as it is loaded */
    bool liar;   /* sends what it may not */
    bool random;
    size_t max_line; /* little, so that a short replay takes several messages; or 0 */
} Program;

typedef enum Mode {
    GONE,
    LOADING,
    LOADED,
    READY,
    CALLED,
    RUNNING,
    ASIDE, /* in a call, and has asked for something */
    ASKED,
    HUNG,
    RAISED,
    OVER
} Mode;

typedef struct Runner {
    Mode mode;
    int pc, round;
    uint64_t seq, state;
    uint64_t attempt;
    bool printed; /* in the call that runs */
    int asides;   /* requests of the call that runs */
    char sub[16], child[16];
    uint64_t promised, told; /* answers in advance; up to where it has said it used them */
} Runner;

/* --- The store
 * --------------------------------------------------------------------------------------------
 */

typedef struct Mail {
    uint64_t id;
    AkMailKind kind;
    char name[16], from[16], value[160];
    bool there, new, taken; /* new, taken: by the transaction that is open */
} Mail;

typedef struct Row {
    AkState state;
    AkWait wait;
    int64_t due;
} Row;

typedef struct Held {
    AkCommand command; /* texts are copies, in bytes */
    char *bytes;
    size_t needs;   /* records that have to be durable */
    uint64_t after; /* so many commits have to have been */
} Held;

typedef struct Seen {
    bool replied;
    uint64_t value;
    int64_t at;
} Seen;

typedef struct Session {
    char id[16];
    Program program;
    int depth;
    bool used, new; /* new: by the open transaction */
    /* The store's. */
    struct {
        char *bytes;
        size_t len;
        uint64_t sum, call; /* call: the number of the call whose outcome it is, or 0 */
    } records[512];
    size_t len, durable;
    Row row, durable_row;
    Mail mail[MAIL_ROOM];
    size_t mail_len, mails_put, mails_gone;
    bool asides; /* a call of it took events: no record tells of each */
    /* The server's. */
    AkRun *run;
    Runner runner;
    AkText history; /* messages that its runner has not used up, one a line */
    size_t history_at;
    Held held[64];
    size_t held_len;
    size_t barrier, lazy_barrier;
    size_t unheard; /* a reply ran ahead: nobody listens until that many records are durable */
    int64_t alarm_wall, alarm_mono;
    bool finished_seen;
    int subs;
    /* An old server's. */
    AkRun *old;
    Runner old_runner;
    bool tainted; /* the old one has written, the new one has not noticed */
    /* Checks. */
    Seen seen[SEQ_MAX];
} Session;

typedef struct World {
    uint64_t random;
    uint64_t seed;
    Session *sessions;
    int len;
    int64_t wall, mono;
    uint64_t mail_id, child_id;
    bool dirty;       /* the transaction holds something */
    AkCommands **out; /* one for each depth of steps within steps */
    int depth, faults_left, steps;
    bool broken;
    char words[400];
    uint64_t *rows;
    uint64_t crashes, losses, executions, commits, asides;
} World;

static bool tracing;

static uint64_t draw(World *world)
{
    uint64_t x = world->random;
    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    world->random = x;
    return x * UINT64_C(0x2545F4914F6CDD1D);
}

static int below(World *world, int n)
{
    return (int)((draw(world) >> 33) % (uint64_t)n);
}

static uint64_t hash(uint64_t h, const void *bytes, size_t len)
{
    const unsigned char *at = bytes;
    for (size_t i = 0; i < len; i++)
        h = (h ^ at[i]) * UINT64_C(0x100000001B3);
    return h ^ h >> 29;
}

static void broke(World *world, const Session *s, Name name, const char *more)
{
    if (world->broken)
        return;
    world->broken = true;
    snprintf(world->words, sizeof world->words, "%s: %s%s%s", s ? s->id : "world", names[name],
             more ? ": " : "", more ? more : "");
}

static bool fault_happens(World *world, int one_in)
{
    if (world->faults_left <= 0 || below(world, one_in))
        return false;
    world->faults_left--;
    return true;
}

static void make_program(World *world, Program *program, int depth)
{
    *program = (Program){.len = 1 + below(world, world->steps)};
    program->base = below(world, 12) == 0;
    program->greets = !program->base && below(world, 20) == 0;
    program->liar = below(world, 40) == 0;
    program->max_line = below(world, 2) ? 1600 : 0;
    bool subscribed = false, started = false;
    for (int i = 0; i < program->len; i++) {
        Op *op = &program->ops[i];
        int kind = below(world, 100);
        *op = (Op){.times = 1, .seconds = -1, .caught = below(world, 3) > 0};
        if (program->base && kind >= 52)
            kind = 10;
        if (kind < 42) {
            op->kind = OP_CALL;
            op->times = below(world, 4) ? 1 : 1 + below(world, 6);
            if (!program->base && below(world, 4) == 0) {
                op->retries = below(world, 3);
                op->fails = below(world, 3);
                op->hangs = below(world, 6) ? 0 : below(world, 2);
                op->seconds = op->hangs ? 5 : below(world, 2) ? 30 : -1;
            }
        } else if (kind < 48) {
            op->kind = OP_BRANCH;
        } else if (kind < 62) {
            op->kind = OP_PRINT;
            op->times = 1 + below(world, 2);
        } else if (kind < 70) {
            op->kind = OP_SLEEP;
            op->seconds = below(world, 100);
        } else if (kind < 74) {
            op->kind = OP_SUBSCRIBE;
            subscribed = true;
        } else if (kind < 79) {
            op->kind = subscribed ? OP_NEXT_EVENT : OP_STORE;
            op->seconds = below(world, 3) ? 20 : below(world, 2) - 1;
        } else if (kind < 80) {
            op->kind = subscribed ? OP_UNSUBSCRIBE : OP_STORE;
        } else if (kind < 86) {
            op->kind = OP_NEXT_SIGNAL;
            op->seconds = below(world, 3) ? 20 : below(world, 2) - 1;
        } else if (kind < 90) {
            op->kind = depth == 0 ? OP_START : OP_STORE;
            started = started || depth == 0;
        } else if (kind < 93) {
            op->kind = started ? OP_NEXT_CHILD : OP_STORE;
            op->seconds = below(world, 2) ? 1000 : -1;
        } else if (kind < 97) {
            op->kind = OP_STORE;
        } else if (kind < 98) {
            op->kind = below(world, 3) ? OP_CALL : OP_HANG;
        } else if (kind < 99) {
            op->kind = below(world, 3) ? OP_CALL : OP_DIE;
        } else {
            op->kind = OP_RANDOM;
            program->random = true;
        }
    }
    if (program->liar)
        program->ops[program->len - 1] = (Op){.kind = OP_HANG, .times = 1};
    if (program->base)
        for (int i = 0; i < program->len; i++)
            if (program->ops[i].kind == OP_PRINT)
                program->ops[i].kind = OP_CALL;
}

/* --- The runner: what it says next, and what it makes of an answer
 * ------------------------------------------ */

typedef struct Said {
    AkEvent event;
    char name[32], args[128], value[64], error[160], file[16], digest[20];
} Said;

static const Op *op_of(const Session *s, Runner *r)
{
    return r->pc < s->program.len ? &s->program.ops[r->pc] : NULL;
}

static void next_op(const Session *s, Runner *r)
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
static void say_op(const Session *s, Runner *r, const Op *op, Said *said, World *world)
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
static const Op *speaking(const Session *s, Runner *r)
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

static void forget_ahead(Session *s, Runner *r)
{
    ak_text_clear(&s->history);
    s->history_at = 0;
    r->promised = r->told = 0;
}

static const Op *speaking(const Session *s, Runner *r);

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

static bool has_words(const Session *s, Runner *r)
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
static bool waits(const Runner *r)
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

static void speak(World *world, Session *s, Runner *r, Said *said)
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

static void hear(const Session *s, Runner *r, AkBytes value, AkBytes error, int64_t at);
static void saw_reply(World *world, Session *s, const AkCommand *command);

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
static void hear(const Session *s, Runner *r, AkBytes value, AkBytes error, int64_t at)
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

static void begin_program(const Session *s, Runner *r)
{
    *r = (Runner){.mode = READY, .state = hash(7, s->id, strlen(s->id))};
}

/* --- The store
 * ------------------------------------------------------------------------------------------------
 */

static void drop_held(Session *s)
{
    for (size_t i = 0; i < s->held_len; i++)
        free(s->held[i].bytes);
    s->held_len = 0;
    s->barrier = s->lazy_barrier = s->unheard = 0;
}

static void drop_run(Session *s)
{
    ak_run_free(s->run);
    s->run = NULL;
    s->runner.mode = GONE;
    s->alarm_wall = s->alarm_mono = 0;
    drop_held(s);
}

static void commit(World *world)
{
    for (int i = 0; i < world->len; i++) {
        Session *s = &world->sessions[i];
        s->new = false;
        s->durable = s->len;
        s->durable_row = s->row;
        size_t kept = 0;
        for (size_t m = 0; m < s->mail_len; m++) {
            s->mail[m].new = false;
            if (!s->mail[m].taken)
                s->mail[kept++] = s->mail[m];
        }
        s->mails_gone += s->mail_len - kept;
        s->mail_len = kept;
    }
    world->commits++;
    world->dirty = false;
}

/* Nothing of the open transaction happened. */
static void roll_back(World *world)
{
    for (int i = 0; i < world->len; i++) {
        Session *s = &world->sessions[i];
        while (s->len > s->durable)
            free(s->records[--s->len].bytes);
        s->row = s->durable_row;
        size_t kept = 0;
        for (size_t m = 0; m < s->mail_len; m++) {
            s->mail[m].taken = false;
            if (!s->mail[m].new)
                s->mail[kept++] = s->mail[m];
            else
                s->mails_put--;
        }
        s->mail_len = kept;
    }
    while (world->len && world->sessions[world->len - 1].new) {
        drop_run(&world->sessions[--world->len]);
        ak_text_free(&world->sessions[world->len].history);
    }
    world->dirty = false;
}

static Session *find(World *world, AkBytes id)
{
    for (int i = 0; i < world->len; i++)
        if (ak_bytes_is(id, world->sessions[i].id))
            return &world->sessions[i];
    return NULL;
}

static int step(World *world, Session *s, AkRun *run, const AkEvent *event, bool current);

static void put_mail(World *world, Session *to, AkMailKind kind, AkBytes name, AkBytes from,
                     AkBytes value)
{
    if (to->row.state > AK_STATE_RUNNING || to->mail_len == MAIL_ROOM)
        return;
    Mail *mail = &to->mail[to->mail_len++];
    *mail = (Mail){.id = ++world->mail_id, .kind = kind, .there = true, .new = true};
    snprintf(mail->name, sizeof mail->name, "%.*s", (int)name.len, name.at);
    snprintf(mail->from, sizeof mail->from, "%.*s", (int)from.len, from.at ? from.at : "");
    /* What a child says of itself may be long: it stands for itself, cut to a JSON string. */
    if (value.len < sizeof mail->value)
        snprintf(mail->value, sizeof mail->value, "%.*s", (int)value.len, value.at);
    else
        snprintf(mail->value, sizeof mail->value, "\"%llx\"",
                 (unsigned long long)hash(1, value.at, value.len));
    to->mails_put++;
    world->dirty = true;
}

static AkEvent mail_event(const Mail *mail)
{
    return (AkEvent){.kind = AK_EV_MAIL,
                     .mail = mail->id,
                     .mail_kind = mail->kind,
                     .name = ak_bytes(mail->name),
                     .from = ak_bytes(mail->from),
                     .value = ak_bytes(mail->value)};
}

static void tell_mail(World *world, Session *s, uint64_t id)
{
    for (size_t i = 0; i < s->mail_len; i++) {
        if (s->mail[i].id != id || !s->run || s->mail[i].taken)
            continue;
        Mail copy = s->mail[i]; /* the step may take it */
        AkEvent event = mail_event(&copy);
        step(world, s, s->run, &event, true);
        if (below(world, 10) == 0 && s->run && ak_run_state(s->run) == AK_STATE_RUNNING)
            step(world, s, s->run, &event, true);
        return;
    }
}

/* --- The driver
 * ----------------------------------------------------------------------------------------------------
 */

static AkNow now(const World *world)
{
    return (AkNow){world->wall, world->mono};
}

/* A run from the journal, as after a start of the server. */
static AkRun *load(const Session *s)
{
    AkRunOptions options = {.turn_timeout_us = 10 * 1000000, .max_line = s->program.max_line};
    AkRun *run = ak_run_new(&options, ak_bytes(s->id));
    if (!run)
        abort();
    return run;
}

static void feed(World *world, Session *s, AkRun *run, bool current)
{
    for (size_t i = 0; i < s->len && !world->broken; i++) {
        AkEvent event = {.kind = AK_EV_RECORD,
                         .value = {s->records[i].bytes, s->records[i].len}};
        step(world, s, run, &event, current);
    }
    AkEvent event = {
        .kind = AK_EV_LOADED, .number = s->len, .sum = s->len ? s->records[s->len - 1].sum : 0};
    step(world, s, run, &event, current);
}

static void open_session(World *world, Session *s)
{
    s->run = load(s);
    s->tainted = false;
    feed(world, s, s->run, true);
    for (size_t i = 0; i < s->mail_len && !world->broken && s->run &&
                       ak_run_state(s->run) == AK_STATE_RUNNING;
         i++) {
        if (s->mail[i].taken)
            continue;
        Mail copy = s->mail[i];
        AkEvent event = mail_event(&copy);
        step(world, s, s->run, &event, true);
    }
}

static void start_child(World *world, Session *parent, char *value, size_t size)
{
    if (world->len == SESSIONS_MAX) {
        snprintf(value, size, "\"ses_none\"");
        return;
    }
    Session *s = &world->sessions[world->len++];
    memset(s, 0, sizeof *s);
    s->used = s->new = true;
    s->depth = parent->depth + 1;
    snprintf(s->id, sizeof s->id, "ses_%llu", (unsigned long long)++world->child_id);
    make_program(world, &s->program, s->depth);
    s->row.state = AK_STATE_CREATED;
    s->run = load(s);
    AkEvent event = {.kind = AK_EV_CREATE,
                     .name = ak_bytes("flow.py:child"),
                     .args = ak_bytes("{}"),
                     .seed = ak_bytes("00"),
                     .dialect = ak_bytes("ak"),
                     .parent = ak_bytes(parent->id)};
    step(world, s, s->run, &event, true);
    snprintf(value, size, "\"%s\"", s->id);
}

static void do_request(World *world, Session *s, AkRun *run, const AkCommand *command,
                       bool current)
{
    char value[40];
    AkEvent event = {.kind = AK_EV_ANSWER, .seq = command->seq};
    if (ak_bytes_is(command->name, "start")) {
        start_child(world, s, value, sizeof value);
        event.value = ak_bytes(value);
    } else if (ak_bytes_is(command->name, "subscribe")) {
        snprintf(value, sizeof value, "\"sub_%d\"", ++s->subs);
        event.value = ak_bytes(value);
    } else if (ak_bytes_is(command->name, "store")) {
        snprintf(value, sizeof value, "%d", below(world, 1000));
        event.value = ak_bytes(value);
    } else if (ak_bytes_is(command->name, "unsubscribe")) {
        event.value = ak_bytes("null");
    } else {
        event.error =
            ak_bytes("{\"type\": \"ValueError\", \"message\": \"no\", \"kind\": \"misuse\"}");
    }
    step(world, s, run, &event, current);
}

static void journal(World *world, Session *s, const AkCommand *command, bool current)
{
    /* The fence. An owner that lost its session is dropped by its driver. */
    if (command->number != s->len) {
        if (!current || s->tainted)
            return;
        broke(world, s, ONE_OWNER, "the only owner was fenced off");
        return;
    }
    if (s->row.state > AK_STATE_RUNNING && !s->finished_seen)
        s->finished_seen = true;
    if (s->len == sizeof s->records / sizeof *s->records) {
        broke(world, s, ENDS_OR_WAITS, "the journal grows without end");
        return;
    }
    AkRecord record;
    uint64_t sum, before = s->len ? s->records[s->len - 1].sum : 0;
    const char *why;
    if (ak_record_read(command->value, ak_bytes(s->id), s->len, before, &record, &sum, &why) <
            0 ||
        sum != command->sum)
        broke(world, s, NO_HOLES, why);
    char *copy = malloc(command->value.len);
    memcpy(copy, command->value.at, command->value.len);
    s->records[s->len].bytes = copy;
    s->records[s->len].len = command->value.len;
    s->records[s->len].sum = command->sum;
    s->records[s->len].call = record.kind == AK_REC_CALL ? record.seq : 0;
    s->len++;
    world->dirty = true;
    if (current) {
        s->lazy_barrier = s->len;
        if (!command->lazy)
            s->barrier = s->len;
    } else {
        s->tainted = true;
    }
}

static void take_mail(World *world, Session *s, uint64_t id)
{
    for (size_t i = 0; i < s->mail_len; i++) {
        if (s->mail[i].id != id)
            continue;
        if (s->mail[i].taken)
            broke(world, s, MAIL_ONCE, "taken twice");
        s->mail[i].taken = true;
        return;
    }
    broke(world, s, MAIL_ONCE, "taken, but not there");
}

static bool is_aside(const AkCommand *command)
{
    return command->kind == AK_CMD_REPLY && command->request && !command->seq;
}

static void hold(World *world, Session *s, const AkCommand *command)
{
    if (s->held_len == sizeof s->held / sizeof *s->held) {
        broke(world, s, ENDS_OR_WAITS, "commands without end");
        return;
    }
    Held *held = &s->held[s->held_len++];
    AkBytes *texts[] = {&held->command.name, &held->command.value, &held->command.args,
                        &held->command.error};
    held->command = *command;
    size_t len = 0;
    for (size_t i = 0; i < 4; i++)
        len += texts[i]->len;
    held->bytes = malloc(len + 1);
    char *at = held->bytes;
    for (size_t i = 0; i < 4; at += texts[i]->len, i++) {
        if (!texts[i]->at)
            continue;
        memcpy(at, texts[i]->at, texts[i]->len);
        texts[i]->at = at;
    }
    held->needs = command->kind == AK_CMD_SHOW ? s->lazy_barrier : s->barrier;
    held->after = is_aside(command) && world->dirty ? world->commits + 1 : 0;
}

static void inside(World *world, Session *s, AkRun *run, const AkCommand *command, bool current)
{
    Session *to;
    switch (command->kind) {
    case AK_CMD_REQUEST: do_request(world, s, run, command, current); return;
    case AK_CMD_LOAD: feed(world, s, run, current); return;
    case AK_CMD_SEND:
        to = find(world, command->to);
        if (to) {
            put_mail(world, to, command->mail_kind, command->name, command->from,
                     command->value);
            tell_mail(world, to, world->mail_id);
        }
        return;
    case AK_CMD_TAKE: take_mail(world, s, command->mail); return;
    case AK_CMD_WAIT:
        s->row.wait = command->wait;
        s->row.due = command->due_us;
        if (s->row.state == AK_STATE_CREATED)
            s->row.state = AK_STATE_RUNNING;
        break;
    case AK_CMD_FINISH: s->row = (Row){.state = command->state}; break;
    default: journal(world, s, command, current); return;
    }
    world->dirty = true;
}

/* Is this list of commands one that a stale owner may not write? Then none of it happens. */
static bool fenced_off(const Session *s, const AkCommands *out)
{
    for (size_t i = 0; i < ak_commands_count(out); i++)
        if (ak_commands_at(out, i)->kind == AK_CMD_JOURNAL)
            return ak_commands_at(out, i)->number != s->len;
    return false;
}

static int step(World *world, Session *s, AkRun *run, const AkEvent *event, bool current)
{
    AkCommands *out = world->out[world->depth++];
    bool ended = ak_run_state(run) > AK_STATE_RUNNING;
    int fault = ak_run_step(run, now(world), event, out);
    if (tracing) {
        printf("%lld %s%s %s %llu ->", (long long)world->wall, s->id, current ? "" : " (old)",
               ak_event_name(event->kind), (unsigned long long)event->seq);
        for (size_t i = 0; i < ak_commands_count(out); i++)
            printf(" %s", ak_command_name(ak_commands_at(out, i)->kind));
        printf(" = %d [%s]\n", fault, ak_engine_row_name((size_t)ak_run_row(run)));
    }
    if (ak_run_row(run) >= 0)
        world->rows[ak_run_row(run)]++;
    if (ended && (fault != AK_E_ENDED || ak_commands_count(out)) && event->kind != AK_EV_LOADED)
        broke(world, s, ENDED_TAKES_NOTHING, ak_event_name(event->kind));
    if (fault < 0 && fault != AK_E_ENDED) {
        char words[200];
        snprintf(words, sizeof words, "%s: %s", ak_event_name(event->kind), ak_run_error(run));
        broke(world, s, NO_FAULT, words);
    }
    if (fault == 0 && fenced_off(s, out)) {
        /* Somebody else has written. The driver gives this run up; what it wanted is not done.
         */
        if (current && !s->tainted)
            broke(world, s, ONE_OWNER, "the only owner was fenced off");
        fault = AK_E_FENCE;
    }
    for (size_t i = 0; fault == 0 && i < ak_commands_count(out) && !world->broken; i++) {
        const AkCommand *command = ak_commands_at(out, i);
        if (ak_command_is_inside(command->kind))
            inside(world, s, run, command, current);
        else if (current)
            hold(world, s, command);
    }
    ak_commands_clear(out);
    world->depth--;
    return fault;
}

/* --- Doing commands
 * -------------------------------------------------------------------------------------------------
 */

static void talk(World *world, Session *s);

static void saw_reply(World *world, Session *s, const AkCommand *command)
{
    uint64_t value = hash(hash(3, command->value.at, command->value.len), command->error.at,
                          command->error.len);
    if (command->seq >= SEQ_MAX) {
        broke(world, s, ENDS_OR_WAITS, "calls without end");
        return;
    }
    Seen *seen = &s->seen[command->seq];
    if (seen->replied && (seen->value != value || seen->at != command->at_us) &&
        s->row.state == AK_STATE_RUNNING)
        broke(world, s, SAME_VALUE, NULL);
    *seen = (Seen){true, value, command->at_us};
}

static bool has_record(const Session *s, uint64_t seq)
{
    for (size_t i = 0; i < s->durable; i++)
        if (s->records[i].call == seq)
            return true;
    return false;
}

static void do_command(World *world, Session *s, const AkCommand *command)
{
    switch (command->kind) {
    case AK_CMD_SPAWN: s->runner = (Runner){.mode = LOADING}; break;
    case AK_CMD_RUN:
        if (s->runner.mode == LOADED)
            begin_program(s, &s->runner);
        forget_ahead(s, &s->runner);
        s->runner.promised = command->number;
        break;
    case AK_CMD_HISTORY:
        if (s->runner.promised) {
            ak_text_bytes(&s->history, command->args);
            ak_text_str(&s->history, "\n");
        }
        break;
    case AK_CMD_EXECUTE:
        if (!s->tainted && !s->program.liar && has_record(s, command->seq))
            broke(world, s, NOT_EXECUTED_AGAIN, NULL);
        world->executions++;
        if (s->runner.mode == CALLED) {
            s->runner.mode = RUNNING;
            s->runner.attempt = command->attempt;
            s->runner.printed = false;
            s->runner.asides = 0;
        }
        break;
    case AK_CMD_REPLY:
        if (is_aside(command)) {
            if (s->runner.mode == ASIDE)
                s->runner.mode = RUNNING;
            break;
        }
        if (s->unheard <= s->durable)
            saw_reply(world, s, command);
        if (s->runner.mode == CALLED || s->runner.mode == ASKED)
            hear(s, &s->runner, command->value, command->error, command->at_us);
        break;
    case AK_CMD_ALARM:
        s->alarm_wall = command->wall_us;
        s->alarm_mono = command->mono_us;
        break;
    case AK_CMD_STACK:
        if (s->program.liar && s->run && s->runner.mode == HUNG) {
            talk(world, s);
        } else if (below(world, 2) && s->run) {
            AkEvent event = {.kind = AK_EV_STACK,
                             .file = ak_bytes("flow.py"),
                             .line = 3,
                             .func = ak_bytes("main"),
                             .text = ak_bytes("flow.py:3 main")};
            step(world, s, s->run, &event, true);
        } else if (below(world, 4) == 0) {
            /* It was about to say something after all, or goes away over the signal. */
            s->runner.mode = below(world, 2) ? READY : GONE;
            if (s->runner.mode == READY)
                next_op(s, &s->runner);
            if (s->runner.mode == GONE && s->run) {
                AkEvent event = {.kind = AK_EV_LOST, .text = ak_bytes("killed by signal 10")};
                step(world, s, s->run, &event, true);
            }
        }
        break;
    case AK_CMD_KILL: s->runner.mode = GONE; break;
    default: break; /* SHOW and NOTE are for people */
    }
}

static bool do_next(World *world, Session *s)
{
    size_t i = 0;
    while (i < s->held_len && s->held[i].command.kind == AK_CMD_SHOW &&
           s->held[i].needs > s->durable)
        i++;
    if (i == s->held_len)
        return false;
    bool early = s->held[i].needs > s->durable;
    if (s->held[i].after > world->commits)
        return false;
    if (early && (s->held[i].command.kind != AK_CMD_REPLY || below(world, 2)))
        return false;
    if (early)
        s->unheard = s->held[i].needs;
    Held held = s->held[i];
    s->held_len--;
    memmove(s->held + i, s->held + i + 1, (s->held_len - i) * sizeof *s->held);
    do_command(world, s, &held.command);
    free(held.bytes);
    return true;
}

/* --- Faults
 * ------------------------------------------------------------------------------------------------------------
 */

static void drop_old(Session *s)
{
    ak_run_free(s->old);
    s->old = NULL;
}

/* The server is gone, and with it all that was not durable. Sometimes its process lives on,
 * does not know that another has taken over, and wakes up later. */
static void crash(World *world)
{
    world->crashes++;
    if (tracing)
        printf("%lld crash\n", (long long)world->wall);
    for (int i = 0; i < world->len; i++) {
        Session *s = &world->sessions[i];
        if (!s->run)
            continue;
        if (!s->old && s->len == s->durable && !s->held_len &&
            s->runner.seq >= s->runner.promised && below(world, 8) == 0) {
            s->old = s->run;
            s->old_runner = s->runner;
            s->run = NULL;
        }
        drop_run(s);
    }
    roll_back(world);
}

/* The old server's runner says something, and the old server acts on it. */
static void wake_old(World *world, Session *s)
{
    Said said;
    if (ak_run_state(s->old) != AK_STATE_RUNNING || world->dirty) {
        drop_old(s);
        return;
    }
    if (has_words(s, &s->old_runner) && s->old_runner.mode != LOADING && !s->program.liar) {
        Runner kept = s->runner;
        speak(world, s, &s->old_runner, &said);
        s->runner = kept;
        if (said.event.kind == AK_EV_RESULT || said.event.kind == AK_EV_DONE) {
            step(world, s, s->old, &said.event, false);
            if (world->dirty)
                commit(world);
        }
    }
    drop_old(s);
}

static bool lose_runner(World *world, Session *s)
{
    if (!s->run || s->runner.mode == GONE || !ak_run_has_runner(s->run) ||
        s->unheard > s->durable)
        return false;
    world->losses++;
    s->runner.mode = GONE;
    /* What the engine has said to it and nobody has done yet is void. */
    size_t kept = 0;
    for (size_t i = 0; i < s->held_len; i++) {
        AkCommandKind kind = s->held[i].command.kind;
        if (kind == AK_CMD_RUN || kind == AK_CMD_EXECUTE || kind == AK_CMD_REPLY ||
            kind == AK_CMD_STACK || kind == AK_CMD_HISTORY) {
            if (kind == AK_CMD_REPLY && !is_aside(&s->held[i].command) &&
                s->held[i].needs <= s->durable)
                saw_reply(world, s, &s->held[i].command);
            free(s->held[i].bytes);
        } else {
            s->held[kept++] = s->held[i];
        }
    }
    s->held_len = kept;
    AkEvent event = {.kind = AK_EV_LOST, .text = ak_bytes("killed by signal 9")};
    step(world, s, s->run, &event, true);
    if (below(world, 10) == 0 && !ak_run_has_runner(s->run) &&
        ak_run_state(s->run) == AK_STATE_RUNNING)
        step(world, s, s->run, &event, true); /* heard twice */
    return true;
}

static void recover(World *world)
{
    for (int i = 0; i < world->len && !world->broken; i++) {
        Session *s = &world->sessions[i];
        if (s->run || s->row.state > AK_STATE_RUNNING)
            continue;
        if (s->row.wait == AK_WAIT_NOTHING || s->mail_len ||
            (s->row.due && s->row.due <= world->wall))
            open_session(world, s);
    }
}

/* A run that has no runner and waits costs no memory; nor does one that has ended. */
static void let_go(World *world, Session *s)
{
    if (!s->run || s->held_len || world->dirty || s->len != s->durable)
        return;
    if (ak_run_state(s->run) > AK_STATE_RUNNING)
        drop_run(s);
    else if (!ak_run_has_runner(s->run) && ak_run_wait(s->run) && below(world, 2))
        drop_run(s);
}

/* --- A world's life
 * ------------------------------------------------------------------------------------------------------
 */

static void outside_mail(World *world, Session *s)
{
    char name[16];
    if (below(world, 2)) {
        put_mail(world, s, AK_MAIL_SIGNAL, ak_bytes(below(world, 3) ? "go" : "other"),
                 ak_bytes("ses_x"), ak_bytes("{\"n\": 1}"));
    } else {
        snprintf(name, sizeof name, "sub_%d", 1 + below(world, s->subs + 1));
        put_mail(world, s, AK_MAIL_EVENT, ak_bytes(name), ak_bytes(""),
                 ak_bytes("{\"data\": {}}"));
    }
    uint64_t id = world->mail_id;
    if (below(world, 2))
        commit(world);
    if (s->run)
        tell_mail(world, s, id);
    else if (s->row.state <= AK_STATE_RUNNING && s->mail_len)
        open_session(world, s);
}

static bool alarm_is_due(const World *world, const Session *s)
{
    return s->run && ((s->alarm_wall && s->alarm_wall <= world->wall) ||
                      (s->alarm_mono && s->alarm_mono <= world->mono));
}

static void ring(World *world, Session *s)
{
    AkEvent event = {.kind = AK_EV_TIME};
    if (s->alarm_wall <= world->wall)
        s->alarm_wall = 0;
    if (s->alarm_mono <= world->mono)
        s->alarm_mono = 0;
    if (ak_run_state(s->run) == AK_STATE_RUNNING)
        step(world, s, s->run, &event, true);
}

static void stop_session(World *world, Session *s)
{
    if (!s->run)
        open_session(world, s);
    if (s->run && ak_run_state(s->run) == AK_STATE_RUNNING) {
        AkEvent event = {.kind = AK_EV_STOP, .text = ak_bytes("enough")};
        step(world, s, s->run, &event, true);
    }
}

static void talk(World *world, Session *s)
{
    Said said;
    speak(world, s, &s->runner, &said);
    step(world, s, s->run, &said.event, true);
    /* The driver heard that another writes here: it gives up, and looks again. */
    if (s->tainted)
        drop_run(s);
}

static bool act(World *world, Session *s)
{
    if (do_next(world, s))
        return true;
    if (s->run && ak_run_has_runner(s->run) && has_words(s, &s->runner) && s->held_len < 32) {
        talk(world, s);
        return true;
    }
    if (s->run && ak_run_has_runner(s->run) && waits(&s->runner) && s->held_len < 32 &&
        s->unheard <= s->durable) {
        if (s->program.liar && below(world, 20) == 0) {
            talk(world, s);
            return true;
        }
        if (!s->program.base && below(world, 400) == 0) {
            /* A thread that outlived its call. */
            AkEvent event = {.kind = AK_EV_PRINT, .seq = 1, .text = ak_bytes("late")};
            step(world, s, s->run, &event, true);
            return true;
        }
    }
    if (alarm_is_due(world, s)) {
        ring(world, s);
        return true;
    }
    return false;
}

/* Nothing can happen until some time has passed. */
static bool pass_time(World *world)
{
    int64_t wait = INT64_MAX;
    for (int i = 0; i < world->len; i++) {
        const Session *s = &world->sessions[i];
        int64_t due = s->row.state <= AK_STATE_RUNNING && !s->run && s->row.due
                          ? s->row.due - world->wall
                          : INT64_MAX;
        if (s->run && s->alarm_wall && s->alarm_wall - world->wall < due)
            due = s->alarm_wall - world->wall;
        if (s->run && s->alarm_mono && s->alarm_mono - world->mono < due)
            due = s->alarm_mono - world->mono;
        if (due < wait)
            wait = due;
    }
    if (wait == INT64_MAX)
        return false;
    if (wait > 0) {
        world->wall += wait;
        world->mono += wait;
    }
    return true;
}

static bool all_ended(const World *world)
{
    for (int i = 0; i < world->len; i++)
        if (world->sessions[i].durable_row.state <= AK_STATE_RUNNING)
            return false;
    return true;
}

/* Everybody waits, and for nothing that time brings: mail, then. Or the end. */
static void rouse(World *world)
{
    for (int i = 0; i < world->len; i++) {
        Session *s = &world->sessions[i];
        if (s->row.state > AK_STATE_RUNNING)
            continue;
        AkWait wait = s->run ? ak_run_wait(s->run) : s->row.wait;
        if (wait != AK_WAIT_EVENT && wait != AK_WAIT_SIGNAL) {
            /* Who lies may have a call performed that it does not know of. */
            if (!s->program.liar)
                broke(world, s, ENDS_OR_WAITS, ak_wait_name(wait));
            stop_session(world, s);
            return;
        }
        if (below(world, 4))
            outside_mail(world, s);
        else
            stop_session(world, s);
        return;
    }
}

static void live(World *world)
{
    int actions = 0;
    while (!all_ended(world) && !world->broken) {
        bool acted = false;
        if (++actions > ACTIONS_MAX) {
            broke(world, NULL, ENDS_OR_WAITS, "a world without end");
            return;
        }
        int64_t passes = 1 + below(world, 1000);
        world->wall += passes;
        world->mono += passes;
        if (fault_happens(world, 40)) {
            crash(world);
        } else if (fault_happens(world, 200)) {
            world->wall += below(world, 2) ? day : -day;
        }
        recover(world);
        int first = below(world, world->len);
        for (int i = 0; i < world->len && !world->broken; i++) {
            Session *s = &world->sessions[(first + i) % world->len];
            if (s->run && fault_happens(world, 60)) {
                acted |= lose_runner(world, s);
            } else if (s->run && ak_run_wait(s->run) && fault_happens(world, 20)) {
                lose_runner(world, s); /* the driver wants the memory */
                acted = true;
            } else if (s->row.state <= AK_STATE_RUNNING && fault_happens(world, 60)) {
                outside_mail(world, s);
                acted = true;
            } else if (s->row.state <= AK_STATE_RUNNING && fault_happens(world, 800)) {
                stop_session(world, s);
                acted = true;
            } else if (s->old && below(world, 4) == 0) {
                wake_old(world, s);
            }
            if (s->tainted && s->run)
                drop_run(s), acted = true;
            acted |= act(world, s);
            let_go(world, s);
        }
        if (world->dirty && (!acted || below(world, 3) == 0)) {
            if (fault_happens(world, 300))
                crash(
                    world); /* a commit that failed: everything since is dropped the same way */
            else
                commit(world);
            acted = true;
        }
        if (!acted && !pass_time(world))
            rouse(world);
    }
}

/* --- The oracle: the journal alone must be what the program does
 * ------------------------------------------------------------ */

typedef struct Read {
    AkRecord records[512];
    size_t len;
} Read;

static bool read_all(World *world, const Session *s, Read *read)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < s->len; i++) {
        const char *why;
        if (ak_record_read((AkBytes){s->records[i].bytes, s->records[i].len}, ak_bytes(s->id),
                           i, sum, &read->records[i], &sum, &why) < 0) {
            broke(world, s, NO_HOLES, why);
            return false;
        }
    }
    read->len = s->len;
    if (!s->len || read->records[0].kind != AK_REC_START ||
        read->records[s->len - 1].kind != AK_REC_DONE)
        broke(world, s, NO_HOLES, "it does not begin with a start and end with an end");
    return !world->broken;
}

static void check_mail(World *world, const Session *s, const Read *read)
{
    size_t taken = 0;
    for (size_t i = 0; i < read->len; i++) {
        if (!read->records[i].mail)
            continue;
        taken++;
        for (size_t j = 0; j < i; j++)
            if (read->records[j].mail == read->records[i].mail)
                broke(world, s, MAIL_ONCE, "two records took one");
    }
    size_t left = 0;
    for (size_t i = 0; i < s->mail_len; i++)
        left += !s->mail[i].taken;
    if (s->mails_gone + left != s->mails_put || taken > s->mails_gone ||
        (taken < s->mails_gone && !s->asides))
        broke(world, s, MAIL_ONCE, "some are missing");
}

static const AkRecord *outcome(const Read *read, uint64_t seq)
{
    const AkRecord *found = NULL;
    for (size_t i = 0; i < read->len; i++)
        if (read->records[i].seq == seq && read->records[i].kind != AK_REC_PRINT &&
            read->records[i].kind != AK_REC_ATTEMPT)
            found = &read->records[i];
    return found;
}

static void check_program(World *world, Session *s, const Read *read)
{
    const AkRecord *end = &read->records[read->len - 1];
    Runner r;
    Said said;
    int64_t at = read->records[0].at_us;
    size_t prints = s->program.greets, printed = 0;
    char value[32];
    begin_program(s, &r);
    memset(&said, 0, sizeof said);
    for (;;) {
        const Op *op = r.mode == RAISED ? NULL : speaking(s, &r);
        if (!op || op->kind == OP_HANG || op->kind == OP_DIE)
            break;
        if (op->kind == OP_PRINT) {
            prints++;
            next_op(s, &r);
            continue;
        }
        int64_t micros = op->kind == OP_SLEEP ? op->seconds * INT64_C(1000000) + 500000 : 0;
        say_op(s, &r, op, &said, NULL);
        const AkRecord *record = outcome(read, r.seq);
        if (!record)
            break;
        if (!ak_bytes_equal(record->name, said.event.name))
            broke(world, s, SAME_PROGRAM, "another call is recorded");
        if (micros && record->due_us - record->at_us < micros)
            broke(world, s, SLEEPS_LONG_ENOUGH, NULL);
        bool slept = record->kind == AK_REC_ASK;
        int64_t told = slept ? record->due_us : record->at_us;
        at = told > at ? told : at;
        hear(s, &r, slept ? ak_bytes("null") : record->value, record->error, at);
    }
    for (size_t i = 0; i < read->len; i++) {
        printed += read->records[i].kind == AK_REC_PRINT && read->records[i].seq == 0;
        if (read->records[i].kind != AK_REC_PRINT && read->records[i].seq > r.seq)
            broke(world, s, SAME_PROGRAM, "calls are recorded that it never makes");
    }
    if (end->state != AK_STATE_COMPLETED)
        return;
    snprintf(value, sizeof value, "%llx", (unsigned long long)r.state);
    if (!ak_bytes_is(end->value, value))
        broke(world, s, SAME_PROGRAM, "it returned another value");
    if (prints != printed)
        broke(world, s, PRINTS_ONCE, NULL);
}

static void judge(World *world)
{
    static Read read;
    for (int i = 0; i < world->len && !world->broken; i++) {
        Session *s = &world->sessions[i];
        if (!read_all(world, s, &read))
            return;
        check_mail(world, s, &read);
        if (!s->program.liar && !s->program.random)
            check_program(world, s, &read);
    }
}

/* --- Seeds
 * ---------------------------------------------------------------------------------------------------------------------
 */

typedef struct Totals {
    uint64_t sessions, crashes, losses, executions, records;
    uint64_t *rows;
} Totals;

/* False, and words in `world->words`, when something did not hold. */
static bool run_seed(uint64_t seed, int faults, int steps, Totals *totals, char *words,
                     size_t size)
{
    static Session sessions[SESSIONS_MAX];
    static AkCommands *out[64];
    for (int i = 0; i < 64 && !out[i]; i++)
        out[i] = ak_commands_new();
    World world = {.seed = seed,
                   .random = seed * UINT64_C(0x9E3779B97F4A7C15) | 1,
                   .sessions = sessions,
                   .out = out,
                   .faults_left = faults,
                   .steps = steps,
                   .rows = totals->rows,
                   .wall = INT64_C(1700000000) * 1000000,
                   .mono = 1000};
    for (int i = 0; i < 4; i++)
        draw(&world);
    Session *root = &sessions[0];
    memset(root, 0, sizeof *root);
    world.len = 1;
    root->used = root->new = true;
    snprintf(root->id, sizeof root->id, "ses_root");
    make_program(&world, &root->program, 0);
    root->row.state = AK_STATE_CREATED;
    root->run = load(root);
    AkEvent event = {.kind = AK_EV_CREATE,
                     .name = ak_bytes("flow.py:main"),
                     .args = ak_bytes("{\"data\": {}}"),
                     .seed = ak_bytes("00"),
                     .dialect = ak_bytes("ak")};
    step(&world, root, root->run, &event, true);
    commit(&world); /* the event was accepted */
    live(&world);
    judge(&world);
    for (int i = 0; i < world.len; i++) {
        drop_old(&sessions[i]);
        drop_run(&sessions[i]);
        ak_text_free(&sessions[i].history);
        totals->records += sessions[i].len;
        while (sessions[i].len)
            free(sessions[i].records[--sessions[i].len].bytes);
    }
    totals->sessions += (uint64_t)world.len;
    totals->crashes += world.crashes;
    totals->losses += world.losses;
    totals->executions += world.executions;
    snprintf(words, size, "%s", world.words);
    return !world.broken;
}

static int shrink(uint64_t seed, int faults, int steps, Totals *totals, const char *words)
{
    char smaller[400], last[400];
    snprintf(last, sizeof last, "%s", words);
    for (int f = 0; f < faults; f++) {
        if (!run_seed(seed, f, steps, totals, smaller, sizeof smaller)) {
            faults = f;
            memcpy(last, smaller, sizeof last);
            break;
        }
    }
    for (int n = 1; n < steps; n++) {
        if (!run_seed(seed, faults, n, totals, smaller, sizeof smaller)) {
            steps = n;
            memcpy(last, smaller, sizeof last);
            break;
        }
    }
    printf("FAILED %s\n  again: test_sim 1 %llu %d %d\n", last, (unsigned long long)seed,
           faults, steps);
    return 1;
}

/* What no world gets to: a server whose store has lost a journal altogether. */
static bool refuses_an_empty_journal(Totals *totals)
{
    AkCommands *out = ak_commands_new();
    AkRun *run = ak_run_new(NULL, ak_bytes("ses_lost"));
    AkEvent event = {.kind = AK_EV_LOADED};
    int fault = ak_run_step(run, (AkNow){1, 1}, &event, out);
    totals->rows[ak_run_row(run)]++;
    ak_run_free(run);
    ak_commands_free(out);
    return fault == AK_E_CORRUPT;
}

int main(int argc, char **argv)
{
    uint64_t wanted = argc > 1 ? strtoull(argv[1], NULL, 10) : USUAL_SESSIONS;
    uint64_t seed = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;
    int faults = argc > 3 ? atoi(argv[3]) : 40;
    int steps = argc > 4 ? atoi(argv[4]) : OPS_MAX;
    Totals totals = {.rows = calloc(ak_engine_rows(), sizeof(uint64_t))};
    char words[400];
    struct timespec from, to;
    tracing = argc > 5;
    steps = steps < 1 ? 1 : steps > OPS_MAX ? OPS_MAX : steps;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &from);
    for (; totals.sessions < wanted; seed++) {
        /* Every fourth world is a quiet one. */
        int allowed = argc > 3 ? faults : seed % 4 ? (int)(seed % 41) : 0;
        if (!run_seed(seed, allowed, steps, &totals, words, sizeof words))
            return shrink(seed, allowed, steps, &totals, words);
    }
    if (!refuses_an_empty_journal(&totals))
        return 1;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &to);
    double seconds =
        (double)(to.tv_sec - from.tv_sec) + (double)(to.tv_nsec - from.tv_nsec) / 1e9;
    printf("%llu sessions, %llu crashes, %llu lost runners, %llu executions, %llu records in "
           "%.1f s of"
           " one core: %.2f million sessions a minute\n",
           (unsigned long long)totals.sessions, (unsigned long long)totals.crashes,
           (unsigned long long)totals.losses, (unsigned long long)totals.executions,
           (unsigned long long)totals.records, seconds,
           (double)totals.sessions / seconds * 60 / 1e6);
    size_t untaken = 0;
    for (size_t i = 0; i < ak_engine_rows(); i++) {
        if (totals.rows[i])
            continue;
        untaken++;
        printf("not taken: %s\n", ak_engine_row_name(i));
    }
    printf("%zu of %zu rows of the state tables taken\n", ak_engine_rows() - untaken,
           ak_engine_rows());
    free(totals.rows);
    return wanted >= 100000 && untaken ? 1 : 0;
}
