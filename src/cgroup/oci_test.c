/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Groups as an OCI runtime uses them: located, recorded, joined, updated, found again. */
#include "cgroup/testing.h"

#include <sys/resource.h>
#include <sys/stat.h>

static const struct cgroup_request oci = {.flags = CGROUP_OCI | CGROUP_JOIN_EXISTING};

static struct cgroup *make_oci(const char *path, const struct oci_resources *r,
                               char ***ret_warnings)
{
    struct cgroup_request q = oci;
    struct cgroup *g = NULL;
    struct err e = {0};

    q.path = path;
    q.resources = r;
    if (cgroup_create(&q, &g, ret_warnings, &e) < 0)
        fail_msg("%s", e.msg);
    return g;
}

static int wait_for_ever(void)
{
    for (;;)
        pause();
    return 0;
}

static void expect_file(const struct cgroup *g, enum cgroup_controller c, const char *file,
                        const char *want)
{
    auto_free char *text = NULL;
    size_t n;

    if (sys_read_file(cgroup_limit_fd(g, c), file, 100, &text, &n) < 0)
        fail_msg("%s is not there", file);
    text[strcspn(text, "\n")] = 0;
    if (strcmp(text, want) != 0)
        fail_msg("%s is '%s', not '%s'", file, text, want);
}

static bool has_v1(enum cgroup_controller c)
{
    DHOW_CLEANUP(cgroup_mounts_done) struct cgroup_mounts m = {0};

    return cgroup_mounts_read(&m, NULL) == 0 && cgroup_mounts_v1(&m) & CGROUP_BIT(c);
}

/* Written and read as state.json has it. */
static void copy_id(const struct cgroup *g, struct cgroup_id *ret)
{
    DHOW_CLEANUP(cgroup_id_done) struct cgroup_id id = {0};
    auto_free char *text = NULL;
    struct err e = {0};

    cgroup_id_of(g, &id);
    text = json_encode_text(&cgroup_id_json, &id);
    if (json_decode_text(text, strlen(text), 65536, &cgroup_id_json, ret, &e) < 0)
        fail_msg("%s", e.msg);
}

static void a_record_finds_the_group_again(void **state)
{
    auto_free char *path = group_path("record");
    DHOW_CLEANUP(cgroup_auto) struct cgroup *g = NULL, *again = NULL, *gone = NULL;
    DHOW_CLEANUP(cgroup_id_done) struct cgroup_id planned = {0}, made = {0};
    struct cgroup_request q = oci;
    struct err e = {0};

    (void)state;
    if (!can_make_groups())
        skip();
    q.path = path;
    if (cgroup_locate(&q, &g, NULL, &e) < 0)
        fail_msg("%s", e.msg);
    assert_string_equal(cgroup_path(g), path);
    copy_id(g, &planned);
    assert_int_equal(planned.places.len, g->mounts.mode == CGROUP_V2 ? 1 : g->mounts.n);
    VEC_FOREACH (place, &planned.places)
        assert_int_equal(place->hold, CGROUP_HOLD_PLANNED);
    /* nothing was made yet */
    assert_int_equal(cgroup_open_id(&planned, &gone, &e), -1);
    assert_int_equal(e.kind, ERR_NOT_FOUND);
    assert_int_equal(cgroup_remove_id(&planned, &e), 0);
    if (cgroup_make(g, &q, NULL, &e) < 0)
        fail_msg("%s", e.msg);
    copy_id(g, &made);
    VEC_FOREACH (place, &made.places)
        assert_int_equal(place->hold, CGROUP_HOLD_MADE);
    if (cgroup_open_id(&made, &again, &e) < 0)
        fail_msg("%s", e.msg);
    assert_int_equal(again->n, g->n);
    /* what a runtime leaves that was killed while it made the group */
    if (cgroup_remove_id(&planned, &e) < 0)
        fail_msg("%s", e.msg);
    assert_int_equal(cgroup_open_id(&made, &gone, &e), -1);
    assert_int_equal(e.kind, ERR_NOT_FOUND);
    assert_int_equal(cgroup_remove_id(&made, &e), 0);
}

