/* blocks.c: where top-level statements begin.
 *
 * Most bytes of a file cannot matter to that question. What can: quotes, `#`, brackets, a
 * backslash, a form feed, and a newline whose next byte stands at column 0. The scanner
 * jumps from one such byte to the next (64 bytes a step with SSE2) and keeps three things: how
 * many brackets are open, whether a line was joined by a backslash, and whether it stands
 * between decorators and their def. A newline outside brackets and strings before a byte at
 * column 0 begins a statement, unless that is `else` and the like.
 */
#include "blocks.h"

#include "array.h"
#include "blocks_text.h"

#include <assert.h>
#include <string.h>
#if defined(__SSE2__)
#include <emmintrin.h>
#endif

/* ---- From one interesting byte to the next ---- */

typedef struct Reach {
    const char *text;
    uint32_t len;
    uint32_t base; /* of the 64 bytes that the mask is about */
    uint64_t mask;
} Reach;

typedef uint32_t NextByte(Reach *reach, uint32_t at);

static bool is_interesting(const char *text, uint32_t at)
{
    static const bool table[256] = {
        ['"'] = 1, ['\''] = 1, ['#'] = 1, ['('] = 1,  [')'] = 1, ['['] = 1,
        [']'] = 1, ['{'] = 1,  ['}'] = 1, ['\\'] = 1, ['\f'] = 1};
    /* A blank or indented line behind a newline changes nothing. */
    return table[(unsigned char)text[at]] ||
           (text[at] == '\n' && (unsigned char)text[at + 1] > ' ');
}

static uint32_t next_plain(Reach *reach, uint32_t at)
{
    while (at < reach->len && !is_interesting(reach->text, at))
        at++;
    return at;
}

#if defined(__SSE2__)
static uint64_t mask_of_16(const char *text)
{
    __m128i c = _mm_loadu_si128((const __m128i *)(const void *)text);
    __m128i next = _mm_loadu_si128((const __m128i *)(const void *)(text + 1));
    /* "# and () differ in one bit; []\ and {}| too, and | does no harm. */
    __m128i even = _mm_and_si128(c, _mm_set1_epi8((char)0xfe));
    __m128i found = _mm_cmpeq_epi8(even, _mm_set1_epi8('('));
    found = _mm_or_si128(found, _mm_cmpeq_epi8(even, _mm_set1_epi8('"')));
    found = _mm_or_si128(found, _mm_cmpeq_epi8(c, _mm_set1_epi8('\'')));
    found = _mm_or_si128(found, _mm_cmpeq_epi8(c, _mm_set1_epi8('\f')));
    __m128i folded = _mm_sub_epi8(_mm_or_si128(c, _mm_set1_epi8(0x20)), _mm_set1_epi8('{'));
    found = _mm_or_si128(found, _mm_cmpeq_epi8(_mm_min_epu8(folded, _mm_set1_epi8(2)), folded));
    __m128i at_column_0 = _mm_cmpeq_epi8(_mm_max_epu8(next, _mm_set1_epi8(' ' + 1)), next);
    __m128i newline = _mm_cmpeq_epi8(c, _mm_set1_epi8('\n'));
    found = _mm_or_si128(found, _mm_and_si128(newline, at_column_0));
    return (uint64_t)(uint32_t)_mm_movemask_epi8(found);
}

static uint64_t mask_of_64(const char *text)
{
    return mask_of_16(text) | mask_of_16(text + 16) << 16 | mask_of_16(text + 32) << 32 |
           mask_of_16(text + 48) << 48;
}

static uint32_t next_sse2(Reach *reach, uint32_t at)
{
    if (at >= reach->len)
        return reach->len;
    if ((at & ~63U) != reach->base) {
        reach->base = at & ~63U;
        reach->mask = mask_of_64(reach->text + reach->base);
    }
    uint64_t mask = reach->mask & ~(uint64_t)0 << (at & 63);
    while (!mask) {
        reach->base += 64;
        if (reach->base >= reach->len)
            return reach->len;
        mask = reach->mask = mask_of_64(reach->text + reach->base);
    }
    at = reach->base + (uint32_t)__builtin_ctzll(mask);
    return at < reach->len ? at : reach->len;
}
#endif

/* ---- What a statement is ---- */

