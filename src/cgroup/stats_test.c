/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The texts are of real kernels, or what a future one may add to them. */
#include "cgroup/testing.h"

#include "base/json.h"
#include "cgroup/stats_private.h"

static char *numbers_text(const struct cgroup_u64s *v)
{
    struct str s = STR_INIT(1024);

    VEC_FOREACH (value, v)
        str_addf(&s, "%s%llu", s.len ? " " : "", (unsigned long long)*value);
    return str_take(&s);
}

static void sets_are_lists_of_numbers(void **state)
{
    static const struct {
        const char *text, *want;
    } rows[] = {{"0\n", "0"}, {"0-2,7\n", "0 1 2 7"},
                {"\n", ""},   {"", ""},
                {"x", ""},    {"5-3", ""},
                {"1,", "1"},  {"1-", "1"},
                {"2-2", "2"}};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct cgroup_u64s v = {0};
        auto_free char *text = NULL;

        stats_parse_set(rows[i].text, &v);
        text = numbers_text(&v);
        vec_done(&v);
        if (!str_equal(text, rows[i].want))
            fail_msg("'%s' gives '%s'", rows[i].text, text);
    }
}

static void page_sizes_are_named_as_files_are(void **state)
{
    static const struct {
        const char *name, *want;
    } rows[] = {{"hugepages-2048kB", "2MB"}, {"hugepages-1048576kB", "1GB"},
                {"hugepages-64kB", "64KB"},  {"hugepages-16777216kB", "16GB"},
                {"hugepages-kB", NULL},      {"hugepages-4MB", NULL},
                {"something", NULL}};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        auto_free char *size = stats_page_size(rows[i].name);

        if (!str_equal(size, rows[i].want))
            fail_msg("'%s' gives '%s'", rows[i].name, size);
    }
}

static char *list_text(const struct cgroup_io_list *l)
{
    struct str s = STR_INIT(1024);

    VEC_FOREACH (x, l)
        str_addf(&s, "%llu:%llu %s=%llu;", (unsigned long long)x->major,
                 (unsigned long long)x->minor, x->op, (unsigned long long)x->value);
    return str_take(&s);
}

static void block_devices_are_lists(void **state)
{
    DHOW_CLEANUP(cgroup_stats_done) struct cgroup_stats v1 = {0}, v2 = {0};
    auto_free char *first = NULL, *sectors = NULL, *bytes = NULL, *operations = NULL;

    (void)state;
    stats_parse_io_v1("8:0 Read 4096\n8:0 Write 0\n8:16 Total 4096\nTotal 4096\n",
                      &v1.io.lists[CGROUP_IO_SERVICE_BYTES]);
    stats_parse_io_v1("8:0 6792\nx:y 5\n8:0\n8\n", &v1.io.lists[CGROUP_IO_SECTORS]);
    first = list_text(&v1.io.lists[CGROUP_IO_SERVICE_BYTES]);
    sectors = list_text(&v1.io.lists[CGROUP_IO_SECTORS]);
    assert_string_equal(first, "8:0 Read=4096;8:0 Write=0;8:16 Total=4096;");
    assert_string_equal(sectors, "8:0 =6792;");
    stats_parse_io_v2("8:16 rbytes=1459200 wbytes=314773504 rios=192 wios=353 dbytes=0 dios=0\n"
                      "254:0 rbytes=1 cost.usage=5\n7:0 \n7:1\n",
                      &v2.io);
    bytes = list_text(&v2.io.lists[CGROUP_IO_SERVICE_BYTES]);
    operations = list_text(&v2.io.lists[CGROUP_IO_SERVICED]);
    assert_string_equal(bytes, "8:16 Read=1459200;8:16 Write=314773504;254:0 Read=1;");
    assert_string_equal(operations, "8:16 Read=192;8:16 Write=353;");
}

static void pressure_has_two_lines(void **state)
{
    struct cgroup_pressure p = {0}, none = {0}, odd = {0};

    (void)state;
    stats_parse_pressure("some avg10=1.50 avg60=0.25 avg300=0.00 total=1234\n"
                         "full avg10=0.75 avg60=0.00 avg300=100.00 total=18446744073709551615\n",
                         &p);
    assert_true(p.is_set);
    assert_true(p.some.avg10 == 1.5 && p.some.avg60 == 0.25 && p.full.avg300 == 100);
    assert_int_equal(p.some.total_us, 1234);
    assert_true(p.full.total_us == UINT64_MAX);
    stats_parse_pressure("", &none);
    assert_false(none.is_set);
    stats_parse_pressure("some avg10 avg60= avg300=x total=-1 new=5\nother avg10=1\n", &odd);
    assert_true(odd.is_set);
    assert_int_equal(odd.some.total_us, 0);
}

