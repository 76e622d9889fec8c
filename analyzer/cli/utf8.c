/* Text of unknown origin. The widths are those of wcwidth(3) without its locale. */
#include "utf8.h"

#include <string.h>

#define REPLACEMENT "\xEF\xBF\xBD"

enum { TAB = 4 };

typedef struct Range {
    uint32_t first, last;
} Range;

/* Combining marks, joiners, variation selectors. */
static const Range zero[] = {
    {0x0300, 0x036F}, {0x0483, 0x0489},   {0x0591, 0x05BD}, {0x05BF, 0x05C7}, {0x0610, 0x061A},
    {0x064B, 0x065F}, {0x0670, 0x0670},   {0x06D6, 0x06DC}, {0x06DF, 0x06E4}, {0x06E7, 0x06ED},
    {0x0711, 0x0711}, {0x0730, 0x074A},   {0x0900, 0x0902}, {0x093A, 0x093A}, {0x093C, 0x093C},
    {0x0941, 0x0948}, {0x094D, 0x094D},   {0x0E31, 0x0E31}, {0x0E34, 0x0E3A}, {0x0E47, 0x0E4E},
    {0x1AB0, 0x1AFF}, {0x1DC0, 0x1DFF},   {0x200B, 0x200F}, {0x202A, 0x202E}, {0x2060, 0x2064},
    {0x20D0, 0x20FF}, {0x302A, 0x302F},   {0x3099, 0x309A}, {0xFE00, 0xFE0F}, {0xFE20, 0xFE2F},
    {0xFEFF, 0xFEFF}, {0xE0001, 0xE01EF},
};

static const Range wide[] = {
    {0x1100, 0x115F},   {0x231A, 0x231B},   {0x2329, 0x232A},   {0x23E9, 0x23EC},
    {0x23F0, 0x23F0},   {0x23F3, 0x23F3},   {0x25FD, 0x25FE},   {0x2614, 0x2615},
    {0x2648, 0x2653},   {0x267F, 0x267F},   {0x2693, 0x2693},   {0x26A1, 0x26A1},
    {0x26AA, 0x26AB},   {0x26BD, 0x26BE},   {0x26C4, 0x26C5},   {0x26CE, 0x26CE},
    {0x26D4, 0x26D4},   {0x26EA, 0x26EA},   {0x26F2, 0x26F3},   {0x26F5, 0x26F5},
    {0x26FA, 0x26FA},   {0x26FD, 0x26FD},   {0x2705, 0x2705},   {0x270A, 0x270B},
    {0x2728, 0x2728},   {0x274C, 0x274C},   {0x274E, 0x274E},   {0x2753, 0x2755},
    {0x2757, 0x2757},   {0x2795, 0x2797},   {0x27B0, 0x27B0},   {0x27BF, 0x27BF},
    {0x2B1B, 0x2B1C},   {0x2B50, 0x2B50},   {0x2B55, 0x2B55},   {0x2E80, 0x303E},
    {0x3041, 0x33FF},   {0x3400, 0x4DBF},   {0x4E00, 0x9FFF},   {0xA000, 0xA4CF},
    {0xA960, 0xA97F},   {0xAC00, 0xD7A3},   {0xF900, 0xFAFF},   {0xFE30, 0xFE6F},
    {0xFF00, 0xFF60},   {0xFFE0, 0xFFE6},   {0x1F004, 0x1F004}, {0x1F0CF, 0x1F0CF},
    {0x1F18E, 0x1F18E}, {0x1F191, 0x1F19A}, {0x1F200, 0x1F320}, {0x1F32D, 0x1F335},
    {0x1F337, 0x1F37C}, {0x1F37E, 0x1F393}, {0x1F3A0, 0x1F3CA}, {0x1F3CF, 0x1F3D3},
    {0x1F3E0, 0x1F3F0}, {0x1F3F4, 0x1F3F4}, {0x1F3F8, 0x1F43E}, {0x1F440, 0x1F440},
    {0x1F442, 0x1F4FC}, {0x1F4FF, 0x1F53D}, {0x1F54B, 0x1F567}, {0x1F57A, 0x1F57A},
    {0x1F595, 0x1F596}, {0x1F5A4, 0x1F5A4}, {0x1F5FB, 0x1F64F}, {0x1F680, 0x1F6C5},
    {0x1F6CC, 0x1F6CC}, {0x1F6D0, 0x1F6D7}, {0x1F6DC, 0x1F6DF}, {0x1F6EB, 0x1F6EC},
    {0x1F6F4, 0x1F6FC}, {0x1F7E0, 0x1F7F0}, {0x1F90C, 0x1F9FF}, {0x1FA70, 0x1FAFF},
    {0x20000, 0x3FFFD},
};

