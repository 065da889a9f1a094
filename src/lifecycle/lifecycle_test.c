/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Real containers through the interface, as root: a life, and what processes that work on the same
 * container at once do to each other. Each process that makes a container is a child of the test,
 * which takes over, and reaps, the containers' processes when their makers end.
 */
#include "runtime/testing.h"

#include <limits.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/units.h"
#include "lifecycle/lifecycle.h"
#include "lifecycle/lock.h"
#include "sys/socket.h"

#define GROUPS      "/dhow-lifecycle-test"
#define PATIENCE_MS 60000

static struct box box;
static char root[96], bundle[96];
static const struct lifecycle_config config = {.root = root};

static void ok(int r, const struct err *e)
{
    if (r < 0)
        fail_msg("%s: %s", err_kind_name(e->kind), e->msg);
}

static void assert_error(const struct err *e, enum err_kind kind, const char *part)
{
    if (e->kind != kind || !strstr(e->msg, part))
        fail_msg("it is %s: '%s', not %s: '%s'", err_kind_name(e->kind), e->msg,
                 err_kind_name(kind), part);
}

/* ---- bundles ---- */

/* config_NAME.json of the bundle: the container is named ID and runs `args`, a JSON array. */
static char *config_file(const char *id, const char *args, const char *members)
{
    auto_free char *group = alloc_printf("%s/%s", GROUPS, id);
    const struct request q = {.args = args, .cgroup = group, .plain_root = true};
    auto_free char *name = alloc_printf("config_%s.json", id);
    auto_free char *text = NULL;
    struct oci_spec spec = {0};

    spec_make(&box, &q, &spec);
    text = json_encode_text(&oci_spec_json, &spec);
    oci_spec_done(&spec);
    if (members) {
        auto_free char *whole = alloc_printf("%.*s,%s}", (int)strlen(text) - 1, text, members);

        free(take_ptr(&text));
        text = take_ptr(&whole);
    }
    assert_int_equal(sys_write_file_atomic(box.dir, name, text, strlen(text), 0644, 0), 0);
    return alloc_printf("%s/%s", bundle, name);
}

static int open_place(void **state)
{
    (void)state;
    if (geteuid() != 0 || access("/bin/busybox", X_OK) != 0)
        return 0; /* each test says so */
    box_open(&box);
    snprintf(bundle, sizeof(bundle), "%s", box.path);
    snprintf(root, sizeof(root), "%s/states", box.path);
    return prctl(PR_SET_CHILD_SUBREAPER, 1);
}

static void reap(void)
{
    while (waitpid(-1, NULL, WNOHANG) > 0)
        ;
}

static int close_place(void **state)
{
    (void)state;
    if (box.path[0])
        box_close(&box);
    return geteuid() == 0 ? runtime_remove(GROUPS, NULL) : 0;
}

static void assert_no_group(const char *id)
{
    auto_free char *path = alloc_printf("%s/%s", GROUPS, id);
    struct cgroup *g = NULL;
    struct err e = {0};

    if (cgroup_open(path, &g, &e) == 0)
        fail_msg("the group '%s' is left", path);
    assert_error(&e, ERR_NOT_FOUND, path);
}

/* No file, and no group of "c1". */
static void assert_nothing_left(void)
{
    auto_strv names = NULL;

    reap();
    if (sys_list_dir(AT_FDCWD, root, &names) == 0)
        assert_int_equal(strv_len(names), 0);
    assert_no_group("c1");
}

/* ---- one call in a process of its own ---- */

enum work { CREATE, START, KILL, DELETE, FORCE, LIFE };

struct call {
    enum work work;
    const char *id;
    const char *config_file;
    unsigned delay_us;
    struct err e; /* what it failed with */
};

static enum lifecycle_status status_of(const char *id)
{
    struct lifecycle_state s = {0};
    enum lifecycle_status status;
    struct err e = {0};

