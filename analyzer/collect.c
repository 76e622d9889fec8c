/* collect.c: one walk over a block's syntax fills the tables of facts.h.
 *
 * Statements are handled here, one function a kind; expressions in collect_expr.c, what is
 * bound in collect_target.c, strings in collect_string.c. The walk's state (AkWalk) says where
 * it stands: scope, statement, suite, parent expression. Tables grow in scratch memory and are
 * copied into the caller's arena at the end, when the bindings are sorted and the lists of
 * returns and yields are made.
 */
#include "collect.h"

#include <stdlib.h>
#include <string.h>

/* ---- Nodes and names ---- */

uint32_t ak__child(const AkWalk *w, uint32_t node, AkField field)
{
    if (node || w->nodes[0].kind != AK_T_module)
        AK_EACH_CHILD(w, node, c)
    if (w->nodes[c].field == field)
        return c;
    return 0;
}

uint32_t ak__child_of_kind(const AkWalk *w, uint32_t node, uint8_t kind)
{
    AK_EACH_CHILD(w, node, c)
    if (w->nodes[c].kind == kind)
        return c;
    return 0;
}

bool ak__has_token(const AkWalk *w, uint32_t node, uint8_t kind)
{
    return ak__child_of_kind(w, node, kind) != 0;
}

uint32_t ak__hash(const char *bytes, size_t len)
{
    uint32_t hash = 2166136261u;

    for (size_t i = 0; i < len; i++)
        hash = (hash ^ (unsigned char)bytes[i]) * 16777619u;
    return hash;
}

static void grow_buckets(AkWalk *w)
{
    uint32_t size = w->bucket_mask ? (w->bucket_mask + 1) * 2 : 256;

    w->buckets = ak__alloc(w->scratch, size * sizeof(*w->buckets));
    w->bucket_mask = size - 1;
    for (uint32_t i = 1; i < w->names_len; i++) {
        uint32_t at = w->name_hash[i] & w->bucket_mask;

        while (w->buckets[at])
            at = (at + 1) & w->bucket_mask;
        w->buckets[at] = i;
    }
}

AkName ak__intern(AkWalk *w, const char *text, uint32_t len)
{
    uint32_t hash = ak__hash(text, len), at;

    if (w->names_len * 2 > w->bucket_mask)
        grow_buckets(w);
    for (at = hash & w->bucket_mask; w->buckets[at]; at = (at + 1) & w->bucket_mask) {
        uint32_t i = w->buckets[at];

        if (w->name_hash[i] == hash && w->name_len[i] == len &&
            memcmp(w->names[i], text, len) == 0)
            return i;
    }
    w->buckets[at] = w->names_len;
    AK_PUSH(w->scratch, w->names, w->names_len, w->names_cap) =
        ak__strndup(w->scratch, text, len);
    AK_PUSH(w->scratch, w->name_len, w->name_len_len, w->name_len_cap) = len;
    AK_PUSH(w->scratch, w->name_hash, w->name_hash_len, w->name_hash_cap) = hash;
    return w->names_len - 1;
}

AkName ak__node_name(AkWalk *w, uint32_t node)
{
    return node ? ak__intern(w, w->text + w->nodes[node].start,
                             w->nodes[node].end - w->nodes[node].start)
                : 0;
}

/* "a.b" of a dotted_name; blanks and comments between its parts do not count. */
static AkName dotted_text(AkWalk *w, uint32_t node)
{
    char text[512];
    uint32_t len = 0;

    AK_EACH_CHILD(w, node, c)
    {
        uint32_t part = w->nodes[c].end - w->nodes[c].start;

        if (w->nodes[c].kind != AK_T_identifier || len + part + 1 > sizeof(text))
            continue;
        if (len)
            text[len++] = '.';
        memcpy(text + len, w->text + w->nodes[c].start, part);
        len += part;
    }
    return len ? ak__intern(w, text, len) : 0;
}

/* ---- Scopes, functions, statements ---- */

AkScopeId ak__scope_new(AkWalk *w, AkScopeKind kind, uint32_t index)
{
    AkScope scope = {.kind = (uint8_t)kind, .parent = w->scope, .index = index};

    if (kind == AK_SCOPE_FUNCTION)
        scope.function = index;
    else if (kind == AK_SCOPE_COMPREHENSION)
        scope.function = w->scopes[w->scope].function;
    AK_PUSH(w->scratch, w->scopes, w->scopes_len, w->scopes_cap) = scope;
    return w->scopes_len - 1;
}

/* The function that a scope lies in, through classes too. */
static uint32_t function_around(const AkWalk *w, AkScopeId scope)
{
    for (; scope; scope = w->scopes[scope].parent)
        if (w->scopes[scope].kind == AK_SCOPE_FUNCTION)
            return w->scopes[scope].index;
    return 0;
}

static uint32_t class_around(const AkWalk *w, AkScopeId scope)
{
    for (; scope; scope = w->scopes[scope].parent)
        if (w->scopes[scope].kind == AK_SCOPE_CLASS)
            return w->scopes[scope].index;
    return 0;
}

uint32_t ak__function_new(AkWalk *w, uint32_t node)
{
    AkFunctionFact fact = {.start = w->nodes[node].start + w->shift,
                           .end = w->nodes[node].end + w->shift,
                           .parent = w->scope,
                           .stmt = w->stmt,
                           .outer = function_around(w, w->scope),
                           .is_async = ak__has_token(w, node, AK_T_async)};
    uint32_t index;

    if (w->scopes[w->scope].kind == AK_SCOPE_CLASS &&
        w->nodes[node].kind == AK_T_function_definition)
        fact.class_ = w->scopes[w->scope].index;
    AK_PUSH(w->scratch, w->functions, w->functions_len, w->functions_cap) = fact;
    index = w->functions_len - 1;
    w->functions[index].scope = ak__scope_new(w, AK_SCOPE_FUNCTION, index);
    return index;
}

