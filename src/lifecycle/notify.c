/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A caller that waits for readiness (systemd, Type=notify) has given us $NOTIFY_SOCKET. Its socket
 * is not for the container: a directory of the state, ROOT/ID/notify, is shown there read-only as
 * /run/notify, and the command's own $NOTIFY_SOCKET is notify.sock in it, as runc has it. The
 * socket is bound by whoever starts the container, and gone when that has heard what it waits for.
 *
 * Trust boundary: what comes is the container's. Of it only the line "READY=1" counts, and what is
 * passed on are words of ours: that, the pid to watch, and a barrier, which tells when the caller
 * has taken both (its senders are looked up while they live).
 */
#include "lifecycle/notify.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/log.h"
#include "base/str.h"
#include "base/strv.h"
#include "sys/file.h"
#include "sys/socket.h"

#define DIRECTORY   "notify"
#define SOCKET      "notify.sock"
#define INSIDE      "/run/notify"
#define MESSAGE_MAX 4096
#define BARRIER_MS  30000

int notify_prepare(const struct state_dir *d, struct oci_spec *spec, struct err *e)
{
    auto_fd int fd = FD_NONE;
    char link[32], path[PATH_MAX];
    int r = sys_mkdir(d->fd, DIRECTORY, 0755);

    if (r == 0)
        r = fd = sys_open(d->fd, DIRECTORY, O_PATH | O_DIRECTORY | O_NOFOLLOW, 0);
    if (r >= 0) {
        snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
        r = sys_readlink(AT_FDCWD, link, path, sizeof(path));
    }
    if (r < 0)
        return err_sys(e, r, "make the directory of container '%s' for notifications", d->id);
    oci_spec_add_mount(spec, INSIDE, "bind", path, "bind,nosuid,noexec,nodev,ro");
    strv_env_set(&spec->process->env, "NOTIFY_SOCKET=" INSIDE "/" SOCKET);
    return 0;
}

int notify_listen(const struct state_dir *d, int *ret, struct err *e)
{
    auto_fd int dir = sys_open(d->fd, DIRECTORY, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0);
    int fd;

    *ret = FD_NONE;
    if (dir == -ENOENT)
        return 0;
    fd = dir < 0 ? dir : sys_listen_datagrams_at(dir, SOCKET, 0777);
    if (fd < 0)
        return err_sys(e, fd, "make the socket of container '%s' for notifications", d->id);
    *ret = fd;
    return 0;
}

/* The caller closes its copy of the descriptor when it has come to it. */
static void wait_for_barrier(const char *socket)
{
    int ends[2], r = sys_pipe(ends);
    struct pollfd p = {.events = POLLIN};

    if (r < 0)
        return; /* only a courtesy */
    r = sys_send_datagram(socket, "BARRIER=1", 9, &ends[1], 1);
    fd_close(ends[1]);
    p.fd = ends[0];
    if (r == 0 && poll(&p, 1, BARRIER_MS) == 0)
        log_warn("'%s' does not answer to BARRIER=1", socket);
    fd_close(ends[0]);
}

static int tell(const char *socket, pid_t main_pid, struct err *e)
{
    auto_free char *pid = alloc_printf("MAINPID=%d\n", (int)main_pid);
    int r = sys_send_datagram(socket, "READY=1\n", 8, NULL, 0);

    if (r == 0)
        r = sys_send_datagram(socket, pid, strlen(pid), NULL, 0);
    if (r < 0)
        return err_sys(e, r, "notify '%s'", socket);
    wait_for_barrier(socket);
    return 0;
}

static bool says_ready(const char *text, size_t n)
{
    auto_free char *copy = alloc_strndup(text, n); /* to the first NUL */
    auto_strv lines = strv_split(copy, '\n');

    return strv_has(lines, "READY=1");
}

int lifecycle_notify_relay(const struct lifecycle_config *config, int fd, pid_t main_pid,
                           struct err *e)
{
    char text[MESSAGE_MAX];
    ssize_t n = sys_recv_msg(fd, text, sizeof(text), NULL, NULL);

    if (n == -EAGAIN || n == -EMSGSIZE)
        return 0;
    if (n < 0)
        return err_sys(e, (int)n, "receive a notification");
    if (!says_ready(text, (size_t)n))
        return 0;
    return tell(config->notify_socket, main_pid, e) < 0 ? -1 : 1;
}

int notify_wait(const struct lifecycle_config *config, int fd, const struct lifecycle_state *s,
                struct err *e)
{
    auto_fd int init = FD_NONE;
    int r = 0;

    if (state_open_init(s, &init, e) < 0)
        return -1;
    while (r == 0) {
        struct pollfd p[] = {{.fd = fd, .events = POLLIN}, {.fd = init, .events = POLLIN}};

        if (init < 0)
            return 0; /* it has ended already */
        if (poll(p, ARRAY_LEN(p), -1) < 0) {
            if (errno != EINTR)
                return err_sys(e, -errno, "wait for a notification");
            continue;
        }
        if (p[0].revents)
            r = lifecycle_notify_relay(config, fd, (pid_t)s->pid, e);
        else if (p[1].revents)
            return 0;
    }
    return r < 0 ? -1 : 0;
}
