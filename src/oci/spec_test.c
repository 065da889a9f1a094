/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/str.h"
#include "base/strv.h"
#include "oci/spec.h"
#include "oci/testing.h"

#define HEAD              "{\"ociVersion\":\"1.0.2\",\"root\":{\"path\":\"rootfs\"}"
#define NEWER             "{\"ociVersion\":\"1.1.0\",\"root\":{\"path\":\"rootfs\"}"
#define LINUX(inside)     HEAD ",\"linux\":{" inside "}}"
#define RESOURCES(inside) LINUX("\"resources\":{" inside "}")
#define SECCOMP(inside)   LINUX("\"seccomp\":{" inside "}")
#define PROCESS_MEMBER(inside)                                                                     \
    ",\"process\":{\"args\":[\"sh\"],\"cwd\":\"/\"" inside "}"                                     \
    "}"
#define PROCESS(inside) HEAD PROCESS_MEMBER(inside)

/* With a message that begins so. */
static void refused(const char *text, enum err_kind kind, const char *message)
{
    struct oci_spec s = {0};
    struct err e = {0};

    if (oci_spec_parse(text, strlen(text), &s, &e) == 0)
        fail_msg("accepted: %s", text);
    if (e.kind != kind || !str_starts_with(e.msg, message))
        fail_msg("%s: got %s '%s', wanted '%s'", text, err_kind_name(e.kind), e.msg, message);
    assert_null(s.oci_version);
}

static void parse(const char *text, struct oci_spec *ret)
{
    struct err e = {0};

    if (oci_spec_parse(text, strlen(text), ret, &e) < 0)
        fail_msg("%s: %s", text, e.msg);
}

static void every_field_arrives(void **state)
{
    DHOW_CLEANUP(oci_spec_done) struct oci_spec s = {0};
    auto_str text = STR_INIT(1 << 20);
    const char *path = NULL;

    (void)state;
    testing_read(TESTING_SEED, &text);
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
    testing_read(TESTING_SEED, &text);
    parse(str_text(&text), &s);
    first = json_encode_text(&oci_spec_json, &s);
    parse(first, &again);
    second = json_encode_text(&oci_spec_json, &again);
    assert_string_equal(first, second);
    assert_int_equal(json_parse(text.s, text.len, text.len, &want, NULL), 0);
    assert_int_equal(json_parse(first, strlen(first), SIZE_MAX, &got, NULL), 0);
    assert_holds(got, want, "");
}

