/* collect_stmt.c: from statement nodes to AkStmt, functions, classes, imports and bindings. */
#include "collect.h"

enum { DEEPEST = 1000 };

/* ---- Opening and closing ---- */

static AkStmtId open_stmt(AkWalk *w, AkStmtKind kind)
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

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f';
}

/* The tree's end of a compound statement lies behind the comments that follow it. */
static void close_stmt(AkWalk *w, AkStmtId id)
{
    AkStmt *stmt = &w->stmts[id];
    stmt->last = w->stmt_len - 1;
    if (has_suites((AkStmtKind)stmt->kind) && stmt->last != id)
        stmt->end = w->stmts[stmt->last].end;
    while (stmt->end > stmt->start && is_blank(w->block[stmt->end - 1]))
        stmt->end--;
    w->stmt = stmt->parent;
    w->suite = (AkSuite)stmt->suite;
}

static void simple(AkWalk *w, AkStmtKind kind)
{
    AkStmtId id = open_stmt(w, kind);
    close_stmt(w, id);
}

static void error_stmt(AkWalk *w)
{
    AkStmtId id = open_stmt(w, AK_S_ERROR);
    uint32_t mark = w->pending_len;
    if (ak__is_expression(ak__kind(w))) {
        AkExprId value = ak__expr(w, 0);
        ak__push(w, value);
    } else {
        ak__gather(w, 0);
    }
    AkKids targets = ak__kids(w, mark);
    w->stmts[id].targets = targets;
    close_stmt(w, id);
}

void ak__suite(AkWalk *w, AkSuite suite)
{
    AkSuite outer = w->suite;
    w->suite = suite;
    for (bool more = ak__node_down(w->parser, w->level, AK_N_NODES); more;
         more = ak__node_next(w->parser, w->level, AK_N_NODES)) {
        if (ak__is_statement(ak__kind(w)))
            ak__stmt(w);
        else
            error_stmt(w);
    }
    w->suite = outer;
}

/* `else:` and `finally:`: a block is all they hold. */
static void clause(AkWalk *w, AkSuite suite)
{
    for (bool more = ak__first(w, AK_N_NODES, 0); more; more = ak__next(w, AK_N_NODES, 0))
        if (ak__kind(w) == AK_N_BLOCK)
            ak__suite(w, suite);
}

/* ---- Simple statements ---- */

static void drop(AkWalk *w, AkExprId id)
{
    AkExpr *expr = &w->exprs[id];
    expr->flags |= AK_XF_DROPPED;
    if (expr->kind == AK_X_AWAIT)
        w->exprs[w->kids[expr->kids.first]].flags |= AK_XF_DROPPED;
}

/* Leaves the children of nested assignments. */
static void leave(AkWalk *w, uint32_t levels)
{
    while (levels--)
        ak__rest(w, 0);
}

/* `a = b = v` nests to the right: down to the value, and up again. */
static void read_assignment(AkWalk *w, AkExprId *annotation, AkExprId *value)
{
    uint32_t levels = 0;
    while (ak__first(w, AK_N_NODES, 0)) {
        AkExprId target = ak__expr(w, 0);
        ak__push(w, target);
        if (!ak__next(w, AK_N_NODES, 0))
            break;
        if (ak__kind(w) == AK_N_TYPE) {
            *annotation = ak__annotation(w);
            if (!ak__next(w, AK_N_NODES, 0))
                break;
        }
        levels++;
        if (ak__kind(w) == AK_N_ASSIGNMENT)
            continue;
        *value = ak__expr(w, 0);
        break;
    }
    leave(w, levels);
}

static void assignment(AkWalk *w, AkStmtId id)
{
    uint32_t mark = w->pending_len;
    AkExprId annotation = 0, value = 0;
    read_assignment(w, &annotation, &value);
    AkKids targets = ak__kids(w, mark);
    AkStmt *stmt = &w->stmts[id];
    stmt->kind = annotation ? AK_S_ANNOTATED : AK_S_ASSIGN;
    stmt->targets = targets;
    stmt->value = value;
    stmt->extra = annotation;
    AkBinding what = ak__binding(w, annotation ? AK_B_ANNOTATED : AK_B_ASSIGN, 0, 0, 0);
    what.value = value;
    what.annotation = annotation;
    for (uint32_t i = 0; i < targets.count; i++) {
        AkExprId target = w->kids[targets.first + i];
        /* `(x): int` declares nothing. */
        if (annotation && !value && w->exprs[target].flags & AK_XF_PARENTHESES)
            w->exprs[target].flags |= AK_XF_STORE;
        else
            ak__bind_target(w, target, AK_XF_STORE, &what);
    }
}

