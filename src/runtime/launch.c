/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Clone and answer. Everything that can fail for the host's reasons (a missing bind source, a
 * profile that does not compile) fails here, before there is a child.
 *
 * A child that is to be born into another pid namespace gets it through the caller: setns(2) of a
 * pid namespace changes only where children are born, and is undone right after the clone.
 */
#include "runtime/launch.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>

#include "base/strv.h"
#include "base/trace.h"
#include "runtime/filter.h"
#include "runtime/hooks.h"
#include "runtime/joins.h"
#include "runtime/sources.h"
#include "runtime/stage.h"
#include "runtime/stub.h"
#include "runtime/sync.h"
#include "sys/caps.h"
#include "sys/event.h"
#include "sys/file.h"
#include "sys/mount.h"
#include "sys/namespace.h"
#include "sys/process.h"
#include "sys/self.h"
#include "sys/socket.h"

#define OWN_SCORE "/proc/self/oom_score_adj"

/* A child that neither speaks nor dies: a file system of the host that hangs. */
#define ANSWER_TIMEOUT_MS 120000
#define NO_TIMEOUT        0

static int open_sources(struct launch *l, struct err *e)
{
    int r;

    l->source_fds = alloc_zero(l->plan->sources.len + 1, sizeof(int));
    for (size_t i = 0; i < l->plan->sources.len; i++)
        l->source_fds[i] = FD_NONE;
    r = sources_open(l->plan, l->source_fds, e);
    l->child_opens_sources = r > 0;
    return MIN(r, 0);
}

static int open_mount_point(struct launch *l, struct err *e)
{
    const struct runtime_rootfs *r = &l->plan->config->rootfs;

    l->mount_point_fd = r->mount_point_fd >= 0
                            ? sys_dup_above(r->mount_point_fd, 3)
                            : sys_open(AT_FDCWD, l->plan->spec->root.path, O_PATH | O_DIRECTORY, 0);
    if (l->mount_point_fd < 0)
        return err_sys(e, l->mount_point_fd, "open the root's mount point");
    return 0;
}

/* A user namespace that is joined has its maps already; a new one gets them later. */
static int map_sources(struct launch *l, struct err *e)
{
    if (!l->plan->namespaces.joins[PLAN_JOIN_USER].path || l->child_opens_sources)
        return 0;
    return sources_map(l->plan, l->source_fds, l->join_fds[PLAN_JOIN_USER], e);
}

static int find_rights(struct launch *l, struct err *e)
{
    struct sys_caps have;
    int r = sys_caps_get(&have);

    if (r < 0)
        return err_sys(e, r, "read the capabilities");
    l->is_plain_user = !(have.effective & (1ull << CAP_SYS_ADMIN));
    if (l->is_plain_user && l->plan->kind == PLAN_CREATE && !l->plan->namespaces.has_user)
        return err_set(e, ERR_DENIED,
                       "linux.namespaces: a plain user's container needs a user namespace");
    return 0;
}

static bool has_agent(const struct runtime_plan *p)
{
    if (p->kind == PLAN_EXEC)
        return p->exec_config->agent != NULL;
    return p->config->agent || p->config->start_listener >= 0; /* the starter's affair */
}

static int compile_filter(struct launch *l, struct err *e)
{
    if (seccomp_compile(l->plan->process.seccomp, &l->seccomp, e) < 0)
        return -1;
    if (seccomp_program_notifies(&l->seccomp) && !has_agent(l->plan))
        return err_set(e, ERR_UNSUPPORTED, "seccomp: SCMP_ACT_NOTIFY is for bundles only");
    return 0;
}

