#define _GNU_SOURCE
#include "dryrun.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "jsontext.h"
#include "protocol.h"

/* One session. Its engine has every record but a last one that was not answered: a session that
 * waits would otherwise go on waiting, and its program would not be looked at. That record is
 * compared here. */
typedef struct Dry {
    const AkDryRun *with;
    char id[64], *entry;
    json_t *row, *steps;
    AkRun *run;
    AkCommands *out;
    AkRunner *runner;
    AkTimer *timer;
    uint32_t proto;
    bool over;
    uint64_t records, sum; /* fed: how many, and the checksum of the last */
    uint64_t length;       /* of the journal when it was read */
    size_t next;           /* of the steps, where the next one most often is */
    uint64_t seen;         /* seq of the last step that the program came to */
    AkText open;           /* bytes of the record that was kept back */
    uint64_t open_seq;
} Dry;

static json_t *string_of(AkBytes bytes)
{
    json_t *text = bytes.at ? json_stringn(bytes.at, bytes.len) : NULL;

    return text ? text : json_string("");
}

static json_t *place(AkBytes name, AkBytes file, uint64_t line)
{
    return json_pack("{s:o, s:o, s:I}", "name", string_of(name), "file", string_of(file),
                     "line", (json_int_t)line);
}

static void end(Dry *d, const char *result, AkBytes words)
{
    if (d->over)
        return;
    d->over = true;
    json_object_set_new(d->row, "result", json_string(result));
    if (words.at)
        json_object_set_new(d->row, "words", string_of(words));
    if (d->runner)
        ak_runner_end(d->runner);
    d->runner = NULL;
    ak_timer_clear(d->timer);
}

/* With the message of an error. */
static void end_with(Dry *d, const char *result, AkBytes error)
{
    AkBytes message = ak_json_member(error, "message");
    char *words = message.len ? malloc(message.len + 1) : NULL;

    end(d, result, (AkBytes){words, words ? ak_json_decode(message, words) : 0});
    free(words);
}

/* --- The record
 * ------------------------------------------------------------------------------------ */

/* A later record of a seq takes the place of the one before: an answer of its ask. */
static void note_step(Dry *d, const AkRecord *r)
{
    json_t *step;

    if (r->seq == 0 || r->kind == AK_REC_PRINT)
        return;
    step = json_pack("{s:I, s:o}", "seq", (json_int_t)r->seq, "recorded",
                     place(r->name, r->file, r->line));
    if (r->digest.at)
        json_object_set_new(step, "digest", string_of(r->digest));
    size_t at = json_array_size(d->steps);
    json_t *last = json_array_get(d->steps, at ? at - 1 : 0);
    if (last && json_integer_value(json_object_get(last, "seq")) == (json_int_t)r->seq)
        json_array_set_new(d->steps, at - 1, step);
    else
        json_array_append_new(d->steps, step);
}

typedef struct Reading {
    Dry *d;
    AkText *records;
    uint64_t n, previous;
    uint64_t open; /* number of the record that nothing has answered, 0 for none */
} Reading;

static int note_record(void *payload, uint64_t number, AkBytes bytes)
{
    Reading *r = payload;
    AkRecord record;
    const char *why;
    uint64_t sum;

    if (number >= r->d->length)
        return 1; /* was written since */
    if (ak_record_read(bytes, ak_bytes(r->d->id), number, r->previous, &record, &sum, &why) <
        0) {
        end(r->d, "fails", ak_bytes(why));
        return 1;
    }
    r->previous = sum;
    r->records = realloc(r->records, (r->n + 1) * sizeof *r->records);
    if (!r->records)
        abort();
    r->records[r->n] = (AkText){0};
    ak_text_bytes(&r->records[r->n++], bytes);
    if (record.kind == AK_REC_ASK || record.kind == AK_REC_ATTEMPT) {
        r->open = number;
        r->d->open_seq = record.seq;
    } else if (record.kind != AK_REC_PRINT) {
        r->open = 0;
    }
    note_step(r->d, &record);
    return 0;
}

/* Until the one that is open: prints may follow it. */
static void feed(Reading *r)
{
    Dry *d = r->d;
    uint64_t until = r->open ? r->open : r->n, sum;
    AkRecord record;
    const char *why;

    for (uint64_t i = 0; i < until && !d->over; i++) {
        AkBytes bytes = {r->records[i].at, r->records[i].len};
        ak_record_read(bytes, ak_bytes(d->id), i, d->sum, &record, &sum, &why);
        d->sum = sum;
        d->records++;
        if (ak_run_step(d->run, ak_loop_now(), &(AkEvent){.kind = AK_EV_RECORD, .value = bytes},
                        d->out) < 0)
            end(d, "fails", ak_bytes(ak_run_error(d->run)));
    }
    if (!r->open)
        d->open_seq = 0;
}

