/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Starting a container. The calling process prepares (everything that can fail for the user's
 * reasons fails here, before anything is made); then it forks the process that becomes the monitor
 * (become_monitor.c), which has the whole engine in memory still, runs the plan, and executes
 * dhow-monitor at the end. The two talk on the socket pair that later is the first attach client.
 *
 * What is made, in order: run directory with its lock held, the container's directory (upper, work,
 * log), then the child's work. Killed anywhere: the run directory without a living lock holder is
 * what heal() finds and undoes.
 */
#include <fcntl.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/str.h"
#include "base/strv.h"
#include "base/trace.h"
#include "engine/become_monitor.h"
#include "engine/engine_internal.h"
#include "sys/file.h"
#include "sys/process.h"
#include "sys/socket.h"

#define ETC_MAX_BYTES (256u << 10)

static void start_done(struct start *s)
{
    runtime_plan_free(s->plan);
    store_fd_list_done(&s->layers);
    launch_done(&s->launch);
    int *const fds[] = {&s->rundir,
                        &s->alive,
                        &s->etc,
                        &s->mount_point,
                        &s->dir,
                        &s->upper,
                        &s->work,
                        &s->log,
                        &s->monitor_program,
                        &s->client[0],
                        &s->client[1],
                        &s->null,
                        &s->ours.in,
                        &s->ours.out,
                        &s->ours.err,
                        &s->config.stdio[0],
                        &s->config.stdio[1],
                        &s->config.stdio[2]};

    for (size_t i = 0; i < ARRAY_LEN(fds); i++)
        *fds[i] = fd_close(*fds[i]);
}

static int open_dir_made(int dirfd, const char *name, int *ret, struct err *e)
{
    int r = sys_mkdir(dirfd, name, 0755);

    if (r < 0 && r != -EEXIST)
        return err_sys(e, r, "make directory '%s'", name);
    *ret = sys_open(dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0);
    return *ret < 0 ? err_sys(e, *ret, "open directory '%s'", name) : 0;
}

static int write_text(int dirfd, const char *name, const char *text, struct err *e)
{
    auto_fd int fd = sys_open(dirfd, name, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, 0644);
    int r = fd < 0 ? fd : sys_write_all(fd, text, strlen(text));

    return r < 0 ? err_sys(e, r, "write '%s' of the container", name) : 0;
}

static char *host_file(const char *path)
{
    char *text = NULL;
    size_t n;

    if (sys_read_file(AT_FDCWD, path, ETC_MAX_BYTES, &text, &n) < 0)
        return alloc_strdup("");
    return text;
}

/* The container's own hostname, hosts and resolv.conf: never written into the image. */
static int write_etc(struct start *s, const struct store_container *c, struct err *e)
{
    bool is_host = s->launch.options.network == ENGINE_NETWORK_HOST;
    const char *hostname = s->launch.hostname ? s->launch.hostname : "localhost";
    auto_free char *base = is_host ? host_file("/etc/hosts")
                                   : alloc_strdup("127.0.0.1\tlocalhost localhost.localdomain\n"
                                                  "::1\tlocalhost localhost.localdomain\n");
    auto_free char *hosts = alloc_printf("%s127.0.1.1\t%s %s\n", base, hostname, c->name);
    auto_free char *resolv = is_host ? host_file("/etc/resolv.conf") : alloc_strdup("");
    auto_free char *name = alloc_printf("%s\n", hostname);

    if (open_dir_made(s->rundir, "etc", &s->etc, e) < 0 ||
        write_text(s->etc, "hosts", hosts, e) < 0 ||
        write_text(s->etc, "resolv.conf", resolv, e) < 0)
        return -1;
    return write_text(s->etc, "hostname", name, e);
}

static int make_rundir(struct engine *en, struct start *s, const char *id, struct err *e)
{
    int r;

    TRACE_SPAN("make the run directory");
    r = sys_mkdir(en->containers_fd, id, 0700);
    if (r < 0)
        return err_sys(e, r, "make the run directory of container '%.12s'", id);
    r = rundir_open(en, id, &s->rundir);
    if (r < 0)
        return err_sys(e, r, "open the run directory of container '%.12s'", id);
    s->alive = sys_open(s->rundir, "alive", O_RDWR | O_CREAT | O_NOFOLLOW, 0600);
    r = s->alive < 0 ? s->alive : sys_try_lock(s->alive, SYS_LOCK_EXCLUSIVE);
    if (r < 0)
        return err_sys(e, r, "lock the run directory of container '%.12s'", id);
    return open_dir_made(s->rundir, "rootfs", &s->mount_point, e);
}

