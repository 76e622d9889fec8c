/* units.c: opening files and parsing blocks, in rounds, on all the threads that the caller
 * lends.
 *
 * Jobs take what is next from a shared counter, each with an arena and a parser of its own;
 * what they made is adopted afterwards on one thread, in the order of files and blocks, so that
 * a run is the same whatever the threads did.
 */
#include "stages.h"

#include "blocks.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum { DEFAULT_MAX_BYTES = 4 * 1024 * 1024 };

typedef struct Job {
    AkProgram *program;
    AkFile **files;
    AkWantedBlock *blocks;
    size_t len;
    bool all; /* files: open each, not only those that may matter */
    atomic_size_t next;
    void (*one)(struct Job *job, AkWorker *worker, size_t i);
} Job;

/* In a frame of its own: what setjmp leaves behind are no changed locals. */
static void take_all(Job *job, AkWorker *worker)
{
    for (size_t i; (i = atomic_fetch_add(&job->next, 1)) < job->len;) {
        if (job->program->options.stop &&
            job->program->options.stop(job->program->options.payload))
            return;
        job->one(job, worker, i);
    }
}

static void run_worker(void *arg, size_t i)
{
    Job *job = arg;
    AkWorker *worker = &job->program->workers[i];
    if (setjmp(*ak__arena_guard(worker->arena)) || setjmp(*ak__arena_guard(worker->passing))) {
        worker->failed = true;
        return;
    }
    take_all(job, worker);
}

static void run_job(AkProgram *program, Job *job)
{
    const AkOptions *options = &program->options;
    size_t workers = job->len < program->worker_len ? job->len : program->worker_len;
    if (options->parallel && workers > 1)
        options->parallel(options->payload, run_worker, job, workers);
    else
        run_worker(job, 0);
    for (uint32_t i = 0; i < program->worker_len; i++)
        if (program->workers[i].failed)
            longjmp(*program->guard, 1);
}

/* ---- Opening ---- */

static int compare_bound(const void *a, const void *b)
{
    const AkBoundAt *x = a, *y = b;
    if (x->hash != y->hash)
        return x->hash < y->hash ? -1 : 1;
    return x->block != y->block ? (x->block < y->block ? -1 : 1)
                                : (x->start > y->start) - (x->start < y->start);
}

static AkBoundAt bound_at(const char *text, const AkBoundName *name, uint32_t block)
{
    return (AkBoundAt){ak__hash(text + name->start, name->len),
                       name->start,
                       name->len,
                       block,
                       name->kind,
                       name->nested};
}

/* A module's name that does not stand in the text in one piece lies in what is emptied. */
static AkImportAt import_at(AkArena *arena, const AkFile *file, const AkBlockImport *import,
                            uint32_t block)
{
    const char *text = file->source.text, *module = import->module;
    if (import->module_len && (module < text || module >= text + file->source.len))
        module = ak__strndup(arena, module, import->module_len);
    return (AkImportAt){
        module,           import->module_len,  import->level,     import->name.start,
        import->name.len, import->bound.start, import->bound.len, block,
        import->star,     import->local,       import->nested,    import->aliased,
        import->from};
}

static void *kept(AkArena *arena, const void *rows, size_t size)
{
    return size ? memcpy(ak__alloc(arena, size), rows, size) : NULL;
}

static void index_bindings(const AkWorker *worker, AkFile *file)
{
    AkBoundAt *names = NULL;
    AkImportAt *imports = NULL;
    uint32_t name_cap = 0, import_cap = 0;
    for (uint32_t i = 0; i < file->block_len; i++) {
        AkBindings found =
            ak__block_bindings(worker->passing, file->source.text, &file->blocks[i]);
        for (uint32_t k = 0; k < found.name_len; k++)
            AK_PUSH(worker->passing, names, file->name_len, name_cap) =
                bound_at(file->source.text, &found.names[k], i);
        for (uint32_t k = 0; k < found.import_len; k++)
            AK_PUSH(worker->passing, imports, file->import_len, import_cap) =
                import_at(worker->arena, file, &found.imports[k], i);
    }
    file->names = kept(worker->arena, names, file->name_len * sizeof *names);
    file->imports = kept(worker->arena, imports, file->import_len * sizeof *imports);
    if (file->name_len)
        qsort(file->names, file->name_len, sizeof *file->names, compare_bound);
}

