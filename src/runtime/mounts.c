/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The mounts of the specification, in its order: what each of them needs is decided here, without
 * touching anything; mount_step.c does it.
 *
 * Binds are clones of the host's mounts (sources.h). A clone is a peer of its original, and mounts
 * of the container must not appear on the host: binds are private, or with a slave root slaves,
 * unless a propagation was asked for.
 *
 * Trust boundary: the image owns every directory and link of the root at this moment. proc, sysfs
 * and what goes on /dev must find a true directory there (CVE-2019-19921: a link made one mount
 * land under another name than the one that is masked); other targets may pass links, which stay
 * inside the root.
 */
#include "runtime/mounts.h"

#include <fcntl.h>

#include "base/str.h"
#include "runtime/idmap.h"
#include "runtime/mount_step.h"
#include "runtime/rootfs.h"
#include "runtime/rootpath.h"
#include "sys/mount.h"

/* A relative source counts from the bundle. The type of a bind may be anything: the option decides.
 */
static int check_bind(const struct runtime_plan *p, const struct mount_step *s, struct err *e)
{
    const char *source = s->m->source ? s->m->source : "";

    if (!*source || (source[0] != '/' && p->config->bundle_dirfd < 0))
        return err_set(e, ERR_INVALID, "%s.source: '%s' of the bind on '%s' is not absolute",
                       s->field, source, s->m->destination);
    /* "mode=755" is for a file system that is made: mount(2) ignores it for a bind. */
    VEC_FOREACH (param, &s->o.params)
        if (!param->is_superblock && !param->value)
            return err_set(e, ERR_INVALID,
                           "%s.options: unknown mount option '%s' of the bind on '%s'", s->field,
                           param->key, s->m->destination);
    if (s->o.flags & MOUNTOPT_COPY_UP)
        return err_set(e, ERR_INVALID, "%s.options: 'tmpcopyup' is for tmpfs only", s->field);
    return 0;
}

static int plan_bind(struct runtime_plan *p, struct mount_step *s, struct err *e)
{
    struct plan_source source = {.path = s->m->source, .flags = SYS_TREE_CLONE};

    if (check_bind(p, s, e) < 0)
        return -1;
    source.field = plan_own_string(p, alloc_printf("%s.source", s->field));
    source.dirfd = source.path[0] == '/' ? AT_FDCWD : p->config->bundle_dirfd;
    if (s->o.is_recursive_bind || str_equal(s->m->type, "rbind"))
        source.flags |= SYS_TREE_RECURSIVE;
    if (s->o.flags & MOUNTOPT_SOURCE_NOFOLLOW)
        source.flags |= SYS_TREE_NOFOLLOW;
    if (idmap_plan(p, s->m, &s->o, s->field, &source, e) < 0)
        return -1;
    if (!s->o.propagation) {
        s->o.propagation = rootfs_is_slave(p) ? MS_SLAVE : MS_PRIVATE;
        s->o.propagation_is_recursive = true;
    }
    s->source = plan_add_source(p, source);
    p->has_foreign_dev |= str_equal(s->target, "dev");
    plan_add(p, "bind", mount_step_bind, s, "%s on %s", s->m->source, s->m->destination);
    return 0;
}

static int check_filesystem(const struct mount_step *s, struct err *e)
{
    const struct oci_mount *m = s->m;

    if (!m->type || !*m->type || str_equal(m->type, "none"))
        return err_set(e, ERR_INVALID, "%s.type: the mount on '%s' has none", s->field,
                       m->destination);
    if (s->o.flags & MOUNTOPT_IDMAP || m->uid_mappings.len > 0)
        return err_set(e, ERR_INVALID, "%s.options: only binds can be mapped", s->field);
    if (s->o.flags & MOUNTOPT_SOURCE_NOFOLLOW)
        return err_set(e, ERR_INVALID, "%s.options: 'src-nofollow' is for binds only", s->field);
    if (s->o.flags & MOUNTOPT_COPY_UP && !str_equal(m->type, "tmpfs"))
        return err_set(e, ERR_INVALID, "%s.options: 'tmpcopyup' is for tmpfs only", s->field);
    return 0;
}

