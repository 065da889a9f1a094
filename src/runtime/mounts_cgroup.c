/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * /sys/fs/cgroup in a container. v2: one mount. v1 and hybrid: a tmpfs with a directory for each
 * hierarchy in which the container has a group of its own, as the host names them. With a cgroup
 * namespace these are new mounts, which show the part below the namespace's root; without one they
 * are clones of the host's that begin at the container's group (launch.c makes them).
 *
 * Trust boundary: in a hierarchy that was not joined, the root of the cgroup namespace is the
 * caller's group, often the host's root; without a cgroup namespace it is the host's root
 * everywhere. Those are not shown (the class of CVE-2023-25809).
 */
#include <fcntl.h>

#include "base/str.h"
#include "base/strv.h"
#include "cgroup/cgroup.h"
#include "runtime/mounts.h"
#include "runtime/rootpath.h"
#include "sys/file.h"
#include "sys/mount.h"

static int attach_at(int dirfd, const char *name, int mount_fd, struct err *e)
{
    auto_fd int target = FD_NONE;
    int r = sys_mkdir(dirfd, name, 0755);

    if (r == 0)
        r = target = sys_open_beneath(dirfd, name, O_PATH | O_DIRECTORY, 0);
    if (r >= 0)
        r = sys_attach_mount(mount_fd, target);
    return r < 0 ? err_sys(e, r, "mount cgroup hierarchy '%s'", name) : 0;
}

/* `controllers` of /proc/self/cgroup: "cpu,cpuacct", "name=systemd", or "" for v2. */
static int mount_hierarchy(int dirfd, const char *controllers, uint64_t attributes, struct err *e)
{
    struct mountopt_param params[32];
    auto_strv names = strv_split(controllers, ',');
    auto_fd int fd = FD_NONE;
    size_t n = 0;

    STRV_FOREACH (name, names) {
        char *equals = strchr(*name, '=');

        if (n == ARRAY_LEN(params))
            return err_set(e, ERR_LIMIT, "too many controllers in one hierarchy");
        if (equals)
            *equals = 0;
        params[n++] = (struct mountopt_param){*name, equals ? equals + 1 : NULL};
    }
    fd = mounts_make(n ? "cgroup" : "cgroup2", "cgroup", params, n, attributes, e);
    if (fd < 0)
        return -1;
    if (n == 0)
        return attach_at(dirfd, "unified", fd, e);
    for (size_t i = 0; i < n && n > 1; i++) {
        int r = sys_symlink(controllers, dirfd, params[i].key);

        if (r < 0)
            return err_sys(e, r, "link cgroup hierarchy '%s'", params[i].key);
    }
    return attach_at(dirfd, params[0].value ? params[0].value : controllers, fd, e);
}

/* One line: "4:memory:/path". */
static int mount_line(struct init *init, int dirfd, char *line, uint64_t attributes, struct err *e)
{
    char *controllers = strchr(line, ':');
    char *path = controllers ? strchr(controllers + 1, ':') : NULL;

    if (!path)
        return 0;
    *path = 0;
    if (!init->cgroup || !cgroup_is_in(init->cgroup, controllers + 1))
        return 0;
    return mount_hierarchy(dirfd, controllers + 1, attributes, e);
}

int mounts_cgroup_remember(struct init *init, struct err *e)
{
    size_t len;
    int r = sys_read_file(AT_FDCWD, "/proc/self/cgroup", 64u << 10, &init->cgroups, &len);

    return r < 0 ? err_sys(e, r, "read /proc/self/cgroup") : 0;
}

/* A clone of the host's mount, named as it is there; a hierarchy of several controllers has a link
 * for each. */
static int show_tree(struct init *init, size_t i, const char *name, int dirfd, uint64_t attributes,
                     struct err *e)
{
    auto_strv names = strv_split(name, ',');
    int r = sys_mount_setattr(init->cgroup_trees[i], 0, attributes, 0, MS_PRIVATE);

    if (r < 0)
        return err_sys(e, r, "set the attributes of cgroup hierarchy '%s'", name);
    STRV_FOREACH (link, strv_len(names) > 1 ? names : NULL) {
        r = sys_symlink(name, dirfd, *link);
        if (r < 0)
            return err_sys(e, r, "link cgroup hierarchy '%s'", *link);
    }
    return attach_at(dirfd, name, init->cgroup_trees[i], e);
}

static int show_hierarchies(struct init *init, int dirfd, uint64_t attributes, struct err *e)
{
    auto_strv lines = strv_split(init->cgroups ? init->cgroups : "", '\n');
    struct cgroup_shown shown[CGROUP_MAX_JOINS];
    size_t n = init->cgroup ? cgroup_list_shown(init->cgroup, shown) : 0;

    STRV_FOREACH (line, lines)
        if (mount_line(init, dirfd, *line, attributes, e) < 0)
            return -1;
    for (size_t i = 0; i < MIN(n, init->n_cgroup_trees); i++)
        if (show_tree(init, i, shown[i].name, dirfd, attributes, e) < 0)
            return -1;
    return 0;
}

static int mount_v1(struct init *init, const char *clean_path, uint64_t attributes, struct err *e)
{
    static const struct mountopt_param tmpfs_params[] = {
        {(char *)(uintptr_t) "mode", (char *)(uintptr_t) "755"}};
    auto_fd int top = FD_NONE;
    int r;

    top = mounts_make("tmpfs", "cgroup", tmpfs_params, 1, attributes & ~(uint64_t)MOUNT_ATTR_RDONLY,
                      e);
    if (top < 0 ||
        mounts_attach(init, top, clean_path, ROOTPATH_MAKE | ROOTPATH_DIRECTORY, e) < 0 ||
        show_hierarchies(init, top, attributes, e) < 0)
        return -1;
    if (!(attributes & MOUNT_ATTR_RDONLY))
        return 0;
    r = sys_mount_setattr(top, 0, MOUNT_ATTR_RDONLY, 0, 0);
    return r < 0 ? err_sys(e, r, "make the cgroup directory read-only") : 0;
}

/* Pure v2 without a cgroup namespace: the clone. */
static int show_v2(struct init *init, const char *clean_path, uint64_t attributes, struct err *e)
{
    int r = sys_mount_setattr(init->cgroup_trees[0], 0, attributes, 0, MS_PRIVATE);

    if (r < 0)
        return err_sys(e, r, "set the attributes of the cgroup mount");
    return mounts_attach(init, init->cgroup_trees[0], clean_path,
                         ROOTPATH_MAKE | ROOTPATH_DIRECTORY, e);
}

int mounts_cgroup(struct init *init, const char *clean_path, uint64_t attributes, struct err *e)
{
    enum cgroup_mode mode = cgroup_detect();
    auto_fd int fd = FD_NONE;

    if (mode == CGROUP_NONE)
        return 0; /* nothing to show */
    if (mode == CGROUP_V2 && init->n_cgroup_trees == 1)
        return show_v2(init, clean_path, attributes, e);
    if (mode != CGROUP_V2 || !init->cgroups)
        return mount_v1(init, clean_path, attributes, e);
    fd = mounts_make("cgroup2", "cgroup", NULL, 0, attributes, e);
    if (fd < 0)
        return -1;
    return mounts_attach(init, fd, clean_path, ROOTPATH_MAKE | ROOTPATH_DIRECTORY, e);
}
