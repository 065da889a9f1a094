/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The directory of a container: what is read of what was written, what of what was damaged, what
 * the kernel makes of it; and its lock, between processes. No container is made, no root is needed.
 */
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fault.h"
#include "base/str.h"
#include "base/strv.h"
#include "base/units.h"
#include "lifecycle/lock.h"
#include "lifecycle/state.h"
#include "sys/file.h"
#include "sys/process.h"

#define CONFIG                                                                                     \
    "{\"ociVersion\":\"1.0.0\",\"root\":{\"path\":\"r\"},\"process\":{\"cwd\":\"/\",\"args\":"     \
    "[\"true\"]},\"linux\":{}}"

static char place[64];
static struct lifecycle_config config = {.root = place};

static int make_place(void **state)
{
    (void)state;
    snprintf(place, sizeof(place), "/dev/shm/dhow-lifecycle-XXXXXX");
    return mkdtemp(place) ? 0 : -1;
}

static int remove_place(void **state)
{
    (void)state;
    return sys_remove_tree(AT_FDCWD, place);
}

static void ok(int r, const struct err *e)
{
    if (r < 0)
        fail_msg("%s: %s", err_kind_name(e->kind), e->msg);
}

static void assert_error(const struct err *e, enum err_kind kind, const char *part)
{
    assert_string_equal(err_kind_name(e->kind), err_kind_name(kind));
    if (!strstr(e->msg, part))
        fail_msg("'%s' is not in '%s'", part, e->msg);
}

/* A state with something in each field. */
static void fill(struct lifecycle_state *s, const char *id)
{
    struct cgroup_place group = {alloc_strdup("unified"), alloc_strdup("/a/b"), CGROUP_HOLD_MADE};
    char boot[37];

    assert_int_equal(sys_boot_id(boot), 0);
    *s = (struct lifecycle_state){
        .oci_version = alloc_strdup("1.2.0"),
        .id = alloc_strdup(id),
        .bundle = alloc_strdup("/a bundle/with \"quotes\"\nand lines"),
        .rootfs = alloc_strdup("/root\xc3\xa9"),
        .created = alloc_strdup("2026-01-02T03:04:05.000000006Z"),
        .owner = 4294967294u,
        .cgroup = {.manager = CGROUP_MANAGER_CGROUPFS, .path = alloc_strdup("/a/b")},
        .pid = getpid(),
        .boot_id = alloc_strdup(boot),
    };
    assert_int_equal(sys_process_start_time(getpid(), &s->start_ticks), 0);
    strv_add(&s->annotations, "key=a=b");
    vec_push(&s->cgroup.places, group);
}

/* A container without a group, that nobody has killed yet. */
static void plant(const char *id, struct lifecycle_state *s)
{
    auto_state_dir d = STATE_DIR_NONE;
    struct err e = {0};

    fill(s, id);
    cgroup_id_done(&s->cgroup);
    ok(state_dir_make(&config, id, &d, &e), &e);
    ok(state_write_config(&d, CONFIG, strlen(CONFIG), &e), &e);
    ok(state_write(&d, s, &e), &e);
}

static void write_file(const char *id, const char *name, const char *text, size_t len)
{
    auto_free char *path = alloc_printf("%s/%s/%s", place, id, name);

    assert_int_equal(sys_write_file_atomic(AT_FDCWD, path, text, len, 0600, 0), 0);
}

static bool exists(const char *id, const char *name)
{
    auto_free char *path = alloc_printf("%s/%s/%s", place, id, name);
    struct stat st;

    return sys_lstat(AT_FDCWD, path, &st) == 0;
}

static void remove_state(const char *id)
{
    auto_state_dir d = STATE_DIR_NONE;
    struct err e = {0};

    ok(state_dir_open(&config, id, STATE_DIR_LOCK, &d, &e), &e);
    ok(state_dir_remove(&d, &e), &e);
    assert_false(exists(id, ""));
}

