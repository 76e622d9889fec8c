/* collect_stmt.c: from statement nodes to AkStmt; those that hold suites, but for definitions. */
#include "collect.h"

/* ---- Opening and closing ---- */

AkStmtId ak__open_stmt(AkWalk *w, AkStmtKind kind)
{
    const AkNode *node = ak__at(w);
    AkStmtId id = w->stmt_len;
    AK_ADD(w, stmts, stmt, AK_T_STMTS) = (AkStmt){.kind = (uint8_t)kind,
                                                  .suite = (uint8_t)w->suite,
                                                  .start = node->start + w->shift,
                                                  .end = node->end + w->shift,
                                                  .parent = w->stmt,
                                                  .scope = w->scope};
    w->stmt = id;
    w->suite = AK_SUITE_BODY;
    return id;
}

static bool has_suites(AkStmtKind kind)
{
    return (kind >= AK_S_IF && kind <= AK_S_CLASS);
}

bool ak__is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f';
}

/* The tree's end of a compound statement lies behind the comments that follow it. */
void ak__close_stmt(AkWalk *w, AkStmtId id)
{
    AkStmt *stmt = &w->stmts[id];
    stmt->last = w->stmt_len - 1;
    if (has_suites((AkStmtKind)stmt->kind) && stmt->last != id)
        stmt->end = w->stmts[stmt->last].end;
    while (stmt->end > stmt->start && ak__is_blank(w->block[stmt->end - 1]))
        stmt->end--;
    w->stmt = stmt->parent;
    w->suite = (AkSuite)stmt->suite;
}

void ak__error_stmt(AkWalk *w)
{
    AkStmtId id = ak__open_stmt(w, AK_S_ERROR);
    uint32_t mark = w->pending_len;
    if (ak__is_expression(ak__kind(w))) {
        AkExprId value = ak__expr(w, 0);
        ak__push(w, value);
    } else {
        ak__gather(w, 0);
    }
    AkKids targets = ak__kids(w, mark);
    w->stmts[id].targets = targets;
    ak__close_stmt(w, id);
}

void ak__suite(AkWalk *w, AkSuite suite)
{
    AkSuite outer = w->suite;
    bool broken = w->broken;
    w->suite = suite;
    for (bool more = ak__node_down(w->parser, w->level, AK_N_NODES); more;
         more = ak__node_next(w->parser, w->level, AK_N_NODES)) {
        w->broken = broken || ak__at(w)->broken;
        if (ak__is_statement(ak__kind(w)))
            ak__stmt(w);
        else
            ak__error_stmt(w);
    }
    w->suite = outer;
    w->broken = broken;
}

/* `else:` and `finally:`: a block is all they hold. */
static void clause(AkWalk *w, AkSuite suite)
{
    for (bool more = ak__first(w, AK_N_NODES, 0); more; more = ak__next(w, AK_N_NODES, 0))
        if (ak__kind(w) == AK_N_BLOCK)
            ak__suite(w, suite);
}

/* ---- if, for, while, try, with ---- */

/* The condition and the suite of `if`, `elif` and `while`; the cursor is on what else follows,
 * or behind the last child if false. */
static void if_part(AkWalk *w, AkStmtId id)
{
    if (ak__kind(w) == AK_N_BLOCK) {
        ak__suite(w, AK_SUITE_BODY);
    } else if (ak__is_expression(ak__kind(w)) || ak__kind(w) == AK_N_MISSING) {
        AkExprId value = ak__expr(w, 0);
        w->stmts[id].value = value;
    }
}

static AkStmtId elif (AkWalk *w)
{
    w->suite = AK_SUITE_ELSE;
    AkStmtId id = ak__open_stmt(w, AK_S_IF);
    for (bool more = ak__first(w, AK_N_NODES, 0); more; more = ak__next(w, AK_N_NODES, 0))
        if_part(w, id);
    return id;
}

static void if_stmt(AkWalk *w, AkStmtKind kind)
{
    AkStmtId first = ak__open_stmt(w, kind), last = first;
    for (bool more = ak__first(w, AK_N_NODES, 0); more; more = ak__next(w, AK_N_NODES, 0)) {
        if (ak__kind(w) == AK_N_ELIF_CLAUSE)
            last = elif (w);
        else if (ak__kind(w) == AK_N_ELSE_CLAUSE)
            clause(w, AK_SUITE_ELSE);
        else
            if_part(w, last);
    }
    for (;;) {
        AkStmtId outer = w->stmts[last].parent;
        ak__close_stmt(w, last);
        if (last == first)
            break;
        last = outer;
    }
}

