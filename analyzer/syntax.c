/* syntax.c: findings of AK001, what CPython refuses.
 *
 * The grammar may fail on code that CPython accepts, so where it does the caller's interpreter
 * decides about the whole file; with none at hand the finding is a guess.
 */
#include "stages.h"

#include "blocks.h"

#include <string.h>

/* Blocks that nothing asked for are parsed too where a glance says that they are broken: a file
 * with one cannot be imported. Errors deep inside such a block are left to the interpreter. */
static bool looks_broken(const AkFile *file, const AkBlock *block)
{
    const char *text = file->source.text;
    uint32_t at = block->name_start + block->name_len;
    int depth = 0;
    if (block->unsure)
        return true;
    if (block->kind != AK_BLOCK_DEF && block->kind != AK_BLOCK_CLASS)
        return false;
    for (; at < block->end; at++) {
        char c = text[at];
        if (c == '(' || c == '[')
            depth++;
        else if (c == ')' || c == ']')
            depth--;
        else if (c == ':' && depth == 0)
            return false;
        else if (c == '"' || c == '\'')
            return false; /* not for a glance */
        else if (c == '#')
            at += (uint32_t)strcspn(text + at, "\n") - 1;
        else if (c == '\n' && depth == 0 && text[at - 1] != '\\')
            return true;
    }
    return true;
}

void ak__syntax_want(AkProgram *program)
{
    for (uint32_t i = 0; i < program->file_len; i++) {
        AkFile *file = program->files[i];
        bool ours = file->books && file->state == AK_FILE_OPEN && file->module.use == AK_REPORT;
        for (uint32_t k = 0; ours && k < file->block_len; k++)
            if (looks_broken(file, &file->blocks[k]))
                ak__want_block(program, file, k);
    }
}

bool ak__is_broken(const AkFile *file)
{
    for (uint32_t i = 0; file->state == AK_FILE_OPEN && i < file->block_len; i++)
        if (file->blocks[i].unsure ||
            (file->unit_of[i] && file->unit_of[i]->unit.facts->error_len > 1))
            return true;
    return file->unreadable;
}

bool ak_check_stumbled(AkCheck *check, const char *path)
{
    AkProgram *program = ak__finished(check);
    AkFile *file = program ? ak__module_by_path(program, ak__atom(program, path)) : NULL;
    return file && ak__is_broken(file);
}

static bool first_error(const AkFile *file, uint32_t *start, uint32_t *end, bool *missing)
{
    for (uint32_t i = 0; i < file->block_len; i++) {
        const AkUnitX *unit = file->unit_of[i];
        if (!unit || unit->unit.facts->error_len < 2)
            continue;
        const AkSyntaxError *error = &unit->unit.facts->errors[1];
        *start = unit->unit.start + error->start;
        *end = unit->unit.start + error->end;
        *missing = error->missing;
        return true;
    }
    return false;
}

/* ---- What the interpreter is asked ---- */

enum { LARGE = 16 * 1024 };

/* Where a function's text begins, decorators and all. */
static uint32_t head_of(const AkUnit *unit, const AkFunctionFact *fact)
{
    const char *text = unit->module->text + unit->start;
    uint32_t at = fact->start;
    if (fact->decorators.count)
        at = ak_expr(unit->facts, ak_kid(unit->facts, fact->decorators, 0))->start;
    while (fact->decorators.count && at > 0 && text[at] != '@')
        at--;
    return at;
}

static bool has_error(const AkFacts *facts, uint32_t start, uint32_t end)
{
    for (uint32_t i = 1; i < facts->error_len; i++)
        if (facts->errors[i].start <= end && facts->errors[i].end >= start)
            return true;
    return false;
}

static void blank(char *text, uint32_t start, uint32_t end)
{
    for (uint32_t i = start; i < end; i++)
        if (text[i] != '\n')
            text[i] = ' ';
}

/* Whole functions without an error become blank, but for the one behind an error: the sentence may
 * be about it. */
static void blank_functions(char *text, const AkUnit *unit)
{
    const AkFacts *facts = unit->facts;
    bool behind = false;
    for (uint32_t f = 1; f < facts->function_len; f++) {
        const AkFunctionFact *fact = &facts->functions[f];
        if (fact->outer || fact->is_lambda)
            continue;
        uint32_t start = head_of(unit, fact);
        bool broken = has_error(facts, start, fact->end);
        if (!broken && !behind)
            blank(text, unit->start + start, unit->start + fact->end);
        behind = broken;
    }
}

/* A large file in which all but what is broken is blank: the interpreter reads a broken text twice,
 * and would be most of what an editor waits for. */
static const char *shorter(AkProgram *program, const AkFile *file)
{
    char *text = ak__strndup(program->arena, file->source.text, file->source.len);
    bool behind = true;
    for (uint32_t i = 0; i < file->block_len; i++) {
        const AkUnitX *unit = file->unit_of[i];
        const AkBlock *block = &file->blocks[i];
        bool placed = unit && unit->unit.facts->error_len > 1;
        if (placed)
            blank_functions(text, &unit->unit);
        else if (!block->unsure && !behind)
            blank(text, block->start, block->end);
        behind = placed || block->unsure;
    }
    return text;
}

static int verdict_of(AkProgram *program, const AkFile *file, uint32_t *line, uint32_t *column,
                      const char **why)
{
    const AkOptions *o = &program->options;
    if (!o->compiles)
        return -1;
    if (file->source.len > LARGE &&
        o->compiles(o->payload, file->module.path, shorter(program, file), file->source.len,
                    line, column, why) == 0)
        return 0;
    return o->compiles(o->payload, file->module.path, file->source.text, file->source.len, line,
                       column, why);
}

static void report_unreadable(AkProgram *program, const AkRule *rule, AkFile *file)
{
    AkPlace place =
        ak__place(program, file, file->source.problem_start, file->source.problem_end);
    ak__report_made(program, rule, place, file->source.problem, NULL, true, file);
}

static void report_broken(AkProgram *program, const AkRule *rule, AkFile *file)
{
    uint32_t start, end, line = 0, column = 0;
    const char *why = NULL;
    bool missing;
    if (!first_error(file, &start, &end, &missing))
        return;
    int verdict = verdict_of(program, file, &line, &column, &why);
    if (verdict == 1)
        return;
    if (verdict == 0 && line) {
        start = ak__source_offset(&file->source, (AkPos){line, column ? column : 1});
        end = start;
    }
    uint32_t from, to;
    AkPos at = ak__source_pos(&file->source, start);
    ak__source_line(&file->source, at.line, &from, &to);
    if (end <= start || end > to)
        end = to > start ? to : start;
    const char *message = verdict == 0 && why
                              ? ak__printf(program->arena, "Python refuses this: %s", why)
                          : missing ? "something is missing here"
                                    : "this is not Python";
    ak__report_made(program, rule, ak__place(program, file, start, end), message, NULL,
                    verdict == 0, file);
}

void ak__syntax(AkProgram *program)
{
    const AkRule *rule = ak_rule_find("AK001");
    if (!rule || !ak__is_chosen(program, rule))
        return;
    for (uint32_t i = 0; i < program->file_len; i++) {
        AkFile *file = program->files[i];
        if (file->module.use != AK_REPORT || !file->books)
            continue;
        if (file->unreadable)
            report_unreadable(program, rule, file);
        else if (file->state == AK_FILE_OPEN)
            report_broken(program, rule, file);
    }
}
