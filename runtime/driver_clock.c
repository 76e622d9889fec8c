/* Time that is moved instead of waited for: whoever tests a program looks whether all sessions
 * rest, sets the clock to the next deadline, and wakes those that wait for it. */
#include "driver_session.h"

static bool rests(const AkLive *live)
{
    return !live->ended && !live->owes && !live->mail_waits && !live->waits_for_runner &&
           live->run && live->done == ak_commands_count(live->out) &&
           ak_run_wait(live->run) != AK_WAIT_NOTHING;
}

bool ak_driver_rests(const AkDriver *d, int64_t *due_us)
{
    *due_us = 0;
    for (size_t b = 0; b < AK_LIVE_BUCKETS; b++)
        for (const AkLive *live = d->buckets[b]; live; live = live->next) {
            if (!rests(live))
                return false;
            if (live->due_us && (!*due_us || live->due_us < *due_us))
                *due_us = live->due_us;
        }
    return true;
}

void ak_driver_wake(AkDriver *d)
{
    int64_t now = ak_loop_now().wall_us;

    for (size_t b = 0; b < AK_LIVE_BUCKETS; b++)
        for (AkLive *live = d->buckets[b]; live; live = live->next)
            if (rests(live) && live->due_us && live->due_us <= now)
                ak__live_step(live, &(AkEvent){.kind = AK_EV_TIME});
    ak_loop_hurry(d->loop);
}
