/* values_call.c: what calling a value gives: of functions of the project what they return, of classes
 * an instance, of external callees what is known of them. */
#include "values.h"

#include <string.h>

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

bool ak__has_any_decorator(AkProgram *program, const AkFunction *fn, const char *const *dotted)
{
    const AkFunctionFact *fact = ak_fact(fn);
    for (uint32_t i = 0; i < fact->decorators.count; i++) {
        AkValues values =
            ak__eval(program, fn->unit, ak_kid(fn->unit->facts, fact->decorators, i));
        for (uint32_t k = 0; k < values.len; k++)
            if (values.items[k].dotted && ak__is_one_of(values.items[k].dotted, dotted))
                return true;
    }
    return false;
}

bool ak__has_decorator(AkProgram *program, const AkFunction *fn, const char *dotted)
{
    const char *const names[] = {dotted, NULL};
    return ak__has_any_decorator(program, fn, names);
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
void ak__function_value(AkProgram *program, const AkUnit *unit, uint32_t index, AkSet *out)
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
    if (ak__only_unknown(&annotated) || is_abstract(program, &annotated.items[0]))
        add_flows(program, fn, index, &flows);
    ak__add_set(out, ak__only_unknown(&flows) ? &annotated : &flows);
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

/* ---- What a call gives ---- */

static void add_annotation_result(AkProgram *program, AkFunction *fn, AkSet *out)
{
    AkSet annotated = {.len = 0};
    if (!ak_fact(fn)->returns)
        return;
    ak__annotated(program, fn->unit, ak_fact(fn)->returns, &annotated);
    if (ak__only_unknown(&annotated))
        return;
    if (ak__only_unknown(out))
        out->len = 0;
    ak__add_set(out, &annotated);
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
        program->depth < AK_DEEPEST) {
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
    ak__add_set(out, &got);
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
    ak__add_set(out, &got);
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

bool ak__is_made_by(AkProgram *program, const AkValue *value, const char *type)
{
    const char *made =
        value->kind == AK_V_RESULT ? ak__returns(program->knowledge, value->dotted) : NULL;
    return ak__is_result_of(value, type) || (made && strcmp(made, type) == 0);
}

/* Awaiting one gives what the activity or the task returned. */
static bool is_awaited_handle(AkProgram *program, const AkValue *value)
{
    return ak__is_made_by(program, value, "temporalio.workflow.ActivityHandle") ||
           ak__is_made_by(program, value, "asyncio.Task");
}

void ak__await_value(AkProgram *program, const AkValue *value, AkSet *out)
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
        ak__await_value(program, &given.items[i], out);
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
    ak__add(out, ak__made(AK_V_PARTIAL, unit, call));
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
    AkValue result = ak__made(AK_V_RESULT, unit, call);
    AkExprId key = ak__plain_argument(unit->facts, call, 0);
    AkExprId otherwise = ak__plain_argument(unit->facts, call, 1);
    AkSet owners = {.len = 0};
    ak__owners_of_method(program, &result, &owners);
    for (uint32_t i = 0; key && i < owners.len; i++) {
        if (owners.items[i].kind == AK_V_DICT)
            ak__subscript_dict(program, &owners.items[i], unit, key, out);
        else if (owners.items[i].kind == AK_V_TYPED && ak__type_argument(&owners.items[i], 1))
            ak__annotated(program, owners.items[i].unit, ak__type_argument(&owners.items[i], 1),
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
        if (table[i].dotted[0] == dotted[0] && strcmp(table[i].dotted, dotted) == 0)
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
        ak__add(out, ak__external_result(callee->dotted, unit, call));
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
    case AK_V_INSTANCE: ak__method_result(program, callee, "__call__", out); break;
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
    if (ak__is_too_deep(program, out))
        return;
    program->depth++;
    call_result_inside(program, callee, unit, call, out);
    program->depth--;
}
