/* Loops of a workflow that nothing ends: its history grows without bound. */
#include "rule.h"

#include <string.h>

enum { DEEPEST = 4 };

static bool is_true(AkPass *pass, const AkUnit *unit, AkExprId test)
{
    const AkExpr *written = ak_expr(unit->facts, test);

    (void)pass;
    return written->kind == AK_X_TRUE ||
           (written->kind == AK_X_INT && strcmp(ak_name(unit->facts, written->name), "0") != 0);
}

/* Whether the break belongs to the loop, not to one inside. */
static bool breaks(const AkFacts *facts, AkStmtId stmt, AkStmtId loop)
{
    for (AkStmtId i = facts->stmts[stmt].parent; i && i != loop; i = facts->stmts[i].parent)
        if ((facts->stmts[i].kind == AK_S_WHILE || facts->stmts[i].kind == AK_S_FOR))
            return facts->stmts[stmt].suite == AK_SUITE_ELSE && facts->stmts[stmt].parent == i;
    return true;
}

/* Whether a call may leave by an exception that the program wrote, or by continue_as_new. */
static bool may_leave(const AkCall *call, int depth)
{
    const AkFunction *fn = call->target;

    if (ak_does(call, AK_NEVER_RETURNS))
        return true;
    if (!fn || depth > DEEPEST)
        return false;
    if (ak_has_stmt(fn, ak_fact(fn)->stmt, AK_S_RAISE))
        return true;
    const AkStmt *stmts = fn->unit->facts->stmts;
    for (AkStmtId i = ak_fact(fn)->stmt; i && i <= stmts[ak_fact(fn)->stmt].last; i++)
        if (stmts[i].kind == AK_S_RAISE && ak_owns_stmt(fn, i))
            return true;
    for (size_t i = 0; i < fn->call_len; i++)
        if (may_leave(&fn->calls[i], depth + 1))
            return true;
    return false;
}

static bool has_exit(const AkFunction *fn, AkStmtId loop)
{
    const AkFacts *facts = fn->unit->facts;

    for (AkStmtId i = loop + 1; i <= facts->stmts[loop].last; i++) {
        if (!ak_owns_stmt(fn, i))
            continue;
        switch (facts->stmts[i].kind) {
        case AK_S_RETURN:
        case AK_S_RAISE:
        case AK_S_ERROR: return true;
        case AK_S_BREAK:
            if (breaks(facts, i, loop))
                return true;
            break;
        default: break;
        }
    }
    for (size_t i = 0; i < fn->call_len; i++)
        if (ak_inside(facts, fn->calls[i].stmt, loop) && may_leave(&fn->calls[i], 0))
            return true;
    return false;
}

static void check(AkPass *pass)
{
    for (size_t i = 0; i < pass->function_len; i++) {
        const AkFunction *fn = pass->functions[i];
        const AkFacts *facts = fn->unit->facts;

        if (!(fn->roles & (AK_ROLE_RUN | AK_ROLE_ENTRY)) || !fn->index)
            continue;
        AkStmtId def = ak_fact(fn)->stmt;
        for (AkStmtId s = def + 1; s <= facts->stmts[def].last; s++)
            if (facts->stmts[s].kind == AK_S_WHILE && ak_owns_stmt(fn, s) &&
                is_true(pass, fn->unit, facts->stmts[s].value) && !has_exit(fn, s))
                ak_report_bytes(pass, fn, facts->stmts[s].start,
                                ak_expr(facts, facts->stmts[s].value)->end, AK_CTX_WORKFLOW,
                                "nothing ends this loop of '%s'", fn->qualified);
    }
}

const AkRule ak_rule_AK501 = {
    .id = "AK501",
    .name = "endless-loop",
    .level = AK_WARNING,
    .dialects = AK_DIALECTS_ALL,
    .since = "0.1",
    .summary = "a workflow loops for ever in one run",
    .why = "Each turn adds to the history of the run, and all of it is replayed when the "
           "workflow is continued "
           "elsewhere; Temporal ends a run whose history grows too long.",
    .instead = "In Temporal, leave the loop by workflow.continue_as_new when "
               "workflow.info().is_continue_as_new_suggested(); in our own runtime, end the "
               "session and let the "
               "next event start another.",
    .misses = "Loops whose test is always true without saying so, loops in helpers, and loops "
              "that end after more "
              "turns than a history holds.",
    .fix = AK_FIX_NONE,
    .check = check,
};
