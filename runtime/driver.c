#define _GNU_SOURCE
#include "driver.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "driver_session.h"
#include "killpoint.h"
#include "stack.h"

enum { LAZY_US = 2000, SECOND_US = 1000000, WATCH_US = 300000 };

typedef enum Claim { TO_RUN, TO_STOP } Claim;

static void on_watch(void *owner);
static void on_message(void *owner, const AkMessage *message);
static void on_broken(void *owner, const char *why);
static void on_stuck(void *owner, const char *stack);
static void on_output(void *owner, int stream, const char *text, size_t len);
static void on_stack(void *owner, const char *stack);
static void on_lost(void *owner, const char *how);
static const AkRunnerEvents runner_events = {on_message, on_broken, on_stuck,
                                             on_output,  on_stack,  on_lost};

/* --- Sessions in memory
 * ------------------------------------------------------------------------- */

static AkLive **bucket(AkDriver *d, const char *id)
{
    uint32_t hash = 2166136261u;

    for (; *id; id++)
        hash = (hash ^ (unsigned char)*id) * 16777619u;
    return &d->buckets[hash % AK_LIVE_BUCKETS];
}

AkLive *ak__live_find(AkDriver *d, const char *id)
{
    for (AkLive *live = *bucket(d, id); live; live = live->next)
        if (!strcmp(live->id, id))
            return live;
    return NULL;
}

static void enqueue(AkLive *live)
{
    AkDriver *d = live->driver;

    if (live->queued)
        return;
    if (d->queued == d->queue_room) {
        d->queue_room = d->queue_room ? d->queue_room * 2 : 64;
        d->queue = realloc(d->queue, d->queue_room * sizeof *d->queue);
        if (!d->queue)
            abort();
    }
    d->queue[d->queued++] = live;
    live->queued = true;
}

static void on_alarm(void *owner);
static void on_idle(void *owner);

static AkLive *live_new(AkDriver *d, const char *id, const char *project,
                        const char *deployment, const char *entry)
{
    AkLive *live = calloc(1, sizeof *live);

    if (!live)
        return NULL;
    snprintf(live->id, sizeof live->id, "%s", id);
    live->driver = d;
    live->project_id = strdup(project);
    live->deployment_id = strdup(deployment ? deployment : "");
    live->entry = strdup(entry);
    live->run = ak_run_new(&d->options.run, ak_bytes(live->id));
    live->out = ak_commands_new();
    live->alarm = ak_timer_new(d->loop, on_alarm, live);
    live->idle = ak_timer_new(d->loop, on_idle, live);
    AkLive **link = bucket(d, id);
    live->next = *link;
    *link = live;
    d->count++;
    return live;
}

static void leave_line(AkLive *live)
{
    AkDriver *d = live->driver;
    AkLive **link = &d->first_waiting;

    if (!live->waits_for_runner)
        return;
    while (*link != live)
        link = &(*link)->next_waiting;
    *link = live->next_waiting;
    if (!live->next_waiting)
        d->last_waiting = link;
    live->next_waiting = NULL;
    live->waits_for_runner = false;
    d->waiting--;
}

static void stand_in_line(AkLive *live)
{
    AkDriver *d = live->driver;

    if (live->waits_for_runner)
        return;
    *d->last_waiting = live;
    d->last_waiting = &live->next_waiting;
    live->waits_for_runner = true;
    d->waiting++;
}

/* Without its runner and its engine: what is left is a name that waits. */
static void live_clear(AkLive *live)
{
    leave_line(live);
    if (live->runner)
        ak_runner_end(live->runner);
    live->runner = NULL;
    live->executing = 0;
    ak_run_free(live->run);
    live->run = NULL;
    ak_commands_clear(live->out);
    live->done = 0;
    live->dirty = live->lazy = live->mail_waits = false;
    live->owes = 0;
    ak_text_clear(&live->shows);
    ak_timer_clear(live->alarm);
    ak_timer_clear(live->idle);
    live->alarm_wall = live->alarm_mono = live->armed_mono = 0;
}