static AkStmtId stmt_new(AkWalk *w, AkStmtKind kind, uint32_t node)
{
    AkStmt stmt = {.kind = (uint8_t)kind,
                   .suite = w->suite,
                   .parent = w->outer,
                   .scope = w->scope,
                   .start = w->nodes[node].start + w->shift,
                   .end = w->nodes[node].end + w->shift};

    AK_PUSH(w->scratch, w->stmts, w->stmts_len, w->stmts_cap) = stmt;
    w->stmt = w->stmts_len - 1;
    w->stmts[w->stmt].last = w->stmt;
    return w->stmt;
}

static void statement(AkWalk *w, uint32_t node);

/* The statements below node, as a suite of parent. */
static void suite(AkWalk *w, uint32_t node, AkStmtId parent, AkSuite which)
{
    AkStmtId outer = w->outer, stmt = w->stmt;
    uint8_t old = w->suite;

    if (!node || w->depth >= AK_DEEPEST)
        return;
    w->depth++;
    w->outer = parent;
    w->suite = (uint8_t)which;
    AK_EACH_CHILD(w, node, c)
    statement(w, c);
    w->outer = outer;
    w->suite = old;
    w->stmt = stmt;
    w->depth--;
}

static void close_stmt(AkWalk *w, AkStmtId stmt)
{
    w->stmts[stmt].last = w->stmts_len - 1;
}

static void set_value(AkWalk *w, AkStmtId stmt, uint32_t node)
{
    AkExprId value = ak__expr(w, node);

    w->stmts[stmt].value = value;
}

static uint32_t first_expr(const AkWalk *w, uint32_t node)
{
    AK_EACH_CHILD(w, node, c)
    if (ak__is_expr(w, c))
        return c;
    return 0;
}

/* ---- Simple statements ---- */

static void mark_dropped(AkWalk *w, AkExprId expr)
{
    w->exprs[expr].flags |= AK_XF_DROPPED;
    if (w->exprs[expr].kind == AK_X_AWAIT && w->exprs[expr].kids.count)
        w->exprs[w->kids[w->exprs[expr].kids.first]].flags |= AK_XF_DROPPED;
}

static void put_targets(AkWalk *w, AkStmtId stmt, uint32_t mark)
{
    AkKids kids = ak__kids_take(w, mark);

    w->stmts[stmt].targets = kids;
}

static void annotated(AkWalk *w, uint32_t node)
{
    AkStmtId stmt = stmt_new(w, AK_S_ANNOTATED, node);
    uint32_t mark = ak__kids_mark(w), bindings = w->bindings_len;
    AkExprId annotation;

    ak__kids_push(w,
                  ak__target(w, ak__child(w, node, AK_F_left), AK_B_ANNOTATED, AK_HOW_WHOLE));
    put_targets(w, stmt, mark);
    annotation = ak__annotation_expr(w, ak__child(w, node, AK_F_type));
    for (uint32_t i = bindings; i < w->bindings_len; i++)
        w->bindings[i].annotation = annotation;
    w->stmts[stmt].extra = annotation;
    set_value(w, stmt, ak__child(w, node, AK_F_right));
    ak__bind_value(w, bindings, w->stmts[stmt].value);
}

/* `a = b = value`: the right side of one is the next. */
static void assignment(AkWalk *w, uint32_t node)
{
    uint32_t mark = ak__kids_mark(w), bindings = w->bindings_len;
    AkStmtId stmt;

    if (ak__child(w, node, AK_F_type)) {
        annotated(w, node);
        return;
    }
    stmt = stmt_new(w, AK_S_ASSIGN, node);
    for (;;) {
        ak__kids_push(w,
                      ak__target(w, ak__child(w, node, AK_F_left), AK_B_ASSIGN, AK_HOW_WHOLE));
        node = ak__child(w, node, AK_F_right);
        if (!node || w->nodes[node].kind != AK_T_assignment)
            break;
    }
    put_targets(w, stmt, mark);
    set_value(w, stmt, node);
    ak__bind_value(w, bindings, w->stmts[stmt].value);
}

static void augmented(AkWalk *w, uint32_t node)
{
    AkStmtId stmt = stmt_new(w, AK_S_AUGMENTED, node);
    uint32_t mark = ak__kids_mark(w), bindings = w->bindings_len;
    uint32_t op = ak__child_of_kind(w, node, AK_T_operator);

    ak__kids_push(w,
                  ak__target(w, ak__child(w, node, AK_F_left), AK_B_AUGMENTED, AK_HOW_WHOLE));
    put_targets(w, stmt, mark);
    w->stmts[stmt].op = op ? w->nodes[op].op : 0;
    set_value(w, stmt, ak__child(w, node, AK_F_right));
    ak__bind_value(w, bindings, w->stmts[stmt].value);
}

/* `a, b` without parentheses is a tuple of the statement's children. */
static void bare_tuple(AkWalk *w, AkStmtId stmt, uint32_t node)
{
    AkExprId id = ak__expr_new(w, AK_X_TUPLE, node);
    uint32_t mark = ak__kids_mark(w);
    AkKids kids;

    w->parent = id;
    AK_EACH_CHILD(w, node, c)
    if (ak__is_expr(w, c))
        ak__kids_push(w, ak__expr(w, c));
    w->parent = 0;
    kids = ak__kids_take(w, mark);
    w->exprs[id].kids = kids;
    w->stmts[stmt].value = id;
}

