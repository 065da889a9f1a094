/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Containers that really run: create, start, exec, what they see, how they fail. */
#include "runtime/testing.h"

#include <sched.h>
#include <sys/mount.h>

#include "base/units.h"
#include "runtime/rdt.h"
#include "runtime/rootfs.h"

static void runs_a_command_as_pid_1_with_its_environment(void **state)
{
    struct box b;

    (void)state;
    SKIP_WITHOUT_ROOT();
    box_open(&b);
    assert_runs(&b,
                &(struct request){.args = "[\"sh\",\"-c\",\"echo $$ $A; hostname; pwd; umask\"]"},
                "1 b c\nboat\n/\n0022\n");
    assert_runs(&b, &(struct request){.args = "[\"/bin/echo\",\"x\"]", .plain_root = true}, "x\n");
    assert_runs(&b,
                &(struct request){.args = "[\"./echo\",\"y\"]", .cwd = "/bin", .no_upper = true},
                "y\n");
    box_close(&b);
}

static void tells_exit_codes_and_signals(void **state)
{
    static struct run r;
    struct box b;

    (void)state;
    SKIP_WITHOUT_ROOT();
    box_open(&b);
    assert_int_equal(run(&b, &(struct request){.args = "[\"sh\",\"-c\",\"exit 7\"]"}, &r), 0);
    assert_int_equal(r.code, 7);
    assert_int_equal(run_create(&b, &(struct request){.args = "[\"sleep\",\"100\"]"}, &r), 0);
    assert_int_equal(runtime_start(&r.c, &r.e), 0);
    assert_int_equal(sys_process_is_alive(r.c.pid, r.c.start_ticks), 1);
    assert_int_equal(sys_pidfd_send_signal(r.c.pidfd, SIGKILL), 0);
    assert_int_equal(wait_code(r.c.pidfd), 128 + SIGKILL);
    run_done(&r, &(struct request){0});
    box_close(&b);
}

static void tells_why_a_command_cannot_run(void **state)
{
    static const struct {
        const char *args;
        enum err_kind kind;
        const char *message;
    } cases[] = {
        {"[\"nope\"]", ERR_CMD_NOT_FOUND, "exec: \"nope\": executable file not found in $PATH"},
        {"[\"/bin/nope\"]", ERR_CMD_NOT_FOUND, "exec: \"/bin/nope\": no such file or directory"},
        {"[\"/etc/passwd\"]", ERR_CMD_INVOKE, "exec: \"/etc/passwd\": permission denied"},
        {"[\"/etc\"]", ERR_CMD_INVOKE, "exec: \"/etc\": permission denied"},
        {"[\"/garbage\"]", ERR_CMD_INVOKE, "exec: \"/garbage\": exec format error"},
        {"[\"/script\"]", ERR_CMD_NOT_FOUND, "exec: \"/script\": no such file or directory"},
    };
    struct box b;

    (void)state;
    SKIP_WITHOUT_ROOT();
    box_open(&b);
    assert_int_equal(sys_write_file_atomic(b.root, "garbage", "\1\2\3", 3, 0755, 0), 0);
    assert_int_equal(sys_write_file_atomic(b.root, "script", "#!/nope\n", 8, 0755, 0), 0);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        assert_fails(&b, &(struct request){.args = cases[i].args}, cases[i].kind, cases[i].message);
    assert_fails(&b, &(struct request){.args = "[\"true\"]", .cwd = "/nope"}, ERR_CMD_INVOKE,
                 "/nope");
    box_close(&b);
}

