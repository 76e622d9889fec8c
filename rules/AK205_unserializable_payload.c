/* Arguments and results that the SDK's default converter refuses. */
#include "rule.h"

#include <string.h>

static const char *name_of_refused(const char *dotted)
{
    static const char *const names[] = {"decimal.Decimal",   "datetime.timedelta",
                                        "pathlib.Path",      "pathlib.PurePath",
                                        "pathlib.PosixPath", "builtins.complex"};

    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
        if (strcmp(dotted, names[i]) == 0)
            return strrchr(names[i], '.') + 1;
    return NULL;
}

/* A class whose instances json cannot write: every base is known, and none helps. */
static const char *refused_class(AkPass *pass, const AkClass *class_)
{
    if (ak_derives(pass, class_, "enum.Enum") == AK_YES) {
        bool plain = ak_derives(pass, class_, "builtins.str") == AK_NO &&
                     ak_derives(pass, class_, "builtins.int") == AK_NO &&
                     ak_derives(pass, class_, "enum.IntEnum") == AK_NO &&
                     ak_derives(pass, class_, "enum.StrEnum") == AK_NO;

        return plain ? class_->name : NULL;
    }
    if (!class_->bases_known || class_->is_dataclass || class_->external_base_len)
        return NULL;
    for (size_t i = 0; i < class_->mro_len; i++) {
        const AkClassFact *fact = &class_->mro[i]->unit->facts->classes[class_->mro[i]->index];

        if (fact->decorators.count || class_->mro[i]->is_dataclass)
            return NULL;
    }
    return class_->name;
}

/* ---- Whether the project brings a converter of its own ---- */

static bool has_converter(const AkPass *pass)
{
    for (size_t i = 0; i < pass->module_len; i++) {
        const char *text = pass->modules[i]->text;

        if (text && (strstr(text, "data_converter") || strstr(text, "DataConverter")))
            return true;
    }
    return false;
}

/* ---- Values ---- */

static const char *refused_value(AkPass *pass, const AkValue *value)
{
    if (value->guessed)
        return NULL;
    if (value->kind == AK_V_RESULT)
        return name_of_refused(value->dotted);
    if (value->kind == AK_V_INSTANCE && !value->open)
        return refused_class(pass, value->class_);
    return NULL;
}

static bool is_payload(const AkFacts *facts, AkExprId arg, uint32_t position)
{
    const AkExpr *row = ak_expr(facts, arg);

    if (row->kind == AK_X_KEYWORD)
        return strcmp(ak_name(facts, row->name), "arg") == 0 ||
               strcmp(ak_name(facts, row->name), "args") == 0;
    return position == 2;
}

static void check_value(AkPass *pass, const AkCall *call, AkExprId expr)
{
    const AkFacts *facts = call->fn->unit->facts;
    AkValue value;
    const char *what;

    if (ak_expr(facts, expr)->kind == AK_X_LIST) {
        for (uint32_t i = 0; i < ak_expr(facts, expr)->kids.count; i++)
            check_value(pass, call, ak_kid(facts, ak_expr(facts, expr)->kids, i));
        return;
    }
    value = ak_value(pass, call->fn->unit, expr);
    what = refused_value(pass, &value);
    if (what)
        ak_report_expr(pass, call->fn, expr, AK_CTX_WORKFLOW,
                       "the default converter cannot send '%s'", what);
}

static void check_call(AkPass *pass, const AkCall *call)
{
    const AkFacts *facts = call->fn->unit->facts;
    const AkExpr *expr = ak_call_expr(call);

    for (uint32_t i = 1; i < expr->kids.count; i++) {
        AkExprId arg = ak_kid(facts, expr->kids, i);

        if (is_payload(facts, arg, i))
            check_value(pass, call,
                        ak_expr(facts, arg)->kind == AK_X_KEYWORD
                            ? ak_kid(facts, ak_expr(facts, arg)->kids, 0)
                            : arg);
    }
}

