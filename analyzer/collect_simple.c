/* collect_simple.c: statements of one line, imports among them. */
#include "collect.h"

/* ---- Values and targets ---- */

static void simple(AkWalk *w, AkStmtKind kind)
{
    AkStmtId id = ak__open_stmt(w, kind);
    ak__close_stmt(w, id);
}

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
    AkStmtId id = ak__open_stmt(w, AK_S_EXPR);
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
    ak__close_stmt(w, id);
}

static void return_stmt(AkWalk *w)
{
    AkStmtId id = ak__open_stmt(w, AK_S_RETURN);
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
    ak__close_stmt(w, id);
}

static void delete_stmt(AkWalk *w)
{
    AkStmtId id = ak__open_stmt(w, AK_S_DELETE);
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
    ak__close_stmt(w, id);
}

/* `raise value from extra` and `assert value, extra`. */
static void value_and_extra(AkWalk *w, AkStmtKind kind)
{
    AkStmtId id = ak__open_stmt(w, kind);
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
    ak__close_stmt(w, id);
}

static void declaration(AkWalk *w, AkStmtKind kind)
{
    AkStmtId id = ak__open_stmt(w, kind);
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
    ak__close_stmt(w, id);
}

/* Its type parameters are not bound: the alias has a scope of its own in Python. */
static void read_alias(AkWalk *w, AkStmtId id)
{
    uint32_t start = ak__at(w)->start, end = start;
    while (!ak__is_blank(w->text[end]) && w->text[end] != '[' && w->text[end] != '=')
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
    ak__suite(w, w->suite);
    w->level--;
    w->text = text;
    w->shift = shift;
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
    AkStmtId id = ak__open_stmt(w, AK_S_TYPE);
    w->stmts[id].start = whole.start + w->shift;
    w->stmts[id].end = whole.end + w->shift;
    if (has_left)
        read_alias(w, id);
    ak__close_stmt(w, id);
}

/* What Python 2 took: its expressions are collected, Python 3 does not accept it. */
static void old_stmt(AkWalk *w)
{
    ak__report(w, ak__at(w)->start, ak__at(w)->end);
    ak__error_stmt(w);
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
    AkStmtId id = ak__open_stmt(w, AK_S_EXPR);
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
            ak__finish_expr(w, shift, inside);
        } else {
            AkExprId item = ak__expr(w, tuple);
            ak__push(w, item);
        }
    }
    if (tuple) {
        ak__finish_expr(w, tuple, mark);
    }
    w->pending_len = mark;
    w->stmts[id].value = tuple ? tuple : shift;
    drop(w, w->stmts[id].value);
    ak__close_stmt(w, id);
}

/* ---- Imports ---- */

/* The first part of a dotted name. */
uint32_t ak__first_part(const AkWalk *w, uint32_t start, uint32_t end)
{
    uint32_t at = start;
    while (at < end && w->text[at] != '.' && !ak__is_blank(w->text[at]) && w->text[at] != '\\')
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
        alias.end = ak__first_part(w, name.start, name.end);
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
    AkStmtId id = ak__open_stmt(w, AK_S_IMPORT);
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
    ak__close_stmt(w, id);
}

/* ---- All of them ---- */

void ak__simple_stmt(AkWalk *w)
{
    switch (ak__kind(w)) {
    case AK_N_EXPRESSION_STATEMENT: expression_stmt(w); break;
    case AK_N_RETURN_STATEMENT: return_stmt(w); break;
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
    default: ak__error_stmt(w); break;
    }
}
