/* defaults.c: code that runs only where an argument is missing.
 *
 * `at = at or datetime.now()` reads the clock for those callers only that give no `at`, and the
 * `default_factory` of a field runs only where the class is called without the field. Such calls
 * (AkCall.unless) belong to the ways by which they run, not to their function: context.c asks of
 * each way into the function whether it lacks the argument.
 */
#include "stages.h"

#include <string.h>

/* ---- The guards around a place ---- */

static const AkBinding *parameter(const AkUnit *unit, const AkFunction *fn, AkName name,
                                  uint32_t before)
{
    const AkFacts *facts = unit->facts;
    const AkScope *scope = &facts->scopes[ak_fact(fn)->scope];
    const AkBinding *found = NULL;
    for (uint32_t i = 0; i < scope->binding_len; i++) {
        const AkBinding *binding = &facts->bindings[scope->first_binding + i];
        if (binding->name != name)
            continue;
        if (binding->kind == AK_B_PARAMETER)
            found = binding;
        else if (binding->start < before)
            return NULL; /* by then it is something else */
    }
    return found;
}

/* The parameter that the expression is; in `__post_init__` the field. */
static const char *argument_named(const AkFunction *fn, AkExprId expr, uint32_t before)
{
    const AkUnit *unit = fn->unit;
    const AkExpr *row = &unit->facts->exprs[expr];
    if (row->kind == AK_X_NAME && parameter(unit, fn, row->name, before))
        return unit->atoms[row->name];
    if (row->kind == AK_X_ATTRIBUTE && fn->class_ && strcmp(fn->name, "__post_init__") == 0) {
        const AkExpr *object = &unit->facts->exprs[ak_kid(unit->facts, row->kids, 0)];
        const AkFunctionFact *fact = ak_fact(fn);
        if (object->kind == AK_X_NAME && fact->param_len &&
            object->name == unit->facts->params[fact->first_param].name)
            return unit->atoms[row->name];
    }
    return NULL;
}

/* The argument that is missing when the test is true (or, with given set, when it is false). */
static const char *tested(const AkFunction *fn, AkExprId test, bool given, uint32_t before)
{
    const AkFacts *facts = fn->unit->facts;
    const AkExpr *row = &facts->exprs[test];
    AkExprId first = ak_kid(facts, row->kids, 0);
    switch ((AkExprKind)row->kind) {
    case AK_X_NAME:
    case AK_X_ATTRIBUTE: return given ? argument_named(fn, test, before) : NULL;
    case AK_X_UNARY: return row->op == AK_OP_NOT ? tested(fn, first, !given, before) : NULL;
    case AK_X_COMPARE: {
        bool is = row->op == AK_OP_IS || row->op == AK_OP_EQ;
        if (row->kids.count != 2 ||
            facts->exprs[ak_kid(facts, row->kids, 1)].kind != AK_X_NONE_LITERAL ||
            (!is && row->op != AK_OP_IS_NOT && row->op != AK_OP_NE))
            return NULL;
        return is != given ? argument_named(fn, first, before) : NULL;
    }
    case AK_X_BOOL: {
        const char *name = NULL;
        bool all_hold = (row->op == AK_OP_AND) != given;
        for (uint32_t i = 0; all_hold && !name && i < row->kids.count; i++)
            name = tested(fn, ak_kid(facts, row->kids, i), given, before);
        return name;
    }
    default: return NULL;
    }
}

static const char *within_expression(const AkFunction *fn, AkExprId expr, uint32_t before)
{
    const AkFacts *facts = fn->unit->facts;
    for (AkExprId parent; (parent = facts->exprs[expr].parent) != 0; expr = parent) {
        const AkExpr *row = &facts->exprs[parent];
        const char *name = NULL;
        if (row->kind == AK_X_LAMBDA)
            return NULL;
        if (row->kind == AK_X_CONDITIONAL && expr != ak_kid(facts, row->kids, 1))
            name = tested(fn, ak_kid(facts, row->kids, 1), expr == ak_kid(facts, row->kids, 2),
                          before);
        for (uint32_t i = 0; row->kind == AK_X_BOOL && row->op == AK_OP_OR && !name &&
                             ak_kid(facts, row->kids, i) != expr;
             i++)
            name = tested(fn, ak_kid(facts, row->kids, i), true, before);
        if (name)
            return name;
    }
    return NULL;
}

