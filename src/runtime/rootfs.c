/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The root file system: an overlay of layers that were handed to us as fds, or a directory as it
 * is. It is attached at an empty directory of ours inside the child's mount namespace; all mounts
 * go beneath it; then pivot_root makes it "/" and the host's tree is detached, so that no path
 * leads there any more.
 *
 * Kernels: fds as layers are Linux 6.13, the "lowerdir+" key 6.5 (EINVAL, or EOPNOTSUPP from a
 * file system that knows mount(2) only); before that only the text of mount(2), a page long, in
 * which a layer is /proc/self/fd/N. With a user namespace the parent
 * makes the overlay: the mounter's credentials are the host root's (trusted.* attributes), its
 * lowers are idmapped.
 */
#include "runtime/rootfs.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>

#include "base/str.h"
#include "runtime/init.h"
#include "runtime/mount_step.h"
#include "runtime/rootpath.h"
#include "sys/file.h"
#include "sys/mount.h"
#include "sys/namespace.h"
#include "sys/self.h"

#define MAX_LOWERS 500 /* of overlayfs */

static int set_layer(int fs, const char *key, int fd)
{
    char path[32];
    int r = sys_fsconfig_fd(fs, key, fd);

    if (r != -EINVAL)
        return r;
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    return sys_fsconfig_string(fs, key, path);
}

int rootfs_make_overlay(const struct runtime_rootfs *r, const int *lowers, struct err *e)
{
    auto_fd int fs = sys_fsopen("overlay");
    char why[256];
    int x, fd;

    if (fs < 0)
        return err_sys(e, fs, "open the overlay file system");
    (void)sys_fsconfig_string(fs, "source", "overlay"); /* only a name for mountinfo */
    for (size_t i = 0; i < r->n_lowers; i++) {
        x = set_layer(fs, "lowerdir+", lowers ? lowers[i] : r->lower_fds[i]);
        if ((x == -EINVAL || x == -EOPNOTSUPP) && i == 0)
            return -2;
        if (x < 0)
            return err_sys(e, x, "add layer %zu to the overlay", i);
    }
    if (r->upper_fd >= 0) {
        x = set_layer(fs, "upperdir", r->upper_fd);
        if (x == 0)
            x = set_layer(fs, "workdir", r->work_fd);
        if (x < 0)
            return err_sys(e, x, "set the upper directory of the overlay");
    }
    x = sys_fsconfig_create(fs);
    if (x < 0) {
        sys_fs_message(fs, why, sizeof(why));
        return err_sys(e, x, "make the overlay%s%s", *why ? ": " : "", why);
    }
    fd = sys_fsmount(fs, 0);
    return fd < 0 ? err_sys(e, fd, "mount the overlay") : fd;
}

/* The kernel takes layers of the caller's own mount namespace only: the same directory, by its
 * path, in ours. The path is the engine's own; what it finds must be what the fd is. */
static int reopen_here(int fd)
{
    char link[32], path[PATH_MAX];
    auto_fd int here = FD_NONE;
    struct stat was, is;
    int r;

    snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
    r = sys_readlink(AT_FDCWD, link, path, sizeof(path));
    if (r >= 0)
        r = here = sys_open(AT_FDCWD, path, O_PATH | O_DIRECTORY, 0);
    if (r >= 0)
        r = sys_stat(fd, "", &was);
    if (r >= 0)
        r = sys_stat(here, "", &is);
    if (r < 0)
        return r;
    return was.st_dev == is.st_dev && was.st_ino == is.st_ino ? take_fd(&here) : -ESTALE;
}

int rootfs_mount_overlay(const struct runtime_rootfs *r, int mount_point_fd, struct err *e)
{
    auto_str options = STR_INIT(4095);
    char link[32], path[PATH_MAX];
    int x;

    for (size_t i = 0; i < r->n_lowers + (r->upper_fd >= 0 ? 2 : 0); i++) {
        size_t past = i - MIN(i, r->n_lowers);
        const char *key = i == 0            ? "lowerdir="
                          : i < r->n_lowers ? ":"
                          : past == 0       ? ",upperdir="
                                            : ",workdir=";

        x = reopen_here(i < r->n_lowers ? r->lower_fds[i] : past == 0 ? r->upper_fd : r->work_fd);
        if (x < 0)
            return err_sys(e, x, "open a layer in the mount namespace");
        str_addf(&options, "%s/proc/self/fd/%d", key, x);
    }
    if (options.too_big)
        return err_set(e, ERR_UNSUPPORTED, "this kernel cannot mount %zu layers", r->n_lowers);
    x = sys_mount_data("overlay", mount_point_fd, "overlay", 0, str_text(&options));
    if (x < 0)
        return err_sys(e, x, "mount the overlay");
    /* The fd is the directory beneath the new mount; its path leads to the top. */
    snprintf(link, sizeof(link), "/proc/self/fd/%d", mount_point_fd);
    x = sys_readlink(AT_FDCWD, link, path, sizeof(path));
    if (x >= 0)
        x = sys_open(AT_FDCWD, path, O_PATH | O_DIRECTORY, 0);
    return x < 0 ? err_sys(e, x, "open the overlay") : x;
}