static void looks_users_up_in_the_root(void **state)
{
    char *const groups[] = {(char *)(uintptr_t) "video", (char *)(uintptr_t) "77", NULL};
    const char *args = "[\"sh\",\"-c\",\"id -u 2>/dev/null; id -g 2>/dev/null; grep Groups "
                       "/proc/self/status; echo $HOME\"]";
    struct box b;

    (void)state;
    SKIP_WITHOUT_ROOT();
    box_open(&b);
    assert_runs(&b, &(struct request){.args = args, .user = "ann", .set_home = true},
                "1000\n1001\nGroups:\t10 \n/home/ann\n");
    assert_runs(&b, &(struct request){.args = args, .user = "1000", .set_home = true},
                "1000\n1001\nGroups:\t10 \n/home/ann\n");
    assert_runs(&b, &(struct request){.args = args, .user = "ann:video", .groups = groups},
                "1000\n44\nGroups:\t44 77 \n\n");
    assert_runs(&b, &(struct request){.args = args, .user = "5:6", .set_home = true},
                "5\n6\nGroups:\t \n/\n");
    assert_runs(&b, &(struct request){.args = args, .set_home = true}, "0\n0\nGroups:\t \n/root\n");
    assert_fails(&b, &(struct request){.args = args, .user = "bob"}, ERR_INVALID,
                 "unable to find user bob: no matching entries in passwd file");
    box_close(&b);
}

static void hides_masked_and_protects_readonly_paths(void **state)
{
    static struct run r;
    struct request q = {
        .args =
            "[\"sh\",\"-c\",\"wc -c < /proc/keys; ls /proc/fs | wc -l; echo x > /proc/sys/kernel/"
            "hostname && echo written; touch /file && echo made; touch /tmp/file && echo made; "
            "touch /secret/x && echo made; stat -c %t:%T /proc/keys\"]",
        .linux_members = ",\"maskedPaths\":[\"/proc/keys\",\"/proc/fs\",\"/secret\",\"/nope\"],"
                         "\"readonlyPaths\":[\"/proc/sys\",\"/proc/bus\",\"/tmp\",\"/nope\"]",
    };
    struct box b;

    (void)state;
    SKIP_WITHOUT_ROOT();
    box_open(&b);
    assert_int_equal(sys_mkdir(b.root, "secret", 0777), 0);
    assert_int_equal(run(&b, &q, &r), 0);
    assert_has(r.output, "0\n0\n");
    assert_has(r.output, "1:3\n");
    assert_has(r.output, "/proc/sys/kernel/hostname: Read-only file system");
    assert_has(r.output, "/tmp/file: Read-only file system");
    assert_has(r.output, "/secret/x: Read-only file system");
    assert_has(r.output, "made\n"); /* only /file */
    assert_has_not(r.output, "written");
    q.readonly_root = true;
    assert_int_equal(run(&b, &q, &r), 0);
    assert_has(r.output, "/file: Read-only file system");
    assert_has_not(r.output, "made");
    box_close(&b);
}

static void makes_dev_and_the_usual_mounts(void **state)
{
    static struct run r;
    struct request q = {
        .args = "[\"sh\",\"-c\",\"cd /dev; ls; stat -c '%n %t:%T %a' null zero full random "
                "urandom tty; for l in fd stdin ptmx; do readlink $l; done; cat /proc/self/mounts; "
                "head -c1 /dev/zero | od -An -tx1; ls -ln /proc/self/fd; ip link show lo\"]"};
    struct box b;

    (void)state;
    SKIP_WITHOUT_ROOT();
    box_open(&b);
    assert_int_equal(run(&b, &q, &r), 0);
    assert_has(r.output,
               "null 1:3 666\nzero 1:5 666\nfull 1:7 666\nrandom 1:8 666\nurandom 1:9 666\n"
               "tty 5:0 666\n");
    assert_has(r.output, "/proc/self/fd\n/proc/self/fd/0\npts/ptmx\n");
    assert_has(r.output, "tmpfs /dev tmpfs rw,nosuid");
    assert_has(r.output, "sysfs /sys sysfs ro,nosuid,nodev,noexec,relatime");
    assert_has(r.output, " 00\n");
    assert_has(r.output, "LOOPBACK,UP");
    assert_has(r.output, " 0 -> /dev/null");
    box_close(&b);
}

