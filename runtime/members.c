#include "members.h"

#include <string.h>

const char *ak_member_text(const json_t *object, const char *key)
{
    const char *value = json_string_value(json_object_get(object, key));

    return value ? value : "";
}

json_t *ak_member_named(const json_t *array, const char *name)
{
    for (size_t i = 0; i < json_array_size(array); i++)
        if (!strcmp(ak_member_text(json_array_get(array, i), "name"), name))
            return json_array_get(array, i);
    return NULL;
}
