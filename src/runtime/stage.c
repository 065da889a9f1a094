/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A stage is a process between the parent and the child, for what must be done after the parent and
 * before the child is cloned:
 *
 *   - joining a user namespace, which cannot be left again, and owns what is made afterwards: the
 *     child's pid namespace, or proc could not be mounted;
 *   - joining namespaces that are owned by the caller's user namespace, before the child's own user
 *     namespace takes the right to;
 *   - clock offsets, which the kernel takes for a time namespace as long as nobody is in it;
 *   - an exec by a plain user, who gets the right to be born in the container's pid namespace only
 *     in its user namespace.
 *
 * A plain user may not be born in a scope of his when he comes from a group that is not his, like
 * that of his login: the stage is born outside, and his systemd moves it.
 *
 * The child is the parent's own (CLONE_PARENT); the stage tells its pid and exits. A plain user who
 * makes a user namespace makes it for the stage: nothing else gives him any right.
 */
#include "runtime/stage.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/fd.h"
#include "base/trace.h"
#include "cgroup/cgroup.h"
#include "runtime/joins.h"
#include "runtime/namespaces.h"
#include "runtime/sync.h"
#include "sys/event.h"
#include "sys/file.h"
#include "sys/namespace.h"
#include "sys/process.h"
#include "sys/self.h"
#include "sys/socket.h"

#define ANSWER_TIMEOUT_MS 120000

struct stage {
    struct launch *l;
    struct init init; /* the child's, once it is cloned */
    int fd;           /* to the parent */
};

static bool has_new_user_namespace(const struct launch *l)
{
    return l->is_plain_user && l->plan->namespaces.clone_flags & CLONE_NEWUSER;
}

bool stage_is_needed(const struct launch *l)
{
    if (l->plan->kind == PLAN_EXEC)
        return l->is_plain_user && l->exec_namespaces & CLONE_NEWUSER;
    return l->plan->namespaces.needs_stage;
}

/* ---- the stage ---- */

static int await_move(struct stage *s, struct err *e)
{
    auto_sync_message m = {0};

    return s->l->is_moved ? sync_expect(s->fd, SYNC_MOVED, &m, e) : 0;
}

static int await_maps(struct stage *s, struct err *e)
{
    auto_sync_message m = {0};

    if (sync_expect(s->fd, SYNC_MAPPED, &m, e) < 0)
        return -1;
    s->init.is_mapped = true;
    return 0;
}

/* Those that the user namespace to be joined owns wait until it is. */
static int join_others(struct stage *s, struct err *e)
{
    int *fds = s->init.join_fds;

    for (int i = PLAN_JOIN_PID; i < PLAN_JOIN_MOUNT; i++) {
        int r = fds[i] < 0 ? 0 : joins_enter(fds, (enum plan_join)i);

        if (r < 0 && !(r == -EPERM && fds[PLAN_JOIN_USER] >= 0))
            return joins_error(&s->l->plan->namespaces, (enum plan_join)i, r, e);
    }
    return 0;
}

static int join_user(struct stage *s, struct err *e)
{
    int r;

    if (s->init.join_fds[PLAN_JOIN_USER] < 0)
        return 0;
    r = joins_enter(s->init.join_fds, PLAN_JOIN_USER);
    if (r < 0)
        return joins_error(&s->l->plan->namespaces, PLAN_JOIN_USER, r, e);
    return namespaces_become_root(e) < 0 ? -1 : join_others(s, e);
}

static int set_clocks(struct stage *s, struct err *e)
{
    const char *offsets = s->l->plan->namespaces.time_offsets;
    int r = offsets ? sys_unshare(CLONE_NEWTIME) : 0;

    if (r == 0 && offsets)
        r = sys_write_existing(AT_FDCWD, "/proc/self/timens_offsets", offsets);
    return r < 0 ? err_sys(e, r, "linux.timeOffsets: set the clocks") : 0;
}

