/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Starting a program with an exact set of fds. Between fork and exec only async-signal-safe calls.
 * An exec that fails is told by a pipe that closes on success, so that the caller hears it as an
 * errno.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/fd.h"
#include "sys/file.h"
#include "sys/process.h"
#include "sys/self.h"

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

static int become(const struct sys_spawn *s)
{
    int r = 0;

    if (s->flags & SYS_SPAWN_SESSION)
        r = MIN(sys_setsid(), 0);
    if (r == 0 && (s->flags & SYS_SPAWN_DIES_WITH_CALLER))
        r = sys_set_pdeathsig(SIGKILL);
    if (r == 0 && s->cwd_fd >= 0)
        r = sys_fchdir(s->cwd_fd);
    return r;
}

static DHOW_NORETURN void child(const struct sys_spawn *s, int report)
{
    struct sigaction plain = {.sa_handler = SIG_DFL};
    sigset_t none;
    int r;

    fault_role("spawn");
    for (int sig = 1; sig < 32; sig++)
        (void)sigaction(sig, &plain, NULL); /* SIGKILL and SIGSTOP refuse */
    sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    report = fcntl(report, F_DUPFD_CLOEXEC, MAX_FDS * 2);
    r = become(s);
    if (r == 0)
        r = sys_place_fds(s->fds, s->n_fds);
    if (r == 0 && (s->flags & SYS_SPAWN_ONLY_THESE_FDS))
        r = sys_close_range_cloexec((unsigned)s->n_fds);
    if (r == 0)
        r = sys_execve(s->path, s->argv, s->envp);
    (void)!write(report, &r, sizeof(r)); /* the parent reads the end of the pipe as success: nothing
                                            else can be done */
    _exit(127);
}

int sys_spawn(const char *path, char *const argv[], char *const envp[], const int *fds,
              size_t n_fds, int *ret_pidfd)
{
    struct sys_spawn s =
        {.path = path, .argv = argv, .envp = envp, .fds = fds, .n_fds = n_fds, .cwd_fd = FD_NONE};

    return sys_spawn_as(&s, ret_pidfd);
}

int sys_spawn_as(const struct sys_spawn *s, int *ret_pidfd)
{
    int report[2], r = 0;
    auto_fd int pidfd = FD_NONE;
    ssize_t n;
    pid_t pid;

    if (s->n_fds > MAX_FDS)
        return -EINVAL;
    if (pipe2(report, O_CLOEXEC) < 0)
        return -errno;
    pid = sys_clone(&(struct sys_clone_args){.cgroup_fd = FD_NONE, .ret_pidfd = &pidfd});
    if (pid == 0)
        child(s, report[1]);
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