static int open_stub(struct launch *l, struct err *e)
{
    const struct plan_process *pp = &l->plan->process;
    const struct stub_options stub = {
        .labels = pp->labels,
        .n_labels = pp->n_labels,
        .drop_inheritable = (uint32_t)pp->caps.for_execve,
        .keep_inheritable = (uint32_t)(pp->caps.for_execve & pp->caps.inheritable),
    };

    l->stub_fd = stub_open(STUB_SYNC_FD + (int)pp->preserve_fds, &stub, e);
    return l->stub_fd < 0 ? -1 : 0;
}

int launch_prepare(struct launch *l, const struct runtime_plan *p, struct err *e)
{
    TRACE_SPAN("prepare");
    l->plan = p;
    if (labels_check_host(p, e) < 0 || (p->kind == PLAN_CREATE && open_mount_point(l, e) < 0))
        return -1;
    if (find_rights(l, e) < 0 || open_sources(l, e) < 0 || joins_open(p, l->join_fds, e) < 0 ||
        map_sources(l, e) < 0)
        return -1;
    if (p->process.seccomp && compile_filter(l, e) < 0)
        return -1;
    /* For mounts nothing is executed. */
    return p->kind == PLAN_MOUNTS ? 0 : open_stub(l, e);
}

struct init launch_init(struct launch *l, int sync_fd)
{
    const struct plan_process *pp = &l->plan->process;

    return (struct init){
        .plan = l->plan,
        .process = pp,
        .sync_fd = sync_fd,
        .stub_fd = l->stub_fd,
        .init_pidfd = l->init_pidfd,
        .exec_namespaces = l->exec_namespaces,
        .seccomp = l->seccomp.n > 0 ? &l->seccomp : NULL,
        .source_fds = l->source_fds,
        .opens_sources = l->child_opens_sources,
        .join_fds = l->join_fds,
        .mount_point_fd = l->mount_point_fd,
        .cgroup_fds = l->cgroup_join_fds,
        .n_cgroup_fds = l->n_cgroup_joins,
        .cgroup = l->cgroup,
        .cgroup_trees = l->cgroup_trees,
        .n_cgroup_trees = l->n_cgroup_trees,
        .root_fd = FD_NONE,
        .dev_fd = FD_NONE,
        .pts_fd = FD_NONE,
        .terminal_fd = FD_NONE,
        .labels_fd = FD_NONE,
        .empty_dir_fd = FD_NONE,
        .ids = pp->ids,
    };
}

void launch_close_creator_fds(const struct launch *l)
{
    const struct runtime_config *config = l->plan->config;

    for (size_t i = 0; config && i < config->n_creator_fds; i++)
        fd_close(config->creator_fds[i]);
}

/* The pid namespace that the next child is born in: fd, or FD_NONE when it is ours or a new one. */
static int enter_pid_namespace(struct launch *l, int *ret_own, struct err *e)
{
    int target = l->init_pidfd >= 0 ? l->init_pidfd : l->join_fds[PLAN_JOIN_PID], r;
    auto_fd int own = FD_NONE;

    if (target < 0 || (l->plan->kind == PLAN_MOUNTS && l->is_plain_user))
        return 0;
    own = sys_namespace_open(0, "pid");
    if (own < 0)
        return err_sys(e, own, "open the own pid namespace");
    r = sys_setns(target, CLONE_NEWPID);
    if (r < 0 && l->init_pidfd < 0)
        return joins_error(&l->plan->namespaces, PLAN_JOIN_PID, r, e);
    if (r < 0)
        return err_sys(e, r, "join the pid namespace");
    *ret_own = take_fd(&own);
    return 0;
}

/* The child inherits "not dumpable" with its memory: there is no moment at which it could be looked
 * into. But a plain user can write its id maps only while it is dumpable: its files in /proc are
 * not his otherwise. Nobody is in its namespaces then. */
pid_t launch_clone_hidden(const struct launch *l, const struct sys_clone_args *args)
{
    int was = sys_get_dumpable();
    pid_t pid;

    if (was < 0)
        return was;
    if (l->is_plain_user && args->flags & CLONE_NEWUSER)
        return sys_clone(args);
    if (was > 0)
        (void)sys_set_dumpable(false);
    pid = sys_clone(args);
    if (pid != 0 && was == 1)
        (void)sys_set_dumpable(true);
    return pid;
}

