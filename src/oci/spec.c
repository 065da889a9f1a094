/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Theory: the tables below are the runtime specification's config.json, one row a field; json.c
 * decodes, encodes and frees by them. Every field that the specification has for Linux is here, and
 * the runtime does what it says, or refuses it: a caller's wish is never dropped in silence. Keys
 * that the specification does not know are ignored, as it demands, and so are those of other
 * platforms. A new row also needs its line in docs/spec.md.
 *
 * spec_validate.c holds the rules that a table cannot say.
 */
#include "oci/spec.h"

#include <string.h>

#include "base/str.h"
#include "base/strv.h"
#include "oci/spec_private.h"

#define ROW(type_name, member, key, type, ...)                                                     \
    {                                                                                              \
        key, type, offsetof(struct type_name, member), __VA_ARGS__                                 \
    }
/* Known to the specification, not done here: present means ERR_UNSUPPORTED. */
#define REFUSED(key)                                                                               \
    {                                                                                              \
        key, JSON_RAW, 0, JSON_UNSUPPORTED                                                         \
    }

static const struct json_field user_fields[] = {
    ROW(oci_user, uid, "uid", JSON_UINT32, JSON_KEEP_EMPTY),
    ROW(oci_user, gid, "gid", JSON_UINT32, JSON_KEEP_EMPTY),
    ROW(oci_user, umask, "umask", JSON_OPT_UINT64),
    ROW(oci_user, additional_gids, "additionalGids", JSON_U32_ARRAY),
};
static const struct json_struct user_json = JSON_STRUCT("user", struct oci_user, user_fields);

static const struct json_field console_size_fields[] = {
    ROW(oci_console_size, height, "height", JSON_UINT32),
    ROW(oci_console_size, width, "width", JSON_UINT32),
};
static const struct json_struct console_size_json =
    JSON_STRUCT("consoleSize", struct oci_console_size, console_size_fields);

static const struct json_field rlimit_fields[] = {
    ROW(oci_rlimit, type, "type", JSON_STRING, JSON_REQUIRED),
    ROW(oci_rlimit, soft, "soft", JSON_UINT64, JSON_REQUIRED),
    ROW(oci_rlimit, hard, "hard", JSON_UINT64, JSON_REQUIRED),
};
static const struct json_struct rlimit_json =
    JSON_STRUCT("rlimit", struct oci_rlimit, rlimit_fields);

static const struct json_field capabilities_fields[] = {
    ROW(oci_capabilities, bounding, "bounding", JSON_STRV),
    ROW(oci_capabilities, effective, "effective", JSON_STRV),
    ROW(oci_capabilities, inheritable, "inheritable", JSON_STRV),
    ROW(oci_capabilities, permitted, "permitted", JSON_STRV),
    ROW(oci_capabilities, ambient, "ambient", JSON_STRV),
};
static const struct json_struct capabilities_json =
    JSON_STRUCT("capabilities", struct oci_capabilities, capabilities_fields);

static const struct json_field scheduler_fields[] = {
    ROW(oci_scheduler, policy, "policy", JSON_STRING, JSON_REQUIRED),
    ROW(oci_scheduler, nice, "nice", JSON_INT32),
    ROW(oci_scheduler, priority, "priority", JSON_INT32),
    ROW(oci_scheduler, flags, "flags", JSON_STRV),
    ROW(oci_scheduler, runtime, "runtime", JSON_UINT64),
    ROW(oci_scheduler, deadline, "deadline", JSON_UINT64),
    ROW(oci_scheduler, period, "period", JSON_UINT64),
};
static const struct json_struct scheduler_json =
    JSON_STRUCT("scheduler", struct oci_scheduler, scheduler_fields);

static const struct json_field io_priority_fields[] = {
    ROW(oci_io_priority, class, "class", JSON_STRING, JSON_REQUIRED),
    ROW(oci_io_priority, priority, "priority", JSON_INT32, JSON_REQUIRED),
};
static const struct json_struct io_priority_json =
    JSON_STRUCT("ioPriority", struct oci_io_priority, io_priority_fields);

