/* quick_stmt.c: statements, line by line. */
#include "quick.h"

#include <string.h>

/* ---- Simple statements ---- */

static uint32_t close(AkQuick *q, AkNodeKind kind, uint32_t start, AkTreeKids kids)
{
    return ak__quick_node(q, kind, start, q->last_end, kids);
}

static uint32_t wrapped(AkQuick *q, AkNodeKind kind, uint32_t (*child)(AkQuick *))
{
    uint32_t start = q->start;
    AkTreeKids kids = {0};
    ak__quick_add(q, &kids, child(q));
    return close(q, kind, start, kids);
}

static bool ends_simple(const AkQuick *q)
{
    return q->token == AK_TOK_NEWLINE || q->token == AK_TOK_SEMICOLON || q->token == AK_TOK_END;
}

/* `a = b = v` nests to the right; q stands on the first `=`. */
static uint32_t assignment(AkQuick *q, uint32_t target)
{
    uint32_t start = q->tree->nodes[target].start, top = 0, inner = 0;
    for (;;) {
        if (!ak__quick_is_target(q, target))
            return ak__quick_refuse(q);
        AkTreeKids kids = {target, target};
        uint32_t node = close(q, AK_N_ASSIGNMENT, start, kids);
        if (top)
            q->tree->nodes[q->tree->nodes[inner].first].next = node;
        else
            top = node;
        inner = node;
        ak__quick_next(q);
        uint32_t value = ak__quick_value(q);
        if (q->token == AK_TOK_ASSIGN) {
            target = value;
            continue;
        }
        ak__quick_add(q, &kids, value);
        return q->refused ? 0 : top;
    }
}

/* `x: T` and `x: T = v`. */
static uint32_t annotated(AkQuick *q, uint32_t target)
{
    uint32_t start = q->tree->nodes[target].start;
    AkNodeKind kind = (AkNodeKind)q->tree->nodes[target].kind;
    AkTreeKids kids = {target, target};
    if (kind != AK_N_IDENTIFIER && kind != AK_N_ATTRIBUTE && kind != AK_N_SUBSCRIPT)
        return ak__quick_refuse(q);
    ak__quick_next(q);
    ak__quick_add(q, &kids, wrapped(q, AK_N_TYPE, ak__quick_expr));
    if (q->token == AK_TOK_ASSIGN) {
        ak__quick_next(q);
        ak__quick_add(q, &kids, ak__quick_value(q));
    }
    return close(q, AK_N_ASSIGNMENT, start, kids);
}

static uint32_t augmented(AkQuick *q, uint32_t target)
{
    uint32_t start = q->tree->nodes[target].start;
    AkNodeKind kind = (AkNodeKind)q->tree->nodes[target].kind;
    AkTreeKids kids = {target, target};
    AkOp op = q->op;
    if (kind != AK_N_IDENTIFIER && kind != AK_N_ATTRIBUTE && kind != AK_N_SUBSCRIPT)
        return ak__quick_refuse(q);
    uint32_t sign = ak__quick_leaf(q, AK_N_OP);
    q->tree->nodes[sign].op = (uint8_t)op;
    ak__quick_add(q, &kids, sign);
    ak__quick_add(q, &kids, ak__quick_value(q));
    return close(q, AK_N_AUGMENTED_ASSIGNMENT, start, kids);
}

static bool is_text(const AkQuick *q, const char *text)
{
    return q->end - q->start == strlen(text) &&
           memcmp(q->text + q->start, text, strlen(text)) == 0;
}

/* A word that begins a statement of its own, now or in Python 2: taken for a name only where
 * what follows leaves no doubt. */
static bool may_be_keyword(const AkQuick *q)
{
    if (q->token != AK_TOK_NAME ||
        !(is_text(q, "print") || is_text(q, "exec") || is_text(q, "match") ||
          is_text(q, "type") || is_text(q, "case")))
        return false;
    char c = q->at < q->len ? q->text[q->at] : '\n';
    char second = q->at + 1 < q->len ? q->text[q->at + 1] : '\n';
    char third = q->at + 2 < q->len ? q->text[q->at + 2] : '\n';
    return !(c == '(' || c == '.' || (c == ' ' && second == '=' && third != '='));
}

