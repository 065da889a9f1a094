/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * The OCI runtime specification's config.json as C types (runtime-spec 1.2, config.md and
 * config-linux.md; field names are the specification's in snake case). spec.c has one table row a
 * field (base/json.h): they decode, encode, validate, free.
 *
 * Ownership: a spec owns all it points to; oci_spec_done() frees it. Zeroed is the empty spec.
 * Not here yet, refused with ERR_UNSUPPORTED when present (issue of the OCI runtime command):
 * hooks, intelRdt, memoryPolicy, netDevices, timeOffsets, scheduler, ioPriority, execCPUAffinity,
 * personality.
 */
#include "base/err.h"
#include "base/json.h"
#include "base/vec.h"

struct oci_user {
    uint32_t uid;
    uint32_t gid;
    struct json_opt_u64 umask;
    VEC(uint32_t) additional_gids;
};

struct oci_console_size {
    uint32_t height;
    uint32_t width;
};

struct oci_rlimit {
    char *type; /* "RLIMIT_NOFILE" */
    uint64_t soft;
    uint64_t hard;
};

/* Names as in capabilities(7), "CAP_CHOWN". */
struct oci_capabilities {
    char **bounding;
    char **effective;
    char **inheritable;
    char **permitted;
    char **ambient;
};

struct oci_process {
    bool terminal;
    struct oci_console_size console_size;
    struct oci_user user;
    char **args;
    char **env; /* "NAME=value" */
    char *cwd;
    struct oci_capabilities *capabilities; /* NULL: the process keeps none */
    VEC(struct oci_rlimit) rlimits;
    bool no_new_privileges;
    struct json_opt_i64 oom_score_adj;
    char *apparmor_profile;
    char *selinux_label;
};

struct oci_root {
    char *path;
    bool readonly;
};

struct oci_id_mapping {
    uint32_t container_id;
    uint32_t host_id;
    uint32_t size;
};

struct oci_mount {
    char *destination;
    char *type;
    char *source;
    char **options;
    VEC(struct oci_id_mapping) uid_mappings;
    VEC(struct oci_id_mapping) gid_mappings;
};

struct oci_namespace {
    char *type; /* pid network mount ipc uts user cgroup time */
    char *path; /* NULL: a new one */
};

struct oci_device {
    char *type; /* c b u p */
    char *path;
    int64_t major;
    int64_t minor;
    struct json_opt_u64 file_mode;
    uint32_t uid;
    uint32_t gid;
};

struct oci_device_rule {
    bool allow;
    char *type;                /* a c b; NULL is a */
    struct json_opt_i64 major; /* unset or -1: all */
    struct json_opt_i64 minor;
    char *access; /* subset of "rwm"; NULL is all */
};

struct oci_memory {
    struct json_opt_i64 limit; /* bytes, -1 unlimited */
    struct json_opt_i64 reservation;
    struct json_opt_i64 swap; /* memory plus swap, bytes */
    struct json_opt_u64 swappiness;
    bool disable_oom_killer;
};

struct oci_cpu {
    struct json_opt_u64 shares;
    struct json_opt_i64 quota;  /* microseconds a period */
    struct json_opt_u64 period; /* microseconds */
    char *cpus;
    char *mems;
};

struct oci_pids {
    int64_t limit; /* <= 0: unlimited */
};

struct oci_resources {
    VEC(struct oci_device_rule) devices;
    struct oci_memory *memory;
    struct oci_cpu *cpu;
    struct oci_pids *pids;
    char **unified; /* "memory.high=123" */
};

struct oci_seccomp_arg {
    uint32_t index;
    uint64_t value;
    uint64_t value_two;
    char *op; /* SCMP_CMP_EQ, ... */
};

struct oci_seccomp_rule {
    char **names;
    char *action; /* SCMP_ACT_ALLOW, ... */
    struct json_opt_u64 errno_ret;
    VEC(struct oci_seccomp_arg) args;
};

struct oci_seccomp {
    char *default_action;
    struct json_opt_u64 default_errno_ret;
    char **architectures; /* SCMP_ARCH_X86_64, ... */
    char **flags;
    VEC(struct oci_seccomp_rule) syscalls;
};

struct oci_linux {
    VEC(struct oci_namespace) namespaces;
    VEC(struct oci_id_mapping) uid_mappings;
    VEC(struct oci_id_mapping) gid_mappings;
    VEC(struct oci_device) devices;
    char *cgroups_path;
    struct oci_resources *resources;
    char *rootfs_propagation;
    struct oci_seccomp *seccomp;
    char **sysctl; /* "net.ipv4.ip_forward=1" */
    char **masked_paths;
    char **readonly_paths;
    char *mount_label;
};

struct oci_spec {
    char *oci_version;
    struct oci_root root;
    struct oci_process *process;
    char *hostname;
    char *domainname;
    VEC(struct oci_mount) mounts;
    char **annotations; /* "key=value" */
    struct oci_linux *linux;
};

extern const struct json_struct oci_spec_json;
extern const struct json_struct oci_process_json;
extern const struct json_struct oci_seccomp_json;

#define OCI_SPEC_MAX_BYTES (4u << 20)

/* config.json's text. Decodes and validates (version, absolute paths, known namespace types, no
 * duplicates, ...). */
int oci_spec_parse(const char *text, size_t len, struct oci_spec *ret, struct err *e);
int oci_spec_validate(const struct oci_spec *s, struct err *e);
void oci_spec_done(struct oci_spec *s);

struct oci_mount *oci_spec_add_mount(struct oci_spec *s, const char *destination, const char *type,
                                     const char *source, const char *comma_options);
bool oci_spec_has_namespace(const struct oci_spec *s, const char *type, const char **ret_path);
