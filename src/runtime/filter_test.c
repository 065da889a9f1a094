/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A filter that notifies: whom the runtime tells, and what becomes of a process that nobody is told
 * of. What agents do with it: tests/runtime_seccomp.bats. */
#include "runtime/testing.h"

#include "sys/bpf.h"

#define NOTIFY(calls)                                                                              \
    ",\"seccomp\":{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"listenerPath\":\"/nowhere\","            \
    "\"syscalls\":[{\"names\":[" calls "],\"action\":\"SCMP_ACT_NOTIFY\"}]}"

struct told {
    unsigned n;
    pid_t pid;
    bool is_listener;
    bool fails;
};

static int tell(void *arg, pid_t pid, int listener, struct err *e)
{
    struct told *t = arg;

    t->n++;
    t->pid = pid;
    t->is_listener = sys_seccomp_is_listener(listener) == 1;
    return t->fails ? err_set(e, ERR_NOT_FOUND, "there is no agent") : 0;
}

static void the_agent_is_told_once_at_the_start(void **state)
{
    /* mount(2) is not called: nobody has to answer. */
    static const char *const processes[] = {NULL, "\"user\":{\"uid\":1000,\"gid\":5},",
                                            "\"noNewPrivileges\":true,"
                                            "\"user\":{\"uid\":1000,\"gid\":5},"};
    struct box b;

    (void)state;
    SKIP_WITHOUT_ROOT();
    box_open(&b);
    for (size_t i = 0; i < ARRAY_LEN(processes); i++) {
        struct told told = {0};
        const struct runtime_agent agent = {tell, &told};
        struct request q = {.args = "[\"echo\",\"on\"]",
                            .process = processes[i],
                            .linux_members = NOTIFY("\"mount\""),
                            .agent = &agent};
        static struct run r;

        if (run_create(&b, &q, &r) < 0)
            fail_msg("%s", r.e.msg);
        assert_int_equal(told.n, 0);
        if (runtime_start(&r.c, &r.e) < 0)
            fail_msg("%s", r.e.msg);
        assert_int_equal(told.n, 1);
        assert_int_equal(told.pid, r.c.pid);
        assert_true(told.is_listener);
        run_read(&r);
        assert_string_equal(r.output, "on\n");
        assert_int_equal(wait_code(r.c.pidfd), 0);
        run_done(&r, &q);
    }
    box_close(&b);
}

static void a_process_whose_agent_is_not_told_does_not_start(void **state)
{
    struct told told = {.fails = true};
    const struct runtime_agent agent = {tell, &told};
    struct request q = {.args = "[\"echo\",\"on\"]",
                        .linux_members = NOTIFY("\"mount\",\"execve\",\"read\""),
                        .agent = &agent};
    struct box b;

    (void)state;
    SKIP_WITHOUT_ROOT();
    box_open(&b);
    assert_fails(&b, &q, ERR_NOT_FOUND, "there is no agent");
    assert_int_equal(told.n, 1);
    q.agent = NULL;
    assert_fails(&b, &q, ERR_UNSUPPORTED, "SCMP_ACT_NOTIFY");
    box_close(&b);
}

static void an_exec_has_a_listener_of_its_own(void **state)
{
    const char *text = "{\"args\":[\"true\"],\"cwd\":\"/\",\"user\":{\"uid\":0,\"gid\":0}}";
    struct told told = {0};
    const struct runtime_agent agent = {tell, &told};
    struct request q = {.args = "[\"sleep\",\"100\"]",
                        .linux_members = NOTIFY("\"mount\""),
                        .agent = &agent};
    struct runtime_process p = RUNTIME_PROCESS_NONE;
    struct oci_process process = {0};
    static struct run r;
    struct err e = {0};
    struct box b;

    (void)state;
    SKIP_WITHOUT_ROOT();
    box_open(&b);
    assert_int_equal(json_decode_text(text, strlen(text), 4096, &oci_process_json, &process, &e),
                     0);
    if (run_create(&b, &q, &r) < 0 || runtime_start(&r.c, &r.e) < 0)
        fail_msg("%s", r.e.msg);
    struct runtime_exec_config config = {.init_pid = r.c.pid,
                                         .start_ticks = r.c.start_ticks,
                                         .process = &process,
                                         .linux = r.spec.linux,
                                         .seccomp = r.spec.linux->seccomp,
                                         .stdio = {FD_NONE, FD_NONE, FD_NONE}};

    assert_int_equal(runtime_exec(&config, &p, &e), -1);
    assert_int_equal(e.kind, ERR_UNSUPPORTED);
    config.agent = &agent;
    if (runtime_exec(&config, &p, &e) < 0)
        fail_msg("%s", e.msg);
    assert_int_equal(told.n, 2);
    assert_int_equal(told.pid, p.pid);
    assert_true(told.is_listener);
    assert_int_equal(wait_code(p.pidfd), 0);
    fd_close(p.pidfd);
    told.fails = true;
    assert_int_equal(runtime_exec(&config, &p, &e), -1);
    assert_string_equal(e.msg, "there is no agent");
    json_free_struct(&oci_process_json, &process);
    run_done(&r, &q);
    box_close(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_agent_is_told_once_at_the_start),
        cmocka_unit_test(a_process_whose_agent_is_not_told_does_not_start),
        cmocka_unit_test(an_exec_has_a_listener_of_its_own),
    };

    return cmocka_run_group_tests(tests, NULL, remove_groups);
}
