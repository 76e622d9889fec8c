/* test_power.c: the store when the power fails.
 *
 *     test_power [LOSSES [SEED]]
 *
 * A disk in memory, given to SQLite as its file system: what was written is seen at once, but
 * only what was synced is sure to be there after a loss. Of the rest each 512-byte sector is
 * there or not, as chance has it, in any order. The power fails at an operation drawn by lot;
 * then the store is opened again and asked: is everything acknowledged there, nothing half
 * there, every journal whole, and can it go on? A second life may lose power as well, while it
 * recovers. Reads may fail once (EIO), a sync may fail, the disk may be full: then nothing may
 * be lost either, after reopening.
 */
#include "store.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FILES = 4, SECTOR = 512, LIVES = 3, SESSIONS = 4, USUAL_LOSSES = 2400 };

/* --- The disk
 * --------------------------------------------------------------------------------------- */

typedef struct File {
    char name[32];
    unsigned char *now, *safe; /* as it is seen; as it was when last synced */
    unsigned char *dirty;      /* by sector: written since */
    size_t len, safe_len, room;
    bool there, safe_there;
} File;

typedef struct Handle {
    sqlite3_file base;
    File *file;
} Handle;

static File files[FILES];
static uint64_t chance;
static long operations, fail_at;
static enum { POWER, NO_SYNC, NO_ROOM } failure;
static bool off; /* the power is gone: every operation fails until it is back */

static uint64_t draw(void)
{
    chance ^= chance << 13;
    chance ^= chance >> 7;
    chance ^= chance << 17;
    return chance * UINT64_C(0x2545F4914F6CDD1D) >> 20;
}

/* Counts an operation that changes the disk. True when it is the one that fails. */
static bool fails(int kind)
{
    if (off)
        return true;
    if (fail_at && operations >= fail_at && kind == (int)failure && failure != POWER) {
        operations++;
        return true;
    }
    if (++operations == fail_at && failure == POWER)
        off = true;
    return off;
}

static void make_room(File *file, size_t len)
{
    if (len <= file->room)
        return;
    size_t room = len * 2 + 64 * SECTOR;
    room -= room % SECTOR;
    file->now = realloc(file->now, room);
    file->safe = realloc(file->safe, room);
    file->dirty = realloc(file->dirty, room / SECTOR);
    memset(file->now + file->room, 0, room - file->room);
    memset(file->safe + file->room, 0, room - file->room);
    memset(file->dirty + file->room / SECTOR, 0, (room - file->room) / SECTOR);
    file->room = room;
}

static File *find(const char *name, bool make)
{
    const char *base = strrchr(name, '/');
    base = base ? base + 1 : name;
    for (size_t i = 0; i < FILES; i++)
        if (strcmp(files[i].name, base) == 0)
            return &files[i];
    for (size_t i = 0; i < FILES && make; i++)
        if (!files[i].name[0]) {
            snprintf(files[i].name, sizeof files[i].name, "%s", base);
            return &files[i];
        }
    return NULL;
}

static void mark(File *file, size_t from, size_t to)
{
    for (size_t s = from / SECTOR; s * SECTOR < to; s++)
        file->dirty[s] = 1;
}

static int close_file(sqlite3_file *f)
{
    (void)f;
    return SQLITE_OK;
}

static int read_file(sqlite3_file *f, void *to, int len, sqlite3_int64 at)
{
    File *file = ((Handle *)f)->file;
    size_t from = (size_t)at, want = (size_t)len;
    size_t have = from < file->len ? file->len - from : 0;
    if (off)
        return SQLITE_IOERR_READ;
    if (have > want)
        have = want;
    memset(to, 0, want);
    if (have)
        memcpy(to, file->now + from, have);
    return have == want ? SQLITE_OK : SQLITE_IOERR_SHORT_READ;
}

static int write_file(sqlite3_file *f, const void *from, int len, sqlite3_int64 at)
{
    File *file = ((Handle *)f)->file;
    size_t start = (size_t)at, end = start + (size_t)len;
    if (fails(NO_ROOM) && !off)
        return SQLITE_FULL;
    make_room(file, end);
    memcpy(file->now + start, from, (size_t)len);
    mark(file, start, end);
    if (end > file->len)
        file->len = end;
    return off ? SQLITE_IOERR_WRITE : SQLITE_OK;
}

