/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The container's command: its directory, its program, its standard streams, and the last steps to
 * execve.
 *
 * The program is looked up before READY, so that a wrong name fails the creation already; execve
 * looks again.
 *
 * Trust boundary (CVE-2024-21626, T-21626): the directory is opened inside the root without magic
 * links, and getcwd(2) must call it reachable: /proc/self/fd/N never leads out. No directory of the
 * host is open when the command starts: everything above the descriptors that the caller gives is
 * close-on-exec; the next one is the stub's.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <unistd.h>

#include "base/str.h"
#include "base/strv.h"
#include "runtime/devices.h"
#include "runtime/rootpath.h"
#include "runtime/stub.h"
#include "sys/file.h"
#include "sys/process.h"
#include "sys/pty.h"
#include "sys/self.h"
#include "sys/socket.h"

#define DEFAULT_PATH "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

static int directory_error(const char *path, int r, struct err *e)
{
    err_sys(e, r, "change to the directory '%s'", path);
    if (e)
        e->kind = ERR_CMD_INVOKE;
    return -1;
}

static int change_directory(struct init *init, const char *path, struct err *e)
{
    auto_fd int fd = sys_open_in_root(init->root_fd, path, O_PATH | O_DIRECTORY, 0);
    int r = fd < 0 ? fd : sys_fchdir(fd);
    char now[PATH_MAX];

    if (r == 0)
        r = MIN(sys_getcwd(now, sizeof(now)), 0);
    if (r < 0)
        return directory_error(path, r, e);
    if (now[0] != '/')
        return err_set(e, ERR_CMD_INVOKE, "the directory '%s' is outside of the container's root",
                       path);
    return 0;
}

static int step_directory(struct init *init, const void *path, struct err *e)
{
    struct err why = {0};

    if (init->process->create_cwd) {
        auto_free char *clean = rootpath_clean(path, "process.cwd", e);
        auto_fd int fd = FD_NONE;

        if (!clean)
            return -1;
        fd = rootpath_open(init->root_fd, clean, ROOTPATH_MAKE | ROOTPATH_DIRECTORY);
        if (fd < 0)
            return directory_error(path, fd, e);
    }
    if (change_directory(init, path, &why) == 0)
        return 0;
    /* Root without rights over a network file system: the user may have them. */
    init->must_change_directory_as_user = why.errno_value == EACCES || why.errno_value == EPERM;
    if (init->must_change_directory_as_user)
        return 0;
    if (e)
        *e = why;
    return -1;
}

/* 0: executable as far as its mode says; else -errno. */
static int probe(const char *path)
{
    struct stat st;
    int r = sys_stat(AT_FDCWD, path, &st);

    if (r < 0)
        return r;
    if (S_ISDIR(st.st_mode))
        return -EISDIR;
    return S_ISREG(st.st_mode) && (st.st_mode & 0111) ? 0 : -EACCES;
}

static int search_path(struct init *init, const char *name, struct err *e)
{
    const char *path = strv_env_get(init->env, "PATH");
    auto_strv dirs = strv_split(path ? path : DEFAULT_PATH, ':');
    bool is_denied = false;

    STRV_FOREACH (dir, dirs) {
        auto_free char *candidate = alloc_printf("%s/%s", **dir ? *dir : ".", name);
        int r = probe(candidate);

        if (r == 0) {
            init->program = take_ptr(&candidate);
            return 0;
        }
        is_denied |= r == -EACCES;
    }
    if (is_denied)
        return sync_command_error(name, -EACCES, e);
    return err_set(e, ERR_CMD_NOT_FOUND, "exec: \"%s\": executable file not found in $PATH", name);
}

static int find_program(struct init *init, const char *name, struct err *e)
{
    int r;

    if (!strchr(name, '/'))
        return search_path(init, name, e);
    init->program = alloc_strdup(name);
    r = probe(name);
    /* Root may be refused where the user is not, and the directory may not be the final one yet:
     * execve decides. */
    if (r == 0 || init->must_change_directory_as_user)
        return 0;
    return sync_command_error(name, r == -EISDIR ? -EACCES : r, e);
}

