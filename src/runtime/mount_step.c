/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Doing one mount. It is made detached, gets its attributes while nobody can see it, and is
 * attached to an fd that was resolved inside the root.
 *
 * A user namespace may not mount everything: the host's sysfs belongs to the owner of the network
 * namespace, its proc and mqueue to those of the pid and ipc namespaces. A container that keeps one
 * of those namespaces gets what its creator sees there, read-only as far as the kernel lets us.
 */
#include "runtime/mount_step.h"

#include <errno.h>
#include <fcntl.h>

#include "base/str.h"
#include "runtime/copy_up.h"
#include "runtime/mounts.h"
#include "runtime/rootpath.h"
#include "runtime/userns.h"
#include "sys/file.h"
#include "sys/mount.h"

/* ---- binds ---- */

static int change(int fd, unsigned flags, uint64_t set, uint64_t clear, uint64_t propagation)
{
    int r = sys_mount_setattr(fd, flags, set, clear, propagation);

    /* What a mount of a more privileged namespace has is locked: "rw" and "suid" then mean "as it
     * is". */
    if (r == -EPERM && (clear & ~(uint64_t)MOUNT_ATTR__ATIME))
        r = sys_mount_setattr(fd, flags, set, clear & MOUNT_ATTR__ATIME, propagation);
    return r;
}

static int set_attributes(int fd, const struct mountopt *o, struct err *e)
{
    uint64_t recursive = o->propagation_is_recursive ? o->propagation : 0;
    int r = 0;

    if (o->recursive_set || o->recursive_clear || recursive)
        r = change(fd, SYS_SETATTR_RECURSIVE, o->recursive_set, o->recursive_clear, recursive);
    if (r == 0 && (o->set || o->clear || (o->propagation && !recursive)))
        r = change(fd, 0, o->set, o->clear, recursive ? 0 : o->propagation);
    return r < 0 ? err_sys(e, r, "set the attributes of a mount") : 0;
}

int mount_step_bind(struct init *init, const void *step, struct err *e)
{
    const struct mount_step *s = step;
    int fd = init->source_fds[s->source];
    struct stat st;
    int r = sys_stat(fd, "", &st);

    if (r < 0)
        return err_sys(e, r, "stat '%s'", s->m->source);
    if (set_attributes(fd, &s->o, e) < 0)
        return err_wrap(e, "%s: bind '%s'", s->field, s->m->source);
    if (mounts_attach(init, fd, s->target,
                      s->target_flags | (S_ISDIR(st.st_mode) ? ROOTPATH_DIRECTORY : 0), e) < 0)
        return err_wrap(e, "%s", s->field);
    return 0;
}

/* ---- file systems ---- */

typedef VEC(struct mountopt_param) param_list;

static bool has_param(const param_list *params, const char *key)
{
    VEC_FOREACH (p, params)
        if (str_equal(p->key, key))
            return true;
    return false;
}

/* A tmpfs without a mode looks like the directory that it covers (runc and crun have it so). */
static void add_mode(struct init *init, const struct mount_step *s, param_list *params)
{
    auto_fd int fd = FD_NONE;
    struct stat st;

    if (!str_equal(s->m->type, "tmpfs") || has_param(params, "mode"))
        return;
    fd = sys_open_in_root(init->root_fd, s->target, O_PATH | O_DIRECTORY, 0);
    if (fd < 0 || sys_stat(fd, "", &st) < 0)
        return;
    vec_push(params,
             ((struct mountopt_param){.key = alloc_strdup("mode"),
                                      .value = alloc_printf("%o", (unsigned)st.st_mode & 07777)}));
}

/* These have labels of their own. */
static bool takes_label(const char *type)
{
    static const char *const others[] = {"proc", "sysfs", "mqueue"};

    for (size_t i = 0; i < ARRAY_LEN(others); i++)
        if (str_equal(type, others[i]))
            return false;
    return true;
}

