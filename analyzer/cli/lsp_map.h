/* lsp_map.h: where code runs, as an editor shows it: above a start, and for the line under the
 * pointer. From the last check; nothing is known while there is none. */
#ifndef CLI_LSP_MAP_H
#define CLI_LSP_MAP_H

#include "lsp_check.h"

/* The answer of textDocument/codeLens: "workflow · reaches 12 functions"; the caller's. */
json_t *lsp_code_lens(const LspCheck *check, const LspDocument *document);

/* Adds to out why a line (from 0) runs in which context, by which way, and what is called on it.
 * Nothing where no durable code runs. trail: false where a finding has told the way already. */
void lsp_line(const LspCheck *check, const LspDocument *document, size_t line, bool trail,
              CliBuf *out);

/* How many functions run in a context: another number means that lenses may differ. */
size_t lsp_functions(const LspCheck *check);

#endif