/* ---- Signatures ---- */

static const char *refused_type(AkPass *pass, const AkUnit *unit, AkExprId annotation,
                                int depth);

/* list[Decimal], Optional[Decimal], Decimal | None */
static const char *refused_part(AkPass *pass, const AkUnit *unit, AkExprId annotation,
                                int depth)
{
    const AkExpr *row = ak_expr(unit->facts, annotation);
    const char *found = NULL;
    uint32_t first = row->kind == AK_X_SUBSCRIPT ? 1 : 0;

    for (uint32_t i = first; i < row->kids.count && !found && depth < 5; i++)
        found = refused_type(pass, unit, ak_kid(unit->facts, row->kids, i), depth + 1);
    return found;
}

static const char *refused_type(AkPass *pass, const AkUnit *unit, AkExprId annotation,
                                int depth)
{
    const AkExpr *row = ak_expr(unit->facts, annotation);
    AkValue value;

    if (row->kind == AK_X_SUBSCRIPT || row->kind == AK_X_BINARY || row->kind == AK_X_TUPLE ||
        row->kind == AK_X_LIST)
        return refused_part(pass, unit, annotation, depth);
    if (row->kind != AK_X_NAME && row->kind != AK_X_ATTRIBUTE)
        return NULL;
    value = ak_value(pass, unit, annotation);
    if (value.kind == AK_V_EXTERNAL)
        return name_of_refused(value.dotted);
    return value.kind == AK_V_CLASS ? refused_class(pass, value.class_) : NULL;
}

static void check_annotation(AkPass *pass, const AkFunction *fn, AkExprId annotation)
{
    const char *what = annotation ? refused_type(pass, fn->unit, annotation, 0) : NULL;

    if (what)
        ak_report_expr(pass, fn, annotation, 0, "the default converter cannot send '%s'", what);
}

static void check_signature(AkPass *pass, const AkFunction *fn)
{
    const AkFunctionFact *fact = ak_fact(fn);

    for (uint32_t i = 0; i < fact->param_len; i++)
        check_annotation(pass, fn, fn->unit->facts->params[fact->first_param + i].annotation);
    check_annotation(pass, fn, fact->returns);
}

static void check(AkPass *pass)
{
    static const unsigned carriers =
        AK_ROLE_RUN | AK_ROLE_SIGNAL | AK_ROLE_QUERY | AK_ROLE_UPDATE | AK_ROLE_ACTIVITY;

    if (has_converter(pass))
        return;
    for (size_t i = 0; i < pass->call_len; i++)
        if (pass->calls[i]->kind == AK_CALL_PLAIN && ak_crosses(pass, pass->calls[i]))
            check_call(pass, pass->calls[i]);
    for (size_t i = 0; i < pass->function_len; i++)
        if (pass->functions[i]->index && pass->functions[i]->roles & carriers &&
            pass->functions[i]->unit->module->imports_temporal)
            check_signature(pass, pass->functions[i]);
}

const AkRule ak_rule_AK205 = {
    .id = "AK205",
    .name = "unserializable-payload",
    .level = AK_ERROR,
    .dialects = AK_DIALECT_TEMPORAL,
    .since = "0.1",
    .summary = "an argument or result has a type that the default converter refuses",
    .why = "Values travel as JSON. The default converter writes dataclasses, str and int "
           "enums, dates, "
           "UUIDs, sets and bytes; it refuses Decimal, timedelta, Path, plain enums and "
           "objects of "
           "ordinary classes. The call then fails when it is made, and the task is retried.",
    .instead = "Use a dataclass, a string, a number of seconds, IntEnum or StrEnum; or give "
               "the client a "
               "data converter.",
    .misses =
        "Fields of dataclasses, and values whose type is not visible. Silent where the project "
        "mentions a data converter.",
    .fix = AK_FIX_NONE,
    .check = check,
};