    ok(lifecycle_get_state(&config, id, &s, &status, &e), &e);
    lifecycle_state_done(&s);
    return status;
}

static bool is_status(const char *id, enum lifecycle_status wanted)
{
    struct lifecycle_state s = {0};
    enum lifecycle_status status;
    bool is = lifecycle_get_state(&config, id, &s, &status, NULL) == 0 && status == wanted;

    lifecycle_state_done(&s);
    return is;
}

static bool await_status(const char *id, enum lifecycle_status status)
{
    uint64_t end_ns = units_monotonic_ns() + PATIENCE_MS * 1000000ull;

    while (!is_status(id, status)) {
        if (units_monotonic_ns() > end_ns)
            return false;
        (void)poll(NULL, 0, 5);
    }
    return true;
}

static int create(const char *id, const char *file, struct err *e)
{
    const struct lifecycle_create_options o = {.id = id, .bundle = bundle, .config_file = file};
    struct lifecycle_process p = LIFECYCLE_PROCESS_NONE;
    int r = lifecycle_create(&config, &o, &p, e);

    lifecycle_process_done(&p);
    return r;
}

static int live(const char *id, const char *file, struct err *e)
{
    if (create(id, file, e) < 0 || lifecycle_start(&config, id, NULL, e) < 0 ||
        lifecycle_kill(&config, id, SIGKILL, 0, e) < 0)
        return -1;
    if (!await_status(id, LIFECYCLE_STOPPED))
        return err_set(e, ERR_TIMEOUT, "it does not stop");
    return lifecycle_delete(&config, id, 0, e);
}

static int work(struct call *c)
{
    (void)poll(NULL, 0, (int)(c->delay_us / 1000));
    switch (c->work) {
    case CREATE:
        return create(c->id, c->config_file, &c->e);
    case START:
        return lifecycle_start(&config, c->id, NULL, &c->e);
    case KILL:
        return lifecycle_kill(&config, c->id, SIGKILL, 0, &c->e);
    case DELETE:
        return lifecycle_delete(&config, c->id, 0, &c->e);
    case FORCE:
        return lifecycle_delete(&config, c->id, LIFECYCLE_FORCE, &c->e);
    case LIFE:
        return live(c->id, c->config_file, &c->e);
    }
    return -1;
}

struct worker {
    pid_t pid;
    int report;
};

/* What the container's process keeps open of its maker is /dev/null. */
static struct worker begin(struct call *c)
{
    int pair[2], null;
    struct worker w = {0};

    assert_int_equal(pipe2(pair, O_CLOEXEC), 0);
    w.pid = fork();
    assert_true(w.pid >= 0);
    if (w.pid == 0) {
        null = open("/dev/null", O_RDWR | O_CLOEXEC);
        for (int i = 0; i < 3; i++)
            dup2(null, i);
        if (work(c) == 0)
            _exit(0);
        (void)!write(pair[1], &c->e, sizeof(c->e));
        _exit(1);
    }
    close(pair[1]);
    w.report = pair[0];
    return w;
}

/* 0, or -1 and the call's error; -2 when it was killed. */
static int end(struct worker *w, struct err *ret)
{
    int status;

    *ret = (struct err){0};
    if (read(w->report, ret, sizeof(*ret)) < 0)
        fail_msg("the report of a worker");
    close(w->report);
    assert_int_equal(waitpid(w->pid, &status, 0), w->pid);
    if (WIFSIGNALED(status))
        return -2;
    return WEXITSTATUS(status) == 0 ? 0 : -1;
}

static void must(struct call c)
{
    struct worker w = begin(&c);
    struct err e;
    int r = end(&w, &e);

    ok(r, &e);
}

/* ---- a life ---- */

