/* Clocks read in workflow code. */
#include "rule.h"

/* In a program for our own runtime the call is recorded, unless library code makes it. */
static void check_recorded(AkPass *pass, const AkCall *call)
{
    bool recorded = call->kind == AK_CALL_PLAIN;
    AkReport *report =
        ak_report_call(pass, call, AK_CTX_WORKFLOW,
                       recorded ? "'%s' is recorded: each call costs a synced step"
                                : "'%s' is called unrecorded and differs on replay",
                       call->dotted);

    ak_advice(report, "Use ak.now(): it is free, and the same on replay.");
    if (recorded && (ak_calls(call, "time.time") || ak_calls(call, "datetime.datetime.now")) &&
        ak_call_expr(call)->kids.count == 1) {
        ak_fix(report, AK_FIX_UNSAFE, "call ak.now()");
        ak_fix_callee(report, call, "ak", NULL,
                      ak_calls(call, "time.time") ? ".now().timestamp" : ".now");
    }
}

static void check_replayed(AkPass *pass, const AkCall *call)
{
    AkReport *report = ak_report_call(pass, call, AK_CTX_WORKFLOW,
                                      "'%s' reads the clock in workflow code", call->dotted);
    bool plain = call->kind == AK_CALL_PLAIN && ak_call_expr(call)->kids.count == 1;

    if (plain && (ak_calls(call, "time.time") || ak_calls(call, "time.time_ns"))) {
        bool ns = ak_calls(call, "time.time_ns");

        ak_fix(report, AK_FIX_SAFE, "call workflow.%s()", ns ? "time_ns" : "time");
        ak_fix_callee(report, call, "temporalio", "workflow", ns ? ".time_ns" : ".time");
    } else if (plain && (ak_calls(call, "datetime.datetime.now") ||
                         ak_calls(call, "datetime.datetime.utcnow"))) {
        ak_fix(report, AK_FIX_UNSAFE, "call workflow.now(), which is aware of its zone, UTC");
        ak_fix_callee(report, call, "temporalio", "workflow", ".now");
    }
}

static void check(AkPass *pass)
{
    for (size_t i = 0; i < pass->call_len; i++) {
        const AkCall *call = pass->calls[i];

        if (!ak_does(call, AK_CLOCK) || !(ak_contexts_at(pass, call) & AK_CTX_WORKFLOW))
            continue;
        if (pass->dialect == AK_DIALECT_TEMPORAL)
            check_replayed(pass, call);
        else
            check_recorded(pass, call);
    }
}

const AkRule ak_rule_AK301 = {
    .id = "AK301",
    .name = "wall-clock",
    .level = AK_ERROR,
    .dialects = AK_DIALECT_AK | AK_DIALECT_TEMPORAL,
    .since = "0.1",
    .summary = "workflow code reads the clock",
    .why = "On replay the clock gives another value, and the workflow takes another way than "
           "the one in its history: the task fails and is retried for ever. In a program for "
           "our own runtime the call is recorded and therefore safe, but costs a durable "
           "step each time.",
    .instead = "Call workflow.now() or workflow.time(); in a program for our own runtime "
               "ak.now().",
    .misses = "Clocks inside packages that are neither in the tables nor followed; clocks "
              "behind values that cannot be known.",
    .fix = AK_FIX_SAFE,
    .check = check,
};