/* The defect that this is for: a container that shares a group with others, removed. */
static void who_shares_a_group_leaves_the_others_alone(void **state)
{
    auto_free char *path = group_path("shared");
    DHOW_CLEANUP(cgroup_auto) struct cgroup *first = NULL, *second = NULL;
    DHOW_CLEANUP(cgroup_id_done) struct cgroup_id first_id = {0}, second_id = {0}, planned = {0};
    auto_strv warnings = NULL;
    struct err e = {0};
    pid_t pid;

    (void)state;
    if (!can_make_groups())
        skip();
    first = make_oci(path, NULL, &warnings);
    assert_null(warnings);
    copy_id(first, &first_id);
    pid = run_inside(first, wait_for_ever);
    second = make_oci(path, NULL, &warnings);
    assert_non_null(warnings);
    assert_string_equal(warnings[0], "container's cgroup is not empty: 1 process(es) found");
    assert_true(cgroup_is_shared(second));
    assert_false(cgroup_is_shared(first));
    copy_id(second, &second_id);
    if (cgroup_remove_id(&second_id, &e) < 0)
        fail_msg("%s", e.msg);
    /* nor does a record that was written before anything was made */
    copy_id(first, &planned);
    VEC_FOREACH (place, &planned.places)
        place->hold = CGROUP_HOLD_PLANNED;
    if (cgroup_remove_id(&planned, &e) < 0)
        fail_msg("%s", e.msg);
    assert_int_equal(kill(pid, 0), 0);
    assert_int_equal(waitpid(pid, NULL, WNOHANG), 0);
    if (cgroup_remove_id(&first_id, &e) < 0)
        fail_msg("%s", e.msg);
    assert_int_equal(WTERMSIG(wait_status(pid)), SIGKILL);
}

static void an_empty_group_is_used_and_a_frozen_one_is_not(void **state)
{
    auto_free char *path = group_path("found");
    DHOW_CLEANUP(cgroup_auto) struct cgroup *before = NULL, *g = NULL, *none = NULL;
    DHOW_CLEANUP(cgroup_id_done) struct cgroup_id id = {0};
    struct cgroup_request q = oci;
    struct err e = {0};

    (void)state;
    if (!can_make_groups())
        skip();
    q.path = path;
    before = make_oci(path, NULL, NULL);
    if (cgroup_freeze(before, true, &e) < 0)
        fail_msg("%s", e.msg);
    assert_int_equal(cgroup_is_frozen(before), 1);
    assert_int_equal(cgroup_create(&q, &none, NULL, &e), -1);
    assert_string_equal(e.msg, "container's cgroup unexpectedly frozen");
    assert_int_equal(cgroup_freeze(before, false, NULL), 0);
    assert_int_equal(cgroup_is_frozen(before), 0);
    g = make_oci(path, NULL, NULL);
    assert_false(cgroup_is_shared(g));
    copy_id(g, &id);
    VEC_FOREACH (place, &id.places)
        assert_int_equal(place->hold, CGROUP_HOLD_FOUND);
    assert_int_equal(cgroup_remove_id(&id, NULL), 0);
    assert_int_equal(cgroup_open(path, &none, &e), -1);
    assert_int_equal(e.kind, ERR_NOT_FOUND);
}

