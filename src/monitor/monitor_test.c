/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * dhow-monitor as a black box: each test starts the program beside a forked child, as the engine
 * does, and looks at what clients, log, exit record and cleanup command got.
 */
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/def.h"
#include "base/fd.h"
#include "runtime/monitor.h"

enum { PATIENCE_MS = 30000, BIG = 1 << 20 };

struct setup {
    void (*child)(void); /* the container: stdio is ready */
    bool with_stdin, with_terminal, without_client, with_full_disk;
    const char *log_max;
};
struct rig {
    char dir[64];
    pid_t monitor;
    int client; /* FD_NONE with without_client */
};
struct bytes {
    unsigned char *p;
    size_t n, cap;
};
struct seen {
    struct bytes out, err;
    struct monitor_exit exit;
    bool has_exit;
};

static void path_of(const struct rig *r, const char *name, char ret[256])
{
    snprintf(ret, 256, "%s/%s", r->dir, name);
}

static void bytes_add(struct bytes *b, const void *p, size_t n)
{
    if (b->n + n + 1 > b->cap) {
        b->cap = 2 * (b->n + n + 1);
        b->p = realloc(b->p, b->cap);
    }
    assert_non_null(b->p);
    memcpy(b->p + b->n, p, n);
    b->n += n;
    b->p[b->n] = 0;
}

static void seen_done(struct seen *s)
{
    free(s->out.p);
    free(s->err.p);
}

static struct bytes slurp(const struct rig *r, const char *name)
{
    char path[256], buf[65536];
    struct bytes b = {0};
    ssize_t n;
    int fd;

    path_of(r, name, path);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    bytes_add(&b, "", 0);
    while (fd >= 0 && (n = read(fd, buf, sizeof(buf))) > 0)
        bytes_add(&b, buf, (size_t)n);
    fd_close(fd);
    return b;
}

/* ---- starting ---- */

static void monitor_program(char ret[512])
{
    ssize_t n = readlink("/proc/self/exe", ret, 400);
    char *slash;

    assert_true(n > 0);
    ret[n] = 0;
    slash = strrchr(ret, '/');
    snprintf(slash, 64, "/../src/monitor/dhow-monitor");
}

static int high(int fd)
{
    int r = fcntl(fd, F_DUPFD_CLOEXEC, 100);

    close(fd);
    return r;
}

static void make_pipe(int ret[2])
{
    if (pipe2(ret, O_CLOEXEC) < 0)
        _exit(100);
    ret[0] = high(ret[0]);
    ret[1] = high(ret[1]);
}

static int listen_in(const char *dir)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    int fd = high(socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));

    snprintf(a.sun_path, sizeof(a.sun_path), "%s/attach.sock", dir);
    if (bind(fd, (struct sockaddr *)&a, sizeof(a)) < 0 || listen(fd, 100) < 0)
        _exit(101);
    return fd;
}

static void child_terminal(int peer)
{
    setsid();
    ioctl(peer, TIOCSCTTY, 0);
    for (int i = 0; i < 3; i++)
        dup2(peer, i);
}

