/* record.h: what a check found and what it read for that, as bytes.
 *
 * cli_record_read takes any bytes: a record that is not whole to the last byte is refused. Its
 * strings point into the bytes, which must stay as long as the record is used.
 */
#ifndef CLI_RECORD_H
#define CLI_RECORD_H

#include "mem.h"

#include <aklint.h>
#include <stdint.h>

/* A file as the check read it. */
typedef struct CliSeen {
    const char *path; /* the library's */
    uint64_t len, hash;
} CliSeen;

typedef struct CliRecord {
    CliSeen *seen;
    size_t seen_len;
    AkFinding *findings;
    size_t finding_len;
    const char **notices;
    size_t notice_len;
    AkCounts counts;
} CliRecord;

void cli_record_write(CliBuf *out, const CliRecord *record);
/* Kept memory, but for the strings. */
bool cli_record_read(const char *bytes, size_t len, CliRecord *out);

#endif
