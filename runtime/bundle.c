#define _GNU_SOURCE
#include "bundle.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ignore.h"

enum { BLOCK = 512 };
static const char manifest_name[] = "autokitteh.yaml";

/* The fields of a ustar header that we fill; offsets are the format's. */
typedef struct Header {
    char name[100], mode[8], uid[8], gid[8], size[12], mtime[12], sum[8], type, link[100];
    char magic[6], version[2], user[32], group[32], major[8], minor[8], prefix[155], pad[12];
} Header;

/* --- Packing
 * ---------------------------------------------------------------------------------- */

typedef struct Walk {
    char root[PATH_MAX];
    bool all;         /* not Python files alone */
    AkIgnore *ignore; /* or NULL */
    char **files;
    size_t len, room;
} Walk;

/* nftw knows no payload. */
static Walk *walk;

static bool has_file(const char *dir, const char *name)
{
    char path[PATH_MAX + 64];

    snprintf(path, sizeof path, "%s/%s", dir, name);
    return access(path, F_OK) == 0;
}

/* A folder without a manifest may be somebody's home: of what lies below it, only those
 * packages belong to the program that a Python file beside them names. */
static bool is_named(const char *name)
{
    char path[PATH_MAX + 256], *text = NULL;
    size_t size = 0;
    bool found = false;
    DIR *dir = opendir(walk->root);
    struct dirent *entry;

    while (dir && !found && (entry = readdir(dir))) {
        size_t len = strlen(entry->d_name);
        if (len < 4 || strcmp(entry->d_name + len - 3, ".py"))
            continue;
        snprintf(path, sizeof path, "%s/%s", walk->root, entry->d_name);
        FILE *file = fopen(path, "re");
        ssize_t n = file ? getdelim(&text, &size, '\0', file) : -1;
        found = n > 0 && memmem(text, (size_t)n, name, strlen(name));
        if (file)
            fclose(file);
    }
    if (dir)
        closedir(dir);
    free(text);
    return found;
}

static bool is_foreign_dir(const char *path, const char *name)
{
    static const char *const names[] = {"__pycache__", "node_modules", NULL};

    for (const char *const *n = names; *n; n++)
        if (!strcmp(name, *n))
            return true;
    return name[0] == '.' || has_file(path, "pyvenv.cfg") || has_file(path, "ak.db");
}

static bool belongs(const char *name)
{
    size_t len = strlen(name);

    if (name[0] == '.' || (len > 4 && !strcmp(name + len - 4, ".pyc")))
        return false;
    return walk->all || (len > 3 && !strcmp(name + len - 3, ".py"));
}

