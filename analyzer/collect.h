/* collect.h: what the files of the collector share. See collect.c for the whole.
 *
 * One AkWalk a block. Tables grow in the parser's scratch memory and are copied to the arena
 * when the walk is done. ak__expr and ak__stmt stand on their node when called and stand on it
 * again when they return.
 */
#ifndef AK_COLLECT_H
#define AK_COLLECT_H

#include "arena.h"
#include "parse.h"

/* Which scratch memory belongs to what. */
typedef enum AkTable {
    AK_T_EXPRS,
    AK_T_KIDS,
    AK_T_STMTS,
    AK_T_SCOPES,
    AK_T_BINDINGS,
    AK_T_PARAMS,
    AK_T_FUNCTIONS,
    AK_T_CLASSES,
    AK_T_IMPORTS,
    AK_T_LOOPS,
    AK_T_COMMENTS,
    AK_T_ERRORS,
    AK_T_NAMES,
    AK_T_SLOTS,
    AK_T_CHARS,
    AK_T_PENDING,
    AK_T_RETURNED,
    AK_T_YIELDED,
    AK_T_OPEN_PARAMS,
    AK_T_VALUE,
    AK_T_SPINE,
} AkTable;

/* A name by its place in chars. */
typedef struct AkNamed {
    uint32_t at, len, hash;
} AkNamed;

typedef struct AkWalk {
    struct AkArena *arena;
    AkParser *parser;
    const char *block; /* the text of the block */
    const char *text;  /* what the present level reads: the block, or an annotation in quotes */
    uint32_t shift;    /* text - block */
    unsigned level;
    unsigned depth; /* of the recursion */
    bool broken;    /* the present level has errors somewhere */

    AkExpr *exprs;
    AkExprId *kids;
    AkStmt *stmts;
    AkScope *scopes;
    AkBinding *bindings;
    AkParam *params;
    AkFunctionFact *functions;
    AkClassFact *classes;
    AkImport *imports;
    AkLoop *loops;
    AkComment *comments;
    AkSyntaxError *errors;
    AkNamed *names;
    uint32_t *slots;              /* names by hash, a power of two of them */
    char *chars;                  /* of the names, each ended with 0 */
    AkExprId *pending;            /* kids of expressions that are not complete */
    AkExprId *returned, *yielded; /* of functions that are not complete */
    AkParam *open_params;
    char *value;     /* the string that is being read */
    AkExprId *spine; /* chains that are not complete, see collect_chain.c */
    uint32_t expr_len, kid_len, stmt_len, scope_len, binding_len, param_len, function_len,
        class_len, import_len, loop_len, comment_len, error_len, name_len, slot_len, char_len,
        pending_len, returned_len, yielded_len, open_param_len, value_len, spine_len;
    uint32_t expr_cap, kid_cap, stmt_cap, scope_cap, binding_cap, param_cap, function_cap,
        class_cap, import_cap, loop_cap, comment_cap, error_cap, name_cap, slot_cap, char_cap,
        pending_cap, returned_cap, yielded_cap, open_param_cap, value_cap, spine_cap;

    AkScopeId scope;
    AkStmtId stmt;     /* the statement that is being read */
    AkSuite suite;     /* in which suite of it the next one stands */
    uint16_t flags;    /* AkExprFlag of all that is read now */
    bool quotes;       /* a string is an annotation, not a value */
    bool has_declared; /* a global or nonlocal statement was seen */
} AkWalk;

