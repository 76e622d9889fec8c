/* The server: HTTP, schedules, the commands' requests, and the driver that runs sessions. */
#ifndef AK_SERVE_H
#define AK_SERVE_H

#include <stdbool.h>

#include "home.h"

typedef struct AkServeOptions {
    int fd;           /* listens; taken */
    const char *host; /* where that is, for people */
    int port;
    const char *url;   /* from outside, or "" */
    const char *token; /* or "" */
    bool json, quiet;
    bool log_json; /* what is said on standard error is an object a line */
} AkServeOptions;

/* Until SIGTERM or SIGINT; the exit code. home is open for serving. */
int ak_serve(AkHome *home, const AkServeOptions *options);

#endif
