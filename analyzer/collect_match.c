/* collect_match.c: `match` and its patterns. */
#include "collect.h"

typedef struct Pattern {
    AkExprId subject;
    bool whole; /* what is captured is the subject itself */
} Pattern;

static void pattern(AkWalk *w, Pattern p);

static void capture(AkWalk *w, Pattern p)
{
    const AkNode node = *ak__at(w);
    AkName name = ak__intern_node(w);
    if (ak__name_is(w, name, "_"))
        return;
    AkBinding what = ak__binding(w, AK_B_MATCH, name, node.start, node.end);
    what.value = p.subject;
    what.how = p.whole ? AK_HOW_WHOLE : AK_HOW_UNKNOWN;
    ak__bind(w, what);
}

/* `-1`: the sign and the number are children of what holds them. */
static void negative(AkWalk *w, uint32_t start)
{
    AkExprId id = ak__new_expr(w, AK_X_UNARY, 0, start, ak__at(w)->end);
    w->exprs[id].op = AK_OP_NEGATE;
    uint32_t mark = w->pending_len;
    AkExprId value = ak__expr(w, id);
    ak__push(w, value);
    ak__finish_expr(w, id, mark);
    ak__push(w, id);
}

static void patterns(AkWalk *w, Pattern p)
{
    bool minus = false;
    uint32_t start = 0;
    if (w->depth >= AK_DEEPEST)
        return;
    w->depth++;
    for (bool more = ak__first(w, AK_N_TOKENS, 0); more; more = ak__next(w, AK_N_TOKENS, 0)) {
        const AkNode *node = ak__at(w);
        if (node->kind == AK_N_OP && node->op == AK_OP_SUB) {
            minus = true;
            start = node->start;
        } else if (node->kind >= AK_N_NODES) {
            if (minus)
                negative(w, start);
            else
                pattern(w, p);
            minus = false;
        }
    }
    w->depth--;
}

/* `1 - 2j`: one expression of two numbers. */
static void complex_number(AkWalk *w)
{
    AkExprId id = ak__new_expr(w, AK_X_BINARY, 0, ak__at(w)->start, ak__at(w)->end);
    uint32_t mark = w->pending_len;
    AkExprId first = 0;
    for (bool more = ak__first(w, AK_N_TOKENS, id); more; more = ak__next(w, AK_N_TOKENS, id)) {
        const AkNode *node = ak__at(w);
        if (node->kind == AK_N_OP && w->pending_len == mark) {
            first = ak__new_expr(w, AK_X_UNARY, id, node->start, node->end);
            w->exprs[first].op = AK_OP_NEGATE;
        } else if (node->kind == AK_N_OP) {
            w->exprs[id].op = (uint8_t)node->op;
        } else if (first && w->pending_len == mark) {
            w->exprs[first].end = node->end + w->shift;
            AkExprId value = ak__expr(w, first);
            ak__push(w, value);
            ak__finish_expr(w, first, mark);
            ak__push(w, first);
        } else {
            AkExprId value = ak__expr(w, id);
            ak__push(w, value);
        }
    }
    ak__finish_expr(w, id, mark);
    ak__push(w, id);
}

/* A name alone captures; `a.b` is a value. */
static void dotted_pattern(AkWalk *w, Pattern p, bool captures)
{
    const AkNode node = *ak__at(w);
    if (captures && ak__first_part(w, node.start, node.end) == node.end) {
        capture(w, p);
        return;
    }
    AkExprId id = ak__dotted(w, 0, node.start, node.end);
    ak__push(w, id);
}

static void class_pattern(AkWalk *w, Pattern p)
{
    bool first = true;
    p.whole = false;
    for (bool more = ak__first(w, AK_N_NODES, 0); more; more = ak__next(w, AK_N_NODES, 0)) {
        if (first && ak__kind(w) == AK_N_DOTTED_NAME)
            dotted_pattern(w, p, false);
        else
            pattern(w, p);
        first = false;
    }
}

static void keyword_pattern(AkWalk *w, Pattern p)
{
    bool minus = false;
    uint32_t start = 0, count = 0;
    p.whole = false;
    for (bool more = ak__first(w, AK_N_TOKENS, 0); more; more = ak__next(w, AK_N_TOKENS, 0)) {
        const AkNode *node = ak__at(w);
        if (node->kind == AK_N_OP) {
            minus = true;
            start = node->start;
        } else if (node->kind >= AK_N_NODES && count++) {
            if (minus)
                negative(w, start);
            else
                pattern(w, p);
        }
    }
}

static void pattern(AkWalk *w, Pattern p)
{
    Pattern part = {p.subject, false};
    switch (ak__kind(w)) {
    case AK_N_CASE_PATTERN:
    case AK_N_AS_PATTERN:
    case AK_N_UNION_PATTERN: patterns(w, p); break;
    case AK_N_TUPLE_PATTERN: patterns(w, ak__has_comma(w) ? part : p); break;
    case AK_N_LIST_PATTERN:
    case AK_N_DICT_PATTERN:
    case AK_N_SPLAT_PATTERN: patterns(w, part); break;
    case AK_N_KEYWORD_PATTERN: keyword_pattern(w, p); break;
    case AK_N_CLASS_PATTERN: class_pattern(w, p); break;
    case AK_N_COMPLEX_PATTERN: complex_number(w); break;
    case AK_N_DOTTED_NAME: dotted_pattern(w, p, true); break;
    case AK_N_IDENTIFIER: capture(w, p); break;
    default: {
        AkExprId value = ak__expr(w, 0);
        ak__push(w, value);
    }
    }
}

static void case_clause(AkWalk *w, AkExprId subject)
{
    w->suite = AK_SUITE_HANDLER;
    Pattern p = {subject, !ak__has_comma(w)};
    AkStmtId id = ak__open_stmt(w, AK_S_CASE);
    uint32_t mark = w->pending_len;
    for (bool more = ak__first(w, AK_N_NODES, 0); more; more = ak__next(w, AK_N_NODES, 0)) {
        AkNodeKind kind = ak__kind(w);
        if (kind == AK_N_CASE_PATTERN) {
            pattern(w, p);
            continue;
        }
        if (w->pending_len > mark) {
            AkKids targets = ak__kids(w, mark);
            w->stmts[id].targets = targets;
        }
        if (kind == AK_N_IF_CLAUSE) {
            AkExprId guard = ak__inner(w, 0);
            w->stmts[id].value = guard;
        } else if (kind == AK_N_BLOCK) {
            ak__suite(w, AK_SUITE_BODY);
        }
    }
    w->pending_len = mark;
    ak__close_stmt(w, id);
}

static void cases(AkWalk *w, AkExprId subject)
{
    for (bool more = ak__first(w, AK_N_NODES, 0); more; more = ak__next(w, AK_N_NODES, 0)) {
        if (ak__kind(w) == AK_N_CASE_CLAUSE)
            case_clause(w, subject);
        else if (ak__is_statement(ak__kind(w)))
            ak__stmt(w);
    }
}

void ak__match_stmt(AkWalk *w)
{
    AkStmtId id = ak__open_stmt(w, AK_S_MATCH);
    bool comma = ak__has_comma(w), more = ak__first(w, AK_N_NODES, 0);
    AkExprId subject = more && comma ? ak__tuple_until_block(w, &more) : 0;
    for (; more; more = ak__next(w, AK_N_NODES, 0)) {
        w->stmts[id].value = subject;
        if (ak__kind(w) == AK_N_BLOCK)
            cases(w, subject);
        else
            subject = ak__expr(w, 0);
    }
    w->stmts[id].value = subject;
    ak__close_stmt(w, id);
}
