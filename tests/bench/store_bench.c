/* store_bench.c: durable steps per second of the store, beside the least that SQLite needs for
 * them.
 *
 *     store_bench [DIR [SECONDS]]
 *
 * A step is what the engine journals for a call: one record of about 250 bytes. The floor is
 * the same bytes put by a bare prepared statement into one table, in the same folder, in turn
 * with the store.
 */
#define _GNU_SOURCE
#include "engine.h"
#include "store.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

/* Of all threads; says more than the clock on a machine that is not alone. */
static double cpu(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

typedef struct Result {
    double steps, p50, p99, cpu;
} Result;

static Result summary(double *sample, size_t n, size_t batch, double elapsed, double busy)
{
    qsort(sample, n, sizeof *sample, by_size);
    return (Result){(double)(n * batch) / (elapsed / 1e6), sample[n / 2], sample[n * 99 / 100],
                    busy / (double)(n * batch)};
}

enum { TIMES_MAX = 1000000 };
static double times[TIMES_MAX];
static char body[250];

static Result floor_of(const char *dir, size_t batch, double seconds)
{
    char path[512];
    sqlite3 *db;
    sqlite3_stmt *begin, *commit, *insert;
    snprintf(path, sizeof path, "%s/floor.db", dir);
    if (sqlite3_open(path, &db) != SQLITE_OK)
        exit(1);
    sqlite3_exec(db,
                 "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
                 "CREATE TABLE IF NOT EXISTS j(run INTEGER, seq INTEGER, body BLOB, PRIMARY "
                 "KEY(run, seq))"
                 " WITHOUT ROWID; DELETE FROM j",
                 NULL, NULL, NULL);
    sqlite3_prepare_v2(db, "BEGIN IMMEDIATE", -1, &begin, NULL);
    sqlite3_prepare_v2(db, "COMMIT", -1, &commit, NULL);
    sqlite3_prepare_v2(db, "INSERT INTO j VALUES(?,?,?)", -1, &insert, NULL);
    size_t n = 0;
    int64_t rows = 0;
    double start = now(), busy = cpu();
    while (now() - start < seconds * 1e6 && n < TIMES_MAX) {
        double from = now();
        sqlite3_step(begin);
        sqlite3_reset(begin);
        for (size_t i = 0; i < batch; i++, rows++) {
            sqlite3_bind_int64(insert, 1, (int64_t)i);
            sqlite3_bind_int64(insert, 2, rows);
            sqlite3_bind_blob(insert, 3, body, sizeof body, SQLITE_STATIC);
            sqlite3_step(insert);
            sqlite3_reset(insert);
        }
        if (sqlite3_step(commit) != SQLITE_DONE)
            exit(1);
        sqlite3_reset(commit);
        times[n++] = now() - from;
    }
    Result result = summary(times, n, batch, now() - start, cpu() - busy);
    sqlite3_finalize(begin);
    sqlite3_finalize(commit);
    sqlite3_finalize(insert);
    sqlite3_close(db);
    return result;
}

static void must(AkStore *store, int fault)
{
    if (fault == 0)
        return;
    fprintf(stderr, "%s\n", ak_store_error(store));
    exit(1);
}

/* `batch` sessions, whose engines take a call and its result each, and share a commit. */
static Result store_of(const char *dir, size_t batch, double seconds)
{
    char path[512], words[256], id[32];
    AkStore *store;
    AkRun **runs = calloc(batch, sizeof *runs);
    uint64_t *seqs = calloc(batch, sizeof *seqs);
    AkCommands *out = ak_commands_new();
    snprintf(path, sizeof path, "%s/store", dir);
    if (ak_store_open_sqlite(path, NULL, &store, words, sizeof words) != 0) {
        fprintf(stderr, "%s\n", words);
        exit(1);
    }
    static unsigned long session;
    size_t n = 0;
    double start = now(), busy = cpu();
    while (now() - start < seconds * 1e6 && n < TIMES_MAX) {
        double from = now();
        int64_t wall = (int64_t)from;
        must(store, ak_store_begin(store));
        for (size_t i = 0; i < batch; i++) {
            if (!runs[i]) {
                snprintf(id, sizeof id, "ses_%020lu", ++session);
                AkSession row = {.id = id,
                                 .project_id = "prj_1",
                                 .entry = "flow.py:main",
                                 .state = AK_STATE_RUNNING};
                must(store, ak_session_put(store, &row));
                runs[i] = ak_run_new(NULL, ak_bytes(id));
                AkEvent create = {.kind = AK_EV_CREATE, .name = ak_bytes("flow.py:main")};
                AkEvent module = {.kind = AK_EV_MODULE};
                ak_run_step(runs[i], (AkNow){wall, wall}, &create, out);
                ak_run_step(runs[i], (AkNow){wall, wall}, &module, out);
            }
            AkEvent call = {.kind = AK_EV_CALL,
                            .seq = ++seqs[i],
                            .name = ak_bytes("fetch"),
                            .value = {body, 100},
                            .file = ak_bytes("flow.py"),
                            .line = 3,
                            .func = ak_bytes("main")};
            AkEvent result = {.kind = AK_EV_RESULT, .seq = seqs[i], .value = {body, 100}};
            ak_run_step(runs[i], (AkNow){wall, wall}, &call, out);
            ak_run_step(runs[i], (AkNow){wall, wall}, &result, out);
            AkBytes run_id = ak_run_id(runs[i]);
            for (size_t c = 0; c < ak_commands_count(out); c++) {
                const AkCommand *command = ak_commands_at(out, c);
                AkEntry entry = {command->value, command->sum};
                if (command->kind == AK_CMD_JOURNAL)
                    must(store,
                         ak_journal_append(store, run_id.at, command->number, &entry, 1));
            }
            ak_commands_clear(out);
        }
        must(store, ak_store_commit(store));
        times[n++] = now() - from;
    }
    Result result = summary(times, n, batch, now() - start, cpu() - busy);
    for (size_t i = 0; i < batch; i++)
        ak_run_free(runs[i]);
    free(runs);
    free(seqs);
    ak_commands_free(out);
    ak_store_close(store);
    return result;
}

static void clean(const char *dir)
{
    static const char *const files[] = {
        "floor.db",        "floor.db-wal",    "floor.db-shm", "store/ak.db",
        "store/ak.db-wal", "store/ak.db-shm", "store/lock",   "store"};
    char path[512];
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        snprintf(path, sizeof path, "%s/%s", dir, files[i]);
        if (unlink(path) < 0)
            rmdir(path);
    }
}

int main(int argc, char **argv)
{
    static const size_t batches[] = {1, 8, 32};
    const char *dir = argc > 1 ? argv[1] : ".";
    double seconds = argc > 2 ? atof(argv[2]) : 2;
    memset(body, 'x', sizeof body);
    for (size_t i = 0; i < 3; i++) {
        clean(dir);
        Result least = floor_of(dir, batches[i], seconds);
        Result ours = store_of(dir, batches[i], seconds);
        printf("%2zu sessions a commit: floor %6.0f steps/s (p50 %4.0f, p99 %5.0f us, cpu "
               "%3.0f us a step),"
               " engine and store %6.0f steps/s (p50 %4.0f, p99 %5.0f us, cpu %3.0f us a "
               "step), %.2f of the floor\n",
               batches[i], least.steps, least.p50, least.p99, least.cpu, ours.steps, ours.p50,
               ours.p99, ours.cpu, ours.steps / least.steps);
        fflush(stdout);
    }
    clean(dir);
    return 0;
}
