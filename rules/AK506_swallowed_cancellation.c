/* Handlers of exceptions that take a cancellation for a failure. */
#include "rule.h"

#include <string.h>

typedef enum Catches { OTHER, EXCEPTION, EVERYTHING } Catches;

static bool is_external(AkPass *pass, const AkUnit *unit, AkExprId type, const char *name)
{
    const AkExpr *written = ak_expr(unit->facts, type);

    if (written->kind == AK_X_TUPLE) {
        for (uint32_t i = 0; i < written->kids.count; i++)
            if (is_external(pass, unit, ak_kid(unit->facts, written->kids, i), name))
                return true;
        return false;
    }
    const AkValue *value = ak_value_of_kind(pass, unit, type, AK_V_EXTERNAL);
    return value && strcmp(value->dotted, name) == 0;
}

static Catches catches(AkPass *pass, const AkUnit *unit, AkExprId type)
{
    if (!type || is_external(pass, unit, type, "builtins.BaseException"))
        return EVERYTHING;
    return is_external(pass, unit, type, "builtins.Exception") ? EXCEPTION : OTHER;
}

/* A handler before this one that takes the failures of activities, cancelled ones too. */
static bool takes_failures(AkPass *pass, const AkUnit *unit, AkExprId type)
{
    static const char *const names[] = {
        "temporalio.exceptions.ActivityError", "temporalio.exceptions.ChildWorkflowError",
        "temporalio.exceptions.FailureError", "temporalio.exceptions.CancelledError",
        "temporalio.exceptions.TemporalError"};

    for (size_t i = 0; type && i < sizeof(names) / sizeof(*names); i++)
        if (is_external(pass, unit, type, names[i]))
            return true;
    return false;
}

static bool is_way_out(const AkCall *call, void *arg)
{
    (void)arg;
    return ak_does(call, AK_NEVER_RETURNS) ||
           ak_calls(call, "temporalio.exceptions.is_cancelled_exception");
}

static bool raises(const AkFunction *fn)
{
    const AkStmt *stmts = fn->unit->facts->stmts;
    AkStmtId def = ak_fact(fn)->stmt;

    for (AkStmtId i = def; i <= stmts[def].last; i++)
        if (stmts[i].kind == AK_S_RAISE && ak_owns_stmt(fn, i))
            return true;
    return false;
}

/* Raises, asks whether it is a cancellation, or leaves that to a helper. */
static bool lets_through(AkPass *pass, const AkFunction *fn, AkStmtId handler)
{
    const AkFacts *facts = fn->unit->facts;

    if (ak_has_stmt(fn, handler, AK_S_RAISE))
        return true;
    /* Who speaks of cancelling has thought of it. */
    for (AkExprId i = 1; i < facts->expr_len; i++)
        if (ak_inside(facts, ak_expr(facts, i)->stmt, handler) &&
            (ak_expr(facts, i)->kind == AK_X_NAME ||
             ak_expr(facts, i)->kind == AK_X_ATTRIBUTE) &&
            strstr(ak_name(facts, ak_expr(facts, i)->name), "ancel"))
            return true;
    for (size_t i = 0; i < fn->call_len; i++) {
        const AkCall *call = &fn->calls[i];

        if (!ak_inside(fn->unit->facts, call->stmt, handler))
            continue;
        if (is_way_out(call, NULL) ||
            (call->target &&
             (raises(call->target) || ak_reaches(pass, call->target, is_way_out, NULL))))
            return true;
    }
    return false;
}

static bool can_be_cancelled(const AkCall *call, void *arg)
{
    (void)arg;
    return ak_starts(call) & (AK_STARTS_ACTIVITY | AK_STARTS_CHILD);
}

static bool is_command(const AkCall *call, void *arg)
{
    (void)arg;
    return ak_is_command(call);
}

