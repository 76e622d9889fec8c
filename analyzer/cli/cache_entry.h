/* cache_entry.h: what the files of the cache share. */
#ifndef CLI_CACHE_ENTRY_H
#define CLI_CACHE_ENTRY_H

#include "cache.h"
#include "siphash.h"

struct CliCache {
    int fd;
    CliSecret secret;
    CliList lent; /* bytes of entries, to free */
};

/* Both by a name inside the folder; what cannot be done is not done. */
char *cli_cache_read(const CliCache *cache, const char *name, size_t *len);
void cli_cache_write(const CliCache *cache, const char *name, const void *bytes, size_t len);

#endif
