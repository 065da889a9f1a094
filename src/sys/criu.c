/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Theory: libcriu by dlopen: a table of the functions that are used. Its header comes only with the
 * program, which is not wanted for a build: the types stand here, as criu.org/C_API has them; they
 * have not changed since version 3.0.
 *
 * criu_check() is not among them: it sends a request without options, and criu 3.17 falls over
 * that. Asking for a feature finds out as well whether criu works with this kernel at all.
 *
 * The library's callback has no argument of ours: what a restore calls back to is in a variable for
 * as long as the restore lasts.
 */
#include "sys/criu.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fault.h"
#include "base/fd.h"

#define LIBRARY   "libcriu.so.2"
#define LOG_LEVEL 4 /* debug: the log is for whoever asks why */

typedef int notify_fn(char *action, void *na);

#define FUNCTIONS(X)                                                                               \
    X(int, criu_init_opts, (void))                                                                 \
    X(int, criu_set_service_binary, (const char *))                                                \
    X(int, criu_feature_check, (bool *, size_t))                                                   \
    X(int, criu_dump, (void))                                                                      \
    X(int, criu_pre_dump, (void))                                                                  \
    X(int, criu_restore_child, (void))                                                             \
    X(void, criu_set_pid, (int))                                                                   \
    X(void, criu_set_images_dir_fd, (int))                                                         \
    X(void, criu_set_work_dir_fd, (int))                                                           \
    X(int, criu_set_parent_images, (const char *))                                                 \
    X(void, criu_set_track_mem, (bool))                                                            \
    X(int, criu_set_log_file, (const char *))                                                      \
    X(void, criu_set_log_level, (int))                                                             \
    X(int, criu_set_root, (const char *))                                                          \
    X(int, criu_set_lsm_profile, (const char *))                                                   \
    X(void, criu_set_manage_cgroups, (bool))                                                       \
    X(void, criu_set_manage_cgroups_mode, (int))                                                   \
    X(int, criu_set_freeze_cgroup, (const char *))                                                 \
    X(void, criu_set_notify_cb, (notify_fn *))                                                     \
    X(int, criu_notify_pid, (void *))                                                              \
    X(int, criu_get_orphan_pts_master_fd, (void))                                                  \
    X(int, criu_add_ext_mount, (const char *, const char *))                                       \
    X(int, criu_add_external, (const char *))                                                      \
    X(int, criu_add_inherit_fd, (int, const char *))                                               \
    X(int, criu_add_cg_root, (const char *, const char *))                                         \
    X(void, criu_set_tcp_established, (bool))                                                      \
    X(void, criu_set_tcp_skip_in_flight, (bool))                                                   \
    X(void, criu_set_ext_unix_sk, (bool))                                                          \
    X(void, criu_set_shell_job, (bool))                                                            \
    X(void, criu_set_file_locks, (bool))                                                           \
    X(void, criu_set_auto_dedup, (bool))                                                           \
    X(void, criu_set_link_remap, (bool))                                                           \
    X(void, criu_set_leave_running, (bool))                                                        \
    X(void, criu_set_orphan_pts_master, (bool))

struct sys_criu {
    unsigned flags;
    int inherited[4];
    size_t n_inherited;
#define DECLARE(type, f, arguments) type(*f) arguments;
    FUNCTIONS(DECLARE)
};

static struct {
    struct sys_criu *criu;
    sys_criu_stage_fn *fn;
    void *arg;
    int terminal;
} restoring = {.terminal = FD_NONE};

int sys_criu_open(const char *program, struct sys_criu **ret)
{
    struct sys_criu *c;
    void *library;
    bool has_all;

    FAULT_POINT("criu_open");
    library = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    has_all = library;
    c = alloc_new(struct sys_criu);
#define FIND(type, f, arguments) has_all = has_all && (c->f = (typeof(c->f))dlsym(library, #f));
    FUNCTIONS(FIND)
    if (!has_all || c->criu_init_opts() < 0 || c->criu_set_service_binary(program) < 0) {
        free(c);
        return -ELIBACC;
    }
    *ret = c;
    return 0;
}

void sys_criu_close(struct sys_criu *c)
{
    for (size_t i = 0; c && i < c->n_inherited; i++)
        fd_close(c->inherited[i]);
    free(c); /* the library stays loaded, for the rest of a short life */
}

/* criu and what it runs write to our streams, which may be the container's: all it has to say is in
 * its log. A job of a shell gets them. */
static void silence(const struct sys_criu *c, int saved[3])
{
    int null = c->flags & SYS_CRIU_SHELL_JOB ? FD_NONE : open("/dev/null", O_RDWR | O_CLOEXEC);

    for (int fd = 0; fd < 3; fd++) {
        saved[fd] = null < 0 ? FD_NONE : fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
        if (saved[fd] >= 0)
            (void)dup2(null, fd);
    }
    fd_close(null);
}

static void unsilence(int saved[3])
{
    for (int fd = 0; fd < 3; fd++) {
        if (saved[fd] >= 0)
            (void)dup2(saved[fd], fd);
        fd_close(saved[fd]);
    }
}

