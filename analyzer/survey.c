/* survey.c: what the analysis knows, for those who want to look at it: starts, what they reach,
 * calls that nobody could follow, in which contexts a line runs and why. Rules do not need it. */
#include "stages.h"

#include <stdlib.h>
#include <string.h>

enum { LONGEST_TRAIL = 1000, LONGEST_TEXT = 120 };

/* ---- Starts ---- */

static int by_place(const AkPlace *a, const AkPlace *b)
{
    int order = strcmp(a->path, b->path);
    return order ? order : (a->start_byte > b->start_byte) - (a->start_byte < b->start_byte);
}

static int compare_roots(const void *x, const void *y)
{
    const AkRoot *a = x, *b = y;
    int order = strcmp(a->function->unit->module->path, b->function->unit->module->path);
    if (!order)
        order = (a->function->unit->start > b->function->unit->start) -
                (a->function->unit->start < b->function->unit->start);
    if (!order)
        order = (a->function->index > b->function->index) -
                (a->function->index < b->function->index);
    return order ? order : strcmp(a->text, b->text);
}

/* Those that are reported on, in the order of paths and texts. */
static const AkRoot *roots_of(AkProgram *program, size_t *len)
{
    AkRoot *roots = ak__alloc(program->arena, (program->root_len + 1) * sizeof *roots);
    *len = 0;
    for (uint32_t i = 0; i < program->root_len; i++)
        if (program->roots[i].function->unit->module->use == AK_REPORT)
            roots[(*len)++] = program->roots[i];
    if (*len)
        qsort(roots, *len, sizeof *roots, compare_roots);
    return roots;
}

size_t ak_check_starts(AkCheck *check, const AkStart **out)
{
    AkProgram *program = ak__finished(check);
    size_t len = 0;
    *out = NULL;
    if (!program || setjmp(*program->guard))
        return 0;
    const AkRoot *roots = roots_of(program, &len);
    AkStart *starts = ak__alloc(program->arena, (len + 1) * sizeof *starts);
    for (size_t i = 0; i < len; i++)
        starts[i] = (AkStart){.text = roots[i].text,
                              .name = roots[i].function->qualified,
                              .contexts = roots[i].contexts,
                              .dialect = roots[i].book == AK_BOOK_TEMPORAL ? AK_DIALECT_TEMPORAL
                                                                           : AK_DIALECT_AK,
                              .place = ak__place_of_function(program, roots[i].function)};
    *out = starts;
    return len;
}

const AkFunction *ak__start(AkProgram *program, size_t start)
{
    size_t len;
    const AkRoot *roots = roots_of(program, &len);
    return start < len ? roots[start].function : NULL;
}

/* ---- What a start reaches ---- */

typedef struct Visit {
    AkFunction *fn;
    uint16_t contexts;
    bool proved;
} Visit;

typedef struct Visits {
    AkProgram *program;
    AkMap at; /* function → index + 1 */
    Visit *items;
    uint32_t len, cap;
} Visits;

static void visit(Visits *visits, AkFunction *fn, uint16_t contexts, bool proved)
{
    if (!contexts || ak__map_get(&visits->at, ak__key(fn)))
        return;
    AK_PUSH(visits->program->arena, visits->items, visits->len, visits->cap) =
        (Visit){fn, contexts, proved};
    ak__map_set(visits->program->arena, &visits->at, ak__key(fn), visits->len);
}

static void visit_calls(Visits *visits, Visit from, uint8_t book)
{
    for (size_t i = 0; i < from.fn->call_len; i++) {
        const AkCall *call = &from.fn->calls[i];
        uint16_t contexts = from.contexts & call->mask;
        if (call->target && call->kind != AK_CALL_IMPORT && contexts)
            visit(visits, call->target, ak__pass_contexts(contexts, book, call->target),
                  from.proved && call->proved);
    }
}

size_t ak_check_reached(AkCheck *check, size_t start, const AkReached **out)
{
    AkProgram *program = ak__finished(check);
    size_t roots;
    *out = NULL;
    if (!program || setjmp(*program->guard))
        return 0;
    const AkRoot *root = roots_of(program, &roots);
    if (start >= roots)
        return 0;
    Visits visits = {.program = program};
    visit(&visits, root[start].function, root[start].contexts, true);
    for (uint32_t i = 0; i < visits.len; i++)
        visit_calls(&visits, visits.items[i], root[start].book);
    AkReached *reached = ak__alloc(program->arena, (visits.len + 1) * sizeof *reached);
    for (uint32_t i = 0; i < visits.len; i++)
        reached[i] = (AkReached){.name = visits.items[i].fn->qualified,
                                 .contexts = visits.items[i].contexts,
                                 .proved = visits.items[i].proved,
                                 .place = ak__place_of_function(program, visits.items[i].fn)};
    *out = reached;
    return visits.len;
}

/* ---- Calls ---- */

