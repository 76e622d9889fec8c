#define _GNU_SOURCE
#include "serve_inner.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "admin.h"
#include "dispatch.h"
#include "exit_codes.h"
#include "members.h"

/* What is open is committed, so that a change of the state stands or falls alone. */
static int begin_alone(AkServe *s)
{
    for (int i = 0; i < 100 && ak_store_is_open(s->home->store); i++) {
        ak_driver_want_commit(s->driver);
        ak_driver_turn(s->driver);
    }
    return ak_store_is_open(s->home->store) ? AK_E_BUSY : ak_store_begin(s->home->store);
}

/* Variables and keys change nothing about what may be under way; counting it asks the store. */
static bool moves_limits(const char *op)
{
    return strncmp(op, "var_", 4) && strncmp(op, "store_", 6);
}

static json_t *change(AkServe *s, const json_t *request)
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
    if (moves_limits(ak_member_text(request, "op"))) {
        ak__serve_forget_limits(s);
        ak_driver_limits_changed(s->driver);
    }
    ak__serve_arm(s);
    s->draining = true;
    ak_timer_set(s->tidy, AK_SECOND / 10);
    ak_loop_hurry(s->loop);
    if (answer && !json_object_get(answer, "error"))
        ak__news_change(s, ak_member_text(request, "op"));
    return answer;
}

/* A call that is under way would be executed again: its session is not at rest. */
static json_t *busy_ones(AkServe *s, const json_t *request)
{
    json_t *busy = json_array(), *row;
    size_t i;

    json_array_foreach(json_object_get(request, "migrate"), i, row)
    {
        const char *id = ak_member_text(row, "session_id");
        if (ak_driver_executes(s->driver, id))
            json_array_append_new(busy, json_string(id));
    }
    return busy;
}

/* Those that are in memory have the old code there: they start again from their journals. */
static void start_anew(AkServe *s, const json_t *request)
{
    json_t *rows = json_object_get(request, "migrate"), *row, *had = json_array();
    size_t i;

    json_array_foreach(rows, i, row)
    {
        const char *id = ak_member_text(row, "session_id");
        if (!ak_driver_has(s->driver, id))
            continue;
        json_array_append_new(had, json_string(id));
        ak_driver_let_go(s->driver, id);
    }
    ak_driver_turn(s->driver); /* they are gone from memory after it */
    json_array_foreach(had, i, row) ak_driver_load(s->driver, json_string_value(row));
    json_decref(had);
}

static json_t *deploy(AkServe *s, const json_t *request)
{
    json_t *busy = busy_ones(s, request), *answer;

    if (json_array_size(busy)) {
        answer = ak_admin_error(AK_EXIT_REFUSED, "sessions are in the middle of a call");
        json_object_set(answer, "changed", busy);
    } else {
        answer = change(s, request);
        if (!json_object_get(answer, "error"))
            start_anew(s, request);
    }
    json_decref(busy);
    return answer;
}

/* What was done is answered once it is durable. False: the store would not. */
static bool settle(AkServe *s)
{
    s->store_failed = false;
    ak_driver_turn(s->driver);
    return !s->store_failed;
}

