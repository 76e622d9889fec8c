/* Sessions that have not ended get another deployment's code: those that a dry run has looked
 * at, and only if nothing has been recorded since. */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "admin.h"
#include "members.h"

typedef struct Move {
    const json_t *expected;
    const char *to;
    char (*ids)[2][64]; /* session, the deployment it comes from */
    size_t len;
    json_t *changed;
} Move;

static const json_t *row_of(const json_t *rows, const char *id)
{
    size_t i;
    json_t *row;

    json_array_foreach(rows, i, row)
    {
        if (!strcmp(ak_member_text(row, "session_id"), id))
            return row;
    }
    return NULL;
}

static int note_session(void *payload, const AkSession *s)
{
    Move *m = payload;
    const json_t *row = row_of(m->expected, s->id);

    if (s->deployment_id && !strcmp(s->deployment_id, m->to))
        return 0;
    if (!row || json_integer_value(json_object_get(row, "length")) != (json_int_t)s->length) {
        json_array_append_new(m->changed, json_string(s->id));
        return 0;
    }
    m->ids = realloc(m->ids, (m->len + 1) * sizeof *m->ids);
    if (!m->ids)
        abort();
    snprintf(m->ids[m->len][0], 64, "%s", s->id);
    snprintf(m->ids[m->len++][1], 64, "%s", s->deployment_id ? s->deployment_id : "");
    return 0;
}

static int move_one(AkStore *store, const char *id, const char *to)
{
    AkSession *s;
    int fault = ak_session_get(store, id, &s);

    if (fault)
        return fault;
    AkSession row = *s;
    row.deployment_id = to;
    fault = ak_session_update(store, &row);
    free(s);
    return fault;
}

int ak_sessions_move(AkStore *store, const char *project, const char *to,
                     const json_t *expected, json_t *changed)
{
    AkSessionQuery query = {.project_id = project,
                            .states = 1u << AK_STATE_CREATED | 1u << AK_STATE_RUNNING};
    Move move = {.expected = expected, .to = to, .changed = changed};
    int fault = ak_session_list(store, &query, note_session, &move);

    if (json_array_size(changed))
        move.len = 0;
    for (size_t i = 0; i < move.len && !fault; i++)
        fault = move_one(store, move.ids[i][0], to);
    for (size_t i = 0; i < move.len && !fault; i++)
        if (*move.ids[i][1])
            fault = ak_deployment_drained(store, move.ids[i][1]);
    free(move.ids);
    return fault;
}
