/* SARIF 2.1.0. Beside what every linter writes: the way to a finding as a code flow, a
 * fingerprint that survives moved lines, and the rule book as help. */
#include "findings.h"
#include "json.h"
#include "paths.h"
#include "rules.h"
#include "uri.h"

#include <string.h>

static const char root_id[] = "%SRCROOT%";

static json_t *text_object(const char *text)
{
    json_t *o = json_object();

    cli_json_set(o, "text", cli_json_text(text ? text : ""));
    return o;
}

/* From the working folder, if the file lies below it. */
static json_t *artifact(const char *absolute)
{
    json_t *o = json_object();
    const char *shown = cli_path_shown(absolute);
    CliBuf uri = {0};

    if (*shown == '/')
        cli_buf_puts(&uri, "file://");
    cli_uri(&uri, shown);
    cli_json_set(o, "uri", json_string(uri.data));
    if (*shown != '/')
        cli_json_set(o, "uriBaseId", json_string(root_id));
    cli_buf_free(&uri);
    return o;
}

static json_t *region(const AkPlace *p)
{
    return json_pack("{s:i, s:i, s:i, s:i}", "startLine", (int)p->line, "startColumn",
                     (int)p->column, "endLine", (int)p->end_line, "endColumn",
                     (int)p->end_column);
}

static json_t *location(const char *absolute, const AkPlace *p, const char *message)
{
    json_t *o = json_object(), *physical = json_object();

    cli_json_set(physical, "artifactLocation", artifact(absolute));
    cli_json_set(physical, "region", region(p));
    cli_json_set(o, "physicalLocation", physical);
    if (message)
        cli_json_set(o, "message", text_object(message));
    return o;
}

static json_t *step_location(const AkStep *step)
{
    return location(cli_path_from_library(step->place.path), &step->place, step->text);
}

static json_t *flow_of(const CliFinding *item)
{
    json_t *steps = json_array(), *thread = json_object(), *flow = json_object(), *at;

    for (size_t i = 0; i < item->f->trail_len; i++) {
        at = json_object();
        cli_json_set(at, "location", step_location(&item->f->trail[i]));
        json_array_append_new(steps, at);
    }
    at = json_object();
    cli_json_set(at, "location", location(item->path, &item->f->place, item->f->message));
    json_array_append_new(steps, at);
    cli_json_set(thread, "locations", steps);
    cli_json_set(flow, "threadFlows", json_pack("[o]", thread));
    return json_pack("[o]", flow);
}

static json_t *related_of(const AkFinding *f)
{
    json_t *all = json_array();

    for (size_t i = 0; i < f->trail_len; i++) {
        json_t *at = step_location(&f->trail[i]);
        cli_json_set(at, "id", json_integer((json_int_t)i + 1));
        json_array_append_new(all, at);
    }
    return all;
}

static json_t *fixes_of(const AkFinding *f)
{
    json_t *changes = json_array(), *fix = json_object();

    for (size_t i = 0; i < f->edits_len; i++) {
        json_t *change = json_object(), *replacement = json_object();
        cli_json_set(replacement, "deletedRegion", region(&f->edits[i].place));
        cli_json_set(replacement, "insertedContent", text_object(f->edits[i].text));
        cli_json_set(change, "artifactLocation",
                     artifact(cli_path_from_library(f->edits[i].place.path)));
        cli_json_set(change, "replacements", json_pack("[o]", replacement));
        json_array_append_new(changes, change);
    }
    cli_json_set(fix, "description", text_object(f->fix_message));
    cli_json_set(fix, "artifactChanges", changes);
    return json_pack("[o]", fix);
}

