#include "filter_word.h"

#include <jansson.h>
#include <stdint.h>
#include <stdio.h>

#include "dispatch.h"
#include "engine/filter.h"

int ak_filter_main(int argc, char **argv)
{
    static AkFilter filter;
    const char *why;
    uint32_t at;

    if (argc != 3 || ak_filter_parse(&filter, argv[2], &why, &at) < 0) {
        puts(argc == 3 ? why : "a filter is missing");
        return 2;
    }
    json_t *event = json_loadf(stdin, 0, NULL);
    const char *type = json_string_value(json_object_get(event, "event_type"));
    bool passes = ak_event_passes(argv[2], type ? type : "", json_object_get(event, "data"));
    json_decref(event);
    return passes ? 0 : 1;
}