typedef struct Cutter {
    AkArena *arena;
    const char *text;
    uint32_t len; /* where to stop; bytes beyond may belong to other blocks */
    AkBlock *blocks;
    uint32_t count, cap;
    uint32_t depth;    /* open brackets */
    uint32_t joined;   /* behind the latest backslash and newline: no line begins there */
    uint32_t patience; /* for broken f-strings */
    bool decorating;   /* the latest block is decorators only, so far */
} Cutter;

static bool word_is(const Cutter *c, uint32_t at, const char *word)
{
    return ak__word_is(c->text, c->len, at, word);
}

static uint32_t behind_word(const Cutter *c, uint32_t at)
{
    return ak__skip_blanks(c->text, c->len, ak__word_end(c->text, c->len, at));
}

static bool is_clause(const Cutter *c, uint32_t at)
{
    char first = c->text[at];
    if (first != 'e' && first != 'f')
        return false;
    return word_is(c, at, "else") || word_is(c, at, "elif") || word_is(c, at, "except") ||
           word_is(c, at, "finally");
}

static bool has_clauses(const AkBlock *block)
{
    switch (block->kind) {
    case AK_BLOCK_MAIN:
    case AK_BLOCK_IF:
    case AK_BLOCK_TRY:
    case AK_BLOCK_FOR:
    case AK_BLOCK_WHILE: return true;
    default: return false;
    }
}

/* Steps over one token of `if __name__ == "__main__":` and the blanks behind it. */
static bool take(const Cutter *c, uint32_t *at, const char *token)
{
    size_t n = strlen(token);
    if (*at + n > c->len || memcmp(c->text + *at, token, n) != 0)
        return false;
    *at = ak__skip_blanks(c->text, c->len, *at + (uint32_t)n);
    return true;
}

static bool is_main_guard(const Cutter *c, uint32_t at)
{
    at = behind_word(c, at); /* if */
    bool bracket = take(c, &at, "(");
    bool name_first = take(c, &at, "__name__") && take(c, &at, "==");
    if (!take(c, &at, "\"__main__\"") && !take(c, &at, "'__main__'"))
        return false;
    if (!name_first && !(take(c, &at, "==") && take(c, &at, "__name__")))
        return false;
    return (!bracket || take(c, &at, ")")) && take(c, &at, ":");
}

/* Kind and name of a block, from the word it begins with. */
static void classify(const Cutter *c, AkBlock *block, uint32_t at)
{
    static const struct {
        const char *word;
        uint8_t kind;
    } kinds[] = {
        {"def", AK_BLOCK_DEF},     {"class", AK_BLOCK_CLASS}, {"import", AK_BLOCK_IMPORT},
        {"from", AK_BLOCK_IMPORT}, {"if", AK_BLOCK_IF},       {"try", AK_BLOCK_TRY},
        {"with", AK_BLOCK_WITH},   {"for", AK_BLOCK_FOR},     {"while", AK_BLOCK_WHILE},
    };
    if (!memchr("acdfitw", c->text[at], 7)) /* most statements are assignments and calls */
        return;
    if (word_is(c, at, "async")) {
        uint32_t next = behind_word(c, at);
        block->is_async =
            word_is(c, next, "def") || word_is(c, next, "with") || word_is(c, next, "for");
        at = block->is_async ? next : at;
    }
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (word_is(c, at, kinds[i].word))
            block->kind = kinds[i].kind;
    if (block->kind == AK_BLOCK_DEF || block->kind == AK_BLOCK_CLASS) {
        block->name_start = behind_word(c, at);
        block->name_len = ak__word_end(c->text, c->len, block->name_start) - block->name_start;
    } else if (block->kind == AK_BLOCK_IF && is_main_guard(c, at)) {
        block->kind = AK_BLOCK_MAIN;
    }
}

static AkBlock *latest(Cutter *c)
{
    return c->count ? &c->blocks[c->count - 1] : NULL;
}

static void doubt(Cutter *c)
{
    if (c->count)
        latest(c)->unsure = true;
}