static void the_other_files_are_read(void **state)
{
    DHOW_CLEANUP(cgroup_stats_done) struct cgroup_stats s = {0};
    auto_free char *user = NULL, *kernel = NULL, *each = NULL;
    uint64_t n;

    (void)state;
    stats_parse_usage_all("cpu user system\n0 11 22\n1 33 44\n", &s.cpu);
    user = numbers_text(&s.cpu.percpu_user_ns);
    kernel = numbers_text(&s.cpu.percpu_kernel_ns);
    assert_string_equal(user, "11 33");
    assert_string_equal(kernel, "22 44");
    stats_parse_numbers("5 6 \n", &s.cpu.percpu_ns);
    each = numbers_text(&s.cpu.percpu_ns);
    assert_string_equal(each, "5 6");
    stats_parse_rdma("mlx4_0 hca_handle=2 hca_object=max\nrxe0 hca_handle=max new=4\nx\ny z\n",
                     &s.rdma_limit);
    assert_int_equal(s.rdma_limit.len, 2);
    assert_string_equal(s.rdma_limit.items[0].device, "mlx4_0");
    assert_int_equal(s.rdma_limit.items[0].hca_handles, 2);
    assert_int_equal(s.rdma_limit.items[0].hca_objects, UINT32_MAX);
    assert_true(stats_parse_number("max\n", &n) && n == UINT64_MAX);
    assert_false(stats_parse_number("-1", &n));
    assert_false(stats_parse_number("", &n));
}

static void a_number_that_is_zero_is_left_out_as_runc_does(void **state)
{
    DHOW_CLEANUP(cgroup_stats_done) struct cgroup_stats s = {0};
    auto_json *o = cgroup_stats_json(&s);
    auto_json *full = NULL;
    auto_free char *text = json_print(o, false), *more = NULL;
    struct cgroup_hugetlb_stats pages = {alloc_strdup("2MB"), {.usage = 1, .failures = 2}};
    struct cgroup_io_entry entry = {8, 0, alloc_strdup("Read"), 7};

    (void)state;
    assert_string_equal(
        text, "{\"cpu\":{\"usage\":{\"kernel\":0,\"user\":0},\"throttling\":{}},\"cpuset\":{"
              "\"cpu_exclusive\":0,\"mem_hardwall\":0,\"mem_exclusive\":0,\"memory_migrate\":0,"
              "\"memory_spread_page\":0,\"memory_spread_slab\":0,\"memory_pressure\":0,"
              "\"sched_load_balance\":0,\"sched_relax_domain_level\":0},\"memory\":{\"usage\":{"
              "\"limit\":0,\"failcnt\":0},\"swap\":{\"limit\":0,\"failcnt\":0},\"kernel\":{"
              "\"limit\":0,\"failcnt\":0},\"kernelTCP\":{\"limit\":0,\"failcnt\":0},\"raw\":{}},"
              "\"pids\":{},\"blkio\":{},\"hugetlb\":{}}");
    vec_push(&s.hugetlb, pages);
    vec_push(&s.io.lists[CGROUP_IO_SERVICE_BYTES], entry);
    s.io.pressure = (struct cgroup_pressure){.is_set = true, .some = {.avg10 = 0.12}};
    full = cgroup_stats_json(&s);
    more = json_print(full, false);
    assert_non_null(strstr(more, "\"hugetlb\":{\"2MB\":{\"usage\":1,\"failcnt\":2}}"));
    assert_non_null(strstr(more, "\"blkio\":{\"ioServiceBytesRecursive\":[{\"major\":8,\"op\":"
                                 "\"Read\",\"value\":7}],\"psi\":{\"some\":{\"avg10\":0.12,"));
}

/* With the kernel */

static int work(void)
{
    size_t size = 8u << 20;
    char *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    for (size_t round = 0; round < 20 && p != MAP_FAILED; round++)
        memset(p, (int)round, size);
    return 0;
}

