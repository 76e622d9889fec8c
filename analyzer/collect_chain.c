/* collect_chain.c: what nests to the left without end: `a.b(c).d[e] + f`. */
#include "collect.h"

static bool is_link(AkNodeKind kind)
{
    return kind >= AK_N_ATTRIBUTE && kind <= AK_N_BINARY_OPERATOR;
}

/* The name is the node's last token: where nothing is broken, no need to go there. */
void ak__attribute_name(AkWalk *w, AkExprId id)
{
    if (!w->broken) {
        uint32_t end = w->exprs[id].end - w->shift, start = end;
        while (ak__is_word(w->text[start - 1]))
            start--;
        w->exprs[id].name = ak__intern(w, w->text + start, end - start);
        ak__node_up(w->parser, w->level);
        return;
    }
    if (!ak__next(w, AK_N_NODES, id))
        return;
    if (ak__kind(w) == AK_N_IDENTIFIER)
        w->exprs[id].name = ak__intern_node(w);
    ak__rest(w, id);
}

static void binary(AkWalk *w, AkExprId id)
{
    while (ak__next(w, AK_N_TOKENS, id)) {
        const AkNode *node = ak__at(w);
        if (node->kind == AK_N_OP)
            w->exprs[id].op = (uint8_t)node->op;
        else
            ak__push(w, ak__expr(w, id));
    }
}

static void arguments(AkWalk *w, AkExprId id)
{
    bool quotes = w->quotes;
    w->quotes = false;
    while (ak__next(w, AK_N_NODES, id)) {
        if (ak__kind(w) == AK_N_ARGUMENT_LIST)
            ak__push_items(w, id);
        else
            ak__push(w, ak__expr(w, id));
    }
    w->quotes = quotes;
}

/* The items of a subscript, from where the cursor stands; gives the end of the last one or its
 * comma. Inside an annotation strings are annotations too, but for `Literal["a"]` and what
 * follows the type of `Annotated[T, "a"]`. */
static uint32_t items_until_end(AkWalk *w, AkExprId object, AkExprId parent)
{
    bool quotes = w->quotes, annotated = false;
    uint32_t end;
    if (quotes) {
        AkName name = w->exprs[object].name;
        annotated = ak__name_is(w, name, "Annotated");
        w->quotes = !ak__name_is(w, name, "Literal");
    }
    do {
        end = ak__at(w)->end;
        if (ak__kind(w) < AK_N_NODES)
            continue;
        ak__push(w, ak__expr(w, parent));
        w->quotes = w->quotes && !annotated;
    } while (ak__next(w, AK_N_COMMA, parent));
    w->quotes = quotes;
    return end;
}

/* From the first item on. `x[*a]` is a tuple, as `x[a,]` is. */
void ak__index_items(AkWalk *w, AkExprId object, AkExprId parent, bool comma)
{
    if (!comma && w->text[ak__at(w)->start] != '*') {
        items_until_end(w, object, parent);
        return;
    }
    AkExprId id = ak__expr_here(w, AK_X_TUPLE, parent);
    uint32_t mark = w->pending_len;
    w->exprs[id].end = items_until_end(w, object, id) + w->shift;
    ak__finish_expr(w, id, mark);
    ak__push(w, id);
}

static void subscript(AkWalk *w, AkExprId id, AkExprId object, bool comma)
{
    if (ak__next(w, AK_N_NODES, id))
        ak__index_items(w, object, id, comma);
}

static AkExprKind link_kind(AkNodeKind kind)
{
    switch (kind) {
    case AK_N_ATTRIBUTE: return AK_X_ATTRIBUTE;
    case AK_N_CALL: return AK_X_CALL;
    case AK_N_SUBSCRIPT: return AK_X_SUBSCRIPT;
    default: return AK_X_BINARY;
    }
}

/* What follows the first child of a link; then the cursor is on the link. */
static void finish_link(AkWalk *w, AkExprId id, AkExprId left, bool comma)
{
    uint32_t mark = w->pending_len;
    ak__push(w, left);
    switch (w->exprs[id].kind) {
    case AK_X_ATTRIBUTE: ak__attribute_name(w, id); break;
    case AK_X_CALL: arguments(w, id); break;
    case AK_X_SUBSCRIPT: subscript(w, id, left, comma); break;
    default: binary(w, id);
    }
    ak__finish_expr(w, id, mark);
}

static uint32_t behind_star(const AkWalk *w, uint32_t at)
{
    at++;
    while (w->text[at] == ' ' || w->text[at] == '\t')
        at++;
    return at;
}

/* Down along the first children, one link a level, to what is no link and is read; 0 if there
 * is nothing but errors. */
static AkExprId descend(AkWalk *w, AkExprId parent, uint32_t start, bool star)
{
    AkOp above = AK_OP_NONE;
    for (AkNodeKind kind; is_link(kind = ak__kind(w));) {
        AkOp op =
            kind == AK_N_BINARY_OPERATOR ? ak__node_operator(w->parser, w->level) : AK_OP_NONE;
        if (op == AK_OP_AND_BITS && op != above && !w->broken && ak__bits_mixed(w))
            return ak__bits(w, parent, start, star);
        AkExprId id = ak__expr_here(w, link_kind(kind), parent);
        w->exprs[id].start = start + w->shift;
        bool comma = kind == AK_N_SUBSCRIPT && ak__has_comma(w);
        AK_ADD(w, spine, spine, AK_T_SPINE) = id << 1 | comma;
        parent = id;
        above = op;
        if (!ak__first(w, AK_N_NODES, id))
            return 0;
    }
    return star && ak__kind(w) == AK_N_LIST_SPLAT ? ak__inner(w, parent) : ak__expr(w, parent);
}

AkExprId ak__links(AkWalk *w, AkExprId parent, uint32_t start, bool star)
{
    uint32_t bottom = w->spine_len;
    AkExprId left = descend(w, parent, start, star);
    if (!left) {
        /* The last link holds nothing: it was left again. */
        left = w->spine[--w->spine_len] >> 1;
        w->exprs[left].kind = AK_X_ERROR;
    }
    while (w->spine_len > bottom) {
        uint32_t link = w->spine[--w->spine_len];
        finish_link(w, link >> 1, left, link & 1);
        left = link >> 1;
    }
    return left;
}

/* The grammar binds a star closer than what follows: `*a.b()` is the call of `*a.b` for it, in
 * Python it is a star before a call. So the star goes first, and the links begin behind it. */
AkExprId ak__chain(AkWalk *w, AkExprId parent)
{
    uint32_t start = ak__at(w)->start, mark = w->pending_len;
    if (w->text[start] != '*')
        return ak__links(w, parent, start, false);
    AkExprId star = ak__expr_here(w, AK_X_STAR, parent);
    ak__push(w, ak__links(w, star, behind_star(w, start), true));
    ak__finish_expr(w, star, mark);
    return star;
}
