/* grammar.c: what tree-sitter read, as nodes. The only file that speaks to tree-sitter.
 *
 * What a node is is looked up by the number of its symbol, in a table that is made once for
 * each grammar.
 */
#include "grammar.h"

#include <stdlib.h>
#include <string.h>
#include <tree_sitter/api.h>

const TSLanguage *tree_sitter_python(void);

enum { SYMBOLS = 512 };

/* A node above the cursor. */
typedef struct Above {
    uint32_t node;   /* 0: of the text itself, or of what says nothing */
    AkTreeKids kids; /* those made so far */
    bool shown;      /* its children are made into nodes */
    bool in_error;
} Above;

struct AkGrammar {
    TSParser *ts;
    TSTreeCursor cursor;
    bool has_cursor;
    TSFieldId operator_field;
    Above *above;
    uint32_t depth, cap;
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

static bool learn(AkGrammar *g, const TSLanguage *language)
{
    uint32_t count = ts_language_symbol_count(language);
    if (count > SYMBOLS)
        return false;
    for (uint32_t i = 0; i < count; i++) {
        TSSymbol symbol = (TSSymbol)i;
        const char *text = ts_language_symbol_name(language, symbol);
        if (ts_language_symbol_type(language, symbol) == TSSymbolTypeAnonymous)
            g->kinds[i] = (uint8_t)kind_of_token(text, &g->ops[i]);
        else
            g->kinds[i] = (uint8_t)kind_of_name(text);
        g->comments[i] = strcmp(text, "comment") == 0;
    }
    g->operator_field = ts_language_field_id_for_name(language, "operator", 8);
    return true;
}

AkGrammar *ak__grammar_new(void)
{
    AkGrammar *g = calloc(1, sizeof *g);
    if (!g)
        return NULL;
    const TSLanguage *language = tree_sitter_python();
    g->ts = ts_parser_new();
    if (!g->ts || !learn(g, language) || !ts_parser_set_language(g->ts, language)) {
        ak__grammar_free(g);
        return NULL;
    }
    return g;
}

void ak__grammar_free(AkGrammar *g)
{
    if (!g)
        return;
    if (g->has_cursor)
        ts_tree_cursor_delete(&g->cursor);
    if (g->ts)
        ts_parser_delete(g->ts);
    free(g->above);
    free(g);
}

/* ---- From its tree to ours ---- */

static bool go_below(AkGrammar *g, Above above)
{
    if (g->depth == g->cap) {
        uint32_t cap = g->cap ? g->cap * 2 : 256;
        Above *wider = realloc(g->above, (size_t)cap * sizeof *wider);
        if (!wider)
            return false;
        g->above = wider;
        g->cap = cap;
    }
    g->above[g->depth++] = above;
    return true;
}

/* Errors have a symbol outside of the table. */
static AkNodeKind kind_of(const AkGrammar *g, TSNode node)
{
    TSSymbol symbol = ts_node_symbol(node);
    return symbol < SYMBOLS ? (AkNodeKind)g->kinds[symbol] : AK_N_ERROR;
}

/* The outermost errors are noted, not those inside of them. */
static bool note_error(AkTree *tree, TSNode node, bool *in_error)
{
    bool missing = ts_node_is_missing(node);
    if (*in_error || !(missing || ts_node_is_error(node)))
        return true;
    *in_error = true;
    return ak__tree_error(
        tree, (AkSyntaxError){ts_node_start_byte(node), ts_node_end_byte(node), missing});
}

/* The node that the cursor stands on, below the latest of those above; 0 for what says nothing. */
static bool make(AkGrammar *g, AkTree *tree, TSNode node, uint32_t *made)
{
    Above *above = &g->above[g->depth - 1];
    AkNodeKind kind = kind_of(g, node);
    uint32_t start = ts_node_start_byte(node), end = ts_node_end_byte(node);
    TSSymbol symbol = ts_node_symbol(node);
    *made = 0;
    if (symbol < SYMBOLS && g->comments[symbol])
        return ak__tree_comment(tree, start, end);
    if (!above->shown || kind == AK_N_SKIP)
        return true;
    if (tree->node_len == tree->node_cap && !ak__tree_room(tree, tree->node_len))
        return false;
    AkTreeNode *fresh = &tree->nodes[tree->node_len], *around = &tree->nodes[above->node];
    *fresh = (AkTreeNode){.kind = (uint8_t)kind, .start = start, .end = end};
    if (start == end && kind >= AK_N_NODES && ts_node_is_missing(node))
        fresh->kind = AK_N_MISSING;
    if (kind == AK_N_OP)
        fresh->op = g->ops[symbol];
    if (kind == AK_N_OP && around->op == AK_OP_NONE &&
        ts_tree_cursor_current_field_id(&g->cursor) == g->operator_field)
        around->op = fresh->op;
    around->comma |= kind == AK_N_COMMA;
    ak__tree_add(tree, &above->kids, tree->node_len);
    *made = tree->node_len++;
    return true;
}

/* To the next node that is not below this one; false behind the last. */
static bool go_on(AkGrammar *g, AkTree *tree)
{
    while (!ts_tree_cursor_goto_next_sibling(&g->cursor)) {
        const Above *done = &g->above[g->depth - 1];
        if (g->depth == 1)
            return false;
        if (done->node)
            tree->nodes[done->node].first = done->kids.first;
        g->depth--;
        ts_tree_cursor_goto_parent(&g->cursor);
    }
    return true;
}

static bool copy(AkGrammar *g, AkTree *tree, TSNode root, AkTreeKids *kids)
{
    bool in_error = false, more;
    uint32_t made;
    g->depth = 0;
    if (!note_error(tree, root, &in_error) ||
        !go_below(g, (Above){.kids = *kids, .shown = true, .in_error = in_error}))
        return false;
    for (more = ts_tree_cursor_goto_first_child(&g->cursor); more;) {
        TSNode node = ts_tree_cursor_current_node(&g->cursor);
        in_error = g->above[g->depth - 1].in_error;
        if (!note_error(tree, node, &in_error) || !make(g, tree, node, &made))
            return false;
        if (!ts_tree_cursor_goto_first_child(&g->cursor))
            more = go_on(g, tree);
        else if (!go_below(g, (Above){.node = made, .shown = made != 0, .in_error = in_error}))
            return false;
    }
    *kids = g->above[0].kids;
    return true;
}

bool ak__grammar_read(AkGrammar *g, AkTree *tree, const char *text, uint32_t start,
                      uint32_t end, AkTreeKids *kids)
{
    TSRange range = {{0, start}, {0, end}, start, end};
    uint32_t errors = tree->error_len, last = kids->last;
    ts_parser_set_included_ranges(g->ts, &range, 1);
    TSTree *read = ts_parser_parse_string(g->ts, NULL, text, end);
    if (!read)
        return false;
    TSNode root = ts_tree_root_node(read);
    if (g->has_cursor)
        ts_tree_cursor_reset(&g->cursor, root);
    else
        g->cursor = ts_tree_cursor_new(root);
    g->has_cursor = true;
    tree->asked += end - start;
    bool done = copy(g, tree, root, kids);
    ts_tree_delete(read);
    if (!done || tree->error_len == errors)
        return done;
    for (uint32_t node = last ? tree->nodes[last].next : kids->first; node;
         node = tree->nodes[node].next)
        tree->nodes[node].broken = true;
    return true;
}
