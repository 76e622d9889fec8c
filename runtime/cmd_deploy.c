/* ak deploy: the gate, then the deployment; ak manifest: the first parts of the same. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "admin.h"
#include "bundle.h"
#include "commands.h"
#include "exit_codes.h"
#include "gate.h"
#include "members.h"
#include "migrate.h"
#include "temporal.h"

static void print_json(json_t *object)
{
    json_dumpf(object, stdout, JSON_INDENT(2));
    putchar('\n');
}

/* --- What would change
 * ------------------------------------------------------------------------------------ */

typedef struct Known {
    json_t *names;
} Known;

static int note_trigger(void *payload, const AkTrigger *t)
{
    json_object_set_new(((Known *)payload)->names, t->name, json_string(t->kind));
    return 0;
}

static void plan_trigger(const json_t *t, json_t *old, json_t *lines)
{
    const char *name = ak_member_text(t, "name"), *what = ak_member_text(t, "schedule");

    json_array_append_new(lines, json_sprintf("trigger \"%s\": %s %s%s%s%s%s", name,
                                              json_object_get(old, name) ? "update" : "create",
                                              ak_member_text(t, "kind"), *what ? " " : "", what,
                                              *ak_member_text(t, "call") ? " calls " : "",
                                              ak_member_text(t, "call")));
    json_object_del(old, name);
}

static json_t *make_plan(AkStore *store, const json_t *plan)
{
    json_t *lines = json_array(), *item;
    Known old = {json_object()};
    AkProject *project;
    const char *name = ak_member_text(plan, "name"), *gone;
    size_t i;

    if (ak_project_get(store, name, &project) == 0) {
        json_array_append_new(lines, json_sprintf("project \"%s\": is there", name));
        ak_trigger_list(store, project->id, note_trigger, &old);
        free(project);
    } else {
        json_array_append_new(lines, json_sprintf("project \"%s\": create", name));
    }
    json_array_foreach(json_object_get(plan, "vars"), i, item) json_array_append_new(
        lines, json_sprintf("var \"%s\": set%s", ak_member_text(item, "name"),
                            *ak_member_text(item, "value") ? "" : " when it is not"));
    json_array_foreach(json_object_get(plan, "triggers"), i, item)
        plan_trigger(item, old.names, lines);
    json_object_foreach(old.names, gone, item)
        json_array_append_new(lines, json_sprintf("trigger \"%s\": delete", gone));
    json_decref(old.names);
    return lines;
}

static void print_plan(const json_t *lines)
{
    size_t i;
    json_t *line;

    json_array_foreach(lines, i, line) printf("[plan] %s\n", json_string_value(line));
    fflush(stdout);
}

/* --- ak deploy
 * ------------------------------------------------------------------------------------------------
 */

/* --allow ID … --reason TEXT: every id has a reason, the one at its place or the only one. */
static int read_allow(const AkArgs *args, json_t *allow)
{
    const char *id,
        *only = ak_args_item(args, "reason", 1) ? NULL : ak_args_item(args, "reason", 0);

    for (size_t i = 0; (id = ak_args_item(args, "allow", i)); i++) {
        const char *reason = ak_args_item(args, "reason", i);
        if (!reason)
            reason = only;
        if (!reason || !*reason)
            return ak_usage_error("--allow %s wants a --reason: it is kept with the deployment",
                                  id);
        json_array_append_new(allow, json_pack("{s:s, s:s}", "id", id, "reason", reason));
    }
    if (!json_array_size(allow) && ak_args_item(args, "reason", 0))
        return ak_usage_error("--reason goes with --allow");
    return 0;
}

static int write_bundle(const AkHome *home, const AkGate *gate, char *path, size_t size)
{
    snprintf(path, size, "%s/cache", home->place.dir);
    if (ak_make_dirs(path) < 0)
        return -1;
    snprintf(path, size, "%s/cache/%.16s-%d.tar", home->place.dir, gate->digest, (int)getpid());
    FILE *file = fopen(path, "we");
    if (!file)
        return -1;
    fwrite(gate->tar.at, 1, gate->tar.len, file);
    return ak_file_end(file);
}

static void print_done(const json_t *done)
{
    size_t i;
    json_t *t;

    if (json_is_true(json_object_get(done, "unchanged"))) {
        printf("[exec] nothing has changed since %s\n", ak_member_text(done, "deployment_id"));
        return;
    }
    if (json_is_true(json_object_get(done, "project_created")))
        printf("[exec] create_project: created \"%s\"\n", ak_member_text(done, "project_id"));
    printf("[exec] create_build: created \"%s\"\n", ak_member_text(done, "build_id"));
    printf("[exec] create_deployment: created \"%s\"\n", ak_member_text(done, "deployment_id"));
    json_array_foreach(json_object_get(done, "triggers"), i, t) if (*ak_member_text(t, "slug"))
        printf("[!!!!] trigger \"%s\" %s, webhook path is \"/webhooks/%s\"\n",
               ak_member_text(t, "name"), ak_member_text(t, "did"), ak_member_text(t, "slug"));
    else printf("[exec] trigger \"%s\": %s\n", ak_member_text(t, "name"),
                ak_member_text(t, "did"));
    puts("[exec] activate_deployment: activated");
}

