/* Lines that both texts share are found by Myers' greedy walk, after what is equal at the start
 * and the end is set aside. A change too large for it is shown as one block. */
#include "diff.h"

#include <stdlib.h>
#include <string.h>

enum { CONTEXT = 3, MOST_CHANGES = 2000 };

typedef struct Lines {
    const char **start;
    size_t *len, count;
} Lines;

/* kept[i]: line i of the old text stands in the new one too, in order. */
typedef struct Diff {
    Lines old, new;
    bool *old_kept, *new_kept;
} Diff;

static Lines split(const char *text, size_t len)
{
    Lines lines = {0};
    size_t n = 1;

    for (size_t i = 0; i < len; i++)
        n += text[i] == '\n';
    lines.start = cli_keep(n * sizeof *lines.start);
    lines.len = cli_keep(n * sizeof *lines.len);
    for (size_t from = 0; from < len;) {
        const char *end = memchr(text + from, '\n', len - from);
        size_t stop = end ? (size_t)(end - text) + 1 : len;
        lines.start[lines.count] = text + from;
        lines.len[lines.count++] = stop - from;
        from = stop;
    }
    return lines;
}

static bool same(const Diff *d, size_t i, size_t j)
{
    return d->old.len[i] == d->new.len[j] &&
           !memcmp(d->old.start[i], d->new.start[j], d->old.len[i]);
}

/* Goes back over the frontiers, each as it was before its step, and marks what is shared. */
static void trace_back(Diff *d, size_t from, long x, long y, long *const *saved, long changes)
{
    for (long c = changes; c >= 0; c--) {
        const long *v = saved[c] + c + 1;
        long k = x - y, before = k == -c || (k != c && v[k - 1] < v[k + 1]) ? k + 1 : k - 1;
        long to_x = v[before], to_y = to_x - before;
        while (x > to_x && y > to_y) {
            x--;
            y--;
            d->old_kept[from + (size_t)x] = d->new_kept[from + (size_t)y] = true;
        }
        x = to_x;
        y = to_y;
    }
}

/* One step of the walk; true once both ends are reached. */
static bool step(const Diff *d, size_t from, long n, long m, long *v, long c)
{
    for (long k = -c; k <= c; k += 2) {
        long x = k == -c || (k != c && v[k - 1] < v[k + 1]) ? v[k + 1] : v[k - 1] + 1,
             y = x - k;
        while (x < n && y < m && same(d, from + (size_t)x, from + (size_t)y)) {
            x++;
            y++;
        }
        v[k] = x;
        if (x >= n && y >= m)
            return true;
    }
    return false;
}

static void compare_middle(Diff *d, size_t from, long n, long m)
{
    long most = n + m < MOST_CHANGES ? n + m : MOST_CHANGES, made = 0;
    long **saved = cli_malloc((size_t)(most + 1) * sizeof *saved);
    long *room = cli_malloc((size_t)(2 * most + 3) * sizeof *room), *v = room + most + 1;
    bool done = false;

    memset(room, 0, (size_t)(2 * most + 3) * sizeof *room);
    while (made <= most && !done) {
        size_t bytes = (size_t)(2 * made + 3) * sizeof *v;
        saved[made] = cli_malloc(bytes);
        memcpy(saved[made], v - made - 1, bytes);
        done = step(d, from, n, m, v, made++);
    }
    if (done)
        trace_back(d, from, n, m, saved, made - 1);
    while (made)
        free(saved[--made]);
    free(saved);
    free(room);
}

static void compare(Diff *d)
{
    size_t n = d->old.count, m = d->new.count, head = 0, tail = 0;

    while (head < n && head < m && same(d, head, head)) {
        d->old_kept[head] = d->new_kept[head] = true;
        head++;
    }
    while (tail < n - head && tail < m - head && same(d, n - tail - 1, m - tail - 1)) {
        tail++;
        d->old_kept[n - tail] = d->new_kept[m - tail] = true;
    }
    compare_middle(d, head, (long)(n - head - tail), (long)(m - head - tail));
}

