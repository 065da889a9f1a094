/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Theory: removing a group is rmdir, and most groups are empty by then. When one that is ours is
 * not, all of its processes are killed: v2 does it by one write (cgroup.kill, Linux 5.14), else the
 * group is frozen so that nothing forks, and each process is killed by its pidfd (inside.c). Then
 * rmdir is tried again until the kernel has let go; everything ends within CGROUP_WAIT_MS.
 *
 * systemd's units are stopped last: it finds the scope empty, which takes no time.
 *
 * What is not ours (cgroup.h: hold) is never killed in: a directory that was empty when it was
 * found is removed if it is empty again, and left if it is not; one that others used stays.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/strv.h"
#include "cgroup/cgroup_private.h"
#include "sys/file.h"

#define MAX_PAUSE_MS 20

static bool is_busy(int r)
{
    return r == -EBUSY || r == -ENOTEMPTY;
}

static int remove_groups(int dirfd, const char *name, int depth)
{
    auto_strv groups = NULL;
    auto_fd int fd = FD_NONE;
    int r = sys_rmdir(dirfd, name);

    if (!is_busy(r) || depth == CGROUP_MAX_DEPTH)
        return r;
    fd = sys_open(dirfd, name, O_PATH | O_DIRECTORY | O_NOFOLLOW, 0);
    if (fd < 0)
        return fd == -ENOENT ? 0 : fd;
    if (cgroup_list_groups(fd, &groups) < 0 || !groups)
        return r;
    STRV_FOREACH (group, groups)
        (void)remove_groups(fd, *group, depth + 1); /* told by the rmdir below */
    return sys_rmdir(dirfd, name);
}

static int remove_dir(const struct cgroup_dir *d)
{
    auto_free char *full = NULL;

    if (d->hold == CGROUP_HOLD_SHARED)
        return 0;
    full = alloc_printf("%s/%s", d->mount->point, d->path);
    return remove_groups(AT_FDCWD, full, 0);
}

/* 0 when no hierarchy has a directory of ours any more, or the first error. */
static int remove_dirs(const struct cgroup *g)
{
    int first = 0;

    for (size_t i = 0; i < g->n; i++) {
        int r = remove_dir(&g->dirs[i]);

        if (r < 0 && first == 0)
            first = r;
    }
    return first;
}

static void kill_round(const struct cgroup *g)
{
    int freezer = FD_NONE;

    for (size_t i = 0; i < g->n; i++) {
        const struct cgroup_dir *d = &g->dirs[i];

        if (d->fd < 0 || d->hold != CGROUP_HOLD_MADE)
            continue;
        if (d->mount->controllers & CGROUP_BIT(CGROUP_FREEZER)) {
            freezer = d->fd;
            (void)sys_write_existing(freezer, "freezer.state", "FROZEN");
        }
        if (!d->mount->is_v2 || sys_write_existing(d->fd, "cgroup.kill", "1") < 0)
            (void)cgroup_signal_listed(d->fd, SIGKILL);
    }
    /* A frozen v2 group dies without help; v1 must be thawed to die. */
    if (freezer >= 0)
        (void)sys_write_existing(freezer, "freezer.state", "THAWED");
}

static bool holds_caller(const struct cgroup *g)
{
    for (size_t i = 0; i < g->n; i++) {
        DHOW_CLEANUP(cgroup_pid_list_done) struct cgroup_pid_list pids = {0};

        if (g->dirs[i].hold == CGROUP_HOLD_MADE && g->dirs[i].fd >= 0 &&
            cgroup_read_pids(g->dirs[i].fd, &pids) == 0 && cgroup_pid_list_has(&pids, getpid()))
            return true;
    }
    return false;
}

static bool owns_something(const struct cgroup *g)
{
    for (size_t i = 0; i < g->n; i++)
        if (g->dirs[i].hold == CGROUP_HOLD_MADE)
            return true;
    return false;
}

static void open_what_is_there(struct cgroup *g)
{
    for (size_t i = 0; i < g->n; i++)
        if (g->dirs[i].fd < 0)
            (void)cgroup_open_dir(&g->dirs[i]); /* what is gone need not be emptied */
}

/* The directories are busy: somebody lives there. */
static int kill_until_gone(struct cgroup *g)
{
    int64_t deadline = cgroup_now_ms() + CGROUP_WAIT_MS;
    int r, pause_ms = 1;

    do {
        kill_round(g);
        if (cgroup_v2_fd(g) >= 0 && owns_something(g))
            (void)cgroup_wait_for_line(cgroup_v2_fd(g), "cgroup.events", "populated 0",
                                       MIN(deadline, cgroup_now_ms() + 100));
        r = remove_dirs(g);
        if (!is_busy(r))
            break;
        cgroup_sleep_ms(pause_ms);
        pause_ms = MIN(pause_ms * 2, MAX_PAUSE_MS);
    } while (cgroup_now_ms() < deadline);
    return r;
}

/* Those that are left although they are ours. */
static bool is_left(const struct cgroup *g)
{
    for (size_t i = 0; i < g->n; i++)
        if (g->dirs[i].hold == CGROUP_HOLD_MADE && is_busy(remove_dir(&g->dirs[i])))
            return true;
    return false;
}

static int remove_group(struct cgroup *g, struct err *e)
{
    int r = remove_dirs(g);

    if (is_busy(r)) {
        open_what_is_there(g);
        if (holds_caller(g))
            return err_set(e, ERR_CONFLICT, "cgroup '%s': this process is in it", cgroup_path(g));
        r = kill_until_gone(g);
    }
    if (is_busy(r) && !is_left(g))
        return 0; /* others came into what we only found */
    if (is_busy(r))
        return err_set(e, ERR_TIMEOUT, "cgroup '%s': its processes did not die within %d ms",
                       cgroup_path(g), CGROUP_WAIT_MS);
    return r < 0 ? err_sys(e, r, "cgroup '%s': remove it", cgroup_path(g)) : 0;
}

int cgroup_remove(const char *path, struct err *e)
{
    DHOW_CLEANUP(cgroup_auto) struct cgroup *g = NULL;
    auto_free char *clean = cgroup_path_clean(path, e);

    if (!clean || !(g = cgroup_new(e)))
        return -1;
    for (size_t i = 0; i < g->mounts.n; i++)
        cgroup_add_dir(g, &g->mounts.items[i], alloc_strdup(clean))->hold = CGROUP_HOLD_MADE;
    return remove_group(g, e);
}

int cgroup_remove_id(const struct cgroup_id *id, struct err *e)
{
    DHOW_CLEANUP(cgroup_auto) struct cgroup *g = NULL;

    return cgroup_of_id(id, &g, e) < 0 ? -1 : cgroup_undo(g, e);
}

int cgroup_undo(struct cgroup *g, struct err *e)
{
    cgroup_holder_done(&g->holder);
    if (remove_group(g, e) < 0)
        return -1;
    return g->unit && owns_something(g) ? cgroup_systemd_stop(g, e) : 0;
}
