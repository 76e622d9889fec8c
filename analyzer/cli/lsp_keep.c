/* The last findings of texts that parsed, and the lines in which a text differs from then. */
#include "lsp_keep.h"
#include "json.h"

#include <stdlib.h>
#include <string.h>

struct LspKeep {
    json_t *records; /* path → records, of the last check with all open texts whole */
    json_t *texts;   /* path → the text that an open document had then */
    json_t *dropped; /* path → true */
};

/* Lines [from, was) of a text became [from, is). */
typedef struct Region {
    const char *path, *uri;
    size_t from, was, is;
    bool known; /* the text was there the last time */
} Region;

LspKeep *lsp_keep_new(void)
{
    LspKeep *keep = cli_malloc(sizeof *keep);

    *keep = (LspKeep){json_object(), json_object(), json_object()};
    return keep;
}

void lsp_keep_free(LspKeep *keep)
{
    json_decref(keep->records);
    json_decref(keep->texts);
    json_decref(keep->dropped);
    free(keep);
}

void lsp_keep_drop(LspKeep *keep, const char *path)
{
    if (path) {
        cli_json_set(keep->dropped, path, json_true());
        return;
    }
    json_object_clear(keep->records);
    json_object_clear(keep->texts);
}

/* ---- what changed ---- */

static bool ends_statement(const char *line)
{
    static const char *const parts[] = {"else", "elif", "except", "finally", "case"};

    if (strchr(" \t\r\n#)]}\"'", *line))
        return false;
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        if (!strncmp(line, parts[i], strlen(parts[i])) && strchr(" :(", line[strlen(parts[i])]))
            return false;
    return true;
}

static size_t indent_of(const char *line)
{
    return strspn(line, " \t");
}

static bool starts_definition(const char *line)
{
    return !strncmp(line, "def ", 4) || !strncmp(line, "async def ", 10) ||
           !strncmp(line, "class ", 6);
}

static const char *line_of(const LspText *text, size_t i)
{
    return text->data + text->starts[i];
}

/* The definition that holds the changed lines, or the statements at the margin around them. */
static void widen(const LspText *text, Region *r)
{
    size_t from = r->from, to = r->was, deepest = SIZE_MAX - 1, indent = 0;

    for (size_t i = r->from; i < r->was && i < text->lines; i++)
        if (!strchr("\r\n", line_of(text, i)[indent_of(line_of(text, i))]) &&
            indent_of(line_of(text, i)) < deepest)
            deepest = indent_of(line_of(text, i));
    while (from > 0) {
        const char *line = line_of(text, from < text->lines ? from : text->lines - 1);
        indent = indent_of(line);
        if (from < text->lines &&
            ((!indent && ends_statement(line)) ||
             (indent < deepest + (from == r->from) && starts_definition(line + indent))))
            break;
        from--;
    }
    indent = from < text->lines ? indent_of(line_of(text, from)) : 0;
    for (; to < text->lines; to++) {
        const char *line = line_of(text, to);
        size_t here = indent_of(line);
        if (here <= indent && line[here] && ends_statement(line + here))
            break;
    }
    r->is += to - r->was;
    r->was = to;
    r->from = from;
}

static bool same_line(const LspText *a, size_t i, const LspText *b, size_t k)
{
    size_t n = (i + 1 < a->lines ? a->starts[i + 1] : a->len) - a->starts[i];
    size_t m = (k + 1 < b->lines ? b->starts[k + 1] : b->len) - b->starts[k];

    return n == m && !memcmp(line_of(a, i), line_of(b, k), n);
}

static Region region_of(const LspKeep *keep, const LspDocument *document)
{
    const json_t *before = json_object_get(keep->texts, document->path);
    Region r = {.path = document->path, .uri = document->uri, .known = before != NULL};
    const LspText *now = &document->text;
    size_t most, back = 0;
    LspText then = {0};

    if (!before)
        return r;
    lsp_text_set(&then, json_string_value(before), json_string_length(before));
    most = then.lines < now->lines ? then.lines : now->lines;
    while (r.from < most && same_line(&then, r.from, now, r.from))
        r.from++;
    while (back < most - r.from &&
           same_line(&then, then.lines - back - 1, now, now->lines - back - 1))
        back++;
    r.was = then.lines - back;
    r.is = now->lines - back;
    if (r.from < r.was || r.from < r.is)
        widen(&then, &r);
    lsp_text_free(&then);
    return r;
}

static const Region *find(const Region *regions, size_t count, const char *path,
                          const char *uri)
{
    for (size_t i = 0; i < count; i++)
        if ((path && !strcmp(regions[i].path, path)) || (uri && !strcmp(regions[i].uri, uri)))
            return &regions[i];
    return NULL;
}

/* ---- moving along ---- */

typedef struct Regions {
    const Region *items;
    size_t count;
    bool lost; /* an edit lies where the text changed */
} Regions;

static void move_place(const Region *r, json_t *place)
{
    json_int_t line = json_integer_value(json_object_get(place, "line"));

    if (r && line >= (json_int_t)r->was)
        json_object_set_new(place, "line",
                            json_integer(line + (json_int_t)r->is - (json_int_t)r->was));
}

static void move_range(const Region *r, json_t *range)
{
    move_place(r, json_object_get(range, "start"));
    move_place(r, json_object_get(range, "end"));
}

static json_int_t line_at(const json_t *range, const char *end)
{
    return json_integer_value(json_object_get(json_object_get(range, end), "line"));
}

