/* names.c: what a name means where it stands.
 *
 * Python's rules for scopes: a function sees its own names, those of the functions around it
 * and the module's; the body of a class is seen only by code directly in it; a comprehension is
 * a function of its own. Which of several bindings a read may see depends on when it runs:
 *
 * - In the code of the same function, on the place: the last binding before the read that
 * surely ran (it stands in a suite around the read) hides those before it; bindings on other
 * branches in between may be seen too, and in a loop those further down.
 * - In functions that run later (closures, module names read in functions), on the end of the
 *   scope: the last binding that surely ran, and all after it.
 *
 * Names of a module are looked for in all of its blocks; only those that bind the name are
 * parsed.
 */
#include "stages.h"

#include "blocks.h"

#include <string.h>

/* Up to FEW_NAMES, looking through a unit's names costs less than a map of them. */
enum { MOST_BINDINGS = 48, DEEPEST = 200, FEW_NAMES = 48 };

/* The first of the bindings, which are sorted by name, whose name is this one or behind it. */
static uint32_t first_named(const AkBinding *bindings, uint32_t len, AkName name)
{
    uint32_t low = 0;
    while (low < len) {
        uint32_t middle = low + (len - low) / 2;
        if (bindings[middle].name < name)
            low = middle + 1;
        else
            len = middle;
    }
    return low;
}

const AkBinding *ak__scope_bindings(const AkFacts *facts, AkScopeId scope, AkName name,
                                    uint32_t *len)
{
    const AkBinding *bindings = facts->bindings + facts->scopes[scope].first_binding;
    uint32_t count = facts->scopes[scope].binding_len,
             first = first_named(bindings, count, name);
    *len = first_named(bindings + first, count - first, name + 1);
    return bindings + first;
}

static AkName name_among(const AkUnit *unit, const char *atom)
{
    for (AkName i = 1; i < unit->facts->name_count; i++)
        if (unit->atoms[i] == atom)
            return i;
    return 0;
}

AkName ak__name_in(AkProgram *program, const AkUnit *unit, const char *atom)
{
    AkUnitX *x = ak__unit(unit);
    if (unit->facts->name_count <= FEW_NAMES)
        return name_among(unit, atom);
    if (!x->name_of.cap)
        for (AkName i = 1; i < unit->facts->name_count; i++)
            ak__map_set(program->arena, &x->name_of, ak__key(unit->atoms[i]), i);
    return ak__map_get(&x->name_of, ak__key(atom));
}

/* ---- Which binding reaches a read ---- */

/* Changes or declares what is bound already. */
static bool is_weak(const AkBinding *binding)
{
    return binding->kind == AK_B_AUGMENTED || binding->kind == AK_B_DELETE ||
           (binding->kind == AK_B_ANNOTATED && !binding->value);
}

/* The statement around (or the same as) `stmt` whose parent is `parent`; 0 if there is none. */
static AkStmtId lift(const AkFacts *facts, AkStmtId stmt, AkStmtId parent)
{
    for (int depth = 0; stmt && depth < DEEPEST; depth++) {
        if (facts->stmts[stmt].parent == parent)
            return stmt;
        stmt = facts->stmts[stmt].parent;
    }
    return 0;
}

static bool runs_before(const AkFacts *facts, const AkBinding *binding, const AkExpr *read)
{
    if (binding->start >= read->start)
        return false;
    const AkExpr *value = &facts->exprs[binding->value];
    return !binding->value || read->start < value->start || read->start >= value->end;
}

/* Whether the binding's statement has surely run when the read's runs. */
static bool surely_ran(const AkFacts *facts, const AkBinding *binding, AkStmtId read)
{
    if (binding->kind == AK_B_PARAMETER)
        return true;
    const AkStmt *stmt = &facts->stmts[binding->stmt];
    AkStmtId beside = lift(facts, read, stmt->parent);
    if (!beside || facts->stmts[beside].suite != stmt->suite)
        return false;
    bool only_inside =
        stmt->kind == AK_S_FOR || stmt->kind == AK_S_HANDLER || stmt->kind == AK_S_CASE;
    return !only_inside || beside == binding->stmt;
}