static bool names_module(const AkImportAt *import, const char *name)
{
    size_t len = strlen(name);
    return !import->level && import->module_len >= len &&
           memcmp(import->module, name, len) == 0 &&
           (import->module_len == len || import->module[len] == '.');
}

static void note_frameworks(const AkProgram *program, AkFile *file)
{
    for (uint32_t i = 0; i < file->import_len; i++)
        for (uint32_t k = 0; k < program->framework_len; k++) {
            const AkFramework *framework = &program->frameworks[k];
            if (!names_module(&file->imports[i], framework->name))
                continue;
            file->module.imports_temporal |= framework->temporal;
            file->module.imports_ak |= framework->ak;
        }
}

/* ---- Blocks that mention a framework ---- */

static bool is_framework(const AkProgram *program, const AkImportAt *import)
{
    for (uint32_t i = 0; i < program->framework_len; i++)
        if (names_module(import, program->frameworks[i].name))
            return true;
    return false;
}

static bool is_bound_by(const AkFile *file, const AkImportAt *const *imports, uint32_t len,
                        const AkMention *mention)
{
    const char *text = file->source.text;
    for (uint32_t i = 0; i < len; i++)
        if (imports[i]->bound_len == mention->len &&
            memcmp(text + imports[i]->bound_start, text + mention->start, mention->len) == 0)
            return true;
    return false;
}

static bool mentions_one(AkArena *arena, const AkFile *file, const AkBlock *block,
                         const AkImportAt *const *imports, uint32_t len)
{
    AkMention *mentions;
    size_t count =
        ak__text_idents(arena, file->source.text, block->code, block->end, 0, &mentions);
    for (size_t i = 0; i < count; i++)
        if (is_bound_by(file, imports, len, &mentions[i]))
            return true;
    return false;
}

static void note_blocks(const AkProgram *program, const AkWorker *worker, AkFile *file)
{
    const AkImportAt **imports =
        ak__alloc(worker->passing, (file->import_len + 1) * sizeof *imports);
    uint32_t len = 0;
    bool stars = false;
    file->framework = ak__alloc(worker->arena, file->block_len * sizeof *file->framework);
    if (!file->module.imports_temporal && !file->module.imports_ak)
        return;
    for (uint32_t i = 0; i < file->import_len; i++) {
        stars |= file->imports[i].star;
        if (is_framework(program, &file->imports[i]))
            imports[len++] = &file->imports[i];
    }
    for (uint32_t i = 0; i < file->block_len; i++) {
        const AkBlock *block = &file->blocks[i];
        if (block->kind != AK_BLOCK_IMPORT && block->kind != AK_BLOCK_DOC &&
            block->kind != AK_BLOCK_BLANK)
            file->framework[i] = stars || block->decorated ||
                                 mentions_one(worker->passing, file, block, imports, len);
    }
}

static void open_text(const AkProgram *program, const AkWorker *worker, AkFile *file,
                      const char *text, size_t len)
{
    AkArena *arena = worker->arena;
    int status = ak__source_open_padded(arena, &file->source, file->module.path, text, len);
    file->unreadable = status < 0;
    if (status == AK_SOURCE_TOO_LONG) {
        file->state = AK_FILE_CLOSED;
        return;
    }
    file->module.text = file->source.text;
    file->module.len = file->source.len;
    file->block_len =
        (uint32_t)ak__blocks_cut(arena, file->source.text, file->source.len, &file->blocks);
    file->unit_of = ak__alloc(arena, file->block_len * sizeof *file->unit_of);
    file->wanted = ak__alloc(arena, file->block_len * sizeof *file->wanted);
    index_bindings(worker, file);
    note_frameworks(program, file);
    note_blocks(program, worker, file);
    ak__arena_reset(worker->passing);
    file->state = AK_FILE_OPEN;
}

