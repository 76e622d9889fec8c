/* filter.h: a trigger's condition on its event, in a subset of the Common Expression Language.
 *
 * Variables: `data` (the event's payload) and `event_type`. Literals (strings in either quotes
 * with escapes, r"raw", integers, floats, true, false, null, lists), field selection, indexing,
 * ! && || ?:,
 * == != < <= > >= in, + - * / % on numbers, and the functions x.startsWith(s) x.endsWith(s)
 * x.contains(s) x.size() size(x) has(a.b). `.` alone and an empty text let everything pass.
 *
 * As in CEL, a missing key or a wrong type is an error, && and || take the other side where it
 * decides, and an event whose filter ends in an error does not match. Pure; no memory is taken:
 * a filter is a value of fixed size that points into its text, which must live as long.
 */
#ifndef AK_FILTER_H
#define AK_FILTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define AK_FILTER_NODES 256 /* operators, names and literals of one filter */
#define AK_FILTER_DEPTH 48  /* how deep they may nest */

typedef struct AkFilterNode {
    uint8_t kind;
    uint16_t left, right, next; /* children; next argument or list item */
    uint32_t start, len;        /* in the text: a name, a literal */
} AkFilterNode;

typedef struct AkFilter {
    const char *text;
    uint16_t root, count;
    AkFilterNode nodes[AK_FILTER_NODES];
} AkFilter;

/* 0, or -1 with why (static words) and at (the byte of text that is wrong). */
int ak_filter_parse(AkFilter *filter, const char *text, const char **why, uint32_t *at);

typedef enum AkFilterKind {
    AK_FV_ERROR, /* a missing key, a wrong type */
    AK_FV_NULL,
    AK_FV_BOOL,
    AK_FV_INT,
    AK_FV_DOUBLE,
    AK_FV_STRING,
    AK_FV_LIST,
    AK_FV_MAP,
} AkFilterKind;

typedef struct AkFilterValue {
    AkFilterKind kind;
    int64_t integer; /* AK_FV_BOOL too */
    double number;
    const char *text; /* not zero-ended */
    size_t len;       /* bytes of a string, items of a list or map */
    const void *node; /* the caller's own, of a list or map */
} AkFilterValue;

/* How the caller's data is read. A member or item that is not there is AK_FV_ERROR. */
typedef struct AkFilterData {
    void *payload;
    AkFilterValue data;
    const char *event_type;
    AkFilterValue (*member)(void *payload, const void *map, const char *key, size_t len);
    AkFilterValue (*item)(void *payload, const void *list, size_t index);
} AkFilterData;

/* Whether the event passes. */
bool ak_filter_match(const AkFilter *filter, const AkFilterData *data);

#ifdef __cplusplus
}
#endif
#endif
