/* Commands that look at the state and change it by admin.h: deployments, triggers, variables,
 * keys, events. All but the looking goes through the server when one runs. */
#define _GNU_SOURCE
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "admin.h"
#include "commands.h"
#include "control.h"
#include "exit_codes.h"
#include "temporal.h"
#include "manifest.h"
#include "members.h"
#include "report.h"
#include "views.h"

/* One row of a list: a line for people, an object a line for programs. Takes row. */
static void show(const AkArgs *args, json_t *row, const char *const *columns, const int *widths)
{
    if (ak_args_json(args)) {
        json_dumpf(row, stdout, JSON_COMPACT);
    } else {
        for (size_t i = 0; columns[i]; i++) {
            const json_t *value = json_object_get(row, columns[i]);
            char number[32] = "";
            if (json_is_integer(value))
                snprintf(number, sizeof number, "%lld", (long long)json_integer_value(value));
            else if (json_is_real(value)) /* a time */
                ak_report_time((int64_t)(json_real_value(value) * 1e6), number, sizeof number);
            const char *words = json_is_string(value)  ? json_string_value(value)
                                : json_is_true(value)  ? "yes"
                                : json_is_false(value) ? "no"
                                                       : number;
            char padded[512];
            snprintf(padded, sizeof padded, "%-*s", columns[i + 1] ? widths[i] : 0, words);
            ak_report_text(stdout, ak_bytes(padded));
            if (columns[i + 1])
                fputs("  ", stdout);
        }
    }
    putchar('\n');
    json_decref(row);
}

typedef struct Listing {
    const AkArgs *args;
    AkStore *store;
    const char *const *columns;
    const int *widths;
    bool one_project; /* --project is wanted where there are several */
    size_t left;
    char path[256];
} Listing;

static int find_project(AkHome *home, const char *name, char id[64])
{
    AkProject *project;
    int fault = ak_project_get(home->store, name, &project);

    if (fault == AK_E_ABSENT)
        return ak_say_error(AK_EXIT_NOT_FOUND, "no project is called '%s'", name);
    if (fault)
        return ak_home_fault(home);
    snprintf(id, 64, "%s", project->id);
    free(project);
    return 0;
}

/* The project named by --project; without it the only one there is. */
typedef struct Only {
    char name[128];
    size_t count;
} Only;

static int note_project(void *payload, const AkProject *project)
{
    Only *only = payload;

    /* A path names what `ak run` made. */
    if (project->name[0] == '/')
        return 0;
    snprintf(only->name, sizeof only->name, "%s", project->name);
    only->count++;
    return 0;
}

static int project_name(const AkArgs *args, char name[128])
{
    const char *given = ak_args_value(args, "project");
    Only only = {.count = 0};
    AkHome home;

    if (given) {
        snprintf(name, 128, "%s", given);
        return 0;
    }
    int code = ak_home_open(args, AK_STORE_READ, &home);
    if (code)
        return code;
    ak_project_list(home.store, note_project, &only);
    ak_home_close(&home);
    if (!only.count)
        return ak_say_error(AK_EXIT_NOT_FOUND, "there is no project yet; ak deploy brings one");
    if (only.count > 1)
        return ak_usage_error("there are %zu projects: name one with --project NAME",
                              only.count);
    snprintf(name, 128, "%s", only.name);
    return 0;
}

/* Opens the state, runs the list, closes it. */
static int with_project(const AkArgs *args, Listing *listing,
                        int (*fn)(AkHome *home, const char *project, Listing *listing))
{
    char name[128] = "", id[64] = "";
    AkHome home;
    int code =
        ak_args_value(args, "project") || !listing->one_project ? 0 : project_name(args, name);

    if (!code && ak_args_value(args, "project"))
        snprintf(name, sizeof name, "%s", ak_args_value(args, "project"));
    if (!code)
        code = ak_home_open(args, AK_STORE_READ, &home);
    if (code)
        return code;
    listing->store = home.store;
    if (*name)
        code = find_project(&home, name, id);
    if (!code && fn(&home, *id ? id : NULL, listing) < 0)
        code = ak_home_fault(&home);
    ak_home_close(&home);
    return code;
}

