/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/str.h"
#include "base/strv.h"
#include "cgroup/cgroup_private.h"

static void shares_become_weights(void **state)
{
    static const uint64_t rows[][2] = {{0, 1},    {2, 1},          {1024, 39},
                                       {512, 20}, {262144, 10000}, {UINT64_MAX, 10000}};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        assert_int_equal(cgroup_weight_of_shares(rows[i][0]), rows[i][1]);
}

/* "file=text; file?=optional; file=text|other=text (missing, missing)" */
static char *writes_text(const struct cgroup_writes *w)
{
    struct str s = STR_INIT(4096);
    auto_free char *missing = strv_join(w->missing, ", ");

    VEC_FOREACH (write, &w->list) {
        str_addf(&s, "%s%s%s=%s", s.len ? "; " : "", write->file,
                 write->flags & CGROUP_WRITE_OPTIONAL ? "?" : "", write->text);
        if (write->other_file)
            str_addf(&s, "|%s=%s", write->other_file,
                     write->other_text ? write->other_text : write->text);
    }
    if (w->missing)
        str_addf(&s, "%s(%s)", s.len ? " " : "", missing);
    return str_take(&s);
}

static const struct cgroup_view v1_view = {.v1 = ~0u}, v2_view = {.has_v2 = true},
                                hybrid_view = {.v1 = CGROUP_BIT(CGROUP_MEMORY) |
                                                     CGROUP_BIT(CGROUP_CPU),
                                               .has_v2 = true};

static void expect_plan(size_t row, const struct oci_resources *r, const struct cgroup_view *view,
                        const char *want)
{
    DHOW_CLEANUP(cgroup_writes_done) struct cgroup_writes w = {0};
    auto_free char *text = NULL;
    struct err e = {0};

    if (cgroup_plan(r, view, &w, &e) < 0)
        text = alloc_printf("error: %s", e.msg);
    else
        text = writes_text(&w);
    if (!str_equal(text, want))
        fail_msg("row %zu: '%s', not '%s'", row, text, want);
}

