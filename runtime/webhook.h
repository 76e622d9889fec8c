/* A request as the event that handlers get, and a program's outcome as the answer to it. */
#ifndef AK_WEBHOOK_H
#define AK_WEBHOOK_H

#include "http.h"

/* `data` of the event: method, headers, trailers, raw_url, url {path, query, path_suffix}, body
 * {bytes (base64), text, form, json}. `suffix` is the path below the webhook's own, without its
 * first '/'. */
json_t *ak_webhook_data(AkHttpRequest *request, const char *suffix);
/* The body alone: `type` is its Content-Type, or NULL. */
json_t *ak_webhook_body(AkBytes body, const char *type);
/* The event's type: the method in small letters. */
void ak_webhook_type(const AkHttpRequest *request, char *type, size_t size);

/* X-Ak-Signature, or X-Hub-Signature-256: "sha256=" and the hex HMAC of the body. */
bool ak_webhook_is_signed(const AkHttpRequest *request, const char *secret);

/* Parts of one answer: http_outcome with more=True says that another follows. */
typedef struct AkOutcome {
    unsigned status;
    json_t *headers;
    AkText body;
    bool complete;
} AkOutcome;

/* Takes one more part, the value of an `outcome` request. */
void ak_outcome_add(AkOutcome *outcome, AkBytes value);
void ak_outcome_free(AkOutcome *outcome);

#endif