/* --- Deployments
 * --------------------------------------------------------------------------------------------
 */

static int show_deployment(void *payload, const AkDeployment *d)
{
    Listing *l = payload;

    if (!d->verdict) /* of `ak run` */
        return 0;
    show(l->args, ak_view_deployment(l->store, d), l->columns, l->widths);
    return 0;
}

static int list_of_deployments(AkHome *home, const char *project, Listing *listing)
{
    return ak_deployment_list(home->store, project, show_deployment, listing);
}

static int deployment_list(const AkArgs *args)
{
    static const char *const columns[] = {"deployment_id", "state",      "project",
                                          "build_id",      "created_at", NULL};
    static const int widths[] = {30, 8, 20, 30, 0};
    Listing listing = {.args = args, .columns = columns, .widths = widths};

    return with_project(args, &listing, list_of_deployments);
}

static int deployment_get(const AkArgs *args)
{
    const char *id = ak_args_operand(args, 0);
    AkDeployment *d;
    AkHome home;
    int code = ak_home_open(args, AK_STORE_READ, &home);

    if (code)
        return code;
    int fault = ak_deployment_get(home.store, id, &d);
    if (fault) {
        code = fault == AK_E_ABSENT
                   ? ak_say_error(AK_EXIT_NOT_FOUND, "no deployment is called '%s'", id)
                   : ak_home_fault(&home);
    } else {
        json_t *o = ak_view_deployment_whole(home.store, d);
        json_dumpf(o, stdout, ak_args_json(args) ? JSON_COMPACT : JSON_INDENT(2));
        putchar('\n');
        json_decref(o);
        free(d);
    }
    ak_home_close(&home);
    return code;
}

/* Asks and says what was done. Takes the request. */
static int ask(const AkArgs *args, json_t *request, bool server, const char *did)
{
    json_t *answer = NULL;
    int code = (server ? ak_admin_ask_server : ak_admin_ask)(args, request, &answer);

    json_decref(request);
    if (!code && ak_args_json(args)) {
        json_dumpf(answer, stdout, JSON_COMPACT);
        putchar('\n');
    } else if (!code && did) {
        puts(did);
    } else if (!code) {
        const char *session = ak_member_text(answer, "session_id");
        printf("event_id: %s\n", ak_member_text(answer, "event_id"));
        if (*session)
            printf("session_id: %s\n", session);
    }
    json_decref(answer);
    return code;
}

static int deployment_op(const AkArgs *args, const char *op, const char *did)
{
    return ask(args, json_pack("{s:s, s:s}", "op", op, "deployment", ak_args_operand(args, 0)),
               false, did);
}

static int deployment_activate(const AkArgs *args)
{
    return deployment_op(args, "activate", "activated");
}

static int deployment_deactivate(const AkArgs *args)
{
    return deployment_op(args, "deactivate", "deactivated");
}

static int deployment_delete(const AkArgs *args)
{
    int code = deployment_op(args, "delete_deployment", "deleted");

    if (!code)
        ak_home_sweep(args);
    return code;
}

/* --- Triggers
 * -----------------------------------------------------------------------------------------------------
 */

static int show_trigger(void *payload, const AkTrigger *t)
{
    Listing *l = payload;

    show(l->args, ak_view_trigger(t), l->columns, l->widths);
    return 0;
}

static int list_of_triggers(AkHome *home, const char *project, Listing *listing)
{
    return ak_trigger_list(home->store, project, show_trigger, listing);
}

static int trigger_list(const AkArgs *args)
{
    static const char *const columns[] = {"name",  "kind",    "enabled", "call",
                                          "where", "next_at", NULL};
    static const int widths[] = {20, 10, 3, 24, 20, 0};
    Listing listing = {.args = args, .columns = columns, .widths = widths};

    return with_project(args, &listing, list_of_triggers);
}

