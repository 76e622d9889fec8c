/* guards.c: which contexts get past the tests around a place.
 *
 * A mask of contexts for each statement: what stands below `if TYPE_CHECKING` runs in none,
 * what stands below `if workflow.in_workflow()` only in workflows, what follows `if
 * in_workflow(): return …` in all others. Output under `not workflow.unsafe.is_replaying()`
 * counts as outside. The handlers of a `try` whose body fails only because it is outside a
 * workflow
 * (`workflow.now()`) do not run in one. A function defined under a test starts with all
 * contexts again, unless the test lets nothing run.
 *
 * A test is understood through the values of its parts, so that a variable or a helper that
 * holds the answer does as well; only tests whose names speak of workflows are evaluated.
 */
#include "stages.h"

#include <string.h>

enum { ALL = 0x7f };

typedef struct Test {
    uint16_t yes, no;
} Test;

static const Test anything = {ALL, ALL};

static bool speaks_of_workflows(const char *name)
{
    static const char *const words[] = {"workflow", "activity", "replay", "sandbox", "in_wf"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strstr(name, words[i]))
            return true;
    return false;
}

static Test test_of_result(const char *dotted)
{
    if (strcmp(dotted, "temporalio.workflow.in_workflow") == 0 ||
        strcmp(dotted, "temporalio.workflow.unsafe.in_sandbox") == 0)
        return (Test){AK_IN_WORKFLOW, ALL & ~AK_IN_WORKFLOW};
    if (strcmp(dotted, "temporalio.activity.in_activity") == 0)
        return (Test){AK_CTX_ACTIVITY, ALL & ~AK_CTX_ACTIVITY};
    if (strcmp(dotted, "temporalio.workflow.unsafe.is_replaying") == 0 ||
        strcmp(dotted, "temporalio.workflow.unsafe.is_replaying_history_events") == 0)
        return (Test){ALL, ALL & ~AK_IN_WORKFLOW};
    return anything;
}

static Test test_of_value(AkProgram *program, const AkUnit *unit, AkExprId expr)
{
    const AkFacts *facts = unit->facts;
    const AkExpr *row = &facts->exprs[expr];
    const AkExpr *named =
        row->kind == AK_X_CALL ? &facts->exprs[ak_kid(facts, row->kids, 0)] : row;
    if (strcmp(unit->atoms[named->name], "TYPE_CHECKING") == 0)
        return (Test){0, ALL};
    if (!speaks_of_workflows(unit->atoms[named->name]) &&
        !strstr(unit->atoms[named->name], "is_durable"))
        return anything;
    /* A helper may say False where asking itself fails. */
    AkValues values = ak__eval(program, unit, expr);
    const AkValue *answer = NULL;
    for (uint32_t i = 0; i < values.len; i++) {
        if (values.items[i].kind == AK_V_FALSE)
            continue;
        if (answer || values.items[i].kind != AK_V_RESULT)
            return anything;
        answer = &values.items[i];
    }
    return answer ? test_of_result(answer->dotted) : anything;
}

static bool is_main_test(const AkUnit *unit, const AkExpr *row)
{
    const AkFacts *facts = unit->facts;
    for (uint32_t i = 0; i < row->kids.count; i++) {
        const AkExpr *side = &facts->exprs[ak_kid(facts, row->kids, i)];
        if (side->kind == AK_X_NAME && strcmp(unit->atoms[side->name], "__name__") == 0)
            return row->op == AK_OP_EQ;
    }
    return false;
}

static Test test_of(AkProgram *program, const AkUnit *unit, AkExprId expr, int depth)
{
    const AkFacts *facts = unit->facts;
    const AkExpr *row = &facts->exprs[expr];
    if (depth > 20)
        return anything;
    switch ((AkExprKind)row->kind) {
    case AK_X_FALSE: return (Test){0, ALL};
    case AK_X_INT: return strcmp(unit->atoms[row->name], "0") == 0 ? (Test){0, ALL} : anything;
    case AK_X_COMPARE:
        return is_main_test(unit, row) ? (Test){ALL & ~AK_CTX_IMPORT, ALL} : anything;
    case AK_X_NAME:
    case AK_X_ATTRIBUTE:
    case AK_X_CALL: return test_of_value(program, unit, expr);
    case AK_X_UNARY: {
        Test inner = test_of(program, unit, ak_kid(facts, row->kids, 0), depth + 1);
        return row->op == AK_OP_NOT ? (Test){inner.no, inner.yes} : anything;
    }
    case AK_X_BOOL: {
        bool both = row->op == AK_OP_AND;
        Test all = both ? (Test){ALL, 0} : (Test){0, ALL};
        for (uint32_t i = 0; i < row->kids.count; i++) {
            Test one = test_of(program, unit, ak_kid(facts, row->kids, i), depth + 1);
            all.yes = both ? all.yes & one.yes : all.yes | one.yes;
            all.no = both ? all.no | one.no : all.no & one.no;
        }
        return all;
    }
    default: return anything;
    }
}

