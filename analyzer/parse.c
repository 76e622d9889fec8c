/* parse.c: tree-sitter and its Python grammar, behind a cursor that skips what says nothing.
 *
 * What a node is is looked up by the number of its symbol, in a table that is made once for
 * each parser. See collect.c for what is made of the nodes.
 */
#include "parse.h"

#include "quick.h"

#include <stdlib.h>
#include <string.h>
#include <tree_sitter/api.h>

const TSLanguage *tree_sitter_python(void);

enum { SYMBOLS = 512 };

typedef struct Level {
    TSTree *tree;
    TSTreeCursor cursor;
    AkNode node;
    bool has_cursor, started;
    bool is_quick; /* what follows holds the text, not the tree */
    AkQuickTree quick;
    uint32_t *above; /* the way from the root to the node, both with it */
    uint32_t depth, above_cap;
    uint32_t comment; /* the first that may still be asked for */
} Level;

struct AkParser {
    TSParser *ts;
    TSFieldId operator_field;
    bool only_grammar;
    Level levels[AK_PARSE_LEVELS];
    void *scratch[AK_SCRATCHES];
    size_t scratch_size[AK_SCRATCHES];
    uint8_t kinds[SYMBOLS]; /* AkNodeKind by symbol */
    uint8_t ops[SYMBOLS];   /* AkOp by symbol */
    bool comments[SYMBOLS];
};

static const char *const names[] = {
#define NAME(name, text) [AK_N_##name] = text,
    AK_NODE_KINDS(NAME)
#undef NAME
};

static const struct {
    const char *text;
    AkOp op;
} operators[] = {
    {"+", AK_OP_ADD},         {"-", AK_OP_SUB},        {"*", AK_OP_MUL},
    {"/", AK_OP_DIV},         {"//", AK_OP_FLOORDIV},  {"%", AK_OP_MOD},
    {"**", AK_OP_POW},        {"@", AK_OP_MATMUL},     {"&", AK_OP_AND_BITS},
    {"|", AK_OP_OR_BITS},     {"^", AK_OP_XOR},        {"<<", AK_OP_LSHIFT},
    {">>", AK_OP_RSHIFT},     {"and", AK_OP_AND},      {"or", AK_OP_OR},
    {"~", AK_OP_INVERT},      {"<", AK_OP_LT},         {"<=", AK_OP_LE},
    {">", AK_OP_GT},          {">=", AK_OP_GE},        {"==", AK_OP_EQ},
    {"!=", AK_OP_NE},         {"<>", AK_OP_NE},        {"in", AK_OP_IN},
    {"not in", AK_OP_NOT_IN}, {"is", AK_OP_IS},        {"is not", AK_OP_IS_NOT},
    {"+=", AK_OP_ADD},        {"-=", AK_OP_SUB},       {"*=", AK_OP_MUL},
    {"/=", AK_OP_DIV},        {"//=", AK_OP_FLOORDIV}, {"%=", AK_OP_MOD},
    {"**=", AK_OP_POW},       {"@=", AK_OP_MATMUL},    {"&=", AK_OP_AND_BITS},
    {"|=", AK_OP_OR_BITS},    {"^=", AK_OP_XOR},       {"<<=", AK_OP_LSHIFT},
    {">>=", AK_OP_RSHIFT},
};

static AkNodeKind kind_of_name(const char *text)
{
    for (AkNodeKind kind = AK_N_MODULE; kind < AK_N_ERROR; kind++)
        if (strcmp(names[kind], text) == 0)
            return kind;
    return AK_N_SKIP;
}

static AkNodeKind kind_of_token(const char *text, uint8_t *op)
{
    static const struct {
        const char *text;
        AkNodeKind kind;
    } words[] = {
        {",", AK_N_COMMA}, {"async", AK_N_ASYNC}, {"from", AK_N_FROM}, {"_", AK_N_UNDERSCORE}};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strcmp(words[i].text, text) == 0)
            return words[i].kind;
    for (size_t i = 0; i < sizeof operators / sizeof *operators; i++)
        if (strcmp(operators[i].text, text) == 0) {
            *op = (uint8_t)operators[i].op;
            return AK_N_OP;
        }
    return AK_N_SKIP;
}

static bool learn(AkParser *parser, const TSLanguage *language)
{
    uint32_t count = ts_language_symbol_count(language);
    if (count > SYMBOLS)
        return false;
    for (uint32_t i = 0; i < count; i++) {
        TSSymbol symbol = (TSSymbol)i;
        const char *text = ts_language_symbol_name(language, symbol);
        if (ts_language_symbol_type(language, symbol) == TSSymbolTypeAnonymous)
            parser->kinds[i] = (uint8_t)kind_of_token(text, &parser->ops[i]);
        else
            parser->kinds[i] = (uint8_t)kind_of_name(text);
        parser->comments[i] = strcmp(text, "comment") == 0;
    }
    parser->operator_field = ts_language_field_id_for_name(language, "operator", 8);
    return true;
}

