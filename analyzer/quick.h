/* quick.h: a parser for the Python that most code is, ten times as fast as the grammar's.
 *
 * It takes what it understands and refuses everything else: it knows no recovery from errors,
 * and whatever is rare or in doubt (`match`, type parameters, names beyond ASCII) is refused. The
 * innermost statement that it refuses is read by the grammar, and it goes on behind that: what is
 * broken stays in its statement. Where it cannot tell the statement's end either (tabs between
 * spaces), the caller has the grammar read the whole. Lines that stand deeper than they may are an
 * error, and read as if they stood where they may.
 * What it makes are nodes as parse.h has them, in the shapes that collect.c reads; where the
 * grammar has several shapes for one meaning (`List[int]` as a type and as an expression), the
 * plainest. That the facts are the same either way is tested: tests/parsers.sh, fuzz_quick.
 */
#ifndef AK_QUICK_H
#define AK_QUICK_H

#include "grammar.h"

/* False when the text is refused or memory ran out: the tree then says nothing. */
bool ak__quick_parse(AkTree *tree, AkGrammar *grammar, const char *text, uint32_t len);

/* ---- What its files share ---- */

typedef enum AkToken {
    AK_TOK_END,     /* of the text, and for ever after a refusal */
    AK_TOK_UNKNOWN, /* a line begins with what is not known: no statement does */
    AK_TOK_NEWLINE,
    AK_TOK_NAME,
    AK_TOK_INTEGER,
    AK_TOK_FLOAT,
    AK_TOK_STRING,
    AK_TOK_FSTRING, /* up to its opening quotes */
    AK_TOK_ELLIPSIS,
    AK_TOK_OPEN, /* ( */
    AK_TOK_CLOSE,
    AK_TOK_OPEN_LIST,
    AK_TOK_CLOSE_LIST,
    AK_TOK_OPEN_DICT,
    AK_TOK_CLOSE_DICT,
    AK_TOK_COMMA,
    AK_TOK_COLON,
    AK_TOK_SEMICOLON,
    AK_TOK_DOT,
    AK_TOK_ARROW,
    AK_TOK_ASSIGN,
    AK_TOK_WALRUS,
    AK_TOK_BANG,
    AK_TOK_AUGMENTED, /* op tells which */
    /* Binary operators, the same way; `*`, `**`, `@`, `-` and `+` have other uses as well. */
    AK_TOK_BINARY,
    AK_TOK_STAR,
    AK_TOK_POWER,
    AK_TOK_AT,
    AK_TOK_MINUS,
    AK_TOK_PLUS,
    AK_TOK_TILDE,
    AK_TOK_COMPARE, /* op; the words `in`, `is`, `not` are keywords */
    /* Keywords. */
    AK_TOK_FALSE,
    AK_TOK_NONE,
    AK_TOK_TRUE,
    AK_TOK_AND,
    AK_TOK_AS,
    AK_TOK_ASSERT,
    AK_TOK_ASYNC,
    AK_TOK_AWAIT,
    AK_TOK_BREAK,
    AK_TOK_CLASS,
    AK_TOK_CONTINUE,
    AK_TOK_DEF,
    AK_TOK_DEL,
    AK_TOK_ELIF,
    AK_TOK_ELSE,
    AK_TOK_EXCEPT,
    AK_TOK_FINALLY,
    AK_TOK_FOR,
    AK_TOK_FROM,
    AK_TOK_GLOBAL,
    AK_TOK_IF,
    AK_TOK_IMPORT,
    AK_TOK_IN,
    AK_TOK_IS,
    AK_TOK_LAMBDA,
    AK_TOK_NONLOCAL,
    AK_TOK_NOT,
    AK_TOK_OR,
    AK_TOK_PASS,
    AK_TOK_RAISE,
    AK_TOK_RETURN,
    AK_TOK_TRY,
    AK_TOK_WHILE,
    AK_TOK_WITH,
    AK_TOK_YIELD,
} AkToken;

typedef struct AkQuick {
    AkTree *tree;
    const char *text;
    uint32_t len;
    uint32_t at; /* behind the token */
    /* The token. */
    AkToken token;
    AkOp op;
    uint32_t start, end;
    uint32_t last_end; /* of the token before */
    uint32_t indent;   /* of the line that begins with the token: where a statement begins */
    uint32_t brackets; /* open ones: no line ends there */
    uint32_t fields;   /* of f-strings, open ones */
    uint32_t depth;    /* of the recursion */
    char blank; /* what lines are indented with: a space, a tab, or 0 for not yet known */
    bool refused;
    bool lost; /* and the grammar cannot help */
    AkGrammar *grammar;
    uint32_t *patience; /* for statements that do not end */
} AkQuick;

