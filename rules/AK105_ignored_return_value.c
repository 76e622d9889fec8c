/* Values that an entry point returns to nobody. */
#include "rule.h"

#include <string.h>

/* `return stop(event)` is how one leaves: only what is surely a value counts. */
static bool is_value(AkPass *pass, const AkUnit *unit, AkExprId expr)
{
    switch ((AkValueKind)ak_value(pass, unit, expr).kind) {
    case AK_V_STRING:
    case AK_V_BYTES:
    case AK_V_NUMBER:
    case AK_V_TRUE:
    case AK_V_FALSE:
    case AK_V_LIST:
    case AK_V_TUPLE:
    case AK_V_SET:
    case AK_V_DICT:
    case AK_V_INSTANCE: return true;
    default: return false;
    }
}

static void check_function(AkPass *pass, const AkEntry *entry)
{
    const AkFunction *fn = entry->function;
    const AkFunctionFact *fact = ak_fact(fn);

    if (fact->is_generator)
        return;
    for (uint32_t i = 0; i < fact->returned.count; i++) {
        AkExprId value = ak_kid(fn->unit->facts, fact->returned, i);

        if (is_value(pass, fn->unit, value)) {
            ak_report_expr(pass, fn, value, AK_CTX_ENTRY,
                           "entry point '%s' returns a value, which goes nowhere", entry->name);
            return;
        }
    }
}

static void check(AkPass *pass)
{
    for (size_t i = 0; i < pass->entry_len; i++) {
        const AkFunction *fn = pass->entries[i].function;
        bool seen = false;

        for (size_t k = 0; k < i; k++)
            seen |= pass->entries[k].function == fn;
        if (fn && fn->index && !seen && pass->entries[i].state == AK_ENTRY_FOUND)
            check_function(pass, &pass->entries[i]);
    }
}

const AkRule ak_rule_AK105 = {
    .id = "AK105",
    .name = "ignored-return-value",
    .level = AK_NOTE,
    .dialects = AK_DIALECT_AK | AK_DIALECT_AUTOKITTEH,
    .since = "0.1",
    .summary = "an entry point returns a value",
    .why = "Nobody receives what an entry point returns: not the sender of the event, nor the "
           "log.",
    .instead = "Answer a synchronous webhook with autokitteh.http_outcome, keep results with "
               "autokitteh.set_value, or print them to the session's log.",
    .misses = "Returned values that cannot be known, such as what a call gives.",
    .fix = AK_FIX_NONE,
    .check = check,
};
