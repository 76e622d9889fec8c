/* Code frames. A line is cut to what a terminal shows around the place: some files are one
 * line. */
#include "frame.h"
#include "utf8.h"

#include <string.h>

enum { BEFORE = 60, WIDEST = 120 };

static bool ends_line(char c)
{
    return c == '\n' || c == '\r';
}

static size_t line_start(const char *text, size_t at)
{
    while (at && !ends_line(text[at - 1]))
        at--;
    return at;
}

static size_t line_end(const char *text, size_t len, size_t at)
{
    while (at < len && !ends_line(text[at]))
        at++;
    return at;
}

static void add_gutter(CliBuf *out, const CliFrame *f, uint32_t line)
{
    if (line)
        cli_buf_printf(out, "%s%6u |%s", f->dim, line, f->reset);
    else
        cli_buf_printf(out, "%s       |%s", f->dim, f->reset);
}

/* How far a line may go from `from` on; never through the middle of a character. */
static size_t cut(const char *text, size_t from, size_t end)
{
    size_t limit = end - from > WIDEST ? from + WIDEST : end;

    while (limit < end && ((unsigned char)text[limit] & 0xC0) == 0x80)
        limit++;
    return limit;
}

static size_t skip_before(const char *text, size_t start, size_t at)
{
    size_t from;

    if (at - start <= WIDEST - 20)
        return start;
    from = at - BEFORE;
    while (from < at && ((unsigned char)text[from] & 0xC0) == 0x80)
        from++;
    return from;
}

static void add_carets(CliBuf *out, const CliFrame *f, size_t from, size_t limit, size_t lead)
{
    const AkPlace *p = f->place;
    size_t stop = p->end_byte < limit ? p->end_byte : limit, before, wide;
    CliBuf scratch = {0};

    before = cli_utf8_line(&scratch, f->text + from, p->start_byte - from, lead);
    wide = stop > p->start_byte ? cli_utf8_line(&scratch, f->text + p->start_byte,
                                                stop - p->start_byte, lead + before)
                                : 0;
    cli_buf_free(&scratch);
    add_gutter(out, f, 0);
    cli_buf_putc(out, ' ');
    cli_buf_repeat(out, ' ', lead + before);
    cli_buf_puts(out, f->caret_color);
    cli_buf_repeat(out, '^', wide ? wide : 1);
    cli_buf_puts(out, f->reset);
    cli_buf_putc(out, '\n');
}

static void add_line(CliBuf *out, const CliFrame *f, uint32_t line, size_t start, size_t from,
                     size_t limit)
{
    size_t lead = from > start ? 3 : 0, end = line_end(f->text, f->len, limit);

    add_gutter(out, f, line);
    if (from == limit && limit == end) {
        cli_buf_putc(out, '\n');
        return;
    }
    cli_buf_puts(out, lead ? " ..." : " ");
    cli_utf8_line(out, f->text + from, limit - from, lead);
    cli_buf_puts(out, limit < end ? "...\n" : "\n");
}

/* The line before, unless the place's line is the first. */
static void add_context(CliBuf *out, const CliFrame *f, size_t start)
{
    size_t end = start - 1, above;

    if (end && f->text[end] == '\n' && f->text[end - 1] == '\r')
        end--;
    above = line_start(f->text, end);
    if (f->place->line > 1)
        add_line(out, f, f->place->line - 1, above, above, cut(f->text, above, end));
}

void cli_frame(CliBuf *out, const CliFrame *f)
{
    const AkPlace *p = f->place;
    size_t start, end, from, limit;

    if (!f->len || p->start_byte > f->len || p->end_byte > f->len ||
        p->end_byte < p->start_byte)
        return;
    start = line_start(f->text, p->start_byte);
    end = line_end(f->text, f->len, p->start_byte);
    if (start == 0 && f->len >= 3 && !memcmp(f->text, "\xEF\xBB\xBF", 3) && p->start_byte >= 3)
        start = 3;
    from = skip_before(f->text, start, p->start_byte);
    limit = cut(f->text, from, end);
    if (start && ends_line(f->text[start - 1]))
        add_context(out, f, start);
    add_line(out, f, p->line, start, from, limit);
    add_carets(out, f, from, limit, from > start ? 3 : 0);
}
