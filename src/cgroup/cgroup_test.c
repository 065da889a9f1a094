/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <linux/bpf.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "cgroup/testing.h"

/* Forks until it cannot; the children stay. */
static int count_forks(void)
{
    for (int i = 0; i < 50; i++) {
        pid_t pid = fork();

        if (pid < 0)
            return errno == EAGAIN ? i : 98;
        if (pid == 0) {
            pause();
            _exit(0);
        }
    }
    return 97;
}

static void a_pids_limit_limits_and_removal_kills(void **state)
{
    auto_free char *path = group_path("pids");
    struct oci_pids pids = {{true, 5}};
    struct oci_resources r = {.pids = &pids};
    DHOW_CLEANUP(cgroup_auto) struct cgroup *g = NULL, *again = NULL;
    auto_strv warnings = NULL;
    auto_free pid_t *list = NULL;
    struct err e = {0};
    uint64_t started[4];
    size_t n;
    pid_t pid;

    (void)state;
    if (!can_make_groups())
        skip();
    g = create(path, &r, &warnings);
    if (warnings) { /* a v2 tree without controllers */
        assert_non_null(strstr(warnings[0], "pids limit"));
        assert_non_null(strstr(warnings[0], "limitation discarded"));
        assert_int_equal(cgroup_remove(path, NULL), 0);
        return;
    }
    pid = run_inside(g, count_forks);
    assert_int_equal(WEXITSTATUS(wait_status(pid)), 4); /* itself is the fifth */
    assert_int_equal(cgroup_pids(g, &list, &n, NULL), 0);
    assert_int_equal(n, 4);
    for (size_t i = 0; i < n; i++)
        assert_int_equal(sys_process_start_time(list[i], &started[i]), 0);
    /* in use: not replaced */
    assert_int_equal(cgroup_create(&(struct cgroup_request){.path = path}, &again, NULL, &e), -1);
    assert_int_equal(e.kind, ERR_CONFLICT);
    if (cgroup_remove(path, &e) < 0)
        fail_msg("%s", e.msg);
    for (size_t i = 0; i < n; i++)
        assert_int_equal(sys_process_is_alive(list[i], started[i]), 0);
    assert_int_equal(cgroup_open(path, &again, &e), -1);
    assert_int_equal(e.kind, ERR_NOT_FOUND);
    assert_int_equal(cgroup_remove(path, NULL), 0); /* again: nothing to do */
}

static int allocate_too_much(void)
{
    size_t size = 128u << 20;
    char *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (p == MAP_FAILED)
        return 98;
    for (size_t i = 0; i < size; i += 4096)
        p[i] = 1;
    return 97;
}

static void a_memory_limit_kills_and_is_noticed(void **state)
{
    auto_free char *path = group_path("memory");
    struct oci_memory memory = {.limit = {true, 24 << 20}, .swap = {true, 24 << 20}};
    struct oci_resources r = {.memory = &memory};
    DHOW_CLEANUP(cgroup_auto) struct cgroup *g = NULL;
    auto_strv warnings = NULL;
    auto_fd int oom = FD_NONE;
    uint64_t kills = 99;
    char text[256] = {0};
    int status;

    (void)state;
    if (!can_make_groups())
        skip();
    g = create(path, &r, &warnings);
    oom = cgroup_oom_fd(g);
    if (warnings && oom < 0) {
        assert_non_null(strstr(warnings[0], "memory limit"));
        assert_int_equal(cgroup_oom_kills(g, &kills), -ENOENT);
        assert_int_equal(cgroup_remove(path, NULL), 0);
        return;
    }
    assert_true(oom >= 0);
    assert_int_equal(cgroup_oom_kills(g, &kills), 0);
    assert_int_equal(kills, 0);
    status = wait_status(run_inside(g, allocate_too_much));
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGKILL);
    assert_int_equal(cgroup_oom_kills(g, &kills), 0);
    assert_true(kills >= 1);
    assert_true(pread(oom, text, sizeof(text) - 1, 0) > 0);
    assert_non_null(strstr(text, "oom_kill 1"));
    assert_int_equal(cgroup_remove(path, NULL), 0);
}

