/* quick_atom.c: what binds closest: displays, comprehensions, calls, subscripts, attributes. */
#include "quick.h"

static AkTreeNode *at(const AkQuick *q, uint32_t node)
{
    return &q->tree->nodes[node];
}

/* ---- Comprehensions ---- */

static uint32_t target(AkQuick *q)
{
    return q->token == AK_TOK_STAR ? ak__quick_starred(q, AK_N_LIST_SPLAT) : ak__quick_atom(q);
}

uint32_t ak__quick_target(AkQuick *q)
{
    uint32_t node = target(q);
    return ak__quick_is_target(q, node) ? node : ak__quick_refuse(q);
}

uint32_t ak__quick_targets(AkQuick *q)
{
    uint32_t node = ak__quick_several(q, target);
    return ak__quick_is_target(q, node) ? node : ak__quick_refuse(q);
}

/* `for a in b if c`, once or more. */
static void clauses(AkQuick *q, AkTreeKids *kids)
{
    while (q->token == AK_TOK_FOR || q->token == AK_TOK_ASYNC) {
        uint32_t start = q->start;
        AkTreeKids inside = {0};
        if (q->token == AK_TOK_ASYNC)
            ak__quick_add(q, &inside, ak__quick_leaf(q, AK_N_ASYNC));
        ak__quick_take(q, AK_TOK_FOR);
        ak__quick_add(q, &inside, ak__quick_targets(q));
        ak__quick_take(q, AK_TOK_IN);
        ak__quick_add(q, &inside, ak__quick_disjunction(q));
        ak__quick_add(q, kids,
                      ak__quick_node(q, AK_N_FOR_IN_CLAUSE, start, q->last_end, inside));
        while (q->token == AK_TOK_IF)
            ak__quick_add(q, kids,
                          ak__quick_prefixed(q, AK_N_IF_CLAUSE, ak__quick_disjunction));
    }
}

static bool is_clause(const AkQuick *q)
{
    return q->token == AK_TOK_FOR || q->token == AK_TOK_ASYNC;
}

/* ---- Brackets ---- */

/* The rest of a display whose first item is known. */
static uint32_t display(AkQuick *q, uint32_t start, AkTreeKids kids, AkToken end,
                        AkNodeKind kind, uint32_t (*one)(AkQuick *))
{
    while (q->token == AK_TOK_COMMA) {
        ak__quick_next(q);
        if (q->token != end)
            ak__quick_add(q, &kids, one(q));
    }
    ak__quick_take(q, end);
    return ak__quick_node(q, kind, start, q->last_end, kids);
}

static uint32_t comprehension(AkQuick *q, uint32_t start, AkTreeKids kids, AkToken end,
                              AkNodeKind kind)
{
    AkNodeKind element = ak__quick_kind(q, kids.first);
    if (element == AK_N_LIST_SPLAT || element == AK_N_DICTIONARY_SPLAT)
        return ak__quick_refuse(q);
    clauses(q, &kids);
    ak__quick_take(q, end);
    return ak__quick_node(q, kind, start, q->last_end, kids);
}

static uint32_t as_pattern(AkQuick *q, uint32_t value)
{
    AkTreeKids kids = {0};
    ak__quick_add(q, &kids, value);
    ak__quick_add(q, &kids, ak__quick_prefixed(q, AK_N_AS_PATTERN_TARGET, ak__quick_target));
    return ak__quick_over(q, AK_N_AS_PATTERN, kids);
}

static uint32_t item_of_with(AkQuick *q)
{
    uint32_t node = ak__quick_item(q);
    return q->token == AK_TOK_AS ? as_pattern(q, node) : node;
}

static uint32_t in_parentheses(AkQuick *q, uint32_t (*one)(AkQuick *))
{
    uint32_t start = q->start;
    AkTreeKids kids = {0};
    ak__quick_next(q);
    if (q->token == AK_TOK_CLOSE) {
        ak__quick_next(q);
        return ak__quick_node(q, AK_N_TUPLE, start, q->last_end, kids);
    }
    ak__quick_add(q, &kids, q->token == AK_TOK_YIELD ? ak__quick_yield(q) : one(q));
    if (is_clause(q))
        return comprehension(q, start, kids, AK_TOK_CLOSE, AK_N_GENERATOR_EXPRESSION);
    AkNodeKind first = ak__quick_kind(q, kids.first);
    if (q->token == AK_TOK_COMMA && first != AK_N_YIELD)
        return display(q, start, kids, AK_TOK_CLOSE, AK_N_TUPLE, one);
    if (first == AK_N_LIST_SPLAT)
        return ak__quick_refuse(q);
    ak__quick_take(q, AK_TOK_CLOSE);
    return ak__quick_node(q, AK_N_PARENTHESIZED_EXPRESSION, start, q->last_end, kids);
}

