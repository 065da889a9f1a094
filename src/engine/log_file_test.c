/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"
#include "engine/log_file.h"

#define T1 "2026-01-02T03:04:05.000000001Z"
#define T2 "2026-01-02T03:04:05.000000002Z"
#define T3 "2026-01-02T03:04:05.000000003Z"

struct rig {
    char path[64];
    int dir;
};

/* What was given: "o<text" at a line start of stdout, "e..." of stderr, "+..." within a line. */
struct given {
    struct str shown;
    struct str stream[2];
    int stop_after;
    int calls;
};

static int collect(void *arg, enum engine_log_stream stream, const char *timestamp,
                   bool is_line_start, const char *text, size_t n)
{
    struct given *g = arg;

    assert_int_equal(strlen(timestamp), 30);
    str_add_char(&g->shown, stream == ENGINE_LOG_STDOUT ? 'o' : 'e');
    str_add_char(&g->shown, is_line_start ? '<' : '+');
    str_add_bytes(&g->shown, text, n);
    str_add_bytes(&g->stream[stream], text, n);
    g->calls++;
    return g->calls == g->stop_after;
}

static struct given given_new(void)
{
    return (struct given){.shown = STR_INIT(8 << 20),
                          .stream = {STR_INIT(8 << 20), STR_INIT(8 << 20)}};
}

static void given_done(struct given *g)
{
    str_done(&g->shown);
    str_done(&g->stream[0]);
    str_done(&g->stream[1]);
}

static int setup(void **state)
{
    struct rig *r = alloc_new(struct rig);

    snprintf(r->path, sizeof(r->path), "/tmp/dhow-log-test.XXXXXX");
    assert_non_null(mkdtemp(r->path));
    r->dir = open(r->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    *state = r;
    return 0;
}

static int teardown(void **state)
{
    struct rig *r = *state;

    unlinkat(r->dir, "log", 0);
    unlinkat(r->dir, "log.1", 0);
    close(r->dir);
    assert_int_equal(rmdir(r->path), 0);
    free(r);
    return 0;
}

static void append(const struct rig *r, const char *name, const char *text, size_t n)
{
    int fd = openat(r->dir, name, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, n), n);
    close(fd);
}

static void append_text(const struct rig *r, const char *name, const char *text)
{
    append(r, name, text, strlen(text));
}

static void assert_shown(const struct rig *r, const struct engine_logs *how, const char *want)
{
    struct given g = given_new();
    struct err e = {0};

    if (log_file_read(r->dir, "log", how, NULL, NULL, collect, &g, &e) < 0)
        fail_msg("%s", e.msg);
    assert_string_equal(str_text(&g.shown), want);
    given_done(&g);
}

static void lines_are_parsed(void **state)
{
    static const struct {
        const char *line;
        const char *text; /* NULL: refused */
        bool is_partial, is_err;
    } cases[] = {
        {T1 " stdout F hello", "hello", false, false},
        {T1 " stderr P hel lo ", "hel lo ", true, true},
        {T1 " stdout F ", "", false, false},
        {"2026-01-02T03:04:05Z stdout F x", "x", false, false},
        {"2026-01-02T03:04:05.5+02:00 stdout F x", "x", false, false},
        {T1 " stdout F", NULL, false, false},
        {T1 " stdout X a", NULL, false, false},
        {T1 " stdin F a", NULL, false, false},
        {T1 "  stdout F a", NULL, false, false},
        {T1, NULL, false, false},
        {"", NULL, false, false},
        {"yesterday stdout F a", NULL, false, false},
        {"2026-13-02T03:04:05Z stdout F x", NULL, false, false},
        {"2026-01-02T03:04:05.0000000000000000000000000000000000000Z stdout F x", NULL, false,
         false},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct log_line l = {0};
        int r = log_line_parse(cases[i].line, strlen(cases[i].line), &l);

        assert_int_equal(r, cases[i].text ? 0 : -EINVAL);
        if (r < 0)
            continue;
        assert_int_equal(l.text_len, strlen(cases[i].text));
        assert_memory_equal(l.text, cases[i].text, l.text_len);
        assert_int_equal(l.is_partial, cases[i].is_partial);
        assert_int_equal(l.stream == ENGINE_LOG_STDERR, cases[i].is_err);
    }
}

static void partial_lines_are_joined(void **state)
{
    append_text(*state, "log",
                T1 " stdout P one \n" T1 " stderr F err\n" T2 " stdout P two \n" T2
                   " stdout F three\n" T3 " stdout F \n" T3 " stdout P end\n");
    assert_shown(*state, &(struct engine_logs){.tail = -1},
                 "o<one e<err\no+two o+three\no<\no<end");
}

