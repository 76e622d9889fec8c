#define _GNU_SOURCE
#include "http.h"

#include <ctype.h>
#include <errno.h>
#include <microhttpd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "late.h"

/* Only servers need the library. */
#define FUNCTIONS(X)                                                                           \
    X(MHD_add_response_header)                                                                 \
    X(MHD_create_response_from_buffer)                                                         \
    X(MHD_create_response_from_callback)                                                       \
    X(MHD_destroy_response)                                                                    \
    X(MHD_get_connection_info)                                                                 \
    X(MHD_get_connection_values)                                                               \
    X(MHD_get_daemon_info)                                                                     \
    X(MHD_get_timeout)                                                                         \
    X(MHD_lookup_connection_value)                                                             \
    X(MHD_queue_response)                                                                      \
    X(MHD_quiesce_daemon)                                                                      \
    X(MHD_resume_connection)                                                                   \
    X(MHD_run)                                                                                 \
    X(MHD_start_daemon)                                                                        \
    X(MHD_stop_daemon)                                                                         \
    X(MHD_suspend_connection)

static struct {
    FUNCTIONS(AK_LATE_MEMBER)
} mhd;
static const AkLate functions[] = {FUNCTIONS(AK_LATE_ENTRY)};

enum { ROOM_LEFT = AK_HTTP_CONNECTIONS / 10, DRAIN_MAX = 8 * AK_HTTP_BODY_MAX };

typedef struct Conn {
    struct Conn *next, **link;
    int fd;
    bool busy, ended; /* busy: its head is there, the request not answered */
    int64_t since_us;
} Conn;

struct AkHttp {
    AkLoop *loop;
    struct MHD_Daemon *daemon;
    AkWatch *watch;
    AkTimer *timer, *sweep;
    AkHttpFn *fn;
    void *owner;
    Conn *first, **last; /* the longest idle first */
    size_t connections;
    int listening; /* after ak_http_quiet: the socket that is ours to close */
    AkHttpRequest *first_later, **last_later; /* whose bodies wait for a turn */
    AkTimer *next_turn;
    size_t taken, later_bytes; /* of bodies: by this turn, and of those that wait */
};

struct AkHttpStream {
    AkHttpRequest *request;
    const AkHttpStreamFns *fns;
    void *owner;
    bool asleep; /* pull had nothing: the connection is suspended */
};

struct AkHttpRequest {
    AkHttp *http;
    struct MHD_Connection *connection;
    char *url, *method, *path;
    AkText body;
    bool begun, too_big, asked, suspended, later;
    AkHttpRequest *next_later;
    AkHttpStream *stream;
    size_t dropped;
    struct MHD_Response *response;
    unsigned status;
};

static int64_t mono(void)
{
    return ak_loop_now().mono_us;
}

/* --- Connections
 * -------------------------------------------------------------------------------------- */

static void unlink_conn(AkHttp *http, Conn *c)
{
    *c->link = c->next;
    if (c->next)
        c->next->link = c->link;
    else
        http->last = c->link;
}

static void append_conn(AkHttp *http, Conn *c)
{
    c->next = NULL;
    c->link = http->last;
    *http->last = c;
    http->last = &c->next;
}

static void touch(AkHttp *http, Conn *c, bool busy)
{
    c->busy = busy;
    c->since_us = mono();
    unlink_conn(http, c);
    append_conn(http, c);
}

static void end_conn(Conn *c)
{
    c->ended = true;
    shutdown(c->fd, SHUT_RDWR);
}

static void make_room(AkHttp *http)
{
    for (Conn *c = http->first; c; c = c->next)
        if (!c->busy && !c->ended) {
            end_conn(c);
            return;
        }
}

static void on_connection(void *owner, struct MHD_Connection *connection, void **context,
                          enum MHD_ConnectionNotificationCode code)
{
    AkHttp *http = owner;
    Conn *c = *context;

    if (code == MHD_CONNECTION_NOTIFY_CLOSED) {
        if (c) {
            unlink_conn(http, c);
            free(c);
            http->connections--;
        }
        return;
    }
    c = calloc(1, sizeof *c);
    if (!c)
        return;
    c->fd =
        mhd.MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
    c->since_us = mono();
    append_conn(http, c);
    *context = c;
    if (++http->connections > AK_HTTP_CONNECTIONS - ROOM_LEFT)
        make_room(http);
}

