/* Lines end with \n, \r\n or \r, in the protocol as in Python. Bytes that are no UTF-8 count as
 * one character each. */
#include "lsp_text.h"
#include "mem.h"
#include "utf8.h"

#include <stdlib.h>
#include <string.h>

enum { BEHIND = 64 };

static void find_lines(LspText *text)
{
    size_t room = 64, n = 1;

    free(text->starts);
    text->starts = cli_malloc(room * sizeof *text->starts);
    text->starts[0] = 0;
    for (size_t i = 0; i < text->len; i++) {
        char c = text->data[i];
        if (c != '\n' && !(c == '\r' && text->data[i + 1] != '\n'))
            continue;
        if (n == room) {
            room *= 2;
            text->starts = cli_realloc(text->starts, room * sizeof *text->starts);
        }
        text->starts[n++] = i + 1;
    }
    text->lines = n;
}

void lsp_text_set(LspText *text, const char *data, size_t len)
{
    char *copy = cli_malloc(len + BEHIND);

    if (len)
        memcpy(copy, data, len);
    memset(copy + len, 0, BEHIND);
    free(text->data);
    text->data = copy;
    text->len = len;
    find_lines(text);
}

void lsp_text_free(LspText *text)
{
    free(text->data);
    free(text->starts);
    *text = (LspText){0};
}

size_t lsp_text_line_end(const LspText *text, size_t line)
{
    size_t end = line + 1 < text->lines ? text->starts[line + 1] : text->len;
    size_t start = line < text->lines ? text->starts[line] : text->len;

    if (end > start && text->data[end - 1] == '\n')
        end--;
    if (end > start && text->data[end - 1] == '\r')
        end--;
    return end;
}

static size_t units_of(LspUnits units, uint32_t code, size_t bytes)
{
    switch (units) {
    case LSP_UTF8: return bytes;
    case LSP_UTF16: return code != UINT32_MAX && code > 0xFFFF ? 2 : 1;
    default: return 1;
    }
}

size_t lsp_text_offset(const LspText *text, LspUnits units, LspPlace place)
{
    size_t at, end, counted = 0;

    if (place.line >= text->lines)
        return text->len;
    at = text->starts[place.line];
    end = lsp_text_line_end(text, place.line);
    while (at < end) {
        uint32_t code;
        size_t bytes = cli_utf8_next(text->data + at, end - at, &code);
        counted += units_of(units, code, bytes);
        if (counted > place.character)
            break;
        at += bytes;
    }
    return at;
}

LspPlace lsp_text_place(const LspText *text, LspUnits units, uint32_t line, uint32_t column)
{
    LspPlace place = {line ? line - 1 : 0, 0};
    size_t at, end;

    if (place.line >= text->lines) {
        place.line = text->lines - 1;
        column = UINT32_MAX;
    }
    at = text->starts[place.line];
    end = lsp_text_line_end(text, place.line);
    for (uint32_t c = 1; c < column && at < end; c++) {
        uint32_t code;
        size_t bytes = cli_utf8_next(text->data + at, end - at, &code);
        place.character += units_of(units, code, bytes);
        at += bytes;
    }
    return place;
}

bool lsp_text_change(LspText *text, LspUnits units, LspPlace from, LspPlace to,
                     const char *new_text, size_t len)
{
    size_t start = lsp_text_offset(text, units, from), end = lsp_text_offset(text, units, to);
    size_t rest = text->len - end;
    char *changed;

    if (end < start)
        return false;
    changed = cli_malloc(start + len + rest + BEHIND);
    memcpy(changed, text->data, start);
    if (len)
        memcpy(changed + start, new_text, len);
    memcpy(changed + start + len, text->data + end, rest);
    memset(changed + start + len + rest, 0, BEHIND);
    free(text->data);
    text->data = changed;
    text->len = start + len + rest;
    find_lines(text);
    return true;
}
