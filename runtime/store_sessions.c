/* store_sessions.c: sessions, their journals, inboxes and subscriptions.
 *
 * A session's row keeps its journal's length and last checksum, written with each append: the
 * length is the fence, and both together show a journal that lost its end.
 */
#include "store_inner.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COLUMNS                                                                                \
    "id, project_id, deployment_id, event_id, trigger_id, parent_id, entry, memo, state, "     \
    "created_us, "                                                                             \
    "updated_us, ended_us, wait, wait_seq, wait_text, since_us, due_us, value, error, "        \
    "length, sum"

static const size_t session_texts[] = {offsetof(AkSession, id),
                                       offsetof(AkSession, project_id),
                                       offsetof(AkSession, deployment_id),
                                       offsetof(AkSession, event_id),
                                       offsetof(AkSession, trigger_id),
                                       offsetof(AkSession, parent_id),
                                       offsetof(AkSession, entry),
                                       offsetof(AkSession, memo),
                                       offsetof(AkSession, wait_text),
                                       offsetof(AkSession, value),
                                       offsetof(AkSession, error)};

static AkSession session_of(sqlite3_stmt *row)
{
    return (AkSession){
        .id = ak__store_text(row, 0),
        .project_id = ak__store_text(row, 1),
        .deployment_id = ak__store_text(row, 2),
        .event_id = ak__store_text(row, 3),
        .trigger_id = ak__store_text(row, 4),
        .parent_id = ak__store_text(row, 5),
        .entry = ak__store_text(row, 6),
        .memo = ak__store_text(row, 7),
        .state = (AkState)sqlite3_column_int(row, 8),
        .created_us = sqlite3_column_int64(row, 9),
        .updated_us = sqlite3_column_int64(row, 10),
        .ended_us = sqlite3_column_int64(row, 11),
        .wait = (AkWait)sqlite3_column_int(row, 12),
        .wait_seq = (uint64_t)sqlite3_column_int64(row, 13),
        .wait_text = ak__store_text(row, 14),
        .since_us = sqlite3_column_int64(row, 15),
        .due_us = sqlite3_column_int64(row, 16),
        .value = ak__store_text(row, 17),
        .error = ak__store_text(row, 18),
        .length = (uint64_t)sqlite3_column_int64(row, 19),
        .sum = (uint64_t)sqlite3_column_int64(row, 20),
    };
}

static int no_session(AkStore *store, const char *id)
{
    return ak__store_fault(store, AK_E_ABSENT, "session %s: not found", id);
}

int ak_session_put(AkStore *store, const AkSession *s)
{
    int fault = ak__store_write(store,
                                "INSERT INTO session(id, project_id, deployment_id, event_id, "
                                "trigger_id, parent_id, entry, memo,"
                                " state, created_us, updated_us, ended_us, wait, wait_seq, "
                                "wait_text, since_us, due_us, value,"
                                " error) VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
                                "ssssssssiiiiiisiiss", s->id, s->project_id, s->deployment_id,
                                s->event_id, s->trigger_id, s->parent_id, s->entry, s->memo,
                                (int64_t)s->state, s->created_us, s->updated_us, s->ended_us,
                                (int64_t)s->wait, (int64_t)s->wait_seq, s->wait_text,
                                s->since_us, s->due_us, s->value, s->error);
    if (fault == AK_E_EXISTS)
        return ak__store_fault(store, fault, "session %s: exists", s->id);
    return fault;
}

int ak_session_update(AkStore *store, const AkSession *s)
{
    int fault = ak__store_write(
        store,
        "UPDATE session SET deployment_id=?, event_id=?, trigger_id=?, parent_id=?, entry=?, "
        "memo=?,"
        " state=?, updated_us=?, ended_us=?, wait=?, wait_seq=?, wait_text=?, since_us=?, "
        "due_us=?,"
        " value=?, error=? WHERE id=?",
        "ssssssiiiiisiisss", s->deployment_id, s->event_id, s->trigger_id, s->parent_id,
        s->entry, s->memo, (int64_t)s->state, s->updated_us, s->ended_us, (int64_t)s->wait,
        (int64_t)s->wait_seq, s->wait_text, s->since_us, s->due_us, s->value, s->error, s->id);
    return fault ? fault : ak__store_changed(store) ? 0 : no_session(store, s->id);
}

