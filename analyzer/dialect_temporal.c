/* dialect_temporal.c: what makes a workflow, a handler, an activity of Temporal's SDK.
 *
 * Decorators are known by what they resolve to. A decorator of the project gives the role that
 * its body applies: `return workflow.run(wrapper)`. Besides, methods of interceptors run where
 * they intercept, and functions handed to set_signal_handler and kin are handlers.
 */
#include "stages.h"

#include "blocks.h"

#include <string.h>

typedef struct Mark {
    const char *dotted;
    unsigned role;
    uint16_t contexts;
    const char *what;
} Mark;

static const Mark marks[] = {
    {"temporalio.workflow.run", AK_ROLE_RUN, AK_CTX_WORKFLOW, "workflow"},
    {"temporalio.workflow.signal", AK_ROLE_SIGNAL, AK_CTX_WORKFLOW | AK_CTX_SIGNAL,
     "signal handler"},
    {"temporalio.workflow.query", AK_ROLE_QUERY, AK_CTX_WORKFLOW | AK_CTX_READONLY, "query"},
    {"temporalio.workflow.update", AK_ROLE_UPDATE, AK_CTX_WORKFLOW | AK_CTX_SIGNAL,
     "update handler"},
    {"temporalio.workflow.init", AK_ROLE_INIT, AK_CTX_WORKFLOW, "workflow"},
    {"temporalio.workflow.dynamic_config", AK_ROLE_DYNAMIC_CONFIG,
     AK_CTX_WORKFLOW | AK_CTX_READONLY, "dynamic configuration"},
    {"temporalio.activity.defn", AK_ROLE_ACTIVITY, AK_CTX_ACTIVITY, "activity"},
    {"temporalio.nexus.workflow_run_operation", AK_ROLE_NEXUS, AK_CTX_ACTIVITY,
     "Nexus operation"},
    {"nexusrpc.handler.sync_operation", AK_ROLE_NEXUS, AK_CTX_ACTIVITY, "Nexus operation"},
    {"nexusrpc.handler.operation_handler", AK_ROLE_NEXUS, AK_CTX_ACTIVITY, "Nexus operation"},
    {"autokitteh.inhibit_activities", AK_ROLE_INHIBIT, 0, ""},
    {"builtins.staticmethod", AK_ROLE_STATIC, 0, ""},
    {"builtins.classmethod", AK_ROLE_CLASSMETHOD, 0, ""},
    {"builtins.property", AK_ROLE_PROPERTY, 0, ""},
    {"functools.cached_property", AK_ROLE_PROPERTY, 0, ""},
};

static const Mark validator = {"", AK_ROLE_VALIDATOR, AK_CTX_WORKFLOW | AK_CTX_READONLY,
                               "validator"};
static const char defn[] = "temporalio.workflow.defn";

static const Mark *mark_of(const char *dotted)
{
    for (size_t i = 0; dotted && i < sizeof marks / sizeof *marks; i++)
        if (strcmp(marks[i].dotted, dotted) == 0)
            return &marks[i];
    return NULL;
}

static const Mark *mark_of_role(unsigned role)
{
    for (size_t i = 0; i < sizeof marks / sizeof *marks; i++)
        if (marks[i].role == role)
            return &marks[i];
    return &validator;
}

/* ---- Decorators of the project ---- */

static void note_applied(AkProgram *program, AkFunctionX *fn, const AkUnit *unit, AkExprId expr)
{
    AkValues values = ak__eval(program, unit, expr);
    for (uint32_t i = 0; i < values.len; i++) {
        const Mark *mark = mark_of(values.items[i].dotted);
        if (mark && mark->contexts)
            fn->applies |= mark->role;
        if (values.items[i].dotted && strcmp(values.items[i].dotted, defn) == 0)
            fn->applies_defn = true;
    }
}