static Conn *conn_of(struct MHD_Connection *connection)
{
    const union MHD_ConnectionInfo *info =
        mhd.MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);

    return info ? info->socket_context : NULL;
}

static void on_sweep(void *owner)
{
    AkHttp *http = owner;
    int64_t now = mono();

    for (Conn *c = http->first; c; c = c->next)
        if (!c->busy && !c->ended && now - c->since_us > AK_HTTP_HEAD_S * 1000000LL)
            end_conn(c);
    ak_timer_set(http->sweep, 1000000);
}

/* --- Requests
 * ------------------------------------------------------------------------------------------ */

static void *on_uri(void *owner, const char *uri, struct MHD_Connection *connection)
{
    AkHttpRequest *request = calloc(1, sizeof *request);

    if (!request)
        return NULL;
    request->http = owner;
    request->connection = connection;
    request->url = strdup(uri);
    return request;
}

static void leave_later(AkHttpRequest *request)
{
    AkHttp *http = request->http;
    AkHttpRequest **link = &http->first_later;

    if (!request->later)
        return;
    while (*link != request)
        link = &(*link)->next_later;
    *link = request->next_later;
    if (!*link)
        http->last_later = link;
    request->later = false;
    http->later_bytes -= request->body.len;
}

static void on_completed(void *owner, struct MHD_Connection *connection, void **context,
                         enum MHD_RequestTerminationCode why)
{
    AkHttpRequest *request = *context;
    Conn *c = conn_of(connection);

    (void)why;
    if (c)
        touch(owner, c, false);
    if (!request)
        return;
    leave_later(request);
    if (request->stream)
        request->stream->fns->gone(request->stream->owner);
    free(request->stream);
    if (request->response)
        mhd.MHD_destroy_response(request->response);
    ak_text_free(&request->body);
    free(request->url);
    free(request->method);
    free(request->path);
    free(request);
    *context = NULL;
}

static enum MHD_Result send_response(AkHttpRequest *request)
{
    enum MHD_Result sent =
        mhd.MHD_queue_response(request->connection, request->status, request->response);

    mhd.MHD_destroy_response(request->response);
    request->response = NULL;
    return sent;
}

static void add_headers(struct MHD_Response *response, const json_t *headers)
{
    const char *name;
    json_t *value;

    json_object_foreach((json_t *)(uintptr_t)headers, name, value) if (json_is_string(value))
        mhd.MHD_add_response_header(response, name, json_string_value(value));
    mhd.MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");
}

static void set_response(AkHttpRequest *request, unsigned status, const json_t *headers,
                         const void *body, size_t len)
{
    request->status = status;
    request->response = mhd.MHD_create_response_from_buffer(len, (void *)(uintptr_t)body,
                                                            MHD_RESPMEM_MUST_COPY);
    add_headers(request->response, headers);
}

/* It has its answer, which goes out with the next run of the library. */
static void resume(AkHttpRequest *request)
{
    request->suspended = false;
    mhd.MHD_resume_connection(request->connection);
    ak_timer_set(request->http->timer, 0);
}

static enum MHD_Result refuse(AkHttpRequest *request, unsigned status, const char *body)
{
    json_t *headers =
        json_pack("{s:s, s:s}", "Content-Type", "application/json", "Connection", "close");

    if (status == MHD_HTTP_SERVICE_UNAVAILABLE)
        json_object_set_new(headers, "Retry-After", json_string("5"));
    set_response(request, status, headers, body, strlen(body));
    json_decref(headers);
    return send_response(request);
}

static enum MHD_Result refuse_big(AkHttpRequest *request)
{
    return refuse(request, MHD_HTTP_CONTENT_TOO_LARGE,
                  "{\"error\": \"the body is above 512 KiB\", \"code\": \"too_large\"}\n");
}

/* A little too much is read to its end, as many clients listen only after they have sent all.
 */
static bool announces_far_too_much(AkHttpRequest *request)
{
    const char *length = ak_http_header(request, "Content-Length");

    return length && strtoull(length, NULL, 10) > DRAIN_MAX;
}

/* Decoded it would end there, and be another address than the one that was sent. */
static bool hides_its_end(const char *url)
{
    const char *zero = url ? strstr(url, "%00") : NULL;

    return zero && (size_t)(zero - url) < strcspn(url, "?");
}

static enum MHD_Result begin(AkHttpRequest *request, const char *path, const char *method)
{
    Conn *c = conn_of(request->connection);

