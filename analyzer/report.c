/* report.c: findings, from what a rule says to what is shown.
 *
 * A report is made at once and judged at the end: silenced ones and doubles go (the same rule
 * at the same place has one cause; a proved report stays before a guessed one), the rest is
 * sorted by path, place and rule and gets a fingerprint.
 */
#include "stages.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct AkReport {
    AkFinding finding;
    AkProgram *program;
    AkFile *file;
    const AkUnit *unit; /* NULL when it is about no block */
    const AkFunction *fn;
    AkStmtId stmt;
    uint32_t start, end; /* bytes of the file */
    const char *sink;
    AkStep *steps;
    uint32_t step_len, step_cap;
    AkEdit *edits;
    uint32_t edit_len, edit_cap;
    bool dropped, made, of_comment;
    uint32_t number;
};

/* ---- Places ---- */

AkPlace ak__place(AkProgram *program, AkFile *file, uint32_t start, uint32_t end)
{
    (void)program;
    AkPlace place = {.path = file->module.path,
                     .start_byte = start,
                     .end_byte = end,
                     .line = 1,
                     .column = 1,
                     .end_line = 1,
                     .end_column = 1};
    if (!file->source.text)
        return place;
    AkPos from = ak__source_pos(&file->source, start), to = ak__source_pos(&file->source, end);
    place.line = from.line;
    place.column = from.column;
    place.end_line = to.line;
    place.end_column = to.column;
    return place;
}

AkPlace ak__text_place(const char *path, const char *text, size_t len, uint32_t start,
                       uint32_t end)
{
    AkPlace place = {
        .path = path, .start_byte = start, .end_byte = end, .line = 1, .column = 1};
    uint32_t line = 1, column = 1;
    for (uint32_t i = 0; i <= end && i <= len; i++) {
        if (i == start) {
            place.line = line;
            place.column = column;
        }
        if (i == end) {
            place.end_line = line;
            place.end_column = column;
        }
        if (i < len && text[i] == '\n') {
            line++;
            column = 1;
        } else if (i < len && ((unsigned char)text[i] & 0xc0) != 0x80) {
            column++;
        }
    }
    return place;
}

static AkPlace place_in(AkProgram *program, const AkUnit *unit, uint32_t start, uint32_t end)
{
    return ak__place(program, ak__file(unit->module), unit->start + start, unit->start + end);
}

AkPlace ak__place_of_function(AkProgram *program, const AkFunction *fn)
{
    const AkFunctionFact *fact = ak_fact(fn);
    if (fn->roles & AK_ROLE_FIELDS) {
        const AkClassFact *class_ = &fn->unit->facts->classes[fn->class_->index];
        return place_in(program, fn->unit, class_->name_start, class_->name_end);
    }
    if (!fn->index)
        return place_in(program, fn->unit, 0, 0);
    if (fact->is_lambda)
        return place_in(program, fn->unit, fact->start, fact->end);
    return place_in(program, fn->unit, fact->name_start, fact->name_end);
}

/* ---- Trails ---- */

const char *ak__step_text(AkProgram *program, const AkCall *call, const AkFunction *to)
{
    const char *name = to ? to->qualified : "";
    switch ((AkCallKind)call->kind) {
    case AK_CALL_IMPORT:
        return ak__printf(program->arena, "imports %s", call->callee.module->name);
    case AK_CALL_CALLBACK:
        return ak__printf(program->arena, "hands over %s, which is called", name);
    case AK_CALL_DECORATOR: return ak__printf(program->arena, "is decorated by %s", name);
    case AK_CALL_INIT:
        return ak__printf(program->arena, "makes %s",
                          call->callee.class_ ? call->callee.class_->name : name);
    case AK_CALL_PLAIN: return ak__printf(program->arena, "calls %s", name);
    default: return ak__printf(program->arena, "runs %s", name);
    }
}

AkPlace ak__place_of_call(AkProgram *program, const AkCall *call)
{
    const AkUnit *unit = call->fn->unit;
    if (call->expr)
        return place_in(program, unit, ak_call_expr(call)->start, ak_call_expr(call)->end);
    const AkStmt *stmt = &unit->facts->stmts[call->stmt];
    return place_in(program, unit, stmt->start, stmt->end);
}

