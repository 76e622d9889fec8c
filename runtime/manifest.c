#define _GNU_SOURCE
#include "manifest.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../analyzer/cli/node.h"
#include "engine/cron.h"
#include "engine/filter.h"
#include "members.h"

typedef struct Reader {
    AkManifest *manifest;
    json_t *names; /* of triggers and connections so far */
} Reader;

int ak_is_symbol(const char *text)
{
    if (!(*text == '_' || (*text >= 'a' && *text <= 'z') || (*text >= 'A' && *text <= 'Z')))
        return 0;
    for (; *text; text++)
        if (!(*text == '_' || (*text >= 'a' && *text <= 'z') ||
              (*text >= 'A' && *text <= 'Z') || (*text >= '0' && *text <= '9')))
            return 0;
    return 1;
}

static void mistake(Reader *r, uint32_t start, uint32_t end, const char *advice,
                    const char *format, ...) __attribute__((format(printf, 5, 6)));

static void mistake(Reader *r, uint32_t start, uint32_t end, const char *advice,
                    const char *format, ...)
{
    AkManifest *m = r->manifest;
    char *words = NULL;
    va_list list;

    va_start(list, format);
    if (vasprintf(&words, format, list) < 0)
        abort();
    va_end(list);
    m->mistakes = realloc(m->mistakes, (m->mistakes_len + 1) * sizeof *m->mistakes);
    if (!m->mistakes)
        abort();
    m->mistakes[m->mistakes_len++] = (AkMistake){start, end, words, advice};
}

/* --- Values
 * ---------------------------------------------------------------------------------------- */

/* NULL when it is not there; YAML's numbers and booleans are texts too. */
static const char *text_of(Reader *r, const AkNode *map, const char *key)
{
    const AkNode *node = cli_node_get(map, key);

    if (!node)
        return NULL;
    if (node->kind == AK_NODE_SCALAR)
        return !node->quoted && (!strcmp(node->text, "null") || !strcmp(node->text, "~"))
                   ? ""
                   : node->text;
    mistake(r, node->start, node->end, "write one value", "'%s' is one value, not a %s", key,
            node->kind == AK_NODE_LIST ? "list" : "map");
    return NULL;
}

static bool flag_of(Reader *r, const AkNode *map, const char *key, bool otherwise)
{
    const AkNode *node = cli_node_get(map, key);
    const char *text = node ? text_of(r, map, key) : NULL;

    if (!text)
        return otherwise;
    if (!strcasecmp(text, "true") || !strcasecmp(text, "yes") || !strcasecmp(text, "on"))
        return true;
    if (strcasecmp(text, "false") && strcasecmp(text, "no") && strcasecmp(text, "off"))
        mistake(r, node->start, node->end, "write true or false",
                "'%s' is true or false, not '%s'", key, text);
    return false;
}

static const AkNode *list_of(Reader *r, const AkNode *map, const char *key)
{
    static const AkNode none = {.kind = AK_NODE_LIST};
    const AkNode *node = map ? cli_node_get(map, key) : NULL;

    if (!node || (node->kind == AK_NODE_SCALAR && !*node->text))
        return &none;
    if (node->kind == AK_NODE_LIST)
        return node;
    mistake(r, node->start, node->end, "begin each item with '- '", "'%s' is a list", key);
    return &none;
}

/* A name that is a symbol; "" when it is not. */
static const char *name_of(Reader *r, const AkNode *map, const char *what)
{
    const AkNode *node = map->kind == AK_NODE_MAP ? cli_node_get(map, "name") : NULL;
    const char *name = node ? text_of(r, map, "name") : NULL;

    if (!node)
        mistake(r, map->start, map->end, "add `name:`", "a %s has no name", what);
    else if (name && !ak_is_symbol(name))
        mistake(r, node->start, node->end, "use letters, digits and _, no digit first",
                "'%s' is no name of a %s", name, what);
    else if (name)
        return name;
    return "";
}

/* --- Parts
 * -------------------------------------------------------------------------------------------
 */

static void read_vars(Reader *r, const AkNode *list, const char *connection, json_t *vars)
{
    for (size_t i = 0; i < list->count; i++) {
        const AkNode *node = list->items[i];
        const char *name = name_of(r, node, "variable");
        if (!*name)
            continue;
        const char *value = text_of(r, node, "value");
        json_array_append_new(
            vars,
            json_pack("{s:o, s:s, s:b}", "name",
                      connection ? json_sprintf("%s__%s", connection, name) : json_string(name),
                      "value", value ? value : "", "secret",
                      flag_of(r, node, "secret", false)));
    }
}

