/* Coroutines of commands that nothing awaits: the command is never given. */
#include "rule.h"

#include <string.h>

static bool gives_coroutine(const AkCall *call)
{
    const AkSdkName *known;

    if (call->target)
        return call->proved && call->kind == AK_CALL_PLAIN && ak_fact(call->target)->is_async &&
               !ak_fact(call->target)->is_generator &&
               ak_fact(call->target)->decorators.count == 0;
    if (!call->dotted)
        return false;
    if (ak_calls(call, "asyncio.sleep") || ak_calls(call, "asyncio.wait_for"))
        return true;
    known = ak_sdk_find(call->dotted);
    return known && known->kind == AK_SDK_ASYNC;
}

static void check(AkPass *pass)
{
    for (size_t i = 0; i < pass->call_len; i++) {
        const AkCall *call = pass->calls[i];
        AkReport *report;

        if (call->kind != AK_CALL_PLAIN || !call->dropped || call->awaited ||
            !gives_coroutine(call) || !(ak_contexts_at(pass, call) & AK_CTX_WORKFLOW))
            continue;
        report = ak_report_call(pass, call, AK_CTX_WORKFLOW,
                                "the coroutine of '%s' is never awaited",
                                ak_callee_text(pass, call));
        if (call->fn->index && ak_fact(call->fn)->is_async &&
            ak_owns_stmt(call->fn, call->stmt)) {
            uint32_t start = ak_call_expr(call)->start;
            ak_fix(report, AK_FIX_SAFE, "await it");
            ak_fix_bytes(report, call->fn->unit, start, start, "await ");
        }
    }
}

const AkRule ak_rule_AK409 = {
    .id = "AK409",
    .name = "unawaited-command",
    .level = AK_ERROR,
    .dialects = AK_DIALECT_TEMPORAL,
    .since = "0.1",
    .summary = "the coroutine of a command is not awaited",
    .why = "A coroutine that nobody awaits does not run: no activity is scheduled, no timer "
           "set, and Python says "
           "so only in a warning when the object is thrown away.",
    .instead = "Write await before the call, or give it to asyncio.gather or "
               "asyncio.create_task and keep what that "
               "gives.",
    .misses = "Coroutines that are kept in a name and forgotten there.",
    .fix = AK_FIX_SAFE,
    .check = check,
};
