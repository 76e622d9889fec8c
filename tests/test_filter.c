/* Filters: what passes, what does not, what is refused and where. The data is jansson's. */
#include "filter.h"

#include <check.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

static AkFilterValue as_value(const json_t *json)
{
    AkFilterValue v = {.kind = AK_FV_ERROR, .node = json};

    switch (json ? (int)json_typeof(json) : -1) {
    case JSON_NULL: v.kind = AK_FV_NULL; break;
    case JSON_TRUE:
    case JSON_FALSE:
        v.kind = AK_FV_BOOL;
        v.integer = json_is_true(json);
        break;
    case JSON_INTEGER:
        v.kind = AK_FV_INT;
        v.integer = json_integer_value(json);
        break;
    case JSON_REAL:
        v.kind = AK_FV_DOUBLE;
        v.number = json_real_value(json);
        break;
    case JSON_STRING:
        v = (AkFilterValue){.kind = AK_FV_STRING,
                            .text = json_string_value(json),
                            .len = json_string_length(json)};
        break;
    case JSON_ARRAY:
        v.kind = AK_FV_LIST;
        v.len = json_array_size(json);
        break;
    case JSON_OBJECT:
        v.kind = AK_FV_MAP;
        v.len = json_object_size(json);
        break;
    default: break;
    }
    return v;
}

static AkFilterValue member(void *payload, const void *map, const char *key, size_t len)
{
    char name[300];

    (void)payload;
    memcpy(name, key, len);
    name[len] = 0;
    return as_value(json_object_get(map, name));
}

static AkFilterValue item(void *payload, const void *list, size_t index)
{
    (void)payload;
    return as_value(json_array_get(list, index));
}

static bool passes(const char *text)
{
    json_t *json = json_loads(
        "{\"action\": \"opened\", \"n\": 3, \"x\": 1.5, \"ok\": true, \"nil\": null, \"tags\": "
        "[\"a\", \"b\"],"
        " \"headers\": {\"Content-Type\": \"text/html\"}, \"s\": \"caf\\u00e9 \\\"q\\\"\"}",
        0, NULL);
    AkFilterData data = {
        .data = as_value(json), .event_type = "push", .member = member, .item = item};
    AkFilter filter;
    const char *why = "";
    uint32_t at;
    bool match;

    ck_assert_msg(ak_filter_parse(&filter, text, &why, &at) == 0, "%s: %s", text, why);
    match = ak_filter_match(&filter, &data);
    json_decref(json);
    return match;
}

START_TEST(what_is_true_passes)
{
    static const char *const yes[] = {
        "",
        ".",
        "true",
        "data.action == 'opened'",
        "data.action == \"opened\" && event_type == 'push'",
        "data.headers[\"Content-Type\"].startsWith(\"text/\")",
        "event_type in ['push', 'pull']",
        "!(data.action == 'closed')",
        "data.n > 2 && data.n <= 3.0",
        "data.n * 2 + 1 == 7",
        "7 % 4 == 3",
        "-data.n < 0",
        "data.tags[1] == 'b'",
        "'a' in data.tags",
        "'action' in data",
        "has(data.action) && !has(data.missing)",
        "data.missing == 1 || data.n == 3",
        "data.n == 3 || data.missing == 1",
        "data.nil == null",
        "data.ok",
        "size(data.tags) == 2",
        "data.action.size() == 6",
        "data.s == 'caf\xc3\xa9 \"q\"'",
        "data.s.endsWith('\\\"q\\\"')",
        "data.s.size() == 8",
        "data.ok ? data.n == 3 : false",
        "data.action.contains('pen')",
        "r'\\n' != '\\n'",
        "data.x == 1.5",
        "10 / 4 == 2",
        "data['n'] == 3",
    };

    for (size_t i = 0; i < sizeof(yes) / sizeof(*yes); i++)
        ck_assert_msg(passes(yes[i]), "%s", yes[i]);
}
END_TEST

START_TEST(what_is_false_or_an_error_does_not_pass)
{
    static const char *const no[] = {
        "false",
        "data.action == 'closed'",
        "data.missing == 1",
        "data.missing != 1",
        "data.n",
        "data.n == '3'",
        "data.action > 3",
        "data.tags[9] == 'a'",
        "1 / 0 == 1",
        "!data.n",
        "data.n in ['a']",
        "data.action.startsWith(3)",
        "data.n.x == 1",
        "data.missing == 1 && data.n == 3",
        "'z' in data.tags",
    };

    for (size_t i = 0; i < sizeof(no) / sizeof(*no); i++)
        ck_assert_msg(!passes(no[i]), "%s", no[i]);
}
END_TEST

START_TEST(what_is_wrong_is_named_with_its_place)
{
    static const struct {
        const char *text;
        uint32_t at;
    } wrong[] = {{"type == 'GET'", 0}, {"data.", 5},         {"data.a ==", 9},
                 {"(data.a", 7},       {"data.a = 1", 7},    {"data.f(1)", 6},
                 {"'open", 5},         {"data.a data.b", 7}, {"12ab == 1", 2},
                 {"[1, 2", 5},         {"size(1, 2)", 10},   {"a ? b", 0},
                 {"data ? data", 11},  {"&& data.a", 0}};
    AkFilter filter;
    const char *why;
    uint32_t at;

    for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
        ck_assert_msg(ak_filter_parse(&filter, wrong[i].text, &why, &at) < 0, "%s",
                      wrong[i].text);
        ck_assert_msg(at == wrong[i].at, "%s: at %u: %s", wrong[i].text, at, why);
    }
}
END_TEST

START_TEST(depth_and_length_are_bounded)
{
    char deep[2001] = {0}, nots[2001] = {0}, wide[6001] = {0};
    AkFilter filter;
    const char *why;
    uint32_t at;

    memset(deep, '(', 2000);
    memset(nots, '!', 2000);
    for (int i = 0; i < 2000; i++)
        memcpy(wide + i * 3, i ? "+1 " : " 1 ", 3);
    ck_assert_int_eq(ak_filter_parse(&filter, deep, &why, &at), -1);
    ck_assert_int_eq(ak_filter_parse(&filter, nots, &why, &at), -1);
    ck_assert_int_eq(ak_filter_parse(&filter, wide, &why, &at), -1);
    ck_assert_str_eq(why, "the filter is too long");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("filter");
    TCase *tests = tcase_create("filter");
    SRunner *runner;
    int failed;

    tcase_add_test(tests, what_is_true_passes);
    tcase_add_test(tests, what_is_false_or_an_error_does_not_pass);
    tcase_add_test(tests, what_is_wrong_is_named_with_its_place);
    tcase_add_test(tests, depth_and_length_are_bounded);
    suite_add_tcase(suite, tests);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
