/* collect_expr.c: from expression nodes to AkExpr.
 *
 * The recursion goes as deep as brackets and right operands nest, and no deeper than AK_DEEPEST:
 * CPython itself gives up at 200 brackets. What nests to the left without end, `a.b(c).d + e +
 * f`, is walked by ak__chain() with a stack of its own.
 */
#include "collect.h"

#include <string.h>

static AkExprId deep_expr(AkWalk *w, AkExprId parent);

/* ---- Parts ---- */

AkExprId ak__new_expr(AkWalk *w, AkExprKind kind, AkExprId parent, uint32_t start, uint32_t end)
{
    AkExprId id = w->expr_len;
    AK_ADD(w, exprs, expr, AK_T_EXPRS) = (AkExpr){.kind = (uint8_t)kind,
                                                  .flags = w->flags,
                                                  .start = start + w->shift,
                                                  .end = end + w->shift,
                                                  .scope = w->scope,
                                                  .stmt = w->stmt,
                                                  .parent = parent};
    return id;
}

AkExprId ak__expr_here(AkWalk *w, AkExprKind kind, AkExprId parent)
{
    const AkNode *node = ak__at(w);
    return ak__new_expr(w, kind, parent, node->start, node->end);
}

AkKids ak__kids(AkWalk *w, uint32_t mark)
{
    AkKids kids = {w->kid_len, w->pending_len - mark};
    if (!kids.count)
        return (AkKids){0};
    for (uint32_t i = mark; i < w->pending_len; i++)
        AK_ADD(w, kids, kid, AK_T_KIDS) = w->pending[i];
    w->pending_len = mark;
    return kids;
}

void ak__finish_expr(AkWalk *w, AkExprId id, uint32_t mark)
{
    w->exprs[id].kids = ak__kids(w, mark);
}

void ak__report(AkWalk *w, uint32_t start, uint32_t end)
{
    AK_ADD(w, errors, error, AK_T_ERRORS) =
        (AkSyntaxError){start + w->shift, end + w->shift, false};
}

/* ---- Errors ---- */

void ak__gather(AkWalk *w, AkExprId parent)
{
    if (w->depth >= AK_DEEPEST)
        return;
    w->depth++;
    for (bool more = ak__node_down(w->parser, w->level, AK_N_NODES); more;
         more = ak__node_next(w->parser, w->level, AK_N_NODES)) {
        AkNodeKind kind = ak__kind(w);
        if (ak__is_statement(kind))
            ak__stmt(w);
        else if (ak__is_expression(kind))
            ak__push(w, ak__expr(w, parent));
        else
            ak__gather(w, parent);
    }
    w->depth--;
}

AkExprId ak__error_expr(AkWalk *w, AkExprId parent)
{
    AkExprId id = ak__expr_here(w, AK_X_ERROR, parent);
    uint32_t mark = w->pending_len;
    ak__gather(w, id);
    ak__finish_expr(w, id, mark);
    return id;
}

static bool past_errors(AkWalk *w, AkNodeKind least, AkExprId parent)
{
    while (ak__kind(w) == AK_N_ERROR) {
        ak__error_expr(w, parent);
        if (!ak__node_next(w->parser, w->level, least))
            return false;
    }
    return true;
}

bool ak__first(AkWalk *w, AkNodeKind least, AkExprId parent)
{
    return ak__node_down(w->parser, w->level, least) && past_errors(w, least, parent);
}

bool ak__next(AkWalk *w, AkNodeKind least, AkExprId parent)
{
    return ak__node_next(w->parser, w->level, least) && past_errors(w, least, parent);
}

void ak__rest(AkWalk *w, AkExprId parent)
{
    if (!w->broken)
        ak__node_up(w->parser, w->level);
    else
        while (ak__node_next(w->parser, w->level, AK_N_NODES))
            ak__error_expr(w, parent);
}

/* ---- Lists ---- */

/* All children as kids; those that are errors too. */
void ak__push_items(AkWalk *w, AkExprId id)
{
    for (bool more = ak__node_down(w->parser, w->level, AK_N_NODES); more;
         more = ak__node_next(w->parser, w->level, AK_N_NODES))
        ak__push(w, ak__expr(w, id));
}

AkExprId ak__list_of(AkWalk *w, AkExprKind kind, AkExprId parent)
{
    AkExprId id = ak__expr_here(w, kind, parent);
    uint32_t mark = w->pending_len;
    ak__push_items(w, id);
    ak__finish_expr(w, id, mark);
    return id;
}

