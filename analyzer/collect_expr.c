/* collect_expr.c: from expression nodes to AkExpr.
 *
 * The recursion goes as deep as brackets and right operands nest, and no deeper than DEEPEST:
 * CPython itself gives up at 200 brackets. What nests to the left without end, `a.b(c).d + e +
 * f`, is walked by chain() with a stack of its own.
 */
#include "collect.h"

#include <string.h>

enum { DEEPEST = 1000 };

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

static AkExprId at_node(AkWalk *w, AkExprKind kind, AkExprId parent)
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

static void finish(AkWalk *w, AkExprId id, uint32_t mark)
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
    if (w->depth >= DEEPEST)
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

static AkExprId error_expr(AkWalk *w, AkExprId parent)
{
    AkExprId id = at_node(w, AK_X_ERROR, parent);
    uint32_t mark = w->pending_len;
    ak__gather(w, id);
    finish(w, id, mark);
    return id;
}

static bool past_errors(AkWalk *w, AkNodeKind least, AkExprId parent)
{
    while (ak__kind(w) == AK_N_ERROR) {
        error_expr(w, parent);
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
            error_expr(w, parent);
}

/* ---- Lists ---- */

/* All children as kids; those that are errors too. */
void ak__push_items(AkWalk *w, AkExprId id)
{
    for (bool more = ak__node_down(w->parser, w->level, AK_N_NODES); more;
         more = ak__node_next(w->parser, w->level, AK_N_NODES))
        ak__push(w, ak__expr(w, id));
}

static AkExprId list_of(AkWalk *w, AkExprKind kind, AkExprId parent)
{
    AkExprId id = at_node(w, kind, parent);
    uint32_t mark = w->pending_len;
    ak__push_items(w, id);
    finish(w, id, mark);
    return id;
}

/* The only expression below a node, which takes its place. */
AkExprId ak__inner(AkWalk *w, AkExprId parent)
{
    if (!ak__first(w, AK_N_NODES, parent))
        return at_node(w, AK_X_ERROR, parent);
    AkExprId id = ak__expr(w, parent);
    ak__rest(w, parent);
    return id;
}

AkExprId ak__one_or_tuple(AkWalk *w, AkExprId parent)
{
    return ak__has_comma(w) ? list_of(w, AK_X_TUPLE, parent) : ak__inner(w, parent);
}

static AkExprId parenthesized(AkWalk *w, AkExprId parent)
{
    AkExprId id = ak__inner(w, parent);
    w->exprs[id].flags |= AK_XF_PARENTHESES;
    return id;
}

static AkExprId tuple(AkWalk *w, AkExprId parent)
{
    AkExprId id = list_of(w, AK_X_TUPLE, parent);
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
static AkExprId unary(AkWalk *w, AkExprKind kind, AkExprId parent)
{
    AkExprId id = at_node(w, kind, parent);
    uint32_t mark = w->pending_len;
    ak__push(w, ak__inner(w, id));
    finish(w, id, mark);
    return id;
}

static AkExprId keyword(AkWalk *w, AkExprId parent)
{
    AkExprId id = at_node(w, AK_X_KEYWORD, parent);
    uint32_t mark = w->pending_len;
    if (ak__first(w, AK_N_NODES, id)) {
        w->exprs[id].name = ak__intern_node(w);
        if (ak__next(w, AK_N_NODES, id)) {
            ak__push(w, ak__expr(w, id));
            ak__rest(w, id);
        }
    }
    finish(w, id, mark);
    return id;
}

static void push_pair(AkWalk *w, AkExprId id)
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
        ak__push(w, at_node(w, AK_X_ERROR, id));
}

static AkExprId dictionary(AkWalk *w, AkExprId parent)
{
    AkExprId id = at_node(w, AK_X_DICT, parent);
    uint32_t mark = w->pending_len;
    for (bool more = ak__first(w, AK_N_NODES, id); more; more = ak__next(w, AK_N_NODES, id)) {
        if (ak__kind(w) == AK_N_PAIR) {
            push_pair(w, id);
        } else {
            ak__push(w, 0);
            ak__push(w, ak__expr(w, id));
        }
    }
    finish(w, id, mark);
    return id;
}

/* ---- Operators ---- */

static AkExprId sign(AkWalk *w, AkExprId parent)
{
    AkExprId id = at_node(w, AK_X_UNARY, parent);
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
    finish(w, id, mark);
    return id;
}

static AkExprId negation(AkWalk *w, AkExprId parent)
{
    AkExprId id = unary(w, AK_X_UNARY, parent);
    w->exprs[id].op = AK_OP_NOT;
    return id;
}

/* `a and b and c` nests to the left and is one expression, as in Python. */
static AkExprId boolean(AkWalk *w, AkExprId parent)
{
    AkOp op = ak__node_operator(w->parser, w->level);
    AkExprId id = at_node(w, AK_X_BOOL, parent);
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
    ak__push(w, inside ? ak__expr(w, id) : at_node(w, AK_X_ERROR, id));
    for (; nested; nested--)
        while (ak__next(w, AK_N_NODES, id))
            ak__push(w, ak__expr(w, id));
    finish(w, id, mark);
    return id;
}

static AkExprId comparison(AkWalk *w, AkExprId parent)
{
    AkExprId id = at_node(w, AK_X_COMPARE, parent);
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
    finish(w, id, mark);
    return id;
}

/* ---- Chains: what nests to the left ---- */

static bool is_link(AkNodeKind kind)
{
    return kind >= AK_N_ATTRIBUTE && kind <= AK_N_BINARY_OPERATOR;
}

static bool is_word(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           c == '_' || (unsigned char)c >= 0x80;
}

/* The name is the node's last token: where nothing is broken, no need to go there. */
static void attribute(AkWalk *w, AkExprId id)
{
    if (!w->broken) {
        uint32_t end = w->exprs[id].end - w->shift, start = end;
        while (is_word(w->text[start - 1]))
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
static void index_items(AkWalk *w, AkExprId object, AkExprId parent, bool comma)
{
    if (!comma && w->text[ak__at(w)->start] != '*') {
        items_until_end(w, object, parent);
        return;
    }
    AkExprId id = at_node(w, AK_X_TUPLE, parent);
    uint32_t mark = w->pending_len;
    w->exprs[id].end = items_until_end(w, object, id) + w->shift;
    finish(w, id, mark);
    ak__push(w, id);
}

static void subscript(AkWalk *w, AkExprId id, AkExprId object, bool comma)
{
    if (ak__next(w, AK_N_NODES, id))
        index_items(w, object, id, comma);
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
    case AK_X_ATTRIBUTE: attribute(w, id); break;
    case AK_X_CALL: arguments(w, id); break;
    case AK_X_SUBSCRIPT: subscript(w, id, left, comma); break;
    default: binary(w, id);
    }
    finish(w, id, mark);
}

/* The grammar binds a star closer than what follows: `*a.b()` is the call of `*a.b` for it, in
 * Python it is a star before a call. So the star goes first, and the links begin behind it. */
static AkExprId star_before(AkWalk *w, AkExprId parent, uint32_t star)
{
    AkExprId id = at_node(w, AK_X_STAR, parent);
    w->exprs[id].start = star + w->shift;
    return id;
}

static uint32_t behind_star(const AkWalk *w, uint32_t at)
{
    at++;
    while (w->text[at] == ' ' || w->text[at] == '\t')
        at++;
    return at;
}

/* Down along the first children to the end of the chain, then up again, link by link. */
static AkExprId chain(AkWalk *w, AkExprId parent)
{
    uint32_t bottom = w->spine_len, start = ak__at(w)->start;
    AkExprId star = w->text[start] == '*' ? star_before(w, parent, start) : 0;
    if (star) {
        parent = star;
        start = behind_star(w, start);
    }
    bool inside;
    do {
        AkNodeKind kind = ak__kind(w);
        AkExprId id = at_node(w, link_kind(kind), parent);
        w->exprs[id].start = start + w->shift;
        bool comma = kind == AK_N_SUBSCRIPT && ak__has_comma(w);
        AK_ADD(w, spine, spine, AK_T_SPINE) = id << 1 | comma;
        parent = id;
        inside = ak__first(w, AK_N_NODES, id);
    } while (inside && is_link(ak__kind(w)));
    if (!inside) {
        /* Nothing but errors: it was left again. */
        parent = w->spine[--w->spine_len] >> 1;
        w->exprs[parent].kind = AK_X_ERROR;
    } else {
        parent =
            star && ak__kind(w) == AK_N_LIST_SPLAT ? ak__inner(w, parent) : ak__expr(w, parent);
    }
    while (w->spine_len > bottom) {
        uint32_t link = w->spine[--w->spine_len];
        finish_link(w, link >> 1, parent, link & 1);
        parent = link >> 1;
    }
    if (!star)
        return parent;
    uint32_t mark = w->pending_len;
    ak__push(w, parent);
    finish(w, star, mark);
    return star;
}

/* ---- Names ---- */

static AkExprId name_expr(AkWalk *w, AkExprId parent)
{
    AkName name = ak__intern_node(w);
    AkExprId id = at_node(w, AK_X_NAME, parent);
    w->exprs[id].name = name;
    return id;
}

AkExprId ak__dotted(AkWalk *w, AkExprId parent, uint32_t start, uint32_t end)
{
    AkExprId top = 0;
    while (end > start) {
        uint32_t at = end;
        while (at > start && is_word(w->text[at - 1]))
            at--;
        uint32_t before = at;
        while (before > start && !is_word(w->text[before - 1]))
            before--;
        bool first = before == start;
        AkName name = ak__intern(w, w->text + at, end - at);
        AkExprId id = ak__new_expr(w, first ? AK_X_NAME : AK_X_ATTRIBUTE, parent, start, end);
        w->exprs[id].name = name;
        if (top) {
            uint32_t mark = w->pending_len;
            ak__push(w, id);
            finish(w, parent, mark);
        } else {
            top = id;
        }
        parent = id;
        end = before;
    }
    return top;
}

/* ---- Strings ---- */

/* `f"{x:=5}"`: not an assignment, but x with the format "=5". */
static void push_name_before_format(AkWalk *w, AkExprId id)
{
    if (!ak__first(w, AK_N_NODES, id))
        return;
    ak__push(w, ak__expr(w, id));
    ak__node_up(w->parser, w->level);
}

static void push_interpolations(AkWalk *w, AkExprId id)
{
    if (w->depth >= DEEPEST)
        return;
    w->depth++;
    for (bool more = ak__node_down(w->parser, w->level, AK_N_NODES); more;
         more = ak__node_next(w->parser, w->level, AK_N_NODES)) {
        AkNodeKind kind = ak__kind(w);
        if (kind == AK_N_NAMED_EXPRESSION)
            push_name_before_format(w, id);
        else if (kind == AK_N_ERROR || ak__is_expression(kind))
            ak__push(w, ak__expr(w, id));
        else
            push_interpolations(w, id);
    }
    w->depth--;
}

static AkName value_of(AkWalk *w, const AkLiteral *literal)
{
    const char *at = w->text + literal->start;
    uint32_t len = literal->end - literal->start;
    if (len <= AK_VALUE_LONGEST && (literal->raw || !memchr(at, '\\', len)) &&
        !memchr(at, '\r', len))
        return ak__intern(w, at, len);
    w->value_len = 0;
    ak__read_literal(w, literal);
    return w->value_len <= AK_VALUE_LONGEST ? ak__intern(w, w->value, w->value_len) : 0;
}

static bool is_dotted(const char *text, uint32_t len)
{
    bool dot = true;
    for (uint32_t i = 0; i < len; i++) {
        if (dot ? !is_word(text[i]) || (text[i] >= '0' && text[i] <= '9')
                : !is_word(text[i]) && text[i] != '.')
            return false;
        dot = text[i] == '.';
    }
    return !dot;
}

static bool is_keyword(const char *text, uint32_t len)
{
    return (len == 4 && (memcmp(text, "None", 4) == 0 || memcmp(text, "True", 4) == 0)) ||
           (len == 5 && memcmp(text, "False", 5) == 0);
}

/* The one expression of a text, which the cursor has just been put on; 0 if it is no such text.
 */
static AkExprId only_expr(AkWalk *w, AkExprId parent)
{
    if (w->broken || !ak__node_down(w->parser, w->level, AK_N_NODES) ||
        ak__kind(w) != AK_N_EXPRESSION_STATEMENT ||
        !ak__node_down(w->parser, w->level, AK_N_NODES) || !ak__is_expression(ak__kind(w)))
        return 0;
    ak__node_up(w->parser, w->level);
    if (ak__node_next(w->parser, w->level, AK_N_NODES))
        return 0;
    ak__node_down(w->parser, w->level, AK_N_NODES);
    return ak__one_or_tuple(w, parent);
}

/* An annotation in quotes; 0 if it is none, or says more than its bytes do. */
static AkExprId quoted(AkWalk *w, AkExprId parent, const AkLiteral *literal)
{
    const char *text = w->text + literal->start;
    uint32_t len = literal->end - literal->start;
    if (literal->bytes || literal->format || memchr(text, '\\', len) ||
        w->level + 1 >= AK_PARSE_LEVELS)
        return 0;
    uint16_t flags = w->flags;
    w->flags |= AK_XF_QUOTED;
    AkExprId id = 0;
    if (is_dotted(text, len) && !is_keyword(text, len)) {
        id = ak__dotted(w, parent, literal->start, literal->end);
    } else {
        const char *outer = w->text;
        uint32_t shift = w->shift;
        w->level++;
        if (!ak__parse(w->parser, w->level, text, len))
            ak__no_memory(w);
        w->text = text;
        w->shift += literal->start;
        w->broken = ak__parse_broken(w->parser, w->level);
        id = only_expr(w, parent);
        w->level--;
        w->text = outer;
        w->shift = shift;
        w->broken = ak__parse_broken(w->parser, w->level);
    }
    w->flags = flags;
    return id;
}

static AkExprId string(AkWalk *w, AkExprId parent)
{
    AkLiteral literal;
    const AkNode *node = ak__at(w);
    bool whole = ak__literal(w->text, node->start, node->end, &literal);
    if (w->quotes && whole) {
        AkExprId id = quoted(w, parent, &literal);
        if (id)
            return id;
    }
    AkExprId id = at_node(w,
                          literal.format  ? AK_X_FSTRING
                          : literal.bytes ? AK_X_BYTES
                                          : AK_X_STRING,
                          parent);
    if (literal.format) {
        uint32_t mark = w->pending_len;
        push_interpolations(w, id);
        finish(w, id, mark);
    } else if (whole && !literal.bytes) {
        AkName name = value_of(w, &literal);
        w->exprs[id].name = name;
    }
    return id;
}

/* `"a" f"{b}"`: one expression; what is in it decides its kind. */
static AkExprId strings(AkWalk *w, AkExprId parent)
{
    AkExprId id = at_node(w, AK_X_STRING, parent);
    uint32_t mark = w->pending_len;
    bool format = false, bytes = false, whole = true;
    w->value_len = 0;
    for (bool more = ak__first(w, AK_N_NODES, id); more; more = ak__next(w, AK_N_NODES, id)) {
        AkLiteral literal;
        const AkNode *node = ak__at(w);
        if (!ak__literal(w->text, node->start, node->end, &literal)) {
            whole = false;
            continue;
        }
        format |= literal.format;
        bytes |= literal.bytes;
        if (literal.format)
            push_interpolations(w, id);
        else if (!format && !bytes && w->value_len <= AK_VALUE_LONGEST)
            ak__read_literal(w, &literal);
    }
    finish(w, id, mark);
    AkName name = 0;
    if (whole && !format && !bytes && w->value_len <= AK_VALUE_LONGEST)
        name = ak__intern(w, w->value, w->value_len);
    w->exprs[id].kind = format ? AK_X_FSTRING : bytes ? AK_X_BYTES : AK_X_STRING;
    w->exprs[id].name = name;
    return id;
}

/* The grammar takes `1j` for an integer. */
static AkExprId numeral(AkWalk *w, AkExprId parent)
{
    const AkNode *node = ak__at(w);
    bool real = node->kind == AK_N_INTEGER && (w->text[node->end - 1] | 0x20) != 'j';
    AkName name = ak__intern_node(w);
    AkExprId id = at_node(w, real ? AK_X_INT : AK_X_FLOAT, parent);
    w->exprs[id].name = name;
    return id;
}

/* ---- What has a scope of its own ---- */

static AkExprId lambda(AkWalk *w, AkExprId parent)
{
    AkExprId id = at_node(w, AK_X_LAMBDA, parent);
    uint32_t function = ak__open_function(w, true);
    AkFunctionFact *fact = &w->functions[function];
    fact->expr = id;
    fact->start = w->exprs[id].start;
    fact->end = w->exprs[id].end;
    w->exprs[id].index = function;
    uint32_t returned = w->returned_len, yielded = w->yielded_len;
    for (bool more = ak__first(w, AK_N_NODES, id); more; more = ak__next(w, AK_N_NODES, id)) {
        if (ak__kind(w) == AK_N_LAMBDA_PARAMETERS) {
            ak__parameters(w, function);
            continue;
        }
        returned = w->returned_len;
        yielded = w->yielded_len;
        w->scope = w->functions[function].scope;
        AkExprId body = ak__expr(w, id);
        AK_ADD(w, returned, returned, AK_T_RETURNED) = body;
        w->scope = w->functions[function].parent;
    }
    ak__close_function(w, function, returned, yielded);
    return id;
}

/* The items of a clause's `in`, which CPython wants to be one. */
static AkExprId iterated(AkWalk *w, AkExprId comp, bool *more)
{
    AkExprId id = ak__expr(w, comp);
    *more = ak__next(w, AK_N_NODES, comp);
    return id;
}

/* Evaluated in the scope outside by the first clause, in the comprehension's by the others. */
static uint32_t clause(AkWalk *w, AkExprId comp, AkScopeId outside, bool first)
{
    uint32_t loop = w->loop_len;
    AkScopeId inside = w->scope;
    AK_ADD(w, loops, loop, AK_T_LOOPS) =
        (AkLoop){.stmt = w->stmt, .comp = comp, .scope = first ? outside : inside};
    AkExprId target = 0, value = 0;
    bool more = ak__first(w, AK_N_TOKENS, comp), is_async = false;
    while (more && ak__kind(w) < AK_N_NODES) {
        is_async |= ak__kind(w) == AK_N_ASYNC;
        more = ak__next(w, AK_N_TOKENS, comp);
    }
    if (more) {
        target = ak__expr(w, comp);
        more = ak__next(w, AK_N_NODES, comp);
    }
    w->scope = first ? outside : inside;
    if (more)
        value = iterated(w, comp, &more);
    while (more) {
        error_expr(w, comp);
        more = ak__next(w, AK_N_NODES, comp);
    }
    w->scope = inside;
    w->loops[loop].target = target;
    w->loops[loop].iterated = value;
    w->loops[loop].is_async = is_async;
    AkBinding what = ak__binding(w, AK_B_FOR, 0, 0, 0);
    what.value = value;
    what.how = AK_HOW_ITEM;
    ak__bind_target(w, target, AK_XF_STORE, &what);
    return loop;
}

static AkExprId comprehension(AkWalk *w, AkExprKind kind, AkExprId parent)
{
    AkExprId id = at_node(w, kind, parent);
    AkScopeId outside = w->scope;
    w->scope = ak__open_scope(w, AK_SCOPE_COMPREHENSION, id);
    w->exprs[id].index = w->scope;
    uint32_t mark = w->pending_len, loop = 0;
    for (bool more = ak__first(w, AK_N_NODES, id); more; more = ak__next(w, AK_N_NODES, id)) {
        AkNodeKind node = ak__kind(w);
        if (node == AK_N_FOR_IN_CLAUSE && loop)
            w->loops[loop].conditions = ak__kids(w, mark);
        else if (node == AK_N_FOR_IN_CLAUSE)
            finish(w, id, mark);
        if (node == AK_N_FOR_IN_CLAUSE)
            loop = clause(w, id, outside, !loop);
        else if (node == AK_N_IF_CLAUSE)
            ak__push(w, ak__inner(w, id));
        else if (node == AK_N_PAIR)
            push_pair(w, id);
        else
            ak__push(w, ak__expr(w, id));
    }
    if (loop)
        w->loops[loop].conditions = ak__kids(w, mark);
    else
        finish(w, id, mark);
    w->scope = outside;
    return id;
}

static AkExprId yield(AkWalk *w, AkExprId parent)
{
    AkExprId id = at_node(w, AK_X_YIELD, parent);
    uint32_t mark = w->pending_len, function = w->scopes[w->scope].function;
    for (bool more = ak__first(w, AK_N_TOKENS, id); more; more = ak__next(w, AK_N_TOKENS, id)) {
        if (ak__kind(w) == AK_N_FROM)
            w->exprs[id].kind = AK_X_YIELD_FROM;
        else if (ak__kind(w) >= AK_N_NODES)
            ak__push(w, ak__expr(w, id));
    }
    w->functions[function].is_generator = function != 0;
    if (function && w->exprs[id].kind == AK_X_YIELD && w->pending_len > mark) {
        AkExprId value = w->pending[mark];
        AK_ADD(w, yielded, yielded, AK_T_YIELDED) = value;
    }
    finish(w, id, mark);
    return id;
}

static AkExprId await(AkWalk *w, AkExprId parent)
{
    AkExprId id = unary(w, AK_X_AWAIT, parent);
    w->exprs[w->kids[w->exprs[id].kids.first]].flags |= AK_XF_AWAITED;
    return id;
}

/* `x := v` in a comprehension binds in the scope around. */
static AkExprId named(AkWalk *w, AkExprId parent)
{
    AkExprId id = at_node(w, AK_X_NAMED, parent);
    uint32_t mark = w->pending_len;
    ak__push_items(w, id);
    if (w->pending_len == mark + 2) {
        AkBinding what = ak__binding(w, AK_B_NAMED, 0, 0, 0);
        what.value = w->pending[mark + 1];
        while (w->scopes[what.scope].kind == AK_SCOPE_COMPREHENSION)
            what.scope = w->scopes[what.scope].parent;
        ak__bind_target(w, w->pending[mark], AK_XF_STORE, &what);
    }
    finish(w, id, mark);
    return id;
}

/* ---- Types ---- */

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
static AkExprId generic_type(AkWalk *w, AkExprId parent)
{
    AkExprId id = at_node(w, AK_X_SUBSCRIPT, parent), object = 0;
    uint32_t mark = w->pending_len;
    for (bool more = ak__first(w, AK_N_NODES, id); more; more = ak__next(w, AK_N_NODES, id)) {
        if (ak__kind(w) != AK_N_TYPE_PARAMETER) {
            ak__push(w, object = ak__expr(w, id));
            continue;
        }
        bool comma = ak__has_comma(w);
        if (!ak__first(w, AK_N_NODES, id))
            continue;
        index_items(w, object, id, comma);
    }
    finish(w, id, mark);
    return id;
}

static AkExprId member_type(AkWalk *w, AkExprId parent)
{
    AkExprId id = at_node(w, AK_X_ATTRIBUTE, parent);
    uint32_t mark = w->pending_len;
    if (ak__first(w, AK_N_NODES, id)) {
        ak__push(w, ak__expr(w, id));
        attribute(w, id);
    }
    finish(w, id, mark);
    return id;
}

static AkExprId or_of_types(AkWalk *w, AkExprId parent)
{
    AkExprId id = at_node(w, AK_X_BINARY, parent);
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
    finish(w, id, mark);
}

/* `A[b] | C | D` is `A[b] | (C | D)` for the grammar; the signs go from left to right in
 * Python. So the links of the right side are made before the left one is read, around it. */
static AkExprId union_type(AkWalk *w, AkExprId parent)
{
    if (w->broken) {
        AkExprId id = list_of(w, AK_X_BINARY, parent);
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

/* ---- All of them ---- */

static AkExprId leaf(AkWalk *w, AkExprKind kind, AkExprId parent)
{
    return at_node(w, kind, parent);
}

AkExprId ak__expr(AkWalk *w, AkExprId parent)
{
    switch (ak__kind(w)) {
    case AK_N_IDENTIFIER: return name_expr(w, parent);
    case AK_N_STRING: return string(w, parent);
    case AK_N_INTEGER:
    case AK_N_FLOAT: return numeral(w, parent);
    case AK_N_TRUE: return leaf(w, AK_X_TRUE, parent);
    case AK_N_FALSE: return leaf(w, AK_X_FALSE, parent);
    case AK_N_NONE: return leaf(w, AK_X_NONE_LITERAL, parent);
    case AK_N_ELLIPSIS: return leaf(w, AK_X_ELLIPSIS, parent);
    case AK_N_MISSING: return leaf(w, AK_X_ERROR, parent);
    default: break;
    }
    if (w->depth >= DEEPEST) {
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
    case AK_N_BINARY_OPERATOR: return chain(w, parent);
    case AK_N_CONCATENATED_STRING: return strings(w, parent);
    case AK_N_KEYWORD_ARGUMENT: return keyword(w, parent);
    case AK_N_LIST_SPLAT:
    case AK_N_SPLAT_TYPE:
    case AK_N_LIST_SPLAT_PATTERN: return unary(w, AK_X_STAR, parent);
    case AK_N_DICTIONARY_SPLAT: return unary(w, AK_X_DOUBLE_STAR, parent);
    case AK_N_SLICE:
    case AK_N_CONSTRAINED_TYPE: return list_of(w, AK_X_SLICE, parent);
    case AK_N_LIST:
    case AK_N_LIST_PATTERN: return list_of(w, AK_X_LIST, parent);
    case AK_N_EXPRESSION_LIST:
    case AK_N_PATTERN_LIST: return list_of(w, AK_X_TUPLE, parent);
    case AK_N_TUPLE: return tuple(w, parent);
    case AK_N_TUPLE_PATTERN: return tuple_pattern(w, parent);
    case AK_N_SET: return list_of(w, AK_X_SET, parent);
    case AK_N_DICTIONARY: return dictionary(w, parent);
    case AK_N_LIST_COMPREHENSION: return comprehension(w, AK_X_LIST_COMP, parent);
    case AK_N_SET_COMPREHENSION: return comprehension(w, AK_X_SET_COMP, parent);
    case AK_N_DICTIONARY_COMPREHENSION: return comprehension(w, AK_X_DICT_COMP, parent);
    case AK_N_GENERATOR_EXPRESSION: return comprehension(w, AK_X_GENERATOR, parent);
    case AK_N_LAMBDA: return lambda(w, parent);
    case AK_N_AWAIT: return await(w, parent);
    case AK_N_YIELD: return yield(w, parent);
    case AK_N_UNARY_OPERATOR: return sign(w, parent);
    case AK_N_NOT_OPERATOR: return negation(w, parent);
    case AK_N_BOOLEAN_OPERATOR: return boolean(w, parent);
    case AK_N_COMPARISON_OPERATOR: return comparison(w, parent);
    case AK_N_CONDITIONAL_EXPRESSION: return list_of(w, AK_X_CONDITIONAL, parent);
    case AK_N_NAMED_EXPRESSION: return named(w, parent);
    case AK_N_PARENTHESIZED_EXPRESSION:
    case AK_N_PARENTHESIZED_LIST_SPLAT: return parenthesized(w, parent);
    case AK_N_TYPE:
    case AK_N_AS_PATTERN_TARGET: return ak__inner(w, parent);
    case AK_N_GENERIC_TYPE: return generic_type(w, parent);
    case AK_N_UNION_TYPE: return union_type(w, parent);
    case AK_N_MEMBER_TYPE: return member_type(w, parent);
    default: return error_expr(w, parent);
    }
}