/* The process that becomes the monitor. */
static void be_engine(const struct setup *s, const struct rig *r, int client)
{
    int in[2], out[2], err[2], fds[MONITOR_FD_MAX], master = -1, peer = -1;
    unsigned long mask = 0;
    char program[512], fds_arg[64], max_arg[64], script[600];
    char *argv[10] = {(char *)"dhow-monitor", (char *)"test", fds_arg};
    size_t n = 3;
    char log[256];
    pid_t pid;

    for (int i = 0; i < MONITOR_FD_MAX; i++)
        fds[i] = -1;
    make_pipe(in);
    make_pipe(out);
    make_pipe(err);
    if (s->with_terminal) {
        master = high(posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC));
        unlockpt(master);
        peer = high(open(ptsname(master), O_RDWR | O_NOCTTY | O_CLOEXEC));
    }
    pid = fork();
    if (pid == 0) {
        if (s->with_terminal)
            child_terminal(peer);
        else
            dup2(s->with_stdin ? in[0] : open("/dev/null", O_RDONLY), 0);
        if (!s->with_terminal) {
            dup2(out[1], 1);
            dup2(err[1], 2);
        }
        syscall(SYS_close_range, 3, ~0u, 0);
        s->child();
        _exit(0);
    }
    snprintf(log, sizeof(log), "%s/log", r->dir);
    fds[MONITOR_FD_DIR] = fds[MONITOR_FD_LOGDIR] = high(open(r->dir, O_RDONLY | O_DIRECTORY));
    fds[MONITOR_FD_LOG] = high(s->with_full_disk ? open("/dev/full", O_WRONLY)
                                                 : open(log, O_WRONLY | O_CREAT | O_APPEND, 0600));
    fds[MONITOR_FD_LISTEN] = listen_in(r->dir);
    fds[MONITOR_FD_CLIENT] = client >= 0 ? high(client) : -1;
    fds[MONITOR_FD_PIDFD] = high((int)syscall(SYS_pidfd_open, pid, 0));
    fds[MONITOR_FD_STDIN] = s->with_stdin && !s->with_terminal ? in[1] : -1;
    fds[MONITOR_FD_STDOUT] = s->with_terminal ? -1 : out[0];
    fds[MONITOR_FD_STDERR] = s->with_terminal ? -1 : err[0];
    fds[MONITOR_FD_TERMINAL] = master;
    for (int i = 0; i < MONITOR_FD_MAX; i++) {
        if (fds[i] < 0 || dup2(fds[i], i) < 0)
            continue;
        mask |= 1ul << i;
    }
    syscall(SYS_close_range, MONITOR_FD_MAX, ~0u, 0);
    snprintf(fds_arg, sizeof(fds_arg), "fds=%lx", mask);
    snprintf(max_arg, sizeof(max_arg), "log-max=%s", s->log_max ? s->log_max : "0");
    if (s->log_max)
        argv[n++] = max_arg;
    /* What the cleanup command finds: its fds, and that SIGTERM is not ignored any more. */
    snprintf(script, sizeof(script),
             "echo $(ls /proc/$$/fd) > %s/cleaned.tmp; grep SigIgn /proc/$$/status >> "
             "%s/cleaned.tmp; mv %s/cleaned.tmp %s/cleaned",
             r->dir, r->dir, r->dir, r->dir);
    argv[n++] = (char *)"--";
    argv[n++] = (char *)"/bin/sh";
    argv[n++] = (char *)"-c";
    argv[n++] = script;
    argv[n] = NULL;
    monitor_program(program);
    execv(program, argv);
    _exit(102);
}

static struct rig start(const struct setup *s)
{
    struct rig r = {.dir = "/tmp/dhow-monitor-test.XXXXXX", .client = FD_NONE};
    int pair[2] = {FD_NONE, FD_NONE};

    assert_non_null(mkdtemp(r.dir));
    if (!s->without_client)
        assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
    r.monitor = fork();
    assert_true(r.monitor >= 0);
    if (r.monitor == 0) {
        int null = open("/dev/null", O_RDWR);

        /* stderr stays: it shows what went wrong before the exec */
        dup2(null, 0);
        dup2(null, 1);
        be_engine(s, &r, pair[1]);
    }
    fd_close(pair[1]);
    r.client = pair[0];
    return r;
}

/* Waits for the monitor (or the cleanup command that it became); its exit code. */
static int finish(struct rig *r)
{
    int status = -1;

    r->client = fd_close(r->client);
    assert_int_equal(waitpid(r->monitor, &status, 0), r->monitor);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void done(struct rig *r)
{
    static const char *const names[] = {"log", "log.1", "exit", "attach.sock", "cleaned", "go"};
    char path[256];

    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        path_of(r, names[i], path);
        unlink(path);
    }
    assert_int_equal(rmdir(r->dir), 0);
}

static bool was_cleaned(const struct rig *r)
{
    char path[256];

    path_of(r, "cleaned", path);
    return access(path, F_OK) == 0;
}

/* ---- clients ---- */