static void limits_are_changed_in_an_order_that_holds(void **state)
{
    auto_free char *path = NULL;
    struct oci_memory memory = {.limit = {true, 64 << 20}, .swap = {true, 64 << 20}};
    struct oci_cpu cpu = {.shares = {true, 100},
                          .quota = {true, 500000},
                          .period = {true, 1000000}};
    struct oci_pids pids = {{true, 20}};
    struct oci_resources r = {.memory = &memory, .cpu = &cpu, .pids = &pids};
    static const struct {
        int64_t limit, swap, quota;
        uint64_t period;
    } rows[] = {{128, 256, 600000, 0}, {32, 64, 0, 900000}, {-1, 0, -1, 0},
                {16, 16, 3000, 10000}, {256, -1, 90000, 0}, {8, 200, -1, 100000}};
    DHOW_CLEANUP(cgroup_auto) struct cgroup *g = NULL;
    struct err e = {0};

    (void)state;
    if (!can_make_groups())
        skip();
    if (!has_v1(CGROUP_MEMORY) || !has_v1(CGROUP_CPU)) {
        print_message("needs v1 hierarchies of memory and cpu\n");
        skip();
    }
    path = group_path("update");
    g = make_oci(path, &r, NULL);
    expect_file(g, CGROUP_MEMORY, "memory.limit_in_bytes", "67108864");
    expect_file(g, CGROUP_CPU, "cpu.shares", "100");
    expect_file(g, CGROUP_PIDS, "pids.max", "20");
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        int64_t unit = 1 << 20;
        auto_free char *limit = alloc_printf("%lld", (long long)(rows[i].limit * unit));
        auto_free char *quota = alloc_printf("%lld", (long long)rows[i].quota);

        memory.limit.value = rows[i].limit < 0 ? -1 : rows[i].limit * unit;
        memory.swap.value = rows[i].swap < 0 ? -1 : rows[i].swap * unit;
        cpu = (struct oci_cpu){.quota = {true, rows[i].quota}, .period = {true, rows[i].period}};
        pids.limit.value = 0;
        if (cgroup_update(g, &r, CGROUP_OCI, NULL, &e) < 0)
            fail_msg("row %zu: %s", i, e.msg);
        if (rows[i].limit > 0)
            expect_file(g, CGROUP_MEMORY, "memory.limit_in_bytes", limit);
        if (rows[i].quota)
            expect_file(g, CGROUP_CPU, "cpu.cfs_quota_us", quota);
        expect_file(g, CGROUP_CPU, "cpu.shares", "100");
        expect_file(g, CGROUP_PIDS, "pids.max", "20");
    }
    pids.limit.value = -1;
    cpu = (struct oci_cpu){.shares = {true, 1}};
    assert_int_equal(cgroup_update(g, &r, CGROUP_OCI, NULL, &e), -1);
    assert_string_equal(e.msg, "the minimum allowed cpu-shares is 2");
    cpu.shares.value = 3;
    assert_int_equal(cgroup_update(g, &r, CGROUP_OCI, NULL, &e), 0);
    expect_file(g, CGROUP_PIDS, "pids.max", "max");
    assert_int_equal(cgroup_remove(path, NULL), 0);
}

/* One request, one limit that this machine may lack. */
static void a_limit_that_is_not_there_is_an_error(void **state)
{
    auto_free char *path = group_path("strict");
    struct oci_rdma rdma[] = {{(char *)(uintptr_t) "mlx0", {true, 1}, {true, 1}}};
    struct oci_network network = {.class_id = {true, 5}};
    struct oci_resources with_rdma = {.rdma = {rdma, 1, 1}}, with_network = {.network = &network};
    char *unified[] = {(char *)(uintptr_t) "memory.high=max", NULL};
    struct oci_resources with_unified = {.unified = unified};
    DHOW_CLEANUP(cgroup_auto) struct cgroup *g = NULL;
    struct cgroup_request q = oci;
    auto_strv warnings = NULL;
    struct err e = {0};

    (void)state;
    if (!can_make_groups())
        skip();
    q.path = path;
    if (!has_v1(CGROUP_NET_CLS)) {
        q.resources = &with_network;
        assert_int_equal(cgroup_create(&q, &g, NULL, &e), -1);
        assert_int_equal(e.kind, ERR_UNSUPPORTED);
        assert_non_null(strstr(e.msg, "network class"));
    }
    if (!has_v1(CGROUP_RDMA) && cgroup_detect() != CGROUP_V2) {
        q.resources = &with_rdma;
        assert_int_equal(cgroup_create(&q, &g, NULL, &e), -1);
        assert_int_equal(e.kind, ERR_UNSUPPORTED);
        /* the engine goes on without */
        q.flags = 0;
        assert_int_equal(cgroup_create(&q, &g, &warnings, &e), 0);
        assert_non_null(strstr(warnings[0], "RDMA limit"));
        assert_int_equal(cgroup_remove(path, NULL), 0);
        q.flags = oci.flags;
    }
    if (cgroup_detect() != CGROUP_V2) {
        cgroup_free(g);
        g = NULL;
        q.resources = &with_unified;
        assert_int_equal(cgroup_create(&q, &g, NULL, &e), -1);
        assert_non_null(strstr(e.msg, "invalid configuration"));
    }
    assert_int_equal(cgroup_open(path, &g, NULL), -1); /* nothing was left */
    q.resources = &with_network;
    q.manager = CGROUP_MANAGER_DISABLED;
    q.path = NULL;
    assert_int_equal(cgroup_create(&q, &g, NULL, &e), -1);
    q.resources = NULL;
    assert_int_equal(cgroup_create(&q, &g, NULL, &e), 0);
    assert_int_equal(cgroup_clone_fd(g), FD_NONE);
    assert_string_equal(cgroup_path(g), "");
}

