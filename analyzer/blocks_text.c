/* blocks_text.c: words, indentation and strings of Python text.
 *
 * An f-string is read as 3.12 does: in a field stands code, in which the same quotes, comments
 * and newlines may come again. Older code reads the same way, as it could not use them there.
 */
#include "blocks_text.h"

#include <string.h>
#if defined(__SSE2__)
#include <emmintrin.h>
#endif

/* ---- Words ---- */

/* Digits, letters, _, and all from 0x80. */
const bool ak__word_bytes[256] = {
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
    0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
    1, 1, 1, 1, 0, 0, 0, 0, 1, 0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
    1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
    1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
    1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
    1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
    1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
};

uint32_t ak__word_end(const char *text, uint32_t len, uint32_t at)
{
    while (at < len && ak__in_word(text[at]))
        at++;
    return at;
}

bool ak__word_is(const char *text, uint32_t len, uint32_t at, const char *word)
{
    uint32_t n = 0;
    while (word[n] && at + n < len && text[at + n] == word[n])
        n++;
    return !word[n] && (at + n >= len || !ak__in_word(text[at + n]));
}

bool ak__is_keyword(const char *word, uint32_t len)
{
    /* Row n holds the words of n letters, one behind the other. */
    static const char *const rows[] = {
        "",
        "",
        "asifinisor",
        "anddeldeffornottry",
        "elifelsefrompasswithNoneTrue",
        "asyncawaitbreakclassraisewhileyieldFalse",
        "assertexceptglobalimportlambdareturn",
        "finally",
        "continuenonlocal",
    };
    if (len < 2 || len > 8)
        return false;
    for (const char *row = rows[len]; *row; row += len)
        if (memcmp(row, word, len) == 0)
            return true;
    return false;
}

/* ---- Lines ---- */

uint32_t ak__joined(const char *text, uint32_t len, uint32_t at)
{
    if (at + 1 < len && text[at] == '\\') {
        if (text[at + 1] == '\n')
            return at + 2;
        if (text[at + 1] == '\r' && at + 2 < len && text[at + 2] == '\n')
            return at + 3;
    }
    return at;
}

uint32_t ak__skip_blanks(const char *text, uint32_t len, uint32_t at)
{
    while (at < len) {
        if (text[at] == ' ' || text[at] == '\t' || text[at] == '\f' || text[at] == '\r')
            at++;
        else if (ak__joined(text, len, at) > at)
            at = ak__joined(text, len, at);
        else
            break;
    }
    return at;
}

uint32_t ak__line_end(const char *text, uint32_t len, uint32_t at)
{
    const char *newline = at < len ? memchr(text + at, '\n', len - at) : NULL;
    return newline ? (uint32_t)(newline - text) : len;
}

AkIndent ak__indent_at(const char *text, uint32_t len, uint32_t at)
{
    uint32_t column = 0, before_join = 0;
    for (; at < len; at++) {
        if (text[at] == ' ') {
            column++;
        } else if (text[at] == '\t') {
            column = (column / 8 + 1) * 8;
        } else if (text[at] == '\f') {
            column = 0;
        } else if (ak__joined(text, len, at) > at) {
            /* The blanks before the first backslash count; after a backslash at column 0 the
             * next line's do. */
            before_join = before_join ? before_join : column;
            at = ak__joined(text, len, at) - 1;
        } else {
            break;
        }
    }
    bool blank = at >= len || text[at] == '\n' || text[at] == '#' ||
                 (text[at] == '\r' && (at + 1 >= len || text[at + 1] == '\n'));
    return (AkIndent){before_join ? before_join : column, at, blank};
}

/* ---- Strings ---- */

enum { DEEPEST = 64, FAILED = 0 /* no string ends at 0 */ };

typedef struct Reader {
    const char *text;
    uint32_t len;
    void (*see)(void *, uint32_t, uint32_t);
    void *data;
} Reader;

static AkString prefix_of(const char *text, uint32_t from, uint32_t quote)
{
    AkString string = {.start = quote};
    uint32_t at = quote;
    if (at == from || !ak__in_word(text[at - 1]))
        return string;
    while (at > from && quote - at < 3 && strchr("rbuftRBUFT", text[at - 1]) && text[at - 1])
        at--;
    /* if"x" and others whose last letters only look like a prefix. */
    if (quote - at > 2 || (at > from && ak__in_word(text[at - 1])))
        return string;
    string.start = at;
    for (; at < quote; at++) {
        char c = (char)(text[at] | 0x20);
        string.format |= c == 'f' || c == 't';
        string.raw |= c == 'r';
        string.bytes |= c == 'b';
    }
    return string;
}