static void live_free(AkLive *live)
{
    AkLive **link = bucket(live->driver, live->id);

    while (*link != live)
        link = &(*link)->next;
    *link = live->next;
    live->driver->count--;
    live_clear(live);
    if (live->claimed)
        ak_store_release(live->driver->store, live->id);
    ak_commands_free(live->out);
    ak_timer_free(live->alarm);
    ak_timer_free(live->idle);
    ak_text_free(&live->value);
    ak_text_free(&live->error);
    ak_text_free(&live->shows);
    free(live->project_id);
    free(live->deployment_id);
    free(live->entry);
    free(live);
}

/* The store alone remembers it. Freed by the turn, which may stand in a loop over its queue. */
static void forget(AkLive *live)
{
    live_clear(live);
    live->ended = live->told = true;
    enqueue(live);
    ak_loop_hurry(live->driver->loop);
}

/* The journal of this session cannot be followed: it stays as it is, and somebody is told. */
static void refuse(AkLive *live, int fault, const char *words)
{
    AkDriver *d = live->driver;
    char id[64], kept[1024];

    snprintf(id, sizeof id, "%s", live->id);
    snprintf(kept, sizeof kept, "%s", words);
    forget(live);
    if (d->front->refused)
        d->front->refused(d->owner, id, fault, kept);
}

/* Requests and loads are answered to the engine before anything else is told. Until the turn
 * does them, mail and alarms are held back. */
static void note_debts(AkLive *live, size_t from)
{
    for (size_t i = from; i < ak_commands_count(live->out); i++) {
        AkCommandKind kind = ak_commands_at(live->out, i)->kind;
        if (kind == AK_CMD_REQUEST || kind == AK_CMD_LOAD)
            live->owes++;
    }
}

bool ak__live_step(AkLive *live, const AkEvent *event)
{
    if (!live->run)
        return false;
    size_t before = ak_commands_count(live->out);
    int fault = ak_run_step(live->run, ak_loop_now(), event, live->out);
    if (fault == 0) {
        note_debts(live, before);
        enqueue(live);
        return true;
    }
    /* The last words of a runner that is being ended. */
    if (fault == AK_E_ENDED)
        return true;
    assert(fault != AK_E_MISUSE);
    refuse(live, fault, ak_run_error(live->run));
    return false;
}

/* --- What the runner says
 * ------------------------------------------------------------------------- */

static void on_message(void *owner, const AkMessage *message)
{
    AkLive *live = owner;
    AkEvent event = {0};

    AK_KILL_POINT(ak_runner_pid(live->runner));
    if (message->kind == AK_MSG_MODULE)
        live->proto = message->proto;
    if (message->kind == AK_MSG_DONE)
        live->said_done = true;
    if (message->kind == AK_MSG_RESPONSE)
        live->executing = 0;
    if (ak_message_event(message, &event) == 0)
        ak__live_step(live, &event);
    AK_KILL_POINT(live->runner ? ak_runner_pid(live->runner) : 0);
}

static void on_broken(void *owner, const char *why)
{
    AkLive *live = owner;

    live->runner = NULL;
    ak__live_step(live, &(AkEvent){.kind = AK_EV_BROKEN, .text = ak_bytes(why)});
}

static void on_lost(void *owner, const char *how)
{
    AkLive *live = owner;

    live->runner = NULL;
    ak__live_step(live, &(AkEvent){.kind = AK_EV_LOST, .text = ak_bytes(how)});
}

static AkEvent stack_event(AkEventKind kind, const char *stack, AkStackLine *line)
{
    AkEvent event = {.kind = kind, .text = ak_bytes(stack)};

    if (ak_stack_user_line(stack, line)) {
        event.file = ak_bytes(line->file);
        event.func = ak_bytes(line->func);
        event.line = line->line;
    }
    return event;
}

static void on_stack(void *owner, const char *stack)
{
    AkLive *live = owner;
    AkStackLine line;
    AkEvent event = stack_event(AK_EV_STACK, stack, &line);

    ak__live_step(live, &event);
}

/* The modules did not come up in time: told as an error of loading, as trying again would only
 * take as long again. */
