#define _GNU_SOURCE
#include "serve.h"

#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "admin.h"
#include "control.h"
#include "dispatch.h"
#include "exit_codes.h"
#include "hosts.h"
#include "http.h"
#include "report.h"
#include "webhook.h"

enum { SECOND = 1000000, STOP_S = 10, SIGNAL_CHECK_S = 60 };

/* A request whose answer is not there yet: the commit is to come, or the program's outcome. */
typedef struct Pending {
    struct Pending *next;
    AkHttpRequest *request;
    char event_id[32], session_id[32];
    bool sync;
    AkOutcome outcome;
    bool ended;    /* the session has, without more to say */
    bool failed;
    int64_t due_us; /* monotonic */
} Pending;

typedef struct Judged {
    struct Judged *next;
    char id[64];
    bool holds;
} Judged;

typedef struct Serve {
    AkHome *home;
    const AkServeOptions *options;
    AkLoop *loop;
    AkHosts *hosts;
    AkDriver *driver;
    AkHttp *http;
    AkControl *control;
    AkTimer *ticks, *sync, *tidy, *stop;
    Pending *pending;
    Judged *judged;
    char url[600];
    int64_t queue_max, sync_us;
    int signals;
    bool stop_now, store_failed, draining;
    uint64_t events, refused, sessions_ended, sessions_failed;
} Serve;

