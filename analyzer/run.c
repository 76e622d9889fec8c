/* run.c: the finished tables, put in order for each rule book, and the rules run over them. */
#include "stages.h"

#include <stdlib.h>
#include <string.h>

static bool begins(const char *text, const char *start)
{
    return strncmp(text, start, strlen(start)) == 0;
}

static bool names(const char *const *list, const AkRule *rule)
{
    for (; *list; list++)
        if (begins(rule->id, *list) || strcmp(rule->name, *list) == 0)
            return true;
    return false;
}

bool ak__is_chosen(const AkProgram *program, const AkRule *rule)
{
    const AkOptions *options = &program->options;
    if (options->select && !names(options->select, rule))
        return false;
    return !options->ignore || !names(options->ignore, rule);
}

/* ---- Order ---- */

static int by_path(const AkUnit *a, const AkUnit *b)
{
    int order = a->module == b->module ? 0 : strcmp(a->module->path, b->module->path);
    if (order)
        return order;
    return a->start < b->start ? -1 : a->start > b->start;
}

static int compare_functions(const void *x, const void *y)
{
    const AkFunction *a = *(AkFunction *const *)x, *b = *(AkFunction *const *)y;
    int order = by_path(a->unit, b->unit);
    if (order)
        return order;
    if (a->index != b->index)
        return a->index < b->index ? -1 : 1;
    return strcmp(a->qualified, b->qualified);
}

static int compare_classes(const void *x, const void *y)
{
    const AkClass *a = *(AkClass *const *)x, *b = *(AkClass *const *)y;
    int order = by_path(a->unit, b->unit);
    return order ? order : (a->index < b->index ? -1 : a->index > b->index);
}

static int compare_modules(const void *x, const void *y)
{
    const AkModule *a = *(const AkModule *const *)x, *b = *(const AkModule *const *)y;
    return strcmp(a->path, b->path);
}

static void list_units(AkProgram *program)
{
    for (uint32_t i = 0; i < program->file_len; i++) {
        AkFile *file = program->files[i];
        if (file->state != AK_FILE_OPEN)
            continue;
        const AkUnit **units = ak__alloc(program->arena, (file->block_len + 1) * sizeof *units);
        for (uint32_t k = 0; k < file->block_len; k++)
            if (file->unit_of[k])
                units[file->module.unit_len++] = &file->unit_of[k]->unit;
        file->module.units = units;
    }
}

/* ---- One book ---- */

static bool holds(const AkModule *module, uint8_t book)
{
    return module->use != AK_LIBRARY && ak__file(module)->books & (1 << book);
}

/* Of installed packages only what a program of the book runs. */
static bool is_listed(const AkFunction *fn, uint8_t book)
{
    return holds(fn->unit->module, book) || ak__function(fn)->reach.contexts[book];
}

static void list_functions(AkPass *pass, uint8_t book)
{
    AkProgram *program = pass->program;
    const AkFunction **functions =
        ak__alloc(program->arena, (program->function_len + 1) * sizeof *functions);
    size_t calls = 0;
    for (uint32_t i = 0; i < program->function_len; i++)
        if (is_listed(program->functions[i], book)) {
            functions[pass->function_len++] = program->functions[i];
            calls += program->functions[i]->call_len;
        }
    const AkCall **list = ak__alloc(program->arena, (calls + 1) * sizeof *list);
    if (pass->function_len)
        qsort(functions, pass->function_len, sizeof *functions, compare_functions);
    for (size_t i = 0; i < pass->function_len; i++)
        for (size_t k = 0; k < functions[i]->call_len; k++)
            list[pass->call_len++] = &functions[i]->calls[k];
    pass->functions = functions;
    pass->calls = list;
}

static void list_classes(AkPass *pass, uint8_t book)
{
    AkProgram *program = pass->program;
    const AkClass **classes =
        ak__alloc(program->arena, (program->class_len + 1) * sizeof *classes);
    for (uint32_t i = 0; i < program->class_len; i++)
        if (holds(program->classes[i]->unit->module, book))
            classes[pass->class_len++] = program->classes[i];
    if (pass->class_len)
        qsort(classes, pass->class_len, sizeof *classes, compare_classes);
    pass->classes = classes;
}

static void list_modules(AkPass *pass, uint8_t book)
{
    AkProgram *program = pass->program;
    const AkModule **modules =
        ak__alloc(program->arena, (program->counts.files_opened + 1) * sizeof *modules);
    for (uint32_t i = 0; i < program->file_len; i++)
        if (holds(&program->files[i]->module, book) && program->files[i]->state == AK_FILE_OPEN)
            modules[pass->module_len++] = &program->files[i]->module;
    if (pass->module_len)
        qsort(modules, pass->module_len, sizeof *modules, compare_modules);
    pass->modules = modules;
}

static void run_book(AkProgram *program, AkDialect dialect)
{
    uint8_t book = dialect == AK_DIALECT_TEMPORAL ? AK_BOOK_TEMPORAL : AK_BOOK_AK;
    AkPass pass = {.dialect = dialect,
                   .program = program,
                   .knowledge = program->knowledge,
                   .entries = program->entries,
                   .entry_len = program->entry_len,
                   .manifests = program->manifests,
                   .manifest_len = program->manifest_len};
    list_functions(&pass, book);
    list_classes(&pass, book);
    list_modules(&pass, book);
    pass.index = ak__index(&pass);
    for (size_t i = 0; i < ak__rule_len; i++) {
        pass.rule = ak__rules[i];
        bool wanted = pass.rule->check && pass.rule->dialects & dialect &&
                      ak__is_chosen(program, pass.rule);
        program->budget = UINT32_MAX;
        if (wanted)
            pass.rule->check(&pass);
    }
}

static void count(AkProgram *program)
{
    for (uint32_t i = 0; i < program->function_len; i++) {
        const AkFunction *fn = program->functions[i];
        const AkReach *reach = &ak__function(fn)->reach;
        unsigned contexts = reach->contexts[0] | reach->contexts[1];
        program->counts.functions += contexts != 0;
        for (size_t k = 0; k < fn->call_len; k++)
            program->counts.unresolved +=
                fn->calls[k].unresolved && contexts & AK_CTX_WORKFLOW & fn->calls[k].mask;
    }
}

void ak__run_rules(AkProgram *program)
{
    static const AkDialect dialects[] = {AK_DIALECT_TEMPORAL, AK_DIALECT_AK,
                                         AK_DIALECT_AUTOKITTEH};
    list_units(program);
    count(program);
    program->epoch++;
    for (size_t i = 0; i < 3; i++)
        if (program->books & dialects[i])
            run_book(program, dialects[i]);
}