/* One packet; false at the end of the socket. */
static bool take(int client, struct seen *s)
{
    static unsigned char packet[1 + MONITOR_CHUNK + 1];
    struct pollfd p = {.fd = client, .events = POLLIN};
    ssize_t n;

    assert_int_equal(poll(&p, 1, PATIENCE_MS), 1);
    n = recv(client, packet, sizeof(packet), 0);
    if (n <= 0)
        return false;
    assert_true(n <= 1 + (ssize_t)MONITOR_CHUNK);
    assert_false(s->has_exit);
    switch (packet[0]) {
    case MONITOR_STDOUT:
        bytes_add(&s->out, packet + 1, (size_t)n - 1);
        break;
    case MONITOR_STDERR:
        bytes_add(&s->err, packet + 1, (size_t)n - 1);
        break;
    case MONITOR_EXIT:
        assert_int_equal(n, sizeof(s->exit));
        memcpy(&s->exit, packet, sizeof(s->exit));
        s->has_exit = true;
        break;
    default:
        fail_msg("packet %d", packet[0]);
    }
    return true;
}

static void take_all(int client, struct seen *s)
{
    while (!s->has_exit)
        assert_true(take(client, s));
}

static void say(int client, enum monitor_packet type, const void *data, size_t n)
{
    unsigned char packet[1 + MONITOR_CHUNK] = {(unsigned char)type};

    memcpy(packet + 1, data, n);
    assert_int_equal(send(client, packet, 1 + n, MSG_NOSIGNAL), 1 + n);
}

static int attach(const struct rig *r)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

    snprintf(a.sun_path, sizeof(a.sun_path), "%s/attach.sock", r->dir);
    for (int i = 0; i < PATIENCE_MS / 10; i++) {
        if (connect(fd, (struct sockaddr *)&a, sizeof(a)) == 0)
            return fd;
        usleep(10000);
    }
    fail_msg("attach: %d", errno);
    return FD_NONE;
}

static void clean(int client)
{
    say(client, MONITOR_CLEANING, "", 0);
    say(client, MONITOR_CLEANED, "", 0);
}

/* ---- the log, read by hand ---- */

static void log_bytes(const struct rig *r, const char *name, struct bytes *ret_out,
                      struct bytes *ret_err)
{
    struct bytes text = slurp(r, name);
    unsigned char *p = text.p, *end = text.p + text.n;

    while (p < end) {
        unsigned char *newline = memchr(p, '\n', (size_t)(end - p));
        bool is_out, is_full;

        assert_non_null(newline);
        assert_true(newline - p >= 40);
        assert_true(newline - p <= 40 + (ptrdiff_t)MONITOR_LOG_LINE);
        assert_memory_equal(p + 4, "-", 1);
        assert_memory_equal(p + 10, "T", 1);
        assert_memory_equal(p + 29, "Z std", 5);
        is_out = memcmp(p + 30, " stdout ", 8) == 0;
        assert_true(is_out || memcmp(p + 30, " stderr ", 8) == 0);
        is_full = p[38] == 'F';
        assert_true(is_full || p[38] == 'P');
        bytes_add(is_out ? ret_out : ret_err, p + 40, (size_t)(newline - p) - 40 + is_full);
        p = newline + 1;
    }
    free(text.p);
}

static void assert_bytes(const struct bytes *got, const void *want, size_t n)
{
    assert_int_equal(got->n, n);
    if (n)
        assert_memory_equal(got->p, want, n);
}

static void assert_record(const struct rig *r, const char *want)
{
    struct bytes b = slurp(r, "exit");

    if (!strstr((char *)b.p, want))
        fail_msg("record '%s' lacks '%s'", b.p, want);
    free(b.p);
}

/* ---- children ---- */

static void put(int fd, const void *p, size_t n)
{
    const char *s = p;

    while (n > 0) {
        ssize_t w = write(fd, s, n);

        if (w < 0)
            _exit(99);
        s += w;
        n -= (size_t)w;
    }
}

/* T-log: every byte value, escapes, broken UTF-8, a line of 1 MiB, no newline at the end. */
static struct bytes nasty(void)
{
    static const char start_text[] = "one\n\ntwo \033[2J\r \xff\xfe\xc3(\n\0nul\n";
    struct bytes b = {0};

