/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Theory: the tables below are the runtime specification's config.json, one row a field; json.c
 * decodes, encodes and frees by them. What the specification defines and dhow cannot honour has a
 * row with JSON_UNSUPPORTED, so that a caller's wish is refused and never dropped in silence; keys
 * that the specification does not know are ignored, as it demands.
 *
 * spec_validate.c holds the rules that a table cannot say.
 */
#include "oci/spec.h"

#include <string.h>

#include "base/str.h"
#include "base/strv.h"

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
    ROW(oci_rlimit, soft, "soft", JSON_UINT64, JSON_REQUIRED | JSON_KEEP_EMPTY),
    ROW(oci_rlimit, hard, "hard", JSON_UINT64, JSON_REQUIRED | JSON_KEEP_EMPTY),
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
    REFUSED("scheduler"),
    REFUSED("ioPriority"),
    REFUSED("execCPUAffinity"),
};
const struct json_struct oci_process_json =
    JSON_STRUCT("process", struct oci_process, process_fields);

static const struct json_field root_fields[] = {
    ROW(oci_root, path, "path", JSON_STRING, JSON_REQUIRED),
    ROW(oci_root, readonly, "readonly", JSON_BOOL),
};
static const struct json_struct root_json = JSON_STRUCT("root", struct oci_root, root_fields);

static const struct json_field id_mapping_fields[] = {
    ROW(oci_id_mapping, container_id, "containerID", JSON_UINT32, JSON_REQUIRED | JSON_KEEP_EMPTY),
    ROW(oci_id_mapping, host_id, "hostID", JSON_UINT32, JSON_REQUIRED | JSON_KEEP_EMPTY),
    ROW(oci_id_mapping, size, "size", JSON_UINT32, JSON_REQUIRED | JSON_KEEP_EMPTY),
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
    ROW(oci_memory, swappiness, "swappiness", JSON_OPT_UINT64),
    ROW(oci_memory, disable_oom_killer, "disableOOMKiller", JSON_BOOL),
    REFUSED("kernel"),
    REFUSED("kernelTCP"),
};
static const struct json_struct memory_json =
    JSON_STRUCT("memory", struct oci_memory, memory_fields);

static const struct json_field cpu_fields[] = {
    ROW(oci_cpu, shares, "shares", JSON_OPT_UINT64),
    ROW(oci_cpu, quota, "quota", JSON_OPT_INT64),
    ROW(oci_cpu, period, "period", JSON_OPT_UINT64),
    ROW(oci_cpu, cpus, "cpus", JSON_STRING),
    ROW(oci_cpu, mems, "mems", JSON_STRING),
    REFUSED("burst"),
    REFUSED("realtimeRuntime"),
    REFUSED("realtimePeriod"),
    REFUSED("idle"),
};
static const struct json_struct cpu_json = JSON_STRUCT("cpu", struct oci_cpu, cpu_fields);

static const struct json_field pids_fields[] = {
    ROW(oci_pids, limit, "limit", JSON_INT64, JSON_REQUIRED | JSON_KEEP_EMPTY),
};
static const struct json_struct pids_json = JSON_STRUCT("pids", struct oci_pids, pids_fields);

static const struct json_field resources_fields[] = {
    ROW(oci_resources, devices, "devices", JSON_ARRAY, .nested = &device_rule_json),
    ROW(oci_resources, memory, "memory", JSON_OBJECT_PTR, .nested = &memory_json),
    ROW(oci_resources, cpu, "cpu", JSON_OBJECT_PTR, .nested = &cpu_json),
    ROW(oci_resources, pids, "pids", JSON_OBJECT_PTR, .nested = &pids_json),
    ROW(oci_resources, unified, "unified", JSON_STRMAP),
    REFUSED("blockIO"),
    REFUSED("hugepageLimits"),
    REFUSED("network"),
    REFUSED("rdma"),
};
static const struct json_struct resources_json =
    JSON_STRUCT("resources", struct oci_resources, resources_fields);

static const struct json_field seccomp_arg_fields[] = {
    ROW(oci_seccomp_arg, index, "index", JSON_UINT32, JSON_REQUIRED | JSON_KEEP_EMPTY),
    ROW(oci_seccomp_arg, value, "value", JSON_UINT64, JSON_REQUIRED | JSON_KEEP_EMPTY),
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
    ROW(oci_seccomp, syscalls, "syscalls", JSON_ARRAY, .nested = &seccomp_rule_json),
    REFUSED("listenerPath"),
    REFUSED("listenerMetadata"),
};
const struct json_struct oci_seccomp_json =
    JSON_STRUCT("seccomp", struct oci_seccomp, seccomp_fields);

static const struct json_field linux_fields[] = {
    ROW(oci_linux, namespaces, "namespaces", JSON_ARRAY, .nested = &namespace_json),
    ROW(oci_linux, uid_mappings, "uidMappings", JSON_ARRAY, .nested = &id_mapping_json),
    ROW(oci_linux, gid_mappings, "gidMappings", JSON_ARRAY, .nested = &id_mapping_json),
    ROW(oci_linux, devices, "devices", JSON_ARRAY, .nested = &device_json),
    ROW(oci_linux, cgroups_path, "cgroupsPath", JSON_STRING),
    ROW(oci_linux, resources, "resources", JSON_OBJECT_PTR, .nested = &resources_json),
    ROW(oci_linux, rootfs_propagation, "rootfsPropagation", JSON_STRING),
    ROW(oci_linux, seccomp, "seccomp", JSON_OBJECT_PTR, .nested = &oci_seccomp_json),
    ROW(oci_linux, sysctl, "sysctl", JSON_STRMAP),
    ROW(oci_linux, masked_paths, "maskedPaths", JSON_STRV),
    ROW(oci_linux, readonly_paths, "readonlyPaths", JSON_STRV),
    ROW(oci_linux, mount_label, "mountLabel", JSON_STRING),
    REFUSED("intelRdt"),
    REFUSED("memoryPolicy"),
    REFUSED("netDevices"),
    REFUSED("timeOffsets"),
    REFUSED("personality"),
};
static const struct json_struct linux_json = JSON_STRUCT("linux", struct oci_linux, linux_fields);

static const struct json_field spec_fields[] = {
    ROW(oci_spec, oci_version, "ociVersion", JSON_STRING, JSON_REQUIRED),
    ROW(oci_spec, root, "root", JSON_OBJECT, .flags = JSON_REQUIRED, .nested = &root_json),
    ROW(oci_spec, process, "process", JSON_OBJECT_PTR, .nested = &oci_process_json),
    ROW(oci_spec, hostname, "hostname", JSON_STRING),
    ROW(oci_spec, domainname, "domainname", JSON_STRING),
    ROW(oci_spec, mounts, "mounts", JSON_ARRAY, .nested = &mount_json),
    ROW(oci_spec, annotations, "annotations", JSON_STRMAP),
    ROW(oci_spec, linux, "linux", JSON_OBJECT_PTR, .nested = &linux_json),
    REFUSED("hooks"),
    REFUSED("vm"),
};
const struct json_struct oci_spec_json = JSON_STRUCT("spec", struct oci_spec, spec_fields);

int oci_spec_parse(const char *text, size_t len, struct oci_spec *ret, struct err *e)
{
    struct oci_spec s = {0};

    if (json_decode_text(text, len, OCI_SPEC_MAX_BYTES, &oci_spec_json, &s, e) < 0)
        return -1;
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
