/* HTTP of `ak serve`: whole requests in, answers out, whenever they are there. A thin coat over
 * libmicrohttpd in the server's own loop.
 *
 * What a client can take is bounded: connections, bytes of the head and of the body, and the
 * time it may take to send either. When connections run short, those that have sent no whole
 * head yet are ended, the oldest first, so that slow or idle clients do not keep others out.
 * And of bodies so many bytes are handed over in one turn of the loop; those above it wait in
 * order, each in its connection, so that a flood of large ones keeps small requests waiting no
 * longer than a turn takes. */
#ifndef AK_HTTP_H
#define AK_HTTP_H

#include <jansson.h>
#include <stdbool.h>

#include "engine/bytes.h"
#include "loop.h"

enum {
    AK_HTTP_BODY_MAX = 512 << 10,
    AK_HTTP_HEAD_MAX = 32 << 10,
    AK_HTTP_CONNECTIONS = 1000,
    AK_HTTP_HEAD_S = 10,          /* seconds for a request's head, and for an idle connection */
    AK_HTTP_BODY_S = 30,          /* for all of a request */
    AK_HTTP_TURN_MAX = 1 << 20,   /* bytes of bodies that a turn hands over */
    AK_HTTP_LATER_MAX = 64 << 20, /* that may wait for theirs: more are answered with 503 */
};

typedef struct AkHttp AkHttp;
typedef struct AkHttpRequest AkHttpRequest;

/* Has to answer, now or later. */
typedef void AkHttpFn(void *owner, AkHttpRequest *request);

/* fd listens, and is taken when this succeeds. NULL with the reason in `why` when there is no
 * library, no memory or no descriptor. */
AkHttp *ak_http_new(AkLoop *loop, int fd, AkHttpFn *fn, void *owner, char *why, size_t size);
/* Every request has to be answered before. */
void ak_http_free(AkHttp *http);
/* No new connections from now on. */
void ak_http_quiet(AkHttp *http);
size_t ak_http_connections(const AkHttp *http);

/* All live until the request is answered. */
const char *ak_http_method(const AkHttpRequest *request);
const char *ak_http_path(const AkHttpRequest *request); /* decoded, without the query */
const char *ak_http_url(const AkHttpRequest *request);  /* as it was sent */
AkBytes ak_http_body(const AkHttpRequest *request);
const char *ak_http_header(const AkHttpRequest *request, const char *name); /* or NULL */
/* {"Content-Type": "…"}: names as Go writes them, values of one name joined by ", ". */
json_t *ak_http_headers(AkHttpRequest *request);
json_t *ak_http_trailers(AkHttpRequest *request);
json_t *ak_http_query(AkHttpRequest *request);

/* headers: an object of texts or NULL, borrowed; the body is copied. */
void ak_http_answer(AkHttpRequest *request, unsigned status, const json_t *headers,
                    const void *body, size_t len);
/* With a JSON object as body, which is taken. */
void ak_http_answer_json(AkHttpRequest *request, unsigned status, const json_t *headers,
                         json_t *body);

/* An answer whose body comes bit by bit, until pull says that it is over. */
typedef struct AkHttpStream AkHttpStream;
typedef struct AkHttpStreamFns {
    /* Up to max bytes to `to`: how many, 0: none now (pull comes again after a wake), -1: over.
     */
    int64_t (*pull)(void *owner, char *to, size_t max);
    /* The client is gone, or all was said; the stream is not there any more. */
    void (*gone)(void *owner);
} AkHttpStreamFns;
/* NULL when memory ran out: answer otherwise. fns and owner are borrowed. */
AkHttpStream *ak_http_stream(AkHttpRequest *request, unsigned status, const json_t *headers,
                             const AkHttpStreamFns *fns, void *owner);
void ak_http_stream_wake(AkHttpStream *stream);

#endif
