#define _GNU_SOURCE
#include "promises.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

char dir[64];
AkStore *store;
char words[512];

void remove_dir(void)
{
    static const char *const files[] = {"ak.db", "ak.db-wal", "ak.db-shm", "lock"};
    char path[128];
    for (size_t i = 0; i < 4; i++) {
        snprintf(path, sizeof path, "%s/%s", dir, files[i]);
        unlink(path);
    }
    rmdir(dir);
}

void make_dir(void)
{
    snprintf(dir, sizeof dir, "%s", "/tmp/akstoreXXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(dir));
}

int open_disk(AkStoreMode mode)
{
    AkStoreOptions options = {.mode = mode};
    return ak_store_open_sqlite(dir, &options, &store, words, sizeof words);
}

void open_any(int which)
{
    make_dir();
    if (which == 0)
        store = ak_store_open_memory();
    else
        ck_assert_msg(open_disk(AK_STORE_SERVE) == 0, "%s", words);
    ck_assert_ptr_nonnull(store);
}

void close_any(void)
{
    ak_store_close(store);
    store = NULL;
    remove_dir();
}

AkSession session(const char *id)
{
    return (AkSession){.id = id,
                       .project_id = "prj_1",
                       .deployment_id = "dep_1",
                       .entry = "flow.py:main",
                       .state = AK_STATE_CREATED,
                       .created_us = 5};
}

void put_session(const char *id)
{
    AkSession s = session(id);
    OK(ak_session_put(store, &s));
}

/* Appends n true records, chained. */
void append(const char *id, uint64_t from, size_t n, uint64_t *sum)
{
    for (size_t i = 0; i < n; i++) {
        AkRecord record = {.kind = from + i ? AK_REC_PRINT : AK_REC_START,
                           .number = from + i,
                           .at_us = 1,
                           .name = ak_bytes("flow.py:main"),
                           .text = ak_bytes("hello")};
        AkText text = {0};
        ck_assert_int_eq(ak_record_write(&record, ak_bytes(id), *sum, &text, sum), 0);
        AkEntry entry = {{text.at, text.len}, *sum};
        OK(ak_journal_append(store, id, from + i, &entry, 1));
        ak_text_free(&text);
    }
}

int count_one(Count *count, const char *id)
{
    size_t len = strlen(count->ids);
    snprintf(count->ids + len, sizeof count->ids - len, "%s%s", len ? " " : "", id);
    return ++count->n == count->stop_at;
}

int count_entry(void *payload, uint64_t number, AkBytes bytes)
{
    char text[24];
    (void)bytes;
    snprintf(text, sizeof text, "%d", (int)number);
    return count_one(payload, text);
}
