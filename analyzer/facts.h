/* facts.h: what one block of a Python file says.
 *
 * collect.c walks the syntax tree of a block once and fills these tables; nothing later sees a
 * tree. Facts depend on the block's bytes alone: places are bytes from its start, names are
 * numbers in its own table, so that facts can be kept in a cache, made on any thread, and moved
 * when lines above change. What a name means, who calls whom and in which context is not here:
 * see program.h.
 *
 * A table's entry 0 is a dummy: the number 0 means "none" everywhere. Numbers of expressions and
 * statements grow in source order, a parent before its children. A syntax error leaves AK_X_ERROR
 * and AK_S_ERROR where it stands and the rest whole.
 */
#ifndef AK_FACTS_H
#define AK_FACTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef uint32_t AkName;    /* into names */
typedef uint32_t AkExprId;  /* into exprs */
typedef uint32_t AkStmtId;  /* into stmts */
typedef uint32_t AkScopeId; /* into scopes; 1 is the block's outermost: the module's scope */

/* A range of kids: exprs numbers facts->kids[first] … [first + count - 1]. */
typedef struct AkKids {
    uint32_t first, count;
} AkKids;

/* Kinds of expressions, with what name and kids hold. */
typedef enum AkExprKind {
    AK_X_NONE,
    AK_X_NAME,      /* name */
    AK_X_ATTRIBUTE, /* name: the attribute; kids: object */
    AK_X_CALL, /* kids: callee, then arguments in order (AK_X_KEYWORD, _STAR, _DOUBLE_STAR, or plain) */
    AK_X_KEYWORD,     /* name: the keyword; kids: value. Only as an argument */
    AK_X_STAR,        /* kids: value. `*x` as an argument, in a display or as a target */
    AK_X_DOUBLE_STAR, /* kids: value. `**x` as an argument or in a dict */
    AK_X_SUBSCRIPT,   /* kids: object, index (a tuple for `x[a, b]`) */
    AK_X_SLICE,       /* kids: those of lower, upper, step that are there */
    AK_X_STRING, /* name: the value, if shorter than 1,024 bytes; adjacent literals joined */
    AK_X_BYTES,
    AK_X_FSTRING, /* kids: the interpolated expressions, format specs' too; t-strings alike */
    AK_X_INT,     /* name: the literal's text */
    AK_X_FLOAT,   /* name: the literal's text; complex alike */
    AK_X_TRUE,
    AK_X_FALSE,
    AK_X_NONE_LITERAL,
    AK_X_ELLIPSIS,
    AK_X_LIST,       /* kids: items */
    AK_X_TUPLE,      /* kids: items */
    AK_X_SET,        /* kids: items */
    AK_X_DICT,       /* kids: key, value, key, value; a `**x` entry is 0, AK_X_DOUBLE_STAR */
    AK_X_LAMBDA,     /* index: its function */
    AK_X_LIST_COMP,  /* index: its scope; kids: element. Its clauses are in loops */
    AK_X_SET_COMP,   /* the same */
    AK_X_DICT_COMP,  /* index: its scope; kids: key, value */
    AK_X_GENERATOR,  /* index: its scope; kids: element */
    AK_X_AWAIT,      /* kids: value */
    AK_X_YIELD,      /* kids: value, or none */
    AK_X_YIELD_FROM, /* kids: value */
    AK_X_UNARY,      /* op; kids: value */
    AK_X_BINARY,     /* op; kids: left, right */
    AK_X_BOOL,       /* op AND or OR; kids: two or more */
    AK_X_COMPARE, /* op: the first; kids: operands; flag AK_XF_MIXED if the operators differ */
    AK_X_CONDITIONAL, /* kids: then, test, else */
    AK_X_NAMED,       /* kids: target, value: `(x := f())` */
    AK_X_ERROR, /* the parser gave up here; kids: whole expressions found inside. A kid only
                         * where the number of kids is open (arguments, items of a display) */
} AkExprKind;

typedef enum AkOp {
    AK_OP_NONE,
    AK_OP_ADD,
    AK_OP_SUB,
    AK_OP_MUL,
    AK_OP_DIV,
    AK_OP_FLOORDIV,
    AK_OP_MOD,
    AK_OP_POW,
    AK_OP_MATMUL,
    AK_OP_AND_BITS,
    AK_OP_OR_BITS,
    AK_OP_XOR,
    AK_OP_LSHIFT,
    AK_OP_RSHIFT,
    AK_OP_AND,
    AK_OP_OR,
    AK_OP_NOT,
    AK_OP_NEGATE,
    AK_OP_PLUS,
    AK_OP_INVERT,
    AK_OP_LT,
    AK_OP_LE,
    AK_OP_GT,
    AK_OP_GE,
    AK_OP_EQ,
    AK_OP_NE,
    AK_OP_IN,
    AK_OP_NOT_IN,
    AK_OP_IS,
    AK_OP_IS_NOT,
} AkOp;

