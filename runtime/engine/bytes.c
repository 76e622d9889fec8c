/* bytes.c: slices, growing texts, the names of faults. */
#include "bytes.h"

#include <stdlib.h>
#include <string.h>

const char *ak_fault_name(int fault)
{
    switch (fault) {
    case AK_E_NOMEM: return "out of memory";
    case AK_E_MISUSE: return "misuse";
    case AK_E_ENDED: return "ended";
    case AK_E_CORRUPT: return "corrupt";
    case AK_E_TOOBIG: return "too big";
    case AK_E_FORMAT: return "malformed";
    case AK_E_FENCE: return "fenced off";
    case AK_E_ABSENT: return "not found";
    case AK_E_EXISTS: return "exists";
    case AK_E_FULL: return "full";
    case AK_E_IO: return "input/output error";
    case AK_E_BUSY: return "busy";
    case AK_E_NEWER: return "written by a newer version";
    case AK_E_UNSAFE: return "unsafe permissions";
    case AK_E_STOPPED: return "stopped";
    default: return fault >= 0 ? "ok" : "unknown fault";
    }
}

AkBytes ak_bytes(const char *text)
{
    return (AkBytes){text, text ? strlen(text) : 0};
}

bool ak_bytes_equal(AkBytes a, AkBytes b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.at, b.at, a.len) == 0);
}

bool ak_bytes_is(AkBytes a, const char *text)
{
    return a.at && ak_bytes_equal(a, ak_bytes(text));
}

static bool make_room(AkText *text, size_t more)
{
    if (text->failed)
        return false;
    if (more < text->room - text->len && text->at)
        return true;
    size_t need = text->len + more + 1;
    size_t room = text->room ? text->room : 64;
    while (room < need) {
        if (room > SIZE_MAX / 2) {
            text->failed = true;
            return false;
        }
        room *= 2;
    }
    char *at = need > more ? realloc(text->at, room) : NULL;
    if (!at) {
        text->failed = true;
        return false;
    }
    text->at = at;
    text->room = room;
    return true;
}

void ak_text_add(AkText *text, const void *bytes, size_t len)
{
    if (!make_room(text, len))
        return;
    if (len)
        memcpy(text->at + text->len, bytes, len);
    text->len += len;
    text->at[text->len] = '\0';
}

void ak_text_str(AkText *text, const char *string)
{
    ak_text_add(text, string, strlen(string));
}

void ak_text_bytes(AkText *text, AkBytes bytes)
{
    ak_text_add(text, bytes.at, bytes.len);
}

void ak_text_int(AkText *text, int64_t number)
{
    char digits[24];
    size_t at = sizeof digits;
    uint64_t rest = number < 0 ? 0 - (uint64_t)number : (uint64_t)number;
    do {
        digits[--at] = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest);
    if (number < 0)
        digits[--at] = '-';
    ak_text_add(text, digits + at, sizeof digits - at);
}

void ak_text_seconds(AkText *text, int64_t micros)
{
    uint64_t size = micros < 0 ? 0 - (uint64_t)micros : (uint64_t)micros;
    char fraction[8] = ".000000";
    size_t len = 7;
    uint64_t rest = size % 1000000;
    for (size_t i = 6; i >= 1; i--, rest /= 10)
        fraction[i] = (char)('0' + rest % 10);
    while (len > 2 && fraction[len - 1] == '0')
        len--;
    if (micros < 0)
        ak_text_str(text, "-");
    ak_text_int(text, (int64_t)(size / 1000000));
    ak_text_add(text, fraction, len);
}

/* One code point of UTF-8; anything malformed counts as U+FFFD and one byte. */
static size_t decode(const unsigned char *at, size_t len, uint32_t *point)
{
    static const uint32_t least[5] = {0, 0, 0x80, 0x800, 0x10000};
    size_t size = at[0] < 0x80 ? 1 : at[0] >= 0xF0 ? 4 : at[0] >= 0xE0 ? 3 : 2;
    *point = 0xFFFD;
    if (size == 1) {
        *point = at[0];
        return 1;
    }
    if (at[0] < 0xC2 || at[0] > 0xF4 || size > len)
        return 1;
    uint32_t value = at[0] & (0xFFu >> (size + 1));
    for (size_t i = 1; i < size; i++) {
        if ((at[i] & 0xC0) != 0x80)
            return 1;
        value = value << 6 | (at[i] & 0x3Fu);
    }
    if (value < least[size] || value > 0x10FFFF || (value >= 0xD800 && value <= 0xDFFF))
        return 1;
    *point = value;
    return size;
}

static void add_escape(AkText *text, uint32_t unit)
{
    static const char hex[] = "0123456789abcdef";
    char escape[6] = {
        '\\',          'u', hex[unit >> 12 & 15], hex[unit >> 8 & 15], hex[unit >> 4 & 15],
        hex[unit & 15]};
    ak_text_add(text, escape, sizeof escape);
}

static bool is_plain(unsigned char c)
{
    return c >= 0x20 && c < 0x7F && c != '"' && c != '\\';
}

void ak_text_json(AkText *text, AkBytes bytes)
{
    const unsigned char *at = (const unsigned char *)bytes.at;
    ak_text_add(text, "\"", 1);
    for (size_t i = 0; i < bytes.len;) {
        size_t plain = i;
        while (plain < bytes.len && is_plain(at[plain]))
            plain++;
        if (plain > i) {
            ak_text_add(text, at + i, plain - i);
            i = plain;
            continue;
        }
        uint32_t point;
        i += decode(at + i, bytes.len - i, &point);
        switch (point) {
        case '"': ak_text_str(text, "\\\""); break;
        case '\\': ak_text_str(text, "\\\\"); break;
        case '\n': ak_text_str(text, "\\n"); break;
        case '\r': ak_text_str(text, "\\r"); break;
        case '\t': ak_text_str(text, "\\t"); break;
        case '\b': ak_text_str(text, "\\b"); break;
        case '\f': ak_text_str(text, "\\f"); break;
        case 0x7F: ak_text_str(text, "\x7F"); break;
        default:
            if (point > 0xFFFF) {
                add_escape(text, 0xD800 + ((point - 0x10000) >> 10));
                point = 0xDC00 + ((point - 0x10000) & 0x3FF);
            }
            add_escape(text, point);
        }
    }
    ak_text_add(text, "\"", 1);
}

void ak_text_clear(AkText *text)
{
    text->len = 0;
    text->failed = false;
    if (text->at)
        text->at[0] = '\0';
}

void ak_text_free(AkText *text)
{
    free(text->at);
    *text = (AkText){0};
}
