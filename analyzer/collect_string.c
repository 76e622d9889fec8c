/* collect_string.c: string literals, their values, and annotations in quotes. */
#include "collect.h"

#include <string.h>

static bool is_quote(char c)
{
    return c == '"' || c == '\'';
}

bool ak__literal(const char *text, uint32_t start, uint32_t end, AkLiteral *out)
{
    *out = (AkLiteral){0};
    uint32_t at = start;
    for (; at < end && !is_quote(text[at]); at++) {
        char c = (char)(text[at] | 0x20);
        out->raw |= c == 'r';
        out->bytes |= c == 'b';
        out->format |= c == 'f' || c == 't';
    }
    if (at >= end)
        return false;
    uint32_t quotes =
        end - at >= 6 && text[at + 1] == text[at] && text[at + 2] == text[at] ? 3 : 1;
    if (end - at < 2 * quotes || text[end - 1] != text[at])
        return false;
    out->start = at + quotes;
    out->end = end - quotes;
    return true;
}

static void put(AkWalk *w, const char *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++)
        AK_ADD(w, value, value, AK_T_VALUE) = bytes[i];
}

/* Surrogates are written as if they were characters: values are compared, not shown. */
static void put_char(AkWalk *w, uint32_t c)
{
    char bytes[4];
    size_t len = 0;
    if (c < 0x80) {
        bytes[len++] = (char)c;
    } else if (c < 0x800) {
        bytes[len++] = (char)(0xC0 | c >> 6);
        bytes[len++] = (char)(0x80 | (c & 0x3F));
    } else if (c < 0x10000) {
        bytes[len++] = (char)(0xE0 | c >> 12);
        bytes[len++] = (char)(0x80 | (c >> 6 & 0x3F));
        bytes[len++] = (char)(0x80 | (c & 0x3F));
    } else {
        bytes[len++] = (char)(0xF0 | c >> 18);
        bytes[len++] = (char)(0x80 | (c >> 12 & 0x3F));
        bytes[len++] = (char)(0x80 | (c >> 6 & 0x3F));
        bytes[len++] = (char)(0x80 | (c & 0x3F));
    }
    put(w, bytes, len);
}

static int digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : 99;
}

/* Up to most digits of a base; the number read, their count in *len. */
static uint32_t number(const char *at, const char *end, uint32_t base, size_t most, size_t *len)
{
    uint32_t value = 0;
    for (*len = 0; *len < most && at + *len < end && digit(at[*len]) < (int)base; ++*len)
        value = value * base + (uint32_t)digit(at[*len]);
    return value;
}

/* \x, \u and \U with all their digits; 0 if they are not there. */
static size_t hex_escape(AkWalk *w, const char *at, const char *end)
{
    size_t want = at[1] == 'x' ? 2 : at[1] == 'u' ? 4 : 8, len;
    uint32_t value = number(at + 2, end, 16, want, &len);
    if (len < want || value > 0x10FFFF)
        return 0;
    put_char(w, value);
    return 2 + len;
}

/* The bytes of the escape at `at`, its value put; one that Python does not know stays as it is.
 */
static size_t escape(AkWalk *w, const char *at, const char *end)
{
    static const char plain[] = "\\\\''\"\"a\ab\bf\fn\nr\rt\tv\v";
    size_t len = 0;
    if (end - at < 2) {
        put(w, at, 1);
        return 1;
    }
    for (size_t i = 0; i < sizeof plain - 1; i += 2)
        if (at[1] == plain[i]) {
            put(w, plain + i + 1, 1);
            return 2;
        }
    switch (at[1]) {
    case '\n': return 2;
    case '\r': return end - at > 2 && at[2] == '\n' ? 3 : 2;
    case 'x':
    case 'u':
    case 'U': len = hex_escape(w, at, end); break;
    default:
        if (digit(at[1]) < 8) {
            put_char(w, number(at + 1, end, 8, 3, &len));
            return len + 1;
        }
    }
    if (len)
        return len;
    put(w, at, 2);
    return 2;
}

void ak__read_literal(AkWalk *w, const AkLiteral *literal)
{
    const char *at = w->text + literal->start, *end = w->text + literal->end;
    while (at < end && w->value_len <= AK_VALUE_LONGEST) {
        if (*at == '\\' && !literal->raw) {
            at += escape(w, at, end);
        } else if (*at == '\r') {
            /* Python reads every end of line as \n. */
            put(w, "\n", 1);
            at += end - at > 1 && at[1] == '\n' ? 2 : 1;
        } else {
            put(w, at++, 1);
        }
    }
}

/* ---- Expressions ---- */
/* `f"{x:=5}"`: not an assignment, but x with the format "=5". */
static void push_name_before_format(AkWalk *w, AkExprId id)
{
    if (!ak__first(w, AK_N_NODES, id))
        return;
    ak__push(w, ak__expr(w, id));
    ak__node_up(w->parser, w->level);
}

static void push_interpolations(AkWalk *w, AkExprId id)
{
    if (w->depth >= AK_DEEPEST)
        return;
    w->depth++;
    for (bool more = ak__node_down(w->parser, w->level, AK_N_NODES); more;
         more = ak__node_next(w->parser, w->level, AK_N_NODES)) {
        AkNodeKind kind = ak__kind(w);
        if (kind == AK_N_NAMED_EXPRESSION)
            push_name_before_format(w, id);
        else if (kind == AK_N_ERROR || ak__is_expression(kind))
            ak__push(w, ak__expr(w, id));
        else
            push_interpolations(w, id);
    }
    w->depth--;
}

