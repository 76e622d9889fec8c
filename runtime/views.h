/* Rows of the store as JSON: what commands print with --json and what the API answers. Each
 * gives a new object. Times are seconds since the epoch (numbers), null for never. */
#ifndef AK_VIEWS_H
#define AK_VIEWS_H

#include <jansson.h>

#include "store.h"

json_t *ak_view_project(const AkProject *project);
/* The store is asked how many sessions live on it. */
json_t *ak_view_deployment(AkStore *store, const AkDeployment *deployment);
/* With its manifest, the gate's verdict, and whether that belongs to its content. */
json_t *ak_view_deployment_whole(AkStore *store, const AkDeployment *deployment);
json_t *ak_view_trigger(const AkTrigger *trigger);
/* The value of a secret is eight stars. */
json_t *ak_view_var(const AkVar *var);
json_t *ak_view_key(const AkPair *pair);
json_t *ak_view_event(const AkStoredEvent *event);
json_t *ak_view_event_whole(const AkStoredEvent *event);
json_t *ak_view_session(const AkSession *session);
/* A record of a journal. */
json_t *ak_view_step(const AkRecord *record);

json_t *ak_view_time(int64_t us);
/* The path people know: below the project, without the folder that unpacked code lies in. Lives
 * in size bytes at name. */
const char *ak_view_file(AkBytes file, char *name, size_t size);

/* Text from outside; bytes that are no UTF-8 are replaced, so that there is always a string. */
json_t *ak_view_text(AkBytes text);

#endif
