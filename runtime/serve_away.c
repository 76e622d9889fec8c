/* What an away server does: asks, hands on, answers. */
#define _GNU_SOURCE
#include "serve_away.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "admin.h"
#include "exit_codes.h"
#include "listen.h"
#include "members.h"
#include "metrics.h"

enum { LINE_MAX_BYTES = 64 << 20, OUT_MAX = 64 << 20, LOOK_S = 2 };

/* A request whose answer the other side owes. */
typedef struct Asked {
    struct Asked *next;
    json_int_t id;
    AkHttpRequest *request; /* NULL: a look at what has changed */
    unsigned status;        /* of an answer of the API that is no error; 0: of a webhook */
} Asked;

struct AkAway {
    AkServe *serve;
    pid_t pid;
    int fd;
    AkWatch *watch;
    AkTimer *look;
    AkText in, out;
    size_t sent; /* of out */
    Asked *asked;
    json_int_t last;
    bool ready, gone, looking;
};

/* --- To the other side */

static void push(AkAway *a)
{
    while (a->sent < a->out.len) {
        ssize_t n =
            send(a->fd, a->out.at + a->sent, a->out.len - a->sent, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            break; /* when it has gone, reading tells */
        a->sent += (size_t)n;
    }
    if (a->sent == a->out.len) {
        ak_text_clear(&a->out);
        a->sent = 0;
    }
    ak_watch_want(a->watch, AK_READABLE | (a->out.len ? AK_WRITABLE : 0));
}

/* Takes line. False: not now; the request is still to be answered. */
static bool ask(AkAway *a, AkHttpRequest *request, unsigned status, json_t *line)
{
    char *text = NULL;
    Asked *one = NULL;

    if (!a->gone && a->out.len - a->sent < OUT_MAX &&
        json_object_set_new(line, "id", json_integer(++a->last)) == 0)
        text = json_dumps(line, JSON_COMPACT);
    json_decref(line);
    if (text)
        one = calloc(1, sizeof *one);
    if (one) {
        *one = (Asked){a->asked, a->last, request, status};
        a->asked = one;
        ak_text_str(&a->out, text);
        ak_text_str(&a->out, "\n");
        push(a);
    }
    free(text);
    return one != NULL;
}

json_t *ak__away_api(AkApiCall *call, const char *name, unsigned status)
{
    const AkServe *s = call->serve;
    json_t *line = json_pack("{s:s, s:[s, s], s:O, s:O?, s:{s:s, s:s, s:s}}", "op", name,
                             "args", call->args[0], call->args[1], "query", call->query, "body",
                             call->body, "server", "version", AK_VERSION, "url", s->url,
                             "status", s->signals ? "stopping" : "ok");

    if (!line)
        return ak_admin_error(AK_EXIT_USAGE, "a text in it is no UTF-8");
    return ask(call->serve->away, call->request, status, line)
               ? NULL
               : ak_admin_error(AK_EXIT_FAILED, "too much is under way");
}

static void webhook(AkServe *s, AkHttpRequest *request, const char *rest)
{
    const char *key = ak_http_header(request, "Idempotency-Key");
    size_t len = strcspn(rest, "/");
    char type[32];

    if (s->signals) {
        ak__serve_busy(s, request, "the server stops");
        return;
    }
    ak_webhook_type(request, type, sizeof type);
    json_t *line =
        json_pack("{s:s, s:s%, s:s, s:s*, s:o}", "op", "webhook", "slug", rest,
                  len < 100 ? len : 100, "type", type, "key", key && *key ? key : NULL, "data",
                  ak_webhook_data(request, rest[len] == '/' ? rest + len + 1 : ""));
    if (!line || !ask(s->away, request, 0, line))
        ak__serve_busy(s, request, "too much is under way");
}

static void on_look(void *owner)
{
    AkAway *a = owner;

    if (ak__news_clients(a->serve) && !a->looking)
        a->looking = ask(a, NULL, 0, json_pack("{s:s}", "op", "news"));
    ak_timer_set(a->look, LOOK_S * (int64_t)AK_SECOND);
}

/* --- From the other side */

static void take_news(AkAway *a, const json_t *said)
{
    json_t *row;
    size_t i;

    a->looking = false;
    json_array_foreach(json_object_get(said, "sessions"), i, row)
        ak__news_publish(a->serve, "session", ak_member_text(row, "id"), json_incref(row));
    if (json_is_true(json_object_get(said, "events")))
        ak__news_change(a->serve, "event");
}

static void answer_outcome(AkHttpRequest *request, const json_t *said, const json_t *parts)
{
    AkOutcome outcome = {0};
    json_t *part;
    size_t i;

    json_array_foreach(parts, i, part)
    {
        char *text = json_dumps(part, JSON_ENCODE_ANY | JSON_COMPACT);
        ak_outcome_add(&outcome, ak_bytes(text ? text : "null"));
        free(text);
    }
    json_object_set(outcome.headers, "AutoKitteh-Event-ID", json_object_get(said, "event_id"));
    ak_http_answer(request, outcome.status, outcome.headers,
                   outcome.body.at ? outcome.body.at : "", outcome.body.len);
    ak_outcome_free(&outcome);
}

static void answer_webhook(AkServe *s, AkHttpRequest *request, const json_t *said)
{
    json_t *parts = json_object_get(said, "outcomes"), *body = json_object_get(said, "body");
    unsigned status = (unsigned)json_integer_value(json_object_get(said, "status"));

    s->events += json_is_true(json_object_get(said, "taken"));
    if (json_array_size(parts)) {
        answer_outcome(request, said, parts);
    } else if (status == 503) {
        ak__serve_busy(s, request, ak_member_text(body, "error"));
    } else {
        json_t *headers =
            json_pack("{s:O*}", "AutoKitteh-Event-ID", json_object_get(said, "event_id"));
        ak_http_answer_json(request, status ? status : 500, headers, json_incref(body));
        json_decref(headers);
    }
}

static void take_answer(AkAway *a, json_t *said)
{
    json_int_t id = json_integer_value(json_object_get(said, "id"));
    Asked **link = &a->asked, *one;

    while (*link && (*link)->id != id)
        link = &(*link)->next;
    one = *link;
    if (!one)
        return;
    *link = one->next;
    if (!one->request)
        take_news(a, said);
    else if (one->status)
        ak__api_answer(one->request, one->status, json_incref(json_object_get(said, "body")));
    else
        answer_webhook(a->serve, one->request, said);
    free(one);
}

static void take_line(AkAway *a, const char *at, size_t len)
{
    json_t *said = json_loadb(at, len, 0, NULL);

    if (json_is_true(json_object_get(said, "ready")))
        a->ready = true;
    else if (said)
        take_answer(a, said);
    json_decref(said);
}

static void take_lines(AkAway *a)
{
    size_t done = 0;
    char *end;

    while ((end = memchr(a->in.at + done, '\n', a->in.len - done))) {
        take_line(a, a->in.at + done, (size_t)(end - a->in.at) - done);
        done = (size_t)(end - a->in.at) + 1;
    }
    memmove(a->in.at, a->in.at + done, a->in.len - done);
    a->in.len -= done;
}

static void on_fd(void *owner, unsigned events)
{
    AkAway *a = owner;
    char chunk[65536];

    if (events & AK_WRITABLE)
        push(a);
    ssize_t n = recv(a->fd, chunk, sizeof chunk, MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n > 0) {
        ak_text_add(&a->in, chunk, (size_t)n);
        if (memchr(chunk, '\n', (size_t)n))
            take_lines(a);
    }
    a->gone = n <= 0 || a->in.failed || a->in.len > LINE_MAX_BYTES;
    if (a->gone)
        ak_watch_want(a->watch, 0);
}

/* --- What it answers by itself */

static void health(AkServe *s, AkHttpRequest *request)
{
    ak_http_answer_json(request, s->signals ? 503 : 200, NULL,
                        json_pack("{s:s, s:s}", "status", s->signals ? "stopping" : "ok",
                                  "engine", "temporal"));
}

static void metrics(AkServe *s, AkHttpRequest *request)
{
    AkText to = {0};

    ak__serve_metrics(s, &to);
    json_t *headers = json_pack("{s:s}", "Content-Type", "text/plain; version=0.0.4");
    ak_http_answer(request, 200, headers, to.at, to.len);
    json_decref(headers);
    ak_text_free(&to);
}

static void on_request(void *owner, AkHttpRequest *request)
{
    AkServe *s = owner;
    const char *path = ak_http_path(request), *method = ak_http_method(request);
    bool reads = !strcmp(method, "GET") || !strcmp(method, "HEAD");

    if (!strncmp(path, "/webhooks/", 10))
        webhook(s, request, path + 10);
    else if (!strncmp(path, "/api/", 5))
        ak__api(s, request);
    else if (reads && !strcmp(path, "/healthz"))
        health(s, request);
    else if (reads && !strcmp(path, "/metrics")) {
        if (ak__api_admits(s, request))
            metrics(s, request);
    } else if (!reads || !ak__page(s, request))
        ak_http_answer_json(request, 404, NULL, ak__serve_error("there is nothing here"));
}

/* --- Life */

/* The exit code of the other side, which ends when its socket does. */
static int wait_for(AkAway *a)
{
    int status = 0;
    pid_t ended = 0;

    for (int i = 0; i < 100 && ended == 0; i++) {
        ended = waitpid(a->pid, &status, WNOHANG);
        if (ended == 0)
            usleep(50000);
    }
    if (ended == 0) {
        kill(a->pid, SIGKILL);
        ended = waitpid(a->pid, &status, 0);
    }
    return ended > 0 && WIFEXITED(status) ? WEXITSTATUS(status) : AK_EXIT_FAILED;
}

static int begin(AkServe *s, AkAwayStart *start, void *owner)
{
    AkAway *a = s->away;
    int ends[2];

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
        return ak_say_error(AK_EXIT_FAILED, "%s", strerror(errno));
    fflush(NULL);
    a->pid = fork();
    if (a->pid == 0) {
        dup2(ends[1], 0);
        int code = start(owner);
        fflush(NULL);
        _exit(code);
    }
    close(ends[1]);
    a->fd = ends[0];
    if (a->pid < 0)
        return ak_say_error(AK_EXIT_FAILED, "%s", strerror(errno));
    a->watch = ak_watch(s->loop, a->fd, AK_READABLE, on_fd, a);
    while (!a->ready && !a->gone)
        ak_loop_turn(s->loop);
    return a->ready ? 0 : wait_for(a);
}

static int listen_on(AkServe *s)
{
    char why[512];

    s->http = ak_http_new(s->loop, s->options->fd, on_request, s, why, sizeof why);
    if (!s->http)
        return ak_say_error(AK_EXIT_FAILED, "%s", why);
    ak__serve_address(s);
    s->stop = ak_timer_new(s->loop, ak__serve_stop_now, s);
    s->away->look = ak_timer_new(s->loop, on_look, s->away);
    on_look(s->away);
    signal(SIGPIPE, SIG_IGN);
    ak_loop_on_signal(s->loop, SIGTERM, ak__serve_on_signal, s);
    ak_loop_on_signal(s->loop, SIGINT, ak__serve_on_signal, s);
    return 0;
}

static void refuse_all(AkAway *a)
{
    while (a->asked) {
        Asked *one = a->asked;
        a->asked = one->next;
        if (one->request)
            ak__serve_busy(a->serve, one->request, "the server stops; what was taken goes on");
        free(one);
    }
}

static void end(AkServe *s)
{
    AkAway *a = s->away;

    refuse_all(a);
    ak__news_end(s);
    if (s->http)
        ak_http_free(s->http);
    ak__news_free(s);
    if (s->stop)
        ak_timer_free(s->stop);
    if (a->look)
        ak_timer_free(a->look);
    if (a->watch)
        ak_unwatch(a->watch);
    if (a->fd > 0)
        close(a->fd);
    ak_loop_free(s->loop);
    ak_text_free(&a->in);
    ak_text_free(&a->out);
}

int ak_serve_away(const AkServeOptions *options, AkAwayStart *start, void *owner)
{
    AkServe s = {.options = options};
    AkAway away = {.serve = &s};

    s.away = &away;
    s.loop = ak_loop_new();
    s.started_us = ak_loop_now().wall_us;
    int code = ak__news_new(&s) ? begin(&s, start, owner)
                                : ak_say_error(AK_EXIT_FAILED, "out of memory");
    if (!code)
        code = listen_on(&s);
    if (!code) {
        ak__serve_ready(&s);
        while (!away.gone && !s.stop_now && !(s.signals && !away.asked))
            ak_loop_turn(s.loop);
        if (away.gone)
            code =
                ak_say_error(AK_EXIT_FAILED, "the process that talks with Temporal has ended");
    }
    bool running = away.pid > 0 && !away.gone;
    end(&s);
    if (running || (away.gone && away.ready))
        wait_for(&away);
    return code;
}
