/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/str.h"
#include "base/strv.h"
#include "oci/spec.h"

#define HEAD          "{\"ociVersion\":\"1.0.2\",\"root\":{\"path\":\"rootfs\"}"
#define LINUX(inside) HEAD ",\"linux\":{" inside "}}"
#define PROCESS(inside)                                                                            \
    HEAD ",\"process\":{\"args\":[\"sh\"],\"cwd\":\"/\"" inside "}"                                \
         "}"

static void refused(const char *text, enum err_kind kind, const char *part)
{
    struct oci_spec s = {0};
    struct err e = {0};

    if (oci_spec_parse(text, strlen(text), &s, &e) == 0)
        fail_msg("accepted: %s", text);
    if (e.kind != kind || !strstr(e.msg, part))
        fail_msg("%s: got %s '%s', wanted '%s'", text, err_kind_name(e.kind), e.msg, part);
    assert_null(s.oci_version);
}

static void parse(const char *text, struct oci_spec *ret)
{
    struct err e = {0};

    if (oci_spec_parse(text, strlen(text), ret, &e) < 0)
        fail_msg("%s: %s", text, e.msg);
}

/* The fuzzer's seed: every field of the specification. */
static void read_full(struct str *text)
{
    const char *top = getenv("DHOW_TOP");
    auto_free char *path = alloc_printf("%s/tests/fuzz/config/full.json", top ? top : ".");
    FILE *f = fopen(path, "re");
    char block[4096];
    size_t n;

    if (!f)
        fail_msg("open '%s': %s", path, strerror(errno));
    while ((n = fread(block, 1, sizeof(block), f)) > 0)
        str_add_bytes(text, block, n);
    fclose(f);
}

static void every_field_arrives(void **state)
{
    DHOW_CLEANUP(oci_spec_done) struct oci_spec s = {0};
    auto_str text = STR_INIT(1 << 20);
    const char *path = NULL;

    (void)state;
    read_full(&text);
    parse(str_text(&text), &s);
    assert_string_equal(s.annotations[0], "a=b=c");
    assert_int_equal(s.process->user.additional_gids.len, 2);
    assert_int_equal(s.process->user.umask.value, 18);
    assert_true(s.process->rlimits.items[0].hard == UINT64_MAX);
    assert_int_equal(s.process->oom_score_adj.value, 100);
    assert_int_equal(s.process->scheduler->period, 30000000);
    assert_int_equal(s.mounts.items[1].uid_mappings.items[0].host_id, 100000);
    assert_true(oci_spec_has_namespace(&s, "network", &path));
    assert_string_equal(path, "/proc/1/ns/net");
    assert_false(oci_spec_has_namespace(&s, "disk", &path));
    assert_string_equal(s.hooks->create_runtime.items[1].path, "/usr/bin/b");
    assert_string_equal(s.hooks->prestart.items[0].args[1], "a");
    assert_int_equal(s.hooks->prestart.items[0].timeout.value, 5);
    assert_string_equal(s.linux->time_offsets.items[1].clock, "boottime");
    assert_int_equal(s.linux->time_offsets.items[1].secs, -604800);
    assert_string_equal(s.linux->net_devices.items[0].host_name, "eth0");
    assert_string_equal(s.linux->net_devices.items[0].name, "container_eth0");
    assert_null(s.linux->net_devices.items[1].name);
    assert_int_equal(s.linux->resources->devices.items[1].minor.value, -1);
    assert_true(s.linux->resources->memory->swappiness.is_set);
    assert_int_equal(s.linux->resources->pids->limit.value, 32771);
    assert_true(s.linux->resources->block_io->throttle_write_bps_device.items[0].rate ==
                UINT64_MAX);
    assert_string_equal(s.linux->resources->rdma.items[1].device, "rxe3");
    assert_false(s.linux->resources->rdma.items[1].hca_handles.is_set);
    assert_true(s.linux->resources->rdma.items[1].hca_objects.is_set);
    assert_string_equal(s.linux->seccomp->syscalls.items[0].args.items[0].op, "SCMP_CMP_MASKED_EQ");
    assert_string_equal(s.linux->sysctl[0], "net.ipv4.ip_forward=1");
}

static bool says_nothing(struct json_object *o)
{
    switch (json_object_get_type(o)) {
    case json_type_array:
        return json_object_array_length(o) == 0;
    case json_type_object:
        return json_object_object_length(o) == 0;
    case json_type_string:
        return json_object_get_string_len(o) == 0;
    case json_type_null:
    case json_type_boolean:
    case json_type_double:
    case json_type_int:
        break;
    }
    return !json_object_get_boolean(o);
}

/* All that `want` says, `got` says too. */
static void assert_holds(struct json_object *got, struct json_object *want, const char *key)
{
    if (json_object_is_type(want, json_type_object)) {
        json_object_object_foreach(want, name, value)
        {
            struct json_object *member = json_object_object_get(got, name);

            if (member || !says_nothing(value))
                assert_holds(member, value, name);
        }
    } else if (json_object_is_type(want, json_type_array)) {
        for (size_t i = 0; i < json_object_array_length(want); i++)
            assert_holds(json_object_array_get_idx(got, i), json_object_array_get_idx(want, i),
                         key);
    } else if (!json_object_equal(got, want)) {
        fail_msg("%s: %s became %s", key, json_object_to_json_string(want),
                 json_object_to_json_string(got));
    }
}