/* What the body applies to the function it is given: callees and decorators in it. */
static void find_applied(AkProgram *program, AkFunctionX *fn)
{
    const AkUnit *unit = fn->function.unit;
    const AkFacts *facts = unit->facts;
    const AkFunctionFact *fact = ak_fact(&fn->function);
    uint32_t missing = program->missing;
    fn->applied_done = true;
    for (AkExprId i = ak__first_expr(facts, fact->start), seen = 0;
         i < facts->expr_len && facts->exprs[i].start < fact->end && seen < 2000; i++, seen++) {
        const AkExpr *row = &facts->exprs[i];
        if (row->kind == AK_X_CALL)
            note_applied(program, fn, unit, ak_kid(facts, row->kids, 0));
        else if (row->flags & AK_XF_DECORATOR)
            note_applied(program, fn, unit, i);
    }
    if (program->missing != missing)
        fn->applied_done = false;
}

static AkFunctionX *applied_by(AkProgram *program, const AkValue *decorator)
{
    if (decorator->kind != AK_V_FUNCTION && decorator->kind != AK_V_BOUND)
        return NULL;
    AkFunctionX *fn = ak__function(decorator->function);
    if (!fn->applied_done)
        find_applied(program, fn);
    return fn;
}

/* `@flow(retries=3)`: what the called factory's body holds counts too. */
static AkFunctionX *applied_by_factory(AkProgram *program, const AkUnit *unit, AkExprId expr)
{
    const AkExpr *row = &unit->facts->exprs[expr];
    if (row->kind != AK_X_CALL)
        return NULL;
    AkValues values = ak__eval(program, unit, ak_kid(unit->facts, row->kids, 0));
    return values.len ? applied_by(program, &values.items[0]) : NULL;
}

/* ---- Functions ---- */

static bool is_validator(AkProgram *program, const AkUnit *unit, AkExprId expr)
{
    const AkExpr *row = &unit->facts->exprs[expr];
    if (row->kind != AK_X_ATTRIBUTE || strcmp(unit->atoms[row->name], "validator") != 0)
        return false;
    AkValues values = ak__eval(program, unit, ak_kid(unit->facts, row->kids, 0));
    for (uint32_t i = 0; i < values.len; i++)
        if (values.items[i].function && (ak__has_decorator(program, values.items[i].function,
                                                           "temporalio.workflow.update") ||
                                         values.items[i].function->roles & AK_ROLE_UPDATE))
            return true;
    return false;
}

void ak__roles(AkProgram *program, AkFunction *fn)
{
    const AkFunctionFact *fact = ak_fact(fn);
    const AkUnit *unit = fn->unit;
    for (uint32_t i = 0; i < fact->decorators.count; i++) {
        AkExprId expr = ak_kid(unit->facts, fact->decorators, i);
        AkValues values = ak__eval(program, unit, expr);
        if (is_validator(program, unit, expr))
            fn->roles |= AK_ROLE_VALIDATOR;
        for (uint32_t k = 0; k < values.len; k++) {
            const Mark *mark = mark_of(values.items[k].dotted);
            const AkFunctionX *by = applied_by(program, &values.items[k]);
            fn->roles |= mark ? mark->role : 0;
            fn->roles |= by ? by->applies : 0;
            if (values.items[k].dotted &&
                strcmp(values.items[k].dotted, "autokitteh.activity") == 0)
                fn->roles |= AK_ROLE_ACTIVITY;
        }
        const AkFunctionX *factory = applied_by_factory(program, unit, expr);
        fn->roles |= factory ? factory->applies : 0;
    }
}

static void root_by_role(AkProgram *program, AkFunction *fn)
{
    static const unsigned roles[] = {AK_ROLE_RUN,    AK_ROLE_SIGNAL,    AK_ROLE_QUERY,
                                     AK_ROLE_UPDATE, AK_ROLE_VALIDATOR, AK_ROLE_INIT,
                                     AK_ROLE_NEXUS,  AK_ROLE_ACTIVITY,  AK_ROLE_DYNAMIC_CONFIG};
    for (size_t i = 0; i < sizeof roles / sizeof *roles; i++) {
        const Mark *mark = mark_of_role(roles[i]);
        if (fn->roles & roles[i])
            ak__root(program, fn, mark->contexts, AK_BOOK_TEMPORAL,
                     ak__printf(program->arena, "%s %s", mark->what, fn->qualified));
    }
}

