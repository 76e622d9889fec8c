/* blocks_names.c: what a block binds, imports and mentions, read from its tokens.
 *
 * A logical line at a time is turned into tokens, and a line into statements: its first word
 * says what the statement is, targets stand before `=`, after `as`, between `for` and `in`. How
 * an expression is built does not matter here, only which names in a target stand free: not
 * behind a dot, and not before a dot, a subscript or a call.
 */
#include "blocks.h"

#include "array.h"
#include "blocks_text.h"

#include <string.h>
#if defined(__SSE2__)
#include <emmintrin.h>
#endif

/* ---- Tokens ---- */

typedef enum TokenKind { NAME, NUMBER, STRING, OPERATOR } TokenKind;

typedef struct Token {
    uint32_t start, end;
    uint8_t kind;
    uint8_t depth; /* open brackets around it, 255 for more; of a bracket: outside it */
} Token;

enum { FIRST_TOKENS = 256 }; /* a longer line takes the arena's memory */

typedef struct Lines {
    AkArena *arena;
    const char *text;
    uint32_t at, end;
    uint32_t patience;
    uint32_t column; /* of the line read last */
    Token *tokens;   /* its tokens */
    uint32_t count, cap;
} Lines;

static const char *const operators[] = {
    "**=", "//=", ">>=", "<<=", "...", "==", "!=", "<=", ">=", "->", ":=", "+=",
    "-=",  "*=",  "/=",  "%=",  "&=",  "|=", "^=", "@=", "**", "//", "<<", ">>"};

static uint32_t operator_end(const char *text, uint32_t end, uint32_t at)
{
    for (size_t i = 0; i < sizeof operators / sizeof *operators; i++) {
        if (operators[i][0] != text[at])
            continue;
        uint32_t n = (uint32_t)strlen(operators[i]);
        if (end - at >= n && memcmp(text + at, operators[i], n) == 0)
            return at + n;
    }
    return at + 1;
}

static uint32_t number_end(const char *text, uint32_t end, uint32_t at)
{
    while (at < end && (ak__in_word(text[at]) || text[at] == '.'))
        at++;
    return at;
}

/* The token at `at`, which is no blank, newline or comment. */
static Token token_at(Lines *lines, uint32_t from, uint32_t at)
{
    const char *text = lines->text;
    Token token = {.start = at, .kind = OPERATOR};
    uint32_t quote = at;
    if (ak__is_digit(text[at])) {
        token.kind = NUMBER;
        token.end = number_end(text, lines->end, at);
        return token;
    }
    if (ak__in_word(text[at])) {
        token.kind = NAME;
        token.end = quote = ak__word_end(text, lines->end, at);
        if (quote >= lines->end || quote - at > 2)
            return token;
    }
    if (text[quote] != '"' && text[quote] != '\'') {
        if (token.kind == OPERATOR)
            token.end = operator_end(text, lines->end, at);
        return token;
    }
    AkString string = ak__string_at(text, lines->end, from, quote, &lines->patience);
    if (string.start <= at) {
        token.kind = STRING;
        token.end = string.end;
    }
    return token;
}

/* Reads the next line that has code; false at the end. */
static bool next_line(Lines *lines)
{
    const char *text = lines->text;
    uint32_t depth = 0, from = lines->at;
    bool fresh = true;
    lines->count = 0;
    while (lines->at < lines->end) {
        if (fresh) {
            AkIndent indent = ak__indent_at(text, lines->end, lines->at);
            lines->column = indent.column;
            lines->at = from = indent.code;
            fresh = false;
            continue;
        }
        lines->at = ak__skip_blanks(text, lines->end, lines->at);
        if (lines->at >= lines->end)
            break;
        char c = text[lines->at];
        if (c == '#') {
            lines->at = ak__line_end(text, lines->end, lines->at);
            continue;
        }
        if (c == '\n') {
            lines->at++;
            if (depth == 0 && lines->count)
                return true;
            fresh = depth == 0;
            continue;
        }
        Token token = token_at(lines, from, lines->at);
        if (token.kind == OPERATOR && (c == ')' || c == ']' || c == '}'))
            depth -= depth > 0;
        token.depth = (uint8_t)(depth < 255 ? depth : 255);
        if (token.kind == OPERATOR && (c == '(' || c == '[' || c == '{'))
            depth++;
        AK_PUSH(lines->arena, lines->tokens, lines->count, lines->cap) = token;
        lines->at = token.end;
    }
    return lines->count > 0;
}

