/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sys/event.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/fd.h"

static int result(long r)
{
    return r < 0 ? -errno : (int)r;
}

int sys_set_nonblock(int fd)
{
    int flags;

    FAULT_POINT("set_nonblock");
    flags = fcntl(fd, F_GETFL);
    return flags < 0 ? -errno : result(fcntl(fd, F_SETFL, flags | O_NONBLOCK));
}

int sys_dup_to(int fd, int to)
{
    FAULT_POINT("dup_to");
    return result(dup3(fd, to, O_CLOEXEC));
}

int sys_pipe_capacity(int fd)
{
    FAULT_POINT("pipe_capacity");
    return result(fcntl(fd, F_GETPIPE_SZ));
}

int sys_signalfd(const sigset_t *mask)
{
    FAULT_POINT("signalfd");
    return result(signalfd(-1, mask, SFD_CLOEXEC | SFD_NONBLOCK));
}

int sys_raise(int sig)
{
    FAULT_POINT("raise");
    return result(raise(sig));
}

int sys_wait_pidfd(int pidfd, int *ret_status)
{
    siginfo_t si = {0};
    int r;

    FAULT_POINT("wait_pidfd");
    do
        r = waitid(P_PIDFD, (id_t)pidfd, &si, WEXITED | WNOHANG);
    while (r < 0 && errno == EINTR);
    if (r < 0)
        return -errno;
    if (si.si_pid == 0)
        return -EAGAIN;
    *ret_status = si.si_code == CLD_EXITED ? (si.si_status & 0xff) << 8 : si.si_status & 0x7f;
    return 0;
}

int sys_eventfd(void)
{
    FAULT_POINT("eventfd");
    return result(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
}

int sys_watch_dir(int dirfd, uint32_t events)
{
    auto_fd int fd = FD_NONE;
    char path[32];

    FAULT_POINT("watch_dir");
    fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    if (fd < 0)
        return -errno;
    snprintf(path, sizeof(path), "/proc/self/fd/%d", dirfd);
    if (inotify_add_watch(fd, path, events | IN_ONLYDIR) < 0)
        return -errno;
    return take_fd(&fd);
}