static void add_line(CliBuf *out, char mark, const Lines *lines, size_t i)
{
    cli_buf_putc(out, mark);
    cli_buf_add(out, lines->start[i], lines->len[i]);
    if (lines->start[i][lines->len[i] - 1] != '\n')
        cli_buf_puts(out, "\n\\ No newline at end of file\n");
}

/* What stands in a hunk's head: a range of no lines names the line before it. */
static void add_range(CliBuf *out, char mark, size_t start, size_t count)
{
    cli_buf_printf(out, count == 1 ? " %c%zu" : " %c%zu,%zu", mark, count ? start + 1 : start,
                   count);
}

/* The script: ' ' for a shared line, '-' and '+' for one text's. */
static CliBuf script_of(const Diff *d)
{
    CliBuf script = {0};
    size_t i = 0, j = 0;

    while (i < d->old.count || j < d->new.count) {
        if (i < d->old.count && !d->old_kept[i]) {
            cli_buf_putc(&script, '-');
            i++;
        } else if (j < d->new.count && !d->new_kept[j]) {
            cli_buf_putc(&script, '+');
            j++;
        } else {
            cli_buf_putc(&script, ' ');
            i++;
            j++;
        }
    }
    return script;
}

/* Where a hunk that begins with the change at `at` ends: behind it no change is near. */
static size_t hunk_end(const CliBuf *script, size_t at)
{
    size_t end = at, quiet = 0;

    for (size_t k = at; k < script->len && quiet <= 2 * CONTEXT; k++) {
        quiet = script->data[k] == ' ' ? quiet + 1 : 0;
        if (!quiet)
            end = k + 1;
    }
    return end + CONTEXT < script->len ? end + CONTEXT : script->len;
}

static void add_hunk(CliBuf *out, const Diff *d, const char *script, size_t len, size_t i,
                     size_t j)
{
    size_t old_lines = 0, new_lines = 0;

    for (size_t k = 0; k < len; k++) {
        old_lines += script[k] != '+';
        new_lines += script[k] != '-';
    }
    cli_buf_puts(out, "@@");
    add_range(out, '-', i, old_lines);
    add_range(out, '+', j, new_lines);
    cli_buf_puts(out, " @@\n");
    for (size_t k = 0; k < len; k++) {
        add_line(out, script[k], script[k] == '+' ? &d->new : &d->old,
                 script[k] == '+' ? j : i);
        i += script[k] != '+';
        j += script[k] != '-';
    }
}

static void add_hunks(CliBuf *out, const Diff *d)
{
    CliBuf script = script_of(d);
    size_t i = 0, j = 0;

    for (size_t k = 0; k < script.len;) {
        size_t ahead = k, end;
        while (ahead < script.len && ahead - k < CONTEXT && script.data[ahead] == ' ')
            ahead++;
        if (ahead == script.len || script.data[ahead] == ' ') {
            i++;
            j++;
            k++;
            continue;
        }
        end = hunk_end(&script, ahead);
        add_hunk(out, d, script.data + k, end - k, i, j);
        for (; k < end; k++) {
            i += script.data[k] != '+';
            j += script.data[k] != '-';
        }
    }
    cli_buf_free(&script);
}

void cli_diff(CliBuf *out, const char *path, const CliText *old, const CliText *new)
{
    Diff d = {.old = split(old->text, old->len), .new = split(new->text, new->len)};

    if (old->len == new->len && !memcmp(old->text, new->text, old->len))
        return;
    d.old_kept = cli_keep(d.old.count + 1);
    d.new_kept = cli_keep(d.new.count + 1);
    compare(&d);
    cli_buf_printf(out, "--- %s\n+++ %s\n", path, path);
    add_hunks(out, &d);
}
