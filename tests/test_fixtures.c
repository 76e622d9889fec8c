/* tests/fixtures/<rule>/<case>.txtar: one test each, found by folder.
 *
 * `# BAD` on a line expects a finding of the folder's rule there; `# BAD: part` one whose
 * message holds that text; `# BAD AK301: part` one of another rule. Lines without a mark expect
 * nothing of the folder's rule and of those that are named. Before the first file stand prose
 * and options:
 *
 *     entry: program.py:on_event
 *     dialect: ak
 *     sdk: >=1.8,<1.12
 *
 * `known: path` and `library: path` give a file that is followed, not reported on.
 * Folders that begin with an underscore have no rule of their own: each mark names one, or an
 * option does, `rule: AK301`.
 */
#define _GNU_SOURCE
#include "../analyzer/cli/node.h"

#include <check.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_FILES = 64, MOST_MARKS = 256, PADDING = 64 };

typedef struct File {
    char *path, *text;
    size_t len;
} File;

typedef struct Use {
    char *path;
    AkUse use;
} Use;

typedef struct Mark {
    const char *path;
    uint32_t line;
    char rule[16];
    char part[160];
    bool found;
} Mark;

typedef struct Fixture {
    const char *name;
    char rule[16]; /* of the folder; "" for none */
    File files[MOST_FILES];
    size_t file_len;
    Mark marks[MOST_MARKS];
    size_t mark_len;
    const char *entries[16];
    size_t entry_len;
    Use uses[16];
    size_t use_len;
    unsigned dialects;
    const char *sdk_version;
} Fixture;

static glob_t fixtures;

static char *read_whole(const char *path)
{
    FILE *in = fopen(path, "rb");
    ck_assert_msg(in != NULL, "%s cannot be read", path);
    size_t len = 0, cap = 1 << 16;
    char *text = malloc(cap);
    for (size_t got; (got = fread(text + len, 1, cap - len - 1, in)) > 0;) {
        len += got;
        if (cap - len < 2)
            text = realloc(text, cap *= 2);
    }
    fclose(in);
    text[len] = '\0';
    return text;
}

static void read_option(Fixture *fixture, char *line)
{
    if (strncmp(line, "entry: ", 7) == 0) {
        fixture->entries[fixture->entry_len++] = strdup(line + 7);
    } else if (strncmp(line, "rule: ", 6) == 0) {
        snprintf(fixture->rule, sizeof fixture->rule, "%.8s", line + 6);
    } else if (strncmp(line, "known: ", 7) == 0) {
        fixture->uses[fixture->use_len++] = (Use){strdup(line + 7), AK_KNOWN};
    } else if (strncmp(line, "library: ", 9) == 0) {
        fixture->uses[fixture->use_len++] = (Use){strdup(line + 9), AK_LIBRARY};
    } else if (strncmp(line, "dialect: ", 9) == 0) {
        fixture->dialects |= strstr(line, "temporal")     ? AK_DIALECT_TEMPORAL
                             : strstr(line, "autokitteh") ? AK_DIALECT_AUTOKITTEH
                                                          : AK_DIALECT_AK;
    } else if (strncmp(line, "sdk: ", 5) == 0) {
        fixture->sdk_version = strdup(line + 5);
    }
}

static void add_mark(Fixture *fixture, const File *file, uint32_t number, const char *line)
{
    const char *at = strstr(line, "# BAD");
    if (!at)
        return;
    Mark *mark = &fixture->marks[fixture->mark_len++];
    ck_assert_uint_lt(fixture->mark_len, MOST_MARKS);
    *mark = (Mark){.path = file->path, .line = number};
    snprintf(mark->rule, sizeof mark->rule, "%s", fixture->rule);
    at += 5;
    if (strncmp(at, " AK", 3) == 0) {
        size_t len = strcspn(at + 1, ": ");
        snprintf(mark->rule, sizeof mark->rule, "%.*s", (int)len, at + 1);
        at += 1 + len;
    }
    if (at[0] == ':')
        snprintf(mark->part, sizeof mark->part, "%s", at + 2);
}

static void finish_file(Fixture *fixture, File *file)
{
    uint32_t number = 1;
    char *copy = strdup(file->text);
    for (char *line = copy, *next; line; line = next, number++) {
        next = strchr(line, '\n');
        if (next)
            *next++ = '\0';
        add_mark(fixture, file, number, line);
    }
    free(copy);
}

static void add_line(File *file, const char *line, size_t len)
{
    file->text = realloc(file->text, file->len + len + PADDING + 1);
    memcpy(file->text + file->len, line, len);
    file->len += len;
    memset(file->text + file->len, 0, PADDING + 1);
}

static void read_fixture(Fixture *fixture, const char *name)
{
    char *text = read_whole(name);
    const char *folder = strstr(name, "fixtures/") + 9;
    File *file = NULL;
    *fixture = (Fixture){.name = name};
    if (*folder != '_')
        snprintf(fixture->rule, sizeof fixture->rule, "%.*s", (int)strcspn(folder, "/"),
                 folder);
    for (char *line = text, *next; *line; line = next) {
        next = strchr(line, '\n');
        next = next ? next + 1 : line + strlen(line);
        size_t len = (size_t)(next - line);
        if (len > 6 && strncmp(line, "-- ", 3) == 0 && strncmp(next - 4, " --\n", 4) == 0) {
            ck_assert_uint_lt(fixture->file_len, MOST_FILES);
            file = &fixture->files[fixture->file_len++];
            file->path = strndup(line + 3, len - 7);
            add_line(file, "", 0);
        } else if (file) {
            add_line(file, line, len);
        } else {
            char option[512];
            snprintf(option, sizeof option, "%.*s", (int)(len ? len - 1 : 0), line);
            read_option(fixture, option);
        }
    }
    for (size_t i = 0; i < fixture->file_len; i++)
        finish_file(fixture, &fixture->files[i]);
    free(text);
}

