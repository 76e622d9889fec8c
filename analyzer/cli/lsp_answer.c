/* Hover and code actions. */
#include "lsp_answer.h"
#include "json.h"
#include "lsp_map.h"

#include <aklint.h>
#include <stdlib.h>
#include <string.h>

bool lsp_place_read(const json_t *value, LspPlace *place)
{
    const json_t *line = json_object_get(value, "line");
    const json_t *character = json_object_get(value, "character");

    if (!json_is_integer(line) || !json_is_integer(character) || json_integer_value(line) < 0 ||
        json_integer_value(character) < 0)
        return false;
    *place =
        (LspPlace){(size_t)json_integer_value(line), (size_t)json_integer_value(character)};
    return true;
}

static int compare(LspPlace a, LspPlace b)
{
    if (a.line != b.line)
        return a.line < b.line ? -1 : 1;
    return (a.character > b.character) - (a.character < b.character);
}

static void range_read(const json_t *range, LspPlace *from, LspPlace *to)
{
    *from = *to = (LspPlace){0, 0};
    lsp_place_read(json_object_get(range, "start"), from);
    lsp_place_read(json_object_get(range, "end"), to);
}

static bool touches(const json_t *record, LspPlace from, LspPlace to)
{
    LspPlace start, end;

    range_read(json_object_get(json_object_get(record, "diagnostic"), "range"), &start, &end);
    return compare(start, to) <= 0 && compare(from, end) <= 0;
}

static const char *code_of(const json_t *record)
{
    return json_string_value(json_object_get(json_object_get(record, "diagnostic"), "code"));
}

/* ---- hover ---- */

static void add_rule(CliBuf *out, const AkRule *rule)
{
    cli_buf_printf(out, "**%s %s**: %s\n\n%s\n\n", ak_rule_id(rule), ak_rule_name(rule),
                   ak_rule_summary(rule), ak_rule_why(rule));
    if (ak_rule_instead(rule) && *ak_rule_instead(rule))
        cli_buf_printf(out, "*Instead:* %s\n\n", ak_rule_instead(rule));
}

static void add_trail(CliBuf *out, const json_t *record)
{
    const json_t *trail = json_object_get(record, "trail");
    for (size_t i = 0; i < json_array_size(trail); i++) {
        const json_t *step = json_array_get(trail, i),
                     *place = json_object_get(step, "location");
        const json_t *start = json_object_get(json_object_get(place, "range"), "start");
        const char *uri = json_string_value(json_object_get(place, "uri")),
                   *name = strrchr(uri, '/');
        long long line = json_integer_value(json_object_get(start, "line")) + 1;
        cli_buf_printf(out, "%zu. %s ([%s:%lld](%s#L%lld))\n", i + 1,
                       json_string_value(json_object_get(step, "message")),
                       name ? name + 1 : uri, line, uri, line);
    }
    if (json_array_size(trail))
        cli_buf_putc(out, '\n');
}

/* The rule that a comment names at a place: "AK301" in "# aklint: allow AK301". */
static const AkRule *named_at(const LspText *text, LspUnits units, LspPlace place,
                              LspPlace *from)
{
    size_t start, end, at = lsp_text_offset(text, units, place);
    const char *line, *comment;
    char id[6] = {0};

    if (place.line >= text->lines)
        return NULL;
    line = text->data + text->starts[place.line];
    end = lsp_text_line_end(text, place.line);
    comment = memchr(line, '#', end - text->starts[place.line]);
    for (start = at; start > text->starts[place.line] && start + 5 > at; start--)
        if (start + 5 <= end && text->data[start] == 'A' && text->data[start + 1] == 'K')
            break;
    if (!comment || text->data + start < comment || start + 5 > end || at > start + 5)
        return NULL;
    memcpy(id, text->data + start, 5);
    *from = (LspPlace){place.line,
                       place.character >= at - start ? place.character - (at - start) : 0};
    return ak_rule_find(id);
}

json_t *lsp_hover(const LspCheck *check, const LspDocument *document, const json_t *records,
                  LspPlace place)
{
    CliBuf out = {0};
    json_t *hover = json_object(), *range = NULL;
    LspPlace from;
    const AkRule *rule = named_at(&document->text, lsp_check_world(check)->units, place, &from);
    bool told = false;

    if (rule) {
        add_rule(&out, rule);
        range = lsp_range(from, (LspPlace){from.line, from.character + 5});
    }
    for (size_t i = 0; i < json_array_size(records) && !rule; i++) {
        const json_t *record = json_array_get(records, i);
        const AkRule *found =
            touches(record, place, place) ? ak_rule_find(code_of(record)) : NULL;
        if (!found)
            continue;
        add_rule(&out, found);
        add_trail(&out, record);
        told |= json_array_size(json_object_get(record, "trail")) > 0;
        if (!range)
            range =
                json_incref(json_object_get(json_object_get(record, "diagnostic"), "range"));
    }
    if (!rule)
        lsp_line(check, document, place.line, !told, &out);
    if (!out.len) {
        json_decref(hover);
        return json_null();
    }
    cli_json_set(hover, "contents",
                 json_pack("{s:s, s:o}", "kind", "markdown", "value", cli_json_text(out.data)));
    if (range)
        cli_json_set(hover, "range", range);
    cli_buf_free(&out);
    return hover;
}

/* ---- code actions ---- */

/* A kind is asked for by itself or by what it is a part of: "source" asks for "source.fixAll".
 */
static bool is_wanted(const json_t *params, const char *kind)
{
    const json_t *only = json_object_get(json_object_get(params, "context"), "only");

    for (size_t i = 0; i < json_array_size(only); i++) {
        const char *asked = json_string_value(json_array_get(only, i));
        size_t n = asked ? strlen(asked) : 0;
        if (asked && (!n || (!strncmp(kind, asked, n) && (!kind[n] || kind[n] == '.'))))
            return true;
    }
    return !json_array_size(only);
}

