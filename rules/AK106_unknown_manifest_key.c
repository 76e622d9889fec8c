/* Keys of a manifest that mean nothing. */
#include "rule.h"

#include <string.h>

typedef struct Table {
    const char *what; /* "a trigger" */
    const char *const *keys;
} Table;

static const char *const root_keys[] = {"version", "project", NULL};
static const char *const project_keys[] = {"name",        "display_name", "vars",
                                           "connections", "triggers",     NULL};
static const char *const var_keys[] = {"name", "value", "description", "secret", NULL};
static const char *const connection_keys[] = {"name", "integration", "vars", NULL};
static const char *const trigger_keys[] = {"name",       "type",       "schedule", "webhook",
                                           "connection", "event_type", "filter",   "call",
                                           "is_durable", "is_sync",    NULL};
static const char *const no_keys[] = {NULL};

static const Table root_table = {"a manifest", root_keys};
static const Table project_table = {"a project", project_keys};
static const Table var_table = {"a variable", var_keys};
static const Table connection_table = {"a connection", connection_keys};
static const Table trigger_table = {"a trigger", trigger_keys};
static const Table webhook_table = {"a webhook", no_keys};

static bool has_key(const Table *table, const char *key)
{
    for (const char *const *known = table->keys; *known; known++)
        if (strcmp(*known, key) == 0)
            return true;
    return false;
}

static const char *nearest_key(const Table *table, const char *key, size_t *distance)
{
    const char *best = NULL;

    *distance = 4;
    for (const char *const *known = table->keys; *known; known++) {
        size_t one = ak_distance(key, *known, *distance);

        if (one < *distance) {
            *distance = one;
            best = *known;
        }
    }
    return best;
}

static void unknown_key(AkPass *pass, const AkManifest *manifest, const AkNode *map,
                        const AkNode *key, const Table *table)
{
    AkReport *report =
        ak_report_node(pass, manifest, key, "%s has no key '%s'", table->what, key->text);
    size_t distance;
    const char *nearest = nearest_key(table, key->text, &distance);

    /* Formerly the name of it; `entrypoint` is too far from `call` for a guess. */
    if (table == &trigger_table && strcmp(key->text, "entrypoint") == 0)
        nearest = "call";
    if (!nearest)
        return;
    ak_advice(report, "Did you mean '%s'?", nearest);
    if (distance == 1 && !ak_node_get(map, nearest)) {
        ak_fix(report, AK_FIX_SAFE, "write '%s'", nearest);
        ak_fix_node(report, manifest, key, nearest);
    }
}

static void check_map(AkPass *pass, const AkManifest *manifest, const AkNode *map,
                      const Table *table)
{
    if (!map || map->kind != AK_NODE_MAP)
        return;
    for (size_t i = 0; i < map->count; i++) {
        const AkNode *key = map->items[2 * i];

        if (key && key->kind == AK_NODE_SCALAR && key->text && !has_key(table, key->text))
            unknown_key(pass, manifest, map, key, table);
    }
}

static void check_list(AkPass *pass, const AkManifest *manifest, const AkNode *list,
                       const Table *table)
{
    if (!list || list->kind != AK_NODE_LIST)
        return;
    for (size_t i = 0; i < list->count; i++) {
        const AkNode *item = list->items[i];

        check_map(pass, manifest, item, table);
        check_map(pass, manifest, ak_node_get(item, "webhook"), &webhook_table);
        if (table == &connection_table)
            check_list(pass, manifest, ak_node_get(item, "vars"), &var_table);
    }
}

static void check(AkPass *pass)
{
    for (size_t i = 0; i < pass->manifest_len; i++) {
        const AkManifest *manifest = &pass->manifests[i];
        const AkNode *project = ak_node_get(manifest->root, "project");

        check_map(pass, manifest, manifest->root, &root_table);
        check_map(pass, manifest, project, &project_table);
        check_list(pass, manifest, ak_node_get(project, "vars"), &var_table);
        check_list(pass, manifest, ak_node_get(project, "connections"), &connection_table);
        check_list(pass, manifest, ak_node_get(project, "triggers"), &trigger_table);
    }
}

const AkRule ak_rule_AK106 = {
    .id = "AK106",
    .name = "unknown-manifest-key",
    .level = AK_ERROR,
    .dialects = AK_DIALECT_AK | AK_DIALECT_AUTOKITTEH,
    .since = "0.1",
    .summary = "a manifest holds a key that means nothing",
    .why = "Unknown keys are passed over in silence: a trigger with 'evnt_type' fires on every "
           "event.",
    .instead =
        "Use the keys of the manifest's description: version, project, and in it name, vars, "
        "connections and triggers.",
    .misses = "Keys below values of another kind than the manifest expects there.",
    .fix = AK_FIX_SAFE,
    .check = check,
};
