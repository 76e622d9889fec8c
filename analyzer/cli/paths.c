/* Spellings of paths. They are told apart as text; only a ".." asks the disk, as a link before
 * it leads elsewhere. */
#define _GNU_SOURCE
#include "paths.h"
#include "mem.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *cwd, *base;

bool cli_paths_start(void)
{
    char *here = getcwd(NULL, 0);

    if (!here)
        return false;
    cwd = cli_keep_string(here);
    base = NULL;
    free(here);
    return true;
}

const char *cli_paths_cwd(void)
{
    return cwd;
}

const char *cli_path_join(const char *folder, const char *name)
{
    size_t len = strcmp(folder, "/") ? strlen(folder) : 0, name_len = strlen(name);
    char *path = cli_keep(len + name_len + 2);

    memcpy(path, folder, len);
    path[len] = '/';
    memcpy(path + len + 1, name, name_len);
    return path;
}

static bool has_dots(const char *path)
{
    const char *p = path;

    while ((p = strstr(p, ".."))) {
        if ((p == path || p[-1] == '/') && (p[2] == '/' || !p[2]))
            return true;
        p += 2;
    }
    return false;
}

/* Without "." names and doubled '/'; ".." takes back the name before it. */
static const char *tidy(const char *path)
{
    char *out = cli_keep(strlen(path) + 2), *end = out;

    for (const char *p = path; *p;) {
        size_t n = strcspn(p, "/");
        if (n == 2 && p[0] == '.' && p[1] == '.') {
            while (end > out && *--end != '/')
                ;
        } else if (n && !(n == 1 && *p == '.')) {
            *end++ = '/';
            memcpy(end, p, n);
            end += n;
        }
        p += n;
        p += *p == '/';
    }
    if (end == out)
        *end++ = '/';
    *end = '\0';
    return out;
}

const char *cli_path_absolute(const char *path)
{
    const char *whole = *path == '/' ? path : cli_path_join(cwd, path);

    if (has_dots(whole)) {
        char *real = realpath(whole, NULL);
        if (real) {
            whole = cli_keep_string(real);
            free(real);
            return whole;
        }
    }
    return tidy(whole);
}

bool cli_path_within(const char *absolute, const char *folder)
{
    size_t n = strlen(folder);

    if (!strcmp(folder, "/"))
        return true;
    return !strncmp(absolute, folder, n) && (absolute[n] == '/' || !absolute[n]);
}

/* path without folder and '/'; "." for the folder itself. */
static const char *below(const char *path, const char *folder)
{
    size_t n = strcmp(folder, "/") ? strlen(folder) : 0;

    return path[n] && path[n + 1] ? path + n + 1 : ".";
}

const char *cli_path_shown(const char *absolute)
{
    return cli_path_within(absolute, cwd) ? below(absolute, cwd) : absolute;
}

const char *cli_path_name(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash ? slash + 1 : path;
}

const char *cli_path_folder(const char *absolute)
{
    const char *slash = strrchr(absolute, '/');

    return slash == absolute ? "/" : cli_keep_text(absolute, (size_t)(slash - absolute));
}

static bool holds(const char *dir, const char *name)
{
    CliBuf path = {0};
    bool found;

    cli_buf_printf(&path, "%s/%s", dir, name);
    found = access(path.data, F_OK) == 0;
    cli_buf_free(&path);
    return found;
}

static const char *nearest_with(const char *dir, const char *const *marks)
{
    for (;; dir = cli_path_folder(dir)) {
        for (const char *const *mark = marks; *mark; mark++)
            if (holds(dir, *mark))
                return dir;
        if (!strcmp(dir, "/"))
            return NULL;
    }
}

const char *cli_path_project(const char *dir)
{
    static const char *const marks[] = {"pyproject.toml",  "setup.py",    "setup.cfg", ".git",
                                        "autokitteh.yaml", "aklint.toml", NULL};
    const char *root = nearest_with(dir, marks), *home = getenv("HOME");

    /* A stray mark at the top of the disk, or at home, does not make everything one project. */
    if (!root || !strcmp(root, "/") || (home && !strcmp(root, home) && strcmp(root, dir)))
        return NULL;
    return root;
}

const char *cli_path_repository(const char *dir)
{
    static const char *const marks[] = {".git", NULL};

    return nearest_with(dir, marks);
}

void cli_paths_widen(const char *folder)
{
    if (!base)
        base = folder;
    while (!cli_path_within(folder, base))
        base = cli_path_folder(base);
}

const char *cli_paths_base(void)
{
    return base ? base : cwd;
}

const char *cli_path_to_library(const char *absolute)
{
    return cli_path_within(absolute, cli_paths_base()) ? below(absolute, cli_paths_base())
                                                       : absolute;
}

const char *cli_path_from_library(const char *path)
{
    return *path == '/' ? path : cli_path_join(cli_paths_base(), path);
}
