/* protocol.h: JSON lines to messages and back. docs/protocol.md tells what they mean.
 *
 * Pure and bounded: a line has at most max_line bytes, JSON nests at most AK_JSON_DEPTH deep,
 * invalid UTF-8 is refused, nothing recurses. The first malformed line ends the conversation:
 * the error stays, and says what was wrong and where (the byte in the line).
 *
 *     char *room = ak_reader_room(reader, &size);
 *     ssize_t n = read(fd, room, size);
 *     ak_reader_filled(reader, (size_t)n);
 *     while ((got = ak_reader_next(reader, &message)) > 0)
 *         handle(&message);
 *     if (got < 0)
 *         fail(ak_reader_error(reader));
 */
#ifndef AK_PROTOCOL_H
#define AK_PROTOCOL_H

#include "bytes.h"
#include "engine.h"

#define AK_LINE_MAX   (16u << 20) /* bytes of one line, without its newline; the default */
#define AK_JSON_DEPTH 128         /* arrays and objects inside each other */

typedef enum AkMessageKind {
    AK_MSG_MODULE = 1,
    AK_MSG_RUN,
    AK_MSG_HISTORY,
    AK_MSG_CALLBACK,
    AK_MSG_RESPONSE,
    AK_MSG_REQUEST,
    AK_MSG_REPLY,
    AK_MSG_PRINT,
    AK_MSG_REPLAYED,
    AK_MSG_DONE
} AkMessageKind;

/* Which of two meanings `callback` and `response` have. */
typedef enum AkSide { AK_FROM_RUNNER = 1, AK_FROM_ENGINE = 2 } AkSide;

/* Strings are decoded (escapes resolved) except those marked JSON, which are slices of the line
 * as it came. Absent fields are {NULL, 0}, 0 or false; JSON null counts as absent except in
 * `value` of a reply. Slices of a read message live until the next call on its reader. */
typedef struct AkMessage {
    AkMessageKind kind;
    uint32_t proto; /* module, run: 0 where the field is missing */
    uint64_t seq;   /* 0 where the field is missing, and in a request inside a call */
    uint64_t call;  /* of such a request: the number of that call */
    uint64_t attempt;
    uint64_t replay; /* run: how many answers follow */
    uint64_t line;   /* of where */
    int64_t at_us;   /* `at` */
    uint32_t retries;
    int64_t timeout_us, backoff_us;
    bool in_memory;
    AkStream stream;
    AkBytes entries;   /* JSON: [str] */
    AkBytes functions; /* JSON */
    AkBytes python, session_id, dialect, seed;
    AkBytes name;       /* func_name, name, op */
    AkBytes event;      /* JSON */
    AkBytes args;       /* JSON: list of a callback, object of a request, records of history */
    AkBytes kw;         /* JSON */
    AkBytes value;      /* data, value (base64); of a reply JSON; of done a preview */
    AkBytes error;      /* JSON object */
    AkBytes file, func; /* of where */
    AkBytes preview, digest, text;
} AkMessage;

typedef struct AkReader AkReader;

/* max_line 0 for AK_LINE_MAX. `from` is the side that writes what is read. NULL: no memory. */
AkReader *ak_reader_new(AkSide from, size_t max_line);
void ak_reader_free(AkReader *reader);

/* Room of at least 4 KiB for the next bytes, and how much; NULL when memory ran out. Never asks
 * for more than the line limit needs. */
char *ak_reader_room(AkReader *reader, size_t *size);
void ak_reader_filled(AkReader *reader, size_t len);
/* The same by copy. 0, AK_E_NOMEM, or AK_E_TOOBIG once a line is above the limit. */
int ak_reader_feed(AkReader *reader, const void *bytes, size_t len);

/* 1 and a message; 0 when more bytes are needed; AK_E_FORMAT, AK_E_TOOBIG, AK_E_NOMEM, for
 * good. */
int ak_reader_next(AkReader *reader, AkMessage *message);
const char *ak_reader_error(const AkReader *reader); /* "" when there was none */
bool ak_reader_is_empty(const AkReader *reader);     /* no half line is left */

/* Appends one line, newline included. Fields of proto 2 are written when set, `seq` when > 0.
 * Looks like json.dumps wrote it. AK_E_NOMEM, or AK_E_MISUSE for a message that this side does
 * not send. */
int ak_message_write(const AkMessage *message, AkSide from, AkText *out);

/* The engine's words for a runner's message. Borrows its slices. AK_E_MISUSE for kinds that
 * runners do not send. */
int ak_message_event(const AkMessage *message, AkEvent *event);

/* The line for a command to the runner (RUN, HISTORY, EXECUTE, REPLY; AK_E_MISUSE for others). proto as
 * the runner's `module` had it: below 2 gives the base's bytes alone. `session_id` goes into
 * `run`. */
int ak_command_line(const AkCommand *command, uint32_t proto, AkBytes session_id, AkText *out);

#endif