static bool is(const Lines *lines, uint32_t i, const char *word)
{
    if (i >= lines->count || lines->text[lines->tokens[i].start] != word[0])
        return false;
    Token token = lines->tokens[i];
    size_t len = strlen(word);
    return token.kind != STRING && token.end - token.start == len &&
           memcmp(lines->text + token.start, word, len) == 0;
}

static bool is_kind(const Lines *lines, uint32_t i, TokenKind kind)
{
    return i < lines->count && lines->tokens[i].kind == kind;
}

/* ---- A block, statement by statement ---- */

typedef struct Names {
    AkArena *arena;
    Lines lines;
    bool inside;    /* in a def or class … */
    uint32_t inner; /* … that stands at this column */
    bool nested;    /* the statement at hand lies in a compound one */
    AkBoundName *names;
    uint32_t count, cap;
    AkBlockImport *imports;
    uint32_t import_count, import_cap;
} Names;

static void bind(Names *n, uint32_t i, AkBound kind)
{
    Token token = n->lines.tokens[i];
    AkBoundName name = {token.start, token.end - token.start, (uint8_t)kind, n->nested};
    AK_PUSH(n->arena, n->names, n->count, n->cap) = name;
}

static bool is_free_name(const Lines *lines, uint32_t i)
{
    Token token = lines->tokens[i];
    return token.kind == NAME && !is(lines, i + 1, ".") && !is(lines, i + 1, "[") &&
           !is(lines, i + 1, "(") && !(i > 0 && is(lines, i - 1, ".")) &&
           !ak__is_keyword(lines->text + token.start, token.end - token.start);
}

/* Behind the bracket at i and what it holds. */
static uint32_t behind_brackets(const Lines *lines, uint32_t i)
{
    uint8_t depth = lines->tokens[i].depth;
    for (i++; i < lines->count; i++)
        if (lines->tokens[i].depth <= depth)
            return i + 1;
    return i;
}

/* The names that stand free in tokens from .. to: what a target binds. */
static void bind_targets(Names *n, uint32_t from, uint32_t to, AkBound kind)
{
    const Lines *lines = &n->lines;
    for (uint32_t i = from; i < to && i < lines->count;) {
        bool follows_value = i > from && (is_kind(lines, i - 1, NAME) ||
                                          is(lines, i - 1, ")") || is(lines, i - 1, "]"));
        if (follows_value && (is(lines, i, "[") || is(lines, i, "("))) {
            i = behind_brackets(lines, i);
            continue;
        }
        if (is_free_name(lines, i))
            bind(n, i, kind);
        i++;
    }
}

/* := binds wherever it stands. */
static void bind_walruses(Names *n)
{
    for (uint32_t i = 0; i + 1 < n->lines.count; i++)
        if (is_kind(&n->lines, i, NAME) && is(&n->lines, i + 1, ":="))
            bind(n, i, AK_BOUND_ASSIGN);
}

/* The first token `word` from i on with as many brackets open as at i; else `end`. */
static uint32_t find(const Lines *lines, uint32_t i, uint32_t end, const char *word)
{
    uint8_t depth = i < lines->count ? lines->tokens[i].depth : 0;
    for (; i < end; i++)
        if (lines->tokens[i].depth == depth && is(lines, i, word))
            return i;
    return end;
}

/* The colon that ends a clause's head; a lambda's colon is none. */
static uint32_t find_colon(const Lines *lines, uint32_t i, uint32_t end)
{
    uint32_t lambdas = 0;
    for (; i < end; i++) {
        if (lines->tokens[i].depth)
            continue;
        if (is(lines, i, "lambda"))
            lambdas++;
        else if (is(lines, i, ":") && lambdas-- == 0)
            return i;
    }
    return end;
}

/* ---- Imports ---- */

static AkSpan span_of(const Lines *lines, uint32_t i)
{
    Token token = lines->tokens[i];
    return (AkSpan){token.start, token.end - token.start};
}

/* Dots count; `...` comes as one token. */
static uint32_t take_dots(const Lines *lines, uint32_t *i)
{
    uint32_t level = 0;
    for (; is(lines, *i, ".") || is(lines, *i, "..."); ++*i)
        level += is(lines, *i, ".") ? 1 : 3;
    return level;
}

