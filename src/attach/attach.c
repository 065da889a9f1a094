/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Theory. One poll(2) loop, the pump, between the near side (the user's stdin, stdout, stderr,
 * signals, terminal) and a far side, of which there are two kinds behind struct far_side: a
 * monitor's socket, and the pipes or the pty of an exec session.
 *
 * There is one buffer a direction, and nothing is read before it is empty: order is kept, memory is
 * fixed, a slow reader holds back the writer. The user's fds are shared with his shell, so they are
 * never made non-blocking; they are written when poll says so, in pieces of at most PIPE_BUF, which
 * a pipe that is writable takes at once (pipe(7)). So a stopped pager does not stop signals.
 *
 * Signals are blocked and read from a signalfd(2): each is forwarded, or, without sig_proxy, ends
 * the loop, which restores the terminal, and is raised again. Signals that were ignored when we
 * came (nohup, background jobs) stay ignored.
 */
#include "attach/attach.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <termios.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/units.h"
#include "sys/event.h"
#include "sys/file.h"
#include "sys/process.h"
#include "sys/terminal.h"

enum {
    QUIET_MS = 100,
    DRAIN_MS = 2000,
    PIPES_HOLD = 2 << 20, /* two of the default pipe-max-size */
    FAR_SLOTS = 4
};
enum slot {
    SLOT_SIGNAL,
    SLOT_IN,
    SLOT_OUT,
    SLOT_WATCH,
    SLOT_FAR,
    SLOT_COUNT = SLOT_FAR + FAR_SLOTS
};

struct pump;
struct far_side {
    void (*want)(struct pump *p, struct pollfd *slots); /* FAR_SLOTS of them */
    int (*timeout_ms)(const struct pump *p);
    /* Moves what it can: output into p->out when that is empty, input out of p->in. */
    int (*serve)(struct pump *p, const struct pollfd *slots, struct err *e);
    void (*send)(struct pump *p); /* input out of p->in, as far as it goes without waiting */
};

struct pump {
    const struct attach_client *c;
    const struct far_side *far;
    bool is_over; /* the far side has ended, its output is in p->out at the latest */
    bool is_detached;
    int fatal_signal;

    int signal_fd;
    sigset_t old_mask;
    struct sigaction old_sigpipe;
    bool is_raw;
    struct termios old_termios;

    unsigned char out[1 + MONITOR_CHUNK]; /* [out_begin, out_end) is for the user's fd out_to */
    size_t out_begin;
    size_t out_end;
    int out_to;
    bool is_out_dead[2]; /* the user's stdout, stderr take no more */
    size_t out_piece[2]; /* how much they take at once */
    int out_error;       /* first error that is not EPIPE */

    unsigned char in[1 + MONITOR_CHUNK + ATTACH_KEYS_MAX]; /* in[0] is the packet's type */
    size_t in_begin;
    size_t in_end;   /* == in_begin: empty */
    bool is_in_over; /* the user's stdin is at its end, or nobody wants it */
    bool is_eof_due;
    bool is_winsize_due;
    struct attach_key_scan scan;

    struct monitor_exit exit; /* monitor */
    struct attach_session *session;
    int peer_fd; /* holds the session's terminal open while its process lives */
    bool is_process_over;
    unsigned turn;
    uint64_t deadline_ms;
    size_t late_bytes; /* read after the end of the process */
    bool is_timeout;   /* poll saw nothing */
};

static uint64_t now_ms(void)
{
    return units_monotonic_ns() / 1000000;
}

static bool has_output(const struct pump *p)
{
    return p->out_begin < p->out_end;
}

static bool has_input(const struct pump *p)
{
    return p->in_begin < p->in_end;
}

static void drop_input(struct pump *p)
{
    p->in_begin = p->in_end = 0;
    p->is_in_over = true;
    p->is_eof_due = p->is_winsize_due = false;
}

/* ---- near side: the user ---- */

