/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sys/pty.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>

#include "base/fault.h"
#include "base/fd.h"

/* A hostile container may have made this file: an exec opens it while the container runs.
 * O_NONBLOCK keeps a FIFO from holding us, the checks refuse everything but a true multiplexer. */
static int open_ptmx(int dirfd, const char *path)
{
    auto_fd int fd = openat(dirfd, path, O_RDWR | O_NOCTTY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    struct stat st;
    struct statfs fs;

    if (fd < 0)
        return -errno;
    if (fstat(fd, &st) < 0 || fstatfs(fd, &fs) < 0)
        return -errno;
    if (!S_ISCHR(st.st_mode) || st.st_rdev != makedev(5, 2) || fs.f_type != DEVPTS_SUPER_MAGIC)
        return -ENXIO;
    if (fcntl(fd, F_SETFL, O_RDWR) < 0)
        return -errno;
    return take_fd(&fd);
}

int sys_pty_open(int ptmx_dirfd, const char *path, int *ret_master, int *ret_slave)
{
    auto_fd int master = FD_NONE, slave = FD_NONE;
    int unlock = 0;

    FAULT_POINT("pty_open");
    master = open_ptmx(ptmx_dirfd, path);
    if (master < 0)
        return master;
    if (ioctl(master, TIOCSPTLCK, &unlock) < 0)
        return -errno;
    slave = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (slave < 0)
        return -errno;
    *ret_master = take_fd(&master);
    *ret_slave = take_fd(&slave);
    return 0;
}

int sys_pty_set_controlling(int slave)
{
    FAULT_POINT("set_controlling_terminal");
    return ioctl(slave, TIOCSCTTY, 0) < 0 ? -errno : 0;
}