AkParser *ak__parser_new(void)
{
    AkParser *parser = calloc(1, sizeof *parser);
    if (!parser)
        return NULL;
    const TSLanguage *language = tree_sitter_python();
    parser->ts = ts_parser_new();
    if (!parser->ts || !learn(parser, language) ||
        !ts_parser_set_language(parser->ts, language)) {
        ak__parser_free(parser);
        return NULL;
    }
    return parser;
}

void ak__parser_free(AkParser *parser)
{
    if (!parser)
        return;
    for (unsigned i = 0; i < AK_PARSE_LEVELS; i++) {
        if (parser->levels[i].has_cursor)
            ts_tree_cursor_delete(&parser->levels[i].cursor);
        if (parser->levels[i].tree)
            ts_tree_delete(parser->levels[i].tree);
        ak__quick_free(&parser->levels[i].quick);
        free(parser->levels[i].above);
    }
    for (unsigned i = 0; i < AK_SCRATCHES; i++)
        free(parser->scratch[i]);
    if (parser->ts)
        ts_parser_delete(parser->ts);
    free(parser);
}

/* ---- What quick.c read ---- */

static bool stand_on(Level *level, uint32_t id)
{
    if (level->depth == level->above_cap) {
        uint32_t cap = level->above_cap ? level->above_cap * 2 : 256;
        uint32_t *wider = realloc(level->above, (size_t)cap * sizeof *wider);
        if (!wider)
            return false;
        level->above = wider;
        level->above_cap = cap;
    }
    level->above[level->depth++] = id;
    return true;
}

static const AkQuickNode *quick_node(const Level *level)
{
    return &level->quick.nodes[level->above[level->depth - 1]];
}

static void quick_look(Level *level)
{
    const AkQuickNode *node = quick_node(level);
    level->node = (AkNode){(AkNodeKind)node->kind, (AkOp)node->op, node->start, node->end};
}

/* The first of id and its siblings that is wanted; 0 if there is none. */
static uint32_t quick_wanted(const Level *level, uint32_t id, AkNodeKind least)
{
    while (id && level->quick.nodes[id].kind < least)
        id = level->quick.nodes[id].next;
    return id;
}

static bool quick_down(Level *level, AkNodeKind least)
{
    uint32_t id = quick_wanted(level, quick_node(level)->first, least);
    if (!id || !stand_on(level, id))
        return false;
    quick_look(level);
    return true;
}

static bool quick_next(Level *level, AkNodeKind least)
{
    uint32_t id = quick_wanted(level, quick_node(level)->next, least);
    if (id) {
        level->above[level->depth - 1] = id;
        quick_look(level);
        return true;
    }
    level->depth--;
    return false;
}

static bool quick_comment_at(Level *level, uint32_t offset, uint32_t *start, uint32_t *end)
{
    const AkQuickTree *tree = &level->quick;
    while (level->comment < tree->comment_len && tree->comments[level->comment].end <= offset)
        level->comment++;
    if (level->comment == tree->comment_len || tree->comments[level->comment].start > offset)
        return false;
    *start = tree->comments[level->comment].start;
    *end = tree->comments[level->comment].end;
    return true;
}

static bool parse_quick(Level *level, const char *text, uint32_t len)
{
    level->is_quick = ak__quick_parse(&level->quick, text, len);
    level->depth = 0;
    if (level->is_quick)
        level->is_quick = stand_on(level, 1);
    if (level->is_quick)
        quick_look(level);
    return level->is_quick;
}

/* ---- The grammar's trees ---- */

static void look(AkParser *parser, Level *level, TSNode node, AkNodeKind kind)
{
    level->node = (AkNode){kind, AK_OP_NONE, ts_node_start_byte(node), ts_node_end_byte(node)};
    if (kind == AK_N_OP)
        level->node.op = (AkOp)parser->ops[ts_node_symbol(node)];
    if (level->node.start == level->node.end && ts_node_is_missing(node))
        level->node.kind = AK_N_MISSING;
}

void ak__parser_only_grammar(AkParser *parser)
{
    parser->only_grammar = true;
}

bool ak__parse_was_quick(const AkParser *parser)
{
    return parser->levels[0].is_quick;
}

