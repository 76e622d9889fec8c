/* jsontext.c: JSON read where it lies. */
#include "jsontext.h"

#include <string.h>

#define DEPTH_MAX 256

typedef struct Scan {
    const unsigned char *start, *at, *end;
    const char *why;
} Scan;

static bool refuse(Scan *scan, const char *why)
{
    scan->why = why;
    return false;
}

static void blanks(Scan *scan)
{
    while (scan->at < scan->end &&
           (*scan->at == ' ' || *scan->at == '\t' || *scan->at == '\n' || *scan->at == '\r'))
        scan->at++;
}

/* One sequence above ASCII. The table is that of the Unicode standard: no overlong forms, no
 * surrogates, nothing above U+10FFFF. */
static bool utf8(Scan *scan)
{
    const unsigned char *at = scan->at;
    size_t left = (size_t)(scan->end - at);
    unsigned low = 0x80, high = 0xBF;
    size_t size;
    if (at[0] >= 0xC2 && at[0] <= 0xDF) {
        size = 2;
    } else if (at[0] >= 0xE0 && at[0] <= 0xEF) {
        size = 3;
        low = at[0] == 0xE0 ? 0xA0 : 0x80;
        high = at[0] == 0xED ? 0x9F : 0xBF;
    } else if (at[0] >= 0xF0 && at[0] <= 0xF4) {
        size = 4;
        low = at[0] == 0xF0 ? 0x90 : 0x80;
        high = at[0] == 0xF4 ? 0x8F : 0xBF;
    } else {
        return refuse(scan, "invalid UTF-8");
    }
    if (left < size || at[1] < low || at[1] > high)
        return refuse(scan, "invalid UTF-8");
    for (size_t i = 2; i < size; i++)
        if ((at[i] & 0xC0) != 0x80)
            return refuse(scan, "invalid UTF-8");
    scan->at += size;
    return true;
}