/* Without a cgroup namespace of its own a container is shown mounts that begin at its group, made
 * here: the child's mount namespace is another one. */
static int open_cgroup_trees(struct launch *l, const struct cgroup *g, struct err *e)
{
    struct cgroup_shown shown[CGROUP_MAX_JOINS];
    size_t n = cgroup_list_shown(g, shown);

    for (size_t i = 0; i < n; i++) {
        int fd = sys_open_tree(shown[i].dirfd, "", SYS_TREE_CLONE);

        if (fd == -EPERM && l->child_opens_sources)
            return 0; /* to whom the parent's mounts are out of reach: nothing is shown */
        if (fd < 0)
            return err_sys(e, fd, "mount cgroup '%s' of '%s'", cgroup_path(g), shown[i].name);
        l->cgroup_trees[l->n_cgroup_trees++] = fd;
    }
    return 0;
}

int launch_set_cgroup(struct launch *l, const struct cgroup *g, struct err *e)
{
    l->cgroup = g;
    l->cgroup_fd = cgroup_clone_fd(g);
    if (l->plan->shows_cgroup && !(l->plan->namespaces.unshare_flags & CLONE_NEWCGROUP) &&
        open_cgroup_trees(l, g, e) < 0)
        return -1;
    return cgroup_join_fds(g, l->cgroup_join_fds, &l->n_cgroup_joins, e);
}

/* The child runs hooks: they take their time, and have timeouts of their own. */
static bool runs_hooks(const struct runtime_plan *p)
{
    return p->spec && (hooks_has(p->spec, HOOKS_CREATE_CONTAINER) ||
                       hooks_has(p->spec, HOOKS_START_CONTAINER));
}

static int clone_directly(struct launch *l, int parent_end, int child_end, struct err *e)
{
    auto_fd int own_pid_ns = FD_NONE;
    struct sys_clone_args args = {.flags = (uint64_t)(unsigned)l->plan->namespaces.clone_flags,
                                  .cgroup_fd = l->cgroup_fd,
                                  .ret_pidfd = &l->pidfd};
    int r;

    if (enter_pid_namespace(l, &own_pid_ns, e) < 0)
        return -1;
    l->pid = launch_clone_hidden(l, &args);
    if (l->pid == 0) {
        struct init init = launch_init(l, child_end);

        fd_close(parent_end);
        launch_close_creator_fds(l);
        init_main(&init);
    }
    if (own_pid_ns >= 0) {
        r = sys_setns(own_pid_ns, CLONE_NEWPID);
        /* Root of a user namespace (podman without root) has no right to go back; it makes no
         * other child. */
        if (r < 0 && r != -EPERM && l->pid > 0)
            return err_sys(e, r, "go back to the own pid namespace");
    }
    return l->pid < 0 ? err_sys(e, l->pid, "clone the container's process") : 0;
}

/* EACCES: born in the group it may not be (stage.c). */
static int clone_anyhow(struct launch *l, int parent_end, int child_end, struct err *e)
{
    struct err here = {0};

    if (!stage_is_needed(l)) {
        if (clone_directly(l, parent_end, child_end, &here) == 0)
            return 0;
        l->is_moved = here.errno_value == EACCES && l->cgroup_fd >= 0;
        if (!l->is_moved && e)
            *e = here;
        if (!l->is_moved)
            return -1;
    }
    return stage_clone(l, parent_end, child_end, e);
}

