/* store.h: everything that outlives a process, as one promise with two makers: a folder with an
 * SQLite database, or memory (tests, `ak run --data :memory:`). tests/test_store_promises.c
 * holds both to what stands here.
 *
 * Writes happen between ak_store_begin and ak_store_commit, and are durable (through a power
 * loss) when commit has returned 0: all of them or none. That is group commit: whatever is
 * ready, of any number of sessions, shares one commit and its one sync. Reads may happen at any
 * time and see the open transaction. A write outside of one is AK_E_MISUSE. A write that fails
 * with AK_E_FENCE, AK_E_EXISTS, AK_E_ABSENT, AK_E_TOOBIG, AK_E_MISUSE or by a counted limit
 * (AK_E_FULL) changes nothing and leaves the transaction open. After any other fault (full
 * disk, I/O, memory, corruption), from a write or from commit, the transaction is gone and
 * nothing of it happened; ak_store_commit and further writes answer with that same fault until
 * ak_store_abort, after which one may go on. If a sync failed, the page cache cannot be
 * believed: ak_store_abort keeps answering AK_E_IO, and the store has to be closed and opened.
 *
 * Ownership: rows given to the store and rows lent to a callback are borrowed for that call.
 * What a get function gives is one block: the caller's, for free(). Texts may be NULL where
 * said "or NULL"; times are microseconds since the epoch, 0 for "never". Ids are made by the
 * caller. A callback may read the store, not write it; it returns 0 to go on, anything else
 * ends the list, and the list function then returns AK_E_STOPPED. Threads: one thread at a
 * time. (The SQLite store checkpoints on a thread of its own.)
 */
#ifndef AK_STORE_H
#define AK_STORE_H

#include "engine/bytes.h"
#include "engine/engine.h"
#include "engine/journal.h"

typedef struct AkStore AkStore;

#define AK_STORE_VERSION 3
#define AK_KEYS_MAX      64          /* keys a project */
#define AK_KEY_BYTES_MAX 1024        /* bytes of a key */
#define AK_VALUE_MAX     (64 * 1024) /* bytes of a key's value */
#define AK_MAIL_MAX      10000       /* mails waiting in one session's inbox */

typedef enum AkStoreMode {
    AK_STORE_SERVE = 0, /* reads and writes; alone: another such opener gets AK_E_BUSY */
    AK_STORE_READ = 1,  /* looks only, beside a server; every write is AK_E_MISUSE */
    AK_STORE_SHARE = 2  /* reads and writes, beside others that share; not beside a server. Each
                         * session has one of them as its owner, see ak_store_claim */
} AkStoreMode;

typedef enum AkCheckpoint {
    AK_CHECKPOINT_THREAD = 0, /* the store's own thread moves the log into the database */
    AK_CHECKPOINT_CALLER = 1  /* the caller does, by ak_store_tend in idle moments */
} AkCheckpoint;

typedef struct AkStoreOptions {
    AkStoreMode mode;
    AkCheckpoint checkpoint;
    bool
        relaxed; /* synchronous=NORMAL: a power loss may take the latest commits, never order */
    const char *vfs; /* SQLite VFS to use, or NULL (tests lose power in one) */
    const char
        *file; /* the database's file, where it is not dir/ak.db; its lock is FILE.lock */
} AkStoreOptions;

/* Opens the store in folder dir, making both where missing (folder 0700, files 0600). Refuses:
 * another server (AK_E_BUSY), a newer schema (AK_E_NEWER; older ones are migrated in one
 * transaction), files that others may write (AK_E_UNSAFE), a damaged database (AK_E_CORRUPT).
 * options may be NULL. On a fault *store is NULL and the words are in error (size bytes). */
int ak_store_open_sqlite(const char *dir, const AkStoreOptions *options, AkStore **store,
                         char *error, size_t size);
AkStore *ak_store_open_memory(void);
/* An open transaction is aborted. NULL is fine. */
void ak_store_close(AkStore *store);

/* Words for the latest fault, naming what it was about ("session ses_…, record 12: …"). */
const char *ak_store_error(const AkStore *store);

int ak_store_begin(AkStore *store);
int ak_store_commit(AkStore *store);
int ak_store_abort(AkStore *store);
/* Who shares a store runs only sessions it has claimed, until it gives them back or closes.
 * AK_E_BUSY: another process has it. In a store of one's own everything is claimed. */
int ak_store_claim(AkStore *store, const char *session_id);
void ak_store_release(AkStore *store, const char *session_id);
bool ak_store_is_shared(const AkStore *store);
/* Has another process written since this was asked last? */
bool ak_store_was_changed(AkStore *store);

