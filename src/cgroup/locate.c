/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Theory: where a group will be: which hierarchies, which path in each, and whose the directories
 * are that are there already. Nothing is touched, so that all of it can be recorded before
 * anything is made.
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

static unsigned needed_controllers(const struct cgroup *g, const struct cgroup_request *q,
                                   unsigned limits, bool devices)
{
    unsigned needed = limits;

    if (q->flags & CGROUP_OCI && g->mounts.mode != CGROUP_V2)
        return ~0u;
    if (devices)
        needed |= CGROUP_BIT(CGROUP_DEVICES);
    if (g->mounts.mode == CGROUP_V1)
        needed |= CGROUP_BIT(CGROUP_FREEZER) | CGROUP_BIT(CGROUP_SYSTEMD);
    return needed;
}

/* What paths count from, and the texts that they need. */
struct place {
    const struct cgroup *group;
    char *path;       /* clean */
    bool is_relative; /* to the caller's own group */
    char *proc_cgroup;
};

static void place_done(struct place *p)
{
    free(p->path);
    free(p->proc_cgroup);
}

static int find_place(struct cgroup *g, const struct cgroup_request *q, struct place *ret,
                      struct err *e)
{
    auto_free char *unit_path = NULL;
    const char *path = q->path ? q->path : q->id;
    size_t n;
    int r;

    if (q->manager == CGROUP_MANAGER_SYSTEMD) {
        if (cgroup_systemd_locate(g, q, &unit_path, e) < 0)
            return -1;
        path = unit_path;
    }
    ret->group = g;
    ret->path = cgroup_path_clean(path, e);
    if (!ret->path)
        return -1;
    ret->is_relative = !unit_path && !(q->path && q->path[0] == '/');
    if (!ret->is_relative)
        return 0;
    r = sys_read_file(AT_FDCWD, "/proc/self/cgroup", CGROUP_FILE_MAX_BYTES, &ret->proc_cgroup, &n);
    return r < 0 ? err_sys(e, r, "read '/proc/self/cgroup'") : 0;
}

/* Owned. */
static char *path_in(const struct place *p, const struct cgroup_mount *m)
{
    auto_free char *own = NULL;

    if (!p->is_relative)
        return alloc_strdup(p->path);
    own = cgroup_path_in(p->proc_cgroup, m);
    return cgroup_path_below(own ? own : "", p->path, p->group->mounts.mode);
}

static int choose_dirs(struct cgroup *g, const struct cgroup_request *q, unsigned needed,
                       struct err *e)
{
    DHOW_CLEANUP(place_done) struct place place = {0};

    if (find_place(g, q, &place, e) < 0)
        return -1;
    for (size_t i = 0; i < g->mounts.n; i++) {
        const struct cgroup_mount *m = &g->mounts.items[i];

        if (m->is_v2 || m->controllers & needed)
            cgroup_add_dir(g, m, path_in(&place, m));
    }
    return 0;
}

int cgroup_look_at_dir(struct cgroup_dir *d)
{
    DHOW_CLEANUP(cgroup_pid_list_done) struct cgroup_pid_list pids = {0};
    int r = d->fd >= 0 ? 0 : cgroup_open_dir(d);

    if (r < 0)
        return r == -ENOENT ? 0 : r;
    r = cgroup_read_pids(d->fd, &pids);
    if (r < 0)
        return r;
    d->hold = pids.list.len ? CGROUP_HOLD_SHARED : CGROUP_HOLD_FOUND;
    return (int)pids.list.len;
}

static int look_at_dirs(struct cgroup *g, const struct cgroup_request *q, char ***warnings,
                        struct err *e)
{
    int most = 0;

    for (size_t i = 0; i < g->n; i++) {
        int n = cgroup_look_at_dir(&g->dirs[i]);
        int frozen = n < 0 ? n : cgroup_dir_is_frozen(&g->dirs[i]);

        if (frozen < 0)
            return err_sys(e, frozen, "cgroup '%s': look at it in '%s'", g->dirs[i].path,
                           g->dirs[i].mount->point);
        if (frozen)
            return err_set(e, ERR_CONFLICT, "container's cgroup unexpectedly frozen");
        most = MAX(most, n);
    }
    if (most == 0)
        return 0;
    if (q->manager == CGROUP_MANAGER_SYSTEMD)
        return err_set(e, ERR_CONFLICT, "container's cgroup is not empty: %d process(es) found",
                       most);
    cgroup_warn(warnings,
                alloc_printf("container's cgroup is not empty: %d process(es) found", most));
    return 0;
}

static int check_request(const struct cgroup *g, const struct cgroup_request *q, struct err *e)
{
    const struct oci_resources *r = q->resources;

    if (r && r->unified && r->unified[0] && q->flags & CGROUP_OCI && g->mounts.mode != CGROUP_V2)
        return err_set(e, ERR_INVALID, "invalid configuration: cannot use unified on cgroup v1");
    return 0;
}

static int locate(struct cgroup *g, const struct cgroup_request *q, char ***warnings, struct err *e)
{
    DHOW_CLEANUP(cgroup_writes_done) struct cgroup_writes writes = {0};
    DHOW_CLEANUP(device_rules_done) struct device_rules rules = {0};
    struct cgroup_view view;
    unsigned needed;

    if (check_request(g, q, e) < 0)
        return -1;
    cgroup_view_of(g, &view);
    if (cgroup_plan(q->resources, &view, &writes, e) < 0)
        return -1;
    if (q->manager == CGROUP_MANAGER_DISABLED)
        return 0;
    device_rules_make(q->resources, q->flags, &rules);
    needed = needed_controllers(g, q, cgroup_writes_controllers(&writes), !rules.allows_all);
    if (choose_dirs(g, q, needed, e) < 0)
        return -1;
    return q->flags & CGROUP_JOIN_EXISTING ? look_at_dirs(g, q, warnings, e) : 0;
}

int cgroup_locate(const struct cgroup_request *q, struct cgroup **ret, char ***ret_warnings,
                  struct err *e)
{
    DHOW_CLEANUP(cgroup_auto) struct cgroup *g = cgroup_new(e);
    auto_strv warnings = NULL;

    if (!g)
        return -1;
    g->manager = q->manager;
    if (locate(g, q, &warnings, e) < 0)
        return -1;
    if (ret_warnings)
        *ret_warnings = take_ptr(&warnings);
    *ret = take_ptr(&g);
    return 0;
}
