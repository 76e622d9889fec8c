#define _GNU_SOURCE
#include "serve_inner.h"

#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "admin.h"
#include "exit_codes.h"
#include "listen.h"
#include "report.h"
#include "views.h"

enum { STOP_S = 10 };

static void log_line(const AkServe *s, const char *level, json_t *members, const char *words)
{
    if (!s->options->log_json) {
        fprintf(stderr, "ak: %s\n", words);
        return;
    }
    json_t *line = json_pack("{s:o, s:s, s:o}", "time", ak_view_time(ak_loop_now().wall_us),
                             "level", level, "message", ak_view_text(ak_bytes(words)));
    json_object_update(line, members);
    json_dumpf(line, stderr, JSON_COMPACT | JSON_ENSURE_ASCII);
    fputc('\n', stderr);
    json_decref(line);
}

void ak__serve_say(const AkServe *s, const char *format, ...)
{
    char words[2048];
    va_list list;

    if (s->options->quiet)
        return;
    va_start(list, format);
    vsnprintf(words, sizeof words, format, list);
    va_end(list);
    log_line(s, "info", NULL, words);
}

void ak__serve_tell(const AkServe *s, const char *level, json_t *members, const char *format,
                    ...)
{
    char words[2048];
    va_list list;

    va_start(list, format);
    vsnprintf(words, sizeof words, format, list);
    va_end(list);
    if (!s->options->quiet)
        log_line(s, level, members, words);
    json_decref(members);
}

/* --- Deployments: what was judged is what runs
 * --------------------------------------------------------------- */

static bool is_local(const AkDeployment *d)
{
    json_t *manifest = d->manifest ? json_loads(d->manifest, 0, NULL) : NULL;
    bool local = json_object_get(manifest, "local") != NULL;

    json_decref(manifest);
    return local;
}

bool ak__serve_may_run(AkServe *s, const char *deployment)
{
    AkDeployment *d;

    for (AkJudged *j = s->judged; j; j = j->next)
        if (!strcmp(j->id, deployment))
            return j->holds;
    if (ak_deployment_get(s->home->store, deployment, &d) < 0)
        return false;
    AkJudged *judged = calloc(1, sizeof *judged);
    *judged = (AkJudged){.next = s->judged, .holds = is_local(d) || ak_verdict_holds(d)};
    snprintf(judged->id, sizeof judged->id, "%s", deployment);
    s->judged = judged;
    free(d);
    if (!judged->holds)
        ak__serve_say(
            s,
            "deployment %s is refused: its verdict does not belong to its content; deploy it "
            "again",
            deployment);
    return judged->holds;
}

static AkHost *on_host(void *owner, const char *deployment, const char *entry, char *why,
                       size_t size)
{
    AkServe *s = owner;

    if (ak__serve_may_run(s, deployment))
        return ak_hosts_get(s->hosts, deployment, entry, why, size);
    snprintf(why, size, "deployment %s is refused: its verdict does not belong to its content",
             deployment);
    return NULL;
}

/* --- What the driver tells
 * --------------------------------------------------------------------- */

static void on_outcome(void *owner, const char *session, AkBytes value)
{
    AkPending *p = *ak__serve_pending(owner, session);

    if (p && !p->outcome.complete)
        ak_outcome_add(&p->outcome, value);
}

/* People hear of failures; programs, by --log-format json, of every end. */
static void tell_end(const AkServe *s, const char *session, AkState state, AkBytes error)
{
    bool failed = state == AK_STATE_ERROR;

    if (!failed && !s->options->log_json)
        return;
    json_t *members =
        json_pack("{s:s, s:s}", "session_id", session, "state", ak_state_name(state));
    json_t *what = error.at ? json_loadb(error.at, error.len, 0, NULL) : NULL;
    if (what)
        json_object_set_new(members, "error", what);
    ak__serve_tell(s, failed ? "error" : "info", members,
                   failed ? "session %s failed" : "session %s ended", session);
    if (!s->options->log_json && !s->options->quiet)
        ak_report_error(stderr, error);
}

static void on_recorded(void *owner, const char *session)
{
    ak__news_session(owner, session);
}

static void on_executed(void *owner, const char *session, int64_t took_us)
{
    (void)session;
    ak_histogram_add(&((AkServe *)owner)->steps, took_us);
}

static void on_finished(void *owner, const char *session, AkState state, AkBytes value,
                        AkBytes error)
{
    AkServe *s = owner;
    AkPending *p = *ak__serve_pending(s, session);

    (void)value;
    s->sessions_ended++;
    s->sessions_failed += state == AK_STATE_ERROR;
    if (p) {
        p->ended = true;
        p->failed = state != AK_STATE_COMPLETED;
    }
    tell_end(s, session, state, error);
    ak__export_session(s, session);
    if (s->draining)
        ak_timer_set(s->tidy, AK_SECOND / 10);
}

static void on_refused(void *owner, const char *session, int fault, const char *words)
{
    ak__serve_say(owner, "session %s cannot go on: %s (%s)", session, words,
                  ak_fault_name(fault));
}

static void on_store_failed(void *owner, int fault, const char *words)
{
    AkServe *s = owner;

    ak__serve_say(s, "nothing can be recorded: %s (%s)", words, ak_fault_name(fault));
    s->store_failed = true;
}

static const AkFront front = {.host = on_host,
                              .outcome = on_outcome,
                              .finished = on_finished,
                              .refused = on_refused,
                              .store_failed = on_store_failed,
                              .recorded = on_recorded,
                              .executed = on_executed,

                              .limits = ak__serve_limits};

