/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * Classic BPF out of ranges of system call numbers (emit.c): what compile.c makes of a profile.
 */
#include <linux/filter.h>

#include "base/def.h"
#include "base/vec.h"

enum comparison { CMP_EQ, CMP_GE, CMP_GT, CMP_LE, CMP_LT, CMP_MASKED_EQ, CMP_NE };

struct condition {
    unsigned arg;
    enum comparison op;
    uint64_t value;
    uint64_t mask; /* CMP_MASKED_EQ */
};

/* One alternative of a rule: all conditions hold, then the action. */
struct clause {
    struct condition conditions[6];
    unsigned n;
    uint32_t action; /* SECCOMP_RET_* */
};

/* The clauses of a call, from the last to the first: positions in a vector of links, 0 is the end.
 */
struct link {
    uint32_t clause;
    uint32_t before;
};

/* The numbers from `start` to the next range: the first clause that fits, else the action. A range
 * with clauses is one number. */
struct range {
    uint32_t start;
    uint32_t action;
    uint32_t last_link;
    bool is_64bit; /* arguments */
};

struct emitter {
    VEC(struct sock_filter) code; /* backwards: the end of the program first */
    VEC(size_t) returns;          /* where each action was returned last */
    const struct clause *clauses;
    const struct link *links;
};

/* Each returns where its code begins, which is what others jump to. Ranges are sorted, the first
 * begins at or below every number. */
size_t emit_return(struct emitter *em, uint32_t action);
size_t emit_ranges(struct emitter *em, const struct range *ranges, size_t n);
size_t emit_if_equal(struct emitter *em, uint32_t value, size_t then, size_t otherwise);
size_t emit_load(struct emitter *em, size_t offset, size_t next); /* a word of seccomp_data */
/* The program, owned; the emitter is left empty. */
struct sock_filter *emit_take(struct emitter *em, size_t *ret_n);
void emit_done(struct emitter *em);