static void move_steps(const Regions *all, json_t *steps)
{
    for (size_t i = 0; i < json_array_size(steps); i++) {
        json_t *place = json_object_get(json_array_get(steps, i), "location");
        const char *uri = json_string_value(json_object_get(place, "uri"));
        move_range(find(all->items, all->count, NULL, uri), json_object_get(place, "range"));
    }
}

static bool move_edits(const Regions *all, json_t *changes)
{
    const char *uri;
    json_t *edits;

    json_object_foreach(changes, uri, edits) for (size_t i = 0; i < json_array_size(edits); i++)
    {
        const Region *r = find(all->items, all->count, NULL, uri);
        json_t *range = json_object_get(json_array_get(edits, i), "range");
        if (r && line_at(range, "start") < (json_int_t)r->was &&
            line_at(range, "end") >= (json_int_t)r->from)
            return false;
        move_range(r, range);
    }
    return true;
}

static json_t *moved(const Regions *all, const Region *own, const json_t *record)
{
    json_t *copy = json_deep_copy(record), *d = json_object_get(copy, "diagnostic");

    move_range(own, json_object_get(d, "range"));
    move_steps(all, json_object_get(d, "relatedInformation"));
    move_steps(all, json_object_get(copy, "trail"));
    move_place(own, json_object_get(copy, "noqa"));
    if (!move_edits(all, json_object_get(json_object_get(copy, "fix"), "changes")))
        json_object_del(copy, "fix");
    return copy;
}

/* ---- merging ---- */

static bool lies_in(const json_t *record, size_t from, size_t to)
{
    const json_t *range = json_object_get(json_object_get(record, "diagnostic"), "range");
    json_int_t line = line_at(range, "start");

    return line >= (json_int_t)from && line < (json_int_t)to;
}

static bool is_syntax(const json_t *record)
{
    const json_t *d = json_object_get(record, "diagnostic");
    const char *code = json_string_value(json_object_get(d, "code"));

    return code && !strcmp(code, "AK001");
}

static int by_place(const void *a, const void *b)
{
    const json_t *x =
        json_object_get(json_object_get(*(json_t *const *)a, "diagnostic"), "range");
    const json_t *y =
        json_object_get(json_object_get(*(json_t *const *)b, "diagnostic"), "range");

    return line_at(x, "start") < line_at(y, "start")
               ? -1
               : line_at(x, "start") > line_at(y, "start");
}

static void sort(json_t *list)
{
    size_t n = json_array_size(list);
    json_t **items = cli_malloc((n + 1) * sizeof *items);

    for (size_t i = 0; i < n; i++)
        items[i] = json_incref(json_array_get(list, i));
    qsort(items, n, sizeof *items, by_place);
    json_array_clear(list);
    for (size_t i = 0; i < n; i++)
        json_array_append_new(list, items[i]);
    free(items);
}

static void merge_path(const LspKeep *keep, const Regions *all, const char *path,
                       const json_t *fresh, json_t *out)
{
    const Region *own = find(all->items, all->count, path, NULL);
    const json_t *before = json_object_get(keep->records, path);
    bool dropped = json_object_get(keep->dropped, path) || (own && !own->known);
    json_t *list = json_array();

    for (size_t i = 0; i < json_array_size(before) && !dropped; i++) {
        const json_t *record = json_array_get(before, i);
        if (!is_syntax(record) && (!own || !lies_in(record, own->from, own->was)))
            json_array_append_new(list, moved(all, own, record));
    }
    for (size_t i = 0; i < json_array_size(fresh); i++) {
        json_t *record = json_array_get(fresh, i);
        if (dropped || is_syntax(record) || (own && lies_in(record, own->from, own->is)))
            json_array_append(list, record);
    }
    sort(list);
    if (json_array_size(list))
        json_object_set_nocheck(out, path, list);
    json_decref(list);
}

static json_t *merge(const LspKeep *keep, const Regions *all, const json_t *records)
{
    json_t *out = json_object(), *value, *paths = json_copy((json_t *)(uintptr_t)records);
    const char *path;

    json_object_update_missing(paths, keep->records);
    json_object_foreach(paths, path, value)
        merge_path(keep, all, path, json_object_get(records, path), out);
    json_decref(paths);
    return out;
}

static void remember(LspKeep *keep, const LspWorld *world, json_t *records)
{
    json_decref(keep->records);
    keep->records = json_incref(records);
    json_object_clear(keep->texts);
    json_object_clear(keep->dropped);
    for (size_t i = 0; i < world->document_count; i++) {
        const LspDocument *document = world->documents[i];
        if (document->path && !document->is_broken)
            json_object_set_new_nocheck(
                keep->texts, document->path,
                json_stringn_nocheck(document->text.data, document->text.len));
    }
}

json_t *lsp_keep_merge(LspKeep *keep, const LspWorld *world, json_t *records)
{
    Region *regions = cli_malloc((world->document_count + 1) * sizeof *regions);
    Regions all = {.items = regions};
    bool broken = false;
    json_t *merged;

    for (size_t i = 0; i < world->document_count; i++) {
        const LspDocument *document = world->documents[i];
        if (!document->path)
            continue;
        broken |= document->is_broken && json_object_get(keep->texts, document->path);
    }
    if (!broken) {
        remember(keep, world, records);
        free(regions);
        return records;
    }
    for (size_t i = 0; i < world->document_count; i++)
        if (world->documents[i]->path)
            regions[all.count++] = region_of(keep, world->documents[i]);
    merged = merge(keep, &all, records);
    json_decref(records);
    free(regions);
    return merged;
}