/* A line for each rule of spec_validate*.c. */
static const struct {
    const char *text;
    enum err_kind kind;
    const char *message;
} wrong_values[] = {
    {"{\"ociVersion\":\"\",\"root\":{\"path\":\"/\"}}", ERR_INVALID,
     "ociVersion: '' is not a version"},
    {"{\"ociVersion\":\"1\",\"root\":{\"path\":\"/\"}}", ERR_INVALID,
     "ociVersion: '1' is not a version"},
    {"{\"ociVersion\":\"1.\",\"root\":{\"path\":\"/\"}}", ERR_INVALID,
     "ociVersion: '1.' is not a version"},
    {"{\"ociVersion\":\"v1.0.0\",\"root\":{\"path\":\"/\"}}", ERR_INVALID,
     "ociVersion: 'v1.0.0' is not a version"},
    {"{\"ociVersion\":\"1.0.0.0\",\"root\":{\"path\":\"/\"}}", ERR_INVALID,
     "ociVersion: '1.0.0.0' is not a version"},
    {"{\"ociVersion\":\"1.0.0-\",\"root\":{\"path\":\"/\"}}", ERR_INVALID,
     "ociVersion: '1.0.0-' is not a version"},
    {"{\"ociVersion\":\"1.0.0 \",\"root\":{\"path\":\"/\"}}", ERR_INVALID,
     "ociVersion: '1.0.0 ' is not a version"},
    {"{\"ociVersion\":\"1.a.0\",\"root\":{\"path\":\"/\"}}", ERR_INVALID,
     "ociVersion: '1.a.0' is not a version"},
    {"{\"ociVersion\":\"invalid\",\"root\":{\"path\":\"/\"}}", ERR_INVALID,
     "ociVersion: 'invalid' is not a version"},
    {"{\"ociVersion\":\"-1.0.0\",\"root\":{\"path\":\"/\"}}", ERR_INVALID,
     "ociVersion: '-1.0.0' is not a version"},
    {"{\"ociVersion\":\"0.2.0\",\"root\":{\"path\":\"/\"}}", ERR_UNSUPPORTED,
     "ociVersion: '0.2.0' is not supported"},
    {"{\"ociVersion\":\"2.0.0\",\"root\":{\"path\":\"/\"}}", ERR_UNSUPPORTED,
     "ociVersion: '2.0.0' is not supported"},
    {"{\"ociVersion\":\"11.0.0\",\"root\":{\"path\":\"/\"}}", ERR_UNSUPPORTED,
     "ociVersion: '11.0.0' is not supported"},
    {"[]", ERR_INVALID, "spec: expected object, got array"},
    {"{\"root\":{\"path\":\"/\"}}", ERR_INVALID, "ociVersion: missing"},
    {"{\"ociVersion\":\"1.0\"}", ERR_INVALID, "root: missing"},
    {"{\"ociVersion\":\"1.0\",\"root\":{\"path\":\"\"}}", ERR_INVALID,
     "root.path: must not be empty"},
    {HEAD ",\"vm\":{}}", ERR_UNSUPPORTED, "vm: not supported"},
    {HEAD ",\"hostname\":\"x\"}", ERR_INVALID,
     "hostname: needs a uts namespace of the container's own"},
    {HEAD ",\"domainname\":\"x\"}", ERR_INVALID,
     "domainname: needs a uts namespace of the container's own"},
    {HEAD ",\"hostname\":\"0123456789012345678901234567890123456789012345678901234567890123x\"}",
     ERR_INVALID, "hostname: longer than 64 bytes"},
    {HEAD ",\"annotations\":{\"\":\"x\"}}", ERR_INVALID, "annotations: a key is empty"},
    {HEAD ",\"process\":{\"args\":[],\"cwd\":\"/\"}}", ERR_INVALID,
     "process.args: must not be empty"},
    {HEAD ",\"process\":{\"args\":[\"a\"],\"cwd\":\"x\"}}", ERR_INVALID,
     "process.cwd: 'x' is not an absolute path"},
    {PROCESS(",\"consoleSize\":{\"height\":65536,\"width\":1}"), ERR_INVALID,
     "process.consoleSize.height: above 65535"},
    {PROCESS(",\"consoleSize\":{\"height\":1,\"width\":65536}"), ERR_INVALID,
     "process.consoleSize.width: above 65535"},
    {PROCESS(",\"env\":[\"A=1\",\"B\"]"), ERR_INVALID, "process.env[1]: 'B' is not NAME=value"},
    {PROCESS(",\"env\":[\"=x\"]"), ERR_INVALID, "process.env[0]: '=x' is not NAME=value"},
    {PROCESS(",\"rlimits\":[{\"type\":\"NOFILE\",\"soft\":1,\"hard\":1}]"), ERR_INVALID,
     "process.rlimits[0].type: unknown value 'NOFILE'"},
    {PROCESS(",\"rlimits\":[{\"type\":\"RLIMIT_CPU\",\"soft\":2,\"hard\":1}]"), ERR_INVALID,
     "process.rlimits[0].soft: is above hard"},
    {PROCESS(",\"rlimits\":[{\"type\":\"RLIMIT_CPU\",\"soft\":1,\"hard\":1},{\"type\":\"RLIMIT_"
             "CPU\",\"soft\":1,\"hard\":1}]"),
     ERR_INVALID, "process.rlimits[1].type: 'RLIMIT_CPU' is there twice"},
    {PROCESS(",\"capabilities\":{\"permitted\":[\"CAP_KILL\"],\"effective\":[\"CAP_KILL\","
             "\"CAP_CHOWN\"]}"),
     ERR_INVALID, "process.capabilities.effective[1]: 'CAP_CHOWN' is not permitted"},
    {PROCESS(",\"oomScoreAdj\":1001"), ERR_INVALID,
     "process.oomScoreAdj: 1001 is not within -1000..1000"},
    {PROCESS(",\"oomScoreAdj\":-1001"), ERR_INVALID, "process.oomScoreAdj: -1001 is not within"},
    {PROCESS(",\"user\":{\"uid\":0,\"gid\":0,\"umask\":4096}"), ERR_INVALID,
     "process.user.umask: above 0777"},
    {PROCESS(",\"scheduler\":{}"), ERR_INVALID, "process.scheduler.policy: missing"},
    {PROCESS(",\"scheduler\":{\"policy\":\"SCHED_ODD\"}"), ERR_INVALID,
     "process.scheduler.policy: unknown value 'SCHED_ODD'"},
    {PROCESS(",\"scheduler\":{\"policy\":\"SCHED_OTHER\",\"flags\":[\"SCHED_FLAG_RECLAIM\","
             "\"X\"]}"),
     ERR_INVALID, "process.scheduler.flags[1]: unknown value 'X'"},
    {PROCESS(",\"scheduler\":{\"policy\":\"SCHED_BATCH\",\"nice\":20}"), ERR_INVALID,
     "process.scheduler.nice: 20 is not within -20..19"},
    {PROCESS(",\"scheduler\":{\"policy\":\"SCHED_FIFO\"}"), ERR_INVALID,
     "process.scheduler.priority: 0 is not within 1..99"},
    {PROCESS(",\"scheduler\":{\"policy\":\"SCHED_OTHER\",\"priority\":1}"), ERR_INVALID,
     "process.scheduler.priority: 'SCHED_OTHER' has none"},
    {PROCESS(",\"scheduler\":{\"policy\":\"SCHED_RR\",\"priority\":1,\"runtime\":1}"), ERR_INVALID,
     "process.scheduler.runtime: 'SCHED_RR' has none"},
    {PROCESS(",\"scheduler\":{\"policy\":\"SCHED_IDLE\",\"period\":1}"), ERR_INVALID,
     "process.scheduler.period: 'SCHED_IDLE' has none"},
    {PROCESS(",\"scheduler\":{\"policy\":\"SCHED_DEADLINE\",\"runtime\":2,\"deadline\":1}"),
     ERR_INVALID, "process.scheduler.runtime: is 0 or longer"},
    {PROCESS(",\"scheduler\":{\"policy\":\"SCHED_DEADLINE\",\"runtime\":1,\"deadline\":3,"
             "\"period\":2}"),
     ERR_INVALID, "process.scheduler.deadline: is longer than the period"},
    {PROCESS(",\"ioPriority\":{\"class\":\"BE\",\"priority\":0}"), ERR_INVALID,
     "process.ioPriority.class: unknown value 'BE'"},
    {PROCESS(",\"ioPriority\":{\"class\":\"IOPRIO_CLASS_BE\",\"priority\":8}"), ERR_INVALID,
     "process.ioPriority.priority: 8 is not within 0..7"},
    {PROCESS(",\"execCPUAffinity\":{\"initial\":\"0-\"}"), ERR_INVALID,
     "process.execCPUAffinity.initial: '0-' is not a list"},
    {PROCESS(",\"execCPUAffinity\":{\"final\":\"0,,1\"}"), ERR_INVALID,
     "process.execCPUAffinity.final: '0,,1' is not a list"},
    {HEAD ",\"mounts\":[{\"destination\":\"/a\"},{\"destination\":\"\"}]}", ERR_INVALID,
     "mounts[1].destination: '' is not an absolute path"},
    {HEAD ",\"mounts\":[{\"destination\":\"/"
          "a\",\"uidMappings\":[{\"containerID\":0,\"hostID\":0,\"size\":1}]}]}",
     ERR_INVALID, "mounts[0].uidMappings: goes together with gidMappings"},
    {HEAD ",\"mounts\":[{\"destination\":\"/"
          "a\",\"uidMappings\":[{\"containerID\":0,\"hostID\":0,\"size\":0}],\"gidMappings\":[{"
          "\"containerID\":0,\"hostID\":0,\"size\":1}]}]}",
     ERR_INVALID, "mounts[0].uidMappings[0].size: the range is empty"},
    {HEAD ",\"hooks\":{\"prestart\":[{\"path\":\"/a\"},{\"path\":\"b\"}]}}", ERR_INVALID,
     "hooks.prestart[1].path: 'b' is not an absolute path"},
    {HEAD ",\"hooks\":{\"poststop\":[{\"path\":\"/a\",\"env\":[\"A\"]}]}}", ERR_INVALID,
     "hooks.poststop[0].env[0]: 'A' is not NAME=value"},
    {HEAD ",\"hooks\":{\"startContainer\":[{\"path\":\"/a\",\"timeout\":0}]}}", ERR_INVALID,
     "hooks.startContainer[0].timeout: 0 is not within 1.."},
    {LINUX("\"namespaces\":[{\"type\":\"disk\"}]"), ERR_INVALID,
     "linux.namespaces[0].type: unknown value 'disk'"},
    {LINUX("\"namespaces\":[{\"type\":\"pid\"},{\"type\":\"pid\"}]"), ERR_INVALID,
     "linux.namespaces[1].type: 'pid' is there twice"},
    {LINUX("\"namespaces\":[{\"type\":\"pid\",\"path\":\"x\"}]"), ERR_INVALID,
     "linux.namespaces[0].path: 'x' is not an absolute path"},
    {LINUX("\"namespaces\":[{\"type\":\"user\"}]"), ERR_INVALID, "linux.uidMappings: missing"},
    {LINUX("\"namespaces\":[{\"type\":\"user\"}],\"uidMappings\":[{\"containerID\":0,"
           "\"hostID\":0,\"size\":1}]"),
     ERR_INVALID, "linux.gidMappings: missing"},
    {LINUX("\"gidMappings\":[{\"containerID\":0,\"hostID\":0,\"size\":1}]"), ERR_INVALID,
     "linux.gidMappings: needs a user namespace"},
    {LINUX("\"namespaces\":[{\"type\":\"user\"}],\"uidMappings\":[{\"containerID\":1,"
           "\"hostID\":0,\"size\":4294967295}],\"gidMappings\":[{\"containerID\":0,\"hostID\":"
           "0,\"size\":1}]"),
     ERR_INVALID, "linux.uidMappings[0].size: the range is empty or too long"},
    {LINUX("\"timeOffsets\":{\"monotonic\":{}}"), ERR_INVALID,
     "linux.timeOffsets: needs a new time namespace"},
    {LINUX("\"namespaces\":[{\"type\":\"time\"}],\"timeOffsets\":{\"realtime\":{}}"), ERR_INVALID,
     "linux.timeOffsets.realtime: unknown value 'realtime'"},
    {LINUX("\"namespaces\":[{\"type\":\"time\"}],\"timeOffsets\":{\"boottime\":{\"nanosecs\":"
           "1000000000}}"),
     ERR_INVALID, "linux.timeOffsets.boottime.nanosecs: above 999999999"},
    {LINUX("\"devices\":[{\"type\":\"x\",\"path\":\"/dev/a\"}]"), ERR_INVALID,
     "linux.devices[0].type: unknown value 'x'"},
    {LINUX("\"devices\":[{\"type\":\"c\",\"path\":\"a\"}]"), ERR_INVALID,
     "linux.devices[0].path: 'a' is not an absolute path"},
    {LINUX("\"devices\":[{\"type\":\"c\",\"path\":\"/dev/a\",\"major\":4096}]"), ERR_INVALID,
     "linux.devices[0].major: no such device number"},
    {LINUX("\"devices\":[{\"type\":\"c\",\"path\":\"/dev/a\",\"minor\":-1}]"), ERR_INVALID,
     "linux.devices[0].minor: no such device number"},
    {LINUX("\"devices\":[{\"type\":\"c\",\"path\":\"/dev/a\",\"fileMode\":65536}]"), ERR_INVALID,
     "linux.devices[0].fileMode: not a mode"},
    {LINUX("\"netDevices\":{\"eth0\":{}}"), ERR_INVALID,
     "linux.netDevices: needs a network namespace"},
    {LINUX("\"namespaces\":[{\"type\":\"network\"}],\"netDevices\":{\"a/b\":{}}"), ERR_INVALID,
     "linux.netDevices.a/b: 'a/b' is not a name"},
    {LINUX("\"namespaces\":[{\"type\":\"network\"}],\"netDevices\":{\"eth0\":{\"name\":"
           "\"0123456789abcdef\"}}"),
     ERR_INVALID, "linux.netDevices.eth0.name: '0123456789abcdef' is not a name"},
    {LINUX("\"cgroupsPath\":\"/a/../../b\""), ERR_INVALID,
     "linux.cgroupsPath: '/a/../../b' is not a path beneath the root"},
    {LINUX("\"rootfsPropagation\":\"sideways\""), ERR_INVALID,
     "linux.rootfsPropagation: unknown value 'sideways'"},
    {LINUX("\"sysctl\":{\"kernel/core_pattern\":\"x\"}"), ERR_INVALID,
     "linux.sysctl.kernel/core_pattern: not a name"},
    {LINUX("\"sysctl\":{\"net..x\":\"1\"}"), ERR_INVALID, "linux.sysctl.net..x: not a name"},
    {LINUX("\"sysctl\":{\"net.a\":\"1\\nx\"}"), ERR_INVALID, "linux.sysctl.net.a: has a newline"},
    {LINUX("\"sysctl\":{\"kernel.a\\nkernel.b\":\"1\"}"), ERR_INVALID,
     "linux.sysctl.kernel.a?kernel.b: not a name"},
    {LINUX("\"maskedPaths\":[\"/a\",\"proc\"]"), ERR_INVALID,
     "linux.maskedPaths[1]: 'proc' is not an absolute path"},
    {LINUX("\"readonlyPaths\":[\"proc\"]"), ERR_INVALID,
     "linux.readonlyPaths[0]: 'proc' is not an absolute path"},
    {LINUX("\"personality\":{\"domain\":\"BSD\"}"), ERR_INVALID,
     "linux.personality.domain: unknown value 'BSD'"},
    {LINUX("\"personality\":{\"domain\":\"LINUX\",\"flags\":[\"X\"]}"), ERR_INVALID,
     "linux.personality.flags[0]: unknown value 'X'"},
    {LINUX("\"intelRdt\":{\"closID\":\"..\"}"), ERR_INVALID,
     "linux.intelRdt.closID: '..' is not a name"},
    {LINUX("\"intelRdt\":{\"closID\":\"a/b\"}"), ERR_INVALID,
     "linux.intelRdt.closID: 'a/b' is not a name"},
    {LINUX("\"intelRdt\":{\"l3CacheSchema\":\"L3:0=f\\n\"}"), ERR_INVALID,
     "linux.intelRdt.l3CacheSchema: has a newline"},
    {LINUX("\"intelRdt\":{\"memBwSchema\":\"L3:0=f\"}"), ERR_INVALID,
     "linux.intelRdt.memBwSchema: does not begin with 'MB:'"},
    {LINUX("\"intelRdt\":{\"schemata\":[\"L3:0=f\",\"\\n\"]}"), ERR_INVALID,
     "linux.intelRdt.schemata[1]: has a newline"},
    {LINUX("\"memoryPolicy\":{\"mode\":\"MPOL_ODD\"}"), ERR_INVALID,
     "linux.memoryPolicy.mode: unknown value 'MPOL_ODD'"},
    {LINUX("\"memoryPolicy\":{\"mode\":\"MPOL_LOCAL\",\"nodes\":\"0\"}"), ERR_INVALID,
     "linux.memoryPolicy.nodes: 'MPOL_LOCAL' takes none"},
    {LINUX("\"memoryPolicy\":{\"mode\":\"MPOL_BIND\"}"), ERR_INVALID,
     "linux.memoryPolicy.nodes: 'MPOL_BIND' needs some"},
    {LINUX("\"memoryPolicy\":{\"mode\":\"MPOL_BIND\",\"nodes\":\"-1\"}"), ERR_INVALID,
     "linux.memoryPolicy.nodes: '-1' is not a list"},
    {LINUX("\"memoryPolicy\":{\"mode\":\"MPOL_DEFAULT\",\"flags\":[\"X\"]}"), ERR_INVALID,
     "linux.memoryPolicy.flags[0]: unknown value 'X'"},
    {PROCESS(",\"capabilities\":{\"bounding\":[\"CAP_KILL\",\"CAP_NEW\"]}"), ERR_INVALID,
     "process.capabilities.bounding[1]: unknown value 'CAP_NEW'"},
    {RESOURCES("\"devices\":[{\"allow\":true,\"type\":\"x\"}]"), ERR_INVALID,
     "linux.resources.devices[0].type: unknown value 'x'"},
    {RESOURCES("\"devices\":[{\"allow\":true,\"access\":\"rx\"}]"), ERR_INVALID,
     "linux.resources.devices[0].access: 'rx' is not of rwm"},
    {RESOURCES("\"devices\":[{\"allow\":true,\"major\":-2}]"), ERR_INVALID,
     "linux.resources.devices[0].major: -2 is not within -1..4095"},
    {RESOURCES("\"devices\":[{\"allow\":true,\"minor\":1048576}]"), ERR_INVALID,
     "linux.resources.devices[0].minor: 1048576 is not within"},
    {RESOURCES("\"memory\":{\"limit\":-2}"), ERR_INVALID,
     "linux.resources.memory.limit: -2 is below -1"},
    {RESOURCES("\"memory\":{\"kernelTCP\":-2}"), ERR_INVALID,
     "linux.resources.memory.kernelTCP: -2 is below -1"},
    {RESOURCES("\"memory\":{\"swap\":5}"), ERR_INVALID,
     "linux.resources.memory.swap: needs a memory limit"},
    {RESOURCES("\"memory\":{\"limit\":6,\"swap\":5}"), ERR_INVALID,
     "linux.resources.memory.swap: is below the memory limit"},
    {RESOURCES("\"memory\":{\"swappiness\":101}"), ERR_INVALID,
     "linux.resources.memory.swappiness: 101 is above 100"},
    {RESOURCES("\"cpu\":{\"cpus\":\"0 1\"}"), ERR_INVALID,
     "linux.resources.cpu.cpus: '0 1' is not a list"},
    {RESOURCES("\"cpu\":{\"mems\":\",0\"}"), ERR_INVALID,
     "linux.resources.cpu.mems: ',0' is not a list"},
    {RESOURCES("\"cpu\":{\"period\":10}"), ERR_INVALID,
     "linux.resources.cpu.period: not within 1000..1000000"},
    {RESOURCES("\"cpu\":{\"quota\":999}"), ERR_INVALID, "linux.resources.cpu.quota: below 1000"},
    {RESOURCES("\"cpu\":{\"quota\":1000,\"burst\":1001}"), ERR_INVALID,
     "linux.resources.cpu.burst: is above the quota"},
    {RESOURCES("\"cpu\":{\"realtimeRuntime\":-2}"), ERR_INVALID,
     "linux.resources.cpu.realtimeRuntime: -2 is below -1"},
    {RESOURCES("\"cpu\":{\"realtimePeriod\":18446744073709551615}"), ERR_INVALID,
     "linux.resources.cpu.realtimePeriod: 18446744073709551615 is above"},
    {RESOURCES("\"cpu\":{\"idle\":2}"), ERR_INVALID,
     "linux.resources.cpu.idle: 2 is not within 0..1"},
    {RESOURCES("\"pids\":{\"limit\":-2}"), ERR_INVALID,
     "linux.resources.pids.limit: -2 is below -1"},
    {RESOURCES("\"blockIO\":{\"weight\":9}"), ERR_INVALID,
     "linux.resources.blockIO.weight: not within 10..1000"},
    {RESOURCES("\"blockIO\":{\"leafWeight\":1001}"), ERR_INVALID,
     "linux.resources.blockIO.leafWeight: not within 10..1000"},
    {RESOURCES("\"blockIO\":{\"weightDevice\":[{\"major\":8,\"minor\":0}]}"), ERR_INVALID,
     "linux.resources.blockIO.weightDevice[0].weight: missing, and leafWeight too"},
    {RESOURCES("\"blockIO\":{\"weightDevice\":[{\"major\":8,\"minor\":0,\"leafWeight\":1}]}"),
     ERR_INVALID, "linux.resources.blockIO.weightDevice[0].leafWeight: not within"},
    {RESOURCES("\"blockIO\":{\"throttleReadBpsDevice\":[{\"major\":-1,\"minor\":0,\"rate\":0}]}"),
     ERR_INVALID, "linux.resources.blockIO.throttleReadBpsDevice[0].major: no such"},
    {RESOURCES("\"blockIO\":{\"throttleWriteBpsDevice\":[{\"major\":1,\"minor\":-1,\"rate\":0}]}"),
     ERR_INVALID, "linux.resources.blockIO.throttleWriteBpsDevice[0].minor: no such"},
    {RESOURCES(
         "\"blockIO\":{\"throttleReadIOPSDevice\":[{\"major\":9999,\"minor\":0,\"rate\":0}]}"),
     ERR_INVALID, "linux.resources.blockIO.throttleReadIOPSDevice[0].major: no such"},
    {RESOURCES(
         "\"blockIO\":{\"throttleWriteIOPSDevice\":[{\"major\":9999,\"minor\":0,\"rate\":0}]}"),
     ERR_INVALID, "linux.resources.blockIO.throttleWriteIOPSDevice[0].major: no such"},
    {RESOURCES("\"hugepageLimits\":[{\"pageSize\":\"2MB\",\"limit\":1},{\"pageSize\":\"64kB\","
               "\"limit\":1}]"),
     ERR_INVALID, "linux.resources.hugepageLimits[1].pageSize: '64kB' is not a size"},
    {RESOURCES("\"network\":{\"classID\":4294967296}"), ERR_INVALID,
     "linux.resources.network.classID: 4294967296 is above 4294967295"},
    {RESOURCES("\"network\":{\"priorities\":[{\"name\":\"a b\",\"priority\":1}]}"), ERR_INVALID,
     "linux.resources.network.priorities[0].name: 'a b' is not a name"},
    {RESOURCES("\"rdma\":{\"a/b\":{\"hcaHandles\":1}}"), ERR_INVALID,
     "linux.resources.rdma.a/b: not a name"},
    {RESOURCES("\"rdma\":{\"mlx5_1\":{}}"), ERR_INVALID,
     "linux.resources.rdma.mlx5_1.hcaHandles: missing, and hcaObjects too"},
    {RESOURCES("\"rdma\":{\"mlx5_1\":{\"hcaHandles\":4294967296}}"), ERR_INVALID,
     "linux.resources.rdma.mlx5_1.hcaHandles: 4294967296 is above"},
    {RESOURCES("\"rdma\":{\"mlx5_1\":{\"hcaObjects\":4294967296}}"), ERR_INVALID,
     "linux.resources.rdma.mlx5_1.hcaObjects: 4294967296 is above"},
    {RESOURCES("\"unified\":{\"../x.y\":\"1\"}"), ERR_INVALID,
     "linux.resources.unified.../x.y: not a file name"},
    {RESOURCES("\"unified\":{\"memory\":\"1\"}"), ERR_INVALID,
     "linux.resources.unified.memory: not a file name"},
    {SECCOMP("\"defaultAction\":\"allow\""), ERR_INVALID,
     "linux.seccomp.defaultAction: unknown value 'allow'"},
    {SECCOMP("\"defaultAction\":\"SCMP_ACT_ALLOW\",\"defaultErrnoRet\":1"), ERR_INVALID,
     "linux.seccomp.defaultErrnoRet: 'SCMP_ACT_ALLOW' has none"},
    {SECCOMP("\"defaultAction\":\"SCMP_ACT_ERRNO\",\"defaultErrnoRet\":65536"), ERR_INVALID,
     "linux.seccomp.defaultErrnoRet: 65536 is above 65535"},
    {SECCOMP("\"defaultAction\":\"SCMP_ACT_LOG\",\"architectures\":[\"SCMP_ARCH_X86\",\"SCMP_"
             "ARCH_VAX\"]"),
     ERR_INVALID, "linux.seccomp.architectures[1]: unknown value 'SCMP_ARCH_VAX'"},
    {SECCOMP("\"defaultAction\":\"SCMP_ACT_LOG\",\"flags\":[\"SECCOMP_FILTER_FLAG_ODD\"]"),
     ERR_INVALID, "linux.seccomp.flags[0]: unknown value 'SECCOMP_FILTER_FLAG_ODD'"},
    {SECCOMP("\"defaultAction\":\"SCMP_ACT_LOG\",\"listenerMetadata\":\"x\""), ERR_INVALID,
     "linux.seccomp.listenerMetadata: needs a listenerPath"},
    {SECCOMP("\"defaultAction\":\"SCMP_ACT_LOG\",\"syscalls\":[{\"names\":[],\"action\":\"SCMP_"
             "ACT_ALLOW\"}]"),
     ERR_INVALID, "linux.seccomp.syscalls[0].names: must not be empty"},
    {SECCOMP("\"defaultAction\":\"SCMP_ACT_LOG\",\"syscalls\":[{\"names\":[\"a\"],\"action\":"
             "\"SCMP_ACT_ODD\"}]"),
     ERR_INVALID, "linux.seccomp.syscalls[0].action: unknown value 'SCMP_ACT_ODD'"},
    {SECCOMP("\"defaultAction\":\"SCMP_ACT_LOG\",\"syscalls\":[{\"names\":[\"a\"],\"action\":"
             "\"SCMP_ACT_TRAP\",\"errnoRet\":1}]"),
     ERR_INVALID, "linux.seccomp.syscalls[0].errnoRet: 'SCMP_ACT_TRAP' has none"},
    {SECCOMP("\"defaultAction\":\"SCMP_ACT_LOG\",\"syscalls\":[{\"names\":[\"a\"],\"action\":"
             "\"SCMP_ACT_ALLOW\",\"args\":[{\"index\":6,\"value\":0,\"op\":\"SCMP_CMP_EQ\"}]}]"),
     ERR_INVALID, "linux.seccomp.syscalls[0].args[0].index: 6 is above 5"},
    {SECCOMP("\"defaultAction\":\"SCMP_ACT_LOG\",\"syscalls\":[{\"names\":[\"a\"],\"action\":"
             "\"SCMP_ACT_ALLOW\",\"args\":[{\"index\":0,\"value\":0,\"op\":\"SCMP_CMP_ODD\"}]}]"),
     ERR_INVALID, "linux.seccomp.syscalls[0].args[0].op: unknown value 'SCMP_CMP_ODD'"},
};