static void on_stuck(void *owner, const char *stack)
{
    AkLive *live = owner;
    AkStackLine line;
    char error[1024];

    live->runner = NULL;
    if (ak_stack_user_line(stack, &line))
        snprintf(error, sizeof error,
                 "{\"type\": \"TimeoutError\", \"kind\": \"load\", \"message\": \"loading took "
                 "too long; "
                 "it stood at %.300s:%llu\", \"traceback\": []}",
                 line.file, (unsigned long long)line.line);
    else
        snprintf(error, sizeof error,
                 "{\"type\": \"TimeoutError\", \"kind\": \"load\", \"message\": \"loading took "
                 "too long\", "
                 "\"traceback\": []}");
    ak__live_step(live, &(AkEvent){.kind = AK_EV_MODULE, .error = ak_bytes(error)});
}

/* Output of C code and of processes that the program starts. Inside a recorded call it is
 * recorded with it; elsewhere it is shown and forgotten, as it comes again with every replay.
 */
static void on_output(void *owner, int stream, const char *text, size_t len)
{
    AkLive *live = owner;
    AkDriver *d = live->driver;
    AkStream from = stream == 2 ? AK_STREAM_STDERR : AK_STREAM_STDOUT;

    if (live->run && live->executing)
        ak__live_step(live, &(AkEvent){.kind = AK_EV_PRINT,
                                       .seq = live->executing,
                                       .stream = from,
                                       .text = {text, len}});
    else if (d->front->show)
        d->front->show(d->owner, live->id, from, (AkBytes){text, len});
}

/* --- Commands inside the transaction
 * --------------------------------------------------------------- */

static int journal(AkLive *live, const AkCommand *c)
{
    AkEntry entry = {c->value, c->sum};

    AK_KILL_POINT(live->runner ? ak_runner_pid(live->runner) : 0);
    int fault = ak_journal_append(live->driver->store, live->id, c->number, &entry, 1);
    AK_KILL_POINT(live->runner ? ak_runner_pid(live->runner) : 0);
    return fault;
}

static char *text_of(AkBytes bytes)
{
    return bytes.at ? strndup(bytes.at, bytes.len) : NULL;
}

int ak__live_mail(AkDriver *d, const AkMail *mail)
{
    uint64_t id;
    int fault = ak_mail_put(d->store, mail, &id);
    AkLive *live = fault ? NULL : ak__live_find(d, mail->session_id);

    if (fault || !live)
        return fault;
    if (!live->run)
        return ak_driver_load(d, mail->session_id); /* which reads the whole inbox */
    if (live->owes) {
        live->mail_waits = true;
        enqueue(live);
        return 0;
    }
    ak__live_step(live, &(AkEvent){.kind = AK_EV_MAIL,
                                   .mail = id,
                                   .mail_kind = mail->kind,
                                   .name = ak_bytes(mail->name),
                                   .from = ak_bytes(mail->from),
                                   .value = ak_bytes(mail->value)});
    return 0;
}

static int send_mail(AkLive *live, const AkCommand *c)
{
    char *to = text_of(c->to), *name = text_of(c->name), *from = text_of(c->from),
         *value = text_of(c->value);
    AkMail mail = {.session_id = to,
                   .kind = c->mail_kind,
                   .name = name,
                   .from = from,
                   .value = value,
                   .created_us = ak_loop_now().wall_us};
    int fault = ak__live_mail(live->driver, &mail);

    free(to);
    free(name);
    free(from);
    free(value);
    /* Whoever was to hear of it has ended or was deleted: nobody is left to mind. */
    return fault == AK_E_ENDED || fault == AK_E_ABSENT || fault == AK_E_FULL ? 0 : fault;
}

static int take_mail(AkLive *live, uint64_t mail)
{
    int fault = ak_mail_take(live->driver->store, live->id, mail);

    return fault == AK_E_ABSENT ? 0 : fault; /* went with its subscription */
}

static void set_due(AkDriver *d, int64_t due_us)
{
    if (!due_us || (d->due_at && d->due_at <= due_us))
        return;
    d->due_at = due_us;
    ak_timer_set(d->due, due_us - ak_loop_now().wall_us);
}

