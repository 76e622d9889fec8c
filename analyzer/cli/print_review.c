/* What code hosts and review tools read: GitHub, GitLab, Azure, JUnit, reviewdog. */
#include "findings.h"
#include "json.h"
#include "paths.h"
#include "rules.h"
#include "uri.h"
#include "utf8.h"

#include <string.h>

/* '%' and line ends, and in a property what ends it, are written as %XX. */
static void add_escaped(CliBuf *out, const char *text, const char *special)
{
    CliBuf valid = {0};

    cli_utf8_add(&valid, text, strlen(text));
    for (size_t i = 0; i < valid.len; i++) {
        if (valid.data[i] == '%' || valid.data[i] == '\r' || valid.data[i] == '\n' ||
            strchr(special, valid.data[i]))
            cli_buf_printf(out, "%%%02X", (unsigned char)valid.data[i]);
        else
            cli_buf_putc(out, valid.data[i]);
    }
    cli_buf_free(&valid);
}

void cli_print_github(const CliReport *report, CliBuf *out)
{
    static const char *const commands[] = {"error", "warning", "notice"};

    for (size_t i = 0; i < report->count; i++) {
        const CliFinding *item = &report->items[i];
        const AkFinding *f = item->f;
        cli_buf_printf(out, "::%s title=aklint (%s),file=", commands[item->level],
                       ak_rule_id(f->rule));
        add_escaped(out, item->path, ":,");
        cli_buf_printf(out, ",line=%u,col=%u,endLine=%u,endColumn=%u::", f->place.line,
                       f->place.column, f->place.end_line, f->place.end_column);
        add_escaped(out, cli_path_shown(item->path), "");
        cli_buf_printf(out, ":%u:%u: %s ", f->place.line, f->place.column, ak_rule_id(f->rule));
        add_escaped(out, f->message, "");
        for (size_t s = 0; s < f->trail_len; s++) {
            cli_buf_puts(out, "%0A");
            add_escaped(out, cli_path_shown(cli_path_from_library(f->trail[s].place.path)), "");
            cli_buf_printf(out, ":%u: ", f->trail[s].place.line);
            add_escaped(out, f->trail[s].text, "");
        }
        cli_buf_putc(out, '\n');
    }
}

void cli_print_azure(const CliReport *report, CliBuf *out)
{
    for (size_t i = 0; i < report->count; i++) {
        const CliFinding *item = &report->items[i];
        cli_buf_printf(out, "##vso[task.logissue type=%s;sourcepath=",
                       item->level == AK_ERROR ? "error" : "warning");
        add_escaped(out, item->path, ";]");
        cli_buf_printf(out, ";linenumber=%u;columnnumber=%u;code=%s;]", item->f->place.line,
                       item->f->place.column, ak_rule_id(item->f->rule));
        add_escaped(out, item->f->message, "");
        cli_buf_putc(out, '\n');
    }
}

static json_t *gitlab_object(const CliFinding *item, const char *fingerprint)
{
    static const char *const severities[] = {"major", "minor", "info"};
    const AkPlace *p = &item->f->place;
    json_t *o = json_object(), *location = json_object();

    cli_json_set(location, "path", cli_json_text(cli_path_shown(item->path)));
    cli_json_set(location, "positions",
                 json_pack("{s:{s:i, s:i}, s:{s:i, s:i}}", "begin", "line", (int)p->line,
                           "column", (int)p->column, "end", "line", (int)p->end_line, "column",
                           (int)p->end_column));
    cli_json_set(o, "check_name", json_string(ak_rule_id(item->f->rule)));
    cli_json_set(o, "description", cli_json_text(item->f->message));
    cli_json_set(o, "severity", json_string(severities[item->level]));
    cli_json_set(o, "fingerprint", cli_json_text(fingerprint));
    cli_json_set(o, "location", location);
    return o;
}

/* GitLab wants each fingerprint once: the second of the same kind in a function gets a number.
 */
void cli_print_gitlab(const CliReport *report, CliBuf *out)
{
    json_t *all = json_array();
    CliMap seen = {0};

    for (size_t i = 0; i < report->count; i++) {
        const char *print =
            report->items[i].f->fingerprint ? report->items[i].f->fingerprint : "";
        for (unsigned n = 2; cli_map_has(&seen, print); n++)
            print = cli_keep_format("%s-%u", report->items[i].f->fingerprint, n);
        cli_map_put(&seen, print, report);
        json_array_append_new(all, gitlab_object(&report->items[i], print));
    }
    cli_json_write(out, all, JSON_INDENT(2));
}

