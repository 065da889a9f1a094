/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Theory: removing a group is rmdir, and most groups are empty by then. When one is not, all of its
 * processes are killed: v2 does it by one write (cgroup.kill, Linux 5.14), else the group is frozen
 * so that nothing forks, and each process is killed by its pidfd. A pid may have been reused
 * between the listing and pidfd_open: only those that are still listed afterwards are killed. Then
 * rmdir is tried again until the kernel has let go; everything ends within CGROUP_WAIT_MS.
 *
 * A container may have made groups below its own; listing and removing go down, bounded in depth.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/str.h"
#include "base/strv.h"
#include "cgroup/cgroup_private.h"
#include "sys/file.h"
#include "sys/process.h"

#define MAX_DEPTH      64
#define PIDS_MAX_BYTES (64u << 20)
#define FILE_MAX_BYTES 65536

DEFINE_AUTO_PTR(struct cgroup, cgroup, cgroup_free);

struct pids {
    VEC(pid_t) list;
};

static void pids_done(struct pids *p)
{
    vec_done(&p->list);
}

static int64_t now_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void sleep_ms(int ms)
{
    struct timespec t = {.tv_nsec = ms * 1000000L};

    nanosleep(&t, NULL);
}

/* Groups below; kernfs counts them in the link count, so that a leaf costs one stat. */
static int list_groups(int dirfd, char ***ret)
{
    auto_strv names = NULL;
    struct stat st;
    int r = sys_stat(dirfd, "", &st);

    *ret = NULL;
    if (r < 0 || st.st_nlink <= 2)
        return r;
    r = sys_list_dir(dirfd, ".", &names);
    if (r < 0)
        return r;
    STRV_FOREACH (name, names)
        if (sys_stat(dirfd, *name, &st) == 0 && S_ISDIR(st.st_mode))
            strv_add(ret, *name);
    return 0;
}

static int read_pids(int dirfd, struct pids *ret)
{
    auto_free char *text = NULL;
    size_t n;
    char *save = NULL;
    int r = sys_read_file(dirfd, "cgroup.procs", PIDS_MAX_BYTES, &text, &n);

    /* EOPNOTSUPP: a threaded group below; its processes are listed in the group above it */
    if (r < 0)
        return r == -ENOENT || r == -ENODEV || r == -EOPNOTSUPP ? 0 : r;
    for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
        uint64_t pid;

        /* 0 is a process that our pid namespace does not see. */
        if (str_to_u64(line, INT32_MAX, &pid) == 0 && pid > 0)
            vec_push(&ret->list, (pid_t)pid);
    }
    return 0;
}

static int read_tree_pids(int dirfd, int depth, struct pids *ret)
{
    auto_strv groups = NULL;
    int r = read_pids(dirfd, ret);

    if (r < 0 || depth == MAX_DEPTH)
        return r;
    r = list_groups(dirfd, &groups);
    if (r < 0)
        return r == -ENOENT ? 0 : r;
    STRV_FOREACH (name, groups) {
        auto_fd int fd = sys_open(dirfd, *name, O_PATH | O_DIRECTORY | O_NOFOLLOW, 0);

        r = fd < 0 ? 0 : read_tree_pids(fd, depth + 1, ret);
        if (r < 0)
            return r;
    }
    return 0;
}

/* The hierarchy that knows the group's processes best. */
static int listing_fd(const struct cgroup *g)
{
    int fd = cgroup_v2_fd(g);

    if (fd < 0)
        fd = cgroup_controller_fd(g, CGROUP_FREEZER);
    return fd < 0 && g->n ? g->dirs[0].fd : fd;
}

int cgroup_pids(const struct cgroup *g, pid_t **ret_pids, size_t *ret_n, struct err *e)
{
    struct pids pids = {0};
    int fd = listing_fd(g);
    int r = fd < 0 ? 0 : read_tree_pids(fd, 0, &pids);

    if (r < 0) {
        pids_done(&pids);
        return err_sys(e, r, "cgroup '%s': list its processes", g->path);
    }
    *ret_pids = pids.list.items;
    *ret_n = pids.list.len;
    return 0;
}

