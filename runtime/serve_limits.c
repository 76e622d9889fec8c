/* What a project's own settings say about how much of it may be under way at a time, and whether
 * there is room for one more event. Looked up once for each deployment and trigger. */
#define _GNU_SOURCE
#include "serve_inner.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { QUEUE_MAX = 1000 };

struct AkAllowance {
    AkAllowance *next;
    char of[64];
    size_t sessions, queue;
};

static AkAllowance *note(AkServe *s, const char *id, const char *settings)
{
    AkAllowance *a = calloc(1, sizeof *a);
    json_t *all = settings ? json_loads(settings, 0, NULL) : NULL;
    json_t *queue = json_object_get(all, "max_queue");

    if (!a)
        abort();
    *a = (AkAllowance){.next = s->allowances,
                       .sessions =
                           (size_t)json_integer_value(json_object_get(all, "max_sessions")),
                       .queue = queue ? (size_t)json_integer_value(queue) : QUEUE_MAX};
    snprintf(a->of, sizeof a->of, "%s", id);
    s->allowances = a;
    json_decref(all);
    return a;
}

static AkAllowance *known(AkServe *s, const char *id)
{
    AkAllowance *a = s->allowances;

    while (a && strcmp(a->of, id))
        a = a->next;
    return a;
}

static const AkAllowance *of_deployment(AkServe *s, const char *id)
{
    AkAllowance *a = known(s, id);
    AkDeployment *d;

    if (a || ak_deployment_get(s->home->store, id, &d) < 0)
        return a;
    a = note(s, id, d->manifest);
    free(d);
    return a;
}

static const AkAllowance *of_trigger(AkServe *s, const char *id)
{
    AkAllowance *a = known(s, id);
    AkTrigger *t;

    if (a || ak_trigger_get(s->home->store, id, &t) < 0)
        return a;
    a = note(s, id, t->config);
    free(t);
    return a;
}

void ak__serve_limits(void *owner, const char *deployment, const char *trigger, size_t max[2])
{
    const AkAllowance *d = *deployment ? of_deployment(owner, deployment) : NULL;
    const AkAllowance *t = *trigger ? of_trigger(owner, trigger) : NULL;

    max[0] = d ? d->sessions : 0;
    max[1] = t ? t->sessions : 0;
}

static bool is_full(const AkServe *s, const AkAllowance *a)
{
    return a && a->sessions && ak_driver_held(s->driver, a->of) >= a->queue;
}

AkRoom ak__serve_room(AkServe *s, const AkTrigger *t)
{
    if ((int64_t)ak_driver_waiting(s->driver) >= s->queue_max ||
        (int64_t)ak_driver_weight(s->driver) >= s->backlog_max)
        return AK_SERVER_IS_FULL;
    if (is_full(s, of_trigger(s, t->id)) ||
        (t->deployment_id && is_full(s, of_deployment(s, t->deployment_id))))
        return AK_LIMIT_IS_FULL;
    return AK_THERE_IS_ROOM;
}

void ak__serve_forget_limits(AkServe *s)
{
    while (s->allowances) {
        AkAllowance *a = s->allowances;
        s->allowances = a->next;
        free(a);
    }
}