static int step_lookup(struct init *init, const void *name, struct err *e)
{
    init->env = strv_dup(init->process->process->env);
    if (init->ids.home[0] && !strv_env_get(init->env, "HOME")) {
        auto_free char *home = alloc_printf("HOME=%s", init->ids.home);

        strv_env_set(&init->env, home);
    }
    if (find_program(init, name, e) < 0)
        return -1;
    strv_add(&init->argv, init->program);
    strv_extend(&init->argv, init->process->process->args);
    return 0;
}

/* A starter that goes away before it has said START changes nothing: the next one is waited for.
 */
static int accept_start(struct init *init, int listener, struct err *e)
{
    for (;;) {
        auto_fd int fd = sys_accept_wait(listener);
        auto_sync_message m = {0};

        if (fd < 0)
            return err_sys(e, fd, "wait for the start");
        if (sync_receive(fd, &m, NULL) != 1 || m.type != SYNC_START)
            continue;
        init->sync_fd = take_fd(&fd);
        return 0;
    }
}

/* The creator leaves when it has recorded this process; until then we die with it. The listener is
 * in a directory that only its owner can enter. */
static int wait_for_starter(struct init *init, int listener, struct err *e)
{
    auto_sync_message m = {0};
    int r;

    if (init_expect(init, SYNC_DETACH, &m, e) < 0)
        return -1;
    r = init_close_the_rest(init);
    if (r == 0)
        r = init_outlive_creator(init);
    if (r < 0)
        return err_sys(e, r, "outlive the creator");
    init->sync_fd = fd_close(init->sync_fd);
    return accept_start(init, listener, e);
}

static int step_ready(struct init *init, const void *arg, struct err *e)
{
    auto_sync_message m = {0};
    int listener = init->plan->config->start_listener;

    (void)arg;
    if (sync_send_ready(init->sync_fd, e) < 0)
        return -1;
    if (listener >= 0)
        return wait_for_starter(init, listener, e);
    return init_expect(init, SYNC_START, &m, e);
}

/* The user must be able to open /dev/stdout: pipes that were made for this process become his.
 * Never files. */
static void give_streams(struct init *init)
{
    for (int i = 0; i < 3; i++) {
        struct stat st;

        if (sys_stat(i, "", &st) == 0 && st.st_uid != init->ids.uid &&
            (S_ISFIFO(st.st_mode) || init->terminal_fd >= 0))
            (void)sys_chown(i, init->ids.uid,
                            (gid_t)-1); /* a stream of another owner still works */
    }
}

/* The host's null device becomes the container's own: a checkpoint can name no file of the host. */
static int own_null(struct init *init, int fd)
{
    struct stat st;
    int own = FD_NONE;

    if (fd >= 0 && sys_stat(fd, "", &st) == 0 && devices_is_null(&st))
        own = devices_open_null(init, O_RDWR, NULL);
    return own >= 0 ? own : fd;
}

/* Before READY: a creation's caller waits for the end of its streams, and a container with a
 * terminal has none of them. */
static int step_streams(struct init *init, const void *arg, struct err *e)
{
    int fds[STUB_SYNC_FD], r;

    (void)arg;
    for (int i = 0; i < STUB_SYNC_FD; i++) {
        fds[i] =
            init->terminal_fd >= 0 ? init->terminal_fd : own_null(init, init->process->stdio[i]);
        if (fds[i] < 0)
            fds[i] = devices_open_null(init, i == 0 ? O_RDONLY : O_WRONLY, e);
        if (fds[i] < 0)
            return -1;
    }
    r = sys_place_fds(fds, ARRAY_LEN(fds));
    if (r < 0)
        return err_sys(e, r, "place the standard streams");
    r = init->terminal_fd >= 0 ? sys_pty_set_controlling(0) : 0;
    if (r < 0)
        return err_sys(e, r, "make the terminal the controlling one");
    give_streams(init);
    return 0;
}

