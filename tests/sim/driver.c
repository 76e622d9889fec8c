/* The driver: takes an event, steps the engine, does its commands one at a time. */
#define _GNU_SOURCE
#include "sim.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static AkNow now(const World *world)
{
    return (AkNow){world->wall, world->mono};
}

/* A run from the journal, as after a start of the server. */
AkRun *load(const Session *s)
{
    AkRunOptions options = {.turn_timeout_us = 10 * 1000000, .max_line = s->program.max_line};
    AkRun *run = ak_run_new(&options, ak_bytes(s->id));
    if (!run)
        abort();
    return run;
}

static void feed(World *world, Session *s, AkRun *run, bool current)
{
    for (size_t i = 0; i < s->len && !world->broken; i++) {
        AkEvent event = {.kind = AK_EV_RECORD,
                         .value = {s->records[i].bytes, s->records[i].len}};
        step(world, s, run, &event, current);
    }
    AkEvent event = {
        .kind = AK_EV_LOADED, .number = s->len, .sum = s->len ? s->records[s->len - 1].sum : 0};
    step(world, s, run, &event, current);
}

void open_session(World *world, Session *s)
{
    s->run = load(s);
    s->tainted = false;
    feed(world, s, s->run, true);
    for (size_t i = 0; i < s->mail_len && !world->broken && s->run &&
                       ak_run_state(s->run) == AK_STATE_RUNNING;
         i++) {
        if (s->mail[i].taken)
            continue;
        Mail copy = s->mail[i];
        AkEvent event = mail_event(&copy);
        step(world, s, s->run, &event, true);
    }
}

static void start_child(World *world, Session *parent, char *value, size_t size)
{
    if (world->len == SESSIONS_MAX) {
        snprintf(value, size, "\"ses_none\"");
        return;
    }
    Session *s = &world->sessions[world->len++];
    memset(s, 0, sizeof *s);
    s->used = s->new = true;
    s->depth = parent->depth + 1;
    snprintf(s->id, sizeof s->id, "ses_%llu", (unsigned long long)++world->child_id);
    make_program(world, &s->program, s->depth);
    s->row.state = AK_STATE_CREATED;
    s->run = load(s);
    AkEvent event = {.kind = AK_EV_CREATE,
                     .name = ak_bytes("flow.py:child"),
                     .args = ak_bytes("{}"),
                     .seed = ak_bytes("00"),
                     .dialect = ak_bytes("ak"),
                     .parent = ak_bytes(parent->id)};
    step(world, s, s->run, &event, true);
    snprintf(value, size, "\"%s\"", s->id);
}

static void do_request(World *world, Session *s, AkRun *run, const AkCommand *command,
                       bool current)
{
    char value[40];
    AkEvent event = {.kind = AK_EV_ANSWER, .seq = command->seq};
    if (ak_bytes_is(command->name, "start")) {
        start_child(world, s, value, sizeof value);
        event.value = ak_bytes(value);
    } else if (ak_bytes_is(command->name, "subscribe")) {
        snprintf(value, sizeof value, "\"sub_%d\"", ++s->subs);
        event.value = ak_bytes(value);
    } else if (ak_bytes_is(command->name, "store")) {
        snprintf(value, sizeof value, "%d", below(world, 1000));
        event.value = ak_bytes(value);
    } else if (ak_bytes_is(command->name, "unsubscribe")) {
        event.value = ak_bytes("null");
    } else {
        event.error =
            ak_bytes("{\"type\": \"ValueError\", \"message\": \"no\", \"kind\": \"misuse\"}");
    }
    step(world, s, run, &event, current);
}

static void journal(World *world, Session *s, const AkCommand *command, bool current)
{
    /* The fence. An owner that lost its session is dropped by its driver. */
    if (command->number != s->len) {
        if (!current || s->tainted)
            return;
        broke(world, s, ONE_OWNER, "the only owner was fenced off");
        return;
    }
    if (s->row.state > AK_STATE_RUNNING && !s->finished_seen)
        s->finished_seen = true;
    if (s->len == sizeof s->records / sizeof *s->records) {
        broke(world, s, ENDS_OR_WAITS, "the journal grows without end");
        return;
    }
    AkRecord record;
    uint64_t sum, before = s->len ? s->records[s->len - 1].sum : 0;
    const char *why;
    if (ak_record_read(command->value, ak_bytes(s->id), s->len, before, &record, &sum, &why) <
            0 ||
        sum != command->sum)
        broke(world, s, NO_HOLES, why);
    char *copy = malloc(command->value.len);
    memcpy(copy, command->value.at, command->value.len);
    s->records[s->len].bytes = copy;
    s->records[s->len].len = command->value.len;
    s->records[s->len].sum = command->sum;
    s->records[s->len].call = record.kind == AK_REC_CALL ? record.seq : 0;
    s->len++;
    world->dirty = true;
    if (current) {
        s->lazy_barrier = s->len;
        if (!command->lazy)
            s->barrier = s->len;
    } else {
        s->tainted = true;
    }
}

