/* facts_dump: prints the facts of files, for tests/oracle_facts.py and for reading.
 *
 *     facts_dump < list-of-files            one JSON line a file: the tables as they are
 *     facts_dump --blocks < list-of-files   compares a file's blocks with the whole
 *     facts_dump --parsers < list-of-files  compares the tables of both parsers, block by block
 *     facts_dump --text < file.py           the tables as text
 */
#define _GNU_SOURCE
#include "blocks.h"
#include "blocks_text.h"
#include "parse.h"
#include "source.h"

#define FACTS_TEXT_COMPARE
#include "facts_text.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char *read_stream(FILE *file, size_t *len)
{
    char *bytes = NULL;
    size_t room = 0;
    *len = 0;
    for (;;) {
        if (*len == room) {
            room = room ? room * 2 : 1 << 16;
            bytes = realloc(bytes, room);
            if (!bytes)
                exit(EXIT_FAILURE);
        }
        size_t got = fread(bytes + *len, 1, room - *len, file);
        if (!got)
            return bytes;
        *len += got;
    }
}

/* ---- Tables as JSON: arrays of numbers, in the order of facts.h ---- */

static json_t *row(size_t count, const uint32_t *numbers)
{
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(list, json_integer(numbers[i]));
    return list;
}

#define ROW(list, ...)                                                                         \
    json_array_append_new(                                                                     \
        list, row(sizeof((uint32_t[]){__VA_ARGS__}) / 4, (uint32_t[]){__VA_ARGS__}))
#define KIDS(kids) (kids).first, (kids).count

static json_t *names_of(const AkFacts *facts)
{
    json_t *list = json_array();
    for (uint32_t i = 0; i < facts->name_count; i++) {
        json_t *text = json_stringn(facts->names[i], facts->name_len[i]);
        json_array_append_new(list, text ? text : json_null());
    }
    return list;
}

static json_t *exprs_of(const AkFacts *facts)
{
    json_t *list = json_array();
    for (uint32_t i = 0; i < facts->expr_len; i++) {
        const AkExpr *e = &facts->exprs[i];
        ROW(list, e->kind, e->op, e->flags, e->start, e->end, e->name, e->index, KIDS(e->kids),
            e->scope, e->stmt, e->parent);
    }
    return list;
}

static json_t *stmts_of(const AkFacts *facts)
{
    json_t *list = json_array();
    for (uint32_t i = 0; i < facts->stmt_len; i++) {
        const AkStmt *s = &facts->stmts[i];
        ROW(list, s->kind, s->suite, s->op, s->is_async, s->start, s->end, s->parent, s->last,
            s->scope, s->name, s->value, s->extra, KIDS(s->targets), s->index, s->count);
    }
    return list;
}

static json_t *scopes_of(const AkFacts *facts)
{
    json_t *list = json_array();
    for (uint32_t i = 0; i < facts->scope_len; i++) {
        const AkScope *s = &facts->scopes[i];
        ROW(list, s->kind, s->parent, s->index, s->function, s->first_binding, s->binding_len);
    }
    return list;
}

static json_t *bindings_of(const AkFacts *facts)
{
    json_t *list = json_array();
    for (uint32_t i = 0; i < facts->binding_len; i++) {
        const AkBinding *b = &facts->bindings[i];
        ROW(list, b->kind, b->how, b->part, b->name, b->scope, b->start, b->end, b->value,
            b->annotation, b->stmt, b->index);
    }
    return list;
}

static json_t *params_of(const AkFacts *facts)
{
    json_t *list = json_array();
    for (uint32_t i = 0; i < facts->param_len; i++) {
        const AkParam *p = &facts->params[i];
        ROW(list, p->kind, p->name, p->start, p->end, p->annotation, p->value);
    }
    return list;
}

static json_t *functions_of(const AkFacts *facts)
{
    json_t *list = json_array();
    for (uint32_t i = 0; i < facts->function_len; i++) {
        const AkFunctionFact *f = &facts->functions[i];
        ROW(list, f->name, f->is_async, f->is_generator, f->is_lambda, f->returns_value,
            f->is_trivial, f->start, f->end, f->name_start, f->name_end, f->scope, f->parent,
            f->stmt, f->expr, f->class_, f->outer, f->first_param, f->param_len,
            KIDS(f->decorators), KIDS(f->returned), KIDS(f->yielded), f->returns);
    }
    return list;
}

static json_t *classes_of(const AkFacts *facts)
{
    json_t *list = json_array();
    for (uint32_t i = 0; i < facts->class_len; i++) {
        const AkClassFact *c = &facts->classes[i];
        ROW(list, c->name, c->start, c->end, c->name_start, c->name_end, c->scope, c->parent,
            c->stmt, c->outer_function, c->outer_class, KIDS(c->bases), KIDS(c->decorators));
    }
    return list;
}

static json_t *imports_of(const AkFacts *facts)
{
    json_t *list = json_array();
    for (uint32_t i = 0; i < facts->import_len; i++) {
        const AkImport *m = &facts->imports[i];
        ROW(list, m->module, m->name, m->bound, m->level, m->is_from, m->is_star, m->has_alias,
            m->type_checking, m->optional, m->start, m->end, m->stmt, m->scope);
    }
    return list;
}

