/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Processes by pidfd. clone3(2) without CLONE_VM is used as fork: the child runs on a copy of the
 * caller's stack. glibc's fork handlers do not run; the callers are single-threaded, so no lock can
 * be held by another thread.
 */
#include "sys/process.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <linux/sched.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/fd.h"
#include "base/str.h"
#include "sys/file.h"

static int result(long r)
{
    return r < 0 ? -errno : (int)r;
}

pid_t sys_clone(const struct sys_clone_args *args)
{
    struct clone_args c = {.flags = args->flags, .exit_signal = SIGCHLD};
    int pidfd = FD_NONE;
    long r;

    FAULT_POINT("clone");
    /* CLONE_PARENT takes the exit signal of the caller; clone3 refuses another. */
    if (args->flags & CLONE_PARENT)
        c.exit_signal = 0;
    if (args->ret_pidfd) {
        c.flags |= CLONE_PIDFD;
        c.pidfd = (uint64_t)(uintptr_t)&pidfd;
    }
    if (args->cgroup_fd >= 0) {
        c.flags |= CLONE_INTO_CGROUP;
        c.cgroup = (uint64_t)args->cgroup_fd;
    }
    r = syscall(SYS_clone3, &c, sizeof(c));
    if (r > 0 && args->ret_pidfd)
        *args->ret_pidfd = pidfd;
    return result(r);
}

int sys_pidfd_open(pid_t pid)
{
    FAULT_POINT("pidfd_open");
    return result(syscall(SYS_pidfd_open, pid, 0));
}

int sys_pidfd_send_signal(int pidfd, int sig)
{
    FAULT_POINT("pidfd_send_signal");
    return result(syscall(SYS_pidfd_send_signal, pidfd, sig, NULL, 0));
}

int sys_pidfd_getfd(int pidfd, int fd)
{
    FAULT_POINT("pidfd_getfd");
    return result(syscall(SYS_pidfd_getfd, pidfd, fd, 0));
}

int sys_kill_group(pid_t leader)
{
    FAULT_POINT("kill_group");
    return leader > 1 ? result(kill(-leader, SIGKILL)) : -EINVAL;
}

int sys_wait(pid_t pid, int *ret_status)
{
    pid_t r;

    FAULT_POINT("wait");
    do
        r = waitpid(pid, ret_status, 0);
    while (r < 0 && errno == EINTR);
    return r < 0 ? -errno : 0;
}

int sys_exit_code_of_status(int status)
{
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

/* State and start time of /proc/PID/stat. The command's name may hold anything: the fields begin
 * after its last ')'. */
static int read_stat(pid_t pid, char *ret_state, uint64_t *ret_ticks)
{
    char path[32], buf[1024];
    auto_fd int fd = FD_NONE;
    char *s, *save = NULL, *field;
    ssize_t n;

    snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT ? -ESRCH : -errno;
    n = read(fd, buf, sizeof(buf) - 1);
    if (n <= 0)
        return n < 0 ? -errno : -ESRCH;
    buf[n] = 0;
    s = strrchr(buf, ')');
    if (!s || s[1] != ' ')
        return -EIO;
    field = strtok_r(s + 2, " ", &save);
    if (!field)
        return -EIO;
    *ret_state = *field;
    for (int i = 4; i <= 22 && field; i++)
        field = strtok_r(NULL, " ", &save);
    return field && str_to_u64(field, UINT64_MAX, ret_ticks) == 0 ? 0 : -EIO;
}

int sys_process_start_time(pid_t pid, uint64_t *ret_ticks)
{
    char state;

    FAULT_POINT("process_start_time");
    return read_stat(pid, &state, ret_ticks);
}

int sys_process_is_alive(pid_t pid, uint64_t start_ticks)
{
    char state;
    uint64_t ticks;

    FAULT_POINT("process_is_alive");
    if (pid <= 0 || read_stat(pid, &state, &ticks) < 0)
        return 0;
    return ticks == start_ticks && state != 'Z' && state != 'X' && state != 'x';
}

int sys_boot_id(char ret[37])
{
    auto_fd int fd = FD_NONE;
    ssize_t n;

    FAULT_POINT("boot_id");
    fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    n = read(fd, ret, 36);
    if (n != 36)
        return -EIO;
    ret[36] = 0;
    return 0;
}

int sys_execve(const char *path, char *const argv[], char *const envp[])
{
    FAULT_POINT("execve");
    execve(path, argv, envp);
    return -errno;
}

int sys_execveat_fd(int fd, char *const argv[], char *const envp[])
{
    FAULT_POINT("execveat");
    syscall(SYS_execveat, fd, "", argv, envp, AT_EMPTY_PATH);
    return -errno;
}

int sys_set_pdeathsig(int sig)
{
    FAULT_POINT("set_pdeathsig");
    return result(prctl(PR_SET_PDEATHSIG, sig));
}

int sys_set_dumpable(bool dumpable)
{
    FAULT_POINT("set_dumpable");
    return result(prctl(PR_SET_DUMPABLE, dumpable));
}

int sys_setsid(void)
{
    FAULT_POINT("setsid");
    return result(setsid());
}

int sys_close_range_cloexec(unsigned first)
{
    FAULT_POINT("close_range");
    return result(syscall(SYS_close_range, first, ~0u, CLOSE_RANGE_CLOEXEC));
}

int sys_close_range(unsigned first, unsigned last)
{
    FAULT_POINT("close_range");
    return result(syscall(SYS_close_range, first, last, 0));
}

int sys_random(void *buf, size_t n)
{
    FAULT_POINT("random");
    return getrandom(buf, n, 0) == (ssize_t)n ? 0 : -EIO;
}
