#define _GNU_SOURCE
#include "project.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../analyzer/cli/node.h"
#include "members.h"

enum { FILE_MAX = 1 << 20, COUNT_MAX = 1000000 };
static const char file_name[] = "pyproject.toml";

typedef struct Reader {
    const char *dir, *text;
    size_t len;
    char *why;
    size_t size;
    bool failed;
} Reader;

static void mistake(Reader *r, uint32_t start, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static void mistake(Reader *r, uint32_t start, const char *format, ...)
{
    AkPlace at = cli_place(file_name, r->text, r->len, start, start);
    va_list list;

    if (r->failed)
        return;
    r->failed = true;
    int n = snprintf(r->why, r->size, "%s/%s:%u:%u: ", r->dir, file_name, at.line, at.column);
    va_start(list, format);
    if (n > 0 && (size_t)n < r->size)
        vsnprintf(r->why + n, r->size - (size_t)n, format, list);
    va_end(list);
}

static char *read_text(const char *dir, const char *name, size_t *len)
{
    char path[4500], *text = calloc(1, FILE_MAX + 64);

    snprintf(path, sizeof path, "%s/%s", dir, name);
    FILE *file = fopen(path, "re");
    if (!file || !text) {
        free(text);
        if (file)
            fclose(file);
        return NULL;
    }
    *len = fread(text, 1, FILE_MAX, file);
    fclose(file);
    return text;
}

static const AkNode *member(const AkNode *map, const char *name)
{
    return map && map->kind == AK_NODE_MAP ? cli_node_get(map, name) : NULL;
}

static void take_text(Reader *r, const AkNode *node, const char *key, json_t *to)
{
    if (node->kind != AK_NODE_SCALAR || !node->quoted)
        mistake(r, node->start, "'%s' is a text in quotes", key);
    else
        json_object_set_new(to, key, json_string(node->text));
}

static void take_count(Reader *r, const AkNode *node, const char *key, const char *as,
                       json_t *to)
{
    char *end = NULL;
    long n = node->kind == AK_NODE_SCALAR && !node->quoted ? strtol(node->text, &end, 10) : -1;

    if (!end || *end || n < 1 || n > COUNT_MAX)
        mistake(r, node->start, "'%s' is a whole number from 1 to %d", key, COUNT_MAX);
    else
        json_object_set_new(to, as, json_integer(n));
}

/* Both of a deployment and of a trigger. False: it is neither of them. */
static bool take_limit(Reader *r, const AkNode *node, const char *key, json_t *to)
{
    if (!strcmp(key, "max-sessions"))
        take_count(r, node, key, "max_sessions", to);
    else if (!strcmp(key, "max-queue"))
        take_count(r, node, key, "max_queue", to);
    else
        return false;
    return true;
}

static void take_triggers(Reader *r, const AkNode *all, json_t *plan)
{
    if (all->kind != AK_NODE_MAP) {
        mistake(r, all->start, "'triggers' has a table for each trigger");
        return;
    }
    for (size_t i = 0; i < all->count; i++) {
        const AkNode *name = all->items[2 * i], *table = all->items[2 * i + 1];
        json_t *trigger = ak_member_named(json_object_get(plan, "triggers"), name->text);
        if (!trigger)
            mistake(r, name->start, "the manifest has no trigger '%s'", name->text);
        for (size_t k = 0; trigger && table->kind == AK_NODE_MAP && k < table->count; k++) {
            const AkNode *key = table->items[2 * k];
            if (!take_limit(r, table->items[2 * k + 1], key->text, trigger))
                mistake(r, key->start,
                        "a trigger has no setting '%s'; it has max-sessions and max-queue",
                        key->text);
        }
    }
}

static void take_table(Reader *r, const AkNode *table, json_t *plan)
{
    if (table->kind != AK_NODE_MAP) {
        mistake(r, table->start, "'tool.ak' is a table");
        return;
    }
    for (size_t i = 0; i < table->count; i++) {
        const char *key = table->items[2 * i]->text;
        const AkNode *value = table->items[2 * i + 1];
        if (!strcmp(key, "python") || !strcmp(key, "wheels") || !strcmp(key, "requirements"))
            take_text(r, value, key, plan);
        else if (!strcmp(key, "triggers"))
            take_triggers(r, value, plan);
        else if (!take_limit(r, value, key, plan))
            mistake(r, table->items[2 * i]->start,
                    "tool.ak has no setting '%s'; it has python, requirements, wheels, "
                    "max-sessions, max-queue, triggers",
                    key);
    }
}

/* --- What is to be installed
 * --------------------------------------------------------------------- */

static bool has_file(const char *dir, const char *name)
{
    char path[4500];

    snprintf(path, sizeof path, "%s/%s", dir, name);
    return access(path, R_OK) == 0;
}

/* Our own package, whatever version is asked for: it is there anyway. With extras it is installed,
 * as they bring packages of others. */
static bool is_ours(const char *line)
{
    size_t len = strlen("autokitteh");

    return !strncmp(line, "autokitteh", len) && strchr("=<>~!; ", line[len]);
}

static void take_dependencies(Reader *r, const AkNode *list, json_t *all)
{
    for (size_t i = 0; list && list->kind == AK_NODE_LIST && i < list->count; i++) {
        if (list->items[i]->kind != AK_NODE_SCALAR)
            mistake(r, list->items[i]->start, "a dependency is a text");
        else if (!is_ours(list->items[i]->text))
            json_array_append_new(all, json_string(list->items[i]->text));
    }
}

static void take_file(Reader *r, const char *name, int depth, json_t *all);

/* The line's last part of a path that is relative to the file it stands in. */
static void take_other(Reader *r, const char *name, const char *line, int depth, json_t *all)
{
    char path[1100];
    const char *slash = strrchr(name, '/'), *word = line + strcspn(line, " \t=");

    word += strspn(word, " \t=");
    snprintf(path, sizeof path, "%.*s%.500s", slash ? (int)(slash - name + 1) : 0, name, word);
    take_file(r, path, depth + 1, all);
}

static void take_line(Reader *r, const char *name, char *line, int depth, json_t *all)
{
    char *comment = *line == '#' ? line : strstr(line, " #");

    if (comment)
        *comment = '\0';
    size_t len = strlen(line);
    while (len && (line[len - 1] == ' ' || line[len - 1] == '\t'))
        line[--len] = '\0';
    if (!len || is_ours(line))
        return;
    if (!strncmp(line, "-r ", 3) || !strncmp(line, "--requirement", 13)) {
        take_other(r, name, line, depth, all);
    } else if (!strncmp(line, "-e", 2) || !strncmp(line, "--editable", 10) ||
               !strncmp(line, "-c", 2) || !strncmp(line, "--constraint", 12) || *line == '.' ||
               *line == '/') {
        if (!r->failed)
            snprintf(r->why, r->size,
                     "%s/%s: '%s': name packages and versions here; constraint files and "
                     "packages of this machine do not go with a deployment",
                     r->dir, name, line);
        r->failed = true;
    } else {
        json_array_append_new(all, json_string(line));
    }
}

/* A file's lines, without comments and what is blank: only they decide about the environment.
 * A backslash at a line's end joins it with the next. */
static void take_file(Reader *r, const char *name, int depth, json_t *all)
{
    size_t len;
    char *text = depth > 8 ? NULL : read_text(r->dir, name, &len), *save = NULL;

    if (!text) {
        if (!r->failed)
            snprintf(r->why, r->size, "%s/%s: %s", r->dir, name,
                     depth > 8 ? "requirements that contain themselves" : strerror(errno));
        r->failed = true;
        return;
    }
    for (char *at = text; (at = strchr(at, '\\'));) {
        size_t n = at[1] == '\r' ? 2 : 1;
        if (at[n] == '\n')
            memset(at, ' ', n + 1);
        else
            at++;
    }
    for (char *line = strtok_r(text, "\r\n", &save); line && !r->failed;
         line = strtok_r(NULL, "\r\n", &save))
        take_line(r, name, line + strspn(line, " \t"), depth, all);
    free(text);
}

static void find_requirements(Reader *r, const AkNode *project, json_t *plan)
{
    const char *named = json_string_value(json_object_get(plan, "requirements"));
    char name[512];
    json_t *all = json_array();

    snprintf(name, sizeof name, "%s", named ? named : "requirements.txt");
    if (!named && !has_file(r->dir, name))
        take_dependencies(r, member(project, "dependencies"), all);
    else if (*name)
        take_file(r, name, 0, all);
    json_object_del(plan, "requirements");
    if (json_array_size(all))
        json_object_set(plan, "requirements", all);
    json_decref(all);
}

int ak_project_read(const char *dir, json_t *plan, char *why, size_t size)
{
    Reader r = {.dir = dir, .why = why, .size = size};
    char *text = read_text(dir, file_name, &r.len);
    const AkNode *root = NULL;
    CliMistake wrong;

    r.text = text ? text : "";
    if (text && cli_toml(text, r.len, &root, &wrong) < 0)
        mistake(&r, wrong.start, "%s", wrong.why);
    const AkNode *table = member(member(root, "tool"), "ak");
    if (table)
        take_table(&r, table, plan);
    if (!r.failed)
        find_requirements(&r, member(root, "project"), plan);
    free(text);
    return r.failed ? -1 : 0;
}
