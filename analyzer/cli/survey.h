/* survey.h: what the commands share that show what the analysis knows. */
#ifndef CLI_SURVEY_H
#define CLI_SURVEY_H

#include "json.h"
#include "run.h"

/* Finds and checks what the words name (this folder where they name nothing). 0, or an exit code
 * behind a sentence. cli_run_end in any case. */
int cli_survey(CliRun *run, const CliOptions *options, const CliList *words);

/* "workflow, entry" of bits of AkContext, and the same as a list. */
void cli_survey_contexts(CliBuf *out, unsigned contexts);
json_t *cli_survey_context_list(unsigned contexts);

const char *cli_survey_path(const AkPlace *place); /* as people see it */

/* Sets filename and location. */
void cli_survey_place(json_t *object, const AkPlace *place);

/* How a call reads: "calls helper.stamp → app.stamps.stamp (app/stamps.py:3)". */
void cli_survey_call(CliBuf *out, const AkSeenCall *call);
json_t *cli_survey_call_object(const AkSeenCall *call);

int cli_survey_print(CliBuf *out); /* to standard output; frees it. 0 or 2 */

#endif