const char *ak__unless(const AkFunction *fn, AkExprId expr)
{
    const AkFacts *facts = fn->unit->facts;
    if (!fn->index || fn->roles & AK_ROLE_FIELDS || !expr || !ak_fact(fn)->param_len)
        return NULL;
    AkStmtId stmt = facts->exprs[expr].stmt, own = ak_fact(fn)->stmt;
    const char *name = within_expression(fn, expr, facts->stmts[stmt].start);
    for (; !name && stmt && stmt != own && !ak_fact(fn)->is_lambda;
         stmt = facts->stmts[stmt].parent) {
        AkStmtId around = facts->stmts[stmt].parent;
        if (around == own || facts->stmts[around].kind != AK_S_IF)
            continue;
        name = tested(fn, facts->stmts[around].value, facts->stmts[stmt].suite == AK_SUITE_ELSE,
                      facts->stmts[around].start);
    }
    return name;
}

/* ---- What a call gives ---- */

static bool has_stars(const AkUnit *unit, AkExprId call)
{
    AkKids kids = unit->facts->exprs[call].kids;
    for (uint32_t i = 1; i < kids.count; i++) {
        uint8_t kind = unit->facts->exprs[ak_kid(unit->facts, kids, i)].kind;
        if (kind == AK_X_STAR || kind == AK_X_DOUBLE_STAR)
            return true;
    }
    return false;
}

static bool is_class_variable(const AkUnit *unit, AkExprId annotation)
{
    const AkExpr *row = &unit->facts->exprs[annotation];
    if (row->kind == AK_X_SUBSCRIPT)
        row = &unit->facts->exprs[ak_kid(unit->facts, row->kids, 0)];
    return strcmp(unit->atoms[row->name], "ClassVar") == 0;
}

/* The name of the field that a statement of a class body makes, or NULL. */
static const char *field_made(const AkUnit *unit, const AkStmt *row)
{
    const AkExpr *target = &unit->facts->exprs[ak_kid(unit->facts, row->targets, 0)];
    bool makes = row->kind == AK_S_ANNOTATED && target->kind == AK_X_NAME &&
                 !is_class_variable(unit, row->extra);
    return makes ? unit->atoms[target->name] : NULL;
}

static bool makes_field(const AkClass *class_, const char *name)
{
    const AkFacts *facts = class_->unit->facts;
    AkStmtId stmt = facts->classes[class_->index].stmt;
    for (AkStmtId k = stmt + 1; k <= facts->stmts[stmt].last; k = facts->stmts[k].last + 1)
        if (field_made(class_->unit, &facts->stmts[k]) == name)
            return true;
    return false;
}

/* Whether a class that comes later in the order of resolution has the field already. */
static bool is_older_field(const AkClass *class_, size_t from, const char *name)
{
    for (size_t i = from; i < class_->mro_len; i++)
        if (makes_field(class_->mro[i], name))
            return true;
    return false;
}

/* The place of a field among the arguments of a dataclass: those of its bases come first, and one
 * that a class makes anew keeps its place. */
static bool place_of_field(const AkClass *class_, const char *name, uint32_t *place)
{
    *place = 0;
    for (size_t i = class_->mro_len; i-- > 0;) {
        const AkUnit *unit = class_->mro[i]->unit;
        const AkFacts *facts = unit->facts;
        AkStmtId stmt = facts->classes[class_->mro[i]->index].stmt;
        for (AkStmtId k = stmt + 1; k <= facts->stmts[stmt].last;
             k = facts->stmts[k].last + 1) {
            const char *made = field_made(unit, &facts->stmts[k]);
            if (!made || is_older_field(class_, i + 1, made))
                continue;
            if (made == name)
                return true;
            ++*place;
        }
    }
    return false;
}

