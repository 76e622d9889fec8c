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

static bool is_word(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           c == '-' || c == '_';
}

static bool is_blank(const char *from, const char *to)
{
    for (; from < to; from++)
        if (*from != ' ' && *from != '\t' && *from != '\r')
            return false;
    return true;
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
        allow->is_noqa = true;
    }
    if (!at)
        return false;
    const char *reason = find(at, (uint32_t)(end - at), "--");
    allow->has_reason = reason && !is_blank(reason, end);
    allow->words = at;
    allow->len = (uint32_t)((reason ? reason - 2 : end) - at);
    return true;
}

/* The next word from *at on; its length, 0 at the end. */
uint32_t ak__allow_word(const AkAllow *allow, uint32_t *at, const char **word)
{
    while (*at < allow->len && !is_word(allow->words[*at]))
        ++*at;
    uint32_t start = *at;
    while (*at < allow->len && is_word(allow->words[*at]))
        ++*at;
    *word = allow->words + start;
    return *at - start;
}

/* Behind `noqa:` ids alone count: comments for other tools go on in prose ("builds a uuid"). */
bool ak__names_rule(const AkAllow *allow, const char *word, uint32_t len, const AkRule *rule)
{
    return (len == strlen(rule->id) && memcmp(word, rule->id, len) == 0) ||
           (!allow->is_noqa && len == strlen(rule->name) && memcmp(word, rule->name, len) == 0);
}

/* The word that names the rule, counted from 0; -1 if none does. */
static int names_rule(const AkAllow *allow, const AkRule *rule)
{
    const char *word;
    uint32_t at = 0, len;
    for (int n = 0; (len = ak__allow_word(allow, &at, &word)) > 0; n++)
        if (ak__names_rule(allow, word, len, rule))
            return n;
    return -1;
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
        AkAllow allow = {
            .line = line, .start = code, .end = end, .own_line = true, .whole_file = true};
        if (code < end && read_comment(text + code, end - code, &allow))
            AK_PUSH(program->arena, file->allows, file->allow_len, *cap) = allow;
        at = end + 1;
        line++;
    }
}

/* Comments before the first code are in a block as well; they are the first len ones. */
static bool is_kept(const AkFile *file, uint32_t len, uint32_t start)
{
    for (uint32_t i = 0; i < len; i++)
        if (file->allows[i].start == start)
            return true;
    return false;
}

void ak__read_allows(AkProgram *program, AkFile *file)
{
    uint32_t cap = 0;
    if (file->allows_done)
        return;
    file->allows_done = true;
    read_top(program, file, &cap);
    uint32_t top = file->allow_len;
    for (uint32_t b = 0; b < file->block_len; b++) {
        const AkUnitX *unit = file->unit_of[b];
        for (uint32_t i = 1; unit && i < unit->unit.facts->comment_len; i++) {
            const AkComment *comment = &unit->unit.facts->comments[i];
            uint32_t start = unit->unit.start + comment->start;
            AkAllow allow = {.start = start,
                             .end = unit->unit.start + comment->end,
                             .own_line = comment->own_line,
                             .unit = &unit->unit};
            if (!read_comment(file->source.text + start, comment->end - comment->start,
                              &allow) ||
                is_kept(file, top, start))
                continue;
            allow.line = ak__source_pos(&file->source, start).line;
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
    ak__read_allows(program, file);
    for (uint32_t i = 0; i < file->allow_len; i++) {
        AkAllow *allow = &file->allows[i];
        int word = names_rule(allow, rule);
        if (word >= 0 && silences(file, unit, start, end, stmt, allow)) {
            allow->used |= word < 32 ? 1U << word : 0;
            return true;
        }
    }
    return false;
}
