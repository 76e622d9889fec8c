/* temporal.c: see temporal.h. */
#include "temporal.h"

#include <string.h>

#include "blocks.h"
#include "stages.h"

enum { DEEPEST = 6, MOST_SEEN = 256 };

static const char workflow_module[] = "temporalio.workflow.";

const char *ak_workflow_name(const AkCall *call)
{
    size_t len = sizeof(workflow_module) - 1;

    return call->dotted && strncmp(call->dotted, workflow_module, len) == 0 ? call->dotted + len
                                                                            : NULL;
}

/* ---- Commands ---- */

/* Names such as "execute_local_activity_method" taken apart. */
static unsigned starts_by_name(const char *name)
{
    unsigned kind = 0;
    const char *rest = name;

    if (strncmp(rest, "start_", 6) == 0) {
        kind |= AK_STARTS_HANDLE;
        rest += 6;
    } else if (strncmp(rest, "execute_", 8) == 0) {
        rest += 8;
    } else {
        return 0;
    }
    if (strcmp(rest, "child_workflow") == 0)
        return kind | AK_STARTS_CHILD;
    if (strncmp(rest, "local_", 6) == 0) {
        kind |= AK_STARTS_LOCAL;
        rest += 6;
    }
    if (strncmp(rest, "activity", 8) != 0)
        return 0;
    rest += 8;
    if (*rest && strcmp(rest, "_class") != 0 && strcmp(rest, "_method") != 0)
        return 0;
    return kind | AK_STARTS_ACTIVITY;
}

unsigned ak_starts(const AkCall *call)
{
    const char *name = ak_workflow_name(call);

    if (call->kind != AK_CALL_PLAIN)
        return 0;
    if (name)
        return starts_by_name(name);
    if (ak_calls(call, "temporalio.client.Client.execute_workflow"))
        return AK_STARTS_WORKFLOW;
    if (ak_calls(call, "temporalio.client.Client.start_workflow"))
        return AK_STARTS_WORKFLOW | AK_STARTS_HANDLE;
    return 0;
}

AkExprId ak_decorator(AkPass *pass, const AkFunction *fn, const char *dotted)
{
    const AkFacts *facts = fn->unit->facts;
    AkKids decorators = ak_fact(fn)->decorators;

    for (uint32_t i = 0; i < decorators.count; i++) {
        AkExprId expr = ak_kid(facts, decorators, i);
        const AkExpr *written = ak_expr(facts, expr);
        AkExprId callee = written->kind == AK_X_CALL ? ak_kid(facts, written->kids, 0) : expr;
        const AkValue *value = ak_value_of_kind(pass, fn->unit, callee, AK_V_EXTERNAL);

        if (value && value->dotted && strcmp(value->dotted, dotted) == 0)
            return expr;
    }
    return 0;
}

static const char *name_given(AkPass *pass, const AkUnit *unit, AkExprId decorator,
                              const char *fallback)
{
    if (!decorator || ak_expr(unit->facts, decorator)->kind != AK_X_CALL)
        return fallback;
    AkArgument name = ak_argument_at(pass, unit, decorator, "name", -1);
    AkArgument dynamic = ak_argument_at(pass, unit, decorator, "dynamic", -1);
    if (name.given == AK_MAYBE_GIVEN || dynamic.given != AK_ABSENT)
        return NULL;
    return name.given == AK_ABSENT ? fallback : ak_string(pass, name.unit, name.expr);
}

const char *ak_defined_name(AkPass *pass, const AkFunction *fn)
{
    static const struct {
        unsigned role;
        const char *dotted;
    } kinds[] = {{AK_ROLE_ACTIVITY, "temporalio.activity.defn"},
                 {AK_ROLE_SIGNAL, "temporalio.workflow.signal"},
                 {AK_ROLE_QUERY, "temporalio.workflow.query"},
                 {AK_ROLE_UPDATE, "temporalio.workflow.update"}};

    if (fn->roles & AK_ROLE_RUN && fn->class_)
        return name_given(pass, fn->class_->unit, fn->class_->workflow_defn, fn->class_->name);
    for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
        if (fn->roles & kinds[i].role) {
            AkExprId decorator = ak_decorator(pass, fn, kinds[i].dotted);
            return decorator ? name_given(pass, fn->unit, decorator, fn->name) : NULL;
        }
    return NULL;
}