    bytes_add(&b, start_text, sizeof(start_text) - 1);
    for (int i = 0; i < 256; i++)
        bytes_add(&b, &(unsigned char){(unsigned char)i}, 1);
    b.p = realloc(b.p, b.n + BIG + 100);
    assert_non_null(b.p);
    memset(b.p + b.n, 'x', BIG);
    b.n += BIG;
    bytes_add(&b, "end\nno newline", 14);
    return b;
}

static void child_nasty(void)
{
    struct bytes b = nasty();

    put(2, "to stderr\n", 10);
    put(1, b.p, b.n);
    put(2, "last", 4);
    _exit(3);
}

static void child_killed(void)
{
    put(1, "x\n", 2);
    kill(getpid(), SIGTERM);
    for (;;)
        pause();
}

static void child_quick(void)
{
    put(1, "hello\n", 6);
}

static void child_cat(void)
{
    static char buf[65536];
    ssize_t n;

    while ((n = read(0, buf, sizeof(buf))) > 0)
        put(1, buf, (size_t)n);
    put(2, "eof", 3);
}

static void child_numbers(void)
{
    char line[16];

    for (int i = 0; i < 400000; i++)
        put(1, line, (size_t)snprintf(line, sizeof(line), "%09d\n", i));
}

static void child_numbers_on_go(void)
{
    char c;

    if (read(0, &c, 1) == 1)
        child_numbers();
}

static void child_lines(void)
{
    char line[128];

    for (int i = 0; i < 100; i++)
        put(1, line, (size_t)snprintf(line, sizeof(line), "%099d\n", i));
}

static void child_with_grandchild(void)
{
    if (fork() == 0) {
        pid_t self = getpid();

        put(1, &self, sizeof(self));
        for (;;)
            pause();
    }
    _exit(5);
}

static void child_terminal_size(void)
{
    struct winsize w = {0};
    char buf[100];

    if (read(0, buf, sizeof(buf)) != 3)
        _exit(98);
    ioctl(0, TIOCGWINSZ, &w);
    dprintf(1, "size=%dx%d\n", w.ws_row, w.ws_col);
    _exit(7);
}

/* Closes its terminal for a while: that is no end. */
static void child_terminal_reopened(void)
{
    int fd;

    for (int i = 0; i < 3; i++)
        close(i);
    usleep(300000);
    fd = open("/dev/tty", O_RDWR);
    put(fd, "back\n", 5);
}

static void check_numbers(const struct bytes *b)
{
    char line[16];

    assert_int_equal(b->n, 400000 * 10);
    for (int i = 0; i < 400000; i++) {
        snprintf(line, sizeof(line), "%09d\n", i);
        if (memcmp(b->p + (size_t)i * 10, line, 10) != 0)
            fail_msg("line %d", i);
    }
}

/* ---- tests ---- */

static void every_byte_reaches_client_and_log(void **state)
{
    struct rig r = start(&(struct setup){.child = child_nasty});
    struct bytes want = nasty(), out = {0}, err = {0};
    struct seen s = {0};

    (void)state;
    take_all(r.client, &s);
    assert_int_equal(s.exit.code, 3);
    assert_int_equal(s.exit.signal, 0);
    assert_true(s.exit.finished_ns > 1000000000ll * 1000000000ll);
    assert_bytes(&s.out, want.p, want.n);
    assert_bytes(&s.err, "to stderr\nlast", 14);
    /* the log and the record are complete when EXIT comes */
    log_bytes(&r, "log", &out, &err);
    assert_bytes(&out, want.p, want.n);
    assert_bytes(&err, "to stderr\nlast", 14);
    assert_record(&r, "code=3\nsignal=0\n");
    assert_record(&r, "oom=0\nlog_lost=0\n");
    clean(r.client);
    assert_int_equal(finish(&r), 0);
    assert_false(was_cleaned(&r));
    seen_done(&s);
    free(want.p);
    free(out.p);
    free(err.p);
    done(&r);
}

static void signal_is_recorded(void **state)
{
    struct rig r = start(&(struct setup){.child = child_killed});
    struct seen s = {0};

    (void)state;
    take_all(r.client, &s);
    assert_int_equal(s.exit.code, 128 + SIGTERM);
    assert_int_equal(s.exit.signal, SIGTERM);
    assert_record(&r, "code=143\nsignal=15\n");
    clean(r.client);
    assert_int_equal(finish(&r), 0);
    seen_done(&s);
    done(&r);
}

