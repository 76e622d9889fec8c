/* facts_text.h: facts as lines of text, for facts_dump and test_collect.
 *
 * Lines name what they refer to by kind and place, not by number: so the lines of a file's
 * blocks, each moved to where its block starts, are those of the whole file in another order.
 */
#ifndef FACTS_TEXT_H
#define FACTS_TEXT_H

#define _GNU_SOURCE
#include "facts.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const expr_words[] = {
    "none",      "name",       "attribute", "call",     "keyword",   "star",      "double-star",
    "subscript", "slice",      "string",    "bytes",    "fstring",   "int",       "float",
    "true",      "false",      "None",      "ellipsis", "list",      "tuple",     "set",
    "dict",      "lambda",     "list-comp", "set-comp", "dict-comp", "generator", "await",
    "yield",     "yield-from", "unary",     "binary",   "bool",      "compare",   "conditional",
    "named",     "error"};
static const char *const op_words[] = {
    "",  "+",  "-",  "*",  "/",   "//", "%",   "**",     "@",   "&",
    "|", "^",  "<<", ">>", "and", "or", "not", "neg",    "pos", "~",
    "<", "<=", ">",  ">=", "==",  "!=", "in",  "not-in", "is",  "is-not"};
static const char *const flag_words[] = {"awaited",   "dropped",    "store",  "delete",
                                         "decorator", "annotation", "quoted", "default",
                                         "mixed",     "parentheses"};
static const char *const stmt_words[] = {
    "none",   "expr",   "assign", "augmented", "annotated", "return", "raise",
    "delete", "assert", "pass",   "break",     "continue",  "if",     "for",
    "while",  "with",   "try",    "handler",   "match",     "case",   "function",
    "class",  "import", "global", "nonlocal",  "type",      "error"};
static const char *const suite_words[] = {"body", "else", "handler", "finally"};
static const char *const binding_words[] = {
    "assign", "augmented", "annotated", "parameter", "function", "class",  "import",   "for",
    "with",   "except",    "named",     "delete",    "match",    "global", "nonlocal", "type"};
static const char *const how_words[] = {"whole",     "item", "enter",  "part",
                                        "item-part", "rest", "unknown"};
static const char *const param_words[] = {"positional-only", "plain", "args", "keyword-only",
                                          "kwargs"};

typedef struct FactLines {
    char **lines;
    size_t len, cap;
} FactLines;

typedef struct FactsView {
    const AkFacts *facts;
    uint32_t shift;
    FactLines *out;
} FactsView;

static void facts_line(FactLines *out, const char *format, ...)
{
    char *line = NULL;
    va_list args;
    va_start(args, format);
    if (vasprintf(&line, format, args) < 0)
        abort();
    va_end(args);
    if (out->len == out->cap) {
        out->cap = out->cap ? out->cap * 2 : 256;
        out->lines = realloc(out->lines, out->cap * sizeof *out->lines);
        if (!out->lines)
            abort();
    }
    out->lines[out->len++] = line;
}

static void facts_lines_free(FactLines *lines)
{
    for (size_t i = 0; i < lines->len; i++)
        free(lines->lines[i]);
    free(lines->lines);
}

/* Short texts that live until a few calls later. */
static char *facts_buffer(void)
{
    static char buffers[16][256];
    static unsigned next;
    return buffers[next++ % 16];
}

static const char *expr_ref(const FactsView *v, AkExprId id)
{
    const AkExpr *e = &v->facts->exprs[id];
    char *buffer = facts_buffer();
    if (!id)
        return "-";
    snprintf(buffer, 256, "%s@%u", expr_words[e->kind], e->start + v->shift);
    return buffer;
}

static const char *stmt_ref(const FactsView *v, AkStmtId id)
{
    const AkStmt *s = &v->facts->stmts[id];
    char *buffer = facts_buffer();
    if (!id)
        return "-";
    snprintf(buffer, 256, "%s@%u", stmt_words[s->kind], s->start + v->shift);
    return buffer;
}

