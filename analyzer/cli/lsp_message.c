/* Header, length, JSON. */
#include "lsp_message.h"

#include <string.h>
#include <strings.h>

void lsp_reader_add(LspReader *reader, const char *bytes, size_t len)
{
    size_t skipped = reader->skip < len ? reader->skip : len;

    reader->skip -= skipped;
    /* What was told goes when it is the larger part, so that each byte is moved seldom. */
    if (reader->at > reader->bytes.len / 2) {
        memmove(reader->bytes.data, reader->bytes.data + reader->at,
                reader->bytes.len - reader->at);
        reader->bytes.len -= reader->at;
        reader->at = 0;
    }
    cli_buf_add(&reader->bytes, bytes + skipped, len - skipped);
}

void lsp_reader_free(LspReader *reader)
{
    cli_buf_free(&reader->bytes);
    *reader = (LspReader){0};
}

static const char *find(const char *text, size_t len, const char *word)
{
    size_t n = strlen(word);

    for (size_t i = 0; i + n <= len; i++)
        if (!memcmp(text + i, word, n))
            return text + i;
    return NULL;
}

/* The length that a header tells, or -1. */
static long long length_of(const char *header, size_t len)
{
    static const char name[] = "Content-Length:";
    long long length = -1;

    while (len) {
        const char *end = find(header, len, "\r\n");
        size_t line = end ? (size_t)(end - header) : len;
        if (line > sizeof name - 1 && !strncasecmp(header, name, sizeof name - 1)) {
            const char *p = header + sizeof name - 1, *stop = header + line;
            while (p < stop && *p == ' ')
                p++;
            length = p < stop ? 0 : -1;
            for (; p < stop && length >= 0; p++)
                length = *p >= '0' && *p <= '9' && length < (1LL << 50)
                             ? length * 10 + (*p - '0')
                             : -1;
        }
        header += line + (end ? 2 : 0);
        len -= line + (end ? 2 : 0);
    }
    return length;
}

static LspMessage wrong(int code, const char *why)
{
    return (LspMessage){.wrong = code, .why = why};
}

static LspMessage parse(const char *body, size_t len)
{
    json_t *value = json_loadb(body, len, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);

    if (!value)
        return wrong(LSP_PARSE_ERROR, "the message is no JSON");
    if (json_is_string(json_object_get(value, "method")) || json_object_get(value, "result") ||
        json_object_get(value, "error"))
        return (LspMessage){.value = value};
    json_decref(value);
    return wrong(LSP_INVALID_REQUEST, "the message is no object with a method");
}

static void pass_over(LspReader *reader, long long length)
{
    size_t there = reader->bytes.len - reader->at, all = (size_t)length;
    size_t now = all < there ? all : there;

    reader->at += now;
    reader->skip = all - now;
}

bool lsp_reader_next(LspReader *reader, LspMessage *message)
{
    const char *start = reader->bytes.data + reader->at, *end;
    size_t there = reader->bytes.len - reader->at, header;
    long long length;

    if (!there)
        return false;
    end = find(start, there < LSP_HEADER_LARGEST ? there : LSP_HEADER_LARGEST, "\r\n\r\n");
    if (!end && there < LSP_HEADER_LARGEST)
        return false;
    if (!end) {
        reader->at = reader->bytes.len;
        *message = wrong(LSP_INVALID_REQUEST, "the header does not end");
        return true;
    }
    header = (size_t)(end - start) + 4;
    length = length_of(start, header - 2);
    if (length < 0 || length > LSP_LARGEST) {
        reader->at += header;
        *message = wrong(LSP_INVALID_REQUEST, length < 0 ? "the header tells no Content-Length"
                                                         : "the message is too large");
        if (length > 0)
            pass_over(reader, length);
        return true;
    }
    if (there - header < (size_t)length)
        return false;
    *message = parse(start + header, (size_t)length);
    reader->at += header + (size_t)length;
    return true;
}
