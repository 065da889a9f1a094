/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The pure half (mountinfo, paths, writes, device rules) runs anywhere. The rest needs root and a
 * mounted hierarchy, and skips with a word otherwise; it works in groups of its own only, and on a
 * pure v2 view by: unshare -m sh -c 'umount -R /sys/fs/cgroup; mount -t cgroup2 none
 * /sys/fs/cgroup; exec runtime_cgroup_test'.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/str.h"
#include "base/strv.h"
#include "cgroup/cgroup.h"
#include "cgroup/cgroup_private.h"
#include "sys/file.h"
#include "sys/process.h"

DEFINE_AUTO_PTR(struct cgroup, cgroup, cgroup_free);

/* Pure */

#define V1(id, name, options)                                                                      \
    id " 31 0:" id " / /sys/fs/cgroup/" name " rw,nosuid shared:9 - cgroup cgroup rw," options "\n"
#define V2(point) "41 31 0:38 / " point " rw,relatime - cgroup2 cgroup2 rw\n"

static void mountinfo_tells_the_mode(void **state)
{
    static const struct {
        const char *text;
        enum cgroup_mode mode;
        size_t n;
        const char *first_point;
        unsigned first_controllers;
    } rows[] = {
        {"", CGROUP_NONE, 0, NULL, 0},
        {"22 1 8:1 / / rw - ext4 /dev/root rw\n", CGROUP_NONE, 0, NULL, 0},
        {V2("/sys/fs/cgroup"), CGROUP_V2, 1, "/sys/fs/cgroup", 0},
        {V2("/a\\040b"), CGROUP_V2, 1, "/a b", 0},
        {V2("/sys/fs/cgroup") V2("/other"), CGROUP_V2, 1, "/sys/fs/cgroup", 0},
        {V1("33", "cpu,cpuacct", "cpu,cpuacct") V1("34", "pids", "pids"), CGROUP_V1, 2,
         "/sys/fs/cgroup/cpu,cpuacct", 1u << CGROUP_CPU},
        {V1("33", "memory", "memory") V2("/sys/fs/cgroup/unified"), CGROUP_HYBRID, 2,
         "/sys/fs/cgroup/memory", 1u << CGROUP_MEMORY},
        {V1("33", "systemd", "xattr,name=systemd") V2("/sys/fs/cgroup"), CGROUP_V2, 2,
         "/sys/fs/cgroup/systemd", 1u << CGROUP_SYSTEMD},
        {V1("33", "cpuacct", "cpuacct"), CGROUP_NONE, 0, NULL, 0},
        {"33 31 0:33 /docker/1 /sys/fs/cgroup/pids rw - cgroup cgroup rw,pids", CGROUP_V1, 1,
         "/sys/fs/cgroup/pids", 1u << CGROUP_PIDS},
        {"33 31 - cgroup cgroup rw,pids\n - cgroup\n1 - cgroup2 x", CGROUP_NONE, 0, NULL, 0},
        {"22 1 8:1 / /x - cgroupish rw - cgroupfs x rw\n", CGROUP_NONE, 0, NULL, 0},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        DHOW_CLEANUP(cgroup_mounts_done) struct cgroup_mounts m;

        cgroup_mounts_parse(rows[i].text, &m);
        if (m.mode != rows[i].mode || m.n != rows[i].n)
            fail_msg("row %zu: mode %d, %zu mounts", i, m.mode, m.n);
        if (rows[i].first_point) {
            assert_string_equal(m.items[0].point, rows[i].first_point);
            assert_int_equal(m.items[0].controllers, rows[i].first_controllers);
        }
    }
    assert_string_equal(cgroup_mode_name(CGROUP_HYBRID), "v1");
}

static void paths_stay_beneath_the_root(void **state)
{
    static const struct {
        const char *path;
        const char *clean; /* NULL: refused */
    } rows[] = {
        {"/dhow/x", "dhow/x"},
        {"dhow//x/", "dhow/x"},
        {"/./dhow/./x", "dhow/x"},
        {"/a..b", "a..b"},
        {"/a:b", "a:b"},
        {"", NULL},
        {"/", NULL},
        {"//./", NULL},
        {"..", NULL},
        {"/dhow/../..", NULL},
        {"/dhow/..", NULL},
        {"/dhow/\n", NULL},
        {"s.slice:dhow:x", NULL},
        {NULL, NULL},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        auto_free char *clean = cgroup_path_clean(rows[i].path, NULL);

        if (!str_equal(clean, rows[i].clean))
            fail_msg("'%s' gives '%s'", rows[i].path, clean);
    }
}

