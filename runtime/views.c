#define _GNU_SOURCE
#include "views.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "admin.h"

json_t *ak_view_time(int64_t us)
{
    return us ? json_real((double)us / 1e6) : json_null();
}

json_t *ak_view_text(AkBytes text)
{
    json_t *string = json_stringn(text.at, text.len);
    char *clean;

    if (string)
        return string;
    clean = malloc(text.len + 1);
    if (!clean)
        return json_string("");
    for (size_t i = 0; i < text.len; i++)
        clean[i] = (char)((unsigned char)text.at[i] < 0x80 ? text.at[i] : '?');
    string = json_stringn(clean, text.len);
    free(clean);
    return string;
}

static void set_text(json_t *object, const char *name, AkBytes text)
{
    if (text.at)
        json_object_set_new(object, name, ak_view_text(text));
}

static void set_json(json_t *object, const char *name, AkBytes text)
{
    json_t *value = text.at ? json_loadb(text.at, text.len, JSON_DECODE_ANY, NULL) : NULL;

    if (value)
        json_object_set_new(object, name, value);
    else
        set_text(object, name, text);
}

static void set_number(json_t *object, const char *name, uint64_t number)
{
    if (number)
        json_object_set_new(object, name, json_integer((json_int_t)number));
}

static void set_time(json_t *object, const char *name, int64_t us)
{
    if (us)
        json_object_set_new(object, name, ak_view_time(us));
}

static json_t *load(const char *text)
{
    json_t *value = text ? json_loads(text, JSON_DECODE_ANY, NULL) : NULL;

    return value ? value : json_null();
}

/* --- Projects and what belongs to them
 * ------------------------------------------------------------------------ */

json_t *ak_view_project(const AkProject *project)
{
    return json_pack("{s:s, s:s, s:o}", "project_id", project->id, "name", project->name,
                     "created_at", ak_view_time(project->created_us));
}

static const char *state_name(AkDeploymentState state)
{
    return state == AK_DEPLOYMENT_ACTIVE     ? "ACTIVE"
           : state == AK_DEPLOYMENT_DRAINING ? "DRAINING"
                                             : "INACTIVE";
}

json_t *ak_view_deployment(AkStore *store, const AkDeployment *d)
{
    AkSessionQuery query = {.deployment_id = d->id,
                            .states = 1u << AK_STATE_CREATED | 1u << AK_STATE_RUNNING};
    json_t *manifest = load(d->manifest);
    const char *name = json_string_value(json_object_get(manifest, "name"));
    json_t *o =
        json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:o, s:o, s:I}", "deployment_id", d->id,
                  "project_id", d->project_id, "project", name ? name : "", "build_id",
                  d->build_id, "content", d->digest, "state", state_name(d->state), "dialect",
                  d->dialect, "created_at", ak_view_time(d->created_us), "activated_at",
                  ak_view_time(d->activated_us), "live_sessions",
                  (json_int_t)ak_session_count(store, &query));

    json_decref(manifest);
    return o;
}

json_t *ak_view_deployment_whole(AkStore *store, const AkDeployment *d)
{
    json_t *o = ak_view_deployment(store, d);

    json_object_set_new(o, "manifest", load(d->manifest));
    json_object_set_new(o, "verdict", load(d->verdict));
    json_object_set_new(o, "verdict_holds", json_boolean(ak_verdict_holds(d)));
    return o;
}

json_t *ak_view_trigger(const AkTrigger *t)
{
    json_t *config = load(t->config);
    const char *call = json_string_value(json_object_get(config, "call"));
    const char *schedule = json_string_value(json_object_get(config, "schedule"));
    json_t *row = json_pack("{s:s, s:s, s:s, s:s, s:b, s:s*, s:o, s:s}", "trigger_id", t->id,
                            "project_id", t->project_id, "name", t->name, "kind", t->kind,
                            "enabled", t->enabled, "deployment_id", t->deployment_id, "next_at",
                            ak_view_time(t->due_us), "call", call ? call : "");

    if (t->slug)
        json_object_set_new(row, "path", json_sprintf("/webhooks/%s", t->slug));
    json_object_set_new(row, "where",
                        t->slug ? json_sprintf("/webhooks/%s", t->slug)
                                : json_string(schedule ? schedule : ""));
    json_object_set_new(row, "config", config);
    return row;
}

