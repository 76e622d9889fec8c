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

enum { BEHIND = 64, PIECE = 64 * 1024 };

static int read_fd(int fd, size_t expected, char **text, size_t *len)
{
    size_t cap = expected + BEHIND + 1, used = 0;
    char *data = cli_malloc(cap);

    for (;;) {
        ssize_t n;
        if (used + BEHIND >= cap) {
            cap = cap * 2 + PIECE;
            data = cli_realloc(data, cap);
        }
        n = read(fd, data + used, cap - BEHIND - used);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            free(data);
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
    char *area = mmap(NULL, size + BEHIND, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (area == MAP_FAILED)
        return errno;
    if (mmap(area, size, PROT_READ, MAP_PRIVATE | MAP_FIXED, fd, 0) == MAP_FAILED) {
        int error = errno;
        munmap(area, size + BEHIND);
        return error;
    }
    *text = area;
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
        munmap(text, len + BEHIND);
    else
        free(text);
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

int cli_texts_read(void *payload, const char *path, const char **text, size_t *len,
                   const char **why)
{
    CliTexts *texts = *(CliTexts **)payload;
    const char *absolute = cli_path_from_library(path);
    char *data;
    int error = cli_text_read(absolute, texts->map_above, &data, len);

    if (!error) {
        *text = data;
        return 0;
    }
    pthread_mutex_lock(&texts->lock);
    *why = cli_keep_string(strerror(error));
    cli_list_add(&texts->problems, cli_keep_format("%s: %s", cli_path_shown(absolute), *why));
    texts->refused |= error != ENOENT;
    pthread_mutex_unlock(&texts->lock);
    return -1;
}

void cli_texts_release(void *payload, const char *path, const char *text, size_t len)
{
    CliTexts *texts = *(CliTexts **)payload;

    (void)path;
    cli_text_free((char *)(uintptr_t)text, len, texts->map_above);
}
