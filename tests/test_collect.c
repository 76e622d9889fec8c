/* Facts of small texts as goldens, and what no golden shows: depth, members, memory.
 *
 *     AK_GOLDEN=write test_collect      writes tests/fixtures/_facts anew
 */
#define _GNU_SOURCE
#include "arena.h"
#include "facts.h"
#include "parse.h"
#include "tools/facts_text.h"

#include <check.h>
#include <dirent.h>
#include <time.h>

static AkArena *arena;
static AkParser *parser;

static void set_up(void)
{
    arena = ak__arena_new();
    parser = ak__parser_new();
    ck_assert_ptr_nonnull(arena);
    ck_assert_ptr_nonnull(parser);
}

static void tear_down(void)
{
    ak__parser_free(parser);
    ak__arena_free(arena);
}

static const AkFacts *collect(const char *text)
{
    return ak__collect(arena, parser, text, (uint32_t)strlen(text));
}

static char *slurp(const char *path)
{
    FILE *file = fopen(path, "rb");
    ck_assert_msg(file != NULL, "%s", path);
    fseek(file, 0, SEEK_END);
    size_t size = (size_t)ftell(file);
    rewind(file);
    char *text = calloc(size + 1, 1);
    ck_assert_ptr_nonnull(text);
    ck_assert_uint_eq(fread(text, 1, size, file), size);
    fclose(file);
    return text;
}

static const char source_line[] = "-- source.py --\n", facts_line_[] = "-- facts --\n";

static void check_case(const char *path)
{
    char *text = slurp(path), *printed = NULL;
    char *source = strstr(text, source_line), *facts = strstr(text, facts_line_);
    ck_assert_msg(source && facts, "%s is no case", path);
    size_t len = 0;
    source += strlen(source_line);
    FILE *memory = open_memstream(&printed, &len);
    facts_print(memory, ak__collect(arena, parser, source, (uint32_t)(facts - source)));
    fclose(memory);
    facts += strlen(facts_line_);
    const char *golden = getenv("AK_GOLDEN");
    if (golden && strcmp(golden, "write") == 0) {
        FILE *file = fopen(path, "wb");
        ck_assert_ptr_nonnull(file);
        fwrite(text, 1, (size_t)(facts - text), file);
        fwrite(printed, 1, len, file);
        fclose(file);
    } else {
        ck_assert_msg(strcmp(facts, printed) == 0, "%s: the facts differ; they are now\n%s",
                      path, printed);
    }
    free(printed);
    free(text);
}

START_TEST(facts_are_those_of_the_goldens)
{
    static const char folder[] = "tests/fixtures/_facts";
    DIR *dir = opendir(folder);
    int cases = 0;
    ck_assert_ptr_nonnull(dir);
    for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        char path[512];
        if (!strstr(entry->d_name, ".txtar"))
            continue;
        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        check_case(path);
        cases++;
    }
    closedir(dir);
    ck_assert_int_gt(cases, 5);
}
END_TEST

/* ---- Depth ---- */

static char *repeated(const char *before, const char *part, size_t count, const char *after)
{
    char *text = NULL;
    size_t len = 0;
    FILE *memory = open_memstream(&text, &len);
    fputs(before, memory);
    for (size_t i = 0; i < count; i++)
        fputs(part, memory);
    fputs(after, memory);
    fclose(memory);
    return text;
}

static uint32_t count_kind(const AkFacts *facts, AkExprKind kind)
{
    uint32_t count = 0;
    for (uint32_t i = 1; i < facts->expr_len; i++)
        count += facts->exprs[i].kind == kind;
    return count;
}

static void expect_all(const char *before, const char *part, size_t count, const char *after,
                       AkExprKind kind)
{
    char *text = repeated(before, part, count, after);
    const AkFacts *facts = collect(text);
    ck_assert_uint_eq(count_kind(facts, kind), count);
    ck_assert_uint_eq(facts->error_len, 1);
    free(text);
}

