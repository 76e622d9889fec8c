/* quick.c: the tree's nodes, and the whole. See quick.h. */
#include "quick.h"

#include <stdlib.h>
#include <string.h>

/* ---- The tree's memory ---- */

/* A token makes three nodes at most (`-x` a sign, an operator and the name; `x: T` a parameter,
 * a type and a name), and a statement three more: the room is taken before the first one. */
static bool make_room(AkQuickTree *tree, uint32_t len)
{
    uint32_t want = len > UINT32_MAX / 4 ? 0 : 2 * len + 16;
    if (want <= tree->node_cap)
        return want != 0;
    AkQuickNode *wider = realloc(tree->nodes, (size_t)want * sizeof *wider);
    if (!wider)
        return false;
    tree->nodes = wider;
    tree->node_cap = want;
    return true;
}

void ak__quick_comment(AkQuick *q, uint32_t start, uint32_t end)
{
    AkQuickTree *tree = q->tree;
    if (tree->comment_len == tree->comment_cap) {
        uint32_t cap = tree->comment_cap ? tree->comment_cap * 2 : 64;
        AkQuickSpan *wider = realloc(tree->comments, (size_t)cap * sizeof *wider);
        if (!wider) {
            ak__quick_refuse(q);
            return;
        }
        tree->comments = wider;
        tree->comment_cap = cap;
    }
    tree->comments[tree->comment_len++] = (AkQuickSpan){start, end};
}

void ak__quick_free(AkQuickTree *tree)
{
    free(tree->nodes);
    free(tree->comments);
    *tree = (AkQuickTree){0};
}

/* ---- Nodes ---- */

uint32_t ak__quick_node(AkQuick *q, AkNodeKind kind, uint32_t start, uint32_t end,
                        AkQuickKids kids)
{
    AkQuickTree *tree = q->tree;
    if (tree->node_len == tree->node_cap || q->refused)
        return ak__quick_refuse(q);
    tree->nodes[tree->node_len] =
        (AkQuickNode){.kind = (uint8_t)kind, .start = start, .end = end, .first = kids.first};
    return tree->node_len++;
}

void ak__quick_add(AkQuick *q, AkQuickKids *kids, uint32_t node)
{
    if (!node)
        return;
    if (kids->last)
        q->tree->nodes[kids->last].next = node;
    else
        kids->first = node;
    kids->last = node;
}

void ak__quick_take(AkQuick *q, AkToken token)
{
    if (q->token == token)
        ak__quick_next(q);
    else
        ak__quick_refuse(q);
}

static AkQuickNode *at(const AkQuick *q, uint32_t node)
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
uint32_t ak__quick_over(AkQuick *q, AkNodeKind kind, AkQuickKids kids)
{
    return ak__quick_node(q, kind, start_of(q, kids.first), q->last_end, kids);
}

/* The token, which is a whole node. */
uint32_t ak__quick_leaf(AkQuick *q, AkNodeKind kind)
{
    uint32_t node = ak__quick_node(q, kind, q->start, q->end, (AkQuickKids){0});
    ak__quick_next(q);
    return node;
}

/* The token before an only child. */
uint32_t ak__quick_prefixed(AkQuick *q, AkNodeKind kind, uint32_t (*child)(AkQuick *))
{
    uint32_t start = q->start;
    AkQuickKids kids = {0};
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

/* ---- The whole ---- */

bool ak__quick_parse(AkQuickTree *tree, const char *text, uint32_t len)
{
    AkQuick q = {.tree = tree, .text = text, .len = len};
    AkQuickKids kids = {0};
    if (!make_room(tree, len))
        return false;
    memset(tree->nodes, 0, 2 * sizeof *tree->nodes);
    tree->node_len = 2;
    tree->comment_len = 0;
    ak__quick_line(&q);
    ak__quick_lines(&q, 0, &kids);
    tree->nodes[1] = (AkQuickNode){.kind = AK_N_MODULE, .end = len, .first = kids.first};
    return !q.refused;
}
