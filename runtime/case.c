#define _GNU_SOURCE
#include "case.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bundle.h"
#include "cli.h"
#include "manifest.h"

enum { CASE_MAX = 16 << 20 };

static const char *const settings[] = {"at", "call", "dialect", "for", "vars", NULL};
static const char *const event_keys[] = {"source", "event_type", "data", "after", NULL};
static const char *const signal_keys[] = {"signal", "payload", "after", NULL};

static int wrong(char *why, size_t size, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static int wrong(char *why, size_t size, const char *format, ...)
{
    va_list list;

    va_start(list, format);
    vsnprintf(why, size, format, list);
    va_end(list);
    return -1;
}

/* --- Names
 * ------------------------------------------------------------------------------------------ */

static bool starts(AkBytes text, const char *with)
{
    size_t len = strlen(with);

    return text.len >= len && !memcmp(text.at, with, len);
}

static bool ends(AkBytes text, const char *with)
{
    size_t len = strlen(with);

    return text.len >= len && !memcmp(text.at + text.len - len, with, len);
}

bool ak_case_is_program(AkBytes name)
{
    static const char *const own[] = {
        "case.json",   "event.json",        "events.json",
        "calls.txt",   "error.txt",         "return.txt",
        "outcome.txt", "error.durable.txt", "error.nondurable.txt",
        NULL};

    for (const char *const *n = own; *n; n++)
        if (ak_bytes_is(name, *n))
            return false;
    return !(starts(name, "prints.") && ends(name, ".txt"));
}

/* `main.py:main` and `main.py main`, as the hosted service writes both. */
AkBytes ak_case_path(AkBytes name)
{
    const char *dot = memmem(name.at, name.len, ".py", 3);

    if (dot && dot + 3 < name.at + name.len && strchr(": ", dot[3]))
        return (AkBytes){name.at, (size_t)(dot + 3 - name.at)};
    return name;
}

/* Below the folder that it is to lie in, wherever that is. */
static bool is_safe(AkBytes path)
{
    if (!path.len || path.len > 512 || path.at[0] == '/' || path.at[path.len - 1] == '/')
        return false;
    for (size_t at = 0; at <= path.len;) {
        const char *slash = memchr(path.at + at, '/', path.len - at);
        size_t end = slash ? (size_t)(slash - path.at) : path.len;
        AkBytes part = {path.at + at, end - at};
        if (!part.len || ak_bytes_is(part, ".") || ak_bytes_is(part, ".."))
            return false;
        at = end + 1;
    }
    return true;
}

static int check_names(const AkCase *c, char *why, size_t size)
{
    for (size_t i = 0; i < c->archive.len; i++) {
        AkBytes name = c->archive.files[i].name;
        if (ak_case_is_program(name) && !is_safe(ak_case_path(name)))
            return wrong(why, size, "'%.*s' is no path below the program",
                         (int)(name.len < 200 ? name.len : 200), name.at);
    }
    return 0;
}

/* --- Values
 * ----------------------------------------------------------------------------------------- */

int64_t ak_case_duration(const json_t *value)
{
    static const struct {
        const char *unit;
        double seconds;
    } units[] = {{"", 1}, {"s", 1}, {"m", 60}, {"h", 3600}, {"d", 86400}};
    double number = json_is_number(value) ? json_number_value(value) : -1, factor = 1;
    char *end = NULL;

    if (json_is_string(value)) {
        number = strtod(json_string_value(value), &end);
        factor = 0;
        for (size_t i = 0; end > json_string_value(value) && i < 5; i++)
            if (!strcmp(end, units[i].unit))
                factor = units[i].seconds;
    }
    if (!(number >= 0) || factor == 0 || number * factor > 3e9)
        return -1;
    return (int64_t)(number * factor * 1e6);
}

/* "2026-01-01T09:30:00Z", and "2026-01-01" for its midnight. */
static int64_t read_time(const char *text)
{
    struct tm tm = {.tm_mday = 1};
    const char *end = text ? strptime(text, "%Y-%m-%dT%H:%M:%SZ", &tm) : NULL;

    if (text && !end) {
        tm = (struct tm){0};
        end = strptime(text, "%Y-%m-%d", &tm);
    }
    return end && !*end ? (int64_t)timegm(&tm) * 1000000 : -1;
}

static int check_keys(json_t *object, const char *const *known, const char *where, char *why,
                      size_t size)
{
    const char *key;
    json_t *value;

    json_object_foreach(object, key, value)
    {
        const char *const *k = known;
        while (*k && strcmp(*k, key))
            k++;
        const char *near = *k ? NULL : ak_nearest(key, known);
        if (!*k)
            return wrong(why, size, "%s: unknown key \"%.80s\"%s%s%s", where, key,
                         near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");
    }
    return 0;
}

/* The line of the case's file, for a place in one of its sections. */
static int line_of(const AkCase *c, const char *at)
{
    int line = 1;

    for (const char *p = c->text.at; p < at; p++)
        line += *p == '\n';
    return line;
}

/* *json stays NULL when there is no such section. */
static int read_json(const AkCase *c, const char *name, json_t **json, char *why, size_t size)
{
    const AkTxtarFile *file = ak_txtar_find(&c->archive, name);
    json_error_t error;

    if (!file)
        return 0;
    *json = json_loadb(file->text.at, file->text.len, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES,
                       &error);
    return *json ? 0
                 : wrong(why, size, "line %d: %s: %s",
                         line_of(c, file->text.at) + (error.line > 0 ? error.line - 1 : 0),
                         name, error.text);
}

/* --- Settings
 * ----------------------------------------------------------------------------------- */

static int read_vars(AkCase *c, json_t *vars, char *why, size_t size)
{
    const char *name;
    json_t *value;

    if (vars && !json_is_object(vars))
        return wrong(why, size, "case.json: \"vars\" is an object of names and texts");
    json_object_foreach(vars, name, value)
    {
        if (!json_is_string(value) || !ak_is_symbol(name))
            return wrong(why, size, "case.json: \"vars\": \"%.80s\" wants a name and a text",
                         name);
        json_object_set(c->vars, name, value);
    }
    return 0;
}

static int take_settings(AkCase *c, json_t *o, char *why, size_t size)
{
    json_t *at = json_object_get(o, "at"), *length = json_object_get(o, "for"),
           *call = json_object_get(o, "call"), *dialect = json_object_get(o, "dialect");

    if (!json_is_object(o))
        return wrong(why, size, "case.json is an object");
    if (check_keys(o, settings, "case.json", why, size))
        return -1;
    if (at && (c->at_us = read_time(json_string_value(at))) <= 0)
        return wrong(why, size, "case.json: \"at\" is a time like \"2026-01-01T09:30:00Z\"");
    if (length && (c->for_us = ak_case_duration(length)) <= 0)
        return wrong(why, size, "case.json: \"for\" is a time like \"30d\", or seconds");
    if (dialect && !json_is_string(dialect))
        return wrong(why, size, "case.json: \"dialect\" is ak or autokitteh");
    if (call && !json_is_string(call))
        return wrong(why, size, "case.json: \"call\" looks like file.py:function");
    if (call)
        snprintf(c->entry, sizeof c->entry, "%s", json_string_value(call));
    if (dialect)
        snprintf(c->dialect, sizeof c->dialect, "%s", json_string_value(dialect));
    return read_vars(c, json_object_get(o, "vars"), why, size);
}

static int read_settings(AkCase *c, char *why, size_t size)
{
    json_t *o = NULL;
    int failed = read_json(c, "case.json", &o, why, size);

    if (o)
        failed = take_settings(c, o, why, size);
    json_decref(o);
    if (!failed && strcmp(c->dialect, "ak") && strcmp(c->dialect, "autokitteh"))
        failed = wrong(why, size, "case.json: \"dialect\" is ak or autokitteh, not \"%s\"",
                       c->dialect);
    return failed;
}

/* --- What happens
 * ------------------------------------------------------------------------------- */

static int check_happening(json_t *h, size_t number, char *why, size_t size)
{
    bool signal = json_object_get(h, "signal") != NULL;
    const char *key = signal ? "signal" : "source";
    json_t *type = json_object_get(h, "event_type");
    char where[64];

    snprintf(where, sizeof where, "events.json: event %zu", number);
    if (!json_is_object(h) || !json_string_length(json_object_get(h, key)))
        return wrong(why, size, "%s wants a \"source\" or a \"signal\"", where);
    if (check_keys(h, signal ? signal_keys : event_keys, where, why, size))
        return -1;
    if (type && !json_is_string(type))
        return wrong(why, size, "%s: \"event_type\" is a text", where);
    if (json_object_get(h, "after") && ak_case_duration(json_object_get(h, "after")) < 0)
        return wrong(why, size, "%s: \"after\" is a time like \"2h\", or seconds", where);
    return 0;
}

static int read_happenings(AkCase *c, char *why, size_t size)
{
    json_t *h;
    size_t i;

    if (read_json(c, "event.json", &c->event, why, size) ||
        read_json(c, "events.json", &c->happenings, why, size))
        return -1;
    if (c->happenings && !json_is_array(c->happenings))
        return wrong(why, size, "events.json is a list of events and signals");
    json_array_foreach(c->happenings, i, h) if (check_happening(h, i + 1, why, size)) return -1;
    return 0;
}

/* --- The whole
 * ---------------------------------------------------------------------------------- */

static int read_text(AkCase *c, char *why, size_t size)
{
    FILE *file = fopen(c->path, "re");
    char chunk[65536];
    size_t n;

    if (!file)
        return wrong(why, size, "%s", strerror(errno));
    while (c->text.len <= CASE_MAX && (n = fread(chunk, 1, sizeof chunk, file)) > 0)
        ak_text_add(&c->text, chunk, n);
    bool failed = ferror(file) || c->text.failed;
    fclose(file);
    ak_text_str(&c->text, ""); /* an empty file has an address too */
    if (failed)
        return wrong(why, size, "it cannot be read");
    return c->text.len > CASE_MAX ? wrong(why, size, "it is larger than 16 MiB") : 0;
}

/* The nearest folder above the case that has a manifest. */
static void find_project(AkCase *c)
{
    if (!realpath(c->path, c->project))
        c->project[0] = '\0';
    for (char *slash; (slash = strrchr(c->project, '/'));) {
        char manifest[PATH_MAX + 32];
        *slash = '\0';
        snprintf(manifest, sizeof manifest, "%s/%s", c->project, AK_MANIFEST_NAME);
        FILE *file = fopen(manifest, "re");
        if (file) {
            fclose(file);
            return;
        }
    }
    c->project[0] = '\0';
}

/* `case.json` says it, or the name of the first file does. */
static void find_entry(AkCase *c)
{
    AkBytes name = c->archive.len ? c->archive.files[0].name : (AkBytes){0};
    AkBytes path = name.len ? ak_case_path(name) : name;

    if (!*c->entry && path.len < name.len)
        snprintf(c->entry, sizeof c->entry, "%.*s:%.*s", (int)path.len, path.at,
                 (int)(name.len - path.len - 1), path.at + path.len + 1);
}

int ak_case_read(const char *path, const char *dialect, AkCase *c, char *why, size_t size)
{
    *c = (AkCase){.vars = json_object()};
    snprintf(c->dialect, sizeof c->dialect, "%s", dialect);
    snprintf(c->path, sizeof c->path, "%s", path);
    if (read_text(c, why, size))
        return -1;
    if (ak_txtar_read((AkBytes){c->text.at, c->text.len}, &c->archive) < 0)
        return wrong(why, size, "out of memory");
    find_project(c);
    if (check_names(c, why, size) || read_settings(c, why, size) ||
        read_happenings(c, why, size))
        return -1;
    find_entry(c);
    if (!*c->entry && !json_array_size(c->happenings))
        return wrong(
            why, size,
            "it starts nothing: name the first file like main.py:function, or say what "
            "happens in events.json");
    return 0;
}

void ak_case_free(AkCase *c)
{
    ak_txtar_free(&c->archive);
    ak_text_free(&c->text);
    json_decref(c->event);
    json_decref(c->happenings);
    json_decref(c->vars);
    *c = (AkCase){0};
}
