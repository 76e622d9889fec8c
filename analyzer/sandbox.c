/* sandbox.c: which code the SDK's workflow sandbox watches.
 *
 * It sees what a workflow's file and the files that it imports do, except modules imported under
 * `workflow.unsafe.imports_passed_through()` and whatever those import: they are the worker's own
 * modules, shared by all its workflows. A class with `sandboxed=False` is not watched at all.
 */
#include "stages.h"

#include <string.h>

static void pass_file(AkProgram *program, AkFile *file, int depth);

static void pass_import(AkProgram *program, AkFile *file, const char *module, const char *name,
                        uint32_t level, int depth)
{
    AkModule *found = ak__module_find(program, file, module, level);
    if (found)
        pass_file(program, ak__file(found), depth);
    if (name && *name) {
        const char *full =
            *module ? ak__atom_join(program, module, ".", name) : ak__atom(program, name);
        found = ak__module_find(program, file, full, level);
        if (found)
            pass_file(program, ak__file(found), depth);
    }
}

static void pass_file(AkProgram *program, AkFile *file, int depth)
{
    if (file->passed_through || depth > 40)
        return;
    file->passed_through = true;
    for (uint32_t i = 0; i < file->import_len; i++) {
        const AkImportAt *import = &file->imports[i];
        const char *name = import->from
                               ? ak__atom_len(program, file->source.text + import->name_start,
                                              import->name_len)
                               : NULL;
        pass_import(program, file, import->module, name, import->level, depth + 1);
    }
}

static bool is_below_pass_through(const AkUnit *unit, AkStmtId stmt)
{
    for (; stmt; stmt = unit->facts->stmts[stmt].parent)
        if (unit->facts->stmts[stmt].kind == AK_S_WITH &&
            ak__is_pass_through(unit, &unit->facts->stmts[stmt]))
            return true;
    return false;
}

static void pass_unit(AkProgram *program, const AkUnit *unit)
{
    const AkFacts *facts = unit->facts;
    for (uint32_t i = 1; i < facts->import_len; i++) {
        const AkImport *import = &facts->imports[i];
        if (is_below_pass_through(unit, import->stmt))
            pass_import(program, ak__file(unit->module), unit->atoms[import->module],
                        import->name ? unit->atoms[import->name] : NULL, import->level, 0);
    }
}

static void find_passed(AkProgram *program)
{
    program->passed_done = true;
    for (uint32_t i = 0; i < program->file_len; i++)
        for (size_t k = 0; k < program->files[i]->module.unit_len; k++)
            pass_unit(program, program->files[i]->module.units[k]);
}

static bool says_unsandboxed(AkPass *pass, const AkClass *class_)
{
    if (!class_->is_workflow || !class_->workflow_defn)
        return false;
    AkArgument given =
        ak_argument_at(pass, class_->unit, class_->workflow_defn, "sandboxed", -1);
    return given.given == AK_GIVEN && given.unit->facts->exprs[given.expr].kind == AK_X_FALSE;
}

/* All workflows of the module are left unwatched, and there is one. */
static bool is_unsandboxed_module(AkPass *pass, const AkModule *module)
{
    bool some = false;
    for (size_t i = 0; i < pass->class_len; i++) {
        const AkClass *class_ = pass->classes[i];
        if (class_->unit->module != module || !class_->is_workflow)
            continue;
        if (!says_unsandboxed(pass, class_))
            return false;
        some = true;
    }
    return some;
}

bool ak_is_sandboxed(AkPass *pass, const AkFunction *fn)
{
    if (!pass->program->passed_done)
        find_passed(pass->program);
    if (ak__file(fn->unit->module)->passed_through)
        return false;
    for (const AkFunction *at = fn; at; at = at->outer)
        if (at->class_ && at->class_->is_workflow)
            return !says_unsandboxed(pass, at->class_);
    return !is_unsandboxed_module(pass, fn->unit->module);
}

bool ak_is_passed_through(AkPass *pass, const AkModule *module)
{
    if (!pass->program->passed_done)
        find_passed(pass->program);
    return ak__file(module)->passed_through;
}
