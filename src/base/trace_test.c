/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/json.h"
#include "base/trace.h"

struct place {
    char dir[64];
    char *path;
};

static int enter(void **state)
{
    struct place *p = alloc_new(struct place);

    snprintf(p->dir, sizeof(p->dir), "/tmp/dhow-trace-test-XXXXXX");
    if (!mkdtemp(p->dir))
        return -1;
    p->path = alloc_printf("%s/trace.json", p->dir);
    *state = p;
    return 0;
}

static int leave(void **state)
{
    struct place *p = *state;

    unlink(p->path);
    rmdir(p->dir); /* leaves a directory behind when trace_close left its temporary file */
    free(p->path);
    free(p);
    return 0;
}

static struct json_object *read_trace(const char *path)
{
    auto_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
    char text[65536];
    ssize_t n = read(fd, text, sizeof(text));
    struct json_object *o = NULL;
    struct err e = {0};

    assert_true(n > 0);
    if (json_parse(text, (size_t)n, sizeof(text), &o, &e) < 0)
        fail_msg("%s", e.msg);
    return o;
}

static const char *member(struct json_object *events, size_t i, const char *key)
{
    return json_object_get_string(
        json_object_object_get(json_object_array_get_idx(events, i), key));
}

static void in_child(void)
{
    trace_role("init \"1\"");
    TRACE_SPAN("child work");
}

static void spans_of_several_processes_become_one_sorted_array(void **state)
{
    struct place *p = *state;
    auto_json *events = NULL;
    int status = -1;
    pid_t child;

    assert_int_equal(trace_open(p->path), 0);
    assert_true(trace_fd() >= 0);
    {
        TRACE_SPAN("outer");
        child = fork();
        if (child == 0) {
            in_child();
            (void)!write(trace_fd(), "{\"name\":\"cut", 12); /* killed in the middle */
            _exit(0);
        }
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_int_equal(status, 0);
        (void)!write(trace_fd(), "\n", 1);
    }
    trace_role("cli");
    assert_int_equal(trace_close(p->path), 0);
    assert_int_equal(trace_fd(), FD_NONE);

    events = read_trace(p->path);
    assert_int_equal(json_object_array_length(events), 4);
    assert_string_equal(member(events, 0, "ph"), "M");
    assert_string_equal(json_object_get_string(json_object_object_get(
                            json_object_object_get(json_object_array_get_idx(events, 0), "args"),
                            "name")),
                        "init _1_");
    assert_string_equal(member(events, 1, "name"), "process_name");
    assert_string_equal(member(events, 2, "name"), "outer");
    assert_string_equal(member(events, 3, "name"), "child work");
    assert_string_equal(member(events, 3, "ph"), "X");
    assert_int_equal(strtol(member(events, 3, "pid"), NULL, 10), child);
    assert_int_equal(strtol(member(events, 2, "tid"), NULL, 10), getpid());
    assert_true(strtod(member(events, 2, "dur"), NULL) >= strtod(member(events, 3, "dur"), NULL));
}

static void without_events_the_array_is_empty(void **state)
{
    struct place *p = *state;
    auto_json *events = NULL;

    assert_int_equal(trace_open(p->path), 0);
    assert_int_equal(trace_close(p->path), 0);
    events = read_trace(p->path);
    assert_int_equal(json_object_array_length(events), 0);
}

static void off_a_span_writes_nothing(void **state)
{
    struct trace_span span = trace_begin("x");

    (void)state;
    assert_int_equal(span.start_ns, 0);
    trace_role("x");
    trace_end(&span);
}

static void what_cannot_be_read_again_is_refused(void **state)
{
    (void)state;
    assert_int_equal(trace_open("/dev/null"), -EINVAL);
    assert_int_equal(trace_open("/dev/null/x"), -ENOTDIR);
    assert_int_equal(trace_close("/nonexistent/trace"), -ENOENT);
    assert_int_equal(trace_fd(), FD_NONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(spans_of_several_processes_become_one_sorted_array, enter,
                                        leave),
        cmocka_unit_test_setup_teardown(without_events_the_array_is_empty, enter, leave),
        cmocka_unit_test(off_a_span_writes_nothing),
        cmocka_unit_test(what_cannot_be_read_again_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
