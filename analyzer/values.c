/* values.c: what an expression may be.
 *
 * Answers are sets of a few values, kept per expression. An answer that rests on what callers
 * pass to a parameter, on a block that is not parsed yet, or on a recursion that was cut short
 * holds for the work item at hand only (AkProgram.epoch); all others for ever. Depth and the
 * number of evaluations of a work item are bounded: beyond, things are unknown.
 *
 * A function's result is the union of what it returns, where a returned parameter stands for
 * the argument of the very call. Unknown stays unknown: it is a value like the others.
 */
#include "values.h"

#include <string.h>

#define BUSY UINT32_MAX /* in a unit's memo: being evaluated */

enum { MOST = 8 };

/* ---- Sets ---- */

bool ak__same_value(const AkValue *a, const AkValue *b)
{
    return a->kind == b->kind && a->dotted == b->dotted && a->text == b->text &&
           a->module == b->module && a->function == b->function && a->class_ == b->class_ &&
           a->unit == b->unit && a->expr == b->expr;
}

/* Two instances of one class are one value here: nothing tells them apart later. */
static bool covers(const AkValue *a, const AkValue *b)
{
    if (a->kind == AK_V_INSTANCE && b->kind == AK_V_INSTANCE)
        return a->class_ == b->class_ && (a->open || !b->open);
    return ak__same_value(a, b);
}

void ak__add(AkSet *set, AkValue value)
{
    for (uint32_t i = 0; i < set->len; i++)
        if (covers(&set->items[i], &value)) {
            set->items[i].guessed = set->items[i].guessed && value.guessed;
            return;
        }
    if (set->len == MOST) {
        set->items[MOST - 1] = (AkValue){.kind = AK_V_UNKNOWN};
        return;
    }
    set->items[set->len++] = value;
}

void ak__add_unknown(AkSet *set)
{
    ak__add(set, (AkValue){.kind = AK_V_UNKNOWN});
}

static void add_all(AkSet *set, AkValues values)
{
    for (uint32_t i = 0; i < values.len; i++)
        ak__add(set, values.items[i]);
}

void ak__add_set(AkSet *set, const AkSet *other)
{
    add_all(set, (AkValues){other->items, other->len});
}

bool ak__only_unknown(const AkSet *set)
{
    return set->len == 0 || (set->len == 1 && set->items[0].kind == AK_V_UNKNOWN);
}

AkValue ak__made(AkValueKind kind, const AkUnit *unit, AkExprId expr)
{
    return (AkValue){.kind = (uint8_t)kind, .unit = unit, .expr = expr};
}

AkValue ak__external_result(const char *dotted, const AkUnit *unit, AkExprId expr)
{
    return (AkValue){.kind = AK_V_RESULT, .dotted = dotted, .unit = unit, .expr = expr};
}

static AkValue builtin_instance(AkProgram *program, const char *name)
{
    return ak__external_result(ak__atom_join(program, "builtins", ".", name), NULL, 0);
}

/* Values may hold themselves (`x = list(x)` in a loop): what leads from one to the next is
 * bounded like the evaluation of expressions. */
bool ak__is_too_deep(AkProgram *program, AkSet *out)
{
    if (program->depth < AK_DEEPEST && program->budget) {
        program->budget--;
        return false;
    }
    program->unstable++;
    ak__add_unknown(out);
    return true;
}

/* ---- Arguments as written ---- */

AkExprId ak__plain_argument(const AkFacts *facts, AkExprId call, uint32_t n)
{
    AkKids kids = facts->exprs[call].kids;
    for (uint32_t i = 1; i < kids.count; i++) {
        AkExprId arg = facts->kids[kids.first + i];
        uint8_t kind = facts->exprs[arg].kind;
        if (kind == AK_X_STAR || kind == AK_X_DOUBLE_STAR)
            return 0;
        if (kind != AK_X_KEYWORD && n-- == 0)
            return arg;
    }
    return 0;
}

