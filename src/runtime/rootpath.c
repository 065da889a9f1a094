/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Making what is missing: the walk goes component by component. Each prefix is resolved from the
 * root again by openat2(RESOLVE_IN_ROOT); where it does not exist, the component is made in the
 * directory that the shorter prefix gave, by mkdirat with a plain name, which cannot leave that
 * directory. A component that is a link to nothing cannot be made: its target is put in its place
 * as text (".." never climbs above the root) and the walk starts again, a bounded number of times.
 * So a link to /x of the host makes /x of the container at most.
 */
#include "runtime/rootpath.h"

#include <fcntl.h>
#include <limits.h>
#include <string.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/str.h"
#include "base/strv.h"
#include "sys/file.h"

#define MAX_LINKS 16

char *rootpath_clean(const char *path, const char *what, struct err *e)
{
    auto_str out = STR_INIT(PATH_MAX);

    if (!path || path[0] != '/') {
        err_set(e, ERR_INVALID, "%s: '%s' is not an absolute path", what, path ? path : "");
        return NULL;
    }
    for (const char *s = path; *s;) {
        size_t n = strcspn(s, "/");

        if (n == 2 && s[0] == '.' && s[1] == '.') {
            err_set(e, ERR_INVALID, "%s: '%s' has '..' in it", what, path);
            return NULL;
        }
        if (n > 0 && !(n == 1 && s[0] == '.')) {
            if (out.len > 0)
                str_add_char(&out, '/');
            str_add_bytes(&out, s, n);
        }
        s += n;
        s += *s == '/';
    }
    if (out.too_big) {
        err_set(e, ERR_INVALID, "%s: longer than %d bytes", what, PATH_MAX);
        return NULL;
    }
    return str_take(&out);
}

/* Directory of `prefix`, joined with a link's target and what follows, cleaned with ".." as text.
 * Owned. */
static char *replace_link(const char *path, size_t prefix_len, const char *target)
{
    auto_str all = STR_INIT(4 * PATH_MAX);
    auto_str out = STR_INIT(PATH_MAX);
    auto_strv parts = NULL;
    size_t dir = prefix_len;

    while (dir > 0 && path[dir - 1] != '/')
        dir--;
    if (target[0] != '/')
        str_add_bytes(&all, path, dir);
    str_addf(&all, "/%s/%s", target, path + prefix_len);
    parts = strv_split(str_text(&all), '/');
    STRV_FOREACH (part, parts) {
        if (!**part || str_equal(*part, "."))
            continue;
        if (str_equal(*part, "..")) {
            const char *slash = strrchr(str_text(&out), '/');

            str_truncate(&out, slash ? (size_t)(slash - out.s) : 0);
            continue;
        }
        str_addf(&out, "%s%s", out.len ? "/" : "", *part);
    }
    return out.too_big ? NULL : str_take(&out);
}

/* Makes the component [start, end) of path in parent_fd. 0; or 1 and a new path when it is a link
 * to nothing. */
static int make_component(int parent_fd, const char *path, size_t start, size_t end,
                          bool is_directory, char **ret_path)
{
    char target[PATH_MAX];
    auto_free char *name = alloc_strndup(path + start, end - start);
    int r, fd;

    if (is_directory) {
        r = sys_mkdir(parent_fd, name, 0755);
    } else {
        fd = sys_open(parent_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0644);
        fd_close(fd);
        r = MIN(fd, 0);
    }
    if (r != -EEXIST)
        return r;
    r = sys_readlink(parent_fd, name, target, sizeof(target));
    if (r < 0)
        return r == -EINVAL ? 0 : r; /* somebody made it just now: fine */
    *ret_path = replace_link(path, end, target);
    return *ret_path ? 1 : -ENAMETOOLONG;
}

/* One walk: an fd, -errno, or -EAGAIN with the path to begin again with. */
static int walk(int root_fd, const char *path, unsigned flags, char **ret_path)
{
    auto_fd int parent = sys_open_in_root(root_fd, "", O_PATH | O_DIRECTORY, 0);
    size_t start = 0, len = strlen(path);
    int r;

    if (parent < 0)
        return parent;
    while (start < len) {
        size_t end = start + strcspn(path + start, "/");
        bool is_last = end == len, is_directory = !is_last || (flags & ROOTPATH_DIRECTORY);
        int how = O_PATH | (is_directory ? O_DIRECTORY : 0) |
                  (is_last && (flags & (ROOTPATH_NOFOLLOW | ROOTPATH_LINK)) ? O_NOFOLLOW : 0);
        auto_free char *prefix = alloc_strndup(path, end);
        auto_fd int next = sys_open_in_root(root_fd, prefix, how, 0);

        if (next == -ENOENT) {
            r = make_component(parent, path, start, end, is_directory, ret_path);
            if (r != 0)
                return r > 0 ? -EAGAIN : r;
            next = sys_open_in_root(root_fd, prefix, how, 0);
        }
        if (next < 0)
            return next;
        fd_close(parent);
        parent = take_fd(&next);
        start = end + 1;
    }
    return take_fd(&parent);
}

static int make(int root_fd, const char *path, unsigned flags)
{
    auto_free char *current = alloc_strdup(path);

    for (int i = 0; i < MAX_LINKS; i++) {
        char *next = NULL;
        int fd = walk(root_fd, current, flags, &next);

        if (fd != -EAGAIN || !next)
            return fd;
        free(current);
        current = next;
        if (flags & ROOTPATH_NOFOLLOW)
            return -ELOOP;
    }
    return -ELOOP;
}

int rootpath_open(int root_fd, const char *clean_path, unsigned flags)
{
    int how = O_PATH | (flags & ROOTPATH_DIRECTORY ? O_DIRECTORY : 0) |
              (flags & (ROOTPATH_NOFOLLOW | ROOTPATH_LINK) ? O_NOFOLLOW : 0);
    auto_fd int fd = sys_open_in_root(root_fd, clean_path, how, 0);
    struct stat st;
    int r;

    if (fd == -ENOENT && (flags & ROOTPATH_MAKE))
        fd = make(root_fd, clean_path, flags);
    if (fd < 0)
        return fd;
    /* A directory was asked for by O_DIRECTORY already. */
    if (flags & ROOTPATH_DIRECTORY)
        return take_fd(&fd);
    r = sys_stat(fd, "", &st);
    if (r < 0)
        return r;
    if (S_ISLNK(st.st_mode))
        return flags & ROOTPATH_LINK ? take_fd(&fd) : -ELOOP;
    return S_ISDIR(st.st_mode) ? -EISDIR : take_fd(&fd);
}

int rootpath_open_parent(int root_fd, const char *clean_path, unsigned flags, const char **ret_name)
{
    const char *slash = strrchr(clean_path, '/');
    auto_free char *dir = alloc_strndup(clean_path, slash ? (size_t)(slash - clean_path) : 0);
    int fd;

    if (!*clean_path)
        return -EISDIR;
    fd = rootpath_open(root_fd, dir, (flags & ROOTPATH_MAKE) | ROOTPATH_DIRECTORY);
    if (fd >= 0)
        *ret_name = slash ? slash + 1 : clean_path;
    return fd;
}
