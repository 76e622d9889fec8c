#define _GNU_SOURCE
#include "webhook.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base64.h"
#include "engine/jsontext.h"
#include "sha256.h"

enum { DEEPEST = 64 }; /* arrays and objects in each other in a JSON body */

/* --- The event
 * ------------------------------------------------------------------------------------------ */

void ak_webhook_type(const AkHttpRequest *request, char *type, size_t size)
{
    snprintf(type, size, "%s", ak_http_method(request));
    for (; *type; type++)
        *type = (char)tolower((unsigned char)*type);
}

static int hex_digit(char c)
{
    return isdigit((unsigned char)c)    ? c - '0'
           : isxdigit((unsigned char)c) ? tolower((unsigned char)c) - 'a' + 10
                                        : -1;
}

static json_t *form_text(const char *at, size_t len)
{
    char *text = malloc(len + 1), *to = text;

    for (size_t i = 0; i < len; i++) {
        if (at[i] == '%' && i + 2 < len && hex_digit(at[i + 1]) >= 0 &&
            hex_digit(at[i + 2]) >= 0) {
            *to++ = (char)(hex_digit(at[i + 1]) << 4 | hex_digit(at[i + 2]));
            i += 2;
        } else {
            *to++ = at[i] == '+' ? ' ' : at[i];
        }
    }
    json_t *value = json_stringn(text, (size_t)(to - text));
    free(text);
    return value ? value : json_string("");
}

static json_t *read_form(AkBytes body)
{
    json_t *form = json_object();

    for (size_t at = 0; at < body.len;) {
        const char *start = body.at + at, *end = memchr(start, '&', body.len - at);
        size_t len = end ? (size_t)(end - start) : body.len - at;
        const char *equals = memchr(start, '=', len);
        size_t name_len = equals ? (size_t)(equals - start) : len;
        json_t *name = form_text(start, name_len);
        if (len && !json_object_get(form, json_string_value(name)))
            json_object_set_new(form, json_string_value(name),
                                equals ? form_text(equals + 1, len - name_len - 1)
                                       : json_string(""));
        json_decref(name);
        at += len + 1;
    }
    return form;
}

json_t *ak_webhook_body(AkBytes body, const char *type)
{
    json_t *all = json_pack("{s:n, s:n, s:n, s:n}", "bytes", "text", "form", "json");
    AkText base64 = {0};
    const char *why;
    size_t where;

    if (!body.len)
        return all;
    ak_base64_write(body, &base64);
    json_object_set_new(all, "bytes", json_stringn_nocheck(base64.at, base64.len));
    ak_text_free(&base64);
    json_t *text = json_stringn(body.at, body.len);
    if (text)
        json_object_set_new(all, "text", text);
    if (type && !strncasecmp(type, "application/x-www-form-urlencoded", 33))
        json_object_set_new(all, "form", read_form(body));
    json_t *json = ak_json_check(body, DEEPEST, &why, &where) == 0
                       ? json_loadb(body.at, body.len, JSON_DECODE_ANY, NULL)
                       : NULL;
    if (json)
        json_object_set_new(all, "json", json);
    return all;
}

static json_t *utf8(const char *text)
{
    json_t *value = json_string(text);

    return value ? value : json_string("");
}

json_t *ak_webhook_data(AkHttpRequest *request, const char *suffix)
{
    return json_pack(
        "{s:s, s:o, s:o, s:o, s:{s:o, s:o, s:o}, s:o}", "method", ak_http_method(request),
        "headers", ak_http_headers(request), "trailers", ak_http_trailers(request), "raw_url",
        utf8(ak_http_url(request)), "url", "path", utf8(ak_http_path(request)), "query",
        ak_http_query(request), "path_suffix", utf8(suffix), "body",
        ak_webhook_body(ak_http_body(request), ak_http_header(request, "Content-Type")));
}

/* --- Signatures
 * ---------------------------------------------------------------------------------------------
 */

