#define _GNU_SOURCE
#include "session_ops.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "admin.h"
#include "exit_codes.h"
#include "ids.h"
#include "loop.h"
#include "members.h"

static json_t *not_found(const char *id)
{
    return ak_admin_error(AK_EXIT_NOT_FOUND, "no session is called '%s'", id);
}

static json_t *store_error(const AkStore *store)
{
    return ak_admin_error(AK_EXIT_FAILED, "%s", ak_store_error(store));
}

/* --- A copy from a step on
 * ----------------------------------------------------------------------------------------- */

enum { SUBSCRIPTION_ID = 30 }; /* characters of "sub_…" */

/* A subscription that holds where the copy begins: an id belongs to one session, so the copy has
 * one of its own, which its records name instead. */
typedef struct Moved {
    char was[AK_ID_SIZE], is[AK_ID_SIZE];
    char *source, *filter;
} Moved;

typedef struct Copy {
    const char *from_id, *to_id;
    Moved *moved;
    size_t moved_len;
    uint64_t until, previous, new_previous, len;
    AkText *records;
    uint64_t *sums;
    char broken[300]; /* what is wrong with the journal, or "" */
} Copy;

static char *member(const json_t *object, const char *key)
{
    const char *value = json_string_value(json_object_get(object, key));

    return value && *value ? strdup(value) : NULL;
}

static void note_subscribed(Copy *copy, const AkRecord *r, const json_t *args)
{
    json_t *id =
        json_loadb(r->value.at ? r->value.at : "", r->value.len, JSON_DECODE_ANY, NULL);

    if (json_string_length(id) == SUBSCRIPTION_ID && json_is_object(args)) {
        copy->moved = realloc(copy->moved, (copy->moved_len + 1) * sizeof *copy->moved);
        if (!copy->moved)
            abort();
        Moved *moved = &copy->moved[copy->moved_len++];
        *moved = (Moved){.source = member(args, "source"), .filter = member(args, "filter")};
        memcpy(moved->was, json_string_value(id), SUBSCRIPTION_ID);
        ak_id_new("sub", ak_loop_now().wall_us, moved->is);
    }
    json_decref(id);
}

/* Its records go on naming the copy's id. */
static void note_unsubscribed(Copy *copy, const json_t *args)
{
    for (size_t i = 0; i < copy->moved_len; i++)
        if (!strcmp(copy->moved[i].was, ak_member_text(args, "id"))) {
            free(copy->moved[i].source);
            copy->moved[i].source = NULL;
        }
}

static void note_subscription(Copy *copy, const AkRecord *r)
{
    bool on = ak_bytes_is(r->name, "subscribe"), off = ak_bytes_is(r->name, "unsubscribe");
    json_t *args = NULL;

    if (r->kind != AK_REC_ANSWER || r->error.at || (!on && !off))
        return;
    args = json_loadb(r->args.at ? r->args.at : "", r->args.len, 0, NULL);
    if (on)
        note_subscribed(copy, r, args);
    else
        note_unsubscribed(copy, args);
    json_decref(args);
}

/* The same bytes with the copy's ids; they live in room. */
static AkBytes rename_ids(const Copy *copy, AkBytes bytes, AkText *room)
{
    if (!bytes.at || !copy->moved_len)
        return bytes;
    ak_text_add(room, bytes.at, bytes.len);
    for (size_t i = 0; i < copy->moved_len; i++) {
        const Moved *moved = &copy->moved[i];
        char *at = room->at, *end = room->at + room->len;
        size_t len = SUBSCRIPTION_ID;
        while ((at = memmem(at, (size_t)(end - at), moved->was, len)))
            memcpy(at, moved->is, len);
    }
    return (AkBytes){room->at, room->len};
}

/* A record's checksum holds its session's id: a copy is written anew. */
static void write_record(Copy *copy, AkRecord *record)
{
    AkText args = {0}, value = {0}, preview = {0};

    note_subscription(copy, record);
    if (record->kind == AK_REC_ASK || record->kind == AK_REC_ANSWER) {
        record->args = rename_ids(copy, record->args, &args);
        record->value = rename_ids(copy, record->value, &value);
        record->preview = rename_ids(copy, record->preview, &preview);
    }
    copy->records[copy->len] = (AkText){0};
    ak_record_write(record, ak_bytes(copy->to_id), copy->new_previous,
                    &copy->records[copy->len], &copy->new_previous);
    copy->sums[copy->len] = copy->new_previous;
    copy->len++;
    ak_text_free(&args);
    ak_text_free(&value);
    ak_text_free(&preview);
}

static int copy_record(void *payload, uint64_t number, AkBytes bytes)
{
    Copy *copy = payload;
    AkRecord record;
    const char *why;
    uint64_t sum;

    if (number >= copy->until)
        return 1;
    if (ak_record_read(bytes, ak_bytes(copy->from_id), number, copy->previous, &record, &sum,
                       &why) < 0) {
        snprintf(copy->broken, sizeof copy->broken, "session %s, record %llu: %s",
                 copy->from_id, (unsigned long long)number, why);
        return 1;
    }
    copy->previous = sum;
    if (record.kind == AK_REC_DONE)
        return 1;
    copy->records = realloc(copy->records, (copy->len + 1) * sizeof *copy->records);
    copy->sums = realloc(copy->sums, (copy->len + 1) * sizeof *copy->sums);
    if (!copy->records || !copy->sums)
        abort();
    write_record(copy, &record);
    return 0;
}

