/* graph.c: the calls of one function, what they pass on, and whom they reach.
 *
 * Each place that may run something becomes a row (AkCall) for each thing it may run. Three
 * things flow along a call into a function of the project:
 *
 * - Values of arguments flow into parameters whose type nobody wrote down (AkFunctionX.flows).
 *   What several callers pass is a guess for each of them.
 * - "Calls its parameter" flows back (AkFunctionX.called): a function given to `retry(fn)` is
 *   called at that place, in the contexts of that caller, and not in those of other callers of
 *   retry. Parameters that code nested in a function calls count when that code is called.
 * - Reaching: the callee is analysed too.
 *
 * Flows only grow. Who looked at something that grew is analysed again, a bounded number of
 * times.
 */
#include "stages.h"

#include <string.h>

enum { MOST_ROUNDS = 24, BUDGET = 12000, MOST_FLOWS = 12, MOST_CALLED = 16 };

/* ---- Work ---- */

void ak__queue(AkProgram *program, AkFunction *fn)
{
    AkFunctionX *x = ak__function(fn);
    x->reached = true;
    if (x->queued || x->rounds >= MOST_ROUNDS)
        return;
    x->queued = true;
    AK_PUSH(program->arena, program->queue, program->queue_len, program->queue_cap) = fn;
}

static void queue_again(AkProgram *program, AkFunctionX *x)
{
    uint32_t len = x->dependent_len;
    for (uint32_t i = 0; i < len; i++) {
        AkFunctionX *dependent = ak__function(x->dependents[i]);
        if (dependent->queued || dependent->rounds >= MOST_ROUNDS || !dependent->rounds)
            continue;
        dependent->queued = true;
        AK_PUSH(program->arena, program->queue, program->queue_len, program->queue_cap) =
            x->dependents[i];
    }
}

void ak__reach(AkProgram *program, AkFunction *fn, AkFunction *target)
{
    if (ak__function(fn)->reached && !ak__function(target)->reached)
        ak__queue(program, target);
}

/* ---- Rows ---- */

static bool repeats(const AkUnit *unit, const AkFunction *fn, const AkExpr *row)
{
    const AkFacts *facts = unit->facts;
    if (facts->scopes[row->scope].kind == AK_SCOPE_COMPREHENSION)
        return true;
    AkStmtId end = fn->index ? ak_fact(fn)->stmt : 0;
    for (AkStmtId i = row->stmt; i && i != end; i = facts->stmts[i].parent) {
        const AkStmt *around = &facts->stmts[facts->stmts[i].parent];
        bool loops = around->kind == AK_S_FOR || around->kind == AK_S_WHILE;
        if (loops && facts->stmts[i].suite == AK_SUITE_BODY && facts->stmts[i].parent != end)
            return true;
        if (facts->stmts[i].kind == AK_S_WHILE && facts->stmts[i].value &&
            row->start >= facts->exprs[facts->stmts[i].value].start &&
            row->end <= facts->exprs[facts->stmts[i].value].end)
            return true;
    }
    return false;
}

static AkUnless *new_unless(AkProgram *program, const char *name)
{
    AkUnless *unless = ak__alloc(program->arena, sizeof *unless);
    unless->name = name;
    return unless;
}

AkCall *ak__calls_add(AkProgram *program, AkCalls *calls, AkExprId expr, AkCallKind kind)
{
    const AkUnit *unit = calls->fn->unit;
    const AkExpr *row = &unit->facts->exprs[expr];
    AkCall call = {.fn = calls->fn,
                   .expr = expr,
                   .stmt = row->stmt,
                   .kind = (uint8_t)kind,
                   .proved = true};
    const AkExpr *parent = &unit->facts->exprs[row->parent];
    call.awaited = row->flags & AK_XF_AWAITED;
    call.dropped = row->flags & AK_XF_DROPPED ||
                   (parent->kind == AK_X_AWAIT && parent->flags & AK_XF_DROPPED);
    call.in_loop = expr && repeats(unit, calls->fn, row);
    call.mask = expr ? ak__expr_mask(program, unit, expr) : 0x7f;
    const char *unless = ak__unless(calls->fn, expr);
    call.unless = unless ? new_unless(program, unless) : NULL;
    AK_PUSH(program->arena, calls->items, calls->len, calls->cap) = call;
    return &calls->items[calls->len - 1];
}

