/* diverge.c: what a program asks for against what its journal says it asked. */
#include "run.h"

bool ak__is_request(AkRecordKind kind)
{
    return kind == AK_REC_ASK || kind == AK_REC_ANSWER;
}

static bool other_arguments(const AkRecord *record, const AkEvent *event)
{
    if (ak__is_request(record->kind))
        return record->args.at && event->args.at && !ak_bytes_equal(record->args, event->args);
    return record->digest.at && event->digest.at &&
           !ak_bytes_equal(record->digest, event->digest);
}

bool ak__differs(AkRun *run, const AkKnown *known, const AkEvent *event, bool request)
{
    const AkRecord *record = &known->record;
    return ak__is_request(record->kind) != request ||
           !ak_bytes_equal(record->name, event->name) ||
           (run->options.strict_arguments && other_arguments(record, event));
}

void ak__note_arguments(AkRun *run, const AkKnown *known, const AkEvent *event, AkCommands *out)
{
    const AkRecord *record = &known->record;
    AkText words = {0};
    if (!other_arguments(record, event))
        return;
    AkCommand *note = ak__command(run, out, AK_CMD_NOTE);
    ak_text_str(&words, "call ");
    ak_text_int(&words, (int64_t)record->seq);
    ak_text_str(&words, ", ");
    ak__describe(&words, event->name, event->file, event->line);
    ak_text_str(&words, ", has other arguments than when it was recorded");
    if (note && !words.failed) {
        note->seq = record->seq;
        note->text = ak__own(out, (AkBytes){words.at, words.len});
    }
    run->failed |= words.failed;
    ak_text_free(&words);
}

static void add_arguments(AkText *words, AkBytes preview, AkBytes args)
{
    AkBytes shown = preview.at ? preview : args;
    if (!shown.at)
        return;
    ak_text_str(words, " with ");
    ak_text_add(words, shown.at, shown.len > 200 ? 200 : shown.len);
}

/* The program does not do what its journal says it did. The runner hears of it (unless it says
 * that the program is over), then the session ends. */
int ak__diverge(AkRun *run, AkNow now, const AkKnown *known, const AkEvent *event, bool request,
                AkCommands *out)
{
    const AkRecord *record = &known->record;
    bool over = event->kind == AK_EV_DONE;
    bool alike = !over && ak__is_request(record->kind) == request &&
                 ak_bytes_equal(record->name, event->name);
    uint64_t seq = record->seq;
    AkText words = {0};
    ak_text_str(&words, "call ");
    ak_text_int(&words, (int64_t)seq);
    ak_text_str(&words, " was ");
    ak__describe(&words, record->name, record->file, record->line);
    if (alike)
        add_arguments(&words, record->preview, record->args);
    ak_text_str(&words, " when it was recorded, but now the program ");
    if (over) {
        ak_text_str(&words, event->error.at ? "fails before it" : "ends before it");
    } else {
        ak_text_str(&words, "calls ");
        ak__describe(&words, event->name, event->file, event->line);
        if (alike)
            add_arguments(&words, event->preview, event->args);
    }
    run->failed |= words.failed;
    AkBytes error =
        ak__error_json(run, "divergence", "DivergenceError", (AkBytes){words.at, words.len},
                       event->file.at ? event->file : record->file,
                       event->file.at ? event->line : record->line,
                       event->file.at ? event->func : record->func);
    AkBytes told = ak__own(out, error);
    int fault = ak__end(run, now, AK_STATE_ERROR, (AkBytes){NULL, 0}, told, out);
    if (!over && fault == 0) {
        AkCommand *reply = ak__command(run, out, AK_CMD_REPLY);
        if (reply) {
            reply->seq = seq;
            reply->at_us = run->last_at;
            reply->request = request;
            reply->error = told;
        }
    }
    ak__end_runner(run, out);
    ak__forget_all(run);
    ak_text_free(&words);
    return fault;
}