static int put_copy(AkStore *store, const Copy *copy, const AkSession *from)
{
    int64_t now = ak_loop_now().wall_us;
    AkSession row = *from;

    row.id = copy->to_id;
    row.parent_id = NULL; /* the one it would tell of its end waits for the first one */
    row.state = AK_STATE_RUNNING;
    row.created_us = row.updated_us = now;
    row.ended_us = row.since_us = row.due_us = 0;
    row.wait = AK_WAIT_NOTHING;
    row.wait_text = row.value = row.error = NULL;
    int fault = ak_session_put(store, &row);
    for (uint64_t i = 0; !fault && i < copy->len; i++) {
        AkEntry entry = {{copy->records[i].at, copy->records[i].len}, copy->sums[i]};
        fault = ak_journal_append(store, copy->to_id, i, &entry, 1);
    }
    for (size_t i = 0; !fault && i < copy->moved_len; i++)
        if (copy->moved[i].source)
            fault =
                ak_subscription_put(store, &(AkSubscription){.id = copy->moved[i].is,
                                                             .session_id = copy->to_id,
                                                             .project_id = from->project_id,
                                                             .source = copy->moved[i].source,
                                                             .filter = copy->moved[i].filter,
                                                             .created_us = now});
    return fault;
}

static void free_copy(Copy *copy)
{
    for (uint64_t i = 0; i < copy->len; i++)
        ak_text_free(&copy->records[i]);
    free(copy->records);
    free(copy->sums);
    for (size_t i = 0; i < copy->moved_len; i++) {
        free(copy->moved[i].source);
        free(copy->moved[i].filter);
    }
    free(copy->moved);
}

json_t *ak_session_fork(AkStore *store, const json_t *request)
{
    char id[AK_ID_SIZE];
    json_int_t until = json_integer_value(json_object_get(request, "from"));
    Copy copy = {
        .from_id = ak_member_text(request, "session"), .to_id = id, .until = (uint64_t)until};
    AkSession *from;
    json_t *answer = NULL;
    int fault = ak_session_get(store, copy.from_id, &from);

    if (fault)
        return fault == AK_E_ABSENT ? not_found(copy.from_id) : store_error(store);
    if (until < 1 || (uint64_t)until > from->length)
        answer = ak_admin_error(AK_EXIT_USAGE, "session %s has %llu records: from 1 to %llu",
                                from->id, (unsigned long long)from->length,
                                (unsigned long long)from->length);
    if (!answer) {
        ak_id_new("ses", ak_loop_now().wall_us, id);
        fault = ak_journal_read(store, from->id, 0, copy_record, &copy);
        if (*copy.broken)
            answer = ak_admin_error(AK_EXIT_FAILED, "%s", copy.broken);
        else if ((fault < 0 && fault != AK_E_STOPPED) || put_copy(store, &copy, from) < 0)
            answer = store_error(store);
        else
            answer = json_pack("{s:s}", "session_id", id);
    }
    free(from);
    free_copy(&copy);
    return answer;
}

/* --- Deleting
 * ------------------------------------------------------------------------------------------------- */

json_t *ak_session_drop(AkStore *store, const json_t *request)
{
    const char *id = ak_member_text(request, "session");
    AkSession *session;
    int fault = ak_session_get(store, id, &session);

    if (fault)
        return fault == AK_E_ABSENT ? not_found(id) : store_error(store);
    bool lives = session->state <= AK_STATE_RUNNING;
    free(session);
    if (lives && !json_is_true(json_object_get(request, "force")))
        return ak_admin_error(AK_EXIT_REFUSED,
                              "session %s has not ended; stop it first, or use --force", id);
    return ak_session_delete(store, id) ? store_error(store)
                                        : json_pack("{s:s}", "session_id", id);
}

typedef struct Names {
    char (*ids)[64];
    size_t len;
} Names;

static int note_name(void *payload, const AkSession *session)
{
    Names *names = payload;

    names->ids = realloc(names->ids, (names->len + 1) * sizeof *names->ids);
    if (!names->ids)
        abort();
    snprintf(names->ids[names->len++], sizeof *names->ids, "%s", session->id);
    return 0;
}

json_t *ak_session_prune(AkStore *store, const json_t *request)
{
    AkSessionQuery query = {.states = 1u << AK_STATE_COMPLETED | 1u << AK_STATE_ERROR |
                                      1u << AK_STATE_STOPPED};
    Names names = {0};

    query.ended_before =
        ak_loop_now().wall_us - json_integer_value(json_object_get(request, "older_than_us"));
    int fault = ak_session_list(store, &query, note_name, &names);
    for (size_t i = 0; !fault && i < names.len; i++)
        fault = ak_session_delete(store, names.ids[i]);
    free(names.ids);
    return fault ? store_error(store) : json_pack("{s:I}", "deleted", (json_int_t)names.len);
}
