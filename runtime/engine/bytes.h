/* bytes.h: the few shapes that everything in the runtime passes around: a slice of bytes, a
 * growing text, the faults that functions return.
 *
 * A slice borrows. Who lends it, and for how long, is said where it is lent. It may hold any
 * byte, NUL included, and is not NUL-terminated unless its owner says so. {NULL, 0} is
 * "absent", which is not the same as empty.
 */
#ifndef AK_BYTES_H
#define AK_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct AkBytes {
    const char *at;
    size_t len;
} AkBytes;

/* Functions that can fail return 0 (or a count) or one of these, all negative. The words are
 * kept by the object that was asked: ak_run_error(), ak_reader_error(), ak_store_error(). */
typedef enum AkFault {
    AK_E_NOMEM = -1,  /* memory ran out */
    AK_E_MISUSE = -2, /* the caller broke a contract of the header (no transaction open, ...) */
    AK_E_ENDED = -3,  /* a finished session takes no event */
    AK_E_CORRUPT = -4, /* a record, a row or a file is not what was written */
    AK_E_TOOBIG = -5,  /* a line, a record, a value above its limit */
    AK_E_FORMAT = -6,  /* not JSON, not UTF-8, an unknown type, a missing field */
    AK_E_FENCE = -7,   /* somebody else has appended to this session */
    AK_E_ABSENT = -8,  /* nothing by that name */
    AK_E_EXISTS = -9,  /* there is something by that name */
    AK_E_FULL =
        -10, /* the disk is full, or a counted limit is reached; try again when there is room */
    AK_E_IO = -11,     /* the disk refused; after a failed sync the store has to be reopened */
    AK_E_BUSY = -12,   /* another server holds this store */
    AK_E_NEWER = -13,  /* written by a newer version of this program */
    AK_E_UNSAFE = -14, /* others may write to the store's files */
    AK_E_STOPPED = -15 /* a callback asked to stop */
} AkFault;

/* "out of memory", "corrupt", ... for a fault; static. */
const char *ak_fault_name(int fault);

AkBytes ak_bytes(const char *text); /* of a C string; NULL gives {NULL, 0} */
bool ak_bytes_equal(AkBytes a, AkBytes b);
bool ak_bytes_is(AkBytes a, const char *text);

/* A text that grows. Start from {0}; free with ak_text_free. When memory runs out, `failed` is
 * set, further additions do nothing, and what was there stays: so test once, at the end. The
 * bytes are always followed by a NUL that len does not count (once something was added). */
typedef struct AkText {
    char *at;
    size_t len, room;
    bool failed;
} AkText;

void ak_text_add(AkText *text, const void *bytes, size_t len);
void ak_text_str(AkText *text, const char *string);
void ak_text_bytes(AkText *text, AkBytes bytes);
void ak_text_int(AkText *text, int64_t number);
void ak_text_seconds(AkText *text, int64_t micros); /* 1500000 gives 1.5; exact */
void ak_text_json(AkText *text,
                  AkBytes bytes); /* quoted and ASCII-escaped, as json.dumps does */
void ak_text_clear(AkText *text); /* keeps the room */
void ak_text_free(AkText *text);

#endif