/* Where others reach it: what a running server says, else what the settings do. */
static void print_url(AkHome *home, const char *path, bool json)
{
    json_t *request = json_pack("{s:s}", "op", "status");
    bool served;
    json_t *status = ak_control_ask(home->place.dir, request, &served);
    const char *base = ak_config_text(home->config, "serve.url"), *scheme = "";

    if (*ak_member_text(status, "url")) {
        base = ak_member_text(status, "url");
    } else if (!*base) {
        base = ak_config_text(home->config, "serve.listen");
        scheme = "http://";
    }
    size_t len = strlen(base);
    printf(json ? "{\"url\": \"%s%.*s%s\"}\n" : "%s%.*s%s\n", scheme,
           (int)(len - (len && base[len - 1] == '/')), base, path);
    json_decref(request);
    json_decref(status);
}

static int find_path(void *payload, const AkTrigger *t)
{
    Listing *l = payload;

    if (strcmp(t->name, ak_args_operand(l->args, 0)) != 0)
        return 0;
    l->left++;
    if (t->slug)
        snprintf(l->path, sizeof l->path, "/webhooks/%s", t->slug);
    return 0;
}

static int url_of_trigger(AkHome *home, const char *project, Listing *listing)
{
    if (ak_trigger_list(home->store, project, find_path, listing) < 0)
        return -1;
    if (*listing->path)
        print_url(home, listing->path, ak_args_json(listing->args));
    return 0;
}

static int trigger_url(const AkArgs *args)
{
    const char *name = ak_args_operand(args, 0);
    Listing listing = {.args = args, .one_project = true};
    int code = with_project(args, &listing, url_of_trigger);

    if (!code && !listing.left)
        code = ak_say_error(AK_EXIT_NOT_FOUND, "no trigger is called '%s'", name);
    else if (!code && !*listing.path)
        code = ak_say_error(AK_EXIT_REFUSED, "'%s' is no webhook: nothing comes to it by HTTP",
                            name);
    return code;
}

static json_t *value_of(const char *words)
{
    json_t *value = json_loads(words, JSON_DECODE_ANY, NULL);

    return value ? value : json_string(words);
}

static int fire_on_temporal(const AkArgs *args, json_t *data)
{
    char why[1024], *text = json_dumps(data, JSON_COMPACT);
    const char *more[12] = {"--trigger", ak_args_operand(args, 0), "--event-data", text};
    size_t n = 4;
    AkPlace place;
    int code;

    if (ak_args_value(args, "project")) {
        more[n++] = "--project";
        more[n++] = ak_args_value(args, "project");
    }
    if (ak_args_value(args, "type")) {
        more[n++] = "--type";
        more[n++] = ak_args_value(args, "type");
    }
    if (ak_args_switch(args, "wait"))
        more[n++] = "--wait";
    if (ak_args_json(args))
        more[n++] = "--json";
    AkConfig *config = ak_config_load(why, sizeof why);
    if (!config ||
        ak_config_place(config, ak_args_state_dir(args), &place, why, sizeof why) < 0)
        code = ak_usage_error("%s", why);
    else
        code = ak_temporal_run(args, config, &place, "fire", more);
    ak_config_free(config);
    json_decref(data);
    free(text);
    return code;
}

static int trigger_fire(const AkArgs *args)
{
    json_t *data = json_object();
    const char *item;

    for (size_t i = 0; (item = ak_args_item(args, "data", i)); i++) {
        const char *equals = strchr(item, '=');
        char *name = equals ? strndup(item, (size_t)(equals - item)) : NULL;
        if (!name || json_object_set_new(data, name, value_of(equals + 1)) < 0) {
            json_decref(data);
            free(name);
            return ak_usage_error("--data wants NAME=VALUE, not '%s'", item);
        }
        free(name);
    }
    if (ak_args_value(args, "temporal"))
        return fire_on_temporal(args, data);
    if (ak_args_switch(args, "wait")) {
        json_decref(data);
        return ak_usage_error("--wait goes with --temporal");
    }
    json_t *request =
        json_pack("{s:s, s:s, s:o, s:s*, s:s*}", "op", "fire", "trigger",
                  ak_args_operand(args, 0), "data", data, "project",
                  ak_args_value(args, "project"), "event_type", ak_args_value(args, "type"));
    return ask(args, request, true, NULL);
}