static uint32_t argument_count(const AkUnit *unit, AkExprId expr)
{
    const AkExpr *row = &unit->facts->exprs[expr];
    return row->kind == AK_X_CALL ? row->kids.count - 1 : 0;
}

/* Rows that hold only for calls with few arguments are looked at with those of this call. */
static const AkKnown *known_here(AkProgram *program, const AkCall *call)
{
    const AkKnown *known = ak_known(program->knowledge, call->dotted);
    uint32_t given = call->kind == AK_CALL_PLAIN ? argument_count(call->fn->unit, call->expr)
                     : call->kind == AK_CALL_CALLBACK ? 1
                                                      : 0;
    if (!known || !known->source)
        return NULL;
    if ((known->effects & AK_NO_ARGS && given > 0) ||
        (known->effects & AK_FEWER_2 && given > 1))
        return NULL;
    return known;
}

/* ---- Callbacks ---- */

static void add_called(AkProgram *program, AkFunction *fn, AkParamRef param)
{
    AkFunctionX *x = ak__function(fn);
    for (uint32_t i = 0; i < x->called_len; i++)
        if (x->called[i].function == param.function && x->called[i].index == param.index)
            return;
    if (x->called_len >= MOST_CALLED)
        return;
    AK_PUSH(program->arena, x->called, x->called_len, x->called_cap) = param;
    queue_again(program, x);
}

static bool is_function_like(const AkValue *value)
{
    return value->kind == AK_V_FUNCTION || value->kind == AK_V_BOUND ||
           value->kind == AK_V_EXTERNAL || value->kind == AK_V_CLASS ||
           value->kind == AK_V_INSTANCE || value->kind == AK_V_PARTIAL;
}

static void callback_value(AkProgram *program, AkCalls *calls, AkExprId arg,
                           const AkValue *value, AkExprId via)
{
    if (!is_function_like(value))
        return;
    if (value->kind == AK_V_INSTANCE &&
        !ak__method(program, value->class_, ak__atom(program, "__call__")))
        return;
    ak__calls_of_value(program, calls, arg, AK_CALL_CALLBACK, value, via);
}

/* The argument is called by whom it is given to. */
static void callback(AkProgram *program, AkCalls *calls, AkExprId arg, AkExprId via)
{
    const AkUnit *unit = calls->fn->unit;
    AkParamRef param;
    if (!arg)
        return;
    if (ak__is_parameter(program, unit, arg, &param)) {
        add_called(program, calls->fn, param);
        return;
    }
    AkValues values = ak__eval(program, unit, arg);
    for (uint32_t i = 0; i < values.len; i++)
        callback_value(program, calls, arg, &values.items[i], via);
}

/* What runs in a thread or process of its own is not run by the workflow or activity; that it
 * is started there is a finding of its own. */
static void elsewhere(AkCalls *calls, uint32_t from)
{
    for (uint32_t i = from; i < calls->len; i++)
        calls->items[i].mask &= AK_CTX_IMPORT | AK_CTX_CLIENT;
}

static void external_arguments(AkProgram *program, AkCalls *calls, AkExprId expr,
                               AkEffects effects, uint32_t shift)
{
    const AkUnit *unit = calls->fn->unit;
    uint32_t before = calls->len;
    for (uint32_t n = 0; n < 6; n++)
        if (effects & AK_CALLS(n))
            callback(program, calls, ak__plain_argument(unit->facts, expr, n + shift), expr);
    if (effects & AK_CALLS_KEY)
        callback(program, calls, ak__keyword_argument(unit, expr, "key"), expr);
    if (effects & AK_RUNS_ELSEWHERE)
        elsewhere(calls, before);
    for (uint32_t n = 0; n < 5; n++)
        if (effects & AK_CONSUMES(n)) {
            AkExprId arg = ak__plain_argument(unit->facts, expr, n + shift);
            if (arg)
                ak__implicit_iteration(program, calls, arg, expr);
        }
    uint32_t count = argument_count(unit, expr);
    for (uint32_t n = 0; n < count && n < 16; n++) {
        AkExprId arg = ak__plain_argument(unit->facts, expr, n);
        if (arg && effects & AK_CONSUMES_ALL)
            ak__implicit_iteration(program, calls, arg, expr);
        if (arg && effects & AK_CALLS_ANY)
            callback(program, calls, arg, expr);
    }
}

