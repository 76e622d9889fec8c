/* collect_string.c: string literals: their values, what f-strings hold, adjacent ones joined.
 */
#include "collect.h"

#include <string.h>

enum { LONGEST_VALUE = 1024 };

typedef struct Value {
    char text[LONGEST_VALUE + 8];
    uint32_t len;
    bool too_long, is_bytes, is_format;
} Value;

static void put(Value *value, const char *text, uint32_t len)
{
    if (value->len + len >= LONGEST_VALUE) {
        value->too_long = true;
        return;
    }
    memcpy(value->text + value->len, text, len);
    value->len += len;
}

static void put_char(Value *value, uint32_t c)
{
    char utf8[4];
    uint32_t len = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;

    for (uint32_t i = len - 1; i > 0; i--, c >>= 6)
        utf8[i] = (char)(0x80 | (c & 0x3f));
    utf8[0] = (char)(len == 1 ? c : (0xf0 << (4 - len) & 0xff) | c);
    put(value, utf8, len);
}

static int digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : 99;
}

/* Up to `most` digits; the bytes read. */
static uint32_t digits(const char *text, const char *end, int base, uint32_t most,
                       uint32_t *out)
{
    uint32_t n = 0;

    *out = 0;
    while (n < most && text + n < end && digit(text[n]) < base)
        *out = *out * (uint32_t)base + (uint32_t)digit(text[n++]);
    return n;
}

/* The escape behind a backslash; the bytes of it. An unknown one stands for itself. */
static uint32_t escape(Value *value, const char *at, const char *end)
{
    static const char simple[] = "n\nt\tr\ra\ab\bf\fv\v\\\\''\"\"";
    uint32_t code, n;

    for (size_t i = 0; simple[i]; i += 2) {
        if (*at == simple[i]) {
            put(value, &simple[i + 1], 1);
            return 1;
        }
    }
    if (*at == '\n')
        return 1;
    if (*at == '\r')
        return at + 1 < end && at[1] == '\n' ? 2 : 1;
    if (*at >= '0' && *at <= '7') {
        n = digits(at, end, 8, 3, &code);
        put_char(value, code);
        return n;
    }
    if (*at == 'x' || *at == 'u' || *at == 'U') {
        n = digits(at + 1, end, 16, *at == 'x' ? 2 : *at == 'u' ? 4 : 8, &code);
        if (n && code < 0x110000) {
            put_char(value, code);
            return n + 1;
        }
    }
    put(value, "\\", 1);
    return 0;
}

static void put_content(Value *value, const char *at, const char *end, bool raw)
{
    while (at < end) {
        const char *slash = raw ? NULL : memchr(at, '\\', (size_t)(end - at));
        const char *stop = slash ? slash : end;

        put(value, at, (uint32_t)(stop - at));
        at = stop;
        if (slash && ++at < end)
            at += escape(value, at, end);
    }
}

static void fields(AkWalk *w, uint32_t node, int depth)
{
    AK_EACH_CHILD(w, node, c)
    {
        uint8_t kind = w->nodes[c].kind;

        if (kind == AK_T_format_specifier) {
            if (depth < 8)
                fields(w, c, depth + 1);
        } else if (kind == AK_T_interpolation || kind == AK_T_format_expression) {
            if (depth < 8)
                fields(w, c, depth + 1);
        } else if (ak__is_expr(w, c) && w->nodes[node].kind != AK_T_string) {
            ak__kids_push(w, ak__expr(w, c));
        }
    }
}

/* Adds one literal's value and pushes what it interpolates. */
static void literal(AkWalk *w, uint32_t node, Value *value)
{
    uint32_t open = ak__child_of_kind(w, node, AK_T_string_start),
             close = ak__child_of_kind(w, node, AK_T_string_end);
    const char *prefix = w->text + w->nodes[open].start;
    bool raw = false, is_format = false;

    for (uint32_t i = w->nodes[open].start; open && i < w->nodes[open].end; i++, prefix++) {
        raw |= (*prefix | 0x20) == 'r';
        value->is_bytes |= (*prefix | 0x20) == 'b';
        is_format |= (*prefix | 0x20) == 'f' || (*prefix | 0x20) == 't';
    }
    value->is_format |= is_format;
    if (is_format)
        fields(w, node, 0);
    else if (open && close && w->nodes[close].start >= w->nodes[open].end)
        put_content(value, w->text + w->nodes[open].end, w->text + w->nodes[close].start, raw);
}

