/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What create, run and exec do with a process: its descriptors, and waiting for it. */
#include <fcntl.h>
#include <unistd.h>

#include "attach/attach.h"
#include "base/log.h"
#include "base/strv.h"
#include "runtime_cli/runtime_cli.h"
#include "sys/file.h"
#include "sys/process.h"
#include "sys/terminal.h"

int io_options_value(const struct io_options *o, struct lifecycle_process_io *ret, struct err *e)
{
    if (o->preserve_fds.is_set && o->preserve_fds.value > UINT32_MAX)
        return err_set(e, ERR_INVALID, "--preserve-fds is too large");
    *ret = (struct lifecycle_process_io){.console_socket = o->console_socket,
                                         .pidfd_socket = o->pidfd_socket,
                                         .pid_file = o->pid_file,
                                         .preserve_fds = (unsigned)o->preserve_fds.value};
    return 0;
}

void print_process_warnings(const struct lifecycle_process *p)
{
    STRV_FOREACH (w, p->warnings)
        log_warn("%s", *w);
}

void foreground_prepare(const struct lifecycle_process *p)
{
    uint16_t rows, cols;

    if (p->terminal_fd < 0)
        return;
    /* Both are comforts. */
    if (sys_is_terminal(STDIN_FILENO) && sys_terminal_size(STDIN_FILENO, &rows, &cols) == 0)
        (void)sys_terminal_set_size(p->terminal_fd, rows, cols);
    if (!sys_is_terminal(STDOUT_FILENO))
        (void)sys_terminal_keep_newlines(p->terminal_fd);
}

struct readiness {
    struct attach_watch watch;
    const struct lifecycle_config *config;
};

/* systemd is to watch us, who end when the container does. */
static void relay_readiness(struct attach_watch *w)
{
    const struct readiness *r = (const struct readiness *)w; /* its first member */
    struct err e = {0};
    int is_ready = lifecycle_notify_relay(r->config, w->fd, getpid(), &e);

    if (is_ready < 0)
        log_warn("%s", e.msg);
    if (is_ready != 0)
        w->fd = fd_close(w->fd);
}

int foreground_wait(struct cli *cli, struct lifecycle_process *p, int *ret_code, struct err *e)
{
    struct readiness readiness = {.watch = {.fd = take_fd(&p->notify_fd), .ready = relay_readiness},
                                  .config = &cli->config->lifecycle};
    struct attach_session session = {.stdin_fd = FD_NONE,
                                     .stdout_fd = FD_NONE,
                                     .stderr_fd = FD_NONE,
                                     .terminal_fd = take_fd(&p->terminal_fd)};
    bool has_terminal = session.terminal_fd >= 0, detached = false;
    struct attach_client client = {
        .socket = FD_NONE,
        .in = STDIN_FILENO,
        .out = STDOUT_FILENO,
        .err = STDERR_FILENO,
        .tty = has_terminal,
        .interactive = has_terminal,
        .sig_proxy = true,
        .pidfd = p->pidfd,
        .watch = &readiness.watch,
    };
    int status, r = attach_stdio_run(&client, &session, &detached, e);

    fd_close(readiness.watch.fd);
    if (r < 0)
        return -1;
    r = sys_wait(p->pid, &status);
    if (r < 0)
        return err_sys(e, r, "wait for the process");
    *ret_code = sys_exit_code_of_status(status);
    return 0;
}

int give_up(struct cli *cli, const char *id, const char *pid_file)
{
    struct err e = {0};

    if (lifecycle_delete(&cli->config->lifecycle, id, LIFECYCLE_FORCE, &e) < 0)
        log_error("%s", e.msg);
    if (pid_file)
        (void)sys_unlink(AT_FDCWD, pid_file); /* of a process that is no more */
    return -1;
}

int foreground_container(struct cli *cli, const char *id, const char *pid_file,
                         struct lifecycle_process *p, unsigned flags, struct err *e)
{
    int code = 0;

    if (foreground_wait(cli, p, &code, e) < 0)
        return give_up(cli, id, pid_file);
    if (!(flags & FOREGROUND_KEEP) &&
        lifecycle_delete(&cli->config->lifecycle, id, LIFECYCLE_FORCE, e) < 0)
        return give_up(cli, id, pid_file);
    return code;
}
