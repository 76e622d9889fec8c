#define _GNU_SOURCE
#include "metrics.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

/* Milliseconds. */
static const int64_t bounds[AK_BUCKETS] = {1,   2,    5,    10,   25,    50,    100,   250,
                                           500, 1000, 2500, 5000, 10000, 30000, 60000, 300000};

void ak_histogram_add(AkHistogram *histogram, int64_t us)
{
    size_t i = 0;

    while (i < AK_BUCKETS && us > bounds[i] * 1000)
        i++;
    histogram->counts[i]++;
    histogram->sum_us += us;
}

static void line(AkText *to, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void line(AkText *to, const char *format, ...)
{
    char words[400];
    va_list list;

    va_start(list, format);
    vsnprintf(words, sizeof words, format, list);
    va_end(list);
    ak_text_str(to, words);
}

void ak_metric_head(AkText *to, const char *name, const char *type, const char *help)
{
    line(to, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

void ak_metric(AkText *to, const char *name, const char *type, const char *help, int64_t value)
{
    ak_metric_head(to, name, type, help);
    line(to, "%s %" PRId64 "\n", name, value);
}

void ak_metric_of(AkText *to, const char *name, const char *label, const char *of,
                  int64_t value)
{
    line(to, "%s{%s=\"%s\"} %" PRId64 "\n", name, label, of, value);
}

void ak_metric_histogram(AkText *to, const char *name, const char *help,
                         const AkHistogram *histogram)
{
    uint64_t total = 0;

    ak_metric_head(to, name, "histogram", help);
    for (size_t i = 0; i < AK_BUCKETS; i++) {
        total += histogram->counts[i];
        line(to, "%s_bucket{le=\"%g\"} %" PRIu64 "\n", name, (double)bounds[i] / 1e3, total);
    }
    total += histogram->counts[AK_BUCKETS];
    line(to, "%s_bucket{le=\"+Inf\"} %" PRIu64 "\n%s_sum %.6f\n%s_count %" PRIu64 "\n", name,
         total, name, (double)histogram->sum_us / 1e6, name, total);
}

int64_t ak_resident_bytes(void)
{
    long pages = 0;
    FILE *file = fopen("/proc/self/statm", "re");

    if (file && fscanf(file, "%*s %ld", &pages) != 1)
        pages = 0;
    if (file)
        fclose(file);
    return pages * sysconf(_SC_PAGESIZE);
}
