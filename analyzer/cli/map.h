/* map.h: from strings to pointers. Keys are not copied, nothing is taken out, and a
 * map is kept until the program ends. */
#ifndef CLI_MAP_H
#define CLI_MAP_H

#include <stdbool.h>
#include <stddef.h>

typedef struct CliMap {
    struct CliPair *pairs;
    size_t count, size;
} CliMap;

void *cli_map_get(const CliMap *map, const char *key); /* NULL if it is not there */
bool cli_map_has(const CliMap *map, const char *key);
/* The values one after the other, in no order: *at starts with 0. NULL behind the last. */
void *cli_map_next(const CliMap *map, size_t *at);
void cli_map_put(CliMap *map, const char *key, const void *value);

#endif
