/* A run of the checker is started once and passed through again and again, with the texts of
 * open buffers in their files' place. */
#include "lsp_check.h"
#include "json.h"
#include "lsp_keep.h"
#include "map.h"
#include "narrow.h"
#include "paths.h"
#include "rules.h"
#include "uri.h"

#include <stdlib.h>
#include <string.h>

/* Each pass keeps a little until the files are looked for anew. */
enum { PASSES = 500 };

struct LspCheck {
    LspWorld *world;
    CliOptions options;
    CliRun run;
    CliNarrow narrow;
    bool started;
    unsigned passes;
    CliMap texts; /* path → LspText, of files that the editor has not open */
    CliList read; /* LspText */
    AkMemory *memory;
    LspKeep *keep;
    json_t *records;
};

LspCheck *lsp_check_new(LspWorld *world)
{
    LspCheck *check = cli_malloc(sizeof *check);

    *check = (LspCheck){.world = world,
                        .memory = ak_memory_new(),
                        .keep = lsp_keep_new(),
                        .records = json_object()};
    return check;
}

void lsp_check_forget(LspCheck *check)
{
    if (check->started)
        cli_run_end(&check->run);
    check->started = false;
    check->texts = (CliMap){0};
    cli_forget();
}

void lsp_check_free(LspCheck *check)
{
    lsp_check_forget(check);
    ak_memory_free(check->memory);
    lsp_keep_free(check->keep);
    json_decref(check->records);
    free(check);
}

void lsp_check_changed(LspCheck *check, const char *path)
{
    lsp_keep_drop(check->keep, path);
}

const CliList *lsp_check_done(const LspCheck *check)
{
    static const CliList none;

    return check->started ? &check->run.checks : &none;
}

const LspWorld *lsp_check_world(const LspCheck *check)
{
    return check->world;
}

json_t *lsp_check_records(const LspCheck *check)
{
    return check->records;
}

/* ---- names ---- */

/* The editor's own spelling, where it has the file open. */
static const char *spelling_of(const LspWorld *world, const char *path)
{
    for (size_t i = 0; i < world->document_count; i++)
        if (world->documents[i]->path && !strcmp(world->documents[i]->path, path))
            return world->documents[i]->uri;
    return NULL;
}

char *lsp_uri(const LspWorld *world, const char *path)
{
    const char *known = spelling_of(world, path);
    CliBuf uri = {0};

    cli_buf_puts(&uri, known ? known : "file://");
    if (!known)
        cli_uri(&uri, path);
    return uri.data;
}

