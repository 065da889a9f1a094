/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "base/strv.h"

static void splitting_and_joining_agree(void **state)
{
    static const struct {
        const char *text;
        size_t n;
    } cases[] = {{"", 0}, {"a", 1}, {"a,b", 2}, {"a,,b", 3}, {",", 2}, {"a,", 2}, {",a", 2}};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        auto_strv v = strv_split(cases[i].text, ',');
        auto_free char *joined = strv_join(v, ",");

        assert_int_equal(strv_len(v), cases[i].n);
        assert_string_equal(joined, cases[i].text);
    }
}

static void vectors_grow_past_every_power_of_two(void **state)
{
    auto_strv v = NULL;
    auto_strv copy = NULL;

    (void)state;
    assert_int_equal(strv_len(v), 0);
    for (int i = 0; i < 100; i++) {
        strv_addf(&v, "%d", i);
        assert_int_equal(strv_len(v), (size_t)i + 1);
        assert_null(v[i + 1]);
    }
    copy = strv_dup(v);
    assert_int_equal(strv_len(copy), 100);
    assert_string_equal(copy[99], "99");
    assert_true(copy[0] != v[0]);
    assert_true(strv_has(copy, "64"));
    assert_false(strv_has(copy, "100"));
    assert_false(strv_has(NULL, "x"));
}

static void the_empty_vector_iterates(void **state)
{
    char **v = NULL;
    size_t n = 0;

    (void)state;
    STRV_FOREACH (s, v)
        n++;
    assert_int_equal(n, 0);
    strv_free(v);
}

static void environment_entries_replace_by_name(void **state)
{
    auto_strv v = NULL;

    (void)state;
    assert_null(strv_env_get(v, "A"));
    strv_env_set(&v, "A=1");
    strv_env_set(&v, "AB=2");
    strv_env_set(&v, "A=3=4");
    strv_env_set(&v, "E=");
    assert_int_equal(strv_len(v), 3);
    assert_string_equal(strv_env_get(v, "A"), "3=4");
    assert_string_equal(strv_env_get(v, "AB"), "2");
    assert_string_equal(strv_env_get(v, "E"), "");
    assert_null(strv_env_get(v, "B"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(splitting_and_joining_agree),
        cmocka_unit_test(vectors_grow_past_every_power_of_two),
        cmocka_unit_test(the_empty_vector_iterates),
        cmocka_unit_test(environment_entries_replace_by_name),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