typedef enum AkExprFlag {
    AK_XF_AWAITED = 1 << 0,    /* a call (or a name) that is the operand of `await` */
    AK_XF_DROPPED = 1 << 1,    /* an expression statement's value, awaited or not */
    AK_XF_STORE = 1 << 2,      /* a target: NAME, ATTRIBUTE, SUBSCRIPT that is written */
    AK_XF_DELETE = 1 << 3,     /* a target of `del` */
    AK_XF_DECORATOR = 1 << 4,  /* is a decorator (its topmost expression) */
    AK_XF_ANNOTATION = 1 << 5, /* topmost of, or inside, an annotation */
    AK_XF_QUOTED = 1 << 6,     /* read from inside a string that is an annotation */
    AK_XF_DEFAULT = 1 << 7,    /* topmost of a parameter's default */
    AK_XF_MIXED = 1 << 8,      /* COMPARE with different operators */
    AK_XF_PARENTHESES = 1 << 9 /* stood in parentheses of its own */
} AkExprFlag;

typedef struct AkExpr {
    uint8_t kind; /* AkExprKind */
    uint8_t op;   /* AkOp */
    uint16_t flags;
    uint32_t start, end; /* bytes from the block's start, without parentheses around it */
    AkName name;
    uint32_t index; /* LAMBDA: functions; comprehensions: scopes */
    AkKids kids;
    AkScopeId scope; /* where it is evaluated */
    AkStmtId stmt;   /* the innermost statement that holds it */
    AkExprId parent; /* the expression it is part of, or 0 */
} AkExpr;

typedef enum AkStmtKind {
    AK_S_NONE,
    AK_S_EXPR,      /* value */
    AK_S_ASSIGN,    /* targets (a kid each for `a = b = v`), value */
    AK_S_AUGMENTED, /* targets: one; value; op */
    AK_S_ANNOTATED, /* targets: one; annotation in extra; value or 0 */
    AK_S_RETURN,    /* value or 0 */
    AK_S_RAISE,     /* value or 0; extra: the cause */
    AK_S_DELETE,    /* targets */
    AK_S_ASSERT,    /* value: the test; extra: the message */
    AK_S_PASS,
    AK_S_BREAK,
    AK_S_CONTINUE,
    AK_S_IF,  /* value: the test. `elif` is an AK_S_IF in the AK_SUITE_ELSE of the one before */
    AK_S_FOR, /* targets: one; value: what is iterated; loop in index; is_async */
    AK_S_WHILE,   /* value: the test */
    AK_S_WITH,    /* targets: the context managers; each `as` is a binding; is_async */
    AK_S_TRY,     /* its handlers are AK_S_HANDLER statements in AK_SUITE_HANDLER */
    AK_S_HANDLER, /* value: the type (a tuple for several), 0 for a bare one; name: `as` */
    AK_S_MATCH,   /* value: the subject; its cases are AK_S_CASE statements */
    AK_S_CASE, /* value: the guard or 0; targets: the class and value patterns' expressions */
    AK_S_FUNCTION, /* index: functions */
    AK_S_CLASS,    /* index: classes */
    AK_S_IMPORT,   /* index: first of its imports, count: how many */
    AK_S_GLOBAL,
    AK_S_NONLOCAL, /* the names are bindings */
    AK_S_TYPE,     /* `type X = …`: value */
    AK_S_ERROR, /* targets: whole expressions found inside; whole statements are its body. Python 2's
                     * `print x` and `exec x` alike */
} AkStmtKind;

/* In which suite of its parent a statement stands. */
typedef enum AkSuite {
    AK_SUITE_BODY,
    AK_SUITE_ELSE,    /* of if, for, while, try */
    AK_SUITE_HANDLER, /* an AK_S_HANDLER below its AK_S_TRY; an AK_S_CASE below its AK_S_MATCH */
    AK_SUITE_FINALLY,
} AkSuite;

