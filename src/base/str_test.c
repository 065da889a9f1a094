/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>

#include "base/alloc.h"
#include "base/str.h"

static void text_grows_up_to_its_maximum(void **state)
{
    auto_str s = STR_INIT(10);

    (void)state;
    assert_string_equal(str_text(&s), "");
    str_add(&s, "12345");
    str_addf(&s, "%d", 678);
    str_add_char(&s, '9');
    assert_string_equal(str_text(&s), "123456789");
    assert_false(s.too_big);
    str_add(&s, "ab");
    assert_true(s.too_big);
    assert_string_equal(str_text(&s), "123456789");
    str_add(&s, "a"); /* it would fit: a text with a hole is worse than a cut one */
    assert_string_equal(str_text(&s), "123456789");
}

static void formatting_beyond_the_maximum_is_noticed(void **state)
{
    auto_str s = STR_INIT(3);

    (void)state;
    str_addf(&s, "%s", "abc");
    assert_false(s.too_big);
    str_addf(&s, "%s", "");
    assert_false(s.too_big);
    str_addf(&s, "%c", 'd');
    assert_true(s.too_big);
    assert_string_equal(str_text(&s), "abc");
}

static void a_zeroed_string_holds_nothing(void **state)
{
    struct str s = {0};

    (void)state;
    str_add(&s, "");
    assert_false(s.too_big);
    str_add_char(&s, 'x');
    assert_true(s.too_big);
    str_done(&s);
}

static void taking_leaves_it_empty(void **state)
{
    auto_str s = STR_INIT(100);
    auto_free char *a = NULL, *b = NULL;

    (void)state;
    str_add_bytes(&s, "a\0b", 3);
    assert_int_equal(s.len, 3);
    str_truncate(&s, 1);
    str_truncate(&s, 50);
    a = str_take(&s);
    assert_string_equal(a, "a");
    assert_int_equal(s.len, 0);
    b = str_take(&s);
    assert_string_equal(b, "");
}

static void prefixes_suffixes_equality(void **state)
{
    (void)state;
    assert_true(str_starts_with("abc", ""));
    assert_true(str_starts_with("abc", "ab"));
    assert_false(str_starts_with("a", "ab"));
    assert_true(str_ends_with("abc", "bc"));
    assert_false(str_ends_with("c", "bc"));
    assert_true(str_equal(NULL, NULL));
    assert_false(str_equal("", NULL));
    assert_true(str_equal("a", "a"));
}

static void numbers_are_read_whole(void **state)
{
    static const struct {
        const char *text;
        int result_u;
        uint64_t u;
        int result_i;
        int64_t i;
    } cases[] = {
        {"0", 0, 0, 0, 0},
        {"007", 0, 7, 0, 7},
        {"", -EINVAL, 0, -EINVAL, 0},
        {"-", -EINVAL, 0, -EINVAL, 0},
        {"-1", -EINVAL, 0, 0, -1},
        {"--1", -EINVAL, 0, -EINVAL, 0},
        {"+1", -EINVAL, 0, -EINVAL, 0},
        {" 1", -EINVAL, 0, -EINVAL, 0},
        {"1 ", -EINVAL, 0, -EINVAL, 0},
        {"0x1", -EINVAL, 0, -EINVAL, 0},
        {"99999999999999999999x", -EINVAL, 0, -EINVAL, 0},
        {"18446744073709551615", 0, UINT64_MAX, -ERANGE, 0},
        {"18446744073709551616", -ERANGE, 0, -ERANGE, 0},
        {"9223372036854775807", 0, INT64_MAX, 0, INT64_MAX},
        {"-9223372036854775808", -EINVAL, 0, 0, INT64_MIN},
        {"-9223372036854775809", -EINVAL, 0, -ERANGE, 0},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        uint64_t u = 0;
        int64_t n = 0;

        assert_int_equal(str_to_u64(cases[i].text, UINT64_MAX, &u), cases[i].result_u);
        assert_true(u == cases[i].u);
        assert_int_equal(str_to_i64(cases[i].text, INT64_MIN, INT64_MAX, &n), cases[i].result_i);
        assert_true(n == cases[i].i);
    }
    assert_int_equal(str_to_u64("11", 10, &(uint64_t){0}), -ERANGE);
    assert_int_equal(str_to_i64("-6", -5, 5, &(int64_t){0}), -ERANGE);
}

static void distances_count_edits(void **state)
{
    static const struct {
        const char *a;
        const char *b;
        unsigned distance;
    } cases[] = {
        {"", "", 0},    {"run", "run", 0},        {"rn", "run", 1},
        {"", "abc", 3}, {"kitten", "sitting", 3}, {"pul", "push", 2},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        assert_int_equal(str_distance(cases[i].a, cases[i].b), cases[i].distance);
        assert_int_equal(str_distance(cases[i].b, cases[i].a), cases[i].distance);
    }
}

static void allocations_copy(void **state)
{
    auto_free char *a = alloc_strndup("abc", 2), *b = alloc_printf("%d-%s", 1, "x");
    auto_free char *c = alloc_memdup("a\0b", 3), *d = alloc_zero(0, 8);

    (void)state;
    assert_string_equal(a, "ab");
    assert_string_equal(b, "1-x");
    assert_memory_equal(c, "a\0b", 3);
    assert_non_null(d);
    assert_null(alloc_strdup(NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_grows_up_to_its_maximum),
        cmocka_unit_test(formatting_beyond_the_maximum_is_noticed),
        cmocka_unit_test(a_zeroed_string_holds_nothing),
        cmocka_unit_test(taking_leaves_it_empty),
        cmocka_unit_test(prefixes_suffixes_equality),
        cmocka_unit_test(numbers_are_read_whole),
        cmocka_unit_test(distances_count_edits),
        cmocka_unit_test(allocations_copy),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
