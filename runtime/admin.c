#define _GNU_SOURCE
#include "admin.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control.h"
#include "engine/cron.h"
#include "exit_codes.h"
#include "ids.h"
#include "loop.h"
#include "members.h"
#include "session_ops.h"
#include "sha256.h"
#include "views.h"
#include "zone.h"

json_t *ak_admin_error(int exit_code, const char *format, ...)
{
    char words[1024];
    va_list list;

    va_start(list, format);
    vsnprintf(words, sizeof words, format, list);
    va_end(list);
    return json_pack("{s:o, s:i}", "error", ak_view_text(ak_bytes(words)), "code", exit_code);
}

static json_t *store_error(const AkStore *store)
{
    return ak_admin_error(AK_EXIT_FAILED, "%s", ak_store_error(store));
}

int64_t ak_schedule_next(const char *schedule, int64_t after_us)
{
    const char *why;
    uint32_t at;
    AkCron cron;

    if (ak_cron_parse(&cron, schedule, &why, &at) < 0 || !ak_zone_exists(cron.zone))
        return 0;
    int64_t next = ak_cron_next(&cron, after_us / 1000000, ak_zone_offset, NULL);
    return next < 0 ? 0 : next * 1000000;
}

/* --- Verdicts
 * --------------------------------------------------------------------------------------------
 */

void ak_verdict_seal(const char *digest, const char *dialect, const char *manifest,
                     const json_t *verdict, char seal[65])
{
    json_t *bare = json_copy((json_t *)verdict);
    json_object_del(bare, "seal");
    char *found = json_dumps(bare, JSON_COMPACT | JSON_SORT_KEYS), *all = NULL;

    if (asprintf(&all, "%s\n%s\n%s\n%s", digest, dialect, manifest, found) < 0)
        abort();
    ak_sha256_hex(all, strlen(all), seal);
    free(all);
    free(found);
    json_decref(bare);
}

bool ak_verdict_holds(const AkDeployment *d)
{
    json_t *verdict = d->verdict ? json_loads(d->verdict, 0, NULL) : NULL;
    char seal[65] = "";

    if (verdict)
        ak_verdict_seal(d->digest, d->dialect ? d->dialect : "", d->manifest ? d->manifest : "",
                        verdict, seal);
    bool holds = verdict && !strcmp(ak_member_text(verdict, "content"), d->digest) &&
                 !strcmp(ak_member_text(verdict, "seal"), seal);
    json_decref(verdict);
    return holds;
}

/* --- Triggers
 * -------------------------------------------------------------------------------------------
 */

typedef struct Old {
    char id[64], name[128], kind[32], slug[64];
    bool kept;
} Old;

typedef struct Olds {
    Old *items;
    size_t len;
} Olds;

static int note_trigger(void *payload, const AkTrigger *t)
{
    Olds *olds = payload;

    olds->items = realloc(olds->items, (olds->len + 1) * sizeof *olds->items);
    if (!olds->items)
        abort();
    Old *old = &olds->items[olds->len++];
    *old = (Old){0};
    snprintf(old->id, sizeof old->id, "%s", t->id);
    snprintf(old->name, sizeof old->name, "%s", t->name);
    snprintf(old->kind, sizeof old->kind, "%s", t->kind);
    snprintf(old->slug, sizeof old->slug, "%s", t->slug ? t->slug : "");
    return 0;
}