static void shares_become_weights(void **state)
{
    static const uint64_t rows[][2] = {{0, 1},    {2, 1},          {1024, 39},
                                       {512, 20}, {262144, 10000}, {UINT64_MAX, 10000}};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        assert_int_equal(cgroup_weight_of_shares(rows[i][0]), rows[i][1]);
}

static char *writes_text(const struct cgroup_writes *w)
{
    struct str s = STR_INIT(4096);

    VEC_FOREACH (write, &w->list)
        str_addf(&s, "%s%s=%s", s.len ? "; " : "", write->file, write->text);
    if (w->warnings)
        str_addf(&s, " (%zu)", strv_len(w->warnings));
    return str_take(&s);
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
         .v2 = "memory.max=100; memory.swap.max=200"},
        {.memory = {.limit = {true, 100}, .swap = {true, 100}},
         .v1 = "memory.limit_in_bytes=100; memory.memsw.limit_in_bytes=100",
         .v2 = "memory.max=100; memory.swap.max=0"},
        {.memory = {.limit = {true, -1}, .swap = {true, -1}},
         .v1 = "memory.limit_in_bytes=-1; memory.memsw.limit_in_bytes=-1",
         .v2 = "memory.max=max; memory.swap.max=max"},
        {.memory = {.limit = {true, 0}, .swap = {true, 0}}, .v1 = "", .v2 = ""},
        {.memory = {.reservation = {true, 50}, .swappiness = {true, 0}, .disable_oom_killer = true},
         .v1 = "memory.soft_limit_in_bytes=50; memory.swappiness=0; memory.oom_control=1",
         .v2 = "memory.low=50 (2)"},
        {.cpu = {.shares = {true, 1024}, .quota = {true, 50000}, .period = {true, 200000}},
         .v1 = "cpu.shares=1024; cpu.cfs_period_us=200000; cpu.cfs_quota_us=50000",
         .v2 = "cpu.weight=39; cpu.max=50000 200000"},
        {.cpu = {.quota = {true, 50000}},
         .v1 = "cpu.cfs_quota_us=50000",
         .v2 = "cpu.max=50000 100000"},
        {.cpu = {.quota = {true, -1}}, .v1 = "cpu.cfs_quota_us=-1", .v2 = "cpu.max=max 100000"},
        {.cpu = {.period = {true, 5000}}, .v1 = "cpu.cfs_period_us=5000", .v2 = "cpu.max=max 5000"},
        {.cpu = {.cpus = (char *)"0-1", .mems = (char *)"0"},
         .v1 = "cpuset.cpus=0-1; cpuset.mems=0",
         .v2 = "cpuset.cpus=0-1; cpuset.mems=0"},
        {.pids = 7, .v1 = "pids.max=7", .v2 = "pids.max=7"},
        {.pids = -1, .v1 = "", .v2 = ""},
        {.unified = "memory.high=5", .v1 = " (1)", .v2 = "memory.high=5"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct oci_memory memory = rows[i].memory;
        struct oci_cpu cpu = rows[i].cpu;
        struct oci_pids pids = {{true, rows[i].pids}};
        char *unified[] = {(char *)rows[i].unified, NULL};
        struct oci_resources r = {.memory = &memory,
                                  .cpu = &cpu,
                                  .pids = &pids,
                                  .unified = unified};
        DHOW_CLEANUP(cgroup_writes_done) struct cgroup_writes w1 = {0}, w2 = {0};
        auto_free char *text1 = NULL, *text2 = NULL;

        cgroup_plan_v1(&r, &w1);
        cgroup_plan_v2(&r, &w2);
        text1 = writes_text(&w1);
        text2 = writes_text(&w2);
        assert_string_equal(text1, rows[i].v1);
        assert_string_equal(text2, rows[i].v2);
    }
}

