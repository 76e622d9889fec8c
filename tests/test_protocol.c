/* test_protocol.c: lines to messages and back; what is malformed is refused in words. */
#include "jsontext.h"
#include "protocol.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

/* Reads one line from that side. The message lives as long as *reader. */
static int read_line(AkSide side, const char *line, AkReader **reader, AkMessage *message)
{
    *reader = ak_reader_new(side, 0);
    ak_reader_feed(*reader, line, strlen(line));
    ak_reader_feed(*reader, "\n", 1);
    return ak_reader_next(*reader, message);
}

static void refuses(AkSide side, const char *line, const char *words)
{
    AkReader *reader;
    AkMessage message;
    ck_assert_msg(read_line(side, line, &reader, &message) == AK_E_FORMAT, "taken: %s", line);
    ck_assert_msg(strstr(ak_reader_error(reader), words), "'%s' says '%s'", line,
                  ak_reader_error(reader));
    /* It stays broken. */
    ak_reader_feed(reader, "{\"type\": \"done\"}\n", 17);
    ck_assert_int_eq(ak_reader_next(reader, &message), AK_E_FORMAT);
    ak_reader_free(reader);
}

/* Read from one side, written again: the same bytes. */
static void same_again(AkSide side, const char *line)
{
    AkReader *reader;
    AkMessage message;
    AkText text = {0};
    ck_assert_msg(read_line(side, line, &reader, &message) == 1, "%s: %s", line,
                  ak_reader_error(reader));
    ck_assert_int_eq(ak_message_write(&message, side, &text), 0);
    ck_assert_uint_eq(text.len, strlen(line) + 1);
    text.at[text.len - 1] = '\0';
    ck_assert_str_eq(text.at, line);
    ak_text_free(&text);
    ak_reader_free(reader);
}

#define JSON_LOADS "KGNqc29uCmxvYWRzCnAwCihWWzEsMl0KcDEKdHAyCihkcDMKdHA0Ci4="

static const char *const from_runner[] = {
    "{\"type\": \"module\", \"payload\": {\"entries\": [\"loads\", \"main\"]}}",
    "{\"type\": \"callback\", \"payload\": {\"name\": \"loads\", \"args\": [\"[1,2]\"], "
    "\"kw\": {}, \"data\": \"" JSON_LOADS "\"}}",
    "{\"type\": \"response\", \"payload\": {\"value\": \"KGxwMApJMQphSTIKYS4=\"}}",
    "{\"type\": \"response\", \"payload\": {\"value\": \"Ti4=\"}}",
    "{\"type\": \"done\"}",
    "{\"type\": \"module\", \"payload\": {\"entries\": [], \"proto\": 2, \"python\": "
    "\"3.11.7\", \"functions\": [{\"name\": \"main\", \"line\": 3}]}}",
    "{\"type\": \"module\", \"payload\": {\"entries\": [], \"proto\": 2, \"error\": {\"type\": "
    "\"SyntaxError\", \"kind\": \"load\"}}}",
    "{\"type\": \"callback\", \"payload\": {\"name\": \"getenv\", \"args\": [], \"kw\": {}, "
    "\"data\": \"x\", \"seq\": 3, \"where\": {\"file\": \"flow.py\", \"line\": 12, \"func\": "
    "\"main\"}, \"preview\": \"('HOME',)\", \"digest\": \"00ff\", \"in_memory\": true, "
    "\"options\": {\"retries\": 2, \"timeout\": 1.5, \"backoff\": 0.25}}}",
    "{\"type\": \"response\", \"payload\": {\"value\": \"Ti4=\", \"seq\": 3, \"preview\": "
    "\"None\", \"error\": {\"type\": \"ValueError\", \"message\": \"no\", \"traceback\": [], "
    "\"kind\": \"user\"}}}",
    "{\"type\": \"request\", \"payload\": {\"seq\": 4, \"op\": \"sleep\", \"args\": "
    "{\"seconds\": 1e3}, \"where\": {\"file\": \"flow.py\", \"line\": 1, \"func\": \"f\"}}}",
    "{\"type\": \"request\", \"payload\": {\"seq\": 0, \"op\": \"store\", \"args\": "
    "{\"action\": "
    "\"list\"}, \"where\": {\"file\": \"flow.py\", \"line\": 1, \"func\": \"f\"}, \"call\": "
    "3}}",
    "{\"type\": \"print\", \"payload\": {\"text\": \"h\\u00e9 \\ud83d\\ude00\\n\", \"stream\": "
    "\"stderr\", \"seq\": 0}}",
    "{\"type\": \"done\", \"payload\": {\"value\": \"'ok'\"}}",
    "{\"type\": \"done\", \"payload\": {\"error\": {\"type\": \"E\", \"message\": \"m\", "
    "\"traceback\": [{\"file\": \"a.py\", \"line\": 1, \"name\": \"f\", \"code\": \"x\"}], "
    "\"kind\": \"user\"}}}",
};

