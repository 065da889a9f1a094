/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Theory: a group is one directory in each hierarchy that it needs, held by an O_PATH fd. This file
 * opens groups that are there and lets processes in; make.c makes them, inside.c knows who is
 * inside, remove.c removes.
 */
#include "cgroup/cgroup.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/str.h"
#include "base/strv.h"
#include "cgroup/cgroup_private.h"
#include "sys/file.h"

void cgroup_free(struct cgroup *g)
{
    if (!g)
        return;
    for (size_t i = 0; i < g->n; i++) {
        fd_close(g->dirs[i].fd);
        free(g->dirs[i].path);
    }
    cgroup_holder_done(&g->holder);
    cgroup_mounts_done(&g->mounts);
    free(g->path);
    free(g->unit);
    free(g);
}

struct cgroup *cgroup_new(struct err *e)
{
    DHOW_CLEANUP(cgroup_auto) struct cgroup *g = alloc_new(struct cgroup);

    g->holder.pidfd = g->holder.fd = FD_NONE;
    if (cgroup_mounts_read(&g->mounts, e) < 0)
        return NULL;
    return take_ptr(&g);
}

struct cgroup_dir *cgroup_add_dir(struct cgroup *g, const struct cgroup_mount *m, char *owned_path)
{
    struct cgroup_dir *d = &g->dirs[g->n++];

    *d = (struct cgroup_dir){.fd = FD_NONE, .mount = m, .path = owned_path};
    if (!g->path)
        g->path = alloc_printf("/%s", owned_path);
    return d;
}

int cgroup_open_dir(struct cgroup_dir *d)
{
    auto_free char *full = alloc_printf("%s/%s", d->mount->point, d->path);
    int fd = sys_open(AT_FDCWD, full, O_PATH | O_DIRECTORY | O_NOFOLLOW, 0);

    if (fd < 0)
        return fd;
    d->fd = fd;
    return 0;
}

int cgroup_v2_fd(const struct cgroup *g)
{
    for (size_t i = 0; i < g->n; i++)
        if (g->dirs[i].mount->is_v2)
            return g->dirs[i].fd;
    return FD_NONE;
}

int cgroup_controller_fd(const struct cgroup *g, enum cgroup_controller c)
{
    for (size_t i = 0; i < g->n; i++)
        if (g->dirs[i].mount->controllers & CGROUP_BIT(c))
            return g->dirs[i].fd;
    return FD_NONE;
}

bool cgroup_is_v1(const struct cgroup *g, enum cgroup_controller c)
{
    return cgroup_mounts_v1(&g->mounts) & CGROUP_BIT(c);
}

int cgroup_limit_fd(const struct cgroup *g, enum cgroup_controller c)
{
    return cgroup_is_v1(g, c) ? cgroup_controller_fd(g, c) : cgroup_v2_fd(g);
}

int cgroup_clone_fd(const struct cgroup *g)
{
    return cgroup_v2_fd(g);
}

const char *cgroup_path(const struct cgroup *g)
{
    return g->n > 0 ? g->path : "";
}

bool cgroup_has_found(const struct cgroup *g)
{
    for (size_t i = 0; i < g->n; i++)
        if (g->dirs[i].hold == CGROUP_HOLD_SHARED || g->dirs[i].hold == CGROUP_HOLD_FOUND)
            return true;
    return false;
}

bool cgroup_is_shared(const struct cgroup *g)
{
    for (size_t i = 0; i < g->n; i++)
        if (g->dirs[i].hold == CGROUP_HOLD_SHARED)
            return true;
    return false;
}

/* Opening */

/* Opens the directories; those that are not there are taken out. */
static int open_dirs(struct cgroup *g, struct err *e)
{
    size_t n = 0;

    for (size_t i = 0; i < g->n; i++) {
        int r = cgroup_open_dir(&g->dirs[i]);

        if (r < 0 && r != -ENOENT)
            return err_sys(e, r, "cgroup '%s': open it in '%s'", g->dirs[i].path,
                           g->dirs[i].mount->point);
    }
    for (size_t i = 0; i < g->n; i++) {
        if (g->dirs[i].fd >= 0)
            g->dirs[n++] = g->dirs[i];
        else
            free(g->dirs[i].path);
    }
    if (n == 0 && g->n > 0) {
        g->n = 0;
        return err_set(e, ERR_NOT_FOUND, "cgroup '%s': there is none", g->path);
    }
    g->n = n;
    return 0;
}

int cgroup_open(const char *path, struct cgroup **ret, struct err *e)
{
    DHOW_CLEANUP(cgroup_auto) struct cgroup *g = NULL;
    auto_free char *clean = cgroup_path_clean(path, e);

    if (!clean || !(g = cgroup_new(e)))
        return -1;
    for (size_t i = 0; i < g->mounts.n; i++)
        cgroup_add_dir(g, &g->mounts.items[i], alloc_strdup(clean))->hold = CGROUP_HOLD_MADE;
    if (g->n == 0)
        return err_set(e, ERR_NOT_FOUND, "cgroup '%s': there is none", clean);
    if (open_dirs(g, e) < 0)
        return -1;
    *ret = take_ptr(&g);
    return 0;
}

