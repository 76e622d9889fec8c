/* Fixes go in rounds: of two that overlap the second waits for the next check, which sees the
 * first one's outcome. Rounds end when a check brings nothing to apply. */
#include "fix.h"
#include "diff.h"
#include "node.h"
#include "paths.h"
#include "replace.h"
#include "utf8.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BEHIND = 64 };

typedef struct Edit {
    size_t start, end;
    const char *text;
} Edit;

typedef struct Fixed {
    const char *path;
    CliText original, before, now; /* before: ahead of the last round */
    CliList edits;                 /* Edit, of the round at work */
    bool is_utf8, has_mark;        /* has_mark: a byte order mark stands before the text */
    bool unproved;                 /* no interpreter has seen `now` */
    bool refused;
} Fixed;

static void complain(const char *path, const char *why)
{
    fprintf(stderr, "aklint: %s: %s\n", cli_path_shown(path), why);
}

/* ---- files ---- */

static CliText keep_text(const char *text, size_t len)
{
    char *copy = cli_keep(len + BEHIND);

    if (len)
        memcpy(copy, text, len);
    return (CliText){copy, len};
}

static Fixed *file_of(CliFixes *fixes, const char *path)
{
    Fixed *file = cli_map_get(&fixes->by_path, path);
    const char *text;
    size_t len;

    if (file)
        return file;
    file = cli_keep(sizeof *file);
    file->path = cli_keep_string(path);
    text = cli_texts_show(fixes->run->texts, path, &len);
    file->refused = !text;
    if (text) {
        file->original = file->before = file->now = keep_text(text, len);
        file->is_utf8 = cli_utf8_valid(text, len);
        file->has_mark = len >= 3 && !memcmp(text, "\xEF\xBB\xBF", 3);
    }
    cli_map_put(&fixes->by_path, file->path, file);
    cli_list_add(&fixes->files, file);
    return file;
}

static bool is_manifest(const CliFiles *files, const char *path)
{
    for (size_t i = 0; i < files->manifests.len; i++)
        if (strcmp(((CliFile *)files->manifests.items[i])->path, path) == 0)
            return true;
    return false;
}

static bool is_asked_for(const CliFixes *fixes, const char *path)
{
    const CliFile *file = cli_files_get(&fixes->run->files, path);

    return (file && file->use == AK_REPORT) || is_manifest(&fixes->run->files, path);
}

static bool is_changed(const Fixed *file)
{
    return file->now.len != file->original.len ||
           memcmp(file->now.text, file->original.text, file->now.len) != 0;
}

/* ---- edits ---- */

static bool is_ascii(const char *text)
{
    for (; *text; text++)
        if ((unsigned char)*text >= 0x80)
            return false;
    return true;
}

static bool uses_crlf(const CliText *text)
{
    const char *end = text->len ? memchr(text->text, '\n', text->len) : NULL;

    return end && end > text->text && end[-1] == '\r';
}

/* The edit's text with the file's own line ends. */
static const char *with_line_ends(const Fixed *file, const char *text)
{
    CliBuf out = {0};
    const char *kept;

    if (!strchr(text, '\n') || !uses_crlf(&file->now))
        return text;
    for (const char *p = text; *p; p++) {
        if (*p == '\n' && (p == text || p[-1] != '\r'))
            cli_buf_putc(&out, '\r');
        cli_buf_putc(&out, *p);
    }
    kept = cli_keep_text(out.data, out.len);
    cli_buf_free(&out);
    return kept;
}

static bool is_same(const Edit *a, const Edit *b)
{
    return a->start == b->start && a->end == b->end && !strcmp(a->text, b->text);
}

/* What is put in at the border of a replaced range does not touch it. */
static bool overlap(const Edit *a, const Edit *b)
{
    return a->start < b->end && b->start < a->end;
}

typedef enum Fit { FITS, IS_THERE, IN_THE_WAY } Fit;

static Fit fit_of(const Fixed *file, const Edit *edit)
{
    if (file->refused || edit->start > edit->end || edit->end > file->now.len)
        return IN_THE_WAY;
    if (!is_ascii(edit->text) && !file->is_utf8)
        return IN_THE_WAY;
    for (size_t i = 0; i < file->edits.len; i++) {
        if (is_same(file->edits.items[i], edit))
            return IS_THERE;
        if (overlap(file->edits.items[i], edit))
            return IN_THE_WAY;
    }
    return FITS;
}

/* Bytes of a place are those of the text as it is analysed: without a mark, and as UTF-8. In
 * such a file line and column say where an edit goes, and where they cannot the edit does not
 * fit. */
