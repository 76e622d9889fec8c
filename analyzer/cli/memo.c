/* One check and its entry: looked for before, made after. */
#define _GNU_SOURCE
#include "cache_entry.h"
#include "paths.h"
#include "texts.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* Before the record: what it is, who wrote it, and a hash of all behind this head. */
typedef struct Head {
    char magic[8];
    uint64_t told, hash;
} Head;

static const char MAGIC[8] = "aklint1";

struct CliMemo {
    CliCache *cache;
    uint64_t told;
    pthread_mutex_t lock;
    CliSeen *seen;
    size_t seen_len, seen_cap;
    bool spoilt;
};

/* Another build is another program, of whatever version it says it is. */
static bool add_program(CliBuf *told)
{
    struct stat st;

    if (stat("/proc/self/exe", &st) < 0)
        return false;
    cli_buf_printf(told, "\naklint %s %llx %llx %lld %lld.%ld\n", ak_version(),
                   (unsigned long long)st.st_dev, (unsigned long long)st.st_ino,
                   (long long)st.st_size, (long long)st.st_mtim.tv_sec, st.st_mtim.tv_nsec);
    return true;
}

CliMemo *cli_memo_new(CliCache *cache, const CliBuf *told)
{
    CliBuf all = {0};
    CliMemo *memo = NULL;

    cli_buf_add(&all, told->data ? told->data : "", told->len);
    if (add_program(&all)) {
        memo = cli_malloc(sizeof *memo);
        *memo =
            (CliMemo){.cache = cache, .told = cli_siphash(&cache->secret, all.data, all.len)};
        pthread_mutex_init(&memo->lock, NULL);
    }
    cli_buf_free(&all);
    return memo;
}

void cli_memo_free(CliMemo *memo)
{
    if (!memo)
        return;
    pthread_mutex_destroy(&memo->lock);
    free(memo->seen);
    free(memo);
}

static void name_of(const CliMemo *memo, char name[32])
{
    snprintf(name, 32, "%016llx.run", (unsigned long long)memo->told);
}

/* ---- looking ---- */

typedef struct Again {
    const CliMemo *memo;
    const CliRecord *record;
    size_t map_above;
    atomic_bool differs;
} Again;

/* A piece of the list a job: threads are asked less often. */
enum { PIECE = 32 };

static bool is_same(const Again *again, const CliSeen *seen)
{
    char *text;
    size_t len;
    bool same;

    if (cli_text_read(cli_path_from_library(seen->path), again->map_above, &text, &len) != 0)
        return false;
    same =
        len == seen->len && cli_siphash(&again->memo->cache->secret, text, len) == seen->hash;
    cli_text_free(text, len, again->map_above);
    return same;
}

static void look_again(void *arg, size_t job)
{
    Again *again = arg;
    size_t end = (job + 1) * PIECE;

    if (end > again->record->seen_len)
        end = again->record->seen_len;
    for (size_t i = job * PIECE; i < end && !atomic_load(&again->differs); i++)
        if (!is_same(again, &again->record->seen[i]))
            atomic_store(&again->differs, true);
}

static bool is_whole(const CliMemo *memo, const char *bytes, size_t len)
{
    Head head;

    if (len < sizeof head)
        return false;
    memcpy(&head, bytes, sizeof head);
    return memcmp(head.magic, MAGIC, sizeof MAGIC) == 0 && head.told == memo->told &&
           head.hash ==
               cli_siphash(&memo->cache->secret, bytes + sizeof head, len - sizeof head);
}

const CliRecord *cli_memo_find(CliMemo *memo, CliThreads *threads, size_t map_above)
{
    CliRecord *record;
    Again again = {.memo = memo, .map_above = map_above};
    char name[32], *bytes;
    size_t len;

    name_of(memo, name);
    bytes = cli_cache_read(memo->cache, name, &len);
    if (!bytes)
        return NULL;
    cli_list_add(&memo->cache->lent, bytes);
    record = cli_keep(sizeof *record);
    if (!is_whole(memo, bytes, len) ||
        !cli_record_read(bytes + sizeof(Head), len - sizeof(Head), record))
        return NULL;
    again.record = record;
    cli_threads_run(threads, look_again, &again, (record->seen_len + PIECE - 1) / PIECE);
    return atomic_load(&again.differs) ? NULL : record;
}

/* ---- keeping ---- */

void cli_memo_saw(CliMemo *memo, const char *path, const char *text, size_t len)
{
    uint64_t hash = cli_siphash(&memo->cache->secret, text, len);
    const char *kept = cli_keep_string(path);

    pthread_mutex_lock(&memo->lock);
    if (memo->seen_len == memo->seen_cap) {
        memo->seen_cap = memo->seen_cap ? memo->seen_cap * 2 : 256;
        memo->seen = cli_realloc(memo->seen, memo->seen_cap * sizeof *memo->seen);
    }
    memo->seen[memo->seen_len++] = (CliSeen){kept, len, hash};
    pthread_mutex_unlock(&memo->lock);
}

void cli_memo_spoil(CliMemo *memo)
{
    pthread_mutex_lock(&memo->lock);
    memo->spoilt = true;
    pthread_mutex_unlock(&memo->lock);
}

static void take_findings(const AkCheck *check, CliRecord *record)
{
    record->finding_len = ak_check_count(check);
    record->findings = cli_keep((record->finding_len + 1) * sizeof *record->findings);
    for (size_t i = 0; i < record->finding_len; i++)
        record->findings[i] = *ak_check_finding(check, i);
    record->notice_len = ak_check_notice_count(check);
    record->notices = cli_keep((record->notice_len + 1) * sizeof *record->notices);
    for (size_t i = 0; i < record->notice_len; i++)
        record->notices[i] = ak_check_notice(check, i);
    ak_check_counts(check, &record->counts);
}

static int by_path(const void *a, const void *b)
{
    return strcmp(((const CliSeen *)a)->path, ((const CliSeen *)b)->path);
}

void cli_memo_keep(CliMemo *memo, const AkCheck *check)
{
    CliRecord record = {.seen = memo->seen, .seen_len = memo->seen_len};
    Head head = {.told = memo->told};
    CliBuf out = {0};
    char name[32];

    if (memo->spoilt)
        return;
    /* Threads read in any order. */
    if (memo->seen_len)
        qsort(memo->seen, memo->seen_len, sizeof *memo->seen, by_path);
    take_findings(check, &record);
    cli_buf_add(&out, (const char *)&head, sizeof head);
    cli_record_write(&out, &record);
    memcpy(head.magic, MAGIC, sizeof MAGIC);
    head.hash =
        cli_siphash(&memo->cache->secret, out.data + sizeof head, out.len - sizeof head);
    memcpy(out.data, &head, sizeof head);
    name_of(memo, name);
    cli_cache_write(memo->cache, name, out.data, out.len);
    cli_buf_free(&out);
}