/* --- Variables
 * ------------------------------------------------------------------------------------------------------
 */

static int show_var(void *payload, const AkVar *var)
{
    Listing *l = payload;
    const char *only = ak_args_operand(l->args, 0);

    if (only && strcmp(only, var->name))
        return 0;
    l->left++;
    show(l->args, ak_view_var(var), l->columns, l->widths);
    return 0;
}

static int list_of_vars(AkHome *home, const char *project, Listing *listing)
{
    return ak_var_list(home->store, project, show_var, listing);
}

static int var_get(const AkArgs *args)
{
    static const char *const columns[] = {"name", "value", NULL};
    static const int widths[] = {30, 0};
    Listing listing = {.args = args, .columns = columns, .widths = widths, .one_project = true};
    int code = with_project(args, &listing, list_of_vars);

    if (!code && !listing.left && ak_args_operand(args, 0))
        return ak_say_error(AK_EXIT_NOT_FOUND, "no variable is called '%s'",
                            ak_args_operand(args, 0));
    return code;
}

/* The value of a secret need not stand in the shell's history: `-` reads it. */
static char *given_value(const char *word)
{
    char *line = NULL;
    size_t size = 0;

    if (strcmp(word, "-"))
        return strdup(word);
    ssize_t n = getdelim(&line, &size, '\0', stdin);
    if (n < 0) {
        free(line);
        return strdup("");
    }
    while (n > 0 && (line[n - 1] == '\n' || line[n - 1] == '\r'))
        line[--n] = '\0';
    return line;
}

static int var_set(const AkArgs *args)
{
    const char *name = ak_args_operand(args, 0);
    char project[128];

    if (!ak_is_symbol(name))
        return ak_usage_error(
            "'%s' is no name of a variable: letters, digits and _, no digit first", name);
    int code = project_name(args, project);
    if (code)
        return code;
    char *value = given_value(ak_args_operand(args, 1));
    json_t *request =
        json_pack("{s:s, s:s, s:s, s:s, s:b}", "op", "var_set", "project", project, "name",
                  name, "value", value, "secret", ak_args_switch(args, "secret"));
    free(value);
    return request ? ask(args, request, false, "set") : ak_usage_error("the value is no UTF-8");
}

static int var_delete(const AkArgs *args)
{
    char project[128];
    int code = project_name(args, project);

    return code ? code
                : ask(args,
                      json_pack("{s:s, s:s, s:s}", "op", "var_delete", "project", project,
                                "name", ak_args_operand(args, 0)),
                      false, "deleted");
}

/* --- Keys
 * -----------------------------------------------------------------------------------------------------------
 */

static int show_key(void *payload, const AkPair *pair)
{
    Listing *l = payload;
    const char *only = ak_args_operand(l->args, 0);

    if (!only || !strcmp(only, pair->key)) {
        json_t *row = ak_view_key(pair);
        l->left++;
        if (!ak_args_json(l->args))
            json_object_set_new(row, "value", json_stringn(pair->value.at, pair->value.len));
        show(l->args, row, l->columns, l->widths);
    }
    return 0;
}

static int list_of_keys(AkHome *home, const char *project, Listing *listing)
{
    return ak_key_list(home->store, project, show_key, listing);
}

static int key_list(const AkArgs *args)
{
    static const char *const both[] = {"key", "value", NULL}, *const value[] = {"value", NULL};
    static const int widths[] = {30, 0};
    bool one = ak_args_operand(args, 0) != NULL;
    Listing listing = {
        .args = args, .columns = one ? value : both, .widths = widths, .one_project = true};
    int code = with_project(args, &listing, list_of_keys);

    if (!code && one && !listing.left)
        return ak_say_error(AK_EXIT_NOT_FOUND, "no key is called '%s'",
                            ak_args_operand(args, 0));
    return code;
}

