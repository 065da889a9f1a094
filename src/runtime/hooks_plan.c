/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The hooks that the child waits for or runs itself.
 *
 * Trust boundary: a startContainer hook is a program of the image. It begins as a copy of init that
 * takes the command's identity, limits and filter first, and then executes the stub as the command
 * does, since its interpreter may be /proc/self/exe (CVE-2019-5736). Init itself still has all its
 * rights then, and so a filter that forbids wait4(2) is no hindrance. Not so with a filter that
 * notifies an agent: that is told of one filter, which is init's, and the hooks run under it.
 *
 * A createContainer hook is a program of the host, and runs with all rights in a directory that the
 * image fills (its root: runc's choice, which hooks rely on); nothing of the image reaches its
 * environment.
 */
#include <unistd.h>

#include "base/fault.h"
#include "base/strv.h"
#include "runtime/hooks.h"
#include "runtime/init.h"
#include "runtime/stub.h"
#include "sys/process.h"
#include "sys/self.h"
#include "sys/socket.h"

#define HOST_UMASK 0022

static struct hooks_container container_of(const struct init *init)
{
    return (struct hooks_container){.spec = init->plan->spec,
                                    .id = init->plan->config->id,
                                    .bundle = init->plan->config->bundle,
                                    .pid = getpid()};
}

static int step_prepared(struct init *init, const void *arg, struct err *e)
{
    auto_sync_message m = {0};

    (void)arg;
    if (sync_send_prepared(init->sync_fd, e) < 0)
        return -1;
    return init_expect(init, SYNC_PROCEED, &m, e);
}

static int step_create_container(struct init *init, const void *arg, struct err *e)
{
    struct hooks_container c = container_of(init);
    struct hooks_starter starter = {.start = hooks_start_program, .cwd_fd = init->root_fd};
    int r;

    (void)arg;
    sys_umask(HOST_UMASK);
    r = hooks_run(&c, HOOKS_CREATE_CONTAINER, &starter, e);
    sys_umask(0);
    return r;
}

/* The hook's own copy of the sync socket goes away with it: the starter waits for the end of that
 * stream. */
static int take_places(struct init *init, const int *fds, int report, struct err *e)
{
    int sync_fd = init->sync_fd;
    int moved = sys_dup_above(report, sync_fd + 1);
    int stub = sys_dup_above(init->stub_fd, sync_fd + 1);
    int r = MIN(moved, stub);

    if (r >= 0)
        r = sys_place_fds(fds, 3);
    if (r == 0)
        r = sys_place_fd(moved, sync_fd);
    if (r == 0) /* the labels' procfs stands there */
        r = sys_close_range_cloexec((unsigned)sync_fd + 1 + (init->process->n_labels > 0));
    if (r < 0)
        return err_sys(e, r, "place the descriptors of a hook");
    for (int fd = 3; fd < sync_fd; fd++)
        fd_close(fd); /* those of the command */
    init->stub_fd = stub;
    return 0;
}

static bool runs_filtered(const struct runtime_plan *p)
{
    return p->process.seccomp && seccomp_notifies(p->process.seccomp);
}

static DHOW_NORETURN void become_hook(struct init *init, const struct oci_hook *hook,
                                      const int *fds, int report)
{
    char *const *env = hook->env ? hook->env : init->env ? init->env : (char *const *)strv_none;
    auto_strv argv = NULL;
    struct err e = {0};
    int r;

    fault_role("hook");
    strv_add(&argv, hook->path);
    if (hook->args && hook->args[0])
        strv_extend(&argv, hook->args);
    else
        strv_add(&argv, hook->path);
    r = sys_setsid();
    if (r < 0) {
        err_sys(&e, r, "make a session");
    } else if (take_places(init, fds, report, &e) == 0) {
        report = init->sync_fd;
        if (runs_filtered(init->plan) || identity_apply(init, argv, env, &e) == 0) {
            r = sys_execveat_fd(init->stub_fd, argv, env);
            sync_command_error(hook->path, r, &e);
        }
    }
    (void)sync_send_failed(report, &e); /* else its exit code tells */
    _exit(126);
}

static pid_t start_inside(const struct hooks_starter *self, const struct oci_hook *hook,
                          const int *fds, int *ret_pidfd, int *ret_report_fd, struct err *e)
{
    auto_fd int ours = FD_NONE, theirs = FD_NONE;
    struct sys_clone_args args = {.cgroup_fd = FD_NONE, .ret_pidfd = ret_pidfd};
    struct init *init = self->context;
    int pair[2], r = sys_socketpair_seqpacket(pair);

    if (r < 0)
        return err_sys(e, r, "make a socket pair");
    ours = pair[0];
    theirs = pair[1];
    r = sys_clone(&args);
    if (r == 0)
        become_hook(init, hook, fds, theirs);
    if (r < 0)
        return err_sys(e, r, "clone the hook's process");
    *ret_report_fd = take_fd(&ours);
    return r;
}

static int step_start_container(struct init *init, const void *arg, struct err *e)
{
    struct hooks_container c = container_of(init);
    struct hooks_starter starter = {.start = start_inside, .context = init, .cwd_fd = FD_NONE};

    (void)arg;
    return hooks_run(&c, HOOKS_START_CONTAINER, &starter, e);
}

static size_t count(const struct oci_hooks *h, enum hooks_stage stage)
{
    return stage == HOOKS_CREATE_CONTAINER ? h->create_container.len : h->start_container.len;
}

int hooks_plan(struct runtime_plan *p, struct err *e)
{
    const struct oci_spec *spec = p->spec;

    for (int stage = 0; stage < HOOKS_STAGE_MAX; stage++)
        if (!p->config->bundle && hooks_has(spec, (enum hooks_stage)stage))
            return err_set(e, ERR_UNSUPPORTED, "hooks: there is no bundle");
    p->sends_prepared = p->linux->net_devices.len > 0 || hooks_has(spec, HOOKS_PRESTART) ||
                        hooks_has(spec, HOOKS_CREATE_RUNTIME);
    if (p->sends_prepared)
        plan_add(p, "prepared", step_prepared, NULL, "the parent moves devices, runs hooks");
    if (hooks_has(spec, HOOKS_CREATE_CONTAINER))
        plan_add(p, "createContainer hooks", step_create_container, NULL, "%zu",
                 count(spec->hooks, HOOKS_CREATE_CONTAINER));
    return 0;
}

static void add_start_container(struct runtime_plan *p)
{
    if (hooks_has(p->spec, HOOKS_START_CONTAINER))
        plan_add(p, "startContainer hooks", step_start_container, NULL, "%zu",
                 count(p->spec->hooks, HOOKS_START_CONTAINER));
}

int hooks_plan_start(struct runtime_plan *p, struct err *e)
{
    (void)e;
    if (!runs_filtered(p))
        add_start_container(p);
    return 0;
}

int hooks_plan_start_filtered(struct runtime_plan *p, struct err *e)
{
    (void)e;
    if (runs_filtered(p))
        add_start_container(p);
    return 0;
}