int ak_session_wait(AkStore *store, const char *id, AkWait wait, uint64_t seq, AkBytes text,
                    int64_t since_us, int64_t due_us)
{
    int fault = ak__store_write(
        store,
        "UPDATE session SET wait=?, wait_seq=?, wait_text=?, since_us=?, due_us=?,"
        " state=max(state, 2) WHERE id=?",
        "iitiis", (int64_t)wait, (int64_t)seq, text, since_us, due_us, id);
    return fault ? fault : ak__store_changed(store) ? 0 : no_session(store, id);
}

int ak_session_finish(AkStore *store, const char *id, AkState state, AkBytes value,
                      AkBytes error, int64_t ended_us)
{
    int fault = ak__store_write(
        store,
        "UPDATE session SET state=?, value=?, error=?, ended_us=?, updated_us=?,"
        " wait=0, wait_seq=0, wait_text=NULL, since_us=0, due_us=0 WHERE id=?",
        "ittiis", (int64_t)state, value, error, ended_us, ended_us, id);
    return fault ? fault : ak__store_changed(store) ? 0 : no_session(store, id);
}

int ak_session_get(AkStore *store, const char *id, AkSession **session)
{
    int fault = 0;
    *session = NULL;
    sqlite3_stmt *row =
        ak__store_query(store, &fault, "SELECT " COLUMNS " FROM session WHERE id=?", "s", id);
    if (!row)
        return fault;
    int got = ak__store_step(store, row);
    if (got == 1) {
        AkSession found = session_of(row);
        *session = ak__store_pack(store, &found, sizeof found, session_texts,
                                  sizeof session_texts / sizeof *session_texts);
        got = *session ? 0 : AK_E_NOMEM;
    } else if (got == 0) {
        got = no_session(store, id);
    }
    ak__store_done(store, row);
    return got;
}

/* The number that journal and mail know a session by. */
static int number_of(AkStore *store, const char *id, int64_t *n)
{
    int fault = ak__store_number(store, n, -1, "SELECT n FROM session WHERE id=?", "s", id);
    return fault ? fault : *n < 0 ? no_session(store, id) : 0;
}

int ak_session_delete(AkStore *store, const char *id)
{
    int64_t n;
    int fault = ak__store_writable(store);
    if (fault == 0)
        fault = number_of(store, id, &n);
    if (fault == 0)
        fault = ak__store_write(store, "DELETE FROM journal WHERE session=?", "i", n);
    if (fault == 0)
        fault = ak__store_write(store, "DELETE FROM mail WHERE session=?", "i", n);
    if (fault == 0)
        fault = ak__store_write(store, "DELETE FROM subscription WHERE session_id=?", "s", id);
    if (fault == 0)
        fault = ak__store_write(store, "DELETE FROM session WHERE n=?", "i", n);
    return fault;
}

/* The conditions that a query has, as SQL; what it has not costs nothing. */
static void conditions(const AkSessionQuery *query, char *sql, size_t size)
{
    size_t len = strlen(sql);
    const char *word = " WHERE ";
    const struct {
        bool on;
        const char *condition;
    } all[] = {{query->project_id != NULL, "project_id=?1"},
               {query->deployment_id != NULL, "deployment_id=?2"},
               {query->parent_id != NULL, "parent_id=?3"},
               {query->states != 0, "(1 << state) & ?4"},
               {query->ended_before > 0, "state > 2 AND ended_us < ?5"},
               {query->before_id != NULL, "id < ?6"},
               {query->trigger_id != NULL, "trigger_id=?8"},
               {query->without_parent, "parent_id IS NULL"}};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        if (!all[i].on)
            continue;
        len += (size_t)snprintf(sql + len, size - len, "%s%s", word, all[i].condition);
        word = " AND ";
    }
}

