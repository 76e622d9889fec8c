/* ak run: one session in the foreground. */
#define _GNU_SOURCE
#include "commands.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bundle.h"
#include "exit_codes.h"
#include "foreground.h"
#include "ids.h"
#include "manual.h"

/* --- The event
 * -------------------------------------------------------------------------------------- */

static json_t *read_event_file(const char *name, int *code)
{
    json_error_t error;
    json_t *event =
        !strcmp(name, "-") ? json_loadf(stdin, 0, &error) : json_load_file(name, 0, &error);

    if (event)
        return event;
    *code = error.line > 0 ? ak_usage_error("%s:%d: %s", name, error.line, error.text)
                           : ak_usage_error("%s: %s", name, error.text);
    return NULL;
}

/* `5`, `true`, `[1]` are what they are in JSON; anything else is text. */
static json_t *read_value(const char *text)
{
    json_t *value = json_loads(text, JSON_DECODE_ANY, NULL);

    return value ? value : json_string(text);
}

static int add_data(json_t *data, const AkArgs *args)
{
    const char *item;

    for (size_t i = 0; (item = ak_args_item(args, "data", i)); i++) {
        size_t len = strcspn(item, "=");
        char name[256];
        if (!item[len] || len == 0 || len >= sizeof name)
            return ak_usage_error("--data wants NAME=VALUE, not '%s'", item);
        snprintf(name, sizeof name, "%.*s", (int)len, item);
        if (json_object_set_new(data, name, read_value(item + len + 1)) < 0)
            return ak_usage_error("--data %s: the value is not UTF-8", name);
    }
    return 0;
}

static int add_to(json_t *given, const char *file, const AkArgs *args)
{
    bool whole = json_is_object(given) && json_object_get(given, "data");
    json_t *data = whole ? json_object_get(given, "data") : given;

    if (!ak_args_item(args, "data", 0))
        return 0;
    if (!json_is_object(data))
        return ak_usage_error("--data adds to an object, but %s holds another kind of value",
                              file);
    return add_data(data, args);
}

/* A file with a `data` member is a whole event; anything else is the event's data. */
static char *make_event(const AkArgs *args, const char *session_id, int *code)
{
    const char *file = ak_args_value(args, "event");
    json_t *given = file ? read_event_file(file, code) : json_object();

    if (!given)
        return NULL;
    *code = add_to(given, file, args);
    json_t *event = *code ? NULL : ak_manual_event(given, session_id);
    json_decref(given);
    char *text = event ? json_dumps(event, JSON_COMPACT | JSON_ENSURE_ASCII) : NULL;
    json_decref(event);
    return text;
}

/* --- A new session
 * ------------------------------------------------------------------------------------ */

typedef struct Program {
    char path[1024], func[256];   /* as given */
    char root[1024], entry[1300]; /* the project, and file.py:func below it */
} Program;

static int read_program(const char *word, Program *program)
{
    const char *colon = strrchr(word, ':');
    char file[1024];

    if (!colon || !colon[1] || colon - word < 4 || strncmp(colon - 3, ".py", 3))
        return ak_usage_error("'%s' is no program; it looks like file.py:function", word);
    snprintf(program->path, sizeof program->path, "%.*s", (int)(colon - word), word);
    snprintf(program->func, sizeof program->func, "%s", colon + 1);
    if (ak_bundle_root(program->path, program->root, sizeof program->root, file, sizeof file) <
        0)
        return ak_say_error(AK_EXIT_NOT_FOUND, "%s: %s", program->path, strerror(errno));
    snprintf(program->entry, sizeof program->entry, "%s:%s", file, program->func);
    return 0;
}

static char *absolute(const char *path)
{
    /* A bare name is looked for in PATH by whoever starts it. */
    return path && strchr(path, '/') ? realpath(path, NULL) : path ? strdup(path) : NULL;
}

/* A virtual environment's folder stands for its interpreter, whose link must not be resolved.
 */
static char *interpreter(const char *given)
{
    char *path = NULL, *dir = NULL;

    if (!given)
        return NULL;
    if (!strchr(given, '/') && access(given, F_OK) < 0)
        return strdup(given);
    char cwd[1024];
    if (!getcwd(cwd, sizeof cwd))
        return NULL;
    if (asprintf(&dir, "%s%s%s", given[0] == '/' ? "" : cwd, given[0] == '/' ? "" : "/",
                 given) < 0)
        return NULL;
    if (asprintf(&path, "%s/bin/python3", dir) < 0)
        path = NULL;
    if (path && access(path, X_OK) == 0) {
        free(dir);
        return path;
    }
    free(path);
    return dir;
}