static int wait_for(AkLive *live, const AkCommand *c)
{
    AkDriver *d = live->driver;

    live->due_us = c->due_us;
    if (c->wait == AK_WAIT_NOTHING)
        ak_timer_clear(live->idle);
    else
        ak_timer_set(live->idle, d->options.idle_us);
    if (d->front->wait)
        d->front->wait(d->owner, live->id, c->wait, c->text, c->since_us, c->due_us);
    return ak_session_wait(d->store, live->id, c->wait, c->seq, c->text, c->since_us,
                           c->due_us);
}

static int finish(AkLive *live, const AkCommand *c)
{
    live->state = c->state;
    ak_text_bytes(&live->value, c->value);
    ak_text_bytes(&live->error, c->error);
    live->ended = true;
    return ak_session_finish(live->driver->store, live->id, c->state, c->value, c->error,
                             c->at_us);
}

typedef struct Feed {
    AkLive *live;
    uint64_t count;
} Feed;

static int feed_record(void *payload, uint64_t number, AkBytes bytes)
{
    Feed *feed = payload;

    (void)number;
    feed->count++;
    return ak__live_step(feed->live, &(AkEvent){.kind = AK_EV_RECORD, .value = bytes}) ? 0 : 1;
}

/* Every record from the start, and what the store acknowledged: a lost end is seen by the
 * length. */
static int feed_journal(AkLive *live)
{
    AkDriver *d = live->driver;
    AkSession *row;
    Feed feed = {live, 0};
    int fault = ak_session_get(d->store, live->id, &row);

    if (fault)
        return fault;
    AkEvent loaded = {.kind = AK_EV_LOADED, .number = row->length, .sum = row->sum};
    free(row);
    fault = ak_journal_read(d->store, live->id, 0, feed_record, &feed);
    if (fault == AK_E_STOPPED)
        return 0; /* the engine refused a record and has said so */
    if (fault)
        return fault;
    ak__live_step(live, &loaded);
    return 0;
}

static int feed_mail(void *payload, const AkMail *mail)
{
    AkLive *live = payload;

    return ak__live_step(live, &(AkEvent){.kind = AK_EV_MAIL,
                                          .mail = mail->id,
                                          .mail_kind = mail->kind,
                                          .name = ak_bytes(mail->name),
                                          .from = ak_bytes(mail->from),
                                          .value = ak_bytes(mail->value)})
               ? 0
               : 1;
}

static int do_inside(AkLive *live, const AkCommand *c)
{
    switch (c->kind) {
    case AK_CMD_REQUEST: return ak__request(live, c);
    case AK_CMD_SEND: return send_mail(live, c);
    case AK_CMD_TAKE: return take_mail(live, c->mail);
    case AK_CMD_WAIT: return wait_for(live, c);
    case AK_CMD_FINISH: return finish(live, c);
    case AK_CMD_LOAD: return feed_journal(live);
    case AK_CMD_JOURNAL: return journal(live, c);
    default: assert(0 && "an inside command that nobody knows"); return AK_E_MISUSE;
    }
}

/* --- Commands outside
 * -------------------------------------------------------------------------------- */

static void spawn_now(AkLive *live)
{
    AkDriver *d = live->driver;
    char why[512] = "";
    AkHost *host = d->front->host(d->owner, live->deployment_id, live->entry, why, sizeof why);

    live->said_done = false;
    live->executing = 0;
    live->proto = 0;
    live->runner = host ? ak_runner_start(host, live->entry, &runner_events, live) : NULL;
    if (live->runner)
        return;
    if (host)
        snprintf(why, sizeof why, "no process could be made: %s", strerror(errno));
    ak__live_step(live, &(AkEvent){.kind = AK_EV_LOST, .text = ak_bytes(why)});
}

static void spawn(AkLive *live)
{
    AkDriver *d = live->driver;

    /* A session that is loaded only to be stopped needs no process. */
    for (size_t i = live->done + 1; i < ak_commands_count(live->out); i++)
        if (ak_commands_at(live->out, i)->kind == AK_CMD_KILL)
            return;
    if (d->options.max_runners &&
        (d->waiting || ak_driver_runners(d) >= d->options.max_runners))
        stand_in_line(live);
    else
        spawn_now(live);
}

