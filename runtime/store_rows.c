/* store_rows.c: projects, bundles, deployments, variables, triggers, events, keys; and the
 * check of everything. */
#include "store_inner.h"

#include "sha256.h"

#include <stdlib.h>
#include <string.h>

/* Each kind of row is read by one function into its struct, lent by lend() and given by give().
 */
typedef void (*RowFn)(sqlite3_stmt *row, void *to);

typedef union Row {
    AkProject project;
    AkDeployment deployment;
    AkVar var;
    AkTrigger trigger;
    AkStoredEvent event;
    AkPair pair;
} Row;

typedef int (*LendFn)(void *payload, const Row *row, void *fn);

static int lend(AkStore *store, sqlite3_stmt *rows, RowFn read, LendFn lender, void *fn,
                void *payload)
{
    int got;
    while ((got = ak__store_step(store, rows)) == 1) {
        Row row;
        memset(&row, 0, sizeof row);
        read(rows, &row);
        if (lender(payload, &row, fn) != 0) {
            got = AK_E_STOPPED;
            break;
        }
    }
    ak__store_done(store, rows);
    return got;
}

static int give(AkStore *store, sqlite3_stmt *rows, RowFn read, size_t size,
                const size_t *texts, size_t n, void **given, const char *what, const char *id)
{
    Row row;
    memset(&row, 0, sizeof row);
    int got = ak__store_step(store, rows);
    if (got == 1) {
        read(rows, &row);
        *given = ak__store_pack(store, &row, size, texts, n);
        got = *given ? 0 : AK_E_NOMEM;
    } else if (got == 0) {
        got = ak__store_fault(store, AK_E_ABSENT, "%s %s: not found", what, id);
    }
    ak__store_done(store, rows);
    return got;
}

static int changed(AkStore *store, int fault, const char *what, const char *id)
{
    if (fault || ak__store_changed(store))
        return fault;
    return ak__store_fault(store, AK_E_ABSENT, "%s %s: not found", what, id);
}

static int taken(AkStore *store, int fault, const char *what, const char *id)
{
    return fault == AK_E_EXISTS ? ak__store_fault(store, fault, "%s %s: exists", what, id)
                                : fault;
}

/* --- Projects
 * ----------------------------------------------------------------------------------------- */

static const size_t project_texts[] = {offsetof(AkProject, id), offsetof(AkProject, name)};

static void read_project(sqlite3_stmt *row, void *to)
{
    *(AkProject *)to = (AkProject){ak__store_text(row, 0), ak__store_text(row, 1),
                                   sqlite3_column_int64(row, 2)};
}

static int lend_project(void *payload, const Row *row, void *fn)
{
    return (*(AkProjectFn *)fn)(payload, &row->project);
}

int ak_project_put(AkStore *store, const AkProject *project)
{
    return taken(store,
                 ak__store_write(store,
                                 "INSERT INTO project(id, name, created_us) VALUES(?,?,?)",
                                 "ssi", project->id, project->name, project->created_us),
                 "project", project->name);
}

int ak_project_get(AkStore *store, const char *id_or_name, AkProject **project)
{
    int fault = 0;
    *project = NULL;
    sqlite3_stmt *row =
        ak__store_query(store, &fault,
                        "SELECT id, name, created_us FROM project WHERE id=?1"
                        " UNION ALL SELECT id, name, created_us FROM project WHERE name=?1",
                        "s", id_or_name);
    return row ? give(store, row, read_project, sizeof(AkProject), project_texts, 2,
                      (void **)project, "project", id_or_name)
               : fault;
}

int ak_project_list(AkStore *store, AkProjectFn fn, void *payload)
{
    int fault = 0;
    sqlite3_stmt *rows = ak__store_query(
        store, &fault, "SELECT id, name, created_us FROM project ORDER BY name", "");
    return rows ? lend(store, rows, read_project, lend_project, &fn, payload) : fault;
}

