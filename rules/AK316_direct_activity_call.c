/* Activities that workflow code calls as plain functions. */
#include "rule.h"

#include <string.h>

/* `execute_activity(act(1))` is AK407's. */
static bool is_argument_of_command(const AkCall *call)
{
    const AkFacts *facts = call->fn->unit->facts;
    AkExprId parent = ak_call_expr(call)->parent;

    if (ak_expr(facts, parent)->kind == AK_X_KEYWORD)
        parent = ak_expr(facts, parent)->parent;
    for (size_t i = 0; i < call->fn->call_len; i++) {
        const AkCall *other = &call->fn->calls[i];

        if (other->expr == parent && other->dotted &&
            strncmp(other->dotted, "temporalio.workflow.", 20) == 0)
            return true;
    }
    return false;
}

static void check(AkPass *pass)
{
    for (size_t i = 0; i < pass->call_len; i++) {
        const AkCall *call = pass->calls[i];
        AkReport *report;

        if (call->kind != AK_CALL_PLAIN || !call->target ||
            !(call->target->roles & AK_ROLE_ACTIVITY) ||
            !(ak_contexts_at(pass, call) & AK_CTX_WORKFLOW) || is_argument_of_command(call))
            continue;
        report = ak_report_call(pass, call, AK_CTX_WORKFLOW,
                                "activity '%s' is called as a plain function",
                                call->target->qualified);
        if (!call->proved)
            ak_likely(report);
    }
}

const AkRule ak_rule_AK316 = {
    .id = "AK316",
    .name = "direct-activity-call",
    .level = AK_ERROR,
    .dialects = AK_DIALECT_TEMPORAL,
    .since = "0.1",
    .summary = "workflow code calls an activity's function directly",
    .why = "Its body then runs inside the workflow: no timeout, no retry, no record in the "
           "history, and again at every replay.",
    .instead = "Write await workflow.execute_activity(function, argument, "
               "start_to_close_timeout=…).",
    .misses = "Activities reached through values that cannot be known.",
    .fix = AK_FIX_NONE,
    .check = check,
};