bool ak_store_is_open(const AkStore *store); /* between begin and commit or abort */

/* Housekeeping for idle moments: moves the write-ahead log into the database. 0 or a fault. */
int ak_store_tend(AkStore *store);
/* Reads everything: database structure, every journal's chain, every bundle's digest. 0, or
 * AK_E_CORRUPT with words that name the first thing found. */
int ak_store_verify(AkStore *store);

/* --- Sessions and their journals
 * ------------------------------------------------------------------ */

typedef struct AkSession {
    const char *id, *project_id;
    const char *deployment_id, *event_id, *trigger_id, *parent_id; /* or NULL */
    const char *entry;                                             /* file.py:func */
    const char *memo;                                              /* JSON or NULL */
    AkState state;
    int64_t created_us, updated_us, ended_us;
    AkWait wait; /* what it waits for, as AK_CMD_WAIT said */
    uint64_t wait_seq;
    const char *wait_text; /* or NULL */
    int64_t since_us, due_us;
    const char *value; /* preview of what was returned, or NULL */
    const char *error; /* JSON, or NULL */
    uint64_t length;   /* records in the journal, and the checksum of the last: kept by */
    uint64_t sum;      /* ak_journal_append, ignored in what is put or updated */
} AkSession;

typedef int (*AkSessionFn)(void *payload, const AkSession *session);

/* AK_E_EXISTS when the id is taken. */
int ak_session_put(AkStore *store, const AkSession *session);
/* Writes all fields but id, project_id, created_us, length and sum. AK_E_ABSENT. */
int ak_session_update(AkStore *store, const AkSession *session);
/* The narrow updates of AK_CMD_WAIT and AK_CMD_FINISH: cheaper than reading and writing a row.
 * Wait also makes a CREATED session RUNNING; finish clears what it waited for. */
int ak_session_wait(AkStore *store, const char *id, AkWait wait, uint64_t seq, AkBytes text,
                    int64_t since_us, int64_t due_us);
int ak_session_finish(AkStore *store, const char *id, AkState state, AkBytes value,
                      AkBytes error, int64_t ended_us);
int ak_session_get(AkStore *store, const char *id, AkSession **session);
/* With its journal, inbox and subscriptions. */
int ak_session_delete(AkStore *store, const char *id);

typedef struct AkSessionQuery {
    const char *project_id, *deployment_id, *parent_id, *trigger_id; /* NULL for any */
    bool without_parent;   /* only those that no session started */
    unsigned states;       /* bits 1u << AkState; 0 for any */
    int64_t ended_before;  /* > 0: only finished ones that ended before */
    const char *before_id; /* NULL; else only ids below: paging, as ids sort by time */
    size_t limit;          /* 0 for no limit */
} AkSessionQuery;

/* Newest id first. query may be NULL. */
int ak_session_list(AkStore *store, const AkSessionQuery *query, AkSessionFn fn, void *payload);
/* How many match (limit ignored), or a fault. */
int64_t ak_session_count(AkStore *store, const AkSessionQuery *query);
/* How many are in each state: counts[AkState]. project_id NULL for all. 0 or a fault. */
int ak_session_tally(AkStore *store, const char *project_id, int64_t counts[6]);
/* Unfinished sessions that wait for nothing, oldest first: to be loaded when a server starts. */
int ak_session_ready(AkStore *store, AkSessionFn fn, void *payload);
/* Unfinished sessions that wait and whose due time is not before `from` nor after `now`; oldest
 * due time first. What is read is what fn sees: it may stop early among any number. */
int ak_session_due(AkStore *store, int64_t from_us, int64_t now_us, AkSessionFn fn,
                   void *payload);
/* Unfinished sessions that wait for an event or a signal and have mail: to be loaded when a
 * server starts, as the one before may have ended between putting the mail and telling. */
int ak_session_with_mail(AkStore *store, AkSessionFn fn, void *payload);
/* The next due time above now_us of an unfinished session, 0 for none; or a fault. */
int64_t ak_session_next_due(AkStore *store, int64_t now_us);

/* One record: what AK_CMD_JOURNAL carries. */
typedef struct AkEntry {
    AkBytes bytes;
    uint64_t sum;
} AkEntry;

/* Appends n records at number `expected`, which has to be the journal's length: if it is not,
 * somebody else owns this session (AK_E_FENCE). AK_E_ABSENT without such a session. */
int ak_journal_append(AkStore *store, const char *session_id, uint64_t expected,
                      const AkEntry *entries, size_t n);
