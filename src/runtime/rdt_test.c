/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A plain directory stands in for resctrl: what the kernel would make there, the test makes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/str.h"
#include "base/strv.h"
#include "runtime/rdt.h"
#include "sys/file.h"

struct place {
    char path[64];
    struct rdt r;
};

static void write_file(const struct place *p, const char *name, const char *text)
{
    auto_free char *path = alloc_printf("%s/%s", p->path, name);
    auto_free char *parent = alloc_strndup(path, (size_t)(strrchr(path, '/') - path));

    assert_int_equal(sys_mkdir_p(AT_FDCWD, parent, 0755), 0);
    assert_int_equal(sys_write_file_atomic(AT_FDCWD, path, text, strlen(text), 0644, 0), 0);
}

static bool exists(const struct place *p, const char *name)
{
    auto_free char *path = alloc_printf("%s/%s", p->path, name);

    return access(path, F_OK) == 0;
}

static void want_file(const struct place *p, const char *name, const char *text)
{
    auto_free char *path = alloc_printf("%s/%s", p->path, name);
    auto_free char *is = NULL;
    size_t n;

    if (sys_read_file(AT_FDCWD, path, 1u << 20, &is, &n) < 0)
        fail_msg("there is no '%s'", name);
    assert_string_equal(is, text);
}

static void place_open(struct place *p)
{
    *p = (struct place){.path = "/tmp/dhow-rdt-XXXXXX"};
    assert_non_null(mkdtemp(p->path));
    write_file(p, "schemata", "    L3:0=7ff;1=7ff\n    MB:0=100;1=100\n");
    write_file(p, "info/last_cmd_status", "ok\n");
    write_file(p, "info/L3/cbm_mask", "7ff\n");
    write_file(p, "info/L3/min_cbm_bits", "1\n");
    write_file(p, "info/L3/num_closids", "16\n");
    write_file(p, "info/MB/bandwidth_gran", "10\n");
    write_file(p, "info/MB/delay_linear", "1\n");
    write_file(p, "info/MB/min_bandwidth", "10\n");
    write_file(p, "info/MB/num_closids", "8\n");
}

static void place_close(struct place *p)
{
    rdt_done(&p->r);
    assert_int_equal(sys_remove_tree(AT_FDCWD, p->path), 0);
}

static int make(struct place *p, const struct oci_intel_rdt *wanted, struct err *e)
{
    if (rdt_locate(wanted, "box", p->path, &p->r, e) < 0)
        return -1;
    return rdt_make(&p->r, wanted, e);
}

static void made(struct place *p, const struct oci_intel_rdt *wanted)
{
    struct err e = {0};

    if (make(p, wanted, &e) < 0 || rdt_join(&p->r, 77, &e) < 0)
        fail_msg("%s", e.msg);
}

static void gives_a_container_its_own_group_by_its_id(void **state)
{
    char *lines[] = {(char[]){"L2:0=f"}, NULL};
    struct oci_intel_rdt wanted = {.l3_cache_schema = (char[]){"L3:0=7f0;1=1f"},
                                   .mem_bw_schema = (char[]){"MB:0=20;1=70"},
                                   .schemata = lines};
    struct err e = {0};
    struct place p;

    (void)state;
    place_open(&p);
    made(&p, &wanted);
    assert_true(p.r.is_ours);
    want_file(&p, "box/tasks", "77");
    want_file(&p, "box/schemata", "L3:0=7f0;1=1f\nMB:0=20;1=70\nL2:0=f\n");
    /* The kernel's files go with the directory. */
    assert_int_equal(rdt_remove(&p.r, &e), -1);
    assert_non_null(strstr(e.msg, "linux.intelRdt: remove group"));
    assert_int_equal(sys_remove_tree(AT_FDCWD, p.r.group), 0);
    assert_int_equal(mkdir(p.r.group, 0755), 0);
    assert_int_equal(rdt_remove(&p.r, &e), 0);
    assert_false(exists(&p, "box"));
    assert_int_equal(rdt_remove(&p.r, &e), 0);
    place_close(&p);
}

static void writes_no_schemata_that_nobody_asked_for(void **state)
{
    struct oci_intel_rdt wanted = {0};
    struct place p;

    (void)state;
    place_open(&p);
    made(&p, &wanted);
    want_file(&p, "box/tasks", "77");
    assert_false(exists(&p, "box/schemata"));
    place_close(&p);
}

static void leaves_a_group_with_a_name_alone(void **state)
{
    struct oci_intel_rdt wanted = {.clos_id = (char[]){"gold"}};
    struct err e = {0};
    struct place p;

    (void)state;
    place_open(&p);
    assert_int_equal(make(&p, &wanted, &e), -1);
    assert_int_equal(e.kind, ERR_NOT_FOUND);
    assert_string_equal(e.msg,
                        "linux.intelRdt.closID: there is no group 'gold', and no schemata to "
                        "make it with");
    wanted.l3_cache_schema = (char[]){"L3:0=f"};
    made(&p, &wanted);
    assert_false(p.r.is_ours);
    want_file(&p, "gold/schemata", "L3:0=f\n");
    assert_int_equal(rdt_remove(&p.r, &e), 0);
    assert_true(exists(&p, "gold/tasks"));
    place_close(&p);
}

static void puts_into_the_default_class_by_a_slash(void **state)
{
    struct oci_intel_rdt wanted = {.clos_id = (char[]){"/"}};
    struct err e = {0};
    struct place p;

    (void)state;
    place_open(&p);
    made(&p, &wanted);
    want_file(&p, "tasks", "77");
    assert_int_equal(rdt_remove(&p.r, &e), 0);
    assert_true(exists(&p, "tasks"));
    place_close(&p);
}