static void augmented(AkWalk *w, AkStmtId id)
{
    uint32_t mark = w->pending_len;
    AkExprId value = 0;
    w->stmts[id].kind = AK_S_AUGMENTED;
    for (bool more = ak__first(w, AK_N_TOKENS, 0); more; more = ak__next(w, AK_N_TOKENS, 0)) {
        const AkNode *node = ak__at(w);
        if (node->kind == AK_N_OP) {
            w->stmts[id].op = (uint8_t)node->op;
        } else if (w->pending_len == mark) {
            AkExprId target = ak__expr(w, 0);
            ak__push(w, target);
        } else {
            value = ak__expr(w, 0);
        }
    }
    AkKids targets = ak__kids(w, mark);
    w->stmts[id].targets = targets;
    w->stmts[id].value = value;
    AkBinding what = ak__binding(w, AK_B_AUGMENTED, 0, 0, 0);
    what.value = value;
    what.how = AK_HOW_UNKNOWN;
    if (targets.count)
        ak__bind_target(w, w->kids[targets.first], AK_XF_STORE, &what);
}

static void expression_stmt(AkWalk *w)
{
    AkStmtId id = open_stmt(w, AK_S_EXPR);
    AkNodeKind kind = AK_N_SKIP;
    if (ak__first(w, AK_N_NODES, 0)) {
        kind = ak__kind(w);
        if (kind == AK_N_ASSIGNMENT || kind == AK_N_AUGMENTED_ASSIGNMENT) {
            if (kind == AK_N_ASSIGNMENT)
                assignment(w, id);
            else
                augmented(w, id);
            ak__rest(w, 0);
        } else {
            ak__node_back(w->parser, w->level);
            AkExprId value = ak__one_or_tuple(w, 0);
            w->stmts[id].value = value;
            drop(w, value);
        }
    }
    close_stmt(w, id);
}

static void return_stmt(AkWalk *w)
{
    AkStmtId id = open_stmt(w, AK_S_RETURN);
    AkExprId value = 0;
    if (ak__first(w, AK_N_NODES, 0)) {
        value = ak__expr(w, 0);
        ak__rest(w, 0);
    }
    w->stmts[id].value = value;
    uint32_t function = w->scopes[w->scope].function;
    if (value && function && w->scopes[w->scope].kind == AK_SCOPE_FUNCTION) {
        AK_ADD(w, returned, returned, AK_T_RETURNED) = value;
        w->functions[function].returns_value |= w->exprs[value].kind != AK_X_NONE_LITERAL;
    }
    close_stmt(w, id);
}

static void delete_stmt(AkWalk *w)
{
    AkStmtId id = open_stmt(w, AK_S_DELETE);
    uint32_t mark = w->pending_len;
    for (bool more = ak__first(w, AK_N_NODES, 0); more; more = ak__next(w, AK_N_NODES, 0)) {
        if (ak__kind(w) == AK_N_EXPRESSION_LIST) {
            ak__push_items(w, 0);
        } else {
            AkExprId target = ak__expr(w, 0);
            ak__push(w, target);
        }
    }
    AkKids targets = ak__kids(w, mark);
    w->stmts[id].targets = targets;
    AkBinding what = ak__binding(w, AK_B_DELETE, 0, 0, 0);
    what.how = AK_HOW_UNKNOWN;
    for (uint32_t i = 0; i < targets.count; i++)
        ak__bind_target(w, w->kids[targets.first + i], AK_XF_DELETE, &what);
    close_stmt(w, id);
}

/* `raise value from extra` and `assert value, extra`. */
static void value_and_extra(AkWalk *w, AkStmtKind kind)
{
    AkStmtId id = open_stmt(w, kind);
    bool second = false;
    for (bool more = ak__first(w, AK_N_TOKENS, 0); more; more = ak__next(w, AK_N_TOKENS, 0)) {
        AkNodeKind node = ak__kind(w);
        if (node < AK_N_NODES) {
            second |= node == AK_N_FROM;
            continue;
        }
        AkExprId value = ak__expr(w, 0);
        if (second)
            w->stmts[id].extra = value;
        else
            w->stmts[id].value = value;
        second |= kind == AK_S_ASSERT;
    }
    close_stmt(w, id);
}

static void declaration(AkWalk *w, AkStmtKind kind)
{
    AkStmtId id = open_stmt(w, kind);
    for (bool more = ak__first(w, AK_N_NODES, 0); more; more = ak__next(w, AK_N_NODES, 0)) {
        if (ak__kind(w) != AK_N_IDENTIFIER)
            continue;
        const AkNode *node = ak__at(w);
        AkBinding what = ak__binding(w, kind == AK_S_GLOBAL ? AK_B_GLOBAL : AK_B_NONLOCAL,
                                     ak__intern_node(w), node->start, node->end);
        what.how = AK_HOW_UNKNOWN;
        ak__bind(w, what);
        w->has_declared = true;
    }
    close_stmt(w, id);
}

