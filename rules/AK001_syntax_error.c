/* Code that CPython refuses. The check itself is part of the pipeline (analyzer/check.c): it
 * has the parser's errors and asks the caller's interpreter, the referee where the grammar
 * fails. */
#include "rule.h"

const AkRule ak_rule_AK001 = {
    .id = "AK001",
    .name = "syntax-error",
    .level = AK_ERROR,
    .dialects = AK_DIALECTS_ALL,
    .since = "0.1",
    .summary = "code that CPython refuses",
    .why = "A file that does not compile stops the worker or the deployment that loads it. "
           "Only code that a durable program uses is looked at, and a file that CPython "
           "compiles is never reported: where the grammar of this program fails, the "
           "interpreter of the project decides.",
    .instead = "Mend the syntax at the place named.",
    .misses = "Errors that CPython finds only after parsing (a return outside a function, a "
              "nonlocal without a binding) are found when an interpreter is at hand. Without "
              "one, a place that the grammar cannot read is a warning.",
    .fix = AK_FIX_NONE,
    .check = NULL,
};
