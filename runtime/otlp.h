/* Sends bodies to an OpenTelemetry collector (OTLP over HTTP, JSON), from a thread of its own: who
 * hands one over never waits. libcurl is loaded when the first sender is made; a program that
 * exports nothing never sees it.
 *
 * A body that the collector does not take is tried again, at growing intervals, AK_OTLP_TRIES
 * times in all; bodies above AK_OTLP_QUEUE in line are dropped. Both are counted. All functions
 * are for one thread, the owner's. */
#ifndef AK_OTLP_H
#define AK_OTLP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { AK_OTLP_TRIES = 5, AK_OTLP_QUEUE = 64, AK_OTLP_TIMEOUT_S = 10, AK_OTLP_LAST_S = 3 };

typedef struct AkOtlp AkOtlp;

typedef struct AkOtlpCounts {
    uint64_t sent, dropped; /* spans */
    bool failing;           /* the latest try did not go through */
    char words[300];        /* why, when failing */
} AkOtlpCounts;

/* endpoint: the whole address, http or https. headers: "name=value,name=value" as in
 * OTEL_EXPORTER_OTLP_HEADERS, values percent-encoded; "" for none. NULL with words in why. */
AkOtlp *ak_otlp_new(const char *endpoint, const char *headers, char *why, size_t size);
/* Takes body (malloc), which holds that many spans. */
void ak_otlp_send(AkOtlp *otlp, char *body, size_t spans);
AkOtlpCounts ak_otlp_counts(AkOtlp *otlp);
/* What is in line is tried once more, for AK_OTLP_LAST_S at most. NULL is allowed. */
void ak_otlp_free(AkOtlp *otlp);

#endif
