/* Activities started with neither of the two timeouts that the server demands. */
#include "rule.h"

#include <string.h>

static const char *const starters[] = {
    "execute_activity",       "execute_activity_class",       "execute_activity_method",
    "execute_local_activity", "execute_local_activity_class", "execute_local_activity_method",
    "start_activity",         "start_activity_class",         "start_activity_method",
    "start_local_activity",   "start_local_activity_class",   "start_local_activity_method",
};

static const char *const demanded[] = {"start_to_close_timeout", "schedule_to_close_timeout"};

/* The function's name, or NULL if the call starts no activity. */
static const char *starter(const AkCall *call)
{
    static const char module[] = "temporalio.workflow.";

    if (!call->dotted || strncmp(call->dotted, module, sizeof(module) - 1) != 0)
        return NULL;
    for (size_t i = 0; i < sizeof(starters) / sizeof(*starters); i++)
        if (strcmp(call->dotted + sizeof(module) - 1, starters[i]) == 0)
            return starters[i];
    return NULL;
}

/* None and a duration of zero count as no timeout. */
static bool is_nothing(AkPass *pass, const AkArgument *argument)
{
    double seconds;

    if (ak_value(pass, argument->unit, argument->expr).kind == AK_V_NONE)
        return true;
    return ak_seconds(pass, argument->unit, argument->expr, &seconds) && seconds == 0;
}

static AkGiven has_timeout(AkPass *pass, const AkCall *call)
{
    AkGiven given = AK_ABSENT;

    for (int i = 0; i < 2; i++) {
        AkArgument argument = ak_argument(pass, call, demanded[i], -1);

        if (argument.given == AK_GIVEN && !is_nothing(pass, &argument))
            return AK_GIVEN;
        if (argument.given == AK_MAYBE_GIVEN)
            given = AK_MAYBE_GIVEN;
    }
    return given;
}

/* Whether the call hands on the `**options` of the function around it. */
static bool forwards_options(const AkCall *call)
{
    const AkFacts *facts = call->fn->unit->facts;
    const AkFunctionFact *fact = ak_fact(call->fn);
    const AkParam *last =
        fact->param_len ? &facts->params[fact->first_param + fact->param_len - 1] : NULL;
    const AkExpr *expr = ak_call_expr(call);

    if (!last || last->kind != AK_PARAM_KWARGS)
        return false;
    for (uint32_t i = 1; i < expr->kids.count; i++) {
        const AkExpr *argument = ak_expr(facts, ak_kid(facts, expr->kids, i));
        const AkExpr *value = ak_expr(facts, ak_kid(facts, argument->kids, 0));

        if (argument->kind == AK_X_DOUBLE_STAR && value->kind == AK_X_NAME &&
            value->name == last->name)
            return true;
    }
    return false;
}

static void check_callers(AkPass *pass, const AkCall *inner)
{
    for (size_t i = 0; i < pass->call_len; i++) {
        const AkCall *call = pass->calls[i];

        if (call->target == inner->fn && call->kind == AK_CALL_PLAIN && call->proved &&
            has_timeout(pass, call) == AK_ABSENT)
            ak_report_call(pass, call, AK_CTX_WORKFLOW,
                           "'%s' starts an activity and gets neither start_to_close_timeout "
                           "nor schedule_to_close_timeout",
                           ak_callee_text(pass, call));
    }
}

static void check(AkPass *pass)
{
    for (size_t i = 0; i < pass->call_len; i++) {
        const AkCall *call = pass->calls[i];
        const char *name = call->kind == AK_CALL_PLAIN ? starter(call) : NULL;

        if (!name)
            continue;
        switch (has_timeout(pass, call)) {
        case AK_ABSENT:
            ak_report_call(pass, call, ak_contexts_at(pass, call) & AK_CTX_WORKFLOW,
                           "'workflow.%s' gets neither start_to_close_timeout nor "
                           "schedule_to_close_timeout",
                           name);
            break;
        case AK_MAYBE_GIVEN:
            if (call->fn->index && forwards_options(call))
                check_callers(pass, call);
            break;
        case AK_GIVEN: break;
        }
    }
}

const AkRule ak_rule_AK401 = {
    .id = "AK401",
    .name = "missing-activity-timeout",
    .level = AK_ERROR,
    .dialects = AK_DIALECT_TEMPORAL,
    .since = "0.1",
    .summary = "an activity is started without a timeout",
    .why = "One of the two is demanded: without both, the call raises ValueError at once, "
           "the workflow task fails and is retried for ever. A timeout of zero counts as "
           "none.",
    .instead = "Give start_to_close_timeout, how long one attempt may take, or "
               "schedule_to_close_timeout, which counts the retries as well.",
    .misses = "Options that arrive through values that cannot be known, and wrappers of "
              "wrappers.",
    .fix = AK_FIX_NONE,
    .check = check,
};