/* Counts in shared memory: a frozen one does not get on. */
static volatile uint64_t *counter;
static int count_forever(void)
{
    while (*counter != UINT64_MAX)
        ++*counter;
    return 0;
}

static void wait_a_little(void)
{
    struct timespec t = {.tv_nsec = 20000000};

    nanosleep(&t, NULL);
}

static bool is_counting(void)
{
    uint64_t before = *counter;

    for (int i = 0; i < 250 && *counter == before; i++)
        wait_a_little();
    return *counter != before;
}

static void frozen_processes_stand_still_and_still_die(void **state)
{
    auto_free char *path = group_path("freeze");
    DHOW_CLEANUP(cgroup_auto) struct cgroup *g = NULL;
    struct err e = {0};
    uint64_t stopped;
    pid_t pid;

    (void)state;
    if (!can_make_groups())
        skip();
    counter = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(counter != MAP_FAILED);
    g = create(path, NULL, NULL);
    pid = run_inside(g, count_forever);
    assert_true(is_counting());
    if (cgroup_freeze(g, true, &e) < 0)
        fail_msg("%s", e.msg);
    stopped = *counter;
    wait_a_little();
    assert_true(*counter == stopped);
    assert_int_equal(cgroup_freeze(g, false, NULL), 0);
    assert_true(is_counting());
    assert_int_equal(cgroup_freeze(g, true, NULL), 0);
    if (cgroup_remove(path, &e) < 0)
        fail_msg("%s", e.msg);
    assert_int_equal(WTERMSIG(wait_status(pid)), SIGKILL);
    munmap((void *)counter, 4096);
}

/* 0, or which of its expectations failed */
static int try_devices(void)
{
    int fd;

    if ((fd = open("/dev/null", O_RDWR | O_CLOEXEC)) < 0)
        return 1;
    close(fd);
    if ((fd = open("/dev/urandom", O_RDONLY | O_CLOEXEC)) < 0)
        return 2;
    close(fd);
    if (open("/dev/kmsg", O_RDONLY | O_CLOEXEC) >= 0 || errno != EPERM)
        return 3;
    (void)unlink("/dev/shm/dhow-test-node");
    if (mknod("/dev/shm/dhow-test-node", S_IFCHR | 0600, makedev(1, 11)) < 0)
        return 4;
    fd = open("/dev/shm/dhow-test-node", O_RDONLY | O_CLOEXEC);
    (void)unlink("/dev/shm/dhow-test-node");
    return fd >= 0 ? 5 : 0;
}

static int open_kmsg(void)
{
    return open("/dev/kmsg", O_RDONLY | O_CLOEXEC) < 0;
}

static void devices_are_restricted(void **state)
{
    auto_free char *path = group_path("devices");
    DHOW_CLEANUP(cgroup_auto) struct cgroup *g = NULL, *open_group = NULL;
    struct oci_device_rule kmsg = {true,
                                   (char *)(uintptr_t) "c",
                                   {true, 1},
                                   {true, 11},
                                   (char *)(uintptr_t) "r"};
    struct oci_resources r = {.devices = {&kmsg, 1, 1}};
    auto_strv warnings = NULL;

    (void)state;
    if (!can_make_groups())
        skip();
    if (access("/dev/kmsg", R_OK) < 0 || access("/dev/shm", W_OK) < 0) {
        print_message("needs /dev/kmsg and /dev/shm\n");
        skip();
    }
    g = create(path, NULL, &warnings);
    assert_null(warnings);
    assert_int_equal(WEXITSTATUS(wait_status(run_inside(g, try_devices))), 0);
    assert_int_equal(cgroup_remove(path, NULL), 0);
    open_group = create(path, &r, NULL);
    assert_int_equal(WEXITSTATUS(wait_status(run_inside(open_group, open_kmsg))), 0);
    assert_int_equal(cgroup_remove(path, NULL), 0);
}

