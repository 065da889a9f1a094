/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Three notations of a moment, told apart by their first wrong character: each parser takes the
 * whole text or nothing.
 */
#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "base/units.h"
#include "cli/when.h"

#define NS_PER_S INT64_C(1000000000)

/* "123" or "123.25" at *s in units of `unit` ns; moves *s behind it. */
static int parse_decimal(const char **s, int64_t unit, int64_t *ret)
{
    int64_t value = 0;
    int64_t scale = unit;
    const char *p = *s;
    if (!isdigit((unsigned char)*p))
        return -EINVAL;
    for (; isdigit((unsigned char)*p); p++) {
        if (__builtin_mul_overflow(value, 10, &value) ||
            __builtin_add_overflow(value, *p - '0', &value))
            return -EINVAL;
    }
    if (__builtin_mul_overflow(value, unit, &value))
        return -EINVAL;
    if (*p == '.') {
        for (p++; isdigit((unsigned char)*p); p++) {
            scale /= 10;
            value += (*p - '0') * scale;
        }
    }
    *s = p;
    *ret = value;
    return 0;
}

static int parse_epoch(const char *s, int64_t *ret)
{
    int64_t ns;
    if (parse_decimal(&s, NS_PER_S, &ns) < 0 || *s)
        return -EINVAL;
    *ret = ns;
    return 0;
}

/* Go's durations. */
static int parse_duration(const char *s, int64_t *ret)
{
    static const struct {
        const char *name;
        int64_t ns;
    } units[] = {{"ns", 1},
                 {"us", 1000},
                 {"ms", 1000000},
                 {"h", 3600 * NS_PER_S},
                 {"m", 60 * NS_PER_S},
                 {"s", NS_PER_S}};
    int64_t total = 0;
    if (!*s)
        return -EINVAL;
    while (*s) {
        int64_t part;
        size_t i = 0;
        const char *unit = s + strspn(s, "0123456789.");
        while (i < ARRAY_LEN(units) && !str_starts_with(unit, units[i].name))
            i++;
        if (i == ARRAY_LEN(units) || parse_decimal(&s, units[i].ns, &part) < 0 || s != unit ||
            __builtin_add_overflow(total, part, &total))
            return -EINVAL;
        s += strlen(units[i].name);
    }
    *ret = total;
    return 0;
}

/* Without an offset: the caller's time zone. */
static int parse_local(const char *s, int64_t *ret)
{
    static const char *const formats[] = {"%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H",
                                          "%Y-%m-%d", "%Y-%m-%d %H:%M:%S"};
    for (size_t i = 0; i < ARRAY_LEN(formats); i++) {
        struct tm tm = {.tm_isdst = -1};
        const char *end = strptime(s, formats[i], &tm);
        if (!end || *end)
            continue;
        *ret = (int64_t)mktime(&tm) * NS_PER_S;
        return 0;
    }
    return -EINVAL;
}

int when_parse(const char *s, int64_t now_ns, int64_t *ret_ns)
{
    int64_t ns;
    if (units_rfc3339_parse(s, &ns) == 0 || parse_local(s, &ns) == 0 || parse_epoch(s, &ns) == 0) {
        *ret_ns = ns;
        return 0;
    }
    if (parse_duration(s, &ns) == 0) {
        *ret_ns = now_ns - ns;
        return 0;
    }
    return -EINVAL;
}