static void send_line(AkLive *live, const AkCommand *c)
{
    AkText *line = &live->driver->line;

    if (!live->runner)
        return;
    ak_text_clear(line);
    if (ak_command_line(c, live->proto, ak_bytes(live->id), line) < 0 || line->failed)
        return;
    if (c->kind == AK_CMD_EXECUTE)
        live->executing = c->seq;
    AK_KILL_POINT(ak_runner_pid(live->runner));
    ak_runner_send(live->runner, line->at, line->len);
    AK_KILL_POINT(ak_runner_pid(live->runner));
}

/* The engine sets its alarm anew with every turn of the program, and seldom needs it: the timer
 * is touched only when it would come too late. */
static void set_alarm(AkLive *live, int64_t wall_us, int64_t mono_us)
{
    AkNow now = ak_loop_now();
    int64_t at = mono_us;

    live->alarm_wall = wall_us;
    live->alarm_mono = mono_us;
    if (wall_us && (!at || now.mono_us + (wall_us - now.wall_us) < at))
        at = now.mono_us + (wall_us - now.wall_us);
    if (!at || (live->armed_mono && live->armed_mono <= at))
        return;
    live->armed_mono = at;
    /* The wall clock may jump: look again at least every minute. */
    int64_t wait = at - now.mono_us;
    ak_timer_set(live->alarm, wait > 60 * SECOND_US && wall_us ? 60 * SECOND_US : wait);
}

static void on_alarm(void *owner)
{
    AkLive *live = owner;
    AkNow now = ak_loop_now();

    live->armed_mono = 0;
    if (live->owes) {
        live->armed_mono = now.mono_us + 1000;
        ak_timer_set(live->alarm, 1000);
    } else if ((live->alarm_wall && now.wall_us >= live->alarm_wall) ||
               (live->alarm_mono && now.mono_us >= live->alarm_mono)) {
        live->alarm_wall = live->alarm_mono = 0;
        ak__live_step(live, &(AkEvent){.kind = AK_EV_TIME});
    } else {
        set_alarm(live, live->alarm_wall, live->alarm_mono);
    }
}

static void on_late(void *owner, const char *id, int stream, const char *text, size_t len)
{
    AkDriver *d = owner;

    if (d->front->show)
        d->front->show(d->owner, id, stream == 2 ? AK_STREAM_STDERR : AK_STREAM_STDOUT,
                       (AkBytes){text, len});
}

static void end_runner(AkLive *live)
{
    leave_line(live);
    if (!live->runner)
        return;
    if (live->said_done)
        ak_runner_finish(live->runner, on_late, live->driver, live->id);
    else
        ak_runner_end(live->runner);
    live->runner = NULL;
    live->executing = 0;
}

static void show(AkLive *live, const AkCommand *c)
{
    const AkFront *front = live->driver->front;

    if (front->show)
        front->show(live->driver->owner, live->id, c->stream, c->text);
}

/* A print is seen when its record is durable; it holds up nothing that comes after it. */
static void show_later(AkLive *live, const AkCommand *c)
{
    uint32_t head[2] = {(uint32_t)c->stream, (uint32_t)c->text.len};

    ak_text_add(&live->shows, head, sizeof head);
    ak_text_bytes(&live->shows, c->text);
}

static void show_now(AkLive *live)
{
    const AkFront *front = live->driver->front;

    for (size_t at = 0; at < live->shows.len;) {
        uint32_t head[2];
        memcpy(head, live->shows.at + at, sizeof head);
        at += sizeof head;
        if (front->show)
            front->show(live->driver->owner, live->id, (AkStream)head[0],
                        (AkBytes){live->shows.at + at, head[1]});
        at += head[1];
    }
    ak_text_clear(&live->shows);
}

