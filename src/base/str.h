/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * A growable string that cannot exist without a maximum.
 *
 * Invariants: s is NUL-terminated once anything was added (or NULL); len excludes the NUL; a text
 * that would pass `max` is dropped and `too_big` stays set, so that a builder checks once at its
 * end. Zeroed is empty with max 0: always begin with STR_INIT(max).
 */
#include "base/def.h"

#include <stdarg.h>

struct str {
    char *s;
    size_t len;
    size_t cap;
    size_t max;
    bool too_big;
};

#define STR_INIT(max_bytes) ((struct str){.max = (max_bytes)})
#define auto_str            DHOW_CLEANUP(str_done) struct str

void str_done(struct str *s);
void str_add(struct str *s, const char *text);
void str_add_bytes(struct str *s, const void *p, size_t n);
void str_add_char(struct str *s, char c);
void str_addf(struct str *s, const char *fmt, ...) DHOW_PRINTF(2, 3);
void str_vaddf(struct str *s, const char *fmt, va_list ap) DHOW_PRINTF(2, 0);
void str_truncate(struct str *s, size_t len);
const char *str_text(const struct str *s);   /* never NULL; borrowed until the next change */
char *str_take(struct str *s) DHOW_MUST_USE; /* owned by the caller; never NULL; s becomes empty */

/* Plain helpers on C strings. */
bool str_starts_with(const char *s, const char *prefix);
bool str_ends_with(const char *s, const char *suffix);
bool str_equal(const char *a, const char *b); /* NULL equals NULL only */
/* Whole-string decimal numbers without sign, blanks or leading '+': 0, or -EINVAL, or -ERANGE above
 * max. */
int str_to_u64(const char *s, uint64_t max, uint64_t *ret);
int str_to_i64(const char *s, int64_t min, int64_t max, int64_t *ret); /* one leading '-' allowed */
/* Levenshtein distance for "did you mean"; both are cut to 64 bytes. */
unsigned str_distance(const char *a, const char *b);
