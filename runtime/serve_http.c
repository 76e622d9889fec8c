#define _GNU_SOURCE
#include "serve_inner.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

json_t *ak__serve_error(const char *words)
{
    return json_pack("{s:s}", "error", words);
}

void ak__serve_busy(AkServe *s, AkHttpRequest *request, const char *words)
{
    json_t *headers = json_pack("{s:s}", "Retry-After", "5");

    s->refused++;
    ak_http_answer_json(request, 503, headers, ak__serve_error(words));
    json_decref(headers);
}

static bool has_token(const AkServe *s, const AkHttpRequest *request)
{
    const char *given = ak_http_header(request, "Authorization"), *token = s->options->token;
    size_t len = strlen(token);
    unsigned differs = 0;

    if (!len)
        return true;
    if (!given || strncmp(given, "Bearer ", 7) || strlen(given + 7) != len)
        return false;
    for (size_t i = 0; i < len; i++)
        differs |= (unsigned)(given[7 + i] ^ token[i]);
    return !differs;
}

static void health(AkServe *s, AkHttpRequest *request)
{
    ak_http_answer_json(request, s->signals ? 503 : 200, NULL,
                        json_pack("{s:s, s:i, s:i, s:i}", "status",
                                  s->signals ? "stopping" : "ok", "sessions",
                                  (int)ak_driver_sessions(s->driver), "runners",
                                  (int)ak_driver_runners(s->driver), "waiting",
                                  (int)ak_driver_waiting(s->driver)));
}

static void metrics(AkServe *s, AkHttpRequest *request)
{
    json_t *headers = json_pack("{s:s}", "Content-Type", "text/plain; version=0.0.4");
    char words[2048];
    int len =
        snprintf(words, sizeof words,
                 "# TYPE ak_events_total counter\nak_events_total %llu\n"
                 "# TYPE ak_requests_refused_total counter\nak_requests_refused_total %llu\n"
                 "# TYPE ak_sessions_ended_total counter\nak_sessions_ended_total %llu\n"
                 "# TYPE ak_sessions_failed_total counter\nak_sessions_failed_total %llu\n"
                 "# TYPE ak_commits_total counter\nak_commits_total %llu\n"
                 "# TYPE ak_sessions_in_memory gauge\nak_sessions_in_memory %zu\n"
                 "# TYPE ak_runners gauge\nak_runners %zu\n"
                 "# TYPE ak_sessions_waiting gauge\nak_sessions_waiting %zu\n"
                 "# TYPE ak_connections gauge\nak_connections %zu\n",
                 (unsigned long long)s->events, (unsigned long long)s->refused,
                 (unsigned long long)s->sessions_ended, (unsigned long long)s->sessions_failed,
                 (unsigned long long)ak_driver_commits(s->driver),
                 ak_driver_sessions(s->driver), ak_driver_runners(s->driver),
                 ak_driver_waiting(s->driver), ak_http_connections(s->http));

    ak_http_answer(request, 200, headers, words, (size_t)len);
    json_decref(headers);
}

/* /store/PROJECT/KEY: what a program has published. */
static void published(AkServe *s, AkHttpRequest *request, const char *rest)
{
    const char *slash = strchr(rest, '/');
    char project[64];
    AkBytes value = {0};
    bool on = false;

    if (slash && slash - rest < 64) {
        snprintf(project, sizeof project, "%.*s", (int)(slash - rest), rest);
        ak_key_get(s->home->store, project, slash + 1, &value, &on);
    }
    if (on) {
        json_t *headers = json_pack("{s:s}", "Content-Type", "application/json");
        ak_http_answer(request, 200, headers, value.at, value.len);
        json_decref(headers);
    } else {
        ak_http_answer_json(request, 404, NULL, ak__serve_error("there is no such value"));
    }
    free((char *)(uintptr_t)value.at);
}

void ak__serve_request(void *owner, AkHttpRequest *request)
{
    AkServe *s = owner;
    const char *path = ak_http_path(request), *method = ak_http_method(request);
    bool reads = !strcmp(method, "GET") || !strcmp(method, "HEAD");

    if (!strncmp(path, "/webhooks/", 10))
        ak__serve_webhook(s, request, path + 10);
    else if (!reads)
        ak_http_answer_json(request, 404, NULL, ak__serve_error("there is nothing here"));
    else if (!strcmp(path, "/healthz"))
        health(s, request);
    else if (!strncmp(path, "/store/", 7))
        published(s, request, path + 7);
    else if (!strcmp(path, "/metrics") && !has_token(s, request))
        ak_http_answer_json(request, 401, NULL, ak__serve_error("a token is needed"));
    else if (!strcmp(path, "/metrics"))
        metrics(s, request);
    else
        ak_http_answer_json(request, 404, NULL, ak__serve_error("there is nothing here"));
}
