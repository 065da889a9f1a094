/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/units.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "base/alloc.h"
#include "base/str.h"

#define NS_PER_S 1000000000LL

char *units_size_text(uint64_t bytes, int significant_digits)
{
    static const char *const units[] = {"B", "kB", "MB", "GB", "TB", "PB", "EB"};
    double n = (double)bytes;
    size_t unit = 0;
    char text[32];

    for (;; unit++) {
        /* What rounds to 1000 belongs to the next unit: never "1e+03 kB". */
        snprintf(text, sizeof(text), "%.*g", significant_digits, n);
        if (strtod(text, NULL) < 1000 || unit + 1 == ARRAY_LEN(units))
            return alloc_printf("%s %s", text, units[unit]);
        n /= 1000;
    }
}

char *units_ago_text(int64_t seconds)
{
    int64_t minutes = seconds / 60, hours = (seconds + 1800) / 3600, days = hours / 24;

    if (seconds < 1)
        return alloc_strdup("Less than a second");
    if (seconds == 1)
        return alloc_strdup("1 second");
    if (minutes < 1)
        return alloc_printf("%ld seconds", (long)seconds);
    if (minutes == 1)
        return alloc_strdup("About a minute");
    if (minutes < 46)
        return alloc_printf("%ld minutes", (long)minutes);
    if (hours == 1)
        return alloc_strdup("About an hour");
    if (hours < 48)
        return alloc_printf("%ld hours", (long)hours);
    if (days < 14)
        return alloc_printf("%ld days", (long)days);
    if (days < 60)
        return alloc_printf("%ld weeks", (long)(days / 7));
    if (days < 365 * 2)
        return alloc_printf("%ld months", (long)(days / 30));
    return alloc_printf("%ld years", (long)(days / 365));
}

/* The suffix's power of 1024, or -EINVAL. */
static int parse_unit(const char *s)
{
    static const char letters[] = "kmgtp";
    const char *found = *s ? strchr(letters, *s | 0x20) : NULL;

    if (*s == 0 || strcasecmp(s, "b") == 0)
        return 0;
    if (!found || !*found)
        return -EINVAL;
    s++;
    if (*s == 0 || strcasecmp(s, "b") == 0 || strcasecmp(s, "i") == 0 || strcasecmp(s, "ib") == 0)
        return (int)(found - letters) + 1;
    return -EINVAL;
}

int units_size_parse(const char *s, uint64_t *ret_bytes)
{
    size_t whole_len = strspn(s, "0123456789"), fraction_len = 0;
    unsigned __int128 fraction = 0, scale = 1, bytes;
    const char *rest = s + whole_len;
    auto_free char *whole = alloc_strndup(s, whole_len);
    uint64_t n;
    int power, r = str_to_u64(whole, INT64_MAX, &n);

    if (r < 0)
        return r;
    if (*rest == '.') {
        rest++;
        fraction_len = strspn(rest, "0123456789");
        if (fraction_len == 0)
            return -EINVAL;
        for (size_t i = 0; i < MIN(fraction_len, (size_t)15); i++, scale *= 10)
            fraction = fraction * 10 + (unsigned)(rest[i] - '0');
        rest += fraction_len;
    }
    power = parse_unit(rest + (*rest == ' '));
    if (power < 0 || (*rest == ' ' && !rest[1]))
        return -EINVAL;
    bytes = ((unsigned __int128)n << (10 * power)) + (fraction << (10 * power)) / scale;
    if (bytes > INT64_MAX)
        return -ERANGE;
    *ret_bytes = (uint64_t)bytes;
    return 0;
}

char *units_rfc3339(int64_t unix_ns)
{
    int64_t ns = unix_ns % NS_PER_S;
    time_t s = (time_t)(unix_ns / NS_PER_S);
    struct tm tm;

    if (ns < 0) {
        ns += NS_PER_S;
        s--;
    }
    gmtime_r(&s, &tm);
    return alloc_printf("%04d-%02d-%02dT%02d:%02d:%02d.%09ldZ", tm.tm_year + 1900, tm.tm_mon + 1,
                        tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec, (long)ns);
}

/* Exactly `width` digits at *s, between min and max; moves *s behind them. */
static int parse_field(const char **s, int width, int min, int max, int *ret)
{
    int n = 0;

    for (int i = 0; i < width; i++, (*s)++) {
        if (**s < '0' || **s > '9')
            return -EINVAL;
        n = n * 10 + (**s - '0');
    }
    if (n < min || n > max)
        return -EINVAL;
    *ret = n;
    return 0;
}

static int expect_char(const char **s, const char *any_of)
{
    if (!**s || !strchr(any_of, **s))
        return -EINVAL;
    (*s)++;
    return 0;
}

static int days_in_month(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool is_leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

    return month == 2 && is_leap ? 29 : days[month - 1];
}

static int parse_fraction(const char **s, int64_t *ret_ns)
{
    int64_t ns = 0, digit = NS_PER_S / 10;

    if (**s == '.') {
        (*s)++;
        if (**s < '0' || **s > '9')
            return -EINVAL;
        for (; **s >= '0' && **s <= '9'; (*s)++, digit /= 10)
            ns += (**s - '0') * digit;
    }
    *ret_ns = ns;
    return 0;
}

static int parse_zone(const char **s, int *ret_seconds)
{
    int sign = **s == '-' ? -1 : 1, hours, minutes;

    *ret_seconds = 0;
    if (expect_char(s, "Zz") == 0)
        return 0;
    if (expect_char(s, "+-") < 0 || parse_field(s, 2, 0, 23, &hours) < 0 ||
        expect_char(s, ":") < 0 || parse_field(s, 2, 0, 59, &minutes) < 0)
        return -EINVAL;
    *ret_seconds = sign * (hours * 3600 + minutes * 60);
    return 0;
}

int units_rfc3339_parse(const char *s, int64_t *ret_unix_ns)
{
    struct tm tm = {0};
    int year, month, zone;
    int64_t ns, at;

    if (parse_field(&s, 4, 0, 9999, &year) < 0 || expect_char(&s, "-") < 0 ||
        parse_field(&s, 2, 1, 12, &month) < 0 || expect_char(&s, "-") < 0 ||
        parse_field(&s, 2, 1, days_in_month(year, month), &tm.tm_mday) < 0 ||
        expect_char(&s, "Tt ") < 0 || parse_field(&s, 2, 0, 23, &tm.tm_hour) < 0 ||
        expect_char(&s, ":") < 0 || parse_field(&s, 2, 0, 59, &tm.tm_min) < 0 ||
        expect_char(&s, ":") < 0 || parse_field(&s, 2, 0, 60, &tm.tm_sec) < 0 ||
        parse_fraction(&s, &ns) < 0 || parse_zone(&s, &zone) < 0 || *s)
        return -EINVAL;
    tm.tm_year = year - 1900;
    tm.tm_mon = month - 1;
    if (__builtin_mul_overflow((int64_t)timegm(&tm) - zone, NS_PER_S, &at) ||
        __builtin_add_overflow(at, ns, &at))
        return -ERANGE;
    *ret_unix_ns = at;
    return 0;
}

int64_t units_now_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_REALTIME, &t);
    return (int64_t)t.tv_sec * NS_PER_S + t.tv_nsec;
}

uint64_t units_monotonic_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * NS_PER_S + (uint64_t)t.tv_nsec;
}
