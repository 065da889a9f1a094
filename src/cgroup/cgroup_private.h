/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* What the cgroup_*.c files share. */
#include "base/vec.h"
#include "cgroup/cgroup.h"

struct bpf_insn;

enum cgroup_controller {
    CGROUP_MEMORY,
    CGROUP_CPU,
    CGROUP_CPUSET,
    CGROUP_PIDS,
    CGROUP_DEVICES,
    CGROUP_FREEZER,
    CGROUP_SYSTEMD, /* the named hierarchy without a controller */
    CGROUP_CONTROLLER_MAX
};
extern const char *const cgroup_controller_names[CGROUP_CONTROLLER_MAX];

#define CGROUP_MAX_HIERARCHIES 16
#define CGROUP_WAIT_MS         2000

/* cgroup_mounts.c: what is mounted where. Mount points without controllers of ours are left out. */
struct cgroup_mount {
    char *point;
    unsigned controllers; /* bits: 1 << enum cgroup_controller; 0 for v2 */
    bool is_v2;
};
struct cgroup_mounts {
    enum cgroup_mode mode;
    struct cgroup_mount items[CGROUP_MAX_HIERARCHIES];
    size_t n;
};
void cgroup_mounts_parse(const char *mountinfo, struct cgroup_mounts *ret);
int cgroup_mounts_read(struct cgroup_mounts *ret, struct err *e);
void cgroup_mounts_done(struct cgroup_mounts *m);
/* Checks a path and returns it without leading, doubled and trailing slashes; owned, or NULL. */
char *cgroup_path_clean(const char *path, struct err *e);

/* cgroup_limits.c: resources to writes, in order. Pure. */
struct cgroup_write {
    enum cgroup_controller controller;
    char *file;
    char *text;
    const char *what; /* for the warning: "memory limit" */
};
struct cgroup_writes {
    VEC(struct cgroup_write) list;
    char **warnings; /* limits that this version has no file for */
};
void cgroup_plan_v1(const struct oci_resources *r, struct cgroup_writes *ret);
void cgroup_plan_v2(const struct oci_resources *r, struct cgroup_writes *ret);
void cgroup_writes_done(struct cgroup_writes *w);
unsigned cgroup_writes_controllers(const struct cgroup_writes *w); /* bits */
char *cgroup_warning(const char *what) DHOW_MUST_USE;
uint64_t cgroup_weight_of_shares(uint64_t shares);

/* cgroup_devices.c: the rules in force, as v1 text and as a v2 program. Pure. */
struct device_rule {
    char type; /* 'b' 'c', or 'a' for both */
    bool is_allowed;
    int64_t major; /* -1: all */
    int64_t minor;
    unsigned access; /* BPF_DEVCG_ACC_* */
};
struct device_rules {
    VEC(struct device_rule) list;
    bool allows_all; /* nothing to restrict */
};
void device_rules_make(const struct oci_resources *r, struct device_rules *ret);
void device_rules_done(struct device_rules *d);
char *device_rule_text(const struct device_rule *r) DHOW_MUST_USE; /* "c 1:3 rwm" */
struct bpf_insn *device_rules_program(const struct device_rules *d, size_t *ret_n); /* owned */

/* One directory of a group. */
struct cgroup_dir {
    int fd; /* O_PATH */
    const struct cgroup_mount *mount;
};
struct cgroup {
    struct cgroup_mounts mounts;
    char *path; /* clean: "dhow/ID" */
    struct cgroup_dir dirs[CGROUP_MAX_HIERARCHIES];
    size_t n;
};
int cgroup_v2_fd(const struct cgroup *g);                                   /* borrowed, FD_NONE */
int cgroup_controller_fd(const struct cgroup *g, enum cgroup_controller c); /* v1; borrowed */
