/* test_journal.c: a record is read as what was written, or not at all. */
#include "journal.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

static const AkBytes session = {"ses_1", 5};

static AkRecord full_record(void)
{
    return (AkRecord){.kind = AK_REC_CALL,
                      .number = 1,
                      .at_us = 1700000000000000,
                      .start_us = -5,
                      .seq = 1,
                      .attempt = 2,
                      .line = 12,
                      .in_memory = true,
                      .file = ak_bytes("flow.py"),
                      .func = ak_bytes("main"),
                      .name = ak_bytes("fetch"),
                      .digest = ak_bytes("ab"),
                      .preview = ak_bytes("('x',)"),
                      .result = ak_bytes("[1, 2]"),
                      .value = ak_bytes("KGxwMApJMQphSTIKYS4="),
                      .error = ak_bytes("{}")};
}

static uint64_t write_one(const AkRecord *record, uint64_t previous, AkText *text)
{
    uint64_t sum = 0;
    ck_assert_int_eq(ak_record_write(record, session, previous, text, &sum), 0);
    return sum;
}

static int read_one(AkBytes bytes, uint64_t number, uint64_t previous)
{
    AkRecord record;
    uint64_t sum;
    const char *why = NULL;
    int fault = ak_record_read(bytes, session, number, previous, &record, &sum, &why);
    if (fault)
        ck_assert_ptr_nonnull(why);
    return fault;
}

START_TEST(record_comes_back_as_written)
{
    AkRecord record = full_record(), back;
    AkText text = {0}, again = {0};
    uint64_t back_sum, sum = write_one(&record, 7, &text);
    const char *why;
    ck_assert_int_eq(
        ak_record_read((AkBytes){text.at, text.len}, session, 1, 7, &back, &back_sum, &why), 0);
    ck_assert_uint_eq(sum, back_sum);
    ck_assert_int_eq(back.kind, AK_REC_CALL);
    ck_assert_int_eq(back.start_us, -5);
    ck_assert_uint_eq(back.attempt, 2);
    ck_assert(back.in_memory);
    ck_assert(ak_bytes_is(back.value, "KGxwMApJMQphSTIKYS4="));
    ck_assert_ptr_null(back.text.at);
    ck_assert_uint_eq(write_one(&back, 7, &again), sum);
    ck_assert_uint_eq(again.len, text.len);
    ck_assert_mem_eq(again.at, text.at, text.len);
    ak_text_free(&text);
    ak_text_free(&again);
}
END_TEST

START_TEST(empty_is_not_absent)
{
    AkRecord record = {.kind = AK_REC_PRINT, .text = ak_bytes("")}, back;
    AkText text = {0};
    uint64_t sum;
    const char *why;
    write_one(&record, 0, &text);
    ck_assert_int_eq(
        ak_record_read((AkBytes){text.at, text.len}, session, 0, 0, &back, &sum, &why), 0);
    ck_assert_ptr_nonnull(back.text.at);
    ck_assert_uint_eq(back.text.len, 0);
    ck_assert_ptr_null(back.value.at);
    ak_text_free(&text);
}
END_TEST

START_TEST(any_flipped_bit_is_refused)
{
    AkRecord record = full_record();
    AkText text = {0};
    write_one(&record, 7, &text);
    for (size_t i = 0; i < text.len; i++) {
        for (int bit = 0; bit < 8; bit++) {
            text.at[i] = (char)(text.at[i] ^ 1 << bit);
            ck_assert_int_lt(read_one((AkBytes){text.at, text.len}, 1, 7), 0);
            text.at[i] = (char)(text.at[i] ^ 1 << bit);
        }
        for (int value = 0; value < 256; value++) {
            char was = text.at[i];
            if ((char)value == was)
                continue;
            text.at[i] = (char)value;
            ck_assert_int_lt(read_one((AkBytes){text.at, text.len}, 1, 7), 0);
            text.at[i] = was;
        }
    }
    ck_assert_int_eq(read_one((AkBytes){text.at, text.len}, 1, 7), 0);
    ak_text_free(&text);
}
END_TEST