static uint32_t expression(AkQuick *q)
{
    uint32_t start = q->start;
    AkTreeKids kids = {0};
    if (may_be_keyword(q) || q->token == AK_TOK_STAR)
        return ak__quick_refuse(q);
    uint32_t node = ak__quick_value(q);
    AkTreeNode *nodes = q->tree->nodes;
    bool is_list = nodes[node].kind == AK_N_EXPRESSION_LIST;
    if (q->token == AK_TOK_ASSIGN)
        node = assignment(q, node);
    else if (q->token == AK_TOK_COLON)
        node = annotated(q, node);
    else if (q->token == AK_TOK_AUGMENTED)
        node = augmented(q, node);
    else if (is_list) {
        /* As the grammar has it: the items are the statement's own children. */
        kids.first = nodes[node].first;
        node = close(q, AK_N_EXPRESSION_STATEMENT, start, kids);
        nodes[node].comma = true;
        return node;
    }
    ak__quick_add(q, &kids, node);
    return close(q, AK_N_EXPRESSION_STATEMENT, start, kids);
}

static uint32_t return_stmt(AkQuick *q)
{
    uint32_t start = q->start;
    AkTreeKids kids = {0};
    ak__quick_next(q);
    if (!ends_simple(q))
        ak__quick_add(q, &kids, ak__quick_list(q));
    return close(q, AK_N_RETURN_STATEMENT, start, kids);
}

static uint32_t raise(AkQuick *q)
{
    uint32_t start = q->start;
    AkTreeKids kids = {0};
    ak__quick_next(q);
    if (!ends_simple(q))
        ak__quick_add(q, &kids, ak__quick_expr(q));
    if (kids.first && q->token == AK_TOK_FROM) {
        ak__quick_add(q, &kids, ak__quick_leaf(q, AK_N_FROM));
        ak__quick_add(q, &kids, ak__quick_expr(q));
    }
    return close(q, AK_N_RAISE_STATEMENT, start, kids);
}

static uint32_t assert_stmt(AkQuick *q)
{
    uint32_t start = q->start;
    AkTreeKids kids = {0};
    ak__quick_next(q);
    ak__quick_add(q, &kids, ak__quick_expr(q));
    if (q->token == AK_TOK_COMMA) {
        ak__quick_next(q);
        ak__quick_add(q, &kids, ak__quick_expr(q));
    }
    return close(q, AK_N_ASSERT_STATEMENT, start, kids);
}

static uint32_t delete_stmt(AkQuick *q)
{
    uint32_t start = q->start;
    AkTreeKids kids = {0};
    ak__quick_next(q);
    uint32_t what = ak__quick_list(q);
    if (!ak__quick_is_target(q, what))
        return ak__quick_refuse(q);
    ak__quick_add(q, &kids, what);
    return close(q, AK_N_DELETE_STATEMENT, start, kids);
}

/* A word, and a list of what one() reads. */
static uint32_t listed(AkQuick *q, AkNodeKind kind, uint32_t (*one)(AkQuick *))
{
    uint32_t start = q->start;
    AkTreeKids kids = {0};
    do {
        ak__quick_next(q);
        ak__quick_add(q, &kids, one(q));
    } while (q->token == AK_TOK_COMMA);
    return close(q, kind, start, kids);
}

/* ---- Imports ---- */

static uint32_t dotted_name(AkQuick *q)
{
    uint32_t start = q->start;
    ak__quick_take(q, AK_TOK_NAME);
    while (q->token == AK_TOK_DOT) {
        ak__quick_next(q);
        ak__quick_take(q, AK_TOK_NAME);
    }
    return close(q, AK_N_DOTTED_NAME, start, (AkTreeKids){0});
}

static uint32_t import_clause(AkQuick *q)
{
    uint32_t start = q->start;
    AkTreeKids kids = {0};
    ak__quick_add(q, &kids, dotted_name(q));
    if (q->token != AK_TOK_AS)
        return kids.first;
    ak__quick_next(q);
    ak__quick_add(q, &kids, ak__quick_name(q));
    return close(q, AK_N_ALIASED_IMPORT, start, kids);
}

static uint32_t from_module(AkQuick *q)
{
    uint32_t start = q->start;
    AkTreeKids kids = {0};
    while (q->token == AK_TOK_DOT || q->token == AK_TOK_ELLIPSIS)
        ak__quick_next(q);
    if (q->start == start)
        return dotted_name(q);
    ak__quick_add(q, &kids, close(q, AK_N_IMPORT_PREFIX, start, kids));
    if (q->token == AK_TOK_NAME)
        ak__quick_add(q, &kids, dotted_name(q));
    return close(q, AK_N_RELATIVE_IMPORT, start, kids);
}

