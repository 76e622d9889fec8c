/* The folder of the cache: a secret, and entries of which each is written whole and renamed. */
#define _GNU_SOURCE
#include "cache.h"

#include "cache_entry.h"
#include "paths.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

/* What is kept at most: the newest. */
enum { MOST_ENTRIES = 200, MOST_BYTES = 64 << 20 };

static const char TAG[] = "Signature: 8a477f597d28d172789f06886806bc55\n"
                          "# What aklint found before. `aklint clean` removes it.\n";

/* ---- the folder ---- */

const char *cli_cache_folder(const char *given)
{
    const char *own = getenv("AKLINT_CACHE_DIR"), *caches = getenv("XDG_CACHE_HOME");
    const char *home = getenv("HOME");

    if (given)
        return cli_path_absolute(given);
    if (own && *own)
        return cli_path_absolute(own);
    if (caches && caches[0] == '/')
        return cli_path_join(caches, "aklint");
    return home && home[0] == '/' ? cli_keep_format("%s/.cache/aklint", home) : NULL;
}

/* The folder and those above it. */
static bool make_folder(const char *folder)
{
    char *path = cli_keep_string(folder);

    for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = 0;
        if (mkdir(path, 0755) < 0 && errno != EEXIST && access(path, F_OK) < 0)
            return false;
        *slash = '/';
    }
    return mkdir(path, 0700) == 0 || errno == EEXIST;
}

static bool is_ours(const struct stat *st)
{
    return st->st_uid == geteuid() && !(st->st_mode & (S_IWGRP | S_IWOTH));
}

/* Whole, or not at all; replace: over what is there. */
static bool write_file(const CliCache *cache, const char *name, const void *bytes, size_t len,
                       bool replace)
{
    char fresh[64];
    int fd;
    bool done;

    snprintf(fresh, sizeof fresh, ".new-%ld-%s", (long)getpid(), name);
    fd = openat(cache->fd, fresh, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return false;
    done = true;
    for (size_t at = 0; done && at < len;) {
        ssize_t n = write(fd, (const char *)bytes + at, len - at);
        if (n < 0 && errno == EINTR)
            continue;
        done = n > 0;
        at += done ? (size_t)n : 0;
    }
    done = close(fd) == 0 && done;
    if (done)
        done = replace ? renameat(cache->fd, fresh, cache->fd, name) == 0
                       : linkat(cache->fd, fresh, cache->fd, name, 0) == 0;
    if (!done || !replace)
        unlinkat(cache->fd, fresh, 0);
    return done;
}

/* To free; NULL if there is no such file, or one that others may write. */
char *cli_cache_read(const CliCache *cache, const char *name, size_t *len)
{
    int fd = openat(cache->fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    struct stat st;
    char *bytes = NULL;
    size_t at = 0;

    if (fd < 0)
        return NULL;
    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && is_ours(&st) && st.st_size <= MOST_BYTES)
        bytes = malloc((size_t)st.st_size + 1);
    while (bytes && at < (size_t)st.st_size) {
        ssize_t n = read(fd, bytes + at, (size_t)st.st_size - at);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            free(bytes);
            bytes = NULL;
        }
        at += n > 0 ? (size_t)n : 0;
    }
    if (bytes)
        futimens(fd, NULL); /* used: old ones go first */
    close(fd);
    *len = at;
    return bytes;
}

/* Of two that make it at once, the first counts for both. */
static bool read_secret(CliCache *cache)
{
    CliSecret fresh;
    size_t len = 0;
    char *bytes = cli_cache_read(cache, "secret", &len);

    if (!bytes && getrandom(&fresh, sizeof fresh, 0) == (ssize_t)sizeof fresh) {
        write_file(cache, "secret", &fresh, sizeof fresh, false);
        write_file(cache, "CACHEDIR.TAG", TAG, sizeof TAG - 1, false);
        bytes = cli_cache_read(cache, "secret", &len);
    }
    if (bytes && len == sizeof cache->secret)
        memcpy(&cache->secret, bytes, len);
    free(bytes);
    return bytes && len == sizeof cache->secret;
}