static char *facts_as_text(const char *source)
{
    char *printed = NULL;
    size_t len = 0;
    FILE *memory = open_memstream(&printed, &len);
    facts_print(memory, collect(source));
    fclose(memory);
    return printed;
}

START_TEST(grammar_and_quick_parser_bind_alike)
{
    static const char text[] = "x = ~1 ^ 1 & 1 | 1 & 1 ^ -1\n"
                               "y = a & b ^ c & d ^ e.f(g)[h] & i\n"
                               "z = a ^ b ^ c & d & (e ^ f & g) | (h &\n  i  # one\n  ^ j)\n"
                               "w = [p for p in q if (r := s if t else u)]\n"
                               "def f(x=a & b ^ c): return x[a & b ^ c : d ^ e & f].g\n";
    char *quick = facts_as_text(text);
    ck_assert_uint_eq(ak__parse_asked(parser), 0);
    ak__parser_only_grammar(parser);
    char *grammar = facts_as_text(text);
    ck_assert_uint_eq(ak__parse_asked(parser), strlen(text));
    ck_assert_str_eq(quick, grammar);
    free(quick);
    free(grammar);
}
END_TEST

/* What is between [ and ] the quick parser asks the grammar about; nothing, where there is none. */
static const struct {
    const char *fact, *text;
    uint32_t calls, errors; /* c() each, all found */
} asked[] = {
    {"a statement it does not know",
     "def f(x):\n    c()\n    [match x:\n        case 1:\n            c()\n]    c()\n", 3, 0},
    {"in a class, behind decorators, with clauses",
     "class A:\n    c()\n    [@c()\n    @d\n    def f[T](self): c()\n]    if c(): pass\n"
     "    else: c()\n",
     5, 0},
    {"a broken line", "def f():\n    c()\n    [x = = y\n]    c()\ndef g():\n    c()\n", 3, 1},
    {"a broken method",
     "class A:\n  def f(self): c()\n  [def g(self: c()\n]  def h(self): c()\n", 3, 1},
    {"a bracket that never closes",
     "class A:\n  def f(self):\n    [x = d(1,\n]    y = c()\n  def g(self): c()\n", 2, 1},
    {"quotes that never close",
     "class A:\n  def f(self):\n    [x = '''c\n    c()\n]  def g(self): c()\n", 2, 1},
    {"a line that begins with what it does not know",
     "def f():\n    c()\n    [\xc3\xa9 = 1\n]    c()\n", 2, 0},
    {"a line that begins with a quote", "def f():\n    c()\n    [\"d\n]    c()\n", 2, 1},
    {"deeper lines", "def f():\n    c()\n    x = 1\n        y = c()\n    c()\n", 3, 1},
    {"between two depths", "class A:\n    def f():\n        c()\n      c()\n    c()\n", 3, 1},
    {"a header without a colon", "def f():\n    [if c()\n]        c()\n    c()\n", 3, 2},
    {"a decorator, cut off", "class A:\n    c()\n[@d\n]    def f(self): c()\n", 2, 2},
    {"blanks before all", "[ c()\nc()\n]", 2, 0},
    {"two of them", "def f():\n    [print x\n]    c()\n    [exec y\n]    c()\n", 2, 2},
    {"a line of several", "def f():\n    [c(); x = = y; c()\n]    c()\n", 3, 1},
};

static uint32_t bytes_asked(const char *marked, char *text)
{
    uint32_t count = 0;
    bool inside = false;
    for (; *marked; marked++) {
        if (*marked == '[' && !strncmp(marked, "[T]", 3)) {
            memcpy(text, "[T]", 3);
            text += 3, marked += 2, count += 3;
            continue;
        }
        if (*marked == '[' || *marked == ']') {
            inside = *marked == '[';
            continue;
        }
        *text++ = *marked;
        count += inside;
    }
    *text = 0;
    return count;
}

