/* journal.c: records to bytes and back.
 *
 * A record is a head of 16 bytes, fields, and a checksum of 8; all numbers are little-endian.
 *
 *     0  version (1)      4  length of the whole record, 4 bytes
 *     1  kind             8  number in the journal, 8 bytes
 *     2  0, 0            16  fields ... checksum
 *
 * A field is a tag and then, for tags below 32, a number of 8 bytes, for others a length of 4
 * bytes and that many bytes. Tags rise; what is zero or absent is left out. So a record has one
 * spelling only, and what was read and is written again gives the same bytes.
 *
 * The checksum chews 8 bytes at a time: xor, multiply by an odd number, fold. Each of these can
 * be undone, so two inputs that differ in one word never end alike, and others do once in 2^64.
 */
#include "journal.h"

#include <string.h>

#define HEAD  16
#define TAIL  8
#define BYTES 32 /* the first tag of a byte field */

enum {
    TAG_AT = 1,
    TAG_START,
    TAG_DUE,
    TAG_SEQ,
    TAG_ATTEMPT,
    TAG_MAIL,
    TAG_STATE,
    TAG_STREAM,
    TAG_IN_MEMORY,
    TAG_LINE,
    TAG_NUMBERS
};
enum {
    TAG_FILE = BYTES,
    TAG_FUNC,
    TAG_NAME,
    TAG_DIGEST,
    TAG_PREVIEW,
    TAG_RESULT,
    TAG_ARGS,
    TAG_VALUE,
    TAG_ERROR,
    TAG_TEXT,
    TAG_SEED,
    TAG_DIALECT,
    TAG_PARENT,
    TAG_END
};

static uint64_t load8(const unsigned char *at)
{
    return (uint64_t)at[0] | (uint64_t)at[1] << 8 | (uint64_t)at[2] << 16 |
           (uint64_t)at[3] << 24 | (uint64_t)at[4] << 32 | (uint64_t)at[5] << 40 |
           (uint64_t)at[6] << 48 | (uint64_t)at[7] << 56;
}

static uint64_t load(const unsigned char *at, size_t size)
{
    uint64_t word = 0;
    for (size_t i = 0; i < size; i++)
        word |= (uint64_t)at[i] << (8 * i);
    return word;
}

static void store(unsigned char *at, uint64_t word, size_t size)
{
    for (size_t i = 0; i < size; i++)
        at[i] = (unsigned char)(word >> (8 * i));
}

static uint64_t mix(uint64_t sum, uint64_t word)
{
    sum = (sum ^ word) * UINT64_C(0x9E3779B97F4A7C15);
    return sum ^ sum >> 32;
}

static uint64_t chew(uint64_t sum, const void *bytes, size_t len)
{
    const unsigned char *at = bytes;
    sum = mix(sum, len);
    for (; len >= 8; len -= 8, at += 8)
        sum = mix(sum, load8(at));
    return len ? mix(sum, load(at, len)) : sum;
}

static uint64_t checksum(AkBytes session, uint64_t previous, const void *bytes, size_t len)
{
    uint64_t sum = chew(UINT64_C(0x616B2D6A6F75726E), session.at, session.len);
    sum = chew(mix(sum, previous), bytes, len);
    return sum ? sum : 1; /* 0 stands for "no record before" */
}

/* The record as its two lists of fields, in the order of the tags. */
static void numbers_of(const AkRecord *r, uint64_t numbers[TAG_NUMBERS])
{
    numbers[TAG_AT] = (uint64_t)r->at_us;
    numbers[TAG_START] = (uint64_t)r->start_us;
    numbers[TAG_DUE] = (uint64_t)r->due_us;
    numbers[TAG_SEQ] = r->seq;
    numbers[TAG_ATTEMPT] = r->attempt;
    numbers[TAG_MAIL] = r->mail;
    numbers[TAG_STATE] = (uint64_t)r->state;
    numbers[TAG_STREAM] = (uint64_t)r->stream;
    numbers[TAG_IN_MEMORY] = r->in_memory;
    numbers[TAG_LINE] = r->line;
}

static void bytes_of(const AkRecord *r, AkBytes bytes[TAG_END - BYTES])
{
    const AkBytes all[TAG_END - BYTES] = {
        r->file,  r->func,  r->name, r->digest, r->preview, r->result, r->args,
        r->value, r->error, r->text, r->seed,   r->dialect, r->parent};
    memcpy(bytes, all, sizeof all);
}

int ak_record_write(const AkRecord *record, AkBytes session, uint64_t previous, AkText *out,
                    uint64_t *sum)
{
    uint64_t numbers[TAG_NUMBERS];
    AkBytes bytes[TAG_END - BYTES];
    unsigned char head[HEAD] = {AK_JOURNAL_VERSION, (unsigned char)record->kind}, field[9];
    size_t from = out->len, len = HEAD + TAIL;
    numbers_of(record, numbers);
    bytes_of(record, bytes);
    for (size_t i = TAG_AT; i < TAG_NUMBERS; i++)
        len += numbers[i] ? 9 : 0;
    for (size_t i = 0; i < TAG_END - BYTES; i++) {
        if (bytes[i].len > AK_RECORD_MAX)
            return AK_E_TOOBIG;
        len += bytes[i].at ? 5 + bytes[i].len : 0;
    }
    if (len > AK_RECORD_MAX)
        return AK_E_TOOBIG;
    store(head + 4, len, 4);
    store(head + 8, record->number, 8);
    ak_text_add(out, head, sizeof head);
    for (unsigned i = TAG_AT; i < TAG_NUMBERS; i++) {
        if (!numbers[i])
            continue;
        field[0] = (unsigned char)i;
        store(field + 1, numbers[i], 8);
        ak_text_add(out, field, 9);
    }
    for (unsigned i = 0; i < TAG_END - BYTES; i++) {
        if (!bytes[i].at)
            continue;
        field[0] = (unsigned char)(BYTES + i);
        store(field + 1, bytes[i].len, 4);
        ak_text_add(out, field, 5);
        ak_text_bytes(out, bytes[i]);
    }
    if (out->failed)
        return AK_E_NOMEM;
    *sum = checksum(session, previous, out->at + from, out->len - from);
    store(field, *sum, 8);
    ak_text_add(out, field, TAIL);
    return out->failed ? AK_E_NOMEM : 0;
}

