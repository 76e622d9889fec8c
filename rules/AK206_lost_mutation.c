/* Recorded calls whose point is to change their argument. */
#include "rule.h"

#include <string.h>

static bool mutates(const AkCall *call)
{
    return ak_does_any(call, AK_MUTATES(0) | AK_MUTATES(1) | AK_MUTATES(2));
}

static void check(AkPass *pass)
{
    for (size_t i = 0; i < pass->call_len; i++) {
        const AkCall *call = pass->calls[i];

        if (call->kind == AK_CALL_PLAIN && call->dotted && mutates(call) &&
            ak_crosses(pass, call))
            ak_report_call(pass, call, AK_CTX_WORKFLOW,
                           "'%s' changes its argument, and a replay does not repeat the change",
                           call->dotted);
    }
}

const AkRule ak_rule_AK206 = {
    .id = "AK206",
    .name = "lost-mutation",
    .level = AK_WARNING,
    .dialects = AK_DIALECT_AK | AK_DIALECT_AUTOKITTEH,
    .since = "0.1",
    .summary = "a recorded call changes its argument",
    .why = "A replay answers a recorded call from the journal: the result comes back, the "
           "change of the "
           "argument does not. After a crash the program goes on with the unchanged object.",
    .instead = "Use a function that returns the new value (random.sample(x, len(x)) for "
               "random.shuffle), or do the whole work in one activity and return the result.",
    .misses = "Functions of other packages that change what they are given.",
    .fix = AK_FIX_NONE,
    .check = check,
};
