/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The end of a foreground container (runtime/monitor.h): the monitor sends EXIT once the exit
 * record is on disk; we claim the cleaning, do it, and say so. Killed in between, we leave it to
 * the monitor, which then starts the cleanup command.
 */
#include <fcntl.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "cli/foreground.h"
#include "sys/file.h"
#include "sys/process.h"
#include "sys/socket.h"
#include "sys/terminal.h"

int foreground_keys(const char *text, struct attach_keys *ret, struct err *e)
{
    if (attach_keys_parse(text ? text : ATTACH_KEYS_DEFAULT, ret) < 0)
        return err_set(e, ERR_INVALID, "detach keys '%s' are not a list of keys like ctrl-p,ctrl-q",
                       text);
    return 0;
}

void foreground_size(struct engine_start *how)
{
    if (sys_is_terminal(STDIN_FILENO))
        (void)sys_terminal_size(STDIN_FILENO, &how->rows, &how->cols); /* else it stays unknown */
}

static void send_type(int socket, enum monitor_packet type)
{
    uint8_t packet = (uint8_t)type;
    int r = sys_send_msg(socket, &packet, sizeof(packet), NULL, 0);
    /* The monitor may be gone: then nobody waits for our word. */
    if (r < 0)
        log_debug("tell the monitor %d: error %d, ignoring", type, -r);
}

/* A pidfd of the container's first process to send signals to, or FD_NONE when it ended already. */
static int first_process(struct engine *en, const char *id)
{
    struct engine_status status = {0};
    auto_free char *full = NULL;
    if (engine_container_status(en, id, &full, &status, NULL) < 0 || status.pid <= 0)
        return FD_NONE;
    int fd = sys_pidfd_open(status.pid);
    return fd < 0 ? FD_NONE : fd;
}

static int output_fd(int fd, bool is_shown, int null)
{
    return is_shown ? fd : null;
}

static int finish(struct engine *en, const struct foreground *f, struct err *e)
{
    send_type(f->socket, MONITOR_CLEANING);
    if (engine_container_finish(en, f->id, e) < 0)
        return -1;
    send_type(f->socket, MONITOR_CLEANED);
    return 0;
}

int foreground_run(struct engine *en, struct foreground *f, int *ret_code, struct err *e)
{
    auto_fd int socket = f->socket;
    auto_fd int null = sys_open(AT_FDCWD, "/dev/null", O_RDWR, 0);
    auto_fd int pidfd = f->flags & FOREGROUND_SIG_PROXY ? first_process(en, f->id) : FD_NONE;
    struct monitor_exit end = {0};
    bool detached = false;
    if (null < 0)
        return err_sys(e, null, "open '/dev/null'");
    struct attach_client client = {
        .socket = socket,
        .in = STDIN_FILENO,
        .out = output_fd(STDOUT_FILENO, f->flags & FOREGROUND_STDOUT, null),
        .err = output_fd(STDERR_FILENO, f->flags & FOREGROUND_STDERR, null),
        .tty = f->flags & FOREGROUND_TTY,
        .interactive = f->flags & FOREGROUND_STDIN,
        .sig_proxy = pidfd >= 0,
        .pidfd = pidfd,
        .detach_keys = f->keys,
    };
    if (attach_monitor_run(&client, &end, &detached, e) < 0)
        return -1;
    *ret_code = detached ? 0 : end.code;
    return detached ? 0 : finish(en, f, e);
}