typedef struct AkStmt {
    uint8_t kind;  /* AkStmtKind */
    uint8_t suite; /* AkSuite */
    uint8_t op;    /* AK_S_AUGMENTED */
    bool is_async;
    uint32_t start, end; /* with decorators for functions and classes: def_start is theirs */
    AkStmtId parent,
        last; /* last: the last statement below it, itself if none: a subtree is i … last */
    AkScopeId scope;
    AkName name;
    AkExprId value, extra;
    AkKids targets;
    uint32_t index, count;
} AkStmt;

typedef enum AkScopeKind {
    AK_SCOPE_NONE,
    AK_SCOPE_MODULE,
    AK_SCOPE_CLASS,        /* index: classes */
    AK_SCOPE_FUNCTION,     /* index: functions; lambdas too */
    AK_SCOPE_COMPREHENSION /* index: the expression */
} AkScopeKind;

typedef struct AkScope {
    uint8_t kind;
    AkScopeId parent;
    uint32_t index;
    uint32_t function; /* the innermost function around or 0: comprehensions run in it */
    uint32_t first_binding, binding_len; /* into bindings, sorted by name, then by place */
} AkScope;

/* How a name gets its value.
 *
 * A binding belongs to the scope that Python gives the name: below `global x` that is the module's
 * (1), below `nonlocal x` the function's that has x, for `:=` in a comprehension the one around it.
 * Where the assignment stands is told by stmt. AK_B_GLOBAL and AK_B_NONLOCAL themselves are entries
 * of the scope that declares.
 *
 * Type parameters (`def f[T]`, `class A[T]`) are bindings of the function's or class's own scope,
 * which is not quite Python's: annotations of the header, which mention them, are evaluated outside.
 * Those of `type X[T] = …` are not bound. */
typedef enum AkBindingKind {
    AK_B_ASSIGN,    /* value */
    AK_B_AUGMENTED, /* value: the right side */
    AK_B_ANNOTATED, /* annotation; value or 0 */
    AK_B_PARAMETER, /* index: params */
    AK_B_FUNCTION,  /* index: functions */
    AK_B_CLASS,     /* index: classes */
    AK_B_IMPORT,    /* index: imports */
    AK_B_FOR,    /* value: what is iterated (how is AK_HOW_ITEM); comprehension clauses too */
    AK_B_WITH,   /* value: the context manager (how is AK_HOW_ENTER) */
    AK_B_EXCEPT, /* value: the type */
    AK_B_NAMED,  /* `:=` ; value. In a comprehension it binds in the scope around */
    AK_B_DELETE,
    AK_B_MATCH, /* captured by a pattern; value: the subject, how AK_HOW_UNKNOWN unless it is the whole */
    AK_B_GLOBAL, /* `global x` in a function: reads and writes mean the module's */
    AK_B_NONLOCAL,
    AK_B_TYPE, /* a type alias or a type parameter */
} AkBindingKind;

typedef enum AkHow {
    AK_HOW_WHOLE,     /* is value */
    AK_HOW_ITEM,      /* one of what iterating value gives */
    AK_HOW_ENTER,     /* what `with value as` gives */
    AK_HOW_PART,      /* item number part of value: `a, b = value` */
    AK_HOW_ITEM_PART, /* item number part of one of what iterating gives: `for a, b in value` */
    AK_HOW_REST,      /* the starred rest of an unpacking */
    AK_HOW_UNKNOWN,
} AkHow;

typedef struct AkBinding {
    uint8_t kind; /* AkBindingKind */
    uint8_t how;  /* AkHow */
    uint16_t part;
    AkName name;
    AkScopeId scope;
    uint32_t start, end; /* the name's own place */
    AkExprId value, annotation;
    AkStmtId stmt;
    uint32_t index;
} AkBinding;

typedef enum AkParamKind {
    AK_PARAM_POSITIONAL_ONLY,
    AK_PARAM_PLAIN,
    AK_PARAM_ARGS,
    AK_PARAM_KEYWORD_ONLY,
    AK_PARAM_KWARGS
} AkParamKind;

typedef struct AkParam {
    uint8_t kind;
    AkName name;
    uint32_t start, end;
    AkExprId annotation, value; /* value: the default */
} AkParam;