static void once(Reader *r, const AkNode *node, const char *name, const char *what)
{
    char key[300];
    const AkNode *at = cli_node_get(node, "name");

    snprintf(key, sizeof key, "%s %.200s", what, name);
    if (json_object_get(r->names, key))
        mistake(r, at->start, at->end, "give it another name", "two %ss are called '%s'", what,
                name);
    json_object_set_new(r->names, key, json_true());
}

static void read_connections(Reader *r, const AkNode *list, json_t *plan)
{
    json_t *all = json_object_get(plan, "connections");

    for (size_t i = 0; i < list->count; i++) {
        const AkNode *node = list->items[i];
        const char *name = name_of(r, node, "connection"), *integration;
        if (!*name)
            continue;
        once(r, node, name, "connection");
        integration = text_of(r, node, "integration");
        json_array_append_new(all, json_pack("{s:s, s:s}", "name", name, "integration",
                                             integration ? integration : ""));
        read_vars(r, list_of(r, node, "vars"), name, json_object_get(plan, "vars"));
    }
}

static void check_schedule(Reader *r, const AkNode *node)
{
    const char *why;
    uint32_t at;
    AkCron cron;

    if (ak_cron_parse(&cron, node->text, &why, &at) < 0)
        mistake(r, node->start + (node->quoted ? 1 : 0) + at, node->end,
                "five fields as in `0 6 * * 1`, or `@daily`, `@every 15m`",
                "the schedule cannot be read: %s", why);
}

static void check_filter(Reader *r, const AkNode *node)
{
    static AkFilter filter;
    const char *why;
    uint32_t at;

    if (ak_filter_parse(&filter, node->text, &why, &at) < 0)
        mistake(r, node->start + (node->quoted ? 1 : 0) + at, node->end,
                "compare `data` and `event_type`, as in `data.method == \"GET\"`",
                "the filter cannot be read: %s", why);
}

static void check_call(Reader *r, const AkNode *node)
{
    const char *colon = strrchr(node->text, ':');

    if (!colon || colon - node->text < 4 || strncmp(colon - 3, ".py", 3) ||
        !ak_is_symbol(colon + 1) || node->text[0] == '/' || strstr(node->text, ".."))
        mistake(r, node->start, node->end, "write `file.py:function`",
                "'%s' names no function of the project", node->text);
}

/* What kind of trigger it is, by `type` or by the key that only one kind has. */
static const char *kind_of(Reader *r, const AkNode *node, const json_t *plan)
{
    static const char *const kinds[] = {"webhook", "schedule", "connection", NULL};
    const AkNode *type = cli_node_get(node, "type"), *has = NULL;
    const char *kind = NULL, *said = type ? text_of(r, node, "type") : NULL;

    for (const char *const *k = kinds; *k; k++) {
        const AkNode *key = cli_node_get(node, *k);
        if (!key)
            continue;
        if (kind)
            mistake(r, key->start, key->end, "keep one of them",
                    "a trigger is a %s or a %s, not both", kind, *k);
        kind = *k;
        has = key;
    }
    if (said) {
        const char *const *k = kinds;
        while (*k && strcmp(*k, said))
            k++;
        if (!*k)
            mistake(r, type->start, type->end, "webhook, schedule or connection",
                    "there are no triggers of type '%s'", said);
        else if (kind && strcmp(kind, said))
            mistake(r, type->start, type->end, "drop one of them",
                    "the type is %s, but '%s' is given", said, kind);
        else
            kind = *k;
    }
    if (!kind) {
        mistake(r, node->start, node->end, "add `type: webhook` or `schedule:`",
                "a trigger has no type");
        return NULL;
    }
    if (!strcmp(kind, "schedule") && !has)
        mistake(r, node->start, node->end, "add `schedule:`", "a schedule is missing");
    if (!strcmp(kind, "connection") && has && has->kind == AK_NODE_SCALAR &&
        !ak_member_named(json_object_get(plan, "connections"), has->text))
        mistake(r, has->start, has->end, "list it under `connections`",
                "the project has no connection '%s'", has->text);
    return kind;
}

static void set_text(Reader *r, json_t *trigger, const AkNode *node, const char *key)
{
    const char *text = text_of(r, node, key);

    if (text && *text)
        json_object_set_new(trigger, key, json_string(text));
}