static void a_container_is_created_started_killed_and_deleted(void **state)
{
    auto_free char *file = NULL;
    struct err e = {0};

    (void)state;
    SKIP_WITHOUT_ROOT();
    file = config_file("c1", "[\"sleep\",\"1000\"]", NULL);
    must((struct call){.work = CREATE, .id = "c1", .config_file = file});
    assert_int_equal(status_of("c1"), LIFECYCLE_CREATED);
    ok(lifecycle_start(&config, "c1", NULL, &e), &e);
    assert_int_equal(status_of("c1"), LIFECYCLE_RUNNING);
    assert_int_equal(lifecycle_start(&config, "c1", NULL, &e), -1);
    assert_error(&e, ERR_BAD_STATE, "cannot start an already running container");
    assert_int_equal(lifecycle_delete(&config, "c1", 0, &e), -1);
    assert_error(&e, ERR_BAD_STATE, "is not stopped: running");
    ok(lifecycle_pause(&config, "c1", &e), &e);
    assert_int_equal(status_of("c1"), LIFECYCLE_PAUSED);
    ok(lifecycle_resume(&config, "c1", &e), &e);
    ok(lifecycle_kill(&config, "c1", SIGKILL, 0, &e), &e);
    assert_true(await_status("c1", LIFECYCLE_STOPPED));
    assert_int_equal(lifecycle_kill(&config, "c1", SIGKILL, 0, &e), -1);
    assert_error(&e, ERR_BAD_STATE, "container not running");
    ok(lifecycle_delete(&config, "c1", 0, &e), &e);
    assert_int_equal(lifecycle_delete(&config, "c1", 0, &e), -1);
    assert_error(&e, ERR_NOT_FOUND, "container does not exist");
    assert_nothing_left();
}

static pid_t pid_of(const char *id)
{
    struct lifecycle_state s = {0};
    enum lifecycle_status status;
    struct err e = {0};
    pid_t pid;

    ok(lifecycle_get_state(&config, id, &s, &status, &e), &e);
    pid = (pid_t)s.pid;
    lifecycle_state_done(&s);
    return pid;
}

static void by_force_it_goes_from_every_state(void **state)
{
    auto_free char *file = NULL;
    struct err e = {0};

    (void)state;
    SKIP_WITHOUT_ROOT();
    file = config_file("c1", "[\"sleep\",\"1000\"]", NULL);
    for (int i = LIFECYCLE_CREATED; i <= LIFECYCLE_STOPPED; i++) {
        must((struct call){.work = CREATE, .id = "c1", .config_file = file});
        if (i != LIFECYCLE_CREATED)
            ok(lifecycle_start(&config, "c1", NULL, &e), &e);
        if (i == LIFECYCLE_PAUSED)
            ok(lifecycle_pause(&config, "c1", &e), &e);
        if (i == LIFECYCLE_STOPPED)
            ok(lifecycle_kill(&config, "c1", SIGKILL, 0, &e), &e);
        assert_true(await_status("c1", (enum lifecycle_status)i));
        ok(lifecycle_delete(&config, "c1", LIFECYCLE_FORCE, &e), &e);
        assert_nothing_left();
    }
}

static void a_first_process_that_dies_while_it_waits_is_stopped(void **state)
{
    auto_free char *file = NULL;
    struct err e = {0};

    (void)state;
    SKIP_WITHOUT_ROOT();
    file = config_file("c1", "[\"sleep\",\"1000\"]", NULL);
    must((struct call){.work = CREATE, .id = "c1", .config_file = file});
    assert_int_equal(kill(pid_of("c1"), SIGKILL), 0);
    assert_true(await_status("c1", LIFECYCLE_STOPPED));
    assert_int_equal(lifecycle_start(&config, "c1", NULL, &e), -1);
    assert_error(&e, ERR_BAD_STATE, "cannot start a container that has stopped");
    ok(lifecycle_delete(&config, "c1", 0, &e), &e);
    assert_nothing_left();
}