static int truncate_file(sqlite3_file *f, sqlite3_int64 len)
{
    File *file = ((Handle *)f)->file;
    if (fails(POWER))
        return SQLITE_IOERR_TRUNCATE;
    if ((size_t)len < file->len) {
        memset(file->now + len, 0, file->len - (size_t)len);
        mark(file, (size_t)len, file->len);
        file->len = (size_t)len;
    }
    return SQLITE_OK;
}

static int sync_file(sqlite3_file *f, int flags)
{
    File *file = ((Handle *)f)->file;
    (void)flags;
    if (fails(NO_SYNC))
        return SQLITE_IOERR_FSYNC;
    if (file->room) {
        memcpy(file->safe, file->now, file->room);
        memset(file->dirty, 0, file->room / SECTOR);
    }
    file->safe_len = file->len;
    file->safe_there = file->there;
    return SQLITE_OK;
}

static int size_of_file(sqlite3_file *f, sqlite3_int64 *size)
{
    *size = (sqlite3_int64)((Handle *)f)->file->len;
    return SQLITE_OK;
}

static int lock_file(sqlite3_file *f, int level)
{
    (void)f;
    (void)level;
    return SQLITE_OK;
}

static int is_locked(sqlite3_file *f, int *answer)
{
    (void)f;
    *answer = 0;
    return SQLITE_OK;
}

static int control_file(sqlite3_file *f, int op, void *arg)
{
    (void)f;
    (void)op;
    (void)arg;
    return SQLITE_NOTFOUND;
}

static int sector_size(sqlite3_file *f)
{
    (void)f;
    return SECTOR;
}

static int device(sqlite3_file *f)
{
    (void)f;
    return 0; /* promises nothing: no atomic writes, no order */
}

static const sqlite3_io_methods methods = {.iVersion = 1,
                                           .xClose = close_file,
                                           .xRead = read_file,
                                           .xWrite = write_file,
                                           .xTruncate = truncate_file,
                                           .xSync = sync_file,
                                           .xFileSize = size_of_file,
                                           .xLock = lock_file,
                                           .xUnlock = lock_file,
                                           .xCheckReservedLock = is_locked,
                                           .xFileControl = control_file,
                                           .xSectorSize = sector_size,
                                           .xDeviceCharacteristics = device};

static int open_file(sqlite3_vfs *vfs, const char *name, sqlite3_file *f, int flags, int *out)
{
    (void)vfs;
    f->pMethods = NULL;
    if (off)
        return SQLITE_CANTOPEN;
    File *file = find(name ? name : "temporary", true);
    if (!file)
        return SQLITE_CANTOPEN;
    file->there = true;
    /* SQLite syncs no folder when it makes the log, and need not: a log that is gone with its
     * name held nothing that was acknowledged, as the first sync of a file brings its name
     * along. */
    ((Handle *)f)->file = file;
    f->pMethods = &methods;
    if (out)
        *out = flags;
    return SQLITE_OK;
}

static int delete_file(sqlite3_vfs *vfs, const char *name, int sync)
{
    File *file = find(name, false);
    (void)vfs;
    (void)sync;
    if (fails(POWER))
        return SQLITE_IOERR_DELETE;
    if (file) {
        mark(file, 0, file->len);
        if (file->room)
            memset(file->now, 0, file->room);
        file->len = 0;
        file->there = false;
    }
    return SQLITE_OK;
}

static int is_there(sqlite3_vfs *vfs, const char *name, int flags, int *answer)
{
    File *file = find(name, false);
    (void)vfs;
    (void)flags;
    *answer = file && file->there && file->len > 0;
    return SQLITE_OK;
}

static int full_name(sqlite3_vfs *vfs, const char *name, int size, char *to)
{
    (void)vfs;
    snprintf(to, (size_t)size, "%s", name);
    return SQLITE_OK;
}

static int random_bytes(sqlite3_vfs *vfs, int len, char *to)
{
    (void)vfs;
    for (int i = 0; i < len; i++)
        to[i] = (char)draw();
    return len;
}

static int sleep_a_while(sqlite3_vfs *vfs, int micros)
{
    (void)vfs;
    return micros;
}

static int what_time(sqlite3_vfs *vfs, double *julian)
{
    (void)vfs;
    *julian = 2460000.5;
    return SQLITE_OK;
}

static int last_error(sqlite3_vfs *vfs, int size, char *to)
{
    (void)vfs;
    (void)size;
    (void)to;
    return 0;
}