static const char *const from_engine[] = {
    "{\"type\": \"run\", \"payload\": {\"func_name\": \"on_event\", \"event\": {\"data\": "
    "{\"a\": [1, 2.5, null]}}}}",
    "{\"type\": \"run\", \"payload\": {\"func_name\": \"on_event\", \"event\": null}}",
    "{\"type\": \"callback\", \"payload\": {\"name\": \"loads\", \"args\": null, \"kw\": null, "
    "\"data\": \"" JSON_LOADS "\"}}",
    "{\"type\": \"response\", \"payload\": {\"value\": \"KGxwMApJMQphSTIKYS4=\"}}",
    "{\"type\": \"run\", \"payload\": {\"func_name\": \"f\", \"event\": null, \"proto\": 2, "
    "\"session_id\": \"ses_1\", \"dialect\": \"ak\", \"seed\": \"00ff\", \"at\": "
    "1700000000.25}}",
    "{\"type\": \"callback\", \"payload\": {\"name\": \"f\", \"args\": null, \"kw\": null, "
    "\"data\": \"x\", \"seq\": 7, \"attempt\": 2}}",
    "{\"type\": \"response\", \"payload\": {\"value\": \"Ti4=\", \"seq\": 7, \"at\": "
    "1700000000.000001}}",
    "{\"type\": \"response\", \"payload\": {\"seq\": 7, \"at\": 1.0, \"error\": {\"type\": "
    "\"E\"}}}",
    "{\"type\": \"reply\", \"payload\": {\"seq\": 8, \"at\": 1.5, \"value\": {\"k\": [true, "
    "false, \"\\u00e9\"]}}}",
    "{\"type\": \"reply\", \"payload\": {\"seq\": 8, \"at\": 1.5, \"value\": null}}",
    "{\"type\": \"reply\", \"payload\": {\"seq\": 0, \"at\": 1.5, \"value\": [\"k\"]}}",
    "{\"type\": \"reply\", \"payload\": {\"seq\": 8, \"at\": 1.5, \"error\": {\"kind\": "
    "\"misuse\"}}}",
};

START_TEST(golden_lines_come_back_byte_for_byte)
{
    for (size_t i = 0; i < sizeof from_runner / sizeof *from_runner; i++)
        same_again(AK_FROM_RUNNER, from_runner[i]);
    for (size_t i = 0; i < sizeof from_engine / sizeof *from_engine; i++)
        same_again(AK_FROM_ENGINE, from_engine[i]);
}
END_TEST

START_TEST(lines_may_come_in_any_pieces)
{
    AkText all = {0};
    size_t n = sizeof from_runner / sizeof *from_runner;
    for (size_t i = 0; i < n; i++) {
        ak_text_str(&all, from_runner[i]);
        ak_text_str(&all, "\n");
    }
    for (size_t piece = 1; piece < 70; piece++) {
        AkReader *reader = ak_reader_new(AK_FROM_RUNNER, 0);
        size_t got = 0;
        for (size_t at = 0; at < all.len; at += piece) {
            AkMessage message;
            size_t len = all.len - at < piece ? all.len - at : piece;
            ck_assert_int_eq(ak_reader_feed(reader, all.at + at, len), 0);
            int result;
            while ((result = ak_reader_next(reader, &message)) == 1) {
                AkText text = {0};
                ak_message_write(&message, AK_FROM_RUNNER, &text);
                ck_assert(strncmp(text.at, from_runner[got], strlen(from_runner[got])) == 0);
                ak_text_free(&text);
                got++;
            }
            ck_assert_int_eq(result, 0);
        }
        ck_assert_uint_eq(got, n);
        ck_assert(ak_reader_is_empty(reader));
        ak_reader_free(reader);
    }
    ak_text_free(&all);
}
END_TEST

