/* Names and keywords of temporalio that no version has, or not the one that the project uses. */
#include "rule.h"

#include <stdio.h>
#include <string.h>

enum { LONGEST = 200, MOST_IMPORTS = 128 };

/* "workflow.uuid4" of "temporalio.workflow.uuid4". */
static const char *short_name(const char *dotted)
{
    return strncmp(dotted, "temporalio.", 11) == 0 ? dotted + 11 : dotted;
}

static const char *last_part(const char *dotted)
{
    const char *dot = strrchr(dotted, '.');

    return dot ? dot + 1 : dotted;
}

/* "a.b" of "a" and "b", "a" of "a" and ""; false if it is too long for any name. */
static bool join(const char *module, const char *name, char out[LONGEST])
{
    size_t len = strlen(module), name_len = strlen(name);

    if (len + name_len + 2 > LONGEST)
        return false;
    memcpy(out, module, len);
    out[len] = '.';
    memcpy(out + len + 1, name, name_len + 1);
    if (!name_len)
        out[len] = '\0';
    return true;
}

static bool same_parent(const char *a, const char *b)
{
    size_t len = (size_t)(last_part(a) - a);

    return (size_t)(last_part(b) - b) == len && memcmp(a, b, len) == 0;
}

static unsigned first_minor(AkSdkVersions versions)
{
    unsigned minor = AK_SDK_FIRST_MINOR;

    for (; !(versions & 1); versions >>= 1)
        minor++;
    return minor;
}

static void advise(AkReport *report, const char *dotted)
{
    bool sure;
    const char *advice = ak_sdk_advice(dotted), *true_name = ak_sdk_true_name(dotted, &sure);

    if (advice)
        ak_advice(report, "%s", advice);
    else if (true_name)
        ak_advice(report, sure ? "Its name is %s." : "Did you mean %s?", short_name(true_name));
    else
        ak_advice(report, "Look for what you need among the names of that module.");
}

/* ---- Versions ---- */

/* Whether the pinned versions all lack what these versions have. Never without a pin. */
static bool is_out_of_reach(const AkPass *pass, AkSdkVersions versions)
{
    return versions && !(versions & ak_sdk_pinned(pass));
}

/* Whether the pinned versions have what the name stands in. Where they have not, that was told, or the
 * name has moved: a function gave the class long before it was public. */
static bool is_home_in_reach(const AkPass *pass, const char *dotted)
{
    char home[LONGEST];
    size_t len = (size_t)(last_part(dotted) - dotted);
    const AkSdkName *row;

    if (!len || len > sizeof(home))
        return true;
    memcpy(home, dotted, len - 1);
    home[len - 1] = 0;
    row = ak_sdk_find(home);
    return row && !is_out_of_reach(pass, row->versions);
}

static const char *when(AkSdkVersions versions, AkSdkVersions pinned, char *out, size_t room)
{
    if (first_minor(versions) > first_minor(pinned))
        snprintf(out, room,
                 "is there from temporalio 1.%u on, and the project asks for an older one",
                 first_minor(versions));
    else
        snprintf(out, room, "is gone from the temporalio that the project asks for");
    return out;
}

/* ---- Attributes ---- */

static void fix_attribute(AkReport *report, const AkUnit *unit, AkExprId expr,
                          const char *dotted)
{
    const AkExpr *written = ak_expr(unit->facts, expr);
    bool sure;
    const char *true_name = ak_sdk_true_name(dotted, &sure), *text;

    if (!true_name || !sure)
        return;
    if (same_parent(dotted, true_name)) {
        uint32_t start = written->end - (uint32_t)strlen(last_part(dotted));

        ak_fix(report, AK_FIX_SAFE, "write its true name");
        ak_fix_bytes(report, unit, start, written->end, last_part(true_name));
        return;
    }
    const char *last = last_part(true_name);
    char module[LONGEST];
    if (strlen(true_name) >= sizeof(module))
        return;
    memcpy(module, true_name, (size_t)(last - true_name));
    module[last - true_name - 1] = 0;
    if (!ak_sdk_find(module) || ak_sdk_find(module)->kind != AK_SDK_MODULE)
        return;
    ak_fix(report, AK_FIX_SAFE, "write its true name");
    text = ak_fix_import(report, module, last);
    if (text)
        ak_fix_replace(report, unit, expr, text);
}

/* Whether the instance was made by a call in sight: of one that is annotated the class may be
 * any that derives from it. */
static bool is_made(const AkValue *value)
{
    return value->unit && ak_expr(value->unit->facts, value->expr)->kind == AK_X_CALL;
}

