/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the sweep takes and what it leaves; then the same with a process that dies, or whose calls
 * fail, at every fault point of each operation that writes.
 */
#include "store/testing.h"

#include <signal.h>

#include "base/fault.h"

static void plant(struct store *s, const char *path)
{
    assert_int_equal(sys_mkdir_p(store_root_fd(s), path, 0755), 0);
}

static void garbage_goes_and_rows_stay(void **state)
{
    static const struct test_image t = {.config = 1, .layers = {1, 2}, .names = {"h.x/a:1"}};
    char *root = test_root();
    struct store *s = test_open(root, STORE_WRITE);
    const char *const garbage[] = {"layers/%s/deep/er", "containers/%s/upper", "tmp/pull.%s/layers",
                                   "layers/%s-odd-name"};
    auto_free char *blob = alloc_printf("blobs/sha256/%s", test_hex(99).text);
    struct err e = {0};

    (void)state;
    test_ok(test_pull(s, &t, &e));
    test_ok(test_create(s, 1, 1, &e));
    for (size_t i = 0; i < ARRAY_LEN(garbage); i++) {
        auto_free char *suffix = alloc_strdup(strchr(garbage[i], 's') + 1);
        auto_strv parts = strv_split(garbage[i], '%');
        auto_free char *path = alloc_printf("%s%s%s", parts[0], test_hex(99).text, parts[1] + 1);

        plant(s, path);
    }
    test_write(store_root_fd(s), blob, "x");
    test_write(store_root_fd(s), "tmp/left-over", "x");
    test_consistent(s); /* sweeps, and counts what is left */
    assert_int_equal(test_entries(s, "layers"), 2);
    assert_int_equal(test_entries(s, "containers"), 1);
    store_close(s);
    test_root_free(root);
}

static void what_is_on_its_way_is_left_alone(void **state)
{
    char *root = test_root();
    struct store *maker = test_open(root, STORE_WRITE), *s = test_open(root, STORE_WRITE);
    struct store_container c = test_container(1, 0);
    auto_free char *name = NULL;
    int staging, dir;
    struct err e = {0};

    (void)state;
    test_ok(store_container_dir(maker, c.id, true, &dir, &e)); /* no row yet */
    test_ok(store_sweep(s, &e));
    assert_int_equal(test_entries(s, "containers"), 1);
    test_ok(store_container_add(maker, &c, &e));
    test_ok(store_sweep(s, &e));
    assert_int_equal(test_entries(s, "containers"), 1);
    test_ok(store_container_remove(maker, c.id, &e));
    fd_close(dir);

    test_ok(store_staging_open(maker, "pull", &staging, &name, &e));
    test_ok(store_sweep(s, &e));
    assert_int_equal(test_entries(s, "tmp"), 1);
    store_close(maker); /* as if killed, but its worker lives and holds the directory */
    test_ok(store_sweep(s, &e));
    assert_int_equal(test_entries(s, "tmp"), 1);
    fd_close(staging);
    test_ok(store_sweep(s, &e));
    assert_int_equal(test_entries(s, "tmp"), 0);
    store_container_done(&c);
    store_close(s);
    test_root_free(root);
}

static void a_guard_ends_with_its_reason(void **state)
{
    char *root = test_root();
    struct store *s = test_open(root, STORE_WRITE), *other = test_open(root, STORE_WRITE);
    struct store_container c = test_container(1, 0);
    int staging, dir;
    auto_free char *name = NULL;
    struct err e = {0};

    (void)state;
    test_ok(store_container_dir(s, c.id, true, &dir, &e));
    fd_close(dir);
    test_ok(store_container_dir(s, c.id, true, &dir, &e)); /* twice is once */
    fd_close(dir);
    test_ok(store_staging_open(s, "load", &staging, &name, &e));
    test_ok(store_staging_remove(s, name, &e));
    fd_close(staging);
    test_ok(store_container_remove(s, c.id, &e)); /* it was given up before it had a row */
    plant(s, "layers/garbage");
    test_ok(store_sweep(other, &e)); /* s is open, and guards nothing */
    assert_int_equal(test_entries(s, "layers"), 0);
    store_container_done(&c);
    store_close(other);
    store_close(s);
    test_root_free(root);
}

/* ---- death and failure at every point ---- */
static const struct test_image old_image = {.config = 1, .layers = {1, 2}, .names = {"h.x/a:1"}};
static const struct test_image new_image = {.config = 2,
                                            .layers = {1, 3, 4},
                                            .present = {1},
                                            .names = {"h.x/a:1", "h.x/b:1"}};

static int do_commit(struct store *s, struct err *e)
{
    auto_fd int staging = FD_NONE;
    auto_free char *name = NULL;
    int r;

    if (store_staging_open(s, "pull", &staging, &name, e) < 0)
        return -1;
    fault_role("filling"); /* the worker's part is no concern of ours */
    test_fill_staging(staging, &new_image);
    fault_role("late");
    r = test_commit(s, staging, &new_image, e);
    return store_staging_remove(s, name, r < 0 ? NULL : e) < 0 ? -1 : r;
}

static int do_remove_image(struct store *s, struct err *e)
{
    return store_image_remove(s, test_hex(1).text, e);
}

static int do_create(struct store *s, struct err *e)
{
    return test_create(s, 5, 1, e);
}

