/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Namespaces. The parent clones with the few that only clone can give (pid, user, time); the child
 * makes the others by unshare(2), so that their cost (a network namespace is the dearest) runs
 * beside the parent's work on the cgroup.
 *
 * The child's working directory is the mount point of the root when it unshares its mounts: the
 * kernel moves root and working directory, and nothing else, into the copied mount tree, and so "."
 * is the mount point there. Fds that were opened before stay in the old tree.
 */
#include <fcntl.h>

#include "base/str.h"
#include "runtime/init.h"
#include "runtime/mounts.h"
#include "runtime/sources.h"
#include "runtime/sync.h"
#include "sys/file.h"
#include "sys/mount.h"
#include "sys/namespace.h"
#include "sys/process.h"
#include "sys/self.h"

enum how { BY_CLONE, BY_UNSHARE };

static const struct {
    const char *type;
    int flag;
    enum how how;
    int join; /* enum plan_join, or -1: cannot be joined by the child */
} kinds[] = {
    {"pid", CLONE_NEWPID, BY_CLONE, -1},
    {"user", CLONE_NEWUSER, BY_CLONE, -1},
    {"time", CLONE_NEWTIME, BY_CLONE, -1},
    {"mount", CLONE_NEWNS, BY_UNSHARE, -1},
    {"network", CLONE_NEWNET, BY_UNSHARE, PLAN_JOIN_NET},
    {"ipc", CLONE_NEWIPC, BY_UNSHARE, PLAN_JOIN_IPC},
    {"uts", CLONE_NEWUTS, BY_UNSHARE, PLAN_JOIN_UTS},
    {"cgroup", CLONE_NEWCGROUP, BY_UNSHARE, PLAN_JOIN_CGROUP},
};

static const int join_flags[PLAN_JOIN_MAX] = {
    [PLAN_JOIN_NET] = CLONE_NEWNET,
    [PLAN_JOIN_IPC] = CLONE_NEWIPC,
    [PLAN_JOIN_UTS] = CLONE_NEWUTS,
    [PLAN_JOIN_CGROUP] = CLONE_NEWCGROUP,
};

static int step_join(struct init *init, const void *arg, struct err *e)
{
    int r;

    (void)arg;
    for (int i = 0; i < PLAN_JOIN_MAX; i++) {
        if (init->join_fds[i] < 0)
            continue;
        r = sys_setns(init->join_fds[i], join_flags[i]);
        if (r < 0)
            return err_sys(e, r, "join the namespace '%s'", init->plan->namespaces.join_paths[i]);
    }
    return 0;
}

/* The parent has written the id maps: become their root, which owns all that is made from here on.
 */
static int step_user_namespace(struct init *init, const void *arg, struct err *e)
{
    auto_sync_message m = {0};
    int r;

    (void)arg;
    if (init_expect(init, SYNC_MAPPED, &m, e) < 0)
        return -1;
    if (m.n_fds == 1)
        init->root_fd = take_fd(&m.fds[0]);
    m.n_fds = 0;
    r = sys_set_gid(0);
    if (r == 0)
        r = sys_set_uid(0);
    if (r == 0)
        r = sys_set_dumpable(false);
    return r < 0 ? err_sys(e, r, "become root in the user namespace") : 0;
}

static int step_unshare(struct init *init, const void *arg, struct err *e)
{
    int r = sys_fchdir(init->mount_point_fd);

    (void)arg;
    if (r < 0)
        return err_sys(e, r, "enter the mount point of the root");
    r = sys_unshare(init->plan->namespaces.unshare_flags);
    if (r < 0)
        return err_sys(e, r, "make new namespaces");
    r = sys_open(AT_FDCWD, ".", O_PATH | O_DIRECTORY, 0);
    if (r < 0)
        return err_sys(e, r, "open the mount point of the root");
    fd_close(init->mount_point_fd);
    init->mount_point_fd = r;
    return 0;
}

