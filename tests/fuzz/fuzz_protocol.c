/* fuzz_protocol.c: whatever a runner sends. A message that is taken can be written, is read
 * again as the same, and neither the split into pieces nor the engine minds what it holds. */
#include "engine.h"
#include "jsontext.h"
#include "protocol.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void write_and_read_again(const AkMessage *message, AkSide side)
{
    AkText first = {0}, second = {0};
    AkMessage again;
    AkReader *reader = ak_reader_new(side, 0);
    if (ak_message_write(message, side, &first) != 0)
        abort();
    ak_reader_feed(reader, first.at, first.len);
    if (ak_reader_next(reader, &again) != 1 || ak_message_write(&again, side, &second) != 0)
        abort();
    if (first.len != second.len || memcmp(first.at, second.at, first.len) != 0)
        abort();
    ak_text_free(&first);
    ak_text_free(&second);
    ak_reader_free(reader);
}

/* A session whose runner says all this. Its commands become lines that the other side can read.
 */
static void act_on(AkRun *run, AkCommands *out, const AkMessage *message, int64_t now)
{
    AkEvent event;
    AkText line = {0};
    if (ak_message_event(message, &event) != 0)
        abort();
    int fault = ak_run_step(run, (AkNow){now, now}, &event, out);
    if (fault != 0 && fault != AK_E_ENDED && fault != AK_E_MISUSE)
        abort();
    for (size_t i = 0; i < ak_commands_count(out); i++) {
        const AkCommand *command = ak_commands_at(out, i);
        AkReader *reader = ak_reader_new(AK_FROM_ENGINE, 0);
        AkMessage read;
        if (ak_command_line(command, 2, ak_run_id(run), &line) == 0) {
            ak_reader_feed(reader, line.at, line.len);
            if (ak_reader_next(reader, &read) != 1)
                abort();
        }
        ak_text_clear(&line);
        ak_reader_free(reader);
        if (command->kind == AK_CMD_REQUEST) {
            AkEvent answer = {
                .kind = AK_EV_ANSWER, .seq = command->seq, .value = ak_bytes("null")};
            ak_run_step(run, (AkNow){now, now}, &answer, out);
        }
    }
    ak_text_free(&line);
    ak_commands_clear(out);
}

static void converse(const uint8_t *data, size_t size, AkSide side, size_t piece)
{
    AkReader *reader = ak_reader_new(side, 1 << 16);
    AkCommands *out = ak_commands_new();
    AkRun *run = ak_run_new(NULL, ak_bytes("ses_1"));
    AkEvent create = {.kind = AK_EV_CREATE, .name = ak_bytes("flow.py:main")};
    AkMessage message;
    int64_t now = 1000000;
    ak_run_step(run, (AkNow){now, now}, &create, out);
    for (size_t at = 0; at < size; at += piece) {
        ak_reader_feed(reader, data + at, size - at < piece ? size - at : piece);
        while (ak_reader_next(reader, &message) == 1) {
            /* Acted on first: writing reads the same slices again. */
            if (side == AK_FROM_RUNNER)
                act_on(run, out, &message, ++now);
            write_and_read_again(&message, side);
        }
    }
    ak_run_free(run);
    ak_commands_free(out);
    ak_reader_free(reader);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *why;
    size_t where;
    if (size < 1)
        return 0;
    converse(data + 1, size - 1, data[0] & 1 ? AK_FROM_ENGINE : AK_FROM_RUNNER,
             1 + data[0] / 2u);
    ak_json_check((AkBytes){(const char *)data, size}, AK_JSON_DEPTH, &why, &where);
    return 0;
}
