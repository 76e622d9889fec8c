/* rules.h: which rules a selector names. */
#ifndef CLI_RULES_H
#define CLI_RULES_H

#include "mem.h"

#include <aklint.h>

/* How exactly a selector ("ALL", "AK3", "AK301", "wall-clock") names a rule; 0: it does not. */
size_t cli_rule_match(const char *selector, const AkRule *rule);
bool cli_selector_known(const char *selector);
/* Where a rule stands in the rule book. */
size_t cli_rule_index(const AkRule *rule);

bool cli_level_read(const char *word, AkLevel *level);
const char *cli_level_word(AkLevel level);
bool cli_dialect_read(const char *word, unsigned *dialects);
const char *cli_dialect_word(unsigned dialect);

#endif