static enum lifecycle_status status_of(const char *id, const struct lifecycle_state *s)
{
    auto_state_dir d = STATE_DIR_NONE;
    enum lifecycle_status status;
    struct err e = {0};

    ok(state_dir_open(&config, id, 0, &d, &e), &e);
    ok(state_status(&d, s, &status, &e), &e);
    return status;
}

/* ---- what is written ---- */

static void a_state_is_read_as_it_was_written(void **state)
{
    auto_state_dir d = STATE_DIR_NONE;
    auto_state s = {0}, got = {0};
    struct stat st;
    struct err e = {0};

    (void)state;
    fill(&s, "c1");
    ok(state_dir_make(&config, "c1", &d, &e), &e);
    assert_int_equal(sys_stat(d.fd, "", &st), 0);
    assert_int_equal(st.st_mode & 0777, 0700);
    ok(state_write(&d, &s, &e), &e);
    ok(state_read(&d, &got, &e), &e);
    assert_string_equal(got.id, "c1");
    assert_string_equal(got.bundle, s.bundle);
    assert_string_equal(got.rootfs, s.rootfs);
    assert_string_equal(got.created, s.created);
    assert_string_equal(got.annotations[0], "key=a=b");
    assert_int_equal(got.owner, s.owner);
    assert_int_equal(got.pid, s.pid);
    assert_int_equal(got.start_ticks, s.start_ticks);
    assert_string_equal(got.boot_id, s.boot_id);
    assert_int_equal(got.cgroup.places.len, 1);
    assert_string_equal(got.cgroup.places.items[0].path, "/a/b");
    assert_int_equal(got.cgroup.places.items[0].hold, CGROUP_HOLD_MADE);
    ok(state_dir_remove(&d, &e), &e);
    assert_false(exists("c1", ""));
}

static void only_one_component_of_a_path_is_an_id(void **state)
{
    static const char *const good[] = {"a", "A-b_c+d.9", "...", "-", "+"};
    static const char *const bad[] = {"",    ".",    "..",   "a/b", "/a", "a b",
                                      "a\n", "\xff", "a\tb", "~",   "a:b"};
    char text[300];
    struct err e = {0};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(good); i++)
        assert_int_equal(state_check_id(good[i], NULL), 0);
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        assert_int_equal(state_check_id(bad[i], &e), -1);
        assert_int_equal(e.kind, ERR_INVALID);
    }
    assert_int_equal(state_check_id(NULL, NULL), -1);
    memset(text, 'x', sizeof(text));
    text[255] = 0;
    assert_int_equal(state_check_id(text, NULL), 0);
    text[255] = 'x';
    text[256] = 0;
    assert_int_equal(state_check_id(text, NULL), -1);
}

/* ---- what is damaged ---- */

/* No call believes it, none removes it: its process may be alive. */
static void assert_damaged(const char *id, const char *part)
{
    auto_state s = {0};
    enum lifecycle_status status;
    struct err e = {0};

    assert_int_equal(lifecycle_get_state(&config, id, &s, &status, &e), -1);
    assert_error(&e, ERR_INVALID, part);
    assert_int_equal(lifecycle_start(&config, id, NULL, &e), -1);
    assert_int_equal(lifecycle_delete(&config, id, 0, &e), -1);
    assert_int_equal(lifecycle_delete(&config, id, LIFECYCLE_FORCE, &e), -1);
    assert_error(&e, ERR_INVALID, part);
    assert_true(exists(id, "state.json"));
}