static json_t *dispatched(AkServe *s, int fault, const AkDispatched *done, const char *what)
{
    if (fault == AK_E_ABSENT)
        return ak_admin_error(AK_EXIT_NOT_FOUND, "nothing is called '%s'", what);
    if (fault || !settle(s))
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

static json_t *fire(AkServe *s, const json_t *request)
{
    Find find = {.name = ak_member_text(request, "trigger")};
    AkProject *project = NULL;
    AkTrigger *t;
    AkDispatched done;
    const char *type = ak_member_text(request, "event_type");
    json_t *data = json_object_get(request, "data"), *none = json_object();
    int fault = 0;

    if (*ak_member_text(request, "project"))
        fault = ak_project_get(s->home->store, ak_member_text(request, "project"), &project);
    if (!fault)
        fault =
            ak_trigger_list(s->home->store, project ? project->id : NULL, find_trigger, &find);
    free(project);
    if (!fault && find.found > 1) {
        json_decref(none);
        return ak_admin_error(AK_EXIT_USAGE,
                              "%zu triggers are called '%s'; name the project with --project",
                              find.found, find.name);
    }
    if (!fault)
        fault = find.found ? ak_trigger_get(s->home->store, find.id, &t) : AK_E_ABSENT;
    if (!fault) {
        AkHappening what = {.trigger = t,
                            .data = data ? data : none,
                            .type = *type                         ? type
                                    : strcmp(t->kind, "schedule") ? "manual"
                                                                  : "tick"};
        if (!t->enabled || !t->deployment_id || !ak__serve_may_run(s, t->deployment_id)) {
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

static json_t *redispatch(AkServe *s, const json_t *request)
{
    AkDispatched done;
    int fault =
        ak_dispatch_again(s->driver, s->home->store, ak_member_text(request, "event"), &done);

    return dispatched(s, fault, &done, ak_member_text(request, "event"));
}

static json_t *stop_session(AkServe *s, const json_t *request)
{
    const char *id = ak_member_text(request, "session");
    int fault = ak_driver_stop(s->driver, id, ak_member_text(request, "reason"));

    if (fault == AK_E_ABSENT)
        return ak_admin_error(AK_EXIT_NOT_FOUND, "no session is called '%s'", id);
    if (fault == AK_E_ENDED)
        return ak_admin_error(AK_EXIT_REFUSED, "session %s has ended already", id);
    if (fault)
        return ak_admin_error(AK_EXIT_FAILED, "%s", ak_driver_error(s->driver));
    if (!settle(s))
        return ak_admin_error(AK_EXIT_FAILED, "%s", ak_store_error(s->home->store));
    return json_pack("{s:s}", "session_id", id);
}

/* The copy runs from here on. */
static json_t *fork_session(AkServe *s, const json_t *request)
{
    json_t *answer = change(s, request);
    const char *id = ak_member_text(answer, "session_id");

    if (*id && ak_driver_load(s->driver, id) < 0) {
        json_decref(answer);
        return ak_admin_error(AK_EXIT_FAILED, "%s", ak_driver_error(s->driver));
    }
    return answer;
}

/* Its process ends before its records go. */
static json_t *delete_session(AkServe *s, const json_t *request)
{
    const char *id = ak_member_text(request, "session");

    if (json_is_true(json_object_get(request, "force")))
        ak_driver_let_go(s->driver, id);
    json_t *answer = change(s, request);
    if (json_object_get(answer, "error"))
        ak_driver_load(s->driver, id); /* where it is there, it goes on */
    return answer;
}

json_t *ak__serve_command(void *owner, const json_t *request)
{
    AkServe *s = owner;
    const char *op = ak_member_text(request, "op");

    if (!strcmp(op, "deploy"))
        return deploy(s, request);
    if (!strcmp(op, "fire"))
        return fire(s, request);
    if (!strcmp(op, "redispatch"))
        return redispatch(s, request);
    if (!strcmp(op, "stop_session"))
        return stop_session(s, request);
    if (!strcmp(op, "fork"))
        return fork_session(s, request);
    if (!strcmp(op, "delete_session"))
        return delete_session(s, request);
    if (!strcmp(op, "status"))
        return json_pack("{s:s, s:i, s:i}", "url", s->url, "pid", (int)getpid(), "sessions",
                         (int)ak_driver_sessions(s->driver));
    return change(s, request);
}

static int note_draining(void *payload, const AkDeployment *d)
{
    AkDue *due = payload;

    if (d->state != AK_DEPLOYMENT_DRAINING)
        return 0;
    due->ids = realloc(due->ids, (due->len + 1) * sizeof *due->ids);
    if (!due->ids)
        abort();
    snprintf(due->ids[due->len++], sizeof *due->ids, "%s", d->id);
    return 0;
}

/* Deployments that drained are inactive. */
void ak__serve_tidy(void *owner)
{
    AkServe *s = owner;
    AkDue due = {0};
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
