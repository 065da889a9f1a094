/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The life of a container's first process, seen from its parent: prepare (what the child needs, as
 * fds), clone, then, while the child builds its root, the cgroup, the id maps, the start time;
 * answer the child; wait for READY.
 *
 * The cgroup is made first: on v2 the child is born in it; the hierarchies of v1 it joins as its
 * first act.
 */
#include "runtime/namespaced.h"

#include <errno.h>

#include "base/str.h"
#include "base/strv.h"
#include "base/trace.h"
#include "cgroup/cgroup.h"
#include "runtime/filter.h"
#include "runtime/hooks.h"
#include "runtime/launch.h"
#include "runtime/netdevices.h"
#include "runtime/rdt.h"
#include "runtime/rootfs.h"
#include "runtime/sources.h"
#include "sys/file.h"
#include "sys/mount.h"
#include "sys/namespace.h"
#include "sys/process.h"
#include "sys/self.h"

struct creation {
    struct launch launch;
    struct cgroup *cgroup;
    bool owns_cgroup;
    char **warnings;
    int oom_fd;
    struct netdevices netdevices;
};

static int make_cgroup(struct creation *c, const struct runtime_plan *p, struct err *e)
{
    const struct cgroup_request q = {.path = p->cgroup_path, .resources = p->linux->resources};
    struct cgroup *given = p->config->cgroup;
    char **warnings = NULL;

    TRACE_SPAN("cgroup");
    c->owns_cgroup = !given;
    c->cgroup = given;
    if (given ? cgroup_make(given, p->config->cgroup_request, &warnings, e) < 0
              : cgroup_create(&q, &c->cgroup, &warnings, e) < 0)
        return -1;
    strv_extend(&c->warnings, warnings);
    strv_free(warnings);
    c->oom_fd = cgroup_oom_fd(c->cgroup);
    return 0;
}

/* The host's id of root inside. */
static int host_id(const struct oci_id_mapping *maps, size_t n, uint32_t *ret)
{
    for (size_t i = 0; i < n; i++) {
        if (maps[i].container_id == 0 && maps[i].size > 0) {
            *ret = maps[i].host_id;
            return 0;
        }
    }
    return -1;
}

static int own_upper(const struct runtime_plan *p, struct err *e)
{
    const struct runtime_rootfs *r = &p->config->rootfs;
    uint32_t uid, gid;
    int x;

    if (r->upper_fd < 0)
        return 0;
    if (host_id(p->linux->uid_mappings.items, p->linux->uid_mappings.len, &uid) < 0 ||
        host_id(p->linux->gid_mappings.items, p->linux->gid_mappings.len, &gid) < 0)
        return err_set(e, ERR_INVALID, "the id mappings have no root");
    x = sys_chown(r->upper_fd, uid, gid);
    if (x == 0)
        x = sys_chown(r->work_fd, uid, gid);
    return x < 0 ? err_sys(e, x, "give the upper directory to the user namespace's root") : 0;
}

/* The image's layers with the ids of the user namespace, by idmapped clones: no copy, no chown. */
static int make_mapped_overlay(const struct launch *l, int userns, int *ret, struct err *e)
{
    const struct runtime_rootfs *r = &l->plan->config->rootfs;
    int *lowers = alloc_zero(r->n_lowers, sizeof(int));
    int tree = 0;

    for (size_t i = 0; i < r->n_lowers; i++)
        lowers[i] = FD_NONE;
    for (size_t i = 0; i < r->n_lowers && tree >= 0; i++) {
        tree = lowers[i] = sys_open_tree(r->lower_fds[i], "", SYS_TREE_CLONE);
        if (tree >= 0)
            tree = sys_mount_idmap(lowers[i], userns, 0);
        if (tree == -EINVAL)
            err_set(e, ERR_UNSUPPORTED,
                    "this kernel cannot map ids on the file system of layer %zu", i);
        else if (tree < 0)
            err_sys(e, tree, "map the ids of layer %zu", i);
    }
    if (tree >= 0)
        tree = rootfs_make_overlay(r, lowers, e);
    if (tree == -2)
        err_set(e, ERR_UNSUPPORTED, "this kernel cannot make an overlay of mapped layers");
    for (size_t i = 0; i < r->n_lowers; i++)
        fd_close(lowers[i]);
    free(lowers);
    if (tree < 0)
        return -1;
    *ret = tree;
    return 0;
}

static int map_user_namespace(struct launch *launch, pid_t pid, int sync_fd, struct err *e)
{
    const struct runtime_plan *p = launch->plan;
    const struct oci_linux *l = p->linux;
    const struct userns_maps maps = {.uids = l->uid_mappings.items,
                                     .n_uids = l->uid_mappings.len,
                                     .gids = l->gid_mappings.items,
                                     .n_gids = l->gid_mappings.len};
    auto_fd int userns = FD_NONE, overlay = FD_NONE;
    size_t n = p->config->rootfs.n_lowers;
    int r;

    if (userns_write_maps(pid, &maps, e) < 0)
        return -1;
    userns = sys_namespace_open(pid, "user");
    if (userns < 0)
        return err_sys(e, userns, "open the user namespace");
    if (sources_map(p, launch->source_fds, userns, e) < 0)
        return -1;
    if (n == 1 && p->config->rootfs.upper_fd < 0) {
        r = sys_mount_idmap(launch->source_fds[0], userns, 0);
        if (r < 0)
            return err_sys(e, r, "map the ids of the layer");
    } else if (n > 0) {
        if (own_upper(p, e) < 0 || make_mapped_overlay(launch, userns, &overlay, e) < 0)
            return -1;
    }
    return sync_send_mapped(sync_fd, overlay, e);
}