static const struct oci_device_rule deny_all = {.allow = false, .access = (char *)"rwm"};

static struct oci_device_rule rule(bool allow, const char *type, int64_t major, int64_t minor,
                                   const char *access)
{
    return (struct oci_device_rule){.allow = allow,
                                    .type = (char *)type,
                                    .major = {true, major},
                                    .minor = {true, minor},
                                    .access = (char *)access};
}

/* What the kernel does with the program; the instructions are those that the compiler emits. */
static int run_program(const struct bpf_insn *p, size_t n, char type, unsigned access,
                       uint32_t major, uint32_t minor)
{
    struct bpf_cgroup_dev_ctx ctx = {access << 16 |
                                         (type == 'b' ? BPF_DEVCG_DEV_BLOCK : BPF_DEVCG_DEV_CHAR),
                                     major, minor};
    uint64_t reg[6] = {0};

    for (size_t pc = 0; pc < n; pc++) {
        const struct bpf_insn *i = &p[pc];
        uint32_t word;

        switch (i->code) {
        case BPF_LDX | BPF_MEM | BPF_W:
            memcpy(&word, (const char *)&ctx + i->off, 4);
            reg[i->dst_reg] = word;
            break;
        case BPF_ALU | BPF_MOV | BPF_X:
            reg[i->dst_reg] = (uint32_t)reg[i->src_reg];
            break;
        case BPF_ALU | BPF_AND | BPF_K:
            reg[i->dst_reg] = (uint32_t)reg[i->dst_reg] & (uint32_t)i->imm;
            break;
        case BPF_ALU | BPF_RSH | BPF_K:
            reg[i->dst_reg] = (uint32_t)reg[i->dst_reg] >> i->imm;
            break;
        case BPF_ALU64 | BPF_MOV | BPF_K:
            reg[i->dst_reg] = (uint64_t)(int64_t)i->imm;
            break;
        case BPF_JMP | BPF_JNE | BPF_K:
            if (reg[i->dst_reg] != (uint64_t)(int64_t)i->imm)
                pc += (size_t)i->off;
            break;
        case BPF_JMP | BPF_JEQ | BPF_K:
            if (reg[i->dst_reg] == (uint64_t)(int64_t)i->imm)
                pc += (size_t)i->off;
            break;
        case BPF_JMP | BPF_EXIT:
            return (int)reg[0];
        default:
            fail_msg("instruction %zu: code %#x", pc, i->code);
        }
    }
    fail_msg("the program does not end");
    return -1;
}

#define R BPF_DEVCG_ACC_READ
#define W BPF_DEVCG_ACC_WRITE
#define M BPF_DEVCG_ACC_MKNOD

static void the_last_device_rule_decides(void **state)
{
    const struct {
        struct oci_device_rule rules[3];
        char type;
        unsigned access, major, minor;
        int want;
    } rows[] = {
        {{deny_all}, 'c', R | W, 1, 3, 1},
        {{deny_all}, 'c', R | W, 136, 77, 1},
        {{deny_all}, 'c', R, 1, 1, 0}, /* /dev/mem */
        {{deny_all}, 'b', R, 8, 0, 0},
        {{deny_all}, 'b', M, 8, 0, 1},
        {{deny_all}, 'b', M | R, 8, 0, 0},
        {{deny_all, rule(true, "b", 8, -1, "r")}, 'b', R, 8, 5, 1},
        {{deny_all, rule(true, "b", 8, -1, "r")}, 'b', R | W, 8, 5, 0},
        {{deny_all, rule(true, "b", 8, -1, "r"), rule(true, "b", 8, 5, "w")}, 'b', R | W, 8, 5, 1},
        {{deny_all, rule(true, "b", 8, -1, "rw"), rule(false, "b", 8, 5, "w")}, 'b', R, 8, 5, 1},
        {{deny_all, rule(true, "b", 8, -1, "rw"), rule(false, "b", 8, 5, "w")},
         'b',
         R | W,
         8,
         5,
         0},
        {{deny_all, rule(true, "c", 10, 229, NULL)}, 'c', R | W | M, 10, 229, 1},
        {{deny_all, rule(true, "c", 10, 229, NULL)}, 'b', R, 10, 229, 0},
        {{deny_all, rule(true, "a", 10, 229, "r")}, 'b', R, 10, 229, 1},
        {{rule(true, "a", -1, -1, "rwm"), rule(false, "b", 8, 0, "rw")}, 'b', W, 8, 1, 1},
        {{rule(true, "a", -1, -1, "rwm"), rule(false, "b", 8, 0, "rw")}, 'b', W, 8, 0, 0},
        {{rule(true, "a", -1, -1, "rwm"), deny_all}, 'b', W, 8, 0, 0},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct oci_resources r = {0};
        DHOW_CLEANUP(device_rules_done) struct device_rules d = {0};
        auto_free struct bpf_insn *program = NULL;
        size_t n;

        for (size_t k = 0; k < 3 && (k == 0 || rows[i].rules[k].access || rows[i].rules[k].type);
             k++)
            vec_push(&r.devices, rows[i].rules[k]);
        device_rules_make(&r, &d);
        vec_done(&r.devices);
        assert_false(d.allows_all);
        program = device_rules_program(&d, &n);
        if (run_program(program, n, rows[i].type, rows[i].access, rows[i].major, rows[i].minor) !=
            rows[i].want)
            fail_msg("row %zu", i);
    }
}

