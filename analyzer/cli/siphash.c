/* SipHash-2-4 as its authors describe it (Aumasson and Bernstein, 2012). */
#include "siphash.h"

#include <string.h>

typedef struct State {
    uint64_t a, b, c, d;
} State;

static inline uint64_t turn(uint64_t x, unsigned bits)
{
    return x << bits | x >> (64 - bits);
}

static inline void round_of(State *s)
{
    s->a += s->b;
    s->b = turn(s->b, 13) ^ s->a;
    s->a = turn(s->a, 32);
    s->c += s->d;
    s->d = turn(s->d, 16) ^ s->c;
    s->a += s->d;
    s->d = turn(s->d, 21) ^ s->a;
    s->c += s->b;
    s->b = turn(s->b, 17) ^ s->c;
    s->c = turn(s->c, 32);
}

static inline void take(State *s, uint64_t word)
{
    s->d ^= word;
    round_of(s);
    round_of(s);
    s->a ^= word;
}

/* Eight bytes, the lowest first on every machine. */
static inline uint64_t word_at(const unsigned char *at)
{
    uint64_t word;

    memcpy(&word, at, sizeof word);
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    word = __builtin_bswap64(word);
#endif
    return word;
}

uint64_t cli_siphash(const CliSecret *secret, const void *bytes, size_t len)
{
    const unsigned char *at = bytes;
    State s = {secret->k0 ^ 0x736f6d6570736575u, secret->k1 ^ 0x646f72616e646f6du,
               secret->k0 ^ 0x6c7967656e657261u, secret->k1 ^ 0x7465646279746573u};
    uint64_t last = (uint64_t)len << 56;

    for (size_t words = len / 8; words; words--, at += 8)
        take(&s, word_at(at));
    for (size_t i = 0; i < len % 8; i++)
        last |= (uint64_t)at[i] << (8 * i);
    take(&s, last);
    s.c ^= 0xff;
    for (int i = 0; i < 4; i++)
        round_of(&s);
    return s.a ^ s.b ^ s.c ^ s.d;
}
