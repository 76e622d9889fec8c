/* What /metrics tells, in Prometheus' text format. The names are a contract: docs/api.md. */
#ifndef AK_METRICS_H
#define AK_METRICS_H

#include <stddef.h>
#include <stdint.h>

#include "engine/bytes.h"

enum { AK_BUCKETS = 16 };

/* Durations, counted by upper bounds in seconds. */
typedef struct AkHistogram {
    uint64_t counts[AK_BUCKETS + 1]; /* the last is beyond all bounds */
    int64_t sum_us;
} AkHistogram;

void ak_histogram_add(AkHistogram *histogram, int64_t us);

void ak_metric(AkText *to, const char *name, const char *type, const char *help, int64_t value);
/* One more line of a metric that has labels: name{label="of"} value. */
void ak_metric_of(AkText *to, const char *name, const char *label, const char *of,
                  int64_t value);
void ak_metric_head(AkText *to, const char *name, const char *type, const char *help);
void ak_metric_histogram(AkText *to, const char *name, const char *help,
                         const AkHistogram *histogram);

int64_t ak_resident_bytes(void);

#endif