/* The module or class whose attribute is read: its row, if it can be judged. */
static const AkSdkName *owner_of(AkPass *pass, const AkUnit *unit, AkExprId object)
{
    AkValue value = ak_value(pass, unit, object);
    const AkSdkName *row;
    const char *rest;

    if ((value.kind != AK_V_EXTERNAL && value.kind != AK_V_RESULT) || value.guessed ||
        strncmp(value.dotted, "temporalio", 10) != 0 ||
        (value.kind == AK_V_RESULT && !is_made(&value)))
        return NULL;
    row = ak_sdk_prefix(value.dotted, &rest);
    if (row && !*rest && value.kind == AK_V_RESULT && row->returns)
        row = ak_sdk_find(row->returns);
    if (!row || *rest || !ak_sdk_is_closed(row) ||
        (value.kind == AK_V_RESULT && row->kind != AK_SDK_CLASS))
        return NULL;
    return row;
}

/* `try: workflow.uuid7() except AttributeError:` and `if hasattr(workflow, "uuid7"):` ask first. */
static bool is_asked_for(AkPass *pass, const AkFunction *fn, const AkExpr *expr)
{
    const AkFacts *facts = fn->unit->facts;

    for (AkStmtId t = ak_try_around(fn, expr->stmt); t;
         t = ak_try_around(fn, facts->stmts[t].parent))
        for (AkStmtId h = t + 1; h <= facts->stmts[t].last; h++) {
            size_t len;
            const char *text;

            if (facts->stmts[h].kind != AK_S_HANDLER || facts->stmts[h].parent != t)
                continue;
            if (!facts->stmts[h].value)
                return true;
            text = ak_text(fn->unit, facts->stmts[h].value, &len);
            for (size_t i = 0; i + 14 <= len; i++)
                if (memcmp(text + i, "AttributeError", 14) == 0)
                    return true;
        }
    (void)pass;
    return ak_module_has(fn->unit->module, "hasattr(");
}

/* Of `@activity.def` and the line below it the parser makes one attribute, "activity.notify". */
static bool is_broken(const AkFacts *facts, const AkExpr *expr)
{
    for (uint32_t i = 0; i < facts->error_len; i++)
        if (facts->errors[i].start < expr->end && facts->errors[i].end > expr->start)
            return true;
    return false;
}

static void check_attribute(AkPass *pass, const AkUnit *unit, AkExprId id)
{
    const AkExpr *expr = ak_expr(unit->facts, id);
    const AkSdkName *owner, *row;
    const char *name = ak_name(unit->facts, expr->name);
    char dotted[LONGEST], text[120];
    AkReport *report;

    if (name[0] == '_' || is_broken(unit->facts, expr) ||
        !(owner = owner_of(pass, unit, ak_kid(unit->facts, expr->kids, 0))) ||
        !join(owner->name, name, dotted))
        return;
    row = ak_sdk_find(dotted);
    if (row && !is_out_of_reach(pass, row->versions))
        return;
    const AkFunction *fn = ak_function_of(unit, id);
    if (!fn || is_asked_for(pass, fn, expr))
        return;
    if (!row) {
        report = ak_report_expr(pass, fn, id, 0, "temporalio has no '%s'", short_name(dotted));
        advise(report, dotted);
        fix_attribute(report, unit, id, dotted);
    } else if (is_home_in_reach(pass, dotted)) {
        report = ak_report_expr(pass, fn, id, 0, "'%s' %s", short_name(dotted),
                                when(row->versions, ak_sdk_pinned(pass), text, sizeof(text)));
        ak_level(report, AK_WARNING);
        ak_advice(report, "Ask for a version that has it, or do without.");
    }
}

/* ---- Imports ---- */

static void check_import(AkPass *pass, const AkModule *module, const AkSdkImport *import)
{
    char dotted[LONGEST], text[120];
    const AkSdkName *row;
    const char *rest;
    AkReport *report;

    if (import->optional || !join(import->module, import->name, dotted))
        return;
    row = ak_sdk_prefix(dotted, &rest);
    if (!row || !ak_sdk_is_closed(row) || rest[0] == '_' || strstr(rest, "._"))
        return;
    if (*rest) {
        report = ak_report_module(pass, module, import->start, import->end,
                                  "temporalio has no '%s'", short_name(dotted));
        advise(report, dotted);
    } else if (is_out_of_reach(pass, row->versions)) {
        report = ak_report_module(pass, module, import->start, import->end, "'%s' %s",
                                  short_name(dotted),
                                  when(row->versions, ak_sdk_pinned(pass), text, sizeof(text)));
        ak_level(report, AK_WARNING);
        ak_advice(report, "Ask for a version that has it, or do without.");
    }
}

/* ---- Keywords ---- */

