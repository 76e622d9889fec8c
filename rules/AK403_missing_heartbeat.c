/* Activities that run long and never say that they are alive. */
#include "rule.h"

#include <string.h>

static const double long_seconds = 600;

/* Its own heartbeat, that of a handle, or the promise that somebody else sends them. */
static bool is_heartbeat(const AkCall *call, void *arg)
{
    const AkFacts *facts = call->fn->unit->facts;

    (void)arg;
    if (call->kind != AK_CALL_PLAIN)
        return ak_calls(call, "temporalio.activity.heartbeat");
    const AkExpr *callee = ak_expr(facts, ak_kid(facts, ak_call_expr(call)->kids, 0));
    const char *name = ak_name(facts, callee->name);
    return strcmp(name, "heartbeat") == 0 || strcmp(name, "raise_complete_async") == 0 ||
           ak_calls(call, "temporalio.activity.heartbeat");
}

/* A call that may take long: it is awaited, or known to reach outside this process. */
static bool is_work(const AkCall *call)
{
    static const AkEffects far = AK_NETWORK | AK_DATABASE | AK_PROCESS | AK_SLEEP;

    if (!call->in_loop || call->kind != AK_CALL_PLAIN)
        return false;
    return call->awaited ||
           (call->known && call->known->effects & far && !ak_does(call, AK_CONSTRUCTOR));
}

/* A function that no file gives. A method of an unknown object is most often a string's or a list's. */
static bool is_unknown_function(const AkCall *call)
{
    const AkFacts *facts = call->fn->unit->facts;

    return call->in_loop && call->kind == AK_CALL_PLAIN && call->unresolved &&
           ak_expr(facts, ak_kid(facts, ak_call_expr(call)->kids, 0))->kind == AK_X_NAME;
}

static const AkCall *loops_over(const AkFunction *fn)
{
    for (size_t i = 0; i < fn->call_len; i++)
        if (is_work(&fn->calls[i]))
            return &fn->calls[i];
    return NULL;
}

/* The first loop that calls something which may take long, or which nobody knows; 0: none. */
static AkStmtId loop_of_work(const AkFunction *fn)
{
    const AkStmt *stmts = fn->unit->facts->stmts;

    for (size_t i = 0; i < fn->call_len; i++) {
        const AkCall *call = &fn->calls[i];

        if (!is_work(call) && !is_unknown_function(call))
            continue;
        for (AkStmtId s = call->stmt; s; s = stmts[s].parent)
            if (stmts[s].kind == AK_S_FOR || stmts[s].kind == AK_S_WHILE)
                return s;
    }
    return 0;
}

/* Another decorator, or a call that nobody can follow with the activity's help in hand, may
 * heartbeat in its stead. */
static bool may_heartbeat(AkPass *pass, const AkFunction *fn)
{
    return ak_fact(fn)->decorators.count > 1 || !fn->analysed ||
           ak_reaches(pass, fn, is_heartbeat, NULL);
}

static void check_call(AkPass *pass, const AkCall *call)
{
    const AkFunction *fn = ak_started(pass, call);
    AkArgument heartbeat, limit;
    double seconds;

    if (!fn || may_heartbeat(pass, fn))
        return;
    heartbeat = ak_argument(pass, call, "heartbeat_timeout", -1);
    if (heartbeat.given == AK_GIVEN) {
        if (ak_seconds(pass, heartbeat.unit, heartbeat.expr, &seconds))
            ak_report_call(pass, call, AK_CTX_WORKFLOW,
                           "a heartbeat_timeout is given, and activity '%s' never heartbeats",
                           fn->name);
        return;
    }
    limit = ak_argument(pass, call, "start_to_close_timeout", -1);
    if (heartbeat.given == AK_ABSENT && limit.given == AK_GIVEN &&
        ak_seconds(pass, limit.unit, limit.expr, &seconds) && seconds >= long_seconds &&
        loops_over(fn))
        ak_report_call(pass, call, AK_CTX_WORKFLOW,
                       "activity '%s' may loop for %g minutes and never heartbeats", fn->name,
                       seconds / 60);
}

static void check(AkPass *pass)
{
    for (size_t i = 0; i < pass->call_len; i++) {
        unsigned kind = ak_starts(pass->calls[i]);

        if (kind & AK_STARTS_ACTIVITY && !(kind & AK_STARTS_LOCAL))
            check_call(pass, pass->calls[i]);
    }
    for (size_t i = 0; i < pass->function_len; i++) {
        const AkFunction *fn = pass->functions[i];
        const AkFacts *facts = fn->unit->facts;
        AkStmtId loop =
            fn->roles & AK_ROLE_ACTIVITY && !may_heartbeat(pass, fn) ? loop_of_work(fn) : 0;

        if (loop)
            ak_level(
                ak_report_bytes(pass, fn, facts->stmts[loop].start,
                                ak_expr(facts, facts->stmts[loop].value)->end, AK_CTX_ACTIVITY,
                                "activity '%s' works in a loop and never heartbeats", fn->name),
                AK_NOTE);
    }
}

const AkRule ak_rule_AK403 = {
    .id = "AK403",
    .name = "missing-heartbeat",
    .level = AK_WARNING,
    .dialects = AK_DIALECT_TEMPORAL,
    .since = "0.1",
    .summary = "a long activity never heartbeats",
    .why =
        "Without heartbeats the server learns of a dead worker only when the whole attempt "
        "times out, "
        "and the activity never learns that it was cancelled. With a heartbeat_timeout and no "
        "heartbeat, every attempt longer than it fails.",
    .instead = "Call activity.heartbeat(progress) in the loop, give heartbeat_timeout where "
               "the activity is "
               "started, and resume from activity.info().heartbeat_details.",
    .misses = "How long a loop takes; a warning is given where a timeout says it, a note "
              "elsewhere. Activities "
              "under other decorators are taken to heartbeat.",
    .fix = AK_FIX_NONE,
    .check = check,
};