static void expression(AkWalk *w, uint32_t node)
{
    uint32_t first = node + 1, count = 0;
    AkStmtId stmt;

    if (first >= w->nodes[node].next)
        return;
    if (w->nodes[first].kind == AK_T_assignment) {
        assignment(w, first);
        return;
    }
    if (w->nodes[first].kind == AK_T_augmented_assignment) {
        augmented(w, first);
        return;
    }
    stmt = stmt_new(w, AK_S_EXPR, node);
    AK_EACH_CHILD(w, node, c)
    count += ak__is_expr(w, c);
    if (count > 1)
        bare_tuple(w, stmt, node);
    else
        set_value(w, stmt, first_expr(w, node));
    if (w->stmts[stmt].value)
        mark_dropped(w, w->stmts[stmt].value);
}

static void raise(AkWalk *w, uint32_t node)
{
    AkStmtId stmt = stmt_new(w, AK_S_RAISE, node);
    uint32_t cause = ak__child(w, node, AK_F_cause), value = first_expr(w, node);
    AkExprId extra;

    set_value(w, stmt, value != cause ? value : 0);
    extra = ak__expr(w, cause);
    w->stmts[stmt].extra = extra;
}

static void delete (AkWalk *w, uint32_t node)
{
    AkStmtId stmt = stmt_new(w, AK_S_DELETE, node);
    uint32_t mark = ak__kids_mark(w), list = first_expr(w, node), exprs = w->exprs_len;

    if (list && w->nodes[list].kind == AK_T_expression_list) {
        AK_EACH_CHILD(w, list, c)
        if (ak__is_expr(w, c))
            ak__kids_push(w, ak__expr(w, c));
    } else if (list) {
        ak__kids_push(w, ak__expr(w, list));
    }
    put_targets(w, stmt, mark);
    for (AkExprId i = exprs; i < w->exprs_len; i++) {
        AkExpr *expr = &w->exprs[i];

        if (!expr->parent || w->exprs[expr->parent].kind == AK_X_TUPLE ||
            w->exprs[expr->parent].kind == AK_X_LIST) {
            expr->flags |= AK_XF_DELETE;
            if (expr->kind == AK_X_NAME)
                ak__bind(w, w->scope, expr->name, AK_B_DELETE, expr->start - w->shift,
                         expr->end - w->shift);
        }
    }
}

static void assertion(AkWalk *w, uint32_t node)
{
    AkStmtId stmt = stmt_new(w, AK_S_ASSERT, node);
    uint32_t seen = 0;

    AK_EACH_CHILD(w, node, c)
    {
        AkExprId expr = ak__is_expr(w, c) && seen < 2 ? ak__expr(w, c) : 0;

        if (expr && seen++ == 0)
            w->stmts[stmt].value = expr;
        else if (expr)
            w->stmts[stmt].extra = expr;
    }
}

static void declaration(AkWalk *w, uint32_t node, AkStmtKind kind, AkBindingKind binding)
{
    stmt_new(w, kind, node);
    AK_EACH_CHILD(w, node, c)
    if (w->nodes[c].kind == AK_T_identifier)
        ak__bind(w, w->scope, ak__node_name(w, c), binding, w->nodes[c].start, w->nodes[c].end);
}

/* `type(x).y = z` is an assignment, which the grammar reads as a type's name: it is read again
 * with another word in front, and the word put right. */
static void type_called(AkWalk *w, uint32_t node)
{
    uint32_t len = w->nodes[node].end - w->nodes[node].start, exprs = w->exprs_len;
    const char *text = w->text;
    const AkSyntax *nodes = w->nodes;
    uint32_t shift = w->shift;
    char *again = ak__strndup(w->scratch, text + w->nodes[node].start, len);
    AkName name;

    again[0] = 'T';
    w->shift += w->nodes[node].start;
    w->text = again;
    w->nodes = ak__parse(w->scratch, w->parser, again, len, 0).nodes;
    if (w->nodes && w->nodes[1].kind == AK_T_expression_statement)
        expression(w, 1);
    name = ak__intern(w, "type", 4);
    for (AkExprId i = exprs; i < w->exprs_len; i++)
        if (w->exprs[i].kind == AK_X_NAME && w->exprs[i].start == w->shift)
            w->exprs[i].name = name;
    w->text = text;
    w->nodes = nodes;
    w->shift = shift;
}

static void type_alias(AkWalk *w, uint32_t node)
{
    AkStmtId stmt = stmt_new(w, AK_S_TYPE, node);
    uint32_t name = ak__child(w, node, AK_F_left);
    AkExprId value;

    while (name && name < w->nodes[node].next && w->nodes[name].kind != AK_T_identifier)
        name++;
    if (name)
        ak__bind(w, w->scope, ak__node_name(w, name), AK_B_TYPE, w->nodes[name].start,
                 w->nodes[name].end);
    value = ak__annotation_expr(w, ak__child(w, node, AK_F_right));
    w->stmts[stmt].value = value;
}

/* Python 2's statements: the grammar reads them, CPython does not. */
static void outdated(AkWalk *w, uint32_t node)
{
    AkStmtId stmt = stmt_new(w, AK_S_ERROR, node);

    AK_PUSH(w->scratch, w->errors, w->errors_len, w->errors_cap) =
        (AkSyntaxError){w->stmts[stmt].start, w->stmts[stmt].end, false};
    AK_EACH_CHILD(w, node, c)
    if (ak__is_expr(w, c))
        ak__expr(w, c);
}

/* ---- Imports ---- */

static bool is_type_checking(const AkWalk *w, AkExprId test)
{
    return test &&
           (w->exprs[test].kind == AK_X_NAME || w->exprs[test].kind == AK_X_ATTRIBUTE) &&
           strcmp(w->names[w->exprs[test].name], "TYPE_CHECKING") == 0;
}