static int create(const AkArgs *args, AkHome *home, AkForeground *f, const Program *program,
                  char *id)
{
    char project[32], deployment[32], seed[AK_SEED_SIZE], why[2048], cwd[1024];
    char *python = interpreter(ak_args_value(args, "python"));
    char *runner = absolute(ak_args_value(args, "runner"));
    AkLocal local = {.root = program->root,
                     .cwd = getcwd(cwd, sizeof cwd),
                     .python = python,
                     .runner = runner};
    AkText tar = {0};
    int code = 0, fault = 0;
    char *event = make_event(args, id, &code);

    if (!event)
        return code;
    if (ak_args_value(args, "python") && strchr(python, '/') && access(python, X_OK) < 0)
        code = ak_say_error(AK_EXIT_NOT_FOUND, "%s: %s", python, strerror(errno));
    else if (ak_args_value(args, "runner") && (!runner || !python))
        code = ak_usage_error("--runner names a file, and needs --python");
    else if (ak_bundle_pack(program->root, &tar, why, sizeof why) < 0)
        code = ak_usage_error("%s", why);
    else if ((fault = ak_local_deployment(home->store, &local, (AkBytes){tar.at, tar.len},
                                          project, deployment)))
        code = ak_home_fault(home);
    if (!code && ak_args_switch(args, "create")) {
        printf(ak_args_json(args)
                   ? "{\"project_id\": \"%s\", \"deployment_id\": \"%s\"}\n"
                   : "[exec] create_project: \"%s\"\n[exec] create_deployment: \"%s\"\n",
               project, deployment);
    } else if (!code) {
        ak_seed_new(seed);
        AkNewSession session = {.id = id,
                                .project_id = project,
                                .deployment_id = deployment,
                                .entry = program->entry,
                                .event = event,
                                .seed = seed,
                                .dialect = "ak"};
        if (ak_driver_create(ak_foreground_driver(f), &session) < 0)
            code = ak_say_error(AK_EXIT_FAILED, "%s", ak_driver_error(ak_foreground_driver(f)));
    }
    free(event);
    free(python);
    free(runner);
    ak_text_free(&tar);
    return code;
}

/* --- One that is there already
 * --------------------------------------------------------------------------- */

typedef struct Children {
    AkDriver *driver;
    AkStore *store;
    char ids[64][64];
    size_t len;
} Children;

static int note_child(void *payload, const AkSession *session)
{
    Children *children = payload;

    if (session->state <= AK_STATE_RUNNING && children->len < 64)
        snprintf(children->ids[children->len++], 64, "%s", session->id);
    return 0;
}

/* What a session has started goes on with it. */
static void load_children(AkDriver *driver, AkStore *store, const char *id)
{
    AkSessionQuery query = {.parent_id = id};
    Children *children = calloc(1, sizeof *children);

    ak_session_list(store, &query, note_child, children);
    for (size_t i = 0; i < children->len; i++) {
        ak_driver_load(driver, children->ids[i]);
        load_children(driver, store, children->ids[i]);
    }
    free(children);
}

static int resume(AkHome *home, AkForeground *f, const char *id)
{
    AkSession *row;
    AkDriver *driver = ak_foreground_driver(f);

    if (ak_session_get(home->store, id, &row) < 0)
        return ak_say_error(AK_EXIT_NOT_FOUND, "no session is called '%s'", id);
    if (row->state > AK_STATE_RUNNING) {
        int code = ak_say_error(AK_EXIT_REFUSED, "session %s has ended: %s", id,
                                ak_state_name(row->state));
        free(row);
        return code;
    }
    free(row);
    int fault = ak_driver_load(driver, id);
    if (fault < 0)
        return ak_say_error(fault == AK_E_BUSY ? AK_EXIT_REFUSED : AK_EXIT_FAILED, "%s",
                            ak_driver_error(driver));
    load_children(driver, home->store, id);
    return 0;
}

static int run(const AkArgs *args)
{
    const char *word = ak_args_operand(args, 0), *old = ak_args_value(args, "resume");
    char id[64];
    Program program;
    AkHome home;
    int code = 0;

    if (!word == !old)
        return ak_usage_error(
            "one of both is wanted: a program like file.py:function, or --resume ID");
    if (old && ak_args_switch(args, "create"))
        return ak_usage_error("--create makes something new, --resume does not");
    if (word && (code = read_program(word, &program)))
        return code;
    if ((code = ak_home_open(args, AK_STORE_SHARE, &home)))
        return code;
    AkForegroundOptions options = {.json = ak_args_json(args)};
    AkForeground *f = ak_foreground_new(&home, &options);
    if (old) {
        snprintf(id, sizeof id, "%s", old);
        code = resume(&home, f, id);
    } else {
        ak_id_new("ses", ak_loop_now().wall_us, id);
        code = create(args, &home, f, &program, id);
    }
    if (!code && !ak_args_switch(args, "create"))
        code = ak_foreground_run(f, id);
    ak_foreground_free(f);
    ak_home_close(&home);
    return code;
}

static const AkFlag flags[] = {
    {"event", 'e', AK_FLAG_VALUE, "FILE", "the event as JSON; - reads it from standard input"},
    {"data", 'd', AK_FLAG_LIST, "NAME=VALUE",
     "adds to the event's data; the value may be JSON"},
    {"resume", 'r', AK_FLAG_VALUE, "ID", "goes on with a session that was left"},
    {"python", 'p', AK_FLAG_VALUE, "PATH", "an interpreter, or a virtual environment's folder"},
    {"create", 0, AK_FLAG_SWITCH, NULL, "put the program into the store, but run no session"},
    {"runner", 0, AK_FLAG_VALUE, "FILE", "with --python: another ak_runner.py"},
    {0},
};

const AkCmd ak_cmd_run = {
    .name = "run",
    .operands = "[FILE.py:FUNC]",
    .summary = "run one session here; its steps survive a crash",
    .more =
        "Prints what the program prints, and ends with 0 when it completed, 1 when it failed.\n"
        "Ctrl-C leaves the session waiting and says how to go on; a second one ends a step "
        "that runs.\n"
        "The state lies where --data DIR says (a --data with a '=' in it is event data; put "
        "the\n"
        "directory before `run` when its name holds one), else where config.yaml says.\n\n"
        "  ak run hello.py:on_event --data name=Ada\n"
        "  ak run hello.py:on_event --event event.json\n"
        "  ak run --resume ses_01…",
    .flags = flags,
    .min_operands = 0,
    .max_operands = 1,
    .run = run,
};