int ak_project_delete(AkStore *store, const char *id)
{
    static const char *const also[] = {
        "DELETE FROM var WHERE project_id=?", "DELETE FROM pair WHERE project_id=?",
        "DELETE FROM trig WHERE project_id=?", "DELETE FROM event WHERE project_id=?"};
    int64_t used = 0;
    int fault = ak__store_writable(store);
    if (fault == 0)
        fault = ak__store_number(store, &used, 0,
                                 "SELECT EXISTS(SELECT 1 FROM deployment WHERE project_id=?1)"
                                 " OR EXISTS(SELECT 1 FROM session WHERE project_id=?1)",
                                 "s", id);
    if (fault == 0 && used)
        return ak__store_fault(store, AK_E_EXISTS, "project %s: has deployments or sessions",
                               id);
    if (fault == 0)
        fault =
            changed(store, ak__store_write(store, "DELETE FROM project WHERE id=?", "s", id),
                    "project", id);
    for (size_t i = 0; i < sizeof also / sizeof *also && fault == 0; i++)
        fault = ak__store_write(store, also[i], "s", id);
    return fault;
}

/* --- Bundles
 * ----------------------------------------------------------------------------------------------
 */

int ak_bundle_put(AkStore *store, AkBytes bytes, int64_t now_us, char digest[65])
{
    ak_sha256_hex(bytes.at, bytes.len, digest);
    return ak__store_write(store,
                           "INSERT INTO bundle(digest, bytes, created_us) VALUES(?,?,?)"
                           " ON CONFLICT DO NOTHING",
                           "sbi", digest, bytes, now_us);
}

int ak_bundle_get(AkStore *store, const char *digest, AkBytes *bytes)
{
    char found[65];
    int fault = 0;
    *bytes = (AkBytes){NULL, 0};
    sqlite3_stmt *row =
        ak__store_query(store, &fault, "SELECT bytes FROM bundle WHERE digest=?", "s", digest);
    if (!row)
        return fault;
    int got = ak__store_step(store, row);
    if (got == 1) {
        size_t len = (size_t)sqlite3_column_bytes(row, 0);
        const void *blob = sqlite3_column_blob(row, 0);
        char *copy = malloc(len + 1);
        got = copy ? 0 : ak__store_fault(store, AK_E_NOMEM, "out of memory");
        if (copy) {
            memcpy(copy, blob ? blob : "", len);
            copy[len] = '\0';
            *bytes = (AkBytes){copy, len};
        }
    } else if (got == 0) {
        got = ak__store_fault(store, AK_E_ABSENT, "bundle %s: not found", digest);
    }
    ak__store_done(store, row);
    if (got)
        return got;
    ak_sha256_hex(bytes->at, bytes->len, found);
    if (strcmp(found, digest) == 0)
        return 0;
    free((void *)(uintptr_t)bytes->at);
    *bytes = (AkBytes){NULL, 0};
    return ak__store_fault(store, AK_E_CORRUPT, "bundle %s: is not what was stored", digest);
}

/* --- Deployments
 * ----------------------------------------------------------------------------------------------
 */

#define DEPLOYMENT                                                                             \
    "SELECT id, project_id, build_id, digest, state, created_us, activated_us, dialect, "      \
    "manifest,"                                                                                \
    " verdict FROM deployment"

static const size_t deployment_texts[] = {
    offsetof(AkDeployment, id),       offsetof(AkDeployment, project_id),
    offsetof(AkDeployment, build_id), offsetof(AkDeployment, digest),
    offsetof(AkDeployment, dialect),  offsetof(AkDeployment, manifest),
    offsetof(AkDeployment, verdict)};

static void read_deployment(sqlite3_stmt *row, void *to)
{
    *(AkDeployment *)to = (AkDeployment){.id = ak__store_text(row, 0),
                                         .project_id = ak__store_text(row, 1),
                                         .build_id = ak__store_text(row, 2),
                                         .digest = ak__store_text(row, 3),
                                         .state = (AkDeploymentState)sqlite3_column_int(row, 4),
                                         .created_us = sqlite3_column_int64(row, 5),
                                         .activated_us = sqlite3_column_int64(row, 6),
                                         .dialect = ak__store_text(row, 7),
                                         .manifest = ak__store_text(row, 8),
                                         .verdict = ak__store_text(row, 9)};
}

static int lend_deployment(void *payload, const Row *row, void *fn)
{
    return (*(AkDeploymentFn *)fn)(payload, &row->deployment);
}

