/* ak session: sessions of the store, looked at, gone on with, ended, deleted. */
#define _GNU_SOURCE
#include "commands.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "admin.h"
#include "exit_codes.h"
#include "foreground.h"
#include "replay.h"
#include "report.h"

static int not_found(const char *id)
{
    return ak_say_error(AK_EXIT_NOT_FOUND, "no session is called '%s'", id);
}

static int copy_id(void *payload, const AkSession *session)
{
    snprintf(payload, 64, "%s", session->id);
    return 0;
}

/* The session that was named; `last` is the newest one that no session has started. */
static int named_at(const AkArgs *args, size_t operand, char id[64])
{
    AkSessionQuery query = {.without_parent = true, .limit = 1};
    AkHome home;

    snprintf(id, 64, "%s", ak_args_operand(args, operand));
    if (strcmp(id, "last") != 0)
        return 0;
    int code = ak_home_open(args, AK_STORE_READ, &home);
    if (code)
        return code;
    *id = '\0';
    if (ak_session_list(home.store, &query, copy_id, id) < 0)
        code = ak_home_fault(&home);
    else if (!*id)
        code = ak_say_error(AK_EXIT_NOT_FOUND, "there is no session yet");
    ak_home_close(&home);
    return code;
}

static int named(const AkArgs *args, char id[64])
{
    return named_at(args, 0, id);
}

/* --- Looking
 * ------------------------------------------------------------------------------------------ */

static int state_bit(const char *name, unsigned *bits)
{
    static const AkState all[] = {AK_STATE_CREATED, AK_STATE_RUNNING, AK_STATE_COMPLETED,
                                  AK_STATE_ERROR, AK_STATE_STOPPED};

    for (size_t i = 0; name && i < sizeof all / sizeof *all; i++)
        if (!strcasecmp(name, ak_state_name(all[i])))
            *bits |= 1u << all[i];
    return name && !*bits
               ? ak_usage_error("no state is called '%s'; there are created, running, "
                                "completed, error, stopped",
                                name)
               : 0;
}

static int list_row(void *payload, const AkSession *session)
{
    const AkArgs *args = payload;

    if (ak_args_json(args))
        ak_report_session_json(stdout, session);
    else
        ak_report_session_row(stdout, session);
    return 0;
}

static int list(const AkArgs *args)
{
    AkSessionQuery query = {0};
    AkHome home;
    int code = state_bit(ak_args_value(args, "state"), &query.states);

    if (code || (code = ak_args_number(args, "limit", 100, &query.limit)) ||
        (code = ak_home_open(args, AK_STORE_READ, &home)))
        return code;
    if (ak_session_list(home.store, &query, list_row, (void *)args) < 0)
        code = ak_home_fault(&home);
    ak_home_close(&home);
    return code;
}

static int get(const AkArgs *args)
{
    AkSession *session;
    AkHome home;
    char id[64];
    int code = named(args, id);

    if (code || (code = ak_home_open(args, AK_STORE_READ, &home)))
        return code;
    if (ak_session_get(home.store, id, &session) < 0) {
        code = not_found(id);
    } else {
        if (ak_args_json(args))
            ak_report_session_json(stdout, session);
        else
            ak_report_session(stdout, session);
        free(session);
    }
    ak_home_close(&home);
    return code;
}

typedef struct Steps {
    const char *id;
    uint64_t next, previous; /* where the journal was read up to */
    bool json, prints, colour;
    int code;
} Steps;

static int print_step(void *payload, uint64_t number, AkBytes bytes)
{
    Steps *steps = payload;
    AkRecord record;
    const char *why;
    uint64_t sum;

    if (ak_record_read(bytes, ak_bytes(steps->id), number, steps->previous, &record, &sum,
                       &why) < 0) {
        steps->code = ak_say_error(AK_EXIT_FAILED, "session %s, record %llu: %s", steps->id,
                                   (unsigned long long)number, why);
        return 1;
    }
    steps->previous = sum;
    steps->next = number + 1;
    if (steps->prints) {
        if (record.kind == AK_REC_PRINT)
            fwrite(record.text.at, 1, record.text.len, stdout);
    } else if (steps->json) {
        ak_report_step_json(stdout, &record);
    } else {
        ak_report_step(stdout, &record, steps->colour);
    }
    return 0;
}