static void place_import(const AkWalk *w, AkImport *import)
{
    AkStmtId below = w->stmt;

    for (AkStmtId i = w->stmts[below].parent; i; below = i, i = w->stmts[i].parent) {
        uint8_t kind = w->stmts[i].kind;

        if (kind == AK_S_FUNCTION)
            return;
        if (kind == AK_S_IF && w->stmts[below].suite == AK_SUITE_BODY &&
            is_type_checking(w, w->stmts[i].value))
            import->type_checking = true;
        else if (kind == AK_S_IF || kind == AK_S_TRY)
            import->optional = true;
    }
}

static void import_new(AkWalk *w, AkImport *import, uint32_t clause)
{
    AkBindingKind kind = AK_B_IMPORT;
    uint32_t binding;

    import->stmt = w->stmt;
    import->scope = w->scope;
    import->start = w->nodes[clause].start + w->shift;
    import->end = w->nodes[clause].end + w->shift;
    place_import(w, import);
    if (!import->is_star) {
        binding = ak__bind(w, w->scope, import->bound, kind, w->nodes[clause].start,
                           w->nodes[clause].end);
        w->bindings[binding].index = w->imports_len;
    }
    AK_PUSH(w->scratch, w->imports, w->imports_len, w->imports_cap) = *import;
}

/* `a.b` or `a.b as c`: the name and what it binds. */
static AkName clause_names(AkWalk *w, uint32_t clause, AkImport *import)
{
    uint32_t name = clause, alias = 0;

    if (w->nodes[clause].kind == AK_T_aliased_import) {
        name = ak__child(w, clause, AK_F_name);
        alias = ak__child(w, clause, AK_F_alias);
    }
    import->has_alias = alias != 0;
    import->name_start = w->nodes[name].start + w->shift;
    import->name_end = w->nodes[name].end + w->shift;
    import->bound = alias ? ak__node_name(w, alias)
                          : ak__node_name(w, name + 1 < w->nodes[name].next ? name + 1 : name);
    return dotted_text(w, name);
}

static void import_plain(AkWalk *w, uint32_t node)
{
    AkStmtId stmt = stmt_new(w, AK_S_IMPORT, node);
    uint32_t first = w->imports_len;

    AK_EACH_CHILD(w, node, c)
    {
        AkImport import = {0};

        if (w->nodes[c].field != AK_F_name)
            continue;
        import.module = clause_names(w, c, &import);
        import_new(w, &import, c);
    }
    w->stmts[stmt].index = first;
    w->stmts[stmt].count = w->imports_len - first;
}

static void import_from(AkWalk *w, uint32_t node)
{
    AkStmtId stmt = stmt_new(w, AK_S_IMPORT, node);
    uint32_t first = w->imports_len, from = ak__child(w, node, AK_F_module_name);
    AkImport base = {.is_from = true};

    if (w->nodes[node].kind == AK_T_future_import_statement) {
        base.module = ak__intern(w, "__future__", 10);
    } else if (from && w->nodes[from].kind == AK_T_relative_import) {
        uint32_t prefix = ak__child_of_kind(w, from, AK_T_import_prefix),
                 name = ak__child_of_kind(w, from, AK_T_dotted_name);

        for (uint32_t i = w->nodes[prefix].start; prefix && i < w->nodes[prefix].end; i++)
            base.level = (uint16_t)(base.level + (w->text[i] == '.'));
        base.module = name ? dotted_text(w, name) : 0;
    } else if (from) {
        base.module = dotted_text(w, from);
    }
    AK_EACH_CHILD(w, node, c)
    {
        AkImport import = base;

        if (w->nodes[c].kind == AK_T_wildcard_import)
            import.is_star = true;
        else if (w->nodes[c].field == AK_F_name)
            import.name = clause_names(w, c, &import);
        else
            continue;
        import_new(w, &import, c);
    }
    w->stmts[stmt].index = first;
    w->stmts[stmt].count = w->imports_len - first;
}

/* ---- Compound statements ---- */

/* `elif` is an if in the else of the one before; a chain of them may be long. */
static void if_statement(AkWalk *w, uint32_t node)
{
    AkStmtId outer = w->outer, first = stmt_new(w, AK_S_IF, node), current = first;
    uint8_t old = w->suite;

    set_value(w, current, ak__child(w, node, AK_F_condition));
    suite(w, ak__child(w, node, AK_F_consequence), current, AK_SUITE_BODY);
    AK_EACH_CHILD(w, node, c)
    {
        if (w->nodes[c].kind == AK_T_elif_clause) {
            w->outer = current;
            w->suite = AK_SUITE_ELSE;
            current = stmt_new(w, AK_S_IF, c);
            w->stmts[current].end = w->nodes[node].end + w->shift;
            set_value(w, current, ak__child(w, c, AK_F_condition));
            suite(w, ak__child(w, c, AK_F_consequence), current, AK_SUITE_BODY);
        } else if (w->nodes[c].kind == AK_T_else_clause) {
            suite(w, ak__child(w, c, AK_F_body), current, AK_SUITE_ELSE);
        }
    }
    for (; current != outer; current = w->stmts[current].parent)
        close_stmt(w, current);
    w->outer = outer;
    w->suite = old;
}

static void else_suite(AkWalk *w, uint32_t node, AkStmtId stmt)
{
    AK_EACH_CHILD(w, node, c)
    if (w->nodes[c].kind == AK_T_else_clause)
        suite(w, ak__child(w, c, AK_F_body), stmt, AK_SUITE_ELSE);
}

