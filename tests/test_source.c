/* Opening a file as CPython does, and the places in it. */
#include "source.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

static AkArena *arena;
static AkSource source;

static void set_up(void)
{
    arena = ak__arena_new();
    ck_assert_ptr_nonnull(arena);
}

static void tear_down(void)
{
    ak__arena_free(arena);
}

#define OPEN(text) ak__source_open(arena, &source, "flow.py", "" text, sizeof(text) - 1)

static void text_is(const char *want)
{
    ck_assert_uint_eq(source.len, strlen(want));
    ck_assert_mem_eq(source.text, want, source.len);
    for (int i = 0; i < AK_PADDING; i++)
        ck_assert_int_eq(source.text[source.len + (uint32_t)i], 0);
}

static void problem_is(const char *words, const char *text_before)
{
    ck_assert_str_eq(source.problem, words);
    ck_assert_uint_eq(source.problem_start, strlen(text_before));
    ck_assert_mem_eq(source.text, text_before, source.problem_start);
}

START_TEST(an_empty_file_has_one_empty_line)
{
    ck_assert_int_eq(OPEN(""), AK_SOURCE_OK);
    text_is("");
    ck_assert_uint_eq(ak__source_line_count(&source), 1);
    ck_assert_uint_eq(ak__source_pos(&source, 0).column, 1);
    ck_assert_int_eq(ak__source_open(arena, &source, "flow.py", NULL, 0), AK_SOURCE_OK);
    text_is("");
}
END_TEST

START_TEST(a_mark_is_skipped_and_does_not_count)
{
    ck_assert_int_eq(OPEN("\xef\xbb\xbfx = 1\n"), AK_SOURCE_OK);
    text_is("x = 1\n");
    ck_assert(source.bom);
    ck_assert_uint_eq(ak__source_pos(&source, 0).column, 1);
}
END_TEST

START_TEST(crlf_stays_and_a_lone_cr_becomes_a_newline)
{
    ck_assert_int_eq(OPEN("a\r\nb\rc\r\r\nd\r"), AK_SOURCE_OK);
    text_is("a\r\nb\nc\n\r\nd\n");
    ck_assert_uint_eq(ak__source_line_count(&source), 6);
    uint32_t start, end;
    ak__source_line(&source, 1, &start, &end);
    ck_assert_uint_eq(start, 0);
    ck_assert_uint_eq(end, 1);
    ak__source_line(&source, 4, &start, &end);
    ck_assert_uint_eq(end - start, 0);
}
END_TEST

START_TEST(a_text_that_needs_no_change_is_not_copied)
{
    static const char bytes[100] = "x = '\xc3\xa9'\r\n";
    ck_assert_int_eq(ak__source_open_padded(arena, &source, "a.py", bytes, strlen(bytes)),
                     AK_SOURCE_OK);
    ck_assert_ptr_eq(source.text, bytes);
    static const char with_cr[100] = "x\ry";
    ck_assert_int_eq(ak__source_open_padded(arena, &source, "a.py", with_cr, 3), AK_SOURCE_OK);
    ck_assert_ptr_ne(source.text, with_cr);
    text_is("x\ny");
}
END_TEST

START_TEST(a_nul_is_reported_with_its_place)
{
    ck_assert_int_eq(OPEN("x = 1\ny\0 = 2\n\0"), AK_SOURCE_NUL);
    problem_is("source code cannot contain null bytes", "x = 1\ny");
    text_is("x = 1\ny  = 2\n ");
    AkPos pos = ak__source_pos(&source, source.problem_start);
    ck_assert_uint_eq(pos.line, 2);
    ck_assert_uint_eq(pos.column, 2);
}
END_TEST

START_TEST(invalid_utf8_is_reported_with_its_place)
{
    ck_assert_int_eq(OPEN("a = '\xc3\xa9'\nb = '\xe9'\n"), AK_SOURCE_INVALID);
    problem_is("byte 0xe9 is not valid UTF-8", "a = '\xc3\xa9'\nb = '");
    text_is("a = '\xc3\xa9'\nb = '?'\n");
}
END_TEST

