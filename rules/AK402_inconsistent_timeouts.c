/* Timeouts of one activity that contradict each other, or what the activity visibly does. */
#include "rule.h"

#include <string.h>

typedef struct Timeout {
    bool known;
    double seconds;
    AkArgument given;
} Timeout;

enum { HEARTBEAT, START_TO_CLOSE, SCHEDULE_TO_START, SCHEDULE_TO_CLOSE, TIMEOUTS };

static const char *const names[TIMEOUTS] = {"heartbeat_timeout", "start_to_close_timeout",
                                            "schedule_to_start_timeout",
                                            "schedule_to_close_timeout"};

static AkReport *report(AkPass *pass, const AkCall *call, const Timeout *at, const char *what)
{
    const AkFunction *fn = ak_function_of(at->given.unit, at->given.expr);

    return ak_report_expr(pass, fn, at->given.expr, fn == call->fn ? AK_CTX_WORKFLOW : 0, "%s",
                          what);
}

static bool longer(const Timeout *a, const Timeout *b)
{
    return a->known && b->known && b->seconds > 0 && a->seconds > b->seconds;
}

/* The longest sleep of a constant length in the activity's own body. */
static const AkCall *longest_sleep(AkPass *pass, const AkFunction *fn, double *seconds)
{
    const AkCall *found = NULL;

    *seconds = 0;
    for (size_t i = 0; i < fn->call_len; i++) {
        const AkCall *call = &fn->calls[i];
        AkArgument delay;
        double s;

        if (!ak_calls(call, "time.sleep") && !ak_calls(call, "asyncio.sleep"))
            continue;
        delay = ak_argument(pass, call, "delay", 0);
        if (delay.given == AK_GIVEN && ak_number(pass, delay.unit, delay.expr, &s) &&
            s > *seconds) {
            *seconds = s;
            found = call;
        }
    }
    return found;
}

static void check_call(AkPass *pass, const AkCall *call)
{
    Timeout t[TIMEOUTS];
    const Timeout *start = &t[START_TO_CLOSE];

    for (int i = 0; i < TIMEOUTS; i++) {
        t[i].given = ak_argument(pass, call, names[i], -1);
        t[i].known = t[i].given.given == AK_GIVEN &&
                     ak_seconds(pass, t[i].given.unit, t[i].given.expr, &t[i].seconds);
        if (t[i].known && t[i].seconds < 0)
            ak_report_expr(pass, call->fn, call->expr, AK_CTX_WORKFLOW, "%s is negative",
                           names[i]);
    }
    if (t[HEARTBEAT].known && start->known && start->seconds > 0 &&
        t[HEARTBEAT].seconds >= start->seconds)
        report(pass, call, &t[HEARTBEAT],
               "heartbeat_timeout is not shorter than start_to_close_timeout, so it never ends "
               "an attempt");
    if (longer(start, &t[SCHEDULE_TO_CLOSE]))
        report(
            pass, call, start,
            "start_to_close_timeout is longer than schedule_to_close_timeout, which cuts it");
    const AkFunction *activity = ak_started(pass, call);
    double seconds;
    if (!activity || !start->known || start->seconds <= 0)
        return;
    const AkCall *sleep = longest_sleep(pass, activity, &seconds);
    if (sleep && seconds > start->seconds)
        ak_step(ak_report_call(
                    pass, call, AK_CTX_WORKFLOW,
                    "activity '%s' sleeps %g s, longer than its start_to_close_timeout of %g s",
                    activity->name, seconds, start->seconds),
                activity->unit, sleep->expr, "sleeps here");
}

static void check(AkPass *pass)
{
    for (size_t i = 0; i < pass->call_len; i++)
        if (ak_starts(pass->calls[i]) & AK_STARTS_ACTIVITY)
            check_call(pass, pass->calls[i]);
}

const AkRule ak_rule_AK402 = {
    .id = "AK402",
    .name = "inconsistent-timeouts",
    .level = AK_WARNING,
    .dialects = AK_DIALECT_TEMPORAL,
    .since = "0.1",
    .summary = "timeouts of an activity contradict each other",
    .why = "A heartbeat timeout as long as the attempt never speaks; an attempt that may take "
           "longer than all attempts together is cut; an activity that sleeps longer than one "
           "attempt may take never ends.",
    .instead =
        "Give a heartbeat_timeout shorter than start_to_close_timeout, and that no longer than "
        "schedule_to_close_timeout.",
    .misses = "Durations that are not constant, and work whose length nobody states.",
    .fix = AK_FIX_NONE,
    .check = check,
};
