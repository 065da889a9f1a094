/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The client between a user and a container: the test plays the monitor on a socket pair, or is the
 * process of a session. */
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "attach/attach.h"
#include "base/alloc.h"
#include "base/fd.h"

enum { BIG = 3 << 20, PATIENCE_S = 60 };

struct rig {
    int monitor; /* the test's end of the socket */
    int socket;
    int in[2], out[2], err[2]; /* the user's pipes: in[1] types, out[0] is seen */
};

static int setup(void **state)
{
    struct rig *r = alloc_zero(1, sizeof(*r));
    int pair[2];

    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0 ||
        pipe2(r->in, O_CLOEXEC) < 0 || pipe2(r->out, O_CLOEXEC) < 0 || pipe2(r->err, O_CLOEXEC) < 0)
        return -1;
    r->monitor = pair[0];
    r->socket = pair[1];
    alarm(PATIENCE_S);
    *state = r;
    return 0;
}

static int teardown(void **state)
{
    struct rig *r = *state;
    const int fds[] = {r->monitor, r->socket, r->in[0],  r->in[1],
                       r->out[0],  r->out[1], r->err[0], r->err[1]};

    for (size_t i = 0; i < ARRAY_LEN(fds); i++)
        fd_close(fds[i]);
    free(r);
    alarm(0);
    return 0;
}

static struct attach_client client_of(const struct rig *r)
{
    return (struct attach_client){.socket = r->socket,
                                  .in = r->in[0],
                                  .out = r->out[1],
                                  .err = r->err[1],
                                  .pidfd = FD_NONE};
}

static unsigned char pattern(size_t i)
{
    return (unsigned char)(i * 31 + i / 251);
}

/* ---- the test as a monitor, in a child process ---- */

static void say(const struct rig *r, enum monitor_packet type, const void *data, size_t n)
{
    unsigned char packet[1 + MONITOR_CHUNK] = {(unsigned char)type};

    memcpy(packet + 1, data, n);
    if (send(r->monitor, packet, 1 + n, MSG_NOSIGNAL) != (ssize_t)(1 + n))
        _exit(90);
}

static void say_exit(const struct rig *r, int code)
{
    struct monitor_exit x = {.type = MONITOR_EXIT, .code = (uint8_t)code, .finished_ns = 77};

    if (send(r->monitor, &x, sizeof(x), MSG_NOSIGNAL) != (ssize_t)sizeof(x))
        _exit(91);
}

static size_t hear(const struct rig *r, unsigned char *packet)
{
    ssize_t n = recv(r->monitor, packet, 1 + MONITOR_CHUNK, 0);

    if (n <= 0)
        _exit(92);
    return (size_t)n;
}

static void say_pattern(const struct rig *r)
{
    unsigned char data[MONITOR_CHUNK];

    for (size_t at = 0; at < BIG;) {
        size_t n = MIN(sizeof(data) - at % 1000, (size_t)BIG - at);

        for (size_t i = 0; i < n; i++)
            data[i] = pattern(at + i);
        say(r, MONITOR_STDOUT, data, n);
        say(r, MONITOR_STDERR, data, 1);
        at += n;
    }
    say_exit(r, 42);
}

static void expect_pattern(const struct rig *r)
{
    unsigned char packet[1 + MONITOR_CHUNK];
    size_t at = 0;

    close(r->in[1]);
    for (;;) {
        size_t n = hear(r, packet);

        if (packet[0] == MONITOR_STDIN_EOF)
            break;
        if (packet[0] != MONITOR_STDIN)
            _exit(93);
        for (size_t i = 1; i < n; i++)
            if (packet[i] != pattern(at++))
                _exit(94);
    }
    say_exit(r, at == BIG ? 0 : 95);
}

static void write_pattern(const struct rig *r)
{
    unsigned char data[5000];

    for (size_t at = 0; at < BIG;) {
        size_t n = MIN(sizeof(data), (size_t)BIG - at);
        ssize_t w;

        for (size_t i = 0; i < n; i++)
            data[i] = pattern(at + i);
        w = write(r->in[1], data, n);
        if (w < 0)
            _exit(96);
        at += (size_t)w;
    }
}

