/* asyncio.wait and asyncio.as_completed in workflow code: their order is a set's. */
#include "rule.h"

#include <string.h>

static void check(AkPass *pass)
{
    for (size_t i = 0; i < pass->call_len; i++) {
        const AkCall *call = pass->calls[i];
        const char *name;
        AkReport *report;

        if (!ak_does(call, AK_ASYNC_WAIT) || !(ak_contexts_at(pass, call) & AK_CTX_WORKFLOW))
            continue;
        report = ak_report_call(pass, call, AK_CTX_WORKFLOW,
                                "'%s' gives its results in no fixed order", call->dotted);
        name = strstr(call->dotted, "as_completed") ? "as_completed" : "wait";
        if (pass->dialect != AK_DIALECT_TEMPORAL) {
            ak_advice(report,
                      "Use asyncio.gather, whose results stand in the order of its arguments.");
        } else if (call->kind == AK_CALL_PLAIN) {
            char tail[24] = ".";

            ak_fix(report, AK_FIX_SAFE,
                   "call workflow.%s, which returns lists in a fixed order", name);
            ak_fix_callee(report, call, "temporalio", "workflow", strcat(tail, name));
        }
    }
}

const AkRule ak_rule_AK304 = {
    .id = "AK304",
    .name = "asyncio-wait",
    .level = AK_ERROR,
    .dialects = AK_DIALECTS_ALL,
    .since = "0.1",
    .summary = "workflow code waits with asyncio.wait or asyncio.as_completed",
    .why = "Both keep the tasks in a set, whose order differs from one process to the next: "
           "on replay the results are handled in another order than in the history. "
           "(Coroutines instead of tasks are refused by asyncio.wait since Python 3.11.)",
    .instead = "Use workflow.wait or workflow.as_completed, which take the same arguments and "
               "keep the order, or asyncio.gather.",
    .misses = "Waits inside packages that are not followed.",
    .fix = AK_FIX_SAFE,
    .check = check,
};