static void wrong_values_are_refused_by_field(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(wrong_values); i++)
        refused(wrong_values[i].text, wrong_values[i].kind, wrong_values[i].message);
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
        LINUX("\"namespaces\":[{\"type\":\"user\",\"path\":\"/"
              "x\"}],\"uidMappings\":[{\"containerID\":0,"
              "\"hostID\":0,\"size\":1}]"),
        RESOURCES("\"memory\":{\"limit\":-1,\"swap\":-1}"),
        RESOURCES("\"pids\":{}"),
        RESOURCES("\"blockIO\":{\"weight\":0}"),
        RESOURCES("\"cpu\":{\"quota\":-1,\"burst\":5,\"period\":0}"),
        NEWER PROCESS_MEMBER(
            ",\"capabilities\":{\"bounding\":[\"CAP_NEW\"],\"effective\":[\"CAP_NEW\"]}"),
        "{\"ociVersion\":\"1.0\",\"root\":{\"path\":\"/\"}}",
        "{\"ociVersion\":\"1.0.0-rc5\",\"root\":{\"path\":\"/\"}}",
        "{\"ociVersion\":\"1.0.2-dev\",\"root\":{\"path\":\"/\"}}",
        "{\"ociVersion\":\"1.3.0+git.1-a\",\"root\":{\"path\":\"/\"}}",
        "{\"ociVersion\":\"1.12.0\",\"root\":{\"path\":\"/\"}}",
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
    refused(str_text(&text), ERR_LIMIT, "mounts: more than 4096");
}