/* ---- A try that fails only outside a workflow ---- */

uint32_t ak__first_expr(const AkFacts *facts, uint32_t start)
{
    uint32_t low = 1, high = facts->expr_len;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (facts->exprs[middle].start < start)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static bool is_session_call(AkProgram *program, const AkUnit *unit, AkExprId call, bool *ours)
{
    AkValues callees =
        ak__eval(program, unit, ak_kid(unit->facts, unit->facts->exprs[call].kids, 0));
    bool session = false;
    for (uint32_t i = 0; i < callees.len; i++) {
        const AkValue *callee = &callees.items[i];
        *ours |= callee->function != NULL;
        const AkKnown *known =
            callee->kind == AK_V_EXTERNAL ? ak_known(program->knowledge, callee->dotted) : NULL;
        session |= known && known->effects & AK_SESSION_API;
    }
    return session;
}

static bool mentions_workflow(const AkUnit *unit, const AkExpr *row)
{
    static const char *const names[] = {"workflow", "now",    "info",   "time",
                                        "uuid4",    "random", "time_ns"};
    if (row->kind != AK_X_NAME && row->kind != AK_X_ATTRIBUTE)
        return false;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(unit->atoms[row->name], names[i]) == 0)
            return true;
    return false;
}

static bool fails_only_outside(AkProgram *program, const AkUnit *unit, AkStmtId try_)
{
    const AkFacts *facts = unit->facts;
    AkStmtId first = try_ + 1;
    if (first > facts->stmts[try_].last || facts->stmts[first].parent != try_)
        return false;
    uint32_t end = facts->stmts[first].end;
    for (AkStmtId i = first; i <= facts->stmts[try_].last; i++)
        if (facts->stmts[i].parent == try_ && facts->stmts[i].suite == AK_SUITE_BODY)
            end = facts->stmts[i].end;
    bool session = false, mentioned = false, ours = false;
    uint32_t from = ak__first_expr(facts, facts->stmts[first].start);
    for (uint32_t i = from; i < facts->expr_len && facts->exprs[i].start < end; i++) {
        if (facts->exprs[i].kind == AK_X_AWAIT || i - from > 80)
            return false;
        mentioned |= mentions_workflow(unit, &facts->exprs[i]);
    }
    for (uint32_t i = from; mentioned && i < facts->expr_len && facts->exprs[i].start < end;
         i++)
        if (facts->exprs[i].kind == AK_X_CALL)
            session |= is_session_call(program, unit, i, &ours);
    return session && !ours;
}

static bool catches_refusal(AkProgram *program, const AkUnit *unit, const AkStmt *handler)
{
    AkSet types = {.len = 0};
    if (!handler->value)
        return true;
    ak__part(program, unit, handler->value,
             unit->facts->exprs[handler->value].kind == AK_X_TUPLE ? AK_HOW_ITEM : AK_HOW_WHOLE,
             0, &types);
    for (uint32_t i = 0; i < types.len; i++) {
        const char *dotted = types.items[i].dotted;
        if (dotted && (strcmp(dotted, "builtins.Exception") == 0 ||
                       strcmp(dotted, "builtins.BaseException") == 0 ||
                       strcmp(dotted, "builtins.RuntimeError") == 0 ||
                       strncmp(dotted, "temporalio.", 11) == 0))
            return true;
    }
    return false;
}

/* ---- A branch for a failure of the code itself ---- */

static bool catches_everything(const AkUnit *unit, const AkStmt *handler)
{
    const AkExpr *type = &unit->facts->exprs[handler->value];
    const char *name = unit->atoms[type->name];
    return !handler->value || (type->kind == AK_X_NAME && (strcmp(name, "Exception") == 0 ||
                                                           strcmp(name, "BaseException") == 0));
}

static bool awaits_in_body(const AkFacts *facts, AkStmtId try_)
{
    for (AkStmtId i = try_ + 1; i <= facts->stmts[try_].last; i = facts->stmts[i].last + 1) {
        const AkStmt *stmt = &facts->stmts[i];
        if (stmt->suite != AK_SUITE_BODY)
            continue;
        for (uint32_t k = ak__first_expr(facts, stmt->start);
             k < facts->expr_len && facts->exprs[k].start < stmt->end; k++)
            if (facts->exprs[k].kind == AK_X_AWAIT)
                return true;
    }
    return false;
}

bool ak__is_defensive(const AkCall *call)
{
    const AkUnit *unit = call->fn->unit;
    const AkStmt *stmts = unit->facts->stmts;
    AkStmtId own = call->fn->index ? ak_fact(call->fn)->stmt : 0;
    for (AkStmtId i = call->stmt; i && i != own; i = stmts[i].parent)
        if (stmts[i].kind == AK_S_HANDLER && catches_everything(unit, &stmts[i]) &&
            !awaits_in_body(unit->facts, stmts[i].parent))
            return true;
    return false;
}

/* ---- Statements ---- */

