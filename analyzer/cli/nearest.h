/* nearest.h: which known word was meant. */
#ifndef CLI_NEAREST_H
#define CLI_NEAREST_H

#include <stddef.h>

/* Keeps the best of the words offered to it. */
typedef struct CliNearest {
    const char *word; /* NULL while nothing is near enough */
    size_t distance;
} CliNearest;

void cli_nearest(CliNearest *nearest, const char *typed, const char *known);

#endif