static const char *scope_ref(const FactsView *v, AkScopeId id)
{
    const AkScope *s = &v->facts->scopes[id];
    char *buffer = facts_buffer();
    if (s->kind == AK_SCOPE_CLASS)
        snprintf(buffer, 256, "class@%u", v->facts->classes[s->index].start + v->shift);
    else if (s->kind == AK_SCOPE_FUNCTION)
        snprintf(buffer, 256, "function@%u", v->facts->functions[s->index].start + v->shift);
    else if (s->kind == AK_SCOPE_COMPREHENSION)
        snprintf(buffer, 256, "comprehension@%u", v->facts->exprs[s->index].start + v->shift);
    else
        return id ? "module" : "-";
    return buffer;
}

static const char *kids_ref(const FactsView *v, AkKids kids)
{
    static char buffers[4][4096];
    static unsigned next;
    char *buffer = buffers[next++ % 4];
    size_t len = 0;
    buffer[0] = 0;
    for (uint32_t i = 0; i < kids.count && len < 4000; i++) {
        AkExprId id = v->facts->kids[kids.first + i];
        const AkExpr *e = &v->facts->exprs[id];
        len += (size_t)snprintf(buffer + len, 4096 - len, " %s@%u",
                                id ? expr_words[e->kind] : "-", id ? e->start + v->shift : 0);
    }
    return buffer;
}

static const char *flags_ref(uint16_t flags)
{
    char *buffer = facts_buffer();
    size_t len = 0;
    buffer[0] = 0;
    for (size_t i = 0; i < sizeof flag_words / sizeof *flag_words; i++)
        if (flags >> i & 1)
            len += (size_t)snprintf(buffer + len, 256 - len, " %s", flag_words[i]);
    return buffer;
}

static void expr_line(const FactsView *v, uint32_t i)
{
    const AkExpr *e = &v->facts->exprs[i];
    facts_line(v->out, "%08u expr %s %u-%u%s%s \"%.*s\"%s (%s ) in %s, %s, below %s",
               e->start + v->shift, expr_words[e->kind], e->start + v->shift, e->end + v->shift,
               *op_words[e->op] ? " " : "", op_words[e->op], (int)v->facts->name_len[e->name],
               v->facts->names[e->name], flags_ref(e->flags), kids_ref(v, e->kids),
               scope_ref(v, e->scope), stmt_ref(v, e->stmt), expr_ref(v, e->parent));
}

static void stmt_line(const FactsView *v, uint32_t i)
{
    const AkFacts *f = v->facts;
    const AkStmt *s = &f->stmts[i];
    facts_line(v->out, "%08u stmt %s %u-%u%s%s \"%s\"%s below %s %s to %s; %s; %s; (%s )",
               s->start + v->shift, stmt_words[s->kind], s->start + v->shift, s->end + v->shift,
               *op_words[s->op] ? " " : "", op_words[s->op], f->names[s->name],
               s->is_async ? " async" : "", stmt_ref(v, s->parent), suite_words[s->suite],
               stmt_ref(v, s->last), expr_ref(v, s->value), expr_ref(v, s->extra),
               kids_ref(v, s->targets));
}

static void binding_line(const FactsView *v, uint32_t i)
{
    const AkBinding *b = &v->facts->bindings[i];
    facts_line(v->out, "%08u binding %s %s %s/%u %u-%u in %s = %s : %s by %s",
               b->start + v->shift, v->facts->names[b->name], binding_words[b->kind],
               how_words[b->how], b->part, b->start + v->shift, b->end + v->shift,
               scope_ref(v, b->scope), expr_ref(v, b->value), expr_ref(v, b->annotation),
               stmt_ref(v, b->stmt));
}

static void function_line(const FactsView *v, uint32_t i)
{
    const AkFacts *facts = v->facts;
    const AkFunctionFact *f = &facts->functions[i];
    char params[2048] = "";
    for (uint32_t k = 0; k < f->param_len; k++) {
        const AkParam *p = &facts->params[f->first_param + k];
        size_t len = strlen(params);
        snprintf(params + len, sizeof params - len, " %s %s@%u:%s=%s", param_words[p->kind],
                 facts->names[p->name], p->start + v->shift, expr_ref(v, p->annotation),
                 expr_ref(v, p->value));
    }
    facts_line(
        v->out,
        "%08u function \"%s\" %u-%u name %u-%u%s%s%s%s%s in %s (%s ) -> %s @(%s ) returned "
        "(%s ) yielded (%s )",
        f->start + v->shift, facts->names[f->name], f->start + v->shift, f->end + v->shift,
        f->name ? f->name_start + v->shift : 0, f->name ? f->name_end + v->shift : 0,
        f->is_async ? " async" : "", f->is_generator ? " generator" : "",
        f->is_lambda ? " lambda" : "", f->returns_value ? " returns" : "",
        f->is_trivial ? " trivial" : "", scope_ref(v, f->parent), params,
        expr_ref(v, f->returns), kids_ref(v, f->decorators), kids_ref(v, f->returned),
        kids_ref(v, f->yielded));
}

