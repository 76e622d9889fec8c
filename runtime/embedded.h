/* The Python side of the runtime, carried inside the program: ak_runner.py and the packages that
 * programs import. The table is written at build time by cmake/embed.cmake and ends with a null path. */
#ifndef AK_EMBEDDED_H
#define AK_EMBEDDED_H

#include <stddef.h>

typedef struct AkEmbedded {
    const char *path;           /* "ak_runner.py", "autokitteh/__init__.py" */
    const unsigned char *bytes; /* a zero follows the last */
    size_t size;
} AkEmbedded;

extern const AkEmbedded ak_embedded[];

/* Writes every file below DIR (which exists), 0600. 0, or -1 with errno set. */
int ak_embedded_unpack(const char *dir);

#endif
