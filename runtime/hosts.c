#define _GNU_SOURCE
#include "hosts.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bundle.h"
#include "embedded.h"
#include "ids.h"
#include "venv.h"

extern char **environ;

typedef struct Item {
    struct Item *next;
    AkHost *host;
    char id[64];
} Item;

struct AkHosts {
    AkLoop *loop;
    AkStore *store;
    const AkConfig *config;
    const AkPlace *place;
    Item *items;
    const char *url;
};

AkHosts *ak_hosts_new(AkLoop *loop, AkStore *store, const AkConfig *config,
                      const AkPlace *place)
{
    AkHosts *hosts = calloc(1, sizeof *hosts);

    if (hosts)
        *hosts = (AkHosts){.loop = loop, .store = store, .config = config, .place = place};
    return hosts;
}

void ak_hosts_set_config(AkHosts *hosts, const AkConfig *config)
{
    hosts->config = config;
}

void ak_hosts_set_url(AkHosts *hosts, const char *url)
{
    hosts->url = url;
}

void ak_hosts_free(AkHosts *hosts)
{
    while (hosts && hosts->items) {
        Item *item = hosts->items;
        hosts->items = item->next;
        ak_host_free(item->host);
        free(item);
    }
    free(hosts);
}

int ak_support_dir(const AkPlace *place, char *path, size_t size)
{
    char name[64];

    ak_embedded_name(name, sizeof name);
    snprintf(path, size, "%s/cache/%s", place->dir, name);
    return ak_embedded_unpack(path);
}

/* --- The environment of programs
 * --------------------------------------------------------------- */

typedef struct Env {
    char **list;
    size_t len, room;
} Env;

static void env_add(Env *env, char *text)
{
    if (env->len + 2 > env->room) {
        env->room = env->room ? env->room * 2 : 64;
        env->list = realloc(env->list, env->room * sizeof *env->list);
        if (!env->list)
            abort();
    }
    env->list[env->len++] = text;
    env->list[env->len] = NULL;
}

static void env_set(Env *env, const char *name, const char *value)
{
    size_t len = strlen(name);
    char *text;

    if (asprintf(&text, "%s=%s", name, value) < 0)
        abort();
    for (size_t i = 0; i < env->len; i++) {
        if (!strncmp(env->list[i], name, len) && env->list[i][len] == '=') {
            free(env->list[i]);
            env->list[i] = text;
            return;
        }
    }
    env_add(env, text);
}

typedef struct WebhookEnv {
    Env *env;
    const char *base;
} WebhookEnv;

static int env_var(void *payload, const AkVar *var)
{
    env_set(payload, var->name, var->value);
    return 0;
}

static int env_webhook(void *payload, const AkTrigger *trigger)
{
    WebhookEnv *to = payload;
    char name[300], url[600];

    if (!trigger->slug)
        return 0;
    snprintf(name, sizeof name, "%.200s__webhook_url", trigger->name);
    snprintf(url, sizeof url, "%.400s/webhooks/%.100s", to->base, trigger->slug);
    env_set(to->env, name, url);
    return 0;
}

static void env_free(Env *env)
{
    for (size_t i = 0; i < env->len; i++)
        free(env->list[i]);
    free(env->list);
}

/* A program of `ak run` sees what its user's shell has; a deployed one sees its variables and
 * what every process needs. */
static void env_make(AkHosts *hosts, const AkDeployment *d, bool local, const char *support,
                     Env *env)
{
    static const char *const basic[] = {"PATH", "HOME",   "LANG", "LC_ALL",
                                        "TZ",   "TMPDIR", "USER"};
    char path[1200];

    if (local)
        for (char **e = environ; *e; e++)
            env_add(env, strdup(*e));
    else
        for (size_t i = 0; i < sizeof basic / sizeof *basic; i++)
            if (getenv(basic[i]))
                env_set(env, basic[i], getenv(basic[i]));
    ak_var_list(hosts->store, d->project_id, env_var, env);
    ak_trigger_list(hosts->store, d->project_id, env_webhook,
                    &(WebhookEnv){env, hosts->url ? hosts->url : "http://127.0.0.1:9980"});
    env_set(env, "AK_RUNTIME", support);
    env_set(env, "AK_LINE_LIMIT", ak_config_text(hosts->config, "limits.line"));
    env_set(env, "PYTHONHASHSEED", "0"); /* a set's order has to be the same on replay */
    snprintf(path, sizeof path, "%s/cache/code", hosts->place->dir);
    if (ak_make_dirs(path) == 0)
        env_set(env, "AK_CODE_CACHE", path);
}

