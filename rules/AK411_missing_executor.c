/* Activities that are plain functions, in a worker with no executor to run them. */
#include "rule.h"

/* The first activity in the list that is no coroutine function. */
static const AkFunction *plain_activity(AkPass *pass, const AkArgument *list)
{
    AkValue value = ak_value(pass, list->unit, list->expr);

    if ((value.kind != AK_V_LIST && value.kind != AK_V_TUPLE) || !value.unit)
        return NULL;
    const AkFacts *facts = value.unit->facts;
    const AkExpr *display = ak_expr(facts, value.expr);
    if (display->kind != AK_X_LIST && display->kind != AK_X_TUPLE)
        return NULL;
    for (uint32_t i = 0; i < display->kids.count; i++) {
        AkValue item = ak_value(pass, value.unit, ak_kid(facts, display->kids, i));

        if ((item.kind == AK_V_FUNCTION || item.kind == AK_V_BOUND) &&
            item.function->roles & AK_ROLE_ACTIVITY && !ak_fact(item.function)->is_async &&
            ak_fact(item.function)->decorators.count == 1)
            return item.function;
    }
    return NULL;
}

static void check(AkPass *pass)
{
    for (size_t i = 0; i < pass->call_len; i++) {
        const AkCall *call = pass->calls[i];
        const AkFunction *fn;
        AkArgument activities, executor;

        if (call->kind != AK_CALL_PLAIN || !ak_calls(call, "temporalio.worker.Worker"))
            continue;
        activities = ak_argument(pass, call, "activities", -1);
        executor = ak_argument(pass, call, "activity_executor", -1);
        if (activities.given == AK_GIVEN && executor.given == AK_ABSENT &&
            (fn = plain_activity(pass, &activities)))
            ak_report_call(
                pass, call, 0,
                "activity '%s' is a plain function, and the worker has no activity_executor",
                fn->name);
    }
}

const AkRule ak_rule_AK411 = {
    .id = "AK411",
    .name = "missing-executor",
    .level = AK_ERROR,
    .dialects = AK_DIALECT_TEMPORAL,
    .since = "0.1",
    .summary = "a worker has plain activities and no executor",
    .why = "A plain function would hold the worker's event loop, so the worker wants threads "
           "for it and refuses "
           "to be made: ValueError.",
    .instead =
        "Give activity_executor=ThreadPoolExecutor(max_workers=…), or make the activity async.",
    .misses =
        "Lists of activities that are built elsewhere, and activities under other decorators.",
    .fix = AK_FIX_NONE,
    .check = check,
};
