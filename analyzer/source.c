/* source.c: bytes to text, offsets to places and back.
 *
 * A file that is plain UTF-8 is looked at once, 16 bytes at a time, for the few bytes that need
 * a decision (NUL, CR, anything beyond ASCII), and is not copied.
 */
#include "source.h"

#include <assert.h>
#include <string.h>
#if defined(__SSE2__)
#include <emmintrin.h>
#endif

/* ---- Encodings ---- */

#define AK_ENCODING(name, ...) static const uint16_t table_##name[128] = {__VA_ARGS__};
#include "encodings.def"
#undef AK_ENCODING

typedef enum Family {
    UTF8,
    ASCII,
    LATIN1,
    TABLE,     /* one byte a character, by a table */
    ASCII_SUB, /* not decoded, but its bytes below 0x80 are ASCII */
    UNKNOWN,
} Family;

typedef struct Encoding {
    const char *name;
    Family family;
    const uint16_t *table;
} Encoding;

static const Encoding encodings[] = {
    {"utf-8", UTF8, NULL},
    {"utf8", UTF8, NULL},
    {"u8", UTF8, NULL},
    {"utf", UTF8, NULL},
    {"cp65001", UTF8, NULL},
    {"ascii", ASCII, NULL},
    {"us-ascii", ASCII, NULL},
    {"646", ASCII, NULL},
    {"latin-1", LATIN1, NULL},
    {"latin1", LATIN1, NULL},
    {"latin", LATIN1, NULL},
    {"l1", LATIN1, NULL},
    {"iso-8859-1", LATIN1, NULL},
    {"iso8859-1", LATIN1, NULL},
    {"iso-latin-1", LATIN1, NULL},
    {"8859", LATIN1, NULL},
    {"cp819", LATIN1, NULL},
#define AK_ALIAS(table, name) {name, TABLE, table_##table},
#include "encodings.def"
#undef AK_ALIAS
    {"shift-jis", ASCII_SUB, NULL},
    {"sjis", ASCII_SUB, NULL},
    {"cp932", ASCII_SUB, NULL},
    {"euc-jp", ASCII_SUB, NULL},
    {"euc-kr", ASCII_SUB, NULL},
    {"cp949", ASCII_SUB, NULL},
    {"gbk", ASCII_SUB, NULL},
    {"gb2312", ASCII_SUB, NULL},
    {"gb18030", ASCII_SUB, NULL},
    {"cp936", ASCII_SUB, NULL},
    {"big5", ASCII_SUB, NULL},
    {"big5hkscs", ASCII_SUB, NULL},
    {"cp950", ASCII_SUB, NULL},
    {"koi8-u", ASCII_SUB, NULL},
    {"cp437", ASCII_SUB, NULL},
    {"cp850", ASCII_SUB, NULL},
    {"cp866", ASCII_SUB, NULL},
    {"cp1250", ASCII_SUB, NULL},
    {"cp1253", ASCII_SUB, NULL},
    {"cp1254", ASCII_SUB, NULL},
    {"mac-roman", ASCII_SUB, NULL},
};

