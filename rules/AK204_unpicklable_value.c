/* Values that cannot be pickled and cross into or out of a recorded call. */
#include "rule.h"

#include <stdio.h>
#include <string.h>

static bool is_view(const char *dotted)
{
    return strcmp(dotted, "builtins.dict.keys") == 0 ||
           strcmp(dotted, "builtins.dict.values") == 0 ||
           strcmp(dotted, "builtins.dict.items") == 0 ||
           strcmp(dotted, "builtins.memoryview") == 0;
}

static bool is_unpicklable_result(const AkPass *pass, const char *dotted)
{
    const AkKnown *known = ak_known(pass->knowledge, dotted);

    return is_view(dotted) ||
           (known && known->effects & AK_UNPICKLABLE && !(known->effects & AK_OPENS));
}

/* Only a class that a module holds under its name is found again; __reduce__ and kin say how else. */
static bool is_local_instance(AkPass *pass, const AkValue *value)
{
    static const char *const ways[] = {"__reduce__", "__reduce_ex__", "__getstate__",
                                       "__getnewargs__"};

    if (value->kind != AK_V_INSTANCE || value->open || !value->class_->outer)
        return false;
    for (size_t i = 0; i < sizeof(ways) / sizeof(*ways); i++)
        if (ak_method(pass, value->class_, ways[i]))
            return false;
    return true;
}

/* What it is, or NULL when it can be pickled or is not known. */
static const char *what_is(AkPass *pass, const AkValue *value)
{
    if (value->guessed)
        return NULL;
    switch ((AkValueKind)value->kind) {
    case AK_V_GENERATOR: return "a generator";
    case AK_V_COROUTINE: return "a coroutine";
    case AK_V_MODULE: return "a module";
    case AK_V_EXTERNAL:
        return ak__is_stdlib(value->dotted, (uint32_t)strlen(value->dotted)) ? "a module"
                                                                             : NULL;
    case AK_V_RESULT:
        return is_unpicklable_result(pass, value->dotted) ? ak_describe(pass, value) : NULL;
    case AK_V_INSTANCE:
        return is_local_instance(pass, value) ? "an instance of a local class" : NULL;
    default: return NULL;
    }
}

/* copyreg.pickle(type, …) says how for one type; which one is not asked. */
static bool registers_types(const AkPass *pass)
{
    for (size_t i = 0; i < pass->call_len; i++)
        if (ak_calls(pass->calls[i], "copyreg.pickle"))
            return true;
    return false;
}

static void check_arguments(AkPass *pass, const AkCall *call)
{
    const AkFacts *facts = call->fn->unit->facts;
    const AkExpr *expr = ak_call_expr(call);

    for (uint32_t i = 1; i < expr->kids.count; i++) {
        AkExprId arg = ak_kid(facts, expr->kids, i);
        AkValue value;
        const char *what;
        AkReport *report;

        if (ak_expr(facts, arg)->kind == AK_X_KEYWORD)
            arg = ak_kid(facts, ak_expr(facts, arg)->kids, 0);
        value = ak_value(pass, call->fn->unit, arg);
        what = what_is(pass, &value);
        if (!what)
            continue;
        report = ak_report_expr(pass, call->fn, arg, AK_CTX_WORKFLOW,
                                "%s is given to '%s' and cannot be pickled", what,
                                ak_callee_text(pass, call));
        if (pass->dialect == AK_DIALECT_AUTOKITTEH)
            ak_level(report, AK_WARNING); /* arguments stay in memory there */
    }
}

static void check_result(AkPass *pass, const AkCall *call)
{
    if (call->dotted && call->known && is_unpicklable_result(pass, call->dotted))
        ak_report_call(pass, call, AK_CTX_WORKFLOW,
                       "'%s' is recorded, and what it returns cannot be pickled", call->dotted);
}

static void check_returned(AkPass *pass, const AkFunction *fn)
{
    const AkFunctionFact *fact = ak_fact(fn);

    if (fact->is_generator) {
        ak_report_function(pass, fn, AK_CTX_ACTIVITY,
                           "activity '%s' returns a generator, which cannot be pickled",
                           fn->name);
        return;
    }
    for (uint32_t i = 0; i < fact->returned.count; i++) {
        AkExprId expr = ak_kid(fn->unit->facts, fact->returned, i);
        AkValue value = ak_value(pass, fn->unit, expr);
        const char *what = what_is(pass, &value);

        if (what && value.kind != AK_V_COROUTINE)
            ak_report_expr(pass, fn, expr, AK_CTX_ACTIVITY,
                           "activity '%s' returns %s, which cannot be pickled", fn->name, what);
    }
}

/* The entry point's own result goes nowhere. */
static bool returns_across(const AkFunction *fn)
{
    return fn->index && fn->roles & AK_ROLE_ACTIVITY && !(fn->roles & AK_ROLE_ENTRY);
}

static void check(AkPass *pass)
{
    if (registers_types(pass))
        return;
    for (size_t i = 0; i < pass->call_len; i++) {
        const AkCall *call = pass->calls[i];

        if (call->kind == AK_CALL_PLAIN && ak_crosses(pass, call)) {
            check_arguments(pass, call);
            check_result(pass, call);
        }
    }
    for (size_t i = 0; i < pass->function_len; i++)
        if (returns_across(pass->functions[i]))
            check_returned(pass, pass->functions[i]);
}

const AkRule ak_rule_AK204 = {
    .id = "AK204",
    .name = "unpicklable-value",
    .level = AK_ERROR,
    .dialects = AK_DIALECT_AK | AK_DIALECT_AUTOKITTEH,
    .since = "0.1",
    .summary = "a value that cannot be pickled crosses into or out of a recorded call",
    .why =
        "Recorded calls are sent through pickle with their arguments and results. Generators, "
        "locks, connections, modules, views of dicts, matches of regular expressions and "
        "objects "
        "of local classes cannot be.",
    .instead =
        "Pass plain data: list(…) of a generator or view, the match's groups, the connection's "
        "rows; or do all the work with such an object in one activity.",
    .misses =
        "Values that cannot be known, and fields inside of objects. Silent where the project "
        "registers types with copyreg.pickle.",
    .fix = AK_FIX_NONE,
    .check = check,
};
