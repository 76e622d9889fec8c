/* Workflows that end while their handlers still run. */
#include "rule.h"

#include <string.h>

static bool is_await(const AkCall *call, void *arg)
{
    (void)arg;
    return call->awaited && ak_is_command(call);
}

/* Whether the text of the module, or of one with a base class, speaks of the function at all. */
static bool mentions(const AkModule *module, const char *name)
{
    for (size_t i = 0; i < module->unit_len; i++) {
        const AkFacts *facts = module->units[i]->facts;

        for (AkName n = 1; n < facts->name_count; n++)
            if (strcmp(ak_name(facts, n), name) == 0)
                return true;
    }
    return false;
}

static bool waits_for_all(const AkClass *class_)
{
    for (size_t i = 0; i < class_->mro_len; i++)
        if (mentions(class_->mro[i]->unit->module, "all_handlers_finished"))
            return true;
    return false;
}

static bool may_be_abandoned(AkPass *pass, const AkFunction *fn)
{
    AkExprId decorator = ak_decorator(pass, fn, fn->roles & AK_ROLE_SIGNAL ? "temporalio.workflow.signal" : "temporalio.workflow.update");

    return !decorator || (ak_expr(fn->unit->facts, decorator)->kind == AK_X_CALL &&
                          ak_argument_at(pass, fn->unit, decorator, "unfinished_policy", -1).given != AK_ABSENT);
}

/* await workflow.wait_condition(lambda: False): for ever. */
static bool waits_for_ever(AkPass *pass, const AkFunction *run)
{
    for (size_t i = 0; i < run->call_len; i++) {
        const AkCall *call = &run->calls[i];
        AkArgument given;

        if (call->kind != AK_CALL_PLAIN || !ak_calls(call, "temporalio.workflow.wait_condition"))
            continue;
        given = ak_argument(pass, call, "fn", 0);
        const AkValue *fn = given.given == AK_GIVEN ? ak_value_of_kind(pass, given.unit, given.expr, AK_V_FUNCTION) : NULL;
        if (!fn || !ak_fact(fn->function)->is_lambda)
            continue;
        const AkFacts *facts = fn->function->unit->facts;
        if (ak_expr(facts, ak_kid(facts, ak_fact(fn->function)->returned, 0))->kind == AK_X_FALSE)
            return true;
    }
    return false;
}

/* Whether the workflow comes to an end at all. */
static bool ends(AkPass *pass, const AkClass *class_)
{
    for (size_t i = 0; i < pass->function_len; i++) {
        const AkFunction *fn = pass->functions[i];

        if (fn->roles & AK_ROLE_RUN && fn->class_ == class_)
            return fn->analysed && !waits_for_ever(pass, fn);
    }
    return false;
}

static void check(AkPass *pass)
{
    for (size_t i = 0; i < pass->function_len; i++) {
        const AkFunction *fn = pass->functions[i];
        const AkCall *wait;

        if (!(fn->roles & (AK_ROLE_SIGNAL | AK_ROLE_UPDATE)) || !fn->class_ || !fn->class_->is_workflow ||
            !fn->class_->bases_known || !ak_fact(fn)->is_async)
            continue;
        wait = ak_reaches(pass, fn, is_await, NULL);
        if (!wait || may_be_abandoned(pass, fn) || waits_for_all(fn->class_) || !ends(pass, fn->class_))
            continue;
        ak_step(ak_report_function(pass, fn, AK_CTX_SIGNAL, "workflow '%s' may end while handler '%s' waits",
                                   fn->class_->name, fn->name),
                wait->fn->unit, wait->expr, "it waits here");
    }
}

const AkRule ak_rule_AK505 = {
    .id = "AK505",
    .name = "unfinished-handlers",
    .level = AK_WARNING,
    .dialects = AK_DIALECT_TEMPORAL,
    .since = "0.1",
    .summary = "a workflow ends without waiting for its handlers",
    .why = "A handler that awaits is cut off when run returns or continues as new: its work is half done, and the "
           "client that sent an update gets an error. The worker warns of it (TMPRL1102).",
    .instead = "Before run ends: await workflow.wait_condition(workflow.all_handlers_finished). Or say that it may be "
               "cut off: unfinished_policy=workflow.HandlerUnfinishedPolicy.ABANDON.",
    .misses = "Workflows that wait by other means are taken for careless; those that mention all_handlers_finished "
              "anywhere in the file for careful.",
    .fix = AK_FIX_NONE,
    .check = check,
};
