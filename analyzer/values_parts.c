/* values_parts.c: what is inside of a value: what a binding holds, what iterating gives, the parts of
 * an unpacking, what `with` gives. */
#include "values.h"

#include <string.h>

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
            ak__add(out, ak__external_result(type->dotted, NULL, 0));
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
        ak__only_unknown(&value) || (value.len == 1 && value.items[0].kind == AK_V_NONE);
    if (says_little && binding->annotation)
        ak__annotated(program, unit, binding->annotation, out);
    if (!ak__only_unknown(&value) || !out->len)
        ak__add_set(out, &value);
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
    case AK_B_FUNCTION: ak__function_value(program, unit, binding->index, out); break;
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

void ak__values_of_dict(AkProgram *program, const AkValue *value, AkSet *out)
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
AkExprId ak__type_argument(const AkValue *typed, uint32_t n)
{
    const AkFacts *facts = typed->unit->facts;
    AkExprId index = ak_kid(facts, facts->exprs[typed->expr].kids, 1);
    if (facts->exprs[index].kind != AK_X_TUPLE)
        return n == 0 ? index : 0;
    return ak_kid(facts, facts->exprs[index].kids, n);
}

bool ak__is_typed_dict(const AkValue *typed)
{
    static const char *const dicts[] = {"dict",           "Dict",        "Mapping",
                                        "MutableMapping", "defaultdict", "DefaultDict",
                                        "OrderedDict"};
    const AkFacts *facts = typed->unit->facts;
    const AkExpr *base = &facts->exprs[ak_kid(facts, facts->exprs[typed->expr].kids, 0)];
    for (size_t i = 0; i < sizeof dicts / sizeof *dicts; i++)
        if (is_named(typed->unit, base, dicts[i]))
            return true;
    return false;
}

bool ak__is_result_of(const AkValue *value, const char *dotted)
{
    return value->kind == AK_V_RESULT && value->dotted && strcmp(value->dotted, dotted) == 0;
}

/* The dicts whose method `d.items()` is. */
void ak__owners_of_method(AkProgram *program, const AkValue *result, AkSet *out)
{
    const AkFacts *facts = result->unit->facts;
    AkExprId callee = ak_kid(facts, facts->exprs[result->expr].kids, 0);
    if (facts->exprs[callee].kind == AK_X_ATTRIBUTE)
        ak__eval_into(program, result->unit, ak_kid(facts, facts->exprs[callee].kids, 0), out);
}

static void dict_side(AkProgram *program, const AkValue *result, bool keys, AkSet *out)
{
    AkSet owners = {.len = 0};
    ak__owners_of_method(program, result, &owners);
    for (uint32_t i = 0; i < owners.len; i++) {
        if (owners.items[i].kind == AK_V_DICT && keys)
            ak__iterate(program, &owners.items[i], out);
        else if (owners.items[i].kind == AK_V_DICT)
            ak__values_of_dict(program, &owners.items[i], out);
        else if (owners.items[i].kind == AK_V_TYPED)
            ak__annotated(program, owners.items[i].unit,
                          ak__type_argument(&owners.items[i], keys ? 0 : 1), out);
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
            if (ak__is_result_of(value, through[i])) {
                ak__part(program, value->unit, first, AK_HOW_ITEM, 0, out);
                return;
            }
        if (ak__is_result_of(value, "builtins.dict.values")) {
            dict_side(program, value, false, out);
            return;
        }
        if (ak__is_result_of(value, "builtins.dict.keys")) {
            dict_side(program, value, true, out);
            return;
        }
    }
    ak__add_unknown(out);
}