static void say(const Serve *s, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void say(const Serve *s, const char *format, ...)
{
    va_list list;

    if (s->options->quiet)
        return;
    fputs("ak: ", stderr);
    va_start(list, format);
    vfprintf(stderr, format, list);
    va_end(list);
    fputc('\n', stderr);
}

static json_t *error_body(const char *words)
{
    return json_pack("{s:s}", "error", words);
}

/* --- Deployments: what was judged is what runs --------------------------------------------------------------- */

static bool is_local(const AkDeployment *d)
{
    json_t *manifest = d->manifest ? json_loads(d->manifest, 0, NULL) : NULL;
    bool local = json_object_get(manifest, "local") != NULL;

    json_decref(manifest);
    return local;
}

static bool may_run(Serve *s, const char *deployment)
{
    AkDeployment *d;

    for (Judged *j = s->judged; j; j = j->next)
        if (!strcmp(j->id, deployment))
            return j->holds;
    if (ak_deployment_get(s->home->store, deployment, &d) < 0)
        return false;
    Judged *judged = calloc(1, sizeof *judged);
    *judged = (Judged){.next = s->judged, .holds = is_local(d) || ak_verdict_holds(d)};
    snprintf(judged->id, sizeof judged->id, "%s", deployment);
    s->judged = judged;
    free(d);
    if (!judged->holds)
        say(s, "deployment %s is refused: its verdict does not belong to its content; deploy it again",
            deployment);
    return judged->holds;
}

static AkHost *on_host(void *owner, const char *deployment, const char *entry, char *why, size_t size)
{
    Serve *s = owner;

    if (may_run(s, deployment))
        return ak_hosts_get(s->hosts, deployment, entry, why, size);
    snprintf(why, size, "deployment %s is refused: its verdict does not belong to its content", deployment);
    return NULL;
}

/* --- Answers to webhooks --------------------------------------------------------------------------------------- */

static Pending **find_pending(Serve *s, const char *session)
{
    Pending **link = &s->pending;

    while (*link && strcmp((*link)->session_id, session))
        link = &(*link)->next;
    return link;
}

static void end_pending(Pending **link)
{
    Pending *p = *link;

    *link = p->next;
    ak_outcome_free(&p->outcome);
    free(p);
}

static void accept_request(Pending *p, unsigned status)
{
    json_t *headers = json_pack("{s:s}", "AutoKitteh-Event-ID", p->event_id);

    ak_http_answer_json(p->request, status, headers,
                        *p->session_id ? json_pack("{s:s, s:s}", "event_id", p->event_id, "session_id",
                                                   p->session_id)
                                       : json_pack("{s:s}", "event_id", p->event_id));
    json_decref(headers);
}

static void answer_outcome(Pending *p)
{
    json_object_set_new(p->outcome.headers, "AutoKitteh-Event-ID", json_string(p->event_id));
    ak_http_answer(p->request, p->outcome.status, p->outcome.headers,
                   p->outcome.body.at ? p->outcome.body.at : "", p->outcome.body.len);
}

/* True when it was answered. What stands here is durable: it is called after a commit. */
static bool answer_pending(Serve *s, Pending *p, int64_t now)
{
    if (!p->sync)
        accept_request(p, 202);
    else if (p->outcome.complete || (p->ended && p->outcome.status))
        answer_outcome(p);
    else if (p->ended && p->failed)
        ak_http_answer_json(p->request, 500, NULL, error_body("the session failed"));
    else if (p->ended)
        accept_request(p, 202);
    else if (now >= p->due_us)
        ak_http_answer_json(p->request, 504, NULL, error_body("the session gave no answer in time"));
    else if (s->signals)
        ak_http_answer_json(p->request, 503, NULL, error_body("the server stops; the session goes on later"));
    else
        return false;
    return true;
}

static void answer_all(Serve *s)
{
    int64_t now = ak_loop_now().mono_us, next = 0;

    for (Pending **link = &s->pending; *link;) {
        if (answer_pending(s, *link, now)) {
            end_pending(link);
            continue;
        }
        if (!next || (*link)->due_us < next)
            next = (*link)->due_us;
        link = &(*link)->next;
    }
    if (next)
        ak_timer_set(s->sync, next - now);
}

/* Nothing since the last commit happened: who waits for it has to try again. */
static void refuse_all(Serve *s)
{
    while (s->pending) {
        ak_http_answer_json(s->pending->request, 503, NULL, error_body("the event could not be recorded"));
        end_pending(&s->pending);
    }
}

static void on_outcome(void *owner, const char *session, AkBytes value)
{
    Pending *p = *find_pending(owner, session);

    if (p && !p->outcome.complete)
        ak_outcome_add(&p->outcome, value);
}

static void on_finished(void *owner, const char *session, AkState state, AkBytes value, AkBytes error)
{
    Serve *s = owner;
    Pending *p = *find_pending(s, session);

    (void)value;
    s->sessions_ended++;
    s->sessions_failed += state == AK_STATE_ERROR;
    if (p) {
        p->ended = true;
        p->failed = state != AK_STATE_COMPLETED;
    }
    if (state == AK_STATE_ERROR && !s->options->quiet) {
        say(s, "session %s failed", session);
        ak_report_error(stderr, error);
    }
    if (s->draining)
        ak_timer_set(s->tidy, SECOND / 10);
}

static void on_refused(void *owner, const char *session, int fault, const char *words)
{
    say(owner, "session %s cannot go on: %s (%s)", session, words, ak_fault_name(fault));
}

static void on_store_failed(void *owner, int fault, const char *words)
{
    Serve *s = owner;

    say(s, "nothing can be recorded: %s (%s)", words, ak_fault_name(fault));
    s->store_failed = true;
}

static const AkFront front = {.host = on_host, .outcome = on_outcome, .finished = on_finished,
                              .refused = on_refused, .store_failed = on_store_failed};

/* --- Webhooks ------------------------------------------------------------------------------------------------- */

static const char *text(const json_t *object, const char *key)
{
    const char *value = json_string_value(json_object_get(object, key));

    return value ? value : "";
}

typedef struct Secret {
    char name[300];
    char *value;
} Secret;

static int note_secret(void *payload, const AkVar *var)
{
    Secret *secret = payload;

    if (strcmp(var->name, secret->name))
        return 0;
    secret->value = strdup(var->value);
    return 1;
}

/* The variable TRIGGER__webhook_secret, where there is one, is what requests have to be signed with. */
static bool is_trusted(Serve *s, const AkTrigger *t, AkHttpRequest *request)
{
    Secret secret = {.value = NULL};

    snprintf(secret.name, sizeof secret.name, "%.200s__webhook_secret", t->name);
    ak_var_list(s->home->store, t->project_id, note_secret, &secret);
    bool trusted = !secret.value || !*secret.value || ak_webhook_is_signed(request, secret.value);
    free(secret.value);
    return trusted;
}

static void busy(Serve *s, AkHttpRequest *request, const char *words)
{
    json_t *headers = json_pack("{s:s}", "Retry-After", "5");

    s->refused++;
    ak_http_answer_json(request, 503, headers, error_body(words));
    json_decref(headers);
}

static void take_event(Serve *s, AkHttpRequest *request, const AkTrigger *t, const char *suffix)
{
    json_t *config = json_loads(t->config ? t->config : "{}", 0, NULL);
    json_t *data = ak_webhook_data(request, suffix);
    char type[32];
    AkDispatched done;
    AkHappening what = {.trigger = t, .type = type, .data = data,
                        .key = ak_http_header(request, "Idempotency-Key")};

    ak_webhook_type(request, type, sizeof type);
    if (what.key && !*what.key)
        what.key = NULL;
    if (ak_dispatch(s->driver, s->home->store, &what, &done)) {
        say(s, "an event was not taken: %s", ak_store_error(s->home->store));
        busy(s, request, "the event could not be recorded");
    } else {
        bool sync = json_is_true(json_object_get(config, "is_sync"));
        s->events += !done.again;
        if (sync && !*done.session_id && !done.again) {
            ak_http_answer_json(request, 502, NULL, error_body("no session was started"));
        } else {
            Pending *p = calloc(1, sizeof *p);
            *p = (Pending){.next = s->pending, .request = request, .sync = sync && *done.session_id,
                           .due_us = ak_loop_now().mono_us + s->sync_us};
            memcpy(p->event_id, done.event_id, sizeof p->event_id);
            memcpy(p->session_id, done.session_id, sizeof p->session_id);
            s->pending = p;
        }
    }
    json_decref(data);
    json_decref(config);
}

static void webhook(Serve *s, AkHttpRequest *request, const char *rest)
{
    size_t len = strcspn(rest, "/");
    char slug[64];
    AkTrigger *t;

    snprintf(slug, sizeof slug, "%.*s", (int)(len < 63 ? len : 63), rest);
    int fault = ak_trigger_by_slug(s->home->store, slug, &t);
    if (fault) {
        if (fault == AK_E_ABSENT)
            ak_http_answer_json(request, 404, NULL, error_body("no webhook has this address"));
        else
            busy(s, request, "the state cannot be read");
        return;
    }
    if (!t->enabled || !t->deployment_id)
        ak_http_answer_json(request, 404, NULL, error_body("this webhook is not active"));
    else if (!is_trusted(s, t, request))
        ak_http_answer_json(request, 401, NULL, error_body("the signature is missing or wrong"));
    else if (!may_run(s, t->deployment_id))
        busy(s, request, "the deployment is refused: its verdict does not belong to its content");
    else if (s->signals)
        busy(s, request, "the server stops");
    else if ((int64_t)ak_driver_waiting(s->driver) >= s->queue_max)
        busy(s, request, "too many sessions wait");
    else
        take_event(s, request, t, rest[len] == '/' ? rest + len + 1 : "");
    free(t);
}

/* --- The rest of HTTP ------------------------------------------------------------------------------------------- */

static bool has_token(const Serve *s, const AkHttpRequest *request)
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

static void health(Serve *s, AkHttpRequest *request)
{
    ak_http_answer_json(request, s->signals ? 503 : 200, NULL,
                        json_pack("{s:s, s:i, s:i, s:i}", "status", s->signals ? "stopping" : "ok", "sessions",
                                  (int)ak_driver_sessions(s->driver), "runners",
                                  (int)ak_driver_runners(s->driver), "waiting",
                                  (int)ak_driver_waiting(s->driver)));
}

static void metrics(Serve *s, AkHttpRequest *request)
{
    json_t *headers = json_pack("{s:s}", "Content-Type", "text/plain; version=0.0.4");
    char words[2048];
    int len = snprintf(words, sizeof words,
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
                       (unsigned long long)ak_driver_commits(s->driver), ak_driver_sessions(s->driver),
                       ak_driver_runners(s->driver), ak_driver_waiting(s->driver),
                       ak_http_connections(s->http));

    ak_http_answer(request, 200, headers, words, (size_t)len);
    json_decref(headers);
}

/* /store/PROJECT/KEY: what a program has published. */
static void published(Serve *s, AkHttpRequest *request, const char *rest)
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
        ak_http_answer_json(request, 404, NULL, error_body("there is no such value"));
    }
    free((char *)(uintptr_t)value.at);
}

