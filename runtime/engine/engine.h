/* engine.h: the engine of one session. Events go in, commands come out.
 *
 * It reads no clock, opens nothing, starts nothing: the driver does, and tells. So a session
 * can be run in a test, by the million, with a crash between any two commands.
 *
 *     AkCommands *out = ak_commands_new();
 *     AkRun *run = ak_run_new(&options, ak_bytes(session_id));
 *     for each record of the journal:
 *         ak_run_step(run, now, &(AkEvent){.kind = AK_EV_RECORD, .value = bytes}, out);
 *     ak_run_step(run, now, &(AkEvent){.kind = AK_EV_LOADED, .number = len, .sum = sum}, out);
 *     for (;;) { do the commands; wait; tell what happened by ak_run_step }
 *
 * The one rule about order: AK_CMD_JOURNAL is a barrier. Commands come in two kinds.
 * Inside (AK_CMD_REQUEST to AK_CMD_JOURNAL): what is done with the store, at once, in order, in
 * the driver's open transaction. Outside (AK_CMD_SPAWN and later): what others can see, done in
 * order too. An outside command waits until every journaled record before it is durable; lazy
 * ones hold up AK_CMD_SHOW alone, which others may overtake. One exception that nobody can see:
 * AK_CMD_REPLY may go out while its commit is under way, so that the program computes
 * meanwhile; then nothing that its runner says is taken before the commit has succeeded, and
 * when it fails the runner is ended unheard. Inside commands that no record follows may share a
 * later commit. Many sessions may share one commit. When a commit fails,
 * nothing happened: free every run that was stepped since the last good commit, end its runner
 * and load it anew; the engine's memory was ahead of the truth.
 *
 * A request is answered (AK_EV_ANSWER) in the transaction it was done in, so it is atomic with
 * its record: a child is started, a signal sent, a key set exactly once. Calls of user code are
 * executed at least once, and their recorded value is replied exactly as recorded, always.
 *
 * Replay is not a mode. Records come in as events; a call that has a record is answered from
 * it (in advance, when the runner can take that), a call that differs from its record fails
 * the session with both calls and their source lines. Records are freed as they are replied. When the runner is lost the engine asks for
 * them again (AK_CMD_LOAD), so a long session that is not disturbed costs no memory.
 *
 * Texts that are JSON have to be JSON (ak_reader_next sees to it for what runners send).
 * Ownership: events lend their bytes for the one call. Commands own theirs until
 * ak_commands_clear. Memory: AK_E_NOMEM, AK_E_CORRUPT and AK_E_NEWER leave the run spent: free
 * it, nothing it asked for in that step may be done. After AK_E_ENDED and AK_E_MISUSE nothing
 * has changed. Threads: a run belongs to one thread at a time; there is no global state.
 */
#ifndef AK_ENGINE_H
#define AK_ENGINE_H

#include "bytes.h"
#include "journal.h"

typedef struct AkRun AkRun;
typedef struct AkCommands AkCommands;

/* Both in microseconds. Durable deadlines (sleep, timeouts of next_event, retries) are wall
 * clock; limits on a process (turn, activity) are monotonic. A deadline that is waited for in
 * memory comes when either clock says so, so that a wall clock set back prolongs no sleep. */
typedef struct AkNow {
    int64_t wall_us, mono_us;
} AkNow;

typedef struct AkRunOptions {
    int64_t turn_timeout_us; /* 0 for 10 s; < 0 for none */
    int64_t stack_wait_us;   /* how long AK_CMD_STACK may take; 0 for 2 s */
    uint32_t max_losses;     /* runners lost in a row without a new record; 0 for 5 */
    bool singly;             /* recorded answers are given call by call, none in advance */
    size_t max_line;         /* what a message to the runner may hold; 0 for 16 MiB */
    bool strict_arguments; /* arguments that differ on replay fail the session; else AK_CMD_NOTE
                            */
} AkRunOptions;