/* A dotted name, in one piece in the text or copied without what stands between its parts. */
static void take_module(Names *n, uint32_t *i, AkBlockImport *import)
{
    const Lines *lines = &n->lines;
    uint32_t first = *i, parts_len = 0;
    while (is_kind(lines, *i, NAME) && !is(lines, *i, "import")) {
        parts_len += span_of(lines, (*i)++).len;
        if (!is(lines, *i, "."))
            break;
        parts_len++;
        ++*i;
    }
    if (*i == first)
        return;
    uint32_t start = lines->tokens[first].start, end = lines->tokens[*i - 1].end;
    import->module = lines->text + start;
    import->module_len = parts_len;
    if (end - start == parts_len)
        return;
    char *copy = ak__alloc(n->arena, parts_len + 1);
    uint32_t to = 0;
    for (uint32_t part = first; part < *i; part++) {
        AkSpan span = span_of(lines, part);
        memcpy(copy + to, lines->text + span.start, span.len);
        to += span.len;
    }
    import->module = copy;
}

static void add_import(Names *n, AkBlockImport import)
{
    import.nested = n->nested;
    import.local = n->inside;
    AK_PUSH(n->arena, n->imports, n->import_count, n->import_cap) = import;
    if (n->inside)
        return;
    AkSpan bound = import.star ? import.name : import.bound;
    AkBoundName name = {bound.start, bound.len, import.star ? AK_BOUND_STAR : AK_BOUND_IMPORT,
                        n->nested};
    AK_PUSH(n->arena, n->names, n->count, n->cap) = name;
}

static void take_alias(const Lines *lines, uint32_t *i, AkBlockImport *import)
{
    if (!is(lines, *i, "as") || !is_kind(lines, *i + 1, NAME))
        return;
    import->bound = span_of(lines, *i + 1);
    import->aliased = true;
    *i += 2;
}

/* import a.b as c, d */
static void read_import(Names *n, uint32_t i, uint32_t end)
{
    const Lines *lines = &n->lines;
    uint32_t at = lines->tokens[i].start;
    do {
        AkBlockImport import = {.at = at};
        i++; /* `import`, or the comma */
        if (!is_kind(lines, i, NAME))
            return;
        import.bound = span_of(lines, i);
        take_module(n, &i, &import);
        take_alias(lines, &i, &import);
        add_import(n, import);
    } while (i < end && is(lines, i, ","));
}

/* from .a import (b as c, d), from a import * */
static void read_from(Names *n, uint32_t i, uint32_t end)
{
    const Lines *lines = &n->lines;
    AkBlockImport import = {.at = lines->tokens[i].start, .from = true, .module = ""};
    i++;
    import.level = take_dots(lines, &i);
    take_module(n, &i, &import);
    if (!is(lines, i, "import"))
        return;
    i++;
    i += is(lines, i, "(");
    while (i < end && (is_kind(lines, i, NAME) || is(lines, i, "*"))) {
        AkBlockImport one = import;
        one.name = span_of(lines, i);
        one.star = is(lines, i, "*");
        one.bound = one.star ? (AkSpan){0, 0} : one.name;
        i++;
        take_alias(lines, &i, &one);
        add_import(n, one);
        if (!is(lines, i, ","))
            return;
        i++;
    }
}

/* ---- Simple statements ---- */

static bool is_augmented(const Lines *lines, uint32_t i)
{
    Token token = lines->tokens[i];
    char first = lines->text[token.start];
    return token.kind == OPERATOR && token.end - token.start >= 2 &&
           lines->text[token.end - 1] == '=' && first != '=' && first != '!' && first != ':' &&
           !(token.end - token.start == 2 && (first == '<' || first == '>'));
}

/* a = b, c = …, a: T = …, a += … */
static void read_assignment(Names *n, uint32_t i, uint32_t end)
{
    const Lines *lines = &n->lines;
    uint32_t colon = find_colon(lines, i, end);
    uint32_t target = i, equals;
    for (uint32_t k = i; k < end; k++)
        if (lines->tokens[k].depth == 0 && is_augmented(lines, k)) {
            bind_targets(n, i, k, AK_BOUND_AUGMENT);
            return;
        }
    equals = find(lines, i, end, "=");
    if (colon < equals) {
        if (colon == i + 1 || is(lines, i, "("))
            bind_targets(n, i, colon, equals < end ? AK_BOUND_ASSIGN : AK_BOUND_DECLARE);
        return;
    }
    for (; equals < end; equals = find(lines, target, end, "=")) {
        bind_targets(n, target, equals, AK_BOUND_ASSIGN);
        target = equals + 1;
    }
}

/* `type X = …` and `type X[T] = …`, where type is no plain name. */
static bool is_type_alias(const Lines *lines, uint32_t i)
{
    return is(lines, i, "type") && is_kind(lines, i + 1, NAME) &&
           (is(lines, i + 2, "=") || is(lines, i + 2, "["));
}

