/* Workflow classes and handlers that the SDK refuses, at import or at the first task. */
#include "rule.h"

#include <stdio.h>
#include <string.h>

static const unsigned handlers = AK_ROLE_SIGNAL | AK_ROLE_QUERY | AK_ROLE_UPDATE;

static const char *role_name(const AkFunction *fn)
{
    return fn->roles & AK_ROLE_RUN      ? "workflow.run"
           : fn->roles & AK_ROLE_SIGNAL ? "workflow.signal"
           : fn->roles & AK_ROLE_QUERY  ? "workflow.query"
           : fn->roles & AK_ROLE_UPDATE ? "workflow.update"
                                        : "activity.defn";
}

static AkExprId handler_decorator(AkPass *pass, const AkFunction *fn)
{
    char dotted[64];

    snprintf(dotted, sizeof(dotted), "temporalio.%s", role_name(fn));
    return ak_decorator(pass, fn, dotted);
}

/* ---- One method ---- */

static void check_keyword_only(AkPass *pass, const AkFunction *fn)
{
    const AkFunctionFact *fact = ak_fact(fn);

    if (!handler_decorator(pass, fn) || fact->decorators.count > 1)
        return; /* another decorator may give what is missing */
    for (uint32_t i = 0; i < fact->param_len; i++) {
        const AkParam *param = &fn->unit->facts->params[fact->first_param + i];

        if (param->kind != AK_PARAM_KEYWORD_ONLY ||
            (param->value && !(fn->roles & AK_ROLE_ACTIVITY)))
            continue;
        ak_report_bytes(pass, fn->outer ? fn->outer : fn->unit->functions[0], param->start,
                        param->end, 0,
                        "'%s' of '%s' is keyword-only, and arguments arrive by position",
                        ak_name(fn->unit->facts, param->name), fn->name);
        return;
    }
}

/* `@workflow.query()`, a name beside dynamic=True, parameters of a dynamic handler. */
static void check_decorator(AkPass *pass, const AkFunction *fn)
{
    AkExprId decorator = handler_decorator(pass, fn);
    const AkUnit *unit = fn->unit;
    size_t least, count;
    bool any;

    if (!decorator || ak_expr(unit->facts, decorator)->kind != AK_X_CALL)
        return;
    AkArgument name = ak_argument_at(pass, unit, decorator, "name", -1);
    AkArgument dynamic = ak_argument_at(pass, unit, decorator, "dynamic", -1);
    bool is_dynamic = dynamic.given == AK_GIVEN &&
                      ak_value(pass, dynamic.unit, dynamic.expr).kind == AK_V_TRUE;

    if (fn->roles & AK_ROLE_QUERY && ak_expr(unit->facts, decorator)->kids.count == 1)
        ak_report_function(
            pass, fn, 0,
            "query '%s' is decorated with empty parentheses, which the SDK refuses", fn->name);
    if (!is_dynamic)
        return;
    /* An activity's name is passed over then, without a word. */
    if (!(fn->roles & AK_ROLE_ACTIVITY) && name.given == AK_GIVEN &&
        ak_value(pass, name.unit, name.expr).kind != AK_V_NONE)
        ak_report_function(pass, fn, 0, "'%s' has a name and is dynamic", fn->name);
    count = ak_params(fn, &least, &any);
    size_t wanted = fn->roles & AK_ROLE_ACTIVITY ? 1 : 2;
    if (count != wanted && !any)
        ak_report_function(pass, fn, 0, "dynamic '%s' must take %s", fn->name,
                           wanted == 1 ? "one sequence of raw values"
                                       : "a name and a sequence of raw values");
}

static void check_method(AkPass *pass, const AkFunction *fn)
{
    if (fn->roles & AK_ROLE_RUN && !ak_fact(fn)->is_async)
        ak_report_function(pass, fn, 0, "'%s' is a run method and is not async", fn->qualified);
    check_keyword_only(pass, fn);
    check_decorator(pass, fn);
}

/* ---- The class ---- */

/* A decorator that may do what workflow.run does, for all that is known. */
static bool own_have_foreign_decorator(AkPass *pass, const AkClass *class_)
{
    AkFunctionList own = ak_own_functions(pass, class_);

    for (size_t i = 0; i < own.len; i++) {
        const AkFunction *fn = own.items[i];
        AkKids decorators = ak_fact(fn)->decorators;

        for (uint32_t k = 0; k < decorators.count; k++) {
            AkExprId expr = ak_kid(fn->unit->facts, decorators, k);
            const AkExpr *written = ak_expr(fn->unit->facts, expr);
            AkValue value = ak_value(
                pass, fn->unit,
                written->kind == AK_X_CALL ? ak_kid(fn->unit->facts, written->kids, 0) : expr);

            if (value.kind != AK_V_EXTERNAL || (strncmp(value.dotted, "temporalio.", 11) != 0 &&
                                                strncmp(value.dotted, "builtins.", 9) != 0))
                return true;
        }
    }
    return false;
}

