/* Values of a manifest that cannot work. */
#include "rule.h"

#include <cron.h>
#include <filter.h>

#include <string.h>

typedef struct Manifest {
    AkPass *pass;
    const AkManifest *manifest;
} Manifest;

static bool is_scalar(const AkNode *node)
{
    return node && node->kind == AK_NODE_SCALAR && node->text;
}

static bool is_filled(const AkNode *node)
{
    return is_scalar(node) && *node->text &&
           (node->quoted || strcmp(node->text, "null") != 0) &&
           (node->quoted || strcmp(node->text, "~") != 0);
}

static bool is_symbol(const char *text)
{
    for (size_t i = 0; text[i]; i++) {
        bool letter = (text[i] >= 'a' && text[i] <= 'z') ||
                      (text[i] >= 'A' && text[i] <= 'Z') || text[i] == '_';

        if (!letter && !(i > 0 && text[i] >= '0' && text[i] <= '9'))
            return false;
    }
    return *text != '\0';
}

static const AkNode *key_of(const AkNode *map, const char *key)
{
    for (size_t i = 0; i < map->count; i++)
        if (is_scalar(map->items[2 * i]) && strcmp(map->items[2 * i]->text, key) == 0)
            return map->items[2 * i];
    return map;
}

/* ---- Names ---- */

static void check_name(const Manifest *m, const AkNode *item, const char *what)
{
    const AkNode *name = ak_node_get(item, "name");

    if (!is_filled(name))
        ak_report_node(m->pass, m->manifest,
                       item->kind == AK_NODE_MAP && item->count ? item->items[0] : item,
                       "this %s has no name", what);
    else if (!is_symbol(name->text))
        ak_report_node(m->pass, m->manifest, name,
                       "'%s' is no name: letters, digits and _ only, no digit first",
                       name->text);
}

static void check_doubles(const Manifest *m, const AkNode *list, const char *what)
{
    for (size_t i = 0; i < list->count; i++) {
        const AkNode *name = ak_node_get(list->items[i], "name");

        for (size_t k = 0; k < i && is_filled(name); k++) {
            const AkNode *other = ak_node_get(list->items[k], "name");

            if (is_filled(other) && strcmp(other->text, name->text) == 0) {
                ak_report_node(m->pass, m->manifest, name, "there are two %ss called '%s'",
                               what, name->text);
                break;
            }
        }
    }
}

static bool check_list(const Manifest *m, const AkNode *list, const char *what)
{
    if (!list || (list->kind == AK_NODE_SCALAR && !is_filled(list)))
        return false;
    if (list->kind != AK_NODE_LIST) {
        ak_report_node(m->pass, m->manifest, list, "a list of %ss is expected here", what);
        return false;
    }
    for (size_t i = 0; i < list->count; i++) {
        if (list->items[i]->kind == AK_NODE_MAP)
            check_name(m, list->items[i], what);
        else
            ak_report_node(m->pass, m->manifest, list->items[i],
                           "a %s with its keys is expected here", what);
    }
    check_doubles(m, list, what);
    return true;
}

/* ---- Triggers ---- */

typedef struct Kinds {
    const AkNode *schedule, *webhook, *connection;
    int count;
} Kinds;

static Kinds kinds_of(const AkNode *trigger)
{
    Kinds kinds = {ak_node_get(trigger, "schedule"), ak_node_get(trigger, "webhook"),
                   ak_node_get(trigger, "connection"), 0};

    kinds.count =
        (kinds.schedule != NULL) + (kinds.webhook != NULL) + (kinds.connection != NULL);
    return kinds;
}

