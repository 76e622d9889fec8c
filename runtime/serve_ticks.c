#define _GNU_SOURCE
#include "serve_inner.h"

#include <stdio.h>
#include <stdlib.h>

#include "admin.h"
#include "dispatch.h"
#include "members.h"

enum { CLOCK_CHECK_S = 1 };

void ak__serve_arm(AkServe *s)
{
    int64_t due = ak_trigger_next_due(s->home->store), now = ak_loop_now().wall_us;

    if (due <= 0) {
        ak_timer_clear(s->ticks);
        return;
    }
    /* The wall clock may jump: it is looked at again every second at least. */
    int64_t wait = due - now;
    ak_timer_set(s->ticks, wait > CLOCK_CHECK_S * (int64_t)AK_SECOND
                               ? CLOCK_CHECK_S * (int64_t)AK_SECOND
                               : wait);
}

typedef struct Far {
    int64_t now;
    AkDue due;
} Far;

static int note_due(void *payload, const AkTrigger *t)
{
    AkDue *due = payload;

    due->ids = realloc(due->ids, (due->len + 1) * sizeof *due->ids);
    if (!due->ids)
        abort();
    snprintf(due->ids[due->len++], sizeof *due->ids, "%s", t->id);
    return 0;
}

/* The next time it is due, counted from now; rides with the next commit. */
static int set_next(AkServe *s, const AkTrigger *t, int64_t now)
{
    json_t *config = json_loads(t->config ? t->config : "{}", 0, NULL);
    AkTrigger row = *t;
    int fault = ak_store_is_open(s->home->store) ? 0 : ak_store_begin(s->home->store);

    row.due_us = ak_schedule_next(ak_member_text(config, "schedule"), now);
    if (!fault)
        fault = ak_trigger_update(s->home->store, &row);
    ak_driver_want_commit(s->driver);
    json_decref(config);
    return fault;
}

/* However many ticks were missed, it fires once; the next one is counted from now. */
static int tick(AkServe *s, const char *id, int64_t now)
{
    AkTrigger *t;
    AkDispatched done;
    int fault = ak_trigger_get(s->home->store, id, &t);

    if (fault)
        return fault;
    json_t *data = json_object();
    AkHappening what = {.trigger = t, .type = "tick", .data = data};
    if (ak__serve_room(s, t) != AK_THERE_IS_ROOM) {
        ak__serve_say(s, "schedule %s does not fire: too many sessions wait", t->name);
    } else if (t->deployment_id && ak__serve_may_run(s, t->deployment_id)) {
        fault = ak_dispatch(s->driver, s->home->store, &what, &done);
        s->events += !fault;
    }
    if (fault)
        ak_driver_want_commit(s->driver);
    else
        fault = set_next(s, t, now);
    json_decref(data);
    free(t);
    return fault;
}

static int note_far(void *payload, const AkTrigger *t)
{
    json_t *config = json_loads(t->config ? t->config : "{}", 0, NULL);
    Far *far = payload;

    if (t->due_us > ak_schedule_next(ak_member_text(config, "schedule"), far->now))
        note_due(&far->due, t);
    json_decref(config);
    return 0;
}

/* The clock was ahead when these were last looked at: they fire when they would have. */
static int call_back(AkServe *s, const char *id, int64_t now)
{
    AkTrigger *t;
    int fault = ak_trigger_get(s->home->store, id, &t);

    if (fault)
        return fault;
    fault = set_next(s, t, now);
    free(t);
    return fault;
}

/* At the start, and whenever the wall clock was set back. */
static int look_behind(AkServe *s, AkNow now)
{
    int64_t ahead = now.wall_us - now.mono_us;
    Far far = {.now = now.wall_us};
    int fault = 0;

    if (s->ahead_us && ahead > s->ahead_us - AK_SECOND)
        return 0;
    fault = ak_trigger_later(s->home->store, now.wall_us, note_far, &far);
    for (size_t i = 0; i < far.due.len && !fault; i++)
        fault = call_back(s, far.due.ids[i], now.wall_us);
    free(far.due.ids);
    return fault;
}

void ak__serve_ticks(void *owner)
{
    AkServe *s = owner;
    AkNow at = ak_loop_now();
    int64_t now = at.wall_us;
    AkDue due = {0};

    /* What falls due while it stops fires at the next start; an alarm for it would ring at once,
     * for ever. */
    if (s->signals)
        return;
    int fault = look_behind(s, at);
    s->ahead_us = at.wall_us - at.mono_us;
    if (!fault)
        fault = ak_trigger_due(s->home->store, now, note_due, &due);

    for (size_t i = 0; i < due.len && !fault; i++)
        fault = tick(s, due.ids[i], now);
    free(due.ids);
    if (fault) {
        ak__serve_say(s, "a schedule did not fire: %s", ak_store_error(s->home->store));
        ak_timer_set(s->ticks, AK_SECOND);
    } else {
        ak__serve_arm(s);
    }
}
