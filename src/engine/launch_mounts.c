/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The mounts of a container: the base set as one table, then tmpfs and bind mounts of the user by
 * depth, so that a parent is mounted before what lies in it. A user's mount on a base destination
 * replaces the base row.
 */
#include <fcntl.h>

#include "base/alloc.h"
#include "base/str.h"
#include "base/strv.h"
#include "engine/engine_internal.h"
#include "sys/file.h"

enum when { ALWAYS, OWN_IPC, HOST_IPC, UNPRIVILEGED, PRIVILEGED };

static const struct {
    enum when when;
    const char *destination, *type, *source, *options;
} base_mounts[] = {
    {ALWAYS, "/proc", "proc", "proc", "nosuid,noexec,nodev"},
    {ALWAYS, "/dev", "tmpfs", "tmpfs", "nosuid,strictatime,mode=755,size=65536k"},
    {ALWAYS, "/dev/pts", "devpts", "devpts",
     "nosuid,noexec,newinstance,ptmxmode=0666,mode=0620,gid=5"},
    {UNPRIVILEGED, "/sys", "sysfs", "sysfs", "nosuid,noexec,nodev,ro"},
    {PRIVILEGED, "/sys", "sysfs", "sysfs", "nosuid,noexec,nodev"},
    {UNPRIVILEGED, "/sys/fs/cgroup", "cgroup", "cgroup", "nosuid,noexec,nodev,relatime,ro"},
    {PRIVILEGED, "/sys/fs/cgroup", "cgroup", "cgroup", "nosuid,noexec,nodev,relatime"},
    {OWN_IPC, "/dev/mqueue", "mqueue", "mqueue", "nosuid,noexec,nodev"},
    {HOST_IPC, "/dev/mqueue", "bind", "/dev/mqueue", "rbind,nosuid,noexec,nodev"},
    {HOST_IPC, "/dev/shm", "bind", "/dev/shm", "rbind,nosuid,noexec,nodev"},
};

/* What a read-only container may still write to (podman's --read-only-tmpfs, which is its default).
 */
static const char *const read_only_tmpfs[] = {"/run", "/tmp", "/var/tmp"};

#define TMPFS_OPTIONS           "rw,noexec,nosuid,nodev,size=65536k"
#define READ_ONLY_TMPFS_OPTIONS "rw,nosuid,nodev,mode=1777"
#define DEFAULT_SHM_BYTES       (64u << 20)

static bool applies(enum when when, const struct engine_options *o)
{
    bool is_host_ipc = str_equal(o->ipc, "host");

    switch (when) {
    case ALWAYS:
        return true;
    case OWN_IPC:
        return !is_host_ipc;
    case HOST_IPC:
        return is_host_ipc;
    case UNPRIVILEGED:
        return !o->privileged;
    case PRIVILEGED:
        return o->privileged;
    }
    return false;
}

static bool is_path(const char *s, size_t n, const char *path)
{
    return strlen(path) == n && strncmp(s, path, n) == 0;
}

static bool is_users(const struct engine_options *o, const char *destination)
{
    VEC_FOREACH (v, &o->volumes)
        if (str_equal(v->destination, destination))
            return true;
    STRV_FOREACH (t, o->tmpfs)
        if (is_path(*t, strcspn(*t, ":"), destination))
            return true;
    return false;
}

/* A host need not have all that a container may share of it. */
static bool is_missing_on_host(const char *type, const char *source)
{
    struct stat st;

    return str_equal(type, "bind") && sys_stat(AT_FDCWD, source, &st) < 0;
}

static void add_base(struct launch *l)
{
    const struct engine_options *o = &l->options;

    for (size_t i = 0; i < ARRAY_LEN(base_mounts); i++)
        if (!is_missing_on_host(base_mounts[i].type, base_mounts[i].source) &&
            applies(base_mounts[i].when, o) && !is_users(o, base_mounts[i].destination))
            oci_spec_add_mount(&l->spec, base_mounts[i].destination, base_mounts[i].type,
                               base_mounts[i].source, base_mounts[i].options);
}

static void add_shm(struct launch *l)
{
    const struct engine_options *o = &l->options;
    auto_free char *options =
        alloc_printf("nosuid,noexec,nodev,mode=1777,size=%llu",
                     (unsigned long long)(o->shm_size.is_set ? o->shm_size.value
                                                             : DEFAULT_SHM_BYTES));

    /* "none": an IPC namespace of its own, without shared memory */
    if (!str_equal(o->ipc, "host") && !str_equal(o->ipc, "none") && !is_users(o, "/dev/shm"))
        oci_spec_add_mount(&l->spec, "/dev/shm", "tmpfs", "shm", options);
}

static int add_tmpfs(struct launch *l, const char *text, struct err *e)
{
    auto_free char *path = alloc_strndup(text, strcspn(text, ":"));
    const char *given = text[strlen(path)] ? text + strlen(path) + 1 : "";
    auto_free char *options = alloc_printf("%s%s%s", TMPFS_OPTIONS, *given ? "," : "", given);

    if (path[0] != '/')
        return err_set(e, ERR_INVALID, "tmpfs '%s': the path must be absolute", text);
    oci_spec_add_mount(&l->spec, path, "tmpfs", "tmpfs", options);
    return 0;
}

static void add_volume(struct launch *l, const struct engine_volume *v)
{
    auto_strv options = NULL;
    auto_free char *text = NULL;
    bool has_propagation = false, has_bind = false;

    STRV_FOREACH (s, v->options) {
        /* Labels of a host without SELinux mean nothing; there is nothing to relabel. */
        if (str_equal(*s, "z") || str_equal(*s, "Z"))
            continue;
        has_propagation |= str_ends_with(*s, "private") || str_ends_with(*s, "shared") ||
                           str_ends_with(*s, "slave");
        has_bind |= str_equal(*s, "bind") || str_equal(*s, "rbind");
        strv_add(&options, *s);
    }
    if (!has_bind)
        strv_add(&options, "rbind");
    if (!has_propagation)
        strv_add(&options, "rprivate");
    text = strv_join(options, ",");
    oci_spec_add_mount(&l->spec, v->destination, "bind", v->source, text);
}

static unsigned depth(const struct oci_mount *m)
{
    unsigned n = 0;

    for (const char *s = m->destination; *s; s++)
        n += *s == '/' && s[1] && s[1] != '/';
    return n;
}

/* Stable insertion sort of [first, n): few rows, and equal depths keep the user's order. */
static void sort_by_depth(struct oci_spec *spec, size_t first)
{
    struct oci_mount *m = spec->mounts.items;

    for (size_t i = first + 1; i < spec->mounts.len; i++) {
        struct oci_mount row = m[i];
        size_t j = i;

        for (; j > first && depth(&m[j - 1]) > depth(&row); j--)
            m[j] = m[j - 1];
        m[j] = row;
    }
}

int launch_add_mounts(struct launch *l, struct err *e)
{
    const struct engine_options *o = &l->options;
    size_t first;

    add_base(l);
    add_shm(l);
    first = l->spec.mounts.len;
    for (size_t i = 0; o->read_only && i < ARRAY_LEN(read_only_tmpfs); i++)
        if (!is_users(o, read_only_tmpfs[i]))
            oci_spec_add_mount(&l->spec, read_only_tmpfs[i], "tmpfs", "tmpfs",
                               READ_ONLY_TMPFS_OPTIONS);
    STRV_FOREACH (t, o->tmpfs)
        if (add_tmpfs(l, *t, e) < 0)
            return -1;
    VEC_FOREACH (v, &o->volumes)
        add_volume(l, v);
    sort_by_depth(&l->spec, first);
    return 0;
}
