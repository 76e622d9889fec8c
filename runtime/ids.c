#define _GNU_SOURCE
#include "ids.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

static void random_bytes(unsigned char *bytes, size_t len)
{
    if (getrandom(bytes, len, 0) != (ssize_t)len)
        abort(); /* never for so few bytes */
}

void ak_id_new(const char *prefix, int64_t wall_us, char *id)
{
    static const char digits[] = "0123456789abcdefghjkmnpqrstvwxyz";
    unsigned char chance[16];
    uint64_t ms = (uint64_t)(wall_us / 1000);
    int n = snprintf(id, AK_ID_SIZE, "%.4s_", prefix);

    random_bytes(chance, sizeof chance);
    for (int i = 9; i >= 0; i--, ms >>= 5)
        id[n + i] = digits[ms & 31];
    for (int i = 0; i < 16; i++)
        id[n + 10 + i] = digits[chance[i] & 31];
    id[n + 26] = '\0';
}

void ak_seed_new(char *seed)
{
    unsigned char bytes[16];

    random_bytes(bytes, sizeof bytes);
    for (int i = 0; i < 16; i++)
        snprintf(seed + 2 * i, 3, "%02x", bytes[i]);
}