/* A double in a test stands for nothing that other code starts. */
static const AkFunction *by_name(AkPass *pass, const AkCall *call, const char *name,
                                 unsigned role)
{
    bool in_test = call->fn->unit->module->is_test;
    const AkFunction *found = NULL;

    for (size_t i = 0; i < pass->function_len; i++) {
        const AkFunction *fn = pass->functions[i];
        const char *known = fn->roles & role ? ak_defined_name(pass, fn) : NULL;

        if (fn->unit->module->is_test && !in_test)
            continue;
        if (!known || strcmp(known, name) != 0)
            continue;
        if (found)
            return NULL;
        found = fn;
    }
    return found;
}

static const AkFunction *run_of(AkPass *pass, const AkClass *class_)
{
    for (size_t i = 0; i < pass->function_len; i++)
        if (pass->functions[i]->roles & AK_ROLE_RUN && pass->functions[i]->class_ == class_)
            return pass->functions[i];
    return NULL;
}

const AkFunction *ak_started(AkPass *pass, const AkCall *call)
{
    unsigned kind = ak_starts(call);
    AkArgument given =
        ak_argument(pass, call, kind & AK_STARTS_ACTIVITY ? "activity" : "workflow", 0);
    unsigned role = kind & AK_STARTS_ACTIVITY ? AK_ROLE_ACTIVITY : AK_ROLE_RUN;

    if (!kind || given.given != AK_GIVEN)
        return NULL;
    AkValue value = ak_value(pass, given.unit, given.expr);
    switch (value.kind) {
    case AK_V_FUNCTION:
    case AK_V_BOUND: return value.function->roles & role ? value.function : NULL;
    case AK_V_CLASS:
    case AK_V_INSTANCE:
        if (role == AK_ROLE_RUN)
            return run_of(pass, value.class_);
        {
            const AkFunction *fn = ak_method(pass, value.class_, "__call__");
            return fn && fn->roles & role ? fn : NULL;
        }
    case AK_V_STRING: return value.text ? by_name(pass, call, value.text, role) : NULL;
    default: return NULL;
    }
}

bool ak_is_command(const AkCall *call)
{
    static const char *const others[] = {"asyncio.sleep",
                                         "temporalio.workflow.ChildWorkflowHandle.signal",
                                         "temporalio.workflow.ExternalWorkflowHandle.signal",
                                         "temporalio.workflow.ExternalWorkflowHandle.cancel",
                                         "temporalio.workflow.NexusClient.execute_operation",
                                         "temporalio.workflow.NexusClient.start_operation"};
    const char *name = ak_workflow_name(call);

    if (!call->dotted)
        return false;
    if (name && (starts_by_name(name) || strcmp(name, "sleep") == 0 ||
                 strcmp(name, "wait_condition") == 0))
        return true;
    for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++)
        if (strcmp(call->dotted, others[i]) == 0)
            return true;
    return false;
}

bool ak_is_guarded(const AkCall *call)
{
    static const char *const names[] = {"continue_as_new",
                                        "deprecate_patch",
                                        "new_random",
                                        "patched",
                                        "random",
                                        "register_random_seed_callback",
                                        "set_current_details",
                                        "set_dynamic_query_handler",
                                        "set_dynamic_signal_handler",
                                        "set_dynamic_update_handler",
                                        "set_query_handler",
                                        "set_signal_handler",
                                        "set_update_handler",
                                        "upsert_memo",
                                        "upsert_search_attributes",
                                        "uuid4",
                                        "uuid7"};
    const char *name = ak_workflow_name(call);

    for (size_t i = 0; name && i < sizeof(names) / sizeof(*names); i++)
        if (strcmp(name, names[i]) == 0)
            return true;
    return ak_is_command(call) || ak_calls(call, "asyncio.create_task");
}