json_t *ak_view_var(const AkVar *var)
{
    return json_pack("{s:s, s:s, s:b}", "name", var->name, "value",
                     var->secret && *var->value ? "********" : var->value, "secret",
                     var->secret);
}

json_t *ak_view_key(const AkPair *pair)
{
    json_t *row = json_pack("{s:s, s:b}", "key", pair->key, "published", pair->published);

    set_json(row, "value", pair->value);
    return row;
}

json_t *ak_view_event(const AkStoredEvent *e)
{
    return json_pack("{s:s, s:s, s:s*, s:s, s:s*, s:o}", "event_id", e->id, "project_id",
                     e->project_id, "trigger_id", e->trigger_id, "type", e->type, "key", e->key,
                     "created_at", ak_view_time(e->created_us));
}

json_t *ak_view_event_whole(const AkStoredEvent *e)
{
    json_t *row = ak_view_event(e);

    json_object_set_new(row, "event", load(e->data));
    return row;
}

/* --- Sessions
 * ------------------------------------------------------------------------------------- */

json_t *ak_view_session(const AkSession *s)
{
    json_t *o = json_pack("{s:s, s:s, s:s, s:s, s:s*, s:s*, s:s*, s:s*}", "id", s->id, "state",
                          ak_state_name(s->state), "entry", s->entry, "project_id",
                          s->project_id, "deployment_id", s->deployment_id, "event_id",
                          s->event_id, "parent_id", s->parent_id, "value", s->value);

    set_time(o, "created", s->created_us);
    set_time(o, "ended", s->ended_us);
    set_number(o, "records", s->length);
    set_json(o, "memo", ak_bytes(s->memo));
    set_json(o, "error", ak_bytes(s->error));
    if (s->wait && s->state == AK_STATE_RUNNING) {
        json_t *wait =
            json_pack("{s:s, s:s*}", "kind", ak_wait_name(s->wait), "text", s->wait_text);
        set_number(wait, "seq", s->wait_seq);
        set_time(wait, "since", s->since_us);
        set_time(wait, "until", s->due_us);
        json_object_set_new(o, "wait", wait);
    }
    return o;
}

const char *ak_view_file(AkBytes file, char *name, size_t size)
{
    snprintf(name, size, "%.*s", (int)(file.len < size ? file.len : size - 1),
             file.at ? file.at : "");
    char *cache = strstr(name, "/cache/");
    char *below = cache ? strchr(cache + 7, '/') : NULL;
    return below ? below + 1 : name;
}

static void set_outcome(json_t *o, const AkRecord *r)
{
    if (r->kind == AK_REC_ANSWER)
        set_json(o, "value", r->value);
    if (r->kind == AK_REC_DONE)
        set_text(o, "value", r->value);
    if (r->kind == AK_REC_CALL)
        set_number(o, "size", r->value.len);
    if (r->kind == AK_REC_DONE)
        json_object_set_new(o, "state", json_string(ak_state_name(r->state)));
    if (r->kind == AK_REC_PRINT)
        json_object_set_new(o, "stream",
                            json_string(r->stream == AK_STREAM_STDERR ? "stderr" : "stdout"));
    if (r->in_memory)
        json_object_set_new(o, "in_memory", json_true());
}

json_t *ak_view_step(const AkRecord *r)
{
    char name[300];
    json_t *o = json_pack("{s:I, s:s}", "number", (json_int_t)r->number, "kind",
                          ak_record_kind_name(r->kind));

    set_time(o, "at", r->at_us);
    set_time(o, "start", r->start_us);
    set_time(o, "due", r->due_us);
    set_number(o, "seq", r->seq);
    set_number(o, "attempt", r->attempt);
    set_text(o, "name", r->name);
    if (r->file.at)
        set_text(o, "file", ak_bytes(ak_view_file(r->file, name, sizeof name)));
    set_number(o, "line", r->line);
    set_text(o, "func", r->func);
    set_text(o, "arguments", r->preview);
    set_text(o, "result", r->result);
    set_json(o, "args", r->args);
    set_json(o, "error", r->error);
    set_text(o, "text", r->text);
    set_text(o, "digest", r->digest);
    set_outcome(o, r);
    return o;
}
