/* The formats by name. */
#include "findings.h"
#include "nearest.h"

#include <string.h>

static const struct {
    const char *name;
    CliPrint print;
} formats[] = {
    {"text", cli_print_text},       {"full", cli_print_text},
    {"concise", cli_print_concise}, {"grouped", cli_print_grouped},
    {"json", cli_print_json},       {"json-lines", cli_print_json_lines},
    {"sarif", cli_print_sarif},     {"github", cli_print_github},
    {"gitlab", cli_print_gitlab},   {"junit", cli_print_junit},
    {"rdjson", cli_print_rdjson},   {"azure", cli_print_azure},
    {"pylint", cli_print_pylint},
};

CliPrint cli_print_find(const char *format)
{
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++)
        if (!strcmp(format, formats[i].name))
            return formats[i].print;
    return NULL;
}

const char *cli_print_nearest(const char *format)
{
    CliNearest near = {0};

    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++)
        cli_nearest(&near, format, formats[i].name);
    return near.word;
}