    request->begun = true;
    request->method = strdup(method);
    request->path = strdup(path);
    if (c)
        touch(request->http, c, true);
    if (hides_its_end(request->url))
        return refuse(
            request, MHD_HTTP_BAD_REQUEST,
            "{\"error\": \"the address holds a zero byte\", \"code\": \"bad_request\"}\n");
    if (announces_far_too_much(request))
        return refuse_big(request);
    return MHD_YES;
}

static enum MHD_Result take_body(AkHttpRequest *request, const char *bytes, size_t *len)
{
    Conn *c = conn_of(request->connection);

    if (c && mono() - c->since_us > AK_HTTP_BODY_S * 1000000LL)
        return MHD_NO;
    if (request->too_big || request->body.len + *len > AK_HTTP_BODY_MAX) {
        request->too_big = true;
        request->dropped += *len;
        ak_text_free(&request->body);
        request->body = (AkText){0};
    }
    if (request->dropped > DRAIN_MAX)
        return MHD_NO;
    if (!request->too_big)
        ak_text_add(&request->body, bytes, *len);
    *len = 0;
    return MHD_YES;
}

/* --- Bodies, so many a turn
 * ------------------------------------------------------------------------------------------ */

static bool has_its_turn(const AkHttpRequest *request)
{
    const AkHttp *http = request->http;
    size_t len = request->body.len;

    return !len ||
           (!http->first_later && (!http->taken || http->taken + len <= AK_HTTP_TURN_MAX));
}

static void hand_over(AkHttpRequest *request)
{
    request->http->taken += request->body.len;
    request->http->fn(request->http->owner, request);
}

static enum MHD_Result wait_for_turn(AkHttpRequest *request)
{
    AkHttp *http = request->http;

    if (http->later_bytes + request->body.len > AK_HTTP_LATER_MAX)
        return refuse(request, MHD_HTTP_SERVICE_UNAVAILABLE,
                      "{\"error\": \"too many large requests at a time; try again later\"}\n");
    request->later = true;
    request->next_later = NULL;
    *http->last_later = request;
    http->last_later = &request->next_later;
    http->later_bytes += request->body.len;
    ak_timer_set(http->next_turn, 1);
    request->suspended = true;
    mhd.MHD_suspend_connection(request->connection);
    return MHD_YES;
}

static void on_next_turn(void *owner)
{
    AkHttp *http = owner;

    http->taken = 0;
    while (http->first_later &&
           (!http->taken || http->taken + http->first_later->body.len <= AK_HTTP_TURN_MAX)) {
        AkHttpRequest *request = http->first_later;
        leave_later(request);
        hand_over(request);
        if (request->response && request->suspended)
            resume(request);
    }
    if (http->first_later)
        ak_timer_set(http->next_turn, 1);
}

static enum MHD_Result on_request(void *owner, struct MHD_Connection *connection,
                                  const char *path, const char *method, const char *version,
                                  const char *upload, size_t *upload_len, void **context)
{
    AkHttpRequest *request = *context;

    (void)owner;
    (void)connection;
    (void)version;
    if (!request)
        return MHD_NO;
    if (!request->begun)
        return begin(request, path, method);
    if (*upload_len)
        return take_body(request, upload, upload_len);
    if (request->response)
        return send_response(request);
    if (request->asked)
        return MHD_YES;
    if (request->too_big)
        return refuse_big(request);
    request->asked = true;
    if (!has_its_turn(request))
        return wait_for_turn(request);
    hand_over(request);
    if (request->response)
        return send_response(request);
    request->suspended = true;
    mhd.MHD_suspend_connection(connection);
    return MHD_YES;
}

/* --- What the server reads
 * --------------------------------------------------------------------------------- */

const char *ak_http_method(const AkHttpRequest *request)
{
    return request->method;
}

const char *ak_http_path(const AkHttpRequest *request)
{
    return request->path;
}

const char *ak_http_url(const AkHttpRequest *request)
{
    return request->url;
}

AkBytes ak_http_body(const AkHttpRequest *request)
{
    return (AkBytes){request->body.at ? request->body.at : "", request->body.len};
}

const char *ak_http_header(const AkHttpRequest *request, const char *name)
{
    return mhd.MHD_lookup_connection_value(request->connection, MHD_HEADER_KIND, name);
}

