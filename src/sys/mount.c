/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The mount interface of Linux 5.2 to 5.12, one call a function. */
#include "sys/mount.h"

#include <errno.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/fault.h"

static int result(long r)
{
    return r < 0 ? -errno : (int)r;
}

int sys_fsopen(const char *type)
{
    FAULT_POINT("fsopen");
    return result(fsopen(type, FSOPEN_CLOEXEC));
}

int sys_fsconfig_string(int fs_fd, const char *key, const char *value)
{
    FAULT_POINT("fsconfig");
    return result(fsconfig(fs_fd, FSCONFIG_SET_STRING, key, value, 0));
}

int sys_fsconfig_flag(int fs_fd, const char *key)
{
    FAULT_POINT("fsconfig");
    return result(fsconfig(fs_fd, FSCONFIG_SET_FLAG, key, NULL, 0));
}

int sys_fsconfig_fd(int fs_fd, const char *key, int fd)
{
    FAULT_POINT("fsconfig");
    return result(fsconfig(fs_fd, FSCONFIG_SET_FD, key, NULL, fd));
}

int sys_fsconfig_create(int fs_fd)
{
    FAULT_POINT("fsconfig_create");
    return result(fsconfig(fs_fd, FSCONFIG_CMD_CREATE, NULL, NULL, 0));
}

int sys_fspick(int mount_fd)
{
    FAULT_POINT("fspick");
    return result(fspick(mount_fd, "", FSPICK_CLOEXEC | FSPICK_EMPTY_PATH));
}

int sys_fsconfig_reconfigure(int fs_fd)
{
    FAULT_POINT("fsconfig_reconfigure");
    return result(fsconfig(fs_fd, FSCONFIG_CMD_RECONFIGURE, NULL, NULL, 0));
}

void sys_fs_message(int fs_fd, char *ret, size_t size)
{
    char line[256];
    ssize_t n;

    ret[0] = 0;
    /* Each read is one message; the queue holds 8. */
    for (int i = 0; i < 8; i++) {
        n = read(fs_fd, line, sizeof(line) - 1);
        if (n <= 2)
            return;
        line[n] = 0;
        if (line[n - 1] == '\n')
            line[n - 1] = 0;
        snprintf(ret, size, "%s", line + 2);
    }
}

int sys_fsmount(int fs_fd, uint64_t attributes)
{
    FAULT_POINT("fsmount");
    return result(fsmount(fs_fd, FSMOUNT_CLOEXEC, (unsigned)attributes));
}

int sys_open_tree(int dirfd, const char *path, unsigned flags)
{
    unsigned f = OPEN_TREE_CLOEXEC;

    FAULT_POINT("open_tree");
    if (flags & SYS_TREE_CLONE)
        f |= OPEN_TREE_CLONE;
    if (flags & SYS_TREE_RECURSIVE)
        f |= AT_RECURSIVE;
    if (flags & SYS_TREE_NOFOLLOW)
        f |= AT_SYMLINK_NOFOLLOW;
    if (!*path)
        f |= AT_EMPTY_PATH;
    return result(open_tree(dirfd, path, f));
}

int sys_attach_mount(int mount_fd, int target_fd)
{
    FAULT_POINT("move_mount");
    return result(
        move_mount(mount_fd, "", target_fd, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH));
}

int sys_mount_setattr(int mount_fd, unsigned flags, uint64_t set, uint64_t clear,
                      uint64_t propagation)
{
    struct mount_attr a = {.attr_set = set, .attr_clr = clear, .propagation = propagation};
    unsigned f = AT_EMPTY_PATH | (flags & SYS_SETATTR_RECURSIVE ? AT_RECURSIVE : 0);

    FAULT_POINT("mount_setattr");
    return result(mount_setattr(mount_fd, "", f, &a, sizeof(a)));
}

int sys_mount_idmap(int mount_fd, int userns_fd, unsigned flags)
{
    struct mount_attr a = {.attr_set = MOUNT_ATTR_IDMAP, .userns_fd = (uint64_t)userns_fd};
    unsigned f = AT_EMPTY_PATH | (flags & SYS_SETATTR_RECURSIVE ? AT_RECURSIVE : 0);

    FAULT_POINT("mount_idmap");
    return result(mount_setattr(mount_fd, "", f, &a, sizeof(a)));
}

int sys_mount_data(const char *source, int target_fd, const char *type, unsigned long flags,
                   const char *data)
{
    char target[32];

    FAULT_POINT("mount");
    snprintf(target, sizeof(target), "/proc/self/fd/%d", target_fd);
    return result(mount(source, target, type, flags, data));
}

int sys_pivot_root_here(void)
{
    FAULT_POINT("pivot_root");
    return result(syscall(SYS_pivot_root, ".", "."));
}

int sys_umount_detach(const char *path)
{
    FAULT_POINT("umount");
    return result(umount2(path, MNT_DETACH));
}

int sys_mknod(int dirfd, const char *path, mode_t mode, unsigned major, unsigned minor)
{
    FAULT_POINT("mknod");
    return result(mknodat(dirfd, path, mode, makedev(major, minor)));
}
