/* Changes of the state: deployments, variables, keys, and those of sessions that session_ops.h
 * has. Each is a JSON request with an `op`, so that a command does it itself on a state that
 * nobody serves, or asks the server.
 *
 *     {"op": "deploy", "plan", "bundle": path of a tar file, "dialect", "verdict"}
 *         with "migrate": [{"session_id", "length"}] the sessions that have not ended come along;
 *         if others live, or these have other records, the answer is an error with their ids in
 *         "changed", for another look
 *     {"op": "activate" | "deactivate" | "delete_deployment", "deployment"}
 *     {"op": "var_set", "project", "name", "value", "secret"}   {"op": "var_delete", …}
 *     {"op": "store_set", "project", "key", "value"}            a null deletes
 *
 * The answer: what the command prints as JSON, or {"error": words, "code": exit code}. */
#ifndef AK_ADMIN_H
#define AK_ADMIN_H

#include <jansson.h>

#include "home.h"
#include "store.h"

/* In the caller's open transaction, which has to be aborted when the answer is an error. NULL:
 * no such op. */
json_t *ak_admin(AkStore *store, const json_t *request);

json_t *ak_admin_error(int exit_code, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* An answer with "changed" is given, with AK_EXIT_REFUSED, to whoever asked for that.
 *
 * Both ways: on the home's own store, or through the server that holds it (control.h). Prints
 * an error. Gives the exit code and, at 0, the answer. */
int ak_admin_ask(const AkArgs *args, const json_t *request, json_t **answer);
/* On a store that is open and not served, in a transaction of its own; as ak_admin_ask. */
int ak_admin_here(AkStore *store, const json_t *request, json_t **answer);
/* What only a server can do; refused without one. */
int ak_admin_ask_server(const AkArgs *args, const json_t *request, json_t **answer);

/* Asks the server if there is one: true, and then the exit code and, at 0, the answer. */
bool ak_admin_served(const AkArgs *args, const json_t *request, int *code, json_t **answer);

/* How the verdict is tied to what was judged: hex SHA-256 of content, dialect and manifest. */
void ak_verdict_seal(const char *digest, const char *dialect, const char *manifest,
                     const json_t *verdict, char seal[65]);
/* Does the verdict belong to this deployment's content? */
bool ak_verdict_holds(const AkDeployment *deployment);

/* The project's sessions that have not ended go to deployment `to`, when `expected` names them
 * all with the length that their journals have. Else none does, and those that differ are in
 * `changed`. In the open transaction. 0 or a fault. */
int ak_sessions_move(AkStore *store, const char *project, const char *to,
                     const json_t *expected, json_t *changed);

/* Leaves DRAINING when it has no live session any more. 0 or a fault. */
int ak_deployment_drained(AkStore *store, const char *id);

/* When a schedule fires next after `after_us`; 0 for never. */
int64_t ak_schedule_next(const char *schedule, int64_t after_us);

#endif
