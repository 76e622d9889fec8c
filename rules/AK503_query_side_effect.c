/* Queries that change the workflow or give commands. */
#include "rule.h"

#include <string.h>

static const char *place_of(const AkFunction *fn)
{
    return fn->roles & AK_ROLE_QUERY ? "query" : "code of a query";
}

static bool is_query_code(const AkPass *pass, const AkFunction *fn)
{
    return ak_contexts(pass, fn) & AK_CTX_READONLY && fn->index &&
           !(fn->roles & AK_ROLE_VALIDATOR) &&
           !(fn->roles & (AK_ROLE_RUN | AK_ROLE_SIGNAL | AK_ROLE_UPDATE | AK_ROLE_INIT));
}

/* Objects that the query makes for itself are no state of the workflow. */
static bool has_state(AkPass *pass, const AkFunction *fn)
{
    return ak_keeps_self(pass, fn, AK_CTX_READONLY);
}

static void check_stores(AkPass *pass, const AkFunction *fn)
{
    const AkFacts *facts = fn->unit->facts;
    const AkFunctionFact *fact = ak_fact(fn);

    for (AkExprId i = 1; i < facts->expr_len; i++) {
        const AkExpr *expr = ak_expr(facts, i);
        AkExprId root;

        if (!(expr->flags & (AK_XF_STORE | AK_XF_DELETE)) || expr->start < fact->start ||
            expr->end > fact->end || !ak_owns_expr(fn, i) ||
            !(root = ak_self_root(fn->unit, i)))
            continue;
        ak_report_expr(pass, fn, i, AK_CTX_READONLY, "%s '%s' changes self.%s", place_of(fn),
                       fn->name, ak_self_attribute(fn->unit, root));
    }
}

static void check_calls(AkPass *pass, const AkFunction *fn)
{
    bool state = has_state(pass, fn);

    for (size_t i = 0; i < fn->call_len; i++) {
        const AkCall *call = &fn->calls[i];
        const char *name = ak_workflow_name(call);
        bool guessed;
        AkExprId root;

        if (!(ak_contexts_at(pass, call) & AK_CTX_READONLY))
            continue;
        if (state && (root = ak_mutates_state(pass, call, &guessed))) {
            AkReport *report =
                ak_report_call(pass, call, AK_CTX_READONLY, "%s '%s' changes self.%s",
                               place_of(fn), fn->name, ak_self_attribute(fn->unit, root));
            if (guessed)
                ak_likely(report);
        } else if (ak_is_guarded(call)) {
            ak_report_call(pass, call, AK_CTX_READONLY, "%s '%s' calls '%s'", place_of(fn),
                           fn->name, name ? ak_callee_text(pass, call) : call->dotted);
        }
    }
}

static void check(AkPass *pass)
{
    for (size_t i = 0; i < pass->function_len; i++) {
        const AkFunction *fn = pass->functions[i];

        if (!is_query_code(pass, fn))
            continue;
        if (has_state(pass, fn))
            check_stores(pass, fn);
        check_calls(pass, fn);
        if (fn->roles & AK_ROLE_QUERY && ak_fact(fn)->is_async)
            ak_level(
                ak_report_function(pass, fn, AK_CTX_READONLY, "query '%s' is async", fn->name),
                AK_WARNING);
    }
}

const AkRule ak_rule_AK503 = {
    .id = "AK503",
    .name = "query-side-effect",
    .level = AK_ERROR,
    .dialects = AK_DIALECT_TEMPORAL,
    .since = "0.1",
    .summary = "a query changes the workflow or gives a command",
    .why = "Queries are not in the history: a change that one makes is lost on replay, and the "
           "workflow then takes "
           "another way than its history. The SDK refuses commands in a query and does not "
           "notice changes. An "
           "async query is deprecated.",
    .instead = "Answer from what the workflow has; change it by a signal or an update.",
    .misses =
        "Changes through other names of the same object (a local variable, a parameter), and "
        "methods of objects whose "
        "class is not known and "
        "whose names do not tell.",
    .fix = AK_FIX_NONE,
    .check = check,
};