typedef enum AkEventKind {
    /* From the store. */
    AK_EV_CREATE, /* a new session: name = entry, args = event (JSON) or absent, seed (hex),
                   * dialect, parent (session id) or absent, text = memo. Instead of records and
                   * LOADED */
    AK_EV_RECORD, /* value = one record's bytes, in order, after ak_run_new or AK_CMD_LOAD */
    AK_EV_LOADED, /* that was all: number = records acknowledged, sum = checksum of the last */
    AK_EV_MAIL,   /* an inbox row: mail = its id (> 0), mail_kind, name, from, value (JSON or
                   * absent).   All rows after LOADED in id order, new ones as they come; doubles
                   * are ignored */
    /* From the runner, see docs/protocol.md. */
    AK_EV_MODULE,  /* loaded; number = the protocol it speaks; error when it could not be */
    AK_EV_CALL,    /* seq (0 from a base runner), name, value = data, file line func, preview,
                    * digest,    in_memory, retries, timeout_us, backoff_us */
    AK_EV_RESULT,  /* seq (0 from a base runner), value, preview, error */
    AK_EV_REQUEST, /* seq, name = op, args (JSON object), file line func; seq 0 and number = the
                     * call's: out of a call */
    AK_EV_PRINT,   /* seq, text, stream */
    AK_EV_DONE,    /* value = preview or absent, error or absent */
    AK_EV_REPLAYED, /* seq: it has answered itself up to there, from AK_CMD_HISTORY */
    /* From the driver. */
    AK_EV_ANSWER, /* seq, value (JSON) or error (JSON): how AK_CMD_REQUEST went */
    AK_EV_TIME,   /* an alarm has come (too early or twice does no harm) */
    AK_EV_STACK,  /* file, line, func (any may be absent), text = the whole stack */
    AK_EV_LOST, /* the runner is gone; text = how ("killed by signal 9"). Also after the driver
                 * ended it to save memory while AK_CMD_WAIT stood */
    AK_EV_BROKEN, /* the runner broke the protocol; text = ak_reader_error(). Fails the session
                   */
    AK_EV_STOP,   /* text = reason, or absent */
    AK_EV_KINDS
} AkEventKind;

typedef enum AkMailKind {
    AK_MAIL_EVENT = 1, /* name = subscription id, value = the event object */
    AK_MAIL_SIGNAL = 2 /* name = signal name, or the id of a child that ended; from = sender */
} AkMailKind;

typedef struct AkEvent {
    AkEventKind kind;
    uint64_t seq, number, sum, mail, line;
    AkMailKind mail_kind;
    AkStream stream;
    bool in_memory;
    uint32_t retries;               /* attempts after the first */
    int64_t timeout_us, backoff_us; /* 0 for none, 0 for 1 s */
    AkBytes name, value, args, error, text, preview, digest, file, func;
    AkBytes seed, dialect, parent, from;
} AkEvent;

