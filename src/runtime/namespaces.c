/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Namespaces. The parent clones with the few that only clone can give (pid, user, time); the child
 * makes the others by unshare(2), so that their cost (a network namespace is the dearest) runs
 * beside the parent's work on the cgroup. Those that are joined are joined by the child, but for
 * what a stage must do before it is cloned (stage.c).
 *
 * The child's working directory is the mount point of the root when it unshares its mounts: the
 * kernel moves root and working directory, and nothing else, into the copied mount tree, and so "."
 * is the mount point there. Fds that were opened before stay in the old tree.
 */
#include "runtime/namespaces.h"

#include <fcntl.h>

#include "base/str.h"
#include "runtime/features_private.h"
#include "runtime/joins.h"
#include "runtime/mounts.h"
#include "runtime/sources.h"
#include "runtime/sync.h"
#include "sys/file.h"
#include "sys/mount.h"
#include "sys/namespace.h"
#include "sys/process.h"
#include "sys/self.h"

#define MAX_MAPPINGS 340 /* of the kernel */

enum how { BY_CLONE, BY_UNSHARE };

static const struct {
    const char *type;
    int flag;
    enum how how;
    enum plan_join join;
} kinds[] = {
    {"pid", CLONE_NEWPID, BY_CLONE, PLAN_JOIN_PID},
    {"user", CLONE_NEWUSER, BY_CLONE, PLAN_JOIN_USER},
    {"time", CLONE_NEWTIME, BY_CLONE, PLAN_JOIN_TIME},
    {"mount", CLONE_NEWNS, BY_UNSHARE, PLAN_JOIN_MOUNT},
    {"network", CLONE_NEWNET, BY_UNSHARE, PLAN_JOIN_NET},
    {"ipc", CLONE_NEWIPC, BY_UNSHARE, PLAN_JOIN_IPC},
    {"uts", CLONE_NEWUTS, BY_UNSHARE, PLAN_JOIN_UTS},
    {"cgroup", CLONE_NEWCGROUP, BY_UNSHARE, PLAN_JOIN_CGROUP},
};

/* What the parent (pid) or a stage has not joined; the mount namespace comes later. */
static int step_join(struct init *init, const void *arg, struct err *e)
{
    (void)arg;
    for (int i = PLAN_JOIN_NET; i < PLAN_JOIN_MOUNT; i++) {
        int r = init->join_fds[i] < 0 ? 0 : joins_enter(init->join_fds, (enum plan_join)i);

        if (r < 0)
            return joins_error(&init->plan->namespaces, (enum plan_join)i, r, e);
    }
    return 0;
}

int namespaces_become_root(struct err *e)
{
    int r = sys_set_gid(0);

    if (r == 0)
        r = sys_set_uid(0);
    if (r == 0)
        r = sys_set_dumpable(false);
    return r < 0 ? err_sys(e, r, "become root in the user namespace") : 0;
}

/* The parent has written the id maps: become their root, which owns all that is made from here on.
 */
