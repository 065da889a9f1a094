/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Who the process is: user and groups, limits, capabilities, no_new_privs.
 *
 * Names are looked up in the root's own passwd and group: the child opens the two files inside the
 * root (regular files only, no link at the end, CVE-2024-9676), the parent reads and parses them
 * (users.c) and answers with numbers, while the child goes on.
 *
 * Capabilities (T-caps): bounding, permitted, effective, inheritable and ambient are exactly what
 * the specification says, less what this host does not have. Without no_new_privs CAP_SYS_ADMIN is
 * kept until the filter is loaded, which is the next thing (filter.c).
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <strings.h>

#include "base/str.h"
#include "base/strv.h"
#include "runtime/init.h"
#include "sys/caps.h"
#include "sys/file.h"
#include "sys/process.h"
#include "sys/self.h"

/* A regular file of the root, or FD_NONE: whatever else stands there is as good as no file. */
static int open_database(struct init *init, const char *path)
{
    auto_fd int fd =
        sys_open_in_root(init->root_fd, path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY, 0);
    struct stat st;

    if (fd < 0 || sys_stat(fd, "", &st) < 0 || !S_ISREG(st.st_mode))
        return FD_NONE;
    return take_fd(&fd);
}

static int step_ask(struct init *init, const void *arg, struct err *e)
{
    auto_fd int passwd = open_database(init, "etc/passwd");
    auto_fd int group = open_database(init, "etc/group");

    (void)arg;
    return sync_send_users(init->sync_fd, passwd, group, e);
}

static int step_receive(struct init *init, const void *arg, struct err *e)
{
    auto_sync_message m = {0};

    (void)arg;
    if (init_expect(init, SYNC_IDS, &m, e) < 0)
        return -1;
    init->ids = m.ids;
    return 0;
}

void identity_plan_receive(struct runtime_plan *p)
{
    if (p->process.has_user_lookup)
        plan_add(p, "user", step_receive, NULL, NULL);
}

/* Before a user namespace is joined: in there nobody may raise a limit (prlimit(2)). What cannot be
 * raised is cut below. */
static int step_raise_limits(struct init *init, const void *arg, struct err *e)
{
    (void)arg;
    (void)e;
    VEC_FOREACH (l, &init->process->rlimits)
        (void)sys_raise_rlimit(0, l->resource, l->limit.rlim_max);
    return 0;
}

/* A hard limit that we may not raise is left where it is, and the soft one beneath it. */
static int step_limits(struct init *init, const void *arg, struct err *e)
{
    (void)arg;
    VEC_FOREACH (l, &init->process->rlimits) {
        struct rlimit now, want = l->limit;
        int r = sys_set_rlimit(l->resource, &want);

        if (r == -EPERM && sys_get_rlimit(l->resource, &now) == 0) {
            want.rlim_max = MIN(want.rlim_max, now.rlim_max);
            want.rlim_cur = MIN(want.rlim_cur, want.rlim_max);
            r = sys_set_rlimit(l->resource, &want);
        }
        if (r < 0)
            return err_sys(e, r, "set the limit '%s'", l->name);
    }
    return 0;
}

static int set_ids(struct init *init, struct err *e)
{
    const struct sync_ids *ids = &init->ids;
    int r = sys_setgroups(ids->groups, ids->n_groups);

    if (r == -EPERM && ids->n_groups == 0)
        r = 0; /* a user namespace that denies setgroups(2) */
    if (r < 0)
        return err_sys(e, r, "process.user.additionalGids: set the groups");
    r = sys_set_gid(ids->gid);
    if (r < 0)
        return err_sys(e, r, "set the group id %u", ids->gid);
    r = sys_set_uid(ids->uid);
    if (r < 0)
        return err_sys(e, r, "set the user id %u", ids->uid);
    /* The kernel made the process dumpable, and deaf to its parent's end, by rules of its own
     * (proc(5), suid_dumpable; prctl(2), PR_SET_PDEATHSIG). */
    r = sys_set_dumpable(false);
    if (r == 0)
        r = init_outlive_creator(init);
    return r < 0 ? err_sys(e, r, "stay hidden") : 0;
}

static int set_caps(const struct sys_caps *caps, struct err *e)
{
    int r = sys_caps_set(caps);

    return r < 0 ? err_sys(e, r, "set the capabilities") : 0;
}