static void do_outside(AkLive *live, const AkCommand *c)
{
    const AkFront *front = live->driver->front;

    switch (c->kind) {
    case AK_CMD_SPAWN: spawn(live); break;
    case AK_CMD_RUN:
    case AK_CMD_HISTORY:
    case AK_CMD_EXECUTE:
    case AK_CMD_REPLY: send_line(live, c); break;
    case AK_CMD_SHOW: show(live, c); break;
    case AK_CMD_NOTE:
        if (front->note)
            front->note(live->driver->owner, live->id, c->text);
        break;
    case AK_CMD_ALARM: set_alarm(live, c->wall_us, c->mono_us); break;
    case AK_CMD_STACK:
        if (live->runner)
            ak_runner_ask_stack(live->runner);
        break;
    case AK_CMD_KILL: end_runner(live); break;
    default: assert(0 && "an outside command that nobody knows");
    }
}

/* --- The turn
 * ------------------------------------------------------------------------------------------ */

static int begin(AkDriver *d)
{
    return ak_store_is_open(d->store) ? 0 : ak_store_begin(d->store);
}

/* Does commands until one has to wait for the commit. 0 or the store's fault. */
static int drain(AkLive *live)
{
    while (live->run && live->done < ak_commands_count(live->out)) {
        AkCommand c = *ak_commands_at(live->out, live->done);

        if (ak_command_is_inside(c.kind)) {
            int fault = begin(live->driver);
            if (c.kind == AK_CMD_JOURNAL && !c.lazy)
                live->dirty = true;
            else
                live->lazy = true; /* rides with the next commit; nothing waits for it */
            if (!fault)
                fault = do_inside(live, &c);
            if (live->owes && (c.kind == AK_CMD_REQUEST || c.kind == AK_CMD_LOAD))
                live->owes--;
            if (fault)
                return fault;
        } else if (c.kind == AK_CMD_SHOW && (live->dirty || live->lazy || live->shows.len)) {
            show_later(live, &c);
        } else if (live->dirty && c.kind != AK_CMD_REPLY) {
            return 0;
        } else {
            do_outside(live, &c);
        }
        live->done++;
    }
    ak_commands_clear(live->out);
    live->done = 0;
    if (!live->run || !live->mail_waits)
        return 0;
    /* What it has seen already the engine passes over. */
    live->mail_waits = false;
    int fault = ak_mail_list(live->driver->store, live->id, 0, feed_mail, live);
    return fault == AK_E_STOPPED ? 0 : fault;
}

static bool taken_away(AkLive *live);

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
            forget(live);
            continue;
        }
        if (taken_away(live) || !part)
            continue;
        live_clear(live);
        if (ak_driver_load(d, live->id) < 0)
            forget(live);
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
            forget(d->queue[i]);
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
        d->queue[i]->dirty = d->queue[i]->lazy = false;
        show_now(d->queue[i]);
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
        if (live->lazy) {
            d->queue[kept++] = live;
        } else if (live->ended) {
            tell_end(live);
            live_free(live);
        }
    }
    d->queued = kept;
}

/* While others stand in line, a session that only waits gives its process back at once. */
static bool free_a_runner(AkDriver *d)
{
    for (size_t b = 0; b < AK_LIVE_BUCKETS; b++)
        for (AkLive *live = d->buckets[b]; live; live = live->next)
            if (live->runner && live->run && !live->dirty && !live->lazy && !live->queued &&
                ak_run_wait(live->run) != AK_WAIT_NOTHING) {
                on_idle(live);
                return true;
            }
    return false;
}