static void class_line(const FactsView *v, uint32_t i)
{
    const AkClassFact *c = &v->facts->classes[i];
    facts_line(v->out, "%08u class %s %u-%u in %s (%s ) @(%s )", c->start + v->shift,
               v->facts->names[c->name], c->start + v->shift, c->end + v->shift,
               scope_ref(v, c->parent), kids_ref(v, c->bases), kids_ref(v, c->decorators));
}

static void import_line(const FactsView *v, uint32_t i)
{
    const AkFacts *f = v->facts;
    const AkImport *m = &f->imports[i];
    facts_line(v->out, "%08u import %.*s%s %s as %s%s%s%s%s%s in %s by %s", m->start + v->shift,
               (int)m->level, "..........", f->names[m->module], f->names[m->name],
               f->names[m->bound], m->is_from ? " from" : "", m->is_star ? " star" : "",
               m->has_alias ? " alias" : "", m->type_checking ? " type-checking" : "",
               m->optional ? " optional" : "", scope_ref(v, m->scope), stmt_ref(v, m->stmt));
}

static void loop_line(const FactsView *v, uint32_t i)
{
    const AkLoop *l = &v->facts->loops[i];
    facts_line(v->out, "%08u loop %s in %s%s of %s by %s, scope %s (%s )",
               v->facts->exprs[l->target].start + v->shift, expr_ref(v, l->target),
               expr_ref(v, l->iterated), l->is_async ? " async" : "", expr_ref(v, l->comp),
               stmt_ref(v, l->stmt), scope_ref(v, l->scope), kids_ref(v, l->conditions));
}

static void facts_lines(FactLines *out, const AkFacts *f, uint32_t shift)
{
    FactsView view = {f, shift, out}, *v = &view;
#define EACH(one, line)                                                                        \
    for (uint32_t i = 1; i < f->one##_len; i++)                                                \
    line(v, i)
    EACH(expr, expr_line);
    EACH(stmt, stmt_line);
    EACH(binding, binding_line);
    EACH(function, function_line);
    EACH(class, class_line);
    EACH(import, import_line);
    EACH(loop, loop_line);
#undef EACH
    for (uint32_t i = 1; i < f->comment_len; i++)
        facts_line(out, "%08u comment %u-%u%s", f->comments[i].start + shift,
                   f->comments[i].start + shift, f->comments[i].end + shift,
                   f->comments[i].own_line ? " own line" : "");
    for (uint32_t i = 1; i < f->error_len; i++)
        facts_line(out, "%08u syntax %u-%u%s", f->errors[i].start + shift,
                   f->errors[i].start + shift, f->errors[i].end + shift,
                   f->errors[i].missing ? " missing" : "");
}

static int facts_by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void facts_sort(FactLines *lines)
{
    if (lines->len)
        qsort(lines->lines, lines->len, sizeof *lines->lines, facts_by_text);
}

#ifdef FACTS_TEXT_COMPARE
/* Whether both have the same lines; tells the first that differ. */
static bool facts_same(FactLines *a, FactLines *b, const char *path)
{
    facts_sort(a);
    facts_sort(b);
    for (size_t i = 0; i < a->len || i < b->len; i++) {
        const char *x = i < a->len ? a->lines[i] : "nothing";
        const char *y = i < b->len ? b->lines[i] : "nothing";
        if (strcmp(x, y) == 0)
            continue;
        printf("%s\n  whole: %s\n  block: %s\n", path, x, y);
        return false;
    }
    return true;
}
#endif

static void facts_print(FILE *out, const AkFacts *facts)
{
    FactLines lines = {0};
    facts_lines(&lines, facts, 0);
    facts_sort(&lines);
    for (size_t i = 0; i < lines.len; i++)
        fprintf(out, "%s\n", lines.lines[i] + strspn(lines.lines[i], "0123456789") + 1);
    facts_lines_free(&lines);
}

#endif
