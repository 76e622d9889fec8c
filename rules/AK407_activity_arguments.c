/* Arguments that an activity, a workflow or a message cannot take. */
#include "rule.h"

#include <string.h>

/* Arguments for the started function as they are written: args=[…] or the one after the name. */
typedef struct Given {
    bool known;
    size_t count;
    AkExprId items[16];
} Given;

static AkExprId keyword(const AkCall *call, const char *name)
{
    const AkFacts *facts = call->fn->unit->facts;
    AkKids kids = ak_call_expr(call)->kids;

    for (uint32_t i = 1; i < kids.count; i++) {
        AkExprId id = ak_kid(facts, kids, i);
        if (ak_expr(facts, id)->kind == AK_X_KEYWORD &&
            strcmp(ak_name(facts, ak_expr(facts, id)->name), name) == 0)
            return id;
    }
    return 0;
}

/* `args=[a, b]` of `f(act, a, b)`: the plain arguments behind the first, put in brackets. */
static void fix_args(AkReport *report, const AkCall *call, size_t first, size_t count)
{
    const AkUnit *unit = call->fn->unit;
    AkKids kids = ak_call_expr(call)->kids;
    AkExprId from = ak_kid(unit->facts, kids, (uint32_t)first + 1);
    AkExprId to = ak_kid(unit->facts, kids, (uint32_t)count);

    ak_fix(report, AK_FIX_SAFE, "give the arguments as args=[…]");
    ak_fix_bytes(report, unit, ak_expr(unit->facts, from)->start,
                 ak_expr(unit->facts, from)->start, "args=[");
    ak_fix_bytes(report, unit, ak_expr(unit->facts, to)->end, ak_expr(unit->facts, to)->end,
                 "]");
}

/* More arguments by position than any version takes. Whether it said so. */
static bool check_positions(AkPass *pass, const AkCall *call)
{
    const AkSdkName *known = ak_sdk_find(call->dotted);
    bool unsure;
    size_t count = ak_positional_count(call, &unsure), most;

    if (!known || (known->kind != AK_SDK_FUNCTION && known->kind != AK_SDK_ASYNC))
        return false;
    most = ak_sdk_positions(known);
    if (unsure || most == SIZE_MAX || count <= most)
        return false;
    AkReport *report = ak_report_call(pass, call, ak_contexts_at(pass, call) & AK_CTX_WORKFLOW,
                                      "'%s' is given %zu arguments by position and takes %zu",
                                      ak_callee_text(pass, call), count, most);
    bool takes_args = ak_sdk_keyword(known, "args") && ak_sdk_keyword(known, "arg");
    if (!takes_args)
        ak_advice(report, "Give the others by keyword.");
    else if (!keyword(call, "args"))
        fix_args(report, call, most - 1, count);
    return true;
}

static bool check_both(AkPass *pass, const AkCall *call)
{
    const AkSdkName *known = ak_sdk_find(call->dotted);
    bool unsure;
    size_t count = ak_positional_count(call, &unsure);
    AkExprId args = keyword(call, "args"), value;

    if (!known || !args || !ak_sdk_keyword(known, "arg") ||
        ak_sdk_positions(known) == SIZE_MAX || unsure)
        return false;
    if (!keyword(call, "arg") && count < ak_sdk_positions(known))
        return false;
    value = ak_kid(call->fn->unit->facts, ak_expr(call->fn->unit->facts, args)->kids, 0);
    if (ak_value_of_kind(pass, call->fn->unit, value, AK_V_NONE))
        return false;
    const AkExpr *display = ak_expr(call->fn->unit->facts, value);
    if (display->kind != AK_X_LIST || !display->kids.count) /* an empty one is as none */
        return false;
    ak_report_call(pass, call, ak_contexts_at(pass, call) & AK_CTX_WORKFLOW,
                   "'%s' is given an argument and args as well", ak_callee_text(pass, call));
    return true;
}

/* execute_activity(act(1)): the activity runs in place, its result is taken for an activity. */
static bool check_called(AkPass *pass, const AkCall *call)
{
    AkArgument given = ak_argument(pass, call, "activity", 0);
    const AkUnit *unit = call->fn->unit;

    if (given.given != AK_GIVEN || given.unit != unit ||
        ak_expr(unit->facts, given.expr)->kind != AK_X_CALL)
        return false;
    AkKids kids = ak_expr(unit->facts, given.expr)->kids;
    AkValue callee = ak_value(pass, unit, ak_kid(unit->facts, kids, 0));
    if ((callee.kind != AK_V_FUNCTION && callee.kind != AK_V_BOUND) ||
        !(callee.function->roles & AK_ROLE_ACTIVITY))
        return false;
    AkReport *report = ak_report_expr(pass, call->fn, given.expr, AK_CTX_WORKFLOW,
                                      "activity '%s' is called here instead of being named",
                                      callee.function->name);
    ak_advice(report, "Name the activity and give its arguments behind it.");
    if (kids.count == 2 &&
        ak_expr(unit->facts, ak_kid(unit->facts, kids, 1))->kind < AK_X_SUBSCRIPT &&
        ak_expr(unit->facts, ak_kid(unit->facts, kids, 1))->kind != AK_X_KEYWORD &&
        ak_expr(unit->facts, ak_kid(unit->facts, kids, 1))->kind != AK_X_STAR &&
        ak_expr(unit->facts, ak_kid(unit->facts, kids, 1))->kind != AK_X_DOUBLE_STAR) {
        const AkExpr *name = ak_expr(unit->facts, ak_kid(unit->facts, kids, 0));
        const AkExpr *argument = ak_expr(unit->facts, ak_kid(unit->facts, kids, 1));
        const AkExpr *whole = ak_expr(unit->facts, given.expr);

        ak_fix(report, AK_FIX_SAFE, "name the activity, with its argument behind it");
        ak_fix_bytes(report, unit, name->end, argument->start, ", ");
        ak_fix_bytes(report, unit, argument->end, whole->end, "");
    }
    return true;
}