static sqlite3_stmt *ask(AkStore *store, const AkSessionQuery *query, const char *start,
                         const char *rest, int *fault)
{
    char sql[1024];
    sqlite3_stmt *stmt = NULL;
    snprintf(sql, sizeof sql, "%s", start);
    conditions(query, sql, sizeof sql);
    size_t len = strlen(sql);
    snprintf(sql + len, sizeof sql - len, "%s", rest);
    if (sqlite3_prepare_v2(store->db, sql, -1, &stmt, NULL) != SQLITE_OK) {
        *fault = ak__store_failed(store, "asking");
        return NULL;
    }
    const char *texts[] = {[1] = query->project_id,
                           query->deployment_id,
                           query->parent_id,
                           NULL,
                           NULL,
                           query->before_id,
                           NULL,
                           query->trigger_id};
    for (int i = 1; i <= sqlite3_bind_parameter_count(stmt); i++) {
        if (i == 4)
            sqlite3_bind_int64(stmt, i, query->states);
        else if (i == 5)
            sqlite3_bind_int64(stmt, i, query->ended_before);
        else if (i == 7)
            sqlite3_bind_int64(stmt, i, query->limit ? (int64_t)query->limit : -1);
        else
            sqlite3_bind_text(stmt, i, texts[i], -1, SQLITE_STATIC);
    }
    return stmt;
}

static int lend_sessions(AkStore *store, sqlite3_stmt *rows, AkSessionFn fn, void *payload)
{
    int got;
    while ((got = ak__store_step(store, rows)) == 1) {
        AkSession session = session_of(rows);
        if (fn(payload, &session) != 0) {
            got = AK_E_STOPPED;
            break;
        }
    }
    ak__store_done(store, rows);
    return got;
}

int ak_session_list(AkStore *store, const AkSessionQuery *query, AkSessionFn fn, void *payload)
{
    static const AkSessionQuery every = {0};
    int fault = 0;
    sqlite3_stmt *rows = ask(store, query ? query : &every, "SELECT " COLUMNS " FROM session",
                             " ORDER BY id DESC LIMIT ?7", &fault);
    return rows ? lend_sessions(store, rows, fn, payload) : fault;
}

int64_t ak_session_count(AkStore *store, const AkSessionQuery *query)
{
    static const AkSessionQuery every = {0};
    int fault = 0;
    sqlite3_stmt *row =
        ask(store, query ? query : &every, "SELECT count(*) FROM session", "", &fault);
    if (!row)
        return fault;
    int got = ak__store_step(store, row);
    int64_t count = got == 1 ? sqlite3_column_int64(row, 0) : got;
    ak__store_done(store, row);
    return count;
}

int ak_session_tally(AkStore *store, const char *project_id, int64_t counts[6])
{
    int got, fault = 0;
    sqlite3_stmt *rows =
        project_id ? ak__store_query(store, &fault,
                                     "SELECT state, count(*) FROM session"
                                     " WHERE project_id=? GROUP BY state",
                                     "s", project_id)
                   : ak__store_query(store, &fault,
                                     "SELECT state, count(*) FROM session GROUP BY state", "");

    memset(counts, 0, 6 * sizeof *counts);
    if (!rows)
        return fault;
    while ((got = ak__store_step(store, rows)) == 1) {
        int64_t state = sqlite3_column_int64(rows, 0);
        if (state > 0 && state < 6)
            counts[state] = sqlite3_column_int64(rows, 1);
    }
    ak__store_done(store, rows);
    return got;
}

