/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The mounts of the specification, in its order. Each is made detached, gets its attributes while
 * nobody can see it, and is attached to an fd that was resolved inside the root.
 *
 * Binds are clones of the host's mounts that the parent made (plan_source). They are private unless
 * a propagation was asked for: a clone is a peer of its original, and mounts of the container must
 * not appear on the host.
 *
 * Trust boundary: the image owns every directory and link of the root at this moment. proc, sysfs
 * and what goes on /dev must find a true directory there (CVE-2019-19921: a link made one mount
 * land under another name than the one that is masked); other targets may pass links, which stay
 * inside the root.
 */
#include "runtime/mounts.h"

#include <fcntl.h>

#include "base/str.h"
#include "runtime/rootpath.h"
#include "sys/file.h"
#include "sys/mount.h"

enum remember { REMEMBER_NONE, REMEMBER_DEV, REMEMBER_PTS };

struct mount_step {
    const struct oci_mount *m;
    const char *target; /* clean */
    unsigned target_flags;
    struct mountopt o;
    size_t source;
    enum remember remember;
};

int mounts_make(const char *type, const char *source, const struct mountopt_param *params, size_t n,
                uint64_t attributes, struct err *e)
{
    auto_fd int fs = sys_fsopen(type);
    char why[256];
    int r = 0, fd;

    if (fs == -ENODEV)
        return err_set(e, ERR_UNSUPPORTED, "this kernel has no file system '%s'", type);
    if (fs < 0)
        return err_sys(e, fs, "open file system '%s'", type);
    if (source && *source)
        r = sys_fsconfig_string(fs, "source", source);
    if (r < 0)
        return err_sys(e, r, "set the source of file system '%s'", type);
    for (size_t i = 0; i < n; i++) {
        r = params[i].value ? sys_fsconfig_string(fs, params[i].key, params[i].value)
                            : sys_fsconfig_flag(fs, params[i].key);
        if (r < 0)
            return err_sys(e, r, "mount option '%s' of file system '%s'", params[i].key, type);
    }
    r = sys_fsconfig_create(fs);
    if (r < 0) {
        sys_fs_message(fs, why, sizeof(why));
        return err_sys(e, r, "make file system '%s'%s%s", type, *why ? ": " : "", why);
    }
    fd = sys_fsmount(fs, attributes);
    return fd < 0 ? err_sys(e, fd, "mount '%s'", type) : fd;
}

int mounts_attach(struct init *init, int mount_fd, const char *clean_path, unsigned flags,
                  struct err *e)
{
    auto_fd int target = rootpath_open(init->root_fd, clean_path, flags);
    int r;

    if (target == -ELOOP || target == -ENOTDIR)
        return err_sys(e, target, "mount on '/%s': not a plain directory of the root", clean_path);
    if (target < 0)
        return err_sys(e, target, "open the mount point '/%s'", clean_path);
    r = sys_attach_mount(mount_fd, target);
    return r < 0 ? err_sys(e, r, "mount on '/%s'", clean_path) : 0;
}

static int set_attributes(int fd, const struct mountopt *o, struct err *e)
{
    uint64_t recursive = o->propagation_is_recursive ? o->propagation : 0;
    int r = 0;

    if (o->recursive_set || o->recursive_clear || recursive)
        r = sys_mount_setattr(fd, SYS_SETATTR_RECURSIVE, o->recursive_set, o->recursive_clear,
                              recursive);
    if (r == 0 && (o->set || o->clear || (o->propagation && !recursive)))
        r = sys_mount_setattr(fd, 0, o->set, o->clear, recursive ? 0 : o->propagation);
    return r < 0 ? err_sys(e, r, "set the attributes of a mount") : 0;
}

static int step_bind(struct init *init, const void *arg, struct err *e)
{
    const struct mount_step *s = arg;
    int fd = init->source_fds[s->source];
    struct stat st;
    int r = sys_stat(fd, "", &st);

    if (r < 0)
        return err_sys(e, r, "stat '%s'", s->m->source);
    if (set_attributes(fd, &s->o, e) < 0)
        return err_wrap(e, "bind '%s'", s->m->source);
    return mounts_attach(init, fd, s->target,
                         s->target_flags | (S_ISDIR(st.st_mode) ? ROOTPATH_DIRECTORY : 0), e);
}

static int step_mount(struct init *init, const void *arg, struct err *e)
{
    const struct mount_step *s = arg;
    auto_fd int fd = mounts_make(s->m->type, s->m->source, s->o.params.items, s->o.params.len,
                                 s->o.set | s->o.recursive_set, e);
    int r = 0;

    if (fd < 0)
        return err_wrap(e, "mount '%s' on '%s'", s->m->type, s->m->destination);
    if (mounts_attach(init, fd, s->target, s->target_flags, e) < 0)
        return -1;
    if (s->o.propagation && s->o.propagation != MS_PRIVATE)
        r = sys_mount_setattr(fd, 0, 0, 0, s->o.propagation);
    if (r < 0)
        return err_sys(e, r, "set the propagation of '%s'", s->m->destination);
    if (s->remember == REMEMBER_DEV)
        init->dev_fd = take_fd(&fd);
    else if (s->remember == REMEMBER_PTS)
        init->pts_fd = take_fd(&fd);
    return 0;
}

