/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Theory: a group is made before the container's first process is cloned, so that limits and device
 * rules hold from its first instruction: directories, limits (apply.c), devices (apply_devices.c).
 * Where they are was decided by locate.c. What was made is removed again when anything fails.
 *
 * A rootless caller may be allowed to make some directories and not others. Without a path that
 * somebody chose for it, the container then stays where its caller is in those hierarchies.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/str.h"
#include "base/strv.h"
#include "cgroup/cgroup_private.h"
#include "sys/file.h"

/* Making directories */

/* The parents of point/path; those that are there are fine. */
static int make_parents(const char *point, const char *path)
{
    for (const char *slash = strchr(path, '/'); slash; slash = strchr(slash + 1, '/')) {
        auto_free char *full = alloc_printf("%s/%.*s", point, (int)(slash - path), path);
        int r = sys_mkdir(AT_FDCWD, full, 0755);

        if (r < 0 && r != -EEXIST)
            return r;
    }
    return 0;
}

/* 0, -EEXIST when it is there and is to be joined, or the error. */
static int make_path(const struct cgroup_dir *d, unsigned flags)
{
    auto_free char *full = alloc_printf("%s/%s", d->mount->point, d->path);
    int r = -EEXIST;

    /* Three tries: parents, a left-over, and one that somebody else removed meanwhile. */
    for (int i = 0; i < 4; i++) {
        r = sys_mkdir(AT_FDCWD, full, 0755);
        if (r == -ENOENT)
            r = make_parents(d->mount->point, d->path);
        else if (r == -EEXIST && !(flags & CGROUP_JOIN_EXISTING))
            r = sys_rmdir(AT_FDCWD, full);
        else
            break;
        if (r < 0)
            break;
        r = -EEXIST;
    }
    return r;
}

static int make_dir(struct cgroup_dir *d, unsigned flags, struct err *e)
{
    int r = make_path(d, flags);

    if (r == -EEXIST && flags & CGROUP_JOIN_EXISTING) {
        r = cgroup_look_at_dir(d); /* somebody was faster */
        if (r >= 0)
            return 0;
    }
    if (r == -EBUSY || r == -EEXIST || r == -ENOTEMPTY)
        return err_set(e, ERR_CONFLICT, "cgroup '%s': is in use in '%s'", d->path, d->mount->point);
    if (r == 0) {
        d->hold = CGROUP_HOLD_MADE;
        r = cgroup_open_dir(d);
    }
    return r < 0 ? err_sys(e, r, "cgroup '%s': make it in '%s'", d->path, d->mount->point) : 0;
}

static void unmake_dir(struct cgroup_dir *d)
{
    auto_free char *full = alloc_printf("%s/%s", d->mount->point, d->path);

    if (d->hold == CGROUP_HOLD_MADE)
        (void)sys_rmdir(AT_FDCWD, full); /* the error that led here is told */
    d->hold = CGROUP_HOLD_PLANNED;
    d->fd = fd_close(d->fd);
}

/* v1: a new cpuset is empty, and no process can enter it. Each level that is, gets its parent's. */
static int fill_cpuset_level(const char *parent, const char *dir)
{
    static const char *const files[] = {"cpuset.cpus", "cpuset.mems"};

    for (size_t i = 0; i < ARRAY_LEN(files); i++) {
        auto_free char *own = alloc_printf("%s/%s", dir, files[i]);
        auto_free char *above = alloc_printf("%s/%s", parent, files[i]);
        auto_free char *text = NULL, *inherited = NULL;
        size_t n;
        int r = sys_read_file(AT_FDCWD, own, CGROUP_FILE_MAX_BYTES, &text, &n);

        if (r < 0)
            return r;
        if (text[strspn(text, " \n")])
            continue;
        r = sys_read_file(AT_FDCWD, above, CGROUP_FILE_MAX_BYTES, &inherited, &n);
        if (r == 0)
            r = sys_write_existing(AT_FDCWD, own, inherited);
        if (r < 0)
            return r;
    }
    return 0;
}