static void a_damaged_state_is_an_error_that_names_it(void **state)
{
    static const char *const texts[] = {
        "",
        "{",
        "null",
        "[]",
        "{}",
        "{\"id\":\"c1\"}",
        "\xff\xfe",
        /* runc's */
        "{\"id\":\"c1\",\"init_process_pid\":1,\"config\":{},\"rootless\":false}",
        "{\"ociVersion\":\"1\",\"id\":\"c1\",\"bundle\":\"/\",\"rootfs\":\"/\",\"created\":\"\","
        "\"pid\":\"7\"}",
        "{\"ociVersion\":\"1\",\"id\":\"c1\",\"bundle\":\"/\",\"rootfs\":\"/\",\"created\":\"\","
        "\"pid\":1e99}",
    };
    auto_state s = {0};

    (void)state;
    plant("c1", &s);
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        write_file("c1", "state.json", texts[i], strlen(texts[i]));
        assert_damaged("c1", "state.json of container 'c1'");
    }
    remove_state("c1");
}

static void a_cut_state_is_a_damaged_one_wherever_it_was_cut(void **state)
{
    auto_state s = {0};
    auto_free char *path = alloc_printf("%s/c1/state.json", place);
    auto_free char *text = NULL;
    size_t len;

    (void)state;
    plant("c1", &s);
    assert_int_equal(sys_read_file(AT_FDCWD, path, 1u << 20, &text, &len), 0);
    for (size_t i = 0; i < len; i++) {
        write_file("c1", "state.json", text, i);
        assert_damaged("c1", "state.json of container 'c1'");
    }
    remove_state("c1");
}

static void a_state_of_another_container_is_not_believed(void **state)
{
    auto_state s = {0};

    (void)state;
    plant("c1", &s);
    free(s.id);
    s.id = alloc_strdup("c2");
    auto_free char *text = NULL;
    {
        auto_state_dir d = STATE_DIR_NONE;
        struct err e = {0};

        ok(state_dir_open(&config, "c1", STATE_DIR_LOCK, &d, &e), &e);
        ok(state_write(&d, &s, &e), &e);
    }
    assert_damaged("c1", "state.json of container 'c1' is that of 'c2'");
    remove_state("c1");
}

static void a_damaged_config_stops_no_deletion(void **state)
{
    static const char *const texts[] = {
        "",
        "{",
        "{\"ociVersion\":\"1.0.0\"}",
        "{\"ociVersion\":\"1.0.0\",\"root\":{\"path\":\"r\"},\"linux\":{}}",
        "{\"ociVersion\":\"1.0.0\",\"root\":{\"path\":\"r\"},\"process\":{\"cwd\":\"/\",\"args\":"
        "[\"true\"]}}",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        auto_state s = {0};
        struct oci_process p = {0};
        struct err e = {0};

        plant("c1", &s);
        write_file("c1", "config.json", texts[i], strlen(texts[i]));
        assert_int_equal(lifecycle_exec_process(&config, "c1", &p, &e), -1);
        assert_error(&e, ERR_INVALID, "config.json of container 'c1'");
        s.pid = 0;
        {
            auto_state_dir d = STATE_DIR_NONE;

            ok(state_dir_open(&config, "c1", STATE_DIR_LOCK, &d, &e), &e);
            ok(state_write(&d, &s, &e), &e);
        }
        ok(lifecycle_delete(&config, "c1", 0, &e), &e);
        assert_false(exists("c1", ""));
    }
}

static void a_directory_without_a_state_is_no_container(void **state)
{
    static const char *const files[] = {NULL, "lock", "config.json", "state.json.tmp.77"};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(files); i++) {
        auto_free char *dir = alloc_printf("%s/c1", place);
        auto_strv ids = NULL;
        auto_state s = {0};
        enum lifecycle_status status;
        struct lifecycle_process p = LIFECYCLE_PROCESS_NONE;
        struct err e = {0};

        assert_int_equal(sys_mkdir(AT_FDCWD, dir, 0700), 0);
        if (files[i])
            write_file("c1", files[i], "", 0);
        ok(lifecycle_list(&config, &ids, &e), &e);
        assert_int_equal(strv_len(ids), 0);
        assert_int_equal(lifecycle_get_state(&config, "c1", &s, &status, &e), -1);
        assert_error(&e, ERR_NOT_FOUND, "container does not exist: 'c1'");
        assert_int_equal(lifecycle_start(&config, "c1", NULL, &e), -1);
        assert_error(&e, ERR_NOT_FOUND, "container does not exist: 'c1'");
        assert_int_equal(lifecycle_delete(&config, "c1", 0, &e), -1);
        assert_error(&e, ERR_NOT_FOUND, "container does not exist: 'c1'");
        lifecycle_process_done(&p);
        ok(lifecycle_delete(&config, "c1", LIFECYCLE_FORCE, &e), &e);
        ok(lifecycle_delete(&config, "c1", LIFECYCLE_FORCE, &e), &e);
        assert_false(exists("c1", ""));
    }
}

