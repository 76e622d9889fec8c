/* signal.c: requests, and the mail that some of them wait for.
 *
 *     turn --request sleep--> timer.c
 *     turn --request next_event, next_signal--> turn (mail is there) or waiting --mail, time-->
 * turn turn --any other request--> asking --answer--> turn parked --mail, time--> loading or
 * starting: the answer is recorded before there is a runner
 *
 * Mail lies in the store's inbox until a record takes it: taking and recording are one
 * transaction, so nothing is lost and nothing is taken twice. What nobody asks for stays.
 */
#include "run.h"

#include "jsontext.h"

#include <string.h>

static int request(AkRun *, AkNow, const AkEvent *, AkCommands *);
static int answer(AkRun *, AkNow, const AkEvent *, AkCommands *);
static int mail_wanted(AkRun *, AkNow, const AkEvent *, AkCommands *);

const AkRow ak__signal_rows[] = {
    {AK__TURN, AK_EV_REQUEST, request,
     "turn + request: reply from the journal, do it, or wait"},
    {AK__ASKING, AK_EV_ANSWER, answer, "asking + answer: journal and reply"},
    {AK__WAITING, AK_EV_MAIL, mail_wanted, "waiting + mail: take it, or keep it for later"},
    {AK__PARKED, AK_EV_MAIL, mail_wanted, "parked + mail: take it, or keep it for later"},
    {AK__RESPAWN, AK_EV_MAIL, ak__keep_mail, "respawn + mail: keep it"},
    {AK__STARTING, AK_EV_MAIL, ak__keep_mail, "starting + mail: keep it"},
    {AK__TURN, AK_EV_MAIL, ak__keep_mail, "turn + mail: keep it"},
};
const size_t ak__signal_rows_len = sizeof ak__signal_rows / sizeof *ak__signal_rows;

static bool was_taken(const AkRun *run, uint64_t id)
{
    size_t low = 0, high = run->taken_len;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (run->taken[middle] == id)
            return true;
        if (run->taken[middle] < id)
            low = middle + 1;
        else
            high = middle;
    }
    return false;
}

int ak__keep_mail(AkRun *run, AkNow now, const AkEvent *event, AkCommands *out)
{
    (void)now;
    (void)out;
    if (event->mail <= run->mail_seen || was_taken(run, event->mail))
        return 0;
    if (!ak__run_grow(run, (void **)&run->mail, &run->mail_room, run->mail_len,
                      sizeof *run->mail))
        return AK_E_NOMEM;
    AkText bytes = {0};
    ak_text_bytes(&bytes, event->name);
    ak_text_bytes(&bytes, event->from);
    ak_text_bytes(&bytes, event->value);
    ak_text_str(&bytes, "");
    if (bytes.failed) {
        ak_text_free(&bytes);
        run->failed = true;
        return AK_E_NOMEM;
    }
    AkMailItem *item = &run->mail[run->mail_len++];
    const char *at = bytes.at;
    *item = (AkMailItem){.bytes = bytes.at, .id = event->mail, .kind = event->mail_kind};
    item->name = (AkBytes){at, event->name.len};
    item->from = (AkBytes){event->from.at ? at + event->name.len : NULL, event->from.len};
    item->value = (AkBytes){event->value.at ? at + event->name.len + event->from.len : NULL,
                            event->value.len};
    run->mail_seen = event->mail;
    return 0;
}

/* `names` and `ids` are a string or a list of them. */
static bool names_it(AkBytes wanted, AkBytes name)
{
    AkBytes key, item;
    if (ak_json_kind(wanted) == AK_JSON_STRING)
        return ak_json_string_is(wanted, name);
    AkJsonWalk walk = ak_json_walk(wanted);
    while (ak_json_next(&walk, &key, &item))
        if (ak_json_string_is(item, name))
            return true;
    return false;
}

static AkMailItem *find_mail(AkRun *run, AkWait wait, AkBytes args)
{
    AkMailKind kind = wait == AK_WAIT_EVENT ? AK_MAIL_EVENT : AK_MAIL_SIGNAL;
    AkBytes wanted = ak_json_member(args, wait == AK_WAIT_EVENT ? "ids" : "names");
    for (size_t i = 0; i < run->mail_len; i++)
        if (run->mail[i].kind == kind && !run->mail[i].lent &&
            names_it(wanted, run->mail[i].name))
            return &run->mail[i];
    return NULL;
}

static void remove_mail(AkRun *run, AkMailItem *item)
{
    size_t i = (size_t)(item - run->mail);
    ak__drop_mail(item);
    memmove(item, item + 1, (run->mail_len - i - 1) * sizeof *item);
    run->mail_len--;
}

