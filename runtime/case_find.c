#define _GNU_SOURCE
#include "case_find.h"

#include <dirent.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void add(AkPaths *paths, const char *path)
{
    paths->items = realloc(paths->items, (paths->len + 1) * sizeof *paths->items);
    if (!paths->items || !(paths->items[paths->len++] = strdup(path)))
        abort();
}

static bool is_foreign(const char *path, const char *name)
{
    char mark[PATH_MAX + 16];

    snprintf(mark, sizeof mark, "%s/pyvenv.cfg", path);
    return *name == '.' || !strcmp(name, "__pycache__") || !strcmp(name, "node_modules") ||
           access(mark, F_OK) == 0;
}

static bool is_case(const char *name)
{
    size_t len = strlen(name);

    return *name != '.' && len > 6 && !strcmp(name + len - 6, ".txtar");
}

static int walk(const char *dir, AkPaths *cases)
{
    struct dirent **entries;
    int n = scandir(dir, &entries, NULL, alphasort), failed = 0;

    if (n < 0)
        return -1;
    for (int i = 0; i < n; i++) {
        const char *name = entries[i]->d_name;
        char path[PATH_MAX];
        struct stat st;
        bool fits = (size_t)snprintf(path, sizeof path, "%s/%s", strcmp(dir, "/") ? dir : "",
                                     name) < sizeof path;
        /* Links to folders are not followed: they may lead back. */
        if (!fits || lstat(path, &st) < 0)
            ;
        else if (S_ISDIR(st.st_mode) && !is_foreign(path, name))
            failed |= walk(path, cases);
        else if (!S_ISDIR(st.st_mode) && is_case(name))
            add(cases, strncmp(path, "./", 2) ? path : path + 2);
        free(entries[i]);
    }
    free(entries);
    return failed;
}

int ak_cases_find(const char *path, AkPaths *cases)
{
    struct stat st;
    char dir[PATH_MAX];

    if (stat(path, &st) < 0)
        return -1;
    if (!S_ISDIR(st.st_mode)) {
        add(cases, path);
        return 0;
    }
    snprintf(dir, sizeof dir, "%s", path);
    for (size_t len = strlen(dir); len > 1 && dir[len - 1] == '/'; len--)
        dir[len - 1] = '\0';
    return walk(dir, cases);
}

void ak_paths_free(AkPaths *paths)
{
    for (size_t i = 0; i < paths->len; i++)
        free(paths->items[i]);
    free(paths->items);
    *paths = (AkPaths){0};
}
