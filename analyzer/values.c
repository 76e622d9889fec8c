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
#include "stages.h"

#include <string.h>

#define BUSY UINT32_MAX /* in a unit's memo: being evaluated */

enum { DEEPEST = 90, MOST = 8 };

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

static void add_set(AkSet *set, const AkSet *other)
{
    add_all(set, (AkValues){other->items, other->len});
}

static bool only_unknown(const AkSet *set)
{
    return set->len == 0 || (set->len == 1 && set->items[0].kind == AK_V_UNKNOWN);
}

static AkValue made(AkValueKind kind, const AkUnit *unit, AkExprId expr)
{
    return (AkValue){.kind = (uint8_t)kind, .unit = unit, .expr = expr};
}

static AkValue external_result(const char *dotted, const AkUnit *unit, AkExprId expr)
{
    return (AkValue){.kind = AK_V_RESULT, .dotted = dotted, .unit = unit, .expr = expr};
}

static AkValue builtin_instance(AkProgram *program, const char *name)
{
    return external_result(ak__atom_join(program, "builtins", ".", name), NULL, 0);
}

/* Values may hold themselves (`x = list(x)` in a loop): what leads from one to the next is
 * bounded like the evaluation of expressions. */
static bool is_too_deep(AkProgram *program, AkSet *out)
{
    if (program->depth < DEEPEST && program->budget) {
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

/* ---- Functions ---- */

void ak__depend(AkProgram *program, AkFunction *on)
{
    AkFunctionX *x = ak__function(on);
    program->unstable++;
    if (!program->current)
        return;
    for (uint32_t i = x->dependent_len; i-- > 0;)
        if (x->dependents[i] == program->current)
            return;
    AK_PUSH(program->arena, x->dependents, x->dependent_len, x->dependent_cap) =
        program->current;
}

bool ak__has_decorator(AkProgram *program, const AkFunction *fn, const char *dotted)
{
    const AkFunctionFact *fact = ak_fact(fn);
    for (uint32_t i = 0; i < fact->decorators.count; i++) {
        AkValues values =
            ak__eval(program, fn->unit, ak_kid(fn->unit->facts, fact->decorators, i));
        for (uint32_t k = 0; k < values.len; k++)
            if (values.items[k].dotted && strcmp(values.items[k].dotted, dotted) == 0)
                return true;
    }
    return false;
}

/* What a decorator of the project makes of a function: the wrappers it returns. */
static void add_wrappers(AkProgram *program, const AkValue *decorator, AkSet *out)
{
    AkSet returned = {.len = 0};
    if (decorator->kind == AK_V_FUNCTION || decorator->kind == AK_V_BOUND)
        ak__returns_of(program, decorator->function, &returned);
    else if (decorator->kind == AK_V_CLASS)
        ak__add(&returned, (AkValue){.kind = AK_V_INSTANCE, .class_ = decorator->class_});
    for (uint32_t i = 0; i < returned.len; i++)
        if (returned.items[i].kind == AK_V_FUNCTION || returned.items[i].kind == AK_V_INSTANCE)
            ak__add(out, returned.items[i]);
}

/* A decorated name is the function and whatever wraps it: calling the name runs both. */
static void function_value(AkProgram *program, const AkUnit *unit, uint32_t index, AkSet *out)
{
    const AkFunctionFact *fact = &unit->facts->functions[index];
    ak__add(out, (AkValue){.kind = AK_V_FUNCTION, .function = unit->functions[index]});
    for (uint32_t i = 0; i < fact->decorators.count; i++) {
        AkValues values = ak__eval(program, unit, ak_kid(unit->facts, fact->decorators, i));
        for (uint32_t k = 0; k < values.len; k++)
            add_wrappers(program, &values.items[k], out);
    }
}

static bool is_static(AkProgram *program, const AkFunction *fn)
{
    return strcmp(fn->name, "__new__") != 0 &&
           ak__has_decorator(program, fn, "builtins.staticmethod");
}

static bool takes_class(AkProgram *program, const AkFunction *fn)
{
    return strcmp(fn->name, "__new__") == 0 || strcmp(fn->name, "__init_subclass__") == 0 ||
           strcmp(fn->name, "__class_getitem__") == 0 ||
           ak__has_decorator(program, fn, "builtins.classmethod");
}

/* ---- Parameters ---- */

static void add_flows(AkProgram *program, AkFunction *fn, uint32_t index, AkSet *out)
{
    AkFunctionX *x = ak__function(fn);
    uint32_t count = 0;
    for (uint32_t i = 0; i < x->flow_len; i++)
        count += x->flow_param[i] == index;
    for (uint32_t i = 0; i < x->flow_len; i++)
        if (x->flow_param[i] == index) {
            AkValue value = x->flows[i];
            value.guessed = value.guessed || count > 1;
            ak__add(out, value);
        }
    ak__depend(program, fn);
}

static bool is_abstract(AkProgram *program, const AkValue *value)
{
    if (value->kind != AK_V_INSTANCE)
        return false;
    ak__class_mro(program, value->class_);
    for (size_t i = 0; i < value->class_->external_base_len; i++) {
        const char *base = value->class_->external_bases[i];
        if (strcmp(base, "typing.Protocol") == 0 || strcmp(base, "abc.ABC") == 0 ||
            strcmp(base, "typing_extensions.Protocol") == 0)
            return true;
    }
    return false;
}

void ak__parameter_value(AkProgram *program, AkFunction *fn, uint32_t index, AkSet *out)
{
    const AkUnit *unit = fn->unit;
    const AkFunctionFact *fact = ak_fact(fn);
    const AkParam *param = &unit->facts->params[fact->first_param + index];
    if (param->kind == AK_PARAM_ARGS || param->kind == AK_PARAM_KWARGS) {
        ak__add_unknown(out);
        return;
    }
    if (index == 0 && fn->class_ && !fact->is_lambda && !is_static(program, fn)) {
        AkValueKind kind = takes_class(program, fn) ? AK_V_CLASS : AK_V_INSTANCE;
        ak__add(out, (AkValue){.kind = (uint8_t)kind, .class_ = fn->class_, .open = true});
        return;
    }
    AkSet annotated = {.len = 0}, flows = {.len = 0};
    if (param->annotation)
        ak__annotated(program, unit, param->annotation, &annotated);
    if (only_unknown(&annotated) || is_abstract(program, &annotated.items[0]))
        add_flows(program, fn, index, &flows);
    add_set(out, only_unknown(&flows) ? &annotated : &flows);
    if (param->value) {
        AkSet defaults = {.len = 0};
        ak__eval_into(program, unit, param->value, &defaults);
        for (uint32_t i = 0; i < defaults.len; i++) {
            defaults.items[i].guessed |= flows.len > 0;
            ak__add(out, defaults.items[i]);
        }
    }
    if (!out->len)
        ak__add_unknown(out);
}

/* ---- What a binding holds ---- */

static void handler_value(AkProgram *program, const AkUnit *unit, const AkBinding *binding,
                          AkSet *out)
{
    AkSet types = {.len = 0};
    if (binding->value)
        ak__eval_into(program, unit, binding->value, &types);
    for (uint32_t i = 0; i < types.len; i++) {
        const AkValue *type = &types.items[i];
        if (type->kind == AK_V_CLASS)
            ak__add(out,
                    (AkValue){.kind = AK_V_INSTANCE, .class_ = type->class_, .open = true});
        else if (type->kind == AK_V_EXTERNAL)
            ak__add(out, external_result(type->dotted, NULL, 0));
    }
    if (!out->len)
        ak__add_unknown(out);
}

static void import_binding(AkProgram *program, const AkUnit *unit, const AkBinding *binding,
                           AkSet *out)
{
    const AkImport *import = &unit->facts->imports[binding->index];
    const char *name = import->is_from ? unit->atoms[import->name] : NULL;
    ak__import_value(program, ak__unit(unit)->file, unit->atoms[import->module], import->level,
                     name, import->has_alias, out);
}

static void annotated_binding(AkProgram *program, const AkUnit *unit, const AkBinding *binding,
                              AkSet *out)
{
    AkSet value = {.len = 0};
    if (binding->value)
        ak__part(program, unit, binding->value, binding->how, binding->part, &value);
    bool says_little =
        only_unknown(&value) || (value.len == 1 && value.items[0].kind == AK_V_NONE);
    if (says_little && binding->annotation)
        ak__annotated(program, unit, binding->annotation, out);
    if (!only_unknown(&value) || !out->len)
        add_set(out, &value);
}

void ak__binding_value(AkProgram *program, const AkUnit *unit, const AkBinding *binding,
                       AkSet *out)
{
    const AkFacts *facts = unit->facts;
    switch ((AkBindingKind)binding->kind) {
    case AK_B_ANNOTATED: annotated_binding(program, unit, binding, out); break;
    case AK_B_ASSIGN:
        if (binding->annotation) {
            annotated_binding(program, unit, binding, out);
            break;
        }
        ak__part(program, unit, binding->value, binding->how, binding->part, out);
        break;
    case AK_B_NAMED:
    case AK_B_FOR:
    case AK_B_WITH:
    case AK_B_MATCH:
        ak__part(program, unit, binding->value, binding->how, binding->part, out);
        break;
    case AK_B_PARAMETER: {
        const AkFunction *fn = unit->functions[facts->scopes[binding->scope].index];
        ak__parameter_value(program, (AkFunction *)(uintptr_t)fn,
                            binding->index - ak_fact(fn)->first_param, out);
        break;
    }
    case AK_B_FUNCTION: function_value(program, unit, binding->index, out); break;
    case AK_B_CLASS:
        ak__add(out, (AkValue){.kind = AK_V_CLASS, .class_ = unit->classes[binding->index]});
        break;
    case AK_B_IMPORT: import_binding(program, unit, binding, out); break;
    case AK_B_EXCEPT: handler_value(program, unit, binding, out); break;
    case AK_B_AUGMENTED:
    case AK_B_TYPE: ak__add_unknown(out); break;
    case AK_B_DELETE:
    case AK_B_GLOBAL:
    case AK_B_NONLOCAL: break;
    }
}

/* ---- Items, parts and what `with` gives ---- */

static void eval_item(AkProgram *program, const AkUnit *unit, AkExprId item, AkSet *out)
{
    if (unit->facts->exprs[item].kind == AK_X_STAR)
        ak__part(program, unit, ak_kid(unit->facts, unit->facts->exprs[item].kids, 0),
                 AK_HOW_ITEM, 0, out);
    else
        ak__eval_into(program, unit, item, out);
}

static void iterate_display(AkProgram *program, const AkValue *value, AkSet *out)
{
    const AkFacts *facts = value->unit->facts;
    const AkExpr *expr = &facts->exprs[value->expr];
    bool dict = expr->kind == AK_X_DICT;
    bool display =
        dict || expr->kind == AK_X_LIST || expr->kind == AK_X_TUPLE || expr->kind == AK_X_SET;
    uint32_t count = display ? expr->kids.count : 1;
    for (uint32_t i = 0; i < count && i < 64; i += dict ? 2 : 1) {
        AkExprId item = ak_kid(facts, expr->kids, i);
        if (item)
            eval_item(program, value->unit, item, out);
        else
            ak__add_unknown(out);
    }
}

static void values_of_dict(AkProgram *program, const AkValue *value, AkSet *out)
{
    const AkFacts *facts = value->unit->facts;
    AkKids kids = facts->exprs[value->expr].kids;
    for (uint32_t i = 1; i < kids.count && i < 128; i += 2)
        if (facts->exprs[ak_kid(facts, kids, i)].kind != AK_X_DOUBLE_STAR)
            ak__eval_into(program, value->unit, ak_kid(facts, kids, i), out);
        else
            ak__add_unknown(out);
}

static bool is_named(const AkUnit *unit, const AkExpr *expr, const char *name)
{
    return (expr->kind == AK_X_NAME || expr->kind == AK_X_ATTRIBUTE) &&
           strcmp(unit->atoms[expr->name], name) == 0;
}

/* The n-th argument of the annotation `list[X]`, `dict[K, V]`. */
static AkExprId type_argument(const AkValue *typed, uint32_t n)
{
    const AkFacts *facts = typed->unit->facts;
    AkExprId index = ak_kid(facts, facts->exprs[typed->expr].kids, 1);
    if (facts->exprs[index].kind != AK_X_TUPLE)
        return n == 0 ? index : 0;
    return ak_kid(facts, facts->exprs[index].kids, n);
}

static bool is_typed_dict(const AkValue *typed)
{
    static const char *const dicts[] = {"dict",           "Dict",        "Mapping",
                                        "MutableMapping", "defaultdict", "OrderedDict"};
    const AkFacts *facts = typed->unit->facts;
    const AkExpr *base = &facts->exprs[ak_kid(facts, facts->exprs[typed->expr].kids, 0)];
    for (size_t i = 0; i < sizeof dicts / sizeof *dicts; i++)
        if (is_named(typed->unit, base, dicts[i]))
            return true;
    return false;
}

static bool is_result_of(const AkValue *value, const char *dotted)
{
    return value->kind == AK_V_RESULT && value->dotted && strcmp(value->dotted, dotted) == 0;
}

/* The dicts whose method `d.items()` is. */
static void owners_of_method(AkProgram *program, const AkValue *result, AkSet *out)
{
    const AkFacts *facts = result->unit->facts;
    AkExprId callee = ak_kid(facts, facts->exprs[result->expr].kids, 0);
    if (facts->exprs[callee].kind == AK_X_ATTRIBUTE)
        ak__eval_into(program, result->unit, ak_kid(facts, facts->exprs[callee].kids, 0), out);
}

static void dict_side(AkProgram *program, const AkValue *result, bool keys, AkSet *out)
{
    AkSet owners = {.len = 0};
    owners_of_method(program, result, &owners);
    for (uint32_t i = 0; i < owners.len; i++) {
        if (owners.items[i].kind == AK_V_DICT && keys)
            ak__iterate(program, &owners.items[i], out);
        else if (owners.items[i].kind == AK_V_DICT)
            values_of_dict(program, &owners.items[i], out);
        else if (owners.items[i].kind == AK_V_TYPED)
            ak__annotated(program, owners.items[i].unit,
                          type_argument(&owners.items[i], keys ? 0 : 1), out);
    }
}

static void iterate_result(AkProgram *program, const AkValue *value, AkSet *out)
{
    static const char *const through[] = {
        "builtins.list", "builtins.tuple",    "builtins.sorted",    "builtins.set",
        "builtins.iter", "builtins.reversed", "builtins.frozenset", "collections.deque"};
    if (value->unit && value->unit->facts->exprs[value->expr].kind == AK_X_CALL) {
        AkExprId first = ak__plain_argument(value->unit->facts, value->expr, 0);
        for (size_t i = 0; first && i < sizeof through / sizeof *through; i++)
            if (is_result_of(value, through[i])) {
                ak__part(program, value->unit, first, AK_HOW_ITEM, 0, out);
                return;
            }
        if (is_result_of(value, "builtins.dict.values")) {
            dict_side(program, value, false, out);
            return;
        }
        if (is_result_of(value, "builtins.dict.keys")) {
            dict_side(program, value, true, out);
            return;
        }
    }
    ak__add_unknown(out);
}

static void method_result(AkProgram *program, const AkValue *self, const char *name, AkSet *out)
{
    AkFunction *methods[4];
    uint32_t len = ak__methods(program, self, name, methods, 4);
    for (uint32_t i = 0; i < len; i++) {
        AkValue callee = {.kind = AK_V_BOUND, .function = methods[i], .class_ = self->class_};
        ak__call_result(program, &callee, NULL, 0, out);
    }
}

static void iterate_instance(AkProgram *program, const AkValue *value, AkSet *out)
{
    AkSet iterators = {.len = 0};
    method_result(program, value, "__iter__", &iterators);
    for (uint32_t i = 0; i < iterators.len; i++) {
        if (iterators.items[i].kind == AK_V_INSTANCE)
            method_result(program, &iterators.items[i], "__next__", out);
        else
            ak__iterate(program, &iterators.items[i], out);
    }
    if (!iterators.len)
        method_result(program, value, "__getitem__", out);
}

static void iterate_inside(AkProgram *program, const AkValue *value, AkSet *out)
{
    switch ((AkValueKind)value->kind) {
    case AK_V_LIST:
    case AK_V_TUPLE:
    case AK_V_SET:
    case AK_V_DICT: iterate_display(program, value, out); break;
    case AK_V_GENERATOR:
        if (!value->function) {
            iterate_display(program, value, out);
        } else {
            const AkFunction *fn = value->function;
            for (uint32_t i = 0; i < ak_fact(fn)->yielded.count && i < 32; i++)
                ak__eval_into(program, fn->unit,
                              ak_kid(fn->unit->facts, ak_fact(fn)->yielded, i), out);
        }
        break;
    case AK_V_TYPED: ak__annotated(program, value->unit, type_argument(value, 0), out); break;
    case AK_V_RESULT: iterate_result(program, value, out); break;
    case AK_V_INSTANCE: iterate_instance(program, value, out); break;
    case AK_V_CLASS:
        ak__add(out, (AkValue){.kind = AK_V_INSTANCE, .class_ = value->class_, .open = true});
        break;
    default: ak__add_unknown(out); break;
    }
    if (!out->len)
        ak__add_unknown(out);
}

void ak__iterate(AkProgram *program, const AkValue *value, AkSet *out)
{
    if (is_too_deep(program, out))
        return;
    program->depth++;
    iterate_inside(program, value, out);
    program->depth--;
}

static void enter_inside(AkProgram *program, const AkValue *value, AkSet *out)
{
    AkSet entered = {.len = 0};
    if (value->kind == AK_V_GENERATOR && value->function) {
        ak__iterate(program, value, out);
    } else if (value->kind == AK_V_INSTANCE) {
        method_result(program, value, "__enter__", &entered);
        method_result(program, value, "__aenter__", &entered);
        for (uint32_t i = 0; i < entered.len; i++) {
            if (entered.items[i].kind == AK_V_COROUTINE)
                ak__returns_of(program, entered.items[i].function, out);
            else
                ak__add(out, entered.items[i]);
        }
        if (!entered.len)
            ak__add(out, *value);
    } else if ((is_result_of(value, "contextlib.closing") ||
                is_result_of(value, "contextlib.nullcontext")) &&
               value->unit) {
        ak__eval_into(program, value->unit,
                      ak__plain_argument(value->unit->facts, value->expr, 0), out);
    } else {
        ak__add(out, *value);
    }
}

void ak__enter(AkProgram *program, const AkValue *value, AkSet *out)
{
    if (is_too_deep(program, out))
        return;
    program->depth++;
    enter_inside(program, value, out);
    program->depth--;
}

static void subscript_dict(AkProgram *program, const AkValue *dict, const AkUnit *unit,
                           AkExprId index, AkSet *out);

/* Item n of a pair or list that value is. */
static void part_of(AkProgram *program, const AkValue *value, uint16_t part, AkSet *out)
{
    const AkFacts *facts = value->unit ? value->unit->facts : NULL;
    if ((value->kind == AK_V_TUPLE || value->kind == AK_V_LIST) &&
        (facts->exprs[value->expr].kind == AK_X_TUPLE ||
         facts->exprs[value->expr].kind == AK_X_LIST)) {
        AkExprId item = ak_kid(facts, facts->exprs[value->expr].kids, part);
        if (item)
            eval_item(program, value->unit, item, out);
    } else if (value->kind == AK_V_TYPED && type_argument(value, part)) {
        AkExprId argument = type_argument(value, part);
        ak__annotated(program, value->unit, argument, out);
    } else if (value->kind == AK_V_TYPED) {
        ak__iterate(program, value, out);
    } else if (is_result_of(value, "asyncio.gather") && value->unit) {
        AkExprId item = ak__plain_argument(facts, value->expr, part);
        AkSet awaited = {.len = 0};
        if (item)
            ak__eval_into(program, value->unit, item, &awaited);
        for (uint32_t i = 0; i < awaited.len; i++)
            if (awaited.items[i].kind == AK_V_COROUTINE)
                ak__returns_of(program, awaited.items[i].function, out);
    }
    if (!out->len)
        ak__add_unknown(out);
}

/* `for i, x in enumerate(xs)`, zip, dict.items: parts of what iterating gives. */
static void part_of_item(AkProgram *program, const AkValue *value, uint16_t part, AkSet *out)
{
    if (is_result_of(value, "builtins.enumerate") && value->unit && part == 1) {
        AkExprId first = ak__plain_argument(value->unit->facts, value->expr, 0);
        ak__part(program, value->unit, first, AK_HOW_ITEM, 0, out);
        return;
    }
    if (is_result_of(value, "builtins.zip") && value->unit) {
        AkExprId nth = ak__plain_argument(value->unit->facts, value->expr, part);
        ak__part(program, value->unit, nth, AK_HOW_ITEM, 0, out);
        return;
    }
    if (is_result_of(value, "builtins.dict.items") && value->unit && part < 2) {
        AkSet owners = {.len = 0};
        owners_of_method(program, value, &owners);
        for (uint32_t i = 0; i < owners.len; i++) {
            if (owners.items[i].kind == AK_V_DICT && part == 1)
                values_of_dict(program, &owners.items[i], out);
            else if (owners.items[i].kind == AK_V_TYPED && is_typed_dict(&owners.items[i]) &&
                     type_argument(&owners.items[i], part))
                ak__annotated(program, owners.items[i].unit,
                              type_argument(&owners.items[i], part), out);
        }
        if (!out->len)
            ak__add_unknown(out);
        return;
    }
    AkSet items = {.len = 0};
    ak__iterate(program, value, &items);
    for (uint32_t i = 0; i < items.len; i++)
        part_of(program, &items.items[i], part, out);
}

static void part_inside(AkProgram *program, const AkUnit *unit, AkExprId value, uint8_t how,
                        uint16_t part, AkSet *out)
{
    if (!value || how == AK_HOW_UNKNOWN || how == AK_HOW_REST) {
        ak__add_unknown(out);
        return;
    }
    AkValues values = ak__eval(program, unit, value);
    for (uint32_t i = 0; i < values.len; i++) {
        AkSet got = {.len = 0};
        switch ((AkHow)how) {
        case AK_HOW_WHOLE: ak__add(&got, values.items[i]); break;
        case AK_HOW_ITEM: ak__iterate(program, &values.items[i], &got); break;
        case AK_HOW_ENTER: ak__enter(program, &values.items[i], &got); break;
        case AK_HOW_PART: part_of(program, &values.items[i], part, &got); break;
        case AK_HOW_ITEM_PART: part_of_item(program, &values.items[i], part, &got); break;
        case AK_HOW_REST:
        case AK_HOW_UNKNOWN: break;
        }
        add_set(out, &got);
    }
}

void ak__part(AkProgram *program, const AkUnit *unit, AkExprId value, uint8_t how,
              uint16_t part, AkSet *out)
{
    if (is_too_deep(program, out))
        return;
    program->depth++;
    part_inside(program, unit, value, how, part, out);
    program->depth--;
}

/* ---- What a call gives ---- */

static void add_annotation_result(AkProgram *program, AkFunction *fn, AkSet *out)
{
    AkSet annotated = {.len = 0};
    if (!ak_fact(fn)->returns)
        return;
    ak__annotated(program, fn->unit, ak_fact(fn)->returns, &annotated);
    if (only_unknown(&annotated))
        return;
    if (only_unknown(out))
        out->len = 0;
    add_set(out, &annotated);
}

static bool has_unknown(const AkSet *set)
{
    for (uint32_t i = 0; i < set->len; i++)
        if (set->items[i].kind == AK_V_UNKNOWN)
            return true;
    return false;
}

/* A returned parameter is the argument of this call; without a call it is whatever was passed.
 */
static void returned_value(AkProgram *program, AkFunction *fn, AkExprId returned,
                           const AkUnit *unit, AkExprId call, uint32_t shift, AkSet *out)
{
    AkParamRef param;
    AkExprId argument = 0;
    const AkExpr *row = &fn->unit->facts->exprs[returned];
    if (call && (row->kind == AK_X_CONDITIONAL || row->kind == AK_X_BOOL) &&
        program->depth < DEEPEST) {
        program->depth++;
        for (uint32_t i = 0; i < row->kids.count && i < 8; i++)
            if (row->kind == AK_X_BOOL || i != 1)
                returned_value(program, fn, ak_kid(fn->unit->facts, row->kids, i), unit, call,
                               shift, out);
        program->depth--;
        return;
    }
    if (call && ak__is_parameter(program, fn->unit, returned, &param) && param.function == fn)
        argument = ak__argument_of(fn, param.index, unit, call, shift);
    if (argument)
        ak__eval_into(program, unit, argument, out);
    else
        ak__eval_into(program, fn->unit, returned, out);
}

static void results(AkProgram *program, AkFunction *fn, const AkUnit *unit, AkExprId call,
                    uint32_t shift, AkSet *out)
{
    AkFunctionX *x = ak__function(fn);
    const AkFunctionFact *fact = ak_fact(fn);
    AkSet got = {.len = 0};
    if (x->values_busy) {
        program->unstable++;
        ak__add_unknown(out);
        return;
    }
    x->values_busy = true;
    for (uint32_t i = 0; i < fact->returned.count && i < 32; i++) {
        AkExprId returned = ak_kid(fn->unit->facts, fact->returned, i);
        if (returned)
            returned_value(program, fn, returned, unit, call, shift, &got);
    }
    x->values_busy = false;
    if (fact->is_trivial || !got.len || has_unknown(&got))
        add_annotation_result(program, fn, &got);
    if (!got.len)
        ak__add(&got, (AkValue){.kind = AK_V_NONE});
    add_set(out, &got);
}

void ak__returns_of(AkProgram *program, AkFunction *fn, AkSet *out)
{
    results(program, fn, NULL, 0, 0, out);
}

/* Bits of the parameters of outer that code nested in it calls: decorators by hand. */
uint32_t ak__closure_calls(AkProgram *program, const AkFunction *nested,
                           const AkFunction *outer)
{
    const AkFacts *facts = nested->unit->facts;
    uint32_t bits = 0;
    if (nested->unit != outer->unit || nested->outer != outer)
        return 0;
    const AkFunctionFact *fact = ak_fact(nested);
    for (uint32_t i = ak__first_expr(facts, fact->start), seen = 0;
         i < facts->expr_len && seen < 4096; i++, seen++) {
        const AkExpr *expr = &facts->exprs[i];
        AkParamRef param;
        if (expr->start >= fact->end)
            break;
        if (expr->kind == AK_X_CALL &&
            ak__is_parameter(program, nested->unit, ak_kid(facts, expr->kids, 0), &param) &&
            param.function == outer && param.index < 32)
            bits |= 1u << param.index;
    }
    return bits;
}

static bool is_callable(const AkValue *value)
{
    return value->kind == AK_V_FUNCTION || value->kind == AK_V_BOUND ||
           value->kind == AK_V_EXTERNAL || value->kind == AK_V_PARTIAL ||
           value->kind == AK_V_CLASS;
}

/* wrapped = traced(f): calling what `traced` returned calls f. */
static void add_wrapped(AkProgram *program, AkFunction *fn, const AkUnit *unit, AkExprId call,
                        uint32_t shift, AkSet *out)
{
    uint32_t bits = 0;
    for (uint32_t i = 0; i < out->len; i++)
        if (out->items[i].kind == AK_V_FUNCTION && out->items[i].function->outer == fn)
            bits |= ak__closure_calls(program, out->items[i].function, fn);
    for (uint32_t p = 0; bits; p++, bits >>= 1) {
        AkExprId argument = bits & 1 ? ak__argument_of(fn, p, unit, call, shift) : 0;
        AkSet given = {.len = 0};
        if (argument)
            ak__eval_into(program, unit, argument, &given);
        for (uint32_t i = 0; i < given.len; i++)
            if (is_callable(&given.items[i]))
                ak__add(out, given.items[i]);
    }
}

static void function_result(AkProgram *program, const AkValue *callee, const AkUnit *unit,
                            AkExprId call, AkSet *out)
{
    AkFunction *fn = callee->function;
    const AkFunctionFact *fact = ak_fact(fn);
    AkSet got = {.len = 0};
    if (fact->is_generator) {
        ak__add(out, (AkValue){.kind = AK_V_GENERATOR, .function = fn});
        return;
    }
    if (fact->is_async) {
        ak__add(out,
                (AkValue){.kind = AK_V_COROUTINE, .function = fn, .unit = unit, .expr = call});
        return;
    }
    uint32_t shift = callee->kind == AK_V_BOUND;
    results(program, fn, unit, call, shift, &got);
    if (call)
        add_wrapped(program, fn, unit, call, shift, &got);
    add_set(out, &got);
}

/* ---- External callees that are understood ---- */

typedef void (*Special)(AkProgram *, const AkUnit *, AkExprId, AkSet *);

static void special_getattr(AkProgram *program, const AkUnit *unit, AkExprId call, AkSet *out)
{
    AkExprId object = ak__plain_argument(unit->facts, call, 0);
    AkExprId name = ak__plain_argument(unit->facts, call, 1);
    AkValues names = ak__eval(program, unit, name);
    AkValues objects = ak__eval(program, unit, object);
    if (names.len != 1 || names.items[0].kind != AK_V_STRING || !names.items[0].text) {
        ak__add_unknown(out);
        return;
    }
    for (uint32_t i = 0; i < objects.len; i++)
        ak__attribute(program, &objects.items[i], names.items[0].text, out);
}

static void special_first(AkProgram *program, const AkUnit *unit, AkExprId call, AkSet *out)
{
    AkExprId first = ak__plain_argument(unit->facts, call, 0);
    if (first)
        ak__eval_into(program, unit, first, out);
    else
        ak__add_unknown(out);
}

static bool is_made_by(AkProgram *program, const AkValue *value, const char *type)
{
    const char *made =
        value->kind == AK_V_RESULT ? ak__returns(program->knowledge, value->dotted) : NULL;
    return is_result_of(value, type) || (made && strcmp(made, type) == 0);
}

/* Awaiting one gives what the activity or the task returned. */
static bool is_awaited_handle(AkProgram *program, const AkValue *value)
{
    return is_made_by(program, value, "temporalio.workflow.ActivityHandle") ||
           is_made_by(program, value, "asyncio.Task");
}

static void await_value(AkProgram *program, const AkValue *value, AkSet *out)
{
    if (is_awaited_handle(program, value))
        ak__add_unknown(out);
    else if (value->kind == AK_V_COROUTINE)
        results(program, value->function, value->unit, value->expr,
                value->expr && value->function->class_ ? 1 : 0, out);
    else
        ak__add(out, *value);
}

static void special_run(AkProgram *program, const AkUnit *unit, AkExprId call, AkSet *out)
{
    AkSet given = {.len = 0};
    special_first(program, unit, call, &given);
    for (uint32_t i = 0; i < given.len; i++)
        await_value(program, &given.items[i], out);
}

static void special_next(AkProgram *program, const AkUnit *unit, AkExprId call, AkSet *out)
{
    ak__part(program, unit, ak__plain_argument(unit->facts, call, 0), AK_HOW_ITEM, 0, out);
}

static void special_cast(AkProgram *program, const AkUnit *unit, AkExprId call, AkSet *out)
{
    ak__annotated(program, unit, ak__plain_argument(unit->facts, call, 0), out);
}

static void special_type(AkProgram *program, const AkUnit *unit, AkExprId call, AkSet *out)
{
    AkSet given = {.len = 0};
    special_first(program, unit, call, &given);
    for (uint32_t i = 0; i < given.len; i++)
        if (given.items[i].kind == AK_V_INSTANCE)
            ak__add(out, (AkValue){.kind = AK_V_CLASS,
                                   .class_ = given.items[i].class_,
                                   .open = given.items[i].open});
    if (!out->len)
        ak__add_unknown(out);
}

static void special_partial(AkProgram *program, const AkUnit *unit, AkExprId call, AkSet *out)
{
    (void)program;
    ak__add(out, made(AK_V_PARTIAL, unit, call));
}

static void special_super(AkProgram *program, const AkUnit *unit, AkExprId call, AkSet *out)
{
    (void)program;
    const AkFacts *facts = unit->facts;
    const AkFunction *fn = unit->functions[facts->scopes[facts->exprs[call].scope].function];
    while (fn && !fn->class_)
        fn = fn->outer;
    if (fn && fn->index)
        ak__add(out, (AkValue){.kind = AK_V_SUPER, .class_ = fn->class_});
    else
        ak__add_unknown(out);
}

static void special_import(AkProgram *program, const AkUnit *unit, AkExprId call, AkSet *out)
{
    AkValues names = ak__eval(program, unit, ak__plain_argument(unit->facts, call, 0));
    if (names.len != 1 || names.items[0].kind != AK_V_STRING || !names.items[0].text) {
        ak__add_unknown(out);
        return;
    }
    const char *name = names.items[0].text;
    uint32_t level = (uint32_t)strspn(name, ".");
    ak__import_value(program, ak__unit(unit)->file, ak__atom(program, name + level), level,
                     NULL, true, out);
}

/* `d.get(k)`, `d.pop(k, other)`: the item of a dict whose contents are known, or the default. */
static void special_dict_item(AkProgram *program, const AkUnit *unit, AkExprId call, AkSet *out)
{
    AkValue result = made(AK_V_RESULT, unit, call);
    AkExprId key = ak__plain_argument(unit->facts, call, 0);
    AkExprId otherwise = ak__plain_argument(unit->facts, call, 1);
    AkSet owners = {.len = 0};
    owners_of_method(program, &result, &owners);
    for (uint32_t i = 0; key && i < owners.len; i++) {
        if (owners.items[i].kind == AK_V_DICT)
            subscript_dict(program, &owners.items[i], unit, key, out);
        else if (owners.items[i].kind == AK_V_TYPED && type_argument(&owners.items[i], 1))
            ak__annotated(program, owners.items[i].unit, type_argument(&owners.items[i], 1),
                          out);
    }
    if (otherwise)
        ak__eval_into(program, unit, otherwise, out);
    if (!out->len)
        ak__add_unknown(out);
}

/* `stack.enter_context(manager)` gives what entering it gives. */
static void special_enter(AkProgram *program, const AkUnit *unit, AkExprId call, AkSet *out)
{
    ak__part(program, unit, ak__plain_argument(unit->facts, call, 0), AK_HOW_ENTER, 0, out);
}

static Special special_for(const char *dotted)
{
    static const struct {
        const char *dotted;
        Special special;
    } table[] = {
        {"builtins.dict.get", special_dict_item},
        {"builtins.dict.pop", special_dict_item},
        {"builtins.dict.setdefault", special_dict_item},
        {"builtins.getattr", special_getattr},
        {"builtins.super", special_super},
        {"builtins.next", special_next},
        {"builtins.anext", special_next},
        {"builtins.type", special_type},
        {"builtins.__import__", special_import},
        {"importlib.import_module", special_import},
        {"functools.partial", special_partial},
        {"functools.partialmethod", special_partial},
        {"contextlib.AsyncExitStack.enter_async_context", special_enter},
        {"contextlib.AsyncExitStack.enter_context", special_enter},
        {"contextlib.ExitStack.enter_context", special_enter},
        {"copy.copy", special_first},
        {"copy.deepcopy", special_first},
        {"dataclasses.replace", special_first},
        {"typing.cast", special_cast},
        {"asyncio.run", special_run},
        {"asyncio.wait_for", special_run},
        {"asyncio.shield", special_run},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        if (strcmp(table[i].dotted, dotted) == 0)
            return table[i].special;
    return NULL;
}

/* `workflow.defn(cls)`, `lru_cache(f)`, `wraps(f)(g)`: what behaves as the argument. */
static bool transparent_result(AkProgram *program, const char *dotted, const AkUnit *unit,
                               AkExprId call, AkSet *out)
{
    const AkKnown *known = ak_known(program->knowledge, dotted);
    AkExprId first = call ? ak__plain_argument(unit->facts, call, 0) : 0;
    if (!known || !(known->effects & AK_TRANSPARENT) || !first)
        return false;
    AkValues given = ak__eval(program, unit, first);
    uint32_t before = out->len;
    for (uint32_t i = 0; i < given.len; i++)
        if (is_callable(&given.items[i]))
            ak__add(out, given.items[i]);
    return out->len > before;
}

static void external_call_result(AkProgram *program, const AkValue *callee, const AkUnit *unit,
                                 AkExprId call, AkSet *out)
{
    bool written = call && unit->facts->exprs[call].kind == AK_X_CALL;
    Special special = written ? special_for(callee->dotted) : NULL;
    if (special)
        special(program, unit, call, out);
    else if (strcmp(callee->dotted, "functools.wraps") == 0 ||
             !transparent_result(program, callee->dotted, unit, call, out))
        ak__add(out, external_result(callee->dotted, unit, call));
}

static void call_result_inside(AkProgram *program, const AkValue *callee, const AkUnit *unit,
                               AkExprId call, AkSet *out)
{
    uint32_t before = out->len;
    switch ((AkValueKind)callee->kind) {
    case AK_V_EXTERNAL: external_call_result(program, callee, unit, call, out); break;
    case AK_V_RESULT: transparent_result(program, callee->dotted, unit, call, out); break;
    case AK_V_FUNCTION:
    case AK_V_BOUND: function_result(program, callee, unit, call, out); break;
    case AK_V_CLASS:
        ak__add(out, (AkValue){.kind = AK_V_INSTANCE,
                               .class_ = callee->class_,
                               .open = callee->open,
                               .unit = unit,
                               .expr = call});
        break;
    case AK_V_INSTANCE: method_result(program, callee, "__call__", out); break;
    case AK_V_PARTIAL: {
        AkValues inner = ak__eval(program, callee->unit,
                                  ak__plain_argument(callee->unit->facts, callee->expr, 0));
        for (uint32_t i = 0; i < inner.len; i++)
            if (inner.items[i].kind != AK_V_PARTIAL)
                ak__call_result(program, &inner.items[i], callee->unit, 0, out);
        break;
    }
    default: break;
    }
    if (out->len == before)
        ak__add_unknown(out);
}

void ak__call_result(AkProgram *program, const AkValue *callee, const AkUnit *unit,
                     AkExprId call, AkSet *out)
{
    if (is_too_deep(program, out))
        return;
    program->depth++;
    call_result_inside(program, callee, unit, call, out);
    program->depth--;
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

static void subscript_dict(AkProgram *program, const AkValue *dict, const AkUnit *unit,
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
    values_of_dict(program, dict, out);
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
        part_of(program, list, (uint16_t)(text[0] - '0'), out);
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
        ak__add(out, external_result(ak__atom(program, type), NULL, 0));
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
        case AK_V_DICT: subscript_dict(program, object, unit, index, out); break;
        case AK_V_LIST:
        case AK_V_TUPLE: subscript_list(program, object, unit, index, out); break;
        case AK_V_TYPED:
            ak__annotated(program, object->unit,
                          type_argument(object, is_typed_dict(object) ? 1 : 0), out);
            break;
        case AK_V_INSTANCE: method_result(program, object, "__getitem__", out); break;
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

static const char *dunder_of(uint8_t op)
{
    static const char *const names[] = {
        [AK_OP_ADD] = "__add__",           [AK_OP_SUB] = "__sub__",
        [AK_OP_MUL] = "__mul__",           [AK_OP_DIV] = "__truediv__",
        [AK_OP_FLOORDIV] = "__floordiv__", [AK_OP_MOD] = "__mod__",
        [AK_OP_POW] = "__pow__",           [AK_OP_MATMUL] = "__matmul__",
        [AK_OP_AND_BITS] = "__and__",      [AK_OP_OR_BITS] = "__or__",
        [AK_OP_XOR] = "__xor__",           [AK_OP_LSHIFT] = "__lshift__",
        [AK_OP_RSHIFT] = "__rshift__",
    };
    return op < sizeof names / sizeof *names ? names[op] : NULL;
}

static bool is_set(const AkValue *value)
{
    return value->kind == AK_V_SET || is_result_of(value, "builtins.set") ||
           is_result_of(value, "builtins.frozenset");
}

static void eval_binary(AkProgram *program, const AkUnit *unit, AkExprId expr, AkSet *out)
{
    const AkExpr *row = &unit->facts->exprs[expr];
    AkValues left = ak__eval(program, unit, ak_kid(unit->facts, row->kids, 0));
    for (uint32_t i = 0; i < left.len; i++) {
        const AkValue *value = &left.items[i];
        const char *dunder = dunder_of(row->op);
        if (value->kind == AK_V_INSTANCE && dunder)
            method_result(program, value, dunder, out);
        else if (is_set(value))
            ak__add(out, builtin_instance(program, "set"));
        else if (row->op == AK_OP_DIV && value->kind == AK_V_RESULT &&
                 strncmp(value->dotted, "pathlib.", 8) == 0)
            ak__add(out, external_result(ak__atom(program, "pathlib.Path"), NULL, 0));
        else if (value->kind == AK_V_STRING || is_result_of(value, "builtins.str"))
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
            is_made_by(program, &values.items[i], "temporalio.workflow.ChildWorkflowHandle"))
            ak__add_unknown(out);
        else
            await_value(program, &values.items[i], out);
}

static AkValue constant(const AkUnit *unit, AkExprId expr, AkValueKind kind)
{
    AkValue value = made(kind, unit, expr);
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
    case AK_X_BYTES: ak__add(out, made(AK_V_BYTES, unit, expr)); break;
    case AK_X_FSTRING: ak__add(out, builtin_instance(program, "str")); break;
    case AK_X_INT:
    case AK_X_FLOAT: ak__add(out, constant(unit, expr, AK_V_NUMBER)); break;
    case AK_X_TRUE: ak__add(out, made(AK_V_TRUE, unit, expr)); break;
    case AK_X_FALSE: ak__add(out, made(AK_V_FALSE, unit, expr)); break;
    case AK_X_NONE_LITERAL: ak__add(out, (AkValue){.kind = AK_V_NONE}); break;
    case AK_X_LIST:
    case AK_X_LIST_COMP: ak__add(out, made(AK_V_LIST, unit, expr)); break;
    case AK_X_TUPLE: ak__add(out, made(AK_V_TUPLE, unit, expr)); break;
    case AK_X_SET:
    case AK_X_SET_COMP: ak__add(out, made(AK_V_SET, unit, expr)); break;
    case AK_X_DICT:
    case AK_X_DICT_COMP: ak__add(out, made(AK_V_DICT, unit, expr)); break;
    case AK_X_GENERATOR: ak__add(out, made(AK_V_GENERATOR, unit, expr)); break;
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
    memo->len = set->len;
    if (set->len == 1 && set->items[0].kind == AK_V_UNKNOWN && !set->items[0].guessed) {
        memo->items = &unknown;
    } else {
        AkValue *items = ak__alloc(program->arena, set->len * sizeof *items);
        memcpy(items, set->items, set->len * sizeof *items);
        memo->items = items;
    }
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
    if (slot == BUSY || program->depth >= DEEPEST || !program->budget) {
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