static void a_starter_that_dies_leaves_a_container_that_waits(void **state)
{
    auto_free char *file = NULL, *dir = NULL;
    auto_fd int dirfd = FD_NONE;
    struct err e = {0};

    (void)state;
    SKIP_WITHOUT_ROOT();
    file = config_file("c1", "[\"sleep\",\"1000\"]", NULL);
    dir = alloc_printf("%s/c1", root);
    must((struct call){.work = CREATE, .id = "c1", .config_file = file});
    dirfd = sys_open(AT_FDCWD, dir, O_PATH | O_DIRECTORY, 0);
    for (int i = 0; i < 20; i++) { /* more than the socket's queue */
        int fd = sys_connect_at(dirfd, "start.sock");

        assert_true(fd >= 0);
        if (i % 2)
            (void)!write(fd, "nonsense", 8);
        close(fd);
    }
    assert_int_equal(status_of("c1"), LIFECYCLE_CREATED);
    ok(lifecycle_start(&config, "c1", NULL, &e), &e);
    ok(lifecycle_delete(&config, "c1", LIFECYCLE_FORCE, &e), &e);
    assert_nothing_left();
}

/* T-21626: nothing of the host, and nothing of the creator's. */
static void a_first_process_that_waits_has_no_door_to_the_host(void **state)
{
    auto_free char *file = NULL, *path = NULL, *waiting = NULL;
    auto_strv fds = NULL;
    int held;

    (void)state;
    SKIP_WITHOUT_ROOT();
    held = open("/", O_RDONLY | O_DIRECTORY); /* as a caller that forgot to close it */
    file = config_file("c1", "[\"sleep\",\"1000\"]", NULL);
    waiting = alloc_printf("%s/c1/waiting", root);
    must((struct call){.work = CREATE, .id = "c1", .config_file = file});
    path = alloc_printf("/proc/%d/fd", (int)pid_of("c1"));
    assert_int_equal(sys_list_dir(AT_FDCWD, path, &fds), 0);
    assert_true(strv_len(fds) > 3);
    STRV_FOREACH (fd, fds) {
        auto_free char *link = alloc_printf("%s/%s", path, *fd);
        char target[PATH_MAX], info[32];
        struct stat st, host;

        assert_true(sys_readlink(AT_FDCWD, link, target, sizeof(target)) >= 0);
        snprintf(info, sizeof(info), "%s", *fd);
        if (strcmp(target, waiting) == 0 || strncmp(target, "socket:", 7) == 0 ||
            strncmp(target, "/memfd:", 7) == 0 || strcmp(target, "/dev/null") == 0)
            continue;
        assert_int_equal(sys_stat(AT_FDCWD, link, &st), 0);
        assert_int_equal(sys_stat(AT_FDCWD, "/", &host), 0);
        if (S_ISDIR(st.st_mode) && st.st_dev == host.st_dev && st.st_ino == host.st_ino)
            fail_msg("descriptor %s is the host's root", info);
        if (!S_ISDIR(st.st_mode) || strcmp(target, "/") != 0)
            fail_msg("descriptor %s is '%s'", info, target);
    }
    close(held);
    must((struct call){.work = FORCE, .id = "c1"});
    assert_nothing_left();
}

/* ---- creations that fail ---- */

