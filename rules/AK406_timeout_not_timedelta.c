/* Numbers and strings where the SDK wants a timedelta, and the other way round. */
#include "rule.h"

#include <stdio.h>
#include <string.h>

/* Keywords of the SDK that hold a timedelta and nothing else. */
static const char *const durations[] = {
    "schedule_to_close_timeout",
    "schedule_to_start_timeout",
    "start_to_close_timeout",
    "heartbeat_timeout",
    "execution_timeout",
    "run_timeout",
    "task_timeout",
    "local_retry_threshold",
    "initial_interval",
    "maximum_interval",
    "start_delay",
    "graceful_shutdown_timeout",
    "sticky_queue_schedule_to_start_timeout",
};

static bool is_duration(const char *name)
{
    for (size_t i = 0; i < sizeof(durations) / sizeof(*durations); i++)
        if (strcmp(durations[i], name) == 0)
            return true;
    return false;
}

static bool is_number(const AkValue *value)
{
    return value->kind == AK_V_NUMBER && !value->guessed;
}

static bool is_string(const AkValue *value)
{
    return value->kind == AK_V_STRING && !value->guessed;
}

static bool is_timedelta(const AkValue *value)
{
    return value->kind == AK_V_RESULT && strcmp(value->dotted, "datetime.timedelta") == 0;
}

/* A literal number in place becomes timedelta(seconds=number). */
static void fix(AkReport *report, const AkUnit *unit, AkExprId expr)
{
    size_t len;
    const char *text = ak_text(unit, expr, &len), *name;
    char written[160];

    if (ak_expr(unit->facts, expr)->kind != AK_X_INT &&
        ak_expr(unit->facts, expr)->kind != AK_X_FLOAT)
        return;
    ak_fix(report, AK_FIX_SAFE, "wrap the seconds in timedelta");
    name = ak_fix_import(report, "datetime", "timedelta");
    if (!name || len > 60 || strlen(name) > 60)
        return;
    snprintf(written, sizeof(written), "%s(seconds=%.*s)", name, (int)len, text);
    ak_fix_replace(report, unit, expr, written);
}

static void check_keywords(AkPass *pass, const AkCall *call)
{
    const AkUnit *unit = call->fn->unit;
    AkKids kids = ak_call_expr(call)->kids;

    for (uint32_t i = 1; i < kids.count; i++) {
        AkExprId argument = ak_kid(unit->facts, kids, i);
        const AkExpr *written = ak_expr(unit->facts, argument);
        const char *keyword = ak_name(unit->facts, written->name);
        if (written->kind != AK_X_KEYWORD || !is_duration(keyword))
            continue;
        AkExprId given = ak_kid(unit->facts, written->kids, 0);
        AkValue value = ak_value(pass, unit, given);
        if (!is_number(&value) && !is_string(&value))
            continue;
        fix(ak_report_expr(pass, call->fn, given, ak_contexts_at(pass, call) & AK_CTX_WORKFLOW,
                           "%s is a %s and must be a timedelta", keyword,
                           is_number(&value) ? "number" : "string"),
            unit, given);
    }
}

/* asyncio.sleep takes seconds only; workflow.sleep both, but no text. */
static void check_sleep(AkPass *pass, const AkCall *call)
{
    bool plain = ak_calls(call, "asyncio.sleep");
    AkArgument given = ak_argument(pass, call, plain ? "delay" : "duration", 0);
    AkValue value;

    if (given.given != AK_GIVEN || given.unit != call->fn->unit)
        return;
    value = ak_value(pass, given.unit, given.expr);
    if (is_string(&value))
        ak_report_expr(pass, call->fn, given.expr, AK_CTX_WORKFLOW,
                       "'%s' is given a string for a duration", ak_callee_text(pass, call));
    else if (plain && is_timedelta(&value))
        ak_advice(ak_report_expr(pass, call->fn, given.expr, AK_CTX_WORKFLOW,
                                 "'asyncio.sleep' is given a timedelta and takes seconds"),
                  "Write workflow.sleep(…), which takes both, or call total_seconds() on it.");
}

static void check(AkPass *pass)
{
    for (size_t i = 0; i < pass->call_len; i++) {
        const AkCall *call = pass->calls[i];

        if (call->kind != AK_CALL_PLAIN || !call->dotted)
            continue;
        if (ak_calls(call, "temporalio.workflow.sleep") ||
            (ak_calls(call, "asyncio.sleep") && ak_contexts_at(pass, call) & AK_CTX_WORKFLOW))
            check_sleep(pass, call);
        else if (strncmp(call->dotted, "temporalio.", 11) == 0)
            check_keywords(pass, call);
    }
}

const AkRule ak_rule_AK406 = {
    .id = "AK406",
    .name = "timeout-not-timedelta",
    .level = AK_ERROR,
    .dialects = AK_DIALECT_TEMPORAL,
    .since = "0.1",
    .summary = "a number or a string stands where a timedelta is needed",
    .why = "Nothing converts it: the call raises TypeError or AttributeError when the line "
           "runs, the workflow "
           "task fails and is retried for ever.",
    .instead = "Write timedelta(seconds=30), from datetime.",
    .misses = "Values that cannot be known, and timeouts inside dictionaries of options.",
    .fix = AK_FIX_SAFE,
    .check = check,
};
