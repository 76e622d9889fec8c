/* run.h: what the files of a run share, and nobody else includes.
 *
 * A run is in one state. Each file holds the rows of the table that are its business: in this
 * state, this event is handled by that function. What has no row is the caller's mistake
 * (AK_E_MISUSE).
 */
#ifndef AK_RUN_H
#define AK_RUN_H

#include "engine.h"

typedef enum AkPhase {
    AK__NEW,       /* knows its id only */
    AK__LOADING,   /* records are being fed */
    AK__PARKED,    /* no runner: waits for its time or for mail */
    AK__RESPAWN,   /* no runner: the last one was lost, the next one starts a little later */
    AK__STARTING,  /* a runner was asked for and has not named its module yet */
    AK__TURN,      /* the runner is in workflow code */
    AK__EXECUTING, /* the runner performs a call */
    AK__BACKOFF,   /* the call failed, its next attempt is due later; the runner waits */
    AK__ASKING,    /* the driver does a request, now */
    AK__ASIDE,     /* the same, of a call that goes on */
    AK__WAITING,   /* the runner waits for a time or for mail */
    AK__STUCK,     /* the turn took too long; its stack is being read */
    AK__ENDED,
    AK__PHASES
} AkPhase;

/* A handler returns 0 or a fault whose words it has given to ak__fault. */
typedef int (*AkHandler)(AkRun *run, AkNow now, const AkEvent *event, AkCommands *out);

typedef struct AkRow {
    AkPhase phase;
    AkEventKind event;
    AkHandler handle;
    const char *name;
} AkRow;

extern const AkRow ak__load_rows[], ak__run_rows[], ak__end_rows[], ak__activity_rows[],
    ak__aside_rows[], ak__timer_rows[], ak__signal_rows[];
extern const size_t ak__load_rows_len, ak__run_rows_len, ak__end_rows_len,
    ak__activity_rows_len, ak__aside_rows_len, ak__timer_rows_len, ak__signal_rows_len;

/* A record that the program has not come to yet. The slices point into bytes. */
typedef struct AkKnown {
    char *bytes;
    AkRecord record; /* kind 0: none */
} AkKnown;

/* The call or request that the program stands at. The slices point into bytes. */
typedef struct AkCall {
    char *bytes;
    uint64_t seq, attempt, line;
    uint32_t retries;
    bool in_memory;
    int64_t timeout_us, backoff_us, start_us;
    AkBytes name, data, args, file, func, digest, preview;
} AkCall;

typedef struct AkMailItem {
    char *bytes;
    uint64_t id;
    AkMailKind kind;
    bool lent; /* to the call that is being performed */
    AkBytes name, from, value;
} AkMailItem;

struct AkRun {
    AkRunOptions options;
    AkPhase phase;
    AkState state;
    bool failed; /* memory ran out in this step, or a record was not what it was */
    bool fresh;  /* all records are in `known`: loaded, and no program has been fed from them */
    bool has_runner;
    int row;
    AkText words, scratch,
        bytes; /* of the latest fault; for building values; for building records */
    char *id;
    AkBytes session;

    /* The journal: what number comes next, what the last checksum was. */
    uint64_t length, sum;
    uint64_t fed, fed_sum; /* while records are being fed */
    int64_t last_at;       /* time never goes back for the program */
    char *start_bytes;     /* record 0; its slices die with AK_CMD_RUN */
    AkRecord start;
    char *parent, *entry;
    AkKnown *known; /* by seq - 1 */
    size_t known_len, known_room;
    uint64_t last_seq;    /* the highest seq that has a record */
    uint64_t prints;      /* of workflow code, recorded */
    uint64_t prints_seen; /* of workflow code, by this runner */
    /* Replay in advance, see history.c: how many answers this runner was promised, how many it
     * was sent, where it has to be for the next message. */
    uint64_t promised, sent, send_at;

    /* The program. */
    uint64_t seq; /* where it stands */
    AkCall call;

    /* The wait that stands, in phases PARKED, BACKOFF and WAITING. */
    AkWait wait;
    uint64_t wait_seq;
    int64_t since, due, due_mono; /* due 0: no deadline */
    AkText wait_args; /* whose mail: the request's arguments; of a retry the call's name */
    uint64_t over; /* the seq whose sleep or pause has ended, though a clock may be set back */

    /* Mail that nobody has asked for yet, in the order of ids. */
    AkMailItem *mail;
    size_t mail_len, mail_room;
    uint64_t mail_seen;
    uint64_t *taken; /* ids that the journal says are taken, rising */
    size_t taken_len, taken_room;

    /* Deadlines of this process, monotonic. */
    int64_t limit; /* of the turn, the call, the stack, the pause before the next runner; 0 for
                      none */
    int64_t armed_wall, armed_mono;
    uint32_t losses;
};

/* --- commands.c ---- */
AkCommand *ak__command(AkRun *run, AkCommands *out, AkCommandKind kind);
AkBytes ak__own(AkCommands *out, AkBytes bytes); /* a copy that lives as long as the commands */

bool ak__commands_failed(const AkCommands *commands); /* memory ran out since they were clear */

