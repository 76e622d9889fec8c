/* replace.h: a file gets a new content, wholly or not at all. */
#ifndef CLI_REPLACE_H
#define CLI_REPLACE_H

#include <stddef.h>

/* Writes a new file beside the old one, makes it durable and renames it over the old one:
 * whoever reads sees one or the other, and a full disk costs nothing. Mode and, where allowed,
 * owner stay; a link stays a link, and what it points at is replaced. Returns 0, or errno. */
int cli_replace(const char *path, const char *text, size_t len);

#endif
