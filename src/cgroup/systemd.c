/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Theory: systemd owns the hierarchies that it manages; a container under it is a transient scope,
 * made by D-Bus, in which the subtree is delegated to us (CGROUP_DELEGATION.md of systemd). From
 * there on the group is like any other: files are written directly, and systemd is told what it
 * knows of them, since it writes those again when it reloads.
 *
 * A scope lives as long as somebody is in it, and is made of processes that are there already. The
 * container's first process is not: it is to be born inside. So a holder, a child that waits for
 * nothing, opens the scope, and leaves when the container is in (cgroup_settle). It counts as a
 * process meanwhile: pids.max is one more until then.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/str.h"
#include "cgroup/unit.h"
#include "sys/event.h"
#include "sys/file.h"
#include "sys/process.h"

DEFINE_AUTO_PTR(struct sys_systemd, systemd, sys_systemd_close);

static int open_manager(bool is_user, struct sys_systemd **ret, struct err *e)
{
    int r = sys_systemd_open(is_user ? SYS_SYSTEMD_USER : SYS_SYSTEMD_SYSTEM, ret);

    if (r == -ELIBACC)
        return err_set(e, ERR_UNSUPPORTED,
                       "cannot load libsystemd, which the systemd cgroup "
                       "manager needs");
    return r < 0 ? err_sys(e, r, "connect to %s systemd by D-Bus",
                           is_user ? "the user's" : "the system's")
                 : 0;
}

/* What D-Bus said, or the errno. Frees the text. */
static int explain(const char *what, const char *unit, int r, char *why, struct err *e)
{
    if (why)
        err_set(e, err_kind_of_errno(-r), "%s unit '%s': %s", what, unit, why);
    else
        err_sys(e, r, "%s unit '%s'", what, unit);
    free(why);
    return -1;
}

static int get_string(struct sys_systemd *s, const char *name, char **ret, struct err *e)
{
    char *why = NULL;
    int r = sys_systemd_get(s, name, ret, &why);

    return r < 0 ? explain("ask systemd for its property", name, r, why, e) : 0;
}

static int get_version(struct sys_systemd *s, unsigned *ret, struct err *e)
{
    auto_free char *text = NULL;

    if (get_string(s, "Version", &text, e) < 0)
        return -1;
    *ret = unit_parse_version(text);
    return 0;
}

int cgroup_systemd_locate(struct cgroup *g, const struct cgroup_request *q, char **ret_path,
                          struct err *e)
{
    bool is_user = q->flags & CGROUP_ROOTLESS;
    DHOW_CLEANUP(systemd_auto) struct sys_systemd *s = NULL;
    auto_free char *slice = NULL;
    auto_free char *expanded = NULL;
    auto_free char *root = NULL;

    if (!sys_systemd_is_running())
        return err_set(e, ERR_UNSUPPORTED,
                       "systemd not running on this host, cannot use systemd cgroups manager");
    if (is_user && g->mounts.mode != CGROUP_V2)
        return err_set(e, ERR_UNSUPPORTED,
                       "cannot use rootless systemd cgroups manager on cgroup v1");
    if (unit_parse_path(q->path, q->id, is_user, &slice, &g->unit, e) < 0 ||
        !(expanded = unit_expand_slice(slice, e)))
        return -1;
    g->is_user_unit = is_user;
    /* The user's manager has all its units below a group of its own. */
    if (is_user && (open_manager(true, &s, e) < 0 || get_string(s, "ControlGroup", &root, e) < 0))
        return -1;
    *ret_path = alloc_printf("%s/%s/%s", root ? root : "", expanded, g->unit);
    return 0;
}

/* The holder */

/* Waits for the end of its parent; SIGKILL is how it usually goes. */
static DHOW_NORETURN void hold(int fd)
{
    char c;

    while (read(fd, &c, 1) < 0 && errno == EINTR)
        ;
    _exit(0);
}

static int start_holder(struct cgroup *g, struct err *e)
{
    int ends[2], r = sys_pipe(ends);
    pid_t pid;

    if (r < 0)
        return err_sys(e, r, "make a pipe");
    pid = sys_clone(&(struct sys_clone_args){.cgroup_fd = FD_NONE, .ret_pidfd = &g->holder.pidfd});
    if (pid == 0) {
        fd_close(ends[1]);
        hold(ends[0]);
    }
    fd_close(ends[0]);
    g->holder.fd = ends[1];
    g->holder.pid = pid;
    return pid < 0 ? err_sys(e, pid, "start the process that holds the scope") : 0;
}

