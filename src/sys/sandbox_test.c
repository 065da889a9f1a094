/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tries to leave the sandbox: each row is a child that enters it and then does what it must not be
 * able to do. Success of the act is the failure of the test; being killed for it is fine. A few
 * rows do what the worker needs, and must work: a sandbox in which nothing works proves nothing.
 */
#include "sys/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fd.h"
#include "sys/file.h"

static int staging = FD_NONE;
static char outside[64], outside_file[96];

/* Each returns >= 0 when the act succeeded. */
static int read_shadow(void)
{
    return open("/etc/shadow", O_RDONLY);
}
static int read_passwd(void)
{
    return open("/etc/passwd", O_RDONLY);
}
static int read_private_keys(void)
{
    return open("/etc/ssl/private", O_RDONLY | O_DIRECTORY);
}
static int read_proc(void)
{
    return open("/proc/1/environ", O_RDONLY);
}
static int read_outside(void)
{
    return open(outside_file, O_RDONLY);
}
static int write_outside(void)
{
    char path[128];

    snprintf(path, sizeof(path), "%s/new", outside);
    return open(path, O_WRONLY | O_CREAT, 0600);
}
static int write_tmp(void)
{
    return open("/tmp/dhow-sandbox-escape", O_WRONLY | O_CREAT, 0600);
}
static int leave_by_dotdot(void)
{
    return openat(staging, "../outside", O_RDONLY | O_DIRECTORY);
}
static int leave_by_symlink(void)
{
    if (symlinkat(outside, staging, "link") < 0)
        return -1;
    return openat(staging, "link/file", O_RDONLY);
}
static int chmod_outside(void)
{
    return chmod(outside_file, 04755);
}
static int chown_outside(void)
{
    return chown(outside_file, 12345, 12345);
}
static int stat_outside(void)
{
    struct stat st;

    return stat(outside_file, &st);
}
static int unlink_outside(void)
{
    return unlink(outside_file);
}
static int execute(void)
{
    char *const argv[] = {(char *)(uintptr_t) "true", NULL};

    execv("/bin/true", argv);
    return -1;
}
static int execute_staged(void)
{
    char *const argv[] = {(char *)(uintptr_t) "x", NULL};
    int fd = openat(staging, "x", O_WRONLY | O_CREAT, 0755);

    (void)!write(fd, "#!/bin/true\n", 12);
    close(fd);
    syscall(SYS_execveat, staging, "x", argv, argv, 0);
    return -1;
}
static int fork_child(void)
{
    return (int)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
}
static int fork_child3(void)
{
    return (int)syscall(SYS_clone3, NULL, 0) < 0 && errno == ENOSYS ? -1 : 0;
}
static int trace(void)
{
    return (int)ptrace(PTRACE_ATTACH, getppid(), NULL, NULL);
}
static int read_parent(void)
{
    char c;
    struct iovec here = {&c, 1}, there = {(void *)(uintptr_t)&staging, 1};

    return (int)process_vm_readv(getppid(), &here, 1, &there, 1, 0);
}
static int mount_tmpfs(void)
{
    return mount("none", "/", "tmpfs", 0, NULL);
}
static int new_user_namespace(void)
{
    return unshare(CLONE_NEWUSER);
}
static int new_mount_namespace(void)
{
    return unshare(CLONE_NEWNS);
}
static int change_root(void)
{
    return chroot("/");
}
static int netlink(void)
{
    return socket(AF_NETLINK, SOCK_RAW, 0);
}
static int unix_socket(void)
{
    return socket(AF_UNIX, SOCK_STREAM, 0);
}
static int packet_socket(void)
{
    return socket(AF_PACKET, SOCK_RAW, 0);
}
static int inet_socket(void)
{
    return socket(AF_INET, SOCK_STREAM, 0);
}
static int map_executable(void)
{
    return mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1,
                0) == MAP_FAILED
               ? -1
               : 0;
}
static int load_bpf(void)
{
    return (int)syscall(SYS_bpf, 0, NULL, 0) < 0 && errno == EPERM ? -1 : 0;
}
static int kill_parent(void)
{
    return (int)syscall(SYS_tgkill, getppid(), getppid(), 0);
}
static int terminal_input(void)
{
    char c = 'x';

    return (int)syscall(SYS_ioctl, 0, 0x5412 /* TIOCSTI */, &c);
}
static int raise_limit(void)
{
    uint64_t limits[2] = {1u << 20, 1u << 20};

    return (int)syscall(SYS_prlimit64, 0, 4 /* RLIMIT_CORE */, limits, NULL);
}

static int work_in_staging(void)
{
    auto_fd int fd = openat(staging, "made", O_RDWR | O_CREAT, 0644);
    char c;

    if (fd < 0 || write(fd, "x", 1) != 1 || pread(fd, &c, 1, 0) != 1 || fchmod(fd, 04755) < 0 ||
        mkdirat(staging, "dir", 0755) < 0 || linkat(staging, "made", staging, "dir/hard", 0) < 0 ||
        renameat(staging, "dir", staging, "renamed") < 0 ||
        mknodat(staging, "whiteout", S_IFCHR, 0) < 0)
        return -errno;
    return sys_remove_tree(staging, "renamed");
}

