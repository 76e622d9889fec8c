/* Secrets that are given to activities and workflows, and so stand in the history. */
#include "rule.h"

#include <string.h>

static bool same_word(const char *text, size_t len, const char *word)
{
    size_t i = 0;

    for (; i < len && word[i]; i++)
        if ((text[i] | 0x20) != word[i])
            return false;
    return i == len && !word[i];
}

/* "API_KEY", "github_token": a name whose last words say secret. */
static bool sounds_secret(const char *name)
{
    static const char *const words[] = {"token",  "secret",     "password",   "passwd",
                                        "apikey", "credential", "credentials"};
    bool key = false;

    for (const char *at = name; *at;) {
        size_t len = strcspn(at, "_-.");

        for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
            if (same_word(at, len, words[i]))
                return true;
        if (key && same_word(at, len, "key"))
            return true;
        key = same_word(at, len, "api") || same_word(at, len, "private") ||
              same_word(at, len, "access") || same_word(at, len, "encryption") ||
              same_word(at, len, "signing");
        at += len + (at[len] != 0);
    }
    return false;
}

/* The name of the environment variable or the setting that the expression reads; NULL if none. */
static const char *secret_of(AkPass *pass, const AkUnit *unit, AkExprId expr)
{
    const AkExpr *written = ak_expr(unit->facts, expr);
    AkExprId read = expr;
    const char *name = NULL;

    if (written->kind == AK_X_NAME || written->kind == AK_X_ATTRIBUTE) {
        AkValue value = ak_value(pass, unit, expr);
        if (value.kind == AK_V_RESULT && value.unit) {
            unit = value.unit;
            read = value.expr;
        }
    }
    const AkExpr *source = ak_expr(unit->facts, read);
    AkExprId object = ak_kid(unit->facts, source->kids, 0);
    if (source->kind == AK_X_CALL) {
        const AkValue *callee = ak_value_of_kind(pass, unit, object, AK_V_EXTERNAL);
        if (callee && (strcmp(callee->dotted, "os.getenv") == 0 ||
                       strcmp(callee->dotted, "os.environ.get") == 0))
            name = ak_string(pass, unit, ak_kid(unit->facts, source->kids, 1));
    } else if (source->kind == AK_X_SUBSCRIPT) {
        const AkValue *environ = ak_value_of_kind(pass, unit, object, AK_V_EXTERNAL);
        if (environ && strcmp(environ->dotted, "os.environ") == 0)
            name = ak_string(pass, unit, ak_kid(unit->facts, source->kids, 1));
    } else if (source->kind == AK_X_ATTRIBUTE &&
               ak_expr(unit->facts, object)->kind == AK_X_NAME) {
        const char *owner = ak_name(unit->facts, ak_expr(unit->facts, object)->name);
        if (strcmp(owner, "settings") == 0 || strcmp(owner, "config") == 0)
            name = ak_name(unit->facts, source->name);
    }
    return name && sounds_secret(name) ? name : NULL;
}

static void check_value(AkPass *pass, const AkCall *call, AkExprId expr)
{
    const AkUnit *unit = call->fn->unit;
    const AkExpr *written = ak_expr(unit->facts, expr);
    const char *name;

    if (written->kind == AK_X_LIST || written->kind == AK_X_TUPLE ||
        written->kind == AK_X_DICT) {
        for (uint32_t i = 0; i < written->kids.count; i++)
            check_value(pass, call, ak_kid(unit->facts, written->kids, i));
        return;
    }
    name = secret_of(pass, unit, expr);
    if (name)
        ak_report_expr(pass, call->fn, expr, ak_contexts_at(pass, call) & AK_CTX_WORKFLOW,
                       "'%s' is given to '%s' and stands in the history in clear", name,
                       ak_callee_text(pass, call));
}

static bool sends(const AkCall *call)
{
    static const char *const messages[] = {"temporalio.client.WorkflowHandle.signal",
                                           "temporalio.client.WorkflowHandle.execute_update",
                                           "temporalio.client.WorkflowHandle.start_update"};

    if (ak_starts(call))
        return true;
    for (size_t i = 0; call->kind == AK_CALL_PLAIN && i < sizeof(messages) / sizeof(*messages);
         i++)
        if (ak_calls(call, messages[i]))
            return true;
    return false;
}

static void check(AkPass *pass)
{
    if (ak_text_has(pass, AK_IN_ANY, "payload_codec") ||
        ak_text_has(pass, AK_IN_ANY, "PayloadCodec"))
        return;
    for (size_t i = 0; i < pass->call_len; i++) {
        const AkCall *call = pass->calls[i];
        AkArgument arg, args;

        if (call->fn->unit->module->is_test || !sends(call))
            continue;
        arg = ak_argument(pass, call, "arg", 1);
        args = ak_argument(pass, call, "args", -1);
        if (arg.given == AK_GIVEN && arg.unit == call->fn->unit)
            check_value(pass, call, arg.expr);
        if (args.given == AK_GIVEN && args.unit == call->fn->unit)
            check_value(pass, call, args.expr);
    }
}

const AkRule ak_rule_AK704 = {
    .id = "AK704",
    .name = "secret-in-history",
    .level = AK_WARNING,
    .dialects = AK_DIALECT_TEMPORAL,
    .since = "0.1",
    .summary = "a secret is given as an argument, and is kept in the history",
    .why = "Arguments are stored by the server as they are and shown in its web page to "
           "everybody who may look at the "
           "workflow, for as long as histories are kept.",
    .instead = "Read the secret in the activity that needs it, or encrypt payloads with a "
               "PayloadCodec.",
    .misses = "Secrets inside objects, and names that do not sound like one.",
    .fix = AK_FIX_NONE,
    .check = check,
};