static int read_journal(Dry *d)
{
    Reading r = {.d = d};
    int fault = ak_journal_read(d->with->store, d->id, 0, note_record, &r);

    if (!d->over && (!fault || fault == AK_E_STOPPED))
        feed(&r);
    for (uint64_t i = 0; i < r.n; i++)
        ak_text_free(&r.records[i]);
    free(r.records);
    return fault == AK_E_STOPPED ? 0 : fault;
}

/* --- What the program does
 * ------------------------------------------------------------------------- */

static json_t *step_of(Dry *d, uint64_t seq)
{
    size_t len = json_array_size(d->steps);

    for (size_t k = 0; k < len; k++) {
        size_t i = (d->next + k) % len;
        json_t *step = json_array_get(d->steps, i);
        if (json_integer_value(json_object_get(step, "seq")) != (json_int_t)seq)
            continue;
        d->next = i + 1;
        return step;
    }
    return NULL;
}

static bool same_name(const json_t *step, AkBytes name)
{
    const char *recorded =
        json_string_value(json_object_get(json_object_get(step, "recorded"), "name"));

    return recorded && ak_bytes_is(name, recorded);
}

/* Where the record ends the program has done all that it is to be asked. */
static void note_call(Dry *d, const AkMessage *m)
{
    uint64_t seq = ++d->seen;
    json_t *step = step_of(d, seq);
    const char *digest = json_string_value(json_object_get(step, "digest"));

    if (!step) {
        end(d, "agrees", (AkBytes){0});
        return;
    }
    bool same = same_name(step, m->name);
    bool alike = !digest || !m->digest.at || ak_bytes_is(m->digest, digest);
    json_object_set_new(step, "now", place(m->name, m->file, m->line));
    json_object_set_new(step, "result",
                        json_string(!same    ? "differs"
                                    : !alike ? "other arguments"
                                             : "same"));
    if (d->open_seq && seq == d->open_seq)
        end(d, same ? "agrees" : "differs", (AkBytes){0});
}

static void do_command(Dry *d, const AkCommand *c);

static void step(Dry *d, const AkEvent *event)
{
    int fault = d->over ? 0 : ak_run_step(d->run, ak_loop_now(), event, d->out);

    if (fault < 0 && fault != AK_E_ENDED)
        end(d, "fails", ak_bytes(ak_run_error(d->run)));
    for (size_t i = 0; i < ak_commands_count(d->out) && !d->over; i++)
        do_command(d, ak_commands_at(d->out, i));
    ak_commands_clear(d->out);
}

/* Before what the session waits for now; before a step that is recorded the engine sees it. An
 * error that is not the program's own, as a handler that is not there, is none of its steps. */
static void ends_early(Dry *d, AkBytes error)
{
    bool users = error.at && ak_json_string_is(ak_json_member(error, "kind"), ak_bytes("user"));

    if (error.at && !users)
        end_with(d, "fails", error);
    else if (d->open_seq == d->seen + 1)
        end(d, "differs",
            ak_bytes(users ? "the new code fails before what it waits for now"
                           : "the new code ends before what it waits for now"));
}

static void on_message(void *owner, const AkMessage *m)
{
    Dry *d = owner;
    AkEvent event;

    ak_timer_set(d->timer, d->with->turn_us);
    if (m->kind == AK_MSG_MODULE)
        d->proto = m->proto;
    if (m->kind == AK_MSG_CALLBACK || m->kind == AK_MSG_REQUEST)
        note_call(d, m);
    if (m->kind == AK_MSG_DONE)
        ends_early(d, m->error);
    if (!d->over && ak_message_event(m, &event) == 0)
        step(d, &event);
}

static void on_broken(void *owner, const char *why)
{
    Dry *d = owner;

    d->runner = NULL;
    end(d, "fails", ak_bytes(why));
}

static void on_stuck(void *owner, const char *stack)
{
    (void)stack;
    on_broken(owner, "loading took too long");
}

static void on_output(void *owner, int stream, const char *words, size_t len)
{
    (void)owner;
    (void)stream;
    (void)words;
    (void)len;
}

static void on_stack(void *owner, const char *stack)
{
    (void)owner;
    (void)stack;
}

static const AkRunnerEvents events = {on_message, on_broken, on_stuck,
                                      on_output,  on_stack,  on_broken};

static void on_timer(void *owner)
{
    end(owner, "fails", ak_bytes("the new code computes too long between two steps"));
}

static void spawn(Dry *d)
{
    char why[1024] = "";
    AkHost *host = ak_hosts_get(d->with->hosts, d->with->deployment, d->entry, why, sizeof why);

    d->runner = host ? ak_runner_start(host, d->entry, &events, d) : NULL;
    if (!d->runner)
        end(d, "fails", ak_bytes(host ? strerror(errno) : why));
}