static void hmac(const char *secret, AkBytes body, unsigned char out[32])
{
    unsigned char key[64] = {0}, pad[64], inner[32];
    size_t len = strlen(secret);
    AkSha256 sha;

    if (len > sizeof key) {
        ak_sha256_begin(&sha);
        ak_sha256_add(&sha, secret, len);
        ak_sha256_end(&sha, key);
    } else {
        memcpy(key, secret, len);
    }
    for (size_t i = 0; i < sizeof key; i++)
        pad[i] = key[i] ^ 0x36;
    ak_sha256_begin(&sha);
    ak_sha256_add(&sha, pad, sizeof pad);
    ak_sha256_add(&sha, body.at, body.len);
    ak_sha256_end(&sha, inner);
    for (size_t i = 0; i < sizeof key; i++)
        pad[i] = key[i] ^ 0x5C;
    ak_sha256_begin(&sha);
    ak_sha256_add(&sha, pad, sizeof pad);
    ak_sha256_add(&sha, inner, sizeof inner);
    ak_sha256_end(&sha, out);
}

bool ak_webhook_is_signed(const AkHttpRequest *request, const char *secret)
{
    const char *given = ak_http_header(request, "X-Ak-Signature");
    unsigned char digest[32];
    unsigned differs = 0;

    if (!given)
        given = ak_http_header(request, "X-Hub-Signature-256");
    if (!given || strncmp(given, "sha256=", 7) || strlen(given) != 7 + 64)
        return false;
    hmac(secret, ak_http_body(request), digest);
    /* All of it, whatever differs: the time taken must tell nothing. */
    for (size_t i = 0; i < 32; i++) {
        int high = hex_digit(given[7 + 2 * i]), low = hex_digit(given[8 + 2 * i]);
        differs |= high < 0 || low < 0 ? 1u : (unsigned)(high << 4 | low) ^ digest[i];
    }
    return !differs;
}

/* --- Outcomes
 * ------------------------------------------------------------------------------------------------
 */

static void add_body(AkOutcome *outcome, json_t *value)
{
    json_t *part = json_object_get(value, "json");

    if (part) {
        char *words = json_dumps(part, JSON_ENCODE_ANY | JSON_COMPACT);
        ak_text_str(&outcome->body, words ? words : "");
        free(words);
        if (!json_object_get(outcome->headers, "Content-Type"))
            json_object_set_new(outcome->headers, "Content-Type",
                                json_string("application/json"));
    } else if ((part = json_object_get(value, "body_base64"))) {
        ak_base64_read((AkBytes){json_string_value(part), json_string_length(part)},
                       &outcome->body);
    } else if ((part = json_object_get(value, "body")) && json_is_string(part)) {
        ak_text_add(&outcome->body, json_string_value(part), json_string_length(part));
    }
}

static bool is_own(const char *name)
{
    return !strcasecmp(name, "Content-Length") || !strcasecmp(name, "Transfer-Encoding") ||
           !strcasecmp(name, "Connection");
}

void ak_outcome_add(AkOutcome *outcome, AkBytes bytes)
{
    json_t *value = json_loadb(bytes.at ? bytes.at : "null", bytes.at ? bytes.len : 4,
                               JSON_DECODE_ANY, NULL);
    json_t *status = json_object_get(value, "status_code"), *item;
    const char *name;

    if (!outcome->headers)
        outcome->headers = json_object();
    if (!status) {
        /* outcome(x), not http_outcome: the value itself is the answer. */
        json_t *whole = json_pack("{s:O}", "json", value ? value : json_null());
        add_body(outcome, whole);
        json_decref(whole);
        outcome->status = 200;
        outcome->complete = true;
    } else {
        long long code = json_integer_value(status);
        if (!outcome->status)
            outcome->status = code >= 200 && code <= 599 ? (unsigned)code : 500;
        json_object_foreach(json_object_get(value, "headers"), name,
                            item) if (json_is_string(item) && !is_own(name))
            json_object_set(outcome->headers, name, item);
        add_body(outcome, value);
        outcome->complete = !json_is_true(json_object_get(value, "more"));
    }
    json_decref(value);
}

void ak_outcome_free(AkOutcome *outcome)
{
    json_decref(outcome->headers);
    ak_text_free(&outcome->body);
    *outcome = (AkOutcome){0};
}