static void cleanup_runs_without_client(void **state)
{
    struct rig r = start(&(struct setup){.child = child_quick, .without_client = true});
    const char *ignored;
    struct bytes b;

    (void)state;
    assert_int_equal(finish(&r), 0);
    assert_true(was_cleaned(&r));
    b = slurp(&r, "cleaned");
    /* no fd of the monitor's; what is beyond 2 is ls's and the shell's own */
    assert_memory_equal(b.p, "0 1 2", 5);
    assert_null(strstr((char *)b.p, " 5"));
    assert_null(strstr((char *)b.p, " 13"));
    ignored = strstr((char *)b.p, "SigIgn:\t");
    assert_non_null(ignored);
    /* 32 and above are libc's own; `timeout` leaves 32 ignored, and nobody can undo that */
    assert_int_equal(strtoull(ignored + strlen("SigIgn:\t"), NULL, 16) & 0x7fffffff, 0);
    free(b.p);
    assert_record(&r, "code=0\n");
    done(&r);
}

static void cleanup_runs_when_nobody_claims(void **state)
{
    struct rig r = start(&(struct setup){.child = child_quick});
    struct seen s = {0};
    int status;

    (void)state;
    take_all(r.client, &s);
    assert_int_equal(waitpid(r.monitor, &status, 0), r.monitor);
    assert_true(was_cleaned(&r));
    fd_close(r.client);
    seen_done(&s);
    done(&r);
}

static void cleanup_runs_when_the_claimer_dies(void **state)
{
    struct rig r = start(&(struct setup){.child = child_quick});
    struct seen s = {0};

    (void)state;
    take_all(r.client, &s);
    say(r.client, MONITOR_CLEANING, "", 0);
    assert_int_equal(finish(&r), 0);
    assert_true(was_cleaned(&r));
    seen_done(&s);
    done(&r);
}

static void slow_client_holds_back_and_loses_nothing(void **state)
{
    struct rig r = start(&(struct setup){.child = child_numbers});
    struct seen s = {0};
    struct pollfd p;

    (void)state;
    /* 4 MB do not fit into pipe and socket: the child cannot have ended */
    usleep(300000);
    p = (struct pollfd){.fd = r.client, .events = POLLIN};
    assert_int_equal(poll(&p, 1, PATIENCE_MS), 1);
    {
        struct bytes b = slurp(&r, "exit");

        assert_int_equal(b.n, 0);
        free(b.p);
    }
    take_all(r.client, &s);
    check_numbers(&s.out);
    clean(r.client);
    assert_int_equal(finish(&r), 0);
    seen_done(&s);
    done(&r);
}

static void dead_client_does_not_stop_the_container(void **state)
{
    struct rig r = start(&(struct setup){.child = child_numbers});
    struct bytes out = {0}, err = {0};
    struct seen s = {0};

    (void)state;
    assert_true(take(r.client, &s));
    assert_int_equal(finish(&r), 0);
    log_bytes(&r, "log", &out, &err);
    check_numbers(&out);
    assert_record(&r, "code=0\n");
    assert_true(was_cleaned(&r));
    seen_done(&s);
    free(out.p);
    done(&r);
}

static void each_of_two_clients_gets_all(void **state)
{
    struct rig r = start(&(struct setup){.child = child_numbers_on_go, .with_stdin = true});
    struct seen one = {0}, two = {0};
    int second = attach(&r);
    pid_t reader;
    int status;

    (void)state;
    say(second, MONITOR_STDIN, "g", 1);
    reader = fork();
    if (reader == 0) {
        take_all(second, &two);
        check_numbers(&two.out);
        _exit(0);
    }
    take_all(r.client, &one);
    check_numbers(&one.out);
    assert_int_equal(waitpid(reader, &status, 0), reader);
    assert_int_equal(status, 0);
    fd_close(second);
    clean(r.client);
    assert_int_equal(finish(&r), 0);
    seen_done(&one);
    done(&r);
}