static int hex(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

char *lsp_path(const char *uri)
{
    static const char scheme[] = "file://";
    const char *p;
    char *path, *to;

    if (!uri || strncmp(uri, scheme, sizeof scheme - 1))
        return NULL;
    p = strchr(uri + sizeof scheme - 1, '/');
    if (!p)
        return NULL;
    path = to = cli_malloc(strlen(p) + 1);
    while (*p) {
        int high = *p == '%' ? hex(p[1]) : -1, low = high >= 0 ? hex(p[2]) : -1;
        if (low >= 0 && (high || low)) {
            *to++ = (char)(high * 16 + low);
            p += 3;
        } else if (*p == '/' && p[1] == '/') {
            p++;
        } else {
            *to++ = *p++;
        }
    }
    while (to > path + 1 && to[-1] == '/')
        to--;
    *to = '\0';
    return path;
}

/* ---- files ---- */

static bool ends_with(const char *text, const char *end)
{
    size_t n = strlen(text), m = strlen(end);

    return n >= m && !strcmp(text + n - m, end);
}

/* A buffer whose file is not on the disk, or lies outside of the folders that are open. */
static void add_document(LspCheck *check, const LspDocument *document)
{
    CliFiles *files = &check->run.files;
    CliFile *file = cli_files_get(files, document->path);

    if (!file &&
        (!ends_with(document->path, ".py") || strstr(document->path, "/site-packages/")))
        return;
    if (!file) {
        const char *path = cli_keep_string(document->path);
        const CliSettings *settings = cli_files_around(files, path);
        cli_files_sort(files);
        file = cli_files_get(files, path);
        if (!file && cli_config_excludes(settings, path))
            return;
        if (!file) {
            cli_files_add(files, path, AK_REPORT, settings);
            cli_files_sort(files);
            return;
        }
    }
    file->use = AK_REPORT;
}

static int start(LspCheck *check)
{
    const LspWorld *world = check->world;
    CliOptions *o = &check->options;
    int status;

    lsp_check_forget(check);
    if (!cli_paths_start())
        return 2;
    *o = (CliOptions){
        .max_bytes = -1, .max_warnings = -1, .jobs = -1, .show = "notes", .quiet = true};
    o->config = world->config;
    o->isolated = world->isolated;
    for (size_t i = 0; i < world->folder_count; i++)
        cli_list_add(&o->words, cli_keep_string(world->folders[i]));
    /* Without a folder the open files are all there is. */
    for (size_t i = 0; i < world->document_count && !world->folder_count; i++)
        if (world->documents[i]->path)
            cli_list_add(&o->words, cli_path_folder(world->documents[i]->path));
    if (!o->words.len)
        return 0;
    status = cli_run_start(&check->run, o);
    check->started = true;
    for (size_t i = 0; i < world->document_count; i++) {
        world->documents[i]->is_new = true;
        if (!status && world->documents[i]->path)
            add_document(check, world->documents[i]);
    }
    if (!status)
        status = cli_narrow_start(&check->narrow, &check->run);
    check->run.memory = check->memory;
    check->run.stop = world->stop;
    check->run.stop_arg = world->stop_arg;
    check->passes = 0;
    return status;
}

static void give_documents(LspCheck *check)
{
    const LspWorld *world = check->world;

    for (size_t i = 0; i < world->document_count; i++) {
        LspDocument *document = world->documents[i];
        if (!document->path || !document->is_new)
            continue;
        document->is_new = false;
        cli_texts_give(check->run.texts, cli_keep_string(document->path), document->text.data,
                       document->text.len);
    }
}

/* ---- places ---- */

static const LspText *text_of(LspCheck *check, const char *path)
{
    LspText *text = cli_map_get(&check->texts, path);
    char *data;
    size_t len;

    for (size_t i = 0; i < check->world->document_count; i++)
        if (check->world->documents[i]->path && !strcmp(check->world->documents[i]->path, path))
            return &check->world->documents[i]->text;
    if (text)
        return text;
    text = cli_keep(sizeof *text);
    if (cli_text_read(path, SIZE_MAX, &data, &len) == 0) {
        lsp_text_set(text, data, len);
        cli_text_free(data, len, SIZE_MAX);
    } else {
        lsp_text_set(text, "", 0);
    }
    cli_map_put(&check->texts, cli_keep_string(path), text);
    cli_list_add(&check->read, text);
    return text;
}

static void forget_texts(LspCheck *check)
{
    for (size_t i = 0; i < check->read.len; i++)
        lsp_text_free(check->read.items[i]);
    check->texts = (CliMap){0};
    check->read = (CliList){0};
}

static json_t *position(LspPlace place)
{
    return json_pack("{s:I, s:I}", "line", (json_int_t)place.line, "character",
                     (json_int_t)place.character);
}

json_t *lsp_range(LspPlace from, LspPlace to)
{
    return json_pack("{s:o, s:o}", "start", position(from), "end", position(to));
}

static json_t *range_of(LspCheck *check, const AkPlace *place)
{
    const LspText *text = text_of(check, cli_path_from_library(place->path));
    LspUnits units = check->world->units;

    return lsp_range(lsp_text_place(text, units, place->line, place->column),
                     lsp_text_place(text, units, place->end_line, place->end_column));
}

/* ---- records ---- */

static json_t *uri_of(const LspCheck *check, const char *path)
{
    char *uri = lsp_uri(check->world, path);
    json_t *value = cli_json_text(uri);

    free(uri);
    return value;
}

static json_t *related_of(LspCheck *check, const AkFinding *f)
{
    json_t *related = json_array();

    for (size_t i = 0; i < f->trail_len; i++) {
        const AkStep *step = &f->trail[i];
        json_t *place = json_object(), *item = json_object();
        cli_json_set(place, "uri", uri_of(check, cli_path_from_library(step->place.path)));
        cli_json_set(place, "range", range_of(check, &step->place));
        cli_json_set(item, "location", place);
        cli_json_set(item, "message", cli_json_text(step->text));
        json_array_append_new(related, item);
    }
    return related;
}

static json_t *message_of(const LspCheck *check, const AkFinding *f)
{
    CliBuf text = {0};
    json_t *value;

    cli_buf_puts(&text, f->message);
    if (f->advice && *f->advice)
        cli_buf_printf(&text, "\n%s", f->advice);
    for (size_t i = 0; i < f->trail_len && !check->world->shows_related; i++)
        cli_buf_printf(&text, "\n%s:%u: %s",
                       cli_path_shown(cli_path_from_library(f->trail[i].place.path)),
                       f->trail[i].place.line, f->trail[i].text);
    value = cli_json_text(text.data);
    cli_buf_free(&text);
    return value;
}

static json_t *diagnostic_of(LspCheck *check, const CliFinding *item)
{
    const AkFinding *f = item->f;
    json_t *d = json_object();

    cli_json_set(d, "range", range_of(check, &f->place));
    cli_json_set(d, "severity", json_integer(1 + (json_int_t)item->level));
    cli_json_set(d, "code", json_string(ak_rule_id(f->rule)));
    cli_json_set(d, "source", json_string("aklint"));
    cli_json_set(d, "message", message_of(check, f));
    if (check->world->shows_related && f->trail_len)
        cli_json_set(d, "relatedInformation", related_of(check, f));
    cli_json_set(d, "data", json_pack("{s:o}", "fingerprint", cli_json_text(f->fingerprint)));
    return d;
}

static json_t *fix_of(LspCheck *check, const AkFinding *f)
{
    json_t *changes = json_object(), *fix = json_object();

    for (size_t i = 0; i < f->edits_len; i++) {
        const char *path = cli_path_from_library(f->edits[i].place.path);
        char *uri = lsp_uri(check->world, path);
        json_t *edits = json_object_get(changes, uri), *edit = json_object();
        if (!edits) {
            edits = json_array();
            cli_json_set(changes, uri, edits);
        }
        free(uri);
        cli_json_set(edit, "range", range_of(check, &f->edits[i].place));
        cli_json_set(edit, "newText", cli_json_text(f->edits[i].text));
        json_array_append_new(edits, edit);
    }
    cli_json_set(fix, "title",
                 cli_json_text(f->fix_message && *f->fix_message ? f->fix_message : "Fix"));
    cli_json_set(fix, "safe", json_boolean(f->fix == AK_FIX_SAFE));
    cli_json_set(fix, "changes", changes);
    return fix;
}

static json_t *record_of(LspCheck *check, const CliFinding *item)
{
    const AkFinding *f = item->f;
    const LspText *text = text_of(check, item->path);
    json_t *record = json_object();
    size_t end;

    cli_json_set(record, "diagnostic", diagnostic_of(check, item));
    cli_json_set(record, "trail", related_of(check, f));
    cli_json_set(record, "context", cli_json_text(f->context ? f->context : ""));
    if (cli_has_fix(f))
        cli_json_set(record, "fix", fix_of(check, f));
    if (!f->noqa_line || f->noqa_line > text->lines)
        return record;
    /* Behind a backslash there is no room for a comment. */
    end = lsp_text_line_end(text, f->noqa_line - 1);
    if (!end || text->data[end - 1] != '\\')
        cli_json_set(
            record, "noqa",
            position(lsp_text_place(text, check->world->units, f->noqa_line, UINT32_MAX)));
    return record;
}

static void note_broken(LspCheck *check)
{
    for (size_t i = 0; i < check->world->document_count; i++) {
        LspDocument *document = check->world->documents[i];
        document->is_broken = false;
        for (size_t k = 0; k < check->run.checks.len && document->path; k++)
            document->is_broken |= ak_check_stumbled(check->run.checks.items[k],
                                                     cli_path_to_library(document->path));
    }
}

static void keep_records(LspCheck *check, const CliReport *report)
{
    json_t *records = json_object();

    for (size_t i = 0; i < report->count; i++) {
        const CliFinding *item = &report->items[i];
        json_t *list = json_object_get(records, item->path);
        if (item->level >= AK_NOTE)
            continue; /* as on the command line, notes are not shown unasked */
        if (!list && json_object_set_new_nocheck(records, item->path, json_array()) == 0)
            list = json_object_get(records, item->path);
        json_array_append_new(list, record_of(check, item));
    }
    note_broken(check);
    json_decref(check->records);
    check->records = lsp_keep_merge(check->keep, check->world, records);
}

static const CliReport nothing;

int lsp_check_run(LspCheck *check)
{
    CliReport report = nothing;
    int status = 0;

    if (!check->started || check->passes++ >= PASSES)
        status = start(check);
    if (check->started && !status) {
        give_documents(check);
        status = cli_narrow_pass(&check->narrow, &report);
    }
    /* While nobody waits: the first broken line is near. */
    if (check->started && check->run.python)
        cli_python_start(check->run.python);
    if (status == 130)
        return status;
    /* What went wrong may be mended by the next time. */
    if (status)
        lsp_check_forget(check);
    keep_records(check, status ? &nothing : &report);
    forget_texts(check);
    return status;
}
