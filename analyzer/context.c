/* context.c: in which contexts each function runs, and by which shortest way.
 *
 * All roots start at once and the calls are followed breadth first, so the first way by which a
 * context reaches a function is a shortest one; it is kept as a link to the call and the link
 * before. Ways over calls that were guessed come second: they only add contexts that no proved
 * way gives, and so do ways through a branch for failures of the code itself (`except Exception`
 * around code that awaits nothing); methods of workflows that nothing reaches come last. Calls that run only where an
 * argument is missing (defaults.c) are followed from the ways into their function that lack it. The
 * two rule books are kept apart, as a helper may be an activity in one program and an entry point in
 * the other.
 */
#include "stages.h"

#include "blocks.h"

#include <string.h>

typedef struct Walk {
    AkProgram *program;
    AkLink **queue;
    AkFunction **who;
    uint32_t len, cap, who_len, who_cap, at;
    bool proved;
} Walk;

/* ---- Roots ---- */

void ak__root(AkProgram *program, AkFunction *fn, uint16_t contexts, uint8_t book,
              const char *what)
{
    AkFunctionX *x = ak__function(fn);
    if (!(contexts & ~x->rooted[book]))
        return;
    AkRoot root = {fn, contexts & (uint16_t)~x->rooted[book], book, what};
    AK_PUSH(program->arena, program->roots, program->root_len, program->root_cap) = root;
    x->rooted[book] |= (uint8_t)contexts;
    ak__queue(program, fn);
}

void ak__import_root(AkProgram *program, AkFile *file)
{
    if (file->import_reached || file->state == AK_FILE_FOLDER || file->module.use == AK_LIBRARY)
        return;
    file->import_reached = true;
    AK_PUSH(program->arena, program->import_queue, program->import_len, program->import_cap) =
        file;
}

/* A def runs nothing when it is defined unless something calls in its header. */
static bool header_calls(const AkFile *file, const AkBlock *block)
{
    const char *text = file->source.text;
    uint32_t at = block->name_start + block->name_len;
    int depth = 0;
    for (; at < block->end; at++) {
        if (text[at] == '(' && depth++ > 0)
            return true;
        if (text[at] == ')' && --depth == 0)
            return false;
    }
    return true; /* never closes: broken, which the parser shall tell */
}

static bool runs_at_import(const AkFile *file, const AkBlock *block)
{
    switch ((AkBlockKind)block->kind) {
    case AK_BLOCK_DOC:
    case AK_BLOCK_BLANK:
    case AK_BLOCK_MAIN: return false;
    case AK_BLOCK_DEF: return block->decorated || block->unsure || header_calls(file, block);
    default: return true;
    }
}

/* Parses and queues the top-level code of files that durable programs import. */
void ak__module_code(AkProgram *program)
{
    for (uint32_t i = program->import_at; i < program->import_len; i++) {
        AkFile *file = program->import_queue[i];
        bool complete = ak__want_file(program, file);
        for (uint32_t k = 0; complete && k < file->block_len; k++) {
            if (!runs_at_import(file, &file->blocks[k]))
                continue;
            AkUnitX *unit = ak__want_block(program, file, k);
            if (unit && !ak__function(unit->unit.functions[0])->reached)
                ak__queue(program, unit->unit.functions[0]);
            complete &= unit != NULL;
        }
        bool done = complete || file->state == AK_FILE_CLOSED;
        if (done && i == program->import_at)
            program->import_at++;
    }
}

/* ---- The walk ---- */

uint16_t ak__pass_contexts(uint16_t contexts, uint8_t book, const AkFunction *target)
{
    if (!(target->roles & (AK_ROLE_ACTIVITY | AK_ROLE_NEXUS)))
        return contexts;
    if (book == AK_BOOK_AK && contexts & AK_IN_WORKFLOW)
        contexts |= AK_CTX_ACTIVITY; /* the call itself is the activity */
    return contexts & (uint16_t)~AK_IN_WORKFLOW;
}

