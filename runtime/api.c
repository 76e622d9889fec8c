#define _GNU_SOURCE
#include "api.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "admin.h"
#include "exit_codes.h"
#include "listen.h"

/* ---- Answers */

typedef struct Status {
    unsigned http;
    const char *code;
} Status;

static const char *code_of(unsigned status)
{
    static const Status all[] = {
        {400, "bad_request"}, {401, "unauthorized"}, {403, "forbidden"},
        {404, "not_found"},   {405, "method"},       {409, "refused"},
        {415, "not_json"},    {503, "unavailable"},  {500, "failed"}};

    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (all[i].http == status)
            return all[i].code;
    return "failed";
}

static unsigned status_of(int exit_code)
{
    switch (exit_code) {
    case AK_EXIT_USAGE: return 400;
    case AK_EXIT_REFUSED: return 409;
    case AK_EXIT_NOT_FOUND: return 404;
    case AK_EXIT_NO_TOKEN: return 403;
    default: return 503; /* the store would not: nothing was changed, it may be tried again */
    }
}

static json_t *headers_of(unsigned status)
{
    json_t *headers = json_pack(
        "{s:s, s:s, s:s, s:s}", "Cache-Control", "no-store", "Content-Security-Policy",
        "default-src 'none'; frame-ancestors 'none'", "Cross-Origin-Resource-Policy",
        "same-origin", "Referrer-Policy", "no-referrer");

    if (status == 401)
        json_object_set_new(headers, "WWW-Authenticate", json_string("Bearer"));
    if (status == 503)
        json_object_set_new(headers, "Retry-After", json_string("5"));
    return headers;
}

static void say_no(AkHttpRequest *request, unsigned status, const char *words)
{
    json_t *headers = headers_of(status);

    ak_http_answer_json(request, status, headers,
                        json_pack("{s:s, s:s}", "error", words, "code", code_of(status)));
    json_decref(headers);
}

void ak__api_answer(AkHttpRequest *request, unsigned status, json_t *body)
{
    const char *error = json_string_value(json_object_get(body, "error"));
    const json_t *code = json_object_get(body, "code");

    if (error && json_is_integer(code)) {
        say_no(request, status_of((int)json_integer_value(code)), error);
        json_decref(body);
        return;
    }
    json_t *headers = headers_of(status);
    ak_http_answer_json(request, status, headers, body);
    json_decref(headers);
}

/* ---- Who may come in */

static bool is_loopback(const char *host, size_t len)
{
    char name[64];

    if (len >= sizeof name)
        return false;
    snprintf(name, sizeof name, "%.*s", (int)len, host);
    return ak_is_loopback(name);
}

/* "localhost:9980", "[::1]" */
static bool names_loopback(const char *host)
{
    const char *end = strchr(host, ']');

    if (*host == '[')
        return end && is_loopback(host + 1, (size_t)(end - host - 1));
    return is_loopback(host, strcspn(host, ":"));
}

static bool has_token(const AkServe *s, const AkHttpRequest *request)
{
    const char *given = ak_http_header(request, "Authorization"), *token = s->options->token;
    size_t len = strlen(token);
    unsigned differs = 0;

    if (!given || strncasecmp(given, "Bearer ", 7) || strlen(given + 7) != len)
        return false;
    for (size_t i = 0; i < len; i++)
        differs |= (unsigned)(given[7 + i] ^ token[i]);
    return !differs;
}

/* Without a token the loopback interface is the only lock. A page of another site can reach
 * through it by a name of its own that leads here, and a tunnel brings in whoever knows it. */
static const char *stranger(const AkHttpRequest *request)
{
    const char *host = ak_http_header(request, "Host");

    if (host && !names_loopback(host))
        return "this server has no token, so it answers on localhost alone; the request names "
               "another host";
    if (ak_http_header(request, "Forwarded") || ak_http_header(request, "X-Forwarded-For"))
        return "this server has no token, so it answers on localhost alone; the request came "
               "through a proxy";
    return NULL;
}

static bool reads(const AkHttpRequest *request)
{
    const char *method = ak_http_method(request);

    return !strcmp(method, "GET") || !strcmp(method, "HEAD");
}

/* A browser says which site a request comes from. */
static bool is_foreign(const AkHttpRequest *request)
{
    const char *site = ak_http_header(request, "Sec-Fetch-Site");
    const char *origin = ak_http_header(request, "Origin");
    const char *host = ak_http_header(request, "Host");

    if (site && strcasecmp(site, "same-origin") && strcasecmp(site, "none"))
        return true;
    if (!origin || reads(request))
        return false;
    const char *name = strstr(origin, "://");
    return !name || !host || strcasecmp(name + 3, host);
}

bool ak__api_admits(AkServe *s, AkHttpRequest *request)
{
    const char *no = *s->options->token ? NULL : stranger(request);

    if (no)
        say_no(request, 403, no);
    else if (is_foreign(request))
        say_no(request, 403, "the request comes from another site");
    else if (*s->options->token && !has_token(s, request))
        say_no(request, 401,
               ak_http_header(request, "Authorization")
                   ? "the token is wrong"
                   : "a token is needed: Authorization: Bearer TOKEN");
    else
        return true;
    return false;
}