static void compares_what_a_group_has_already(void **state)
{
    static const struct {
        const char *cache, *bandwidth;
        const char *refused; /* NULL: it agrees */
    } cases[] = {
        {"L3:0=f;1=ff0", NULL, NULL},
        {"L3:1=0FF0;0=000f", "MB:0=50", NULL},
        {"L3:0=f", "MB: 0 = 50 ; 1=70", NULL},
        {"L3:0=ff", NULL, "linux.intelRdt.l3CacheSchema: group '"},
        {"L3:0=f;2=f", NULL, "linux.intelRdt.l3CacheSchema: group '"},
        {"L3", NULL, "linux.intelRdt.l3CacheSchema: group '"},
        {"L3CODE:0=f", NULL, "linux.intelRdt.l3CacheSchema: group '"},
        {NULL, "MB:0=51", "linux.intelRdt.memBwSchema: group '"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct oci_intel_rdt wanted = {.clos_id = (char[]){"gold"},
                                       .l3_cache_schema = (char *)(uintptr_t)cases[i].cache,
                                       .mem_bw_schema = (char *)(uintptr_t)cases[i].bandwidth};
        struct err e = {0};
        struct place p;
        int r;

        place_open(&p);
        write_file(&p, "gold/schemata", "    MB:0= 50;1= 70\n    L3:0=00f;1=ff0\n");
        r = make(&p, &wanted, &e);
        if ((r < 0) != !!cases[i].refused)
            fail_msg("case %zu: %s", i, r < 0 ? e.msg : "taken");
        if (cases[i].refused && !strstr(e.msg, cases[i].refused))
            fail_msg("case %zu: %s", i, e.msg);
        place_close(&p);
    }
}

static void counts_a_container_alone_when_it_is_monitored(void **state)
{
    const struct oci_intel_rdt cases[] = {{.clos_id = (char[]){"/"}, .enable_monitoring = true},
                                          {.clos_id = (char[]){"/"}, .enable_cmt = true},
                                          {.clos_id = (char[]){"/"}, .enable_mbm = true}};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct err e = {0};
        struct place p;

        place_open(&p);
        write_file(&p, "mon_groups/other/tasks", "");
        made(&p, &cases[i]);
        want_file(&p, "tasks", "77");
        want_file(&p, "mon_groups/box/tasks", "77");
        assert_int_equal(sys_remove_tree(AT_FDCWD, p.r.monitor), 0);
        assert_int_equal(mkdir(p.r.monitor, 0755), 0);
        assert_int_equal(rdt_remove(&p.r, &e), 0);
        assert_false(exists(&p, "mon_groups/box"));
        assert_true(exists(&p, "mon_groups/other"));
        place_close(&p);
    }
}

static void tells_the_kernels_reason(void **state)
{
    struct oci_intel_rdt wanted = {.l3_cache_schema = (char[]){"L3:0=f"}};
    struct err e = {0};
    struct place p;

    (void)state;
    place_open(&p);
    write_file(&p, "box", "a file where the group would be");
    write_file(&p, "info/last_cmd_status", "Out of CLOSIDs\n");
    assert_int_equal(make(&p, &wanted, &e), -1);
    assert_non_null(strstr(e.msg, "last_cmd_status: Out of CLOSIDs: "));
    place_close(&p);
}

static void tells_what_a_group_uses(void **state)
{
    struct oci_intel_rdt wanted = {.l3_cache_schema = (char[]){"L3:0=f"},
                                   .mem_bw_schema = (char[]){"MB:0=20"}};
    struct json_object *o = NULL;
    auto_free char *text = NULL;
    struct err e = {0};
    struct place p;

    (void)state;
    place_open(&p);
    made(&p, &wanted);
    write_file(&p, "box/mon_data/mon_L3_01/llc_occupancy", "300\n");
    write_file(&p, "box/mon_data/mon_L3_00/llc_occupancy", "200\n");
    write_file(&p, "box/mon_data/mon_L3_00/mbm_total_bytes", "30\n");
    write_file(&p, "box/mon_data/mon_L3_00/mbm_local_bytes", "Unavailable\n");
    if (rdt_stats(&p.r, &o, &e) < 0)
        fail_msg("%s", e.msg);
    text = json_print(o, false);
    json_object_put(o);
    assert_string_equal(
        text,
        "{\"l3_cache_info\":{\"cbm_mask\":\"7ff\",\"min_cbm_bits\":1,\"num_closids\":16},"
        "\"l3_cache_schema_root\":\"L3:0=7ff;1=7ff\",\"l3_cache_schema\":\"L3:0=f\","
        "\"mem_bw_info\":{\"bandwidth_gran\":10,\"delay_linear\":1,\"min_bandwidth\":10,"
        "\"num_closids\":8},\"mem_bw_schema_root\":\"MB:0=100;1=100\",\"mem_bw_schema\":"
        "\"MB:0=20\",\"schemata\":[\"L3:0=f\",\"MB:0=20\"],\"mbm_stats\":[{\"mbm_total_bytes\":"
        "30},{}],\"cmt_stats\":[{\"llc_occupancy\":200},{\"llc_occupancy\":300}]}");
    place_close(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gives_a_container_its_own_group_by_its_id),
        cmocka_unit_test(writes_no_schemata_that_nobody_asked_for),
        cmocka_unit_test(leaves_a_group_with_a_name_alone),
        cmocka_unit_test(puts_into_the_default_class_by_a_slash),
        cmocka_unit_test(compares_what_a_group_has_already),
        cmocka_unit_test(counts_a_container_alone_when_it_is_monitored),
        cmocka_unit_test(tells_the_kernels_reason),
        cmocka_unit_test(tells_what_a_group_uses),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
