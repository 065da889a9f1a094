/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>

#include "base/units.h"

static void sizes_are_decimal_with_significant_digits(void **state)
{
    static const struct {
        uint64_t bytes;
        int digits;
        const char *text;
    } cases[] = {
        {0, 3, "0 B"},           {999, 3, "999 B"},         {1000, 3, "1 kB"},
        {1234, 4, "1.234 kB"},   {4261550, 3, "4.26 MB"},   {999600, 3, "1 MB"},
        {999600, 4, "999.6 kB"}, {999999999999, 4, "1 TB"}, {UINT64_MAX, 4, "18.45 EB"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        auto_free char *text = units_size_text(cases[i].bytes, cases[i].digits);

        assert_string_equal(text, cases[i].text);
    }
}

static void durations_are_told_roughly(void **state)
{
    enum { MINUTE = 60, HOUR = 3600, DAY = 86400 };
    static const struct {
        int64_t seconds;
        const char *text;
    } cases[] = {
        {-5, "Less than a second"},
        {0, "Less than a second"},
        {1, "1 second"},
        {59, "59 seconds"},
        {60, "About a minute"},
        {119, "About a minute"},
        {120, "2 minutes"},
        {45 * MINUTE, "45 minutes"},
        {46 * MINUTE, "About an hour"},
        {89 * MINUTE, "About an hour"},
        {90 * MINUTE, "2 hours"},
        {47 * HOUR, "47 hours"},
        {48 * HOUR, "2 days"},
        {13 * DAY, "13 days"},
        {14 * DAY, "2 weeks"},
        {59 * DAY, "8 weeks"},
        {60 * DAY, "2 months"},
        {729 * DAY, "24 months"},
        {730 * DAY, "2 years"},
        {4000LL * DAY, "10 years"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        auto_free char *text = units_ago_text(cases[i].seconds);

        assert_string_equal(text, cases[i].text);
    }
}

static void sizes_are_read_in_binary_units(void **state)
{
    static const struct {
        const char *text;
        int result;
        uint64_t bytes;
    } cases[] = {
        {"0", 0, 0},
        {"64", 0, 64},
        {"64b", 0, 64},
        {"64k", 0, 65536},
        {"64KB", 0, 65536},
        {"64KiB", 0, 65536},
        {"1.5g", 0, 1610612736},
        {"0.1k", 0, 102},
        {"10 MB", 0, 10485760},
        {"2Ti", 0, 2199023255552},
        {"1p", 0, 1125899906842624},
        {"9223372036854775807", 0, INT64_MAX},
        {"9223372036854775808", -ERANGE, 0},
        {"8192p", -ERANGE, 0},
        {"8191p", 0, 9222246136947933184},
        {"", -EINVAL, 0},
        {"k", -EINVAL, 0},
        {".5k", -EINVAL, 0},
        {"1.k", -EINVAL, 0},
        {"-1", -EINVAL, 0},
        {"1x", -EINVAL, 0},
        {"1 ", -EINVAL, 0},
        {"1  k", -EINVAL, 0},
        {"1bi", -EINVAL, 0},
        {"1kk", -EINVAL, 0},
        {"1kbb", -EINVAL, 0},
        {"1e3", -EINVAL, 0},
        {"1.2.3k", -EINVAL, 0},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        uint64_t bytes = 0;

        if (units_size_parse(cases[i].text, &bytes) != cases[i].result)
            fail_msg("'%s'", cases[i].text);
        assert_true(bytes == cases[i].bytes);
    }
}

static void times_are_read(void **state)
{
    static const struct {
        const char *text;
        int result;
        int64_t ns;
    } cases[] = {
        {"1970-01-01T00:00:00Z", 0, 0},
        {"1970-01-01T00:00:00.000000001Z", 0, 1},
        {"1969-12-31T23:59:59.5Z", 0, -500000000},
        {"2024-02-29t12:00:00z", 0, 1709208000000000000},
        {"2024-02-29 12:00:00+01:30", 0, 1709202600000000000},
        {"2024-02-29T12:00:00-00:30", 0, 1709209800000000000},
        {"2016-12-31T23:59:60Z", 0, 1483228800000000000},
        {"2024-01-01T00:00:00.1234567899999Z", 0, 1704067200123456789},
        {"0001-01-01T00:00:00Z", -ERANGE, 0},
        {"9999-01-01T00:00:00Z", -ERANGE, 0},
        {"2023-02-29T12:00:00Z", -EINVAL, 0},
        {"2024-13-01T00:00:00Z", -EINVAL, 0},
        {"2024-00-01T00:00:00Z", -EINVAL, 0},
        {"2024-01-01T24:00:00Z", -EINVAL, 0},
        {"2024-01-01T00:00:00", -EINVAL, 0},
        {"2024-01-01T00:00:00.Z", -EINVAL, 0},
        {"2024-01-01T00:00:00+0100", -EINVAL, 0},
        {"2024-01-01T00:00:00Zx", -EINVAL, 0},
        {"2024-1-01T00:00:00Z", -EINVAL, 0},
        {"2024-01-01", -EINVAL, 0},
        {"", -EINVAL, 0},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        int64_t ns = 0;

        if (units_rfc3339_parse(cases[i].text, &ns) != cases[i].result)
            fail_msg("'%s'", cases[i].text);
        assert_true(ns == cases[i].ns);
    }
}

static void times_survive_a_round_trip(void **state)
{
    static const struct {
        int64_t ns;
        const char *text;
    } cases[] = {
        {0, "1970-01-01T00:00:00.000000000Z"},
        {-1, "1969-12-31T23:59:59.999999999Z"},
        {1709208000000000042, "2024-02-29T12:00:00.000000042Z"},
        {INT64_MAX, "2262-04-11T23:47:16.854775807Z"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        auto_free char *text = units_rfc3339(cases[i].ns);
        int64_t ns = 0;

        assert_string_equal(text, cases[i].text);
        assert_int_equal(units_rfc3339_parse(text, &ns), 0);
        assert_true(ns == cases[i].ns);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sizes_are_decimal_with_significant_digits),
        cmocka_unit_test(durations_are_told_roughly),
        cmocka_unit_test(sizes_are_read_in_binary_units),
        cmocka_unit_test(times_are_read),
        cmocka_unit_test(times_survive_a_round_trip),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