static const struct {
    const char *bytes;
    bool valid;
} sequences[] = {
    {"\xc2\x80", true},
    {"\xdf\xbf", true},
    {"\xe0\xa0\x80", true},
    {"\xed\x9f\xbf", true},
    {"\xee\x80\x80", true},
    {"\xf0\x90\x80\x80", true},
    {"\xf4\x8f\xbf\xbf", true},
    {"\x80", false},
    {"\xc0\x80", false},
    {"\xc1\xbf", false},
    {"\xe0\x9f\xbf", false},
    {"\xed\xa0\x80", false},
    {"\xf0\x8f\xbf\xbf", false},
    {"\xf4\x90\x80\x80", false},
    {"\xf5\x80\x80\x80", false},
    {"\xff", false},
    {"\xc3", false},
    {"\xe2\x82", false},
    {"\xf0\x9f\x98", false},
};

START_TEST(only_characters_of_unicode_are_valid)
{
    int status = ak__source_open(arena, &source, "a.py", sequences[_i].bytes,
                                 strlen(sequences[_i].bytes));
    ck_assert_int_eq(status, sequences[_i].valid ? AK_SOURCE_OK : AK_SOURCE_INVALID);
}
END_TEST

static const struct {
    const char *bytes, *text;
} decoded[] = {
    {"# coding: latin-1\nx='\xe9'", "# coding: latin-1\nx='\xc3\xa9'"},
    {"# -*- coding: ISO_8859_1 -*-\n\xff", "# -*- coding: ISO_8859_1 -*-\n\xc3\xbf"},
    {"#!/usr/bin/python\n# vim: set fileencoding=cp1252 :\n\x80",
     "#!/usr/bin/python\n# vim: set fileencoding=cp1252 :\n\xe2\x82\xac"},
    {"\n#coding=iso-8859-15\n\xa4", "\n#coding=iso-8859-15\n\xe2\x82\xac"},
    {"\r#coding=koi8-r\r\xc1", "\n#coding=koi8-r\n\xd0\xb0"},
    {"\r\n#coding:windows-1251\r\n\xe0", "\r\n#coding:windows-1251\r\n\xd0\xb0"},
    {" \t\f# coding:latin-1-unix\n\xe9", " \t\f# coding:latin-1-unix\n\xc3\xa9"},
    {"# coding: utf-8-unix\n\xc3\xa9", "# coding: utf-8-unix\n\xc3\xa9"},
    {"# encoding: gbk\nx = 1\n", "# encoding: gbk\nx = 1\n"},
    {"# my coding is: good\n# coding : x\n\xc3\xa9",
     "# my coding is: good\n# coding : x\n\xc3\xa9"},
    {"x = 1\n# coding: latin-1\n\xc3\xa9", "x = 1\n# coding: latin-1\n\xc3\xa9"},
    {"\n\n# coding: latin-1\n\xc3\xa9", "\n\n# coding: latin-1\n\xc3\xa9"},
    {"s = '# coding: latin-1'\n\xc3\xa9", "s = '# coding: latin-1'\n\xc3\xa9"},
};

START_TEST(the_cookie_of_the_first_two_lines_is_obeyed)
{
    ck_assert_int_eq(
        ak__source_open(arena, &source, "a.py", decoded[_i].bytes, strlen(decoded[_i].bytes)),
        AK_SOURCE_OK);
    text_is(decoded[_i].text);
}
END_TEST

START_TEST(an_encoding_that_is_not_decoded_is_named)
{
    ck_assert_int_eq(OPEN("# coding: shift_jis\nx = '\x83\x5c'\n"), AK_SOURCE_ENCODING);
    problem_is("encoding 'shift_jis' is not supported; save as UTF-8", "# coding: ");
    ck_assert_uint_eq(source.problem_end - source.problem_start, 9);
    text_is("# coding: shift_jis\nx = '?\\'\n");
    ck_assert_int_eq(OPEN("# coding: klingon\nx = 1\n"), AK_SOURCE_ENCODING);
}
END_TEST

START_TEST(a_mark_and_another_encoding_contradict)
{
    ck_assert_int_eq(OPEN("\xef\xbb\xbf# coding: latin-1\n"), AK_SOURCE_ENCODING);
    ck_assert_int_eq(OPEN("\xef\xbb\xbf# coding: utf8\n"), AK_SOURCE_OK);
}
END_TEST