static const struct json_field cpu_affinity_fields[] = {
    ROW(oci_cpu_affinity, initial, "initial", JSON_STRING),
    ROW(oci_cpu_affinity, final, "final", JSON_STRING),
};
static const struct json_struct cpu_affinity_json =
    JSON_STRUCT("execCPUAffinity", struct oci_cpu_affinity, cpu_affinity_fields);

static const struct json_field process_fields[] = {
    ROW(oci_process, terminal, "terminal", JSON_BOOL),
    ROW(oci_process, console_size, "consoleSize", JSON_OBJECT, .nested = &console_size_json),
    ROW(oci_process, user, "user", JSON_OBJECT, .flags = JSON_KEEP_EMPTY, .nested = &user_json),
    ROW(oci_process, args, "args", JSON_STRV, JSON_REQUIRED),
    ROW(oci_process, env, "env", JSON_STRV),
    ROW(oci_process, cwd, "cwd", JSON_STRING, JSON_REQUIRED),
    ROW(oci_process, capabilities, "capabilities", JSON_OBJECT_PTR, .nested = &capabilities_json),
    ROW(oci_process, rlimits, "rlimits", JSON_ARRAY, .nested = &rlimit_json),
    ROW(oci_process, no_new_privileges, "noNewPrivileges", JSON_BOOL),
    ROW(oci_process, oom_score_adj, "oomScoreAdj", JSON_OPT_INT64),
    ROW(oci_process, apparmor_profile, "apparmorProfile", JSON_STRING),
    ROW(oci_process, selinux_label, "selinuxLabel", JSON_STRING),
    ROW(oci_process, scheduler, "scheduler", JSON_OBJECT_PTR, .nested = &scheduler_json),
    ROW(oci_process, io_priority, "ioPriority", JSON_OBJECT_PTR, .nested = &io_priority_json),
    ROW(oci_process, exec_cpu_affinity, "execCPUAffinity", JSON_OBJECT_PTR,
        .nested = &cpu_affinity_json),
};
const struct json_struct oci_process_json =
    JSON_STRUCT("process", struct oci_process, process_fields);

static const struct json_field root_fields[] = {
    ROW(oci_root, path, "path", JSON_STRING, JSON_REQUIRED),
    ROW(oci_root, readonly, "readonly", JSON_BOOL),
};
static const struct json_struct root_json = JSON_STRUCT("root", struct oci_root, root_fields);

static const struct json_field id_mapping_fields[] = {
    ROW(oci_id_mapping, container_id, "containerID", JSON_UINT32, JSON_REQUIRED),
    ROW(oci_id_mapping, host_id, "hostID", JSON_UINT32, JSON_REQUIRED),
    ROW(oci_id_mapping, size, "size", JSON_UINT32, JSON_REQUIRED),
};
static const struct json_struct id_mapping_json =
    JSON_STRUCT("idMapping", struct oci_id_mapping, id_mapping_fields);

static const struct json_field mount_fields[] = {
    ROW(oci_mount, destination, "destination", JSON_STRING, JSON_REQUIRED),
    ROW(oci_mount, type, "type", JSON_STRING),
    ROW(oci_mount, source, "source", JSON_STRING),
    ROW(oci_mount, options, "options", JSON_STRV),
    ROW(oci_mount, uid_mappings, "uidMappings", JSON_ARRAY, .nested = &id_mapping_json),
    ROW(oci_mount, gid_mappings, "gidMappings", JSON_ARRAY, .nested = &id_mapping_json),
};
static const struct json_struct mount_json = JSON_STRUCT("mount", struct oci_mount, mount_fields);

static const struct json_field hook_fields[] = {
    ROW(oci_hook, path, "path", JSON_STRING, JSON_REQUIRED),
    ROW(oci_hook, args, "args", JSON_STRV),
    ROW(oci_hook, env, "env", JSON_STRV),
    ROW(oci_hook, timeout, "timeout", JSON_OPT_INT64),
};
static const struct json_struct hook_json = JSON_STRUCT("hook", struct oci_hook, hook_fields);

