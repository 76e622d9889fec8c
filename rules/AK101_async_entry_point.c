/* Entry points that are coroutine functions. */
#include "rule.h"

#include <stdio.h>
#include <string.h>

/* Puts a synchronous function of the old name before the body, which gets a new one. */
static void fix(AkReport *report, const AkFunction *fn, const char *name)
{
    const AkFunctionFact *fact = ak_fact(fn);
    const AkParam *param = &fn->unit->facts->params[fact->first_param];
    const char *arg = ak_name(fn->unit->facts, param->name);
    char before[512], after[160];

    if (fn->class_ || fn->outer || fact->decorators.count || fact->param_len != 1 ||
        strlen(name) + strlen(arg) > 120)
        return;
    ak_fix(report, AK_FIX_UNSAFE,
           "split '%s' into a synchronous entry point and its async body", name);
    if (!ak_fix_import(report, "asyncio", NULL))
        return;
    snprintf(before, sizeof(before), "def %s(%s):\n    asyncio.run(%s_async(%s))\n\n\n", name,
             arg, name, arg);
    snprintf(after, sizeof(after), "%s_async", name);
    ak_fix_bytes(report, fn->unit, fact->start, fact->start, before);
    ak_fix_bytes(report, fn->unit, fact->name_start, fact->name_end, after);
}

static void check(AkPass *pass)
{
    for (size_t i = 0; i < pass->entry_len; i++) {
        const AkEntry *entry = &pass->entries[i];
        const AkFunction *fn = entry->function;

        if (!fn || !ak_fact(fn)->is_async || ak_fact(fn)->is_generator)
            continue;
        fix(ak_report_function(pass, fn, AK_CTX_ENTRY, "entry point '%s' is async",
                               entry->name),
            fn, entry->name);
    }
}

const AkRule ak_rule_AK101 = {
    .id = "AK101",
    .name = "async-entry-point",
    .level = AK_ERROR,
    .dialects = AK_DIALECT_AK | AK_DIALECT_AUTOKITTEH,
    .since = "0.1",
    .summary = "an entry point is declared with async def",
    .why = "The runtime calls an entry point as a plain function. Of an async one it would "
           "get a coroutine that nobody awaits: the handler never runs, and the session "
           "looks completed.",
    .instead = "Keep the entry point synchronous and call asyncio.run in it.",
    .misses =
        "Entry points that neither a manifest, nor --entry, nor the configuration names. Where "
        "there is none of these, functions called on_..., handle..., handler or main whose one "
        "parameter is an event are taken for them, but not those that the project itself "
        "calls. Handlers bound at run time to a name that cannot be followed.",
    .fix = AK_FIX_UNSAFE,
    .check = check,
};
