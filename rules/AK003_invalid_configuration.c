/* Mistakes in settings and manifests. The command line reads those files and reports what is
 * wrong with them (analyzer/cli/config.c, manifest.c): the library opens no file. */
#include "rule.h"

const AkRule ak_rule_AK003 = {
    .id = "AK003",
    .name = "invalid-configuration",
    .level = AK_ERROR,
    .dialects = AK_DIALECTS_ALL,
    .since = "0.1",
    .summary = "settings say what nobody understands",
    .why = "A key that is misspelt does nothing: a rule that should be on stays off, or a "
           "folder that "
           "should be left out is checked. The other settings still hold, and the run ends "
           "with 2. A "
           "manifest that is no YAML hides the entry points that it names.",
    .instead = "Mend the place that is named; `aklint config` prints what holds and where it "
               "was said, "
               "and docs/aklint.schema.json lets an editor find such mistakes.",
    .misses = "Globs that match no file, and names in calls and entry-points that nothing has.",
    .fix = AK_FIX_NONE,
    .check = NULL,
};
