/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Mounts of a container that runs already. A child enters it as that of an exec does, takes the
 * same steps as init for each mount, and exits; it executes nothing.
 *
 * The sources are cloned before it enters: by the parent, or, when the caller is a plain user, by
 * the child in a mount namespace of its own that the container's user namespace owns.
 *
 * Trust boundary: the container runs meanwhile and owns every path in its root. Targets are
 * resolved beneath it and mounted on by fd; the /proc that is used is never the container's.
 */
#include <fcntl.h>
#include <unistd.h>

#include "base/str.h"
#include "base/trace.h"
#include "runtime/launch.h"
#include "runtime/mount_step.h"
#include "runtime/mounts.h"
#include "runtime/namespaces.h"
#include "runtime/rootpath.h"
#include "runtime/sources.h"
#include "sys/file.h"
#include "sys/mount.h"
#include "sys/namespace.h"
#include "sys/self.h"

struct live {
    struct runtime_config config;
    struct runtime_exec_config exec_config;
    struct oci_process process;
    struct runtime_plan *plan;
};

/* ---- the child ---- */

static int step_sources(struct init *init, const void *arg, struct err *e)
{
    auto_fd int root = FD_NONE;
    int r;

    if (!init->opens_sources)
        return 0;
    r = sys_setns(init->init_pidfd, CLONE_NEWUSER);
    if (r < 0)
        return err_sys(e, r, "join the container's user namespace");
    if (namespaces_become_root(e) < 0)
        return -1;
    init->exec_namespaces &= ~CLONE_NEWUSER;
    r = sys_unshare(CLONE_NEWNS);
    if (r == 0)
        r = root = sys_open(AT_FDCWD, "/", O_PATH | O_DIRECTORY, 0);
    if (r >= 0)
        r = sys_mount_setattr(root, SYS_SETATTR_RECURSIVE, 0, 0, MS_SLAVE);
    if (r < 0)
        return err_sys(e, r, "make a mount namespace");
    return sources_step(init, arg, e);
}

static int step_enter(struct init *init, const void *arg, struct err *e)
{
    (void)arg;
    return namespaces_enter(init, 0, e);
}

/* umount2(2) takes a path only: of a directory ".", of anything else the link to its fd, in a
 * procfs of our own. */
static int unmount(int fd, struct err *e)
{
    char path[32];
    auto_fd int proc = FD_NONE;
    struct stat st;
    int r = sys_stat(fd, "", &st);

    if (r < 0)
        return err_sys(e, r, "stat the mount");
    if (S_ISDIR(st.st_mode)) {
        snprintf(path, sizeof(path), ".");
        r = sys_fchdir(fd);
    } else {
        snprintf(path, sizeof(path), "self/fd/%d", fd);
        proc = mounts_make("proc", "proc", NULL, 0, 0, e);
        if (proc < 0)
            return -1;
        r = sys_fchdir(proc);
    }
    if (r == 0)
        r = sys_umount_detach(path);
    return r < 0 ? err_sys(e, r, "unmount it") : 0;
}

static int step_unmount(struct init *init, const void *step, struct err *e)
{
    const struct mount_step *s = step;
    auto_fd int fd = sys_open_in_root(init->root_fd, s->target, O_PATH, 0);

    if (fd < 0)
        return err_sys(e, fd, "%s.destination: open '%s'", s->field, s->m->destination);
    if (unmount(fd, e) < 0)
        return err_wrap(e, "%s.destination: '%s'", s->field, s->m->destination);
    return 0;
}

static int step_done(struct init *init, const void *arg, struct err *e)
{
    (void)arg;
    if (sync_send_ready(init->sync_fd, e) < 0)
        return -1;
    _exit(0);
}

/* ---- the plan ---- */

