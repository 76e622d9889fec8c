/* unused.c: comments that silence nothing (AK002), and those that do not say why (AK004).
 *
 * Told only of rules that ran over the file, in code that something durable runs: a file may be checked
 * without those that lead to it, and what they make a finding is silenced rightly. Of a file that does not
 * parse nothing is told: what its comments silence may lie in what cannot be read.
 */
#include "stages.h"

#include <stdio.h>
#include <string.h>

enum { LONGEST_WORD = 40 };

/* ---- Where the comment stands ---- */

/* The statement that it belongs to: the next one for a comment alone on its line. */
static AkStmtId statement_of(const AkFacts *facts, uint32_t start, bool own_line)
{
    AkStmtId low = 1, high = facts->stmt_len; /* ends at the first that begins behind start */
    while (low < high) {
        AkStmtId middle = low + (high - low) / 2;
        if (facts->stmts[middle].start > start)
            high = middle;
        else
            low = middle + 1;
    }
    return own_line && low < facts->stmt_len ? low : low - 1;
}

static bool is_reached(const AkFunction *fn)
{
    const AkReach *reach = fn ? &ak__function(fn)->reach : NULL;
    return reach && reach->contexts[AK_BOOK_TEMPORAL] | reach->contexts[AK_BOOK_AK];
}

static bool is_reached_file(const AkFile *file)
{
    for (uint32_t b = 0; b < file->block_len; b++)
        for (uint32_t f = 0; file->unit_of[b] && f < file->unit_of[b]->unit.facts->function_len;
             f++)
            if (is_reached(file->unit_of[b]->unit.functions[f]))
                return true;
    return false;
}

static bool runs(const AkFile *file, const AkAllow *allow)
{
    if (!allow->unit)
        return is_reached_file(file);
    const AkFacts *facts = allow->unit->facts;
    const AkStmt *stmt =
        &facts->stmts[statement_of(facts, allow->start - allow->unit->start, allow->own_line)];
    uint32_t function = facts->scopes[stmt->scope].function;
    if (stmt->kind == AK_S_FUNCTION)
        function = stmt->index;
    return is_reached(allow->unit->functions[function]);
}

/* ---- What it names ---- */

static const AkRule *rule_of(const AkAllow *allow, const char *word, uint32_t len)
{
    for (size_t i = 0; i < ak__rule_len; i++)
        if (ak__names_rule(allow, word, len, ak__rules[i]))
            return ak__rules[i];
    return NULL;
}

static bool ran(const AkProgram *program, const AkFile *file, const AkRule *rule)
{
    unsigned dialects = rule->dialects & program->books;
    bool temporal = file->books & 1 << AK_BOOK_TEMPORAL && dialects & AK_DIALECT_TEMPORAL;
    bool ak =
        file->books & 1 << AK_BOOK_AK && dialects & (AK_DIALECT_AK | AK_DIALECT_AUTOKITTEH);
    return rule->check && (temporal || ak) && ak__is_chosen(program, rule);
}

/* AK with digits, or with a letter in their place: other tools have other codes. */
static bool looks_like_an_id(const char *word, uint32_t len)
{
    if (len < 4 || len > 6 || word[0] != 'A' || word[1] != 'K')
        return false;
    for (uint32_t i = 2; i < len; i++)
        if (word[i] < '0' || word[i] > '9')
            return false;
    return true;
}

/* ---- Telling ---- */

/* The whole comment goes, when nothing else stands in it. */
static void fix(AkReport *report, AkFile *file, const AkAllow *allow)
{
    const char *text = file->source.text;
    uint32_t start = allow->start, end = allow->end;
    for (uint32_t i = start + 1; i < end && text[i] != ':'; i++)
        if (text[i] == '#')
            return;
    while (start > 0 && (text[start - 1] == ' ' || text[start - 1] == '\t'))
        start--;
    if (allow->own_line && end < file->source.len && text[end] == '\n')
        end++;
    ak_fix(report, AK_FIX_SAFE, "take the comment out");
    ak__fix_file(report, file, start, end, "");
}

static AkReport *tell(AkProgram *program, const AkRule *rule, AkFile *file,
                      const AkAllow *allow, const char *message)
{
    AkPlace place = ak__place(program, file, allow->start, allow->end);
    AkReport *report = ak__report_made(program, rule, place, message, NULL, true, file);
    ak__of_comment(report);
    return report;
}

static bool names_any(const AkAllow *allow)
{
    const char *word;
    uint32_t at = 0, len;
    while ((len = ak__allow_word(allow, &at, &word)) > 0)
        if (rule_of(allow, word, len))
            return true;
    return false;
}

static void check_reason(AkProgram *program, const AkRule *rule, AkFile *file,
                         const AkAllow *allow)
{
    if (!allow->has_reason && names_any(allow))
        tell(program, rule, file, allow, "this comment gives no reason");
}

static void check_comment(AkProgram *program, const AkRule *rule, AkFile *file,
                          const AkAllow *allow)
{
    const char *word;
    uint32_t at = 0, len, names = 0, unused = 0;
    bool misspelt = false;
    const AkRule *first = NULL;
    for (uint32_t n = 0; n < 32 && (len = ak__allow_word(allow, &at, &word)) > 0; n++) {
        const AkRule *named = rule_of(allow, word, len);
        names += named != NULL;
        if (named && !(allow->used & 1U << n) && ran(program, file, named)) {
            first = first ? first : named;
            unused++;
        } else if (!named && looks_like_an_id(word, len) && len < LONGEST_WORD) {
            char text[LONGEST_WORD];
            misspelt = true;
            memcpy(text, word, len);
            text[len] = 0;
            const AkRule *near = ak_rule_nearest(text);
            AkReport *report = tell(program, rule, file, allow,
                                    ak__printf(program->arena, "no rule is called '%s'", text));
            if (near)
                ak_advice(report, "Did you mean %s (%s)?", near->id, near->name);
        }
    }
    if (!names && !misspelt && !allow->is_noqa)
        tell(program, rule, file, allow, "this comment names no rule");
    if (!unused || !runs(file, allow))
        return;
    AkReport *report =
        tell(program, rule, file, allow,
             ak__printf(program->arena, "this comment silences nothing of %s (%s)", first->id,
                        first->name));
    if (unused == names)
        fix(report, file, allow);
}

static void check_file(AkProgram *program, AkFile *file)
{
    const AkRule *unused = ak_rule_find("AK002"), *silent = ak_rule_find("AK004");
    ak__read_allows(program, file);
    for (uint32_t k = 0; k < file->allow_len; k++) {
        if (ak__is_chosen(program, unused))
            check_comment(program, unused, file, &file->allows[k]);
        if (ak__is_chosen(program, silent))
            check_reason(program, silent, file, &file->allows[k]);
    }
}

void ak__unused(AkProgram *program)
{
    for (uint32_t i = 0; i < program->file_len; i++) {
        AkFile *file = program->files[i];
        if (file->module.use == AK_REPORT && file->books && file->state == AK_FILE_OPEN &&
            !ak__is_broken(file))
            check_file(program, file);
    }
}
