/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * Files and directories, by directory fd and name. Every function returns >= 0 or -errno, and
 * passes a fault point named as itself. Fds are O_CLOEXEC. `dirfd` may be AT_FDCWD for absolute
 * paths of our own configuration.
 *
 * Untrusted trees (a rootfs, a staging folder) are entered only by sys_open_in_root() and
 * sys_open_beneath(): openat2(2) with RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS, or RESOLVE_BENEATH |
 * RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS.
 */
#include <sys/stat.h>
#include <sys/types.h>

#include "base/def.h"

int sys_open(int dirfd, const char *path, int flags, mode_t mode); /* fd; O_CLOEXEC is added */
int sys_open_in_root(int rootfd, const char *path, int flags,
                     mode_t mode); /* symlinks resolve as if rootfd were "/" */
int sys_open_beneath(int dirfd, const char *path, int flags,
                     mode_t mode); /* no symlink at all, no ".." above */
int sys_mkdir(int dirfd, const char *path, mode_t mode);
int sys_mkdir_p(int dirfd, const char *path,
                mode_t mode);                /* each missing part; existing directories are fine */
int sys_unlink(int dirfd, const char *path); /* 0 also when it is not there */
int sys_rmdir(int dirfd, const char *path);  /* 0 also when it is not there */
int sys_rename(int from_dirfd, const char *from, int to_dirfd, const char *to);
int sys_rename_noreplace(int from_dirfd, const char *from, int to_dirfd,
                         const char *to); /* -EEXIST */
int sys_link(int from_dirfd, const char *from, int to_dirfd, const char *to);
int sys_symlink(const char *target, int dirfd, const char *path);
int sys_readlink(int dirfd, const char *path, char *buf,
                 size_t size); /* length; NUL-terminated; -ENAMETOOLONG */
int sys_stat(int dirfd, const char *path,
             struct stat *ret); /* follows; path "" means dirfd itself */
int sys_lstat(int dirfd, const char *path, struct stat *ret);
/* The names in a directory but "." and "..", in no order; an owned vector (base/strv.h). */
int sys_list_dir(int dirfd, const char *path, char ***ret);
int sys_pipe(int ret[static 2]); /* O_CLOEXEC */
int sys_fsync(int fd);
int sys_syncfs(int fd);
int sys_chmod(int fd, mode_t mode);
int sys_chown(int fd, uid_t uid, gid_t gid); /* an O_PATH fd will do */
int sys_truncate(int fd, off_t len);

/* Whole transfers: short reads and writes and EINTR are handled; one fault point a call. */
ssize_t sys_read_full(int fd, void *buf,
                      size_t n); /* bytes read: n, or less at the end of the file */
int sys_write_all(int fd, const void *buf, size_t n);
/* A whole small file as an owned, NUL-terminated string. -EFBIG above max; symlinks at the last
 * part are refused. */
int sys_read_file(int dirfd, const char *path, size_t max, char **ret, size_t *ret_len);
int sys_read_fd(int fd, size_t max, char **ret, size_t *ret_len);
/* Atomic: a temporary name beside it, optionally fsync, rename over. */
enum sys_write_flags { SYS_WRITE_SYNC = 1 << 0 };
int sys_write_file_atomic(int dirfd, const char *path, const void *buf, size_t n, mode_t mode,
                          unsigned flags);
/* One write(2) to an existing file, as cgroupfs and procfs want it. */
int sys_write_existing(int dirfd, const char *path, const char *text);

/* Removes a tree beneath dirfd/name: never follows a link, never crosses a mount, removes immutable
 * nothing. 0 if absent. */
int sys_remove_tree(int dirfd, const char *name);

/* Open-file-description locks (fcntl(2)): they die with their last holder, are inherited by fork,
 * can be tested. */
enum sys_lock_mode { SYS_LOCK_SHARED, SYS_LOCK_EXCLUSIVE };
int sys_lock(int fd, enum sys_lock_mode mode);     /* waits */
int sys_try_lock(int fd, enum sys_lock_mode mode); /* -EAGAIN when another holds it */
int sys_is_locked(int fd); /* 1 if another description holds a lock, 0 if none does */
