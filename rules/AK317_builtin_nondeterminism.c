/* What the interpreter tells of itself, in workflow code. */
#include "rule.h"

#include <string.h>

static bool begins_with(const char *text, const char *start)
{
    return strncmp(text, start, strlen(start)) == 0;
}

/* Weak references are harmless until their callback runs, whenever the collector likes. */
static bool is_quiet_reference(AkPass *pass, const AkCall *call)
{
    if (!begins_with(call->dotted, "weakref."))
        return false;
    return strcmp(call->dotted, "weakref.finalize") != 0 &&
           ak_argument(pass, call, "callback", 1).given != AK_GIVEN;
}

/* Of os.path the sandbox watches the module: `os.path.join(…)` is refused (up to Python 3.13), a `join`
 * that was imported from it is not. */
static bool is_seen_by_sandbox(const AkCall *call)
{
    const AkFacts *facts = call->fn->unit->facts;
    AkExprId callee = call->expr;

    if (strncmp(call->dotted, "os.path.", 8) != 0)
        return true;
    if (ak_expr(facts, callee)->kind == AK_X_CALL)
        callee = ak_kid(facts, ak_expr(facts, callee)->kids, 0);
    return ak_expr(facts, callee)->kind == AK_X_ATTRIBUTE;
}

static void check(AkPass *pass)
{
    for (size_t i = 0; i < pass->call_len; i++) {
        const AkCall *call = pass->calls[i];

        if (!ak_does_any(call, AK_INTROSPECTION | AK_REFUSED) ||
            !(ak_contexts_at(pass, call) & AK_CTX_WORKFLOW))
            continue;
        if (ak_does(call, AK_REFUSED)) {
            if (pass->dialect == AK_DIALECT_TEMPORAL && is_seen_by_sandbox(call) &&
                ak_is_sandboxed(pass, call->fn))
                ak_advice(ak_report_call(pass, call, AK_CTX_WORKFLOW,
                                         "the sandbox refuses '%s' when the line is reached",
                                         call->dotted),
                          "Do it while the module is imported, or in a module that is passed "
                          "through.");
        } else if (!is_quiet_reference(pass, call)) {
            ak_report_call(pass, call, AK_CTX_WORKFLOW,
                           "'%s' tells of the running interpreter, not of the workflow",
                           call->dotted);
        }
    }
}

const AkRule ak_rule_AK317 = {
    .id = "AK317",
    .name = "builtin-nondeterminism",
    .level = AK_WARNING,
    .dialects = AK_DIALECTS_ALL,
    .since = "0.1",
    .summary = "workflow code depends on the state of the interpreter",
    .why =
        "Loaded modules, the garbage collector, stack frames and callbacks of weak references "
        "depend on what else runs in the process, and differ on replay. Some harmless helpers "
        "(os.fspath, os.WEXITSTATUS) belong to "
        "modules that the sandbox refuses as a whole.",
    .instead = "Keep such checks outside the workflow: in an activity or at import.",
    .misses = "A __del__ with effects; introspection inside packages that are not followed.",
    .fix = AK_FIX_NONE,
    .check = check,
};
