/* Activities that do what is seen outside, with nothing that tells the second time from the first. */
#include "rule.h"

#include <string.h>

static const char *const verbs[] = {"charge",  "pay",  "refund",  "transfer",  "withdraw",
                                    "deposit", "send", "publish", "increment", "enqueue"};

/* Whether the name begins with the verb, as a word. */
static const char *verb_of(const char *name)
{
    for (size_t i = 0; i < sizeof(verbs) / sizeof(*verbs); i++) {
        size_t len = strlen(verbs[i]);
        if (strncmp(name, verbs[i], len) == 0 && (!name[len] || name[len] == '_'))
            return verbs[i];
    }
    return NULL;
}

/* Words that name what a second attempt would repeat: "order_id", "IDEMPOTENCY_KEY". */
static bool is_identity(const char *word, size_t len)
{
    static const char *const words[] = {"id",   "ids",         "key",       "token",
                                        "uuid", "idempotency", "reference", "request"};

    for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
        size_t k = 0;
        while (k < len && (word[k] | 0x20) == words[i][k])
            k++;
        if (k == len && !words[i][k])
            return true;
    }
    return false;
}

static bool names_identity(const char *name)
{
    for (const char *start = name;;) {
        size_t len = strcspn(start, "_- ");

        if (is_identity(start, len))
            return true;
        if (!start[len])
            return false;
        start += len + 1;
    }
}

/* Whether any name in the function's text is one: of a parameter, an attribute, a keyword. */
static bool knows_identity(const AkFunction *fn)
{
    const AkFacts *facts = fn->unit->facts;
    const AkFunctionFact *fact = ak_fact(fn);

    for (uint32_t i = 0; i < fact->param_len; i++)
        if (names_identity(ak_name(facts, facts->params[fact->first_param + i].name)))
            return true;
    for (AkExprId i = 1; i < facts->expr_len; i++) {
        const AkExpr *expr = ak_expr(facts, i);

        if (expr->start < fact->start || expr->end > fact->end)
            continue;
        if ((expr->kind == AK_X_ATTRIBUTE || expr->kind == AK_X_KEYWORD ||
             expr->kind == AK_X_NAME || expr->kind == AK_X_STRING) &&
            expr->name && names_identity(ak_name(facts, expr->name)))
            return true;
    }
    return false;
}

static bool is_info(const AkCall *call, void *arg)
{
    (void)arg;
    return ak_calls(call, "temporalio.activity.info");
}

static bool is_money(const AkCall *call, void *arg)
{
    (void)arg;
    return ak_does(call, AK_MONEY);
}

/* The call in it that does what the activity's name says, or NULL. */
static const AkCall *call_of_verb(AkPass *pass, const AkFunction *fn)
{
    for (size_t i = 0; i < fn->call_len; i++) {
        const char *text = ak_callee_text(pass, &fn->calls[i]), *dot = strrchr(text, '.');

        if (fn->calls[i].kind == AK_CALL_PLAIN && verb_of(dot ? dot + 1 : text))
            return &fn->calls[i];
    }
    return NULL;
}

static void note_verb(AkPass *pass, const AkFunction *fn)
{
    static const char message[] = "activity '%s' has no key or id to tell a second attempt by";
    const AkCall *call = call_of_verb(pass, fn);

    ak_level(call ? ak_report_call(pass, call, AK_CTX_ACTIVITY, message, fn->name)
                  : ak_report_function(pass, fn, AK_CTX_ACTIVITY, message, fn->name),
             AK_NOTE);
}

static void check(AkPass *pass)
{
    for (size_t i = 0; i < pass->function_len; i++) {
        const AkFunction *fn = pass->functions[i];
        const AkCall *money;

        if (!(fn->roles & AK_ROLE_ACTIVITY) || !fn->analysed || !fn->call_len ||
            ak_fact(fn)->is_trivial || knows_identity(fn) ||
            ak_reaches(pass, fn, is_info, NULL))
            continue;
        money = ak_reaches(pass, fn, is_money, NULL);
        if (money)
            ak_step(ak_report_function(
                        pass, fn, AK_CTX_ACTIVITY,
                        "activity '%s' calls '%s' with nothing that tells a second attempt "
                        "from the first",
                        fn->name, money->dotted),
                    money->fn->unit, money->expr, "calls %s", money->dotted);
        else if (verb_of(fn->name))
            note_verb(pass, fn);
    }
}

const AkRule ak_rule_AK404 = {
    .id = "AK404",
    .name = "non-idempotent-activity",
    .level = AK_WARNING,
    .dialects = AK_DIALECT_TEMPORAL,
    .since = "0.1",
    .summary = "an activity pays, mails or publishes with nothing that tells a retry",
    .why = "An activity runs at least once: when the worker dies after the payment and before "
           "the answer, it "
           "runs again. Whether that is harmless depends on the service; a key that stays the "
           "same over "
           "attempts lets the service tell.",
    .instead = "Pass an idempotency key, for example made of activity.info().workflow_run_id "
               "and activity_id, or look "
               "before acting whether it was done.",
    .misses = "Idempotency cannot be decided from code. A warning is given for known payment, "
              "mail and queue "
              "libraries, a note for names such as charge_card; anything called id, key or "
              "token silences both.",
    .fix = AK_FIX_NONE,
    .check = check,
};
