/* Attributes that a handler reads and that only the run method sets. */
#include "rule.h"

#include <string.h>

static bool is_in(const AkExpr *expr, const AkFunction *fn)
{
    return expr->start >= ak_fact(fn)->start && expr->end <= ak_fact(fn)->end;
}

/* Where a function first writes self.name: the expression, or 0. */
static AkExprId first_store(const AkFunction *fn, const char *name)
{
    const AkFacts *facts = fn->unit->facts;

    for (AkExprId i = 1; i < facts->expr_len; i++)
        if (ak_expr(facts, i)->kind == AK_X_ATTRIBUTE &&
            ak_expr(facts, i)->flags & AK_XF_STORE && is_in(ak_expr(facts, i), fn) &&
            ak_self_attribute(fn->unit, i) == name)
            return i;
    return 0;
}

/* The first await of the function's own body before the byte. */
static bool awaits_before(const AkFunction *fn, uint32_t byte)
{
    const AkFacts *facts = fn->unit->facts;

    for (AkExprId i = 1; i < facts->expr_len; i++)
        if (ak_expr(facts, i)->kind == AK_X_AWAIT && ak_expr(facts, i)->end <= byte &&
            is_in(ak_expr(facts, i), fn))
            return true;
    return false;
}

static bool class_binds(const AkClass *class_, const char *name)
{
    for (size_t i = 0; i < class_->mro_len; i++) {
        const AkFacts *facts = class_->mro[i]->unit->facts;

        for (uint32_t b = 1; b < facts->binding_len; b++)
            if (facts->bindings[b].scope == facts->classes[class_->mro[i]->index].scope &&
                strcmp(ak_name(facts, facts->bindings[b].name), name) == 0)
                return true;
    }
    return false;
}

/* Whether anything but run (and what a handler does itself) gives the attribute a value. */
static bool set_elsewhere(AkPass *pass, const AkClass *class_, const char *name)
{
    if (class_binds(class_, name))
        return true;
    for (size_t m = 0; m < class_->mro_len; m++) {
        AkFunctionList own = ak_own_functions(pass, class_->mro[m]);

        for (size_t i = 0; i < own.len; i++)
            if (!(own.items[i]->roles & AK_ROLE_RUN) && first_store(own.items[i], name))
                return true;
    }
    return false;
}

static bool mentions_hasattr(const AkFunction *fn)
{
    for (size_t i = 0; i < fn->call_len; i++)
        if (ak_calls(&fn->calls[i], "builtins.hasattr"))
            return true;
    return false;
}

static void check_handler(AkPass *pass, const AkFunction *fn, const AkFunction *run)
{
    const AkFacts *facts = fn->unit->facts;

    for (AkExprId i = 1; i < facts->expr_len; i++) {
        const AkExpr *expr = ak_expr(facts, i);
        const char *name;
        AkExprId store;

        if (expr->kind != AK_X_ATTRIBUTE || expr->flags & (AK_XF_STORE | AK_XF_DELETE) ||
            !is_in(expr, fn) || !ak_owns_expr(fn, i) ||
            !(name = ak_self_attribute(fn->unit, i)) || ak_try_around(fn, expr->stmt))
            continue;
        store = first_store(run, name);
        if (!store || awaits_before(fn, expr->start) || set_elsewhere(pass, fn->class_, name))
            continue;
        /* Queries are answered after the first task, which has run up to the first await. */
        if (fn->roles & AK_ROLE_QUERY &&
            !awaits_before(run, ak_expr(run->unit->facts, store)->start))
            continue;
        AkReport *report = ak_report_expr(
            pass, fn, i, fn->roles & AK_ROLE_QUERY ? AK_CTX_READONLY : AK_CTX_SIGNAL,
            "'%s' reads self.%s, which is first set in the run method", fn->name, name);
        ak_step(report, run->unit, store, "set here");
        return;
    }
}

static void check(AkPass *pass)
{
    static const unsigned handlers =
        AK_ROLE_SIGNAL | AK_ROLE_QUERY | AK_ROLE_UPDATE | AK_ROLE_VALIDATOR;

    for (size_t i = 0; i < pass->function_len; i++) {
        const AkFunction *run = pass->functions[i];

        if (!(run->roles & AK_ROLE_RUN) || !run->class_ || !run->class_->is_workflow ||
            !run->class_->bases_known)
            continue;
        AkFunctionList own = ak_own_functions(pass, run->class_);
        for (size_t k = 0; k < own.len; k++)
            if (own.items[k]->roles & handlers && !mentions_hasattr(own.items[k]))
                check_handler(pass, own.items[k], run);
    }
}

const AkRule ak_rule_AK510 = {
    .id = "AK510",
    .name = "uninitialised-state",
    .level = AK_ERROR,
    .dialects = AK_DIALECT_TEMPORAL,
    .since = "0.1",
    .summary = "a handler reads an attribute that only the run method sets",
    .why = "Signals and updates that are there when the first task begins are handled before "
           "run: the attribute is not "
           "there yet, AttributeError fails the task, and the workflow hangs.",
    .instead =
        "Set it in __init__, decorated with workflow.init if it needs the arguments of run.",
    .misses = "Attributes that only some ways through __init__ set, and workflows with base "
              "classes outside the project.",
    .fix = AK_FIX_NONE,
    .check = check,
};