uint32_t ak__quick_with_item(AkQuick *q)
{
    if (q->token == AK_TOK_OPEN) {
        /* Brackets around the items, or a manager that begins with one: both ways read alike,
         * but for an `as` inside, behind which nothing but the colon may come. */
        uint32_t begin = q->start, comments = q->tree->comment_len;
        uint32_t node = in_parentheses(q, item_of_with);
        if (q->refused || q->token == AK_TOK_COLON)
            return node;
        for (uint32_t kid = at(q, node)->first; kid; kid = at(q, kid)->next)
            if (ak__quick_kind(q, kid) == AK_N_AS_PATTERN)
                return ak__quick_refuse(q);
        /* Once more, as an expression. */
        q->tree->comment_len = comments;
        q->at = q->end = begin;
        ak__quick_next(q);
    }
    uint32_t value = ak__quick_expr(q);
    return q->token == AK_TOK_AS ? as_pattern(q, value) : value;
}

static uint32_t list(AkQuick *q)
{
    uint32_t start = q->start;
    AkTreeKids kids = {0};
    ak__quick_next(q);
    if (q->token != AK_TOK_CLOSE_LIST)
        ak__quick_add(q, &kids, ak__quick_item(q));
    if (is_clause(q))
        return comprehension(q, start, kids, AK_TOK_CLOSE_LIST, AK_N_LIST_COMPREHENSION);
    return display(q, start, kids, AK_TOK_CLOSE_LIST, AK_N_LIST, ak__quick_item);
}

static uint32_t pair_behind(AkQuick *q, uint32_t key)
{
    AkTreeKids kids = {0};
    ak__quick_add(q, &kids, key);
    ak__quick_take(q, AK_TOK_COLON);
    ak__quick_add(q, &kids, ak__quick_expr(q));
    return ak__quick_over(q, AK_N_PAIR, kids);
}

/* Of a dictionary. */
static uint32_t entry(AkQuick *q)
{
    if (q->token == AK_TOK_POWER)
        return ak__quick_starred(q, AK_N_DICTIONARY_SPLAT);
    return pair_behind(q, ak__quick_expr(q));
}

static uint32_t braces(AkQuick *q)
{
    uint32_t start = q->start;
    AkTreeKids kids = {0};
    AkNodeKind kind = AK_N_DICTIONARY;
    ak__quick_next(q);
    if (q->token == AK_TOK_POWER) {
        ak__quick_add(q, &kids, entry(q));
    } else if (q->token != AK_TOK_CLOSE_DICT) {
        uint32_t first = ak__quick_item(q);
        kind = q->token == AK_TOK_COLON ? AK_N_DICTIONARY : AK_N_SET;
        ak__quick_add(q, &kids, kind == AK_N_SET ? first : pair_behind(q, first));
    }
    if (is_clause(q))
        return comprehension(q, start, kids, AK_TOK_CLOSE_DICT,
                             kind == AK_N_SET ? AK_N_SET_COMPREHENSION
                                              : AK_N_DICTIONARY_COMPREHENSION);
    return display(q, start, kids, AK_TOK_CLOSE_DICT, kind,
                   kind == AK_N_SET ? ak__quick_item : entry);
}

/* ---- Calls, subscripts, attributes ---- */

static uint32_t argument(AkQuick *q)
{
    if (q->token == AK_TOK_STAR)
        return ak__quick_starred(q, AK_N_LIST_SPLAT);
    if (q->token == AK_TOK_POWER)
        return ak__quick_starred(q, AK_N_DICTIONARY_SPLAT);
    AkTreeKids kids = {0};
    ak__quick_add(q, &kids, ak__quick_named(q));
    if (q->token != AK_TOK_ASSIGN)
        return kids.first;
    if (ak__quick_kind(q, kids.first) != AK_N_IDENTIFIER)
        return ak__quick_refuse(q);
    ak__quick_next(q);
    ak__quick_add(q, &kids, ak__quick_expr(q));
    return ak__quick_over(q, AK_N_KEYWORD_ARGUMENT, kids);
}

