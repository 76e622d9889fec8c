/* told.c: what the caller's settings say of a program that its text does not: which code runs in
 * which context, and which names of installed packages stand for a framework's. */
#include "stages.h"

#include "blocks.h"

#include <string.h>

typedef struct Word {
    const char *word;
    unsigned role;
    uint16_t contexts;
    uint8_t book;
} Word;

static const Word words[] = {
    {"workflow", 0, AK_CTX_WORKFLOW, AK_BOOK_TEMPORAL},
    {"query", 0, AK_CTX_WORKFLOW | AK_CTX_READONLY, AK_BOOK_TEMPORAL},
    {"activity", AK_ROLE_ACTIVITY, AK_CTX_ACTIVITY, AK_BOOK_TEMPORAL},
    {"entry", 0, AK_CTX_ENTRY | AK_CTX_WORKFLOW, AK_BOOK_AK},
};
enum { WORDS = sizeof words / sizeof *words };

const char *ak_context_word(size_t i)
{
    return i < WORDS ? words[i].word : NULL;
}

static const Word *word_of(const char *text)
{
    for (size_t i = 0; i < WORDS; i++)
        if (strcmp(words[i].word, text) == 0)
            return &words[i];
    return NULL;
}

/* ---- Frameworks under another name ---- */

static bool begins(const char *text, const char *start)
{
    return strncmp(text, start, strlen(start)) == 0;
}

void ak__told_frameworks(AkProgram *program)
{
    static const AkFramework own[] = {{"temporalio", true, false},
                                      {"autokitteh", false, true},
                                      {"ak", false, true},
                                      {"nexusrpc", false, false}};
    uint32_t cap = 0;
    for (size_t i = 0; i < sizeof own / sizeof *own; i++)
        AK_PUSH(program->arena, program->frameworks, program->framework_len, cap) = own[i];
    for (const char *const *row = program->options.wrappers; row && row[0] && row[1];
         row += 2) {
        AkFramework framework = {ak__atom_len(program, row[0], strcspn(row[0], ".")),
                                 begins(row[1], "temporalio."),
                                 begins(row[1], "autokitteh.") || begins(row[1], "ak.")};
        AK_PUSH(program->arena, program->frameworks, program->framework_len, cap) = framework;
    }
    program->needles =
        ak__alloc(program->arena, (program->framework_len + 1) * sizeof *program->needles);
    for (uint32_t i = 0, n = 0; i < program->framework_len; i++)
        if (program->frameworks[i].temporal || program->frameworks[i].ak)
            program->needles[n++] = program->frameworks[i].name;
}

/* ---- Contexts ---- */

static AkFile *file_of(AkProgram *program, const char *text)
{
    const char *colon = strrchr(text, ':');
    size_t len = colon ? (size_t)(colon - text) : strlen(text);
    return ak__module_by_path(program, ak__atom_len(program, text, len));
}

static const char *name_of(const char *text)
{
    const char *colon = strrchr(text, ':');
    return colon ? colon + 1 : NULL;
}

void ak__told_files(AkProgram *program)
{
    for (const char *const *row = program->options.contexts; row && row[0] && row[1];
         row += 2) {
        const Word *word = word_of(row[1]);
        AkFile *file = word ? file_of(program, row[0]) : NULL;
        if (!file)
            continue;
        file->must_open = true;
        file->books |= (uint8_t)(1 << word->book);
        program->told_books |= word->book == AK_BOOK_AK ? AK_DIALECT_AK : AK_DIALECT_TEMPORAL;
    }
}

static bool is_named(const AkFunction *fn, const char *name)
{
    return name ? strcmp(fn->qualified, name) == 0 : !fn->outer && fn->index;
}

static void root_unit(AkProgram *program, AkUnitX *unit, const char *name, const Word *word)
{
    for (uint32_t f = 1; f < unit->unit.facts->function_len; f++) {
        AkFunction *fn = unit->unit.functions[f];
        if (!fn || unit->unit.facts->functions[f].is_lambda || !is_named(fn, name))
            continue;
        fn->roles |= word->role;
        ak__root(program, fn, word->contexts, word->book,
                 ak__printf(program->arena, "%s %s (settings)", word->word, fn->qualified));
    }
}

/* Whether a block may hold the function: `Order.total` stands in what binds Order. */
static bool may_hold(const AkFile *file, const AkBlock *block, const char *name)
{
    size_t len = name ? strcspn(name, ".") : 0;
    if (block->kind != AK_BLOCK_DEF && block->kind != AK_BLOCK_CLASS)
        return block->kind != AK_BLOCK_IMPORT && block->kind != AK_BLOCK_DOC &&
               block->kind != AK_BLOCK_BLANK;
    return !name || (block->name_len == len &&
                     memcmp(file->source.text + block->name_start, name, len) == 0);
}

void ak__told_roots(AkProgram *program)
{
    for (const char *const *row = program->options.contexts; row && row[0] && row[1];
         row += 2) {
        const Word *word = word_of(row[1]);
        AkFile *file = word ? file_of(program, row[0]) : NULL;
        const char *name = name_of(row[0]);
        if (!file || !ak__want_file(program, file))
            continue;
        for (uint32_t i = 0; i < file->block_len; i++) {
            AkUnitX *unit = may_hold(file, &file->blocks[i], name)
                                ? ak__want_block(program, file, i)
                                : NULL;
            if (unit)
                root_unit(program, unit, name, word);
        }
    }
}
