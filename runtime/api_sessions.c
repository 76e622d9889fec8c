/* What the API says and does about sessions. */
#define _GNU_SOURCE
#include "api.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "admin.h"
#include "exit_codes.h"
#include "views.h"

enum { LOOK_MAX = 20000, STEPS_BYTES = 4 << 20 };

/* ---- Lists */

json_t *ak__api_session_row(const AkSession *session)
{
    json_t *o = ak_view_session(session), *error = json_object_get(o, "error");

    json_object_del(o, "memo");
    json_object_del(error, "traceback");
    if (session->trigger_id)
        json_object_set_new(o, "trigger_id", json_string(session->trigger_id));
    return o;
}

/* Rows that a text or an event leaves out are looked at too, up to LOOK_MAX of them a call: the cursor goes
 * on where the look ended. */
typedef struct Look {
    const char *text, *event;
    json_t *items;
    size_t limit, looked;
    char last[64];
    bool more;
} Look;

static bool has(const char *where, const char *text)
{
    return where && strcasestr(where, text);
}

/* Ids begin with their time: what began before the event was there is none of its sessions. */
static bool is_before(const char *session, const char *event)
{
    enum { KIND = 4, TIME = 10 };

    return strncmp(session + KIND, event + KIND, TIME) < 0;
}

static bool fits(const Look *look, const AkSession *s)
{
    if (look->event && (!s->event_id || strcmp(s->event_id, look->event)))
        return false;
    return !look->text || has(s->id, look->text) || has(s->entry, look->text) ||
           has(s->error, look->text) || has(s->value, look->text) ||
           has(s->wait_text, look->text);
}

static int add_session(void *payload, const AkSession *s)
{
    Look *look = payload;

    if (look->event && is_before(s->id, look->event))
        return 1;
    if (json_array_size(look->items) >= look->limit || look->looked >= LOOK_MAX) {
        look->more = true;
        return 1;
    }
    look->looked++;
    snprintf(look->last, sizeof look->last, "%s", s->id);
    if (fits(look, s))
        json_array_append_new(look->items, ak__api_session_row(s));
    return 0;
}

static unsigned states_of(const char *names)
{
    unsigned bits = 0;

    for (AkState state = AK_STATE_CREATED; names && state <= AK_STATE_STOPPED; state++)
        if (strstr(names, ak_state_name(state)))
            bits |= 1u << state;
    return bits;
}

json_t *ak__api_sessions(AkApiCall *call)
{
    Look look = {.text = ak__api_text(call, "text"),
                 .event = ak__api_text(call, "event"),
                 .limit = (size_t)ak__api_number(call, "limit", 100)};
    char project[64];
    json_t *error;

    if (!ak__api_project(call, ak__api_text(call, "project"), project, &error))
        return error;
    AkSessionQuery query = {.project_id = *project ? project : NULL,
                            .deployment_id = ak__api_text(call, "deployment"),
                            .parent_id = ak__api_text(call, "parent"),
                            .states = states_of(ak__api_text(call, "state")),
                            .before_id = ak__api_text(call, "cursor"),
                            .limit = look.text || look.event ? LOOK_MAX + 1 : look.limit + 1};
    look.items = json_array();
    int fault = ak_session_list(ak__api_store(call), &query, add_session, &look);
    if (fault < 0 && fault != AK_E_STOPPED) {
        json_decref(look.items);
        return ak__api_store_error(call);
    }
    return json_pack("{s:o, s:o}", "items", look.items, "next",
                     look.more ? json_string(look.last) : json_null());
}

json_t *ak__api_session_get(AkApiCall *call)
{
    AkSession *session;
    int fault = ak_session_get(ak__api_store(call), call->args[0], &session);

    if (fault)
        return ak__api_fault(call, fault, "session", call->args[0]);
    json_t *o = ak_view_session(session);
    if (session->trigger_id)
        json_object_set_new(o, "trigger_id", json_string(session->trigger_id));
    free(session);
    return o;
}

/* ---- Steps */

/* Each record's checksum is over the one before: who reads on from the middle has to know that
 * one's. The ends of the latest answers are remembered, so that following a long session does
 * not read it from the start each time. */
enum { MARKS = 32 };