static bool worth_passing(const AkValue *value)
{
    switch ((AkValueKind)value->kind) {
    case AK_V_UNKNOWN:
    case AK_V_STRING:
    case AK_V_BYTES:
    case AK_V_NUMBER:
    case AK_V_TRUE:
    case AK_V_FALSE:
    case AK_V_NONE: return false;
    default: return true;
    }
}

static bool add_flow(AkProgram *program, AkFunctionX *target, uint32_t param,
                     const AkValue *value)
{
    uint32_t same = 0;
    for (uint32_t i = 0; i < target->flow_len; i++) {
        if (target->flow_param[i] != param)
            continue;
        if (ak__same_value(&target->flows[i], value) ||
            (value->kind == AK_V_INSTANCE && target->flows[i].kind == AK_V_INSTANCE &&
             value->class_ == target->flows[i].class_))
            return false;
        same++;
    }
    if (same >= MOST_FLOWS)
        return false;
    AK_PUSH(program->arena, target->flows, target->flow_len, target->flow_cap) = *value;
    uint32_t len = target->flow_len - 1;
    AK_PUSH(program->arena, target->flow_param, len, target->flow_param_cap) = (uint16_t)param;
    return true;
}

/* The items of xs are what `map(f, xs)`, `filter(f, xs)` and `sorted(xs, key=f)` call f with. */
static void pass_items(AkProgram *program, AkCalls *calls, AkExprId callee, AkExprId items)
{
    const AkUnit *unit = calls->fn->unit;
    AkSet given = {.len = 0};
    if (!callee || !items)
        return;
    AkValues values = ak__eval(program, unit, callee);
    ak__part(program, unit, items, AK_HOW_ITEM, 0, &given);
    for (uint32_t i = 0; i < values.len; i++) {
        const AkValue *value = &values.items[i];
        bool is_bound = value->kind == AK_V_BOUND, grew = false;
        if (!is_bound && value->kind != AK_V_FUNCTION)
            continue;
        AkFunctionX *target = ak__function(value->function);
        for (uint32_t k = 0; k < given.len && ak_fact(value->function)->param_len > is_bound;
             k++)
            if (worth_passing(&given.items[k]))
                grew |= add_flow(program, target, is_bound, &given.items[k]);
        if (grew)
            queue_again(program, target);
    }
}

static void library_callbacks(AkProgram *program, AkCalls *calls, AkExprId expr,
                              const char *dotted)
{
    const AkUnit *unit = calls->fn->unit;
    const AkExpr *row = &unit->facts->exprs[expr];
    AkExprId first = ak__plain_argument(unit->facts, expr, 0);
    AkExprId key = ak__keyword_argument(unit, expr, "key");
    if (strcmp(dotted, "builtins.map") == 0 || strcmp(dotted, "builtins.filter") == 0) {
        pass_items(program, calls, first, ak__plain_argument(unit->facts, expr, 1));
    } else if (key && strcmp(dotted, "builtins.list.sort") == 0) {
        AkExprId method = ak_kid(unit->facts, row->kids, 0);
        pass_items(program, calls, key,
                   ak_kid(unit->facts, unit->facts->exprs[method].kids, 0));
    } else if (key && strncmp(dotted, "builtins.", 9) == 0) {
        pass_items(program, calls, key, first);
    } else if (strcmp(dotted, "builtins.iter") == 0 &&
               ak__plain_argument(unit->facts, expr, 1)) {
        callback(program, calls, first, expr);
    }
}

