/* What the server's files share. serve.c starts and ends it and hears the driver; HTTP comes in
 * by serve_http.c, webhooks by serve_webhooks.c, whose answers serve_answers.c gives after the
 * commit; how much may be under way at a time is serve_limits.c; schedules are serve_ticks.c, settings serve_settings.c, what commands ask for over the socket serve_commands.c.
 * One thread, the loop's. */
#ifndef AK_SERVE_INNER_H
#define AK_SERVE_INNER_H

#include <jansson.h>

#include "control.h"
#include "driver.h"
#include "hosts.h"
#include "http.h"
#include "metrics.h"
#include "serve.h"
#include "webhook.h"

enum { AK_SECOND = 1000000 };

/* A request whose answer is not there yet: the commit is to come, or the program's outcome. */
typedef struct AkPending {
    struct AkPending *next;
    AkHttpRequest *request;
    char event_id[32], session_id[32];
    bool sync;
    AkOutcome outcome;
    bool ended; /* the session has, without more to say */
    bool failed;
    int64_t due_us; /* monotonic */
} AkPending;

/* A deployment whose verdict was looked at. */
typedef struct AkJudged {
    struct AkJudged *next;
    char id[64];
    bool holds;
} AkJudged;

typedef struct AkNews AkNews;         /* news.c */
typedef struct AkApiChild AkApiChild; /* api_child.c */
typedef struct AkExport AkExport;     /* serve_export.c */
typedef struct AkAllowance AkAllowance;
typedef struct AkAway AkAway; /* serve_away.c */

typedef struct AkServe {
    AkHome *home;
    const AkServeOptions *options;
    AkLoop *loop;
    AkHosts *hosts;
    AkDriver *driver;
    AkHttp *http;
    AkControl *control;
    AkTimer *ticks, *sync, *tidy, *stop, *relief;
    AkConfig *reloaded; /* settings since the last SIGHUP; NULL: those of the start */
    AkPending *pending;
    AkJudged *judged;
    AkAllowance *allowances;
    char url[600];
    int64_t queue_max, backlog_max, spare_bytes, sync_us;
    int signals; /* that ask to stop */
    bool stop_now, store_failed, draining;
    uint64_t events, events_relieved, refused, sessions_ended, sessions_failed;
    int64_t started_us,
        ahead_us; /* ahead: of the monotonic clock, when schedules were looked at */
    AkHistogram steps;
    AkNews *news;
    AkApiChild *children;
    AkExport *export; /* NULL: nothing is exported */
    AkAway *away; /* where the state is, when it is not in home; then only loop, http, stop and
                     news are there as well */
} AkServe;

/* Ids that a walk over the store noted; free(ids). */
typedef struct AkDue {
    char (*ids)[64];
    size_t len;
} AkDue;

/* A line for whoever watches the server; with --log-format json an object a line. */
void ak__serve_say(const AkServe *s, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* The same with members for programs: an object, taken. */
void ak__serve_tell(const AkServe *s, const char *level, json_t *members, const char *format,
                    ...) __attribute__((format(printf, 4, 5)));
/* Does the deployment's verdict belong to its content? Asked once, then remembered. */
bool ak__serve_may_run(AkServe *s, const char *deployment);

/* Asked to stop: the first signal lets what runs come to its end, for a while; the second, or the
 * while's end, does not wait. */
void ak__serve_on_signal(void *owner, int number);
void ak__serve_stop_now(void *owner);
/* Tells on standard output that it serves, and where. */
void ak__serve_ready(const AkServe *s);
/* How it is reached, to s->url. */
void ak__serve_address(AkServe *s);

/* serve_answers.c: requests that wait. */
/* The link to the one that waits for this session; *link is NULL without one. */
AkPending **ak__serve_pending(AkServe *s, const char *session);
/* Answers all that can be; what stands in the store is durable when this is called. */
void ak__serve_answer(AkServe *s);
/* Nothing since the last commit happened: who waits for it has to try again. */
void ak__serve_refuse(AkServe *s);

/* serve_http.c */
void ak__serve_request(void *owner, AkHttpRequest *request);
json_t *ak__serve_error(const char *words);
/* What a server with sessions of its own and one of a cluster have in common. */
void ak__serve_metrics(const AkServe *s, AkText *to);
/* 503 (or 429), to be tried again. */
void ak__serve_busy(AkServe *s, AkHttpRequest *request, const char *words);
void ak__serve_too_many(AkServe *s, AkHttpRequest *request, const char *words);

/* serve_limits.c */
typedef enum AkRoom {
    AK_THERE_IS_ROOM,
    AK_SERVER_IS_FULL, /* as many sessions wait as may */
    AK_LIMIT_IS_FULL,  /* as many as this trigger or deployment lets wait */
} AkRoom;
AkRoom ak__serve_room(AkServe *s, const AkTrigger *trigger);
void ak__serve_limits(void *owner, const char *deployment, const char *trigger, size_t max[2]);
/* Deployments or triggers changed: they are looked up anew. */
void ak__serve_forget_limits(AkServe *s);

/* serve_settings.c */
/* Takes up what of the settings is the server's; the driver's part is returned. */
AkDriverOptions ak__serve_settings(AkServe *s, const AkConfig *config);
/* Reads config.yaml again. A mistake in it is told, and the settings stay. */
void ak__serve_reload(AkServe *s);
/* While memory is short, sessions that only wait give their processes back. */
void ak__serve_relieve(void *owner);

/* serve_webhooks.c: `rest` is what follows /webhooks/. */
void ak__serve_webhook(AkServe *s, AkHttpRequest *request, const char *rest);

/* serve_ticks.c */
void ak__serve_arm(AkServe *s); /* the timer for the next tick */
void ak__serve_ticks(void *owner);

/* serve_commands.c */
json_t *ak__serve_command(void *owner, const json_t *request);
/* Deployments that drained become inactive. */
void ak__serve_tidy(void *owner);

/* news.c: what the stream tells. */
bool ak__news_new(AkServe *s);
void ak__news_end(AkServe *s);  /* streams end with the next turn of HTTP */
void ak__news_free(AkServe *s); /* after HTTP */
void ak__news_session(AkServe *s, const char *id);
void ak__news_change(AkServe *s, const char *op);
void ak__news_publish(AkServe *s, const char *event, const char *topic, json_t *data);
size_t ak__news_clients(const AkServe *s);

/* serve_export.c: traces of sessions that ended. new gives an exit code; nothing configured is 0. */
int ak__export_new(AkServe *s);
void ak__export_session(AkServe *s, const char *id);
void ak__export_metrics(const AkServe *s, AkText *to);
void ak__export_free(AkServe *s); /* before the store */

/* api_child.c: replays and deploys that run are given up. */
void ak__api_end(AkServe *s);

#endif
