/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The systemd manager with the real systemd where it runs (as root), else with a small one of our
 * own: it listens at systemd's private socket in a mount namespace with a /run of ours, makes the
 * groups of a scope and writes down what it was asked for. What it cannot show (that systemd
 * understands the properties) is for the machines with the real one.
 */
#include "cgroup/testing.h"

#include <sched.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <systemd/sd-bus.h>

#include "cgroup/unit.h"

#define MANAGER   "org.freedesktop.systemd1.Manager"
#define PATH      "/org/freedesktop/systemd1"
#define NOTEBOOK  "/run/systemd/notebook"
#define SOCKET    "/run/systemd/private"
#define FAKE_NAME "dhowtest"

/* The fake */

static void note(const char *fmt, ...) DHOW_PRINTF(1, 2);
static void note(const char *fmt, ...)
{
    FILE *f = fopen(NOTEBOOK, "ae");
    va_list ap;

    va_start(ap, fmt);
    vfprintf(f, fmt, ap);
    va_end(ap);
    fputc('\n', f);
    fclose(f);
}

static bool is_managed(const struct cgroup_mount *m)
{
    return m->is_v2 || m->controllers & (CGROUP_BIT(CGROUP_SYSTEMD) | CGROUP_BIT(CGROUP_MEMORY) |
                                         CGROUP_BIT(CGROUP_PIDS));
}

/* The group of a unit in each hierarchy; all units are in one slice. */
static char *unit_dir(const struct cgroup_mount *m, const char *unit)
{
    return alloc_printf("%s/%s.slice/%s", m->point, FAKE_NAME, unit);
}

static void make_unit(const char *unit, uint32_t pid)
{
    DHOW_CLEANUP(cgroup_mounts_done) struct cgroup_mounts m;
    auto_free char *text = alloc_printf("%u", pid);

    assert_int_equal(cgroup_mounts_read(&m, NULL), 0);
    for (size_t i = 0; i < m.n; i++) {
        auto_free char *dir = unit_dir(&m.items[i], unit);
        auto_free char *procs = alloc_printf("%s/cgroup.procs", dir);

        if (!is_managed(&m.items[i]))
            continue;
        assert_int_equal(sys_mkdir_p(AT_FDCWD, dir, 0755), 0);
        assert_int_equal(sys_write_existing(AT_FDCWD, procs, text), 0);
    }
}

static void note_property(sd_bus_message *m, const char *unit, uint32_t *ret_pid)
{
    const char *name, *type, *text;
    uint64_t t;
    uint32_t u;
    int b, i;

    assert_true(sd_bus_message_read(m, "s", &name) > 0);
    assert_true(sd_bus_message_peek_type(m, NULL, &type) > 0);
    assert_true(sd_bus_message_enter_container(m, 'v', type) > 0);
    if (strcmp(type, "s") == 0 && sd_bus_message_read(m, "s", &text) > 0)
        note("%s %s='%s'", unit, name, text);
    else if (strcmp(type, "b") == 0 && sd_bus_message_read(m, "b", &b) > 0)
        note("%s %s=%d", unit, name, b);
    else if (strcmp(type, "i") == 0 && sd_bus_message_read(m, "i", &i) > 0)
        note("%s %s=%d", unit, name, i);
    else if (strcmp(type, "t") == 0 && sd_bus_message_read(m, "t", &t) > 0)
        note("%s %s=%llu", unit, name, (unsigned long long)t);
    else if (strcmp(type, "au") == 0 && sd_bus_message_read(m, "au", 1, &u) > 0)
        *ret_pid = u;
    else {
        note("%s %s:%s", unit, name, type);
        sd_bus_message_skip(m, type);
    }
    assert_true(sd_bus_message_exit_container(m) > 0);
}

static uint32_t note_properties(sd_bus_message *m, const char *unit)
{
    uint32_t pid = 0;

    assert_true(sd_bus_message_enter_container(m, 'a', "(sv)") > 0);
    while (sd_bus_message_enter_container(m, 'r', "sv") > 0) {
        note_property(m, unit, &pid);
        assert_true(sd_bus_message_exit_container(m) > 0);
    }
    assert_true(sd_bus_message_exit_container(m) > 0);
    return pid;
}