static int step_cgroup_mount(struct init *init, const void *arg, struct err *e)
{
    const struct mount_step *s = arg;

    if (mounts_cgroup(init, s->target, s->o.set | s->o.recursive_set, e) < 0)
        return err_wrap(e, "mount '%s' on '%s'", s->m->type, s->m->destination);
    return 0;
}

static void plan_bind(struct runtime_plan *p, struct mount_step *s)
{
    unsigned flags = SYS_TREE_CLONE | (s->o.is_recursive_bind ? SYS_TREE_RECURSIVE : 0);

    if (!s->o.propagation) {
        s->o.propagation = MS_PRIVATE;
        s->o.propagation_is_recursive = true;
    }
    s->source = plan_add_source(p, (struct plan_source){.dirfd = AT_FDCWD,
                                                        .path = s->m->source,
                                                        .flags = flags});
    p->has_foreign_dev |= str_equal(s->target, "dev");
    plan_add(p, "bind", step_bind, s, "%s on %s", s->m->source, s->m->destination);
}

static void plan_filesystem(struct runtime_plan *p, struct mount_step *s)
{
    const char *type = s->m->type;

    s->target_flags |= ROOTPATH_DIRECTORY;
    if (str_equal(type, "proc") || str_equal(type, "sysfs") || str_equal(s->target, "dev"))
        s->target_flags |= ROOTPATH_NOFOLLOW;
    if (str_equal(type, "tmpfs") && str_equal(s->target, "dev")) {
        s->remember = REMEMBER_DEV;
        p->has_own_dev = true;
    } else if (str_equal(type, "devpts") && str_equal(s->target, "dev/pts")) {
        s->remember = REMEMBER_PTS;
        p->has_own_pts = true;
    } else if (str_equal(s->target, "dev")) {
        p->has_foreign_dev = true;
    }
    plan_add(p, "mount", step_mount, s, "%s on %s", type, s->m->destination);
}

/* The source of a bind: resolved by the parent, with the caller's rights. */
static int check_bind(const struct mount_step *s, const char *field, struct err *e)
{
    const char *source = s->m->source ? s->m->source : "";

    if (source[0] != '/')
        return err_set(e, ERR_INVALID, "%s.source: '%s' of the bind on '%s' is not absolute", field,
                       source, s->m->destination);
    if (s->o.params.len > 0)
        return err_set(e, ERR_INVALID, "%s.options: unknown mount option '%s' of the bind on '%s'",
                       field, s->o.params.items[0].key, s->m->destination);
    return 0;
}

static int parse_options(struct runtime_plan *p, struct mount_step *s, const char *field,
                         struct err *e)
{
    char options[64];
    int r;

    snprintf(options, sizeof(options), "%s.options", field);
    r = mountopt_parse(s->m->options, options, &s->o, e);
    VEC_FOREACH (param, &s->o.params)
        plan_own_string(p, param->key);
    if (s->o.params.items)
        vec_push(&p->owned, (void *)s->o.params.items);
    return r;
}

static int check_target(struct runtime_plan *p, struct mount_step *s, const char *field,
                        struct err *e)
{
    char destination[64], *target;

    snprintf(destination, sizeof(destination), "%s.destination", field);
    target = rootpath_clean(s->m->destination, destination, e);
    if (!target)
        return -1;
    s->target = plan_own_string(p, target);
    if (!*target)
        return err_set(e, ERR_INVALID, "%s: a mount on '/' is not possible", destination);
    return 0;
}

static int plan_one(struct runtime_plan *p, const struct oci_mount *m, const char *field,
                    struct err *e)
{
    struct mount_step *s = plan_alloc(p, sizeof(*s));

    *s = (struct mount_step){.m = m, .target_flags = ROOTPATH_MAKE};
    if (check_target(p, s, field, e) < 0 || parse_options(p, s, field, e) < 0)
        return -1;
    if (m->uid_mappings.len > 0 || m->gid_mappings.len > 0)
        return err_set(e, ERR_UNSUPPORTED, "%s.uidMappings is not supported yet", field);
    if (s->o.is_bind || str_equal(m->type, "bind") || str_equal(m->type, "rbind")) {
        if (check_bind(s, field, e) < 0)
            return -1;
        s->o.is_recursive_bind |= str_equal(m->type, "rbind");
        plan_bind(p, s);
        return 0;
    }
    if (!m->type || !*m->type)
        return err_set(e, ERR_INVALID, "%s.type: the mount on '%s' has none", field,
                       m->destination);
    if (str_equal(m->type, "cgroup") || str_equal(m->type, "cgroup2")) {
        p->shows_cgroup = true;
        plan_add(p, "mount", step_cgroup_mount, s, "%s on %s", m->type, m->destination);
        return 0;
    }
    plan_filesystem(p, s);
    return 0;
}

int mounts_plan(struct runtime_plan *p, struct err *e)
{
    for (size_t i = 0; i < p->spec->mounts.len; i++) {
        char field[32];

        snprintf(field, sizeof(field), "mounts[%zu]", i);
        if (plan_one(p, &p->spec->mounts.items[i], field, e) < 0)
            return -1;
    }
    return 0;
}
