/* Entry points that are not there, or are no functions. */
#include "rule.h"

#include <string.h>

/* The function of the module whose name is nearest, or NULL. */
static const char *nearest_function(AkPass *pass, const AkEntry *entry)
{
    const char *best = NULL;
    size_t best_distance = 3;

    for (size_t i = 0; i < pass->function_len; i++) {
        const AkFunction *fn = pass->functions[i];

        if (fn->unit->module == entry->module && !fn->class_ && !fn->outer && fn->index &&
            !ak_fact(fn)->is_lambda) {
            size_t distance = ak_distance(fn->name, entry->name, best_distance);

            if (distance < best_distance) {
                best = fn->name;
                best_distance = distance;
            }
        }
    }
    return best;
}

static void no_name(AkPass *pass, const AkEntry *entry)
{
    const char *nearest = nearest_function(pass, entry);
    AkReport *report =
        ak_report_entry(pass, entry, "'%s' has no function '%s'", entry->file, entry->name);

    if (nearest)
        ak_advice(report, "Did you mean '%s:%s'?", entry->file, nearest);
}

static void check(AkPass *pass)
{
    for (size_t i = 0; i < pass->entry_len; i++) {
        const AkEntry *entry = &pass->entries[i];

        if (entry->origin == AK_ENTRY_START)
            continue; /* AK108 */
        switch (entry->state) {
        case AK_ENTRY_MALFORMED:
            ak_report_entry(pass, entry,
                            "'%s' does not name a function: write file.py:function",
                            entry->text);
            break;
        case AK_ENTRY_NO_FILE:
            ak_report_entry(pass, entry, "there is no file '%s'", entry->file);
            break;
        case AK_ENTRY_NO_NAME: no_name(pass, entry); break;
        case AK_ENTRY_CLASS:
            ak_report_entry(pass, entry, "'%s' is a class, not a function", entry->text);
            break;
        case AK_ENTRY_VALUE:
            ak_report_entry(pass, entry, "'%s' is not a function", entry->text);
            break;
        case AK_ENTRY_FOUND:
        case AK_ENTRY_UNKNOWN: break;
        }
    }
}

const AkRule ak_rule_AK103 = {
    .id = "AK103",
    .name = "unknown-entry-point",
    .level = AK_ERROR,
    .dialects = AK_DIALECT_AK | AK_DIALECT_AUTOKITTEH,
    .since = "0.1",
    .summary = "a trigger names a function that is not there",
    .why = "The first event of the trigger would fail: nothing looks for the function "
           "before.",
    .instead = "Name a function that the file defines or imports, as 'file.py:function'.",
    .misses = "Names that a module makes at run time (setattr, globals()): then nothing is "
              "said.",
    .fix = AK_FIX_NONE,
    .check = check,
};