/* The only expression below a node, which takes its place. */
AkExprId ak__inner(AkWalk *w, AkExprId parent)
{
    if (!ak__first(w, AK_N_NODES, parent))
        return ak__expr_here(w, AK_X_ERROR, parent);
    AkExprId id = ak__expr(w, parent);
    ak__rest(w, parent);
    return id;
}

AkExprId ak__one_or_tuple(AkWalk *w, AkExprId parent)
{
    return ak__has_comma(w) ? ak__list_of(w, AK_X_TUPLE, parent) : ak__inner(w, parent);
}

static AkExprId parenthesized(AkWalk *w, AkExprId parent)
{
    AkExprId id = ak__inner(w, parent);
    w->exprs[id].flags |= AK_XF_PARENTHESES;
    return id;
}

static AkExprId tuple(AkWalk *w, AkExprId parent)
{
    AkExprId id = ak__list_of(w, AK_X_TUPLE, parent);
    w->exprs[id].flags |= AK_XF_PARENTHESES;
    return id;
}

/* As a target, `(a)` is a tuple for the grammar. */
static AkExprId tuple_pattern(AkWalk *w, AkExprId parent)
{
    if (ak__has_comma(w) || !ak__node_down(w->parser, w->level, AK_N_NODES))
        return tuple(w, parent);
    AkExprId id = ak__expr(w, parent);
    w->exprs[id].flags |= AK_XF_PARENTHESES;
    ak__rest(w, parent);
    return id;
}

/* A node with one expression. */
AkExprId ak__unary(AkWalk *w, AkExprKind kind, AkExprId parent)
{
    AkExprId id = ak__expr_here(w, kind, parent);
    uint32_t mark = w->pending_len;
    ak__push(w, ak__inner(w, id));
    ak__finish_expr(w, id, mark);
    return id;
}

static AkExprId keyword(AkWalk *w, AkExprId parent)
{
    AkExprId id = ak__expr_here(w, AK_X_KEYWORD, parent);
    uint32_t mark = w->pending_len;
    if (ak__first(w, AK_N_NODES, id)) {
        w->exprs[id].name = ak__intern_node(w);
        if (ak__next(w, AK_N_NODES, id)) {
            ak__push(w, ak__expr(w, id));
            ak__rest(w, id);
        }
    }
    ak__finish_expr(w, id, mark);
    return id;
}

void ak__push_pair(AkWalk *w, AkExprId id)
{
    uint32_t mark = w->pending_len;
    if (ak__first(w, AK_N_NODES, id)) {
        ak__push(w, ak__expr(w, id));
        if (ak__next(w, AK_N_NODES, id)) {
            ak__push(w, ak__expr(w, id));
            ak__rest(w, id);
        }
    }
    /* Two for an entry, also where one is missing. */
    while (w->pending_len < mark + 2)
        ak__push(w, ak__expr_here(w, AK_X_ERROR, id));
}

static AkExprId dictionary(AkWalk *w, AkExprId parent)
{
    AkExprId id = ak__expr_here(w, AK_X_DICT, parent);
    uint32_t mark = w->pending_len;
    for (bool more = ak__first(w, AK_N_NODES, id); more; more = ak__next(w, AK_N_NODES, id)) {
        if (ak__kind(w) == AK_N_PAIR) {
            ak__push_pair(w, id);
        } else {
            ak__push(w, 0);
            ak__push(w, ak__expr(w, id));
        }
    }
    ak__finish_expr(w, id, mark);
    return id;
}

/* ---- Operators ---- */

static AkExprId sign(AkWalk *w, AkExprId parent)
{
    AkExprId id = ak__expr_here(w, AK_X_UNARY, parent);
    uint32_t mark = w->pending_len;
    for (bool more = ak__first(w, AK_N_TOKENS, id); more; more = ak__next(w, AK_N_TOKENS, id)) {
        const AkNode *node = ak__at(w);
        if (node->kind != AK_N_OP)
            ak__push(w, ak__expr(w, id));
        else
            w->exprs[id].op = (uint8_t)(node->op == AK_OP_SUB   ? AK_OP_NEGATE
                                        : node->op == AK_OP_ADD ? AK_OP_PLUS
                                                                : AK_OP_INVERT);
    }
    ak__finish_expr(w, id, mark);
    return id;
}

static AkExprId negation(AkWalk *w, AkExprId parent)
{
    AkExprId id = ak__unary(w, AK_X_UNARY, parent);
    w->exprs[id].op = AK_OP_NOT;
    return id;
}

