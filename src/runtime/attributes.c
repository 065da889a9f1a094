/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * How the kernel is to treat the process: its CPU and I/O priority, the memory it gets, what it is
 * told about the machine; for an exec also the CPUs that it may run on.
 *
 * All of it is set before READY, so that what cannot be set fails the creation: a real-time policy
 * without CAP_SYS_NICE, a deadline that is not admitted. The names are the specification's; each
 * table has the kernel's number beside it.
 *
 * execCPUAffinity.initial counts from before the process moves to the container's group: the parent
 * takes it for the time of the clone (launch.c). `final` is set after the move.
 */
#include <errno.h>
#include <linux/ioprio.h>
#include <linux/mempolicy.h>
#include <sched.h>
#include <string.h>
#include <sys/personality.h>

#include "base/str.h"
#include "base/strv.h"
#include "runtime/features_private.h"
#include "runtime/init.h"

struct word {
    const char *name;
    uint64_t value;
};

static const struct word policies[] = {
    {"SCHED_OTHER", SCHED_OTHER}, {"SCHED_BATCH", SCHED_BATCH}, {"SCHED_FIFO", SCHED_FIFO},
    {"SCHED_RR", SCHED_RR},       {"SCHED_IDLE", SCHED_IDLE},   {"SCHED_ISO", 4},
    {"SCHED_DEADLINE", 6},
};
static const struct word scheduler_flags[] = {
    /* linux/sched.h, which <sched.h> excludes */
    {"SCHED_FLAG_RESET_ON_FORK", 0x01},  {"SCHED_FLAG_RECLAIM", 0x02},
    {"SCHED_FLAG_DL_OVERRUN", 0x04},     {"SCHED_FLAG_KEEP_POLICY", 0x08},
    {"SCHED_FLAG_KEEP_PARAMS", 0x10},    {"SCHED_FLAG_UTIL_CLAMP_MIN", 0x20},
    {"SCHED_FLAG_UTIL_CLAMP_MAX", 0x40},
};
static const struct word io_classes[] = {
    {"IOPRIO_CLASS_RT", IOPRIO_CLASS_RT},
    {"IOPRIO_CLASS_BE", IOPRIO_CLASS_BE},
    {"IOPRIO_CLASS_IDLE", IOPRIO_CLASS_IDLE},
};
static const struct word memory_modes[] = {
    {"MPOL_DEFAULT", MPOL_DEFAULT},       {"MPOL_BIND", MPOL_BIND},
    {"MPOL_INTERLEAVE", MPOL_INTERLEAVE}, {"MPOL_WEIGHTED_INTERLEAVE", 6}, /* since Linux 6.9 */
    {"MPOL_PREFERRED", MPOL_PREFERRED},   {"MPOL_PREFERRED_MANY", MPOL_PREFERRED_MANY},
    {"MPOL_LOCAL", MPOL_LOCAL},
};
static const struct word memory_flags[] = {
    {"MPOL_F_NUMA_BALANCING", MPOL_F_NUMA_BALANCING},
    {"MPOL_F_RELATIVE_NODES", MPOL_F_RELATIVE_NODES},
    {"MPOL_F_STATIC_NODES", MPOL_F_STATIC_NODES},
};
static const struct word domains[] = {{"LINUX", PER_LINUX}, {"LINUX32", PER_LINUX32}};

#define FIND(words, name, field, ret, e) find(words, ARRAY_LEN(words), name, field, ret, e)
static int find(const struct word *words, size_t n, const char *name, const char *field,
                uint64_t *ret, struct err *e)
{
    for (size_t i = 0; i < n; i++) {
        if (str_equal(words[i].name, name)) {
            *ret = words[i].value;
            return 0;
        }
    }
    return err_set(e, ERR_INVALID, "%s: unknown value '%.64s'", field, name ? name : "");
}

#define ADD_FLAGS(words, names, field, inout, e)                                                   \
    add_flags(words, ARRAY_LEN(words), names, field, inout, e)
