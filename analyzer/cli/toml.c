/* TOML through tree-sitter's grammar: it gives the places, this file the values and what the
 * grammar cannot see (a key twice, a table that is a value already). */
#include "node.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <tree_sitter/api.h>

const TSLanguage *tree_sitter_toml(void);

enum { DEEPEST = 64, MOST_KEYS = 10000 };

typedef struct Reader {
    const char *text;
    uint32_t len;
    CliMistake *mistake;
    unsigned depth;
} Reader;

static const AkNode *read_value(Reader *r, TSNode node);

static bool is(TSNode node, const char *type)
{
    return !strcmp(ts_node_type(node), type);
}

static int fail(Reader *r, uint32_t start, uint32_t end, const char *why)
{
    *r->mistake = (CliMistake){start, end, why};
    return -1;
}

static void put_utf8(CliBuf *buf, unsigned long code)
{
    if (code < 0x80) {
        cli_buf_putc(buf, (char)code);
    } else if (code < 0x800) {
        cli_buf_putc(buf, (char)(0xC0 | code >> 6));
        cli_buf_putc(buf, (char)(0x80 | (code & 0x3F)));
    } else if (code < 0x10000) {
        cli_buf_putc(buf, (char)(0xE0 | code >> 12));
        cli_buf_putc(buf, (char)(0x80 | (code >> 6 & 0x3F)));
        cli_buf_putc(buf, (char)(0x80 | (code & 0x3F)));
    } else {
        cli_buf_putc(buf, (char)(0xF0 | (code >> 18 & 7)));
        cli_buf_putc(buf, (char)(0x80 | (code >> 12 & 0x3F)));
        cli_buf_putc(buf, (char)(0x80 | (code >> 6 & 0x3F)));
        cli_buf_putc(buf, (char)(0x80 | (code & 0x3F)));
    }
}

/* One escape behind its backslash; returns how much of s it takes. */
static size_t unescape(CliBuf *buf, const char *s, size_t len)
{
    static const char from[] = "btnfre\"\\", to[] = "\b\t\n\f\r\033\"\\";
    const char *known = memchr(from, *s, sizeof from - 1);
    size_t digits = *s == 'u' ? 4 : *s == 'U' ? 8 : 0;
    char hex[9] = "";

    if (known) {
        cli_buf_putc(buf, to[known - from]);
        return 1;
    }
    if (digits && digits < len) {
        memcpy(hex, s + 1, digits);
        put_utf8(buf, strtoul(hex, NULL, 16));
        return digits + 1;
    }
    /* A backslash at the end of a line takes the white space behind it away. */
    return strspn(s, " \t\r\n") < len ? strspn(s, " \t\r\n") : len;
}

static char *string_text(const char *s, size_t len)
{
    size_t quotes = len >= 6 && s[0] == s[1] && s[1] == s[2] ? 3 : 1;
    bool basic = *s == '"';
    CliBuf buf = {0};
    char *text;

    s += quotes;
    len -= 2 * quotes;
    if (quotes == 3 && len && *s == '\r') {
        s++;
        len--;
    }
    if (quotes == 3 && len && *s == '\n') {
        s++;
        len--;
    }
    for (size_t i = 0; i < len;) {
        if (basic && s[i] == '\\' && i + 1 < len)
            i += 1 + unescape(&buf, s + i + 1, len - i - 1);
        else
            cli_buf_putc(&buf, s[i++]);
    }
    text = cli_keep_text(buf.data ? buf.data : "", buf.len);
    cli_buf_free(&buf);
    return text;
}

static AkNode *read_scalar(Reader *r, TSNode node)
{
    uint32_t start = ts_node_start_byte(node), end = ts_node_end_byte(node);
    AkNode *value = cli_node_new(AK_NODE_SCALAR, start, end);

    value->quoted = end - start >= 2 && (r->text[start] == '"' || r->text[start] == '\'');
    value->text = value->quoted ? string_text(r->text + start, end - start)
                                : cli_keep_text(r->text + start, end - start);
    return value;
}

static AkNode *find(AkNode *map, const char *key)
{
    return (AkNode *)(uintptr_t)cli_node_get(map, key);
}

/* The map behind a part of a dotted key; the last table of an array of tables. NULL: it is a
 * value already. */
static AkNode *descend(AkNode *map, AkNode *key)
{
    AkNode *inner = find(map, key->text);

    if (!inner) {
        inner = cli_node_new(AK_NODE_MAP, key->start, key->end);
        cli_node_put(map, key, inner);
    }
    if (inner->kind == AK_NODE_LIST && inner->count)
        inner = (AkNode *)(uintptr_t)inner->items[inner->count - 1];
    return inner->kind == AK_NODE_MAP ? inner : NULL;
}

/* Follows a dotted key to the map that holds its last part, which is stored in *last. */
static AkNode *follow(Reader *r, AkNode *map, TSNode key, AkNode **last)
{
    if (is(key, "dotted_key")) {
        AkNode *part;
        map = follow(r, map, ts_node_named_child(key, 0), &part);
        if (!map)
            return NULL;
        map = descend(map, part);
        if (!map) {
            fail(r, part->start, part->end, cli_keep_format("'%s' is no table", part->text));
            return NULL;
        }
        key = ts_node_named_child(key, 1);
    }
    *last = read_scalar(r, key);
    return map;
}