static int do_remove_container(struct store *s, struct err *e)
{
    return store_container_remove(s, test_hex(4).text, e);
}

static int do_sweep(struct store *s, struct err *e)
{
    fault_role("filling");
    plant(s, "layers/garbage/deep");
    fault_role("late");
    return store_sweep(s, e);
}

static int do_nothing(struct store *s, struct err *e)
{
    (void)s;
    (void)e;
    return 0;
}

static const struct victim {
    const char *what;
    const char *role; /* "early" from the opening on; "late" once the act has said so */
    int (*act)(struct store *s, struct err *e);
    bool makes_store; /* there is none before */
    unsigned images_before, images_after, containers_before, containers_after;
} victims[] = {
    {"open", "early", do_nothing, true, 0, 0, 0, 0},
    {"staging", "early", do_commit, false, 1, 2, 1, 1},
    {"commit", "late", do_commit, false, 1, 2, 1, 1},
    {"remove image", "early", do_remove_image, false, 1, 0, 1, 1},
    {"create", "early", do_create, false, 1, 1, 1, 2},
    {"remove container", "early", do_remove_container, false, 1, 1, 1, 0},
    {"sweep", "late", do_sweep, false, 1, 1, 1, 1},
};

static void prepare(const struct victim *v, const char *root)
{
    struct store *s;
    struct err e = {0};

    if (v->makes_store)
        return;
    s = test_open(root, STORE_WRITE);
    test_ok(test_pull(s, &old_image, &e));
    test_ok(test_create(s, 4, 0, &e));
    store_close(s);
}

static void act(const struct victim *v, const char *root, const char *plan)
{
    struct store *s = NULL;
    struct err e = {0};
    int r;

    setenv("DHOW_FAULT", plan, 1);
    fault_role("early");
    r = store_open(root, STORE_WRITE, &s, &e);
    if (r == 0)
        r = v->act(s, &e);
    if (r < 0 && (e.kind == ERR_NONE || !*e.msg))
        _exit(3);
    store_close(s);
    _exit(r < 0);
}

static void check(const struct victim *v, const char *root, int status)
{
    struct store *s = test_open(root, STORE_WRITE);
    struct store_usage n = {0};
    struct err e = {0};
    bool done = WIFEXITED(status) && WEXITSTATUS(status) == 0;

    test_ok(store_count(s, &n, &e));
    test_consistent(s);
    if (n.n_images != v->images_after || n.n_containers != v->containers_after) {
        assert_false(done);
        assert_int_equal(n.n_images, v->images_before);
        assert_int_equal(n.n_containers, v->containers_before);
    }
    /* The operation can be done now, unless it was. */
    if (!done && n.n_images == v->images_before && n.n_containers == v->containers_before)
        test_ok(v->act(s, &e));
    test_consistent(s);
    store_close(s);
}

/* This process passes no fault point: the plan is read once, and each child needs its own. */
static int in_child(const struct victim *v, const char *root, const char *plan, int status_before)
{
    pid_t pid = fork();
    int status;

    if (pid == 0) {
        if (plan)
            act(v, root, plan);
        else if (status_before < 0)
            prepare(v, root);
        else
            check(v, root, status_before);
        _exit(0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return status;
}

static int strike(const struct victim *v, const char *plan)
{
    auto_free char *parent =
        alloc_printf("%s/dhow-store.%d.sweep", access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp",
                     (int)getpid());
    auto_free char *root = alloc_printf("%s/root", parent);
    int status;
    pid_t pid;

    assert_int_equal(in_child(v, root, NULL, -1), 0);
    status = in_child(v, root, plan, 0);
    if (in_child(v, root, NULL, status) != 0)
        fail_msg("%s, %s: the store is not consistent", v->what, plan);
    pid = fork();
    if (pid == 0)
        _exit(sys_remove_tree(AT_FDCWD, parent) < 0);
    waitpid(pid, NULL, 0);
    return status;
}

static void strike_everywhere(const struct victim *v)
{
    unsigned n;

    for (n = 1; n < 500; n++) {
        auto_free char *kill_plan = alloc_printf("kill:%s:%u", v->role, n);
        auto_free char *fail_plan = alloc_printf("fail:%s:%u:%d", v->role, n, ENOSPC);
        int status = strike(v, kill_plan);

        if (!WIFSIGNALED(status)) {
            assert_int_equal(status, 0);
            break;
        }
        assert_int_equal(WTERMSIG(status), SIGKILL);
        status = strike(v, fail_plan);
        assert_true(WIFEXITED(status) && WEXITSTATUS(status) <= 1);
    }
    printf("store, %s: %u fault points\n", v->what, n - 1);
    assert_true(n > 5 && n < 500);
}

static void death_and_failure_at_every_point_leave_a_consistent_store(void **state)
{
    (void)state;
#ifndef DHOW_FAULT
    printf("skipped: a build without fault points\n");
    (void)strike_everywhere;
    skip();
#endif
    for (size_t i = 0; i < ARRAY_LEN(victims); i++)
        strike_everywhere(&victims[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(death_and_failure_at_every_point_leave_a_consistent_store),
        cmocka_unit_test(garbage_goes_and_rows_stay),
        cmocka_unit_test(what_is_on_its_way_is_left_alone),
        cmocka_unit_test(a_guard_ends_with_its_reason),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
