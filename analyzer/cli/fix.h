/* fix.h: findings' edits, and comments that silence them, applied to files.
 *
 * Edits are gathered in memory, and the library checks the outcome before anything is written.
 * A file whose new text does not parse is left as it is.
 */
#ifndef CLI_FIX_H
#define CLI_FIX_H

#include "run.h"

typedef struct CliFixes {
    CliRun *run;
    bool unsafe;
    CliMap by_path;
    CliList files; /* those whose text differs from the disk's, or differed */
    size_t applied;
} CliFixes;

/* Applies what fits together of the report's fixes; returns how many. After each round that
 * returns more than 0 the caller checks anew. */
size_t cli_fix_round(CliFixes *fixes, const CliReport *report);

/* After a check: takes texts back that no longer parse. true: check anew. */
bool cli_fix_retract(CliFixes *fixes);

/* Adds "# aklint: allow RULE -- reason" where it silences each finding; returns how many lines.
 */
size_t cli_fix_allow(CliFixes *fixes, const CliReport *report, const char *reason);

/* How many files have a new text. */
size_t cli_fix_count(const CliFixes *fixes);
void cli_fix_diff(const CliFixes *fixes, CliBuf *out);
/* Writes the files; standard input's new text goes to out. 0, or 2 behind sentences. */
int cli_fix_write(const CliFixes *fixes, CliBuf *out);

#endif