/* On a host without SELinux a label means nothing, and no file system would know the parameter. */
static void add_label(struct init *init, const struct mount_step *s, param_list *params)
{
    const char *label = init->plan->linux->mount_label;
    struct stat st;

    if (!label || !*label || !takes_label(s->m->type) || has_param(params, "context") ||
        sys_stat(AT_FDCWD, "/sys/fs/selinux/enforce", &st) < 0)
        return;
    vec_push(params, ((struct mountopt_param){.key = alloc_strdup("context"),
                                              .value = alloc_strdup(label)}));
}

/* The child frees nothing. */
static param_list collect_params(struct init *init, const struct mount_step *s)
{
    param_list params = {0};

    VEC_FOREACH (p, &s->o.params)
        vec_push(&params, *p);
    add_mode(init, s, &params);
    add_label(init, s, &params);
    return params;
}

/* "gid=5" of a devpts is everybody's habit; a user namespace need not have such a group. */
static bool drop_unmapped_group(const char *type, param_list *params)
{
    uint64_t gid;

    if (!str_equal(type, "devpts"))
        return false;
    for (size_t i = 0; i < params->len; i++) {
        if (!str_equal(params->items[i].key, "gid") ||
            str_to_u64(params->items[i].value ? params->items[i].value : "", UINT32_MAX, &gid) <
                0 ||
            userns_has_gid((uint32_t)gid))
            continue;
        memmove(&params->items[i], &params->items[i + 1],
                (params->len - i - 1) * sizeof(params->items[0]));
        params->len--;
        return true;
    }
    return false;
}

/* Not there: `e` stays what it is. */
static int bind_of_host(const struct mount_step *s, struct err *e)
{
    static const struct {
        const char *type, *path;
        uint64_t attributes;
    } places[] = {
        {"sysfs", "/sys", MOUNT_ATTR_RDONLY},
        {"proc", "/proc", 0},
        {"mqueue", "/dev/mqueue", 0},
    };

    for (size_t i = 0; i < ARRAY_LEN(places); i++) {
        auto_fd int fd = FD_NONE;
        int r;

        if (!str_equal(places[i].type, s->m->type))
            continue;
        /* All that lies below is locked to it. */
        r = fd = sys_open_tree(AT_FDCWD, places[i].path, SYS_TREE_CLONE | SYS_TREE_RECURSIVE);
        if (r == -ENOENT)
            return -1;
        if (r >= 0)
            r = sys_mount_setattr(fd, SYS_SETATTR_RECURSIVE, s->o.set | places[i].attributes, 0,
                                  MS_PRIVATE);
        return r < 0 ? err_sys(e, r, "bind the host's '%s' instead", places[i].path) : take_fd(&fd);
    }
    return -1;
}

static int make(struct init *init, const struct mount_step *s, struct err *e)
{
    param_list params = collect_params(init, s);
    uint64_t late = s->is_readonly_late ? MOUNT_ATTR_RDONLY : 0;
    uint64_t attributes = (s->o.set | s->o.recursive_set) & ~late;
    struct err why = {0};
    int fd = mounts_make(s->m->type, s->m->source, params.items, params.len, attributes, &why);

    if (fd == -1 && why.errno_value == EINVAL && drop_unmapped_group(s->m->type, &params))
        fd = mounts_make(s->m->type, s->m->source, params.items, params.len, attributes, &why);
    if (fd == -1 && why.errno_value == EPERM && init->plan->namespaces.has_user)
        fd = bind_of_host(s, &why);
    if (fd == -1 && e)
        *e = why;
    return fd;
}

/* By mount(2), for parameters that the kernel's newer interface takes no longer than 255 bytes. */
static int mount_by_data(struct init *init, const struct mount_step *s, struct err *e)
{
    param_list params = collect_params(init, s);
    auto_fd int target = rootpath_open(init->root_fd, s->target, s->target_flags);
    int r;

    if (target < 0)
        return err_sys(e, target, "open the mount point '/%s'", s->target);
    if (mounts_put(s->m->type, s->m->source, params.items, params.len,
                   s->o.set | s->o.recursive_set, target, e) < 0)
        return -1;
    if (!s->o.propagation || s->o.propagation == MS_PRIVATE)
        return 0;
    /* The fd is the directory beneath; its path leads to the top. */
    fd_close(target);
    r = target = rootpath_open(init->root_fd, s->target, s->target_flags);
    if (r >= 0)
        r = sys_mount_setattr(target, 0, 0, 0, s->o.propagation);
    return r < 0 ? err_sys(e, r, "set the propagation of '%s'", s->m->destination) : 0;
}

