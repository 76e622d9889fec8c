/* process.h: another program, asked once. */
#ifndef CLI_PROCESS_H
#define CLI_PROCESS_H

#include "mem.h"

/* Runs argv (NULL-ended, found in PATH) and adds what it writes to out. Its standard error is
 * dropped. Returns its exit code, or -1 if it cannot be run or was killed. */
int cli_process(const char *const *argv, CliBuf *out);

#endif
