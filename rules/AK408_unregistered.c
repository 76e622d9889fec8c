/* Activities and workflows that are started and that no worker of the project runs. */
#include "rule.h"

#include <string.h>

enum { DEEPEST = 4 };

/* Whether the name of a list is changed somewhere in its file, so that its display tells a part. */
static bool is_changed(const AkUnit *unit, AkName name)
{
    static const char *const changes[] = {"append", "extend", "insert", "remove"};
    const AkFacts *facts = unit->facts;

    for (AkExprId i = 1; i < facts->expr_len; i++) {
        const AkExpr *expr = ak_expr(facts, i);

        if (expr->kind != AK_X_ATTRIBUTE)
            continue;
        const AkExpr *object = ak_expr(facts, ak_kid(facts, expr->kids, 0));
        for (size_t k = 0; object->kind == AK_X_NAME && object->name == name && k < 4; k++)
            if (strcmp(ak_name(facts, expr->name), changes[k]) == 0)
                return true;
    }
    return false;
}

/* Whether the display is what a name begins with, and is changed later. */
static bool fills_up(const AkUnit *unit, AkExprId display)
{
    const AkStmt *stmt = &unit->facts->stmts[ak_expr(unit->facts, display)->stmt];
    const AkExpr *target = ak_expr(unit->facts, ak_kid(unit->facts, stmt->targets, 0));

    return stmt->value == display && target->kind == AK_X_NAME &&
           is_changed(unit, target->name);
}

/* The server knows names only: another function that is called the same does as well, as one that is
 * made around a client, or the next version's. */
static bool is_called_alike(AkPass *pass, const AkFunction *a, const AkFunction *b)
{
    const char *x = ak_defined_name(pass, a), *y = ak_defined_name(pass, b);

    return a == b || (x && y && strcmp(x, y) == 0);
}

static bool is_the(AkPass *pass, const AkValue *value, const AkFunction *fn)
{
    switch (value->kind) {
    case AK_V_FUNCTION:
    case AK_V_BOUND: return is_called_alike(pass, value->function, fn);
    case AK_V_CLASS:
        return fn->roles & AK_ROLE_RUN ? value->class_ == fn->class_
                                       : ak_method(pass, value->class_, "__call__") == fn;
    case AK_V_INSTANCE: return ak_method(pass, value->class_, "__call__") == fn;
    default: return false;
    }
}

/* Whether the list of a worker holds the function, or the class whose run method it is. */
static AkAnswer lists(AkPass *pass, const AkUnit *unit, AkExprId expr, const AkFunction *fn,
                      int depth)
{
    const AkExpr *written = ak_expr(unit->facts, expr);
    AkAnswer answer = AK_NO;
    AkValue value;

    if (depth > DEEPEST || (written->kind == AK_X_NAME && is_changed(unit, written->name)))
        return AK_MAYBE;
    if (written->kind == AK_X_STAR)
        return lists(pass, unit, ak_kid(unit->facts, written->kids, 0), fn, depth + 1);
    if (written->kind != AK_X_LIST && written->kind != AK_X_TUPLE &&
        !(written->kind == AK_X_BINARY && written->op == AK_OP_ADD)) {
        value = ak_value(pass, unit, expr);
        if ((value.kind != AK_V_LIST && value.kind != AK_V_TUPLE) || !value.unit ||
            value.guessed || (value.unit == unit && value.expr == expr))
            return AK_MAYBE;
        return lists(pass, value.unit, value.expr, fn, depth + 1);
    }
    if (fills_up(unit, expr))
        return AK_MAYBE;
    for (uint32_t i = 0; i < written->kids.count; i++) {
        AkExprId item = ak_kid(unit->facts, written->kids, i);
        AkAnswer one = AK_NO;

        if (written->kind == AK_X_BINARY || ak_expr(unit->facts, item)->kind == AK_X_STAR) {
            one = lists(pass, unit, item, fn, depth + 1);
        } else {
            value = ak_value(pass, unit, item);
            if (value.kind == AK_V_UNKNOWN)
                one = AK_MAYBE;
            else if (is_the(pass, &value, fn))
                one = AK_YES;
        }
        if (one == AK_YES)
            return AK_YES;
        if (one == AK_MAYBE)
            answer = AK_MAYBE;
    }
    return answer;
}

static AkAnswer worker_lists(AkPass *pass, const AkCall *worker, const char *keyword,
                             const AkFunction *fn)
{
    AkArgument list = ak_argument(pass, worker, keyword, -1);
    AkArgument plugins = ak_argument(pass, worker, "plugins", -1);

    if (list.given == AK_MAYBE_GIVEN || plugins.given != AK_ABSENT)
        return AK_MAYBE;
    return list.given == AK_ABSENT ? AK_NO : lists(pass, list.unit, list.expr, fn, 0);
}

static bool is_worker(const AkCall *call)
{
    return call->kind == AK_CALL_PLAIN && ak_calls(call, "temporalio.worker.Worker");
}

static bool is_in_folder(const AkModule *module, const AkModule *other)
{
    size_t folder = (size_t)(strrchr(other->path, '/') + 1 - other->path);

    return strncmp(module->path, other->path, folder) == 0;
}

/* Most are run by a worker beside them, which is looked at first. */
static bool is_registered_near(AkPass *pass, AkCallList workers, const char *keyword,
                               const AkFunction *fn)
{
    const AkModule *module = fn->unit->module;

    for (size_t i = 0; i < workers.len && strchr(module->path, '/'); i++) {
        const AkCall *call = workers.items[i];

        if (is_in_folder(call->fn->unit->module, module) && is_worker(call) &&
            worker_lists(pass, call, keyword, fn) == AK_YES)
            return true;
    }
    return false;
}

