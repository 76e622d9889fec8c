/* changed.h: which findings a change caused.
 *
 * The sources as they were at a commit are checked as well, and findings that were there then
 * are left out. So a change in a helper shows what it does three files away, and moved code is
 * silent.
 */
#ifndef CLI_CHANGED_H
#define CLI_CHANGED_H

#include "run.h"

/* Counts the findings at the commit where ref and HEAD parted, by fingerprint. 0, or an exit
 * code behind a sentence. */
int cli_changed_read(CliRun *run, const char *ref, CliMap *old);

/* Takes findings that were there out of a report. */
void cli_changed_apply(const CliMap *old, CliReport *report);

#endif