static int fill_cpuset(const struct cgroup_dir *d, struct err *e)
{
    auto_strv parts = strv_split(d->path, '/');
    auto_free char *parent = alloc_strdup(d->mount->point);

    STRV_FOREACH (part, parts) {
        char *dir = alloc_printf("%s/%s", parent, *part);
        int r = fill_cpuset_level(parent, dir);

        free(parent);
        parent = dir;
        if (r < 0)
            return err_sys(e, r, "cgroup '%s': inherit the cpuset of its parent", d->path);
    }
    return 0;
}

/* v2: a controller's files are in the group when each ancestor passes it down. Failures (a parent
 * with processes, a controller that v1 holds) show when the limit's file is not there. */
static void pass_down(const struct cgroup_dir *d, unsigned needed)
{
    auto_strv parts = strv_split(d->path, '/');
    auto_free char *dir = alloc_strdup(d->mount->point);

    STRV_FOREACH (part, parts) {
        auto_free char *file = alloc_printf("%s/cgroup.subtree_control", dir);
        char *next = alloc_printf("%s/%s", dir, *part);

        for (unsigned c = 0; c < CGROUP_CONTROLLER_MAX; c++) {
            const char *name = cgroup_controller_name_v2((enum cgroup_controller)c);
            auto_free char *text = alloc_printf("+%s", name ? name : "");

            if (name && needed & CGROUP_BIT(c))
                (void)sys_write_existing(AT_FDCWD, file, text);
        }
        free(dir);
        dir = next;
    }
}

static unsigned read_controllers(int dirfd, const char *file)
{
    auto_free char *text = NULL;
    size_t n;

    return sys_read_file(dirfd, file, CGROUP_FILE_MAX_BYTES, &text, &n) < 0
               ? 0
               : cgroup_controllers_parse_v2(text);
}

/* A group below one with processes, or below a threaded one, is "domain invalid": nobody can enter
 * it until it is threaded too, and then it has no controllers that account by process. */
#define THREADED                                                                                   \
    (CGROUP_BIT(CGROUP_CPU) | CGROUP_BIT(CGROUP_CPUSET) | CGROUP_BIT(CGROUP_PIDS) |                \
     CGROUP_BIT(CGROUP_PERF_EVENT) | CGROUP_BIT(CGROUP_DEVICES) | CGROUP_BIT(CGROUP_FREEZER) |     \
     CGROUP_BIT(CGROUP_SYSTEMD))

static int settle_type(const struct cgroup_dir *d, unsigned limits, struct err *e)
{
    auto_strv parts = strv_split(d->path, '/');
    auto_free char *dir = alloc_strdup(d->mount->point);
    auto_free char *type = NULL;
    size_t n;

    if (sys_read_file(d->fd, "cgroup.type", CGROUP_FILE_MAX_BYTES, &type, &n) < 0 ||
        str_starts_with(type, "domain\n"))
        return 0;
    type[strcspn(type, "\n")] = 0;
    if (limits & ~THREADED)
        return err_set(e, ERR_CONFLICT,
                       "cannot enter cgroupv2 \"%s\" with domain controllers -- it is in %s",
                       d->path,
                       strcmp(type, "domain invalid") == 0 ? "an invalid state" : "threaded mode");
    STRV_FOREACH (part, parts) {
        char *next = alloc_printf("%s/%s", dir, *part);
        auto_free char *file = alloc_printf("%s/cgroup.type", next);
        auto_free char *text = NULL;

        free(dir);
        dir = next;
        if (sys_read_file(AT_FDCWD, file, CGROUP_FILE_MAX_BYTES, &text, &n) == 0 &&
            str_starts_with(text, "domain invalid"))
            (void)sys_write_existing(AT_FDCWD, file, "threaded"); /* entering tells */
    }
    return 0;
}

