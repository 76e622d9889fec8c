/* diff.h: two texts as a unified diff. */
#ifndef CLI_DIFF_H
#define CLI_DIFF_H

#include "mem.h"

/* Adds nothing where the texts are equal. */
void cli_diff(CliBuf *out, const char *path, const char *old, size_t old_len, const char *new,
              size_t new_len);

#endif