static int step_privileges(struct init *init, const void *arg, struct err *e)
{
    const struct plan_caps *want = &init->process->caps;
    struct sys_caps have, final, before;
    uint64_t ambient;
    int r = sys_caps_get(&have);

    (void)arg;
    if (r == 0)
        r = sys_caps_limit_bounding(want->bounding);
    if (r == 0 && init->ids.uid != 0)
        r = sys_set_keep_caps();
    if (r < 0)
        return err_sys(e, r, "limit the capabilities");
    final = (struct sys_caps){.permitted = want->permitted & have.permitted,
                              .effective = want->effective & want->permitted & have.permitted,
                              .inheritable = want->inheritable & have.permitted};
    ambient = want->ambient & final.permitted & final.inheritable;
    /* As far as the stub, which takes them back: the user may need them to execute the command. */
    if (init->ids.uid != 0) {
        final.inheritable |= want->for_execve & final.effective;
        ambient |= want->for_execve & final.effective;
    }
    before = final;
    init->final_caps = final;
    init->keeps_admin = init->seccomp && !init->process->process->no_new_privileges;
    if (init->keeps_admin) {
        before.permitted |= have.permitted & (1ull << CAP_SYS_ADMIN);
        before.effective |= have.permitted & (1ull << CAP_SYS_ADMIN);
    }
    if (set_ids(init, e) < 0 || set_caps(&before, e) < 0)
        return -1;
    r = sys_caps_set_ambient(ambient);
    if (r == 0 && init->process->process->no_new_privileges)
        r = sys_set_no_new_privs();
    return r < 0 ? err_sys(e, r, "set ambient capabilities and no_new_privs") : 0;
}

/* Unknown names are ignored, as runc has it: what was not given is not there
 * (oci_process_add_warnings). */
static uint64_t parse_caps(char *const *names)
{
    uint64_t caps = 0;

    STRV_FOREACH (name, names) {
        int n = sys_cap_parse(*name);

        if (n >= 0)
            caps |= 1ull << n;
    }
    return caps;
}

static int plan_caps(const struct oci_capabilities *c, struct plan_caps *ret, struct err *e)
{
    if (!c)
        return 0;
    *ret = (struct plan_caps){.bounding = parse_caps(c->bounding),
                              .effective = parse_caps(c->effective),
                              .inheritable = parse_caps(c->inheritable),
                              .permitted = parse_caps(c->permitted),
                              .ambient = parse_caps(c->ambient)};
    if (ret->effective & ~ret->permitted)
        return err_set(e, ERR_INVALID, "process.capabilities.effective: one is not permitted");
    /* `runc spec` itself writes ambient ones that are not inheritable: nobody gets those. */
    ret->ambient &= ret->permitted & ret->inheritable;
    ret->for_execve = ret->effective & ret->bounding & ~ret->ambient &
                      (1ull << CAP_DAC_OVERRIDE | 1ull << CAP_DAC_READ_SEARCH);
    return 0;
}

static const struct {
    const char *name;
    int resource;
} limits[] = {
    {"RLIMIT_CPU", RLIMIT_CPU},           {"RLIMIT_FSIZE", RLIMIT_FSIZE},
    {"RLIMIT_DATA", RLIMIT_DATA},         {"RLIMIT_STACK", RLIMIT_STACK},
    {"RLIMIT_CORE", RLIMIT_CORE},         {"RLIMIT_RSS", RLIMIT_RSS},
    {"RLIMIT_NPROC", RLIMIT_NPROC},       {"RLIMIT_NOFILE", RLIMIT_NOFILE},
    {"RLIMIT_MEMLOCK", RLIMIT_MEMLOCK},   {"RLIMIT_AS", RLIMIT_AS},
    {"RLIMIT_LOCKS", RLIMIT_LOCKS},       {"RLIMIT_SIGPENDING", RLIMIT_SIGPENDING},
    {"RLIMIT_MSGQUEUE", RLIMIT_MSGQUEUE}, {"RLIMIT_NICE", RLIMIT_NICE},
    {"RLIMIT_RTPRIO", RLIMIT_RTPRIO},     {"RLIMIT_RTTIME", RLIMIT_RTTIME},
};
_Static_assert(ARRAY_LEN(limits) == RLIM_NLIMITS, "a row for each limit");

static int plan_limit(struct plan_process *pp, const struct oci_rlimit *l, struct err *e)
{
    if (l->soft > l->hard)
        return err_set(e, ERR_INVALID, "process.rlimits: the soft limit of '%s' is above hard",
                       l->type);
    for (size_t i = 0; i < ARRAY_LEN(limits); i++) {
        if (!l->type || strcasecmp(l->type, limits[i].name) != 0)
            continue;
        vec_push(&pp->rlimits, ((struct plan_rlimit){.resource = limits[i].resource,
                                                     .name = limits[i].name,
                                                     .limit = {l->soft, l->hard}}));
        return 0;
    }
    return err_set(e, ERR_INVALID, "process.rlimits: unknown value '%s'", l->type ? l->type : "");
}