static Given given_to(AkPass *pass, const AkCall *call)
{
    const AkUnit *unit = call->fn->unit;
    AkArgument args = ak_argument(pass, call, "args", -1),
               arg = ak_argument(pass, call, "arg", 1);
    Given given = {.known = true};

    if (args.given == AK_MAYBE_GIVEN || arg.given == AK_MAYBE_GIVEN)
        return (Given){.known = false};
    if (arg.given == AK_GIVEN) {
        given.count = 1;
        given.items[0] = arg.unit == unit ? arg.expr : 0;
    } else if (args.given == AK_GIVEN) {
        const AkExpr *display = ak_expr(args.unit->facts, args.expr);

        if ((display->kind != AK_X_LIST && display->kind != AK_X_TUPLE) ||
            display->kids.count > 16 || args.unit != unit)
            return (Given){.known = false};
        for (uint32_t i = 0; i < display->kids.count; i++) {
            given.items[i] = ak_kid(unit->facts, display->kids, i);
            if (ak_expr(unit->facts, given.items[i])->kind == AK_X_STAR)
                return (Given){.known = false};
        }
        given.count = display->kids.count;
    }
    return given;
}

/* The builtin that an annotation names, or NULL: int, str, … . */
static const char *builtin_type(AkPass *pass, const AkFunction *fn, AkExprId annotation)
{
    static const char *const types[] = {"builtins.int", "builtins.str", "builtins.bool",
                                        "builtins.float"};
    AkValue value = ak_value(pass, fn->unit, annotation);

    for (size_t i = 0;
         annotation && value.kind == AK_V_EXTERNAL && i < sizeof(types) / sizeof(*types); i++)
        if (strcmp(value.dotted, types[i]) == 0)
            return types[i] + strlen("builtins.");
    return NULL;
}

/* A literal that no converter turns into the annotated type. */
static bool is_wrong(const AkExpr *literal, const char *type)
{
    if (literal->kind == AK_X_STRING || literal->kind == AK_X_FSTRING)
        return strcmp(type, "str") != 0;
    if (literal->kind == AK_X_INT)
        return strcmp(type, "str") == 0 || strcmp(type, "bool") == 0;
    return (literal->kind == AK_X_LIST || literal->kind == AK_X_DICT);
}

static void check_types(AkPass *pass, const AkCall *call, const AkFunction *fn,
                        const Given *given)
{
    for (size_t i = 0; i < given->count; i++) {
        const AkParam *param = ak_param_at(fn, i);
        const char *type = param ? builtin_type(pass, fn, param->annotation) : NULL;

        if (type && given->items[i] &&
            is_wrong(ak_expr(call->fn->unit->facts, given->items[i]), type))
            ak_report_expr(pass, call->fn, given->items[i], AK_CTX_WORKFLOW,
                           "'%s' of '%s' is annotated %s and gets another type",
                           ak_name(fn->unit->facts, param->name), fn->name, type);
    }
}

static void check_count(AkPass *pass, const AkCall *call)
{
    const AkFunction *fn = ak_started(pass, call);
    Given given = given_to(pass, call);
    size_t least, most;
    bool any;

    if (!fn || !given.known || ak_fact(fn)->decorators.count > 1)
        return;
    most = ak_params(fn, &least, &any);
    if (given.count < least || (given.count > most && !any)) {
        bool few = given.count < least;
        size_t bound = few ? least : most;
        const char *about = !any && least == most ? "" : few ? "at least " : "at most ";

        ak_report_call(pass, call, ak_contexts_at(pass, call) & AK_CTX_WORKFLOW,
                       "'%s' takes %s%zu argument%s and is given %zu",
                       fn->roles & AK_ROLE_RUN ? fn->qualified : fn->name, about, bound,
                       bound == 1 ? "" : "s", given.count);
    } else {
        check_types(pass, call, fn, &given);
    }
}

static void check(AkPass *pass)
{
    for (size_t i = 0; i < pass->call_len; i++) {
        const AkCall *call = pass->calls[i];
        unsigned kind;

        if (call->kind != AK_CALL_PLAIN || !call->dotted ||
            strncmp(call->dotted, "temporalio.", 11) != 0)
            continue;
        if (check_positions(pass, call) || check_both(pass, call))
            continue;
        kind = ak_starts(call);
        if (kind && !(kind & AK_STARTS_ACTIVITY && check_called(pass, call)))
            check_count(pass, call);
    }
}

const AkRule ak_rule_AK407 = {
    .id = "AK407",
    .name = "activity-arguments",
    .level = AK_ERROR,
    .dialects = AK_DIALECT_TEMPORAL,
    .since = "0.1",
    .summary = "an activity, workflow or message gets arguments that it cannot take",
    .why = "One argument goes by position, several as args=[…]; what does not fit the SDK's "
           "own function raises "
           "TypeError or ValueError when the line runs. A count that does not fit the activity "
           "is found by the "
           "worker that is to run it, which fails and is asked again for ever.",
    .instead = "Write execute_activity(charge, args=[order, amount], …), with as many as the "
               "activity has "
               "parameters.",
    .misses = "Lists of arguments that are built elsewhere, activities named by a string that "
              "several have, "
              "activities under other decorators, and types that are no literals.",
    .fix = AK_FIX_SAFE,
    .check = check,
};
