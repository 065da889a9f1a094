/* SPDX-License-Identifier: GPL-2.0-or-later */
/* T-seccomp: the kernel decides. Questions are asked in a child, under the filter. */
#include "seccomp/testing.h"

#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "sys/bpf.h"

/* In a child: the filter counts from here on. cmocka has a handler for SIGSYS. */
static int become_filtered(const struct seccomp_program *p)
{
    signal(SIGSYS, SIG_DFL);
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ? -1 : seccomp_program_load(p);
}

#if defined(__x86_64__)
#include "seccomp/matrix.h"

static bool has_32(void)
{
    int status = 1;
    pid_t pid = fork();

    assert_true(pid >= 0);
    if (pid == 0) {
        signal(SIGSEGV, SIG_DFL);
        _exit(matrix_call(MATRIX_32, 20 /* getpid */, 0, 0, 0, 0) == getpid() ? 0 : 1);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return status == 0;
}

/* Docker's profile, that of 20.10, as far as it is another one than ours. */
static void make_dockers(struct oci_seccomp *s)
{
    profile_default(NULL, s);
    VEC_FOREACH (r, &s->syscalls) {
        if (!str_equal(r->names[0], "socket") && !str_equal(r->names[0], "socketcall"))
            continue;
        free(r->names[0]);
        r->names[0] = alloc_strdup("nosuch");
    }
    shorthand_rule("socket socketcall io_uring_setup io_uring_enter io_uring_register ALLOW", s);
}

static void check_matrix(enum matrix_profile profile)
{
    struct matrix m = {.profile = profile, .has_32 = has_32()};
    auto_seccomp s = {0};
    auto_program p = {0};
    int status;
    pid_t pid;

    if (profile == MATRIX_OURS)
        profile_default(NULL, &s);
    else
        make_dockers(&s);
    compile(&s, &p);
    if (!m.has_32)
        print_message("this kernel has no i386 calls\n");
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        if (become_filtered(&p) < 0)
            _exit(2);
        matrix_ask(&m);
        fflush(stdout);
        _exit(m.n_wrong > 0 || m.n_asked < 500 ? 1 : 0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

static void T_seccomp_the_kernel_enforces_the_default_profile(void **state)
{
    (void)state;
    check_matrix(MATRIX_OURS);
}

static void T_seccomp_the_kernel_enforces_dockers_profile(void **state)
{
    (void)state;
    check_matrix(MATRIX_DOCKERS);
}
#endif

/* Loads the program in a child, makes the call there, returns the child's wait status: the call's
 * errno is the exit code. */
static int call_under(const char *preset, const char *rules, long nr, long arg0)
{
    auto_program p = {0};
    int status = -1;
    pid_t pid;

    compile_rules(preset, rules, &p);
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        if (become_filtered(&p) < 0)
            _exit(255);
        /* No _exit(): a sanitizer has calls of its own before that. */
        syscall(SYS_exit_group, syscall(nr, arg0, 0, 0) < 0 ? errno : 0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return status;
}

static void each_action_does_what_it_says(void **state)
{
    static const struct {
        const char *preset;
        const char *rules;
        int code;   /* errno */
        int signal; /* 0: the child went on */
    } rows[] = {
        {"ALLOW", "umask ERRNO/99", 99, 0},
        {"ALLOW", "umask ERRNO", EPERM, 0},
        {"ALLOW", "umask ERRNO/0", 0, 0},
        {"ALLOW", "umask KILL", 0, SIGSYS},
        {"ALLOW", "umask KILL_THREAD", 0, SIGSYS},
        {"ALLOW", "umask KILL_PROCESS", 0, SIGSYS},
        {"ALLOW", "umask TRAP", 0, SIGSYS},
        {"ALLOW", "umask TRACE/5", ENOSYS, 0}, /* nobody traces */
        {"ALLOW", "umask LOG", 0, 0},
        {"ALLOW", "umask ERRNO/99 a0==1", 0, 0},
        {"ALLOW", "umask ERRNO/99 a0==0", 99, 0},
        {"LOG", "umask ERRNO/7 a0<1", 7, 0},
        {"ERRNO/38", "exit_group exit rt_sigreturn ALLOW", ENOSYS, 0},
        {"TRACE", "exit_group ALLOW", ENOSYS, 0},
        {"KILL_PROCESS", "exit_group umask ALLOW", 0, 0},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        int status = call_under(rows[i].preset, rows[i].rules, SYS_umask, 0);

        if (rows[i].signal ? !WIFSIGNALED(status) || WTERMSIG(status) != rows[i].signal
                           : !WIFEXITED(status) || WEXITSTATUS(status) != rows[i].code)
            fail_msg("%s; %s: %#x", rows[i].preset, rows[i].rules, (unsigned)status);
    }
}

/* The listener is the loader's; a call waits for the answer. */
static void a_program_that_notifies_gives_a_listener(void **state)
{
    auto_program p = {0};
    int status, pair[2];
    pid_t pid;

    (void)state;
    compile_rules("ALLOW", "umask NOTIFY", &p);
    assert_int_equal(pipe(pair), 0);
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        struct seccomp_notif_resp answer = {.error = -EXDEV};
        struct seccomp_notif asked = {0};
        int listener;

        if (sys_seccomp_is_listener(pair[0]) != 0)
            _exit(2);
        listener = become_filtered(&p);
        if (listener <= 0 || sys_seccomp_is_listener(listener) != 1)
            _exit(3);
        if (fork() == 0)
            _exit(syscall(SYS_umask, 0) < 0 && errno == EXDEV ? 0 : 1);
        if (poll(&(struct pollfd){.fd = listener, .events = POLLIN}, 1, 20000) != 1 ||
            ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &asked) < 0 || asked.data.nr != SYS_umask)
            _exit(4);
        answer.id = asked.id;
        if (ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &answer) < 0 || wait(&status) < 0)
            _exit(5);
        _exit(status == 0 ? 0 : 6);
    }
    fd_close(pair[0]);
    fd_close(pair[1]);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#if defined(__x86_64__)
        cmocka_unit_test(T_seccomp_the_kernel_enforces_the_default_profile),
        cmocka_unit_test(T_seccomp_the_kernel_enforces_dockers_profile),
#endif
        cmocka_unit_test(each_action_does_what_it_says),
        cmocka_unit_test(a_program_that_notifies_gives_a_listener),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
