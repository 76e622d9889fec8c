/* Module-level and class-level state that workflow code changes. */
#include "rule.h"

#include <string.h>

typedef struct Change {
    AkPass *pass;
    const AkFunction *fn;
    const AkModule *module; /* whose state it is */
} Change;

static bool is_named(const char *name, const char *const *names, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (strcmp(name, names[i]) == 0)
            return true;
    return false;
}

static bool is_mutating_method(const char *name)
{
    static const char *const names[] = {
        "append",  "extend",     "insert",  "remove",     "pop",    "clear",
        "sort",    "reverse",    "add",     "discard",    "update", "setdefault",
        "popitem", "appendleft", "popleft", "extendleft",
    };

    return is_named(name, names, sizeof(names) / sizeof(*names));
}

static bool is_container_class(const char *dotted)
{
    static const char *const names[] = {
        "builtins.list",           "builtins.dict",           "builtins.set",
        "builtins.bytearray",      "collections.defaultdict", "collections.deque",
        "collections.OrderedDict", "collections.Counter",
    };

    return is_named(dotted, names, sizeof(names) / sizeof(*names));
}

static bool is_container(const AkValue *value)
{
    switch ((AkValueKind)value->kind) {
    case AK_V_LIST:
    case AK_V_DICT:
    case AK_V_SET: return true;
    case AK_V_RESULT: return is_container_class(value->dotted);
    default: return false;
    }
}

/* Fields of dataclasses and models are copied or made anew for each instance. */
static bool is_field_default(const AkUnit *unit, const AkScope *scope)
{
    return scope->kind == AK_SCOPE_CLASS && unit->classes[scope->index] &&
           unit->classes[scope->index]->is_dataclass;
}

/* Made once, while its module is loaded. */
static bool is_shared(const AkValue *value)
{
    const AkFacts *facts = value->unit ? value->unit->facts : NULL;
    const AkScope *scope;

    if (!facts || !value->expr || value->guessed)
        return false;
    scope = &facts->scopes[ak_expr(facts, value->expr)->scope];
    return (scope->kind == AK_SCOPE_MODULE || scope->kind == AK_SCOPE_CLASS) &&
           !is_field_default(value->unit, scope);
}

static const AkClass *class_of_shared(const AkValue *value)
{
    return value->kind == AK_V_INSTANCE ? value->class_ : NULL;
}

static void tell(const Change *change, AkReport *report)
{
    AkPass *pass = change->pass;

    if (pass->dialect != AK_DIALECT_TEMPORAL)
        ak_level(report, AK_NOTE);
    else if (ak_is_passed_through(pass, change->module) || !ak_is_sandboxed(pass, change->fn))
        ak_level(report, AK_ERROR);
}

static unsigned context_at(const Change *change, AkStmtId stmt)
{
    const AkFunction *fn = change->fn;

    /* While a module loads it may fill its own tables. */
    return fn->index ? ak_contexts_of(change->pass, fn, stmt) & AK_CTX_WORKFLOW : 0;
}

/* Bindings are sorted by scope, by name, then by place. */
static bool is_written_before(const AkFacts *facts, uint32_t at, uint32_t function)
{
    for (uint32_t i = at - 1; i > 0 && facts->bindings[i].name == facts->bindings[at].name; i--)
        if (facts->bindings[i].scope == 1 && facts->bindings[i].kind != AK_B_GLOBAL &&
            facts->scopes[facts->stmts[facts->bindings[i].stmt].scope].function == function)
            return true;
    return false;
}

/* `global x` … `x = …`: once a function and name. */
static void check_global_writes(Change *change)
{
    const AkFunction *fn = change->fn;
    const AkFacts *facts = fn->unit->facts;

    change->module = fn->unit->module;
    for (uint32_t i = 1; i < facts->binding_len && facts->bindings[i].scope <= 1; i++) {
        const AkBinding *binding = &facts->bindings[i];

        if (binding->scope != 1 || binding->kind == AK_B_GLOBAL || !binding->stmt ||
            facts->scopes[facts->stmts[binding->stmt].scope].function != fn->index ||
            facts->stmts[binding->stmt].scope == 1 || is_written_before(facts, i, fn->index) ||
            !context_at(change, binding->stmt))
            continue;
        tell(change,
             ak_report_bytes(change->pass, fn, binding->start, binding->end, AK_CTX_WORKFLOW,
                             "the global '%s' is written by workflow code",
                             ak_name(facts, binding->name)));
    }
}

