/* load.c: how a run begins, new or from its journal, and what it keeps of the journal until the
 * program has come there. */
#include "run.h"

#include <assert.h>
#include <stdlib.h>

static int create(AkRun *, AkNow, const AkEvent *, AkCommands *);
static int take_record(AkRun *, AkNow, const AkEvent *, AkCommands *);
static int loaded(AkRun *, AkNow, const AkEvent *, AkCommands *);

const AkRow ak__load_rows[] = {
    {AK__NEW, AK_EV_CREATE, create, "new + create: journal the start, ask for a runner"},
    {AK__NEW, AK_EV_RECORD, take_record, "new + record: the journal begins"},
    {AK__NEW, AK_EV_LOADED, loaded, "new + loaded: a journal without a start is corrupt"},
    {AK__LOADING, AK_EV_RECORD, take_record, "loading + record: remember it"},
    {AK__LOADING, AK_EV_LOADED, loaded, "loading + loaded: wait on, or ask for a runner"},
};
const size_t ak__load_rows_len = sizeof ak__load_rows / sizeof *ak__load_rows;

/* --- Records that the program has yet to come to
 * ------------------------------------------------------------------ */

void ak__forget(AkKnown *known)
{
    free(known->bytes);
    *known = (AkKnown){0};
}

void ak__forget_records(AkRun *run)
{
    for (size_t i = 0; i < run->known_len; i++)
        ak__forget(&run->known[i]);
    run->known_len = 0;
    free(run->start_bytes);
    run->start_bytes = NULL;
    run->start = (AkRecord){0};
}

void ak__pass(AkRun *run, AkKnown *known)
{
    ak__forget(known);
    if (run->seq < run->known_len)
        return;
    free(run->known);
    run->known = NULL;
    run->known_len = run->known_room = 0;
}

AkKnown *ak__known(AkRun *run, uint64_t seq)
{
    if (seq == 0 || seq > run->known_len || run->known[seq - 1].record.kind == 0)
        return NULL;
    return &run->known[seq - 1];
}

/* Keeps a record for the program, which is to come to its seq. A later record of the same seq
 * (an answer after its ask, a call after its attempts) takes the place of the former. */
int ak__remember(AkRun *run, AkBytes bytes, AkRecord record)
{
    char *copy = ak__copy(run, bytes);
    if (!copy)
        return AK_E_NOMEM;
    ak_record_move(&record, bytes.at, copy);
    while (run->known_len < record.seq) {
        if (!ak__run_grow(run, (void **)&run->known, &run->known_room, run->known_len,
                          sizeof *run->known)) {
            free(copy);
            return AK_E_NOMEM;
        }
        run->known[run->known_len++] = (AkKnown){0};
    }
    ak__forget(&run->known[record.seq - 1]);
    run->known[record.seq - 1] = (AkKnown){copy, record};
    return 0;
}

/* --- The beginning
 * ------------------------------------------------------------------------------------ */

static void spawn(AkRun *run, AkCommands *out)
{
    ak__command(run, out, AK_CMD_SPAWN);
    run->has_runner = true;
    run->seq = 0;
    run->prints_seen = 0;
    run->promised = run->sent = 0;
    run->limit = 0;
    run->phase = AK__STARTING;
}

/* Record 0 has been read or written: what the run needs of it for as long as it lives. */
static int begin(AkRun *run, AkBytes bytes)
{
    uint64_t sum;
    const char *why;
    free(run->start_bytes);
    run->start_bytes = ak__copy(run, bytes);
    if (!run->start_bytes)
        return AK_E_NOMEM;
    bytes.at = run->start_bytes;
    ak_record_read(bytes, run->session, 0, 0, &run->start, &sum, &why);
    run->last_at = run->start.at_us;
    if (!run->entry)
        run->entry = ak__copy(run, run->start.name);
    if (!run->parent && run->start.parent.at)
        run->parent = ak__copy(run, run->start.parent);
    return 0;
}

static int create(AkRun *run, AkNow now, const AkEvent *event, AkCommands *out)
{
    AkRecord record = {.kind = AK_REC_START,
                       .name = event->name,
                       .args = event->args,
                       .seed = event->seed,
                       .dialect = event->dialect,
                       .parent = event->parent,
                       .text = event->text};
    int fault = ak__journal(run, now, &record, false, out);
    if (fault)
        return fault;
    fault = begin(run, (AkBytes){run->bytes.at, run->bytes.len});
    run->state = AK_STATE_RUNNING;
    run->fresh = true;
    spawn(run, out);
    return fault;
}

static int corrupt_record(AkRun *run, int fault, uint64_t number, const char *why)
{
    ak__fault(run, fault, "record ");
    ak_text_int(&run->words, (int64_t)number);
    ak_text_str(&run->words, " cannot be used: ");
    ak_text_str(&run->words, why);
    return fault;
}

static int note_taken(AkRun *run, uint64_t id)
{
    if (!ak__run_grow(run, (void **)&run->taken, &run->taken_room, run->taken_len,
                      sizeof *run->taken))
        return AK_E_NOMEM;
    size_t i = run->taken_len++;
    for (; i > 0 && run->taken[i - 1] > id; i--)
        run->taken[i] = run->taken[i - 1];
    run->taken[i] = id;
    return 0;
}