static void write_output(struct pump *p)
{
    bool is_err = p->out_to == p->c->err && p->out_to != p->c->out;
    size_t n = MIN(p->out_end - p->out_begin, p->out_piece[is_err]);
    ssize_t w = p->is_out_dead[is_err] ? 0 : write(p->out_to, p->out + p->out_begin, n);

    if (p->is_out_dead[is_err]) {
        p->out_begin = p->out_end;
    } else if (w >= 0) {
        p->out_begin += (size_t)w;
    } else if (errno != EINTR && errno != EAGAIN) {
        if (errno != EPIPE && p->out_error == 0)
            p->out_error = -errno;
        p->is_out_dead[is_err] = true;
        p->out_begin = p->out_end;
    }
}

static void read_input(struct pump *p)
{
    bool is_scanned = p->c->tty && p->c->detach_keys.n > 0;
    /* The scan works in place: what it lets through is never ahead of what was typed. */
    unsigned char *typed = p->in + 1 + (is_scanned ? ATTACH_KEYS_MAX : 0);
    ssize_t n = read(p->c->in, typed, MONITOR_CHUNK - ATTACH_KEYS_MAX);

    if (n < 0 && (errno == EINTR || errno == EAGAIN))
        return;
    if (n <= 0) {
        p->is_in_over = p->is_eof_due = true;
        return;
    }
    p->in_begin = 1;
    p->in_end = 1 + (is_scanned ? attach_keys_scan(&p->c->detach_keys, &p->scan, typed, (size_t)n,
                                                   p->in + 1, &p->is_detached)
                                : (size_t)n);
    if (p->is_detached)
        p->far->send(p); /* what was typed before the keys; if it has no room, it is lost */
}

static void take_signal(struct pump *p)
{
    struct signalfd_siginfo si;

    while (read(p->signal_fd, &si, sizeof(si)) == (ssize_t)sizeof(si)) {
        if (si.ssi_signo == SIGWINCH)
            p->is_winsize_due = p->c->tty;
        else if (p->c->sig_proxy)
            (void)sys_pidfd_send_signal(p->c->pidfd,
                                        (int)si.ssi_signo); /* a process that just ended */
        else
            p->fatal_signal = (int)si.ssi_signo;
    }
}

/* The size of whichever of the user's fds is a terminal. */
static int user_size(const struct pump *p, uint16_t *ret_rows, uint16_t *ret_cols)
{
    const int fds[] = {p->c->in, p->c->out, p->c->err};

    for (size_t i = 0; i < ARRAY_LEN(fds); i++)
        if (sys_is_terminal(fds[i]))
            return sys_terminal_size(fds[i], ret_rows, ret_cols);
    return -ENOTTY;
}

/* Which signals come to us: all that can be caught, but those that mean something here (stopped in
 * the background, a child, a broken pipe), our own faults, and those that are ignored. */
static bool is_wanted(int sig)
{
    static const int not_ours[] = {SIGKILL, SIGSTOP, SIGCHLD, SIGPIPE, SIGURG,
                                   SIGSEGV, SIGBUS,  SIGFPE,  SIGILL,  SIGSYS,
                                   SIGTRAP, SIGTTIN, SIGTTOU, SIGABRT, SIGCONT};
    struct sigaction now;

    for (size_t i = 0; i < ARRAY_LEN(not_ours); i++)
        if (not_ours[i] == sig)
            return false;
    return sigaction(sig, NULL, &now) == 0 && (sig == SIGWINCH || now.sa_handler != SIG_IGN);
}

static int begin_signals(struct pump *p)
{
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    sigset_t set;

    sigemptyset(&set);
    for (int sig = 1; sig <= SIGRTMAX; sig++)
        if (is_wanted(sig) && (p->c->sig_proxy || sig != SIGTSTP))
            sigaddset(&set, sig);
    sigprocmask(SIG_BLOCK, &set, &p->old_mask);
    p->signal_fd = sys_signalfd(&set);
    if (p->signal_fd < 0) {
        sigprocmask(SIG_SETMASK, &p->old_mask, NULL);
        return p->signal_fd;
    }
    sigaction(SIGPIPE, &ignore, &p->old_sigpipe);
    return 0;
}

/* A file takes all at once; a pipe or terminal that is writable takes this without waiting. */
static size_t piece_of(int fd)
{
    struct stat st;

    return sys_stat(fd, "", &st) == 0 && S_ISREG(st.st_mode) ? MONITOR_CHUNK : PIPE_BUF;
}

