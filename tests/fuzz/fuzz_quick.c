/* Any bytes: what the quick parser takes without asking, the grammar takes without an error, and
 * the facts of both are the same to the last number. So they are where it asked about a part and
 * neither finds an error; the grammar also takes line ends where Python does not. */
#include "arena.h"
#include "parse.h"
#include "source.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
    if (!holds)
        abort();
}

static bool same_kids(AkKids a, AkKids b)
{
    return a.first == b.first && a.count == b.count;
}

static void compare_exprs(const AkFacts *a, const AkFacts *b)
{
    must(a->expr_len == b->expr_len && a->kid_len == b->kid_len);
    must(memcmp(a->kids, b->kids, a->kid_len * sizeof *a->kids) == 0);
    for (uint32_t i = 0; i < a->expr_len; i++) {
        const AkExpr *x = &a->exprs[i], *y = &b->exprs[i];
        must(x->kind == y->kind && x->op == y->op && x->flags == y->flags);
        must(x->start == y->start && x->end == y->end && x->name == y->name);
        must(x->index == y->index && same_kids(x->kids, y->kids) && x->scope == y->scope);
        must(x->stmt == y->stmt && x->parent == y->parent);
    }
}

static void compare_stmts(const AkFacts *a, const AkFacts *b)
{
    must(a->stmt_len == b->stmt_len);
    for (uint32_t i = 0; i < a->stmt_len; i++) {
        const AkStmt *x = &a->stmts[i], *y = &b->stmts[i];
        must(x->kind == y->kind && x->suite == y->suite && x->op == y->op);
        must(x->is_async == y->is_async && x->start == y->start && x->end == y->end);
        must(x->parent == y->parent && x->last == y->last && x->scope == y->scope);
        must(x->name == y->name && x->value == y->value && x->extra == y->extra);
        must(same_kids(x->targets, y->targets) && x->index == y->index && x->count == y->count);
    }
}

static void compare_functions(const AkFacts *a, const AkFacts *b)
{
    must(a->function_len == b->function_len && a->class_len == b->class_len);
    for (uint32_t i = 0; i < a->function_len; i++) {
        const AkFunctionFact *x = &a->functions[i], *y = &b->functions[i];
        must(x->name == y->name && x->is_async == y->is_async);
        must(x->is_generator == y->is_generator && x->is_lambda == y->is_lambda);
        must(x->returns_value == y->returns_value && x->is_trivial == y->is_trivial);
        must(x->start == y->start && x->end == y->end && x->name_start == y->name_start);
        must(x->scope == y->scope && x->parent == y->parent && x->stmt == y->stmt);
        must(x->first_param == y->first_param && x->param_len == y->param_len);
        must(same_kids(x->decorators, y->decorators) && same_kids(x->returned, y->returned));
        must(same_kids(x->yielded, y->yielded) && x->returns == y->returns);
    }
    for (uint32_t i = 0; i < a->class_len; i++) {
        const AkClassFact *x = &a->classes[i], *y = &b->classes[i];
        must(x->name == y->name && x->start == y->start && x->end == y->end);
        must(x->stmt == y->stmt && same_kids(x->bases, y->bases));
    }
}

static void compare_rest(const AkFacts *a, const AkFacts *b)
{
    must(a->name_count == b->name_count && a->scope_len == b->scope_len);
    must(a->binding_len == b->binding_len && a->import_len == b->import_len);
    must(a->param_len == b->param_len && a->loop_len == b->loop_len);
    for (uint32_t i = 0; i < a->name_count; i++)
        must(a->name_len[i] == b->name_len[i] &&
             memcmp(a->names[i], b->names[i], a->name_len[i]) == 0);
    for (uint32_t i = 0; i < a->binding_len; i++) {
        const AkBinding *x = &a->bindings[i], *y = &b->bindings[i];
        must(x->kind == y->kind && x->how == y->how && x->part == y->part);
        must(x->name == y->name && x->scope == y->scope && x->start == y->start);
        must(x->value == y->value && x->annotation == y->annotation && x->index == y->index);
    }
    must(a->comment_len == b->comment_len);
    for (uint32_t i = 0; i < a->comment_len; i++) {
        const AkComment *x = &a->comments[i], *y = &b->comments[i];
        must(x->start == y->start && x->end == y->end && x->own_line == y->own_line);
    }
}

static void compare_parsers(AkArena *arena, const char *text, uint32_t len)
{
    static AkParser *parser, *grammar;
    if (!parser) {
        parser = ak__parser_new();
        grammar = ak__parser_new();
        must(parser && grammar);
        ak__parser_only_grammar(grammar);
    }
    const AkFacts *a = ak__collect(arena, parser, text, len);
    bool asked = ak__parse_asked(parser) != 0;
    const AkFacts *b = ak__collect(arena, grammar, text, len);
    if (a->error_len > 1 || (asked && b->error_len > 1))
        return;
    must(b->error_len == 1);
    compare_exprs(a, b);
    compare_stmts(a, b);
    compare_functions(a, b);
    compare_rest(a, b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AkArena *arena = ak__arena_new();
    must(arena != NULL);
    if (setjmp(*ak__arena_guard(arena)) == 0) {
        AkSource source;
        if (ak__source_open(arena, &source, "fuzz.py", (const char *)data, size) ==
            AK_SOURCE_OK)
            compare_parsers(arena, source.text, source.len);
    }
    ak__arena_free(arena);
    return 0;
}
