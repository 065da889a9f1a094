/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The lock of a container, between processes: who waits, who is killed for it, and that nobody
 * takes away what another makes. No container is made, no root is needed.
 */
#include "lifecycle/testing.h"

#include <sys/mman.h>

#include "base/units.h"
#include "lifecycle/lock.h"

static int lock_and_tell(void *context)
{
    int *pipe = context;
    auto_state_dir d = STATE_DIR_NONE;

    if (state_dir_open(&config, "c1", STATE_DIR_LOCK, &d, NULL) < 0)
        return 1;
    (void)!write(pipe[1], "x", 1);
    pause();
    return 0;
}

static pid_t begin_holder(void)
{
    int pair[2];
    char c;
    pid_t pid;

    assert_int_equal(pipe(pair), 0);
    pid = begin(lock_and_tell, pair);
    assert_int_equal(read(pair[0], &c, 1), 1);
    close(pair[0]);
    close(pair[1]);
    return pid;
}

static void a_holder_that_hangs_is_killed_for_who_seizes(void **state)
{
    auto_state_dir d = STATE_DIR_NONE;
    auto_state s = {0};
    struct err e = {0};
    pid_t holder;
    uint64_t start_ns;

    (void)state;
    plant("c1", &s);
    holder = begin_holder();
    kill(holder, SIGSTOP);
    start_ns = units_monotonic_ns();
    ok(state_dir_open(&config, "c1", STATE_DIR_LOCK | STATE_DIR_SEIZE, &d, &e), &e);
    assert_true(units_monotonic_ns() - start_ns >= LOCK_PATIENCE_MS * 1000000ull);
    assert_int_equal(end(holder), 128 + SIGKILL);
    ok(state_dir_remove(&d, &e), &e);
}

static void a_lock_that_we_hold_ourselves_kills_nobody(void **state)
{
    auto_state_dir d = STATE_DIR_NONE, again = STATE_DIR_NONE;
    auto_state s = {0};
    struct err e = {0};

    (void)state;
    plant("c1", &s);
    ok(state_dir_open(&config, "c1", STATE_DIR_LOCK, &d, &e), &e);
    assert_int_equal(state_dir_open(&config, "c1", STATE_DIR_LOCK | STATE_DIR_SEIZE, &again, &e),
                     -1);
    assert_error(&e, ERR_TIMEOUT, "container 'c1': ");
    ok(state_dir_remove(&d, &e), &e);
}

static int open_locked(void *context)
{
    auto_state_dir d = STATE_DIR_NONE;
    struct err e = {0};

    state_dir_close(context); /* a copy of the lock's descriptor has the lock */
    return state_dir_open(&config, "c1", STATE_DIR_LOCK, &d, &e) == 0 ? 0 : 10 + (int)e.kind;
}

/* `pid` sleeps in a lock, or is not there any more. */
static void await_sleep(pid_t pid)
{
    auto_free char *path = alloc_printf("/proc/%d/stat", (int)pid);

    for (int i = 0; i < 2000; i++) {
        auto_free char *text = NULL;

        if (sys_read_file(AT_FDCWD, path, 4096, &text, NULL) < 0 || strstr(text, ") S "))
            return;
        (void)poll(NULL, 0, 5);
    }
    fail_msg("process %d does not sleep", (int)pid);
}

static void who_waits_for_a_container_that_goes_finds_none(void **state)
{
    auto_state_dir d = STATE_DIR_NONE;
    auto_state s = {0};
    struct err e = {0};
    pid_t waiter;

    (void)state;
    plant("c1", &s);
    ok(state_dir_open(&config, "c1", STATE_DIR_LOCK, &d, &e), &e);
    waiter = begin(open_locked, &d);
    await_sleep(waiter);
    ok(state_dir_remove(&d, &e), &e);
    state_dir_close(&d);
    assert_int_equal(end(waiter), 10 + ERR_NOT_FOUND);
}

static int make_dir(void *context)
{
    auto_state_dir d = STATE_DIR_NONE;
    struct err e = {0};

    (void)context;
    return state_dir_make(&config, "c1", &d, &e) == 0 ? 0 : 10 + (int)e.kind;
}

static void one_of_many_makers_wins(void **state)
{
    pid_t pids[8];
    int winners = 0;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(pids); i++)
        pids[i] = begin(make_dir, NULL);
    for (size_t i = 0; i < ARRAY_LEN(pids); i++) {
        int code = end(pids[i]);

        winners += code == 0;
        assert_true(code == 0 || code == 10 + ERR_CONFLICT);
    }
    assert_int_equal(winners, 1);
    remove_state("c1");
}

/* Makers and forced deleters of one id, as fast as they can. Who has made it has it, with its name,
 * until it lets go; and in the end there is none. */
#define ROUNDS 60

