/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Hostile images and containers, by the ids of the security list. Each would pass if the attack
 * worked on nothing, so each also checks that what was attacked is whole. */
#include "runtime/testing.h"

/* A directory beside the root, which nothing may touch: "victim", reached from inside by an
 * absolute path of the host. */
static void make_victim(struct box *b)
{
    assert_int_equal(sys_mkdir(b->dir, "victim", 0777), 0);
    assert_int_equal(sys_write_file_atomic(b->dir, "victim/canary", "whole", 5, 0644, 0), 0);
}

static void assert_victim_is_whole(struct box *b)
{
    auto_free char *text = NULL;
    auto_free char *path = alloc_printf("%s/victim", b->path);
    struct stat st;
    size_t n;

    assert_int_equal(sys_read_file(b->dir, "victim/canary", 64, &text, &n), 0);
    assert_string_equal(text, "whole");
    assert_int_equal(sys_stat(AT_FDCWD, path, &st), 0);
    assert_int_equal(st.st_nlink, 2); /* no directory was made in it */
    assert_int_equal(st.st_uid, 0);
    /* canary is all there is: a second name would make the tmpfs directory longer than "." ".." and
     * one entry */
    assert_int_equal(st.st_size, 60);
}

enum shape { SHAPE_LINK_OUT, SHAPE_LINK_NOWHERE, SHAPE_FIFO, SHAPE_FILE };

static void put(struct box *b, const char *name, enum shape shape)
{
    auto_free char *path = alloc_printf("%s/root/%s", b->path, name);
    auto_free char *out = alloc_printf("%s/victim", b->path);

    (void)rmdir(path);
    (void)unlink(path);
    if (shape == SHAPE_LINK_OUT)
        assert_int_equal(symlink(out, path), 0);
    else if (shape == SHAPE_LINK_NOWHERE)
        assert_int_equal(symlink("/no/where", path), 0);
    else if (shape == SHAPE_FIFO)
        assert_int_equal(mkfifo(path, 0666), 0);
    else
        assert_int_equal(close(open(path, O_CREAT | O_WRONLY, 0666)), 0);
}

static void t_27561_survives_roots_whose_proc_sys_dev_are_traps(void **state)
{
    static const char *const names[] = {"proc", "sys", "dev"};
    static struct run r;

    (void)state;
    SKIP_WITHOUT_ROOT();
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        for (enum shape shape = SHAPE_LINK_OUT; shape <= SHAPE_FILE; shape++) {
            struct box b;

            box_open(&b);
            make_victim(&b);
            put(&b, names[i], shape);
            assert_int_equal(run(&b, &(struct request){.args = "[\"true\"]"}, &r), -1);
            assert_has(r.e.msg, names[i]);
            assert_victim_is_whole(&b);
            box_close(&b);
        }
    }
}

static void t_devsetup_touches_nothing_outside_without_a_dev_mount(void **state)
{
    static const char *const names[] = {"dev",    "dev/null", "dev/console", "dev/ptmx",
                                        "dev/fd", "dev/tty",  "dev/pts",     "dev/shm"};
    const char *mounts = "{\"destination\":\"/proc\",\"type\":\"proc\",\"source\":\"proc\"}";
    static struct run r;

    (void)state;
    SKIP_WITHOUT_ROOT();
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        for (enum shape shape = SHAPE_LINK_OUT; shape <= SHAPE_FILE; shape++) {
            struct request q = {.args = "[\"true\"]",
                                .mounts = mounts,
                                .plain_root = shape % 2,
                                .readonly_root = i % 2};
            struct box b;
            int result;

            box_open(&b);
            make_victim(&b);
            put(&b, names[i], shape);
            result = run(&b, &q, &r);
            /* A device or /dev that is a trap stops the start; the other names are the image's
             * business. */
            if (i == 0 || str_equal(names[i], "dev/null") || str_equal(names[i], "dev/tty"))
                assert_int_equal(result, -1);
            else if (result < 0)
                fail_msg("%s, shape %d: %s", names[i], (int)shape, r.e.msg);
            assert_victim_is_whole(&b);
            box_close(&b);
        }
    }
}

static void t_devsetup_stdio_is_a_true_null(void **state)
{
    struct box b;

    (void)state;
    SKIP_WITHOUT_ROOT();
    box_open(&b);
    put(&b, "dev/null", SHAPE_FILE);
    assert_runs(&b,
                &(struct request){.args = "[\"stat\",\"-L\",\"-c\",\"%t:%T\",\"/proc/self/fd/0\"]"},
                "1:3\n");
    box_close(&b);
}

