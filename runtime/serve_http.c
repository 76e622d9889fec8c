#define _GNU_SOURCE
#include "api.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

json_t *ak__serve_error(const char *words)
{
    return json_pack("{s:s}", "error", words);
}

static void later(AkServe *s, AkHttpRequest *request, unsigned status, const char *words)
{
    json_t *headers = json_pack("{s:s}", "Retry-After", "5");

    s->refused++;
    ak_http_answer_json(request, status, headers, ak__serve_error(words));
    json_decref(headers);
}

void ak__serve_busy(AkServe *s, AkHttpRequest *request, const char *words)
{
    later(s, request, 503, words);
}

void ak__serve_too_many(AkServe *s, AkHttpRequest *request, const char *words)
{
    later(s, request, 429, words);
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

static void add_states(AkServe *s, AkText *to)
{
    static const char name[] = "ak_sessions";
    int64_t counts[6];

    if (ak_session_tally(s->home->store, NULL, counts))
        return;
    ak_metric_head(to, name, "gauge", "Sessions in the store, by state.");
    for (AkState state = AK_STATE_CREATED; state <= AK_STATE_STOPPED; state++)
        ak_metric_of(to, name, "state", ak_state_name(state), counts[state]);
}

void ak__serve_metrics(const AkServe *s, AkText *to)
{
    ak_metric(to, "ak_events_total", "counter", "Events taken.", (int64_t)s->events);
    ak_metric(to, "ak_requests_refused_total", "counter",
              "Requests answered with 429 or 503: try again.", (int64_t)s->refused);
    ak_metric(to, "ak_connections", "gauge", "Open HTTP connections.",
              (int64_t)ak_http_connections(s->http));
    ak_metric(to, "ak_streams", "gauge", "Open streams of server-sent events.",
              (int64_t)ak__news_clients(s));
    ak_metric(to, "ak_resident_memory_bytes", "gauge",
              "Resident memory of the server, without its runners.", ak_resident_bytes());
    ak_metric(to, "ak_start_time_seconds", "gauge", "When the server started.",
              s->started_us / AK_SECOND);
}

static void metrics(AkServe *s, AkHttpRequest *request)
{
    const AkDriver *d = s->driver;
    AkText to = {0};

    ak__serve_metrics(s, &to);
    ak_metric(&to, "ak_sessions_ended_total", "counter", "Sessions that ended.",
              (int64_t)s->sessions_ended);
    ak_metric(&to, "ak_sessions_failed_total", "counter", "Sessions that ended by an error.",
              (int64_t)s->sessions_failed);
    ak_metric(&to, "ak_commits_total", "counter", "Commits of the store.",
              (int64_t)ak_driver_commits(d));
    add_states(s, &to);
    ak_metric(&to, "ak_sessions_in_memory", "gauge", "Sessions held in memory.",
              (int64_t)ak_driver_sessions(d));
    ak_metric(&to, "ak_runners", "gauge", "Processes of sessions.",
              (int64_t)ak_driver_runners(d));
    ak_metric(&to, "ak_sessions_waiting", "gauge", "Sessions in line for a process.",
              (int64_t)ak_driver_waiting(d));
    ak__export_metrics(s, &to);
    ak_metric_histogram(&to, "ak_step_seconds", "How long recorded calls took.", &s->steps);
    json_t *headers = json_pack("{s:s}", "Content-Type", "text/plain; version=0.0.4");
    ak_http_answer(request, 200, headers, to.at, to.len);
    json_decref(headers);
    ak_text_free(&to);
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
    else if (!strncmp(path, "/api/", 5))
        ak__api(s, request);
    else if (reads && !strcmp(path, "/healthz"))
        health(s, request);
    else if (reads && !strncmp(path, "/store/", 7))
        published(s, request, path + 7);
    else if (reads && !strcmp(path, "/metrics")) {
        if (ak__api_admits(s, request))
            metrics(s, request);
    } else if (!reads || !ak__page(s, request))
        ak_http_answer_json(request, 404, NULL, ak__serve_error("there is nothing here"));
}
