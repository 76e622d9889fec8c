/* Exceptions that fail the workflow task instead of the workflow. */
#include "rule.h"

#include <string.h>

/* What is raised, if it is surely neither a failure of the SDK nor a cancellation; NULL if not. */
static const char *plain_exception(AkPass *pass, const AkUnit *unit, AkExprId expr)
{
    AkValue value = ak_value(pass, unit, expr);

    if (value.guessed)
        return NULL;
    if (value.kind == AK_V_CLASS || value.kind == AK_V_INSTANCE) {
        if (ak_derives(pass, value.class_, "temporalio.exceptions.FailureError") != AK_NO ||
            ak_derives(pass, value.class_, "builtins.Exception") == AK_NO)
            return NULL;
        return value.class_->name;
    }
    if (value.kind != AK_V_EXTERNAL && value.kind != AK_V_RESULT)
        return NULL;
    if (strncmp(value.dotted, "builtins.", 9) != 0 ||
        strstr(value.dotted, "NotImplementedError"))
        return NULL;
    return value.dotted + 9;
}

static bool workers_set_types(AkPass *pass, const char *worker)
{
    AkCallList made = ak_calls_of(pass, worker);

    for (size_t i = 0; i < made.len; i++)
        if (made.items[i]->kind == AK_CALL_PLAIN &&
            ak_argument(pass, made.items[i], "workflow_failure_exception_types", -1).given !=
                AK_ABSENT)
            return true;
    return false;
}

/* Whether the class or a worker of the run says which exceptions fail the workflow. */
static bool types_are_set(AkPass *pass, const AkClass *class_)
{
    if (class_->workflow_defn &&
        ak_expr(class_->unit->facts, class_->workflow_defn)->kind == AK_X_CALL &&
        ak_argument_at(pass, class_->unit, class_->workflow_defn, "failure_exception_types", -1)
                .given != AK_ABSENT)
        return true;
    return workers_set_types(pass, "temporalio.worker.Worker") ||
           workers_set_types(pass, "temporalio.worker.Replayer");
}

static void check_function(AkPass *pass, const AkFunction *fn)
{
    const AkFacts *facts = fn->unit->facts;
    AkStmtId def = ak_fact(fn)->stmt;

    for (AkStmtId s = def + 1; s <= facts->stmts[def].last; s++) {
        const AkStmt *stmt = &facts->stmts[s];
        const char *name;

        if (stmt->kind != AK_S_RAISE || !stmt->value || !ak_owns_stmt(fn, s) ||
            ak_try_around(fn, s))
            continue;
        name = plain_exception(pass, fn->unit, stmt->value);
        if (!name || types_are_set(pass, fn->class_))
            continue;
        bool signal = fn->roles & AK_ROLE_SIGNAL;
        AkReport *report = ak_report_stmt(
            pass, fn, s, AK_CTX_WORKFLOW,
            "%s out of '%s' fails the workflow task again and again", name, fn->qualified);
        if (!signal)
            ak_level(report, AK_NOTE);
    }
}

static void check(AkPass *pass)
{
    for (size_t i = 0; i < pass->function_len; i++) {
        const AkFunction *fn = pass->functions[i];

        if (fn->roles & (AK_ROLE_RUN | AK_ROLE_SIGNAL | AK_ROLE_UPDATE) && fn->class_ &&
            fn->class_->is_workflow)
            check_function(pass, fn);
    }
}

const AkRule ak_rule_AK507 = {
    .id = "AK507",
    .name = "plain-exception",
    .level = AK_WARNING,
    .dialects = AK_DIALECT_TEMPORAL,
    .since = "0.1",
    .summary = "workflow code raises an exception that fails the task, not the workflow",
    .why = "Only the SDK's failures, such as ApplicationError, fail a workflow. Any other "
           "exception is taken for a "
           "bug that the next deployment mends: the task is retried for ever and the workflow "
           "hangs. In a signal "
           "handler one bad message is enough; elsewhere it may be meant, and is only noted.",
    .instead = "Refuse bad input in an update's validator, or raise ApplicationError (from "
               "temporalio.exceptions) where "
               "the workflow is to fail.",
    .misses = "Exceptions raised by helpers and by library code.",
    .fix = AK_FIX_NONE,
    .check = check,
};