static int begin(struct pump *p, struct err *e)
{
    int r = begin_signals(p);

    p->out_piece[0] = piece_of(p->c->out);
    p->out_piece[1] = piece_of(p->c->err);

    if (r < 0)
        return err_sys(e, r, "watch signals");
    p->is_in_over = !p->c->interactive;
    p->is_winsize_due = p->c->tty;
    if (!p->c->tty || !p->c->interactive || !sys_is_terminal(p->c->in))
        return 0;
    r = sys_terminal_set_raw(p->c->in, &p->old_termios);
    if (r < 0)
        return err_sys(e, r, "set the terminal to raw mode");
    p->is_raw = true;
    return 0;
}

static void end(struct pump *p)
{
    if (p->is_raw)
        (void)sys_terminal_restore(p->c->in, &p->old_termios); /* a terminal that is gone */
    if (p->signal_fd >= 0) {
        fd_close(p->signal_fd);
        sigaction(SIGPIPE, &p->old_sigpipe, NULL);
        sigprocmask(SIG_SETMASK, &p->old_mask, NULL);
    }
    if (p->fatal_signal)
        (void)sys_raise(p->fatal_signal); /* returns when the program has a handler for it */
}

/* ---- far side: a monitor ---- */

/* False when the socket is full. */
static bool monitor_send(struct pump *p, const void *packet, size_t n)
{
    ssize_t r;

    do
        r = send(p->c->socket, packet, n, MSG_DONTWAIT | MSG_NOSIGNAL);
    while (r < 0 && errno == EINTR);
    if (r < 0 && errno == EAGAIN)
        return false;
    if (r < 0)
        drop_input(p); /* gone; receiving will tell what happened */
    return true;
}

static void monitor_send_due(struct pump *p)
{
    struct monitor_winsize w = {.type = MONITOR_WINSIZE};
    uint8_t eof = MONITOR_STDIN_EOF;
    uint16_t rows, cols;

    if (p->is_winsize_due && user_size(p, &rows, &cols) == 0) {
        w.rows = rows;
        w.cols = cols;
        if (!monitor_send(p, &w, sizeof(w)))
            return;
    }
    p->is_winsize_due = false;
    if (has_input(p)) {
        p->in[0] = MONITOR_STDIN;
        if (!monitor_send(p, p->in, p->in_end))
            return;
        p->in_begin = p->in_end = 0;
    }
    if (p->is_eof_due && monitor_send(p, &eof, 1))
        p->is_eof_due = false;
}

static void monitor_want(struct pump *p, struct pollfd *slots)
{
    bool is_sending = has_input(p) || p->is_eof_due || p->is_winsize_due;

    slots[0] = (struct pollfd){
        .fd = has_output(p) && !is_sending ? FD_NONE : p->c->socket,
        .events = (short)((has_output(p) ? 0 : POLLIN) | (is_sending ? POLLOUT : 0)),
    };
}

static int monitor_timeout(const struct pump *p)
{
    (void)p;
    return -1;
}

static int monitor_receive(struct pump *p, struct err *e)
{
    ssize_t n = recv(p->c->socket, p->out, sizeof(p->out), MSG_DONTWAIT);

    if (n < 0 && (errno == EINTR || errno == EAGAIN))
        return 0;
    /* It died with input of ours unread; output that it sent before is still queued. */
    if (n < 0 && errno == ECONNRESET && !p->is_in_over) {
        drop_input(p);
        return 0;
    }
    if (n <= 0)
        return err_set(e, ERR_IO, "the container's monitor is gone, its exit is unknown");
    if (p->out[0] == MONITOR_STDOUT || p->out[0] == MONITOR_STDERR) {
        p->out_to = p->out[0] == MONITOR_STDOUT ? p->c->out : p->c->err;
        p->out_begin = 1;
        p->out_end = (size_t)n;
    } else if (p->out[0] == MONITOR_EXIT && n == (ssize_t)sizeof(p->exit)) {
        memcpy(&p->exit, p->out, sizeof(p->exit));
        p->is_over = true;
    } else if (p->out[0] != MONITOR_STARTED) {
        return err_set(e, ERR_INTERNAL, "unexpected packet %d of %zd bytes from the monitor",
                       p->out[0], n);
    }
    return 0;
}

