/* The arena's promises: zeroed and aligned pieces, growth in place, disposal, exhaustion. */
#include "arena.h"
#include "array.h"

#include <check.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static AkArena *arena;

static void set_up(void)
{
    arena = ak__arena_new();
    ck_assert_ptr_nonnull(arena);
}

static void tear_down(void)
{
    ak__arena_free(arena);
    arena = NULL;
}

START_TEST(pieces_are_zeroed_and_aligned)
{
    for (size_t size = 0; size < 300; size++) {
        unsigned char *piece = ak__alloc(arena, size);
        ck_assert_uint_eq((uintptr_t)piece % 8, 0);
        for (size_t i = 0; i < size; i++)
            ck_assert_uint_eq(piece[i], 0);
        memset(piece, 0xff, size);
    }
}
END_TEST

START_TEST(pieces_after_a_reset_are_zeroed_again)
{
    for (int round = 0; round < 3; round++) {
        unsigned char *piece = ak__alloc(arena, 4000);
        for (size_t i = 0; i < 4000; i++)
            ck_assert_uint_eq(piece[i], 0);
        memset(piece, 0xff, 4000);
        ak__arena_reset(arena);
        ck_assert_uint_eq(ak__arena_used(arena), 0);
    }
}
END_TEST

START_TEST(a_piece_larger_than_any_chunk_fits)
{
    char *large = ak__alloc(arena, 5 * 1024 * 1024);
    large[5 * 1024 * 1024 - 1] = 'x';
    char *small = ak__alloc(arena, 8);
    ck_assert_int_eq(small[0], 0);
    ck_assert_int_eq(large[5 * 1024 * 1024 - 1], 'x');
}
END_TEST

START_TEST(growing_keeps_the_old_bytes_and_zeroes_the_new)
{
    char *piece = ak__grow(arena, NULL, 0, 3);
    memcpy(piece, "abc", 3);
    piece = ak__grow(arena, piece, 3, 5);
    ck_assert_mem_eq(piece, "abc\0\0", 5);
    char *other = ak__alloc(arena, 8);
    memset(other, 'o', 8);
    piece = ak__grow(arena, piece, 5, 100000);
    ck_assert_mem_eq(piece, "abc\0\0\0", 6);
    ck_assert_int_eq(piece[99999], 0);
    ck_assert_mem_eq(other, "oooooooo", 8);
}
END_TEST

START_TEST(a_pushed_element_is_where_it_was_assigned)
{
    uint32_t *numbers = NULL;
    uint32_t len = 0, cap = 0;
    for (uint32_t i = 0; i < 1000; i++) {
        AK_PUSH(arena, numbers, len, cap) = i * 3;
        ak__alloc(arena, i % 7); /* so that growth has to move at times */
    }
    ck_assert_uint_eq(len, 1000);
    for (uint32_t i = 0; i < 1000; i++)
        ck_assert_uint_eq(numbers[i], i * 3);
}
END_TEST

START_TEST(text_is_copied_and_ended)
{
    ck_assert_str_eq(ak__strndup(arena, "abcdef", 3), "abc");
    ck_assert_str_eq(ak__strndup(arena, NULL, 0), "");
    ck_assert_str_eq(ak__printf(arena, "%s:%d", "flow.py", 12), "flow.py:12");
}
END_TEST

static char order[8];

static void note(void *what)
{
    strncat(order, what, 1);
}

START_TEST(disposals_run_newest_first_at_reset_and_at_free)
{
    order[0] = 0;
    AkArena *own = ak__arena_new();
    ak__arena_on_free(own, note, "a");
    ak__arena_on_free(own, note, "b");
    ak__arena_reset(own);
    ck_assert_str_eq(order, "ba");
    ak__arena_on_free(own, note, "c");
    ak__arena_free(own);
    ck_assert_str_eq(order, "bac");
}
END_TEST

/* Runs work with the n-th piece failing, for each n until it gets through. */
static size_t survive_each_failure(void (*work)(AkArena *))
{
    volatile size_t failures = 0;
    for (;;) {
        AkArena *own = ak__arena_new();
        ck_assert_ptr_nonnull(own);
        if (setjmp(*ak__arena_guard(own))) {
            failures++;
            ak__arena_free(own);
            ck_assert_uint_lt(failures, 10000);
            continue;
        }
        ak__arena_fail_at(own, failures + 1);
        work(own);
        ak__arena_free(own);
        return failures;
    }
}

static void three_pieces(AkArena *own)
{
    char *piece = ak__alloc(own, 10);
    piece = ak__grow(own, piece, 10, 20);
    ck_assert_int_eq(piece[19], 0);
    ak__printf(own, "%d", 1);
}

START_TEST(each_allocation_can_fail_and_leaves_by_the_guard)
{
    ck_assert_uint_eq(survive_each_failure(three_pieces), 3);
}
END_TEST

START_TEST(what_cannot_be_remembered_is_disposed_at_once)
{
    order[0] = 0;
    AkArena *own = ak__arena_new();
    if (setjmp(*ak__arena_guard(own)) == 0) {
        ak__arena_fail_at(own, 1);
        ak__arena_on_free(own, note, "x");
        ck_abort_msg("the failing piece was given");
    }
    ck_assert_str_eq(order, "x");
    ak__arena_free(own);
    ck_assert_str_eq(order, "x");
}
END_TEST

START_TEST(a_size_beyond_memory_leaves_by_the_guard)
{
    volatile int left = 0;
    if (setjmp(*ak__arena_guard(arena)))
        left = 1;
    else
        ak__alloc(arena, SIZE_MAX - 4);
    ck_assert_int_eq(left, 1);
}
END_TEST

START_TEST(pieces_of_their_own_behave_the_same)
{
    ak__arena_use_pieces(arena);
    char *piece = ak__strndup(arena, "abc", 3);
    char *grown = ak__grow(arena, piece, 4, 9);
    ck_assert_ptr_ne(piece, grown);
    ck_assert_mem_eq(grown, "abc\0\0\0\0\0\0", 9);
    ak__arena_reset(arena);
    ck_assert_int_eq(*(char *)ak__alloc(arena, 1), 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("arena");
    TCase *tcase = tcase_create("arena");
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, pieces_are_zeroed_and_aligned);
    tcase_add_test(tcase, pieces_after_a_reset_are_zeroed_again);
    tcase_add_test(tcase, a_piece_larger_than_any_chunk_fits);
    tcase_add_test(tcase, growing_keeps_the_old_bytes_and_zeroes_the_new);
    tcase_add_test(tcase, a_pushed_element_is_where_it_was_assigned);
    tcase_add_test(tcase, text_is_copied_and_ended);
    tcase_add_test(tcase, disposals_run_newest_first_at_reset_and_at_free);
    tcase_add_test(tcase, each_allocation_can_fail_and_leaves_by_the_guard);
    tcase_add_test(tcase, what_cannot_be_remembered_is_disposed_at_once);
    tcase_add_test(tcase, a_size_beyond_memory_leaves_by_the_guard);
    tcase_add_test(tcase, pieces_of_their_own_behave_the_same);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
