/* Sleeps that hold the thread of a workflow. */
#include "rule.h"

static void fix(AkReport *report, const AkCall *call)
{
    if (call->kind != AK_CALL_PLAIN || !call->dropped || call->awaited || !call->fn->index ||
        !ak_fact(call->fn)->is_async || !ak_calls(call, "time.sleep"))
        return;
    ak_fix(report, AK_FIX_SAFE, "await asyncio.sleep, a durable timer");
    ak_fix_callee(report, call, "asyncio", NULL, ".sleep");
    ak_fix_bytes(report, call->fn->unit, ak_call_expr(call)->start, ak_call_expr(call)->start,
                 "await ");
}

static void check(AkPass *pass)
{
    for (size_t i = 0; i < pass->call_len; i++) {
        const AkCall *call = pass->calls[i];

        if (ak_does(call, AK_SLEEP | AK_BLOCKS) && ak_contexts_at(pass, call) & AK_CTX_WORKFLOW)
            fix(ak_report_call(pass, call, AK_CTX_WORKFLOW, "'%s' blocks the workflow",
                               call->dotted),
                call);
    }
}

const AkRule ak_rule_AK305 = {
    .id = "AK305",
    .name = "blocking-sleep",
    .level = AK_ERROR,
    .dialects = AK_DIALECT_TEMPORAL,
    .since = "0.1",
    .summary = "workflow code sleeps with a call that blocks",
    .why = "The sleep holds the worker thread instead of setting a timer: the task fails as "
           "deadlocked after two seconds, and nothing is written to the history. In a "
           "program for our own runtime time.sleep is a durable timer and right.",
    .instead = "Write await asyncio.sleep(seconds) or await workflow.sleep(seconds).",
    .misses = "Sleeps inside packages that are neither in the tables nor followed.",
    .fix = AK_FIX_SAFE,
    .check = check,
};
