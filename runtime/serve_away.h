/* `ak serve --engine temporal`: HTTP, the API's checks and the page are here; the state is away.
 * What needs it is asked of the process that talks with Temporal (ak_temporal.serve), an object a
 * line each way over a socket: {"id", "op", …} and, in any order, {"id", …}. `op` is the name of a
 * route of the API (with "args", "query", "body", answered by "body"), "webhook" (answered by "status"
 * and "body", or by "outcomes"), or "news". Its first line is {"ready": true}. */
#ifndef AK_SERVE_AWAY_H
#define AK_SERVE_AWAY_H

#include "api.h"

/* Becomes that process, with the socket as descriptor 0; comes back only with an exit code. */
typedef int AkAwayStart(void *owner);

/* Until SIGTERM or SIGINT; the exit code. */
int ak_serve_away(const AkServeOptions *options, AkAwayStart *start, void *owner);

#endif
