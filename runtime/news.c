/* What the stream tells: sessions whose records were committed, gathered for a moment so that a
 * busy session is told of ten times a second at most; and that something else has changed. */
#define _GNU_SOURCE
#include "api.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "admin.h"
#include "exit_codes.h"
#include "sse.h"

enum { GATHER_US = 100000, CHANGED_MAX = 512, SLOTS = 2048 };

struct AkNews {
    AkSse *sse;
    AkTimer *timer;
    char ids[CHANGED_MAX][64];
    uint16_t slots[SLOTS]; /* index in ids, from 1 */
    size_t len;
    bool armed, overflown;
    uint64_t events; /* told of */
};

static uint32_t slot_of(const char *id)
{
    uint32_t hash = 2166136261u;

    for (; *id; id++)
        hash = (hash ^ (unsigned char)*id) * 16777619u;
    return hash % SLOTS;
}

static void arm(AkNews *news)
{
    if (!news->armed)
        ak_timer_set(news->timer, GATHER_US);
    news->armed = true;
}

void ak__news_session(AkServe *s, const char *id)
{
    AkNews *news = s->news;
    if (!ak_sse_clients(news->sse))
        return;
    uint32_t slot = slot_of(id);
    arm(news);
    while (news->slots[slot]) {
        if (!strcmp(news->ids[news->slots[slot] - 1], id))
            return;
        slot = (slot + 1) % SLOTS;
    }
    if (news->len == CHANGED_MAX) {
        news->overflown = true;
        return;
    }
    snprintf(news->ids[news->len++], sizeof *news->ids, "%s", id);
    news->slots[slot] = (uint16_t)news->len;
}

void ak__news_change(AkServe *s, const char *op)
{
    ak_sse_publish(s->news->sse, "change", "", json_pack("{s:s}", "op", op));
}

static void tell_session(AkServe *s, const char *id)
{
    AkSession *session;

    if (ak_session_get(s->home->store, id, &session) < 0)
        return;
    ak_sse_publish(s->news->sse, "session", id, ak__api_session_row(session));
    free(session);
}

static void on_gathered(void *owner)
{
    AkServe *s = owner;
    AkNews *news = s->news;

    for (size_t i = 0; i < news->len; i++)
        tell_session(s, news->ids[i]);
    if (news->overflown)
        ak_sse_publish(news->sse, "reset", "", json_object());
    if (news->events != s->events)
        ak_sse_publish(news->sse, "change", "", json_pack("{s:s}", "op", "event"));
    news->events = s->events;
    memset(news->slots, 0, sizeof news->slots);
    news->len = 0;
    news->armed = news->overflown = false;
}

bool ak__news_new(AkServe *s)
{
    s->news = calloc(1, sizeof *s->news);
    if (!s->news)
        return false;
    s->news->sse = ak_sse_new(s->loop);
    s->news->timer = ak_timer_new(s->loop, on_gathered, s);
    return s->news->sse != NULL;
}

void ak__news_end(AkServe *s)
{
    if (s->news)
        ak_sse_end(s->news->sse);
}

void ak__news_free(AkServe *s)
{
    if (!s->news)
        return;
    ak_timer_free(s->news->timer);
    ak_sse_free(s->news->sse);
    free(s->news);
}

/* For a session under its id as topic; data is taken. */
void ak__news_publish(AkServe *s, const char *event, const char *topic, json_t *data)
{
    ak_sse_publish(s->news->sse, event, topic, data);
}

size_t ak__news_clients(const AkServe *s)
{
    return ak_sse_clients(s->news->sse);
}

json_t *ak__api_stream(AkApiCall *call)
{
    json_t *headers = json_pack("{s:s, s:s, s:s}", "Content-Type", "text/event-stream",
                                "Cache-Control", "no-store", "X-Accel-Buffering", "no");
    bool open = ak_sse_open(call->serve->news->sse, call->request, headers,
                            ak__api_text(call, "session"),
                            ak_http_header(call->request, "Last-Event-ID"));

    json_decref(headers);
    return open ? NULL : ak_admin_error(AK_EXIT_FAILED, "too many streams are open");
}