static size_t same_file(const CliReport *report, size_t from)
{
    size_t n = 1;

    while (from + n < report->count &&
           !strcmp(report->items[from + n].path, report->items[from].path))
        n++;
    return n;
}

static void add_case(CliBuf *out, const CliFinding *item)
{
    const AkFinding *f = item->f;

    cli_buf_printf(out, "    <testcase name=\"aklint.%s\" classname=\"", ak_rule_id(f->rule));
    cli_xml(out, cli_path_shown(item->path));
    cli_buf_printf(out, "\" line=\"%u\" column=\"%u\">\n      <failure type=\"%s\" message=\"",
                   f->place.line, f->place.column, cli_level_word(item->level));
    cli_xml(out, f->message);
    cli_buf_printf(out, "\">line %u, column %u: ", f->place.line, f->place.column);
    cli_xml(out, f->message);
    cli_buf_puts(out, "</failure>\n    </testcase>\n");
}

void cli_print_junit(const CliReport *report, CliBuf *out)
{
    cli_buf_printf(out,
                   "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
                   "<testsuites name=\"aklint\" tests=\"%zu\" failures=\"%zu\" errors=\"0\">\n",
                   report->count ? report->count : 1, report->count);
    /* Without a test, servers take a clean run for one that did not happen. */
    if (!report->count)
        cli_buf_puts(out,
                     "  <testsuite name=\"aklint\" tests=\"1\" failures=\"0\" errors=\"0\">\n"
                     "    <testcase name=\"no findings\" classname=\"aklint\"/>\n"
                     "  </testsuite>\n");
    for (size_t i = 0; i < report->count;) {
        size_t n = same_file(report, i);
        cli_buf_puts(out, "  <testsuite name=\"");
        cli_xml(out, cli_path_shown(report->items[i].path));
        cli_buf_printf(
            out, "\" package=\"aklint\" tests=\"%zu\" failures=\"%zu\" errors=\"0\">\n", n, n);
        for (size_t end = i + n; i < end; i++)
            add_case(out, &report->items[i]);
        cli_buf_puts(out, "  </testsuite>\n");
    }
    cli_buf_puts(out, "</testsuites>\n");
}

static json_t *range_of(const AkPlace *p)
{
    return json_pack("{s:{s:i, s:i}, s:{s:i, s:i}}", "start", "line", (int)p->line, "column",
                     (int)p->column, "end", "line", (int)p->end_line, "column",
                     (int)p->end_column);
}

static json_t *suggestions_of(const AkFinding *f)
{
    json_t *all = json_array();

    for (size_t i = 0; cli_has_fix(f) && i < f->edits_len; i++) {
        json_t *one = json_object();
        cli_json_set(one, "range", range_of(&f->edits[i].place));
        cli_json_set(one, "text", cli_json_text(f->edits[i].text));
        json_array_append_new(all, one);
    }
    return all;
}

static json_t *diagnostic_of(const CliFinding *item)
{
    static const char *const severities[] = {"ERROR", "WARNING", "INFO"};
    json_t *o = json_object(), *location = json_object();

    cli_json_set(location, "path", cli_json_text(cli_path_shown(item->path)));
    cli_json_set(location, "range", range_of(&item->f->place));
    cli_json_set(o, "code", json_pack("{s:s}", "value", ak_rule_id(item->f->rule)));
    cli_json_set(o, "message", cli_json_text(item->f->message));
    cli_json_set(o, "severity", json_string(severities[item->level]));
    cli_json_set(o, "location", location);
    cli_json_set(o, "suggestions", suggestions_of(item->f));
    return o;
}

void cli_print_rdjson(const CliReport *report, CliBuf *out)
{
    json_t *all = json_array(), *o = json_object();

    for (size_t i = 0; i < report->count; i++)
        json_array_append_new(all, diagnostic_of(&report->items[i]));
    cli_json_set(o, "source", json_pack("{s:s}", "name", "aklint"));
    cli_json_set(o, "severity", json_string("WARNING"));
    cli_json_set(o, "diagnostics", all);
    cli_json_write(out, o, JSON_INDENT(2));
}
