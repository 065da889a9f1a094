/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/def.h"
#include "base/signals.h"

static void signals_have_names_and_numbers(void **state)
{
    static const struct {
        const char *text;
        int signal; /* -1: refused */
    } rows[] = {
        {"KILL", SIGKILL},  {"SIGKILL", SIGKILL}, {"sigterm", SIGTERM},
        {"9", 9},           {"64", 64},           {"RTMIN", 34},
        {"SIGRTMIN+3", 37}, {"RTMAX-1", 63},      {"RTMAX", 64},
        {"0", -1},          {"65", -1},           {"-9", -1},
        {"", -1},           {"SIG", -1},          {"NOPE", -1},
        {"RTMIN-1", -1},    {"RTMIN+99", -1},     {"9x", -1},
        {"RTMAX+1", -1},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        int sig = -1, r = signals_parse(rows[i].text, &sig);

        assert_int_equal(r, rows[i].signal < 0 ? -EINVAL : 0);
        assert_int_equal(sig, rows[i].signal);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(signals_have_names_and_numbers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