/* A lambda written into the call of a function that nobody knows: it is likely to run here. */
static void unknown_callee(AkProgram *program, AkCalls *calls, AkExprId expr,
                           const char *dotted)
{
    const AkUnit *unit = calls->fn->unit;
    uint32_t top = (uint32_t)strcspn(dotted, ".");
    if (ak__is_stdlib(dotted, top) || strncmp(dotted, "builtins.", 9) == 0 ||
        strncmp(dotted, "temporalio.", 11) == 0 || strncmp(dotted, "autokitteh.", 11) == 0)
        return;
    AkKids kids = unit->facts->exprs[expr].kids;
    for (uint32_t i = 1; i < kids.count; i++) {
        AkExprId arg = ak_kid(unit->facts, kids, i);
        AkExprId value = unit->facts->exprs[arg].kind == AK_X_KEYWORD
                             ? ak_kid(unit->facts, unit->facts->exprs[arg].kids, 0)
                             : arg;
        if (unit->facts->exprs[value].kind != AK_X_LAMBDA)
            continue;
        uint32_t before = calls->len;
        callback(program, calls, value, expr);
        for (uint32_t k = before; k < calls->len; k++)
            calls->items[k].proved = false;
    }
}

/* ---- Into functions of the project ---- */

static void pass_arguments(AkProgram *program, AkCalls *calls, AkExprId expr,
                           AkFunction *target, uint32_t shift)
{
    AkFunctionX *x = ak__function(target);
    const AkFunctionFact *fact = ak_fact(target);
    const AkUnit *unit = calls->fn->unit;
    bool grew = false;
    for (uint32_t p = shift; p < fact->param_len && p < 32; p++) {
        AkExprId arg = ak__argument_of(target, p, unit, expr, shift);
        if (!arg)
            continue;
        AkValues values = ak__eval(program, unit, arg);
        for (uint32_t i = 0; i < values.len; i++)
            if (worth_passing(&values.items[i]))
                grew |= add_flow(program, x, p, &values.items[i]);
    }
    if (grew)
        queue_again(program, x);
}

static bool is_around(const AkFunction *outer, const AkFunction *fn)
{
    for (; fn; fn = fn->outer)
        if (fn == outer)
            return true;
    return false;
}

/* What the target calls of its parameters is called here, with the arguments given here. */
static void parameters_called(AkProgram *program, AkCalls *calls, AkExprId expr,
                              AkFunction *target, uint32_t shift)
{
    AkFunctionX *x = ak__function(target);
    uint32_t unstable = program->unstable;
    ak__depend(program, target);
    program->unstable = unstable; /* rows are made anew each time: nothing is kept */
    for (uint32_t i = 0; i < x->called_len; i++) {
        AkParamRef param = x->called[i];
        if (param.function == target)
            callback(program, calls,
                     ak__argument_of(target, param.index, calls->fn->unit, expr, shift), expr);
        else if (is_around(param.function, calls->fn))
            add_called(program, calls->fn, param);
    }
}

static AkCall *target_row(AkProgram *program, AkCalls *calls, AkExprId expr, AkCallKind kind,
                          const AkValue *value, AkFunction *target, AkExprId via)
{
    AkCall *row = ak__calls_add(program, calls, expr, kind);
    row->callee = *value;
    row->target = target;
    row->via = via;
    row->proved = !value->guessed;
    ak__reach(program, calls->fn, target);
    return row;
}

static void project_call(AkProgram *program, AkCalls *calls, AkExprId expr, AkCallKind kind,
                         const AkValue *value, AkExprId via)
{
    AkFunction *target = value->function;
    bool written = kind == AK_CALL_PLAIN;
    target_row(program, calls, expr, kind, value, target, via);
    if (!written)
        return;
    uint32_t shift = value->kind == AK_V_BOUND;
    pass_arguments(program, calls, expr, target, shift);
    parameters_called(program, calls, expr, target, shift);
}

/* ---- Classes ---- */

static bool makes_field(const AkUnit *unit, AkExprId call)
{
    const AkExpr *row = &unit->facts->exprs[call];
    return row->kind == AK_X_CALL && (ak__keyword_argument(unit, call, "default_factory") ||
                                      ak__keyword_argument(unit, call, "factory"));
}

