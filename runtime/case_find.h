/* The cases below a folder. */
#ifndef AK_CASE_FIND_H
#define AK_CASE_FIND_H

#include <stddef.h>

typedef struct AkPaths {
    char **items;
    size_t len;
} AkPaths;

/* A file is a case; of a folder, every *.txtar in it and below, in the order of names: hidden
 * folders, caches and virtual environments have none. 0, or -1 with errno. */
int ak_cases_find(const char *path, AkPaths *cases);
void ak_paths_free(AkPaths *paths);

#endif
