/* config.yaml: settings, or words that say what is wrong. */
#define _GNU_SOURCE
#include "config.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char why[600] = "";
    char *text = calloc(1, size + 1);
    memcpy(text, data, size);
    FILE *file = fmemopen(text, size ? size : 1, "r");
    AkConfig *config = ak_config_read(file, why, sizeof why);

    if (config ? ak_config_number(config, "limits.runners") < 1 : !*why)
        abort();
    ak_config_free(config);
    fclose(file);
    free(text);
    return 0;
}
