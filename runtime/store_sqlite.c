/* store_sqlite.c: a folder that holds a store: the database file and a lock.
 *
 * WAL with synchronous=FULL: a commit is one append and one sync. What the log holds is moved
 * into the database by a thread of its own, so that no commit waits for that; should the log
 * outgrow its limit all the same, a commit moves it. The lock is a file lock on `lock`, which
 * goes with its process, however that ends.
 */
#define _GNU_SOURCE
#include "store_inner.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define APPLICATION    0x616b7374 /* "akst" */
#define LOG_PAGES      1000       /* from here on the log is worth moving */
#define LOG_PAGES_MOST 16000

/* Step i brings a store from version i to i + 1. A step that has been released is never
 * changed. */
static const char *const steps[AK_STORE_VERSION] = {
    "CREATE TABLE session(n INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, project_id TEXT NOT "
    "NULL,"
    " deployment_id TEXT, event_id TEXT, trigger_id TEXT, parent_id TEXT, entry TEXT NOT NULL,"
    " memo TEXT, state INTEGER NOT NULL, created_us INTEGER NOT NULL, updated_us INTEGER NOT "
    "NULL,"
    " ended_us INTEGER NOT NULL, wait INTEGER NOT NULL, wait_seq INTEGER NOT NULL, wait_text "
    "TEXT,"
    " since_us INTEGER NOT NULL, due_us INTEGER NOT NULL, value TEXT, error TEXT,"
    " length INTEGER NOT NULL DEFAULT 0, sum INTEGER NOT NULL DEFAULT 0);"
    "CREATE TABLE journal(session INTEGER NOT NULL, number INTEGER NOT NULL, bytes BLOB NOT "
    "NULL,"
    " PRIMARY KEY(session, number)) WITHOUT ROWID;"
    "CREATE TABLE mail(id INTEGER PRIMARY KEY AUTOINCREMENT, session INTEGER NOT NULL,"
    " kind INTEGER NOT NULL, name TEXT NOT NULL, sender TEXT, value TEXT, created_us INTEGER "
    "NOT NULL);"
    "CREATE TABLE subscription(id TEXT PRIMARY KEY, session_id TEXT NOT NULL, project_id TEXT "
    "NOT NULL,"
    " source TEXT NOT NULL, filter TEXT, created_us INTEGER NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE project(id TEXT PRIMARY KEY, name TEXT NOT NULL UNIQUE, created_us INTEGER "
    "NOT NULL)"
    " WITHOUT ROWID;"
    "CREATE TABLE bundle(digest TEXT PRIMARY KEY, bytes BLOB NOT NULL, created_us INTEGER NOT "
    "NULL);"
    "CREATE TABLE deployment(id TEXT PRIMARY KEY, project_id TEXT NOT NULL, build_id TEXT NOT "
    "NULL,"
    " digest TEXT NOT NULL, state INTEGER NOT NULL, created_us INTEGER NOT NULL,"
    " activated_us INTEGER NOT NULL, dialect TEXT NOT NULL, manifest TEXT, verdict TEXT) "
    "WITHOUT ROWID;"
    "CREATE TABLE var(project_id TEXT NOT NULL, name TEXT NOT NULL, value TEXT NOT NULL,"
    " secret INTEGER NOT NULL, PRIMARY KEY(project_id, name)) WITHOUT ROWID;"
    "CREATE TABLE trig(id TEXT PRIMARY KEY, project_id TEXT NOT NULL, deployment_id TEXT,"
    " name TEXT NOT NULL, kind TEXT NOT NULL, slug TEXT UNIQUE, config TEXT NOT NULL,"
    " enabled INTEGER NOT NULL, due_us INTEGER NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE event(id TEXT PRIMARY KEY, project_id TEXT NOT NULL, trigger_id TEXT,"
    " type TEXT NOT NULL, data TEXT NOT NULL, key TEXT, created_us INTEGER NOT NULL) WITHOUT "
    "ROWID;"
    "CREATE TABLE pair(project_id TEXT NOT NULL, key TEXT NOT NULL, value BLOB NOT NULL,"
    " published INTEGER NOT NULL, PRIMARY KEY(project_id, key)) WITHOUT ROWID;",

    "CREATE INDEX session_due ON session(due_us) WHERE state <= 2 AND wait <> 0 AND due_us > 0;"
    "CREATE INDEX session_ready ON session(id) WHERE state <= 2 AND wait = 0;"
    "CREATE INDEX session_deployment ON session(deployment_id, state);"
    "CREATE INDEX session_parent ON session(parent_id) WHERE parent_id IS NOT NULL;"
    "CREATE INDEX session_project ON session(project_id, id);"
    "CREATE INDEX session_ended ON session(ended_us) WHERE state > 2;"
    "CREATE INDEX mail_session ON mail(session, id);"
    "CREATE INDEX subscription_session ON subscription(session_id);"
    "CREATE INDEX subscription_source ON subscription(project_id, source);"
    "CREATE INDEX deployment_project ON deployment(project_id, id);"
    "CREATE INDEX deployment_digest ON deployment(digest);"
    "CREATE INDEX trig_project ON trig(project_id, name);"
    "CREATE INDEX trig_due ON trig(due_us) WHERE enabled AND due_us > 0;"
    "CREATE INDEX event_project ON event(project_id, id);"
    "CREATE UNIQUE INDEX event_key ON event(project_id, ifnull(trigger_id, ''), key)"
    " WHERE key IS NOT NULL;",

    "ALTER TABLE mail ADD COLUMN event TEXT;",
};

