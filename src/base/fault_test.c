/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The code of a test build, whatever this build is: the plan is read once a process, so each case
 * is a child.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#ifndef DHOW_FAULT
#define DHOW_FAULT
#endif
#include "base/fault.c"

#include <sys/wait.h>

static int guarded(void)
{
    FAULT_POINT("mkdir");
    return 7;
}

/* Two points as "cli", two as "init": the number of the call that failed (its errno times 10
 * added), or 0. */
static int pass_points(void)
{
    static const char *const roles[] = {NULL, NULL, "init", NULL};

    for (int i = 0; i < 4; i++) {
        int r;

        if (roles[i])
            fault_role(roles[i]);
        r = guarded();
        if (r != 7)
            return i + 1 + -r * 10;
    }
    return 0;
}

static int status_with(const char *plan_text)
{
    int status = -1;
    pid_t child = fork();

    if (child == 0) {
        if (plan_text)
            setenv("DHOW_FAULT", plan_text, 1);
        else
            unsetenv("DHOW_FAULT");
        _exit(pass_points());
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    return status;
}

static void a_plan_hits_one_point_of_one_role(void **state)
{
    static const struct {
        const char *plan;
        int exit_code; /* -1: killed */
    } cases[] = {
        {NULL, 0},
        {"", 0},
        {"nonsense", 0},
        {"fail:cli:1", 1 + EIO * 10},
        {"fail:cli:2:13", 2 + EACCES * 10},
        {"fail:cli:3", 0},
        {"fail:init:1:2", 3 + ENOENT * 10},
        {"fail:init:2", 4 + EIO * 10},
        {"fail:monitor:1", 0},
        {"kill:cli:1", -1},
        {"kill:init:2", -1},
        {"kill:init:3", 0},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        int status = status_with(cases[i].plan);

        if (cases[i].exit_code < 0) {
            assert_true(WIFSIGNALED(status));
            assert_int_equal(WTERMSIG(status), SIGKILL);
        } else {
            assert_true(WIFEXITED(status));
            assert_int_equal(WEXITSTATUS(status), cases[i].exit_code);
        }
    }
}

static void a_log_names_every_point(void **state)
{
    char path[] = "/tmp/dhow-fault-test-XXXXXX", plan_text[64], text[256] = "";
    int fd = mkstemp(path);

    (void)state;
    assert_true(fd >= 0);
    snprintf(plan_text, sizeof(plan_text), "log:%s", path);
    assert_int_equal(status_with(plan_text), 0);
    assert_true(read(fd, text, sizeof(text) - 1) > 0);
    close(fd);
    unlink(path);
    assert_string_equal(text, "cli 1 mkdir\ncli 2 mkdir\ninit 1 mkdir\ninit 2 mkdir\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_plan_hits_one_point_of_one_role),
        cmocka_unit_test(a_log_names_every_point),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