static void for_statement(AkWalk *w, uint32_t node)
{
    AkStmtId stmt = stmt_new(w, AK_S_FOR, node);
    uint32_t mark = ak__kids_mark(w), bindings = w->bindings_len, loop;
    AkExprId target;

    AK_PUSH(w->scratch, w->loops, w->loops_len, w->loops_cap) = (AkLoop){
        .scope = w->scope, .stmt = stmt, .is_async = ak__has_token(w, node, AK_T_async)};
    loop = w->loops_len - 1;
    w->stmts[stmt].index = loop;
    w->stmts[stmt].is_async = w->loops[loop].is_async;
    target = ak__target(w, ak__child(w, node, AK_F_left), AK_B_FOR, AK_HOW_ITEM);
    ak__kids_push(w, target);
    put_targets(w, stmt, mark);
    set_value(w, stmt, ak__child(w, node, AK_F_right));
    ak__bind_value(w, bindings, w->stmts[stmt].value);
    w->loops[loop].target = target;
    w->loops[loop].iterated = w->stmts[stmt].value;
    suite(w, ak__child(w, node, AK_F_body), stmt, AK_SUITE_BODY);
    else_suite(w, node, stmt);
    close_stmt(w, stmt);
}

static void while_statement(AkWalk *w, uint32_t node)
{
    AkStmtId stmt = stmt_new(w, AK_S_WHILE, node);

    set_value(w, stmt, ak__child(w, node, AK_F_condition));
    suite(w, ak__child(w, node, AK_F_body), stmt, AK_SUITE_BODY);
    else_suite(w, node, stmt);
    close_stmt(w, stmt);
}

/* One item: `value`, `value as target`; parentheses around several are looked through. */
static void with_value(AkWalk *w, uint32_t node)
{
    if (w->nodes[node].kind == AK_T_tuple && ak__child_of_kind(w, node, AK_T_as_pattern)) {
        AK_EACH_CHILD(w, node, c)
        if (ak__is_expr(w, c))
            with_value(w, c);
        return;
    }
    ak__kids_push(w, ak__expr(w, node));
}

static void with_statement(AkWalk *w, uint32_t node)
{
    AkStmtId stmt = stmt_new(w, AK_S_WITH, node);
    uint32_t mark = ak__kids_mark(w), clause = ak__child_of_kind(w, node, AK_T_with_clause);

    w->stmts[stmt].is_async = ak__has_token(w, node, AK_T_async);
    AK_EACH_CHILD(w, clause, c)
    if (clause && w->nodes[c].kind == AK_T_with_item && ak__child(w, c, AK_F_value))
        with_value(w, ak__child(w, c, AK_F_value));
    put_targets(w, stmt, mark);
    suite(w, ak__child(w, node, AK_F_body), stmt, AK_SUITE_BODY);
    close_stmt(w, stmt);
}

/* What a handler catches: one type, or a tuple of them (also without parentheses). */
static AkExprId caught(AkWalk *w, uint32_t node)
{
    uint32_t count = 0, value = 0;
    AkExprId id;
    uint32_t mark;
    AkKids kids;

    AK_EACH_CHILD(w, node, c)
    {
        if (w->nodes[c].field == AK_F_value && ak__is_expr(w, c)) {
            value = value ? value : c;
            count++;
        }
    }
    if (count < 2)
        return ak__expr(w, value);
    id = ak__expr_new(w, AK_X_TUPLE, value);
    mark = ak__kids_mark(w);
    w->parent = id;
    AK_EACH_CHILD(w, node, c)
    {
        if (w->nodes[c].field == AK_F_value && ak__is_expr(w, c)) {
            w->exprs[id].end = w->nodes[c].end + w->shift;
            ak__kids_push(w, ak__expr(w, c));
        }
    }
    w->parent = 0;
    kids = ak__kids_take(w, mark);
    w->exprs[id].kids = kids;
    return id;
}

static void handler(AkWalk *w, uint32_t node, AkStmtId try_stmt)
{
    AkStmtId outer = w->outer, stmt;
    uint8_t old = w->suite;
    uint32_t alias = ak__child(w, node, AK_F_alias);
    AkExprId value;

    w->outer = try_stmt;
    w->suite = AK_SUITE_HANDLER;
    stmt = stmt_new(w, AK_S_HANDLER, node);
    value = caught(w, node);
    w->stmts[stmt].value = value;
    if (alias && w->nodes[alias].kind == AK_T_identifier) {
        AkName name = ak__node_name(w, alias);
        uint32_t binding = ak__bind(w, w->scope, name, AK_B_EXCEPT, w->nodes[alias].start,
                                    w->nodes[alias].end);

        w->bindings[binding].value = value;
        w->stmts[stmt].name = name;
    }
    suite(w, ak__child_of_kind(w, node, AK_T_block), stmt, AK_SUITE_BODY);
    close_stmt(w, stmt);
    w->outer = outer;
    w->suite = old;
}

static void try_statement(AkWalk *w, uint32_t node)
{
    AkStmtId stmt = stmt_new(w, AK_S_TRY, node);

    suite(w, ak__child(w, node, AK_F_body), stmt, AK_SUITE_BODY);
    AK_EACH_CHILD(w, node, c)
    {
        if (w->nodes[c].kind == AK_T_except_clause)
            handler(w, c, stmt);
        else if (w->nodes[c].kind == AK_T_else_clause)
            suite(w, ak__child(w, c, AK_F_body), stmt, AK_SUITE_ELSE);
        else if (w->nodes[c].kind == AK_T_finally_clause)
            suite(w, ak__child_of_kind(w, c, AK_T_block), stmt, AK_SUITE_FINALLY);
    }
    close_stmt(w, stmt);
}

