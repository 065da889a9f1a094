/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Theory: the shape of `runc events --stats` (its types/events.go), key by key and in its order: a
 * number that runc leaves out when it is zero is left out here. What runc does not show (bursts,
 * RDMA, OOM kills) stands behind what it shows.
 */
#include <json-c/json.h>

#include "cgroup/stats_private.h"

static void add(struct json_object *o, const char *key, uint64_t value)
{
    json_object_object_add(o, key, json_object_new_uint64(value));
}

static void add_if(struct json_object *o, const char *key, uint64_t value)
{
    if (value)
        add(o, key, value);
}

static void add_list(struct json_object *o, const char *key, const struct cgroup_u64s *list)
{
    struct json_object *array;

    if (list->len == 0)
        return;
    array = json_object_new_array();
    VEC_FOREACH (value, list)
        json_object_array_add(array, json_object_new_uint64(*value));
    json_object_object_add(o, key, array);
}

static struct json_object *pressure_line(const struct cgroup_pressure_line *l)
{
    struct json_object *o = json_object_new_object();

    json_object_object_add(o, "avg10", json_object_new_double(l->avg10));
    json_object_object_add(o, "avg60", json_object_new_double(l->avg60));
    json_object_object_add(o, "avg300", json_object_new_double(l->avg300));
    add(o, "total", l->total_us);
    return o;
}

static void add_pressure(struct json_object *o, const struct cgroup_pressure *p)
{
    struct json_object *psi;

    if (!p->is_set)
        return;
    psi = json_object_new_object();
    json_object_object_add(psi, "some", pressure_line(&p->some));
    json_object_object_add(psi, "full", pressure_line(&p->full));
    json_object_object_add(o, "psi", psi);
}

static struct json_object *cpu_json(const struct cgroup_cpu_stats *c)
{
    struct json_object *o = json_object_new_object(), *usage = json_object_new_object();
    struct json_object *throttling = json_object_new_object(), *burst;

    add_if(usage, "total", c->total_ns);
    add_list(usage, "percpu", &c->percpu_ns);
    add_list(usage, "percpu_kernel", &c->percpu_kernel_ns);
    add_list(usage, "percpu_user", &c->percpu_user_ns);
    add(usage, "kernel", c->kernel_ns);
    add(usage, "user", c->user_ns);
    json_object_object_add(o, "usage", usage);
    add_if(throttling, "periods", c->periods);
    add_if(throttling, "throttledPeriods", c->throttled_periods);
    add_if(throttling, "throttledTime", c->throttled_ns);
    json_object_object_add(o, "throttling", throttling);
    add_pressure(o, &c->pressure);
    if (c->burst_periods) {
        burst = json_object_new_object();
        add(burst, "periods", c->burst_periods);
        add(burst, "time", c->burst_ns);
        json_object_object_add(o, "burst", burst);
    }
    return o;
}

static struct json_object *cpuset_json(const struct cgroup_cpuset_stats *c)
{
    struct json_object *o = json_object_new_object();

    add_list(o, "cpus", &c->cpus);
    add(o, "cpu_exclusive", c->cpu_exclusive);
    add_list(o, "mems", &c->mems);
    add(o, "mem_hardwall", c->mem_hardwall);
    add(o, "mem_exclusive", c->mem_exclusive);
    add(o, "memory_migrate", c->memory_migrate);
    add(o, "memory_spread_page", c->memory_spread_page);
    add(o, "memory_spread_slab", c->memory_spread_slab);
    add(o, "memory_pressure", c->memory_pressure);
    add(o, "sched_load_balance", c->sched_load_balance);
    json_object_object_add(o, "sched_relax_domain_level",
                           json_object_new_int64(c->sched_relax_domain_level));
    return o;
}

static struct json_object *counter_json(const struct cgroup_counter *c)
{
    struct json_object *o = json_object_new_object();

    add(o, "limit", c->limit);
    add_if(o, "usage", c->usage);
    add_if(o, "max", c->max_usage);
    add(o, "failcnt", c->failures);
    return o;
}

static struct json_object *memory_json(const struct cgroup_memory_stats *m)
{
    struct json_object *o = json_object_new_object(), *raw = json_object_new_object();

