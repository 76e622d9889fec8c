/* The turn: one commit for all that is ready, effects after it. And what the front asks for. */
#define _GNU_SOURCE
#include "driver.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "driver_session.h"
#include "killpoint.h"

enum { LAZY_US = 2000 };

typedef enum Claim { TO_RUN, TO_STOP } Claim;

/* --- The turn
 * ------------------------------------------------------------------------------------------ */

int ak__driver_begin(AkDriver *d)
{
    return ak_store_is_open(d->store) ? 0 : ak_store_begin(d->store);
}

/* A request out of a call, or the reply to one. No record of it comes later: what a call was told
 * (a key was set, a session started) has to be durable before it does more. */
static bool is_aside(const AkCommand *c)
{
    return (c->kind == AK_CMD_REQUEST || (c->kind == AK_CMD_REPLY && c->request)) && !c->seq;
}

/* The program computes while its record is written and synced. From here on the session is dirty:
 * should either fail, its runner is ended. */
static void reply_ahead(AkLive *live)
{
    if (live->done + 1 >= ak_commands_count(live->out))
        return;
    AkCommand next = *ak_commands_at(live->out, live->done + 1);
    if (next.kind != AK_CMD_REPLY || is_aside(&next))
        return;
    ak__live_outside(live, &next);
    live->replied = true;
}

/* One command of the transaction. 0 or the store's fault. */
static int do_inside(AkLive *live, const AkCommand *c)
{
    bool record = c->kind == AK_CMD_JOURNAL && !c->lazy;

    if (record || is_aside(c))
        live->dirty = true;
    else
        live->lazy = true; /* rides with the next commit; nothing waits for it */
    if (record)
        reply_ahead(live);
    int fault = ak__driver_begin(live->driver);
    if (!fault)
        fault = ak__live_inside(live, c);
    if (live->owes && (c->kind == AK_CMD_REQUEST || c->kind == AK_CMD_LOAD))
        live->owes--;
    return fault;
}

/* Does commands until one has to wait for the commit. 0 or the store's fault. */
static int drain(AkLive *live)
{
    while (live->run && live->done < ak_commands_count(live->out)) {
        AkCommand c = *ak_commands_at(live->out, live->done);

        if (ak_command_is_inside(c.kind)) {
            int fault = do_inside(live, &c);
            if (fault)
                return fault;
        } else if (live->replied) {
            live->replied = false; /* this is that reply: it went ahead of its record */
        } else if (c.kind == AK_CMD_SHOW && (live->dirty || live->lazy || live->shows.len)) {
            ak__live_show_later(live, &c);
        } else if (live->dirty && (c.kind != AK_CMD_REPLY || is_aside(&c))) {
            return 0;
        } else {
            ak__live_outside(live, &c);
        }
        live->done++;
    }
    ak_commands_clear(live->out);
    live->done = 0;
    if (!live->run || !live->mail_waits)
        return 0;
    /* What it has seen already the engine passes over. */
    live->mail_waits = false;
    int fault =
        ak_mail_list(live->driver->store, live->id, live->mail_fed, ak__live_feed_mail, live);
    return fault == AK_E_STOPPED ? 0 : fault;
}

static bool is_stored(AkLive *live)
{
    AkSession *row;
    int fault = ak_session_get(live->driver->store, live->id, &row);

    if (fault == 0)
        free(row);
    return fault != AK_E_ABSENT;
}

/* Somebody else wrote to one of them: that one is given up, the others start from the truth. */
static void undo_fenced(AkDriver *d)
{
    size_t queued = d->queued;

    for (size_t i = 0; i < queued; i++) {
        AkLive *live = d->queue[i];
        if (live->ended && !live->dirty && !live->lazy)
            continue;
        bool part = live->dirty || live->lazy;
        live->ended = false;
        if (part &&
            !is_stored(live)) { /* it was begun in the transaction that did not happen */
            ak__live_forget(live);
            continue;
        }
        if (ak__live_taken_away(live) || !part)
            continue;
        ak__live_clear(live);
        if (ak_driver_load(d, live->id) < 0)
            ak__live_forget(live);
    }
}

