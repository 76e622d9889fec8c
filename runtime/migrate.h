/* `ak deploy --migrate`: what the dry run of live sessions found, shown, and the deployment that
 * takes them along. */
#ifndef AK_MIGRATE_H
#define AK_MIGRATE_H

#include "cli.h"
#include "gate.h"

/* Looks at all live sessions. 0 when all go on as recorded, AK_EXIT_REFUSED after it was shown
 * where not. *rows is the caller's. */
int ak_migrate_look(const AkArgs *args, AkHome *home, AkGate *gate, json_t **rows);
/* Asks for the deployment with these sessions; those that went on meanwhile are looked at again,
 * for a minute at most. An exit code after words; *answer at 0. */
int ak_migrate_deploy(const AkArgs *args, AkHome *home, AkGate *gate, json_t *request,
                      json_t *rows, json_t **answer);

#endif
