/* rulebook.c: the list of rules, as aklint.h shows it. */
#include "rule.h"

#include <string.h>

size_t ak_rule_count(void)
{
    return ak__rule_len;
}

const AkRule *ak_rule_at(size_t i)
{
    return i < ak__rule_len ? ak__rules[i] : NULL;
}

const AkRule *ak_rule_find(const char *id_or_name)
{
    for (size_t i = 0; i < ak__rule_len; i++)
        if (strcmp(ak__rules[i]->id, id_or_name) == 0 ||
            strcmp(ak__rules[i]->name, id_or_name) == 0)
            return ak__rules[i];
    return NULL;
}

const AkRule *ak_rule_nearest(const char *id_or_name)
{
    enum { TOO_FAR = 6 };
    const AkRule *best = NULL;
    size_t least = TOO_FAR;
    for (size_t i = 0; i < ak__rule_len; i++) {
        size_t id = ak_distance(ak__rules[i]->id, id_or_name, least);
        size_t name = ak_distance(ak__rules[i]->name, id_or_name, least);
        if (id < least || name < least) {
            best = ak__rules[i];
            least = id < name ? id : name;
        }
    }
    return best;
}

const char *ak_rule_id(const AkRule *rule)
{
    return rule->id;
}

const char *ak_rule_name(const AkRule *rule)
{
    return rule->name;
}

const char *ak_rule_summary(const AkRule *rule)
{
    return rule->summary;
}

const char *ak_rule_why(const AkRule *rule)
{
    return rule->why;
}

const char *ak_rule_instead(const AkRule *rule)
{
    return rule->instead;
}

const char *ak_rule_misses(const AkRule *rule)
{
    return rule->misses;
}

AkLevel ak_rule_level(const AkRule *rule)
{
    return rule->level;
}

unsigned ak_rule_dialects(const AkRule *rule)
{
    return rule->dialects;
}

AkFixKind ak_rule_fix(const AkRule *rule)
{
    return rule->fix;
}

const char *ak_rule_example(const AkRule *rule, size_t *len)
{
    for (size_t i = 0; i < ak__rule_len; i++)
        if (strcmp(ak__rule_examples[i].id, rule->id) == 0) {
            *len = ak__rule_examples[i].len;
            return (const char *)ak__rule_examples[i].text;
        }
    *len = 0;
    return "";
}

const char *ak_version(void)
{
    return AK_VERSION;
}

const char *ak_rules_head(size_t *len)
{
    *len = ak__rules_head_len;
    return (const char *)ak__rules_head;
}
