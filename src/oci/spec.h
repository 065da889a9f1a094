/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * The OCI runtime specification's config.json as C types (runtime-spec 1.3, config.md and
 * config-linux.md; field names are the specification's in snake case). spec.c has one table row a
 * field (base/json.h): they decode, encode, validate, free.
 *
 * Ownership: a spec owns all it points to; oci_spec_done() frees it. Zeroed is the empty spec. An
 * optional number that was not there is unset, an optional object NULL.
 * "vm" is refused with ERR_UNSUPPORTED; what belongs to other platforms is ignored. What the
 * runtime does with each field: docs/spec.md.
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

struct oci_scheduler {
    char *policy; /* SCHED_OTHER, ... */
    int32_t nice;
    int32_t priority;
    char **flags;     /* SCHED_FLAG_RESET_ON_FORK, ... */
    uint64_t runtime; /* these three for SCHED_DEADLINE, nanoseconds */
    uint64_t deadline;
    uint64_t period;
};

struct oci_io_priority {
    char *class; /* IOPRIO_CLASS_RT, ... */
    int32_t priority;
};

/* Lists of CPUs as in cpuset(7), for exec: before and after it moves to the container's cgroup. */
struct oci_cpu_affinity {
    char *initial;
    char *final;
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
    struct oci_scheduler *scheduler;
    struct oci_io_priority *io_priority;
    struct oci_cpu_affinity *exec_cpu_affinity;
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

struct oci_hook {
    char *path; /* absolute, of the host */
    char **args;
    char **env;
    struct json_opt_i64 timeout; /* seconds, above 0 */
};

struct oci_hook_list { /* a VEC(struct oci_hook) with a name */
    struct oci_hook *items;
    size_t len;
    size_t cap;
};

struct oci_hooks {
    struct oci_hook_list prestart;
    struct oci_hook_list create_runtime;
    struct oci_hook_list create_container;
    struct oci_hook_list start_container;
    struct oci_hook_list poststart;
    struct oci_hook_list poststop;
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
    struct json_opt_i64 kernel;
    struct json_opt_i64 kernel_tcp;
    struct json_opt_u64 swappiness;
    bool disable_oom_killer;
    bool use_hierarchy;
    bool check_before_update;
};

struct oci_cpu {
    struct json_opt_u64 shares;
    struct json_opt_i64 quota;  /* microseconds a period */
    struct json_opt_u64 burst;  /* microseconds a period */
    struct json_opt_u64 period; /* microseconds */
    struct json_opt_i64 realtime_runtime;
    struct json_opt_u64 realtime_period;
    char *cpus;
    char *mems;
    struct json_opt_i64 idle; /* 1: SCHED_IDLE */
};

struct oci_pids {
    struct json_opt_i64 limit; /* -1: unlimited */
};

/* At least one of the two. */
struct oci_weight_device {
    int64_t major;
    int64_t minor;
    struct json_opt_u64 weight;
    struct json_opt_u64 leaf_weight;
};

struct oci_throttle_device {
    int64_t major;
    int64_t minor;
    uint64_t rate;
};

struct oci_throttle_list { /* a VEC(struct oci_throttle_device) with a name */
    struct oci_throttle_device *items;
    size_t len;
    size_t cap;
};

struct oci_block_io {
    struct json_opt_u64 weight; /* 10..1000; 0 is unset */
    struct json_opt_u64 leaf_weight;
    VEC(struct oci_weight_device) weight_device;
    struct oci_throttle_list throttle_read_bps_device;
    struct oci_throttle_list throttle_write_bps_device;
    struct oci_throttle_list throttle_read_iops_device;
    struct oci_throttle_list throttle_write_iops_device;
};

struct oci_hugepage_limit {
    char *page_size; /* "2MB" */
    uint64_t limit;  /* bytes */
};

struct oci_interface_priority {
    char *name;
    uint32_t priority;
};

struct oci_network {
    struct json_opt_u64 class_id; /* of 32 bits */
    VEC(struct oci_interface_priority) priorities;
};

/* At least one of the two; of 32 bits. */
struct oci_rdma {
    char *device; /* the key */
    struct json_opt_u64 hca_handles;
    struct json_opt_u64 hca_objects;
};

struct oci_resources {
    VEC(struct oci_device_rule) devices;
    struct oci_memory *memory;
    struct oci_cpu *cpu;
    struct oci_pids *pids;
    struct oci_block_io *block_io;
    VEC(struct oci_hugepage_limit) hugepage_limits;
    struct oci_network *network;
    VEC(struct oci_rdma) rdma;
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
    char **flags;         /* SECCOMP_FILTER_FLAG_LOG, ... */
    char *listener_path;
    char *listener_metadata;
    VEC(struct oci_seccomp_rule) syscalls;
};

struct oci_time_offset {
    char *clock; /* the key: "monotonic", "boottime" */
    int64_t secs;
    uint32_t nanosecs;
};

struct oci_personality {
    char *domain; /* LINUX, LINUX32 */
    char **flags; /* none is defined */
};

struct oci_intel_rdt {
    char *clos_id; /* NULL: the container's id; "/": the default class */
    char **schemata;
    char *l3_cache_schema;
    char *mem_bw_schema;
    bool enable_cmt; /* these two until 1.2: monitoring, by another name */
    bool enable_mbm;
    bool enable_monitoring;
};

struct oci_memory_policy {
    char *mode;   /* MPOL_BIND, ... */
    char *nodes;  /* as in cpuset(7) */
    char **flags; /* MPOL_F_STATIC_NODES, ... */
};

struct oci_net_device {
    char *host_name; /* the key */
    char *name;      /* in the container; NULL: the same */
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
    VEC(struct oci_time_offset) time_offsets;
    VEC(struct oci_net_device) net_devices;
    struct oci_personality *personality;
    struct oci_intel_rdt *intel_rdt;
    struct oci_memory_policy *memory_policy;
};

struct oci_spec {
    char *oci_version;
    struct oci_root root;
    struct oci_process *process;
    char *hostname;
    char *domainname;
    VEC(struct oci_mount) mounts;
    struct oci_hooks *hooks;
    char **annotations; /* "key=value" */
    struct oci_linux *linux;
};

extern const struct json_struct oci_spec_json;
extern const struct json_struct oci_process_json;
extern const struct json_struct oci_resources_json;
extern const struct json_struct oci_seccomp_json;

#define OCI_SPEC_VERSION   "1.3.0" /* what we write */
#define OCI_SPEC_MAX_BYTES (4u << 20)

/* config.json's text. Decodes and validates (version, absolute paths, known namespace types, no
 * duplicates, ...). */
int oci_spec_parse(const char *text, size_t len, struct oci_spec *ret, struct err *e);
int oci_spec_validate(const struct oci_spec *s, struct err *e);
void oci_spec_done(struct oci_spec *s);

/* The same for the parts that callers give alone: process.json of exec, the resources of update.
 * Errors name their fields as in config.json. */
int oci_process_parse(const char *text, size_t len, struct oci_process *ret, struct err *e);
int oci_process_validate(const struct oci_process *p, struct err *e);
void oci_process_done(struct oci_process *p);
/* A list of mounts, or an object with one as "mounts", for a spec without any. */
int oci_mounts_parse(const char *text, size_t len, struct oci_spec *inout, struct err *e);
int oci_resources_parse(const char *text, size_t len, struct oci_resources *ret, struct err *e);
void oci_resources_done(struct oci_resources *r);

/* What is valid and has no effect, in words for a log: capabilities that this build does not know,
 * as runc has it. */
void oci_process_add_warnings(const struct oci_process *p, char ***inout_warnings);

/* What runc writes for a new bundle, with our version and host name. Owned: oci_spec_done(). */
enum oci_default_flags {
    OCI_DEFAULT_CGROUP_NAMESPACE = 1 << 0, /* for a host that has cgroup v2 alone */
};
void oci_spec_default(unsigned flags, struct oci_spec *ret);
/* For a plain user: a user namespace that maps these ids to root, the host's network and /sys, no
 * resources. */
void oci_spec_default_rootless(unsigned flags, uint32_t uid, uint32_t gid, struct oci_spec *ret);

struct oci_mount *oci_spec_add_mount(struct oci_spec *s, const char *destination, const char *type,
                                     const char *source, const char *comma_options);
/* Whether the configuration follows a release of 1.0. Its text has other rules than the later ones
 * in two points: a capability that nobody knows is an error (since 1.1 a warning), and a poststart
 * hook that fails is a warning (since then an error). */
bool oci_spec_is_1_0(const struct oci_spec *s);
bool oci_spec_has_namespace(const struct oci_spec *s, const char *type, const char **ret_path);