    add_if(o, "cache", m->cache);
    json_object_object_add(o, "usage", counter_json(&m->usage));
    json_object_object_add(o, "swap", counter_json(&m->swap));
    json_object_object_add(o, "kernel", counter_json(&m->kernel));
    json_object_object_add(o, "kernelTCP", counter_json(&m->kernel_tcp));
    VEC_FOREACH (stat, &m->raw)
        add(raw, stat->name, stat->value);
    json_object_object_add(o, "raw", raw);
    add_pressure(o, &m->pressure);
    if (m->oom_kills.is_set)
        /* Not "oom...": callers of events search its output for "oom". */
        add(o, "outOfMemoryKills", m->oom_kills.value);
    return o;
}

static struct json_object *io_json(const struct cgroup_io_stats *s)
{
    static const char *const keys[] = {
        [CGROUP_IO_SERVICE_BYTES] = "ioServiceBytesRecursive",
        [CGROUP_IO_SERVICED] = "ioServicedRecursive",
        [CGROUP_IO_QUEUED] = "ioQueueRecursive",
        [CGROUP_IO_SERVICE_TIME] = "ioServiceTimeRecursive",
        [CGROUP_IO_WAIT_TIME] = "ioWaitTimeRecursive",
        [CGROUP_IO_MERGED] = "ioMergedRecursive",
        [CGROUP_IO_TIME] = "ioTimeRecursive",
        [CGROUP_IO_SECTORS] = "sectorsRecursive",
    };
    struct json_object *o = json_object_new_object();

    _Static_assert(ARRAY_LEN(keys) == CGROUP_IO_KIND_MAX, "a key for each list");
    for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
        struct json_object *array;

        if (s->lists[i].len == 0)
            continue;
        array = json_object_new_array();
        VEC_FOREACH (entry, &s->lists[i]) {
            struct json_object *one = json_object_new_object();

            add_if(one, "major", entry->major);
            add_if(one, "minor", entry->minor);
            if (*entry->op)
                json_object_object_add(one, "op", json_object_new_string(entry->op));
            add_if(one, "value", entry->value);
            json_object_array_add(array, one);
        }
        json_object_object_add(o, keys[i], array);
    }
    add_pressure(o, &s->pressure);
    return o;
}

static struct json_object *hugetlb_json(const struct cgroup_stats *s)
{
    struct json_object *o = json_object_new_object();

    VEC_FOREACH (h, &s->hugetlb) {
        struct json_object *one = json_object_new_object();

        add_if(one, "usage", h->counter.usage);
        add_if(one, "max", h->counter.max_usage);
        add(one, "failcnt", h->counter.failures);
        json_object_object_add(o, h->page_size, one);
    }
    return o;
}

static struct json_object *rdma_json(const struct cgroup_rdma_list *l)
{
    struct json_object *array = json_object_new_array();

    VEC_FOREACH (entry, l) {
        struct json_object *one = json_object_new_object();

        json_object_object_add(one, "device", json_object_new_string(entry->device));
        add(one, "hcaHandles", entry->hca_handles);
        add(one, "hcaObjects", entry->hca_objects);
        json_object_array_add(array, one);
    }
    return array;
}

struct json_object *cgroup_stats_json(const struct cgroup_stats *s)
{
    struct json_object *o = json_object_new_object(), *pids = json_object_new_object(), *rdma;

    json_object_object_add(o, "cpu", cpu_json(&s->cpu));
    json_object_object_add(o, "cpuset", cpuset_json(&s->cpuset));
    json_object_object_add(o, "memory", memory_json(&s->memory));
    add_if(pids, "current", s->pids.current);
    add_if(pids, "limit", s->pids.limit);
    json_object_object_add(o, "pids", pids);
    json_object_object_add(o, "blkio", io_json(&s->io));
    json_object_object_add(o, "hugetlb", hugetlb_json(s));
    if (s->rdma_current.len > 0 || s->rdma_limit.len > 0) {
        rdma = json_object_new_object();
        json_object_object_add(rdma, "limit", rdma_json(&s->rdma_limit));
        json_object_object_add(rdma, "current", rdma_json(&s->rdma_current));
        json_object_object_add(o, "rdma", rdma);
    }
    return o;
}