static int has_bundle(AkStore *store, const char *digest)
{
    int64_t there = 0;
    int fault = ak__store_writable(store);
    if (fault == 0)
        fault = ak__store_number(store, &there, 0, "SELECT 1 FROM bundle WHERE digest=?", "s",
                                 digest);
    if (fault == 0 && !there)
        fault = ak__store_fault(store, AK_E_ABSENT, "bundle %s: not found", digest);
    return fault;
}

int ak_deployment_put(AkStore *store, const AkDeployment *d)
{
    int fault = has_bundle(store, d->digest);
    if (fault)
        return fault;
    fault = ak__store_write(
        store,
        "INSERT INTO deployment(id, project_id, build_id, digest, state, created_us,"
        " activated_us, dialect, manifest, verdict) VALUES(?,?,?,?,?,?,?,?,?,?)",
        "ssssiiisss", d->id, d->project_id, d->build_id, d->digest, (int64_t)d->state,
        d->created_us, d->activated_us, d->dialect, d->manifest, d->verdict);
    return taken(store, fault, "deployment", d->id);
}

int ak_deployment_update(AkStore *store, const AkDeployment *d)
{
    int fault = has_bundle(store, d->digest);
    if (fault)
        return fault;
    fault =
        ak__store_write(store,
                        "UPDATE deployment SET build_id=?, digest=?, state=?, created_us=?,"
                        " activated_us=?, dialect=?, manifest=?, verdict=? WHERE id=?",
                        "ssiiissss", d->build_id, d->digest, (int64_t)d->state, d->created_us,
                        d->activated_us, d->dialect, d->manifest, d->verdict, d->id);
    return changed(store, fault, "deployment", d->id);
}

int ak_deployment_get(AkStore *store, const char *id, AkDeployment **deployment)
{
    int fault = 0;
    *deployment = NULL;
    sqlite3_stmt *row = ak__store_query(store, &fault, DEPLOYMENT " WHERE id=?", "s", id);
    return row ? give(store, row, read_deployment, sizeof(AkDeployment), deployment_texts,
                      sizeof deployment_texts / sizeof *deployment_texts, (void **)deployment,
                      "deployment", id)
               : fault;
}

int ak_deployment_list(AkStore *store, const char *project_id, AkDeploymentFn fn, void *payload)
{
    int fault = 0;
    sqlite3_stmt *rows = ak__store_query(
        store, &fault, DEPLOYMENT " WHERE ?1 IS NULL OR project_id=?1 ORDER BY id DESC", "s",
        project_id);
    return rows ? lend(store, rows, read_deployment, lend_deployment, &fn, payload) : fault;
}

int ak_deployment_delete(AkStore *store, const char *id)
{
    int64_t used = 0;
    int fault = ak__store_writable(store);
    if (fault == 0)
        fault = ak__store_number(
            store, &used, -1,
            "SELECT state <> 1 OR EXISTS(SELECT 1 FROM session WHERE deployment_id=?1)"
            " FROM deployment WHERE id=?1",
            "s", id);
    if (fault)
        return fault;
    if (used)
        return ak__store_fault(store, used < 0 ? AK_E_ABSENT : AK_E_EXISTS, "deployment %s: %s",
                               id, used < 0 ? "not found" : "is not inactive, or has sessions");
    fault = ak__store_write(store, "DELETE FROM deployment WHERE id=?", "s", id);
    if (fault == 0)
        fault = ak__store_write(store,
                                "DELETE FROM bundle WHERE NOT EXISTS(SELECT 1 FROM deployment"
                                " WHERE deployment.digest=bundle.digest)",
                                "");
    return fault;
}

/* --- Variables
 * --------------------------------------------------------------------------------------------------
 */

static void read_var(sqlite3_stmt *row, void *to)
{
    *(AkVar *)to = (AkVar){ak__store_text(row, 0), ak__store_text(row, 1),
                           ak__store_text(row, 2), sqlite3_column_int(row, 3) != 0};
}

static int lend_var(void *payload, const Row *row, void *fn)
{
    return (*(AkVarFn *)fn)(payload, &row->var);
}

int ak_var_set(AkStore *store, const AkVar *var)
{
    return ak__store_write(store,
                           "INSERT INTO var(project_id, name, value, secret) VALUES(?,?,?,?)"
                           " ON CONFLICT(project_id, name) DO UPDATE SET value=excluded.value,"
                           " secret=excluded.secret",
                           "sssi", var->project_id, var->name, var->value,
                           (int64_t)var->secret);
}