static void add_step(AkReport *report, AkPlace place, const char *text)
{
    AK_PUSH(report->program->arena, report->steps, report->step_len, report->step_cap) =
        (AkStep){place, text};
}

/* Outermost first; the links lead from the function up to the root. */
static void add_trail(AkReport *report, const AkFunction *fn, const AkLink *link)
{
    AkProgram *program = report->program;
    const AkLink **links = NULL;
    uint32_t len = 0, cap = 0;
    for (; link && len < 1000; link = link->up)
        AK_PUSH(program->arena, links, len, cap) = link;
    for (uint32_t i = len; i-- > 0;) {
        const AkFunction *to = i ? links[i - 1]->from : fn;
        if (links[i]->from)
            add_step(report, ak__place_of_call(program, links[i]->call),
                     ak__step_text(program, links[i]->call, to));
        else
            add_step(report, ak__place_of_function(program, to),
                     links[i]->root ? links[i]->root : "");
        report->finding.proved &= links[i]->proved;
    }
}

/* ---- Making one ---- */

static uint8_t book_of(AkDialect dialect)
{
    return dialect == AK_DIALECT_TEMPORAL ? AK_BOOK_TEMPORAL : AK_BOOK_AK;
}

static const char *context_name(AkDialect dialect, unsigned context)
{
    if (context & AK_CTX_READONLY)
        return "read-only workflow";
    if (context & AK_CTX_WORKFLOW)
        return dialect == AK_DIALECT_TEMPORAL ? "workflow" : "entry";
    if (context & AK_CTX_SIGNAL)
        return "workflow";
    if (context & AK_CTX_ENTRY)
        return "entry";
    if (context & AK_CTX_ACTIVITY)
        return "activity";
    if (context & AK_CTX_IMPORT)
        return "import";
    return context & AK_CTX_CLIENT ? "client" : "";
}

static AkReport *new_report(AkPass *pass, AkFile *file, uint32_t start, uint32_t end)
{
    AkProgram *program = pass->program;
    AkReport *report = ak__alloc(program->arena, sizeof *report);
    report->program = program;
    report->file = file;
    report->start = start;
    report->end = end;
    report->number = program->report_len;
    report->finding = (AkFinding){.rule = pass->rule,
                                  .level = pass->rule->level,
                                  .proved = true,
                                  .dialect = pass->dialect,
                                  .context = "",
                                  .advice = pass->rule->instead,
                                  .fix_message = ""};
    if (file)
        report->finding.place = ak__place(program, file, start, end);
    AK_PUSH(program->arena, program->reports, program->report_len, program->report_cap) =
        report;
    return report;
}

static const char *vtext(AkProgram *program, const char *format, va_list args)
{
    char buffer[1024];
    vsnprintf(buffer, sizeof buffer, format, args);
    return ak__strndup(program->arena, buffer, strlen(buffer));
}

static AkReport *without_trail(AkPass *pass, const AkFunction *fn, uint32_t start, uint32_t end,
                               AkStmtId stmt, unsigned context, const char *format,
                               va_list args)
{
    const AkUnit *unit = fn->unit;
    AkReport *report =
        new_report(pass, ak__file(unit->module), unit->start + start, unit->start + end);
    report->unit = unit;
    report->fn = fn;
    report->stmt = stmt;
    report->finding.message = vtext(pass->program, format, args);
    report->finding.context = context_name(pass->dialect, context);
    return report;
}

static AkReport *report_in(AkPass *pass, const AkFunction *fn, uint32_t start, uint32_t end,
                           AkStmtId stmt, unsigned context, const char *format, va_list args)
{
    AkReport *report = without_trail(pass, fn, start, end, stmt, context, format, args);
    if (context)
        add_trail(report, fn, ak__link(fn, book_of(pass->dialect), context));
    return report;
}

AkReport *ak_report_expr(AkPass *pass, const AkFunction *fn, AkExprId expr, unsigned context,
                         const char *format, ...)
{
    const AkExpr *row = &fn->unit->facts->exprs[expr];
    va_list args;
    va_start(args, format);
    AkReport *report =
        report_in(pass, fn, row->start, row->end, row->stmt, context, format, args);
    va_end(args);
    if (report->step_len)
        add_step(report, report->finding.place, report->finding.message);
    return report;
}