/* A trigger keeps its id and its address from one deployment to the next. */
static int put_trigger(AkStore *store, const char *project, const char *deployment,
                       json_t *plan, Olds *olds, json_t *told)
{
    int64_t now = ak_loop_now().wall_us;
    char id[AK_ID_SIZE], slug[AK_SEED_SIZE];
    const char *name = ak_member_text(plan, "name"), *kind = ak_member_text(plan, "kind");
    Old *old = NULL;

    for (size_t i = 0; i < olds->len && !old; i++)
        if (!strcmp(olds->items[i].name, name) && !strcmp(olds->items[i].kind, kind))
            old = &olds->items[i];
    ak_id_new("trg", now, id);
    ak_seed_new(slug);
    bool webhook = !strcmp(kind, "webhook");
    char *config = json_dumps(plan, JSON_COMPACT | JSON_SORT_KEYS);
    AkTrigger row = {.id = old ? old->id : id,
                     .project_id = project,
                     .deployment_id = deployment,
                     .name = name,
                     .kind = kind,
                     .config = config,
                     .enabled = true,
                     .slug = !webhook            ? NULL
                             : old && *old->slug ? old->slug
                                                 : slug,
                     .due_us = strcmp(kind, "schedule")
                                   ? 0
                                   : ak_schedule_next(ak_member_text(plan, "schedule"), now)};
    int fault = old ? ak_trigger_update(store, &row) : ak_trigger_put(store, &row);
    if (old)
        old->kept = true;
    json_array_append_new(told, json_pack("{s:s, s:s, s:s, s:s, s:s*}", "name", name, "kind",
                                          kind, "id", row.id, "did",
                                          old ? "updated" : "created", "slug", row.slug));
    free(config);
    return fault;
}

static int put_triggers(AkStore *store, const char *project, const char *deployment,
                        const json_t *plan, json_t *told)
{
    Olds olds = {0};
    size_t i;
    json_t *t;
    int fault = ak_trigger_list(store, project, note_trigger, &olds);

    json_array_foreach(json_object_get(plan, "triggers"), i, t) if (!fault) fault =
        put_trigger(store, project, deployment, t, &olds, told);
    for (size_t k = 0; !fault && k < olds.len; k++) {
        if (olds.items[k].kept)
            continue;
        fault = ak_trigger_delete(store, olds.items[k].id);
        json_array_append_new(told, json_pack("{s:s, s:s, s:s}", "name", olds.items[k].name,
                                              "kind", olds.items[k].kind, "did", "deleted"));
    }
    free(olds.items);
    return fault;
}

typedef struct Disable {
    AkStore *store;
    Olds olds;
    const char *deployment;
} Disable;

static int note_of_deployment(void *payload, const AkTrigger *t)
{
    Disable *disable = payload;

    return t->deployment_id && !strcmp(t->deployment_id, disable->deployment)
               ? note_trigger(&disable->olds, t)
               : 0;
}

static int disable_triggers(AkStore *store, const char *project, const char *deployment)
{
    Disable disable = {store, {0}, deployment};
    int fault = ak_trigger_list(store, project, note_of_deployment, &disable);

    for (size_t i = 0; !fault && i < disable.olds.len; i++) {
        AkTrigger *t;
        fault = ak_trigger_get(store, disable.olds.items[i].id, &t);
        if (fault)
            break;
        AkTrigger row = *t;
        row.enabled = false;
        row.due_us = 0;
        fault = ak_trigger_update(store, &row);
        free(t);
    }
    free(disable.olds.items);
    return fault;
}

/* --- Deployments
 * -------------------------------------------------------------------------------------------
 */

static int64_t live_sessions(AkStore *store, const char *deployment)
{
    AkSessionQuery query = {.deployment_id = deployment,
                            .states = 1u << AK_STATE_CREATED | 1u << AK_STATE_RUNNING};

    return ak_session_count(store, &query);
}

/* ACTIVE becomes DRAINING while sessions live on it, else INACTIVE; so does DRAINING. */
static int retire(AkStore *store, const char *id)
{
    AkDeployment *d;
    int fault = ak_deployment_get(store, id, &d);

    if (fault)
        return fault;
    int64_t live = live_sessions(store, id);
    AkDeployment row = *d;
    row.state = live > 0 ? AK_DEPLOYMENT_DRAINING : AK_DEPLOYMENT_INACTIVE;
    fault = live < 0                ? (int)live
            : row.state == d->state ? 0
                                    : ak_deployment_update(store, &row);
    free(d);
    return fault;
}

int ak_deployment_drained(AkStore *store, const char *id)
{
    AkDeployment *d;
    int fault = ak_deployment_get(store, id, &d);

    if (fault)
        return fault;
    bool draining = d->state == AK_DEPLOYMENT_DRAINING;
    free(d);
    return draining ? retire(store, id) : 0;
}

typedef struct Active {
    char id[64];
} Active;