static int visit(const char *path, const struct stat *st, int kind, struct FTW *at)
{
    (void)st;
    if (walk->ignore && at->level > 0 && (kind == FTW_D || kind == FTW_F) &&
        ak_ignored(walk->ignore, path, kind == FTW_D))
        return kind == FTW_D ? FTW_SKIP_SUBTREE : FTW_CONTINUE;
    if (kind == FTW_D || kind == FTW_DNR)
        return at->level > 0 && (is_foreign_dir(path, path + at->base) ||
                                 (!walk->all && at->level == 1 && !is_named(path + at->base)))
                   ? FTW_SKIP_SUBTREE
                   : FTW_CONTINUE;
    if (kind != FTW_F || !belongs(path + at->base))
        return FTW_CONTINUE;
    if (walk->len == AK_BUNDLE_FILES_MAX)
        return FTW_STOP;
    if (walk->len == walk->room) {
        walk->room = walk->room ? walk->room * 2 : 64;
        walk->files = realloc(walk->files, walk->room * sizeof *walk->files);
        if (!walk->files)
            abort();
    }
    walk->files[walk->len++] = strdup(path + strlen(walk->root) + 1);
    return FTW_CONTINUE;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void octal(char *field, size_t size, unsigned long long value)
{
    char text[24];

    snprintf(text, sizeof text, "%0*llo", (int)size - 1, value);
    memcpy(field, text, size - 1);
}

/* ustar keeps 100 bytes of a name, and 155 more of the folders before it. */
static int set_name(Header *h, const char *name)
{
    size_t len = strlen(name);

    if (len <= sizeof h->name) {
        memcpy(h->name, name, len);
        return 0;
    }
    for (const char *slash = strchr(name, '/'); slash; slash = strchr(slash + 1, '/')) {
        size_t before = (size_t)(slash - name), after = len - before - 1;
        if (before <= sizeof h->prefix && after <= sizeof h->name) {
            memcpy(h->prefix, name, before);
            memcpy(h->name, slash + 1, after);
            return 0;
        }
    }
    return -1;
}

static int add_file(const char *root, const char *name, AkText *tar, char *why, size_t size)
{
    static const char zeros[BLOCK];
    char path[PATH_MAX * 2], chunk[65536];
    Header h = {0};
    struct stat st;
    ssize_t n;

    snprintf(path, sizeof path, "%s/%s", root, name);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st) < 0) {
        snprintf(why, size, "%s: %s", path, strerror(errno));
        if (fd >= 0)
            close(fd);
        return -1;
    }
    size_t start = tar->len;
    ak_text_add(tar, &h, sizeof h);
    while ((n = read(fd, chunk, sizeof chunk)) > 0 && tar->len < AK_BUNDLE_MAX)
        ak_text_add(tar, chunk, (size_t)n);
    close(fd);
    size_t body = tar->len - start - BLOCK;
    if (n < 0 || set_name(&h, name) < 0 || tar->len >= AK_BUNDLE_MAX || tar->failed) {
        snprintf(why, size, "%s: %s", path,
                 n < 0 ? strerror(errno)
                 : tar->len >= AK_BUNDLE_MAX
                     ? "the project is larger than 64 MiB; put the program "
                       "into a folder of its own"
                     : "the path is too long for an archive");
        return -1;
    }
    octal(h.mode, sizeof h.mode, st.st_mode & S_IXUSR ? 0755 : 0644);
    octal(h.uid, sizeof h.uid, 0);
    octal(h.gid, sizeof h.gid, 0);
    octal(h.size, sizeof h.size, body);
    octal(h.mtime, sizeof h.mtime, 0);
    h.type = '0';
    memcpy(h.magic, "ustar", 6);
    memcpy(h.version, "00", 2);
    memset(h.sum, ' ', sizeof h.sum);
    unsigned sum = 0;
    for (size_t i = 0; i < sizeof h; i++)
        sum += ((unsigned char *)&h)[i];
    octal(h.sum, 7, sum);
    memcpy(tar->at + start, &h, sizeof h);
    ak_text_add(tar, zeros, (BLOCK - body % BLOCK) % BLOCK);
    return 0;
}

static int pack(const char *root, AkIgnore *ignore, AkText *tar, char *why, size_t size)
{
    static const char zeros[2 * BLOCK];
    Walk here = {.all = has_file(root, manifest_name), .ignore = ignore};
    int failed = 0;

    snprintf(here.root, sizeof here.root, "%s", root);
    walk = &here;
    int stopped = nftw(root, visit, 32, FTW_PHYS | FTW_ACTIONRETVAL);
    walk = NULL;
    if (stopped) {
        snprintf(why, size, "%s: %s", root,
                 stopped < 0
                     ? strerror(errno)
                     : "more than 10000 files; put the program into a folder of its own");
        failed = -1;
    }
    qsort(here.files, here.len, sizeof *here.files, by_name);
    for (size_t i = 0; !failed && i < here.len; i++)
        failed = add_file(root, here.files[i], tar, why, size);
    ak_text_add(tar, zeros, sizeof zeros);
    for (size_t i = 0; i < here.len; i++)
        free(here.files[i]);
    free(here.files);
    return failed;
}

int ak_bundle_pack(const char *root, AkText *tar, char *why, size_t size)
{
    return pack(root, NULL, tar, why, size);
}

int ak_bundle_pack_tracked(const char *root, AkText *tar, char *why, size_t size)
{
    AkIgnore *ignore = ak_ignore_new(root);
    int failed = pack(root, ignore, tar, why, size);

    ak_ignore_free(ignore);
    return failed;
}

/* --- Unpacking
 * -------------------------------------------------------------------------------- */

int ak_make_dirs(const char *dir)
{
    char path[PATH_MAX];

    snprintf(path, sizeof path, "%s", dir);
    for (char *p = path + 1;; p++) {
        if (*p && *p != '/')
            continue;
        char kept = *p;
        *p = '\0';
        if (mkdir(path, 0700) < 0 && errno != EEXIST)
            return -1;
        *p = kept;
        if (!kept)
            return 0;
    }
}

int ak_make_parents(const char *path)
{
    char dir[PATH_MAX];
    const char *slash = strrchr(path, '/');

    if (!slash || slash == path)
        return 0;
    if ((size_t)snprintf(dir, sizeof dir, "%.*s", (int)(slash - path), path) >= sizeof dir) {
        errno = ENAMETOOLONG;
        return -1;
    }
    return ak_make_dirs(dir);
}