static void what_is_no_directory_is_no_container(void **state)
{
    auto_free char *file = alloc_printf("%s/file", place);
    auto_free char *link = alloc_printf("%s/link", place);
    struct err e = {0};

    (void)state;
    assert_int_equal(sys_write_file_atomic(AT_FDCWD, file, "", 0, 0600, 0), 0);
    assert_int_equal(sys_symlink("/", AT_FDCWD, link), 0);
    for (int i = 0; i < 2; i++) {
        const char *id = i ? "link" : "file";
        auto_state_dir d = STATE_DIR_NONE;

        assert_int_equal(lifecycle_delete(&config, id, 0, &e), -1);
        assert_error(&e, ERR_NOT_FOUND, "container does not exist");
        assert_int_equal(state_dir_make(&config, id, &d, &e), -1);
        assert_error(&e, ERR_CONFLICT, "container with given ID already exists");
        assert_true(exists(id, "") || i == 0);
    }
    assert_int_equal(sys_unlink(AT_FDCWD, file), 0);
    assert_int_equal(sys_unlink(AT_FDCWD, link), 0);
}

/* ---- what the kernel says ---- */

static void only_the_process_of_this_boot_and_start_time_is_alive(void **state)
{
    static const struct {
        int64_t pid_plus;
        uint64_t ticks_plus;
        const char *boot_id; /* NULL: this one */
        bool has_pid;
        enum lifecycle_status status;
    } rows[] = {
        {.has_pid = true, .status = LIFECYCLE_RUNNING},
        {.status = LIFECYCLE_STOPPED}, /* a creation that was killed */
        {.has_pid = true, .ticks_plus = 1, .status = LIFECYCLE_STOPPED},
        {.has_pid = true, .pid_plus = 1 << 23, .status = LIFECYCLE_STOPPED},
        {.has_pid = true, .pid_plus = -(1 << 23), .status = LIFECYCLE_STOPPED},
        {.has_pid = true,
         .boot_id = "01234567-0123-0123-0123-012345678901",
         .status = LIFECYCLE_STOPPED},
        {.has_pid = true, .boot_id = "", .status = LIFECYCLE_STOPPED},
    };
    auto_state s = {0};

    (void)state;
    plant("c1", &s);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct lifecycle_state now = s;

        now.pid = rows[i].has_pid ? s.pid + rows[i].pid_plus : 0;
        now.start_ticks += rows[i].ticks_plus;
        if (rows[i].boot_id)
            now.boot_id = (char *)(uintptr_t)rows[i].boot_id;
        assert_int_equal(status_of("c1", &now), rows[i].status);
    }
    s.boot_id[0] ^= 1;
    assert_int_equal(status_of("c1", &s), LIFECYCLE_STOPPED);
    remove_state("c1");
}

static void a_zombie_is_stopped(void **state)
{
    auto_state s = {0};
    pid_t pid = fork();
    siginfo_t si;

    (void)state;
    if (pid == 0)
        pause();
    plant("c1", &s);
    s.pid = pid;
    assert_int_equal(sys_process_start_time(pid, &s.start_ticks), 0);
    assert_int_equal(status_of("c1", &s), LIFECYCLE_RUNNING);
    kill(pid, SIGKILL);
    assert_int_equal(waitid(P_PID, (id_t)pid, &si, WEXITED | WNOWAIT), 0);
    assert_int_equal(status_of("c1", &s), LIFECYCLE_STOPPED);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    assert_int_equal(status_of("c1", &s), LIFECYCLE_STOPPED);
    remove_state("c1");
}