static void read_simple(Names *n, uint32_t i, uint32_t end)
{
    const Lines *lines = &n->lines;
    if (is(lines, i, "import"))
        read_import(n, i, end);
    else if (is(lines, i, "from"))
        read_from(n, i, end);
    else if (n->inside) {
        if (is(lines, i, "global"))
            for (uint32_t k = i + 1; k < end; k++)
                if (is_kind(lines, k, NAME))
                    bind(n, k, AK_BOUND_GLOBAL);
    } else if (is(lines, i, "del"))
        bind_targets(n, i + 1, end, AK_BOUND_DELETE);
    else if (is_type_alias(lines, i))
        bind(n, i + 1, AK_BOUND_ASSIGN);
    else if (!is(lines, i, "global"))
        read_assignment(n, i, end);
}

static void read_simple_ones(Names *n, uint32_t i)
{
    while (i < n->lines.count) {
        uint32_t end = i;
        while (end < n->lines.count &&
               !(n->lines.tokens[end].depth == 0 && is(&n->lines, end, ";")))
            end++;
        if (end > i)
            read_simple(n, i, end);
        i = end + 1;
    }
}

/* ---- Compound statements ---- */

/* with a as b, (c as d): and except E as e */
static void bind_as(Names *n, uint32_t i, uint32_t colon)
{
    const Lines *lines = &n->lines;
    for (; i < colon; i++) {
        if (!is(lines, i, "as"))
            continue;
        uint8_t depth = lines->tokens[i].depth;
        uint32_t end = i + 1;
        while (end < colon && lines->tokens[end].depth >= depth &&
               !(lines->tokens[end].depth == depth &&
                 (is(lines, end, ",") || is(lines, end, ")"))))
            end++;
        bind_targets(n, i + 1, end, AK_BOUND_ASSIGN);
    }
}

/* Every name of a pattern that is no class, attribute or keyword. */
static void bind_pattern(Names *n, uint32_t i, uint32_t colon)
{
    const Lines *lines = &n->lines;
    uint32_t end = find(lines, i, colon, "if");
    for (; i < end; i++)
        if (is_free_name(lines, i) && !is(lines, i + 1, "=") && !is(lines, i, "_"))
            bind(n, i, AK_BOUND_ASSIGN);
}

/* `case` and `match` are words as any other, unless the line ends like a clause. */
static bool is_soft_clause(const Lines *lines, const char *word, uint32_t colon)
{
    return is(lines, 0, word) && colon > 1 && colon < lines->count && !is(lines, 1, "=") &&
           !is(lines, 1, ".") && !is(lines, 1, ",") && find(lines, 0, colon, "=") == colon;
}

static bool starts_clause(const Lines *lines, uint32_t i)
{
    static const char *const words[] = {"if",   "elif", "else",   "while",  "for",
                                        "with", "try",  "except", "finally"};
    for (size_t k = 0; k < sizeof words / sizeof *words; k++)
        if (is(lines, i, words[k]))
            return true;
    return false;
}

/* The head of a compound statement, and what may follow its colon on the line. */
static void read_clause(Names *n, uint32_t i, uint32_t colon)
{
    const Lines *lines = &n->lines;
    if (!n->inside) {
        if (is(lines, i, "for"))
            bind_targets(n, i + 1, find(lines, i + 1, colon, "in"), AK_BOUND_ASSIGN);
        else if (is(lines, i, "with") || is(lines, i, "except"))
            bind_as(n, i + 1, colon);
        else if (is(lines, i, "case"))
            bind_pattern(n, i + 1, colon);
    }
    n->nested = true;
    read_simple_ones(n, colon + 1);
}

static void read_definition(Names *n, uint32_t i, uint32_t colon)
{
    bool outermost = !n->inside;
    if (outermost && is_kind(&n->lines, i + 1, NAME))
        bind(n, i + 1, is(&n->lines, i, "def") ? AK_BOUND_DEF : AK_BOUND_CLASS);
    if (outermost) {
        n->inside = true;
        n->inner = n->lines.column;
    }
    read_simple_ones(n, colon + 1);
}