/* The function, written by nobody, that runs the field defaults of a class. */
static AkFunction *fields_of(AkProgram *program, AkClass *class_)
{
    const AkUnit *unit = class_->unit;
    const AkFacts *facts = unit->facts;
    AkClassX *x = ak__class(class_);
    if (x->kinds_done)
        return class_->fields;
    x->kinds_done = true;
    const AkClassFact *fact = &facts->classes[class_->index];
    const AkStmt *body = &facts->stmts[fact->stmt];
    bool any = false;
    for (AkStmtId i = fact->stmt + 1; i <= body->last && !any; i = facts->stmts[i].last + 1)
        any = facts->stmts[i].value && makes_field(unit, facts->stmts[i].value);
    if (!any)
        return NULL;
    AkFunctionX *fn = ak__alloc(program->arena, sizeof *fn);
    fn->function.unit = unit;
    fn->function.name = ak__atom(program, "<fields>");
    fn->function.qualified = class_->qualified;
    fn->function.class_ = class_;
    fn->function.roles = AK_ROLE_FIELDS;
    fn->function.reach = &fn->reach;
    AK_PUSH(program->arena, program->functions, program->function_len, program->function_cap) =
        &fn->function;
    class_->fields = &fn->function;
    return class_->fields;
}

static void analyse_fields(AkProgram *program, AkCalls *calls)
{
    const AkClass *class_ = calls->fn->class_;
    const AkUnit *unit = class_->unit;
    const AkFacts *facts = unit->facts;
    AkStmtId stmt = facts->classes[class_->index].stmt;
    for (AkStmtId i = stmt + 1; i <= facts->stmts[stmt].last; i = facts->stmts[i].last + 1) {
        AkExprId value = facts->stmts[i].value;
        if (!value || !makes_field(unit, value))
            continue;
        AkExprId factory = ak__keyword_argument(unit, value, "default_factory");
        factory = factory ? factory : ak__keyword_argument(unit, value, "factory");
        AkValues values = ak__eval(program, unit, factory);
        uint32_t before = calls->len;
        for (uint32_t k = 0; k < values.len; k++)
            if (is_function_like(&values.items[k]))
                ak__calls_of_value(program, calls, factory, AK_CALL_DEFAULT, &values.items[k],
                                   0);
        AkExprId target = ak_kid(facts, facts->stmts[i].targets, 0);
        if (facts->exprs[target].kind != AK_X_NAME || ak__keyword_argument(unit, value, "init"))
            continue;
        for (uint32_t k = before; k < calls->len; k++)
            calls->items[k].unless =
                new_unless(program, unit->atoms[facts->exprs[target].name]);
    }
}

/* Making a model of pydantic runs its validators. */
static void validators(AkProgram *program, AkCalls *calls, AkExprId expr, AkCallKind kind,
                       const AkValue *value, AkExprId via)
{
    static const char *const marks[] = {"pydantic.field_validator", "pydantic.model_validator",
                                        "pydantic.validator", "pydantic.root_validator", NULL};
    const AkClass *class_ = value->class_;
    for (size_t i = 0; class_->external_base_len && i < class_->mro_len; i++) {
        const AkUnit *unit = class_->mro[i]->unit;
        for (uint32_t f = 1; f < unit->facts->function_len; f++) {
            AkFunction *fn = unit->functions[f];
            if (fn && fn->class_ == class_->mro[i] && ak__has_any_decorator(program, fn, marks))
                target_row(program, calls, expr, kind, value, fn, via)->method = fn->name;
        }
    }
}

