/* ak serve: the server. */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "commands.h"
#include "exit_codes.h"
#include "listen.h"
#include "serve.h"
#include "serve_away.h"
#include "temporal.h"

/* "127.0.0.1:9980", "[::1]:9980" */
static int read_address(const char *word, char *host, size_t size, int *port)
{
    const char *colon = strrchr(word, ':'), *start = word, *stop = colon;
    char *end;

    if (!colon || colon == word || !colon[1])
        return ak_usage_error("--listen wants HOST:PORT, not '%s'", word);
    long n = strtol(colon + 1, &end, 10);
    if (*end || n < 0 || n > 65535)
        return ak_usage_error("--listen: '%s' is no port", colon + 1);
    if (*start == '[' && stop[-1] == ']') {
        start++;
        stop--;
    }
    snprintf(host, size, "%.*s", (int)(stop - start), start);
    *port = (int)n;
    return 0;
}

static int may_listen(const AkConfig *config, const char *host, const char **token)
{
    *token = getenv("AK_TOKEN");
    if (!*token || !**token)
        *token = ak_config_text(config, "serve.token");
    if (ak_is_loopback(host) || **token)
        return 0;
    return ak_say_error(
        AK_EXIT_NO_TOKEN,
        "%s can be reached from elsewhere: set a token first, by AK_TOKEN or with ak "
        "config set serve.token",
        host);
}

/* What a service manager hands over goes before every address. */
static int open_door(const AkArgs *args, const AkConfig *config, AkServeOptions *options,
                     char *host, size_t size)
{
    const char *listen_on = ak_args_value(args, "listen");
    char why[512], shown[256];
    int port = 0, code = 0, fd = ak_listen_given(why, sizeof why);

    if (fd < -1)
        return ak_say_error(AK_EXIT_USAGE, "%s", why);
    if (fd >= 0)
        ak_listen_address(fd, host, size);
    else
        code = read_address(listen_on ? listen_on : ak_config_text(config, "serve.listen"),
                            host, size, &port);
    if (!code)
        code = may_listen(config, host, &options->token);
    if (!code && fd < 0 && (fd = ak_listen(host, port, why, sizeof why)) < 0)
        return ak_say_error(AK_EXIT_FAILED, "%s", why);
    if (code) {
        if (fd >= 0)
            close(fd);
        return code;
    }
    options->fd = fd;
    options->host = host;
    options->port = ak_listen_address(fd, shown, sizeof shown);
    return 0;
}

/* What to serve and for whom, from flags and settings. */
static int read_options(const AkArgs *args, const AkConfig *config, char *host, size_t size,
                        AkServeOptions *options)
{
    const char *url = ak_args_value(args, "url"), *format = ak_args_value(args, "log-format");

    *options = (AkServeOptions){.url = url ? url : ak_config_text(config, "serve.url"),
                                .json = ak_args_json(args),
                                .log_json = format && !strcmp(format, "json"),
                                .quiet = ak_args_switch(args, "quiet")};
    return open_door(args, config, options, host, size);
}

static int embedded(const AkArgs *args)
{
    AkServeOptions options;
    char host[256];
    AkHome home;
    int code = ak_home_open(args, AK_STORE_SERVE, &home);

    if (code)
        return code;
    code = read_options(args, home.config, host, sizeof host, &options);
    if (!code)
        code = ak_serve(&home, &options);
    ak_home_close(&home);
    return code;
}

typedef struct Away {
    const AkArgs *args;
    const AkConfig *config;
    AkPlace place;
} Away;

static int start_away(void *owner)
{
    Away *away = owner;
    char sync[32];
    const char *more[] = {"--sync", sync, NULL};

    snprintf(sync, sizeof sync, "%lld",
             (long long)ak_config_number(away->config, "serve.sync"));
    return ak_temporal_in(away->args, away->config, &away->place, "serve", more);
}

static int on_temporal(const AkArgs *args)
{
    Away away = {.args = args};
    AkServeOptions options;
    char host[256], why[1024];

    if (!ak_args_value(args, "temporal"))
        return ak_usage_error("--temporal HOST:PORT is missing: where is the server?");
    AkConfig *config = ak_config_load(why, sizeof why);
    if (!config)
        return ak_usage_error("%s", why);
    away.config = config;
    int code =
        ak_config_place(config, ak_args_state_dir(args), &away.place, why, sizeof why) < 0
            ? ak_usage_error("%s", why)
            : read_options(args, config, host, sizeof host, &options);
    if (!code)
        code = ak_serve_away(&options, start_away, &away);
    ak_config_free(config);
    return code;
}

static int serve(const AkArgs *args)
{
    const char *engine = ak_args_value(args, "engine"), *at = ak_args_value(args, "temporal");
    const char *format = ak_args_value(args, "log-format");

    if (format && strcmp(format, "text") && strcmp(format, "json"))
        return ak_usage_error("--log-format is text or json, not '%s'", format);
    if (!engine)
        engine = at ? "temporal" : "embedded";
    if (!strcmp(engine, "temporal"))
        return on_temporal(args);
    if (strcmp(engine, "embedded"))
        return ak_usage_error("--engine is embedded or temporal, not '%s'", engine);
    if (at)
        return ak_usage_error("--temporal goes with --engine temporal");
    return embedded(args);
}

static const AkFlag flags[] = {
    {"listen", 'l', AK_FLAG_VALUE, "HOST:PORT",
     "where to listen (127.0.0.1:9980); port 0 takes a free one"},
    {"url", 0, AK_FLAG_VALUE, "URL", "where webhooks are reached from outside"},
    {"log-format", 0, AK_FLAG_VALUE, "FORMAT", "text, or json: an object a line"},
    {"engine", 0, AK_FLAG_VALUE, "NAME",
     "where sessions run: embedded (here), or temporal (on a cluster, by ak worker)"},
    {"temporal", 't', AK_FLAG_VALUE, "HOST:PORT", "the server of --engine temporal"},
    AK_TEMPORAL_FLAGS,
    {"quiet", 'q', AK_FLAG_SWITCH, NULL, "say nothing on standard error"},
    {0},
};

const AkCmd ak_cmd_serve = {
    .name = "serve",
    .summary = "run what is deployed: webhooks, schedules, sessions",
    .more = "Goes on with every session where it stood. One server a state; commands such as "
            "ak deploy reach it\n"
            "by themselves. SIGTERM stops it after the steps that run, a second one at once; "
            "it may "
            "be killed at any\n"
            "moment as well. SIGHUP reads the settings again.\n"
            "On an address that others can reach it wants a token (AK_TOKEN, or the setting "
            "serve.token).\n"
            "A socket that a service manager hands over (LISTEN_FDS) is taken instead of "
            "--listen.\n"
            "With --engine temporal it takes webhooks and shows what is on a Temporal cluster; "
            "ak worker runs it.",
    .flags = flags,
    .run = serve,
};
