/* Names of things: a prefix, then 26 characters that sort by time and end in 80 random bits. */
#ifndef AK_IDS_H
#define AK_IDS_H

#include <stddef.h>
#include <stdint.h>

enum { AK_ID_SIZE = 32, AK_SEED_SIZE = 33 };

/* "ses" gives "ses_01jd…"; id has AK_ID_SIZE bytes. */
void ak_id_new(const char *prefix, int64_t wall_us, char *id);
/* 32 hex digits of the system's randomness. */
void ak_seed_new(char *seed);

#endif