static void check_type(const Manifest *m, const AkNode *trigger, const Kinds *kinds)
{
    const AkNode *type = ak_node_get(trigger, "type");
    const char *given = kinds->schedule     ? "schedule"
                        : kinds->webhook    ? "webhook"
                        : kinds->connection ? "connection"
                                            : NULL;

    if (!is_filled(type))
        return;
    if (strcmp(type->text, "schedule") != 0 && strcmp(type->text, "webhook") != 0 &&
        strcmp(type->text, "connection") != 0)
        ak_report_node(m->pass, m->manifest, type,
                       "'%s' is no type of trigger: schedule, webhook or connection",
                       type->text);
    else if (given && strcmp(type->text, given) != 0)
        ak_report_node(m->pass, m->manifest, type, "this trigger is called a %s and is a %s",
                       type->text, given);
    else if (strcmp(type->text, "schedule") == 0 && !is_filled(kinds->schedule))
        ak_report_node(m->pass, m->manifest, type, "this trigger has no schedule");
    else if (strcmp(type->text, "connection") == 0 && !is_filled(kinds->connection))
        ak_report_node(m->pass, m->manifest, type, "this trigger names no connection");
}

static void check_kinds(const Manifest *m, const AkNode *trigger, const Kinds *kinds)
{
    if (kinds->count > 1)
        ak_report_node(
            m->pass, m->manifest, key_of(trigger, kinds->connection ? "connection" : "webhook"),
            "a trigger is one of schedule, webhook and connection, and this one is several");
    else if (!kinds->count && !ak_node_get(trigger, "type"))
        ak_report_node(m->pass, m->manifest, trigger->items[0],
                       "this trigger is neither a schedule nor a webhook nor of a connection");
    else
        check_type(m, trigger, kinds);
}

static void check_schedule(const Manifest *m, const AkNode *schedule)
{
    AkCron cron;
    const char *why;
    uint32_t at;

    if (schedule && schedule->kind == AK_NODE_SCALAR && !is_filled(schedule))
        ak_report_node(m->pass, m->manifest, schedule, "this schedule is empty");
    else if (is_scalar(schedule) && ak_cron_parse(&cron, schedule->text, &why, &at) != 0)
        ak_report_node(m->pass, m->manifest, schedule, "'%s' is no schedule: %s",
                       schedule->text, why);
}

static void check_filter(const Manifest *m, const AkNode *filter)
{
    AkFilter parsed;
    const char *why;
    uint32_t at;

    if (is_filled(filter) && ak_filter_parse(&parsed, filter->text, &why, &at) != 0)
        ak_report_node(m->pass, m->manifest, filter,
                       "this filter cannot be read: %s (at its character %u)", why,
                       (unsigned)at + 1);
}

static bool has_upper(const char *text)
{
    for (; *text; text++)
        if (*text >= 'A' && *text <= 'Z')
            return true;
    return false;
}

static void check_event_type(const Manifest *m, const AkNode *trigger, const Kinds *kinds)
{
    const AkNode *type = ak_node_get(trigger, "event_type");
    char lower[32];
    AkReport *report;

    if (!kinds->webhook || !is_filled(type) || !has_upper(type->text) ||
        strlen(type->text) >= sizeof(lower))
        return;
    report = ak_report_node(
        m->pass, m->manifest, type,
        "the events of a webhook are called by the method in lower case: '%s' never comes",
        type->text);
    for (size_t i = 0; i <= strlen(type->text); i++)
        lower[i] = type->text[i] >= 'A' && type->text[i] <= 'Z' ? (char)(type->text[i] + 32)
                                                                : type->text[i];
    ak_advice(report, "Write '%s'.", lower);
}

static void check_connection(const Manifest *m, const AkNode *connection,
                             const AkNode *connections)
{
    if (!is_filled(connection))
        return;
    for (size_t i = 0;
         connections && connections->kind == AK_NODE_LIST && i < connections->count; i++) {
        const AkNode *name = ak_node_get(connections->items[i], "name");

        if (is_filled(name) && strcmp(name->text, connection->text) == 0)
            return;
    }
    ak_report_node(m->pass, m->manifest, connection, "the project has no connection '%s'",
                   connection->text);
}

static bool is_boolean(const AkNode *node)
{
    static const char *const words[] = {"true", "false", "True", "False", "TRUE", "FALSE"};

    for (size_t i = 0; is_scalar(node) && !node->quoted && i < sizeof(words) / sizeof(*words);
         i++)
        if (strcmp(node->text, words[i]) == 0)
            return true;
    return false;
}