char **ak_hosts_env(AkHosts *hosts, const char *id, char *why, size_t size)
{
    char support[1200];
    AkDeployment *d;
    Env env = {0};

    if (ak_deployment_get(hosts->store, id, &d) < 0) {
        snprintf(why, size, "%s", ak_store_error(hosts->store));
        return NULL;
    }
    json_t *manifest = d->manifest ? json_loads(d->manifest, 0, NULL) : NULL;
    if (ak_support_dir(hosts->place, support, sizeof support) < 0)
        snprintf(why, size, "%s: %s", support, strerror(errno));
    else
        env_make(hosts, d, json_object_get(manifest, "local") != NULL, support, &env);
    json_decref(manifest);
    free(d);
    return env.list;
}

void ak_hosts_env_free(char **env)
{
    for (char **e = env; e && *e; e++)
        free(*e);
    free(env);
}

/* --- Hosts
 * --------------------------------------------------------------------------------------- */

/* The archive itself, in a folder of this process: a runner of the first protocol extracts it
 * beside where it lies. */
static int write_tar(AkHosts *hosts, const char *digest, AkBytes tar, char *path, size_t size)
{
    snprintf(path, size, "%s/cache/%.16s-%d", hosts->place->dir, digest, (int)getpid());
    ak_remove_tree(path);
    if (ak_make_dirs(path) < 0)
        return -1;
    strncat(path, "/code.tar", size - strlen(path) - 1);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0)
        return -1;
    ssize_t n = write(fd, tar.at, tar.len);
    close(fd);
    return n == (ssize_t)tar.len ? 0 : -1;
}

static const char *text_of(const json_t *object, const char *name)
{
    return json_string_value(json_object_get(object, name));
}

static AkHost *make(AkHosts *hosts, const AkDeployment *d, const json_t *manifest,
                    const char *entry, char *why, size_t size)
{
    const json_t *local = json_object_get(manifest, "local");
    AkVenvPlace venv;
    char code[1400], support[1200], tar_path[1400];
    const char *runner = text_of(local, "runner"), *cwd = text_of(local, "cwd");
    AkBytes tar = {0};
    AkHost *host = NULL;
    Env env = {0};

    if (ak_venv_find(hosts->place, hosts->config, manifest, &venv, why, size) < 0)
        return NULL;
    if (ak_bundle_get(hosts->store, d->digest, &tar) < 0) {
        snprintf(why, size, "%s", ak_store_error(hosts->store));
        return NULL;
    }
    snprintf(code, sizeof code, "%s/cache/%s", hosts->place->dir, d->digest);
    snprintf(tar_path, sizeof tar_path, "%s", code);
    if (ak_support_dir(hosts->place, support, sizeof support) < 0 ||
        ak_bundle_unpack(tar, code) < 0 ||
        (runner && write_tar(hosts, d->digest, tar, tar_path, sizeof tar_path) < 0)) {
        snprintf(why, size, "the code cannot be laid out in %s/cache: %s", hosts->place->dir,
                 strerror(errno));
    } else {
        if (cwd && access(cwd, X_OK) < 0)
            cwd = NULL;
        env_make(hosts, d, local != NULL, support, &env);
        AkHostOptions options = {
            .warm = {.interpreter = *venv.interpreter ? venv.interpreter : NULL,
                     .venv = *venv.dir ? venv.dir : NULL,
                     .support = support,
                     .code = code,
                     .tar = tar_path,
                     .runner = runner,
                     .entry = entry,
                     .cwd = cwd ? cwd : code,
                     .env = env.list,
                     .limits = {(uint64_t)ak_config_number(hosts->config, "limits.memory"),
                                (uint64_t)ak_config_number(hosts->config, "limits.open_files"),
                                (uint64_t)ak_config_number(hosts->config, "limits.processes")}},
            .max_line = (size_t)ak_config_number(hosts->config, "limits.line"),
            .start_wait_us = ak_config_number(hosts->config, "limits.load") * 1000000,
            .stop_wait_us = ak_config_number(hosts->config, "limits.turn") * 1000000,
        };
        host = ak_host_new(hosts->loop, &options);
        if (!host)
            snprintf(why, size, "no warm process could be made: %s", strerror(errno));
    }
    free((char *)tar.at);
    env_free(&env);
    return host;
}

