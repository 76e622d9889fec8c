/* dialect_ak.c: the entry points of programs for the bundled runtime.
 *
 * They are named by a manifest's `call:`, by an option, or by start("file.py:function"); only
 * where a run has neither and no file imports temporalio are they guessed: top-level functions
 * called on_…, handle…, handler or main with one parameter that is an event, which the project
 * itself does not call.
 */
#include "stages.h"

#include "blocks.h"

#include <string.h>

/* ---- Naming them ---- */

static AkEntry *add_entry(AkProgram *program, AkEntryOrigin origin, const char *text,
                          const char *folder)
{
    AkEntry entry = {
        .origin = origin, .state = AK_ENTRY_UNKNOWN, .text = text, .durable = true};
    const char *colon = strrchr(text, ':');
    size_t len = colon ? (size_t)(colon - text) : strlen(text);
    while (len > 2 && text[0] == '.' && text[1] == '/') {
        text += 2;
        len -= 2;
    }
    const char *file = ak__atom_len(program, text, len);
    entry.file = file;
    entry.name = colon && colon[1] ? ak__atom(program, colon + 1) : NULL;
    if (!entry.name)
        entry.state = AK_ENTRY_MALFORMED;
    const char *path = *folder ? ak__atom_join(program, folder, "/", file) : file;
    AkFile *module = ak__module_by_path(program, path);
    entry.module = module ? &module->module : NULL;
    if (module)
        module->must_open = true;
    AK_PUSH(program->arena, program->entries, program->entry_len, program->entry_cap) = entry;
    return &program->entries[program->entry_len - 1];
}

static const char *folder_of(AkProgram *program, const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? ak__atom_len(program, path, (size_t)(slash - path)) : "";
}

/* Sessions are durable by default in v1 and not in v2. */
static bool is_durable(const AkManifest *manifest, const AkNode *trigger)
{
    const AkNode *version = ak_node_get(manifest->root, "version"),
                 *said = ak_node_get(trigger, "is_durable");
    if (said && said->kind == AK_NODE_SCALAR && said->text)
        return said->text[0] == 't' || said->text[0] == 'T';
    return !version || version->kind != AK_NODE_SCALAR || !version->text ||
           strcmp(version->text, "v2") != 0;
}

static void entries_of_manifest(AkProgram *program, const AkManifest *manifest)
{
    const AkNode *project = manifest->root ? ak_node_get(manifest->root, "project") : NULL;
    const AkNode *triggers = project ? ak_node_get(project, "triggers") : NULL;
    const char *folder = folder_of(program, manifest->path);
    for (size_t i = 0; triggers && triggers->kind == AK_NODE_LIST && i < triggers->count; i++) {
        const AkNode *call = ak_node_get(triggers->items[i], "call");
        if (!call || call->kind != AK_NODE_SCALAR || !call->text || !*call->text)
            continue;
        AkEntry *entry = add_entry(program, AK_ENTRY_MANIFEST, call->text, folder);
        entry->manifest = manifest;
        entry->node = call;
        entry->durable = is_durable(manifest, triggers->items[i]);
    }
}

void ak__ak_entries(AkProgram *program)
{
    for (uint32_t i = 0; i < program->manifest_len; i++)
        entries_of_manifest(program, &program->manifests[i]);
    for (const char *const *entry = program->options.entries; entry && *entry; entry++)
        add_entry(program, AK_ENTRY_OPTION, *entry, "");
}

/* ---- Guessing ---- */

bool ak__is_ak_entry_name(const char *name)
{
    return strncmp(name, "on_", 3) == 0 || strncmp(name, "handle", 6) == 0 ||
           strcmp(name, "main") == 0;
}

static bool is_event_parameter(const AkUnit *unit, const AkFunctionFact *fact)
{
    const AkParam *param = &unit->facts->params[fact->first_param];
    if (fact->param_len != 1 || param->kind > AK_PARAM_PLAIN)
        return false;
    if (strcmp(unit->atoms[param->name], "event") == 0)
        return true;
    const AkExpr *annotation = &unit->facts->exprs[param->annotation];
    return annotation->name && strcmp(unit->atoms[annotation->name], "Event") == 0;
}

/* Something else than the runtime or the project registers it. */
static bool is_registered_elsewhere(AkProgram *program, const AkUnit *unit,
                                    const AkFunctionFact *fact)
{
    for (uint32_t i = 0; i < fact->decorators.count; i++) {
        AkValues values = ak__eval(program, unit, ak_kid(unit->facts, fact->decorators, i));
        for (uint32_t k = 0; k < values.len; k++) {
            const AkValue *value = &values.items[k];
            bool ours = value->dotted && (strncmp(value->dotted, "autokitteh.", 11) == 0 ||
                                          strncmp(value->dotted, "ak.", 3) == 0);
            if (!ours && value->kind != AK_V_FUNCTION && value->kind != AK_V_CLASS)
                return true;
        }
    }
    return false;
}