static int monitor_serve(struct pump *p, const struct pollfd *slots, struct err *e)
{
    if (slots[0].revents & POLLOUT)
        monitor_send_due(p);
    if (!has_output(p) && slots[0].revents & ~POLLOUT)
        return monitor_receive(p, e);
    return 0;
}

static const struct far_side monitor_side = {monitor_want, monitor_timeout, monitor_serve,
                                             monitor_send_due};

/* ---- far side: an exec session ---- */

static int *session_output(struct pump *p, unsigned i)
{
    if (i == 1)
        return &p->session->stderr_fd;
    return p->session->terminal_fd >= 0 ? &p->session->terminal_fd : &p->session->stdout_fd;
}

static int session_input(const struct pump *p)
{
    return p->session->terminal_fd >= 0 ? p->session->terminal_fd : p->session->stdin_fd;
}

enum { SESSION_PROCESS, SESSION_IN, SESSION_OUT, SESSION_ERR };
_Static_assert(SESSION_ERR + 1 == FAR_SLOTS, "a slot for each");

static void session_want(struct pump *p, struct pollfd *slots)
{
    uint16_t rows, cols;

    if (p->is_winsize_due && user_size(p, &rows, &cols) == 0 && p->session->terminal_fd >= 0)
        (void)sys_terminal_set_size(p->session->terminal_fd, rows, cols); /* a size is no matter */
    p->is_winsize_due = false;
    if (p->is_eof_due && !has_input(p)) {
        p->session->stdin_fd = fd_close(p->session->stdin_fd);
        p->is_eof_due = false;
    }
    slots[SESSION_PROCESS].fd = p->is_process_over ? FD_NONE : p->c->pidfd;
    if (has_input(p))
        slots[SESSION_IN] = (struct pollfd){.fd = session_input(p), .events = POLLOUT};
    for (unsigned i = 0; i < 2 && !has_output(p); i++)
        slots[SESSION_OUT + i].fd = *session_output(p, i);
}

/* After the end of the process: until nothing comes any more. */
static int session_timeout(const struct pump *p)
{
    return p->is_process_over && !has_output(p) ? QUIET_MS : -1;
}

static void session_write(struct pump *p)
{
    ssize_t n;

    if (!has_input(p))
        return;
    n = write(session_input(p), p->in + p->in_begin, p->in_end - p->in_begin);
    if (n >= 0) {
        p->in_begin += (size_t)n;
    } else if (errno != EAGAIN && errno != EINTR) {
        p->session->stdin_fd = fd_close(p->session->stdin_fd);
        drop_input(p); /* EPIPE: the process reads no more */
    }
}

static void session_read(struct pump *p, unsigned i)
{
    int *fd = session_output(p, i);
    ssize_t n = read(*fd, p->out, sizeof(p->out));

    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n <= 0) {
        *fd = fd_close(*fd); /* EIO: nobody has the terminal any more */
        return;
    }
    p->out_to = i == 0 ? p->c->out : p->c->err;
    p->out_begin = 0;
    p->out_end = (size_t)n;
    p->late_bytes += p->is_process_over ? (size_t)n : 0;
}

/* All ends are closed, or what comes now was written after the end of the process. */
static bool is_session_drained(struct pump *p)
{
    if (*session_output(p, 0) < 0 && *session_output(p, 1) < 0)
        return true;
    return p->late_bytes >= PIPES_HOLD && now_ms() >= p->deadline_ms;
}

static int session_serve(struct pump *p, const struct pollfd *slots, struct err *e)
{
    (void)e;
    if (slots[SESSION_PROCESS].revents) {
        p->is_process_over = true;
        p->peer_fd = fd_close(p->peer_fd);
        p->deadline_ms = now_ms() + DRAIN_MS;
        drop_input(p);
        p->is_over = !has_output(p) && is_session_drained(p);
        return 0;
    }
    if (slots[SESSION_IN].revents)
        session_write(p);
    p->turn ^= 1; /* neither stream starves behind the other */
    for (unsigned k = 0; k < 2 && !has_output(p); k++) {
        unsigned i = k ^ p->turn;

        if (slots[SESSION_OUT + i].fd >= 0 && slots[SESSION_OUT + i].revents)
            session_read(p, i);
    }
    if (p->is_process_over && !has_output(p))
        p->is_over = p->is_timeout || is_session_drained(p);
    return 0;
}

