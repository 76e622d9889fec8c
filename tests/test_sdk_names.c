/* Names of temporalio by version, and that no text of ours names one that does not exist. */
#include "sdk_names.h"

#include <check.h>
#include <ctype.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "aklint.h"

enum { NEWEST = 35 };

static AkSdkVersions minor(unsigned n)
{
    return (AkSdkVersions)1 << (n - AK_SDK_FIRST_MINOR);
}

static bool has(const char *dotted, unsigned n)
{
    const AkSdkName *name = ak_sdk_find(dotted);

    return name && name->versions & minor(n);
}

/* ---- The table ---- */

START_TEST(rows_are_sorted_and_single)
{
    for (size_t i = 1; i < ak_sdk_count(); i++)
        ck_assert_msg(strcmp(ak_sdk_at(i - 1)->name, ak_sdk_at(i)->name) < 0, "%s",
                      ak_sdk_at(i)->name);
}
END_TEST

START_TEST(names_come_with_a_version)
{
    ck_assert(has("temporalio.workflow.execute_activity", 5));
    ck_assert(!has("temporalio.workflow.sleep", 5));
    ck_assert(has("temporalio.workflow.sleep", 20));
    ck_assert(!has("temporalio.workflow.uuid7", 31));
    ck_assert(has("temporalio.workflow.uuid7", NEWEST));
}
END_TEST

START_TEST(what_a_module_imports_is_none_of_its_names)
{
    ck_assert_ptr_null(ak_sdk_find("temporalio.workflow.uuid"));
    ck_assert_ptr_null(ak_sdk_find("temporalio.workflow.timedelta"));
    ck_assert_ptr_null(ak_sdk_find("temporalio.workflow.RetryPolicy"));
    ck_assert_ptr_null(ak_sdk_find("temporalio.workflow.asyncio"));
}
END_TEST

START_TEST(the_longest_known_prefix_is_found)
{
    const char *rest;

    ck_assert_str_eq(ak_sdk_prefix("temporalio.workflow.logger.info", &rest)->name,
                     "temporalio.workflow.logger");
    ck_assert_str_eq(rest, "info");
    ck_assert_str_eq(ak_sdk_prefix("temporalio.worker.Worker.run_until", &rest)->name,
                     "temporalio.worker.Worker");
    ck_assert_str_eq(rest, "run_until");
    ck_assert_str_eq(ak_sdk_prefix("temporalio.api.common.v1", &rest)->name, "temporalio.api");
    ck_assert_ptr_null(ak_sdk_prefix("datetime.datetime", &rest));
}
END_TEST

START_TEST(keywords_come_with_a_version)
{
    const AkSdkName *start = ak_sdk_find("temporalio.workflow.execute_activity");

    ck_assert_uint_eq(ak_sdk_keyword(start, "timeout"), 0);
    ck_assert(ak_sdk_keyword(start, "start_to_close_timeout") & minor(5));
    ck_assert(!(ak_sdk_keyword(start, "summary") & minor(5)));
    ck_assert(ak_sdk_keyword(start, "summary") & minor(NEWEST));
    ck_assert_uint_eq(ak_sdk_positions(start), 2);
}
END_TEST

START_TEST(enumerations_and_fields_are_names)
{
    ck_assert(has("temporalio.common.WorkflowIDReusePolicy.REJECT_DUPLICATE", NEWEST));
    ck_assert(has("temporalio.workflow.Info.workflow_id", NEWEST));
    ck_assert(has("temporalio.client.WorkflowHandle.id", NEWEST));
    ck_assert(has("temporalio.common.WorkflowIDReusePolicy.name", NEWEST));
}
END_TEST

/* ---- True names ---- */

static void expect_true_name(const char *wrong, const char *right, bool is_sure)
{
    bool sure;
    const char *found = ak_sdk_true_name(wrong, &sure);

    ck_assert_msg(found && strcmp(found, right) == 0 && sure == is_sure, "%s: %s", wrong,
                  found ? found : "none");
}

