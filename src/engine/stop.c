/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Ending a running container and waiting for the end, by pidfd: no poll of the process table, no
 * signal to a pid that was used again. Who waits for an end waits for two things: the process is
 * dead, and its exit record is there (the monitor drains the container's output first) or its
 * monitor is dead.
 */
#include <errno.h>
#include <poll.h>
#include <time.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/str.h"
#include "base/trace.h"
#include "base/units.h"
#include "cgroup/cgroup.h"
#include "engine/engine_internal.h"
#include "runtime/monitor.h"
#include "runtime/runtime.h"
#include "sys/file.h"
#include "sys/process.h"
#include "sys/socket.h"

#define DEFAULT_STOP_TIMEOUT_S 10
#define KILL_TIMEOUT_MS        10000
#define RECORD_TIMEOUT_MS      5000

/* A pidfd of the first process, checked against its start time. -ESRCH when it is not alive. */
static int open_first_process(struct engine *en, const char *id, int *ret_pidfd)
{
    auto_fd int dir = FD_NONE;
    auto_fd int pidfd = FD_NONE;
    struct rundir_init init;
    int r = rundir_open(en, id, &dir);

    if (r == 0)
        r = rundir_read_init(dir, &init);
    if (r < 0)
        return r == -ENOENT ? -ESRCH : r;
    pidfd = init.is_this_boot ? sys_pidfd_open(init.pid) : -ESRCH;
    if (pidfd < 0)
        return pidfd;
    if (sys_process_is_alive(init.pid, init.start_ticks) != 1)
        return -ESRCH;
    *ret_pidfd = take_fd(&pidfd);
    return 0;
}

/* 0: dead; -ETIMEDOUT. timeout_ms < 0: forever. */
static int wait_dead(int pidfd, int timeout_ms)
{
    uint64_t end_ns = units_monotonic_ns() + (uint64_t)(timeout_ms < 0 ? 0 : timeout_ms) * 1000000;

    for (;;) {
        struct pollfd p = {.fd = pidfd, .events = POLLIN};
        uint64_t now = units_monotonic_ns();
        int left = timeout_ms < 0  ? -1
                   : now >= end_ns ? 0
                                   : (int)((end_ns - now + 999999) / 1000000);
        int r = poll(&p, 1, left);

        if (r > 0)
            return 0;
        if (r < 0 && errno != EINTR)
            return -errno;
        if (r == 0 && left == 0)
            return -ETIMEDOUT;
    }
}

/* After the first process is dead: until the monitor has written the record, or is gone. `ret` is
 * untouched when there is none. */
static void await_record(int rundir, struct rundir_exit *ret)
{
    struct timespec nap = {.tv_nsec = 1000000};
    uint64_t end_ns = units_monotonic_ns() + RECORD_TIMEOUT_MS * 1000000ull;

    while (rundir_read_exit(rundir, ret) < 0 && rundir_has_monitor(rundir) &&
           units_monotonic_ns() < end_ns)
        (void)nanosleep(&nap, NULL);
    (void)
        rundir_read_exit(rundir,
                         ret); /* the monitor may have written it and gone between the two looks */
}

static int settle(struct engine *en, const char *id, struct err *e)
{
    auto_fd int dir = FD_NONE;
    struct rundir_exit x;

    if (rundir_open(en, id, &dir) < 0)
        return 0;
    await_record(dir, &x);
    return engine_container_finish(en, id, e);
}

static int stop_timeout_s(const struct engine_options *o, int given)
{
    if (given >= 0)
        return given;
    return o->stop_timeout.is_set ? (int)MIN(o->stop_timeout.value, (uint64_t)INT32_MAX / 1000)
                                  : DEFAULT_STOP_TIMEOUT_S;
}

static int signal_and_wait(const struct store_container *c, int pidfd, int sig, int timeout_s,
                           struct err *e)
{
    int r = 0;

    if (timeout_s > 0) {
        r = sys_pidfd_send_signal(pidfd, sig);
        if (r == 0)
            r = wait_dead(pidfd, timeout_s * 1000);
        if (r == 0 || r == -ESRCH)
            return 0;
        if (r != -ETIMEDOUT)
            return err_sys(e, r, "stop container '%s'", c->name);
    }
    r = sys_pidfd_send_signal(pidfd, 9);
    if (r == -ESRCH)
        return 0;
    if (r == 0)
        r = wait_dead(pidfd, KILL_TIMEOUT_MS);
    return r < 0 ? err_sys(e, r, "kill container '%s'", c->name) : 0;
}

int engine_container_stop(struct engine *en, const char *name, int timeout_s, char **ret_id,
                          struct err *e)
{
    DHOW_CLEANUP(store_container_done) struct store_container c = {0};
    struct engine_options o = {0};
    struct engine_status s;
    auto_fd int pidfd = FD_NONE;
    int sig, r;

    TRACE_SPAN("stop");
    if (store_container_find(en->store, name, &c, e) < 0)
        return -1;
    status_of(en, &c, &s);
    if (s.state == ENGINE_PAUSED)
        return err_set(e, ERR_BAD_STATE, "container '%s' is paused: unpause it first", c.name);
    if (options_load(&c, &o, e) < 0)
        return -1;
    if (launch_stop_signal(en, &c, &o, &sig) < 0)
        sig = 15;
    timeout_s = stop_timeout_s(&o, timeout_s);
    engine_options_done(&o);
    r = open_first_process(en, c.id, &pidfd);
    if (r == 0 && signal_and_wait(&c, pidfd, sig, timeout_s, e) < 0)
        return -1;
    if (r < 0 && r != -ESRCH)
        return err_sys(e, r, "stop container '%s'", c.name);
    if (settle(en, c.id, e) < 0)
        return -1;
    if (ret_id)
        *ret_id = take_ptr(&c.id);
    return 0;
}

int engine_container_kill(struct engine *en, const char *name, int sig, char **ret_id,
                          struct err *e)
{
    DHOW_CLEANUP(store_container_done) struct store_container c = {0};
    struct engine_status s;
    auto_fd int pidfd = FD_NONE;
    int r;

    if (store_container_find(en->store, name, &c, e) < 0)
        return -1;
    status_of(en, &c, &s);
    if (!status_is_alive(&s))
        return err_set(e, ERR_BAD_STATE, "can only kill running containers: container '%s' is %s",
                       c.name, engine_state_name(s.state));
    r = open_first_process(en, c.id, &pidfd);
    if (r == 0)
        r = sys_pidfd_send_signal(pidfd, sig);
    if (r < 0 && r != -ESRCH)
        return err_sys(e, r, "send signal %d to container '%s'", sig, c.name);
    if (ret_id)
        *ret_id = take_ptr(&c.id);
    return 0;
}

/* The monitor tells the end to its clients before anybody tidies up, so that the code is had even
 * when --rm takes the container away at once. -ENOENT: there is no monitor to ask. */
static int hear_exit(int rundir, int *ret_code)
{
    static const uint8_t quiet = MONITOR_QUIET;
    auto_fd int socket = sys_connect_at(rundir, "attach.sock");
    uint8_t packet[1 + MONITOR_CHUNK];
    struct monitor_exit x;
    ssize_t n;

    if (socket < 0 || sys_send_msg(socket, &quiet, sizeof(quiet), NULL, 0) < 0)
        return -ENOENT;
    do
        n = sys_recv_msg(socket, packet, sizeof(packet), NULL, NULL);
    while (n > 0 && packet[0] != MONITOR_EXIT);
    if (n != (ssize_t)sizeof(x))
        return -ENOENT;
    memcpy(&x, packet, sizeof(x));
    *ret_code = x.code;
    return 0;
}

/* Without a monitor: the process's end, and what record there is. `ret_code` is untouched when
 * there is none. */
static int await_end(struct engine *en, const char *id, int rundir, int *ret_code)
{
    auto_fd int pidfd = FD_NONE;
    struct rundir_exit x = {.code = *ret_code};
    int r = 0;

    if (open_first_process(en, id, &pidfd) == 0)
        r = wait_dead(pidfd, -1);
    await_record(rundir, &x);
    *ret_code = x.code;
    return r;
}

int engine_container_wait(struct engine *en, const char *name, int *ret_code, struct err *e)
{
    DHOW_CLEANUP(store_container_done) struct store_container c = {0};
    DHOW_CLEANUP(store_container_done) struct store_container after = {0};
    auto_fd int dir = FD_NONE;
    struct engine_status s;
    int code = -1, r = 0;

    if (store_container_find(en->store, name, &c, e) < 0)
        return -1;
    if (rundir_open(en, c.id, &dir) == 0 && hear_exit(dir, &code) < 0)
        r = await_end(en, c.id, dir, &code);
    if (r < 0)
        return err_sys(e, r, "wait for container '%s'", c.name);
    if (code < 0) {
        if (store_container_find(en->store, c.id, &after, e) < 0)
            return -1;
        status_of(en, &after, &s);
        code = s.exit_code;
    }
    *ret_code = code;
    return 0;
}

int engine_container_pause(struct engine *en, const char *name, bool pause, char **ret_id,
                           struct err *e)
{
    DHOW_CLEANUP(store_container_done) struct store_container c = {0};
    auto_free char *path = NULL;
    auto_fd int lock = FD_NONE;
    auto_fd int dir = FD_NONE;
    struct engine_status s;
    struct cgroup *g = NULL;
    int r;

    if (store_container_find(en->store, name, &c, e) < 0 || lock_container(en, c.id, &lock, e) < 0)
        return -1;
    status_of(en, &c, &s);
    if (s.state != (pause ? ENGINE_RUNNING : ENGINE_PAUSED))
        return err_set(e, ERR_BAD_STATE, "container '%s' is %s: can't %s it", c.name,
                       engine_state_name(s.state), pause ? "pause" : "unpause");
    path = launch_cgroup_path_of(&c);
    r = rundir_open(en, c.id, &dir);
    if (r < 0)
        return err_sys(e, r, "open the run directory of container '%s'", c.name);
    /* The mark is set first and removed last: a frozen container is never taken for a running one.
     */
    if (pause && (r = rundir_set_paused(dir, true)) < 0)
        return err_sys(e, r, "mark container '%s' as paused", c.name);
    r = cgroup_open(path, &g, e);
    if (r == 0)
        r = cgroup_freeze(g, pause, e);
    cgroup_free(g);
    if (r < 0 || !pause)
        (void)rundir_set_paused(dir, r < 0 && !pause);
    if (r == 0 && ret_id)
        *ret_id = take_ptr(&c.id);
    return r;
}

static int remove_now(struct engine *en, const char *id, struct err *e)
{
    DHOW_CLEANUP(store_container_done) struct store_container c = {0};
    auto_fd int lock = FD_NONE;
    auto_free char *cgroup = NULL;
    struct engine_status s;

    if (lock_container(en, id, &lock, e) < 0)
        return -1;
    if (store_container_find(en->store, id, &c, e) < 0) {
        if (!e || e->kind != ERR_NOT_FOUND)
            return -1;
        lock_forget(en, id);
        return 0; /* --rm was quicker */
    }
    status_of(en, &c, &s);
    if (status_is_alive(&s))
        return err_set(e, ERR_BAD_STATE, "container '%s' is running again", c.name);
    cgroup = launch_cgroup_path_of(&c);
    if (runtime_remove(cgroup, e) < 0)
        return -1;
    return remove_locked(en, id, e);
}

int engine_container_remove(struct engine *en, const char *name, unsigned flags, int timeout_s,
                            char **ret_id, struct err *e)
{
    DHOW_CLEANUP(store_container_done) struct store_container c = {0};
    struct engine_status s;

    TRACE_SPAN("remove");
    if (store_container_find(en->store, name, &c, e) < 0) {
        bool is_fine = (flags & ENGINE_REMOVE_IGNORE_MISSING) && e && e->kind == ERR_NOT_FOUND;

        return is_fine ? 0 : -1;
    }
    status_of(en, &c, &s);
    if (status_is_alive(&s) && !(flags & ENGINE_REMOVE_FORCE))
        return err_set(e, ERR_BAD_STATE,
                       "cannot remove container '%s' as it is %s: running or paused containers "
                       "cannot be removed without force",
                       c.name, engine_state_name(s.state));
    if (s.state == ENGINE_PAUSED && engine_container_pause(en, c.id, false, NULL, e) < 0)
        return -1;
    if (status_is_alive(&s) && engine_container_stop(en, c.id, timeout_s, NULL, e) < 0)
        return -1;
    if (remove_now(en, c.id, e) < 0)
        return -1;
    if (ret_id)
        *ret_id = take_ptr(&c.id);
    return 0;
}
