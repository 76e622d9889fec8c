/* A session and its runner: what the runner says goes to the engine, what the engine wants of
 * others goes out. All that outsiders can see is done here, after the commit. */
#define _GNU_SOURCE
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "driver_session.h"
#include "killpoint.h"
#include "stack.h"

static void on_message(void *owner, const AkMessage *message);
static void on_broken(void *owner, const char *why);
static void on_stuck(void *owner, const char *stack);
static void on_output(void *owner, int stream, const char *text, size_t len);
static void on_stack(void *owner, const char *stack);
static void on_lost(void *owner, const char *how);
static const AkRunnerEvents runner_events = {on_message, on_broken, on_stuck,
                                             on_output,  on_stack,  on_lost};

/* --- What the runner says
 * ------------------------------------------------------------------------- */

static void executed(AkLive *live)
{
    AkDriver *d = live->driver;

    if (live->executing && d->front->executed)
        d->front->executed(d->owner, live->id, ak_loop_now().mono_us - live->executing_since);
    live->executing = 0;
}

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
        executed(live);
    if (ak_message_event(message, &event) == 0)
        ak__live_step(live, &event);
    AK_KILL_POINT(live->runner ? ak_runner_pid(live->runner) : 0);
}

static void on_broken(void *owner, const char *why)
{
    AkLive *live = owner;

    ak__live_set_runner(live, NULL);
    ak__live_step(live, &(AkEvent){.kind = AK_EV_BROKEN, .text = ak_bytes(why)});
}

static void on_lost(void *owner, const char *how)
{
    AkLive *live = owner;

    ak__live_set_runner(live, NULL);
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

    ak__live_set_runner(live, NULL);
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

/* --- Commands outside the transaction
 * -------------------------------------------------------------------------------- */

void ak__live_spawn(AkLive *live)
{
    AkDriver *d = live->driver;
    char why[512] = "";
    AkHost *host = d->front->host(d->owner, live->deployment_id, live->entry, why, sizeof why);

    live->said_done = false;
    live->executing = 0;
    live->proto = 0;
    ak__live_set_coming(live, false);
    ak__live_set_runner(live,
                        host ? ak_runner_start(host, live->entry, &runner_events, live) : NULL);
    if (live->runner)
        return;
    if (host)
        snprintf(why, sizeof why, "no process could be made: %s", strerror(errno));
    ak__live_step(live, &(AkEvent){.kind = AK_EV_LOST, .text = ak_bytes(why)});
}

void ak__live_spawn_soon(AkLive *live)
{
    AkDriver *d = live->driver;

    if (d->options.max_runners && (d->waiting || d->runners >= d->options.max_runners))
        ak__live_stand_in_line(live);
    else
        ak__live_spawn(live);
}

static void spawn(AkLive *live)
{
    /* A session that is loaded only to be stopped needs no process. */
    for (size_t i = live->done + 1; i < ak_commands_count(live->out); i++)
        if (ak_commands_at(live->out, i)->kind == AK_CMD_KILL)
            return;
    if (ak__lanes_enter(live))
        ak__live_spawn_soon(live);
}

static void send_line(AkLive *live, const AkCommand *c)
{
    AkText *line = &live->driver->line;

    if (!live->runner)
        return;
    ak_text_clear(line);
    if (ak_command_line(c, live->proto, ak_bytes(live->id), line) < 0 || line->failed)
        return;
    if (c->kind == AK_CMD_EXECUTE) {
        live->executing = c->seq;
        live->executing_since = ak_loop_now().mono_us;
    }
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
    if (wall_us && at > now.mono_us + AK_CLOCK_US)
        at = now.mono_us + AK_CLOCK_US;
    if (!at || (live->armed_mono && live->armed_mono <= at))
        return;
    live->armed_mono = at;
    ak_timer_set(live->alarm, at - now.mono_us);
}

void ak__live_on_alarm(void *owner)
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
    ak__live_leave_line(live);
    if (!live->runner)
        return;
    if (live->said_done)
        ak_runner_finish(live->runner, on_late, live->driver, live->id);
    else
        ak_runner_end(live->runner);
    ak__live_set_runner(live, NULL);
    live->executing = 0;
}

static void show(AkLive *live, const AkCommand *c)
{
    const AkFront *front = live->driver->front;

    if (front->show)
        front->show(live->driver->owner, live->id, c->stream, c->text);
}

/* A print is seen when its record is durable; it holds up nothing that comes after it. */
void ak__live_show_later(AkLive *live, const AkCommand *c)
{
    uint32_t head[2] = {(uint32_t)c->stream, (uint32_t)c->text.len};

    ak_text_add(&live->shows, head, sizeof head);
    ak_text_bytes(&live->shows, c->text);
}

void ak__live_show(AkLive *live)
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

void ak__live_outside(AkLive *live, const AkCommand *c)
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
