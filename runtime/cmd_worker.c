/* ak worker: sessions of a Temporal cluster, run here. */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "exit_codes.h"
#include "temporal.h"

enum { MOST = 64 };

typedef struct More {
    const char *words[MOST];
    char numbers[8][32];
    size_t len, used;
} More;

static void add(More *more, const char *name, const char *value)
{
    if (value && more->len + 3 < MOST) {
        more->words[more->len++] = name;
        more->words[more->len++] = value;
    }
}

static void add_number(More *more, const char *name, int64_t n)
{
    char *text = more->numbers[more->used++];

    snprintf(text, sizeof more->numbers[0], "%lld", (long long)n);
    add(more, name, text);
}

/* A whole number or a decimal above zero. */
static int check_number(const AkArgs *args, const char *flag, double least)
{
    const char *text = ak_args_value(args, flag);
    char *end;

    if (!text)
        return 0;
    double n = strtod(text, &end);
    if (*end || end == text || !(n >= least) || n > 1e9)
        return ak_usage_error("--%s wants a number from %g, not '%s'", flag, least, text);
    return 0;
}

static int check(const AkArgs *args)
{
    int code = 0;

    if (!ak_args_value(args, "temporal"))
        return ak_usage_error("--temporal HOST:PORT is missing: where is the server?");
    code = check_number(args, "sessions", 0);
    code = code ? code : check_number(args, "calls", 1);
    code = code ? code : check_number(args, "grace", 0);
    return code ? code : check_number(args, "heartbeat", 0.5);
}

static int worker(const AkArgs *args)
{
    char why[1024];
    AkPlace place;
    More more = {0};
    int code = check(args);

    if (code)
        return code;
    AkConfig *config = ak_config_load(why, sizeof why);
    if (!config)
        return ak_usage_error("%s", why);
    if (ak_config_place(config, ak_args_state_dir(args), &place, why, sizeof why) < 0) {
        ak_config_free(config);
        return ak_usage_error("%s", why);
    }
    static const char *const passed[][2] = {
        {"deployment", "--deployment"}, {"sessions", "--sessions"},   {"calls", "--calls"},
        {"grace", "--grace"},           {"heartbeat", "--heartbeat"}, {"metrics", "--metrics"}};
    for (size_t i = 0; i < sizeof passed / sizeof *passed; i++)
        add(&more, passed[i][1], ak_args_value(args, passed[i][0]));
    const char *name;
    for (size_t i = 0; (name = ak_args_item(args, "interceptor", i)); i++)
        add(&more, "--interceptor", name);
    add_number(&more, "--turn", ak_config_number(config, "limits.turn"));
    add_number(&more, "--runners", ak_config_number(config, "limits.runners"));
    add_number(&more, "--memory", ak_config_number(config, "limits.memory"));
    if (ak_args_switch(args, "quiet"))
        more.words[more.len++] = "--quiet";
    code = ak_temporal_in(args, config, &place, "worker", more.words);
    ak_config_free(config);
    return code;
}

static const AkFlag flags[] = {
    {"temporal", 't', AK_FLAG_VALUE, "HOST:PORT", "the server"},
    AK_TEMPORAL_FLAGS,
    {"python", 0, AK_FLAG_VALUE, "PYTHON",
     "the interpreter of the programs, or its environment"},
    {"deployment", 0, AK_FLAG_VALUE, "ID",
     "this deployment's sessions alone, which are pinned to it (worker versioning)"},
    {"sessions", 0, AK_FLAG_VALUE, "N", "sessions to keep at hand (1000); 0: none"},
    {"calls", 0, AK_FLAG_VALUE, "N", "recorded calls at a time (100)"},
    {"grace", 0, AK_FLAG_VALUE, "SECONDS", "for calls to end when the worker is to stop (10)"},
    {"heartbeat", 0, AK_FLAG_VALUE, "SECONDS",
     "after which a silent worker's calls are given to another (10)"},
    {"metrics", 0, AK_FLAG_VALUE, "HOST:PORT", "tell Prometheus there"},
    {"interceptor", 0, AK_FLAG_LIST, "MODULE:NAME", "an interceptor of Temporal's SDK"},
    {"quiet", 'q', AK_FLAG_SWITCH, NULL, "do not say what is served"},
    {0},
};

const AkCmd ak_cmd_worker = {
    .name = "worker",
    .summary = "run sessions of a Temporal cluster",
    .more = "Takes sessions from a task queue and runs them as ak serve would: recorded calls "
            "are Temporal's\n"
            "activities, sleeps its timers. Any number of workers share the work. SIGTERM "
            "stops one after the\n"
            "calls that run; it may be killed at any moment as well.",
    .flags = flags,
    .run = worker,
};