static int apply(const AkArgs *args, AkHome *home, AkGate *gate, json_t *rows)
{
    char path[1200];
    json_t *answer = NULL;

    if (write_bundle(home, gate, path, sizeof path) < 0)
        return ak_say_error(AK_EXIT_FAILED, "%s: %s", path, strerror(errno));
    json_t *request =
        json_pack("{s:s, s:O, s:s, s:s, s:O}", "op", "deploy", "plan", gate->manifest.plan,
                  "bundle", path, "dialect", gate->lint.dialect, "verdict", gate->verdict);
    int code = rows ? ak_migrate_deploy(args, home, gate, request, rows, &answer)
                    : ak_admin_ask(args, request, &answer);
    unlink(path);
    json_decref(request);
    if (!code && ak_args_json(args)) {
        json_object_set(answer, "verdict", gate->verdict);
        json_object_set(answer, "findings", gate->findings);
        if (rows)
            json_object_set(answer, "migrated", rows);
        print_json(answer);
    } else if (!code) {
        print_done(answer);
        if (rows)
            printf("[exec] migrate: %zu sessions go on there\n", json_array_size(rows));
    }
    json_decref(answer);
    return code;
}

/* The bundle and what goes with it, for the Python side; removed when it has read them. */
static int apply_on_temporal(const AkArgs *args, const AkHome *home, const AkGate *gate)
{
    char path[1200], request_path[1210];

    if (write_bundle(home, gate, path, sizeof path) < 0)
        return ak_say_error(AK_EXIT_FAILED, "%s: %s", path, strerror(errno));
    snprintf(request_path, sizeof request_path, "%s.json", path);
    json_t *request = json_pack("{s:O, s:s, s:O, s:s}", "plan", gate->manifest.plan, "dialect",
                                gate->lint.dialect, "verdict", gate->verdict, "url",
                                ak_config_text(home->config, "serve.url"));
    int code = json_dump_file(request, request_path, 0) < 0
                   ? ak_say_error(AK_EXIT_FAILED, "%s: %s", request_path, strerror(errno))
                   : 0;
    if (!code) {
        const char *more[8] = {"--bundle", path, "--request", request_path};
        size_t n = 4;
        if (ak_args_switch(args, "check"))
            more[n++] = "--check";
        if (ak_args_switch(args, "migrate"))
            more[n++] = "--migrate";
        if (ak_args_json(args))
            more[n++] = "--json";
        code = ak_temporal_run(args, home->config, &home->place, "deploy", more);
    }
    json_decref(request);
    unlink(path);
    unlink(request_path);
    return code;
}

static int refused(const AkArgs *args, const AkGate *gate, json_t *rows)
{
    if (ak_args_json(args)) {
        json_t *o = json_pack("{s:b, s:O, s:O*}", "refused", 1, "findings", gate->findings,
                              "sessions", rows);
        print_json(o);
        json_decref(o);
    }
    return ak_say_error(AK_EXIT_REFUSED, "refused: nothing was changed");
}

static void show_check(const AkArgs *args, const AkGate *gate, json_t *plan, json_t *rows)
{
    if (!ak_args_json(args)) {
        printf("[plan] content %.12s would be deployed; --check changes nothing\n",
               gate->digest);
        return;
    }
    json_t *o = json_pack("{s:O, s:O, s:O, s:O*}", "plan", plan, "verdict", gate->verdict,
                          "findings", gate->findings, "sessions", rows);
    print_json(o);
    json_decref(o);
}

static int passed(const AkArgs *args, AkHome *home, AkGate *gate)
{
    if (ak_args_value(args, "temporal"))
        return apply_on_temporal(args, home, gate);
    json_t *plan = make_plan(home->store, gate->manifest.plan), *rows = NULL;
    int code = 0;

    if (!ak_args_json(args))
        print_plan(plan);
    if (ak_args_switch(args, "migrate"))
        code = ak_migrate_look(args, home, gate, &rows);
    if (!code && ak_args_switch(args, "check"))
        show_check(args, gate, plan, rows);
    else if (!code)
        code = apply(args, home, gate, rows);
    if (code == AK_EXIT_REFUSED && rows)
        refused(args, gate, rows);
    json_decref(plan);
    json_decref(rows);
    return code;
}