AkHost *ak_hosts_get(AkHosts *hosts, const char *id, const char *entry, char *why, size_t size)
{
    AkDeployment *d;

    for (Item *item = hosts->items; item; item = item->next)
        if (!strcmp(item->id, id))
            return item->host;
    if (ak_deployment_get(hosts->store, id, &d) < 0) {
        snprintf(why, size, "%s", ak_store_error(hosts->store));
        return NULL;
    }
    json_t *manifest = d->manifest ? json_loads(d->manifest, 0, NULL) : NULL;
    AkHost *host = make(hosts, d, manifest, entry, why, size);
    json_decref(manifest);
    free(d);
    if (!host)
        return NULL;
    Item *item = calloc(1, sizeof *item);
    *item = (Item){.next = hosts->items, .host = host};
    snprintf(item->id, sizeof item->id, "%s", id);
    hosts->items = item;
    return host;
}

void ak_hosts_settle(AkHosts *hosts, AkLoop *loop)
{
    int64_t end = ak_loop_now().mono_us + 1000000;
    bool busy = true;

    while (busy && ak_loop_now().mono_us < end) {
        busy = false;
        for (Item *item = hosts->items; item; item = item->next)
            busy |= ak_host_is_finishing(item->host);
        if (busy)
            ak_loop_turn(loop);
    }
}

/* --- Deployments of `ak run`
 * ------------------------------------------------------------------------ */

typedef struct Search {
    const char *digest, *manifest;
    char *found;
} Search;

static int same_deployment(void *payload, const AkDeployment *d)
{
    Search *search = payload;

    if (strcmp(d->digest, search->digest) || !d->manifest ||
        strcmp(d->manifest, search->manifest))
        return 0;
    snprintf(search->found, 32, "%s", d->id);
    return 1;
}

static int find_project(AkStore *store, const char *root, int64_t now, char id[32])
{
    AkProject *project;
    int fault = ak_project_get(store, root, &project);

    if (fault == 0) {
        snprintf(id, 32, "%s", project->id);
        free(project);
        return 0;
    }
    if (fault != AK_E_ABSENT)
        return fault;
    ak_id_new("prj", now, id);
    return ak_project_put(store, &(AkProject){.id = id, .name = root, .created_us = now});
}

static int find_deployment(AkStore *store, const char *manifest, AkBytes tar,
                           const char *project, int64_t now, char id[32])
{
    char digest[65], build[AK_ID_SIZE];
    Search search = {digest, manifest, id};
    int fault = ak_bundle_put(store, tar, now, digest);

    if (fault)
        return fault;
    id[0] = '\0';
    fault = ak_deployment_list(store, project, same_deployment, &search);
    if (fault == AK_E_STOPPED || fault)
        return fault == AK_E_STOPPED ? 0 : fault;
    ak_id_new("dep", now, id);
    ak_id_new("bld", now, build);
    AkDeployment d = {.id = id,
                      .project_id = project,
                      .build_id = build,
                      .digest = digest,
                      .state = AK_DEPLOYMENT_INACTIVE,
                      .created_us = now,
                      .dialect = "ak",
                      .manifest = manifest};
    return ak_deployment_put(store, &d);
}

int ak_local_deployment(AkStore *store, const AkLocal *local, AkBytes tar, char project[32],
                        char deployment[32])
{
    int64_t now = ak_loop_now().wall_us;
    json_t *manifest =
        json_pack("{s:{s:s, s:s*, s:s*, s:s*}}", "local", "root", local->root, "cwd",
                  local->cwd, "python", local->python, "runner", local->runner);
    char *text = json_dumps(manifest, JSON_COMPACT | JSON_SORT_KEYS);
    int fault = ak_store_begin(store);

    if (!fault)
        fault = find_project(store, local->root, now, project);
    if (!fault)
        fault = find_deployment(store, text, tar, project, now, deployment);
    if (!fault)
        fault = ak_store_commit(store);
    if (fault && ak_store_is_open(store))
        ak_store_abort(store);
    json_decref(manifest);
    free(text);
    return fault;
}
