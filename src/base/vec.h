/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * VEC(T): a growable array. Zeroed is empty. Invariant: len <= cap, items valid for [0, len).
 * vec_done() frees the array, not what its items own: do that first with VEC_FOREACH.
 */
#include <stdlib.h>

#include "base/alloc.h"

#define VEC(T)                                                                                     \
    struct {                                                                                       \
        T *items;                                                                                  \
        size_t len;                                                                                \
        size_t cap;                                                                                \
    }

#define vec_push(v, item)                                                                          \
    do {                                                                                           \
        if ((v)->len == (v)->cap) {                                                                \
            (v)->cap = (v)->cap ? (v)->cap * 2 : 4;                                                \
            (v)->items = alloc_grow((v)->items, (v)->cap, sizeof(*(v)->items));                    \
        }                                                                                          \
        (v)->items[(v)->len++] = (item);                                                           \
    } while (0)

#define vec_done(v)                                                                                \
    do {                                                                                           \
        free((v)->items);                                                                          \
        (v)->items = NULL;                                                                         \
        (v)->len = (v)->cap = 0;                                                                   \
    } while (0)

#define VEC_FOREACH(it, v)                                                                         \
    for (typeof(*(v)->items) *it = (v)->items; it && it < (v)->items + (v)->len; it++)
