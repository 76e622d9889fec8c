/* Schedules: what is read, what is refused and where, when they fire. */
#include "cron.h"

#include <check.h>
#include <stdlib.h>

static const char *why;
static uint32_t at;

static AkCron parse(const char *text)
{
    AkCron cron;

    ck_assert_msg(ak_cron_parse(&cron, text, &why, &at) == 0, "%s: %s", text, why);
    return cron;
}

static int64_t next(const char *text, int64_t after)
{
    AkCron cron = parse(text);

    return ak_cron_next(&cron, after, NULL, NULL);
}

/* A made-up zone: +1 h, and +2 h from 2024-03-31 01:00 to 2024-10-27 01:00 UTC, as in Berlin.
 */
static int32_t berlin(void *payload, const char *zone, int64_t utc)
{
    (void)payload;
    ck_assert_str_eq(zone, "Europe/Berlin");
    return utc >= 1711846800 && utc < 1729990800 ? 7200 : 3600;
}

static int64_t next_in_berlin(const char *text, int64_t after)
{
    AkCron cron = parse(text);

    return ak_cron_next(&cron, after, berlin, NULL);
}

START_TEST(five_six_and_seven_fields)
{
    ck_assert_int_eq(next("*/5 * * * *", 1704067200), 1704067500);
    ck_assert_int_eq(next("0 6 * * 0", 1704067200), 1704607200); /* Sunday 2024-01-07 06:00 */
    ck_assert_int_eq(next("0 0 29 2 * 2028", 1704067200), 1835395200);   /* a leap day */
    ck_assert_int_eq(next("30 0 0 1 1 * 2025", 1704067200), 1735689630); /* seconds first */
    ck_assert_int_eq(next("0 0 1 1 * 2001", 1704067200), -1);
}
END_TEST

START_TEST(day_and_weekday_must_both_agree)
{
    ck_assert_int_eq(next("0 0 13 * FRI", 1704067200),
                     1726185600); /* Friday, 13 September 2024 */
    ck_assert_int_eq(next("0 0 * * 7", 1704067200), next("0 0 * * 0", 1704067200));
}
END_TEST

START_TEST(names_lists_ranges_and_steps)
{
    ck_assert_int_eq(next("0 0 1 JAN,jul ?", 1704067200), 1719792000);
    ck_assert_int_eq(next("10-20/5 * * * *", 1704067200), 1704067800);
    ck_assert_int_eq(next("50/5 * * * *", 1704067200), 1704070200);
}
END_TEST

START_TEST(every_counts_from_the_epoch)
{
    ck_assert_int_eq(next("@every 15m", 1704067201), 1704068100);
    ck_assert_int_eq(next("@every 1h30m", 0), 5400);
    ck_assert_int_eq(next("@every 1h/5m", 3600), 3900);
    ck_assert_int_eq(next("@daily", 1704067200), 1704153600);
    ck_assert_int_eq(next("@weekly # on Sundays", 1704067200), 1704585600);
}
END_TEST

START_TEST(a_skipped_local_time_does_not_fire)
{
    /* 02:30 of 2024-03-31 does not exist in Berlin: the next is 04-01 02:30, 00:30 UTC. */
    ck_assert_int_eq(next_in_berlin("TZ=Europe/Berlin 30 2 * * *", 1711839600), 1711931400);
}
END_TEST

START_TEST(a_local_time_that_comes_twice_fires_twice)
{
    int64_t first = next_in_berlin("CRON_TZ=Europe/Berlin 30 2 27 10 *", 1729900000);

    ck_assert_int_eq(first, 1729989000);
    ck_assert_int_eq(next_in_berlin("CRON_TZ=Europe/Berlin 30 2 27 10 *", first), first + 3600);
}
END_TEST

START_TEST(what_is_wrong_is_named_with_its_place)
{
    static const struct {
        const char *text;
        uint32_t at;
    } wrong[] = {{"", 0},
                 {"* * * *", 0},
                 {"60 * * * *", 2},
                 {"* * * FOO *", 6},
                 {"5-1 * * * *", 3},
                 {"@sometimes", 0},
                 {"@every", 6},
                 {"*/0 * * * *", 3},
                 {"* * 0 * *", 5},
                 {"TZ= * * * * *", 3},
                 {"* * * * * * * *", 0},
                 {"1;2 * * * *", 1}};
    AkCron cron;

    for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
        ck_assert_msg(ak_cron_parse(&cron, wrong[i].text, &why, &at) < 0, "%s", wrong[i].text);
        ck_assert_msg(at == wrong[i].at, "%s: at %u, %s", wrong[i].text, at, why);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("cron");
    TCase *tests = tcase_create("cron");
    SRunner *runner;
    int failed;

    tcase_add_test(tests, five_six_and_seven_fields);
    tcase_add_test(tests, day_and_weekday_must_both_agree);
    tcase_add_test(tests, names_lists_ranges_and_steps);
    tcase_add_test(tests, every_counts_from_the_epoch);
    tcase_add_test(tests, a_skipped_local_time_does_not_fire);
    tcase_add_test(tests, a_local_time_that_comes_twice_fires_twice);
    tcase_add_test(tests, what_is_wrong_is_named_with_its_place);
    suite_add_tcase(suite, tests);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