/* ---- Classes ---- */

static void find_defn(AkProgram *program, AkClass *class_)
{
    const AkUnit *unit = class_->unit;
    const AkClassFact *fact = &unit->facts->classes[class_->index];
    for (uint32_t i = 0; i < fact->decorators.count; i++) {
        AkExprId expr = ak_kid(unit->facts, fact->decorators, i);
        AkValues values = ak__eval(program, unit, expr);
        for (uint32_t k = 0; k < values.len; k++) {
            const char *dotted = values.items[k].dotted;
            const AkFunctionX *by = applied_by(program, &values.items[k]);
            if (dotted && strcmp(dotted, defn) == 0) {
                class_->is_workflow = true;
                class_->workflow_defn = expr;
            } else if (by && by->applies_defn) {
                class_->is_workflow = true;
            }
            if (dotted && (strstr(dotted, "dataclass") || strcmp(dotted, "attrs.define") == 0 ||
                           strcmp(dotted, "attrs.frozen") == 0))
                class_->is_dataclass = true;
        }
        const AkFunctionX *factory = applied_by_factory(program, unit, expr);
        class_->is_workflow |= factory && factory->applies_defn;
    }
}

static bool derives_from(AkProgram *program, AkClass *class_, const char *dotted)
{
    bool unsure;
    return ak__derives(program, class_, dotted, &unsure);
}

static void root_methods(AkProgram *program, AkClass *class_, uint16_t contexts,
                         const char *what)
{
    const AkUnit *unit = class_->unit;
    for (uint32_t f = 1; f < unit->facts->function_len; f++) {
        AkFunction *fn = unit->functions[f];
        if (fn && fn->class_ == class_)
            ak__root(program, fn, contexts, AK_BOOK_TEMPORAL,
                     ak__printf(program->arena, "%s %s", what, fn->qualified));
    }
}

static void interceptors(AkProgram *program, AkClass *class_)
{
    static const char *const inside[] = {"temporalio.worker.WorkflowInboundInterceptor",
                                         "temporalio.worker.WorkflowOutboundInterceptor"};
    static const char *const beside[] = {"temporalio.worker.ActivityInboundInterceptor",
                                         "temporalio.worker.ActivityOutboundInterceptor"};
    for (size_t i = 0; i < 2; i++) {
        if (derives_from(program, class_, inside[i]))
            root_methods(program, class_, AK_CTX_WORKFLOW, "workflow interceptor");
        if (derives_from(program, class_, beside[i]))
            root_methods(program, class_, AK_CTX_ACTIVITY, "activity interceptor");
    }
}

static void class_roles(AkProgram *program, AkClass *class_)
{
    find_defn(program, class_);
    ak__class_mro(program, class_);
    if (derives_from(program, class_, "pydantic.BaseModel") ||
        derives_from(program, class_, "typing.NamedTuple"))
        class_->is_dataclass = true;
    if (class_->external_base_len)
        interceptors(program, class_);
    if (!class_->is_workflow)
        return;
    AkFunction *init = ak__method(program, class_, program->names.init);
    if (init) {
        init->roles |= AK_ROLE_INIT;
        root_by_role(program, init);
    }
    if (!class_->unit->module->is_test)
        ak__import_root(program, ak__file(class_->unit->module));
}