static const struct json_field hooks_fields[] = {
    ROW(oci_hooks, prestart, "prestart", JSON_ARRAY, .nested = &hook_json),
    ROW(oci_hooks, create_runtime, "createRuntime", JSON_ARRAY, .nested = &hook_json),
    ROW(oci_hooks, create_container, "createContainer", JSON_ARRAY, .nested = &hook_json),
    ROW(oci_hooks, start_container, "startContainer", JSON_ARRAY, .nested = &hook_json),
    ROW(oci_hooks, poststart, "poststart", JSON_ARRAY, .nested = &hook_json),
    ROW(oci_hooks, poststop, "poststop", JSON_ARRAY, .nested = &hook_json),
};
static const struct json_struct hooks_json = JSON_STRUCT("hooks", struct oci_hooks, hooks_fields);

static const struct json_field namespace_fields[] = {
    ROW(oci_namespace, type, "type", JSON_STRING, JSON_REQUIRED),
    ROW(oci_namespace, path, "path", JSON_STRING),
};
static const struct json_struct namespace_json =
    JSON_STRUCT("namespace", struct oci_namespace, namespace_fields);

static const struct json_field device_fields[] = {
    ROW(oci_device, type, "type", JSON_STRING, JSON_REQUIRED),
    ROW(oci_device, path, "path", JSON_STRING, JSON_REQUIRED),
    ROW(oci_device, major, "major", JSON_INT64, JSON_KEEP_EMPTY),
    ROW(oci_device, minor, "minor", JSON_INT64, JSON_KEEP_EMPTY),
    ROW(oci_device, file_mode, "fileMode", JSON_OPT_UINT64),
    ROW(oci_device, uid, "uid", JSON_UINT32),
    ROW(oci_device, gid, "gid", JSON_UINT32),
};
static const struct json_struct device_json =
    JSON_STRUCT("device", struct oci_device, device_fields);

static const struct json_field device_rule_fields[] = {
    ROW(oci_device_rule, allow, "allow", JSON_BOOL, JSON_KEEP_EMPTY),
    ROW(oci_device_rule, type, "type", JSON_STRING),
    ROW(oci_device_rule, major, "major", JSON_OPT_INT64),
    ROW(oci_device_rule, minor, "minor", JSON_OPT_INT64),
    ROW(oci_device_rule, access, "access", JSON_STRING),
};
static const struct json_struct device_rule_json =
    JSON_STRUCT("deviceRule", struct oci_device_rule, device_rule_fields);

static const struct json_field memory_fields[] = {
    ROW(oci_memory, limit, "limit", JSON_OPT_INT64),
    ROW(oci_memory, reservation, "reservation", JSON_OPT_INT64),
    ROW(oci_memory, swap, "swap", JSON_OPT_INT64),
    ROW(oci_memory, kernel, "kernel", JSON_OPT_INT64),
    ROW(oci_memory, kernel_tcp, "kernelTCP", JSON_OPT_INT64),
    ROW(oci_memory, swappiness, "swappiness", JSON_OPT_UINT64),
    ROW(oci_memory, disable_oom_killer, "disableOOMKiller", JSON_BOOL),
    ROW(oci_memory, use_hierarchy, "useHierarchy", JSON_BOOL),
    ROW(oci_memory, check_before_update, "checkBeforeUpdate", JSON_BOOL),
};
static const struct json_struct memory_json =
    JSON_STRUCT("memory", struct oci_memory, memory_fields);

static const struct json_field cpu_fields[] = {
    ROW(oci_cpu, shares, "shares", JSON_OPT_UINT64),
    ROW(oci_cpu, quota, "quota", JSON_OPT_INT64),
    ROW(oci_cpu, burst, "burst", JSON_OPT_UINT64),
    ROW(oci_cpu, period, "period", JSON_OPT_UINT64),
    ROW(oci_cpu, realtime_runtime, "realtimeRuntime", JSON_OPT_INT64),
    ROW(oci_cpu, realtime_period, "realtimePeriod", JSON_OPT_UINT64),
    ROW(oci_cpu, cpus, "cpus", JSON_STRING),
    ROW(oci_cpu, mems, "mems", JSON_STRING),
    ROW(oci_cpu, idle, "idle", JSON_OPT_INT64),
};
static const struct json_struct cpu_json = JSON_STRUCT("cpu", struct oci_cpu, cpu_fields);

static const struct json_field pids_fields[] = {
    ROW(oci_pids, limit, "limit", JSON_OPT_INT64),
};
static const struct json_struct pids_json = JSON_STRUCT("pids", struct oci_pids, pids_fields);