static void case_clause(AkWalk *w, uint32_t node, AkStmtId match, AkExprId subject)
{
    AkStmtId outer = w->outer, stmt;
    uint8_t old = w->suite;
    uint32_t mark, patterns = 0, guard = ak__child(w, node, AK_F_guard);

    w->outer = match;
    w->suite = AK_SUITE_HANDLER;
    stmt = stmt_new(w, AK_S_CASE, node);
    mark = ak__kids_mark(w);
    AK_EACH_CHILD(w, node, c)
    patterns += w->nodes[c].kind == AK_T_case_pattern;
    AK_EACH_CHILD(w, node, c)
    if (w->nodes[c].kind == AK_T_case_pattern)
        ak__pattern(w, c, subject, patterns == 1);
    put_targets(w, stmt, mark);
    if (guard)
        set_value(w, stmt, first_expr(w, guard));
    suite(w, ak__child(w, node, AK_F_consequence), stmt, AK_SUITE_BODY);
    close_stmt(w, stmt);
    w->outer = outer;
    w->suite = old;
}

static void match_statement(AkWalk *w, uint32_t node)
{
    AkStmtId stmt = stmt_new(w, AK_S_MATCH, node);
    uint32_t body = ak__child(w, node, AK_F_body);

    set_value(w, stmt, ak__child(w, node, AK_F_subject));
    if (body && w->depth < AK_DEEPEST) {
        w->depth++;
        AK_EACH_CHILD(w, body, c)
        if (w->nodes[c].kind == AK_T_case_clause)
            case_clause(w, c, stmt, w->stmts[stmt].value);
        w->depth--;
    }
    close_stmt(w, stmt);
}

/* ---- Functions and classes ---- */

static AkKids decorators(AkWalk *w, uint32_t decorated)
{
    uint32_t mark = ak__kids_mark(w);

    if (decorated) {
        AK_EACH_CHILD(w, decorated, c)
        {
            if (w->nodes[c].kind == AK_T_decorator && first_expr(w, c)) {
                AkExprId expr = ak__expr(w, first_expr(w, c));

                w->exprs[expr].flags |= AK_XF_DECORATOR;
                ak__kids_push(w, expr);
            }
        }
    }
    return ak__kids_take(w, mark);
}

static bool is_filler(const AkWalk *w, const AkStmt *stmt)
{
    const AkExpr *value = &w->exprs[stmt->value];

    if (stmt->kind == AK_S_PASS)
        return true;
    if (stmt->kind == AK_S_EXPR)
        return value->kind == AK_X_STRING || value->kind == AK_X_ELLIPSIS;
    if (stmt->kind != AK_S_RAISE)
        return false;
    if (value->kind == AK_X_CALL)
        value = &w->exprs[w->kids[value->kids.first]];
    return value->kind == AK_X_NAME &&
           strcmp(w->names[value->name], "NotImplementedError") == 0;
}

static bool is_trivial(const AkWalk *w, AkStmtId stmt)
{
    for (AkStmtId i = stmt + 1; i < w->stmts_len; i++)
        if (!is_filler(w, &w->stmts[i]))
            return false;
    return true;
}

static void function_definition(AkWalk *w, uint32_t node, uint32_t decorated)
{
    AkStmtId stmt = stmt_new(w, AK_S_FUNCTION, decorated ? decorated : node);
    AkKids decoration = decorators(w, decorated);
    uint32_t name = ak__child(w, node, AK_F_name), fn = ak__function_new(w, node), binding;
    AkScopeId scope = w->scope;
    AkName id = ak__node_name(w, name);
    AkExprId returns;

    w->functions[fn].decorators = decoration;
    w->functions[fn].name = id;
    w->functions[fn].name_start = w->nodes[name].start + w->shift;
    w->functions[fn].name_end = w->nodes[name].end + w->shift;
    w->stmts[stmt].index = fn;
    binding = ak__bind(w, scope, id, AK_B_FUNCTION, w->nodes[name].start, w->nodes[name].end);
    w->bindings[binding].index = fn;
    ak__parameters(w, fn, ak__child(w, node, AK_F_parameters));
    returns = ak__child(w, node, AK_F_return_type)
                  ? ak__annotation_expr(w, ak__child(w, node, AK_F_return_type))
                  : 0;
    w->functions[fn].returns = returns;
    w->scope = w->functions[fn].scope;
    if (ak__child(w, node, AK_F_type_parameters))
        ak__type_parameters(w, ak__child(w, node, AK_F_type_parameters));
    suite(w, ak__child(w, node, AK_F_body), stmt, AK_SUITE_BODY);
    w->scope = scope;
    w->functions[fn].is_trivial = is_trivial(w, stmt);
    close_stmt(w, stmt);
}

static void class_definition(AkWalk *w, uint32_t node, uint32_t decorated)
{
    AkStmtId stmt = stmt_new(w, AK_S_CLASS, decorated ? decorated : node);
    AkKids decoration = decorators(w, decorated), bases;
    uint32_t name = ak__child(w, node, AK_F_name), list = ak__child(w, node, AK_F_superclasses),
             mark, index, binding;
    AkScopeId scope = w->scope;
    AkClassFact fact = {.start = w->nodes[node].start + w->shift,
                        .end = w->nodes[node].end + w->shift,
                        .name_start = w->nodes[name].start + w->shift,
                        .name_end = w->nodes[name].end + w->shift,
                        .parent = scope,
                        .stmt = stmt,
                        .decorators = decoration,
                        .outer_function = function_around(w, scope),
                        .outer_class = class_around(w, scope)};

    fact.name = ak__node_name(w, name);
    mark = ak__kids_mark(w);
    if (list)
        ak__arguments(w, list);
    bases = ak__kids_take(w, mark);
    fact.bases = bases;
    index = w->classes_len;
    AK_PUSH(w->scratch, w->classes, w->classes_len, w->classes_cap) = fact;
    w->stmts[stmt].index = index;
    binding =
        ak__bind(w, scope, fact.name, AK_B_CLASS, w->nodes[name].start, w->nodes[name].end);
    w->bindings[binding].index = index;
    w->scope = ak__scope_new(w, AK_SCOPE_CLASS, index);
    w->classes[index].scope = w->scope;
    if (ak__child(w, node, AK_F_type_parameters))
        ak__type_parameters(w, ak__child(w, node, AK_F_type_parameters));
    suite(w, ak__child(w, node, AK_F_body), stmt, AK_SUITE_BODY);
    w->scope = scope;
    close_stmt(w, stmt);
}

