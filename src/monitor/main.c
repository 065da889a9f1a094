/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * dhow-monitor: the process beside a running container. runtime/monitor.h is its contract.
 *
 * Theory. One poll(2) loop over fixed fds and at most MONITOR_CLIENTS sockets; nothing in it blocks
 * but poll itself. No memory is allocated: the state is one struct, the buffers are whole pages
 * (struct monitor_room) that go back to the kernel when the container is quiet, which is why a
 * waiting monitor costs a few pages and why this is a static program with musl.
 *
 *     streams.c  container's output -> log.c and clients.c; input of the clients -> container
 *     main.c     the fds, the loop, and the phases:
 *
 *     RUNNING --pidfd--> DRAINING --all read, or 2 s--> TELLING --all clients have EXIT--> CLAIMING
 *                                                          |                                 |   |
 *                                                          +---------- CLEANING packet ------+   |
 *                                                                          v                     |
 *                        OVER <--CLEANED packet-- CLEANUP --client's end--> ABANDONED <--250 ms--+
 *
 * The exit record is written once output is drained or the 2 s are over, so others learn the exit
 * even if a client reads slowly; a client is still told EXIT only after its last byte, and the
 * monitor waits for it. After the 2 s no more is read than a pipe holds: what was written before
 * the exit, not what a grandchild goes on writing.
 *
 * ABANDONED: the monitor does not start the cleanup command, it becomes it: no fork that could
 * fail, and its lock (MONITOR_FD_ALIVE) is gone when the command looks.
 *
 * With a terminal the other side of the pty is held open while the container lives: a container
 * that closes its terminal for a while would otherwise look like its end (read fails with EIO).
 *
 * Signals: all that can be ignored are. A monitor ends with its container, or by SIGKILL; then the
 * container lives on without log and the engine's lock on MONITOR_FD_ALIVE tells.
 *
 * Trust: argv, environment and fds come from the engine. Bytes come from the container (streams.c)
 * and from clients (clients.c).
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/str.h"
#include "monitor/monitor.h"
#include "sys/event.h"
#include "sys/file.h"
#include "sys/process.h"
#include "sys/terminal.h"

enum slot {
    SLOT_PIDFD,
    SLOT_OOM,
    SLOT_LISTEN,
    SLOT_STDIN,
    SLOT_OUTPUTS,
    SLOT_CLIENTS = SLOT_OUTPUTS + 2
};
enum { SLOT_COUNT = SLOT_CLIENTS + MONITOR_CLIENTS };

extern char **environ;

static int64_t monotonic_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* ---- the end ---- */

/* "oom_kill N" with N > 0 in memory.events (v2) or memory.oom_control (v1). The kernel counts
 * before it kills (__oom_kill_process), so at the exit the number is there. */
static bool file_says_oom(int fd)
{
    char text[512];
    ssize_t n = pread(fd, text, sizeof(text) - 1, 0);
    const char *s;

    if (n <= 0)
        return false;
    text[n] = 0;
    s = strstr(text, "oom_kill ");
    return s && s[9] >= '1' && s[9] <= '9';
}

static void note_oom(struct monitor *m)
{
    struct pollfd p = {.fd = m->oom_fd, .events = POLLIN};

    if (m->oom_fd < 0)
        return;
    if (m->is_oom_file ? file_says_oom(m->oom_fd) : poll(&p, 1, 0) > 0) {
        m->exit.oom = 1;
        m->oom_fd = FD_NONE; /* once is enough */
    }
}