START_TEST(true_names)
{
    bool sure;

    expect_true_name("temporalio.workflow.uuid", "temporalio.workflow.uuid4", true);
    expect_true_name("temporalio.workflow.RetryPolicy", "temporalio.common.RetryPolicy", true);
    expect_true_name("temporalio.workflow.execute_activty",
                     "temporalio.workflow.execute_activity", false);
    expect_true_name("temporalio.exceptions.WorkflowFailureError",
                     "temporalio.client.WorkflowFailureError", true);
    ck_assert_ptr_null(ak_sdk_true_name("temporalio.workflow.raise_cancelled", &sure));
    ck_assert_ptr_nonnull(ak_sdk_advice("temporalio.workflow.raise_cancelled"));
}
END_TEST

/* ---- Requirements ---- */

START_TEST(requirements_are_read)
{
    AkSdkVersions all = ak_sdk_all();

    ck_assert_uint_eq(ak_sdk_allowed("1.12.0"), minor(12));
    ck_assert_uint_eq(ak_sdk_allowed("==1.12.*"), minor(12));
    ck_assert_uint_eq(ak_sdk_allowed(">=1.8,<1.10"), minor(8) | minor(9));
    ck_assert_uint_eq(ak_sdk_allowed(">= 1.8, <= 1.9.0"), minor(8) | minor(9));
    ck_assert_uint_eq(ak_sdk_allowed("<1.6.1"), minor(5) | minor(6));
    ck_assert_uint_eq(ak_sdk_allowed("~=1.8.1"), minor(8));
    ck_assert_uint_eq(ak_sdk_allowed("^1.34.2"), minor(34) | minor(35));
    ck_assert_uint_eq(ak_sdk_allowed("~=1.34"), minor(34) | minor(35));
    ck_assert_uint_eq(ak_sdk_allowed("~1.7"), minor(7));
    ck_assert_uint_eq(ak_sdk_allowed("*"), all);
    ck_assert_uint_eq(ak_sdk_allowed(">=1,<2"), all);
    ck_assert_uint_eq(ak_sdk_allowed(">=2"), 0);
    ck_assert_uint_eq(ak_sdk_allowed("latest"), 0);
    ck_assert_uint_eq(ak_sdk_allowed("1.12.0 ; python_version > '3.9'"), minor(12));
    ck_assert_uint_eq(ak_sdk_allowed("1.12.0rc1"), minor(12));
}
END_TEST

/* ---- Our own texts ---- */

static bool is_word(char c)
{
    return isalnum((unsigned char)c) || c == '_';
}

/* Whether a dotted word is a name of the newest SDK, or nothing that could be one. "workflow.now",
 * "temporalio.common.RetryPolicy" are looked up; other first parts are not the SDK's. */
static bool is_right(const char *dotted)
{
    char full[256];
    const char *rest;
    const AkSdkName *row;
    bool whole = strncmp(dotted, "temporalio.", 11) == 0;

    snprintf(full, sizeof(full), "%s%s", whole ? "" : "temporalio.", dotted);
    row = ak_sdk_prefix(full, &rest);
    if (!row)
        return false;
    if (*rest && ak_sdk_is_closed(row))
        return !*rest;
    return (row->versions & minor(NEWEST)) != 0;
}

static bool begins(const char *text, const char *start)
{
    return strncmp(text, start, strlen(start)) == 0;
}

/* Every dotted word of the text that begins like a module of the SDK. */
static void check_text(const char *where, const char *text)
{
    for (const char *at = text; *at; at++) {
        char word[200];
        size_t len = 0;

        if ((at > text && (is_word(at[-1]) || at[-1] == '.' || at[-1] == '\'')) ||
            !(begins(at, "workflow.") || begins(at, "activity.") || begins(at, "temporalio.") ||
              begins(at, "client.")))
            continue;
        while (len + 1 < sizeof(word) &&
               (is_word(at[len]) || (at[len] == '.' && is_word(at[len + 1])))) {
            word[len] = at[len];
            len++;
        }
        word[len] = 0;
        if (!strchr(word, '.') || begins(word, "client.get_workflow_handle"))
            continue;
        ck_assert_msg(is_right(word), "%s: '%s' is no name of temporalio", where, word);
    }
}

START_TEST(rules_name_only_what_exists)
{
    for (size_t i = 0; i < ak_rule_count(); i++) {
        const AkRule *rule = ak_rule_at(i);

        check_text(ak_rule_id(rule), ak_rule_summary(rule));
        check_text(ak_rule_id(rule), ak_rule_why(rule));
        check_text(ak_rule_id(rule), ak_rule_instead(rule));
        check_text(ak_rule_id(rule), ak_rule_misses(rule));
    }
}
END_TEST