/* --- Faults
 * ----------------------------------------------------------------------------------------- */

int ak__store_fault(AkStore *store, int fault, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(store->error, sizeof store->error, format, args);
    va_end(args);
    return fault;
}

static int fault_of(int code)
{
    switch (code & 0xFF) {
    case SQLITE_NOMEM: return AK_E_NOMEM;
    case SQLITE_FULL: return AK_E_FULL;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB: return AK_E_CORRUPT;
    case SQLITE_BUSY:
    case SQLITE_LOCKED: return AK_E_BUSY;
    case SQLITE_CONSTRAINT: return AK_E_EXISTS;
    case SQLITE_TOOBIG: return AK_E_TOOBIG;
    case SQLITE_MISUSE:
    case SQLITE_RANGE: return AK_E_MISUSE;
    default: return AK_E_IO;
    }
}

int ak__store_failed(AkStore *store, const char *doing)
{
    int code = sqlite3_extended_errcode(store->db);
    int fault = fault_of(code);
    if (code == SQLITE_IOERR_FSYNC || code == SQLITE_IOERR_DIR_FSYNC)
        store->sync_lost = true;
    return ak__store_fault(store, fault, "%s: %s: %s (%s)", store->name, doing,
                           sqlite3_errmsg(store->db), ak_fault_name(fault));
}

int ak__store_break_off(AkStore *store, int fault)
{
    if (!store->open)
        return fault;
    store->broken = fault;
    if (!sqlite3_get_autocommit(store->db))
        sqlite3_exec(store->db, "ROLLBACK", NULL, NULL, NULL);
    return fault;
}

const char *ak_store_error(const AkStore *store)
{
    return store->error;
}

/* --- Statements
 * ---------------------------------------------------------------------------------------- */

static sqlite3_stmt *prepare(AkStore *store, const char *sql)
{
    sqlite3_stmt *stmt = NULL;
    size_t i = ((uintptr_t)sql >> 3) % AK__STATEMENTS, tries = 0;
    while (tries++ < AK__STATEMENTS && store->statements[i].sql &&
           store->statements[i].sql != sql)
        i = (i + 1) % AK__STATEMENTS;
    AkStatement *slot = &store->statements[i];
    if (slot->sql == sql && !slot->busy) {
        slot->busy = true;
        return slot->stmt;
    }
    if (sqlite3_prepare_v3(store->db, sql, -1, slot->sql ? 0 : SQLITE_PREPARE_PERSISTENT, &stmt,
                           NULL))
        return NULL;
    if (!slot->sql)
        *slot = (AkStatement){sql, stmt, true};
    return stmt;
}

void ak__store_done(AkStore *store, sqlite3_stmt *stmt)
{
    if (!stmt)
        return;
    for (size_t i = 0; i < AK__STATEMENTS; i++) {
        if (store->statements[i].stmt != stmt)
            continue;
        sqlite3_reset(stmt);
        sqlite3_clear_bindings(stmt);
        store->statements[i].busy = false;
        return;
    }
    sqlite3_finalize(stmt);
}

