/* Lambdas among what crosses into a recorded call or an activity, or comes back from one. */
#include "rule.h"

static bool is_lambda(const AkValue *value)
{
    return value->kind == AK_V_FUNCTION && value->function->index &&
           ak_fact(value->function)->is_lambda;
}

static bool is_container(const AkValue *value)
{
    return value->kind == AK_V_LIST || value->kind == AK_V_TUPLE || value->kind == AK_V_DICT ||
           value->kind == AK_V_SET;
}

/* Looks into literal containers, two deep. */
static bool holds_lambda(AkPass *pass, const AkUnit *unit, AkExprId expr, int depth)
{
    AkValues values = ak_values(pass, unit, expr);

    for (uint32_t i = 0; i < values.len; i++) {
        const AkValue *value = &values.items[i];

        if (is_lambda(value))
            return true;
        if (!is_container(value) || !value->unit || depth == 2)
            continue;
        const AkExpr *display = ak_expr(value->unit->facts, value->expr);
        for (uint32_t k = 0; k < display->kids.count; k++)
            if (holds_lambda(pass, value->unit, ak_kid(value->unit->facts, display->kids, k),
                             depth + 1))
                return true;
    }
    return false;
}

static void check_arguments(AkPass *pass, const AkCall *call)
{
    const AkFacts *facts = call->fn->unit->facts;
    const AkExpr *expr = ak_call_expr(call);

    for (uint32_t i = 1; i < expr->kids.count; i++) {
        AkExprId arg = ak_kid(facts, expr->kids, i);
        const AkExpr *written = ak_expr(facts, arg);
        AkExprId value = written->kind == AK_X_KEYWORD ? ak_kid(facts, written->kids, 0) : arg;

        if (holds_lambda(pass, call->fn->unit, value, 0)) {
            ak_report_call(pass, call, AK_CTX_WORKFLOW,
                           "a lambda is given to '%s', whose arguments are pickled",
                           ak_callee_text(pass, call));
            return;
        }
    }
}

static void check_returned(AkPass *pass, const AkFunction *fn)
{
    const AkFunctionFact *fact = ak_fact(fn);

    for (uint32_t i = 0; i < fact->returned.count; i++) {
        AkExprId value = ak_kid(fn->unit->facts, fact->returned, i);

        if (holds_lambda(pass, fn->unit, value, 0))
            ak_report_expr(pass, fn, value, AK_CTX_ACTIVITY,
                           "activity '%s' returns a lambda, which cannot be pickled", fn->name);
    }
}

static void check(AkPass *pass)
{
    for (size_t i = 0; i < pass->call_len; i++)
        if (pass->calls[i]->kind == AK_CALL_PLAIN && ak_crosses(pass, pass->calls[i]))
            check_arguments(pass, pass->calls[i]);
    for (size_t i = 0; i < pass->function_len; i++)
        if (pass->functions[i]->roles & AK_ROLE_ACTIVITY && pass->functions[i]->index)
            check_returned(pass, pass->functions[i]);
}

const AkRule ak_rule_AK201 = {
    .id = "AK201",
    .name = "lambda-to-activity",
    .level = AK_ERROR,
    .dialects = AK_DIALECTS_ALL,
    .since = "0.1",
    .summary = "a lambda crosses into or out of an activity",
    .why = "What goes into a recorded call or an activity, and what it gives back, is "
           "pickled or serialized. A lambda cannot be: pickle stores functions by name.",
    .instead = "Define a named function at module level and pass that.",
    .misses = "Lambdas inside objects, or behind values that cannot be known.",
    .fix = AK_FIX_NONE,
    .check = check,
};
