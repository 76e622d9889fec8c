/* A manifest: a plan, or mistakes that lie within the text. */
#include "manifest.h"

#include <stdlib.h>
#include <string.h>

#include "cli/node.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AkManifest m = {.text = calloc(1, size + 64), .len = size};

    memcpy(m.text, data, size);
    ak_manifest_parse(&m);
    for (size_t i = 0; i < m.mistakes_len; i++)
        if (m.mistakes[i].start > m.mistakes[i].end || m.mistakes[i].end > size ||
            !*m.mistakes[i].message)
            abort();
    char *plan = json_dumps(m.plan, JSON_COMPACT);
    if (!plan)
        abort();
    free(plan);
    ak_manifest_free(&m);
    cli_forget();
    return 0;
}
