/* Handlers for exceptions that the command in the try cannot raise. */
#include "rule.h"

#include <string.h>

/* The one command that the body of the try awaits, if that is all it does. */
static const AkCall *only_command(const AkFunction *fn, AkStmtId try_stmt)
{
    const AkFacts *facts = fn->unit->facts;
    AkStmtId first = try_stmt + 1;
    AkExprId value;

    if (facts->stmts[try_stmt].last == try_stmt || facts->stmts[first].suite != AK_SUITE_BODY ||
        facts->stmts[first].last != first)
        return NULL;
    if (first + 1 <= facts->stmts[try_stmt].last &&
        facts->stmts[first + 1].parent == try_stmt &&
        facts->stmts[first + 1].suite == AK_SUITE_BODY)
        return NULL;
    value = facts->stmts[first].value;
    if (ak_expr(facts, value)->kind != AK_X_AWAIT)
        return NULL;
    const AkCall *call = ak_call_at(fn, ak_kid(facts, ak_expr(facts, value)->kids, 0));
    if (!call || !(ak_starts(call) & (AK_STARTS_ACTIVITY | AK_STARTS_CHILD)))
        return NULL;
    /* Subscripts and calls among the arguments may raise what they like. */
    for (AkExprId i = call->expr + 1;
         i < facts->expr_len && ak_expr(facts, i)->start < ak_expr(facts, call->expr)->end;
         i++) {
        const AkCall *inner;

        if (ak_expr(facts, i)->kind == AK_X_SUBSCRIPT)
            return NULL;
        if (ak_expr(facts, i)->kind == AK_X_CALL &&
            (!(inner = ak_call_at(fn, i)) || !ak_does_any(inner, AK_PURE)))
            return NULL;
    }
    return call;
}

/* Whether an await of an activity or child workflow can raise it. */
static bool can_come(AkPass *pass, const AkUnit *unit, AkExprId type, const char **name)
{
    static const char *const raised[] = {"temporalio.exceptions.ActivityError",
                                         "temporalio.exceptions.ChildWorkflowError",
                                         "temporalio.exceptions.FailureError",
                                         "temporalio.exceptions.TemporalError",
                                         "temporalio.exceptions.WorkflowAlreadyStartedError",
                                         "temporalio.exceptions.CancelledError",
                                         "builtins.Exception",
                                         "builtins.BaseException"};
    const AkExpr *written = ak_expr(unit->facts, type);

    if (!type)
        return true;
    if (written->kind == AK_X_TUPLE) {
        for (uint32_t i = 0; i < written->kids.count; i++)
            if (can_come(pass, unit, ak_kid(unit->facts, written->kids, i), name))
                return true;
        return false;
    }
    AkValue value = ak_value(pass, unit, type);
    if (value.kind == AK_V_CLASS) {
        *name = value.class_->name;
        return ak_derives(pass, value.class_, "builtins.Exception") == AK_MAYBE ||
               ak_derives(pass, value.class_, "temporalio.exceptions.FailureError") != AK_NO;
    }
    if (value.kind != AK_V_EXTERNAL)
        return true;
    *name = value.dotted;
    for (size_t i = 0; i < sizeof(raised) / sizeof(*raised); i++)
        if (strcmp(value.dotted, raised[i]) == 0)
            return true;
    return strncmp(value.dotted, "builtins.", 9) != 0 &&
           strncmp(value.dotted, "temporalio.exceptions.", 22) != 0 &&
           strcmp(value.dotted, "asyncio.CancelledError") != 0;
}

static void check_try(AkPass *pass, const AkFunction *fn, AkStmtId try_stmt)
{
    const AkStmt *stmts = fn->unit->facts->stmts;
    const AkCall *call = only_command(fn, try_stmt);

    for (AkStmtId h = try_stmt + 1; call && h <= stmts[try_stmt].last; h++) {
        const char *name = "";

        if (stmts[h].kind != AK_S_HANDLER || stmts[h].parent != try_stmt ||
            can_come(pass, fn->unit, stmts[h].value, &name))
            continue;
        ak_report_expr(pass, fn, stmts[h].value, AK_CTX_WORKFLOW, "'%s' raises %s, never %s",
                       ak_callee_text(pass, call),
                       ak_starts(call) & AK_STARTS_ACTIVITY ? "ActivityError"
                                                            : "ChildWorkflowError",
                       strncmp(name, "builtins.", 9) == 0 ? name + 9 : name);
    }
}

static void check(AkPass *pass)
{
    for (size_t i = 0; i < pass->function_len; i++) {
        const AkFunction *fn = pass->functions[i];
        const AkFacts *facts = fn->unit->facts;
        AkStmtId def = ak_fact(fn)->stmt;

        if (!fn->index || !ak_fact(fn)->is_async || !(ak_contexts(pass, fn) & AK_CTX_WORKFLOW))
            continue;
        for (AkStmtId s = def + 1; s <= facts->stmts[def].last; s++)
            if (facts->stmts[s].kind == AK_S_TRY && ak_owns_stmt(fn, s))
                check_try(pass, fn, s);
    }
}

const AkRule ak_rule_AK514 = {
    .id = "AK514",
    .name = "wrong-except-type",
    .level = AK_WARNING,
    .dialects = AK_DIALECT_TEMPORAL,
    .since = "0.1",
    .summary = "an except clause names an exception that the command never raises",
    .why = "What an activity raises arrives as ActivityError, and what a child workflow raises "
           "as ChildWorkflowError, with "
           "the original as its cause and as text: the handler never runs. A cancelled "
           "activity arrives as ActivityError as "
           "well.",
    .instead = "Catch ActivityError as e (from temporalio.exceptions) and look at e.cause: "
               "ApplicationError has the name of "
               "the class in type.",
    .misses = "Tries that do more than await one command.",
    .fix = AK_FIX_NONE,
    .check = check,
};
