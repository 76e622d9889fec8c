#include "base64.h"

#include <string.h>

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void ak_base64_write(AkBytes bytes, AkText *out)
{
    for (size_t i = 0; i < bytes.len; i += 3) {
        const unsigned char *p = (const unsigned char *)bytes.at + i;
        size_t n = bytes.len - i < 3 ? bytes.len - i : 3;
        unsigned bits = (unsigned)p[0] << 16 | (n > 1 ? (unsigned)p[1] << 8 : 0) | (n > 2 ? p[2] : 0u);
        char four[4] = {digits[bits >> 18], digits[bits >> 12 & 63], n > 1 ? digits[bits >> 6 & 63] : '=',
                        n > 2 ? digits[bits & 63] : '='};
        ak_text_add(out, four, 4);
    }
}

int ak_base64_read(AkBytes text, AkText *out)
{
    while (text.len && text.at[text.len - 1] == '=')
        text.len--;
    for (size_t i = 0; i < text.len; i += 4) {
        size_t n = text.len - i < 4 ? text.len - i : 4;
        unsigned bits = 0;
        for (size_t k = 0; k < 4; k++) {
            const char *at = k < n ? memchr(digits, text.at[i + k], 64) : digits;
            if (!at || n == 1)
                return -1;
            bits = bits << 6 | (unsigned)(at - digits);
        }
        unsigned char three[3] = {(unsigned char)(bits >> 16), (unsigned char)(bits >> 8), (unsigned char)bits};
        ak_text_add(out, three, n - 1);
    }
    return 0;
}