/* --- run.c ---- */
int ak__fault(AkRun *run, int fault, const char *words);
char *ak__copy(AkRun *run, AkBytes bytes); /* malloced, with a NUL; NULL and run->failed */
bool ak__run_grow(AkRun *run, void **items, size_t *room, size_t len, size_t size);
void ak__forget_all(AkRun *run); /* records, mail, the call */
/* Completes the record (number, time), journals it, remembers it if the program is yet to come
 * there. */
int ak__journal(AkRun *run, AkNow now, AkRecord *record, bool lazy, AkCommands *out);
int64_t ak__time(AkRun *run, int64_t at); /* `at`, but never before what the program has seen */
void ak__reply(AkRun *run, AkNow now, const AkRecord *record, bool request, AkCommands *out);
/* {"type", "message", "traceback": [where the program stands], "kind"} into run->scratch. */
AkBytes ak__error_json(AkRun *run, const char *kind, const char *type, AkBytes message,
                       AkBytes file, uint64_t line, AkBytes func);
void ak__describe(AkText *text, AkBytes name, AkBytes file,
                  uint64_t line); /* fetch (flow.py:12) */
bool ak__numbered(const AkEvent *event, uint64_t expected);
int ak__off_script(AkRun *run, AkNow now, const AkEvent *event, AkCommands *out);
void ak__start_turn(AkRun *run, AkNow now);
int ak__set_call(AkRun *run, const AkEvent *event, uint64_t attempt, AkNow now);

/* --- load.c ---- */
AkKnown *ak__known(AkRun *run, uint64_t seq); /* NULL for none */
int ak__remember(AkRun *run, AkBytes bytes, AkRecord record);
void ak__forget(AkKnown *known);
void ak__forget_records(AkRun *run);
void ak__pass(AkRun *run,
              AkKnown *known); /* forgets it, and the table itself behind the last one */
int ak__restart(AkRun *run,
                AkCommands *out); /* a new runner, replaying: SPAWN, or LOAD first */

/* --- end.c ---- */
/* The record, the row, the parent's mail; what is remembered stays, and so does the runner. */
int ak__end(AkRun *run, AkNow now, AkState state, AkBytes value, AkBytes error,
            AkCommands *out);
void ak__end_runner(AkRun *run, AkCommands *out);
/* ak__end; the runner is ended, and all that is remembered is dropped. */
int ak__finish(AkRun *run, AkNow now, AkState state, AkBytes value, AkBytes error,
               AkCommands *out);
int ak__fail(AkRun *run, AkNow now, const char *kind, const char *type, AkBytes message,
             AkCommands *out);

/* --- diverge.c ---- */
bool ak__is_request(AkRecordKind kind); /* else a call */
/* Does what the program asks for differ from what the journal says it asked? */
bool ak__differs(AkRun *run, const AkKnown *known, const AkEvent *event, bool request);
/* Fails the session for it. */
int ak__diverge(AkRun *run, AkNow now, const AkKnown *known, const AkEvent *event, bool request,
                AkCommands *out);
void ak__note_arguments(AkRun *run, const AkKnown *known, const AkEvent *event,
                        AkCommands *out);

/* --- history.c ---- */
uint64_t ak__promise(AkRun *run); /* how many answers this runner will be sent in advance */
void ak__send_history(AkRun *run, AkCommands *out);
/* The runner has answered itself up to seq. */
void ak__catch_up(AkRun *run, uint64_t seq);
/* It asks for next_seq (0: does not say) itself: what is left of the history is not for it. */
void ak__leave_history(AkRun *run, uint64_t next_seq);
int ak__replayed(AkRun *run, AkNow now, const AkEvent *event, AkCommands *out);

/* --- timer.c ---- */
void ak__arm(AkRun *run, AkNow now, AkCommands *out);
bool ak__is_due(const AkRun *run, AkNow now);
void ak__wait_until(AkRun *run, AkNow now, AkWait wait, uint64_t seq, int64_t since,
                    int64_t due);
void ak__show_wait(AkRun *run, AkCommands *out);
void ak__end_wait(AkRun *run, AkCommands *out);
int ak__sleep(AkRun *run, AkNow now, const AkEvent *event, AkCommands *out);

/* --- activity.c ---- */
int ak__retry_due(AkRun *run, AkNow now, AkCommands *out);

/* --- signal.c ---- */
int ak__keep_mail(AkRun *run, AkNow now, const AkEvent *event, AkCommands *out);
/* Answers the wait that stands if its mail or its time has come: 1, 0 or a fault. */
int ak__try_wait(AkRun *run, AkNow now, AkCommands *out);
void ak__drop_mail(AkMailItem *mail);
void ak__drop_mail_of(AkRun *run, AkBytes args); /* of the subscription that args name as id */
bool ak__are_arguments(const AkEvent *event);    /* else ak__bad_arguments ends the session */
int ak__bad_arguments(AkRun *run, AkNow now, AkCommands *out);
AkBytes ak__lend_event(AkRun *run, AkBytes args); /* its JSON, null when there is none */
void ak__take_lent(AkRun *run, AkCommands *out);  /* the call has its record */
void ak__return_lent(AkRun *run);                 /* it is to be performed again */

#endif