static int print_steps(AkHome *home, Steps *steps)
{
    int fault = ak_journal_read(home->store, steps->id, steps->next, print_step, steps);

    fflush(stdout);
    if (fault == AK_E_ABSENT)
        return not_found(steps->id);
    return steps->code ? steps->code : fault < 0 ? ak_home_fault(home) : 0;
}

static Steps steps_of(const AkArgs *args, const char *id)
{
    return (Steps){.id = id,
                   .json = ak_args_json(args),
                   .prints = ak_args_switch(args, "prints"),
                   .colour = isatty(STDOUT_FILENO) == 1};
}

static bool exists(AkHome *home, const char *id, AkState *state)
{
    AkSession *session;

    if (ak_session_get(home->store, id, &session) < 0)
        return false;
    *state = session->state;
    free(session);
    return true;
}

static int log_steps(const AkArgs *args)
{
    char id[64];
    Steps steps = steps_of(args, id);
    AkState state;
    AkHome home;
    int code = named(args, id);

    if (code || (code = ak_home_open(args, AK_STORE_READ, &home)))
        return code;
    code = exists(&home, steps.id, &state) ? print_steps(&home, &steps) : not_found(steps.id);
    ak_home_close(&home);
    return code;
}

/* Follows until the session has ended; its end is the exit code. */
static int follow(const AkArgs *args, const char *id)
{
    Steps steps = steps_of(args, id);
    AkState state = AK_STATE_CREATED;
    AkHome home;
    int code = ak_home_open(args, AK_STORE_READ, &home);

    if (code)
        return code;
    while (!code) {
        /* The state first: what was written before the end is printed before we leave. */
        if (!exists(&home, steps.id, &state))
            code = not_found(steps.id);
        else
            code = print_steps(&home, &steps);
        if (code || state > AK_STATE_RUNNING)
            break;
        usleep(200000);
    }
    ak_home_close(&home);
    return code ? code : state == AK_STATE_COMPLETED ? AK_EXIT_OK : AK_EXIT_FAILED;
}

static int watch(const AkArgs *args)
{
    char id[64];
    int code = named(args, id);

    return code ? code : follow(args, id);
}

static int replay(const AkArgs *args)
{
    AkReplayOptions options = {.code = ak_args_value(args, "code"),
                               .interpreter = ak_args_value(args, "python"),
                               .debug = ak_args_switch(args, "pdb"),
                               .json = ak_args_json(args)};
    AkHome home;
    char id[64];
    int code = named(args, id);

    if (code || (code = ak_home_open(args, AK_STORE_READ, &home)))
        return code;
    options.config = home.config;
    code = ak_replay(home.store, &home.place, id, &options);
    ak_home_close(&home);
    return code;
}

/* --- Going on
 * ---------------------------------------------------------------------------------------------
 */

/* By the server that runs it; true when there is one. */
static bool stop_served(const AkArgs *args, const char *id, int *code)
{
    json_t *answer = NULL,
           *request = json_pack("{s:s, s:s, s:s*}", "op", "stop_session", "session", id,
                                "reason", ak_args_value(args, "reason"));
    bool served = ak_admin_served(args, request, code, &answer);

    json_decref(request);
    json_decref(answer);
    return served;
}

static int stop(const AkArgs *args)
{
    AkHome home;
    char id[64];
    int code = named(args, id);

    if (code || stop_served(args, id, &code))
        return code;
    code = ak_home_open(args, AK_STORE_SHARE, &home);
    if (code)
        return code;
    AkForegroundOptions options = {.json = ak_args_json(args), .quiet = true};
    AkForeground *f = ak_foreground_new(&home, &options);
    int fault = ak_driver_stop(ak_foreground_driver(f), id, ak_args_value(args, "reason"));
    if (fault == AK_E_ABSENT)
        code = not_found(id);
    else if (fault == AK_E_ENDED)
        code = ak_say_error(AK_EXIT_REFUSED, "session %s has ended already", id);
    else if (fault)
        code = ak_say_error(AK_EXIT_FAILED, "%s", ak_driver_error(ak_foreground_driver(f)));
    else
        ak_foreground_run(f, id);
    ak_foreground_free(f);
    ak_home_close(&home);
    return code;
}

static void say_new(const AkArgs *args, const char *id)
{
    if (ak_args_json(args))
        printf("{\"kind\": \"start\", \"session_id\": \"%s\"}\n", id);
    else
        fprintf(stderr, "ak: session %s\n", id);
    fflush(NULL);
}

