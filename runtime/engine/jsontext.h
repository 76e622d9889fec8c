/* jsontext.h: JSON read where it lies. One pass checks the text (grammar, UTF-8, depth); after
 * that objects and arrays are walked by skipping, and a value is a slice of the text. No memory
 * is taken, nothing recurses.
 */
#ifndef AK_JSONTEXT_H
#define AK_JSONTEXT_H

#include "bytes.h"

/* Is this one JSON value, with blanks around it at most? AK_E_FORMAT otherwise, with words and
 * the byte where it went wrong. `depth` is how many arrays and objects may lie in each other,
 * at most 256. */
int ak_json_check(AkBytes text, unsigned depth, const char **why, size_t *where);

/* What follows is for checked text only. */

typedef enum AkJsonKind {
    AK_JSON_ABSENT,
    AK_JSON_NULL,
    AK_JSON_BOOL,
    AK_JSON_NUMBER,
    AK_JSON_STRING,
    AK_JSON_ARRAY,
    AK_JSON_OBJECT
} AkJsonKind;

AkJsonKind ak_json_kind(AkBytes value);
bool ak_json_is_true(AkBytes value);

/* Walks an array or object: for (it = ak_json_walk(v); ak_json_next(&it, &key, &item);). Keys
 * are string slices with their quotes, absent in arrays. Anything else is walked as empty. */
typedef struct AkJsonWalk {
    const char *at, *end;
    bool object;
} AkJsonWalk;

AkJsonWalk ak_json_walk(AkBytes value);
bool ak_json_next(AkJsonWalk *walk, AkBytes *key, AkBytes *item);

/* The member of that name (the last, if there are several), or absent. */
AkBytes ak_json_member(AkBytes object, const char *key);

/* Is this string slice, once decoded, that text? */
bool ak_json_string_is(AkBytes string, AkBytes text);

/* Decodes a string slice to `to`, which needs string.len bytes and may be the slice's own
 * place. A lone surrogate becomes U+FFFD. Gives the length. */
size_t ak_json_decode(AkBytes string, char *to);

/* Whole number >= 0. False for anything else. */
bool ak_json_count(AkBytes number, uint64_t *count);
/* Seconds to microseconds: exact for six decimals, cut below, held at +-2^62 above. */
bool ak_json_micros(AkBytes number, int64_t *micros);

#endif
