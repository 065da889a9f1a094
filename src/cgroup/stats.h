/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * What a group uses, in v1's terms whatever it is counted by: the numbers of `events --stats`.
 * Where a kernel, or a group that was made for other purposes, does not count something, it is
 * zero, empty, or not set.
 */
#include "cgroup/cgroup.h"

/* Pressure stall information (Linux 4.20, v2). */
struct cgroup_pressure_line {
    double avg10; /* percent */
    double avg60;
    double avg300;
    uint64_t total_us;
};
struct cgroup_pressure {
    bool is_set;
    struct cgroup_pressure_line some;
    struct cgroup_pressure_line full;
};

struct cgroup_u64s { /* a VEC(uint64_t) with a name */
    uint64_t *items;
    size_t len;
    size_t cap;
};
struct cgroup_cpu_stats {
    uint64_t total_ns;
    uint64_t user_ns;
    uint64_t kernel_ns;
    struct cgroup_u64s percpu_ns; /* v1, as the next two */
    struct cgroup_u64s percpu_user_ns;
    struct cgroup_u64s percpu_kernel_ns;
    uint64_t periods;
    uint64_t throttled_periods;
    uint64_t throttled_ns;
    uint64_t burst_periods;
    uint64_t burst_ns;
    struct cgroup_pressure pressure;
};

struct cgroup_cpuset_stats { /* v1 */
    bool is_set;
    struct cgroup_u64s cpus;
    struct cgroup_u64s mems;
    uint64_t cpu_exclusive;
    uint64_t mem_hardwall;
    uint64_t mem_exclusive;
    uint64_t memory_migrate;
    uint64_t memory_spread_page;
    uint64_t memory_spread_slab;
    uint64_t memory_pressure;
    uint64_t sched_load_balance;
    int64_t sched_relax_domain_level;
};

struct cgroup_counter { /* bytes */
    uint64_t usage;
    uint64_t max_usage;
    uint64_t limit; /* UINT64_MAX: none (v2) */
    uint64_t failures;
};
struct cgroup_stat { /* one line of memory.stat */
    char *name;
    uint64_t value;
};
struct cgroup_memory_stats {
    uint64_t cache;
    struct cgroup_counter usage;
    struct cgroup_counter swap;      /* memory plus swap */
    struct cgroup_counter swap_only; /* v2 counts it, v1 by subtraction */
    struct cgroup_counter kernel;    /* v1, as the next */
    struct cgroup_counter kernel_tcp;
    VEC(struct cgroup_stat) raw;
    struct json_opt_u64 oom_kills;
    struct cgroup_pressure pressure;
};

struct cgroup_pids_stats {
    uint64_t current;
    uint64_t limit; /* 0: none */
};

struct cgroup_io_entry {
    uint64_t major;
    uint64_t minor;
    char *op; /* "Read", "Write", "Sync", ...; "" */
    uint64_t value;
};
enum cgroup_io_kind {
    CGROUP_IO_SERVICE_BYTES,
    CGROUP_IO_SERVICED,
    CGROUP_IO_QUEUED, /* this and the rest: v1 with a scheduler that counts them */
    CGROUP_IO_SERVICE_TIME,
    CGROUP_IO_WAIT_TIME,
    CGROUP_IO_MERGED,
    CGROUP_IO_TIME,
    CGROUP_IO_SECTORS,
    CGROUP_IO_KIND_MAX
};
struct cgroup_io_list { /* a VEC(struct cgroup_io_entry) with a name */
    struct cgroup_io_entry *items;
    size_t len;
    size_t cap;
};
struct cgroup_io_stats {
    struct cgroup_io_list lists[CGROUP_IO_KIND_MAX];
    struct cgroup_pressure pressure;
};

struct cgroup_hugetlb_stats {
    char *page_size; /* "2MB" */
    struct cgroup_counter counter;
};

struct cgroup_rdma_entry {
    char *device;
    uint64_t hca_handles; /* UINT32_MAX: no limit */
    uint64_t hca_objects;
};
struct cgroup_rdma_list { /* a VEC(struct cgroup_rdma_entry) with a name */
    struct cgroup_rdma_entry *items;
    size_t len;
    size_t cap;
};

struct cgroup_stats {
    struct cgroup_cpu_stats cpu;
    struct cgroup_cpuset_stats cpuset;
    struct cgroup_memory_stats memory;
    struct cgroup_pids_stats pids;
    struct cgroup_io_stats io;
    VEC(struct cgroup_hugetlb_stats) hugetlb;
    struct cgroup_rdma_list rdma_limit;
    struct cgroup_rdma_list rdma_current;
};
/* Zeroed before; free with cgroup_stats_done(). ERR_NOT_FOUND: the group is gone. */
int cgroup_stats(const struct cgroup *g, struct cgroup_stats *ret, struct err *e);
void cgroup_stats_done(struct cgroup_stats *s);
/* The `data` of runc's event of type "stats", without intel_rdt and network_interfaces; owned:
 * json_object_put. */
struct json_object *cgroup_stats_json(const struct cgroup_stats *s);
