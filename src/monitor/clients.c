/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The attach protocol, monitor's side (runtime/monitor.h has the picture).
 *
 * Nothing here blocks. A client is owed at most one chunk, and the order of packets on its socket
 * is the order of the container's bytes. Input of all clients goes through one buffer: a client
 * whose next packet is input stays unread while that is taken (its packet is peeked at first), so a
 * container that reads nothing holds back the sender, not the others.
 *
 * Trust: clients are processes of our own uid or of root (SO_PEERCRED at the accept); their packets
 * may still be malformed or cut, those are ignored. They cannot make us allocate, wait or end.
 */
#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "monitor/monitor.h"
#include "sys/socket.h"
#include "sys/terminal.h"

#define FOREACH_CLIENT(c, m)                                                                       \
    for (typeof(&(m)->clients[0]) c = (m)->clients; c < (m)->clients + MONITOR_CLIENTS; c++)       \
        if (c->fd >= 0)

bool monitor_clients_full(const struct monitor *m)
{
    size_t n = 0;

    for (size_t i = 0; i < MONITOR_CLIENTS; i++)
        n += m->clients[i].fd >= 0;
    return n == MONITOR_CLIENTS;
}

bool monitor_clients_any(const struct monitor *m)
{
    for (size_t i = 0; i < MONITOR_CLIENTS; i++)
        if (m->clients[i].fd >= 0)
            return true;
    return false;
}

void monitor_client_add(struct monitor *m, int fd)
{
    for (size_t i = 0; i < MONITOR_CLIENTS; i++) {
        if (m->clients[i].fd >= 0)
            continue;
        m->clients[i] = (struct monitor_client){.fd = fd};
        return;
    }
    fd_close(fd);
}

void monitor_clients_accept(struct monitor *m)
{
    auto_fd int fd = sys_accept(m->listen_fd);
    uid_t uid;

    if (fd < 0) {
        /* Out of fds or memory: poll would return at once again and again. */
        m->is_accept_paused = fd != -EAGAIN && fd != -ECONNABORTED && fd != -EINTR;
        m->is_idle = false;
        return;
    }
    if (sys_peer_uid(fd, &uid) == 0 && (uid == 0 || uid == geteuid()))
        monitor_client_add(m, take_fd(&fd));
}

static void client_remove(struct monitor *m, struct monitor_client *c)
{
    fd_close(c->fd);
    if (c->is_cleaning && m->phase == MONITOR_CLEANUP)
        m->phase = MONITOR_ABANDONED;
    *c = (struct monitor_client){.fd = FD_NONE};
    m->is_accept_paused = false;
}

/* False when the socket is full. A client that is gone becomes deaf: what it sent before is still
 * to be read. */
static bool client_send(struct monitor_client *c, const void *packet, size_t n)
{
    ssize_t r;

    do
        r = send(c->fd, packet, n, MSG_DONTWAIT | MSG_NOSIGNAL);
    while (r < 0 && errno == EINTR);
    if (r < 0 && errno == EAGAIN)
        return false;
    if (r < 0)
        c->is_deaf = true;
    return true;
}

void monitor_clients_offer(struct monitor *m)
{
    bool is_anyone_owed = false;

    if (m->out_bytes == 0)
        return;
    FOREACH_CLIENT(c, m)
    {
        if (c->is_owed)
            c->is_owed = !client_send(c, &m->room->out, 1 + m->out_bytes);
        is_anyone_owed |= c->is_owed;
    }
    if (!is_anyone_owed)
        m->out_bytes = 0;
}

void monitor_clients_tell(struct monitor *m)
{
    FOREACH_CLIENT(c, m)
    if (!c->is_told && !c->is_deaf)
        c->is_told = client_send(c, &m->exit, sizeof(m->exit));
}

bool monitor_clients_all_told(const struct monitor *m)
{
    FOREACH_CLIENT(c, m)
    if (!c->is_told && !c->is_deaf)
        return false;
    return true;
}

bool monitor_client_wants(const struct monitor *m, const struct monitor_client *c,
                          short *ret_events)
{
    bool is_sending = c->is_owed || (m->phase >= MONITOR_TELLING && !c->is_told && !c->is_deaf);

    bool is_waiting = c->holds_input && m->in_end > 0;

    if (c->fd < 0)
        return false;
    *ret_events = (short)((is_waiting ? 0 : POLLIN) | (is_sending ? POLLOUT : 0));
    /* A hangup is reported even when nothing is asked for, and would make us spin. */
    return *ret_events != 0;
}

static void set_window(struct monitor *m, const struct monitor_chunk *packet, ssize_t n)
{
    struct monitor_winsize w;

    if (n != (ssize_t)sizeof(w) || m->terminal_fd < 0)
        return;
    memcpy(&w, packet, sizeof(w));
    (void)sys_terminal_set_size(m->terminal_fd, w.rows, w.cols); /* a wrong size harms nobody */
}

static void take_packet(struct monitor *m, struct monitor_client *c, const void *packet, ssize_t n)
{
    switch (*(const uint8_t *)packet) {
    case MONITOR_STDIN: /* lies in room.in */
        m->in_begin = 0;
        m->in_end = (size_t)n - 1;
        m->is_idle = false;
        monitor_write_input(m);
        break;
    case MONITOR_STDIN_EOF:
        m->is_stdin_over = m->terminal_fd < 0;
        monitor_write_input(m);
        break;
    case MONITOR_WINSIZE:
        set_window(m, packet, n);
        break;
    case MONITOR_QUIET:
        c->is_quiet = true;
        c->is_owed = false;
        break;
    case MONITOR_CLEANING:
        c->is_cleaning = m->phase == MONITOR_TELLING || m->phase == MONITOR_CLAIMING;
        if (c->is_cleaning)
            m->phase = MONITOR_CLEANUP;
        break;
    case MONITOR_CLEANED:
        if (c->is_cleaning)
            m->phase = MONITOR_OVER;
        break;
    default: /* not for us */
        break;
    }
}

void monitor_client_read(struct monitor *m, struct monitor_client *c)
{
    struct monitor_winsize small; /* the largest packet that is not input */
    bool is_busy = m->in_end > 0;
    ssize_t n;

    c->holds_input = false;
    if (is_busy) {
        n = recv(c->fd, &small.type, 1, MSG_DONTWAIT | MSG_PEEK);
        c->holds_input = n == 1 && small.type == MONITOR_STDIN;
        if (c->holds_input)
            return;
        if (n == 1)
            n = recv(c->fd, &small, sizeof(small), MSG_DONTWAIT);
    } else {
        n = recv(c->fd, &m->room->in, sizeof(m->room->in), MSG_DONTWAIT);
    }
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    /* Told once, before the packets that are still queued: the peer died with output unread. */
    if (n < 0 && errno == ECONNRESET)
        c->is_deaf = true;
    else if (n <= 0)
        client_remove(m, c);
    else
        take_packet(m, c, is_busy ? (void *)&small : (void *)&m->room->in, n);
}