static void give(Walk *walk, AkFunction *fn, uint8_t book, uint16_t contexts, AkLink link)
{
    AkReach *reach = &ak__function(fn)->reach;
    uint16_t added = contexts & (uint16_t)~reach->contexts[book];
    if (!added)
        return;
    AkLink *kept = ak__alloc(walk->program->arena, sizeof *kept);
    *kept = link;
    kept->bits = added;
    kept->book = book;
    kept->next = reach->links;
    reach->links = kept;
    reach->contexts[book] |= added;
    AK_PUSH(walk->program->arena, walk->queue, walk->len, walk->cap) = kept;
    AK_PUSH(walk->program->arena, walk->who, walk->who_len, walk->who_cap) = fn;
    ak__file(fn->unit->module)->books |= (uint8_t)(1 << book);
}

/* Top-level code of an imported module, and of the packages around it. */
static void give_module(Walk *walk, AkModule *module, uint8_t book, AkLink link)
{
    AkFile *file = ak__file(module);
    if (!file->import_reached)
        return;
    file->books |= (uint8_t)(1 << book);
    for (uint32_t i = 0; file->state == AK_FILE_OPEN && i < file->block_len; i++)
        if (file->unit_of[i] && runs_at_import(file, &file->blocks[i]))
            give(walk, file->unit_of[i]->unit.functions[0], book, AK_CTX_IMPORT, link);
}

static void follow_call(Walk *walk, const AkCall *call, AkLink *up, uint16_t contexts);

/* The calls of fn that run only where an argument is missing, for one way into it. */
static void follow_defaults(Walk *walk, AkFunction *fn, const AkLink *way)
{
    for (size_t i = 0; i < fn->call_len; i++) {
        const AkCall *call = &fn->calls[i];
        AkUnless *unless = call->unless;
        uint16_t added = 0;
        if (unless)
            added = way->bits & call->mask & (uint16_t)~unless->contexts[way->book];
        if (!added)
            continue;
        AkLack lack = ak__lacks(walk->program, way, unless->name);
        if (lack == AK_GIVES || (way->proved && lack == AK_LACKS) != walk->proved)
            continue;
        AkLink *kept = ak__alloc(walk->program->arena, sizeof *kept);
        *kept = *way;
        kept->bits = added;
        kept->proved = walk->proved;
        kept->next = unless->links;
        unless->links = kept;
        unless->contexts[way->book] |= added;
        follow_call(walk, call, kept, added);
    }
}

static void follow_call(Walk *walk, const AkCall *call, AkLink *up, uint16_t contexts)
{
    bool proved = up->proved && call->proved && !(call->target && ak__is_defensive(call));
    AkLink link = {.from = call->fn,
                   .call = call,
                   .up = up,
                   .bits = contexts,
                   .book = up->book,
                   .proved = proved};
    if (call->target && ak__function(call->target)->has_unless) {
        link.bits = ak__pass_contexts(contexts, up->book, call->target);
        follow_defaults(walk, call->target, &link);
    }
    if (proved != walk->proved)
        return;
    if (call->kind == AK_CALL_IMPORT && contexts & AK_CTX_IMPORT)
        give_module(walk, call->callee.module, up->book, link);
    else if (call->target)
        give(walk, call->target, up->book, ak__pass_contexts(contexts, up->book, call->target),
             link);
}

static void follow(Walk *walk, AkFunction *fn, AkLink *up)
{
    if (!up->from && ak__function(fn)->has_unless)
        follow_defaults(walk, fn, up);
    for (size_t i = 0; i < fn->call_len; i++) {
        const AkCall *call = &fn->calls[i];
        uint16_t contexts = up->bits & call->mask;
        if (contexts && !call->unless)
            follow_call(walk, call, up, contexts);
    }
}

static void run(Walk *walk)
{
    for (; walk->at < walk->len; walk->at++)
        follow(walk, walk->who[walk->at], walk->queue[walk->at]);
}

