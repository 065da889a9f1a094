/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "attach/attach.h"

static void keys_are_parsed(void **state)
{
    static const struct {
        const char *text, *want; /* NULL: refused */
        size_t n;
    } cases[] = {
        {"ctrl-p,ctrl-q", "\x10\x11", 2},
        {"", "", 0},
        {"a", "a", 1},
        {"a,b,C", "abC", 3},
        {"ctrl-a,x", "\x01x", 2},
        {"ctrl-@", "\0", 1},
        {"ctrl-[", "\x1b", 1},
        {"ctrl-_", "\x1f", 1},
        {"ctrl-\\", "\x1c", 1},
        {"CTRL-A", "\x01", 1},
        {"DEL", "\x7f", 1},
        {"del,del", "\x7f\x7f", 2},
        {"ctrl-1", NULL, 0},
        {"ctrl-", NULL, 0},
        {"ctrl", NULL, 0},
        {"ab", NULL, 0},
        {",", NULL, 0},
        {"a,", NULL, 0},
        {",a", NULL, 0},
        {"\n", NULL, 0},
        {"a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a", "aaaaaaaaaaaaaaaa", 16},
        {"a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a", NULL, 0},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct attach_keys keys = {.n = 99};
        int r = attach_keys_parse(cases[i].text, &keys);

        if (!cases[i].want) {
            assert_int_equal(r, -EINVAL);
            assert_int_equal(keys.n, 99);
            continue;
        }
        assert_int_equal(r, 0);
        assert_int_equal(keys.n, cases[i].n);
        assert_memory_equal(keys.key, cases[i].want, cases[i].n);
    }
}

/* Every way to cut the typed text in two must give the same. */
static void sequence_is_found_wherever_it_is_cut(void **state)
{
    static const struct {
        const char *keys, *typed, *passed;
        bool is_detach;
    } cases[] = {
        {"ctrl-p,ctrl-q", "ab\x10\x11", "ab", true},
        {"ctrl-p,ctrl-q", "ab\x10\x11rest", "ab", true},
        {"ctrl-p,ctrl-q", "ab\x10x\x11", "ab\x10x\x11", false},
        {"ctrl-p,ctrl-q", "\x10\x10\x11", "\x10", true},
        {"ctrl-p,ctrl-q", "\x11\x10", "\x11", false},
        {"a,a,b", "aaab", "a", true},
        {"a,b,a,c", "ababac", "ab", true},
        {"a,b,a,c", "abab", "ab", false},
        {"x", "yyx", "yy", true},
        {"", "abc", "abc", false},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        size_t n = strlen(cases[i].typed);
        struct attach_keys keys;

        assert_int_equal(attach_keys_parse(cases[i].keys, &keys), 0);
        for (size_t cut = 0; cut <= n; cut++) {
            struct attach_key_scan scan = {0};
            unsigned char out[64] = {0};
            const unsigned char *in = (const unsigned char *)cases[i].typed;
            bool is_detach = false;
            size_t put = attach_keys_scan(&keys, &scan, in, cut, out, &is_detach);

            if (!is_detach)
                put += attach_keys_scan(&keys, &scan, in + cut, n - cut, out + put, &is_detach);
            assert_int_equal(is_detach, cases[i].is_detach);
            assert_int_equal(put, strlen(cases[i].passed));
            assert_memory_equal(out, cases[i].passed, put);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_are_parsed),
        cmocka_unit_test(sequence_is_found_wherever_it_is_cut),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
