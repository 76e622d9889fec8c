/* Exceptions that are raised in an activity and cannot be made again from their args. */
#include "rule.h"

#include <string.h>

typedef struct Needs {
    uint32_t places, required;
    const char *keyword; /* required by keyword only */
} Needs;

static Needs needs_of(const AkFunction *init)
{
    const AkFacts *facts = init->unit->facts;
    const AkFunctionFact *fact = ak_fact(init);
    Needs needs = {0};

    for (uint32_t i = 1; i < fact->param_len; i++) {
        const AkParam *param = &facts->params[fact->first_param + i];

        if (param->kind <= AK_PARAM_PLAIN) {
            needs.places++;
            needs.required += !param->value;
        } else if (param->kind == AK_PARAM_KEYWORD_ONLY && !param->value) {
            needs.keyword = ak_name(facts, param->name);
        }
    }
    return needs;
}

/* `super().__init__(…)`, `Exception.__init__(self, …)`: how many it gives on; -1: none or not known. */
static int given_on(const AkFunction *init)
{
    const AkFacts *facts = init->unit->facts;

    for (AkExprId i = 1; i < facts->expr_len; i++) {
        const AkExpr *call = ak_expr(facts, i);
        const AkExpr *callee, *object;
        int count = 0;

        if (call->kind != AK_X_CALL || facts->scopes[call->scope].function != init->index)
            continue;
        callee = ak_expr(facts, ak_kid(facts, call->kids, 0));
        if (callee->kind != AK_X_ATTRIBUTE ||
            strcmp(ak_name(facts, callee->name), "__init__") != 0)
            continue;
        object = ak_expr(facts, ak_kid(facts, callee->kids, 0));
        for (uint32_t k = 1; k < call->kids.count; k++) {
            uint8_t kind = ak_expr(facts, ak_kid(facts, call->kids, k))->kind;

            if (kind == AK_X_STAR || kind == AK_X_DOUBLE_STAR)
                return -1;
            count += kind != AK_X_KEYWORD;
        }
        return object->kind == AK_X_CALL ? count : count - 1;
    }
    return -1;
}

static bool says_how(AkPass *pass, const AkClass *class_)
{
    return ak_method(pass, class_, "__reduce__") || ak_method(pass, class_, "__reduce_ex__") ||
           ak_method(pass, class_, "__getnewargs__") ||
           ak_method(pass, class_, "__getnewargs_ex__");
}

/* Its own __init__ stands directly on an exception of Python's, whose args are known. */
static bool is_plain_exception(AkPass *pass, const AkClass *class_, const AkFunction *init)
{
    if (ak_derives(pass, class_, "builtins.Exception") != AK_YES &&
        (class_->external_base_len == 0 ||
         strncmp(class_->external_bases[0], "builtins.", 9) != 0))
        return false;
    for (size_t i = 0; i < class_->external_base_len; i++)
        if (strncmp(class_->external_bases[i], "builtins.", 9) != 0)
            return false;
    for (size_t i = 0; i < class_->mro_len; i++)
        if (class_->mro[i] != init->class_ && ak_method(pass, class_->mro[i], "__init__") &&
            ak_method(pass, class_->mro[i], "__init__") != init)
            return false;
    return true;
}

static const AkClass *class_of_raised(AkPass *pass, const AkFunction *fn, AkExprId raised)
{
    AkValue value = ak_value(pass, fn->unit, raised);

    return (value.kind == AK_V_INSTANCE || value.kind == AK_V_CLASS) && !value.guessed
               ? value.class_
               : NULL;
}

static void check_raise(AkPass *pass, const AkFunction *fn, AkStmtId stmt)
{
    AkExprId raised = fn->unit->facts->stmts[stmt].value;
    const AkClass *class_ = raised ? class_of_raised(pass, fn, raised) : NULL;
    const AkFunction *init = class_ ? ak_method(pass, class_, "__init__") : NULL;
    Needs needs;
    int args;

    if (!init || !is_plain_exception(pass, class_, init) || says_how(pass, class_))
        return;
    needs = needs_of(init);
    args = given_on(init);
    if (needs.keyword)
        ak_report_expr(pass, fn, raised, AK_CTX_ACTIVITY,
                       "'%s' cannot be made again from its args: it needs '%s' by keyword",
                       class_->name, needs.keyword);
    else if (args >= 0 && (uint32_t)args < needs.required)
        ak_report_expr(pass, fn, raised, AK_CTX_ACTIVITY,
                       "'%s' cannot be made again from its args: it needs %u and keeps %d",
                       class_->name, (unsigned)needs.required, args);
}

static void check(AkPass *pass)
{
    for (size_t i = 0; i < pass->function_len; i++) {
        const AkFunction *fn = pass->functions[i];
        const AkFacts *facts = fn->unit->facts;

        if (!fn->index || !fn->analysed || !(ak_contexts(pass, fn) & AK_CTX_ACTIVITY))
            continue;
        for (AkStmtId k = 1; k < facts->stmt_len; k++)
            if (facts->stmts[k].kind == AK_S_RAISE &&
                facts->scopes[facts->stmts[k].scope].function == fn->index)
                check_raise(pass, fn, k);
    }
}

const AkRule ak_rule_AK207 = {
    .id = "AK207",
    .name = "unpicklable-exception",
    .level = AK_WARNING,
    .dialects = AK_DIALECT_AK | AK_DIALECT_AUTOKITTEH,
    .since = "0.1",
    .summary = "an activity raises an exception that pickle cannot make again",
    .why = "pickle makes an exception again by calling its class with its args, which are what "
           "super().__init__ was given. With fewer than __init__ needs, the recorded error "
           "cannot be "
           "read back, and the program's except clause does not see its class.",
    .instead = "Give all arguments to super().__init__, give the others defaults, or define "
               "__reduce__.",
    .misses =
        "Exceptions of other packages, and those whose class is not visible at the raise.",
    .fix = AK_FIX_NONE,
    .check = check,
};