/* In its user namespace the child may raise none (prlimit(2)). What stays is cut in the child. */
static void raise_limits(const struct launch *l)
{
    VEC_FOREACH (limit, &l->plan->process.rlimits)
        (void)sys_raise_rlimit(l->pid, limit->resource, limit->limit.rlim_max);
}

/* What is done while the child works. */
static int work_beside(struct creation *c, struct err *e)
{
    const struct runtime_plan *p = c->launch.plan;

    if (p->namespaces.clone_flags & CLONE_NEWUSER && !c->launch.is_mapped &&
        map_user_namespace(&c->launch, c->launch.pid, c->launch.sync_fd, e) < 0)
        return -1;
    raise_limits(&c->launch);
    if (p->config->rdt && rdt_join(p->config->rdt, c->launch.pid, e) < 0)
        return -1;
    return launch_adjust_oom_score(&c->launch, &c->warnings, e);
}

_Static_assert(offsetof(struct creation, launch) == 0, "the one is found by the other");

/* The child has its namespaces and mounts, and waits. */
static int prepared(struct launch *l, struct err *e)
{
    struct creation *c = (struct creation *)l;
    const struct runtime_config *config = l->plan->config;
    struct hooks_container h = {.spec = l->plan->spec,
                                .id = config->id,
                                .bundle = config->bundle,
                                .pid = l->pid};

    if (l->plan->linux->net_devices.len > 0 &&
        netdevices_move(&c->netdevices, l->plan, l->pid, e) < 0)
        return -1;
    return hooks_run_here(&h, HOOKS_PRESTART, e) < 0 ? -1
                                                     : hooks_run_here(&h, HOOKS_CREATE_RUNTIME, e);
}

static int create(struct creation *c, const struct runtime_plan *p, uint64_t *ret_ticks,
                  struct err *e)
{
    int r;

    oci_process_add_warnings(p->process.process, &c->warnings);
    c->launch.prepared = prepared;
    c->launch.map = map_user_namespace;
    if (launch_prepare(&c->launch, p, e) < 0)
        return -1;
    if ((p->cgroup_path || p->config->cgroup) &&
        (make_cgroup(c, p, e) < 0 || launch_set_cgroup(&c->launch, c->cgroup, e) < 0))
        return -1;
    if (launch_clone(&c->launch, e) < 0 || work_beside(c, e) < 0)
        return -1;
    r = sys_process_start_time(c->launch.pid, ret_ticks);
    if (r < 0)
        return err_sys(e, r, "read the start time of the container's process");
    if (launch_serve(&c->launch, SYNC_READY, e) < 0)
        return -1;
    return c->cgroup ? cgroup_settle(c->cgroup, e) : 0;
}

/* A limit that the process does not fit in while it is set up. */
static void explain_death(struct creation *c, struct err *e)
{
    uint64_t kills;

    launch_explain(&c->launch, e);
    if (e && e->kind == ERR_IO && c->cgroup && cgroup_oom_kills(c->cgroup, &kills) == 0 && kills)
        err_set(e, ERR_LIMIT, "container init was OOM-killed (memory limit too low?)");
}

int namespaced_create(const struct runtime_plan *p, struct runtime_container *ret, struct err *e)
{
    struct creation c = {.launch = LAUNCH_NONE, .oom_fd = FD_NONE, .netdevices = NETDEVICES_NONE};
    uint64_t ticks = 0;
    int r = create(&c, p, &ticks, e);

    if (r == 0) {
        *ret = (struct runtime_container){.pid = c.launch.pid,
                                          .pidfd = take_fd(&c.launch.pidfd),
                                          .start_ticks = ticks,
                                          .terminal_fd = take_fd(&c.launch.terminal_fd),
                                          .sync_fd = take_fd(&c.launch.sync_fd),
                                          .oom_fd = take_fd(&c.oom_fd),
                                          .agent = p->config->agent,
                                          .warnings = take_ptr(&c.warnings)};
    } else {
        explain_death(&c, e);
        netdevices_undo(&c.netdevices);
    }
    netdevices_done(&c.netdevices);
    runtime_launch_done(&c.launch);
    if (r < 0 && c.cgroup && c.owns_cgroup)
        (void)cgroup_remove(p->cgroup_path, NULL); /* the failure that is told is the first one */
    if (c.owns_cgroup)
        cgroup_free(c.cgroup);
    fd_close(c.oom_fd);
    strv_free(c.warnings);
    return r;
}

int namespaced_start(struct runtime_container *c, struct err *e)
{
    const struct filter_process p = {.sync_fd = c->sync_fd,
                                     .pid = c->pid,
                                     .pidfd = c->pidfd,
                                     .agent = c->agent};
    int r = sync_send_start(c->sync_fd, e);

    TRACE_SPAN("start");
    if (r == 0)
        r = filter_wait_for_command(&p, e);
    c->sync_fd = fd_close(c->sync_fd);
    if (r == 0)
        return 0;
    launch_kill(c->pidfd);
    c->pidfd = fd_close(c->pidfd);
    return -1;
}