/* `a and b and c` nests to the left and is one expression, as in Python. */
static AkExprId boolean(AkWalk *w, AkExprId parent)
{
    AkOp op = ak__node_operator(w->parser, w->level);
    AkExprId id = ak__expr_here(w, AK_X_BOOL, parent);
    w->exprs[id].op = (uint8_t)op;
    uint32_t mark = w->pending_len, nested = 0;
    bool inside = ak__first(w, AK_N_NODES, id);
    while (inside) {
        nested++;
        if (ak__kind(w) != AK_N_BOOLEAN_OPERATOR ||
            ak__node_operator(w->parser, w->level) != op)
            break;
        inside = ak__first(w, AK_N_NODES, id);
    }
    ak__push(w, inside ? ak__expr(w, id) : ak__expr_here(w, AK_X_ERROR, id));
    for (; nested; nested--)
        while (ak__next(w, AK_N_NODES, id))
            ak__push(w, ak__expr(w, id));
    ak__finish_expr(w, id, mark);
    return id;
}

static AkExprId comparison(AkWalk *w, AkExprId parent)
{
    AkExprId id = ak__expr_here(w, AK_X_COMPARE, parent);
    uint32_t mark = w->pending_len;
    for (bool more = ak__first(w, AK_N_TOKENS, id); more; more = ak__next(w, AK_N_TOKENS, id)) {
        const AkNode *node = ak__at(w);
        AkExpr *expr = &w->exprs[id];
        if (node->kind != AK_N_OP)
            ak__push(w, ak__expr(w, id));
        else if (!expr->op)
            expr->op = (uint8_t)node->op;
        else if (expr->op != node->op)
            expr->flags |= AK_XF_MIXED;
    }
    ak__finish_expr(w, id, mark);
    return id;
}

/* `x := a if b else c` is `(x := a) if b else c` for the grammar, and for Python one value that
 * is given a name. The cursor is on what the grammar calls the named one. */
static AkExprId named_conditional(AkWalk *w, AkNode whole, AkExprId parent)
{
    AkExprId id = ak__new_expr(w, AK_X_NAMED, parent, whole.start, whole.end);
    uint32_t mark = w->pending_len;
    ak__node_down(w->parser, w->level, AK_N_NODES);
    AkExprId target = ak__expr(w, id);
    ak__push(w, target);
    ak__node_next(w->parser, w->level, AK_N_NODES);
    AkExprId value = ak__new_expr(w, AK_X_CONDITIONAL, id, ak__at(w)->start, whole.end);
    uint32_t inside = w->pending_len;
    ak__push(w, ak__expr(w, value));
    ak__node_up(w->parser, w->level);
    while (ak__node_next(w->parser, w->level, AK_N_NODES))
        ak__push(w, ak__expr(w, value));
    ak__finish_expr(w, value, inside);
    ak__push(w, value);
    ak__bind_named(w, target, value);
    ak__finish_expr(w, id, mark);
    return id;
}

static AkExprId conditional(AkWalk *w, AkExprId parent)
{
    const AkNode whole = *ak__at(w);
    if (!w->broken && ak__node_down(w->parser, w->level, AK_N_NODES)) {
        if (ak__kind(w) == AK_N_NAMED_EXPRESSION)
            return named_conditional(w, whole, parent);
        ak__node_back(w->parser, w->level);
    }
    return ak__list_of(w, AK_X_CONDITIONAL, parent);
}

/* ---- Names and numbers ---- */

static AkExprId name_expr(AkWalk *w, AkExprId parent)
{
    AkName name = ak__intern_node(w);
    AkExprId id = ak__expr_here(w, AK_X_NAME, parent);
    w->exprs[id].name = name;
    return id;
}

/* The grammar takes `1j` for an integer. */
static AkExprId numeral(AkWalk *w, AkExprId parent)
{
    const AkNode *node = ak__at(w);
    bool real = node->kind == AK_N_INTEGER && (w->text[node->end - 1] | 0x20) != 'j';
    AkName name = ak__intern_node(w);
    AkExprId id = ak__expr_here(w, real ? AK_X_INT : AK_X_FLOAT, parent);
    w->exprs[id].name = name;
    return id;
}

AkExprId ak__dotted(AkWalk *w, AkExprId parent, uint32_t start, uint32_t end)
{
    AkExprId top = 0;
    while (end > start) {
        uint32_t at = end;
        while (at > start && ak__is_word(w->text[at - 1]))
            at--;
        uint32_t before = at;
        while (before > start && !ak__is_word(w->text[before - 1]))
            before--;
        bool first = before == start;
        AkName name = ak__intern(w, w->text + at, end - at);
        AkExprId id = ak__new_expr(w, first ? AK_X_NAME : AK_X_ATTRIBUTE, parent, start, end);
        w->exprs[id].name = name;
        if (top) {
            uint32_t mark = w->pending_len;
            ak__push(w, id);
            ak__finish_expr(w, parent, mark);
        } else {
            top = id;
        }
        parent = id;
        end = before;
    }
    return top;
}

