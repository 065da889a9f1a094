/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Theory: nobody else writes to the tree while it is unpacked (it is in a staging directory of the
 * store, mode 0700), so that what this process just made under a name is still there. What the
 * archive made before is hostile: it may be anything under the name that is asked for, and is
 * removed without being followed.
 *
 * Order for a file: data, owner (clears setuid and capabilities), mode, xattrs, time.
 */
#include "image/unpack_entry.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"
#include "sys/file.h"
#include "sys/inode.h"
#include "sys/mount.h"

#define OVERLAY_OPAQUE "trusted.overlay.opaque"

/* What to do with an extended attribute, by the first prefix that fits. */
enum xattr_rule { XATTR_REFUSE, XATTR_SET, XATTR_PASS };
static const struct {
    const char *prefix;
    enum xattr_rule rule;
} xattr_rules[] = {
    {"trusted.overlay.", XATTR_REFUSE}, /* would speak to overlay in the store's name */
    {"user.overlay.", XATTR_REFUSE},    {"user.", XATTR_SET},
    {"security.capability", XATTR_SET}, {"", XATTR_PASS}, /* labels and ACLs of another machine */
};

static enum xattr_rule rule_of(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(xattr_rules); i++)
        if (str_starts_with(name, xattr_rules[i].prefix))
            return xattr_rules[i].rule;
    return XATTR_PASS;
}

static int set_xattrs(int fd, const struct tar_entry *t, struct err *e)
{
    char shown[TAR_SHOWN_SIZE];
    int r;

    VEC_FOREACH (x, &t->xattrs) {
        enum xattr_rule rule = rule_of(x->name);

        if (rule == XATTR_REFUSE)
            return err_set(e, ERR_DENIED, "the attribute '%s' is overlay's own",
                           tar_show(x->name, shown));
        if (rule == XATTR_PASS)
            continue;
        r = sys_set_xattr(fd, x->name, x->value, x->len);
        if (r < 0 && r != -EOPNOTSUPP) /* as other engines do where the file system has none */
            return err_sys(e, r, "set the attribute '%s'", tar_show(x->name, shown));
    }
    return 0;
}

/* Xattrs that would be refused on a file are refused on every kind; the others mean nothing there.
 */
static int check_xattrs(const struct tar_entry *t, struct err *e)
{
    char shown[TAR_SHOWN_SIZE];

    VEC_FOREACH (x, &t->xattrs)
        if (rule_of(x->name) == XATTR_REFUSE)
            return err_set(e, ERR_DENIED, "the attribute '%s' is overlay's own",
                           tar_show(x->name, shown));
    return 0;
}

static bool is_foreign(uid_t uid, gid_t gid)
{
    return uid != geteuid() || gid != getegid();
}

static struct timespec mtime_of(const struct tar_entry *t)
{
    return (struct timespec){.tv_sec = t->mtime_s, .tv_nsec = t->mtime_ns};
}

static int remove_existing(int parent, const char *name)
{
    int r = sys_unlink(parent, name);

    return r == -EISDIR ? sys_remove_tree(parent, name) : r;
}

static int open_new(int parent, const char *name, struct err *e)
{
    const int flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW;
    int fd = sys_open(parent, name, flags, 0600);

    if (fd == -EEXIST) {
        fd = remove_existing(parent, name);
        if (fd == 0)
            fd = sys_open(parent, name, flags, 0600);
    }
    return fd < 0 ? err_sys(e, fd, "create the file") : fd;
}

static int write_at(int fd, const unsigned char *data, size_t n, uint64_t offset)
{
    if (lseek(fd, (off_t)offset, SEEK_SET) < 0)
        return -errno;
    return sys_write_all(fd, data, n);
}

static int write_data(int fd, const struct tar_entry *t, struct tar_reader *tar, struct err *e)
{
    const unsigned char *data;
    size_t n;
    uint64_t offset, end = 0;
    int r = 0;

    for (;;) {
        if (tar_data(tar, &data, &n, &offset, e) < 0)
            return -1;
        if (!n)
            break;
        r = offset == end ? sys_write_all(fd, data, n) : write_at(fd, data, n, offset);
        if (r < 0)
            return err_sys(e, r, "write the file");
        end = offset + n;
    }
    if (end < t->size)
        r = sys_truncate(fd, (off_t)t->size);
    return r < 0 ? err_sys(e, r, "extend the sparse file") : 0;
}

