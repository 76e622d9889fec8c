/* history.c: replay in advance. A runner that knows how gets the recorded answers before it asks
 * for them, and tells by AK_EV_REPLAYED how far it has come; so a long replay costs no round
 * trip a step. A call that is not the recorded one comes as a call all the same, and is judged
 * where all are: the runner decides nothing.
 *
 *     starting --module--> turn, with RUN (how many answers follow) and the first HISTORY
 *     turn --replayed--> turn: records up to there are freed, the next HISTORY goes out
 *     turn --call, request, done--> as ever, from the number it names
 *
 * Two messages are under way at a time, so that memory stays bounded and nobody waits. While
 * there is more to replay, a turn may last a second longer: that is how seldom the runner tells.
 */
#include "run.h"

enum { MESSAGE_BYTES = 64 << 10, MESSAGE_RECORDS = 256 };

/* What the program gets for it; false for a record that is no outcome yet. */
static bool outcome(const AkKnown *known, AkRecord *record)
{
    *record = known->record;
    if (record->kind == AK_REC_CALL || record->kind == AK_REC_ANSWER)
        return true;
    if (record->kind != AK_REC_ASK || !ak_bytes_is(record->name, "sleep"))
        return false;
    record->at_us = record->due_us;
    record->value = ak_bytes("null");
    return true;
}

static size_t size_of(const AkRecord *record)
{
    return record->value.len + record->error.len + record->args.len;
}

/* From the first record on, up to one that is large beside what a line may hold. */
static uint64_t countable(AkRun *run)
{
    uint64_t seq = 0;
    AkRecord record;
    AkKnown *known;

    while ((known = ak__known(run, seq + 1)) && outcome(known, &record) &&
           size_of(&record) <= run->options.max_line / 8)
        seq++;
    return seq;
}

static void add_record(AkText *json, const AkRecord *record)
{
    bool call = record->kind == AK_REC_CALL;

    ak_text_str(json, call ? "{\"name\": " : "{\"op\": ");
    ak_text_json(json, record->name);
    ak_text_str(json, ", \"value\": ");
    if (call && record->value.at)
        ak_text_json(json, record->value);
    else
        ak_text_bytes(json, record->value.at ? record->value : ak_bytes("null"));
    ak_text_str(json, ", \"at\": ");
    ak_text_seconds(json, record->at_us);
    if (record->error.at) {
        ak_text_str(json, ", \"error\": ");
        ak_text_bytes(json, record->error);
    }
    if (call && record->digest.at) {
        ak_text_str(json, ", \"digest\": ");
        ak_text_json(json, record->digest);
    } else if (!call && record->args.at) {
        ak_text_str(json, ", \"args\": ");
        ak_text_bytes(json, record->args);
    }
    ak_text_str(json, "}");
}

static void send_message(AkRun *run, AkCommands *out)
{
    AkText *json = &run->scratch;
    size_t most =
        run->options.max_line / 4 < MESSAGE_BYTES ? run->options.max_line / 4 : MESSAGE_BYTES;
    AkRecord record;

    ak_text_clear(json);
    ak_text_str(json, "[");
    for (int i = 0; i < MESSAGE_RECORDS && run->sent < run->promised; i++) {
        if (!outcome(ak__known(run, run->sent + 1), &record))
            break;
        if (i && json->len + size_of(&record) > most)
            break;
        ak_text_str(json, i ? ", " : "");
        add_record(json, &record);
        run->sent++;
    }
    ak_text_str(json, "]");
    run->failed |= json->failed;
    AkCommand *command = ak__command(run, out, AK_CMD_HISTORY);
    if (command)
        command->args = ak__own(out, (AkBytes){json->at, json->len});
}

static void send_messages(AkRun *run, AkCommands *out)
{
    while (!run->failed && run->sent < run->promised && run->seq >= run->send_at) {
        run->send_at = run->sent;
        send_message(run, out);
    }
}

uint64_t ak__promise(AkRun *run)
{
    run->promised = run->options.singly ? 0 : countable(run);
    run->sent = run->send_at = 0;
    return run->promised;
}

void ak__send_history(AkRun *run, AkCommands *out)
{
    send_messages(run, out);
}

void ak__catch_up(AkRun *run, uint64_t seq)
{
    AkRecord record;
    AkKnown *known;

    while (run->seq < seq && run->seq < run->sent && (known = ak__known(run, run->seq + 1)) &&
           outcome(known, &record)) {
        run->seq++;
        ak__time(run, record.at_us);
        if (record.kind == AK_REC_ASK)
            run->over = record.seq;
        ak__pass(run, known);
    }
}

void ak__leave_history(AkRun *run, uint64_t next_seq)
{
    if (next_seq)
        ak__catch_up(run, next_seq - 1);
    run->promised = run->sent = 0;
}

int ak__replayed(AkRun *run, AkNow now, const AkEvent *event, AkCommands *out)
{
    if (event->seq <= run->seq || event->seq > run->sent)
        return ak__fail(run, now, "protocol", "ProtocolError",
                        ak_bytes("the runner says it has replayed what it was not given"), out);
    ak__catch_up(run, event->seq);
    ak__start_turn(run, now);
    send_messages(run, out);
    return 0;
}