static void binds_sources_private_and_readonly(void **state)
{
    auto_str mounts = STR_INIT(8192);
    static struct run r;
    struct request q = {.args = "[\"sh\",\"-c\",\"cat /a/b/c/hello; touch /a/b/c/x; touch /w/made; "
                                "cat /w/file; cat /plain\"]"};
    struct stat st;
    struct box b;

    (void)state;
    SKIP_WITHOUT_ROOT();
    box_open(&b);
    assert_int_equal(sys_mkdir(b.dir, "vol", 0755), 0);
    assert_int_equal(sys_write_file_atomic(b.dir, "vol/hello", "hi\n", 3, 0644, 0), 0);
    str_addf(&mounts,
             USUAL_MOUNTS ",{\"destination\":\"/a/b/c\",\"type\":\"bind\",\"source\":\"%s/vol\","
                          "\"options\":[\"rbind\",\"ro\"]}",
             b.path);
    str_addf(
        &mounts,
        ",{\"destination\":\"/w\",\"type\":\"none\",\"source\":\"%s/vol\",\"options\":[\"bind\"]}",
        b.path);
    str_addf(&mounts,
             ",{\"destination\":\"/w/file\",\"source\":\"%s/vol/hello\",\"options\":[\"bind\"]}",
             b.path);
    str_addf(&mounts,
             ",{\"destination\":\"/plain\",\"source\":\"%s/vol/hello\",\"options\":[\"bind\"]}",
             b.path);
    q.mounts = str_text(&mounts);
    assert_int_equal(run(&b, &q, &r), 0);
    assert_string_equal(r.output, "hi\ntouch: /a/b/c/x: Read-only file system\nhi\nhi\n");
    assert_int_equal(sys_lstat(b.dir, "vol/made", &st), 0);
    q.mounts =
        "{\"destination\":\"/x\",\"type\":\"bind\",\"source\":\"/nope\",\"options\":[\"rbind\"]}";
    assert_fails(&b, &q, ERR_NOT_FOUND, "mounts[0].source: open '/nope'");
    box_close(&b);
}

static void gives_a_terminal(void **state)
{
    static struct run r;
    struct request q =
        {.args = "[\"sh\",\"-c\",\"tty; stty size; readlink /proc/self/fd/1; echo >/dev/console "
                 "via console; stat -c %u /dev/pts/0\"]",
         .process = "\"terminal\":true,\"consoleSize\":{\"height\":24,\"width\":99},"
                    "\"user\":{\"uid\":1000,\"gid\":1000},"};
    struct box b;

    (void)state;
    SKIP_WITHOUT_ROOT();
    box_open(&b);
    if (run_create(&b, &q, &r) < 0)
        fail_msg("%s", r.e.msg);
    assert_true(r.c.terminal_fd >= 0);
    fd_close(r.out);
    r.out = take_fd(&r.c.terminal_fd);
    assert_int_equal(runtime_start(&r.c, &r.e), 0);
    run_read(&r);
    assert_string_equal(r.output, "/dev/pts/0\r\n24 99\r\n/dev/pts/0\r\nvia console\r\n1000\r\n");
    assert_int_equal(wait_code(r.c.pidfd), 0);
    run_done(&r, &q);
    box_close(&b);
}

struct exec_outcome {
    int code;
    char output[4096];
    struct err e;
};

