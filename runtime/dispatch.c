#define _GNU_SOURCE
#include "dispatch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "engine/filter.h"
#include "ids.h"
#include "members.h"

/* --- Filters over jansson's values
 * ------------------------------------------------------------------------ */

static AkFilterValue value_of(const json_t *json)
{
    switch (json ? json_typeof(json) : JSON_NULL) {
    case JSON_OBJECT:
        return (AkFilterValue){.kind = AK_FV_MAP, .len = json_object_size(json), .node = json};
    case JSON_ARRAY:
        return (AkFilterValue){.kind = AK_FV_LIST, .len = json_array_size(json), .node = json};
    case JSON_STRING:
        return (AkFilterValue){.kind = AK_FV_STRING,
                               .text = json_string_value(json),
                               .len = json_string_length(json)};
    case JSON_INTEGER:
        return (AkFilterValue){.kind = AK_FV_INT, .integer = json_integer_value(json)};
    case JSON_REAL:
        return (AkFilterValue){.kind = AK_FV_DOUBLE, .number = json_real_value(json)};
    case JSON_TRUE:
    case JSON_FALSE: return (AkFilterValue){.kind = AK_FV_BOOL, .integer = json_is_true(json)};
    default: return (AkFilterValue){.kind = AK_FV_NULL};
    }
}

static AkFilterValue member(void *payload, const void *map, const char *key, size_t len)
{
    char name[512];
    const json_t *found;

    (void)payload;
    if (len >= sizeof name)
        return (AkFilterValue){.kind = AK_FV_ERROR};
    memcpy(name, key, len);
    name[len] = '\0';
    found = json_object_get(map, name);
    return found ? value_of(found) : (AkFilterValue){.kind = AK_FV_ERROR};
}

static AkFilterValue item(void *payload, const void *list, size_t index)
{
    const json_t *found = json_array_get(list, index);

    (void)payload;
    return found ? value_of(found) : (AkFilterValue){.kind = AK_FV_ERROR};
}

bool ak_event_passes(const char *text, const char *type, const json_t *data)
{
    static AkFilter filter; /* large; one thread */
    const char *why;
    uint32_t at;

    if (!text || !*text)
        return true;
    AkFilterData with = {
        .data = value_of(data), .event_type = type, .member = member, .item = item};
    return ak_filter_parse(&filter, text, &why, &at) == 0 && ak_filter_match(&filter, &with);
}

/* --- One event
 * ------------------------------------------------------------------------------------------------
 */

typedef struct Event {
    AkDriver *driver;
    AkStore *store;
    const AkHappening *what;
    json_t *config; /* of the trigger */
    json_t *object; /* what handlers get */
    char *words;    /* the same as text: written once, as it may be large */
    int64_t now;
    AkDispatched *done;
} Event;

static json_t *make_object(const Event *e)
{
    char created[40];
    time_t seconds = (time_t)(e->now / 1000000);
    struct tm tm;

    gmtime_r(&seconds, &tm);
    strftime(created, sizeof created, "%Y-%m-%dT%H:%M:%SZ", &tm);
    return json_pack("{s:s, s:s, s:n, s:s, s:O}", "event_type", e->what->type, "event_id",
                     e->done->event_id, "integration_id", "created_at", created, "data",
                     e->what->data);
}

static bool wants(const Event *e)
{
    const char *type = ak_member_text(e->config, "event_type");

    return *ak_member_text(e->config, "call") &&
           (!*type || !strcmp(type, "*") || !strcmp(type, e->what->type)) &&
           ak_event_passes(ak_member_text(e->config, "filter"), e->what->type, e->what->data);
}

/* The object with one member more, at its end. */
static char *with_session(const char *words, const char *session_id)
{
    size_t len = strlen(words) - 1, room = len + 64 + strlen(session_id);
    char *text = malloc(room);

    if (!text)
        return NULL;
    memcpy(text, words, len);
    snprintf(text + len, room - len, ",\"session_id\":\"%s\"}", session_id);
    return text;
}

static int start_session(const Event *e)
{
    char seed[AK_SEED_SIZE];
    AkDeployment *d;
    int fault = ak_deployment_get(e->store, e->what->trigger->deployment_id, &d);

    if (fault)
        return fault;
    ak_id_new("ses", e->now, e->done->session_id);
    ak_seed_new(seed);
    char *event = with_session(e->words, e->done->session_id);
    AkNewSession session = {.id = e->done->session_id,
                            .project_id = d->project_id,
                            .deployment_id = d->id,
                            .event_id = e->done->event_id,
                            .trigger_id = e->what->trigger->id,
                            .entry = ak_member_text(e->config, "call"),
                            .event = event,
                            .seed = seed,
                            .dialect = d->dialect};
    fault = event ? ak_driver_create(e->driver, &session) : AK_E_NOMEM;
    free(event);
    free(d);
    return fault;
}

