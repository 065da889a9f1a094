/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Removing a tree that a container or an image made. It walks by directory fds with O_NOFOLLOW, so
 * that a racing rename leads nowhere else, and stays on one device, so that a mount that was
 * forgotten inside is not emptied. Depth is bounded by the fds that the process may have: below
 * MAX_DEPTH a subtree is first moved up to the top.
 */
#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/fd.h"
#include "sys/file.h"

#define MAX_DEPTH 200

struct walk {
    int top; /* the directory whose children are all to go: deep subtrees are moved here */
    dev_t device;
    unsigned moved;
};

static void close_dir(DIR **d)
{
    if (*d)
        closedir(*d);
}

static int empty_dir(struct walk *w, int dirfd, int depth);

/* A directory entry: emptied, then removed. */
static int remove_subdir(struct walk *w, int parent, const char *name, int depth)
{
    auto_fd int fd = FD_NONE;
    struct stat st;
    char up[32];
    int r;

    if (depth >= MAX_DEPTH) {
        snprintf(up, sizeof(up), ".deep.%u", w->moved++);
        return renameat(parent, name, w->top, up) < 0 ? -errno : 0;
    }
    fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    if (fstat(fd, &st) < 0)
        return -errno;
    if (st.st_dev != w->device)
        return -EXDEV;
    r = empty_dir(w, fd, depth + 1);
    if (r < 0)
        return r;
    return unlinkat(parent, name, AT_REMOVEDIR) < 0 && errno != ENOENT ? -errno : 0;
}

static int remove_entry(struct walk *w, int parent, const struct dirent *d, int depth)
{
    if (d->d_type != DT_DIR) {
        if (unlinkat(parent, d->d_name, 0) == 0 || errno == ENOENT)
            return 0;
        if (errno != EISDIR)
            return -errno;
    }
    return remove_subdir(w, parent, d->d_name, depth);
}

static bool is_dot(const char *name)
{
    return name[0] == '.' && (!name[1] || (name[1] == '.' && !name[2]));
}

static int empty_dir(struct walk *w, int dirfd, int depth)
{
    DHOW_CLEANUP(close_dir) DIR *dir = NULL;
    int copy = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (copy < 0)
        return -errno;
    dir = fdopendir(copy);
    if (!dir) {
        fd_close(copy);
        return -ENOMEM;
    }
    for (;;) {
        struct dirent *d;
        int r;

        errno = 0;
        d = readdir(dir);
        if (!d)
            return -errno;
        if (is_dot(d->d_name))
            continue;
        r = remove_entry(w, dirfd, d, depth);
        if (r < 0)
            return r;
    }
}

int sys_remove_tree(int dirfd, const char *name)
{
    struct walk w = {0};
    struct stat st;
    auto_fd int top = FD_NONE;
    int r;

    FAULT_POINT("remove_tree");
    top = openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (top < 0 && (errno == ENOTDIR || errno == ELOOP))
        return unlinkat(dirfd, name, 0) < 0 ? -errno : 0;
    if (top < 0)
        return errno == ENOENT ? 0 : -errno;
    if (fstat(top, &st) < 0)
        return -errno;
    w.top = top;
    w.device = st.st_dev;
    do {
        w.moved = 0;
        r = empty_dir(&w, top, 0);
    } while (r == 0 && w.moved > 0);
    if (r < 0)
        return r;
    FAULT_POINT("remove_tree_end");
    return unlinkat(dirfd, name, AT_REMOVEDIR) < 0 && errno != ENOENT ? -errno : 0;
}