static void device_rules_have_a_text(void **state)
{
    static const struct {
        struct device_rule rule;
        const char *text;
    } rows[] = {{{'c', true, 1, 3, R | W | M}, "c 1:3 rwm"},
                {{'b', true, -1, -1, M}, "b *:* m"},
                {{'c', false, 136, -1, R | W}, "c 136:* rw"}};
    struct oci_device_rule everything = {.allow = true};
    struct oci_resources r = {.devices = {&everything, 1, 1}};
    struct device_rules d;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        auto_free char *text = device_rule_text(&rows[i].rule);

        assert_string_equal(text, rows[i].text);
    }
    device_rules_make(&r, &d);
    assert_true(d.allows_all);
    device_rules_done(&d);
    device_rules_make(NULL, &d);
    assert_false(d.allows_all);
    assert_true(d.list.len > 5);
    device_rules_done(&d);
}

/* With the kernel. Each test has a group /dhow-test-PID/NAME. */

static char *group_path(const char *name)
{
    return alloc_printf("/dhow-test-%d/%s", (int)getpid(), name);
}

static bool can_make_groups(void)
{
    auto_free char *path = group_path("probe");
    struct oci_device_rule everything = {.allow = true};
    struct oci_resources r = {.devices = {&everything, 1, 1}};
    DHOW_CLEANUP(cgroup_auto) struct cgroup *g = NULL;
    struct err e = {0};

    if (geteuid() != 0 || cgroup_detect() == CGROUP_NONE) {
        print_message("needs root and mounted control groups\n");
        return false;
    }
    if (cgroup_create(path, &r, &g, NULL, &e) < 0) {
        print_message("cannot make groups here: %s\n", e.msg);
        return false;
    }
    assert_int_equal(cgroup_remove(path, NULL), 0);
    return true;
}

static struct cgroup *create(const char *path, const struct oci_resources *r, char ***ret_warnings)
{
    struct cgroup *g = NULL;
    struct err e = {0};

    if (cgroup_create(path, r, &g, ret_warnings, &e) < 0)
        fail_msg("%s", e.msg);
    return g;
}

/* A child in the group that runs `body` and exits with its result. */
static pid_t run_inside(const struct cgroup *g, int (*body)(void))
{
    struct sys_clone_args args = {.cgroup_fd = cgroup_clone_fd(g)};
    struct err e = {0};
    int go[2];
    pid_t pid;

    assert_int_equal(pipe2(go, O_CLOEXEC), 0);
    pid = sys_clone(&args);
    assert_true(pid >= 0);
    if (pid == 0) {
        char c;

        close(go[1]);
        if (read(go[0], &c, 1) != 1)
            _exit(99);
        _exit(body());
    }
    if (cgroup_attach(g, pid, &e) < 0)
        fail_msg("%s", e.msg);
    close(go[0]);
    assert_int_equal(write(go[1], "x", 1), 1);
    close(go[1]);
    return pid;
}