static void on_request(void *owner, AkHttpRequest *request)
{
    Serve *s = owner;
    const char *path = ak_http_path(request), *method = ak_http_method(request);
    bool reads = !strcmp(method, "GET") || !strcmp(method, "HEAD");

    if (!strncmp(path, "/webhooks/", 10))
        webhook(s, request, path + 10);
    else if (!reads)
        ak_http_answer_json(request, 404, NULL, error_body("there is nothing here"));
    else if (!strcmp(path, "/healthz"))
        health(s, request);
    else if (!strncmp(path, "/store/", 7))
        published(s, request, path + 7);
    else if (!strcmp(path, "/metrics") && !has_token(s, request))
        ak_http_answer_json(request, 401, NULL, error_body("a token is needed"));
    else if (!strcmp(path, "/metrics"))
        metrics(s, request);
    else
        ak_http_answer_json(request, 404, NULL, error_body("there is nothing here"));
}

/* --- Schedules --------------------------------------------------------------------------------------------------- */

static void arm_ticks(Serve *s)
{
    int64_t due = ak_trigger_next_due(s->home->store), now = ak_loop_now().wall_us;

    if (due <= 0) {
        ak_timer_clear(s->ticks);
        return;
    }
    /* The wall clock may jump: it is looked at again every minute at least. */
    int64_t wait = due - now;
    ak_timer_set(s->ticks, wait > SIGNAL_CHECK_S * (int64_t)SECOND ? SIGNAL_CHECK_S * (int64_t)SECOND : wait);
}

