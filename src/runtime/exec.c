/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One more process in a running container, with a single clone: the caller lets its next child be
 * born in the container's pid namespace (launch.c), the child joins the other namespaces by the
 * pidfd of init, in one setns(2), and from there on takes the same steps as init. Its parent
 * attaches it to the cgroup meanwhile; it executes nothing before that.
 *
 * Trust boundary: from its first moment the child is visible in the container's /proc; it is not
 * dumpable (launch.c), and holds no fd that is not close-on-exec. The pid that was given is
 * believed only together with its start time, read after the pidfd is open.
 */
#include <errno.h>
#include <fcntl.h>

#include "base/strv.h"
#include "base/trace.h"
#include "cgroup/cgroup.h"
#include "runtime/launch.h"
#include "runtime/namespaced.h"
#include "sys/namespace.h"
#include "sys/process.h"

int exec_open_init(pid_t pid, uint64_t start_ticks, struct err *e)
{
    auto_fd int fd = sys_pidfd_open(pid);

    if (fd < 0 || sys_process_is_alive(pid, start_ticks) != 1)
        return err_set(e, ERR_BAD_STATE, "the container is not running");
    return take_fd(&fd);
}

static int is_other_namespace(pid_t pid, const char *name)
{
    uint64_t theirs[2], ours[2];
    int r = sys_namespace_id(pid, name, theirs);

    if (r == 0)
        r = sys_namespace_id(0, name, ours);
    if (r == -ENOENT)
        return 0; /* a kernel without this kind */
    return r < 0 ? r : theirs[0] != ours[0] || theirs[1] != ours[1];
}

/* Joining the own user namespace is an error, a kernel need not have time namespaces; and a plain
 * user's container has rights over its own only, of those that it shares with him over none. */
int exec_find_namespaces(pid_t pid, int *ret, struct err *e)
{
    static const struct {
        const char *name;
        int flag;
    } kinds[] = {
        {"user", CLONE_NEWUSER}, {"time", CLONE_NEWTIME},     {"mnt", CLONE_NEWNS},
        {"net", CLONE_NEWNET},   {"ipc", CLONE_NEWIPC},       {"uts", CLONE_NEWUTS},
        {"pid", CLONE_NEWPID},   {"cgroup", CLONE_NEWCGROUP},
    };
    int flags = 0;

    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        int r = is_other_namespace(pid, kinds[i].name);

        if (r < 0)
            return err_sys(e, r, "compare namespaces with the container's");
        if (r > 0)
            flags |= kinds[i].flag;
    }
    *ret = flags & ~CLONE_NEWPID; /* where the next child is born: launch.c, stage.c */
    return 0;
}

/* A v2 group that takes nobody any more is busy: then to where the container's init went. */
static int clone_inside(struct launch *l, struct cgroup *cgroup, pid_t init_pid, struct err *e)
{
    struct err here = {0};

    if (launch_clone(l, &here) == 0)
        return 0;
    if (here.errno_value != EBUSY || l->cgroup_fd < 0) {
        if (e)
            *e = here;
        return -1;
    }
    if (cgroup_follow(cgroup, init_pid, e) < 0)
        return -1;
    l->cgroup_fd = cgroup_clone_fd(cgroup);
    return launch_clone(l, e);
}

/* The child inherits the CPUs that it is to begin on: in a v2 tree it is born in the group. */
static int clone_on_initial_cpus(struct launch *l, struct cgroup *cgroup, pid_t init_pid,
                                 struct err *e)
{
    const struct plan_process *pp = &l->plan->process;
    struct sys_mask ours;
    int cloned, r;

    if (!pp->has_initial_cpus)
        return clone_inside(l, cgroup, init_pid, e);
    r = sys_get_affinity(&ours);
    if (r == 0)
        r = sys_set_affinity(&pp->initial_cpus);
    if (r < 0)
        return err_sys(e, r, "process.execCPUAffinity.initial: run on CPUs '%s'",
                       pp->process->exec_cpu_affinity->initial);
    cloned = clone_inside(l, cgroup, init_pid, e);
    r = sys_set_affinity(&ours);
    if (cloned == 0 && r < 0)
        return err_sys(e, r, "go back to the own CPUs");
    return cloned;
}

static int run(struct launch *l, const struct runtime_plan *p, struct cgroup *cgroup,
               pid_t init_pid, struct err *e)
{
    if (launch_prepare(l, p, e) < 0 || (cgroup && launch_set_cgroup(l, cgroup, e) < 0))
        return -1;
    if (clone_on_initial_cpus(l, cgroup, init_pid, e) < 0 ||
        launch_adjust_oom_score(l, NULL, e) < 0)
        return -1;
    return launch_serve(l, SYNC_NONE, e);
}

DEFINE_AUTO_PTR(struct runtime_plan, exec_plan, runtime_plan_free);
DEFINE_AUTO_PTR(struct cgroup, exec_cgroup, cgroup_free);

int namespaced_exec(const struct runtime_exec_config *config, struct runtime_process *ret,
                    struct err *e)
{
    DHOW_CLEANUP(exec_plan_auto) struct runtime_plan *p = NULL;
    DHOW_CLEANUP(exec_cgroup_auto) struct cgroup *opened = NULL;
    struct cgroup *cgroup = config->cgroup;
    auto_fd int init = FD_NONE;
    struct launch l = LAUNCH_NONE;
    int r;

    TRACE_SPAN("exec");
    if (plan_make_exec(config, &p, e) < 0)
        return -1;
    l.plan = p;
    l.init_pidfd = init = exec_open_init(config->init_pid, config->start_ticks, e);
    if (init < 0 || exec_find_namespaces(config->init_pid, &l.exec_namespaces, e) < 0)
        return -1;
    if (!cgroup && p->cgroup_path) {
        if (cgroup_open(p->cgroup_path, &opened, e) < 0)
            return -1;
        cgroup = opened;
    }
    r = run(&l, p, cgroup, config->init_pid, e);
    if (r == 0)
        *ret = (struct runtime_process){.pid = l.pid,
                                        .pidfd = take_fd(&l.pidfd),
                                        .terminal_fd = take_fd(&l.terminal_fd)};
    else
        launch_explain(&l, e);
    runtime_launch_done(&l);
    return r;
}