int ak_var_delete(AkStore *store, const char *project_id, const char *name)
{
    return changed(store,
                   ak__store_write(store, "DELETE FROM var WHERE project_id=? AND name=?", "ss",
                                   project_id, name),
                   "variable", name);
}

int ak_var_list(AkStore *store, const char *project_id, AkVarFn fn, void *payload)
{
    int fault = 0;
    sqlite3_stmt *rows =
        ak__store_query(store, &fault,
                        "SELECT project_id, name, value, secret FROM var WHERE project_id=?"
                        " ORDER BY name",
                        "s", project_id);
    return rows ? lend(store, rows, read_var, lend_var, &fn, payload) : fault;
}

/* --- Triggers
 * ----------------------------------------------------------------------------------------------------
 */

#define TRIGGER                                                                                \
    "SELECT id, project_id, deployment_id, name, kind, slug, config, enabled, due_us FROM "    \
    "trig"

static const size_t trigger_texts[] = {offsetof(AkTrigger, id),
                                       offsetof(AkTrigger, project_id),
                                       offsetof(AkTrigger, deployment_id),
                                       offsetof(AkTrigger, name),
                                       offsetof(AkTrigger, kind),
                                       offsetof(AkTrigger, slug),
                                       offsetof(AkTrigger, config)};

static void read_trigger(sqlite3_stmt *row, void *to)
{
    *(AkTrigger *)to = (AkTrigger){.id = ak__store_text(row, 0),
                                   .project_id = ak__store_text(row, 1),
                                   .deployment_id = ak__store_text(row, 2),
                                   .name = ak__store_text(row, 3),
                                   .kind = ak__store_text(row, 4),
                                   .slug = ak__store_text(row, 5),
                                   .config = ak__store_text(row, 6),
                                   .enabled = sqlite3_column_int(row, 7) != 0,
                                   .due_us = sqlite3_column_int64(row, 8)};
}

static int lend_trigger(void *payload, const Row *row, void *fn)
{
    return (*(AkTriggerFn *)fn)(payload, &row->trigger);
}

int ak_trigger_put(AkStore *store, const AkTrigger *t)
{
    int fault = ak__store_write(
        store,
        "INSERT INTO trig(id, project_id, deployment_id, name, kind, slug, config,"
        " enabled, due_us) VALUES(?,?,?,?,?,?,?,?,?)",
        "sssssssii", t->id, t->project_id, t->deployment_id, t->name, t->kind, t->slug,
        t->config, (int64_t)t->enabled, t->due_us);
    return taken(store, fault, "trigger", t->name);
}

int ak_trigger_update(AkStore *store, const AkTrigger *t)
{
    int fault =
        ak__store_write(store,
                        "UPDATE trig SET project_id=?, deployment_id=?, name=?, kind=?, slug=?,"
                        " config=?, enabled=?, due_us=? WHERE id=?",
                        "ssssssiis", t->project_id, t->deployment_id, t->name, t->kind, t->slug,
                        t->config, (int64_t)t->enabled, t->due_us, t->id);
    return changed(store, taken(store, fault, "trigger", t->name), "trigger", t->id);
}

static int give_trigger(AkStore *store, sqlite3_stmt *row, AkTrigger **trigger, const char *id)
{
    return give(store, row, read_trigger, sizeof(AkTrigger), trigger_texts,
                sizeof trigger_texts / sizeof *trigger_texts, (void **)trigger, "trigger", id);
}

int ak_trigger_get(AkStore *store, const char *id, AkTrigger **trigger)
{
    int fault = 0;
    *trigger = NULL;
    sqlite3_stmt *row = ak__store_query(store, &fault, TRIGGER " WHERE id=?", "s", id);
    return row ? give_trigger(store, row, trigger, id) : fault;
}

int ak_trigger_by_slug(AkStore *store, const char *slug, AkTrigger **trigger)
{
    int fault = 0;
    *trigger = NULL;
    sqlite3_stmt *row = ak__store_query(store, &fault, TRIGGER " WHERE slug=?", "s", slug);
    return row ? give_trigger(store, row, trigger, slug) : fault;
}

