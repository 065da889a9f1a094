/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Masked and read-only paths (linux.maskedPaths, readonlyPaths). A masked file gets a null device
 * that we have just checked (CVE-2025-31133: a mask must never be what the image says it is), a
 * masked directory an empty read-only tmpfs that we made; one tmpfs serves all. A path that is not
 * there needs no mask.
 */
#include <errno.h>
#include <fcntl.h>

#include "base/strv.h"
#include "runtime/devices.h"
#include "runtime/mounts.h"
#include "runtime/rootpath.h"
#include "sys/file.h"
#include "sys/mount.h"

static int empty_directory(struct init *init, struct err *e)
{
    static const struct mountopt_param params[] =
        {{(char *)(uintptr_t) "size", (char *)(uintptr_t) "0k"},
         {(char *)(uintptr_t) "nr_inodes", (char *)(uintptr_t) "2"},
         {(char *)(uintptr_t) "mode", (char *)(uintptr_t) "755"}};
    int fd;

    if (init->empty_dir_fd < 0)
        return mounts_make("tmpfs", "tmpfs", params, ARRAY_LEN(params),
                           MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV |
                               MOUNT_ATTR_NOEXEC,
                           e);
    fd = sys_open_tree(init->empty_dir_fd, "", SYS_TREE_CLONE);
    return fd < 0 ? err_sys(e, fd, "clone the empty directory") : fd;
}

static int step_mask(struct init *init, const void *path, struct err *e)
{
    auto_fd int target = sys_open_in_root(init->root_fd, path, O_PATH, 0);
    auto_fd int cover = FD_NONE;
    struct stat st;
    int r;

    if (target == -ENOENT || target == -ENOTDIR)
        return 0;
    if (target < 0)
        return err_sys(e, target, "open '/%s' to mask it", (const char *)path);
    r = sys_stat(target, "", &st);
    if (r < 0)
        return err_sys(e, r, "stat '/%s' to mask it", (const char *)path);
    cover = S_ISDIR(st.st_mode) ? empty_directory(init, e) : devices_null_tree(init, e);
    if (cover < 0)
        return -1;
    r = sys_attach_mount(cover, target);
    if (r < 0)
        return err_sys(e, r, "mask '/%s'", (const char *)path);
    if (S_ISDIR(st.st_mode) && init->empty_dir_fd < 0)
        init->empty_dir_fd = take_fd(&cover);
    return 0;
}

static int step_readonly(struct init *init, const void *path, struct err *e)
{
    auto_fd int target = sys_open_in_root(init->root_fd, path, O_PATH, 0);
    auto_fd int clone = FD_NONE;
    int r;

    if (target == -ENOENT || target == -ENOTDIR)
        return 0;
    if (target < 0)
        return err_sys(e, target, "open '/%s' to make it read-only", (const char *)path);
    r = clone = sys_open_tree(target, "", SYS_TREE_CLONE | SYS_TREE_RECURSIVE);
    if (r >= 0)
        r = sys_mount_setattr(clone, SYS_SETATTR_RECURSIVE, MOUNT_ATTR_RDONLY, 0, 0);
    if (r >= 0)
        r = sys_attach_mount(clone, target);
    return r < 0 ? err_sys(e, r, "make '/%s' read-only", (const char *)path) : 0;
}

static int plan_all(struct runtime_plan *p, char *const *paths, const char *list, const char *name,
                    int (*run)(struct init *init, const void *arg, struct err *e), struct err *e)
{
    size_t i = 0;

    STRV_FOREACH (path, paths) {
        char field[64], *clean;

        snprintf(field, sizeof(field), "%s[%zu]", list, i++);
        clean = rootpath_clean(*path, field, e);
        if (!clean)
            return -1;
        plan_own_string(p, clean);
        if (!*clean)
            return err_set(e, ERR_INVALID, "%s: '/' is not possible", field);
        plan_add(p, name, run, clean, "/%s", clean);
    }
    return 0;
}

int paths_plan(struct runtime_plan *p, struct err *e)
{
    if (plan_all(p, p->linux->readonly_paths, "linux.readonlyPaths", "read-only path",
                 step_readonly, e) < 0)
        return -1;
    return plan_all(p, p->linux->masked_paths, "linux.maskedPaths", "masked path", step_mask, e);
}
