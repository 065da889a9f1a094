/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Theory: one more process of a container goes into the container's group, into one below it that
 * its caller names (exec --cgroup), or, on v2, where the container's init went: a container that
 * runs groups of its own (systemd inside) moves itself down, and the kernel lets nobody into a
 * group whose children have controllers.
 *
 * Trust boundary: the caller's path goes down only. Where init is, is the container's choice: it is
 * followed beneath the container's own group and nowhere else.
 *
 * The words of the errors are runc's, which callers match.
 */
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

/* Without slashes at its ends; NULL when it goes up. "" is the group itself. */
static char *clean_below(const char *path, struct err *e)
{
    auto_strv parts = strv_split(path, '/');
    auto_strv kept = NULL;

    STRV_FOREACH (part, parts) {
        if (strcmp(*part, "..") == 0) {
            err_set(e, ERR_INVALID, "the path %s is not a sub cgroup path", path);
            return NULL;
        }
        if (**part && strcmp(*part, ".") != 0)
            strv_add(&kept, *part);
    }
    return strv_join(kept, "/");
}

static int go_down(struct cgroup_dir *d, const char *below)
{
    char *path = *below ? alloc_printf("%s/%s", d->path, below) : NULL;

    if (path) {
        free(d->path);
        d->path = path;
    }
    return 1;
}

/* Number of directories that have the controller. */
static int go_down_in(struct cgroup *g, const char *controller, const char *below)
{
    unsigned bits = cgroup_controllers_parse(controller);
    int n = 0;

    for (size_t i = 0; i < g->n; i++) {
        struct cgroup_dir *d = &g->dirs[i];

        if (d->mount->is_v2 ? strcmp(controller, "unified") == 0 : d->mount->controllers & bits)
            n += go_down(d, below);
    }
    return n;
}

/* "cpu,cpuacct:sub". Hierarchies that hold several of the names go down once. */
static int go_down_by(struct cgroup *g, const char *argument, struct err *e)
{
    size_t n = strcspn(argument, ":");
    auto_free char *list = alloc_strndup(argument, n);
    auto_free char *below = NULL;
    auto_strv names = strv_split(list, ',');
    unsigned done = 0;

    if (strchr(argument + n + 1, ':'))
        return err_set(e, ERR_INVALID, "invalid --cgroup argument: %s", argument);
    below = clean_below(argument + n + 1, e);
    if (!below)
        return -1;
    STRV_FOREACH (name, names) {
        unsigned bits = cgroup_controllers_parse(*name);

        if (bits && !(bits & ~done))
            continue;
        if (go_down_in(g, *name, below) == 0)
            return err_set(e, ERR_NOT_FOUND, "unknown controller %s in SubCgroupPaths", *name);
        for (size_t i = 0; i < g->n; i++)
            if (g->dirs[i].mount->controllers & bits)
                done |= g->dirs[i].mount->controllers;
    }
    return 0;
}

static int go_down_all(struct cgroup *g, const char *argument, struct err *e)
{
    auto_free char *below = clean_below(argument, e);

    for (size_t i = 0; below && i < g->n; i++)
        go_down(&g->dirs[i], below);
    return below ? 0 : -1;
}

static int parse_below(struct cgroup *g, char *const *below, struct err *e)
{
    STRV_FOREACH (argument, below) {
        bool has_controllers = strchr(*argument, ':');

        if (!has_controllers && strv_len(below) > 1)
            return err_set(e, ERR_INVALID,
                           "invalid --cgroup argument: %s (missing <controller>: prefix)",
                           *argument);
        if (has_controllers ? go_down_by(g, *argument, e) < 0 : go_down_all(g, *argument, e) < 0)
            return -1;
    }
    return 0;
}

static int explain_entering(const struct cgroup *g, size_t dir, int r, struct err *e)
{
    const struct cgroup_dir *d = &g->dirs[dir];
    auto_free char *why = alloc_strdup(strerror(-r));

    if (*why >= 'A' && *why <= 'Z')
        *why |= 0x20;
    return err_set(e, err_kind_of_errno(-r),
                   "error adding pid of the new process to cgroups: open %s/%s/cgroup.procs: %s",
                   d->mount->point, d->path, why);
}

int cgroup_open_below(const struct cgroup_id *id, char *const *below, struct cgroup **ret,
                      struct err *e)
{
    DHOW_CLEANUP(cgroup_auto) struct cgroup *g = NULL;

    if (!below || !*below)
        return cgroup_open_id(id, ret, e);
    if (cgroup_of_id(id, &g, e) < 0 || parse_below(g, below, e) < 0)
        return -1;
    for (size_t i = 0; i < g->n; i++) {
        int r = cgroup_open_dir(&g->dirs[i]);

        if (r < 0)
            return explain_entering(g, i, r, e);
    }
    g->is_fixed = true;
    *ret = take_ptr(&g);
    return 0;
}

/* The group takes nobody any more. */
static int explain_busy(const struct cgroup *g, struct err *e)
{
    for (size_t i = 0; i < g->n; i++)
        if (g->dirs[i].mount->is_v2)
            return explain_entering(g, i, -EBUSY, e);
    return err_sys(e, -EBUSY, "clone into cgroup '%s'", cgroup_path(g));
}

int cgroup_follow(struct cgroup *g, pid_t init, struct err *e)
{
    auto_free char *file = alloc_printf("/proc/%d/cgroup", (int)init);
    auto_free char *text = NULL;
    size_t n;
    int r;

    if (g->is_fixed)
        return explain_busy(g, e);
    r = sys_read_file(AT_FDCWD, file, CGROUP_FILE_MAX_BYTES, &text, &n);
    if (r < 0)
        return err_sys(e, r, "read '%s'", file);
    for (size_t i = 0; i < g->n; i++) {
        struct cgroup_dir *d = &g->dirs[i];
        auto_free char *path = d->mount->is_v2 ? cgroup_path_in(text, d->mount) : NULL;
        size_t own = strlen(d->path);

        if (!path || strncmp(path, d->path, own) != 0 || path[own] != '/')
            continue;
        free(d->path);
        d->path = take_ptr(&path);
        d->fd = fd_close(d->fd);
        r = cgroup_open_dir(d);
        return r < 0 ? explain_entering(g, i, r, e) : 0;
    }
    return explain_busy(g, e);
}