static bool stand(Level *level, TSTree *tree)
{
    if (!tree)
        return false;
    TSNode root = ts_tree_root_node(tree);
    if (level->has_cursor)
        ts_tree_cursor_reset(&level->cursor, root);
    else
        level->cursor = ts_tree_cursor_new(root);
    level->has_cursor = true;
    if (level->tree)
        ts_tree_delete(level->tree);
    level->tree = tree;
    /* A text that is broken from end to end has an ERROR for its root. */
    level->node =
        (AkNode){AK_N_MODULE, AK_OP_NONE, ts_node_start_byte(root), ts_node_end_byte(root)};
    return true;
}

bool ak__parse(AkParser *parser, unsigned which, const char *text, uint32_t len)
{
    Level *level = &parser->levels[which];
    if (!parser->only_grammar && parse_quick(level, text, len))
        return true;
    level->is_quick = false;
    return stand(level, ts_parser_parse_string(parser->ts, NULL, text, len));
}

/* ---- From a tree of before ---- */

AkTree *ak__tree_take(const AkParser *parser)
{
    const Level *level = &parser->levels[0];
    return level->is_quick ? NULL : (AkTree *)ts_tree_copy(level->tree);
}

void ak__tree_free(AkTree *tree)
{
    ts_tree_delete((TSTree *)tree);
}

static TSPoint point_at(const char *text, uint32_t at)
{
    TSPoint point = {0, at};
    const char *line = text, *next;
    while ((next = memchr(line, '\n', at - (size_t)(line - text)))) {
        line = next + 1;
        point.row++;
    }
    point.column = at - (uint32_t)(line - text);
    return point;
}

static bool is_inside(char c)
{
    return ((unsigned char)c & 0xC0) == 0x80;
}

/* What stands between the bytes that both begin and end with, in whole characters. */
static TSInputEdit edit_of(const char *old_text, uint32_t old_len, const char *text,
                           uint32_t len)
{
    uint32_t most = old_len < len ? old_len : len, front = 0, back = 0;
    while (front < most && old_text[front] == text[front])
        front++;
    while (front && ((front < len && is_inside(text[front])) ||
                     (front < old_len && is_inside(old_text[front]))))
        front--;
    while (back < most - front && old_text[old_len - back - 1] == text[len - back - 1])
        back++;
    while (back && is_inside(text[len - back]))
        back--;
    return (TSInputEdit){.start_byte = front,
                         .old_end_byte = old_len - back,
                         .new_end_byte = len - back,
                         .start_point = point_at(text, front),
                         .old_end_point = point_at(old_text, old_len - back),
                         .new_end_point = point_at(text, len - back)};
}

bool ak__parse_from(AkParser *parser, const AkTree *old, const char *old_text, uint32_t old_len,
                    const char *text, uint32_t len)
{
    Level *level = &parser->levels[0];
    TSInputEdit edit;
    TSTree *edited, *tree;
    if (!parser->only_grammar && parse_quick(level, text, len))
        return true;
    level->is_quick = false;
    edit = edit_of(old_text, old_len, text, len);
    edited = ts_tree_copy((const TSTree *)old);
    if (!edited)
        return false;
    ts_tree_edit(edited, &edit);
    tree = ts_parser_parse_string(parser->ts, edited, text, len);
    ts_tree_delete(edited);
    return stand(level, tree);
}

bool ak__parse_broken(const AkParser *parser, unsigned level)
{
    return !parser->levels[level].is_quick &&
           ts_node_has_error(ts_tree_root_node(parser->levels[level].tree));
}

const AkNode *ak__node(const AkParser *parser, unsigned level)
{
    return &parser->levels[level].node;
}

/* The kind of a node by its symbol; errors have a symbol outside of the table. */
static AkNodeKind kind_of(const AkParser *parser, TSNode node)
{
    TSSymbol symbol = ts_node_symbol(node);
    return symbol < SYMBOLS ? (AkNodeKind)parser->kinds[symbol] : AK_N_ERROR;
}

/* From the sibling the cursor stands on to the first that is wanted. */
static bool settle(AkParser *parser, Level *level, AkNodeKind least)
{
    do {
        TSNode node = ts_tree_cursor_current_node(&level->cursor);
        AkNodeKind kind = kind_of(parser, node);
        if (kind >= least) {
            look(parser, level, node, kind);
            return true;
        }
    } while (ts_tree_cursor_goto_next_sibling(&level->cursor));
    ts_tree_cursor_goto_parent(&level->cursor);
    return false;
}

bool ak__node_down(AkParser *parser, unsigned which, AkNodeKind least)
{
    Level *level = &parser->levels[which];
    if (level->is_quick)
        return quick_down(level, least);
    return ts_tree_cursor_goto_first_child(&level->cursor) && settle(parser, level, least);
}

bool ak__node_next(AkParser *parser, unsigned which, AkNodeKind least)
{
    Level *level = &parser->levels[which];
    if (level->is_quick)
        return quick_next(level, least);
    if (ts_tree_cursor_goto_next_sibling(&level->cursor))
        return settle(parser, level, least);
    ts_tree_cursor_goto_parent(&level->cursor);
    return false;
}

