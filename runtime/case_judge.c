/* What was seen against what is expected; and the file rewritten after what was seen. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../analyzer/cli/diff.h"
#include "bundle.h"
#include "case.h"
#include "report.h"

/* --- Texts
 * ------------------------------------------------------------------------------------------ */

static bool is_space(char c)
{
    return c == ' ' || c == '\n' || c == '\t' || c == '\r';
}

/* Empty lines and spaces around a text do not count. */
static AkBytes core_of(AkBytes text)
{
    while (text.len && is_space(text.at[text.len - 1]))
        text.len--;
    while (text.len && is_space(*text.at)) {
        text.at++;
        text.len--;
    }
    return text.len ? text : ak_bytes("");
}

static AkBytes bytes_of(const AkText *text)
{
    return (AkBytes){text->at ? text->at : "", text->len};
}

static bool same(AkBytes a, AkBytes b)
{
    return ak_bytes_equal(core_of(a), core_of(b));
}

/* Lines that begin with # are for people. */
static AkText without_comments(AkBytes text)
{
    AkText out = {0};

    for (size_t at = 0; at < text.len;) {
        const char *end = memchr(text.at + at, '\n', text.len - at);
        size_t len = end ? (size_t)(end - text.at) - at + 1 : text.len - at;
        AkBytes line = {text.at + at, len};
        if (core_of(line).at[0] != '#')
            ak_text_bytes(&out, line);
        at += len;
    }
    return out;
}

/* --- What was seen, a text for each thing that can be expected
 * ------------------------------------------------------- */

static json_t *json_of(const AkText *error)
{
    return error->len ? json_loadb(error->at, error->len, 0, NULL) : NULL;
}

/* "ValueError: no such order" */
static AkText short_error(const AkCaseRun *run)
{
    json_t *error = json_of(&run->error);
    const char *type = json_string_value(json_object_get(error, "type"));
    const char *message = json_string_value(json_object_get(error, "message"));
    AkText out = {0};

    if (run->state == AK_STATE_ERROR) {
        ak_text_str(&out, type ? type : "error");
        ak_text_str(&out, message && *message ? ": " : "");
        ak_text_str(&out, message ? message : "");
    }
    json_decref(error);
    return out;
}

static AkText long_error(const AkCaseRun *run)
{
    AkText out = {0};

    if (run->state != AK_STATE_ERROR)
        return out;
    char *words = ak_report_error_text(bytes_of(&run->error));
    ak_text_str(&out, words);
    free(words);
    return out;
}

static const AkTxtarFile *error_file(const AkCase *c)
{
    const AkTxtarFile *file = ak_txtar_find(&c->archive, "error.txt");

    return file ? file : ak_txtar_find(&c->archive, "error.durable.txt");
}

/* The prints of which function? prints.NAME.txt; NULL: another file. */
static char *func_of(AkBytes name)
{
    bool is = name.len > 11 && !memcmp(name.at, "prints.", 7) &&
              !memcmp(name.at + name.len - 4, ".txt", 4);

    return is ? strndup(name.at + 7, name.len - 11) : NULL;
}

static AkBytes prints_of(const AkCaseRun *run, const char *func)
{
    for (size_t i = 0; i < run->others_len; i++)
        if (!strcmp(run->others[i].func, func))
            return bytes_of(&run->others[i].text);
    return ak_bytes("");
}

/* What was seen of the thing that this file is about. False: it is about nothing that is seen.
 */
static bool seen_for(AkBytes name, const AkCaseRun *run, AkBytes *seen)
{
    char *func = func_of(name);

    if (ak_bytes_is(name, "calls.txt"))
        *seen = bytes_of(&run->calls);
    else if (ak_bytes_is(name, "return.txt"))
        *seen = bytes_of(&run->value);
    else if (ak_bytes_is(name, "outcome.txt"))
        *seen = bytes_of(&run->outcomes);
    else if (func)
        *seen = prints_of(run, func);
    else
        return false;
    free(func);
    return true;
}

/* --- The judgement
 * --------------------------------------------------------------------------------- */

static void add_words(json_t *list, const char *what, const char *key, const char *words,
                      size_t len)
{
    json_t *text = json_stringn(words, len);

    json_array_append_new(list,
                          json_pack("{s:s, s:o}", "what", what, key,
                                    text ? text : json_string("(text that is not UTF-8)")));
}

static void add_diff(json_t *list, const char *what, AkBytes expected, AkBytes seen)
{
    AkText old = {0}, new = {0};
    CliBuf out = {0};

    ak_text_bytes(&old, core_of(expected));
    ak_text_str(&old, old.len ? "\n" : "");
    ak_text_bytes(&new, core_of(seen));
    ak_text_str(&new, new.len ? "\n" : "");
    cli_diff(&out, "", &(CliText){old.len ? old.at : "", old.len},
             &(CliText){new.len ? new.at : "", new.len});
    /* Its head names a file twice: what is expected, and what is there, says more. */
    const char *hunks = strstr(out.data, "@@");
    AkText diff = {0};
    ak_text_str(&diff, "--- expected\n+++ actual\n");
    ak_text_str(&diff, hunks ? hunks : "");
    add_words(list, what, "diff", diff.at, diff.len);
    cli_buf_free(&out);
    ak_text_free(&old);
    ak_text_free(&new);
    ak_text_free(&diff);
}

static void judge_error(const AkCase *c, const AkCaseRun *run, json_t *list)
{
    const AkTxtarFile *file = error_file(c);
    AkText brief = short_error(run), whole = long_error(run);

    if (!file && run->state == AK_STATE_ERROR)
        add_words(list, "error", "text", whole.at, whole.len);
    else if (file && !same(file->text, bytes_of(&brief)) && !same(file->text, bytes_of(&whole)))
        add_diff(list, "error", file->text,
                 memmem(file->text.at, file->text.len, "Traceback", 9) ? bytes_of(&whole)
                                                                       : bytes_of(&brief));
    ak_text_free(&brief);
    ak_text_free(&whole);
}

