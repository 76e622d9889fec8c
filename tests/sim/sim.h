/* sim.h: what the parts of the simulated world share. tests/test_sim.c tells what it is for. */
#ifndef AK_SIM_H
#define AK_SIM_H

#include "engine.h"
#include "journal.h"
#include "jsontext.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

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

typedef struct Said {
    AkEvent event;
    char name[32], args[128], value[64], error[160], file[16], digest[20];
} Said;

extern bool tracing;
extern bool disk_lies; /* a crash takes a record that was acknowledged */

/* Dice and programs: programs.c */

uint64_t draw(World *world);
int below(World *world, int n);
uint64_t hash(uint64_t h, const void *bytes, size_t len);
void broke(World *world, const Session *s, Name name, const char *more);
bool fault_happens(World *world, int one_in);
void make_program(World *world, Program *program, int depth);

/* The runner: runner.c */

void next_op(const Session *s, Runner *r);
void say_op(const Session *s, Runner *r, const Op *op, Said *said, World *world);
const Op *speaking(const Session *s, Runner *r);
void forget_ahead(Session *s, Runner *r);
bool has_words(const Session *s, Runner *r);
bool waits(const Runner *r);
void speak(World *world, Session *s, Runner *r, Said *said);
void hear(const Session *s, Runner *r, AkBytes value, AkBytes error, int64_t at);
void begin_program(const Session *s, Runner *r);

/* The store: store.c */

void drop_run(Session *s);
void commit(World *world);
void roll_back(World *world);
Session *find(World *world, AkBytes id);
void put_mail(World *world, Session *to, AkMailKind kind, AkBytes name, AkBytes from,
              AkBytes value);
AkEvent mail_event(const Mail *mail);
void tell_mail(World *world, Session *s, uint64_t id);

/* The driver: driver.c */

AkRun *load(const Session *s);
void open_session(World *world, Session *s);
bool is_aside(const AkCommand *command);
int step(World *world, Session *s, AkRun *run, const AkEvent *event, bool current);
void saw_reply(World *world, Session *s, const AkCommand *command);
bool do_next(World *world, Session *s);

/* Faults: faults.c */

void drop_old(Session *s);
void crash(World *world);
void wake_old(World *world, Session *s);
bool lose_runner(World *world, Session *s);
void recover(World *world);
void let_go(World *world, Session *s);

/* A world's life: life.c */

void talk(World *world, Session *s);
void live(World *world);

/* The oracle: oracle.c */

void judge(World *world);

#endif