/* ---- Reach ---- */

typedef struct Seen {
    const AkFunction *functions[MOST_SEEN];
    size_t len;
} Seen;

static bool see(Seen *seen, const AkFunction *fn)
{
    if (seen->len == MOST_SEEN)
        return false;
    for (size_t i = 0; i < seen->len; i++)
        if (seen->functions[i] == fn)
            return false;
    seen->functions[seen->len++] = fn;
    return true;
}

static const AkCall *reach(AkPass *pass, Seen *seen, const AkFunction *fn, AkIsCall is,
                           void *arg, int depth)
{
    const AkUnit *unit = fn->unit;
    const AkCall *found;

    if (depth > DEEPEST || !see(seen, fn))
        return NULL;
    for (size_t i = 0; i < fn->call_len; i++)
        if (is(&fn->calls[i], arg))
            return &fn->calls[i];
    for (uint32_t i = 1; fn->index && i < unit->facts->function_len; i++)
        if (unit->facts->functions[i].outer == fn->index &&
            (found = reach(pass, seen, unit->functions[i], is, arg, depth + 1)))
            return found;
    for (size_t i = 0; i < fn->call_len; i++)
        if (fn->calls[i].target &&
            (found = reach(pass, seen, fn->calls[i].target, is, arg, depth + 1)))
            return found;
    return NULL;
}

const AkCall *ak_reaches(AkPass *pass, const AkFunction *fn, AkIsCall is, void *arg)
{
    Seen seen;

    seen.len = 0;
    return reach(pass, &seen, fn, is, arg, 0);
}

/* ---- Bodies ---- */

bool ak_owns_stmt(const AkFunction *fn, AkStmtId stmt)
{
    return fn->unit->facts->stmts[stmt].scope == ak_fact(fn)->scope;
}

bool ak_owns_expr(const AkFunction *fn, AkExprId expr)
{
    return ak_function_of(fn->unit, expr) == fn;
}

bool ak_has_stmt(const AkFunction *fn, AkStmtId below, AkStmtKind kind)
{
    const AkStmt *stmts = fn->unit->facts->stmts;

    for (AkStmtId i = below; i <= stmts[below].last; i++)
        if (stmts[i].kind == kind && ak_owns_stmt(fn, i))
            return true;
    return false;
}

const AkCall *ak_call_below(const AkFunction *fn, AkStmtId below, AkIsCall is, void *arg)
{
    for (size_t i = 0; i < fn->call_len; i++)
        if (ak_inside(fn->unit->facts, fn->calls[i].stmt, below) && is(&fn->calls[i], arg))
            return &fn->calls[i];
    return NULL;
}

AkStmtId ak_try_around(const AkFunction *fn, AkStmtId stmt)
{
    const AkStmt *stmts = fn->unit->facts->stmts;

    for (AkStmtId i = stmt; i && ak_owns_stmt(fn, i); i = stmts[i].parent)
        if (stmts[i].suite == AK_SUITE_BODY && stmts[stmts[i].parent].kind == AK_S_TRY)
            return stmts[i].parent;
    return 0;
}

const AkCall *ak_call_at(const AkFunction *fn, AkExprId expr)
{
    for (size_t i = 0; i < fn->call_len; i++)
        if (fn->calls[i].expr == expr)
            return &fn->calls[i];
    return NULL;
}

/* ---- Classes and state ---- */

static const AkFunction *method_around(const AkFunction *fn)
{
    while (fn && !fn->class_)
        fn = fn->outer;
    return fn;
}

const AkClass *ak_owner(const AkFunction *fn)
{
    const AkFunction *method = method_around(fn);

    return method ? method->class_ : NULL;
}

