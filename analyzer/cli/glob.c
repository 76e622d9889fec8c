/* Both '*' within a name and "**" between names need to go back to the last star only: a longer
 * reach of an earlier star never matches what a longer reach of the last one does not. */
#include "glob.h"

#include <string.h>

/* One of "[a-z]", "[!x]" at p. Returns how long it is, 0 where it does not end. */
static size_t match_set(const char *p, const char *end, unsigned char c, bool *matched)
{
    const char *start = p++;
    bool negated = p < end && (*p == '!' || *p == '^'), found = false;

    if (negated)
        p++;
    for (bool first = true; p < end && (first || *p != ']'); first = false) {
        unsigned char low, high;
        if (*p == '\\' && p + 1 < end)
            p++;
        low = high = (unsigned char)*p++;
        if (p + 1 < end && *p == '-' && p[1] != ']') {
            p++;
            if (*p == '\\' && p + 1 < end)
                p++;
            high = (unsigned char)*p++;
        }
        if (low <= c && c <= high)
            found = true;
    }
    if (p >= end)
        return 0;
    *matched = found != negated;
    return (size_t)(p + 1 - start);
}

static size_t match_one(const char *p, const char *end, unsigned char c)
{
    bool matched;
    size_t n;

    switch (*p) {
    case '?': return 1;
    case '[':
        n = match_set(p, end, c, &matched);
        if (n)
            return matched ? n : 0;
        return c == '[' ? 1 : 0;
    case '\\':
        if (p + 1 < end)
            return (unsigned char)p[1] == c ? 2 : 0;
        break;
    default: break;
    }
    return (unsigned char)*p == c ? 1 : 0;
}

static bool match_name(const char *p, const char *end, const char *s, const char *s_end)
{
    const char *star = NULL, *from = NULL;

    while (s < s_end) {
        size_t n;
        if (p < end && *p == '*') {
            star = ++p;
            from = s;
        } else if (p < end && (n = match_one(p, end, (unsigned char)*s)) > 0) {
            p += n;
            s++;
        } else if (star) {
            p = star;
            s = ++from;
        } else {
            return false;
        }
    }
    while (p < end && *p == '*')
        p++;
    return p == end;
}

static const char *name_end(const char *s, const char *end)
{
    const char *slash = memchr(s, '/', (size_t)(end - s));

    return slash ? slash : end;
}

static bool is_double_star(const char *p, const char *end)
{
    return end - p == 2 && p[0] == '*' && p[1] == '*';
}

bool cli_glob(const char *pattern, size_t pattern_len, const char *path)
{
    const char *p = pattern, *end = pattern + pattern_len;
    const char *s = path, *s_end = path + strlen(path);
    const char *star = NULL, *from = NULL;

    while (s <= s_end) {
        const char *p_name = p <= end ? name_end(p, end) : NULL, *s_name = name_end(s, s_end);
        if (p_name && is_double_star(p, p_name)) {
            /* Two stars at the end: all that lies below. */
            if (p_name == end)
                return true;
            star = p = p_name + 1;
            from = s;
        } else if (p_name && match_name(p, p_name, s, s_name)) {
            p = p_name + 1;
            s = s_name + 1;
        } else if (star) {
            p = star;
            s = from = name_end(from, s_end) + 1;
        } else {
            return false;
        }
    }
    return p > end;
}

bool cli_glob_name_or_path(const char *pattern, size_t pattern_len, const char *path)
{
    const char *slash;

    if (pattern_len && pattern[0] == '/')
        return cli_glob(pattern + 1, pattern_len - 1, path);
    if (memchr(pattern, '/', pattern_len))
        return cli_glob(pattern, pattern_len, path);
    slash = strrchr(path, '/');
    path = slash ? slash + 1 : path;
    return match_name(pattern, pattern + pattern_len, path, path + strlen(path));
}