static int read_pair(Reader *r, AkNode *map, TSNode pair)
{
    AkNode *key;
    const AkNode *value;

    map = follow(r, map, ts_node_named_child(pair, 0), &key);
    if (!map)
        return -1;
    /* They are looked for one after the other. */
    if (map->count >= MOST_KEYS)
        return fail(r, key->start, key->end, "a table of ten thousand keys is no settings");
    if (find(map, key->text))
        return fail(r, key->start, key->end, cli_keep_format("'%s' is here twice", key->text));
    value = read_value(r, ts_node_named_child(pair, 1));
    if (!value)
        return -1;
    cli_node_put(map, key, value);
    return 0;
}

/* Comments are named nodes as well. */
static int read_pairs(Reader *r, AkNode *map, TSNode node)
{
    for (uint32_t i = 0; i < ts_node_named_child_count(node); i++) {
        TSNode child = ts_node_named_child(node, i);
        if (is(child, "pair") && read_pair(r, map, child) < 0)
            return -1;
    }
    return 0;
}

static const AkNode *read_array(Reader *r, TSNode node)
{
    AkNode *list = cli_node_new(AK_NODE_LIST, ts_node_start_byte(node), ts_node_end_byte(node));

    for (uint32_t i = 0; i < ts_node_named_child_count(node); i++) {
        TSNode child = ts_node_named_child(node, i);
        const AkNode *item;
        if (is(child, "comment"))
            continue;
        item = read_value(r, child);
        if (!item)
            return NULL;
        cli_node_add(list, item);
    }
    return list;
}

static const AkNode *read_value(Reader *r, TSNode node)
{
    const AkNode *value;
    AkNode *map;

    if (!is(node, "array") && !is(node, "inline_table"))
        return read_scalar(r, node);
    if (r->depth == DEEPEST) {
        fail(r, ts_node_start_byte(node), ts_node_end_byte(node), "nested too deeply");
        return NULL;
    }
    r->depth++;
    if (is(node, "array")) {
        value = read_array(r, node);
    } else {
        map = cli_node_new(AK_NODE_MAP, ts_node_start_byte(node), ts_node_end_byte(node));
        value = read_pairs(r, map, node) < 0 ? NULL : map;
    }
    r->depth--;
    return value;
}

static int read_table(Reader *r, AkNode *root, TSNode table)
{
    AkNode *key, *map = follow(r, root, ts_node_named_child(table, 0), &key);

    if (!map)
        return -1;
    map = descend(map, key);
    if (!map)
        return fail(r, key->start, key->end, cli_keep_format("'%s' is no table", key->text));
    return read_pairs(r, map, table);
}

static int read_table_of_array(Reader *r, AkNode *root, TSNode table)
{
    AkNode *key, *list, *item, *map = follow(r, root, ts_node_named_child(table, 0), &key);

    if (!map)
        return -1;
    list = find(map, key->text);
    if (!list) {
        list = cli_node_new(AK_NODE_LIST, key->start, key->end);
        cli_node_put(map, key, list);
    }
    if (list->kind != AK_NODE_LIST)
        return fail(r, key->start, key->end,
                    cli_keep_format("'%s' is no array of tables", key->text));
    item = cli_node_new(AK_NODE_MAP, ts_node_start_byte(table), ts_node_end_byte(table));
    cli_node_add(list, item);
    return read_pairs(r, item, table);
}

/* The first place that the grammar could not read: down to the smallest node that holds it. */
static int grammar_mistake(Reader *r, TSNode node)
{
    uint32_t start = ts_node_start_byte(node), end = ts_node_end_byte(node);

    for (uint32_t i = 0; !ts_node_is_error(node) && i < ts_node_child_count(node); i++) {
        TSNode child = ts_node_child(node, i);
        if (ts_node_has_error(child) || ts_node_is_missing(child))
            return grammar_mistake(r, child);
    }
    if (ts_node_is_missing(node))
        return fail(r, start, end, cli_keep_format("'%s' is missing", ts_node_type(node)));
    for (uint32_t i = start; i < end; i++)
        if (r->text[i] == '\n' || r->text[i] == '\r')
            end = i;
    return fail(r, start, end, "this is no TOML");
}

static int read_document(Reader *r, AkNode *root, TSNode document)
{
    if (ts_node_has_error(document))
        return cli_toml_mistake(r->text, r->len, r->mistake) ? -1
                                                             : grammar_mistake(r, document);
    for (uint32_t i = 0; i < ts_node_named_child_count(document); i++) {
        TSNode child = ts_node_named_child(document, i);
        int status = 0;
        if (is(child, "pair"))
            status = read_pair(r, root, child);
        else if (is(child, "table"))
            status = read_table(r, root, child);
        else if (is(child, "table_array_element"))
            status = read_table_of_array(r, root, child);
        if (status < 0)
            return status;
    }
    return 0;
}

int cli_toml(const char *text, size_t len, const AkNode **root, CliMistake *mistake)
{
    Reader reader = {.text = text, .len = (uint32_t)len, .mistake = mistake};
    TSParser *parser;
    TSTree *tree;
    AkNode *map;
    int status;

    *root = NULL;
    if (len > UINT32_MAX)
        return fail(&reader, 0, 0, "too large");
    parser = ts_parser_new();
    ts_parser_set_language(parser, tree_sitter_toml());
    tree = ts_parser_parse_string(parser, NULL, text, (uint32_t)len);
    map = cli_node_new(AK_NODE_MAP, 0, (uint32_t)len);
    status = read_document(&reader, map, ts_tree_root_node(tree));
    ts_tree_delete(tree);
    ts_parser_delete(parser);
    if (status == 0 && len)
        *root = map;
    return status;
}