static char lowered(char c)
{
    if (c == '_')
        return '-';
    return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

/* CPython takes a longer name too, as in Emacs' utf-8-unix and latin-1-dos. */
static bool allows_suffix(const Encoding *encoding)
{
    return strcmp(encoding->name, "utf-8") == 0 || strcmp(encoding->name, "latin-1") == 0 ||
           strcmp(encoding->name, "iso-8859-1") == 0 ||
           strcmp(encoding->name, "iso-latin-1") == 0;
}

static Encoding find_encoding(const char *name, size_t len)
{
    for (size_t i = 0; i < sizeof encodings / sizeof *encodings; i++) {
        const Encoding *encoding = &encodings[i];
        size_t n = 0;
        while (n < len && encoding->name[n] && encoding->name[n] == lowered(name[n]))
            n++;
        if (encoding->name[n])
            continue;
        if (n == len || (allows_suffix(encoding) && lowered(name[n]) == '-'))
            return *encoding;
    }
    return (Encoding){"", UNKNOWN, NULL};
}

/* ---- The cookie ---- */

typedef struct Cookie {
    size_t start, len; /* of the name; len 0: there is none */
} Cookie;

static bool in_cookie_name(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           c == '-' || c == '_' || c == '.';
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\f';
}

/* The end of the line that begins at `at`: its CR, its LF, or len. */
static size_t line_end(const char *bytes, size_t len, size_t at)
{
    while (at < len && bytes[at] != '\n' && bytes[at] != '\r')
        at++;
    return at;
}

/* What follows "coding:" or "coding=" in a comment line. */
static Cookie cookie_in(const char *bytes, size_t start, size_t end)
{
    while (start < end && is_blank(bytes[start]))
        start++;
    if (start == end || bytes[start] != '#')
        return (Cookie){0, 0};
    for (size_t i = start; i + 7 <= end; i++) {
        if (memcmp(bytes + i, "coding", 6) != 0 || (bytes[i + 6] != ':' && bytes[i + 6] != '='))
            continue;
        size_t from = i + 7;
        while (from < end && (bytes[from] == ' ' || bytes[from] == '\t'))
            from++;
        size_t to = from;
        while (to < end && in_cookie_name(bytes[to]))
            to++;
        if (to > from)
            return (Cookie){from, to - from};
    }
    return (Cookie){0, 0};
}

static Cookie find_cookie(const char *bytes, size_t len)
{
    size_t end = line_end(bytes, len, 0);
    Cookie cookie = cookie_in(bytes, 0, end);
    if (cookie.len)
        return cookie;
    size_t first = 0;
    while (first < end && is_blank(bytes[first]))
        first++;
    /* The second line counts only when no code stands before it. */
    if (first < end && bytes[first] != '#')
        return cookie;
    size_t second =
        end + (end + 1 < len && bytes[end] == '\r' && bytes[end + 1] == '\n' ? 2 : 1);
    return second < len ? cookie_in(bytes, second, line_end(bytes, len, second)) : cookie;
}

/* ---- Opening ---- */

/* The first offset from `at` that needs a decision: NUL, CR or not ASCII. Reads up to 15 bytes
 * beyond len, which are padding. */
static size_t next_odd(const char *text, size_t len, size_t at)
{
#if defined(__SSE2__)
    const __m128i nul = _mm_setzero_si128(), cr = _mm_set1_epi8('\r');
    for (; at < len; at += 16) {
        __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)(text + at));
        __m128i odd = _mm_or_si128(_mm_cmpeq_epi8(bytes, nul), _mm_cmpeq_epi8(bytes, cr));
        unsigned mask = (unsigned)_mm_movemask_epi8(_mm_or_si128(odd, bytes));
        if (mask) {
            at += (unsigned)__builtin_ctz(mask);
            return at < len ? at : len;
        }
    }
    return len;
#else
    while (at < len && text[at] != '\r' && (signed char)text[at] > 0)
        at++;
    return at;
#endif
}

/* The length of the character at text; 0 when it is none (overlong, surrogate, cut off). */
static size_t utf8_length(const char *text, size_t left)
{
    const unsigned char *c = (const unsigned char *)text;
    size_t len = c[0] < 0xc2 ? 0 : c[0] < 0xe0 ? 2 : c[0] < 0xf0 ? 3 : c[0] < 0xf5 ? 4 : 0;
    if (!len || len > left)
        return 0;
    for (size_t i = 1; i < len; i++)
        if ((c[i] & 0xc0) != 0x80)
            return 0;
    if ((c[0] == 0xe0 && c[1] < 0xa0) || (c[0] == 0xed && c[1] > 0x9f) ||
        (c[0] == 0xf0 && c[1] < 0x90) || (c[0] == 0xf4 && c[1] > 0x8f))
        return 0;
    return len;
}

typedef struct Opening {
    AkArena *arena;
    AkSource *source;
    char *own; /* the text, once it is ours to change */
    int status;
} Opening;

static void complain(Opening *opening, int status, size_t start, size_t end, char *problem)
{
    if (opening->status)
        return;
    opening->status = status;
    opening->source->problem = problem;
    opening->source->problem_start = (uint32_t)start;
    opening->source->problem_end = (uint32_t)end;
}

static void own_text(Opening *opening, const char *bytes, size_t len)
{
    opening->own = ak__alloc(opening->arena, len + AK_PADDING);
    if (len)
        memcpy(opening->own, bytes, len);
    opening->source->text = opening->own;
}

