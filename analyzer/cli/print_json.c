/* JSON with ruff's field names, so that what reads ruff's output reads ours, and our own beside
 * them. docs/json.md has the contract. */
#include "findings.h"
#include "json.h"
#include "paths.h"
#include "rules.h"

static json_t *spot(uint32_t row, uint32_t column)
{
    return json_pack("{s:i, s:i}", "row", (int)row, "column", (int)column);
}

static json_t *fix_of(const AkFinding *f)
{
    json_t *fix, *edits;

    if (!cli_has_fix(f))
        return json_null();
    fix = json_object();
    edits = json_array();
    cli_json_set(fix, "applicability", json_string(f->fix == AK_FIX_SAFE ? "safe" : "unsafe"));
    cli_json_set(fix, "message", cli_json_text(f->fix_message));
    for (size_t i = 0; i < f->edits_len; i++) {
        const AkPlace *p = &f->edits[i].place;
        json_t *edit = json_object();
        cli_json_set(edit, "content", cli_json_text(f->edits[i].text));
        cli_json_set(edit, "location", spot(p->line, p->column));
        cli_json_set(edit, "end_location", spot(p->end_line, p->end_column));
        json_array_append_new(edits, edit);
    }
    cli_json_set(fix, "edits", edits);
    return fix;
}

static json_t *trail_of(const AkFinding *f)
{
    json_t *trail = json_array();

    for (size_t i = 0; i < f->trail_len; i++) {
        const AkStep *s = &f->trail[i];
        json_t *step = json_object();
        cli_json_set(step, "filename", cli_json_text(cli_path_from_library(s->place.path)));
        cli_json_set(step, "location", spot(s->place.line, s->place.column));
        cli_json_set(step, "message", cli_json_text(s->text));
        json_array_append_new(trail, step);
    }
    return trail;
}

static json_t *object_of(const CliFinding *item)
{
    static const char *const severities[] = {"error", "warning", "info"};
    const AkFinding *f = item->f;
    json_t *o = json_object();

    cli_json_set(o, "cell", json_null());
    cli_json_set(o, "code", json_string(ak_rule_id(f->rule)));
    cli_json_set(o, "name", json_string(ak_rule_name(f->rule)));
    cli_json_set(o, "message", cli_json_text(f->message));
    cli_json_set(o, "severity", json_string(severities[item->level]));
    cli_json_set(o, "level", json_string(cli_level_word(item->level)));
    cli_json_set(o, "proved", json_boolean(f->proved));
    cli_json_set(o, "dialect", json_string(cli_dialect_word(f->dialect)));
    cli_json_set(o, "context", cli_json_text(f->context ? f->context : ""));
    cli_json_set(o, "filename", cli_json_text(item->path));
    cli_json_set(o, "location", spot(f->place.line, f->place.column));
    cli_json_set(o, "end_location", spot(f->place.end_line, f->place.end_column));
    cli_json_set(o, "noqa_row", json_integer(f->noqa_line ? f->noqa_line : f->place.line));
    cli_json_set(o, "url", json_null());
    cli_json_set(o, "fix", fix_of(f));
    cli_json_set(o, "trail", trail_of(f));
    cli_json_set(o, "fingerprint", cli_json_text(f->fingerprint));
    return o;
}

void cli_print_json(const CliReport *report, CliBuf *out)
{
    json_t *all = json_array();

    for (size_t i = 0; i < report->count; i++)
        json_array_append_new(all, object_of(&report->items[i]));
    cli_json_write(out, all, JSON_INDENT(2));
}

void cli_print_json_lines(const CliReport *report, CliBuf *out)
{
    for (size_t i = 0; i < report->count; i++)
        cli_json_write(out, object_of(&report->items[i]), JSON_COMPACT);
}