static void check_boolean(const Manifest *m, const AkNode *map, const char *key)
{
    const AkNode *value = ak_node_get(map, key);

    if (value && !is_boolean(value))
        ak_report_node(m->pass, m->manifest, value, "'%s' is true or false", key);
}

static void check_trigger(const Manifest *m, const AkNode *trigger, const AkNode *connections)
{
    Kinds kinds;

    if (trigger->kind != AK_NODE_MAP || !trigger->count)
        return;
    kinds = kinds_of(trigger);
    check_kinds(m, trigger, &kinds);
    check_schedule(m, kinds.schedule);
    check_connection(m, kinds.connection, connections);
    check_filter(m, ak_node_get(trigger, "filter"));
    check_event_type(m, trigger, &kinds);
    check_boolean(m, trigger, "is_durable");
    check_boolean(m, trigger, "is_sync");
}

/* ---- The whole ---- */

static void check_version(const Manifest *m)
{
    const AkNode *version = ak_node_get(m->manifest->root, "version");

    if (!is_filled(version))
        ak_report_node(m->pass, m->manifest, m->manifest->root->items[0],
                       "the manifest has no version: v1 or v2");
    else if (strcmp(version->text, "v1") != 0 && strcmp(version->text, "v2") != 0)
        ak_report_node(m->pass, m->manifest, version,
                       "'%s' is no version of a manifest: v1 or v2", version->text);
}

static void check_connections(const Manifest *m, const AkNode *connections)
{
    if (!check_list(m, connections, "connection"))
        return;
    for (size_t i = 0; i < connections->count; i++) {
        const AkNode *connection = connections->items[i];

        if (connection->kind != AK_NODE_MAP)
            continue;
        if (!is_filled(ak_node_get(connection, "integration")))
            ak_report_node(m->pass, m->manifest, connection->items[0],
                           "this connection names no integration");
        check_list(m, ak_node_get(connection, "vars"), "variable");
    }
}

static void check_project(const Manifest *m, const AkNode *project)
{
    const AkNode *connections = ak_node_get(project, "connections");
    const AkNode *triggers = ak_node_get(project, "triggers");
    const AkNode *vars = ak_node_get(project, "vars");
    const AkNode *name = ak_node_get(project, "name");

    if (is_filled(name) && !is_symbol(name->text))
        ak_report_node(m->pass, m->manifest, name,
                       "'%s' is no name: letters, digits and _ only, no digit first",
                       name->text);
    if (check_list(m, vars, "variable"))
        for (size_t i = 0; i < vars->count; i++)
            check_boolean(m, vars->items[i], "secret");
    check_connections(m, connections);
    if (check_list(m, triggers, "trigger"))
        for (size_t i = 0; i < triggers->count; i++)
            check_trigger(m, triggers->items[i], connections);
}

static void check(AkPass *pass)
{
    for (size_t i = 0; i < pass->manifest_len; i++) {
        Manifest m = {pass, &pass->manifests[i]};
        const AkNode *root = m.manifest->root, *project;

        if (!root || root->kind != AK_NODE_MAP || !root->count)
            continue;
        check_version(&m);
        project = ak_node_get(root, "project");
        if (project && project->kind == AK_NODE_MAP)
            check_project(&m, project);
    }
}

const AkRule ak_rule_AK107 = {
    .id = "AK107",
    .name = "invalid-manifest-value",
    .level = AK_ERROR,
    .dialects = AK_DIALECT_AK | AK_DIALECT_AUTOKITTEH,
    .since = "0.1",
    .summary = "a manifest holds a value that cannot work",
    .why = "A name that is taken, a schedule or filter that cannot be read, a connection that "
           "is not "
           "there: the deployment fails, or the trigger never fires.",
    .instead = "Write what the message asks for.",
    .misses =
        "Filters that are right in the whole Common Expression Language and outside the part "
        "that the runtime reads are refused.",
    .fix = AK_FIX_NONE,
    .check = check,
};