/* Whether some worker of the project runs it; maybe, when one cannot be seen through. workers:
 * how many outside tests there are, set unless the answer is yes. */
static AkAnswer registered(AkPass *pass, const char *keyword, const AkFunction *fn,
                           size_t *workers)
{
    AkAnswer answer = AK_NO;

    AkCallList made = ak_calls_of(pass, "temporalio.worker.Worker");

    if (is_registered_near(pass, made, keyword, fn))
        return AK_YES;
    *workers = 0;
    for (size_t i = 0; i < made.len; i++) {
        const AkCall *call = made.items[i];

        if (!is_worker(call))
            continue;
        AkAnswer one = worker_lists(pass, call, keyword, fn);
        if (one == AK_YES)
            return AK_YES;
        if (call->fn->unit->module->is_test)
            continue;
        (*workers)++;
        if (one == AK_MAYBE)
            answer = AK_MAYBE;
    }
    return answer;
}

/* The run method of the workflow in whose method the call stands. */
static const AkFunction *run_around(AkPass *pass, const AkCall *call)
{
    const AkClass *class_ = ak_owner(call->fn);

    if (!class_ || !class_->is_workflow)
        return NULL;
    AkFunctionList methods = ak_own_functions(pass, class_);
    for (size_t i = 0; i < methods.len; i++)
        if (methods.items[i]->roles & AK_ROLE_RUN)
            return methods.items[i];
    return NULL;
}

static void check_started(AkPass *pass, const AkCall *call, unsigned kind)
{
    const AkFunction *fn = ak_started(pass, call), *run = run_around(pass, call);
    bool activity = kind & AK_STARTS_ACTIVITY;
    AkArgument queue = ak_argument(pass, call, "task_queue", -1);
    size_t workers;

    if (!fn || !run || queue.given != AK_ABSENT || call->fn->unit->module->is_test)
        return;
    /* Who runs this workflow must be known, else its activities may be as far away. */
    if (registered(pass, "workflows", run, &workers) != AK_YES)
        return;
    if (registered(pass, activity ? "activities" : "workflows", fn, &workers) != AK_NO ||
        !workers)
        return;
    AkReport *report = ak_report_call(
        pass, call, AK_CTX_WORKFLOW, "%s '%s' is in the list of no worker",
        activity ? "activity" : "workflow", activity ? fn->name : fn->class_->name);
    if (!activity)
        ak_level(report, AK_WARNING);
}

/* What stands in the list of one worker: no classes for instances, no name twice. */
static void check_list(AkPass *pass, const AkCall *worker)
{
    AkArgument list = ak_argument(pass, worker, "activities", -1);
    const AkUnit *unit = worker->fn->unit;

    if (list.given != AK_GIVEN || list.unit != unit ||
        ak_expr(unit->facts, list.expr)->kind != AK_X_LIST)
        return;
    AkKids items = ak_expr(unit->facts, list.expr)->kids;
    for (uint32_t i = 0; i < items.count; i++) {
        AkExprId item = ak_kid(unit->facts, items, i);
        AkValue value = ak_value(pass, unit, item);
        const char *name;

        if (value.kind == AK_V_CLASS) {
            const AkFunction *call = ak_method(pass, value.class_, "__call__");
            if (!value.class_->external_base_len && !(call && call->roles & AK_ROLE_ACTIVITY))
                ak_report_expr(pass, worker->fn, item, 0,
                               "'%s' is a class, and a worker runs functions",
                               value.class_->name);
            continue;
        }
        if (value.kind != AK_V_FUNCTION || !(name = ak_defined_name(pass, value.function)))
            continue;
        for (uint32_t k = 0; k < i; k++) {
            AkValue other = ak_value(pass, unit, ak_kid(unit->facts, items, k));
            const char *taken =
                other.kind == AK_V_FUNCTION ? ak_defined_name(pass, other.function) : NULL;

            if (taken && strcmp(name, taken) == 0) {
                ak_report_expr(pass, worker->fn, item, 0,
                               "the worker has two activities called '%s'", name);
                break;
            }
        }
    }
}

static void check(AkPass *pass)
{
    for (size_t i = 0; i < pass->call_len; i++) {
        const AkCall *call = pass->calls[i];
        unsigned kind = ak_starts(call);

        if (is_worker(call))
            check_list(pass, call);
        else if (kind & (AK_STARTS_ACTIVITY | AK_STARTS_CHILD))
            check_started(pass, call, kind);
    }
}

const AkRule ak_rule_AK408 = {
    .id = "AK408",
    .name = "unregistered",
    .level = AK_ERROR,
    .dialects = AK_DIALECT_TEMPORAL,
    .since = "0.1",
    .summary = "an activity or a child workflow is started that no worker runs",
    .why = "The server hands the task to the workers of the queue; the one that gets it does "
           "not know the name, "
           "fails, and is asked again for ever. A class in the list, or two activities of one "
           "name, stop the "
           "worker when it is made.",
    .instead = "Add it to activities=[…] or workflows=[…] of the Worker; of a class with "
               "activities, the methods of an "
               "instance.",
    .misses = "Silent when any worker outside tests has a list that cannot be read, when a "
              "task queue is named, and for "
              "workflows that no worker in sight runs.",
    .fix = AK_FIX_NONE,
    .check = check,
};