static void read_pattern(const struct rig *r)
{
    unsigned char data[7000];
    ssize_t n;
    size_t at = 0;

    close(r->in[1]);
    close(r->out[1]);
    while ((n = read(r->out[0], data, sizeof(data))) > 0)
        for (ssize_t i = 0; i < n; i++)
            if (data[i] != pattern(at++))
                _exit(97);
    _exit(at == BIG ? 0 : 98);
}

static pid_t play(const struct rig *r, void (*part)(const struct rig *))
{
    pid_t pid = fork();

    assert_true(pid >= 0);
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        part(r);
        _exit(0);
    }
    return pid;
}

static void assert_played(pid_t pid)
{
    int status;

    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

static void run_client(const struct attach_client *c, int want_code)
{
    struct monitor_exit end = {0};
    struct err e = {0};
    bool detached = true;

    if (attach_monitor_run(c, &end, &detached, &e) < 0)
        fail_msg("%s", e.msg);
    assert_false(detached);
    assert_int_equal(end.type, MONITOR_EXIT);
    assert_int_equal(end.code, want_code);
}

static void output_comes_whole_and_in_order(void **state)
{
    struct rig *r = *state;
    struct attach_client c = client_of(r);
    pid_t monitor = play(r, say_pattern), reader = play(r, read_pattern);

    run_client(&c, 42);
    assert_played(monitor);
    r->out[1] = fd_close(r->out[1]);
    assert_played(reader);
}

static void input_comes_whole_and_then_its_end(void **state)
{
    struct rig *r = *state;
    struct attach_client c = client_of(r);
    pid_t monitor = play(r, expect_pattern), writer = play(r, write_pattern);

    r->in[1] = fd_close(r->in[1]);
    c.interactive = true;
    run_client(&c, 0);
    assert_played(monitor);
    assert_played(writer);
}

static void broken_stdout_does_not_end_the_client(void **state)
{
    struct rig *r = *state;
    struct attach_client c = client_of(r);
    pid_t monitor;
    struct sigaction now;

    r->out[0] = fd_close(r->out[0]);
    monitor = play(r, say_pattern);
    run_client(&c, 42);
    assert_played(monitor);
    sigaction(SIGPIPE, NULL, &now);
    assert_true(now.sa_handler == SIG_DFL);
}

static void full_disk_of_the_user_is_told(void **state)
{
    struct rig *r = *state;
    struct attach_client c = client_of(r);
    struct monitor_exit end = {0};
    struct err e = {0};
    bool detached;
    pid_t monitor = play(r, say_pattern);

    c.out = open("/dev/full", O_WRONLY | O_CLOEXEC);
    assert_int_equal(attach_monitor_run(&c, &end, &detached, &e), -1);
    assert_int_equal(e.errno_value, ENOSPC);
    assert_int_equal(end.code, 42);
    close(c.out);
    assert_played(monitor);
}

static void die(const struct rig *r)
{
    say(r, MONITOR_STDOUT, "abc", 3);
}

static void dead_monitor_is_an_error(void **state)
{
    struct rig *r = *state;
    struct attach_client c = client_of(r);
    struct monitor_exit end = {0};
    struct err e = {0};
    bool detached;
    char text[4] = {0};
    pid_t monitor = play(r, die);

    r->monitor = fd_close(r->monitor);
    assert_int_equal(attach_monitor_run(&c, &end, &detached, &e), -1);
    assert_int_equal(e.kind, ERR_IO);
    assert_int_equal(end.type, 0);
    assert_int_equal(read(r->out[0], text, 4), 3);
    assert_string_equal(text, "abc");
    assert_played(monitor);
}

/* A process that tells which signal it got, and a client that is sent one. */
static void send_signal_then_exit(const struct rig *r)
{
    unsigned char type;

    kill(getppid(), SIGUSR1);
    kill(getppid(), SIGTERM);
    /* the rest of the play: the container's end follows when it got both (told on in[1]) */
    if (read(r->in[0], &type, 1) != 1)
        _exit(99);
    say_exit(r, 9);
}

static void signals_go_to_the_container(void **state)
{
    struct rig *r = *state;
    struct attach_client c = client_of(r);
    sigset_t set, before, after;
    pid_t monitor, container;

    /* Before the forks: neither the container nor this process may be hit too early. */
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigaddset(&set, SIGTERM);
    sigprocmask(SIG_BLOCK, &set, NULL);
    sigprocmask(SIG_BLOCK, NULL, &before);
    container = fork();
    if (container == 0) {
        int sig, got = 0;

        prctl(PR_SET_PDEATHSIG, SIGKILL);
        while (got != 3 && sigwait(&set, &sig) == 0)
            got |= sig == SIGUSR1 ? 1 : 2;
        _exit(write(r->in[1], "x", 1) == 1 ? 0 : 1);
    }
    monitor = play(r, send_signal_then_exit);
    c.pidfd = (int)syscall(SYS_pidfd_open, container, 0);
    c.sig_proxy = true;
    run_client(&c, 9);
    sigprocmask(SIG_BLOCK, NULL, &after);
    for (int sig = 1; sig <= SIGRTMAX; sig++)
        assert_int_equal(sigismember(&before, sig), sigismember(&after, sig));
    close(c.pidfd);
    assert_played(monitor);
    assert_played(container);
    sigprocmask(SIG_UNBLOCK, &set, NULL);
}

static int open_pty(int *ret_peer)
{
    int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);

    assert_true(master >= 0);
    assert_int_equal(unlockpt(master), 0);
    *ret_peer = open(ptsname(master), O_RDWR | O_NOCTTY | O_CLOEXEC);
    assert_true(*ret_peer >= 0);
    return master;
}