static void more_processes_go_below(void **state)
{
    auto_free char *path = group_path("below");
    auto_free char *sub = group_path("below/sub");
    static const struct {
        const char *args[3];
        const char *error; /* NULL: it opens */
        bool v1_only;
    } rows[] = {
        {{NULL}, NULL, false},
        {{"/"}, NULL, false},
        {{"sub"}, NULL, false},
        {{"/sub/."}, NULL, false},
        {{".."}, " .. is not a sub cgroup path", false},
        {{"sub/../.."}, " sub/../.. is not a sub cgroup path", false},
        {{"nonexistent"}, "/nonexistent/cgroup.procs: no such file ", false},
        {{"whaaat:/"}, "unknown controller whaaat", false},
        {{"memory:sub"}, NULL, true},
        {{"memory:sub", "cpu,cpuacct:/"}, NULL, true},
        {{"memory:nonexistent"}, "/nonexistent/cgroup.procs: no such file ", true},
        {{"sub", "memory:sub"}, "(missing <controller>: prefix)", false},
        {{"memory:sub:x"}, "invalid --cgroup argument: memory:sub:x", false},
    };
    DHOW_CLEANUP(cgroup_auto) struct cgroup *g = NULL, *below = NULL;
    DHOW_CLEANUP(cgroup_id_done) struct cgroup_id id = {0};

    (void)state;
    if (!can_make_groups())
        skip();
    g = make_oci(path, NULL, NULL);
    below = make_oci(sub, NULL, NULL);
    copy_id(g, &id);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        DHOW_CLEANUP(cgroup_auto) struct cgroup *opened = NULL;
        struct err e = {0};
        int r;

        if (rows[i].v1_only && !(has_v1(CGROUP_MEMORY) && has_v1(CGROUP_CPU)))
            continue;
        r = cgroup_open_below(&id, (char *const *)(uintptr_t)rows[i].args, &opened, &e);
        if (rows[i].error ? r == 0 || !strstr(e.msg, rows[i].error) : r < 0)
            fail_msg("row %zu: '%s'", i, e.msg);
    }
    assert_int_equal(cgroup_remove(path, NULL), 0);
}

