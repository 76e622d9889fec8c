/* Workflows that end while their handlers still run. */
#include "rule.h"

#include <string.h>

static bool is_await(const AkCall *call, void *arg)
{
    (void)arg;
    return call->awaited && ak_is_command(call);
}

/* A command that takes its time, whatever the workflow does meanwhile. */
static bool is_slow(const AkCall *call, void *arg)
{
    return is_await(call, arg) && !ak_calls(call, "temporalio.workflow.wait_condition");
}

/* Whether the run method reads the attribute, as it does in what it waits for. */
static bool run_reads(AkPass *pass, const AkClass *class_, const char *name)
{
    for (size_t i = 0; i < pass->function_len; i++) {
        const AkFunction *run = pass->functions[i];

        if (!(run->roles & AK_ROLE_RUN) || run->class_ != class_)
            continue;
        for (AkExprId e = 1; e < run->unit->facts->expr_len; e++) {
            const AkExpr *expr = ak_expr(run->unit->facts, e);

            if (expr->kind == AK_X_ATTRIBUTE && !(expr->flags & AK_XF_STORE) &&
                expr->start >= ak_fact(run)->start && expr->end <= ak_fact(run)->end &&
                ak_self_attribute(run->unit, e) == name)
                return true;
        }
    }
    return false;
}

/* Whether the handler, when it has waited, sets what run looks at: then it may be what ends run. */
static bool may_end_run(AkPass *pass, const AkFunction *fn)
{
    const AkFacts *facts = fn->unit->facts;
    uint32_t last_await = 0;

    for (AkExprId e = 1; e < facts->expr_len; e++)
        if (ak_expr(facts, e)->kind == AK_X_AWAIT && ak_owns_expr(fn, e))
            last_await = ak_expr(facts, e)->end;
    for (AkExprId e = 1; e < facts->expr_len; e++)
        if (ak_expr(facts, e)->start >= last_await && ak_expr(facts, e)->flags & AK_XF_STORE &&
            ak_owns_expr(fn, e) && ak_self_attribute(fn->unit, e) &&
            run_reads(pass, fn->class_, ak_self_attribute(fn->unit, e)))
            return true;
    return false;
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
    AkExprId decorator =
        ak_decorator(pass, fn,
                     fn->roles & AK_ROLE_SIGNAL ? "temporalio.workflow.signal"
                                                : "temporalio.workflow.update");

    return !decorator ||
           (ak_expr(fn->unit->facts, decorator)->kind == AK_X_CALL &&
            ak_argument_at(pass, fn->unit, decorator, "unfinished_policy", -1).given !=
                AK_ABSENT);
}

/* await workflow.wait_condition(lambda: False): for ever. */
static bool waits_for_ever(AkPass *pass, const AkFunction *run)
{
    for (size_t i = 0; i < run->call_len; i++) {
        const AkCall *call = &run->calls[i];
        AkArgument given;

        if (call->kind != AK_CALL_PLAIN ||
            !ak_calls(call, "temporalio.workflow.wait_condition"))
            continue;
        given = ak_argument(pass, call, "fn", 0);
        const AkValue *fn = given.given == AK_GIVEN
                                ? ak_value_of_kind(pass, given.unit, given.expr, AK_V_FUNCTION)
                                : NULL;
        if (!fn || !ak_fact(fn->function)->is_lambda)
            continue;
        const AkFacts *facts = fn->function->unit->facts;
        if (ak_expr(facts, ak_kid(facts, ak_fact(fn->function)->returned, 0))->kind ==
            AK_X_FALSE)
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

        if (!(fn->roles & (AK_ROLE_SIGNAL | AK_ROLE_UPDATE)) || !fn->class_ ||
            !fn->class_->is_workflow || !fn->class_->bases_known || !ak_fact(fn)->is_async)
            continue;
        const AkCall *slow = ak_reaches(pass, fn, is_slow, NULL);
        wait = slow ? slow : ak_reaches(pass, fn, is_await, NULL);
        if (!wait || may_end_run(pass, fn) || may_be_abandoned(pass, fn) ||
            waits_for_all(fn->class_) || !ends(pass, fn->class_))
            continue;
        AkReport *report = ak_report_function(pass, fn, AK_CTX_SIGNAL,
                                              "workflow '%s' may end while handler '%s' waits",
                                              fn->class_->name, fn->name);
        ak_step(report, wait->fn->unit, wait->expr, "it waits here");
        if (!slow) /* what it waits for is often what run is about to do */
            ak_level(report, AK_NOTE);
    }
}

const AkRule ak_rule_AK505 = {
    .id = "AK505",
    .name = "unfinished-handlers",
    .level = AK_WARNING,
    .dialects = AK_DIALECT_TEMPORAL,
    .since = "0.1",
    .summary = "a workflow ends without waiting for its handlers",
    .why = "A handler that awaits is cut off when run returns or continues as new: its work is "
           "half done, and the "
           "client that sent an update gets an error. The worker warns of it (TMPRL1102).",
    .instead = "Before run ends: await "
               "workflow.wait_condition(workflow.all_handlers_finished). Or say that it may be "
               "cut off: unfinished_policy=workflow.HandlerUnfinishedPolicy.ABANDON.",
    .misses = "A handler that only waits for a condition is noted, one that sets at its end "
              "what run looks at is left "
              "alone. Workflows that wait by other means are taken for careless; those that "
              "mention all_handlers_finished "
              "anywhere in the file for careful.",
    .fix = AK_FIX_NONE,
    .check = check,
};