/* Freezing */

/* Waits until FILE of the directory has LINE, which poll(2) announces on v2. */
static int wait_for_line(int dirfd, const char *file, const char *line, int64_t deadline)
{
    auto_fd int fd = sys_open(dirfd, file, O_RDONLY, 0);

    if (fd < 0)
        return fd;
    for (;;) {
        struct pollfd p = {.fd = fd, .events = POLLPRI};
        char text[256];
        /* What cgroup.events and freezer.state hold is shorter. */
        ssize_t n = pread(fd, text, sizeof(text) - 1, 0);
        int64_t left = deadline - now_ms();
        auto_strv lines = NULL;

        if (n < 0)
            return -errno;
        text[n] = 0;
        lines = strv_split(text, '\n');
        if (strv_has(lines, line))
            return 0;
        if (left <= 0)
            return -ETIMEDOUT;
        /* v1's files announce nothing: look again soon. */
        if (strcmp(file, "cgroup.events") == 0)
            (void)poll(&p, 1, (int)MIN(left, (int64_t)100));
        else
            sleep_ms(1);
    }
}

int cgroup_freeze(const struct cgroup *g, bool frozen, struct err *e)
{
    int v2 = cgroup_v2_fd(g), v1 = cgroup_controller_fd(g, CGROUP_FREEZER);
    int64_t deadline = now_ms() + CGROUP_WAIT_MS;
    int r = -ENOENT;

    if (v2 >= 0)
        r = sys_write_existing(v2, "cgroup.freeze", frozen ? "1" : "0");
    if (r == 0)
        r = wait_for_line(v2, "cgroup.events", frozen ? "frozen 1" : "frozen 0", deadline);
    else if (r == -ENOENT && v1 >= 0) {
        const char *state = frozen ? "FROZEN" : "THAWED";

        r = sys_write_existing(v1, "freezer.state", state);
        if (r == 0)
            r = wait_for_line(v1, "freezer.state", state, deadline);
    }
    if (r == -ENOENT)
        return err_set(e, ERR_UNSUPPORTED, "cgroup '%s': this kernel cannot freeze it", g->path);
    if (r < 0 && frozen) {
        /* Half frozen is worse than not. */
        (void)(v2 >= 0 ? sys_write_existing(v2, "cgroup.freeze", "0")
                       : sys_write_existing(v1, "freezer.state", "THAWED"));
    }
    return r < 0 ? err_sys(e, r, "cgroup '%s': %s it", g->path, frozen ? "freeze" : "thaw") : 0;
}

/* Killing */

static bool has_pid(const struct pids *p, pid_t pid)
{
    VEC_FOREACH (it, &p->list)
        if (*it == pid)
            return true;
    return false;
}

#define KILL_BATCH 256
/* Kills what one hierarchy lists. More than a batch is left to the next round. */
static void kill_listed(int dirfd)
{
    DHOW_CLEANUP(pids_done) struct pids before = {0}, after = {0};
    int fds[KILL_BATCH];
    size_t n;

    if (read_tree_pids(dirfd, 0, &before) < 0)
        return;
    n = MIN(before.list.len, (size_t)KILL_BATCH);
    for (size_t i = 0; i < n; i++)
        fds[i] = sys_pidfd_open(before.list.items[i]);
    if (n && read_tree_pids(dirfd, 0, &after) == 0)
        for (size_t i = 0; i < n; i++)
            if (fds[i] >= 0 && has_pid(&after, before.list.items[i]))
                (void)sys_pidfd_send_signal(fds[i], SIGKILL); /* ESRCH: it was faster */
    for (size_t i = 0; i < n; i++)
        fd_close(fds[i]);
}