/* --- Life
 * ------------------------------------------------------------------------------------------------------------
 */

void ak__serve_on_signal(void *owner, int number)
{
    AkServe *s = owner;

    (void)number;
    if (s->signals++ == 0) {
        ak_notify("STOPPING=1");
        ak__serve_say(s, s->away ? "stopping"
                                 : "stopping: steps that run are let finish; a second signal "
                                   "ends them");
        ak_http_quiet(s->http);
        ak_timer_set(s->stop, STOP_S * (int64_t)AK_SECOND);
    } else {
        s->stop_now = true;
    }
}

static void on_reload(void *owner, int number)
{
    (void)number;
    ak__serve_reload(owner);
}

void ak__serve_stop_now(void *owner)
{
    ((AkServe *)owner)->stop_now = true;
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

/* The texts of a large body are used again for the next: a mapping for each of them would cost more
 * in page faults than all else that is done for it. ak__serve_relieve gives back what is left. */
static void bound_heap(void)
{
    mallopt(M_MMAP_THRESHOLD, 4 << 20);
    mallopt(M_TRIM_THRESHOLD, 8 << 20);
}

void ak__serve_address(AkServe *s)
{
    if (*s->options->url)
        snprintf(s->url, sizeof s->url, "%s", s->options->url);
    else
        snprintf(s->url, sizeof s->url,
                 strchr(s->options->host, ':') ? "http://[%s]:%d" : "http://%s:%d",
                 s->options->host, s->options->port);
}

static int start(AkServe *s)
{
    char why[512];

    s->loop = ak_loop_new();
    s->started_us = ak_loop_now().wall_us;
    if (!ak__news_new(s))
        return ak_say_error(AK_EXIT_FAILED, "out of memory");
    s->http = ak_http_new(s->loop, s->options->fd, ak__serve_request, s, why, sizeof why);
    if (!s->http)
        return ak_say_error(AK_EXIT_FAILED, "%s", why);
    ak__serve_address(s);
    int code = ak__export_new(s);
    if (code)
        return code;
    s->control = ak_control_new(s->loop, s->home->place.dir, ak__serve_command, s);
    if (!s->control)
        return ak_say_error(AK_EXIT_FAILED, "%s/control.sock cannot be made",
                            s->home->place.dir);
    s->hosts = ak_hosts_new(s->loop, s->home->store, s->home->config, &s->home->place);
    ak_hosts_set_url(s->hosts, s->url);
    AkDriverOptions driving = ak__serve_settings(s, s->home->config);
    s->ticks = ak_timer_new(s->loop, ak__serve_ticks, s);
    s->sync = ak_timer_new(s->loop, on_sync, s);
    s->tidy = ak_timer_new(s->loop, ak__serve_tidy, s);
    s->stop = ak_timer_new(s->loop, ak__serve_stop_now, s);
    s->relief = ak_timer_new(s->loop, ak__serve_relieve, s);
    s->driver = ak_driver_new(s->loop, s->home->store, &driving, &front, s);
    s->draining = true;
    ak_timer_set(s->tidy, AK_SECOND);
    ak_timer_set(s->relief, AK_SECOND);
    ak__serve_arm(s);
    signal(SIGPIPE, SIG_IGN);
    ak_loop_on_signal(s->loop, SIGTERM, ak__serve_on_signal, s);
    ak_loop_on_signal(s->loop, SIGINT, ak__serve_on_signal, s);
    ak_loop_on_signal(s->loop, SIGHUP, on_reload, s);
    return 0;
}

void ak__serve_ready(const AkServe *s)
{
    if (s->options->json)
        printf("{\"url\": \"%s\", \"pid\": %d}\n", s->url, (int)getpid());
    else
        printf("ak: serving on %s\n", s->url);
    fflush(stdout);
    ak_notify("READY=1");
}

static bool has_to_stop(const AkServe *s)
{
    return s->stop_now || (s->signals && !s->pending && !ak_driver_is_executing(s->driver));
}

static void turn(AkServe *s)
{
    s->store_failed = false;
    ak_driver_turn(s->driver);
    if (s->store_failed)
        ak__serve_refuse(s);
    else
        ak__serve_answer(s);
}

static void end(AkServe *s)
{
    ak_control_free(s->control);
    ak__serve_refuse(s);
    ak__api_end(s);
    ak__news_end(s);
    ak_http_free(s->http);
    ak__news_free(s);
    ak_driver_free(s->driver);
    ak__export_free(s);
    ak_hosts_free(s->hosts);
    ak_timer_free(s->ticks);
    ak_timer_free(s->sync);
    ak_timer_free(s->tidy);
    ak_timer_free(s->stop);
    ak_timer_free(s->relief);
    ak_loop_free(s->loop);
    ak_config_free(s->reloaded);
    ak__serve_forget_limits(s);
    while (s->judged) {
        AkJudged *judged = s->judged;
        s->judged = judged->next;
        free(judged);
    }
}

int ak_serve(AkHome *home, const AkServeOptions *options)
{
    AkServe s = {.home = home, .options = options};

    raise_limits();
    bound_heap();
    int code = start(&s);
    if (!code) {
        ak__serve_ready(&s);
        turn(&s);
        while (!has_to_stop(&s)) {
            ak_loop_turn(s.loop);
            turn(&s);
        }
    }
    end(&s);
    return code;
}