static int lend_all(AkStore *store, const char *sql, AkSessionFn fn, void *payload)
{
    int fault = 0;
    sqlite3_stmt *rows = ak__store_query(store, &fault, sql, "");
    return rows ? lend_sessions(store, rows, fn, payload) : fault;
}

int ak_session_ready(AkStore *store, AkSessionFn fn, void *payload)
{
    return lend_all(store,
                    "SELECT " COLUMNS " FROM session WHERE state <= 2 AND wait = 0 ORDER BY id",
                    fn, payload);
}

/* In the order of its index, so that the first of many costs no more than the first of few. */
int ak_session_due(AkStore *store, int64_t from_us, int64_t now_us, AkSessionFn fn,
                   void *payload)
{
    int fault = 0;
    sqlite3_stmt *rows = ak__store_query(store, &fault,
                                         "SELECT " COLUMNS " FROM session WHERE state <= 2 AND"
                                         " wait <> 0 AND due_us > 0 AND due_us BETWEEN ? AND ?"
                                         " ORDER BY due_us, n",
                                         "ii", from_us, now_us);
    return rows ? lend_sessions(store, rows, fn, payload) : fault;
}

int ak_session_with_mail(AkStore *store, AkSessionFn fn, void *payload)
{
    return lend_all(store,
                    "SELECT " COLUMNS " FROM session WHERE state <= 2 AND wait IN (2, 3)"
                    " AND n IN (SELECT session FROM mail) ORDER BY id",
                    fn, payload);
}

int64_t ak_session_next_due(AkStore *store, int64_t now_us)
{
    int64_t due = 0;
    int fault =
        ak__store_number(store, &due, 0,
                         "SELECT min(due_us) FROM session WHERE state <= 2 AND wait <> 0"
                         " AND due_us > 0 AND due_us > ?",
                         "i", now_us);
    return fault ? fault : due;
}

/* --- Journals
 * ----------------------------------------------------------------------------------------- */

int ak_journal_append(AkStore *store, const char *session_id, uint64_t expected,
                      const AkEntry *entries, size_t n)
{
    int fault = ak__store_writable(store);
    if (fault || n == 0)
        return fault;
    sqlite3_stmt *row = ak__store_query(
        store, &fault, "SELECT n, length FROM session WHERE id=?", "s", session_id);
    if (!row)
        return fault;
    int got = ak__store_step(store, row);
    int64_t session = sqlite3_column_int64(row, 0);
    uint64_t length = (uint64_t)sqlite3_column_int64(row, 1);
    ak__store_done(store, row);
    if (got <= 0)
        return got < 0 ? got : no_session(store, session_id);
    if (length != expected)
        return ak__store_fault(
            store, AK_E_FENCE,
            "session %s: has %llu records where %llu were expected: somebody else"
            " writes to it",
            session_id, (unsigned long long)length, (unsigned long long)expected);
    for (size_t i = 0; i < n; i++)
        if (entries[i].bytes.len > AK_RECORD_MAX)
            return ak__store_fault(store, AK_E_TOOBIG, "session %s, record %llu: too big",
                                   session_id, (unsigned long long)(expected + i));
    for (size_t i = 0; i < n && fault == 0; i++)
        fault =
            ak__store_write(store, "INSERT INTO journal(session, number, bytes) VALUES(?,?,?)",
                            "iib", session, (int64_t)(expected + i), entries[i].bytes);
    if (fault == AK_E_EXISTS) {
        ak__store_fault(store, AK_E_CORRUPT,
                        "session %s, record %llu: is there before its time", session_id,
                        (unsigned long long)expected);
        return ak__store_break_off(store, AK_E_CORRUPT);
    }
    if (fault)
        return fault;
    return ak__store_write(store, "UPDATE session SET length=?, sum=? WHERE n=?", "iii",
                           (int64_t)(expected + n), (int64_t)entries[n - 1].sum, session);
}