/* Its type parameters are not bound: the alias has a scope of its own in Python. */
static void read_alias(AkWalk *w, AkStmtId id)
{
    uint32_t start = ak__at(w)->start, end = start;
    while (!is_blank(w->text[end]) && w->text[end] != '[' && w->text[end] != '=')
        end++;
    AkName name = ak__intern(w, w->text + start, end - start);
    AkExprId value = 0;
    if (ak__next(w, AK_N_NODES, 0)) {
        value = ak__annotation(w);
        ak__rest(w, 0);
    }
    w->stmts[id].name = name;
    w->stmts[id].value = value;
    AkBinding what = ak__binding(w, AK_B_TYPE, name, start, end);
    what.value = value;
    ak__bind(w, what);
}

/* `type(x).y = z`: the grammar sees the alias of a type called `(x).y`. The statement is parsed
 * once more, with a name in the place of the word; what is read is the text as it stands. */
static void assignment_to_type(AkWalk *w, uint32_t start, uint32_t end)
{
    const char *text = w->text;
    uint32_t shift = w->shift;
    char *copy = ak__strndup(w->arena, text + start, end - start);
    copy[0] = 'T';
    w->level++;
    if (!ak__parse(w->parser, w->level, copy, end - start))
        ak__no_memory(w);
    w->text += start;
    w->shift += start;
    w->broken = ak__parse_broken(w->parser, w->level);
    ak__suite(w, w->suite);
    w->level--;
    w->text = text;
    w->shift = shift;
    w->broken = ak__parse_broken(w->parser, w->level);
}

static void type_alias(AkWalk *w)
{
    const AkNode whole = *ak__at(w);
    bool has_left = ak__first(w, AK_N_NODES, 0);
    char first = has_left ? w->text[ak__at(w)->start] : 0;
    if ((first == '(' || first == '[') && w->level + 1 < AK_PARSE_LEVELS) {
        ak__node_up(w->parser, w->level);
        assignment_to_type(w, whole.start, whole.end);
        return;
    }
    AkStmtId id = open_stmt(w, AK_S_TYPE);
    w->stmts[id].start = whole.start + w->shift;
    w->stmts[id].end = whole.end + w->shift;
    if (has_left)
        read_alias(w, id);
    close_stmt(w, id);
}

/* What Python 2 took: its expressions are collected, Python 3 does not accept it. */
static void old_stmt(AkWalk *w)
{
    ak__report(w, ak__at(w)->start, ak__at(w)->end);
    error_stmt(w);
}

/* `print >>f, x` is a tuple with a shift in Python 3. */
static void print_stmt(AkWalk *w)
{
    const AkNode whole = *ak__at(w);
    bool shifted = ak__first(w, AK_N_NODES, 0) && ak__kind(w) == AK_N_CHEVRON;
    if (!shifted) {
        ak__node_back(w->parser, w->level);
        old_stmt(w);
        return;
    }
    const AkNode chevron = *ak__at(w);
    ak__node_back(w->parser, w->level);
    bool comma = ak__has_comma(w);
    AkStmtId id = open_stmt(w, AK_S_EXPR);
    w->stmts[id].start = whole.start + w->shift;
    w->stmts[id].end = whole.end + w->shift;
    uint32_t mark = w->pending_len;
    AkExprId tuple = comma ? ak__new_expr(w, AK_X_TUPLE, 0, whole.start, whole.end) : 0;
    AkExprId shift = ak__new_expr(w, AK_X_BINARY, tuple, whole.start, chevron.end);
    w->exprs[shift].op = AK_OP_RSHIFT;
    ak__push(w, shift);
    for (bool more = ak__first(w, AK_N_NODES, tuple); more;
         more = ak__next(w, AK_N_NODES, tuple)) {
        if (ak__kind(w) == AK_N_CHEVRON) {
            uint32_t inside = w->pending_len;
            AkExprId name = ak__dotted(w, shift, whole.start, whole.start + 5);
            ak__push(w, name);
            AkExprId file = ak__inner(w, shift);
            ak__push(w, file);
            AkKids kids = ak__kids(w, inside);
            w->exprs[shift].kids = kids;
        } else {
            AkExprId item = ak__expr(w, tuple);
            ak__push(w, item);
        }
    }
    if (tuple) {
        AkKids kids = ak__kids(w, mark);
        w->exprs[tuple].kids = kids;
    }
    w->pending_len = mark;
    w->stmts[id].value = tuple ? tuple : shift;
    drop(w, w->stmts[id].value);
    close_stmt(w, id);
}

