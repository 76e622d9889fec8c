/* uri.h: paths in reports for machines. */
#ifndef CLI_URI_H
#define CLI_URI_H

#include "mem.h"

/* Adds path with everything percent-encoded that a URI does not take. */
void cli_uri(CliBuf *out, const char *path);

/* Text between tags or in an attribute of XML, as valid UTF-8. */
void cli_xml(CliBuf *out, const char *text);

#endif