static int exec_in(struct run *r, const struct request *q, const char *args, const char *more,
                   const char *user, struct exec_outcome *ret)
{
    auto_str s = STR_INIT(8192);
    struct oci_process process = {0};
    struct runtime_process p = RUNTIME_PROCESS_NONE;
    auto_fd int read_end = FD_NONE, write_end = FD_NONE;
    static struct run reader;
    int pair[2], result;

    *ret = (struct exec_outcome){.code = -1};
    assert_int_equal(pipe2(pair, O_CLOEXEC), 0);
    read_end = pair[0];
    write_end = pair[1];
    str_addf(
        &s,
        "{\"args\":%s,\"cwd\":\"/tmp\",\"env\":[\"PATH=/bin\"],%s\"user\":{\"uid\":0,\"gid\":0},"
        "\"capabilities\":{\"bounding\":[" CAPS "],\"effective\":[" CAPS "],\"permitted\":[" CAPS
        "]}}",
        args, more);
    assert_int_equal(json_decode_text(str_text(&s), s.len, 8192, &oci_process_json, &process,
                                      &ret->e),
                     0);
    result = runtime_exec(&(struct runtime_exec_config){.init_pid = r->c.pid,
                                                        .start_ticks = r->c.start_ticks,
                                                        .process = &process,
                                                        .cgroup_path = q->cgroup,
                                                        .user = user,
                                                        .set_home = true,
                                                        .stdio = {FD_NONE, write_end, write_end}},
                          &p, &ret->e);
    write_end = fd_close(write_end);
    if (result == 0) {
        reader.out = p.terminal_fd >= 0 ? p.terminal_fd : read_end;
        run_read(&reader);
        snprintf(ret->output, sizeof(ret->output), "%.4000s", reader.output);
        ret->code = wait_code(p.pidfd);
        fd_close(p.pidfd);
        fd_close(p.terminal_fd);
    }
    json_free_struct(&oci_process_json, &process);
    return result;
}

static void executes_in_a_running_container(void **state)
{
    struct request q = {.args = "[\"sleep\",\"100\"]", .cgroup = "/dhow-runtime-test/exec"};
    static struct run r;
    struct exec_outcome o;
    struct box b;

    (void)state;
    SKIP_WITHOUT_ROOT();
    box_open(&b);
    if (run_create(&b, &q, &r) < 0 || runtime_start(&r.c, &r.e) < 0)
        fail_msg("%s", r.e.msg);
    if (exec_in(&r, &q,
                "[\"sh\",\"-c\",\"hostname; pwd; id -u 2>/dev/null; echo $HOME; cat /proc/1/comm; "
                "exit 5\"]",
                "", "ann", &o) < 0)
        fail_msg("%s", o.e.msg);
    assert_string_equal(o.output, "boat\n/tmp\n1000\n/home/ann\nsleep\n");
    assert_int_equal(o.code, 5);
    /* The same namespaces and cgroup as init. */
    assert_int_equal(
        exec_in(&r, &q,
                "[\"sh\",\"-c\",\"for n in cgroup ipc mnt net pid uts; do [ $(readlink "
                "/proc/1/ns/$n) = $(readlink /proc/self/ns/$n) ] || echo differs $n; done; "
                "grep -v ':/$' /proc/self/cgroup\"]",
                "", NULL, &o),
        0);
    assert_string_equal(o.output, "");
    assert_int_equal(exec_in(&r, &q, "[\"nope\"]", "", NULL, &o), -1);
    assert_int_equal(o.e.kind, ERR_CMD_NOT_FOUND);
    assert_int_equal(exec_in(&r, &q, "[\"true\"]", "", "nobody", &o), -1);
    assert_has(o.e.msg, "unable to find user nobody");
    assert_int_equal(exec_in(&r, &q, "[\"sh\",\"-c\",\"tty; stty size\"]",
                             "\"terminal\":true,\"consoleSize\":{\"height\":30,\"width\":88},",
                             NULL, &o),
                     0);
    assert_string_equal(o.output, "/dev/pts/0\r\n30 88\r\n");
    r.c.start_ticks++;
    assert_int_equal(exec_in(&r, &q, "[\"true\"]", "", NULL, &o), -1);
    assert_int_equal(o.e.kind, ERR_BAD_STATE);
    run_done(&r, &q);
    box_close(&b);
}

