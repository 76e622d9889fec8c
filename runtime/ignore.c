/* The rules themselves are read by aklint's reader: both leave out the same. */
#define _GNU_SOURCE
#include "ignore.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../analyzer/cli/gitignore.h"
#include "../analyzer/cli/texts.h"

typedef struct Folder {
    struct Folder *next;
    const CliIgnore *rules; /* of this folder and those above */
    char *path;
} Folder;

struct AkIgnore {
    char *root;
    Folder *folders;
};

AkIgnore *ak_ignore_new(const char *root)
{
    AkIgnore *ignore = calloc(1, sizeof *ignore);

    if (ignore)
        ignore->root = strdup(root);
    return ignore;
}

void ak_ignore_free(AkIgnore *ignore)
{
    if (!ignore)
        return;
    while (ignore->folders) {
        Folder *folder = ignore->folders;
        ignore->folders = folder->next;
        free(folder->path);
        free(folder);
    }
    free(ignore->root);
    free(ignore);
}

static const CliIgnore *read_rules(const CliIgnore *above, const char *dir, const char *name)
{
    char *path, *text;
    size_t len;

    if (asprintf(&path, "%s/%s", dir, name) < 0)
        return above;
    if (cli_text_read(path, SIZE_MAX, &text, &len) == 0) {
        above = cli_ignore_new(above, dir, text, len);
        cli_text_free(text, len, SIZE_MAX);
    }
    free(path);
    return above;
}

static const CliIgnore *rules_of(AkIgnore *ignore, const char *dir)
{
    const CliIgnore *above = NULL;

    for (Folder *f = ignore->folders; f; f = f->next)
        if (!strcmp(f->path, dir))
            return f->rules;
    if (strcmp(dir, ignore->root)) {
        char *parent = strdup(dir), *slash = strrchr(parent, '/');
        *slash = '\0';
        above = rules_of(ignore, parent);
        free(parent);
    }
    above = read_rules(above, dir, ".gitignore");
    above = read_rules(above, dir, ".akignore");
    Folder *folder = calloc(1, sizeof *folder);
    *folder = (Folder){ignore->folders, above, strdup(dir)};
    ignore->folders = folder;
    return above;
}

bool ak_ignored(AkIgnore *ignore, const char *path, bool is_dir)
{
    char *dir = strdup(path), *slash = strrchr(dir, '/');

    if (slash)
        *slash = '\0';
    const CliIgnore *rules = rules_of(ignore, dir);
    free(dir);
    return rules && cli_ignored(rules, path, is_dir);
}