static AkExprId finish(AkWalk *w, AkExprId id, uint32_t mark, const Value *value)
{
    AkKids kids = ak__kids_take(w, mark);

    w->exprs[id].kind = value->is_format  ? AK_X_FSTRING
                        : value->is_bytes ? AK_X_BYTES
                                          : AK_X_STRING;
    w->exprs[id].kids = kids;
    if (!value->is_format && !value->is_bytes && !value->too_long)
        w->exprs[id].name = ak__intern(w, value->text, value->len);
    return id;
}

AkExprId ak__strings(AkWalk *w, uint32_t node)
{
    AkExprId id = ak__expr_new(w, AK_X_STRING, node), parent = w->parent;
    uint32_t mark = ak__kids_mark(w);
    Value value;

    value.len = 0;
    value.too_long = value.is_bytes = value.is_format = false;
    w->parent = id;
    if (w->nodes[node].kind == AK_T_string)
        literal(w, node, &value);
    else
        AK_EACH_CHILD(w, node, c)
    if (w->nodes[c].kind == AK_T_string)
        literal(w, c, &value);
    w->parent = parent;
    return finish(w, id, mark, &value);
}

/* Whether the literal is plain: no prefix but r or u, no escape. Its content's bytes then stand
 * in the text as they are. */
static bool plain_content(const AkWalk *w, uint32_t node, uint32_t *start, uint32_t *end)
{
    uint32_t open = ak__child_of_kind(w, node, AK_T_string_start),
             close = ak__child_of_kind(w, node, AK_T_string_end);

    if (!open || !close)
        return false;
    *start = w->nodes[open].end;
    *end = w->nodes[close].start;
    if (*end <= *start || memchr(w->text + *start, '\\', *end - *start) ||
        memchr(w->text + *start, '\n', *end - *start))
        return false;
    for (uint32_t i = w->nodes[open].start; i < w->nodes[open].end; i++)
        if (strchr("bBfFtT", w->text[i]))
            return false;
    while (*start < *end && (w->text[*start] == ' ' || w->text[*start] == '\t'))
        ++*start;
    return *start < *end;
}

/* The one expression that the tree is, or 0. */
static uint32_t only_expression(AkTree tree, AkWalk *inner)
{
    inner->nodes = tree.nodes;
    for (uint32_t i = 0; i < tree.len; i++)
        if (tree.nodes[i].kind == AK_T_ERROR || tree.nodes[i].missing)
            return 0;
    if (tree.len < 3 || tree.nodes[1].kind != AK_T_expression_statement ||
        tree.nodes[1].next != tree.len)
        return 0;
    return ak__is_expr(inner, 2) && tree.nodes[2].next == tree.len ? 2 : 0;
}

/* In an annotation a string is an expression; elsewhere, and where it cannot be read as one, a
 * string. */
AkExprId ak__string(AkWalk *w, uint32_t node)
{
    const char *text = w->text;
    const AkSyntax *nodes = w->nodes;
    uint32_t shift = w->shift, start, end, expr;
    uint16_t flags = w->flags;
    AkExprId id = 0;

    if (!(flags & AK_XF_ANNOTATION) || flags & AK_XF_QUOTED ||
        !plain_content(w, node, &start, &end))
        return ak__strings(w, node);
    w->text = text + start;
    w->shift = shift + start;
    expr = only_expression(ak__parse(w->scratch, w->parser, w->text, end - start, 0), w);
    if (expr) {
        w->flags |= AK_XF_QUOTED;
        id = ak__expr(w, expr);
        w->flags = flags;
    }
    w->text = text;
    w->nodes = nodes;
    w->shift = shift;
    return id ? id : ak__strings(w, node);
}