static bool may_matter(const AkProgram *program, AkFile *file, const char *text, size_t len)
{
    static const char *const events[] = {"event", "Event", NULL};
    file->mentions = ak__text_mentions(text, len, program->needles);
    file->mentions_event = ak__text_mentions(text, len, events);
    return file->mentions || file->must_open;
}

static void release_text(const AkOptions *options, AkFile *file)
{
    if (file->lent && options->release)
        options->release(options->payload, file->module.path, file->lent, file->lent_len);
    file->lent = NULL;
}

static void open_one(Job *job, AkWorker *worker, size_t i)
{
    AkProgram *program = job->program;
    AkFile *file = job->files[i];
    const AkOptions *options = &program->options;
    const char *text = file->given ? file->module.text : NULL;
    size_t len = file->module.len;
    size_t max = options->max_bytes ? options->max_bytes : DEFAULT_MAX_BYTES;
    if (!text && (!options->read || options->read(options->payload, file->module.path, &text,
                                                  &len, &file->why) < 0)) {
        file->state = AK_FILE_CLOSED;
        return;
    }
    if (!file->given) {
        file->lent = text;
        file->lent_len = len;
    }
    bool matters = may_matter(program, file, text, len) || job->all;
    if (len > max)
        file->state = AK_FILE_CLOSED;
    else if (matters)
        open_text(program, worker, file, text, len);
    if (!file->given && file->state != AK_FILE_OPEN)
        release_text(options, file);
}

void ak__release_texts(AkProgram *program)
{
    for (uint32_t i = 0; i < program->file_len; i++)
        release_text(&program->options, program->files[i]);
}

static void note_closed(AkProgram *program, AkFile *file)
{
    if (file->state != AK_FILE_CLOSED)
        return;
    const char *why = file->why ? file->why : "it is too large";
    AK_PUSH(program->arena, program->notices, program->notice_len, program->notice_cap) =
        ak__printf(program->arena, "%s: not looked at: %s", file->module.path, why);
}

static void open_files(AkProgram *program, AkFile **files, size_t len, bool all)
{
    Job job = {.program = program, .files = files, .len = len, .all = all, .one = open_one};
    if (len)
        run_job(program, &job);
    for (size_t i = 0; i < len; i++) {
        AkFile *file = files[i];
        note_closed(program, file);
        if (file->state == AK_FILE_OPEN || file->state == AK_FILE_CLOSED)
            ak__module_name_it(program, file);
        for (uint32_t k = 0; k < file->import_len; k++)
            file->imports[k].module =
                ak__atom_len(program, file->imports[k].module, file->imports[k].module_len);
        program->counts.files_opened += file->state == AK_FILE_OPEN;
        program->counts.blocks += file->state == AK_FILE_OPEN ? file->block_len : 0;
    }
}

void ak__open_first(AkProgram *program)
{
    AkFile **files = ak__alloc(program->arena, (program->file_len + 1) * sizeof *files);
    uint32_t len = 0;
    for (uint32_t i = 0; i < program->file_len; i++)
        if (program->files[i]->module.use != AK_LIBRARY || program->files[i]->must_open)
            files[len++] = program->files[i];
    for (uint32_t i = 0; i < len; i++)
        program->counts.files += files[i]->module.use == AK_REPORT;
    open_files(program, files, len, program->options.dialects == AK_DIALECT_AK);
    ak__drop(program->arena, files, (program->file_len + 1) * sizeof *files);
}

bool ak__want_file(AkProgram *program, AkFile *file)
{
    if (file->state == AK_FILE_KNOWN) {
        file->state = AK_FILE_WANTED;
        AK_PUSH(program->arena, program->wanted_files, program->wanted_file_len,
                program->wanted_file_cap) = file;
    }
    if (file->state == AK_FILE_WANTED)
        program->missing++;
    return file->state == AK_FILE_OPEN;
}

AkBoundRange ak__bound(const AkFile *file, const char *name, uint32_t len)
{
    uint32_t hash = ak__hash(name, len), low = 0, high = file->name_len;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (file->names[middle].hash < hash)
            low = middle + 1;
        else
            high = middle;
    }
    AkBoundRange range = {file->name_len ? file->names + low : NULL, 0};
    while (low + range.len < file->name_len && range.first[range.len].hash == hash)
        range.len++;
    return range;
}