static void a_relative_destination_is_beneath_the_root(void **state)
{
    DHOW_CLEANUP(oci_spec_done) struct oci_spec s = {0};

    (void)state;
    parse(HEAD ",\"mounts\":[{\"destination\":\"a/b\"}]}", &s);
    assert_string_equal(s.mounts.items[0].destination, "/a/b");
}

static void parts_are_read_alone_with_the_paths_of_the_whole(void **state)
{
    static const struct {
        const char *text;
        const char *message; /* NULL: fine */
    } processes[] = {{"{\"args\":[\"a\"],\"cwd\":\"/\"}", NULL},
                     {"{\"args\":[\"a\"],\"cwd\":1}", "process.cwd: expected string"},
                     {"{\"args\":[],\"cwd\":\"/\"}", "process.args: must not be empty"}},
      resources[] = {{"{\"memory\":{\"limit\":5}}", NULL},
                     {"{\"memory\":[]}", "linux.resources.memory: expected object"},
                     {"{\"memory\":{\"limit\":-2}}", "linux.resources.memory.limit: -2"}};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(processes); i++) {
        struct oci_process p = {0};
        struct err e = {0};
        int r = oci_process_parse(processes[i].text, strlen(processes[i].text), &p, &e);

        assert_int_equal(r, processes[i].message ? -1 : 0);
        assert_true(r == 0 || str_starts_with(e.msg, processes[i].message));
        oci_process_done(&p);
    }
    for (size_t i = 0; i < ARRAY_LEN(resources); i++) {
        struct oci_resources p = {0};
        struct err e = {0};
        int r = oci_resources_parse(resources[i].text, strlen(resources[i].text), &p, &e);

        assert_int_equal(r, resources[i].message ? -1 : 0);
        assert_true(r == 0 || str_starts_with(e.msg, resources[i].message));
        oci_resources_done(&p);
    }
}

