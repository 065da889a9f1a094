/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/utf8.h"

#include <string.h>

/* By the first byte: length, bits of the rune that it holds, smallest rune that may use it. */
static const struct {
    unsigned char mask;
    unsigned char match;
    uint32_t smallest;
} forms[] = {
    {0x80, 0x00, 0},
    {0xe0, 0xc0, 0x80},
    {0xf0, 0xe0, 0x800},
    {0xf8, 0xf0, 0x10000},
};

size_t utf8_next(const char *s, size_t n, uint32_t *ret_rune)
{
    const unsigned char *p = (const unsigned char *)s;
    size_t len = 0;
    uint32_t rune;

    if (n == 0)
        return 0;
    while (len < ARRAY_LEN(forms) && (p[0] & forms[len].mask) != forms[len].match)
        len++;
    if (len == ARRAY_LEN(forms) || len >= n)
        return 0;
    rune = p[0] & (unsigned char)~forms[len].mask;
    for (size_t i = 1; i <= len; i++) {
        if ((p[i] & 0xc0) != 0x80)
            return 0;
        rune = rune << 6 | (p[i] & 0x3f);
    }
    if (rune < forms[len].smallest || (rune >= 0xd800 && rune <= 0xdfff) || rune > 0x10ffff)
        return 0;
    *ret_rune = rune;
    return len + 1;
}

size_t utf8_put(uint32_t rune, char ret[static 4])
{
    size_t len = 0;

    if (rune > 0x10ffff || (rune >= 0xd800 && rune <= 0xdfff))
        return 0;
    while (len + 1 < ARRAY_LEN(forms) && rune >= forms[len + 1].smallest)
        len++;
    for (size_t i = len; i > 0; i--, rune >>= 6)
        ret[i] = (char)(0x80 | (rune & 0x3f));
    ret[0] = (char)(forms[len].match | rune);
    return len + 1;
}

bool utf8_is_valid(const char *s, size_t n)
{
    uint32_t rune;

    while (n > 0) {
        size_t k = utf8_next(s, n, &rune);

        if (k == 0)
            return false;
        s += k;
        n -= k;
    }
    return true;
}

size_t utf8_count(const char *s)
{
    size_t n = strlen(s), count = 0;
    uint32_t rune;

    for (; n > 0; count++) {
        size_t k = utf8_next(s, n, &rune);

        k = k ? k : 1;
        s += k;
        n -= k;
    }
    return count;
}
