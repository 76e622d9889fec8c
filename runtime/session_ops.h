/* Changes of sessions that are asked for from outside: copies, deleting. As in admin.h: each
 * takes a request, in the caller's open transaction, which has to be aborted when the answer is
 * an error. (Stopping is the driver's, which runs them.)
 *
 *     {"op": "fork", "session", "from": N}                 the records before N are kept, N >= 1
 *     {"op": "delete_session", "session", "force": bool}
 *     {"op": "prune", "older_than_us": N}                   those that ended longer ago */
#ifndef AK_SESSION_OPS_H
#define AK_SESSION_OPS_H

#include <jansson.h>

#include "store.h"

/* {"session_id": the copy's}; it is ready to run, by ak_driver_load. */
json_t *ak_session_fork(AkStore *store, const json_t *request);
json_t *ak_session_drop(AkStore *store, const json_t *request);
json_t *ak_session_prune(AkStore *store, const json_t *request); /* {"deleted": N} */

#endif