/* ---- Parsing ---- */

AkUnitX *ak__want_block(AkProgram *program, AkFile *file, uint32_t block)
{
    if (file->unit_of[block])
        return file->unit_of[block];
    program->missing++;
    if (!file->wanted[block]) {
        file->wanted[block] = true;
        AK_PUSH(program->arena, program->wanted_blocks, program->wanted_block_len,
                program->wanted_block_cap) = (AkWantedBlock){file, block, NULL};
    }
    return NULL;
}

/* From the memory of earlier checks, or from the text. */
static const AkFacts *facts_of(const AkProgram *program, AkWorker *worker, const char *text,
                               uint32_t len)
{
    AkMemory *memory = program->options.memory;
    const AkFacts *facts = memory ? ak__memory_find(memory, text, len) : NULL;
    if (facts)
        return facts;
    facts = ak__collect(worker->arena, worker->parser, text, len);
    AkKept *kept = memory ? ak__kept_new(memory, text, len, facts) : NULL;
    if (kept)
        ak__kept_push(&worker->kept, kept);
    return facts;
}

static void parse_one(Job *job, AkWorker *worker, size_t i)
{
    AkWantedBlock *wanted = &job->blocks[i];
    const AkBlock *block = &wanted->file->blocks[wanted->block];
    if (!worker->parser) {
        worker->parser = ak__parser_new();
        if (!worker->parser)
            longjmp(*ak__arena_guard(worker->arena), 1);
    }
    AkUnitX *unit = ak__alloc(worker->arena, sizeof *unit);
    unit->unit.start = block->start;
    unit->unit.facts = facts_of(job->program, worker, wanted->file->source.text + block->start,
                                block->end - block->start);
    unit->memo = ak__alloc(worker->arena, unit->unit.facts->expr_len * sizeof *unit->memo);
    wanted->unit = unit;
}

static int in_order(const void *a, const void *b)
{
    const AkWantedBlock *x = a, *y = b;
    if (x->file != y->file)
        return x->file->index < y->file->index ? -1 : 1;
    return x->block < y->block ? -1 : x->block > y->block;
}

static int largest_first(const void *a, const void *b)
{
    const AkWantedBlock *x = a, *y = b;
    const AkBlock *p = &x->file->blocks[x->block], *q = &y->file->blocks[y->block];
    uint32_t plen = p->end - p->start, qlen = q->end - q->start;
    if (plen != qlen)
        return plen > qlen ? -1 : 1;
    return in_order(a, b);
}

/* ---- Adopting ---- */

static void intern_names(AkProgram *program, AkUnitX *unit)
{
    const AkFacts *facts = unit->unit.facts;
    const char **atoms = ak__alloc(program->arena, facts->name_count * sizeof *atoms);
    atoms[0] = ak__atom(program, "");
    for (uint32_t i = 1; i < facts->name_count; i++)
        atoms[i] = ak__atom_hashed(program->atoms, facts->names[i], facts->name_len[i],
                                   facts->name_hash[i]);
    unit->unit.atoms = atoms;
}

static AkFunction *add_function(AkProgram *program, AkUnitX *unit, uint32_t index,
                                const char *name, const char *qualified)
{
    AkFunctionX *fn = ak__alloc(program->arena, sizeof *fn);
    fn->function.unit = &unit->unit;
    fn->function.index = index;
    fn->function.name = name;
    fn->function.qualified = qualified;
    fn->function.reach = &fn->reach;
    AK_PUSH(program->arena, program->functions, program->function_len, program->function_cap) =
        &fn->function;
    return &fn->function;
}

static AkClass *add_class(AkProgram *program, AkUnitX *unit, uint32_t index,
                          const char *qualified)
{
    AkClassX *class_ = ak__alloc(program->arena, sizeof *class_);
    class_->class_.unit = &unit->unit;
    class_->class_.index = index;
    class_->class_.name = unit->unit.atoms[unit->unit.facts->classes[index].name];
    class_->class_.qualified = qualified;
    AK_PUSH(program->arena, program->classes, program->class_len, program->class_cap) =
        &class_->class_;
    return &class_->class_;
}