static int note_active(void *payload, const AkDeployment *d)
{
    if (d->state != AK_DEPLOYMENT_ACTIVE)
        return 0;
    snprintf(((Active *)payload)->id, sizeof((Active *)payload)->id, "%s", d->id);
    return 1;
}

static int find_active(AkStore *store, const char *project, Active *active)
{
    int fault;

    active->id[0] = '\0';
    fault = ak_deployment_list(store, project, note_active, active);
    return fault == AK_E_STOPPED ? 0 : fault;
}

static int put_vars(AkStore *store, const char *project, const json_t *plan,
                    const json_t *before);

static int activate(AkStore *store, const AkDeployment *d, json_t *told)
{
    Active active;
    AkDeployment row = *d;
    json_t *plan = d->manifest ? json_loads(d->manifest, 0, NULL) : NULL;
    int fault = find_active(store, d->project_id, &active);

    row.state = AK_DEPLOYMENT_ACTIVE;
    row.activated_us = ak_loop_now().wall_us;
    if (!fault)
        fault = ak_deployment_update(store, &row);
    if (!fault && active.id[0] && strcmp(active.id, d->id))
        fault = retire(store, active.id);
    if (!fault)
        fault = put_triggers(store, d->project_id, d->id, plan, told);
    json_decref(plan);
    return fault;
}

/* --- deploy
 * -----------------------------------------------------------------------------------------------
 */

typedef struct Search {
    const char *name;
    bool found;
} Search;

static int same_name(void *payload, const AkVar *var)
{
    Search *search = payload;

    search->found |= !strcmp(var->name, search->name);
    return 0;
}

/* An empty value in the manifest is there to be filled in elsewhere: it takes nothing away.
 * What the manifest before named and this one does not is deleted. */
static int put_vars(AkStore *store, const char *project, const json_t *plan,
                    const json_t *before)
{
    size_t i;
    json_t *var;
    int fault = 0;

    json_array_foreach(json_object_get(plan, "vars"), i, var)
    {
        Search search = {ak_member_text(var, "name"), false};
        AkVar row = {project, search.name, ak_member_text(var, "value"),
                     json_is_true(json_object_get(var, "secret"))};
        if (!*row.value && !fault)
            fault = ak_var_list(store, project, same_name, &search);
        if (!fault && !search.found)
            fault = ak_var_set(store, &row);
    }
    json_array_foreach(json_object_get(before, "vars"), i,
                       var) if (!fault && !ak_member_named(json_object_get(plan, "vars"),
                                                           ak_member_text(var, "name")))
    {
        fault = ak_var_delete(store, project, ak_member_text(var, "name"));
        fault = fault == AK_E_ABSENT ? 0 : fault;
    }
    return fault;
}

/* Values belong to the variables, not to the record of a deployment. */
static char *bare_manifest(const json_t *plan)
{
    json_t *bare = json_deep_copy(plan), *var;
    size_t i;

    json_array_foreach(json_object_get(bare, "vars"), i, var) json_object_del(var, "value");
    char *words = json_dumps(bare, JSON_COMPACT | JSON_SORT_KEYS);
    json_decref(bare);
    return words;
}

static int read_bundle(const char *path, AkText *tar)
{
    char chunk[65536];
    FILE *file = fopen(path, "re");
    size_t n;

    if (!file)
        return -1;
    while ((n = fread(chunk, 1, sizeof chunk, file)) > 0)
        ak_text_add(tar, chunk, n);
    fclose(file);
    return tar->failed ? -1 : 0;
}

static int find_project(AkStore *store, const char *name, char id[64], bool *fresh)
{
    AkProject *project;
    int64_t now = ak_loop_now().wall_us;
    int fault = ak_project_get(store, name, &project);

    *fresh = fault == AK_E_ABSENT;
    if (!fault) {
        snprintf(id, 64, "%s", project->id);
        free(project);
    }
    if (!*fresh)
        return fault;
    ak_id_new("prj", now, id);
    return ak_project_put(store, &(AkProject){.id = id, .name = name, .created_us = now});
}