CliCache *cli_cache_open(const char *folder)
{
    CliCache *cache;
    struct stat st;

    if (!folder || !make_folder(folder))
        return NULL;
    cache = cli_keep(sizeof *cache);
    cache->fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (cache->fd >= 0 && fstat(cache->fd, &st) == 0 && is_ours(&st) && read_secret(cache))
        return cache;
    if (cache->fd >= 0)
        close(cache->fd);
    return NULL;
}

void cli_cache_close(CliCache *cache)
{
    if (!cache)
        return;
    for (size_t i = 0; i < cache->lent.len; i++)
        free(cache->lent.items[i]);
    close(cache->fd);
}

/* ---- what is in it ---- */

typedef struct Entry {
    char name[32];
    struct timespec used;
    size_t len;
} Entry;

static bool is_entry(const char *name)
{
    return strlen(name) == 20 && strspn(name, "0123456789abcdef") == 16 &&
           strcmp(name + 16, ".run") == 0;
}

/* What a run that was ended in the middle left behind. */
static bool is_left(const char *name)
{
    return strncmp(name, ".new-", 5) == 0;
}

static int newest_first(const void *a, const void *b)
{
    const Entry *x = a, *y = b;

    if (x->used.tv_sec != y->used.tv_sec)
        return x->used.tv_sec > y->used.tv_sec ? -1 : 1;
    if (x->used.tv_nsec != y->used.tv_nsec)
        return x->used.tv_nsec > y->used.tv_nsec ? -1 : 1;
    return strcmp(x->name, y->name);
}

/* The old ones go; of what was left, all that is not of this hour. */
static void trim(const CliCache *cache, time_t now)
{
    int fd = openat(cache->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    Entry *entries = cli_malloc((MOST_ENTRIES * 2 + 1) * sizeof *entries);
    size_t len = 0, bytes = 0;

    for (struct dirent *d; dir && len < MOST_ENTRIES * 2 && (d = readdir(dir));) {
        struct stat st;
        if ((!is_entry(d->d_name) && !is_left(d->d_name)) ||
            fstatat(cache->fd, d->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
            continue;
        if (is_left(d->d_name)) {
            if (st.st_mtim.tv_sec < now - 3600)
                unlinkat(cache->fd, d->d_name, 0);
            continue;
        }
        entries[len].used = st.st_mtim;
        entries[len].len = (size_t)st.st_size;
        memcpy(entries[len++].name, d->d_name, 21);
    }
    qsort(entries, len, sizeof *entries, newest_first);
    for (size_t i = 0; i < len; i++) {
        bytes += entries[i].len;
        if (i >= MOST_ENTRIES || bytes > MOST_BYTES)
            unlinkat(cache->fd, entries[i].name, 0);
    }
    free(entries);
    if (dir)
        closedir(dir);
    else if (fd >= 0)
        close(fd);
}

void cli_cache_write(const CliCache *cache, const char *name, const void *bytes, size_t len)
{
    struct stat st;

    if (len <= MOST_BYTES && write_file(cache, name, bytes, len, true) &&
        fstatat(cache->fd, name, &st, 0) == 0)
        trim(cache, st.st_mtim.tv_sec);
}

long cli_cache_clean(const char *folder)
{
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    long count = 0;

    if (!dir)
        return errno == ENOENT ? 0 : -1;
    for (struct dirent *d; count >= 0 && (d = readdir(dir));) {
        bool entry = is_entry(d->d_name);
        if (!entry && !is_left(d->d_name) && strcmp(d->d_name, "secret") != 0 &&
            strcmp(d->d_name, "CACHEDIR.TAG") != 0)
            continue;
        if (unlinkat(fd, d->d_name, 0) == 0)
            count += entry;
        else if (errno != ENOENT)
            count = -1;
    }
    int error = errno;
    closedir(dir);
    errno = error;
    if (count >= 0)
        rmdir(folder);
    return count;
}