static int hex(unsigned char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool escape(Scan *scan)
{
    scan->at++;
    if (scan->at == scan->end)
        return refuse(scan, "the text ends inside a string");
    if (*scan->at == 'u') {
        if (scan->end - scan->at < 5)
            return refuse(scan, "a \\u escape is cut");
        for (int i = 1; i <= 4; i++)
            if (hex(scan->at[i]) < 0)
                return refuse(scan, "a \\u escape has no four hex digits");
        scan->at += 5;
        return true;
    }
    if (*scan->at == 0 || !strchr("\"\\/bfnrt", *scan->at))
        return refuse(scan, "unknown escape in a string");
    scan->at++;
    return true;
}

static bool string(Scan *scan)
{
    scan->at++;
    while (scan->at < scan->end) {
        unsigned char c = *scan->at;
        if (c == '"') {
            scan->at++;
            return true;
        }
        if (c == '\\') {
            if (!escape(scan))
                return false;
        } else if (c < 0x20) {
            return refuse(scan, "a control character in a string");
        } else if (c < 0x80) {
            scan->at++;
        } else if (!utf8(scan)) {
            return false;
        }
    }
    return refuse(scan, "the text ends inside a string");
}

static bool digits(Scan *scan)
{
    const unsigned char *from = scan->at;
    while (scan->at < scan->end && *scan->at >= '0' && *scan->at <= '9')
        scan->at++;
    return scan->at > from || refuse(scan, "a digit is missing in a number");
}

static bool number(Scan *scan)
{
    if (*scan->at == '-')
        scan->at++;
    if (scan->at < scan->end && *scan->at == '0')
        scan->at++;
    else if (!digits(scan))
        return false;
    if (scan->at < scan->end && *scan->at == '.') {
        scan->at++;
        if (!digits(scan))
            return false;
    }
    if (scan->at < scan->end && (*scan->at | 0x20) == 'e') {
        scan->at++;
        if (scan->at < scan->end && (*scan->at == '+' || *scan->at == '-'))
            scan->at++;
        if (!digits(scan))
            return false;
    }
    return true;
}

static bool word(Scan *scan, const char *text)
{
    size_t len = strlen(text);
    if ((size_t)(scan->end - scan->at) < len || memcmp(scan->at, text, len) != 0)
        return refuse(scan, "not a JSON value");
    scan->at += len;
    return true;
}

static bool scalar(Scan *scan)
{
    switch (*scan->at) {
    case '"': return string(scan);
    case 't': return word(scan, "true");
    case 'f': return word(scan, "false");
    case 'n': return word(scan, "null");
    case 'N':
    case 'I': return refuse(scan, "NaN and Infinity are not JSON");
    default:
        if (*scan->at == '-' || (*scan->at >= '0' && *scan->at <= '9'))
            return number(scan);
        return refuse(scan, "not a JSON value");
    }
}

static bool key(Scan *scan)
{
    blanks(scan);
    if (scan->at == scan->end || *scan->at != '"')
        return refuse(scan, "an object's key is missing");
    if (!string(scan))
        return false;
    blanks(scan);
    if (scan->at == scan->end || *scan->at != ':')
        return refuse(scan, "a colon is missing after a key");
    scan->at++;
    return true;
}

/* What is open is remembered as a stack of bits' worth: the closing character each level waits
 * for. */
static bool value(Scan *scan, unsigned depth)
{
    char closing[DEPTH_MAX];
    unsigned open = 0;
    for (;;) {
        blanks(scan);
        if (scan->at == scan->end)
            return refuse(scan, "the text ends too early");
        unsigned char c = *scan->at;
        if (c == '{' || c == '[') {
            if (open == depth || open == DEPTH_MAX)
                return refuse(scan, "nested too deeply");
            closing[open++] = c == '{' ? '}' : ']';
            scan->at++;
            blanks(scan);
            if (scan->at < scan->end && *scan->at == closing[open - 1]) {
                scan->at++;
                open--;
            } else {
                if (c == '{' && !key(scan))
                    return false;
                continue;
            }
        } else if (!scalar(scan)) {
            return false;
        }
        /* A value has ended: close what closes with it, or go on behind a comma. */
        for (;;) {
            if (open == 0)
                return true;
            blanks(scan);
            if (scan->at == scan->end)
                return refuse(scan, "the text ends too early");
            if (*scan->at == ',')
                break;
            if (*scan->at != closing[open - 1])
                return refuse(scan, "a comma or a closing bracket is missing");
            scan->at++;
            open--;
        }
        scan->at++;
        if (closing[open - 1] == '}' && !key(scan))
            return false;
    }
}

int ak_json_check(AkBytes text, unsigned depth, const char **why, size_t *where)
{
    Scan scan = {(const unsigned char *)text.at, NULL, NULL, NULL};
    scan.at = scan.start;
    scan.end = scan.start + text.len;
    if (text.len == 0) {
        scan.why = "the text is empty";
    } else if (value(&scan, depth)) {
        blanks(&scan);
        if (scan.at == scan.end)
            return 0;
        scan.why = "something follows the value";
    }
    *why = scan.why;
    *where = (size_t)(scan.at - scan.start);
    return AK_E_FORMAT;
}

AkJsonKind ak_json_kind(AkBytes text)
{
    if (!text.at || text.len == 0)
        return AK_JSON_ABSENT;
    switch (text.at[0]) {
    case '{': return AK_JSON_OBJECT;
    case '[': return AK_JSON_ARRAY;
    case '"': return AK_JSON_STRING;
    case 'n': return AK_JSON_NULL;
    case 't':
    case 'f': return AK_JSON_BOOL;
    default: return AK_JSON_NUMBER;
    }
}

bool ak_json_is_true(AkBytes text)
{
    return text.at && text.len == 4 && text.at[0] == 't';
}

static const char *skip_blanks(const char *at, const char *end)
{
    while (at < end && (*at == ' ' || *at == '\t' || *at == '\n' || *at == '\r'))
        at++;
    return at;
}

static const char *skip_string(const char *at, const char *end)
{
    for (at++; at < end && *at != '"'; at++)
        if (*at == '\\' && at + 1 < end)
            at++;
    return at < end ? at + 1 : end;
}

static const char *skip_value(const char *at, const char *end)
{
    unsigned open = 0;
    while (at < end) {
        char c = *at;
        if (c == '"') {
            at = skip_string(at, end);
        } else if (c == '{' || c == '[') {
            open++;
            at++;
        } else if (c == '}' || c == ']') {
            if (open == 0)
                return at; /* the end of what holds this scalar */
            open--;
            at++;
        } else if (open == 0 && (c == ',' || c == ' ' || c == '\t' || c == '\n' || c == '\r')) {
            return at;
        } else {
            at++;
            continue; /* inside a number or a word, or between members */
        }
        if (open == 0)
            return at;
    }
    return at;
}

AkJsonWalk ak_json_walk(AkBytes text)
{
    AkJsonKind kind = ak_json_kind(text);
    if (kind != AK_JSON_OBJECT && kind != AK_JSON_ARRAY)
        return (AkJsonWalk){NULL, NULL, false};
    return (AkJsonWalk){text.at + 1, text.at + text.len, kind == AK_JSON_OBJECT};
}

bool ak_json_next(AkJsonWalk *walk, AkBytes *name, AkBytes *item)
{
    *name = *item = (AkBytes){NULL, 0};
    if (walk->at == walk->end)
        return false;
    const char *at = skip_blanks(walk->at, walk->end);
    if (at < walk->end && *at == ',')
        at = skip_blanks(at + 1, walk->end);
    if (at >= walk->end || *at == '}' || *at == ']') {
        walk->at = walk->end;
        return false;
    }
    if (walk->object) {
        const char *from = at;
        at = skip_string(at, walk->end);
        *name = (AkBytes){from, (size_t)(at - from)};
        at = skip_blanks(at, walk->end);
        at = skip_blanks(at + (at < walk->end), walk->end);
    }
    const char *from = at;
    at = skip_value(at, walk->end);
    *item = (AkBytes){from, (size_t)(at - from)};
    walk->at = at;
    return true;
}

AkBytes ak_json_member(AkBytes object, const char *name)
{
    AkBytes found = {NULL, 0}, each, item;
    AkJsonWalk walk = ak_json_walk(object);
    if (!walk.object)
        return found;
    while (ak_json_next(&walk, &each, &item))
        if (ak_json_string_is(each, ak_bytes(name)))
            found = item;
    return found;
}

static uint32_t unit_at(const char *at)
{
    uint32_t unit = 0;
    for (int i = 0; i < 4; i++)
        unit = unit << 4 | (uint32_t)hex((unsigned char)at[i]);
    return unit;
}

static size_t encode(uint32_t point, char *to)
{
    if (point < 0x80) {
        to[0] = (char)point;
        return 1;
    }
    size_t size = point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
    for (size_t i = size - 1; i > 0; i--, point >>= 6)
        to[i] = (char)(0x80 | (point & 0x3F));
    to[0] = (char)((0xF00u >> size & 0xFF) | point);
    return size;
}

/* The character behind an escape, as UTF-8 in `to`; *at moves past it. */
static size_t unescape(const char **at, const char *end, char *to)
{
    static const char from[] = "bfnrt", into[] = "\b\f\n\r\t";
    const char *from_here = *at;
    char c = from_here[1];
    *at += 2;
    if (c != 'u') {
        const char *known = strchr(from, c);
        to[0] = known ? into[known - from] : c;
        return 1;
    }
    uint32_t point = unit_at(*at);
    *at += 4;
    if (point >= 0xD800 && point <= 0xDBFF && end - *at >= 6 && (*at)[0] == '\\' &&
        (*at)[1] == 'u' && unit_at(*at + 2) >= 0xDC00 && unit_at(*at + 2) <= 0xDFFF) {
        point = 0x10000 + ((point - 0xD800) << 10) + (unit_at(*at + 2) - 0xDC00);
        *at += 6;
    } else if (point >= 0xD800 && point <= 0xDFFF) {
        point = 0xFFFD;
    }
    return encode(point, to);
}

bool ak_json_string_is(AkBytes text, AkBytes wanted)
{
    size_t len = 0;
    if (text.len < 2)
        return false;
    const char *at = text.at + 1, *end = text.at + text.len - 1;
    while (at < end) {
        char decoded[4] = {*at};
        size_t size = 1;
        if (*at == '\\')
            size = unescape(&at, end, decoded);
        else
            at++;
        if (wanted.len - len < size || memcmp(wanted.at + len, decoded, size) != 0)
            return false;
        len += size;
    }
    return len == wanted.len;
}

size_t ak_json_decode(AkBytes text, char *to)
{
    size_t len = 0;
    if (text.len < 2)
        return 0;
    const char *at = text.at + 1, *end = text.at + text.len - 1;
    while (at < end) {
        const char *stop = memchr(at, '\\', (size_t)(end - at));
        size_t plain = (size_t)((stop ? stop : end) - at);
        memmove(to + len, at, plain);
        len += plain;
        at += plain;
        if (at < end)
            len += unescape(&at, end, to + len);
    }
    return len;
}

bool ak_json_count(AkBytes text, uint64_t *count)
{
    uint64_t sum = 0;
    if (text.len == 0 || text.len > 19)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        if (text.at[i] < '0' || text.at[i] > '9')
            return false;
        sum = sum * 10 + (uint64_t)(text.at[i] - '0');
    }
    *count = sum;
    return true;
}