/* No mount or unmount of ours reaches the host. */
static int step_private(struct init *init, const void *arg, struct err *e)
{
    auto_fd int host_root = sys_open(AT_FDCWD, "/", O_PATH | O_DIRECTORY, 0);
    int r;

    (void)arg;
    if (host_root < 0)
        return err_sys(e, host_root, "open the root");
    /* Sources that are still to be opened may want to be slaves of the host's mounts. */
    r = sys_mount_setattr(host_root, SYS_SETATTR_RECURSIVE, 0, 0,
                          init->opens_sources ? MS_SLAVE : MS_PRIVATE);
    return r < 0 ? err_sys(e, r, "make all mounts private") : 0;
}

static int step_loopback(struct init *init, const void *arg, struct err *e)
{
    int r = sys_loopback_up();

    (void)init;
    (void)arg;
    return r < 0 ? err_sys(e, r, "bring the loopback interface up") : 0;
}

static int step_hostname(struct init *init, const void *name, struct err *e)
{
    int r = sys_sethostname(name);

    (void)init;
    return r < 0 ? err_sys(e, r, "set the host name '%s'", (const char *)name) : 0;
}

static int step_domainname(struct init *init, const void *name, struct err *e)
{
    int r = sys_setdomainname(name);

    (void)init;
    return r < 0 ? err_sys(e, r, "set the domain name '%s'", (const char *)name) : 0;
}

/* "0" in a hierarchy's `tasks` moves the writer, and alone of all ways takes no lock that waits for
 * a grace period of the whole machine (cgroup_threadgroup_rwsem; milliseconds). The v2 tree was
 * joined by the clone. */
static int step_join_cgroup(struct init *init, const void *arg, struct err *e)
{
    (void)arg;
    for (size_t i = 0; i < init->n_cgroup_fds; i++) {
        int r = sys_write_all(init->cgroup_fds[i], "0", 1);

        if (r < 0)
            return err_sys(e, r, "join cgroup '%s'", init->plan->cgroup_path);
    }
    if (init->plan->shows_cgroup && init->plan->namespaces.unshare_flags & CLONE_NEWCGROUP)
        return mounts_cgroup_remember(init, e);
    return 0;
}

/* setns(2) takes all at once: the user namespace's rights count for the others. */
static int step_enter(struct init *init, const void *arg, struct err *e)
{
    int r = sys_setns(init->init_pidfd, init->exec_namespaces);

    (void)arg;
    if (r < 0)
        return err_sys(e, r, "join the container's namespaces");
    if (init->exec_namespaces & CLONE_NEWUSER) {
        r = sys_set_gid(0);
        if (r == 0)
            r = sys_set_uid(0);
        if (r == 0)
            r = sys_set_dumpable(false);
        if (r < 0)
            return err_sys(e, r, "become root in the user namespace");
    }
    r = sys_open(AT_FDCWD, "/", O_PATH | O_DIRECTORY, 0);
    if (r < 0)
        return err_sys(e, r, "open the container's root");
    init->root_fd = r;
    return 0;
}

static int plan_one(struct plan_namespaces *ns, const struct oci_namespace *n, struct err *e)
{
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        if (!str_equal(kinds[i].type, n->type))
            continue;
        if (n->path && *n->path) {
            if (kinds[i].flag == CLONE_NEWPID)
                ns->pid_path = n->path;
            else if (kinds[i].join >= 0)
                ns->join_paths[kinds[i].join] = n->path;
            else
                return err_set(e, ERR_UNSUPPORTED,
                               "linux.namespaces: joining a %s namespace is not supported yet",
                               n->type);
        } else if (kinds[i].how == BY_CLONE) {
            ns->clone_flags |= kinds[i].flag;
        } else {
            ns->unshare_flags |= kinds[i].flag;
        }
        return 0;
    }
    return err_set(e, ERR_INVALID, "linux.namespaces: unknown value '%s'", n->type ? n->type : "");
}

