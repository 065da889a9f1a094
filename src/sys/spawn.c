/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Starting one of our own helper programs with an exact set of fds. Between fork and exec only
 * async-signal-safe calls. An exec that fails is told by a pipe that closes on success, so that the
 * caller hears it as an errno.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/fd.h"
#include "sys/file.h"
#include "sys/process.h"

#define MAX_FDS 16

int sys_place_fds(const int *fds, size_t n)
{
    int moved[MAX_FDS];

    FAULT_POINT("place_fds");
    if (n > MAX_FDS)
        return -EINVAL;
    /* First out of the way of all targets, then to the targets: no order of dup2 can destroy a
     * source. */
    for (size_t i = 0; i < n; i++) {
        moved[i] = fds[i] < 0 ? FD_NONE : fcntl(fds[i], F_DUPFD_CLOEXEC, MAX_FDS * 4);
        if (fds[i] >= 0 && moved[i] < 0)
            return -errno;
    }
    for (size_t i = 0; i < n; i++) {
        if (moved[i] < 0)
            (void)close((int)i); /* not open is what is wanted */
        else if (dup2(moved[i], (int)i) < 0)
            return -errno;
        fd_close(moved[i]);
    }
    return 0;
}

int sys_place_fd(int fd, int at)
{
    FAULT_POINT("place_fd");
    return dup2(fd, at) < 0 ? -errno : 0;
}

static DHOW_NORETURN void child(const char *path, char *const argv[], char *const envp[],
                                const int *fds, size_t n, int report)
{
    struct sigaction plain = {.sa_handler = SIG_DFL};
    sigset_t none;
    int all[MAX_FDS], r;

    fault_role("spawn");
    for (int s = 1; s < 32; s++)
        (void)sigaction(s, &plain, NULL); /* SIGKILL and SIGSTOP refuse */
    sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    for (size_t i = 0; i < n; i++)
        all[i] = fds[i];
    report = fcntl(report, F_DUPFD_CLOEXEC, MAX_FDS * 2);
    r = sys_place_fds(all, n);
    if (r == 0)
        r = sys_execve(path, argv, envp);
    (void)!write(report, &r, sizeof(r)); /* the parent reads the end of the pipe as success: nothing
                                            else can be done */
    _exit(127);
}

int sys_spawn(const char *path, char *const argv[], char *const envp[], const int *fds,
              size_t n_fds, int *ret_pidfd)
{
    int report[2], r = 0;
    auto_fd int pidfd = FD_NONE;
    ssize_t n;
    pid_t pid;

    if (n_fds > MAX_FDS)
        return -EINVAL;
    if (pipe2(report, O_CLOEXEC) < 0)
        return -errno;
    pid = sys_clone(&(struct sys_clone_args){.cgroup_fd = FD_NONE, .ret_pidfd = &pidfd});
    if (pid == 0)
        child(path, argv, envp, fds, n_fds, report[1]);
    fd_close(report[1]);
    if (pid < 0) {
        fd_close(report[0]);
        return pid;
    }
    do
        n = read(report[0], &r, sizeof(r));
    while (n < 0 && errno == EINTR);
    fd_close(report[0]);
    if (n == sizeof(r)) {
        int status;

        (void)sys_wait(pid, &status); /* it has exited: this reaps */
        return r;
    }
    if (ret_pidfd)
        *ret_pidfd = take_fd(&pidfd);
    return pid;
}
