/* What the tests of stores share: a folder, a store open in it, records to put. */
#ifndef AK_STORE_PROMISES_H
#define AK_STORE_PROMISES_H

#include "store.h"

#include <check.h>
#include <stddef.h>
#include <stdint.h>

extern char dir[64];
extern AkStore *store;
extern char words[512]; /* why a store did not open */

#define OK(call) ck_assert_msg((call) == 0, "%s: %s", #call, ak_store_error(store))

typedef struct Count {
    int n, stop_at;
    char ids[256];
} Count;

/* Which 0 is the store in memory, 1 the one on disk. append() adds n true records, chained. */
void remove_dir(void);
void make_dir(void);
int open_disk(AkStoreMode mode);
void open_any(int which);
void close_any(void);
AkSession session(const char *id);
void put_session(const char *id);
void append(const char *id, uint64_t from, size_t n, uint64_t *sum);
int count_one(Count *count, const char *id);
int count_entry(void *payload, uint64_t number, AkBytes bytes);

/* What only a store on disk can be asked: disk.c. */
TCase *promises_of_disks(void);

#endif