static AkBytes mail_json(AkRun *run, const AkMailItem *item)
{
    AkText *json = &run->scratch;
    if (item->kind == AK_MAIL_EVENT)
        return item->value.at ? item->value : ak_bytes("null");
    ak_text_clear(json);
    ak_text_str(json, "{\"name\": ");
    ak_text_json(json, item->name);
    ak_text_str(json, ", \"session_id\": ");
    if (item->from.at)
        ak_text_json(json, item->from);
    else
        ak_text_str(json, "null");
    ak_text_str(json, ", \"payload\": ");
    ak_text_bytes(json, item->value.at ? item->value : ak_bytes("null"));
    ak_text_str(json, "}");
    run->failed |= json->failed;
    return (AkBytes){json->at, json->len};
}

/* The answer of a wait for mail: the mail, or null when the time is over. The record tells
 * again what was asked, so that replay can compare. */
static int answer_wait(AkRun *run, AkNow now, const AkRecord *asked_for, AkMailItem *item,
                       AkCommands *out)
{
    AkRecord record = *asked_for;
    record.kind = AK_REC_ANSWER;
    record.at_us = 0;
    record.due_us = 0;
    record.value = item ? mail_json(run, item) : ak_bytes("null");
    record.mail = item ? item->id : 0;
    if (item) {
        AkCommand *take = ak__command(run, out, AK_CMD_TAKE);
        if (take)
            take->mail = item->id;
    }
    if (run->wait)
        ak__end_wait(run, out);
    int fault = ak__journal(run, now, &record, false, out);
    if (fault == 0 && run->has_runner)
        ak__reply(run, now, &record, true, out);
    if (item)
        remove_mail(run, item);
    return fault;
}

static AkRecord asked_by(const AkCall *call)
{
    return (AkRecord){.kind = AK_REC_ASK,
                      .seq = call->seq,
                      .name = call->name,
                      .args = call->args,
                      .file = call->file,
                      .line = call->line,
                      .func = call->func,
                      .start_us = call->start_us};
}

static int wait_for_mail(AkRun *run, AkNow now, AkWait wait, AkBytes args, AkCommands *out)
{
    AkBytes timeout = ak_json_member(args, "timeout");
    AkRecord record = asked_by(&run->call);
    int64_t micros = 0;
    bool limited = ak_json_kind(timeout) == AK_JSON_NUMBER && ak_json_micros(timeout, &micros);
    AkMailItem *item = find_mail(run, wait, args);
    if (item || (limited && micros <= 0))
        return answer_wait(run, now, &record, item, out);
    if (micros > INT64_C(3155760000) * 1000000)
        limited = false;
    record.at_us = ak__time(run, now.wall_us);
    record.due_us = limited ? record.at_us + micros : 0;
    ak_text_clear(&run->wait_args);
    ak_text_bytes(&run->wait_args, args);
    run->failed |= run->wait_args.failed;
    ak__wait_until(run, now, wait, run->seq, record.at_us, record.due_us);
    ak__show_wait(run, out);
    int fault = ak__journal(run, now, &record, false, out);
    run->phase = AK__WAITING;
    run->limit = 0;
    return fault;
}

/* Whose wait is it, once there is no runner? The record that is remembered, or the call if not.
 */
static AkRecord asked(AkRun *run)
{
    const AkKnown *known = ak__known(run, run->wait_seq);
    if (run->fresh && known && known->record.kind == AK_REC_ASK)
        return known->record;
    return asked_by(&run->call);
}

int ak__try_wait(AkRun *run, AkNow now, AkCommands *out)
{
    bool parked = run->phase == AK__PARKED;
    bool due = ak__is_due(run, now);
    int fault = 0;
    if (run->wait == AK_WAIT_SLEEP || run->wait == AK_WAIT_RETRY) {
        if (!due)
            return 0;
        run->over = run->wait_seq;
        if (parked) {
            run->wait = AK_WAIT_NOTHING;
            fault = ak__restart(run, out);
            return fault < 0 ? fault : 1;
        }
        AkRecord record = {.seq = run->wait_seq, .at_us = run->due, .value = ak_bytes("null")};
        ak__reply(run, now, &record, true, out);
        ak__end_wait(run, out);
        return 1;
    }
    AkBytes args = {run->wait_args.at, run->wait_args.len};
    AkMailItem *item = find_mail(run, run->wait, args);
    if (!item && !due)
        return 0;
    AkRecord record = asked(run);
    /* What it points into may be replaced while it is written. */
    AkText copy = {0};
    ak_text_bytes(&copy, record.name);
    ak_text_bytes(&copy, record.args);
    ak_text_bytes(&copy, record.file);
    ak_text_bytes(&copy, record.func);
    if (copy.failed) {
        run->failed = true;
        ak_text_free(&copy);
        return AK_E_NOMEM;
    }
    size_t at = 0;
    AkBytes *parts[] = {&record.name, &record.args, &record.file, &record.func};
    for (size_t i = 0; i < 4; at += parts[i]->len, i++)
        if (parts[i]->at)
            parts[i]->at = copy.at + at;
    fault = answer_wait(run, now, &record, item, out);
    if (fault == 0 && parked)
        fault = ak__restart(run, out);
    ak_text_free(&copy);
    return fault < 0 ? fault : 1;
}