static const char *text_of(AkPass *pass, const AkUnit *unit, AkExprId expr, char *buffer,
                           size_t size)
{
    size_t len;
    const char *text = ak_text(unit, expr, &len);

    (void)pass;
    len = len < size ? len : size - 1;
    memcpy(buffer, text, len);
    buffer[len] = '\0';
    return buffer;
}

static void report_mutation(Change *change, AkExprId at, AkExprId object, const AkValue *value)
{
    char text[80];

    change->module = value->module ? value->module : value->unit->module;
    tell(change,
         ak_report_expr(
             change->pass, change->fn, at, AK_CTX_WORKFLOW,
             "'%s' is shared by all that import its module and is changed by workflow code",
             text_of(change->pass, change->fn->unit, object, text, sizeof(text))));
}

/* x[…] = …, del x[…], x.append(…): x is a container made by a module. */
static void check_container(Change *change, AkExprId at, AkExprId object)
{
    AkValue value = ak_value(change->pass, change->fn->unit, object);

    if (is_container(&value) && is_shared(&value))
        report_mutation(change, at, object, &value);
}

/* x.y = …: x is a module, a class, or an instance made by a module. */
static void check_attribute(Change *change, AkExprId at, AkExprId object)
{
    AkValue value = ak_value(change->pass, change->fn->unit, object);

    if (value.guessed)
        return;
    if (value.kind == AK_V_MODULE && value.module) {
        report_mutation(change, at, at, &value);
    } else if (value.kind == AK_V_CLASS) {
        value.unit = value.class_->unit;
        report_mutation(change, at, at, &value);
    } else if (class_of_shared(&value) && is_shared(&value)) {
        report_mutation(change, at, at, &value);
    }
}

static void check_expr(Change *change, AkExprId id)
{
    const AkFacts *facts = change->fn->unit->facts;
    const AkExpr *expr = ak_expr(facts, id);
    AkExprId object = ak_kid(facts, expr->kids, 0);

    if (expr->kind == AK_X_CALL) {
        const AkExpr *callee = ak_expr(facts, object);

        if (callee->kind == AK_X_ATTRIBUTE && is_mutating_method(ak_name(facts, callee->name)))
            check_container(change, id, ak_kid(facts, callee->kids, 0));
    } else if (expr->kind == AK_X_SUBSCRIPT && expr->flags & (AK_XF_STORE | AK_XF_DELETE)) {
        check_container(change, id, object);
    } else if (expr->kind == AK_X_ATTRIBUTE && expr->flags & (AK_XF_STORE | AK_XF_DELETE)) {
        check_attribute(change, id, object);
    }
}

static void check_function(AkPass *pass, const AkFunction *fn)
{
    const AkFacts *facts = fn->unit->facts;
    Change change = {.pass = pass, .fn = fn};

    check_global_writes(&change);
    uint32_t end = ak_fact(fn)->end;
    for (AkExprId i = ak_first_expr(fn); i < facts->expr_len; i++) {
        const AkExpr *expr = ak_expr(facts, i);

        if (expr->start >= end)
            break;

        if ((expr->kind == AK_X_CALL || expr->flags & (AK_XF_STORE | AK_XF_DELETE)) &&
            facts->scopes[expr->scope].function == fn->index && context_at(&change, expr->stmt))
            check_expr(&change, i);
    }
}

static void check(AkPass *pass)
{
    for (size_t i = 0; i < pass->function_len; i++) {
        const AkFunction *fn = pass->functions[i];

        if (fn->index && fn->analysed && ak_contexts(pass, fn) & AK_CTX_WORKFLOW)
            check_function(pass, fn);
    }
}

const AkRule ak_rule_AK306 = {
    .id = "AK306",
    .name = "global-mutable-state",
    .level = AK_WARNING,
    .dialects = AK_DIALECTS_ALL,
    .since = "0.1",
    .summary = "workflow code changes state of a module or a class",
    .why =
        "Such state is no part of the history. With the sandbox each run of a workflow has its "
        "own copy, which is lost when the run leaves the worker's cache; without it, or in a "
        "module that is passed through, all workflows of the process share it, and a replay "
        "starts from what others left (an error then). In a program for our own runtime a "
        "session starts from the freshly loaded module, so that this is a note only.",
    .instead = "Keep the state in an attribute of the workflow, or return it from an activity.",
    .misses = "State behind values that cannot be known, closures, and containers changed by "
              "functions of other packages.",
    .fix = AK_FIX_NONE,
    .check = check,
};
