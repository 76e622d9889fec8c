/* The oracle: the journal alone must be what the program does. */
#define _GNU_SOURCE
#include "sim.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct Read {
    AkRecord records[512];
    size_t len;
} Read;

static bool read_all(World *world, const Session *s, Read *read)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < s->len; i++) {
        const char *why;
        if (ak_record_read((AkBytes){s->records[i].bytes, s->records[i].len}, ak_bytes(s->id),
                           i, sum, &read->records[i], &sum, &why) < 0) {
            broke(world, s, NO_HOLES, why);
            return false;
        }
    }
    read->len = s->len;
    if (!s->len || read->records[0].kind != AK_REC_START ||
        read->records[s->len - 1].kind != AK_REC_DONE)
        broke(world, s, NO_HOLES, "it does not begin with a start and end with an end");
    return !world->broken;
}

static void check_mail(World *world, const Session *s, const Read *read)
{
    size_t taken = 0;
    for (size_t i = 0; i < read->len; i++) {
        if (!read->records[i].mail)
            continue;
        taken++;
        for (size_t j = 0; j < i; j++)
            if (read->records[j].mail == read->records[i].mail)
                broke(world, s, MAIL_ONCE, "two records took one");
    }
    size_t left = 0;
    for (size_t i = 0; i < s->mail_len; i++)
        left += !s->mail[i].taken;
    if (s->mails_gone + left != s->mails_put || taken > s->mails_gone ||
        (taken < s->mails_gone && !s->asides))
        broke(world, s, MAIL_ONCE, "some are missing");
}

static const AkRecord *outcome(const Read *read, uint64_t seq)
{
    const AkRecord *found = NULL;
    for (size_t i = 0; i < read->len; i++)
        if (read->records[i].seq == seq && read->records[i].kind != AK_REC_PRINT &&
            read->records[i].kind != AK_REC_ATTEMPT)
            found = &read->records[i];
    return found;
}

static void check_program(World *world, Session *s, const Read *read)
{
    const AkRecord *end = &read->records[read->len - 1];
    Runner r;
    Said said;
    int64_t at = read->records[0].at_us;
    size_t prints = s->program.greets, printed = 0;
    char value[32];
    begin_program(s, &r);
    memset(&said, 0, sizeof said);
    for (;;) {
        const Op *op = r.mode == RAISED ? NULL : speaking(s, &r);
        if (!op || op->kind == OP_HANG || op->kind == OP_DIE)
            break;
        if (op->kind == OP_PRINT) {
            prints++;
            next_op(s, &r);
            continue;
        }
        int64_t micros = op->kind == OP_SLEEP ? op->seconds * INT64_C(1000000) + 500000 : 0;
        say_op(s, &r, op, &said, NULL);
        const AkRecord *record = outcome(read, r.seq);
        if (!record)
            break;
        if (!ak_bytes_equal(record->name, said.event.name))
            broke(world, s, SAME_PROGRAM, "another call is recorded");
        if (micros && record->due_us - record->at_us < micros)
            broke(world, s, SLEEPS_LONG_ENOUGH, NULL);
        bool slept = record->kind == AK_REC_ASK;
        int64_t told = slept ? record->due_us : record->at_us;
        at = told > at ? told : at;
        hear(s, &r, slept ? ak_bytes("null") : record->value, record->error, at);
    }
    for (size_t i = 0; i < read->len; i++) {
        printed += read->records[i].kind == AK_REC_PRINT && read->records[i].seq == 0;
        if (read->records[i].kind != AK_REC_PRINT && read->records[i].seq > r.seq)
            broke(world, s, SAME_PROGRAM, "calls are recorded that it never makes");
    }
    if (end->state != AK_STATE_COMPLETED)
        return;
    snprintf(value, sizeof value, "%llx", (unsigned long long)r.state);
    if (!ak_bytes_is(end->value, value))
        broke(world, s, SAME_PROGRAM, "it returned another value");
    if (prints != printed)
        broke(world, s, PRINTS_ONCE, NULL);
}

void judge(World *world)
{
    static Read read;
    for (int i = 0; i < world->len && !world->broken; i++) {
        Session *s = &world->sessions[i];
        if (!read_all(world, s, &read))
            return;
        check_mail(world, s, &read);
        if (!s->program.liar && !s->program.random)
            check_program(world, s, &read);
    }
}
