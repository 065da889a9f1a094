/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Making a file system as a detached mount, and attaching a mount in the root.
 *
 * fsconfig(2) takes values of at most 255 bytes. Overlay's list of lower directories, which is what
 * gets longer, has a key for one directory at a time ("lowerdir+", Linux 6.5); all else goes the
 * way of mount(2), whose text may have a page.
 */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/str.h"
#include "base/strv.h"
#include "runtime/mounts.h"
#include "runtime/rootpath.h"
#include "sys/file.h"
#include "sys/mount.h"

#define VALUE_MAX 255 /* bytes: fsconfig(2) */

static bool is_long(const struct mountopt_param *p)
{
    return p->value && strlen(p->value) > VALUE_MAX;
}

/* Directories as a list with ":" between them, each short; a backslash or an empty one (which has
 * meanings) is left to the file system. */
static char **split_lowers(const char *type, const struct mountopt_param *p)
{
    auto_strv parts = NULL;

    if (!str_equal(type, "overlay") || !str_equal(p->key, "lowerdir") || strchr(p->value, '\\'))
        return NULL;
    parts = strv_split(p->value, ':');
    STRV_FOREACH (part, parts)
        if (!**part || strlen(*part) > VALUE_MAX)
            return NULL;
    return take_ptr(&parts);
}

/* 0, -errno, or -E2BIG: by mount(2). */
static int set_long(int fs, const char *type, const struct mountopt_param *p)
{
    auto_strv lowers = split_lowers(type, p);
    int r = lowers ? 0 : -E2BIG;

    STRV_FOREACH (lower, lowers) {
        r = sys_fsconfig_string(fs, "lowerdir+", *lower);
        if (r == -EINVAL && lower == lowers)
            return -E2BIG; /* a kernel without this key */
        if (r < 0)
            return r;
    }
    return r;
}

static int set_param(int fs, const char *type, const struct mountopt_param *p)
{
    if (is_long(p))
        return set_long(fs, type, p);
    return p->value ? sys_fsconfig_string(fs, p->key, p->value) : sys_fsconfig_flag(fs, p->key);
}

static int file_system_error(int fs, int r, const char *what, struct err *e)
{
    char why[256];

    sys_fs_message(fs, why, sizeof(why));
    return err_sys(e, r, "%s%s%s", what, *why ? ": " : "", why);
}

int mounts_make(const char *type, const char *source, const struct mountopt_param *params, size_t n,
                uint64_t attributes, struct err *e)
{
    auto_fd int fs = sys_fsopen(type);
    auto_free char *what = alloc_printf("make file system '%s'", type);
    int r = 0, fd;

    if (fs == -ENODEV)
        return err_set(e, ERR_UNSUPPORTED, "this kernel has no file system '%s'", type);
    if (fs < 0)
        return err_sys(e, fs, "open file system '%s'", type);
    if (source && strlen(source) > VALUE_MAX)
        return -2;
    if (source && *source)
        r = sys_fsconfig_string(fs, "source", source);
    if (r < 0)
        return err_sys(e, r, "set the source of file system '%s'", type);
    for (size_t i = 0; i < n; i++) {
        auto_free char *option = alloc_printf("mount option '%s'", params[i].key);

        r = set_param(fs, type, &params[i]);
        if (r == -E2BIG)
            return -2;
        if (r < 0)
            return file_system_error(fs, r, option, e);
    }
    r = sys_fsconfig_create(fs);
    if (r < 0)
        return file_system_error(fs, r, what, e);
    fd = sys_fsmount(fs, attributes);
    return fd < 0 ? err_sys(e, fd, "mount '%s'", type) : fd;
}

static const struct {
    uint64_t attribute;
    unsigned long flag;
} old_flags[] = {
    {MOUNT_ATTR_RDONLY, MS_RDONLY},         {MOUNT_ATTR_NOSUID, MS_NOSUID},
    {MOUNT_ATTR_NODEV, MS_NODEV},           {MOUNT_ATTR_NOEXEC, MS_NOEXEC},
    {MOUNT_ATTR_NODIRATIME, MS_NODIRATIME}, {MOUNT_ATTR_NOSYMFOLLOW, MS_NOSYMFOLLOW},
};

static unsigned long flags_of(uint64_t attributes)
{
    uint64_t atime = attributes & MOUNT_ATTR__ATIME;
    unsigned long flags = atime == MOUNT_ATTR_NOATIME       ? MS_NOATIME
                          : atime == MOUNT_ATTR_STRICTATIME ? MS_STRICTATIME
                                                            : MS_RELATIME;

    for (size_t i = 0; i < ARRAY_LEN(old_flags); i++)
        if (attributes & old_flags[i].attribute)
            flags |= old_flags[i].flag;
    return flags;
}

int mounts_put(const char *type, const char *source, const struct mountopt_param *params, size_t n,
               uint64_t attributes, int target_fd, struct err *e)
{
    auto_str data = STR_INIT((size_t)sysconf(_SC_PAGESIZE) - 1);
    int r;

    for (size_t i = 0; i < n; i++)
        str_addf(&data, "%s%s%s%s", i ? "," : "", params[i].key, params[i].value ? "=" : "",
                 params[i].value ? params[i].value : "");
    if (data.too_big)
        return err_set(e, ERR_LIMIT, "the mount options are longer than a page");
    r = sys_mount_data(source && *source ? source : type, target_fd, type, flags_of(attributes),
                       str_text(&data));
    return r < 0 ? err_sys(e, r, "make file system '%s'", type) : 0;
}

int mounts_attach(struct init *init, int mount_fd, const char *clean_path, unsigned flags,
                  struct err *e)
{
    auto_fd int target = rootpath_open(init->root_fd, clean_path, flags);
    int r;

    if (target == -ELOOP || target == -ENOTDIR)
        return err_sys(e, target, "'/%s' must be mounted on ordinary directory", clean_path);
    if (target < 0)
        return err_sys(e, target, "open the mount point '/%s'", clean_path);
    r = sys_attach_mount(mount_fd, target);
    return r < 0 ? err_sys(e, r, "mount on '/%s'", clean_path) : 0;
}

/* The line of proc(5) that begins with this id: "36 35 98:0 / /mnt rw,noatime master:1 - ...". */
static int is_shared(const char *mountinfo, const char *id)
{
    auto_strv lines = strv_split(mountinfo, '\n');

    STRV_FOREACH (line, lines) {
        size_t n = strlen(id);

        if (strncmp(*line, id, n) == 0 && (*line)[n] == ' ')
            return strstr(*line, " shared:") != NULL;
    }
    return -ENOENT;
}

int mounts_are_shared_at(int fd)
{
    auto_free char *path = alloc_printf("/proc/self/fdinfo/%d", fd);
    auto_free char *info = NULL;
    auto_free char *mountinfo = NULL;
    char *id;
    size_t len;
    int r = sys_read_file(AT_FDCWD, path, 64u << 10, &info, &len);

    if (r < 0)
        return r;
    id = strstr(info, "mnt_id:");
    if (!id)
        return -ENOENT;
    id += strlen("mnt_id:");
    id += strspn(id, " \t");
    id[strspn(id, "0123456789")] = 0;
    r = sys_read_file(AT_FDCWD, "/proc/self/mountinfo", 16u << 20, &mountinfo, &len);
    return r < 0 ? r : is_shared(mountinfo, id);
}