AkExprId ak__keyword_argument(const AkUnit *unit, AkExprId call, const char *name)
{
    const AkFacts *facts = unit->facts;
    AkKids kids = facts->exprs[call].kids;
    for (uint32_t i = 1; i < kids.count; i++) {
        const AkExpr *arg = &facts->exprs[facts->kids[kids.first + i]];
        if (arg->kind == AK_X_KEYWORD && strcmp(unit->atoms[arg->name], name) == 0)
            return ak_kid(facts, arg->kids, 0);
    }
    return 0;
}

AkExprId ak__argument_of(const AkFunction *fn, uint32_t param, const AkUnit *unit,
                         AkExprId call, uint32_t shift)
{
    const AkFunctionFact *fact = ak_fact(fn);
    if (!call || param >= fact->param_len)
        return 0;
    const AkParam *row = &fn->unit->facts->params[fact->first_param + param];
    if (row->kind == AK_PARAM_ARGS || row->kind == AK_PARAM_KWARGS)
        return 0;
    AkExprId given = 0;
    if (row->kind != AK_PARAM_KEYWORD_ONLY && param >= shift)
        given = ak__plain_argument(unit->facts, call, param - shift);
    if (!given && row->kind != AK_PARAM_POSITIONAL_ONLY)
        given = ak__keyword_argument(unit, call, fn->unit->atoms[row->name]);
    return given;
}

/* ---- Expressions ---- */

static void eval_call(AkProgram *program, const AkUnit *unit, AkExprId expr, AkSet *out)
{
    AkValues callees =
        ak__eval(program, unit, ak_kid(unit->facts, unit->facts->exprs[expr].kids, 0));
    for (uint32_t i = 0; i < callees.len; i++) {
        AkSet got = {.len = 0};
        ak__call_result(program, &callees.items[i], unit, expr, &got);
        for (uint32_t k = 0; k < got.len; k++) {
            got.items[k].guessed |= callees.items[i].guessed;
            ak__add(out, got.items[k]);
        }
    }
}

static void eval_attribute(AkProgram *program, const AkUnit *unit, AkExprId expr, AkSet *out)
{
    const AkExpr *row = &unit->facts->exprs[expr];
    AkValues objects = ak__eval(program, unit, ak_kid(unit->facts, row->kids, 0));
    for (uint32_t i = 0; i < objects.len; i++) {
        AkSet got = {.len = 0};
        ak__attribute(program, &objects.items[i], unit->atoms[row->name], &got);
        for (uint32_t k = 0; k < got.len; k++) {
            got.items[k].guessed |= objects.items[i].guessed;
            ak__add(out, got.items[k]);
        }
    }
}

static bool same_constant(AkProgram *program, const AkUnit *a, AkExprId x, const AkUnit *b,
                          AkExprId y)
{
    AkValues left = ak__eval(program, a, x), right = ak__eval(program, b, y);
    if (left.len != 1 || right.len != 1 || left.items[0].kind != right.items[0].kind)
        return false;
    return left.items[0].text && left.items[0].text == right.items[0].text;
}

static bool is_constant(AkProgram *program, const AkUnit *unit, AkExprId expr)
{
    AkValues values = ak__eval(program, unit, expr);
    return values.len == 1 && values.items[0].text;
}

void ak__subscript_dict(AkProgram *program, const AkValue *dict, const AkUnit *unit,
                        AkExprId index, AkSet *out)
{
    const AkFacts *facts = dict->unit->facts;
    AkKids kids = facts->exprs[dict->expr].kids;
    bool known =
        facts->exprs[dict->expr].kind == AK_X_DICT && is_constant(program, unit, index);
    for (uint32_t i = 0; known && i + 1 < kids.count; i += 2)
        if (ak_kid(facts, kids, i) &&
            same_constant(program, dict->unit, ak_kid(facts, kids, i), unit, index)) {
            ak__eval_into(program, dict->unit, ak_kid(facts, kids, i + 1), out);
            return;
        }
    ak__values_of_dict(program, dict, out);
}