static const char *qualified_name(AkProgram *program, const char *prefix, const char *name)
{
    return *prefix ? ak__atom_join(program, prefix, ".", name) : name;
}

/* Scopes come parents first, so that each finds its prefix and its owner ready. */
static void adopt_scopes(AkProgram *program, AkUnitX *unit)
{
    const AkFacts *facts = unit->unit.facts;
    AkFunction **functions = ak__alloc(program->arena, facts->function_len * sizeof *functions);
    AkClass **classes = ak__alloc(program->arena, facts->class_len * sizeof *classes);
    const char **prefix = ak__alloc(program->arena, facts->scope_len * sizeof *prefix);
    const char *module = ak__atom(program, "<module>"), *lambda = ak__atom(program, "<lambda>");
    functions[0] = add_function(program, unit, 0, module, module);
    functions[0]->roles = AK_ROLE_MODULE;
    prefix[0] = prefix[1] = "";
    for (uint32_t s = 2; s < facts->scope_len; s++) {
        const AkScope *scope = &facts->scopes[s];
        prefix[s] = prefix[scope->parent];
        if (scope->kind == AK_SCOPE_FUNCTION) {
            const AkFunctionFact *fact = &facts->functions[scope->index];
            const char *name = fact->is_lambda ? lambda : unit->unit.atoms[fact->name];
            const char *qualified = qualified_name(program, prefix[s], name);
            AkFunction *fn = add_function(program, unit, scope->index, name, qualified);
            fn->outer = fact->outer ? functions[fact->outer] : NULL;
            fn->class_ = fact->class_ ? classes[fact->class_] : NULL;
            functions[scope->index] = fn;
            prefix[s] = ak__atom_join(program, qualified, ".", "<locals>");
        } else if (scope->kind == AK_SCOPE_CLASS) {
            const AkClassFact *fact = &facts->classes[scope->index];
            const char *qualified =
                qualified_name(program, prefix[s], unit->unit.atoms[fact->name]);
            classes[scope->index] = add_class(program, unit, scope->index, qualified);
            classes[scope->index]->outer =
                fact->outer_function ? functions[fact->outer_function] : NULL;
            prefix[s] = qualified;
        }
    }
    unit->unit.functions = functions;
    unit->unit.classes = classes;
}

static void adopt(AkProgram *program, AkWantedBlock *wanted)
{
    AkUnitX *unit = wanted->unit;
    unit->file = wanted->file;
    unit->block = wanted->block;
    unit->unit.module = &wanted->file->module;
    intern_names(program, unit);
    adopt_scopes(program, unit);
    wanted->file->unit_of[wanted->block] = unit;
    AK_PUSH(program->arena, program->units, program->unit_len, program->unit_cap) = unit;
    program->counts.blocks_parsed++;
}

static void parse_blocks(AkProgram *program)
{
    AkWantedBlock *blocks = program->wanted_blocks;
    uint32_t len = program->wanted_block_len;
    program->wanted_blocks = NULL;
    program->wanted_block_len = program->wanted_block_cap = 0;
    if (!len)
        return;
    qsort(blocks, len, sizeof *blocks, largest_first);
    Job job = {.program = program, .blocks = blocks, .len = len, .one = parse_one};
    run_job(program, &job);
    for (uint32_t i = 0; i < program->worker_len; i++) {
        ak__memory_take(program->options.memory, program->workers[i].kept);
        program->workers[i].kept = NULL;
    }
    qsort(blocks, len, sizeof *blocks, in_order);
    for (uint32_t i = 0; i < len; i++)
        if (blocks[i].unit)
            adopt(program, &blocks[i]);
    program->blocks_done += len;
    if (program->options.progress)
        program->options.progress(program->options.payload, program->blocks_done,
                                  program->blocks_done);
}

bool ak__round(AkProgram *program)
{
    if (!program->wanted_file_len && !program->wanted_block_len)
        return false;
    AkFile **files = program->wanted_files;
    uint32_t len = program->wanted_file_len;
    program->wanted_files = NULL;
    program->wanted_file_len = program->wanted_file_cap = 0;
    program->round++;
    open_files(program, files, len, true);
    parse_blocks(program);
    return true;
}
