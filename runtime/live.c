/* Sessions in memory: found by name, queued for the turn, standing in line for a process; and
 * the one way to the engine. */
#define _GNU_SOURCE
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "driver_session.h"

static AkLive **bucket(AkDriver *d, const char *id)
{
    uint32_t hash = 2166136261u;

    for (; *id; id++)
        hash = (hash ^ (unsigned char)*id) * 16777619u;
    return &d->buckets[hash % AK_LIVE_BUCKETS];
}

AkLive *ak__live_find(AkDriver *d, const char *id)
{
    for (AkLive *live = *bucket(d, id); live; live = live->next)
        if (!strcmp(live->id, id))
            return live;
    return NULL;
}

void ak__live_enqueue(AkLive *live)
{
    AkDriver *d = live->driver;

    if (live->queued)
        return;
    if (d->queued == d->queue_room) {
        d->queue_room = d->queue_room ? d->queue_room * 2 : 64;
        d->queue = realloc(d->queue, d->queue_room * sizeof *d->queue);
        if (!d->queue)
            abort();
    }
    d->queue[d->queued++] = live;
    live->queued = true;
}

AkLive *ak__live_new(AkDriver *d, const char *id, const char *project, const char *deployment,
                     const char *entry)
{
    AkLive *live = calloc(1, sizeof *live);

    if (!live)
        return NULL;
    snprintf(live->id, sizeof live->id, "%s", id);
    live->driver = d;
    live->project_id = strdup(project);
    live->deployment_id = strdup(deployment ? deployment : "");
    live->trigger_id = strdup("");
    live->unlimited = true;
    live->entry = strdup(entry);
    live->run = ak_run_new(&d->options.run, ak_bytes(live->id));
    live->out = ak_commands_new();
    live->alarm = ak_timer_new(d->loop, ak__live_on_alarm, live);
    live->idle = ak_timer_new(d->loop, ak__live_on_idle, live);
    AkLive **link = bucket(d, id);
    live->next = *link;
    *link = live;
    d->count++;
    return live;
}

void ak__live_leave_line(AkLive *live)
{
    AkDriver *d = live->driver;
    AkLive **link = &d->first_waiting;

    ak__lanes_unhold(live);
    if (!live->waits_for_runner)
        return;
    while (*link != live)
        link = &(*link)->next_waiting;
    *link = live->next_waiting;
    if (!live->next_waiting)
        d->last_waiting = link;
    live->next_waiting = NULL;
    live->waits_for_runner = false;
    d->waiting--;
}

void ak__live_weigh(AkLive *live, size_t bytes)
{
    live->weight += bytes;
    live->driver->weight += bytes;
}

void ak__live_unweigh(AkLive *live)
{
    live->driver->weight -= live->weight;
    live->weight = 0;
}

void ak__live_stand_in_line(AkLive *live)
{
    AkDriver *d = live->driver;

    if (live->waits_for_runner)
        return;
    *d->last_waiting = live;
    d->last_waiting = &live->next_waiting;
    live->waits_for_runner = true;
    d->waiting++;
}

void ak__live_set_runner(AkLive *live, AkRunner *runner)
{
    AkDriver *d = live->driver;
    bool had = live->runner;

    live->runner = runner;
    if (runner && !had) {
        live->next_running = NULL;
        live->running_link = d->last_running;
        *d->last_running = live;
        d->last_running = &live->next_running;
        d->runners++;
    } else if (!runner && had) {
        *live->running_link = live->next_running;
        if (live->next_running)
            live->next_running->running_link = live->running_link;
        else
            d->last_running = live->running_link;
        d->runners--;
    }
}

void ak__live_set_coming(AkLive *live, bool coming)
{
    AkDriver *d = live->driver;
    size_t bytes = coming ? live->weight : 0;

    d->coming += (size_t)coming - (size_t)live->coming;
    d->coming_bytes += bytes - live->coming_bytes;
    live->coming = coming;
    live->coming_bytes = bytes;
}

/* Without its runner and its engine: what is left is a name that waits. */
void ak__live_clear(AkLive *live)
{
    ak__live_leave_line(live);
    ak__live_set_coming(live, false);
    if (live->runner)
        ak_runner_end(live->runner);
    ak__live_set_runner(live, NULL);
    live->executing = 0;
    ak_run_free(live->run);
    live->run = NULL;
    ak_commands_clear(live->out);
    live->done = 0;
    live->dirty = live->lazy = live->replied = live->mail_waits = false;
    live->owes = 0;
    ak__live_unweigh(live);
    live->mail_fed = 0;
    ak_text_clear(&live->shows);
    ak_timer_clear(live->alarm);
    ak_timer_clear(live->idle);
    live->alarm_wall = live->alarm_mono = live->armed_mono = 0;
}

void ak__live_free(AkLive *live)
{
    AkLive **link = bucket(live->driver, live->id);

    while (*link != live)
        link = &(*link)->next;
    *link = live->next;
    live->driver->count--;
    ak__lanes_leave(live);
    ak__live_clear(live);
    if (live->claimed)
        ak_store_release(live->driver->store, live->id);
    ak_commands_free(live->out);
    ak_timer_free(live->alarm);
    ak_timer_free(live->idle);
    ak_text_free(&live->value);
    ak_text_free(&live->error);
    ak_text_free(&live->shows);
    free(live->project_id);
    free(live->deployment_id);
    free(live->trigger_id);
    free(live->entry);
    free(live);
}

/* The store alone remembers it. Freed by the turn, which may stand in a loop over its queue. */
void ak__live_forget(AkLive *live)
{
    ak__live_clear(live);
    live->ended = live->told = true;
    ak__live_enqueue(live);
    ak_loop_hurry(live->driver->loop);
}

/* The journal of this session cannot be followed: it stays as it is, and somebody is told. */
void ak__live_refuse(AkLive *live, int fault, const char *words)
{
    AkDriver *d = live->driver;
    char id[64], kept[1024];

    snprintf(id, sizeof id, "%s", live->id);
    snprintf(kept, sizeof kept, "%s", words);
    ak__live_forget(live);
    if (d->front->refused)
        d->front->refused(d->owner, id, fault, kept);
}

/* Requests and loads are answered to the engine before anything else is told. Until the turn
 * does them, mail and alarms are held back. */
static void note_debts(AkLive *live, size_t from)
{
    for (size_t i = from; i < ak_commands_count(live->out); i++) {
        AkCommandKind kind = ak_commands_at(live->out, i)->kind;
        if (kind == AK_CMD_REQUEST || kind == AK_CMD_LOAD)
            live->owes++;
    }
}

bool ak__live_step(AkLive *live, const AkEvent *event)
{
    if (!live->run)
        return false;
    size_t before = ak_commands_count(live->out);
    int fault = ak_run_step(live->run, ak_loop_now(), event, live->out);
    if (fault == 0) {
        note_debts(live, before);
        ak__live_enqueue(live);
        return true;
    }
    /* The last words of a runner that is being ended. */
    if (fault == AK_E_ENDED)
        return true;
    assert(fault != AK_E_MISUSE);
    ak__live_refuse(live, fault, ak_run_error(live->run));
    return false;
}
