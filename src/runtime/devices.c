/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * /dev: the default devices of the runtime specification (config-linux.md, "Default Devices"),
 * those of linux.devices, and the usual links. With a tmpfs of ours on /dev they are made in it by
 * its fd, where nothing of the image is. Where mknod is refused (user namespace, device cgroup) the
 * host's node is bound instead.
 *
 * Without a mount on /dev the image's own directory is used. Trust boundary (CVE-2026-41579,
 * CVE-2026-47766, CVE-2026-88264): it may hold links, FIFOs, files under the names of devices.
 * Nothing is removed or followed there: what is there must be the right device, else the start
 * fails; what is missing is made by mknodat in a directory that was opened inside the root.
 */
#include "runtime/devices.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/sysmacros.h>

#include "base/str.h"
#include "runtime/rootpath.h"
#include "sys/file.h"
#include "sys/mount.h"

struct device {
    const char *path; /* clean, relative to the root */
    mode_t mode;      /* with the type */
    unsigned major, minor;
    uint32_t uid, gid;
};

static const struct device defaults[] = {
    {"dev/null", S_IFCHR | 0666, 1, 3, 0, 0},    {"dev/zero", S_IFCHR | 0666, 1, 5, 0, 0},
    {"dev/full", S_IFCHR | 0666, 1, 7, 0, 0},    {"dev/random", S_IFCHR | 0666, 1, 8, 0, 0},
    {"dev/urandom", S_IFCHR | 0666, 1, 9, 0, 0}, {"dev/tty", S_IFCHR | 0666, 5, 0, 0, 0},
};

static const struct {
    const char *name;
    const char *target;
    const char *needs; /* only when this exists on the host */
} links[] = {
    {"fd", "/proc/self/fd", NULL},       {"stdin", "/proc/self/fd/0", NULL},
    {"stdout", "/proc/self/fd/1", NULL}, {"stderr", "/proc/self/fd/2", NULL},
    {"ptmx", "pts/ptmx", NULL},          {"core", "/proc/kcore", "/proc/kcore"},
};

static bool is_device(const struct stat *st, const struct device *d)
{
    return (st->st_mode & S_IFMT) == (d->mode & S_IFMT) &&
           (S_ISFIFO(st->st_mode) || st->st_rdev == makedev(d->major, d->minor));
}

/* The host's node of the same path, bound on a plain file that we make. */
static int bind_device(struct init *init, const struct device *d, int dirfd, const char *name,
                       struct err *e)
{
    auto_free char *host = alloc_printf("/%s", d->path);
    auto_fd int tree = sys_open_tree(AT_FDCWD, host, SYS_TREE_CLONE | SYS_TREE_NOFOLLOW);
    auto_fd int target = FD_NONE;
    struct stat st;
    int r;

    (void)init;
    if (tree < 0)
        return err_sys(e, tree, "make device '%s', or bind the host's", host);
    r = sys_stat(tree, "", &st);
    if (r < 0 || !is_device(&st, d))
        return err_set(e, ERR_DENIED, "the host's '%s' is not the device %u:%u", host, d->major,
                       d->minor);
    target = sys_open(dirfd, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0644);
    r = target < 0 ? target : sys_attach_mount(tree, target);
    return r < 0 ? err_sys(e, r, "bind device '%s'", host) : 0;
}

static int check_existing(const struct device *d, int dirfd, const char *name, struct err *e)
{
    struct stat st;
    int r = sys_lstat(dirfd, name, &st);

    if (r < 0)
        return err_sys(e, r, "stat device '/%s'", d->path);
    if (!is_device(&st, d))
        return err_set(e, ERR_INVALID,
                       "'/%s' of the root file system is there and is not the device %u:%u",
                       d->path, d->major, d->minor);
    return 0;
}

static int make_device(struct init *init, const struct device *d, int dirfd, const char *name,
                       struct err *e)
{
    auto_fd int node = FD_NONE;
    int r = sys_mknod(dirfd, name, d->mode, d->major, d->minor);

    if (r == -EEXIST)
        return check_existing(d, dirfd, name, e);
    if (r == -EPERM)
        return bind_device(init, d, dirfd, name, e);
    if (r < 0)
        return err_sys(e, r, "make device '/%s'", d->path);
    if (d->uid == 0 && d->gid == 0)
        return 0;
    node = sys_open(dirfd, name, O_PATH | O_NOFOLLOW, 0);
    r = node < 0 ? node : sys_chown(node, d->uid, d->gid);
    return r < 0 ? err_sys(e, r, "set the owner of device '/%s'", d->path) : 0;
}

static int step_device(struct init *init, const void *arg, struct err *e)
{
    const struct device *d = arg;
    const char *name;
    auto_fd int parent = rootpath_open_parent(init->root_fd, d->path, ROOTPATH_MAKE, &name);

    if (parent < 0)
        return err_sys(e, parent, "open the directory of device '/%s'", d->path);
    return make_device(init, d, parent, name, e);
}