/* v2: a container that made groups of its own, and gave them a controller, is in one of those. */
static void one_more_process_follows_init(void **state)
{
    auto_free char *path = NULL;
    auto_free char *below = NULL;
    DHOW_CLEANUP(cgroup_auto) struct cgroup *g = NULL, *foo = NULL, *fixed = NULL, *other = NULL;
    DHOW_CLEANUP(cgroup_id_done) struct cgroup_id id = {0};
    char *args[] = {(char *)(uintptr_t) "/", NULL};
    struct sys_clone_args clone = {0};
    struct err e = {0};
    pid_t init;

    (void)state;
    if (!can_make_groups())
        skip();
    if (cgroup_detect() != CGROUP_V2) {
        print_message("needs a pure v2 tree\n");
        skip();
    }
    path = group_path("follow");
    below = alloc_printf("%s/foo", path);
    g = make_oci(path, NULL, NULL);
    foo = create(below, NULL, NULL);
    copy_id(g, &id);
    init = run_inside(foo, wait_for_ever);
    if (sys_write_existing(cgroup_v2_fd(g), "cgroup.subtree_control", "+hugetlb") < 0 ||
        cgroup_open_id(&id, &other, &e) < 0 || cgroup_open_below(&id, args, &fixed, &e) < 0)
        fail_msg("%s", e.msg);
    clone.cgroup_fd = cgroup_clone_fd(other);
    assert_int_equal(sys_clone(&clone), -EBUSY);
    if (cgroup_follow(other, init, &e) < 0)
        fail_msg("%s", e.msg);
    assert_int_equal(kill(run_inside(other, wait_for_ever), 0), 0);
    expect_file(foo, CGROUP_CPUACCT, "cgroup.type", "domain");
    /* who chose the group himself is told, and so is who asks for a process elsewhere */
    assert_int_equal(cgroup_follow(fixed, init, &e), -1);
    assert_non_null(strstr(e.msg, " adding pid of the new process to cgroups: "));
    assert_non_null(strstr(e.msg, "/cgroup.procs: device or resource busy"));
    assert_int_equal(cgroup_follow(g, getpid(), &e), -1);
    assert_int_equal(cgroup_remove(path, NULL), 0);
    while (waitpid(-1, NULL, 0) > 0)
        ;
}

static int count_signals_until_term(void)
{
    sigset_t both;
    int sig;

    sigemptyset(&both);
    sigaddset(&both, SIGUSR1);
    sigaddset(&both, SIGTERM);
    sigprocmask(SIG_BLOCK, &both, NULL);
    do
        sigwait(&both, &sig);
    while (sig != SIGTERM);
    return 42;
}

static void a_signal_reaches_all_of_them(void **state)
{
    auto_free char *path = group_path("signal");
    auto_free char *inner_path = group_path("signal/a");
    DHOW_CLEANUP(cgroup_auto) struct cgroup *g = NULL, *inner = NULL;
    struct err e = {0};
    pid_t pids[3];
    sigset_t both;

    (void)state;
    if (!can_make_groups())
        skip();
    /* before the children are: none is without its mask */
    sigemptyset(&both);
    sigaddset(&both, SIGUSR1);
    sigaddset(&both, SIGTERM);
    sigprocmask(SIG_BLOCK, &both, NULL);
    g = make_oci(path, NULL, NULL);
    inner = create(inner_path, NULL, NULL); /* v2: without controllers above it */
    for (size_t i = 0; i < 3; i++)
        pids[i] = run_inside(i < 2 ? g : inner, i ? count_signals_until_term : wait_for_ever);
    sigprocmask(SIG_UNBLOCK, &both, NULL);
    if (cgroup_signal(g, SIGTERM, &e) < 0)
        fail_msg("%s", e.msg);
    assert_int_equal(WEXITSTATUS(wait_status(pids[1])), 42);
    assert_int_equal(WEXITSTATUS(wait_status(pids[2])), 42);
    /* the third blocks it; frozen or not, SIGKILL is the end */
    if (cgroup_freeze(g, true, &e) < 0 || cgroup_signal(g, SIGKILL, &e) < 0)
        fail_msg("%s", e.msg);
    assert_int_equal(WTERMSIG(wait_status(pids[0])), SIGKILL);
    assert_int_equal(cgroup_remove(path, NULL), 0);
}

static int open_kmsg(void)
{
    return open("/dev/kmsg", O_RDONLY | O_CLOEXEC) < 0;
}

static int open_null_until_term(void)
{
    sigset_t term;
    struct timespec none = {0};

    sigemptyset(&term);
    sigaddset(&term, SIGTERM);
    sigprocmask(SIG_BLOCK, &term, NULL);
    while (sigtimedwait(&term, NULL, &none) < 0) {
        int fd = open("/dev/null", O_RDWR | O_CLOEXEC);

        if (fd < 0)
            return 1;
        close(fd);
    }
    return 0;
}

