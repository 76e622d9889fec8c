/* A store with transactions, in which crashes lose what was not committed. */
#define _GNU_SOURCE
#include "sim.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void drop_held(Session *s)
{
    for (size_t i = 0; i < s->held_len; i++)
        free(s->held[i].bytes);
    s->held_len = 0;
    s->barrier = s->lazy_barrier = s->unheard = 0;
}

void drop_run(Session *s)
{
    ak_run_free(s->run);
    s->run = NULL;
    s->runner.mode = GONE;
    s->alarm_wall = s->alarm_mono = 0;
    drop_held(s);
}

void commit(World *world)
{
    for (int i = 0; i < world->len; i++) {
        Session *s = &world->sessions[i];
        s->new = false;
        s->durable = s->len;
        s->durable_row = s->row;
        size_t kept = 0;
        for (size_t m = 0; m < s->mail_len; m++) {
            s->mail[m].new = false;
            if (!s->mail[m].taken)
                s->mail[kept++] = s->mail[m];
        }
        s->mails_gone += s->mail_len - kept;
        s->mail_len = kept;
    }
    world->commits++;
    world->dirty = false;
}

/* Nothing of the open transaction happened. */
void roll_back(World *world)
{
    for (int i = 0; i < world->len; i++) {
        Session *s = &world->sessions[i];
        while (s->len > s->durable)
            free(s->records[--s->len].bytes);
        s->row = s->durable_row;
        size_t kept = 0;
        for (size_t m = 0; m < s->mail_len; m++) {
            s->mail[m].taken = false;
            if (!s->mail[m].new)
                s->mail[kept++] = s->mail[m];
            else
                s->mails_put--;
        }
        s->mail_len = kept;
    }
    while (world->len && world->sessions[world->len - 1].new) {
        drop_run(&world->sessions[--world->len]);
        ak_text_free(&world->sessions[world->len].history);
    }
    world->dirty = false;
}

Session *find(World *world, AkBytes id)
{
    for (int i = 0; i < world->len; i++)
        if (ak_bytes_is(id, world->sessions[i].id))
            return &world->sessions[i];
    return NULL;
}

void put_mail(World *world, Session *to, AkMailKind kind, AkBytes name, AkBytes from,
              AkBytes value)
{
    if (to->row.state > AK_STATE_RUNNING || to->mail_len == MAIL_ROOM)
        return;
    Mail *mail = &to->mail[to->mail_len++];
    *mail = (Mail){.id = ++world->mail_id, .kind = kind, .there = true, .new = true};
    snprintf(mail->name, sizeof mail->name, "%.*s", (int)name.len, name.at);
    snprintf(mail->from, sizeof mail->from, "%.*s", (int)from.len, from.at ? from.at : "");
    /* What a child says of itself may be long: it stands for itself, cut to a JSON string. */
    if (value.len < sizeof mail->value)
        snprintf(mail->value, sizeof mail->value, "%.*s", (int)value.len, value.at);
    else
        snprintf(mail->value, sizeof mail->value, "\"%llx\"",
                 (unsigned long long)hash(1, value.at, value.len));
    to->mails_put++;
    world->dirty = true;
}

AkEvent mail_event(const Mail *mail)
{
    return (AkEvent){.kind = AK_EV_MAIL,
                     .mail = mail->id,
                     .mail_kind = mail->kind,
                     .name = ak_bytes(mail->name),
                     .from = ak_bytes(mail->from),
                     .value = ak_bytes(mail->value)};
}

void tell_mail(World *world, Session *s, uint64_t id)
{
    for (size_t i = 0; i < s->mail_len; i++) {
        if (s->mail[i].id != id || !s->run || s->mail[i].taken)
            continue;
        Mail copy = s->mail[i]; /* the step may take it */
        AkEvent event = mail_event(&copy);
        step(world, s, s->run, &event, true);
        if (below(world, 10) == 0 && s->run && ak_run_state(s->run) == AK_STATE_RUNNING)
            step(world, s, s->run, &event, true);
        return;
    }
}