typedef struct AkFunctionFact {
    AkName name; /* 0 for a lambda */
    bool is_async, is_generator, is_lambda;
    bool returns_value; /* has `return x` with x other than None, or is a lambda */
    bool is_trivial;    /* body of docstring, pass, `...` or `raise NotImplementedError` only */
    uint32_t start, end; /* from `def` or `async` (a lambda: the whole) */
    uint32_t name_start, name_end;
    AkScopeId scope, parent; /* its own scope, and the one it is defined in */
    AkStmtId stmt;           /* AK_S_FUNCTION; a lambda: the statement that holds it */
    AkExprId expr;           /* a lambda's AK_X_LAMBDA */
    uint32_t class_;         /* the class whose body defines it directly, or 0; a lambda: 0 */
    uint32_t outer;          /* the function around it, or 0 */
    uint32_t first_param, param_len;
    AkKids decorators,
        returned;     /* returned: values of its return statements (a lambda: its body) */
    AkKids yielded;   /* values of yield; what `yield from` takes is not among them */
    AkExprId returns; /* the annotation, or 0 */
} AkFunctionFact;

typedef struct AkClassFact {
    AkName name;
    uint32_t start, end, name_start, name_end;
    AkScopeId scope, parent;
    AkStmtId stmt;
    uint32_t outer_function, outer_class; /* it is defined directly or indirectly in, or 0 */
    AkKids bases;                         /* AK_X_KEYWORD for metaclass= and kin */
    AkKids decorators;
} AkClassFact;

typedef struct AkImport {
    AkName module; /* "a.b" of `import a.b` or `from a.b import c`; 0 for `from . import c` */
    AkName name;   /* c of `from a.b import c`; 0 for `import a.b` and for `*` */
    AkName bound;  /* the name it binds: the alias, or the first part of a plain `import a.b` */
    uint16_t level; /* leading dots */
    bool is_from, is_star, has_alias;
    bool type_checking;  /* below `if TYPE_CHECKING` (by the test's last name) */
    bool optional;       /* in a `try` that handles an import error, or below an `if` */
    uint32_t start, end; /* the clause `a.b as c` */
    uint32_t name_start, name_end;
    AkStmtId stmt;
    AkScopeId scope;
} AkImport;

/* A `for` statement or a comprehension's `for` clause. */
typedef struct AkLoop {
    AkExprId target, iterated;
    AkScopeId
        scope; /* where iterated is evaluated: the first clause of a comprehension runs outside it */
    AkStmtId stmt; /* the AK_S_FOR, or the statement around the comprehension */
    AkExprId comp; /* the comprehension, or 0 */
    AkKids conditions;
    bool is_async;
} AkLoop;

/* A comment that speaks to this program: it holds "aklint:" or "noqa". */
typedef struct AkComment {
    uint32_t start, end;
    bool own_line; /* nothing before it on its line */
} AkComment;

typedef struct AkSyntaxError {
    uint32_t start, end;
    bool missing; /* something is missing here; else: something is too much */
} AkSyntaxError;

typedef struct AkFacts {
    const char *const *names; /* 0-ended strings */
    const uint32_t *name_len;
    const uint32_t
        *name_hash; /* ak__hash of the bytes: interning across blocks need not hash again */
    const AkExpr *exprs;
    const AkExprId *kids;
    const AkStmt *stmts;
    const AkScope *scopes;
    const AkBinding *bindings;
    const AkParam *params;
    const AkFunctionFact *functions;
    const AkClassFact *classes;
    const AkImport *imports;
    const AkLoop *loops;
    const AkComment *comments;
    const AkSyntaxError *errors;
    uint32_t name_count, expr_len, kid_len, stmt_len, scope_len, binding_len, param_len,
        function_len, class_len, import_len, loop_len, comment_len,
        error_len; /* the dummies counted */
} AkFacts;

/* Names of functions defined inside `if TYPE_CHECKING` count as defined; see AkStmt.parent. */

struct AkArena;

/* parse.c + collect.c: facts of text[0, len), a run of whole statements at column 0. All memory
 * comes from the arena; safe to run on any thread with an arena of its own. parser is kept by the
 * caller for its thread; ak__parser_new returns NULL when there is no memory, ak__parser_free
 * takes NULL. */
typedef struct AkParser AkParser;
AkParser *ak__parser_new(void);
void ak__parser_free(AkParser *parser);
const AkFacts *ak__collect(struct AkArena *arena, AkParser *parser, const char *text,
                           uint32_t len);

uint32_t ak__hash(const char *bytes, size_t len);

/* Short cuts over the tables. */
static inline const AkExpr *ak_expr(const AkFacts *facts, AkExprId id)
{
    return &facts->exprs[id];
}
static inline AkExprId ak_kid(const AkFacts *facts, AkKids kids, uint32_t i)
{
    return i < kids.count ? facts->kids[kids.first + i] : 0;
}
static inline const char *ak_name(const AkFacts *facts, AkName name)
{
    return facts->names[name]; /* "" for 0 */
}

#endif