/* Decimal by hand, as strtod depends on the locale: digits are gathered until they count less
 * than a microsecond, and the exponent says where the point really is. */
bool ak_json_micros(AkBytes text, int64_t *micros)
{
    const int64_t most = INT64_C(1) << 62;
    size_t i = 0;
    bool minus = false, seen = false, point = false;
    int64_t scale = 0; /* the value is mantissa * 10^scale */
    uint64_t mantissa = 0;
    if (ak_json_kind(text) != AK_JSON_NUMBER)
        return false;
    if (text.at[0] == '-') {
        minus = true;
        i = 1;
    }
    for (; i < text.len; i++) {
        char c = text.at[i];
        if (c == '.') {
            point = true;
        } else if (c >= '0' && c <= '9') {
            seen = true;
            if (mantissa < UINT64_C(100000000000000000)) {
                mantissa = mantissa * 10 + (uint64_t)(c - '0');
                scale -= point;
            } else {
                scale += !point;
            }
        } else {
            break;
        }
    }
    if (!seen)
        return false;
    if (i < text.len) {
        bool down = false;
        int64_t exponent = 0;
        for (i++; i < text.len; i++) {
            if (text.at[i] == '-')
                down = true;
            else if (text.at[i] != '+' && exponent < 100000)
                exponent = exponent * 10 + (text.at[i] - '0');
        }
        scale += down ? -exponent : exponent;
    }
    scale += 6;
    for (; scale > 0 && mantissa; scale--) {
        if (mantissa > (uint64_t)most / 10) {
            mantissa = (uint64_t)most;
            break;
        }
        mantissa *= 10;
    }
    for (; scale < 0 && mantissa; scale++)
        mantissa /= 10;
    if (mantissa > (uint64_t)most)
        mantissa = (uint64_t)most;
    *micros = minus ? -(int64_t)mantissa : (int64_t)mantissa;
    return true;
}