/* Nothing since the last commit happened: memory that is ahead of the truth is dropped. */
static void undo(AkDriver *d, int fault)
{
    char words[512];

    snprintf(words, sizeof words, "%s", ak_store_error(d->store));
    ak_store_abort(d->store);
    if (fault == AK_E_FENCE) {
        undo_fenced(d);
        return;
    }
    for (size_t i = 0; i < d->queued; i++)
        if (d->queue[i]->dirty || d->queue[i]->lazy)
            ak__live_forget(d->queue[i]);
    ak__driver_was_lost(d);
    if (d->front->store_failed)
        d->front->store_failed(d->owner, fault, words);
}

/* One pass over the queue, which grows while children and mail make others ready. */
static int drain_all(AkDriver *d, bool *wants_commit)
{
    bool again = true;

    while (again) {
        again = *wants_commit = false;
        for (size_t i = 0; i < d->queued; i++) {
            AkLive *live = d->queue[i];
            size_t before = ak_commands_count(live->out), done = live->done;
            int fault = drain(live);
            if (fault)
                return fault;
            again |=
                (live->done != done && before != done) || ak_commands_count(live->out) > before;
            *wants_commit |= live->dirty;
        }
    }
    return 0;
}

static int commit(AkDriver *d)
{
    AK_KILL_POINT(0);
    int fault = ak_store_commit(d->store);
    AK_KILL_POINT(0);
    if (fault)
        return fault;
    d->commits++;
    for (size_t i = 0; i < d->queued; i++) {
        bool part = d->queue[i]->dirty || d->queue[i]->lazy;
        d->queue[i]->dirty = d->queue[i]->lazy = false;
        ak__live_show(d->queue[i]);
        if (part && d->front->recorded)
            d->front->recorded(d->owner, d->queue[i]->id);
    }
    return 0;
}

static void tell_end(AkLive *live)
{
    AkDriver *d = live->driver;

    if (!live->told && d->front->finished)
        d->front->finished(d->owner, live->id, live->state,
                           (AkBytes){live->value.at, live->value.len},
                           (AkBytes){live->error.at, live->error.len});
    live->told = true;
}

/* Only those stay in the queue whose lazy records wait for a commit. */
static void clear_queue(AkDriver *d)
{
    size_t kept = 0;

    for (size_t i = 0; i < d->queued; i++) {
        AkLive *live = d->queue[i];
        live->queued = live->lazy;
        /* Its mail was none that it waits for: it needs no process, and stands in no line. */
        if (live->coming && live->run && ak_run_wait(live->run) != AK_WAIT_NOTHING)
            ak__live_set_coming(live, false);
        if (live->lazy) {
            d->queue[kept++] = live;
        } else if (live->ended) {
            tell_end(live);
            ak__live_free(live);
        }
    }
    d->queued = kept;
}

/* While others stand in line, a session that only waits gives its process back at once. */
static bool free_a_runner(AkDriver *d)
{
    for (AkLive *live = d->first_running; live; live = live->next_running)
        if (live->run && !live->dirty && !live->lazy && !live->queued &&
            ak_run_wait(live->run) != AK_WAIT_NOTHING) {
            ak__live_on_idle(live);
            return true;
        }
    return false;
}

static void serve_line(AkDriver *d)
{
    while (d->waiting) {
        if (d->runners >= d->options.max_runners && !free_a_runner(d))
            return;
        AkLive *live = d->first_waiting;
        ak__live_leave_line(live);
        ak__live_spawn(live);
        ak_loop_hurry(d->loop);
    }
}

void ak_driver_want_commit(AkDriver *d)
{
    d->lazy_due = true;
    ak_loop_hurry(d->loop);
}

void ak_driver_turn(AkDriver *d)
{
    bool wants_commit;
    int fault = 0;

    ak__driver_deliver(d);
    while (!fault) {
        fault = drain_all(d, &wants_commit);
        if (!fault && !wants_commit && !d->lazy_due)
            break;
        if (!fault && ak_store_is_open(d->store))
            fault = commit(d);
        d->lazy_due = false;
    }
    if (fault)
        undo(d, fault);
    if (ak_store_is_open(d->store))
        ak_timer_set(d->lazy_commit, LAZY_US);
    else
        ak_timer_clear(d->lazy_commit);
    clear_queue(d);
    ak__lanes_admit(d);
    serve_line(d);
    ak__driver_refill(d);
}