START_TEST(the_grammar_is_asked_about_a_statement)
{
    char text[300];
    uint32_t want = bytes_asked(asked[_i].text, text);
    const AkFacts *facts = collect(text);
    ck_assert_msg(ak__parse_asked(parser) == want, "%s: asked about %u bytes, not %u",
                  asked[_i].fact, (unsigned)ak__parse_asked(parser), want);
    ck_assert_msg(count_kind(facts, AK_X_CALL) == asked[_i].calls, "%s: %u calls",
                  asked[_i].fact, count_kind(facts, AK_X_CALL));
    ck_assert_msg(facts->error_len == asked[_i].errors + 1, "%s: %u errors", asked[_i].fact,
                  facts->error_len - 1);
}
END_TEST

START_TEST(errors_of_what_is_asked_about_twice_count_once)
{
    const AkFacts *facts = collect("def f():\n    try:\n        x = = c()\n    c()\n");
    ck_assert_uint_gt(facts->error_len, 1);
    for (uint32_t i = 2; i < facts->error_len; i++)
        ck_assert_uint_gt(facts->errors[i].start, facts->errors[i - 1].start);
}
END_TEST

START_TEST(where_statements_cannot_be_told_the_grammar_reads_all)
{
    static const char text[] = "class A:\n        x = = 1\n\ty = c()\n    z = c()\n";
    const AkFacts *facts = collect(text);
    ck_assert_uint_ge(ak__parse_asked(parser), strlen(text));
    ck_assert_uint_eq(count_kind(facts, AK_X_CALL), 2);
}
END_TEST

START_TEST(long_chains_are_collected_whole)
{
    expect_all("a", ".b", 5000, "\n", AK_X_ATTRIBUTE);
    expect_all("a", ".b()", 5000, "\n", AK_X_CALL);
    expect_all("a", "[0]", 5000, "\n", AK_X_SUBSCRIPT);
    expect_all("a", " + b", 5000, "\n", AK_X_BINARY);
}
END_TEST

START_TEST(nesting_without_end_is_an_error_and_ends)
{
    static const char *const openings[] = {"(",       "[",    "{a:",          "f(",
                                           "a[",      "not ", "lambda:",      "-(",
                                           "(yield ", "f'{",  "a if b else ", "b ** "};
    for (size_t i = 0; i < sizeof openings / sizeof *openings; i++) {
        char *text = repeated("x = ", openings[i], 10000, "y\n");
        const AkFacts *facts = collect(text);
        ck_assert_uint_gt(facts->error_len, 1);
        ak__arena_reset(arena);
        free(text);
    }
}
END_TEST

START_TEST(nested_brackets_that_close_are_an_error_in_one_place)
{
    char *open = repeated("f(1)\nx = ", "(", 10000, "y"),
         *text = repeated(open, ")", 10000, "\ng(2)\n");
    const AkFacts *facts = collect(text);
    ck_assert_uint_eq(count_kind(facts, AK_X_CALL), 2);
    ck_assert_uint_eq(facts->error_len, 2);
    free(open);
    free(text);
}
END_TEST

static double seconds_for(size_t count)
{
    char *text = repeated("a", ".b(c)", count, "\n");
    clock_t start = clock();
    collect(text);
    double spent = (double)(clock() - start) / CLOCKS_PER_SEC;
    ak__arena_reset(arena);
    free(text);
    return spent;
}

START_TEST(chains_take_time_in_proportion)
{
    seconds_for(4000);
    double small = seconds_for(4000), large = seconds_for(32000);
    /* Eight times the length; a quadratic walk would take sixty-four times. */
    ck_assert_msg(large < small * 30 + 0.05, "%g s and %g s", small, large);
}
END_TEST

START_TEST(header_of_a_class_stands_alone)
{
    const AkFacts *facts = collect("@d\nclass A(B, k=c()):\n    # comment\n");
    ck_assert_uint_eq(facts->class_len, 2);
    ck_assert_uint_eq(facts->classes[1].bases.count, 2);
    ck_assert_uint_eq(facts->classes[1].decorators.count, 1);
}
END_TEST

/* ---- Texts of other kinds ---- */

