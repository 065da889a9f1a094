/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/str.h"
#include "base/strv.h"
#include "cgroup/unit.h"

/* "A=1 B='x' C=[a b] D=0a" */
static char *properties_text(const struct unit_properties *p)
{
    struct str s = STR_INIT(4096);

    VEC_FOREACH (x, &p->list) {
        auto_free char *list = strv_join(x->list, " ");

        str_addf(&s, "%s%s=", s.len ? " " : "", x->name);
        if (x->type == SYS_UNIT_STRING)
            str_addf(&s, "'%s'", x->text);
        else if (x->type == SYS_UNIT_STRINGS || x->type == SYS_UNIT_PAIRS)
            str_addf(&s, "[%s]", list);
        else if (x->type == SYS_UNIT_BYTES)
            for (uint64_t i = 0; i < x->number; i++)
                str_addf(&s, "%02x", (unsigned char)x->text[i]);
        else if (x->number == UINT64_MAX)
            str_add(&s, "max");
        else
            str_addf(&s, "%lld", (long long)x->number);
    }
    return str_take(&s);
}

static void slices_nest_by_name(void **state)
{
    static const struct {
        const char *slice, *want;
    } rows[] = {{"system.slice", "system.slice"},
                {"a-b-c.slice", "a.slice/a-b.slice/a-b-c.slice"},
                {"-.slice", ""},
                {".slice", NULL},
                {"a--b.slice", NULL},
                {"-a.slice", NULL},
                {"a-.slice", NULL},
                {"a/b.slice", NULL},
                {"a", NULL},
                {"", NULL}};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        auto_free char *path = unit_expand_slice(rows[i].slice, NULL);

        if (!str_equal(path, rows[i].want))
            fail_msg("'%s' gives '%s'", rows[i].slice, path);
    }
}

static void a_path_names_a_scope(void **state)
{
    static const struct {
        const char *path;
        bool is_user;
        const char *slice, *unit; /* unit NULL: the error is in slice */
    } rows[] = {
        {NULL, false, "system.slice", "dhow-x1.scope"},
        {NULL, true, "user.slice", "dhow-x1.scope"},
        {"machine.slice:libpod:abc", false, "machine.slice", "libpod-abc.scope"},
        {":cri-containerd:abc", false, "system.slice", "cri-containerd-abc.scope"},
        {"a.slice::abc", false, "a.slice", "abc.scope"},
        {"/a/b", false,
         "expected cgroupsPath to be of format \"slice:prefix:name\" for systemd cgroups, got "
         "\"/a/b\" instead",
         NULL},
        {"a:b:c:d", false, "expected cgroupsPath", NULL},
        {"a.slice:b:", false, "a container's unit cannot be ''", NULL},
        {"a.slice:b:c.slice", false, "a container's unit cannot be 'c.slice'", NULL},
        {"a.slice:b:../c", false, "invalid unit name: b-../c.scope", NULL},
        {"a.slice:b:c d", false, "invalid unit name", NULL},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        auto_free char *slice = NULL;
        auto_free char *unit = NULL;
        struct err e = {0};
        int r = unit_parse_path(rows[i].path, "x1", rows[i].is_user, &slice, &unit, &e);

        if (rows[i].unit
                ? r < 0 || !str_equal(slice, rows[i].slice) || !str_equal(unit, rows[i].unit)
                : r == 0 || !str_starts_with(e.msg, rows[i].slice))
            fail_msg("row %zu: '%s' '%s' '%s'", i, slice, unit, e.msg);
    }
}