int sys_criu_check(struct sys_criu *c)
{
    int saved[3];
    bool tracks_memory = true; /* the first member of struct criu_feature_check */
    int r;

    FAULT_POINT("criu_check");
    silence(c, saved);
    r = c->criu_feature_check(&tracks_memory, sizeof(tracks_memory));
    unsilence(saved);
    return r == -EBADE ? r : r < 0 ? -ENOEXEC : 0;
}

void sys_criu_set(struct sys_criu *c, const struct sys_criu_options *o)
{
    const struct {
        unsigned flag;
        void (*set)(bool);
    } rows[] = {
        {SYS_CRIU_TCP_ESTABLISHED, c->criu_set_tcp_established},
        {SYS_CRIU_TCP_SKIP_IN_FLIGHT, c->criu_set_tcp_skip_in_flight},
        {SYS_CRIU_EXT_UNIX_SK, c->criu_set_ext_unix_sk},
        {SYS_CRIU_SHELL_JOB, c->criu_set_shell_job},
        {SYS_CRIU_FILE_LOCKS, c->criu_set_file_locks},
        {SYS_CRIU_AUTO_DEDUP, c->criu_set_auto_dedup},
        {SYS_CRIU_LINK_REMAP, c->criu_set_link_remap},
        {SYS_CRIU_LEAVE_RUNNING, c->criu_set_leave_running},
        {SYS_CRIU_ORPHAN_PTS_MASTER, c->criu_set_orphan_pts_master},
    };

    c->flags = o->flags;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (o->flags & rows[i].flag)
            rows[i].set(true);
    c->criu_set_images_dir_fd(o->images_fd);
    c->criu_set_work_dir_fd(o->work_fd);
    (void)c->criu_set_log_file(o->log_file); /* fails only without memory */
    c->criu_set_log_level(LOG_LEVEL);
    (void)c->criu_set_root(o->root);
    if (o->parent)
        (void)c->criu_set_parent_images(o->parent);
    if (o->parent || (o->flags & SYS_CRIU_PRE_DUMP))
        c->criu_set_track_mem(true);
    if (o->lsm_profile)
        (void)c->criu_set_lsm_profile(o->lsm_profile);
    c->criu_set_manage_cgroups(o->cgroup_mode != SYS_CRIU_CGROUP_IGNORE);
    c->criu_set_manage_cgroups_mode((int)o->cgroup_mode);
}

static int added(int r)
{
    return r < 0 ? -ENOMEM : 0;
}

int sys_criu_add_mount(struct sys_criu *c, const char *inside, const char *outside)
{
    return added(c->criu_add_ext_mount(inside, outside));
}

int sys_criu_add_external(struct sys_criu *c, const char *key)
{
    return added(c->criu_add_external(key));
}

int sys_criu_add_inherited(struct sys_criu *c, int fd, const char *key)
{
    int copy;

    if (c->n_inherited == ARRAY_LEN(c->inherited))
        return -E2BIG;
    copy = fcntl(fd, F_DUPFD, STDERR_FILENO + 1); /* criu is executed with it */
    if (copy < 0)
        return -errno;
    c->inherited[c->n_inherited++] = copy;
    return added(c->criu_add_inherit_fd(copy, key));
}

int sys_criu_add_cgroup(struct sys_criu *c, const char *controller, const char *path)
{
    return added(c->criu_add_cg_root(controller, path));
}

int sys_criu_dump(struct sys_criu *c, pid_t pid, const char *freezer)
{
    int saved[3], r;

    FAULT_POINT("criu_dump");
    c->criu_set_pid(pid);
    if (freezer && c->criu_set_freeze_cgroup(freezer) < 0)
        return -ENOMEM;
    silence(c, saved);
    r = c->flags & SYS_CRIU_PRE_DUMP ? c->criu_pre_dump() : c->criu_dump();
    unsilence(saved);
    return r < 0 ? -EBADE : 0;
}

static int on_stage(char *action, void *na)
{
    if (strcmp(action, "orphan-pts-master") == 0) {
        fd_close(restoring.terminal);
        restoring.terminal = restoring.criu->criu_get_orphan_pts_master_fd();
        return 0;
    }
    return restoring.fn ? restoring.fn(restoring.arg, action, restoring.criu->criu_notify_pid(na))
                        : 0;
}

pid_t sys_criu_restore(struct sys_criu *c, sys_criu_stage_fn *fn, void *arg, int *ret_terminal)
{
    int saved[3], r;

    FAULT_POINT("criu_restore");
    restoring.criu = c;
    restoring.fn = fn;
    restoring.arg = arg;
    c->criu_set_notify_cb(on_stage);
    silence(c, saved);
    r = c->criu_restore_child();
    unsilence(saved);
    *ret_terminal = r < 0 ? FD_NONE : restoring.terminal;
    if (r < 0)
        fd_close(restoring.terminal);
    restoring.terminal = FD_NONE;
    restoring.criu = NULL;
    return r < 0 ? -EBADE : r;
}
