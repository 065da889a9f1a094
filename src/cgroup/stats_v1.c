/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Theory: v1's counters are files of one number each, named by rule. Those of block devices come
 * from the scheduler of the device (BFQ, or CFQ before Linux 5.0) with a debug configuration or
 * without, else from the throttling layer: the first set of files that is there and not empty is
 * the best.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/str.h"
#include "cgroup/stats_private.h"

#define NS_PER_S 1000000000ull

static void take_throttling(void *to, const char *key, uint64_t value)
{
    struct cgroup_cpu_stats *cpu = to;

    if (strcmp(key, "nr_periods") == 0)
        cpu->periods = value;
    else if (strcmp(key, "nr_throttled") == 0)
        cpu->throttled_periods = value;
    else if (strcmp(key, "throttled_time") == 0)
        cpu->throttled_ns = value;
    else if (strcmp(key, "nr_bursts") == 0)
        cpu->burst_periods = value;
    else if (strcmp(key, "burst_time") == 0)
        cpu->burst_ns = value;
}

static void take_modes(void *to, const char *key, uint64_t ticks)
{
    struct cgroup_cpu_stats *cpu = to;
    uint64_t ns = ticks * (NS_PER_S / (uint64_t)sysconf(_SC_CLK_TCK));

    if (strcmp(key, "user") == 0)
        cpu->user_ns = ns;
    else if (strcmp(key, "system") == 0)
        cpu->kernel_ns = ns;
}

static void read_keys(int dirfd, const char *file, stats_take *take, void *to)
{
    auto_free char *text = stats_read(dirfd, file);

    if (text)
        stats_parse_keys(text, take, to);
}

static void read_numbers(int dirfd, const char *file,
                         void (*parse)(const char *, struct cgroup_u64s *), struct cgroup_u64s *ret)
{
    auto_free char *text = stats_read(dirfd, file);

    if (text)
        parse(text, ret);
}

void stats_cpu_v1(const struct cgroup *g, struct cgroup_cpu_stats *ret)
{
    int cpu = cgroup_controller_fd(g, CGROUP_CPU), acct = cgroup_controller_fd(g, CGROUP_CPUACCT);
    auto_free char *all = NULL;

    read_keys(cpu, "cpu.stat", take_throttling, ret);
    if (acct < 0)
        return;
    ret->total_ns = stats_read_number(acct, "cpuacct.usage");
    read_keys(acct, "cpuacct.stat", take_modes, ret);
    read_numbers(acct, "cpuacct.usage_percpu", stats_parse_numbers, &ret->percpu_ns);
    all = stats_read(acct, "cpuacct.usage_all");
    if (all)
        stats_parse_usage_all(all, ret);
}

void stats_cpuset_v1(int dirfd, struct cgroup_cpuset_stats *ret)
{
    const struct {
        const char *file;
        uint64_t *to;
    } numbers[] = {{"cpuset.cpu_exclusive", &ret->cpu_exclusive},
                   {"cpuset.mem_hardwall", &ret->mem_hardwall},
                   {"cpuset.mem_exclusive", &ret->mem_exclusive},
                   {"cpuset.memory_migrate", &ret->memory_migrate},
                   {"cpuset.memory_spread_page", &ret->memory_spread_page},
                   {"cpuset.memory_spread_slab", &ret->memory_spread_slab},
                   {"cpuset.memory_pressure", &ret->memory_pressure},
                   {"cpuset.sched_load_balance", &ret->sched_load_balance}};
    auto_free char *level = stats_read(dirfd, "cpuset.sched_relax_domain_level");

    ret->is_set = true;
    read_numbers(dirfd, "cpuset.cpus", stats_parse_set, &ret->cpus);
    read_numbers(dirfd, "cpuset.mems", stats_parse_set, &ret->mems);
    for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
        *numbers[i].to = stats_read_number(dirfd, numbers[i].file);
    if (level) {
        level[strcspn(level, "\n")] = 0;
        (void)str_to_i64(level, INT32_MIN, INT32_MAX, &ret->sched_relax_domain_level);
    }
}

/* `name` is "", "memsw.", "kmem.", "kmem.tcp.". */
static void read_counter(int dirfd, const char *name, struct cgroup_counter *ret)
{
    const struct {
        const char *file;
        uint64_t *to;
    } files[] = {{"usage_in_bytes", &ret->usage},
                 {"max_usage_in_bytes", &ret->max_usage},
                 {"limit_in_bytes", &ret->limit},
                 {"failcnt", &ret->failures}};

    for (size_t i = 0; i < ARRAY_LEN(files); i++) {
        auto_free char *file = alloc_printf("memory.%s%s", name, files[i].file);

        *files[i].to = stats_read_number(dirfd, file);
    }
}

void stats_memory_v1(int dirfd, struct cgroup_memory_stats *ret)
{
    read_counter(dirfd, "", &ret->usage);
    read_counter(dirfd, "memsw.", &ret->swap);
    read_counter(dirfd, "kmem.", &ret->kernel);
    read_counter(dirfd, "kmem.tcp.", &ret->kernel_tcp);
    if (ret->swap.usage > ret->usage.usage)
        ret->swap_only.usage = ret->swap.usage - ret->usage.usage;
    if (ret->swap.failures > ret->usage.failures)
        ret->swap_only.failures = ret->swap.failures - ret->usage.failures;
}

void stats_io_v1(int dirfd, struct cgroup_io_stats *ret)
{
    static const struct {
        const char *prefix;
        const char *suffix;
    } sets[] = {{"blkio.bfq.", "_recursive"},
                {"blkio.", "_recursive"},
                {"blkio.throttle.", "_recursive"},
                {"blkio.throttle.", ""}};
    static const char *const kinds[] = {
        [CGROUP_IO_SERVICE_BYTES] = "io_service_bytes",
        [CGROUP_IO_SERVICED] = "io_serviced",
        [CGROUP_IO_QUEUED] = "io_queued",
        [CGROUP_IO_SERVICE_TIME] = "io_service_time",
        [CGROUP_IO_WAIT_TIME] = "io_wait_time",
        [CGROUP_IO_MERGED] = "io_merged",
        [CGROUP_IO_TIME] = "time",
        [CGROUP_IO_SECTORS] = "sectors",
    };

    _Static_assert(ARRAY_LEN(kinds) == CGROUP_IO_KIND_MAX, "a name for each list");
    for (size_t set = 0; set < ARRAY_LEN(sets); set++) {
        for (size_t kind = 0; kind < ARRAY_LEN(kinds); kind++) {
            auto_free char *file =
                alloc_printf("%s%s%s", sets[set].prefix, kinds[kind], sets[set].suffix);
            auto_free char *text = stats_read(dirfd, file);

            if (text)
                stats_parse_io_v1(text, &ret->lists[kind]);
        }
        if (ret->lists[CGROUP_IO_SERVICE_BYTES].len > 0)
            return;
    }
}
