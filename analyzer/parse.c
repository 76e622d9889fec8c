/* parse.c: the one place that knows tree-sitter.
 *
 * A tree is walked once with a cursor, without recursion, into the table of parse.h. Statements
 * that stand deeper than column 0, and a class's header without its body, are completed by a
 * line before or behind them; the offsets speak of the text as it was given.
 */
#include "parse.h"

#include "array.h"

#include <stdlib.h>
#include <string.h>
#include <tree_sitter/api.h>

const TSLanguage *tree_sitter_python(void);

enum { SYMBOLS = 512, FIELDS = 128 };

struct AkParser {
    TSParser *ts;
    AkArena *scratch;
    uint8_t kind_of[SYMBOLS]; /* by symbol; 0: left out */
    uint8_t op_of[SYMBOLS];
    uint8_t field_of[FIELDS];
};

static const struct {
    const char *text;
    uint8_t op;
} operators[] = {
    {"+", AK_OP_ADD},         {"-", AK_OP_SUB},         {"*", AK_OP_MUL},
    {"/", AK_OP_DIV},         {"//", AK_OP_FLOORDIV},   {"%", AK_OP_MOD},
    {"**", AK_OP_POW},        {"@", AK_OP_MATMUL},      {"&", AK_OP_AND_BITS},
    {"|", AK_OP_OR_BITS},     {"^", AK_OP_XOR},         {"<<", AK_OP_LSHIFT},
    {">>", AK_OP_RSHIFT},     {"and", AK_OP_AND},       {"or", AK_OP_OR},
    {"not", AK_OP_NOT},       {"~", AK_OP_INVERT},      {"<", AK_OP_LT},
    {"<=", AK_OP_LE},         {">", AK_OP_GT},          {">=", AK_OP_GE},
    {"==", AK_OP_EQ},         {"!=", AK_OP_NE},         {"<>", AK_OP_NE},
    {"in", AK_OP_IN},         {"not in", AK_OP_NOT_IN}, {"is", AK_OP_IS},
    {"is not", AK_OP_IS_NOT}, {"+=", AK_OP_ADD},        {"-=", AK_OP_SUB},
    {"*=", AK_OP_MUL},        {"/=", AK_OP_DIV},        {"//=", AK_OP_FLOORDIV},
    {"%=", AK_OP_MOD},        {"**=", AK_OP_POW},       {"@=", AK_OP_MATMUL},
    {"&=", AK_OP_AND_BITS},   {"|=", AK_OP_OR_BITS},    {"^=", AK_OP_XOR},
    {"<<=", AK_OP_LSHIFT},    {">>=", AK_OP_RSHIFT},
};

static uint8_t kind_named(const char *name)
{
    static const char *const names[] = {
#define X(name) #name,
        AK_NODE_KINDS(X)
#undef X
    };

    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
        if (strcmp(names[i], name) == 0)
            return (uint8_t)(i + 1);
    return AK_T_other;
}

static void learn_token(AkParser *parser, TSSymbol symbol, const char *name)
{
    if (strcmp(name, "async") == 0)
        parser->kind_of[symbol] = AK_T_async;
    if (strcmp(name, "from") == 0)
        parser->kind_of[symbol] = AK_T_from;
    for (size_t i = 0; i < sizeof(operators) / sizeof(*operators); i++) {
        if (strcmp(name, operators[i].text) == 0) {
            parser->kind_of[symbol] = AK_T_operator;
            parser->op_of[symbol] = operators[i].op;
        }
    }
}

static void learn_language(AkParser *parser, const TSLanguage *language)
{
    static const char *const fields[] = {
#define X(name) #name,
        AK_FIELDS(X)
#undef X
    };
    uint32_t symbols = ts_language_symbol_count(language);

    for (uint32_t s = 0; s < symbols && s < SYMBOLS; s++) {
        const char *name = ts_language_symbol_name(language, (TSSymbol)s);

        if (ts_language_symbol_type(language, (TSSymbol)s) == TSSymbolTypeRegular)
            parser->kind_of[s] = kind_named(name);
        else if (ts_language_symbol_type(language, (TSSymbol)s) == TSSymbolTypeAnonymous)
            learn_token(parser, (TSSymbol)s, name);
    }
    for (size_t i = 0; i < sizeof(fields) / sizeof(*fields); i++) {
        TSFieldId id =
            ts_language_field_id_for_name(language, fields[i], (uint32_t)strlen(fields[i]));

        if (id < FIELDS)
            parser->field_of[id] = (uint8_t)(i + 1);
    }
}