int entry_make_file(int parent, const char *name, const struct tar_entry *t, struct tar_reader *tar,
                    struct err *e)
{
    struct timespec mtime = mtime_of(t);
    auto_fd int fd = open_new(parent, name, e);
    int r = 0;

    if (fd < 0 || write_data(fd, t, tar, e) < 0)
        return -1;
    if (is_foreign(t->uid, t->gid))
        r = sys_chown(fd, t->uid, t->gid);
    if (r == 0)
        r = sys_chmod(fd, t->mode);
    if (r < 0)
        return err_sys(e, r, "set owner and mode");
    if (set_xattrs(fd, t, e) < 0)
        return -1;
    r = sys_set_mtime(fd, &mtime);
    return r < 0 ? err_sys(e, r, "set the time") : 0;
}

int entry_make_symlink(int parent, const char *name, const struct tar_entry *t, struct err *e)
{
    struct timespec mtime = mtime_of(t);
    int r;

    if (check_xattrs(t, e) < 0)
        return -1;
    r = sys_symlink(t->link, parent, name);
    if (r == -EEXIST) {
        r = remove_existing(parent, name);
        if (r == 0)
            r = sys_symlink(t->link, parent, name);
    }
    if (r == 0 && is_foreign(t->uid, t->gid))
        r = sys_chown_at(parent, name, t->uid, t->gid);
    if (r == 0)
        r = sys_set_mtime_at(parent, name, &mtime);
    return r < 0 ? err_sys(e, r, "create the symlink") : 0;
}

static mode_t node_type(enum tar_kind kind)
{
    return kind == TAR_FIFO ? S_IFIFO : kind == TAR_BLOCK_DEVICE ? S_IFBLK : S_IFCHR;
}

int entry_make_node(int parent, const char *name, const struct tar_entry *t, struct err *e)
{
    struct timespec mtime = mtime_of(t);
    mode_t mode = node_type(t->kind) | 0600;
    int r;

    if (check_xattrs(t, e) < 0)
        return -1;
    r = sys_mknod(parent, name, mode, t->dev_major, t->dev_minor);
    if (r == -EEXIST) {
        r = remove_existing(parent, name);
        if (r == 0)
            r = sys_mknod(parent, name, mode, t->dev_major, t->dev_minor);
    }
    if (r == 0 && is_foreign(t->uid, t->gid))
        r = sys_chown_at(parent, name, t->uid, t->gid);
    if (r == 0)
        r = sys_chmod_at(parent, name, t->mode);
    if (r == 0)
        r = sys_set_mtime_at(parent, name, &mtime);
    return r < 0 ? err_sys(e, r, "create the device or fifo") : 0;
}

/* No attributes are set: they would change the target's (a setuid bit by way of a link). */
int entry_make_hardlink(int parent, const char *name, int target_parent, const char *target_name,
                        struct err *e)
{
    struct stat target, existing;
    int r = sys_lstat(target_parent, target_name, &target);

    if (r < 0)
        return err_sys(e, r, "look at the hardlink's target");
    if (!S_ISREG(target.st_mode))
        return err_set(e, ERR_DENIED, "the hardlink's target is not a regular file of this layer");
    r = sys_link(target_parent, target_name, parent, name);
    if (r == -EEXIST) {
        r = sys_lstat(parent, name, &existing);
        if (r == 0 && existing.st_ino == target.st_ino && existing.st_dev == target.st_dev)
            return 0;
        if (r == 0)
            r = remove_existing(parent, name);
        if (r == 0)
            r = sys_link(target_parent, target_name, parent, name);
    }
    return r < 0 ? err_sys(e, r, "create the hardlink") : 0;
}

static bool is_whiteout(const struct stat *st)
{
    return S_ISCHR(st->st_mode) && st->st_rdev == 0;
}