static void t_45310_makes_no_directories_on_the_host(void **state)
{
    static const char *const destinations[] = {"/link/sub/dir", "/abs/sub", "/up/x/y"};
    struct box b;

    (void)state;
    SKIP_WITHOUT_ROOT();
    for (size_t i = 0; i < ARRAY_LEN(destinations); i++) {
        auto_free char *mounts =
            alloc_printf(USUAL_MOUNTS ",{\"destination\":\"%s\",\"type\":\"tmpfs\","
                                      "\"source\":\"tmpfs\"}",
                         destinations[i]);
        auto_free char *outside = NULL;
        static struct run r;

        box_open(&b);
        make_victim(&b);
        outside = alloc_printf("%s/victim", b.path);
        assert_int_equal(sys_symlink("../../../../../../../../dev/shm", b.root, "up"), 0);
        assert_int_equal(sys_symlink("/abs2", b.root, "abs"), 0);
        assert_int_equal(sys_symlink(outside, b.root, "link"), 0);
        (void)run(&b, &(struct request){.args = "[\"true\"]", .mounts = mounts}, &r);
        assert_victim_is_whole(&b);
        assert_int_equal(access("/abs2", F_OK), -1);
        assert_int_equal(access("/dev/shm/x", F_OK), -1);
        box_close(&b);
    }
}

static void t_31133_masks_cannot_be_redirected(void **state)
{
    struct request q =
        {.args =
             "[\"sh\",\"-c\",\"wc -c < /secret; stat -c %t:%T /secret; cat /proc/keys | wc -c\"]",
         .linux_members = ",\"maskedPaths\":[\"/secret\",\"/proc/keys\"]"};
    struct box b;

    (void)state;
    SKIP_WITHOUT_ROOT();
    box_open(&b);
    box_write(&b, "secret", "secret text");
    put(&b, "dev/null", SHAPE_LINK_NOWHERE); /* what a mask by path would have used */
    assert_runs(&b, &q, "0\n1:3\n0\n");
    box_close(&b);
}

static void t_21626_refuses_directories_outside_of_the_root(void **state)
{
    static struct run r;
    struct box b;

    (void)state;
    SKIP_WITHOUT_ROOT();
    box_open(&b);
    for (int fd = 3; fd <= 30; fd++) {
        auto_free char *cwd = alloc_printf("/proc/self/fd/%d", fd);

        assert_int_equal(run(&b, &(struct request){.args = "[\"true\"]", .cwd = cwd}, &r), -1);
        assert_int_equal(r.e.kind, ERR_CMD_INVOKE);
    }
    assert_int_equal(sys_symlink("/proc/self/fd/7", b.root, "trick"), 0);
    assert_int_equal(run(&b, &(struct request){.args = "[\"true\"]", .cwd = "/trick"}, &r), -1);
    /* Only 0, 1, 2 and the directory that ls reads are open. */
    assert_runs(&b,
                &(struct request){
                    .args = "[\"sh\",\"-c\",\"ls /proc/1/fd; ls /proc/self/fd | wc -l\"]"},
                "0\n1\n2\n4\n");
    box_close(&b);
}

static void t_55686_makes_the_directory_inside_only(void **state)
{
    struct request q = {.args = "[\"sh\",\"-c\",\"pwd\"]",
                        .create_cwd = true,
                        .cwd = "/w/new/deep"};
    auto_free char *outside = NULL;
    auto_free char *inside = NULL;
    struct box b;

    (void)state;
    SKIP_WITHOUT_ROOT();
    box_open(&b);
    make_victim(&b);
    outside = alloc_printf("%s/victim", b.path);
    assert_int_equal(sys_symlink(outside, b.root, "w"), 0);
    inside = alloc_printf("%s/victim/new/deep\n", b.path);
    assert_runs(&b, &q, inside);
    assert_victim_is_whole(&b);
    box_close(&b);
}

