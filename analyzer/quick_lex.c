/* quick_lex.c: tokens and lines. */
#include "quick.h"

#include <string.h>

uint32_t ak__quick_refuse(AkQuick *q)
{
    q->refused = true;
    q->token = AK_TOK_END;
    q->at = q->len;
    return 0;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* ---- Between tokens ---- */

/* At a line's end: how many bytes it has; 0 if it is none. A lone CR counts in Python and not
 * for the grammar. */
static uint32_t line_end(AkQuick *q, uint32_t at)
{
    if (ak__quick_peek(q, at) == '\n')
        return 1;
    if (ak__quick_peek(q, at) != '\r')
        return 0;
    if (ak__quick_peek(q, at + 1) == '\n')
        return 2;
    ak__quick_refuse(q);
    return 0;
}

static uint32_t comment(AkQuick *q, uint32_t at)
{
    const char *newline = memchr(q->text + at, '\n', q->len - at);
    uint32_t end = newline ? (uint32_t)(newline - q->text) : q->len;
    if (q->fields)
        ak__quick_refuse(q);
    ak__quick_comment(q, at, end);
    return end;
}

/* Over blanks, joined lines, and in brackets over whole lines. */
static uint32_t skip(AkQuick *q, uint32_t at)
{
    for (uint32_t newline;;) {
        char c = ak__quick_peek(q, at);
        if (c == ' ' || c == '\t') {
            at++;
        } else if (c == '\\' && (newline = line_end(q, at + 1))) {
            at += 1 + newline;
            /* Nothing but the end behind it: an error in Python. */
            if (at >= q->len || line_end(q, at))
                ak__quick_refuse(q);
        } else if (q->brackets && c == '#') {
            at = comment(q, at);
        } else if (q->brackets && (newline = line_end(q, at))) {
            at += newline;
        } else {
            return at;
        }
        if (q->refused)
            return q->len;
    }
}

/* ---- Words and numbers ---- */

static const struct {
    const char *text;
    uint8_t len, token;
} keywords[] = {
    {"False", 5, AK_TOK_FALSE},
    {"None", 4, AK_TOK_NONE},
    {"True", 4, AK_TOK_TRUE},
    {"and", 3, AK_TOK_AND},
    {"as", 2, AK_TOK_AS},
    {"assert", 6, AK_TOK_ASSERT},
    {"async", 5, AK_TOK_ASYNC},
    {"await", 5, AK_TOK_AWAIT},
    {"break", 5, AK_TOK_BREAK},
    {"class", 5, AK_TOK_CLASS},
    {"continue", 8, AK_TOK_CONTINUE},
    {"def", 3, AK_TOK_DEF},
    {"del", 3, AK_TOK_DEL},
    {"elif", 4, AK_TOK_ELIF},
    {"else", 4, AK_TOK_ELSE},
    {"except", 6, AK_TOK_EXCEPT},
    {"finally", 7, AK_TOK_FINALLY},
    {"for", 3, AK_TOK_FOR},
    {"from", 4, AK_TOK_FROM},
    {"global", 6, AK_TOK_GLOBAL},
    {"if", 2, AK_TOK_IF},
    {"import", 6, AK_TOK_IMPORT},
    {"in", 2, AK_TOK_IN},
    {"is", 2, AK_TOK_IS},
    {"lambda", 6, AK_TOK_LAMBDA},
    {"nonlocal", 8, AK_TOK_NONLOCAL},
    {"not", 3, AK_TOK_NOT},
    {"or", 2, AK_TOK_OR},
    {"pass", 4, AK_TOK_PASS},
    {"raise", 5, AK_TOK_RAISE},
    {"return", 6, AK_TOK_RETURN},
    {"try", 3, AK_TOK_TRY},
    {"while", 5, AK_TOK_WHILE},
    {"with", 4, AK_TOK_WITH},
    {"yield", 5, AK_TOK_YIELD},
};

static AkToken keyword(const char *text, uint32_t len)
{
    if (len < 2 || len > 8)
        return AK_TOK_NAME;
    for (size_t i = 0; i < sizeof keywords / sizeof *keywords && keywords[i].text[0] <= text[0];
         i++)
        if (keywords[i].text[0] == text[0] && keywords[i].len == len &&
            memcmp(keywords[i].text, text, len) == 0)
            return (AkToken)keywords[i].token;
    return AK_TOK_NAME;
}

/* Digits of a base with single underscores between them. */
static uint32_t digits(const AkQuick *q, uint32_t at, bool hex)
{
    for (;; at++) {
        char c = ak__quick_peek(q, at), low = (char)(c | 0x20);
        if (c == '_' && ak__is_word(ak__quick_peek(q, at + 1)) &&
            ak__quick_peek(q, at + 1) != '_')
            continue;
        if (!is_digit(c) && !(hex && low >= 'a' && low <= 'f'))
            return at;
    }
}

static uint32_t exponent(const AkQuick *q, uint32_t at)
{
    uint32_t digit = at + 1;
    if ((ak__quick_peek(q, at) | 0x20) != 'e')
        return at;
    if (ak__quick_peek(q, digit) == '+' || ak__quick_peek(q, digit) == '-')
        digit++;
    return is_digit(ak__quick_peek(q, digit)) ? digits(q, digit, false) : at;
}

static void number(AkQuick *q)
{
    uint32_t at = q->start;
    char second = (char)(ak__quick_peek(q, at + 1) | 0x20);
    q->token = AK_TOK_INTEGER;
    if (ak__quick_peek(q, at) == '0' && second == 'x') {
        at = digits(q, at + 2, true);
        if (at == q->start + 2)
            ak__quick_refuse(q);
    } else {
        uint32_t whole = at = digits(q, at, false);
        /* `0777`, `0b1`, `0o7`: rare, or of Python 2. */
        if (q->text[q->start] == '0' && at > q->start + 1)
            ak__quick_refuse(q);
        if (ak__quick_peek(q, at) == '.')
            at = digits(q, at + 1, false);
        at = exponent(q, at);
        if (at > whole)
            q->token = AK_TOK_FLOAT;
        if ((ak__quick_peek(q, at) | 0x20) == 'j')
            at++;
    }
    if (ak__is_word(ak__quick_peek(q, at)))
        ak__quick_refuse(q);
    q->at = at;
}

/* ---- Strings ---- */

/* Whether letters before a quote are its prefix. format: an f-string's. */
static bool is_prefix(const char *text, uint32_t len, bool *format)
{
    bool raw = false, bytes = false, plain = false;
    *format = false;
    if (len > 2)
        return false;
    for (uint32_t i = 0; i < len; i++) {
        char c = (char)(text[i] | 0x20);
        raw |= c == 'r';
        bytes |= c == 'b';
        plain |= c == 'u';
        *format |= c == 'f';
        if (!strchr("rbuf", c))
            return false;
    }
    return raw + bytes + plain + *format == (int)len && (len < 2 || raw) && !(plain && raw);
}

/* Behind the string whose quotes begin at `at`. */
static uint32_t string_end(AkQuick *q, uint32_t at)
{
    const char *text = q->text;
    char quote = text[at];
    bool triple = ak__quick_peek(q, at + 1) == quote && ak__quick_peek(q, at + 2) == quote;
    if (!triple && ak__quick_peek(q, at + 1) == quote)
        return at + 2;
    for (at += triple ? 3 : 1; at < q->len; at++) {
        char c = text[at];
        if (c == quote && (!triple || (ak__quick_peek(q, at + 1) == quote &&
                                       ak__quick_peek(q, at + 2) == quote)))
            return at + (triple ? 3 : 1);
        bool escaped = c == '\\';
        if (escaped)
            c = ak__quick_peek(q, ++at);
        if (c == '\r' && ak__quick_peek(q, at + 1) == '\n')
            c = text[++at];
        if (!c || c == '\r' || (c == '\n' && !triple && !escaped))
            break;
    }
    ak__quick_refuse(q);
    return q->len;
}

static void string(AkQuick *q, uint32_t quote, bool format)
{
    if (format) {
        q->token = AK_TOK_FSTRING;
        q->at = quote;
        return;
    }
    q->at = string_end(q, quote);
    if (!q->refused)
        q->token = AK_TOK_STRING;
}

static void word(AkQuick *q)
{
    uint32_t at = q->start;
    bool format;
    do {
        if ((unsigned char)q->text[at] >= 0x80) {
            ak__quick_refuse(q);
            return;
        }
        at++;
    } while (ak__is_word(ak__quick_peek(q, at)));
    char c = ak__quick_peek(q, at);
    if (c == '"' || c == '\'') {
        if (is_prefix(q->text + q->start, at - q->start, &format))
            string(q, at, format);
        else
            ak__quick_refuse(q);
        return;
    }
    q->at = at;
    q->token = keyword(q->text + q->start, at - q->start);
}

/* ---- Operators ---- */

/* A sign that may stand twice and before `=`. */
static void sign(AkQuick *q, AkToken once, AkOp op, AkToken twice, AkOp op_twice)
{
    char c = q->text[q->start];
    q->at = q->start + 1;
    q->token = once;
    q->op = op;
    if (op_twice && ak__quick_peek(q, q->at) == c) {
        q->at++;
        q->token = twice;
        q->op = op_twice;
    }
    if (ak__quick_peek(q, q->at) == '=') {
        q->at++;
        q->token = AK_TOK_AUGMENTED;
    }
}

static void comparison(AkQuick *q, AkOp op, AkOp with_equals)
{
    q->at = q->start + 1;
    q->token = AK_TOK_COMPARE;
    q->op = op;
    if (ak__quick_peek(q, q->at) == '=') {
        q->at++;
        q->op = with_equals;
    }
}

/* `<` and `>`: comparisons, shifts, and what Python 2 had. */
static void angle(AkQuick *q, AkOp op, AkOp with_equals, AkOp shift)
{
    char c = q->text[q->start], next = ak__quick_peek(q, q->start + 1);
    if (next == c)
        sign(q, AK_TOK_BINARY, AK_OP_NONE, AK_TOK_BINARY, shift);
    else if (c == '<' && next == '>')
        ak__quick_refuse(q);
    else
        comparison(q, op, with_equals);
}

static void open_bracket(AkQuick *q, AkToken token)
{
    q->token = token;
    q->brackets++;
}

static void close_bracket(AkQuick *q, AkToken token)
{
    q->token = token;
    if (q->brackets)
        q->brackets--;
    else
        ak__quick_refuse(q);
}

static void one_or_two(AkQuick *q, AkToken one, char second, AkToken two)
{
    bool both = ak__quick_peek(q, q->start + 1) == second;
    q->token = both ? two : one;
    q->at = q->start + 1 + both;
}

static void dot(AkQuick *q)
{
    q->token = AK_TOK_DOT;
    if (is_digit(ak__quick_peek(q, q->start + 1))) {
        number(q);
        if (!q->refused)
            q->token = AK_TOK_FLOAT;
    } else if (ak__quick_peek(q, q->start + 1) == '.' &&
               ak__quick_peek(q, q->start + 2) == '.') {
        q->token = AK_TOK_ELLIPSIS;
        q->at = q->start + 3;
    }
}

static void operator_sign(AkQuick *q, char c)
{
    q->at = q->start + 1;
    switch (c) {
    case '(': open_bracket(q, AK_TOK_OPEN); break;
    case '[': open_bracket(q, AK_TOK_OPEN_LIST); break;
    case '{': open_bracket(q, AK_TOK_OPEN_DICT); break;
    case ')': close_bracket(q, AK_TOK_CLOSE); break;
    case ']': close_bracket(q, AK_TOK_CLOSE_LIST); break;
    case '}': close_bracket(q, AK_TOK_CLOSE_DICT); break;
    case ',': q->token = AK_TOK_COMMA; break;
    case ';': q->token = AK_TOK_SEMICOLON; break;
    case '~': q->token = AK_TOK_TILDE; break;
    case '.': dot(q); break;
    case ':': one_or_two(q, AK_TOK_COLON, '=', AK_TOK_WALRUS); break;
    case '=':
        one_or_two(q, AK_TOK_ASSIGN, '=', AK_TOK_COMPARE);
        q->op = AK_OP_EQ;
        break;
    case '!':
        one_or_two(q, AK_TOK_BANG, '=', AK_TOK_COMPARE);
        q->op = AK_OP_NE;
        break;
    case '<': angle(q, AK_OP_LT, AK_OP_LE, AK_OP_LSHIFT); break;
    case '>': angle(q, AK_OP_GT, AK_OP_GE, AK_OP_RSHIFT); break;
    case '*': sign(q, AK_TOK_STAR, AK_OP_MUL, AK_TOK_POWER, AK_OP_POW); break;
    case '/': sign(q, AK_TOK_BINARY, AK_OP_DIV, AK_TOK_BINARY, AK_OP_FLOORDIV); break;
    case '%': sign(q, AK_TOK_BINARY, AK_OP_MOD, AK_TOK_BINARY, AK_OP_NONE); break;
    case '&': sign(q, AK_TOK_BINARY, AK_OP_AND_BITS, AK_TOK_BINARY, AK_OP_NONE); break;
    case '|': sign(q, AK_TOK_BINARY, AK_OP_OR_BITS, AK_TOK_BINARY, AK_OP_NONE); break;
    case '^': sign(q, AK_TOK_BINARY, AK_OP_XOR, AK_TOK_BINARY, AK_OP_NONE); break;
    case '@': sign(q, AK_TOK_AT, AK_OP_MATMUL, AK_TOK_AT, AK_OP_NONE); break;
    case '+': sign(q, AK_TOK_PLUS, AK_OP_ADD, AK_TOK_PLUS, AK_OP_NONE); break;
    case '-':
        if (ak__quick_peek(q, q->at) == '>') {
            q->token = AK_TOK_ARROW;
            q->at++;
        } else {
            sign(q, AK_TOK_MINUS, AK_OP_SUB, AK_TOK_MINUS, AK_OP_NONE);
        }
        break;
    default: ak__quick_refuse(q);
    }
}

/* ---- All of them ---- */

void ak__quick_next(AkQuick *q)
{
    q->last_end = q->end;
    if (q->refused)
        return;
    uint32_t at = skip(q, q->at);
    if (q->refused)
        return;
    q->start = q->at = at;
    char c = ak__quick_peek(q, at);
    if (at >= q->len) {
        q->token = AK_TOK_END;
        if (q->brackets)
            ak__quick_refuse(q);
    } else if (is_digit(c)) {
        number(q);
    } else if (ak__is_word(c)) {
        word(q);
    } else if (c == '"' || c == '\'') {
        string(q, at, false);
    } else if (c == '#' || c == '\n' || c == '\r') {
        q->token = AK_TOK_NEWLINE;
    } else {
        operator_sign(q, c);
    }
    q->end = q->at;
}

/* The column of the first byte that is no blank; lines of one text are indented one way. */
static uint32_t measure(AkQuick *q, uint32_t *at)
{
    uint32_t begin = *at;
    char blank = q->blank;
    for (char c; (c = ak__quick_peek(q, *at)) == ' ' || c == '\t'; ++*at) {
        if (!blank)
            blank = c;
        if (c != blank)
            begin = UINT32_MAX;
    }
    char c = ak__quick_peek(q, *at);
    if (c == '#' || c == '\n' || c == '\r')
        return 0;
    q->blank = blank;
    if (begin == UINT32_MAX)
        ak__quick_refuse(q);
    return *at - begin;
}

void ak__quick_line(AkQuick *q)
{
    uint32_t at = q->at, newline;
    q->token = AK_TOK_END;
    if (q->refused)
        return;
    for (;;) {
        q->indent = measure(q, &at);
        if (ak__quick_peek(q, at) == '#')
            at = comment(q, at);
        newline = line_end(q, at);
        if (q->refused || !newline)
            break;
        at += newline;
    }
    if (q->refused)
        return;
    q->at = at;
    if (at >= q->len)
        q->indent = 0;
    else if (q->text[at] == '\\' || q->text[at] == '\f') {
        ak__quick_refuse(q);
        return;
    }
    ak__quick_next(q);
    if (q->refused) {
        q->refused = false;
        q->token = AK_TOK_UNKNOWN;
        q->start = q->end = q->at = at;
    }
}
