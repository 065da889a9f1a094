/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The root where pivot_root(2) is impossible: a host that runs from its initial ramfs, which cannot
 * be moved away. The container's root is moved over "/", and becomes the root directory.
 *
 * Trust boundary: the host's tree is still there, below. No path leads to it: ".." from anywhere
 * ends at the mount on top of it. But a full procfs or sysfs that is mounted anywhere lets a user
 * namespace mount one of its own, without what is masked in the container's: so all the host's
 * mounts are detached, and those that a user namespace may not detach are covered.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>

#include "base/str.h"
#include "runtime/init.h"
#include "sys/file.h"
#include "sys/mount.h"
#include "sys/mountinfo.h"
#include "sys/self.h"

static int cover(const char *path)
{
    auto_fd int fd = sys_open(AT_FDCWD, path, O_PATH, 0);

    return fd < 0 ? fd : sys_mount_data("tmpfs", fd, "tmpfs", MS_RDONLY, "size=0,mode=0");
}

static bool is_beneath(const char *path, const char *top)
{
    return str_starts_with(path, top) && strchr("/", path[strlen(top)]);
}

static bool is_revealing(const char *type)
{
    return str_equal(type, "proc") || str_equal(type, "sysfs");
}

/* The newest first: a mount is above what it was mounted on. `root` is where the container's root
 * was. */
static int hide_host(const struct sys_mountinfo *mounts, const char *root, struct err *e)
{
    for (size_t i = mounts->len; i-- > 0;) {
        const char *point = mounts->items[i].point;
        int r;

        if (str_equal(point, "/") || is_beneath(point, root))
            continue;
        r = sys_umount_detach(point);
        /* Gone with the mount that it was in, or locked in a user namespace. */
        if (r == 0 || r == -ENOENT || !is_revealing(mounts->items[i].type))
            continue;
        r = cover(point);
        if (r < 0 && r != -ENOENT)
            return err_sys(e, r, "cover '%s' of the host", point);
    }
    return 0;
}

static int step_move_root(struct init *init, const void *arg, struct err *e)
{
    auto_mountinfo mounts = {0};
    auto_fd int top = sys_open(AT_FDCWD, "/", O_PATH | O_DIRECTORY, 0);
    char link[32], root[PATH_MAX];
    int r = sys_mountinfo_read(&mounts);

    (void)arg;
    if (r < 0)
        return err_sys(e, r, "read '/proc/self/mountinfo'");
    snprintf(link, sizeof(link), "/proc/self/fd/%d", init->root_fd);
    r = top < 0 ? top : sys_readlink(AT_FDCWD, link, root, sizeof(root));
    if (r >= 0)
        r = sys_fchdir(init->root_fd);
    if (r >= 0)
        r = sys_attach_mount(init->root_fd, top);
    if (r < 0)
        return err_sys(e, r, "move the root file system to '/'");
    /* Until chroot(2) "/" is what it was. */
    if (hide_host(&mounts, root, e) < 0)
        return -1;
    r = sys_chroot_here();
    if (r == 0)
        r = sys_chdir("/");
    if (r == 0)
        r = sys_open(AT_FDCWD, "/", O_PATH | O_DIRECTORY, 0);
    if (r < 0)
        return err_sys(e, r, "make the root file system the root");
    init->root_fd = r;
    return 0;
}

void no_pivot_plan(struct runtime_plan *p)
{
    plan_add(p, "move root", step_move_root, NULL, "over the host's");
}
