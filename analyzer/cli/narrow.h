/* narrow.h: of all findings, those that this run is to show.
 *
 * What was there at --changed-since and what the baseline knows is taken out of each pass,
 * notes are counted.
 */
#ifndef CLI_NARROW_H
#define CLI_NARROW_H

#include "baseline.h"
#include "run.h"

typedef struct CliNarrow {
    CliRun *run;
    CliBaseline *baseline; /* or NULL */
    CliMap old;            /* fingerprints at --changed-since */
    bool notes;            /* shown, not only counted */
} CliNarrow;

/* 0, or an exit code behind a sentence. */
int cli_narrow_start(CliNarrow *narrow, CliRun *run);

/* Checks anew; earlier reports are gone. As cli_run_pass. */
int cli_narrow_pass(const CliNarrow *narrow, CliReport *report);

/* After the last pass: says what is stale in the baseline, or writes it. 0, or 2. */
int cli_narrow_keep(CliNarrow *narrow, CliReport *report);

#endif