static void device_rules_are_replaced_in_one_step(void **state)
{
    auto_free char *path = NULL;
    struct oci_device_rule rules[] =
        {{.allow = false},
         {true, (char *)(uintptr_t) "c", {true, 1}, {true, 11}, (char *)(uintptr_t) "r"}};
    struct oci_resources none = {.devices = {rules, 1, 1}}, kmsg = {.devices = {rules, 2, 2}};
    DHOW_CLEANUP(cgroup_auto) struct cgroup *g = NULL;
    struct err e = {0};
    sigset_t term;
    pid_t pid;

    (void)state;
    if (!can_make_groups())
        skip();
    if (access("/dev/kmsg", R_OK) < 0) {
        print_message("needs /dev/kmsg\n");
        skip();
    }
    path = group_path("redevice");
    sigemptyset(&term);
    sigaddset(&term, SIGTERM);
    sigprocmask(SIG_BLOCK, &term, NULL);
    g = make_oci(path, &none, NULL);
    pid = run_inside(g, open_null_until_term);
    sigprocmask(SIG_UNBLOCK, &term, NULL);
    for (int i = 0; i < 30; i++) {
        if (cgroup_update(g, i % 2 ? &none : &kmsg, CGROUP_OCI, NULL, &e) < 0)
            fail_msg("%s", e.msg);
        if (i < 4)
            assert_int_equal(WEXITSTATUS(wait_status(run_inside(g, open_kmsg))), i % 2);
    }
    /* at no moment was /dev/null refused */
    assert_int_equal(kill(pid, SIGTERM), 0);
    assert_int_equal(wait_status(pid), 0);
    assert_int_equal(cgroup_remove(path, NULL), 0);
}

#define NOBODY 65534

/* In a child without rights: 0, or what failed. */
static int try_rootless(void)
{
    struct oci_pids pids = {{true, 5}};
    struct oci_resources r = {.pids = &pids};
    struct cgroup_request q = {.id = "dhow-test-rootless",
                               .flags = CGROUP_OCI | CGROUP_JOIN_EXISTING | CGROUP_ROOTLESS};
    char **warnings = NULL;
    struct cgroup *g = NULL;
    struct err e = {0};
    size_t n = 0;

    if (setresgid(NOBODY, NOBODY, NOBODY) < 0 || setresuid(NOBODY, NOBODY, NOBODY) < 0)
        return 1;
    /* no limits, no path: it stays where it is */
    if (cgroup_create(&q, &g, &warnings, &e) < 0 || g->n != 0 || warnings)
        return 2;
    if (cgroup_clone_fd(g) >= 0 || cgroup_join_fds(g, NULL, &n, &e) < 0 || n != 0 ||
        *cgroup_path(g))
        return 3;
    /* limits are errors, in runc's words */
    q.resources = &r;
    if (cgroup_create(&q, &g, NULL, &e) == 0 ||
        (!strstr(e.msg, "rootless needs no limits + no cgrouppath") &&
         !strstr(e.msg, "cannot set pids limit: container could not join or create cgroup")))
        return 4;
    /* so is a path */
    q.resources = NULL;
    q.path = "/dhow-test-rootless/x";
    if (cgroup_create(&q, &g, NULL, &e) == 0 || e.kind != ERR_DENIED)
        return 5;
    return 0;
}

static void without_rights_a_container_stays_in_its_callers_group(void **state)
{
    pid_t pid;

    (void)state;
    if (!can_make_groups())
        skip();
    pid = fork();
    if (pid == 0)
        _exit(try_rootless());
    assert_int_equal(wait_status(pid), 0);
}

static void a_group_is_given_to_its_owner(void **state)
{
    auto_free char *path = NULL;
    DHOW_CLEANUP(cgroup_auto) struct cgroup *g = NULL;
    struct cgroup_request q = oci;
    uid_t owner = NOBODY;
    struct err e = {0};
    struct stat st;

    (void)state;
    if (!can_make_groups())
        skip();
    if (cgroup_detect() != CGROUP_V2) {
        print_message("needs a pure v2 tree\n");
        skip();
    }
    path = group_path("owner");
    q.path = path;
    q.owner = &owner;
    if (cgroup_create(&q, &g, NULL, &e) < 0)
        fail_msg("%s", e.msg);
    assert_int_equal(fstatat(cgroup_v2_fd(g), "", &st, AT_EMPTY_PATH), 0);
    assert_int_equal(st.st_uid, NOBODY);
    assert_int_equal(fstatat(cgroup_v2_fd(g), "cgroup.procs", &st, 0), 0);
    assert_int_equal(st.st_uid, NOBODY);
    assert_int_equal(fstatat(cgroup_v2_fd(g), "cgroup.type", &st, 0), 0);
    assert_int_equal(st.st_uid, 0);
    assert_int_equal(cgroup_remove(path, NULL), 0);
}

