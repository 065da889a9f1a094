/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * Enum <-> string tables. One line makes both functions from a const array of names indexed by the
 * enum: static const char *const state_names[] = {[CTR_CREATED] = "created", ...};
 *     DEFINE_NAMES(ctr_state, state_names)   ->  const char *ctr_state_name(enum ctr_state);  NULL
 * when out of range int ctr_state_parse(const char *, enum ctr_state *ret);  0 or -EINVAL
 */
#include <errno.h>
#include <string.h>

#include "base/def.h"

#define DECLARE_NAMES(type)                                                                        \
    const char *type##_name(enum type value);                                                      \
    int type##_parse(const char *s, enum type *ret)

#define DEFINE_NAMES(type, table)                                                                  \
    const char *type##_name(enum type value)                                                       \
    {                                                                                              \
        return (size_t)value < ARRAY_LEN(table) ? (table)[value] : NULL;                           \
    }                                                                                              \
    int type##_parse(const char *s, enum type *ret)                                                \
    {                                                                                              \
        for (size_t i = 0; i < ARRAY_LEN(table); i++) {                                            \
            if ((table)[i] && strcmp((table)[i], s) == 0) {                                        \
                *ret = (enum type)i;                                                               \
                return 0;                                                                          \
            }                                                                                      \
        }                                                                                          \
        return -EINVAL;                                                                            \
    }
