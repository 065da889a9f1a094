/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The container's streams. There is one chunk of output in flight: it is read, logged, offered to
 * every client, and the next is read when all have it. That is the whole back-pressure: a slow
 * client leaves bytes in the container's own pipe.
 *
 * Trust: the container chooses every byte and the timing; sizes are ours.
 */
#include <errno.h>
#include <unistd.h>

#include "monitor/monitor.h"

void monitor_close_input(struct monitor *m)
{
    if (m->terminal_fd < 0)
        fd_close(m->stdin_fd);
    m->stdin_fd = FD_NONE;
    m->in_begin = m->in_end = 0;
}

void monitor_close_output(struct monitor *m, struct monitor_output *o)
{
    if (o->fd == m->terminal_fd) {
        monitor_close_input(m);
        m->terminal_fd = FD_NONE;
    }
    o->fd = fd_close(o->fd);
}

static void deliver(struct monitor *m, unsigned stream, size_t n)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    m->is_idle = false;
    monitor_log_write(&m->log, stream, &now, (const char *)m->room->out.data, n);
    m->room->out.type = stream == 0 ? MONITOR_STDOUT : MONITOR_STDERR;
    m->out_bytes = n;
    for (struct monitor_client *c = m->clients; c < m->clients + MONITOR_CLIENTS; c++)
        c->is_owed = c->fd >= 0 && !c->is_deaf && !c->is_told && !c->is_quiet;
    monitor_clients_offer(m);
}

void monitor_read_output(struct monitor *m, struct monitor_output *o)
{
    ssize_t n = read(o->fd, m->room->out.data, MONITOR_CHUNK);

    if (n < 0 && (errno == EINTR || errno == EAGAIN))
        return;
    /* EIO is a terminal whose other side nobody holds any more (tty_ldisc(4): hangup). */
    if (n <= 0) {
        monitor_close_output(m, o);
        return;
    }
    if (m->is_late && (o->budget -= n) <= 0)
        monitor_close_output(m, o);
    deliver(m, (unsigned)(o - m->outputs), (size_t)n);
}

void monitor_write_input(struct monitor *m)
{
    while (m->in_begin < m->in_end && m->stdin_fd >= 0) {
        ssize_t n = write(m->stdin_fd, m->room->in.data + m->in_begin, m->in_end - m->in_begin);

        if (n >= 0) {
            m->in_begin += (size_t)n;
        } else if (errno == EAGAIN) {
            return;
        } else if (errno != EINTR) {
            monitor_close_input(m); /* EPIPE: the container reads no more */
        }
    }
    m->in_begin = m->in_end = 0;
    if (m->is_stdin_over)
        monitor_close_input(m);
}

bool monitor_is_drained(const struct monitor *m)
{
    return m->out_bytes == 0 && m->outputs[0].fd < 0 && m->outputs[1].fd < 0;
}