/* Literals of a source, adjacent ones joined, comments left out. */
static void check_literals(const char *path, const char *text)
{
    char literal[4096];
    size_t len = 0;

    for (const char *at = text; *at; at++) {
        if (begins(at, "/*")) {
            const char *end = strstr(at, "*/");
            at = end ? end + 1 : at;
        } else if (*at == '\'') {
            at += at[1] == '\\' ? 3 : 2;
        } else if (*at == '"') {
            for (at++; *at && *at != '"' && len + 1 < sizeof(literal); at++)
                literal[len++] = *at;
        } else if (!isspace((unsigned char)*at) && len) {
            literal[len] = 0;
            /* The beginning of names ("temporalio.workflow.") is none itself. */
            if (literal[len - 1] != '.' && literal[len - 1] != '_')
                check_text(path, literal);
            len = 0;
        }
    }
}

static char *read_whole(const char *path)
{
    FILE *file = fopen(path, "rb");
    char *text;
    long size;

    ck_assert_ptr_nonnull(file);
    fseek(file, 0, SEEK_END);
    size = ftell(file);
    rewind(file);
    text = calloc((size_t)size + 1, 1);
    ck_assert_uint_eq(fread(text, 1, (size_t)size, file), (size_t)size);
    fclose(file);
    return text;
}

START_TEST(advice_in_the_sources_of_rules_names_only_what_exists)
{
    glob_t found;

    ck_assert_int_eq(glob("rules/AK*.c", 0, NULL, &found), 0);
    for (size_t i = 0; i < found.gl_pathc; i++) {
        char *text = read_whole(found.gl_pathv[i]);
        check_literals(found.gl_pathv[i], text);
        free(text);
    }
    globfree(&found);
}
END_TEST

/* Rows of sdk_confusions.def: what is called wrong is wrong, what is called right is there. */
START_TEST(confusions_lead_to_names_that_exist)
{
    char *text = read_whole("analyzer/sdk_confusions.def");
    size_t rows = 0;

    for (const char *at = text; (at = strstr(at, "AK_CONFUSED(\"")); rows++) {
        char wrong[128];
        const AkSdkName *row;
        char *parenthesis;
        bool sure;

        at += strlen("AK_CONFUSED(\"");
        snprintf(wrong, sizeof(wrong), "%.*s", (int)strcspn(at, "\""), at);
        const char *right = ak_sdk_true_name(wrong, &sure), *advice = ak_sdk_advice(wrong);
        if (advice)
            check_text(wrong, advice);
        else
            ck_assert_msg(right && is_right(right), "%s leads nowhere", wrong);
        if (!(parenthesis = strchr(wrong, '('))) {
            ck_assert_msg(!ak_sdk_find(wrong), "%s exists", wrong);
            continue;
        }
        *parenthesis = 0;
        row = ak_sdk_find(wrong);
        ck_assert_msg(row != NULL, "%s does not exist", wrong);
        parenthesis[1 + strcspn(parenthesis + 1, "=")] = 0;
        ck_assert_msg(!ak_sdk_keyword(row, parenthesis + 1), "%s takes %s", wrong,
                      parenthesis + 1);
    }
    ck_assert_uint_gt(rows, 60);
    free(text);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("sdk_names");
    TCase *tests = tcase_create("sdk_names");
    SRunner *runner;
    int failed;

    tcase_add_test(tests, rows_are_sorted_and_single);
    tcase_add_test(tests, names_come_with_a_version);
    tcase_add_test(tests, what_a_module_imports_is_none_of_its_names);
    tcase_add_test(tests, the_longest_known_prefix_is_found);
    tcase_add_test(tests, keywords_come_with_a_version);
    tcase_add_test(tests, enumerations_and_fields_are_names);
    tcase_add_test(tests, true_names);
    tcase_add_test(tests, requirements_are_read);
    tcase_add_test(tests, rules_name_only_what_exists);
    tcase_add_test(tests, advice_in_the_sources_of_rules_names_only_what_exists);
    tcase_add_test(tests, confusions_lead_to_names_that_exist);
    suite_add_tcase(suite, tests);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
