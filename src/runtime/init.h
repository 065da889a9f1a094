/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * The child's side: the state that its steps share. The child is a fork of the caller; it never
 * frees, never returns, and leaves by execve or _exit.
 */
#include "runtime/plan.h"
#include "runtime/sync.h"
#include "seccomp/seccomp.h"
#include "sys/caps.h"

struct init {
    const struct runtime_plan *plan;
    const struct plan_process *process;
    int sync_fd;
    int stub_fd;                           /* sealed program that executes the command */
    int init_pidfd;                        /* exec: whose namespaces */
    int exec_namespaces;                   /* exec: CLONE_NEW* */
    const struct seccomp_program *seccomp; /* NULL: none */
    int *source_fds;    /* by index in plan->sources; FD_NONE: optional and not there */
    bool opens_sources; /* the parent may not: sources.h */
    int *join_fds;      /* by enum plan_join; FD_NONE: not joined, or joined already */
    bool is_mapped;     /* the stage was in the new user namespace already, and is its root */
    bool is_entered;    /* exec: the stage has joined the container's namespaces */
    int mount_point_fd;
    const int *cgroup_fds; /* `tasks` of the v1 hierarchies to join */
    size_t n_cgroup_fds;
    const struct cgroup *cgroup; /* the container's; NULL: none of its own */
    const int *cgroup_trees;     /* mounts of its directories, to be shown; in their order */
    size_t n_cgroup_trees;

    /* made on the way */
    int root_fd;                /* the container's root, O_PATH or a mount's fd */
    int dev_fd;                 /* our tmpfs on /dev, or FD_NONE */
    int pts_fd;                 /* our devpts, or FD_NONE */
    int terminal_fd;            /* slave */
    int labels_fd;              /* a procfs of our own, for the stub, or FD_NONE */
    int empty_dir_fd;           /* an attached, empty, read-only directory */
    VEC(int) late_readonly_fds; /* mounts that become read-only when all is in them */
    int stdio[3];
    bool must_change_directory_as_user;
    struct sync_ids ids;
    struct sync_message *early[SYNC_TYPE_MAX]; /* messages that came before they were expected */
    char *cgroups; /* /proc/self/cgroup after joining, before the cgroup namespace; or NULL */
    char **env;
    char *program; /* path of the command */
    char **argv;   /* the stub's: the program, then process.args */
    struct sys_caps final_caps;
    bool keeps_admin; /* CAP_SYS_ADMIN, until the filter is loaded */
};

void init_main(struct init *init) DHOW_NORETURN;

/* From here on the creator's end is not the container's, unless RUNTIME_DIE_WITH_CREATOR wants it.
 */
int init_outlive_creator(const struct init *init);
/* It dies with its parent, has no signal handlers, a session and a keyring of its own: 0, -errno.
 */
int init_become_child(void);

/* SELinux: new keys have the command's label, or ours again. */
enum labels_when { LABELS_BEGIN, LABELS_END };
void labels_set_keys(const struct init *init, enum labels_when when);

/* Limits, umask, ids, capabilities, filter: the last steps of the command, and of a hook. */
int identity_apply(struct init *init, char *const *argv, char *const *env, struct err *e);
/* Only system calls that the filter allows, or that are the runtime's own last ones, after this:
 * filter.c. argv and env are those of the stub. */
int filter_apply(struct init *init, char *const *argv, char *const *env, struct err *e);

/* What the steps after READY do not use is closed: nothing of the host, or of the creator, stays
 * open in a process that may wait for days (T-21626). 0 or -errno. */
int init_close_the_rest(struct init *init);

/* sync_expect() in the child's order: what the parent sent earlier than it is wanted is kept. */
int init_expect(struct init *init, enum sync_type type, struct sync_message *ret, struct err *e);