static int add_flags(const struct word *words, size_t n, char *const *names, const char *field,
                     uint64_t *inout, struct err *e)
{
    STRV_FOREACH (name, names) {
        uint64_t flag;

        if (find(words, n, *name, field, &flag, e) < 0)
            return -1;
        *inout |= flag;
    }
    return 0;
}

/* ---- sets ---- */

static bool take_number(const char **inout, uint64_t *ret)
{
    size_t n = strspn(*inout, "0123456789");
    auto_free char *digits = alloc_strndup(*inout, n);

    *inout += n;
    return n > 0 && str_to_u64(digits, SYS_MASK_BITS - 1, ret) == 0;
}

/* As in cpuset(7): "0-3,7". */
static int parse_list(const char *list, const char *field, struct sys_mask *ret, struct err *e)
{
    const char *s = list;

    for (;;) {
        uint64_t first, last;

        if (!take_number(&s, &first))
            break;
        last = first;
        if (*s == '-' && (s++, !take_number(&s, &last) || last < first))
            break;
        for (uint64_t i = first; i <= last; i++)
            ret->words[i / 64] |= 1ull << (i % 64);
        if (!*s)
            return 0;
        if (*s++ != ',')
            break;
    }
    return err_set(e, ERR_INVALID, "%s: '%.64s' is not a list like '0-3,7' of numbers below %d",
                   field, list, SYS_MASK_BITS);
}

/* ---- scheduler ---- */

static int step_scheduler(struct init *init, const void *arg, struct err *e)
{
    const struct plan_process *pp = init->process;
    const struct oci_resources *resources = pp->linux ? pp->linux->resources : NULL;
    int r = sys_set_scheduling(arg);

    /* sched_setattr(2): a deadline must be able to run on all CPUs. The words are runc's. */
    if (r == -EPERM && resources && resources->cpu && resources->cpu->cpus && *resources->cpu->cpus)
        return err_set(e, ERR_DENIED,
                       "process.scheduler: process scheduler can't be used together with "
                       "AllowedCPUs");
    return r < 0 ? err_sys(e, r, "process.scheduler: set '%s'", pp->process->scheduler->policy) : 0;
}

static int plan_scheduler(struct runtime_plan *p, const struct oci_scheduler *s, struct err *e)
{
    struct sys_scheduling *how = plan_alloc(p, sizeof(*how));
    uint64_t policy = 0;

    if (FIND(policies, s->policy, "process.scheduler.policy", &policy, e) < 0 ||
        ADD_FLAGS(scheduler_flags, s->flags, "process.scheduler.flags", &how->flags, e) < 0)
        return -1;
    how->policy = (uint32_t)policy;
    how->nice = s->nice;
    how->priority = (uint32_t)s->priority;
    how->runtime = s->runtime;
    how->deadline = s->deadline;
    how->period = s->period;
    plan_add(p, "scheduler", step_scheduler, how, "%s", s->policy);
    return 0;
}

/* ---- I/O ---- */

struct io_step {
    int class, level;
};

static int step_io_priority(struct init *init, const void *arg, struct err *e)
{
    const struct io_step *s = arg;
    int r = sys_set_io_priority(s->class, s->level);

    return r < 0 ? err_sys(e, r, "process.ioPriority: set '%s' %d",
                           init->process->process->io_priority->class, s->level)
                 : 0;
}

static int plan_io_priority(struct runtime_plan *p, const struct oci_io_priority *io, struct err *e)
{
    struct io_step *s = plan_alloc(p, sizeof(*s));
    uint64_t class = 0;

    if (FIND(io_classes, io->class, "process.ioPriority.class", &class, e) < 0)
        return -1;
    if (io->priority < 0 || io->priority > 7)
        return err_set(e, ERR_INVALID, "process.ioPriority.priority: %d is not within 0..7",
                       io->priority);
    *s = (struct io_step){.class = (int)class, .level = io->priority};
    plan_add(p, "I/O priority", step_io_priority, s, "%s %d", io->class, io->priority);
    return 0;
}

/* ---- memory ---- */

struct memory_step {
    const char *mode_name;
    int mode;
    struct sys_mask nodes;
};

