#define _GNU_SOURCE
#include "manual.h"

#include <time.h>

#include "ids.h"
#include "loop.h"

static void set_missing(json_t *event, const char *name, json_t *value)
{
    if (json_object_get(event, name))
        json_decref(value);
    else
        json_object_set_new(event, name, value);
}

json_t *ak_manual_event(json_t *given, const char *session_id)
{
    bool whole = json_is_object(given) && json_object_get(given, "data");
    json_t *event =
        whole ? json_deep_copy(given)
              : json_pack("{s:o}", "data", given ? json_deep_copy(given) : json_object());
    int64_t now_us = ak_loop_now().wall_us;
    time_t seconds = (time_t)(now_us / 1000000);
    char id[AK_ID_SIZE], created[40];
    struct tm tm;

    ak_id_new("evt", now_us, id);
    gmtime_r(&seconds, &tm);
    strftime(created, sizeof created, "%Y-%m-%dT%H:%M:%SZ", &tm);
    set_missing(event, "event_type", json_string("manual"));
    set_missing(event, "event_id", json_string(id));
    set_missing(event, "integration_id", json_null());
    set_missing(event, "created_at", json_string(created));
    json_object_set_new(event, "session_id", json_string(session_id));
    return event;
}
