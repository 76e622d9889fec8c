/* show.h: where a report goes. */
#ifndef CLI_SHOW_H
#define CLI_SHOW_H

#include "findings.h"
#include "options.h"

#include <stdio.h>

/* 0, or 2 behind a sentence about a format that there is not. */
int cli_show_check(const CliOptions *options);

/* To standard output, and to the files of --output. 0, 2 behind a sentence, or 130. */
int cli_show(const CliOptions *options, const CliReport *report);

/* The same for any text. */
int cli_show_text(FILE *file, const char *name, const CliBuf *out);

#endif