/* Appends to a table: AK_ADD(w, exprs, expr, AK_T_EXPRS) = (AkExpr){…}. */
#define AK_ADD(w, array, one, table)                                                           \
    (*((w)->one##_len < (w)->one##_cap                                                         \
           ? (void)0                                                                           \
           : (void)((w)->array = ak__widen((w), table, sizeof *(w)->array, &(w)->one##_cap)),  \
       &(w)->array[(w)->one##_len++]))
void *ak__widen(AkWalk *w, AkTable table, size_t size, uint32_t *cap);
_Noreturn void ak__no_memory(AkWalk *w);

/* Puts an expression off until ak__kids takes it. */
static inline void ak__push(AkWalk *w, AkExprId id)
{
    AK_ADD(w, pending, pending, AK_T_PENDING) = id;
}

/* ---- Moving ---- */

static inline const AkNode *ak__at(const AkWalk *w)
{
    return ak__node(w->parser, w->level);
}
static inline AkNodeKind ak__kind(const AkWalk *w)
{
    return ak__at(w)->kind;
}
/* Children without the errors between them: those are collected on the way, below parent. */
bool ak__first(AkWalk *w, AkNodeKind least, AkExprId parent);
bool ak__next(AkWalk *w, AkNodeKind least, AkExprId parent);
/* Leaves the children of a node for the node, errors between the rest collected. */
void ak__rest(AkWalk *w, AkExprId parent);
static inline bool ak__has_comma(AkWalk *w)
{
    return ak__node_has_comma(w->parser, w->level);
}

/* ---- Names ---- */

AkName ak__intern(AkWalk *w, const char *bytes, size_t len);
AkName ak__intern_node(AkWalk *w); /* the text of the node */
bool ak__name_is(const AkWalk *w, AkName name, const char *text);
/* Like ak__intern for a name with blanks inside: `a . b`. */
AkName ak__intern_dotted(AkWalk *w, const char *bytes, size_t len);

/* ---- Scopes and bindings ---- */

AkScopeId ak__open_scope(AkWalk *w, AkScopeKind kind, uint32_t index);
/* What a binding of the present scope and statement starts from. */
AkBinding ak__binding(const AkWalk *w, AkBindingKind kind, AkName name, uint32_t start,
                      uint32_t end);
void ak__bind(AkWalk *w, AkBinding binding);
/* Marks the names, attributes and subscripts of a target with flag and binds its names: what is
 * a model for each, but for name, place, how and part. */
void ak__bind_target(AkWalk *w, AkExprId target, AkExprFlag flag, const AkBinding *what);

/* ---- Expressions: collect_expr.c ---- */

enum { AK_DEEPEST = 1000 };

AkExprId ak__expr(AkWalk *w, AkExprId parent);
/* A new expression of a kind, at a place of the level's text; at the node. */
AkExprId ak__new_expr(AkWalk *w, AkExprKind kind, AkExprId parent, uint32_t start,
                      uint32_t end);
AkExprId ak__expr_here(AkWalk *w, AkExprKind kind, AkExprId parent);
/* The kids pushed since mark become a list of their own; that of an expression. */
AkKids ak__kids(AkWalk *w, uint32_t mark);
void ak__finish_expr(AkWalk *w, AkExprId id, uint32_t mark);
/* A node with one expression; with any number of them. */
AkExprId ak__unary(AkWalk *w, AkExprKind kind, AkExprId parent);
AkExprId ak__list_of(AkWalk *w, AkExprKind kind, AkExprId parent);
/* The children that are expressions, one or many: a tuple if there is a comma. */
AkExprId ak__one_or_tuple(AkWalk *w, AkExprId parent);
/* The only expression below a node, which takes its place. */
AkExprId ak__inner(AkWalk *w, AkExprId parent);
/* All children, pushed to pending; a key and its value. */
void ak__push_items(AkWalk *w, AkExprId parent);
void ak__push_pair(AkWalk *w, AkExprId parent);
/* What the grammar gave up on: all expressions and statements below, as kids; pushed. */
AkExprId ak__error_expr(AkWalk *w, AkExprId parent);
void ak__gather(AkWalk *w, AkExprId parent);
/* `a.b.c`: from its text. */
AkExprId ak__dotted(AkWalk *w, AkExprId parent, uint32_t start, uint32_t end);
void ak__report(AkWalk *w, uint32_t start, uint32_t end);

/* collect_chain.c: attributes, calls, subscripts and binary operators. */
AkExprId ak__chain(AkWalk *w, AkExprId parent);
/* Those of a chain that begins at start; with star, behind a star that the grammar put into its
 * first link. */
AkExprId ak__links(AkWalk *w, AkExprId parent, uint32_t start, bool star);
/* The name of an attribute, behind its object: then the cursor is on the whole. */
void ak__attribute_name(AkWalk *w, AkExprId id);
/* The items of a subscript of object, from the first one on; pushed. */
void ak__index_items(AkWalk *w, AkExprId object, AkExprId parent, bool comma);

/* collect_bits.c: whether below an `&` there is a `^` that the grammar binds too closely; the
 * expression as Python has it, start and star as for ak__links. Nothing may be broken. */
bool ak__bits_mixed(AkWalk *w);
AkExprId ak__bits(AkWalk *w, AkExprId parent, uint32_t start, bool star);

/* collect_type.c. */
AkExprId ak__annotation(AkWalk *w); /* at a `type` node */
AkExprId ak__generic_type(AkWalk *w, AkExprId parent);
AkExprId ak__member_type(AkWalk *w, AkExprId parent);
AkExprId ak__union_type(AkWalk *w, AkExprId parent);

/* collect_scoped.c. */
AkExprId ak__lambda(AkWalk *w, AkExprId parent);
AkExprId ak__comprehension(AkWalk *w, AkExprKind kind, AkExprId parent);
AkExprId ak__yield(AkWalk *w, AkExprId parent);
AkExprId ak__await(AkWalk *w, AkExprId parent);
AkExprId ak__named(AkWalk *w, AkExprId parent);
void ak__bind_named(AkWalk *w, AkExprId target, AkExprId value); /* by `:=` */

/* ---- Statements: collect_stmt.c ---- */

void ak__stmt(AkWalk *w);
AkStmtId ak__open_stmt(AkWalk *w, AkStmtKind kind); /* at its node */
void ak__close_stmt(AkWalk *w, AkStmtId id);
void ak__error_stmt(AkWalk *w);
/* The statements below a module or block node. */
void ak__suite(AkWalk *w, AkSuite suite);
/* Items with commas between them, up to the block: a tuple without brackets. */
AkExprId ak__tuple_until_block(AkWalk *w, bool *more);
bool ak__is_blank(char c);

/* collect_simple.c. */
void ak__simple_stmt(AkWalk *w);
/* Where the first part of a dotted name ends. */
uint32_t ak__first_part(const AkWalk *w, uint32_t start, uint32_t end);

/* collect_match.c. */
void ak__match_stmt(AkWalk *w);

/* collect_define.c: functions and classes, decorated or not. */
void ak__definition(AkWalk *w);
uint32_t ak__open_function(AkWalk *w, bool is_lambda);
/* At `parameters` or `lambda_parameters`: their defaults and annotations in the scope outside,
 * their names bound in the function's. */
void ak__parameters(AkWalk *w, uint32_t function);
/* What was returned and yielded since the marks; back to the scope outside. */
void ak__close_function(AkWalk *w, uint32_t function, uint32_t returned, uint32_t yielded);

/* ---- Strings: collect_string.c ---- */

typedef struct AkLiteral {
    uint32_t start, end; /* of what stands between the quotes */
    bool raw, bytes, format;
} AkLiteral;

/* Takes a literal apart; false if it is broken. */
bool ak__literal(const char *text, uint32_t start, uint32_t end, AkLiteral *out);
/* Appends its value to w->value; stops above AK_VALUE_LONGEST bytes. */
void ak__read_literal(AkWalk *w, const AkLiteral *literal);
enum { AK_VALUE_LONGEST = 1023 };

AkExprId ak__string(AkWalk *w, AkExprId parent);
AkExprId ak__strings(AkWalk *w, AkExprId parent); /* `"a" f"{b}"`: one expression */

#endif
