/* diff.h: two texts as a unified diff. */
#ifndef CLI_DIFF_H
#define CLI_DIFF_H

#include "texts.h"

/* Adds nothing where the texts are equal. */
void cli_diff(CliBuf *out, const char *path, const CliText *old, const CliText *new);

#endif
