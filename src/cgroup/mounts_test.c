/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/str.h"
#include "cgroup/cgroup_private.h"

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
         "/sys/fs/cgroup/cpu,cpuacct", 1u << CGROUP_CPU | 1u << CGROUP_CPUACCT},
        {V1("33", "memory", "memory") V2("/sys/fs/cgroup/unified"), CGROUP_HYBRID, 2,
         "/sys/fs/cgroup/memory", 1u << CGROUP_MEMORY},
        {V1("33", "systemd", "xattr,name=systemd") V2("/sys/fs/cgroup"), CGROUP_V2, 2,
         "/sys/fs/cgroup/systemd", 1u << CGROUP_SYSTEMD},
        /* the lesser hierarchies do not make a system v1 */
        {V1("33", "cpuacct", "cpuacct"), CGROUP_NONE, 1, "/sys/fs/cgroup/cpuacct",
         1u << CGROUP_CPUACCT},
        {V1("33", "net_cls", "net_cls") V2("/sys/fs/cgroup"), CGROUP_V2, 2,
         "/sys/fs/cgroup/net_cls", 1u << CGROUP_NET_CLS},
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
        {"s.slice:dhow:x", "s.slice:dhow:x"},
        {NULL, NULL},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        auto_free char *clean = cgroup_path_clean(rows[i].path, NULL);

        if (!str_equal(clean, rows[i].clean))
            fail_msg("'%s' gives '%s'", rows[i].path, clean);
    }
}

static void relative_paths_begin_at_the_callers_group(void **state)
{
    static const char proc[] = "9:name=systemd:/user.slice\n4:memory:/docker/1/inner\n"
                               "3:cpu,cpuacct:/\n2:pids:/dockerish/2\n1:devices:/..\n0::/a/b\n";
    static const struct {
        unsigned controllers; /* 0: v2 */
        const char *root;
        const char *own;
        const char *below_v1;
        const char *below_v2;
    } rows[] = {
        {1u << CGROUP_SYSTEMD, "/", "user.slice", "user.slice/x", "x"},
        {1u << CGROUP_MEMORY, "/", "docker/1/inner", "docker/1/inner/x", "docker/1/x"},
        /* inside a container whose mounts begin at its own group */
        {1u << CGROUP_MEMORY, "/docker/1", "inner", "inner/x", "x"},
        {1u << CGROUP_CPU | 1u << CGROUP_CPUACCT, "/", "", "x", "x"},
        {1u << CGROUP_CPU, "/", NULL, "x", "x"},
        {1u << CGROUP_PIDS, "/docker", "dockerish/2", "dockerish/2/x", "dockerish/x"},
        {1u << CGROUP_DEVICES, "/", "", "x", "x"},
        {0, "/", "a/b", "a/b/x", "a/x"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct cgroup_mount m = {.root = (char *)(uintptr_t)rows[i].root,
                                 .controllers = rows[i].controllers,
                                 .is_v2 = rows[i].controllers == 0};
        auto_free char *own = cgroup_path_in(proc, &m);
        auto_free char *v1 = cgroup_path_below(own ? own : "", "x", CGROUP_HYBRID);
        auto_free char *v2 = cgroup_path_below(own ? own : "", "x", CGROUP_V2);

        if (!str_equal(own, rows[i].own) || !str_equal(v1, rows[i].below_v1) ||
            !str_equal(v2, rows[i].below_v2))
            fail_msg("row %zu: '%s' '%s' '%s'", i, own, v1, v2);
    }
}

static void a_hierarchy_has_a_name(void **state)
{
    static const struct {
        struct cgroup_mount mount;
        const char *name;
    } rows[] = {{{.is_v2 = true}, "unified"},
                {{.controllers = 1u << CGROUP_CPU | 1u << CGROUP_CPUACCT}, "cpu,cpuacct"},
                {{.controllers = 1u << CGROUP_IO}, "blkio"},
                {{.controllers = 1u << CGROUP_SYSTEMD}, "systemd"}};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        auto_free char *name = cgroup_mount_name(&rows[i].mount);

        assert_string_equal(name, rows[i].name);
        assert_true(cgroup_mount_has_name(&rows[i].mount, name));
    }
    assert_int_equal(cgroup_controllers_parse_v2("cpu io nonsense\npids"),
                     1u << CGROUP_CPU | 1u << CGROUP_IO);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mountinfo_tells_the_mode),
        cmocka_unit_test(paths_stay_beneath_the_root),
        cmocka_unit_test(relative_paths_begin_at_the_callers_group),
        cmocka_unit_test(a_hierarchy_has_a_name),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