void cgroup_holder_done(struct cgroup_holder *h)
{
    int status;

    if (h->pidfd >= 0) {
        (void)sys_pidfd_send_signal(h->pidfd, SIGKILL); /* dead is what is wanted */
        (void)sys_wait(h->pid, &status);
    }
    h->pidfd = fd_close(h->pidfd);
    h->fd = fd_close(h->fd);
    free(h->pids_max);
    h->pids_max = NULL;
}

int cgroup_settle(struct cgroup *g, struct err *e)
{
    int dirfd = cgroup_limit_fd(g, CGROUP_PIDS), r = 0;
    auto_free char *pids_max = take_ptr(&g->holder.pids_max);

    cgroup_holder_done(&g->holder);
    if (pids_max && dirfd >= 0)
        r = sys_write_existing(dirfd, "pids.max", pids_max);
    return r < 0 ? err_sys(e, r, "cgroup '%s': write '%s' to 'pids.max'", cgroup_path(g), pids_max)
                 : 0;
}

void cgroup_make_room_for_holder(struct cgroup *g, struct cgroup_writes *w)
{
    VEC_FOREACH (write, &w->list) {
        uint64_t n;

        if (g->holder.pidfd < 0 || strcmp(write->file, "pids.max") != 0 ||
            str_to_u64(write->text, UINT64_MAX - 1, &n) < 0)
            continue;
        free(g->holder.pids_max);
        g->holder.pids_max = write->text;
        write->text = alloc_printf("%llu", (unsigned long long)n + 1);
    }
}

/* Starting */

static int add_devices(const struct cgroup *g, const struct cgroup_request *q,
                       struct unit_properties *p, struct err *e)
{
    DHOW_CLEANUP(device_rules_done) struct device_rules rules = {0};
    auto_free char *proc_devices = NULL;
    size_t n;
    int r;

    if (!cgroup_is_v1(g, CGROUP_DEVICES))
        return 0;
    r = sys_read_file(AT_FDCWD, "/proc/devices", CGROUP_FILE_MAX_BYTES, &proc_devices, &n);
    if (r < 0)
        return err_sys(e, r, "read '/proc/devices'");
    device_rules_make(q->resources, q->flags, &rules);
    return unit_devices(&rules, proc_devices, p, e);
}

static int add_limits(const struct cgroup *g, struct sys_systemd *s, const struct oci_resources *r,
                      const struct cgroup_now *now, struct unit_properties *p, struct err *e)
{
    unsigned version = 0;

    if (unit_limits_need_version(r) && get_version(s, &version, e) < 0)
        return -1;
    return unit_limits(r, cgroup_is_v1(g, CGROUP_MEMORY), now, version, p, e);
}

static int make_properties(const struct cgroup *g, struct sys_systemd *s,
                           const struct cgroup_request *q, struct unit_properties *p, struct err *e)
{
    auto_free char *description = alloc_printf("dhow container %s", q->id ? q->id : g->unit);
    auto_free char *slice = NULL;
    auto_free char *unit = NULL;
    struct cgroup_now none = {0};

    if (unit_parse_path(q->path, q->id, g->is_user_unit, &slice, &unit, e) < 0)
        return -1;
    unit_add_string(p, "Description", description);
    unit_add_string(p, "Slice", slice);
    unit_add_bool(p, "Delegate", true);
    vec_push(&p->list, ((struct sys_unit_property){.name = alloc_strdup("PIDs"),
                                                   .type = SYS_UNIT_PIDS,
                                                   .number = (uint64_t)g->holder.pid}));
    unit_add_bool(p, "MemoryAccounting", true);
    unit_add_bool(p, "CPUAccounting", true);
    unit_add_bool(p, cgroup_is_v1(g, CGROUP_IO) ? "BlockIOAccounting" : "IOAccounting", true);
    unit_add_bool(p, "TasksAccounting", true);
    unit_add_bool(p, "DefaultDependencies", false);
    if (unit_parse_annotations(q->annotations, p, e) < 0 || add_devices(g, q, p, e) < 0)
        return -1;
    return add_limits(g, s, q->resources, &none, p, e);
}