AkParser *ak__parser_new(void)
{
    AkParser *parser = calloc(1, sizeof(*parser));

    if (!parser)
        return NULL;
    parser->ts = ts_parser_new();
    parser->scratch = ak__arena_new();
    if (!parser->ts || !parser->scratch ||
        !ts_parser_set_language(parser->ts, tree_sitter_python())) {
        ak__parser_free(parser);
        return NULL;
    }
    learn_language(parser, tree_sitter_python());
    return parser;
}

void ak__parser_free(AkParser *parser)
{
    if (!parser)
        return;
    if (parser->ts)
        ts_parser_delete(parser->ts);
    ak__arena_free(parser->scratch);
    free(parser);
}

AkArena *ak__parser_scratch(AkParser *parser)
{
    return parser->scratch;
}

/* ---- What is put before and behind the text to make it a whole ---- */

static const char before_member[] = "if 1:\n";

typedef struct Whole {
    const char *text;
    uint32_t len, before; /* before: bytes put in front */
} Whole;

/* Whether the text ends in a colon, comments and blanks aside: a class's header. */
static bool lacks_body(const char *text, uint32_t len)
{
    uint32_t end = 0;

    if (memchr(text, ':', len) == NULL)
        return false;
    for (uint32_t i = 0; i < len; i++) {
        if (text[i] == '#') {
            while (i + 1 < len && text[i + 1] != '\n')
                i++;
        } else if (!strchr(" \t\r\n\f", text[i]) && text[i]) {
            end = i;
        }
    }
    return text[end] == ':';
}

static Whole complete(AkArena *arena, const char *text, uint32_t len, uint32_t indent)
{
    bool bare = lacks_body(text, len);
    uint32_t before = indent ? (uint32_t)sizeof(before_member) - 1 + indent : 0;
    uint32_t behind = bare ? indent + 8 : 0;
    char *whole, *at;

    if (!before && !behind)
        return (Whole){text, len, 0};
    whole = ak__alloc(arena, (size_t)before + len + behind + 1);
    at = whole;
    if (before) {
        memcpy(at, before_member, sizeof(before_member) - 1);
        memset(at + sizeof(before_member) - 1, ' ', indent);
        at += before;
    }
    memcpy(at, text, len);
    if (behind) {
        at[len] = '\n';
        memset(at + len + 1, ' ', indent + 2);
        memcpy(at + len + indent + 3, "pass\n", 5);
    }
    return (Whole){whole, before + len + behind, before};
}

/* ---- The walk ---- */

typedef struct Builder {
    AkArena *arena;
    const AkParser *parser;
    Whole whole;
    uint32_t len; /* of the text itself */
    AkSyntax *nodes;
    uint32_t node_len, node_cap;
    AkComment *comments;
    uint32_t comment_len, comment_cap;
    uint32_t *open; /* nodes whose end is not reached yet */
    uint32_t open_len, open_cap;
} Builder;

static uint32_t own_offset(const Builder *b, uint32_t offset)
{
    offset = offset < b->whole.before ? 0 : offset - b->whole.before;
    return offset < b->len ? offset : b->len;
}

static bool speaks_to_us(const char *text, uint32_t len)
{
    for (uint32_t i = 0; i + 4 <= len; i++) {
        if (memcmp(text + i, "noqa", 4) == 0 || memcmp(text + i, "NOQA", 4) == 0)
            return true;
        if (i + 7 <= len && memcmp(text + i, "aklint:", 7) == 0)
            return true;
    }
    return false;
}

