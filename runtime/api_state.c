/* What the API says and does about projects, deployments, triggers, events, variables, keys. */
#define _GNU_SOURCE
#include "api.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "admin.h"
#include "bundle.h"
#include "exit_codes.h"
#include "manifest.h"
#include "views.h"

enum { SOURCE_MAX = 512 << 10 };

/* {"items": …}, or the fault's error. Takes items. */
static json_t *listed(const AkApiCall *call, json_t *items, int fault)
{
    if (fault < 0 && fault != AK_E_STOPPED) {
        json_decref(items);
        return ak__api_store_error(call);
    }
    return json_pack("{s:o}", "items", items);
}

/* ---- The server */

json_t *ak__api_status(AkApiCall *call)
{
    static const AkState all[] = {AK_STATE_CREATED, AK_STATE_RUNNING, AK_STATE_COMPLETED,
                                  AK_STATE_ERROR, AK_STATE_STOPPED};
    AkServe *s = call->serve;
    int64_t counts[6];
    char project[64];
    json_t *error, *states;

    if (!ak__api_project(call, ak__api_text(call, "project"), project, &error))
        return error;
    if (ak_session_tally(ak__api_store(call), *project ? project : NULL, counts))
        return ak__api_store_error(call);
    states = json_object();
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        json_object_set_new(states, ak_state_name(all[i]), json_integer(counts[all[i]]));
    return json_pack("{s:s, s:s, s:s, s:o, s:I, s:I, s:I, s:o}", "version", AK_VERSION, "url",
                     s->url, "status", s->signals ? "stopping" : "ok", "sessions", states,
                     "sessions_in_memory", (json_int_t)ak_driver_sessions(s->driver), "runners",
                     (json_int_t)ak_driver_runners(s->driver), "waiting",
                     (json_int_t)ak_driver_waiting(s->driver), "started_at",
                     ak_view_time(s->started_us));
}

json_t *ak__api_document(AkApiCall *call)
{
    return ak__api_openapi(call->serve);
}

/* ---- Projects */

static int note_active(void *payload, const AkDeployment *d)
{
    if (d->state != AK_DEPLOYMENT_ACTIVE)
        return 0;
    json_object_set_new(payload, "active_deployment_id", json_string(d->id));
    return 1;
}

static json_t *project_view(AkStore *store, const AkProject *project)
{
    json_t *o = ak_view_project(project);

    json_object_set_new(o, "active_deployment_id", json_null());
    /* Its name is the folder of the program. */
    json_object_set_new(o, "local", json_boolean(project->name[0] == '/'));
    ak_deployment_list(store, project->id, note_active, o);
    return o;
}

typedef struct Rows {
    AkStore *store;
    json_t *items;
} Rows;

static int add_project(void *payload, const AkProject *project)
{
    Rows *rows = payload;

    json_array_append_new(rows->items, project_view(rows->store, project));
    return 0;
}

json_t *ak__api_projects(AkApiCall *call)
{
    Rows rows = {ak__api_store(call), json_array()};

    return listed(call, rows.items, ak_project_list(rows.store, add_project, &rows));
}

json_t *ak__api_project_get(AkApiCall *call)
{
    AkProject *project;
    int fault = ak_project_get(ak__api_store(call), call->args[0], &project);

    if (fault)
        return ak__api_fault(call, fault, "project", call->args[0]);
    json_t *o = project_view(ak__api_store(call), project);
    free(project);
    return o;
}

/* ---- Deployments */

static int add_deployment(void *payload, const AkDeployment *d)
{
    static const char *const counts[] = {"errors", "warnings", "notes", "allowed"};
    Rows *rows = payload;
    json_t *o, *verdict;

    if (!d->verdict) /* of `ak run` */
        return 0;
    o = ak_view_deployment(rows->store, d);
    verdict = json_loads(d->verdict, 0, NULL);
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
        if (json_is_integer(json_object_get(verdict, counts[i])))
            json_object_set(o, counts[i], json_object_get(verdict, counts[i]));
    json_decref(verdict);
    json_array_append_new(rows->items, o);
    return 0;
}