static uint16_t below(AkProgram *program, const AkUnit *unit, AkStmtId parent,
                      const AkStmt *stmt)
{
    const AkStmt *around = &unit->facts->stmts[parent];
    if (around->kind == AK_S_IF) {
        Test test = test_of(program, unit, around->value, 0);
        return stmt->suite == AK_SUITE_ELSE ? test.no : test.yes;
    }
    if (stmt->kind == AK_S_HANDLER && catches_refusal(program, unit, stmt) &&
        fails_only_outside(program, unit, parent))
        return ALL & ~AK_IN_WORKFLOW;
    return ALL;
}

static bool leaves(const AkFacts *facts, AkStmtId if_)
{
    AkStmtId last = 0;
    for (AkStmtId i = if_ + 1; i <= facts->stmts[if_].last; i = facts->stmts[i].last + 1)
        if (facts->stmts[i].suite == AK_SUITE_BODY)
            last = i;
        else
            return false; /* has an else: what follows may come from there */
    uint8_t kind = facts->stmts[last].kind;
    return last && (kind == AK_S_RETURN || kind == AK_S_RAISE || kind == AK_S_CONTINUE ||
                    kind == AK_S_BREAK);
}

bool ak__is_pass_through(const AkUnit *unit, const AkStmt *with)
{
    for (uint32_t i = 0; i < with->targets.count; i++) {
        AkExprId manager = ak_kid(unit->facts, with->targets, i);
        const AkExpr *row = &unit->facts->exprs[manager];
        const AkExpr *callee = &unit->facts->exprs[ak_kid(unit->facts, row->kids, 0)];
        if (row->kind == AK_X_CALL &&
            strcmp(unit->atoms[callee->name], "imports_passed_through") == 0)
            return true;
    }
    return false;
}

static void compute(AkProgram *program, const AkUnit *unit, uint16_t *mask)
{
    const AkFacts *facts = unit->facts;
    /* What is left for the statements that follow in a suite: behind the masks, see stmt_mask.
     */
    uint16_t *rest = mask + facts->stmt_len;
    uint32_t unstable = program->unstable;
    memset(rest, 0xff, (size_t)facts->stmt_len * 4 * sizeof *rest);
    mask[0] = ALL;
    for (AkStmtId i = 1; i < facts->stmt_len; i++) {
        const AkStmt *stmt = &facts->stmts[i];
        uint16_t around = mask[stmt->parent];
        if (facts->stmts[stmt->parent].kind == AK_S_FUNCTION && around)
            around = ALL;
        mask[i] = around & rest[stmt->parent * 4 + stmt->suite] &
                  below(program, unit, stmt->parent, stmt);
        if (stmt->parent && facts->stmts[stmt->parent].kind == AK_S_WITH &&
            stmt->kind == AK_S_IMPORT && ak__is_pass_through(unit, &facts->stmts[stmt->parent]))
            mask[i] &= (uint16_t)~AK_CTX_IMPORT;
        if (stmt->kind == AK_S_IF && leaves(facts, i))
            rest[stmt->parent * 4 + stmt->suite] &= test_of(program, unit, stmt->value, 0).no;
    }
    program->unstable = unstable;
}

uint16_t ak__stmt_mask(AkProgram *program, const AkUnit *unit, AkStmtId stmt)
{
    AkUnitX *x = ak__unit(unit);
    if (!x->stmt_mask) {
        x->stmt_mask =
            ak__alloc(program->arena, (size_t)unit->facts->stmt_len * 5 * sizeof *x->stmt_mask);
        x->mask_missing = true;
    }
    /* Tests whose names are not known yet are looked at again in the next round. */
    if (x->mask_missing && x->mask_round != program->round) {
        uint32_t missing = program->missing;
        x->mask_round = program->round;
        compute(program, unit, x->stmt_mask);
        x->mask_missing = program->missing != missing;
    }
    return x->stmt_mask[stmt];
}

/* The statement's, and within it what conditional expressions, `and` and `or` let through. */
uint16_t ak__expr_mask(AkProgram *program, const AkUnit *unit, AkExprId expr)
{
    const AkFacts *facts = unit->facts;
    uint16_t mask = ak__stmt_mask(program, unit, facts->exprs[expr].stmt);
    for (int depth = 0; expr && depth < 64; depth++) {
        AkExprId parent = facts->exprs[expr].parent;
        const AkExpr *row = &facts->exprs[parent];
        if (row->kind == AK_X_CONDITIONAL) {
            Test test = test_of(program, unit, ak_kid(facts, row->kids, 1), 0);
            if (expr == ak_kid(facts, row->kids, 0))
                mask &= test.yes;
            else if (expr == ak_kid(facts, row->kids, 2))
                mask &= test.no;
        } else if (row->kind == AK_X_BOOL) {
            for (uint32_t i = 0; i < row->kids.count && ak_kid(facts, row->kids, i) != expr;
                 i++) {
                Test test = test_of(program, unit, ak_kid(facts, row->kids, i), 0);
                mask &= row->op == AK_OP_AND ? test.yes : test.no;
            }
        }
        expr = parent;
    }
    return mask;
}