static void judge_file(const AkTxtarFile *file, const AkCaseRun *run, json_t *list)
{
    char what[128];
    AkBytes seen;

    if (!seen_for(file->name, run, &seen))
        return;
    AkText expected =
        ak_bytes_is(file->name, "calls.txt") ? without_comments(file->text) : (AkText){0};
    AkBytes text = ak_bytes_is(file->name, "calls.txt") ? bytes_of(&expected) : file->text;
    snprintf(what, sizeof what, "%.*s", (int)(file->name.len < 120 ? file->name.len : 120),
             file->name.at);
    if (!same(text, seen))
        add_diff(list, what, text, seen);
    ak_text_free(&expected);
}

json_t *ak_case_judge(const AkCase *c, const AkCaseRun *run)
{
    json_t *list = json_array();

    if (!same(c->archive.comment, bytes_of(&run->prints)))
        add_diff(list, "prints", c->archive.comment, bytes_of(&run->prints));
    judge_error(c, run, list);
    for (size_t i = 0; i < c->archive.len; i++)
        judge_file(&c->archive.files[i], run, list);
    json_array_extend(list, run->faults);
    return list;
}

/* --- The file anew
 * --------------------------------------------------------------------------------- */

typedef struct Update {
    AkTxtar archive;
    AkText comment, error, kept[64]; /* texts that the archive's slices point into */
    size_t kept_len;
} Update;

/* A text as it stands in the file: its lines, and `gap` empty ones before the next file. */
static AkBytes shaped(AkText *out, AkBytes text, const char *gap)
{
    ak_text_clear(out);
    ak_text_bytes(out, core_of(text));
    if (out->len) {
        ak_text_str(out, "\n");
        ak_text_str(out, gap);
    }
    return bytes_of(out);
}

static void update_files(Update *u, const AkCaseRun *run)
{
    for (size_t i = 0; i < u->archive.len && u->kept_len < 64; i++) {
        AkTxtarFile *file = &u->archive.files[i];
        AkBytes seen;
        AkText plain = without_comments(file->text);
        bool calls = ak_bytes_is(file->name, "calls.txt");
        if (seen_for(file->name, run, &seen) &&
            !same(calls ? bytes_of(&plain) : file->text, seen))
            file->text =
                shaped(&u->kept[u->kept_len++], seen, i + 1 < u->archive.len ? "\n" : "");
        ak_text_free(&plain);
    }
}

static void update_error(Update *u, const AkCase *c, const AkCaseRun *run)
{
    const AkTxtarFile *old = error_file(c);
    AkText brief = short_error(run), whole = long_error(run);
    bool holds =
        old && (same(old->text, bytes_of(&brief)) || same(old->text, bytes_of(&whole)));
    bool traced = old && memmem(old->text.at, old->text.len, "Traceback", 9);

    if (run->state != AK_STATE_ERROR) {
        ak_txtar_remove(&u->archive, "error.txt");
        ak_txtar_remove(&u->archive, "error.durable.txt");
    } else if (!old) {
        ak_txtar_add(&u->archive, ak_bytes("error.txt"),
                     shaped(&u->error, bytes_of(&brief), ""));
    } else if (!holds) {
        char name[32];
        snprintf(name, sizeof name, "%.*s", (int)old->name.len, old->name.at);
        AkTxtarFile *file = ak_txtar_find(&u->archive, name);
        file->text = shaped(&u->error, bytes_of(traced ? &whole : &brief), "");
    }
    ak_text_free(&brief);
    ak_text_free(&whole);
}

static int write_anew(const char *path, const AkText *text, char *why, size_t size)
{
    char *fresh;

    if (asprintf(&fresh, "%s.new", path) < 0)
        return -1;
    FILE *file = fopen(fresh, "we");
    if (file)
        fwrite(text->at, 1, text->len, file);
    bool failed = !file || ak_file_end(file) < 0 || rename(fresh, path) < 0;

    if (failed) {
        snprintf(why, size, "%s: %s", fresh, strerror(errno));
        unlink(fresh);
    }
    free(fresh);
    return failed ? -1 : 1;
}

static int rewrite(const AkCase *c, const Update *u, char *why, size_t size)
{
    AkText text = {0};
    bool marked = ak_txtar_has_marker(u->archive.comment);
    int done = 0;

    for (size_t i = 0; i < u->archive.len && !marked; i++)
        marked = ak_txtar_has_marker(u->archive.files[i].text);
    if (marked) {
        snprintf(
            why, size,
            "a line like `-- name --` was printed or raised, which begins a file in a case");
        return -1;
    }
    ak_txtar_write(&u->archive, &text);
    if (!ak_bytes_equal(bytes_of(&text), bytes_of(&c->text)))
        done = write_anew(c->path, &text, why, size);
    ak_text_free(&text);
    return done;
}

int ak_case_update(const AkCase *c, const AkCaseRun *run, char *why, size_t size)
{
    Update u = {0};

    ak_txtar_read(bytes_of(&c->text), &u.archive);
    update_files(&u, run);
    update_error(&u, c, run);
    if (!same(c->archive.comment, bytes_of(&run->prints)))
        u.archive.comment =
            shaped(&u.comment, bytes_of(&run->prints), u.archive.len ? "\n" : "");
    int done = rewrite(c, &u, why, size);
    ak_txtar_free(&u.archive);
    ak_text_free(&u.comment);
    ak_text_free(&u.error);
    for (size_t i = 0; i < u.kept_len; i++)
        ak_text_free(&u.kept[i]);
    return done;
}
