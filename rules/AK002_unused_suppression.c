/* Comments that silence nothing. The check is part of the pipeline (analyzer/unused.c): it
 * comes after all others, when it is known what was silenced. */
#include "rule.h"

const AkRule ak_rule_AK002 = {
    .id = "AK002",
    .name = "unused-suppression",
    .level = AK_WARNING,
    .dialects = AK_DIALECTS_ALL,
    .since = "0.1",
    .summary = "a comment that silences nothing",
    .why =
        "A comment that allows what is not there any more hides the next thing that will be, "
        "and tells readers of a danger that is gone. One that names no rule never worked.",
    .instead = "Take the comment out, or name the rule that you mean.",
    .misses =
        "Comments in code that nothing durable runs, or that the files of this run do not "
        "lead to; names of rules that were not asked for.",
    .fix = AK_FIX_SAFE,
    .check = NULL,
};
