/* Mail on its way from the inbox in the store to the session in memory. What one turn hands out is
 * bounded: an event that thousands wait for, or a large one, keeps nobody else waiting. */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "driver_session.h"

enum { TURN_MAX = 4 << 20 }; /* bytes that a turn hands out */

static void put_off(AkDriver *d, const char *session, size_t size)
{
    if (d->later_len == d->later_room) {
        d->later_room = d->later_room ? d->later_room * 2 : 64;
        d->later = realloc(d->later, d->later_room * sizeof *d->later);
        if (!d->later)
            abort();
    }
    AkLater *later = &d->later[d->later_len++];
    snprintf(later->session, sizeof later->session, "%s", session);
    later->size = size;
    d->weight += size;
    ak_loop_hurry(d->loop);
}

static int hand_over(AkLive *live, const AkMail *mail)
{
    if (live->owes) {
        live->mail_waits = true;
        ak__live_enqueue(live);
        return 0;
    }
    return ak__live_feed_mail(live, mail);
}

/* A session without a process would hold its mail in memory until its turn in the line comes. */
static bool has_to_wait(const AkDriver *d, const AkLive *live)
{
    return !(live && live->runner) && !ak__driver_has_room(d);
}

int ak__live_mail(AkDriver *d, const AkMail *mail)
{
    size_t size = strlen(mail->value ? mail->value : "");
    AkMail put = *mail;
    int fault = ak_mail_put(d->store, mail, &put.id);
    AkLive *live = fault ? NULL : ak__live_find(d, mail->session_id);

    if (fault || (!live && !d->options.everyone))
        return fault;
    if (d->later_len || d->handed_out + size > TURN_MAX || has_to_wait(d, live)) {
        put_off(d, mail->session_id, size);
        return 0;
    }
    d->handed_out += size;
    if (!live || !live->run)
        return ak__driver_wake_up(d, mail->session_id); /* which reads the whole inbox */
    hand_over(live, &put);
    return 0;
}

int ak__live_feed_mail(void *payload, const AkMail *mail)
{
    AkLive *live = payload;

    if (mail->id <= live->mail_fed)
        return 0;
    live->mail_fed = mail->id;
    ak__live_weigh(live, strlen(mail->value ? mail->value : ""));
    return ak__live_step(live, &(AkEvent){.kind = AK_EV_MAIL,
                                          .mail = mail->id,
                                          .mail_kind = mail->kind,
                                          .name = ak_bytes(mail->name),
                                          .from = ak_bytes(mail->from),
                                          .value = ak_bytes(mail->value)})
               ? 0
               : 1;
}

void ak__driver_deliver(AkDriver *d)
{
    size_t kept = 0;

    d->handed_out = 0;
    for (size_t i = 0; i < d->later_len; i++) {
        AkLater later = d->later[i];
        AkLive *live = ak__live_find(d, later.session);
        if (d->handed_out > TURN_MAX || has_to_wait(d, live)) {
            d->later[kept++] = later;
            continue;
        }
        d->handed_out += later.size;
        d->weight -= later.size;
        if (live && live->run) {
            live->mail_waits = true;
            ak__live_enqueue(live);
        } else {
            ak__driver_wake_up(d, later.session);
        }
    }
    d->later_len = kept;
    if (kept && d->handed_out)
        ak_loop_hurry(d->loop);
}

static int note_later(void *payload, const AkSession *session)
{
    put_off(payload, session->id, 0);
    return 0;
}

int ak__driver_look_for_mail(AkDriver *d)
{
    return ak_session_with_mail(d->store, note_later, d);
}

int ak_driver_mail(AkDriver *d, const AkMail *mail)
{
    int fault = ak__driver_begin(d);

    if (!fault)
        fault = ak__live_mail(d, mail);
    /* Nobody may be awake to ask for the commit. */
    d->lazy_due = true;
    ak_loop_hurry(d->loop);
    return fault ? ak__driver_fail(d, fault) : 0;
}