static bool are_branches(const AkFacts *facts, AkStmtId parent, AkStmtId a, AkStmtId b)
{
    const AkStmt *x = &facts->stmts[a], *y = &facts->stmts[b];
    if (a == b)
        return false;
    switch (facts->stmts[parent].kind) {
    case AK_S_IF: return x->suite != y->suite;
    case AK_S_MATCH: return true;
    case AK_S_TRY:
        return x->suite != AK_SUITE_FINALLY && y->suite != AK_SUITE_FINALLY &&
               x->suite != AK_SUITE_BODY && y->suite != AK_SUITE_BODY &&
               (x->suite == AK_SUITE_HANDLER || y->suite == AK_SUITE_HANDLER);
    default: return false;
    }
}

/* Whether only one of the two statements runs, and in which loop both stand (0: none). */
static bool exclude_each_other(const AkFacts *facts, AkStmtId a, AkStmtId b, AkStmtId *loop)
{
    bool exclusive = false;
    *loop = 0;
    for (int depth = 0; a && depth < DEEPEST; depth++) {
        AkStmtId parent = facts->stmts[a].parent, beside = lift(facts, b, parent);
        if (beside) {
            exclusive = are_branches(facts, parent, a, beside);
            while (parent && facts->stmts[parent].kind != AK_S_FUNCTION &&
                   facts->stmts[parent].kind != AK_S_FOR &&
                   facts->stmts[parent].kind != AK_S_WHILE)
                parent = facts->stmts[parent].parent;
            if (parent && facts->stmts[parent].kind != AK_S_FUNCTION)
                *loop = parent;
            return exclusive;
        }
        a = parent;
    }
    return exclusive;
}

/* The outermost loop of the function around the statement, or 0. */
static AkStmtId outermost_loop(const AkFacts *facts, AkStmtId stmt)
{
    AkStmtId loop = 0;
    for (int depth = 0; stmt && depth < DEEPEST; depth++, stmt = facts->stmts[stmt].parent) {
        if (facts->stmts[stmt].kind == AK_S_FOR || facts->stmts[stmt].kind == AK_S_WHILE)
            loop = stmt;
        if (facts->stmts[stmt].kind == AK_S_FUNCTION)
            break;
    }
    return loop;
}

/* Bindings of a name are in the order of the text. */
static uint32_t first_at(const AkBinding *bindings, uint32_t len, uint32_t start)
{
    uint32_t low = 0;
    while (low < len) {
        uint32_t middle = low + (len - low) / 2;
        if (bindings[middle].start < start)
            low = middle + 1;
        else
            len = middle;
    }
    return low;
}

/* Calls back for each binding that the read may see, until enough were seen. */
typedef void (*SeeBinding)(AkProgram *, const AkUnit *, const AkBinding *, AkSet *);

static void see_at_place(AkProgram *program, const AkUnit *unit, const AkBinding *bindings,
                         uint32_t len, const AkExpr *read, SeeBinding see, AkSet *out)
{
    const AkFacts *facts = unit->facts;
    uint32_t seen = 0;
    AkStmtId hidden_by = 0, loop, outermost = outermost_loop(facts, read->stmt);
    for (uint32_t i = first_at(bindings, len, read->start); i-- > 0 && seen < MOST_BINDINGS;) {
        const AkBinding *binding = &bindings[i];
        if (!runs_before(facts, binding, read))
            continue;
        bool sure = !is_weak(binding) && surely_ran(facts, binding, read->stmt);
        if (!sure && exclude_each_other(facts, binding->stmt, read->stmt, &loop) && !loop)
            continue;
        see(program, unit, binding, out);
        seen++;
        if (sure) {
            hidden_by = binding->stmt;
            break;
        }
    }
    if (!outermost)
        return;
    uint32_t end = facts->stmts[outermost].end;
    for (uint32_t i = first_at(bindings, len, facts->stmts[outermost].start);
         i < len && seen < MOST_BINDINGS; i++) {
        const AkBinding *binding = &bindings[i];
        if (binding->start >= end)
            break;
        if (binding->kind == AK_B_PARAMETER || runs_before(facts, binding, read))
            continue;
        exclude_each_other(facts, binding->stmt, read->stmt, &loop);
        bool set_anew =
            loop && hidden_by && hidden_by > loop && hidden_by <= facts->stmts[loop].last;
        if (loop && !set_anew) {
            see(program, unit, binding, out);
            seen++;
        }
    }
}

