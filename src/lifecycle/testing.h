/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * What the tests of the state directory share: a root of states on tmpfs, containers in it that are
 * states only, processes that work on them. Included by test programs only.
 */
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/str.h"
#include "base/strv.h"
#include "lifecycle/state.h"
#include "sys/file.h"
#include "sys/process.h"

#define CONFIG                                                                                     \
    "{\"ociVersion\":\"1.0.0\",\"root\":{\"path\":\"r\"},\"process\":{\"cwd\":\"/\",\"args\":"     \
    "[\"true\"]},\"linux\":{}}"

static char place[64];
static struct lifecycle_config config = {.root = place};

static inline int make_place(void **state)
{
    (void)state;
    snprintf(place, sizeof(place), "/dev/shm/dhow-lifecycle-XXXXXX");
    return mkdtemp(place) ? 0 : -1;
}

static inline int remove_place(void **state)
{
    (void)state;
    return sys_remove_tree(AT_FDCWD, place);
}

static inline void ok(int r, const struct err *e)
{
    if (r < 0)
        fail_msg("%s: %s", err_kind_name(e->kind), e->msg);
}

static inline void assert_error(const struct err *e, enum err_kind kind, const char *part)
{
    assert_string_equal(err_kind_name(e->kind), err_kind_name(kind));
    if (!strstr(e->msg, part))
        fail_msg("'%s' is not in '%s'", part, e->msg);
}

/* A state with something in each field. */
static inline void fill(struct lifecycle_state *s, const char *id)
{
    struct cgroup_place group = {alloc_strdup("unified"), alloc_strdup("/a/b"), CGROUP_HOLD_MADE};
    char boot[37];

    assert_int_equal(sys_boot_id(boot), 0);
    *s = (struct lifecycle_state){
        .oci_version = alloc_strdup("1.2.0"),
        .id = alloc_strdup(id),
        .bundle = alloc_strdup("/a bundle/with \"quotes\"\nand lines"),
        .rootfs = alloc_strdup("/root\xc3\xa9"),
        .created = alloc_strdup("2026-01-02T03:04:05.000000006Z"),
        .owner = 4294967294u,
        .cgroup = {.manager = CGROUP_MANAGER_CGROUPFS, .path = alloc_strdup("/a/b")},
        .pid = getpid(),
        .boot_id = alloc_strdup(boot),
    };
    assert_int_equal(sys_process_start_time(getpid(), &s->start_ticks), 0);
    strv_add(&s->annotations, "key=a=b");
    vec_push(&s->cgroup.places, group);
}

/* A container without a group, that nobody has killed yet. */
static inline void plant(const char *id, struct lifecycle_state *s)
{
    auto_state_dir d = STATE_DIR_NONE;
    struct err e = {0};

    fill(s, id);
    cgroup_id_done(&s->cgroup);
    ok(state_dir_make(&config, id, &d, &e), &e);
    ok(state_write_config(&d, CONFIG, strlen(CONFIG), &e), &e);
    ok(state_write(&d, s, &e), &e);
}

static inline void write_file(const char *id, const char *name, const char *text, size_t len)
{
    auto_free char *path = alloc_printf("%s/%s/%s", place, id, name);

    assert_int_equal(sys_write_file_atomic(AT_FDCWD, path, text, len, 0600, 0), 0);
}

static inline bool exists(const char *id, const char *name)
{
    auto_free char *path = alloc_printf("%s/%s/%s", place, id, name);
    struct stat st;

    return sys_lstat(AT_FDCWD, path, &st) == 0;
}

static inline void remove_state(const char *id)
{
    auto_state_dir d = STATE_DIR_NONE;
    struct err e = {0};

    ok(state_dir_open(&config, id, STATE_DIR_LOCK, &d, &e), &e);
    ok(state_dir_remove(&d, &e), &e);
    assert_false(exists(id, ""));
}

/* ---- processes ---- */

/* Runs in a child; its exit code is what it returns. */
static inline pid_t begin(int (*run)(void *context), void *context)
{
    pid_t pid = fork();

    assert_true(pid >= 0);
    if (pid == 0)
        _exit(run(context));
    return pid;
}

static inline int end(pid_t pid)
{
    int status;

    assert_int_equal(waitpid(pid, &status, 0), pid);
    return sys_exit_code_of_status(status);
}
