/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * Shared by json*.c and the templates only.
 */
#include "base/json.h"

/* What every VEC(T) looks like. */
struct json_vec {
    void *items;
    size_t len;
    size_t cap;
};

#define JSON_DOUBLE_TEXT_MAX 40

struct json_vec json_vec_load(const void *p);
void json_free_field(const struct json_field *f, void *p);
/* The shortest text that reads back as the same number. */
void json_double_text(double d, char ret[static JSON_DOUBLE_TEXT_MAX]);
