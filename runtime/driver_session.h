/* What the files of the driver share: a session in memory. Of nobody else's concern.
 *
 *     driver.c       the turn, and what the front asks for
 *     driver_due.c   waiting sessions, and others who share the store
 *     live.c         sessions in memory
 *     live_store.c   what a session does inside the transaction, requests.c a part of it
 *     live_runner.c  what it does outside, and what its runner says
 *     lanes.c        how many of a deployment's or a trigger's sessions are under way at a time
 */
#ifndef AK_DRIVER_SESSION_H
#define AK_DRIVER_SESSION_H

#include "driver.h"

typedef struct AkLive AkLive;
typedef struct AkLane AkLane;

struct AkLive {
    AkLive *next; /* in its bucket */
    bool queued;  /* this turn has something to do for it */
    AkDriver *driver;
    char id[64], *project_id, *deployment_id, *trigger_id, *entry;
    AkRun *run; /* NULL: parked, waits in the store alone */
    AkCommands *out;
    size_t done;   /* commands of out that are done */
    unsigned owes; /* requests and loads not done yet: the engine takes no other event before */
    bool mail_waits;  /* mail came meanwhile, and lies in the inbox */
    bool dirty;       /* has a record in the open transaction */
    bool replied;     /* the reply that comes next in out was sent ahead of that record */
    bool lazy;        /* has something there that may wait for somebody else's commit */
    bool ended, told; /* FINISH was committed; the front was told */
    bool claimed;     /* in a store that is shared: it is ours to run */
    AkState state;
    AkText value, error; /* of the end */
    AkText shows;        /* prints that wait for the commit, see ak__live_show_later */
    AkRunner *runner;    /* set by ak__live_set_runner alone */
    AkLive *next_running, **running_link;
    bool coming;          /* woken, and without a process yet */
    size_t coming_bytes;  /* its part of the driver's */
    AkLive *next_waiting; /* for a process, see AkDriver.first_waiting */
    bool waits_for_runner;
    bool unlimited, begun, counted; /* lanes.c: not its concern; RUNNING in the store; has its
                                     * places */
    AkLane *held_in;
    AkLive *next_held;
    uint32_t proto;
    uint64_t executing;      /* seq of the call that runs in the runner, 0 for none */
    int64_t executing_since; /* monotonic */
    bool said_done;
    AkTimer *alarm, *idle;
    int64_t alarm_wall, alarm_mono, armed_mono; /* 0: not set */
    int64_t due_us;
    uint64_t mail_fed; /* the engine has been given the inbox up to here */
    size_t weight;     /* bytes of events and mail that wait in memory to be worked on */
};

/* AK_CLOCK_US: timers wait by a clock that never jumps, deadlines are the wall clock's, which does
 * (set by hand, a machine that slept): it is looked at again at least this often. */
enum {
    AK_LIVE_BUCKETS = 1024,
    AK_SECOND_US = 1000000,
    AK_CLOCK_US = AK_SECOND_US,
    AK_WATCH_US = 300000
};

typedef struct AkLater {
    char session[64];
    size_t size;
} AkLater;

struct AkDriver {
    AkLoop *loop;
    AkStore *store;
    AkDriverOptions options;
    const AkFront *front;
    void *owner;
    AkLive *buckets[AK_LIVE_BUCKETS];
    AkLive **queue; /* sessions that this turn, or the commit at its end, is about */
    size_t queued, queue_room, count;
    AkLive *first_waiting, **last_waiting; /* for a process: max_runners are there */
    size_t waiting;
    AkLane *lanes; /* deployments and triggers that have a limit */
    size_t held;   /* sessions that wait because of one */
    bool lanes_moved;
    AkLive *first_running,
        **last_running; /* those that have a process, in the order they got it */
    size_t runners, coming, coming_bytes;
    AkTimer *lazy_commit, *due, *watch;
    bool lazy_due;
    int64_t due_at;
    bool more_due; /* the last look at the store stopped at due_from, as enough were coming */
    int64_t due_from;
    bool lost; /* sessions were let go that wait for nothing: the next look is for them too */
    size_t weight;
    AkLater *later; /* sessions whose mail waits for a turn of its own */
    size_t later_len, later_room, handed_out;
    uint64_t commits;
    AkText line, error;
};

