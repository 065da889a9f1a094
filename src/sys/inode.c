/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sys/inode.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/fault.h"

static int result(long r)
{
    return r < 0 ? -errno : (int)r;
}

int sys_chown_at(int dirfd, const char *name, uid_t uid, gid_t gid)
{
    FAULT_POINT("chown_at");
    return result(fchownat(dirfd, name, uid, gid, AT_SYMLINK_NOFOLLOW));
}

int sys_chmod_at(int dirfd, const char *name, mode_t mode)
{
    FAULT_POINT("chmod_at");
    return result(fchmodat(dirfd, name, mode, 0));
}

int sys_set_mtime(int fd, const struct timespec *mtime)
{
    struct timespec t[2] = {*mtime, *mtime};

    FAULT_POINT("set_mtime");
    return result(futimens(fd, t));
}

int sys_set_mtime_at(int dirfd, const char *name, const struct timespec *mtime)
{
    struct timespec t[2] = {*mtime, *mtime};

    FAULT_POINT("set_mtime_at");
    return result(utimensat(dirfd, name, t, AT_SYMLINK_NOFOLLOW));
}

int sys_set_xattr(int fd, const char *name, const void *value, size_t len)
{
    FAULT_POINT("set_xattr");
    return result(fsetxattr(fd, name, value, len, 0));
}
