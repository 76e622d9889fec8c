/* The Python side of the runtime, carried inside the program: ak_runner.py and the packages
 * that programs import. The table is written at build time by cmake/embed.cmake and ends with a
 * null path. */
#ifndef AK_EMBEDDED_H
#define AK_EMBEDDED_H

#include <stddef.h>
#include <stdint.h>

typedef struct AkEmbedded {
    const char *path;           /* "ak_runner.py", "autokitteh/__init__.py" */
    const unsigned char *bytes; /* a zero follows the last */
    size_t size;
} AkEmbedded;

extern const AkEmbedded ak_embedded[];
/* What the server gives to browsers: runtime/page, and api_schemas.json. */
extern const AkEmbedded ak_page_files[];

/* Writes every file below dir, 0600: it appears whole or not at all, and is left alone when it
 * is there. 0, or -1 with errno set. */
int ak_embedded_unpack(const char *dir);
/* A folder's name for these very bytes. */
void ak_embedded_name(char *name, size_t size);

#endif