/* The new session, here and now; --detach leaves it to `ak run --resume` or a server. */
static int go_on(const AkArgs *args, AkHome *home, const char *id)
{
    say_new(args, id);
    if (ak_args_switch(args, "detach"))
        return AK_EXIT_OK;
    AkForegroundOptions options = {.json = ak_args_json(args)};
    AkForeground *f = ak_foreground_new(home, &options);
    int code =
        ak_driver_load(ak_foreground_driver(f), id) < 0
            ? ak_say_error(AK_EXIT_FAILED, "%s", ak_driver_error(ak_foreground_driver(f)))
            : ak_foreground_run(f, id);
    ak_foreground_free(f);
    return code;
}

static int copy_here(const AkArgs *args, const json_t *request)
{
    json_t *answer = NULL;
    AkHome home;
    int code = ak_home_open(args, AK_STORE_SHARE, &home);

    if (code)
        return code;
    code = ak_admin_here(home.store, request, &answer);
    if (!code)
        code = go_on(args, &home, json_string_value(json_object_get(answer, "session_id")));
    json_decref(answer);
    ak_home_close(&home);
    return code;
}

/* Where a server runs it does; here its steps are shown as they come. */
static int copy_session(const AkArgs *args, uint64_t from)
{
    char named_id[64];
    int code = named(args, named_id);

    if (code)
        return code;
    json_t *answer = NULL, *request = json_pack("{s:s, s:s, s:I}", "op", "fork", "session",
                                                named_id, "from", (json_int_t)from);

    if (!ak_admin_served(args, request, &code, &answer)) {
        code = copy_here(args, request);
    } else if (!code) {
        const char *id = json_string_value(json_object_get(answer, "session_id"));
        say_new(args, id);
        if (!ak_args_switch(args, "detach"))
            code = follow(args, id);
    }
    json_decref(request);
    json_decref(answer);
    return code;
}

static int fork_session(const AkArgs *args)
{
    const char *from = ak_args_value(args, "from");
    char *end;

    if (!from)
        return ak_usage_error(
            "--from N is missing: the number of the first step to do anew, as `ak "
            "session log` shows it");
    unsigned long long n = strtoull(from, &end, 10);
    if (*end || !isdigit((unsigned char)from[0]) || n < 1)
        return ak_usage_error("--from wants a number from 1, not '%s'", from);
    return copy_session(args, n);
}

/* A fork from the first step: the start record alone is kept, and with it the event. */
static int restart(const AkArgs *args)
{
    return copy_session(args, 1);
}

/* --- Deleting
 * -------------------------------------------------------------------------------------------------
 */

/* By the server when one runs. Takes the request. */
static int change(const AkArgs *args, json_t *request, json_t **answer)
{
    AkHome home;
    int code;

    if (!ak_admin_served(args, request, &code, answer)) {
        code = ak_home_open(args, AK_STORE_SHARE, &home);
        if (!code) {
            code = ak_admin_here(home.store, request, answer);
            ak_home_close(&home);
        }
    }
    json_decref(request);
    return code;
}

static int delete (const AkArgs *args)
{
    char id[64];
    int code = 0;

    for (size_t i = 0; !code && ak_args_operand(args, i); i++) {
        json_t *answer = NULL;
        code = named_at(args, i, id);
        if (!code)
            code = change(args,
                          json_pack("{s:s, s:s, s:b}", "op", "delete_session", "session", id,
                                    "force", ak_args_switch(args, "force")),
                          &answer);
        json_decref(answer);
        if (!code && ak_args_json(args))
            printf("{\"deleted\": \"%s\"}\n", id);
    }
    return code;
}

/* "30d", "12h", "5m", "90s" */
static bool read_age(const char *text, int64_t *us)
{
    char *end;
    long long n = text ? strtoll(text, &end, 10) : -1;

    if (n < 0 || end == text || !*end || end[1])
        return false;
    int64_t unit = *end == 'd'   ? 86400
                   : *end == 'h' ? 3600
                   : *end == 'm' ? 60
                   : *end == 's' ? 1
                                 : 0;
    *us = n * unit * 1000000;
    return unit != 0;
}

