/* aklint clean: removes the cache. */
#include "cache.h"
#include "commands.h"
#include "paths.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

int cli_clean(const CliOptions *options)
{
    const char *folder = cli_cache_folder(options->cache_dir);
    long count;

    if (!folder) {
        fputs("aklint: no cache: neither XDG_CACHE_HOME nor HOME is set\n", stderr);
        return 2;
    }
    count = cli_cache_clean(folder);
    if (count < 0) {
        fprintf(stderr, "aklint: %s: %s\n", cli_path_shown(folder), strerror(errno));
        return 2;
    }
    fprintf(stderr, "Removed %ld entr%s from %s.\n", count, count == 1 ? "y" : "ies",
            cli_path_shown(folder));
    return 0;
}
