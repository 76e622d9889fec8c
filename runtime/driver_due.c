/* Sessions that wait: they give their process and their memory back, and come again when their
 * time does, or when somebody who shares the store has changed it. */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>

#include "driver_session.h"

/* --- Parking: a session that waits gives its process and its memory back
 * --------------------------------- */

void ak__driver_set_due(AkDriver *d, int64_t due_us)
{
    if (!due_us || (d->due_at && d->due_at <= due_us))
        return;
    d->due_at = due_us;
    int64_t wait = due_us - ak_loop_now().wall_us;
    ak_timer_set(d->due, wait > AK_CLOCK_US ? AK_CLOCK_US : wait);
}

void ak__live_on_idle(void *owner)
{
    AkLive *live = owner;
    AkDriver *d = live->driver;

    if (!live->run || live->dirty || live->lazy || ak_run_wait(live->run) == AK_WAIT_NOTHING)
        return;
    ak__driver_set_due(d, live->due_us);
    if (d->options.everyone)
        ak__live_forget(live);
    else
        ak__live_clear(live);
}

/* --- Others who share the store
 * ------------------------------------------------------------------------------------ */

/* Another process has ended it, deleted it, or taken it over: it is not ours any more. */
bool ak__live_taken_away(AkLive *live)
{
    AkDriver *d = live->driver;
    AkSession *row;
    int fault = ak_session_get(d->store, live->id, &row);

    if (fault == AK_E_ABSENT)
        ak__live_refuse(live, AK_E_FENCE, "it was deleted");
    if (fault)
        return fault == AK_E_ABSENT;
    bool ended = row->state > AK_STATE_RUNNING;
    bool other = ended || (live->run && row->length > ak_run_length(live->run));
    if (ended) {
        ak__live_forget(live);
        live->told = false;
        live->state = row->state;
        ak_text_bytes(&live->value, ak_bytes(row->value));
        ak_text_bytes(&live->error, ak_bytes(row->error));
    } else if (other) {
        ak__live_refuse(live, AK_E_FENCE, "somebody else writes to its journal");
    }
    free(row);
    return other;
}

static void look_at_mail(AkLive *live)
{
    live->mail_waits = true;
    ak__live_enqueue(live);
}

void ak__driver_on_watch(void *owner)
{
    AkDriver *d = owner;

    ak_timer_set(d->watch, AK_WATCH_US);
    if (ak_store_is_open(d->store) || !ak_store_was_changed(d->store))
        return;
    for (size_t b = 0; b < AK_LIVE_BUCKETS; b++)
        for (AkLive *live = d->buckets[b]; live; live = live->next)
            if (!live->ended && !ak__live_taken_away(live)) {
                if (live->run)
                    look_at_mail(live);
                else
                    ak_driver_load(d, live->id);
            }
    ak_loop_hurry(d->loop);
}

/* --- Those of the store whose time has come
 * ---------------------------------------------------------------------- */

enum {
    LOOK = 64,                  /* rows noted at a time */
    COMING_LEAST = 16,          /* woken sessions that may stand in line */
    COMING_BYTES = 16 << 20,    /* what they may have in memory */
    AGAIN_US = 5 * AK_SECOND_US /* after a store that failed */
};

typedef struct Name {
    char id[64];
    int64_t due_us;
} Name;

typedef struct Names {
    AkDriver *driver;
    Name *at;
    size_t len, room, max; /* max: 0 for any number */
} Names;

static int note_name(void *payload, const AkSession *session)
{
    Names *names = payload;

    if (ak_driver_has(names->driver, session->id))
        return 0;
    if (names->len == names->room) {
        names->room = names->room ? names->room * 2 : LOOK + 1;
        names->at = realloc(names->at, names->room * sizeof *names->at);
        if (!names->at)
            abort();
    }
    Name *name = &names->at[names->len++];
    snprintf(name->id, sizeof name->id, "%s", session->id);
    name->due_us = session->due_us;
    return names->max && names->len > names->max;
}

static size_t coming_max(const AkDriver *d)
{
    size_t max = 2 * d->options.max_runners;

    return max < COMING_LEAST ? COMING_LEAST : max;
}

bool ak__driver_has_room(const AkDriver *d)
{
    return !d->options.max_runners || !d->coming ||
           (d->coming < coming_max(d) && d->coming_bytes < COMING_BYTES);
}

int ak__driver_wake_up(AkDriver *d, const char *id)
{
    int fault = ak_driver_load(d, id);
    AkLive *live = fault ? NULL : ak__live_find(d, id);

    if (live && live->run && !live->runner && !live->held_in)
        ak__live_set_coming(live, true);
    return fault;
}

/* What a process before had under way, or what a failed commit let go. */
static int load_lost(AkDriver *d)
{
    Names names = {.driver = d};
    int fault = ak_session_ready(d->store, note_name, &names);

    if (!fault)
        fault = ak__driver_look_for_mail(d);
    for (size_t i = 0; i < names.len && !fault; i++)
        ak_driver_load(d, names.at[i].id);
    free(names.at);
    return fault;
}

/* The oldest of those that are due, as many as there is room for: however many fall due at once,
 * or while no server ran, what stands in memory is bounded. The rest stays in the store until
 * those before it have their processes. */
static int load_some(AkDriver *d, int64_t now)
{
    Names names = {.driver = d, .max = LOOK};
    size_t i = 0;
    int fault = ak_session_due(d->store, d->due_from, now, note_name, &names);

    if (fault == AK_E_STOPPED)
        fault = 0;
    for (; i < names.len && i < LOOK && !fault && ak__driver_has_room(d); i++)
        ak__driver_wake_up(d, names.at[i].id);
    d->more_due = !fault && i < names.len;
    if (d->more_due)
        d->due_from = names.at[i].due_us;
    free(names.at);
    return fault;
}

static void look(AkDriver *d, int64_t now)
{
    int fault = load_some(d, now);
    int64_t next =
        fault || d->more_due ? now + AK_SECOND_US : ak_session_next_due(d->store, now);

    ak__driver_set_due(d, next < 0 ? now + AK_SECOND_US : next);
}

void ak__driver_load_due(AkDriver *d, int64_t now)
{
    if (d->lost)
        d->lost = load_lost(d) != 0;
    d->due_from = 0;
    look(d, now);
}

void ak__driver_refill(AkDriver *d)
{
    if (d->more_due && d->coming <= coming_max(d) / 2)
        look(d, ak_loop_now().wall_us);
}

void ak__driver_was_lost(AkDriver *d)
{
    d->lost = true;
    if (d->options.everyone)
        ak__driver_set_due(d, ak_loop_now().wall_us + AGAIN_US);
}

static void load_parked(AkDriver *d, int64_t now)
{
    for (size_t b = 0; b < AK_LIVE_BUCKETS; b++)
        for (AkLive *live = d->buckets[b]; live; live = live->next) {
            if (live->run || live->ended || !live->due_us)
                continue;
            if (live->due_us <= now)
                ak_driver_load(d, live->id);
            else
                ak__driver_set_due(d, live->due_us);
        }
}

void ak__driver_on_due(void *owner)
{
    AkDriver *d = owner;
    int64_t now = ak_loop_now().wall_us;

    d->due_at = 0;
    if (d->options.everyone)
        ak__driver_load_due(d, now);
    else
        load_parked(d, now);
}
