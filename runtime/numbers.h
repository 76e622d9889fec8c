/* Sums of JSON numbers, whole ones of any length kept exact. */
#ifndef AK_NUMBERS_H
#define AK_NUMBERS_H

#include "engine/bytes.h"

/* Appends a + b. False when either is not a number. */
bool ak_number_add(AkBytes a, AkBytes b, AkText *sum);

#endif
