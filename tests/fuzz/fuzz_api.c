/* Requests to the API: "METHOD PATH?QUERY\nBODY" through routing and checks, as api.c does. */
#include <jansson.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "api.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static json_t *query_of(char *url)
{
    json_t *query = json_object();
    char *rest = strchr(url, '?'), *word;

    while (rest && (word = rest + 1)) {
        rest = strchr(word, '&');
        char *value = strchr(word, '=');
        if (value && (!rest || value < rest)) {
            json_t *text =
                json_stringn(value + 1, rest ? (size_t)(rest - value - 1) : strlen(value + 1));
            json_t *name = json_stringn(word, (size_t)(value - word));
            if (text && name)
                json_object_set(query, json_string_value(name), text);
            json_decref(text);
            json_decref(name);
        }
    }
    return query;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static AkApiCall call;
    char allowed[64], *text = malloc(size + 1);

    memcpy(text, data, size);
    text[size] = '\0';
    char *line = strchr(text, '\n'), *body = line ? line + 1 : text + size;
    if (line)
        *line = '\0';
    char *url = strchr(text, ' ');
    if (url) {
        *url++ = '\0';
        const AkApiRoute *route = ak__api_find(url, text, &call, allowed, sizeof allowed);
        if (route) {
            json_t *query = query_of(url),
                   *given = json_loads(body, JSON_REJECT_DUPLICATES, NULL);
            json_decref(ak__api_check_query(route, query));
            if (route->body && json_is_object(given))
                json_decref(ak__api_check_body(route, given));
            const char *brace = route->path;
            for (size_t i = 0; (brace = strchr(brace, '{')); i++, brace++) { /* is text */
                json_t *arg = json_string(call.args[i]);
                if (!arg || !*call.args[i])
                    abort();
                json_decref(arg);
            }
            json_decref(query);
            json_decref(given);
        }
    }
    free(text);
    return 0;
}