/* The command awaited in the body of the try whose cancellation the handler would take. */
static const AkCall *command_in(AkPass *pass, const AkFunction *fn, AkStmtId try_stmt,
                                Catches what)
{
    AkIsCall is = what == EVERYTHING ? is_command : can_be_cancelled;

    for (size_t i = 0; i < fn->call_len; i++) {
        const AkCall *call = &fn->calls[i];
        const AkStmt *stmts = fn->unit->facts->stmts;
        AkStmtId s = call->stmt;

        while (s && stmts[s].parent != try_stmt)
            s = stmts[s].parent;
        if (!s || stmts[s].suite != AK_SUITE_BODY)
            continue;
        if (is(call, NULL))
            return call;
        if (call->target && call->awaited && call->proved &&
            (call = ak_reaches(pass, call->target, is, NULL)))
            return call;
    }
    return NULL;
}

static void check_try(AkPass *pass, const AkFunction *fn, AkStmtId try_stmt)
{
    const AkStmt *stmts = fn->unit->facts->stmts;
    bool failures_taken = false;

    for (AkStmtId h = try_stmt + 1; h <= stmts[try_stmt].last; h++) {
        if (stmts[h].kind != AK_S_HANDLER || stmts[h].parent != try_stmt)
            continue;
        Catches what = catches(pass, fn->unit, stmts[h].value);
        if (what == OTHER) {
            failures_taken |= takes_failures(pass, fn->unit, stmts[h].value);
            continue;
        }
        if ((what == EXCEPTION && failures_taken) || lets_through(pass, fn, h))
            return;
        const AkCall *command = command_in(pass, fn, try_stmt, what);
        if (!command)
            return;
        uint32_t end =
            stmts[h].value ? ak_expr(fn->unit->facts, stmts[h].value)->end : stmts[h].start + 6;
        const char *start =
            what == EVERYTHING
                ? "this handler takes every exception, the workflow's cancellation too, at"
                : "this handler takes for a failure the cancellation of";
        AkReport *report = ak_report_bytes(pass, fn, stmts[h].start, end, AK_CTX_WORKFLOW,
                                           "%s '%s'", start, command->dotted);
        ak_step(report, command->fn->unit, command->expr, "the command that is cancelled");
        if (what == EXCEPTION)
            ak_level(report, AK_WARNING);
        return;
    }
}

static void check(AkPass *pass)
{
    for (size_t i = 0; i < pass->function_len; i++) {
        const AkFunction *fn = pass->functions[i];
        const AkFacts *facts = fn->unit->facts;
        AkStmtId def = ak_fact(fn)->stmt;

        if (!fn->index || !ak_fact(fn)->is_async || ak_fact(fn)->is_lambda ||
            !(ak_contexts(pass, fn) & AK_CTX_WORKFLOW))
            continue;
        for (AkStmtId s = def + 1; s <= facts->stmts[def].last; s++)
            if (facts->stmts[s].kind == AK_S_TRY && ak_owns_stmt(fn, s) &&
                ak_contexts_of(pass, fn, s) & AK_CTX_WORKFLOW)
                check_try(pass, fn, s);
    }
}

const AkRule ak_rule_AK506 = {
    .id = "AK506",
    .name = "swallowed-cancellation",
    .level = AK_ERROR,
    .dialects = AK_DIALECT_TEMPORAL,
    .since = "0.1",
    .summary = "a broad except around a command swallows the cancellation",
    .why = "When a workflow is cancelled, its activities raise ActivityError with a "
           "CancelledError as cause, which "
           "except Exception takes for a failure: the workflow goes on and completes instead "
           "of being cancelled. A bare "
           "except and BaseException take asyncio.CancelledError and ContinueAsNewError as "
           "well, and hold the worker when "
           "it wants to evict the workflow.",
    .instead = "Begin the handler with: if is_cancelled_exception(e): raise (from "
               "temporalio.exceptions), or catch "
               "ActivityError.",
    .misses = "Handlers that speak of cancelling and do nothing about it, that let "
              "cancellation through under some conditions only, and contextlib.suppress.",
    .fix = AK_FIX_NONE,
    .check = check,
};
