/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sys/self.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/keyctl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/fd.h"

#ifndef MFD_EXEC
#define MFD_EXEC 0x0010U
#endif
#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x0008U
#endif

static int result(long r)
{
    return r < 0 ? -errno : (int)r;
}

int sys_setgroups(const gid_t *gids, size_t n)
{
    FAULT_POINT("setgroups");
    return result(syscall(SYS_setgroups, n, gids));
}

int sys_set_gid(gid_t gid)
{
    FAULT_POINT("setresgid");
    return result(syscall(SYS_setresgid, gid, gid, gid));
}

int sys_set_uid(uid_t uid)
{
    FAULT_POINT("setresuid");
    return result(syscall(SYS_setresuid, uid, uid, uid));
}

int sys_get_rlimit(int resource, struct rlimit *ret)
{
    FAULT_POINT("getrlimit");
    return result(prlimit(0, (enum __rlimit_resource)resource, NULL, ret));
}

int sys_set_rlimit(int resource, const struct rlimit *limit)
{
    FAULT_POINT("setrlimit");
    return result(prlimit(0, (enum __rlimit_resource)resource, limit, NULL));
}

int sys_raise_rlimit(pid_t pid, int resource, rlim_t hard)
{
    struct rlimit now;

    FAULT_POINT("raise_rlimit");
    if (prlimit(pid, (enum __rlimit_resource)resource, NULL, &now) < 0)
        return -errno;
    if (now.rlim_max >= hard)
        return 0;
    now.rlim_max = hard;
    return result(prlimit(pid, (enum __rlimit_resource)resource, &now, NULL));
}

void sys_umask(mode_t mask)
{
    umask(mask);
}

int sys_fchdir(int fd)
{
    FAULT_POINT("fchdir");
    return result(fchdir(fd));
}

int sys_chdir(const char *path)
{
    FAULT_POINT("chdir");
    return result(chdir(path));
}

int sys_chroot_here(void)
{
    FAULT_POINT("chroot");
    return result(chroot("."));
}

int sys_getcwd(char *ret, size_t size)
{
    FAULT_POINT("getcwd");
    return result(syscall(SYS_getcwd, ret, size));
}

int sys_reset_signals(void)
{
    struct sigaction now;
    sigset_t none;

    FAULT_POINT("reset_signals");
    for (int i = 1; i < NSIG; i++) {
        /* libc keeps two signals for itself and SIGKILL, SIGSTOP have no handler: those fail, and
         * are right. */
        if (sigaction(i, NULL, &now) < 0 || now.sa_handler == SIG_DFL)
            continue;
        now = (struct sigaction){.sa_handler = SIG_DFL};
        if (sigaction(i, &now, NULL) < 0)
            return -errno;
    }
    sigemptyset(&none);
    return result(sigprocmask(SIG_SETMASK, &none, NULL));
}

int sys_get_dumpable(void)
{
    FAULT_POINT("get_dumpable");
    return result(prctl(PR_GET_DUMPABLE, 0, 0, 0, 0));
}

int sys_join_session_keyring(const char *name)
{
    FAULT_POINT("join_session_keyring");
    return result(syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, name));
}

int sys_set_keyring_mode(int keyring, uint32_t mode)
{
    FAULT_POINT("set_keyring_mode");
    return result(syscall(SYS_keyctl, KEYCTL_SETPERM, keyring, mode));
}

int sys_dup_above(int fd, int lowest)
{
    FAULT_POINT("dup");
    return result(fcntl(fd, F_DUPFD_CLOEXEC, lowest));
}

/* `kind`: MFD_EXEC or MFD_NOEXEC_SEAL, which Linux knows since 6.3. */
static int make_memfd(const char *name, unsigned kind, mode_t mode, const void *bytes, size_t n)
{
    auto_fd int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING | kind);

    if (fd < 0 && errno == EINVAL)
        fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fd < 0)
        return -errno;
    if (write(fd, bytes, n) != (ssize_t)n)
        return -EIO;
    if (fchmod(fd, mode) < 0 ||
        fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) < 0 ||
        lseek(fd, 0, SEEK_SET) < 0)
        return -errno;
    return take_fd(&fd);
}

int sys_memfd_sealed_program(const char *name, const void *bytes, size_t n)
{
    FAULT_POINT("memfd_create");
    return make_memfd(name, MFD_EXEC, 0555, bytes, n);
}

int sys_memfd_sealed_text(const char *name, const void *bytes, size_t n)
{
    FAULT_POINT("memfd_text");
    return make_memfd(name, MFD_NOEXEC_SEAL, 0444, bytes, n);
}

static int set_timeout(int socket_fd, int option, int timeout_ms)
{
    struct timeval t = {.tv_sec = timeout_ms / 1000, .tv_usec = timeout_ms % 1000 * 1000};

    return result(setsockopt(socket_fd, SOL_SOCKET, option, &t, sizeof(t)));
}

int sys_set_recv_timeout(int socket_fd, int timeout_ms)
{
    FAULT_POINT("set_recv_timeout");
    return set_timeout(socket_fd, SO_RCVTIMEO, timeout_ms);
}

int sys_set_send_timeout(int socket_fd, int timeout_ms)
{
    FAULT_POINT("set_send_timeout");
    return set_timeout(socket_fd, SO_SNDTIMEO, timeout_ms);
}
