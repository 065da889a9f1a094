/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/strv.h"
#include "engine/engine_internal.h"

static void names_of_containers_follow_the_grammar(void **state)
{
    static const struct {
        const char *name;
        bool is_valid;
    } rows[] = {
        {"a", true},    {"web-1_x.y", true}, {"9lives", true}, {"", false},
        {"-a", false},  {".a", false},       {"a/b", false},   {"a b", false},
        {"a\n", false}, {"\xc3\xa9", false}, {"../x", false},  {"a:b", false},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        assert_int_equal(names_is_valid(rows[i].name), rows[i].is_valid);
}

static void random_names_are_valid(void **state)
{
    (void)state;
    for (int i = 0; i < 200; i++) {
        auto_free char *name = names_random();

        assert_non_null(name);
        assert_true(names_is_valid(name));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_of_containers_follow_the_grammar),
        cmocka_unit_test(random_names_are_valid),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