/* ---- Imports ---- */

/* The first part of a dotted name. */
static uint32_t first_part(const AkWalk *w, uint32_t start, uint32_t end)
{
    uint32_t at = start;
    while (at < end && w->text[at] != '.' && !is_blank(w->text[at]) && w->text[at] != '\\')
        at++;
    return at;
}

static void add_import(AkWalk *w, AkImport import, uint32_t bound_start, uint32_t bound_end)
{
    import.stmt = w->stmt;
    import.scope = w->scope;
    import.start += w->shift;
    import.end += w->shift;
    import.name_start += w->shift;
    import.name_end += w->shift;
    uint32_t index = w->import_len;
    AK_ADD(w, imports, import, AK_T_IMPORTS) = import;
    w->stmts[w->stmt].count++;
    if (!import.bound)
        return;
    AkBinding what = ak__binding(w, AK_B_IMPORT, import.bound, bound_start, bound_end);
    what.index = index;
    ak__bind(w, what);
}

/* `a.b`, `a.b as c`: of an import, or what a `from` takes; from holds what is known before. */
static void import_clause(AkWalk *w, AkImport from)
{
    const AkNode whole = *ak__at(w);
    AkNode name = whole, alias = whole;
    if (whole.kind == AK_N_ALIASED_IMPORT) {
        if (!ak__first(w, AK_N_NODES, 0))
            return;
        name = *ak__at(w);
        if (!ak__next(w, AK_N_NODES, 0))
            return;
        alias = *ak__at(w);
        from.bound = ak__intern_node(w);
        from.has_alias = true;
        ak__rest(w, 0);
    } else {
        alias.end = first_part(w, name.start, name.end);
        from.bound = ak__intern(w, w->text + alias.start, alias.end - alias.start);
    }
    AkName text = ak__intern_dotted(w, w->text + name.start, name.end - name.start);
    if (from.is_from)
        from.name = text;
    else
        from.module = text;
    from.start = whole.start;
    from.end = whole.end;
    from.name_start = name.start;
    from.name_end = name.end;
    add_import(w, from, alias.start, alias.end);
}

static void relative_import(AkWalk *w, AkImport *from)
{
    for (bool more = ak__first(w, AK_N_NODES, 0); more; more = ak__next(w, AK_N_NODES, 0)) {
        const AkNode *node = ak__at(w);
        if (node->kind == AK_N_DOTTED_NAME)
            from->module = ak__intern_dotted(w, w->text + node->start, node->end - node->start);
        else if (node->kind == AK_N_IMPORT_PREFIX)
            for (uint32_t at = node->start; at < node->end; at++)
                from->level = (uint16_t)(from->level + (w->text[at] == '.'));
    }
}

static void import_stmt(AkWalk *w)
{
    AkNodeKind kind = ak__kind(w);
    AkStmtId id = open_stmt(w, AK_S_IMPORT);
    w->stmts[id].index = w->import_len;
    AkImport from = {.is_from = kind != AK_N_IMPORT_STATEMENT};
    bool has_module = kind != AK_N_IMPORT_FROM_STATEMENT;
    if (kind == AK_N_FUTURE_IMPORT_STATEMENT)
        from.module = ak__intern(w, "__future__", 10);
    for (bool more = ak__first(w, AK_N_NODES, 0); more; more = ak__next(w, AK_N_NODES, 0)) {
        const AkNode *node = ak__at(w);
        if (node->kind == AK_N_RELATIVE_IMPORT) {
            relative_import(w, &from);
        } else if (node->kind == AK_N_DOTTED_NAME && !has_module) {
            from.module = ak__intern_dotted(w, w->text + node->start, node->end - node->start);
        } else if (node->kind == AK_N_WILDCARD_IMPORT) {
            AkImport star = from;
            star.is_star = true;
            star.start = star.name_start = node->start;
            star.end = star.name_end = node->end;
            add_import(w, star, 0, 0);
        } else if (node->kind == AK_N_DOTTED_NAME || node->kind == AK_N_ALIASED_IMPORT) {
            import_clause(w, from);
        }
        has_module = true;
    }
    close_stmt(w, id);
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
    AkStmtId id = open_stmt(w, AK_S_IF);
    for (bool more = ak__first(w, AK_N_NODES, 0); more; more = ak__next(w, AK_N_NODES, 0))
        if_part(w, id);
    return id;
}