static void on_lazy_commit(void *owner)
{
    AkDriver *d = owner;

    d->lazy_due = true;
}

/* --- What the front asks for
 * ------------------------------------------------------------------------------ */

AkRunOptions ak_driver_run_options(const AkConfig *config)
{
    return (AkRunOptions){
        .turn_timeout_us = ak_config_number(config, "limits.turn") * AK_SECOND_US,
        .max_line = (size_t)ak_config_number(config, "limits.line"),
    };
}

AkDriver *ak_driver_new(AkLoop *loop, AkStore *store, const AkDriverOptions *options,
                        const AkFront *front, void *owner)
{
    AkDriver *d = calloc(1, sizeof *d);

    if (!d)
        return NULL;
    d->loop = loop;
    d->store = store;
    d->options = *options;
    if (!d->options.idle_us)
        d->options.idle_us = 30 * AK_SECOND_US;
    d->front = front;
    d->owner = owner;
    d->last_waiting = &d->first_waiting;
    d->last_running = &d->first_running;
    d->lost = true; /* those that a process before had under way */
    d->lazy_commit = ak_timer_new(loop, on_lazy_commit, d);
    d->due = ak_timer_new(loop, ak__driver_on_due, d);
    if (d->options.everyone)
        ak__driver_load_due(d, ak_loop_now().wall_us);
    if (ak_store_is_shared(store)) {
        ak_store_was_changed(store);
        d->watch = ak_timer_new(loop, ak__driver_on_watch, d);
        ak_timer_set(d->watch, AK_WATCH_US);
    }
    return d;
}

void ak_driver_free(AkDriver *d)
{
    if (!d)
        return;
    if (ak_store_is_open(d->store))
        ak_store_abort(d->store);
    ak__lanes_free(d);
    for (size_t b = 0; b < AK_LIVE_BUCKETS; b++)
        while (d->buckets[b])
            ak__live_free(d->buckets[b]);
    ak_timer_free(d->lazy_commit);
    ak_timer_free(d->due);
    ak_timer_free(d->watch);
    free(d->later);
    ak_text_free(&d->line);
    ak_text_free(&d->error);
    free(d->queue);
    free(d);
}

int ak__driver_fail(AkDriver *d, int fault)
{
    ak_text_clear(&d->error);
    ak_text_str(&d->error, ak_store_error(d->store));
    return fault;
}

int ak__live_create(AkDriver *d, const AkNewSession *new)
{
    int64_t now = ak_loop_now().wall_us;
    AkSession row = {.id = new->id,
                     .project_id = new->project_id,
                     .deployment_id = new->deployment_id,
                     .event_id = new->event_id,
                     .trigger_id = new->trigger_id,
                     .parent_id = new->parent_id,
                     .entry = new->entry,
                     .memo = new->memo,
                     .state = AK_STATE_CREATED,
                     .created_us = now,
                     .updated_us = now};
    int fault = ak_session_put(d->store, &row);

    if (fault)
        return fault;
    fault = ak_store_claim(d->store, new->id);
    if (fault)
        return fault;
    AkLive *live = ak__live_new(d, new->id, new->project_id, new->deployment_id, new->entry);
    if (!live)
        return AK_E_NOMEM;
    ak__lanes_join(live, new->trigger_id, new->parent_id, false);
    live->claimed = true;
    live->dirty = true;
    ak__live_weigh(live, strlen(new->event ? new->event : ""));
    ak__live_step(live, &(AkEvent){.kind = AK_EV_CREATE,
                                   .name = ak_bytes(new->entry),
                                   .args = ak_bytes(new->event),
                                   .seed = ak_bytes(new->seed),
                                   .dialect = ak_bytes(new->dialect),
                                   .parent = ak_bytes(new->parent_id),
                                   .text = ak_bytes(new->memo)});
    return 0;
}

int ak_driver_create(AkDriver *d, const AkNewSession *new)
{
    int fault = ak__driver_begin(d);

    if (!fault)
        fault = ak__live_create(d, new);
    ak_loop_hurry(d->loop);
    return fault ? ak__driver_fail(d, fault) : 0;
}

