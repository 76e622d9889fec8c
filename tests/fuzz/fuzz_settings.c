/* Bytes of settings, manifests and .gitignore: any text gives values or a mistake within it. */
#include "cli/gitignore.h"
#include "cli/node.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void check_places(const AkNode *node, size_t len, unsigned *budget)
{
    size_t children = node->kind == AK_NODE_MAP ? node->count * 2 : node->count;

    if (node->start > node->end || node->end > len)
        abort();
    for (size_t i = 0; node->kind != AK_NODE_SCALAR && i < children && *budget; i++) {
        --*budget;
        check_places(node->items[i], len, budget);
    }
}

static void check_outcome(int status, const AkNode *root, const CliMistake *wrong,
                          const char *text, size_t len)
{
    unsigned budget = 10000;

    if (status < 0 && (wrong->start > wrong->end || wrong->end > len || !wrong->why))
        abort();
    if (status < 0)
        cli_place("f", text, len, wrong->start, wrong->end);
    else if (root)
        check_places(root, len, &budget);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    char *text = malloc(len + 64);
    const AkNode *root;
    CliMistake wrong;
    int status;

    if (len)
        memcpy(text, data, len);
    memset(text + len, 0, 64);
    status = cli_toml(text, len, &root, &wrong);
    check_outcome(status, root, &wrong, text, len);
    status = cli_manifest(text, len, &root, &wrong);
    check_outcome(status, root, &wrong, text, len);
    cli_ignored(cli_ignore_new(NULL, "/p", text, len), "/p/a/b.py", false);
    cli_forget();
    free(text);
    return 0;
}
