/* check.c: a check from its first path to its last finding.
 *
 * The order of things is in settle() and check_all(): open what may matter; parse the blocks in
 * which a framework is named; then, until nothing new comes: give roles to what was parsed,
 * find entry points, queue the code that runs at import, and analyse function after function.
 * What they ask for and is not there yet is parsed in rounds. When all is known, contexts are
 * walked out from the roots and the rules run.
 */
#include "stages.h"

#include <string.h>

struct AkCheck {
    AkProgram program;
    jmp_buf edge;
    bool ran, finished;
};

/* ---- The pipeline ---- */

static void give_roles(AkProgram *program)
{
    uint32_t first_open = UINT32_MAX;
    for (uint32_t i = program->dialect_at; i < program->unit_len; i++) {
        AkUnitX *unit = program->units[i];
        uint32_t missing = program->missing;
        if (unit->dialects_done)
            continue;
        program->epoch++;
        program->budget = 100000;
        ak__temporal_unit(program, unit);
        ak__ak_unit(program, unit);
        unit->dialects_done = program->missing == missing;
        if (!unit->dialects_done && first_open == UINT32_MAX)
            first_open = i;
    }
    program->dialect_at = first_open == UINT32_MAX ? program->unit_len : first_open;
}

static bool stopped(AkProgram *program)
{
    return program->options.stop && program->options.stop(program->options.payload);
}

static void analyse_queue(AkProgram *program)
{
    while (program->queue_at < program->queue_len &&
           !((program->queue_at & 255) == 255 && stopped(program)))
        ak__analyse(program, program->queue[program->queue_at++]);
    program->queue_at = program->queue_len = 0;
}

static void requeue_deferred(AkProgram *program)
{
    for (uint32_t i = 0; i < program->deferred_len; i++)
        AK_PUSH(program->arena, program->queue, program->queue_len, program->queue_cap) =
            program->deferred[i];
    program->deferred_len = 0;
}

/* Code of a durable program's files that nothing reaches (starters, workers, tests) is analysed
 * by itself: rules look at its calls. */
static void queue_rest(AkProgram *program)
{
    for (uint32_t i = 0; i < program->function_len; i++) {
        AkFunctionX *fn = ak__function(program->functions[i]);
        const AkFile *file = ak__file(fn->function.unit->module);
        bool ours = file->module.imports_temporal || file->books;
        if (!ours || fn->queued || fn->rounds || file->module.use == AK_LIBRARY ||
            fn->function.roles & AK_ROLE_FIELDS)
            continue;
        fn->queued = true;
        AK_PUSH(program->arena, program->queue, program->queue_len, program->queue_cap) =
            &fn->function;
    }
}

static void settle(AkProgram *program)
{
    do {
        if (stopped(program))
            return;
        give_roles(program);
        program->budget = 1000000;
        ak__told_roots(program);
        ak__ak_resolve(program);
        ak__module_code(program);
        requeue_deferred(program);
        analyse_queue(program);
        /* Analysis finds modules that are imported; their code may be there already. */
        ak__module_code(program);
        analyse_queue(program);
    } while (ak__round(program) || program->queue_len ||
             program->dialect_at < program->unit_len);
}

static void choose_books(AkProgram *program)
{
    program->books = program->options.dialects;
    if (program->books)
        return;
    for (uint32_t i = 0; i < program->file_len; i++) {
        if (program->files[i]->module.imports_temporal)
            program->books |= AK_DIALECT_TEMPORAL;
        if (program->files[i]->module.imports_ak)
            program->books |= AK_DIALECT_AK;
    }
    if (program->entry_len || program->manifest_len)
        program->books |= AK_DIALECT_AK;
    program->books |= program->told_books;
}

static void import_everything(AkProgram *program)
{
    if (program->options.dialects != AK_DIALECT_AK)
        return;
    for (uint32_t i = 0; i < program->file_len; i++)
        if (program->files[i]->module.use == AK_REPORT) {
            program->files[i]->books |= 1 << AK_BOOK_AK;
            ak__import_root(program, program->files[i]);
        }
}

static void check_all(AkProgram *program)
{
    ak__ak_entries(program);
    ak__told_files(program);
    ak__open_first(program);
    ak__temporal_want(program);
    ak__ak_guess(program);
    import_everything(program);
    settle(program);
    ak__ak_starts(program);
    settle(program);
    queue_rest(program);
    ak__syntax_want(program);
    settle(program);
    choose_books(program);
    ak__contexts(program);
    ak__syntax(program);
    ak__run_rules(program);
    ak__reports_finish(program);
}

/* ---- The edge ---- */

static void make_workers(AkProgram *program)
{
    program->worker_len = program->options.threads > 1 && program->options.parallel
                              ? program->options.threads
                              : 1;
    program->workers =
        ak__alloc(program->arena, program->worker_len * sizeof *program->workers);
    for (uint32_t i = 0; i < program->worker_len; i++) {
        program->workers[i].arena = ak__arena_new();
        program->workers[i].passing = ak__arena_new();
        if (!program->workers[i].arena || !program->workers[i].passing)
            longjmp(*program->guard, 1);
    }
}

static void free_workers(AkProgram *program)
{
    for (uint32_t i = 0; i < program->worker_len; i++) {
        ak__kept_free(program->workers[i].kept);
        ak__parser_free(program->workers[i].parser);
        ak__arena_free(program->workers[i].arena);
        ak__arena_free(program->workers[i].passing);
    }
}