static void note_exit(struct monitor *m)
{
    struct timespec now;
    int status = 0;
    int r = sys_wait_pidfd(m->pidfd, &status);

    if (r < 0 && r != -ECHILD && r != -EBADF && r != -EINVAL)
        return; /* the pidfd is still readable: next time */
    clock_gettime(CLOCK_REALTIME, &now);
    m->exit.type = MONITOR_EXIT;
    /* Without a status somebody else reaped it, or it was no child of ours. */
    m->exit.code = r < 0 ? 255 : (uint8_t)sys_exit_code_of_status(status);
    m->exit.signal = r == 0 && WIFSIGNALED(status) ? (uint8_t)WTERMSIG(status) : 0;
    m->exit.finished_ns = (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
    note_oom(m);
    monitor_close_input(m);
    m->peer_fd = fd_close(m->peer_fd);
    m->drain_deadline_ms = m->now_ms + MONITOR_DRAIN_MS;
    m->phase = MONITOR_DRAINING;
}

static void write_record(struct monitor *m)
{
    struct timespec moment = {.tv_nsec = 50 * 1000 * 1000};
    char text[160];
    int n;

    if (m->is_recorded)
        return;
    m->is_recorded = true;
    n = snprintf(text, sizeof(text),
                 "code=%u\nsignal=%u\nfinished_ns=%lld\noom=%u\nlog_lost=%llu\n", m->exit.code,
                 m->exit.signal, (long long)m->exit.finished_ns, m->exit.oom,
                 (unsigned long long)m->log.lost);
    /* A /run that is full now may not be so in a moment; without a record the exit code is lost. */
    for (int i = 0; i < 10; i++) {
        if (sys_write_file_atomic(MONITOR_FD_DIR, MONITOR_EXIT_NAME, text, (size_t)n, 0600, 0) == 0)
            return;
        nanosleep(&moment, NULL);
    }
}

static void end_draining(struct monitor *m)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    monitor_log_flush(&m->log, &now);
    write_record(m);
    m->phase = MONITOR_TELLING;
}

static void be_late(struct monitor *m)
{
    m->is_late = true;
    for (unsigned i = 0; i < MONITOR_LOG_STREAMS; i++) {
        int capacity = m->outputs[i].fd < 0 ? 0 : sys_pipe_capacity(m->outputs[i].fd);

        m->outputs[i].budget = capacity > 0 ? capacity : 64 << 10;
    }
    write_record(m);
}

/* One step of the phases, after the events of a round. */
static void advance(struct monitor *m)
{
    if (m->phase == MONITOR_DRAINING && !m->is_late && !monitor_is_drained(m) &&
        m->now_ms >= m->drain_deadline_ms)
        be_late(m);
    if (m->phase == MONITOR_DRAINING && monitor_is_drained(m))
        end_draining(m);
    if (m->phase == MONITOR_TELLING) {
        monitor_clients_tell(m);
        if (monitor_clients_all_told(m)) {
            m->claim_deadline_ms = m->now_ms + MONITOR_CLAIM_MS;
            m->phase = MONITOR_CLAIMING;
        }
    }
    if (m->phase == MONITOR_CLAIMING &&
        (!monitor_clients_any(m) || m->now_ms >= m->claim_deadline_ms))
        m->phase = MONITOR_ABANDONED;
    if (m->phase == MONITOR_CLEANUP)
        monitor_clients_tell(m); /* who attached after the exit */
}

/* ---- the loop ---- */

static void prepare(const struct monitor *m, struct pollfd *slots)
{
    for (unsigned i = 0; i < SLOT_COUNT; i++)
        slots[i] = (struct pollfd){.fd = FD_NONE, .events = POLLIN};
    slots[SLOT_PIDFD].fd = m->phase == MONITOR_RUNNING ? m->pidfd : FD_NONE;
    slots[SLOT_OOM].fd = m->phase == MONITOR_RUNNING ? m->oom_fd : FD_NONE;
    if (!m->is_accept_paused && !monitor_clients_full(m))
        slots[SLOT_LISTEN].fd = m->listen_fd;
    if (m->in_end > 0)
        slots[SLOT_STDIN] = (struct pollfd){.fd = m->stdin_fd, .events = POLLOUT};
    for (unsigned i = 0; i < MONITOR_LOG_STREAMS && m->out_bytes == 0; i++)
        slots[SLOT_OUTPUTS + i].fd = m->outputs[i].fd;
    for (unsigned i = 0; i < MONITOR_CLIENTS; i++) {
        short events;

        if (monitor_client_wants(m, &m->clients[i], &events))
            slots[SLOT_CLIENTS + i] = (struct pollfd){.fd = m->clients[i].fd, .events = events};
    }
}