typedef struct Fed {
    char (*items)[2][64]; /* session, subscription */
    size_t len;
    const Event *event;
} Fed;

static int note_subscription(void *payload, const AkSubscription *s)
{
    Fed *fed = payload;

    if (!ak_event_passes(s->filter, fed->event->what->type, fed->event->what->data))
        return 0;
    fed->items = realloc(fed->items, (fed->len + 1) * sizeof *fed->items);
    if (!fed->items)
        abort();
    snprintf(fed->items[fed->len][0], 64, "%s", s->session_id);
    snprintf(fed->items[fed->len++][1], 64, "%s", s->id);
    return 0;
}

static int feed(const Event *e)
{
    Fed fed = {.event = e};
    const char *connection = ak_member_text(e->config, "connection");
    const char *sources[] = {e->what->trigger->name, *connection ? connection : NULL};
    int fault = 0;

    for (size_t i = 0; i < 2 && !fault; i++)
        if (sources[i])
            fault = ak_subscription_list(e->store, NULL, e->what->trigger->project_id,
                                         sources[i], note_subscription, &fed);
    for (size_t i = 0; i < fed.len && !fault; i++) {
        AkMail mail = {.session_id = fed.items[i][0],
                       .kind = AK_MAIL_EVENT,
                       .name = fed.items[i][1],
                       .value = e->words,
                       .event_id = e->done->event_id,
                       .created_us = e->now};
        fault = ak_driver_mail(e->driver, &mail);
        /* It has ended, or does not read its mail: that is its own affair. */
        if (fault == AK_E_ENDED || fault == AK_E_ABSENT || fault == AK_E_FULL)
            fault = 0;
        else
            e->done->mails++;
    }
    free(fed.items);
    return fault;
}

static int put_event(const Event *e)
{
    AkStoredEvent row = {.id = e->done->event_id,
                         .project_id = e->what->trigger->project_id,
                         .trigger_id = e->what->trigger->id,
                         .type = e->what->type,
                         .data = e->words,
                         .key = e->what->key,
                         .created_us = e->now};

    return ak_event_put(e->store, &row);
}

/* Looked up before it is put: a key that is taken must not cost the transaction of others. */
static bool find_again(const Event *e)
{
    AkStoredEvent *old;

    if (!e->what->key || ak_event_by_key(e->store, e->what->trigger->project_id,
                                         e->what->trigger->id, e->what->key, &old) < 0)
        return false;
    snprintf(e->done->event_id, sizeof e->done->event_id, "%s", old->id);
    e->done->again = true;
    free(old);
    return true;
}

int ak_dispatch(AkDriver *driver, AkStore *store, const AkHappening *what, AkDispatched *done)
{
    Event e = {.driver = driver,
               .store = store,
               .what = what,
               .now = ak_loop_now().wall_us,
               .done = done};
    int fault = ak_store_is_open(store) ? 0 : ak_store_begin(store);

    *done = (AkDispatched){0};
    ak_driver_want_commit(driver);
    if (fault || find_again(&e))
        return fault;
    ak_id_new("evt", e.now, done->event_id);
    e.config = json_loads(what->trigger->config ? what->trigger->config : "{}", 0, NULL);
    e.object = make_object(&e);
    e.words = json_dumps(e.object, JSON_COMPACT | JSON_ENSURE_ASCII);
    fault = e.words ? put_event(&e) : AK_E_NOMEM;
    if (!fault && wants(&e))
        fault = start_session(&e);
    if (!fault)
        fault = feed(&e);
    json_decref(e.config);
    json_decref(e.object);
    free(e.words);
    return fault;
}

int ak_dispatch_again(AkDriver *driver, AkStore *store, const char *event_id,
                      AkDispatched *done)
{
    AkStoredEvent *old;
    AkTrigger *trigger = NULL;
    int fault = ak_event_get(store, event_id, &old);

    if (fault)
        return fault;
    fault = old->trigger_id ? ak_trigger_get(store, old->trigger_id, &trigger) : AK_E_ABSENT;
    json_t *object = json_loads(old->data ? old->data : "{}", 0, NULL);
    AkHappening what = {
        .trigger = trigger, .type = old->type, .data = json_object_get(object, "data")};
    if (!fault)
        fault = ak_dispatch(driver, store, &what, done);
    json_decref(object);
    free(trigger);
    free(old);
    return fault;
}
