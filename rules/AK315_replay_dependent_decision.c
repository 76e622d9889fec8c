/* Commands and state that depend on whether the workflow is being replayed. */
#include "rule.h"

#include <string.h>

static bool is_replaying(AkPass *pass, const AkUnit *unit, AkExprId expr)
{
    static const char name[] = "temporalio.workflow.unsafe.is_replaying";
    AkValue value = ak_value(pass, unit, expr);

    return value.kind == AK_V_RESULT && strncmp(value.dotted, name, sizeof(name) - 1) == 0;
}

/* The test, or a part of it below `not`, `and`, `or`. */
static bool asks(AkPass *pass, const AkUnit *unit, AkExprId expr, int depth)
{
    const AkExpr *row = ak_expr(unit->facts, expr);

    if (row->kind == AK_X_UNARY || row->kind == AK_X_BOOL) {
        for (uint32_t i = 0; i < row->kids.count && depth < 8; i++)
            if (asks(pass, unit, ak_kid(unit->facts, row->kids, i), depth + 1))
                return true;
        return false;
    }
    return (row->kind == AK_X_NAME || row->kind == AK_X_ATTRIBUTE || row->kind == AK_X_CALL) &&
           is_replaying(pass, unit, expr);
}

static bool is_command(const AkPass *pass, const AkCall *call)
{
    static const char *const names[] = {"execute_",       "start_",          "sleep",
                                        "wait_condition", "continue_as_new", "upsert_"};
    static const char module[] = "temporalio.workflow.";

    (void)pass;
    if (!call->dotted || call->kind == AK_CALL_READ)
        return false;
    if (strcmp(call->dotted, "asyncio.sleep") == 0)
        return true;
    if (strncmp(call->dotted, module, sizeof(module) - 1) != 0)
        return false;
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
        if (strncmp(call->dotted + sizeof(module) - 1, names[i], strlen(names[i])) == 0)
            return true;
    return false;
}

static void check_calls(AkPass *pass, const AkFunction *fn, AkStmtId if_)
{
    for (size_t i = 0; i < fn->call_len; i++) {
        const AkCall *call = &fn->calls[i];

        if (!ak_inside(fn->unit->facts, call->stmt, if_) || call->stmt == if_)
            continue;
        if (is_command(pass, call) ||
            (call->target && !(call->target->roles & AK_ROLE_ACTIVITY) &&
             ak_leads_to(pass, call->target, 0, is_command)))
            ak_report_call(
                pass, call, AK_CTX_WORKFLOW,
                "this command is given or not depending on whether the workflow is replayed");
    }
}

static bool is_attribute_of_self(const AkFacts *facts, AkExprId target)
{
    const AkExpr *row = ak_expr(facts, target);
    const AkExpr *object = ak_expr(facts, ak_kid(facts, row->kids, 0));

    return row->kind == AK_X_ATTRIBUTE && object->kind == AK_X_NAME &&
           strcmp(ak_name(facts, object->name), "self") == 0;
}

static void check_state(AkPass *pass, const AkFunction *fn, AkStmtId if_)
{
    const AkFacts *facts = fn->unit->facts;

    for (AkStmtId i = if_ + 1; i <= facts->stmts[if_].last; i++) {
        const AkStmt *stmt = &facts->stmts[i];

        if (stmt->kind != AK_S_ASSIGN && stmt->kind != AK_S_AUGMENTED &&
            stmt->kind != AK_S_ANNOTATED)
            continue;
        for (uint32_t k = 0; k < stmt->targets.count; k++)
            if (is_attribute_of_self(facts, ak_kid(facts, stmt->targets, k)))
                ak_report_expr(pass, fn, ak_kid(facts, stmt->targets, k), AK_CTX_WORKFLOW,
                               "this state depends on whether the workflow is replayed");
    }
}

/* The answer itself, given to a command. */
static void check_arguments(AkPass *pass, const AkCall *call)
{
    const AkUnit *unit = call->fn->unit;
    const AkExpr *row = ak_call_expr(call);

    if (call->kind != AK_CALL_PLAIN || !is_command(pass, call) ||
        !(ak_contexts_at(pass, call) & AK_CTX_WORKFLOW))
        return;
    for (uint32_t i = 1; i < row->kids.count; i++) {
        AkExprId arg = ak_kid(unit->facts, row->kids, i);

        if (ak_expr(unit->facts, arg)->kind == AK_X_KEYWORD)
            arg = ak_kid(unit->facts, ak_expr(unit->facts, arg)->kids, 0);
        if (is_replaying(pass, unit, arg))
            ak_report_expr(pass, call->fn, arg, AK_CTX_WORKFLOW,
                           "a command is given whether the workflow is replayed");
    }
}

static void check_function(AkPass *pass, const AkFunction *fn)
{
    const AkFacts *facts = fn->unit->facts;

    AkStmtId def = ak_fact(fn)->stmt;

    for (AkStmtId i = def + 1; i <= facts->stmts[def].last; i++)
        if (facts->stmts[i].kind == AK_S_IF &&
            facts->scopes[facts->stmts[i].scope].function == fn->index &&
            ak_contexts_of(pass, fn, i) & AK_CTX_WORKFLOW &&
            asks(pass, fn->unit, facts->stmts[i].value, 0)) {
            check_calls(pass, fn, i);
            check_state(pass, fn, i);
        }
}

static void check(AkPass *pass)
{
    for (size_t i = 0; i < pass->function_len; i++)
        if (pass->functions[i]->index && pass->functions[i]->analysed &&
            ak_contexts(pass, pass->functions[i]) & AK_CTX_WORKFLOW)
            check_function(pass, pass->functions[i]);
    for (size_t i = 0; i < pass->call_len; i++)
        check_arguments(pass, pass->calls[i]);
}

const AkRule ak_rule_AK315 = {
    .id = "AK315",
    .name = "replay-dependent-decision",
    .level = AK_ERROR,
    .dialects = AK_DIALECT_TEMPORAL,
    .since = "0.1",
    .summary = "a command or state of the workflow depends on is_replaying()",
    .why =
        "A replay must give the same commands as the first run. Under is_replaying() it gives "
        "others by design, and fails as non-deterministic. The question is for output only: "
        "logs, metrics.",
    .instead =
        "Keep commands and state outside the test; for changed code use workflow.patched.",
    .misses = "Local variables set under the test and used after it; answers that pass through "
              "functions of other packages.",
    .fix = AK_FIX_NONE,
    .check = check,
};