static int missing(AkStore *store, const char *id, uint64_t number, uint64_t length)
{
    return ak__store_fault(store, AK_E_CORRUPT,
                           "session %s, record %llu: is missing, though %llu were acknowledged",
                           id, (unsigned long long)number, (unsigned long long)length);
}

int ak_journal_read(AkStore *store, const char *session_id, uint64_t from, AkEntryFn fn,
                    void *payload)
{
    int fault = 0;
    int64_t session, length = 0;
    uint64_t next = from;
    fault = number_of(store, session_id, &session);
    if (fault == 0)
        fault = ak__store_number(store, &length, 0, "SELECT length FROM session WHERE n=?", "i",
                                 session);
    if (fault)
        return fault;
    sqlite3_stmt *rows =
        ak__store_query(store, &fault,
                        "SELECT number, bytes FROM journal WHERE session=? AND number>=?"
                        " ORDER BY number",
                        "ii", session, (int64_t)from);
    if (!rows)
        return fault;
    int got;
    while ((got = ak__store_step(store, rows)) == 1) {
        uint64_t number = (uint64_t)sqlite3_column_int64(rows, 0);
        AkBytes bytes = {sqlite3_column_blob(rows, 1), (size_t)sqlite3_column_bytes(rows, 1)};
        if (number != next)
            break;
        if (!bytes.at)
            bytes.at = "";
        next++;
        if (fn(payload, number, bytes) != 0) {
            ak__store_done(store, rows);
            return AK_E_STOPPED;
        }
    }
    ak__store_done(store, rows);
    if (got < 0)
        return got;
    if (got == 1 || (next != (uint64_t)length && from <= (uint64_t)length))
        return missing(store, session_id, next, (uint64_t)length);
    return 0;
}

/* --- Inboxes
 * -----------------------------------------------------------------------------------------------
 */

int ak_mail_put(AkStore *store, const AkMail *mail, uint64_t *id)
{
    int64_t session, state = 0, waiting = 0;
    int fault = ak__store_writable(store);
    if (fault == 0)
        fault = number_of(store, mail->session_id, &session);
    if (fault == 0)
        fault = ak__store_number(store, &state, 0, "SELECT state FROM session WHERE n=?", "i",
                                 session);
    if (fault == 0)
        fault = ak__store_number(store, &waiting, 0,
                                 "SELECT count(*) FROM mail WHERE session=?", "i", session);
    if (fault)
        return fault;
    if (state > AK_STATE_RUNNING)
        return ak__store_fault(store, AK_E_ENDED, "session %s: has ended", mail->session_id);
    if (waiting >= AK_MAIL_MAX)
        return ak__store_fault(store, AK_E_FULL, "session %s: its inbox holds %d mails",
                               mail->session_id, AK_MAIL_MAX);
    fault =
        ak__store_write(store,
                        "INSERT INTO mail(session, kind, name, sender, value, event, "
                        "created_us) VALUES(?,?,?,?,?,?,?)",
                        "iissssi", session, (int64_t)mail->kind, mail->name, mail->from,
                        mail->event_id ? NULL : mail->value, mail->event_id, mail->created_us);
    if (fault == 0)
        *id = (uint64_t)sqlite3_last_insert_rowid(store->db);
    return fault;
}

int ak_mail_take(AkStore *store, const char *session_id, uint64_t id)
{
    int fault = ak__store_write(
        store, "DELETE FROM mail WHERE id=? AND session=(SELECT n FROM session WHERE id=?)",
        "is", (int64_t)id, session_id);
    if (fault || ak__store_changed(store))
        return fault;
    return ak__store_fault(store, AK_E_ABSENT, "session %s, mail %llu: not found", session_id,
                           (unsigned long long)id);
}