static bool is_triple(const char *text, uint32_t len, uint32_t at)
{
    return at + 2 < len && text[at + 1] == text[at] && text[at + 2] == text[at];
}

/* Behind a backslash: the character it takes with it, CRLF as one. */
static uint32_t behind_escape(const char *text, uint32_t len, uint32_t at)
{
    uint32_t joined = ak__joined(text, len, at);
    return joined > at ? joined : at + 2;
}

/* The closing quotes from `at` on; len when there are none. */
static uint32_t close_triple(const char *text, uint32_t len, uint32_t at, char quote)
{
    while (at < len) {
        const char *found = memchr(text + at, quote, len - at);
        if (!found)
            return len;
        const char *escape = memchr(text + at, '\\', (size_t)(found - (text + at)));
        if (escape) {
            at = (uint32_t)(escape - text) + 2;
            continue;
        }
        at = (uint32_t)(found - text);
        if (is_triple(text, len, at))
            return at;
        at++;
    }
    return len;
}

/* The first quote, backslash or newline, or len. */
static inline uint32_t find_in_line(const char *text, uint32_t len, uint32_t at, char quote)
{
#if defined(__SSE2__)
    const __m128i closing = _mm_set1_epi8(quote), escape = _mm_set1_epi8('\\');
    const __m128i newline = _mm_set1_epi8('\n');
    for (; at < len && len - at >= 16; at += 16) {
        __m128i c = _mm_loadu_si128((const __m128i *)(const void *)(text + at));
        __m128i found = _mm_or_si128(_mm_cmpeq_epi8(c, closing), _mm_cmpeq_epi8(c, escape));
        found = _mm_or_si128(found, _mm_cmpeq_epi8(c, newline));
        unsigned mask = (unsigned)_mm_movemask_epi8(found);
        if (mask)
            return at + (uint32_t)__builtin_ctz(mask);
    }
#endif
    while (at < len && text[at] != quote && text[at] != '\\' && text[at] != '\n')
        at++;
    return at;
}

/* The closing quote, or the newline or len that comes first. */
static uint32_t close_single(const char *text, uint32_t len, uint32_t at, char quote)
{
    for (;;) {
        at = find_in_line(text, len, at, quote);
        if (at >= len)
            return len;
        if (text[at] != '\\')
            return at;
        at = behind_escape(text, len, at);
    }
}

static void read_plain(const char *text, uint32_t len, AkString *string, char quote,
                       bool triple)
{
    uint32_t end = triple ? close_triple(text, len, string->body, quote)
                          : close_single(text, len, string->body, quote);
    string->body_end = string->end = end;
    if (end < len && text[end] == quote)
        string->end = end + (triple ? 3 : 1);
    else
        string->how = triple ? AK_STRING_OPEN_FILE : AK_STRING_OPEN_LINE;
}

static uint32_t read_format(const Reader *r, uint32_t at, char quote, bool triple, bool raw,
                            unsigned deep);

/* text[at] is a quote inside a field; the offset behind that string, or FAILED. */
static uint32_t read_inner(const Reader *r, uint32_t from, uint32_t at, unsigned deep)
{
    AkString string = prefix_of(r->text, from, at);
    bool triple = is_triple(r->text, r->len, at);
    char quote = r->text[at];
    string.body = at + (triple ? 3 : 1);
    if (string.format) {
        /* Only the outer string's fields are shown: who looks inside one comes here again. */
        Reader inner = {r->text, r->len, NULL, NULL};
        return read_format(&inner, string.body, quote, triple, string.raw, deep + 1);
    }
    read_plain(r->text, r->len, &string, quote, triple);
    return string.how == AK_STRING_CLOSED ? string.end : FAILED;
}

/* A backslash in the text of an f-string: before a brace it does not hide the field. */
static uint32_t behind_format_escape(const Reader *r, uint32_t at, bool raw)
{
    char next = at + 1 < r->len ? r->text[at + 1] : 0;
    if (next == '{' || next == '}')
        return at + 1;
    if (next == 'N' && !raw && at + 2 < r->len && r->text[at + 2] == '{') {
        at += 3;
        while (at < r->len && r->text[at] != '}' && r->text[at] != '\n' && r->text[at] != '"' &&
               r->text[at] != '\'')
            at++;
        return at;
    }
    return behind_escape(r->text, r->len, at);
}

