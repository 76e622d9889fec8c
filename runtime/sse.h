/* Server-sent events: what was published lately is kept in one ring that all clients read, each
 * from its own place. A slow client costs no memory; one that the ring has overtaken is told to
 * look at everything anew (`reset`), and so is one that comes back with a Last-Event-ID that is
 * too old or of another run of the server. */
#ifndef AK_SSE_H
#define AK_SSE_H

#include "http.h"

enum {
    AK_SSE_CLIENTS = 100,
    AK_SSE_RING = 4096,     /* events that are kept, */
    AK_SSE_BYTES = 4 << 20, /* and their bytes */
    AK_SSE_PING_S = 15,     /* a comment after so much silence finds out who has gone */
};

typedef struct AkSse AkSse;

AkSse *ak_sse_new(AkLoop *loop);
/* Ends all streams; before ak_http_free. They are let go by it. */
void ak_sse_end(AkSse *sse);
/* After ak_http_free. */
void ak_sse_free(AkSse *sse);
size_t ak_sse_clients(const AkSse *sse);

/* topic is compared with what clients asked for, "" is for all; data is taken. */
void ak_sse_publish(AkSse *sse, const char *event, const char *topic, json_t *data);
/* topic: only that one's events and those for all; or NULL. last_id: Last-Event-ID, or NULL.
 * False: too many clients, or no memory; the request is still to be answered. */
bool ak_sse_open(AkSse *sse, AkHttpRequest *request, const json_t *headers, const char *topic,
                 const char *last_id);

#endif