static int deploy(const AkArgs *args)
{
    const char *dir = ak_args_operand(args, 0);
    AkGateOptions options = {.dir = dir ? dir : ".",
                             .dialect = ak_args_value(args, "dialect"),
                             .fail_on = ak_args_value(args, "fail-on"),
                             .allow = json_array(),
                             .json = ak_args_json(args)};
    AkHome home;
    AkGate gate;
    int code = read_allow(args, options.allow);

    if (!code)
        code = ak_home_open(args, AK_STORE_READ, &home);
    if (!code) {
        code = ak_gate(&home, &options, &gate);
        if (!code) {
            /* A state that is not there yet was looked at in memory; the change makes it. */
            code = passed(args, &home, &gate);
            if (!code && !ak_args_switch(args, "check"))
                ak_home_sweep(args);
        } else if (code == AK_EXIT_REFUSED) {
            code = refused(args, &gate, NULL);
        }
        ak_gate_free(&gate);
        ak_home_close(&home);
    }
    json_decref(options.allow);
    return code;
}

static const AkFlag flags[] = {
    {"check", 0, AK_FLAG_SWITCH, NULL, "go through the gate and change nothing"},
    {"dialect", 0, AK_FLAG_VALUE, "NAME", "ak, or autokitteh: as the hosted service behaves"},
    {"fail-on", 0, AK_FLAG_VALUE, "LEVEL", "refuse at error, warning or note"},
    {"allow", 0, AK_FLAG_LIST, "ID", "let findings of this rule pass; wants a --reason"},
    {"reason", 0, AK_FLAG_LIST, "TEXT", "why; kept with the deployment"},
    {"temporal", 0, AK_FLAG_VALUE, "HOST:PORT", "put it to work on a Temporal cluster"},
    {"migrate", 0, AK_FLAG_SWITCH, NULL,
     "live sessions go on with the new code; refused when one does not replay on it"},
    AK_TEMPORAL_FLAGS,
    {0},
};

const AkCmd ak_cmd_deploy = {
    .name = "deploy",
    .operands = "[DIR]",
    .summary = "check a project and put it to work; refuses what would break",
    .more = "Reads DIR/autokitteh.yaml, checks the code as aklint does, loads it in the "
            "interpreter that will\n"
            "run it, and only then makes it the project's active deployment; the one before "
            "drains. What is\n"
            "refused ends with 42 and changes nothing.\n"
            "With --temporal the project goes to the workers of a Temporal cluster (ak worker) "
            "instead.",
    .flags = flags,
    .max_operands = 1,
    .run = deploy,
};

/* --- ak manifest
 * --------------------------------------------------------------------------------------------------
 */

static int with_manifest(const AkArgs *args, AkManifest *manifest)
{
    const char *dir = ak_args_operand(args, 0);
    json_t *none = json_array();
    AkLintOptions options = {.dir = dir ? dir : ".", .allow = none, .json = true};
    AkLint lint = {0};
    int code = 0;

    if (ak_manifest_read(options.dir, manifest) < 0)
        code = ak_gate_no_manifest(options.dir, manifest);
    else if (manifest->mistakes_len) {
        options.json = ak_args_json(args);
        options.only = manifest->path;
        code = ak_lint(&options, manifest, &lint);
        if (!code && options.json)
            print_json(lint.findings);
        code = code ? code : AK_EXIT_REFUSED;
    }
    ak_lint_free(&lint);
    json_decref(none);
    return code;
}

static int validate(const AkArgs *args)
{
    AkManifest manifest;
    int code = with_manifest(args, &manifest);

    if (!code)
        puts(ak_args_json(args) ? "[]" : "the manifest is valid");
    ak_manifest_free(&manifest);
    return code;
}

static int plan(const AkArgs *args)
{
    AkManifest manifest;
    AkHome home;
    int code = with_manifest(args, &manifest);

    if (!code && !(code = ak_home_open(args, AK_STORE_READ, &home))) {
        json_t *lines = make_plan(home.store, manifest.plan);
        if (ak_args_json(args))
            print_json(lines);
        else
            print_plan(lines);
        json_decref(lines);
        ak_home_close(&home);
    }
    ak_manifest_free(&manifest);
    return code;
}

static const AkCmd manifest_commands[] = {
    {.name = "validate",
     .operands = "[DIR]",
     .max_operands = 1,
     .summary = "say what is wrong with DIR/autokitteh.yaml, and where",
     .run = validate},
    {.name = "plan",
     .operands = "[DIR]",
     .max_operands = 1,
     .summary = "say what a deploy would change",
     .run = plan},
};
static const AkCmd *const manifest_children[] = {&manifest_commands[0], &manifest_commands[1],
                                                 NULL};

const AkCmd ak_cmd_manifest = {
    .name = "manifest", .summary = "manifests: check, plan", .children = manifest_children};