static int bind(sqlite3_stmt *stmt, const char *format, va_list args)
{
    int code = SQLITE_OK;
    for (int i = 1; *format && code == SQLITE_OK; format++, i++) {
        AkBytes bytes;
        switch (*format) {
        case 's': {
            const char *text = va_arg(args, const char *);
            code = sqlite3_bind_text(stmt, i, text, -1, SQLITE_STATIC);
            break;
        }
        case 'i': code = sqlite3_bind_int64(stmt, i, va_arg(args, int64_t)); break;
        case 't':
            bytes = va_arg(args, AkBytes);
            code =
                sqlite3_bind_text64(stmt, i, bytes.at, bytes.len, SQLITE_STATIC, SQLITE_UTF8);
            break;
        default:
            bytes = va_arg(args, AkBytes);
            code = sqlite3_bind_blob64(stmt, i, bytes.at ? bytes.at : "", bytes.len,
                                       SQLITE_STATIC);
        }
    }
    return code;
}

static sqlite3_stmt *query(AkStore *store, int *fault, const char *sql, const char *format,
                           va_list args)
{
    sqlite3_stmt *stmt = prepare(store, sql);
    if (stmt && bind(stmt, format, args) == SQLITE_OK)
        return stmt;
    *fault = ak__store_failed(store, "asking");
    ak__store_done(store, stmt);
    return NULL;
}

sqlite3_stmt *ak__store_query(AkStore *store, int *fault, const char *sql, const char *format,
                              ...)
{
    va_list args;
    va_start(args, format);
    sqlite3_stmt *stmt = query(store, fault, sql, format, args);
    va_end(args);
    return stmt;
}

int ak__store_step(AkStore *store, sqlite3_stmt *stmt)
{
    int code = sqlite3_step(stmt);
    if (code == SQLITE_ROW)
        return 1;
    return code == SQLITE_DONE ? 0 : ak__store_failed(store, "reading");
}

int ak__store_writable(AkStore *store)
{
    if (store->reads_only)
        return ak__store_fault(store, AK_E_MISUSE, "this store was opened for reading");
    if (!store->open)
        return ak__store_fault(store, AK_E_MISUSE, "a write outside of a transaction");
    return store->broken; /* its words are still there */
}

int ak__store_write(AkStore *store, const char *sql, const char *format, ...)
{
    int fault = ak__store_writable(store);
    if (fault)
        return fault;
    va_list args;
    va_start(args, format);
    sqlite3_stmt *stmt = query(store, &fault, sql, format, args);
    va_end(args);
    if (stmt && sqlite3_step(stmt) != SQLITE_DONE)
        fault = ak__store_failed(store, "writing");
    ak__store_done(store, stmt);
    if (fault && fault != AK_E_EXISTS && fault != AK_E_TOOBIG)
        ak__store_break_off(store, fault);
    return fault;
}

int64_t ak__store_changed(AkStore *store)
{
    return sqlite3_changes(store->db);
}

int ak__store_number(AkStore *store, int64_t *number, int64_t otherwise, const char *sql,
                     const char *format, ...)
{
    int fault = 0;
    va_list args;
    va_start(args, format);
    sqlite3_stmt *stmt = query(store, &fault, sql, format, args);
    va_end(args);
    *number = otherwise;
    if (!stmt)
        return fault;
    int got = ak__store_step(store, stmt);
    if (got == 1 && sqlite3_column_type(stmt, 0) != SQLITE_NULL)
        *number = sqlite3_column_int64(stmt, 0);
    ak__store_done(store, stmt);
    return got < 0 ? got : 0;
}

const char *ak__store_text(sqlite3_stmt *stmt, int column)
{
    return (const char *)sqlite3_column_text(stmt, column);
}

void *ak__store_pack(AkStore *store, const void *row, size_t size, const size_t *offsets,
                     size_t n)
{
    size_t room = size;
    for (size_t i = 0; i < n; i++) {
        const char *text;
        memcpy(&text, (const char *)row + offsets[i], sizeof text);
        room += text ? strlen(text) + 1 : 0;
    }
    char *block = malloc(room), *at = block + size;
    if (!block) {
        ak__store_fault(store, AK_E_NOMEM, "out of memory");
        return NULL;
    }
    memcpy(block, row, size);
    for (size_t i = 0; i < n; i++) {
        const char *text;
        memcpy(&text, (const char *)row + offsets[i], sizeof text);
        if (!text)
            continue;
        size_t len = strlen(text) + 1;
        memcpy(at, text, len);
        memcpy(block + offsets[i], &at, sizeof at);
        at += len;
    }
    return block;
}