static int plan_filesystem(struct runtime_plan *p, struct mount_step *s, struct err *e)
{
    const char *type = s->m->type;

    if (check_filesystem(s, e) < 0)
        return -1;
    s->target_flags |= ROOTPATH_DIRECTORY;
    if (str_equal(type, "proc") || str_equal(type, "sysfs") || str_equal(s->target, "dev"))
        s->target_flags |= ROOTPATH_NOFOLLOW;
    if (str_equal(type, "cgroup") || str_equal(type, "cgroup2")) {
        p->shows_cgroup = true;
        plan_add(p, "mount", mount_step_cgroup, s, "%s on %s", type, s->m->destination);
        return 0;
    }
    if (str_equal(type, "tmpfs") && ((s->o.set | s->o.recursive_set) & MOUNT_ATTR_RDONLY)) {
        s->is_readonly_late = true;
        p->has_late_readonly = true;
    }
    if (str_equal(type, "tmpfs") && str_equal(s->target, "dev")) {
        s->remember = MOUNT_REMEMBER_DEV;
        p->has_own_dev = true;
    } else if (str_equal(type, "devpts") && str_equal(s->target, "dev/pts")) {
        s->remember = MOUNT_REMEMBER_PTS;
        p->has_own_pts = true;
    } else if (str_equal(s->target, "dev")) {
        p->has_foreign_dev = true;
    }
    plan_add(p, "mount", mount_step_filesystem, s, "%s on %s", type, s->m->destination);
    return 0;
}

static int parse_options(struct runtime_plan *p, struct mount_step *s, struct err *e)
{
    char options[64];
    int r;

    snprintf(options, sizeof(options), "%s.options", s->field);
    r = mountopt_parse(s->m->options, options, &s->o, e);
    VEC_FOREACH (param, &s->o.params)
        plan_own_string(p, param->key);
    if (s->o.params.items)
        vec_push(&p->owned, (void *)s->o.params.items);
    return r;
}

static int check_target(struct runtime_plan *p, struct mount_step *s, struct err *e)
{
    char destination[64], *target;

    snprintf(destination, sizeof(destination), "%s.destination", s->field);
    target = rootpath_clean(s->m->destination, destination, e);
    if (!target)
        return -1;
    s->target = plan_own_string(p, target);
    if (!*target)
        return err_set(e, ERR_INVALID, "%s: a mount on '/' is not possible", destination);
    if (s->o.flags & MOUNTOPT_TARGET_NOFOLLOW)
        s->target_flags |= ROOTPATH_LINK;
    return 0;
}

static int plan_one(struct runtime_plan *p, size_t index, struct err *e)
{
    const struct oci_mount *m = &p->spec->mounts.items[index];
    struct mount_step *s = plan_alloc(p, sizeof(*s));

    *s = (struct mount_step){
        .m = m,
        .field = plan_own_string(p, alloc_printf("mounts[%zu]", index)),
        .target_flags = ROOTPATH_MAKE,
    };
    if (parse_options(p, s, e) < 0 || check_target(p, s, e) < 0)
        return -1;
    if (s->o.flags & MOUNTOPT_REMOUNT) {
        plan_add(p, "remount", mount_step_remount, s, "%s", m->destination);
        return 0;
    }
    if (s->o.is_bind || str_equal(m->type, "bind") || str_equal(m->type, "rbind"))
        return plan_bind(p, s, e);
    return plan_filesystem(p, s, e);
}

int mounts_plan(struct runtime_plan *p, struct err *e)
{
    for (size_t i = 0; i < p->spec->mounts.len; i++)
        if (plan_one(p, i, e) < 0)
            return -1;
    return 0;
}