static void input_comes_back_from_cat(void **state)
{
    struct rig r = start(&(struct setup){.child = child_cat, .with_stdin = true});
    struct bytes want = nasty();
    struct seen s = {0};
    pid_t writer = fork();
    int status;

    (void)state;
    if (writer == 0) {
        for (size_t i = 0; i < want.n; i += MONITOR_CHUNK)
            say(r.client, MONITOR_STDIN, want.p + i, MIN(want.n - i, (size_t)MONITOR_CHUNK));
        say(r.client, MONITOR_STDIN_EOF, "", 0);
        _exit(0);
    }
    take_all(r.client, &s);
    assert_bytes(&s.out, want.p, want.n);
    assert_bytes(&s.err, "eof", 3);
    assert_int_equal(waitpid(writer, &status, 0), writer);
    assert_int_equal(status, 0);
    clean(r.client);
    assert_int_equal(finish(&r), 0);
    seen_done(&s);
    free(want.p);
    done(&r);
}

static void leaving_client_does_not_close_stdin(void **state)
{
    struct rig r = start(&(struct setup){.child = child_cat, .with_stdin = true});
    struct seen s = {0};
    int second;

    (void)state;
    say(r.client, MONITOR_STDIN, "first ", 6);
    r.client = fd_close(r.client);
    second = attach(&r);
    say(second, MONITOR_STDIN, "second", 6);
    say(second, MONITOR_STDIN_EOF, "", 0);
    take_all(second, &s);
    clean(second);
    assert_int_equal(s.exit.code, 0);
    assert_int_equal(finish(&r), 0);
    {
        struct bytes out = {0}, err = {0};

        log_bytes(&r, "log", &out, &err);
        assert_bytes(&out, "first second", 12);
        free(out.p);
        free(err.p);
    }
    fd_close(second);
    seen_done(&s);
    done(&r);
}

static void terminal_has_size_and_echo(void **state)
{
    struct rig r = start(&(struct setup){.child = child_terminal_size, .with_terminal = true});
    struct monitor_winsize w = {MONITOR_WINSIZE, 33, 77};
    struct seen s = {0};

    (void)state;
    say(r.client, MONITOR_WINSIZE, (char *)&w + 1, sizeof(w) - 1);
    say(r.client, MONITOR_STDIN, "go\n", 3);
    take_all(r.client, &s);
    assert_int_equal(s.exit.code, 7);
    assert_string_equal((char *)s.out.p, "go\r\nsize=33x77\r\n");
    assert_int_equal(s.err.n, 0);
    clean(r.client);
    assert_int_equal(finish(&r), 0);
    seen_done(&s);
    done(&r);
}

static void closed_terminal_is_no_end(void **state)
{
    struct rig r = start(&(struct setup){.child = child_terminal_reopened, .with_terminal = true});
    struct seen s = {0};

    (void)state;
    take_all(r.client, &s);
    assert_non_null(s.out.p);
    assert_string_equal((char *)s.out.p, "back\r\n");
    clean(r.client);
    assert_int_equal(finish(&r), 0);
    seen_done(&s);
    done(&r);
}

static void full_disk_is_counted(void **state)
{
    struct rig r = start(&(struct setup){.child = child_lines, .with_full_disk = true});
    struct seen s = {0};

    (void)state;
    take_all(r.client, &s);
    assert_int_equal(s.out.n, 10000);
    assert_int_equal(s.exit.code, 0);
    assert_record(&r, "log_lost=10000\n");
    clean(r.client);
    assert_int_equal(finish(&r), 0);
    seen_done(&s);
    done(&r);
}

static void log_is_rotated_without_loss(void **state)
{
    /* 100 lines of 140 bytes: one rotation at 10000 */
    struct rig r = start(&(struct setup){.child = child_lines, .log_max = "10000"});
    struct bytes all = {0}, none = {0}, old;
    struct seen s = {0};

    (void)state;
    take_all(r.client, &s);
    old = slurp(&r, "log.1");
    assert_true(old.n > 0);
    free(old.p);
    log_bytes(&r, "log.1", &all, &none);
    log_bytes(&r, "log", &all, &none);
    assert_bytes(&all, s.out.p, s.out.n);
    clean(r.client);
    assert_int_equal(finish(&r), 0);
    seen_done(&s);
    free(all.p);
    done(&r);
}