int ak_trigger_list(AkStore *store, const char *project_id, AkTriggerFn fn, void *payload)
{
    int fault = 0;
    sqlite3_stmt *rows = ak__store_query(
        store, &fault, TRIGGER " WHERE ?1 IS NULL OR project_id=?1 ORDER BY project_id, name",
        "s", project_id);
    return rows ? lend(store, rows, read_trigger, lend_trigger, &fn, payload) : fault;
}

int ak_trigger_due(AkStore *store, int64_t now_us, AkTriggerFn fn, void *payload)
{
    int fault = 0;
    sqlite3_stmt *rows = ak__store_query(
        store, &fault,
        TRIGGER " WHERE enabled AND due_us > 0 AND due_us <= ? ORDER BY due_us, id", "i",
        now_us);
    return rows ? lend(store, rows, read_trigger, lend_trigger, &fn, payload) : fault;
}

int ak_trigger_later(AkStore *store, int64_t now_us, AkTriggerFn fn, void *payload)
{
    int fault = 0;
    sqlite3_stmt *rows = ak__store_query(
        store, &fault, TRIGGER " WHERE enabled AND due_us > ? ORDER BY due_us, id", "i",
        now_us);
    return rows ? lend(store, rows, read_trigger, lend_trigger, &fn, payload) : fault;
}

int64_t ak_trigger_next_due(AkStore *store)
{
    int64_t due = 0;
    int fault = ak__store_number(
        store, &due, 0, "SELECT min(due_us) FROM trig WHERE enabled AND due_us > 0", "");
    return fault ? fault : due;
}

int ak_trigger_delete(AkStore *store, const char *id)
{
    return changed(store, ak__store_write(store, "DELETE FROM trig WHERE id=?", "s", id),
                   "trigger", id);
}

/* --- Events
 * -------------------------------------------------------------------------------------------------------
 */

#define EVENT "SELECT id, project_id, trigger_id, type, data, key, created_us FROM event"

static const size_t event_texts[] = {
    offsetof(AkStoredEvent, id),         offsetof(AkStoredEvent, project_id),
    offsetof(AkStoredEvent, trigger_id), offsetof(AkStoredEvent, type),
    offsetof(AkStoredEvent, data),       offsetof(AkStoredEvent, key)};

static void read_event(sqlite3_stmt *row, void *to)
{
    *(AkStoredEvent *)to = (AkStoredEvent){ak__store_text(row, 0),      ak__store_text(row, 1),
                                           ak__store_text(row, 2),      ak__store_text(row, 3),
                                           ak__store_text(row, 4),      ak__store_text(row, 5),
                                           sqlite3_column_int64(row, 6)};
}

static int lend_event(void *payload, const Row *row, void *fn)
{
    return (*(AkStoredEventFn *)fn)(payload, &row->event);
}

int ak_event_put(AkStore *store, const AkStoredEvent *e)
{
    int fault = ak__store_write(
        store,
        "INSERT INTO event(id, project_id, trigger_id, type, data, key, created_us)"
        " VALUES(?,?,?,?,?,?,?)",
        "ssssssi", e->id, e->project_id, e->trigger_id, e->type, e->data, e->key,
        e->created_us);
    return taken(store, fault, "event", e->id);
}

static int give_event(AkStore *store, sqlite3_stmt *row, AkStoredEvent **event, const char *id)
{
    return give(store, row, read_event, sizeof(AkStoredEvent), event_texts,
                sizeof event_texts / sizeof *event_texts, (void **)event, "event", id);
}

int ak_event_get(AkStore *store, const char *id, AkStoredEvent **event)
{
    int fault = 0;
    *event = NULL;
    sqlite3_stmt *row = ak__store_query(store, &fault, EVENT " WHERE id=?", "s", id);
    return row ? give_event(store, row, event, id) : fault;
}

int ak_event_by_key(AkStore *store, const char *project_id, const char *trigger_id,
                    const char *key, AkStoredEvent **event)
{
    int fault = 0;
    *event = NULL;
    sqlite3_stmt *row =
        ak__store_query(store, &fault,
                        EVENT " WHERE project_id=? AND ifnull(trigger_id, '')=ifnull(?, '')"
                              " AND key=?",
                        "sss", project_id, trigger_id, key);
    return row ? give_event(store, row, event, key) : fault;
}