static int start_unit(struct sys_systemd *s, const char *unit, const struct unit_properties *p,
                      struct err *e)
{
    char *why = NULL;
    int r = sys_systemd_start_scope(s, unit, p->list.items, p->list.len, &why);

    if (r == -EEXIST) {
        /* A failed one keeps its name until it is forgotten. */
        free(why);
        why = NULL;
        if (sys_systemd_reset_failed(s, unit, &why) < 0) {
            free(why);
            why = NULL;
        }
        r = sys_systemd_start_scope(s, unit, p->list.items, p->list.len, &why);
    }
    return r < 0 ? explain("unable to start", unit, r, why, e) : 0;
}

/* Where the holder is, is where systemd made the unit. */
static int find_dirs(struct cgroup *g, struct err *e)
{
    auto_free char *file = alloc_printf("/proc/%d/cgroup", (int)g->holder.pid);
    auto_free char *text = NULL;
    size_t n;
    int r = sys_read_file(AT_FDCWD, file, CGROUP_FILE_MAX_BYTES, &text, &n);

    if (r < 0)
        return err_sys(e, r, "read '%s'", file);
    for (size_t i = 0; i < g->n; i++) {
        struct cgroup_dir *d = &g->dirs[i];
        auto_free char *path = cgroup_path_in(text, d->mount);
        const char *slash = path ? strrchr(path, '/') : NULL;

        if (!slash || strcmp(slash + 1, g->unit) != 0)
            continue; /* a hierarchy that systemd does not manage */
        free(d->path);
        d->path = take_ptr(&path);
        r = cgroup_open_dir(d);
        if (r < 0)
            return err_sys(e, r, "cgroup '%s': open it in '%s'", d->path, d->mount->point);
        d->hold = CGROUP_HOLD_MADE;
    }
    return 0;
}

int cgroup_systemd_start(struct cgroup *g, const struct cgroup_request *q, struct err *e)
{
    DHOW_CLEANUP(unit_properties_done) struct unit_properties p = {0};
    DHOW_CLEANUP(systemd_auto) struct sys_systemd *s = NULL;

    /* The holder first: it is to have no part of the connection. */
    if (start_holder(g, e) < 0 || open_manager(g->is_user_unit, &s, e) < 0)
        return -1;
    if (make_properties(g, s, q, &p, e) < 0 || start_unit(s, g->unit, &p, e) < 0)
        return -1;
    return find_dirs(g, e);
}

int cgroup_systemd_update(const struct cgroup *g, const struct oci_resources *r,
                          const struct cgroup_now *now, struct err *e)
{
    DHOW_CLEANUP(unit_properties_done) struct unit_properties p = {0};
    DHOW_CLEANUP(systemd_auto) struct sys_systemd *s = NULL;
    char *why = NULL;
    int x;

    if (open_manager(g->is_user_unit, &s, e) < 0 || add_limits(g, s, r, now, &p, e) < 0)
        return -1;
    if (p.list.len == 0)
        return 0;
    x = sys_systemd_set_properties(s, g->unit, p.list.items, p.list.len, &why);
    return x < 0 ? explain("unable to set properties of", g->unit, x, why, e) : 0;
}

/* `path` is the unit's or, where a container's init has gone further, below it. */
int cgroup_systemd_attach(const struct cgroup *g, const char *path, pid_t pid, struct err *e)
{
    DHOW_CLEANUP(systemd_auto) struct sys_systemd *s = NULL;
    const char *below = strstr(path, g->unit);
    char *why = NULL;
    int r;

    if (open_manager(g->is_user_unit, &s, e) < 0)
        return -1;
    r = sys_systemd_attach(s, g->unit, below ? below + strlen(g->unit) : "", pid, &why);
    return r < 0 ? explain("unable to move a process into", g->unit, r, why, e) : 0;
}

int cgroup_systemd_stop(const struct cgroup *g, struct err *e)
{
    DHOW_CLEANUP(systemd_auto) struct sys_systemd *s = NULL;
    char *why = NULL;
    int r;

    if (open_manager(g->is_user_unit, &s, e) < 0)
        return -1;
    r = sys_systemd_stop_unit(s, g->unit, &why);
    if (r < 0 && r != -ENOENT)
        return explain("unable to stop", g->unit, r, why, e);
    free(why);
    why = NULL;
    /* Fails when it did not fail, which is most often. */
    (void)sys_systemd_reset_failed(s, g->unit, &why);
    free(why);
    return 0;
}