static void start_imports(Walk *walk)
{
    AkProgram *program = walk->program;
    for (uint32_t i = 0; i < program->class_len; i++) {
        const AkClass *class_ = program->classes[i];
        AkLink link = {.proved = true};
        if (!class_->is_workflow || class_->unit->module->is_test)
            continue;
        link.root = ak__printf(program->arena, "module %s of workflow %s",
                               class_->unit->module->name, class_->name);
        give_module(walk, class_->unit->module, AK_BOOK_TEMPORAL, link);
    }
    for (uint32_t i = 0; i < program->entry_len; i++) {
        const AkEntry *entry = &program->entries[i];
        AkLink link = {.proved = true};
        if (!entry->module)
            continue;
        link.root = ak__printf(program->arena, "module %s of entry point %s",
                               entry->module->name, entry->name ? entry->name : entry->text);
        give_module(walk, entry->module, AK_BOOK_AK, link);
    }
    for (uint32_t i = 0; program->options.dialects == AK_DIALECT_AK && i < program->file_len;
         i++) {
        AkModule *module = &program->files[i]->module;
        AkLink link = {.proved = true,
                       .root = ak__printf(program->arena, "module %s", module->name)};
        if (module->use == AK_REPORT)
            give_module(walk, module, AK_BOOK_AK, link);
    }
}

/* Guessed ways start where proved ones ended: all links so far are walked again for the calls
 * that were left out, and what those give is walked whole. */
static void run_guessed(Walk *walk)
{
    uint32_t proved = walk->len;
    for (uint32_t i = 0; i < proved; i++)
        follow(walk, walk->who[i], walk->queue[i]);
    walk->at = proved;
    run(walk);
}

/* Only the SDK makes instances of a workflow class, so what no way reaches of their methods runs
 * in a workflow if it ever runs: for a debugging aid, by a call that could not be resolved. */
static void start_unreached(Walk *walk)
{
    enum { NO_INSTANCE = AK_ROLE_STATIC | AK_ROLE_CLASSMETHOD | AK_ROLE_FIELDS };
    AkProgram *program = walk->program;
    for (uint32_t i = 0; i < program->function_len; i++) {
        AkFunction *fn = program->functions[i];
        if (!fn->index || !fn->class_ || !fn->class_->is_workflow ||
            fn->roles & (NO_INSTANCE | AK_ROLE_ACTIVITY | AK_ROLE_NEXUS) ||
            ak__function(fn)->reach.contexts[AK_BOOK_TEMPORAL])
            continue;
        AkLink link = {
            .root = ak__printf(program->arena, "method %s of a workflow", fn->qualified)};
        give(walk, fn, AK_BOOK_TEMPORAL, AK_CTX_WORKFLOW, link);
    }
}

void ak__contexts(AkProgram *program)
{
    Walk walk = {.program = program, .proved = true};
    program->epoch++;
    program->budget = UINT32_MAX;
    for (uint32_t i = 0; i < program->root_len; i++) {
        const AkRoot *root = &program->roots[i];
        AkLink link = {.root = root->text, .proved = true};
        give(&walk, root->function, root->book, root->contexts, link);
    }
    start_imports(&walk);
    run(&walk);
    walk.proved = false;
    run_guessed(&walk);
    start_unreached(&walk);
    run(&walk);
}

static const AkLink *best_of(const AkLink *links, uint8_t book, unsigned context)
{
    const AkLink *best = NULL;
    for (const AkLink *link = links; link; link = link->next)
        if (link->book == book && link->bits & context &&
            (!best || (link->proved && !best->proved)))
            best = link;
    return best;
}

const AkLink *ak__link(const AkFunction *fn, uint8_t book, unsigned context)
{
    return best_of(ak__function(fn)->reach.links, book, context);
}

const AkLink *ak__link_of_call(const AkCall *call, uint8_t book, unsigned context)
{
    return call->unless ? best_of(call->unless->links, book, context)
                        : ak__link(call->fn, book, context);
}

unsigned ak__contexts_of_call(const AkCall *call, uint8_t book)
{
    return call->unless ? call->unless->contexts[book]
                        : ak__function(call->fn)->reach.contexts[book] & call->mask;
}