static void class_call(AkProgram *program, AkCalls *calls, AkExprId expr, AkCallKind kind,
                       const AkValue *value, AkExprId via)
{
    static const char *const makers[] = {"__new__", "__init__", "__post_init__",
                                         "model_post_init", "__attrs_post_init__"};
    AkClass *class_ = value->class_;
    AkCallKind row_kind = kind == AK_CALL_PLAIN ? AK_CALL_INIT : kind;
    uint32_t before = calls->len;
    for (size_t i = 0; i < sizeof makers / sizeof *makers; i++) {
        AkFunction *maker = ak__method(program, class_, ak__atom(program, makers[i]));
        if (!maker)
            continue;
        AkCall *row = target_row(program, calls, expr, row_kind, value, maker, via);
        row->method = maker->name;
        if (kind == AK_CALL_PLAIN && i < 2) {
            pass_arguments(program, calls, expr, maker, 1);
            parameters_called(program, calls, expr, maker, 1);
        }
    }
    validators(program, calls, expr, row_kind, value, via);
    for (size_t i = 0; i < class_->mro_len; i++) {
        AkFunction *fields = fields_of(program, class_->mro[i]);
        if (fields)
            target_row(program, calls, expr, row_kind, value, fields, via);
    }
    if (calls->len == before) {
        AkCall *row = ak__calls_add(program, calls, expr, row_kind);
        row->callee = *value;
        row->via = via;
        row->proved = !value->guessed;
    }
}

/* ---- Any callee ---- */

static void external_call(AkProgram *program, AkCalls *calls, AkExprId expr, AkCallKind kind,
                          const AkValue *value, const char *dotted, AkExprId via)
{
    AkCall *row = ak__calls_add(program, calls, expr, kind);
    row->callee = *value;
    row->dotted = dotted;
    row->via = via;
    row->proved = !value->guessed;
    row->known = known_here(program, row);
    AkEffects effects = row->known ? row->known->effects : 0;
    if (kind != AK_CALL_PLAIN)
        return;
    library_callbacks(program, calls, expr, dotted);
    if (effects)
        external_arguments(program, calls, expr, effects, 0);
    else if (!ak_known(program->knowledge, dotted))
        unknown_callee(program, calls, expr, dotted);
    ak__temporal_call(program, calls->fn, expr, dotted);
}

/* A partial of partials calls what the innermost holds; done: the partials that were looked into. */
static void partial_call(AkProgram *program, AkCalls *calls, AkExprId expr, AkCallKind kind,
                         const AkValue *value, AkExprId via, AkSet *done)
{
    const AkUnit *unit = value->unit;
    uint32_t seen = done->len;
    ak__add(done, *value);
    if (done->len == seen)
        return;
    AkValues inner = ak__eval(program, unit, ak__plain_argument(unit->facts, value->expr, 0));
    for (uint32_t i = 0; i < inner.len; i++) {
        const AkValue *callee = &inner.items[i];
        if (callee->kind == AK_V_PARTIAL)
            partial_call(program, calls, expr, kind, callee, via, done);
        else if (callee->kind == AK_V_FUNCTION || callee->kind == AK_V_BOUND)
            target_row(program, calls, expr, kind, callee, callee->function, via);
        else if (is_function_like(callee))
            ak__calls_of_value(program, calls, expr, AK_CALL_CALLBACK, callee, via);
    }
}

void ak__calls_of_value(AkProgram *program, AkCalls *calls, AkExprId expr, AkCallKind kind,
                        const AkValue *value, AkExprId via)
{
    switch ((AkValueKind)value->kind) {
    case AK_V_EXTERNAL:
        external_call(program, calls, expr, kind, value, value->dotted, via);
        break;
    case AK_V_RESULT:
        external_call(program, calls, expr, kind, value,
                      ak__atom_join(program, value->dotted,
                                    ak__is_class_name(program, value->dotted) ? "." : "().",
                                    "__call__"),
                      via);
        break;
    case AK_V_FUNCTION:
    case AK_V_BOUND: project_call(program, calls, expr, kind, value, via); break;
    case AK_V_CLASS: class_call(program, calls, expr, kind, value, via); break;
    case AK_V_PARTIAL: {
        AkSet done = {.len = 0};
        partial_call(program, calls, expr, kind, value, via, &done);
        break;
    }
    case AK_V_INSTANCE: {
        AkFunction *methods[4];
        uint32_t len = ak__methods(program, value, "__call__", methods, 4);
        for (uint32_t i = 0; i < len; i++) {
            AkValue method = {.kind = AK_V_BOUND,
                              .function = methods[i],
                              .class_ = value->class_,
                              .guessed = value->guessed};
            project_call(program, calls, expr, kind, &method, via);
            calls->items[calls->len - 1].method = methods[i]->name;
        }
        break;
    }
    case AK_V_UNKNOWN: {
        AkCall *row = ak__calls_add(program, calls, expr, kind);
        row->unresolved = true;
        row->proved = false;
        row->via = via;
        break;
    }
    default: break;
    }
}