int ak_mail_list(AkStore *store, const char *session_id, uint64_t after, AkMailFn fn,
                 void *payload)
{
    int got, fault = 0;
    int64_t session;
    fault = number_of(store, session_id, &session);
    if (fault)
        return fault;
    sqlite3_stmt *rows =
        ak__store_query(store, &fault,
                        "SELECT mail.id, kind, name, sender, ifnull(value, event.data), "
                        "mail.created_us FROM mail LEFT JOIN event ON event.id = mail.event"
                        " WHERE session=? AND mail.id>? ORDER BY mail.id",
                        "ii", session, (int64_t)after);
    if (!rows)
        return fault;
    while ((got = ak__store_step(store, rows)) == 1) {
        AkMail mail = {.id = (uint64_t)sqlite3_column_int64(rows, 0),
                       .session_id = session_id,
                       .kind = (AkMailKind)sqlite3_column_int(rows, 1),
                       .name = ak__store_text(rows, 2),
                       .from = ak__store_text(rows, 3),
                       .value = ak__store_text(rows, 4),
                       .created_us = sqlite3_column_int64(rows, 5)};
        if (fn(payload, &mail) != 0) {
            got = AK_E_STOPPED;
            break;
        }
    }
    ak__store_done(store, rows);
    return got;
}

/* --- Subscriptions
 * ---------------------------------------------------------------------------------------------
 */

int ak_subscription_put(AkStore *store, const AkSubscription *s)
{
    int fault = ak__store_write(
        store,
        "INSERT INTO subscription(id, session_id, project_id, source, filter,"
        " created_us) VALUES(?,?,?,?,?,?)",
        "sssssi", s->id, s->session_id, s->project_id, s->source, s->filter, s->created_us);
    if (fault == AK_E_EXISTS)
        return ak__store_fault(store, fault, "subscription %s: exists", s->id);
    return fault;
}

int ak_subscription_delete(AkStore *store, const char *session_id, const char *id)
{
    int fault = ak__store_write(store, "DELETE FROM subscription WHERE id=? AND session_id=?",
                                "ss", id, session_id);
    if (fault)
        return fault;
    if (!ak__store_changed(store))
        return ak__store_fault(store, AK_E_ABSENT, "subscription %s: not found", id);
    return ak__store_write(
        store,
        "DELETE FROM mail WHERE session=(SELECT n FROM session WHERE id=?) AND name=?"
        " AND kind=1",
        "ss", session_id, id);
}

int ak_subscription_list(AkStore *store, const char *session_id, const char *project_id,
                         const char *source, AkSubscriptionFn fn, void *payload)
{
    static const char *const sql[] = {
        "SELECT id, session_id, project_id, source, filter, created_us FROM subscription"
        " WHERE session_id=?1 AND (?2 IS NULL OR project_id=?2) AND (?3 IS NULL OR source=?3) "
        "ORDER BY id",
        "SELECT id, session_id, project_id, source, filter, created_us FROM subscription"
        " WHERE project_id=?2 AND source=?3 AND ?1 IS NULL ORDER BY id",
        "SELECT id, session_id, project_id, source, filter, created_us FROM subscription"
        " WHERE ?1 IS NULL AND (?2 IS NULL OR project_id=?2) AND (?3 IS NULL OR source=?3) "
        "ORDER BY id"};
    int got, fault = 0;
    sqlite3_stmt *rows = ak__store_query(store, &fault,
                                         session_id             ? sql[0]
                                         : project_id && source ? sql[1]
                                                                : sql[2],
                                         "sss", session_id, project_id, source);
    if (!rows)
        return fault;
    while ((got = ak__store_step(store, rows)) == 1) {
        AkSubscription found = {ak__store_text(rows, 0), ak__store_text(rows, 1),
                                ak__store_text(rows, 2), ak__store_text(rows, 3),
                                ak__store_text(rows, 4), sqlite3_column_int64(rows, 5)};
        if (fn(payload, &found) != 0) {
            got = AK_E_STOPPED;
            break;
        }
    }
    ak__store_done(store, rows);
    return got;
}