static int corrupt(const char **why, const char *words)
{
    *why = words;
    return AK_E_CORRUPT;
}

static void bytes_into(AkRecord *r, const AkBytes *b)
{
    AkBytes *fields[] = {&r->file,   &r->func,    &r->name,  &r->digest, &r->preview,
                         &r->result, &r->args,    &r->value, &r->error,  &r->text,
                         &r->seed,   &r->dialect, &r->parent};
    for (size_t i = 0; i < TAG_END - BYTES; i++)
        *fields[i] = b[i];
}

static void set_fields(AkRecord *r, const uint64_t *n, const AkBytes *b)
{
    r->at_us = (int64_t)n[TAG_AT];
    r->start_us = (int64_t)n[TAG_START];
    r->due_us = (int64_t)n[TAG_DUE];
    r->seq = n[TAG_SEQ];
    r->attempt = n[TAG_ATTEMPT];
    r->mail = n[TAG_MAIL];
    r->state = (AkState)n[TAG_STATE];
    r->stream = (AkStream)n[TAG_STREAM];
    r->in_memory = n[TAG_IN_MEMORY] != 0;
    r->line = n[TAG_LINE];
    bytes_into(r, b);
}

void ak_record_move(AkRecord *record, const char *from, const char *to)
{
    AkBytes bytes[TAG_END - BYTES];
    bytes_of(record, bytes);
    for (size_t i = 0; i < TAG_END - BYTES; i++)
        if (bytes[i].at)
            bytes[i].at = to + (bytes[i].at - from);
    bytes_into(record, bytes);
}

static int read_fields(const unsigned char *at, const unsigned char *end, AkRecord *record,
                       const char **why)
{
    uint64_t numbers[TAG_NUMBERS] = {0};
    AkBytes bytes[TAG_END - BYTES] = {{NULL, 0}};
    unsigned last = 0;
    while (at < end) {
        unsigned tag = *at++;
        size_t left = (size_t)(end - at);
        if (tag <= last)
            return corrupt(why, "its fields are out of order");
        last = tag;
        if (tag < TAG_NUMBERS) {
            if (left < 8 || !(numbers[tag] = load8(at)))
                return corrupt(why, "a number in it is cut or empty");
            at += 8;
        } else if (tag >= BYTES && tag < TAG_END) {
            size_t len = left < 4 ? 0 : (size_t)load(at, 4);
            if (left < 4 || left - 4 < len)
                return corrupt(why, "a field in it is cut");
            bytes[tag - BYTES] = (AkBytes){(const char *)at + 4, len};
            at += 4 + len;
        } else {
            return corrupt(why, "it has an unknown field");
        }
    }
    if (numbers[TAG_STATE] > AK_STATE_STOPPED || numbers[TAG_STREAM] > AK_STREAM_STDERR ||
        numbers[TAG_IN_MEMORY] > 1)
        return corrupt(why, "a number in it is out of range");
    set_fields(record, numbers, bytes);
    return 0;
}

int ak_record_read(AkBytes bytes, AkBytes session, uint64_t number, uint64_t previous,
                   AkRecord *record, uint64_t *sum, const char **why)
{
    const unsigned char *at = (const unsigned char *)bytes.at;
    memset(record, 0, sizeof *record);
    if (bytes.len < HEAD + TAIL)
        return corrupt(why, "it is cut");
    /* A newer writer may have another checksum, so its version is believed first; that refuses
     * the record either way. */
    if (at[0] > AK_JOURNAL_VERSION) {
        *why = "a newer version wrote it";
        return AK_E_NEWER;
    }
    if (load(at + 4, 4) != bytes.len || bytes.len > AK_RECORD_MAX)
        return corrupt(why, "its length is wrong");
    if (load8(at + 8) != number)
        return corrupt(why, "it is out of place");
    *sum = checksum(session, previous, at, bytes.len - TAIL);
    if (load8(at + bytes.len - TAIL) != *sum)
        return corrupt(why, "its checksum does not match");
    if (at[0] != AK_JOURNAL_VERSION || at[2] || at[3])
        return corrupt(why, "its head is wrong");
    if (at[1] < AK_REC_START || at[1] > AK_REC_DONE)
        return corrupt(why, "its kind is unknown");
    record->kind = (AkRecordKind)at[1];
    record->number = number;
    return read_fields(at + HEAD, at + bytes.len - TAIL, record, why);
}

const char *ak_record_kind_name(AkRecordKind kind)
{
    static const char *const names[] = {"",    "start",  "call",  "attempt",
                                        "ask", "answer", "print", "done"};
    return kind >= AK_REC_START && kind <= AK_REC_DONE ? names[kind] : "";
}

const char *ak_state_name(AkState state)
{
    static const char *const names[] = {"",          "created", "running",
                                        "completed", "error",   "stopped"};
    return state >= AK_STATE_CREATED && state <= AK_STATE_STOPPED ? names[state] : "";
}