static void if_stmt(AkWalk *w, AkStmtKind kind)
{
    AkStmtId first = open_stmt(w, kind), last = first;
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
        close_stmt(w, last);
        if (last == first)
            break;
        last = outer;
    }
}

static void for_stmt(AkWalk *w)
{
    AkStmtId id = open_stmt(w, AK_S_FOR);
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
    close_stmt(w, id);
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
    AkStmtId id = open_stmt(w, AK_S_WITH);
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
    close_stmt(w, id);
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
static AkExprId tuple_until_block(AkWalk *w, bool *more)
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
    AkKids kids = ak__kids(w, mark);
    w->exprs[tuple].kids = kids;
    return tuple;
}

/* `except A, B:` is a tuple without brackets. */
static void handler(AkWalk *w)
{
    w->suite = AK_SUITE_HANDLER;
    AkStmtId id = open_stmt(w, AK_S_HANDLER);
    bool comma = ak__has_comma(w), more = ak__first(w, AK_N_NODES, 0);
    if (more && comma) {
        AkExprId type = tuple_until_block(w, &more);
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
    close_stmt(w, id);
}

static void try_stmt(AkWalk *w)
{
    AkStmtId id = open_stmt(w, AK_S_TRY);
    for (bool more = ak__first(w, AK_N_NODES, 0); more; more = ak__next(w, AK_N_NODES, 0)) {
        switch (ak__kind(w)) {
        case AK_N_BLOCK: ak__suite(w, AK_SUITE_BODY); break;
        case AK_N_EXCEPT_CLAUSE: handler(w); break;
        case AK_N_ELSE_CLAUSE: clause(w, AK_SUITE_ELSE); break;
        case AK_N_FINALLY_CLAUSE: clause(w, AK_SUITE_FINALLY); break;
        default: break;
        }
    }
    close_stmt(w, id);
}

/* ---- match ---- */

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
    AkKids kids = ak__kids(w, mark);
    w->exprs[id].kids = kids;
    ak__push(w, id);
}

static void patterns(AkWalk *w, Pattern p)
{
    bool minus = false;
    uint32_t start = 0;
    if (w->depth >= DEEPEST)
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
            AkKids kids = ak__kids(w, mark);
            w->exprs[first].kids = kids;
            ak__push(w, first);
        } else {
            AkExprId value = ak__expr(w, id);
            ak__push(w, value);
        }
    }
    AkKids kids = ak__kids(w, mark);
    w->exprs[id].kids = kids;
    ak__push(w, id);
}