static int take_steps(struct stage *s, struct err *e)
{
    int r = init_become_child();

    if (r < 0)
        return err_sys(e, r, "set up the process");
    if (await_move(s, e) < 0)
        return -1;
    if (s->l->plan->kind == PLAN_EXEC) {
        if (namespaces_enter(&s->init, CLONE_NEWPID, e) < 0)
            return -1;
        s->init.is_entered = true;
        return 0;
    }
    if (has_new_user_namespace(s->l) && await_maps(s, e) < 0)
        return -1;
    /* While it is not hidden yet: its files in /proc are its own only until then. */
    if (set_clocks(s, e) < 0 || (s->init.is_mapped && namespaces_become_root(e) < 0))
        return -1;
    return join_others(s, e) < 0 ? -1 : join_user(s, e);
}

static int clone_child(struct stage *s, struct err *e)
{
    int flags = s->l->plan->namespaces.clone_flags;
    auto_fd int pidfd = FD_NONE;
    struct sys_clone_args args = {.cgroup_fd = FD_NONE, .ret_pidfd = &pidfd};
    pid_t pid;

    if (s->init.is_mapped)
        flags &= ~CLONE_NEWUSER;
    args.flags = (uint64_t)(unsigned)(flags | CLONE_PARENT);
    pid = sys_clone(&args);
    if (pid == 0) {
        fd_close(s->fd);
        init_main(&s->init);
    }
    if (pid < 0)
        return err_sys(e, pid, "clone the container's process");
    return sync_send_born(s->fd, pid, pidfd, e);
}

static DHOW_NORETURN void stage_main(struct stage *s)
{
    struct err e = {0};

    fault_role("stage");
    trace_role("stage");
    if (take_steps(s, &e) < 0 || clone_child(s, &e) < 0)
        (void)sync_send_failed(s->fd, &e); /* a dead parent needs no message */
    _exit(0);
}

/* ---- its parent ---- */

static int await_birth(struct launch *l, int fd, struct err *e)
{
    auto_sync_message m = {0};

    if (sync_expect(fd, SYNC_BORN, &m, e) < 0)
        return -1;
    l->pid = m.born.pid;
    l->pidfd = take_fd(&m.fds[0]);
    m.n_fds = 0;
    return 0;
}

static int serve(struct launch *l, pid_t pid, int fd, struct err *e)
{
    int r = sys_set_recv_timeout(fd, ANSWER_TIMEOUT_MS);

    if (r < 0)
        return err_sys(e, r, "set a timeout");
    if (l->is_moved && (cgroup_attach(l->cgroup, pid, e) < 0 || sync_send_moved(fd, e) < 0))
        return -1;
    if (has_new_user_namespace(l)) {
        if (l->map(l, pid, fd, e) < 0)
            return -1;
        l->is_mapped = true;
    }
    return await_birth(l, fd, e);
}

int stage_clone(struct launch *l, int parent_end, int child_end, struct err *e)
{
    auto_fd int ours = FD_NONE, theirs = FD_NONE, pidfd = FD_NONE;
    struct sys_clone_args args = {.flags = has_new_user_namespace(l) ? CLONE_NEWUSER : 0,
                                  .cgroup_fd = l->is_moved ? FD_NONE : l->cgroup_fd,
                                  .ret_pidfd = &pidfd};
    int pair[2], r = sys_socketpair_seqpacket(pair);
    pid_t pid;

    TRACE_SPAN("stage");
    if (r < 0)
        return err_sys(e, r, "make a socket pair");
    ours = pair[0];
    theirs = pair[1];
    pid = launch_clone_hidden(l, &args);
    if (pid == -EACCES && args.cgroup_fd >= 0) {
        args.cgroup_fd = FD_NONE;
        l->is_moved = true;
        pid = launch_clone_hidden(l, &args);
    }
    if (pid == 0) {
        struct stage s = {.l = l, .init = launch_init(l, child_end), .fd = theirs};

        fd_close(ours);
        fd_close(parent_end);
        launch_close_creator_fds(l);
        stage_main(&s);
    }
    if (pid < 0)
        return err_sys(e, pid, "clone the stage of the container's process");
    theirs = fd_close(theirs);
    r = serve(l, pid, ours, e);
    if (r < 0)
        launch_kill(pidfd);
    else
        (void)sys_wait_pidfd(pidfd, &(int){0}); /* it has told all that it had to */
    return r;
}