/* Bytes that are no UTF-8 are taken for Latin-1, as headers were of old. */
static json_t *any_text(const char *bytes)
{
    json_t *text = json_string(bytes);
    char *wide, *to;

    if (text)
        return text;
    to = wide = malloc(strlen(bytes) * 2 + 1);
    for (const unsigned char *p = (const unsigned char *)bytes; *p; p++) {
        if (*p < 0x80) {
            *to++ = (char)*p;
        } else {
            *to++ = (char)(0xC0 | *p >> 6);
            *to++ = (char)(0x80 | (*p & 0x3F));
        }
    }
    *to = '\0';
    text = json_string(wide);
    free(wide);
    return text ? text : json_string("");
}

static enum MHD_Result add_header(void *owner, enum MHD_ValueKind kind, const char *key,
                                  const char *value)
{
    json_t *headers = owner;
    char name[256];
    bool start = true;
    size_t i = 0;

    (void)kind;
    for (; key[i] && i < sizeof name - 1; i++) {
        unsigned char c = (unsigned char)key[i];
        name[i] = (char)(start ? toupper(c) : tolower(c));
        start = c == '-';
        if (c >= 0x80)
            return MHD_YES;
    }
    name[i] = '\0';
    json_t *text = any_text(value ? value : ""), *old = json_object_get(headers, name);
    if (old) {
        json_t *both = json_sprintf("%s, %s", json_string_value(old), json_string_value(text));
        json_decref(text);
        text = both;
    }
    json_object_set_new(headers, name, text);
    return MHD_YES;
}

static enum MHD_Result add_query(void *owner, enum MHD_ValueKind kind, const char *key,
                                 const char *value)
{
    json_t *query = owner, *name = any_text(key);

    (void)kind;
    if (!json_object_get(query, json_string_value(name)))
        json_object_set_new(query, json_string_value(name), any_text(value ? value : ""));
    json_decref(name);
    return MHD_YES;
}

static json_t *values(AkHttpRequest *request, enum MHD_ValueKind kind, MHD_KeyValueIterator fn)
{
    json_t *all = json_object();

    mhd.MHD_get_connection_values(request->connection, kind, fn, all);
    return all;
}

json_t *ak_http_headers(AkHttpRequest *request)
{
    return values(request, MHD_HEADER_KIND, add_header);
}

json_t *ak_http_trailers(AkHttpRequest *request)
{
    return values(request, MHD_FOOTER_KIND, add_header);
}

json_t *ak_http_query(AkHttpRequest *request)
{
    return values(request, MHD_GET_ARGUMENT_KIND, add_query);
}

/* --- Answers
 * ---------------------------------------------------------------------------------------------
 */

void ak_http_answer(AkHttpRequest *request, unsigned status, const json_t *headers,
                    const void *body, size_t len)
{
    set_response(request, status, headers, body, len);
    if (request->suspended)
        resume(request);
}

void ak_http_answer_json(AkHttpRequest *request, unsigned status, const json_t *headers,
                         json_t *body)
{
    json_t *all = headers ? json_copy((json_t *)(uintptr_t)headers) : json_object();
    char *words = json_dumps(body, JSON_COMPACT), *line = NULL;
    int len = asprintf(&line, "%s\n", words);

    json_object_set_new(all, "Content-Type", json_string("application/json"));
    ak_http_answer(request, status, all, line, (size_t)len);
    free(line);
    free(words);
    json_decref(all);
    json_decref(body);
}

/* --- Streams
 * ----------------------------------------------------------------------------------------- */

static ssize_t on_pull(void *owner, uint64_t at, char *to, size_t max)
{
    AkHttpStream *stream = owner;
    int64_t n = stream->fns->pull(stream->owner, to, max);

    (void)at;
    if (n < 0)
        return MHD_CONTENT_READER_END_OF_STREAM;
    if (n == 0) { /* else libmicrohttpd would ask again and again */
        stream->asleep = true;
        mhd.MHD_suspend_connection(stream->request->connection);
    }
    return (ssize_t)n;
}

AkHttpStream *ak_http_stream(AkHttpRequest *request, unsigned status, const json_t *headers,
                             const AkHttpStreamFns *fns, void *owner)
{
    AkHttpStream *stream = calloc(1, sizeof *stream);
    struct MHD_Response *response = stream ? mhd.MHD_create_response_from_callback(
                                                 MHD_SIZE_UNKNOWN, 16384, on_pull, stream, NULL)
                                           : NULL;

    if (!response) {
        free(stream);
        return NULL;
    }
    *stream = (AkHttpStream){.request = request, .fns = fns, .owner = owner};
    request->stream = stream;
    request->status = status;
    request->response = response;
    add_headers(response, headers);
    return stream;
}