typedef struct Due {
    char (*ids)[64];
    size_t len;
} Due;

static int note_due(void *payload, const AkTrigger *t)
{
    Due *due = payload;

    due->ids = realloc(due->ids, (due->len + 1) * sizeof *due->ids);
    if (!due->ids)
        abort();
    snprintf(due->ids[due->len++], sizeof *due->ids, "%s", t->id);
    return 0;
}

/* However many ticks were missed, it fires once; the next one is counted from now. */
static int tick(Serve *s, const char *id, int64_t now)
{
    AkTrigger *t;
    AkDispatched done;
    int fault = ak_trigger_get(s->home->store, id, &t);

    if (fault)
        return fault;
    json_t *config = json_loads(t->config ? t->config : "{}", 0, NULL), *data = json_object();
    AkTrigger row = *t;
    row.due_us = ak_schedule_next(text(config, "schedule"), now);
    AkHappening what = {.trigger = t, .type = "tick", .data = data};
    if (t->deployment_id && may_run(s, t->deployment_id))
        fault = ak_dispatch(s->driver, s->home->store, &what, &done);
    if (!fault && !ak_store_is_open(s->home->store))
        fault = ak_store_begin(s->home->store);
    if (!fault)
        fault = ak_trigger_update(s->home->store, &row);
    s->events += !fault;
    ak_driver_want_commit(s->driver);
    json_decref(config);
    json_decref(data);
    free(t);
    return fault;
}

static void on_ticks(void *owner)
{
    Serve *s = owner;
    int64_t now = ak_loop_now().wall_us;
    Due due = {0};
    int fault = s->signals ? 0 : ak_trigger_due(s->home->store, now, note_due, &due);

    for (size_t i = 0; i < due.len && !fault; i++)
        fault = tick(s, due.ids[i], now);
    free(due.ids);
    if (fault) {
        say(s, "a schedule did not fire: %s", ak_store_error(s->home->store));
        ak_timer_set(s->ticks, SECOND);
    } else {
        arm_ticks(s);
    }
}

/* --- Commands ------------------------------------------------------------------------------------------------------ */

/* What is open is committed, so that a change of the state stands or falls alone. */
static int begin_alone(Serve *s)
{
    for (int i = 0; i < 100 && ak_store_is_open(s->home->store); i++) {
        ak_driver_want_commit(s->driver);
        ak_driver_turn(s->driver);
    }
    return ak_store_is_open(s->home->store) ? AK_E_BUSY : ak_store_begin(s->home->store);
}

static json_t *change(Serve *s, const json_t *request)
{
    AkStore *store = s->home->store;

    if (begin_alone(s))
        return ak_admin_error(AK_EXIT_FAILED, "%s", ak_store_error(store));
    json_t *answer = ak_admin(store, request);
    if (answer && !json_object_get(answer, "error") && ak_store_commit(store) < 0) {
        json_decref(answer);
        answer = ak_admin_error(AK_EXIT_FAILED, "%s", ak_store_error(store));
    }
    if (ak_store_is_open(store))
        ak_store_abort(store);
    arm_ticks(s);
    s->draining = true;
    ak_timer_set(s->tidy, SECOND / 10);
    ak_loop_hurry(s->loop);
    return answer;
}

static json_t *dispatched(Serve *s, int fault, const AkDispatched *done, const char *what)
{
    if (fault == AK_E_ABSENT)
        return ak_admin_error(AK_EXIT_NOT_FOUND, "nothing is called '%s'", what);
    if (!fault) {
        s->store_failed = false;
        ak_driver_turn(s->driver);
    }
    if (fault || s->store_failed)
        return ak_admin_error(AK_EXIT_FAILED, "%s", ak_store_error(s->home->store));
    s->events++;
    json_t *answer = json_pack("{s:s}", "event_id", done->event_id);
    if (*done->session_id)
        json_object_set_new(answer, "session_id", json_string(done->session_id));
    return answer;
}