static void send_line(Dry *d, const AkCommand *c)
{
    AkText line = {0};

    if (d->runner && ak_command_line(c, d->proto, ak_bytes(d->id), &line) == 0)
        ak_runner_send(d->runner, line.at, line.len);
    ak_text_free(&line);
}

static void finish(Dry *d, const AkCommand *c)
{
    AkBytes kind = c->error.at ? ak_json_member(c->error, "kind") : (AkBytes){0};

    if (ak_json_string_is(kind, ak_bytes("divergence")))
        end_with(d, "differs", c->error);
    else if (!c->error.at || ak_json_string_is(kind, ak_bytes("user")))
        end(d, "agrees", (AkBytes){0}); /* it comes to its end where nothing is recorded yet */
    else
        end_with(d, "fails", c->error);
}

static void do_command(Dry *d, const AkCommand *c)
{
    switch (c->kind) {
    case AK_CMD_SPAWN: spawn(d); return;
    case AK_CMD_RUN:
    case AK_CMD_REPLY: send_line(d, c); return;
    case AK_CMD_EXECUTE:
    case AK_CMD_REQUEST: end(d, "agrees", (AkBytes){0}); return;
    case AK_CMD_WAIT:
        if (c->wait != AK_WAIT_NOTHING)
            end(d, "agrees", (AkBytes){0});
        return;
    case AK_CMD_FINISH: finish(d, c); return;
    default: return; /* what would be written or shown, and alarms */
    }
}

/* --- All of them
 * ----------------------------------------------------------------------------------- */

static void free_dry(Dry *d)
{
    if (d->runner)
        ak_runner_end(d->runner);
    ak_timer_free(d->timer);
    ak_run_free(d->run);
    ak_commands_free(d->out);
    free(d->entry);
    free(d);
}

static int run_one(const AkDryRun *with, json_t *row)
{
    Dry *d = calloc(1, sizeof *d);
    AkRunOptions options = {.turn_timeout_us = -1, .singly = true, .max_line = with->max_line};
    AkSession *session;
    const char *id = json_string_value(json_object_get(row, "session_id"));
    int fault = ak_session_get(with->store, id, &session);

    if (!d)
        abort();
    *d = (Dry){.with = with, .row = row, .steps = json_object_get(row, "steps")};
    snprintf(d->id, sizeof d->id, "%s", id);
    if (fault) {
        free_dry(d);
        return fault;
    }
    d->entry = strdup(session->entry);
    d->length = session->length;
    free(session);
    json_object_set_new(row, "length", json_integer((json_int_t)d->length));
    d->run = ak_run_new(&options, ak_bytes(d->id));
    d->out = ak_commands_new();
    d->timer = ak_timer_new(with->loop, on_timer, d);
    ak_timer_set(d->timer,
                 with->turn_us + 10 * (int64_t)1000000); /* loading has its own limit */
    fault = read_journal(d);
    if (!fault)
        step(d, &(AkEvent){.kind = AK_EV_LOADED, .number = d->records, .sum = d->sum});
    while (!fault && !d->over)
        ak_loop_turn(with->loop);
    free_dry(d);
    return fault;
}

typedef struct Listing {
    const json_t *only;
    json_t *rows;
} Listing;

static bool is_wanted(const json_t *only, const char *id)
{
    size_t i;
    json_t *item;

    json_array_foreach(only, i, item) if (!strcmp(json_string_value(item), id)) return true;
    return !only;
}

static int note_session(void *payload, const AkSession *s)
{
    Listing *l = payload;

    if (!is_wanted(l->only, s->id))
        return 0;
    json_array_append_new(
        l->rows, json_pack("{s:s, s:s, s:s, s:[]}", "session_id", s->id, "entry", s->entry,
                           "deployment_id", s->deployment_id ? s->deployment_id : "", "steps"));
    return 0;
}

int ak_dryrun(const AkDryRun *with, const char *project, const json_t *only, json_t **sessions)
{
    AkSessionQuery query = {.states = 1u << AK_STATE_CREATED | 1u << AK_STATE_RUNNING};
    Listing listing = {only, json_array()};
    AkProject *found;
    size_t i;
    json_t *row;
    int fault = ak_project_get(with->store, project, &found);

    *sessions = listing.rows;
    if (fault)
        return fault == AK_E_ABSENT ? 0 : fault;
    query.project_id = found->id;
    fault = ak_session_list(with->store, &query, note_session, &listing);
    free(found);
    json_array_foreach(listing.rows, i, row) if (!fault) fault = run_one(with, row);
    return fault;
}