static void subscript_list(AkProgram *program, const AkValue *list, const AkUnit *unit,
                           AkExprId index, AkSet *out)
{
    const AkFacts *facts = list->unit->facts;
    const AkExpr *row = &facts->exprs[list->expr], *at = &unit->facts->exprs[index];
    const char *text = unit->atoms[at->name];
    bool display = row->kind == AK_X_LIST || row->kind == AK_X_TUPLE;
    if (at->kind == AK_X_SLICE)
        ak__add(out, *list);
    else if (display && at->kind == AK_X_INT && text[0] >= '0' && text[0] <= '9' && !text[1])
        ak__part_of(program, list, (uint16_t)(text[0] - '0'), out);
    else
        ak__iterate(program, list, out);
}

/* `client["shop"]["orders"]`, where the knowledge says of what class an item is. */
static void external_item(AkProgram *program, const AkValue *object, AkSet *out)
{
    const char *made = ak__returns(program->knowledge, object->dotted);
    const char *type = ak__returns(
        program->knowledge,
        ak__atom_join(program, made && *made ? made : object->dotted, ".", "__getitem__"));
    if (type && *type)
        ak__add(out, ak__external_result(ak__atom(program, type), NULL, 0));
    else
        ak__add_unknown(out);
}

static void eval_subscript(AkProgram *program, const AkUnit *unit, AkExprId expr, AkSet *out)
{
    AkKids kids = unit->facts->exprs[expr].kids;
    AkValues objects = ak__eval(program, unit, ak_kid(unit->facts, kids, 0));
    AkExprId index = ak_kid(unit->facts, kids, 1);
    for (uint32_t i = 0; i < objects.len; i++) {
        const AkValue *object = &objects.items[i];
        switch ((AkValueKind)object->kind) {
        case AK_V_DICT: ak__subscript_dict(program, object, unit, index, out); break;
        case AK_V_LIST:
        case AK_V_TUPLE: subscript_list(program, object, unit, index, out); break;
        case AK_V_TYPED:
            ak__annotated(program, object->unit,
                          ak__type_argument(object, ak__is_typed_dict(object) ? 1 : 0), out);
            break;
        case AK_V_INSTANCE: ak__method_result(program, object, "__getitem__", out); break;
        case AK_V_CLASS: /* Color["RED"], or Generic[T] */
            if (ak__is_enum(program, object->class_))
                ak__add(out, (AkValue){.kind = AK_V_INSTANCE, .class_ = object->class_});
            else
                ak__add(out, *object);
            break;
        case AK_V_RESULT: external_item(program, object, out); break;
        case AK_V_EXTERNAL:
            if (ak__is_class_name(program, object->dotted))
                ak__add(out, *object);
            else
                ak__add_unknown(out);
            break;
        default: ak__add_unknown(out); break;
        }
    }
    if (!out->len)
        ak__add_unknown(out);
}

static bool is_set(const AkValue *value)
{
    return value->kind == AK_V_SET || ak__is_result_of(value, "builtins.set") ||
           ak__is_result_of(value, "builtins.frozenset");
}

static void eval_binary(AkProgram *program, const AkUnit *unit, AkExprId expr, AkSet *out)
{
    const AkExpr *row = &unit->facts->exprs[expr];
    AkValues left = ak__eval(program, unit, ak_kid(unit->facts, row->kids, 0));
    for (uint32_t i = 0; i < left.len; i++) {
        const AkValue *value = &left.items[i];
        const char *dunder = ak__binary_method(row->op, false);
        if (value->kind == AK_V_INSTANCE && dunder)
            ak__method_result(program, value, dunder, out);
        else if (is_set(value))
            ak__add(out, builtin_instance(program, "set"));
        else if (row->op == AK_OP_DIV && value->kind == AK_V_RESULT &&
                 strncmp(value->dotted, "pathlib.", 8) == 0)
            ak__add(out, ak__external_result(ak__atom(program, "pathlib.Path"), NULL, 0));
        else if (value->kind == AK_V_STRING || ak__is_result_of(value, "builtins.str"))
            ak__add(out, builtin_instance(program, "str"));
    }
    if (!out->len)
        ak__add_unknown(out);
}

