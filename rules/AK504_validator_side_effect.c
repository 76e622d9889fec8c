/* Validators of updates that do more than accept or refuse. */
#include "rule.h"

#include <string.h>

/* The update that `@update.validator` names, or NULL. */
static const AkFunction *update_of(AkPass *pass, const AkFunction *fn)
{
    const AkFacts *facts = fn->unit->facts;
    AkKids decorators = ak_fact(fn)->decorators;

    for (uint32_t i = 0; i < decorators.count; i++) {
        const AkExpr *expr = ak_expr(facts, ak_kid(facts, decorators, i));

        if (expr->kind != AK_X_ATTRIBUTE ||
            strcmp(ak_name(facts, expr->name), "validator") != 0)
            continue;
        const AkExpr *object = ak_expr(facts, ak_kid(facts, expr->kids, 0));
        for (size_t k = 0; object->kind == AK_X_NAME && k < pass->function_len; k++) {
            const AkFunction *update = pass->functions[k];
            if (update->roles & AK_ROLE_UPDATE && update->class_ == fn->class_ &&
                strcmp(update->name, ak_name(facts, object->name)) == 0)
                return update;
        }
    }
    return NULL;
}

static bool same_annotation(const AkFunction *a, AkExprId x, const AkFunction *b, AkExprId y)
{
    size_t x_len, y_len;
    const char *x_text = x ? ak_text(a->unit, x, &x_len) : "",
               *y_text = y ? ak_text(b->unit, y, &y_len) : "";

    if (!x || !y)
        return !x && !y;
    return x_len == y_len && memcmp(x_text, y_text, x_len) == 0;
}

/* NULL if they take the same; else what differs. */
static const char *difference(const AkFunction *a, const AkFunction *b)
{
    const AkFunctionFact *f = ak_fact(a), *g = ak_fact(b);

    if (f->param_len != g->param_len)
        return "another number of parameters than";
    for (uint32_t i = 1; i < f->param_len; i++) {
        const AkParam *p = &a->unit->facts->params[f->first_param + i];
        const AkParam *q = &b->unit->facts->params[g->first_param + i];

        if (!same_annotation(a, p->annotation, b, q->annotation))
            return "other annotations than";
    }
    return NULL;
}

static void check_shape(AkPass *pass, const AkFunction *fn)
{
    const AkFunction *update = update_of(pass, fn);
    const char *what;

    if (ak_fact(fn)->is_async)
        ak_report_function(pass, fn, AK_CTX_READONLY, "validator '%s' is async", fn->name);
    if (!update || update->unit != fn->unit)
        return;
    if (strcmp(update->name, fn->name) == 0)
        ak_advice(ak_report_function(
                      pass, fn, AK_CTX_READONLY,
                      "validator '%s' has its update's name, and the class has no update then",
                      fn->name),
                  "Give the validator a name of its own.");
    else if ((what = difference(fn, update)))
        ak_advice(ak_report_function(pass, fn, AK_CTX_READONLY,
                                     "validator '%s' has %s its update '%s'", fn->name, what,
                                     update->name),
                  "Give both the same parameters with the same annotations.");
}

static void check_stores(AkPass *pass, const AkFunction *fn)
{
    const AkFacts *facts = fn->unit->facts;
    const AkFunctionFact *fact = ak_fact(fn);

    for (AkExprId i = 1; i < facts->expr_len; i++) {
        const AkExpr *expr = ak_expr(facts, i);
        AkExprId root;

        if (expr->flags & (AK_XF_STORE | AK_XF_DELETE) && expr->start >= fact->start &&
            expr->end <= fact->end && ak_owns_expr(fn, i) && (root = ak_self_root(fn->unit, i)))
            ak_report_expr(pass, fn, i, AK_CTX_READONLY, "validator '%s' changes self.%s",
                           fn->name, ak_self_attribute(fn->unit, root));
    }
}

static void check_calls(AkPass *pass, const AkFunction *fn)
{
    for (size_t i = 0; i < fn->call_len; i++) {
        const AkCall *call = &fn->calls[i];
        bool guessed;
        AkExprId root = ak_mutates_state(pass, call, &guessed);

        if (root) {
            AkReport *report =
                ak_report_call(pass, call, AK_CTX_READONLY, "validator '%s' changes self.%s",
                               fn->name, ak_self_attribute(fn->unit, root));
            if (guessed)
                ak_likely(report);
        } else if (ak_is_guarded(call)) {
            ak_report_call(pass, call, AK_CTX_READONLY, "validator '%s' calls '%s'", fn->name,
                           ak_callee_text(pass, call));
        }
    }
}

static void check_results(AkPass *pass, const AkFunction *fn)
{
    AkKids returned = ak_fact(fn)->returned;

    for (uint32_t i = 0; i < returned.count; i++) {
        AkExprId value = ak_kid(fn->unit->facts, returned, i);

        if (ak_expr(fn->unit->facts, value)->kind == AK_X_FALSE) {
            AkReport *report =
                ak_report_expr(pass, fn, value, AK_CTX_READONLY,
                               "validator '%s' returns False, which refuses nothing", fn->name);
            ak_level(report, AK_WARNING);
            ak_advice(report, "Raise an exception to refuse the update.");
        }
    }
}

static void check(AkPass *pass)
{
    for (size_t i = 0; i < pass->function_len; i++) {
        const AkFunction *fn = pass->functions[i];

        if (!(fn->roles & AK_ROLE_VALIDATOR) || !fn->index)
            continue;
        check_shape(pass, fn);
        check_stores(pass, fn);
        check_calls(pass, fn);
        check_results(pass, fn);
    }
}

const AkRule ak_rule_AK504 = {
    .id = "AK504",
    .name = "validator-side-effect",
    .level = AK_ERROR,
    .dialects = AK_DIALECT_TEMPORAL,
    .since = "0.1",
    .summary = "a validator does more than accept or refuse, or does not fit its update",
    .why = "A refused update leaves nothing in the history: what its validator changed is lost "
           "on replay. The SDK "
           "refuses async validators and other parameters when the class is made; older "
           "versions accept an async "
           "one and never run it.",
    .instead =
        "Write a plain method with the update's parameters that raises an exception to refuse.",
    .misses = "Changes made by helpers that the validator calls (AK503 finds those), and "
              "through other names.",
    .fix = AK_FIX_NONE,
    .check = check,
};
