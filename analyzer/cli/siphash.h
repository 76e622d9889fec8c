/* siphash.h: SipHash-2-4, a hash under a secret key: who does not know the key cannot make two
 * texts of one hash, nor a record that passes for ours. */
#ifndef CLI_SIPHASH_H
#define CLI_SIPHASH_H

#include <stddef.h>
#include <stdint.h>

typedef struct CliSecret {
    uint64_t k0, k1;
} CliSecret;

uint64_t cli_siphash(const CliSecret *secret, const void *bytes, size_t len);

#endif