json_t *ak__api_deployments(AkApiCall *call)
{
    Rows rows = {ak__api_store(call), NULL};
    char project[64];
    json_t *error;

    if (!ak__api_project(call, ak__api_text(call, "project"), project, &error))
        return error;
    rows.items = json_array();
    return listed(
        call, rows.items,
        ak_deployment_list(rows.store, *project ? project : NULL, add_deployment, &rows));
}

static AkDeployment *deployment_of(AkApiCall *call, json_t **error)
{
    AkDeployment *d;
    int fault = ak_deployment_get(ak__api_store(call), call->args[0], &d);

    if (!fault)
        return d;
    *error = ak__api_fault(call, fault, "deployment", call->args[0]);
    return NULL;
}

json_t *ak__api_deployment_get(AkApiCall *call)
{
    json_t *o = NULL;
    AkDeployment *d = deployment_of(call, &o);

    if (d)
        o = ak_view_deployment_whole(ak__api_store(call), d);
    free(d);
    return o;
}

static json_t *deployment_op(AkApiCall *call, const char *op)
{
    return ak__api_command(call,
                           json_pack("{s:s, s:s}", "op", op, "deployment", call->args[0]));
}

json_t *ak__api_activate(AkApiCall *call)
{
    return deployment_op(call, "activate");
}

json_t *ak__api_deactivate(AkApiCall *call)
{
    return deployment_op(call, "deactivate");
}

json_t *ak__api_deployment_delete(AkApiCall *call)
{
    return deployment_op(call, "delete_deployment");
}

typedef struct Source {
    const char *wanted; /* or NULL */
    json_t *answer;
} Source;

static int note_file(void *payload, const char *name, AkBytes bytes)
{
    Source *source = payload;
    bool cut = bytes.len > SOURCE_MAX;

    json_array_append_new(json_object_get(source->answer, "files"),
                          ak_view_text(ak_bytes(name)));
    if (!source->wanted || strcmp(source->wanted, name))
        return 0;
    if (cut)
        bytes.len = SOURCE_MAX;
    json_object_set_new(source->answer, "file", ak_view_text(ak_bytes(name)));
    json_object_set_new(source->answer, "text", ak_view_text(bytes));
    json_object_set_new(source->answer, "cut", json_boolean(cut));
    return 0;
}

json_t *ak__api_source(AkApiCall *call)
{
    json_t *error = NULL;
    AkDeployment *d = deployment_of(call, &error);
    Source source = {ak__api_text(call, "file"), NULL};
    AkBytes tar;

    if (!d)
        return error;
    int fault = ak_bundle_get(ak__api_store(call), d->digest, &tar);
    free(d);
    if (fault)
        return ak__api_store_error(call);
    source.answer = json_pack("{s:[]}", "files");
    if (ak_bundle_each(tar, note_file, &source) < 0 ||
        (source.wanted && !json_object_get(source.answer, "file"))) {
        json_decref(source.answer);
        source.answer = ak__api_absent("file of it", source.wanted ? source.wanted : "");
    }
    free((char *)(uintptr_t)tar.at);
    return source.answer;
}

/* ---- Triggers and events */

static int add_trigger(void *payload, const AkTrigger *t)
{
    json_array_append_new(payload, ak_view_trigger(t));
    return 0;
}

json_t *ak__api_triggers(AkApiCall *call)
{
    char project[64];
    json_t *error;

    if (!ak__api_project(call, ak__api_text(call, "project"), project, &error))
        return error;
    json_t *items = json_array();
    return listed(
        call, items,
        ak_trigger_list(ak__api_store(call), *project ? project : NULL, add_trigger, items));
}

json_t *ak__api_fire(AkApiCall *call)
{
    json_t *request = json_pack("{s:s, s:s}", "op", "fire", "trigger", call->args[0]);

    json_object_update(request, call->body);
    return ak__api_command(call, request);
}

static int add_event(void *payload, const AkStoredEvent *e)
{
    json_array_append_new(payload, ak_view_event(e));
    return 0;
}