static const struct json_field weight_device_fields[] = {
    ROW(oci_weight_device, major, "major", JSON_INT64, JSON_REQUIRED),
    ROW(oci_weight_device, minor, "minor", JSON_INT64, JSON_REQUIRED),
    ROW(oci_weight_device, weight, "weight", JSON_OPT_UINT64),
    ROW(oci_weight_device, leaf_weight, "leafWeight", JSON_OPT_UINT64),
};
static const struct json_struct weight_device_json =
    JSON_STRUCT("weightDevice", struct oci_weight_device, weight_device_fields);

static const struct json_field throttle_device_fields[] = {
    ROW(oci_throttle_device, major, "major", JSON_INT64, JSON_REQUIRED),
    ROW(oci_throttle_device, minor, "minor", JSON_INT64, JSON_REQUIRED),
    ROW(oci_throttle_device, rate, "rate", JSON_UINT64, JSON_REQUIRED),
};
static const struct json_struct throttle_device_json =
    JSON_STRUCT("throttleDevice", struct oci_throttle_device, throttle_device_fields);

static const struct json_field block_io_fields[] = {
    ROW(oci_block_io, weight, "weight", JSON_OPT_UINT64),
    ROW(oci_block_io, leaf_weight, "leafWeight", JSON_OPT_UINT64),
    ROW(oci_block_io, weight_device, "weightDevice", JSON_ARRAY, .nested = &weight_device_json),
    ROW(oci_block_io, throttle_read_bps_device, "throttleReadBpsDevice", JSON_ARRAY,
        .nested = &throttle_device_json),
    ROW(oci_block_io, throttle_write_bps_device, "throttleWriteBpsDevice", JSON_ARRAY,
        .nested = &throttle_device_json),
    ROW(oci_block_io, throttle_read_iops_device, "throttleReadIOPSDevice", JSON_ARRAY,
        .nested = &throttle_device_json),
    ROW(oci_block_io, throttle_write_iops_device, "throttleWriteIOPSDevice", JSON_ARRAY,
        .nested = &throttle_device_json),
};
static const struct json_struct block_io_json =
    JSON_STRUCT("blockIO", struct oci_block_io, block_io_fields);

static const struct json_field hugepage_limit_fields[] = {
    ROW(oci_hugepage_limit, page_size, "pageSize", JSON_STRING, JSON_REQUIRED),
    ROW(oci_hugepage_limit, limit, "limit", JSON_UINT64, JSON_REQUIRED),
};
static const struct json_struct hugepage_limit_json =
    JSON_STRUCT("hugepageLimit", struct oci_hugepage_limit, hugepage_limit_fields);

static const struct json_field interface_priority_fields[] = {
    ROW(oci_interface_priority, name, "name", JSON_STRING, JSON_REQUIRED),
    ROW(oci_interface_priority, priority, "priority", JSON_UINT32, JSON_REQUIRED),
};
static const struct json_struct interface_priority_json =
    JSON_STRUCT("interfacePriority", struct oci_interface_priority, interface_priority_fields);

static const struct json_field network_fields[] = {
    ROW(oci_network, class_id, "classID", JSON_OPT_UINT64),
    ROW(oci_network, priorities, "priorities", JSON_ARRAY, .nested = &interface_priority_json),
};
static const struct json_struct network_json =
    JSON_STRUCT("network", struct oci_network, network_fields);

static const struct json_field rdma_fields[] = {
    ROW(oci_rdma, hca_handles, "hcaHandles", JSON_OPT_UINT64),
    ROW(oci_rdma, hca_objects, "hcaObjects", JSON_OPT_UINT64),
};
static const struct json_struct rdma_json = JSON_STRUCT("rdma", struct oci_rdma, rdma_fields);

