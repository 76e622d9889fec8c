/* rule.c: what rules share and can be told by rule.h alone. */
#include "rule.h"

#include <stdio.h>
#include <string.h>

static bool begins_with(const char *text, const char *start)
{
    return strncmp(text, start, strlen(start)) == 0;
}

/* Commands of a workflow that send values: activities, children, messages to others. */
static bool is_temporal_boundary(const char *dotted)
{
    static const char *const names[] = {"temporalio.workflow.execute_",
                                        "temporalio.workflow.start_",
                                        "temporalio.workflow.continue_as_new"};

    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
        if (begins_with(dotted, names[i]))
            return true;
    return false;
}

/* What the runner records: everything from outside that is not known to be the same every time.
 */
static bool is_recorded(const AkCall *call)
{
    static const AkEffects in_place =
        AK_PURE | AK_DETERMINISTIC | AK_DURABLE | AK_SESSION_API | AK_TRANSPARENT;

    if (call->target)
        return call->target->roles & AK_ROLE_ACTIVITY;
    if (!call->dotted || (call->known && call->known->effects & in_place))
        return false;
    return !begins_with(call->dotted, "builtins.") &&
           !begins_with(call->dotted, "autokitteh.") && !begins_with(call->dotted, "ak.");
}

bool ak_crosses(const AkPass *pass, const AkCall *call)
{
    if (!(ak_contexts_at(pass, call) & AK_CTX_WORKFLOW) || call->fn->roles & AK_ROLE_INHIBIT)
        return false;
    if (pass->dialect == AK_DIALECT_TEMPORAL)
        return call->dotted && is_temporal_boundary(call->dotted);
    return is_recorded(call);
}

enum { MOST_REACHED = 256 };

static bool is_listed(const AkFunction *const *list, size_t len, const AkFunction *fn)
{
    for (size_t i = 0; i < len; i++)
        if (list[i] == fn)
            return true;
    return false;
}

const AkCall *ak_leads_to(const AkPass *pass, const AkFunction *fn, unsigned contexts,
                          AkCallTest test)
{
    const AkFunction *queue[MOST_REACHED] = {fn};
    size_t len = 1;

    for (size_t at = 0; at < len; at++)
        for (size_t i = 0; i < queue[at]->call_len; i++) {
            const AkCall *call = &queue[at]->calls[i];

            if (contexts && !(call->mask & contexts))
                continue;
            if (test(pass, call))
                return call;
            if (call->target && !(call->target->roles & (AK_ROLE_ACTIVITY | AK_ROLE_NEXUS)) &&
                call->kind != AK_CALL_IMPORT && len < MOST_REACHED &&
                !is_listed(queue, len, call->target))
                queue[len++] = call->target;
        }
    return NULL;
}

/* What temporalio.workflow offers fails in activities and at import; queries and validators may
 * read the clock, but not draw from the workflow's state. */
static bool works_there(const AkCall *call, const char *tail)
{
    static const char *const reading[] = {".time", ".time_ns", ".now", ".logger."};
    unsigned contexts = AK_CTX_WORKFLOW | AK_CTX_SIGNAL;

    for (size_t i = 0; i < sizeof(reading) / sizeof(*reading); i++)
        if (!strncmp(tail, reading[i], strlen(reading[i])))
            contexts |= AK_CTX_READONLY;
    return ak_only_in(call, contexts);
}

void ak_fix_callee(AkReport *report, const AkCall *call, const char *module, const char *name,
                   const char *tail)
{
    const AkUnit *unit = call->fn->unit;
    bool fits = !name || strcmp(name, "workflow") || works_there(call, tail);
    const char *text = fits ? ak_fix_import(report, module, name) : NULL;
    char callee[256];

    if (!text || strlen(text) > 120 || strlen(tail) > 120)
        return;
    snprintf(callee, sizeof(callee), "%.120s%.120s", text, tail);
    ak_fix_replace(report, unit, ak_kid(unit->facts, ak_call_expr(call)->kids, 0), callee);
}

enum { LONGEST = 64 };

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

size_t ak_distance(const char *a, const char *b, size_t limit)
{
    size_t rows[3][LONGEST + 1]; /* this letter of a, the one before, the one before that */
    size_t a_len = strlen(a), b_len = strlen(b);

    if (a_len > LONGEST || b_len > LONGEST)
        return limit;
    for (size_t k = 0; k <= b_len; k++)
        rows[0][k] = k;
    for (size_t i = 1; i <= a_len; i++) {
        size_t *row = rows[i % 3], *before = rows[(i + 2) % 3], *earlier = rows[(i + 1) % 3];

        row[0] = i;
        for (size_t k = 1; k <= b_len; k++) {
            row[k] =
                least(least(before[k], row[k - 1]) + 1, before[k - 1] + (a[i - 1] != b[k - 1]));
            if (i > 1 && k > 1 && a[i - 1] == b[k - 2] && a[i - 2] == b[k - 1])
                row[k] = least(row[k], earlier[k - 2] + 1);
        }
    }
    return least(rows[a_len % 3][b_len], limit);
}