AkReport *ak_report_call(AkPass *pass, const AkCall *call, unsigned context, const char *format,
                         ...)
{
    const AkUnit *unit = call->fn->unit;
    const AkExpr *row = ak_call_expr(call);
    const AkStmt *stmt = &unit->facts->stmts[call->stmt];
    va_list args;
    va_start(args, format);
    AkReport *report =
        without_trail(pass, call->fn, call->expr ? row->start : stmt->start,
                      call->expr ? row->end : stmt->end, call->stmt, context, format, args);
    va_end(args);
    if (context)
        add_trail(report, call->fn, ak__link_of_call(call, book_of(pass->dialect), context));
    report->finding.proved &= call->proved;
    report->sink = call->dotted;
    if (report->step_len)
        add_step(report, report->finding.place,
                 call->dotted ? ak__printf(pass->program->arena,
                                           call->kind == AK_CALL_READ ? "reads %s" : "calls %s",
                                           call->dotted)
                              : ak__step_text(pass->program, call, call->target));
    return report;
}

AkReport *ak_report_stmt(AkPass *pass, const AkFunction *fn, AkStmtId stmt, unsigned context,
                         const char *format, ...)
{
    const AkStmt *row = &fn->unit->facts->stmts[stmt];
    va_list args;
    va_start(args, format);
    AkReport *report = report_in(pass, fn, row->start, row->end, stmt, context, format, args);
    va_end(args);
    return report;
}

AkReport *ak_report_function(AkPass *pass, const AkFunction *fn, unsigned context,
                             const char *format, ...)
{
    const AkFunctionFact *fact = ak_fact(fn);
    bool named = fn->index && !fact->is_lambda;
    va_list args;
    va_start(args, format);
    AkReport *report =
        report_in(pass, fn, named ? fact->name_start : fact->start,
                  named ? fact->name_end : fact->end, fact->stmt, context, format, args);
    va_end(args);
    return report;
}

AkReport *ak_report_class(AkPass *pass, const AkClass *class_, const char *format, ...)
{
    const AkClassFact *fact = &class_->unit->facts->classes[class_->index];
    va_list args;
    va_start(args, format);
    AkReport *report = report_in(pass, class_->unit->functions[0], fact->name_start,
                                 fact->name_end, fact->stmt, 0, format, args);
    va_end(args);
    return report;
}

AkReport *ak_report_bytes(AkPass *pass, const AkFunction *fn, uint32_t start, uint32_t end,
                          unsigned context, const char *format, ...)
{
    const AkFacts *facts = fn->unit->facts;
    uint32_t expr = ak__first_expr(facts, start);
    AkStmtId stmt =
        expr < facts->expr_len && facts->exprs[expr].start < end ? facts->exprs[expr].stmt : 0;
    va_list args;
    va_start(args, format);
    AkReport *report = report_in(pass, fn, start, end, stmt, context, format, args);
    va_end(args);
    return report;
}

AkReport *ak_report_module(AkPass *pass, const AkModule *module, uint32_t start, uint32_t end,
                           const char *format, ...)
{
    AkReport *report = new_report(pass, ak__file(module), start, end);
    va_list args;
    va_start(args, format);
    report->finding.message = vtext(pass->program, format, args);
    va_end(args);
    return report;
}

static AkReport *report_node(AkPass *pass, const AkManifest *manifest, const AkNode *node,
                             const char *format, va_list args)
{
    AkReport *report = new_report(pass, NULL, node->start, node->end);
    report->finding.place =
        ak__text_place(manifest->path, manifest->text, manifest->len, node->start, node->end);
    report->finding.message = vtext(pass->program, format, args);
    return report;
}

AkReport *ak_report_node(AkPass *pass, const AkManifest *manifest, const AkNode *node,
                         const char *format, ...)
{
    va_list args;
    va_start(args, format);
    AkReport *report = report_node(pass, manifest, node, format, args);
    va_end(args);
    return report;
}

