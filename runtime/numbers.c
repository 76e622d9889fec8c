#include "numbers.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct Whole {
    const char *digits; /* without sign and leading zeros */
    size_t len;
    bool negative;
} Whole;

static bool is_number(AkBytes a)
{
    return a.len && (a.at[0] == '-' || (a.at[0] >= '0' && a.at[0] <= '9'));
}

static bool read_whole(AkBytes a, Whole *whole)
{
    for (size_t i = 0; i < a.len; i++)
        if (strchr(".eE", a.at[i]))
            return false;
    whole->negative = a.at[0] == '-';
    whole->digits = a.at + whole->negative;
    whole->len = a.len - whole->negative;
    while (whole->len > 1 && *whole->digits == '0') {
        whole->digits++;
        whole->len--;
    }
    return true;
}

static int compare(const Whole *a, const Whole *b)
{
    if (a->len != b->len)
        return a->len < b->len ? -1 : 1;
    return memcmp(a->digits, b->digits, a->len);
}

/* The i-th digit from the right. */
static int digit(const Whole *a, size_t i)
{
    return i < a->len ? a->digits[a->len - 1 - i] - '0' : 0;
}

/* Larger first; sign is that of the larger. Schoolbook, right to left. */
static void write_sum(const Whole *a, const Whole *b, AkText *sum)
{
    size_t room = a->len + 1, n = room;
    char *out = malloc(room);
    int carry = 0, sign = a->negative == b->negative ? 1 : -1;

    if (!out) {
        sum->failed = true;
        return;
    }
    for (size_t i = 0; i < room; i++) {
        int d = digit(a, i) + sign * digit(b, i) + carry;
        carry = d < 0 ? -1 : d > 9 ? 1 : 0;
        out[--n] = (char)('0' + (d + 10) % 10);
    }
    while (n < room - 1 && out[n] == '0')
        n++;
    if (a->negative && !(n == room - 1 && out[n] == '0'))
        ak_text_str(sum, "-");
    ak_text_add(sum, out + n, room - n);
    free(out);
}

static double read_real(AkBytes a)
{
    char text[64];

    snprintf(text, sizeof text, "%.*s", (int)a.len, a.at);
    return strtod(text, NULL);
}

bool ak_number_add(AkBytes a, AkBytes b, AkText *sum)
{
    Whole x, y;
    char text[40];

    if (!is_number(a) || !is_number(b))
        return false;
    if (read_whole(a, &x) && read_whole(b, &y)) {
        if (compare(&x, &y) >= 0)
            write_sum(&x, &y, sum);
        else
            write_sum(&y, &x, sum);
        return true;
    }
    double real = read_real(a) + read_real(b);
    if (!isfinite(real))
        return false;
    /* The shortest digits that mean the same number, as Python writes it. */
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, real);
        if (strtod(text, NULL) >= real && strtod(text, NULL) <= real)
            break;
    }
    ak_text_str(sum, text);
    if (!strpbrk(text, ".e"))
        ak_text_str(sum, ".0");
    return true;
}