void ak__node_up(AkParser *parser, unsigned which)
{
    Level *level = &parser->levels[which];
    if (level->is_quick)
        level->depth--;
    else
        ts_tree_cursor_goto_parent(&level->cursor);
}

void ak__node_back(AkParser *parser, unsigned which)
{
    Level *level = &parser->levels[which];
    if (level->is_quick) {
        level->depth--;
        quick_look(level);
        return;
    }
    ts_tree_cursor_goto_parent(&level->cursor);
    TSNode node = ts_tree_cursor_current_node(&level->cursor);
    look(parser, level, node, kind_of(parser, node));
}

bool ak__node_has_comma(AkParser *parser, unsigned which)
{
    TSTreeCursor *cursor = &parser->levels[which].cursor;
    bool found = false;
    if (parser->levels[which].is_quick)
        return quick_node(&parser->levels[which])->comma;
    if (!ts_tree_cursor_goto_first_child(cursor))
        return false;
    do
        found = kind_of(parser, ts_tree_cursor_current_node(cursor)) == AK_N_COMMA;
    while (!found && ts_tree_cursor_goto_next_sibling(cursor));
    ts_tree_cursor_goto_parent(cursor);
    return found;
}

AkOp ak__node_operator(const AkParser *parser, unsigned which)
{
    const Level *level = &parser->levels[which];
    if (level->is_quick)
        return (AkOp)quick_node(level)->op;
    TSNode node = ts_tree_cursor_current_node(&level->cursor);
    TSNode sign = ts_node_child_by_field_id(node, parser->operator_field);
    TSSymbol symbol = ts_node_is_null(sign) ? 0 : ts_node_symbol(sign);
    return symbol < SYMBOLS ? (AkOp)parser->ops[symbol] : AK_OP_NONE;
}

/* ---- Reading once more for comments and errors ---- */

void ak__parse_rewind(AkParser *parser)
{
    Level *level = &parser->levels[0];
    level->comment = 0;
    if (level->is_quick)
        return;
    ts_tree_cursor_reset(&level->cursor, ts_tree_root_node(level->tree));
    level->started = false;
}

/* To the node behind this one and all that is below it. */
static bool leave(TSTreeCursor *cursor)
{
    while (!ts_tree_cursor_goto_next_sibling(cursor))
        if (!ts_tree_cursor_goto_parent(cursor))
            return false;
    return true;
}

bool ak__comment_at(AkParser *parser, uint32_t offset, uint32_t *start, uint32_t *end)
{
    TSTreeCursor *cursor = &parser->levels[0].cursor;
    if (parser->levels[0].is_quick)
        return quick_comment_at(&parser->levels[0], offset, start, end);
    for (;;) {
        TSNode node = ts_tree_cursor_current_node(cursor);
        *start = ts_node_start_byte(node);
        *end = ts_node_end_byte(node);
        if (*start > offset)
            return false;
        if (*end <= offset) {
            if (!leave(cursor))
                return false;
            continue;
        }
        TSSymbol symbol = ts_node_symbol(node);
        if (symbol < SYMBOLS && parser->comments[symbol])
            return true;
        if (!ts_tree_cursor_goto_first_child(cursor))
            return false;
    }
}

bool ak__next_error(AkParser *parser, AkSyntaxError *error)
{
    Level *level = &parser->levels[0];
    TSTreeCursor *cursor = &level->cursor;
    if (level->is_quick)
        return false;
    if (level->started && !leave(cursor))
        return false;
    level->started = true;
    for (;;) {
        TSNode node = ts_tree_cursor_current_node(cursor);
        bool missing = ts_node_is_missing(node);
        if (missing || ts_node_is_error(node)) {
            *error = (AkSyntaxError){ts_node_start_byte(node), ts_node_end_byte(node), missing};
            return true;
        }
        if (ts_node_has_error(node) && ts_tree_cursor_goto_first_child(cursor))
            continue;
        if (!leave(cursor))
            return false;
    }
}

/* ---- Memory between blocks ---- */

void *ak__scratch(AkParser *parser, unsigned which, size_t size)
{
    if (size <= parser->scratch_size[which])
        return parser->scratch[which];
    size_t room = parser->scratch_size[which] ? parser->scratch_size[which] : 1024;
    while (room < size)
        room = room > SIZE_MAX / 2 ? size : room * 2;
    void *wider = realloc(parser->scratch[which], room);
    if (!wider)
        return NULL;
    parser->scratch[which] = wider;
    parser->scratch_size[which] = room;
    return wider;
}

size_t ak__scratch_size(const AkParser *parser, unsigned which)
{
    return parser->scratch_size[which];
}