static void removes_its_cgroup(void **state)
{
    static const char *const dirs[] = {"", "memory", "pids", "devices", "freezer", "unified"};
    struct request q =
        {.args = "[\"sh\",\"-c\",\"sleep 100 & sleep 100 & grep -c . /proc/self/cgroup\"]",
         .cgroup = "/dhow-runtime-test/gone",
         .linux_members =
             ",\"resources\":{\"memory\":{\"limit\":67108864},\"pids\":{\"limit\":50}}"};
    static struct run r;
    struct box b;

    (void)state;
    SKIP_WITHOUT_ROOT();
    box_open(&b);
    if (run(&b, &q, &r) < 0)
        fail_msg("%s", r.e.msg);
    for (size_t i = 0; i < ARRAY_LEN(dirs); i++) {
        auto_free char *path = alloc_printf("/sys/fs/cgroup/%s/dhow-runtime-test/gone", dirs[i]);

        assert_int_not_equal(access(path, F_OK), 0);
    }
    box_close(&b);
}

static void sets_limits_and_kernel_parameters(void **state)
{
    struct request q =
        {.args = "[\"sh\",\"-c\",\"ulimit -n; cat /proc/sys/kernel/msgmax; cat "
                 "/proc/sys/net/ipv4/ip_forward; "
                 "umask; cat /proc/self/oom_score_adj\"]",
         .process = "\"user\":{\"uid\":0,\"gid\":0,\"umask\":63},\"oomScoreAdj\":100,\"rlimits\":["
                    "{\"type\":\"RLIMIT_NOFILE\",\"soft\":10,\"hard\":12},"
                    "{\"type\":\"RLIMIT_CORE\",\"soft\":18446744073709551615,\"hard\":"
                    "18446744073709551615}],",
         .linux_members = ",\"sysctl\":{\"kernel.msgmax\":\"4096\",\"net.ipv4.ip_forward\":\"1\"}"};
    struct box b;

    (void)state;
    SKIP_WITHOUT_ROOT();
    box_open(&b);
    assert_runs(&b, &q, "10\n4096\n1\n0077\n100\n");
    q.process =
        "\"user\":{\"uid\":0,\"gid\":0},\"rlimits\":[{\"type\":\"RLIMIT_NOFILE\",\"soft\":1048576,"
        "\"hard\":1048576}],";
    q.args = "[\"true\"]";
    assert_runs(&b, &q, "");
    box_close(&b);
}

static void runs_in_a_user_namespace_with_mapped_layers(void **state)
{
    static struct run r;
    struct request q =
        {.args = "[\"sh\",\"-c\",\"id -u; stat -c %u /bin/busybox; touch /new; stat -c %u /new; "
                 "cat /proc/self/uid_map; echo x > /dev/null && stat -c %t:%T /dev/null\"]",
         .namespaces = ALL_NAMESPACES ",{\"type\":\"user\"}",
         .linux_members = ",\"uidMappings\":[{\"containerID\":0,\"hostID\":100000,\"size\":65536}],"
                          "\"gidMappings\":[{\"containerID\":0,\"hostID\":100000,\"size\":65536}]"};
    struct stat st;
    struct box b;

    (void)state;
    SKIP_WITHOUT_ROOT();
    box_open(&b);
    if (run(&b, &q, &r) < 0) {
        if (r.e.kind != ERR_UNSUPPORTED)
            fail_msg("%s", r.e.msg);
        print_message("%s\n", r.e.msg);
        box_close(&b);
        skip();
    }
    assert_string_equal(r.output, "0\n0\n0\n         0     100000      65536\n1:3\n");
    assert_int_equal(sys_lstat(b.upper, "new", &st), 0);
    assert_int_equal(st.st_uid, 100000);
    box_close(&b);
}

