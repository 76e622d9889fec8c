/* continue_as_new reached from an update handler. */
#include "rule.h"

/* Since 1.35 the SDK fails the task; before, the update's sender was left without an answer. */
static bool fails_the_task(const AkPass *pass)
{
    AkSdkVersions before = ((AkSdkVersions)1 << (35 - AK_SDK_FIRST_MINOR)) - 1,
                  pinned = ak_sdk_pinned(pass);

    return pinned == ak_sdk_all() || !(pinned & before);
}

static bool continues(const AkCall *call, void *arg)
{
    (void)arg;
    return call->kind == AK_CALL_PLAIN && ak_calls(call, "temporalio.workflow.continue_as_new");
}

static void check(AkPass *pass)
{
    for (size_t i = 0; i < pass->function_len; i++) {
        const AkFunction *fn = pass->functions[i];
        const AkCall *call;
        AkReport *report;

        if (!(fn->roles & AK_ROLE_UPDATE) || !fn->index ||
            !(call = ak_reaches(pass, fn, continues, NULL)))
            continue;
        if (call->fn == fn) {
            report = ak_report_call(pass, call, AK_CTX_SIGNAL,
                                    "update handler '%s' continues as new", fn->name);
        } else {
            report =
                ak_report_function(pass, fn, AK_CTX_SIGNAL,
                                   "update handler '%s' leads to continue_as_new", fn->name);
            ak_step(report, call->fn->unit, call->expr, "continues as new here");
        }
        if (!fails_the_task(pass))
            ak_level(report, AK_WARNING);
    }
}

const AkRule ak_rule_AK515 = {
    .id = "AK515",
    .name = "continue-as-new-in-update",
    .level = AK_ERROR,
    .dialects = AK_DIALECT_TEMPORAL,
    .since = "0.1",
    .summary = "an update handler continues the workflow as new",
    .why = "The run would end before the update is answered: since 1.35 the SDK fails the "
           "workflow task, which is then "
           "retried for ever; before, the sender got an error.",
    .instead =
        "Set an attribute in the handler and call workflow.continue_as_new in the run method.",
    .misses = "Ways through functions that are not known.",
    .fix = AK_FIX_NONE,
    .check = check,
};