static void check_keyword(AkPass *pass, const AkCall *call, const AkSdkName *callee,
                          const AkExpr *argument)
{
    const char *keyword = ak_name(call->fn->unit->facts, argument->name), *advice;
    AkSdkVersions versions = ak_sdk_keyword(callee, keyword);
    uint32_t end = argument->start + (uint32_t)strlen(keyword);
    unsigned context = ak_contexts_at(pass, call) & AK_CTX_WORKFLOW;
    char full[LONGEST], nearest[64];
    AkReport *report;

    if (versions && !is_out_of_reach(pass, versions))
        return;
    if (versions) {
        report = ak_report_bytes(pass, call->fn, argument->start, end, context,
                                 "'%s' of '%s' %s", keyword, short_name(callee->name),
                                 when(versions, ak_sdk_pinned(pass), full, sizeof(full)));
        ak_level(report, AK_WARNING);
        ak_advice(report, "Ask for a version that has it, or do without.");
        return;
    }
    report = ak_report_bytes(pass, call->fn, argument->start, end, context,
                             "'%s' has no argument '%s'", short_name(callee->name), keyword);
    snprintf(full, sizeof(full), "%.100s(%.60s=)", callee->name, keyword);
    advice = ak_sdk_advice(full);
    if (advice)
        ak_advice(report, "%s", advice);
    else if (ak_sdk_nearest_keyword(callee, keyword, nearest, sizeof(nearest)))
        ak_advice(report, "Did you mean %s?", nearest);
    else
        ak_advice(report, "Leave it out.");
}

/* A method that the pinned versions lack, of an instance whose class is told by an annotation. */
static void check_callee(AkPass *pass, const AkCall *call, const AkSdkName *callee)
{
    AkExprId expr = ak_kid(call->fn->unit->facts, ak_call_expr(call)->kids, 0);
    char text[120];
    AkReport *report;

    if (ak_expr(call->fn->unit->facts, expr)->kind != AK_X_ATTRIBUTE ||
        !is_home_in_reach(pass, callee->name))
        return;
    report = ak_report_expr(pass, call->fn, expr, 0, "'%s' %s", short_name(callee->name),
                            when(callee->versions, ak_sdk_pinned(pass), text, sizeof(text)));
    ak_level(report, AK_WARNING);
    ak_advice(report, "Ask for a version that has it, or do without.");
}

static void check_keywords(AkPass *pass, const AkCall *call)
{
    const AkSdkName *callee = ak_sdk_find(call->dotted);
    const AkFacts *facts = call->fn->unit->facts;
    AkKids kids = ak_call_expr(call)->kids;

    if (!callee ||
        (callee->kind != AK_SDK_FUNCTION && callee->kind != AK_SDK_ASYNC &&
         callee->kind != AK_SDK_CLASS) ||
        strcmp(callee->name, "temporalio.common.RetryPolicy") == 0) /* AK412's */
        return;
    if (is_out_of_reach(pass, callee->versions)) {
        check_callee(pass, call, callee);
        return;
    }
    for (uint32_t i = 1; i < kids.count; i++) {
        const AkExpr *argument = ak_expr(facts, ak_kid(facts, kids, i));

        if (argument->kind == AK_X_KEYWORD)
            check_keyword(pass, call, callee, argument);
    }
}

/* The SDK's own repository has names that no release has yet. */
static bool is_the_sdk(const AkPass *pass)
{
    for (size_t i = 0; i < pass->module_len; i++)
        if (pass->modules[i]->use == AK_REPORT &&
            strcmp(pass->modules[i]->name, "temporalio.workflow") == 0)
            return true;
    return false;
}

static void check(AkPass *pass)
{
    AkSdkImport imports[MOST_IMPORTS];

    if (is_the_sdk(pass))
        return;
    for (size_t i = 0; i < pass->module_len; i++) {
        const AkModule *module = pass->modules[i];
        size_t count = ak_sdk_imports(pass, module, imports, MOST_IMPORTS);

        for (size_t k = 0; k < count; k++)
            check_import(pass, module, &imports[k]);
        for (size_t k = 0; k < module->unit_len; k++) {
            const AkUnit *unit = module->units[k];

            for (AkExprId id = 1; id < unit->facts->expr_len; id++)
                if (ak_expr(unit->facts, id)->kind == AK_X_ATTRIBUTE &&
                    !(ak_expr(unit->facts, id)->flags & (AK_XF_STORE | AK_XF_DELETE)))
                    check_attribute(pass, unit, id);
        }
    }
    for (size_t i = 0; i < pass->call_len; i++)
        if (pass->calls[i]->kind == AK_CALL_PLAIN && pass->calls[i]->dotted &&
            pass->calls[i]->proved && strncmp(pass->calls[i]->dotted, "temporalio.", 11) == 0)
            check_keywords(pass, pass->calls[i]);
}

const AkRule ak_rule_AK801 = {
    .id = "AK801",
    .name = "unknown-sdk-name",
    .level = AK_ERROR,
    .dialects = AK_DIALECT_TEMPORAL,
    .since = "0.1",
    .summary = "a name or a keyword of temporalio does not exist",
    .why =
        "Names of other SDKs, and names that only sound right, are often written by hand and "
        "by machine. The line raises "
        "AttributeError, ImportError or TypeError when it runs, in a workflow again and again. "
        "What a module of an older "
        "version merely imported, as workflow did timedelta, is none of its names and is gone.",
    .instead = "Write the name that the SDK has.",
    .misses =
        "Names of private modules, of generated protocol classes, of objects whose class is "
        "not known, and of optional "
        "integrations. Without a pinned version only what no version from 1.5 on has is found.",
    .fix = AK_FIX_SAFE,
    .check = check,
};