AkReport *ak_report_entry(AkPass *pass, const AkEntry *entry, const char *format, ...)
{
    va_list args;
    AkReport *report;
    va_start(args, format);
    if (entry->node) {
        report = report_node(pass, entry->manifest, entry->node, format, args);
    } else if (entry->call) {
        const AkExpr *row = ak_call_expr(entry->call);
        report =
            report_in(pass, entry->call->fn, row->start, row->end, row->stmt, 0, format, args);
    } else if (entry->function) {
        const AkFunctionFact *fact = ak_fact(entry->function);
        report = report_in(pass, entry->function, fact->name_start, fact->name_end, fact->stmt,
                           0, format, args);
    } else {
        report = new_report(pass, entry->module ? ak__file(entry->module) : NULL, 0, 0);
        report->finding.message = vtext(pass->program, format, args);
        if (!entry->module)
            report->finding.place = (AkPlace){
                .path = entry->file, .line = 1, .column = 1, .end_line = 1, .end_column = 1};
    }
    va_end(args);
    return report;
}

static void add_edit(AkReport *report, AkPlace place, const char *text)
{
    AK_PUSH(report->program->arena, report->edits, report->edit_len, report->edit_cap) =
        (AkEdit){place, ak__strndup(report->program->arena, text, strlen(text))};
}

AkReport *ak__report_made(AkProgram *program, const AkRule *rule, AkPlace place,
                          const char *message, const char *advice, bool proved, AkFile *file)
{
    AkPass pass = {.program = program, .rule = rule};
    AkReport *report = new_report(&pass, NULL, place.start_byte, place.end_byte);
    report->finding.place = place;
    report->finding.message = message;
    if (advice)
        report->finding.advice = advice;
    report->finding.proved = proved;
    report->file = file;
    report->made = !file;
    return report;
}

void ak__fix_file(AkReport *report, AkFile *file, uint32_t start, uint32_t end,
                  const char *text)
{
    add_edit(report, ak__place(report->program, file, start, end), text);
}

/* ---- Saying more ---- */

void ak__of_comment(AkReport *report)
{
    report->of_comment = true;
}

void ak_level(AkReport *report, AkLevel level)
{
    report->finding.level = level;
}

void ak_likely(AkReport *report)
{
    report->finding.proved = false;
}

void ak_advice(AkReport *report, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    report->finding.advice = vtext(report->program, format, args);
    va_end(args);
}

void ak_sink(AkReport *report, const char *sink)
{
    report->sink = ak__strndup(report->program->arena, sink, strlen(sink));
}

void ak_step(AkReport *report, const AkUnit *unit, AkExprId expr, const char *format, ...)
{
    const AkExpr *row = &unit->facts->exprs[expr];
    va_list args;
    va_start(args, format);
    add_step(report, place_in(report->program, unit, row->start, row->end),
             vtext(report->program, format, args));
    va_end(args);
}

void ak_step_call(AkReport *report, const AkCall *call)
{
    AkProgram *program = report->program;
    add_step(report, ak__place_of_call(program, call),
             call->dotted ? ak__printf(program->arena, "calls %s", call->dotted)
                          : ak__step_text(program, call, call->target));
}

/* ---- Fixes ---- */

void ak_fix(AkReport *report, AkFixKind kind, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    report->finding.fix = kind;
    report->finding.fix_message = vtext(report->program, format, args);
    va_end(args);
}

void ak_fix_replace(AkReport *report, const AkUnit *unit, AkExprId expr, const char *text)
{
    const AkExpr *row = &unit->facts->exprs[expr];
    add_edit(report, place_in(report->program, unit, row->start, row->end), text);
}

void ak_fix_bytes(AkReport *report, const AkUnit *unit, uint32_t start, uint32_t end,
                  const char *text)
{
    add_edit(report, place_in(report->program, unit, start, end), text);
}

void ak_fix_node(AkReport *report, const AkManifest *manifest, const AkNode *node,
                 const char *text)
{
    add_edit(
        report,
        ak__text_place(manifest->path, manifest->text, manifest->len, node->start, node->end),
        text);
}

static bool same_text(const AkFile *file, uint32_t start, uint32_t len, const char *text)
{
    return strlen(text) == len && memcmp(file->source.text + start, text, len) == 0;
}