static const AkNode *scalar(const AkNode *map, const char *key)
{
    const AkNode *node = cli_node_get(map, key);

    return node && node->kind == AK_NODE_SCALAR && *node->text ? node : NULL;
}

static void read_trigger(Reader *r, const AkNode *node, json_t *plan, bool durable)
{
    const char *name = name_of(r, node, "trigger"), *kind;
    const AkNode *part;

    if (!*name || !(kind = kind_of(r, node, plan)))
        return;
    once(r, node, name, "trigger");
    json_t *t = json_pack("{s:s, s:s, s:b, s:b}", "name", name, "kind", kind, "is_durable",
                          flag_of(r, node, "is_durable", durable), "is_sync",
                          flag_of(r, node, "is_sync", false));
    if (!strcmp(kind, "schedule") && (part = scalar(node, "schedule"))) {
        check_schedule(r, part);
        set_text(r, t, node, "schedule");
    }
    if (!strcmp(kind, "connection"))
        set_text(r, t, node, "connection");
    set_text(r, t, node, "event_type");
    if ((part = scalar(node, "filter"))) {
        check_filter(r, part);
        set_text(r, t, node, "filter");
    }
    if ((part = scalar(node, "call"))) {
        check_call(r, part);
        set_text(r, t, node, "call");
    }
    json_array_append_new(json_object_get(plan, "triggers"), t);
}

static void read_project(Reader *r, const AkNode *root, bool durable)
{
    json_t *plan = r->manifest->plan;
    const AkNode *project = cli_node_get(root, "project"), *list;

    if (!project || project->kind != AK_NODE_MAP) {
        mistake(r, root->start, root->end, "add `project:` with its `name:`",
                "the manifest has no project");
        return;
    }
    json_object_set_new(plan, "name", json_string(name_of(r, project, "project")));
    read_vars(r, list_of(r, project, "vars"), NULL, json_object_get(plan, "vars"));
    read_connections(r, list_of(r, project, "connections"), plan);
    list = list_of(r, project, "triggers");
    for (size_t i = 0; i < list->count; i++)
        read_trigger(r, list->items[i], plan, durable);
}

static void read_root(Reader *r, const AkNode *root)
{
    if (!root || root->kind != AK_NODE_MAP) {
        mistake(r, 0, 0, "begin with `version: v1` and `project:`", "the manifest is empty");
        return;
    }
    const AkNode *at = cli_node_get(root, "version");
    const char *version = at ? text_of(r, root, "version") : NULL;
    if (!at)
        mistake(r, root->start, root->start, "add `version: v1`",
                "the manifest has no version");
    else if (version && strcmp(version, "v1") && strcmp(version, "v2"))
        mistake(r, at->start, at->end, "write v1 or v2", "'%s' is no version of the manifest",
                version);
    json_object_set_new(r->manifest->plan, "version", json_string(version ? version : ""));
    read_project(r, root, !version || strcmp(version, "v2") != 0);
}

static char *read_file(const char *path, size_t *len)
{
    FILE *file = fopen(path, "re");
    char *text = NULL;
    size_t size = 0;

    if (!file)
        return NULL;
    /* A manifest is short: what is larger is something else. */
    text = calloc(1, (4u << 20) + 64);
    size = fread(text, 1, 4u << 20, file);
    fclose(file);
    *len = size;
    return text;
}

int ak_manifest_read(const char *dir, AkManifest *m)
{
    *m = (AkManifest){0};
    snprintf(m->path, sizeof m->path, "%s/%s", dir, AK_MANIFEST_NAME);
    m->text = read_file(m->path, &m->len);
    if (!m->text)
        return -1;
    ak_manifest_parse(m);
    return 0;
}

void ak_manifest_parse(AkManifest *m)
{
    const AkNode *root;
    CliMistake wrong;
    Reader reader = {m, json_object()};

    m->plan = json_pack("{s:[], s:[], s:[]}", "vars", "connections", "triggers");
    if (cli_manifest(m->text, m->len, &root, &wrong) < 0)
        mistake(&reader, wrong.start, wrong.end, "mend it", "the manifest is no YAML: %s",
                wrong.why);
    else
        read_root(&reader, root);
    json_decref(reader.names);
}

void ak_manifest_free(AkManifest *m)
{
    for (size_t i = 0; i < m->mistakes_len; i++)
        free(m->mistakes[i].message);
    free(m->mistakes);
    free(m->text);
    json_decref(m->plan);
    *m = (AkManifest){0};
}