static void unknown_capabilities_are_a_warning_since_1_1(void **state)
{
    DHOW_CLEANUP(oci_spec_done) struct oci_spec s = {0};
    auto_strv warnings = NULL;

    (void)state;
    parse(NEWER PROCESS_MEMBER(
              ",\"capabilities\":{\"bounding\":[\"CAP_NEW\",\"CAP_KILL\",\"X\"],\"permitted\":"
              "[\"CAP_NEW\"]}"),
          &s);
    oci_process_add_warnings(s.process, &warnings);
    assert_int_equal(strv_len(warnings), 1);
    assert_string_equal(warnings[0], "ignoring unknown or unavailable capabilities: [CAP_NEW X]");
}

static void assert_list(char *const *got, const char *want)
{
    auto_free char *list = strv_join(got, ",");

    assert_string_equal(list, want);
}

static char *namespaces_of(const struct oci_spec *s)
{
    auto_strv types = NULL;

    VEC_FOREACH (ns, &s->linux->namespaces)
        strv_add(&types, ns->type);
    return strv_join(types, ",");
}

/* As `runc spec` of runc 1.1 has it. */
static const struct {
    const char *destination, *type, *source, *options, *rootless_options;
} default_mounts[] = {
    {"/proc", "proc", "proc", "", ""},
    {"/dev", "tmpfs", "tmpfs", "nosuid,strictatime,mode=755,size=65536k",
     "nosuid,strictatime,mode=755,size=65536k"},
    {"/dev/pts", "devpts", "devpts", "nosuid,noexec,newinstance,ptmxmode=0666,mode=0620,gid=5",
     "nosuid,noexec,newinstance,ptmxmode=0666,mode=0620"},
    {"/dev/shm", "tmpfs", "shm", "nosuid,noexec,nodev,mode=1777,size=65536k",
     "nosuid,noexec,nodev,mode=1777,size=65536k"},
    {"/dev/mqueue", "mqueue", "mqueue", "nosuid,noexec,nodev", "nosuid,noexec,nodev"},
    {"/sys", "sysfs", "sysfs", "nosuid,noexec,nodev,ro", "rbind,nosuid,noexec,nodev,ro"},
    {"/sys/fs/cgroup", "cgroup", "cgroup", "nosuid,noexec,nodev,relatime,ro",
     "nosuid,noexec,nodev,relatime,ro"},
};