/* --- live.c ---- */
AkLive *ak__live_find(AkDriver *driver, const char *session_id);
/* NULL when memory ran out. */
AkLive *ak__live_new(AkDriver *driver, const char *id, const char *project,
                     const char *deployment, const char *entry);
void ak__live_free(AkLive *live);
void ak__live_clear(AkLive *live);
void ak__live_forget(AkLive *live);
void ak__live_refuse(AkLive *live, int fault, const char *words);
void ak__live_enqueue(AkLive *live); /* the turn has something to do for it */
/* What came for it stays in memory until its process has it, or it has taken its mail. */
void ak__live_weigh(AkLive *live, size_t bytes);
void ak__live_unweigh(AkLive *live);
void ak__live_stand_in_line(AkLive *live);
void ak__live_leave_line(AkLive *live);
void ak__live_set_runner(AkLive *live, AkRunner *runner); /* NULL: it has none any more */
/* It was woken, and is in memory until its process comes: such are counted, and bounded. */
void ak__live_set_coming(AkLive *live, bool coming);
/* One event to the engine; its commands are done by the turn. False: the session is spent. */
bool ak__live_step(AkLive *live, const AkEvent *event);

/* --- driver.c ---- */
int ak__driver_begin(AkDriver *driver); /* a transaction, if none is open; 0 or a fault */
int ak__driver_fail(AkDriver *driver, int fault); /* keeps the store's words; the fault */
/* A session's row and its engine, in the open transaction. 0 or a fault. */
int ak__live_create(AkDriver *driver, const AkNewSession *session);

/* --- driver_due.c ---- */
void ak__driver_on_due(void *driver);
void ak__driver_on_watch(void *driver);
void ak__driver_load_due(AkDriver *driver, int64_t now);
/* At the end of a turn: more of those that are due, when there is room. */
void ak__driver_refill(AkDriver *driver);
/* May one more be woken, or do enough stand in line? */
bool ak__driver_has_room(const AkDriver *driver);
/* As ak_driver_load; until it has its process it takes room. */
int ak__driver_wake_up(AkDriver *driver, const char *session_id);
/* A failed commit let sessions go: they are looked for in a while. */
void ak__driver_was_lost(AkDriver *driver);
void ak__driver_set_due(AkDriver *driver, int64_t due_us); /* 0: never */
void ak__live_on_idle(void *live);
bool ak__live_taken_away(AkLive *live);

/* --- live_store.c ---- */
int ak__live_inside(AkLive *live, const AkCommand *command); /* 0 or the store's fault */
int ak__live_feed_journal(AkLive *live);

/* --- driver_mail.c ---- */
int ak__live_feed_mail(void *live, const AkMail *mail); /* for ak_mail_list */
/* Puts mail into an inbox, in the open transaction; the session gets it now or in a later turn.
 */
int ak__live_mail(AkDriver *driver, const AkMail *mail);
/* At the start of a turn: its share of what was put off. */
void ak__driver_deliver(AkDriver *driver);
/* Mail that the process before put, and did not live to hand over. 0 or a fault. */
int ak__driver_look_for_mail(AkDriver *driver);

/* --- live_runner.c ---- */
void ak__live_outside(AkLive *live, const AkCommand *command);
void ak__live_spawn(AkLive *live);
void ak__live_on_alarm(void *live);
void ak__live_show_later(AkLive *live, const AkCommand *command);
void ak__live_show(AkLive *live);

/* As ak__live_spawn, in its turn when max_runners are there. */
void ak__live_spawn_soon(AkLive *live);

/* --- lanes.c ---- */
/* Before its first step; begun: it is RUNNING in the store. Texts may be NULL. */
void ak__lanes_join(AkLive *live, const char *trigger_id, const char *parent_id, bool begun);
/* False: it is held until there is a place, then spawned. */
bool ak__lanes_enter(AkLive *live);
void ak__lanes_unhold(AkLive *live);
/* It goes from memory. */
void ak__lanes_leave(AkLive *live);
/* At the end of a turn: those for whom a place came free. */
void ak__lanes_admit(AkDriver *driver);
void ak__lanes_free(AkDriver *driver);

/* --- requests.c ---- */
/* AK_CMD_REQUEST: does it in the open transaction and answers the engine. A fault means that
 * the transaction is gone. */
int ak__request(AkLive *live, const AkCommand *command);

#endif