static void imported_names(AkQuick *q, AkTreeKids *kids)
{
    bool brackets = q->token == AK_TOK_OPEN;
    if (brackets)
        ak__quick_next(q);
    ak__quick_add(q, kids, import_clause(q));
    while (q->token == AK_TOK_COMMA) {
        ak__quick_next(q);
        if (brackets && q->token == AK_TOK_CLOSE)
            break;
        ak__quick_add(q, kids, import_clause(q));
    }
    if (brackets)
        ak__quick_take(q, AK_TOK_CLOSE);
}

static uint32_t from_import(AkQuick *q)
{
    uint32_t start = q->start;
    AkTreeKids kids = {0};
    ak__quick_next(q);
    bool future = q->token == AK_TOK_NAME && is_text(q, "__future__");
    uint32_t module = from_module(q);
    if (!future)
        ak__quick_add(q, &kids, module);
    ak__quick_take(q, AK_TOK_IMPORT);
    if (q->token == AK_TOK_STAR && !future)
        ak__quick_add(q, &kids, ak__quick_leaf(q, AK_N_WILDCARD_IMPORT));
    else
        imported_names(q, &kids);
    return close(q, future ? AK_N_FUTURE_IMPORT_STATEMENT : AK_N_IMPORT_FROM_STATEMENT, start,
                 kids);
}

static uint32_t simple(AkQuick *q)
{
    switch (q->token) {
    case AK_TOK_ASSERT: return assert_stmt(q);
    case AK_TOK_BREAK: return ak__quick_leaf(q, AK_N_BREAK_STATEMENT);
    case AK_TOK_CONTINUE: return ak__quick_leaf(q, AK_N_CONTINUE_STATEMENT);
    case AK_TOK_DEL: return delete_stmt(q);
    case AK_TOK_FROM: return from_import(q);
    case AK_TOK_GLOBAL: return listed(q, AK_N_GLOBAL_STATEMENT, ak__quick_name);
    case AK_TOK_IMPORT: return listed(q, AK_N_IMPORT_STATEMENT, import_clause);
    case AK_TOK_NONLOCAL: return listed(q, AK_N_NONLOCAL_STATEMENT, ak__quick_name);
    case AK_TOK_PASS: return ak__quick_leaf(q, AK_N_PASS_STATEMENT);
    case AK_TOK_RAISE: return raise(q);
    case AK_TOK_RETURN: return return_stmt(q);
    default: return expression(q);
    }
}

/* ---- Lines and suites ---- */

/* `a; b;` and the line's end; q stands on the next line then. */
static void simple_line(AkQuick *q, AkTreeKids *kids)
{
    ak__quick_add(q, kids, simple(q));
    while (q->token == AK_TOK_SEMICOLON) {
        ak__quick_next(q);
        if (!ends_simple(q))
            ak__quick_add(q, kids, simple(q));
    }
    if (q->token != AK_TOK_NEWLINE && q->token != AK_TOK_END)
        ak__quick_refuse(q);
    ak__quick_line(q);
}

static void statement(AkQuick *q, AkTreeKids *kids);

/* A text may begin with blanks: the grammar knows what they mean. */
static void deeper_lines(AkQuick *q, AkTreeKids *kids)
{
    AkSyntaxError error = {q->start, q->end, false};
    q->lost |= !kids->last;
    if (q->lost || ++q->depth > AK_QUICK_DEEPEST || !ak__tree_error(q->tree, error)) {
        ak__quick_refuse(q);
        return;
    }
    ak__quick_lines(q, q->indent, kids);
    q->depth--;
}

void ak__quick_lines(AkQuick *q, uint32_t indent, AkTreeKids *kids)
{
    while (q->token != AK_TOK_END && q->indent >= indent) {
        if (q->indent > indent) {
            deeper_lines(q, kids);
            continue;
        }
        AkQuickMark mark = ak__quick_mark(q, kids);
        statement(q, kids);
        if (q->refused)
            ak__quick_ask(q, &mark, kids);
    }
}