static void binds_the_engines_etc_files(void **state)
{
    struct request q = {.args = "[\"cat\",\"/etc/hostname\",\"/etc/hosts\",\"/etc/resolv.conf\"]"};
    auto_fd int etc = FD_NONE;
    struct box b;

    (void)state;
    SKIP_WITHOUT_ROOT();
    box_open(&b);
    assert_int_equal(sys_mkdir(b.dir, "conf", 0755), 0);
    etc = sys_open(b.dir, "conf", O_PATH | O_DIRECTORY, 0);
    assert_int_equal(sys_write_file_atomic(etc, "hostname", "h\n", 2, 0644, 0), 0);
    assert_int_equal(sys_write_file_atomic(etc, "hosts", "127.0.0.1\n", 10, 0644, 0), 0);
    assert_int_equal(sys_write_file_atomic(etc, "resolv.conf", "n\n", 2, 0644, 0), 0);
    assert_int_equal(sys_symlink("../run/resolve/stub.conf", b.root, "etc/resolv.conf"), 0);
    q.etc_dirfd_plus_1 = etc + 1;
    assert_runs(&b, &q, "h\n127.0.0.1\nn\n");
    box_close(&b);
}

static void dies_with_the_creator_before_the_start(void **state)
{
    struct request q = {.args = "[\"sleep\",\"100\"]"};
    struct pollfd p = {.events = POLLIN};
    struct box b;
    int pair[2];
    pid_t creator, inner = 0;

    (void)state;
    SKIP_WITHOUT_ROOT();
    box_open(&b);
    assert_int_equal(pipe2(pair, O_CLOEXEC), 0);
    creator = fork();
    if (creator == 0) {
        static struct run r;

        if (run_create(&b, &q, &r) < 0 || write(pair[1], &r.c.pid, sizeof(r.c.pid)) < 0)
            _exit(1);
        pause();
        _exit(0);
    }
    assert_int_equal(read(pair[0], &inner, sizeof(inner)), sizeof(inner));
    p.fd = sys_pidfd_open(inner);
    assert_true(p.fd >= 0);
    assert_int_equal(kill(creator, SIGKILL), 0);
    assert_int_equal(waitpid(creator, NULL, 0), creator);
    assert_int_equal(poll(&p, 1, 10000), 1);
    fd_close(p.fd);
    fd_close(pair[0]);
    fd_close(pair[1]);
    box_close(&b);
}

/* What a kernel before 6.5 gets: one mount(2), its layers found again in the own mount namespace.
 */