void ak_http_stream_wake(AkHttpStream *stream)
{
    if (!stream->asleep)
        return;
    stream->asleep = false;
    mhd.MHD_resume_connection(stream->request->connection);
    ak_timer_set(stream->request->http->timer, 0);
}

/* --- The daemon
 * --------------------------------------------------------------------------------------------
 */

static void run(AkHttp *http)
{
    MHD_UNSIGNED_LONG_LONG wait_ms;

    if (!http->first_later)
        http->taken = 0;
    mhd.MHD_run(http->daemon);
    if (mhd.MHD_get_timeout(http->daemon, &wait_ms) == MHD_YES)
        ak_timer_set(http->timer, (int64_t)(wait_ms > 1000 ? 1000 : wait_ms) * 1000);
}

static void on_ready(void *owner, unsigned events)
{
    (void)events;
    run(owner);
}

static void on_timer(void *owner)
{
    run(owner);
}

/* Without certificates there is nothing for GnuTLS to do, and its start takes 1 MB. */
static int open_library(char *why, size_t size)
{
    char reason[256];

    if (mhd.MHD_start_daemon)
        return 0;
    setenv("GNUTLS_NO_IMPLICIT_INIT", "1", 0);
    if (ak__late_open(AK_LATE_PATH, functions, &mhd, sizeof functions / sizeof *functions,
                      reason, sizeof reason) == 0)
        return 0;
    snprintf(why, size, "the HTTP server does not start: %s", reason);
    return -1;
}

AkHttp *ak_http_new(AkLoop *loop, int fd, AkHttpFn *fn, void *owner, char *why, size_t size)
{
    if (open_library(why, size) < 0)
        return NULL;
    AkHttp *http = calloc(1, sizeof *http);
    if (!http)
        abort();
    *http = (AkHttp){.loop = loop,
                     .fn = fn,
                     .owner = owner,
                     .last = &http->first,
                     .listening = -1,
                     .last_later = &http->first_later};
    http->daemon = mhd.MHD_start_daemon(
        MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL, on_request, http,
        MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_CONNECTION_LIMIT,
        (unsigned)AK_HTTP_CONNECTIONS, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
        (size_t)AK_HTTP_HEAD_MAX, MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)AK_HTTP_BODY_S,
        MHD_OPTION_NOTIFY_CONNECTION, on_connection, http, MHD_OPTION_NOTIFY_COMPLETED,
        on_completed, http, MHD_OPTION_URI_LOG_CALLBACK, on_uri, http, MHD_OPTION_END);
    if (!http->daemon) {
        snprintf(why, size, "the HTTP server does not start: %s", strerror(errno));
        free(http);
        return NULL;
    }
    http->timer = ak_timer_new(loop, on_timer, http);
    http->next_turn = ak_timer_new(loop, on_next_turn, http);
    http->sweep = ak_timer_new(loop, on_sweep, http);
    ak_timer_set(http->sweep, 1000000);
    http->watch = ak_watch(
        loop, mhd.MHD_get_daemon_info(http->daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd,
        AK_READABLE, on_ready, http);
    return http;
}

void ak_http_quiet(AkHttp *http)
{
    if (http->listening < 0)
        http->listening = mhd.MHD_quiesce_daemon(http->daemon);
}

void ak_http_free(AkHttp *http)
{
    if (!http)
        return;
    ak_unwatch(http->watch);
    while (http->first_later) {
        AkHttpRequest *request = http->first_later;
        leave_later(request);
        ak_http_answer_json(request, MHD_HTTP_SERVICE_UNAVAILABLE, NULL,
                            json_pack("{s:s}", "error", "the server stops"));
    }
    ak_timer_free(http->next_turn);
    ak_timer_free(http->timer);
    ak_timer_free(http->sweep);
    mhd.MHD_run(http->daemon); /* what was answered last goes out */
    mhd.MHD_stop_daemon(http->daemon);
    if (http->listening >= 0)
        close(http->listening);
    free(http);
}

size_t ak_http_connections(const AkHttp *http)
{
    return http->connections;
}