const char *ak_self_attribute(const AkUnit *unit, AkExprId expr)
{
    const AkFacts *facts = unit->facts;
    const AkExpr *attribute = ak_expr(facts, expr);

    if (attribute->kind != AK_X_ATTRIBUTE)
        return NULL;
    const AkExpr *object = ak_expr(facts, ak_kid(facts, attribute->kids, 0));
    if (object->kind != AK_X_NAME)
        return NULL;
    const AkFunction *fn = ak_function_of(unit, expr), *method = method_around(fn);
    if (!method || method->roles & (AK_ROLE_STATIC | AK_ROLE_CLASSMETHOD) ||
        !ak_fact(method)->param_len || method->unit != unit)
        return NULL;
    if (facts->params[ak_fact(method)->first_param].name != object->name)
        return NULL;
    for (; fn != method; fn = fn->outer) /* a nested function may have a `self` of its own */
        for (uint32_t i = 0; i < ak_fact(fn)->param_len; i++)
            if (facts->params[ak_fact(fn)->first_param + i].name == object->name)
                return NULL;
    return unit->atoms[attribute->name];
}

AkExprId ak_self_root(const AkUnit *unit, AkExprId expr)
{
    while (expr) {
        const AkExpr *written = ak_expr(unit->facts, expr);

        if (ak_self_attribute(unit, expr))
            return expr;
        if (written->kind != AK_X_ATTRIBUTE && written->kind != AK_X_SUBSCRIPT)
            return 0;
        expr = ak_kid(unit->facts, written->kids, 0);
    }
    return 0;
}

/* Methods of the standard containers, of asyncio's events and queues. */
static bool sounds_mutating(const char *name)
{
    static const char *const names[] = {"add",     "append",     "appendleft", "clear",
                                        "discard", "extend",     "insert",     "pop",
                                        "popitem", "popleft",    "put_nowait", "remove",
                                        "reverse", "setdefault", "sort",       "update"};

    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
        if (strcmp(name, names[i]) == 0)
            return true;
    return false;
}

AkExprId ak_mutates_state(AkPass *pass, const AkCall *call, bool *guessed)
{
    const AkUnit *unit = call->fn->unit;
    const AkFacts *facts = unit->facts;

    (void)pass;
    *guessed = false;
    if (call->kind != AK_CALL_PLAIN)
        return 0;
    AkExprId callee = ak_kid(facts, ak_call_expr(call)->kids, 0);
    const AkExpr *written = ak_expr(facts, callee);
    if (written->kind != AK_X_ATTRIBUTE)
        return 0;
    AkExprId root = ak_self_root(unit, ak_kid(facts, written->kids, 0));
    if (!root)
        return 0;
    if (ak_does(call, AK_MUTATES_SELF))
        return root;
    if (call->target || call->dotted || !sounds_mutating(ak_name(facts, written->name)))
        return 0;
    *guessed = true;
    return root;
}

bool ak_is_method_of(const AkFunction *fn, const AkClass *class_)
{
    for (size_t i = 0; fn->class_ && i < class_->mro_len; i++)
        if (class_->mro[i] == fn->class_)
            return true;
    return false;
}

static bool has_self(const AkFunction *fn)
{
    return fn->class_ && !(fn->roles & AK_ROLE_STATIC);
}

size_t ak_params(const AkFunction *fn, size_t *least, bool *any)
{
    const AkFunctionFact *fact = ak_fact(fn);
    size_t count = 0;

    *least = 0;
    *any = false;
    for (uint32_t i = has_self(fn); i < fact->param_len; i++) {
        const AkParam *param = &fn->unit->facts->params[fact->first_param + i];

        if (param->kind == AK_PARAM_ARGS)
            *any = true;
        if (param->kind != AK_PARAM_PLAIN && param->kind != AK_PARAM_POSITIONAL_ONLY)
            continue;
        count++;
        if (!param->value)
            *least = count;
    }
    return count;
}

const AkParam *ak_param_at(const AkFunction *fn, size_t n)
{
    const AkFunctionFact *fact = ak_fact(fn);
    size_t at = n + has_self(fn);

    if (at >= fact->param_len)
        return NULL;
    const AkParam *param = &fn->unit->facts->params[fact->first_param + at];
    return param->kind <= AK_PARAM_PLAIN ? param : NULL;
}

/* ---- Imports for the type checker ---- */