static int attach(struct init *init, const struct mount_step *s, int fd, struct err *e)
{
    int r = 0;

    if (s->o.flags & MOUNTOPT_COPY_UP && copy_up(init->root_fd, s->target, fd, e) < 0)
        return -1;
    if (mounts_attach(init, fd, s->target, s->target_flags, e) < 0)
        return -1;
    if (s->o.propagation && s->o.propagation != MS_PRIVATE)
        r = sys_mount_setattr(fd, s->o.propagation_is_recursive ? SYS_SETATTR_RECURSIVE : 0, 0, 0,
                              s->o.propagation);
    return r < 0 ? err_sys(e, r, "set the propagation of '%s'", s->m->destination) : 0;
}

int mount_step_filesystem(struct init *init, const void *step, struct err *e)
{
    const struct mount_step *s = step;
    auto_fd int fd = make(init, s, e);
    int r = fd == -2 ? mount_by_data(init, s, e) : fd < 0 ? -1 : attach(init, s, fd, e);

    if (r < 0)
        return err_wrap(e, "%s: mount '%s' on '%s'", s->field, s->m->type, s->m->destination);
    if (s->is_readonly_late && fd >= 0)
        vec_push(&init->late_readonly_fds, fd);
    if (s->remember == MOUNT_REMEMBER_DEV)
        init->dev_fd = fd;
    else if (s->remember == MOUNT_REMEMBER_PTS)
        init->pts_fd = fd;
    if (s->is_readonly_late || s->remember)
        take_fd(&fd);
    return 0;
}

int mount_step_finish(struct init *init, const void *arg, struct err *e)
{
    int r = 0;

    (void)arg;
    VEC_FOREACH (fd, &init->late_readonly_fds)
        if (r == 0)
            r = sys_mount_setattr(*fd, 0, MOUNT_ATTR_RDONLY, 0, 0);
    return r < 0 ? err_sys(e, r, "make a tmpfs read-only") : 0;
}

int mount_step_cgroup(struct init *init, const void *step, struct err *e)
{
    const struct mount_step *s = step;

    if (mounts_cgroup(init, s->target, s->o.set | s->o.recursive_set, e) < 0)
        return err_wrap(e, "%s: mount '%s' on '%s'", s->field, s->m->type, s->m->destination);
    return 0;
}

/* ---- remount ---- */

/* What was not said stays as it is. */
static int reconfigure(int mount_fd, const struct mountopt *o)
{
    auto_fd int fs = FD_NONE;
    int r = 0;

    if (o->is_bind || (o->params.len == 0 && !((o->set | o->clear) & MOUNT_ATTR_RDONLY)))
        return 0;
    r = fs = sys_fspick(mount_fd);
    if (r >= 0 && (o->set | o->clear) & MOUNT_ATTR_RDONLY)
        r = sys_fsconfig_flag(fs, o->set & MOUNT_ATTR_RDONLY ? "ro" : "rw");
    for (size_t i = 0; r >= 0 && i < o->params.len; i++)
        r = o->params.items[i].value
                ? sys_fsconfig_string(fs, o->params.items[i].key, o->params.items[i].value)
                : sys_fsconfig_flag(fs, o->params.items[i].key);
    return r < 0 ? r : sys_fsconfig_reconfigure(fs);
}

int mount_step_remount(struct init *init, const void *step, struct err *e)
{
    const struct mount_step *s = step;
    auto_fd int fd = sys_open_in_root(init->root_fd, s->target, O_PATH, 0);
    int r = fd < 0 ? fd : reconfigure(fd, &s->o);

    if (r < 0)
        return err_sys(e, r, "%s: remount '%s'", s->field, s->m->destination);
    if (set_attributes(fd, &s->o, e) < 0)
        return err_wrap(e, "%s: remount '%s'", s->field, s->m->destination);
    return 0;
}