static bool block_names(AkProgram *program, const AkFile *file, const AkBlock *block,
                        const char *name)
{
    const char *const words[] = {name, NULL}, *text = file->source.text;
    AkMention *mentions;
    size_t len = strlen(name), count;
    if (!ak__text_mentions(text + block->start, block->end - block->start, words))
        return false;
    count = ak__text_idents(program->arena, text, block->start, block->end, 0, &mentions);
    for (size_t i = 0; i < count; i++)
        if (mentions[i].len == len && memcmp(text + mentions[i].start, name, len) == 0)
            return true;
    return false;
}

/* Another file takes it, or another block of its own names it: a part of the program, which no
 * event calls. Behind a main guard a program is tried by hand. */
static bool is_used_by_project(AkProgram *program, const AkFile *file, const AkUnitX *unit,
                               const char *name)
{
    for (uint32_t i = 0; i < file->block_len; i++)
        if (i != unit->block && file->blocks[i].kind != AK_BLOCK_MAIN &&
            block_names(program, file, &file->blocks[i], name))
            return true;
    for (uint32_t i = 0; i < program->file_len; i++) {
        const AkFile *other = program->files[i];
        for (uint32_t k = 0; other->state == AK_FILE_OPEN && k < other->import_len; k++) {
            const AkImportAt *import = &other->imports[k];
            if (!other->module.is_test && import->name_len == strlen(name) &&
                memcmp(other->source.text + import->name_start, name, import->name_len) == 0 &&
                ak__module_find(program, other, import->module, import->level) == &file->module)
                return true;
        }
    }
    return false;
}

static void guess_in_unit(AkProgram *program, AkFile *file, AkUnitX *unit)
{
    const AkFacts *facts = unit->unit.facts;
    for (uint32_t f = 1; f < facts->function_len; f++) {
        AkFunction *fn = unit->unit.functions[f];
        if (!fn || facts->functions[f].parent != 1 || facts->functions[f].is_lambda ||
            !ak__is_ak_entry_name(fn->name) ||
            !is_event_parameter(&unit->unit, &facts->functions[f]) ||
            is_registered_elsewhere(program, &unit->unit, &facts->functions[f]) ||
            is_used_by_project(program, file, unit, fn->name))
            continue;
        AkEntry entry = {.origin = AK_ENTRY_GUESS,
                         .durable = true,
                         .file = file->module.path,
                         .name = fn->name,
                         .module = &file->module};
        entry.text = ak__printf(program->arena, "%s:%s", file->module.path, fn->name);
        entry.state = AK_ENTRY_UNKNOWN;
        AK_PUSH(program->arena, program->entries, program->entry_len, program->entry_cap) =
            entry;
    }
}

static bool may_guess(const AkProgram *program)
{
    unsigned dialects = program->options.dialects;
    bool ak = !dialects || dialects & (AK_DIALECT_AK | AK_DIALECT_AUTOKITTEH);
    if (!ak || program->entry_len || program->manifest_len)
        return false;
    for (uint32_t i = 0; i < program->file_len; i++)
        if (program->files[i]->module.imports_temporal)
            return false;
    return true;
}

/* The blocks that could hold one; true when all are there. */
static bool guess_in_file(AkProgram *program, AkFile *file)
{
    uint32_t missing = program->missing;
    for (uint32_t i = 0; i < file->block_len; i++) {
        const AkBlock *block = &file->blocks[i];
        if (block->kind != AK_BLOCK_DEF)
            continue;
        const char *name =
            ak__atom_len(program, file->source.text + block->name_start, block->name_len);
        if (ak__is_ak_entry_name(name))
            ak__want_block(program, file, i);
    }
    return program->missing == missing;
}

static void guess(AkProgram *program)
{
    for (uint32_t i = 0; i < program->file_len; i++) {
        AkFile *file = program->files[i];
        bool looks =
            file->module.use == AK_REPORT && file->mentions_event && !file->module.is_test;
        if (looks && ak__want_file(program, file))
            guess_in_file(program, file);
    }
    while (ak__round(program))
        for (uint32_t i = 0; i < program->file_len; i++) {
            AkFile *file = program->files[i];
            if (file->module.use == AK_REPORT && file->mentions_event &&
                file->state == AK_FILE_OPEN && !file->module.is_test)
                guess_in_file(program, file);
        }
    for (uint32_t i = 0; i < program->file_len; i++) {
        AkFile *file = program->files[i];
        for (uint32_t k = 0; file->state == AK_FILE_OPEN && k < file->block_len; k++)
            if (file->unit_of[k] && file->blocks[k].kind == AK_BLOCK_DEF)
                guess_in_unit(program, file, file->unit_of[k]);
    }
    if (program->entry_len)
        AK_PUSH(program->arena, program->notices, program->notice_len, program->notice_cap) =
            ak__printf(program->arena,
                       "entry points guessed by their names: %s%s; name them with --entry "
                       "file.py:function or in "
                       "autokitteh.yaml",
                       program->entries[0].text, program->entry_len > 1 ? ", …" : "");
}

void ak__ak_guess(AkProgram *program)
{
    if (may_guess(program))
        guess(program);
}

/* ---- What they are ---- */