static void decorated_definition(AkWalk *w, uint32_t node)
{
    uint32_t definition = ak__child(w, node, AK_F_definition);

    if (definition && w->nodes[definition].kind == AK_T_class_definition)
        class_definition(w, definition, node);
    else if (definition && w->nodes[definition].kind == AK_T_function_definition)
        function_definition(w, definition, node);
}

/* What is whole inside code that is not. */
static void broken(AkWalk *w, uint32_t node)
{
    AkStmtId stmt = stmt_new(w, AK_S_ERROR, node), outer = w->outer;
    uint8_t old = w->suite;

    if (w->depth >= AK_DEEPEST)
        return;
    w->depth++;
    w->outer = stmt;
    w->suite = AK_SUITE_BODY;
    AK_EACH_CHILD(w, node, c)
    {
        if (ak__is_expr(w, c)) {
            w->stmt = stmt;
            ak__expr(w, c);
        } else {
            statement(w, c);
        }
    }
    w->outer = outer;
    w->suite = old;
    w->depth--;
    close_stmt(w, stmt);
}

static void statement(AkWalk *w, uint32_t node)
{
    w->parent = 0;
    switch (w->nodes[node].kind) {
    case AK_T_expression_statement: expression(w, node); break;
    case AK_T_return_statement:
        set_value(w, stmt_new(w, AK_S_RETURN, node), first_expr(w, node));
        break;
    case AK_T_raise_statement: raise(w, node); break;
    case AK_T_delete_statement: delete (w, node); break;
    case AK_T_assert_statement: assertion(w, node); break;
    case AK_T_pass_statement: stmt_new(w, AK_S_PASS, node); break;
    case AK_T_break_statement: stmt_new(w, AK_S_BREAK, node); break;
    case AK_T_continue_statement: stmt_new(w, AK_S_CONTINUE, node); break;
    case AK_T_print_statement:
    case AK_T_exec_statement: outdated(w, node); break;
    case AK_T_import_statement: import_plain(w, node); break;
    case AK_T_import_from_statement:
    case AK_T_future_import_statement: import_from(w, node); break;
    case AK_T_global_statement: declaration(w, node, AK_S_GLOBAL, AK_B_GLOBAL); break;
    case AK_T_nonlocal_statement: declaration(w, node, AK_S_NONLOCAL, AK_B_NONLOCAL); break;
    case AK_T_type_alias_statement:
        if (strchr("([.", w->text[w->nodes[node].start + 4]))
            type_called(w, node);
        else
            type_alias(w, node);
        break;
    case AK_T_if_statement: if_statement(w, node); break;
    case AK_T_for_statement: for_statement(w, node); break;
    case AK_T_while_statement: while_statement(w, node); break;
    case AK_T_try_statement: try_statement(w, node); break;
    case AK_T_with_statement: with_statement(w, node); break;
    case AK_T_match_statement: match_statement(w, node); break;
    case AK_T_function_definition: function_definition(w, node, 0); break;
    case AK_T_class_definition: class_definition(w, node, 0); break;
    case AK_T_decorated_definition: decorated_definition(w, node); break;
    case AK_T_block:
    case AK_T_case_clause:
    case AK_T_except_clause:
    case AK_T_finally_clause:
    case AK_T_else_clause:
    case AK_T_elif_clause:
    case AK_T_ERROR: broken(w, node); break;
    default: break;
    }
}

/* ---- The whole ---- */

static void note_errors(AkWalk *w, const AkTree *tree)
{
    for (uint32_t i = 0; i < tree->len; i++)
        if (tree->nodes[i].kind == AK_T_ERROR || tree->nodes[i].missing)
            AK_PUSH(w->scratch, w->errors, w->errors_len, w->errors_cap) = (AkSyntaxError){
                tree->nodes[i].start, tree->nodes[i].end, tree->nodes[i].missing};
}

static int by_scope_name_place(const void *a, const void *b)
{
    const AkBinding *x = a, *y = b;

    if (x->scope != y->scope)
        return x->scope < y->scope ? -1 : 1;
    if (x->name != y->name)
        return x->name < y->name ? -1 : 1;
    return x->start < y->start ? -1 : x->start > y->start;
}

static void sort_bindings(AkWalk *w)
{
    qsort(w->bindings + 1, w->bindings_len - 1, sizeof(*w->bindings), by_scope_name_place);
    for (uint32_t i = 1; i < w->bindings_len; i++) {
        AkScope *scope = &w->scopes[w->bindings[i].scope];

        if (!scope->binding_len)
            scope->first_binding = i;
        scope->binding_len++;
    }
}