static Edit edit_of(const Fixed *file, const AkEdit *from)
{
    const AkPlace *p = &from->place;
    const char *text = with_line_ends(file, from->text);
    bool start_plain, end_plain;
    size_t start, end;

    if (file->is_utf8 && !file->has_mark)
        return (Edit){p->start_byte, p->end_byte, text};
    start = cli_offset(file->now.text, file->now.len, p->line, p->column, &start_plain);
    end = cli_offset(file->now.text, file->now.len, p->end_line, p->end_column, &end_plain);
    if (!file->is_utf8 && !(start_plain && end_plain))
        return (Edit){1, 0, text};
    return (Edit){start, end, text};
}

static void add_edit(Fixed *file, const Edit *edit)
{
    Edit *copy = cli_keep(sizeof *copy);

    *copy = *edit;
    copy->text = cli_keep_string(edit->text);
    cli_list_add(&file->edits, copy);
}

/* All edits of a fix, or none. */
static bool take_fix(CliFixes *fixes, const AkFinding *f)
{
    for (size_t i = 0; i < f->edits_len; i++) {
        const char *path = cli_path_from_library(f->edits[i].place.path);
        Fixed *file = is_asked_for(fixes, path) ? file_of(fixes, path) : NULL;
        Edit edit;
        if (!file)
            return false;
        edit = edit_of(file, &f->edits[i]);
        if (fit_of(file, &edit) == IN_THE_WAY)
            return false;
    }
    for (size_t i = 0; i < f->edits_len; i++) {
        Fixed *file = file_of(fixes, cli_path_from_library(f->edits[i].place.path));
        Edit edit = edit_of(file, &f->edits[i]);
        if (fit_of(file, &edit) == FITS)
            add_edit(file, &edit);
    }
    return true;
}

static int by_start(const void *a, const void *b)
{
    const Edit *x = *(Edit *const *)a, *y = *(Edit *const *)b;

    if (x->start != y->start)
        return x->start < y->start ? -1 : 1;
    if (x->end != y->end)
        return x->end < y->end ? -1 : 1;
    return strcmp(x->text, y->text);
}

static CliText edited(Fixed *file)
{
    CliBuf out = {0};
    CliText text;
    size_t at = 0;

    qsort(file->edits.items, file->edits.len, sizeof *file->edits.items, by_start);
    for (size_t i = 0; i < file->edits.len; i++) {
        const Edit *edit = file->edits.items[i];
        cli_buf_add(&out, file->now.text + at, edit->start - at);
        cli_buf_puts(&out, edit->text);
        at = edit->end;
    }
    cli_buf_add(&out, file->now.text + at, file->now.len - at);
    text = keep_text(out.data ? out.data : "", out.len);
    cli_buf_free(&out);
    return text;
}

static void refuse(CliFixes *fixes, Fixed *file, CliText back)
{
    file->refused = true;
    file->now = back;
    cli_texts_give(fixes->run->texts, file->path, back.text, back.len);
    complain(file->path, "left as it is: with its fixes it would not parse");
}

/* Applies the edits gathered for a file. */
static void apply(CliFixes *fixes, Fixed *file)
{
    uint32_t line, column;
    const char *why;
    int verdict;

    file->before = file->now;
    file->now = edited(file);
    file->edits = (CliList){0};
    verdict = is_manifest(&fixes->run->files, file->path)
                  ? 1
                  : cli_python_compiles(fixes->run->python, file->path, file->now.text,
                                        file->now.len, &line, &column, &why);
    file->unproved = verdict < 0;
    if (verdict == 0)
        refuse(fixes, file, file->before);
    else
        cli_texts_give(fixes->run->texts, file->path, file->now.text, file->now.len);
}

static size_t apply_all(CliFixes *fixes)
{
    size_t files = 0;

    for (size_t i = 0; i < fixes->files.len; i++) {
        Fixed *file = fixes->files.items[i];
        if (!file->edits.len)
            continue;
        apply(fixes, file);
        files += !file->refused;
    }
    return files;
}

size_t cli_fix_round(CliFixes *fixes, const CliReport *report)
{
    size_t taken = 0;

    for (size_t i = 0; i < report->count; i++) {
        const AkFinding *f = report->items[i].f;
        if (cli_has_fix(f) && (f->fix == AK_FIX_SAFE || fixes->unsafe))
            taken += take_fix(fixes, f);
    }
    if (!taken || !apply_all(fixes))
        return 0;
    fixes->applied += taken;
    return taken;
}

static bool has_syntax_error(const CliRun *run, const char *path)
{
    for (size_t i = 0; i < run->checks.len; i++)
        for (size_t k = 0; k < ak_check_count(run->checks.items[i]); k++) {
            const AkFinding *f = ak_check_finding(run->checks.items[i], k);
            if (!strcmp(ak_rule_id(f->rule), "AK001") &&
                !strcmp(cli_path_from_library(f->place.path), path))
                return true;
        }
    return false;
}

