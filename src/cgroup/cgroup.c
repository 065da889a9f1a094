/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Theory: a group is one directory in each hierarchy that it needs, made before the container's
 * first process is cloned, so that limits and device rules hold from its first instruction. Limits
 * were planned by cgroup_limits.c; a file that is not there is a limit that this kernel lacks,
 * which is a warning; a value that the kernel refuses is an error. What was made is removed again
 * when anything fails.
 *
 * cgroup_kill.c lists, freezes, kills, removes.
 */
#include "cgroup/cgroup.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/str.h"
#include "base/strv.h"
#include "cgroup/cgroup_private.h"
#include "sys/bpf.h"
#include "sys/file.h"

#define FILE_MAX_BYTES 65536

DEFINE_AUTO_PTR(struct cgroup, cgroup, cgroup_free);

void cgroup_free(struct cgroup *g)
{
    if (!g)
        return;
    for (size_t i = 0; i < g->n; i++)
        fd_close(g->dirs[i].fd);
    cgroup_mounts_done(&g->mounts);
    free(g->path);
    free(g);
}

int cgroup_v2_fd(const struct cgroup *g)
{
    for (size_t i = 0; i < g->n; i++)
        if (g->dirs[i].mount->is_v2)
            return g->dirs[i].fd;
    return FD_NONE;
}

int cgroup_controller_fd(const struct cgroup *g, enum cgroup_controller c)
{
    for (size_t i = 0; i < g->n; i++)
        if (g->dirs[i].mount->controllers & 1u << c)
            return g->dirs[i].fd;
    return FD_NONE;
}

int cgroup_clone_fd(const struct cgroup *g)
{
    return cgroup_v2_fd(g);
}

/* The directory whose files limit `c` in this mode. */
static int limit_fd(const struct cgroup *g, enum cgroup_controller c)
{
    return g->mounts.mode == CGROUP_V2 ? cgroup_v2_fd(g) : cgroup_controller_fd(g, c);
}

static struct cgroup *new_group(const char *path, struct err *e)
{
    DHOW_CLEANUP(cgroup_auto) struct cgroup *g = alloc_new(struct cgroup);

    g->path = cgroup_path_clean(path, e);
    if (!g->path || cgroup_mounts_read(&g->mounts, e) < 0)
        return NULL;
    return take_ptr(&g);
}

static int open_dir(struct cgroup *g, const struct cgroup_mount *mount)
{
    auto_free char *full = alloc_printf("%s/%s", mount->point, g->path);
    int fd = sys_open(AT_FDCWD, full, O_PATH | O_DIRECTORY | O_NOFOLLOW, 0);

    if (fd < 0)
        return fd;
    g->dirs[g->n++] = (struct cgroup_dir){fd, mount};
    return 0;
}

int cgroup_open(const char *path, struct cgroup **ret, struct err *e)
{
    DHOW_CLEANUP(cgroup_auto) struct cgroup *g = new_group(path, e);

    if (!g)
        return -1;
    for (size_t i = 0; i < g->mounts.n; i++) {
        int r = open_dir(g, &g->mounts.items[i]);

        if (r < 0 && r != -ENOENT)
            return err_sys(e, r, "cgroup '%s': open it in '%s'", g->path, g->mounts.items[i].point);
    }
    if (g->n == 0)
        return err_set(e, ERR_NOT_FOUND, "cgroup '%s': there is none", g->path);
    *ret = take_ptr(&g);
    return 0;
}

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

static int make_dir(struct cgroup *g, const struct cgroup_mount *mount, struct err *e)
{
    auto_free char *full = alloc_printf("%s/%s", mount->point, g->path);
    int r = -EEXIST;

    /* Three tries: parents, a left-over, and one that somebody else removed meanwhile. */
    for (int i = 0; i < 4; i++) {
        r = sys_mkdir(AT_FDCWD, full, 0755);
        if (r == -ENOENT)
            r = make_parents(mount->point, g->path);
        else if (r == -EEXIST)
            r = sys_rmdir(AT_FDCWD, full);
        else
            break;
        if (r < 0)
            break;
        r = -EEXIST;
    }
    if (r == -EBUSY || r == -EEXIST || r == -ENOTEMPTY)
        return err_set(e, ERR_CONFLICT, "cgroup '%s': is in use in '%s'", g->path, mount->point);
    if (r == 0)
        r = open_dir(g, mount);
    return r < 0 ? err_sys(e, r, "cgroup '%s': make it in '%s'", g->path, mount->point) : 0;
}