/* Gives up: from now on every token is the end. Always 0, which is no node. */
uint32_t ak__quick_refuse(AkQuick *q);
/* Where a statement begins, to come back to. */
typedef struct AkQuickMark {
    AkQuick q;
    AkTreeKids kids; /* the statements before it */
    uint32_t nodes, comments, errors;
} AkQuickMark;

AkQuickMark ak__quick_mark(const AkQuick *q, const AkTreeKids *kids);
/* Has the grammar read the statement at the mark, which was refused. */
void ak__quick_ask(AkQuick *q, const AkQuickMark *mark, AkTreeKids *kids);

/* To the next token. */
void ak__quick_next(AkQuick *q);
/* To the first token of the next line that says something; its indent is measured. What it begins
 * with is not this statement's trouble: AK_TOK_UNKNOWN, and no refusal yet. */
void ak__quick_line(AkQuick *q);

uint32_t ak__quick_node(AkQuick *q, AkNodeKind kind, uint32_t start, uint32_t end,
                        AkTreeKids kids);
void ak__quick_add(AkQuick *q, AkTreeKids *kids, uint32_t node);
void ak__quick_comment(AkQuick *q, uint32_t start, uint32_t end);

/* Takes a token of that kind, or refuses. */
void ak__quick_take(AkQuick *q, AkToken token);

uint32_t ak__quick_name(AkQuick *q);                  /* an identifier, nothing else */
uint32_t ak__quick_leaf(AkQuick *q, AkNodeKind kind); /* the token, which is a whole node */
/* Over children: begins where the first does, ends behind the last token. */
uint32_t ak__quick_over(AkQuick *q, AkNodeKind kind, AkTreeKids kids);
/* The token and one child behind it. */
uint32_t ak__quick_prefixed(AkQuick *q, AkNodeKind kind, uint32_t (*child)(AkQuick *));
AkNodeKind ak__quick_kind(const AkQuick *q, uint32_t node);
/* Whether a node may be assigned to; deleted, too. */
bool ak__quick_is_target(const AkQuick *q, uint32_t node);
bool ak__quick_begins(const AkQuick *q); /* whether an expression may begin with the token */

static inline char ak__quick_peek(const AkQuick *q, uint32_t at)
{
    return at < q->len ? q->text[at] : 0;
}

/* quick_stmt.c: the statements of that indent. */
void ak__quick_lines(AkQuick *q, uint32_t indent, AkTreeKids *kids);

/* quick_expr.c. Each stands on the first token of what it reads and leaves behind the last. */
uint32_t ak__quick_expr(AkQuick *q);
uint32_t ak__quick_disjunction(AkQuick *q); /* no condition, no lambda */
uint32_t ak__quick_named(AkQuick *q);       /* or `x := v` */
uint32_t ak__quick_item(AkQuick *q);        /* or `*x` */
uint32_t ak__quick_starred(AkQuick *q, AkNodeKind kind);
/* One, or one or more with commas. */
uint32_t ak__quick_several(AkQuick *q, uint32_t (*one)(AkQuick *));
uint32_t ak__quick_list(AkQuick *q);  /* several, stars too */
uint32_t ak__quick_value(AkQuick *q); /* or `yield` */
uint32_t ak__quick_yield(AkQuick *q);
void ak__quick_params(AkQuick *q, AkTreeKids *kids, AkToken end);

/* quick_atom.c, alike. */
uint32_t ak__quick_atom(AkQuick *q);      /* with its attributes, calls and subscripts */
uint32_t ak__quick_targets(AkQuick *q);   /* of `for`: up to `in` */
uint32_t ak__quick_target(AkQuick *q);    /* of `with … as` */
uint32_t ak__quick_with_item(AkQuick *q); /* brackets may hold `a as b, c as d` */
uint32_t ak__quick_arguments(AkQuick *q); /* of a class */

/* quick_string.c: an f-string from its opening quotes on. */
uint32_t ak__quick_fstring(AkQuick *q);

enum { AK_QUICK_DEEPEST = 120 };

#endif