static void locks_tell_creating_and_created(void **state)
{
    auto_state_dir d = STATE_DIR_NONE;
    auto_state s = {0};
    auto_fd int waiting = FD_NONE;
    enum lifecycle_status status;
    struct err e = {0};

    (void)state;
    plant("c1", &s);
    ok(state_dir_open(&config, "c1", STATE_DIR_LOCK, &d, &e), &e);
    waiting = sys_open(d.fd, STATE_WAITING, O_RDWR | O_CREAT, 0600);
    assert_int_equal(status_of("c1", &s), LIFECYCLE_RUNNING); /* there, but not locked */
    assert_int_equal(sys_try_lock(waiting, SYS_LOCK_EXCLUSIVE), 0);
    assert_int_equal(status_of("c1", &s), LIFECYCLE_CREATED);
    s.pid = 0;
    assert_int_equal(status_of("c1", &s), LIFECYCLE_CREATING);
    ok(state_status(&d, &s, &status, &e), &e);
    assert_int_equal(status, LIFECYCLE_STOPPED); /* who has the lock creates it, or nobody does */
    ok(state_dir_remove(&d, &e), &e);
}

/* ---- the lock, between processes ---- */

/* Runs in a child; its exit code is what it returns. */
static pid_t begin(int (*run)(void *context), void *context)
{
    pid_t pid = fork();

    assert_true(pid >= 0);
    if (pid == 0)
        _exit(run(context));
    return pid;
}

static int end(pid_t pid)
{
    int status;

    assert_int_equal(waitpid(pid, &status, 0), pid);
    return sys_exit_code_of_status(status);
}

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
#define ROUNDS 300

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
    for (int i = 0; i < ROUNDS; i++)
        if (lifecycle_delete(&config, "c1", LIFECYCLE_FORCE, NULL) < 0)
            return 4;
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

static int create_many(void *context)
{
    (void)context;
    for (int i = 0; i < ROUNDS; i++) {
        auto_state_dir d = STATE_DIR_NONE;
        auto_state s = {0};
        pid_t pid = getpid();

        fill(&s, "c1");
        cgroup_id_done(&s.cgroup);
        s.pid = 0;
        if (state_dir_make(&config, "c1", &d, NULL) < 0 || state_write(&d, &s, NULL) < 0)
            return 1;
        (void)poll(NULL, 0, i % 2); /* to be seen */
        s.pid = pid;
        if (state_write(&d, &s, NULL) < 0)
            return 2;
        state_dir_close(&d);
        (void)poll(NULL, 0, i % 2);
        if (state_dir_open(&config, "c1", STATE_DIR_LOCK, &d, NULL) < 0 ||
            state_dir_remove(&d, NULL) < 0)
            return 3;
    }
    return 0;
}

/* Whoever looks sees a container on its way, one that runs, or none. */
static void a_creation_that_ends_while_one_looks_is_not_stopped(void **state)
{
    pid_t maker = begin(create_many, NULL);
    unsigned seen[LIFECYCLE_STOPPED + 1] = {0};
    int status;

    (void)state;
    while (waitpid(maker, &status, WNOHANG) == 0) {
        auto_state s = {0};
        enum lifecycle_status now;
        struct err e = {0};

        if (lifecycle_get_state(&config, "c1", &s, &now, &e) == 0)
            seen[now]++;
        else
            assert_error(&e, ERR_NOT_FOUND, "container does not exist");
    }
    assert_int_equal(status, 0);
    assert_int_equal(seen[LIFECYCLE_STOPPED], 0);
    assert_true(seen[LIFECYCLE_CREATING] + seen[LIFECYCLE_RUNNING] > 0);
}

