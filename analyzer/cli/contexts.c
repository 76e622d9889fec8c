/* aklint contexts: where code of durable programs starts, what each start reaches, and the calls
 * that could not be followed. */
#include "commands.h"
#include "rules.h"
#include "survey.h"

#include <stdio.h>
#include <string.h>

static int fail(const char *sentence)
{
    fprintf(stderr, "aklint: %s\n", sentence);
    return 2;
}

/* ---- text ---- */

static void add_start(CliBuf *out, const AkStart *start, const AkReached *reached, size_t len)
{
    cli_buf_printf(out, "%s  %s:%u  [%s: ", start->text, cli_survey_path(&start->place),
                   start->place.line, cli_dialect_word(start->dialect));
    cli_survey_contexts(out, start->contexts);
    cli_buf_puts(out, "]\n");
    for (size_t i = 1; i < len; i++)
        cli_buf_printf(out, "    %s  %s:%u%s\n", reached[i].name,
                       cli_survey_path(&reached[i].place), reached[i].place.line,
                       reached[i].proved ? "" : "  (likely)");
}

static void add_unresolved(CliBuf *out, const AkSeenCall *call)
{
    cli_buf_printf(out, "    %s:%u:%u  %s %s, in %s\n", cli_survey_path(&call->place),
                   call->place.line, call->place.column, call->how,
                   *call->text ? call->text : "?", call->caller);
}

static void add_text(CliBuf *out, const CliList *checks)
{
    size_t starts_len = 0, unresolved_len = 0;
    CliBuf calls = {0};

    for (size_t c = 0; c < checks->len; c++) {
        AkCheck *check = checks->items[c];
        const AkStart *starts;
        const AkSeenCall *unresolved;
        size_t len = ak_check_starts(check, &starts), n;
        for (size_t i = 0; i < len; i++) {
            const AkReached *reached;
            n = ak_check_reached(check, i, &reached);
            add_start(out, &starts[i], reached, n);
        }
        starts_len += len;
        n = ak_check_unresolved(check, &unresolved);
        for (size_t i = 0; i < n; i++)
            add_unresolved(&calls, &unresolved[i]);
        unresolved_len += n;
    }
    cli_buf_printf(
        out, "%s%zu start%s. %zu call%s from workflow code could not be resolved%s\n",
        starts_len ? "\n" : "", starts_len, starts_len == 1 ? "" : "s", unresolved_len,
        unresolved_len == 1 ? "" : "s", unresolved_len ? "; none is taken for safe:" : ".");
    if (calls.len)
        cli_buf_add(out, calls.data, calls.len);
    cli_buf_free(&calls);
}

/* ---- JSON ---- */

static json_t *start_object(AkCheck *check, size_t number, const AkStart *start)
{
    json_t *o = json_object(), *list = json_array();
    const AkReached *reached;
    size_t len = ak_check_reached(check, number, &reached);

    cli_json_set(o, "text", cli_json_text(start->text));
    cli_json_set(o, "name", cli_json_text(start->name));
    cli_json_set(o, "dialect", json_string(cli_dialect_word(start->dialect)));
    cli_json_set(o, "contexts", cli_survey_context_list(start->contexts));
    cli_survey_place(o, &start->place);
    for (size_t i = 1; i < len; i++) {
        json_t *row = json_object();
        cli_json_set(row, "name", cli_json_text(reached[i].name));
        cli_survey_place(row, &reached[i].place);
        cli_json_set(row, "contexts", cli_survey_context_list(reached[i].contexts));
        cli_json_set(row, "proved", json_boolean(reached[i].proved));
        json_array_append_new(list, row);
    }
    cli_json_set(o, "reaches", list);
    return o;
}

static void add_json(CliBuf *out, const CliList *checks)
{
    json_t *all = json_object(), *list = json_array(), *calls = json_array();

    for (size_t c = 0; c < checks->len; c++) {
        AkCheck *check = checks->items[c];
        const AkStart *starts;
        const AkSeenCall *unresolved;
        size_t len = ak_check_starts(check, &starts);
        for (size_t i = 0; i < len; i++)
            json_array_append_new(list, start_object(check, i, &starts[i]));
        len = ak_check_unresolved(check, &unresolved);
        for (size_t i = 0; i < len; i++)
            json_array_append_new(calls, cli_survey_call_object(&unresolved[i]));
    }
    cli_json_set(all, "starts", list);
    cli_json_set(all, "unresolved", calls);
    cli_json_write(out, all, JSON_INDENT(2));
}

int cli_contexts(const CliOptions *options)
{
    bool json = options->format && !strcmp(options->format, "json");
    CliBuf out = {0};
    CliRun run;
    int status;

    if (options->format && !json && strcmp(options->format, "text"))
        return fail(
            cli_keep_format("--format is text or json here, not '%s'", options->format));
    status = cli_survey(&run, options, &options->words);
    if (!status) {
        (json ? add_json : add_text)(&out, &run.checks);
        status = cli_survey_print(&out);
    }
    cli_run_end(&run);
    return status;
}