static int settle_v2(const struct cgroup *g, const struct cgroup_dir *d,
                     const struct cgroup_request *q, unsigned limits, struct err *e)
{
    unsigned held = cgroup_mounts_v1(&g->mounts), wanted = limits & ~held;

    if (q->flags & CGROUP_OCI && g->mounts.mode == CGROUP_V2) {
        auto_free char *file = alloc_printf("%s/cgroup.controllers", d->mount->point);

        wanted |= read_controllers(AT_FDCWD, file);
    }
    if (wanted) {
        unsigned absent = wanted & ~read_controllers(d->fd, "cgroup.controllers");

        if (absent)
            pass_down(d, absent);
    }
    return settle_type(d, limits & ~held, e);
}

/* The files that the kernel names for it, or those of cgroups(7) before Linux 4.15. */
static int give_to(const struct cgroup_dir *d, uid_t owner, struct err *e)
{
    auto_free char *list = NULL;
    auto_strv files = NULL;
    size_t n;
    int r =
        sys_read_file(AT_FDCWD, "/sys/kernel/cgroup/delegate", CGROUP_FILE_MAX_BYTES, &list, &n);

    files =
        strv_split(r == 0 ? list : "cgroup.procs\ncgroup.subtree_control\ncgroup.threads", '\n');
    r = sys_chown(d->fd, owner, (gid_t)-1);
    STRV_FOREACH (file, files) {
        auto_fd int fd =
            **file && r == 0 ? sys_open(d->fd, *file, O_PATH | O_NOFOLLOW, 0) : FD_NONE;

        if (fd >= 0)
            r = sys_chown(fd, owner, (gid_t)-1);
    }
    return r < 0 ? err_sys(e, r, "cgroup '%s': give it to user %u", d->path, (unsigned)owner) : 0;
}

static int settle_dir(const struct cgroup *g, const struct cgroup_dir *d,
                      const struct cgroup_request *q, unsigned limits, struct err *e)
{
    if (d->mount->controllers & CGROUP_BIT(CGROUP_CPUSET) && fill_cpuset(d, e) < 0)
        return -1;
    if (!d->mount->is_v2)
        return 0;
    if (settle_v2(g, d, q, limits, e) < 0)
        return -1;
    return q->owner && g->mounts.mode == CGROUP_V2 ? give_to(d, *q->owner, e) : 0;
}

/* Rootless */

static bool is_permission(int r)
{
    return r == -EACCES || r == -EPERM || r == -EROFS;
}

/* Moving a process takes the right to write to the group's list, and to that of the group above
 * which is also its own. */
static bool can_enter(const struct cgroup_dir *d)
{
    auto_fd int own = sys_open(d->fd, "cgroup.procs", O_WRONLY, 0);
    auto_free char *above = alloc_printf("%s/%s/../cgroup.procs", d->mount->point, d->path);
    auto_fd int parent = FD_NONE;

    if (!d->mount->is_v2 || own < 0)
        return own >= 0;
    parent = sys_open(AT_FDCWD, above, O_WRONLY, 0);
    return parent >= 0;
}

/* Takes out the directories that may not be made or entered, which have no fd any more: the
 * container stays in its caller's. It misses nothing: a limit that is asked for is an error then.
 */
static void drop_closed(struct cgroup *g)
{
    size_t n = 0;

    for (size_t i = 0; i < g->n; i++) {
        if (g->dirs[i].fd >= 0)
            g->dirs[n++] = g->dirs[i];
        else
            free(g->dirs[i].path);
    }
    g->n = n;
}

static int make_dirs(struct cgroup *g, const struct cgroup_request *q, unsigned limits,
                     struct err *e)
{
    bool may_miss = q->flags & CGROUP_ROOTLESS && !q->path;