static void annotations_are_allow_listed_and_of_their_type(void **state)
{
    static const struct {
        const char *name, *value;
        const char *want; /* NULL: refused */
    } rows[] = {
        {"CollectMode", "'inactive-or-failed'", "CollectMode='inactive-or-failed'"},
        {"CollectMode", "\"a'b\"", "CollectMode='a'b'"},
        {"Description", "'a\\'b\\\\c'", "Description='a'b\\c'"},
        {"RuntimeMaxSec", "2", "RuntimeMaxUSec=2000000"},
        {"TimeoutStopSec", "uint64 5", "TimeoutStopUSec=5000000"},
        {"TimeoutStopSec", "1.5", "TimeoutStopUSec=1500000"},
        {"TimeoutStopSec", "double 0.000001", "TimeoutStopUSec=1"},
        {"TimeoutStopUSec", "@t 123456789", "TimeoutStopUSec=123456789"},
        {"TimeoutStopUSec", "uint64 18446744073709551615", "TimeoutStopUSec=max"},
        {"KillSignal", "int32 37", "KillSignal=37"},
        {"SendSIGHUP", "true", "SendSIGHUP=1"},
        {"SendSIGHUP", "false", "SendSIGHUP=0"},
        {"After", "['a.service', \"b.service\"]", "After=[a.service b.service]"},
        {"After", "@as []", "After=[]"},
        {"Before", " [ 'a' , ] ", "Before=[a]"},
        /* not its type, or more than a value */
        {"CollectMode", "inactive", NULL},
        {"CollectMode", "'x", NULL},
        {"CollectMode", "'x\\", NULL},
        {"CollectMode", "'x\n'", NULL},
        {"CollectMode", "'x' 'y'", NULL},
        {"RuntimeMaxSec", "-1", NULL},
        {"RuntimeMaxSec", "", NULL},
        {"RuntimeMaxSec", "1.", NULL},
        {"RuntimeMaxSec", "1.2345678", NULL},
        {"RuntimeMaxSec", "99999999999999999999", NULL},
        {"TimeoutStopUSec", "1.5", NULL},
        {"TimeoutStopUSec", "'5'", NULL},
        {"KillSignal", "4294967296", NULL},
        {"SendSIGHUP", "1", NULL},
        {"After", "['a'", NULL},
        {"After", "['a' 'b']", NULL},
        {"After", "['a'] x", NULL},
        /* what reaches beyond the scope (the class of CVE-2024-3154) */
        {"ExecStart", "'/bin/sh'", NULL},
        {"PIDs", "[uint32 1]", NULL},
        {"Slice", "'x.slice'", NULL},
        {"Conflicts", "['sshd.service']", NULL},
        {"Requires", "['evil.service']", NULL},
        {"OnFailure", "['evil.service']", NULL},
        {"DeviceAllow", "[('/dev/mem', 'rw')]", NULL},
        {"DevicePolicy", "'auto'", NULL},
        {"MemoryMax", "uint64 18446744073709551615", NULL},
        {"Delegate", "false", NULL},
        {"", "1", NULL},
        {"Sec", "1", NULL},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        auto_free char *entry =
            alloc_printf("org.systemd.property.%s=%s", rows[i].name, rows[i].value);
        char *annotations[] = {(char *)(uintptr_t) "org.other=1", entry, NULL};
        DHOW_CLEANUP(unit_properties_done) struct unit_properties p = {0};
        auto_free char *text = NULL;
        struct err e = {0};
        int r = unit_parse_annotations(annotations, &p, &e);

        text = properties_text(&p);
        if (rows[i].want ? r < 0 || !str_equal(text, rows[i].want) : r == 0)
            fail_msg("%s: '%s' %s", entry, text, e.msg);
        if (r < 0 && !strstr(e.msg, "annotation org.systemd.property."))
            fail_msg("'%s'", e.msg);
    }
}

