/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Loading the filter, as late as the kernel allows: it is the last thing but one that the runtime
 * does in the container's process. What still comes is subject to the profile:
 *
 *   LISTENER, TOLD    write(2), read(2): only with a filter that notifies
 *   capset(2)         only without no_new_privs, since loading needs CAP_SYS_ADMIN then
 *   hooks             only with a filter that notifies: fork, wait, ... (hooks_plan.c)
 *   execveat(2)       of the stub; passes whatever the profile says (seccomp_program_let_pass()),
 *                     since no other runtime makes it, and so no recorded profile has it
 *   fcntl(2)          by the stub; passes like that
 *   execve(2)         of the command
 *
 * With SCMP_ACT_NOTIFY a call of the container waits in the kernel until the agent at listenerPath
 * has answered, and the agent can only answer when it has the listener, which is a descriptor of
 * the filtered process. Who loads such a filter must not make a call that notifies before the agent
 * has the listener, or both wait for ever. So there is one call between the two, write(2) of the
 * descriptor's number, for which SCMP_ACT_NOTIFY is refused (runc's rule, and its words); the
 * parent copies the descriptor by pidfd_getfd(2), tells the agent, and answers. Everything behind
 * the write may notify.
 *
 * Who notifies is told to the agent by the caller of the runtime (struct runtime_agent): what the
 * agent is to know is the state of a container, which is nothing that the runtime has.
 */
#include "runtime/filter.h"

#include <fcntl.h>

#include "base/alloc.h"
#include "runtime/init.h"
#include "sys/bpf.h"
#include "sys/process.h"

static int let_stub_pass(const struct init *init, char *const *argv, char *const *env,
                         struct seccomp_program *p, struct err *e)
{
    const struct seccomp_passage passages[] = {
        {.name = "execveat",
         .args = {(uint64_t)init->stub_fd, 0, (uintptr_t)argv, (uintptr_t)env, AT_EMPTY_PATH},
         .compared = 1 << 0 | 1 << 2 | 1 << 3 | 1 << 4},
        {.name = "fcntl",
         .args = {(uint64_t)init->sync_fd, F_SETFD, FD_CLOEXEC},
         .compared = 1 << 0 | 1 << 1 | 1 << 2},
    };

    return seccomp_program_let_pass(p, passages, ARRAY_LEN(passages), e);
}

int filter_apply(struct init *init, char *const *argv, char *const *env, struct err *e)
{
    struct seccomp_program p; /* the child frees nothing */
    int r;

    if (!init->seccomp)
        return 0;
    p = *init->seccomp;
    p.insns = alloc_memdup(p.insns, p.n * sizeof(*p.insns));
    if (let_stub_pass(init, argv, env, &p, e) < 0)
        return -1;
    r = seccomp_program_load(&p);
    if (r < 0)
        return err_sys(e, r, "load the seccomp filter");
    /* The listener stays open until the stub is executed: a call of close(2) less. */
    if (seccomp_program_notifies(&p) &&
        (sync_write_listener(init->sync_fd, r, e) < 0 || sync_read_told(init->sync_fd, e) < 0))
        return -1;
    r = init->keeps_admin ? sys_caps_set(&init->final_caps) : 0;
    return r < 0 ? err_sys(e, r, "set the capabilities") : 0;
}

/* ---- the parent ---- */

/* Trust boundary: the message comes from our own code, but behind the stub other processes of the
 * container may reach the socket. The number is one of that process's descriptors, whatever it is:
 * what is copied is a listener, or nothing. */
static int copy_listener(const struct filter_process *p, int number, struct err *e)
{
    auto_fd int opened = p->pidfd < 0 ? sys_pidfd_open(p->pid) : FD_NONE;
    auto_fd int fd = FD_NONE;

    if (p->pidfd < 0 && opened < 0)
        return err_sys(e, opened, "open the container's process");
    fd = sys_pidfd_getfd(p->pidfd < 0 ? opened : p->pidfd, number);
    if (fd < 0)
        return err_sys(e, fd, "copy the listener of the seccomp filter");
    if (sys_seccomp_is_listener(fd) != 1)
        return err_set(e, ERR_INTERNAL, "descriptor %d is no listener of a seccomp filter", number);
    return take_fd(&fd);
}

int filter_tell_agent(const struct filter_process *p, const struct sync_message *m, struct err *e)
{
    auto_fd int listener = FD_NONE;

    if (!p->agent)
        return err_set(e, ERR_INTERNAL, "unexpected message LISTENER");
    listener = copy_listener(p, m->listener.fd, e);
    if (listener < 0 || p->agent->tell(p->agent->arg, p->pid, listener, e) < 0)
        return -1;
    return sync_send_told(p->sync_fd, e);
}

int filter_wait_for_command(const struct filter_process *p, struct err *e)
{
    auto_sync_message m = {0};
    int r = sync_receive(p->sync_fd, &m, e);

    if (r <= 0)
        return r;
    if (m.type != SYNC_LISTENER)
        return sync_error_of(&m, "the end", e);
    return filter_tell_agent(p, &m, e) < 0 ? -1 : sync_expect_end(p->sync_fd, e);
}