static uint32_t read_field(const Reader *r, uint32_t at, char quote, bool triple, bool raw,
                           unsigned deep);

/* What follows the colon of a field: text with fields, up to the closing brace. */
static uint32_t read_spec(const Reader *r, uint32_t at, char quote, bool triple, bool raw,
                          unsigned deep)
{
    while (at < r->len) {
        char c = r->text[at];
        if (c == '}')
            return at + 1;
        if (c == '{') {
            at = read_field(r, at + 1, quote, triple, raw, deep + 1);
            if (at == FAILED)
                return FAILED;
        } else if (c == '\\') {
            at = behind_format_escape(r, at, raw);
        } else if (c == quote ? !triple || is_triple(r->text, r->len, at)
                              : c == '\n' && !triple) {
            return FAILED;
        } else {
            at++;
        }
    }
    return FAILED;
}

/* Behind the brace of a field; returns the offset behind its closing brace. */
static uint32_t read_field(const Reader *r, uint32_t at, char quote, bool triple, bool raw,
                           unsigned deep)
{
    uint32_t start = at, brackets = 0;
    if (deep > DEEPEST)
        return FAILED;
    while (at < r->len) {
        char c = r->text[at];
        bool conversion = c == '!' && at + 1 < r->len && r->text[at + 1] != '=';
        if (!brackets && (c == '}' || c == ':' || conversion)) {
            if (r->see)
                r->see(r->data, start, at);
            if (conversion)
                at = ak__word_end(r->text, r->len, ak__skip_blanks(r->text, r->len, at + 1));
            at = ak__skip_blanks(r->text, r->len, at);
            if (at < r->len && r->text[at] == ':')
                return read_spec(r, at + 1, quote, triple, raw, deep);
            return at < r->len && r->text[at] == '}' ? at + 1 : FAILED;
        }
        if (c == '"' || c == '\'') {
            at = read_inner(r, start, at, deep);
            if (at == FAILED)
                return FAILED;
            continue;
        }
        if (c == '#') {
            at = ak__line_end(r->text, r->len, at);
            continue;
        }
        if (c == '(' || c == '[' || c == '{')
            brackets++;
        else if (c == ')' || c == ']' || c == '}') {
            if (!brackets)
                return FAILED;
            brackets--;
        }
        at++;
    }
    return FAILED;
}

/* Behind the opening quotes; returns the offset behind the closing ones. */
static uint32_t read_format(const Reader *r, uint32_t at, char quote, bool triple, bool raw,
                            unsigned deep)
{
    if (deep > DEEPEST)
        return FAILED;
    while (at < r->len) {
        char c = r->text[at];
        if (c == quote) {
            if (!triple)
                return at + 1;
            if (is_triple(r->text, r->len, at))
                return at + 3;
            at++;
        } else if (c == '\n' && !triple) {
            return FAILED;
        } else if (c == '\\') {
            at = behind_format_escape(r, at, raw);
        } else if (c == '{' && at + 1 < r->len && r->text[at + 1] == '{') {
            at += 2;
        } else if (c == '{') {
            at = read_field(r, at + 1, quote, triple, raw, deep);
            if (at == FAILED)
                return FAILED;
        } else {
            at++;
        }
    }
    return FAILED;
}

AkString ak__string_at(const char *text, uint32_t len, uint32_t from, uint32_t quote,
                       uint32_t *patience)
{
    AkString string = prefix_of(text, from, quote);
    bool triple = is_triple(text, len, quote);
    char mark = text[quote];
    string.body = quote + (triple ? 3 : 1);
    if (string.format && *patience) {
        Reader reader = {text, len, NULL, NULL};
        string.end = read_format(&reader, string.body, mark, triple, string.raw, 0);
        string.body_end = string.end - (triple ? 3 : 1);
        if (string.end != FAILED)
            return string;
        --*patience;
    }
    string.format = false;
    read_plain(text, len, &string, mark, triple);
    return string;
}

void ak__string_fields(const char *text, const AkString *string,
                       void (*see)(void *data, uint32_t start, uint32_t end), void *data)
{
    Reader reader = {text, string->end, see, data};
    char quote = text[string->end - 1];
    bool triple = string->end - string->body_end == 3;
    read_format(&reader, string->body, quote, triple, string->raw, 0);
}