static void sets_become_bits(void **state)
{
    static const struct {
        const char *text, *want; /* NULL: refused */
    } rows[] = {{"0", "01"},        {"0-2", "07"},     {"1,3-5", "3a"}, {"8", "0001"},
                {"0,15", "0180"},   {" 1 , 2 ", "06"}, {"0,", "01"},    {"", NULL},
                {",", NULL},        {"3-1", NULL},     {"a", NULL},     {"1-", NULL},
                {"99999999", NULL}, {"-1", NULL}};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        auto_free char *bytes = NULL;
        auto_str hex = STR_INIT(100);
        size_t n = 0;
        int r = unit_parse_set(rows[i].text, &bytes, &n);

        for (size_t k = 0; r == 0 && k < n; k++)
            str_addf(&hex, "%02x", (unsigned char)bytes[k]);
        if (rows[i].want ? r < 0 || !str_equal(str_text(&hex), rows[i].want) : r == 0)
            fail_msg("'%s' gives '%s'", rows[i].text, str_text(&hex));
    }
}

static void limits_become_properties(void **state)
{
    static const struct {
        struct oci_memory memory;
        struct oci_cpu cpu;
        int64_t pids;
        const char *unified;
        struct cgroup_now now;
        unsigned version;
        const char *v1, *v2;
    } rows[] = {
        {.v1 = "", .v2 = ""},
        {.memory = {.limit = {true, 100}, .reservation = {true, 50}, .swap = {true, 300}},
         .v1 = "MemoryLimit=100",
         .v2 = "MemoryMax=100 MemoryLow=50 MemorySwapMax=200"},
        {.memory = {.limit = {true, -1}},
         .v1 = "MemoryLimit=max",
         .v2 = "MemoryMax=max MemorySwapMax=max"},
        {.memory = {.swap = {true, 80}},
         .now = {.memory_limit = {true, 50}},
         .v1 = "",
         .v2 = "MemorySwapMax=30"},
        {.cpu = {.shares = {true, 1024}, .quota = {true, 500000}, .period = {true, 1000000}},
         .version = 252,
         .v1 = "CPUShares=1024 CPUQuotaPeriodUSec=1000000 CPUQuotaPerSecUSec=500000",
         .v2 = "CPUWeight=39 CPUQuotaPeriodUSec=1000000 CPUQuotaPerSecUSec=500000"},
        {.cpu = {.period = {true, 900000}},
         .now = {.cpu_quota = {true, 500000}, .cpu_period = {true, 1000000}},
         .version = 241,
         .v1 = "CPUQuotaPerSecUSec=560000", /* whole percents, upwards */
         .v2 = "CPUQuotaPerSecUSec=560000"},
        {.cpu = {.quota = {true, -1}},
         .now = {.cpu_quota = {true, 5}, .cpu_period = {true, 1000}},
         .version = 252,
         .v1 = "CPUQuotaPeriodUSec=1000 CPUQuotaPerSecUSec=max",
         .v2 = "CPUQuotaPeriodUSec=1000 CPUQuotaPerSecUSec=max"},
        {.cpu = {.cpus = (char *)(uintptr_t) "0-1", .mems = (char *)(uintptr_t) "0"},
         .version = 252,
         .v1 = "AllowedCPUs=03 AllowedMemoryNodes=01",
         .v2 = "AllowedCPUs=03 AllowedMemoryNodes=01"},
        {.cpu = {.cpus = (char *)(uintptr_t) "0-1"}, .version = 239, .v1 = "", .v2 = ""},
        {.pids = 20, .v1 = "TasksMax=20", .v2 = "TasksMax=20"},
        {.pids = -1, .v1 = "TasksMax=max", .v2 = "TasksMax=max"},
        {.unified = "memory.high=max", .v1 = "", .v2 = "MemoryHigh=max"},
        {.unified = "pids.max=42", .v1 = "", .v2 = "TasksMax=42"},
        {.unified = "cpu.max=10000 100000", .v1 = "", .v2 = "CPUQuotaPerSecUSec=100000"},
        {.unified = "cpu.max=max", .v1 = "", .v2 = "CPUQuotaPerSecUSec=max"},
        {.unified = "cpu.max=max 0", .v1 = "", .v2 = "error"},
        {.unified = "cpu.max=1 2 3", .v1 = "", .v2 = "error"},
        {.unified = "cpu.weight=x", .v1 = "", .v2 = "error"},
        {.unified = "cpuset.cpus=1\n", .version = 252, .v1 = "", .v2 = "AllowedCPUs=02"},
        {.unified = "memory.oom.group=1", .v1 = "", .v2 = ""},
    };

    (void)state;
    for (size_t i = 0; i < 2 * ARRAY_LEN(rows); i++) {
        bool is_v1 = i % 2;
        struct oci_memory memory = rows[i / 2].memory;
        struct oci_cpu cpu = rows[i / 2].cpu;
        struct oci_pids pids = {{true, rows[i / 2].pids}};
        char *unified[] = {(char *)(uintptr_t)rows[i / 2].unified, NULL};
        struct oci_resources r = {.memory = &memory,
                                  .cpu = &cpu,
                                  .pids = &pids,
                                  .unified = unified};
        DHOW_CLEANUP(unit_properties_done) struct unit_properties p = {0};
        auto_free char *text = NULL;
        const char *want = is_v1 ? rows[i / 2].v1 : rows[i / 2].v2;

        if (unit_limits(&r, is_v1, &rows[i / 2].now, rows[i / 2].version, &p, NULL) < 0)
            text = alloc_strdup("error");
        else
            text = properties_text(&p);
        if (!str_equal(text, want))
            fail_msg("row %zu, v%d: '%s'", i / 2, is_v1 ? 1 : 2, text);
    }
}

