/* `ak`'s end of a warm process (zygote.h): started on first use, started anew when it dies,
 * asked for runners. One per deployment. What its modules print while loading comes to
 * `output`.
 *
 * Callbacks come from the loop. After ak_warm_free none comes. */
#ifndef AK_WARM_H
#define AK_WARM_H

#include <stdint.h>

#include "bounds.h"
#include "loop.h"
#include "zygote.h"

typedef struct AkWarm AkWarm;

typedef struct AkWarmSpec {
    const char *program;     /* `ak`; NULL: this very program */
    const char *interpreter; /* NULL: the one built in */
    const char *venv;    /* environment that the one built in takes packages from, or NULL */
    const char *support; /* directory that holds ak_runner.py and the packages */
    const char *code;    /* directory of the user's code */
    const char *tar;     /* the same, as another interpreter's runner wants it */
    const char *runner;  /* its ak_runner.py; NULL: the one in support */
    const char *entry;   /* "file.py:func" or "file.py" */
    const char *cwd;
    char *const *env; /* the whole environment, name=value; NULL at the end */
    AkLimits limits;
} AkWarmSpec;

/* Strings are lent only for the call that gives them. */
typedef struct AkWarmEvents {
    void (*told)(void *owner, const AkZygoteTell *telling); /* about runner telling->id */
    void (*output)(void *owner, int stream, const char *text, size_t len); /* 1 or 2 */
    void (*lost)(void *owner, const char *how); /* all its runners are gone with it */
} AkWarmEvents;

/* The spec is copied. NULL when memory ran out. Nothing is started yet. */
AkWarm *ak_warm_new(AkLoop *loop, const AkWarmSpec *spec, const AkWarmEvents *events,
                    void *owner);
/* Ends the process and all its runners. */
void ak_warm_free(AkWarm *warm);

/* Asks for a runner. The descriptors stay the caller's (to close). 0, or -1 with errno. */
int ak_warm_start_runner(AkWarm *warm, uint32_t id, const char *entry, const char *socket_path,
                         const int fds[AK_ZYGOTE_ASK_FDS]);
void ak_warm_signal(AkWarm *warm, uint32_t id, int signal);
/* The stack of a process that does not come up: SIGUSR1 to the warm process itself. */
void ak_warm_ask_stack(AkWarm *warm);
/* It hangs while loading: ends it; `lost` follows. */
void ak_warm_kill(AkWarm *warm);
bool ak_warm_is_ready(const AkWarm *warm);
bool ak_warm_is_embedded(const AkWarm *warm);

#endif
