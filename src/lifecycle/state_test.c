/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The directory of a container: what is read of what was written, what of what was damaged, what
 * the kernel makes of it. No container is made, no root is needed.
 */
#include "lifecycle/testing.h"

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
        ("{\"ociVersion\":\"1\",\"id\":\"c1\",\"bundle\":\"/\",\"rootfs\":\"/\",\"created\":\"\","
         "\"pid\":\"7\"}"),
        ("{\"ociVersion\":\"1\",\"id\":\"c1\",\"bundle\":\"/\",\"rootfs\":\"/\",\"created\":\"\","
         "\"pid\":1e99}"),
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
        ("{\"ociVersion\":\"1.0.0\",\"root\":{\"path\":\"r\"},\"process\":{\"cwd\":\"/\",\"args\":"
         "[\"true\"]}}"),
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
        TEST(a_root_that_is_no_directory_is_one_clear_error),
        TEST(roots_by_links_and_with_odd_names_are_fine),
    };

    return cmocka_run_group_tests(tests, make_place, remove_place);
}
