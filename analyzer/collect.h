/* collect.h: what the parts of the walk share (collect.c, collect_expr.c, collect_target.c,
 * collect_string.c). The tables grow in the parser's scratch arena and are copied once, at the
 * end. */
#ifndef AK_COLLECT_H
#define AK_COLLECT_H

#include "array.h"
#include "facts.h"
#include "parse.h"

#define AK_TABLE(type, name)                                                                   \
    type *name;                                                                                \
    uint32_t name##_len, name##_cap

/* Expressions and statements nested deeper than this are not looked into; CPython takes 200. */
enum { AK_DEEPEST = 400 };

typedef struct AkWalk {
    AkArena *scratch;
    AkParser *parser;
    const char *text; /* of the nodes; a quoted annotation has its own */
    const AkSyntax *nodes;
    uint32_t shift; /* where that text stands in the block */

    AK_TABLE(const char *, names);
    AK_TABLE(uint32_t, name_len);
    AK_TABLE(uint32_t, name_hash);
    uint32_t *buckets, bucket_mask; /* by hash: number of a name */
    AK_TABLE(AkExpr, exprs);
    AK_TABLE(AkExprId, kids);
    AK_TABLE(AkStmt, stmts);
    AK_TABLE(AkScope, scopes);
    AK_TABLE(AkBinding, bindings);
    AK_TABLE(AkParam, params);
    AK_TABLE(AkFunctionFact, functions);
    AK_TABLE(AkClassFact, classes);
    AK_TABLE(AkImport, imports);
    AK_TABLE(AkLoop, loops);
    AK_TABLE(AkSyntaxError, errors);
    AK_TABLE(AkExprId, stack);    /* kids of what is being built */
    AK_TABLE(uint32_t, declared); /* bindings of global and nonlocal */

    AkScopeId scope;
    AkStmtId stmt;  /* that holds what is walked */
    AkStmtId outer; /* the parent of the next statement */
    uint8_t suite;  /* where in outer */
    AkExprId parent;
    uint16_t flags; /* for every expression made: annotation, quoted */
    int depth;
} AkWalk;

/* Children of a node. */
#define AK_EACH_CHILD(w, node, child)                                                          \
    for (uint32_t child = (node) + 1; child < (w)->nodes[node].next;                           \
         child = (w)->nodes[child].next)
uint32_t ak__child(const AkWalk *w, uint32_t node, AkField field); /* 0: none */
uint32_t ak__child_of_kind(const AkWalk *w, uint32_t node, uint8_t kind);
bool ak__has_token(const AkWalk *w, uint32_t node, uint8_t kind);

AkName ak__intern(AkWalk *w, const char *text, uint32_t len);
AkName ak__node_name(AkWalk *w, uint32_t node); /* its text */

/* Kids are pushed on the stack behind a mark and taken off it as a range. */
uint32_t ak__kids_mark(const AkWalk *w);
void ak__kids_push(AkWalk *w, AkExprId expr);
AkKids ak__kids_take(AkWalk *w, uint32_t mark);

AkExprId ak__expr_new(AkWalk *w, AkExprKind kind, uint32_t node);
AkExprId ak__expr(AkWalk *w, uint32_t node);            /* an expression; 0 for node 0 */
void ak__arguments(AkWalk *w, uint32_t node);           /* pushes them */
AkExprId ak__annotation_expr(AkWalk *w, uint32_t node); /* a `type` node */
AkExprId ak__dotted_expr(AkWalk *w, uint32_t node);     /* a dotted_name as attributes */
bool ak__is_expr(const AkWalk *w, uint32_t node);
void ak__parameters(AkWalk *w, uint32_t function, uint32_t node);

uint32_t ak__bind(AkWalk *w, AkScopeId scope, AkName name, AkBindingKind kind, uint32_t start,
                  uint32_t end);
/* Walks a target; the bindings it makes are those from the number before to bindings_len. */
AkExprId ak__target(AkWalk *w, uint32_t node, AkBindingKind kind, AkHow how);
void ak__bind_value(AkWalk *w, uint32_t first_binding, AkExprId value);
void ak__pattern(AkWalk *w, uint32_t node, AkExprId subject,
                 bool whole); /* of a case; pushes values */
void ak__type_parameters(AkWalk *w, uint32_t node);

AkExprId ak__string(AkWalk *w, uint32_t node);
AkExprId ak__strings(AkWalk *w, uint32_t node); /* adjacent ones */

uint32_t ak__function_new(AkWalk *w, uint32_t node);
AkScopeId ak__scope_new(AkWalk *w, AkScopeKind kind, uint32_t index);

#endif
