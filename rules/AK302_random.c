/* Randomness in workflow code. */
#include "rule.h"

#include <string.h>

static void check_recorded(AkPass *pass, const AkCall *call)
{
    AkReport *report = ak_report_call(pass, call, AK_CTX_WORKFLOW,
                                      call->kind == AK_CALL_PLAIN
                                          ? "'%s' is recorded: each call costs a synced step"
                                          : "'%s' is called unrecorded and differs on replay",
                                      call->dotted);

    ak_advice(report, "Use ak.random(), a generator seeded from the session: it is free, and "
                      "the same on replay.");
}

/* random.choice(x) becomes workflow.random().choice(x). */
static void fix(AkReport *report, const AkCall *call)
{
    static const char module[] = "random.";
    const char *name = call->dotted + sizeof(module) - 1;
    char tail[64] = ".random().";

    if (call->kind != AK_CALL_PLAIN || strncmp(call->dotted, module, sizeof(module) - 1) != 0 ||
        strchr(name, '.') || strlen(name) > 40 || strcmp(name, "Random") == 0 ||
        strcmp(name, "SystemRandom") == 0)
        return;
    ak_fix(report, AK_FIX_SAFE, "call workflow.random().%s", name);
    ak_fix_callee(report, call, "temporalio", "workflow", strcat(tail, name));
}

static void check(AkPass *pass)
{
    for (size_t i = 0; i < pass->call_len; i++) {
        const AkCall *call = pass->calls[i];

        if (!ak_does(call, AK_RANDOM) || !(ak_contexts_at(pass, call) & AK_CTX_WORKFLOW))
            continue;
        if (pass->dialect == AK_DIALECT_TEMPORAL)
            fix(ak_report_call(pass, call, AK_CTX_WORKFLOW, "'%s' is random in workflow code",
                               call->dotted),
                call);
        else
            check_recorded(pass, call);
    }
}

const AkRule ak_rule_AK302 = {
    .id = "AK302",
    .name = "random",
    .level = AK_ERROR,
    .dialects = AK_DIALECT_AK | AK_DIALECT_TEMPORAL,
    .since = "0.1",
    .summary = "workflow code uses a random source that is not replayed",
    .why = "On replay the values differ, and the workflow takes another way than the one in "
           "its history. In a program for our own runtime the call is recorded and therefore "
           "safe, but costs a durable step each time.",
    .instead =
        "Use workflow.random(), a generator seeded from the history; in a program for our "
        "own runtime ak.random(). A random.Random with a fixed seed is fine as well.",
    .misses = "Random sources inside packages that are neither in the tables nor followed; a "
              "generator whose seed is itself random.",
    .fix = AK_FIX_SAFE,
    .check = check,
};
