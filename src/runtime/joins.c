/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "runtime/joins.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "base/fd.h"
#include "sys/file.h"
#include "sys/namespace.h"

static const struct {
    const char *type; /* of config.json */
    const char *name; /* in /proc/PID/ns */
    int flag;
} kinds[PLAN_JOIN_MAX] = {
    [PLAN_JOIN_USER] = {"user", "user", CLONE_NEWUSER},
    [PLAN_JOIN_PID] = {"pid", "pid", CLONE_NEWPID},
    [PLAN_JOIN_NET] = {"network", "net", CLONE_NEWNET},
    [PLAN_JOIN_IPC] = {"ipc", "ipc", CLONE_NEWIPC},
    [PLAN_JOIN_UTS] = {"uts", "uts", CLONE_NEWUTS},
    [PLAN_JOIN_CGROUP] = {"cgroup", "cgroup", CLONE_NEWCGROUP},
    [PLAN_JOIN_TIME] = {"time", "time", CLONE_NEWTIME},
    [PLAN_JOIN_MOUNT] = {"mount", "mnt", CLONE_NEWNS},
};

int joins_flag(enum plan_join kind)
{
    return kinds[kind].flag;
}

static bool is_own(enum plan_join kind, int fd)
{
    uint64_t own[2];
    struct stat st;

    return sys_namespace_id(0, kinds[kind].name, own) == 0 && sys_stat(fd, "", &st) == 0 &&
           st.st_dev == own[0] && st.st_ino == own[1];
}

/* The caller's own by a path is still the caller's: what a container may set in a namespace that is
 * not his must not be set there. */
static const char *what_is_set_in(const struct runtime_plan *p, enum plan_join kind)
{
    const char *host = p->spec->hostname, *domain = p->spec->domainname;

    if (kind == PLAN_JOIN_UTS && ((host && *host) || (domain && *domain)))
        return "hostname";
    if (sysctl_sets_in(p, kind))
        return "linux.sysctl";
    return kind == PLAN_JOIN_MOUNT ? "mounts" : NULL;
}

static int open_one(const struct runtime_plan *p, enum plan_join kind, int *ret, struct err *e)
{
    const struct plan_join_path *j = &p->namespaces.joins[kind];
    auto_fd int fd = sys_open(AT_FDCWD, j->path, O_RDONLY, 0);
    const char *what = what_is_set_in(p, kind);
    int r;

    if (fd < 0)
        return err_sys(e, fd, "%s: open '%s'", j->field, j->path);
    r = sys_namespace_type(fd);
    if (r != kinds[kind].flag)
        return err_set(e, ERR_INVALID, "%s: '%s' is not a %s namespace", j->field, j->path,
                       kinds[kind].type);
    if (what && is_own(kind, fd))
        return err_set(e, ERR_INVALID, "%s: a %s namespace of the container's own is needed for %s",
                       j->field, kinds[kind].type, what);
    if (kind != PLAN_JOIN_USER || !is_own(kind, fd))
        *ret = take_fd(&fd);
    return 0;
}

int joins_open(const struct runtime_plan *p, int *fds, struct err *e)
{
    for (int i = 0; i < PLAN_JOIN_MAX; i++)
        if (p->namespaces.joins[i].path && open_one(p, (enum plan_join)i, &fds[i], e) < 0)
            return -1;
    return 0;
}

int joins_enter(int *fds, enum plan_join kind)
{
    int r = sys_setns(fds[kind], kinds[kind].flag);

    if (r == 0)
        fds[kind] = fd_close(fds[kind]);
    return r;
}

int joins_error(const struct plan_namespaces *ns, enum plan_join kind, int negative_errno,
                struct err *e)
{
    return err_sys(e, negative_errno, "%s: join '%s'", ns->joins[kind].field, ns->joins[kind].path);
}