static sqlite3_vfs disk = {.iVersion = 1,
                           .szOsFile = sizeof(Handle),
                           .mxPathname = 256,
                           .zName = "power",
                           .xOpen = open_file,
                           .xDelete = delete_file,
                           .xAccess = is_there,
                           .xFullPathname = full_name,
                           .xRandomness = random_bytes,
                           .xSleep = sleep_a_while,
                           .xCurrentTime = what_time,
                           .xGetLastError = last_error};

static void wipe_disk(void)
{
    for (size_t i = 0; i < FILES; i++) {
        free(files[i].now);
        free(files[i].safe);
        free(files[i].dirty);
    }
    memset(files, 0, sizeof files);
    off = false;
    operations = fail_at = 0;
}

/* The power comes back: of what was not synced, each sector made it or did not. */
static void restore_power(void)
{
    for (size_t i = 0; i < FILES; i++) {
        File *file = &files[i];
        if (!file->name[0] || !file->room)
            continue;
        unsigned mood = (unsigned)(draw() % 4); /* none, most, half, all */
        size_t len = file->safe_len;
        for (size_t s = 0; s < file->room / SECTOR; s++) {
            bool made_it = mood == 3 || (mood && draw() % 8 < (mood == 1 ? 7u : 4u));
            if (!file->dirty[s] || !made_it)
                continue;
            memcpy(file->safe + s * SECTOR, file->now + s * SECTOR, SECTOR);
            size_t end = (s + 1) * SECTOR < file->len ? (s + 1) * SECTOR : file->len;
            if (end > len)
                len = end;
        }
        if (file->len < len && draw() % 2)
            len = file->len; /* the truncation made it too */
        memcpy(file->now, file->safe, file->room);
        memset(file->now + len, 0, file->room - len);
        memcpy(file->safe, file->now, file->room);
        memset(file->dirty, 0, file->room / SECTOR);
        file->len = file->safe_len = len;
    }
    off = false;
}

/* --- What the store is asked to do, and what it has to know afterwards
 * ----------------------------------- */

typedef struct Known {
    uint64_t len, sum;         /* acknowledged */
    uint64_t tried, tried_sum; /* what the commit in doubt would have made of it */
} Known;

static Known known[SESSIONS];
static int64_t acknowledged, in_doubt; /* value of a key that counts commits */

static AkStore *open_store(char *words, size_t size)
{
    AkStoreOptions options = {.checkpoint = AK_CHECKPOINT_CALLER, .vfs = "power"};
    AkStore *store;
    ak_store_open_sqlite("disk", &options, &store, words, size);
    return store;
}

static const char *id_of(int i)
{
    static const char *const ids[SESSIONS] = {"ses_0", "ses_1", "ses_2", "ses_3"};
    return ids[i];
}

static int append(AkStore *store, int i)
{
    Known *k = &known[i];
    AkText text = {0};
    char value[200];
    size_t len = 20 + draw() % 170;
    memset(value, 'v', sizeof value);
    AkRecord record = {.kind = k->tried ? AK_REC_PRINT : AK_REC_START,
                       .number = k->tried,
                       .at_us = 1,
                       .value = {value, len}};
    uint64_t sum = 0;
    ak_record_write(&record, ak_bytes(id_of(i)), k->tried_sum, &text, &sum);
    AkEntry entry = {{text.at, text.len}, sum};
    int fault = ak_journal_append(store, id_of(i), k->tried, &entry, 1);
    ak_text_free(&text);
    if (fault == 0) {
        k->tried++;
        k->tried_sum = sum;
    }
    return fault;
}

static int put_sessions(AkStore *store)
{
    int fault = 0;
    for (int i = 0; i < SESSIONS && fault == 0; i++) {
        AkSession session = {.id = id_of(i),
                             .project_id = "prj_1",
                             .entry = "flow.py:main",
                             .state = AK_STATE_RUNNING};
        fault = ak_session_put(store, &session);
    }
    return fault;
}

static int one_commit(AkStore *store)
{
    char number[24];
    int fault = ak_store_begin(store);
    if (fault)
        return fault;
    for (int i = 0; i < SESSIONS; i++) {
        known[i].tried = known[i].len;
        known[i].tried_sum = known[i].sum;
    }
    in_doubt = acknowledged + 1;
    if (acknowledged == 0)
        fault = put_sessions(store);
    int appends = 1 + (int)(draw() % 6);
    for (int i = 0; i < appends && fault == 0; i++)
        fault = append(store, (int)(draw() % SESSIONS));
    snprintf(number, sizeof number, "%lld", (long long)in_doubt);
    if (fault == 0)
        fault = ak_key_set(store, "prj_1", "commits", ak_bytes(number));
    if (fault == 0)
        fault = ak_store_commit(store);
    if (fault) {
        ak_store_abort(store);
        return fault;
    }
    for (int i = 0; i < SESSIONS; i++) {
        known[i].len = known[i].tried;
        known[i].sum = known[i].tried_sum;
    }
    acknowledged = in_doubt;
    return 0;
}

