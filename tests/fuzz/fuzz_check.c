/* fuzz_check.c: a whole check over any text: nothing may crash, hang or read beyond.
 *
 * The input is txtar, as in tests/fixtures: files behind lines `-- name --`; what has no such
 * line is one file. Names and findings do not matter here.
 */
#include <aklint.h>

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { PADDING = 64, MOST_FILES = 16 };

static size_t line_end(const char *text, size_t len, size_t at)
{
    while (at < len && text[at] != '\n')
        at++;
    return at;
}

/* Where the next `-- name --` begins, or len; name gets what stands between. */
static size_t next_header(const char *text, size_t len, size_t at, char *name, size_t room)
{
    for (; at < len; at = line_end(text, len, at) + 1) {
        size_t end = line_end(text, len, at);
        if (end - at < 7 || memcmp(text + at, "-- ", 3) != 0 ||
            memcmp(text + end - 3, " --", 3) != 0)
            continue;
        size_t name_len = end - at - 6;
        name_len = name_len < room ? name_len : room - 1;
        memcpy(name, text + at + 3, name_len);
        name[name_len] = '\0';
        return at;
    }
    return len;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data;
    const char *const entries[] = {"program.py:on_event", NULL};
    AkOptions options = {.entries = size % 2 ? entries : NULL,
                         .dialects = size % 3 ? AK_AUTO : AK_DIALECT_AK};
    AkCheck *check = ak_check_new(&options);
    char *copies[MOST_FILES];
    size_t files = 0;
    char name[64] = "flow.py", next[64] = "";

    for (size_t at = 0; at < size && files < MOST_FILES;) {
        size_t end = next_header(text, size, at, next, sizeof next);
        if (end > at || end == size) {
            copies[files] = calloc(1, end - at + PADDING);
            memcpy(copies[files], text + at, end - at);
            ak_check_text(check, name, copies[files], end - at, AK_REPORT);
            files++;
        }
        at = end < size ? line_end(text, size, end) + 1 : size;
        memcpy(name, next, sizeof name);
    }
    ak_check_run(check);
    for (size_t i = 0; i < ak_check_count(check); i++)
        if (!ak_check_finding(check, i)->message)
            abort();
    ak_check_free(check);
    while (files)
        free(copies[--files]);
    return 0;
}
