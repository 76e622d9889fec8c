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

typedef struct Names {
    char (*ids)[64];
    size_t len, room;
} Names;

static int note_name(void *payload, const AkSession *session)
{
    Names *names = payload;

    if (names->len == names->room) {
        names->room = names->room ? names->room * 2 : 64;
        names->ids = realloc(names->ids, names->room * sizeof *names->ids);
        if (!names->ids)
            abort();
    }
    snprintf(names->ids[names->len++], sizeof *names->ids, "%s", session->id);
    return 0;
}

/* Sessions of the store whose time has come. What is loaded is no longer "due" only when its
 * journal says so: the first look at a store finds all that were running. */
void ak__driver_load_due(AkDriver *d, int64_t now)
{
    Names names = {0};

    int fault = ak_session_due(d->store, now, 0, note_name, &names);
    if (!fault && !d->commits)
        fault = ak__driver_look_for_mail(d);
    if (!fault)
        for (size_t i = 0; i < names.len; i++)
            ak_driver_load(d, names.ids[i]);
    free(names.ids);
    ak__driver_set_due(d, ak_session_next_due(d->store, now));
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
    load_parked(d, now);
    if (d->options.everyone)
        ak__driver_load_due(d, now);
}
