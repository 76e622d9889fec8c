/* Any bytes, whole and as a member: facts are made, their numbers lie inside their tables and
 * their places inside the text, parents come before children. */
#include "arena.h"
#include "facts.h"
#include "source.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
    if (!holds)
        abort();
}

static void must_have_kids(const AkFacts *f, AkKids kids)
{
    must(kids.count == 0 || kids.first + kids.count <= f->kid_len);
}

static void check_exprs(const AkFacts *f, uint32_t len)
{
    for (uint32_t i = 1; i < f->expr_len; i++) {
        const AkExpr *e = &f->exprs[i];
        must(e->start <= e->end && e->end <= len);
        must(e->name < f->name_count && e->parent < i && e->stmt < f->stmt_len);
        must(e->scope && e->scope < f->scope_len);
        must_have_kids(f, e->kids);
        for (uint32_t k = 0; k < e->kids.count; k++)
            must(f->kids[e->kids.first + k] == 0 || f->kids[e->kids.first + k] > i);
    }
}

static void check_stmts(const AkFacts *f, uint32_t len)
{
    for (uint32_t i = 1; i < f->stmt_len; i++) {
        const AkStmt *s = &f->stmts[i];
        must(s->start <= s->end && s->end <= len && s->parent < i);
        must(s->last >= i && s->last < f->stmt_len &&
             s->last <= f->stmts[s->parent].last + (s->parent ? 0 : s->last));
        must(s->value < f->expr_len && s->extra < f->expr_len && s->scope < f->scope_len);
        must_have_kids(f, s->targets);
    }
}

static void check_rest(const AkFacts *f, uint32_t len)
{
    for (uint32_t i = 1; i < f->binding_len; i++) {
        const AkBinding *b = &f->bindings[i];
        must(b->start <= b->end && b->end <= len && b->name < f->name_count);
        must(b->scope < f->scope_len && b->value < f->expr_len && b->stmt < f->stmt_len);
    }
    for (uint32_t i = 1; i < f->function_len; i++) {
        const AkFunctionFact *fn = &f->functions[i];
        must(fn->start <= fn->end && fn->end <= len && fn->scope < f->scope_len);
        must(fn->first_param + fn->param_len <= f->param_len);
        must_have_kids(f, fn->returned);
        must_have_kids(f, fn->yielded);
        must_have_kids(f, fn->decorators);
    }
    for (uint32_t i = 1; i < f->loop_len; i++)
        must(f->loops[i].target < f->expr_len && f->loops[i].iterated < f->expr_len);
    for (uint32_t i = 1; i < f->import_len; i++)
        must(f->imports[i].end <= len && f->imports[i].stmt < f->stmt_len);
    for (uint32_t i = 1; i < f->comment_len; i++)
        must(f->comments[i].start < f->comments[i].end && f->comments[i].end <= len);
    for (uint32_t i = 1; i < f->error_len; i++)
        must(f->errors[i].start <= f->errors[i].end && f->errors[i].end <= len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static AkParser *parser;
    AkArena *arena = ak__arena_new();
    if (!parser)
        parser = ak__parser_new();
    if (!arena || !parser)
        abort();
    if (setjmp(*ak__arena_guard(arena)) == 0) {
        AkSource source;
        if (ak__source_open(arena, &source, "fuzz.py", (const char *)data, size) ==
            AK_SOURCE_OK) {
            const AkFacts *f = ak__collect(arena, parser, source.text, source.len);
            check_exprs(f, source.len);
            check_stmts(f, source.len);
            check_rest(f, source.len);
        }
    }
    ak__arena_free(arena);
    return 0;
}