/* A name alone captures; `a.b` is a value. */
static void dotted_pattern(AkWalk *w, Pattern p, bool captures)
{
    const AkNode node = *ak__at(w);
    if (captures && first_part(w, node.start, node.end) == node.end) {
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
    AkStmtId id = open_stmt(w, AK_S_CASE);
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
    close_stmt(w, id);
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

static void match_stmt(AkWalk *w)
{
    AkStmtId id = open_stmt(w, AK_S_MATCH);
    bool comma = ak__has_comma(w), more = ak__first(w, AK_N_NODES, 0);
    AkExprId subject = more && comma ? tuple_until_block(w, &more) : 0;
    for (; more; more = ak__next(w, AK_N_NODES, 0)) {
        w->stmts[id].value = subject;
        if (ak__kind(w) == AK_N_BLOCK)
            cases(w, subject);
        else
            subject = ak__expr(w, 0);
    }
    w->stmts[id].value = subject;
    close_stmt(w, id);
}

/* ---- Functions and classes ---- */

uint32_t ak__open_function(AkWalk *w, bool is_lambda)
{
    uint32_t function = w->function_len;
    const AkScope *around = &w->scopes[w->scope];
    bool method = around->kind == AK_SCOPE_CLASS && !is_lambda;
    const AkNode *node = ak__at(w);
    AK_ADD(w, functions, function, AK_T_FUNCTIONS) =
        (AkFunctionFact){.is_lambda = is_lambda,
                         .returns_value = is_lambda,
                         .start = node->start + w->shift,
                         .end = node->end + w->shift,
                         .parent = w->scope,
                         .stmt = w->stmt,
                         .class_ = method ? around->index : 0,
                         .outer = around->function};
    AkScopeId scope = ak__open_scope(w, AK_SCOPE_FUNCTION, function);
    w->functions[function].scope = scope;
    return function;
}

/* What a function's returns or yields left behind its mark, as kids. */
static AkKids take(AkWalk *w, const AkExprId *values, uint32_t from, uint32_t to)
{
    uint32_t mark = w->pending_len;
    for (uint32_t i = from; i < to; i++)
        ak__push(w, values[i]);
    return ak__kids(w, mark);
}

void ak__close_function(AkWalk *w, uint32_t function, uint32_t returned, uint32_t yielded)
{
    AkKids values = take(w, w->returned, returned, w->returned_len);
    w->functions[function].returned = values;
    w->returned_len = returned;
    values = take(w, w->yielded, yielded, w->yielded_len);
    w->functions[function].yielded = values;
    w->yielded_len = yielded;
    w->scope = w->functions[function].parent;
}

static void named_param(AkWalk *w, AkParam *param)
{
    const AkNode *node = ak__at(w);
    param->name = ak__intern_node(w);
    param->start = node->start + w->shift;
    param->end = node->end + w->shift;
}

static void starred_param(AkWalk *w, AkParam *param)
{
    param->kind = ak__kind(w) == AK_N_LIST_SPLAT_PATTERN ? AK_PARAM_ARGS : AK_PARAM_KWARGS;
    if (!ak__first(w, AK_N_NODES, 0))
        return;
    named_param(w, param);
    ak__rest(w, 0);
}

/* Name, annotation, default: what of them there is. */
static void full_param(AkWalk *w, AkParam *param, AkExprId parent)
{
    bool named = false;
    for (bool more = ak__first(w, AK_N_NODES, parent); more;
         more = ak__next(w, AK_N_NODES, parent)) {
        AkNodeKind kind = ak__kind(w);
        if (!named &&
            (kind == AK_N_LIST_SPLAT_PATTERN || kind == AK_N_DICTIONARY_SPLAT_PATTERN)) {
            starred_param(w, param);
        } else if (!named) {
            named_param(w, param);
        } else if (kind == AK_N_TYPE) {
            param->annotation = ak__annotation(w);
        } else {
            param->value = ak__expr(w, parent);
            w->exprs[param->value].flags |= AK_XF_DEFAULT;
        }
        named = true;
    }
}

static void bind_params(AkWalk *w, uint32_t function, uint32_t mark)
{
    w->functions[function].first_param = w->param_len;
    w->functions[function].param_len = w->open_param_len - mark;
    for (uint32_t i = mark; i < w->open_param_len; i++) {
        AkParam param = w->open_params[i];
        AkBinding what = ak__binding(w, AK_B_PARAMETER, param.name, param.start - w->shift,
                                     param.end - w->shift);
        what.scope = w->functions[function].scope;
        what.how = AK_HOW_UNKNOWN;
        what.annotation = param.annotation;
        what.index = w->param_len;
        AK_ADD(w, params, param, AK_T_PARAMS) = param;
        if (param.name)
            ak__bind(w, what);
    }
    w->open_param_len = mark;
}

void ak__parameters(AkWalk *w, uint32_t function)
{
    uint32_t mark = w->open_param_len;
    AkExprId parent = w->functions[function].expr;
    AkParamKind plain = AK_PARAM_PLAIN;
    for (bool more = ak__first(w, AK_N_NODES, parent); more;
         more = ak__next(w, AK_N_NODES, parent)) {
        AkParam param = {.kind = (uint8_t)plain};
        switch (ak__kind(w)) {
        case AK_N_POSITIONAL_SEPARATOR:
            for (uint32_t i = mark; i < w->open_param_len; i++)
                w->open_params[i].kind = AK_PARAM_POSITIONAL_ONLY;
            continue;
        case AK_N_KEYWORD_SEPARATOR: plain = AK_PARAM_KEYWORD_ONLY; continue;
        case AK_N_IDENTIFIER: named_param(w, &param); break;
        case AK_N_LIST_SPLAT_PATTERN:
        case AK_N_DICTIONARY_SPLAT_PATTERN: starred_param(w, &param); break;
        case AK_N_TYPED_PARAMETER:
        case AK_N_DEFAULT_PARAMETER:
        case AK_N_TYPED_DEFAULT_PARAMETER: full_param(w, &param, parent); break;
        default: ak__report(w, ak__at(w)->start, ak__at(w)->end); continue;
        }
        if (param.kind == AK_PARAM_ARGS)
            plain = AK_PARAM_KEYWORD_ONLY;
        AK_ADD(w, open_params, open_param, AK_T_OPEN_PARAMS) = param;
    }
    bind_params(w, function, mark);
}

static void type_parameter(AkWalk *w, AkScopeId scope)
{
    bool named = false;
    for (bool more = ak__first(w, AK_N_NODES, 0); more; more = ak__next(w, AK_N_NODES, 0)) {
        AkNodeKind kind = ak__kind(w);
        if (named) {
            ak__annotation(w);
        } else if (kind == AK_N_IDENTIFIER) {
            const AkNode node = *ak__at(w);
            AkBinding what =
                ak__binding(w, AK_B_TYPE, ak__intern_node(w), node.start, node.end);
            what.scope = scope;
            what.how = AK_HOW_UNKNOWN;
            ak__bind(w, what);
        } else {
            type_parameter(w, scope);
        }
        named = true;
    }
}

static void type_parameters(AkWalk *w, AkScopeId scope)
{
    for (bool more = ak__first(w, AK_N_NODES, 0); more; more = ak__next(w, AK_N_NODES, 0))
        if (ak__kind(w) == AK_N_TYPE)
            type_parameter(w, scope);
}

static bool is_not_implemented(const AkWalk *w, AkExprId id)
{
    const AkExpr *expr = &w->exprs[id];
    if (expr->kind == AK_X_CALL)
        expr = &w->exprs[w->kids[expr->kids.first]];
    return expr->kind == AK_X_NAME && ak__name_is(w, expr->name, "NotImplementedError");
}

static bool is_trivial(const AkWalk *w, AkStmtId first, AkStmtId last)
{
    for (AkStmtId i = first; i <= last; i++) {
        const AkStmt *stmt = &w->stmts[i];
        uint8_t value = w->exprs[stmt->value].kind;
        bool says_nothing =
            stmt->kind == AK_S_PASS ||
            (stmt->kind == AK_S_EXPR && (value == AK_X_STRING || value == AK_X_ELLIPSIS)) ||
            (stmt->kind == AK_S_RAISE && is_not_implemented(w, stmt->value));
        if (!says_nothing)
            return false;
    }
    return first <= last;
}

static void function_body(AkWalk *w, uint32_t function)
{
    uint32_t returned = w->returned_len, yielded = w->yielded_len;
    AkStmtId first = w->stmt_len;
    w->scope = w->functions[function].scope;
    ak__suite(w, AK_SUITE_BODY);
    w->functions[function].is_trivial = is_trivial(w, first, w->stmt_len - 1);
    ak__close_function(w, function, returned, yielded);
}

/* Binds the name that the cursor is on; index is the function's or class's. */
static AkBinding own_name(AkWalk *w, AkBindingKind kind, uint32_t index)
{
    const AkNode node = *ak__at(w);
    AkBinding what = ak__binding(w, kind, ak__intern_node(w), node.start, node.end);
    what.index = index;
    ak__bind(w, what);
    return what;
}

static void function(AkWalk *w, AkStmtId id, AkKids decorators)
{
    uint32_t function = ak__open_function(w, false);
    w->stmts[id].index = function;
    w->functions[function].decorators = decorators;
    for (bool more = ak__first(w, AK_N_TOKENS, 0); more; more = ak__next(w, AK_N_TOKENS, 0)) {
        switch (ak__kind(w)) {
        case AK_N_ASYNC: w->functions[function].is_async = w->stmts[id].is_async = true; break;
        case AK_N_IDENTIFIER: {
            AkBinding name = own_name(w, AK_B_FUNCTION, function);
            w->functions[function].name = w->stmts[id].name = name.name;
            w->functions[function].name_start = name.start;
            w->functions[function].name_end = name.end;
            break;
        }
        case AK_N_TYPE_PARAMETER: type_parameters(w, w->functions[function].scope); break;
        case AK_N_PARAMETERS: ak__parameters(w, function); break;
        case AK_N_TYPE: {
            AkExprId returns = ak__annotation(w);
            w->functions[function].returns = returns;
            break;
        }
        case AK_N_BLOCK: function_body(w, function); break;
        default: break;
        }
    }
    close_stmt(w, id);
    w->functions[function].end = w->stmts[id].end;
}

static uint32_t class_around(const AkWalk *w)
{
    for (AkScopeId scope = w->scope; scope; scope = w->scopes[scope].parent)
        if (w->scopes[scope].kind == AK_SCOPE_CLASS)
            return w->scopes[scope].index;
    return 0;
}

static void class(AkWalk *w, AkStmtId id, AkKids decorators)
{
    uint32_t index = w->class_len, around = class_around(w);
    AkScopeId outside = w->scope;
    AK_ADD(w, classes, class, AK_T_CLASSES) =
        (AkClassFact){.start = ak__at(w)->start + w->shift,
                      .parent = outside,
                      .stmt = id,
                      .outer_function = w->scopes[outside].function,
                      .outer_class = around,
                      .decorators = decorators};
    AkScopeId scope = ak__open_scope(w, AK_SCOPE_CLASS, index);
    w->classes[index].scope = scope;
    w->stmts[id].index = index;
    for (bool more = ak__first(w, AK_N_NODES, 0); more; more = ak__next(w, AK_N_NODES, 0)) {
        uint32_t mark = w->pending_len;
        switch (ak__kind(w)) {
        case AK_N_IDENTIFIER: {
            AkBinding name = own_name(w, AK_B_CLASS, index);
            w->classes[index].name = w->stmts[id].name = name.name;
            w->classes[index].name_start = name.start;
            w->classes[index].name_end = name.end;
            break;
        }
        case AK_N_TYPE_PARAMETER: type_parameters(w, scope); break;
        case AK_N_ARGUMENT_LIST:
            ak__push_items(w, 0);
            w->classes[index].bases = ak__kids(w, mark);
            break;
        case AK_N_BLOCK:
            w->scope = scope;
            ak__suite(w, AK_SUITE_BODY);
            w->scope = outside;
            break;
        default: break;
        }
    }
    close_stmt(w, id);
    w->classes[index].end = w->stmts[id].end;
}

static void definition(AkWalk *w, AkStmtId id, AkKids decorators)
{
    if (ak__kind(w) == AK_N_CLASS_DEFINITION)
        class(w, id, decorators);
    else
        function(w, id, decorators);
}

static void decorated(AkWalk *w)
{
    AkStmtId id = open_stmt(w, AK_S_ERROR);
    uint32_t mark = w->pending_len;
    bool defined = false;
    for (bool more = ak__first(w, AK_N_NODES, 0); more; more = ak__next(w, AK_N_NODES, 0)) {
        AkNodeKind kind = ak__kind(w);
        if (kind == AK_N_DECORATOR) {
            AkExprId decorator = ak__inner(w, 0);
            w->exprs[decorator].flags |= AK_XF_DECORATOR;
            ak__push(w, decorator);
        } else if (!defined &&
                   (kind == AK_N_CLASS_DEFINITION || kind == AK_N_FUNCTION_DEFINITION)) {
            defined = true;
            AkKids decorators = ak__kids(w, mark);
            w->stmts[id].kind = kind == AK_N_CLASS_DEFINITION ? AK_S_CLASS : AK_S_FUNCTION;
            definition(w, id, decorators);
        }
    }
    w->pending_len = mark;
    if (!defined)
        close_stmt(w, id);
}

/* ---- All of them ---- */

static void stmt(AkWalk *w)
{
    switch (ak__kind(w)) {
    case AK_N_EXPRESSION_STATEMENT: expression_stmt(w); break;
    case AK_N_RETURN_STATEMENT: return_stmt(w); break;
    case AK_N_IF_STATEMENT: if_stmt(w, AK_S_IF); break;
    case AK_N_WHILE_STATEMENT: if_stmt(w, AK_S_WHILE); break;
    case AK_N_FOR_STATEMENT: for_stmt(w); break;
    case AK_N_TRY_STATEMENT: try_stmt(w); break;
    case AK_N_WITH_STATEMENT: with_stmt(w); break;
    case AK_N_MATCH_STATEMENT: match_stmt(w); break;
    case AK_N_FUNCTION_DEFINITION:
        definition(w, open_stmt(w, AK_S_FUNCTION), (AkKids){0});
        break;
    case AK_N_CLASS_DEFINITION: definition(w, open_stmt(w, AK_S_CLASS), (AkKids){0}); break;
    case AK_N_DECORATED_DEFINITION: decorated(w); break;
    case AK_N_IMPORT_STATEMENT:
    case AK_N_IMPORT_FROM_STATEMENT:
    case AK_N_FUTURE_IMPORT_STATEMENT: import_stmt(w); break;
    case AK_N_ASSERT_STATEMENT: value_and_extra(w, AK_S_ASSERT); break;
    case AK_N_RAISE_STATEMENT: value_and_extra(w, AK_S_RAISE); break;
    case AK_N_DELETE_STATEMENT: delete_stmt(w); break;
    case AK_N_PASS_STATEMENT: simple(w, AK_S_PASS); break;
    case AK_N_BREAK_STATEMENT: simple(w, AK_S_BREAK); break;
    case AK_N_CONTINUE_STATEMENT: simple(w, AK_S_CONTINUE); break;
    case AK_N_GLOBAL_STATEMENT: declaration(w, AK_S_GLOBAL); break;
    case AK_N_NONLOCAL_STATEMENT: declaration(w, AK_S_NONLOCAL); break;
    case AK_N_TYPE_ALIAS_STATEMENT: type_alias(w); break;
    case AK_N_PRINT_STATEMENT: print_stmt(w); break;
    case AK_N_EXEC_STATEMENT: old_stmt(w); break;
    default: error_stmt(w); break;
    }
}

void ak__stmt(AkWalk *w)
{
    if (w->depth >= DEEPEST) {
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
