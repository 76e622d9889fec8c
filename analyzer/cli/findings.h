/* findings.h: what a run shows, as the printers get it. */
#ifndef CLI_FINDINGS_H
#define CLI_FINDINGS_H

#include "mem.h"
#include "texts.h"

#include <aklint.h>

typedef struct CliFinding {
    const AkFinding *f;
    AkLevel level;    /* with the settings of its file */
    const char *path; /* absolute */
} CliFinding;

typedef struct CliReport {
    CliFinding *items; /* sorted by path, place, rule */
    size_t count;
    size_t by_level[3];               /* of items */
    size_t hidden_notes;              /* beside items */
    size_t known;                     /* left out: the baseline lists them */
    size_t fixable, unsafely_fixable; /* of items; the second beside the first */
    AkCounts counts;
    CliTexts *texts;
    bool color, quiet, statistics;
    bool partial; /* something asked for could not be read */
} CliReport;

typedef void (*CliPrint)(const CliReport *report, CliBuf *out);

/* NULL if there is no such format. */
CliPrint cli_print_find(const char *format);
const char *cli_print_nearest(const char *format);

void cli_print_text(const CliReport *report, CliBuf *out);
void cli_print_concise(const CliReport *report, CliBuf *out);
void cli_print_grouped(const CliReport *report, CliBuf *out);
void cli_print_json(const CliReport *report, CliBuf *out);
void cli_print_json_lines(const CliReport *report, CliBuf *out);
void cli_print_sarif(const CliReport *report, CliBuf *out);
void cli_print_github(const CliReport *report, CliBuf *out);
void cli_print_gitlab(const CliReport *report, CliBuf *out);
void cli_print_junit(const CliReport *report, CliBuf *out);
void cli_print_rdjson(const CliReport *report, CliBuf *out);
void cli_print_azure(const CliReport *report, CliBuf *out);
void cli_print_pylint(const CliReport *report, CliBuf *out);

/* Shared by the printers for people. */
void cli_print_summary(const CliReport *report, CliBuf *out);
void cli_print_statistics(const CliReport *report, CliBuf *out);
bool cli_has_fix(const AkFinding *f);

#endif
