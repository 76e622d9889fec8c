/* Calls that block the event loop, in activities that are `async def`. */
#include "rule.h"

#include <string.h>

enum { DEEPEST = 4 };

/* Of requests.get().json, of subprocess.CompletedProcess.stdout.strip the table knows no more than
 * that it is of requests, of subprocess. */
static bool is_far_from(const char *row, const char *dotted)
{
    size_t len = strlen(row);
    const char *dot;

    if (!len || row[len - 1] != '*')
        return false;
    if (strstr(dotted + len - 1, "()"))
        return true;
    dot = strchr(dotted + len - 1, '.');
    return dot && strchr(dot + 1, '.');
}

/* What blocks: not what merely touches files or the network through an async library. */
static bool blocks(const AkCall *call)
{
    if (!call->known || call->awaited || ak_does(call, AK_ASYNC) ||
        call->kind == AK_CALL_CALLBACK)
        return false; /* callbacks mostly run in the thread that they are given to */
    /* azure.identity.aio and kin are the packages' async halves. */
    if (is_far_from(call->known->name, call->dotted) || strstr(call->dotted, ".aio."))
        return false;
    return ak_does_any(call, AK_BLOCKS | AK_OPENS);
}

/* Files are mostly near and quick: a warning. */
static bool is_slow(const AkCall *sink)
{
    return ak_does_any(sink, AK_SLEEP | AK_NETWORK | AK_DATABASE | AK_PROCESS);
}

/* Whether what is called here runs on this thread: not handed to an executor, not a coroutine
 * that some other place awaits. */
static bool runs_here(const AkCall *call)
{
    if (!call->target || !call->proved || call->target->roles & AK_ROLE_ACTIVITY)
        return false;
    if (call->kind == AK_CALL_CALLBACK)
        return false;
    if (call->awaited && !ak_fact(call->target)->is_async)
        return false; /* one of several that it may be, and not this one */
    return !ak_fact(call->target)->is_generator;
}

static const AkCall *first_blocking(const AkFunction *fn, bool slow, int depth)
{
    const AkCall *found = NULL;

    if (depth > DEEPEST)
        return NULL;
    for (size_t i = 0; i < fn->call_len; i++)
        if (blocks(&fn->calls[i]) && (!slow || is_slow(&fn->calls[i])))
            return &fn->calls[i];
    for (size_t i = 0; i < fn->call_len && !found; i++)
        if (runs_here(&fn->calls[i]))
            found = first_blocking(fn->calls[i].target, slow, depth + 1);
    return found;
}

/* What a helper does that is slow is told rather than that it opens a file before. */
static const AkCall *blocking(const AkFunction *fn)
{
    const AkCall *slow = first_blocking(fn, true, 1);

    return slow ? slow : first_blocking(fn, false, 1);
}

static void fix(AkReport *report, const AkCall *call)
{
    if (call->kind != AK_CALL_PLAIN || !call->dropped || !ak_calls(call, "time.sleep") ||
        !ak_fact(call->fn)->is_async)
        return;
    ak_fix(report, AK_FIX_SAFE, "await asyncio.sleep");
    ak_fix_callee(report, call, "asyncio", NULL, ".sleep");
    ak_fix_bytes(report, call->fn->unit, ak_call_expr(call)->start, ak_call_expr(call)->start,
                 "await ");
}

static void level(AkReport *report, const AkCall *sink)
{
    if (!is_slow(sink))
        ak_level(report, AK_WARNING);
}

/* The first call of the activity that leads there, so that one cause is told once. */
static bool is_first(const AkFunction *activity, const AkCall *call, const AkCall *sink)
{
    for (const AkCall *other = activity->calls; other < call; other++)
        if (!blocks(other) && runs_here(other) && blocking(other->target) == sink)
            return false;
    return true;
}

/* Properties and operators are called without being named. */
static const char *name_of(AkPass *pass, const AkCall *call)
{
    const char *text = ak_callee_text(pass, call);

    return *text ? text : call->target->qualified;
}

static void check_activity(AkPass *pass, const AkFunction *activity)
{
    for (size_t i = 0; i < activity->call_len; i++) {
        const AkCall *call = &activity->calls[i], *sink;
        AkReport *report;

        if (blocks(call)) {
            report = ak_report_call(pass, call, AK_CTX_ACTIVITY,
                                    "'%s' blocks the event loop of the worker", call->dotted);
            level(report, call);
            fix(report, call);
        } else if (runs_here(call) && (sink = blocking(call->target)) &&
                   is_first(activity, call, sink)) {
            report =
                ak_report_call(pass, call, AK_CTX_ACTIVITY,
                               "'%s' leads to '%s', which blocks the event loop of the worker",
                               name_of(pass, call), sink->dotted);
            level(report, sink);
            ak_step(report, sink->fn->unit, sink->expr, "calls %s", sink->dotted);
        }
    }
}

static void check(AkPass *pass)
{
    for (size_t i = 0; i < pass->function_len; i++) {
        const AkFunction *fn = pass->functions[i];

        if (fn->roles & (AK_ROLE_ACTIVITY | AK_ROLE_NEXUS) && fn->index &&
            ak_fact(fn)->is_async)
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
    .why = "All async activities of a worker, and its heartbeats, share one event loop: while "
           "the call "
           "blocks, none of them moves, and others time out.",
    .instead = "Await an async library, wrap the call in asyncio.to_thread, or make the "
               "activity a plain def with an "
               "activity_executor.",
    .misses = "Libraries that are neither in the tables nor followed. Opening a file is a "
              "warning, as local files "
              "are quick.",
    .fix = AK_FIX_SAFE,
    .check = check,
};
