/* What workflow code reads of the machine and process it happens to run on. */
#include "rule.h"

#include <string.h>

static void check(AkPass *pass)
{
    for (size_t i = 0; i < pass->call_len; i++) {
        const AkCall *call = pass->calls[i];

        if (ak_does(call, AK_ENV) && ak_contexts_at(pass, call) & AK_CTX_WORKFLOW)
            ak_report_call(pass, call, AK_CTX_WORKFLOW,
                           "'%s' depends on where the workflow runs", call->dotted);
    }
}

const AkRule ak_rule_AK307 = {
    .id = "AK307",
    .name = "environment-read",
    .level = AK_ERROR,
    .dialects = AK_DIALECT_TEMPORAL,
    .since = "0.1",
    .summary = "workflow code reads the environment, the host or the process",
    .why = "A replay may happen on another machine, with another environment and process. What "
           "is read there differs from what the first run saw, and the sandbox refuses most of "
           "it when the line is reached.",
    .instead =
        "Read it while the module is imported, in an activity, or give it to the workflow "
        "as an argument.",
    .misses = "Settings objects of other packages that read the environment inside.",
    .fix = AK_FIX_NONE,
    .check = check,
};