static const struct json_field resources_fields[] = {
    ROW(oci_resources, devices, "devices", JSON_ARRAY, .nested = &device_rule_json),
    ROW(oci_resources, memory, "memory", JSON_OBJECT_PTR, .nested = &memory_json),
    ROW(oci_resources, cpu, "cpu", JSON_OBJECT_PTR, .nested = &cpu_json),
    ROW(oci_resources, pids, "pids", JSON_OBJECT_PTR, .nested = &pids_json),
    ROW(oci_resources, block_io, "blockIO", JSON_OBJECT_PTR, .nested = &block_io_json),
    ROW(oci_resources, hugepage_limits, "hugepageLimits", JSON_ARRAY,
        .nested = &hugepage_limit_json),
    ROW(oci_resources, network, "network", JSON_OBJECT_PTR, .nested = &network_json),
    ROW(oci_resources, rdma, "rdma", JSON_MAP, .nested = &rdma_json),
    ROW(oci_resources, unified, "unified", JSON_STRMAP),
};
const struct json_struct oci_resources_json =
    JSON_STRUCT("resources", struct oci_resources, resources_fields);

static const struct json_field seccomp_arg_fields[] = {
    ROW(oci_seccomp_arg, index, "index", JSON_UINT32, JSON_REQUIRED),
    ROW(oci_seccomp_arg, value, "value", JSON_UINT64, JSON_REQUIRED),
    ROW(oci_seccomp_arg, value_two, "valueTwo", JSON_UINT64),
    ROW(oci_seccomp_arg, op, "op", JSON_STRING, JSON_REQUIRED),
};
static const struct json_struct seccomp_arg_json =
    JSON_STRUCT("seccompArg", struct oci_seccomp_arg, seccomp_arg_fields);

static const struct json_field seccomp_rule_fields[] = {
    ROW(oci_seccomp_rule, names, "names", JSON_STRV, JSON_REQUIRED),
    ROW(oci_seccomp_rule, action, "action", JSON_STRING, JSON_REQUIRED),
    ROW(oci_seccomp_rule, errno_ret, "errnoRet", JSON_OPT_UINT64),
    ROW(oci_seccomp_rule, args, "args", JSON_ARRAY, .nested = &seccomp_arg_json),
};
static const struct json_struct seccomp_rule_json =
    JSON_STRUCT("seccompRule", struct oci_seccomp_rule, seccomp_rule_fields);

static const struct json_field seccomp_fields[] = {
    ROW(oci_seccomp, default_action, "defaultAction", JSON_STRING, JSON_REQUIRED),
    ROW(oci_seccomp, default_errno_ret, "defaultErrnoRet", JSON_OPT_UINT64),
    ROW(oci_seccomp, architectures, "architectures", JSON_STRV),
    ROW(oci_seccomp, flags, "flags", JSON_STRV),
    ROW(oci_seccomp, listener_path, "listenerPath", JSON_STRING),
    ROW(oci_seccomp, listener_metadata, "listenerMetadata", JSON_STRING),
    ROW(oci_seccomp, syscalls, "syscalls", JSON_ARRAY, .nested = &seccomp_rule_json),
};
const struct json_struct oci_seccomp_json =
    JSON_STRUCT("seccomp", struct oci_seccomp, seccomp_fields);

static const struct json_field time_offset_fields[] = {
    ROW(oci_time_offset, secs, "secs", JSON_INT64),
    ROW(oci_time_offset, nanosecs, "nanosecs", JSON_UINT32),
};
static const struct json_struct time_offset_json =
    JSON_STRUCT("timeOffset", struct oci_time_offset, time_offset_fields);

static const struct json_field net_device_fields[] = {
    ROW(oci_net_device, name, "name", JSON_STRING),
};
static const struct json_struct net_device_json =
    JSON_STRUCT("netDevice", struct oci_net_device, net_device_fields);

/* What decodes a map finds the key there. */
_Static_assert(offsetof(struct oci_rdma, device) == 0, "the key is first");
_Static_assert(offsetof(struct oci_time_offset, clock) == 0, "the key is first");
_Static_assert(offsetof(struct oci_net_device, host_name) == 0, "the key is first");

static const struct json_field personality_fields[] = {
    ROW(oci_personality, domain, "domain", JSON_STRING, JSON_REQUIRED),
    ROW(oci_personality, flags, "flags", JSON_STRV),
};
static const struct json_struct personality_json =
    JSON_STRUCT("personality", struct oci_personality, personality_fields);