/* The device program, where nothing may be locked. */
static int create_without_locked_memory(void)
{
    auto_free char *path = alloc_printf("/dhow-test-%d/memlock", (int)getppid());
    struct cgroup_request q = oci;
    struct rlimit none = {0};
    struct cgroup *g = NULL;

    q.path = path;
    if (setrlimit(RLIMIT_MEMLOCK, &none) < 0)
        return 1;
    if (cgroup_create(&q, &g, NULL, NULL) < 0)
        return 2;
    /* the container inherits the limit that was */
    if (getrlimit(RLIMIT_MEMLOCK, &none) < 0 || none.rlim_cur != 0 || none.rlim_max != 0)
        return 3;
    return cgroup_remove(path, NULL) < 0 ? 4 : 0;
}

static void devices_need_no_locked_memory(void **state)
{
    pid_t pid;

    (void)state;
    if (!can_make_groups())
        skip();
    pid = fork();
    if (pid == 0)
        _exit(create_without_locked_memory());
    assert_int_equal(wait_status(pid), 0);
}

/* Where a group is threaded, one below it can only be threaded too. */
static void a_threaded_tree_is_joined_or_refused(void **state)
{
    /* of the root: other tests' groups have controllers that no threaded one can have */
    auto_free char *path = NULL;
    auto_free char *below = NULL;
    struct oci_memory memory = {.limit = {true, 64 << 20}};
    struct oci_resources r = {.memory = &memory};
    DHOW_CLEANUP(cgroup_auto) struct cgroup *g = NULL, *inner = NULL;
    struct cgroup_request q = oci;
    struct err e = {0};

    (void)state;
    if (!can_make_groups())
        skip();
    if (cgroup_detect() != CGROUP_V2) {
        print_message("needs a pure v2 tree\n");
        skip();
    }
    path = alloc_printf("/dhow-test-threaded-%d", (int)getpid());
    below = alloc_printf("%s/x", path);
    g = create(path, NULL, NULL);
    if (sys_write_existing(cgroup_v2_fd(g), "cgroup.type", "threaded") < 0)
        fail_msg("cannot make a threaded group");
    q.path = below;
    q.resources = &r;
    assert_int_equal(cgroup_create(&q, &inner, NULL, &e), -1);
    assert_non_null(strstr(e.msg, "with domain controllers -- it is in"));
    q.resources = NULL;
    if (cgroup_create(&q, &inner, NULL, &e) < 0)
        fail_msg("%s", e.msg);
    expect_file(inner, CGROUP_CPUACCT, "cgroup.type", "threaded");
    assert_int_equal(cgroup_remove(path, NULL), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_record_finds_the_group_again),
        cmocka_unit_test(who_shares_a_group_leaves_the_others_alone),
        cmocka_unit_test(an_empty_group_is_used_and_a_frozen_one_is_not),
        cmocka_unit_test(limits_are_changed_in_an_order_that_holds),
        cmocka_unit_test(a_limit_that_is_not_there_is_an_error),
        cmocka_unit_test(more_processes_go_below),
        cmocka_unit_test(one_more_process_follows_init),
        cmocka_unit_test(a_signal_reaches_all_of_them),
        cmocka_unit_test(device_rules_are_replaced_in_one_step),
        cmocka_unit_test(without_rights_a_container_stays_in_its_callers_group),
        cmocka_unit_test(a_group_is_given_to_its_owner),
        cmocka_unit_test(devices_need_no_locked_memory),
        cmocka_unit_test(a_threaded_tree_is_joined_or_refused),
    };

    return cmocka_run_group_tests(tests, NULL, remove_parent);
}