static const struct far_side session_side = {session_want, session_timeout, session_serve,
                                             session_write};

/* ---- the pump ---- */

static void prepare(struct pump *p, struct pollfd *slots)
{
    for (unsigned i = 0; i < SLOT_COUNT; i++)
        slots[i] = (struct pollfd){.fd = FD_NONE, .events = POLLIN};
    p->far->want(p, slots + SLOT_FAR);
    slots[SLOT_SIGNAL].fd = p->signal_fd;
    if (p->c->watch)
        slots[SLOT_WATCH].fd = p->c->watch->fd;
    if (!p->is_in_over && !has_input(p))
        slots[SLOT_IN].fd = p->c->in;
    if (has_output(p))
        slots[SLOT_OUT] = (struct pollfd){.fd = p->out_to, .events = POLLOUT};
}

static bool is_finished(const struct pump *p)
{
    return p->fatal_signal || p->is_detached || (p->is_over && !has_output(p));
}

static int run(struct pump *p, struct err *e)
{
    struct pollfd slots[SLOT_COUNT];

    while (!is_finished(p)) {
        int n;

        prepare(p, slots);
        n = poll(slots, SLOT_COUNT, p->far->timeout_ms(p));
        if (n < 0 && errno != EINTR)
            return err_sys(e, -errno, "wait for the container's output");
        if (n < 0)
            continue;
        p->is_timeout = n == 0;
        if (slots[SLOT_SIGNAL].revents)
            take_signal(p);
        if (slots[SLOT_WATCH].revents)
            p->c->watch->ready(p->c->watch);
        if (slots[SLOT_OUT].revents)
            write_output(p);
        if (p->far->serve(p, slots + SLOT_FAR, e) < 0)
            return -1;
        if (slots[SLOT_IN].revents && !p->is_in_over && !has_input(p))
            read_input(p);
    }
    return 0;
}

static int run_between(struct pump *p, bool *ret_detached, struct err *e)
{
    int r = begin(p, e);

    if (r == 0)
        r = run(p, e);
    end(p);
    if (r == 0 && p->fatal_signal)
        return err_set(e, ERR_IO, "interrupted by signal %d", p->fatal_signal);
    if (r == 0)
        *ret_detached = p->is_detached;
    if (r == 0 && p->out_error < 0)
        return err_sys(e, p->out_error, "write the container's output");
    return r;
}

int attach_monitor_run(const struct attach_client *c, struct monitor_exit *ret_exit,
                       bool *ret_detached, struct err *e)
{
    struct pump p = {.c = c, .far = &monitor_side, .signal_fd = FD_NONE, .peer_fd = FD_NONE};
    int r = run_between(&p, ret_detached, e);

    if (p.is_over)
        *ret_exit = p.exit;
    return r;
}

static void session_close(struct attach_session *s)
{
    s->stdin_fd = fd_close(s->stdin_fd);
    s->stdout_fd = fd_close(s->stdout_fd);
    s->stderr_fd = fd_close(s->stderr_fd);
    s->terminal_fd = fd_close(s->terminal_fd);
}

int attach_stdio_run(const struct attach_client *c, struct attach_session *session,
                     bool *ret_detached, struct err *e)
{
    struct pump p = {.c = c,
                     .far = &session_side,
                     .session = session,
                     .signal_fd = FD_NONE,
                     .peer_fd = FD_NONE};
    int in = session_input(&p);
    int r = in >= 0 ? sys_set_nonblock(in) : 0;

    if (session->terminal_fd >= 0)
        p.peer_fd = sys_terminal_open_peer(session->terminal_fd);
    if (r < 0)
        r = err_sys(e, r, "prepare the session's input");
    else
        r = run_between(&p, ret_detached, e);
    fd_close(p.peer_fd);
    session_close(session);
    return r;
}