static void mounts_an_overlay_the_old_way(void **state)
{
    struct runtime_rootfs fs;
    struct box b;
    int status;
    pid_t pid;

    (void)state;
    SKIP_WITHOUT_ROOT();
    box_open(&b);
    fs = (struct runtime_rootfs){.lower_fds = &b.root,
                                 .n_lowers = 1,
                                 .upper_fd = b.upper,
                                 .work_fd = b.work};
    pid = fork();
    if (pid == 0) {
        struct err e = {0};
        int root, here;

        if (fchdir(b.mount_point) < 0 || unshare(CLONE_NEWNS) < 0 ||
            mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
            _exit(1);
        here = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
        root = rootfs_mount_overlay(&fs, here, &e);
        if (root < 0)
            print_error("%s\n", e.msg);
        _exit(root < 0 || faccessat(root, "bin/busybox", X_OK, 0) < 0 ||
              mkdirat(root, "made", 0755) < 0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    assert_int_equal(faccessat(b.upper, "made", F_OK, 0), 0);
    box_close(&b);
}

/* As systemd leaves them: a mount in the container must neither fail nor be seen outside. */
static void takes_roots_on_shared_mounts(void **state)
{
    const char *args = "[\"sh\",\"-c\",\"grep -c shared /proc/self/mountinfo; echo run\"]";
    struct box b;
    int status;
    pid_t pid;

    (void)state;
    SKIP_WITHOUT_ROOT();
    pid = fork();
    if (pid == 0) {
        if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_SHARED, NULL) < 0)
            _exit(1);
        box_open(&b);
        assert_runs(&b, &(struct request){.args = args, .plain_root = true}, "0\nrun\n");
        assert_runs(&b, &(struct request){.args = args, .no_upper = true}, "0\nrun\n");
        assert_runs(&b, &(struct request){.args = args}, "0\nrun\n");
        box_close(&b);
        _exit(0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

static int compare_times(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

    return (x > y) - (x < y);
}

/* Printed, not asserted: the machine may be busy. */
/* A plain directory stands in for resctrl. */
static void puts_the_process_into_its_resctrl_group(void **state)
{
    auto_free char *tasks = NULL;
    auto_free char *pid = NULL;
    struct request q = {.args = "[\"true\"]", .linux_members = ",\"intelRdt\":{}"};
    struct rdt rdt = {0};
    static struct run r;
    struct box b;
    size_t n;

    (void)state;
    SKIP_WITHOUT_ROOT();
    box_open(&b);
    assert_fails(&b, &q, ERR_UNSUPPORTED, "linux.intelRdt: there is no group");
    assert_int_equal(sys_mkdir(b.dir, "resctrl", 0755), 0);
    rdt.root = alloc_printf("%s/resctrl", b.path);
    rdt.group = alloc_strdup(rdt.root);
    q.rdt = &rdt;
    if (run_create(&b, &q, &r) < 0)
        fail_msg("%s", r.e.msg);
    pid = alloc_printf("%d", (int)r.c.pid);
    assert_int_equal(sys_read_file(b.dir, "resctrl/tasks", 100, &tasks, &n), 0);
    assert_string_equal(tasks, pid);
    run_done(&r, &q);
    rdt_done(&rdt);
    box_close(&b);
}

static void measures_a_hundred_runs(void **state)
{
    struct request q = {.args = "[\"true\"]",
                        .cgroup = "/dhow-runtime-test/measure",
                        .linux_members =
                            ",\"maskedPaths\":[\"/proc/kcore\",\"/proc/keys\",\"/proc/fs\"],"
                            "\"readonlyPaths\":[\"/proc/bus\",\"/proc/irq\",\"/proc/sys\"]"};
    static uint64_t us[100];
    static struct run r;
    struct box b;

    (void)state;
    SKIP_WITHOUT_ROOT();
    box_open(&b);
    for (size_t i = 0; i < ARRAY_LEN(us); i++) {
        uint64_t start = units_monotonic_ns();

        if (run_create(&b, &q, &r) < 0 || runtime_start(&r.c, &r.e) < 0)
            fail_msg("%s", r.e.msg);
        assert_int_equal(wait_code(r.c.pidfd), 0);
        us[i] = (units_monotonic_ns() - start) / 1000;
        run_done(&r, &q);
    }
    qsort(us, ARRAY_LEN(us), sizeof(us[0]), compare_times);
    print_message("create + start + wait: min %llu us, median %llu us\n", (unsigned long long)us[0],
                  (unsigned long long)us[ARRAY_LEN(us) / 2]);
    box_close(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(runs_a_command_as_pid_1_with_its_environment),
        cmocka_unit_test(tells_exit_codes_and_signals),
        cmocka_unit_test(tells_why_a_command_cannot_run),
        cmocka_unit_test(looks_users_up_in_the_root),
        cmocka_unit_test(hides_masked_and_protects_readonly_paths),
        cmocka_unit_test(makes_dev_and_the_usual_mounts),
        cmocka_unit_test(binds_sources_private_and_readonly),
        cmocka_unit_test(gives_a_terminal),
        cmocka_unit_test(executes_in_a_running_container),
        cmocka_unit_test(removes_its_cgroup),
        cmocka_unit_test(sets_limits_and_kernel_parameters),
        cmocka_unit_test(runs_in_a_user_namespace_with_mapped_layers),
        cmocka_unit_test(binds_the_engines_etc_files),
        cmocka_unit_test(dies_with_the_creator_before_the_start),
        cmocka_unit_test(mounts_an_overlay_the_old_way),
        cmocka_unit_test(takes_roots_on_shared_mounts),
        cmocka_unit_test(puts_the_process_into_its_resctrl_group),
        cmocka_unit_test(measures_a_hundred_runs),
    };

    return cmocka_run_group_tests(tests, NULL, remove_groups);
}
