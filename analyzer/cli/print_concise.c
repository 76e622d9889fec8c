/* A line a finding, as compilers write it: editors read it without being told how. */
#include "findings.h"
#include "paths.h"
#include "rules.h"
#include "utf8.h"

#include <string.h>

static void add_rest(CliBuf *out, const CliFinding *item)
{
    const AkFinding *f = item->f;

    cli_buf_printf(out, "%u:%u: %s: %s %s", f->place.line, f->place.column,
                   cli_level_word(item->level), ak_rule_id(f->rule),
                   cli_has_fix(f) ? "[*] " : "");
    cli_utf8_show(out, f->message);
    cli_buf_putc(out, '\n');
}

void cli_print_concise(const CliReport *report, CliBuf *out)
{
    for (size_t i = 0; i < report->count; i++) {
        cli_utf8_show(out, cli_path_shown(report->items[i].path));
        cli_buf_putc(out, ':');
        add_rest(out, &report->items[i]);
    }
    cli_print_summary(report, out);
}

void cli_print_grouped(const CliReport *report, CliBuf *out)
{
    const char *path = "";

    for (size_t i = 0; i < report->count; i++) {
        const CliFinding *item = &report->items[i];
        if (strcmp(item->path, path)) {
            cli_buf_puts(out, i ? "\n" : "");
            path = item->path;
            cli_utf8_show(out, cli_path_shown(path));
            cli_buf_puts(out, ":\n");
        }
        cli_buf_puts(out, "  ");
        add_rest(out, item);
    }
    cli_buf_puts(out, report->count && !report->quiet ? "\n" : "");
    cli_print_summary(report, out);
}

void cli_print_pylint(const CliReport *report, CliBuf *out)
{
    for (size_t i = 0; i < report->count; i++) {
        const CliFinding *item = &report->items[i];
        cli_utf8_show(out, cli_path_shown(item->path));
        cli_buf_printf(out, ":%u: [%s] ", item->f->place.line, ak_rule_id(item->f->rule));
        cli_utf8_show(out, item->f->message);
        cli_buf_putc(out, '\n');
    }
}