/* A parameter that is called: each caller answers for what it passes; here only its default. */
static bool parameter_call(AkProgram *program, AkCalls *calls, AkExprId expr, AkExprId callee)
{
    AkParamRef param;
    if (!ak__is_parameter(program, calls->fn->unit, callee, &param))
        return false;
    const AkFunctionFact *fact = ak_fact(param.function);
    const AkParam *row = &param.function->unit->facts->params[fact->first_param + param.index];
    if (param.index == 0 && param.function->class_ && !fact->is_lambda)
        return false;
    add_called(program, calls->fn, param);
    uint32_t before = calls->len;
    if (row->value) {
        AkValues values = ak__eval(program, param.function->unit, row->value);
        for (uint32_t i = 0; i < values.len; i++)
            if (is_function_like(&values.items[i]))
                ak__calls_of_value(program, calls, expr, AK_CALL_PLAIN, &values.items[i], 0);
    }
    for (uint32_t i = before; i < calls->len && param.function == calls->fn; i++)
        calls->items[i].unless = new_unless(program, param.function->unit->atoms[row->name]);
    /* Who starts a workflow or sends an event passes what nobody here sees. */
    const AkFunctionX *owner = ak__function(param.function);
    if (owner->rooted[AK_BOOK_TEMPORAL] | owner->rooted[AK_BOOK_AK]) {
        AkValue unknown = {.kind = AK_V_UNKNOWN};
        ak__calls_of_value(program, calls, expr, AK_CALL_PLAIN, &unknown, 0);
    }
    return true;
}

static void plain_call(AkProgram *program, AkCalls *calls, AkExprId expr)
{
    const AkUnit *unit = calls->fn->unit;
    AkExprId callee = ak_kid(unit->facts, unit->facts->exprs[expr].kids, 0);
    if (parameter_call(program, calls, expr, callee))
        return;
    AkValues values = ak__eval(program, unit, callee);
    bool several = values.len > 1;
    uint32_t before = calls->len;
    for (uint32_t i = 0; i < values.len; i++)
        if (!several || values.items[i].kind != AK_V_UNKNOWN)
            ak__calls_of_value(program, calls, expr, AK_CALL_PLAIN, &values.items[i], 0);
    /* `@retry(times=3)` is the application of a decorator as well. */
    for (uint32_t i = before;
         unit->facts->exprs[expr].flags & AK_XF_DECORATOR && i < calls->len; i++)
        if (calls->items[i].expr == expr)
            calls->items[i].kind = AK_CALL_DECORATOR;
}

static void decorator(AkProgram *program, AkCalls *calls, AkExprId expr)
{
    AkValues values = ak__eval(program, calls->fn->unit, expr);
    for (uint32_t i = 0; i < values.len; i++)
        if (is_function_like(&values.items[i]) && values.items[i].kind != AK_V_INSTANCE)
            ak__calls_of_value(program, calls, expr, AK_CALL_DECORATOR, &values.items[i], 0);
}

static void import_rows(AkProgram *program, AkCalls *calls)
{
    const AkUnit *unit = calls->fn->unit;
    const AkFacts *facts = unit->facts;
    for (uint32_t i = 1; i < facts->import_len; i++) {
        const AkImport *import = &facts->imports[i];
        if (facts->scopes[import->scope].function || import->type_checking)
            continue;
        AkFile *file = ak__unit(unit)->file;
        AkModule *module =
            ak__module_find(program, file, unit->atoms[import->module], import->level);
        if (module && import->name) {
            /* A name of a package is its submodule when the package does not bind it. */
            AkModule *child = ak__module_child(program, module, unit->atoms[import->name]);
            module = child ? child : module;
        }
        if (!module)
            continue;
        AkCall *row = ak__calls_add(program, calls, 0, AK_CALL_IMPORT);
        row->stmt = import->stmt;
        row->mask = ak__stmt_mask(program, unit, import->stmt);
        row->callee = (AkValue){.kind = AK_V_MODULE, .module = module};
        if (ak__function(calls->fn)->reached && row->mask & AK_CTX_IMPORT)
            ak__import_root(program, ak__file(module));
    }
}

