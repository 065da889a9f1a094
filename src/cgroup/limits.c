/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Theory: resources become a list of writes to files of the group, in the order in which the kernel
 * accepts them. Values that mean "not set" (0, as callers of the v1 days write it) give no write.
 * What this version of cgroups lacks is collected as missing; what this kernel lacks is seen at the
 * write (apply.c). limits_devices.c has the controllers of devices, and the unified map.
 *
 * v1 to v2 (runtime-spec, config-linux.md; crun's documentation of the conversions): swap is the
 * sum there and swap alone here, shares 2..262144 map linearly to weights 1..10000.
 *
 * Orders: v1 wants limit <= limit of memory plus swap at each moment; a period or a burst may be
 * too long for the old quota (parents bound the ratio) and is tried again behind the new one; a
 * group that is idle takes no shares.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "base/strv.h"
#include "cgroup/cgroup_private.h"

#define DEFAULT_PERIOD 100000
#define MAX_SWAPPINESS 100

void cgroup_writes_done(struct cgroup_writes *w)
{
    VEC_FOREACH (write, &w->list) {
        free(write->file);
        free(write->text);
        free(write->other_file);
        free(write->other_text);
    }
    vec_done(&w->list);
    strv_free(w->missing);
    strv_free(w->ignored);
    w->missing = w->ignored = NULL;
}

unsigned cgroup_writes_controllers(const struct cgroup_writes *w)
{
    unsigned bits = 0;

    VEC_FOREACH (write, &w->list)
        bits |= CGROUP_BIT(write->controller);
    return bits;
}

uint64_t cgroup_weight_of_shares(uint64_t shares)
{
    uint64_t in_range = MIN(MAX(shares, UINT64_C(2)), UINT64_C(262144));

    return 1 + (in_range - 2) * 9999 / 262142;
}

bool cgroup_view_is_v1(const struct cgroup_view *v, enum cgroup_controller c)
{
    return v->v1 & CGROUP_BIT(c) || !v->has_v2;
}

struct cgroup_write *cgroup_add_write(struct cgroup_writes *w, enum cgroup_controller c,
                                      const char *file, const char *what, char *text)
{
    struct cgroup_write write = {.controller = c,
                                 .file = alloc_strdup(file),
                                 .what = what,
                                 .text = text};

    vec_push(&w->list, write);
    return &w->list.items[w->list.len - 1];
}

void cgroup_add_missing(struct cgroup_writes *w, const char *what)
{
    if (!strv_has(w->missing, what))
        strv_add(&w->missing, what);
}

/* Sizes in bytes: 0 is "not set", negative is unlimited. */
static bool is_size_set(const struct json_opt_i64 *v)
{
    return v->is_set && v->value != 0;
}

static bool is_number_set(const struct json_opt_u64 *v)
{
    return v->is_set && v->value != 0;
}

static char *size_text(int64_t v, const char *unlimited)
{
    return v < 0 ? alloc_strdup(unlimited) : alloc_printf("%" PRId64, v);
}

/* Memory */

static void add_limit_v1(struct cgroup_writes *w, int64_t limit)
{
    cgroup_add_write(w, CGROUP_MEMORY, "memory.limit_in_bytes", "memory limit",
                     size_text(limit, "-1"));
}

static struct cgroup_write *add_swap_v1(struct cgroup_writes *w, int64_t swap)
{
    return cgroup_add_write(w, CGROUP_MEMORY, "memory.memsw.limit_in_bytes", "swap limit",
                            size_text(swap, "-1"));
}

static void limits_v1(const struct oci_memory *m, const struct cgroup_now *now,
                      struct cgroup_writes *w)
{
    bool has_limit = is_size_set(&m->limit), has_swap = is_size_set(&m->swap);
    int64_t old_limit = now->memory_limit.is_set ? now->memory_limit.value : INT64_MAX;
    bool swap_first = has_limit && has_swap && (m->swap.value < 0 || m->swap.value >= old_limit);

    if (has_limit && !has_swap && m->limit.value < 0)
        add_swap_v1(w, -1)->flags = CGROUP_WRITE_OPTIONAL;
    if (swap_first)
        add_swap_v1(w, m->swap.value);
    if (has_limit)
        add_limit_v1(w, m->limit.value);
    if (has_swap && !swap_first)
        add_swap_v1(w, m->swap.value);
}

static int memory_v1(const struct oci_memory *m, const struct cgroup_now *now,
                     struct cgroup_writes *w, struct err *e)
{
    limits_v1(m, now, w);
    if (is_size_set(&m->reservation))
        cgroup_add_write(w, CGROUP_MEMORY, "memory.soft_limit_in_bytes", "memory soft limit",
                         size_text(m->reservation.value, "-1"));
    /* Since Linux 5.11 a group always accounts for those below; before, only a new one could. */
    if (m->use_hierarchy)
        cgroup_add_write(w, CGROUP_MEMORY, "memory.use_hierarchy", "memory hierarchy",
                         alloc_strdup("1"))
            ->flags = CGROUP_WRITE_OPTIONAL;
    /* -1, which the specification's type cannot hold, is how some callers leave it. */
    if (m->swappiness.is_set && m->swappiness.value != UINT64_MAX) {
        if (m->swappiness.value > MAX_SWAPPINESS)
            return err_set(e, ERR_INVALID,
                           "invalid memory swappiness value: %" PRIu64 " (valid range is 0-100)",
                           m->swappiness.value);
        cgroup_add_write(w, CGROUP_MEMORY, "memory.swappiness", "memory swappiness",
                         alloc_printf("%" PRIu64, m->swappiness.value));
    }
    if (m->disable_oom_killer)
        cgroup_add_write(w, CGROUP_MEMORY, "memory.oom_control", "OOM kill disable",
                         alloc_strdup("1"));
    return 0;
}

/* Swap alone, for memory plus swap; -1 is unlimited. */
static int swap_alone(const struct oci_memory *m, const struct cgroup_now *now, int64_t *ret,
                      struct err *e)
{
    int64_t limit = is_size_set(&m->limit) ? m->limit.value
                    : now->memory_limit.is_set && now->memory_limit.value != INT64_MAX
                        ? now->memory_limit.value
                        : -1;

    if (m->swap.value < 0) {
        *ret = -1;
        return 0;
    }
    if (limit < 0)
        return err_set(e, ERR_INVALID, "unable to set swap limit without memory limit");
    if (m->swap.value < limit)
        return err_set(e, ERR_INVALID, "memory+swap limit should be >= memory limit");
    *ret = m->swap.value - limit;
    return 0;
}

static int swap_v2(const struct oci_memory *m, const struct cgroup_now *now,
                   struct cgroup_writes *w, struct err *e)
{
    bool is_freed = !is_size_set(&m->swap) && is_size_set(&m->limit) && m->limit.value < 0;
    struct cgroup_write *write;
    int64_t swap = -1;

    if (!is_size_set(&m->swap) && !is_freed)
        return 0;
    if (!is_freed && swap_alone(m, now, &swap, e) < 0)
        return -1;
    write =
        cgroup_add_write(w, CGROUP_MEMORY, "memory.swap.max", "swap limit", size_text(swap, "max"));
    /* A kernel that does not account for swap: none and all of it need no limit. */
    if (swap <= 0)
        write->flags = CGROUP_WRITE_OPTIONAL;
    return 0;
}

static int memory_v2(const struct oci_memory *m, const struct cgroup_now *now,
                     struct cgroup_writes *w, struct err *e)
{
    if (m->check_before_update && now->memory_usage.is_set && m->limit.is_set &&
        m->limit.value > 0 && m->limit.value < now->memory_usage.value)
        return err_set(e, ERR_INVALID,
                       "unable to set memory limit to %" PRId64 " (current usage: %" PRId64 ")",
                       m->limit.value, now->memory_usage.value);
    if (swap_v2(m, now, w, e) < 0)
        return -1;
    if (is_size_set(&m->limit))
        cgroup_add_write(w, CGROUP_MEMORY, "memory.max", "memory limit",
                         size_text(m->limit.value, "max"));
    if (is_size_set(&m->reservation))
        cgroup_add_write(w, CGROUP_MEMORY, "memory.low", "memory soft limit",
                         size_text(m->reservation.value, "max"));
    if (m->swappiness.is_set && m->swappiness.value != UINT64_MAX)
        cgroup_add_missing(w, "memory swappiness");
    if (m->disable_oom_killer)
        cgroup_add_missing(w, "OOM kill disable");
    return 0;
}

static int memory(const struct oci_memory *m, const struct cgroup_view *v, struct cgroup_writes *w,
                  struct err *e)
{
    if (is_size_set(&m->kernel) || is_size_set(&m->kernel_tcp))
        strv_add(&w->ignored, "kernel memory limits are ignored: kernels no longer have them");
    return cgroup_view_is_v1(v, CGROUP_MEMORY) ? memory_v1(m, &v->now, w, e)
                                               : memory_v2(m, &v->now, w, e);
}

/* CPU */

static void add_idle(const struct oci_cpu *c, int64_t value, struct cgroup_writes *w)
{
    if (c->idle.is_set && c->idle.value == value)
        cgroup_add_write(w, CGROUP_CPU, "cpu.idle", "CPU idle",
                         alloc_printf("%" PRId64, c->idle.value));
}

static void add_burst(const struct oci_cpu *c, const char *file, struct cgroup_writes *w)
{
    if (c->burst.is_set)
        cgroup_add_write(w, CGROUP_CPU, file, "CPU burst", alloc_printf("%" PRIu64, c->burst.value))
            ->flags = CGROUP_WRITE_RETRY;
}

static void realtime_v1(const struct oci_cpu *c, struct cgroup_writes *w)
{
    if (is_number_set(&c->realtime_period))
        cgroup_add_write(w, CGROUP_CPU, "cpu.rt_period_us", "CPU realtime period",
                         alloc_printf("%" PRIu64, c->realtime_period.value))
            ->flags = CGROUP_WRITE_RETRY;
    if (is_size_set(&c->realtime_runtime))
        cgroup_add_write(w, CGROUP_CPU, "cpu.rt_runtime_us", "CPU realtime runtime",
                         size_text(c->realtime_runtime.value, "-1"));
}

static void cpu_v1(const struct oci_cpu *c, struct cgroup_writes *w)
{
    realtime_v1(c, w);
    add_idle(c, 0, w);
    if (is_number_set(&c->shares))
        cgroup_add_write(w, CGROUP_CPU, "cpu.shares", "CPU shares",
                         alloc_printf("%" PRIu64, c->shares.value))
            ->flags = CGROUP_WRITE_SHARES;
    add_idle(c, 1, w);
    if (is_number_set(&c->period))
        cgroup_add_write(w, CGROUP_CPU, "cpu.cfs_period_us", "CPU cfs period",
                         alloc_printf("%" PRIu64, c->period.value))
            ->flags = CGROUP_WRITE_RETRY;
    add_burst(c, "cpu.cfs_burst_us", w);
    if (is_size_set(&c->quota))
        cgroup_add_write(w, CGROUP_CPU, "cpu.cfs_quota_us", "CPU cfs quota",
                         size_text(c->quota.value, "-1"));
}

/* What is not given stays as it is. */
static void max_v2(const struct oci_cpu *c, const struct cgroup_now *now, struct cgroup_writes *w)
{
    int64_t quota = is_size_set(&c->quota)  ? c->quota.value
                    : now->cpu_quota.is_set ? now->cpu_quota.value
                                            : -1;
    uint64_t period = is_number_set(&c->period) ? c->period.value
                      : now->cpu_period.is_set  ? now->cpu_period.value
                                                : DEFAULT_PERIOD;
    auto_free char *first = size_text(quota, "max");

    if (is_size_set(&c->quota) || is_number_set(&c->period))
        cgroup_add_write(w, CGROUP_CPU, "cpu.max", "CPU cfs quota",
                         alloc_printf("%s %" PRIu64, first, period));
}

static void cpu_v2(const struct oci_cpu *c, const struct cgroup_now *now, struct cgroup_writes *w)
{
    if (is_number_set(&c->realtime_period))
        cgroup_add_missing(w, "CPU realtime period");
    if (is_size_set(&c->realtime_runtime))
        cgroup_add_missing(w, "CPU realtime runtime");
    add_idle(c, 0, w);
    if (is_number_set(&c->shares))
        cgroup_add_write(w, CGROUP_CPU, "cpu.weight", "CPU shares",
                         alloc_printf("%" PRIu64, cgroup_weight_of_shares(c->shares.value)));
    add_idle(c, 1, w);
    add_burst(c, "cpu.max.burst", w);
    max_v2(c, now, w);
}

static int cpu(const struct oci_cpu *c, const struct cgroup_view *v, struct cgroup_writes *w,
               struct err *e)
{
    if (c->idle.is_set && c->idle.value != 0 && c->idle.value != 1)
        return err_set(e, ERR_INVALID, "cpu.idle: %" PRId64 " is neither 0 nor 1", c->idle.value);
    if (cgroup_view_is_v1(v, CGROUP_CPU))
        cpu_v1(c, w);
    else
        cpu_v2(c, &v->now, w);
    /* The files have the same names in both versions. */
    if (c->cpus && *c->cpus)
        cgroup_add_write(w, CGROUP_CPUSET, "cpuset.cpus", "cpuset", alloc_strdup(c->cpus));
    if (c->mems && *c->mems)
        cgroup_add_write(w, CGROUP_CPUSET, "cpuset.mems", "cpuset", alloc_strdup(c->mems));
    return 0;
}

int cgroup_plan(const struct oci_resources *r, const struct cgroup_view *view,
                struct cgroup_writes *ret, struct err *e)
{
    *ret = (struct cgroup_writes){0};
    if (!r)
        return 0;
    if (r->memory && memory(r->memory, view, ret, e) < 0)
        return -1;
    if (r->cpu && cpu(r->cpu, view, ret, e) < 0)
        return -1;
    if (r->pids && is_size_set(&r->pids->limit))
        cgroup_add_write(ret, CGROUP_PIDS, "pids.max", "pids limit",
                         size_text(r->pids->limit.value, "max"));
    if (r->block_io)
        cgroup_plan_block_io(r->block_io, cgroup_view_is_v1(view, CGROUP_IO), ret);
    if (cgroup_plan_hugepages(r, cgroup_view_is_v1(view, CGROUP_HUGETLB), ret, e) < 0)
        return -1;
    if (r->network && cgroup_plan_network(r->network, view, ret, e) < 0)
        return -1;
    if (cgroup_plan_rdma(r, ret, e) < 0)
        return -1;
    /* Last: it has the last word. */
    return cgroup_plan_unified(r, view, ret, e);
}
