/* Tests that wait for a workflow's long sleep in real time. */
#include "rule.h"

#include <string.h>

static const double long_seconds = 60;

/* The first long sleep of a constant length in the run method. */
static const AkCall *long_sleep(AkPass *pass, const AkFunction *run, double *seconds)
{
    for (size_t i = 0; i < run->call_len; i++) {
        const AkCall *call = &run->calls[i];
        bool plain = ak_calls(call, "asyncio.sleep");
        AkArgument given;

        if (!plain && !ak_calls(call, "temporalio.workflow.sleep"))
            continue;
        given = ak_argument(pass, call, plain ? "delay" : "duration", 0);
        if (given.given == AK_GIVEN &&
            (ak_number(pass, given.unit, given.expr, seconds) ||
             ak_seconds(pass, given.unit, given.expr, seconds)) &&
            *seconds >= long_seconds)
            return call;
    }
    return NULL;
}

/* The run method that a test's `….execute_workflow(Order.run, …)` waits for, by the method's name. */
static const AkFunction *waited_for(AkPass *pass, const AkCall *call)
{
    const AkFacts *facts = call->fn->unit->facts;
    AkKids kids = ak_call_expr(call)->kids;
    const AkExpr *callee = ak_expr(facts, ak_kid(facts, kids, 0));

    if (callee->kind != AK_X_ATTRIBUTE ||
        strcmp(ak_name(facts, callee->name), "execute_workflow") != 0 || kids.count < 2)
        return NULL;
    AkValue value = ak_value(pass, call->fn->unit, ak_kid(facts, kids, 1));
    return value.kind == AK_V_FUNCTION && value.function->roles & AK_ROLE_RUN ? value.function
                                                                              : NULL;
}

/* Whether the module makes a server that keeps real time, and none that skips it. */
static bool keeps_real_time(const AkModule *module)
{
    return !ak_module_has(module, "start_time_skipping") &&
           (ak_module_has(module, "start_local") || ak_module_has(module, "Client.connect"));
}

static void check(AkPass *pass)
{
    for (size_t i = 0; i < pass->call_len; i++) {
        const AkCall *call = pass->calls[i], *sleep;
        const AkFunction *run;
        double seconds;

        if (call->kind != AK_CALL_PLAIN || !call->fn->unit->module->is_test)
            continue;
        run = waited_for(pass, call);
        if (run && (sleep = long_sleep(pass, run, &seconds)) &&
            keeps_real_time(call->fn->unit->module))
            ak_step(ak_report_call(pass, call, 0, "this test waits %.0f s for a sleep of '%s'",
                                   seconds, run->qualified),
                    sleep->fn->unit, sleep->expr, "sleeps here");
    }
}

const AkRule ak_rule_AK602 = {
    .id = "AK602",
    .name = "real-time-test",
    .level = AK_NOTE,
    .dialects = AK_DIALECT_TEMPORAL,
    .since = "0.1",
    .summary = "a test waits in real time for a workflow's sleep",
    .why =
        "A local server keeps real time: a workflow that sleeps an hour takes an hour to test.",
    .instead = "Use WorkflowEnvironment.start_time_skipping(), from temporalio.testing, which "
               "skips timers.",
    .misses = "Sleeps whose length is not constant, and environments made by fixtures in other "
              "files.",
    .fix = AK_FIX_NONE,
    .check = check,
};