    for (size_t i = 0; i < g->n; i++) {
        struct cgroup_dir *d = &g->dirs[i];
        struct err here = {0};
        int r = d->hold == CGROUP_HOLD_PLANNED ? make_dir(d, q->flags, &here) : 0;

        if (r == 0 && may_miss && !can_enter(d)) {
            unmake_dir(d);
            continue;
        }
        if (r == 0)
            r = settle_dir(g, d, q, limits, &here);
        if (r == 0)
            continue;
        unmake_dir(d);
        if (may_miss && is_permission(-here.errno_value))
            continue;
        if (e)
            *e = here;
        return -1;
    }
    drop_closed(g);
    return 0;
}

/* All of it */

static int build(struct cgroup *g, const struct cgroup_request *q, char ***warnings, struct err *e)
{
    DHOW_CLEANUP(cgroup_writes_done) struct cgroup_writes writes = {0};
    DHOW_CLEANUP(device_rules_done) struct device_rules rules = {0};
    struct cgroup_view view;

    cgroup_view_of(g, &view);
    if (cgroup_plan(q->resources, &view, &writes, e) < 0)
        return -1;
    device_rules_make(q->resources, q->flags, &rules);
    if (q->manager == CGROUP_MANAGER_SYSTEMD && cgroup_systemd_start(g, q, e) < 0)
        return -1;
    if (q->manager != CGROUP_MANAGER_DISABLED &&
        make_dirs(g, q, cgroup_writes_controllers(&writes), e) < 0)
        return -1;
    if (cgroup_has_found(g)) {
        cgroup_writes_done(&writes);
        cgroup_read_now(g, q->resources, &view.now);
        if (cgroup_plan(q->resources, &view, &writes, e) < 0)
            return -1;
    }
    cgroup_make_room_for_holder(g, &writes);
    if (cgroup_apply_limits(g, &writes, q->flags, warnings, e) < 0)
        return -1;
    return cgroup_apply_devices(g, &rules, q->flags, warnings, e);
}

int cgroup_make(struct cgroup *g, const struct cgroup_request *q, char ***ret_warnings,
                struct err *e)
{
    auto_strv warnings = NULL;

    if (build(g, q, &warnings, e) < 0) {
        /* An empty scope is its own end. */
        cgroup_holder_done(&g->holder);
        for (size_t i = 0; i < g->n; i++)
            unmake_dir(&g->dirs[i]);
        return -1;
    }
    if (ret_warnings)
        *ret_warnings = take_ptr(&warnings);
    return 0;
}

int cgroup_create(const struct cgroup_request *q, struct cgroup **ret, char ***ret_warnings,
                  struct err *e)
{
    DHOW_CLEANUP(cgroup_auto) struct cgroup *g = NULL;
    auto_strv warnings = NULL;
    auto_strv more = NULL;

    if (cgroup_locate(q, &g, &warnings, e) < 0 || cgroup_make(g, q, &more, e) < 0)
        return -1;
    strv_extend(&warnings, more);
    if (ret_warnings)
        *ret_warnings = take_ptr(&warnings);
    *ret = take_ptr(&g);
    return 0;
}

int cgroup_update(const struct cgroup *g, const struct oci_resources *r, unsigned flags,
                  char ***ret_warnings, struct err *e)
{
    DHOW_CLEANUP(cgroup_writes_done) struct cgroup_writes writes = {0};
    DHOW_CLEANUP(device_rules_done) struct device_rules rules = {0};
    auto_strv warnings = NULL;
    struct cgroup_view view;

    cgroup_view_of(g, &view);
    cgroup_read_now(g, r, &view.now);
    if (cgroup_plan(r, &view, &writes, e) < 0 ||
        (g->unit && cgroup_systemd_update(g, r, &view.now, e) < 0) ||
        cgroup_apply_limits(g, &writes, flags, &warnings, e) < 0)
        return -1;
    if (r && r->devices.len > 0) {
        device_rules_make(r, flags, &rules);
        if (cgroup_update_devices(g, &rules, flags, &warnings, e) < 0)
            return -1;
    }
    if (ret_warnings)
        *ret_warnings = take_ptr(&warnings);
    return 0;
}
