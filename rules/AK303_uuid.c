/* Random identifiers made in workflow code. */
#include "rule.h"

static void check_recorded(AkPass *pass, const AkCall *call)
{
    bool recorded = call->kind == AK_CALL_PLAIN;
    AkReport *report =
        ak_report_call(pass, call, AK_CTX_WORKFLOW,
                       recorded ? "'%s' is recorded: each call costs a synced step"
                                : "'%s' is called unrecorded and differs on replay",
                       call->dotted);

    ak_advice(report, "Use ak.uuid4(): it is free, and the same on replay.");
    if (recorded && ak_calls(call, "uuid.uuid4")) {
        ak_fix(report, AK_FIX_UNSAFE, "call ak.uuid4()");
        ak_fix_callee(report, call, "ak", NULL, ".uuid4");
    }
}

static void check(AkPass *pass)
{
    for (size_t i = 0; i < pass->call_len; i++) {
        const AkCall *call = pass->calls[i];
        AkReport *report;

        if (!ak_does(call, AK_UUID) || !(ak_contexts_at(pass, call) & AK_CTX_WORKFLOW))
            continue;
        if (pass->dialect != AK_DIALECT_TEMPORAL) {
            check_recorded(pass, call);
            continue;
        }
        report =
            ak_report_call(pass, call, AK_CTX_WORKFLOW,
                           "'%s' makes a random identifier in workflow code", call->dotted);
        if (call->kind == AK_CALL_PLAIN && ak_calls(call, "uuid.uuid4")) {
            ak_fix(report, AK_FIX_SAFE, "call workflow.uuid4()");
            ak_fix_callee(report, call, "temporalio", "workflow", ".uuid4");
        }
    }
}

const AkRule ak_rule_AK303 = {
    .id = "AK303",
    .name = "uuid",
    .level = AK_ERROR,
    .dialects = AK_DIALECT_AK | AK_DIALECT_TEMPORAL,
    .since = "0.1",
    .summary = "workflow code makes an identifier that differs on replay",
    .why = "On replay the identifier is another one: what was started, named or looked up "
           "with it does not match the history. In a program for our own runtime the call is "
           "recorded and therefore safe, but costs a durable step each time.",
    .instead =
        "Call workflow.uuid4(), derived from the history; in a program for our own "
        "runtime ak.uuid4(). uuid3 and uuid5 are computed from their arguments and fine.",
    .misses = "Identifiers made inside packages that are neither in the tables nor followed.",
    .fix = AK_FIX_SAFE,
    .check = check,
};