static void devices_have_names(void **state)
{
    static const char proc_devices[] = "Character devices:\n  1 mem\n  4 /dev/vc/0\n136 pts\n\n"
                                       "Block devices:\n  8 sd\n254 virtblk\n";
    struct oci_device_rule rules[] =
        {{.allow = false},
         {true, (char *)(uintptr_t) "b", {true, 8}, {false, 0}, (char *)(uintptr_t) "r"},
         {true, (char *)(uintptr_t) "b", {true, 9}, {false, 0}, (char *)(uintptr_t) "r"},
         {true, (char *)(uintptr_t) "c", {true, 10}, {true, 229}, (char *)(uintptr_t) "rw"}};
    struct oci_resources r = {.devices = {rules, 4, 4}};
    DHOW_CLEANUP(device_rules_done) struct device_rules d = {0}, all = {.allows_all = true};
    DHOW_CLEANUP(unit_properties_done) struct unit_properties p = {0}, open = {0};
    auto_free char *text = NULL;
    auto_free char *open_text = NULL;

    (void)state;
    device_rules_make(&r, 0, &d);
    assert_int_equal(unit_devices(&d, proc_devices, &p, NULL), 0);
    text = properties_text(&p);
    if (!str_starts_with(text, "DevicePolicy='strict' DeviceAllow=[] DeviceAllow=[block-sd r "
                               "/dev/char/10:229 rw char-* m block-* m /dev/char/1:3 rwm "))
        fail_msg("'%s'", text);
    assert_non_null(strstr(text, " char-pts rwm]"));
    assert_int_equal(unit_devices(&all, proc_devices, &open, NULL), 0);
    open_text = properties_text(&open);
    assert_string_equal(open_text, "DevicePolicy='auto' DeviceAllow=[]");
}

static void a_version_has_a_number(void **state)
{
    (void)state;
    assert_int_equal(unit_parse_version("252.38-1~deb12u1"), 252);
    assert_int_equal(unit_parse_version("v245.4-1.fc32"), 245);
    assert_int_equal(unit_parse_version("x"), 0);
    assert_int_equal(unit_parse_version(""), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(slices_nest_by_name),
        cmocka_unit_test(a_path_names_a_scope),
        cmocka_unit_test(annotations_are_allow_listed_and_of_their_type),
        cmocka_unit_test(sets_become_bits),
        cmocka_unit_test(limits_become_properties),
        cmocka_unit_test(devices_have_names),
        cmocka_unit_test(a_version_has_a_number),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