static void t_9676_does_not_hang_on_hostile_passwd_files(void **state)
{
    static struct run r;
    struct request q = {.args = "[\"sh\",\"-c\",\"echo $HOME\"]", .set_home = true, .user = "0"};
    struct box b;

    (void)state;
    SKIP_WITHOUT_ROOT();
    box_open(&b);
    put(&b, "etc/passwd", SHAPE_FIFO);
    assert_runs(&b, &q, "/root\n");
    q.user = "ann";
    assert_fails(&b, &q, ERR_INVALID, "unable to find user ann");
    assert_int_equal(sys_unlink(b.root, "etc/passwd"), 0);
    assert_int_equal(sys_symlink("/dev/zero", b.root, "etc/passwd"), 0);
    assert_fails(&b, &q, ERR_INVALID, "unable to find user ann");
    assert_int_equal(sys_unlink(b.root, "etc/passwd"), 0);
    box_write(&b, "etc/passwd", "");
    {
        auto_fd int fd = sys_open(b.root, "etc/passwd", O_WRONLY, 0);

        assert_int_equal(sys_truncate(fd, 2ll << 30), 0); /* sparse, 2 GB of NULs */
    }
    assert_fails(&b, &q, ERR_INVALID, "unable to find user ann");
    box_write(&b, "etc/passwd", "ann:x:5:5::/x\rroot2:/bin/sh\n");
    assert_int_equal(run(&b, &q, &r), 0);
    assert_string_equal(r.output, "/\n");
    box_close(&b);
}

static void t_caps_are_exact(void **state)
{
    /* chown dac_override kill setgid setuid mknod = 0x80000e3 */
    static const struct {
        const char *user, *expected;
    } cases[] = {
        {"0:0", "CapInh:\t0000000000000000\nCapPrm:\t00000000080000e3\nCapEff:\t00000000080000e3\n"
                "CapBnd:\t00000000080000e3\nCapAmb:\t0000000000000000\n"},
        {"5:5", "CapInh:\t0000000000000000\nCapPrm:\t0000000000000000\nCapEff:\t0000000000000000\n"
                "CapBnd:\t00000000080000e3\nCapAmb:\t0000000000000000\n"},
    };
    struct box b;

    (void)state;
    SKIP_WITHOUT_ROOT();
    box_open(&b);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        assert_runs(&b,
                    &(struct request){.args = "[\"grep\",\"Cap\",\"/proc/self/status\"]",
                                      .user = cases[i].user},
                    cases[i].expected);
    box_close(&b);
}

static void t_seccomp_filter_is_on_with_and_without_no_new_privs(void **state)
{
    static const char *const profile = ",\"seccomp\":{\"defaultAction\":\"SCMP_ACT_ALLOW\","
                                       "\"architectures\":[\"SCMP_ARCH_X86_64\"],"
                                       "\"syscalls\":[{\"names\":[\"mkdir\",\"mkdirat\"],"
                                       "\"action\":\"SCMP_ACT_ERRNO\",\"errnoRet\":42}]}";
    static const char *const users[] = {"0:0", "5:5"};
    static struct run r;
    struct box b;

    (void)state;
    SKIP_WITHOUT_ROOT();
    box_open(&b);
    for (int nnp = 0; nnp < 2; nnp++) {
        for (size_t i = 0; i < ARRAY_LEN(users); i++) {
            struct request q = {
                .args = "[\"sh\",\"-c\",\"mkdir /tmp/x; grep -E '^(Seccomp|NoNewPrivs|CapEff):' "
                        "/proc/self/status\"]",
                .process = nnp ? "\"noNewPrivileges\":true,\"user\":{\"uid\":0,\"gid\":0}," : NULL,
                .linux_members = profile,
                .user = users[i],
            };

            if (run(&b, &q, &r) < 0)
                fail_msg("%s", r.e.msg);
            assert_has(r.output, "Seccomp:\t2\n");
            assert_has(r.output, nnp ? "NoNewPrivs:\t1\n" : "NoNewPrivs:\t0\n");
            assert_has(r.output, "can't create directory '/tmp/x': No message of desired type");
            assert_has(r.output,
                       i == 0 ? "CapEff:\t00000000080000e3" : "CapEff:\t0000000000000000");
        }
    }
    box_close(&b);
}

/* The stub is what /proc/self/exe is when the kernel resolves the command. */
static void t_5736_gives_no_way_to_the_hosts_program(void **state)
{
    static const char *const commands[] = {"[\"/proc/self/exe\",\"--help\"]", "[\"/script\"]",
                                           "[\"/link\"]"};
    static struct run r;
    struct stat before, after;
    struct box b;

    (void)state;
    SKIP_WITHOUT_ROOT();
    assert_int_equal(sys_stat(AT_FDCWD, "/proc/self/exe", &before), 0);
    box_open(&b);
    assert_int_equal(sys_write_file_atomic(b.root, "script", "#!/proc/self/exe\n", 17, 0755, 0), 0);
    assert_int_equal(sys_symlink("/proc/self/exe", b.root, "link"), 0);
    for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
        /* cmocka's own output would be there if this test program had been executed. */
        int result = run(&b, &(struct request){.args = commands[i]}, &r);

        assert_has_not(r.output, "test");
        assert_true(result == -1 || r.code == 126 || r.code == 127);
    }
    assert_int_equal(sys_stat(AT_FDCWD, "/proc/self/exe", &after), 0);
    assert_int_equal(before.st_mtime, after.st_mtime);
    assert_int_equal(before.st_size, after.st_size);
    box_close(&b);
}

