/* quick_expr.c: lists, operators and lambdas. One function a level of Python's grammar. */
#include "quick.h"

static AkTreeNode *at(const AkQuick *q, uint32_t node)
{
    return &q->tree->nodes[node];
}

/* ---- Lists ---- */

bool ak__quick_begins(const AkQuick *q)
{
    switch (q->token) {
    case AK_TOK_NAME:
    case AK_TOK_INTEGER:
    case AK_TOK_FLOAT:
    case AK_TOK_STRING:
    case AK_TOK_FSTRING:
    case AK_TOK_ELLIPSIS:
    case AK_TOK_OPEN:
    case AK_TOK_OPEN_LIST:
    case AK_TOK_OPEN_DICT:
    case AK_TOK_STAR:
    case AK_TOK_MINUS:
    case AK_TOK_PLUS:
    case AK_TOK_TILDE:
    case AK_TOK_FALSE:
    case AK_TOK_NONE:
    case AK_TOK_TRUE:
    case AK_TOK_AWAIT:
    case AK_TOK_LAMBDA:
    case AK_TOK_NOT: return true;
    default: return false;
    }
}

/* Behind a star the grammar and Python agree on what is bound closest only. */
uint32_t ak__quick_starred(AkQuick *q, AkNodeKind kind)
{
    uint32_t node = ak__quick_prefixed(q, kind, ak__quick_atom);
    switch (q->token) {
    case AK_TOK_COMMA:
    case AK_TOK_CLOSE:
    case AK_TOK_CLOSE_LIST:
    case AK_TOK_CLOSE_DICT:
    case AK_TOK_ASSIGN:
    case AK_TOK_NEWLINE:
    case AK_TOK_IN: return node;
    default: return ak__quick_refuse(q);
    }
}

static uint32_t expr_or_star(AkQuick *q)
{
    return q->token == AK_TOK_STAR ? ak__quick_starred(q, AK_N_LIST_SPLAT) : ak__quick_expr(q);
}

uint32_t ak__quick_item(AkQuick *q)
{
    return q->token == AK_TOK_STAR ? ak__quick_starred(q, AK_N_LIST_SPLAT) : ak__quick_named(q);
}

/* One, or several with commas between them and perhaps one behind. */
uint32_t ak__quick_several(AkQuick *q, uint32_t (*one)(AkQuick *))
{
    AkTreeKids kids = {0};
    ak__quick_add(q, &kids, one(q));
    if (q->token != AK_TOK_COMMA)
        return ak__quick_kind(q, kids.first) == AK_N_LIST_SPLAT ? ak__quick_refuse(q)
                                                                : kids.first;
    while (q->token == AK_TOK_COMMA) {
        ak__quick_next(q);
        if (!ak__quick_begins(q))
            break;
        ak__quick_add(q, &kids, one(q));
    }
    return ak__quick_over(q, AK_N_EXPRESSION_LIST, kids);
}

uint32_t ak__quick_list(AkQuick *q)
{
    return ak__quick_several(q, expr_or_star);
}

uint32_t ak__quick_yield(AkQuick *q)
{
    uint32_t start = q->start;
    AkTreeKids kids = {0};
    ak__quick_next(q);
    if (q->token == AK_TOK_FROM) {
        ak__quick_add(q, &kids, ak__quick_leaf(q, AK_N_FROM));
        ak__quick_add(q, &kids, ak__quick_expr(q));
    } else if (ak__quick_begins(q)) {
        ak__quick_add(q, &kids, ak__quick_list(q));
    }
    return ak__quick_node(q, AK_N_YIELD, start, q->last_end, kids);
}

uint32_t ak__quick_value(AkQuick *q)
{
    return q->token == AK_TOK_YIELD ? ak__quick_yield(q) : ak__quick_list(q);
}

/* ---- Operators ---- */

static void add_sign(AkQuick *q, AkTreeKids *kids, AkOp op, uint32_t start)
{
    uint32_t node = ak__quick_node(q, AK_N_OP, start, start + 1, (AkTreeKids){0});
    at(q, node)->op = (uint8_t)op;
    ak__quick_add(q, kids, node);
}

static uint32_t unary(AkQuick *q);

/* `await a ** b` is one thing for the grammar and another for Python. */
static uint32_t awaited(AkQuick *q)
{
    uint32_t node = ak__quick_prefixed(q, AK_N_AWAIT, ak__quick_atom);
    return q->token == AK_TOK_POWER ? ak__quick_refuse(q) : node;
}

static uint32_t operation(AkQuick *q, uint32_t left, AkOp op, uint32_t sign, uint32_t right)
{
    AkTreeKids kids = {left, left};
    add_sign(q, &kids, op, sign);
    ak__quick_add(q, &kids, right);
    uint32_t node = ak__quick_over(q, AK_N_BINARY_OPERATOR, kids);
    at(q, node)->op = (uint8_t)op;
    return node;
}

