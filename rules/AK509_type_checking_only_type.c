/* Types in signatures that the SDK evaluates, imported for the type checker alone. */
#include "rule.h"

static void check_annotation(AkPass *pass, const AkFunction *fn, AkExprId annotation)
{
    const AkFacts *facts = fn->unit->facts;
    const AkExpr *whole = ak_expr(facts, annotation);

    for (AkExprId i = annotation; annotation && i < facts->expr_len; i++) {
        const AkExpr *expr = ak_expr(facts, i);

        if (expr->start >= whole->end)
            break;
        if (expr->kind == AK_X_NAME &&
            ak_only_typed(pass, fn->unit, fn->unit->atoms[expr->name])) {
            ak_report_expr(pass, fn, i, 0,
                           "'%s' is imported under TYPE_CHECKING only, and '%s' needs it when "
                           "it is defined",
                           ak_name(facts, expr->name), fn->qualified);
            return;
        }
    }
}

static void check(AkPass *pass)
{
    static const unsigned evaluated =
        AK_ROLE_RUN | AK_ROLE_SIGNAL | AK_ROLE_QUERY | AK_ROLE_UPDATE | AK_ROLE_ACTIVITY;

    for (size_t i = 0; i < pass->function_len; i++) {
        const AkFunction *fn = pass->functions[i];
        const AkFunctionFact *fact = ak_fact(fn);

        if (!(fn->roles & evaluated) || !fn->index)
            continue;
        for (uint32_t k = 0; k < fact->param_len; k++)
            check_annotation(pass, fn,
                             fn->unit->facts->params[fact->first_param + k].annotation);
        check_annotation(pass, fn, fact->returns);
    }
}

const AkRule ak_rule_AK509 = {
    .id = "AK509",
    .name = "type-checking-only-type",
    .level = AK_ERROR,
    .dialects = AK_DIALECT_TEMPORAL,
    .since = "0.1",
    .summary = "a signature names a type that is imported for the type checker only",
    .why = "The SDK evaluates the annotations of run methods, handlers and activities to know "
           "what to decode into; "
           "a name that is not there when the program runs raises NameError, and the worker "
           "does not start. Linters that move "
           "imports under TYPE_CHECKING cause it.",
    .instead = "Import the type in the open; in a workflow file inside with "
               "workflow.unsafe.imports_passed_through().",
    .misses = "Names that are missing for other reasons.",
    .fix = AK_FIX_NONE,
    .check = check,
};