static void read_line(Names *n)
{
    const Lines *lines = &n->lines;
    if (n->inside && lines->column <= n->inner)
        n->inside = false;
    n->nested = lines->column > 0;
    if (!n->inside)
        bind_walruses(n);
    uint32_t i = is(lines, 0, "async") ? 1 : 0;
    uint32_t colon = find_colon(lines, i, lines->count);
    if (is(lines, 0, "@"))
        return;
    if (is(lines, i, "def") || is(lines, i, "class"))
        read_definition(n, i, colon);
    else if (starts_clause(lines, i) || is_soft_clause(lines, "case", colon) ||
             is_soft_clause(lines, "match", colon))
        read_clause(n, i, colon);
    else
        read_simple_ones(n, 0);
}

/* ---- The interface ---- */

static Names read_block(AkArena *arena, const char *text, const AkBlock *block)
{
    Token first[FIRST_TOKENS];
    Names n = {.arena = arena,
               .lines = {.arena = arena,
                         .tokens = first,
                         .cap = FIRST_TOKENS,
                         .text = text,
                         .at = block->start,
                         .end = block->end,
                         .patience = AK_PATIENCE}};
    while (next_line(&n.lines))
        read_line(&n);
    n.lines.tokens = NULL;
    return n;
}

static bool block_mentions(const char *text, const AkBlock *block, const char *const *words)
{
    return ak__text_mentions(text + block->start, block->end - block->start, words);
}

static bool has_walrus(const char *text, const AkBlock *block)
{
    const char *at = text + block->start, *end = text + block->end;
    while ((at = memchr(at, ':', (size_t)(end - at))))
        if (++at < end && *at == '=')
            return true;
    return false;
}

/* Of a def or class the name is known; only `global` and := can bind one more. */
static bool binds_one(const char *text, const AkBlock *block)
{
    static const char *const global[] = {"global", NULL};
    bool defines = block->kind == AK_BLOCK_DEF || block->kind == AK_BLOCK_CLASS;
    return defines && !block->unsure && !has_walrus(text, block) &&
           !block_mentions(text, block, global);
}

AkBindings ak__block_bindings(AkArena *arena, const char *text, const AkBlock *block)
{
    static const char *const import[] = {"import", NULL};
    AkBindings found = {.names = NULL};
    if (block->kind == AK_BLOCK_DOC || block->kind == AK_BLOCK_BLANK)
        return found;
    bool one = binds_one(text, block);
    if (!one || block_mentions(text, block, import)) {
        Names n = read_block(arena, text, block);
        found = (AkBindings){n.names, n.count, n.imports, n.import_count};
    }
    if (one) {
        found.names = ak__alloc(arena, sizeof *found.names);
        found.name_len = 1;
        *found.names =
            (AkBoundName){block->name_start, block->name_len,
                          block->kind == AK_BLOCK_DEF ? AK_BOUND_DEF : AK_BOUND_CLASS, false};
    }
    return found;
}

size_t ak__block_names(AkArena *arena, const char *text, const AkBlock *block,
                       AkBoundName **out)
{
    AkBindings found = ak__block_bindings(arena, text, block);
    *out = found.names;
    return found.name_len;
}

size_t ak__block_imports(AkArena *arena, const char *text, const AkBlock *block,
                         AkBlockImport **out)
{
    AkBindings found = ak__block_bindings(arena, text, block);
    *out = found.imports;
    return found.import_len;
}

/* ---- Identifiers ---- */

typedef struct Mentions {
    AkArena *arena;
    const char *text;
    unsigned flags;
    uint32_t patience;
    AkMention *found;
    uint32_t count, cap;
} Mentions;

static void mention_range(Mentions *m, uint32_t start, uint32_t end);

static void mention_field(void *data, uint32_t start, uint32_t end)
{
    mention_range(data, start, end);
}

static void mention(Mentions *m, AkMention one)
{
    if (ak__is_keyword(m->text + one.start, one.len) ||
        (one.attribute && !(m->flags & AK_MENTION_ATTRIBUTES)))
        return;
    AK_PUSH(m->arena, m->found, m->count, m->cap) = one;
}

/* "Order", "dict[str, 'a.Order'] | None": only words and what holds a type together. */
static bool could_be_annotation(const char *text, const AkString *string)
{
    enum { LONGEST = 200 };
    if (string->bytes || string->body == string->body_end ||
        string->body_end - string->body > LONGEST)
        return false;
    for (uint32_t i = string->body; i < string->body_end; i++)
        if (!ak__in_word(text[i]) && (text[i] == 0 || !strchr(" .,[]|'\"", text[i])))
            return false;
    return true;
}