static void unmake_dirs(struct cgroup *g)
{
    for (size_t i = 0; i < g->n; i++) {
        auto_free char *full = alloc_printf("%s/%s", g->dirs[i].mount->point, g->path);

        (void)sys_rmdir(AT_FDCWD, full); /* the error that led here is told */
    }
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
        int r = sys_read_file(AT_FDCWD, own, FILE_MAX_BYTES, &text, &n);

        if (r < 0)
            return r;
        if (text[strspn(text, " \n")])
            continue;
        r = sys_read_file(AT_FDCWD, above, FILE_MAX_BYTES, &inherited, &n);
        if (r == 0)
            r = sys_write_existing(AT_FDCWD, own, inherited);
        if (r < 0)
            return r;
    }
    return 0;
}

static int fill_cpuset(const struct cgroup *g, const struct cgroup_mount *mount, struct err *e)
{
    auto_strv parts = strv_split(g->path, '/');
    auto_free char *parent = alloc_strdup(mount->point);

    STRV_FOREACH (part, parts) {
        char *dir = alloc_printf("%s/%s", parent, *part);
        int r = fill_cpuset_level(parent, dir);

        free(parent);
        parent = dir;
        if (r < 0)
            return err_sys(e, r, "cgroup '%s': inherit the cpuset of its parent", g->path);
    }
    return 0;
}

/* v2: a controller's files are in the group when each ancestor passes it down. Failures (a parent
 * with processes, a controller that v1 holds) show when the limit's file is not there. */
static void pass_down(const struct cgroup *g, const struct cgroup_mount *mount, unsigned needed)
{
    auto_strv parts = strv_split(g->path, '/');
    auto_free char *dir = alloc_strdup(mount->point);

    STRV_FOREACH (part, parts) {
        auto_free char *file = alloc_printf("%s/cgroup.subtree_control", dir);
        char *next = alloc_printf("%s/%s", dir, *part);

        for (unsigned c = 0; c < CGROUP_SYSTEMD; c++) {
            auto_free char *text = alloc_printf("+%s", cgroup_controller_names[c]);

            if (needed & 1u << c)
                (void)sys_write_existing(AT_FDCWD, file, text);
        }
        free(dir);
        dir = next;
    }
}

static unsigned controllers_of(int v2_fd)
{
    auto_free char *text = NULL;
    auto_strv words = NULL;
    unsigned bits = 0;
    size_t n;

    if (sys_read_file(v2_fd, "cgroup.controllers", FILE_MAX_BYTES, &text, &n) < 0)
        return 0;
    text[strcspn(text, "\n")] = 0;
    words = strv_split(text, ' ');
    for (unsigned c = 0; c < CGROUP_SYSTEMD; c++)
        if (strv_has(words, cgroup_controller_names[c]))
            bits |= 1u << c;
    return bits;
}

/* v2 has no files for devices (a program) and freezer (always there). */
#define V2_CONTROLLERS                                                                             \
    (1u << CGROUP_MEMORY | 1u << CGROUP_CPU | 1u << CGROUP_CPUSET | 1u << CGROUP_PIDS)