/* `a or b`: a falsy a is not the value. */
static void eval_bool(AkProgram *program, const AkUnit *unit, AkExprId expr, AkSet *out)
{
    const AkExpr *row = &unit->facts->exprs[expr];
    for (uint32_t i = 0; i < row->kids.count; i++) {
        bool last = i + 1 == row->kids.count;
        AkValues values = ak__eval(program, unit, ak_kid(unit->facts, row->kids, i));
        for (uint32_t k = 0; k < values.len; k++) {
            uint8_t kind = values.items[k].kind;
            bool falsy = kind == AK_V_NONE || kind == AK_V_FALSE;
            if (last || (row->op == AK_OP_OR ? !falsy : falsy))
                ak__add(out, values.items[k]);
        }
    }
}

static void eval_await(AkProgram *program, const AkUnit *unit, AkExprId expr, AkSet *out)
{
    AkExprId awaited = ak_kid(unit->facts, unit->facts->exprs[expr].kids, 0);
    AkValues values = ak__eval(program, unit, awaited);
    /* Of starting a child, which is awaited itself, it gives the handle. */
    for (uint32_t i = 0; i < values.len; i++)
        if (unit->facts->exprs[awaited].kind != AK_X_CALL &&
            ak__is_made_by(program, &values.items[i],
                           "temporalio.workflow.ChildWorkflowHandle"))
            ak__add_unknown(out);
        else
            ak__await_value(program, &values.items[i], out);
}

static AkValue constant(const AkUnit *unit, AkExprId expr, AkValueKind kind)
{
    AkValue value = ak__made(kind, unit, expr);
    AkName name = unit->facts->exprs[expr].name;
    value.text = name || kind == AK_V_NUMBER ? unit->atoms[name] : NULL;
    return value;
}

void ak__eval_into(AkProgram *program, const AkUnit *unit, AkExprId expr, AkSet *out)
{
    add_all(out, ak__eval(program, unit, expr));
}

static void eval_kind(AkProgram *program, const AkUnit *unit, AkExprId expr, AkSet *out)
{
    const AkFacts *facts = unit->facts;
    const AkExpr *row = &facts->exprs[expr];
    AkExprId first = ak_kid(facts, row->kids, 0);
    switch ((AkExprKind)row->kind) {
    case AK_X_NAME: ak__lookup(program, unit, row->scope, row->name, expr, out); break;
    case AK_X_ATTRIBUTE: eval_attribute(program, unit, expr, out); break;
    case AK_X_CALL: eval_call(program, unit, expr, out); break;
    case AK_X_SUBSCRIPT: eval_subscript(program, unit, expr, out); break;
    case AK_X_STRING: ak__add(out, constant(unit, expr, AK_V_STRING)); break;
    case AK_X_BYTES: ak__add(out, ak__made(AK_V_BYTES, unit, expr)); break;
    case AK_X_FSTRING: ak__add(out, builtin_instance(program, "str")); break;
    case AK_X_INT:
    case AK_X_FLOAT: ak__add(out, constant(unit, expr, AK_V_NUMBER)); break;
    case AK_X_TRUE: ak__add(out, ak__made(AK_V_TRUE, unit, expr)); break;
    case AK_X_FALSE: ak__add(out, ak__made(AK_V_FALSE, unit, expr)); break;
    case AK_X_NONE_LITERAL: ak__add(out, (AkValue){.kind = AK_V_NONE}); break;
    case AK_X_LIST:
    case AK_X_LIST_COMP: ak__add(out, ak__made(AK_V_LIST, unit, expr)); break;
    case AK_X_TUPLE: ak__add(out, ak__made(AK_V_TUPLE, unit, expr)); break;
    case AK_X_SET:
    case AK_X_SET_COMP: ak__add(out, ak__made(AK_V_SET, unit, expr)); break;
    case AK_X_DICT:
    case AK_X_DICT_COMP: ak__add(out, ak__made(AK_V_DICT, unit, expr)); break;
    case AK_X_GENERATOR: ak__add(out, ak__made(AK_V_GENERATOR, unit, expr)); break;
    case AK_X_LAMBDA:
        ak__add(out, (AkValue){.kind = AK_V_FUNCTION, .function = unit->functions[row->index]});
        break;
    case AK_X_AWAIT: eval_await(program, unit, expr, out); break;
    case AK_X_NAMED: ak__eval_into(program, unit, ak_kid(facts, row->kids, 1), out); break;
    case AK_X_CONDITIONAL:
        ak__eval_into(program, unit, first, out);
        ak__eval_into(program, unit, ak_kid(facts, row->kids, 2), out);
        break;
    case AK_X_BOOL: eval_bool(program, unit, expr, out); break;
    case AK_X_BINARY: eval_binary(program, unit, expr, out); break;
    case AK_X_KEYWORD: ak__eval_into(program, unit, first, out); break;
    case AK_X_UNARY:
        if (facts->exprs[first].kind == AK_X_INT || facts->exprs[first].kind == AK_X_FLOAT) {
            ak__add(out, constant(unit, first, AK_V_NUMBER));
            out->items[0].expr = expr;
        }
        break;
    default: break;
    }
    if (!out->len)
        ak__add_unknown(out);
}

