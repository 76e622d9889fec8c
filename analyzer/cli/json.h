/* json.h: what the JSON formats share. The results belong to the caller. */
#ifndef CLI_JSON_H
#define CLI_JSON_H

#include "mem.h"

#include <jansson.h>

/* Text of any bytes as a JSON string. */
json_t *cli_json_text(const char *text);

/* Adds the value, indented or on one line, and a line's end; gives the value back. */
void cli_json_write(CliBuf *out, json_t *value, size_t flags);

/* Sets a key to a value that the object takes over. */
void cli_json_set(json_t *object, const char *key, json_t *value);

#endif
