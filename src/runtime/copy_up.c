/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Copying a directory of the image into a new tmpfs.
 *
 * Trust boundary: the image owns the source. Each name is opened beneath its directory's fd and
 * without links, what was opened is looked at again, and devices are not copied: the image's own
 * are none of the container's. The amount is bounded by the tmpfs, the depth here.
 */
#include "runtime/copy_up.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/strv.h"
#include "sys/file.h"
#include "sys/inode.h"
#include "sys/mount.h"

#define MAX_DEPTH 64 /* of directories; each holds two fds */

static int copy_bytes(int from, int to)
{
    const size_t size = 64u << 10;
    auto_free char *buffer = alloc_zero(1, size);
    ssize_t n;

    while ((n = sys_read_full(from, buffer, size)) > 0) {
        int r = sys_write_all(to, buffer, (size_t)n);

        if (r < 0)
            return r;
    }
    return (int)n;
}

static int copy_file(int from_dir, int to_dir, const char *name)
{
    auto_fd int from = sys_open_beneath(from_dir, name, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0);
    auto_fd int to = FD_NONE;
    struct stat st;
    int r = from < 0 ? from : sys_stat(from, "", &st);

    if (r < 0)
        return r;
    if (!S_ISREG(st.st_mode))
        return -ESTALE; /* it was one just now */
    to = sys_open(to_dir, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0600);
    return to < 0 ? to : copy_bytes(from, to);
}

static int copy_link(int from_dir, int to_dir, const char *name)
{
    char target[PATH_MAX];
    int r = sys_readlink(from_dir, name, target, sizeof(target));

    return r < 0 ? r : sys_symlink(target, to_dir, name);
}

/* A user namespace need not have the owner. */
static int dress(int to_dir, const char *name, const struct stat *st)
{
    int r = sys_chown_at(to_dir, name, st->st_uid, st->st_gid);

    if (r == -EINVAL || r == -EPERM)
        r = 0;
    if (r == 0 && !S_ISLNK(st->st_mode))
        r = sys_chmod_at(to_dir, name, st->st_mode & 07777);
    return r < 0 ? r : sys_set_mtime_at(to_dir, name, &st->st_mtim);
}

static int copy_directory(int from, int to, unsigned depth);

static int copy_subdirectory(int from_dir, int to_dir, const char *name, unsigned depth)
{
    auto_fd int from = sys_open_beneath(from_dir, name, O_RDONLY | O_DIRECTORY, 0);
    auto_fd int to = FD_NONE;
    int r = from < 0 ? from : sys_mkdir(to_dir, name, 0700);

    if (r == 0)
        r = to = sys_open_beneath(to_dir, name, O_RDONLY | O_DIRECTORY, 0);
    return r < 0 ? r : copy_directory(from, to, depth + 1);
}

static int copy_one(int from, int to, const char *name, unsigned depth)
{
    struct stat st;
    int r = sys_lstat(from, name, &st);

    if (r < 0)
        return r;
    switch (st.st_mode & S_IFMT) {
    case S_IFDIR:
        r = copy_subdirectory(from, to, name, depth);
        break;
    case S_IFREG:
        r = copy_file(from, to, name);
        break;
    case S_IFLNK:
        r = copy_link(from, to, name);
        break;
    case S_IFIFO:
        r = sys_mknod(to, name, S_IFIFO | 0600, 0, 0);
        break;
    default: /* devices, sockets */
        return 0;
    }
    return r < 0 ? r : dress(to, name, &st);
}

static int copy_directory(int from, int to, unsigned depth)
{
    auto_strv names = NULL;
    int r = depth > MAX_DEPTH ? -ELOOP : sys_list_dir(from, ".", &names);

    if (r < 0)
        return r;
    STRV_FOREACH (name, names) {
        r = copy_one(from, to, *name, depth);
        if (r < 0)
            return r;
    }
    return 0;
}

int copy_up(int root_fd, const char *clean_path, int to_fd, struct err *e)
{
    auto_fd int from = sys_open_in_root(root_fd, clean_path, O_RDONLY | O_DIRECTORY, 0);
    int r = from == -ENOENT ? 0 : from < 0 ? from : copy_directory(from, to_fd, 0);

    return r < 0 ? err_sys(e, r, "copy '/%s' up", clean_path) : 0;
}
