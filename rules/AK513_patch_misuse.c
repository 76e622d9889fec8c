/* Patches whose id is not constant, or that are asked and retired at once. */
#include "rule.h"

#include <string.h>

static AkArgument id_of(AkPass *pass, const AkCall *call)
{
    return ak_argument(pass, call, "id", 0);
}

/* The id of another call of the kind in the same class, if it is the same. */
static const AkCall *same_id(AkPass *pass, const AkCall *call, const char *id,
                             const char *dotted)
{
    for (size_t i = 0; i < pass->call_len; i++) {
        const AkCall *other = pass->calls[i];
        AkArgument given;
        const char *text;

        if (other->kind != AK_CALL_PLAIN || !ak_calls(other, dotted) ||
            other->fn->unit->module != call->fn->unit->module ||
            ak_owner(other->fn) != ak_owner(call->fn))
            continue;
        given = id_of(pass, other);
        text = given.given == AK_GIVEN ? ak_string(pass, given.unit, given.expr) : NULL;
        if (text && strcmp(text, id) == 0)
            return other;
    }
    return NULL;
}

/* Built of values that are there when the line runs: an f-string, a call, arithmetic. */
static bool is_computed(const AkExpr *expr)
{
    return expr->kind == AK_X_FSTRING || expr->kind == AK_X_CALL || expr->kind == AK_X_BINARY;
}

static void check(AkPass *pass)
{
    for (size_t i = 0; i < pass->call_len; i++) {
        const AkCall *call = pass->calls[i], *asked;
        bool retires = ak_calls(call, "temporalio.workflow.deprecate_patch");
        AkArgument given;
        const char *id;

        if (call->kind != AK_CALL_PLAIN ||
            (!retires && !ak_calls(call, "temporalio.workflow.patched")))
            continue;
        given = id_of(pass, call);
        if (given.given != AK_GIVEN)
            continue;
        id = ak_string(pass, given.unit, given.expr);
        if (!id && is_computed(ak_expr(given.unit->facts, given.expr)))
            ak_report_call(pass, call, AK_CTX_WORKFLOW, "the id of '%s' is not constant",
                           ak_callee_text(pass, call));
        else if (id && retires &&
                 (asked = same_id(pass, call, id, "temporalio.workflow.patched")))
            ak_step(ak_report_call(pass, call, AK_CTX_WORKFLOW,
                                   "patch '%s' is retired here and still asked for", id),
                    asked->fn->unit, asked->expr, "asked for here");
    }
}

const AkRule ak_rule_AK513 = {
    .id = "AK513",
    .name = "patch-misuse",
    .level = AK_WARNING,
    .dialects = AK_DIALECT_TEMPORAL,
    .since = "0.1",
    .summary = "a patch has an id that changes, or is retired while it is asked for",
    .why = "The id is written to the history and looked for on replay: an id made of changing "
           "values is another patch each "
           "time. deprecate_patch takes the place of patched once no run of the old code is "
           "left; both together say two "
           "things of the same runs.",
    .instead = "Give a literal id, and replace patched by deprecate_patch when the old branch "
               "is removed.",
    .misses = "A class that is helped by functions outside it, one id used for two changes, "
              "and ids that arrive as parameters.",
    .fix = AK_FIX_NONE,
    .check = check,
};
