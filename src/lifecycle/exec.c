/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One more process in a container that runs. */
#include <fcntl.h>
#include <unistd.h>

#include "base/log.h"
#include "base/strv.h"
#include "base/trace.h"
#include "lifecycle/agent.h"
#include "lifecycle/process_io.h"
#include "lifecycle/state.h"
#include "sys/process.h"

int lifecycle_exec_process(const struct lifecycle_config *config, const char *id,
                           struct oci_process *ret, struct err *e)
{
    auto_state_dir d = STATE_DIR_NONE;
    auto_spec spec = {0};

    if (state_dir_open(config, id, 0, &d, e) < 0 || state_read_config(&d, &spec, e) < 0)
        return -1;
    *ret = *spec.process;
    *spec.process = (struct oci_process){0};
    return 0;
}

static int check_status(enum lifecycle_status status, const struct lifecycle_exec_options *o,
                        struct err *e)
{
    const char *id = o->id;

    if (status == LIFECYCLE_STOPPED || status == LIFECYCLE_CREATING)
        return err_set(e, ERR_BAD_STATE, "cannot exec in a stopped container: '%s'", id);
    if (status == LIFECYCLE_PAUSED && !(o->flags & LIFECYCLE_IGNORE_PAUSED))
        return err_set(e, ERR_BAD_STATE, "cannot exec in a paused container: '%s'", id);
    return 0;
}

DEFINE_AUTO_PTR(struct cgroup, exec_group, cgroup_free);

/* What the caller's process does not say is the container's (runc's rule). Borrows from both. */
static struct oci_process complete_process(const struct oci_process *given,
                                           const struct oci_process *container)
{
    struct oci_process p = *given;

    if (!p.capabilities)
        p.capabilities = container->capabilities;
    if (!p.rlimits.len)
        p.rlimits = container->rlimits;
    if (!p.apparmor_profile || !*p.apparmor_profile)
        p.apparmor_profile = container->apparmor_profile;
    if (!p.selinux_label || !*p.selinux_label)
        p.selinux_label = container->selinux_label;
    if (!p.scheduler)
        p.scheduler = container->scheduler;
    if (!p.io_priority)
        p.io_priority = container->io_priority;
    if (!p.exec_cpu_affinity)
        p.exec_cpu_affinity = container->exec_cpu_affinity;
    if (!p.oom_score_adj.is_set)
        p.oom_score_adj = container->oom_score_adj;
    if (!p.user.umask.is_set)
        p.user.umask = container->user.umask;
    return p;
}

int lifecycle_exec(const struct lifecycle_config *config,
                   const struct lifecycle_exec_options *options, struct lifecycle_process *ret,
                   struct err *e)
{
    auto_state_dir d = STATE_DIR_NONE;
    auto_state s = {0};
    auto_spec spec = {0};
    struct runtime_process process = RUNTIME_PROCESS_NONE;
    DHOW_CLEANUP(exec_group_auto) struct cgroup *cgroup = NULL;
    enum lifecycle_status status;
    int r;

    TRACE_SPAN("exec");
    if (process_io_check(&options->io, options->process, e) < 0 ||
        state_dir_open(config, options->id, 0, &d, e) < 0 || state_look(&d, &s, &status, e) < 0 ||
        check_status(status, options, e) < 0 || state_read_config(&d, &spec, e) < 0)
        return -1;
    if (s.cgroup.places.len > 0 && cgroup_open_below(&s.cgroup, options->cgroups, &cgroup, e) < 0)
        return -1;
    const struct hooks_container container = {.spec = &spec,
                                              .id = s.id,
                                              .bundle = s.bundle,
                                              .pid = (pid_t)s.pid};
    struct agent told = {&container, HOOKS_POSTSTART};
    const struct runtime_agent agent = {agent_tell, &told};
    const struct oci_process completed = complete_process(options->process, spec.process);
    struct runtime_exec_config c = {
        .init_pid = (pid_t)s.pid,
        .start_ticks = s.start_ticks,
        .id = s.no_new_keyring ? NULL : options->id,
        .process = &completed,
        .linux = spec.linux,
        .seccomp = spec.linux->seccomp,
        .has_foreign_mounts = state_joins_mounts(&spec),
        .cgroup = cgroup,
        .user = options->user,
        .set_home = true,
        .stdio = {0, 1, 2},
        .preserve_fds = options->io.preserve_fds,
        .agent = &agent,
    };
    log_debug("nsexec container setup: '%s'", options->id);
    /* The child is born there; for a caller that ends soon it makes no difference. */
    if (s.rdt.group && rdt_join(&s.rdt, getpid(), e) < 0)
        return -1;
    r = runtime_exec(&c, &process, e);
    if (r < 0)
        return -1;
    log_debug("child process in init(): %d; setns_init: about to exec '%s'", (int)process.pid,
              options->process->args[0]);
    r = process_io_deliver(&options->io, process.pid, process.pidfd, process.terminal_fd, e);
    if (r < 0)
        (void)sys_pidfd_send_signal(process.pidfd, SIGKILL); /* the caller could not reach it */
    else
        *ret = (struct lifecycle_process){
            .pid = process.pid,
            .pidfd = take_fd(&process.pidfd),
            .terminal_fd = options->io.wants_terminal ? take_fd(&process.terminal_fd) : FD_NONE,
            .notify_fd = FD_NONE,
        };
    fd_close(process.pidfd);
    fd_close(process.terminal_fd);
    return r;
}
