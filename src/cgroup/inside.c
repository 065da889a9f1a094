/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Theory: who is inside a group, and signals to all of them. A container may have made groups below
 * its own; listing goes down, bounded in depth.
 *
 * A signal reaches every process although they fork: the group is frozen first, so that what is
 * listed is all there is; SIGKILL to a v2 group is one write (cgroup.kill, Linux 5.14). A pid may
 * have been reused between the listing and pidfd_open: only those that are still listed afterwards
 * get the signal.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/str.h"
#include "base/strv.h"
#include "cgroup/cgroup_private.h"
#include "sys/file.h"
#include "sys/process.h"

#define PIDS_MAX_BYTES (64u << 20)

void cgroup_pid_list_done(struct cgroup_pid_list *p)
{
    vec_done(&p->list);
}

bool cgroup_pid_list_has(const struct cgroup_pid_list *p, pid_t pid)
{
    VEC_FOREACH (it, &p->list)
        if (*it == pid)
            return true;
    return false;
}

/* kernfs counts groups in the link count, so that a leaf costs one stat. */
int cgroup_list_groups(int dirfd, char ***ret)
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

static int read_pids(int dirfd, struct cgroup_pid_list *ret)
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

static int read_tree(int dirfd, int depth, struct cgroup_pid_list *ret)
{
    auto_strv groups = NULL;
    int r = read_pids(dirfd, ret);

    if (r < 0 || depth == CGROUP_MAX_DEPTH)
        return r;
    r = cgroup_list_groups(dirfd, &groups);
    if (r < 0)
        return r == -ENOENT ? 0 : r;
    STRV_FOREACH (name, groups) {
        auto_fd int fd = sys_open(dirfd, *name, O_PATH | O_DIRECTORY | O_NOFOLLOW, 0);

        r = fd < 0 ? 0 : read_tree(fd, depth + 1, ret);
        if (r < 0)
            return r;
    }
    return 0;
}

int cgroup_read_pids(int dirfd, struct cgroup_pid_list *ret)
{
    return read_tree(dirfd, 0, ret);
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
    struct cgroup_pid_list pids = {0};
    int fd = listing_fd(g);
    int r = fd < 0 ? 0 : cgroup_read_pids(fd, &pids);

    if (r < 0) {
        cgroup_pid_list_done(&pids);
        return err_sys(e, r, "cgroup '%s': list its processes", cgroup_path(g));
    }
    *ret_pids = pids.list.items;
    *ret_n = pids.list.len;
    return 0;
}

#define SIGNAL_BATCH 256
/* Those of `before` that are still inside, by pidfds: 0 or the first error. */
static int signal_batch(int dirfd, const pid_t *before, size_t n, int sig)
{
    DHOW_CLEANUP(cgroup_pid_list_done) struct cgroup_pid_list after = {0};
    int fds[SIGNAL_BATCH], first = 0, r;

    for (size_t i = 0; i < n; i++)
        fds[i] = sys_pidfd_open(before[i]);
    r = cgroup_read_pids(dirfd, &after);
    for (size_t i = 0; i < n; i++) {
        if (r == 0 && fds[i] >= 0 && cgroup_pid_list_has(&after, before[i])) {
            int sent = sys_pidfd_send_signal(fds[i], sig);

            if (sent < 0 && sent != -ESRCH && first == 0) /* ESRCH: it was faster */
                first = sent;
        }
        fd_close(fds[i]);
    }
    return r < 0 ? r : first;
}

int cgroup_signal_listed(int dirfd, int sig)
{
    DHOW_CLEANUP(cgroup_pid_list_done) struct cgroup_pid_list before = {0};
    int first = cgroup_read_pids(dirfd, &before);

    for (size_t at = 0; first >= 0 && at < before.list.len; at += SIGNAL_BATCH) {
        int r = signal_batch(dirfd, before.list.items + at,
                             MIN(before.list.len - at, (size_t)SIGNAL_BATCH), sig);

        if (r < 0 && first == 0)
            first = r;
    }
    return first;
}

int cgroup_signal(const struct cgroup *g, int sig, struct err *e)
{
    int v2 = cgroup_v2_fd(g), fd = listing_fd(g), was = cgroup_is_frozen(g), r;
    bool thaw;

    if (fd < 0)
        return err_set(e, ERR_BAD_STATE, "the container has no cgroup");
    if (sig == SIGKILL && v2 >= 0 && sys_write_existing(v2, "cgroup.kill", "1") == 0) {
        /* v1's freezer would keep them from dying. */
        return was == 1 ? cgroup_freeze(g, false, e) : 0;
    }
    /* Without a freezer those that are forked meanwhile are missed; kill again. */
    thaw = was == 0 && cgroup_freeze(g, true, NULL) == 0;
    r = cgroup_signal_listed(fd, sig);
    if ((thaw || (was == 1 && sig == SIGKILL)) && cgroup_freeze(g, false, e) < 0)
        return -1;
    return r < 0 ? err_sys(e, r, "cgroup '%s': send signal %d", cgroup_path(g), sig) : 0;
}
