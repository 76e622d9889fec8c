/* The event of a session that nobody's trigger starts: `ak run`, `ak test`. */
#ifndef AK_MANUAL_H
#define AK_MANUAL_H

#include <jansson.h>

/* What was given, an object with a `data` member, is a whole event; anything else is the
 * event's data. NULL: no data. What an event has besides is filled in. */
json_t *ak_manual_event(json_t *given, const char *session_id);

#endif
