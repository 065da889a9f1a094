/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * UTF-8, strictly as RFC 3629 has it: no overlong forms, no surrogates, nothing above U+10FFFF.
 */
#include "base/def.h"

#define UTF8_REPLACEMENT "\xef\xbf\xbd" /* U+FFFD */

/* Decodes the first character of `n` bytes: its length (1 to 4), or 0 when n is 0 or the bytes are
 * malformed; a caller skips one byte then. */
size_t utf8_next(const char *s, size_t n, uint32_t *ret_rune);
/* Writes the character's bytes: their number, or 0 when there is no such character. */
size_t utf8_put(uint32_t rune, char ret[static 4]);
bool utf8_is_valid(const char *s, size_t n);
size_t utf8_count(const char *s); /* characters; a malformed byte counts as one */
