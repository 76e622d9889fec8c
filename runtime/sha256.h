/* sha256.h: SHA-256 (FIPS 180-4), for names of bundles and signatures of webhooks. */
#ifndef AK_SHA256_H
#define AK_SHA256_H

#include <stddef.h>
#include <stdint.h>

typedef struct AkSha256 {
    uint32_t state[8];
    uint64_t len;
    unsigned char block[64];
} AkSha256;

void ak_sha256_begin(AkSha256 *sha);
void ak_sha256_add(AkSha256 *sha, const void *bytes, size_t len);
void ak_sha256_end(AkSha256 *sha, unsigned char digest[32]);
void ak_sha256_hex(const void *bytes, size_t len,
                   char hex[65]); /* all at once, in hex and a NUL */

#endif
