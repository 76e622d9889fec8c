/* Where a text stops being TOML, and in which words. The grammar is the judge; it recovers by
 * throwing away whole files, so that its own place is often the first line. This reads
 * statement after statement and ends at the first that cannot be one. */
#include "node.h"

#include <stdint.h>
#include <string.h>

enum { DEEPEST = 64 };

typedef struct Scan {
    const char *text;
    uint32_t at, len;
    unsigned depth;
    CliMistake *mistake;
} Scan;

static bool fail(Scan *s, uint32_t start, uint32_t end, const char *why)
{
    *s->mistake = (CliMistake){start, end, why};
    return false;
}

static char now(const Scan *s)
{
    return s->at < s->len ? s->text[s->at] : '\0';
}

static bool is_one_of(const Scan *s, const char *set)
{
    return s->at < s->len && s->text[s->at] && strchr(set, s->text[s->at]);
}

static void skip(Scan *s, const char *set)
{
    while (is_one_of(s, set))
        s->at++;
}

static bool is_bare(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           c == '_' || c == '-';
}

static void skip_comment(Scan *s)
{
    if (now(s) != '#')
        return;
    while (s->at < s->len && s->text[s->at] != '\n')
        s->at++;
}

static void skip_lines(Scan *s)
{
    uint32_t before;

    do {
        before = s->at;
        skip(s, " \t\r\n");
        skip_comment(s);
    } while (s->at != before);
}

static bool scan_string(Scan *s)
{
    uint32_t start = s->at;
    char quote = now(s);
    bool triple =
        s->at + 2 < s->len && s->text[s->at + 1] == quote && s->text[s->at + 2] == quote;

    s->at += triple ? 3 : 1;
    for (; s->at < s->len; s->at++) {
        char c = s->text[s->at];
        if (c == '\\' && quote == '"')
            s->at++;
        else if (c == '\n' && !triple)
            break;
        else if (c == quote && (!triple || (s->at + 2 < s->len && s->text[s->at + 1] == quote &&
                                            s->text[s->at + 2] == quote))) {
            s->at += triple ? 3 : 1;
            while (triple && now(s) == quote)
                s->at++;
            return true;
        }
    }
    return fail(s, start, start + (triple ? 3 : 1), "this string is never closed");
}

static bool scan_key(Scan *s)
{
    for (;;) {
        uint32_t start = s->at;
        skip(s, " \t");
        if (is_one_of(s, "\"'")) {
            if (!scan_string(s))
                return false;
        } else {
            start = s->at;
            while (s->at < s->len && is_bare(s->text[s->at]))
                s->at++;
            if (s->at == start)
                return fail(s, start, start + (start < s->len), "a key is missing here");
        }
        skip(s, " \t");
        if (now(s) != '.')
            return true;
        s->at++;
    }
}

static bool scan_value(Scan *s);

/* Items of an array, pairs of an inline table. */
static bool scan_items(Scan *s, char closer)
{
    uint32_t opener = s->at++;

    for (;;) {
        skip_lines(s);
        if (s->at >= s->len)
            return fail(s, opener, opener + 1,
                        cli_keep_format("'%c' is never closed", s->text[opener]));
        if (now(s) == closer)
            break;
        if (closer == '}') {
            if (!scan_key(s))
                return false;
            if (now(s) != '=')
                return fail(s, s->at, s->at + 1, "'=' is missing here");
            s->at++;
        }
        if (!scan_value(s))
            return false;
        skip_lines(s);
        if (now(s) == ',')
            s->at++;
        else if (s->at < s->len && now(s) != closer)
            return fail(s, s->at, s->at + 1,
                        cli_keep_format("',' or '%c' is missing here", closer));
    }
    s->at++;
    return true;
}

static bool is_plain(const char *word, size_t len)
{
    static const char *const words[] = {"true", "false", "inf", "nan"};

    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strlen(words[i]) == len && !memcmp(words[i], word, len))
            return true;
    return (*word >= '0' && *word <= '9') || *word == '+' || *word == '-';
}

static bool scan_value(Scan *s)
{
    uint32_t start;
    bool good;

    skip(s, " \t");
    start = s->at;
    if (is_one_of(s, "\"'"))
        return scan_string(s);
    if (is_one_of(s, "[{")) {
        if (s->depth == DEEPEST)
            return fail(s, start, start + 1, "nested too deeply");
        s->depth++;
        good = scan_items(s, now(s) == '[' ? ']' : '}');
        s->depth--;
        return good;
    }
    while (s->at < s->len && (is_bare(s->text[s->at]) || is_one_of(s, "+.:*/")))
        s->at++;
    if (s->at == start)
        return fail(s, start, start, "a value is missing here");
    return is_plain(s->text + start, s->at - start) ||
           fail(s, start, s->at, "text stands in quotes: \"…\"");
}

static bool scan_header(Scan *s)
{
    uint32_t start = s->at, brackets = s->at + 1 < s->len && s->text[s->at + 1] == '[' ? 2 : 1;

    s->at += brackets;
    if (!scan_key(s))
        return false;
    for (uint32_t i = 0; i < brackets; i++, s->at++)
        if (now(s) != ']')
            return fail(s, start, start + brackets,
                        "this table's name has no end: ']' is missing");
    return true;
}

static bool scan_pair(Scan *s)
{
    if (!scan_key(s))
        return false;
    if (now(s) != '=')
        return fail(s, s->at, s->at, "'=' is missing here");
    s->at++;
    return scan_value(s);
}

bool cli_toml_mistake(const char *text, uint32_t len, CliMistake *mistake)
{
    Scan s = {.text = text, .len = len, .mistake = mistake};

    for (;;) {
        skip_lines(&s);
        if (s.at >= len)
            return false;
        if (!(now(&s) == '[' ? scan_header(&s) : scan_pair(&s)))
            return true;
        skip(&s, " \t");
        if (s.at < len && !is_one_of(&s, "#\r\n"))
            return !fail(&s, s.at, s.at + 1, "nothing may follow on this line");
    }
}
