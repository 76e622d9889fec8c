/* A world of chance: its dice, and the programs that they make. */
#define _GNU_SOURCE
#include "sim.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const names[] = {
    [NO_HOLES] = "journal numbers have no holes and the chain holds",
    [SAME_VALUE] = "a value once replied never changes",
    [NOT_EXECUTED_AGAIN] = "a call with a record is never executed again",
    [ENDED_TAKES_NOTHING] = "a finished session takes no event",
    [ONE_OWNER] = "two owners never append to one session",
    [ENDS_OR_WAITS] = "every session ends or waits for something named",
    [DURABLE_BEFORE_SEEN] = "what is seen outside is durable",
    [MAIL_ONCE] = "mail is taken once, and none is lost",
    [PRINTS_ONCE] = "the journal holds each print of workflow code once",
    [SAME_PROGRAM] = "the journal is what the program does",
    [NO_FAULT] = "the engine takes every event it has to take",
    [SLEEPS_LONG_ENOUGH] = "a sleep is not shorter than asked for",
};

uint64_t draw(World *world)
{
    uint64_t x = world->random;
    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    world->random = x;
    return x * UINT64_C(0x2545F4914F6CDD1D);
}

int below(World *world, int n)
{
    return (int)((draw(world) >> 33) % (uint64_t)n);
}

uint64_t hash(uint64_t h, const void *bytes, size_t len)
{
    const unsigned char *at = bytes;
    for (size_t i = 0; i < len; i++)
        h = (h ^ at[i]) * UINT64_C(0x100000001B3);
    return h ^ h >> 29;
}

void broke(World *world, const Session *s, Name name, const char *more)
{
    if (world->broken)
        return;
    world->broken = true;
    snprintf(world->words, sizeof world->words, "%s: %s%s%s", s ? s->id : "world", names[name],
             more ? ": " : "", more ? more : "");
}

bool fault_happens(World *world, int one_in)
{
    if (world->faults_left <= 0 || below(world, one_in))
        return false;
    world->faults_left--;
    return true;
}

void make_program(World *world, Program *program, int depth)
{
    *program = (Program){.len = 1 + below(world, world->steps)};
    program->base = below(world, 12) == 0;
    program->greets = !program->base && below(world, 20) == 0;
    program->liar = below(world, 40) == 0;
    program->max_line = below(world, 2) ? 1600 : 0;
    bool subscribed = false, started = false;
    for (int i = 0; i < program->len; i++) {
        Op *op = &program->ops[i];
        int kind = below(world, 100);
        *op = (Op){.times = 1, .seconds = -1, .caught = below(world, 3) > 0};
        if (program->base && kind >= 52)
            kind = 10;
        if (kind < 42) {
            op->kind = OP_CALL;
            op->times = below(world, 4) ? 1 : 1 + below(world, 6);
            if (!program->base && below(world, 4) == 0) {
                op->retries = below(world, 3);
                op->fails = below(world, 3);
                op->hangs = below(world, 6) ? 0 : below(world, 2);
                op->seconds = op->hangs ? 5 : below(world, 2) ? 30 : -1;
            }
        } else if (kind < 48) {
            op->kind = OP_BRANCH;
        } else if (kind < 62) {
            op->kind = OP_PRINT;
            op->times = 1 + below(world, 2);
        } else if (kind < 70) {
            op->kind = OP_SLEEP;
            op->seconds = below(world, 100);
        } else if (kind < 74) {
            op->kind = OP_SUBSCRIBE;
            subscribed = true;
        } else if (kind < 79) {
            op->kind = subscribed ? OP_NEXT_EVENT : OP_STORE;
            op->seconds = below(world, 3) ? 20 : below(world, 2) - 1;
        } else if (kind < 80) {
            op->kind = subscribed ? OP_UNSUBSCRIBE : OP_STORE;
        } else if (kind < 86) {
            op->kind = OP_NEXT_SIGNAL;
            op->seconds = below(world, 3) ? 20 : below(world, 2) - 1;
        } else if (kind < 90) {
            op->kind = depth == 0 ? OP_START : OP_STORE;
            started = started || depth == 0;
        } else if (kind < 93) {
            op->kind = started ? OP_NEXT_CHILD : OP_STORE;
            op->seconds = below(world, 2) ? 1000 : -1;
        } else if (kind < 97) {
            op->kind = OP_STORE;
        } else if (kind < 98) {
            op->kind = below(world, 3) ? OP_CALL : OP_HANG;
        } else if (kind < 99) {
            op->kind = below(world, 3) ? OP_CALL : OP_DIE;
        } else {
            op->kind = OP_RANDOM;
            program->random = true;
        }
    }
    if (program->liar)
        program->ops[program->len - 1] = (Op){.kind = OP_HANG, .times = 1};
    if (program->base)
        for (int i = 0; i < program->len; i++)
            if (program->ops[i].kind == OP_PRINT)
                program->ops[i].kind = OP_CALL;
}
