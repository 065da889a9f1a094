/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * The plan: what will be done to make a container's process, as data. Making it is pure (no file is
 * opened, no name resolved); every mistake that the spec alone shows is found here, before the
 * first clone.
 *
 * A feature is one file with one function that adds steps: mounts.c, devices.c, ... (the tables in
 * plan.c are their order). A step runs in the child and gets its arguments as prepared here; the
 * child parses nothing.
 *
 * A plan borrows the configuration it was made from and is read-only afterwards: one plan may be
 * used several times.
 */
#include <sys/resource.h>

#include "base/err.h"
#include "base/vec.h"
#include "runtime/runtime.h"
#include "runtime/stub.h"
#include "runtime/userns.h"
#include "runtime/users.h"
#include "sys/sched.h"

struct init; /* the child's state: init.h */

struct plan_step {
    const char *name; /* constant: traces, --dry-run */
    char *detail;     /* owned; NULL: none */
    int (*run)(struct init *init, const void *arg, struct err *e);
    const void *arg;
};

/* A mount tree of the host (sources.h). */
struct plan_source {
    int dirfd; /* borrowed, or AT_FDCWD */
    const char *path;
    const char *field; /* what asked for it: "mounts[3].source" */
    unsigned flags;    /* SYS_TREE_* */
    bool is_optional;
    bool is_mapped, is_mapped_recursively;
    struct userns_maps maps; /* none: the container's user namespace */
};

enum plan_join {
    PLAN_JOIN_USER,
    PLAN_JOIN_PID,
    PLAN_JOIN_NET,
    PLAN_JOIN_IPC,
    PLAN_JOIN_UTS,
    PLAN_JOIN_CGROUP,
    PLAN_JOIN_TIME,
    PLAN_JOIN_MOUNT,
    PLAN_JOIN_MAX
};

struct plan_join_path {
    const char *path;  /* NULL: not joined */
    const char *field; /* "linux.namespaces[3].path" */
};

struct plan_namespaces {
    bool has_user;     /* other than the caller's */
    int clone_flags;   /* made by clone3: pid, user, time */
    int unshare_flags; /* made by the child, beside the parent's work */
    struct plan_join_path joins[PLAN_JOIN_MAX];
    const char *time_offsets; /* for /proc/PID/timens_offsets; NULL: none */
    bool needs_stage;         /* the parent cannot clone the child itself: stage.c */
};

struct plan_rlimit {
    int resource;
    const char *name;
    struct rlimit limit;
};

struct plan_caps {
    uint64_t bounding, effective, inheritable, permitted, ambient;
    uint64_t for_execve; /* of the effective ones: ambient until the command is executed (stub.c) */
};

/* What create and exec have in common. */
struct plan_process {
    const struct oci_process *process;
    const struct oci_seccomp *seccomp;
    struct users_request users;
    bool has_user_lookup;
    struct sync_ids ids; /* without a lookup */
    int stdio[3];
    unsigned preserve_fds;
    bool create_cwd;
    struct plan_caps caps;
    const struct oci_linux *linux; /* the container's; NULL: not known */
    bool has_initial_cpus;         /* exec */
    struct sys_mask initial_cpus;
    const char *keyring; /* the session keyring's name; NULL: the caller's is kept */
    struct stub_label labels[STUB_MAX_LABELS];
    size_t n_labels;
    VEC(struct plan_rlimit) rlimits;
};

enum plan_kind { PLAN_CREATE, PLAN_EXEC, PLAN_MOUNTS };

struct runtime_plan {
    enum plan_kind kind;
    const struct runtime_config *config;           /* not PLAN_EXEC */
    const struct runtime_exec_config *exec_config; /* not PLAN_CREATE */
    const struct oci_spec *spec;   /* not PLAN_EXEC; its `linux` is never NULL here */
    const struct oci_linux *linux; /* not PLAN_EXEC */
    const char *cgroup_path;       /* NULL: none */
    struct plan_namespaces namespaces;
    struct plan_process process;
    VEC(struct plan_step) steps;
    VEC(struct plan_source) sources;
    VEC(void *) owned;      /* arguments of steps */
    bool has_own_dev;       /* a tmpfs of ours is mounted on /dev */
    bool has_foreign_dev;   /* the caller binds something on /dev: it has its nodes */
    bool has_own_pts;       /* a devpts of ours is mounted on /dev/pts */
    bool has_late_readonly; /* some tmpfs become read-only when all is in them */
    bool shows_cgroup;      /* cgroups are mounted inside */
    bool sends_prepared;    /* the child sends PREPARED, and waits for PROCEED */
};

/* Appends a step; `detail` is printf-like. */
void plan_add(struct runtime_plan *p, const char *name,
              int (*run)(struct init *init, const void *arg, struct err *e), const void *arg,
              const char *detail, ...) DHOW_PRINTF(5, 6);
/* Zeroed memory that lives as long as the plan. */
void *plan_alloc(struct runtime_plan *p, size_t size) DHOW_MUST_USE;
char *plan_own_string(struct runtime_plan *p, char *s); /* takes it */
size_t plan_add_source(struct runtime_plan *p, struct plan_source source);

int plan_make_exec(const struct runtime_exec_config *config, struct runtime_plan **ret,
                   struct err *e);

/* The features, in files of these names. */
int namespaces_plan(struct runtime_plan *p, struct err *e);
int rootfs_plan(struct runtime_plan *p, struct err *e);
/* The overlay is made, detached, before the child unshares its mounts. */
void rootfs_plan_overlay(struct runtime_plan *p);
int rootfs_plan_finish(struct runtime_plan *p, struct err *e);
void no_pivot_plan(struct runtime_plan *p);
int sysctl_plan(struct runtime_plan *p, struct err *e);
/* Is one of the spec's a parameter of this kind of namespace? */
bool sysctl_sets_in(const struct runtime_plan *p, enum plan_join kind);
int mounts_plan(struct runtime_plan *p, struct err *e);
int etc_plan(struct runtime_plan *p, struct err *e);
int devices_plan(struct runtime_plan *p, struct err *e);
int hooks_plan(struct runtime_plan *p, struct err *e);
/* With a filter that notifies an agent hooks run under init's own: the agent has one listener. */
int hooks_plan_start(struct runtime_plan *p, struct err *e);
int hooks_plan_start_filtered(struct runtime_plan *p, struct err *e);
int terminal_plan(struct runtime_plan *p, struct err *e);
int attributes_plan(struct runtime_plan *p, struct err *e);
int labels_plan(struct runtime_plan *p, struct err *e);
int paths_plan(struct runtime_plan *p, struct err *e);
int identity_plan_limits(struct runtime_plan *p, struct err *e);
int identity_plan(struct runtime_plan *p, struct err *e);
int identity_plan_finish(struct runtime_plan *p, struct err *e);
int command_plan(struct runtime_plan *p, struct err *e);
int command_plan_filter(struct runtime_plan *p, struct err *e);
int command_plan_finish(struct runtime_plan *p, struct err *e);
/* The ids are known before the next step. */
void identity_plan_receive(struct runtime_plan *p);
