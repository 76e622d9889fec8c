/* lsp_answer.h: what an editor asks about a place, from the records of the last check. */
#ifndef CLI_LSP_ANSWER_H
#define CLI_LSP_ANSWER_H

#include "lsp_check.h"

/* Answers of textDocument/hover and textDocument/codeAction; the caller's. records: those of
 * the document, or NULL. */
json_t *lsp_hover(const LspCheck *check, const LspDocument *document, const json_t *records,
                  LspPlace place);
json_t *lsp_code_actions(const LspDocument *document, const json_t *records,
                         const json_t *params);

/* {line, character} of JSON; false if it is none. */
bool lsp_place_read(const json_t *value, LspPlace *place);

#endif
