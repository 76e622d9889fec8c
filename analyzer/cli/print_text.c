/* The output for people: what is wrong, the line, how it is reached, what to write instead. */
#include "findings.h"
#include "frame.h"
#include "node.h"
#include "paths.h"
#include "rules.h"
#include "utf8.h"

#include <stdio.h>
#include <string.h>

typedef struct Colors {
    const char *level[3], *bold, *dim, *reset;
} Colors;

static Colors colors_of(const CliReport *report)
{
    if (!report->color)
        return (Colors){{"", "", ""}, "", "", ""};
    return (Colors){
        {"\033[1;31m", "\033[1;33m", "\033[1;36m"}, "\033[1m", "\033[2m", "\033[0m"};
}

static void add_head(CliBuf *out, const CliFinding *item, const Colors *c)
{
    const AkFinding *f = item->f;

    cli_buf_puts(out, c->bold);
    cli_utf8_show(out, cli_path_shown(item->path));
    cli_buf_printf(out, "%s:%u:%u: %s%s%s %s%s%s %s%s: ", c->reset, f->place.line,
                   f->place.column, c->level[item->level], cli_level_word(item->level),
                   c->reset, c->bold, ak_rule_id(f->rule), c->reset, ak_rule_name(f->rule),
                   f->proved ? "" : " (likely)");
    cli_utf8_show(out, f->message);
    cli_buf_putc(out, '\n');
}

static size_t add_step_place(CliBuf *out, const AkStep *step)
{
    CliBuf place = {0};
    size_t len;

    cli_utf8_show(&place, cli_path_shown(cli_path_from_library(step->place.path)));
    cli_buf_printf(&place, ":%u", step->place.line);
    len = place.len;
    if (out)
        cli_buf_add(out, place.data, place.len);
    cli_buf_free(&place);
    return len;
}

static void add_trail(CliBuf *out, const AkFinding *f, const Colors *c)
{
    size_t widest = 0;

    for (size_t i = 0; i < f->trail_len; i++) {
        size_t len = add_step_place(NULL, &f->trail[i]);
        widest = len > widest ? len : widest;
    }
    for (size_t i = 0; i < f->trail_len; i++) {
        size_t len;
        cli_buf_printf(out, "        %s%s", c->dim, i ? "then " : "from ");
        len = add_step_place(out, &f->trail[i]);
        cli_buf_repeat(out, ' ', widest - len + 2);
        cli_buf_puts(out, c->reset);
        cli_utf8_show(out, f->trail[i].text);
        cli_buf_putc(out, '\n');
    }
}

static void add_advice(CliBuf *out, const AkFinding *f, const Colors *c)
{
    if (f->advice && *f->advice) {
        cli_buf_printf(out, "        %sadvice:%s ", c->bold, c->reset);
        cli_utf8_show(out, f->advice);
        cli_buf_putc(out, '\n');
    }
    if (cli_has_fix(f)) {
        cli_buf_printf(out, "        %sfixable%s with %s", c->bold, c->reset,
                       f->fix == AK_FIX_SAFE ? "--fix" : "--fix --unsafe-fixes");
        if (f->fix_message && *f->fix_message) {
            cli_buf_puts(out, ": ");
            cli_utf8_show(out, f->fix_message);
        }
        cli_buf_putc(out, '\n');
    }
}

/* How far a file's text is known to be UTF-8: its findings come one after the other. */
typedef struct Checked {
    const char *path;
    size_t len;
} Checked;

static bool is_utf8_until(Checked *checked, const char *text, size_t end)
{
    if (end > checked->len && cli_utf8_valid(text + checked->len, end - checked->len))
        checked->len = end;
    return end <= checked->len;
}

/* Bytes of a place are those of the text as it is analysed: without a byte order mark, as
 * UTF-8. */
static AkPlace place_in(Checked *checked, const char *text, size_t len, const AkPlace *place)
{
    bool plain, has_mark = len >= 3 && !memcmp(text, "\xEF\xBB\xBF", 3);
    AkPlace there = *place;

    if (!has_mark &&
        is_utf8_until(checked, text, place->end_byte < len ? place->end_byte : len))
        return there;
    there.start_byte = (uint32_t)cli_offset(text, len, place->line, place->column, &plain);
    there.end_byte =
        (uint32_t)cli_offset(text, len, place->end_line, place->end_column, &plain);
    return there;
}

static void add_frame(CliBuf *out, const CliReport *report, const CliFinding *item,
                      const Colors *c, Checked *checked)
{
    AkPlace place;
    CliFrame frame = {.caret_color = c->level[item->level], .dim = c->dim, .reset = c->reset};

    if (checked->path != item->path)
        *checked = (Checked){.path = item->path};
    frame.text = cli_texts_show(report->texts, item->path, &frame.len);
    if (!frame.text)
        return;
    place = place_in(checked, frame.text, frame.len, &item->f->place);
    frame.place = &place;
    cli_frame(out, &frame);
}

void cli_print_text(const CliReport *report, CliBuf *out)
{
    Colors colors = colors_of(report);
    Checked checked = {0};

    for (size_t i = 0; i < report->count; i++) {
        const CliFinding *item = &report->items[i];
        add_head(out, item, &colors);
        add_frame(out, report, item, &colors, &checked);
        add_trail(out, item->f, &colors);
        add_advice(out, item->f, &colors);
        cli_buf_putc(out, '\n');
    }
    cli_print_summary(report, out);
}