/* A statement begins at `code`; the comments above it begin at `start`. */
static void take_statement(Cutter *c, uint32_t start, uint32_t code)
{
    AkBlock *block = latest(c);
    if (block && c->decorating) {
        if (c->text[code] == '@')
            return;
        c->decorating = false;
        classify(c, block, code);
        if (block->kind == AK_BLOCK_DEF || block->kind == AK_BLOCK_CLASS)
            return;
        block->kind = AK_BLOCK_STMT;
        block->is_async = false;
        block->unsure = true;
    } else if (block && is_clause(c, code)) {
        block->unsure |= !has_clauses(block);
        if (block->kind == AK_BLOCK_MAIN)
            block->kind = AK_BLOCK_IF;
        return;
    }
    AkBlock fresh = {.start = c->count ? start : 0, .code = code, .kind = AK_BLOCK_STMT};
    fresh.decorated = c->decorating = c->text[code] == '@';
    classify(c, &fresh, code);
    AK_PUSH(c->arena, c->blocks, c->count, c->cap) = fresh;
}

/* ---- Lines at column 0 ---- */

/* A line begins at `line`, outside brackets and strings. Comments at column 0 wait for the next
 * statement: at column 0 too, it takes them along; indented, they stay in the block before.
 * Returns where to go on. */
static uint32_t begin_line(Cutter *c, uint32_t line)
{
    uint32_t start = line;
    bool commented = false;
    while (line < c->len) {
        AkIndent indent = ak__indent_at(c->text, c->len, line);
        if (!indent.blank) {
            if (indent.column == 0)
                take_statement(c, commented ? start : line, indent.code);
            return indent.code;
        }
        if (indent.column == 0 && indent.code < c->len && c->text[indent.code] == '#' &&
            !commented) {
            commented = true;
            start = line;
        }
        line = ak__line_end(c->text, c->len, indent.code);
        line += line < c->len;
    }
    return c->len;
}