static void serve_line(AkDriver *d)
{
    size_t running = d->waiting ? ak_driver_runners(d) : 0;

    while (d->waiting) {
        if (running >= d->options.max_runners) {
            if (!free_a_runner(d))
                return;
            running--;
        }
        AkLive *live = d->first_waiting;
        leave_line(live);
        spawn_now(live);
        running++;
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
    serve_line(d);
}

static void on_lazy_commit(void *owner)
{
    AkDriver *d = owner;

    d->lazy_due = true;
}

/* --- Parking: a session that waits gives its process and its memory back
 * --------------------------------- */

static void on_idle(void *owner)
{
    AkLive *live = owner;
    AkDriver *d = live->driver;

    if (!live->run || live->dirty || live->lazy || ak_run_wait(live->run) == AK_WAIT_NOTHING)
        return;
    set_due(d, live->due_us);
    if (d->options.everyone)
        forget(live);
    else
        live_clear(live);
}

/* --- Others who share the store
 * ------------------------------------------------------------------------------------ */

/* Another process has ended it, deleted it, or taken it over: it is not ours any more. */
static bool taken_away(AkLive *live)
{
    AkDriver *d = live->driver;
    AkSession *row;
    int fault = ak_session_get(d->store, live->id, &row);

    if (fault == AK_E_ABSENT)
        refuse(live, AK_E_FENCE, "it was deleted");
    if (fault)
        return fault == AK_E_ABSENT;
    bool ended = row->state > AK_STATE_RUNNING;
    bool other = ended || (live->run && row->length > ak_run_length(live->run));
    if (ended) {
        forget(live);
        live->told = false;
        live->state = row->state;
        ak_text_bytes(&live->value, ak_bytes(row->value));
        ak_text_bytes(&live->error, ak_bytes(row->error));
    } else if (other) {
        refuse(live, AK_E_FENCE, "somebody else writes to its journal");
    }
    free(row);
    return other;
}

static void look_at_mail(AkLive *live)
{
    live->mail_waits = true;
    enqueue(live);
}

static void on_watch(void *owner)
{
    AkDriver *d = owner;

    ak_timer_set(d->watch, WATCH_US);
    if (ak_store_is_open(d->store) || !ak_store_was_changed(d->store))
        return;
    for (size_t b = 0; b < AK_LIVE_BUCKETS; b++)
        for (AkLive *live = d->buckets[b]; live; live = live->next)
            if (!live->ended && !taken_away(live)) {
                if (live->run)
                    look_at_mail(live);
                else
                    ak_driver_load(d, live->id);
            }
    ak_loop_hurry(d->loop);
}

typedef struct Names {
    char (*ids)[64];
    size_t len, room;
} Names;

static int note_name(void *payload, const AkSession *session)
{
    Names *names = payload;

    if (names->len == names->room) {
        names->room = names->room ? names->room * 2 : 64;
        names->ids = realloc(names->ids, names->room * sizeof *names->ids);
        if (!names->ids)
            abort();
    }
    snprintf(names->ids[names->len++], sizeof *names->ids, "%s", session->id);
    return 0;
}

/* Sessions of the store whose time has come. What is loaded is no longer "due" only when its
 * journal says so: the first look at a store finds all that were running. */
static void load_due(AkDriver *d, int64_t now)
{
    Names names = {0};

    int fault = ak_session_due(d->store, now, 0, note_name, &names);
    /* Mail that the server before put, and did not live to tell. */
    if (!fault && !d->commits)
        fault = ak_session_with_mail(d->store, note_name, &names);
    if (!fault)
        for (size_t i = 0; i < names.len; i++)
            ak_driver_load(d, names.ids[i]);
    free(names.ids);
    set_due(d, ak_session_next_due(d->store, now));
}

static void load_parked(AkDriver *d, int64_t now)
{
    for (size_t b = 0; b < AK_LIVE_BUCKETS; b++)
        for (AkLive *live = d->buckets[b]; live; live = live->next) {
            if (live->run || live->ended || !live->due_us)
                continue;
            if (live->due_us <= now)
                ak_driver_load(d, live->id);
            else
                set_due(d, live->due_us);
        }
}

static void on_due(void *owner)
{
    AkDriver *d = owner;
    int64_t now = ak_loop_now().wall_us;

    d->due_at = 0;
    load_parked(d, now);
    if (d->options.everyone)
        load_due(d, now);
}

/* --- What the front asks for
 * ------------------------------------------------------------------------------ */

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
        d->options.idle_us = 30 * SECOND_US;
    d->front = front;
    d->owner = owner;
    d->last_waiting = &d->first_waiting;
    d->lazy_commit = ak_timer_new(loop, on_lazy_commit, d);
    d->due = ak_timer_new(loop, on_due, d);
    if (d->options.everyone)
        load_due(d, ak_loop_now().wall_us);
    if (ak_store_is_shared(store)) {
        ak_store_was_changed(store);
        d->watch = ak_timer_new(loop, on_watch, d);
        ak_timer_set(d->watch, WATCH_US);
    }
    return d;
}

