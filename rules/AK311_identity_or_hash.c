/* id() and hash() in workflow code: other values in every process. */
#include "rule.h"

#include <string.h>

/* The hash of a number, and of tuples of numbers, is the same everywhere. */
static bool is_stable(AkPass *pass, const AkUnit *unit, AkExprId expr, int depth)
{
    AkValue value = ak_value(pass, unit, expr);

    if (value.kind == AK_V_TUPLE && value.unit && depth < 4) {
        AkKids kids = ak_expr(value.unit->facts, value.expr)->kids;

        for (uint32_t i = 0; i < kids.count; i++)
            if (!is_stable(pass, value.unit, ak_kid(value.unit->facts, kids, i), depth + 1))
                return false;
        return kids.count > 0;
    }
    return value.kind == AK_V_NUMBER || value.kind == AK_V_TRUE || value.kind == AK_V_FALSE;
}

static bool is_membership(const AkExpr *compare)
{
    return compare->op == AK_OP_EQ || compare->op == AK_OP_NE || compare->op == AK_OP_IS ||
           compare->op == AK_OP_IS_NOT || compare->op == AK_OP_IN ||
           compare->op == AK_OP_NOT_IN;
}

static bool is_set_method(const char *name)
{
    return strcmp(name, "add") == 0 || strcmp(name, "discard") == 0 ||
           strcmp(name, "remove") == 0;
}

/* `id(a) == id(b)`, `id(a) in seen`, `seen.add(id(a))` and a log line need no value that stays. */
static bool is_harmless_at(const AkFunction *fn, AkExprId place)
{
    const AkFacts *facts = fn->unit->facts;

    for (AkExprId id = ak_expr(facts, place)->parent; id; id = ak_expr(facts, id)->parent) {
        const AkExpr *around = ak_expr(facts, id);

        if (around->kind == AK_X_COMPARE && is_membership(around))
            return true;
        if (around->kind != AK_X_CALL)
            continue;
        if (is_set_method(ak_name(facts, ak_expr(facts, ak_kid(facts, around->kids, 0))->name)))
            return true;
        for (size_t i = 0; i < fn->call_len; i++)
            if (fn->calls[i].expr == id && ak_does_any(&fn->calls[i], AK_LOG | AK_PRINT))
                return true;
    }
    return ak_expr(facts, place)->flags & AK_XF_DROPPED;
}

/* The same for `key = id(a)`: each place where the name is read. */
static bool is_harmless_name(const AkCall *call)
{
    const AkFacts *facts = call->fn->unit->facts;
    const AkStmt *stmt = &facts->stmts[call->stmt];
    const AkExpr *target = ak_expr(facts, ak_kid(facts, stmt->targets, 0));

    if (stmt->kind != AK_S_ASSIGN || stmt->value != call->expr || stmt->targets.count != 1 ||
        target->kind != AK_X_NAME || !call->fn->index)
        return false;
    for (AkExprId id = ak_first_expr(call->fn);
         id < facts->expr_len && ak_expr(facts, id)->start < ak_fact(call->fn)->end; id++) {
        const AkExpr *row = ak_expr(facts, id);

        if (row->kind == AK_X_NAME && row->name == target->name &&
            !(row->flags & AK_XF_STORE) && !is_harmless_at(call->fn, id))
            return false;
    }
    return true;
}

static bool is_identity_method(const AkFunction *fn)
{
    return strcmp(fn->name, "__hash__") == 0 || strcmp(fn->name, "__eq__") == 0 ||
           strcmp(fn->name, "__repr__") == 0;
}

/* A class of the project that hashes itself: what its method does is followed there. */
static bool hashes_itself(AkPass *pass, const AkArgument *of)
{
    AkValue value = ak_value(pass, of->unit, of->expr);

    return value.kind == AK_V_INSTANCE && ak_method(pass, value.class_, "__hash__");
}

static void check(AkPass *pass)
{
    for (size_t i = 0; i < pass->call_len; i++) {
        const AkCall *call = pass->calls[i];
        AkArgument of;

        if (!ak_does(call, AK_IDENTITY) || !(ak_contexts_at(pass, call) & AK_CTX_WORKFLOW) ||
            is_identity_method(call->fn))
            continue;
        of = ak_argument(pass, call, NULL, 0);
        if (of.given == AK_GIVEN && ak_calls(call, "builtins.hash") &&
            (is_stable(pass, of.unit, of.expr, 0) || hashes_itself(pass, &of)))
            continue;
        if (call->kind != AK_CALL_PLAIN ||
            !(is_harmless_at(call->fn, call->expr) || is_harmless_name(call)))
            ak_report_call(pass, call, AK_CTX_WORKFLOW, "'%s' differs from process to process",
                           call->dotted);
    }
}

const AkRule ak_rule_AK311 = {
    .id = "AK311",
    .name = "identity-or-hash",
    .level = AK_WARNING,
    .dialects = AK_DIALECTS_ALL,
    .since = "0.1",
    .summary = "workflow code uses id() or hash() as a value",
    .why =
        "id() is an address, and hash() of strings and objects is salted anew in each process: "
        "keys, orders and names made of them differ on replay.",
    .instead = "Use a key of the data's own, a counter, or hashlib.sha256 of its bytes.",
    .misses = "Values whose __hash__ reaches the salted hash through another package.",
    .fix = AK_FIX_NONE,
    .check = check,
};