/* A plain user has no access to the child's score: it inherits ours, which is set for a moment. */
static int lend_score(struct launch *l, char **ret_own, struct err *e)
{
    const struct json_opt_i64 *score = &l->plan->process.process->oom_score_adj;
    auto_free char *text = alloc_printf("%lld", (long long)score->value);
    size_t len;
    int r;

    if (!l->is_plain_user || !score->is_set)
        return 0;
    r = sys_read_file(AT_FDCWD, OWN_SCORE, 64, ret_own, &len);
    if (r == 0)
        r = sys_write_existing(AT_FDCWD, OWN_SCORE, text);
    l->is_score_denied = r == -EACCES || r == -EPERM;
    return r < 0 && !l->is_score_denied ? err_sys(e, r, "set oomScoreAdj %s", text) : 0;
}

int launch_clone(struct launch *l, struct err *e)
{
    auto_fd int child_end = FD_NONE, parent_end = FD_NONE;
    auto_free char *own_score = NULL;
    int pair[2], r;

    TRACE_SPAN("clone");
    r = sys_socketpair_seqpacket(pair);
    if (r < 0)
        return err_sys(e, r, "make a socket pair");
    parent_end = pair[0];
    child_end = pair[1];
    r = sys_set_recv_timeout(parent_end, runs_hooks(l->plan) ? NO_TIMEOUT : ANSWER_TIMEOUT_MS);
    if (r < 0)
        return err_sys(e, r, "set a timeout");
    if (lend_score(l, &own_score, e) < 0)
        return -1;
    r = clone_anyhow(l, parent_end, child_end, e);
    if (own_score)
        (void)sys_write_existing(AT_FDCWD, OWN_SCORE,
                                 own_score); /* down to where it was: allowed */
    if (r == 0)
        l->sync_fd = take_fd(&parent_end);
    return r;
}

/* Trust boundary: the fd is a file of the image. Its type was checked by the child; it is checked
 * again, and read up to a bound (T-9676). A file that is too big is as good as none. */
static char *read_database(int fd, size_t *ret_len)
{
    struct stat st;
    char *text = NULL;

    if (sys_stat(fd, "", &st) < 0 || !S_ISREG(st.st_mode) ||
        sys_read_fd(fd, USERS_FILE_MAX_BYTES, &text, ret_len) < 0)
        return NULL;
    return text;
}

static int answer_users(struct launch *l, const struct sync_message *m, struct err *e)
{
    auto_free char *passwd = NULL;
    auto_free char *group = NULL;
    size_t passwd_len = 0, group_len = 0, i = 0;
    struct sync_ids ids;

    if (!l->plan->process.has_user_lookup)
        return err_set(e, ERR_INTERNAL, "unexpected message USERS");
    if (m->users.has_passwd)
        passwd = read_database(m->fds[i++], &passwd_len);
    if (m->users.has_group)
        group = read_database(m->fds[i], &group_len);
    if (users_resolve(&l->plan->process.users, (struct users_text){passwd, passwd_len},
                      (struct users_text){group, group_len}, &ids, e) < 0)
        return -1;
    return sync_send_ids(l->sync_fd, &ids, e);
}

static int take_terminal(struct launch *l, struct sync_message *m, struct err *e)
{
    if (!l->plan->process.process->terminal || l->terminal_fd >= 0)
        return err_set(e, ERR_INTERNAL, "unexpected message TERMINAL");
    l->terminal_fd = take_fd(&m->fds[0]);
    m->n_fds = 0;
    return 0;
}

static int prepare(struct launch *l, struct err *e)
{
    if (!l->plan->sends_prepared || !l->prepared)
        return err_set(e, ERR_INTERNAL, "unexpected message PREPARED");
    return l->prepared(l, e) < 0 ? -1 : sync_send_proceed(l->sync_fd, e);
}

static int tell_agent(struct launch *l, const struct sync_message *m, struct err *e)
{
    const struct filter_process p = {.sync_fd = l->sync_fd,
                                     .pid = l->pid,
                                     .pidfd = l->pidfd,
                                     .agent = l->plan->exec_config->agent};

    return filter_tell_agent(&p, m, e);
}

