/* Sessions on a Temporal cluster: starts the Python side (runtime/temporal/), with Temporal's SDK
 * in an environment that is made once, below DIR/cache. */
#ifndef AK_TEMPORAL_H
#define AK_TEMPORAL_H

#include "home.h"

/* The flags of every command that talks to a Temporal server. */
#define AK_TEMPORAL_FLAGS                                                                      \
    {"namespace", 0, AK_FLAG_VALUE, "NAME", "its namespace (default)"},                        \
        {"task-queue", 0, AK_FLAG_VALUE, "NAME", "the task queue of sessions (ak)"},           \
        {"tls", 0, AK_FLAG_SWITCH, NULL, "speak TLS; implied by the four below"},              \
        {"tls-ca", 0, AK_FLAG_VALUE, "FILE", "who signs the server's certificate"},            \
        {"tls-cert", 0, AK_FLAG_VALUE, "FILE", "our certificate"},                             \
        {"tls-key", 0, AK_FLAG_VALUE, "FILE", "its key"},                                      \
        {"tls-server-name", 0, AK_FLAG_VALUE, "NAME", "the name in the server's certificate"}, \
        {"api-key", 0, AK_FLAG_VALUE, "FILE", "a file that holds the key"},                    \
        {"codec", 0, AK_FLAG_VALUE, "MODULE:NAME", "a payload codec: encryption"},             \
        {"shared", 0, AK_FLAG_VALUE, "DIR",                                                    \
         "where deployments, bundles and large values lie (DIR/temporal)"},                    \
    {                                                                                          \
        "sdk-python", 0, AK_FLAG_VALUE, "PYTHON", "an interpreter that has Temporal's SDK"     \
    }

/* The command of the Python side, as arguments after its word; ends with NULL. What the flags
 * above say is added. `in` replaces this process by it; `run` waits and gives its exit code.
 * Both return an exit code after words on stderr when it could not be started. */
int ak_temporal_in(const AkArgs *args, const AkConfig *config, const AkPlace *place,
                   const char *word, const char *const *more);
int ak_temporal_run(const AkArgs *args, const AkConfig *config, const AkPlace *place,
                    const char *word, const char *const *more);

/* The interpreter that programs run in: what the settings say, else the one built in, as a
 * program. */
const char *ak_temporal_python(const AkArgs *args, const AkConfig *config);

#endif