static void damage_is_skipped(void **state)
{
    const struct rig *r = *state;
    struct str long_line = STR_INIT(1 << 20);

    append_text(r, "log", T1 " stdout F a\n\ngarbage\n" T1 " stdout F b\n");
    str_add(&long_line, T1 " stdout F ");
    for (int i = 0; i < 200000; i++)
        str_add_char(&long_line, 'x');
    append(r, "log", long_line.s, long_line.len);
    append_text(r, "log", "\n" T1 " stdout F c\n" T1 " stdout F torn");
    assert_shown(r, &(struct engine_logs){.tail = -1}, "o<a\no<b\no<c\n");
    assert_shown(r, &(struct engine_logs){.tail = 2}, "o<b\no<c\n");
    str_done(&long_line);
}

static void bytes_come_back_exactly(void **state)
{
    const struct rig *r = *state;
    char line[16384 + 64];
    struct given g = given_new();
    size_t total = 0;

    for (int i = 0; i < 100; i++) {
        int n = snprintf(line, sizeof(line), T1 " stdout %c ", i % 3 ? 'P' : 'F');

        for (size_t k = 0; k < 16384; k++)
            line[n + (int)k] = (char)((k * 7 + (size_t)i) % 256 == '\n' ? 0 : (k * 7 + (size_t)i));
        line[n + 16384] = '\n';
        append(r, i < 40 ? "log.1" : "log", line, (size_t)n + 16385);
        total += 16384 + !(i % 3);
    }
    assert_int_equal(log_file_read(r->dir, "log", &(struct engine_logs){.tail = -1}, NULL, NULL,
                                   collect, &g, NULL),
                     0);
    assert_int_equal(g.stream[0].len, total);
    for (size_t i = 0, at = 0; i < 100; i++, at += 16384 + (i % 3 == 1))
        for (size_t k = 0; k < 16384; k++)
            if (g.stream[0].s[at + k] != (char)((k * 7 + i) % 256 == '\n' ? 0 : (k * 7 + i)))
                fail_msg("line %zu, byte %zu", i, k);
    given_done(&g);
}

static void tail_counts_whole_lines(void **state)
{
    static const struct {
        int64_t tail;
        const char *want;
    } cases[] = {
        {0, ""},
        {1, "o<end"},
        {2, "e<err2\no<end"},
        {3, "o<two o+three\ne<err2\no<end"},
        /* err stands between the pieces of the line before it */
        {4, "o<two e<err\no+three\ne<err2\no<end"},
        {5, "o<one\no<two e<err\no+three\ne<err2\no<end"},
        {6, "o<zero\no<one\no<two e<err\no+three\ne<err2\no<end"},
        {100, "o<zero\no<one\no<two e<err\no+three\ne<err2\no<end"},
        {-1, "o<zero\no<one\no<two e<err\no+three\ne<err2\no<end"},
    };

    append_text(*state, "log.1", T1 " stdout F zero\n" T1 " stdout F one\n");
    append_text(*state, "log.1", T1 " stdout P two \n" T2 " stderr F err\n");
    append_text(*state, "log",
                T2 " stdout F three\n" T3 " stderr F err2\n" T3 " stdout P end\n" T3
                   " stdout F to");
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        assert_shown(*state, &(struct engine_logs){.tail = cases[i].tail}, cases[i].want);
}

static void tail_of_a_large_log_is_exact(void **state)
{
    const struct rig *r = *state;
    struct str all = STR_INIT(8 << 20), want = STR_INIT(8 << 20);

    for (int i = 0; i < 20000; i++)
        str_addf(&all, T1 " stdout F %0*d\n", 1 + i % 90, i);
    append(r, "log", all.s, all.len);
    for (int tail = 1; tail < 20000; tail = tail * 3 + 1) {
        str_truncate(&want, 0);
        for (int i = 20000 - tail; i < 20000; i++)
            str_addf(&want, "o<%0*d\n", 1 + i % 90, i);
        assert_shown(r, &(struct engine_logs){.tail = tail}, want.s);
    }
    str_done(&all);
    str_done(&want);
}

