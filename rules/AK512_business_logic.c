/* Run methods that compute more than they orchestrate. */
#include "rule.h"

#include <string.h>

enum { STATEMENTS = 60, LOOP_STATEMENTS = 4 };

static bool counts(const AkStmt *stmt)
{
    return stmt->kind == AK_S_ASSIGN || stmt->kind == AK_S_AUGMENTED ||
           stmt->kind == AK_S_EXPR || stmt->kind == AK_S_FOR || stmt->kind == AK_S_WHILE ||
           stmt->kind == AK_S_IF || stmt->kind == AK_S_ANNOTATED;
}

/* The first and the last statement that gives a command or waits; last is 0 where none does. */
typedef struct Commands {
    AkStmtId first, last;
} Commands;

static Commands commands_of(const AkFunction *fn)
{
    Commands commands = {UINT32_MAX, 0};

    for (size_t i = 0; i < fn->call_len; i++) {
        AkStmtId stmt = fn->calls[i].stmt;
        if (!fn->calls[i].awaited && !ak_workflow_name(&fn->calls[i]))
            continue;
        commands.first = stmt < commands.first ? stmt : commands.first;
        commands.last = stmt > commands.last ? stmt : commands.last;
    }
    return commands;
}

/* Whether the statement, with what stands below it, gives a command or waits. */
static bool orchestrates(const AkFunction *fn, AkStmtId stmt, Commands commands)
{
    const AkFacts *facts = fn->unit->facts;

    if (commands.last < stmt || commands.first > facts->stmts[stmt].last)
        return false;
    for (size_t i = 0; i < fn->call_len; i++)
        if (ak_inside(facts, fn->calls[i].stmt, stmt) &&
            (fn->calls[i].awaited || ak_workflow_name(&fn->calls[i])))
            return true;
    return false;
}

static unsigned plain_statements(const AkFunction *fn)
{
    const AkStmt *stmts = fn->unit->facts->stmts;
    AkStmtId def = ak_fact(fn)->stmt;
    Commands commands = commands_of(fn);
    unsigned count = 0;

    for (AkStmtId s = def + 1; s <= stmts[def].last; s++)
        if (ak_owns_stmt(fn, s) && counts(&stmts[s]) && !orchestrates(fn, s, commands))
            count++;
    return count;
}

/* A loop in a loop with no command in it. */
static AkStmtId nested_loop(const AkFunction *fn)
{
    const AkStmt *stmts = fn->unit->facts->stmts;
    AkStmtId def = ak_fact(fn)->stmt;
    Commands commands = commands_of(fn);

    for (AkStmtId s = def + 1; s <= stmts[def].last; s++) {
        if (stmts[s].kind != AK_S_FOR || !ak_owns_stmt(fn, s) || orchestrates(fn, s, commands))
            continue;
        for (AkStmtId i = s + 1; i <= stmts[s].last; i++)
            for (AkStmtId k = i + 1; stmts[i].kind == AK_S_FOR && k <= stmts[i].last; k++)
                if (stmts[k].kind == AK_S_FOR && ak_owns_stmt(fn, k))
                    return s;
    }
    return 0;
}

/* A loop that gives no command and has more than a few statements of its own. */
static AkStmtId computing_loop(const AkFunction *fn, unsigned budget)
{
    const AkStmt *stmts = fn->unit->facts->stmts;
    AkStmtId def = ak_fact(fn)->stmt;
    Commands commands = commands_of(fn);

    for (AkStmtId s = def + 1; s <= stmts[def].last; s++) {
        unsigned count = 0;

        if (stmts[s].kind != AK_S_FOR || !ak_owns_stmt(fn, s) || orchestrates(fn, s, commands))
            continue;
        for (AkStmtId i = s + 1; i <= stmts[s].last; i++)
            count += counts(&stmts[i]);
        if (count > budget)
            return s;
    }
    return 0;
}

static void report_loop(AkPass *pass, const AkFunction *fn, AkStmtId loop, const char *message)
{
    const AkFacts *facts = fn->unit->facts;

    ak_report_bytes(pass, fn, facts->stmts[loop].start,
                    ak_expr(facts, facts->stmts[loop].value)->end, AK_CTX_WORKFLOW,
                    "%s of '%s' give no command", message, fn->qualified);
}

static void check(AkPass *pass)
{
    AkBudgets budgets = ak_budgets(pass);
    unsigned most = budgets.statements ? budgets.statements : STATEMENTS;
    unsigned most_in_loop = budgets.loop_statements ? budgets.loop_statements : LOOP_STATEMENTS;

    for (size_t i = 0; i < pass->function_len; i++) {
        const AkFunction *fn = pass->functions[i];
        AkStmtId loop;
        unsigned count;

        if (!(fn->roles & AK_ROLE_RUN) || !fn->index)
            continue;
        count = plain_statements(fn);
        if (count > most)
            ak_report_function(pass, fn, AK_CTX_WORKFLOW,
                               "'%s' has %u statements that give no command", fn->qualified,
                               count);
        else if ((loop = nested_loop(fn)))
            report_loop(pass, fn, loop, "loops in loops");
        else if ((loop = computing_loop(fn, most_in_loop)))
            report_loop(pass, fn, loop, "the statements in a loop");
    }
}

const AkRule ak_rule_AK512 = {
    .id = "AK512",
    .name = "business-logic",
    .level = AK_NOTE,
    .dialects = AK_DIALECT_TEMPORAL,
    .since = "0.1",
    .summary = "a run method computes more than it orchestrates",
    .why = "Workflow code is replayed from its beginning each time the workflow is taken up, "
           "has two seconds for a task, "
           "and must stay compatible with runs that are under way. Plain computation is easier "
           "to change in an "
           "activity. It is a matter of taste, so this is only a note.",
    .instead = "Move the computation into an activity, or a pure function beside the class.",
    .misses = "What functions compute that run calls. 60 statements, four in a loop, and two "
              "loops in "
              "one another are let pass; `budgets` in the settings says otherwise.",
    .fix = AK_FIX_NONE,
    .check = check,
};