/* --- Moving the log
 * ----------------------------------------------------------------------------------------- */

struct AkKeeper {
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t work;
    bool wanted, leave;
    sqlite3 *db;
};

static void *keep(void *payload)
{
    AkKeeper *keeper = payload;
    pthread_mutex_lock(&keeper->mutex);
    for (;;) {
        while (!keeper->wanted && !keeper->leave)
            pthread_cond_wait(&keeper->work, &keeper->mutex);
        if (keeper->leave)
            break;
        keeper->wanted = false;
        pthread_mutex_unlock(&keeper->mutex);
        sqlite3_wal_checkpoint_v2(keeper->db, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
        pthread_mutex_lock(&keeper->mutex);
    }
    pthread_mutex_unlock(&keeper->mutex);
    return NULL;
}

static int after_commit(void *payload, sqlite3 *db, const char *schema, int pages)
{
    AkStore *store = payload;
    store->log_pages = pages;
    if (pages >= LOG_PAGES_MOST) {
        sqlite3_wal_checkpoint_v2(db, schema, SQLITE_CHECKPOINT_RESTART, NULL, NULL);
    } else if (pages >= LOG_PAGES && pages % (LOG_PAGES / 4) < 8 && store->keeper) {
        pthread_mutex_lock(&store->keeper->mutex);
        store->keeper->wanted = true;
        pthread_cond_signal(&store->keeper->work);
        pthread_mutex_unlock(&store->keeper->mutex);
    }
    return SQLITE_OK; /* a log that could not be moved now is moved later: the commit stands */
}

static int start_keeper(AkStore *store, const char *file)
{
    AkKeeper *keeper = calloc(1, sizeof *keeper);
    if (!keeper)
        return AK_E_NOMEM;
    if (sqlite3_open_v2(file, &keeper->db, SQLITE_OPEN_READWRITE, NULL) != SQLITE_OK) {
        sqlite3_close(keeper->db);
        free(keeper);
        return AK_E_IO;
    }
    sqlite3_exec(keeper->db, "PRAGMA cache_size=-200", NULL, NULL, NULL);
    pthread_mutex_init(&keeper->mutex, NULL);
    pthread_cond_init(&keeper->work, NULL);
    if (pthread_create(&keeper->thread, NULL, keep, keeper) != 0) {
        sqlite3_close(keeper->db);
        pthread_cond_destroy(&keeper->work);
        pthread_mutex_destroy(&keeper->mutex);
        free(keeper);
        return AK_E_NOMEM;
    }
    store->keeper = keeper;
    return 0;
}

static void end_keeper(AkKeeper *keeper)
{
    if (!keeper)
        return;
    pthread_mutex_lock(&keeper->mutex);
    keeper->leave = true;
    pthread_cond_signal(&keeper->work);
    pthread_mutex_unlock(&keeper->mutex);
    pthread_join(keeper->thread, NULL);
    sqlite3_close(keeper->db);
    pthread_cond_destroy(&keeper->work);
    pthread_mutex_destroy(&keeper->mutex);
    free(keeper);
}

int ak_store_tend(AkStore *store)
{
    if (store->reads_only || store->open)
        return ak__store_fault(store, AK_E_MISUSE, "the log cannot be moved now");
    int code =
        sqlite3_wal_checkpoint_v2(store->db, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
    if (code == SQLITE_OK || code == SQLITE_BUSY || code == SQLITE_LOCKED)
        return 0;
    return ak__store_failed(store, "moving the log");
}

/* --- Transactions
 * ----------------------------------------------------------------------------------------------
 */

int ak_store_begin(AkStore *store)
{
    if (store->reads_only || store->open)
        return ak__store_fault(store, AK_E_MISUSE,
                               store->open ? "a transaction is open already"
                                           : "this store was opened for reading");
    if (store->sync_lost)
        return ak__store_fault(store, AK_E_IO,
                               "%s: a sync failed, the store has to be reopened", store->name);
    sqlite3_stmt *stmt = prepare(store, "BEGIN IMMEDIATE");
    int fault =
        stmt && sqlite3_step(stmt) == SQLITE_DONE ? 0 : ak__store_failed(store, "beginning");
    ak__store_done(store, stmt);
    store->open = fault == 0;
    store->broken = 0;
    return fault;
}

int ak_store_commit(AkStore *store)
{
    int fault = ak__store_writable(store);
    if (fault)
        return fault;
    if (store->log_pages)
        ak__store_make_room(store);
    sqlite3_stmt *stmt = prepare(store, "COMMIT");
    if (!stmt || sqlite3_step(stmt) != SQLITE_DONE) {
        fault = ak__store_failed(store, "committing");
        /* What an unsure disk has taken shows when it is read again, not before. */
        if (fault == AK_E_IO)
            store->sync_lost = true;
    }
    ak__store_done(store, stmt);
    if (fault)
        return ak__store_break_off(store, fault);
    store->open = false;
    return 0;
}

int ak_store_abort(AkStore *store)
{
    if (!store->open)
        return ak__store_fault(store, AK_E_MISUSE, "no transaction is open");
    if (!sqlite3_get_autocommit(store->db))
        sqlite3_exec(store->db, "ROLLBACK", NULL, NULL, NULL);
    store->open = false;
    store->broken = 0;
    if (store->sync_lost)
        return ak__store_fault(store, AK_E_IO,
                               "%s: a sync failed, the store has to be reopened", store->name);
    return 0;
}

bool ak_store_is_open(const AkStore *store)
{
    return store->open;
}

/* --- Opening
 * ------------------------------------------------------------------------------------------------------
 */

static int run_sql(AkStore *store, const char *sql)
{
    if (sqlite3_exec(store->db, sql, NULL, NULL, NULL) == SQLITE_OK)
        return 0;
    return ak__store_failed(store, "opening");
}

static int migrate(AkStore *store, int64_t version)
{
    char pragma[64];
    int fault = run_sql(store, "BEGIN IMMEDIATE");
    for (int64_t i = version; i < AK_STORE_VERSION && fault == 0; i++)
        fault = run_sql(store, steps[i]);
    snprintf(pragma, sizeof pragma, "PRAGMA user_version=%d", AK_STORE_VERSION);
    if (fault == 0)
        fault = run_sql(store, pragma);
    snprintf(pragma, sizeof pragma, "PRAGMA application_id=%d", APPLICATION);
    if (fault == 0)
        fault = run_sql(store, pragma);
    if (fault == 0)
        fault = run_sql(store, "COMMIT");
    if (fault && !sqlite3_get_autocommit(store->db))
        sqlite3_exec(store->db, "ROLLBACK", NULL, NULL, NULL);
    return fault;
}

/* Is this ours? Asked before anything is written. */
static int check_owner(AkStore *store)
{
    int64_t version = 0, application = 0, tables = 0;
    int fault = ak__store_number(store, &version, 0, "PRAGMA user_version", "");
    if (fault == 0)
        fault = ak__store_number(store, &application, 0, "PRAGMA application_id", "");
    if (fault == 0)
        fault = ak__store_number(store, &tables, 0, "SELECT count(*) FROM sqlite_master", "");
    if (fault == 0 && application != APPLICATION && (application || version || tables))
        fault = ak__store_fault(store, AK_E_CORRUPT, "%s: is a database of another program",
                                store->name);
    return fault;
}

/* Is it of a version that this program knows? */
static int check_version(AkStore *store)
{
    int64_t version = 0;
    int fault = ak__store_number(store, &version, 0, "PRAGMA user_version", "");
    if (fault)
        return fault;
    if (version > AK_STORE_VERSION)
        return ak__store_fault(store, AK_E_NEWER, "%s: has version %lld, this program knows %d",
                               store->name, (long long)version, AK_STORE_VERSION);
    if (version == AK_STORE_VERSION)
        return 0;
    if (store->reads_only)
        return ak__store_fault(store, AK_E_ABSENT, "%s: no store of this version is there yet",
                               store->name);
    return migrate(store, version);
}

static int set_up(AkStore *store, const AkStoreOptions *options)
{
    int fault = 0;
    sqlite3_busy_timeout(store->db, 5000);
    sqlite3_extended_result_codes(store->db, 1);
    if (store->exclusive)
        fault = run_sql(store, "PRAGMA locking_mode=EXCLUSIVE");
    if (fault == 0)
        fault = check_owner(store);
    if (fault == 0 && !store->reads_only)
        fault = run_sql(store, "PRAGMA journal_mode=WAL");
    if (fault == 0)
        fault = run_sql(store, options->relaxed ? "PRAGMA synchronous=NORMAL"
                                                : "PRAGMA synchronous=FULL");
    if (fault == 0)
        fault = run_sql(store, "PRAGMA cache_size=-4000; PRAGMA temp_store=MEMORY;"
                               "PRAGMA trusted_schema=OFF");
    if (fault == 0)
        fault = check_version(store);
    if (fault == 0 && !store->reads_only)
        sqlite3_wal_hook(store->db, after_commit, store);
    return fault;
}

/* The database behind both makers. */
int ak__store_open(const char *file, const AkStoreOptions *options, AkStore **made, char *error,
                   size_t size)
{
    AkStore *store = calloc(1, sizeof *store);
    int flags = options->mode == AK_STORE_READ ? SQLITE_OPEN_READONLY
                                               : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
    int fault = 0;
    *made = NULL;
    if (store)
        store->name = strdup(file);
    if (!store || !store->name) {
        free(store);
        snprintf(error, size, "out of memory");
        return AK_E_NOMEM;
    }
    store->lock_fd = -1;
    store->reads_only = options->mode == AK_STORE_READ;
    store->shared = options->mode == AK_STORE_SHARE;
    store->exclusive = options->checkpoint == AK_CHECKPOINT_CALLER && !store->reads_only;
    if (sqlite3_open_v2(file, &store->db, flags | SQLITE_OPEN_NOMUTEX, options->vfs) !=
        SQLITE_OK)
        fault = store->db ? ak__store_failed(store, "opening") : AK_E_NOMEM;
    if (fault == 0)
        fault = set_up(store, options);
    if (fault) {
        snprintf(error, size, "%s", store->error);
        ak_store_close(store);
        return fault;
    }
    *made = store;
    return 0;
}

static int say(char *error, size_t size, int fault, const char *what, const char *path,
               int number)
{
    snprintf(error, size, "%s: %s%s%s", path, what, number ? ": " : "",
             number ? strerror(number) : "");
    return fault;
}

/* Whoever can write here can make the server run code: pickles are in it. */
static int check_place(const char *path, char *error, size_t size)
{
    struct stat info;
    if (stat(path, &info) < 0)
        return say(error, size, AK_E_IO, "cannot be looked at", path, errno);
    if (info.st_uid != geteuid() && geteuid() != 0)
        return say(error, size, AK_E_UNSAFE, "belongs to somebody else", path, 0);
    if (info.st_mode & 022)
        return say(error, size, AK_E_UNSAFE, "others may write to it (chmod go-w)", path, 0);
    return 0;
}

/* Alone if it can be had: who shares sets the database up alone, and lets others in after. One
 * who was killed may have left a process behind that is about to end, and has his lock until
 * then: so it is tried for again, for a while. */
static int take_lock(int fd, AkStoreMode mode)
{
    enum { TRIES = 50 };
    const struct timespec pause = {0, 10 * 1000000};

    for (int i = 0; i < (mode == AK_STORE_SHARE ? 2 * TRIES : TRIES); i++) {
        if (flock(fd, LOCK_EX | LOCK_NB) == 0 ||
            (mode == AK_STORE_SHARE && flock(fd, LOCK_SH | LOCK_NB) == 0))
            return 0;
        if (errno != EWOULDBLOCK)
            return -1;
        nanosleep(&pause, NULL);
    }
    errno = EWOULDBLOCK;
    return -1;
}

static int make_place(const char *dir, const char *file, const char *lock, AkStoreMode mode,
                      int *lock_fd, char *error, size_t size)
{
    int fault = 0;
    if (dir && mkdir(dir, 0700) < 0 && errno != EEXIST)
        return say(error, size, errno == ENOSPC ? AK_E_FULL : AK_E_IO, "cannot be made", dir,
                   errno);
    if (dir)
        fault = check_place(dir, error, size);
    if (fault)
        return fault;
    *lock_fd = open(lock, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (*lock_fd < 0)
        return say(error, size, errno == ENOSPC ? AK_E_FULL : AK_E_IO, "cannot be opened", lock,
                   errno);
    if (take_lock(*lock_fd, mode) < 0)
        return say(error, size, errno == EWOULDBLOCK ? AK_E_BUSY : AK_E_IO,
                   errno == EWOULDBLOCK ? "another server holds this store"
                                        : "cannot be locked",
                   dir ? dir : file, errno == EWOULDBLOCK ? 0 : errno);
    /* Made before SQLite does, as its log files take over the mode. */
    int fd = open(file, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0)
        return say(error, size, errno == ENOSPC ? AK_E_FULL : AK_E_IO, "cannot be opened", file,
                   errno);
    close(fd);
    return check_place(file, error, size);
}

int ak_store_open_sqlite(const char *dir, const AkStoreOptions *given, AkStore **store,
                         char *error, size_t size)
{
    AkStoreOptions options = given ? *given : (AkStoreOptions){0};
    char *file = NULL, *lock = NULL;
    int lock_fd = -1, fault = AK_E_NOMEM;
    *store = NULL;
    bool own_file = options.file != NULL;
    if ((own_file ? asprintf(&file, "%s", options.file) : asprintf(&file, "%s/ak.db", dir)) <
            0 ||
        (own_file ? asprintf(&lock, "%s.lock", file) : asprintf(&lock, "%s/lock", dir)) < 0) {
        snprintf(error, size, "out of memory");
        goto out;
    }
    fault = 0;
    if (options.mode == AK_STORE_READ && access(file, F_OK) < 0)
        fault = say(error, size, AK_E_ABSENT, "no store is here", dir, 0);
    else if (options.mode != AK_STORE_READ && !options.vfs)
        fault =
            make_place(own_file ? NULL : dir, file, lock, options.mode, &lock_fd, error, size);
    if (fault == 0)
        fault = ak__store_open(file, &options, store, error, size);
    if (fault == 0 && options.mode == AK_STORE_SHARE)
        flock(lock_fd, LOCK_SH);
    if (fault == 0 && options.mode != AK_STORE_READ &&
        options.checkpoint == AK_CHECKPOINT_THREAD && start_keeper(*store, file) < 0) {
        fault = say(error, size, AK_E_IO, "a thread for the log cannot be started", file, 0);
        ak_store_close(*store);
        *store = NULL;
    }
out:
    if (fault == 0)
        (*store)->lock_fd = lock_fd;
    else if (lock_fd >= 0)
        close(lock_fd);
    free(file);
    free(lock);
    return fault;
}

/* --- Sharing: a session's owner holds a lock on a byte of the lock file, found by its id
 * ------------------------------------------------------------------------------------ */

static int lock_byte(AkStore *store, const char *session_id, short type)
{
    uint64_t hash = UINT64_C(14695981039346656037);

    for (const char *at = session_id; *at; at++)
        hash = (hash ^ (unsigned char)*at) * UINT64_C(1099511628211);
    struct flock byte = {
        .l_type = type, .l_whence = SEEK_SET, .l_start = (off_t)(hash >> 2), .l_len = 1};
    return fcntl(store->lock_fd, F_OFD_SETLK, &byte);
}

int ak_store_claim(AkStore *store, const char *session_id)
{
    if (!store->shared || lock_byte(store, session_id, F_WRLCK) == 0)
        return 0;
    return ak__store_fault(store, errno == EAGAIN || errno == EACCES ? AK_E_BUSY : AK_E_IO,
                           "session %s: another ak runs it", session_id);
}

void ak_store_release(AkStore *store, const char *session_id)
{
    if (store->shared)
        lock_byte(store, session_id, F_UNLCK);
}

bool ak_store_is_shared(const AkStore *store)
{
    return store->shared;
}

bool ak_store_was_changed(AkStore *store)
{
    int64_t before = store->seen_version;

    if (ak__store_number(store, &store->seen_version, 0, "PRAGMA data_version", "") < 0)
        return false;
    return store->seen_version != before;
}

void ak_store_close(AkStore *store)
{
    if (!store)
        return;
    if (store->open)
        ak_store_abort(store);
    end_keeper(store->keeper);
    for (size_t i = 0; i < AK__STATEMENTS; i++)
        sqlite3_finalize(store->statements[i].stmt);
    sqlite3_close(store->db);
    if (store->lock_fd >= 0)
        close(store->lock_fd);
    free(store->name);
    free(store);
}