static void live_begin(struct live *v, const struct runtime_mounts_config *c, int namespaces)
{
    *v = (struct live){
        .config = RUNTIME_CONFIG_NONE,
        .exec_config = {.init_pid = c->init_pid,
                        .start_ticks = c->start_ticks,
                        .has_foreign_mounts = c->has_foreign_mounts},
    };
    v->config.bundle_dirfd = c->bundle_dirfd;
    v->plan = alloc_new(struct runtime_plan);
    *v->plan = (struct runtime_plan){.kind = PLAN_MOUNTS,
                                     .config = &v->config,
                                     .exec_config = &v->exec_config,
                                     .spec = c->spec,
                                     .linux = c->spec->linux};
    v->plan->namespaces.has_user = namespaces & CLONE_NEWUSER;
    v->plan->process.process = &v->process;
}

static int plan_adding(struct runtime_plan *p, struct err *e)
{
    VEC_FOREACH (m, &p->spec->mounts)
        if (str_equal(m->type, "cgroup") || str_equal(m->type, "cgroup2"))
            return err_set(e, ERR_UNSUPPORTED,
                           "mounts: cgroups are mounted when the container is created, or never");
    plan_add(p, "sources", step_sources, NULL, "when the parent may not clone them");
    plan_add(p, "namespaces", step_enter, NULL, "join those of the container");
    if (mounts_plan(p, e) < 0)
        return -1;
    if (p->has_late_readonly)
        plan_add(p, "read-only tmpfs", mount_step_finish, NULL, NULL);
    return 0;
}

static int plan_removing(struct runtime_plan *p, struct err *e)
{
    plan_add(p, "namespaces", step_enter, NULL, "join those of the container");
    for (size_t i = 0; i < p->spec->mounts.len; i++) {
        struct mount_step *s = plan_alloc(p, sizeof(*s));
        auto_free char *field = alloc_printf("mounts[%zu].destination", i);
        char *target = rootpath_clean(p->spec->mounts.items[i].destination, field, e);

        if (!target)
            return -1;
        *s = (struct mount_step){.m = &p->spec->mounts.items[i],
                                 .field = plan_own_string(p, alloc_printf("mounts[%zu]", i)),
                                 .target = plan_own_string(p, target)};
        if (!*target)
            return err_set(e, ERR_INVALID, "%s: the root cannot be unmounted", field);
        plan_add(p, "unmount", step_unmount, s, "%s", s->m->destination);
    }
    return 0;
}

/* ---- the parent ---- */

static int run(struct launch *l, struct err *e)
{
    auto_fd int userns = FD_NONE;

    if (launch_prepare(l, l->plan, e) < 0)
        return -1;
    if (l->exec_namespaces & CLONE_NEWUSER && !l->child_opens_sources) {
        userns = sys_namespace_open(l->plan->exec_config->init_pid, "user");
        if (userns < 0)
            return err_sys(e, userns, "open the container's user namespace");
        if (sources_map(l->plan, l->source_fds, userns, e) < 0)
            return -1;
    }
    if (launch_clone(l, e) < 0)
        return -1;
    return launch_serve(l, SYNC_READY, e);
}

static int change(const struct runtime_mounts_config *config,
                  int (*plan)(struct runtime_plan *p, struct err *e), struct err *e)
{
    auto_fd int init = exec_open_init(config->init_pid, config->start_ticks, e);
    struct launch l = LAUNCH_NONE;
    struct live v;
    int r;

    TRACE_SPAN("mounts");
    if (init < 0 || exec_find_namespaces(config->init_pid, &l.exec_namespaces, e) < 0)
        return -1;
    live_begin(&v, config, l.exec_namespaces);
    l.plan = v.plan;
    l.init_pidfd = init;
    r = plan(v.plan, e);
    if (r == 0) {
        plan_add(v.plan, "done", step_done, NULL, NULL);
        r = run(&l, e);
        if (r < 0)
            launch_explain(&l, e);
    }
    runtime_launch_done(&l);
    runtime_plan_free(v.plan);
    return r;
}

int runtime_mounts_add(const struct runtime_mounts_config *config, struct err *e)
{
    return change(config, plan_adding, e);
}

int runtime_mounts_remove(const struct runtime_mounts_config *config, struct err *e)
{
    return change(config, plan_removing, e);
}