int ak_event_list(AkStore *store, const char *project_id, const char *before_id, size_t limit,
                  AkStoredEventFn fn, void *payload)
{
    int fault = 0;
    sqlite3_stmt *rows =
        ak__store_query(store, &fault,
                        EVENT " WHERE (?1 IS NULL OR project_id=?1)"
                              " AND (?2 IS NULL OR id<?2) ORDER BY id DESC LIMIT ?3",
                        "ssi", project_id, before_id, limit ? (int64_t)limit : (int64_t)-1);
    return rows ? lend(store, rows, read_event, lend_event, &fn, payload) : fault;
}

int ak_event_delete_before(AkStore *store, int64_t created_before)
{
    int fault = ak__store_write(store,
                                "DELETE FROM event WHERE created_us<? AND id NOT IN"
                                " (SELECT event FROM mail WHERE event IS NOT NULL)",
                                "i", created_before);
    return fault ? fault : (int)ak__store_changed(store);
}

/* --- Keys and values
 * ---------------------------------------------------------------------------------------------------
 */

static void read_pair(sqlite3_stmt *row, void *to)
{
    const char *blob = sqlite3_column_blob(row, 2);
    *(AkPair *)to = (AkPair){ak__store_text(row, 0),
                             ak__store_text(row, 1),
                             {blob ? blob : "", (size_t)sqlite3_column_bytes(row, 2)},
                             sqlite3_column_int(row, 3) != 0};
}

static int lend_pair(void *payload, const Row *row, void *fn)
{
    return (*(AkPairFn *)fn)(payload, &row->pair);
}

static int no_key(AkStore *store, const char *key)
{
    return ak__store_fault(store, AK_E_ABSENT, "key %.80s: not found", key);
}

int ak_key_get(AkStore *store, const char *project_id, const char *key, AkBytes *value,
               bool *published)
{
    int fault = 0;
    *value = (AkBytes){NULL, 0};
    sqlite3_stmt *row = ak__store_query(
        store, &fault,
        "SELECT project_id, key, value, published FROM pair WHERE project_id=? AND key=?", "ss",
        project_id, key);
    if (!row)
        return fault;
    int got = ak__store_step(store, row);
    if (got == 1) {
        AkPair pair;
        read_pair(row, &pair);
        char *copy = malloc(pair.value.len + 1);
        got = copy ? 0 : ak__store_fault(store, AK_E_NOMEM, "out of memory");
        if (copy) {
            memcpy(copy, pair.value.at, pair.value.len);
            copy[pair.value.len] = '\0';
            *value = (AkBytes){copy, pair.value.len};
        }
        if (published)
            *published = pair.published;
    } else if (got == 0) {
        got = no_key(store, key);
    }
    ak__store_done(store, row);
    return got;
}

int ak_key_set(AkStore *store, const char *project_id, const char *key, AkBytes value)
{
    int64_t others = 0;
    int fault = ak__store_writable(store);
    if (fault)
        return fault;
    if (value.len > AK_VALUE_MAX)
        return ak__store_fault(store, AK_E_TOOBIG,
                               "key %.80s: its value has %zu bytes, %d are allowed", key,
                               value.len, AK_VALUE_MAX);
    if (strlen(key) > AK_KEY_BYTES_MAX)
        return ak__store_fault(store, AK_E_TOOBIG, "key %.80s...: is longer than %d bytes", key,
                               AK_KEY_BYTES_MAX);
    fault = ak__store_number(store, &others, 0,
                             "SELECT count(*) FROM pair WHERE project_id=? AND key<>?", "ss",
                             project_id, key);
    if (fault)
        return fault;
    if (others >= AK_KEYS_MAX)
        return ak__store_fault(store, AK_E_FULL, "key %.80s: the project has %d keys already",
                               key, AK_KEYS_MAX);
    return ak__store_write(store,
                           "INSERT INTO pair(project_id, key, value, published) VALUES(?,?,?,0)"
                           " ON CONFLICT(project_id, key) DO UPDATE SET value=excluded.value",
                           "ssb", project_id, key, value);
}

