/* Code lenses, and hover on a line without a finding. */
#include "lsp_map.h"
#include "json.h"
#include "paths.h"
#include "rules.h"

#include <aklint.h>
#include <stdlib.h>
#include <string.h>

static const char *context_word(unsigned bit)
{
    switch (bit) {
    case AK_CTX_WORKFLOW: return "workflow code: it must do the same again when it is replayed";
    case AK_CTX_READONLY: return "a query or validator: it may change nothing";
    case AK_CTX_ACTIVITY: return "an activity";
    case AK_CTX_ENTRY: return "an entry point's code";
    case AK_CTX_IMPORT: return "the import of a durable program's module";
    case AK_CTX_SIGNAL: return "a handler of messages";
    default: return "a client, worker or test";
    }
}

static void add_place(const LspCheck *check, const AkPlace *place, CliBuf *out)
{
    const char *path = cli_path_from_library(place->path), *name = strrchr(path, '/');
    char *uri = lsp_uri(lsp_check_world(check), path);

    cli_buf_printf(out, "[%s:%u](%s#L%u)", name ? name + 1 : path, place->line, uri,
                   place->line);
    free(uri);
}

static void add_way(const LspCheck *check, const AkRunsIn *runs, CliBuf *out)
{
    for (size_t i = 0; i < runs->trail_len; i++) {
        cli_buf_printf(out, "%zu. %s (", i + 1, runs->trail[i].text);
        add_place(check, &runs->trail[i].place, out);
        cli_buf_puts(out, ")\n");
    }
    if (runs->trail_len)
        cli_buf_putc(out, '\n');
}

static void add_call(const LspCheck *check, const AkSeenCall *call, CliBuf *out)
{
    cli_buf_printf(out, "- `%s`: ", call->text);
    if (call->target_place.path) {
        cli_buf_printf(out, "`%s` (", call->target);
        add_place(check, &call->target_place, out);
        cli_buf_putc(out, ')');
    } else if (!call->resolved) {
        cli_buf_puts(out, "not known what it calls");
    } else {
        cli_buf_printf(out, "`%s`%s%s", call->target, *call->effects ? ", " : "",
                       call->effects);
    }
    cli_buf_putc(out, '\n');
}

static void add_runs(const LspCheck *check, AkCheck *done, const char *path, uint32_t line,
                     bool trail, CliBuf *out)
{
    const AkRunsIn *runs;
    size_t count = ak_check_runs_in(done, path, line, &runs);
    const AkSeenCall *calls;

    for (size_t i = 0; i < count; i++) {
        if (runs[i].context == AK_CTX_CLIENT)
            continue;
        if (!strcmp(runs[i].function, "<module>"))
            cli_buf_puts(out, "The module's top level");
        else
            cli_buf_printf(out, "`%s`", runs[i].function);
        cli_buf_printf(out, " runs as %s (%s%s).\n\n", context_word(runs[i].context),
                       cli_dialect_word(runs[i].dialect), runs[i].proved ? "" : ", likely");

        if (trail)
            add_way(check, &runs[i], out);
    }
    if (!out->len)
        return;
    count = ak_check_calls_on(done, path, line, &calls);
    for (size_t i = 0; i < count; i++)
        add_call(check, &calls[i], out);
}

void lsp_line(const LspCheck *check, const LspDocument *document, size_t line, bool trail,
              CliBuf *out)
{
    const CliList *checks = lsp_check_done(check);
    CliBuf found = {0};

    for (size_t i = 0; i < checks->len && document->path; i++)
        add_runs(check, checks->items[i], cli_path_to_library(document->path),
                 (uint32_t)line + 1, trail, &found);
    if (found.len)
        cli_buf_add(out, found.data, found.len);
    cli_buf_free(&found);
}

/* "workflow Order.run" without its name. */
static void add_kind(const AkStart *start, CliBuf *out)
{
    size_t all = strlen(start->text), name = strlen(start->name);

    if (all > name + 1 && !strcmp(start->text + all - name, start->name))
        cli_buf_add(out, start->text, all - name - 1);
    else
        cli_buf_puts(out, start->text);
}

static json_t *lens_of(const LspCheck *check, const LspDocument *document, AkCheck *done,
                       size_t i, const AkStart *start)
{
    LspUnits units = lsp_check_world(check)->units;
    const AkPlace *p = &start->place;
    const AkReached *reached;
    size_t count = ak_check_reached(done, i, &reached);
    CliBuf title = {0};
    json_t *lens = json_object();

    count -= count > 0; /* itself */
    add_kind(start, &title);
    cli_buf_printf(&title, " · reaches %zu function%s", count, count == 1 ? "" : "s");
    cli_json_set(lens, "range",
                 lsp_range(lsp_text_place(&document->text, units, p->line, p->column),
                           lsp_text_place(&document->text, units, p->end_line, p->end_column)));
    cli_json_set(lens, "command",
                 json_pack("{s:o, s:s}", "title", cli_json_text(title.data), "command", ""));
    cli_buf_free(&title);
    return lens;
}

json_t *lsp_code_lens(const LspCheck *check, const LspDocument *document)
{
    const CliList *checks = lsp_check_done(check);
    json_t *lenses = json_array();

    for (size_t k = 0; k < checks->len && document->path; k++) {
        AkCheck *done = checks->items[k];
        const AkStart *starts;
        size_t count = ak_check_starts(done, &starts);
        for (size_t i = 0; i < count; i++)
            if (!strcmp(cli_path_from_library(starts[i].place.path), document->path))
                json_array_append_new(lenses, lens_of(check, document, done, i, &starts[i]));
    }
    return lenses;
}

size_t lsp_functions(const LspCheck *check)
{
    const CliList *checks = lsp_check_done(check);
    size_t all = 0;

    for (size_t i = 0; i < checks->len; i++) {
        AkCounts counts;
        ak_check_counts(checks->items[i], &counts);
        all += counts.functions;
    }
    return all;
}