static void put(Opening *opening, size_t at, char c)
{
    if (!opening->own)
        own_text(opening, opening->source->text, opening->source->len);
    opening->own[at] = c;
}

static void refuse_byte(Opening *opening, size_t at, const char *encoding)
{
    unsigned byte = (unsigned char)opening->source->text[at];
    if (!opening->status)
        complain(opening, AK_SOURCE_INVALID, at, at + 1,
                 ak__printf(opening->arena, "byte 0x%02x is not valid %s", byte, encoding));
    put(opening, at, '?');
}

/* Decides each odd byte of a text that is UTF-8 or a part of it. */
static void settle(Opening *opening, Family family)
{
    AkSource *source = opening->source;
    size_t len = source->len;
    for (size_t i = next_odd(source->text, len, 0); i < len;
         i = next_odd(source->text, len, i)) {
        char c = source->text[i];
        size_t step = 1;
        if (c == '\r') {
            if (i + 1 == len || source->text[i + 1] != '\n')
                put(opening, i, '\n');
        } else if (c == 0) {
            complain(opening, AK_SOURCE_NUL, i, i + 1,
                     ak__printf(opening->arena, "source code cannot contain null bytes"));
            put(opening, i, ' ');
        } else if (family == UTF8 && utf8_length(source->text + i, len - i)) {
            step = utf8_length(source->text + i, len - i);
        } else {
            refuse_byte(opening, i, family == UTF8 ? "UTF-8" : "ASCII");
        }
        i += step;
    }
}

static size_t encode(char *to, uint32_t c)
{
    if (c < 0x80) {
        to[0] = (char)c;
        return 1;
    }
    if (c < 0x800) {
        to[0] = (char)(0xc0 | c >> 6);
        to[1] = (char)(0x80 | (c & 0x3f));
        return 2;
    }
    to[0] = (char)(0xe0 | c >> 12);
    to[1] = (char)(0x80 | (c >> 6 & 0x3f));
    to[2] = (char)(0x80 | (c & 0x3f));
    return 3;
}

/* One byte a character to UTF-8. A byte without meaning becomes '?', and the first is reported.
 */
static void recode(Opening *opening, Encoding encoding)
{
    AkSource *source = opening->source;
    const char *bytes = source->text;
    size_t grown = 0;
    for (size_t i = 0; i < source->len; i++)
        grown += (unsigned char)bytes[i] < 0x80 ? 1 : 3;
    if (grown > UINT32_MAX - AK_PADDING) {
        complain(opening, AK_SOURCE_TOO_LONG, 0, 0,
                 ak__printf(opening->arena, "the file is too long"));
        source->len = 0;
        return;
    }
    opening->own = ak__alloc(opening->arena, grown + AK_PADDING);
    size_t to = 0;
    for (size_t i = 0; i < source->len; i++) {
        unsigned char byte = (unsigned char)bytes[i];
        uint32_t c = byte < 0x80 || !encoding.table ? byte : encoding.table[byte - 0x80];
        if (byte >= 0x80 && c == 0) {
            complain(
                opening, AK_SOURCE_INVALID, to, to + 1,
                ak__printf(opening->arena, "byte 0x%02x is not valid %s", byte, encoding.name));
            c = '?';
        }
        to += encode(opening->own + to, c);
    }
    source->text = opening->own;
    source->len = (uint32_t)to;
    source->recoded = true;
}

/* Applies what the cookie says; what remains to be settled is of the family returned. */
static Family decode(Opening *opening)
{
    AkSource *source = opening->source;
    const char *text = source->text;
    Cookie cookie = find_cookie(text, source->len);
    if (!cookie.len)
        return UTF8;
    Encoding encoding = find_encoding(text + cookie.start, cookie.len);
    const char *name = ak__strndup(opening->arena, text + cookie.start, cookie.len);
    size_t end = cookie.start + cookie.len;
    if (source->bom && encoding.family != UTF8) {
        complain(opening, AK_SOURCE_ENCODING, cookie.start, end,
                 ak__printf(opening->arena,
                            "encoding '%s' is declared, but a UTF-8 mark stands at the start",
                            name));
        return UTF8;
    }
    if (encoding.family == LATIN1 || encoding.family == TABLE) {
        recode(opening, encoding);
        return UTF8;
    }
    bool readable = encoding.family != UNKNOWN;
    if (encoding.family == ASCII_SUB)
        for (size_t i = 0; i < source->len && readable; i++)
            readable = (unsigned char)text[i] < 0x80;
    if (!readable)
        complain(
            opening, AK_SOURCE_ENCODING, cookie.start, end,
            ak__printf(opening->arena, "encoding '%s' is not supported; save as UTF-8", name));
    return encoding.family == UTF8 ? UTF8 : ASCII;
}

