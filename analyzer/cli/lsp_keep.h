/* lsp_keep.h: what stays to be seen while somebody types.
 *
 * A text that does not parse hides what was found in it and through it. As long as it does not, the
 * findings of the last time that it did stay where the text has not changed since, moved along
 * with their lines; where it has changed, the new ones are shown.
 */
#ifndef CLI_LSP_KEEP_H
#define CLI_LSP_KEEP_H

#include "lsp_check.h"

typedef struct LspKeep LspKeep;

LspKeep *lsp_keep_new(void);
void lsp_keep_free(LspKeep *keep);

/* What to show of records, which it takes over; the caller's. */
json_t *lsp_keep_merge(LspKeep *keep, const LspWorld *world, json_t *records);

/* A file changed otherwise: what was found in it is not kept. NULL: any may have. */
void lsp_keep_drop(LspKeep *keep, const char *path);

#endif
