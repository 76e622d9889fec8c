/* What driver.c and requests.c share: a session in memory. Of nobody else's concern. */
#ifndef AK_DRIVER_SESSION_H
#define AK_DRIVER_SESSION_H

#include "driver.h"

typedef struct AkLive AkLive;

struct AkLive {
    AkLive *next; /* in its bucket */
    bool queued;  /* this turn has something to do for it */
    AkDriver *driver;
    char id[64], *project_id, *deployment_id, *entry;
    AkRun *run; /* NULL: parked, waits in the store alone */
    AkCommands *out;
    size_t done;   /* commands of out that are done */
    unsigned owes; /* requests and loads not done yet: the engine takes no other event before */
    bool mail_waits;  /* mail came meanwhile, and lies in the inbox */
    bool dirty;       /* has a record in the open transaction */
    bool lazy;        /* has something there that may wait for somebody else's commit */
    bool ended, told; /* FINISH was committed; the front was told */
    bool claimed;     /* in a store that is shared: it is ours to run */
    AkState state;
    AkText value, error; /* of the end */
    AkText shows;        /* prints that wait for the commit, see show_later */
    AkRunner *runner;
    AkLive *next_waiting; /* for a process, see AkDriver.first_waiting */
    bool waits_for_runner;
    uint32_t proto;
    uint64_t executing; /* seq of the call that runs in the runner, 0 for none */
    bool said_done;
    AkTimer *alarm, *idle;
    int64_t alarm_wall, alarm_mono, armed_mono; /* 0: not set */
    int64_t due_us;
};

enum { AK_LIVE_BUCKETS = 1024 };

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
    AkTimer *lazy_commit, *due, *watch;
    bool lazy_due;
    int64_t due_at;
    uint64_t commits;
    AkText line, error;
};

AkLive *ak__live_find(AkDriver *driver, const char *session_id);
/* One event to the engine; its commands are done by the turn. False: the session is spent. */
bool ak__live_step(AkLive *live, const AkEvent *event);
/* A session's row and its engine, in the open transaction. 0 or a fault. */
int ak__live_create(AkDriver *driver, const AkNewSession *session);
/* Puts mail into an inbox, in the open transaction, and hands it to the session when it is
 * awake. */
int ak__live_mail(AkDriver *driver, const AkMail *mail);

/* AK_CMD_REQUEST: does it in the open transaction and answers the engine. A fault means that
 * the transaction is gone. */
int ak__request(AkLive *live, const AkCommand *command);

#endif