static int prune(const AkArgs *args)
{
    json_t *answer = NULL;
    int64_t age;

    if (!read_age(ak_args_value(args, "older-than"), &age))
        return ak_usage_error("--older-than wants an age like 30d, 12h, 5m or 90s");
    int code =
        change(args, json_pack("{s:s, s:I}", "op", "prune", "older_than_us", (json_int_t)age),
               &answer);
    if (!code)
        printf(ak_args_json(args) ? "{\"deleted\": %lld}\n" : "%lld sessions deleted\n",
               json_integer_value(json_object_get(answer, "deleted")));
    json_decref(answer);
    return code;
}

/* --- The table
 * --------------------------------------------------------------------------------------------------
 */

static const AkFlag list_flags[] = {
    {"state", 's', AK_FLAG_VALUE, "STATE", "created, running, completed, error or stopped"},
    {"limit", 'n', AK_FLAG_VALUE, "N", "so many at most (100; 0: all)"},
    {0},
};
static const AkFlag log_flags[] = {
    {"prints", 0, AK_FLAG_SWITCH, NULL, "only what the program printed"},
    {0},
};
static const AkFlag replay_flags[] = {
    {"pdb", 0, AK_FLAG_SWITCH, NULL, "stop at the first line and at an error, in the debugger"},
    {"code", 0, AK_FLAG_VALUE, "DIR", "with the code in DIR instead of the session's own"},
    {"python", 'p', AK_FLAG_VALUE, "PATH",
     "in another interpreter, or a virtual environment's folder"},
    {0},
};
static const AkFlag stop_flags[] = {
    {"reason", 0, AK_FLAG_VALUE, "TEXT", "kept in the session's record"},
    {0},
};
static const AkFlag restart_flags[] = {
    {"detach", 0, AK_FLAG_SWITCH, NULL, "make the session, but do not run it here"},
    {0},
};
static const AkFlag fork_flags[] = {
    {"from", 0, AK_FLAG_VALUE, "N", "the first step to do anew, as numbered by ak session log"},
    {"detach", 0, AK_FLAG_SWITCH, NULL, "make the session, but do not run it here"},
    {0},
};
static const AkFlag delete_flags[] = {
    {"force", 'f', AK_FLAG_SWITCH, NULL, "also one that has not ended"},
    {0},
};
static const AkFlag prune_flags[] = {
    {"older-than", 0, AK_FLAG_VALUE, "AGE", "ended longer ago than 30d, 12h, 5m or 90s"},
    {0},
};

#define ONE_ID .operands = "ID", .min_operands = 1, .max_operands = 1
static const AkCmd commands[] = {
    {.name = "list", .summary = "the newest sessions", .flags = list_flags, .run = list},
    {.name = "get", ONE_ID, .summary = "one session: its state, and how it ended", .run = get},
    {.name = "log",
     ONE_ID,
     .summary = "its steps: when, how long, where, with what result",
     .flags = log_flags,
     .run = log_steps},
    {.name = "watch",
     ONE_ID,
     .summary = "its steps as they come, until it ends",
     .flags = log_flags,
     .run = watch},
    {.name = "replay",
     ONE_ID,
     .summary = "run it again from its record; nothing is executed",
     .flags = replay_flags,
     .run = replay},
    {.name = "fork",
     ONE_ID,
     .summary = "start a copy that keeps the steps before N",
     .flags = fork_flags,
     .run = fork_session},
    {.name = "restart",
     ONE_ID,
     .summary = "start anew with the same event",
     .flags = restart_flags,
     .run = restart},
    {.name = "stop", ONE_ID, .summary = "end one that waits", .flags = stop_flags, .run = stop},
    {.name = "delete",
     .operands = "ID…",
     .min_operands = 1,
     .max_operands = -1,
     .summary = "delete sessions with their records",
     .flags = delete_flags,
     .run = delete},
    {.name = "prune",
     .summary = "delete what ended long ago",
     .flags = prune_flags,
     .run = prune},
};
static const AkCmd *const children[] = {&commands[0], &commands[1], &commands[2], &commands[3],
                                        &commands[4], &commands[5], &commands[6], &commands[7],
                                        &commands[8], &commands[9], NULL};

const AkCmd ak_cmd_session = {.name = "session",
                              .summary = "sessions: look, replay, fork, stop, delete",
                              .more = "An ID may be `last`: the newest session that no "
                                      "other one has started.",
                              .children = children};
