/* jansson refuses what is no UTF-8; sources and paths may hold anything. */
#include "json.h"
#include "utf8.h"

#include <string.h>

json_t *cli_json_text(const char *text)
{
    CliBuf valid = {0};
    json_t *value;

    if (!text)
        return json_null();
    value = json_string(text);
    if (value)
        return value;
    cli_utf8_add(&valid, text, strlen(text));
    value = json_stringn(valid.data ? valid.data : "", valid.len);
    cli_buf_free(&valid);
    return value;
}

void cli_json_set(json_t *object, const char *key, json_t *value)
{
    json_object_set_new_nocheck(object, key, value);
}

static int take(const char *text, size_t len, void *out)
{
    cli_buf_add(out, text, len);
    return 0;
}

void cli_json_write(CliBuf *out, json_t *value, size_t flags)
{
    json_dump_callback(value, take, out, flags);
    cli_buf_putc(out, '\n');
    json_decref(value);
}
