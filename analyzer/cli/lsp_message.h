/* lsp_message.h: messages out of bytes, as they come.
 *
 * A message is a few header lines, an empty line and so many bytes of JSON. What is no message
 * is told as one with `wrong`, and reading goes on behind it. One that is larger than
 * LSP_LARGEST is passed over.
 */
#ifndef CLI_LSP_MESSAGE_H
#define CLI_LSP_MESSAGE_H

#include "mem.h"

#include <jansson.h>

enum { LSP_LARGEST = 64 << 20, LSP_HEADER_LARGEST = 16 << 10 };

enum {
    LSP_PARSE_ERROR = -32700,
    LSP_INVALID_REQUEST = -32600,
    LSP_METHOD_NOT_FOUND = -32601,
    LSP_INVALID_PARAMS = -32602,
    LSP_NOT_INITIALIZED = -32002,
    LSP_REQUEST_CANCELLED = -32800,
    LSP_CONTENT_MODIFIED = -32801,
    LSP_REQUEST_FAILED = -32803
};

typedef struct LspReader {
    CliBuf bytes;
    size_t at;   /* of bytes: what lies before was told */
    size_t skip; /* bytes to come that nobody wants */
} LspReader;

typedef struct LspMessage {
    json_t *value; /* an object with a method or a result; or NULL */
    int wrong;     /* else: an error code, and why */
    const char *why;
} LspMessage;

void lsp_reader_add(LspReader *reader, const char *bytes, size_t len);

/* The next message that is there whole; false if more bytes are needed. value is the caller's.
 */
bool lsp_reader_next(LspReader *reader, LspMessage *message);

void lsp_reader_free(LspReader *reader);

#endif
