/* fuzz_journal.c: whatever a damaged store holds. The checksum would hide the reader of fields
 * from a fuzzer, so it is put right first: what is then taken must be written again as the same
 * bytes, and the engine must take it or refuse it. */
#include "engine.h"
#include "journal.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The input with a head, a length, a number and a checksum that are right. The checksum is
 * learnt from the reader: it is the one that it says it wants. */
static char *put_right(const uint8_t *data, size_t size, uint64_t number, uint64_t previous,
                       size_t *len)
{
    AkRecord record;
    uint64_t sum = 0;
    const char *why;
    *len = size + 24;
    char *bytes = calloc(1, *len);
    bytes[0] = AK_JOURNAL_VERSION;
    bytes[1] = (char)(size ? 1 + data[0] % 7 : 1);
    for (int i = 0; i < 4; i++)
        bytes[4 + i] = (char)(*len >> (8 * i));
    for (int i = 0; i < 8; i++)
        bytes[8 + i] = (char)(number >> (8 * i));
    if (size > 1)
        memcpy(bytes + 16, data + 1, size - 1);
    *len -= size ? 1 : 0;
    for (int i = 0; i < 4; i++)
        bytes[4 + i] = (char)(*len >> (8 * i));
    ak_record_read((AkBytes){bytes, *len}, ak_bytes("ses_1"), number, previous, &record, &sum,
                   &why);
    for (int i = 0; i < 8; i++)
        bytes[*len - 8 + (size_t)i] = (char)(sum >> (8 * i));
    return bytes;
}

static void check(AkBytes bytes, uint64_t number, uint64_t previous)
{
    AkRecord record;
    uint64_t sum, again;
    const char *why = NULL;
    AkText text = {0};
    if (ak_record_read(bytes, ak_bytes("ses_1"), number, previous, &record, &sum, &why) != 0) {
        if (!why)
            abort();
        return;
    }
    if (ak_record_write(&record, ak_bytes("ses_1"), previous, &text, &again) != 0 ||
        sum != again || text.len != bytes.len || memcmp(text.at, bytes.at, text.len) != 0)
        abort();
    ak_text_free(&text);
}

/* A journal of several records, each as long as its first byte says. */
static void load(const uint8_t *data, size_t size)
{
    AkRun *run = ak_run_new(NULL, ak_bytes("ses_1"));
    AkCommands *out = ak_commands_new();
    AkNow now = {1000, 1000};
    uint64_t number = 0, sum = 0;
    int fault = 0;
    while (size > 1 && fault == 0) {
        size_t take = data[0] < size - 1 ? data[0] : size - 1, len;
        AkRecord record;
        const char *why;
        char *bytes = put_right(data + 1, take, number, sum, &len);
        AkEvent event = {.kind = AK_EV_RECORD, .value = {bytes, len}};
        uint64_t next = 0;
        ak_record_read(event.value, ak_bytes("ses_1"), number, sum, &record, &next, &why);
        check(event.value, number, sum);
        fault = ak_run_step(run, now, &event, out);
        sum = next;
        number++;
        free(bytes);
        data += 1 + take;
        size -= 1 + take;
    }
    AkEvent loaded = {.kind = AK_EV_LOADED, .number = number, .sum = sum};
    AkEvent later[] = {
        {.kind = AK_EV_TIME},
        {.kind = AK_EV_MODULE},
        {.kind = AK_EV_MAIL, .mail = 1, .mail_kind = AK_MAIL_SIGNAL, .name = ak_bytes("go")},
        {.kind = AK_EV_CALL, .seq = 1, .name = ak_bytes("f")},
        {.kind = AK_EV_STOP}};
    if (fault == 0)
        fault = ak_run_step(run, now, &loaded, out);
    now.wall_us = INT64_MAX / 2;
    for (size_t i = 0; i < sizeof later / sizeof *later && fault == 0; i++) {
        int result = ak_run_step(run, now, &later[i], out);
        if (result == AK_E_CORRUPT)
            abort(); /* damage is found while loading, not after */
    }
    ak_run_free(run);
    ak_commands_free(out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    check((AkBytes){(const char *)data, size}, 0, 0);
    load(data, size);
    return 0;
}