/* Lists of values by function: counted, laid out, filled. */
static void list_by_function(AkWalk *w, bool yields)
{
    uint32_t n = yields ? w->exprs_len : w->stmts_len;

    for (int round = 0; round < 2; round++) {
        for (uint32_t i = 1; i < n; i++) {
            bool counts =
                yields ? w->exprs[i].kind == AK_X_YIELD || w->exprs[i].kind == AK_X_YIELD_FROM
                       : w->stmts[i].kind == AK_S_RETURN && w->stmts[i].value;
            uint32_t fn =
                counts ? w->scopes[yields ? w->exprs[i].scope : w->stmts[i].scope].function : 0;
            AkKids *list = yields ? &w->functions[fn].yielded : &w->functions[fn].returned;
            AkExprId value;

            if (!fn || w->functions[fn].is_lambda)
                continue;
            if (yields && !w->exprs[i].kids.count) {
                w->functions[fn].is_generator = true;
                continue;
            }
            value = yields ? w->kids[w->exprs[i].kids.first] : w->stmts[i].value;
            if (round == 0) {
                list->count++;
                w->functions[fn].is_generator |= yields;
                w->functions[fn].returns_value |=
                    !yields && w->exprs[value].kind != AK_X_NONE_LITERAL;
            } else {
                w->kids[list->first + list->count++] = value;
            }
        }
        for (uint32_t fn = 1; round == 0 && fn < w->functions_len; fn++) {
            AkKids *list = yields ? &w->functions[fn].yielded : &w->functions[fn].returned;

            if (w->functions[fn].is_lambda)
                continue;
            list->first = w->kids_len;
            for (uint32_t k = 0; k < list->count; k++)
                AK_PUSH(w->scratch, w->kids, w->kids_len, w->kids_cap) = 0;
            list->count = 0;
        }
    }
}

static void *copy(AkArena *arena, const void *rows, size_t count, size_t size)
{
    void *out = ak__alloc(arena, (count ? count : 1) * size);

    if (count)
        memcpy(out, rows, count * size);
    return out;
}

static const char *const *copy_names(AkArena *arena, const AkWalk *w)
{
    const char **names = ak__alloc(arena, w->names_len * sizeof(*names));
    size_t bytes = 0;
    char *text;

    for (uint32_t i = 0; i < w->names_len; i++)
        bytes += w->name_len[i] + 1;
    text = ak__alloc(arena, bytes);
    for (uint32_t i = 0; i < w->names_len; i++) {
        memcpy(text, w->names[i], w->name_len[i] + 1);
        names[i] = text;
        text += w->name_len[i] + 1;
    }
    return names;
}

static const AkFacts *finish(AkArena *arena, const AkWalk *w, const AkTree *tree)
{
    AkFacts *facts = ak__alloc(arena, sizeof(*facts));

#define COPY(table, len, from)                                                                 \
    facts->table = copy(arena, w->from, w->from##_len, sizeof(*w->from));                      \
    facts->len = w->from##_len
    COPY(exprs, expr_len, exprs);
    COPY(kids, kid_len, kids);
    COPY(stmts, stmt_len, stmts);
    COPY(scopes, scope_len, scopes);
    COPY(bindings, binding_len, bindings);
    COPY(params, param_len, params);
    COPY(functions, function_len, functions);
    COPY(classes, class_len, classes);
    COPY(imports, import_len, imports);
    COPY(loops, loop_len, loops);
    COPY(errors, error_len, errors);
#undef COPY
    facts->names = copy_names(arena, w);
    facts->name_len = copy(arena, w->name_len, w->names_len, sizeof(*w->name_len));
    facts->name_hash = copy(arena, w->name_hash, w->names_len, sizeof(*w->name_hash));
    facts->name_count = w->names_len;
    facts->comments = copy(arena, tree->comments, tree->comment_len, sizeof(*tree->comments));
    facts->comment_len = tree->comment_len;
    return facts;
}

/* Row 0 of each table is a dummy, scope 1 the block's outermost. */
static void begin(AkWalk *w)
{
    AK_PUSH(w->scratch, w->names, w->names_len, w->names_cap) = "";
    AK_PUSH(w->scratch, w->name_len, w->name_len_len, w->name_len_cap) = 0;
    AK_PUSH(w->scratch, w->name_hash, w->name_hash_len, w->name_hash_cap) = 0;
    AK_PUSH(w->scratch, w->exprs, w->exprs_len, w->exprs_cap) = (AkExpr){0};
    AK_PUSH(w->scratch, w->kids, w->kids_len, w->kids_cap) = 0;
    AK_PUSH(w->scratch, w->stmts, w->stmts_len, w->stmts_cap) = (AkStmt){0};
    AK_PUSH(w->scratch, w->scopes, w->scopes_len, w->scopes_cap) = (AkScope){0};
    AK_PUSH(w->scratch, w->bindings, w->bindings_len, w->bindings_cap) = (AkBinding){0};
    AK_PUSH(w->scratch, w->params, w->params_len, w->params_cap) = (AkParam){0};
    AK_PUSH(w->scratch, w->functions, w->functions_len, w->functions_cap) = (AkFunctionFact){0};
    AK_PUSH(w->scratch, w->classes, w->classes_len, w->classes_cap) = (AkClassFact){0};
    AK_PUSH(w->scratch, w->imports, w->imports_len, w->imports_cap) = (AkImport){0};
    AK_PUSH(w->scratch, w->loops, w->loops_len, w->loops_cap) = (AkLoop){0};
    AK_PUSH(w->scratch, w->errors, w->errors_len, w->errors_cap) = (AkSyntaxError){0};
    w->scope = ak__scope_new(w, AK_SCOPE_MODULE, 0);
}

const AkFacts *ak__collect(struct AkArena *arena, AkParser *parser, const char *text,
                           uint32_t len, uint32_t indent)
{
    AkWalk w = {.scratch = ak__parser_scratch(parser), .parser = parser, .text = text};
    AkTree tree;
    const AkFacts *facts;

    memcpy(ak__arena_guard(w.scratch), ak__arena_guard(arena), sizeof(jmp_buf));
    tree = ak__parse(w.scratch, parser, text, len, indent);
    if (!tree.len)
        return NULL;
    w.nodes = tree.nodes;
    begin(&w);
    AK_EACH_CHILD(&w, 0, c)
    statement(&w, c);
    note_errors(&w, &tree);
    sort_bindings(&w);
    list_by_function(&w, false);
    list_by_function(&w, true);
    facts = finish(arena, &w, &tree);
    ak__arena_reset(w.scratch);
    return facts;
}
