/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "base/escape.h"
#include "base/utf8.h"

static void terminals_see_no_control_characters(void **state)
{
    static const struct {
        const char *raw;
        size_t len;
        const char *safe;
    } cases[] = {
#define RAW(s, safe) {s, sizeof(s) - 1, safe}
        RAW("", ""),
        RAW("plain \xc3\xa9 \xf0\x9f\x9a\xa2", "plain \xc3\xa9 \xf0\x9f\x9a\xa2"),
        RAW("\x1b]0;x\x07", "\\x1b]0;x\\x07"),
        RAW("a\nb\tc\rd\0e\x7f", "a\\x0ab\\x09c\\x0dd\\x00e\\x7f"),
        RAW("\xc2\x9b"
            "2J",
            "\\u009b2J"),
        RAW("\x9b", "\\x9b"),
        RAW("\xff\xfe", "\\xff\\xfe"),
        RAW("\xe2\x80\xaeoff", "\\u202eoff"),
        RAW("\xed\xa0\x80", "\\xed\\xa0\\x80"),
        RAW("\xf0\x9f\x9a", "\\xf0\\x9f\\x9a"),
        RAW("back\\slash", "back\\slash"),
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        auto_free char *safe = escape_terminal(cases[i].raw, cases[i].len);

        assert_string_equal(safe, cases[i].safe);
    }
}

static void utf8_is_read_strictly(void **state)
{
    static const struct {
        const char *bytes;
        size_t len;
        size_t taken;
        uint32_t rune;
    } cases[] = {
        {"", 0, 0, 0},
        {"a", 1, 1, 'a'},
        {"\0", 1, 1, 0},
        {"\xc2\x80", 2, 2, 0x80},
        {"\xdf\xbf", 2, 2, 0x7ff},
        {"\xe0\xa0\x80", 3, 3, 0x800},
        {"\xef\xbf\xbf", 3, 3, 0xffff},
        {"\xf0\x90\x80\x80", 4, 4, 0x10000},
        {"\xf4\x8f\xbf\xbf", 4, 4, 0x10ffff},
        {"\xf4\x90\x80\x80", 4, 0, 0},
        {"\xc1\xbf", 2, 0, 0},
        {"\xe0\x9f\xbf", 3, 0, 0},
        {"\xf0\x8f\xbf\xbf", 4, 0, 0},
        {"\xed\xbf\xbf", 3, 0, 0},
        {"\x80", 1, 0, 0},
        {"\xc2", 1, 0, 0},
        {"\xc2\x41", 2, 0, 0},
        {"\xf8\x88\x80\x80", 4, 0, 0},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        uint32_t rune = 0;

        assert_int_equal(utf8_next(cases[i].bytes, cases[i].len, &rune), cases[i].taken);
        assert_int_equal(rune, cases[i].rune);
        if (cases[i].taken > 0) {
            char bytes[4];

            assert_int_equal(utf8_put(rune, bytes), cases[i].taken);
            assert_memory_equal(bytes, cases[i].bytes, cases[i].taken);
        }
    }
    assert_int_equal(utf8_put(0xd800, (char[4]){0}), 0);
    assert_int_equal(utf8_put(0x110000, (char[4]){0}), 0);
    assert_true(utf8_is_valid("a\xc3\xa9", 3));
    assert_false(utf8_is_valid("a\xc3", 2));
    assert_int_equal(utf8_count("a\xc3\xa9\xff"), 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(terminals_see_no_control_characters),
        cmocka_unit_test(utf8_is_read_strictly),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