static json_t *loops_of(const AkFacts *facts)
{
    json_t *list = json_array();
    for (uint32_t i = 0; i < facts->loop_len; i++) {
        const AkLoop *l = &facts->loops[i];
        ROW(list, l->target, l->iterated, l->scope, l->stmt, l->comp, KIDS(l->conditions),
            l->is_async);
    }
    return list;
}

static json_t *errors_of(const AkFacts *facts)
{
    json_t *list = json_array();
    for (uint32_t i = 0; i < facts->error_len; i++)
        ROW(list, facts->errors[i].start, facts->errors[i].end, facts->errors[i].missing);
    return list;
}

static json_t *tables(const AkFacts *facts)
{
    json_t *kids = json_array();
    for (uint32_t i = 0; i < facts->kid_len; i++)
        json_array_append_new(kids, json_integer(facts->kids[i]));
    return json_pack("{s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o}", "names",
                     names_of(facts), "exprs", exprs_of(facts), "kids", kids, "stmts",
                     stmts_of(facts), "scopes", scopes_of(facts), "bindings",
                     bindings_of(facts), "params", params_of(facts), "functions",
                     functions_of(facts), "classes", classes_of(facts), "imports",
                     imports_of(facts), "loops", loops_of(facts), "errors", errors_of(facts));
}

/* ---- Files ---- */

typedef struct Tool {
    AkArena *arena;
    AkParser *parser, *grammar;
    size_t files, blocks, wrong, bytes, asked;
    bool tell; /* which blocks it asked about */
} Tool;

static void dump_json(Tool *tool, const char *path, const AkSource *source, int status)
{
    json_t *line =
        json_pack("{s:s,s:i,s:i}", "path", path, "status", status, "len", (int)source->len);
    if (status == AK_SOURCE_OK)
        json_object_set_new(
            line, "facts",
            tables(ak__collect(tool->arena, tool->parser, source->text, source->len)));
    json_dumpf(line, stdout, JSON_COMPACT);
    putchar('\n');
    fflush(stdout);
    json_decref(line);
}

/* The offset of the line's start, or UINT32_MAX where something else stands before `at`. */
static uint32_t own_line(const char *text, uint32_t at)
{
    while (at > 0 && (text[at - 1] == ' ' || text[at - 1] == '\t' || text[at - 1] == '\f'))
        at--;
    return at == 0 || text[at - 1] == '\n' ? at : UINT32_MAX;
}

/* Each statement that begins a line ends, for ak__statement_end, behind all that is below it and
 * before the next that begins a line. A handler is followed by the others of its `try`. */
static bool ends_fit(const AkFacts *facts, const AkSource *source)
{
    for (AkStmtId i = 1; i < facts->stmt_len; i++) {
        const AkStmt *stmt = &facts->stmts[i];
        uint32_t line = own_line(source->text, stmt->start), patience = AK_PATIENCE;
        if (line == UINT32_MAX || stmt->kind == AK_S_HANDLER)
            continue;
        uint32_t end = ak__statement_end(source->text, source->len, line, &patience);
        AkStmtId next = stmt->last + 1;
        while (next < facts->stmt_len &&
               own_line(source->text, facts->stmts[next].start) == UINT32_MAX)
            next++;
        if (end >= facts->stmts[stmt->last].end &&
            (next == facts->stmt_len || end <= facts->stmts[next].start))
            continue;
        printf("%s: the statement at byte %u ends at %u\n", source->path, stmt->start, end);
        return false;
    }
    return true;
}

static void compare(Tool *tool, const char *path, const AkSource *source, int status)
{
    if (status != AK_SOURCE_OK)
        return;
    AkBlock *blocks;
    const char *text = source->text;
    size_t count = ak__blocks_cut(tool->arena, text, source->len, &blocks);
    FactLines whole = {0}, parts = {0};
    const AkFacts *facts = ak__collect(tool->arena, tool->parser, text, source->len);
    if (facts->error_len > 1)
        return;
    facts_lines(&whole, facts, 0);
    for (size_t i = 0; i < count; i++) {
        uint32_t start = blocks[i].start, len = blocks[i].end - start;
        facts_lines(&parts, ak__collect(tool->arena, tool->parser, text + start, len), start);
    }
    tool->files++;
    tool->blocks += count;
    bool same = facts_same(&whole, &parts, path);
    tool->wrong += !(ends_fit(facts, source) && same);
    facts_lines_free(&whole);
    facts_lines_free(&parts);
}

/* ---- Both parsers ---- */

/* Field by field: what lies between the fields is anything. */
static bool same_comments(const AkFacts *a, const AkFacts *b)
{
    bool same = a->comment_len == b->comment_len;
    for (uint32_t i = 1; same && i < a->comment_len; i++)
        same = a->comments[i].start == b->comments[i].start &&
               a->comments[i].end == b->comments[i].end &&
               a->comments[i].own_line == b->comments[i].own_line;
    return same;
}

