/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * Mounts by file descriptor: a mount is made detached (fsopen, open_tree), given its attributes,
 * and attached to a directory or file that is open already. Linux 5.12 or newer. Every function
 * returns >= 0 or -errno and passes a fault point. All need CAP_SYS_ADMIN over the mount namespace.
 */
#include <fcntl.h>
#include <sys/mount.h>

#include "base/def.h"

int sys_fsopen(const char *type);
int sys_fsconfig_string(int fs_fd, const char *key, const char *value); /* at most 255 bytes */
int sys_fsconfig_flag(int fs_fd, const char *key);
int sys_fsconfig_fd(int fs_fd, const char *key, int fd);
int sys_fsconfig_create(int fs_fd);
/* The superblock of a mount, to be given parameters and reconfigured. */
int sys_fspick(int mount_fd);
int sys_fsconfig_reconfigure(int fs_fd);
/* The newest message that the kernel left about a failure, without its "e " in front; "" when there
 * is none. */
void sys_fs_message(int fs_fd, char *ret, size_t size);
int sys_fsmount(int fs_fd, uint64_t attributes); /* MOUNT_ATTR_*; a detached mount */

enum sys_tree_flags {
    SYS_TREE_CLONE = 1 << 0, /* a detached copy of the mount at the path; else only an O_PATH fd */
    SYS_TREE_RECURSIVE = 1 << 1, /* with all mounts below */
    SYS_TREE_NOFOLLOW = 1 << 2
};
int sys_open_tree(int dirfd, const char *path, unsigned flags); /* path "" is dirfd itself */
int sys_attach_mount(int mount_fd, int target_fd);

enum sys_setattr_flags { SYS_SETATTR_RECURSIVE = 1 << 0 };
/* `propagation`: MS_PRIVATE, MS_SLAVE, MS_SHARED, MS_UNBINDABLE, or 0 to leave it. */
int sys_mount_setattr(int mount_fd, unsigned flags, uint64_t set, uint64_t clear,
                      uint64_t propagation);
/* Detached mounts only; flags: SYS_SETATTR_RECURSIVE. */
int sys_mount_idmap(int mount_fd, int userns_fd, unsigned flags);

/* mount(2), for what the new interface of an older kernel cannot say. */
int sys_mount_data(const char *source, int target_fd, const char *type, unsigned long flags,
                   const char *data);

/* The directory that is the working directory becomes the root; the old root lies on top of it, at
 * ".". */
int sys_pivot_root_here(void);
int sys_umount_detach(const char *path);
int sys_mknod(int dirfd, const char *path, mode_t mode, unsigned major, unsigned minor);