json_t *ak__api_events(AkApiCall *call)
{
    size_t limit = (size_t)ak__api_number(call, "limit", 100);
    char project[64];
    json_t *error, *items;

    if (!ak__api_project(call, ak__api_text(call, "project"), project, &error))
        return error;
    items = json_array();
    json_t *answer =
        listed(call, items,
               ak_event_list(ak__api_store(call), *project ? project : NULL,
                             ak__api_text(call, "cursor"), limit, add_event, items));
    if (json_object_get(answer, "items")) {
        size_t n = json_array_size(items);
        json_t *last = n < limit ? NULL : json_array_get(items, n - 1);
        json_object_set(answer, "next", last ? json_object_get(last, "event_id") : json_null());
    }
    return answer;
}

json_t *ak__api_event_get(AkApiCall *call)
{
    AkStoredEvent *e;
    int fault = ak_event_get(ak__api_store(call), call->args[0], &e);

    if (fault)
        return ak__api_fault(call, fault, "event", call->args[0]);
    json_t *o = ak_view_event_whole(e);
    free(e);
    return o;
}

json_t *ak__api_redispatch(AkApiCall *call)
{
    return ak__api_command(call,
                           json_pack("{s:s, s:s}", "op", "redispatch", "event", call->args[0]));
}

/* ---- Variables and keys */

static int add_var(void *payload, const AkVar *var)
{
    json_array_append_new(payload, ak_view_var(var));
    return 0;
}

json_t *ak__api_vars(AkApiCall *call)
{
    char project[64];
    json_t *error;

    if (!ak__api_project(call, call->args[0], project, &error))
        return error;
    json_t *items = json_array();
    return listed(call, items, ak_var_list(ak__api_store(call), project, add_var, items));
}

json_t *ak__api_var_set(AkApiCall *call)
{
    const char *name = call->args[1];

    if (!ak_is_symbol(name))
        return ak_admin_error(
            AK_EXIT_USAGE,
            "'%s' is no name of a variable: letters, digits and _, no digit first", name);
    json_t *request =
        json_pack("{s:s, s:s, s:s}", "op", "var_set", "project", call->args[0], "name", name);
    json_object_update(request, call->body);
    return ak__api_command(call, request);
}

json_t *ak__api_var_delete(AkApiCall *call)
{
    return ak__api_command(call, json_pack("{s:s, s:s, s:s}", "op", "var_delete", "project",
                                           call->args[0], "name", call->args[1]));
}

typedef struct Keys {
    const char *only;
    json_t *items;
} Keys;

static int add_key(void *payload, const AkPair *pair)
{
    Keys *keys = payload;

    if (!keys->only || !strcmp(keys->only, pair->key))
        json_array_append_new(keys->items, ak_view_key(pair));
    return 0;
}

static json_t *keys_of(AkApiCall *call, const char *only)
{
    Keys keys = {only, NULL};
    char project[64];
    json_t *error;

    if (!ak__api_project(call, call->args[0], project, &error))
        return error;
    keys.items = json_array();
    return listed(call, keys.items, ak_key_list(ak__api_store(call), project, add_key, &keys));
}

json_t *ak__api_keys(AkApiCall *call)
{
    return keys_of(call, NULL);
}

json_t *ak__api_key_get(AkApiCall *call)
{
    json_t *all = keys_of(call, call->args[1]), *items = json_object_get(all, "items");
    json_t *one = json_incref(json_array_get(items, 0));

    if (!items)
        return all;
    json_decref(all);
    return one ? one : ak__api_absent("key", call->args[1]);
}

json_t *ak__api_key_set(AkApiCall *call)
{
    json_t *value = json_object_get(call->body, "value");

    if (json_is_null(value))
        return ak_admin_error(AK_EXIT_USAGE, "value: anything but null; DELETE deletes");
    return ak__api_command(call,
                           json_pack("{s:s, s:s, s:s, s:O}", "op", "store_set", "project",
                                     call->args[0], "key", call->args[1], "value", value));
}

json_t *ak__api_key_delete(AkApiCall *call)
{
    return ak__api_command(call, json_pack("{s:s, s:s, s:s}", "op", "store_set", "project",
                                           call->args[0], "key", call->args[1]));
}