int entry_make_opaque(int directory, struct err *e)
{
    auto_fd int fd = sys_open_beneath(directory, ".", O_RDONLY | O_DIRECTORY, 0);
    int r = fd < 0 ? fd : sys_set_xattr(fd, OVERLAY_OPAQUE, "y", 1);

    return r < 0 ? err_sys(e, r, "mark the directory opaque") : 0;
}

static int open_directory(int parent, const char *name, struct err *e)
{
    int fd = sys_open(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0);

    return fd < 0 ? err_sys(e, fd, "open the directory") : fd;
}

/* Makes sure that the name is a directory: 1 made, 0 it was one. A whiteout that came earlier in
 * this layer means that what is below is hidden: the directory becomes opaque. */
static int make_directory(int parent, const char *name, struct err *e)
{
    auto_fd int fd = FD_NONE;
    struct stat st;
    int r = sys_mkdir(parent, name, 0700);

    if (r == 0)
        return 1;
    if (r == -EEXIST)
        r = sys_lstat(parent, name, &st);
    if (r < 0)
        return err_sys(e, r, "create the directory");
    if (S_ISDIR(st.st_mode))
        return 0;
    r = sys_unlink(parent, name);
    if (r == 0)
        r = sys_mkdir(parent, name, 0700);
    if (r < 0)
        return err_sys(e, r, "create the directory");
    if (is_whiteout(&st)) {
        fd = open_directory(parent, name, e);
        if (fd < 0 || entry_make_opaque(fd, e) < 0)
            return -1;
    }
    return 1;
}

int entry_make_directory(int parent, const char *name, const struct tar_entry *t, struct err *e)
{
    auto_fd int fd = FD_NONE;

    if (*name && make_directory(parent, name, e) < 0)
        return -1;
    if (!t->xattrs.len)
        return 0;
    fd = open_directory(parent, *name ? name : ".", e);
    return fd < 0 || set_xattrs(fd, t, e) < 0 ? -1 : 0;
}

/* Only nothing, or a whiteout, may be in a parent's place: a symlink or a file is refused. */
int entry_make_implied_directory(int parent, const char *name, struct err *e)
{
    auto_fd int fd = FD_NONE;
    struct stat st;
    char shown[TAR_SHOWN_SIZE];
    int r = sys_lstat(parent, name, &st);

    if (r < 0 && r != -ENOENT)
        return err_sys(e, r, "look at its parent '%s'", tar_show(name, shown));
    if (r == 0 && !S_ISDIR(st.st_mode) && !is_whiteout(&st))
        return err_set(e, ERR_DENIED, "its parent '%s' is %s in this layer", tar_show(name, shown),
                       S_ISLNK(st.st_mode) ? "a symlink" : "not a directory");
    r = make_directory(parent, name, e);
    if (r <= 0)
        return r;
    fd = open_directory(parent, name, e);
    if (fd < 0)
        return -1;
    r = sys_chmod(fd, 0755);
    return r < 0 ? err_sys(e, r, "set the mode of its parent") : 0;
}

int entry_make_whiteout(int parent, const char *name, struct err *e)
{
    auto_fd int fd = FD_NONE;
    struct stat st;
    int r = sys_mknod(parent, name, S_IFCHR, 0, 0);

    if (r == -EEXIST)
        r = sys_lstat(parent, name, &st);
    else if (r == 0)
        return 0;
    if (r < 0)
        return err_sys(e, r, "create the whiteout");
    if (!S_ISDIR(st.st_mode))
        return 0; /* this layer's own file hides what is below already */
    fd = open_directory(parent, name, e);
    return fd < 0 ? -1 : entry_make_opaque(fd, e);
}

int entry_dress_directory(int fd, const struct directory_attributes *a, struct err *e)
{
    int r = 0;

    if (is_foreign(a->uid, a->gid))
        r = sys_chown(fd, a->uid, a->gid);
    if (r == 0)
        r = sys_chmod(fd, a->mode);
    if (r == 0)
        r = sys_set_mtime(fd, &a->mtime);
    return r < 0 ? err_sys(e, r, "set a directory's attributes") : 0;
}