static int make_dirs(struct cgroup *g, unsigned needed, struct err *e)
{
    for (size_t i = 0; i < g->mounts.n; i++) {
        const struct cgroup_mount *mount = &g->mounts.items[i];
        unsigned missing;

        if (!mount->is_v2 && !(mount->controllers & needed))
            continue;
        if (make_dir(g, mount, e) < 0)
            return -1;
        if (mount->controllers & needed & 1u << CGROUP_CPUSET && fill_cpuset(g, mount, e) < 0)
            return -1;
        if (!mount->is_v2 || g->mounts.mode != CGROUP_V2 || !(needed & V2_CONTROLLERS))
            continue;
        missing = needed & V2_CONTROLLERS & ~controllers_of(cgroup_v2_fd(g));
        if (missing)
            pass_down(g, mount, missing);
    }
    return 0;
}

/* Limits and devices */

static void warn(char ***warnings, char *text)
{
    if (strv_has(*warnings, text))
        free(text);
    else
        strv_take(warnings, text);
}

static int apply_limits(const struct cgroup *g, const struct cgroup_writes *w, char ***warnings,
                        struct err *e)
{
    VEC_FOREACH (write, &w->list) {
        int dirfd = limit_fd(g, write->controller);
        int r = dirfd < 0 ? -ENOENT : sys_write_existing(dirfd, write->file, write->text);

        /* ENOENT: no such file; EOPNOTSUPP: cpu.max while realtime groups hold it */
        if (r == -ENOENT || r == -EOPNOTSUPP)
            warn(warnings, cgroup_warning(write->what));
        else if (r < 0)
            return err_sys(e, r, "cgroup '%s': write '%s' to '%s'", g->path, write->text,
                           write->file);
    }
    STRV_FOREACH (text, w->warnings)
        warn(warnings, alloc_strdup(*text));
    return 0;
}

static int apply_devices_v1(const struct cgroup *g, int dirfd, const struct device_rules *rules,
                            char ***warnings, struct err *e)
{
    auto_fd int deny = sys_open(dirfd, "devices.deny", O_WRONLY, 0);
    auto_fd int allow = sys_open(dirfd, "devices.allow", O_WRONLY, 0);
    int r = deny < 0 ? deny : allow < 0 ? allow : sys_write_all(deny, "a", 1);

    if (r < 0)
        return err_sys(e, r, "cgroup '%s': deny all devices", g->path);
    VEC_FOREACH (rule, &rules->list) {
        auto_free char *text = device_rule_text(rule);

        r = sys_write_all(rule->is_allowed ? allow : deny, text, strlen(text));
        /* A group cannot allow what its parent (we, in a container) may not. */
        if (r == -EPERM && rule->is_allowed)
            warn(warnings, alloc_printf("device access '%s' is more than this process may grant; "
                                        "rule discarded",
                                        text));
        else if (r < 0)
            return err_sys(e, r, "cgroup '%s': device rule '%s'", g->path, text);
    }
    return 0;
}

static int apply_devices_v2(const struct cgroup *g, int dirfd, const struct device_rules *rules,
                            struct err *e)
{
    size_t n;
    auto_free struct bpf_insn *insns = device_rules_program(rules, &n);
    auto_fd int group = sys_open(dirfd, ".", O_RDONLY | O_DIRECTORY, 0);
    auto_fd int program = FD_NONE;
    int r;

    if (group < 0)
        return err_sys(e, group, "cgroup '%s': open it", g->path);
    program = sys_bpf_load_device(insns, n);
    r = program < 0 ? program : sys_bpf_attach_device(group, program);
    return r < 0 ? err_sys(e, r, "cgroup '%s': restrict devices by a BPF program", g->path) : 0;
}

static int apply_devices(const struct cgroup *g, const struct device_rules *rules, char ***warnings,
                         struct err *e)
{
    int v1 = cgroup_controller_fd(g, CGROUP_DEVICES), v2 = cgroup_v2_fd(g);

    if (rules->allows_all)
        return 0;
    if (v1 >= 0)
        return apply_devices_v1(g, v1, rules, warnings, e);
    if (v2 >= 0)
        return apply_devices_v2(g, v2, rules, e);
    warn(warnings, cgroup_warning("device restriction"));
    return 0;
}

