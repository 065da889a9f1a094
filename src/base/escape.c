/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/escape.h"

#include "base/str.h"
#include "base/utf8.h"

/* Line and paragraph separators, and what reorders or hides the text around it. */
static bool is_deceiving(uint32_t rune)
{
    return (rune >= 0x80 && rune < 0xa0) || (rune >= 0x200b && rune <= 0x200f) ||
           (rune >= 0x2028 && rune <= 0x202e) || (rune >= 0x2060 && rune <= 0x206f) ||
           rune == 0xfeff;
}

char *escape_terminal(const char *s, size_t n)
{
    auto_str out = STR_INIT(n * 6 + 1); /* \uNNNN is the longest, and stands for 2 bytes or 3 */

    while (n > 0) {
        uint32_t rune = 0;
        size_t k = utf8_next(s, n, &rune);

        if (k == 0 || rune < 0x20 || rune == 0x7f)
            str_addf(&out, "\\x%02x", (unsigned char)*s);
        else if (is_deceiving(rune))
            str_addf(&out, "\\u%04x", (unsigned)rune);
        else
            str_add_bytes(&out, s, k);
        s += k ? k : 1;
        n -= k ? k : 1;
    }
    return str_take(&out);
}