static int attach_root(struct init *init, int tree, struct err *e)
{
    int r = sys_attach_mount(tree, init->mount_point_fd);

    if (r < 0)
        return err_sys(e, r, "attach the root file system");
    init->root_fd = tree;
    return 0;
}

/* Before the child has a mount namespace of its own: the layers are fds of the caller's. With a
 * user namespace the parent sent it already. */
static int step_overlay(struct init *init, const void *arg, struct err *e)
{
    int tree = init->root_fd >= 0 ? init->root_fd : rootfs_make_overlay(arg, NULL, e);

    init->root_fd = tree;
    return tree < 0 && tree != -2 ? -1 : 0;
}

static int step_attach_overlay(struct init *init, const void *arg, struct err *e)
{
    if (init->root_fd >= 0)
        return attach_root(init, init->root_fd, e);
    init->root_fd = rootfs_mount_overlay(arg, init->mount_point_fd, e);
    return init->root_fd < 0 ? -1 : 0;
}

static int step_readonly(struct init *init, const void *arg, struct err *e)
{
    int r = sys_mount_setattr(init->root_fd, 0, MOUNT_ATTR_RDONLY, 0, 0);

    (void)arg;
    return r < 0 ? err_sys(e, r, "make the root read-only") : 0;
}

/* From here on the host's files have no path: the trust boundary that the mounts before it lead to.
 */
static int step_pivot(struct init *init, const void *arg, struct err *e)
{
    int r = sys_fchdir(init->root_fd);

    (void)arg;
    if (r == 0)
        r = sys_pivot_root_here();
    if (r == 0)
        r = sys_umount_detach(".");
    if (r == 0)
        r = sys_chdir("/");
    if (r < 0)
        return err_sys(e, r, "make the root file system the root");
    r = sys_open(AT_FDCWD, "/", O_PATH | O_DIRECTORY, 0);
    if (r < 0)
        return err_sys(e, r, "open the root");
    init->root_fd = r;
    return 0;
}

/* In a mount namespace of others, whose root is theirs. */
static int step_chroot(struct init *init, const void *arg, struct err *e)
{
    int r = sys_fchdir(init->root_fd);

    (void)arg;
    if (r == 0)
        r = sys_chroot_here();
    return r < 0 ? err_sys(e, r, "make the root file system the root") : 0;
}

void rootfs_leave(struct init *init)
{
    if (init->plan->namespaces.joins[PLAN_JOIN_MOUNT].path && init->root_fd >= 0 &&
        sys_fchdir(init->root_fd) == 0)
        (void)sys_umount_detach("."); /* the failure that led here is told */
}

/* What config-linux.md says of rootfsPropagation: "slave" receives what the host mounts below the
 * directory later (when that is a shared mount there), "shared" begins a peer group of its own,
 * which the host is not in. What a mount's options say of itself stands, but for the recursive
 * ones.
 */
static const struct propagation {
    const char *name;
    uint64_t of_clone; /* before the root is attached, and of all below: no peers of the host's */
    uint64_t of_root;  /* at the end; 0: as it is */
    unsigned root_flags;
} propagations[] = {
    {"", MS_PRIVATE, 0, 0},
    {"private", MS_PRIVATE, 0, 0},
    {"rprivate", MS_PRIVATE, 0, 0},
    {"slave", MS_SLAVE, 0, 0},
    {"rslave", MS_SLAVE, 0, 0},
    {"shared", MS_PRIVATE, MS_SHARED, 0},
    {"rshared", MS_PRIVATE, MS_SHARED, SYS_SETATTR_RECURSIVE},
    {"unbindable", MS_PRIVATE, MS_UNBINDABLE, 0},
    {"runbindable", MS_PRIVATE, MS_UNBINDABLE, SYS_SETATTR_RECURSIVE},
};