static bool is_named(const struct state_dir *d)
{
    struct stat ours, there;

    return sys_stat(d->fd, "", &ours) == 0 && sys_lstat(d->root_fd, "c1", &there) == 0 &&
           ours.st_ino == there.st_ino;
}

static int make_many(void *context)
{
    unsigned *made = context;

    for (int i = 0; i < ROUNDS; i++) {
        auto_state_dir d = STATE_DIR_NONE;
        struct err e = {0};

        if (state_dir_make(&config, "c1", &d, &e) < 0) {
            if (e.kind != ERR_CONFLICT)
                return 1;
            continue;
        }
        __atomic_add_fetch(made, 1, __ATOMIC_RELAXED);
        if (!is_named(&d) || state_write_config(&d, CONFIG, strlen(CONFIG), &e) < 0 ||
            !is_named(&d))
            return 2;
        if (i % 2 && state_dir_remove(&d, &e) < 0)
            return 3;
    }
    return 0;
}

static int delete_many(void *context)
{
    (void)context;
    for (int i = 0; i < ROUNDS; i++) {
        struct err e = {0};

        if (lifecycle_delete(&config, "c1", LIFECYCLE_FORCE, &e) < 0) {
            print_error("delete: %s\n", e.msg);
            return 4;
        }
    }
    return 0;
}

static void nobody_removes_what_another_makes(void **state)
{
    unsigned *made =
        mmap(NULL, sizeof(*made), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    pid_t pids[6];
    struct err e = {0};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(pids); i++)
        pids[i] = begin(i % 2 ? delete_many : make_many, made);
    for (size_t i = 0; i < ARRAY_LEN(pids); i++)
        assert_int_equal(end(pids[i]), 0);
    assert_true(*made > 0);
    ok(lifecycle_delete(&config, "c1", LIFECYCLE_FORCE, &e), &e);
    assert_false(exists("c1", ""));
    munmap(made, sizeof(*made));
}

static int create_once(int i)
{
    auto_state_dir d = STATE_DIR_NONE;
    auto_state s = {0};
    int64_t pid;

    fill(&s, "c1");
    cgroup_id_done(&s.cgroup);
    pid = s.pid;
    s.pid = 0;
    if (state_dir_make(&config, "c1", &d, NULL) < 0 || state_write(&d, &s, NULL) < 0)
        return -1;
    (void)poll(NULL, 0, i % 2); /* to be seen */
    s.pid = pid;
    if (state_write(&d, &s, NULL) < 0)
        return -1;
    state_dir_close(&d);
    (void)poll(NULL, 0, i % 2);
    return state_dir_open(&config, "c1", STATE_DIR_LOCK, &d, NULL) < 0 ||
                   state_dir_remove(&d, NULL) < 0
               ? -1
               : 0;
}

/* Tells what came of it, and lives on: it is the container's process. */
static int create_many(void *context)
{
    int *report = context, r = 0;

    for (int i = 0; i < ROUNDS && r == 0; i++)
        r = create_once(i);
    (void)!write(report[1], &r, sizeof(r));
    pause();
    return 0;
}

/* Whoever looks sees a container on its way, one that runs, or none. */
static void a_creation_that_ends_while_one_looks_is_not_stopped(void **state)
{
    unsigned seen[LIFECYCLE_STOPPED + 1] = {0};
    struct pollfd p = {.events = POLLIN};
    int report[2], result;
    pid_t maker;

    (void)state;
    assert_int_equal(pipe(report), 0);
    p.fd = report[0];
    maker = begin(create_many, report);
    while (poll(&p, 1, 0) == 0) {
        auto_state s = {0};
        enum lifecycle_status now;
        struct err e = {0};

        if (lifecycle_get_state(&config, "c1", &s, &now, &e) == 0)
            seen[now]++;
        else
            assert_error(&e, ERR_NOT_FOUND, "container does not exist");
    }
    assert_int_equal(read(report[0], &result, sizeof(result)), sizeof(result));
    assert_int_equal(result, 0);
    kill(maker, SIGKILL);
    assert_int_equal(end(maker), 128 + SIGKILL);
    close(report[0]);
    close(report[1]);
    assert_int_equal(seen[LIFECYCLE_STOPPED], 0);
    assert_true(seen[LIFECYCLE_CREATING] + seen[LIFECYCLE_RUNNING] > 0);
}

#define TEST(name) cmocka_unit_test(name)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_holder_that_hangs_is_killed_for_who_seizes),
        TEST(a_lock_that_we_hold_ourselves_kills_nobody),
        TEST(who_waits_for_a_container_that_goes_finds_none),
        TEST(one_of_many_makers_wins),
        TEST(nobody_removes_what_another_makes),
        TEST(a_creation_that_ends_while_one_looks_is_not_stopped),
    };

    return cmocka_run_group_tests(tests, make_place, remove_place);
}
