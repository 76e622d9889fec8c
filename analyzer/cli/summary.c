/* The last lines of the output for people: how much was found, in how much. */
#include "findings.h"
#include "rules.h"

#include <stdlib.h>
#include <string.h>

static void add_count(CliBuf *out, size_t n, const char *what, const char *comma)
{
    cli_buf_printf(out, "%s%zu %s%s", comma, n, what, n == 1 ? "" : "s");
}

static void add_levels(const CliReport *report, CliBuf *out)
{
    const char *comma = "";

    for (AkLevel level = AK_ERROR; level <= AK_NOTE; level++) {
        if (!report->by_level[level])
            continue;
        add_count(out, report->by_level[level], cli_level_word(level), comma);
        comma = ", ";
    }
}

static void add_work(const CliReport *report, CliBuf *out)
{
    add_count(out, report->counts.files, "file", "");
    cli_buf_puts(out, " checked");
    add_count(out, report->counts.functions, "function", ", ");
    cli_buf_puts(out, " analysed");
    add_count(out, report->counts.unresolved, "call", ", ");
    cli_buf_puts(out, " unresolved");
    if (report->counts.silenced)
        cli_buf_printf(out, ", %zu silenced", report->counts.silenced);
    if (report->known)
        cli_buf_printf(out, ", %zu in the baseline", report->known);
    cli_buf_puts(out, ".\n");
}

static void add_hidden(const CliReport *report, CliBuf *out)
{
    if (report->hidden_notes) {
        add_count(out, report->hidden_notes, "note", " (");
        cli_buf_puts(out, " hidden: --show notes)");
    }
}

void cli_print_summary(const CliReport *report, CliBuf *out)
{
    const char *good = report->color ? "\033[1;32m" : "",
               *reset = report->color ? "\033[0m" : "";

    if (report->quiet)
        return;
    if (report->count) {
        cli_buf_puts(out, "Found ");
        add_levels(report, out);
        add_hidden(report, out);
        cli_buf_puts(out, ". ");
    } else {
        if (report->partial)
            cli_buf_puts(out, "Nothing found in what could be read");
        else if (!report->counts.files)
            cli_buf_puts(out, "No Python file to check");
        else
            cli_buf_printf(out, "%sAll clear%s", good, reset);
        add_hidden(report, out);
        cli_buf_puts(out, ": ");
    }
    add_work(report, out);
    if (report->fixable)
        cli_buf_printf(out, "%zu fixable with --fix", report->fixable);
    if (report->unsafely_fixable)
        cli_buf_printf(out,
                       report->fixable ? ", %zu more with --unsafe-fixes"
                                       : "%zu fixable with --fix --unsafe-fixes",
                       report->unsafely_fixable);
    if (report->fixable || report->unsafely_fixable)
        cli_buf_puts(out, ".\n");
}

typedef struct Tally {
    const AkRule *rule;
    size_t count, fixable;
} Tally;

static int by_count(const void *a, const void *b)
{
    const Tally *x = a, *y = b;

    if (x->count != y->count)
        return x->count < y->count ? 1 : -1;
    return strcmp(ak_rule_id(x->rule), ak_rule_id(y->rule));
}

void cli_print_statistics(const CliReport *report, CliBuf *out)
{
    size_t n = ak_rule_count();
    Tally *tallies = cli_keep((n + 1) * sizeof *tallies);

    for (size_t i = 0; i < n; i++)
        tallies[i].rule = ak_rule_at(i);
    for (size_t i = 0; i < report->count; i++) {
        Tally *tally = &tallies[cli_rule_index(report->items[i].f->rule)];
        tally->count++;
        tally->fixable += cli_has_fix(report->items[i].f);
    }
    qsort(tallies, n, sizeof *tallies, by_count);
    for (size_t i = 0; i < n && tallies[i].count; i++)
        cli_buf_printf(out, "%6zu  %s  %s%s\n", tallies[i].count, ak_rule_id(tallies[i].rule),
                       ak_rule_name(tallies[i].rule), tallies[i].fixable ? " [*]" : "");
}

bool cli_has_fix(const AkFinding *f)
{
    return f->fix != AK_FIX_NONE && f->edits_len;
}