static int make_dirs(struct engine *en, struct start *s, const struct store_container *c,
                     struct err *e)
{
    TRACE_SPAN("make the container's directories");
    if (store_container_dir(en->store, c->id, true, &s->dir, e) < 0 ||
        open_dir_made(s->dir, "upper", &s->upper, e) < 0 ||
        open_dir_made(s->dir, "work", &s->work, e) < 0)
        return -1;
    if (!str_equal(s->launch.options.log_driver, "none")) {
        s->log =
            sys_open(s->dir, MONITOR_LOG_NAME, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW, 0600);
        if (s->log < 0)
            return err_sys(e, s->log, "open the log of container '%.12s'", c->id);
    }
    return write_etc(s, c, e);
}

static int open_helpers(struct engine *en, struct start *s, struct err *e)
{
    auto_free char *program = engine_helper(en, "dhow-monitor");
    int r;

    s->monitor_program = sys_open(AT_FDCWD, program, O_RDONLY, 0);
    if (s->monitor_program < 0)
        return err_sys(e, s->monitor_program, "open the monitor program '%s'", program);
    s->null = sys_open(AT_FDCWD, "/dev/null", O_RDWR, 0);
    if (s->null < 0)
        return err_sys(e, s->null, "open '/dev/null'");
    r = sys_socketpair_seqpacket(s->client);
    return r < 0 ? err_sys(e, r, "make a socket pair") : 0;
}

static int make_pipe(int *ret_read, int *ret_write, struct err *e)
{
    int p[2], r = sys_pipe(p);

    if (r < 0)
        return err_sys(e, r, "make a pipe");
    *ret_read = p[0];
    *ret_write = p[1];
    return 0;
}

/* Without a terminal: pipes; stdin only for an interactive container, else its own /dev/null. */
static int make_streams(struct start *s, struct err *e)
{
    const struct engine_options *o = &s->launch.options;
    int *theirs = s->config.stdio;

    if (o->tty)
        return 0;
    if (o->interactive && make_pipe(&theirs[0], &s->ours.in, e) < 0)
        return -1;
    if (make_pipe(&s->ours.out, &theirs[1], e) < 0)
        return -1;
    return make_pipe(&s->ours.err, &theirs[2], e);
}

static int make_plan(struct start *s, const char *id, struct err *e)
{
    struct runtime_config *r = &s->config;

    TRACE_SPAN("plan");
    *r = (struct runtime_config){
        .id = id,
        .spec = &s->launch.spec,
        .rootfs = {.lower_fds = s->layers.items,
                   .n_lowers = s->layers.len,
                   .upper_fd = s->upper,
                   .work_fd = s->work,
                   .mount_point_fd = s->mount_point},
        .stdio = {r->stdio[0], r->stdio[1], r->stdio[2]},
        .user = s->launch.user,
        .user_groups = s->launch.options.group_add,
        .set_home = true,
        .create_cwd = true,
        .bundle_dirfd = FD_NONE,
        .etc_dirfd = s->etc,
        .start_listener = FD_NONE,
    };
    return runtime_plan(r, &s->plan, e);
}

static int prepare(struct engine *en, struct start *s, const struct store_container *c,
                   struct err *e)
{
    if (launch_build(en, c, &s->launch, e) < 0)
        return -1;
    if (c->image_id && store_image_open_layers(en->store, c->image_id, &s->layers, e) < 0)
        return -1;
    if (open_helpers(en, s, e) < 0 || make_rundir(en, s, c->id, e) < 0 ||
        make_dirs(en, s, c, e) < 0 || make_streams(s, e) < 0)
        return -1;
    return make_plan(s, c->id, e);
}

/* Reads the new monitor's words until it says how it went. */
static int await_started(int client, char ***ret_warnings, struct err *e)
{
    char packet[sizeof(struct err) + 1024];

    TRACE_SPAN("wait for the container");
    for (;;) {
        ssize_t n = sys_recv_msg(client, packet, sizeof(packet) - 1, NULL, NULL);

        if (n < 0)
            return err_sys(e, (int)n, "hear from the container's monitor");
        if (n == 0)
            return err_set(e, ERR_INTERNAL,
                           "the container's monitor died while it was starting the container");
        packet[n] = 0;
        switch (packet[0]) {
        case MONITOR_STARTED:
            return 0;
        case MONITOR_WARNING:
            if (ret_warnings)
                strv_add(ret_warnings, packet + 1);
            break;
        case MONITOR_FAILED:
            if (e && n == 1 + (ssize_t)sizeof(*e))
                memcpy(e, packet + 1, sizeof(*e));
            return -1;
        default:
            return err_set(e, ERR_INTERNAL, "unexpected packet %d of the container's monitor",
                           packet[0]);
        }
    }
}