/* What a scope's name is once the scope's code is through. */
static void see_at_end(AkProgram *program, const AkUnit *unit, AkScopeId scope,
                       const AkBinding *bindings, uint32_t len, SeeBinding see, AkSet *out)
{
    const AkFacts *facts = unit->facts;
    const AkScope *where = &facts->scopes[scope];
    AkStmtId top = 0;
    if (where->kind == AK_SCOPE_FUNCTION)
        top = facts->functions[where->index].stmt;
    else if (where->kind == AK_SCOPE_CLASS)
        top = facts->classes[where->index].stmt;
    uint32_t first = len;
    while (first > 0 && len - first < MOST_BINDINGS) {
        const AkBinding *binding = &bindings[--first];
        if (!is_weak(binding) &&
            (binding->kind == AK_B_PARAMETER || facts->stmts[binding->stmt].parent == top))
            break;
    }
    for (; first < len; first++)
        see(program, unit, &bindings[first], out);
}

/* ---- Scopes ---- */

/* The scope that binds the name for code in `from`; 1 for the module (bound or not). */
static AkScopeId binding_scope(const AkFacts *facts, AkScopeId from, AkName name,
                               const AkBinding **bindings, uint32_t *len)
{
    bool direct = true;
    for (AkScopeId scope = from; scope > 1; scope = facts->scopes[scope].parent) {
        uint8_t kind = facts->scopes[scope].kind;
        /* A class body sees its own names, its methods do not. */
        if (kind != AK_SCOPE_CLASS || direct) {
            *bindings = ak__scope_bindings(facts, scope, name, len);
            /* `global` and `nonlocal` stand before every use, and what they name is bound elsewhere. */
            if (*len && (*bindings)->kind == AK_B_GLOBAL)
                return 1;
            if (*len && (*bindings)->kind != AK_B_NONLOCAL)
                return scope;
        }
        direct = direct && kind == AK_SCOPE_COMPREHENSION;
    }
    return 1;
}

static bool same_run(const AkFacts *facts, AkScopeId binder, AkScopeId reader)
{
    const AkScope *a = &facts->scopes[binder], *b = &facts->scopes[reader];
    /* In a comprehension the element stands before the clause that binds. */
    if (a->function != b->function || a->kind == AK_SCOPE_COMPREHENSION)
        return false;
    return a->kind != AK_SCOPE_CLASS || binder == reader;
}

static void module_name_for(AkProgram *program, const AkUnit *unit, const char *name,
                            const AkExpr *read, AkSet *out);

void ak__lookup(AkProgram *program, const AkUnit *unit, AkScopeId scope, AkName name,
                AkExprId at, AkSet *out)
{
    const AkFacts *facts = unit->facts;
    const AkBinding *bindings = NULL;
    uint32_t len = 0;
    AkScopeId binder = binding_scope(facts, scope, name, &bindings, &len);
    const AkExpr *read = at ? &facts->exprs[at] : NULL;
    if (binder == 1) {
        bool module_code = read && !facts->scopes[scope].function;
        module_name_for(program, unit, unit->atoms[name], module_code ? read : NULL, out);
    } else if (read && same_run(facts, binder, scope)) {
        uint32_t before = out->len;
        see_at_place(program, unit, bindings, len, read, ak__binding_value, out);
        /* `@run` above `def run`: what the class has not bound yet is looked for around it. */
        if (out->len == before && facts->scopes[binder].kind == AK_SCOPE_CLASS)
            ak__lookup(program, unit, facts->scopes[binder].parent, name, at, out);
    } else {
        see_at_end(program, unit, binder, bindings, len, ak__binding_value, out);
    }
}