static void kill_round(const struct cgroup *g)
{
    int v2 = cgroup_v2_fd(g), freezer = cgroup_controller_fd(g, CGROUP_FREEZER);

    if (v2 >= 0 && sys_write_existing(v2, "cgroup.kill", "1") < 0)
        kill_listed(v2);
    /* A frozen v2 group dies without help; v1 must be thawed to die. */
    if (freezer >= 0)
        (void)sys_write_existing(freezer, "freezer.state", "FROZEN");
    for (size_t i = 0; i < g->n; i++)
        if (!g->dirs[i].mount->is_v2)
            kill_listed(g->dirs[i].fd);
    if (freezer >= 0)
        (void)sys_write_existing(freezer, "freezer.state", "THAWED");
}

static bool holds_caller(const struct cgroup *g)
{
    for (size_t i = 0; i < g->n; i++) {
        DHOW_CLEANUP(pids_done) struct pids pids = {0};

        if (read_tree_pids(g->dirs[i].fd, 0, &pids) == 0 && has_pid(&pids, getpid()))
            return true;
    }
    return false;
}

/* Removing */

static int remove_groups(int dirfd, const char *name, int depth)
{
    auto_strv groups = NULL;
    auto_fd int fd = FD_NONE;
    int r = sys_rmdir(dirfd, name);

    if ((r != -EBUSY && r != -ENOTEMPTY) || depth == MAX_DEPTH)
        return r;
    fd = sys_open(dirfd, name, O_PATH | O_DIRECTORY | O_NOFOLLOW, 0);
    if (fd < 0)
        return fd == -ENOENT ? 0 : fd;
    if (list_groups(fd, &groups) < 0 || !groups)
        return r;
    STRV_FOREACH (group, groups)
        (void)remove_groups(fd, *group, depth + 1); /* told by the rmdir below */
    return sys_rmdir(dirfd, name);
}

/* 0 when no hierarchy has the directory any more, or the first error. */
static int remove_dirs(const struct cgroup_mounts *m, const char *path)
{
    int first = 0;

    for (size_t i = 0; i < m->n; i++) {
        auto_free char *full = alloc_printf("%s/%s", m->items[i].point, path);
        int r = remove_groups(AT_FDCWD, full, 0);

        if (r < 0 && first == 0)
            first = r;
    }
    return first;
}

/* The directories are busy: somebody lives there. */
static int kill_and_remove(const char *path, struct err *e)
{
    DHOW_CLEANUP(cgroup_auto) struct cgroup *g = NULL;
    int64_t deadline = now_ms() + CGROUP_WAIT_MS;
    struct err here = {0};
    int r, pause_ms = 1;

    if (cgroup_open(path, &g, &here) < 0) {
        if (here.kind == ERR_NOT_FOUND)
            return 0; /* somebody else was faster */
        if (e)
            *e = here;
        return -1;
    }
    if (holds_caller(g))
        return err_set(e, ERR_CONFLICT, "cgroup '%s': this process is in it", g->path);
    do {
        kill_round(g);
        if (cgroup_v2_fd(g) >= 0)
            (void)wait_for_line(cgroup_v2_fd(g), "cgroup.events", "populated 0",
                                MIN(deadline, now_ms() + 100));
        r = remove_dirs(&g->mounts, g->path);
        if (r == 0)
            return 0;
        sleep_ms(pause_ms);
        pause_ms = MIN(pause_ms * 2, 20);
    } while ((r == -EBUSY || r == -ENOTEMPTY) && now_ms() < deadline);
    if (r == -EBUSY || r == -ENOTEMPTY)
        return err_set(e, ERR_TIMEOUT, "cgroup '%s': its processes did not die within %d ms",
                       g->path, CGROUP_WAIT_MS);
    return err_sys(e, r, "cgroup '%s': remove it", g->path);
}

int cgroup_remove(const char *path, struct err *e)
{
    DHOW_CLEANUP(cgroup_mounts_done) struct cgroup_mounts m = {0};
    auto_free char *clean = cgroup_path_clean(path, e);
    int r;

    if (!clean || cgroup_mounts_read(&m, e) < 0)
        return -1;
    r = remove_dirs(&m, clean);
    if (r == -EBUSY || r == -ENOTEMPTY)
        return kill_and_remove(path, e);
    return r < 0 ? err_sys(e, r, "cgroup '%s': remove it", clean) : 0;
}