static void a_creation_that_fails_leaves_nothing(void **state)
{
    static const struct {
        const char *args, *members;
        struct lifecycle_process_io io;
        const char *part;
    } rows[] = {
        {"[\"no-such-command\"]", NULL, {0}, "executable file not found in $PATH"},
        {"[\"/etc/passwd\"]", NULL, {0}, "permission denied"},
        {"[\"true\"]",
         "\"hooks\":{\"createRuntime\":[{\"path\":\"/bin/false\"}]}",
         {0},
         "error running hook #0 of createRuntime"},
        {"[\"true\"]", NULL, {.pid_file = "/no/such/directory/pid"}, "write the pid file"},
        {"[\"true\"]", NULL, {.pidfd_socket = "/no/such/socket"}, "send a descriptor to"},
        {"[\"true\"]", NULL, {.console_socket = "/no/such/socket"}, "cannot use console socket"},
        {"[\"true\"]", NULL, {.preserve_fds = 900}, "preserve descriptor"},
    };

    (void)state;
    SKIP_WITHOUT_ROOT();
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        auto_free char *file = config_file("c1", rows[i].args, rows[i].members);
        struct lifecycle_create_options o = {.id = "c1",
                                             .bundle = bundle,
                                             .config_file = file,
                                             .io = rows[i].io};
        struct lifecycle_process p = LIFECYCLE_PROCESS_NONE;
        struct err e = {0};

        if (lifecycle_create(&config, &o, &p, &e) == 0)
            fail_msg("row %zu: it was created", i);
        if (!strstr(e.msg, rows[i].part))
            fail_msg("row %zu: '%s' has no '%s'", i, e.msg, rows[i].part);
        assert_nothing_left();
    }
}

static void a_console_socket_that_nobody_listens_on_leaves_nothing(void **state)
{
    auto_free char *file = NULL, *path = NULL;
    struct lifecycle_process p = LIFECYCLE_PROCESS_NONE;
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    struct err e = {0};
    int fd;

    (void)state;
    SKIP_WITHOUT_ROOT();
    file = config_file("c1", "[\"true\"]", NULL);
    {
        auto_free char *text = NULL;
        auto_free char *changed = NULL;
        char *at;

        assert_int_equal(sys_read_file(AT_FDCWD, file, 1u << 20, &text, NULL), 0);
        at = strstr(text, "\"process\":{");
        assert_non_null(at);
        changed = alloc_printf("%.*s\"process\":{\"terminal\":true,%s", (int)(at - text), text,
                               at + strlen("\"process\":{"));
        assert_int_equal(sys_write_file_atomic(AT_FDCWD, file, changed, strlen(changed), 0644, 0),
                         0);
    }
    path = alloc_printf("%s/console", box.path);
    snprintf(a.sun_path, sizeof(a.sun_path), "%s", path);
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
    struct lifecycle_create_options o = {.id = "c1",
                                         .bundle = bundle,
                                         .config_file = file,
                                         .io = {.console_socket = path}};
    assert_int_equal(lifecycle_create(&config, &o, &p, &e), -1);
    assert_error(&e, ERR_IO, "console");
    close(fd);
    assert_int_equal(unlink(path), 0);
    assert_nothing_left();
}

/* ---- at once ---- */

static void one_of_two_creations_of_an_id_wins(void **state)
{
    auto_free char *file = NULL;
    struct err e = {0};

    (void)state;
    SKIP_WITHOUT_ROOT();
    file = config_file("c1", "[\"sleep\",\"1000\"]", NULL);
    for (int i = 0; i < 10; i++) {
        struct call c = {.work = CREATE, .id = "c1", .config_file = file};
        struct worker w[3];
        int winners = 0;

        for (size_t k = 0; k < ARRAY_LEN(w); k++)
            w[k] = begin(&c);
        for (size_t k = 0; k < ARRAY_LEN(w); k++) {
            if (end(&w[k], &e) == 0)
                winners++;
            else
                assert_error(&e, ERR_CONFLICT, "container with given ID already exists");
        }
        assert_int_equal(winners, 1);
        assert_int_equal(status_of("c1"), LIFECYCLE_CREATED);
        ok(lifecycle_delete(&config, "c1", LIFECYCLE_FORCE, &e), &e);
        assert_nothing_left();
    }
}