int ak_key_check_and_set(AkStore *store, const char *project_id, const char *key,
                         AkBytes expected, AkBytes value)
{
    AkBytes found;
    int fault = ak__store_writable(store);
    if (fault)
        return fault;
    fault = ak_key_get(store, project_id, key, &found, NULL);
    if (fault && fault != AK_E_ABSENT)
        return fault;
    bool same = (found.at != NULL) == (expected.at != NULL) && ak_bytes_equal(found, expected);
    free((void *)(uintptr_t)found.at);
    if (!same)
        return 0;
    if (value.at)
        fault = ak_key_set(store, project_id, key, value);
    else
        fault = expected.at ? ak_key_delete(store, project_id, key) : 0;
    return fault ? fault : 1;
}

int ak_key_delete(AkStore *store, const char *project_id, const char *key)
{
    int fault = ak__store_write(store, "DELETE FROM pair WHERE project_id=? AND key=?", "ss",
                                project_id, key);
    return fault ? fault : ak__store_changed(store) ? 0 : no_key(store, key);
}

int ak_key_publish(AkStore *store, const char *project_id, const char *key, bool on)
{
    int fault =
        ak__store_write(store, "UPDATE pair SET published=? WHERE project_id=? AND key=?",
                        "iss", (int64_t)on, project_id, key);
    return fault ? fault : ak__store_changed(store) ? 0 : no_key(store, key);
}

int ak_key_list(AkStore *store, const char *project_id, AkPairFn fn, void *payload)
{
    int fault = 0;
    sqlite3_stmt *rows = ak__store_query(store, &fault,
                                         "SELECT project_id, key, value, published FROM pair"
                                         " WHERE project_id=? ORDER BY key",
                                         "s", project_id);
    return rows ? lend(store, rows, read_pair, lend_pair, &fn, payload) : fault;
}

/* --- The check of everything
 * --------------------------------------------------------------------------------------------
 */

typedef struct Chain {
    AkStore *store;
    const char *session_id;
    uint64_t next, sum;
} Chain;

static int follow(void *payload, uint64_t number, AkBytes bytes)
{
    Chain *chain = payload;
    AkRecord record;
    const char *why;
    int fault = ak_record_read(bytes, ak_bytes(chain->session_id), number, chain->sum, &record,
                               &chain->sum, &why);
    chain->next = number + 1;
    if (fault)
        ak__store_fault(chain->store, fault, "session %s, record %llu: %s", chain->session_id,
                        (unsigned long long)number, why);
    return fault;
}

static int check_session(void *payload, const AkSession *session)
{
    Chain chain = {payload, session->id, 0, 0};
    int fault = ak_journal_read(payload, session->id, 0, follow, &chain);
    if (fault)
        return fault;
    if (chain.next == session->length && chain.sum == session->sum)
        return 0;
    return ak__store_fault(payload, AK_E_CORRUPT,
                           "session %s, record %llu: is not the one acknowledged", session->id,
                           (unsigned long long)session->length - 1);
}

static int check_structure(AkStore *store)
{
    int fault = 0;
    sqlite3_stmt *row = ak__store_query(store, &fault, "PRAGMA integrity_check(1)", "");
    if (!row)
        return fault;
    int got = ak__store_step(store, row);
    const char *found = got == 1 ? ak__store_text(row, 0) : "nothing was found";
    if (got >= 0)
        got = found && strcmp(found, "ok") == 0
                  ? 0
                  : ak__store_fault(store, AK_E_CORRUPT, "%s: %s", store->name,
                                    found ? found : "damaged");
    ak__store_done(store, row);
    return got;
}

static int check_bundles(AkStore *store)
{
    int got, fault = 0;
    sqlite3_stmt *rows = ak__store_query(store, &fault, "SELECT digest FROM bundle", "");
    if (!rows)
        return fault;
    while ((got = ak__store_step(store, rows)) == 1) {
        AkBytes bytes;
        fault = ak_bundle_get(store, ak__store_text(rows, 0), &bytes);
        free((void *)(uintptr_t)bytes.at);
        if (fault) {
            got = fault;
            break;
        }
    }
    ak__store_done(store, rows);
    return got;
}

int ak_store_verify(AkStore *store)
{
    int fault = check_structure(store);
    if (fault == 0) {
        fault = ak_session_list(store, NULL, check_session, store);
        /* What stopped the list was a record, and its words are there. */
        if (fault == AK_E_STOPPED)
            fault = AK_E_CORRUPT;
    }
    return fault ? fault : check_bundles(store);
}