static void limits_become_writes_in_order(void **state)
{
    static const struct {
        struct oci_memory memory;
        struct oci_cpu cpu;
        int64_t pids;
        const char *unified;
        const char *v1, *v2;
    } rows[] = {
        {.v1 = "", .v2 = ""},
        {.memory = {.limit = {true, 100}, .swap = {true, 300}},
         .v1 = "memory.limit_in_bytes=100; memory.memsw.limit_in_bytes=300",
         .v2 = "memory.swap.max=200; memory.max=100"},
        {.memory = {.limit = {true, 100}, .swap = {true, 100}},
         .v1 = "memory.limit_in_bytes=100; memory.memsw.limit_in_bytes=100",
         .v2 = "memory.swap.max?=0; memory.max=100"},
        {.memory = {.limit = {true, -1}, .swap = {true, -1}},
         .v1 = "memory.memsw.limit_in_bytes=-1; memory.limit_in_bytes=-1",
         .v2 = "memory.swap.max?=max; memory.max=max"},
        {.memory = {.limit = {true, -1}},
         .v1 = "memory.memsw.limit_in_bytes?=-1; memory.limit_in_bytes=-1",
         .v2 = "memory.swap.max?=max; memory.max=max"},
        {.memory = {.limit = {true, 100}, .swap = {true, -1}},
         .v1 = "memory.memsw.limit_in_bytes=-1; memory.limit_in_bytes=100",
         .v2 = "memory.swap.max?=max; memory.max=100"},
        {.memory = {.limit = {true, 300}, .swap = {true, 100}},
         .v1 = "memory.limit_in_bytes=300; memory.memsw.limit_in_bytes=100",
         .v2 = "error: memory+swap limit should be >= memory limit"},
        {.memory = {.swap = {true, 100}},
         .v1 = "memory.memsw.limit_in_bytes=100",
         .v2 = "error: unable to set swap limit without memory limit"},
        {.memory = {.limit = {true, 0}, .swap = {true, 0}}, .v1 = "", .v2 = ""},
        {.memory = {.reservation = {true, 50}, .swappiness = {true, 0}, .disable_oom_killer = true},
         .v1 = "memory.soft_limit_in_bytes=50; memory.swappiness=0; memory.oom_control=1",
         .v2 = "memory.low=50 (memory swappiness, OOM kill disable)"},
        {.memory = {.swappiness = {true, 101}},
         .v1 = "error: invalid memory swappiness value: 101 (valid range is 0-100)",
         .v2 = "(memory swappiness)"},
        {.memory = {.swappiness = {true, UINT64_MAX}}, .v1 = "", .v2 = ""},
        {.memory = {.use_hierarchy = true, .kernel = {true, 5}, .kernel_tcp = {true, 5}},
         .v1 = "memory.use_hierarchy?=1",
         .v2 = ""},
        {.cpu = {.shares = {true, 1024}, .quota = {true, 50000}, .period = {true, 200000}},
         .v1 = "cpu.shares=1024; cpu.cfs_period_us=200000; cpu.cfs_quota_us=50000",
         .v2 = "cpu.weight=39; cpu.max=50000 200000"},
        {.cpu = {.quota = {true, 50000}},
         .v1 = "cpu.cfs_quota_us=50000",
         .v2 = "cpu.max=50000 100000"},
        {.cpu = {.quota = {true, -1}}, .v1 = "cpu.cfs_quota_us=-1", .v2 = "cpu.max=max 100000"},
        {.cpu = {.period = {true, 5000}}, .v1 = "cpu.cfs_period_us=5000", .v2 = "cpu.max=max 5000"},
        {.cpu = {.quota = {true, 5000}, .burst = {true, 100}},
         .v1 = "cpu.cfs_burst_us=100; cpu.cfs_quota_us=5000",
         .v2 = "cpu.max.burst=100; cpu.max=5000 100000"},
        {.cpu = {.idle = {true, 1}, .shares = {true, 1024}},
         .v1 = "cpu.shares=1024; cpu.idle=1",
         .v2 = "cpu.weight=39; cpu.idle=1"},
        {.cpu = {.idle = {true, 0}, .shares = {true, 1024}},
         .v1 = "cpu.idle=0; cpu.shares=1024",
         .v2 = "cpu.idle=0; cpu.weight=39"},
        {.cpu = {.idle = {true, 2}},
         .v1 = "error: cpu.idle: 2 is neither 0 nor 1",
         .v2 = "error: cpu.idle: 2 is neither 0 nor 1"},
        {.cpu = {.realtime_runtime = {true, 95}, .realtime_period = {true, 100}},
         .v1 = "cpu.rt_period_us=100; cpu.rt_runtime_us=95",
         .v2 = "(CPU realtime period, CPU realtime runtime)"},
        {.cpu = {.realtime_runtime = {true, 0}, .realtime_period = {true, 0}}, .v1 = "", .v2 = ""},
        {.cpu = {.cpus = (char *)"0-1", .mems = (char *)"0"},
         .v1 = "cpuset.cpus=0-1; cpuset.mems=0",
         .v2 = "cpuset.cpus=0-1; cpuset.mems=0"},
        {.pids = 7, .v1 = "pids.max=7", .v2 = "pids.max=7"},
        {.pids = -1, .v1 = "pids.max=max", .v2 = "pids.max=max"},
        {.unified = "memory.high=5", .v1 = "(unified (cgroup v2))", .v2 = "memory.high=5"},
        {.unified = "../x.y=5",
         .v1 = "error: unified resource \"../x.y\" must be a file name (no slashes)",
         .v2 = "error: unified resource \"../x.y\" must be a file name (no slashes)"},
        {.unified = "x=5",
         .v1 = "error: unified resource \"x\" must be in the form CONTROLLER.PARAMETER",
         .v2 = "error: unified resource \"x\" must be in the form CONTROLLER.PARAMETER"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct oci_memory memory = rows[i].memory;
        struct oci_cpu cpu = rows[i].cpu;
        struct oci_pids pids = {{true, rows[i].pids}};
        char *unified[] = {(char *)(uintptr_t)rows[i].unified, NULL};
        struct oci_resources r = {.memory = &memory,
                                  .cpu = &cpu,
                                  .pids = &pids,
                                  .unified = unified};

        expect_plan(i, &r, &v1_view, rows[i].v1);
        expect_plan(i, &r, &v2_view, rows[i].v2);
    }
}

/* Where a new value depends on what is set. */
static void updates_keep_what_is_not_given(void **state)
{
    static const struct {
        struct cgroup_view view;
        struct oci_memory memory;
        struct oci_cpu cpu;
        const char *want;
    } rows[] = {
        /* v1: the limit stays below memory plus swap */
        {.view = {.v1 = ~0u, .now = {.memory_limit = {true, 60}}},
         .memory = {.limit = {true, 30}, .swap = {true, 50}},
         .want = "memory.limit_in_bytes=30; memory.memsw.limit_in_bytes=50"},
        {.view = {.v1 = ~0u, .now = {.memory_limit = {true, 30}}},
         .memory = {.limit = {true, 60}, .swap = {true, 80}},
         .want = "memory.memsw.limit_in_bytes=80; memory.limit_in_bytes=60"},
        {.view = {.has_v2 = true, .now = {.memory_limit = {true, 30}}},
         .memory = {.swap = {true, 50}},
         .want = "memory.swap.max=20"},
        {.view = {.has_v2 = true, .now = {.memory_limit = {true, INT64_MAX}}},
         .memory = {.swap = {true, 50}},
         .want = "error: unable to set swap limit without memory limit"},
        {.view = {.has_v2 = true, .now = {.memory_usage = {true, 40}}},
         .memory = {.limit = {true, 30}, .check_before_update = true},
         .want = "error: unable to set memory limit to 30 (current usage: 40)"},
        {.view = {.has_v2 = true, .now = {.memory_usage = {true, 20}}},
         .memory = {.limit = {true, 30}, .check_before_update = true},
         .want = "memory.max=30"},
        {.view = {.has_v2 = true, .now = {.cpu_quota = {true, 5000}, .cpu_period = {true, 20000}}},
         .cpu = {.period = {true, 10000}},
         .want = "cpu.max=5000 10000"},
        {.view = {.has_v2 = true, .now = {.cpu_quota = {true, 5000}, .cpu_period = {true, 20000}}},
         .cpu = {.quota = {true, -1}},
         .want = "cpu.max=max 20000"},
        {.view = {.has_v2 = true, .now = {.cpu_quota = {true, -1}, .cpu_period = {true, 20000}}},
         .cpu = {.period = {true, 10000}},
         .want = "cpu.max=max 10000"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct oci_memory memory = rows[i].memory;
        struct oci_cpu cpu = rows[i].cpu;
        struct oci_resources r = {.memory = &memory, .cpu = &cpu};

        expect_plan(i, &r, &rows[i].view, rows[i].want);
    }
}

static void devices_have_limits(void **state)
{
    struct oci_weight_device weights[] = {{8, 0, {true, 500}, {true, 20}}};
    struct oci_throttle_device rates[] = {{8, 0, 1000}, {8, 16, 0}};
    struct oci_throttle_list list = {rates, 2, 2};
    struct oci_block_io io = {.weight = {true, 750},
                              .leaf_weight = {true, 10},
                              .weight_device = {weights, 1, 1},
                              .throttle_read_bps_device = list,
                              .throttle_write_iops_device = {rates, 1, 1}};
    struct oci_hugepage_limit pages[] = {{(char *)(uintptr_t) "2MB", 4096}};
    struct oci_interface_priority priorities[] = {{(char *)(uintptr_t) "eth0", 5}};
    struct oci_network network = {{true, 0x100001}, {priorities, 1, 1}};
    struct oci_rdma rdma[] = {{(char *)(uintptr_t) "mlx5_1", {true, 3}, {true, 10000}},
                              {(char *)(uintptr_t) "mlx4_0", {false, 0}, {true, 1000}}};

    (void)state;
    expect_plan(0, &(struct oci_resources){.block_io = &io}, &v1_view,
                "blkio.weight=750|blkio.bfq.weight=750; blkio.leaf_weight=10; "
                "blkio.weight_device=8:0 500|blkio.bfq.weight_device=8:0 500; "
                "blkio.leaf_weight_device=8:0 20; blkio.throttle.read_bps_device=8:0 1000; "
                "blkio.throttle.read_bps_device=8:16 0; blkio.throttle.write_iops_device=8:0 1000");
    expect_plan(1, &(struct oci_resources){.block_io = &io}, &v2_view,
                "io.bfq.weight=750|io.weight=7475; io.bfq.weight=8:0 500|io.weight=8:0 4950; "
                "io.max=8:0 rbps=1000; io.max=8:16 rbps=max; io.max=8:0 wiops=1000 "
                "(block I/O leaf weight, block I/O leaf weight of a device)");
    expect_plan(2, &(struct oci_resources){.hugepage_limits = {pages, 1, 1}}, &v1_view,
                "hugetlb.2MB.limit_in_bytes=4096; hugetlb.2MB.rsvd.limit_in_bytes?=4096");
    expect_plan(3, &(struct oci_resources){.hugepage_limits = {pages, 1, 1}}, &hybrid_view,
                "hugetlb.2MB.max=4096; hugetlb.2MB.rsvd.max?=4096");
    pages[0].page_size = (char *)(uintptr_t) "2MB/../../x";
    expect_plan(4, &(struct oci_resources){.hugepage_limits = {pages, 1, 1}}, &v2_view,
                "error: hugepageLimits: '2MB/../../x' is no page size");
    expect_plan(5, &(struct oci_resources){.network = &network}, &v1_view,
                "net_cls.classid=1048577; net_prio.ifpriomap=eth0 5");
    expect_plan(6, &(struct oci_resources){.network = &network}, &v2_view,
                "(network class, network priority)");
    priorities[0].name = (char *)(uintptr_t) "a b";
    expect_plan(7, &(struct oci_resources){.network = &network}, &v1_view,
                "error: network.priorities: 'a b' is no interface");
    expect_plan(8, &(struct oci_resources){.rdma = {rdma, 2, 2}}, &v2_view,
                "rdma.max=mlx5_1 hca_handle=3 hca_object=10000; rdma.max=mlx4_0 hca_object=1000");
    rdma[1].device = (char *)(uintptr_t) "x\ny";
    expect_plan(9, &(struct oci_resources){.rdma = {rdma, 2, 2}}, &v2_view,
                "error: rdma: 'x?y' is no device");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shares_become_weights),
        cmocka_unit_test(limits_become_writes_in_order),
        cmocka_unit_test(updates_keep_what_is_not_given),
        cmocka_unit_test(devices_have_limits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
