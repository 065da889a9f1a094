/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * The few macros that every file uses: attributes, ownership of locals, arrays.
 *
 * An owned local is declared with its destructor and initialised:
 *     auto_free char *name = NULL;
 *     auto_fd int fd = FD_NONE;
 * and ownership leaves the function by take_ptr(&name) or take_fd(&fd) (base/fd.h).
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DHOW_MUST_USE     __attribute__((warn_unused_result))
#define DHOW_PRINTF(a, b) __attribute__((format(printf, a, b)))
#define DHOW_NORETURN     __attribute__((noreturn))
#define DHOW_UNUSED       __attribute__((unused))
#define DHOW_CLEANUP(fn)  __attribute__((cleanup(fn)))

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

#define MIN(a, b)                                                                                  \
    ({                                                                                             \
        typeof(a) min_a = (a);                                                                     \
        typeof(b) min_b = (b);                                                                     \
        min_a < min_b ? min_a : min_b;                                                             \
    })
#define MAX(a, b)                                                                                  \
    ({                                                                                             \
        typeof(a) max_a = (a);                                                                     \
        typeof(b) max_b = (b);                                                                     \
        max_a > max_b ? max_a : max_b;                                                             \
    })

/* Moves a pointer out of its variable, which becomes NULL. */
#define take_ptr(p)                                                                                \
    ({                                                                                             \
        typeof(p) take_from = (p);                                                                 \
        typeof(*take_from) take_value = *take_from;                                                \
        *take_from = NULL;                                                                         \
        take_value;                                                                                \
    })

/* Defines NAME_auto(T **) that calls `done` on a pointer local, for use as DHOW_CLEANUP(NAME_auto).
 */
#define DEFINE_AUTO_PTR(type, name, done)                                                          \
    static inline void name##_auto(type **p)                                                       \
    {                                                                                              \
        if (*p)                                                                                    \
            done(*p);                                                                              \
    }                                                                                              \
    struct name##_auto_needs_semicolon

void def_free_pointer(void *p); /* `p` is the address of a pointer; frees what it points to */
#define auto_free DHOW_CLEANUP(def_free_pointer)
