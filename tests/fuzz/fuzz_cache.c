/* Any bytes as an entry of the cache, and as one that passes its hash: a record is whole or it is
 * refused, and one that is taken is written again as it was read. */
#include "cli/record.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
    if (!holds)
        abort();
}

static size_t touch(const char *text)
{
    return text ? strlen(text) : 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *bytes = malloc(size ? size : 1); /* no byte more: overruns are seen */
    CliRecord record;
    CliBuf again = {0};
    size_t sum = 0;

    must(bytes != NULL);
    memcpy(bytes, data, size);
    if (cli_record_read(bytes, size, &record)) {
        for (size_t i = 0; i < record.finding_len; i++)
            sum +=
                touch(record.findings[i].message) + touch(ak_rule_id(record.findings[i].rule));
        cli_record_write(&again, &record);
        must(again.len == size && memcmp(again.data, bytes, size) == 0 && sum < SIZE_MAX);
        cli_buf_free(&again);
    }
    free(bytes);
    cli_forget();
    return 0;
}
