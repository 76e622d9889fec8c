/* A session and the store: the commands that are done inside the open transaction, and the
 * journal and the mail that the engine is fed from it. */
#define _GNU_SOURCE
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "driver_session.h"
#include "killpoint.h"

static int journal(AkLive *live, const AkCommand *c)
{
    AkEntry entry = {c->value, c->sum};

    AK_KILL_POINT(live->runner ? ak_runner_pid(live->runner) : 0);
    int fault = ak_journal_append(live->driver->store, live->id, c->number, &entry, 1);
    AK_KILL_POINT(live->runner ? ak_runner_pid(live->runner) : 0);
    return fault;
}

static char *text_of(AkBytes bytes)
{
    return bytes.at ? strndup(bytes.at, bytes.len) : NULL;
}

static int send_mail(AkLive *live, const AkCommand *c)
{
    char *to = text_of(c->to), *name = text_of(c->name), *from = text_of(c->from),
         *value = text_of(c->value);
    AkMail mail = {.session_id = to,
                   .kind = c->mail_kind,
                   .name = name,
                   .from = from,
                   .value = value,
                   .created_us = ak_loop_now().wall_us};
    int fault = ak__live_mail(live->driver, &mail);

    free(to);
    free(name);
    free(from);
    free(value);
    /* Whoever was to hear of it has ended or was deleted: nobody is left to mind. */
    return fault == AK_E_ENDED || fault == AK_E_ABSENT || fault == AK_E_FULL ? 0 : fault;
}

static int take_mail(AkLive *live, uint64_t mail)
{
    int fault = ak_mail_take(live->driver->store, live->id, mail);

    ak__live_unweigh(live);
    return fault == AK_E_ABSENT ? 0 : fault; /* went with its subscription */
}

static int wait_for(AkLive *live, const AkCommand *c)
{
    AkDriver *d = live->driver;

    live->due_us = c->due_us;
    live->begun = true;
    if (c->wait == AK_WAIT_NOTHING)
        ak_timer_clear(live->idle);
    else
        ak_timer_set(live->idle, d->options.idle_us);
    if (d->front->wait)
        d->front->wait(d->owner, live->id, c->wait, c->text, c->since_us, c->due_us);
    return ak_session_wait(d->store, live->id, c->wait, c->seq, c->text, c->since_us,
                           c->due_us);
}

static int finish(AkLive *live, const AkCommand *c)
{
    live->state = c->state;
    ak_text_bytes(&live->value, c->value);
    ak_text_bytes(&live->error, c->error);
    live->ended = true;
    return ak_session_finish(live->driver->store, live->id, c->state, c->value, c->error,
                             c->at_us);
}

typedef struct Feed {
    AkLive *live;
    uint64_t count;
} Feed;

static int feed_record(void *payload, uint64_t number, AkBytes bytes)
{
    Feed *feed = payload;

    (void)number;
    feed->count++;
    ak__live_weigh(feed->live, bytes.len);
    return ak__live_step(feed->live, &(AkEvent){.kind = AK_EV_RECORD, .value = bytes}) ? 0 : 1;
}

/* Every record from the start, and what the store acknowledged: a lost end is seen by the
 * length. */
int ak__live_feed_journal(AkLive *live)
{
    AkDriver *d = live->driver;
    AkSession *row;
    Feed feed = {live, 0};
    int fault = ak_session_get(d->store, live->id, &row);

    if (fault)
        return fault;
    AkEvent loaded = {.kind = AK_EV_LOADED, .number = row->length, .sum = row->sum};
    free(row);
    fault = ak_journal_read(d->store, live->id, 0, feed_record, &feed);
    if (fault == AK_E_STOPPED)
        return 0; /* the engine refused a record and has said so */
    if (fault)
        return fault;
    ak__live_step(live, &loaded);
    return 0;
}

int ak__live_inside(AkLive *live, const AkCommand *c)
{
    switch (c->kind) {
    case AK_CMD_REQUEST: return ak__request(live, c);
    case AK_CMD_SEND: return send_mail(live, c);
    case AK_CMD_TAKE: return take_mail(live, c->mail);
    case AK_CMD_WAIT: return wait_for(live, c);
    case AK_CMD_FINISH: return finish(live, c);
    case AK_CMD_LOAD: return ak__live_feed_journal(live);
    case AK_CMD_JOURNAL: return journal(live, c);
    default: assert(0 && "an inside command that nobody knows"); return AK_E_MISUSE;
    }
}