/* Works until the disk says no or the work is done. */
static int work(AkStore *store, int commits)
{
    int fault = 0;
    for (int i = 0; i < commits && fault == 0; i++) {
        fault = one_commit(store);
        if (fault == 0 && draw() % 8 == 0)
            fault = ak_store_tend(store);
    }
    return fault;
}

static const char *differs(AkStore *store)
{
    AkBytes value;
    int64_t found = 0;
    int fault = ak_store_verify(store);
    if (fault)
        return ak_store_error(store);
    fault = ak_key_get(store, "prj_1", "commits", &value, NULL);
    if (fault && fault != AK_E_ABSENT)
        return ak_store_error(store);
    if (fault == 0) {
        found = strtoll(value.at, NULL, 10);
        free((void *)(uintptr_t)value.at);
    }
    if (found != acknowledged && found != in_doubt)
        return found < acknowledged ? "an acknowledged commit is lost"
                                    : "there is what nobody wrote";
    bool new = found != acknowledged;
    for (int i = 0; i < SESSIONS && found; i++) {
        AkSession *session;
        if (ak_session_get(store, id_of(i), &session) != 0)
            return "a session is lost";
        uint64_t len = new ? known[i].tried : known[i].len,
                 sum = new ? known[i].tried_sum : known[i].sum;
        bool same = session->length == len && session->sum == sum;
        free(session);
        if (!same)
            return "half a commit is there";
        known[i].len = len;
        known[i].sum = sum;
    }
    acknowledged = found;
    return NULL;
}

static long calm_operations(uint64_t seed)
{
    char words[256];
    wipe_disk();
    chance = seed;
    memset(known, 0, sizeof known);
    acknowledged = in_doubt = 0;
    AkStore *store = open_store(words, sizeof words);
    work(store, 30);
    ak_store_close(store);
    return operations;
}

/* A store through some lives. NULL, or what went wrong. */
static const char *live(uint64_t seed, long total, long *losses)
{
    static char words[512];
    const char *wrong = NULL;
    wipe_disk();
    chance = seed * UINT64_C(0x9E3779B97F4A7C15) | 1;
    for (int i = 0; i < 8; i++)
        draw();
    memset(known, 0, sizeof known);
    acknowledged = in_doubt = 0;
    for (int life = 0; life < LIVES && !wrong; life++) {
        operations = 0;
        fail_at = 1 + (long)(draw() % (uint64_t)(life ? total / 4 : total));
        failure = draw() % 8 ? POWER : draw() % 2 ? NO_SYNC : NO_ROOM;
        AkStore *store = open_store(words, sizeof words);
        if (store)
            work(store, 30);
        bool power = failure == POWER;
        off = off || power; /* closing is not a way out */
        ak_store_close(store);
        *losses += 1;
        fail_at = 0;
        if (power)
            restore_power();
        store = open_store(words, sizeof words);
        if (!store)
            return words;
        wrong = differs(store);
        if (!wrong && work(store, 2) != 0)
            wrong = "it cannot go on";
        if (!wrong)
            wrong = differs(store);
        if (wrong && wrong != words) {
            snprintf(words, sizeof words, "%s", wrong);
            wrong = words;
        }
        ak_store_close(store);
    }
    return wrong;
}

int main(int argc, char **argv)
{
    long wanted = argc > 1 ? atol(argv[1]) : USUAL_LOSSES, losses = 0;
    uint64_t seed = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;
    sqlite3_vfs_register(&disk, 0);
    long total = calm_operations(99);
    for (; losses < wanted; seed++) {
        const char *wrong = live(seed, total, &losses);
        if (wrong) {
            printf("FAILED %s\n  again: test_power 1 %llu\n", wrong, (unsigned long long)seed);
            return 1;
        }
    }
    wipe_disk();
    printf("%ld losses of power, sync or room, anywhere in %ld operations: nothing "
           "acknowledged was lost\n",
           losses, total);
    return 0;
}
