/* collect_type.c: annotations. What the grammar has other shapes for than for expressions
 * becomes the expression that it is. */
#include "collect.h"

AkExprId ak__annotation(AkWalk *w)
{
    uint16_t flags = w->flags;
    bool quotes = w->quotes;
    w->flags |= AK_XF_ANNOTATION;
    w->quotes = true;
    AkExprId id = ak__expr(w, 0);
    w->flags = flags;
    w->quotes = quotes;
    return id;
}

/* `List[int]`, for the grammar not an expression. */
AkExprId ak__generic_type(AkWalk *w, AkExprId parent)
{
    AkExprId id = ak__expr_here(w, AK_X_SUBSCRIPT, parent), object = 0;
    uint32_t mark = w->pending_len;
    for (bool more = ak__first(w, AK_N_NODES, id); more; more = ak__next(w, AK_N_NODES, id)) {
        if (ak__kind(w) != AK_N_TYPE_PARAMETER) {
            ak__push(w, object = ak__expr(w, id));
            continue;
        }
        bool comma = ak__has_comma(w);
        if (!ak__first(w, AK_N_NODES, id))
            continue;
        ak__index_items(w, object, id, comma);
    }
    ak__finish_expr(w, id, mark);
    return id;
}

AkExprId ak__member_type(AkWalk *w, AkExprId parent)
{
    AkExprId id = ak__expr_here(w, AK_X_ATTRIBUTE, parent);
    uint32_t mark = w->pending_len;
    if (ak__first(w, AK_N_NODES, id)) {
        ak__push(w, ak__expr(w, id));
        ak__attribute_name(w, id);
    }
    ak__finish_expr(w, id, mark);
    return id;
}

static AkExprId or_of_types(AkWalk *w, AkExprId parent)
{
    AkExprId id = ak__expr_here(w, AK_X_BINARY, parent);
    w->exprs[id].op = AK_OP_OR_BITS;
    return id;
}

/* On the right side of a union: down along `X | C | D` to X, one link a sign; each takes the
 * end of what it holds from the node. Gives how deep the cursor is. */
static uint32_t descend_union(AkWalk *w, AkExprId id, bool make)
{
    uint32_t levels = 0;
    while (ak__kind(w) == AK_N_TYPE ||
           (ak__kind(w) == AK_N_BINARY_OPERATOR &&
            ak__node_operator(w->parser, w->level) == AK_OP_OR_BITS)) {
        const AkNode node = *ak__at(w);
        if (make && node.kind == AK_N_BINARY_OPERATOR) {
            w->exprs[id].end = node.end + w->shift;
            uint32_t start = w->exprs[id].start;
            id = or_of_types(w, id);
            w->exprs[id].start = start;
            AK_ADD(w, spine, spine, AK_T_SPINE) = id;
        }
        ak__node_down(w->parser, w->level, AK_N_NODES);
        levels++;
    }
    if (make)
        w->exprs[id].end = ak__at(w)->end + w->shift;
    return levels;
}

static void finish_or(AkWalk *w, AkExprId id, AkExprId left, AkExprId right)
{
    uint32_t mark = w->pending_len;
    ak__push(w, left);
    ak__push(w, right);
    ak__finish_expr(w, id, mark);
}

/* `A[b] | C | D` is `A[b] | (C | D)` for the grammar; the signs go from left to right in
 * Python. So the links of the right side are made before the left one is read, around it. */
AkExprId ak__union_type(AkWalk *w, AkExprId parent)
{
    if (w->broken) {
        AkExprId id = ak__list_of(w, AK_X_BINARY, parent);
        w->exprs[id].op = AK_OP_OR_BITS;
        return id;
    }
    uint32_t bottom = w->spine_len;
    AkExprId id = or_of_types(w, parent);
    AK_ADD(w, spine, spine, AK_T_SPINE) = id;
    ak__node_down(w->parser, w->level, AK_N_NODES);
    ak__node_next(w->parser, w->level, AK_N_NODES);
    uint32_t levels = descend_union(w, id, true);
    for (uint32_t i = 0; i <= levels; i++)
        ak__node_up(w->parser, w->level);
    ak__node_down(w->parser, w->level, AK_N_NODES);
    id = w->spine[--w->spine_len];
    AkExprId left = ak__expr(w, id);
    ak__node_next(w->parser, w->level, AK_N_NODES);
    descend_union(w, id, false);
    AkExprId right = ak__expr(w, id);
    finish_or(w, id, left, right);
    for (; levels; levels--) {
        /* Out of a `type` there is nothing more to read. */
        if (!ak__node_next(w->parser, w->level, AK_N_NODES))
            continue;
        left = id;
        id = w->spine[--w->spine_len];
        right = ak__expr(w, id);
        finish_or(w, id, left, right);
        ak__node_up(w->parser, w->level);
    }
    ak__node_up(w->parser, w->level);
    w->spine_len = bottom;
    return id;
}
