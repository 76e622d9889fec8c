/* lsp_text.h: a text in an editor: its lines, the editor's places in it, its changes.
 *
 * A place is a line and a character from 0; what a character counts is agreed with the editor.
 * A place behind a line's end means that end, one behind the text means the text's end.
 */
#ifndef CLI_LSP_TEXT_H
#define CLI_LSP_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum LspUnits { LSP_UTF16, LSP_UTF8, LSP_UTF32 } LspUnits;

typedef struct LspPlace {
    size_t line, character;
} LspPlace;

/* Owned by whoever makes it; data has 64 zero bytes behind len. */
typedef struct LspText {
    char *data;
    size_t len;
    size_t *starts; /* bytes where lines begin */
    size_t lines;   /* at least 1 */
} LspText;

void lsp_text_set(LspText *text, const char *data, size_t len);
void lsp_text_free(LspText *text);

/* Puts new in the place of [from, to). false, and nothing is changed, if to lies before from.
 */
bool lsp_text_change(LspText *text, LspUnits units, LspPlace from, LspPlace to,
                     const char *new_text, size_t len);

size_t lsp_text_offset(const LspText *text, LspUnits units, LspPlace place);

/* The place of a line and a column as the library counts them: from 1, in characters. */
LspPlace lsp_text_place(const LspText *text, LspUnits units, uint32_t line, uint32_t column);

/* Where a line's characters end, before its line end; line from 0. */
size_t lsp_text_line_end(const LspText *text, size_t line);

#endif
