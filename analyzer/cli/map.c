/* Open addressing, at most half full. */
#include "map.h"
#include "mem.h"

#include <stdint.h>
#include <string.h>

typedef struct CliPair {
    const char *key;
    void *value;
} CliPair;

static uint64_t hash(const char *key)
{
    uint64_t h = 14695981039346656037u;

    for (; *key; key++)
        h = (h ^ (unsigned char)*key) * 1099511628211u;
    return h ^ h >> 29;
}

static CliPair *slot(const CliMap *map, const char *key)
{
    size_t i = (size_t)hash(key) & (map->size - 1);

    while (map->pairs[i].key && strcmp(map->pairs[i].key, key))
        i = (i + 1) & (map->size - 1);
    return &map->pairs[i];
}

static void grow(CliMap *map)
{
    CliMap wider = {.size = map->size ? map->size * 2 : 64};

    wider.pairs = cli_keep(wider.size * sizeof *wider.pairs);
    for (size_t i = 0; i < map->size; i++)
        if (map->pairs[i].key)
            cli_map_put(&wider, map->pairs[i].key, map->pairs[i].value);
    *map = wider;
}

void *cli_map_get(const CliMap *map, const char *key)
{
    return map->count ? slot(map, key)->value : NULL;
}

bool cli_map_has(const CliMap *map, const char *key)
{
    return map->count && slot(map, key)->key;
}

void cli_map_put(CliMap *map, const char *key, const void *value)
{
    CliPair *pair;

    if (map->count * 2 >= map->size)
        grow(map);
    pair = slot(map, key);
    map->count += !pair->key;
    *pair = (CliPair){key, (void *)(uintptr_t)value};
}

void *cli_map_next(const CliMap *map, size_t *at)
{
    while (*at < map->size) {
        CliPair *pair = &map->pairs[(*at)++];
        if (pair->key && pair->value)
            return pair->value;
    }
    return NULL;
}
