/* File handles that cross into a recorded call or out of an activity. */
#include "rule.h"

#include <stdio.h>
#include <string.h>

static bool opens(AkPass *pass, const char *dotted, size_t len)
{
    char name[256];
    const AkKnown *known;

    if (!dotted || !len || len >= sizeof(name))
        return false;
    snprintf(name, sizeof(name), "%.*s", (int)len, dotted);
    known = ak_known(pass->knowledge, name);
    return known && known->effects & AK_OPENS;
}

static bool is_handle(AkPass *pass, const AkValue *value)
{
    size_t len = value->kind == AK_V_RESULT ? strlen(value->dotted) : 0;

    return opens(pass, value->dotted, len);
}

static bool may_be_handle(AkPass *pass, const AkUnit *unit, AkExprId expr)
{
    AkValues values = ak_values(pass, unit, expr);

    for (uint32_t i = 0; i < values.len; i++)
        if (is_handle(pass, &values.items[i]))
            return true;
    return false;
}

/* f.read(): the recorded callee is a method that holds the handle. */
static bool is_method_of_handle(AkPass *pass, const AkCall *call)
{
    const AkFacts *facts = call->fn->unit->facts;
    const AkExpr *callee = ak_expr(facts, ak_kid(facts, ak_call_expr(call)->kids, 0));

    return callee->kind == AK_X_ATTRIBUTE &&
           strcmp(ak_name(facts, callee->name), "close") != 0 &&
           may_be_handle(pass, call->fn->unit, ak_kid(facts, callee->kids, 0));
}

static void check_call(AkPass *pass, const AkCall *call)
{
    const AkFacts *facts = call->fn->unit->facts;
    const AkExpr *expr = ak_call_expr(call);

    if (is_method_of_handle(pass, call)) {
        AkReport *report =
            ak_report_call(pass, call, AK_CTX_WORKFLOW,
                           "'%s' is a method of an open file, which cannot be pickled",
                           ak_callee_text(pass, call));
        if (pass->dialect == AK_DIALECT_AUTOKITTEH)
            ak_level(report, AK_WARNING);
        return;
    }
    for (uint32_t i = 1; i < expr->kids.count; i++) {
        AkExprId arg = ak_kid(facts, expr->kids, i);
        const AkExpr *written = ak_expr(facts, arg);

        if (may_be_handle(pass, call->fn->unit,
                          written->kind == AK_X_KEYWORD ? ak_kid(facts, written->kids, 0)
                                                        : arg)) {
            ak_report_call(pass, call, AK_CTX_WORKFLOW,
                           "an open file is given to '%s', whose arguments are pickled",
                           ak_callee_text(pass, call));
            return;
        }
    }
    if (call->dotted && strcmp(call->dotted, "builtins.open") != 0 &&
        opens(pass, call->dotted, strlen(call->dotted)))
        ak_report_call(pass, call, AK_CTX_WORKFLOW,
                       "'%s' is recorded and returns an open file, which cannot be pickled",
                       call->dotted);
}

static void check_returned(AkPass *pass, const AkFunction *fn)
{
    const AkFunctionFact *fact = ak_fact(fn);

    for (uint32_t i = 0; i < fact->returned.count; i++) {
        AkExprId value = ak_kid(fn->unit->facts, fact->returned, i);

        if (may_be_handle(pass, fn->unit, value))
            ak_report_expr(pass, fn, value, AK_CTX_ACTIVITY,
                           "activity '%s' returns an open file, which cannot be pickled",
                           fn->name);
    }
}

/* `open` itself is no recorded call, so what is done with its handle is looked at wherever the
 * callee would be recorded. */
static bool is_recorded(AkPass *pass, const AkCall *call)
{
    return ak_crosses(pass, call) ||
           (is_method_of_handle(pass, call) && ak_contexts_at(pass, call) & AK_CTX_WORKFLOW);
}

static void check(AkPass *pass)
{
    for (size_t i = 0; i < pass->call_len; i++)
        if (pass->calls[i]->kind == AK_CALL_PLAIN && is_recorded(pass, pass->calls[i]))
            check_call(pass, pass->calls[i]);
    for (size_t i = 0; i < pass->function_len; i++)
        if (pass->functions[i]->roles & AK_ROLE_ACTIVITY && pass->functions[i]->index)
            check_returned(pass, pass->functions[i]);
}

const AkRule ak_rule_AK203 = {
    .id = "AK203",
    .name = "open-file",
    .level = AK_ERROR,
    .dialects = AK_DIALECT_AK | AK_DIALECT_AUTOKITTEH,
    .since = "0.1",
    .summary = "an open file crosses into a recorded call or out of an activity",
    .why = "Recorded calls are sent through pickle with their arguments and results, and an "
           "open file cannot be pickled. A method called on it in workflow code is such a "
           "call: the method holds the file.",
    .instead = "Open, read and close the file inside one activity and return its content.",
    .misses = "Files behind values that cannot be known; files opened by packages that are not "
              "in the tables.",
    .fix = AK_FIX_NONE,
    .check = check,
};
