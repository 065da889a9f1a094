/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * What the tests of groups with the kernel share. They need root and a mounted hierarchy, and skip
 * with a word otherwise; they work in groups of their own only. On a pure v2 view: unshare -m sh -c
 * 'umount -R /sys/fs/cgroup; mount -t cgroup2 none /sys/fs/cgroup; exec cgroup_cgroup_test'.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/str.h"
#include "base/strv.h"
#include "cgroup/cgroup_private.h"
#include "sys/file.h"
#include "sys/process.h"

/* Each test has a group /dhow-test-PID/NAME. */

static inline char *group_path(const char *name)
{
    return alloc_printf("/dhow-test-%d/%s", (int)getpid(), name);
}

static inline bool can_make_groups(void)
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
    if (cgroup_create(&(struct cgroup_request){.path = path, .resources = &r}, &g, NULL, &e) < 0) {
        print_message("cannot make groups here: %s\n", e.msg);
        return false;
    }
    assert_int_equal(cgroup_remove(path, NULL), 0);
    return true;
}

static inline struct cgroup *create(const char *path, const struct oci_resources *r,
                                    char ***ret_warnings)
{
    struct cgroup *g = NULL;
    struct err e = {0};

    if (cgroup_create(&(struct cgroup_request){.path = path, .resources = r}, &g, ret_warnings,
                      &e) < 0)
        fail_msg("%s", e.msg);
    return g;
}

/* A child in the group that runs `body` and exits with its result. */
static inline pid_t run_inside(const struct cgroup *g, int (*body)(void))
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

static inline int wait_status(pid_t pid)
{
    int status = 0;

    assert_int_equal(sys_wait(pid, &status), 0);
    return status;
}

static inline int remove_parent(void **state)
{
    auto_free char *path = alloc_printf("/dhow-test-%d", (int)getpid());

    (void)state;
    return geteuid() == 0 ? cgroup_remove(path, NULL) : 0;
}