static void assert_same_modes(const struct termios *a, const struct termios *b)
{
    assert_int_equal(a->c_iflag, b->c_iflag);
    assert_int_equal(a->c_oflag, b->c_oflag);
    assert_int_equal(a->c_cflag, b->c_cflag);
    assert_int_equal(a->c_lflag, b->c_lflag);
}

static void expect_size_and_keys(const struct rig *r)
{
    unsigned char packet[1 + MONITOR_CHUNK];
    struct monitor_winsize w;

    if (hear(r, packet) != sizeof(w))
        _exit(80);
    memcpy(&w, packet, sizeof(w));
    if (w.type != MONITOR_WINSIZE || w.rows != 12 || w.cols != 34)
        _exit(81);
    if (hear(r, packet) != 4 || memcmp(packet, "\1ab\x03", 4) != 0)
        _exit(82);
}

static void detach_keys_end_and_terminal_is_restored(void **state)
{
    struct rig *r = *state;
    struct attach_client c = client_of(r);
    struct winsize w = {.ws_row = 12, .ws_col = 34};
    struct termios before, after;
    struct monitor_exit end = {0};
    bool detached = false;
    int peer, master = open_pty(&peer);
    pid_t monitor = play(r, expect_size_and_keys);

    assert_int_equal(ioctl(master, TIOCSWINSZ, &w), 0);
    assert_int_equal(tcgetattr(peer, &before), 0);
    c.in = peer;
    c.tty = c.interactive = true;
    assert_int_equal(attach_keys_parse(ATTACH_KEYS_DEFAULT, &c.detach_keys), 0);
    /* in raw mode already, as the client will set it: typed ahead, ctrl-c must arrive as a byte */
    after = before;
    cfmakeraw(&after);
    assert_int_equal(tcsetattr(peer, TCSANOW, &after), 0);
    assert_int_equal(tcgetattr(peer, &before), 0);
    assert_int_equal(write(master, "ab\x03\x10\x11zz", 7), 7);
    assert_int_equal(attach_monitor_run(&c, &end, &detached, NULL), 0);
    assert_true(detached);
    assert_int_equal(tcgetattr(peer, &after), 0);
    assert_same_modes(&before, &after);
    assert_played(monitor);
    close(peer);
    close(master);
}

