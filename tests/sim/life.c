/* A world's life: who acts next, and what time brings. */
#define _GNU_SOURCE
#include "sim.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void outside_mail(World *world, Session *s)
{
    char name[16];
    if (below(world, 2)) {
        put_mail(world, s, AK_MAIL_SIGNAL, ak_bytes(below(world, 3) ? "go" : "other"),
                 ak_bytes("ses_x"), ak_bytes("{\"n\": 1}"));
    } else {
        snprintf(name, sizeof name, "sub_%d", 1 + below(world, s->subs + 1));
        put_mail(world, s, AK_MAIL_EVENT, ak_bytes(name), ak_bytes(""),
                 ak_bytes("{\"data\": {}}"));
    }
    uint64_t id = world->mail_id;
    if (below(world, 2))
        commit(world);
    if (s->run)
        tell_mail(world, s, id);
    else if (s->row.state <= AK_STATE_RUNNING && s->mail_len)
        open_session(world, s);
}

static bool alarm_is_due(const World *world, const Session *s)
{
    return s->run && ((s->alarm_wall && s->alarm_wall <= world->wall) ||
                      (s->alarm_mono && s->alarm_mono <= world->mono));
}

static void ring(World *world, Session *s)
{
    AkEvent event = {.kind = AK_EV_TIME};
    if (s->alarm_wall <= world->wall)
        s->alarm_wall = 0;
    if (s->alarm_mono <= world->mono)
        s->alarm_mono = 0;
    if (ak_run_state(s->run) == AK_STATE_RUNNING)
        step(world, s, s->run, &event, true);
}

static void stop_session(World *world, Session *s)
{
    if (!s->run)
        open_session(world, s);
    if (s->run && ak_run_state(s->run) == AK_STATE_RUNNING) {
        AkEvent event = {.kind = AK_EV_STOP, .text = ak_bytes("enough")};
        step(world, s, s->run, &event, true);
    }
}

void talk(World *world, Session *s)
{
    Said said;
    speak(world, s, &s->runner, &said);
    step(world, s, s->run, &said.event, true);
    /* The driver heard that another writes here: it gives up, and looks again. */
    if (s->tainted)
        drop_run(s);
}

static bool act(World *world, Session *s)
{
    if (do_next(world, s))
        return true;
    if (s->run && ak_run_has_runner(s->run) && has_words(s, &s->runner) && s->held_len < 32) {
        talk(world, s);
        return true;
    }
    if (s->run && ak_run_has_runner(s->run) && waits(&s->runner) && s->held_len < 32 &&
        s->unheard <= s->durable) {
        if (s->program.liar && below(world, 20) == 0) {
            talk(world, s);
            return true;
        }
        if (!s->program.base && below(world, 400) == 0) {
            /* A thread that outlived its call. */
            AkEvent event = {.kind = AK_EV_PRINT, .seq = 1, .text = ak_bytes("late")};
            step(world, s, s->run, &event, true);
            return true;
        }
    }
    if (alarm_is_due(world, s)) {
        ring(world, s);
        return true;
    }
    return false;
}

/* Nothing can happen until some time has passed. */
static bool pass_time(World *world)
{
    int64_t wait = INT64_MAX;
    for (int i = 0; i < world->len; i++) {
        const Session *s = &world->sessions[i];
        int64_t due = s->row.state <= AK_STATE_RUNNING && !s->run && s->row.due
                          ? s->row.due - world->wall
                          : INT64_MAX;
        if (s->run && s->alarm_wall && s->alarm_wall - world->wall < due)
            due = s->alarm_wall - world->wall;
        if (s->run && s->alarm_mono && s->alarm_mono - world->mono < due)
            due = s->alarm_mono - world->mono;
        if (due < wait)
            wait = due;
    }
    if (wait == INT64_MAX)
        return false;
    if (wait > 0) {
        world->wall += wait;
        world->mono += wait;
    }
    return true;
}

static bool all_ended(const World *world)
{
    for (int i = 0; i < world->len; i++)
        if (world->sessions[i].durable_row.state <= AK_STATE_RUNNING)
            return false;
    return true;
}

/* Everybody waits, and for nothing that time brings: mail, then. Or the end. */
static void rouse(World *world)
{
    for (int i = 0; i < world->len; i++) {
        Session *s = &world->sessions[i];
        if (s->row.state > AK_STATE_RUNNING)
            continue;
        AkWait wait = s->run ? ak_run_wait(s->run) : s->row.wait;
        if (wait != AK_WAIT_EVENT && wait != AK_WAIT_SIGNAL) {
            /* Who lies may have a call performed that it does not know of. */
            if (!s->program.liar)
                broke(world, s, ENDS_OR_WAITS, ak_wait_name(wait));
            stop_session(world, s);
            return;
        }
        if (below(world, 4))
            outside_mail(world, s);
        else
            stop_session(world, s);
        return;
    }
}

void live(World *world)
{
    int actions = 0;
    while (!all_ended(world) && !world->broken) {
        bool acted = false;
        if (++actions > ACTIONS_MAX) {
            broke(world, NULL, ENDS_OR_WAITS, "a world without end");
            return;
        }
        int64_t passes = 1 + below(world, 1000);
        world->wall += passes;
        world->mono += passes;
        if (fault_happens(world, 40)) {
            crash(world);
        } else if (fault_happens(world, 200)) {
            world->wall += below(world, 2) ? day : -day;
        }
        recover(world);
        int first = below(world, world->len);
        for (int i = 0; i < world->len && !world->broken; i++) {
            Session *s = &world->sessions[(first + i) % world->len];
            if (s->run && fault_happens(world, 60)) {
                acted |= lose_runner(world, s);
            } else if (s->run && ak_run_wait(s->run) && fault_happens(world, 20)) {
                lose_runner(world, s); /* the driver wants the memory */
                acted = true;
            } else if (s->row.state <= AK_STATE_RUNNING && fault_happens(world, 60)) {
                outside_mail(world, s);
                acted = true;
            } else if (s->row.state <= AK_STATE_RUNNING && fault_happens(world, 800)) {
                stop_session(world, s);
                acted = true;
            } else if (s->old && below(world, 4) == 0) {
                wake_old(world, s);
            }
            if (s->tainted && s->run)
                drop_run(s), acted = true;
            acted |= act(world, s);
            let_go(world, s);
        }
        if (world->dirty && (!acted || below(world, 3) == 0)) {
            if (fault_happens(world, 300))
                crash(
                    world); /* a commit that failed: everything since is dropped the same way */
            else
                commit(world);
            acted = true;
        }
        if (!acted && !pass_time(world))
            rouse(world);
    }
}
