/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Theory: each controller's numbers come from where it is, v1 or v2. v2's are turned into v1's
 * terms, which is what callers of `events --stats` read: swap becomes memory plus swap, bytes and
 * operations of a device become lists of Read and Write. A hybrid's v2 tree counts CPU time and
 * pressure too.
 */
#include "cgroup/stats.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/strv.h"
#include "cgroup/stats_private.h"
#include "sys/file.h"

char *stats_read(int dirfd, const char *file)
{
    char *text = NULL;
    size_t n;

    if (dirfd < 0 || sys_read_file(dirfd, file, CGROUP_FILE_MAX_BYTES, &text, &n) < 0)
        return NULL;
    return text;
}

uint64_t stats_read_number(int dirfd, const char *file)
{
    auto_free char *text = stats_read(dirfd, file);
    uint64_t value = 0;

    return text && stats_parse_number(text, &value) ? value : 0;
}

static void read_pressure(int v2, const char *file, struct cgroup_pressure *ret)
{
    auto_free char *text = stats_read(v2, file);

    if (text)
        stats_parse_pressure(text, ret);
}

/* CPU */

static void take_cpu_v2(void *to, const char *key, uint64_t value)
{
    struct cgroup_cpu_stats *cpu = to;
    const struct {
        const char *key;
        uint64_t *to;
        uint64_t unit;
    } keys[] = {{"usage_usec", &cpu->total_ns, 1000},
                {"user_usec", &cpu->user_ns, 1000},
                {"system_usec", &cpu->kernel_ns, 1000},
                {"nr_periods", &cpu->periods, 1},
                {"nr_throttled", &cpu->throttled_periods, 1},
                {"throttled_usec", &cpu->throttled_ns, 1000},
                {"nr_bursts", &cpu->burst_periods, 1},
                {"burst_usec", &cpu->burst_ns, 1000}};

    for (size_t i = 0; i < ARRAY_LEN(keys); i++)
        if (strcmp(key, keys[i].key) == 0)
            *keys[i].to = value * keys[i].unit;
}

static void cpu_stats(const struct cgroup *g, struct cgroup_cpu_stats *ret)
{
    int v2 = cgroup_v2_fd(g);
    auto_free char *text = NULL;

    if (cgroup_controller_fd(g, CGROUP_CPUACCT) < 0) {
        text = stats_read(v2, "cpu.stat");
        if (text)
            stats_parse_keys(text, take_cpu_v2, ret);
    }
    if (cgroup_is_v1(g, CGROUP_CPU))
        stats_cpu_v1(g, ret);
    read_pressure(v2, "cpu.pressure", &ret->pressure);
}

/* Memory */

static void take_raw(void *to, const char *key, uint64_t value)
{
    struct cgroup_memory_stats *memory = to;
    struct cgroup_stat stat = {alloc_strdup(key), value};

    vec_push(&memory->raw, stat);
    if (strcmp(key, "cache") == 0 || strcmp(key, "file") == 0)
        memory->cache = value;
}

static void take_max_events(void *to, const char *key, uint64_t value)
{
    if (strcmp(key, "max") == 0)
        *(uint64_t *)to = value;
}

static void read_max_events(int dirfd, const char *file, uint64_t *ret)
{
    auto_free char *text = stats_read(dirfd, file);

    if (text)
        stats_parse_keys(text, take_max_events, ret);
}

static void memory_v2(int dirfd, struct cgroup_memory_stats *ret)
{
    ret->usage = (struct cgroup_counter){.usage = stats_read_number(dirfd, "memory.current"),
                                         .max_usage = stats_read_number(dirfd, "memory.peak"),
                                         .limit = stats_read_number(dirfd, "memory.max")};
    ret->swap_only =
        (struct cgroup_counter){.usage = stats_read_number(dirfd, "memory.swap.current"),
                                .max_usage = stats_read_number(dirfd, "memory.swap.peak"),
                                .limit = stats_read_number(dirfd, "memory.swap.max")};
    read_max_events(dirfd, "memory.events", &ret->usage.failures);
    read_max_events(dirfd, "memory.swap.events", &ret->swap_only.failures);
    ret->swap = ret->swap_only;
    ret->swap.usage += ret->usage.usage;
    /* The two peaks need not have been at the same time. */
    ret->swap.max_usage = 0;
    ret->swap.limit = ret->swap.limit == UINT64_MAX || ret->usage.limit == UINT64_MAX
                          ? UINT64_MAX
                          : ret->swap.limit + ret->usage.limit;
}

static void memory_stats(const struct cgroup *g, struct cgroup_memory_stats *ret)
{
    int dirfd = cgroup_limit_fd(g, CGROUP_MEMORY);
    auto_free char *text = stats_read(dirfd, "memory.stat");
    uint64_t kills;

    if (text) {
        stats_parse_keys(text, take_raw, ret);
        if (cgroup_is_v1(g, CGROUP_MEMORY))
            stats_memory_v1(dirfd, ret);
        else
            memory_v2(dirfd, ret);
    }
    if (cgroup_oom_kills(g, &kills) == 0)
        ret->oom_kills = (struct json_opt_u64){true, kills};
    read_pressure(cgroup_v2_fd(g), "memory.pressure", &ret->pressure);
}

/* The rest */

static int pids_stats(const struct cgroup *g, struct cgroup_pids_stats *ret, struct err *e)
{
    int dirfd = cgroup_limit_fd(g, CGROUP_PIDS);
    auto_free char *text = stats_read(dirfd, "pids.current");
    auto_free pid_t *pids = NULL;
    size_t n = 0;

    if (text && stats_parse_number(text, &ret->current)) {
        ret->limit = stats_read_number(dirfd, "pids.max");
        if (ret->limit == UINT64_MAX)
            ret->limit = 0;
        return 0;
    }
    if (cgroup_pids(g, &pids, &n, e) < 0)
        return -1;
    ret->current = n;
    return 0;
}