static const char *effects_of(AkProgram *program, const AkKnown *known)
{
    static const struct {
        AkEffects effect;
        const char *word;
    } words[] = {
        {AK_CLOCK, "clock"},
        {AK_RANDOM, "random"},
        {AK_UUID, "uuid"},
        {AK_ENV, "environment"},
        {AK_FILE, "file"},
        {AK_NETWORK, "network"},
        {AK_DATABASE, "database"},
        {AK_PROCESS, "process"},
        {AK_THREAD, "thread"},
        {AK_SLEEP, "sleep"},
        {AK_BLOCKS, "blocks"},
        {AK_PRINT, "print"},
        {AK_LOG, "log"},
        {AK_INPUT, "input"},
        {AK_UNORDERED, "unordered"},
        {AK_IDENTITY, "identity"},
        {AK_INTROSPECTION, "introspection"},
        {AK_DURABLE, "durable"},
        {AK_MONEY, "seen outside"},
        {AK_PURE, "pure"},
    };
    const char *text = "";
    for (size_t i = 0; known && i < sizeof words / sizeof *words; i++)
        if (known->effects & words[i].effect)
            text = ak__printf(program->arena, "%s%s%s", text, *text ? ", " : "", words[i].word);
    return text;
}

static const char *how_of(const AkCall *call)
{
    switch ((AkCallKind)call->kind) {
    case AK_CALL_PLAIN: return "calls";
    case AK_CALL_CALLBACK: return "hands over";
    case AK_CALL_DECORATOR: return "is decorated by";
    case AK_CALL_PROPERTY: return "reads the property";
    case AK_CALL_DEFAULT: return "fills the default with";
    case AK_CALL_INIT: return "makes";
    case AK_CALL_OPERATOR: return "runs";
    case AK_CALL_ITERATION: return "iterates by";
    case AK_CALL_WITH: return "enters";
    case AK_CALL_AWAIT: return "awaits";
    case AK_CALL_IMPORT: return "imports";
    case AK_CALL_READ: return "reads";
    }
    return "calls";
}

static const char *written(AkProgram *program, const AkCall *call)
{
    const AkUnit *unit = call->fn->unit;
    const AkExpr *row = ak_call_expr(call);
    AkExprId expr = row->kind == AK_X_CALL ? ak_kid(unit->facts, row->kids, 0) : call->expr;
    size_t len, shown;
    const char *text = expr ? ak_text(unit, expr, &len) : "";
    for (shown = 0; expr && shown < len && shown < LONGEST_TEXT && text[shown] != '\n'; shown++)
        ;
    return expr ? ak__strndup(program->arena, text, shown) : "";
}

static const char *target_of(const AkCall *call)
{
    if (call->kind == AK_CALL_IMPORT)
        return call->callee.module ? call->callee.module->name : "";
    if (call->kind == AK_CALL_INIT && call->callee.class_)
        return call->callee.class_->qualified;
    if (call->target)
        return call->target->qualified;
    return call->dotted ? call->dotted : "";
}

static AkSeenCall seen(AkProgram *program, const AkCall *call, unsigned contexts)
{
    AkSeenCall row = {.caller = call->fn->qualified,
                      .text = written(program, call),
                      .how = how_of(call),
                      .target = target_of(call),
                      .effects = effects_of(program, call->known),
                      .place = ak__place_of_call(program, call),
                      .contexts = contexts & call->mask,
                      .proved = call->proved,
                      .resolved = !call->unresolved};
    if (call->target)
        row.target_place = ak__place_of_function(program, call->target);
    return row;
}

static unsigned contexts_of(const AkFunction *fn)
{
    const AkReach *reach = &ak__function(fn)->reach;
    return reach->contexts[AK_BOOK_TEMPORAL] | reach->contexts[AK_BOOK_AK];
}

static int compare_calls(const void *x, const void *y)
{
    const AkSeenCall *a = x, *b = y;
    int order = by_place(&a->place, &b->place);
    return order ? order : strcmp(a->target, b->target);
}

static size_t unresolved_in(AkProgram *program, AkSeenCall *rows)
{
    size_t len = 0;
    for (uint32_t i = 0; i < program->function_len; i++) {
        const AkFunction *fn = program->functions[i];
        unsigned contexts = contexts_of(fn);
        for (size_t k = 0; contexts & AK_CTX_WORKFLOW && k < fn->call_len; k++) {
            if (!fn->calls[k].unresolved || !(contexts & AK_CTX_WORKFLOW & fn->calls[k].mask))
                continue;
            if (rows)
                rows[len] = seen(program, &fn->calls[k], contexts);
            len++;
        }
    }
    return len;
}

size_t ak_check_unresolved(AkCheck *check, const AkSeenCall **out)
{
    AkProgram *program = ak__finished(check);
    *out = NULL;
    if (!program || setjmp(*program->guard))
        return 0;
    AkSeenCall *rows =
        ak__alloc(program->arena, (unresolved_in(program, NULL) + 1) * sizeof *rows);
    size_t len = unresolved_in(program, rows);
    if (len)
        qsort(rows, len, sizeof *rows, compare_calls);
    *out = rows;
    return len;
}

/* ---- A line ---- */

static bool in_file(const AkProgram *program, const AkFunction *fn, const char *path)
{
    (void)program;
    return strcmp(fn->unit->module->path, path) == 0;
}