START_TEST(malformed_lines_are_refused_in_words)
{
    refuses(AK_FROM_RUNNER, "", "empty");
    refuses(AK_FROM_RUNNER, "hello", "not JSON");
    refuses(AK_FROM_RUNNER, "[1]", "not a JSON object");
    refuses(AK_FROM_RUNNER, "{\"payload\": {}}", "lacks its type");
    refuses(AK_FROM_RUNNER, "{\"type\": \"dance\"}", "unknown type \"dance\"");
    refuses(AK_FROM_RUNNER, "{\"type\": \"run\", \"payload\": {\"func_name\": \"f\"}}",
            "unknown type");
    refuses(AK_FROM_RUNNER, "{\"type\": \"callback\", \"payload\": {\"name\": \"f\"}}",
            "lacks its data");
    refuses(AK_FROM_RUNNER, "{\"type\": \"callback\"}", "lacks its name");
    refuses(AK_FROM_RUNNER, "{\"type\": \"response\", \"payload\": {}}", "lacks its value");
    refuses(AK_FROM_RUNNER, "{\"type\": \"response\", \"payload\": {\"value\": 5}}",
            "value of the wrong kind");
    refuses(AK_FROM_RUNNER, "{\"type\": \"response\", \"payload\": [1]}",
            "no object as its payload");
    refuses(AK_FROM_RUNNER,
            "{\"type\": \"request\", \"payload\": {\"seq\": 0, \"op\": \"store\"}}",
            "seq of the wrong kind");
    refuses(
        AK_FROM_RUNNER,
        "{\"type\": \"request\", \"payload\": {\"seq\": 3, \"op\": \"store\", \"call\": 2}}",
        "seq of the wrong kind");
    refuses(AK_FROM_RUNNER, "{\"type\": \"replayed\", \"payload\": {\"seq\": 0}}",
            "seq of the wrong kind");
    refuses(AK_FROM_RUNNER,
            "{\"type\": \"request\", \"payload\": {\"seq\": -1, \"op\": \"sleep\"}}",
            "seq of the wrong kind");
    refuses(AK_FROM_RUNNER,
            "{\"type\": \"request\", \"payload\": {\"seq\": 1.5, \"op\": \"sleep\"}}",
            "seq of the wrong kind");
    refuses(AK_FROM_RUNNER,
            "{\"type\": \"print\", \"payload\": {\"text\": \"x\", \"stream\": \"tape\"}}",
            "stream of the wrong kind");
    refuses(AK_FROM_RUNNER, "{\"type\": \"done\", \"payload\": {\"value\": NaN}}", "NaN");
    refuses(AK_FROM_RUNNER, "{\"type\": \"done\"} x", "something follows");
    refuses(AK_FROM_RUNNER, "{\"type\": \"d\xFF\"}", "invalid UTF-8 at byte 11");
    refuses(AK_FROM_RUNNER, "{\"type\": \"\xC0\xAF\"}", "invalid UTF-8");
    refuses(AK_FROM_RUNNER, "{\"type\": \"\xED\xA0\x80\"}", "invalid UTF-8");
    refuses(AK_FROM_RUNNER, "{\"type\": \"a\\x\"}", "unknown escape");
    refuses(AK_FROM_RUNNER, "{\"type\": \"a\tb\"}", "control character");
    refuses(AK_FROM_RUNNER, "{\"type\": \"\\u12g4\"}", "four hex digits");
    refuses(AK_FROM_RUNNER, "{\"type\": \"done\",}", "key is missing");
    refuses(AK_FROM_RUNNER, "{\"type\": 01}", "missing");
}
END_TEST

