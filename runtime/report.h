/* Sessions as people and programs read them: the end of one, its steps, its row. */
#ifndef AK_REPORT_H
#define AK_REPORT_H

#include <stdbool.h>
#include <stdio.h>

#include "store.h"

/* An error of docs/protocol.md, as Python prints tracebacks. */
void ak_report_error(FILE *to, AkBytes error_json);
/* The same as a text, for free. */
char *ak_report_error_text(AkBytes error_json);

/* "1.2 ms", "3.4 s", "2 h 5 min" */
const char *ak_report_length(int64_t us, char *text, size_t size);
/* Local time, "2024-05-01 12:00:03.120". */
const char *ak_report_time(int64_t us, char *text, size_t size);

/* One step of a session: a line of the timeline, or an object. A start record, prints and the
 * end are steps too. `colour` for terminals. */
void ak_report_step(FILE *to, const AkRecord *record, bool colour);
void ak_report_step_json(FILE *to, const AkRecord *record);

/* A row of `ak session list`, and the whole of `ak session get`. */
void ak_report_session_row(FILE *to, const AkSession *session);
void ak_report_session(FILE *to, const AkSession *session);
void ak_report_session_json(FILE *to, const AkSession *session);

/* Bytes of the outside world on a terminal: control characters are made visible. */
void ak_report_text(FILE *to, AkBytes text);

#endif