/* Without sig_proxy a fatal signal ends the client's process as it would, with the terminal as it
 * was. */
static void fatal_signal_restores_the_terminal(void **state)
{
    struct rig *r = *state;
    struct attach_client c = client_of(r);
    struct termios before, now;
    int status, peer, master = open_pty(&peer);
    pid_t pid;

    assert_int_equal(tcgetattr(peer, &before), 0);
    assert_true(before.c_lflag & ECHO);
    pid = fork();
    if (pid == 0) {
        struct monitor_exit end;
        bool detached;

        c.in = peer;
        c.tty = c.interactive = true;
        (void)attach_monitor_run(&c, &end, &detached, NULL);
        _exit(1);
    }
    do {
        usleep(1000);
        assert_int_equal(tcgetattr(peer, &now), 0);
    } while (now.c_lflag & ECHO);
    assert_int_equal(kill(pid, SIGTERM), 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
    assert_int_equal(tcgetattr(peer, &now), 0);
    assert_same_modes(&before, &now);
    close(peer);
    close(master);
}

/* ---- sessions ---- */

struct process {
    pid_t pid;
    int pidfd;
    struct attach_session ends;
};

static struct process session(void (*part)(void), bool is_terminal)
{
    struct process s = {.ends = {FD_NONE, FD_NONE, FD_NONE, FD_NONE}};
    int in[2], out[2], err[2], peer = FD_NONE;

    if (is_terminal)
        s.ends.terminal_fd = open_pty(&peer);
    assert_int_equal(pipe2(in, O_CLOEXEC) | pipe2(out, O_CLOEXEC) | pipe2(err, O_CLOEXEC), 0);
    s.pid = fork();
    if (s.pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (is_terminal) {
            setsid();
            ioctl(peer, TIOCSCTTY, 0);
        }
        dup2(is_terminal ? peer : in[0], 0);
        dup2(is_terminal ? peer : out[1], 1);
        dup2(is_terminal ? peer : err[1], 2);
        syscall(SYS_close_range, 3, ~0u, 0);
        part();
        _exit(0);
    }
    s.pidfd = (int)syscall(SYS_pidfd_open, s.pid, 0);
    fd_close(peer);
    close(in[0]);
    close(out[1]);
    close(err[1]);
    if (is_terminal) {
        close(in[1]);
        close(out[0]);
        close(err[0]);
    } else {
        s.ends = (struct attach_session){in[1], out[0], err[0], FD_NONE};
    }
    return s;
}

static void session_cat(void)
{
    static char data[30000];
    ssize_t n;

    while ((n = read(0, data, sizeof(data))) > 0)
        for (ssize_t w, at = 0; at < n; at += w) {
            w = write(1, data + at, (size_t)(n - at));
            if (w < 0)
                _exit(1);
        }
    _exit(write(2, "done", 4) == 4 ? 33 : 34);
}

static void finish_session(struct rig *r, struct process *s, struct attach_client *c, int want_code)
{
    bool detached = true;
    struct err e = {0};
    int status;

    (void)r;
    c->pidfd = s->pidfd;
    if (attach_stdio_run(c, &s->ends, &detached, &e) < 0)
        fail_msg("%s", e.msg);
    assert_false(detached);
    assert_int_equal(s->ends.stdout_fd, FD_NONE);
    assert_int_equal(waitpid(s->pid, &status, 0), s->pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), want_code);
    close(s->pidfd);
}

static void session_passes_everything(void **state)
{
    struct rig *r = *state;
    struct attach_client c = client_of(r);
    pid_t writer = play(r, write_pattern), reader = play(r, read_pattern);
    struct process s = session(session_cat, false);
    char text[8] = {0};

    r->in[1] = fd_close(r->in[1]);
    c.interactive = true;
    finish_session(r, &s, &c, 33);
    r->out[1] = fd_close(r->out[1]);
    assert_played(writer);
    assert_played(reader);
    assert_int_equal(read(r->err[0], text, 8), 4);
    assert_string_equal(text, "done");
}

