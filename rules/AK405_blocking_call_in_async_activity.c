/* Calls that block the event loop, in activities that are `async def`. */
#include "rule.h"

#include <string.h>

enum { DEEPEST = 4 };

/* What blocks: not what merely touches files or the network through an async library. */
static bool blocks(const AkCall *call)
{
    if (!call->known || call->awaited || ak_does(call, AK_ASYNC))
        return false;
    /* Of requests.get().json the table knows no more than that it is of requests. */
    if (strstr(call->dotted, "()") && strchr(call->known->name, '*'))
        return false;
    return ak_does(call, AK_BLOCKS) || ak_calls(call, "builtins.open");
}

/* Whether what is called here runs on this thread: not handed to an executor, not a coroutine
 * that some other place awaits. */
static bool runs_here(const AkCall *call)
{
    if (!call->target || !call->proved || call->target->roles & AK_ROLE_ACTIVITY)
        return false;
    if (call->kind == AK_CALL_CALLBACK)
        return false;
    return !ak_fact(call->target)->is_generator;
}

static const AkCall *blocking(const AkFunction *fn, int depth)
{
    const AkCall *found = NULL;

    if (depth > DEEPEST)
        return NULL;
    for (size_t i = 0; i < fn->call_len; i++)
        if (blocks(&fn->calls[i]))
            return &fn->calls[i];
    for (size_t i = 0; i < fn->call_len && !found; i++)
        if (runs_here(&fn->calls[i]))
            found = blocking(fn->calls[i].target, depth + 1);
    return found;
}

static void fix(AkReport *report, const AkCall *call)
{
    if (call->kind != AK_CALL_PLAIN || !call->dropped || !ak_calls(call, "time.sleep") ||
        !ak_fact(call->fn)->is_async)
        return;
    ak_fix(report, AK_FIX_SAFE, "await asyncio.sleep");
    ak_fix_callee(report, call, "asyncio", NULL, ".sleep");
    ak_fix_bytes(report, call->fn->unit, ak_call_expr(call)->start, ak_call_expr(call)->start, "await ");
}

static void level(AkReport *report, const AkCall *sink)
{
    if (!ak_does(sink, AK_SLEEP) && !ak_does_any(sink, AK_NETWORK | AK_DATABASE | AK_PROCESS))
        ak_level(report, AK_WARNING);
}

static void check_activity(AkPass *pass, const AkFunction *activity)
{
    for (size_t i = 0; i < activity->call_len; i++) {
        const AkCall *call = &activity->calls[i], *sink;
        AkReport *report;

        if (blocks(call)) {
            report = ak_report_call(pass, call, AK_CTX_ACTIVITY, "'%s' blocks the event loop of the worker",
                                    call->dotted);
            level(report, call);
            fix(report, call);
        } else if (runs_here(call) && (sink = blocking(call->target, 1))) {
            report = ak_report_call(pass, call, AK_CTX_ACTIVITY,
                                    "'%s' leads to '%s', which blocks the event loop of the worker",
                                    ak_callee_text(pass, call), sink->dotted);
            level(report, sink);
            ak_step(report, sink->fn->unit, sink->expr, "calls %s", sink->dotted);
        }
    }
}

static void check(AkPass *pass)
{
    for (size_t i = 0; i < pass->function_len; i++) {
        const AkFunction *fn = pass->functions[i];

        if (fn->roles & (AK_ROLE_ACTIVITY | AK_ROLE_NEXUS) && fn->index && ak_fact(fn)->is_async)
            check_activity(pass, fn);
    }
}

const AkRule ak_rule_AK405 = {
    .id = "AK405",
    .name = "blocking-call-in-async-activity",
    .level = AK_ERROR,
    .dialects = AK_DIALECT_TEMPORAL,
    .since = "0.1",
    .summary = "an async activity makes a call that blocks",
    .why = "All async activities of a worker, and its heartbeats, share one event loop: while the call "
           "blocks, none of them moves, and others time out.",
    .instead = "Await an async library, wrap the call in asyncio.to_thread, or make the activity a plain def with an "
               "activity_executor.",
    .misses = "Libraries that are neither in the tables nor followed. Opening a file is a warning, as local files "
              "are quick.",
    .fix = AK_FIX_SAFE,
    .check = check,
};