START_TEST(doubled_keys_count_as_in_python)
{
    AkReader *reader;
    AkMessage message;
    ck_assert_int_eq(read_line(AK_FROM_RUNNER,
                               "{\"type\": \"print\", \"type\": \"done\", \"payload\": "
                               "{\"value\": \"a\", \"value\": \"b\"}}",
                               &reader, &message),
                     1);
    ck_assert_int_eq(message.kind, AK_MSG_DONE);
    ck_assert(ak_bytes_is(message.value, "b"));
    ak_reader_free(reader);
}
END_TEST

START_TEST(nesting_has_a_limit_and_takes_no_stack)
{
    const char *why;
    size_t where;
    size_t deep = 5 << 20;
    char *text = malloc(deep);
    memset(text, '[', deep);
    ck_assert_int_eq(ak_json_check((AkBytes){text, deep}, AK_JSON_DEPTH, &why, &where),
                     AK_E_FORMAT);
    ck_assert_str_eq(why, "nested too deeply");
    ck_assert_uint_eq(where, AK_JSON_DEPTH);
    memset(text + AK_JSON_DEPTH, ']', AK_JSON_DEPTH);
    ck_assert_int_eq(
        ak_json_check((AkBytes){text, 2 * AK_JSON_DEPTH}, AK_JSON_DEPTH, &why, &where), 0);
    free(text);
}
END_TEST

START_TEST(a_line_above_the_limit_is_refused_and_costs_no_more)
{
    AkReader *reader = ak_reader_new(AK_FROM_RUNNER, 1000);
    AkMessage message;
    char piece[512];
    size_t size, fed = 0;
    memset(piece, 'x', sizeof piece);
    while (ak_reader_feed(reader, piece, sizeof piece) == 0)
        fed += sizeof piece;
    ck_assert_uint_le(fed, 1024);
    for (int i = 0; i < 1000; i++)
        ck_assert_int_eq(ak_reader_feed(reader, piece, sizeof piece), AK_E_TOOBIG);
    ak_reader_room(reader, &size);
    ck_assert_uint_le(size, 32768);
    ck_assert_int_eq(ak_reader_next(reader, &message), AK_E_TOOBIG);
    ck_assert(strstr(ak_reader_error(reader), "longer than 1000 bytes"));
    ak_reader_free(reader);
}
END_TEST

START_TEST(lines_before_a_long_one_are_still_read)
{
    AkReader *reader = ak_reader_new(AK_FROM_RUNNER, 64);
    AkMessage message;
    char tail[100];
    memset(tail, 'x', sizeof tail);
    ak_reader_feed(reader, "{\"type\": \"done\"}\n", 17);
    ak_reader_feed(reader, tail, sizeof tail);
    ck_assert_int_eq(ak_reader_next(reader, &message), 1);
    ck_assert_int_eq(ak_reader_next(reader, &message), AK_E_TOOBIG);
    ak_reader_free(reader);
}
END_TEST

START_TEST(big_lines_pass)
{
    AkText line = {0};
    AkMessage message;
    AkReader *reader = ak_reader_new(AK_FROM_RUNNER, 0);
    char *big = malloc(15 << 20);
    memset(big, 'A', 15 << 20);
    ak_text_str(&line, "{\"type\": \"response\", \"payload\": {\"value\": \"");
    ak_text_add(&line, big, 15 << 20);
    ak_text_str(&line, "\"}}\n");
    ck_assert_int_eq(ak_reader_feed(reader, line.at, line.len), 0);
    ck_assert_int_eq(ak_reader_next(reader, &message), 1);
    ck_assert_uint_eq(message.value.len, 15 << 20);
    ak_text_free(&line);
    ak_reader_free(reader);
    free(big);
}
END_TEST

START_TEST(strings_are_decoded)
{
    static const struct {
        const char *json, *text;
    } all[] = {{"\"a\\n\\t\\\"\\\\\\/\\b\\f\\r\"", "a\n\t\"\\/\b\f\r"},
               {"\"\\u00e9\\u20ac\\ud83d\\ude00\"", "\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80"},
               {"\"\\ud83dx\"", "\xEF\xBF\xBDx"},
               {"\"\\ude00\"", "\xEF\xBF\xBD"},
               {"\"\"", ""}};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        char to[64];
        size_t len = ak_json_decode(ak_bytes(all[i].json), to);
        ck_assert_uint_eq(len, strlen(all[i].text));
        ck_assert_mem_eq(to, all[i].text, len);
        ck_assert(ak_json_string_is(ak_bytes(all[i].json), ak_bytes(all[i].text)));
    }
}
END_TEST

