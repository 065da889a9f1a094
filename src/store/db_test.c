/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "store/testing.h"

#include <sched.h>
#include <sqlite3.h>
#include <sys/mount.h>
#include <time.h>

static void write_raw(const char *root, const char *text)
{
    auto_free char *path = alloc_printf("%s/state.db", root);

    assert_int_equal(sys_mkdir_p(AT_FDCWD, root, 0700), 0);
    test_write(AT_FDCWD, path, text);
}

static void set_version(const char *root, const char *pragma)
{
    auto_free char *path = alloc_printf("%s/state.db", root);
    sqlite3 *db;

    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, pragma, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
}

static void reading_a_store_that_is_not_there_is_empty_and_makes_nothing(void **state)
{
    char *root = test_root();
    struct store *s = test_open(root, STORE_READ);
    struct store_usage n = {9, 9, 9};
    struct store_image i;
    struct store_container c;
    store_image_list images = {0};
    auto_strv present = NULL;
    char *ids[] = {test_digest(1).text, NULL};
    int fd;
    struct err e = {0};

    (void)state;
    test_ok(store_count(s, &n, &e));
    assert_int_equal(n.n_images + n.n_layers + n.n_containers, 0);
    test_ok(store_image_list_all(s, &images, &e));
    assert_int_equal(images.len, 0);
    assert_int_equal(store_image_find(s, "busybox", &i, &e), -1);
    assert_int_equal(e.kind, ERR_NOT_FOUND);
    assert_int_equal(store_container_find(s, "x", &c, &e), -1);
    assert_int_equal(e.kind, ERR_NOT_FOUND);
    test_ok(store_layers_present(s, ids, &present, &e));
    assert_null(present);
    assert_int_equal(store_container_dir(s, test_hex(1).text, false, &fd, &e), -1);
    assert_int_equal(e.kind, ERR_NOT_FOUND);
    assert_int_equal(store_image_untag(s, "x", &e), -1);
    assert_int_equal(e.kind, ERR_INTERNAL);
    store_close(s);
    assert_int_equal(access(root, F_OK), -1);
    test_root_free(root);
}

static void writing_makes_a_private_store_that_reopens(void **state)
{
    static const char *const dirs[] = {".", "blobs/sha256", "layers", "containers", "tmp"};
    char *root = test_root();
    struct store *s = test_open(root, STORE_WRITE);
    struct stat st;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(dirs); i++) {
        assert_int_equal(sys_lstat(store_root_fd(s), dirs[i], &st), 0);
        assert_int_equal(st.st_mode, S_IFDIR | 0700);
    }
    store_close(s);
    s = test_open(root, STORE_WRITE);
    test_consistent(s);
    store_close(s);
    s = test_open(root, STORE_READ);
    store_close(s);
    test_root_free(root);
}