void ak_driver_free(AkDriver *d)
{
    if (!d)
        return;
    if (ak_store_is_open(d->store))
        ak_store_abort(d->store);
    for (size_t b = 0; b < AK_LIVE_BUCKETS; b++)
        while (d->buckets[b])
            live_free(d->buckets[b]);
    ak_timer_free(d->lazy_commit);
    ak_timer_free(d->due);
    ak_timer_free(d->watch);
    ak_text_free(&d->line);
    ak_text_free(&d->error);
    free(d->queue);
    free(d);
}

static int fail(AkDriver *d, int fault)
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
    AkLive *live = live_new(d, new->id, new->project_id, new->deployment_id, new->entry);
    if (!live)
        return AK_E_NOMEM;
    live->claimed = true;
    live->dirty = true;
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
    int fault = begin(d);

    if (!fault)
        fault = ak__live_create(d, new);
    ak_loop_hurry(d->loop);
    return fault ? fail(d, fault) : 0;
}

static int claim(AkDriver *d, const char *id, Claim how)
{
    int fault = ak_store_claim(d->store, id);

    if (fault == AK_E_BUSY && how == TO_STOP)
        return 1;
    return fault;
}

static int load(AkDriver *d, const char *id, Claim how)
{
    AkLive *live = ak__live_find(d, id);
    AkSession *row;

    if (live && live->run)
        return 0;
    int fault = ak_session_get(d->store, id, &row);
    if (fault)
        return fail(d, fault);
    if (row->state > AK_STATE_RUNNING) {
        free(row);
        return AK_E_ENDED;
    }
    int foreign = live && live->claimed ? 0 : claim(d, id, how);
    if (foreign < 0) {
        free(row);
        return fail(d, foreign);
    }
    /* One that was just forgotten is remembered again: the turn would drop it otherwise. */
    if (live) {
        live->ended = live->told = false;
        live->run = ak_run_new(&d->options.run, ak_bytes(live->id));
    } else {
        live = live_new(d, row->id, row->project_id, row->deployment_id, row->entry);
    }
    free(row);
    if (!live || !live->run)
        return AK_E_NOMEM;
    live->claimed = !foreign;
    fault = feed_journal(live);
    if (!fault && live->run)
        fault = ak_mail_list(d->store, id, 0, feed_mail, live);
    if (fault && fault != AK_E_STOPPED) {
        fail(d, fault);
        refuse(live, fault, d->error.at);
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
    int fault = begin(d);
    if (!fault)
        fault = load(d, id, TO_STOP);
    AkLive *live = fault ? NULL : ak__live_find(d, id);

    if (live)
        ak__live_step(live, &(AkEvent){.kind = AK_EV_STOP, .text = ak_bytes(reason)});
    return fault;
}

int ak_driver_mail(AkDriver *d, const AkMail *mail)
{
    int fault = begin(d);

    if (!fault)
        fault = ak__live_mail(d, mail);
    /* Nobody may be awake to ask for the commit. */
    d->lazy_due = true;
    ak_loop_hurry(d->loop);
    return fault ? fail(d, fault) : 0;
}

void ak_driver_let_go(AkDriver *d, const char *id)
{
    AkLive *live = ak__live_find(d, id);

    if (live)
        forget(live);
}

const char *ak_driver_error(const AkDriver *d)
{
    return d->error.at ? d->error.at : "";
}

size_t ak_driver_sessions(const AkDriver *d)
{
    return d->count;
}

size_t ak_driver_runners(const AkDriver *d)
{
    size_t n = 0;

    for (size_t b = 0; b < AK_LIVE_BUCKETS; b++)
        for (const AkLive *live = d->buckets[b]; live; live = live->next)
            n += live->runner != NULL;
    return n;
}

size_t ak_driver_waiting(const AkDriver *d)
{
    return d->waiting;
}

bool ak_driver_is_executing(const AkDriver *d)
{
    for (size_t b = 0; b < AK_LIVE_BUCKETS; b++)
        for (const AkLive *live = d->buckets[b]; live; live = live->next)
            if (live->runner && live->executing)
                return true;
    return false;
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
