/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "base/columns.h"

static void rows_are_aligned_by_three_blanks(void **state)
{
    static const struct {
        const char *rows[4];
        const char *text;
    } cases[] = {
        {{NULL}, ""},
        {{"A"}, "A\n"},
        {{"ID\tNAME", "1234\tx", "5\t"}, "ID     NAME\n1234   x\n5\n"},
        {{"A\tB\tC", "1\t\t3", "a long last cell"}, "A   B   C\n1       3\na long last cell\n"},
        {{"\xc3\xa9\xc3\xa9\tB", "a\tb"}, "\xc3\xa9\xc3\xa9   B\na    b\n"},
        {{"a\x1b[2J\tb", "c\nd\te"}, "a\\x1b[2J   b\nc\\x0ad     e\n"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct columns *c = columns_new();
        auto_free char *text = NULL;

        for (size_t j = 0; j < 4 && cases[i].rows[j]; j++)
            columns_add_row(c, cases[i].rows[j]);
        text = columns_print(c);
        assert_string_equal(text, cases[i].text);
        columns_free(c);
    }
    columns_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_are_aligned_by_three_blanks),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
