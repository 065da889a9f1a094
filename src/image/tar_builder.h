/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * For tests only: tar archives in memory, well formed or not.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/def.h"
#include "base/str.h"

#define TAR_BUILDER_MAX (64u << 20)

struct tar_builder_entry {
    char type;
    const char *name, *link;
    const char *data; /* its length is the size, unless raw_size is set */
    unsigned mode, uid, gid;
    int64_t mtime;
    const char *raw_size; /* 12 bytes for the field */
    unsigned major, minor;
    bool wrong_checksum;
};

static inline void tar_builder_octal(char *field, size_t n, uint64_t v)
{
    for (field[--n] = 0; n > 0; v >>= 3)
        field[--n] = (char)('0' + (v & 7));
}

static inline void tar_builder_pad(struct str *t)
{
    static const char zeros[512];

    if (t->len % 512)
        str_add_bytes(t, zeros, 512 - t->len % 512);
}

static inline void tar_builder_add_n(struct str *t, const struct tar_builder_entry *x, size_t n)
{
    char b[512] = {0};
    unsigned sum = 0;

    memcpy(b, x->name, MIN(strlen(x->name), (size_t)100));
    tar_builder_octal(b + 100, 8, x->mode ? x->mode : x->type == '5' ? 0755 : 0644);
    tar_builder_octal(b + 108, 8, x->uid);
    tar_builder_octal(b + 116, 8, x->gid);
    if (x->raw_size)
        memcpy(b + 124, x->raw_size, 12);
    else
        tar_builder_octal(b + 124, 12, n);
    tar_builder_octal(b + 136, 12, (uint64_t)x->mtime);
    b[156] = x->type;
    if (x->link)
        memcpy(b + 157, x->link, MIN(strlen(x->link), (size_t)100));
    memcpy(b + 257, "ustar\00000", 8);
    tar_builder_octal(b + 329, 8, x->major);
    tar_builder_octal(b + 337, 8, x->minor);
    memset(b + 148, ' ', 8);
    for (size_t i = 0; i < sizeof(b); i++)
        sum += (unsigned char)b[i];
    snprintf(b + 148, 8, "%06o", sum + x->wrong_checksum);
    str_add_bytes(t, b, sizeof(b));
    if (x->data)
        str_add_bytes(t, x->data, n);
    tar_builder_pad(t);
}

static inline void tar_builder_add(struct str *t, const struct tar_builder_entry *x)
{
    tar_builder_add_n(t, x, x->data ? strlen(x->data) : 0);
}

static inline void tar_builder_record(struct str *to, const char *key, const char *value, size_t n)
{
    size_t body = strlen(key) + n + 3, len = body + 1;
    char digits[24];

    while ((size_t)snprintf(digits, sizeof(digits), "%zu", len) + body != len)
        len++;
    str_addf(to, "%zu %s=", len, key);
    str_add_bytes(to, value, n);
    str_add(to, "\n");
}

/* A PAX header with one record, before the entry that it describes. */
static inline void tar_builder_pax(struct str *t, const char *key, const char *value, size_t n)
{
    struct str body = STR_INIT(TAR_BUILDER_MAX);
    struct tar_builder_entry x = {.type = 'x', .name = "pax"};

    tar_builder_record(&body, key, value, n);
    x.data = body.s;
    tar_builder_add_n(t, &x, body.len);
    str_done(&body);
}

static inline void tar_builder_end(struct str *t)
{
    static const char zeros[1024];

    str_add_bytes(t, zeros, sizeof(zeros));
}
