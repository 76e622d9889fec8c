/* What a request to the API says: which route, with which parts of its path, and whether query and
 * body are as the table has them. Bytes from outside in, words out; no I/O. */
#define _GNU_SOURCE
#include "api.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "admin.h"
#include "exit_codes.h"

/* ---- Which route */

static int hex(char c)
{
    return isdigit((unsigned char)c) ? c - '0'
           : c >= 'a' && c <= 'f'    ? c - 'a' + 10
           : c >= 'A' && c <= 'F'    ? c - 'A' + 10
                                     : -1;
}

/* One part of a path. False: no text. */
static bool decode(const char *part, size_t len, char to[AK_API_ARG])
{
    size_t n = 0;

    for (size_t i = 0; i < len; i++) {
        int c = (unsigned char)part[i];
        if (c == '%') {
            if (i + 2 >= len || hex(part[i + 1]) < 0 || hex(part[i + 2]) < 0)
                return false;
            c = hex(part[i + 1]) * 16 + hex(part[i + 2]);
            i += 2;
        }
        if (!c || n >= AK_API_ARG - 1)
            return false;
        to[n++] = (char)c;
    }
    to[n] = '\0';
    json_t *text = json_string(to);
    json_decref(text);
    return n && text;
}

/* "/projects/{project}" and the path as it was sent, below AK_API. */
static bool fits(const char *pattern, const char *path, AkApiCall *call)
{
    size_t n = 0;

    while (*pattern == '/' && *path == '/') {
        size_t want = strcspn(++pattern, "/"), len = strcspn(++path, "/?");
        if (*pattern == '{') {
            if (!decode(path, len, call->args[n++]))
                return false;
        } else if (want != len || strncmp(pattern, path, len)) {
            return false;
        }
        pattern += want;
        path += len;
    }
    return !*pattern && (!*path || *path == '?');
}

const AkApiRoute *ak__api_find(const char *path, const char *method, AkApiCall *call,
                               char *allowed, size_t size)
{
    bool head = !strcmp(method, "HEAD");

    *allowed = '\0';
    for (const AkApiRoute *r = ak_api_routes; r->method; r++) {
        if (!fits(r->path, path, call))
            continue;
        if (!strcmp(r->method, head ? "GET" : method))
            return r;
        size_t len = strlen(allowed);
        snprintf(allowed + len, size - len, "%s%s", len ? ", " : "", r->method);
    }
    return NULL;
}

/* ---- What was given */

static bool is_id(const char *kind, const char *text)
{
    size_t len = strlen(kind);

    return !strncmp(text, kind, len) && text[len] == '_' &&
           strspn(text + len + 1, "abcdefghijklmnopqrstuvwxyz0123456789") ==
               strlen(text + len + 1) &&
           strlen(text + len + 1) == 26;
}

/* "a,b" of "a|b|c" */
static bool are_of(const char *choices, const char *text)
{
    do {
        size_t len = strcspn(text, ",");
        const char *c = choices;
        while (strncmp(c, text, len) || (c[len] != '|' && c[len])) {
            c += strcspn(c, "|");
            if (!*c++)
                return false;
        }
        text += len;
    } while (*text++);
    return true;
}

static bool is_number(const AkApiParam *p, const char *text)
{
    char *end;
    long long n = strtoll(text, &end, 10);

    return isdigit((unsigned char)*text) && !*end && strlen(text) < 18 && n >= p->min &&
           n <= p->max;
}

static int64_t characters(const char *text)
{
    int64_t n = 0;

    for (; *text; text++)
        n += ((unsigned char)*text & 0xc0) != 0x80;
    return n;
}

static bool suits(const AkApiParam *p, const char *text)
{
    switch (p->type) {
    case AK_API_NUMBER: return is_number(p, text);
    case AK_API_SWITCH: return !strcmp(text, "true") || !strcmp(text, "false");
    default:
        return characters(text) <= (p->max ? p->max : AK_API_TEXT_MAX) &&
               (!p->pattern ||
                (strchr(p->pattern, '|') ? are_of(p->pattern, text) : is_id(p->pattern, text)));
    }
}

/* NULL, or what is wrong with the query. */
json_t *ak__api_check_query(const AkApiRoute *route, const json_t *query)
{
    const char *name;
    json_t *value;

    json_object_foreach((json_t *)(uintptr_t)query, name, value)
    {
        const AkApiParam *p = route->query;
        while (p && p->name && strcmp(p->name, name))
            p++;
        if (!p || !p->name)
            return ak_admin_error(AK_EXIT_USAGE, "there is no parameter '%.60s' here", name);
        if (!suits(p, json_string_value(value)))
            return ak_admin_error(AK_EXIT_USAGE, "%s: %s; not '%.60s'", p->name, p->meaning,
                                  json_string_value(value));
    }
    return NULL;
}

static bool is_member(const AkApiParam *p, const json_t *value)
{
    switch (p->type) {
    case AK_API_TEXT: return json_is_string(value) && suits(p, json_string_value(value));
    case AK_API_NUMBER:
        return json_is_integer(value) && json_integer_value(value) >= p->min &&
               json_integer_value(value) <= p->max;
    case AK_API_SWITCH: return json_is_boolean(value);
    case AK_API_OBJECT: return json_is_object(value);
    default: return true;
    }
}

/* NULL, or what is wrong with the body. */
json_t *ak__api_check_body(const AkApiRoute *route, const json_t *body)
{
    const char *name;
    json_t *value;

    json_object_foreach((json_t *)(uintptr_t)body, name, value)
    {
        const AkApiParam *p = route->body;
        while (p->name && strcmp(p->name, name))
            p++;
        if (!p->name)
            return ak_admin_error(AK_EXIT_USAGE, "the body may not have '%.60s'", name);
        if (!is_member(p, value))
            return ak_admin_error(AK_EXIT_USAGE, "%s: %s", p->name, p->meaning);
    }
    for (const AkApiParam *p = route->body; p && p->name; p++)
        if (p->required && !json_object_get(body, p->name))
            return ak_admin_error(AK_EXIT_USAGE, "the body has to have '%s': %s", p->name,
                                  p->meaning);
    return NULL;
}
