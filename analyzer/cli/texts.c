/* Reading. A file too large to be looked into is only mapped: naming its length costs nothing.
 */
#define _GNU_SOURCE
#include "texts.h"
#include "paths.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* Stands right before each text, so that those can be found which nobody gave back. */
typedef struct CliLent {
    struct CliLent *before, *after;
    size_t len;
} CliLent;

/* AHEAD is a page: the record of a mapped text has one of its own. */
enum { BEHIND = 64, RECORD = 64, AHEAD = 64 * 1024, PIECE = 64 * 1024 };

static CliLent *record_of(const char *text)
{
    return (CliLent *)(void *)(uintptr_t)(text - RECORD);
}

static int read_fd(int fd, size_t expected, char **text, size_t *len)
{
    size_t cap = expected + BEHIND + 1, used = 0;
    char *block = cli_malloc(RECORD + cap), *data = block + RECORD;

    for (;;) {
        ssize_t n;
        if (used + BEHIND >= cap) {
            cap = cap * 2 + PIECE;
            block = cli_realloc(block, RECORD + cap);
            data = block + RECORD;
        }
        n = read(fd, data + used, cap - BEHIND - used);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            free(block);
            return errno;
        }
        if (n == 0)
            break;
        used += (size_t)n;
    }
    memset(data + used, 0, BEHIND);
    *text = data;
    *len = used;
    return 0;
}

/* The file over zero pages, of which a rest stays behind it. */
static int map_fd(int fd, size_t size, char **text, size_t *len)
{
    char *area = mmap(NULL, AHEAD + size + BEHIND, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (area == MAP_FAILED)
        return errno;
    if (mmap(area + AHEAD, size, PROT_READ, MAP_PRIVATE | MAP_FIXED, fd, 0) == MAP_FAILED) {
        int error = errno;
        munmap(area, AHEAD + size + BEHIND);
        return error;
    }
    *text = area + AHEAD;
    *len = size;
    return 0;
}

int cli_text_read(const char *path, size_t map_above, char **text, size_t *len)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY), error;
    struct stat st;

    if (fd < 0)
        return errno;
    if (fstat(fd, &st) < 0)
        error = errno;
    else if (S_ISDIR(st.st_mode))
        error = EISDIR;
    else if (S_ISREG(st.st_mode) && (size_t)st.st_size > map_above)
        error = map_fd(fd, (size_t)st.st_size, text, len);
    else
        error = read_fd(fd, S_ISREG(st.st_mode) ? (size_t)st.st_size : 0, text, len);
    close(fd);
    return error;
}

void cli_text_free(char *text, size_t len, size_t map_above)
{
    if (len > map_above)
        munmap(text - AHEAD, AHEAD + len + BEHIND);
    else
        free(text - RECORD);
}

int cli_text_read_stdin(char **text, size_t *len)
{
    return read_fd(STDIN_FILENO, PIECE, text, len);
}

void cli_texts_start(CliTexts *texts, size_t map_above)
{
    *texts = (CliTexts){.map_above = map_above};
    pthread_mutex_init(&texts->lock, NULL);
}

void cli_texts_take_back(CliTexts *texts, const char *path)
{
    if (cli_map_has(&texts->given, path))
        cli_map_put(&texts->given, path, NULL);
}

static void forget_shown(CliTexts *texts)
{
    if (texts->shown)
        cli_text_free(texts->shown, texts->shown_len, texts->map_above);
    texts->shown = NULL;
    texts->shown_path = NULL;
}

void cli_texts_end(CliTexts *texts)
{
    forget_shown(texts);
    pthread_mutex_destroy(&texts->lock);
}

void cli_texts_give(CliTexts *texts, const char *path, const char *text, size_t len)
{
    CliText *given = cli_keep(sizeof *given);

    *given = (CliText){text, len};
    cli_map_put(&texts->given, path, given);
}

const char *cli_texts_show(CliTexts *texts, const char *path, size_t *len)
{
    const CliText *given = cli_map_get(&texts->given, path);

    if (given) {
        *len = given->len;
        return given->text;
    }
    if (!texts->shown_path || strcmp(texts->shown_path, path)) {
        forget_shown(texts);
        if (cli_text_read(path, texts->map_above, &texts->shown, &texts->shown_len) != 0) {
            texts->shown = NULL;
            return NULL;
        }
        texts->shown_path = cli_keep_string(path);
    }
    *len = texts->shown_len;
    return texts->shown;
}

static void lend(CliTexts *texts, char *text, size_t len)
{
    CliLent *record = record_of(text);

    *record = (CliLent){NULL, texts->lent, len};
    if (texts->lent)
        texts->lent->before = record;
    texts->lent = record;
}

static void take_back(CliTexts *texts, CliLent *record)
{
    if (record->before)
        record->before->after = record->after;
    else
        texts->lent = record->after;
    if (record->after)
        record->after->before = record->before;
}

void cli_texts_reclaim(CliTexts *texts)
{
    while (texts->lent) {
        CliLent *record = texts->lent;
        take_back(texts, record);
        cli_text_free((char *)record + RECORD, record->len, texts->map_above);
    }
}

/* Of as many files as a tree has, the whole path is not kept. */
static int read_relative(const char *path, size_t map_above, char **text, size_t *len)
{
    CliBuf absolute = {0};
    int error;

    if (*path != '/') {
        cli_buf_puts(&absolute, cli_paths_base());
        cli_buf_putc(&absolute, '/');
    }
    cli_buf_puts(&absolute, path);
    error = cli_text_read(absolute.data, map_above, text, len);
    cli_buf_free(&absolute);
    return error;
}

int cli_texts_read(void *payload, const char *path, const char **text, size_t *len,
                   const char **why)
{
    CliTexts *texts = *(CliTexts **)payload;
    char *data;
    int error = read_relative(path, texts->map_above, &data, len);

    pthread_mutex_lock(&texts->lock);
    if (!error) {
        *text = data;
        lend(texts, data, *len);
        pthread_mutex_unlock(&texts->lock);
        return 0;
    }
    *why = cli_keep_string(strerror(error));
    cli_list_add(&texts->problems,
                 cli_keep_format("%s: %s", cli_path_shown(cli_path_from_library(path)), *why));
    texts->refused |= error != ENOENT;
    pthread_mutex_unlock(&texts->lock);
    return -1;
}

void cli_texts_release(void *payload, const char *path, const char *text, size_t len)
{
    CliTexts *texts = *(CliTexts **)payload;

    (void)path;
    pthread_mutex_lock(&texts->lock);
    take_back(texts, record_of(text));
    pthread_mutex_unlock(&texts->lock);
    cli_text_free((char *)(uintptr_t)text, len, texts->map_above);
}
