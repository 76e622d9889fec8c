/* What runs while a module of a program is imported, unrecorded, at every start and every
 * replay. */
#include "rule.h"

#include <string.h>

static const AkEffects not_repeatable = AK_CLOCK | AK_RANDOM | AK_UUID | AK_ENV | AK_FILE |
                                        AK_NETWORK | AK_DATABASE | AK_PROCESS | AK_THREAD |
                                        AK_SLEEP | AK_INPUT;
static const AkEffects harmless = AK_PURE | AK_DETERMINISTIC | AK_CONSTRUCTOR | AK_TRANSPARENT |
                                  AK_PRINT | AK_LOG | AK_DURABLE | AK_SESSION_API |
                                  AK_IDENTITY | AK_INTROSPECTION | AK_REGISTERS;

/* CapWords: by convention a class. */
static bool is_constructor(const char *dotted)
{
    const char *last = strrchr(dotted, '.');

    last = last ? last + 1 : dotted;
    while (*last == '_')
        last++;
    return *last >= 'A' && *last <= 'Z';
}

static bool begins_with(const char *text, const char *start)
{
    return strncmp(text, start, strlen(start)) == 0;
}

/* The runtime's own packages are made to be called while a module loads. */
static bool is_own_api(const char *dotted)
{
    return begins_with(dotted, "autokitteh.") || begins_with(dotted, "ak.");
}

static bool is_standard(const char *dotted)
{
    return begins_with(dotted, "builtins.") ||
           ak__is_stdlib(dotted, (uint32_t)strcspn(dotted, "."));
}

/* `@retry(stop=stop_after_attempt(3))`: what makes a decorator is part of applying it. */
static bool makes_decorator(const AkCall *call)
{
    const AkFacts *facts = call->fn->unit->facts;

    for (AkExprId id = call->expr; id; id = ak_expr(facts, id)->parent)
        if (ak_expr(facts, id)->flags & AK_XF_DECORATOR)
            return true;
    return false;
}

/* The hosted service has worked with all of these since 2024: told, not refused. */
static void relax(AkPass *pass, AkReport *report, AkLevel level)
{
    if (pass->dialect == AK_DIALECT_AUTOKITTEH)
        ak_level(report, level);
}

static void check_call(AkPass *pass, const AkCall *call)
{
    bool constructor = is_constructor(call->dotted);

    if (call->known && ak_does_any(call, not_repeatable)) {
        relax(pass,
              ak_report_call(pass, call, AK_CTX_IMPORT,
                             "'%s' is called while the module is loaded", call->dotted),
              AK_WARNING);
    } else if (!(call->known && ak_does_any(call, harmless)) && !is_standard(call->dotted) &&
               !makes_decorator(call)) {
        AkReport *report =
            ak_report_call(pass, call, AK_CTX_IMPORT,
                           constructor ? "'%s' is constructed while the module is loaded"
                                       : "'%s' is called while the module is loaded",
                           call->dotted);

        ak_level(report, constructor ? AK_WARNING : AK_ERROR);
        relax(pass, report, AK_NOTE);
    }
}

static void check(AkPass *pass)
{
    for (size_t i = 0; i < pass->call_len; i++) {
        const AkCall *call = pass->calls[i];

        if (!call->dotted || call->kind == AK_CALL_DECORATOR || call->kind == AK_CALL_IMPORT ||
            is_own_api(call->dotted))
            continue;
        if (ak_contexts_at(pass, call) & AK_CTX_IMPORT &&
            ak_is_durable(pass, call->fn->unit->module))
            check_call(pass, call);
    }
}

const AkRule ak_rule_AK102 = {
    .id = "AK102",
    .name = "module-level-call",
    .level = AK_ERROR,
    .dialects = AK_DIALECT_AK | AK_DIALECT_AUTOKITTEH,
    .since = "0.1",
    .summary = "a call that is not the same every time runs while a module is loaded",
    .why = "Module-level code runs unrecorded at every start of a session and again at every "
           "replay. What it reads there (environment, clock, network) may differ from what "
           "the session saw before.",
    .instead = "Make the call inside the entry point or in a function that it calls.",
    .misses = "Functions of other packages that reach a clock or the network inside; calls "
              "through values that cannot be known.",
    .fix = AK_FIX_NONE,
    .check = check,
};