int ak_file_end(FILE *file)
{
    bool failed = ferror(file);

    if (fclose(file) != 0)
        return -1;
    errno = failed ? EIO : errno;
    return failed ? -1 : 0;
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *at)
{
    (void)st;
    (void)kind;
    (void)at;
    remove(path);
    return 0;
}

void ak_remove_tree(const char *dir)
{
    nftw(dir, remove_one, 32, FTW_DEPTH | FTW_PHYS);
}

int ak_take_place(const char *fresh, const char *dir)
{
    if (rename(fresh, dir) == 0)
        return 0;
    if (errno != EEXIST && errno != ENOTEMPTY)
        return -1;
    ak_remove_tree(fresh);
    return 0;
}

static bool is_safe(const char *name)
{
    return name[0] && name[0] != '/' && strncmp(name, "../", 3) && !strstr(name, "/../");
}

static int write_file(const char *dir, const char *name, const char *bytes, size_t len,
                      mode_t mode)
{
    char path[PATH_MAX];

    if (!is_safe(name) ||
        (size_t)snprintf(path, sizeof path, "%s/%s", dir, name) >= sizeof path) {
        errno = EILSEQ;
        return -1;
    }
    if (ak_make_parents(path) < 0)
        return -1;
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
    if (fd < 0)
        return -1;
    while (len) {
        ssize_t n = write(fd, bytes, len);
        if (n < 0)
            break;
        bytes += n;
        len -= (size_t)n;
    }
    close(fd);
    return len ? -1 : 0;
}

/* The header at *at, which moves to the bytes of its file. */
static int next_header(AkBytes tar, size_t *at, Header *h, size_t *len, char name[260])
{
    char digits[13] = {0};

    memcpy(h, tar.at + *at, sizeof *h);
    memcpy(digits, h->size, sizeof h->size);
    *len = strtoull(digits, NULL, 8);
    *at += BLOCK;
    if (memcmp(h->magic, "ustar", 5) || *len > tar.len - *at) {
        errno = EILSEQ;
        return -1;
    }
    snprintf(name, 260, "%.*s%s%.*s", (int)sizeof h->prefix, h->prefix, h->prefix[0] ? "/" : "",
             (int)sizeof h->name, h->name);
    return 0;
}

int ak_bundle_each(AkBytes tar, AkBundleFn *fn, void *payload)
{
    Header h;
    char name[260];
    size_t len;
    int stop = 0;

    for (size_t at = 0; !stop && at + BLOCK <= tar.len && tar.at[at];) {
        if (next_header(tar, &at, &h, &len, name))
            return -1;
        if (h.type == '0')
            stop = fn(payload, name, (AkBytes){tar.at + at, len});
        at += (len + BLOCK - 1) / BLOCK * BLOCK;
    }
    return stop;
}

static int unpack_all(AkBytes tar, const char *dir)
{
    Header h;
    char name[260];
    size_t len;

    for (size_t at = 0; at + BLOCK <= tar.len && tar.at[at];) {
        if (next_header(tar, &at, &h, &len, name) ||
            (h.type == '0' && write_file(dir, name, tar.at + at, len,
                                         strtoul(h.mode, NULL, 8) & 0100 ? 0700 : 0600)))
            return -1;
        at += (len + BLOCK - 1) / BLOCK * BLOCK;
    }
    return 0;
}

int ak_bundle_unpack(AkBytes tar, const char *dir)
{
    char fresh[PATH_MAX];

    if (access(dir, F_OK) == 0)
        return 0;
    snprintf(fresh, sizeof fresh, "%s.%d.new", dir, (int)getpid());
    ak_remove_tree(fresh);
    if (ak_make_dirs(fresh) < 0 || unpack_all(tar, fresh) < 0)
        return -1;
    return ak_take_place(fresh, dir);
}

int ak_bundle_root(const char *path, char *root, size_t root_size, char *file, size_t file_size)
{
    char *real = realpath(path, NULL);

    if (!real)
        return -1;
    char *slash = strrchr(real, '/');
    size_t len = (size_t)(slash - real);
    for (size_t up = len; up > 0;) {
        real[up] = '\0';
        bool found = has_file(real, manifest_name);
        real[up] = '/';
        if (found) {
            len = up;
            break;
        }
        while (up > 0 && real[--up] != '/')
            ;
    }
    snprintf(root, root_size, "%.*s", len ? (int)len : 1, real);
    snprintf(file, file_size, "%s", real + len + 1);
    free(real);
    return 0;
}