/* The signal first: a client must not miss it when it comes before the answer. */
static int finish_job(sd_bus_message *m, const char *unit, const char *result)
{
    static uint32_t id;
    auto_free char *path = alloc_printf(PATH "/job/%u", ++id);

    assert_true(sd_bus_emit_signal(sd_bus_message_get_bus(m), PATH, MANAGER, "JobRemoved", "uoss",
                                   id + 1000, PATH "/job/0", "other.scope", "failed") >= 0);
    assert_true(sd_bus_emit_signal(sd_bus_message_get_bus(m), PATH, MANAGER, "JobRemoved", "uoss",
                                   id, path, unit, result) >= 0);
    return sd_bus_reply_method_return(m, "o", path);
}

static int on_start(sd_bus_message *m, void *data, sd_bus_error *error)
{
    const char *unit, *mode;
    uint32_t pid;

    (void)data;
    assert_true(sd_bus_message_read(m, "ss", &unit, &mode) > 0);
    note("start %s %s", unit, mode);
    if (strstr(unit, "taken"))
        return sd_bus_error_set(error, "org.freedesktop.systemd1.UnitExists",
                                "Unit already exists.");
    pid = note_properties(m, unit);
    if (strstr(unit, "fails"))
        return finish_job(m, unit, "failed");
    make_unit(unit, pid);
    return finish_job(m, unit, "done");
}

static int on_stop(sd_bus_message *m, void *data, sd_bus_error *error)
{
    const char *unit, *mode;

    (void)data;
    (void)error;
    assert_true(sd_bus_message_read(m, "ss", &unit, &mode) > 0);
    note("stop %s", unit);
    return finish_job(m, unit, "done");
}

static int on_reset(sd_bus_message *m, void *data, sd_bus_error *error)
{
    const char *unit;

    (void)data;
    assert_true(sd_bus_message_read(m, "s", &unit) > 0);
    note("reset %s", unit);
    return sd_bus_error_set(error, "org.freedesktop.systemd1.NoSuchUnit", "Unit is not loaded.");
}

static int on_set(sd_bus_message *m, void *data, sd_bus_error *error)
{
    const char *unit;
    int runtime;

    (void)data;
    (void)error;
    assert_true(sd_bus_message_read(m, "sb", &unit, &runtime) > 0);
    note("set %s %d", unit, runtime);
    note_properties(m, unit);
    return sd_bus_reply_method_return(m, "");
}

static int on_attach(sd_bus_message *m, void *data, sd_bus_error *error)
{
    const char *unit, *below;
    uint32_t pid;

    (void)data;
    (void)error;
    assert_true(sd_bus_message_read(m, "ssau", &unit, &below, 1, &pid) > 0);
    note("attach %s '%s'", unit, below);
    make_unit(unit, pid);
    return sd_bus_reply_method_return(m, "");
}

static int get_version(sd_bus *bus, const char *path, const char *interface, const char *property,
                       sd_bus_message *reply, void *data, sd_bus_error *error)
{
    (void)bus, (void)path, (void)interface, (void)property, (void)data, (void)error;
    return sd_bus_message_append(reply, "s", "252.38-1~deb12u1");
}

