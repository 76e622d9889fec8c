#define _GNU_SOURCE
#include "sse.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct Item {
    char *text; /* as it goes out */
    size_t len;
    char topic[64];
} Item;

typedef struct Client {
    struct Client *next;
    AkSse *sse;
    AkHttpStream *stream;
    char topic[64];
    uint64_t at;   /* the event to come next */
    size_t offset; /* of it, bytes that are out already */
    bool greeted, missed, ping;
} Client;

struct AkSse {
    AkTimer *timer;
    Client *clients;
    size_t count, bytes;
    uint64_t boot, first, next; /* numbers of the oldest kept and of the next event */
    Item ring[AK_SSE_RING];
    bool ended;
};

static void on_ping(void *owner)
{
    AkSse *sse = owner;

    for (Client *c = sse->clients; c; c = c->next) {
        c->ping = true;
        ak_http_stream_wake(c->stream);
    }
    ak_timer_set(sse->timer, AK_SSE_PING_S * 1000000LL);
}

AkSse *ak_sse_new(AkLoop *loop)
{
    AkSse *sse = calloc(1, sizeof *sse);

    if (!sse)
        return NULL;
    sse->boot = (uint64_t)ak_loop_now().wall_us;
    sse->first = sse->next = 1;
    sse->timer = ak_timer_new(loop, on_ping, sse);
    ak_timer_set(sse->timer, AK_SSE_PING_S * 1000000LL);
    return sse;
}

static void drop_oldest(AkSse *sse)
{
    Item *item = &sse->ring[sse->first++ % AK_SSE_RING];

    sse->bytes -= item->len;
    free(item->text);
    *item = (Item){0};
}

static void drop_all(AkSse *sse)
{
    while (sse->first < sse->next)
        drop_oldest(sse);
}

void ak_sse_end(AkSse *sse)
{
    if (!sse)
        return;
    sse->ended = true;
    for (Client *c = sse->clients; c; c = c->next)
        ak_http_stream_wake(c->stream);
}

void ak_sse_free(AkSse *sse)
{
    if (!sse)
        return;
    drop_all(sse);
    ak_timer_free(sse->timer);
    free(sse);
}

size_t ak_sse_clients(const AkSse *sse)
{
    return sse->count;
}

void ak_sse_publish(AkSse *sse, const char *event, const char *topic, json_t *data)
{
    Item item = {0};
    char *words = sse->count ? json_dumps(data, JSON_COMPACT) : NULL;

    json_decref(data);
    if (!words)
        return;
    int len = asprintf(&item.text, "id: %" PRIx64 "-%" PRIu64 "\nevent: %s\ndata: %s\n\n",
                       sse->boot, sse->next, event, words);
    free(words);
    if (len < 0)
        return;
    item.len = (size_t)len;
    snprintf(item.topic, sizeof item.topic, "%s", topic);
    while (sse->first < sse->next &&
           (sse->next - sse->first >= AK_SSE_RING || sse->bytes + item.len > AK_SSE_BYTES))
        drop_oldest(sse);
    sse->ring[sse->next++ % AK_SSE_RING] = item;
    sse->bytes += item.len;
    for (Client *c = sse->clients; c; c = c->next)
        ak_http_stream_wake(c->stream);
}

/* ---- One client */

static bool concerns(const Client *c, const Item *item)
{
    return !*c->topic || !*item->topic || !strcmp(c->topic, item->topic);
}

/* The first words: where the client stands, so that it can come back from here. */
static int64_t greet(Client *c, char *to, size_t max)
{
    int len =
        snprintf(to, max, "retry: 1000\nid: %" PRIx64 "-%" PRIu64 "\nevent: %s\ndata: {}\n\n",
                 c->sse->boot, c->at - 1, c->missed ? "reset" : "hello");

    if (len < 0 || (size_t)len >= max)
        return -1;
    c->greeted = true;
    c->missed = false;
    return len;
}

static int64_t pull(void *owner, char *to, size_t max)
{
    Client *c = owner;
    AkSse *sse = c->sse;

    if (sse->ended || (c->at < sse->first && c->offset))
        return -1; /* overtaken in the middle of an event: it comes back by itself */
    if (c->at < sse->first) {
        c->at = sse->next;
        c->missed = true;
        c->greeted = false;
    }
    if (!c->greeted)
        return greet(c, to, max);
    while (c->at < sse->next && !c->offset && !concerns(c, &sse->ring[c->at % AK_SSE_RING]))
        c->at++;
    if (c->at < sse->next) {
        const Item *item = &sse->ring[c->at % AK_SSE_RING];
        size_t n = item->len - c->offset < max ? item->len - c->offset : max;
        memcpy(to, item->text + c->offset, n);
        c->offset += n;
        if (c->offset == item->len) {
            c->at++;
            c->offset = 0;
        }
        c->ping = false;
        return (int64_t)n;
    }
    if (!c->ping || max < 3)
        return 0;
    c->ping = false;
    memcpy(to, ":\n\n", 3);
    return 3;
}

/* What happens while nobody listens is not numbered: whoever comes back has missed it. */
static void leave_gap(AkSse *sse)
{
    drop_all(sse);
    sse->first = ++sse->next;
}

static void gone(void *owner)
{
    Client *c = owner, **link = &c->sse->clients;

    while (*link != c)
        link = &(*link)->next;
    *link = c->next;
    if (--c->sse->count == 0)
        leave_gap(c->sse);
    free(c);
}

static const AkHttpStreamFns fns = {pull, gone};

/* Where somebody goes on who saw last_id. */
static void place(Client *c, const char *last_id)
{
    AkSse *sse = c->sse;
    uint64_t boot, number;

    c->at = sse->next;
    if (!last_id || !*last_id)
        return;
    if (sscanf(last_id, "%" SCNx64 "-%" SCNu64, &boot, &number) == 2 && boot == sse->boot &&
        number + 1 >= sse->first && number < sse->next)
        c->at = number + 1;
    else
        c->missed = true;
}

bool ak_sse_open(AkSse *sse, AkHttpRequest *request, const json_t *headers, const char *topic,
                 const char *last_id)
{
    Client *c = sse->count < AK_SSE_CLIENTS && !sse->ended ? calloc(1, sizeof *c) : NULL;

    if (!c)
        return false;
    c->sse = sse;
    snprintf(c->topic, sizeof c->topic, "%s", topic ? topic : "");
    place(c, last_id);
    c->stream = ak_http_stream(request, 200, headers, &fns, c);
    if (!c->stream) {
        free(c);
        return false;
    }
    c->next = sse->clients;
    sse->clients = c;
    sse->count++;
    return true;
}