static const struct cgroup_mount *find_mount(const struct cgroup_mounts *m, const char *name)
{
    for (size_t i = 0; i < m->n; i++)
        if (cgroup_mount_has_name(&m->items[i], name))
            return &m->items[i];
    return NULL;
}

/* Trust boundary: the id comes from a file of ours, yet its paths are cleaned again. */
int cgroup_of_id(const struct cgroup_id *id, struct cgroup **ret, struct err *e)
{
    DHOW_CLEANUP(cgroup_auto) struct cgroup *g = cgroup_new(e);

    if (!g)
        return -1;
    g->manager = id->manager;
    g->path = alloc_strdup(id->path);
    g->unit = alloc_strdup(id->unit);
    g->is_user_unit = id->is_user_unit;
    VEC_FOREACH (place, &id->places) {
        const struct cgroup_mount *m = find_mount(&g->mounts, place->hierarchy);
        char *clean;

        if (!m || g->n == CGROUP_MAX_HIERARCHIES)
            continue;
        clean = cgroup_path_clean(place->path, e);
        if (!clean)
            return -1;
        cgroup_add_dir(g, m, clean)->hold = place->hold;
    }
    *ret = take_ptr(&g);
    return 0;
}

int cgroup_open_id(const struct cgroup_id *id, struct cgroup **ret, struct err *e)
{
    DHOW_CLEANUP(cgroup_auto) struct cgroup *g = NULL;

    if (cgroup_of_id(id, &g, e) < 0 || open_dirs(g, e) < 0)
        return -1;
    *ret = take_ptr(&g);
    return 0;
}

/* Entering */

int cgroup_attach(const struct cgroup *g, pid_t pid, struct err *e)
{
    auto_free char *text = alloc_printf("%d", (int)pid);

    for (size_t i = 0; i < g->n; i++) {
        int r = sys_write_existing(g->dirs[i].fd, "cgroup.procs", text);

        if (r == -EACCES && g->is_user_unit && g->dirs[i].mount->is_v2) {
            if (cgroup_systemd_attach(g, g->dirs[i].path, pid, e) < 0)
                return -1;
        } else if (r < 0)
            return err_sys(e, r, "cgroup '%s': move process %d into it in '%s'", g->dirs[i].path,
                           (int)pid, g->dirs[i].mount->point);
    }
    return 0;
}

_Static_assert(CGROUP_MAX_JOINS >= CGROUP_MAX_HIERARCHIES, "room for all");

int cgroup_join_fds(const struct cgroup *g, int *ret_fds, size_t *ret_n, struct err *e)
{
    for (size_t i = 0; i < g->n; i++) {
        int fd;

        if (g->dirs[i].mount->is_v2)
            continue;
        fd = sys_open(g->dirs[i].fd, "tasks", O_WRONLY, 0);
        if (fd < 0)
            return err_sys(e, fd, "cgroup '%s': open 'tasks' in '%s'", g->dirs[i].path,
                           g->dirs[i].mount->point);
        ret_fds[(*ret_n)++] = fd;
    }
    return 0;
}

/* Showing */

bool cgroup_is_in(const struct cgroup *g, const char *controllers)
{
    unsigned bits = cgroup_controllers_parse(controllers);

    for (size_t i = 0; i < g->n; i++) {
        const struct cgroup_mount *m = g->dirs[i].mount;

        if (*controllers ? bits && m->controllers == bits : m->is_v2)
            return true;
    }
    return false;
}

size_t cgroup_list_shown(const struct cgroup *g, struct cgroup_shown ret[static CGROUP_MAX_JOINS])
{
    for (size_t i = 0; i < g->n; i++) {
        const char *point = g->dirs[i].mount->point, *slash = strrchr(point, '/');

        ret[i] = (struct cgroup_shown){g->dirs[i].fd, slash ? slash + 1 : point};
    }
    return g->n;
}

/* Memory running out */

int cgroup_oom_fd(const struct cgroup *g)
{
    int dirfd = cgroup_limit_fd(g, CGROUP_MEMORY), fd;

    if (dirfd < 0)
        return FD_NONE;
    fd = sys_open(dirfd, cgroup_is_v1(g, CGROUP_MEMORY) ? "memory.oom_control" : "memory.events",
                  O_RDONLY, 0);
    return fd < 0 ? FD_NONE : fd;
}

int cgroup_oom_kills(const struct cgroup *g, uint64_t *ret)
{
    auto_fd int fd = cgroup_oom_fd(g);
    auto_free char *text = NULL;
    auto_strv lines = NULL;
    size_t n;
    int r;

    if (fd < 0)
        return -ENOENT;
    r = sys_read_fd(fd, CGROUP_FILE_MAX_BYTES, &text, &n);
    if (r < 0)
        return r;
    lines = strv_split(text, '\n');
    STRV_FOREACH (line, lines)
        if (str_starts_with(*line, "oom_kill "))
            return str_to_u64(*line + strlen("oom_kill "), UINT64_MAX, ret);
    return -ENODATA;
}
