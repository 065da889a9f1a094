/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "runtime/sources.h"

#include <errno.h>

#include "base/trace.h"
#include "runtime/init.h"
#include "runtime/userns.h"
#include "sys/mount.h"

static int map_ids(const struct plan_source *s, int fd, int userns_fd, struct err *e)
{
    int r;

    if (userns_fd < 0)
        return err_set(e, ERR_INVALID, "%s: the caller's own user namespace maps nothing",
                       s->field);
    r = sys_mount_idmap(fd, userns_fd, s->is_mapped_recursively ? SYS_SETATTR_RECURSIVE : 0);
    if (r == -EINVAL)
        return err_set(e, ERR_UNSUPPORTED, "%s: the file system of '%s' has no mapped mounts",
                       s->field, s->path);
    return r < 0 ? err_sys(e, r, "%s: map the ids of '%s'", s->field, s->path) : 0;
}

static int map_by_own(const struct plan_source *s, int fd, struct err *e)
{
    auto_fd int userns = FD_NONE;

    if (userns_make(&s->maps, &userns, e) < 0)
        return err_wrap(e, "%s", s->field);
    return map_ids(s, fd, userns, e);
}

/* What lies below a mount of a more privileged namespace cannot be left away (mount_namespaces(7)).
 */
static int clone_tree(const struct plan_source *s)
{
    int fd = sys_open_tree(s->dirfd, s->path, s->flags);

    if (fd == -EINVAL && !(s->flags & SYS_TREE_RECURSIVE))
        fd = sys_open_tree(s->dirfd, s->path, s->flags | SYS_TREE_RECURSIVE);
    return fd;
}

int sources_open(const struct runtime_plan *p, int *fds, struct err *e)
{
    for (size_t i = 0; i < p->sources.len; i++) {
        const struct plan_source *s = &p->sources.items[i];
        int fd = clone_tree(s);

        if (fd == -ENOENT && s->is_optional)
            continue;
        if (fd == -EPERM && i == 0 && p->namespaces.has_user)
            return 1;
        if (fd < 0)
            return err_sys(e, fd, "%s: open '%s'", s->field, s->path);
        fds[i] = fd;
        if (s->is_mapped && s->maps.n_uids > 0 && map_by_own(s, fd, e) < 0)
            return -1;
    }
    return 0;
}

int sources_map(const struct runtime_plan *p, const int *fds, int userns_fd, struct err *e)
{
    for (size_t i = 0; i < p->sources.len; i++) {
        const struct plan_source *s = &p->sources.items[i];

        if (s->is_mapped && s->maps.n_uids == 0 && fds[i] >= 0 &&
            map_ids(s, fds[i], userns_fd, e) < 0)
            return -1;
    }
    return 0;
}

void sources_close(const struct runtime_plan *p, int *fds)
{
    for (size_t i = 0; fds && i < p->sources.len; i++)
        fds[i] = fd_close(fds[i]);
}

/* Mapped mounts are for who has rights over the file system itself. */
static int refuse_mapped(const struct runtime_plan *p, struct err *e)
{
    VEC_FOREACH (s, &p->sources)
        if (s->is_mapped)
            return err_set(e, ERR_DENIED, "%s: mapped mounts are not for plain users", s->field);
    return 0;
}

int sources_step(struct init *init, const void *arg, struct err *e)
{
    int r;

    (void)arg;
    if (!init->opens_sources)
        return 0;
    if (refuse_mapped(init->plan, e) < 0)
        return -1;
    r = sources_open(init->plan, init->source_fds, e);
    return r > 0 ? err_set(e, ERR_DENIED, "clone mounts: not permitted") : r;
}