static int check_namespaces(const struct runtime_plan *p, bool joins, struct err *e)
{
    const struct plan_namespaces *ns = &p->namespaces;

    if (!(ns->unshare_flags & CLONE_NEWNS))
        return err_set(e, ERR_UNSUPPORTED,
                       "linux.namespaces: a mount namespace of its own is needed");
    if ((ns->clone_flags & CLONE_NEWUSER) && (joins || ns->pid_path))
        return err_set(e, ERR_UNSUPPORTED,
                       "linux.namespaces: a user namespace together with joined namespaces is "
                       "not supported yet");
    if ((ns->clone_flags & CLONE_NEWUSER) &&
        (p->linux->uid_mappings.len == 0 || p->linux->gid_mappings.len == 0))
        return err_set(e, ERR_INVALID,
                       "linux.uidMappings: a user namespace needs uidMappings and gidMappings");
    if (p->linux->uid_mappings.len > 340 || p->linux->gid_mappings.len > 340)
        return err_set(e, ERR_INVALID, "linux.uidMappings: more than 340 id mappings");
    return 0;
}

/* A name in the host's own UTS namespace is the host's name. */
static int plan_names(struct runtime_plan *p, struct err *e)
{
    const struct plan_namespaces *ns = &p->namespaces;
    bool own = (ns->unshare_flags & CLONE_NEWUTS) || ns->join_paths[PLAN_JOIN_UTS];
    const char *host = p->spec->hostname, *domain = p->spec->domainname;

    if (((host && *host) || (domain && *domain)) && !own)
        return err_set(e, ERR_INVALID, "hostname: needs a uts namespace of the container's own");
    if ((host && strlen(host) > 64) || (domain && strlen(domain) > 64))
        return err_set(e, ERR_INVALID, "hostname: longer than 64 bytes");
    if (host && *host)
        plan_add(p, "host name", step_hostname, host, "%s", host);
    if (domain && *domain)
        plan_add(p, "domain name", step_domainname, domain, "%s", domain);
    return 0;
}

static void add_flag_names(struct str *s, int flags)
{
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
        if (flags & kinds[i].flag)
            str_addf(s, "%s%s", s->len ? " " : "", kinds[i].type);
}

int namespaces_plan(struct runtime_plan *p, struct err *e)
{
    struct plan_namespaces *ns = &p->namespaces;
    auto_str names = STR_INIT(256);
    bool joins = false;

    if (p->cgroup_path)
        plan_add(p, "cgroup", step_join_cgroup, NULL, "join %s", p->cgroup_path);
    if (p->kind == PLAN_EXEC) {
        plan_add(p, "namespaces", step_enter, NULL, "join those of the container");
        return 0;
    }
    VEC_FOREACH (n, &p->linux->namespaces)
        if (plan_one(ns, n, e) < 0)
            return -1;
    for (int i = 0; i < PLAN_JOIN_MAX; i++)
        joins |= ns->join_paths[i] != NULL;
    if (check_namespaces(p, joins, e) < 0)
        return -1;
    if (joins)
        plan_add(p, "join namespaces", step_join, NULL, NULL);
    ns->has_user = ns->clone_flags & CLONE_NEWUSER;
    if (ns->clone_flags & CLONE_NEWUSER)
        plan_add(p, "user namespace", step_user_namespace, NULL, NULL);
    rootfs_plan_overlay(p);
    add_flag_names(&names, ns->clone_flags | ns->unshare_flags);
    plan_add(p, "namespaces", step_unshare, NULL, "%s", str_text(&names));
    plan_add(p, "private mounts", step_private, NULL, NULL);
    if (ns->has_user)
        plan_add(p, "host's mounts", sources_step, NULL, "when the parent may not clone them");
    if (ns->unshare_flags & CLONE_NEWNET)
        plan_add(p, "loopback", step_loopback, NULL, NULL);
    return plan_names(p, e);
}