static const sd_bus_vtable manager_vtable[] = {
    SD_BUS_VTABLE_START(0),
    SD_BUS_METHOD("StartTransientUnit", "ssa(sv)a(sa(sv))", "o", on_start,
                  SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD("StopUnit", "ss", "o", on_stop, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD("ResetFailedUnit", "s", "", on_reset, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD("AttachProcessesToUnit", "ssau", "", on_attach, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD("SetUnitProperties", "sba(sv)", "", on_set, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_PROPERTY("Version", "s", get_version, 0, 0),
    SD_BUS_SIGNAL("JobRemoved", "uoss", 0),
    SD_BUS_VTABLE_END,
};

static void serve(int fd)
{
    sd_id128_t id = {.bytes = {1}};
    sd_bus *bus = NULL;

    assert_true(sd_bus_new(&bus) >= 0);
    assert_true(sd_bus_set_fd(bus, fd, fd) >= 0);
    assert_true(sd_bus_set_server(bus, 1, id) >= 0);
    assert_true(sd_bus_add_object_vtable(bus, NULL, PATH, MANAGER, manager_vtable, NULL) >= 0);
    assert_true(sd_bus_start(bus) >= 0);
    for (int r = 0; r >= 0;) {
        r = sd_bus_process(bus, NULL);
        if (r == 0)
            r = sd_bus_wait(bus, UINT64_MAX);
    }
    sd_bus_close_unref(bus);
}

static pid_t fake_pid;

static void start_fake(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = SOCKET};
    int fd;

    if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
        mount("tmpfs", "/run", "tmpfs", 0, "mode=755") < 0 ||
        sys_mkdir_p(AT_FDCWD, "/run/systemd/system", 0755) < 0)
        return;
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(listen(fd, 5), 0);
    fake_pid = fork();
    if (fake_pid == 0) {
        for (;;) {
            int connection = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

            if (connection >= 0)
                serve(connection);
        }
    }
    close(fd);
}

static void remove_slice(void)
{
    DHOW_CLEANUP(cgroup_mounts_done) struct cgroup_mounts m = {0};

    if (cgroup_mounts_read(&m, NULL) < 0)
        return;
    for (size_t i = 0; i < m.n; i++) {
        auto_free char *dir = alloc_printf("%s/%s.slice", m.items[i].point, FAKE_NAME);

        (void)rmdir(dir);
    }
}

static int stop_fake(void **state)
{
    (void)state;
    if (fake_pid > 0) {
        kill(fake_pid, SIGKILL);
        waitpid(fake_pid, NULL, 0);
        remove_slice();
    }
    return 0;
}

static bool can_use_systemd(void)
{
    if (geteuid() != 0 || cgroup_detect() == CGROUP_NONE) {
        print_message("needs root and mounted control groups\n");
        return false;
    }
    if (fake_pid == 0 && !sys_systemd_is_running())
        start_fake();
    if (!sys_systemd_is_running())
        print_message("needs systemd, or a mount namespace of its own for a small one\n");
    return sys_systemd_is_running();
}

/* With the fake: was this line written? */
static void expect_note(const char *unit, const char *what)
{
    auto_free char *text = NULL;
    auto_free char *line = alloc_printf("%s%s%s", *unit ? unit : "", *unit ? " " : "", what);
    auto_strv lines = NULL;
    size_t n;

    if (fake_pid == 0)
        return;
    assert_int_equal(sys_read_file(AT_FDCWD, NOTEBOOK, 1 << 20, &text, &n), 0);
    lines = strv_split(text, '\n');
    if (!strv_has(lines, line))
        fail_msg("'%s' is not in: %s", line, text);
}

/* The tests */

static struct cgroup_request request(const char *path, const struct oci_resources *r)
{
    return (struct cgroup_request){.path = path,
                                   .id = "x",
                                   .manager = CGROUP_MANAGER_SYSTEMD,
                                   .flags = CGROUP_OCI | CGROUP_JOIN_EXISTING,
                                   .resources = r};
}

static char *test_path(const char *name)
{
    return alloc_printf("%s.slice:dhow:test-%d-%s", FAKE_NAME, (int)getpid(), name);
}

static int wait_for_ever(void)
{
    for (;;)
        pause();
    return 0;
}

static void expect_in_group(const struct cgroup *g, pid_t pid, size_t n)
{
    auto_free pid_t *pids = NULL;
    size_t found;

    assert_int_equal(cgroup_pids(g, &pids, &found, NULL), 0);
    assert_int_equal(found, n);
    for (size_t i = 0; i < found; i++)
        if (pids[i] == pid)
            return;
    fail_msg("process %d is not in the group", (int)pid);
}

static void expect_pids_max(const struct cgroup *g, const char *want)
{
    auto_free char *text = NULL;
    size_t n;

    if (sys_read_file(cgroup_limit_fd(g, CGROUP_PIDS), "pids.max", 100, &text, &n) < 0)
        return; /* a v2 tree without the controller */
    text[strcspn(text, "\n")] = 0;
    assert_string_equal(text, want);
}

static bool has_pids_controller(void)
{
    DHOW_CLEANUP(cgroup_mounts_done) struct cgroup_mounts m = {0};
    auto_free char *text = NULL;
    size_t n;

    assert_int_equal(cgroup_mounts_read(&m, NULL), 0);
    if (m.mode != CGROUP_V2)
        return cgroup_mounts_v1(&m) & CGROUP_BIT(CGROUP_PIDS);
    return sys_read_file(AT_FDCWD, "/sys/fs/cgroup/cgroup.controllers", 4096, &text, &n) == 0 &&
           cgroup_controllers_parse_v2(text) & CGROUP_BIT(CGROUP_PIDS);
}

static void a_container_is_a_scope(void **state)
{
    auto_free char *path = test_path("life");
    auto_free char *unit = alloc_printf("dhow-test-%d-life.scope", (int)getpid());
    auto_free char *stop = alloc_printf("stop %s", unit);
    auto_free char *set = alloc_printf("set %s 1", unit);
    char *annotations[] = {(char *)(uintptr_t) "org.systemd.property.TimeoutStopSec=1",
                           (char *)(uintptr_t) "other=2", NULL};
    struct oci_pids pids = {{true, 1}};
    struct oci_cpu cpu = {.shares = {true, 512}};
    struct oci_resources r = {.pids = &pids}, more = {.pids = &pids, .cpu = &cpu};
    struct cgroup_request q = request(path, has_pids_controller() ? &r : NULL);
    DHOW_CLEANUP(cgroup_auto) struct cgroup *g = NULL, *again = NULL;
    DHOW_CLEANUP(cgroup_id_done) struct cgroup_id id = {0};
    struct err e = {0};
    pid_t pid;

    (void)state;
    if (!can_use_systemd())
        skip();
    q.annotations = annotations;
    if (cgroup_create(&q, &g, NULL, &e) < 0)
        fail_msg("%s", e.msg);
    assert_true(str_ends_with(cgroup_path(g), unit));
    expect_note(unit, "Slice='" FAKE_NAME ".slice'");
    expect_note(unit, "Delegate=1");
    expect_note(unit, "DefaultDependencies=0");
    expect_note(unit, "TimeoutStopUSec=1000000");
    expect_note(unit, "MemoryAccounting=1");
    /* the holder is in, and one more may be: the limit is the container's when it is gone */
    expect_in_group(g, g->holder.pid, 1);
    pid = run_inside(g, wait_for_ever);
    expect_in_group(g, pid, 2);
    if (q.resources)
        expect_pids_max(g, "2");
    if (cgroup_settle(g, &e) < 0)
        fail_msg("%s", e.msg);
    expect_in_group(g, pid, 1);
    if (q.resources) {
        expect_note(unit, "TasksMax=1");
        expect_pids_max(g, "1");
        pids.limit.value = 7;
        if (!has_pids_controller() || cgroup_update(g, &more, CGROUP_OCI, NULL, &e) < 0)
            fail_msg("%s", e.msg);
        expect_note("", set);
        expect_note(unit, "TasksMax=7");
        expect_pids_max(g, "7");
    }
    cgroup_id_of(g, &id);
    assert_string_equal(id.unit, unit);
    if (cgroup_open_id(&id, &again, &e) < 0)
        fail_msg("%s", e.msg);
    if (cgroup_remove_id(&id, &e) < 0)
        fail_msg("%s", e.msg);
    assert_int_equal(WTERMSIG(wait_status(pid)), SIGKILL);
    expect_note("", stop);
    cgroup_free(take_ptr(&again));
    assert_int_equal(cgroup_open_id(&id, &again, &e), -1);
    assert_int_equal(e.kind, ERR_NOT_FOUND);
    if (cgroup_remove_id(&id, &e) < 0) /* again: there is none */
        fail_msg("%s", e.msg);
}

static void systemd_moves_a_process_that_we_may_not(void **state)
{
    auto_free char *path = test_path("moved");
    auto_free char *unit = alloc_printf("dhow-test-%d-moved.scope", (int)getpid());
    auto_free char *attach = alloc_printf("attach %s ''", unit);
    struct cgroup_request q = request(path, NULL);
    DHOW_CLEANUP(cgroup_auto) struct cgroup *g = NULL;
    DHOW_CLEANUP(cgroup_id_done) struct cgroup_id id = {0};
    struct err e = {0};
    pid_t pid;

    (void)state;
    if (!can_use_systemd())
        skip();
    if (cgroup_create(&q, &g, NULL, &e) < 0)
        fail_msg("%s", e.msg);
    pid = fork();
    if (pid == 0)
        _exit(wait_for_ever());
    if (cgroup_systemd_attach(g, cgroup_path(g), pid, &e) < 0)
        fail_msg("%s", e.msg);
    expect_note("", attach);
    expect_in_group(g, pid, 2);
    cgroup_id_of(g, &id);
    if (cgroup_remove_id(&id, &e) < 0)
        fail_msg("%s", e.msg);
    assert_int_equal(WTERMSIG(wait_status(pid)), SIGKILL);
}

static void a_creation_that_fails_leaves_nothing(void **state)
{
    auto_free char *path = test_path("refused");
    struct oci_rdma rdma[] = {{(char *)(uintptr_t) "mlx0", {true, 1}, {true, 1}}};
    struct oci_resources r = {.rdma = {rdma, 1, 1}};
    struct cgroup_request q = request(path, &r);
    DHOW_CLEANUP(cgroup_auto) struct cgroup *g = NULL;
    DHOW_CLEANUP(cgroup_id_done) struct cgroup_id id = {0};
    struct err e = {0};
    bool is_gone = false;

    (void)state;
    if (!can_use_systemd())
        skip();
    if (cgroup_locate(&q, &g, NULL, &e) < 0)
        fail_msg("%s", e.msg);
    cgroup_id_of(g, &id);
    if (cgroup_make(g, &q, NULL, &e) == 0) {
        assert_int_equal(cgroup_settle(g, NULL), 0);
        cgroup_id_done(&id);
        cgroup_id_of(g, &id);
        assert_int_equal(cgroup_remove_id(&id, NULL), 0);
        print_message("needs a kernel without an RDMA controller\n");
        skip();
    }
    assert_int_equal(g->holder.pidfd, FD_NONE);
    /* systemd looks after its own when a scope is empty */
    for (int i = 0; i < 500 && !is_gone; i++) {
        DHOW_CLEANUP(cgroup_auto) struct cgroup *found = NULL;

        is_gone = cgroup_open_id(&id, &found, NULL) < 0;
        if (!is_gone)
            cgroup_sleep_ms(10);
    }
    assert_true(is_gone);
}

static void errors_name_the_unit(void **state)
{
    static const struct {
        const char *name, *want;
    } rows[] = {{"taken", "Unit already exists"}, {"fails", "the job's result is 'failed'"}};
    struct err e = {0};
    struct cgroup *g = NULL;
    struct cgroup_request q = request("/not/systemds", NULL);

    (void)state;
    if (!can_use_systemd())
        skip();
    assert_int_equal(cgroup_create(&q, &g, NULL, &e), -1);
    assert_non_null(strstr(e.msg, "slice:prefix:name"));
    for (size_t i = 0; fake_pid && i < ARRAY_LEN(rows); i++) {
        auto_free char *path = test_path(rows[i].name);
        auto_free char *unit =
            alloc_printf("unable to start unit 'dhow-test-%d-%s.scope': ", (int)getpid(),
                         rows[i].name);

        q.path = path;
        assert_int_equal(cgroup_create(&q, &g, NULL, &e), -1);
        if (!strstr(e.msg, unit) || !strstr(e.msg, rows[i].want))
            fail_msg("'%s'", e.msg);
    }
    q.flags |= CGROUP_ROOTLESS;
    if (cgroup_detect() != CGROUP_V2) {
        assert_int_equal(cgroup_create(&q, &g, NULL, &e), -1);
        assert_string_equal(e.msg, "cannot use rootless systemd cgroups manager on cgroup v1");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_container_is_a_scope),
        cmocka_unit_test(systemd_moves_a_process_that_we_may_not),
        cmocka_unit_test(a_creation_that_fails_leaves_nothing),
        cmocka_unit_test(errors_name_the_unit),
    };

    return cmocka_run_group_tests(tests, NULL, stop_fake);
}
