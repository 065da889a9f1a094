/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The kernel does not name the holder of an open-file-description lock (fcntl(2): l_pid is -1), and
 * what a holder writes into the file would outlive its truth. But /proc/PID/fdinfo/FD shows the
 * locks of each open file (proc(5)): who has the lock is looked for there, and only when it is not
 * let go for seconds.
 *
 * To kill a holder is safe since every call may be killed anywhere; a first process that is not yet
 * recorded dies with it. It is killed by pidfd, after another look at what it holds: the number may
 * be somebody else's by then.
 */
#include "lifecycle/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/str.h"
#include "base/strv.h"
#include "base/units.h"
#include "sys/file.h"
#include "sys/process.h"

#define PAUSE_MAX_MS     20
#define FDINFO_MAX_BYTES (64u << 10)

/* -EAGAIN: somebody else has it still. */
static int wait_for(int fd, int timeout_ms)
{
    uint64_t end_ns = units_monotonic_ns() + (uint64_t)timeout_ms * 1000000u;
    int pause_ms = 1, r;

    while ((r = sys_try_lock(fd, SYS_LOCK_EXCLUSIVE)) == -EAGAIN && units_monotonic_ns() < end_ns) {
        (void)poll(NULL, 0, pause_ms); /* a signal makes it shorter */
        pause_ms = MIN(pause_ms * 2, PAUSE_MAX_MS);
    }
    return r;
}

/* ---- who has it ---- */

/* Is there a lock on this file in the descriptor's fdinfo? stat(2) of /proc/PID/fd/FD may hang on
 * somebody's dead file server: only that of a file with such a lock is looked at. */
static bool holds_by(int proc, const char *pid, const char *fd, const struct stat *lock)
{
    auto_free char *info_path = alloc_printf("%s/fdinfo/%s", pid, fd);
    auto_free char *fd_path = alloc_printf("%s/fd/%s", pid, fd);
    auto_free char *inode = alloc_printf(":%llu ", (unsigned long long)lock->st_ino);
    auto_free char *info = NULL;
    struct stat st;

    if (sys_read_file(proc, info_path, FDINFO_MAX_BYTES, &info, NULL) < 0)
        return false;
    return strstr(info, "OFDLCK") && strstr(info, inode) && sys_stat(proc, fd_path, &st) == 0 &&
           st.st_dev == lock->st_dev && st.st_ino == lock->st_ino;
}

static bool holds(int proc, const char *pid, const struct stat *lock)
{
    auto_free char *path = alloc_printf("%s/fdinfo", pid);
    auto_strv fds = NULL;

    if (sys_list_dir(proc, path, &fds) < 0)
        return false;
    STRV_FOREACH (fd, fds)
        if (holds_by(proc, pid, *fd, lock))
            return true;
    return false;
}

static bool kill_if_holder(int proc, const char *name, pid_t pid, const struct stat *lock)
{
    auto_fd int pidfd = FD_NONE;

    if (!holds(proc, name, lock))
        return false;
    pidfd = sys_pidfd_open(pid);
    return pidfd >= 0 && holds(proc, name, lock) && sys_pidfd_send_signal(pidfd, SIGKILL) == 0;
}

/* One of the killed, or 0. Forked copies of the holder's descriptor hold the lock as well. */
static pid_t kill_holders(int lock_fd)
{
    auto_fd int proc = sys_open(AT_FDCWD, "/proc", O_RDONLY | O_DIRECTORY, 0);
    auto_strv names = NULL;
    struct stat lock;
    pid_t killed = 0;
    uint64_t pid;

    if (proc < 0 || sys_stat(lock_fd, "", &lock) < 0 || sys_list_dir(proc, ".", &names) < 0)
        return 0;
    STRV_FOREACH (name, names)
        if (str_to_u64(*name, INT32_MAX, &pid) == 0 && (pid_t)pid != getpid() &&
            kill_if_holder(proc, *name, (pid_t)pid, &lock))
            killed = (pid_t)pid;
    return killed;
}

static int seize(int fd, struct err *e)
{
    pid_t killed = 0;
    int r = wait_for(fd, LOCK_PATIENCE_MS);

    if (r == -EAGAIN) {
        killed = kill_holders(fd);
        r = wait_for(fd, killed ? LOCK_PATIENCE_MS : 0);
    }
    if (r == -EAGAIN && killed)
        return err_set(e, ERR_TIMEOUT, "process %d works on it and does not die", (int)killed);
    if (r == -EAGAIN)
        return err_set(e, ERR_TIMEOUT, "a process that cannot be seen from here works on it");
    return r < 0 ? err_sys(e, r, "lock it") : 0;
}

/* ---- taking and removing ---- */

static int gone(struct err *e)
{
    return err_set(e, ERR_NOT_FOUND, "it was deleted meanwhile");
}

int lock_take(int dirfd, enum lock_way way, int *ret_fd, struct err *e)
{
    auto_fd int fd = sys_open(dirfd, "lock", O_RDWR | O_CREAT | O_NOFOLLOW, 0600);
    struct stat st;
    int r = fd;

    if (fd == -ENOENT)
        return gone(e); /* a directory without a name takes no new file */
    if (fd >= 0 && way == LOCK_SEIZE && seize(fd, e) < 0)
        return -1;
    if (fd >= 0 && way == LOCK_WAIT)
        r = sys_lock(fd, SYS_LOCK_EXCLUSIVE);
    if (r >= 0)
        r = sys_stat(fd, "", &st);
    if (r < 0)
        return err_sys(e, r, "lock it");
    if (st.st_nlink == 0)
        return gone(e);
    *ret_fd = take_fd(&fd);
    return 0;
}

int lock_remove(int root_fd, int dirfd, const char *id)
{
    int r;

    /* Who came to wait makes the file anew. Bounded: each of them sees at once that it is over. */
    for (int i = 0; i < 100; i++) {
        r = dirfd < 0 ? 0 : sys_unlink(dirfd, "lock");
        if (r == 0)
            r = sys_rmdir(root_fd, id);
        if (r != -ENOTEMPTY && r != -EEXIST)
            break;
    }
    return r;
}