typedef struct Mark {
    char session[64];
    uint64_t number, sum;
} Mark;

static Mark marks[MARKS];
static size_t newest_mark;

static uint64_t known_start(const char *session, uint64_t from, uint64_t *sum)
{
    for (size_t i = 0; i < MARKS; i++)
        if (marks[i].number == from && from && !strcmp(marks[i].session, session)) {
            *sum = marks[i].sum;
            return from;
        }
    *sum = 0;
    return 0;
}

static void remember(const char *session, uint64_t number, uint64_t sum)
{
    Mark *mark = &marks[newest_mark++ % MARKS];

    snprintf(mark->session, sizeof mark->session, "%.63s", session);
    mark->number = number;
    mark->sum = sum;
}

typedef struct Steps {
    const char *id;
    uint64_t from, next, previous;
    size_t limit, bytes;
    json_t *items;
    char broken[300];
} Steps;

static int add_step(void *payload, uint64_t number, AkBytes bytes)
{
    Steps *steps = payload;
    AkRecord record;
    const char *why;
    uint64_t sum;

    if (json_array_size(steps->items) >= steps->limit || steps->bytes > STEPS_BYTES)
        return 1;
    if (ak_record_read(bytes, ak_bytes(steps->id), number, steps->previous, &record, &sum,
                       &why) < 0) {
        snprintf(steps->broken, sizeof steps->broken, "session %s, record %llu: %s", steps->id,
                 (unsigned long long)number, why);
        return 1;
    }
    steps->previous = sum;
    steps->next = number + 1;
    if (number < steps->from)
        return 0;
    steps->bytes += bytes.len;
    json_array_append_new(steps->items, ak_view_step(&record));
    return 0;
}

json_t *ak__api_steps(AkApiCall *call)
{
    const char *id = call->args[0];
    Steps steps = {.id = id,
                   .from = (uint64_t)ak__api_number(call, "from", 0),
                   .limit = (size_t)ak__api_number(call, "limit", 100)};
    AkSession *session;
    int fault = ak_session_get(ak__api_store(call), id, &session);

    if (fault)
        return ak__api_fault(call, fault, "session", call->args[0]);
    bool beyond = steps.from >= session->length;
    free(session);
    steps.items = json_array();
    steps.next = steps.from;
    if (!beyond) {
        uint64_t start = known_start(id, steps.from, &steps.previous);
        fault = ak_journal_read(ak__api_store(call), id, start, add_step, &steps);
    }
    if (*steps.broken || (fault < 0 && fault != AK_E_STOPPED)) {
        json_decref(steps.items);
        return *steps.broken ? ak_admin_error(AK_EXIT_FAILED, "%s", steps.broken)
                             : ak__api_store_error(call);
    }
    if (!beyond)
        remember(id, steps.next, steps.previous);
    return json_pack("{s:o, s:I}", "items", steps.items, "next", (json_int_t)steps.next);
}

/* ---- Changes */

json_t *ak__api_stop(AkApiCall *call)
{
    json_t *request = json_pack("{s:s, s:s}", "op", "stop_session", "session", call->args[0]);

    json_object_update(request, call->body);
    return ak__api_command(call, request);
}

static json_t *fork_from(AkApiCall *call, json_int_t from)
{
    return ak__api_command(call, json_pack("{s:s, s:s, s:I}", "op", "fork", "session",
                                           call->args[0], "from", from));
}

json_t *ak__api_restart(AkApiCall *call)
{
    return fork_from(call, 1);
}

json_t *ak__api_fork(AkApiCall *call)
{
    return fork_from(call, json_integer_value(json_object_get(call->body, "from")));
}

json_t *ak__api_session_delete(AkApiCall *call)
{
    const char *force = ak__api_text(call, "force");

    return ak__api_command(call,
                           json_pack("{s:s, s:s, s:b}", "op", "delete_session", "session",
                                     call->args[0], "force", force && !strcmp(force, "true")));
}

json_t *ak__api_prune(AkApiCall *call)
{
    json_int_t seconds = json_integer_value(json_object_get(call->body, "older_than"));

    return ak__api_command(
        call, json_pack("{s:s, s:I}", "op", "prune", "older_than_us", seconds * 1000000));
}