static void for_stmt(AkWalk *w)
{
    AkStmtId id = ak__open_stmt(w, AK_S_FOR);
    uint32_t loop = w->loop_len, mark = w->pending_len;
    AK_ADD(w, loops, loop, AK_T_LOOPS) = (AkLoop){.stmt = id, .scope = w->scope};
    w->stmts[id].index = loop;
    AkExprId target = 0, value = 0;
    bool bound = false;
    for (bool more = ak__first(w, AK_N_TOKENS, 0); more; more = ak__next(w, AK_N_TOKENS, 0)) {
        AkNodeKind kind = ak__kind(w);
        if (kind == AK_N_ASYNC) {
            w->stmts[id].is_async = w->loops[loop].is_async = true;
        } else if (kind == AK_N_BLOCK) {
            ak__suite(w, AK_SUITE_BODY);
        } else if (kind == AK_N_ELSE_CLAUSE) {
            clause(w, AK_SUITE_ELSE);
        } else if (kind >= AK_N_NODES && !target) {
            target = ak__expr(w, 0);
        } else if (kind >= AK_N_NODES && !bound) {
            bound = true;
            value = ak__expr(w, 0);
            AkBinding what = ak__binding(w, AK_B_FOR, 0, 0, 0);
            what.value = value;
            what.how = AK_HOW_ITEM;
            ak__bind_target(w, target, AK_XF_STORE, &what);
        }
    }
    if (target)
        ak__push(w, target);
    AkKids targets = ak__kids(w, mark);
    w->stmts[id].targets = targets;
    w->stmts[id].value = w->loops[loop].iterated = value;
    w->loops[loop].target = target;
    ak__close_stmt(w, id);
}

/* A manager, perhaps with its `as`; pushed to pending. */
static void with_item(AkWalk *w)
{
    if (ak__kind(w) == AK_N_PARENTHESIZED_EXPRESSION && ak__first(w, AK_N_NODES, 0)) {
        if (ak__kind(w) == AK_N_AS_PATTERN) {
            with_item(w);
            ak__rest(w, 0);
            return;
        }
        ak__node_back(w->parser, w->level);
    }
    if (ak__kind(w) != AK_N_AS_PATTERN) {
        AkExprId manager = ak__expr(w, 0);
        ak__push(w, manager);
        return;
    }
    if (!ak__first(w, AK_N_NODES, 0))
        return;
    AkExprId manager = ak__expr(w, 0);
    ak__push(w, manager);
    if (ak__next(w, AK_N_NODES, 0)) {
        AkExprId target = ak__expr(w, 0);
        AkBinding what = ak__binding(w, AK_B_WITH, 0, 0, 0);
        what.value = manager;
        what.how = AK_HOW_ENTER;
        ak__bind_target(w, target, AK_XF_STORE, &what);
        ak__rest(w, 0);
    }
}

/* `with (a as b,):` is one item, a tuple with a comma for the grammar. */
static bool is_one_in_brackets(const AkWalk *w, AkNode clause)
{
    const AkNode *node = ak__at(w);
    return node->kind == AK_N_TUPLE && node->start == clause.start && node->end == clause.end;
}

static void with_clause(AkWalk *w)
{
    const AkNode whole = *ak__at(w);
    for (bool more = ak__first(w, AK_N_NODES, 0); more; more = ak__next(w, AK_N_NODES, 0)) {
        if (ak__kind(w) != AK_N_WITH_ITEM || !ak__first(w, AK_N_NODES, 0))
            continue;
        if (is_one_in_brackets(w, whole)) {
            for (bool item = ak__first(w, AK_N_NODES, 0); item;
                 item = ak__next(w, AK_N_NODES, 0))
                with_item(w);
        } else {
            with_item(w);
        }
        ak__rest(w, 0);
    }
}

static void with_stmt(AkWalk *w)
{
    AkStmtId id = ak__open_stmt(w, AK_S_WITH);
    for (bool more = ak__first(w, AK_N_TOKENS, 0); more; more = ak__next(w, AK_N_TOKENS, 0)) {
        AkNodeKind kind = ak__kind(w);
        uint32_t mark = w->pending_len;
        if (kind == AK_N_ASYNC) {
            w->stmts[id].is_async = true;
        } else if (kind == AK_N_WITH_CLAUSE) {
            with_clause(w);
            AkKids targets = ak__kids(w, mark);
            w->stmts[id].targets = targets;
        } else if (kind == AK_N_BLOCK) {
            ak__suite(w, AK_SUITE_BODY);
        }
    }
    ak__close_stmt(w, id);
}