static AkExprId field_given(const AkCall *call, const char *name)
{
    const AkUnit *unit = call->fn->unit;
    AkExprId given = ak__keyword_argument(unit, call->expr, name);
    uint32_t place;
    if (!given && place_of_field(call->callee.class_, name, &place))
        given = ak__plain_argument(unit->facts, call->expr, place);
    return given;
}

static AkExprId parameter_given(const AkCall *call, const char *name)
{
    const AkFunctionFact *fact = ak_fact(call->target);
    const AkUnit *unit = call->target->unit;
    uint32_t shift = call->kind == AK_CALL_INIT || call->callee.kind == AK_V_BOUND;
    for (uint32_t i = 0; i < fact->param_len; i++)
        if (unit->atoms[unit->facts->params[fact->first_param + i].name] == name)
            return ak__argument_of(call->target, i, call->fn->unit, call->expr, shift);
    return 0;
}

/* Whether the value is surely neither None nor false. */
static bool is_something(AkProgram *program, const AkValue *value)
{
    switch ((AkValueKind)value->kind) {
    case AK_V_RESULT:
        return ak__is_class_name(program, value->dotted) ||
               strncmp(value->dotted, "temporalio.workflow.", 20) == 0;
    case AK_V_STRING: return !value->text || *value->text;
    case AK_V_EXTERNAL:
    case AK_V_MODULE:
    case AK_V_FUNCTION:
    case AK_V_BOUND:
    case AK_V_CLASS:
    case AK_V_INSTANCE:
    case AK_V_PARTIAL:
    case AK_V_TRUE: return true;
    default: return false;
    }
}

static AkLack lacks_value(AkProgram *program, const AkLink *link, AkExprId given)
{
    const AkCall *call = link->call;
    const AkExpr *row = &call->fn->unit->facts->exprs[given];
    bool something = true, nothing = true;
    /* What it was given itself it passes on. */
    if (row->kind == AK_X_NAME && call->fn->index &&
        parameter(call->fn->unit, call->fn, row->name, row->start))
        return link->up && link->up->from
                   ? ak__lacks(program, link->up, call->fn->unit->atoms[row->name])
                   : AK_LACKS;
    AkValues values = ak__eval(program, call->fn->unit, given);
    for (uint32_t i = 0; i < values.len; i++) {
        uint8_t kind = values.items[i].kind;
        something &= is_something(program, &values.items[i]);
        nothing &= kind == AK_V_NONE || kind == AK_V_FALSE;
    }
    if (values.len && something)
        return AK_GIVES;
    return values.len && nothing ? AK_LACKS : AK_MAY_LACK;
}

AkLack ak__lacks(AkProgram *program, const AkLink *link, const char *name)
{
    const AkCall *call = link->call;
    const AkFunction *target = call ? call->target : NULL;
    if (!target || (call->kind != AK_CALL_PLAIN && call->kind != AK_CALL_INIT) ||
        ak_call_expr(call)->kind != AK_X_CALL || call->via)
        return AK_LACKS;
    bool by_field =
        target->roles & AK_ROLE_FIELDS || strcmp(target->name, "__post_init__") == 0;
    if (by_field && call->callee.kind != AK_V_CLASS)
        return AK_LACKS;
    AkExprId given = by_field ? field_given(call, name) : parameter_given(call, name);
    if (given)
        return target->roles & AK_ROLE_FIELDS ? AK_GIVES : lacks_value(program, link, given);
    return has_stars(call->fn->unit, call->expr) ? AK_MAY_LACK : AK_LACKS;
}
