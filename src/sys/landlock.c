/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The rights are spelled out here as numbers of the kernel's interface, since the headers that we
 * build with are older than the kernels that we run on (Documentation/userspace-api/landlock.rst).
 */
#include "sys/landlock.h"

#include <errno.h>
#include <linux/landlock.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fault.h"

#define FS_EXECUTE    (1ull << 0)
#define FS_WRITE_FILE (1ull << 1)
#define FS_READ_FILE  (1ull << 2)
#define FS_READ_DIR   (1ull << 3)
#define FS_REFER      (1ull << 13) /* version 2 */
#define FS_TRUNCATE   (1ull << 14) /* version 3 */
#define FS_IOCTL_DEV  (1ull << 15) /* version 5 */
#define FS_UP_TO(bit) (((bit) << 1) - 1)

#define NET_BIND_TCP    (1ull << 0) /* version 4 */
#define NET_CONNECT_TCP (1ull << 1)
#define SCOPE_ALL       3ull /* version 6: abstract sockets, signals */

#define FILE_RIGHTS (FS_EXECUTE | FS_WRITE_FILE | FS_READ_FILE | FS_TRUNCATE | FS_IOCTL_DEV)

struct ruleset_attributes {
    uint64_t fs;
    uint64_t net;
    uint64_t scoped;
};

static int result(long r)
{
    return r < 0 ? -errno : (int)r;
}

int sys_landlock_abi(void)
{
    FAULT_POINT("landlock_abi");
    return result(syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION));
}

static uint64_t fs_rights(int abi)
{
    return FS_UP_TO(abi >= 5 ? FS_IOCTL_DEV : abi >= 3 ? FS_TRUNCATE : FS_REFER);
}

int sys_landlock_new(unsigned flags)
{
    int abi = sys_landlock_abi();
    struct ruleset_attributes a = {0};
    size_t size = abi >= 6 ? sizeof(a) : abi >= 4 ? sizeof(uint64_t) * 2 : sizeof(uint64_t);

    if (abi < 0)
        return abi;
    if (abi < 2)
        return -EOPNOTSUPP;
    FAULT_POINT("landlock_new");
    a.fs = fs_rights(abi);
    if (abi >= 4)
        a.net = NET_BIND_TCP | (flags & SYS_LANDLOCK_TCP_CONNECT ? 0 : NET_CONNECT_TCP);
    if (abi >= 6)
        a.scoped = SCOPE_ALL;
    return result(syscall(SYS_landlock_create_ruleset, &a, size, 0));
}

int sys_landlock_allow(int ruleset_fd, int fd, unsigned access)
{
    struct landlock_path_beneath_attr rule = {.parent_fd = fd};
    struct stat st;
    int abi = sys_landlock_abi();

    if (abi < 0)
        return abi;
    FAULT_POINT("landlock_allow");
    if (fstat(fd, &st) < 0)
        return -errno;
    if (access & SYS_LANDLOCK_READ)
        rule.allowed_access |= FS_READ_FILE | FS_READ_DIR;
    if (access & SYS_LANDLOCK_WRITE)
        rule.allowed_access |= fs_rights(abi) & ~(FS_EXECUTE | FS_IOCTL_DEV);
    if (!S_ISDIR(st.st_mode))
        rule.allowed_access &= FILE_RIGHTS;
    return result(syscall(SYS_landlock_add_rule, ruleset_fd, LANDLOCK_RULE_PATH_BENEATH, &rule, 0));
}

int sys_landlock_restrict(int ruleset_fd)
{
    FAULT_POINT("landlock_restrict");
    return result(syscall(SYS_landlock_restrict_self, ruleset_fd, 0));
}
