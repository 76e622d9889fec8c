/* node.h: YAML and TOML as values with places. What a parser returns is kept until the program
 * ends. */
#ifndef CLI_NODE_H
#define CLI_NODE_H

#include "mem.h"

#include <aklint.h>

/* Where and why a text is no YAML or TOML. */
typedef struct CliMistake {
    uint32_t start, end; /* bytes */
    const char *why;
} CliMistake;

/* A node with room for what is added to it. */
AkNode *cli_node_new(AkNodeKind kind, uint32_t start, uint32_t end);
void cli_node_add(AkNode *list, const AkNode *item);
void cli_node_put(AkNode *map, const AkNode *key, const AkNode *value);

const AkNode *cli_node_get(const AkNode *map, const char *key); /* NULL if it is not there */

/* Line and columns of bytes start to end of a text. path is not copied. */
AkPlace cli_place(const char *path, const char *text, size_t len, uint32_t start, uint32_t end);

/* The byte of a line and column; len if the text has no such place. *plain: all before it on
 * its line is ASCII, so that the byte is right whatever the encoding. */
size_t cli_offset(const char *text, size_t len, uint32_t line, uint32_t column, bool *plain);

/* Both return 0, or -1 with the mistake. *root is NULL for an empty text. */
int cli_toml(const char *text, size_t len, const AkNode **root, CliMistake *mistake);
int cli_manifest(const char *text, size_t len, const AkNode **root, CliMistake *mistake);

/* Of a text that is no TOML: where and why. false: nothing is wrong that this can see. */
bool cli_toml_mistake(const char *text, uint32_t len, CliMistake *mistake);

#endif