static const struct json_field intel_rdt_fields[] = {
    ROW(oci_intel_rdt, clos_id, "closID", JSON_STRING),
    ROW(oci_intel_rdt, schemata, "schemata", JSON_STRV),
    ROW(oci_intel_rdt, l3_cache_schema, "l3CacheSchema", JSON_STRING),
    ROW(oci_intel_rdt, mem_bw_schema, "memBwSchema", JSON_STRING),
    ROW(oci_intel_rdt, enable_cmt, "enableCMT", JSON_BOOL),
    ROW(oci_intel_rdt, enable_mbm, "enableMBM", JSON_BOOL),
    ROW(oci_intel_rdt, enable_monitoring, "enableMonitoring", JSON_BOOL),
};
static const struct json_struct intel_rdt_json =
    JSON_STRUCT("intelRdt", struct oci_intel_rdt, intel_rdt_fields);

static const struct json_field memory_policy_fields[] = {
    ROW(oci_memory_policy, mode, "mode", JSON_STRING, JSON_REQUIRED),
    ROW(oci_memory_policy, nodes, "nodes", JSON_STRING),
    ROW(oci_memory_policy, flags, "flags", JSON_STRV),
};
static const struct json_struct memory_policy_json =
    JSON_STRUCT("memoryPolicy", struct oci_memory_policy, memory_policy_fields);

static const struct json_field linux_fields[] = {
    ROW(oci_linux, namespaces, "namespaces", JSON_ARRAY, .nested = &namespace_json),
    ROW(oci_linux, uid_mappings, "uidMappings", JSON_ARRAY, .nested = &id_mapping_json),
    ROW(oci_linux, gid_mappings, "gidMappings", JSON_ARRAY, .nested = &id_mapping_json),
    ROW(oci_linux, devices, "devices", JSON_ARRAY, .nested = &device_json),
    ROW(oci_linux, cgroups_path, "cgroupsPath", JSON_STRING),
    ROW(oci_linux, resources, "resources", JSON_OBJECT_PTR, .nested = &oci_resources_json),
    ROW(oci_linux, rootfs_propagation, "rootfsPropagation", JSON_STRING),
    ROW(oci_linux, seccomp, "seccomp", JSON_OBJECT_PTR, .nested = &oci_seccomp_json),
    ROW(oci_linux, sysctl, "sysctl", JSON_STRMAP),
    ROW(oci_linux, masked_paths, "maskedPaths", JSON_STRV),
    ROW(oci_linux, readonly_paths, "readonlyPaths", JSON_STRV),
    ROW(oci_linux, mount_label, "mountLabel", JSON_STRING),
    ROW(oci_linux, time_offsets, "timeOffsets", JSON_MAP, .nested = &time_offset_json),
    ROW(oci_linux, net_devices, "netDevices", JSON_MAP, .nested = &net_device_json),
    ROW(oci_linux, personality, "personality", JSON_OBJECT_PTR, .nested = &personality_json),
    ROW(oci_linux, intel_rdt, "intelRdt", JSON_OBJECT_PTR, .nested = &intel_rdt_json),
    ROW(oci_linux, memory_policy, "memoryPolicy", JSON_OBJECT_PTR, .nested = &memory_policy_json),
};
static const struct json_struct linux_json = JSON_STRUCT("linux", struct oci_linux, linux_fields);

static const struct json_field spec_fields[] = {
    ROW(oci_spec, oci_version, "ociVersion", JSON_STRING, JSON_REQUIRED),
    ROW(oci_spec, process, "process", JSON_OBJECT_PTR, .nested = &oci_process_json),
    ROW(oci_spec, root, "root", JSON_OBJECT, .flags = JSON_REQUIRED, .nested = &root_json),
    ROW(oci_spec, hostname, "hostname", JSON_STRING),
    ROW(oci_spec, domainname, "domainname", JSON_STRING),
    ROW(oci_spec, mounts, "mounts", JSON_ARRAY, .nested = &mount_json),
    ROW(oci_spec, hooks, "hooks", JSON_OBJECT_PTR, .nested = &hooks_json),
    ROW(oci_spec, annotations, "annotations", JSON_STRMAP),
    ROW(oci_spec, linux, "linux", JSON_OBJECT_PTR, .nested = &linux_json),
    REFUSED("vm"),
};
const struct json_struct oci_spec_json = JSON_STRUCT("spec", struct oci_spec, spec_fields);