static AkValues keep(AkProgram *program, const AkUnit *unit, AkExprId expr, uint32_t slot,
                     const AkSet *set, uint32_t epoch)
{
    static const AkValue unknown = {.kind = AK_V_UNKNOWN};
    if (!slot) {
        AK_PUSH(program->arena, program->memos, program->memo_len, program->memo_cap) =
            (AkMemo){0};
        slot = program->memo_len; /* index + 1 */
    }
    AkMemo *memo = &program->memos[slot - 1];
    memo->epoch = epoch;
    if (set->len == 1 && set->items[0].kind == AK_V_UNKNOWN && !set->items[0].guessed) {
        memo->items = &unknown;
    } else {
        /* An answer of an earlier work item is of no use to anybody: its place is taken. */
        AkValue *items = memo->items != &unknown && memo->len >= set->len
                             ? (AkValue *)(uintptr_t)memo->items
                             : ak__alloc(program->arena, set->len * sizeof *items);
        memcpy(items, set->items, set->len * sizeof *items);
        memo->items = items;
    }
    memo->len = set->len;
    ak__unit(unit)->memo[expr] = slot;
    return (AkValues){memo->items, memo->len};
}

AkValues ak__eval(AkProgram *program, const AkUnit *unit, AkExprId expr)
{
    static const AkValue unknown = {.kind = AK_V_UNKNOWN};
    uint32_t *memo = &ak__unit(unit)->memo[expr];
    uint32_t slot = *memo;
    if (!expr)
        return (AkValues){&unknown, 1};
    if (slot && slot != BUSY &&
        (program->memos[slot - 1].epoch == AK_FOREVER ||
         program->memos[slot - 1].epoch == program->epoch)) {
        /* What holds for now only must not make what uses it hold for ever. */
        program->unstable += program->memos[slot - 1].epoch != AK_FOREVER;
        program->missing += program->memos[slot - 1].missing;
        return (AkValues){program->memos[slot - 1].items, program->memos[slot - 1].len};
    }
    if (slot == BUSY || program->depth >= AK_DEEPEST || !program->budget) {
        program->unstable++;
        return (AkValues){&unknown, 1};
    }
    uint32_t unstable = program->unstable, missing = program->missing;
    AkSet set = {.len = 0};
    program->depth++;
    program->budget--;
    *memo = BUSY;
    eval_kind(program, unit, expr, &set);
    program->depth--;
    bool there = program->missing == missing;
    bool stable = program->unstable == unstable && there;
    AkValues kept = keep(program, unit, expr, slot, &set, stable ? AK_FOREVER : program->epoch);
    program->memos[*memo - 1].missing = !there;
    return kept;
}
