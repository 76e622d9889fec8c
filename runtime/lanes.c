/* How many sessions of a deployment, or of a trigger, are under way at a time. A session takes
 * its places when it gets its first process and keeps them to its end, through sleeps and
 * restarts; those for which there is none wait in the order they came. Sessions that a session
 * started are not counted: a parent that waits for them would hold the place they need. */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "driver_session.h"

struct AkLane {
    AkLane *next;
    char of[64]; /* a deployment's or a trigger's id */
    bool trigger;
    size_t max, busy, held;
    AkLive *first, **last;
};

enum { LANES = 2 };

static bool belongs(const AkLive *live, const AkLane *lane)
{
    return !strcmp(lane->of, lane->trigger ? live->trigger_id : live->deployment_id);
}

/* Begun ones are in the store, those that just got a process are in memory alone. */
static void count(AkDriver *d, AkLane *lane)
{
    AkSessionQuery query = {.deployment_id = lane->trigger ? NULL : lane->of,
                            .trigger_id = lane->trigger ? lane->of : NULL,
                            .without_parent = true,
                            .states = 1u << AK_STATE_RUNNING};
    int64_t n = ak_session_count(d->store, &query);

    lane->busy = n > 0 ? (size_t)n : 0;
    for (size_t b = 0; b < AK_LIVE_BUCKETS; b++)
        for (AkLive *live = d->buckets[b]; live; live = live->next)
            lane->busy += live->counted && !live->begun && belongs(live, lane);
}

static AkLane *find(AkDriver *d, const char *id)
{
    AkLane *lane = d->lanes;

    while (lane && strcmp(lane->of, id))
        lane = lane->next;
    return lane;
}

static AkLane *make(AkDriver *d, const char *id, bool trigger)
{
    AkLane *lane = calloc(1, sizeof *lane);

    if (!lane)
        abort();
    *lane = (AkLane){.next = d->lanes, .trigger = trigger, .last = &lane->first};
    snprintf(lane->of, sizeof lane->of, "%s", id);
    d->lanes = lane;
    count(d, lane);
    return lane;
}

void ak__lanes_join(AkLive *live, const char *trigger_id, const char *parent_id, bool begun)
{
    free(live->trigger_id);
    live->trigger_id = strdup(trigger_id ? trigger_id : "");
    live->unlimited = parent_id || !live->driver->front->limits;
    live->begun = begun;
    live->counted |= begun && !live->unlimited;
}

static void hold(AkLive *live, AkLane *lane)
{
    *lane->last = live;
    lane->last = &live->next_held;
    live->next_held = NULL;
    live->held_in = lane;
    lane->held++;
    live->driver->held++;
}

void ak__lanes_unhold(AkLive *live)
{
    AkLane *lane = live->held_in;
    AkLive **link = lane ? &lane->first : NULL;

    if (!lane)
        return;
    while (*link != live)
        link = &(*link)->next_held;
    *link = live->next_held;
    if (!live->next_held)
        lane->last = link;
    live->next_held = NULL;
    live->held_in = NULL;
    lane->held--;
    live->driver->held--;
}

/* The lanes that count this session; one that has no limit is made by nobody, but one that had
 * one goes on counting. */
static void lanes_of(AkLive *live, AkLane *lanes[LANES])
{
    AkDriver *d = live->driver;
    const char *ids[LANES] = {live->deployment_id, live->trigger_id};
    size_t max[LANES] = {0};

    d->front->limits(d->owner, ids[0], ids[1], max);
    for (int i = 0; i < LANES; i++) {
        lanes[i] = *ids[i] ? find(d, ids[i]) : NULL;
        if (*ids[i] && !lanes[i] && max[i])
            lanes[i] = make(d, ids[i], i == 1);
        if (lanes[i])
            lanes[i]->max = max[i];
    }
}

bool ak__lanes_enter(AkLive *live)
{
    AkLane *lanes[LANES];

    if (live->counted || live->unlimited || live->held_in)
        return !live->held_in;
    lanes_of(live, lanes);
    for (int i = 0; i < LANES; i++) {
        if (lanes[i] && lanes[i]->max && lanes[i]->busy >= lanes[i]->max) {
            hold(live, lanes[i]);
            return false;
        }
    }
    for (int i = 0; i < LANES; i++)
        if (lanes[i])
            lanes[i]->busy++;
    live->counted = true;
    return true;
}

/* Whether its places are free again the store knows: one that only gives its memory back has
 * begun, one whose commit failed has not. */
static bool goes_on(const AkLive *live)
{
    AkSession *row;
    int fault = ak_session_get(live->driver->store, live->id, &row);

    if (fault)
        return fault != AK_E_ABSENT;
    bool running = row->state == AK_STATE_RUNNING;
    free(row);
    return running;
}

void ak__lanes_leave(AkLive *live)
{
    AkDriver *d = live->driver;

    ak__lanes_unhold(live);
    if (!d->lanes || !live->counted || goes_on(live))
        return;
    for (AkLane *lane = d->lanes; lane; lane = lane->next)
        if (belongs(live, lane) && lane->busy)
            lane->busy--;
    d->lanes_moved = true;
    ak_loop_hurry(d->loop);
}

void ak__lanes_admit(AkDriver *d)
{
    if (!d->lanes_moved)
        return;
    d->lanes_moved = false;
    for (AkLane *lane = d->lanes; lane; lane = lane->next) {
        while (lane->first && (!lane->max || lane->busy < lane->max)) {
            AkLive *live = lane->first;
            ak__lanes_unhold(live);
            if (ak__lanes_enter(live))
                ak__live_spawn_soon(live);
        }
    }
}

void ak__lanes_free(AkDriver *d)
{
    for (AkLane *lane = d->lanes, *next; lane; lane = next) {
        next = lane->next;
        while (lane->first) /* the sessions live on for a moment, and would look here */
            ak__lanes_unhold(lane->first);
        free(lane);
    }
    d->lanes = NULL;
}

void ak_driver_limits_changed(AkDriver *d)
{
    for (AkLane *lane = d->lanes; lane; lane = lane->next) {
        size_t max[LANES] = {0};
        d->front->limits(d->owner, lane->trigger ? "" : lane->of, lane->trigger ? lane->of : "",
                         max);
        lane->max = max[lane->trigger];
        count(d, lane);
    }
    d->lanes_moved = true;
    ak_loop_hurry(d->loop);
}

size_t ak_driver_held(const AkDriver *d, const char *id)
{
    const AkLane *lane = find((AkDriver *)d, id);

    return lane ? lane->held : 0;
}
