/* Entry points that cannot be called with one event. */
#include "rule.h"

#include <string.h>

typedef struct Shape {
    uint32_t places;     /* positional parameters, -1u for *args */
    uint32_t required;   /* of those without a default, session_id not counted */
    bool takes_any;      /* *args */
    const char *keyword; /* required by keyword only, or NULL */
} Shape;

static Shape shape_of(const AkFunction *fn)
{
    const AkFacts *facts = fn->unit->facts;
    const AkFunctionFact *fact = ak_fact(fn);
    Shape shape = {0};

    for (uint32_t i = 0; i < fact->param_len; i++) {
        const AkParam *param = &facts->params[fact->first_param + i];
        bool session = strcmp(ak_name(facts, param->name), "session_id") == 0;

        switch ((AkParamKind)param->kind) {
        case AK_PARAM_POSITIONAL_ONLY:
        case AK_PARAM_PLAIN:
            shape.places++;
            shape.required += !param->value && !(session && shape.places > 1);
            break;
        case AK_PARAM_ARGS: shape.takes_any = true; break;
        case AK_PARAM_KEYWORD_ONLY:
            if (!param->value && !session)
                shape.keyword = ak_name(facts, param->name);
            break;
        case AK_PARAM_KWARGS: break;
        }
    }
    return shape;
}

/* What a decorator makes of the parameters is known for the runtime's own only. */
static bool is_decorated_elsewhere(AkPass *pass, const AkFunction *fn)
{
    const AkFacts *facts = fn->unit->facts;
    const AkFunctionFact *fact = ak_fact(fn);

    for (uint32_t i = 0; i < fact->decorators.count; i++) {
        AkValue value = ak_value(pass, fn->unit, ak_kid(facts, fact->decorators, i));

        if (!value.dotted || (strncmp(value.dotted, "autokitteh.", 11) != 0 &&
                              strncmp(value.dotted, "ak.", 3) != 0))
            return true;
    }
    return false;
}

static void check_entry(AkPass *pass, const AkEntry *entry)
{
    const AkFunction *fn = entry->function;
    Shape shape = shape_of(fn);

    if (ak_fact(fn)->is_generator)
        ak_report_function(pass, fn, AK_CTX_ENTRY,
                           "entry point '%s' is a generator: its body never runs", entry->name);
    else if (!shape.places && !shape.takes_any)
        ak_report_function(pass, fn, AK_CTX_ENTRY, "entry point '%s' takes no event",
                           entry->name);
    else if (shape.required > 1)
        ak_report_function(pass, fn, AK_CTX_ENTRY,
                           "entry point '%s' needs %u arguments and is called with one",
                           entry->name, (unsigned)shape.required);
    else if (shape.keyword)
        ak_report_function(pass, fn, AK_CTX_ENTRY,
                           "entry point '%s' needs '%s', which nobody gives", entry->name,
                           shape.keyword);
}

static bool is_seen_before(const AkPass *pass, size_t at)
{
    for (size_t i = 0; i < at; i++)
        if (pass->entries[i].function == pass->entries[at].function)
            return true;
    return false;
}

static void check(AkPass *pass)
{
    for (size_t i = 0; i < pass->entry_len; i++) {
        const AkEntry *entry = &pass->entries[i];

        if (entry->state == AK_ENTRY_FOUND && entry->function && entry->function->index &&
            !entry->function->class_ && !is_seen_before(pass, i) &&
            !is_decorated_elsewhere(pass, entry->function))
            check_entry(pass, entry);
    }
}

const AkRule ak_rule_AK104 = {
    .id = "AK104",
    .name = "entry-point-signature",
    .level = AK_ERROR,
    .dialects = AK_DIALECT_AK | AK_DIALECT_AUTOKITTEH,
    .since = "0.1",
    .summary = "an entry point cannot be called with one event",
    .why =
        "The runtime calls an entry point with the event alone, and gives a parameter called "
        "session_id the session's id. With any other signature the first event fails; a "
        "generator function only makes a generator.",
    .instead = "Declare it as def on_event(event), or def on_event(event, session_id).",
    .misses = "Entry points under decorators that are not the runtime's own.",
    .fix = AK_FIX_NONE,
    .check = check,
};
