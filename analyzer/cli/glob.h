/* glob.h: patterns of .gitignore, exclude and per-file-ignores. */
#ifndef CLI_GLOB_H
#define CLI_GLOB_H

#include <stdbool.h>
#include <stddef.h>

/* Whether a whole path matches: '*' and '?' stay within a folder, "**" crosses folders. Takes
 * time in proportion to pattern times path, whatever the pattern. */
bool cli_glob(const char *pattern, size_t pattern_len, const char *path);

/* As .gitignore reads a pattern without its '!' and its last '/': one without '/' matches the
 * last name of the path at any depth, else the whole path from the pattern's folder. */
bool cli_glob_name_or_path(const char *pattern, size_t pattern_len, const char *path);

#endif