bool cli_fix_retract(CliFixes *fixes)
{
    bool retracted = false;

    for (size_t i = 0; i < fixes->files.len; i++) {
        Fixed *file = fixes->files.items[i];
        if (!file->unproved || file->refused || !has_syntax_error(fixes->run, file->path))
            continue;
        refuse(fixes, file, file->before);
        retracted = true;
    }
    return retracted;
}

/* ---- silencing ---- */

static size_t line_end(const CliText *text, uint32_t line)
{
    uint32_t at = 1;

    for (size_t i = 0; i < text->len; i++) {
        char c = text->text[i];
        if (c != '\n' && c != '\r')
            continue;
        if (at == line)
            return i;
        if (c == '\r' && i + 1 < text->len && text->text[i + 1] == '\n')
            i++;
        at++;
    }
    return text->len;
}

/* The rules of all findings that a comment on this line would silence, once each. */
static const char *rules_at(const CliReport *report, size_t from, const char *path,
                            uint32_t line)
{
    CliBuf ids = {0};
    const char *kept;

    for (size_t i = from; i < report->count; i++) {
        const CliFinding *item = &report->items[i];
        const char *id = ak_rule_id(item->f->rule);
        if (strcmp(item->path, path) || item->f->noqa_line != line ||
            (ids.data && strstr(ids.data, id)))
            continue;
        cli_buf_printf(&ids, "%s%s", ids.len ? ", " : "", id);
    }
    kept = cli_keep_text(ids.data, ids.len);
    cli_buf_free(&ids);
    return kept;
}

static bool take_line(CliFixes *fixes, const CliReport *report, size_t i, const char *reason)
{
    const CliFinding *item = &report->items[i];
    Fixed *file = file_of(fixes, item->path);
    size_t at = line_end(&file->now, item->f->noqa_line);
    Edit edit = {at, at, ""};

    for (size_t k = 0; k < i; k++)
        if (!strcmp(report->items[k].path, item->path) &&
            report->items[k].f->noqa_line == item->f->noqa_line)
            return false;
    if (file->refused)
        return false;
    if (at && file->now.text[at - 1] == '\\') {
        complain(item->path,
                 cli_keep_format("line %u ends with a backslash and takes no comment",
                                 item->f->noqa_line));
        return false;
    }
    edit.text = cli_keep_format("  # aklint: allow %s -- %s",
                                rules_at(report, i, item->path, item->f->noqa_line), reason);
    add_edit(file, &edit);
    return true;
}

size_t cli_fix_allow(CliFixes *fixes, const CliReport *report, const char *reason)
{
    size_t lines = 0;

    for (size_t i = 0; i < report->count; i++) {
        const CliFinding *item = &report->items[i];
        if (item->f->noqa_line && is_asked_for(fixes, item->path))
            lines += take_line(fixes, report, i, reason);
    }
    return lines && apply_all(fixes) ? lines : 0;
}

/* ---- outcome ---- */

size_t cli_fix_count(const CliFixes *fixes)
{
    size_t n = 0;

    for (size_t i = 0; i < fixes->files.len; i++)
        n += is_changed(fixes->files.items[i]);
    return n;
}

void cli_fix_diff(const CliFixes *fixes, CliBuf *out)
{
    for (size_t i = 0; i < fixes->files.len; i++) {
        const Fixed *file = fixes->files.items[i];
        cli_diff(out, cli_path_shown(file->path), &file->original, &file->now);
    }
}

/* Whoever saved the file since it was read must not lose what he wrote. */
static const char *write_file(const Fixed *file)
{
    char *text;
    size_t len;
    int error = cli_text_read(file->path, SIZE_MAX, &text, &len);
    bool same;

    if (error)
        return strerror(error);
    same = len == file->original.len && !memcmp(text, file->original.text, len);
    cli_text_free(text, len, SIZE_MAX);
    if (!same)
        return "left as it is: it changed while it was checked";
    error = cli_replace(file->path, file->now.text, file->now.len);
    return error ? cli_keep_format("left as it is: %s", strerror(error)) : NULL;
}

int cli_fix_write(const CliFixes *fixes, CliBuf *out)
{
    const char *stdin_path = fixes->run->stdin_path;
    int status = 0;

    for (size_t i = 0; i < fixes->files.len; i++) {
        const Fixed *file = fixes->files.items[i];
        const char *why = NULL;
        if (stdin_path && !strcmp(file->path, stdin_path))
            continue;
        if (is_changed(file))
            why = write_file(file);
        if (why) {
            complain(file->path, why);
            status = 2;
        }
    }
    if (stdin_path) {
        const CliText *text = cli_map_get(&fixes->run->texts->given, stdin_path);
        cli_buf_add(out, text->text, text->len);
    }
    return status;
}
