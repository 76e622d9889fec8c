/* `ak deploy --migrate`: sessions that have not ended, run from their journals against code that
 * is not deployed yet. Nothing is executed and nothing written: each goes as far as its record
 * does, and every step of it is compared with what the new code does there. */
#ifndef AK_DRYRUN_H
#define AK_DRYRUN_H

#include <jansson.h>

#include "hosts.h"

typedef struct AkDryRun {
    AkLoop *loop;
    AkHosts *hosts;         /* that have the new code */
    const char *deployment; /* which of theirs it is */
    AkStore *store;         /* where the sessions are; read alone */
    int64_t turn_us;        /* how long the new code may compute between two steps */
    size_t max_line;        /* of the protocol; 0 for its own limit */
} AkDryRun;

/* Sessions of the project that have not ended, an array of {"session_id", "entry", "deployment_id", "length": records that were looked at,
 * "result": "agrees", "differs" or "fails", "words", "steps": [{"seq", "result", "recorded":
 * {"name", "file", "line"}, "now": the same or absent}]}. `only`: an array of ids, or NULL for
 * all. 0, or a fault of the store. */
int ak_dryrun(const AkDryRun *run, const char *project, const json_t *only, json_t **sessions);

#endif