START_TEST(seconds_are_exact_microseconds)
{
    static const struct {
        const char *text;
        int64_t micros;
    } all[] = {{"0", 0},
               {"1", 1000000},
               {"1.5", 1500000},
               {"-2.25", -2250000},
               {"1e3", 1000000000},
               {"1.5E-3", 1500},
               {"0.0000019", 1},
               {"1700000000.123456", INT64_C(1700000000123456)},
               {"1e400", INT64_C(1) << 62},
               {"-1e99", -(INT64_C(1) << 62)},
               {"1e-400", 0},
               {"123456789012345678901234567890", INT64_C(1) << 62}};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        int64_t micros = -1;
        ck_assert(ak_json_micros(ak_bytes(all[i].text), &micros));
        ck_assert_msg(micros == all[i].micros, "%s gives %lld", all[i].text, (long long)micros);
    }
}
END_TEST

START_TEST(commands_to_a_base_runner_are_the_base_bytes)
{
    AkText text = {0};
    AkCommand execute = {.kind = AK_CMD_EXECUTE,
                         .seq = 1,
                         .attempt = 1,
                         .name = ak_bytes("loads"),
                         .value = ak_bytes(JSON_LOADS)};
    AkCommand reply = {.kind = AK_CMD_REPLY, .seq = 1, .at_us = 5, .value = ak_bytes("Ti4=")};
    AkCommand run = {.kind = AK_CMD_RUN,
                     .name = ak_bytes("flow.py:on_event"),
                     .seed = ak_bytes("00"),
                     .at_us = 5};
    ck_assert_int_eq(ak_command_line(&run, 0, ak_bytes("ses_1"), &text), 0);
    ck_assert_int_eq(ak_command_line(&execute, 1, ak_bytes("ses_1"), &text), 0);
    ck_assert_int_eq(ak_command_line(&reply, 0, ak_bytes("ses_1"), &text), 0);
    ck_assert_str_eq(
        text.at,
        "{\"type\": \"run\", \"payload\": {\"func_name\": \"on_event\", \"event\": null}}\n"
        "{\"type\": \"callback\", \"payload\": {\"name\": \"loads\", \"args\": null, \"kw\": "
        "null, \"data\": \"" JSON_LOADS "\"}}\n"
        "{\"type\": \"response\", \"payload\": {\"value\": \"Ti4=\"}}\n");
    ak_text_clear(&text);
    ck_assert_int_eq(ak_command_line(&run, 2, ak_bytes("ses_1"), &text), 0);
    ck_assert_str_eq(
        text.at,
        "{\"type\": \"run\", \"payload\": {\"func_name\": \"on_event\", \"event\": null, "
        "\"proto\": 2, \"session_id\": \"ses_1\", \"seed\": \"00\", \"at\": 0.000005}}\n");
    ak_text_free(&text);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("protocol");
    TCase *tests = tcase_create("lines");
    tcase_add_test(tests, golden_lines_come_back_byte_for_byte);
    tcase_add_test(tests, lines_may_come_in_any_pieces);
    tcase_add_test(tests, malformed_lines_are_refused_in_words);
    tcase_add_test(tests, doubled_keys_count_as_in_python);
    tcase_add_test(tests, nesting_has_a_limit_and_takes_no_stack);
    tcase_add_test(tests, a_line_above_the_limit_is_refused_and_costs_no_more);
    tcase_add_test(tests, lines_before_a_long_one_are_still_read);
    tcase_add_test(tests, big_lines_pass);
    tcase_add_test(tests, strings_are_decoded);
    tcase_add_test(tests, seconds_are_exact_microseconds);
    tcase_add_test(tests, commands_to_a_base_runner_are_the_base_bytes);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