static const struct propagation *find_propagation(const struct runtime_plan *p)
{
    const char *name = p->linux->rootfs_propagation ? p->linux->rootfs_propagation : "";

    for (size_t i = 0; i < ARRAY_LEN(propagations); i++)
        if (str_equal(name, propagations[i].name))
            return &propagations[i];
    return NULL;
}

bool rootfs_is_slave(const struct runtime_plan *p)
{
    const struct propagation *found = find_propagation(p);

    return found && found->of_clone == MS_SLAVE;
}

static int step_directory(struct init *init, const void *source, struct err *e)
{
    const struct propagation *p = find_propagation(init->plan);
    int tree = init->source_fds[*(const size_t *)source];
    int r = sys_mount_setattr(tree, SYS_SETATTR_RECURSIVE, 0, 0, p->of_clone);

    if (r < 0)
        return err_sys(e, r, "set the propagation of the root");
    return attach_root(init, tree, e);
}

static int step_propagation(struct init *init, const void *arg, struct err *e)
{
    const struct propagation *p = arg;
    int r = sys_mount_setattr(init->root_fd, p->root_flags, 0, 0, p->of_root);

    return r < 0 ? err_sys(e, r, "set the propagation of the root") : 0;
}

static int plan_propagation(struct runtime_plan *p, struct err *e)
{
    const struct propagation *found = find_propagation(p);

    if (!found)
        return err_set(e, ERR_INVALID, "linux.rootfsPropagation: unknown value '%s'",
                       p->linux->rootfs_propagation);
    if (found->of_root)
        plan_add(p, "root propagation", step_propagation, found, "%s", found->name);
    return 0;
}

static int plan_tree(struct runtime_plan *p, int dirfd, const char *path, unsigned flags)
{
    size_t *source = plan_alloc(p, sizeof(*source));

    *source = plan_add_source(p, (struct plan_source){.dirfd = dirfd,
                                                      .path = path,
                                                      .field = "root.path",
                                                      .flags = SYS_TREE_CLONE | flags});
    plan_add(p, "root directory", step_directory, source, "%s", *path ? path : "one layer");
    return 0;
}

/* An overlay wants an upper or two layers; one layer alone is itself, read-only. */
static bool is_single_layer(const struct runtime_rootfs *r)
{
    return r->n_lowers == 1 && r->upper_fd < 0;
}

void rootfs_plan_overlay(struct runtime_plan *p)
{
    const struct runtime_rootfs *r = &p->config->rootfs;

    if (r->n_lowers > 0 && !is_single_layer(r))
        plan_add(p, "overlay", step_overlay, r, "%zu layers%s", r->n_lowers,
                 r->upper_fd < 0 ? ", read-only" : "");
}

int rootfs_plan(struct runtime_plan *p, struct err *e)
{
    const struct runtime_rootfs *r = &p->config->rootfs;
    const char *path = p->spec->root.path;

    if (r->n_lowers > MAX_LOWERS)
        return err_set(e, ERR_LIMIT, "more than %d layers", MAX_LOWERS);
    if (r->n_lowers > 0 && ((r->upper_fd >= 0) != (r->work_fd >= 0) || r->mount_point_fd < 0))
        return err_set(e, ERR_INVALID,
                       "layers need a mount point, and an upper with a work directory");
    if (is_single_layer(r))
        return plan_tree(p, r->lower_fds[0], "", 0);
    if (r->n_lowers > 0) {
        plan_add(p, "root file system", step_attach_overlay, r, NULL);
        return 0;
    }
    if (!path || path[0] != '/')
        return err_set(e, ERR_INVALID, "root.path: '%s' is not an absolute path", path ? path : "");
    if (!path[strspn(path, "/")])
        return err_set(e, ERR_INVALID, "root.path: the host's own root cannot be a container's");
    return plan_tree(p, AT_FDCWD, path, SYS_TREE_RECURSIVE);
}

int rootfs_plan_finish(struct runtime_plan *p, struct err *e)
{
    if (p->has_late_readonly)
        plan_add(p, "read-only tmpfs", mount_step_finish, NULL, NULL);
    if (p->spec->root.readonly || is_single_layer(&p->config->rootfs))
        plan_add(p, "read-only root", step_readonly, NULL, NULL);
    if (p->namespaces.joins[PLAN_JOIN_MOUNT].path)
        plan_add(p, "chroot", step_chroot, NULL, NULL);
    else if (p->config->flags & RUNTIME_NO_PIVOT)
        no_pivot_plan(p);
    else
        plan_add(p, "pivot", step_pivot, NULL, NULL);
    return plan_propagation(p, e);
}