static void the_default_is_what_runc_writes(void **state)
{
    static const char caps[] = "CAP_AUDIT_WRITE,CAP_KILL,CAP_NET_BIND_SERVICE";
    DHOW_CLEANUP(oci_spec_done) struct oci_spec s = {0};
    auto_free char *namespaces = NULL;
    struct err e = {0};

    (void)state;
    oci_spec_default(0, &s);
    if (oci_spec_validate(&s, &e) < 0)
        fail_msg("%s", e.msg);
    assert_string_equal(s.oci_version, "1.3.0");
    assert_string_equal(s.hostname, "dhow");
    assert_string_equal(s.root.path, "rootfs");
    assert_true(s.root.readonly && s.process->terminal && s.process->no_new_privileges);
    assert_list(s.process->args, "sh");
    assert_list(s.process->env,
                "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin,TERM=xterm");
    assert_string_equal(s.process->cwd, "/");
    assert_list(s.process->capabilities->bounding, caps);
    assert_list(s.process->capabilities->effective, caps);
    assert_list(s.process->capabilities->permitted, caps);
    assert_list(s.process->capabilities->ambient, caps);
    assert_null(s.process->capabilities->inheritable);
    assert_int_equal(s.process->rlimits.len, 1);
    assert_string_equal(s.process->rlimits.items[0].type, "RLIMIT_NOFILE");
    assert_int_equal(s.process->rlimits.items[0].soft, 1024);
    assert_int_equal(s.process->rlimits.items[0].hard, 1024);
    assert_int_equal(s.mounts.len, ARRAY_LEN(default_mounts));
    for (size_t i = 0; i < s.mounts.len; i++) {
        assert_string_equal(s.mounts.items[i].destination, default_mounts[i].destination);
        assert_string_equal(s.mounts.items[i].type, default_mounts[i].type);
        assert_string_equal(s.mounts.items[i].source, default_mounts[i].source);
        assert_list(s.mounts.items[i].options, default_mounts[i].options);
    }
    namespaces = namespaces_of(&s);
    assert_string_equal(namespaces, "pid,network,ipc,uts,mount");
    assert_int_equal(s.linux->resources->devices.len, 1);
    assert_false(s.linux->resources->devices.items[0].allow);
    assert_string_equal(s.linux->resources->devices.items[0].access, "rwm");
    assert_list(s.linux->masked_paths,
                "/proc/acpi,/proc/asound,/proc/kcore,/proc/keys,/proc/latency_stats,"
                "/proc/timer_list,/proc/timer_stats,/proc/sched_debug,/sys/firmware,/proc/scsi");
    assert_list(s.linux->readonly_paths,
                "/proc/bus,/proc/fs,/proc/irq,/proc/sys,/proc/sysrq-trigger");
}