START_TEST(bytes_that_the_encoding_lacks_are_reported)
{
    ck_assert_int_eq(OPEN("# coding: ascii\n\xc3\xa9"), AK_SOURCE_INVALID);
    problem_is("byte 0xc3 is not valid ASCII", "# coding: ascii\n");
    ck_assert_int_eq(OPEN("# coding: cp1252\n\xe9\x81"), AK_SOURCE_INVALID);
    problem_is("byte 0x81 is not valid cp1252", "# coding: cp1252\n\xc3\xa9");
}
END_TEST

START_TEST(columns_count_characters)
{
    ck_assert_int_eq(OPEN("x\n\t\xc3\xa9\xf0\x9f\x98\x80y = 1\n"), AK_SOURCE_OK);
    uint32_t y = 2 + 1 + 2 + 4;
    AkPos pos = ak__source_pos(&source, y);
    ck_assert_uint_eq(pos.line, 2);
    ck_assert_uint_eq(pos.column, 4);
    pos = ak__source_pos(&source, y - 1); /* inside the four bytes before */
    ck_assert_uint_eq(pos.column, 3);
    pos = ak__source_pos(&source, source.len);
    ck_assert_uint_eq(pos.line, 3);
    ck_assert_uint_eq(pos.column, 1);
}
END_TEST

START_TEST(every_offset_of_a_character_comes_back)
{
    ck_assert_int_eq(OPEN("\n\xc3\xa9 = 1\r\n\n\tb\xe2\x82\xac\nend"), AK_SOURCE_OK);
    for (uint32_t i = 0; i <= source.len; i++) {
        unsigned char c = (unsigned char)source.text[i];
        if ((c & 0xc0) == 0x80 || (c == '\n' && i && source.text[i - 1] == '\r'))
            continue;
        ck_assert_uint_eq(ak__source_offset(&source, ak__source_pos(&source, i)), i);
    }
}
END_TEST

START_TEST(places_beyond_the_text_stop_at_its_ends)
{
    ck_assert_int_eq(OPEN("ab\ncd"), AK_SOURCE_OK);
    ck_assert_uint_eq(ak__source_offset(&source, (AkPos){1, 99}), 2);
    ck_assert_uint_eq(ak__source_offset(&source, (AkPos){2, 99}), 5);
    ck_assert_uint_eq(ak__source_offset(&source, (AkPos){9, 1}), 5);
    ck_assert_uint_eq(ak__source_offset(&source, (AkPos){0, 0}), 0);
}
END_TEST

START_TEST(running_out_of_memory_leaves_by_the_guard)
{
    volatile size_t failures = 0;
    for (;;) {
        AkArena *own = ak__arena_new();
        ck_assert_ptr_nonnull(own);
        if (setjmp(*ak__arena_guard(own))) {
            failures++;
            ak__arena_free(own);
            continue;
        }
        ak__arena_fail_at(own, failures + 1);
        AkSource other;
        ck_assert_int_eq(ak__source_open(own, &other, "a.py", "#coding:cp1252\n\x81", 16),
                         AK_SOURCE_INVALID);
        ak__source_pos(&other, 0);
        ak__arena_free(own);
        break;
    }
    ck_assert_uint_eq(failures, 5);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("source");
    TCase *tcase = tcase_create("source");
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, an_empty_file_has_one_empty_line);
    tcase_add_test(tcase, a_mark_is_skipped_and_does_not_count);
    tcase_add_test(tcase, crlf_stays_and_a_lone_cr_becomes_a_newline);
    tcase_add_test(tcase, a_text_that_needs_no_change_is_not_copied);
    tcase_add_test(tcase, a_nul_is_reported_with_its_place);
    tcase_add_test(tcase, invalid_utf8_is_reported_with_its_place);
    tcase_add_loop_test(tcase, only_characters_of_unicode_are_valid, 0,
                        sizeof sequences / sizeof *sequences);
    tcase_add_loop_test(tcase, the_cookie_of_the_first_two_lines_is_obeyed, 0,
                        sizeof decoded / sizeof *decoded);
    tcase_add_test(tcase, an_encoding_that_is_not_decoded_is_named);
    tcase_add_test(tcase, a_mark_and_another_encoding_contradict);
    tcase_add_test(tcase, bytes_that_the_encoding_lacks_are_reported);
    tcase_add_test(tcase, columns_count_characters);
    tcase_add_test(tcase, every_offset_of_a_character_comes_back);
    tcase_add_test(tcase, places_beyond_the_text_stop_at_its_ends);
    tcase_add_test(tcase, running_out_of_memory_leaves_by_the_guard);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
