/* baseline.h: findings that are known and not shown.
 *
 * A finding is known by its fingerprint, which holds no line: it survives moved code. Each
 * entry stands for so many findings; a further one of the same kind is new.
 */
#ifndef CLI_BASELINE_H
#define CLI_BASELINE_H

#include "findings.h"

typedef struct CliBaseline CliBaseline;

/* Reads a file; NULL behind a sentence on standard error. With or_new a file that is not there
 * is an empty baseline. */
CliBaseline *cli_baseline_read(const char *path, bool or_new);
bool cli_baseline_is_new(const CliBaseline *baseline);

/* Takes what is known out of a report, and counts it there. */
void cli_baseline_apply(CliBaseline *baseline, CliReport *report);

/* Says on standard error which entries no finding of the last report matched, of those for
 * which is_judged says that this run would have found them. Returns how many. */
size_t cli_baseline_stale(const CliBaseline *baseline,
                          bool (*is_judged)(void *arg, const char *path, const char *code),
                          void *arg);

/* Writes the file anew: without the stale entries; with grow, with the findings of the report
 * too. 0, or 2 behind a sentence. */
int cli_baseline_write(CliBaseline *baseline, const CliReport *report, bool grow,
                       bool (*is_judged)(void *arg, const char *path, const char *code),
                       void *arg);

#endif