/* ---- What was given */

static bool may_be_empty(const AkApiRoute *route)
{
    const AkApiParam *p = route->body;

    while (p->name && !p->required)
        p++;
    return !p->name;
}

static bool says_json(const AkHttpRequest *request)
{
    const char *type = ak_http_header(request, "Content-Type");

    return type && !strncasecmp(type, "application/json", 16) &&
           (!type[16] || type[16] == ';' || type[16] == ' ');
}

/* False: it has been answered. */
static bool read_body(const AkApiRoute *route, AkApiCall *call)
{
    AkBytes bytes = ak_http_body(call->request);
    json_error_t error;
    char words[300];

    if (!route->body || (!bytes.len && may_be_empty(route))) {
        if (bytes.len && !route->body)
            say_no(call->request, 400, "this takes no body");
        else
            call->body = route->body ? json_object() : NULL;
        return !bytes.len;
    }
    /* Forms of other sites cannot say so. */
    if (!says_json(call->request)) {
        say_no(call->request, 415, "the body has to be application/json");
        return false;
    }
    call->body =
        json_loadb(bytes.at, bytes.len, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, &error);
    if (json_is_object(call->body))
        return true;
    if (call->body)
        snprintf(words, sizeof words, "the body has to be an object");
    else
        snprintf(words, sizeof words, "the body is no JSON: line %d, column %d: %.150s",
                 error.line, error.column, error.text);
    say_no(call->request, 400, words);
    return false;
}

/* What needs no state. */
static bool is_here(const AkApiRoute *route)
{
    return route->fn == ak__api_document || route->fn == ak__api_stream;
}

static void answer(const AkApiRoute *route, AkApiCall *call)
{
    call->query = ak_http_query(call->request);
    json_t *said = ak__api_check_query(route, call->query);
    call->status = route->status;
    if (said) {
        ak__api_answer(call->request, 400, said);
    } else if (read_body(route, call)) {
        said = ak__api_check_body(route, call->body);
        if (!said)
            said = call->serve->away && !is_here(route)
                       ? ak__away_api(call, route->name, route->status)
                       : route->fn(call);
        if (said)
            ak__api_answer(call->request, call->status, said);
    }
    json_decref(call->query);
    json_decref(call->body);
}

void ak__api(AkServe *s, AkHttpRequest *request)
{
    AkApiCall call = {.serve = s, .request = request};
    const char *url = ak_http_url(request);
    char allowed[64] = "";

    if (!ak__api_admits(s, request))
        return;
    const AkApiRoute *route = NULL;
    if (!strncmp(url, AK_API "/", sizeof AK_API))
        route = ak__api_find(url + sizeof AK_API - 1, ak_http_method(request), &call, allowed,
                             sizeof allowed);
    if (route) {
        answer(route, &call);
    } else if (*allowed) {
        json_t *headers = headers_of(405);
        json_object_set_new(headers, "Allow", json_string(allowed));
        ak_http_answer_json(request, 405, headers,
                            json_pack("{s:s, s:s}", "error", "this takes another method",
                                      "code", code_of(405)));
        json_decref(headers);
    } else {
        say_no(request, 404, "there is nothing here; " AK_API "/openapi.json tells what is");
    }
}

/* ---- For the routes */

const char *ak__api_text(const AkApiCall *call, const char *name)
{
    return json_string_value(json_object_get(call->query, name));
}

int64_t ak__api_number(const AkApiCall *call, const char *name, int64_t otherwise)
{
    const char *text = ak__api_text(call, name);

    return text ? strtoll(text, NULL, 10) : otherwise;
}

AkStore *ak__api_store(const AkApiCall *call)
{
    return call->serve->home->store;
}

json_t *ak__api_store_error(const AkApiCall *call)
{
    return ak_admin_error(AK_EXIT_FAILED, "%s", ak_store_error(ak__api_store(call)));
}

json_t *ak__api_absent(const char *what, const char *name)
{
    return ak_admin_error(AK_EXIT_NOT_FOUND, "no %s is called '%s'", what, name);
}

json_t *ak__api_fault(const AkApiCall *call, int fault, const char *what, const char *name)
{
    return fault == AK_E_ABSENT ? ak__api_absent(what, name) : ak__api_store_error(call);
}

bool ak__api_project(const AkApiCall *call, const char *name, char id[64], json_t **error)
{
    AkProject *project;

    *id = '\0';
    if (!name)
        return true;
    int fault = ak_project_get(ak__api_store(call), name, &project);
    if (fault) {
        *error = ak__api_fault(call, fault, "project", name);
        return false;
    }
    snprintf(id, 64, "%s", project->id);
    free(project);
    return true;
}

json_t *ak__api_command(AkApiCall *call, json_t *request)
{
    json_t *said = request ? ak__serve_command(call->serve, request)
                           : ak_admin_error(AK_EXIT_USAGE, "a text in it is no UTF-8");

    json_decref(request);
    return said ? said : ak_admin_error(AK_EXIT_FAILED, "the server gave no answer");
}