void ak__temporal_unit(AkProgram *program, AkUnitX *unit)
{
    const AkFacts *facts = unit->unit.facts;
    for (uint32_t f = 1; f < facts->function_len; f++) {
        AkFunction *fn = unit->unit.functions[f];
        if (!fn || !facts->functions[f].decorators.count)
            continue;
        ak__roles(program, fn);
        if (unit->file->module.imports_ak && !unit->file->module.imports_temporal)
            continue;
        root_by_role(program, fn);
    }
    for (uint32_t c = 1; c < facts->class_len; c++)
        if (unit->unit.classes[c])
            class_roles(program, unit->unit.classes[c]);
}

/* A test that runs a workflow may get its client from elsewhere and name no framework. */
static bool runs_workflow(const AkFile *file, uint32_t block)
{
    static const char *const words[] = {"execute_workflow", NULL};
    const struct AkBlock *b = &file->blocks[block];

    return file->module.is_test &&
           ak__text_mentions(file->source.text + b->start, b->end - b->start, words);
}

/* Blocks in which a framework is named are parsed at once: there are the roots, and calls that
 * rules look at wherever they stand. */
void ak__temporal_want(AkProgram *program)
{
    for (uint32_t i = 0; i < program->file_len; i++) {
        AkFile *file = program->files[i];
        if (file->state != AK_FILE_OPEN || !file->module.imports_temporal ||
            file->module.use == AK_LIBRARY)
            continue;
        file->books |= 1 << AK_BOOK_TEMPORAL;
        for (uint32_t k = 0; k < file->block_len; k++)
            if (file->framework[k] || runs_workflow(file, k))
                ak__want_block(program, file, k);
    }
}

/* ---- Handlers set at run time ---- */

static void handler_root(AkProgram *program, const AkUnit *unit, AkExprId arg, unsigned role)
{
    if (!arg)
        return;
    AkValues values = ak__eval(program, unit, arg);
    for (uint32_t i = 0; i < values.len; i++)
        if (values.items[i].kind == AK_V_FUNCTION || values.items[i].kind == AK_V_BOUND) {
            AkFunction *fn = values.items[i].function;
            const Mark *mark = mark_of_role(role);
            fn->roles |= role;
            ak__root(program, fn, mark->contexts, AK_BOOK_TEMPORAL,
                     ak__printf(program->arena, "%s %s", mark->what, fn->qualified));
        }
}

void ak__temporal_call(AkProgram *program, AkFunction *fn, AkExprId call, const char *dotted)
{
    static const struct {
        const char *dotted;
        uint32_t argument;
        unsigned role;
    } setters[] = {
        {"temporalio.workflow.set_signal_handler", 1, AK_ROLE_SIGNAL},
        {"temporalio.workflow.set_query_handler", 1, AK_ROLE_QUERY},
        {"temporalio.workflow.set_update_handler", 1, AK_ROLE_UPDATE},
        {"temporalio.workflow.set_dynamic_signal_handler", 0, AK_ROLE_SIGNAL},
        {"temporalio.workflow.set_dynamic_query_handler", 0, AK_ROLE_QUERY},
        {"temporalio.workflow.set_dynamic_update_handler", 0, AK_ROLE_UPDATE},
    };
    if (strncmp(dotted, "temporalio.workflow.", 20) != 0)
        return;
    for (size_t i = 0; i < sizeof setters / sizeof *setters; i++) {
        if (strcmp(setters[i].dotted, dotted) != 0)
            continue;
        handler_root(program, fn->unit,
                     ak__plain_argument(fn->unit->facts, call, setters[i].argument),
                     setters[i].role);
        handler_root(program, fn->unit, ak__keyword_argument(fn->unit, call, "validator"),
                     AK_ROLE_VALIDATOR);
    }
    if (strcmp(dotted, "temporalio.workflow.wait_condition") != 0)
        return;
    AkValues values = ak__eval(program, fn->unit, ak__plain_argument(fn->unit->facts, call, 0));
    for (uint32_t i = 0; i < values.len; i++)
        if (values.items[i].function)
            values.items[i].function->roles |= AK_ROLE_CONDITION;
}