/* Words that no bracket can hold at the start of a line: one is still open by mistake. */
static bool proves_open_bracket(const Cutter *c, uint32_t at)
{
    static const char *const words[] = {"def",    "class",  "import", "while",    "with",
                                        "try",    "return", "raise",  "pass",     "del",
                                        "global", "assert", "break",  "continue", "nonlocal",
                                        "elif",   "except", "finally"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (word_is(c, at, words[i]))
            return true;
    if (!word_is(c, at, "async"))
        return false;
    at = behind_word(c, at);
    return word_is(c, at, "def") || word_is(c, at, "with");
}

static uint32_t take_newline(Cutter *c, uint32_t at)
{
    if (c->depth == 0)
        return begin_line(c, at + 1);
    if (!proves_open_bracket(c, at + 1))
        return at + 1;
    doubt(c);
    c->depth = 0;
    return begin_line(c, at + 1);
}

/* At the start of a line a form feed sets the column back to 0. */
static uint32_t take_form_feed(Cutter *c, uint32_t at)
{
    uint32_t line = at;
    while (line > 0 && (c->text[line - 1] == ' ' || c->text[line - 1] == '\t'))
        line--;
    bool begins = line == 0 || c->text[line - 1] == '\n';
    if (begins && line != c->joined && c->depth == 0)
        return begin_line(c, line);
    return at + 1;
}

/* ---- Cutting ---- */

/* The offset behind the string; len + 1 when it never closes. */
static uint64_t take_string(Cutter *c, uint32_t quote)
{
    uint32_t from = c->count ? latest(c)->code : 0;
    AkString string = ak__string_at(c->text, c->len, from, quote, &c->patience);
    if (string.how == AK_STRING_OPEN_FILE)
        return (uint64_t)c->len + 1;
    if (string.how == AK_STRING_OPEN_LINE)
        doubt(c);
    return string.end;
}

/* False when the borders cannot be told. Inlined with a constant `next`. */
static inline bool scan(Cutter *c, Reach *reach, NextByte *next)
{
    uint64_t behind;
    uint32_t at = begin_line(c, 0);
    while ((at = next(reach, at)) < c->len) {
        switch (c->text[at]) {
        case '\n': at = take_newline(c, at); break;
        case '\f': at = take_form_feed(c, at); break;
        case '#': at = ak__line_end(c->text, c->len, at); break;
        case '"':
        case '\'':
            behind = take_string(c, at);
            if (behind > c->len)
                return false;
            at = (uint32_t)behind;
            break;
        case '(':
        case '[':
        case '{':
            c->depth++;
            at++;
            break;
        case ')':
        case ']':
        case '}':
            if (c->depth)
                c->depth--;
            else
                doubt(c);
            at++;
            break;
        case '\\':
            c->joined = ak__joined(c->text, c->len, at);
            at = c->joined > at ? c->joined : at + 1;
            break;
        default: at++;
        }
    }
    return true;
}

/* Whether something other than a comment follows a semicolon: a second statement. */
static bool has_second_statement(const char *text, uint32_t at, uint32_t end)
{
    for (; at < end; at++) {
        if (text[at] == '#') {
            at = ak__line_end(text, end, at);
        } else if (text[at] == ';') {
            at = ak__skip_blanks(text, end, at + 1);
            return at < end && text[at] != '\n' && text[at] != '#';
        }
    }
    return false;
}

/* Whether the block is strings and nothing else; bytes and f-strings are no docstring. */
static bool is_docstring(Cutter *c, const AkBlock *block)
{
    uint32_t at = block->code, strings = 0;
    while (at < block->end) {
        uint32_t word = ak__word_end(c->text, block->end, at);
        if (word < block->end && (c->text[word] == '"' || c->text[word] == '\'')) {
            AkString string = ak__string_at(c->text, block->end, at, word, &c->patience);
            if (string.start != at || string.format || string.bytes)
                return false;
            at = string.end;
            strings++;
        } else if (c->text[at] == '#') {
            at = ak__line_end(c->text, block->end, at);
        } else if (c->text[at] <= ' ' && c->text[at] > 0) {
            at++;
        } else if (ak__joined(c->text, block->end, at) > at) {
            at = ak__joined(c->text, block->end, at);
        } else {
            return false;
        }
    }
    return strings > 0;
}

static uint32_t count_newlines(const char *text, uint32_t start, uint32_t end)
{
    uint32_t count = 0, i = start;
#if defined(__SSE2__)
    const __m128i newline = _mm_set1_epi8('\n'), zero = _mm_setzero_si128();
    while (end - i >= 16) {
        __m128i found = zero; /* a byte counts to 255 */
        for (uint32_t turns = 0; turns < 255 && end - i >= 16; turns++, i += 16) {
            __m128i c = _mm_loadu_si128((const __m128i *)(const void *)(text + i));
            found = _mm_sub_epi8(found, _mm_cmpeq_epi8(c, newline));
        }
        __m128i sums = _mm_sad_epu8(found, zero);
        count += (uint32_t)(_mm_cvtsi128_si32(sums) + _mm_extract_epi16(sums, 4));
    }
#endif
    for (; i < end; i++)
        count += text[i] == '\n';
    return count;
}

/* Ends, lines, and the kinds that need an end to be told. */
static void finish(Cutter *c)
{
    uint32_t line = 1;
    for (uint32_t i = 0; i < c->count; i++) {
        AkBlock *block = &c->blocks[i];
        block->end = i + 1 < c->count ? block[1].start : c->len;
        block->line = line;
        line += count_newlines(c->text, block->start, block->end);
        if (block->kind == AK_BLOCK_IMPORT &&
            has_second_statement(c->text, block->code, block->end))
            block->kind = AK_BLOCK_STMT;
        if (i == 0 && block->kind == AK_BLOCK_STMT && is_docstring(c, block))
            block->kind = AK_BLOCK_DOC;
    }
}

static size_t one_block(AkArena *arena, uint32_t len, AkBlockKind kind, AkBlock **out)
{
    *out = ak__alloc(arena, sizeof **out);
    **out = (AkBlock){
        .end = len, .line = 1, .kind = (uint8_t)kind, .unsure = kind == AK_BLOCK_FILE};
    return 1;
}

static inline size_t cut(AkArena *arena, const char *text, uint32_t len, AkBlock **out,
                         NextByte *next)
{
    Cutter c = {.arena = arena,
                .text = text,
                .len = len,
                .joined = UINT32_MAX,
                .patience = AK_PATIENCE};
    Reach reach = {text, len, UINT32_MAX, 0};
    *out = NULL;
    if (len == 0)
        return 0;
    if (!scan(&c, &reach, next))
        return one_block(arena, len, AK_BLOCK_FILE, out);
    if (c.depth > 0 || c.decorating)
        doubt(&c);
    if (c.count == 0)
        return one_block(arena, len, AK_BLOCK_BLANK, out);
    finish(&c);
    *out = c.blocks;
    return c.count;
}

size_t ak__blocks_cut_plain(AkArena *arena, const char *text, uint32_t len, AkBlock **out)
{
    return cut(arena, text, len, out, next_plain);
}

size_t ak__blocks_cut(AkArena *arena, const char *text, uint32_t len, AkBlock **out)
{
#if defined(__SSE2__)
    return cut(arena, text, len, out, next_sse2);
#else
    return cut(arena, text, len, out, next_plain);
#endif
}

/* ---- Where one statement ends ---- */

typedef struct Line {
    uint32_t end;  /* behind its newline */
    uint32_t last; /* its last byte that is code */
    bool open;     /* a bracket or a string of it never closes */
    bool in_text;  /* a string: what follows may be its text */
} Line;

/* The logical line whose code begins at `at`: joined lines, brackets and strings inside. */
static Line read_line(Cutter *c, uint32_t at)
{
    uint32_t depth = 0, start = at, last = at;
    bool open = false;
    while (at < c->len && (depth || c->text[at] != '\n')) {
        char byte = c->text[at];
        uint32_t joined = ak__joined(c->text, c->len, at);
        if (byte == '#') {
            at = ak__line_end(c->text, c->len, at);
            continue;
        }
        if (joined > at) {
            at = joined;
            continue;
        }
        if (byte == '"' || byte == '\'') {
            AkString string = ak__string_at(c->text, c->len, start, at, &c->patience);
            open |= string.how == AK_STRING_OPEN_FILE;
            at = string.end;
            last = at - 1;
            continue;
        }
        if (byte == '(' || byte == '[' || byte == '{')
            depth++;
        else if (byte == ')' || byte == ']' || byte == '}')
            depth -= depth > 0;
        if (byte < 0 || byte > ' ')
            last = at;
        at++;
    }
    return (Line){at < c->len ? at + 1 : c->len, last, open || depth > 0, open};
}

/* The first line below `at` that stands no deeper than `column` and does not close a bracket; in
 * the text of a string one that nothing but a statement begins with. len if there is none. */
static uint32_t next_statement(const Cutter *c, uint32_t at, uint32_t column, bool in_text)
{
    for (at = ak__line_end(c->text, c->len, at); at < c->len;
         at = ak__line_end(c->text, c->len, at)) {
        AkIndent indent = ak__indent_at(c->text, c->len, ++at);
        if (indent.blank || indent.column > column)
            continue;
        char first = c->text[indent.code];
        if (first == ')' || first == ']' || first == '}')
            continue;
        if (!in_text || first == '@' || proves_open_bracket(c, indent.code))
            return at;
    }
    return c->len;
}

static bool may_be_decorated(const Cutter *c, uint32_t at)
{
    return c->text[at] == '@' || word_is(c, at, "def") || word_is(c, at, "class") ||
           word_is(c, at, "async");
}

static bool may_have_body(const Cutter *c, uint32_t at)
{
    static const char *const words[] = {"def",   "class", "async",  "if",    "for",
                                        "while", "with",  "try",    "match", "except",
                                        "else",  "elif",  "finally"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (word_is(c, at, words[i]))
            return true;
    return false;
}

/* The same line, ended before what is likely another statement where it has no end. */
static Line read_ended_line(Cutter *c, uint32_t at, uint32_t column)
{
    Line line = read_line(c, at);
    if (line.open && c->patience == 0)
        line.end = c->len;
    if (line.open && c->patience > 0) {
        c->patience--;
        line.end = next_statement(c, at, column, line.in_text);
    }
    return line;
}

uint32_t ak__statement_end(const char *text, uint32_t len, uint32_t line, uint32_t *patience)
{
    Cutter c = {.text = text, .len = len, .patience = *patience};
    AkIndent first = ak__indent_at(text, len, line), indent = first;
    bool decorating = false, has_body = false;
    uint32_t end = line, at = line;
    while (at < len) {
        indent = ak__indent_at(text, len, at);
        if (indent.blank) {
            at = ak__line_end(text, len, indent.code);
            at += at < len;
            continue;
        }
        bool begins = at == line || is_clause(&c, indent.code) ||
                      (decorating && may_be_decorated(&c, indent.code));
        if (indent.column < first.column || (indent.column == first.column && !begins) ||
            (indent.column > first.column && !has_body))
            break;
        Line read = read_ended_line(&c, indent.code, first.column);
        if (indent.column == first.column) {
            decorating = text[indent.code] == '@';
            has_body = !read.open && text[read.last] == ':' && may_have_body(&c, indent.code);
        }
        end = at = read.end;
    }
    *patience = c.patience;
    return end;
}