/* A line a number that differs would be too much: the first table that does, and where. */
static bool same_tables(const AkFacts *quick, const AkFacts *grammar, const char *path,
                        uint32_t start)
{
    json_t *a = tables(quick), *b = tables(grammar);
    bool same = json_equal(a, b) && same_comments(quick, grammar);
    const char *key;
    json_t *value;
    if (!same)
        printf("%s: the block at byte %u\n", path, start);
    json_object_foreach(a, key, value)
    {
        json_t *other = json_object_get(b, key);
        size_t i = 0, len = json_array_size(value);
        if (same || json_equal(value, other))
            continue;
        while (i < len && json_equal(json_array_get(value, i), json_array_get(other, i)))
            i++;
        char *x = json_dumps(json_array_get(value, i), JSON_COMPACT | JSON_ENCODE_ANY);
        char *y = json_dumps(json_array_get(other, i), JSON_COMPACT | JSON_ENCODE_ANY);
        printf("  %s[%zu]: %s and %s\n", key, i, x ? x : "-", y ? y : "-");
        free(x);
        free(y);
    }
    json_decref(a);
    json_decref(b);
    return same;
}

static void compare_parsers(Tool *tool, const char *path, const AkSource *source, int status)
{
    if (status != AK_SOURCE_OK)
        return;
    AkBlock *blocks;
    size_t count = ak__blocks_cut(tool->arena, source->text, source->len, &blocks);
    for (size_t i = 0; i < count; i++) {
        const char *text = source->text + blocks[i].start;
        uint32_t len = blocks[i].end - blocks[i].start;
        const AkFacts *quick = ak__collect(tool->arena, tool->parser, text, len);
        uint64_t asked = ak__parse_asked(tool->parser);
        const AkFacts *grammar = ak__collect(tool->arena, tool->grammar, text, len);
        tool->blocks++;
        tool->bytes += len;
        tool->asked += asked;
        if (asked && tool->tell)
            printf("%s: asked about %llu bytes at byte %u\n", path, (unsigned long long)asked,
                   blocks[i].start);
        /* What is broken is read differently; what the grammar alone takes is taken. */
        if (grammar->error_len == 1 || (quick->error_len == 1 && !asked))
            tool->wrong += !same_tables(quick, grammar, path, blocks[i].start);
    }
    tool->files++;
}

static int each_file(Tool *tool, void (*one)(Tool *, const char *, const AkSource *, int))
{
    char *path = NULL;
    size_t room = 0;
    for (ssize_t n; (n = getline(&path, &room, stdin)) > 0;) {
        if (path[n - 1] == '\n')
            path[n - 1] = 0;
        FILE *file = fopen(path, "rb");
        if (!file)
            continue;
        size_t len;
        char *bytes = read_stream(file, &len);
        fclose(file);
        AkSource source;
        int status = ak__source_open(tool->arena, &source, path, bytes, len);
        one(tool, path, &source, status);
        free(bytes);
        ak__arena_reset(tool->arena);
    }
    free(path);
    return 0;
}

static int dump_text(Tool *tool)
{
    size_t len;
    char *bytes = read_stream(stdin, &len);
    AkSource source;
    if (ak__source_open(tool->arena, &source, "stdin", bytes, len) != AK_SOURCE_OK)
        return 1;
    facts_print(stdout, ak__collect(tool->arena, tool->parser, source.text, source.len));
    free(bytes);
    return 0;
}

int main(int argc, char **argv)
{
    Tool tool = {.arena = ak__arena_new(),
                 .parser = ak__parser_new(),
                 .grammar = ak__parser_new(),
                 .tell = argc > 2};
    if (!tool.arena || !tool.parser || !tool.grammar || setjmp(*ak__arena_guard(tool.arena))) {
        fputs("facts_dump: out of memory\n", stderr);
        return EXIT_FAILURE;
    }
    ak__parser_only_grammar(tool.grammar);
    const char *what = argc > 1 ? argv[1] : "";
    int result;
    if (strcmp(what, "--text") == 0) {
        result = dump_text(&tool);
    } else if (strcmp(what, "--blocks") == 0) {
        result = each_file(&tool, compare);
        printf("%zu files, %zu blocks, %zu mismatches\n", tool.files, tool.blocks, tool.wrong);
        result |= tool.wrong != 0 || tool.files == 0;
    } else if (strcmp(what, "--parsers") == 0) {
        result = each_file(&tool, compare_parsers);
        printf("%zu files, %zu blocks, %.2f MB, %.2f %% asked, %zu mismatches\n", tool.files,
               tool.blocks, (double)tool.bytes / 1e6,
               100 * (double)tool.asked / (double)(tool.bytes ? tool.bytes : 1), tool.wrong);
        result |= tool.wrong != 0 || tool.files == 0;
    } else {
        result = each_file(&tool, dump_json);
    }
    ak__parser_free(tool.parser);
    ak__parser_free(tool.grammar);
    ak__arena_free(tool.arena);
    return result;
}
