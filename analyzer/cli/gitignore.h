/* gitignore.h: what git leaves out. The rules of one folder are linked to those above it. */
#ifndef CLI_GITIGNORE_H
#define CLI_GITIGNORE_H

#include <stdbool.h>
#include <stddef.h>

typedef struct CliIgnore CliIgnore;

/* Rules of a .gitignore (or .git/info/exclude) that holds for dir, an absolute path without a
 * last
 * '/'. Returns above where there is no rule. Kept until the program ends. */
const CliIgnore *cli_ignore_new(const CliIgnore *above, const char *dir, const char *text,
                                size_t len);

/* path is absolute and lies under each folder of the chain. */
bool cli_ignored(const CliIgnore *rules, const char *path, bool is_dir);

#endif