/* What the stub and the command find open. The container outlives its parent from here on: here,
 * since the filter may refuse the calls. */
static int step_descriptors(struct init *init, const void *arg, struct err *e)
{
    int sync_fd = STUB_SYNC_FD + (int)init->process->preserve_fds, labels_fd = sync_fd + 1;
    int *const out_of_the_way[] = {&init->stub_fd, &init->sync_fd, &init->labels_fd};
    int r = 0;

    (void)arg;
    for (size_t i = 0; i < ARRAY_LEN(out_of_the_way) && r >= 0; i++) {
        int *fd = out_of_the_way[i];

        r = *fd < 0 ? 0 : sys_dup_above(*fd, labels_fd + 1);
        *fd = *fd < 0 || r < 0 ? *fd : r;
    }
    if (r >= 0)
        r = sys_place_fd(init->sync_fd, sync_fd);
    if (r >= 0) {
        init->sync_fd = sync_fd;
        r = sys_close_range_cloexec((unsigned)labels_fd);
    }
    if (r >= 0 && init->labels_fd >= 0)
        r = sys_place_fd(init->labels_fd, labels_fd);
    if (r >= 0)
        r = init_outlive_creator(init);
    return r < 0 ? err_sys(e, r, "place the descriptors") : 0;
}

static int step_directory_as_user(struct init *init, const void *path, struct err *e)
{
    return init->must_change_directory_as_user ? change_directory(init, path, e) : 0;
}

static char *const *env_of(const struct init *init)
{
    return init->env ? init->env : (char *const *)strv_none;
}

static int step_filter(struct init *init, const void *arg, struct err *e)
{
    (void)arg;
    return filter_apply(init, init->argv, env_of(init), e);
}

static int step_execute(struct init *init, const void *arg, struct err *e)
{
    int r = sys_execveat_fd(init->stub_fd, init->argv, env_of(init));

    (void)arg;
    return sync_command_error(init->process->process->args[0], r, e);
}

int command_plan(struct runtime_plan *p, struct err *e)
{
    const struct oci_process *process = p->process.process;

    if (!process->args || !process->args[0])
        return err_set(e, ERR_INVALID, "process.args: there is no command to execute");
    if (!*process->args[0])
        return err_set(e, ERR_CMD_NOT_FOUND, "exec: \"\": executable file not found in $PATH");
    if (!process->cwd || process->cwd[0] != '/')
        return err_set(e, ERR_INVALID, "process.cwd: '%s' is not an absolute path",
                       process->cwd ? process->cwd : "");
    plan_add(p, "directory", step_directory, process->cwd, "%s%s", process->cwd,
             p->process.create_cwd ? ", made when it is missing" : "");
    identity_plan_receive(p);
    plan_add(p, "find command", step_lookup, process->args[0], "%s", process->args[0]);
    plan_add(p, "streams", step_streams, NULL, "%s", process->terminal ? "terminal" : "given fds");
    if (p->kind == PLAN_CREATE)
        plan_add(p, "ready", step_ready, NULL, "wait for the start");
    plan_add(p, "descriptors", step_descriptors, NULL, "%u preserved", p->process.preserve_fds);
    return 0;
}

int command_plan_filter(struct runtime_plan *p, struct err *e)
{
    const struct oci_seccomp *s = p->process.seccomp;

    (void)e;
    plan_add(p, "directory of the user", step_directory_as_user, p->process.process->cwd, NULL);
    if (s)
        plan_add(p, "filter", step_filter, NULL, "%zu rules%s", s->syscalls.len,
                 seccomp_notifies(s) ? ", of which some notify an agent" : "");
    return 0;
}

int command_plan_finish(struct runtime_plan *p, struct err *e)
{
    (void)e;
    plan_add(p, "execute", step_execute, NULL, "%s", p->process.process->args[0]);
    return 0;
}