static bool within(const Range *ranges, size_t n, uint32_t code)
{
    size_t low = 0;

    while (low < n) {
        size_t mid = (low + n) / 2;
        if (code > ranges[mid].last)
            low = mid + 1;
        else if (code < ranges[mid].first)
            n = mid;
        else
            return true;
    }
    return false;
}

unsigned cli_utf8_width(uint32_t code)
{
    if (code < 0x300)
        return 1;
    if (within(zero, sizeof zero / sizeof *zero, code))
        return 0;
    return within(wide, sizeof wide / sizeof *wide, code) ? 2 : 1;
}

size_t cli_utf8_next(const char *text, size_t len, uint32_t *code)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    unsigned char c = (unsigned char)*text;
    size_t n = c < 0x80 ? 1 : c >= 0xF0 ? 4 : c >= 0xE0 ? 3 : 2;
    uint32_t value = n == 1 ? c : c & (0x7Fu >> n);

    *code = UINT32_MAX;
    if ((c >= 0x80 && c < 0xC2) || c > 0xF4 || n > len)
        return 1;
    for (size_t i = 1; i < n; i++) {
        unsigned char next = (unsigned char)text[i];
        if ((next & 0xC0) != 0x80)
            return 1;
        value = value << 6 | (next & 0x3F);
    }
    if (value < least[n] || (value >= 0xD800 && value < 0xE000) || value > 0x10FFFF)
        return 1;
    *code = value;
    return n;
}

bool cli_utf8_valid(const char *text, size_t len)
{
    for (size_t i = 0; i < len;) {
        uint64_t eight;
        uint32_t code;
        if (len - i >= sizeof eight) {
            memcpy(&eight, text + i, sizeof eight);
            if (!(eight & 0x8080808080808080u)) {
                i += sizeof eight;
                continue;
            }
        }
        i += cli_utf8_next(text + i, len - i, &code);
        if (code == UINT32_MAX)
            return false;
    }
    return true;
}

void cli_utf8_add(CliBuf *buf, const char *text, size_t len)
{
    size_t from = 0, i = 0;

    while (i < len) {
        uint32_t code;
        size_t n = cli_utf8_next(text + i, len - i, &code);
        if (code == UINT32_MAX) {
            cli_buf_add(buf, text + from, i - from);
            cli_buf_puts(buf, REPLACEMENT);
            from = i + n;
        }
        i += n;
    }
    cli_buf_add(buf, text + from, i - from);
}

static bool is_control(uint32_t code)
{
    /* Besides C0 and C1: the marks that turn the direction of text, which would let a line of
     * code look like another one. */
    return code < 0x20 || (code >= 0x7F && code < 0xA0) || (code >= 0x202A && code <= 0x202E) ||
           (code >= 0x2066 && code <= 0x2069) || code == UINT32_MAX;
}

void cli_utf8_show(CliBuf *buf, const char *text)
{
    size_t len = strlen(text);

    for (size_t i = 0; i < len;) {
        uint32_t code;
        size_t n = cli_utf8_next(text + i, len - i, &code);
        if (is_control(code))
            cli_buf_puts(buf, REPLACEMENT);
        else
            cli_buf_add(buf, text + i, n);
        i += n;
    }
}

size_t cli_utf8_line(CliBuf *buf, const char *text, size_t len, size_t cell)
{
    size_t start = cell;

    for (size_t i = 0; i < len;) {
        uint32_t code;
        size_t n = cli_utf8_next(text + i, len - i, &code);
        if (code == '\t') {
            size_t wanted = TAB - cell % TAB;
            cli_buf_repeat(buf, ' ', wanted);
            cell += wanted;
        } else if (is_control(code)) {
            cli_buf_puts(buf, REPLACEMENT);
            cell++;
        } else {
            cli_buf_add(buf, text + i, n);
            cell += cli_utf8_width(code);
        }
        i += n;
    }
    return cell - start;
}
