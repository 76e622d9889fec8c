/* For "did you mean". */
#ifndef AK_DISTANCE_H
#define AK_DISTANCE_H

#include <stddef.h>

/* How many letters must be put in, taken out, changed or swapped to make one word of the other; limit
 * if it is that many or more. */
size_t ak_distance(const char *a, const char *b, size_t limit);

#endif
