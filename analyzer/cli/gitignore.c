/* The last pattern that matches decides; a deeper file goes before one above it. */
#include "gitignore.h"
#include "glob.h"
#include "mem.h"

#include <string.h>

typedef struct Pattern {
    const char *text;
    size_t len;
    bool negated, dir_only;
} Pattern;

struct CliIgnore {
    const CliIgnore *above;
    size_t dir_len; /* what a path is shortened by, with the '/' */
    size_t count;
    Pattern *patterns;
};

/* Spaces at the end do not count unless a backslash stands before them. */
static size_t without_trailing_space(const char *line, size_t len)
{
    while (len && (line[len - 1] == ' ' || line[len - 1] == '\t' || line[len - 1] == '\r') &&
           !(len > 1 && line[len - 2] == '\\'))
        len--;
    return len;
}

static bool read_pattern(const char *line, size_t len, Pattern *pattern)
{
    len = without_trailing_space(line, len);
    if (!len || line[0] == '#')
        return false;
    if (line[0] == '!') {
        pattern->negated = true;
        line++;
        len--;
    }
    if (len && line[len - 1] == '/') {
        pattern->dir_only = true;
        len--;
    }
    pattern->text = line;
    pattern->len = len;
    return len > 0;
}

const CliIgnore *cli_ignore_new(const CliIgnore *above, const char *dir, const char *text,
                                size_t len)
{
    const char *line = text, *end = text + len;
    CliIgnore *rules;
    size_t lines = 1;

    for (size_t i = 0; i < len; i++)
        lines += text[i] == '\n';
    rules = cli_keep(sizeof *rules);
    rules->patterns = cli_keep(lines * sizeof *rules->patterns);
    if (len >= 3 && !memcmp(text, "\xEF\xBB\xBF", 3))
        line += 3;
    while (line < end) {
        const char *stop = memchr(line, '\n', (size_t)(end - line));
        Pattern pattern = {0};
        if (!stop)
            stop = end;
        if (read_pattern(line, (size_t)(stop - line), &pattern)) {
            pattern.text = cli_keep_text(pattern.text, pattern.len);
            rules->patterns[rules->count++] = pattern;
        }
        line = stop + 1;
    }
    if (!rules->count)
        return above;
    rules->above = above;
    rules->dir_len = strlen(dir) + (strcmp(dir, "/") != 0);
    return rules;
}

bool cli_ignored(const CliIgnore *rules, const char *path, bool is_dir)
{
    for (; rules; rules = rules->above)
        for (size_t i = rules->count; i-- > 0;) {
            const Pattern *pattern = &rules->patterns[i];
            if (pattern->dir_only && !is_dir)
                continue;
            if (cli_glob_name_or_path(pattern->text, pattern->len, path + rules->dir_len))
                return !pattern->negated;
        }
    return false;
}