/* Lends the records from number `from` on, in order, without holes: the bytes are to be decoded
 * by ak_record_read (or fed to the engine). AK_E_CORRUPT when one is missing. */
typedef int (*AkEntryFn)(void *payload, uint64_t number, AkBytes bytes);
int ak_journal_read(AkStore *store, const char *session_id, uint64_t from, AkEntryFn fn,
                    void *payload);

/* --- The inbox of a session
 * ------------------------------------------------------------------------ */

typedef struct AkMail {
    uint64_t id; /* given by ak_mail_put, rising */
    const char *session_id;
    AkMailKind kind;
    const char *name;
    const char *from;     /* or NULL */
    const char *value;    /* JSON, or NULL */
    const char *event_id; /* put: the value is this event's data, kept once for all inboxes */
    int64_t created_us;
} AkMail;

typedef int (*AkMailFn)(void *payload, const AkMail *mail);

/* AK_E_ABSENT without the session, AK_E_ENDED when it has ended, AK_E_FULL above AK_MAIL_MAX.
 */
int ak_mail_put(AkStore *store, const AkMail *mail, uint64_t *id);
int ak_mail_take(AkStore *store, const char *session_id, uint64_t id); /* AK_E_ABSENT */
int ak_mail_list(AkStore *store, const char *session_id, uint64_t after, AkMailFn fn,
                 void *payload);

/* --- Subscriptions of sessions to events
 * ------------------------------------------------------------- */

typedef struct AkSubscription {
    const char *id, *session_id, *project_id;
    const char *source;
    const char *filter; /* or NULL */
    int64_t created_us;
} AkSubscription;

typedef int (*AkSubscriptionFn)(void *payload, const AkSubscription *subscription);

int ak_subscription_put(AkStore *store, const AkSubscription *subscription);
/* With the mail that came through it. */
int ak_subscription_delete(AkStore *store, const char *session_id, const char *id);
/* session_id, or project_id, or project_id and source; NULL for any. */
int ak_subscription_list(AkStore *store, const char *session_id, const char *project_id,
                         const char *source, AkSubscriptionFn fn, void *payload);

/* --- Projects, bundles, deployments, variables
 * --------------------------------------------------------- */

typedef struct AkProject {
    const char *id, *name; /* the name is unique too */
    int64_t created_us;
} AkProject;
typedef int (*AkProjectFn)(void *payload, const AkProject *project);

int ak_project_put(AkStore *store, const AkProject *project);
int ak_project_get(AkStore *store, const char *id_or_name, AkProject **project);
int ak_project_list(AkStore *store, AkProjectFn fn, void *payload);
/* AK_E_EXISTS while it has deployments or sessions. With its variables, keys, triggers, events.
 */
int ak_project_delete(AkStore *store, const char *id);

/* Bundles are named by what is in them: digest becomes 64 hex digits of SHA-256 and a NUL.
 * Putting the same bytes again is fine and writes nothing. */
int ak_bundle_put(AkStore *store, AkBytes bytes, int64_t now_us, char digest[65]);
/* The bytes, checked against the digest (AK_E_CORRUPT). bytes->at is the caller's, for free().
 */
int ak_bundle_get(AkStore *store, const char *digest, AkBytes *bytes);

typedef enum AkDeploymentState {
    AK_DEPLOYMENT_INACTIVE = 1,
    AK_DEPLOYMENT_ACTIVE = 2,
    AK_DEPLOYMENT_DRAINING = 3
} AkDeploymentState;

typedef struct AkDeployment {
    const char *id, *project_id;
    const char *build_id; /* bld_… */
    const char *digest;   /* of its bundle, which has to be there */
    AkDeploymentState state;
    int64_t created_us, activated_us;
    const char *dialect;  /* "ak" or "autokitteh" */
    const char *manifest; /* JSON, as the gate resolved it, or NULL */
    const char *verdict;  /* JSON, what the gate found, or NULL */
} AkDeployment;
typedef int (*AkDeploymentFn)(void *payload, const AkDeployment *deployment);

int ak_deployment_put(AkStore *store, const AkDeployment *deployment);
int ak_deployment_update(AkStore *store,
                         const AkDeployment *deployment); /* all but id, project_id */
int ak_deployment_get(AkStore *store, const char *id, AkDeployment **deployment);
/* Newest id first; project_id NULL for all. */
int ak_deployment_list(AkStore *store, const char *project_id, AkDeploymentFn fn,
                       void *payload);
/* Only an inactive one without sessions (else AK_E_EXISTS); its bundle goes when nobody else
 * has it. */