static int key_set(const AkArgs *args)
{
    char project[128];
    int code = project_name(args, project);

    return code ? code
                : ask(args,
                      json_pack("{s:s, s:s, s:s, s:o}", "op", "store_set", "project", project,
                                "key", ak_args_operand(args, 0), "value",
                                value_of(ak_args_operand(args, 1))),
                      false, "set");
}

/* --- Events
 * ----------------------------------------------------------------------------------------------------------
 */

static int show_event(void *payload, const AkStoredEvent *e)
{
    Listing *l = payload;

    show(l->args, ak_view_event(e), l->columns, l->widths);
    return 0;
}

static int list_of_events(AkHome *home, const char *project, Listing *listing)
{
    return ak_event_list(home->store, project, NULL, listing->left, show_event, listing);
}

static int event_list(const AkArgs *args)
{
    static const char *const columns[] = {"event_id", "type", "created_at", "trigger_id", NULL};
    static const int widths[] = {30, 8, 24, 0};
    Listing listing = {.args = args, .columns = columns, .widths = widths};
    int code = ak_args_number(args, "limit", 100, &listing.left);

    return code ? code : with_project(args, &listing, list_of_events);
}

static int event_get(const AkArgs *args)
{
    const char *id = ak_args_operand(args, 0);
    AkStoredEvent *e;
    AkHome home;
    int code = ak_home_open(args, AK_STORE_READ, &home);

    if (code)
        return code;
    int fault = ak_event_get(home.store, id, &e);
    if (fault) {
        code = fault == AK_E_ABSENT
                   ? ak_say_error(AK_EXIT_NOT_FOUND, "no event is called '%s'", id)
                   : ak_home_fault(&home);
    } else {
        json_t *o = ak_view_event_whole(e);
        json_dumpf(o, stdout, ak_args_json(args) ? JSON_COMPACT : JSON_INDENT(2));
        putchar('\n');
        json_decref(o);
        free(e);
    }
    ak_home_close(&home);
    return code;
}

static int event_redispatch(const AkArgs *args)
{
    return ask(args,
               json_pack("{s:s, s:s}", "op", "redispatch", "event", ak_args_operand(args, 0)),
               true, NULL);
}

/* --- The tables
 * ---------------------------------------------------------------------------------------------------------
 */

static const AkFlag project_flags[] = {
    {"project", 'p', AK_FLAG_VALUE, "NAME",
     "the project; may be left out while there is only one"},
    {0},
};
static const AkFlag fire_flags[] = {
    {"data", 'd', AK_FLAG_LIST, "NAME=VALUE",
     "adds to the event's data; the value may be JSON"},
    {"type", 't', AK_FLAG_VALUE, "TYPE", "the event's type (manual; tick for a schedule)"},
    {"project", 'p', AK_FLAG_VALUE, "NAME", "the trigger's project"},
    {"temporal", 0, AK_FLAG_VALUE, "HOST:PORT", "fire it on a Temporal cluster"},
    {"wait", 0, AK_FLAG_SWITCH, NULL, "there: until the session has ended"},
    AK_TEMPORAL_FLAGS,
    {0},
};
static const AkFlag var_flags[] = {
    {"secret", 's', AK_FLAG_SWITCH, NULL, "never shown again"},
    {"project", 'p', AK_FLAG_VALUE, "NAME",
     "the project; may be left out while there is only one"},
    {0},
};
static const AkFlag event_flags[] = {
    {"limit", 'n', AK_FLAG_VALUE, "N", "so many at most (100; 0: all)"},
    {"project", 'p', AK_FLAG_VALUE, "NAME", "of this project alone"},
    {0},
};

#define ONE_ID .operands = "ID", .min_operands = 1, .max_operands = 1

