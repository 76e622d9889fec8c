/* Signal handlers that change nothing that the workflow looks at. */
#include "rule.h"

#include <string.h>

static bool is_change(AkPass *pass, const AkFunction *fn, AkExprId attribute)
{
    const AkFacts *facts = fn->unit->facts;
    AkExprId method = ak_expr(facts, attribute)->parent, call;

    /* self.x.append(…) as a statement reads x only to change it. */
    if (ak_expr(facts, method)->kind != AK_X_ATTRIBUTE)
        return false;
    call = ak_expr(facts, method)->parent;
    if (ak_expr(facts, call)->kind != AK_X_CALL ||
        !(ak_expr(facts, call)->flags & AK_XF_DROPPED) ||
        ak_kid(facts, ak_expr(facts, call)->kids, 0) != method)
        return false;
    const AkCall *made = ak_call_at(fn, call);
    bool guessed;
    return made && ak_mutates_state(pass, made, &guessed);
}

/* Whether anything in the block reads an attribute of that name, of whatever object. */
static bool reads_in(AkPass *pass, const AkUnit *unit, const char *name)
{
    const AkFacts *facts = unit->facts;

    for (AkExprId i = 1; i < facts->expr_len; i++) {
        const AkExpr *expr = ak_expr(facts, i);

        if (expr->kind == AK_X_STRING && expr->name &&
            strcmp(ak_name(facts, expr->name), name) == 0)
            return true; /* getattr(self, "x") */
        if (expr->kind != AK_X_ATTRIBUTE || expr->flags & (AK_XF_STORE | AK_XF_DELETE) ||
            unit->atoms[expr->name] != name)
            continue;
        const AkFunction *fn = ak_function_of(unit, i);
        if (!fn || !ak_self_attribute(unit, i) || !is_change(pass, fn, i))
            return true;
    }
    return false;
}

static bool is_read(AkPass *pass, const AkClass *class_, const char *name)
{
    const AkModule *module = class_->unit->module;

    for (size_t i = 0; i < module->unit_len; i++)
        if (reads_in(pass, module->units[i], name))
            return true;
    for (size_t i = 0; i < class_->mro_len; i++)
        if (class_->mro[i]->unit->module != module)
            return true;
    return false;
}

/* The attribute of self that the handler writes and nothing reads. Sets *other when the handler
 * does anything else. */
static const char *unread_write(AkPass *pass, const AkFunction *fn, AkExprId *at, bool *other)
{
    const AkFacts *facts = fn->unit->facts;
    const AkFunctionFact *fact = ak_fact(fn);
    const char *found = NULL;

    *other = false;
    for (AkExprId i = 1; i < facts->expr_len; i++) {
        const AkExpr *expr = ak_expr(facts, i);
        const char *name;

        if (expr->start < fact->start || expr->end > fact->end ||
            ak_function_of(fn->unit, i) != fn)
            continue;
        if (!(expr->flags & (AK_XF_STORE | AK_XF_DELETE)))
            continue;
        AkExprId root = ak_self_root(fn->unit, i);
        if (expr->kind == AK_X_NAME)
            continue;
        name = root == i ? ak_self_attribute(fn->unit, root) : NULL;
        if (!name || is_read(pass, fn->class_, name)) {
            *other = true;
        } else if (!found) {
            found = name;
            *at = root;
        }
    }
    for (size_t i = 0; i < fn->call_len; i++)
        if (!ak_does_any(&fn->calls[i], AK_PURE | AK_LOG | AK_PRINT | AK_DETERMINISTIC) ||
            ak_does(&fn->calls[i], AK_MUTATES_SELF))
            if (!fn->calls[i].dotted ||
                strncmp(fn->calls[i].dotted, "temporalio.workflow.logger", 26) != 0)
                *other = true;
    return found;
}

static void check(AkPass *pass)
{
    for (size_t i = 0; i < pass->function_len; i++) {
        const AkFunction *fn = pass->functions[i];
        AkExprId at = 0;
        bool other;

        if (!(fn->roles & AK_ROLE_SIGNAL) || fn->unit->module->is_test || !fn->class_ ||
            !fn->class_->is_workflow || !fn->class_->bases_known)
            continue;
        if (ak_fact(fn)->is_trivial) {
            ak_report_function(pass, fn, AK_CTX_SIGNAL, "signal handler '%s' does nothing",
                               fn->name);
            continue;
        }
        const char *name = unread_write(pass, fn, &at, &other);
        if (name && !other)
            ak_report_expr(pass, fn, at, AK_CTX_SIGNAL,
                           "signal handler '%s' writes self.%s, which nothing reads", fn->name,
                           name);
    }
}

const AkRule ak_rule_AK502 = {
    .id = "AK502",
    .name = "ignored-signal",
    .level = AK_WARNING,
    .dialects = AK_DIALECT_TEMPORAL,
    .since = "0.1",
    .summary = "a signal handler changes nothing that the workflow looks at",
    .why = "The signal is accepted, written to the history and lost: the sender is told that "
           "all is well.",
    .instead = "Set an attribute in the handler and wait for it in run: await "
               "workflow.wait_condition(lambda: "
               "self.approved).",
    .misses = "Doubles in tests, which often do nothing on purpose. Attributes that are read "
              "and then ignored; workflows with base classes outside the project.",
    .fix = AK_FIX_NONE,
    .check = check,
};
