/* store_inner.h: what the store's files share: the connection, the statements, the faults. */
#ifndef AK_STORE_INNER_H
#define AK_STORE_INNER_H

#include "store.h"

#include <sqlite3.h>

#define AK__STATEMENTS 256

typedef struct AkStatement {
    const char *sql; /* the literal's address is its name */
    sqlite3_stmt *stmt;
    bool busy;
} AkStatement;

typedef struct AkKeeper AkKeeper; /* the checkpointing thread */

struct AkStore {
    sqlite3 *db;
    AkStatement statements[AK__STATEMENTS];
    char *name; /* of the database file, for words */
    int lock_fd;
    int64_t seen_version; /* of the data, see ak_store_was_changed */
    bool reads_only, exclusive, open, shared;
    int broken;     /* the fault that ended the open transaction */
    bool sync_lost; /* a sync failed: only reopening helps */
    AkKeeper *keeper;
    int log_pages, log_room; /* frames of the log that are in use, and that it has room for */
    char error[512];
};

/* Words for a fault, printf-like; gives the fault back. */
int ak__store_fault(AkStore *store, int fault, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* The fault behind SQLite's latest error, with its words and what was being done. */
int ak__store_failed(AkStore *store, const char *doing);

/* A statement ready to step: one format letter an argument: s text or NULL, i int64_t, t
 * AkBytes as text (absent: NULL), b AkBytes as blob. NULL: failed, and the fault is in *fault.
 */
sqlite3_stmt *ak__store_query(AkStore *store, int *fault, const char *sql, const char *format,
                              ...);
/* 1 a row, 0 the end, or a fault. */
int ak__store_step(AkStore *store, sqlite3_stmt *stmt);
void ak__store_done(AkStore *store, sqlite3_stmt *stmt);
/* A whole write. 0, or AK_E_EXISTS by a constraint, or a fault that ended the transaction. */
int ak__store_write(AkStore *store, const char *sql, const char *format, ...);
int64_t ak__store_changed(AkStore *store); /* rows of the latest write */
/* One number: the first column of the first row, `otherwise` without one. */
int ak__store_number(AkStore *store, int64_t *number, int64_t otherwise, const char *sql,
                     const char *format, ...);
/* A write failed in a way that leaves the transaction in doubt: away with it. Gives the fault.
 */
int ak__store_break_off(AkStore *store, int fault);
/* 0, or why nothing can be written now. */
int ak__store_writable(AkStore *store);

const char *ak__store_text(sqlite3_stmt *stmt, int column); /* NULL for NULL */

/* A copy of a row with its n texts in one block; offsets tell where the texts' pointers are. */
void *ak__store_pack(AkStore *store, const void *row, size_t size, const size_t *offsets,
                     size_t n);

/* In a transaction that writes: nobody else makes the log longer then. */
void ak__store_make_room(AkStore *store);

int ak__store_open(const char *file, const AkStoreOptions *options, AkStore **store,
                   char *error, size_t size);

#endif