static bool holds_line(const AkPlace *place, uint32_t line)
{
    return place->line <= line && line <= place->end_line;
}

size_t ak_check_calls_on(AkCheck *check, const char *path, uint32_t line,
                         const AkSeenCall **out)
{
    AkProgram *program = ak__finished(check);
    AkSeenCall *rows = NULL;
    uint32_t len = 0, cap = 0;
    *out = NULL;
    if (!program || setjmp(*program->guard))
        return 0;
    for (uint32_t i = 0; i < program->function_len; i++) {
        const AkFunction *fn = program->functions[i];
        for (size_t k = 0; in_file(program, fn, path) && k < fn->call_len; k++)
            if (ak__place_of_call(program, &fn->calls[k]).line == line)
                AK_PUSH(program->arena, rows, len, cap) =
                    seen(program, &fn->calls[k], contexts_of(fn));
    }
    if (len)
        qsort(rows, len, sizeof *rows, compare_calls);
    *out = rows;
    return len;
}

typedef struct Ways {
    AkProgram *program;
    AkRunsIn *items;
    uint32_t len, cap;
} Ways;

static void add_way(Ways *ways, const AkFunction *fn, uint8_t book, unsigned context)
{
    AkProgram *program = ways->program;
    const AkLink *link = ak__link(fn, book, context), *up[LONGEST_TRAIL];
    uint32_t len = 0;
    AkRunsIn way = {.function = fn->qualified,
                    .context = context,
                    .proved = link && link->proved,
                    .dialect = book == AK_BOOK_TEMPORAL ? AK_DIALECT_TEMPORAL : AK_DIALECT_AK};
    for (; link && len < LONGEST_TRAIL; link = link->up)
        up[len++] = link;
    AkStep *steps = ak__alloc(program->arena, (len + 1) * sizeof *steps);
    for (uint32_t i = len; i-- > 0;) {
        const AkFunction *to = i ? up[i - 1]->from : fn;
        steps[way.trail_len++] = up[i]->from ? (AkStep){ak__place_of_call(program, up[i]->call),
                                                        ak__step_text(program, up[i]->call, to)}
                                             : (AkStep){ak__place_of_function(program, to),
                                                        up[i]->root ? up[i]->root : ""};
    }
    way.trail = steps;
    AK_PUSH(program->arena, ways->items, ways->len, ways->cap) = way;
}

static AkPlace whole(AkProgram *program, const AkFunction *fn)
{
    const AkFunctionFact *fact = ak_fact(fn);
    uint32_t start = fn->unit->start;
    return ak__place(program, ak__file(fn->unit->module), start + fact->start,
                     start + fact->end);
}

/* The statement of the unit that begins last at or before the line, in the function. */
static AkStmtId statement_on(AkProgram *program, const AkFunction *fn, uint32_t line)
{
    const AkFacts *facts = fn->unit->facts;
    AkStmtId best = 0;
    for (AkStmtId i = 1; i < facts->stmt_len; i++) {
        uint32_t start = fn->unit->start;
        AkPlace place = ak__place(program, ak__file(fn->unit->module),
                                  start + facts->stmts[i].start, start + facts->stmts[i].end);
        if (holds_line(&place, line))
            best = i;
    }
    return best;
}

/* Whether code of the function stands on the line: the innermost `def` around it, or top-level
 * code where a statement of the block stands in none. */
static const AkFunction *function_on(AkProgram *program, const AkUnit *unit, uint32_t line,
                                     AkStmtId *stmt)
{
    const AkFunction *best = unit->functions[0];
    *stmt = statement_on(program, best, line);
    for (uint32_t i = 1; *stmt && i < unit->facts->function_len; i++) {
        const AkFunction *fn = unit->functions[i];
        AkPlace place = fn ? whole(program, fn) : (AkPlace){0};
        bool header =
            fn && !ak_fact(fn)->is_lambda && place.line == line && place.end_line > line;
        if (fn && !ak_fact(fn)->is_lambda && holds_line(&place, line) && !header)
            best = fn;
    }
    return *stmt ? best : NULL;
}

size_t ak_check_runs_in(AkCheck *check, const char *path, uint32_t line, const AkRunsIn **out)
{
    AkProgram *program = ak__finished(check);
    Ways ways = {.program = program};
    *out = NULL;
    if (!program || setjmp(*program->guard))
        return 0;
    for (uint32_t i = 0; i < program->unit_len; i++) {
        const AkUnit *unit = &program->units[i]->unit;
        AkStmtId stmt;
        const AkFunction *fn = strcmp(unit->module->path, path) == 0
                                   ? function_on(program, unit, line, &stmt)
                                   : NULL;
        for (uint8_t book = 0; fn && book < AK_BOOKS; book++) {
            unsigned contexts =
                ak__function(fn)->reach.contexts[book] & ak__stmt_mask(program, unit, stmt);
            for (unsigned bit = 1; bit <= AK_CTX_SIGNAL; bit <<= 1)
                if (contexts & bit)
                    add_way(&ways, fn, book, bit);
        }
    }
    *out = ways.items;
    return ways.len;
}
