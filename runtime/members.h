/* Members of JSON objects, as most of the runtime asks for them. What is returned is lent by the object. */
#ifndef AK_MEMBERS_H
#define AK_MEMBERS_H

#include <jansson.h>

/* "" where there is no such text. */
const char *ak_member_text(const json_t *object, const char *key);
/* The object of an array whose "name" that is, or NULL. */
json_t *ak_member_named(const json_t *array, const char *name);

#endif
