/* How much memory there is left to take, for the machine and for the group of processes that this
 * one belongs to. */
#ifndef AK_PRESSURE_H
#define AK_PRESSURE_H

#include <stdint.h>

/* Bytes that may be taken before somebody has to end: the lesser of what the machine has
 * available and what the limits of the control group leave. -1: nobody tells. */
int64_t ak_memory_left(void);

#endif