static int wait_status(pid_t pid)
{
    int status = 0;

    assert_int_equal(sys_wait(pid, &status), 0);
    return status;
}

/* Forks until it cannot; the children stay. */
static int count_forks(void)
{
    for (int i = 0; i < 50; i++) {
        pid_t pid = fork();

        if (pid < 0)
            return errno == EAGAIN ? i : 98;
        if (pid == 0) {
            pause();
            _exit(0);
        }
    }
    return 97;
}

static void a_pids_limit_limits_and_removal_kills(void **state)
{
    auto_free char *path = group_path("pids");
    struct oci_pids pids = {{true, 5}};
    struct oci_resources r = {.pids = &pids};
    DHOW_CLEANUP(cgroup_auto) struct cgroup *g = NULL, *again = NULL;
    auto_strv warnings = NULL;
    auto_free pid_t *list = NULL;
    struct err e = {0};
    uint64_t started[4];
    size_t n;
    pid_t pid;

    (void)state;
    if (!can_make_groups())
        skip();
    g = create(path, &r, &warnings);
    if (warnings) { /* a v2 tree without controllers */
        assert_non_null(strstr(warnings[0], "pids limit"));
        assert_non_null(strstr(warnings[0], "limitation discarded"));
        assert_int_equal(cgroup_remove(path, NULL), 0);
        return;
    }
    pid = run_inside(g, count_forks);
    assert_int_equal(WEXITSTATUS(wait_status(pid)), 4); /* itself is the fifth */
    assert_int_equal(cgroup_pids(g, &list, &n, NULL), 0);
    assert_int_equal(n, 4);
    for (size_t i = 0; i < n; i++)
        assert_int_equal(sys_process_start_time(list[i], &started[i]), 0);
    /* in use: not replaced */
    assert_int_equal(cgroup_create(path, NULL, &again, NULL, &e), -1);
    assert_int_equal(e.kind, ERR_CONFLICT);
    if (cgroup_remove(path, &e) < 0)
        fail_msg("%s", e.msg);
    for (size_t i = 0; i < n; i++)
        assert_int_equal(sys_process_is_alive(list[i], started[i]), 0);
    assert_int_equal(cgroup_open(path, &again, &e), -1);
    assert_int_equal(e.kind, ERR_NOT_FOUND);
    assert_int_equal(cgroup_remove(path, NULL), 0); /* again: nothing to do */
}

static int allocate_too_much(void)
{
    size_t size = 128u << 20;
    char *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (p == MAP_FAILED)
        return 98;
    for (size_t i = 0; i < size; i += 4096)
        p[i] = 1;
    return 97;
}

static void a_memory_limit_kills_and_is_noticed(void **state)
{
    auto_free char *path = group_path("memory");
    struct oci_memory memory = {.limit = {true, 24 << 20}, .swap = {true, 24 << 20}};
    struct oci_resources r = {.memory = &memory};
    DHOW_CLEANUP(cgroup_auto) struct cgroup *g = NULL;
    auto_strv warnings = NULL;
    auto_fd int oom = FD_NONE;
    uint64_t kills = 99;
    char text[256] = {0};
    int status;

    (void)state;
    if (!can_make_groups())
        skip();
    g = create(path, &r, &warnings);
    oom = cgroup_oom_fd(g);
    if (warnings && oom < 0) {
        assert_non_null(strstr(warnings[0], "memory limit"));
        assert_int_equal(cgroup_oom_kills(g, &kills), -ENOENT);
        assert_int_equal(cgroup_remove(path, NULL), 0);
        return;
    }
    assert_true(oom >= 0);
    assert_int_equal(cgroup_oom_kills(g, &kills), 0);
    assert_int_equal(kills, 0);
    status = wait_status(run_inside(g, allocate_too_much));
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGKILL);
    assert_int_equal(cgroup_oom_kills(g, &kills), 0);
    assert_true(kills >= 1);
    assert_true(pread(oom, text, sizeof(text) - 1, 0) > 0);
    assert_non_null(strstr(text, "oom_kill 1"));
    assert_int_equal(cgroup_remove(path, NULL), 0);
}