static int plan_users(struct plan_process *pp, struct err *e)
{
    const struct oci_user *u = &pp->process->user;
    struct users_request *q = &pp->users;

    q->uid = u->uid;
    q->gid = u->gid;
    q->additional_gids = u->additional_gids.items;
    q->n_additional_gids = u->additional_gids.len;
    q->want_home = q->want_home && !strv_env_get(pp->process->env, "HOME");
    if (users_check(q, e) < 0)
        return -1;
    pp->has_user_lookup = users_needs_files(q);
    if (pp->has_user_lookup)
        return 0;
    return users_resolve(q, (struct users_text){0}, (struct users_text){0}, &pp->ids, e);
}

int identity_plan_limits(struct runtime_plan *p, struct err *e)
{
    VEC_FOREACH (l, &p->process.process->rlimits)
        if (plan_limit(&p->process, l, e) < 0)
            return -1;
    /* The first process of a container is born in its user namespace: its parent raises them. */
    if (p->kind == PLAN_EXEC && p->process.rlimits.len > 0)
        plan_add(p, "raise limits", step_raise_limits, NULL, NULL);
    return 0;
}

int identity_plan(struct runtime_plan *p, struct err *e)
{
    struct plan_process *pp = &p->process;
    const struct oci_process *process = pp->process;

    if (plan_caps(process->capabilities, &pp->caps, e) < 0 || plan_users(pp, e) < 0)
        return -1;
    /* Root keeps them by itself: the stub has nothing to take back. */
    if (!pp->users.user && process->user.uid == 0)
        pp->caps.for_execve = 0;
    if (process->user.umask.is_set && process->user.umask.value > 0777)
        return err_set(e, ERR_INVALID, "process.user.umask: above 0777");
    if (pp->has_user_lookup)
        plan_add(p, "look up user", step_ask, NULL, "%s", pp->users.user ? pp->users.user : "home");
    return 0;
}

static int step_umask(struct init *init, const void *arg, struct err *e)
{
    const struct json_opt_u64 *mask = arg;

    (void)init;
    (void)e;
    sys_umask(mask->is_set ? (mode_t)mask->value : 0022);
    return 0;
}

int identity_apply(struct init *init, char *const *argv, char *const *env, struct err *e)
{
    if (step_limits(init, NULL, e) < 0)
        return -1;
    step_umask(init, &init->process->process->user.umask, NULL);
    return step_privileges(init, NULL, e) < 0 ? -1 : filter_apply(init, argv, env, e);
}

int identity_plan_finish(struct runtime_plan *p, struct err *e)
{
    const struct oci_process *process = p->process.process;

    (void)e;
    if (p->process.rlimits.len > 0)
        plan_add(p, "limits", step_limits, NULL, "%zu", p->process.rlimits.len);
    plan_add(p, "umask", step_umask, &process->user.umask, NULL);
    plan_add(p, "privileges", step_privileges, NULL, "%s",
             process->no_new_privileges ? "no new privileges" : "ids, capabilities");
    return 0;
}

/* ---- what cannot be given ---- */

static void warn_of_caps(const struct plan_caps *want, uint64_t have, char ***inout_warnings)
{
    uint64_t lacking = (want->bounding | want->permitted) & ~have;
    auto_str list = STR_INIT(4096);

    for (unsigned i = 0; i < 64; i++)
        if (lacking >> i & 1)
            str_addf(&list, "%s%s", list.len ? " " : "", sys_cap_name(i));
    if (lacking)
        strv_addf(inout_warnings, "process.capabilities: the caller does not have [%s]",
                  str_text(&list));
}

static void warn_of_limits(const struct plan_process *pp, char ***inout_warnings)
{
    VEC_FOREACH (l, &pp->rlimits) {
        struct rlimit now;

        if (sys_get_rlimit(l->resource, &now) == 0 && now.rlim_max < l->limit.rlim_max)
            strv_addf(inout_warnings,
                      "process.rlimits: the hard limit of %s cannot be raised here, it stays %llu",
                      l->name, (unsigned long long)now.rlim_max);
    }
}

void runtime_plan_add_warnings(const struct runtime_plan *p, char ***inout_warnings)
{
    struct sys_caps have;
    int r = sys_caps_get(&have);

    /* A new user namespace has all of them. */
    if (r == 0 && !p->namespaces.has_user)
        warn_of_caps(&p->process.caps, have.permitted, inout_warnings);
    if (r == 0 && !(have.effective >> CAP_SYS_RESOURCE & 1))
        warn_of_limits(&p->process, inout_warnings);
}
