#define _GNU_SOURCE
#include "gate.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "admin.h"
#include "bundle.h"
#include "dryrun.h"
#include "exit_codes.h"
#include "hosts.h"
#include "members.h"
#include "project.h"
#include "report.h"
#include "sha256.h"

enum { LARGE = 1 << 20 };

/* --- Loading, in the interpreter that will run it
 * -------------------------------------------------------- */

typedef struct Load {
    AkGate *gate;
    bool json;
    AkRunner *runner;
    const char *file; /* program.py */
    bool over, refused;
} Load;

static void refuse(Load *load, AkBytes error_json, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static void refuse(Load *load, AkBytes error_json, const char *format, ...)
{
    char words[1024];
    va_list list;

    va_start(list, format);
    vsnprintf(words, sizeof words, format, list);
    va_end(list);
    load->refused = true;
    if (load->json) {
        json_t *error =
            error_json.at ? json_loadb(error_json.at, error_json.len, 0, NULL) : NULL;
        json_array_append_new(load->gate->findings,
                              json_pack("{s:s, s:s, s:s, s:o*}", "kind", "load", "filename",
                                        load->file, "message", words, "error", error));
        return;
    }
    printf("%s\n", words);
    fflush(stdout);
    if (error_json.at)
        ak_report_error(stdout, error_json);
}

static bool has_entry(const json_t *entries, const char *name)
{
    size_t i;
    json_t *entry;

    json_array_foreach(entries, i,
                       entry) if (json_is_string(entry) &&
                                  !strcmp(json_string_value(entry), name)) return true;
    return false;
}

static void check_handler(Load *load, const char *trigger, const char *name,
                          const json_t *entries, const json_t *functions)
{
    const json_t *f = ak_member_named(functions, name);
    const json_t *max = json_object_get(f, "max_args");

    if (!has_entry(entries, name)) {
        refuse(load, (AkBytes){0},
               "%s: error: trigger '%s' calls %s, which is not there after loading", load->file,
               trigger, name);
        return;
    }
    if (!f)
        return;
    long long line = json_integer_value(json_object_get(f, "line"));
    if (json_is_integer(max) && json_integer_value(max) < 1)
        refuse(load, (AkBytes){0},
               "%s:%lld: error: %s takes no argument, but trigger '%s' gives it the event",
               load->file, line, name, trigger);
    else if (json_integer_value(json_object_get(f, "min_args")) > 2)
        refuse(load, (AkBytes){0},
               "%s:%lld: error: %s wants %lld arguments, but trigger '%s' gives it the "
               "event and the session's id",
               load->file, line, name,
               (long long)json_integer_value(json_object_get(f, "min_args")), trigger);
}

static bool calls_file(const char *call, const char *file)
{
    size_t len = strlen(file);

    return !strncmp(call, file, len) && call[len] == ':';
}

static void check_handlers(Load *load, const AkMessage *message)
{
    json_t *entries = json_loadb(message->entries.at, message->entries.len, 0, NULL);
    json_t *functions = message->functions.at
                            ? json_loadb(message->functions.at, message->functions.len, 0, NULL)
                            : NULL;
    size_t i;
    json_t *t;

    json_array_foreach(json_object_get(load->gate->manifest.plan, "triggers"), i,
                       t) if (calls_file(ak_member_text(t, "call"), load->file))
        check_handler(load, ak_member_text(t, "name"),
                      ak_member_text(t, "call") + strlen(load->file) + 1, entries, functions);
    json_decref(entries);
    json_decref(functions);
}

static void on_message(void *owner, const AkMessage *message)
{
    Load *load = owner;

    if (message->kind != AK_MSG_MODULE)
        return; /* prints while loading */
    if (message->error.at)
        refuse(load, message->error, "%s: error: the code does not load", load->file);
    else
        check_handlers(load, message);
    load->over = true;
}

static void on_broken(void *owner, const char *why)
{
    Load *load = owner;

    refuse(load, (AkBytes){0}, "%s: error: the code does not load: %s", load->file, why);
    load->over = true;
    load->runner = NULL;
}

static void on_stuck(void *owner, const char *stack)
{
    Load *load = owner;

    refuse(load, (AkBytes){0}, "%s: error: loading takes too long; it stood at\n%s", load->file,
           stack);
    load->over = true;
    load->runner = NULL;
}

static void on_output(void *owner, int stream, const char *words, size_t len)
{
    Load *load = owner;

    (void)stream;
    if (!load->json)
        fwrite(words, 1, len, stderr);
}

static void on_stack(void *owner, const char *stack)
{
    (void)owner;
    (void)stack;
}

static const AkRunnerEvents events = {on_message, on_broken, on_stuck,
                                      on_output,  on_stack,  on_broken};

static void load_file(AkLoop *loop, AkHost *host, const char *entry, Load *load)
{
    load->over = false;
    load->runner = ak_runner_start(host, entry, &events, load);
    if (!load->runner) {
        refuse(load, (AkBytes){0}, "%s: error: no process could be made: %s", load->file,
               strerror(errno));
        return;
    }
    while (!load->over)
        ak_loop_turn(loop);
    if (load->runner)
        ak_runner_end(load->runner);
    load->runner = NULL;
}

/* --- A deployment in memory, as the real one would be
 * --------------------------------------------------------- */

typedef struct Copy {
    AkStore *to;
    const char *project;
} Copy;

static int copy_var(void *payload, const AkVar *var)
{
    Copy *copy = payload;
    AkVar row = *var;

    row.project_id = copy->project;
    return ak_var_set(copy->to, &row) ? 1 : 0;
}

/* Values that were set by `ak var set` are there while the code loads. */
static int copy_vars(AkStore *from, AkStore *to, const char *name)
{
    AkProject *project;
    Copy copy = {to, "prj_check"};

    if (ak_project_put(to, &(AkProject){.id = copy.project, .name = name, .created_us = 1}))
        return -1;
    if (!from || ak_project_get(from, name, &project))
        return 0;
    int fault = ak_var_list(from, project->id, copy_var, &copy);
    free(project);
    return fault;
}

static json_t *deploy_request(const AkGate *gate, const char *tar_path)
{
    return json_pack("{s:s, s:O, s:s, s:s, s:O}", "op", "deploy", "plan", gate->manifest.plan,
                     "bundle", tar_path, "dialect", gate->lint.dialect, "verdict",
                     gate->verdict);
}

static int write_tar(const AkGate *gate, char *path, size_t size)
{
    const char *dir = getenv("TMPDIR");

    snprintf(path, size, "%s/ak-check-XXXXXX", dir && *dir ? dir : "/tmp");
    int fd = mkstemp(path);
    if (fd < 0)
        return -1;
    FILE *file = fdopen(fd, "w");
    fwrite(gate->tar.at, 1, gate->tar.len, file);
    return ak_file_end(file);
}

static AkStore *scratch(AkHome *home, AkGate *gate, char id[64])
{
    char path[300];
    AkStore *store = ak_store_open_memory();

    if (!store || write_tar(gate, path, sizeof path) < 0) {
        ak_store_close(store);
        return NULL;
    }
    json_t *request = deploy_request(gate, path), *answer = NULL;
    if (!ak_store_begin(store) &&
        !copy_vars(home->store, store, ak_member_text(gate->manifest.plan, "name")))
        answer = ak_admin(store, request);
    snprintf(id, 64, "%s", ak_member_text(answer, "deployment_id"));
    unlink(path);
    json_decref(request);
    json_decref(answer);
    if (!*id || ak_store_commit(store)) {
        ak_store_close(store);
        return NULL;
    }
    return store;
}

static void load_files(AkLoop *loop, AkHosts *hosts, const char *id, Load *load)
{
    const json_t *plan = load->gate->manifest.plan;
    json_t *seen = json_object(), *t;
    size_t i;

    json_array_foreach(json_object_get(plan, "triggers"), i, t)
    {
        const char *call = ak_member_text(t, "call"), *colon = strrchr(call, ':');
        char file[512], why[1024] = "";
        if (!colon)
            continue;
        snprintf(file, sizeof file, "%.*s", (int)(colon - call), call);
        if (json_object_get(seen, file))
            continue;
        json_object_set_new(seen, file, json_true());
        load->file = file;
        AkHost *host = ak_hosts_get(hosts, id, call, why, sizeof why);
        if (host)
            load_file(loop, host, call, load);
        else
            refuse(load, (AkBytes){0}, "%s: error: %s", file, why);
    }
    json_decref(seen);
}

static int load_all(AkHome *home, const AkGateOptions *options, AkGate *gate)
{
    Load load = {.gate = gate, .json = options->json};

    gate->scratch = scratch(home, gate, gate->scratch_id);
    gate->loop = gate->scratch ? ak_loop_new() : NULL;
    if (!gate->loop)
        return ak_say_error(AK_EXIT_FAILED,
                            "the code cannot be loaded: out of memory or space");
    gate->hosts = ak_hosts_new(gate->loop, gate->scratch, home->config, &home->place);
    load_files(gate->loop, gate->hosts, gate->scratch_id, &load);
    return load.refused ? AK_EXIT_REFUSED : 0;
}

int ak_gate_dryrun(AkHome *home, AkGate *gate, const json_t *only, json_t **sessions)
{
    AkDryRun run = {.loop = gate->loop,
                    .hosts = gate->hosts,
                    .deployment = gate->scratch_id,
                    .store = home->store,
                    .turn_us = ak_config_number(home->config, "limits.turn") * 1000000,
                    .max_line = (size_t)ak_config_number(home->config, "limits.line")};

    *sessions = NULL;
    if (ak_dryrun(&run, ak_member_text(gate->manifest.plan, "name"), only, sessions) < 0)
        return ak_home_fault(home);
    return 0;
}

/* --- All of it
 * -----------------------------------------------------------------------------------------------
 */

static void make_verdict(const AkGateOptions *options, AkGate *gate)
{
    json_t *bare = json_deep_copy(gate->manifest.plan), *var;
    char seal[65];
    size_t i;

    json_array_foreach(json_object_get(bare, "vars"), i, var) json_object_del(var, "value");
    char *manifest = json_dumps(bare, JSON_COMPACT | JSON_SORT_KEYS);
    json_t *verdict =
        json_pack("{s:s, s:s, s:i, s:i, s:i, s:i, s:O, s:s, s:O, s:O}", "result", "passed",
                  "content", gate->digest, "errors", (int)gate->lint.errors, "warnings",
                  (int)gate->lint.warnings, "notes", (int)gate->lint.notes, "allowed",
                  (int)gate->lint.allowed, "allow", options->allow, "version", AK_VERSION,
                  "findings", gate->lint.kept, "pictures", gate->lint.pictures);
    ak_verdict_seal(gate->digest, gate->lint.dialect, manifest, verdict, seal);
    json_object_set_new(verdict, "seal", json_string(seal));
    gate->verdict = verdict;
    free(manifest);
    json_decref(bare);
}

static int pack(const AkGateOptions *options, AkGate *gate)
{
    char why[2048], root[PATH_MAX];

    if (!realpath(options->dir, root))
        return ak_say_error(AK_EXIT_NOT_FOUND, "%s: %s", options->dir, strerror(errno));
    if (ak_bundle_pack_tracked(root, &gate->tar, why, sizeof why) < 0)
        return ak_usage_error("%s", why);
    if (gate->tar.len > LARGE && !options->json)
        fprintf(stderr,
                "ak: the project has %.1f MiB; what it does not need belongs into .akignore\n",
                (double)gate->tar.len / LARGE);
    ak_sha256_hex(gate->tar.at, gate->tar.len, gate->digest);
    return 0;
}

static int judge(const AkGateOptions *options, AkGate *gate)
{
    AkLintOptions lint = {.dir = options->dir,
                          .dialect = options->dialect,
                          .fail_on = options->fail_on,
                          .allow = options->allow,
                          .json = options->json};
    int code = ak_lint(&lint, &gate->manifest, &gate->lint);

    gate->findings = gate->lint.findings ? json_incref(gate->lint.findings) : json_array();
    if (code)
        return code;
    return gate->lint.failing || gate->manifest.mistakes_len ? AK_EXIT_REFUSED : 0;
}

/* The project's own settings, and the environment that they want. */
static int settle(AkHome *home, const AkGateOptions *options, AkGate *gate)
{
    char why[4600];

    if (ak_project_read(options->dir, gate->manifest.plan, why, sizeof why) < 0)
        return ak_say_error(AK_EXIT_REFUSED, "%s", why);
    return ak_venv_prepare(&home->place, home->config, options->dir, gate->manifest.plan,
                           options->json, &gate->venv);
}

int ak_gate_no_manifest(const char *dir, const AkManifest *manifest)
{
    int error = errno;

    if (access(dir, F_OK) < 0)
        return ak_say_error(AK_EXIT_NOT_FOUND, "%s: %s", dir, strerror(errno));
    return ak_say_error(AK_EXIT_NOT_FOUND, "%s: %s%s", manifest->path, strerror(error),
                        error == ENOENT ? "; ak init makes a project with one" : "");
}

int ak_gate(AkHome *home, const AkGateOptions *options, AkGate *gate)
{
    *gate = (AkGate){.venv = {-1}};
    if (options->dialect && strcmp(options->dialect, "ak") &&
        strcmp(options->dialect, "autokitteh"))
        return ak_usage_error("--dialect is ak or autokitteh, not '%s'", options->dialect);
    if (ak_manifest_read(options->dir, &gate->manifest) < 0)
        return ak_gate_no_manifest(options->dir, &gate->manifest);
    int code = judge(options, gate);
    if (!code)
        code = settle(home, options, gate);
    if (!code)
        code = pack(options, gate);
    if (code)
        return code;
    make_verdict(options, gate);
    return load_all(home, options, gate);
}

void ak_gate_free(AkGate *gate)
{
    ak_manifest_free(&gate->manifest);
    ak_hosts_free(gate->hosts);
    if (gate->loop)
        ak_loop_free(gate->loop);
    ak_store_close(gate->scratch);
    ak_venv_release(&gate->venv);
    ak_text_free(&gate->tar);
    json_decref(gate->verdict);
    json_decref(gate->findings);
    ak_lint_free(&gate->lint);
}
