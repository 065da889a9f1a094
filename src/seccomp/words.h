/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * The words of linux.seccomp: what `dhow-runtime features` lists and compile.c understands. Sorted.
 */
#include <stddef.h>
#include <stdint.h>

#include "base/def.h"

struct words_action {
    const char *name;
    uint32_t action;    /* SECCOMP_RET_* */
    bool has_errno;     /* errnoRet */
    bool is_permissive; /* the call may be made */
};
struct words_flag {
    const char *name;
    unsigned flag; /* SECCOMP_FILTER_FLAG_*, 0: the kernel is not asked for it */
    bool needs_listener;
};

#define WORDS_N_ACTIONS 9
#define WORDS_N_FLAGS   4
#define WORDS_N_OPS     7
extern const struct words_action words_actions[WORDS_N_ACTIONS];
extern const struct words_flag words_flags[WORDS_N_FLAGS];
extern const char *const words_ops[WORDS_N_OPS]; /* by enum comparison */