static void t_5736_hides_every_exec_from_the_container(void **state)
{
    /* A container that tries to look at every process that is born in it. */
    struct request q = {.args = "[\"sh\",\"-c\",\"while :; do for p in /proc/[0-9]*; do readlink "
                                "$p/exe; done; done\"]"};
    const char *text = "{\"args\":[\"true\"],\"cwd\":\"/\",\"user\":{\"uid\":0,\"gid\":0}}";
    struct oci_process process = {0};
    char self[4096] = {0};
    static struct run r;
    struct err e = {0};
    struct box b;

    (void)state;
    SKIP_WITHOUT_ROOT();
    assert_true(readlink("/proc/self/exe", self, sizeof(self) - 1) > 0);
    box_open(&b);
    assert_int_equal(json_decode_text(text, strlen(text), 4096, &oci_process_json, &process, &e),
                     0);
    if (run_create(&b, &q, &r) < 0 || runtime_start(&r.c, &r.e) < 0)
        fail_msg("%s", r.e.msg);
    assert_int_equal(sys_set_nonblock(r.out), 0);
    for (int i = 0; i < 200; i++) {
        struct runtime_process p = RUNTIME_PROCESS_NONE;

        if (runtime_exec(&(struct runtime_exec_config){.init_pid = r.c.pid,
                                                       .start_ticks = r.c.start_ticks,
                                                       .process = &process,
                                                       .stdio = {FD_NONE, FD_NONE, FD_NONE}},
                         &p, &e) < 0)
            fail_msg("%s", e.msg);
        assert_int_equal(wait_code(p.pidfd), 0);
        fd_close(p.pidfd);
        for (ssize_t n; (n = read(r.out, r.output, sizeof(r.output) - 1)) > 0;) {
            r.output[n] = 0;
            assert_has_not(r.output, self);
        }
    }
    json_free_struct(&oci_process_json, &process);
    run_done(&r, &q);
    box_close(&b);
}

static void t_52881_writes_kernel_parameters_through_a_private_proc(void **state)
{
    /* The container's /proc is a tmpfs: a write that went there would be lost, and an error. */
    struct request q =
        {.args = "[\"sh\",\"-c\",\"mkdir /p && mount -t proc proc /p 2>/dev/null; ls /proc/sys "
                 "2>/dev/null; echo done\"]",
         .mounts = "{\"destination\":\"/"
                   "proc\",\"type\":\"tmpfs\",\"source\":\"x\"},{\"destination\":\"/dev\",\"type\":"
                   "\"tmpfs\",\"source\":\"x\"},{\"destination\":\"/"
                   "realproc\",\"type\":\"proc\",\"source\":\"proc\"}",
         .linux_members = ",\"sysctl\":{\"kernel.msgmax\":\"4242\"}"};
    struct box b;

    (void)state;
    SKIP_WITHOUT_ROOT();
    box_open(&b);
    assert_runs(&b, &q, "done\n");
    q.args = "[\"cat\",\"/realproc/sys/kernel/msgmax\"]";
    assert_runs(&b, &q, "4242\n");
    box_close(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(t_27561_survives_roots_whose_proc_sys_dev_are_traps),
        cmocka_unit_test(t_devsetup_touches_nothing_outside_without_a_dev_mount),
        cmocka_unit_test(t_devsetup_stdio_is_a_true_null),
        cmocka_unit_test(t_45310_makes_no_directories_on_the_host),
        cmocka_unit_test(t_31133_masks_cannot_be_redirected),
        cmocka_unit_test(t_21626_refuses_directories_outside_of_the_root),
        cmocka_unit_test(t_55686_makes_the_directory_inside_only),
        cmocka_unit_test(t_9676_does_not_hang_on_hostile_passwd_files),
        cmocka_unit_test(t_caps_are_exact),
        cmocka_unit_test(t_seccomp_filter_is_on_with_and_without_no_new_privs),
        cmocka_unit_test(t_5736_gives_no_way_to_the_hosts_program),
        cmocka_unit_test(t_5736_hides_every_exec_from_the_container),
        cmocka_unit_test(t_52881_writes_kernel_parameters_through_a_private_proc),
    };

    return cmocka_run_group_tests(tests, NULL, remove_groups);
}