static uint32_t arguments(AkQuick *q, bool generator)
{
    uint32_t start = q->start;
    AkTreeKids kids = {0};
    ak__quick_next(q);
    if (q->token == AK_TOK_CLOSE) {
        ak__quick_next(q);
        return ak__quick_node(q, AK_N_ARGUMENT_LIST, start, q->last_end, kids);
    }
    ak__quick_add(q, &kids, argument(q));
    if (is_clause(q)) {
        if (!generator || ak__quick_kind(q, kids.first) == AK_N_KEYWORD_ARGUMENT)
            return ak__quick_refuse(q);
        return comprehension(q, start, kids, AK_TOK_CLOSE, AK_N_GENERATOR_EXPRESSION);
    }
    return display(q, start, kids, AK_TOK_CLOSE, AK_N_ARGUMENT_LIST, argument);
}

uint32_t ak__quick_arguments(AkQuick *q)
{
    return arguments(q, false);
}

static uint32_t slice_or_expr(AkQuick *q)
{
    uint32_t start = q->start;
    AkTreeKids kids = {0};
    if (q->token != AK_TOK_COLON)
        ak__quick_add(q, &kids, ak__quick_item(q));
    if (q->token != AK_TOK_COLON)
        return kids.first;
    for (unsigned colons = 0; colons < 2 && q->token == AK_TOK_COLON; colons++) {
        ak__quick_next(q);
        if (ak__quick_begins(q))
            ak__quick_add(q, &kids, ak__quick_expr(q));
    }
    return ak__quick_node(q, AK_N_SLICE, start, q->last_end, kids);
}

/* The commas are children: what is between the brackets ends behind the last one. */
static uint32_t subscript(AkQuick *q, uint32_t object)
{
    AkTreeKids kids = {0};
    bool comma = false;
    ak__quick_add(q, &kids, object);
    ak__quick_next(q);
    do {
        ak__quick_add(q, &kids, slice_or_expr(q));
        if (q->token == AK_TOK_COMMA) {
            ak__quick_add(q, &kids, ak__quick_leaf(q, AK_N_COMMA));
            comma = true;
        }
    } while (!q->refused && q->token != AK_TOK_CLOSE_LIST);
    ak__quick_take(q, AK_TOK_CLOSE_LIST);
    uint32_t node = ak__quick_over(q, AK_N_SUBSCRIPT, kids);
    at(q, node)->comma = comma;
    return node;
}

static uint32_t attribute(AkQuick *q, uint32_t object)
{
    AkTreeKids kids = {object, object};
    ak__quick_next(q);
    ak__quick_take(q, AK_TOK_NAME);
    return ak__quick_over(q, AK_N_ATTRIBUTE, kids);
}

static uint32_t call(AkQuick *q, uint32_t callee)
{
    AkTreeKids kids = {callee, callee};
    ak__quick_add(q, &kids, arguments(q, true));
    return ak__quick_over(q, AK_N_CALL, kids);
}

static uint32_t strings(AkQuick *q)
{
    AkTreeKids kids = {0};
    while (q->token == AK_TOK_STRING || q->token == AK_TOK_FSTRING)
        ak__quick_add(q, &kids,
                      q->token == AK_TOK_STRING ? ak__quick_leaf(q, AK_N_STRING)
                                                : ak__quick_fstring(q));
    return kids.first == kids.last ? kids.first
                                   : ak__quick_over(q, AK_N_CONCATENATED_STRING, kids);
}

static uint32_t first_of_atom(AkQuick *q)
{
    switch (q->token) {
    case AK_TOK_NAME: return ak__quick_leaf(q, AK_N_IDENTIFIER);
    case AK_TOK_INTEGER: return ak__quick_leaf(q, AK_N_INTEGER);
    case AK_TOK_FLOAT: return ak__quick_leaf(q, AK_N_FLOAT);
    case AK_TOK_STRING:
    case AK_TOK_FSTRING: return strings(q);
    case AK_TOK_ELLIPSIS: return ak__quick_leaf(q, AK_N_ELLIPSIS);
    case AK_TOK_FALSE: return ak__quick_leaf(q, AK_N_FALSE);
    case AK_TOK_NONE: return ak__quick_leaf(q, AK_N_NONE);
    case AK_TOK_TRUE: return ak__quick_leaf(q, AK_N_TRUE);
    case AK_TOK_OPEN: return in_parentheses(q, ak__quick_item);
    case AK_TOK_OPEN_LIST: return list(q);
    case AK_TOK_OPEN_DICT: return braces(q);
    default: return ak__quick_refuse(q);
    }
}

uint32_t ak__quick_atom(AkQuick *q)
{
    uint32_t node = first_of_atom(q);
    for (;;) {
        switch (q->token) {
        case AK_TOK_DOT: node = attribute(q, node); break;
        case AK_TOK_OPEN: node = call(q, node); break;
        case AK_TOK_OPEN_LIST: node = subscript(q, node); break;
        default: return node;
        }
    }
}
