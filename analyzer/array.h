/* array.h: arrays that grow in an arena, as three plain variables.
 *
 *     AkName *names = NULL;
 *     uint32_t len = 0, cap = 0;
 *     AK_PUSH(arena, names, len, cap) = (AkName){...};
 *
 * The new element is zeroed. Growing moves the array: pointers into it do not survive a push.
 * The arguments are read several times and must be free of side effects; what is assigned must
 * not change the array itself.
 */
#ifndef AK_ARRAY_H
#define AK_ARRAY_H

#include "arena.h"

#define AK_PUSH(arena, ptr, len, cap)                                                          \
    (*((len) < (cap) ? (void)0 : (void)AK__WIDEN(arena, ptr, cap), &(ptr)[(len)++]))

#define AK__WIDEN(arena, ptr, cap)                                                             \
    ((ptr) = ak__grow((arena), (ptr), (size_t)(cap) * sizeof *(ptr),                           \
                      (size_t)((cap) ? (cap)*2 : 8) * sizeof *(ptr)),                          \
     (cap) = (cap) ? (cap)*2 : 8)

#endif