static int make_links(int dev, struct err *e)
{
    for (size_t i = 0; i < ARRAY_LEN(links); i++) {
        struct stat st;
        int r;

        if (links[i].needs && sys_lstat(AT_FDCWD, links[i].needs, &st) < 0)
            continue;
        r = sys_symlink(links[i].target, dev, links[i].name);
        if (r < 0 && r != -EEXIST)
            return err_sys(e, r, "make link '/dev/%s'", links[i].name);
    }
    return 0;
}

/* The image's /dev must be a directory, not a link to one; our tmpfs is. */
static int open_dev(struct init *init, struct err *e)
{
    int fd =
        rootpath_open(init->root_fd, "dev", ROOTPATH_MAKE | ROOTPATH_DIRECTORY | ROOTPATH_NOFOLLOW);

    return fd < 0 ? err_sys(e, fd, "open '/dev' of the root file system") : fd;
}

static int step_defaults(struct init *init, const void *arg, struct err *e)
{
    auto_fd int opened = FD_NONE;
    int dev = init->dev_fd;

    (void)arg;
    if (dev < 0)
        dev = opened = open_dev(init, e);
    if (dev < 0)
        return -1;
    for (size_t i = 0; i < ARRAY_LEN(defaults); i++)
        if (make_device(init, &defaults[i], dev, defaults[i].path + strlen("dev/"), e) < 0)
            return -1;
    return make_links(dev, e);
}

bool devices_is_null(const struct stat *st)
{
    return is_device(st, &defaults[0]);
}

int devices_null_tree(struct init *init, struct err *e)
{
    auto_fd int tree =
        init->dev_fd >= 0
            ? sys_open_tree(init->dev_fd, "null", SYS_TREE_CLONE | SYS_TREE_NOFOLLOW)
            : sys_open_tree(AT_FDCWD, "/dev/null", SYS_TREE_CLONE | SYS_TREE_NOFOLLOW);
    struct stat st;
    int r;

    if (tree < 0)
        return err_sys(e, tree, "open the null device");
    r = sys_stat(tree, "", &st);
    if (r < 0 || !devices_is_null(&st))
        return err_set(e, ERR_DENIED, "the null device is not the device 1:3");
    return take_fd(&tree);
}

int devices_open_null(struct init *init, int flags, struct err *e)
{
    auto_fd int fd =
        sys_open_in_root(init->root_fd, "dev/null", flags | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY, 0);
    struct stat st;
    int r;

    if (fd < 0)
        return err_sys(e, fd, "open '/dev/null' of the container");
    r = sys_stat(fd, "", &st);
    if (r < 0 || !devices_is_null(&st))
        return err_set(e, ERR_INVALID, "'/dev/null' of the container is not the device 1:3");
    return take_fd(&fd);
}

static const struct {
    const char *type;
    mode_t mode;
} types[] = {{"c", S_IFCHR}, {"u", S_IFCHR}, {"b", S_IFBLK}, {"p", S_IFIFO}};

static int plan_one(struct runtime_plan *p, size_t index, struct err *e)
{
    const struct oci_device *od = &p->linux->devices.items[index];
    struct device *d = plan_alloc(p, sizeof(*d));
    char field[64], *path;
    mode_t type = 0;

    snprintf(field, sizeof(field), "linux.devices[%zu].path", index);
    path = rootpath_clean(od->path, field, e);
    if (!path)
        return -1;
    d->path = plan_own_string(p, path);
    for (size_t i = 0; i < ARRAY_LEN(types); i++)
        if (str_equal(types[i].type, od->type))
            type = types[i].mode;
    if (!*path)
        return err_set(e, ERR_INVALID, "%s: a device on '/' is not possible", field);
    if (!type)
        return err_set(e, ERR_INVALID, "linux.devices[%zu].type: unknown value '%s'", index,
                       od->type ? od->type : "");
    if (od->major < 0 || od->major > 0xfff || od->minor < 0 || od->minor > 0xfffff)
        return err_set(e, ERR_INVALID, "linux.devices[%zu].major: '%s' has no such device number",
                       index, od->path);
    /* Callers write the type into the mode too. */
    d->mode = type | (od->file_mode.is_set ? (mode_t)od->file_mode.value & 07777 : 0666);
    d->major = (unsigned)od->major;
    d->minor = (unsigned)od->minor;
    d->uid = od->uid;
    d->gid = od->gid;
    for (size_t i = 0; i < ARRAY_LEN(defaults); i++)
        if (str_equal(d->path, defaults[i].path))
            return 0; /* made already */
    /* Privileged containers list the host's; theirs is the link into their own devpts. */
    if (!p->has_foreign_dev && str_equal(d->path, "dev/ptmx"))
        return 0;
    plan_add(p, "device", step_device, d, "%s %u:%u", od->path, d->major, d->minor);
    return 0;
}

int devices_plan(struct runtime_plan *p, struct err *e)
{
    if (!p->has_foreign_dev)
        plan_add(p, "default devices", step_defaults, NULL, "in %s",
                 p->has_own_dev ? "our /dev" : "the root's /dev");
    for (size_t i = 0; i < p->linux->devices.len; i++)
        if (plan_one(p, i, e) < 0)
            return -1;
    return 0;
}
