/* Output of workflow code that repeats on every replay. */
#include "rule.h"

#include <stdio.h>
#include <string.h>

/* logging.info and logger.info alike. */
static const char *level_name(const AkCall *call)
{
    static const char *const names[] = {"debug",     "info",     "warning", "error",
                                        "exception", "critical", "log"};
    const char *dot = strrchr(call->dotted, '.');

    if (strncmp(call->dotted, "logging.", 8) != 0 || !dot)
        return NULL;
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
        if (strcmp(dot + 1, names[i]) == 0)
            return names[i];
    return NULL;
}

static void fix(AkReport *report, const AkCall *call)
{
    const char *name = level_name(call);
    char tail[32];

    if (call->kind != AK_CALL_PLAIN || !name)
        return;
    snprintf(tail, sizeof(tail), ".logger.%s", name);
    ak_fix(report, AK_FIX_SAFE, "call workflow.logger.%s", name);
    ak_fix_callee(report, call, "temporalio", "workflow", tail);
}

/* A logger that may be the workflow's own: chosen by a helper, or behind an adapter. */
static bool may_be_the_workflows(AkPass *pass, const AkCall *call)
{
    const AkFacts *facts = call->fn->unit->facts;
    const AkExpr *callee;
    AkValues values;

    if (call->kind != AK_CALL_PLAIN)
        return false;
    callee = ak_expr(facts, ak_kid(facts, ak_call_expr(call)->kids, 0));
    if (callee->kind != AK_X_ATTRIBUTE)
        return false;
    values = ak_values(pass, call->fn->unit, ak_kid(facts, callee->kids, 0));
    for (uint32_t i = 0; i < values.len; i++) {
        const AkValue *value = &values.items[i];

        if (value->kind == AK_V_UNKNOWN || !value->dotted ||
            strncmp(value->dotted, "temporalio.", 11) == 0 ||
            strcmp(value->dotted, "logging.LoggerAdapter") == 0)
            return true;
    }
    return false;
}

static void check(AkPass *pass)
{
    for (size_t i = 0; i < pass->call_len; i++) {
        const AkCall *call = pass->calls[i];

        if (!ak_does_any(call, AK_PRINT | AK_LOG) ||
            !(ak_contexts_at(pass, call) & AK_CTX_WORKFLOW))
            continue;
        /* A query is no part of the history: nothing repeats it. */
        if (call->fn->roles & (AK_ROLE_QUERY | AK_ROLE_VALIDATOR) ||
            may_be_the_workflows(pass, call))
            continue;
        fix(ak_report_call(pass, call, AK_CTX_WORKFLOW, "'%s' is repeated by every replay",
                           call->dotted),
            call);
    }
}

const AkRule ak_rule_AK312 = {
    .id = "AK312",
    .name = "print-or-logging",
    .level = AK_WARNING,
    .dialects = AK_DIALECT_TEMPORAL,
    .since = "0.1",
    .summary = "workflow code prints or logs without the workflow's logger",
    .why =
        "A workflow's code runs again from its start whenever it is replayed, and with it each "
        "line that it prints or logs. The workflow's logger keeps silent while replaying.",
    .instead = "Use workflow.logger.",
    .misses = "Loggers of packages that are not in the tables, logging.LoggerAdapter, and "
              "loggers that "
              "only may be the standard library's.",
    .fix = AK_FIX_SAFE,
    .check = check,
};