/* From the colon on. */
static uint32_t block(AkQuick *q)
{
    uint32_t indent = q->indent;
    AkTreeKids kids = {0};
    ak__quick_take(q, AK_TOK_COLON);
    uint32_t start = q->start;
    if (++q->depth > AK_QUICK_DEEPEST)
        return ak__quick_refuse(q);
    if (q->token == AK_TOK_NEWLINE) {
        ak__quick_line(q);
        if (q->token == AK_TOK_END || q->indent <= indent)
            return ak__quick_refuse(q);
        ak__quick_lines(q, q->indent, &kids);
    } else {
        simple_line(q, &kids);
    }
    q->depth--;
    return close(q, AK_N_BLOCK, start, kids);
}

static void add_block(AkQuick *q, AkTreeKids *kids)
{
    ak__quick_add(q, kids, block(q));
}

/* A word, and perhaps an expression, before a block. */
static uint32_t clause(AkQuick *q, AkNodeKind kind, uint32_t (*head)(AkQuick *))
{
    uint32_t start = q->start;
    AkTreeKids kids = {0};
    ak__quick_next(q);
    if (head)
        ak__quick_add(q, &kids, head(q));
    add_block(q, &kids);
    return close(q, kind, start, kids);
}

/* Whether the line continues the statement of that indent with a word. */
static bool goes_on(const AkQuick *q, uint32_t indent, AkToken token)
{
    return q->token == token && q->indent == indent;
}

/* ---- Compound statements ---- */

static void else_clause(AkQuick *q, uint32_t indent, AkTreeKids *kids)
{
    if (goes_on(q, indent, AK_TOK_ELSE))
        ak__quick_add(q, kids, clause(q, AK_N_ELSE_CLAUSE, NULL));
}

static uint32_t if_stmt(AkQuick *q, AkNodeKind kind)
{
    uint32_t start = q->start, indent = q->indent;
    AkTreeKids kids = {0};
    ak__quick_next(q);
    ak__quick_add(q, &kids, ak__quick_named(q));
    add_block(q, &kids);
    while (kind == AK_N_IF_STATEMENT && goes_on(q, indent, AK_TOK_ELIF))
        ak__quick_add(q, &kids, clause(q, AK_N_ELIF_CLAUSE, ak__quick_named));
    else_clause(q, indent, &kids);
    return close(q, kind, start, kids);
}

static uint32_t for_stmt(AkQuick *q, uint32_t start, AkTreeKids kids)
{
    uint32_t indent = q->indent;
    ak__quick_next(q);
    ak__quick_add(q, &kids, ak__quick_targets(q));
    ak__quick_take(q, AK_TOK_IN);
    ak__quick_add(q, &kids, ak__quick_list(q));
    add_block(q, &kids);
    else_clause(q, indent, &kids);
    return close(q, AK_N_FOR_STATEMENT, start, kids);
}

/* `E`, `E as e`; not `E, F` and not `*E`. */
static uint32_t handled(AkQuick *q)
{
    uint32_t start = q->start;
    if (q->token == AK_TOK_COLON)
        return 0;
    AkTreeKids kids = {0};
    ak__quick_add(q, &kids, ak__quick_expr(q));
    if (q->token != AK_TOK_AS)
        return kids.first;
    ak__quick_next(q);
    ak__quick_add(q, &kids, wrapped(q, AK_N_AS_PATTERN_TARGET, ak__quick_name));
    return close(q, AK_N_AS_PATTERN, start, kids);
}

static uint32_t try_stmt(AkQuick *q)
{
    uint32_t start = q->start, indent = q->indent, handlers = 0;
    AkTreeKids kids = {0};
    ak__quick_next(q);
    add_block(q, &kids);
    for (; goes_on(q, indent, AK_TOK_EXCEPT); handlers++)
        ak__quick_add(q, &kids, clause(q, AK_N_EXCEPT_CLAUSE, handled));
    if (handlers)
        else_clause(q, indent, &kids);
    if (goes_on(q, indent, AK_TOK_FINALLY))
        ak__quick_add(q, &kids, clause(q, AK_N_FINALLY_CLAUSE, NULL));
    else if (!handlers)
        ak__quick_refuse(q);
    return close(q, AK_N_TRY_STATEMENT, start, kids);
}

/* Brackets that hold nothing but the items have the clause's own place. */
static uint32_t with_stmt(AkQuick *q, uint32_t start, AkTreeKids kids)
{
    AkTreeKids items = {0};
    uint32_t first = 0;
    do {
        ak__quick_next(q);
        if (!first)
            first = q->start;
        ak__quick_add(q, &items, wrapped(q, AK_N_WITH_ITEM, ak__quick_with_item));
    } while (q->token == AK_TOK_COMMA);
    ak__quick_add(q, &kids, close(q, AK_N_WITH_CLAUSE, first, items));
    add_block(q, &kids);
    return close(q, AK_N_WITH_STATEMENT, start, kids);
}

