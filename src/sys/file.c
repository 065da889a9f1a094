/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Files by directory fd. Each function is one fault point and one kernel call, or a short loop of
 * one. openat2(2) is Linux 5.6; there is no fallback that walks by hand: a kernel without it gets
 * -ENOSYS.
 */
#include "sys/file.h"

#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fault.h"
#include "base/fd.h"

static int result(long r)
{
    return r < 0 ? -errno : (int)r;
}

int sys_open(int dirfd, const char *path, int flags, mode_t mode)
{
    FAULT_POINT("open");
    return result(openat(dirfd, path, flags | O_CLOEXEC, mode));
}

static int open_how(int dirfd, const char *path, int flags, mode_t mode, uint64_t resolve)
{
    struct open_how how = {
        .flags = (uint64_t)(unsigned)flags | O_CLOEXEC,
        .mode = (flags & O_CREAT) || (flags & O_TMPFILE) == O_TMPFILE ? mode : 0,
        .resolve = resolve,
    };
    long r;

    /* EAGAIN: a rename raced with the walk and the kernel cannot vouch for the result. Bounded: a
     * racer must not hold us. */
    for (int i = 0; i < 64; i++) {
        r = syscall(SYS_openat2, dirfd, path, &how, sizeof(how));
        if (r >= 0 || errno != EAGAIN)
            break;
    }
    return result(r);
}

int sys_open_in_root(int rootfd, const char *path, int flags, mode_t mode)
{
    FAULT_POINT("open_in_root");
    return open_how(rootfd, *path ? path : ".", flags, mode,
                    RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS);
}

int sys_open_beneath(int dirfd, const char *path, int flags, mode_t mode)
{
    FAULT_POINT("open_beneath");
    return open_how(dirfd, *path ? path : ".", flags, mode,
                    RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS);
}

int sys_mkdir(int dirfd, const char *path, mode_t mode)
{
    FAULT_POINT("mkdir");
    return result(mkdirat(dirfd, path, mode));
}

int sys_mkdir_p(int dirfd, const char *path, mode_t mode)
{
    auto_free char *copy = alloc_strdup(path);
    char *end = copy;
    int r = 0;

    FAULT_POINT("mkdir_p");
    if (mkdirat(dirfd, path, mode) == 0)
        return 0;
    if (errno != ENOENT)
        return errno == EEXIST ? 0 : -errno;
    while (r == 0 && *end) {
        char kept;

        end += strspn(end, "/");
        end += strcspn(end, "/");
        kept = *end;
        *end = 0;
        r = mkdirat(dirfd, copy, mode) < 0 && errno != EEXIST ? -errno : 0;
        *end = kept;
    }
    return r;
}

int sys_unlink(int dirfd, const char *path)
{
    FAULT_POINT("unlink");
    return unlinkat(dirfd, path, 0) < 0 && errno != ENOENT ? -errno : 0;
}

int sys_rmdir(int dirfd, const char *path)
{
    FAULT_POINT("rmdir");
    return unlinkat(dirfd, path, AT_REMOVEDIR) < 0 && errno != ENOENT ? -errno : 0;
}

int sys_rename(int from_dirfd, const char *from, int to_dirfd, const char *to)
{
    FAULT_POINT("rename");
    return result(renameat(from_dirfd, from, to_dirfd, to));
}

int sys_rename_noreplace(int from_dirfd, const char *from, int to_dirfd, const char *to)
{
    FAULT_POINT("rename_noreplace");
    return result(syscall(SYS_renameat2, from_dirfd, from, to_dirfd, to, 1 /* RENAME_NOREPLACE */));
}

int sys_link(int from_dirfd, const char *from, int to_dirfd, const char *to)
{
    FAULT_POINT("link");
    return result(linkat(from_dirfd, from, to_dirfd, to, 0));
}

int sys_symlink(const char *target, int dirfd, const char *path)
{
    FAULT_POINT("symlink");
    return result(symlinkat(target, dirfd, path));
}

int sys_readlink(int dirfd, const char *path, char *buf, size_t size)
{
    ssize_t n;

    FAULT_POINT("readlink");
    n = readlinkat(dirfd, path, buf, size);
    if (n < 0)
        return -errno;
    if ((size_t)n >= size)
        return -ENAMETOOLONG;
    buf[n] = 0;
    return (int)n;
}

int sys_stat(int dirfd, const char *path, struct stat *ret)
{
    FAULT_POINT("stat");
    return result(fstatat(dirfd, path, ret, *path ? 0 : AT_EMPTY_PATH));
}

int sys_lstat(int dirfd, const char *path, struct stat *ret)
{
    FAULT_POINT("lstat");
    return result(fstatat(dirfd, path, ret, AT_SYMLINK_NOFOLLOW));
}

int sys_pipe(int ret[static 2])
{
    FAULT_POINT("pipe");
    return result(pipe2(ret, O_CLOEXEC));
}

