/* What the commands share that show what the analysis knows. */
#include "survey.h"
#include "paths.h"
#include "show.h"

#include <stdio.h>

static const char *const words[] = {"workflow", "read-only", "activity", "entry",
                                    "import",   "client",    "message"};

enum { CONTEXTS = sizeof words / sizeof *words };

int cli_survey(CliRun *run, const CliOptions *options, const CliList *paths)
{
    static CliOptions check; /* the run refers to it */
    CliReport report;
    int status;

    check = *options;
    check.words = *paths;
    status = cli_run_start(run, &check);
    for (size_t i = 0; i < run->files.problems.len; i++)
        fprintf(stderr, "aklint: %s\n", cli_list_text(&run->files.problems, i));
    if (!status && run->files.refused)
        status = 2;
    return status ? status : cli_run_pass(run, &report);
}

void cli_survey_contexts(CliBuf *out, unsigned contexts)
{
    const char *comma = "";

    for (unsigned i = 0; i < CONTEXTS; i++)
        if (contexts & 1u << i) {
            cli_buf_printf(out, "%s%s", comma, words[i]);
            comma = ", ";
        }
}

json_t *cli_survey_context_list(unsigned contexts)
{
    json_t *list = json_array();

    for (unsigned i = 0; i < CONTEXTS; i++)
        if (contexts & 1u << i)
            json_array_append_new(list, json_string(words[i]));
    return list;
}

const char *cli_survey_path(const AkPlace *place)
{
    return cli_path_shown(cli_path_from_library(place->path));
}

void cli_survey_place(json_t *object, const AkPlace *place)
{
    cli_json_set(object, "filename", cli_json_text(cli_path_from_library(place->path)));
    cli_json_set(
        object, "location",
        json_pack("{s:i, s:i}", "row", (int)place->line, "column", (int)place->column));
}

void cli_survey_call(CliBuf *out, const AkSeenCall *call)
{
    cli_buf_printf(out, "%s %s", call->how, *call->text ? call->text : call->target);
    if (!call->resolved)
        cli_buf_puts(out, ": not known");
    else if (call->target_place.path)
        cli_buf_printf(out, ": %s (%s:%u)", call->target, cli_survey_path(&call->target_place),
                       call->target_place.line);
    else if (*call->target)
        cli_buf_printf(out, ": %s", call->target);
    if (*call->effects)
        cli_buf_printf(out, "; %s", call->effects);
    else if (call->resolved && !call->target_place.path)
        cli_buf_puts(out, "; nothing is known of what it does");
    if (call->resolved && !call->proved)
        cli_buf_puts(out, "; a guess");
}

json_t *cli_survey_call_object(const AkSeenCall *call)
{
    json_t *o = json_object();

    cli_survey_place(o, &call->place);
    cli_json_set(o, "caller", cli_json_text(call->caller));
    cli_json_set(o, "text", cli_json_text(call->text));
    cli_json_set(o, "how", json_string(call->how));
    cli_json_set(o, "contexts", cli_survey_context_list(call->contexts));
    return o;
}

int cli_survey_print(CliBuf *out)
{
    int status = cli_show_text(stdout, "standard output", out);

    cli_buf_free(out);
    return status;
}