static void one_of_two_starts_wins(void **state)
{
    auto_free char *file = NULL;
    struct err e = {0};

    (void)state;
    SKIP_WITHOUT_ROOT();
    file = config_file("c1", "[\"sleep\",\"1000\"]", NULL);
    for (int i = 0; i < 10; i++) {
        struct call c = {.work = START, .id = "c1"};
        struct worker w[3];
        int winners = 0;

        must((struct call){.work = CREATE, .id = "c1", .config_file = file});
        for (size_t k = 0; k < ARRAY_LEN(w); k++)
            w[k] = begin(&c);
        for (size_t k = 0; k < ARRAY_LEN(w); k++) {
            if (end(&w[k], &e) == 0)
                winners++;
            else
                assert_error(&e, ERR_BAD_STATE, "cannot start an already running container");
        }
        assert_int_equal(winners, 1);
        ok(lifecycle_delete(&config, "c1", LIFECYCLE_FORCE, &e), &e);
    }
    assert_nothing_left();
}

static void a_deletion_beside_a_start_changes_nothing(void **state)
{
    auto_free char *file = NULL;

    (void)state;
    SKIP_WITHOUT_ROOT();
    file = config_file("c1", "[\"sleep\",\"1000\"]", NULL);
    for (int i = 0; i < 20; i++) {
        struct call start = {.work = START, .id = "c1"};
        struct call delete = {.work = i % 4 < 2 ? DELETE : FORCE, .id = "c1"};
        struct worker s, d;
        struct err se, de, e;
        int started, deleted;

        must((struct call){.work = CREATE, .id = "c1", .config_file = file});
        s = begin(i % 2 ? &start : &delete);
        d = begin(i % 2 ? &delete : &start);
        started = end(i % 2 ? &s : &d, &se);
        deleted = end(i % 2 ? &d : &s, &de);
        if (delete.work == FORCE) {
            ok(deleted, &de);
            if (started < 0)
                assert_error(&se, ERR_NOT_FOUND, "container does not exist");
        } else {
            ok(started, &se);
            assert_int_equal(deleted, -1);
            assert_error(&de, ERR_BAD_STATE, "is not stopped: ");
            ok(lifecycle_delete(&config, "c1", LIFECYCLE_FORCE, &e), &e);
        }
        assert_nothing_left();
    }
}

static void a_forced_deletion_waits_for_a_creation(void **state)
{
    auto_free char *file = NULL;
    struct err e = {0};

    (void)state;
    SKIP_WITHOUT_ROOT();
    file = config_file("c1", "[\"sleep\",\"1000\"]", NULL);
    for (unsigned i = 0; i < 20; i++) {
        struct call make = {.work = CREATE, .id = "c1", .config_file = file};
        struct call drop = {.work = FORCE, .id = "c1", .delay_us = i * 500};
        struct worker m = begin(&make), d = begin(&drop);
        struct err me, de;
        int made = end(&m, &me), dropped = end(&d, &de);

        ok(made, &me);
        ok(dropped, &de);
        /* it came before the creation, or after it */
        if (!is_status("c1", LIFECYCLE_CREATED))
            assert_nothing_left();
        ok(lifecycle_delete(&config, "c1", LIFECYCLE_FORCE, &e), &e);
        assert_nothing_left();
    }
}

static void a_killed_creation_is_deleted_by_force(void **state)
{
    auto_free char *file = NULL;
    struct err e = {0};

    (void)state;
    SKIP_WITHOUT_ROOT();
    file = config_file("c1", "[\"sleep\",\"1000\"]", NULL);
    for (int i = 0; i < 40; i++) {
        struct call make = {.work = CREATE, .id = "c1", .config_file = file};
        struct worker m = begin(&make);
        struct timespec nap = {.tv_nsec = i * 250000l};

        nanosleep(&nap, NULL);
        kill(m.pid, SIGKILL);
        (void)end(&m, &e);
        ok(lifecycle_delete(&config, "c1", LIFECYCLE_FORCE, &e), &e);
        assert_nothing_left();
    }
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1); /* no first process outlived its creator */
    assert_int_equal(errno, ECHILD);
}

