/* Projects whose tests never replay a history. */
#include "rule.h"

static void check(AkPass *pass)
{
    if (!ak_text_has(pass, AK_IN_TESTS, "temporalio") ||
        ak_text_has(pass, AK_IN_ANY, "Replayer"))
        return;
    for (size_t i = 0; i < pass->class_len; i++) {
        const AkClass *class_ = pass->classes[i];

        if (!class_->is_workflow || class_->unit->module->is_test ||
            class_->unit->module->use != AK_REPORT)
            continue;
        ak_report_class(pass, class_,
                        "no test replays a history of '%s' or of any other workflow",
                        class_->name);
        return;
    }
}

const AkRule ak_rule_AK601 = {
    .id = "AK601",
    .name = "replay-untested",
    .level = AK_NOTE,
    .dialects = AK_DIALECT_TEMPORAL,
    .since = "0.1",
    .summary = "no test of the project replays a history",
    .why = "A replay of recorded histories against the new code is the one test that finds a "
           "change that breaks "
           "workflows under way. It needs no server.",
    .instead =
        "Keep histories as JSON and run: await Replayer(workflows=[Order]).replay_workflow("
        "WorkflowHistory.from_json(id, text)), from temporalio.worker and temporalio.client.",
    .misses = "Tests that lie outside the checked folders. Said once for a run.",
    .fix = AK_FIX_NONE,
    .check = check,
};