void ak__method_result(AkProgram *program, const AkValue *self, const char *name, AkSet *out)
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
    ak__method_result(program, value, "__iter__", &iterators);
    for (uint32_t i = 0; i < iterators.len; i++) {
        if (iterators.items[i].kind == AK_V_INSTANCE)
            ak__method_result(program, &iterators.items[i], "__next__", out);
        else
            ak__iterate(program, &iterators.items[i], out);
    }
    if (!iterators.len)
        ak__method_result(program, value, "__getitem__", out);
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
    case AK_V_TYPED:
        ak__annotated(program, value->unit, ak__type_argument(value, 0), out);
        break;
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
    if (ak__is_too_deep(program, out))
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
        ak__method_result(program, value, "__enter__", &entered);
        ak__method_result(program, value, "__aenter__", &entered);
        for (uint32_t i = 0; i < entered.len; i++) {
            if (entered.items[i].kind == AK_V_COROUTINE)
                ak__returns_of(program, entered.items[i].function, out);
            else
                ak__add(out, entered.items[i]);
        }
        if (!entered.len)
            ak__add(out, *value);
    } else if ((ak__is_result_of(value, "contextlib.closing") ||
                ak__is_result_of(value, "contextlib.nullcontext")) &&
               value->unit) {
        ak__eval_into(program, value->unit,
                      ak__plain_argument(value->unit->facts, value->expr, 0), out);
    } else {
        ak__add(out, *value);
    }
}

void ak__enter(AkProgram *program, const AkValue *value, AkSet *out)
{
    if (ak__is_too_deep(program, out))
        return;
    program->depth++;
    enter_inside(program, value, out);
    program->depth--;
}

/* Item n of a pair or list that value is. */
void ak__part_of(AkProgram *program, const AkValue *value, uint16_t part, AkSet *out)
{
    const AkFacts *facts = value->unit ? value->unit->facts : NULL;
    if ((value->kind == AK_V_TUPLE || value->kind == AK_V_LIST) &&
        (facts->exprs[value->expr].kind == AK_X_TUPLE ||
         facts->exprs[value->expr].kind == AK_X_LIST)) {
        AkExprId item = ak_kid(facts, facts->exprs[value->expr].kids, part);
        if (item)
            eval_item(program, value->unit, item, out);
    } else if (value->kind == AK_V_TYPED && ak__type_argument(value, part)) {
        AkExprId argument = ak__type_argument(value, part);
        ak__annotated(program, value->unit, argument, out);
    } else if (value->kind == AK_V_TYPED) {
        ak__iterate(program, value, out);
    } else if (ak__is_result_of(value, "asyncio.gather") && value->unit) {
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
    if (ak__is_result_of(value, "builtins.enumerate") && value->unit && part == 1) {
        AkExprId first = ak__plain_argument(value->unit->facts, value->expr, 0);
        ak__part(program, value->unit, first, AK_HOW_ITEM, 0, out);
        return;
    }
    if (ak__is_result_of(value, "builtins.zip") && value->unit) {
        AkExprId nth = ak__plain_argument(value->unit->facts, value->expr, part);
        ak__part(program, value->unit, nth, AK_HOW_ITEM, 0, out);
        return;
    }
    if (ak__is_result_of(value, "builtins.dict.items") && value->unit && part < 2) {
        AkSet owners = {.len = 0};
        ak__owners_of_method(program, value, &owners);
        for (uint32_t i = 0; i < owners.len; i++) {
            if (owners.items[i].kind == AK_V_DICT && part == 1)
                ak__values_of_dict(program, &owners.items[i], out);
            else if (owners.items[i].kind == AK_V_TYPED &&
                     ak__is_typed_dict(&owners.items[i]) &&
                     ak__type_argument(&owners.items[i], part))
                ak__annotated(program, owners.items[i].unit,
                              ak__type_argument(&owners.items[i], part), out);
        }
        if (!out->len)
            ak__add_unknown(out);
        return;
    }
    AkSet items = {.len = 0};
    ak__iterate(program, value, &items);
    for (uint32_t i = 0; i < items.len; i++)
        ak__part_of(program, &items.items[i], part, out);
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
        case AK_HOW_PART: ak__part_of(program, &values.items[i], part, &got); break;
        case AK_HOW_ITEM_PART: part_of_item(program, &values.items[i], part, &got); break;
        case AK_HOW_REST:
        case AK_HOW_UNKNOWN: break;
        }
        ak__add_set(out, &got);
    }
}

void ak__part(AkProgram *program, const AkUnit *unit, AkExprId value, uint8_t how,
              uint16_t part, AkSet *out)
{
    if (ak__is_too_deep(program, out))
        return;
    program->depth++;
    part_inside(program, unit, value, how, part, out);
    program->depth--;
}