static void mention_words(Mentions *m, uint32_t start, uint32_t end)
{
    for (uint32_t at = start; at < end;) {
        uint32_t stop = ak__word_end(m->text, end, at);
        if (stop > at && !ak__is_digit(m->text[at]))
            mention(m, (AkMention){at, stop - at, at > start && m->text[at - 1] == '.', true});
        at = stop > at ? stop : at + 1;
    }
}

static void mention_string(Mentions *m, const AkString *string)
{
    if (string->format)
        ak__string_fields(m->text, string, mention_field, m);
    else if (m->flags & AK_MENTION_STRINGS && could_be_annotation(m->text, string))
        mention_words(m, string->body, string->body_end);
}

static void mention_range(Mentions *m, uint32_t start, uint32_t end)
{
    const char *text = m->text;
    bool dotted = false; /* the latest token is a dot */
    for (uint32_t at = start; at < end;) {
        char c = text[at];
        if (ak__is_digit(c)) {
            at = number_end(text, end, at);
            dotted = false;
        } else if (ak__in_word(c)) {
            uint32_t stop = ak__word_end(text, end, at);
            bool prefix = stop < end && (text[stop] == '"' || text[stop] == '\'') &&
                          stop - at <= 2 && strspn(text + at, "rbuftRBUFT") == stop - at;
            if (!prefix)
                mention(m, (AkMention){at, stop - at, dotted, false});
            dotted = false;
            at = stop;
        } else if (c == '"' || c == '\'') {
            AkString string = ak__string_at(text, end, start, at, &m->patience);
            mention_string(m, &string);
            dotted = false;
            at = string.end;
        } else if (c == '#') {
            at = ak__line_end(text, end, at);
        } else if (c == '.' && end - at >= 3 && text[at + 1] == '.' && text[at + 2] == '.') {
            at += 3; /* Ellipsis: the next line's name is no attribute of it */
            dotted = false;
        } else {
            if (c > ' ' && c != '\\')
                dotted = c == '.';
            at++;
        }
    }
}

size_t ak__text_idents(AkArena *arena, const char *text, uint32_t start, uint32_t end,
                       unsigned flags, AkMention **out)
{
    Mentions m = {.arena = arena, .text = text, .flags = flags, .patience = AK_PATIENCE};
    mention_range(&m, start, end);
    *out = m.found;
    return m.count;
}

/* ---- Words in a text ---- */

static bool is_whole_word(const char *text, size_t len, size_t at, size_t word_len)
{
    return (at == 0 || !ak__in_word(text[at - 1])) &&
           (at + word_len >= len || !ak__in_word(text[at + word_len]));
}

/* Whether the needle stands as a word at one of the places from .. to. */
static bool mentions_between(const char *text, size_t len, size_t from, size_t to,
                             const char *needle, size_t needle_len)
{
    for (size_t at = from; at < to && at + needle_len <= len; at++)
        if (text[at] == needle[0] && memcmp(text + at, needle, needle_len) == 0 &&
            is_whole_word(text, len, at, needle_len))
            return true;
    return false;
}

#if defined(__SSE2__)
/* First and last letter, 16 places at a time; only where both fit is the word compared. Returns
 * where the plain search must go on, or len + 1 when the word was found. */
static size_t search_sse2(const char *text, size_t len, const char *needle, size_t needle_len)
{
    const __m128i first = _mm_set1_epi8(needle[0]);
    const __m128i last = _mm_set1_epi8(needle[needle_len - 1]);
    size_t at = 0;
    for (; at + needle_len - 1 + 16 <= len; at += 16) {
        __m128i a = _mm_loadu_si128((const __m128i *)(const void *)(text + at));
        __m128i b =
            _mm_loadu_si128((const __m128i *)(const void *)(text + at + needle_len - 1));
        unsigned mask = (unsigned)_mm_movemask_epi8(
            _mm_and_si128(_mm_cmpeq_epi8(a, first), _mm_cmpeq_epi8(b, last)));
        for (; mask; mask &= mask - 1) {
            size_t place = at + (unsigned)__builtin_ctz(mask);
            if (mentions_between(text, len, place, place + 1, needle, needle_len))
                return len + 1;
        }
    }
    return at;
}
#endif

bool ak__text_mentions(const char *text, size_t len, const char *const *needles)
{
    for (; *needles; needles++) {
        size_t needle_len = strlen(*needles), from = 0;
#if defined(__SSE2__)
        from = search_sse2(text, len, *needles, needle_len);
        if (from > len)
            return true;
#endif
        if (mentions_between(text, len, from, len, *needles, needle_len))
            return true;
    }
    return false;
}
