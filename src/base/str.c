/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/str.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

void str_done(struct str *s)
{
    free(s->s);
    *s = (struct str){.max = s->max};
}

static bool reserve(struct str *s, size_t more)
{
    size_t want = s->len + more + 1;

    if (s->too_big || want <= more || want - 1 > s->max) {
        s->too_big = true;
        return false;
    }
    if (want > s->cap) {
        size_t cap = MAX(want, MIN(s->cap * 2, s->max + 1));

        s->cap = MAX(cap, (size_t)32);
        s->s = alloc_grow(s->s, s->cap, 1);
    }
    return true;
}

void str_add_bytes(struct str *s, const void *p, size_t n)
{
    if (!reserve(s, n))
        return;
    if (n)
        memcpy(s->s + s->len, p, n);
    s->len += n;
    s->s[s->len] = 0;
}

void str_add(struct str *s, const char *text)
{
    str_add_bytes(s, text, strlen(text));
}

void str_add_char(struct str *s, char c)
{
    str_add_bytes(s, &c, 1);
}

void str_vaddf(struct str *s, const char *fmt, va_list ap)
{
    va_list again;
    int n;

    va_copy(again, ap);
    n = vsnprintf(NULL, 0, fmt, again);
    va_end(again);
    if (n < 0 || !reserve(s, (size_t)n)) {
        s->too_big = true;
        return;
    }
    vsnprintf(s->s + s->len, (size_t)n + 1, fmt, ap);
    s->len += (size_t)n;
}

void str_addf(struct str *s, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    str_vaddf(s, fmt, ap);
    va_end(ap);
}

void str_truncate(struct str *s, size_t len)
{
    if (len >= s->len)
        return;
    s->len = len;
    s->s[len] = 0;
}

const char *str_text(const struct str *s)
{
    return s->s ? s->s : "";
}

char *str_take(struct str *s)
{
    char *p = s->s ? s->s : alloc_strdup("");

    *s = (struct str){.max = s->max};
    return p;
}

bool str_starts_with(const char *s, const char *prefix)
{
    return strncmp(s, prefix, strlen(prefix)) == 0;
}

bool str_ends_with(const char *s, const char *suffix)
{
    size_t n = strlen(s), m = strlen(suffix);

    return n >= m && memcmp(s + n - m, suffix, m) == 0;
}

bool str_equal(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

int str_to_u64(const char *s, uint64_t max, uint64_t *ret)
{
    uint64_t v = 0;
    bool is_too_large = false;

    if (!*s)
        return -EINVAL;
    for (; *s; s++) {
        if (*s < '0' || *s > '9')
            return -EINVAL;
        if (__builtin_mul_overflow(v, 10, &v) ||
            __builtin_add_overflow(v, (uint64_t)(*s - '0'), &v))
            is_too_large = true;
    }
    if (is_too_large || v > max)
        return -ERANGE;
    *ret = v;
    return 0;
}

int str_to_i64(const char *s, int64_t min, int64_t max, int64_t *ret)
{
    bool is_negative = *s == '-';
    uint64_t v;
    int64_t n;
    int r = str_to_u64(s + is_negative, (uint64_t)INT64_MAX + is_negative, &v);

    if (r < 0)
        return r;
    n = is_negative ? (int64_t)-v : (int64_t)v;
    if (n < min || n > max)
        return -ERANGE;
    *ret = n;
    return 0;
}

unsigned str_distance(const char *a, const char *b)
{
    size_t n = strnlen(a, 64), m = strnlen(b, 64);
    unsigned row[65];

    for (size_t j = 0; j <= m; j++)
        row[j] = (unsigned)j;
    for (size_t i = 1; i <= n; i++) {
        unsigned diagonal = row[0];

        row[0] = (unsigned)i;
        for (size_t j = 1; j <= m; j++) {
            unsigned above = row[j];
            unsigned best = MIN(row[j - 1], above) + 1;

            row[j] = MIN(best, diagonal + (a[i - 1] != b[j - 1]));
            diagonal = above;
        }
    }
    return row[m];
}