/* `E as name` of a handler: the type is returned. */
static AkExprId handled(AkWalk *w, AkStmtId id)
{
    if (ak__kind(w) != AK_N_AS_PATTERN || !ak__first(w, AK_N_NODES, 0))
        return ak__expr(w, 0);
    AkExprId type = ak__expr(w, 0);
    if (!ak__next(w, AK_N_NODES, 0))
        return type;
    const AkNode node = *ak__at(w);
    AkName name = ak__intern_node(w);
    w->stmts[id].name = name;
    AkBinding what = ak__binding(w, AK_B_EXCEPT, name, node.start, node.end);
    what.value = type;
    what.how = AK_HOW_UNKNOWN;
    ak__bind(w, what);
    ak__rest(w, 0);
    return type;
}

/* Items with commas between them, up to the block: a tuple without brackets. */
AkExprId ak__tuple_until_block(AkWalk *w, bool *more)
{
    uint32_t mark = w->pending_len, start = ak__at(w)->start, end = start;
    AkExprId tuple = ak__new_expr(w, AK_X_TUPLE, 0, start, start);
    while (*more && ak__kind(w) != AK_N_BLOCK) {
        end = ak__at(w)->end;
        if (ak__kind(w) >= AK_N_NODES)
            ak__push(w, ak__expr(w, tuple));
        *more = ak__next(w, AK_N_COMMA, 0);
    }
    w->exprs[tuple].end = end + w->shift;
    ak__finish_expr(w, tuple, mark);
    return tuple;
}

/* `except A, B:` is a tuple without brackets. */
static void handler(AkWalk *w)
{
    w->suite = AK_SUITE_HANDLER;
    AkStmtId id = ak__open_stmt(w, AK_S_HANDLER);
    bool comma = ak__has_comma(w), more = ak__first(w, AK_N_NODES, 0);
    if (more && comma) {
        AkExprId type = ak__tuple_until_block(w, &more);
        w->stmts[id].value = type;
    }
    for (; more; more = ak__next(w, AK_N_NODES, 0)) {
        if (ak__kind(w) == AK_N_BLOCK) {
            ak__suite(w, AK_SUITE_BODY);
        } else {
            AkExprId type = handled(w, id);
            w->stmts[id].value = type;
        }
    }
    ak__close_stmt(w, id);
}

static void try_stmt(AkWalk *w)
{
    AkStmtId id = ak__open_stmt(w, AK_S_TRY);
    for (bool more = ak__first(w, AK_N_NODES, 0); more; more = ak__next(w, AK_N_NODES, 0)) {
        switch (ak__kind(w)) {
        case AK_N_BLOCK: ak__suite(w, AK_SUITE_BODY); break;
        case AK_N_EXCEPT_CLAUSE: handler(w); break;
        case AK_N_ELSE_CLAUSE: clause(w, AK_SUITE_ELSE); break;
        case AK_N_FINALLY_CLAUSE: clause(w, AK_SUITE_FINALLY); break;
        default: break;
        }
    }
    ak__close_stmt(w, id);
}

/* ---- All of them ---- */

static void stmt(AkWalk *w)
{
    switch (ak__kind(w)) {
    case AK_N_IF_STATEMENT: if_stmt(w, AK_S_IF); break;
    case AK_N_WHILE_STATEMENT: if_stmt(w, AK_S_WHILE); break;
    case AK_N_FOR_STATEMENT: for_stmt(w); break;
    case AK_N_TRY_STATEMENT: try_stmt(w); break;
    case AK_N_WITH_STATEMENT: with_stmt(w); break;
    case AK_N_MATCH_STATEMENT: ak__match_stmt(w); break;
    case AK_N_FUNCTION_DEFINITION:
    case AK_N_CLASS_DEFINITION:
    case AK_N_DECORATED_DEFINITION: ak__definition(w); break;
    default: ak__simple_stmt(w); break;
    }
}

void ak__stmt(AkWalk *w)
{
    if (w->depth >= AK_DEEPEST) {
        ak__report(w, ak__at(w)->start, ak__at(w)->end);
        return;
    }
    uint16_t flags = w->flags;
    bool quotes = w->quotes;
    w->flags = 0;
    w->quotes = false;
    w->depth++;
    stmt(w);
    w->depth--;
    w->flags = flags;
    w->quotes = quotes;
}