static const AkCmd deployment_commands[] = {
    {.name = "list",
     .summary = "deployments, the newest first",
     .flags = project_flags,
     .run = deployment_list},
    {.name = "get",
     ONE_ID,
     .summary = "one deployment: its manifest and what the gate found",
     .run = deployment_get},
    {.name = "activate",
     ONE_ID,
     .summary = "put it to work; the one before drains",
     .run = deployment_activate},
    {.name = "deactivate",
     ONE_ID,
     .summary = "take no more events; sessions go on",
     .run = deployment_deactivate},
    {.name = "delete",
     ONE_ID,
     .summary = "delete an inactive one without sessions",
     .run = deployment_delete},
};
static const AkCmd *const deployment_children[] = {
    &deployment_commands[0], &deployment_commands[1], &deployment_commands[2],
    &deployment_commands[3], &deployment_commands[4], NULL};
const AkCmd ak_cmd_deployment = {.name = "deployment",
                                 .summary = "deployments: look, activate, delete",
                                 .children = deployment_children};

static const AkCmd trigger_commands[] = {
    {.name = "list",
     .summary = "webhooks with their paths, schedules with their next time",
     .flags = project_flags,
     .run = trigger_list},
    {.name = "url",
     .operands = "NAME",
     .min_operands = 1,
     .max_operands = 1,
     .summary = "where a webhook is reached: curl \"$(ak trigger url NAME)\"",
     .flags = project_flags,
     .run = trigger_url},
    {.name = "fire",
     .operands = "NAME",
     .min_operands = 1,
     .max_operands = 1,
     .summary = "make an event by hand, for a running server",
     .flags = fire_flags,
     .run = trigger_fire},
};
static const AkCmd *const trigger_children[] = {&trigger_commands[0], &trigger_commands[1],
                                                &trigger_commands[2], NULL};
const AkCmd ak_cmd_trigger = {
    .name = "trigger", .summary = "triggers: look, fire", .children = trigger_children};

static const AkCmd var_commands[] = {
    {.name = "set",
     .operands = "NAME VALUE",
     .min_operands = 2,
     .max_operands = 2,
     .summary = "set a variable; - reads the value from standard input",
     .flags = var_flags,
     .run = var_set},
    {.name = "get",
     .operands = "[NAME]",
     .max_operands = 1,
     .summary = "variables; secrets are masked",
     .flags = project_flags,
     .run = var_get},
    {.name = "delete",
     .operands = "NAME",
     .min_operands = 1,
     .max_operands = 1,
     .summary = "delete a variable",
     .flags = project_flags,
     .run = var_delete},
};
static const AkCmd *const var_children[] = {&var_commands[0], &var_commands[1],
                                            &var_commands[2], NULL};
const AkCmd ak_cmd_var = {.name = "var",
                          .summary = "variables of a project, which programs find in their "
                                     "environment",
                          .children = var_children};

static const AkCmd store_commands[] = {
    {.name = "get",
     .operands = "KEY",
     .min_operands = 1,
     .max_operands = 1,
     .summary = "one key's value",
     .flags = project_flags,
     .run = key_list},
    {.name = "set",
     .operands = "KEY VALUE",
     .min_operands = 2,
     .max_operands = 2,
     .summary = "set a key; the value may be JSON, null deletes",
     .flags = project_flags,
     .run = key_set},
    {.name = "list", .summary = "all keys and values", .flags = project_flags, .run = key_list},
};
static const AkCmd *const store_children[] = {&store_commands[0], &store_commands[1],
                                              &store_commands[2], NULL};
const AkCmd ak_cmd_store = {.name = "store",
                            .summary = "keys and values that a project's sessions share",
                            .children = store_children};

static const AkCmd event_commands[] = {
    {.name = "list", .summary = "the newest events", .flags = event_flags, .run = event_list},
    {.name = "get", ONE_ID, .summary = "one event", .run = event_get},
    {.name = "redispatch",
     ONE_ID,
     .summary = "the same event once more, by a running server",
     .run = event_redispatch},
};
static const AkCmd *const event_children[] = {&event_commands[0], &event_commands[1],
                                              &event_commands[2], NULL};
const AkCmd ak_cmd_event = {
    .name = "event", .summary = "events: look, send again", .children = event_children};