static int ms_until(const struct monitor *m, int64_t deadline_ms)
{
    return deadline_ms > m->now_ms ? (int)(deadline_ms - m->now_ms) : 0;
}

static int timeout_ms(const struct monitor *m)
{
    if (m->phase == MONITOR_DRAINING && !m->is_late)
        return ms_until(m, m->drain_deadline_ms);
    if (m->phase == MONITOR_DRAINING && m->out_bytes == 0)
        return 0; /* late: an output that has nothing now is at its end */
    if (m->phase == MONITOR_CLAIMING)
        return ms_until(m, m->claim_deadline_ms);
    return m->is_idle ? -1 : MONITOR_IDLE_MS;
}

static void become_idle(struct monitor *m)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    monitor_log_flush(&m->log, &now);
    m->is_accept_paused = false;
    m->is_idle = true;
    /* Refusal (pages larger than 4 KiB) costs memory, nothing else. */
    if (m->out_bytes == 0 && m->in_end == 0)
        (void)madvise(m->room, sizeof(*m->room), MADV_DONTNEED);
}

static void serve_outputs(struct monitor *m, const struct pollfd *slots)
{
    m->turn ^= 1;
    for (unsigned i = 0; i < MONITOR_LOG_STREAMS && m->out_bytes == 0; i++) {
        unsigned k = i ^ m->turn;

        if (slots[k].fd < 0)
            continue;
        if (slots[k].revents)
            monitor_read_output(m, &m->outputs[k]);
        else if (m->is_late)
            monitor_close_output(m, &m->outputs[k]);
    }
}

static void serve(struct monitor *m, const struct pollfd *slots)
{
    if (slots[SLOT_PIDFD].revents)
        note_exit(m);
    if (slots[SLOT_OOM].revents)
        note_oom(m);
    if (slots[SLOT_STDIN].revents)
        monitor_write_input(m);
    for (unsigned i = 0; i < MONITOR_CLIENTS; i++)
        if (slots[SLOT_CLIENTS + i].revents & ~POLLOUT)
            monitor_client_read(m, &m->clients[i]);
    monitor_clients_offer(m);
    serve_outputs(m, slots + SLOT_OUTPUTS);
    if (slots[SLOT_LISTEN].revents)
        monitor_clients_accept(m);
}

static void run(struct monitor *m)
{
    struct pollfd slots[SLOT_COUNT];

    while (m->phase < MONITOR_ABANDONED) {
        int n;

        m->now_ms = monotonic_ms();
        prepare(m, slots);
        n = poll(slots, SLOT_COUNT, timeout_ms(m));
        m->now_ms = monotonic_ms();
        if (n > 0 || m->is_late)
            serve(m, slots);
        else if (n == 0 && !m->is_idle)
            become_idle(m);
        advance(m);
    }
}

/* ---- begin and end of the process ---- */

static void set_signals(void (*disposition)(int))
{
    for (int sig = 1; sig < NSIG; sig++)
        if (sig != SIGKILL && sig != SIGSTOP && sig != SIGCHLD)
            signal(sig, disposition); /* fails for those that libc keeps for itself */
}

static void become_cleanup(char **command)
{
    struct timespec moment = {.tv_nsec = 100 * 1000 * 1000};

    if (sys_close_range_cloexec(MONITOR_FD_DIR) < 0)
        for (int fd = MONITOR_FD_DIR; fd < MONITOR_FD_MAX; fd++)
            fd_close(fd);
    set_signals(SIG_DFL);
    /* Again, since a program that is just being replaced by a newer one is away for a moment. */
    for (int i = 0; i < 10; i++) {
        (void)sys_execve(command[0], command, environ);
        nanosleep(&moment, NULL);
    }
}

static int take_number(unsigned long mask, int fd)
{
    return mask & 1ul << fd ? fd : FD_NONE;
}