/* The hook says who it is and hangs; the deletion does not wait for ever. */
static void a_creation_that_hangs_in_a_hook_is_killed_by_a_forced_deletion(void **state)
{
    auto_free char *file = NULL, *hook = NULL, *members = NULL, *text = NULL;
    struct call make = {.work = CREATE, .id = "c1"};
    struct err e = {0};
    struct worker m;
    uint64_t pid;

    (void)state;
    SKIP_WITHOUT_ROOT();
    hook = alloc_printf("%s/hook.pid", box.path);
    members = alloc_printf(
        "\"hooks\":{\"createRuntime\":[{\"path\":\"/bin/busybox\",\"args\":[\"sh\",\"-c\",\""
        "echo $$ >%s.new; mv %s.new %s; exec sleep 1000\"],\"env\":[\"PATH=/bin:/usr/bin\"]}]}",
        hook, hook, hook);
    make.config_file = file = config_file("c1", "[\"sleep\",\"1000\"]", members);
    m = begin(&make);
    for (int i = 0; i < 4000 && access(hook, F_OK) != 0; i++)
        (void)poll(NULL, 0, 5);
    assert_int_equal(status_of("c1"), LIFECYCLE_CREATING);
    ok(lifecycle_delete(&config, "c1", LIFECYCLE_FORCE, &e), &e);
    assert_int_equal(end(&m, &e), -2);
    assert_int_equal(sys_read_file(AT_FDCWD, hook, 64, &text, NULL), 0);
    text[strcspn(text, "\n")] = 0;
    assert_int_equal(str_to_u64(text, INT32_MAX, &pid), 0);
    for (int i = 0; i < 4000 && kill((pid_t)pid, 0) == 0; i++) {
        reap();
        (void)poll(NULL, 0, 5);
    }
    assert_int_equal(kill((pid_t)pid, 0), -1); /* it died with its caller */
    assert_int_equal(unlink(hook), 0);
    assert_nothing_left();
}

static void twenty_at_once_live_and_go(void **state)
{
    struct call calls[20];
    struct worker w[ARRAY_LEN(calls)];
    char *files[ARRAY_LEN(calls)], *ids[ARRAY_LEN(calls)];

    (void)state;
    SKIP_WITHOUT_ROOT();
    for (size_t i = 0; i < ARRAY_LEN(calls); i++) {
        ids[i] = alloc_printf("c%zu", i);
        files[i] = config_file(ids[i], "[\"sleep\",\"1000\"]", NULL);
        calls[i] = (struct call){.work = LIFE, .id = ids[i], .config_file = files[i]};
    }
    for (size_t i = 0; i < ARRAY_LEN(calls); i++)
        w[i] = begin(&calls[i]);
    for (size_t i = 0; i < ARRAY_LEN(calls); i++) {
        struct err e;
        int r = end(&w[i], &e);

        ok(r, &e);
        assert_no_group(ids[i]);
        free(ids[i]);
        free(files[i]);
    }
    assert_nothing_left();
}

#define TEST(name) cmocka_unit_test(name)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_container_is_created_started_killed_and_deleted),
        TEST(by_force_it_goes_from_every_state),
        TEST(a_first_process_that_dies_while_it_waits_is_stopped),
        TEST(a_starter_that_dies_leaves_a_container_that_waits),
        TEST(a_first_process_that_waits_has_no_door_to_the_host),
        TEST(a_creation_that_fails_leaves_nothing),
        TEST(a_console_socket_that_nobody_listens_on_leaves_nothing),
        TEST(one_of_two_creations_of_an_id_wins),
        TEST(one_of_two_starts_wins),
        TEST(a_deletion_beside_a_start_changes_nothing),
        TEST(a_forced_deletion_waits_for_a_creation),
        TEST(a_killed_creation_is_deleted_by_force),
        TEST(a_creation_that_hangs_in_a_hook_is_killed_by_a_forced_deletion),
        TEST(twenty_at_once_live_and_go),
    };

    return cmocka_run_group_tests(tests, open_place, close_place);
}
