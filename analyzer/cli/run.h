/* run.h: one pass of the library over the files, and its findings under the user's settings.
 *
 * Sources whose settings differ in what the library is told (dialect, entry points, calls, …)
 * are checked apart; each sees the others as known files.
 */
#ifndef CLI_RUN_H
#define CLI_RUN_H

#include "cache.h"
#include "files.h"
#include "findings.h"
#include "options.h"
#include "python.h"
#include "texts.h"
#include "threads.h"

typedef struct CliRun {
    CliTexts *texts; /* first: what cli_texts_read expects of its payload */
    const CliOptions *options;
    CliTexts own_texts;
    CliConfigs configs;
    CliFiles files;
    CliThreads *threads;
    CliPython *python;
    CliList entries; /* of the command line, absolute */
    unsigned dialects;
    int fail_on; /* AkLevel, or -1: as the settings say */
    bool show_notes;
    char *stdin_text;
    const char *stdin_path;  /* absolute, or NULL */
    CliList manifest_texts;  /* CliText, given back at the end */
    CliList checks;          /* AkCheck */
    CliList notices;         /* of the last pass */
    AkMemory *memory;        /* what blocks said in earlier passes; the caller's, or NULL */
    CliCache *cache;         /* of whoever wants findings alone; or NULL */
    CliMemo *memo;           /* of the check that runs; or NULL */
    CliBuf told;             /* what all checks are told, for the cache */
    CliList known;           /* CliRecord, in the place of checks */
    bool (*stop)(void *arg); /* ends a pass, as Ctrl-C does; any thread; or NULL */
    void *stop_arg;
} CliRun;

/* Finds the files. 0, or an exit code behind a sentence on standard error. */
int cli_run_start(CliRun *run, const CliOptions *options);

/* Checks all files, with the texts given to run->texts in their place. The findings are all
 * there are, notes too; they live until cli_run_forget or cli_run_end. 0, 2 (said) or 130. */
int cli_run_pass(CliRun *run, CliReport *report);
void cli_run_forget(CliRun *run);

void cli_run_end(CliRun *run);

#endif