static void take_mail(World *world, Session *s, uint64_t id)
{
    for (size_t i = 0; i < s->mail_len; i++) {
        if (s->mail[i].id != id)
            continue;
        if (s->mail[i].taken)
            broke(world, s, MAIL_ONCE, "taken twice");
        s->mail[i].taken = true;
        return;
    }
    broke(world, s, MAIL_ONCE, "taken, but not there");
}

bool is_aside(const AkCommand *command)
{
    return command->kind == AK_CMD_REPLY && command->request && !command->seq;
}

static void hold(World *world, Session *s, const AkCommand *command)
{
    if (s->held_len == sizeof s->held / sizeof *s->held) {
        broke(world, s, ENDS_OR_WAITS, "commands without end");
        return;
    }
    Held *held = &s->held[s->held_len++];
    AkBytes *texts[] = {&held->command.name, &held->command.value, &held->command.args,
                        &held->command.error};
    held->command = *command;
    size_t len = 0;
    for (size_t i = 0; i < 4; i++)
        len += texts[i]->len;
    held->bytes = malloc(len + 1);
    char *at = held->bytes;
    for (size_t i = 0; i < 4; at += texts[i]->len, i++) {
        if (!texts[i]->at)
            continue;
        memcpy(at, texts[i]->at, texts[i]->len);
        texts[i]->at = at;
    }
    held->needs = command->kind == AK_CMD_SHOW ? s->lazy_barrier : s->barrier;
    held->after = is_aside(command) && world->dirty ? world->commits + 1 : 0;
}

static void inside(World *world, Session *s, AkRun *run, const AkCommand *command, bool current)
{
    Session *to;
    switch (command->kind) {
    case AK_CMD_REQUEST: do_request(world, s, run, command, current); return;
    case AK_CMD_LOAD: feed(world, s, run, current); return;
    case AK_CMD_SEND:
        to = find(world, command->to);
        if (to) {
            put_mail(world, to, command->mail_kind, command->name, command->from,
                     command->value);
            tell_mail(world, to, world->mail_id);
        }
        return;
    case AK_CMD_TAKE: take_mail(world, s, command->mail); return;
    case AK_CMD_WAIT:
        s->row.wait = command->wait;
        s->row.due = command->due_us;
        if (s->row.state == AK_STATE_CREATED)
            s->row.state = AK_STATE_RUNNING;
        break;
    case AK_CMD_FINISH: s->row = (Row){.state = command->state}; break;
    default: journal(world, s, command, current); return;
    }
    world->dirty = true;
}

/* Is this list of commands one that a stale owner may not write? Then none of it happens. */
static bool fenced_off(const Session *s, const AkCommands *out)
{
    for (size_t i = 0; i < ak_commands_count(out); i++)
        if (ak_commands_at(out, i)->kind == AK_CMD_JOURNAL)
            return ak_commands_at(out, i)->number != s->len;
    return false;
}

int step(World *world, Session *s, AkRun *run, const AkEvent *event, bool current)
{
    AkCommands *out = world->out[world->depth++];
    bool ended = ak_run_state(run) > AK_STATE_RUNNING;
    int fault = ak_run_step(run, now(world), event, out);
    if (tracing) {
        printf("%lld %s%s %s %llu ->", (long long)world->wall, s->id, current ? "" : " (old)",
               ak_event_name(event->kind), (unsigned long long)event->seq);
        for (size_t i = 0; i < ak_commands_count(out); i++)
            printf(" %s", ak_command_name(ak_commands_at(out, i)->kind));
        printf(" = %d [%s]\n", fault, ak_engine_row_name((size_t)ak_run_row(run)));
    }
    if (ak_run_row(run) >= 0)
        world->rows[ak_run_row(run)]++;
    if (ended && (fault != AK_E_ENDED || ak_commands_count(out)) && event->kind != AK_EV_LOADED)
        broke(world, s, ENDED_TAKES_NOTHING, ak_event_name(event->kind));
    if (fault < 0 && fault != AK_E_ENDED) {
        char words[200];
        snprintf(words, sizeof words, "%s: %s", ak_event_name(event->kind), ak_run_error(run));
        broke(world, s, NO_FAULT, words);
    }
    if (fault == 0 && fenced_off(s, out)) {
        /* Somebody else has written. The driver gives this run up; what it wanted is not done.
         */
        if (current && !s->tainted)
            broke(world, s, ONE_OWNER, "the only owner was fenced off");
        fault = AK_E_FENCE;
    }
    for (size_t i = 0; fault == 0 && i < ak_commands_count(out) && !world->broken; i++) {
        const AkCommand *command = ak_commands_at(out, i);
        if (ak_command_is_inside(command->kind))
            inside(world, s, run, command, current);
        else if (current)
            hold(world, s, command);
    }
    ak_commands_clear(out);
    world->depth--;
    return fault;
}