static void a_cpuset_holds(void **state)
{
    auto_free char *path = group_path("cpuset");
    struct oci_cpu cpu = {.cpus = (char *)"0", .shares = {true, 512}, .quota = {true, 50000}};
    struct oci_resources r = {.cpu = &cpu};
    DHOW_CLEANUP(cgroup_auto) struct cgroup *g = NULL;
    auto_strv warnings = NULL;
    auto_free char *text = NULL;
    int dirfd;
    size_t n;

    (void)state;
    if (!can_make_groups())
        skip();
    g = create(path, &r, &warnings);
    dirfd = cgroup_controller_fd(g, CGROUP_CPUSET);
    if (dirfd < 0) {
        assert_true(g->mounts.mode == CGROUP_V2 || warnings);
    } else {
        assert_int_equal(sys_read_file(dirfd, "cpuset.cpus", 100, &text, &n), 0);
        assert_string_equal(text, "0\n");
        /* a process can enter: the memory nodes were inherited */
        assert_int_equal(WEXITSTATUS(wait_status(run_inside(g, open_kmsg))) & ~1, 0);
    }
    assert_int_equal(cgroup_remove(path, NULL), 0);
}

static void a_refused_value_is_an_error_and_leaves_nothing(void **state)
{
    auto_free char *path = group_path("refused");
    struct oci_cpu cpu = {.cpus = (char *)"900-901"};
    struct oci_resources r = {.cpu = &cpu};
    DHOW_CLEANUP(cgroup_auto) struct cgroup *g = NULL;
    struct err e = {0};

    (void)state;
    if (!can_make_groups())
        skip();
    if (cgroup_detect() == CGROUP_V2)
        skip(); /* the controller may not be there */
    assert_int_equal(cgroup_create(&(struct cgroup_request){.path = path, .resources = &r}, &g,
                                   NULL, &e),
                     -1);
    assert_non_null(strstr(e.msg, "cpuset.cpus"));
    assert_int_equal(cgroup_open(path, &g, &e), -1);
    assert_int_equal(e.kind, ERR_NOT_FOUND);
}

/* Groups below, which a container may make, go with it; the caller's own group never does. */
static void removal_goes_down_and_spares_the_caller(void **state)
{
    auto_free char *path = group_path("deep");
    auto_free char *inner = group_path("deep/a/b");
    DHOW_CLEANUP(cgroup_auto) struct cgroup *g = NULL, *below = NULL;
    struct err e = {0};
    int status;
    pid_t pid, prober;

    (void)state;
    if (!can_make_groups())
        skip();
    g = create(path, NULL, NULL);
    below = create(inner, NULL, NULL);
    counter = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    pid = run_inside(below, count_forever);
    prober = fork();
    if (prober == 0) {
        struct err inside = {0};

        if (cgroup_attach(g, getpid(), &inside) < 0)
            _exit(1);
        _exit(cgroup_remove(path, &inside) == 0 || inside.kind != ERR_CONFLICT);
    }
    assert_int_equal(sys_wait(prober, &status), 0);
    assert_int_equal(status, 0);
    assert_true(is_counting());
    if (cgroup_remove(path, &e) < 0)
        fail_msg("%s", e.msg);
    assert_int_equal(WTERMSIG(wait_status(pid)), SIGKILL);
    munmap((void *)counter, 4096);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_pids_limit_limits_and_removal_kills),
        cmocka_unit_test(a_memory_limit_kills_and_is_noticed),
        cmocka_unit_test(frozen_processes_stand_still_and_still_die),
        cmocka_unit_test(devices_are_restricted),
        cmocka_unit_test(a_cpuset_holds),
        cmocka_unit_test(a_refused_value_is_an_error_and_leaves_nothing),
        cmocka_unit_test(removal_goes_down_and_spares_the_caller),
    };

    return cmocka_run_group_tests(tests, NULL, remove_parent);
}