enum outcome { MUST_FAIL, MUST_WORK };
static const struct {
    const char *name;
    int (*act)(void);
    enum outcome outcome;
    unsigned flags;
    bool needs_root; /* what only the private root prevents */
} rows[] = {
    {"work in the staging directory", work_in_staging, MUST_WORK, 0, false},
    {"work with network", work_in_staging, MUST_WORK, SANDBOX_NETWORK, false},
    {"inet socket with network", inet_socket, MUST_WORK, SANDBOX_NETWORK, false},
    {"inet socket without", inet_socket, MUST_FAIL, 0, false},
    {"read /etc/shadow", read_shadow, MUST_FAIL, SANDBOX_NETWORK, false},
    {"read /etc/passwd", read_passwd, MUST_FAIL, SANDBOX_NETWORK, false},
    {"read private keys", read_private_keys, MUST_FAIL, SANDBOX_NETWORK, false},
    {"read /proc/1/environ", read_proc, MUST_FAIL, 0, false},
    {"read outside", read_outside, MUST_FAIL, 0, false},
    {"write outside", write_outside, MUST_FAIL, SANDBOX_NETWORK, false},
    {"write to /tmp", write_tmp, MUST_FAIL, 0, false},
    {"leave by ..", leave_by_dotdot, MUST_FAIL, 0, false},
    {"leave by a symlink", leave_by_symlink, MUST_FAIL, 0, false},
    {"chmod outside", chmod_outside, MUST_FAIL, SANDBOX_NETWORK, true},
    {"chown outside", chown_outside, MUST_FAIL, SANDBOX_NETWORK, true},
    {"stat outside", stat_outside, MUST_FAIL, 0, true},
    {"unlink outside", unlink_outside, MUST_FAIL, 0, false},
    {"execute", execute, MUST_FAIL, 0, false},
    {"execute from staging", execute_staged, MUST_FAIL, 0, false},
    {"fork", fork_child, MUST_FAIL, 0, false},
    {"clone3", fork_child3, MUST_FAIL, 0, false},
    {"ptrace", trace, MUST_FAIL, 0, false},
    {"read another process", read_parent, MUST_FAIL, 0, false},
    {"mount", mount_tmpfs, MUST_FAIL, 0, false},
    {"new user namespace", new_user_namespace, MUST_FAIL, 0, false},
    {"new mount namespace", new_mount_namespace, MUST_FAIL, 0, false},
    {"chroot", change_root, MUST_FAIL, 0, false},
    {"netlink", netlink, MUST_FAIL, SANDBOX_NETWORK, false},
    {"unix socket", unix_socket, MUST_FAIL, SANDBOX_NETWORK, false},
    {"packet socket", packet_socket, MUST_FAIL, SANDBOX_NETWORK, false},
    {"executable memory", map_executable, MUST_FAIL, 0, false},
    {"bpf", load_bpf, MUST_FAIL, 0, false},
    {"signal the parent", kill_parent, MUST_FAIL, 0, true},
    {"terminal input", terminal_input, MUST_FAIL, 0, false},
    {"raise a limit", raise_limit, MUST_FAIL, 0, false},
};

enum { DID_FAIL = 10, DID_WORK = 11, NO_SANDBOX = 12 };

static void run_child(size_t i)
{
    struct sandbox_options o = {.writable_fd = staging,
                                .readable_fd = FD_NONE,
                                .flags = rows[i].flags};
    int r = sandbox_enter(&o);

    if (r < 0)
        _exit(NO_SANDBOX);
    r = rows[i].act();
    if (r < 0 && rows[i].outcome == MUST_WORK)
        (void)!write(2, strerror(-r), strlen(strerror(-r)));
    _exit(r < 0 ? DID_FAIL : DID_WORK);
}

static void make_world(char *top)
{
    char path[96];
    int fd;

    assert_non_null(mkdtemp(top));
    snprintf(path, sizeof(path), "%s/staging", top);
    assert_int_equal(mkdir(path, 0700), 0);
    staging = open(path, O_RDONLY | O_DIRECTORY);
    snprintf(outside, sizeof(outside), "%s/outside", top);
    assert_int_equal(mkdir(outside, 0700), 0);
    snprintf(outside_file, sizeof(outside_file), "%s/file", outside);
    fd = open(outside_file, O_WRONLY | O_CREAT, 0600);
    assert_true(fd >= 0);
    close(fd);
}

static void remove_world(const char *top)
{
    struct stat st;

    assert_int_equal(stat(outside_file, &st), 0); /* untouched */
    assert_int_equal(st.st_mode, S_IFREG | 0600);
    assert_int_equal(st.st_uid, geteuid());
    close(staging);
    assert_int_equal(sys_remove_tree(AT_FDCWD, top), 0);
}

static void nothing_leaves_the_sandbox(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char top[] = "/tmp/dhow-sandbox.XXXXXX";
        int status;
        pid_t pid;

        if (rows[i].needs_root && geteuid() != 0) {
            print_message("skip '%s': needs root\n", rows[i].name);
            continue;
        }
        make_world(top);
        pid = fork();
        assert_true(pid >= 0);
        if (pid == 0)
            run_child(i);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        if (WIFEXITED(status) && WEXITSTATUS(status) == NO_SANDBOX)
            fail_msg("'%s': no sandbox", rows[i].name);
        if (rows[i].outcome == MUST_WORK && (!WIFEXITED(status) || WEXITSTATUS(status) != DID_WORK))
            fail_msg("'%s' did not work: status %x", rows[i].name, status);
        if (rows[i].outcome == MUST_FAIL && WIFEXITED(status) && WEXITSTATUS(status) != DID_FAIL)
            fail_msg("'%s' was possible: status %x", rows[i].name, status);
        if (WIFSIGNALED(status) && WTERMSIG(status) != SIGSYS)
            fail_msg("'%s' died of signal %d", rows[i].name, WTERMSIG(status));
        remove_world(top);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_leaves_the_sandbox),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