/* ---- One function ---- */

/* Expressions of each function of a unit, in order. */
static void list_expressions(AkProgram *program, AkUnitX *unit)
{
    const AkFacts *facts = unit->unit.facts;
    uint32_t *first = ak__alloc(program->arena, (facts->function_len + 2) * sizeof *first);
    AkExprId *list = ak__alloc(program->arena, (facts->expr_len + 1) * sizeof *list);
    for (AkExprId i = 1; i < facts->expr_len; i++)
        first[facts->scopes[facts->exprs[i].scope].function + 2]++;
    for (uint32_t f = 1; f < facts->function_len + 2; f++)
        first[f] += first[f - 1];
    for (AkExprId i = 1; i < facts->expr_len; i++)
        list[first[facts->scopes[facts->exprs[i].scope].function + 1]++] = i;
    unit->expr_first = first;
    unit->expr_list = list;
}

static void analyse_body(AkProgram *program, AkCalls *calls)
{
    const AkFunction *fn = calls->fn;
    AkUnitX *unit = ak__unit(fn->unit);
    if (!unit->expr_first)
        list_expressions(program, unit);
    for (uint32_t i = unit->expr_first[fn->index]; i < unit->expr_first[fn->index + 1]; i++) {
        AkExprId expr = unit->expr_list[i];
        const AkExpr *row = &fn->unit->facts->exprs[expr];
        if (row->flags & AK_XF_ANNOTATION)
            continue;
        if (row->kind == AK_X_CALL)
            plain_call(program, calls, expr);
        if (row->flags & AK_XF_DECORATOR)
            decorator(program, calls, expr);
        ak__implicit(program, calls, expr);
        if (program->depth)
            program->depth = 0;
    }
    ak__implicit_statements(program, calls);
    if (!fn->index)
        import_rows(program, calls);
}

/* The rows are found in a buffer that all functions share, and kept where they fit. */
static void keep_rows(AkProgram *program, AkFunctionX *fn, const AkCalls *calls)
{
    if (calls->len > fn->call_cap) {
        fn->function.calls = ak__alloc(program->arena, calls->len * sizeof *calls->items);
        fn->call_cap = calls->len;
    }
    if (calls->len)
        memcpy((AkCall *)(uintptr_t)fn->function.calls, calls->items,
               calls->len * sizeof *calls->items);
    fn->function.call_len = calls->len;
    fn->function.analysed = true;
    fn->has_unless = false;
    for (uint32_t i = 0; i < calls->len; i++)
        fn->has_unless |= calls->items[i].unless != NULL;
    program->rows = calls->items;
    program->row_cap = calls->cap;
}

void ak__analyse(AkProgram *program, AkFunction *fn)
{
    AkFunctionX *x = ak__function(fn);
    AkCalls calls = {.fn = fn, .items = program->rows, .cap = program->row_cap};
    uint32_t missing = program->missing;
    x->queued = false;
    x->rounds++;
    program->epoch++;
    program->budget =
        BUDGET + 64 * fn->unit->facts->expr_len / (fn->unit->facts->function_len + 1);
    program->current = fn;
    if (fn->roles & AK_ROLE_FIELDS)
        analyse_fields(program, &calls);
    else
        analyse_body(program, &calls);
    program->current = NULL;
    keep_rows(program, x, &calls);
    if (program->missing != missing) {
        x->rounds--;
        x->queued = true;
        AK_PUSH(program->arena, program->deferred, program->deferred_len,
                program->deferred_cap) = fn;
    }
}