/* What a name of a class's body, or of any scope, is in the end. */
void ak__scope_value(AkProgram *program, const AkUnit *unit, AkScopeId scope, AkName name,
                     AkSet *out)
{
    uint32_t len;
    const AkBinding *bindings = ak__scope_bindings(unit->facts, scope, name, &len);
    see_at_end(program, unit, scope, bindings, len, ak__binding_value, out);
}

static void see_parameter(AkProgram *program, const AkUnit *unit, const AkBinding *binding,
                          AkSet *out)
{
    (void)program;
    (void)unit;
    AkValue value = {.kind = binding->kind == AK_B_PARAMETER ? AK_V_TRUE : AK_V_FALSE};
    ak__add(out, value);
}

bool ak__is_parameter(AkProgram *program, const AkUnit *unit, AkExprId at, AkParamRef *out)
{
    const AkFacts *facts = unit->facts;
    const AkExpr *read = &facts->exprs[at];
    const AkBinding *bindings = NULL;
    uint32_t len = 0;
    if (read->kind != AK_X_NAME)
        return false;
    AkScopeId binder = binding_scope(facts, read->scope, read->name, &bindings, &len);
    if (binder == 1 || !len || bindings[0].kind != AK_B_PARAMETER ||
        facts->scopes[binder].kind != AK_SCOPE_FUNCTION)
        return false;
    AkSet seen = {.len = 0};
    if (same_run(facts, binder, read->scope))
        see_at_place(program, unit, bindings, len, read, see_parameter, &seen);
    else
        see_at_end(program, unit, binder, bindings, len, see_parameter, &seen);
    const AkFunctionFact *fact = &facts->functions[facts->scopes[binder].index];
    out->function = unit->functions[facts->scopes[binder].index];
    out->index = bindings[0].index - fact->first_param;
    return seen.len == 1 && seen.items[0].kind == AK_V_TRUE;
}

/* ---- Imports ---- */

static void from_module(AkProgram *program, const AkFile *file, AkModule *found,
                        const char *name, AkSet *out)
{
    AkValue value = {.kind = AK_V_MODULE, .module = found};
    if (found == &file->module || program->depth > 60) {
        program->unstable += found != &file->module;
        ak__add_unknown(out);
        return;
    }
    program->depth += 2;
    ak__attribute(program, &value, name, out);
    program->depth -= 2;
}

/* whole: `import a.b as c` binds a.b, a plain `import a.b` binds a. */
void ak__import_value(AkProgram *program, AkFile *file, const char *module, uint32_t level,
                      const char *name, bool whole, AkSet *out)
{
    if (!name && !whole)
        module = ak__atom_len(program, module, strcspn(module, "."));
    AkModule *found = ak__module_find(program, file, module, level);
    /* `from . import x` in a package's own __init__ means the submodule. */
    AkModule *child =
        found && name && found == &file->module ? ak__module_child(program, found, name) : NULL;
    if (child || (found && !name)) {
        ak__add(out, (AkValue){.kind = AK_V_MODULE, .module = child ? child : found});
    } else if (found) {
        from_module(program, file, found, name, out);
    } else if (level) {
        ak__add_unknown(out);
    } else {
        const char *dotted = name ? ak__atom_join(program, module, ".", name) : module;
        ak__add(out,
                (AkValue){.kind = AK_V_EXTERNAL, .dotted = ak__canonical(program, dotted)});
    }
}

/* ---- Names of a module ---- */

static bool is_entry(const AkFile *file, const AkBoundAt *bound, const char *name, uint32_t len)
{
    return bound->len == len && memcmp(file->source.text + bound->start, name, len) == 0;
}

