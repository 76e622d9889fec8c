/* blocks.h: a file cut into its top-level statements, without a parser.
 *
 * A block is one statement at column 0 with everything that belongs to it: decorators, the
 * comment lines right above that stand at column 0, the body, `else` and `except`, the blank
 * and indented lines behind it. Blocks tile the text: the first starts at 0, each ends where
 * the next begins, the last ends at len. The cut is exact for every file that CPython accepts.
 *
 * For code that is broken: an unclosed bracket, a stray closer or an open string on a line
 * stay inside their block, which is `unsure`; where the borders themselves cannot be told (a
 * triple quote that never closes), the whole file is one block of kind AK_BLOCK_FILE.
 *
 * Text comes from source.h: lone CRs replaced, AK_PADDING zero bytes behind it. Results live in
 * the arena. Offsets are bytes of the text that was cut.
 */
#ifndef AK_BLOCKS_H
#define AK_BLOCKS_H

#include "arena.h"

#include <stdint.h>

typedef enum AkBlockKind {
    AK_BLOCK_STMT, /* a line of simple statements, or one not told apart below (`match`) */
    AK_BLOCK_DEF,
    AK_BLOCK_CLASS,
    AK_BLOCK_IMPORT, /* exactly one import statement */
    AK_BLOCK_MAIN,   /* if __name__ == "__main__": without an else */
    AK_BLOCK_IF,
    AK_BLOCK_TRY,
    AK_BLOCK_WITH,
    AK_BLOCK_FOR,
    AK_BLOCK_WHILE,
    AK_BLOCK_DOC,   /* a string alone, as the first statement: the docstring */
    AK_BLOCK_BLANK, /* a file with no statement at all */
    AK_BLOCK_FILE,  /* the whole file: its borders could not be told; unsure */
} AkBlockKind;

typedef struct AkBlock {
    uint32_t start, end; /* bytes, end exclusive */
    uint32_t code;       /* where the statement begins, its first decorator included */
    uint32_t line;       /* of start, from 1 */
    uint32_t name_start, name_len; /* what a def or class is called */
    uint8_t kind;
    bool is_async;  /* async def, async with, async for */
    bool decorated; /* the decorators lie in code .. keyword */
    bool unsure;    /* its code is broken */
} AkBlock;

/* Cuts the text; the number of blocks, 0 for a text of no bytes. */
size_t ak__blocks_cut(AkArena *arena, const char *text, uint32_t len, AkBlock **out);
/* The same without SSE2: what other processors run, and the tests compare. */
size_t ak__blocks_cut_plain(AkArena *arena, const char *text, uint32_t len, AkBlock **out);

/* The offset behind the statement that the line at `line` begins, decorators and clauses (`else`
 * and the like) included; blank lines and comments below it are not, nor deeper lines that no
 * colon leads to. One with a bracket that never closes ends before the next line that stands no
 * deeper, one with a string before such a line that only a statement begins with; `patience`
 * counts down how often that is looked for (AK_PATIENCE of blocks_text.h to begin with). No
 * padding is needed. */
uint32_t ak__statement_end(const char *text, uint32_t len, uint32_t line, uint32_t *patience);

typedef struct AkSpan {
    uint32_t start, len;
} AkSpan;

/* ---- Names that a block binds at module level ---- */

typedef enum AkBound {
    AK_BOUND_DEF,
    AK_BOUND_CLASS,
    AK_BOUND_IMPORT,  /* the name that the import makes: its alias, or `a` of `import a.b` */
    AK_BOUND_STAR,    /* from m import *: the span is the star */
    AK_BOUND_ASSIGN,  /* =, := , for, with … as, except … as, match, type X = */
    AK_BOUND_DECLARE, /* x: int, without a value */
    AK_BOUND_AUGMENT, /* x += … */
    AK_BOUND_DELETE,  /* del x */
    AK_BOUND_GLOBAL,  /* `global x` in a function or class of this block */
} AkBound;

typedef struct AkBoundName {
    uint32_t start, len;
    uint8_t kind; /* AkBound */
    bool nested;  /* inside a compound statement: perhaps not bound */
} AkBoundName;

/* In the order of the text; a name may come several times. Over-approximates: what might be
 * bound is listed (every name of a `case` pattern, for one). Attributes and subscripts that are
 * assigned (a.b = , a[0] = ) bind nothing. */
size_t ak__block_names(AkArena *arena, const char *text, const AkBlock *block,
                       AkBoundName **out);

/* ---- Imports, anywhere in a block ---- */

typedef struct AkBlockImport {
    const char
        *module; /* dotted name without blanks, not zero-ended; empty in `from . import` */
    uint32_t module_len;
    uint32_t level; /* leading dots */
    AkSpan name;    /* of from: what is taken, or the star; else empty */
    AkSpan bound;   /* the name it binds; empty for a star */
    uint32_t at;    /* where the statement begins */
    bool from, star;
    bool aliased; /* as …: `import a.b as c` binds a.b, `import a.b` binds a */
    bool nested;  /* inside if, try, with …: perhaps not done */
    bool local;   /* inside a function or class: binds nothing here */
} AkBlockImport;

/* One entry for each name that an import statement brings, in the order of the text. */
size_t ak__block_imports(AkArena *arena, const char *text, const AkBlock *block,
                         AkBlockImport **out);

/* Both, from one reading. */
typedef struct AkBindings {
    AkBoundName *names;
    uint32_t name_len;
    AkBlockImport *imports;
    uint32_t import_len;
} AkBindings;

AkBindings ak__block_bindings(AkArena *arena, const char *text, const AkBlock *block);

/* ---- Identifiers that a block mentions ---- */

enum {
    AK_MENTION_ATTRIBUTES = 1 << 0, /* names behind a dot too */
    AK_MENTION_STRINGS = 1 << 1,    /* and inside strings that could be an annotation */
};

typedef struct AkMention {
    uint32_t start, len;
    bool attribute; /* stands behind a dot */
    bool quoted;    /* stands in a string */
} AkMention;

/* Every identifier token of start..end outside comments and plain strings, keywords left out;
 * of f-strings the insides of their fields. In the order of the text, repeated as they are. */
size_t ak__text_idents(AkArena *arena, const char *text, uint32_t start, uint32_t end,
                       unsigned flags, AkMention **out);

/* Whether one of the needles (NULL-ended; identifiers) stands in the text as a whole word,
 * comments and strings included. No padding needed. */
bool ak__text_mentions(const char *text, size_t len, const char *const *needles);

#endif