static unsigned needed_controllers(const struct cgroup_mounts *m, const struct cgroup_writes *w,
                                   const struct device_rules *rules)
{
    unsigned needed = cgroup_writes_controllers(w);

    if (!rules->allows_all)
        needed |= 1u << CGROUP_DEVICES;
    if (m->mode == CGROUP_V1)
        needed |= 1u << CGROUP_FREEZER | 1u << CGROUP_SYSTEMD;
    return needed;
}

static int build(struct cgroup *g, const struct cgroup_writes *writes,
                 const struct device_rules *rules, char ***warnings, struct err *e)
{
    if (make_dirs(g, needed_controllers(&g->mounts, writes, rules), e) == 0 &&
        apply_limits(g, writes, warnings, e) == 0 && apply_devices(g, rules, warnings, e) == 0)
        return 0;
    unmake_dirs(g);
    return -1;
}

int cgroup_create(const char *path, const struct oci_resources *r, struct cgroup **ret,
                  char ***ret_warnings, struct err *e)
{
    DHOW_CLEANUP(cgroup_auto) struct cgroup *g = new_group(path, e);
    DHOW_CLEANUP(cgroup_writes_done) struct cgroup_writes writes = {0};
    DHOW_CLEANUP(device_rules_done) struct device_rules rules = {0};
    auto_strv warnings = NULL;

    if (!g)
        return -1;
    if (g->mounts.mode == CGROUP_V2)
        cgroup_plan_v2(r, &writes);
    else
        cgroup_plan_v1(r, &writes);
    device_rules_make(r, &rules);
    if (build(g, &writes, &rules, &warnings, e) < 0)
        return -1;
    if (ret_warnings)
        *ret_warnings = take_ptr(&warnings);
    *ret = take_ptr(&g);
    return 0;
}

/* Using a group */

int cgroup_attach(const struct cgroup *g, pid_t pid, struct err *e)
{
    auto_free char *text = alloc_printf("%d", (int)pid);

    for (size_t i = 0; i < g->n; i++) {
        int r = sys_write_existing(g->dirs[i].fd, "cgroup.procs", text);

        if (r < 0)
            return err_sys(e, r, "cgroup '%s': move process %d into it in '%s'", g->path, (int)pid,
                           g->dirs[i].mount->point);
    }
    return 0;
}

_Static_assert(CGROUP_MAX_JOINS >= CGROUP_MAX_HIERARCHIES, "room for all");

int cgroup_join_fds(const struct cgroup *g, int *ret_fds, size_t *ret_n, struct err *e)
{
    for (size_t i = 0; i < g->n; i++) {
        int fd;

        if (g->dirs[i].mount->is_v2)
            continue;
        fd = sys_open(g->dirs[i].fd, "tasks", O_WRONLY, 0);
        if (fd < 0)
            return err_sys(e, fd, "cgroup '%s': open 'tasks' in '%s'", g->path,
                           g->dirs[i].mount->point);
        ret_fds[(*ret_n)++] = fd;
    }
    return 0;
}

int cgroup_oom_fd(const struct cgroup *g)
{
    int dirfd = limit_fd(g, CGROUP_MEMORY), fd;

    if (dirfd < 0)
        return FD_NONE;
    fd = sys_open(dirfd, g->mounts.mode == CGROUP_V2 ? "memory.events" : "memory.oom_control",
                  O_RDONLY, 0);
    return fd < 0 ? FD_NONE : fd;
}

int cgroup_oom_kills(const struct cgroup *g, uint64_t *ret)
{
    auto_fd int fd = cgroup_oom_fd(g);
    auto_free char *text = NULL;
    auto_strv lines = NULL;
    size_t n;
    int r;

    if (fd < 0)
        return -ENOENT;
    r = sys_read_fd(fd, FILE_MAX_BYTES, &text, &n);
    if (r < 0)
        return r;
    lines = strv_split(text, '\n');
    STRV_FOREACH (line, lines)
        if (str_starts_with(*line, "oom_kill "))
            return str_to_u64(*line + strlen("oom_kill "), UINT64_MAX, ret);
    return -ENODATA;
}
