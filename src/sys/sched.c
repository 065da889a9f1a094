/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sys/sched.h"

#include <errno.h>
#include <sys/personality.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fault.h"

static int result(long r)
{
    return r < 0 ? -errno : 0;
}

/* The kernel's struct sched_attr in its first version, which every kernel takes. */
struct attributes {
    uint32_t size;
    uint32_t policy;
    uint64_t flags;
    int32_t nice;
    uint32_t priority;
    uint64_t runtime, deadline, period;
};
_Static_assert(sizeof(struct attributes) == 48, "SCHED_ATTR_SIZE_VER0");

int sys_set_scheduling(const struct sys_scheduling *s)
{
    struct attributes a = {.size = sizeof(a),
                           .policy = s->policy,
                           .flags = s->flags,
                           .nice = s->nice,
                           .priority = s->priority,
                           .runtime = s->runtime,
                           .deadline = s->deadline,
                           .period = s->period};

    FAULT_POINT("sched_setattr");
    return result(syscall(SYS_sched_setattr, 0, &a, 0));
}

int sys_set_io_priority(int class, int level)
{
    enum { WHO_GROUP = 2, CLASS_SHIFT = 13 };

    FAULT_POINT("ioprio_set");
    return result(syscall(SYS_ioprio_set, WHO_GROUP, 0, class << CLASS_SHIFT | level));
}

int sys_set_personality(unsigned long persona)
{
    FAULT_POINT("personality");
    return result(personality(persona));
}

int sys_set_memory_policy(int mode, const struct sys_mask *nodes)
{
    FAULT_POINT("set_mempolicy");
    /* The kernel takes one bit less than it is told. */
    return result(syscall(SYS_set_mempolicy, mode, nodes->words, SYS_MASK_BITS + 1));
}

int sys_get_affinity(struct sys_mask *ret)
{
    FAULT_POINT("sched_getaffinity");
    *ret = (struct sys_mask){0};
    return result(syscall(SYS_sched_getaffinity, 0, sizeof(ret->words), ret->words));
}

int sys_set_affinity(const struct sys_mask *cpus)
{
    FAULT_POINT("sched_setaffinity");
    return result(syscall(SYS_sched_setaffinity, 0, sizeof(cpus->words), cpus->words));
}