static json_t *result_of(const CliFinding *item)
{
    const AkFinding *f = item->f;
    json_t *o = json_object(), *prints = json_object(), *own = json_object();

    cli_json_set(o, "ruleId", json_string(ak_rule_id(f->rule)));
    cli_json_set(o, "ruleIndex", json_integer((json_int_t)cli_rule_index(f->rule)));
    cli_json_set(o, "level", json_string(cli_level_word(item->level)));
    cli_json_set(o, "message", text_object(f->message));
    cli_json_set(o, "locations", json_pack("[o]", location(item->path, &f->place, NULL)));
    cli_json_set(prints, "aklint/v1", cli_json_text(f->fingerprint ? f->fingerprint : ""));
    cli_json_set(o, "partialFingerprints", prints);
    if (f->trail_len) {
        cli_json_set(o, "codeFlows", flow_of(item));
        cli_json_set(o, "relatedLocations", related_of(f));
    }
    if (cli_has_fix(f))
        cli_json_set(o, "fixes", fixes_of(f));
    cli_json_set(own, "proved", json_boolean(f->proved));
    cli_json_set(own, "dialect", json_string(cli_dialect_word(f->dialect)));
    cli_json_set(own, "context", cli_json_text(f->context ? f->context : ""));
    cli_json_set(o, "properties", own);
    return o;
}

static json_t *help_of(const AkRule *rule)
{
    CliBuf text = {0};
    json_t *help;

    cli_buf_printf(&text, "%s\n\nInstead: %s\n\nMisses: %s", ak_rule_why(rule),
                   ak_rule_instead(rule), ak_rule_misses(rule));
    help = text_object(text.data);
    cli_buf_free(&text);
    return help;
}

/* SARIF says apart whether a rule is on. */
static const char *level_name(AkLevel level)
{
    return cli_level_word(level == AK_OFF ? AK_ERROR : level);
}

static json_t *rule_object(const AkRule *rule)
{
    json_t *o = json_object(), *usual = json_object();

    cli_json_set(o, "id", json_string(ak_rule_id(rule)));
    cli_json_set(o, "name", json_string(ak_rule_name(rule)));
    cli_json_set(o, "shortDescription", text_object(ak_rule_summary(rule)));
    cli_json_set(o, "fullDescription", text_object(ak_rule_why(rule)));
    cli_json_set(o, "help", help_of(rule));
    cli_json_set(usual, "enabled", json_boolean(ak_rule_level(rule) != AK_OFF));
    cli_json_set(usual, "level", json_string(level_name(ak_rule_level(rule))));
    cli_json_set(o, "defaultConfiguration", usual);
    return o;
}

static json_t *tool_object(void)
{
    json_t *driver = json_object(), *rules = json_array();

    for (size_t i = 0; i < ak_rule_count(); i++)
        json_array_append_new(rules, rule_object(ak_rule_at(i)));
    cli_json_set(driver, "name", json_string("aklint"));
    cli_json_set(driver, "version", json_string(ak_version()));
    cli_json_set(driver, "rules", rules);
    return json_pack("{s:o}", "driver", driver);
}

static json_t *root_object(void)
{
    CliBuf uri = {0};
    json_t *root;

    cli_buf_puts(&uri, "file://");
    cli_uri(&uri, cli_paths_cwd());
    if (uri.data[uri.len - 1] != '/')
        cli_buf_putc(&uri, '/');
    root = json_pack("{s:{s:s}}", root_id, "uri", uri.data);
    cli_buf_free(&uri);
    return root;
}

void cli_print_sarif(const CliReport *report, CliBuf *out)
{
    json_t *results = json_array(), *run = json_object(), *log = json_object();

    for (size_t i = 0; i < report->count; i++)
        json_array_append_new(results, result_of(&report->items[i]));
    cli_json_set(run, "tool", tool_object());
    cli_json_set(run, "columnKind", json_string("unicodeCodePoints"));
    cli_json_set(run, "originalUriBaseIds", root_object());
    cli_json_set(run, "results", results);
    cli_json_set(log, "version", json_string("2.1.0"));
    cli_json_set(log, "runs", json_pack("[o]", run));
    cli_json_write(out, log, JSON_INDENT(2));
}