static void the_rootless_default_maps_the_user_and_shares_the_network(void **state)
{
    DHOW_CLEANUP(oci_spec_done) struct oci_spec s = {0};
    auto_free char *namespaces = NULL;
    struct err e = {0};

    (void)state;
    oci_spec_default_rootless(OCI_DEFAULT_CGROUP_NAMESPACE, 1000, 100, &s);
    if (oci_spec_validate(&s, &e) < 0)
        fail_msg("%s", e.msg);
    namespaces = namespaces_of(&s);
    assert_string_equal(namespaces, "pid,ipc,uts,mount,cgroup,user");
    assert_int_equal(s.linux->uid_mappings.len, 1);
    assert_memory_equal(&s.linux->uid_mappings.items[0], &((struct oci_id_mapping){0, 1000, 1}),
                        sizeof(struct oci_id_mapping));
    assert_int_equal(s.linux->gid_mappings.len, 1);
    assert_memory_equal(&s.linux->gid_mappings.items[0], &((struct oci_id_mapping){0, 100, 1}),
                        sizeof(struct oci_id_mapping));
    assert_null(s.linux->resources);
    assert_int_equal(s.mounts.len, ARRAY_LEN(default_mounts));
    for (size_t i = 0; i < s.mounts.len; i++)
        assert_list(s.mounts.items[i].options, default_mounts[i].rootless_options);
    assert_string_equal(s.mounts.items[5].type, "none");
    assert_string_equal(s.mounts.items[5].source, "/sys");
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
        cmocka_unit_test(wrong_values_are_refused_by_field),
        cmocka_unit_test(ordinary_oddities_are_accepted),
        cmocka_unit_test(too_many_mounts_are_refused),
        cmocka_unit_test(a_relative_destination_is_beneath_the_root),
        cmocka_unit_test(parts_are_read_alone_with_the_paths_of_the_whole),
        cmocka_unit_test(unknown_capabilities_are_a_warning_since_1_1),
        cmocka_unit_test(the_default_is_what_runc_writes),
        cmocka_unit_test(the_rootless_default_maps_the_user_and_shares_the_network),
        cmocka_unit_test(added_mounts_split_their_options),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
