/* The workflow's own functions where no workflow runs. */
#include "rule.h"

#include <string.h>

static bool begins_with(const char *text, const char *start)
{
    return strncmp(text, start, strlen(start)) == 0;
}

/* A helper that asks first and takes the refusal. */
static bool catches_refusal(const AkCall *call)
{
    const AkFacts *facts = call->fn->unit->facts;

    for (AkStmtId id = call->stmt; id; id = facts->stmts[id].parent) {
        AkStmtId parent = facts->stmts[id].parent;

        if (facts->stmts[parent].kind != AK_S_TRY || facts->stmts[id].suite != AK_SUITE_BODY)
            continue;
        for (AkStmtId i = parent + 1; i <= facts->stmts[parent].last; i++)
            if (facts->stmts[i].parent == parent && facts->stmts[i].kind == AK_S_HANDLER)
                return true;
    }
    return false;
}

static void check(AkPass *pass)
{
    for (size_t i = 0; i < pass->call_len; i++) {
        const AkCall *call = pass->calls[i];

        AkReport *report;

        if (!ak_does(call, AK_SESSION_API) ||
            !begins_with(call->dotted, "temporalio.workflow.") || call->kind != AK_CALL_PLAIN ||
            !(ak_contexts_at(pass, call) & AK_CTX_ACTIVITY) || catches_refusal(call))
            continue;
        report = ak_report_call(pass, call, AK_CTX_ACTIVITY,
                                "'%s' works in a workflow only, not in an activity",
                                call->dotted + strlen("temporalio."));
        /* A helper of both may tell them apart by a value that only a workflow gives. */
        if (ak_contexts(pass, call->fn) & AK_CTX_WORKFLOW)
            ak_likely(report);
    }
}

const AkRule ak_rule_AK318 = {
    .id = "AK318",
    .name = "workflow-api-in-activity",
    .level = AK_ERROR,
    .dialects = AK_DIALECT_TEMPORAL,
    .since = "0.1",
    .summary = "an activity calls a function that works in a workflow only",
    .why =
        "Outside a workflow these functions raise \"Not in workflow event loop\". An activity "
        "fails with it and is retried for ever.",
    .instead = "In an activity use the standard library, activity.info() and "
               "activity.logger.",
    .misses = "Clients and other code that no activity reaches.",
    .fix = AK_FIX_NONE,
    .check = check,
};
