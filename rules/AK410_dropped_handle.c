/* Activities and tasks that are started and thrown away. */
#include "rule.h"

#include <string.h>

static bool is_background(const AkCall *call)
{
    return ak_calls(call, "asyncio.create_task") || ak_calls(call, "asyncio.ensure_future");
}

static bool is_command(const AkCall *call, void *arg)
{
    (void)arg;
    return ak_is_command(call);
}

/* The command that the task given to create_task runs, or NULL. */
static const AkCall *command_inside(AkPass *pass, const AkCall *call)
{
    const AkFacts *facts = call->fn->unit->facts;
    AkExprId argument = ak_kid(facts, ak_call_expr(call)->kids, 1);
    const AkCall *inner = argument ? ak_call_at(call->fn, argument) : NULL;

    if (!inner || inner->kind != AK_CALL_PLAIN)
        return NULL;
    if (ak_is_command(inner))
        return inner;
    return inner->target && inner->proved ? ak_reaches(pass, inner->target, is_command, NULL)
                                          : NULL;
}

static void check(AkPass *pass)
{
    for (size_t i = 0; i < pass->call_len; i++) {
        const AkCall *call = pass->calls[i], *command;
        unsigned kind = ak_starts(call);

        if (call->kind != AK_CALL_PLAIN || !call->dropped || call->awaited ||
            !(ak_contexts_at(pass, call) & AK_CTX_WORKFLOW))
            continue;
        if (kind & AK_STARTS_ACTIVITY && kind & AK_STARTS_HANDLE)
            ak_report_call(pass, call, AK_CTX_WORKFLOW, "the handle of '%s' is dropped",
                           ak_callee_text(pass, call));
        else if (is_background(call) && (command = command_inside(pass, call)))
            ak_step(ak_report_call(pass, call, AK_CTX_WORKFLOW, "the task of '%s' is dropped",
                                   ak_callee_text(pass, call)),
                    command->fn->unit, command->expr, "it gives the command %s",
                    command->dotted);
    }
}

const AkRule ak_rule_AK410 = {
    .id = "AK410",
    .name = "dropped-handle",
    .level = AK_WARNING,
    .dialects = AK_DIALECT_TEMPORAL,
    .since = "0.1",
    .summary = "an activity or a task is started and its handle dropped",
    .why = "When the workflow returns, what still runs is abandoned; its failure is seen by "
           "nobody, and Python may "
           "collect a task that nothing refers to.",
    .instead = "Keep the handle and await it before the workflow returns.",
    .misses = "Handles that are kept and never awaited.",
    .fix = AK_FIX_NONE,
    .check = check,
};