static void a_bad_database_is_refused(void **state)
{
    static const struct {
        const char *raw;    /* the file's content, or */
        const char *pragma; /* done to a good one */
        enum err_kind kind;
        const char *says;
    } rows[] = {
        {"this is not a database, whatever its name says, and it is long enough to be looked at",
         NULL, ERR_IO, "damaged"},
        {NULL, "PRAGMA user_version=99", ERR_UNSUPPORTED, "newer dhow"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        for (int mode = STORE_READ; mode <= STORE_WRITE; mode++) {
            char *root = test_root();
            struct store *s = NULL;
            struct err e = {0};

            if (rows[i].raw)
                write_raw(root, rows[i].raw);
            else
                store_close(test_open(root, STORE_WRITE));
            if (rows[i].pragma)
                set_version(root, rows[i].pragma);
            assert_int_equal(store_open(root, (enum store_mode)mode, &s, &e), -1);
            assert_null(s);
            assert_int_equal(e.kind, rows[i].kind);
            assert_non_null(strstr(e.msg, rows[i].says));
            test_root_free(root);
        }
    }
}

static void a_half_made_database_is_finished(void **state)
{
    char *root = test_root();
    struct store *s;

    (void)state;
    write_raw(root, "");
    s = test_open(root, STORE_READ);
    store_close(s);
    s = test_open(root, STORE_WRITE);
    test_consistent(s);
    store_close(s);
    test_root_free(root);
}

/* Runs fn in a child that may not write to the store's files: as nobody when we are root. */
static int in_reader(int (*fn)(const char *root), const char *root)
{
    pid_t pid = fork();
    int status;

    if (pid == 0) {
        if (getuid() == 0 && setresuid(65534, 65534, 65534) < 0)
            _exit(99);
        _exit(fn(root));
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static int reader_finds_name1(const char *root)
{
    struct store *s;
    struct store_container c;
    struct err e = {0};

    if (store_open(root, STORE_READ, &s, &e) < 0 || store_container_find(s, "name1", &c, &e) < 0) {
        fprintf(stderr, "reader: %s\n", e.msg);
        return 1;
    }
    store_container_done(&c);
    store_close(s);
    return 0;
}

static void set_modes(const char *root, mode_t dir, mode_t file)
{
    static const char *const files[] = {"state.db", "state.db-wal", "state.db-shm"};

    for (size_t i = 0; i < ARRAY_LEN(files); i++) {
        auto_free char *path = alloc_printf("%s/%s", root, files[i]);

        (void)chmod(path, file);
    }
    assert_int_equal(chmod(root, dir), 0);
}

static void a_store_that_cannot_be_written_can_be_read(void **state)
{
    char *root = test_root();
    auto_free char *parent = alloc_strndup(root, (size_t)(strrchr(root, '/') - root));
    struct store *s = test_open(root, STORE_WRITE);
    struct err e = {0};

    (void)state;
    assert_int_equal(chmod(parent, 0755), 0);
    test_ok(test_create(s, 1, 0, &e));
    store_close(s);
    set_modes(root, 0555, 0444);
    assert_int_equal(in_reader(reader_finds_name1, root), 0); /* by a private index of the log */

    set_modes(root, 0755, 0644);
    set_version(root, "PRAGMA wal_checkpoint(TRUNCATE)"); /* closing it removes log and index */
    set_modes(root, 0555, 0444);
    assert_int_equal(in_reader(reader_finds_name1, root), 0); /* immutable */
    set_modes(root, 0755, 0644);
    test_root_free(root);
}

static void a_reader_does_not_wait_for_a_writer(void **state)
{
    char *root = test_root();
    struct store *s = test_open(root, STORE_WRITE), *reader;
    auto_free char *path = alloc_printf("%s/state.db", root);
    struct store_container c = {0};
    sqlite3 *writer;
    struct err e = {0};

    (void)state;
    test_ok(test_create(s, 1, 0, &e));
    assert_int_equal(sqlite3_open(path, &writer), SQLITE_OK);
    assert_int_equal(sqlite3_exec(writer,
                                  "BEGIN EXCLUSIVE; UPDATE containers SET name = 'uncommitted'",
                                  NULL, NULL, NULL),
                     SQLITE_OK);
    reader = test_open(root, STORE_READ); /* waiting would be for ever: the writer is this thread */
    test_ok(store_container_find(reader, "name1", &c, &e));
    store_container_done(&c);
    store_close(reader);
    sqlite3_close(writer);
    store_close(s);
    test_root_free(root);
}

static void the_log_stays_short(void **state)
{
    char *root = test_root();
    struct store *s;
    struct stat st;
    struct err e = {0};

    (void)state;
    for (unsigned i = 1; i <= 200; i++) {
        s = test_open(root, STORE_WRITE);
        test_ok(test_create(s, i, 0, &e));
        assert_int_equal(sys_lstat(store_root_fd(s), "state.db-wal", &st), 0);
        assert_true(st.st_size < 200 * 4200);
        store_close(s);
    }
    s = test_open(root, STORE_WRITE);
    test_consistent(s);
    store_close(s);
    test_root_free(root);
}

/* Several processes find nothing at once: all get a store, each row counts. */
static void concurrent_makers_and_writers_lose_nothing(void **state)
{
    enum { N_PROCESSES = 8, N_ROWS = 25 };
    char *root = test_root();
    struct store_usage n = {0};
    struct store *s;
    struct err e = {0};
    pid_t pids[N_PROCESSES];

    (void)state;
    for (unsigned p = 0; p < N_PROCESSES; p++) {
        pids[p] = fork();
        if (pids[p] == 0) {
            s = test_open(root, STORE_WRITE);
            for (unsigned i = 0; i < N_ROWS; i++)
                if (test_create(s, 1 + p * N_ROWS + i, 0, &e) < 0) {
                    fprintf(stderr, "writer: %s\n", e.msg);
                    _exit(1);
                }
            store_close(s);
            _exit(0);
        }
    }
    for (unsigned p = 0; p < N_PROCESSES; p++) {
        int status;

        assert_int_equal(waitpid(pids[p], &status, 0), pids[p]);
        assert_int_equal(status, 0);
    }
    s = test_open(root, STORE_WRITE);
    test_ok(store_count(s, &n, &e));
    assert_int_equal(n.n_containers, N_PROCESSES * N_ROWS);
    test_consistent(s);
    store_close(s);
    test_root_free(root);
}

/* A tmpfs of this size on `dir`, for this process only: as root, or as root of a user namespace. */
static bool mount_small(const char *dir, const char *options)
{
    uid_t uid = getuid();
    gid_t gid = getgid();
    auto_free char *uid_map = alloc_printf("0 %u 1", uid);
    auto_free char *gid_map = alloc_printf("0 %u 1", gid);

    if (unshare(uid ? CLONE_NEWUSER | CLONE_NEWNS : CLONE_NEWNS) < 0)
        return false;
    if (uid && (sys_write_existing(AT_FDCWD, "/proc/self/uid_map", uid_map) < 0 ||
                sys_write_existing(AT_FDCWD, "/proc/self/setgroups", "deny") < 0 ||
                sys_write_existing(AT_FDCWD, "/proc/self/gid_map", gid_map) < 0))
        return false;
    return mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
           mount("none", dir, "tmpfs", 0, options) == 0;
}

static void fill_disk(const char *dir)
{
    static const char zeros[4096];
    auto_free char *path = alloc_printf("%s/fill", dir);
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

    while (write(fd, zeros, sizeof(zeros)) > 0)
        continue;
    fd_close(fd);
}

static int on_a_full_disk(const char *dir)
{
    static const struct test_image image = {.config = 1, .layers = {1}, .names = {"h.x/a:1"}},
                                   more = {.config = 2, .layers = {2}, .names = {"h.x/b:1"}};
    auto_free char *root = alloc_printf("%s/root", dir);
    struct store *s = test_open(root, STORE_WRITE);
    struct store_container c = {0};
    auto_free char *name = NULL;
    int staging;
    struct err e = {0};

    test_ok(test_pull(s, &image, &e));
    test_ok(test_create(s, 1, 0, &e));
    test_ok(store_staging_open(s, "pull", &staging, &name, &e));
    test_fill_staging(staging, &more);
    store_close(s); /* the log is as it is between commands */
    fill_disk(dir);
    s = test_open(root, STORE_WRITE);
    for (unsigned i = 2; i < 100 && test_create(s, i, 0, &e) == 0; i++)
        continue; /* until what the files have left is used up */
    assert_int_equal(e.kind, ERR_LIMIT);
    assert_int_equal(e.errno_value, ENOSPC);
    assert_int_equal(test_commit(s, staging, &more, &e), -1);
    assert_int_equal(e.kind, ERR_LIMIT);
    test_ok(store_container_find(s, "name1", &c, &e)); /* reading goes on */
    store_container_done(&c);
    test_ok(store_container_remove(s, test_hex(1).text, &e));
    test_ok(store_image_remove(s, test_hex(1).text, &e));
    fd_close(staging);
    store_close(s);
    s = test_open(root, STORE_WRITE);
    test_consistent(s);
    test_ok(test_pull(s, &more, &e));
    store_close(s);
    return 0;
}

static void a_full_disk_is_told_and_can_be_emptied(void **state)
{
    char *root = test_root();
    auto_free char *dir = alloc_strndup(root, (size_t)(strrchr(root, '/') - root));
    pid_t pid = fork();
    int status;

    (void)state;
    if (pid == 0)
        _exit(mount_small(dir, "size=2m") ? on_a_full_disk(dir) : 77);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    test_root_free(root);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 77) {
        printf("skipped: no mount namespace may be made here\n");
        skip();
    }
    assert_int_equal(status, 0);
}

static double now_us(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

/* Prints, asserts no time. */
static void measure(const char *root, enum store_mode mode, const char *what)
{
    double best_open = 1e9, best_find = 1e9;
    struct err e = {0};

    for (int i = 0; i < 200; i++) {
        struct store_container c = {0};
        double t0 = now_us(), t1, t2;
        struct store *s = test_open(root, mode);

        t1 = now_us();
        test_ok(store_container_find(s, "name7", &c, &e));
        t2 = now_us();
        best_open = MIN(best_open, t1 - t0);
        best_find = MIN(best_find, t2 - t1);
        store_container_done(&c);
        store_close(s);
    }
    printf("store, %s: open %.0f us, first find %.0f us\n", what, best_open, best_find);
}

static void opening_is_measured(void **state)
{
    char *root = test_root();
    struct store *s = test_open(root, STORE_WRITE);
    struct err e = {0};

    (void)state;
    for (unsigned i = 1; i <= 20; i++)
        test_ok(test_create(s, i, 0, &e));
    store_close(s);
    measure(root, STORE_READ, "read, 20 containers");
    measure(root, STORE_WRITE, "write, 20 containers");
    s = test_open(root, STORE_WRITE);
    for (unsigned i = 21; i <= 1000; i++)
        test_ok(test_create(s, i, 0, &e));
    store_close(s);
    measure(root, STORE_READ, "read, 1000 containers");
    test_root_free(root);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reading_a_store_that_is_not_there_is_empty_and_makes_nothing),
        cmocka_unit_test(writing_makes_a_private_store_that_reopens),
        cmocka_unit_test(a_bad_database_is_refused),
        cmocka_unit_test(a_half_made_database_is_finished),
        cmocka_unit_test(a_store_that_cannot_be_written_can_be_read),
        cmocka_unit_test(a_reader_does_not_wait_for_a_writer),
        cmocka_unit_test(the_log_stays_short),
        cmocka_unit_test(concurrent_makers_and_writers_lose_nothing),
        cmocka_unit_test(a_full_disk_is_told_and_can_be_emptied),
        cmocka_unit_test(opening_is_measured),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
