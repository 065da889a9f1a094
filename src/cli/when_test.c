/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "cli/when.h"

#define S   INT64_C(1000000000)
#define NOW (INT64_C(1700000000) * S)

static const struct {
    const char *text;
    int64_t ns; /* -1: refused */
} rows[] = {
    {"1600000000", INT64_C(1600000000) * S},
    {"1600000000.25", INT64_C(1600000000) * S + S / 4},
    {"2023-11-14T22:13:20Z", NOW},
    {"2023-11-14T23:13:20+01:00", NOW},
    {"2023-11-14T22:13:20", NOW},
    {"2023-11-14T22:13", NOW - 20 * S},
    {"2023-11-14", INT64_C(1699920000) * S},
    {"10m", NOW - 600 * S},
    {"1h30m", NOW - 5400 * S},
    {"1.5s", NOW - S * 3 / 2},
    {"250ms", NOW - S / 4},
    {"", -1},
    {"10", 10 * S},
    {"10x", -1},
    {"m", -1},
    {"1h 2m", -1},
    {"yesterday", -1},
    {"-5m", -1},
    {"99999999999999999999", -1},
};

static void reads_times_and_durations(void **state)
{
    (void)state;
    setenv("TZ", "UTC", 1);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        int64_t ns = -1;
        (void)when_parse(rows[i].text, NOW, &ns);
        if (ns != rows[i].ns)
            fail_msg("'%s': %ld", rows[i].text, (long)ns);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(reads_times_and_durations)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
