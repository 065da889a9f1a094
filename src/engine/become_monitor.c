/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The process that becomes the container's monitor. It is a fork of the engine, so nothing is
 * parsed or opened twice; it makes the container as its own child, and then sheds its weight:
 * execve of the static monitor, same pid, same child.
 *
 *   new session -> create (init stops before its execve) -> record init -> start -> STARTED ->
 * dhow-monitor
 *
 * A failure before STARTED is sent as FAILED with its error; init and cgroup are gone by then. From
 * STARTED on there is no way back: a failure kills the container, and the caller, or the next
 * command, finds a container that ended.
 */
#include "engine/become_monitor.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fault.h"
#include "base/strv.h"
#include "base/trace.h"
#include "sys/file.h"
#include "sys/process.h"
#include "sys/self.h"
#include "sys/socket.h"
#include "sys/terminal.h"

static int say(const struct start *s, enum monitor_packet type, const void *p, size_t n)
{
    char packet[1 + sizeof(struct err) + 512];

    n = MIN(n, sizeof(packet) - 1);
    packet[0] = (char)type;
    memcpy(packet + 1, p, n);
    return sys_send_msg(s->client[1], packet, n + 1, NULL, 0);
}

static int create(struct start *s, struct runtime_container *rc, struct err *e)
{
    if (runtime_create(s->plan, rc, e) < 0)
        return -1;
    for (size_t i = 0; i < ARRAY_LEN(s->config.stdio); i++)
        s->config.stdio[i] = fd_close(s->config.stdio[i]);
    STRV_FOREACH (w, rc->warnings)
        (void)say(s, MONITOR_WARNING, *w, strlen(*w));
    if (rc->terminal_fd >= 0 && s->rows && s->cols)
        (void)sys_terminal_set_size(rc->terminal_fd, s->rows, s->cols); /* a size is a comfort */
    return 0;
}

static int record_and_start(struct start *s, struct runtime_container *rc, struct err *e)
{
    struct rundir_init init = {.pid = rc->pid,
                               .start_ticks = rc->start_ticks,
                               .started_ns = units_now_ns()};
    int r = rundir_write_init(s->rundir, &init);

    if (r < 0)
        return err_sys(e, r, "record the container's first process");
    if (runtime_start(rc, e) == 0)
        return 0;
    (void)sys_unlink(s->rundir, "init"); /* the whole directory goes in a moment */
    return -1;
}

/* Only what a helper needs: the monitor keeps its environment in memory as long as the container
 * lives. */
static char **monitor_environment(void)
{
    char **env = NULL;
    const char *fault = getenv("DHOW_FAULT");

    strv_add(&env, "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
    if (fault)
        strv_addf(&env, "DHOW_FAULT=%s", fault);
    return env;
}

static char **monitor_arguments(struct engine *en, const struct store_container *c, const int *fds)
{
    char self[PATH_MAX];
    char **argv = NULL;
    unsigned mask = 0;

    for (unsigned i = MONITOR_FD_DIR; i < MONITOR_FD_MAX; i++)
        mask |= fds[i] >= 0 ? 1u << i : 0;
    strv_add(&argv, "dhow-monitor");
    strv_add(&argv, c->id);
    strv_addf(&argv, "fds=%x", mask);
    if (sys_readlink(AT_FDCWD, "/proc/self/exe", self, sizeof(self)) > 0) {
        const char *const cleanup[] = {"--",        self,        "--root",  en->root, "--runroot",
                                       en->runroot, "container", "cleanup", c->id};

        for (size_t i = 0; i < ARRAY_LEN(cleanup); i++)
            strv_add(&argv, cleanup[i]);
    }
    return argv;
}

static int execute_monitor(struct engine *en, struct start *s, const struct store_container *c,
                           struct runtime_container *rc)
{
    int fds[MONITOR_FD_MAX] = {
        [0] = s->null,
        [1] = s->null,
        [2] = s->null,
        [MONITOR_FD_DIR] = s->rundir,
        [MONITOR_FD_LOG] = s->log,
        [MONITOR_FD_LISTEN] = sys_listen_at(s->rundir, "attach.sock", 16),
        [MONITOR_FD_CLIENT] = s->attach ? s->client[1] : FD_NONE,
        [MONITOR_FD_PIDFD] = rc->pidfd,
        [MONITOR_FD_STDIN] = s->ours.in,
        [MONITOR_FD_STDOUT] = s->ours.out,
        [MONITOR_FD_STDERR] = s->ours.err,
        [MONITOR_FD_TERMINAL] = rc->terminal_fd,
        [MONITOR_FD_OOM] = rc->oom_fd,
        [MONITOR_FD_ALIVE] = s->alive,
        [MONITOR_FD_LOGDIR] = s->log >= 0 ? s->dir : FD_NONE,
    };
    char **argv = monitor_arguments(en, c, fds), **env = monitor_environment();
    struct monitor_started started = {.type = MONITOR_STARTED, .pid = (int32_t)rc->pid};
    /* Out of the way of the numbers that the others take. */
    int program = sys_dup_above(s->monitor_program, 200), r;

    if (fds[MONITOR_FD_LISTEN] < 0)
        return fds[MONITOR_FD_LISTEN];
    r = say(s, MONITOR_STARTED, (char *)&started + 1, sizeof(started) - 1);
    if (r < 0 && r != -EPIPE && r != -ECONNRESET)
        return r;            /* a caller that is gone is no reason: the container was asked for */
    trace_adopt_fd(FD_NONE); /* its number may be anything from now on */
    r = sys_place_fds(fds, MONITOR_FD_MAX);
    /* From here on only the fixed numbers are true. */
    rc->pidfd = MONITOR_FD_PIDFD;
    rc->terminal_fd = rc->oom_fd = FD_NONE;
    s->client[1] = s->attach ? MONITOR_FD_CLIENT : FD_NONE;
    if (r == 0)
        r = sys_close_range_cloexec(MONITOR_FD_MAX);
    return r < 0 ? r : sys_execveat_fd(program, argv, env);
}

static DHOW_NORETURN void fail(struct start *s, struct runtime_container *rc, const struct err *e)
{
    struct err ignored;

    runtime_container_done(rc);
    (void)runtime_remove(s->launch.cgroup_path, &ignored); /* the caller tries once more */
    (void)say(s, MONITOR_FAILED, e, sizeof(*e)); /* a caller that is gone needs no answer */
    _exit(1);
}

void become_monitor(struct engine *en, struct start *s, const struct store_container *c)
{
    struct runtime_container rc = RUNTIME_CONTAINER_NONE;
    struct err e = {0};
    int r;

    fault_role("monitor");
    trace_role("monitor");
    s->client[0] = fd_close(s->client[0]);
    (void)sys_setsid();   /* fails only for a group's leader, which a fork is not */
    (void)sys_chdir("/"); /* the user's directory is not held for the container's life */
    if (create(s, &rc, &e) < 0 || record_and_start(s, &rc, &e) < 0)
        fail(s, &rc, &e);
    r = execute_monitor(en, s, c, &rc);
    err_sys(&e, r, "execute the monitor program");
    fail(s, &rc, &e);
}
