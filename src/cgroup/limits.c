/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Theory: resources become a list of writes to files of the group, in the order in which the kernel
 * accepts them: memory before memory plus swap, period before quota. Values that mean "not set"
 * give no write. What the other version of cgroups lacks becomes a warning here; what this kernel
 * lacks is seen at the write (cgroup.c).
 *
 * v1 to v2 (runtime-spec, config-linux.md; crun's documentation of the conversions): swap is the
 * sum there and swap alone here, shares 2..262144 map linearly to weights 1..10000.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/strv.h"
#include "cgroup/cgroup_private.h"

#define DEFAULT_PERIOD 100000

char *cgroup_warning(const char *what)
{
    return alloc_printf("your kernel does not support %s capabilities or the cgroup is not "
                        "mounted; limitation discarded",
                        what);
}

void cgroup_writes_done(struct cgroup_writes *w)
{
    VEC_FOREACH (write, &w->list) {
        free(write->file);
        free(write->text);
    }
    vec_done(&w->list);
    strv_free(w->warnings);
    w->warnings = NULL;
}

unsigned cgroup_writes_controllers(const struct cgroup_writes *w)
{
    unsigned bits = 0;

    VEC_FOREACH (write, &w->list)
        bits |= 1u << write->controller;
    return bits;
}

uint64_t cgroup_weight_of_shares(uint64_t shares)
{
    uint64_t in_range = MIN(MAX(shares, UINT64_C(2)), UINT64_C(262144));

    return 1 + (in_range - 2) * 9999 / 262142;
}

/* Takes `text`. */
static void add(struct cgroup_writes *w, enum cgroup_controller controller, const char *file,
                const char *what, char *text)
{
    struct cgroup_write write = {controller, alloc_strdup(file), text, what};

    vec_push(&w->list, write);
}

/* Sizes in bytes: 0 is "not set", negative is unlimited. */
static bool is_size_set(const struct json_opt_i64 *v)
{
    return v->is_set && v->value != 0;
}

static char *size_text(int64_t v, const char *unlimited)
{
    return v < 0 ? alloc_strdup(unlimited) : alloc_printf("%" PRId64, v);
}

static void memory_v1(const struct oci_memory *m, struct cgroup_writes *w)
{
    if (is_size_set(&m->limit))
        add(w, CGROUP_MEMORY, "memory.limit_in_bytes", "memory limit",
            size_text(m->limit.value, "-1"));
    if (is_size_set(&m->swap))
        add(w, CGROUP_MEMORY, "memory.memsw.limit_in_bytes", "swap limit",
            size_text(m->swap.value, "-1"));
    if (is_size_set(&m->reservation))
        add(w, CGROUP_MEMORY, "memory.soft_limit_in_bytes", "memory soft limit",
            size_text(m->reservation.value, "-1"));
    if (m->swappiness.is_set)
        add(w, CGROUP_MEMORY, "memory.swappiness", "memory swappiness",
            alloc_printf("%" PRIu64, m->swappiness.value));
    if (m->disable_oom_killer)
        add(w, CGROUP_MEMORY, "memory.oom_control", "OOM kill disable", alloc_strdup("1"));
}

static char *swap_alone(const struct oci_memory *m)
{
    if (m->swap.value < 0)
        return alloc_strdup("max");
    return alloc_printf("%" PRId64, m->swap.value - (is_size_set(&m->limit) ? m->limit.value : 0));
}

static void memory_v2(const struct oci_memory *m, struct cgroup_writes *w)
{
    if (is_size_set(&m->limit))
        add(w, CGROUP_MEMORY, "memory.max", "memory limit", size_text(m->limit.value, "max"));
    if (is_size_set(&m->swap))
        add(w, CGROUP_MEMORY, "memory.swap.max", "swap limit", swap_alone(m));
    if (is_size_set(&m->reservation))
        add(w, CGROUP_MEMORY, "memory.low", "memory soft limit",
            size_text(m->reservation.value, "max"));
    if (m->swappiness.is_set)
        strv_take(&w->warnings, cgroup_warning("memory swappiness"));
    if (m->disable_oom_killer)
        strv_take(&w->warnings, cgroup_warning("OOM kill disable"));
}

static bool is_number_set(const struct json_opt_u64 *v)
{
    return v->is_set && v->value != 0;
}

static void cpu_v1(const struct oci_cpu *c, struct cgroup_writes *w)
{
    if (is_number_set(&c->shares))
        add(w, CGROUP_CPU, "cpu.shares", "CPU shares", alloc_printf("%" PRIu64, c->shares.value));
    if (is_number_set(&c->period))
        add(w, CGROUP_CPU, "cpu.cfs_period_us", "CPU cfs period",
            alloc_printf("%" PRIu64, c->period.value));
    if (is_size_set(&c->quota))
        add(w, CGROUP_CPU, "cpu.cfs_quota_us", "CPU cfs quota", size_text(c->quota.value, "-1"));
}

static void cpu_v2(const struct oci_cpu *c, struct cgroup_writes *w)
{
    uint64_t period = is_number_set(&c->period) ? c->period.value : DEFAULT_PERIOD;

    if (is_number_set(&c->shares))
        add(w, CGROUP_CPU, "cpu.weight", "CPU shares",
            alloc_printf("%" PRIu64, cgroup_weight_of_shares(c->shares.value)));
    if (is_size_set(&c->quota) && c->quota.value > 0)
        add(w, CGROUP_CPU, "cpu.max", "CPU cfs quota",
            alloc_printf("%" PRId64 " %" PRIu64, c->quota.value, period));
    else if (is_size_set(&c->quota) || is_number_set(&c->period))
        add(w, CGROUP_CPU, "cpu.max", "CPU cfs quota", alloc_printf("max %" PRIu64, period));
}

/* The files have the same names in both versions. */
static void cpuset(const struct oci_cpu *c, struct cgroup_writes *w)
{
    if (c->cpus && *c->cpus)
        add(w, CGROUP_CPUSET, "cpuset.cpus", "cpuset", alloc_strdup(c->cpus));
    if (c->mems && *c->mems)
        add(w, CGROUP_CPUSET, "cpuset.mems", "cpuset", alloc_strdup(c->mems));
}

static void pids(const struct oci_pids *p, struct cgroup_writes *w)
{
    if (is_size_set(&p->limit) && p->limit.value > 0)
        add(w, CGROUP_PIDS, "pids.max", "pids limit", alloc_printf("%" PRId64, p->limit.value));
}

void cgroup_plan_v1(const struct oci_resources *r, struct cgroup_writes *ret)
{
    *ret = (struct cgroup_writes){0};
    if (!r)
        return;
    if (r->memory)
        memory_v1(r->memory, ret);
    if (r->cpu) {
        cpu_v1(r->cpu, ret);
        cpuset(r->cpu, ret);
    }
    if (r->pids)
        pids(r->pids, ret);
    if (r->unified && r->unified[0])
        strv_take(&ret->warnings, cgroup_warning("unified (cgroup v2)"));
}

/* "memory.high=1": the controller is the file's first word; "cgroup." files need none. */
static void unified(const char *entry, struct cgroup_writes *w)
{
    size_t name = strcspn(entry, "."), key = strcspn(entry, "=");
    enum cgroup_controller controller = CGROUP_SYSTEMD;
    auto_free char *file = alloc_strndup(entry, key);

    for (unsigned i = 0; i < CGROUP_SYSTEMD; i++)
        if (strlen(cgroup_controller_names[i]) == name &&
            memcmp(cgroup_controller_names[i], entry, name) == 0)
            controller = (enum cgroup_controller)i;
    add(w, controller, file, "unified (cgroup v2)",
        alloc_strdup(entry[key] ? entry + key + 1 : ""));
}

void cgroup_plan_v2(const struct oci_resources *r, struct cgroup_writes *ret)
{
    *ret = (struct cgroup_writes){0};
    if (!r)
        return;
    if (r->memory)
        memory_v2(r->memory, ret);
    if (r->cpu) {
        cpu_v2(r->cpu, ret);
        cpuset(r->cpu, ret);
    }
    if (r->pids)
        pids(r->pids, ret);
    STRV_FOREACH (entry, r->unified)
        unified(*entry, ret);
}