START_TEST(texts_without_statements_have_no_facts)
{
    static const char *const texts[] = {"", "\n", "# x\n", "    ", "\\\n"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        const AkFacts *facts = collect(texts[i]);
        ck_assert_uint_eq(facts->expr_len, 1);
        ck_assert_uint_eq(facts->stmt_len, 1);
        ck_assert_uint_eq(facts->scope_len, 2);
        ck_assert_str_eq(ak_name(facts, 0), "");
    }
}
END_TEST

START_TEST(empty_string_has_a_value_and_a_long_one_has_none)
{
    char *longest = repeated("'", "x", 1023, "'\n"), *longer = repeated("'", "x", 1024, "'\n");
    const AkFacts *facts = collect("''\n");
    ck_assert_uint_ne(facts->exprs[1].name, 0);
    ck_assert_uint_eq(facts->name_len[facts->exprs[1].name], 0);
    facts = collect(longest);
    ck_assert_uint_eq(facts->name_len[facts->exprs[1].name], 1023);
    ck_assert_uint_eq(collect(longer)->exprs[1].name, 0);
    free(longest);
    free(longer);
}
END_TEST

START_TEST(hash_of_a_name_is_that_of_its_bytes)
{
    const AkFacts *facts = collect("abc = definitely_longer_than_eight\n");
    for (uint32_t i = 0; i < facts->name_count; i++)
        ck_assert_uint_eq(facts->name_hash[i], ak__hash(facts->names[i], facts->name_len[i]));
}
END_TEST

START_TEST(bindings_of_a_scope_are_one_range_sorted_by_name_and_place)
{
    const AkFacts *facts = collect("b = 1\na = 2\nb = 3\ndef f(b): a = b\n");
    for (uint32_t s = 1; s < facts->scope_len; s++) {
        const AkScope *scope = &facts->scopes[s];
        for (uint32_t i = 0; i < scope->binding_len; i++) {
            const AkBinding *b = &facts->bindings[scope->first_binding + i];
            ck_assert_uint_eq(b->scope, s);
            if (i)
                ck_assert(b[-1].name < b->name || b[-1].start < b->start);
        }
    }
    ck_assert_uint_eq(facts->scopes[1].binding_len, 4);
    ck_assert_uint_eq(facts->scopes[2].binding_len, 2);
}
END_TEST

START_TEST(arena_without_memory_leaves_by_its_guard)
{
    static volatile size_t n;
    for (n = 1; n < 40; n++) {
        ak__arena_reset(arena);
        if (setjmp(*ak__arena_guard(arena)) == 0) {
            ak__arena_fail_at(arena, n);
            collect("def f(a: 'B[int]'):\n    return type(a).b\n");
            ak__arena_fail_at(arena, 0);
            ck_assert_uint_gt(n, 5);
            return;
        }
    }
    ck_abort_msg("never enough");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("collect");
    TCase *tests = tcase_create("collect");
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_set_timeout(tests, 120);
    tcase_add_test(tests, facts_are_those_of_the_goldens);
    tcase_add_test(tests, grammar_and_quick_parser_bind_alike);
    tcase_add_loop_test(tests, the_grammar_is_asked_about_a_statement, 0,
                        (int)(sizeof asked / sizeof *asked));
    tcase_add_test(tests, errors_of_what_is_asked_about_twice_count_once);
    tcase_add_test(tests, where_statements_cannot_be_told_the_grammar_reads_all);
    tcase_add_test(tests, long_chains_are_collected_whole);
    tcase_add_test(tests, nesting_without_end_is_an_error_and_ends);
    tcase_add_test(tests, nested_brackets_that_close_are_an_error_in_one_place);
    tcase_add_test(tests, chains_take_time_in_proportion);
    tcase_add_test(tests, header_of_a_class_stands_alone);
    tcase_add_test(tests, texts_without_statements_have_no_facts);
    tcase_add_test(tests, empty_string_has_a_value_and_a_long_one_has_none);
    tcase_add_test(tests, hash_of_a_name_is_that_of_its_bytes);
    tcase_add_test(tests, bindings_of_a_scope_are_one_range_sorted_by_name_and_place);
    tcase_add_test(tests, arena_without_memory_leaves_by_its_guard);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