static void what_a_group_used_is_counted(void **state)
{
    auto_free char *path = group_path("stats");
    struct oci_memory memory = {.limit = {true, 64 << 20}, .swap = {true, 64 << 20}};
    struct oci_pids pids = {{true, 20}};
    struct oci_resources r = {.memory = &memory, .pids = &pids};
    struct cgroup_request q = {.path = path, .flags = CGROUP_OCI, .resources = &r};
    DHOW_CLEANUP(cgroup_stats_done) struct cgroup_stats s = {0};
    DHOW_CLEANUP(cgroup_auto) struct cgroup *g = NULL;
    struct err e = {0};

    (void)state;
    if (!can_make_groups())
        skip();
    if (cgroup_create(&q, &g, NULL, &e) < 0 && e.kind == ERR_UNSUPPORTED) {
        q.resources = NULL; /* a v2 tree without controllers */
        if (cgroup_create(&q, &g, NULL, &e) < 0)
            fail_msg("%s", e.msg);
    }
    assert_int_equal(wait_status(run_inside(g, work)), 0);
    if (cgroup_stats(g, &s, &e) < 0)
        fail_msg("%s", e.msg);
    assert_true(s.cpu.total_ns > 0);
    assert_true(s.cpu.user_ns <= s.cpu.total_ns * 2);
    if (q.resources) {
        assert_int_equal(s.memory.usage.limit, 64 << 20);
        assert_true(s.memory.usage.max_usage >= 8u << 20);
        assert_int_equal(s.pids.limit, 20);
        assert_true(s.memory.raw.len > 10);
        assert_true(s.memory.oom_kills.is_set && s.memory.oom_kills.value == 0);
    }
    if (cgroup_controller_fd(g, CGROUP_CPUACCT) >= 0)
        assert_int_equal(s.cpu.percpu_ns.len, s.cpu.percpu_user_ns.len);
    if (cgroup_controller_fd(g, CGROUP_CPUSET) >= 0)
        assert_true(s.cpuset.is_set && s.cpuset.cpus.len > 0);
    if (cgroup_v2_fd(g) >= 0 && faccessat(cgroup_v2_fd(g), "cpu.pressure", F_OK, 0) == 0)
        assert_true(s.cpu.pressure.is_set);
    assert_int_equal(s.pids.current, 0);
    assert_int_equal(cgroup_remove(path, NULL), 0);
    cgroup_stats_done(&s);
    assert_int_equal(cgroup_stats(g, &s, &e), -1);
    assert_int_equal(e.kind, ERR_NOT_FOUND);
}

static int allocate_too_much(void)
{
    size_t size = 128u << 20;
    char *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    for (size_t i = 0; i < size && p != MAP_FAILED; i += 4096)
        p[i] = 1;
    return 97;
}

/* Reads until `is_over` or something of memory; fails after a while. */
static struct cgroup_news next_news(struct cgroup_watch *w)
{
    struct cgroup_news news = {0};

    for (int i = 0; i < 1000 && !news.n_oom && !news.is_over; i++) {
        struct pollfd p = {.fd = cgroup_watch_fd(w), .events = POLLIN};

        assert_true(poll(&p, 1, 20000) == 1);
        cgroup_watch_read(w, &news);
    }
    return news;
}

static void news_tell_of_memory_and_of_the_end(void **state)
{
    auto_free char *path = group_path("news");
    struct oci_memory memory = {.limit = {true, 24 << 20}, .swap = {true, 24 << 20}};
    struct oci_resources r = {.memory = &memory};
    struct cgroup_request q = {.path = path, .flags = CGROUP_OCI, .resources = &r};
    DHOW_CLEANUP(cgroup_auto) struct cgroup *g = NULL;
    struct cgroup_watch *w = NULL;
    struct cgroup_news news;
    struct err e = {0};

    (void)state;
    if (!can_make_groups())
        skip();
    if (cgroup_create(&q, &g, NULL, &e) < 0) {
        assert_int_equal(e.kind, ERR_UNSUPPORTED);
        print_message("needs the memory controller\n");
        skip();
    }
    if (cgroup_watch_new(g, &w, &e) < 0)
        fail_msg("%s", e.msg);
    assert_true(WIFSIGNALED(wait_status(run_inside(g, allocate_too_much))));
    news = next_news(w);
    assert_true(news.n_oom >= 1);
    assert_int_equal(cgroup_remove(path, NULL), 0);
    if (!news.is_over)
        news = next_news(w);
    assert_true(news.is_over);
    cgroup_watch_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sets_are_lists_of_numbers),
        cmocka_unit_test(page_sizes_are_named_as_files_are),
        cmocka_unit_test(block_devices_are_lists),
        cmocka_unit_test(pressure_has_two_lines),
        cmocka_unit_test(the_other_files_are_read),
        cmocka_unit_test(a_number_that_is_zero_is_left_out_as_runc_does),
        cmocka_unit_test(what_a_group_used_is_counted),
        cmocka_unit_test(news_tell_of_memory_and_of_the_end),
    };

    return cmocka_run_group_tests(tests, NULL, remove_parent);
}
