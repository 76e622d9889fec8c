/* quick.c: nodes, the whole, and whom to ask about what is not known. See quick.h. */
#include "quick.h"

#include "blocks.h"
#include "blocks_text.h"

void ak__quick_comment(AkQuick *q, uint32_t start, uint32_t end)
{
    if (!ak__tree_comment(q->tree, start, end))
        ak__quick_refuse(q);
}

uint32_t ak__quick_node(AkQuick *q, AkNodeKind kind, uint32_t start, uint32_t end,
                        AkTreeKids kids)
{
    AkTree *tree = q->tree;
    if (tree->node_len == tree->node_cap || q->refused)
        return ak__quick_refuse(q);
    tree->nodes[tree->node_len] =
        (AkTreeNode){.kind = (uint8_t)kind, .start = start, .end = end, .first = kids.first};
    return tree->node_len++;
}

void ak__quick_add(AkQuick *q, AkTreeKids *kids, uint32_t node)
{
    ak__tree_add(q->tree, kids, node);
}

void ak__quick_take(AkQuick *q, AkToken token)
{
    if (q->token == token)
        ak__quick_next(q);
    else
        ak__quick_refuse(q);
}

static AkTreeNode *at(const AkQuick *q, uint32_t node)
{
    return &q->tree->nodes[node];
}

static uint32_t start_of(const AkQuick *q, uint32_t node)
{
    return at(q, node)->start;
}

AkNodeKind ak__quick_kind(const AkQuick *q, uint32_t node)
{
    return (AkNodeKind)at(q, node)->kind;
}

/* A node over children that begins where the first of them does and ends behind the last token. */
uint32_t ak__quick_over(AkQuick *q, AkNodeKind kind, AkTreeKids kids)
{
    return ak__quick_node(q, kind, start_of(q, kids.first), q->last_end, kids);
}

/* The token, which is a whole node. */
uint32_t ak__quick_leaf(AkQuick *q, AkNodeKind kind)
{
    uint32_t node = ak__quick_node(q, kind, q->start, q->end, (AkTreeKids){0});
    ak__quick_next(q);
    return node;
}

/* The token before an only child. */
uint32_t ak__quick_prefixed(AkQuick *q, AkNodeKind kind, uint32_t (*child)(AkQuick *))
{
    uint32_t start = q->start;
    AkTreeKids kids = {0};
    ak__quick_next(q);
    ak__quick_add(q, &kids, child(q));
    return ak__quick_node(q, kind, start, q->last_end, kids);
}

bool ak__quick_is_target(const AkQuick *q, uint32_t node)
{
    switch (ak__quick_kind(q, node)) {
    case AK_N_IDENTIFIER:
    case AK_N_ATTRIBUTE:
    case AK_N_SUBSCRIPT: return true;
    case AK_N_LIST:
    case AK_N_TUPLE:
    case AK_N_EXPRESSION_LIST:
    case AK_N_LIST_SPLAT:
    case AK_N_PARENTHESIZED_EXPRESSION:
        for (uint32_t kid = at(q, node)->first; kid; kid = at(q, kid)->next)
            if (!ak__quick_is_target(q, kid))
                return false;
        return at(q, node)->first != 0;
    default: return false;
    }
}

/* ---- What it does not know ---- */

AkQuickMark ak__quick_mark(const AkQuick *q, const AkTreeKids *kids)
{
    const AkTree *tree = q->tree;
    return (AkQuickMark){*q, *kids, tree->node_len, tree->comment_len, tree->error_len};
}

static void go_back(AkQuick *q, const AkQuickMark *mark, AkTreeKids *kids)
{
    AkTree *tree = q->tree;
    *q = mark->q;
    *kids = mark->kids;
    tree->node_len = mark->nodes;
    tree->comment_len = mark->comments;
    tree->error_len = mark->errors;
    if (kids->last)
        tree->nodes[kids->last].next = 0;
}

/* A token makes three nodes at most (`-x` a sign, an operator and the name; `x: T` a parameter,
 * a type and a name), and a statement three more: the room is taken before the first one. */
static bool make_room(const AkQuick *q)
{
    uint32_t left = q->len - q->at;
    return left <= UINT32_MAX / 4 && ak__tree_room(q->tree, 2 * left + 16);
}

/* A text whose parts are read again and again is left to the grammar whole. */
static bool asks_too_much(const AkQuick *q)
{
    return q->tree->asked > 4 * (uint64_t)q->len;
}

void ak__quick_ask(AkQuick *q, const AkQuickMark *mark, AkTreeKids *kids)
{
    if (q->lost)
        return;
    go_back(q, mark, kids);
    uint32_t end = ak__statement_end(q->text, q->len, q->start - q->indent, q->patience);
    q->lost = end <= q->start || asks_too_much(q) ||
              !ak__grammar_read(q->grammar, q->tree, q->text, q->start, end, kids);
    q->at = end;
    q->brackets = 0; /* the statement may have begun with one */
    q->end = kids->last ? at(q, kids->last)->end : end;
    q->lost = q->lost || !make_room(q);
    ak__quick_line(q);
    q->lost = q->lost || q->refused;
    if (q->lost)
        ak__quick_refuse(q);
}

/* ---- The whole ---- */

bool ak__quick_parse(AkTree *tree, AkGrammar *grammar, const char *text, uint32_t len)
{
    uint32_t patience = AK_PATIENCE;
    AkQuick q = {
        .tree = tree, .grammar = grammar, .patience = &patience, .text = text, .len = len};
    AkTreeKids kids = {0};
    if (!ak__tree_start(tree) || !make_room(&q))
        return false;
    ak__quick_line(&q);
    ak__quick_lines(&q, 0, &kids);
    ak__tree_finish(tree, kids, len);
    return !q.refused;
}
