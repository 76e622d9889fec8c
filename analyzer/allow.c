/* allow.c: comments that silence a rule.
 *
 *     x = time.time()  # aklint: allow AK301 -- measured outside
 *     # noqa: AK301
 *
 * On a line it silences that statement; on the first lines of a compound statement (`def`,
 * `with`, …) or alone on the line above, all of it; before the first code of the file, the
 * file. Rules are named by id or name. A bare `noqa` silences nothing: a gate must not be
 * opened by accident.
 */
#include "stages.h"

#include <string.h>

typedef struct AkAllow {
    uint32_t line;
    bool own_line, whole_file;
    const char *words; /* ids and names, up to the reason */
    uint32_t len;
} AkAllow;

static bool is_word(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           c == '-' || c == '_';
}

static const char *find(const char *text, uint32_t len, const char *needle)
{
    size_t size = strlen(needle);
    for (uint32_t i = 0; i + size <= len; i++)
        if (memcmp(text + i, needle, size) == 0)
            return text + i + size;
    return NULL;
}

/* The words behind `aklint: allow` or `noqa:`; false for any other comment. */
static bool read_comment(const char *text, uint32_t len, AkAllow *allow)
{
    const char *at = find(text, len, "aklint:");
    const char *end = text + len;
    if (at) {
        while (at < end && *at == ' ')
            at++;
        if (end - at < 5 || memcmp(at, "allow", 5) != 0)
            return false;
        at += 5;
    } else {
        at = find(text, len, "noqa:");
        at = at ? at : find(text, len, "NOQA:");
    }
    if (!at)
        return false;
    const char *reason = find(at, (uint32_t)(end - at), "--");
    allow->words = at;
    allow->len = (uint32_t)((reason ? reason - 2 : end) - at);
    return true;
}

static bool names_rule(const AkAllow *allow, const AkRule *rule)
{
    size_t id = strlen(rule->id), name = strlen(rule->name);
    for (uint32_t i = 0; i < allow->len;) {
        uint32_t start = i;
        while (i < allow->len && is_word(allow->words[i]))
            i++;
        uint32_t len = i - start;
        const char *word = allow->words + start;
        if ((len == id && memcmp(word, rule->id, id) == 0) ||
            (len == name && memcmp(word, rule->name, name) == 0))
            return true;
        i += i == start;
    }
    return false;
}

/* The lines of comments before the first line of code. */
static void read_top(AkProgram *program, AkFile *file, uint32_t *cap)
{
    const char *text = file->source.text;
    uint32_t at = 0, line = 1;
    while (at < file->source.len) {
        uint32_t end = at, code = at;
        while (end < file->source.len && text[end] != '\n')
            end++;
        while (code < end && (text[code] == ' ' || text[code] == '\t' || text[code] == '\r'))
            code++;
        if (code < end && text[code] != '#')
            return;
        AkAllow allow = {.line = line, .own_line = true, .whole_file = true};
        if (code < end && read_comment(text + code, end - code, &allow))
            AK_PUSH(program->arena, file->allows, file->allow_len, *cap) = allow;
        at = end + 1;
        line++;
    }
}

static void read_file(AkProgram *program, AkFile *file)
{
    uint32_t cap = 0;
    file->allows_done = true;
    read_top(program, file, &cap);
    for (uint32_t b = 0; b < file->block_len; b++) {
        const AkUnitX *unit = file->unit_of[b];
        for (uint32_t i = 1; unit && i < unit->unit.facts->comment_len; i++) {
            const AkComment *comment = &unit->unit.facts->comments[i];
            uint32_t start = unit->unit.start + comment->start;
            AkAllow allow = {.line = ak__source_pos(&file->source, start).line,
                             .own_line = comment->own_line};
            if (read_comment(file->source.text + start, comment->end - comment->start, &allow))
                AK_PUSH(program->arena, file->allows, file->allow_len, cap) = allow;
        }
    }
}

static uint32_t line_at(AkFile *file, const AkUnit *unit, uint32_t offset)
{
    return ak__source_pos(&file->source, unit->start + offset).line;
}

static bool is_compound(const AkFacts *facts, AkStmtId stmt)
{
    return facts->stmts[stmt].last > stmt;
}

/* Whether the comment stands on the statement's first lines or right above it. */
static bool covers(AkFile *file, const AkUnit *unit, AkStmtId stmt, const AkAllow *allow)
{
    const AkFacts *facts = unit->facts;
    const AkStmt *row = &facts->stmts[stmt];
    uint32_t first = line_at(file, unit, row->start), last;
    if (allow->own_line)
        return allow->line + 1 == first;
    if (is_compound(facts, stmt)) {
        last = line_at(file, unit, facts->stmts[stmt + 1].start);
        last = last > first ? last - 1 : first;
        return allow->line >= first && allow->line <= last;
    }
    /* Between its first and last line, a comment speaks of its own line. */
    last = line_at(file, unit, row->end ? row->end - 1 : 0);
    return allow->line == first || allow->line == last;
}

static bool silences(AkFile *file, const AkUnit *unit, uint32_t start, uint32_t end,
                     AkStmtId stmt, const AkAllow *allow)
{
    uint32_t first = ak__source_pos(&file->source, start).line;
    uint32_t last = ak__source_pos(&file->source, end > start ? end - 1 : start).line;
    if (allow->whole_file || (!allow->own_line && allow->line >= first && allow->line <= last))
        return true;
    for (; unit && stmt; stmt = unit->facts->stmts[stmt].parent)
        if (covers(file, unit, stmt, allow))
            return true;
    return false;
}

bool ak__allowed(AkProgram *program, AkFile *file, const AkUnit *unit, uint32_t start,
                 uint32_t end, AkStmtId stmt, const AkRule *rule)
{
    if (!file->source.text)
        return false;
    if (!file->allows_done)
        read_file(program, file);
    for (uint32_t i = 0; i < file->allow_len; i++)
        if (names_rule(&file->allows[i], rule) &&
            silences(file, unit, start, end, stmt, &file->allows[i]))
            return true;
    return false;
}
