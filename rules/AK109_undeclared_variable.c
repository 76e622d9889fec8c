/* Variables that code reads and the manifest does not give. */
#include "rule.h"

#include <string.h>

static bool begins_with(const char *text, const char *start)
{
    return strncmp(text, start, strlen(start)) == 0;
}

static bool is_system_variable(const char *name)
{
    static const char *const names[] = {
        "PATH",     "HOME",     "USER",       "LOGNAME",     "SHELL",       "LANG",
        "LANGUAGE", "TZ",       "PWD",        "TMPDIR",      "TEMP",        "TMP",
        "HOSTNAME", "TERM",     "EDITOR",     "CI",          "VIRTUAL_ENV", "NO_COLOR",
        "DISPLAY",  "USERNAME", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY"};

    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
        if (strcmp(name, names[i]) == 0)
            return true;
    return begins_with(name, "AK_") || begins_with(name, "AUTOKITTEH_") ||
           begins_with(name, "LC_") || begins_with(name, "PYTHON") || begins_with(name, "XDG_");
}

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

static const char *name_of(const AkNode *item)
{
    const AkNode *name = ak_node_get(item, "name");

    return name && name->kind == AK_NODE_SCALAR && name->text ? name->text : "";
}

/* A variable of the project, or `connection__key`. */
static bool is_declared(const AkManifest *manifest, const char *name)
{
    const AkNode *project = ak_node_get(manifest->root, "project");
    const AkNode *vars = ak_node_get(project, "vars"),
                 *connections = ak_node_get(project, "connections");

    for (size_t i = 0; vars && vars->kind == AK_NODE_LIST && i < vars->count; i++)
        if (strcmp(name_of(vars->items[i]), name) == 0)
            return true;
    for (size_t i = 0;
         connections && connections->kind == AK_NODE_LIST && i < connections->count; i++) {
        const char *connection = name_of(connections->items[i]);
        size_t len = strlen(connection);

        if (len && strncmp(name, connection, len) == 0 && begins_with(name + len, "__"))
            return true;
    }
    return false;
}

/* The name that is read without a default: os.getenv("X"), os.environ["X"], os.environ.get("X"). */
static const char *variable_of(AkPass *pass, const AkCall *call)
{
    const AkUnit *unit = call->fn->unit;
    AkArgument name;

    if (call->kind == AK_CALL_READ && strcmp(call->dotted, "os.environ") == 0) {
        AkExprId parent = ak_call_expr(call)->parent;
        const AkExpr *around = ak_expr(unit->facts, parent);

        if (around->kind != AK_X_SUBSCRIPT || around->flags & (AK_XF_STORE | AK_XF_DELETE) ||
            ak_kid(unit->facts, around->kids, 0) != call->expr)
            return NULL;
        return ak_string(pass, unit, ak_kid(unit->facts, around->kids, 1));
    }
    if (!ak_calls(call, "os.getenv") && !ak_calls(call, "os.environ.get"))
        return NULL;
    name = ak_argument(pass, call, "key", 0);
    if (name.given != AK_GIVEN || ak_argument(pass, call, "default", 1).given != AK_ABSENT)
        return NULL;
    return ak_string(pass, name.unit, name.expr);
}

/* `os.getenv("X") or "y"` has a default too. */
static bool has_other(const AkCall *call)
{
    const AkFacts *facts = call->fn->unit->facts;
    const AkExpr *around = ak_expr(facts, ak_call_expr(call)->parent);

    return around->kind == AK_X_BOOL || around->kind == AK_X_COMPARE ||
           around->kind == AK_X_CONDITIONAL;
}

static void check(AkPass *pass)
{
    for (size_t i = 0; pass->manifest_len && i < pass->call_len; i++) {
        const AkCall *call = pass->calls[i];
        const AkManifest *manifest;
        const char *name;

        if (!call->dotted || !begins_with(call->dotted, "os.") || has_other(call) ||
            call->fn->unit->module->is_test)
            continue;
        name = variable_of(pass, call);
        manifest = name && *name && !is_system_variable(name)
                       ? manifest_of(pass, call->fn->unit->module)
                       : NULL;
        if (manifest && manifest->root && !is_declared(manifest, name))
            ak_report_call(pass, call, 0, "the manifest declares no variable '%s'", name);
    }
}

const AkRule ak_rule_AK109 = {
    .id = "AK109",
    .name = "undeclared-variable",
    .level = AK_WARNING,
    .dialects = AK_DIALECT_AK | AK_DIALECT_AUTOKITTEH,
    .since = "0.1",
    .summary = "code reads an environment variable that the manifest does not declare",
    .why = "A deployed program sees the variables of its manifest. One that is set on the "
           "developer's "
           "machine only is missing there.",
    .instead = "Declare it in the manifest's vars, or give a default.",
    .misses = "Names that are computed; settings that other packages read; code that nothing "
              "reaches.",
    .fix = AK_FIX_NONE,
    .check = check,
};
