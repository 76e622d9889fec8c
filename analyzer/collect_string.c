/* collect_string.c: the values of string literals. */
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