int ak_deployment_delete(AkStore *store, const char *id);

typedef struct AkVar {
    const char *project_id, *name, *value;
    bool secret;
} AkVar;
typedef int (*AkVarFn)(void *payload, const AkVar *var);

int ak_var_set(AkStore *store, const AkVar *var);
int ak_var_delete(AkStore *store, const char *project_id, const char *name);
int ak_var_list(AkStore *store, const char *project_id, AkVarFn fn,
                void *payload); /* by name */

/* --- Triggers and events
 * --------------------------------------------------------------------------------- */

typedef struct AkTrigger {
    const char *id, *project_id;
    const char *deployment_id; /* or NULL */
    const char *name;
    const char *kind;   /* "webhook", "schedule", ... */
    const char *slug;   /* of a webhook, unique; or NULL */
    const char *config; /* JSON: entry, filter, schedule, is_sync, ... */
    bool enabled;
    int64_t due_us; /* next tick of a schedule, 0 for none */
} AkTrigger;
typedef int (*AkTriggerFn)(void *payload, const AkTrigger *trigger);

int ak_trigger_put(AkStore *store, const AkTrigger *trigger); /* AK_E_EXISTS: id, or slug */
int ak_trigger_update(AkStore *store, const AkTrigger *trigger);
int ak_trigger_get(AkStore *store, const char *id, AkTrigger **trigger);
int ak_trigger_by_slug(AkStore *store, const char *slug, AkTrigger **trigger);
int ak_trigger_list(AkStore *store, const char *project_id, AkTriggerFn fn, void *payload);
/* Enabled ones due at or before now, oldest first. */
int ak_trigger_due(AkStore *store, int64_t now_us, AkTriggerFn fn, void *payload);
/* Those that are due after now. */
int ak_trigger_later(AkStore *store, int64_t now_us, AkTriggerFn fn, void *payload);
int64_t ak_trigger_next_due(AkStore *store); /* 0 for none, or a fault */
int ak_trigger_delete(AkStore *store, const char *id);

typedef struct AkStoredEvent {
    const char *id, *project_id;
    const char *trigger_id; /* or NULL */
    const char *type;
    const char *data; /* JSON: the event object that handlers get */
    const char
        *key; /* idempotency key, or NULL; unique within its trigger (or project, without) */
    int64_t created_us;
} AkStoredEvent;
typedef int (*AkStoredEventFn)(void *payload, const AkStoredEvent *event);

/* AK_E_EXISTS: the id is taken, or the key was used: then ak_event_by_key gives the first. */
int ak_event_put(AkStore *store, const AkStoredEvent *event);
int ak_event_get(AkStore *store, const char *id, AkStoredEvent **event);
int ak_event_by_key(AkStore *store, const char *project_id, const char *trigger_id,
                    const char *key, AkStoredEvent **event);
/* Newest id first; project_id NULL for all, before_id as in AkSessionQuery. */
int ak_event_list(AkStore *store, const char *project_id, const char *before_id, size_t limit,
                  AkStoredEventFn fn, void *payload);
int ak_event_delete_before(AkStore *store, int64_t created_before); /* how many, or a fault */

/* --- A project's keys and values
 * --------------------------------------------------------------------------- */

typedef struct AkPair {
    const char *project_id, *key;
    AkBytes value; /* JSON as the program's side wrote it; compared byte by byte */
    bool published;
} AkPair;
typedef int (*AkPairFn)(void *payload, const AkPair *pair);

/* value->at is the caller's, for free(). AK_E_ABSENT. published may be NULL. */
int ak_key_get(AkStore *store, const char *project_id, const char *key, AkBytes *value,
               bool *published);
/* AK_E_FULL above AK_KEYS_MAX keys, AK_E_TOOBIG above AK_VALUE_MAX or AK_KEY_BYTES_MAX. Keeps
 * `published`. */
int ak_key_set(AkStore *store, const char *project_id, const char *key, AkBytes value);
/* Sets when the value is `expected` (absent: when there is none): 1 if it did, 0 if not, or a
 * fault. An absent value deletes. */
int ak_key_check_and_set(AkStore *store, const char *project_id, const char *key,
                         AkBytes expected, AkBytes value);
int ak_key_delete(AkStore *store, const char *project_id, const char *key); /* AK_E_ABSENT */
int ak_key_publish(AkStore *store, const char *project_id, const char *key,
                   bool on); /* AK_E_ABSENT */
int ak_key_list(AkStore *store, const char *project_id, AkPairFn fn,
                void *payload); /* by key */

#endif
