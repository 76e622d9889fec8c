/* What HTTP clients and programs send: bodies become events, outcomes become answers, filters are
 * asked about both. The first byte says what the rest is taken for. */
#include "webhook.h"

#include <stdlib.h>
#include <string.h>

#include "base64.h"
#include "dispatch.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool is(const json_t *text, AkBytes bytes)
{
    return json_string_length(text) == bytes.len &&
           !memcmp(json_string_value(text), bytes.at, bytes.len);
}

/* The bytes come through whole, and text is told only where it is the same bytes. */
static void check_body(AkBytes body, const char *type)
{
    json_t *all = ak_webhook_body(body, type), *bytes = json_object_get(all, "bytes"),
           *text = json_object_get(all, "text");
    AkText back = {0};

    if (!json_is_null(bytes) &&
        (ak_base64_read((AkBytes){json_string_value(bytes), json_string_length(bytes)}, &back) <
             0 ||
         back.len != body.len || memcmp(back.at, body.at, body.len)))
        abort();
    if (json_is_string(text) && !is(text, body))
        abort();
    char *words = json_dumps(all, JSON_COMPACT | JSON_ENSURE_ASCII);
    if (!words)
        abort();
    free(words);
    ak_text_free(&back);
    json_decref(all);
}

static void check_outcome(AkBytes value)
{
    AkOutcome outcome = {0};

    for (int part = 0; part < 2 && !outcome.complete; part++)
        ak_outcome_add(&outcome, value);
    if (outcome.status < 200 || outcome.status > 599)
        abort();
    ak_outcome_free(&outcome);
}

/* A filter, a zero byte, and the event's data. */
static void check_filter(const char *text, size_t len)
{
    size_t filter = strlen(text);
    json_t *event =
        filter < len ? json_loadb(text + filter + 1, len - filter - 1, 0, NULL) : NULL;

    ak_event_passes(text, "post", event);
    json_decref(event);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const types[] = {NULL, "application/json", "text/plain",
                                        "application/x-www-form-urlencoded; charset=utf-8"};
    if (!size)
        return 0;
    /* A copy of its own length, so that a byte too far is seen; the filter's text ends in zero. */
    char *text = calloc(size, 1);
    memcpy(text, data + 1, size - 1);
    AkBytes body = {text, size - 1};
    switch (data[0] % 6) {
    case 4: check_outcome(body); break;
    case 5: check_filter(text, size - 1); break;
    default: check_body(body, types[data[0] % 6]); break;
    }
    free(text);
    return 0;
}