static bool has_foreign_decorator(AkPass *pass, const AkClass *class_)
{
    for (size_t i = 0; i < class_->mro_len; i++)
        if (own_have_foreign_decorator(pass, class_->mro[i]))
            return true;
    return false;
}

static const AkFunction *own(AkPass *pass, const AkClass *class_, unsigned role)
{
    AkFunctionList methods = ak_own_functions(pass, class_);

    for (size_t i = 0; i < methods.len; i++)
        if (methods.items[i]->roles & role)
            return methods.items[i];
    return NULL;
}

static const AkFunction *inherited_run(AkPass *pass, const AkClass *class_)
{
    const AkFunction *run = NULL;

    for (size_t i = 0; i < class_->mro_len && !run; i++)
        if (class_->mro[i] != class_)
            run = own(pass, class_->mro[i], AK_ROLE_RUN);
    return run;
}

static void check_run(AkPass *pass, const AkClass *class_)
{
    AkFunctionList methods = ak_own_functions(pass, class_);
    const AkFunction *first = own(pass, class_, AK_ROLE_RUN), *inherited;

    for (size_t i = 0; i < methods.len; i++)
        if (methods.items[i]->roles & AK_ROLE_RUN && methods.items[i] != first) {
            ak_report_function(pass, methods.items[i], 0,
                               "workflow '%s' has a second run method", class_->name);
            return;
        }
    if (first || !class_->bases_known || !class_->workflow_defn ||
        has_foreign_decorator(pass, class_))
        return;
    inherited = inherited_run(pass, class_);
    if (inherited)
        ak_report_class(pass, class_,
                        "workflow '%s' has its run method on the base class '%s' only",
                        class_->name, inherited->class_->name);
    else if (methods.len || !class_->member_len)
        ak_report_class(pass, class_, "workflow '%s' has no run method", class_->name);
}

static void check_place(AkPass *pass, const AkClass *class_)
{
    if (class_->outer)
        ak_report_class(pass, class_, "workflow '%s' is defined in a function", class_->name);
    else if (strchr(class_->qualified, '.'))
        ak_report_class(pass, class_, "workflow '%s' is defined in another class",
                        class_->qualified);
}

static void check_defn(AkPass *pass, const AkClass *class_)
{
    const AkUnit *unit = class_->unit;
    AkExprId first;

    if (!class_->workflow_defn ||
        ak_expr(unit->facts, class_->workflow_defn)->kind != AK_X_CALL)
        return;
    AkKids kids = ak_expr(unit->facts, class_->workflow_defn)->kids;
    first = ak_kid(unit->facts, kids, 1);
    if (first && ak_expr(unit->facts, first)->kind == AK_X_STRING) {
        AkReport *report = ak_report_class(
            pass, class_, "workflow '%s' is given its name by position", class_->name);
        uint32_t start = ak_expr(unit->facts, first)->start;

        ak_fix(report, AK_FIX_SAFE, "give it as name=");
        ak_fix_bytes(report, unit, start, start, "name=");
    }
    AkArgument name = ak_argument_at(pass, unit, class_->workflow_defn, "name", -1);
    AkArgument dynamic = ak_argument_at(pass, unit, class_->workflow_defn, "dynamic", -1);
    if (name.given == AK_GIVEN && ak_value(pass, name.unit, name.expr).kind == AK_V_STRING &&
        dynamic.given == AK_GIVEN &&
        ak_value(pass, dynamic.unit, dynamic.expr).kind == AK_V_TRUE)
        ak_report_class(pass, class_, "workflow '%s' has a name and is dynamic", class_->name);
}

static bool same_text(const AkUnit *a, AkExprId x, const AkUnit *b, AkExprId y)
{
    size_t x_len, y_len;

    if (!x || !y)
        return !x && !y;
    const char *x_text = ak_text(a, x, &x_len), *y_text = ak_text(b, y, &y_len);
    return x_len == y_len && memcmp(x_text, y_text, x_len) == 0;
}