int launch_serve(struct launch *l, enum sync_type until, struct err *e)
{
    TRACE_SPAN("wait for the child");
    /* Bounded: each question is asked once. */
    for (int i = 0; i < 6; i++) {
        auto_sync_message m = {0};
        int r = sync_receive(l->sync_fd, &m, e);

        if (r < 0)
            return -1;
        if (r == 0)
            return until == SYNC_NONE
                       ? 0
                       : err_set(e, ERR_IO, "the container's process died while it was set up");
        if (m.type == until)
            return 0;
        if (m.type == SYNC_USERS)
            r = answer_users(l, &m, e);
        else if (m.type == SYNC_TERMINAL)
            r = take_terminal(l, &m, e);
        else if (m.type == SYNC_PREPARED)
            r = prepare(l, e);
        else if (m.type == SYNC_LISTENER && l->plan->kind == PLAN_EXEC)
            r = tell_agent(l, &m, e);
        else
            r = sync_error_of(&m, sync_type_name(until), e);
        if (r < 0)
            return -1;
    }
    return err_set(e, ERR_INTERNAL, "the container's process asks too much");
}

void launch_explain(struct launch *l, struct err *e)
{
    auto_sync_message m = {0};

    if (!e || l->sync_fd < 0 ||
        (e->errno_value != EPIPE && e->errno_value != ECONNRESET && e->errno_value != ESRCH))
        return;
    if (sync_receive(l->sync_fd, &m, NULL) == 1 && m.type == SYNC_FAILED)
        sync_error_of(&m, "", e);
}

static int write_score(struct launch *l, const char *text)
{
    auto_free char *path = alloc_printf("/proc/%d/oom_score_adj", (int)l->pid);

    if (l->is_plain_user)
        return l->is_score_denied ? -EACCES : 0;
    return sys_write_existing(AT_FDCWD, path, text);
}

int launch_adjust_oom_score(struct launch *l, char ***inout_warnings, struct err *e)
{
    const struct json_opt_i64 *score = &l->plan->process.process->oom_score_adj;
    auto_free char *text = alloc_printf("%lld", (long long)score->value);
    int r = score->is_set ? write_score(l, text) : 0;

    if ((r == -EACCES || r == -EPERM) && inout_warnings)
        strv_addf(inout_warnings, "oomScoreAdj %s cannot be set: not permitted here", text);
    if (r == 0 || r == -EACCES || r == -EPERM)
        return 0;
    return err_sys(e, r, "set oomScoreAdj %s", text);
}

void launch_kill(int pidfd)
{
    struct pollfd p = {.fd = pidfd, .events = POLLIN};
    int status;

    if (pidfd < 0)
        return;
    /* Dead already is what is wanted. By pidfd throughout: the number may be another child's by
     * now. */
    if (sys_pidfd_send_signal(pidfd, SIGKILL) == 0)
        while (poll(&p, 1, -1) < 0 && errno == EINTR)
            ;
    (void)sys_wait_pidfd(pidfd, &status);
}

void runtime_launch_done(struct launch *l)
{
    launch_kill(l->pidfd);
    if (l->source_fds)
        sources_close(l->plan, l->source_fds);
    free(l->source_fds);
    for (int i = 0; i < PLAN_JOIN_MAX; i++)
        fd_close(l->join_fds[i]);
    for (size_t i = 0; i < l->n_cgroup_joins; i++)
        fd_close(l->cgroup_join_fds[i]);
    for (size_t i = 0; i < l->n_cgroup_trees; i++)
        fd_close(l->cgroup_trees[i]);
    fd_close(l->mount_point_fd);
    fd_close(l->stub_fd);
    fd_close(l->pidfd);
    fd_close(l->sync_fd);
    fd_close(l->terminal_fd);
    seccomp_program_done(&l->seccomp);
    *l = (struct launch)LAUNCH_NONE;
}