static int launch_monitor(struct engine *en, struct start *s, const struct store_container *c,
                          char ***ret_warnings, struct err *e)
{
    auto_fd int pidfd = FD_NONE;
    int status;
    pid_t pid = sys_clone(&(struct sys_clone_args){.cgroup_fd = FD_NONE, .ret_pidfd = &pidfd});

    if (pid == 0)
        become_monitor(en, s, c);
    s->client[1] = fd_close(s->client[1]);
    /* The lock now belongs to the child alone: it must end with it. */
    s->alive = fd_close(s->alive);
    if (pid < 0)
        return err_sys(e, pid, "fork the container's monitor");
    if (await_started(s->client[0], ret_warnings, e) == 0)
        return 0;
    /* It said that it failed, or it died; whatever else it is doing, it must end, and its container
     * with it. */
    (void)sys_pidfd_send_signal(pidfd, SIGKILL);
    (void)sys_wait(pid, &status);
    return -1;
}

/* After a failed start: nothing of it stays. */
static void undo(struct engine *en, const struct store_container *c, bool has_rundir)
{
    auto_free char *cgroup = launch_cgroup_path_of(c);

    if (!has_rundir)
        return;
    (void)runtime_remove(cgroup, NULL); /* heal() tries again: the run directory goes last */
    (void)rundir_remove(en, c->id);
}

/* With the time that the monitor wrote down: by now the container may have ended. A failure is no
 * failure of the start: the run directory has the truth, and the end records it too. */
static void record_start(struct engine *en, const struct start *s, const struct store_container *c)
{
    struct rundir_init init = {.started_ns = 0};
    struct err e = {0};

    if (rundir_read_init(s->rundir, &init) == 0 &&
        store_container_set_started(en->store, c->id, init.started_ns, &e) < 0)
        log_warn("record the start of container %.12s: %s, ignoring", c->id, e.msg);
}

static int start_locked(struct engine *en, const struct store_container *c,
                        const struct engine_start *how, int *ret_client, char ***ret_warnings,
                        struct err *e)
{
    struct start s = START_NONE;
    int r;

    s.attach = how->attach;
    s.rows = how->rows;
    s.cols = how->cols;
    r = prepare(en, &s, c, e);
    if (r == 0)
        r = launch_monitor(en, &s, c, ret_warnings, e);
    if (r == 0)
        record_start(en, &s, c);
    else
        undo(en, c, s.rundir >= 0);
    if (r == 0 && how->attach && ret_client)
        *ret_client = take_fd(&s.client[0]);
    start_done(&s);
    return r;
}

/* A container that ended and was not tidied up is tidied up first; with --rm that was its end. */
static int tidy_before(struct engine *en, struct store_container *c, struct err *e)
{
    auto_fd int dir = FD_NONE;

    if (rundir_open(en, c->id, &dir) < 0)
        return 0;
    return finish_locked(en, c, e);
}

int engine_container_start(struct engine *en, const char *name, const struct engine_start *how,
                           int *ret_client, char ***ret_warnings, struct err *e)
{
    DHOW_CLEANUP(store_container_done) struct store_container c = {0};
    DHOW_CLEANUP(store_container_done) struct store_container again = {0};
    struct engine_status status;
    auto_fd int lock = FD_NONE;
    int r;

    TRACE_SPAN("start");
    if (store_container_find(en->store, name, &c, e) < 0 || lock_container(en, c.id, &lock, e) < 0)
        return -1;
    status_of(en, &c, &status);
    if (status_is_alive(&status)) {
        if (how->attach)
            return engine_container_attach(en, c.id, ret_client, NULL, e);
        return 0;
    }
    if (tidy_before(en, &c, e) < 0 || store_container_find(en->store, c.id, &again, e) < 0)
        return -1;
    r = start_locked(en, &again, how, ret_client, ret_warnings, e);
    if (r < 0 && again.auto_remove)
        (void)remove_locked(en, again.id, NULL); /* the start's error is what the user must hear */
    return r;
}

int engine_container_attach(struct engine *en, const char *name, int *ret_client, bool *ret_tty,
                            struct err *e)
{
    DHOW_CLEANUP(store_container_done) struct store_container c = {0};
    struct engine_options o = {0};
    struct engine_status status;
    auto_fd int dir = FD_NONE;
    int fd;

    if (store_container_find(en->store, name, &c, e) < 0)
        return -1;
    status_of(en, &c, &status);
    if (status.state != ENGINE_RUNNING)
        return err_set(e, ERR_BAD_STATE,
                       "you can only attach to running containers: container '%s' is %s", c.name,
                       engine_state_name(status.state));
    if (ret_tty) {
        if (options_load(&c, &o, e) < 0)
            return -1;
        *ret_tty = o.tty;
        engine_options_done(&o);
    }
    fd = rundir_open(en, c.id, &dir);
    if (fd == 0)
        fd = sys_connect_at(dir, "attach.sock");
    if (fd < 0)
        return err_sys(e, fd, "attach to container '%s'", c.name);
    *ret_client = fd;
    return 0;
}
