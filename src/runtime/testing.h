/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * What the tests that need root share: a box (a directory on tmpfs with a root file system of
 * busybox, an overlay's upper and a mount point) and a way to run a command in it and see its
 * output and status. Included by test programs only.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"
#include "base/strv.h"
#include "runtime/runtime.h"
#include "sys/event.h"
#include "sys/file.h"
#include "sys/process.h"

#define SKIP_WITHOUT_ROOT()                                                                        \
    do {                                                                                           \
        if (geteuid() != 0) {                                                                      \
            print_message("needs root\n");                                                         \
            skip();                                                                                \
        }                                                                                          \
        if (access("/bin/busybox", X_OK) != 0) {                                                   \
            print_message("needs busybox-static\n");                                               \
            skip();                                                                                \
        }                                                                                          \
    } while (0)

struct box {
    char path[64];
    int dir, root, upper, work, mount_point;
};

static inline void box_write(struct box *b, const char *path, const char *text)
{
    assert_int_equal(sys_write_file_atomic(b->root, path, text, strlen(text), 0644, 0), 0);
}

static inline void box_open(struct box *b)
{
    static const char *const dirs[] = {"root",     "root/bin", "root/etc", "root/dev", "root/proc",
                                       "root/sys", "root/tmp", "upper",    "work",     "merged"};
    static const char *const applets[] = {"sh",       "cat",   "ls",   "id",    "true",     "false",
                                          "sleep",    "tty",   "stty", "echo",  "hostname", "mount",
                                          "readlink", "seq",   "stat", "touch", "umask",    "grep",
                                          "mkdir",    "chmod", "sed",  "ip",    "wc",       "od",
                                          "head",     "cp"};
    auto_free char *busybox = NULL;
    size_t len;

    snprintf(b->path, sizeof(b->path), "/dev/shm/dhow-runtime-XXXXXX");
    assert_non_null(mkdtemp(b->path));
    b->dir = sys_open(AT_FDCWD, b->path, O_PATH | O_DIRECTORY, 0);
    for (size_t i = 0; i < ARRAY_LEN(dirs); i++)
        assert_int_equal(sys_mkdir(b->dir, dirs[i], 0755), 0);
    b->root = sys_open(b->dir, "root", O_PATH | O_DIRECTORY, 0);
    b->upper = sys_open(b->dir, "upper", O_PATH | O_DIRECTORY, 0);
    b->work = sys_open(b->dir, "work", O_PATH | O_DIRECTORY, 0);
    b->mount_point = sys_open(b->dir, "merged", O_PATH | O_DIRECTORY, 0);
    assert_int_equal(sys_read_file(AT_FDCWD, "/bin/busybox", 16u << 20, &busybox, &len), 0);
    assert_int_equal(sys_write_file_atomic(b->root, "bin/busybox", busybox, len, 0755, 0), 0);
    for (size_t i = 0; i < ARRAY_LEN(applets); i++) {
        auto_free char *path = alloc_printf("bin/%s", applets[i]);

        assert_int_equal(sys_symlink("busybox", b->root, path), 0);
    }
    box_write(b, "etc/passwd",
              "root:x:0:0:root:/root:/bin/sh\nmalformed\nann:x:1000:1001::/home/ann:/bin/sh\n"
              "4294967296:x:0:0::/:/bin/sh\n");
    box_write(b, "etc/group", "root:x:0:\nann:x:1001:\nwheel:x:10:ann,bob\nvideo:x:44:bob\n");
}

static inline void box_close(struct box *b)
{
    fd_close(b->root);
    fd_close(b->upper);
    fd_close(b->work);
    fd_close(b->mount_point);
    fd_close(b->dir);
    assert_int_equal(sys_remove_tree(AT_FDCWD, b->path), 0);
}

/* What differs from run to run; NULL or 0 is the usual. */
struct request {
    const char *args;          /* JSON array: ["true"] */
    const char *process;       /* further members of process, each with a comma behind it */
    const char *mounts;        /* all mounts; NULL: the usual ones */
    const char *linux_members; /* further members of linux, each with a comma in front */
    const char *namespaces;
    const char *cwd;
    const char *user;
    char *const *groups;
    const char *cgroup;
    const struct runtime_agent *agent;
    int etc_dirfd_plus_1; /* 0: none */
    const struct rdt *rdt;
    bool set_home, create_cwd, readonly_root, plain_root, no_upper;
};

#define CAPS                                                                                       \
    "\"CAP_CHOWN\",\"CAP_DAC_OVERRIDE\",\"CAP_KILL\",\"CAP_SETUID\",\"CAP_SETGID\",\"CAP_MKNOD\""
#define USUAL_MOUNTS                                                                               \
    "{\"destination\":\"/"                                                                         \
    "proc\",\"type\":\"proc\",\"source\":\"proc\",\"options\":[\"nosuid\",\"noexec\",\"nodev\"]}," \
    "{\"destination\":\"/"                                                                         \
    "dev\",\"type\":\"tmpfs\",\"source\":\"tmpfs\",\"options\":[\"nosuid\",\"strictatime\","       \
    "\"mode=755\",\"size=65536k\"]},"                                                              \
    "{\"destination\":\"/dev/"                                                                     \
    "pts\",\"type\":\"devpts\",\"source\":\"devpts\",\"options\":[\"nosuid\",\"noexec\","          \
    "\"newinstance\",\"ptmxmode=0666\",\"mode=0620\",\"gid=5\"]},"                                 \
    "{\"destination\":\"/dev/"                                                                     \
    "shm\",\"type\":\"tmpfs\",\"source\":\"shm\",\"options\":[\"nosuid\",\"noexec\",\"nodev\","    \
    "\"mode=1777\",\"size=65536k\"]},"                                                             \
    "{\"destination\":\"/dev/"                                                                     \
    "mqueue\",\"type\":\"mqueue\",\"source\":\"mqueue\",\"options\":[\"nosuid\",\"noexec\","       \
    "\"nodev\"]},"                                                                                 \
    "{\"destination\":\"/"                                                                         \
    "sys\",\"type\":\"sysfs\",\"source\":\"sysfs\",\"options\":[\"nosuid\",\"noexec\",\"nodev\","  \
    "\"ro\"]}"
#define ALL_NAMESPACES                                                                             \
    "{\"type\":\"pid\"},{\"type\":\"mount\"},{\"type\":\"ipc\"},{\"type\":\"uts\"},{\"type\":"     \
    "\"network\"},{\"type\":\"cgroup\"}"

static inline void spec_make(struct box *b, const struct request *q, struct oci_spec *ret)
{
    auto_str s = STR_INIT(1u << 20);
    struct err e = {0};

    str_addf(&s, "{\"ociVersion\":\"1.2.0\",\"root\":{\"path\":\"%s/root\",\"readonly\":%s},",
             b->path, q->readonly_root ? "true" : "false");
    str_addf(&s, "\"hostname\":\"boat\",\"process\":{%s\"args\":%s,\"cwd\":\"%s\",",
             q->process ? q->process : "\"user\":{\"uid\":0,\"gid\":0},", q->args,
             q->cwd ? q->cwd : "/");
    str_addf(&s, "\"env\":[\"PATH=/bin\",\"A=b c\"],\"capabilities\":{\"bounding\":[" CAPS
                 "],\"effective\":[" CAPS "],\"permitted\":[" CAPS "]}},");
    str_addf(&s, "\"mounts\":[%s],", q->mounts ? q->mounts : USUAL_MOUNTS);
    str_addf(&s, "\"linux\":{\"namespaces\":[%s]%s", q->namespaces ? q->namespaces : ALL_NAMESPACES,
             q->linux_members ? q->linux_members : "");
    if (q->cgroup)
        str_addf(&s, ",\"cgroupsPath\":\"%s\"", q->cgroup);
    str_add(&s, "}}");
    if (oci_spec_parse(str_text(&s), s.len, ret, &e) < 0)
        fail_msg("%s in %s", e.msg, str_text(&s));
}

struct run {
    struct oci_spec spec;
    struct runtime_config config;
    struct runtime_container c;
    int lowers[1];
    int out; /* read end of stdout and stderr */
    struct err e;
    int code;
    char output[65536];
};

/* Plans and creates; 0, or -1 with r->e. */
static inline int run_create(struct box *b, const struct request *q, struct run *r)
{
    auto_fd int write_end = FD_NONE;
    struct runtime_plan *plan = NULL;
    int pair[2], result;

    *r = (struct run){.c = RUNTIME_CONTAINER_NONE, .out = FD_NONE, .code = -1};
    assert_int_equal(runtime_remove(q->cgroup, NULL), 0); /* of a test that failed before */
    spec_make(b, q, &r->spec);
    assert_int_equal(pipe2(pair, O_CLOEXEC), 0);
    r->out = pair[0];
    write_end = pair[1];
    r->lowers[0] = b->root;
    r->config = (struct runtime_config){
        .id = "test",
        .spec = &r->spec,
        .rootfs = {.lower_fds = r->lowers,
                   .n_lowers = q->plain_root ? 0 : 1,
                   .upper_fd = q->no_upper ? FD_NONE : b->upper,
                   .work_fd = q->no_upper ? FD_NONE : b->work,
                   .mount_point_fd = q->plain_root ? FD_NONE : b->mount_point},
        .stdio = {FD_NONE, write_end, write_end},
        .user = q->user,
        .user_groups = q->groups,
        .set_home = q->set_home,
        .agent = q->agent,
        .create_cwd = q->create_cwd,
        .etc_dirfd = q->etc_dirfd_plus_1 ? q->etc_dirfd_plus_1 - 1 : FD_NONE,
        .bundle_dirfd = FD_NONE,
        .start_listener = FD_NONE,
        .waiting_fd = FD_NONE,
        .rdt = q->rdt,
    };
    result = runtime_plan(&r->config, &plan, &r->e);
    if (result == 0)
        result = runtime_create(plan, &r->c, &r->e);
    runtime_plan_free(plan);
    return result;
}

static inline void run_read(struct run *r)
{
    size_t n = 0;

    for (;;) {
        struct pollfd p = {.fd = r->out, .events = POLLIN};
        ssize_t got;

        assert_int_equal(poll(&p, 1, 20000), 1);
        got = read(r->out, r->output + n, sizeof(r->output) - 1 - n);
        if (got <= 0)
            break;
        n += (size_t)got;
    }
    r->output[n] = 0;
}

static inline int wait_code(int pidfd)
{
    struct pollfd p = {.fd = pidfd, .events = POLLIN};
    int status = 0;

    assert_int_equal(poll(&p, 1, 20000), 1);
    assert_int_equal(sys_wait_pidfd(pidfd, &status), 0);
    return sys_exit_code_of_status(status);
}

static inline void run_done(struct run *r, const struct request *q)
{
    runtime_container_done(&r->c);
    r->out = fd_close(r->out);
    oci_spec_done(&r->spec);
    assert_int_equal(runtime_remove(q->cgroup, NULL), 0);
}

/* All of it: the exit code in r->code, or -1 and r->e. */
static inline int run(struct box *b, const struct request *q, struct run *r)
{
    int result = run_create(b, q, r);

    if (result == 0)
        result = runtime_start(&r->c, &r->e);
    if (result == 0) {
        run_read(r);
        r->code = wait_code(r->c.pidfd);
    }
    run_done(r, q);
    return result;
}

static inline void assert_runs(struct box *b, const struct request *q, const char *output)
{
    static struct run r;

    if (run(b, q, &r) < 0)
        fail_msg("%s", r.e.msg);
    assert_string_equal(r.output, output);
    assert_int_equal(r.code, 0);
}

static inline void assert_has(const char *text, const char *part)
{
    if (!strstr(text, part))
        fail_msg("'%s' is not in '%s'", part, text);
}

static inline void assert_has_not(const char *text, const char *part)
{
    if (strstr(text, part))
        fail_msg("'%s' is in '%s'", part, text);
}

static inline void assert_fails(struct box *b, const struct request *q, enum err_kind kind,
                                const char *message_part)
{
    static struct run r;

    if (run(b, q, &r) == 0)
        fail_msg("it ran: code %d, '%s'", r.code, r.output);
    assert_has(r.e.msg, message_part);
    assert_string_equal(err_kind_name(r.e.kind), err_kind_name(kind));
}

/* The parent of all groups that the tests make. */
static inline int remove_groups(void **state)
{
    (void)state;
    return geteuid() == 0 ? runtime_remove("/dhow-runtime-test", NULL) : 0;
}
