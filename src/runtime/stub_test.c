/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "runtime/stub.h"
#include "runtime/sync.h"
#include "sys/file.h"
#include "sys/process.h"
#include "sys/self.h"
#include "sys/socket.h"

#define SYNC_FD 7

struct place {
    char path[64];
    int dir;
};

static void place_open(struct place *p)
{
    *p = (struct place){.path = "/tmp/dhow-stub-XXXXXX"};
    assert_non_null(mkdtemp(p->path));
    p->dir = sys_open(AT_FDCWD, p->path, O_RDONLY | O_DIRECTORY, 0);
    assert_true(p->dir >= 0);
}

static void place_close(struct place *p)
{
    fd_close(p->dir);
    assert_int_equal(sys_remove_tree(AT_FDCWD, p->path), 0);
}

/* Executes the stub as init does; 1 with its message, or 0 at the end of the stream. */
static int run(struct place *p, const struct stub_label *labels, size_t n_labels,
               const char *const *argv, struct sync_message *ret, int *ret_status)
{
    const struct stub_options options = {.labels = labels,
                                         .n_labels = n_labels,
                                         .drop_inheritable = 1u << 1};
    struct err e = {0};
    int stub = stub_open(SYNC_FD, &options, &e), pair[2], r;
    pid_t pid;

    if (stub < 0)
        fail_msg("%s", e.msg);
    assert_int_equal(sys_socketpair_seqpacket(pair), 0);
    pid = fork();
    if (pid == 0) {
        /* Out of the way of the numbers, then there. */
        int sync = sys_dup_above(pair[1], 100), dir = sys_dup_above(p->dir, 100);
        int program = sys_dup_above(stub, 100);

        (void)sys_close_range_cloexec(3);
        (void)sys_place_fd(sync, SYNC_FD);
        if (n_labels > 0)
            (void)sys_place_fd(dir, SYNC_FD + 1);
        (void)sys_execveat_fd(program, (char *const *)(uintptr_t)argv, (char *const[]){NULL});
        _exit(99);
    }
    fd_close(pair[1]);
    fd_close(stub);
    r = sync_receive(pair[0], ret, &e);
    if (r < 0)
        fail_msg("%s", e.msg);
    fd_close(pair[0]);
    assert_int_equal(sys_wait(pid, ret_status), 0);
    return r;
}

static char *file_text(struct place *p, const char *name)
{
    char *text = NULL;
    size_t n;

    assert_int_equal(sys_read_file(p->dir, name, 1u << 20, &text, &n), 0);
    return text;
}

static void executes_the_command_with_its_arguments(void **state)
{
    static const char *const argv[] = {"/bin/sh", "name", "-c", "[ \"$0 $1\" = \"a b\" ] && exit 5",
                                       "a",       "b",    NULL};
    auto_sync_message m = {0};
    struct place p;
    int status;

    (void)state;
    place_open(&p);
    assert_int_equal(run(&p, NULL, 0, argv, &m, &status), 0);
    assert_int_equal(sys_exit_code_of_status(status), 5);
    place_close(&p);
}

static void tells_of_a_command_that_cannot_be_executed(void **state)
{
    static const char *const argv[] = {"/nowhere/command", "command", NULL};
    auto_sync_message m = {0};
    struct err e = {0};
    struct place p;
    int status;

    (void)state;
    place_open(&p);
    assert_int_equal(run(&p, NULL, 0, argv, &m, &status), 1);
    assert_int_equal(sync_error_of(&m, "", &e), -1);
    assert_int_equal(e.kind, ERR_CMD_NOT_FOUND);
    assert_string_equal(e.msg, "exec: \"command\": no such file or directory");
    assert_int_equal(sys_exit_code_of_status(status), 127);
    place_close(&p);
}

static void writes_the_labels_before_and_closes_the_directory(void **state)
{
    static const char *const argv[] = {"/bin/sh", "sh", "-c", "[ ! -e /proc/self/fd/8 ]", NULL};
    const struct stub_label labels[] = {{"first", "exec profile"}, {"second", "a:b:c"}};
    auto_free char *first = NULL;
    auto_free char *second = NULL;
    auto_sync_message m = {0};
    struct place p;
    int status;

    (void)state;
    place_open(&p);
    assert_int_equal(sys_write_file_atomic(p.dir, "first", "", 0, 0600, 0), 0);
    assert_int_equal(sys_write_file_atomic(p.dir, "second", "", 0, 0600, 0), 0);
    assert_int_equal(run(&p, labels, 2, argv, &m, &status), 0);
    assert_int_equal(sys_exit_code_of_status(status), 0);
    first = file_text(&p, "first");
    second = file_text(&p, "second");
    assert_string_equal(first, "exec profile");
    assert_string_equal(second, "a:b:c");
    place_close(&p);
}

static void executes_nothing_when_a_label_is_refused(void **state)
{
    static const char *const argv[] = {"/bin/true", "true", NULL};
    auto_free char *longest = alloc_zero(1, STUB_LABEL_MAX + 1);
    const struct {
        struct stub_label label;
        int errno_value;
    } cases[] = {
        {{"missing", "exec profile"}, ENOENT},
        {{"missing", longest}, ENOENT},
        {{".", "a directory"}, EISDIR},
        {{"full", "no space"}, ENOSPC},
    };
    struct place p;

    (void)state;
    memset(longest, 'x', STUB_LABEL_MAX);
    place_open(&p);
    assert_int_equal(symlinkat("/dev/full", p.dir, "full"), 0);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        auto_free char *shown = alloc_strndup(cases[i].label.text, 255);
        auto_free char *start = alloc_printf("set the security label '%s': ", shown);
        auto_sync_message m = {0};
        struct err e = {0};
        int status;

        assert_int_equal(run(&p, &cases[i].label, 1, argv, &m, &status), 1);
        assert_int_equal(m.type, SYNC_LABEL_FAILED);
        assert_int_equal(sync_error_of(&m, "", &e), -1);
        assert_int_equal(e.errno_value, cases[i].errno_value);
        assert_memory_equal(e.msg, start, strlen(start));
        assert_int_not_equal(sys_exit_code_of_status(status), 0);
    }
    place_close(&p);
}

static void refuses_labels_that_do_not_fit(void **state)
{
    auto_free char *text = alloc_zero(1, STUB_LABEL_MAX + 2);
    struct stub_label label = {"file", text};
    const struct stub_options options = {.labels = &label, .n_labels = 1};
    struct err e = {0};

    (void)state;
    memset(text, 'x', STUB_LABEL_MAX + 1);
    assert_int_equal(stub_open(SYNC_FD, &options, &e), -1);
    assert_int_equal(e.kind, ERR_INTERNAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(executes_the_command_with_its_arguments),
        cmocka_unit_test(tells_of_a_command_that_cannot_be_executed),
        cmocka_unit_test(writes_the_labels_before_and_closes_the_directory),
        cmocka_unit_test(executes_nothing_when_a_label_is_refused),
        cmocka_unit_test(refuses_labels_that_do_not_fit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