static json_t *action(const char *title, const char *kind, json_t *changes)
{
    json_t *made = json_object();

    cli_json_set(made, "title", cli_json_text(title));
    cli_json_set(made, "kind", json_string(kind));
    cli_json_set(made, "edit", json_pack("{s:o}", "changes", changes));
    return made;
}

static void add_fix(json_t *actions, const json_t *record)
{
    const json_t *fix = json_object_get(record, "fix");
    bool safe = json_is_true(json_object_get(fix, "safe"));
    CliBuf title = {0};
    json_t *made;

    if (!fix)
        return;
    cli_buf_printf(&title, "%s: %s%s", code_of(record),
                   json_string_value(json_object_get(fix, "title")),
                   safe ? "" : " (may change what the program does)");
    made = action(title.data, "quickfix", json_deep_copy(json_object_get(fix, "changes")));
    cli_json_set(made, "diagnostics", json_pack("[O]", json_object_get(record, "diagnostic")));
    cli_json_set(made, "isPreferred", json_boolean(safe));
    json_array_append_new(actions, made);
    cli_buf_free(&title);
}

static bool is_there(const json_t *actions, const json_t *made)
{
    for (size_t i = 0; i < json_array_size(actions); i++)
        if (json_equal(json_object_get(json_array_get(actions, i), "edit"),
                       json_object_get(made, "edit")))
            return true;
    return false;
}

/* One comment names all rules that it would silence: a second would stand behind the first. */
static void add_silence(json_t *actions, const LspDocument *document, const json_t *records,
                        size_t at)
{
    const json_t *record = json_array_get(records, at), *noqa = json_object_get(record, "noqa");
    CliBuf ids = {0}, title = {0}, text = {0};
    json_t *made, *changes;

    for (size_t i = 0; i < json_array_size(records) && noqa; i++) {
        const json_t *other = json_array_get(records, i);
        if (!json_equal(json_object_get(other, "noqa"), noqa))
            continue;
        if (!ids.data || !strstr(ids.data, code_of(other)))
            cli_buf_printf(&ids, "%s%s", ids.len ? ", " : "", code_of(other));
    }
    if (!noqa || !ids.data)
        return;
    cli_buf_printf(&title, "Silence %s here (say why behind --)", ids.data);
    cli_buf_printf(&text, "  # aklint: allow %s -- reason", ids.data);
    changes = json_pack("{s:[{s:{s:O, s:O}, s:s}]}", document->uri, "range", "start", noqa,
                        "end", noqa, "newText", text.data);
    made = action(title.data, "quickfix", changes);
    cli_json_set(made, "diagnostics", json_pack("[O]", json_object_get(record, "diagnostic")));
    if (!is_there(actions, made))
        json_array_append(actions, made);
    json_decref(made);
    cli_buf_free(&ids);
    cli_buf_free(&title);
    cli_buf_free(&text);
}

/* ---- all fixes ---- */

static bool overlaps(const json_t *taken, const json_t *edit)
{
    LspPlace from, to, other_from, other_to;

    range_read(json_object_get(edit, "range"), &from, &to);
    for (size_t i = 0; i < json_array_size(taken); i++) {
        range_read(json_object_get(json_array_get(taken, i), "range"), &other_from, &other_to);
        if (compare(from, other_to) < 0 && compare(other_from, to) < 0)
            return true;
    }
    return false;
}

static bool is_taken(const json_t *taken, const json_t *edit)
{
    for (size_t i = 0; i < json_array_size(taken); i++)
        if (json_equal(json_array_get(taken, i), edit))
            return true;
    return false;
}

/* All edits of a fix, or none; those that lie in other files wait for a fix of their own. */
static void take_fix(json_t *taken, const LspDocument *document, const json_t *record)
{
    const json_t *fix = json_object_get(record, "fix"),
                 *changes = json_object_get(fix, "changes");
    const json_t *edits = json_object_get(changes, document->uri);

    if (!json_is_true(json_object_get(fix, "safe")) || json_object_size(changes) != 1)
        return;
    for (size_t i = 0; i < json_array_size(edits); i++)
        if (!is_taken(taken, json_array_get(edits, i)) &&
            overlaps(taken, json_array_get(edits, i)))
            return;
    for (size_t i = 0; i < json_array_size(edits); i++)
        if (!is_taken(taken, json_array_get(edits, i)))
            json_array_append(taken, json_array_get(edits, i));
}

static void add_fix_all(json_t *actions, const LspDocument *document, const json_t *records)
{
    json_t *taken = json_array();

    for (size_t i = 0; i < json_array_size(records); i++)
        take_fix(taken, document, json_array_get(records, i));
    if (json_array_size(taken))
        json_array_append_new(actions,
                              action("aklint: apply all safe fixes", "source.fixAll.aklint",
                                     json_pack("{s:O}", document->uri, taken)));
    json_decref(taken);
}

json_t *lsp_code_actions(const LspDocument *document, const json_t *records,
                         const json_t *params)
{
    json_t *actions = json_array();
    LspPlace from, to;

    range_read(json_object_get(params, "range"), &from, &to);
    for (size_t i = 0; i < json_array_size(records) && is_wanted(params, "quickfix"); i++) {
        const json_t *record = json_array_get(records, i);
        if (!touches(record, from, to))
            continue;
        add_fix(actions, record);
        add_silence(actions, document, records, i);
    }
    if (is_wanted(params, "source.fixAll.aklint"))
        add_fix_all(actions, document, records);
    return actions;
}