static void grandchild_with_the_pipe_does_not_hold_the_exit(void **state)
{
    struct rig r = start(&(struct setup){.child = child_with_grandchild});
    struct seen s = {0};
    pid_t grandchild;

    (void)state;
    take_all(r.client, &s);
    assert_int_equal(s.exit.code, 5);
    assert_int_equal(s.out.n, sizeof(grandchild));
    memcpy(&grandchild, s.out.p, sizeof(grandchild));
    assert_int_equal(kill(grandchild, SIGKILL), 0);
    clean(r.client);
    assert_int_equal(finish(&r), 0);
    seen_done(&s);
    done(&r);
}

static void other_users_are_turned_away(void **state)
{
    struct rig r;
    char path[256];
    pid_t pid;
    int status, own;

    (void)state;
    if (geteuid() != 0)
        skip(); /* to be another user takes root */
    r = start(&(struct setup){.child = child_cat, .with_stdin = true});
    own = attach(&r);
    path_of(&r, "attach.sock", path);
    assert_int_equal(chmod(r.dir, 0755) | chmod(path, 0777), 0);
    pid = fork();
    if (pid == 0) {
        char c;
        int fd;

        if (setgid(65534) < 0 || setuid(65534) < 0)
            _exit(1);
        fd = attach(&r);
        send(fd, "\4", 1, MSG_NOSIGNAL); /* STDIN_EOF */
        _exit(recv(fd, &c, 1, 0) > 0 ? 2 : 0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    /* the container still reads */
    {
        struct seen s = {0};

        say(own, MONITOR_STDIN, "alive", 5);
        say(own, MONITOR_STDIN_EOF, "", 0);
        take_all(own, &s);
        assert_bytes(&s.out, "alive", 5);
        seen_done(&s);
    }
    clean(own);
    assert_int_equal(finish(&r), 0);
    fd_close(own);
    done(&r);
}

static void malformed_packets_are_ignored(void **state)
{
    struct rig r = start(&(struct setup){.child = child_cat, .with_stdin = true});
    struct seen s = {0};

    (void)state;
    say(r.client, MONITOR_WINSIZE, "x", 1);
    say(r.client, MONITOR_EXIT, "x", 1);
    say(r.client, MONITOR_CLEANED, "", 0);
    say(r.client, MONITOR_CLEANING, "", 0);
    say(r.client, MONITOR_STDIN, "", 0);
    say(r.client, (enum monitor_packet)200, "xyz", 3);
    say(r.client, MONITOR_STDIN, "still", 5);
    say(r.client, MONITOR_STDIN_EOF, "", 0);
    take_all(r.client, &s);
    assert_bytes(&s.out, "still", 5);
    clean(r.client);
    assert_int_equal(finish(&r), 0);
    assert_false(was_cleaned(&r));
    seen_done(&s);
    done(&r);
}

int main(void)
{
    /* Whoever runs the tests may ignore signals (nohup); the programs started here shall not. */
    for (int sig = 1; sig < NSIG; sig++)
        signal(sig, SIG_DFL);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_byte_reaches_client_and_log),
        cmocka_unit_test(signal_is_recorded),
        cmocka_unit_test(cleanup_runs_without_client),
        cmocka_unit_test(cleanup_runs_when_nobody_claims),
        cmocka_unit_test(cleanup_runs_when_the_claimer_dies),
        cmocka_unit_test(slow_client_holds_back_and_loses_nothing),
        cmocka_unit_test(dead_client_does_not_stop_the_container),
        cmocka_unit_test(each_of_two_clients_gets_all),
        cmocka_unit_test(input_comes_back_from_cat),
        cmocka_unit_test(leaving_client_does_not_close_stdin),
        cmocka_unit_test(terminal_has_size_and_echo),
        cmocka_unit_test(closed_terminal_is_no_end),
        cmocka_unit_test(full_disk_is_counted),
        cmocka_unit_test(log_is_rotated_without_loss),
        cmocka_unit_test(grandchild_with_the_pipe_does_not_hold_the_exit),
        cmocka_unit_test(other_users_are_turned_away),
        cmocka_unit_test(malformed_packets_are_ignored),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