static int step_user_namespace(struct init *init, const void *arg, struct err *e)
{
    auto_sync_message m = {0};

    (void)arg;
    if (init->is_mapped)
        return 0;
    if (init_expect(init, SYNC_MAPPED, &m, e) < 0)
        return -1;
    if (m.n_fds == 1)
        init->root_fd = take_fd(&m.fds[0]);
    m.n_fds = 0;
    return namespaces_become_root(e);
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

/* The mount namespace of others: nothing there is changed but what we mount on the directory of the
 * root, which must reach nobody else either. */
static int step_join_mounts(struct init *init, const void *arg, struct err *e)
{
    const struct plan_namespaces *ns = &init->plan->namespaces;
    const char *path = init->plan->spec->root.path;
    int r = sys_unshare(ns->unshare_flags);

    (void)arg;
    if (r < 0)
        return err_sys(e, r, "make new namespaces");
    r = joins_enter(init->join_fds, PLAN_JOIN_MOUNT);
    if (r < 0)
        return joins_error(ns, PLAN_JOIN_MOUNT, r, e);
    fd_close(init->mount_point_fd);
    r = init->mount_point_fd = sys_open(AT_FDCWD, path, O_PATH | O_DIRECTORY, 0);
    if (r < 0)
        return err_sys(e, r, "root.path: open '%s' in the mount namespace", path);
    r = mounts_are_shared_at(init->mount_point_fd);
    if (r > 0)
        return err_set(e, ERR_UNSUPPORTED,
                       "%s: the mount of '%s' there is shared: ours would appear elsewhere",
                       ns->joins[PLAN_JOIN_MOUNT].field, path);
    return r < 0 ? err_sys(e, r, "look for the mount of '%s'", path) : 0;
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

/* The root of a mount namespace of others is not the container's. */
static int open_root_of_init(struct init *init, struct err *e)
{
    const struct runtime_exec_config *config = init->plan->exec_config;
    auto_free char *path = alloc_printf("/proc/%d/root", (int)config->init_pid);

    if (!config->has_foreign_mounts)
        return 0;
    init->root_fd = sys_open(AT_FDCWD, path, O_PATH | O_DIRECTORY, 0);
    return init->root_fd < 0 ? err_sys(e, init->root_fd, "open '%s'", path) : 0;
}

/* setns(2) takes all at once: the user namespace's rights count for the others. */
int namespaces_enter(struct init *init, int more, struct err *e)
{
    int r;

    if (open_root_of_init(init, e) < 0)
        return -1;
    r = sys_setns(init->init_pidfd, init->exec_namespaces | more);
    if (r == 0 && init->root_fd >= 0)
        r = sys_fchdir(init->root_fd);
    if (r == 0 && init->root_fd >= 0)
        r = sys_chroot_here();
    if (r < 0)
        return err_sys(e, r, "join the container's namespaces");
    if (init->exec_namespaces & CLONE_NEWUSER && namespaces_become_root(e) < 0)
        return -1;
    r = sys_open(AT_FDCWD, "/", O_PATH | O_DIRECTORY, 0);
    if (r < 0)
        return err_sys(e, r, "open the container's root");
    init->root_fd = r;
    return 0;
}

static int step_enter(struct init *init, const void *arg, struct err *e)
{
    (void)arg;
    return init->is_entered ? 0 : namespaces_enter(init, 0, e);
}

static int plan_one(struct runtime_plan *p, size_t index, struct err *e)
{
    const struct oci_namespace *n = &p->linux->namespaces.items[index];
    struct plan_namespaces *ns = &p->namespaces;

    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        struct plan_join_path *j = &ns->joins[kinds[i].join];

        if (!str_equal(kinds[i].type, n->type))
            continue;
        if (n->path && *n->path) {
            j->path = n->path;
            j->field = plan_own_string(p, alloc_printf("linux.namespaces[%zu].path", index));
        } else if (kinds[i].how == BY_CLONE) {
            ns->clone_flags |= kinds[i].flag;
        } else {
            ns->unshare_flags |= kinds[i].flag;
        }
        return 0;
    }
    return err_set(e, ERR_INVALID, "linux.namespaces[%zu].type: unknown value '%s'", index,
                   n->type ? n->type : "");
}

static bool joins_any(const struct plan_namespaces *ns, enum plan_join first, enum plan_join end)
{
    for (int i = (int)first; i < (int)end; i++)
        if (ns->joins[i].path)
            return true;
    return false;
}

static int check_root(const struct oci_id_mapping *maps, size_t n, const char *field, struct err *e)
{
    for (size_t i = 0; i < n; i++)
        if (maps[i].container_id == 0 && maps[i].size > 0)
            return 0;
    return err_set(e, ERR_INVALID, "%s: root (containerID 0) is not among them", field);
}

static int check_mappings(const struct oci_linux *l, struct err *e)
{
    if (l->uid_mappings.len == 0 || l->gid_mappings.len == 0)
        return err_set(e, ERR_INVALID,
                       "linux.uidMappings: a user namespace needs uidMappings and gidMappings");
    if (l->uid_mappings.len > MAX_MAPPINGS || l->gid_mappings.len > MAX_MAPPINGS)
        return err_set(e, ERR_INVALID, "linux.uidMappings: more than %d id mappings", MAX_MAPPINGS);
    if (check_root(l->uid_mappings.items, l->uid_mappings.len, "linux.uidMappings", e) < 0)
        return -1;
    return check_root(l->gid_mappings.items, l->gid_mappings.len, "linux.gidMappings", e);
}

static int check_namespaces(const struct runtime_plan *p, struct err *e)
{
    const struct plan_namespaces *ns = &p->namespaces;

    if (ns->joins[PLAN_JOIN_MOUNT].path && p->config->rootfs.n_lowers > 0)
        return err_set(e, ERR_UNSUPPORTED, "%s: layers need a mount namespace of their own",
                       ns->joins[PLAN_JOIN_MOUNT].field);
    if (!(ns->unshare_flags & CLONE_NEWNS) && !ns->joins[PLAN_JOIN_MOUNT].path)
        return err_set(e, ERR_UNSUPPORTED,
                       "linux.namespaces: a mount namespace of its own is needed");
    if (ns->clone_flags & CLONE_NEWUSER && check_mappings(p->linux, e) < 0)
        return -1;
    if (p->linux->time_offsets.len > 0 && !(ns->clone_flags & CLONE_NEWTIME))
        return err_set(e, ERR_INVALID, "linux.timeOffsets: needs a new time namespace");
    return 0;
}

/* As timens_offsets of proc(5) takes it. */
static void plan_clocks(struct runtime_plan *p)
{
    struct plan_namespaces *ns = &p->namespaces;
    auto_str text = STR_INIT(1024);

    VEC_FOREACH (o, &p->linux->time_offsets)
        str_addf(&text, "%s %lld %u\n", o->clock, (long long)o->secs, o->nanosecs);
    if (text.len == 0)
        return;
    ns->time_offsets = plan_own_string(p, str_take(&text));
    ns->clone_flags &= ~CLONE_NEWTIME; /* the stage's children are in it */
}

static void plan_stage(struct plan_namespaces *ns)
{
    bool new_user = ns->clone_flags & CLONE_NEWUSER;

    ns->has_user = new_user || ns->joins[PLAN_JOIN_USER].path;
    ns->needs_stage = ns->time_offsets || ns->joins[PLAN_JOIN_USER].path ||
                      (new_user && joins_any(ns, PLAN_JOIN_PID, PLAN_JOIN_MOUNT));
}

/* A name in the host's own UTS namespace is the host's name. */
static int plan_names(struct runtime_plan *p, struct err *e)
{
    const struct plan_namespaces *ns = &p->namespaces;
    bool own = (ns->unshare_flags & CLONE_NEWUTS) || ns->joins[PLAN_JOIN_UTS].path;
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

    if (p->cgroup_path)
        plan_add(p, "cgroup", step_join_cgroup, NULL, "join %s", p->cgroup_path);
    if (p->kind == PLAN_EXEC) {
        plan_add(p, "namespaces", step_enter, NULL, "join those of the container");
        return 0;
    }
    for (size_t i = 0; i < p->linux->namespaces.len; i++)
        if (plan_one(p, i, e) < 0)
            return -1;
    if (check_namespaces(p, e) < 0)
        return -1;
    add_flag_names(&names, ns->clone_flags | ns->unshare_flags);
    plan_clocks(p);
    plan_stage(ns);
    if (joins_any(ns, PLAN_JOIN_NET, PLAN_JOIN_MOUNT))
        plan_add(p, "join namespaces", step_join, NULL, NULL);
    if (ns->clone_flags & CLONE_NEWUSER)
        plan_add(p, "user namespace", step_user_namespace, NULL, NULL);
    rootfs_plan_overlay(p);
    if (ns->joins[PLAN_JOIN_MOUNT].path) {
        plan_add(p, "namespaces", step_join_mounts, NULL, "%s", str_text(&names));
    } else {
        plan_add(p, "namespaces", step_unshare, NULL, "%s", str_text(&names));
        plan_add(p, "private mounts", step_private, NULL, NULL);
    }
    if (ns->has_user)
        plan_add(p, "host's mounts", sources_step, NULL, "when the parent may not clone them");
    if (ns->unshare_flags & CLONE_NEWNET)
        plan_add(p, "loopback", step_loopback, NULL, NULL);
    return plan_names(p, e);
}

const char *namespaces_name(size_t i)
{
    return i < ARRAY_LEN(kinds) ? kinds[i].type : NULL;
}