typedef struct Find {
    const char *name;
    char id[64];
    size_t found;
} Find;

static int find_trigger(void *payload, const AkTrigger *t)
{
    Find *find = payload;

    if (strcmp(t->id, find->name) && strcmp(t->name, find->name))
        return 0;
    snprintf(find->id, sizeof find->id, "%s", t->id);
    find->found++;
    return 0;
}

static json_t *fire(Serve *s, const json_t *request)
{
    Find find = {.name = text(request, "trigger")};
    AkProject *project = NULL;
    AkTrigger *t;
    AkDispatched done;
    const char *type = text(request, "event_type");
    json_t *data = json_object_get(request, "data"), *none = json_object();
    int fault = 0;

    if (*text(request, "project"))
        fault = ak_project_get(s->home->store, text(request, "project"), &project);
    if (!fault)
        fault = ak_trigger_list(s->home->store, project ? project->id : NULL, find_trigger, &find);
    free(project);
    if (!fault && find.found > 1) {
        json_decref(none);
        return ak_admin_error(AK_EXIT_USAGE, "%zu triggers are called '%s'; name the project with --project",
                              find.found, find.name);
    }
    if (!fault)
        fault = find.found ? ak_trigger_get(s->home->store, find.id, &t) : AK_E_ABSENT;
    if (!fault) {
        AkHappening what = {.trigger = t, .data = data ? data : none,
                            .type = *type ? type : strcmp(t->kind, "schedule") ? "manual" : "tick"};
        if (!t->enabled || !t->deployment_id || !may_run(s, t->deployment_id)) {
            free(t);
            json_decref(none);
            return ak_admin_error(AK_EXIT_REFUSED, "trigger %s is not active", find.name);
        }
        fault = ak_dispatch(s->driver, s->home->store, &what, &done);
        free(t);
    }
    json_decref(none);
    return dispatched(s, fault, &done, find.name);
}

static json_t *redispatch(Serve *s, const json_t *request)
{
    AkDispatched done;
    int fault = ak_dispatch_again(s->driver, s->home->store, text(request, "event"), &done);

    return dispatched(s, fault, &done, text(request, "event"));
}

static json_t *stop_session(Serve *s, const json_t *request)
{
    const char *id = text(request, "session");
    int fault = ak_driver_stop(s->driver, id, text(request, "reason"));

    if (fault == AK_E_ABSENT)
        return ak_admin_error(AK_EXIT_NOT_FOUND, "no session is called '%s'", id);
    if (fault == AK_E_ENDED)
        return ak_admin_error(AK_EXIT_REFUSED, "session %s has ended already", id);
    if (fault)
        return ak_admin_error(AK_EXIT_FAILED, "%s", ak_driver_error(s->driver));
    return json_pack("{s:s}", "session_id", id);
}

static json_t *on_command(void *owner, const json_t *request)
{
    Serve *s = owner;
    const char *op = text(request, "op");

    if (!strcmp(op, "fire"))
        return fire(s, request);
    if (!strcmp(op, "redispatch"))
        return redispatch(s, request);
    if (!strcmp(op, "stop_session"))
        return stop_session(s, request);
    if (!strcmp(op, "status"))
        return json_pack("{s:s, s:i, s:i}", "url", s->url, "pid", (int)getpid(), "sessions",
                         (int)ak_driver_sessions(s->driver));
    return change(s, request);
}

static int note_draining(void *payload, const AkDeployment *d)
{
    Due *due = payload;

    if (d->state != AK_DEPLOYMENT_DRAINING)
        return 0;
    due->ids = realloc(due->ids, (due->len + 1) * sizeof *due->ids);
    if (!due->ids)
        abort();
    snprintf(due->ids[due->len++], sizeof *due->ids, "%s", d->id);
    return 0;
}

/* Deployments that drained are inactive. */
static void on_tidy(void *owner)
{
    Serve *s = owner;
    Due due = {0};
    int fault = ak_deployment_list(s->home->store, NULL, note_draining, &due);

    s->draining = due.len > 0;
    if (!fault && due.len && !begin_alone(s)) {
        for (size_t i = 0; i < due.len && !fault; i++)
            fault = ak_deployment_drained(s->home->store, due.ids[i]);
        if (!fault)
            fault = ak_store_commit(s->home->store);
        if (ak_store_is_open(s->home->store))
            ak_store_abort(s->home->store);
    }
    free(due.ids);
}

