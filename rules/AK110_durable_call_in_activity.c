/* Calls of the session that the runtime refuses inside an activity. */
#include "rule.h"

#include <string.h>

static bool is_refused(const AkCall *call)
{
    static const char *const names[] = {
        "autokitteh.next_signal", "autokitteh.signals.next_signal",
        "autokitteh.start",       "autokitteh.triggers.start",
        "ak.next_signal",         "ak.start"};

    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
        if (ak_calls(call, names[i]))
            return true;
    return false;
}

static void check(AkPass *pass)
{
    for (size_t i = 0; i < pass->call_len; i++) {
        const AkCall *call = pass->calls[i];

        if (call->kind == AK_CALL_PLAIN && call->dotted && is_refused(call) &&
            ak_contexts_at(pass, call) & AK_CTX_ACTIVITY)
            ak_report_call(pass, call, AK_CTX_ACTIVITY, "'%s' does not work inside an activity",
                           call->dotted);
    }
}

const AkRule ak_rule_AK110 = {
    .id = "AK110",
    .name = "durable-call-in-activity",
    .level = AK_ERROR,
    .dialects = AK_DIALECT_AK | AK_DIALECT_AUTOKITTEH,
    .since = "0.1",
    .summary = "an activity waits for a signal or starts a session",
    .why = "An activity is one recorded step, and a step cannot hold others: waiting for a "
           "signal or "
           "starting a session in it would not be recorded, and the runtime refuses both.",
    .instead =
        "Make the call in the entry point, before or after the activity. next_event works in "
        "an activity too, by polling.",
    .misses = "Calls through values that cannot be known.",
    .fix = AK_FIX_NONE,
    .check = check,
};
