/* The code of a deployment as one run of bytes: a plain tar archive, the same bytes for the
 * same files (sorted, without times and owners), so that its digest names the code. */
#ifndef AK_BUNDLE_H
#define AK_BUNDLE_H

#include <stddef.h>
#include <stdio.h>

#include "engine/bytes.h"

enum { AK_BUNDLE_MAX = 64 << 20, AK_BUNDLE_FILES_MAX = 10000 };

/* With a manifest in root every file belongs to the project; without one, the Python files in
 * root do, and those of the packages that they name. Hidden files, caches and virtual
 * environments never do. 0, or -1 with words in why. */
int ak_bundle_pack(const char *root, AkText *tar, char *why, size_t size);
/* The same without what .gitignore and .akignore files leave out. */
int ak_bundle_pack_tracked(const char *root, AkText *tar, char *why, size_t size);

/* Into dir, which is made; it appears whole or not at all, and is left alone when it is there.
 * 0, or -1 with errno (EILSEQ: the bytes are no archive of ours). */
int ak_bundle_unpack(AkBytes tar, const char *dir);

/* Lends each file; fn returns 0 to go on. 0, what fn returned, or -1 with EILSEQ. */
typedef int AkBundleFn(void *payload, const char *name, AkBytes bytes);
int ak_bundle_each(AkBytes tar, AkBundleFn *fn, void *payload);

/* The project's directory of a program's file: the nearest one above it with a manifest, else
 * the file's own. `file` becomes the path below it. 0, or -1 with errno. */
int ak_bundle_root(const char *path, char *root, size_t root_size, char *file,
                   size_t file_size);

/* `mkdir -p` with mode 0700. */
int ak_make_dirs(const char *dir);
/* The folders above this path. */
int ak_make_parents(const char *path);
/* Closes what was written: 0, or -1 with errno when not all of it went out. */
int ak_file_end(FILE *file);
/* `rm -r`. */
void ak_remove_tree(const char *dir);
/* A folder made aside becomes dir, in one step; it goes when another `ak` was faster with the same. */
int ak_take_place(const char *fresh, const char *dir);

#endif
