/* Retry policies that the SDK refuses, or that do not mean what they say. */
#include "rule.h"

#include <stdio.h>
#include <string.h>

static const char *const keywords[] = {"initial_interval", "backoff_coefficient",
                                       "maximum_interval", "maximum_attempts",
                                       "non_retryable_error_types"};

static void check_names(AkPass *pass, const AkCall *call)
{
    const AkSdkName *policy = ak_sdk_find("temporalio.common.RetryPolicy");
    const AkUnit *unit = call->fn->unit;
    AkKids kids = ak_call_expr(call)->kids;

    for (uint32_t i = 1; i < kids.count; i++) {
        const AkExpr *argument = ak_expr(unit->facts, ak_kid(unit->facts, kids, i));
        const char *name = ak_name(unit->facts, argument->name), *advice;
        char full[160], nearest[64];

        if (argument->kind != AK_X_KEYWORD || ak_sdk_keyword(policy, name))
            continue;
        AkReport *report = ak_report_bytes(pass, call->fn, argument->start,
                                           argument->start + (uint32_t)strlen(name),
                                           ak_contexts_at(pass, call) & AK_CTX_WORKFLOW,
                                           "RetryPolicy has no argument '%s'", name);
        snprintf(full, sizeof(full), "temporalio.common.RetryPolicy(%.64s=)", name);
        advice = ak_sdk_advice(full);
        if (advice)
            ak_advice(report, "%s", advice);
        else if (ak_sdk_nearest_keyword(policy, name, nearest, sizeof(nearest)))
            ak_advice(report, "Did you mean %s?", nearest);
    }
}

/* The last name of an exception class given in place of its name, or NULL. */
static const char *class_name(const AkValue *value)
{
    const char *dot;

    if (value->kind == AK_V_CLASS)
        return value->class_->name;
    if (value->kind != AK_V_EXTERNAL || !value->dotted || !(dot = strrchr(value->dotted, '.')))
        return NULL;
    size_t len = strlen(dot);
    bool named = (len > 5 && strcmp(dot + len - 5, "Error") == 0) ||
                 (len > 9 && strcmp(dot + len - 9, "Exception") == 0);
    return named ? dot + 1 : NULL;
}

static void check_types(AkPass *pass, const AkCall *call)
{
    AkArgument given = ak_argument(pass, call, "non_retryable_error_types", 4);
    const AkUnit *unit = call->fn->unit;

    if (given.given != AK_GIVEN || given.unit != unit)
        return;
    const AkExpr *list = ak_expr(unit->facts, given.expr);
    if (list->kind != AK_X_LIST && list->kind != AK_X_TUPLE)
        return;
    for (uint32_t i = 0; i < list->kids.count; i++) {
        AkExprId item = ak_kid(unit->facts, list->kids, i);
        AkValue value = ak_value(pass, unit, item);
        const char *name = class_name(&value);
        char quoted[80];

        if (!name || strlen(name) > 70)
            continue;
        AkReport *report =
            ak_report_expr(pass, call->fn, item, ak_contexts_at(pass, call) & AK_CTX_WORKFLOW,
                           "non_retryable_error_types takes names, and '%s' is a class", name);
        snprintf(quoted, sizeof(quoted), "\"%.70s\"", name);
        ak_fix(report, AK_FIX_SAFE, "write its name");
        ak_fix_replace(report, unit, item, quoted);
    }
}

/* What the SDK refuses when the policy is used. */
static void check_values(AkPass *pass, const AkCall *call)
{
    double first, most, number;
    unsigned context = ak_contexts_at(pass, call) & AK_CTX_WORKFLOW;
    AkArgument initial = ak_argument(pass, call, keywords[0], 0),
               coefficient = ak_argument(pass, call, keywords[1], 1);
    AkArgument maximum = ak_argument(pass, call, keywords[2], 2),
               attempts = ak_argument(pass, call, keywords[3], 3);
    /* With one attempt nothing of it is looked at. */
    if (attempts.given == AK_GIVEN && ak_number(pass, attempts.unit, attempts.expr, &number) &&
        number == 1)
        return;
    bool has_first =
        initial.given == AK_GIVEN && ak_seconds(pass, initial.unit, initial.expr, &first);
    bool has_most =
        maximum.given == AK_GIVEN && ak_seconds(pass, maximum.unit, maximum.expr, &most);

    if (has_first && first < 0)
        ak_report_call(pass, call, context, "initial_interval is negative");
    if (has_most && most < 0)
        ak_report_call(pass, call, context, "maximum_interval is negative");
    else if (has_most && most > 0 && has_first && first > most)
        ak_report_call(pass, call, context,
                       "maximum_interval is shorter than initial_interval");
    if (coefficient.given == AK_GIVEN &&
        ak_number(pass, coefficient.unit, coefficient.expr, &number) && number < 1)
        ak_report_call(pass, call, context, "backoff_coefficient is less than 1");
    if (attempts.given == AK_GIVEN && ak_number(pass, attempts.unit, attempts.expr, &number) &&
        number < 0)
        ak_report_call(pass, call, context, "maximum_attempts is negative");
}

static void check(AkPass *pass)
{
    for (size_t i = 0; i < pass->call_len; i++) {
        const AkCall *call = pass->calls[i];

        if (call->kind != AK_CALL_PLAIN || !ak_calls(call, "temporalio.common.RetryPolicy"))
            continue;
        check_names(pass, call);
        check_types(pass, call);
        check_values(pass, call);
    }
}

const AkRule ak_rule_AK412 = {
    .id = "AK412",
    .name = "retry-policy",
    .level = AK_ERROR,
    .dialects = AK_DIALECT_TEMPORAL,
    .since = "0.1",
    .summary = "a retry policy has arguments that do not work",
    .why = "An unknown argument raises TypeError, and so do classes where names of errors are "
           "wanted; a "
           "coefficient below 1 or a negative interval raises ValueError when the policy is "
           "used, which in a "
           "workflow fails the task for ever.",
    .instead = "Use initial_interval, backoff_coefficient, maximum_interval, maximum_attempts "
               "(0 for any number, 1 for "
               "no retry) and non_retryable_error_types with names of classes.",
    .misses = "Values that are not constant, and policies made by dataclasses.replace.",
    .fix = AK_FIX_SAFE,
    .check = check,
};