static const struct json_field mounts_fields[] = {
    ROW(oci_spec, mounts, "mounts", JSON_ARRAY, .flags = JSON_REQUIRED, .nested = &mount_json),
};
static const struct json_struct mounts_json = JSON_STRUCT("mounts", struct oci_spec, mounts_fields);

/* config.md, Mounts: for old tools a relative destination is taken as beneath "/". */
static void make_destinations_absolute(struct oci_spec *s)
{
    VEC_FOREACH (m, &s->mounts) {
        char *relative = m->destination;

        if (relative[0] == '/' || relative[0] == 0)
            continue;
        m->destination = alloc_printf("/%s", relative);
        free(relative);
    }
}

int oci_spec_parse(const char *text, size_t len, struct oci_spec *ret, struct err *e)
{
    struct oci_spec s = {0};

    if (json_decode_text(text, len, OCI_SPEC_MAX_BYTES, &oci_spec_json, &s, e) < 0)
        return -1;
    make_destinations_absolute(&s);
    if (oci_spec_validate(&s, e) < 0) {
        oci_spec_done(&s);
        return -1;
    }
    *ret = s;
    return 0;
}

void oci_spec_done(struct oci_spec *s)
{
    json_free_struct(&oci_spec_json, s);
}

static int parse_part(const char *text, size_t len, const struct json_struct *t, const char *path,
                      void *ret, struct err *e)
{
    auto_json *o = NULL;

    if (json_parse(text, len, OCI_SPEC_MAX_BYTES, &o, e) < 0)
        return -1;
    return json_decode_at(o, t, path, ret, e);
}

int oci_process_parse(const char *text, size_t len, struct oci_process *ret, struct err *e)
{
    struct oci_process p = {0};

    if (parse_part(text, len, &oci_process_json, "process", &p, e) < 0)
        return -1;
    if (oci_process_validate(&p, e) < 0) {
        oci_process_done(&p);
        return -1;
    }
    *ret = p;
    return 0;
}

void oci_process_done(struct oci_process *p)
{
    json_free_struct(&oci_process_json, p);
}

int oci_mounts_parse(const char *text, size_t len, struct oci_spec *inout, struct err *e)
{
    auto_json *parsed = NULL;
    auto_json *whole = json_object_new_object();
    struct oci_spec s = {0};
    struct json_object *o;

    if (json_parse(text, len, OCI_SPEC_MAX_BYTES, &parsed, e) < 0)
        return -1;
    o = parsed;
    if (json_object_is_type(parsed, json_type_array)) {
        json_object_object_add(whole, "mounts", json_object_get(parsed));
        o = whole;
    }
    if (json_decode(o, &mounts_json, &s, e) < 0)
        return -1;
    make_destinations_absolute(&s);
    if (spec_check_mounts(&s, e) < 0) {
        oci_spec_done(&s);
        return -1;
    }
    inout->mounts.items = s.mounts.items;
    inout->mounts.len = s.mounts.len;
    inout->mounts.cap = s.mounts.cap;
    return 0;
}

int oci_resources_parse(const char *text, size_t len, struct oci_resources *ret, struct err *e)
{
    struct oci_resources r = {0};

    if (parse_part(text, len, &oci_resources_json, "linux.resources", &r, e) < 0)
        return -1;
    if (spec_check_resources(&r, e) < 0) {
        oci_resources_done(&r);
        return -1;
    }
    *ret = r;
    return 0;
}

void oci_resources_done(struct oci_resources *r)
{
    json_free_struct(&oci_resources_json, r);
}

struct oci_mount *oci_spec_add_mount(struct oci_spec *s, const char *destination, const char *type,
                                     const char *source, const char *comma_options)
{
    struct oci_mount m = {.destination = alloc_strdup(destination),
                          .type = alloc_strdup(type),
                          .source = alloc_strdup(source)};

    if (comma_options && *comma_options)
        m.options = strv_split(comma_options, ',');
    vec_push(&s->mounts, m);
    return &s->mounts.items[s->mounts.len - 1];
}

bool oci_spec_has_namespace(const struct oci_spec *s, const char *type, const char **ret_path)
{
    if (!s->linux)
        return false;
    VEC_FOREACH (ns, &s->linux->namespaces) {
        if (!str_equal(ns->type, type))
            continue;
        if (ret_path)
            *ret_path = ns->path;
        return true;
    }
    return false;
}
