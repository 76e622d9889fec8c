/* texts.h: bytes of files, read for the library and for the printers. */
#ifndef CLI_TEXTS_H
#define CLI_TEXTS_H

#include "map.h"
#include "mem.h"

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

/* Reads a whole file; 64 zero bytes stand behind the text. Returns 0, or errno. The caller
 * gives it back with cli_text_free. A file larger than map_above is mapped instead of copied.
 */
int cli_text_read(const char *path, size_t map_above, char **text, size_t *len);
void cli_text_free(char *text, size_t len, size_t map_above);

/* Standard input, the same. */
int cli_text_read_stdin(char **text, size_t *len);

typedef struct CliTexts {
    size_t map_above;
    CliMap given;         /* absolute path → CliText, unsaved text that stands for the file */
    CliList problems;     /* "path: reason", of files that could not be read */
    bool refused;         /* one of them is there and may not be read */
    struct CliLent *lent; /* read for the library and not given back */
    pthread_mutex_t lock;
    const char *shown_path; /* the file that a printer looks at */
    char *shown;
    size_t shown_len;
} CliTexts;

typedef struct CliText {
    const char *text;
    size_t len;
} CliText;

void cli_texts_start(CliTexts *texts, size_t map_above);
void cli_texts_end(CliTexts *texts);

/* From now on text stands for the file; NULL: as if there were no file. Kept by the caller. */
void cli_texts_give(CliTexts *texts, const char *path, const char *text, size_t len);
void cli_texts_take_back(CliTexts *texts, const char *path);

/* The text of a file for a printer, or NULL. Lives until the next call with another path. */
const char *cli_texts_show(CliTexts *texts, const char *path, size_t *len);

/* Takes all texts back that the library has; its checks are gone. */
void cli_texts_reclaim(CliTexts *texts);

/* AkOptions.read and release; payload begins with a CliTexts pointer. */
int cli_texts_read(void *payload, const char *path, const char **text, size_t *len,
                   const char **why);
void cli_texts_release(void *payload, const char *path, const char *text, size_t len);

#endif