static int step_memory_policy(struct init *init, const void *arg, struct err *e)
{
    const struct memory_step *s = arg;
    int r = sys_set_memory_policy(s->mode, &s->nodes);

    (void)init;
    return r < 0 ? err_sys(e, r, "linux.memoryPolicy: set '%s'", s->mode_name) : 0;
}

static int plan_memory_policy(struct runtime_plan *p, const struct oci_memory_policy *m,
                              struct err *e)
{
    struct memory_step *s = plan_alloc(p, sizeof(*s));
    bool has_nodes = m->nodes && *m->nodes;
    uint64_t mode = 0;

    if (FIND(memory_modes, m->mode, "linux.memoryPolicy.mode", &mode, e) < 0 ||
        ADD_FLAGS(memory_flags, m->flags, "linux.memoryPolicy.flags", &mode, e) < 0 ||
        (has_nodes && parse_list(m->nodes, "linux.memoryPolicy.nodes", &s->nodes, e) < 0))
        return -1;
    s->mode_name = m->mode;
    s->mode = (int)mode;
    plan_add(p, "memory policy", step_memory_policy, s, "%s %s", m->mode,
             has_nodes ? m->nodes : "");
    return 0;
}

/* ---- personality ---- */

static int step_personality(struct init *init, const void *arg, struct err *e)
{
    int r = sys_set_personality((unsigned long)*(const uint64_t *)arg);

    (void)init;
    return r < 0 ? err_sys(e, r, "linux.personality: set the domain") : 0;
}

static int plan_personality(struct runtime_plan *p, const struct oci_personality *wanted,
                            struct err *e)
{
    uint64_t *persona = plan_alloc(p, sizeof(*persona));

    if (FIND(domains, wanted->domain, "linux.personality.domain", persona, e) < 0)
        return -1;
    if (wanted->flags && wanted->flags[0])
        return err_set(e, ERR_INVALID, "linux.personality.flags: unknown value '%.64s'",
                       wanted->flags[0]);
    plan_add(p, "personality", step_personality, persona, "%s", wanted->domain);
    return 0;
}

/* ---- CPUs of an exec ---- */

static int step_affinity(struct init *init, const void *arg, struct err *e)
{
    int r = sys_set_affinity(arg);

    return r < 0 ? err_sys(e, r, "process.execCPUAffinity.final: run on CPUs '%s'",
                           init->process->process->exec_cpu_affinity->final)
                 : 0;
}

static int plan_affinity(struct runtime_plan *p, const struct oci_cpu_affinity *a, struct err *e)
{
    struct plan_process *pp = &p->process;
    struct sys_mask *final;

    pp->has_initial_cpus = a->initial && *a->initial;
    if (pp->has_initial_cpus &&
        parse_list(a->initial, "process.execCPUAffinity.initial", &pp->initial_cpus, e) < 0)
        return -1;
    if (!a->final || !*a->final)
        return 0;
    final = plan_alloc(p, sizeof(*final));
    if (parse_list(a->final, "process.execCPUAffinity.final", final, e) < 0)
        return -1;
    plan_add(p, "CPU affinity", step_affinity, final, "%s", a->final);
    return 0;
}

int attributes_plan(struct runtime_plan *p, struct err *e)
{
    const struct oci_process *process = p->process.process;
    const struct oci_linux *linux = p->process.linux;

    if (p->kind == PLAN_EXEC && process->exec_cpu_affinity &&
        plan_affinity(p, process->exec_cpu_affinity, e) < 0)
        return -1;
    if ((process->scheduler && plan_scheduler(p, process->scheduler, e) < 0) ||
        (process->io_priority && plan_io_priority(p, process->io_priority, e) < 0) ||
        (linux && linux->personality && plan_personality(p, linux->personality, e) < 0) ||
        (linux && linux->memory_policy && plan_memory_policy(p, linux->memory_policy, e) < 0))
        return -1;
    return 0;
}

const char *attributes_memory_mode(size_t i)
{
    return i < ARRAY_LEN(memory_modes) ? memory_modes[i].name : NULL;
}

const char *attributes_memory_flag(size_t i)
{
    return i < ARRAY_LEN(memory_flags) ? memory_flags[i].name : NULL;
}
