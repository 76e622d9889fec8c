/* A schedule out of a manifest: refused with a place in it, or it fires later and later. */
#include "cron.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Clocks that change twice a year, by an hour and by half an hour. */
static int32_t offset(void *payload, const char *zone, int64_t utc)
{
    (void)payload;
    return (int32_t)(utc / 15778800 % 2) * (zone[0] & 1 ? 3600 : 1800) + 3600;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int64_t at = 1700000000;
    const char *why = NULL;
    uint32_t where = 0;
    AkCron cron;

    if (size > 4096)
        return 0;
    char *text = calloc(size + 1, 1);
    memcpy(text, data, size);
    if (ak_cron_parse(&cron, text, &why, &where) < 0) {
        if (!why || where > strlen(text))
            abort();
    } else {
        for (int i = 0; i < 5 && at >= 0; i++) {
            int64_t next = ak_cron_next(&cron, at, offset, NULL);
            if (next >= 0 && next <= at)
                abort();
            at = next;
        }
    }
    free(text);
    return 0;
}
