/* lsp_check.h: the project as an editor sees it, and what is found in it.
 *
 * Unsaved texts stand for their files. Findings are kept as JSON, ready to be sent, in the
 * editor's units, until the next check that comes to its end. Its own memory is malloc's: that
 * of cli_keep is given back whenever the files are looked for anew.
 */
#ifndef CLI_LSP_CHECK_H
#define CLI_LSP_CHECK_H

#include "lsp_text.h"
#include "options.h"

#include <jansson.h>

typedef struct LspDocument {
    char *path, *uri; /* path: absolute; uri as the editor spells it */
    json_int_t version;
    LspText text;
    bool is_new;    /* its text was not given to the project yet */
    bool is_broken; /* the last check stumbled over it */
} LspDocument;

typedef struct LspCheck LspCheck;

typedef struct LspWorld {
    const char *config; /* of the command line, or NULL */
    bool isolated;
    LspUnits units;
    bool shows_related; /* the editor shows a trail by itself */
    char **folders;
    size_t folder_count;
    LspDocument **documents;
    size_t document_count;
    bool (*stop)(void *arg); /* ends a check; any thread */
    void *stop_arg;
} LspWorld;

LspCheck *lsp_check_new(LspWorld *world);
void lsp_check_free(LspCheck *check);

/* Files came or went, or settings changed: they are looked for anew with the next run. */
void lsp_check_forget(LspCheck *check);

/* 0, or 130 when it was stopped; 2 behind a sentence on standard error. */
int lsp_check_run(LspCheck *check);

/* A file's text changed on the disk, or (NULL) any may have: what was found before is not kept. */
void lsp_check_changed(LspCheck *check, const char *path);

/* path → array of records: {diagnostic, rule, noqa: {line, character} or absent, fix: {title,
 * safe, changes: {uri: [edit]}} or absent}. Lent until the next run. */
json_t *lsp_check_records(const LspCheck *check);

/* The checks (AkCheck) of the last run; none after lsp_check_forget. */
const CliList *lsp_check_done(const LspCheck *check);
const LspWorld *lsp_check_world(const LspCheck *check);

/* "file:///…" of a path; the caller's. */
char *lsp_uri(const LspWorld *world, const char *path);
/* The path of a file's URI, or NULL; the caller's. */
char *lsp_path(const char *uri);
json_t *lsp_range(LspPlace from, LspPlace to);

#endif