static uint32_t function(AkQuick *q, uint32_t start, AkTreeKids kids)
{
    ak__quick_next(q);
    ak__quick_add(q, &kids, ak__quick_name(q));
    AkTreeKids params = {0};
    uint32_t begin = q->start;
    ak__quick_take(q, AK_TOK_OPEN);
    ak__quick_params(q, &params, AK_TOK_CLOSE);
    ak__quick_take(q, AK_TOK_CLOSE);
    ak__quick_add(q, &kids, close(q, AK_N_PARAMETERS, begin, params));
    if (q->token == AK_TOK_ARROW) {
        ak__quick_next(q);
        ak__quick_add(q, &kids, wrapped(q, AK_N_TYPE, ak__quick_expr));
    }
    add_block(q, &kids);
    return close(q, AK_N_FUNCTION_DEFINITION, start, kids);
}

static uint32_t class(AkQuick *q)
{
    uint32_t start = q->start;
    AkTreeKids kids = {0};
    ak__quick_next(q);
    ak__quick_add(q, &kids, ak__quick_name(q));
    if (q->token == AK_TOK_OPEN)
        ak__quick_add(q, &kids, ak__quick_arguments(q));
    add_block(q, &kids);
    return close(q, AK_N_CLASS_DEFINITION, start, kids);
}

static uint32_t async(AkQuick *q)
{
    uint32_t start = q->start;
    AkTreeKids kids = {0};
    ak__quick_add(q, &kids, ak__quick_leaf(q, AK_N_ASYNC));
    switch (q->token) {
    case AK_TOK_DEF: return function(q, start, kids);
    case AK_TOK_FOR: return for_stmt(q, start, kids);
    case AK_TOK_WITH: return with_stmt(q, start, kids);
    default: return ak__quick_refuse(q);
    }
}

static uint32_t decorated(AkQuick *q)
{
    uint32_t start = q->start, indent = q->indent;
    AkTreeKids kids = {0};
    while (goes_on(q, indent, AK_TOK_AT)) {
        uint32_t begin = q->start;
        AkTreeKids inside = {0};
        ak__quick_next(q);
        ak__quick_add(q, &inside, ak__quick_named(q));
        ak__quick_add(q, &kids, close(q, AK_N_DECORATOR, begin, inside));
        if (q->token != AK_TOK_NEWLINE)
            return ak__quick_refuse(q);
        ak__quick_line(q);
    }
    if (q->indent != indent)
        return ak__quick_refuse(q);
    if (q->token == AK_TOK_CLASS)
        ak__quick_add(q, &kids, class(q));
    else if (q->token == AK_TOK_DEF)
        ak__quick_add(q, &kids, function(q, q->start, (AkTreeKids){0}));
    else if (q->token == AK_TOK_ASYNC)
        ak__quick_add(q, &kids, async(q));
    else
        return ak__quick_refuse(q);
    /* `async for` is not for decorators. */
    uint32_t last = kids.last;
    if (q->tree->nodes[last].kind != AK_N_CLASS_DEFINITION &&
        q->tree->nodes[last].kind != AK_N_FUNCTION_DEFINITION)
        return ak__quick_refuse(q);
    return close(q, AK_N_DECORATED_DEFINITION, start, kids);
}

static void statement(AkQuick *q, AkTreeKids *kids)
{
    AkTreeKids none = {0};
    uint32_t node = 0;
    switch (q->token) {
    case AK_TOK_AT: node = decorated(q); break;
    case AK_TOK_ASYNC: node = async(q); break;
    case AK_TOK_CLASS: node = class(q); break;
    case AK_TOK_DEF: node = function(q, q->start, none); break;
    case AK_TOK_FOR: node = for_stmt(q, q->start, none); break;
    case AK_TOK_IF: node = if_stmt(q, AK_N_IF_STATEMENT); break;
    case AK_TOK_TRY: node = try_stmt(q); break;
    case AK_TOK_WHILE: node = if_stmt(q, AK_N_WHILE_STATEMENT); break;
    case AK_TOK_WITH: node = with_stmt(q, q->start, none); break;
    default: simple_line(q, kids); return;
    }
    ak__quick_add(q, kids, node);
}