/* An import statement is understood without its tree. */
static bool import_without_tree(AkProgram *program, AkFile *file, const AkBoundAt *bound,
                                AkSet *out)
{
    for (uint32_t i = 0; i < file->import_len; i++) {
        const AkImportAt *import = &file->imports[i];
        if (import->block != bound->block || import->bound_start != bound->start ||
            import->local)
            continue;
        const char *name = import->from
                               ? ak__atom_len(program, file->source.text + import->name_start,
                                              import->name_len)
                               : NULL;
        ak__import_value(program, file, import->module, import->level, name, import->aliased,
                         out);
        return true;
    }
    return false;
}

static void block_value(AkProgram *program, AkFile *file, const AkBoundAt *bound,
                        const char *name, AkSet *out)
{
    if (bound->kind == AK_BOUND_IMPORT && import_without_tree(program, file, bound, out))
        return;
    AkUnitX *unit = ak__want_block(program, file, bound->block);
    if (!unit) {
        ak__add_unknown(out);
        return;
    }
    ak__scope_value(program, &unit->unit, 1, ak__name_in(program, &unit->unit, name), out);
}

static bool hides_earlier(const AkBoundAt *bound)
{
    return !bound->nested && (bound->kind == AK_BOUND_DEF || bound->kind == AK_BOUND_CLASS ||
                              bound->kind == AK_BOUND_IMPORT || bound->kind == AK_BOUND_ASSIGN);
}

/* Last to first, up to a binding that surely runs. before: only blocks in front of that one. */
static bool named_value(AkProgram *program, AkFile *file, const char *name, uint32_t before,
                        AkSet *out)
{
    uint32_t len = (uint32_t)strlen(name), seen = 0, last = UINT32_MAX;
    bool hidden = false;
    AkBoundRange range = ak__bound(file, name, len);
    for (uint32_t i = range.len; i-- > 0 && seen < MOST_BINDINGS;) {
        const AkBoundAt *bound = &range.first[i];
        /* What a function assigns to a global may come at any time. */
        bool later = (hidden || bound->block >= before) && bound->kind != AK_BOUND_GLOBAL;
        if (later || bound->kind == AK_BOUND_DELETE || !is_entry(file, bound, name, len))
            continue;
        /* One look at a block takes all its bindings of the name. */
        if (bound->block != last || bound->kind == AK_BOUND_GLOBAL ||
            bound->kind == AK_BOUND_IMPORT)
            block_value(program, file, bound, name, out);
        last = bound->block;
        seen++;
        hidden |= hides_earlier(bound);
    }
    return seen > 0;
}

static bool is_public(const char *name)
{
    return name[0] != '_';
}

static bool nothing_known(const AkSet *set, uint32_t start)
{
    for (uint32_t i = start; i < set->len; i++)
        if (set->items[i].kind != AK_V_UNKNOWN)
            return false;
    return true;
}

/* The last star that has the name gives it. One that knows nothing of it (modules that import from
 * each other in a circle) leaves the word to those before. */
static bool star_value(AkProgram *program, AkFile *file, const char *name, AkSet *out)
{
    uint32_t start = out->len;
    bool found = false;
    for (uint32_t i = file->import_len; i-- > 0;) {
        const AkImportAt *import = &file->imports[i];
        if (!import->star || import->local)
            continue;
        AkModule *module = ak__module_find(program, file, import->module, import->level);
        if (module && is_public(name)) {
            if (!ak__module_name(program, module, name, out))
                continue;
            if (!nothing_known(out, start))
                return true;
            found = true;
        } else if (!module && !import->level) {
            const char *dotted =
                ak__canonical(program, ak__atom_join(program, import->module, ".", name));
            const AkKnown *known = ak_known(program->knowledge, dotted);
            bool framework = strncmp(dotted, "temporalio.", 11) == 0 ||
                             strncmp(dotted, "autokitteh.", 11) == 0;
            bool by_star = known && strchr(known->name, '*') && !framework;
            if ((known && !by_star) || (by_star && !ak__is_builtin(name))) {
                ak__add(out, (AkValue){.kind = AK_V_EXTERNAL, .dotted = dotted});
                return true;
            }
        }
    }
    return found;
}