START_TEST(any_truncation_or_addition_is_refused)
{
    AkRecord record = full_record();
    AkText text = {0};
    write_one(&record, 7, &text);
    size_t len = text.len;
    for (size_t i = 0; i < len; i++) {
        /* A copy of its own size, so that a reader that goes too far is seen. */
        char *cut = malloc(i ? i : 1);
        memcpy(cut, text.at, i);
        ck_assert_int_eq(read_one((AkBytes){cut, i}, 1, 7), AK_E_CORRUPT);
        free(cut);
    }
    for (int i = 0; i < 64; i++) {
        ak_text_add(&text, "\0", 1);
        ck_assert_int_eq(read_one((AkBytes){text.at, text.len}, 1, 7), AK_E_CORRUPT);
    }
    ak_text_free(&text);
}
END_TEST

START_TEST(swapped_missing_doubled_and_foreign_records_are_refused)
{
    AkText texts[4] = {{0}};
    uint64_t sums[5] = {0};
    for (size_t i = 0; i < 4; i++) {
        AkRecord record = full_record();
        record.number = i;
        sums[i + 1] = write_one(&record, sums[i], &texts[i]);
    }
    for (size_t place = 0; place < 4; place++)
        for (size_t other = 0; other < 4; other++) {
            AkBytes bytes = {texts[other].at, texts[other].len};
            ck_assert_int_eq(read_one(bytes, place, sums[place]),
                             place == other ? 0 : AK_E_CORRUPT);
            ck_assert_int_eq(read_one(bytes, other, sums[place]),
                             place == other ? 0 : AK_E_CORRUPT);
        }
    AkRecord record;
    uint64_t sum;
    const char *why;
    AkBytes bytes = {texts[0].at, texts[0].len};
    ck_assert_int_eq(ak_record_read(bytes, ak_bytes("ses_2"), 0, 0, &record, &sum, &why),
                     AK_E_CORRUPT);
    for (size_t i = 0; i < 4; i++)
        ak_text_free(&texts[i]);
}
END_TEST

START_TEST(newer_version_is_named_so)
{
    AkRecord record = full_record();
    AkText text = {0};
    write_one(&record, 7, &text);
    text.at[0] = AK_JOURNAL_VERSION + 1;
    ck_assert_int_eq(read_one((AkBytes){text.at, text.len}, 1, 7), AK_E_NEWER);
    ak_text_free(&text);
}
END_TEST

START_TEST(too_big_a_record_is_refused)
{
    AkRecord record = full_record();
    AkText text = {0};
    uint64_t sum;
    record.value.len = AK_RECORD_MAX; /* not read: the length is looked at first */
    ck_assert_int_eq(ak_record_write(&record, session, 0, &text, &sum), AK_E_TOOBIG);
    ck_assert_uint_eq(text.len, 0);
    ak_text_free(&text);
}
END_TEST

/* The bytes of version 1 stay as they are: who reads this journal in ten years reads these. */
START_TEST(version_one_stays_readable)
{
    static const unsigned char golden[] = {
#include "golden_journal.inc"
    };
    AkRecord record;
    uint64_t sum;
    const char *why;
    AkBytes bytes = {(const char *)golden, sizeof golden};
    ck_assert_int_eq(ak_record_read(bytes, session, 1, 7, &record, &sum, &why), 0);
    ck_assert(ak_bytes_is(record.name, "fetch"));
    ck_assert(ak_bytes_is(record.result, "[1, 2]"));
    ck_assert_uint_eq(record.line, 12);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("journal");
    TCase *tests = tcase_create("records");
    tcase_add_test(tests, record_comes_back_as_written);
    tcase_add_test(tests, empty_is_not_absent);
    tcase_add_test(tests, any_flipped_bit_is_refused);
    tcase_add_test(tests, any_truncation_or_addition_is_refused);
    tcase_add_test(tests, swapped_missing_doubled_and_foreign_records_are_refused);
    tcase_add_test(tests, newer_version_is_named_so);
    tcase_add_test(tests, too_big_a_record_is_refused);
    tcase_add_test(tests, version_one_stays_readable);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