int ak__source_open_padded(AkArena *arena, AkSource *source, const char *path,
                           const char *bytes, size_t len)
{
    static const char nothing[AK_PADDING];
    *source = (AkSource){.path = path, .text = nothing, .arena = arena};
    Opening opening = {arena, source, NULL, AK_SOURCE_OK};
    if (len > UINT32_MAX - AK_PADDING) {
        complain(&opening, AK_SOURCE_TOO_LONG, 0, 0, ak__printf(arena, "the file is too long"));
        return opening.status;
    }
    if (len == 0)
        return AK_SOURCE_OK;
    source->bom = len >= 3 && memcmp(bytes, "\xef\xbb\xbf", 3) == 0;
    source->text = bytes + (source->bom ? 3 : 0);
    source->len = (uint32_t)(len - (source->bom ? 3 : 0));
    settle(&opening, decode(&opening));
    return opening.status;
}

int ak__source_open(AkArena *arena, AkSource *source, const char *path, const char *bytes,
                    size_t len)
{
    if (len > UINT32_MAX - AK_PADDING) /* refused there, before any byte is read */
        return ak__source_open_padded(arena, source, path, bytes, len);
    char *copy = ak__alloc(arena, len + AK_PADDING);
    if (len)
        memcpy(copy, bytes, len);
    return ak__source_open_padded(arena, source, path, copy, len);
}

/* ---- Places ---- */

static void index_lines(AkSource *source)
{
    if (source->lines)
        return;
    size_t newlines = 0;
    for (size_t i = 0; i < source->len; i++)
        newlines += source->text[i] == '\n';
    uint32_t *lines = ak__alloc(source->arena, (newlines + 1) * sizeof *lines);
    uint32_t count = 1;
    const char *at = source->text, *end = source->text + source->len;
    while (count <= newlines && (at = memchr(at, '\n', (size_t)(end - at))))
        lines[count++] = (uint32_t)(++at - source->text);
    source->lines = lines;
    source->line_count = count;
}

static bool is_inside_character(char c)
{
    return ((unsigned char)c & 0xc0) == 0x80;
}

AkPos ak__source_pos(AkSource *source, uint32_t offset)
{
    index_lines(source);
    assert(offset <= source->len);
    while (offset > 0 && offset < source->len && is_inside_character(source->text[offset]))
        offset--;
    uint32_t low = 0, high = source->line_count;
    while (high - low > 1) {
        uint32_t middle = low + (high - low) / 2;
        if (source->lines[middle] <= offset)
            low = middle;
        else
            high = middle;
    }
    uint32_t column = 1;
    for (uint32_t i = source->lines[low]; i < offset; i++)
        column += !is_inside_character(source->text[i]);
    return (AkPos){low + 1, column};
}

uint32_t ak__source_offset(AkSource *source, AkPos pos)
{
    index_lines(source);
    if (pos.line > source->line_count)
        return source->len;
    uint32_t at, end;
    ak__source_line(source, pos.line ? pos.line : 1, &at, &end);
    for (uint32_t column = 1; column < pos.column && at < end; column++)
        do
            at++;
        while (at < end && is_inside_character(source->text[at]));
    return at;
}

uint32_t ak__source_line_count(AkSource *source)
{
    index_lines(source);
    return source->line_count;
}

void ak__source_line(AkSource *source, uint32_t line, uint32_t *start, uint32_t *end)
{
    index_lines(source);
    assert(line >= 1 && line <= source->line_count);
    *start = source->lines[line - 1];
    *end = line < source->line_count ? source->lines[line] - 1 : source->len;
    if (line<source->line_count && * end> * start && source->text[*end - 1] == '\r')
        --*end;
}