/* ---- All of them ---- */

static AkExprId leaf(AkWalk *w, AkExprKind kind, AkExprId parent)
{
    return ak__expr_here(w, kind, parent);
}

AkExprId ak__expr(AkWalk *w, AkExprId parent)
{
    switch (ak__kind(w)) {
    case AK_N_IDENTIFIER: return name_expr(w, parent);
    case AK_N_STRING: return ak__string(w, parent);
    case AK_N_INTEGER:
    case AK_N_FLOAT: return numeral(w, parent);
    case AK_N_TRUE: return leaf(w, AK_X_TRUE, parent);
    case AK_N_FALSE: return leaf(w, AK_X_FALSE, parent);
    case AK_N_NONE: return leaf(w, AK_X_NONE_LITERAL, parent);
    case AK_N_ELLIPSIS: return leaf(w, AK_X_ELLIPSIS, parent);
    case AK_N_MISSING: return leaf(w, AK_X_ERROR, parent);
    default: break;
    }
    if (w->depth >= AK_DEEPEST) {
        ak__report(w, ak__at(w)->start, ak__at(w)->end);
        return leaf(w, AK_X_ERROR, parent);
    }
    w->depth++;
    AkExprId id = deep_expr(w, parent);
    w->depth--;
    return id;
}

static AkExprId deep_expr(AkWalk *w, AkExprId parent)
{
    switch (ak__kind(w)) {
    case AK_N_ATTRIBUTE:
    case AK_N_CALL:
    case AK_N_SUBSCRIPT:
    case AK_N_BINARY_OPERATOR: return ak__chain(w, parent);
    case AK_N_CONCATENATED_STRING: return ak__strings(w, parent);
    case AK_N_KEYWORD_ARGUMENT: return keyword(w, parent);
    case AK_N_LIST_SPLAT:
    case AK_N_SPLAT_TYPE:
    case AK_N_LIST_SPLAT_PATTERN: return ak__unary(w, AK_X_STAR, parent);
    case AK_N_DICTIONARY_SPLAT: return ak__unary(w, AK_X_DOUBLE_STAR, parent);
    case AK_N_SLICE:
    case AK_N_CONSTRAINED_TYPE: return ak__list_of(w, AK_X_SLICE, parent);
    case AK_N_LIST:
    case AK_N_LIST_PATTERN: return ak__list_of(w, AK_X_LIST, parent);
    case AK_N_EXPRESSION_LIST:
    case AK_N_PATTERN_LIST: return ak__list_of(w, AK_X_TUPLE, parent);
    case AK_N_TUPLE: return tuple(w, parent);
    case AK_N_TUPLE_PATTERN: return tuple_pattern(w, parent);
    case AK_N_SET: return ak__list_of(w, AK_X_SET, parent);
    case AK_N_DICTIONARY: return dictionary(w, parent);
    case AK_N_LIST_COMPREHENSION: return ak__comprehension(w, AK_X_LIST_COMP, parent);
    case AK_N_SET_COMPREHENSION: return ak__comprehension(w, AK_X_SET_COMP, parent);
    case AK_N_DICTIONARY_COMPREHENSION: return ak__comprehension(w, AK_X_DICT_COMP, parent);
    case AK_N_GENERATOR_EXPRESSION: return ak__comprehension(w, AK_X_GENERATOR, parent);
    case AK_N_LAMBDA: return ak__lambda(w, parent);
    case AK_N_AWAIT: return ak__await(w, parent);
    case AK_N_YIELD: return ak__yield(w, parent);
    case AK_N_UNARY_OPERATOR: return sign(w, parent);
    case AK_N_NOT_OPERATOR: return negation(w, parent);
    case AK_N_BOOLEAN_OPERATOR: return boolean(w, parent);
    case AK_N_COMPARISON_OPERATOR: return comparison(w, parent);
    case AK_N_CONDITIONAL_EXPRESSION: return conditional(w, parent);
    case AK_N_NAMED_EXPRESSION: return ak__named(w, parent);
    case AK_N_PARENTHESIZED_EXPRESSION:
    case AK_N_PARENTHESIZED_LIST_SPLAT: return parenthesized(w, parent);
    case AK_N_TYPE:
    case AK_N_AS_PATTERN_TARGET: return ak__inner(w, parent);
    case AK_N_GENERIC_TYPE: return ak__generic_type(w, parent);
    case AK_N_UNION_TYPE: return ak__union_type(w, parent);
    case AK_N_MEMBER_TYPE: return ak__member_type(w, parent);
    default: return ak__error_expr(w, parent);
    }
}