int sys_fsync(int fd)
{
    FAULT_POINT("fsync");
    return result(fsync(fd));
}

int sys_syncfs(int fd)
{
    FAULT_POINT("syncfs");
    return result(syncfs(fd));
}

int sys_chmod(int fd, mode_t mode)
{
    FAULT_POINT("chmod");
    return result(fchmod(fd, mode));
}

int sys_chown(int fd, uid_t uid, gid_t gid)
{
    FAULT_POINT("chown");
    return result(fchownat(fd, "", uid, gid, AT_EMPTY_PATH));
}

int sys_truncate(int fd, off_t len)
{
    FAULT_POINT("truncate");
    return result(ftruncate(fd, len));
}

ssize_t sys_read_full(int fd, void *buf, size_t n)
{
    size_t done = 0;

    FAULT_POINT("read");
    while (done < n) {
        ssize_t r = read(fd, (char *)buf + done, n - done);

        if (r < 0 && errno == EINTR)
            continue;
        if (r < 0)
            return -errno;
        if (r == 0)
            break;
        done += (size_t)r;
    }
    return (ssize_t)done;
}

int sys_write_all(int fd, const void *buf, size_t n)
{
    size_t done = 0;

    FAULT_POINT("write");
    while (done < n) {
        ssize_t r = write(fd, (const char *)buf + done, n - done);

        if (r < 0 && errno == EINTR)
            continue;
        if (r < 0)
            return -errno;
        done += (size_t)r;
    }
    return 0;
}

int sys_read_fd(int fd, size_t max, char **ret, size_t *ret_len)
{
    size_t cap = 4096, len = 0;
    auto_free char *buf = alloc_grow(NULL, cap + 1, 1);

    for (;;) {
        ssize_t r = sys_read_full(fd, buf + len, cap - len);

        if (r < 0)
            return (int)r;
        len += (size_t)r;
        if (len > max)
            return -EFBIG;
        if (len < cap)
            break;
        cap *= 2;
        buf = alloc_grow(buf, cap + 1, 1);
    }
    buf[len] = 0;
    *ret = take_ptr(&buf);
    if (ret_len)
        *ret_len = len;
    return 0;
}

int sys_read_file(int dirfd, const char *path, size_t max, char **ret, size_t *ret_len)
{
    auto_fd int fd = sys_open(dirfd, path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK, 0);

    return fd < 0 ? fd : sys_read_fd(fd, max, ret, ret_len);
}

int sys_write_file_atomic(int dirfd, const char *path, const void *buf, size_t n, mode_t mode,
                          unsigned flags)
{
    static const char suffix[] = ".tmp.";
    char temporary[NAME_MAX + 1 + PATH_MAX];
    auto_fd int fd = FD_NONE;
    int r;

    if (strlen(path) + sizeof(suffix) + 12 > sizeof(temporary))
        return -ENAMETOOLONG;
    snprintf(temporary, sizeof(temporary), "%s%s%d", path, suffix, (int)getpid());
    fd = sys_open(dirfd, temporary, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, mode);
    if (fd < 0)
        return fd;
    r = sys_write_all(fd, buf, n);
    if (r == 0 && (flags & SYS_WRITE_SYNC))
        r = sys_fsync(fd);
    if (r == 0)
        r = sys_rename(dirfd, temporary, dirfd, path);
    if (r < 0)
        (void)unlinkat(dirfd, temporary, 0); /* the first error is the one that counts */
    return r;
}

int sys_write_existing(int dirfd, const char *path, const char *text)
{
    auto_fd int fd = FD_NONE;

    FAULT_POINT("write_existing");
    fd = openat(dirfd, path, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return -errno;
    return write(fd, text, strlen(text)) < 0 ? -errno : 0;
}

static int lock_call(int fd, int command, short type)
{
    struct flock l = {.l_type = type, .l_whence = SEEK_SET};
    int r;

    do
        r = fcntl(fd, command, &l);
    while (r < 0 && errno == EINTR);
    if (r < 0)
        return errno == EACCES ? -EAGAIN : -errno;
    return command == F_OFD_GETLK ? l.l_type != F_UNLCK : 0;
}

int sys_lock(int fd, enum sys_lock_mode mode)
{
    FAULT_POINT("lock");
    return lock_call(fd, F_OFD_SETLKW, mode == SYS_LOCK_SHARED ? F_RDLCK : F_WRLCK);
}

int sys_try_lock(int fd, enum sys_lock_mode mode)
{
    FAULT_POINT("try_lock");
    return lock_call(fd, F_OFD_SETLK, mode == SYS_LOCK_SHARED ? F_RDLCK : F_WRLCK);
}

int sys_is_locked(int fd)
{
    FAULT_POINT("is_locked");
    return lock_call(fd, F_OFD_GETLK, F_WRLCK);
}
