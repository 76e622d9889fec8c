/* Selectors, levels, dialects: the words for them. */
#include "rules.h"

#include <string.h>

enum { EXACT = 1000 };

size_t cli_rule_match(const char *selector, const AkRule *rule)
{
    const char *id = ak_rule_id(rule);

    if (!strcmp(selector, id) || !strcmp(selector, ak_rule_name(rule)))
        return EXACT;
    if (!strcmp(selector, "ALL"))
        return 1;
    return *selector && !strncmp(selector, id, strlen(selector)) ? strlen(selector) + 1 : 0;
}

bool cli_selector_known(const char *selector)
{
    for (size_t i = 0; i < ak_rule_count(); i++)
        if (cli_rule_match(selector, ak_rule_at(i)))
            return true;
    return false;
}

size_t cli_rule_index(const AkRule *rule)
{
    size_t i = 0;

    while (ak_rule_at(i) != rule)
        i++;
    return i;
}

static const char *const levels[] = {"error", "warning", "note", "off"};

bool cli_level_read(const char *word, AkLevel *level)
{
    for (size_t i = 0; i < sizeof levels / sizeof *levels; i++)
        if (!strcmp(word, levels[i])) {
            *level = (AkLevel)i;
            return true;
        }
    return false;
}

const char *cli_level_word(AkLevel level)
{
    return levels[level];
}

static const struct {
    const char *word;
    unsigned bits;
} dialects[] = {
    {"ak", AK_DIALECT_AK},
    {"autokitteh", AK_DIALECT_AUTOKITTEH},
    {"temporal", AK_DIALECT_TEMPORAL},
    {"auto", AK_AUTO},
};

bool cli_dialect_read(const char *word, unsigned *bits)
{
    for (size_t i = 0; i < sizeof dialects / sizeof *dialects; i++)
        if (!strcmp(word, dialects[i].word)) {
            *bits |= dialects[i].bits;
            return true;
        }
    return false;
}

const char *cli_dialect_word(unsigned dialect)
{
    for (size_t i = 0; i < sizeof dialects / sizeof *dialects; i++)
        if (dialect & dialects[i].bits)
            return dialects[i].word;
    return "";
}