/* A name that is being looked for in a module, inside the look for another one. */
struct AkLooked {
    const struct AkLooked *outer;
    const AkFile *file;
    const char *name;
};

static bool is_looked_for(const AkProgram *program, const AkFile *file, const char *name)
{
    for (const struct AkLooked *at = program->looked; at; at = at->outer)
        if (at->file == file && strcmp(at->name, name) == 0)
            return true;
    return false;
}

/* Many stars may lead to one module: what was not found there is not looked for again until the
 * outermost look is over. Two names on one place of the table cost a look, no answer. */
static AkMissed *missed_at(AkProgram *program, const AkFile *file, const char *name)
{
    size_t places = sizeof program->missed / sizeof *program->missed;
    uint64_t mixed = (ak__key(file) ^ ak__key(name) << 1) * 0x9e3779b97f4a7c15u;
    return &program->missed[(mixed >> 40) % places];
}

/* Whether the module binds the name; values that are not known yet count as bound. */
bool ak__module_name(AkProgram *program, AkModule *module, const char *name, AkSet *out)
{
    AkFile *file = ak__file(module);
    if (file->state == AK_FILE_FOLDER || file->state == AK_FILE_CLOSED)
        return false;
    if (!ak__want_file(program, file)) {
        ak__add_unknown(out);
        return true;
    }
    if (program->depth > 80 || !program->budget) {
        program->unstable++;
        ak__add_unknown(out);
        return true;
    }
    /* Modules that import from each other in a circle add nothing on the way back. */
    if (is_looked_for(program, file, name)) {
        program->unstable++;
        return false;
    }
    program->look += !program->looked;
    AkMissed *missed = missed_at(program, file, name);
    if (missed->look == program->look && missed->file == file && missed->name == name) {
        program->unstable += missed->unstable;
        program->missing += missed->missing;
        if (missed->unknown)
            ak__add_unknown(out);
        return missed->unknown;
    }
    struct AkLooked here = {program->looked, file, name};
    uint32_t start = out->len, unstable = program->unstable, missing = program->missing;
    program->looked = &here;
    program->budget--;
    program->depth += 2;
    bool found = named_value(program, file, name, UINT32_MAX, out) ||
                 star_value(program, file, name, out);
    program->depth -= 2;
    program->looked = here.outer;
    if (!found || nothing_known(out, start))
        *missed = (AkMissed){.look = program->look,
                             .file = file,
                             .name = name,
                             .unknown = found,
                             .unstable = program->unstable != unstable,
                             .missing = program->missing != missing};
    return found;
}

/* read: the place in the block's own top-level code, or NULL for code that runs later. */
static void module_name_for(AkProgram *program, const AkUnit *unit, const char *name,
                            const AkExpr *read, AkSet *out)
{
    AkUnitX *x = ak__unit(unit);
    AkFile *file = x->file;
    uint32_t start = out->len;
    if (read) {
        uint32_t len;
        const AkBinding *bindings =
            ak__scope_bindings(unit->facts, 1, ak__name_in(program, unit, name), &len);
        see_at_place(program, unit, bindings, len, read, ak__binding_value, out);
        bool sure = false;
        for (uint32_t i = 0; i < len; i++)
            sure |= runs_before(unit->facts, &bindings[i], read) && !is_weak(&bindings[i]) &&
                    surely_ran(unit->facts, &bindings[i], read->stmt);
        if (sure)
            return;
    }
    bool found =
        named_value(program, file, name, read ? x->block : UINT32_MAX, out) || out->len > start;
    if (!found && ak__is_builtin(name))
        ak__add(out, (AkValue){.kind = AK_V_EXTERNAL,
                               .dotted = ak__atom_join(program, "builtins", ".", name)});
    else if (!found && !star_value(program, file, name, out))
        ak__add_unknown(out);
}
