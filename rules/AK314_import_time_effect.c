/* What runs when a workflow's module is imported, and again for each sandbox. */
#include "rule.h"

#include <string.h>

enum { MOST_TOLD = 256 };

static bool begins_with(const char *text, const char *start)
{
    return strncmp(text, start, strlen(start)) == 0;
}

/* Locks and events are made at import everywhere, and do nothing. */
static bool is_lock(const char *dotted)
{
    return begins_with(dotted, "threading.") && strncmp(dotted, "threading.T", 11) != 0;
}

static bool is_datetime(const char *dotted)
{
    return begins_with(dotted, "datetime.");
}

/* `Path(__file__).resolve()`: where the program lies, asked by half of all modules. */
static bool is_own_place(const char *dotted)
{
    static const char *const names[] = {"pathlib.Path.resolve", "pathlib.Path.absolute",
                                        "os.path.abspath", "os.path.realpath"};

    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
        if (strcmp(dotted, names[i]) == 0)
            return true;
    return false;
}

/* AK_OFF: nothing to say. */
static AkLevel level_of(const AkCall *call)
{
    if (ak_does_any(call, AK_RANDOM | AK_PROCESS) && !ak_does(call, AK_THREAD) &&
        !ak_does(call, AK_ENV))
        return AK_ERROR;
    if (ak_calls(call, "asyncio.run"))
        return AK_ERROR;
    if (ak_does(call, AK_CLOCK))
        return is_datetime(call->dotted) ? AK_ERROR : AK_WARNING;
    if (ak_does(call, AK_ENV))
        return AK_NOTE;
    if (is_lock(call->dotted) || is_own_place(call->dotted))
        return AK_OFF;
    if (ak_does(call, AK_CONSTRUCTOR) && !ak_does_any(call, AK_FILE | AK_THREAD | AK_DATABASE))
        return AK_OFF;
    if (ak_does_any(call, AK_FILE | AK_NETWORK | AK_DATABASE | AK_THREAD | AK_UUID | AK_INPUT |
                              AK_SLEEP))
        return AK_WARNING;
    return AK_OFF;
}

/* Calls of top-level code whose effects were told: one is enough, whatever they lead to. */
typedef struct Told {
    const AkCall *calls[MOST_TOLD];
    size_t len;
} Told;

static bool was_told(const AkPass *pass, const AkCall *call, Told *told)
{
    const AkCall *way_in = ak_way_in(pass, call, AK_CTX_IMPORT);

    for (size_t i = 0; i < told->len; i++)
        if (told->calls[i] == way_in)
            return true;
    if (way_in != call && told->len < MOST_TOLD)
        told->calls[told->len++] = way_in;
    return false;
}

static void check_call(AkPass *pass, const AkCall *call, Told *told)
{
    AkLevel level = level_of(call);

    if (level == AK_ERROR && !ak_surely_runs(pass, call, AK_CTX_IMPORT))
        level = AK_WARNING;
    if (level == AK_WARNING && was_told(pass, call, told))
        return;
    if (level == AK_ERROR)
        ak_report_call(
            pass, call, AK_CTX_IMPORT,
            "'%s' runs while the workflow's module is imported: the worker does not start",
            call->dotted);
    else if (level != AK_OFF)
        ak_level(ak_report_call(pass, call, AK_CTX_IMPORT,
                                "'%s' runs while the workflow's module is imported",
                                call->dotted),
                 level);
}

static void check(AkPass *pass)
{
    Told told = {.len = 0};

    for (size_t i = 0; i < pass->call_len; i++)
        if (pass->calls[i]->dotted && ak_contexts_at(pass, pass->calls[i]) & AK_CTX_IMPORT)
            check_call(pass, pass->calls[i], &told);
}

const AkRule ak_rule_AK314 = {
    .id = "AK314",
    .name = "import-time-effect",
    .level = AK_ERROR,
    .dialects = AK_DIALECT_TEMPORAL,
    .since = "0.1",
    .summary = "importing a workflow's module has effects",
    .why = "The sandbox imports the workflow's file, and what it imports, again for each "
           "workflow. "
           "The clock of datetime, random sources and subprocesses are refused there, so that "
           "the worker does not start; files, network and threads are touched each time.",
    .instead =
        "Make the call in a function; import modules with such effects under "
        "workflow.unsafe.imports_passed_through(), or keep them out of the workflow's file.",
    .misses =
        "Effects of installed packages, and of a call at import more than one that only warns.",
    .fix = AK_FIX_NONE,
    .check = check,
};