typedef enum AkCommandKind {
    /* Inside the transaction. */
    AK_CMD_REQUEST, /* seq, name = op (all but sleep, next_event, next_signal), args: do it now;
                     * the next event of this run has to be its AK_EV_ANSWER, in this
                     * transaction. seq 0: out of a call, so that no record follows; its
                     * AK_CMD_REPLY waits for the commit all the same */
    AK_CMD_SEND,   /* mail to session `to`: mail_kind, name, from, value: put it into its inbox.
                    * That   `to` has ended or is not there any more is no fault */
    AK_CMD_TAKE,   /* mail: delete that inbox row */
    AK_CMD_WAIT,   /* the session's row: wait, seq, text (readable), since_us, due_us (0: no
                    * deadline). While wait is not AK_WAIT_NOTHING its runner may be ended (then
                    * AK_EV_LOST) and the run freed; load it when due_us comes or mail arrives */
    AK_CMD_FINISH, /* the session's row: state, value, error, at_us. The run takes no event
                      after */
    AK_CMD_LOAD,   /* feed AK_EV_RECORD from record 0, those of the open transaction too, then
                    * AK_EV_LOADED: now, before any other event of this run. Not the mail again */
    AK_CMD_JOURNAL, /* number, value = the record's bytes, sum. `lazy`: nothing but AK_CMD_SHOW
                     * waits for it, it may share a later commit */
    /* Outside, after what came before is durable. */
    AK_CMD_SPAWN,   /* start a runner. It answers AK_EV_MODULE, or AK_EV_LOST; the driver limits
                     * how   long connecting and loading may take */
    AK_CMD_RUN,     /* to the runner: name = entry point, args = event, seed, dialect, at_us,
                     * number = how many answers follow in AK_CMD_HISTORY */
    AK_CMD_HISTORY, /* to the runner: args = recorded answers (JSON), as docs/protocol.md has
                     * them. It tells by AK_EV_REPLAYED how far it came */
    AK_CMD_EXECUTE, /* to the runner: seq, attempt, name, value = data */
    AK_CMD_REPLY,   /* to the runner: seq, at_us, value, error; `request` tells reply from
                       response */
    AK_CMD_SHOW,    /* a print, once: text, stream, seq */
    AK_CMD_NOTE,    /* a warning for the session's log: text */
    AK_CMD_ALARM, /* AK_EV_TIME when either clock reaches wall_us or mono_us (0: not that one);
                   * replaces the alarm before */
    AK_CMD_STACK, /* SIGUSR1 to the runner, read the stack, AK_EV_STACK */
    AK_CMD_KILL,  /* end the runner, drop whatever it still says; no AK_EV_LOST for it */
    AK_CMD_KINDS
} AkCommandKind;

typedef enum AkWait {
    AK_WAIT_NOTHING = 0, /* it runs, or is ready to */
    AK_WAIT_SLEEP = 1,
    AK_WAIT_EVENT = 2,
    AK_WAIT_SIGNAL = 3,
    AK_WAIT_RETRY = 4
} AkWait;

typedef struct AkCommand {
    AkCommandKind kind;
    uint64_t seq, number, sum, attempt, mail;
    int64_t at_us, since_us, due_us, wall_us, mono_us;
    AkMailKind mail_kind;
    AkWait wait;
    AkState state;
    AkStream stream;
    bool lazy, request;
    AkBytes name, value, args, error, text, preview, seed, dialect, to, from;
} AkCommand;

/* options may be NULL; both are copied. NULL when memory ran out. */
AkRun *ak_run_new(const AkRunOptions *options, AkBytes session_id);
void ak_run_free(AkRun *run);

/* Commands are appended to out. 0, or a fault with its words in ak_run_error. */
int ak_run_step(AkRun *run, AkNow now, const AkEvent *event, AkCommands *out);

/* The run owns what these return, until the next step. */
const char *ak_run_error(const AkRun *run);
AkBytes ak_run_id(const AkRun *run);
AkState ak_run_state(const AkRun *run);
uint64_t ak_run_length(const AkRun *run); /* records so far: AkStore's fence */
AkWait ak_run_wait(const AkRun *run);
bool ak_run_has_runner(
    const AkRun *run); /* a spawn was asked and neither LOST nor KILL followed */

AkCommands *ak_commands_new(void);
void ak_commands_free(AkCommands *commands);
void ak_commands_clear(AkCommands *commands);
size_t ak_commands_count(const AkCommands *commands);
const AkCommand *ak_commands_at(const AkCommands *commands,
                                size_t i); /* until the next step or clear */
bool ak_command_is_inside(AkCommandKind kind);
const char *ak_command_name(AkCommandKind kind);
const char *ak_event_name(AkEventKind kind);
const char *ak_wait_name(AkWait wait); /* "sleep", "event", "signal", "retry"; "" for nothing */

/* The table of states, for tests and for the docs: which rows there are, and which one the
 * latest step took (-1: none). */
size_t ak_engine_rows(void);
const char *ak_engine_row_name(size_t i); /* "waiting + mail: take it, or keep it for later" */
int ak_run_row(const AkRun *run);

#endif