static uint32_t power(AkQuick *q)
{
    uint32_t left = q->token == AK_TOK_AWAIT ? awaited(q) : ak__quick_atom(q);
    if (q->token != AK_TOK_POWER)
        return left;
    if (++q->depth > AK_QUICK_DEEPEST)
        return ak__quick_refuse(q);
    uint32_t sign = q->start;
    ak__quick_next(q);
    uint32_t node = operation(q, left, AK_OP_POW, sign, unary(q));
    q->depth--;
    return node;
}

static uint32_t unary(AkQuick *q)
{
    AkOp op = q->token == AK_TOK_MINUS   ? AK_OP_SUB
              : q->token == AK_TOK_PLUS  ? AK_OP_ADD
              : q->token == AK_TOK_TILDE ? AK_OP_INVERT
                                         : AK_OP_NONE;
    if (!op)
        return power(q);
    if (++q->depth > AK_QUICK_DEEPEST)
        return ak__quick_refuse(q);
    uint32_t start = q->start;
    AkTreeKids kids = {0};
    add_sign(q, &kids, op, start);
    ak__quick_next(q);
    ak__quick_add(q, &kids, unary(q));
    q->depth--;
    return ak__quick_node(q, AK_N_UNARY_OPERATOR, start, q->last_end, kids);
}

/* How close the operator binds; 0: no binary operator. */
static unsigned closeness(const AkQuick *q)
{
    if (q->token < AK_TOK_BINARY || q->token > AK_TOK_PLUS)
        return 0;
    switch (q->op) {
    case AK_OP_OR_BITS: return 1;
    case AK_OP_XOR: return 2;
    case AK_OP_AND_BITS: return 3;
    case AK_OP_LSHIFT:
    case AK_OP_RSHIFT: return 4;
    case AK_OP_ADD:
    case AK_OP_SUB: return 5;
    case AK_OP_MUL:
    case AK_OP_MATMUL:
    case AK_OP_DIV:
    case AK_OP_FLOORDIV:
    case AK_OP_MOD: return 6;
    default: return 0;
    }
}

static uint32_t binary(AkQuick *q, unsigned least)
{
    uint32_t left = unary(q);
    for (unsigned close; (close = closeness(q)) >= least && close;) {
        AkOp op = q->op;
        uint32_t sign = q->start;
        ak__quick_next(q);
        left = operation(q, left, op, sign, binary(q, close + 1));
    }
    return left;
}

/* The sign of a comparison; two words are one. Stays, if there is none. */
static bool comparing(AkQuick *q, AkTreeKids *kids)
{
    AkOp op = q->op;
    uint32_t start = q->start;
    switch (q->token) {
    case AK_TOK_COMPARE: break;
    case AK_TOK_IN: op = AK_OP_IN; break;
    case AK_TOK_NOT:
        op = AK_OP_NOT_IN;
        ak__quick_next(q);
        if (q->token != AK_TOK_IN)
            ak__quick_refuse(q);
        break;
    case AK_TOK_IS: op = AK_OP_IS; break;
    default: return false;
    }
    ak__quick_next(q);
    if (op == AK_OP_IS && q->token == AK_TOK_NOT) {
        op = AK_OP_IS_NOT;
        ak__quick_next(q);
    }
    add_sign(q, kids, op, start);
    return true;
}

static uint32_t comparison(AkQuick *q)
{
    uint32_t left = binary(q, 1);
    AkTreeKids kids = {left, left};
    if (!comparing(q, &kids))
        return left;
    do
        ak__quick_add(q, &kids, binary(q, 1));
    while (comparing(q, &kids));
    return ak__quick_over(q, AK_N_COMPARISON_OPERATOR, kids);
}

static uint32_t inversion(AkQuick *q)
{
    if (q->token != AK_TOK_NOT)
        return comparison(q);
    if (++q->depth > AK_QUICK_DEEPEST)
        return ak__quick_refuse(q);
    uint32_t node = ak__quick_prefixed(q, AK_N_NOT_OPERATOR, inversion);
    q->depth--;
    return node;
}

/* `a and b and c`: one node for all, which reads as the nested ones of the grammar do. */
static uint32_t boolean(AkQuick *q, AkToken token, AkOp op, uint32_t (*one)(AkQuick *))
{
    uint32_t left = one(q);
    if (q->token != token)
        return left;
    AkTreeKids kids = {left, left};
    while (q->token == token) {
        ak__quick_next(q);
        ak__quick_add(q, &kids, one(q));
    }
    uint32_t node = ak__quick_over(q, AK_N_BOOLEAN_OPERATOR, kids);
    at(q, node)->op = (uint8_t)op;
    return node;
}

static uint32_t conjunction(AkQuick *q)
{
    return boolean(q, AK_TOK_AND, AK_OP_AND, inversion);
}

uint32_t ak__quick_disjunction(AkQuick *q)
{
    if (++q->depth > AK_QUICK_DEEPEST)
        return ak__quick_refuse(q);
    uint32_t node = boolean(q, AK_TOK_OR, AK_OP_OR, conjunction);
    q->depth--;
    return node;
}