static AkUse use_of(const Fixture *fixture, const File *file)
{
    for (size_t i = 0; i < fixture->use_len; i++)
        if (strcmp(fixture->uses[i].path, file->path) == 0)
            return fixture->uses[i].use;
    return AK_REPORT;
}

static void give_file(const Fixture *fixture, AkCheck *check, const File *file)
{
    const char *end = file->path + strlen(file->path);
    const AkNode *root = NULL;
    CliMistake mistake;
    if (strcmp(end - 3, ".py") == 0) {
        ck_assert_int_eq(
            ak_check_text(check, file->path, file->text, file->len, use_of(fixture, file)),
            AK_OK);
    } else if (strstr(file->path, "autokitteh.yaml")) {
        ck_assert_int_eq(cli_manifest(file->text, file->len, &root, &mistake), 0);
        ck_assert_int_eq(ak_check_manifest(check, file->path, file->text, file->len, root),
                         AK_OK);
    }
}

/* Whether the fixture says anything of this rule. */
static bool speaks_of(const Fixture *fixture, const char *rule)
{
    if (strcmp(fixture->rule, rule) == 0)
        return true;
    for (size_t i = 0; i < fixture->mark_len; i++)
        if (strcmp(fixture->marks[i].rule, rule) == 0)
            return true;
    return false;
}

static bool matches(Mark *mark, const AkFinding *finding)
{
    return !mark->found && mark->line == finding->place.line &&
           strcmp(mark->path, finding->place.path) == 0 &&
           strcmp(mark->rule, ak_rule_id(finding->rule)) == 0;
}

static void compare(Fixture *fixture, AkCheck *check, FILE *out)
{
    for (size_t i = 0; i < ak_check_count(check); i++) {
        const AkFinding *finding = ak_check_finding(check, i);
        Mark *mark = NULL;
        for (size_t k = 0; k < fixture->mark_len && !mark; k++)
            if (matches(&fixture->marks[k], finding))
                mark = &fixture->marks[k];
        if (mark)
            mark->found = true;
        if (mark && *mark->part && !strstr(finding->message, mark->part) &&
            !strstr(finding->advice, mark->part))
            fprintf(out, "%s:%u: '%s' does not say '%s'\n", mark->path, mark->line,
                    finding->message, mark->part);
        else if (!mark && speaks_of(fixture, ak_rule_id(finding->rule)))
            fprintf(out, "%s:%u: nothing was expected: %s %s\n", finding->place.path,
                    finding->place.line, ak_rule_id(finding->rule), finding->message);
    }
    for (size_t k = 0; k < fixture->mark_len; k++)
        if (!fixture->marks[k].found && ak_rule_find(fixture->marks[k].rule))
            fprintf(out, "%s:%u: %s was expected\n", fixture->marks[k].path,
                    fixture->marks[k].line, fixture->marks[k].rule);
}

static void forget(Fixture *fixture)
{
    for (size_t i = 0; i < fixture->file_len; i++) {
        free(fixture->files[i].path);
        free(fixture->files[i].text);
    }
    for (size_t i = 0; i < fixture->use_len; i++)
        free(fixture->uses[i].path);
    for (size_t i = 0; i < fixture->entry_len; i++)
        free((char *)(uintptr_t)fixture->entries[i]);
}

START_TEST(findings_stand_where_the_fixture_marks_them)
{
    static Fixture fixture;
    char *wrong = NULL;
    size_t wrong_len = 0;
    read_fixture(&fixture, fixtures.gl_pathv[_i]);
    AkOptions options = {.dialects = fixture.dialects,
                         .entries = fixture.entries,
                         .sdk_version = fixture.sdk_version};
    AkCheck *check = ak_check_new(&options);
    for (size_t i = 0; i < fixture.file_len; i++)
        give_file(&fixture, check, &fixture.files[i]);
    ck_assert_int_eq(ak_check_run(check), AK_OK);
    FILE *out = open_memstream(&wrong, &wrong_len);
    compare(&fixture, check, out);
    fclose(out);
    ak_check_free(check);
    forget(&fixture);
    ck_assert_msg(wrong_len == 0, "%s\n%s", fixture.name, wrong);
    free(wrong);
}
END_TEST

int main(void)
{
    glob("tests/fixtures/*/*.txtar", 0, NULL, &fixtures);
    Suite *suite = suite_create("fixtures");
    TCase *tcase = tcase_create("all");
    tcase_add_loop_test(tcase, findings_stand_where_the_fixture_marks_them, 0,
                        (int)fixtures.gl_pathc);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    bool any = fixtures.gl_pathc > 0;
    srunner_free(runner);
    globfree(&fixtures);
    return failed || !any;
}
