/* The file is JSON, sorted, an entry a line's worth: it is read in reviews. */
#include "baseline.h"
#include "json.h"
#include "paths.h"
#include "replace.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct Entry {
    const char *fingerprint, *code, *path, *message; /* path: absolute */
    size_t count, seen;
} Entry;

struct CliBaseline {
    const char *path;
    bool is_new;
    CliList entries;
    CliMap by_print;
};

static void *fail(const char *path, const char *why)
{
    fprintf(stderr, "aklint: %s: %s\n", cli_path_shown(path), why);
    return NULL;
}

static void add_entry(CliBaseline *b, const char *print, const char *code, const char *path,
                      const char *message, size_t count)
{
    Entry *entry = cli_map_get(&b->by_print, print);

    if (entry) {
        entry->count += count;
        return;
    }
    entry = cli_keep(sizeof *entry);
    *entry = (Entry){print, code, path, message, count, 0};
    cli_list_add(&b->entries, entry);
    cli_map_put(&b->by_print, print, entry);
}

static bool read_entry(CliBaseline *b, json_t *o)
{
    const char *print, *code, *path, *message = "";
    json_int_t count = 1;

    if (json_unpack(o, "{s:s, s:s, s:s, s?s, s?I}", "fingerprint", &print, "code", &code,
                    "path", &path, "message", &message, "count", &count) < 0 ||
        count < 1)
        return false;
    add_entry(
        b, cli_keep_string(print), cli_keep_string(code),
        cli_path_absolute(*path == '/' ? path : cli_path_join(cli_path_folder(b->path), path)),
        cli_keep_string(message), (size_t)count);
    return true;
}

CliBaseline *cli_baseline_read(const char *path, bool or_new)
{
    CliBaseline *b = cli_keep(sizeof *b);
    json_t *root, *findings, *o;
    json_error_t wrong;
    size_t i;
    FILE *file;

    b->path = cli_path_absolute(path);
    file = fopen(b->path, "r");
    if (!file && errno == ENOENT && or_new) {
        b->is_new = true;
        return b;
    }
    if (!file)
        return fail(b->path,
                    cli_keep_format("%s; --update-baseline writes it", strerror(errno)));
    root = json_loadf(file, 0, &wrong);
    fclose(file);
    if (!root)
        return fail(b->path, cli_keep_format("line %d, column %d: %s", wrong.line, wrong.column,
                                             wrong.text));
    findings = json_object_get(root, "findings");
    if (json_integer_value(json_object_get(root, "version")) != 1 || !json_is_array(findings)) {
        json_decref(root);
        return fail(b->path, "this is no baseline of version 1");
    }
    json_array_foreach(findings, i, o)
    {
        if (read_entry(b, o))
            continue;
        json_decref(root);
        return fail(b->path,
                    cli_keep_format("finding %zu lacks fingerprint, code or path", i + 1));
    }
    json_decref(root);
    return b;
}

bool cli_baseline_is_new(const CliBaseline *b)
{
    return b->is_new;
}

void cli_baseline_apply(CliBaseline *b, CliReport *report)
{
    size_t kept = 0;

    for (size_t i = 0; i < b->entries.len; i++)
        ((Entry *)b->entries.items[i])->seen = 0;
    for (size_t i = 0; i < report->count; i++) {
        const char *print = report->items[i].f->fingerprint;
        Entry *entry = print ? cli_map_get(&b->by_print, print) : NULL;
        if (entry && entry->seen < entry->count) {
            entry->seen++;
            report->known++;
        } else {
            report->items[kept++] = report->items[i];
        }
    }
    report->count = kept;
}

size_t cli_baseline_stale(const CliBaseline *b,
                          bool (*is_judged)(void *arg, const char *path, const char *code),
                          void *arg)
{
    size_t stale = 0;

    for (size_t i = 0; i < b->entries.len; i++) {
        const Entry *e = b->entries.items[i];
        if (e->seen == e->count || !is_judged(arg, e->path, e->code))
            continue;
        stale++;
        fprintf(stderr, "aklint: %s: stale: %s %s in %s is found %zu times, not %zu\n",
                cli_path_shown(b->path), e->code, e->message, cli_path_shown(e->path), e->seen,
                e->count);
    }
    return stale;
}

static int by_place(const void *a, const void *b)
{
    const Entry *x = *(Entry *const *)a, *y = *(Entry *const *)b;
    int order = strcmp(x->path, y->path);

    if (!order)
        order = strcmp(x->code, y->code);
    return order ? order : strcmp(x->fingerprint, y->fingerprint);
}

/* From the baseline's folder, so that the file can be moved with its project. */
static const char *path_in_file(const CliBaseline *b, const char *path)
{
    const char *folder = cli_path_folder(b->path);

    if (!cli_path_within(path, folder) || !strcmp(folder, "/"))
        return path;
    return path + strlen(folder) + 1;
}

static json_t *entry_object(const CliBaseline *b, const Entry *e)
{
    json_t *o = json_object();

    cli_json_set(o, "fingerprint", cli_json_text(e->fingerprint));
    cli_json_set(o, "code", cli_json_text(e->code));
    cli_json_set(o, "path", cli_json_text(path_in_file(b, e->path)));
    cli_json_set(o, "message", cli_json_text(e->message));
    cli_json_set(o, "count", json_integer((json_int_t)e->count));
    return o;
}

static int write_entries(const CliBaseline *b)
{
    json_t *root = json_object(), *all = json_array();
    CliBuf out = {0};
    int error;

    for (size_t i = 0; i < b->entries.len; i++)
        if (((const Entry *)b->entries.items[i])->count)
            json_array_append_new(all, entry_object(b, b->entries.items[i]));
    cli_json_set(root, "version", json_integer(1));
    cli_json_set(root, "findings", all);
    cli_json_write(&out, root, JSON_INDENT(1));
    error = cli_replace(b->path, out.data, out.len);
    cli_buf_free(&out);
    if (error)
        fail(b->path, strerror(error));
    return error ? 2 : 0;
}

int cli_baseline_write(CliBaseline *b, const CliReport *report, bool grow,
                       bool (*is_judged)(void *arg, const char *path, const char *code),
                       void *arg)
{
    for (size_t i = 0; i < b->entries.len; i++) {
        Entry *e = b->entries.items[i];
        if (is_judged(arg, e->path, e->code))
            e->count = e->seen;
    }
    for (size_t i = 0; grow && i < report->count; i++) {
        const CliFinding *item = &report->items[i];
        add_entry(b, cli_keep_string(item->f->fingerprint), ak_rule_id(item->f->rule),
                  item->path, cli_keep_string(item->f->message), 1);
    }
    if (b->entries.len)
        qsort(b->entries.items, b->entries.len, sizeof *b->entries.items, by_place);
    return write_entries(b);
}