static bool is_same(const AkDeployment *d, const char *digest, const char *dialect,
                    const char *manifest)
{
    return !strcmp(d->digest, digest) && !strcmp(d->dialect, dialect) && d->manifest &&
           !strcmp(d->manifest, manifest);
}

typedef struct Deploy {
    AkStore *store;
    const json_t *plan, *verdict, *migrate;
    json_t *changed; /* sessions that are not as they were when they were looked at */
    const char *dialect;
    char *manifest;
    char project[64], digest[65], build[64], id[64];
    bool fresh;
    json_t *answer;
} Deploy;

static int put_deployment(Deploy *d)
{
    int64_t now = ak_loop_now().wall_us;
    char *verdict = json_dumps(d->verdict, JSON_COMPACT | JSON_SORT_KEYS);

    ak_id_new("dep", now, d->id);
    AkDeployment row = {.id = d->id,
                        .project_id = d->project,
                        .build_id = d->build,
                        .digest = d->digest,
                        .state = AK_DEPLOYMENT_INACTIVE,
                        .created_us = now,
                        .dialect = d->dialect,
                        .manifest = d->manifest,
                        .verdict = verdict};
    int fault = ak_deployment_put(d->store, &row);
    if (!fault)
        fault = activate(d->store, &row, json_object_get(d->answer, "triggers"));
    free(verdict);
    return fault;
}

static int tell_trigger(void *payload, const AkTrigger *t)
{
    json_array_append_new(payload,
                          json_pack("{s:s, s:s, s:s, s:s, s:s*}", "name", t->name, "kind",
                                    t->kind, "id", t->id, "did", "kept", "slug", t->slug));
    return 0;
}

static int do_deploy(Deploy *d, AkText *tar)
{
    AkDeployment *old = NULL;
    Active active;
    json_t *before = NULL;
    int fault = find_project(d->store, ak_member_text(d->plan, "name"), d->project, &d->fresh);

    if (!fault)
        fault = ak_bundle_put(d->store, (AkBytes){tar->at, tar->len}, ak_loop_now().wall_us,
                              d->digest);
    if (!fault)
        fault = find_active(d->store, d->project, &active);
    if (!fault && active.id[0])
        fault = ak_deployment_get(d->store, active.id, &old);
    if (!fault && old && old->manifest)
        before = json_loads(old->manifest, 0, NULL);
    if (!fault)
        fault = put_vars(d->store, d->project, d->plan, before);
    snprintf(d->build, sizeof d->build, "bld_%.26s", d->digest);
    bool same = !fault && old && is_same(old, d->digest, d->dialect, d->manifest);
    if (same)
        snprintf(d->id, sizeof d->id, "%s", old->id);
    if (same)
        fault = ak_trigger_list(d->store, d->project, tell_trigger,
                                json_object_get(d->answer, "triggers"));
    else if (!fault)
        fault = put_deployment(d);
    if (!fault && d->migrate)
        fault = ak_sessions_move(d->store, d->project, d->id, d->migrate, d->changed);
    json_object_set_new(d->answer, "unchanged", json_boolean(same));
    json_decref(before);
    free(old);
    return fault;
}

static json_t *deploy(AkStore *store, const json_t *request)
{
    Deploy d = {.store = store,
                .plan = json_object_get(request, "plan"),
                .verdict = json_object_get(request, "verdict"),
                .migrate = json_object_get(request, "migrate"),
                .changed = json_array(),
                .dialect = ak_member_text(request, "dialect"),
                .answer = json_pack("{s:[]}", "triggers")};
    AkText tar = {0};

    d.manifest = bare_manifest(d.plan);
    if (read_bundle(ak_member_text(request, "bundle"), &tar) < 0) {
        json_decref(d.answer);
        d.answer = ak_admin_error(AK_EXIT_FAILED, "the bundle cannot be read");
    } else if (do_deploy(&d, &tar)) {
        json_decref(d.answer);
        d.answer = store_error(store);
    } else if (strcmp(ak_member_text(d.verdict, "content"), d.digest)) {
        json_decref(d.answer);
        d.answer = ak_admin_error(AK_EXIT_REFUSED, "the bundle is not what was judged");
    } else {
        json_object_set_new(d.answer, "project", json_string(ak_member_text(d.plan, "name")));
        json_object_set_new(d.answer, "project_id", json_string(d.project));
        json_object_set_new(d.answer, "project_created", json_boolean(d.fresh));
        json_object_set_new(d.answer, "build_id", json_string(d.build));
        json_object_set_new(d.answer, "deployment_id", json_string(d.id));
        json_object_set_new(d.answer, "content", json_string(d.digest));
    }
    if (json_array_size(d.changed) && !json_object_get(d.answer, "error")) {
        json_decref(d.answer);
        d.answer = ak_admin_error(AK_EXIT_REFUSED, "sessions have gone on meanwhile");
        json_object_set(d.answer, "changed", d.changed);
    }
    json_decref(d.changed);
    ak_text_free(&tar);
    free(d.manifest);
    return d.answer;
}