static void add_comment(Builder *b, TSNode node)
{
    uint32_t start = ts_node_start_byte(node), end = ts_node_end_byte(node), at = start;
    AkComment comment;

    if (!speaks_to_us(b->whole.text + start, end - start))
        return;
    while (at > b->whole.before &&
           (b->whole.text[at - 1] == ' ' || b->whole.text[at - 1] == '\t'))
        at--;
    comment = (AkComment){own_offset(b, start), own_offset(b, end),
                          at == b->whole.before || b->whole.text[at - 1] == '\n'};
    AK_PUSH(b->arena, b->comments, b->comment_len, b->comment_cap) = comment;
}

/* The kind that a node is kept as, or 0. */
static uint8_t kept_kind(const Builder *b, TSNode node)
{
    TSSymbol symbol = ts_node_symbol(node);

    if (ts_node_is_error(node))
        return AK_T_ERROR;
    return symbol < SYMBOLS ? b->parser->kind_of[symbol] : AK_T_other;
}

/* Adds the cursor's node; false if it is left out, its children with it. */
static bool add_node(Builder *b, const TSTreeCursor *cursor)
{
    TSNode node = ts_tree_cursor_current_node(cursor);
    uint8_t kind = kept_kind(b, node);
    TSFieldId field = ts_tree_cursor_current_field_id(cursor);
    TSSymbol symbol = ts_node_symbol(node);
    AkSyntax out = {.kind = kind, .missing = ts_node_is_missing(node)};

    if (ts_node_is_extra(node) && kind == AK_T_other) {
        if (strcmp(ts_node_type(node), "comment") == 0)
            add_comment(b, node);
        return false;
    }
    if (!kind && !out.missing)
        return false;
    out.op = symbol < SYMBOLS ? b->parser->op_of[symbol] : 0;
    out.field = field < FIELDS ? b->parser->field_of[field] : 0;
    out.start = own_offset(b, ts_node_start_byte(node));
    out.end = own_offset(b, ts_node_end_byte(node));
    AK_PUSH(b->arena, b->nodes, b->node_len, b->node_cap) = out;
    return true;
}

static void walk(Builder *b, TSTreeCursor *cursor)
{
    for (;;) {
        bool kept = add_node(b, cursor);

        if (kept && ts_tree_cursor_goto_first_child(cursor)) {
            AK_PUSH(b->arena, b->open, b->open_len, b->open_cap) = b->node_len - 1;
            continue;
        }
        if (kept)
            b->nodes[b->node_len - 1].next = b->node_len;
        while (!ts_tree_cursor_goto_next_sibling(cursor)) {
            if (!b->open_len || !ts_tree_cursor_goto_parent(cursor))
                return;
            b->nodes[b->open[--b->open_len]].next = b->node_len;
        }
    }
}

/* The statements inside `if 1:` become the module's own: the nodes before them are skipped by
 * moving the module's node next to them. */
static AkTree unwrap(Builder *b)
{
    uint32_t block = 0;

    for (uint32_t i = 1; i < b->node_len && !block; i++)
        if (b->nodes[i].kind == AK_T_block)
            block = i;
    if (block && b->nodes[1].kind == AK_T_if_statement) {
        uint32_t end = b->nodes[block].next;

        for (uint32_t i = block; i < end; i++)
            b->nodes[i].next -= block;
        b->nodes += block;
        b->node_len = end - block;
        b->nodes[0].kind = AK_T_module;
    }
    return (AkTree){b->nodes, b->node_len, b->comments, b->comment_len};
}

AkTree ak__parse(AkArena *arena, AkParser *parser, const char *text, uint32_t len,
                 uint32_t indent)
{
    Builder b = {.arena = arena,
                 .parser = parser,
                 .len = len,
                 .whole = complete(arena, text, len, indent)};
    AkComment dummy = {0};
    TSTree *tree;
    TSTreeCursor cursor;

    AK_PUSH(arena, b.comments, b.comment_len, b.comment_cap) = dummy;
    tree = ts_parser_parse_string(parser->ts, NULL, b.whole.text, b.whole.len);
    if (!tree)
        return (AkTree){0};
    cursor = ts_tree_cursor_new(ts_tree_root_node(tree));
    walk(&b, &cursor);
    ts_tree_cursor_delete(&cursor);
    ts_tree_delete(tree);
    return indent ? unwrap(&b) : (AkTree){b.nodes, b.node_len, b.comments, b.comment_len};
}