static int mail_wanted(AkRun *run, AkNow now, const AkEvent *event, AkCommands *out)
{
    int fault = ak__keep_mail(run, now, event, out);
    if (fault == 0)
        fault = ak__try_wait(run, now, out);
    return fault < 0 ? fault : 0;
}

static int replay(AkRun *run, AkNow now, AkKnown *known, const AkEvent *event, AkCommands *out)
{
    AkRecord record = known->record;
    if (ak__differs(run, known, event, true))
        return ak__diverge(run, now, known, event, true, out);
    ak__note_arguments(run, known, event, out);
    if (record.kind == AK_REC_ASK) { /* a sleep that is over */
        record.at_us = record.due_us;
        record.value = ak_bytes("null");
        run->over = record.seq;
    }
    ak__reply(run, now, &record, true, out);
    ak__pass(run, known);
    return 0;
}

void ak__drop_mail_of(AkRun *run, AkBytes args)
{
    AkBytes subscription = ak_json_member(args, "id");
    for (size_t i = run->mail_len; i > 0; i--)
        if (run->mail[i - 1].kind == AK_MAIL_EVENT &&
            ak_json_string_is(subscription, run->mail[i - 1].name))
            remove_mail(run, &run->mail[i - 1]);
}

AkBytes ak__lend_event(AkRun *run, AkBytes args)
{
    AkMailItem *item = find_mail(run, AK_WAIT_EVENT, args);
    if (!item)
        return ak_bytes("null");
    item->lent = true;
    return mail_json(run, item);
}

void ak__take_lent(AkRun *run, AkCommands *out)
{
    for (size_t i = run->mail_len; i > 0; i--) {
        if (!run->mail[i - 1].lent)
            continue;
        AkCommand *take = ak__command(run, out, AK_CMD_TAKE);
        if (take)
            take->mail = run->mail[i - 1].id;
        remove_mail(run, &run->mail[i - 1]);
    }
}

void ak__return_lent(AkRun *run)
{
    for (size_t i = 0; i < run->mail_len; i++)
        run->mail[i].lent = false;
}

bool ak__are_arguments(const AkEvent *event)
{
    const char *why;
    size_t where;
    return !event->args.at || ak_json_check(event->args, 200, &why, &where) == 0;
}

int ak__bad_arguments(AkRun *run, AkNow now, AkCommands *out)
{
    return ak__fail(run, now, "protocol", "ProtocolError",
                    ak_bytes("the runner sent a request whose arguments are not JSON"), out);
}

static int request(AkRun *run, AkNow now, const AkEvent *event, AkCommands *out)
{
    ak__leave_history(run, event->seq);
    if (event->seq != run->seq + 1)
        return ak__fail(run, now, "protocol", "ProtocolError",
                        ak_bytes("the runner sent a request with the wrong number"), out);
    if (!ak__are_arguments(event))
        return ak__bad_arguments(run, now, out);
    AkKnown *known = ak__known(run, ++run->seq);
    if (known)
        return replay(run, now, known, event, out);
    int fault = ak__set_call(run, event, 0, now);
    if (fault)
        return fault;
    if (ak_bytes_is(event->name, "sleep"))
        return ak__sleep(run, now, event, out);
    if (ak_bytes_is(event->name, "next_event"))
        return wait_for_mail(run, now, AK_WAIT_EVENT, event->args, out);
    if (ak_bytes_is(event->name, "next_signal"))
        return wait_for_mail(run, now, AK_WAIT_SIGNAL, event->args, out);
    if (ak_bytes_is(event->name, "unsubscribe"))
        ak__drop_mail_of(run, event->args);
    AkCommand *command = ak__command(run, out, AK_CMD_REQUEST);
    if (!command)
        return AK_E_NOMEM;
    command->seq = run->seq;
    command->name = ak__own(out, event->name);
    command->args = ak__own(out, event->args);
    run->phase = AK__ASKING;
    run->limit = 0;
    return 0;
}

static int answer(AkRun *run, AkNow now, const AkEvent *event, AkCommands *out)
{
    if (event->seq != run->seq)
        return ak__fault(run, AK_E_MISUSE, "an answer to another request");
    AkRecord record = asked_by(&run->call);
    record.kind = AK_REC_ANSWER;
    record.value = event->error.at   ? (AkBytes){NULL, 0}
                   : event->value.at ? event->value
                                     : ak_bytes("null");
    record.error = event->error;
    int fault = ak__journal(run, now, &record, false, out);
    if (fault == 0)
        ak__reply(run, now, &record, true, out);
    return fault;
}
