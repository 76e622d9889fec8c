/* Values with places. */
#include "node.h"
#include "utf8.h"

#include <stdlib.h>
#include <string.h>

AkNode *cli_node_new(AkNodeKind kind, uint32_t start, uint32_t end)
{
    AkNode *node = cli_keep(sizeof *node);

    node->kind = kind;
    node->text = "";
    node->start = start;
    node->end = end;
    return node;
}

static void append(AkNode *node, size_t used, const AkNode *item)
{
    /* The room doubles at powers of two: the array itself is all that has to be remembered. */
    if (used < 2 || (used & (used - 1)) == 0) {
        const AkNode **wider = cli_keep((used < 2 ? 2 : used * 2) * sizeof *wider);
        if (used)
            memcpy(wider, node->items, used * sizeof *wider);
        node->items = wider;
    }
    node->items[used] = item;
}

void cli_node_add(AkNode *list, const AkNode *item)
{
    append(list, list->count++, item);
}

void cli_node_put(AkNode *map, const AkNode *key, const AkNode *value)
{
    append(map, map->count * 2, key);
    append(map, map->count * 2 + 1, value);
    map->count++;
}

const AkNode *cli_node_get(const AkNode *map, const char *key)
{
    for (size_t i = 0; map && map->kind == AK_NODE_MAP && i < map->count; i++)
        if (!strcmp(map->items[2 * i]->text, key))
            return map->items[2 * i + 1];
    return NULL;
}

typedef struct Cursor {
    size_t at;
    uint32_t line, column;
} Cursor;

/* Goes on to a byte. "\r\n" and a lone "\r" end a line too. */
static void advance(Cursor *cursor, const char *text, size_t len, size_t to)
{
    while (cursor->at < to && cursor->at < len) {
        uint32_t code;
        size_t n = cli_utf8_next(text + cursor->at, len - cursor->at, &code);
        bool ends = code == '\n' ||
                    (code == '\r' && !(cursor->at + 1 < len && text[cursor->at + 1] == '\n'));
        cursor->at += n;
        cursor->line += ends;
        cursor->column = ends ? 1 : cursor->column + 1;
    }
}

size_t cli_offset(const char *text, size_t len, uint32_t line, uint32_t column, bool *plain)
{
    Cursor cursor = {.line = 1, .column = 1};

    if (len >= 3 && !memcmp(text, "\xEF\xBB\xBF", 3))
        cursor.at = 3;
    *plain = true;
    while (cursor.at < len &&
           (cursor.line < line || (cursor.line == line && cursor.column < column))) {
        *plain &= cursor.line < line || (unsigned char)text[cursor.at] < 0x80;
        advance(&cursor, text, len, cursor.at + 1);
    }
    return cursor.line == line && cursor.column == column ? cursor.at : len;
}

AkPlace cli_place(const char *path, const char *text, size_t len, uint32_t start, uint32_t end)
{
    Cursor cursor = {.line = 1, .column = 1};
    AkPlace place = {.path = path, .start_byte = start, .end_byte = end};

    if (len >= 3 && !memcmp(text, "\xEF\xBB\xBF", 3))
        cursor.at = 3;
    advance(&cursor, text, len, start);
    place.line = cursor.line;
    place.column = cursor.column;
    advance(&cursor, text, len, end);
    place.end_line = cursor.line;
    place.end_column = cursor.column;
    return place;
}