/* --- Other changes
 * ------------------------------------------------------------------------------------------ */

static json_t *change_deployment(AkStore *store, const json_t *request)
{
    const char *id = ak_member_text(request, "deployment"), *op = ak_member_text(request, "op");
    json_t *told = json_array();
    AkDeployment *d;
    int fault = ak_deployment_get(store, id, &d);

    if (fault) {
        json_decref(told);
        return fault == AK_E_ABSENT
                   ? ak_admin_error(AK_EXIT_NOT_FOUND, "no deployment is called '%s'", id)
                   : store_error(store);
    }
    json_t *answer = NULL;
    if (!strcmp(op, "activate") && !ak_verdict_holds(d))
        answer = ak_admin_error(AK_EXIT_REFUSED,
                                "the verdict of %s does not belong to its content; deploy "
                                "it again",
                                id);
    else if (!strcmp(op, "activate"))
        fault = activate(store, d, told);
    else if (!strcmp(op, "deactivate"))
        fault = d->state == AK_DEPLOYMENT_INACTIVE ? 0 : retire(store, id);
    else
        fault = ak_deployment_delete(store, id);
    if (!fault && !strcmp(op, "deactivate"))
        fault = disable_triggers(store, d->project_id, id);
    free(d);
    if (fault == AK_E_EXISTS)
        answer = ak_admin_error(AK_EXIT_REFUSED,
                                "%s is not inactive, or has sessions: deactivate it, and "
                                "delete its sessions",
                                id);
    else if (fault)
        answer = store_error(store);
    if (!answer)
        answer = json_pack("{s:s, s:O}", "deployment_id", id, "triggers", told);
    json_decref(told);
    return answer;
}

static json_t *project_error(AkStore *store, int fault, const char *name)
{
    return fault == AK_E_ABSENT
               ? ak_admin_error(AK_EXIT_NOT_FOUND, "no project is called '%s'", name)
               : store_error(store);
}

static json_t *change_var(AkStore *store, const json_t *request)
{
    const char *name = ak_member_text(request, "name"),
               *wanted = ak_member_text(request, "project");
    AkProject *project;
    int fault = ak_project_get(store, wanted, &project);

    if (fault)
        return project_error(store, fault, wanted);
    if (!strcmp(ak_member_text(request, "op"), "var_set")) {
        AkVar var = {project->id, name, ak_member_text(request, "value"),
                     json_is_true(json_object_get(request, "secret"))};
        fault = ak_var_set(store, &var);
    } else {
        fault = ak_var_delete(store, project->id, name);
    }
    free(project);
    if (fault == AK_E_ABSENT)
        return ak_admin_error(AK_EXIT_NOT_FOUND, "no variable is called '%s'", name);
    return fault ? store_error(store) : json_pack("{s:s}", "name", name);
}