/* How the file already calls it, or NULL. */
static const char *imported_as(AkReport *report, const char *module, const char *name)
{
    const AkFile *file = report->file;
    const char *text = file->source.text;
    for (uint32_t i = 0; i < file->import_len; i++) {
        const AkImportAt *import = &file->imports[i];
        if (import->local || import->nested || import->level)
            continue;
        const char *bound =
            ak__strndup(report->program->arena, text + import->bound_start, import->bound_len);
        bool whole = !import->from && (import->aliased || !strchr(import->module, '.'));
        if (!name && whole && strcmp(import->module, module) == 0)
            return bound;
        if (name && import->from && strcmp(import->module, module) == 0 &&
            same_text(file, import->name_start, import->name_len, name))
            return bound;
        if (name && whole && strncmp(import->module, module, strlen(module)) == 0 &&
            import->module[strlen(module)] == '.' &&
            strcmp(import->module + strlen(module) + 1, name) == 0)
            return bound;
    }
    return NULL;
}

/* Behind the last import of the file's head; before the first code if there is none. */
static uint32_t import_place(const AkFile *file)
{
    uint32_t last = 0;
    for (uint32_t i = 0; i < file->import_len; i++)
        if (!file->imports[i].local && !file->imports[i].nested)
            last = file->imports[i].bound_start > last ? file->imports[i].bound_start : last;
    if (!last) {
        const char *text = file->source.text;
        uint32_t at = 0;
        while (at < file->source.len && text[at] == '#')
            at += (uint32_t)strcspn(text + at, "\n") + 1;
        return at > file->source.len ? file->source.len : at;
    }
    /* To the end of a statement that may stand in brackets over several lines. */
    const char *text = file->source.text;
    uint32_t at = last;
    int depth = 0;
    for (uint32_t i = last; i > 0 && text[i - 1] != '\n'; i--)
        depth += text[i - 1] == '(';
    if (!depth && last) {
        uint32_t line = last;
        while (line > 0 && text[line - 1] != '\n')
            line--;
        for (uint32_t i = line; i-- > 0 && line - i < 4000;) {
            if (text[i] == ')')
                break;
            if (text[i] == '(') {
                depth = 1;
                break;
            }
        }
    }
    for (; at < file->source.len; at++) {
        depth -= text[at] == ')';
        if (text[at] == '\n' && depth <= 0)
            return at + 1;
    }
    return file->source.len;
}

const char *ak_fix_import(AkReport *report, const char *module, const char *name)
{
    if (!report->file || !report->file->source.text || report->file->source.recoded)
        return NULL;
    const char *have = imported_as(report, module, name);
    if (have)
        return have;
    const char *bound = name ? name : module;
    if (strchr(bound, '.') || ak__bound(report->file, bound, (uint32_t)strlen(bound)).len)
        return NULL; /* the name means something else there */
    uint32_t at = import_place(report->file);
    AkPlace place = ak__place(report->program, report->file, at, at);
    add_edit(report, place,
             name ? ak__printf(report->program->arena, "from %s import %s\n", module, name)
                  : ak__printf(report->program->arena, "import %s\n", module));
    return bound;
}

/* ---- Judging ---- */

static int compare_place(const AkReport *a, const AkReport *b)
{
    const AkPlace *p = &a->finding.place, *q = &b->finding.place;
    int order = strcmp(p->path, q->path);
    if (order)
        return order;
    if (p->line != q->line)
        return p->line < q->line ? -1 : 1;
    if (p->column != q->column)
        return p->column < q->column ? -1 : 1;
    return strcmp(a->finding.rule->id, b->finding.rule->id);
}

static int compare_reports(const void *x, const void *y)
{
    const AkReport *a = *(AkReport *const *)x, *b = *(AkReport *const *)y;
    int order = compare_place(a, b);
    if (order)
        return order;
    if (a->finding.proved != b->finding.proved)
        return a->finding.proved ? -1 : 1;
    if (a->finding.level != b->finding.level)
        return a->finding.level < b->finding.level ? -1 : 1;
    return a->number < b->number ? -1 : a->number > b->number;
}

