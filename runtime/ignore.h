/* What .gitignore and .akignore files of a project leave out of its bundle. */
#ifndef AK_IGNORE_H
#define AK_IGNORE_H

#include <stdbool.h>

typedef struct AkIgnore AkIgnore;

/* root is absolute. */
AkIgnore *ak_ignore_new(const char *root);
void ak_ignore_free(AkIgnore *ignore);

/* path lies below root, and so do all folders above it that were asked about. */
bool ak_ignored(AkIgnore *ignore, const char *path, bool is_dir);

#endif
