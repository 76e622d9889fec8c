#define _GNU_SOURCE
#include "serve_inner.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dispatch.h"
#include "webhook.h"

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

/* The variable TRIGGER__webhook_secret, where there is one, is what requests have to be signed
 * with. */
static bool is_trusted(AkServe *s, const AkTrigger *t, AkHttpRequest *request)
{
    Secret secret = {.value = NULL};

    snprintf(secret.name, sizeof secret.name, "%.200s__webhook_secret", t->name);
    ak_var_list(s->home->store, t->project_id, note_secret, &secret);
    bool trusted =
        !secret.value || !*secret.value || ak_webhook_is_signed(request, secret.value);
    free(secret.value);
    return trusted;
}

static void take_event(AkServe *s, AkHttpRequest *request, const AkTrigger *t,
                       const char *suffix)
{
    json_t *config = json_loads(t->config ? t->config : "{}", 0, NULL);
    json_t *data = ak_webhook_data(request, suffix);
    char type[32];
    AkDispatched done;
    AkHappening what = {.trigger = t,
                        .type = type,
                        .data = data,
                        .key = ak_http_header(request, "Idempotency-Key")};

    ak_webhook_type(request, type, sizeof type);
    if (what.key && !*what.key)
        what.key = NULL;
    if (ak_dispatch(s->driver, s->home->store, &what, &done)) {
        ak__serve_say(s, "an event was not taken: %s", ak_store_error(s->home->store));
        ak__serve_busy(s, request, "the event could not be recorded");
    } else {
        bool sync = json_is_true(json_object_get(config, "is_sync"));
        s->events += !done.again;
        if (sync && !*done.session_id && !done.again) {
            ak_http_answer_json(request, 502, NULL, ak__serve_error("no session was started"));
        } else {
            AkPending *p = calloc(1, sizeof *p);
            *p = (AkPending){.next = s->pending,
                             .request = request,
                             .sync = sync && *done.session_id,
                             .due_us = ak_loop_now().mono_us + s->sync_us};
            memcpy(p->event_id, done.event_id, sizeof p->event_id);
            memcpy(p->session_id, done.session_id, sizeof p->session_id);
            s->pending = p;
        }
    }
    json_decref(data);
    json_decref(config);
}

void ak__serve_webhook(AkServe *s, AkHttpRequest *request, const char *rest)
{
    size_t len = strcspn(rest, "/");
    char slug[64];
    AkTrigger *t;

    snprintf(slug, sizeof slug, "%.*s", (int)(len < 63 ? len : 63), rest);
    int fault = ak_trigger_by_slug(s->home->store, slug, &t);
    if (fault) {
        if (fault == AK_E_ABSENT)
            ak_http_answer_json(request, 404, NULL,
                                ak__serve_error("no webhook has this address"));
        else
            ak__serve_busy(s, request, "the state cannot be read");
        return;
    }
    AkRoom room = ak__serve_room(s, t);
    if (!t->enabled || !t->deployment_id)
        ak_http_answer_json(request, 404, NULL, ak__serve_error("this webhook is not active"));
    else if (!is_trusted(s, t, request))
        ak_http_answer_json(request, 401, NULL,
                            ak__serve_error("the signature is missing or wrong"));
    else if (!ak__serve_may_run(s, t->deployment_id))
        ak__serve_busy(s, request,
                       "the deployment is refused: its verdict does not belong to its content");
    else if (s->signals)
        ak__serve_busy(s, request, "the server stops");
    else if (room == AK_SERVER_IS_FULL)
        ak__serve_busy(s, request, "too many sessions wait");
    else if (room == AK_LIMIT_IS_FULL)
        ak__serve_too_many(s, request, "as many sessions of this trigger wait as may");
    else
        take_event(s, request, t, rest[len] == '/' ? rest + len + 1 : "");
    free(t);
}
