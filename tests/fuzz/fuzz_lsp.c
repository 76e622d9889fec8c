/* fuzz_lsp: bytes on a language server's standard input, in two pieces, and the edits that they
 * tell applied to a text. The places of a text lead back to where they came from. */
#include "cli/lsp_message.h"
#include "cli/lsp_text.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds)
{
    if (!holds)
        abort();
}

static LspPlace place_of(const json_t *value)
{
    json_int_t line = json_integer_value(json_object_get(value, "line"));
    json_int_t character = json_integer_value(json_object_get(value, "character"));

    return (LspPlace){line < 0 ? 0 : (size_t)line, character < 0 ? 0 : (size_t)character};
}

static void edit(LspText *text, LspUnits units, const json_t *message)
{
    const json_t *params = json_object_get(message, "params");
    const json_t *changes = json_object_get(params, "contentChanges");

    for (size_t i = 0; i < json_array_size(changes) && i < 8; i++) {
        const json_t *change = json_array_get(changes, i),
                     *range = json_object_get(change, "range");
        const json_t *new_text = json_object_get(change, "text");
        if (json_is_string(new_text))
            lsp_text_change(text, units, place_of(json_object_get(range, "start")),
                            place_of(json_object_get(range, "end")),
                            json_string_value(new_text), json_string_length(new_text));
    }
}

/* Each character's place means that character. */
static void walk(const LspText *text, LspUnits units)
{
    for (size_t line = 0; line < text->lines && line < 50; line++) {
        size_t end = lsp_text_line_end(text, line);
        size_t last = text->starts[line];
        check(end >= last && end <= text->len);
        for (uint32_t column = 1; column < 20 && last < end; column++) {
            LspPlace place = lsp_text_place(text, units, (uint32_t)line + 1, column);
            size_t at = lsp_text_offset(text, units, place);
            check(place.line == line && at >= last && at <= end);
            last = at;
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char start[] = "a\xC3\xA9\xF0\x9F\x98\x80z\r\nb\rc\n";
    LspReader reader = {0};
    LspMessage message;
    LspText text = {0};
    LspUnits units = size ? (LspUnits)(data[0] % 3) : LSP_UTF8;

    lsp_text_set(&text, start, sizeof start - 1);
    for (int piece = 0; piece < 2; piece++) {
        size_t from = piece ? size / 2 : 0, to = piece ? size : size / 2;
        lsp_reader_add(&reader, (const char *)data + from, to - from);
        while (lsp_reader_next(&reader, &message)) {
            check(!message.value == (message.wrong != 0));
            edit(&text, units, message.value);
            json_decref(message.value);
        }
    }
    walk(&text, units);
    lsp_text_free(&text);
    lsp_reader_free(&reader);
    return 0;
}