static void io_stats(const struct cgroup *g, struct cgroup_io_stats *ret)
{
    int dirfd = cgroup_limit_fd(g, CGROUP_IO);
    auto_free char *text = NULL;

    if (cgroup_is_v1(g, CGROUP_IO)) {
        stats_io_v1(dirfd, ret);
    } else {
        text = stats_read(dirfd, "io.stat");
        if (text)
            stats_parse_io_v2(text, ret);
    }
    read_pressure(cgroup_v2_fd(g), "io.pressure", &ret->pressure);
}

/* Reservations, where the kernel counts them (Linux 5.7): what runc shows. */
static bool read_hugetlb(int dirfd, bool is_v1, const char *prefix, struct cgroup_counter *ret)
{
    auto_free char *usage = alloc_printf("%s.%s", prefix, is_v1 ? "usage_in_bytes" : "current");
    auto_free char *max = alloc_printf("%s.max_usage_in_bytes", prefix);
    auto_free char *limit = alloc_printf("%s.%s", prefix, is_v1 ? "limit_in_bytes" : "max");
    auto_free char *failures = alloc_printf("%s.%s", prefix, is_v1 ? "failcnt" : "events");
    auto_free char *text = stats_read(dirfd, usage);

    if (!text || !stats_parse_number(text, &ret->usage))
        return false;
    ret->limit = stats_read_number(dirfd, limit);
    if (is_v1) {
        ret->max_usage = stats_read_number(dirfd, max);
        ret->failures = stats_read_number(dirfd, failures);
    } else {
        read_max_events(dirfd, failures, &ret->failures);
    }
    return true;
}

static void hugetlb_stats(const struct cgroup *g, struct cgroup_stats *ret)
{
    int dirfd = cgroup_limit_fd(g, CGROUP_HUGETLB);
    bool is_v1 = cgroup_is_v1(g, CGROUP_HUGETLB);
    auto_strv names = NULL;

    if (dirfd < 0 || sys_list_dir(AT_FDCWD, "/sys/kernel/mm/hugepages", &names) < 0)
        return;
    STRV_FOREACH (name, names) {
        struct cgroup_hugetlb_stats stats = {.page_size = stats_page_size(*name)};
        auto_free char *prefix = alloc_printf("hugetlb.%s", stats.page_size ? stats.page_size : "");
        auto_free char *reserved = alloc_printf("%s.rsvd", prefix);

        if (stats.page_size && (read_hugetlb(dirfd, is_v1, reserved, &stats.counter) ||
                                read_hugetlb(dirfd, is_v1, prefix, &stats.counter)))
            vec_push(&ret->hugetlb, stats);
        else
            free(stats.page_size);
    }
}

static void rdma_stats(const struct cgroup *g, struct cgroup_stats *ret)
{
    int dirfd = cgroup_limit_fd(g, CGROUP_RDMA);
    auto_free char *current = stats_read(dirfd, "rdma.current");
    auto_free char *max = stats_read(dirfd, "rdma.max");

    if (!current || !max)
        return;
    stats_parse_rdma(current, &ret->rdma_current);
    stats_parse_rdma(max, &ret->rdma_limit);
}

/* An open directory outlives its group; its files do not. */
static bool is_gone(const struct cgroup *g)
{
    struct stat st;

    return g->n > 0 && sys_stat(g->dirs[0].fd, "cgroup.procs", &st) == -ENOENT;
}

int cgroup_stats(const struct cgroup *g, struct cgroup_stats *ret, struct err *e)
{
    int cpuset = cgroup_controller_fd(g, CGROUP_CPUSET);

    *ret = (struct cgroup_stats){0};
    if (is_gone(g))
        return err_set(e, ERR_NOT_FOUND, "cgroup '%s': there is none", cgroup_path(g));
    cpu_stats(g, &ret->cpu);
    if (cpuset >= 0)
        stats_cpuset_v1(cpuset, &ret->cpuset);
    memory_stats(g, &ret->memory);
    io_stats(g, &ret->io);
    hugetlb_stats(g, ret);
    rdma_stats(g, ret);
    if (pids_stats(g, &ret->pids, e) == 0)
        return 0;
    cgroup_stats_done(ret);
    return -1;
}

static void rdma_done(struct cgroup_rdma_list *l)
{
    VEC_FOREACH (entry, l)
        free(entry->device);
    vec_done(l);
}

void cgroup_stats_done(struct cgroup_stats *s)
{
    vec_done(&s->cpu.percpu_ns);
    vec_done(&s->cpu.percpu_user_ns);
    vec_done(&s->cpu.percpu_kernel_ns);
    vec_done(&s->cpuset.cpus);
    vec_done(&s->cpuset.mems);
    VEC_FOREACH (stat, &s->memory.raw)
        free(stat->name);
    vec_done(&s->memory.raw);
    for (size_t i = 0; i < CGROUP_IO_KIND_MAX; i++) {
        VEC_FOREACH (entry, &s->io.lists[i])
            free(entry->op);
        vec_done(&s->io.lists[i]);
    }
    VEC_FOREACH (h, &s->hugetlb)
        free(h->page_size);
    vec_done(&s->hugetlb);
    rdma_done(&s->rdma_limit);
    rdma_done(&s->rdma_current);
    *s = (struct cgroup_stats){0};
}