/* An fd that could block us is not used. */
static int take_nonblocking(unsigned long mask, int fd)
{
    fd = take_number(mask, fd);
    return fd >= 0 && sys_set_nonblock(fd) < 0 ? FD_NONE : fd;
}

static void init(struct monitor *m, struct monitor_room *room, unsigned long mask, uint64_t log_max)
{
    struct stat st;

    m->room = room;
    monitor_log_init(&m->log, take_number(mask, MONITOR_FD_LOG),
                     take_number(mask, MONITOR_FD_LOGDIR), log_max, &room->log);
    m->terminal_fd = take_nonblocking(mask, MONITOR_FD_TERMINAL);
    m->peer_fd = m->terminal_fd >= 0 ? sys_terminal_open_peer(m->terminal_fd) : FD_NONE;
    m->stdin_fd = m->terminal_fd >= 0 ? m->terminal_fd : take_nonblocking(mask, MONITOR_FD_STDIN);
    m->outputs[0].fd = m->terminal_fd >= 0 ? m->terminal_fd : take_number(mask, MONITOR_FD_STDOUT);
    m->outputs[1].fd = take_number(mask, MONITOR_FD_STDERR);
    m->listen_fd = take_nonblocking(mask, MONITOR_FD_LISTEN);
    m->pidfd = MONITOR_FD_PIDFD;
    m->oom_fd = take_number(mask, MONITOR_FD_OOM);
    m->is_oom_file = m->oom_fd >= 0 && sys_stat(m->oom_fd, "", &st) == 0 && S_ISREG(st.st_mode);
    for (unsigned i = 0; i < MONITOR_CLIENTS; i++)
        m->clients[i].fd = FD_NONE;
    if (mask & 1ul << MONITOR_FD_CLIENT)
        monitor_client_add(m, MONITOR_FD_CLIENT);
}

struct arguments {
    unsigned long mask;
    uint64_t log_max;
    char **cleanup; /* NULL: none */
};

static int parse_mask(const char *s, unsigned long *ret)
{
    char *end;

    *ret = strtoul(s, &end, 16);
    return *s && !*end && *ret < 1ul << MONITOR_FD_MAX && *ret & 1ul << MONITOR_FD_DIR &&
                   *ret & 1ul << MONITOR_FD_PIDFD
               ? 0
               : -EINVAL;
}

static int parse_arguments(char **argv, struct arguments *ret)
{
    int r = argv[0] && argv[1] ? 0 : -EINVAL;

    for (char **p = argv + 2; r == 0 && *p; p++) {
        if (strcmp(*p, "--") == 0) {
            ret->cleanup = p[1] ? p + 1 : NULL;
            break;
        }
        if (strncmp(*p, "fds=", 4) == 0)
            r = parse_mask(*p + 4, &ret->mask);
        else if (strncmp(*p, "log-max=", 8) == 0)
            r = str_to_u64(*p + 8, UINT64_MAX, &ret->log_max);
        else
            r = -EINVAL;
    }
    if (r == 0 && ret->log_max > 0 && !(ret->mask & 1ul << MONITOR_FD_LOGDIR))
        r = -EINVAL;
    return r == 0 && ret->mask ? 0 : -EINVAL;
}

int main(int argc, char **argv)
{
    /* Not on the stack: whole pages of it are given back. */
    static struct monitor_room room;
    static struct monitor m;
    struct arguments a = {0};
    sigset_t none;

    (void)argc;
    fault_role("monitor");
    if (parse_arguments(argv, &a) < 0) {
        fputs("dhow-monitor ID fds=MASK [log-max=BYTES] [-- PROGRAM ARG...]\n"
              "It is executed by dhow, not by hand.\n",
              stderr);
        return 125;
    }
    set_signals(SIG_IGN);
    signal(SIGCHLD, SIG_DFL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    init(&m, &room, a.mask, a.log_max);
    run(&m);
    if (m.phase == MONITOR_ABANDONED && a.cleanup) {
        become_cleanup(a.cleanup);
        return 1;
    }
    return 0;
}
