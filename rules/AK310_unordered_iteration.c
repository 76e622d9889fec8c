/* Loops over sets and folders whose order decides what the workflow does. */
#include "rule.h"

#include <string.h>

static bool is_command(const AkPass *pass, const AkCall *call)
{
    static const char *const names[] = {"execute_", "start_", "sleep", "continue_as_new",
                                        "upsert_"};
    static const char module[] = "temporalio.workflow.";

    if (pass->dialect != AK_DIALECT_TEMPORAL)
        return ak_crosses(pass, call);
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

static bool leads_to_command(const AkPass *pass, const AkCall *call)
{
    if (is_command(pass, call))
        return true;
    return call->target && !(call->target->roles & AK_ROLE_ACTIVITY) &&
           call->kind != AK_CALL_IMPORT &&
           ak_leads_to(pass, call->target, AK_CTX_WORKFLOW, is_command);
}

/* ---- What has no order ---- */

typedef enum Order { ORDERED, UNORDERED_NAMES, UNORDERED_ANY } Order;

static bool is_set_name(const char *dotted)
{
    return strcmp(dotted, "builtins.set") == 0 || strcmp(dotted, "builtins.frozenset") == 0;
}

static bool begins_with(const char *text, size_t len, const char *start)
{
    return len >= strlen(start) && strncmp(text, start, strlen(start)) == 0;
}

/* A set of numbers keeps its order from process to process. */
static Order order_of_display(AkPass *pass, const AkValue *set)
{
    const AkFacts *facts = set->unit->facts;
    const AkExpr *row = ak_expr(facts, set->expr);
    bool names = row->kind == AK_X_SET && row->kids.count > 0, numbers = names;

    for (uint32_t i = 0; row->kind == AK_X_SET && i < row->kids.count; i++) {
        AkValue item = ak_value(pass, set->unit, ak_kid(facts, row->kids, i));

        numbers &= item.kind == AK_V_NUMBER;
        names &= item.kind == AK_V_STRING;
    }
    if (numbers)
        return ORDERED;
    return names ? UNORDERED_NAMES : UNORDERED_ANY;
}

static Order order_of_annotation(const AkValue *value)
{
    size_t len;
    const char *text;

    if (!value->unit)
        return ORDERED;
    text = ak_text(value->unit, value->expr, &len);
    if (begins_with(text, len, "typing."))
        text += 7, len -= 7;
    if (!begins_with(text, len, "set[") && !begins_with(text, len, "Set[") &&
        !begins_with(text, len, "frozenset[") && !begins_with(text, len, "FrozenSet["))
        return ORDERED;
    if (strncmp(strchr(text, '[') + 1, "int]", 4) == 0)
        return ORDERED;
    return strncmp(strchr(text, '[') + 1, "str]", 4) == 0 ? UNORDERED_NAMES : UNORDERED_ANY;
}

static Order order_of_value(AkPass *pass, const AkValue *value)
{
    const AkKnown *known;

    switch ((AkValueKind)value->kind) {
    case AK_V_SET: return value->unit ? order_of_display(pass, value) : UNORDERED_ANY;
    case AK_V_TYPED: return order_of_annotation(value);
    case AK_V_RESULT:
        if (is_set_name(value->dotted))
            return UNORDERED_ANY;
        known = ak_known(pass->knowledge, value->dotted);
        return known && known->effects & AK_UNORDERED ? UNORDERED_NAMES : ORDERED;
    default: return ORDERED;
    }
}

static Order order_of(AkPass *pass, const AkUnit *unit, AkExprId expr, int depth)
{
    const AkExpr *row = ak_expr(unit->facts, expr);
    AkValues values;
    Order order = ORDERED;

    /* a | b, a - b: a set when one of them is. */
    if (row->kind == AK_X_BINARY && depth < 6 &&
        (row->op == AK_OP_OR_BITS || row->op == AK_OP_AND_BITS || row->op == AK_OP_XOR ||
         row->op == AK_OP_SUB)) {
        Order left = order_of(pass, unit, ak_kid(unit->facts, row->kids, 0), depth + 1);
        Order right = order_of(pass, unit, ak_kid(unit->facts, row->kids, 1), depth + 1);

        return left > right ? left : right;
    }
    values = ak_values(pass, unit, expr);
    for (uint32_t i = 0; i < values.len; i++) {
        Order one;

        if (values.items[i].guessed)
            return ORDERED;
        if (values.items[i].kind == AK_V_NONE)
            continue;
        one = order_of_value(pass, &values.items[i]);
        if (one == ORDERED)
            return ORDERED;
        order = one > order ? one : order;
    }
    return order;
}

/* ---- What is done in that order ---- */

static bool gives_commands(const AkPass *pass, const AkFunction *fn, const AkLoop *loop)
{
    const AkFacts *facts = fn->unit->facts;
    const AkExpr *comp = ak_expr(facts, loop->comp);

    for (size_t i = 0; i < fn->call_len; i++) {
        const AkCall *call = &fn->calls[i];
        const AkExpr *at = ak_call_expr(call);
        bool inside =
            loop->comp ? at->start >= comp->start && at->end <= comp->end &&
                             call->expr != loop->iterated
                       : call->stmt != loop->stmt && ak_inside(facts, call->stmt, loop->stmt);

        if (inside && leads_to_command(pass, call))
            return true;
    }
    return false;
}

/* The list is put in order afterwards: `names.sort()`, `sorted(names)`. */
static bool is_sorted_later(const AkFunction *fn, const char *name)
{
    const AkFacts *facts = fn->unit->facts;

    for (AkExprId i = 1; i < facts->expr_len; i++) {
        const AkExpr *call = ak_expr(facts, i);
        const AkExpr *callee, *object;

        if (call->kind != AK_X_CALL || facts->scopes[call->scope].function != fn->index)
            continue;
        callee = ak_expr(facts, ak_kid(facts, call->kids, 0));
        object = callee->kind == AK_X_ATTRIBUTE ? ak_expr(facts, ak_kid(facts, callee->kids, 0))
                                                : ak_expr(facts, ak_kid(facts, call->kids, 1));
        if (object->kind == AK_X_NAME && strcmp(ak_name(facts, object->name), name) == 0 &&
            (strcmp(ak_name(facts, callee->name), "sort") == 0 ||
             strcmp(ak_name(facts, callee->name), "sorted") == 0 ||
             strcmp(ak_name(facts, callee->name), "set") == 0 ||
             strcmp(ak_name(facts, callee->name), "len") == 0))
            return true;
    }
    return false;
}

/* `[… for x in names]`, `list(names)` as (part of) what a command is given. */
static bool is_given_to_command(const AkPass *pass, const AkFunction *fn, AkExprId expr)
{
    const AkFacts *facts = fn->unit->facts;

    for (AkExprId id = ak_expr(facts, expr)->parent; id; id = ak_expr(facts, id)->parent) {
        uint8_t kind = ak_expr(facts, id)->kind;

        if (kind == AK_X_CALL) {
            for (size_t i = 0; i < fn->call_len; i++)
                if (fn->calls[i].expr == id && is_command(pass, &fn->calls[i]))
                    return true;
            return false;
        }
        if (kind != AK_X_KEYWORD && kind != AK_X_LIST && kind != AK_X_TUPLE &&
            kind != AK_X_DICT)
            return false;
    }
    return false;
}

static bool is_name_given_to_command(const AkPass *pass, const AkFunction *fn, const char *name)
{
    const AkFacts *facts = fn->unit->facts;

    for (AkExprId i = 1; i < facts->expr_len; i++)
        if (ak_expr(facts, i)->kind == AK_X_NAME &&
            strcmp(ak_name(facts, ak_expr(facts, i)->name), name) == 0 &&
            facts->scopes[ak_expr(facts, i)->scope].function == fn->index &&
            is_given_to_command(pass, fn, i))
            return true;
    return false;
}

/* In the loop's body: `self.queue.append(x)`, or `names.append(x)` where a command is given names. */
static bool builds_list(const AkPass *pass, const AkFunction *fn, const AkLoop *loop)
{
    const AkFacts *facts = fn->unit->facts;

    if (loop->comp)
        return false;
    for (AkExprId i = 1; i < facts->expr_len; i++) {
        const AkExpr *call = ak_expr(facts, i), *callee, *object;
        const char *method;

        if (call->kind != AK_X_CALL || call->stmt == loop->stmt ||
            !ak_inside(facts, call->stmt, loop->stmt))
            continue;
        callee = ak_expr(facts, ak_kid(facts, call->kids, 0));
        method = ak_name(facts, callee->name);
        if (callee->kind != AK_X_ATTRIBUTE ||
            (strcmp(method, "append") != 0 && strcmp(method, "extend") != 0 &&
             strcmp(method, "insert") != 0))
            continue;
        object = ak_expr(facts, ak_kid(facts, callee->kids, 0));
        if (object->kind == AK_X_ATTRIBUTE ||
            (is_name_given_to_command(pass, fn, ak_name(facts, object->name)) &&
             !is_sorted_later(fn, ak_name(facts, object->name))))
            return true;
    }
    return false;
}

static void report(AkPass *pass, const AkFunction *fn, AkExprId iterated, Order order)
{
    AkReport *finding =
        ak_report_expr(pass, fn, iterated, AK_CTX_WORKFLOW,
                       "this has no fixed order, and what the workflow does follows it");
    const AkFacts *facts = fn->unit->facts;
    char before[] = "sorted(";

    if (pass->dialect == AK_DIALECT_AUTOKITTEH)
        ak_level(finding, AK_WARNING);
    ak_fix(finding, order == UNORDERED_NAMES ? AK_FIX_SAFE : AK_FIX_UNSAFE,
           "iterate in sorted order");
    ak_fix_bytes(finding, fn->unit, ak_expr(facts, iterated)->start,
                 ak_expr(facts, iterated)->start, before);
    ak_fix_bytes(finding, fn->unit, ak_expr(facts, iterated)->end,
                 ak_expr(facts, iterated)->end, ")");
}

static void check_loops(AkPass *pass, const AkFunction *fn)
{
    const AkFacts *facts = fn->unit->facts;

    AkLoopList loops = ak_loops_of(pass, fn);

    for (size_t i = 0; i < loops.len; i++) {
        const AkLoop *loop = loops.items[i];
        uint8_t comp = ak_expr(facts, loop->comp)->kind;
        Order order;

        if (comp == AK_X_SET_COMP || !(ak_contexts_of(pass, fn, loop->stmt) & AK_CTX_WORKFLOW))
            continue;
        order = order_of(pass, fn->unit, loop->iterated, 0);
        if (order != ORDERED &&
            (gives_commands(pass, fn, loop) || builds_list(pass, fn, loop) ||
             (loop->comp && is_given_to_command(pass, fn, loop->comp))))
            report(pass, fn, loop->iterated, order);
    }
}

/* list(names), tuple(names), ",".join(names) given to a command. */
static void check_copy(AkPass *pass, const AkCall *call)
{
    AkArgument first;
    Order order;

    if (call->kind != AK_CALL_PLAIN || !call->dotted ||
        (strcmp(call->dotted, "builtins.list") != 0 &&
         strcmp(call->dotted, "builtins.tuple") != 0 &&
         strcmp(call->dotted, "builtins.str.join") != 0))
        return;
    first = ak_argument(pass, call, NULL, 0);
    if (first.given != AK_GIVEN || !(ak_contexts_at(pass, call) & AK_CTX_WORKFLOW) ||
        !is_given_to_command(pass, call->fn, call->expr))
        return;
    order = order_of(pass, first.unit, first.expr, 0);
    if (order != ORDERED)
        report(pass, call->fn, first.expr, order);
}

static void check(AkPass *pass)
{
    for (size_t i = 0; i < pass->function_len; i++)
        if (pass->functions[i]->index && pass->functions[i]->analysed &&
            ak_contexts(pass, pass->functions[i]) & AK_CTX_WORKFLOW)
            check_loops(pass, pass->functions[i]);
    for (size_t i = 0; i < pass->call_len; i++)
        check_copy(pass, pass->calls[i]);
}

const AkRule ak_rule_AK310 = {
    .id = "AK310",
    .name = "unordered-iteration",
    .level = AK_ERROR,
    .dialects = AK_DIALECTS_ALL,
    .since = "0.1",
    .summary = "commands or lists follow the order of a set or of a folder",
    .why =
        "The order of a set of strings or objects differs from process to process, that of a "
        "folder from machine to machine. Commands given in that order do not match the history "
        "on replay.",
    .instead = "Iterate over sorted(…), or keep the items in a list or dict from the start.",
    .misses =
        "Sets behind values that cannot be known; lists built in a comprehension and used "
        "later; sums of floats.",
    .fix = AK_FIX_SAFE,
    .check = check,
};
