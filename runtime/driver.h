/* The driver: takes an event, steps the engine, does its commands in order. It holds all I/O
 * and no decisions: what a session does next is the engine's to say, where its code lies and
 * who is to hear of it is the front's (`ak run`, `ak serve`).
 *
 *     while (wanted) {
 *         ak_loop_turn(loop);     everything that is ready tells the driver
 *         ak_driver_turn(driver); one commit for all of it, effects after it
 *     }
 *
 * Group commit: the records of all sessions that became ready in one turn share one transaction
 * and its one sync. What others can see waits for it, with two exceptions that nobody can see:
 * the reply to a program goes out just before its record is written, so that it computes while
 * the disk works (nothing it says is read before the commit has succeeded, and if it fails the
 * runner is ended), and records marked lazy may ride with the next commit.
 *
 * When a commit fails, every session that had a part in it is let go, runner and memory, as
 * nothing of it happened; `store_failed` tells, and ak_driver_load starts from the truth again.
 */
#ifndef AK_DRIVER_H
#define AK_DRIVER_H

#include "config.h"
#include "engine.h"
#include "loop.h"
#include "runner.h"
#include "store.h"

typedef struct AkDriver AkDriver;

typedef struct AkDriverOptions {
    AkRunOptions run;
    int64_t idle_us; /* how long a waiting session keeps its process; 0 for 30 s */
    bool
        everyone; /* sessions that come due in the store are loaded, not only those given here */
    size_t max_runners; /* processes at a time; what is more waits in order. 0: no limit */
} AkDriverOptions;

/* What the settings say of each session. */
AkRunOptions ak_driver_run_options(const AkConfig *config);

/* Called from ak_driver_turn or the loop; slices and texts live for the call. Only `host` is
 * needed. */
typedef struct AkFront {
    /* The host that has this deployment's code; NULL with words in why. */
    AkHost *(*host)(void *owner, const char *deployment_id, const char *entry, char *why,
                    size_t size);
    void (*show)(void *owner, const char *session_id, AkStream stream, AkBytes text);
    void (*note)(void *owner, const char *session_id, AkBytes text);
    /* AK_WAIT_NOTHING: it goes on. */
    void (*wait)(void *owner, const char *session_id, AkWait wait, AkBytes text,
                 int64_t since_us, int64_t due_us);
    void (*outcome)(void *owner, const char *session_id, AkBytes value);
    void (*finished)(void *owner, const char *session_id, AkState state, AkBytes value,
                     AkBytes error);
    /* This session's journal cannot be used: corrupt, newer, or too large for memory. It is
     * left alone. */
    void (*refused)(void *owner, const char *session_id, int fault, const char *words);
    void (*store_failed)(void *owner, int fault, const char *words);
    /* Something of this session was committed. */
    void (*recorded)(void *owner, const char *session_id);
    /* A recorded call came back from the runner after so long. */
    void (*executed)(void *owner, const char *session_id, int64_t took_us);
    /* How many sessions of this deployment (max[0]) and of this trigger (max[1]) may be under
     * way at a time, those left out that a session started; 0, as is given, for any number.
     * An id may be "". */
    void (*limits)(void *owner, const char *deployment_id, const char *trigger_id,
                   size_t max[2]);
} AkFront;

/* Everything given is borrowed. NULL when memory ran out. */
AkDriver *ak_driver_new(AkLoop *loop, AkStore *store, const AkDriverOptions *options,
                        const AkFront *front, void *owner);
/* Ends all runners. Hosts have to outlive this. */
void ak_driver_free(AkDriver *driver);

typedef struct AkNewSession {
    const char *id, *project_id, *deployment_id, *event_id, *trigger_id,
        *parent_id;                   /* or NULL */
    const char *entry, *event, *memo; /* event, memo: JSON or NULL */
    const char *seed, *dialect;
} AkNewSession;

/* A session starts with the next turn's commit. 0 or a fault. */
int ak_driver_create(AkDriver *driver, const AkNewSession *session);
/* An unfinished session of the store goes on, if it is not running here already. 0,
 * AK_E_ABSENT, AK_E_ENDED, or a fault with words in ak_driver_error. */
int ak_driver_load(AkDriver *driver, const char *session_id);
/* 0, AK_E_ABSENT or AK_E_ENDED. The session ends as STOPPED with the next turn. */
int ak_driver_stop(AkDriver *driver, const char *session_id, const char *reason);
/* An event for a session's subscription, or a signal: into its inbox, and to it if it is awake.
 */
int ak_driver_mail(AkDriver *driver, const AkMail *mail);
/* Ends the session's process and forgets it, the store keeps it: it goes on when it is loaded.
 */
void ak_driver_let_go(AkDriver *driver, const char *session_id);

/* Commits what is ready and does what follows. After every ak_loop_turn. */
void ak_driver_turn(AkDriver *driver);
/* The next turn commits, though no session asks for it: for what the front wrote itself. */
void ak_driver_want_commit(AkDriver *driver);

/* Does every session here only wait, with nothing left to do for it? Then *due_us is the next
 * time that one of them waits for, 0 for none. */
bool ak_driver_rests(const AkDriver *driver, int64_t *due_us);
/* The wall clock was moved (ak_loop_hold_clock): what has become due comes now, timers or not. */
void ak_driver_wake(AkDriver *driver);

const char *ak_driver_error(const AkDriver *driver);
/* Sessions held in memory, and those of them that have a process. */
size_t ak_driver_sessions(const AkDriver *driver);
size_t ak_driver_runners(const AkDriver *driver);
/* Those that wait for a process because of max_runners, or to begin because of a limit. */
size_t ak_driver_waiting(const AkDriver *driver);
/* Bytes of events and mail that wait in memory for sessions to work on them. */
size_t ak_driver_weight(const AkDriver *driver);
/* Sessions that only wait give their processes back now. */
void ak_driver_give_back(AkDriver *driver);
/* Those that the limit of this deployment or trigger holds up. */
size_t ak_driver_held(const AkDriver *driver, const char *id);
/* AkFront.limits says something else now, or sessions changed in the store. */
void ak_driver_limits_changed(AkDriver *driver);
/* idle_us, max_runners and the turn's limit from now on; the rest of the options stays. */
void ak_driver_set_options(AkDriver *driver, const AkDriverOptions *options);
/* Is a recorded call under way in any session here? */
bool ak_driver_is_executing(const AkDriver *driver);
/* Is it in the middle of a recorded call? */
bool ak_driver_executes(const AkDriver *driver, const char *session_id);
/* Is it in memory? */
bool ak_driver_has(const AkDriver *driver, const char *session_id);
int ak_driver_runner_pid(const AkDriver *driver, const char *session_id); /* 0: none */
uint64_t ak_driver_commits(const AkDriver *driver);

#endif