static void session_big_output(void)
{
    static unsigned char data[65536];

    for (size_t at = 0; at < BIG; at += sizeof(data)) {
        for (size_t i = 0; i < sizeof(data); i++)
            data[i] = pattern(at + i);
        for (size_t done = 0; done < sizeof(data);) {
            ssize_t w = write(1, data + done, sizeof(data) - done);

            if (w < 0)
                _exit(1);
            done += (size_t)w;
        }
    }
}

static void slow_read_pattern(const struct rig *r)
{
    usleep(300000);
    read_pattern(r);
}

/* The process has ended long before its last output is taken. */
static void slow_user_loses_nothing_of_a_session(void **state)
{
    struct rig *r = *state;
    struct attach_client c = client_of(r);
    pid_t reader = play(r, slow_read_pattern);
    struct process s = session(session_big_output, false);

    finish_session(r, &s, &c, 0);
    r->out[1] = fd_close(r->out[1]);
    assert_played(reader);
}

static void session_leaves_a_child(void)
{
    if (fork() == 0)
        for (;;)
            pause();
    _exit(write(1, "bye", 3) == 3 ? 4 : 5);
}

static void background_child_does_not_hold_a_session(void **state)
{
    struct rig *r = *state;
    struct attach_client c = client_of(r);
    struct process s;
    char text[8] = {0};

    prctl(PR_SET_CHILD_SUBREAPER, 1);
    s = session(session_leaves_a_child, false);
    finish_session(r, &s, &c, 4);
    assert_int_equal(read(r->out[0], text, 8), 3);
    assert_string_equal(text, "bye");
    /* the child is ours now, and the only one */
    {
        char path[64], pids[64] = {0};
        int fd;

        snprintf(path, sizeof(path), "/proc/self/task/%d/children", (int)getpid());
        fd = open(path, O_RDONLY | O_CLOEXEC);
        assert_true(read(fd, pids, sizeof(pids) - 1) > 0);
        close(fd);
        assert_int_equal(kill((pid_t)strtol(pids, NULL, 10), SIGKILL), 0);
        assert_true(waitpid((pid_t)strtol(pids, NULL, 10), NULL, 0) > 0);
    }
    prctl(PR_SET_CHILD_SUBREAPER, 0);
}

static void session_terminal(void)
{
    struct winsize w = {0};
    char typed[16] = {0};

    if (read(0, typed, sizeof(typed)) != 3 || ioctl(0, TIOCGWINSZ, &w) < 0)
        _exit(1);
    dprintf(1, "%dx%d", w.ws_row, w.ws_col);
    _exit(6);
}

static void session_has_a_terminal(void **state)
{
    struct rig *r = *state;
    struct attach_client c = client_of(r);
    struct winsize w = {.ws_row = 21, .ws_col = 43};
    struct process s;
    int peer, master = open_pty(&peer);
    char text[64] = {0};

    assert_int_equal(ioctl(master, TIOCSWINSZ, &w), 0);
    s = session(session_terminal, true);
    assert_int_equal(write(r->in[1], "go\n", 3), 3);
    c.tty = c.interactive = true;
    c.err = peer; /* the user's terminal */
    finish_session(r, &s, &c, 6);
    assert_true(read(r->out[0], text, sizeof(text) - 1) > 0);
    assert_string_equal(text, "go\r\n21x43");
    close(peer);
    close(master);
}

#define test_of(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test_of(output_comes_whole_and_in_order),
        test_of(input_comes_whole_and_then_its_end),
        test_of(broken_stdout_does_not_end_the_client),
        test_of(full_disk_of_the_user_is_told),
        test_of(dead_monitor_is_an_error),
        test_of(signals_go_to_the_container),
        test_of(detach_keys_end_and_terminal_is_restored),
        test_of(fatal_signal_restores_the_terminal),
        test_of(session_passes_everything),
        test_of(slow_user_loses_nothing_of_a_session),
        test_of(background_child_does_not_hold_a_session),
        test_of(session_has_a_terminal),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