/* --- Life ------------------------------------------------------------------------------------------------------------ */

static void on_signal(void *owner, int number)
{
    Serve *s = owner;

    (void)number;
    if (s->signals++ == 0) {
        say(s, "stopping: steps that run are let finish");
        ak_http_quiet(s->http);
        ak_timer_set(s->stop, STOP_S * (int64_t)SECOND);
    } else {
        s->stop_now = true;
    }
}

static void on_stop(void *owner)
{
    ((Serve *)owner)->stop_now = true;
}

static void on_sync(void *owner)
{
    (void)owner; /* answer_all follows every turn */
}

/* A thousand connections and as many runners' sockets want descriptors. */
static void raise_limits(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max > 65536 ? 65536 : limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

static int start(Serve *s)
{
    const AkConfig *config = s->home->config;
    char why[512];

    s->loop = ak_loop_new();
    s->http = ak_http_new(s->loop, s->options->host, s->options->port, on_request, s, why, sizeof why);
    if (!s->http)
        return ak_say_error(AK_EXIT_FAILED, "%s", why);
    if (*s->options->url)
        snprintf(s->url, sizeof s->url, "%s", s->options->url);
    else
        snprintf(s->url, sizeof s->url, strchr(s->options->host, ':') ? "http://[%s]:%d" : "http://%s:%d",
                 s->options->host, ak_http_port(s->http));
    s->control = ak_control_new(s->loop, s->home->place.dir, on_command, s);
    if (!s->control)
        return ak_say_error(AK_EXIT_FAILED, "%s/control.sock cannot be made", s->home->place.dir);
    s->hosts = ak_hosts_new(s->loop, s->home->store, config, &s->home->place);
    ak_hosts_set_url(s->hosts, s->url);
    AkDriverOptions driving = {
        .run = {.turn_timeout_us = ak_config_number(config, "limits.turn") * SECOND},
        .idle_us = ak_config_number(config, "serve.idle") * SECOND,
        .everyone = true,
        .max_runners = (size_t)ak_config_number(config, "limits.runners"),
    };
    s->queue_max = ak_config_number(config, "limits.queue");
    s->sync_us = ak_config_number(config, "serve.sync") * SECOND;
    s->ticks = ak_timer_new(s->loop, on_ticks, s);
    s->sync = ak_timer_new(s->loop, on_sync, s);
    s->tidy = ak_timer_new(s->loop, on_tidy, s);
    s->stop = ak_timer_new(s->loop, on_stop, s);
    s->driver = ak_driver_new(s->loop, s->home->store, &driving, &front, s);
    s->draining = true;
    ak_timer_set(s->tidy, SECOND);
    arm_ticks(s);
    signal(SIGPIPE, SIG_IGN);
    ak_loop_on_signal(s->loop, SIGTERM, on_signal, s);
    ak_loop_on_signal(s->loop, SIGINT, on_signal, s);
    return 0;
}

static void say_ready(const Serve *s)
{
    if (s->options->json)
        printf("{\"url\": \"%s\", \"pid\": %d}\n", s->url, (int)getpid());
    else
        printf("ak: serving on %s\n", s->url);
    fflush(stdout);
}

static bool has_to_stop(const Serve *s)
{
    return s->stop_now || (s->signals && !s->pending && !ak_driver_is_executing(s->driver));
}

static void turn(Serve *s)
{
    s->store_failed = false;
    ak_driver_turn(s->driver);
    if (s->store_failed)
        refuse_all(s);
    else
        answer_all(s);
}

static void end(Serve *s)
{
    ak_control_free(s->control);
    refuse_all(s);
    ak_http_free(s->http);
    ak_driver_free(s->driver);
    ak_hosts_free(s->hosts);
    ak_timer_free(s->ticks);
    ak_timer_free(s->sync);
    ak_timer_free(s->tidy);
    ak_timer_free(s->stop);
    ak_loop_free(s->loop);
    while (s->judged) {
        Judged *judged = s->judged;
        s->judged = judged->next;
        free(judged);
    }
}

int ak_serve(AkHome *home, const AkServeOptions *options)
{
    Serve s = {.home = home, .options = options};

    raise_limits();
    int code = start(&s);
    if (!code) {
        say_ready(&s);
        turn(&s);
        while (!has_to_stop(&s)) {
            ak_loop_turn(s.loop);
            turn(&s);
        }
    }
    end(&s);
    return code;
}