static uint64_t hash_more(uint64_t hash, const char *text)
{
    for (; *text; text++)
        hash = (hash ^ (unsigned char)*text) * 0x100000001b3u;
    return (hash ^ 0xff) * 0x100000001b3u;
}

/* Findings of one rule, function and sink are told apart by their order. */
static void set_fingerprints(AkProgram *program)
{
    AkMap seen = {0};
    for (uint32_t i = 0; i < program->report_len; i++) {
        AkReport *report = program->reports[i];
        const char *module = report->file && report->file->module.name
                                 ? report->file->module.name
                                 : report->finding.place.path;
        uint64_t hash = hash_more(0xcbf29ce484222325u, report->finding.rule->id);
        hash = hash_more(hash, module);
        hash = hash_more(hash, report->fn ? report->fn->qualified : "");
        hash = hash_more(hash, report->sink ? report->sink : report->finding.message);
        uint32_t count = ak__map_get(&seen, hash) + 1;
        ak__map_set(program->arena, &seen, hash, count);
        if (count > 1)
            hash = hash_more(hash, ak__printf(program->arena, "%u", (unsigned)count));
        report->finding.fingerprint =
            ak__printf(program->arena, "%016llx", (unsigned long long)hash);
    }
}

/* The last step of the trail that stands in a file which is reported on, or NULL. */
static const AkStep *last_step_of_ours(AkProgram *program, const AkReport *report)
{
    for (uint32_t i = report->step_len; i-- > 0;) {
        const AkFile *file = ak__module_by_path(program, report->steps[i].place.path);
        if (file && file->module.use == AK_REPORT)
            return &report->steps[i];
    }
    return NULL;
}

/* What lies in another file is shown when a file that is reported on leads there: where it
 * lies, or, in an installed package, where our code calls into it. */
static bool is_led_to(AkProgram *program, AkReport *report)
{
    const AkStep *step = last_step_of_ours(program, report);
    if (step && report->file->module.use == AK_LIBRARY) {
        report->finding.place = step->place;
        report->edit_len = 0;
    }
    return step != NULL;
}

static bool is_shown(AkProgram *program, AkReport *report)
{
    if (report->dropped)
        return false;
    if (!report->made && report->file &&
        ak__allowed(program, report->file, report->unit, report->start, report->end,
                    report->stmt, report->finding.rule)) {
        program->counts.silenced++;
        return false;
    }
    return true;
}

static void finish(AkReport *report)
{
    AkFinding *finding = &report->finding;
    if (!finding->proved && finding->level == AK_ERROR)
        finding->level = AK_WARNING;
    finding->trail = report->steps;
    finding->trail_len = report->step_len;
    if (!report->edit_len)
        finding->fix = AK_FIX_NONE;
    finding->edits = finding->fix ? report->edits : NULL;
    finding->edits_len = finding->fix ? report->edit_len : 0;
    finding->noqa_line = report->of_comment ? 0 : finding->place.line;
}

void ak__reports_finish(AkProgram *program)
{
    uint32_t len = 0;
    for (uint32_t i = 0; i < program->report_len; i++) {
        AkReport *report = program->reports[i];
        bool elsewhere = !report->made && report->file && report->file->module.use != AK_REPORT;
        report->dropped = elsewhere && !is_led_to(program, report);
    }
    if (program->report_len)
        qsort(program->reports, program->report_len, sizeof *program->reports, compare_reports);
    for (uint32_t i = 0; i < program->report_len; i++) {
        AkReport *report = program->reports[i];
        bool twice = len && compare_place(program->reports[len - 1], report) == 0;
        bool off = report->finding.level == AK_OFF && report->finding.rule->level != AK_OFF;
        if (twice || off || !is_shown(program, report))
            continue;
        program->reports[len++] = report;
    }
    program->report_len = len;
    ak__unused(program);
    if (program->report_len > len)
        qsort(program->reports, program->report_len, sizeof *program->reports, compare_reports);
    for (uint32_t i = 0; i < program->report_len; i++)
        finish(program->reports[i]);
    set_fingerprints(program);
}

size_t ak__report_count(const AkProgram *program)
{
    return program->report_len;
}

const AkFinding *ak__report_at(const AkProgram *program, size_t i)
{
    return &program->reports[i]->finding;
}