/* __init__ takes what run takes, and says so by workflow.init; or it takes nothing. */
static void check_init(AkPass *pass, const AkClass *class_)
{
    const AkFunction *init = own(pass, class_, AK_ROLE_INIT),
                     *run = own(pass, class_, AK_ROLE_RUN);
    size_t least, run_least;
    bool any, run_any;

    if (!init || strcmp(init->name, "__init__") != 0)
        return;
    size_t count = ak_params(init, &least, &any);
    if (!ak_decorator(pass, init, "temporalio.workflow.init")) {
        if (least && !ak_fact(init)->decorators.count)
            ak_advice(ak_report_function(
                          pass, init, 0,
                          "'%s' needs arguments and is not decorated with workflow.init",
                          init->qualified),
                      "Decorate it with @workflow.init and give it the parameters of run.");
        return;
    }
    if (!run || run->unit != init->unit)
        return;
    bool same = count == ak_params(run, &run_least, &run_any) && least == run_least;
    for (size_t i = 0; same && i < count; i++) {
        const AkParam *a = ak_param_at(init, i), *b = ak_param_at(run, i);
        same = a && b && same_text(init->unit, a->annotation, run->unit, b->annotation) &&
               same_text(init->unit, a->value, run->unit, b->value);
    }
    if (!same)
        ak_report_function(pass, init, 0, "'%s' has other parameters than the run method",
                           init->qualified);
}

static void check_init_decorators(AkPass *pass)
{
    for (size_t i = 0; i < pass->function_len; i++) {
        const AkFunction *fn = pass->functions[i];

        if (fn->class_ && strcmp(fn->name, "__init__") != 0 && ak_fact(fn)->decorators.count &&
            ak_decorator(pass, fn, "temporalio.workflow.init"))
            ak_report_function(pass, fn, 0,
                               "'%s' is decorated with workflow.init and is not __init__",
                               fn->qualified);
    }
}

static void check_names(AkPass *pass, const AkFunction *fn, AkFunctionList before)
{
    unsigned role = fn->roles & handlers;

    for (size_t i = 0; role && i < before.len; i++) {
        const AkFunction *other = before.items[i];
        const char *name, *taken;

        if (!(other->roles & role) || strcmp(other->name, fn->name) == 0)
            continue;
        name = ak_defined_name(pass, fn);
        taken = ak_defined_name(pass, other);
        if (name && taken && strcmp(name, taken) == 0)
            ak_report_function(pass, fn, 0, "'%s' and '%s' handle the same name '%s'",
                               other->name, fn->name, name);
    }
}

/* The decorated method of a base that has the name. */
static const AkFunction *replaced(AkPass *pass, const AkClass *class_, const char *name)
{
    for (size_t m = 0; m < class_->mro_len; m++) {
        AkFunctionList methods = ak_own_functions(pass, class_->mro[m]);

        for (size_t i = 0; class_->mro[m] != class_ && i < methods.len; i++)
            if (methods.items[i]->roles & (AK_ROLE_RUN | handlers) &&
                strcmp(methods.items[i]->name, name) == 0)
                return methods.items[i];
    }
    return NULL;
}

/* Two handlers of one kind with one name; a base's handler replaced without its decorator. */
static void check_handlers(AkPass *pass, const AkClass *class_)
{
    AkFunctionList methods = ak_own_functions(pass, class_);

    for (size_t i = 0; i < methods.len; i++) {
        const AkFunction *fn = methods.items[i], *base;

        check_names(pass, fn, (AkFunctionList){methods.items, i});
        if (fn->roles & (AK_ROLES_HANDLER | AK_ROLE_INIT) || ak_fact(fn)->decorators.count)
            continue;
        base = replaced(pass, class_, fn->name);
        if (base)
            ak_report_function(
                pass, fn, 0,
                "'%s' replaces a method decorated with %s and is not decorated itself",
                fn->qualified, role_name(base));
    }
}

static void check(AkPass *pass)
{
    for (size_t i = 0; i < pass->class_len; i++) {
        const AkClass *class_ = pass->classes[i];

        if (!class_->is_workflow)
            continue;
        check_run(pass, class_);
        check_place(pass, class_);
        check_defn(pass, class_);
        check_init(pass, class_);
        check_handlers(pass, class_);
    }
    for (size_t i = 0; i < pass->function_len; i++)
        if (pass->functions[i]->index &&
            pass->functions[i]->roles & (AK_ROLE_RUN | AK_ROLE_ACTIVITY | handlers))
            check_method(pass, pass->functions[i]);
    check_init_decorators(pass);
}

const AkRule ak_rule_AK508 = {
    .id = "AK508",
    .name = "workflow-class-shape",
    .level = AK_ERROR,
    .dialects = AK_DIALECT_TEMPORAL,
    .since = "0.1",
    .summary = "a workflow class or a handler has a shape that the SDK refuses",
    .why = "The SDK looks at the class when it is defined, and raises ValueError or TypeError; "
           "the worker does not "
           "start. What it does not look at then, such as parameters of __init__ or "
           "keyword-only ones, fails at the "
           "first task of every workflow.",
    .instead = "A workflow is a top-level class with one async method decorated with "
               "workflow.run, defined in the class "
               "itself; handlers take their arguments by position and are decorated where they "
               "are overridden.",
    .misses = "Classes whose bases or decorators are not known.",
    .fix = AK_FIX_SAFE,
    .check = check,
};
