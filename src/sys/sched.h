/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * How the kernel treats the calling process beside others: CPU and I/O priority, memory of which
 * node, which CPUs, what uname(2) says. Inherited by children and kept over execve. Every function
 * returns 0 or -errno and passes a fault point.
 */
#include <sys/types.h>

#include "base/def.h"

struct sys_scheduling { /* sched_setattr(2) */
    uint32_t policy;
    uint64_t flags; /* SCHED_FLAG_* */
    int32_t nice;
    uint32_t priority;
    uint64_t runtime, deadline, period; /* nanoseconds */
};
int sys_set_scheduling(const struct sys_scheduling *s);
int sys_set_io_priority(int class, int level); /* of the process group; ioprio_set(2) */
int sys_set_personality(unsigned long persona);

/* Sets of CPUs and memory nodes: bit i of the mask's word i / 64. */
#define SYS_MASK_BITS  1024
#define SYS_MASK_WORDS (SYS_MASK_BITS / 64)
struct sys_mask {
    uint64_t words[SYS_MASK_WORDS];
};
int sys_set_memory_policy(int mode, const struct sys_mask *nodes); /* mode: MPOL_* | MPOL_F_* */
int sys_get_affinity(struct sys_mask *ret);
int sys_set_affinity(const struct sys_mask *cpus);
