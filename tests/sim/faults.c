/* Crashes, lost runners, an old server that wakes up; and what comes after. */
#define _GNU_SOURCE
#include "sim.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void drop_old(Session *s)
{
    ak_run_free(s->old);
    s->old = NULL;
}

/* The server is gone, and with it all that was not durable. Sometimes its process lives on,
 * does not know that another has taken over, and wakes up later. */
void crash(World *world)
{
    world->crashes++;
    if (tracing)
        printf("%lld crash\n", (long long)world->wall);
    for (int i = 0; i < world->len; i++) {
        Session *s = &world->sessions[i];
        if (!s->run)
            continue;
        if (!s->old && s->len == s->durable && !s->held_len &&
            s->runner.seq >= s->runner.promised && below(world, 8) == 0) {
            s->old = s->run;
            s->old_runner = s->runner;
            s->run = NULL;
        }
        drop_run(s);
        if (disk_lies && s->durable > 1)
            s->durable--;
    }
    roll_back(world);
}

/* The old server's runner says something, and the old server acts on it. */
void wake_old(World *world, Session *s)
{
    Said said;
    if (ak_run_state(s->old) != AK_STATE_RUNNING || world->dirty) {
        drop_old(s);
        return;
    }
    if (has_words(s, &s->old_runner) && s->old_runner.mode != LOADING && !s->program.liar) {
        Runner kept = s->runner;
        speak(world, s, &s->old_runner, &said);
        s->runner = kept;
        if (said.event.kind == AK_EV_RESULT || said.event.kind == AK_EV_DONE) {
            step(world, s, s->old, &said.event, false);
            if (world->dirty)
                commit(world);
        }
    }
    drop_old(s);
}

bool lose_runner(World *world, Session *s)
{
    if (!s->run || s->runner.mode == GONE || !ak_run_has_runner(s->run) ||
        s->unheard > s->durable)
        return false;
    world->losses++;
    s->runner.mode = GONE;
    /* What the engine has said to it and nobody has done yet is void. */
    size_t kept = 0;
    for (size_t i = 0; i < s->held_len; i++) {
        AkCommandKind kind = s->held[i].command.kind;
        if (kind == AK_CMD_RUN || kind == AK_CMD_EXECUTE || kind == AK_CMD_REPLY ||
            kind == AK_CMD_STACK || kind == AK_CMD_HISTORY) {
            if (kind == AK_CMD_REPLY && !is_aside(&s->held[i].command) &&
                s->held[i].needs <= s->durable)
                saw_reply(world, s, &s->held[i].command);
            free(s->held[i].bytes);
        } else {
            s->held[kept++] = s->held[i];
        }
    }
    s->held_len = kept;
    AkEvent event = {.kind = AK_EV_LOST, .text = ak_bytes("killed by signal 9")};
    step(world, s, s->run, &event, true);
    if (below(world, 10) == 0 && !ak_run_has_runner(s->run) &&
        ak_run_state(s->run) == AK_STATE_RUNNING)
        step(world, s, s->run, &event, true); /* heard twice */
    return true;
}

void recover(World *world)
{
    for (int i = 0; i < world->len && !world->broken; i++) {
        Session *s = &world->sessions[i];
        if (s->run || s->row.state > AK_STATE_RUNNING)
            continue;
        if (s->row.wait == AK_WAIT_NOTHING || s->mail_len ||
            (s->row.due && s->row.due <= world->wall))
            open_session(world, s);
    }
}

/* A run that has no runner and waits costs no memory; nor does one that has ended. */
void let_go(World *world, Session *s)
{
    if (!s->run || s->held_len || world->dirty || s->len != s->durable)
        return;
    if (ak_run_state(s->run) > AK_STATE_RUNNING)
        drop_run(s);
    else if (!ak_run_has_runner(s->run) && ak_run_wait(s->run) && below(world, 2))
        drop_run(s);
}