/* Counts in shared memory: a frozen one does not get on. */
static volatile uint64_t *counter;
static int count_forever(void)
{
    while (*counter != UINT64_MAX)
        ++*counter;
    return 0;
}

static void wait_a_little(void)
{
    struct timespec t = {.tv_nsec = 20000000};

    nanosleep(&t, NULL);
}

static bool is_counting(void)
{
    uint64_t before = *counter;

    for (int i = 0; i < 250 && *counter == before; i++)
        wait_a_little();
    return *counter != before;
}

static void frozen_processes_stand_still_and_still_die(void **state)
{
    auto_free char *path = group_path("freeze");
    DHOW_CLEANUP(cgroup_auto) struct cgroup *g = NULL;
    struct err e = {0};
    uint64_t stopped;
    pid_t pid;

    (void)state;
    if (!can_make_groups())
        skip();
    counter = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(counter != MAP_FAILED);
    g = create(path, NULL, NULL);
    pid = run_inside(g, count_forever);
    assert_true(is_counting());
    if (cgroup_freeze(g, true, &e) < 0)
        fail_msg("%s", e.msg);
    stopped = *counter;
    wait_a_little();
    assert_true(*counter == stopped);
    assert_int_equal(cgroup_freeze(g, false, NULL), 0);
    assert_true(is_counting());
    assert_int_equal(cgroup_freeze(g, true, NULL), 0);
    if (cgroup_remove(path, &e) < 0)
        fail_msg("%s", e.msg);
    assert_int_equal(WTERMSIG(wait_status(pid)), SIGKILL);
    munmap((void *)counter, 4096);
}

/* 0, or which of its expectations failed */
static int try_devices(void)
{
    int fd;

    if ((fd = open("/dev/null", O_RDWR | O_CLOEXEC)) < 0)
        return 1;
    close(fd);
    if ((fd = open("/dev/urandom", O_RDONLY | O_CLOEXEC)) < 0)
        return 2;
    close(fd);
    if (open("/dev/kmsg", O_RDONLY | O_CLOEXEC) >= 0 || errno != EPERM)
        return 3;
    (void)unlink("/dev/shm/dhow-test-node");
    if (mknod("/dev/shm/dhow-test-node", S_IFCHR | 0600, makedev(1, 11)) < 0)
        return 4;
    fd = open("/dev/shm/dhow-test-node", O_RDONLY | O_CLOEXEC);
    (void)unlink("/dev/shm/dhow-test-node");
    return fd >= 0 ? 5 : 0;
}

static int open_kmsg(void)
{
    return open("/dev/kmsg", O_RDONLY | O_CLOEXEC) < 0;
}

static void devices_are_restricted(void **state)
{
    auto_free char *path = group_path("devices");
    DHOW_CLEANUP(cgroup_auto) struct cgroup *g = NULL, *open_group = NULL;
    struct oci_device_rule kmsg = rule(true, "c", 1, 11, "r");
    struct oci_resources r = {.devices = {&kmsg, 1, 1}};
    auto_strv warnings = NULL;

    (void)state;
    if (!can_make_groups())
        skip();
    if (access("/dev/kmsg", R_OK) < 0 || access("/dev/shm", W_OK) < 0) {
        print_message("needs /dev/kmsg and /dev/shm\n");
        skip();
    }
    g = create(path, NULL, &warnings);
    assert_null(warnings);
    assert_int_equal(WEXITSTATUS(wait_status(run_inside(g, try_devices))), 0);
    assert_int_equal(cgroup_remove(path, NULL), 0);
    open_group = create(path, &r, NULL);
    assert_int_equal(WEXITSTATUS(wait_status(run_inside(open_group, open_kmsg))), 0);
    assert_int_equal(cgroup_remove(path, NULL), 0);
}