static AkName value_of(AkWalk *w, const AkLiteral *literal)
{
    const char *at = w->text + literal->start;
    uint32_t len = literal->end - literal->start;
    if (len <= AK_VALUE_LONGEST && (literal->raw || !memchr(at, '\\', len)) &&
        !memchr(at, '\r', len))
        return ak__intern(w, at, len);
    w->value_len = 0;
    ak__read_literal(w, literal);
    return w->value_len <= AK_VALUE_LONGEST ? ak__intern(w, w->value, w->value_len) : 0;
}

static bool is_dotted(const char *text, uint32_t len)
{
    bool dot = true;
    for (uint32_t i = 0; i < len; i++) {
        if (dot ? !ak__is_word(text[i]) || (text[i] >= '0' && text[i] <= '9')
                : !ak__is_word(text[i]) && text[i] != '.')
            return false;
        dot = text[i] == '.';
    }
    return !dot;
}

static bool is_keyword(const char *text, uint32_t len)
{
    return (len == 4 && (memcmp(text, "None", 4) == 0 || memcmp(text, "True", 4) == 0)) ||
           (len == 5 && memcmp(text, "False", 5) == 0);
}

/* The one expression of a text, which the cursor has just been put on; 0 if it is no such text.
 */
static AkExprId only_expr(AkWalk *w, AkExprId parent)
{
    uint32_t errors;
    ak__parse_errors(w->parser, w->level, &errors);
    if (errors || !ak__node_down(w->parser, w->level, AK_N_NODES) ||
        ak__kind(w) != AK_N_EXPRESSION_STATEMENT ||
        !ak__node_down(w->parser, w->level, AK_N_NODES) || !ak__is_expression(ak__kind(w)))
        return 0;
    ak__node_up(w->parser, w->level);
    if (ak__node_next(w->parser, w->level, AK_N_NODES))
        return 0;
    ak__node_down(w->parser, w->level, AK_N_NODES);
    return ak__one_or_tuple(w, parent);
}

/* An annotation in quotes; 0 if it is none, or says more than its bytes do. */
static AkExprId quoted(AkWalk *w, AkExprId parent, const AkLiteral *literal)
{
    const char *text = w->text + literal->start;
    uint32_t len = literal->end - literal->start;
    if (literal->bytes || literal->format || memchr(text, '\\', len) ||
        w->level + 1 >= AK_PARSE_LEVELS)
        return 0;
    uint16_t flags = w->flags;
    w->flags |= AK_XF_QUOTED;
    AkExprId id = 0;
    if (is_dotted(text, len) && !is_keyword(text, len)) {
        id = ak__dotted(w, parent, literal->start, literal->end);
    } else {
        const char *outer = w->text;
        uint32_t shift = w->shift;
        bool broken = w->broken;
        w->level++;
        if (!ak__parse(w->parser, w->level, text, len))
            ak__no_memory(w);
        w->text = text;
        w->shift += literal->start;
        w->broken = false;
        id = only_expr(w, parent);
        w->level--;
        w->text = outer;
        w->shift = shift;
        w->broken = broken;
    }
    w->flags = flags;
    return id;
}

AkExprId ak__string(AkWalk *w, AkExprId parent)
{
    AkLiteral literal;
    const AkNode *node = ak__at(w);
    bool whole = ak__literal(w->text, node->start, node->end, &literal);
    if (w->quotes && whole) {
        AkExprId id = quoted(w, parent, &literal);
        if (id)
            return id;
    }
    AkExprId id = ak__expr_here(w,
                                literal.format  ? AK_X_FSTRING
                                : literal.bytes ? AK_X_BYTES
                                                : AK_X_STRING,
                                parent);
    if (literal.format) {
        uint32_t mark = w->pending_len;
        push_interpolations(w, id);
        ak__finish_expr(w, id, mark);
    } else if (whole && !literal.bytes) {
        AkName name = value_of(w, &literal);
        w->exprs[id].name = name;
    }
    return id;
}

/* `"a" f"{b}"`: one expression; what is in it decides its kind. */
AkExprId ak__strings(AkWalk *w, AkExprId parent)
{
    AkExprId id = ak__expr_here(w, AK_X_STRING, parent);
    uint32_t mark = w->pending_len;
    bool format = false, bytes = false, whole = true;
    w->value_len = 0;
    for (bool more = ak__first(w, AK_N_NODES, id); more; more = ak__next(w, AK_N_NODES, id)) {
        AkLiteral literal;
        const AkNode *node = ak__at(w);
        if (!ak__literal(w->text, node->start, node->end, &literal)) {
            whole = false;
            continue;
        }
        format |= literal.format;
        bytes |= literal.bytes;
        if (literal.format)
            push_interpolations(w, id);
        else if (!format && !bytes && w->value_len <= AK_VALUE_LONGEST)
            ak__read_literal(w, &literal);
    }
    ak__finish_expr(w, id, mark);
    AkName name = 0;
    if (whole && !format && !bytes && w->value_len <= AK_VALUE_LONGEST)
        name = ak__intern(w, w->value, w->value_len);
    w->exprs[id].kind = format ? AK_X_FSTRING : bytes ? AK_X_BYTES : AK_X_STRING;
    w->exprs[id].name = name;
    return id;
}
