/* Work that runs in the workflow although no call shows it. */
#include "rule.h"

#include <stdio.h>
#include <string.h>

static const AkEffects slow = AK_NETWORK | AK_SLEEP | AK_PROCESS | AK_DATABASE;
static const double large_loop = 1e6;

static bool is_slow(const AkPass *pass, const AkCall *call)
{
    (void)pass;
    return ak_does_any(call, slow) && !ak_does(call, AK_CONSTRUCTOR) &&
           !ak_does(call, AK_DURABLE);
}

/* A file, or a `print` where the seed of a network call stands. */
static bool is_effect(const AkPass *pass, const AkCall *call)
{
    return ak_does_any(call, AK_FILE | AK_INPUT) ||
           (pass->dialect != AK_DIALECT_TEMPORAL && ak_does_any(call, AK_PRINT | AK_LOG));
}

static bool is_hidden(const AkCall *call)
{
    return call->target && (call->kind == AK_CALL_OPERATOR || call->kind == AK_CALL_ITERATION ||
                            call->kind == AK_CALL_WITH || call->kind == AK_CALL_PROPERTY);
}

/* Above an entry point's `def`, where nothing else decorates it. */
static void fix(AkPass *pass, AkReport *report, const AkFunction *fn)
{
    const AkFunctionFact *fact = ak_fact(fn);
    const char *module;
    char line[96];

    if (pass->dialect == AK_DIALECT_TEMPORAL || !fn->index || fact->is_lambda || fn->class_ ||
        fn->outer || fact->decorators.count || fact->is_async || !(fn->roles & AK_ROLE_ENTRY))
        return;
    ak_fix(report, AK_FIX_UNSAFE, "run all of '%s' as one activity", fn->name);
    module = ak_fix_import(report, "autokitteh", NULL);
    if (!module || strlen(module) > 60)
        return;
    snprintf(line, sizeof(line), "@%s.activity\n", module);
    ak_fix_bytes(report, fn->unit, fact->start, fact->start, line);
}

/* `sorted(logs)` rather than `logs`, where a builtin does it. */
static AkExprId place_of(const AkCall *call)
{
    return call->via ? call->via : call->expr;
}

static bool is_first_at_place(const AkFunction *fn, const AkCall *call)
{
    for (const AkCall *at = fn->calls; at < call; at++)
        if (is_hidden(at) && place_of(at) == place_of(call) && at->target == call->target)
            return false;
    return true;
}

static void check_hidden(AkPass *pass, const AkCall *call)
{
    const AkCall *sink = ak_leads_to(pass, call->target, AK_CTX_WORKFLOW, is_slow);
    bool proved = sink != NULL;
    AkReport *report;

    if (!sink)
        sink = ak_leads_to(pass, call->target, AK_CTX_WORKFLOW, is_effect);
    if (!sink || !is_first_at_place(call->fn, call))
        return;
    report = ak_report_expr(pass, call->fn, place_of(call), AK_CTX_WORKFLOW,
                            "this runs '%s', which calls '%s', in the workflow",
                            call->target->qualified, sink->dotted);
    if (!proved)
        ak_level(report, AK_WARNING);
    if (!call->proved)
        ak_likely(report);
    if (call->via)
        ak_step(report, call->fn->unit, call->via, "%s", call->target->qualified);
    ak_step_call(report, sink);
    fix(pass, report, call->fn);
}

/* ---- Loops that only count ---- */

static bool waits(const AkFacts *facts, AkStmtId loop)
{
    for (AkExprId i = 1; i < facts->expr_len; i++)
        if (ak_expr(facts, i)->kind == AK_X_AWAIT &&
            ak_inside(facts, ak_expr(facts, i)->stmt, loop))
            return true;
    return false;
}

static bool has_recorded_call(const AkPass *pass, const AkFunction *fn, AkStmtId loop)
{
    for (size_t i = 0; i < fn->call_len; i++)
        if (ak_inside(fn->unit->facts, fn->calls[i].stmt, loop) && fn->calls[i].stmt != loop &&
            ak_crosses(pass, &fn->calls[i]))
            return true;
    return false;
}

/* How often `range(…)` turns, or 0. */
static double turns(AkPass *pass, const AkUnit *unit, AkExprId iterated)
{
    const AkFacts *facts = unit->facts;
    const AkExpr *call = ak_expr(facts, iterated);
    AkValue callee;
    double first, second;

    if (call->kind != AK_X_CALL || call->kids.count < 2 || call->kids.count > 3)
        return 0;
    callee = ak_value(pass, unit, ak_kid(facts, call->kids, 0));
    if (callee.kind != AK_V_EXTERNAL || strcmp(callee.dotted, "builtins.range") != 0 ||
        !ak_number(pass, unit, ak_kid(facts, call->kids, 1), &first))
        return 0;
    if (call->kids.count == 2)
        return first;
    return ak_number(pass, unit, ak_kid(facts, call->kids, 2), &second) ? second - first : 0;
}

static void check_loops(AkPass *pass, const AkFunction *fn)
{
    const AkFacts *facts = fn->unit->facts;

    AkLoopList loops = ak_loops_of(pass, fn);

    for (size_t i = 0; i < loops.len; i++) {
        const AkLoop *loop = loops.items[i];

        if (loop->comp || !(ak_contexts_of(pass, fn, loop->stmt) & AK_CTX_WORKFLOW) ||
            turns(pass, fn->unit, loop->iterated) < large_loop || waits(facts, loop->stmt) ||
            has_recorded_call(pass, fn, loop->stmt))
            continue;
        ak_level(ak_report_expr(pass, fn, loop->iterated, AK_CTX_WORKFLOW,
                                "this loop turns a million times or more in the workflow"),
                 AK_WARNING);
    }
}

static void check(AkPass *pass)
{
    for (size_t i = 0; i < pass->call_len; i++)
        if (is_hidden(pass->calls[i]) && ak_contexts_at(pass, pass->calls[i]) & AK_CTX_WORKFLOW)
            check_hidden(pass, pass->calls[i]);
    for (size_t i = 0; i < pass->function_len; i++)
        if (pass->functions[i]->index && pass->functions[i]->analysed &&
            ak_contexts(pass, pass->functions[i]) & AK_CTX_WORKFLOW)
            check_loops(pass, pass->functions[i]);
}

const AkRule ak_rule_AK313 = {
    .id = "AK313",
    .name = "slow-workflow-code",
    .level = AK_ERROR,
    .dialects = AK_DIALECTS_ALL,
    .since = "0.1",
    .summary = "work hides behind an operator, a loop, a builtin or a property",
    .why =
        "sorted, len, for, with, an f-string or an attribute may run methods of an object, and "
        "those may reach the network or sleep. No call shows it, so that it runs in the "
        "workflow "
        "itself and not in an activity: the turn takes too long and is ended, and what was "
        "done "
        "is not recorded.",
    .instead = "Put the code that needs the object into an activity (@autokitteh.activity in a "
               "program for our own runtime) and return plain data.",
    .misses = "Objects of other packages, and work whose length depends on data.",
    .fix = AK_FIX_UNSAFE,
    .check = check,
};