/* ---- a root that cannot be written to ---- */

static void a_root_that_is_no_directory_is_one_clear_error(void **state)
{
    auto_free char *file = alloc_printf("%s/root", place);
    auto_free char *below = alloc_printf("%s/below", file);
    auto_free char *link = alloc_printf("%s/link", place);
    const char *const roots[] = {file, below, link};
    auto_strv ids = NULL;
    struct err e = {0};

    (void)state;
    assert_int_equal(sys_write_file_atomic(AT_FDCWD, file, "", 0, 0600, 0), 0);
    assert_int_equal(sys_symlink("/nowhere/at/all", AT_FDCWD, link), 0);
    for (size_t i = 0; i < ARRAY_LEN(roots); i++) {
        struct lifecycle_config c = {.root = roots[i]};
        auto_state_dir d = STATE_DIR_NONE;

        assert_int_equal(state_dir_make(&c, "c1", &d, &e), -1);
        assert_error(&e, e.kind, roots[i]);
        assert_int_equal(lifecycle_delete(&c, "c1", 0, &e), -1);
        assert_error(&e, ERR_NOT_FOUND, "does not exist");
    }
    config.root = "/nowhere/at/all";
    ok(lifecycle_list(&config, &ids, &e), &e);
    assert_null(ids);
    config.root = place;
    assert_int_equal(sys_unlink(AT_FDCWD, file), 0);
    assert_int_equal(sys_unlink(AT_FDCWD, link), 0);
}

static void roots_by_links_and_with_odd_names_are_fine(void **state)
{
    auto_free char *odd = alloc_printf("%s/a b\n\"c\"/../a b\n\"c\"//d/", place);
    auto_free char *top = alloc_printf("%s/a b\n\"c\"", place);
    auto_free char *link = alloc_printf("%s/link", place);
    struct lifecycle_config c = {.root = odd};
    auto_state_dir d = STATE_DIR_NONE, by_link = STATE_DIR_NONE;
    struct err e = {0};

    (void)state;
    ok(sys_mkdir(AT_FDCWD, top, 0700), &e);
    ok(state_dir_make(&c, "c1", &d, &e), &e);
    assert_int_equal(sys_symlink(odd, AT_FDCWD, link), 0);
    c.root = link;
    ok(state_dir_open(&c, "c1", 0, &by_link, &e), &e);
    ok(state_dir_remove(&d, &e), &e);
    assert_int_equal(sys_unlink(AT_FDCWD, link), 0);
    assert_int_equal(sys_remove_tree(AT_FDCWD, top), 0);
}

#define TEST(name) cmocka_unit_test(name)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_state_is_read_as_it_was_written),
        TEST(only_one_component_of_a_path_is_an_id),
        TEST(a_damaged_state_is_an_error_that_names_it),
        TEST(a_cut_state_is_a_damaged_one_wherever_it_was_cut),
        TEST(a_state_of_another_container_is_not_believed),
        TEST(a_damaged_config_stops_no_deletion),
        TEST(a_directory_without_a_state_is_no_container),
        TEST(what_is_no_directory_is_no_container),
        TEST(only_the_process_of_this_boot_and_start_time_is_alive),
        TEST(a_zombie_is_stopped),
        TEST(locks_tell_creating_and_created),
        TEST(a_holder_that_hangs_is_killed_for_who_seizes),
        TEST(a_lock_that_we_hold_ourselves_kills_nobody),
        TEST(who_waits_for_a_container_that_goes_finds_none),
        TEST(one_of_many_makers_wins),
        TEST(nobody_removes_what_another_makes),
        TEST(a_creation_that_ends_while_one_looks_is_not_stopped),
        TEST(a_root_that_is_no_directory_is_one_clear_error),
        TEST(roots_by_links_and_with_odd_names_are_fine),
    };

    return cmocka_run_group_tests(tests, make_place, remove_place);
}
