/* journal.h: what a session remembers, and how it stands in bytes.
 *
 * A journal is a list of records, numbered from 0 without holes. Record 0 is the start. Each
 * ends with a checksum over the session's id, the checksum of the record before it, and its own
 * bytes: a flipped byte, a record that is missing, moved, doubled or of another session is
 * refused, never read as something else. The format is told in docs/journal.md.
 *
 * Pure: bytes in, bytes out. Times are microseconds since the epoch (wall clock). Texts named
 * JSON hold one JSON value; `value` of a call is the runner's base64, which nobody here opens.
 */
#ifndef AK_JOURNAL_H
#define AK_JOURNAL_H

#include "bytes.h"

#define AK_JOURNAL_VERSION 1
#define AK_RECORD_MAX      (64u << 20) /* bytes of one record */

typedef enum AkRecordKind {
    AK_REC_START =
        1, /* name = file.py:func, args = event (JSON), seed, dialect, parent, text = memo */
    AK_REC_CALL =
        2, /* an external call ended: value, or error with value = the pickled exception */
    AK_REC_ATTEMPT = 3, /* a call failed and will be tried again at due_us */
    AK_REC_ASK = 4, /* the program began to wait: sleep, next_event, next_signal; due_us or 0 */
    AK_REC_ANSWER =
        5, /* a request's outcome: value (JSON) or error; mail = the mail it took, or 0 */
    AK_REC_PRINT =
        6, /* text, stream, where; seq of the call it came out of, 0 for workflow code */
    AK_REC_DONE = 7 /* the end: state, value (preview of what was returned) or error */
} AkRecordKind;

typedef enum AkState {
    AK_STATE_CREATED = 1,
    AK_STATE_RUNNING = 2,
    AK_STATE_COMPLETED = 3,
    AK_STATE_ERROR = 4,
    AK_STATE_STOPPED = 5
} AkState;

typedef enum AkStream {
    AK_STREAM_NONE = 0,
    AK_STREAM_STDOUT = 1,
    AK_STREAM_STDERR = 2
} AkStream;

/* Fields that a kind does not use are zero. Slices of a decoded record point into the bytes it
 * was decoded from. */
typedef struct AkRecord {
    AkRecordKind kind;
    uint64_t number;  /* place in the journal, from 0 */
    int64_t at_us;    /* when it was written: the `at` that the program sees */
    int64_t start_us; /* when the call or request began; 0 where it has no length */
    int64_t due_us;   /* ASK: deadline, 0 for none. ATTEMPT: when to try again */
    uint64_t seq;     /* call number, from 1 */
    uint64_t attempt; /* from 1 */
    uint64_t mail;    /* ANSWER: the mail this took from the inbox, or 0 */
    AkState state;    /* DONE */
    AkStream stream;  /* PRINT */
    bool in_memory;   /* CALL: the arguments did not pickle, the call was made in memory */
    uint64_t line;    /* source line of the call */
    AkBytes file, func;
    AkBytes name;    /* callee, op, or entry point */
    AkBytes digest;  /* hex of the pickled arguments */
    AkBytes preview; /* readable arguments */
    AkBytes result;  /* readable result */
    AkBytes args;    /* JSON: the event; a request's args */
    AkBytes value;
    AkBytes error; /* JSON, shape in docs/protocol.md; ABSENT when it went well */
    AkBytes text;
    AkBytes seed, dialect, parent;
} AkRecord;

/* Appends the record's bytes to out and gives its checksum, which is the next record's
 * `previous` (0 before record 0). Fails with AK_E_NOMEM, or AK_E_TOOBIG above AK_RECORD_MAX. */
int ak_record_write(const AkRecord *record, AkBytes session, uint64_t previous, AkText *out,
                    uint64_t *sum);

/* Reads the bytes of exactly one record, which has to be number `number` of `session` and
 * follow `previous`. 0, or AK_E_CORRUPT, or AK_E_NEWER; then *why (static) says what was found.
 * Nothing is trusted before the checksum held. */
int ak_record_read(AkBytes bytes, AkBytes session, uint64_t number, uint64_t previous,
                   AkRecord *record, uint64_t *sum, const char **why);

/* The record's bytes have been copied from `from` to `to`: its slices follow. */
void ak_record_move(AkRecord *record, const char *from, const char *to);

/* "call", "ask", ...; "completed", ...: as JSON and the docs spell them. Static. */
const char *ak_record_kind_name(AkRecordKind kind);
const char *ak_state_name(AkState state);

#endif
