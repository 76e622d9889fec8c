/* ak serve: the server. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "exit_codes.h"
#include "serve.h"

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

static bool is_loopback(const char *host)
{
    struct in_addr four;
    struct in6_addr six;

    if (!strcmp(host, "localhost"))
        return true;
    if (inet_pton(AF_INET, host, &four) == 1)
        return ntohl(four.s_addr) >> 24 == 127;
    return inet_pton(AF_INET6, host, &six) == 1 && IN6_IS_ADDR_LOOPBACK(&six);
}

static int serve(const AkArgs *args)
{
    const char *listen_on = ak_args_value(args, "listen"), *token = getenv("AK_TOKEN");
    char host[256];
    const char *format = ak_args_value(args, "log-format");
    int port = 0;
    AkHome home;

    if (format && strcmp(format, "text") && strcmp(format, "json"))
        return ak_usage_error("--log-format is text or json, not '%s'", format);
    int code = ak_home_open(args, AK_STORE_SERVE, &home);

    if (code)
        return code;
    if (!listen_on)
        listen_on = ak_config_text(home.config, "serve.listen");
    if (!token || !*token)
        token = ak_config_text(home.config, "serve.token");
    code = read_address(listen_on, host, sizeof host, &port);
    if (!code && !is_loopback(host) && !*token)
        code = ak_say_error(
            AK_EXIT_NO_TOKEN,
            "%s can be reached from elsewhere: set a token first, by AK_TOKEN or with ak "
            "config set serve.token",
            host);
    if (!code) {
        const char *url = ak_args_value(args, "url");
        AkServeOptions options = {.host = host,
                                  .port = port,
                                  .token = token,
                                  .url = url ? url : ak_config_text(home.config, "serve.url"),
                                  .json = ak_args_json(args),
                                  .log_json = format && !strcmp(format, "json"),
                                  .quiet = ak_args_switch(args, "quiet")};
        code = ak_serve(&home, &options);
    }
    ak_home_close(&home);
    return code;
}

static const AkFlag flags[] = {
    {"listen", 'l', AK_FLAG_VALUE, "HOST:PORT",
     "where to listen (127.0.0.1:9980); port 0 takes a free one"},
    {"url", 0, AK_FLAG_VALUE, "URL", "where webhooks are reached from outside"},
    {"log-format", 0, AK_FLAG_VALUE, "FORMAT", "text, or json: an object a line"},
    {"quiet", 'q', AK_FLAG_SWITCH, NULL, "say nothing on standard error"},
    {0},
};

const AkCmd ak_cmd_serve = {
    .name = "serve",
    .summary = "run what is deployed: webhooks, schedules, sessions",
    .more = "Goes on with every session where it stood. One server a state; commands such as "
            "ak deploy reach it\n"
            "by themselves. SIGTERM stops it after the steps that run; it may be killed at any "
            "moment as well.\n"
            "On an address that others can reach it wants a token (AK_TOKEN, or the setting "
            "serve.token).",
    .flags = flags,
    .run = serve,
};