void saw_reply(World *world, Session *s, const AkCommand *command)
{
    uint64_t value = hash(hash(3, command->value.at, command->value.len), command->error.at,
                          command->error.len);
    if (command->seq >= SEQ_MAX) {
        broke(world, s, ENDS_OR_WAITS, "calls without end");
        return;
    }
    Seen *seen = &s->seen[command->seq];
    if (seen->replied && (seen->value != value || seen->at != command->at_us) &&
        s->row.state == AK_STATE_RUNNING)
        broke(world, s, SAME_VALUE, NULL);
    *seen = (Seen){true, value, command->at_us};
}

static bool has_record(const Session *s, uint64_t seq)
{
    for (size_t i = 0; i < s->durable; i++)
        if (s->records[i].call == seq)
            return true;
    return false;
}

static void do_command(World *world, Session *s, const AkCommand *command)
{
    switch (command->kind) {
    case AK_CMD_SPAWN: s->runner = (Runner){.mode = LOADING}; break;
    case AK_CMD_RUN:
        if (s->runner.mode == LOADED)
            begin_program(s, &s->runner);
        forget_ahead(s, &s->runner);
        s->runner.promised = command->number;
        break;
    case AK_CMD_HISTORY:
        if (s->runner.promised) {
            ak_text_bytes(&s->history, command->args);
            ak_text_str(&s->history, "\n");
        }
        break;
    case AK_CMD_EXECUTE:
        if (!s->tainted && !s->program.liar && has_record(s, command->seq))
            broke(world, s, NOT_EXECUTED_AGAIN, NULL);
        world->executions++;
        if (s->runner.mode == CALLED) {
            s->runner.mode = RUNNING;
            s->runner.attempt = command->attempt;
            s->runner.printed = false;
            s->runner.asides = 0;
        }
        break;
    case AK_CMD_REPLY:
        if (is_aside(command)) {
            if (s->runner.mode == ASIDE)
                s->runner.mode = RUNNING;
            break;
        }
        if (s->unheard <= s->durable)
            saw_reply(world, s, command);
        if (s->runner.mode == CALLED || s->runner.mode == ASKED)
            hear(s, &s->runner, command->value, command->error, command->at_us);
        break;
    case AK_CMD_ALARM:
        s->alarm_wall = command->wall_us;
        s->alarm_mono = command->mono_us;
        break;
    case AK_CMD_STACK:
        if (s->program.liar && s->run && s->runner.mode == HUNG) {
            talk(world, s);
        } else if (below(world, 2) && s->run) {
            AkEvent event = {.kind = AK_EV_STACK,
                             .file = ak_bytes("flow.py"),
                             .line = 3,
                             .func = ak_bytes("main"),
                             .text = ak_bytes("flow.py:3 main")};
            step(world, s, s->run, &event, true);
        } else if (below(world, 4) == 0) {
            /* It was about to say something after all, or goes away over the signal. */
            s->runner.mode = below(world, 2) ? READY : GONE;
            if (s->runner.mode == READY)
                next_op(s, &s->runner);
            if (s->runner.mode == GONE && s->run) {
                AkEvent event = {.kind = AK_EV_LOST, .text = ak_bytes("killed by signal 10")};
                step(world, s, s->run, &event, true);
            }
        }
        break;
    case AK_CMD_KILL: s->runner.mode = GONE; break;
    default: break; /* SHOW and NOTE are for people */
    }
}

bool do_next(World *world, Session *s)
{
    size_t i = 0;
    while (i < s->held_len && s->held[i].command.kind == AK_CMD_SHOW &&
           s->held[i].needs > s->durable)
        i++;
    if (i == s->held_len)
        return false;
    bool early = s->held[i].needs > s->durable;
    if (s->held[i].after > world->commits)
        return false;
    if (early && (s->held[i].command.kind != AK_CMD_REPLY || below(world, 2)))
        return false;
    if (early)
        s->unheard = s->held[i].needs;
    Held held = s->held[i];
    s->held_len--;
    memmove(s->held + i, s->held + i + 1, (s->held_len - i) * sizeof *s->held);
    do_command(world, s, &held.command);
    free(held.bytes);
    return true;
}