static int claim(AkDriver *d, const char *id, Claim how)
{
    const struct timespec pause = {0, 10 * 1000000};
    int fault = ak_store_claim(d->store, id);

    /* Who had it and was killed may have left a process behind that ends a little later. */
    for (int i = 0; fault == AK_E_BUSY && how == TO_RUN && i < 50; i++) {
        nanosleep(&pause, NULL);
        fault = ak_store_claim(d->store, id);
    }
    return fault == AK_E_BUSY && how == TO_STOP ? 1 : fault;
}

static int load(AkDriver *d, const char *id, Claim how)
{
    AkLive *live = ak__live_find(d, id);
    AkSession *row;

    if (live && live->run)
        return 0;
    int fault = ak_session_get(d->store, id, &row);
    if (fault)
        return ak__driver_fail(d, fault);
    if (row->state > AK_STATE_RUNNING) {
        free(row);
        return AK_E_ENDED;
    }
    int foreign = live && live->claimed ? 0 : claim(d, id, how);
    if (foreign < 0) {
        free(row);
        return ak__driver_fail(d, foreign);
    }
    /* One that was just forgotten is remembered again: the turn would drop it otherwise. */
    if (live) {
        live->ended = live->told = false;
        live->run = ak_run_new(&d->options.run, ak_bytes(live->id));
    } else {
        live = ak__live_new(d, row->id, row->project_id, row->deployment_id, row->entry);
    }
    if (live)
        ak__lanes_join(live, row->trigger_id, row->parent_id,
                       live->begun || row->state == AK_STATE_RUNNING);
    free(row);
    if (!live || !live->run)
        return AK_E_NOMEM;
    live->claimed = !foreign;
    fault = ak__live_feed_journal(live);
    if (!fault && live->run)
        fault = ak_mail_list(d->store, id, 0, ak__live_feed_mail, live);
    if (fault && fault != AK_E_STOPPED) {
        ak__driver_fail(d, fault);
        ak__live_refuse(live, fault, d->error.at);
    }
    ak_loop_hurry(d->loop);
    return 0;
}

int ak_driver_load(AkDriver *d, const char *id)
{
    return load(d, id, TO_RUN);
}

/* Read and ended in one transaction, so that whoever else runs it is either before or after. */
int ak_driver_stop(AkDriver *d, const char *id, const char *reason)
{
    ak_driver_turn(d);
    int fault = ak__driver_begin(d);
    if (!fault)
        fault = load(d, id, TO_STOP);
    AkLive *live = fault ? NULL : ak__live_find(d, id);

    if (live)
        ak__live_step(live, &(AkEvent){.kind = AK_EV_STOP, .text = ak_bytes(reason)});
    return fault;
}

void ak_driver_let_go(AkDriver *d, const char *id)
{
    AkLive *live = ak__live_find(d, id);

    if (live)
        ak__live_forget(live);
}

const char *ak_driver_error(const AkDriver *d)
{
    return d->error.at ? d->error.at : "";
}

void ak_driver_set_options(AkDriver *d, const AkDriverOptions *options)
{
    d->options.run = options->run;
    d->options.idle_us = options->idle_us;
    d->options.max_runners = options->max_runners;
}

size_t ak_driver_sessions(const AkDriver *d)
{
    return d->count;
}

size_t ak_driver_runners(const AkDriver *d)
{
    return d->runners;
}

size_t ak_driver_waiting(const AkDriver *d)
{
    return d->waiting + d->held;
}

size_t ak_driver_weight(const AkDriver *d)
{
    return d->weight;
}

void ak_driver_give_back(AkDriver *d)
{
    while (free_a_runner(d))
        ;
}

bool ak_driver_is_executing(const AkDriver *d)
{
    for (const AkLive *live = d->first_running; live; live = live->next_running)
        if (live->executing)
            return true;
    return false;
}

bool ak_driver_executes(const AkDriver *d, const char *id)
{
    const AkLive *live = ak__live_find((AkDriver *)d, id);

    return live && live->runner && live->executing;
}

bool ak_driver_has(const AkDriver *d, const char *id)
{
    const AkLive *live = ak__live_find((AkDriver *)d, id);

    return live && live->run;
}

int ak_driver_runner_pid(const AkDriver *d, const char *id)
{
    const AkLive *live = ak__live_find((AkDriver *)d, id);

    return live && live->runner ? ak_runner_pid(live->runner) : 0;
}

uint64_t ak_driver_commits(const AkDriver *d)
{
    return d->commits;
}