static void times_limit_what_is_shown(void **state)
{
    /* 2026-01-02T03:04:05Z */
    const int64_t base = 1767323045000000000;

    append_text(*state, "log", T1 " stdout F a\n" T2 " stderr F b\n" T3 " stdout F c\n");
    assert_shown(*state, &(struct engine_logs){.tail = -1, .since_ns = base + 2}, "e<b\no<c\n");
    assert_shown(*state, &(struct engine_logs){.tail = -1, .until_ns = base + 2}, "o<a\ne<b\n");
    assert_shown(*state, &(struct engine_logs){.tail = 1, .since_ns = base + 3}, "o<c\n");
    assert_shown(*state, &(struct engine_logs){.tail = 1, .until_ns = base + 1}, "");
}

static void no_log_is_empty(void **state)
{
    assert_shown(*state, &(struct engine_logs){.tail = -1}, "");
    assert_shown(*state, &(struct engine_logs){.tail = 3}, "");
}

static void reader_can_stop(void **state)
{
    const struct rig *r = *state;
    struct given g = given_new();

    g.stop_after = 1;
    append_text(r, "log", T1 " stdout F a\n" T2 " stdout F b\n");
    assert_int_equal(log_file_read(r->dir, "log", &(struct engine_logs){.tail = -1, .follow = true},
                                   NULL, NULL, collect, &g, NULL),
                     0);
    assert_string_equal(str_text(&g.shown), "o<a\n");
    given_done(&g);
}

/* T-log */
static void symlink_is_not_followed(void **state)
{
    const struct rig *r = *state;
    struct given g = given_new();
    struct err e = {0};

    append_text(r, "log.1", T1 " stdout F secret\n");
    assert_int_equal(symlinkat("log.1", r->dir, "log"), 0);
    assert_int_equal(log_file_read(r->dir, "log", &(struct engine_logs){.tail = -1}, NULL, NULL,
                                   collect, &g, &e),
                     -1);
    assert_int_equal(e.errno_value, ELOOP);
    assert_string_equal(str_text(&g.shown), "");
    given_done(&g);
}

static int writer_has_ended(void *arg)
{
    siginfo_t si = {0};

    return waitid(P_PID, *(id_t *)arg, &si, WEXITED | WNOHANG | WNOWAIT) == 0 && si.si_pid != 0;
}

/* A writer that rotates under the reader. Every line is there once: the reader holds each file that
 * it has seen, and the writer waits for it before it rotates again. */
static void following_goes_through_rotation(void **state)
{
    const struct rig *r = *state;
    struct given g = given_new();
    struct str want = STR_INIT(1 << 20);
    pid_t pid;
    int status;

    append_text(r, "log", T1 " stdout F first\n");
    str_add(&want, "first\n");
    pid = fork();
    if (pid == 0) {
        char line[100];

        for (int i = 0; i < 1000; i++) {
            if (i == 500) {
                usleep(300000);
                renameat(r->dir, "log", r->dir, "log.1");
            }
            snprintf(line, sizeof(line), T1 " stdout F %d\n", i);
            append_text(r, "log", line);
        }
        _exit(0);
    }
    for (int i = 0; i < 1000; i++)
        str_addf(&want, "%d\n", i);
    assert_int_equal(log_file_read(r->dir, "log", &(struct engine_logs){.tail = -1, .follow = true},
                                   writer_has_ended, &pid, collect, &g, NULL),
                     0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    assert_string_equal(str_text(&g.stream[0]), want.s);
    given_done(&g);
    str_done(&want);
}

static void following_waits_for_the_first_line(void **state)
{
    const struct rig *r = *state;
    struct given g = given_new();
    pid_t pid = fork();

    if (pid == 0) {
        usleep(150000);
        append_text(r, "log", T1 " stderr F la");
        append_text(r, "log", "te\n");
        _exit(0);
    }
    assert_int_equal(log_file_read(r->dir, "log", &(struct engine_logs){.tail = 0, .follow = true},
                                   writer_has_ended, &pid, collect, &g, NULL),
                     0);
    waitpid(pid, NULL, 0);
    assert_string_equal(str_text(&g.shown), "e<late\n");
    given_done(&g);
}

#define test_in_dir(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_are_parsed),
        test_in_dir(partial_lines_are_joined),
        test_in_dir(damage_is_skipped),
        test_in_dir(bytes_come_back_exactly),
        test_in_dir(tail_counts_whole_lines),
        test_in_dir(tail_of_a_large_log_is_exact),
        test_in_dir(times_limit_what_is_shown),
        test_in_dir(no_log_is_empty),
        test_in_dir(reader_can_stop),
        test_in_dir(symlink_is_not_followed),
        test_in_dir(following_goes_through_rotation),
        test_in_dir(following_waits_for_the_first_line),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