static void a_cpuset_holds(void **state)
{
    auto_free char *path = group_path("cpuset");
    struct oci_cpu cpu = {.cpus = (char *)"0", .shares = {true, 512}, .quota = {true, 50000}};
    struct oci_resources r = {.cpu = &cpu};
    DHOW_CLEANUP(cgroup_auto) struct cgroup *g = NULL;
    auto_strv warnings = NULL;
    auto_free char *text = NULL;
    int dirfd;
    size_t n;

    (void)state;
    if (!can_make_groups())
        skip();
    g = create(path, &r, &warnings);
    dirfd = cgroup_controller_fd(g, CGROUP_CPUSET);
    if (dirfd < 0) {
        assert_true(g->mounts.mode == CGROUP_V2 || warnings);
    } else {
        assert_int_equal(sys_read_file(dirfd, "cpuset.cpus", 100, &text, &n), 0);
        assert_string_equal(text, "0\n");
        /* a process can enter: the memory nodes were inherited */
        assert_int_equal(WEXITSTATUS(wait_status(run_inside(g, open_kmsg))) & ~1, 0);
    }
    assert_int_equal(cgroup_remove(path, NULL), 0);
}

static void a_refused_value_is_an_error_and_leaves_nothing(void **state)
{
    auto_free char *path = group_path("refused");
    struct oci_cpu cpu = {.cpus = (char *)"900-901"};
    struct oci_resources r = {.cpu = &cpu};
    DHOW_CLEANUP(cgroup_auto) struct cgroup *g = NULL;
    struct err e = {0};

    (void)state;
    if (!can_make_groups())
        skip();
    if (cgroup_detect() == CGROUP_V2)
        skip(); /* the controller may not be there */
    assert_int_equal(cgroup_create(path, &r, &g, NULL, &e), -1);
    assert_non_null(strstr(e.msg, "cpuset.cpus"));
    assert_int_equal(cgroup_open(path, &g, &e), -1);
    assert_int_equal(e.kind, ERR_NOT_FOUND);
}

/* Groups below, which a container may make, go with it; the caller's own group never does. */
static void removal_goes_down_and_spares_the_caller(void **state)
{
    auto_free char *path = group_path("deep");
    auto_free char *inner = group_path("deep/a/b");
    DHOW_CLEANUP(cgroup_auto) struct cgroup *g = NULL, *below = NULL;
    struct err e = {0};
    int status;
    pid_t pid, prober;

    (void)state;
    if (!can_make_groups())
        skip();
    g = create(path, NULL, NULL);
    below = create(inner, NULL, NULL);
    counter = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    pid = run_inside(below, count_forever);
    prober = fork();
    if (prober == 0) {
        struct err inside = {0};

        if (cgroup_attach(g, getpid(), &inside) < 0)
            _exit(1);
        _exit(cgroup_remove(path, &inside) == 0 || inside.kind != ERR_CONFLICT);
    }
    assert_int_equal(sys_wait(prober, &status), 0);
    assert_int_equal(status, 0);
    assert_true(is_counting());
    if (cgroup_remove(path, &e) < 0)
        fail_msg("%s", e.msg);
    assert_int_equal(WTERMSIG(wait_status(pid)), SIGKILL);
    munmap((void *)counter, 4096);
}

static int remove_parent(void **state)
{
    auto_free char *path = alloc_printf("/dhow-test-%d", (int)getpid());

    (void)state;
    return geteuid() == 0 ? cgroup_remove(path, NULL) : 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mountinfo_tells_the_mode),
        cmocka_unit_test(paths_stay_beneath_the_root),
        cmocka_unit_test(shares_become_weights),
        cmocka_unit_test(limits_become_writes_in_order),
        cmocka_unit_test(the_last_device_rule_decides),
        cmocka_unit_test(device_rules_have_a_text),
        cmocka_unit_test(a_pids_limit_limits_and_removal_kills),
        cmocka_unit_test(a_memory_limit_kills_and_is_noticed),
        cmocka_unit_test(frozen_processes_stand_still_and_still_die),
        cmocka_unit_test(devices_are_restricted),
        cmocka_unit_test(a_cpuset_holds),
        cmocka_unit_test(a_refused_value_is_an_error_and_leaves_nothing),
        cmocka_unit_test(removal_goes_down_and_spares_the_caller),
    };

    return cmocka_run_group_tests(tests, NULL, remove_parent);
}
