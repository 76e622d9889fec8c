/* Conditions of workflow.wait_condition that do not wait for what they say. */
#include "rule.h"

#include <string.h>

/* Whether the expression is surely a value and nothing to call. */
static bool is_plain_value(const AkExpr *expr)
{
    return expr->kind == AK_X_COMPARE || expr->kind == AK_X_TRUE || expr->kind == AK_X_FALSE ||
           (expr->kind == AK_X_UNARY && expr->op == AK_OP_NOT) || expr->kind == AK_X_INT ||
           expr->kind == AK_X_STRING;
}

static bool is_clock_or_random(const AkCall *call)
{
    const char *name = ak_workflow_name(call);

    if (ak_does_any(call, AK_CLOCK | AK_RANDOM | AK_UUID))
        return true;
    return name && (strcmp(name, "random") == 0 || strcmp(name, "uuid4") == 0 ||
                    strcmp(name, "uuid7") == 0);
}

static bool is_workflow_clock(const AkCall *call)
{
    const char *name = ak_workflow_name(call);

    return name && (strcmp(name, "now") == 0 || strcmp(name, "time") == 0 ||
                    strcmp(name, "time_ns") == 0);
}

static void check_stores(AkPass *pass, const AkFunction *fn)
{
    const AkFacts *facts = fn->unit->facts;

    for (AkExprId i = 1; i < facts->expr_len; i++) {
        const AkExpr *expr = ak_expr(facts, i);
        AkExprId root;

        if (expr->flags & (AK_XF_STORE | AK_XF_DELETE) && expr->start >= ak_fact(fn)->start &&
            expr->end <= ak_fact(fn)->end && ak_owns_expr(fn, i) &&
            (root = ak_self_root(fn->unit, i)))
            ak_report_expr(pass, fn, i, AK_CTX_WORKFLOW, "the condition changes self.%s",
                           ak_self_attribute(fn->unit, root));
    }
}

static void check_body(AkPass *pass, const AkCall *wait, const AkFunction *fn)
{
    bool timed = ak_argument(pass, wait, "timeout", -1).given != AK_ABSENT;

    for (size_t i = 0; i < fn->call_len; i++) {
        const AkCall *call = &fn->calls[i];
        bool guessed;
        AkExprId root = ak_mutates_state(pass, call, &guessed);

        if (root) {
            AkReport *report =
                ak_report_call(pass, call, AK_CTX_WORKFLOW, "the condition changes self.%s",
                               ak_self_attribute(fn->unit, root));
            if (guessed)
                ak_likely(report);
        } else if (is_clock_or_random(call)) {
            ak_report_call(pass, call, AK_CTX_WORKFLOW, "the condition calls '%s'",
                           call->dotted);
        } else if (!timed && is_workflow_clock(call)) {
            AkReport *report = ak_report_call(pass, call, AK_CTX_WORKFLOW,
                                              "the condition asks '%s', and no timer wakes it",
                                              ak_callee_text(pass, call));
            ak_level(report, AK_WARNING);
            ak_advice(report, "Give wait_condition a timeout, which sets a timer.");
        }
    }
    check_stores(pass, fn);
}

static void check_call(AkPass *pass, const AkCall *call)
{
    AkArgument given = ak_argument(pass, call, "fn", 0);
    const AkUnit *unit = call->fn->unit;
    AkValue value;

    if (given.given != AK_GIVEN || given.unit != unit)
        return;
    if (is_plain_value(ak_expr(unit->facts, given.expr))) {
        ak_advice(ak_report_expr(pass, call->fn, given.expr, AK_CTX_WORKFLOW,
                                 "wait_condition is given a value, not a function"),
                  "Write a lambda around it.");
        return;
    }
    value = ak_value(pass, unit, given.expr);
    if (value.kind != AK_V_FUNCTION && value.kind != AK_V_BOUND)
        return;
    if (ak_fact(value.function)->is_async)
        ak_report_expr(pass, call->fn, given.expr, AK_CTX_WORKFLOW,
                       "the condition '%s' is async, and a coroutine is always true",
                       value.function->name);
    else
        check_body(pass, call, value.function);
}

static void check(AkPass *pass)
{
    for (size_t i = 0; i < pass->call_len; i++)
        if (pass->calls[i]->kind == AK_CALL_PLAIN &&
            ak_calls(pass->calls[i], "temporalio.workflow.wait_condition"))
            check_call(pass, pass->calls[i]);
}

const AkRule ak_rule_AK511 = {
    .id = "AK511",
    .name = "wait-condition",
    .level = AK_ERROR,
    .dialects = AK_DIALECT_TEMPORAL,
    .since = "0.1",
    .summary = "a condition of wait_condition cannot work",
    .why = "The condition is a plain function that is asked again whenever something happens "
           "in the workflow, on replay "
           "too and not the same number of times. A coroutine is always true, a value cannot "
           "be asked, and what the "
           "condition changes or draws differs from one run to the next.",
    .instead =
        "Give a function or lambda without arguments that only looks: lambda: self.approved.",
    .misses = "What helpers do that the condition calls.",
    .fix = AK_FIX_NONE,
    .check = check,
};