static bool has_text(const char *text, const char *end, const char *word)
{
    size_t len = strlen(word);

    while ((size_t)(end - text) >= len &&
           (text = memchr(text, *word, (size_t)(end - text) - len + 1))) {
        if (memcmp(text, word, len) == 0)
            return true;
        text++;
    }
    return false;
}

/* Whether the import stands in the body of a top-level `if TYPE_CHECKING:`. */
static bool below_type_checking(const AkFile *file, const AkImportAt *import)
{
    const char *text = file->module.text, *start = text + file->blocks[import->block].code;
    const char *at = text + import->bound_start,
               *line = memchr(start, '\n', (size_t)(at - start));

    if (!line || strncmp(start, "if ", 3) != 0 || !has_text(start, line, "TYPE_CHECKING") ||
        has_text(start, line, "not "))
        return false;
    return !has_text(line, at, "\nelse") && !has_text(line, at, "\nelif");
}

bool ak_only_typed(AkPass *pass, const AkUnit *unit, const char *name)
{
    const AkFile *file = ak__file(unit->module);
    size_t len = strlen(name);
    bool found = false;

    (void)pass;
    for (uint32_t i = 0; i < file->name_len; i++) {
        const AkBoundAt *bound = &file->names[i];
        if (bound->len == len && memcmp(file->module.text + bound->start, name, len) == 0 &&
            bound->kind != AK_BOUND_IMPORT)
            return false;
    }
    for (uint32_t i = 0; i < file->import_len; i++) {
        const AkImportAt *import = &file->imports[i];

        if (import->star && !import->local)
            return false;
        if (import->local || import->bound_len != len ||
            memcmp(file->module.text + import->bound_start, name, len) != 0)
            continue;
        if (!import->nested || !below_type_checking(file, import))
            return false;
        found = true;
    }
    return found;
}

/* ---- Imports of the SDK, texts ---- */

/* A block that begins with `with` is left out as little as one that is no compound. */
static bool may_be_left_out(const AkFile *file, const AkImportAt *import)
{
    const char *code = file->module.text + file->blocks[import->block].code;

    return import->local || strncmp(code, "if", 2) == 0 || strncmp(code, "try", 3) == 0;
}

size_t ak_sdk_imports(AkPass *pass, const AkModule *module, AkSdkImport *out, size_t room)
{
    const AkFile *file = ak__file(module);
    size_t len = 0;

    for (uint32_t i = 0; module->text && i < file->import_len && len < room; i++) {
        const AkImportAt *import = &file->imports[i];
        const char *dotted =
            import->module ? ak__atom_len(pass->program, import->module, import->module_len)
                           : "";

        if (import->level || import->star || strncmp(dotted, "temporalio", 10) != 0 ||
            (dotted[10] && dotted[10] != '.'))
            continue;
        uint32_t start = import->name_len ? import->name_start : import->bound_start;
        uint32_t size = import->name_len ? import->name_len : import->bound_len;
        out[len++] = (AkSdkImport){
            dotted,
            import->name_len ? ak__atom_len(pass->program, module->text + start, size) : "",
            start, start + size, may_be_left_out(file, import)};
    }
    return len;
}

bool ak_module_has(const AkModule *module, const char *word)
{
    return module->text && has_text(module->text, module->text + module->len, word);
}

bool ak_text_has(const AkPass *pass, AkWhere where, const char *word)
{
    for (size_t i = 0; i < pass->module_len; i++) {
        const AkModule *module = pass->modules[i];

        if ((where == AK_IN_TESTS && !module->is_test) ||
            (where == AK_IN_OTHERS && module->is_test))
            continue;
        if (ak_module_has(module, word))
            return true;
    }
    return false;
}

/* ---- The SDK's version ---- */

AkSdkVersions ak_sdk_pinned(const AkPass *pass)
{
    AkProgram *program = pass->program;
    const char *requirement = program->options.sdk_version;

    if (!program->sdk_pinned) {
        AkSdkVersions allowed = requirement ? ak_sdk_allowed(requirement) : 0;

        program->sdk_pinned = allowed ? allowed : ak_sdk_all();
    }
    return program->sdk_pinned;
}
