/* Comments that silence and do not say why; found in analyzer/unused.c. Off until settings want it. */
#include "rule.h"

const AkRule ak_rule_AK004 = {
    .id = "AK004",
    .name = "allow-without-reason",
    .level = AK_OFF,
    .dialects = AK_DIALECTS_ALL,
    .since = "0.1",
    .summary = "a comment silences a rule and gives no reason",
    .why = "Whoever reads it next cannot tell whether it still holds. The rule is off until a "
           "project wants it: `AK004 = \"error\"` below [tool.aklint.levels], or its name in "
           "select.",
    .instead = "Say why behind two dashes: `# aklint: allow AK301 -- measured outside`.",
    .misses = "Whether the reason is one.",
    .fix = AK_FIX_NONE,
    .check = NULL,
};
