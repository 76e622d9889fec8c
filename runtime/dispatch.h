/* From something that happened to the sessions it starts and the subscriptions it feeds: in the
 * open transaction, so that an event is there with all it brings about, or not at all. */
#ifndef AK_DISPATCH_H
#define AK_DISPATCH_H

#include <jansson.h>

#include "driver.h"

typedef struct AkHappening {
    const AkTrigger *trigger;
    const char *type;
    const json_t *data; /* of the event */
    const char *key;    /* idempotency key, or NULL */
} AkHappening;

typedef struct AkDispatched {
    char event_id[32];
    char session_id[32]; /* "" when none was started */
    bool again;          /* the key was used: event_id is the first one's */
    size_t mails;        /* subscriptions that were fed */
} AkDispatched;

/* 0 or a fault, with words in ak_store_error or ak_driver_error. */
int ak_dispatch(AkDriver *driver, AkStore *store, const AkHappening *happening,
                AkDispatched *done);

/* Whether a filter lets an event through; an empty one does. */
bool ak_event_passes(const char *filter, const char *type, const json_t *data);

/* An event of the store, once more: a new event with the same type and data. AK_E_ABSENT
 * without it or its trigger. */
int ak_dispatch_again(AkDriver *driver, AkStore *store, const char *event_id,
                      AkDispatched *done);

#endif