/* ---- Lambdas and the rest ---- */

uint32_t ak__quick_name(AkQuick *q)
{
    return q->token == AK_TOK_NAME ? ak__quick_leaf(q, AK_N_IDENTIFIER) : ak__quick_refuse(q);
}

/* `x`, `x: T`, `x=d`, `x: T = d`, `*x`, `**x`, `/`, `*`. */
static uint32_t param(AkQuick *q, bool typed)
{
    AkToken token = q->token;
    AkTreeKids kids = {0};
    if (token == AK_TOK_BINARY && q->op == AK_OP_DIV)
        return ak__quick_leaf(q, AK_N_POSITIONAL_SEPARATOR);
    if (token == AK_TOK_STAR || token == AK_TOK_POWER) {
        uint32_t start = q->start;
        ak__quick_next(q);
        if (token == AK_TOK_STAR && q->token == AK_TOK_COMMA)
            return ak__quick_node(q, AK_N_KEYWORD_SEPARATOR, start, start + 1, kids);
        ak__quick_add(q, &kids, ak__quick_name(q));
        uint32_t node = ak__quick_node(
            q, token == AK_TOK_STAR ? AK_N_LIST_SPLAT_PATTERN : AK_N_DICTIONARY_SPLAT_PATTERN,
            start, q->last_end, kids);
        kids = (AkTreeKids){node, node};
    } else {
        ak__quick_add(q, &kids, ak__quick_name(q));
    }
    bool annotated = typed && q->token == AK_TOK_COLON;
    if (annotated) {
        ak__quick_next(q);
        uint32_t type = ak__quick_expr(q);
        AkTreeKids inside = {type, type};
        ak__quick_add(q, &kids, ak__quick_over(q, AK_N_TYPE, inside));
    }
    if (q->token != AK_TOK_ASSIGN)
        return annotated ? ak__quick_over(q, AK_N_TYPED_PARAMETER, kids) : kids.first;
    if (token != AK_TOK_NAME)
        return ak__quick_refuse(q);
    ak__quick_next(q);
    ak__quick_add(q, &kids, ak__quick_expr(q));
    return ak__quick_over(q, annotated ? AK_N_TYPED_DEFAULT_PARAMETER : AK_N_DEFAULT_PARAMETER,
                          kids);
}

void ak__quick_params(AkQuick *q, AkTreeKids *kids, AkToken end)
{
    while (q->token != end && !q->refused) {
        ak__quick_add(q, kids, param(q, end == AK_TOK_CLOSE));
        if (q->token == AK_TOK_COMMA)
            ak__quick_next(q);
        else if (q->token != end)
            ak__quick_refuse(q);
    }
}

/* The colon of a lambda that stands alone in a field is the format's for the grammar. */
static uint32_t lambda(AkQuick *q)
{
    uint32_t start = q->start;
    AkTreeKids kids = {0}, params = {0};
    if (q->fields && q->brackets == 1)
        return ak__quick_refuse(q);
    ak__quick_next(q);
    ak__quick_params(q, &params, AK_TOK_COLON);
    if (params.first)
        ak__quick_add(q, &kids, ak__quick_over(q, AK_N_LAMBDA_PARAMETERS, params));
    ak__quick_take(q, AK_TOK_COLON);
    ak__quick_add(q, &kids, ak__quick_expr(q));
    return ak__quick_node(q, AK_N_LAMBDA, start, q->last_end, kids);
}

static uint32_t conditional(AkQuick *q)
{
    uint32_t node = ak__quick_disjunction(q);
    if (q->token != AK_TOK_IF)
        return node;
    AkTreeKids kids = {node, node};
    ak__quick_next(q);
    ak__quick_add(q, &kids, ak__quick_disjunction(q));
    ak__quick_take(q, AK_TOK_ELSE);
    ak__quick_add(q, &kids, ak__quick_expr(q));
    return ak__quick_over(q, AK_N_CONDITIONAL_EXPRESSION, kids);
}

uint32_t ak__quick_expr(AkQuick *q)
{
    if (++q->depth > AK_QUICK_DEEPEST)
        return ak__quick_refuse(q);
    uint32_t node = q->token == AK_TOK_LAMBDA ? lambda(q) : conditional(q);
    q->depth--;
    return node;
}

uint32_t ak__quick_named(AkQuick *q)
{
    uint32_t node = ak__quick_expr(q);
    if (q->token != AK_TOK_WALRUS)
        return node;
    if (ak__quick_kind(q, node) != AK_N_IDENTIFIER)
        return ak__quick_refuse(q);
    AkTreeKids kids = {node, node};
    ak__quick_next(q);
    ak__quick_add(q, &kids, ak__quick_expr(q));
    return ak__quick_over(q, AK_N_NAMED_EXPRESSION, kids);
}