/* Our own runtime records every session; the hosted service those of durable triggers. */
bool ak__is_durable_book(const AkProgram *program)
{
    return !(program->options.dialects & AK_DIALECT_AUTOKITTEH) ||
           program->options.dialects & AK_DIALECT_AK;
}

static AkEntryState state_of(const AkSet *values, AkEntry *entry)
{
    for (uint32_t i = 0; i < values->len; i++)
        if (values->items[i].kind == AK_V_FUNCTION) {
            entry->function = values->items[i].function;
            return AK_ENTRY_FOUND;
        }
    switch ((AkValueKind)values->items[0].kind) {
    case AK_V_CLASS: entry->class_ = values->items[0].class_; return AK_ENTRY_CLASS;
    case AK_V_STRING:
    case AK_V_BYTES:
    case AK_V_NUMBER:
    case AK_V_TRUE:
    case AK_V_FALSE:
    case AK_V_NONE:
    case AK_V_LIST:
    case AK_V_TUPLE:
    case AK_V_SET:
    case AK_V_DICT: return AK_ENTRY_VALUE;
    default: return AK_ENTRY_UNKNOWN;
    }
}

static bool has_open_star(AkProgram *program, const AkFile *file)
{
    for (uint32_t i = 0; i < file->import_len; i++)
        if (file->imports[i].star &&
            !ak__module_find(program, file, file->imports[i].module, file->imports[i].level))
            return true;
    return false;
}

static void found(AkProgram *program, AkEntry *entry)
{
    AkFunction *fn = entry->function;
    const char *what = ak__printf(program->arena, "entry point %s", entry->name);
    fn->roles |= AK_ROLE_ENTRY;
    ak__roles(program, fn);
    if (fn->roles & AK_ROLE_ACTIVITY)
        ak__root(program, fn, AK_CTX_ENTRY | AK_CTX_ACTIVITY, AK_BOOK_AK, what);
    else if (!entry->durable && !ak__is_durable_book(program))
        ak__root(program, fn, AK_CTX_ENTRY, AK_BOOK_AK, what);
    else
        ak__root(program, fn, AK_CTX_ENTRY | AK_CTX_WORKFLOW, AK_BOOK_AK, what);
    ak__file(fn->unit->module)->books |= 1 << AK_BOOK_AK;
}

static void resolve(AkProgram *program, AkEntry *entry)
{
    AkSet values = {.len = 0};
    AkFile *file = entry->module ? ak__file(entry->module) : NULL;
    if (entry->state == AK_ENTRY_MALFORMED)
        return;
    if (!file) {
        entry->state = AK_ENTRY_NO_FILE;
        return;
    }
    file->books |= 1 << AK_BOOK_AK;
    ak__import_root(program, file);
    uint32_t missing = program->missing;
    bool bound = ak__module_name(program, entry->module, entry->name, &values);
    if (program->missing != missing)
        return; /* asked again in the next round */
    if (!bound)
        entry->state = file->state != AK_FILE_OPEN || has_open_star(program, file)
                           ? AK_ENTRY_UNKNOWN
                           : AK_ENTRY_NO_NAME;
    else
        entry->state = values.len ? state_of(&values, entry) : AK_ENTRY_UNKNOWN;
    if (entry->state == AK_ENTRY_FOUND)
        found(program, entry);
}

/* Every entry that is not known yet. */
void ak__ak_resolve(AkProgram *program)
{
    for (uint32_t i = 0; i < program->entry_len; i++)
        if (!program->entries[i].function)
            resolve(program, &program->entries[i]);
}

/* ---- Activities ---- */

void ak__ak_unit(AkProgram *program, AkUnitX *unit)
{
    const AkFacts *facts = unit->unit.facts;
    if (unit->file->module.imports_temporal)
        return;
    for (uint32_t f = 1; f < facts->function_len; f++) {
        AkFunction *fn = unit->unit.functions[f];
        if (fn && fn->roles & AK_ROLE_ACTIVITY && unit->file->module.imports_ak)
            ak__root(program, fn, AK_CTX_ACTIVITY, AK_BOOK_AK,
                     ak__printf(program->arena, "activity %s", fn->qualified));
    }
}

/* start("file.py:function") names an entry point too. */
void ak__ak_starts(AkProgram *program)
{
    for (uint32_t i = 0; i < program->function_len; i++) {
        const AkFunction *fn = program->functions[i];
        for (size_t k = 0; k < fn->call_len; k++) {
            const AkCall *call = &fn->calls[k];
            if (!call->dotted || call->kind != AK_CALL_PLAIN ||
                (strcmp(call->dotted, "autokitteh.start") != 0 &&
                 strcmp(call->dotted, "ak.start") != 0))
                continue;
            AkValues values =
                ak__eval(program, fn->unit, ak__plain_argument(fn->unit->facts, call->expr, 0));
            if (values.len != 1 || values.items[0].kind != AK_V_STRING || !values.items[0].text)
                continue;
            const char *folder = ak__file(fn->unit->module)->folder;
            AkEntry *entry = add_entry(program, AK_ENTRY_START, values.items[0].text, folder);
            entry->call = call;
        }
    }
}