static json_t *change_key(AkStore *store, const json_t *request)
{
    const char *key = ak_member_text(request, "key"),
               *wanted = ak_member_text(request, "project");
    json_t *value = json_object_get(request, "value");
    AkProject *project;
    int fault = ak_project_get(store, wanted, &project);

    if (fault)
        return project_error(store, fault, wanted);
    if (!value || json_is_null(value)) {
        fault = ak_key_delete(store, project->id, key);
    } else {
        char *words = json_dumps(value, JSON_ENCODE_ANY | JSON_ENSURE_ASCII);
        fault = ak_key_set(store, project->id, key, ak_bytes(words));
        free(words);
    }
    free(project);
    if (fault == AK_E_ABSENT)
        return ak_admin_error(AK_EXIT_NOT_FOUND, "no key is called '%s'", key);
    if (fault == AK_E_FULL || fault == AK_E_TOOBIG)
        return ak_admin_error(AK_EXIT_REFUSED, "%s",
                              fault == AK_E_FULL ? "the project has as many keys as it may"
                                                 : "the key or its value is too large");
    return fault ? store_error(store) : json_pack("{s:s}", "key", key);
}

json_t *ak_admin(AkStore *store, const json_t *request)
{
    static const struct {
        const char *name;
        json_t *(*fn)(AkStore *store, const json_t *request);
    } ops[] = {{"deploy", deploy},
               {"activate", change_deployment},
               {"deactivate", change_deployment},
               {"delete_deployment", change_deployment},
               {"var_set", change_var},
               {"var_delete", change_var},
               {"store_set", change_key},
               {"fork", ak_session_fork},
               {"delete_session", ak_session_drop},
               {"prune", ak_session_prune}};

    for (size_t i = 0; i < sizeof ops / sizeof *ops; i++)
        if (!strcmp(ops[i].name, ak_member_text(request, "op")))
            return ops[i].fn(store, request);
    return NULL;
}

/* --- From a command
 * -------------------------------------------------------------------------------------------
 */

static json_t *do_here(AkStore *store, const json_t *request)
{
    int fault = ak_store_begin(store);
    json_t *answer = fault ? store_error(store) : ak_admin(store, request);

    if (!fault && answer && !json_object_get(answer, "error") && ak_store_commit(store) < 0) {
        json_decref(answer);
        answer = store_error(store);
    }
    if (ak_store_is_open(store))
        ak_store_abort(store);
    return answer;
}

static int give(json_t *got, json_t **answer)
{
    if (!got)
        return ak_say_error(AK_EXIT_FAILED, "the server gave no answer");
    if (json_object_get(got, "changed")) {
        *answer = got;
        return AK_EXIT_REFUSED;
    }
    if (json_object_get(got, "error")) {
        int code = (int)json_integer_value(json_object_get(got, "code"));
        ak_say_error(0, "%s", ak_member_text(got, "error"));
        json_decref(got);
        return code ? code : AK_EXIT_FAILED;
    }
    *answer = got;
    return 0;
}

int ak_admin_here(AkStore *store, const json_t *request, json_t **answer)
{
    return give(do_here(store, request), answer);
}

/* Where the state lies; the exit code. */
static int find_place(const AkArgs *args, AkPlace *place)
{
    char why[1024];
    AkConfig *config = ak_config_load(why, sizeof why);
    int code = 0;

    if (!config || ak_config_place(config, ak_args_state_dir(args), place, why, sizeof why) < 0)
        code = ak_usage_error("%s", why);
    ak_config_free(config);
    return code;
}

bool ak_admin_served(const AkArgs *args, const json_t *request, int *code, json_t **answer)
{
    const char *dir = ak_args_state_dir(args);
    AkPlace place;
    bool served;

    if (dir && !strcmp(dir, ":memory:"))
        return false;
    if ((*code = find_place(args, &place)))
        return true;
    json_t *got = ak_control_ask(place.dir, request, &served);
    if (served)
        *code = give(got, answer);
    return served;
}

int ak_admin_ask_server(const AkArgs *args, const json_t *request, json_t **answer)
{
    int code;

    if (ak_admin_served(args, request, &code, answer))
        return code;
    return ak_say_error(AK_EXIT_REFUSED,
                        "no server runs on this state; start one with: ak serve");
}

int ak_admin_ask(const AkArgs *args, const json_t *request, json_t **answer)
{
    AkHome home;
    int code;

    if (ak_admin_served(args, request, &code, answer))
        return code;
    code = ak_home_open(args, AK_STORE_SERVE, &home);
    if (code)
        return code;
    code = give(do_here(home.store, request), answer);
    ak_home_close(&home);
    return code;
}
