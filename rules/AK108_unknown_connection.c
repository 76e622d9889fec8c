/* Connections, triggers and programs that code names and the project lacks. */
#include "rule.h"

#include <string.h>

static const char *last_part(const char *dotted)
{
    const char *dot = strrchr(dotted, '.');

    return dot ? dot + 1 : dotted;
}

static bool ends_with(const char *text, const char *end)
{
    size_t len = strlen(text), end_len = strlen(end);

    return len > end_len && strcmp(text + len - end_len, end) == 0;
}

static bool is_own(const char *dotted)
{
    return strncmp(dotted, "autokitteh.", 11) == 0 || strncmp(dotted, "ak.", 3) == 0;
}

/* ---- The manifest that the module belongs to ---- */

static size_t folder_len(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash ? (size_t)(slash - path) + 1 : 0;
}

static const AkManifest *manifest_of(const AkPass *pass, const AkModule *module)
{
    const AkManifest *best = NULL;
    size_t best_len = 0;

    for (size_t i = 0; i < pass->manifest_len; i++) {
        const AkManifest *manifest = &pass->manifests[i];
        size_t len = folder_len(manifest->path);

        if (strncmp(manifest->path, module->path, len) == 0 && (!best || len > best_len)) {
            best = manifest;
            best_len = len;
        }
    }
    return best;
}

static const AkNode *list_of(const AkManifest *manifest, const char *key)
{
    const AkNode *list = ak_node_get(ak_node_get(manifest->root, "project"), key);

    return list && list->kind == AK_NODE_LIST ? list : NULL;
}

static const char *name_at(const AkNode *list, size_t i)
{
    const AkNode *name = ak_node_get(list->items[i], "name");

    return name && name->kind == AK_NODE_SCALAR ? name->text : NULL;
}

static bool has_name(const AkNode *list, const char *name)
{
    for (size_t i = 0; list && i < list->count; i++)
        if (name_at(list, i) && strcmp(name_at(list, i), name) == 0)
            return true;
    return false;
}

/* A slip of the keyboard, or one name that is a part of the other. */
static const char *nearest_name(const AkNode *list, const char *name)
{
    const char *best = NULL;
    size_t best_distance = 4;

    for (size_t i = 0; list && i < list->count; i++) {
        const char *one = name_at(list, i);
        size_t distance;

        if (!one || !*one)
            continue;
        distance = ak_distance(name, one, best_distance);
        if (distance == best_distance && !best && (strstr(name, one) || strstr(one, name)))
            distance = best_distance - 1;
        if (distance < best_distance) {
            best = one;
            best_distance = distance;
        }
    }
    return best;
}

/* ---- Calls ---- */

static void missing(AkPass *pass, const AkCall *call, AkExprId at, const AkUnit *unit,
                    const char *what, const char *name, const char *nearest)
{
    AkReport *report;

    if (unit == call->fn->unit)
        report =
            ak_report_expr(pass, call->fn, at, 0, "the manifest has no %s '%s'", what, name);
    else
        report = ak_report_call(pass, call, 0, "the manifest has no %s '%s'", what, name);
    if (nearest)
        ak_advice(report, "Did you mean '%s'?", nearest);
}

static void check_named(AkPass *pass, const AkCall *call, const AkManifest *manifest)
{
    const AkNode *connections = list_of(manifest, "connections"),
                 *triggers = list_of(manifest, "triggers");
    const char *function = last_part(call->dotted);
    AkArgument first = ak_argument(
        pass, call, strcmp(function, "get_webhook_url") == 0 ? "trigger_name" : "connection",
        0);
    const char *name, *nearest;

    if (first.given != AK_GIVEN)
        return;
    name = ak_string(pass, first.unit, first.expr);
    if (!name || !*name)
        return;
    if (ends_with(function, "_client")) {
        if (!has_name(connections, name))
            missing(pass, call, first.expr, first.unit, "connection", name,
                    nearest_name(connections, name));
    } else if (strcmp(function, "get_webhook_url") == 0) {
        if (!has_name(triggers, name))
            missing(pass, call, first.expr, first.unit, "trigger", name,
                    nearest_name(triggers, name));
    } else if (strcmp(function, "subscribe") == 0) {
        if (has_name(connections, name) || has_name(triggers, name))
            return;
        nearest = nearest_name(connections, name);
        missing(pass, call, first.expr, first.unit, "connection or trigger", name,
                nearest ? nearest : nearest_name(triggers, name));
    }
}

static void check_starts(AkPass *pass)
{
    for (size_t i = 0; i < pass->entry_len; i++) {
        const AkEntry *entry = &pass->entries[i];

        if (entry->origin != AK_ENTRY_START)
            continue;
        switch (entry->state) {
        case AK_ENTRY_MALFORMED:
            ak_report_entry(pass, entry,
                            "'%s' does not name a function: write file.py:function",
                            entry->text);
            break;
        case AK_ENTRY_NO_FILE:
            ak_report_entry(pass, entry, "there is no file '%s'", entry->file);
            break;
        case AK_ENTRY_NO_NAME:
            ak_report_entry(pass, entry, "'%s' has no function '%s'", entry->file, entry->name);
            break;
        case AK_ENTRY_CLASS:
        case AK_ENTRY_VALUE:
            ak_report_entry(pass, entry, "'%s' is not a function", entry->text);
            break;
        case AK_ENTRY_FOUND:
        case AK_ENTRY_UNKNOWN: break;
        }
    }
}

static void check(AkPass *pass)
{
    check_starts(pass);
    for (size_t i = 0; pass->manifest_len && i < pass->call_len; i++) {
        const AkCall *call = pass->calls[i];
        const AkManifest *manifest;

        if (call->kind != AK_CALL_PLAIN || !call->dotted || !is_own(call->dotted) ||
            call->fn->unit->module->is_test)
            continue;
        manifest = manifest_of(pass, call->fn->unit->module);
        if (manifest && manifest->root)
            check_named(pass, call, manifest);
    }
}

const AkRule ak_rule_AK108 = {
    .id = "AK108",
    .name = "unknown-connection",
    .level = AK_ERROR,
    .dialects = AK_DIALECT_AK | AK_DIALECT_AUTOKITTEH,
    .since = "0.1",
    .summary = "code names a connection, trigger or program that the project lacks",
    .why =
        "Names of connections and triggers are looked up when the line runs. A name that the "
        "manifest does not give fails there, with the first event.",
    .instead = "Use the manifest's name, or declare the connection or trigger there.",
    .misses =
        "Names that are computed or read from the environment; code that nothing reaches.",
    .fix = AK_FIX_NONE,
    .check = check,
};
