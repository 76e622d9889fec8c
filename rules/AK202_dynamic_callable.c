/* Callables that pickle cannot find again by name: as the recorded callee or among its
 * arguments. */
#include "rule.h"

#include <stdio.h>
#include <string.h>

/* "os.environ.get" and the other methods of what cannot be pickled: the owner is what stands
 * before the last dot, or the call that made it. */
static bool is_method_of_unpicklable(AkPass *pass, const char *dotted)
{
    const char *last = dotted ? strrchr(dotted, '.') : NULL;
    char owner[256];
    size_t len = last ? (size_t)(last - dotted) : 0;
    const AkKnown *known;

    if (!len || len >= sizeof(owner))
        return false;
    if (len == 10 && strncmp(dotted, "os.environ", len) == 0)
        return true;
    if (len > 2 && strncmp(last - 2, "()", 2) == 0)
        len -= 2;
    snprintf(owner, sizeof(owner), "%.*s", (int)len, dotted);
    known = ak_known(pass->knowledge, owner);
    return known && known->effects & AK_UNPICKLABLE && !(known->effects & AK_OPENS) &&
           strcmp(known->name, owner) == 0;
}

/* A function that lives in another one: pickle cannot import it. Lambdas are AK201's. */
static bool is_nested(const AkFunction *fn)
{
    return fn->outer && fn->outer->index && fn->index && !ak_fact(fn)->is_lambda && !fn->class_;
}

static bool is_dynamic(AkPass *pass, const AkValue *value, int depth)
{
    switch (value->kind) {
    case AK_V_FUNCTION: return is_nested(value->function);
    case AK_V_BOUND: return value->function->class_ && value->function->class_->outer;
    case AK_V_EXTERNAL: return is_method_of_unpicklable(pass, value->dotted);
    case AK_V_PARTIAL:
        if (value->unit && depth < 3) {
            AkArgument first = ak_argument_at(pass, value->unit, value->expr, "func", 0);

            if (first.given == AK_GIVEN) {
                AkValue inner = ak_value(pass, first.unit, first.expr);

                return is_dynamic(pass, &inner, depth + 1);
            }
        }
        return false;
    default: return false;
    }
}

static void check_callee(AkPass *pass, const AkCall *call)
{
    AkReport *report;
    const char *text;

    if (!is_method_of_unpicklable(pass, call->dotted))
        return;
    report =
        ak_report_call(pass, call, AK_CTX_WORKFLOW,
                       "'%s' is a method of an object that cannot be pickled", call->dotted);
    /* The hosted service keeps callees and arguments in memory since 2024. */
    if (pass->dialect == AK_DIALECT_AUTOKITTEH)
        ak_level(report, AK_WARNING);
    if (strcmp(call->dotted, "os.environ.get") == 0 && call->kind == AK_CALL_PLAIN) {
        ak_advice(report, "Call os.getenv, a function that pickle finds by name.");
        ak_fix(report, AK_FIX_SAFE, "call os.getenv");
        text = ak_fix_import(report, "os", NULL);
        if (text) {
            char callee[64];

            snprintf(callee, sizeof(callee), "%.50s.getenv", text);
            ak_fix_replace(report, call->fn->unit,
                           ak_kid(call->fn->unit->facts, ak_call_expr(call)->kids, 0), callee);
        }
    }
}

static void tell_argument(AkPass *pass, const AkCall *call, AkExprId arg, const AkValue *value)
{
    AkReport *report = ak_report_expr(
        pass, call->fn, arg, AK_CTX_WORKFLOW,
        "'%s', given to '%s', cannot be pickled: no module holds it under a name",
        ak_describe(pass, value), ak_callee_text(pass, call));

    if (pass->dialect == AK_DIALECT_AUTOKITTEH)
        ak_level(report, AK_WARNING);
}

static void check_arguments(AkPass *pass, const AkCall *call)
{
    const AkFacts *facts = call->fn->unit->facts;
    const AkExpr *expr = ak_call_expr(call);

    for (uint32_t i = 1; i < expr->kids.count; i++) {
        AkExprId arg = ak_kid(facts, expr->kids, i);
        const AkExpr *written = ak_expr(facts, arg);
        AkValue value =
            ak_value(pass, call->fn->unit,
                     written->kind == AK_X_KEYWORD ? ak_kid(facts, written->kids, 0) : arg);

        if (is_dynamic(pass, &value, 0))
            tell_argument(pass, call, arg, &value);
    }
}

static void check(AkPass *pass)
{
    for (size_t i = 0; i < pass->call_len; i++) {
        const AkCall *call = pass->calls[i];

        if (call->kind != AK_CALL_PLAIN || !ak_crosses(pass, call))
            continue;
        if (pass->dialect != AK_DIALECT_TEMPORAL)
            check_callee(pass, call);
        /* An activity is named in the call, not sent. */
        if (pass->dialect != AK_DIALECT_TEMPORAL)
            check_arguments(pass, call);
    }
}

const AkRule ak_rule_AK202 = {
    .id = "AK202",
    .name = "dynamic-callable",
    .level = AK_ERROR,
    .dialects = AK_DIALECTS_ALL,
    .since = "0.1",
    .summary = "a callable that pickle cannot find by name crosses into a recorded call",
    .why = "The runtime sends the called function and its arguments through pickle, which "
           "stores a function as the name of its module and its own. A method of an object "
           "such as os.environ, or a function made inside another, has no such name.",
    .instead =
        "Use a function of a module: os.getenv for os.environ.get, a def at module level "
        "for a nested one.",
    .misses =
        "Callables inside objects; methods of instances of packages whose classes are not "
        "in the tables.",
    .fix = AK_FIX_SAFE,
    .check = check,
};