static int out_of_memory(AkCheck *check)
{
    check->program.error = "out of memory";
    return AK_ENOMEM;
}

static int invalid(AkCheck *check, const char *why)
{
    check->program.error = why;
    return AK_EINVAL;
}

AkCheck *ak_check_new(const AkOptions *options)
{
    AkArena *arena = ak__arena_new();
    if (!arena)
        return NULL;
    if (setjmp(*ak__arena_guard(arena))) {
        ak__arena_free(arena);
        return NULL;
    }
    AkCheck *check = ak__alloc(arena, sizeof *check);
    AkProgram *program = &check->program;
    program->arena = arena;
    program->guard = ak__arena_guard(arena);
    if (options)
        program->options = *options;
    program->error = "";
    program->atoms = ak__atoms_new(arena);
    program->knowledge = ak__knowledge_new(program);
    ak__told_frameworks(program);
    program->names.init = ak__atom(program, "__init__");
    return check;
}

void ak_check_free(AkCheck *check)
{
    if (!check)
        return;
    ak__release_texts(&check->program);
    free_workers(&check->program);
    ak__arena_free(check->program.arena);
}

static const char *without_dot(const char *path)
{
    while (path[0] == '.' && path[1] == '/')
        path += 2;
    return path;
}

int ak_check_path(AkCheck *check, const char *path, AkUse use)
{
    if (setjmp(*check->program.guard))
        return out_of_memory(check);
    return ak__module_add(&check->program, path, use)
               ? AK_OK
               : invalid(check, "a path was added twice");
}

int ak_check_text(AkCheck *check, const char *path, const char *text, size_t len, AkUse use)
{
    AkProgram *program = &check->program;
    if (setjmp(*program->guard))
        return out_of_memory(check);
    path = ak__atom(program, without_dot(path));
    AkFile *file = ak__module_add(program, path, use);
    if (!file) {
        file = ak__module_by_path(program, path);
        if (file->given)
            return invalid(check, "a path was added twice");
        file->module.use = use;
    }
    file->given = true;
    file->module.text = text;
    file->module.len = (uint32_t)(len < UINT32_MAX ? len : UINT32_MAX);
    return AK_OK;
}

int ak_check_manifest(AkCheck *check, const char *path, const char *text, size_t len,
                      const AkNode *root)
{
    AkProgram *program = &check->program;
    if (setjmp(*program->guard))
        return out_of_memory(check);
    AkManifest manifest = {ak__atom(program, without_dot(path)), text, len, root};
    AK_PUSH(program->arena, program->manifests, program->manifest_len, program->manifest_cap) =
        manifest;
    return AK_OK;
}

int ak_check_report(AkCheck *check, const char *rule_id, const AkPlace *place,
                    const char *message, const char *advice)
{
    AkProgram *program = &check->program;
    const AkRule *rule = ak_rule_find(rule_id);
    if (setjmp(*program->guard))
        return out_of_memory(check);
    if (!rule)
        return invalid(check, "there is no such rule");
    AkPlace kept = *place;
    kept.path = ak__strndup(program->arena, place->path, strlen(place->path));
    ak__report_made(program, rule, kept, ak__strndup(program->arena, message, strlen(message)),
                    advice ? ak__strndup(program->arena, advice, strlen(advice)) : NULL, true,
                    NULL);
    return AK_OK;
}

static bool known_rules(const char *const *names)
{
    for (; names && *names; names++) {
        bool found = false;
        for (size_t i = 0; i < ak__rule_len && !found; i++)
            found = strncmp(ak__rules[i]->id, *names, strlen(*names)) == 0 ||
                    strcmp(ak__rules[i]->name, *names) == 0;
        if (!found)
            return false;
    }
    return true;
}

static bool well_formed(const char *const *entries)
{
    for (; entries && *entries; entries++) {
        const char *colon = strrchr(*entries, ':');
        if (!colon || colon == *entries || !colon[1])
            return false;
    }
    return true;
}

int ak_check_run(AkCheck *check)
{
    AkProgram *program = &check->program;
    if (check->ran)
        return invalid(check, "a check runs once");
    check->ran = true;
    if (!known_rules(program->options.select) || !known_rules(program->options.ignore))
        return invalid(check, "there is no such rule");
    if (!well_formed(program->options.entries))
        return invalid(check, "an entry is written file.py:function");
    if (setjmp(*program->guard))
        return out_of_memory(check);
    make_workers(program);
    check_all(program);
    if (stopped(program)) {
        program->error = "stopped";
        return AK_ESTOPPED;
    }
    check->finished = true;
    return AK_OK;
}

AkProgram *ak__finished(AkCheck *check)
{
    check->program.budget = UINT32_MAX;
    return check->finished ? &check->program : NULL;
}

const char *ak_check_error(const AkCheck *check)
{
    return check->program.error;
}

size_t ak_check_count(const AkCheck *check)
{
    return ak__report_count(&check->program);
}

const AkFinding *ak_check_finding(const AkCheck *check, size_t i)
{
    return ak__report_at(&check->program, i);
}

size_t ak_check_notice_count(const AkCheck *check)
{
    return check->program.notice_len;
}

const char *ak_check_notice(const AkCheck *check, size_t i)
{
    return check->program.notices[i];
}

void ak_check_counts(const AkCheck *check, AkCounts *counts)
{
    *counts = check->program.counts;
}