static void a_spec_survives_encoding(void **state)
{
    DHOW_CLEANUP(oci_spec_done) struct oci_spec s = {0}, again = {0};
    auto_str text = STR_INIT(1 << 20);
    auto_free char *first = NULL, *second = NULL;
    auto_json *want = NULL, *got = NULL;

    (void)state;
    read_full(&text);
    parse(str_text(&text), &s);
    first = json_encode_text(&oci_spec_json, &s);
    parse(first, &again);
    second = json_encode_text(&oci_spec_json, &again);
    assert_string_equal(first, second);
    assert_int_equal(json_parse(text.s, text.len, text.len, &want, NULL), 0);
    assert_int_equal(json_parse(first, strlen(first), SIZE_MAX, &got, NULL), 0);
    assert_holds(got, want, "");
}

static void malformed_specs_are_refused_by_field(void **state)
{
    static const struct {
        const char *text;
        enum err_kind kind;
        const char *part;
    } rows[] = {
        {"[]", ERR_INVALID, ""},
        {"{\"root\":{\"path\":\"/\"}}", ERR_INVALID, "ociVersion"},
        {"{\"ociVersion\":\"2.0.0\",\"root\":{\"path\":\"/\"}}", ERR_UNSUPPORTED, "ociVersion"},
        {"{\"ociVersion\":\"1\",\"root\":{\"path\":\"/\"}}", ERR_INVALID, "ociVersion"},
        {"{\"ociVersion\":\"1.0\",\"root\":{\"path\":\"\"}}", ERR_INVALID, "root.path"},
        {"{\"ociVersion\":\"1.0\"}", ERR_INVALID, "root"},
        {HEAD ",\"vm\":{}}", ERR_UNSUPPORTED, "vm"},
        {HEAD ",\"hostname\":\"x\"}", ERR_INVALID, "hostname"},
        {HEAD ",\"process\":{\"args\":[],\"cwd\":\"/\"}}", ERR_INVALID, "process.args"},
        {HEAD ",\"process\":{\"args\":[\"a\"],\"cwd\":\"x\"}}", ERR_INVALID, "process.cwd"},
        {PROCESS(",\"env\":[\"A=1\",\"B\"]"), ERR_INVALID, "process.env[1]"},
        {PROCESS(",\"env\":[\"=x\"]"), ERR_INVALID, "process.env[0]"},
        {PROCESS(",\"rlimits\":[{\"type\":\"NOFILE\",\"soft\":1,\"hard\":1}]"), ERR_INVALID,
         "process.rlimits[0].type"},
        {PROCESS(",\"rlimits\":[{\"type\":\"RLIMIT_CPU\",\"soft\":2,\"hard\":1}]"), ERR_INVALID,
         "above hard"},
        {PROCESS(",\"rlimits\":[{\"type\":\"RLIMIT_CPU\",\"soft\":1,\"hard\":1},"
                 "{\"type\":\"RLIMIT_CPU\",\"soft\":1,\"hard\":1}]"),
         ERR_INVALID, "twice"},
        {PROCESS(",\"oomScoreAdj\":1001"), ERR_INVALID, "oomScoreAdj"},
        {PROCESS(",\"user\":{\"uid\":4294967296,\"gid\":0}"), ERR_INVALID, "process.user.uid"},
        {PROCESS(",\"user\":{\"uid\":-1,\"gid\":0}"), ERR_INVALID, "process.user.uid"},
        {PROCESS(",\"user\":{\"uid\":0,\"gid\":0,\"umask\":4096}"), ERR_INVALID, "umask"},
        {PROCESS(",\"scheduler\":{}"), ERR_INVALID, "process.scheduler.policy: missing"},
        {HEAD ",\"mounts\":[{\"destination\":\"data\"}]}", ERR_INVALID, "mounts[0].destination"},
        {LINUX("\"namespaces\":[{\"type\":\"disk\"}]"), ERR_INVALID, "namespaces[0].type"},
        {LINUX("\"namespaces\":[{\"type\":\"pid\"},{\"type\":\"pid\"}]"), ERR_INVALID, "twice"},
        {LINUX("\"namespaces\":[{\"type\":\"pid\",\"path\":\"x\"}]"), ERR_INVALID, "namespaces"},
        {LINUX("\"namespaces\":[{\"type\":\"user\"}]"), ERR_INVALID, "uidMappings"},
        {LINUX("\"uidMappings\":[{\"containerID\":0,\"hostID\":0,\"size\":1}]"), ERR_INVALID,
         "new user namespace"},
        {LINUX("\"namespaces\":[{\"type\":\"user\"}],\"uidMappings\":[{\"containerID\":1,"
               "\"hostID\":0,\"size\":4294967295}],\"gidMappings\":[{\"containerID\":0,"
               "\"hostID\":0,\"size\":1}]"),
         ERR_INVALID, "too long"},
        {LINUX("\"devices\":[{\"type\":\"x\",\"path\":\"/dev/a\"}]"), ERR_INVALID,
         "devices[0].type"},
        {LINUX("\"devices\":[{\"type\":\"c\",\"path\":\"/dev/a\",\"major\":4096}]"), ERR_INVALID,
         "device number"},
        {LINUX("\"cgroupsPath\":\"/a/../../b\""), ERR_INVALID, "cgroupsPath"},
        {LINUX("\"rootfsPropagation\":\"sideways\""), ERR_INVALID, "rootfsPropagation"},
        {LINUX("\"sysctl\":{\"kernel/core_pattern\":\"x\"}"), ERR_INVALID, "sysctl"},
        {LINUX("\"sysctl\":{\"net..x\":\"1\"}"), ERR_INVALID, "sysctl"},
        {LINUX("\"sysctl\":{\"net.a\":\"1\\nx\"}"), ERR_INVALID, "sysctl"},
        {LINUX("\"sysctl\":{\"kernel.a\\nkernel.b\":\"1\"}"), ERR_INVALID, "sysctl"},
        {LINUX("\"maskedPaths\":[\"proc\"]"), ERR_INVALID, "maskedPaths"},
        {LINUX("\"resources\":{\"devices\":[{\"allow\":true,\"access\":\"rx\"}]}"), ERR_INVALID,
         "access"},
        {LINUX("\"resources\":{\"memory\":{\"swap\":5}}"), ERR_INVALID, "swap"},
        {LINUX("\"resources\":{\"memory\":{\"limit\":6,\"swap\":5}}"), ERR_INVALID, "swap"},
        {LINUX("\"resources\":{\"memory\":{\"swappiness\":101}}"), ERR_INVALID, "swappiness"},
        {LINUX("\"resources\":{\"cpu\":{\"cpus\":\"0 1\"}}"), ERR_INVALID, "cpus"},
        {LINUX("\"resources\":{\"cpu\":{\"period\":10}}"), ERR_INVALID, "period"},
        {LINUX("\"resources\":{\"unified\":{\"../x.y\":\"1\"}}"), ERR_INVALID, "unified"},
        {LINUX("\"seccomp\":{\"defaultAction\":\"allow\"}"), ERR_INVALID, "defaultAction"},
        {LINUX("\"seccomp\":{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[{\"names\":[],"
               "\"action\":\"SCMP_ACT_ALLOW\"}]}"),
         ERR_INVALID, "names"},
        {LINUX("\"seccomp\":{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[{\"names\":[\"a\"],"
               "\"action\":\"SCMP_ACT_ALLOW\",\"args\":[{\"index\":6,\"value\":0,\"op\":"
               "\"SCMP_CMP_EQ\"}]}]}"),
         ERR_INVALID, "args"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        refused(rows[i].text, rows[i].kind, rows[i].part);
}

static void ordinary_oddities_are_accepted(void **state)
{
    static const char *const texts[] = {
        LINUX("\"cgroupsPath\":\"system.slice:dhow:x\""),
        LINUX("\"cgroupsPath\":\"/a..b/c\""),
        LINUX("\"namespaces\":[{\"type\":\"user\",\"path\":\"/proc/1/ns/user\"}]"),
        LINUX("\"rootfsPropagation\":\"\",\"seccomp\":null"),
        HEAD ",\"x-unknown\":{\"a\":1},\"solaris\":{}}",
        PROCESS(",\"env\":null,\"rlimits\":[]"),
        LINUX("\"resources\":{\"memory\":{\"limit\":-1,\"swap\":-1}}"),
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        DHOW_CLEANUP(oci_spec_done) struct oci_spec s = {0};

        parse(texts[i], &s);
    }
}

static void too_many_mounts_are_refused(void **state)
{
    auto_str text = STR_INIT(1 << 20);

    (void)state;
    str_add(&text, HEAD ",\"mounts\":[");
    for (int i = 0; i < 4097; i++)
        str_add(&text, i ? ",{\"destination\":\"/a\"}" : "{\"destination\":\"/a\"}");
    str_add(&text, "]}");
    assert_false(text.too_big);
    refused(str_text(&text), ERR_LIMIT, "mounts");
}

static void added_mounts_split_their_options(void **state)
{
    DHOW_CLEANUP(oci_spec_done) struct oci_spec s = {0};
    const struct oci_mount *m;

    (void)state;
    oci_spec_add_mount(&s, "/proc", "proc", "proc", NULL);
    m = oci_spec_add_mount(&s, "/tmp", "tmpfs", "tmpfs", "nosuid,mode=1777");
    assert_int_equal(strv_len(m->options), 2);
    assert_string_equal(m->options[1], "mode=1777");
    assert_int_equal(s.mounts.len, 2);
    assert_null(s.mounts.items[0].options);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_field_arrives),
        cmocka_unit_test(a_spec_survives_encoding),
        cmocka_unit_test(malformed_specs_are_refused_by_field),
        cmocka_unit_test(ordinary_oddities_are_accepted),
        cmocka_unit_test(too_many_mounts_are_refused),
        cmocka_unit_test(added_mounts_split_their_options),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