/* Does this record make sense after those before it? */
static const char *out_of_order(const AkRun *run, const AkRecord *record)
{
    uint64_t seq = record->seq;
    const AkRecord *last = run->last_seq && run->last_seq <= run->known_len
                               ? &run->known[run->last_seq - 1].record
                               : NULL;
    bool open = last && (last->kind == AK_REC_ATTEMPT ||
                         (last->kind == AK_REC_ASK && !ak_bytes_is(last->name, "sleep")));
    if (run->state != AK_STATE_CREATED && run->state != AK_STATE_RUNNING)
        return "it comes after the end";
    if ((record->kind == AK_REC_START) != (record->number == 0))
        return "the start is not at the start";
    if (record->kind == AK_REC_START || record->kind == AK_REC_PRINT ||
        record->kind == AK_REC_DONE)
        return NULL;
    if (seq == run->last_seq + 1 && !open && seq <= record->number)
        return NULL;
    if (seq == run->last_seq && open &&
        ak__is_request(record->kind) == (last->kind == AK_REC_ASK))
        return NULL;
    return "its call number does not follow";
}

static int take_record(AkRun *run, AkNow now, const AkEvent *event, AkCommands *out)
{
    AkRecord record;
    uint64_t sum;
    const char *why;
    (void)now;
    (void)out;
    run->phase = AK__LOADING;
    int fault =
        ak_record_read(event->value, run->session, run->fed, run->fed_sum, &record, &sum, &why);
    if (fault)
        return corrupt_record(run, fault, run->fed, why);
    why = out_of_order(run, &record);
    if (why)
        return corrupt_record(run, AK_E_CORRUPT, run->fed, why);
    switch (record.kind) {
    case AK_REC_START:
        fault = begin(run, event->value);
        run->state = AK_STATE_RUNNING;
        break;
    case AK_REC_PRINT: run->prints += record.seq == 0; break;
    case AK_REC_DONE: run->state = record.state; break;
    default:
        run->last_seq = record.seq;
        fault = ak__remember(run, event->value, record);
        if (fault == 0 && record.mail)
            fault = note_taken(run, record.mail);
    }
    if (fault)
        return ak__fault(run, fault, "out of memory");
    ak__time(run, record.at_us);
    run->fed++;
    run->fed_sum = sum;
    return 0;
}

/* Was the program waiting when this was written? Then the wait is taken up where it stood. */
static bool take_up_wait(AkRun *run, AkNow now)
{
    const AkKnown *last = ak__known(run, run->last_seq);
    if (!last || (last->record.kind != AK_REC_ASK && last->record.kind != AK_REC_ATTEMPT))
        return false;
    const AkRecord *record = &last->record;
    AkWait wait = record->kind == AK_REC_ATTEMPT            ? AK_WAIT_RETRY
                  : ak_bytes_is(record->name, "sleep")      ? AK_WAIT_SLEEP
                  : ak_bytes_is(record->name, "next_event") ? AK_WAIT_EVENT
                                                            : AK_WAIT_SIGNAL;
    if (run->over == record->seq)
        return false;
    ak_text_clear(&run->wait_args);
    ak_text_bytes(&run->wait_args, wait == AK_WAIT_RETRY ? record->name : record->args);
    run->failed |= run->wait_args.failed;
    ak__wait_until(run, now, wait, record->seq, record->at_us, record->due_us);
    return true;
}

static int loaded(AkRun *run, AkNow now, const AkEvent *event, AkCommands *out)
{
    bool again = run->length > 0; /* after AK_CMD_LOAD */
    if (run->fed == 0)
        return ak__fault(run, AK_E_CORRUPT, "its journal has no start");
    if (run->fed != event->number || (again && run->fed != run->length)) {
        uint64_t wanted = again ? run->length : event->number;
        ak__fault(run, AK_E_CORRUPT, "its journal has ");
        ak_text_int(&run->words, (int64_t)run->fed);
        ak_text_str(&run->words, " records, but ");
        ak_text_int(&run->words, (int64_t)wanted);
        ak_text_str(&run->words, " were acknowledged; the first in question is record ");
        ak_text_int(&run->words, (int64_t)(run->fed < wanted ? run->fed : wanted));
        return AK_E_CORRUPT;
    }
    if (run->fed_sum != event->sum || (again && run->fed_sum != run->sum))
        return corrupt_record(run, AK_E_CORRUPT, run->fed - 1,
                              "it is not the one acknowledged");
    run->length = run->fed;
    run->sum = run->fed_sum;
    run->fresh = true;
    run->seq = 0;
    if (run->state != AK_STATE_RUNNING) {
        run->phase = AK__ENDED;
        ak__forget_all(run);
        return 0;
    }
    run->phase = AK__PARKED;
    if (!take_up_wait(run, now)) {
        spawn(run, out);
        return 0;
    }
    int fault = ak__try_wait(run, now, out);
    /* The row may say that the wait was over: it was, by a clock that has been set back since.
     */
    if (fault == 0)
        ak__show_wait(run, out);
    return fault < 0 ? fault : 0;
}

/* Back to the start: what is remembered is dropped and asked for again, as it was partly
 * replied and freed. Mail stays, it is not part of the journal. */
int ak__restart(AkRun *run, AkCommands *out)
{
    ak__return_lent(run);
    if (run->fresh) {
        spawn(run, out);
        return 0;
    }
    ak__forget_records(run);
    run->fed = run->fed_sum = 0;
    run->last_seq = run->prints = 0;
    run->taken_len = 0;
    run->limit = 0;
    run->wait = AK_WAIT_NOTHING;
    run->state = AK_STATE_RUNNING;
    run->phase = AK__LOADING;
    ak__command(run, out, AK_CMD_LOAD);
    return 0;
}
