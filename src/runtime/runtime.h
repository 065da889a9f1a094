/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * The runtime: a container out of a spec and a root filesystem. Plan, then act: runtime_plan() is
 * pure; the child executes steps and parses nothing. One isolation is one handler (namespaces here;
 * a virtual machine is another row of the table).
 *
 * Who calls: the engine, in the process that becomes the container's monitor (so that the
 * container's first process is its child), and the OCI runtime command. Not thread-safe; the
 * calling process must be single-threaded when it clones.
 *
 *   runtime_plan()    validates everything, resolves nothing in the rootfs
 *   runtime_create()  clones the first process ("init"), which builds the root and stops before
 * execve runtime_start()   lets it go; returns when execve succeeded, or with its error
 *   runtime_exec()    one more process in a running container
 *
 * With a start listener creation and start are two processes' work: the creator records what
 * runtime_create() gave and calls runtime_detach(); until then init dies with it, from then on init
 * waits for runtime_start_at().
 */
#include <sys/types.h>

#include "base/def.h"
#include "base/err.h"
#include "base/fd.h"
#include "oci/spec.h"

struct cgroup;
struct cgroup_request;
struct rdt;

struct runtime_rootfs {
    const int *lower_fds; /* O_PATH directories, topmost first; n_lowers 0: spec->root.path is the
                             root as it is */
    size_t n_lowers;
    int upper_fd; /* FD_NONE with work_fd: a read-only overlay */
    int work_fd;
    int mount_point_fd; /* an empty directory of ours, where the overlay is attached inside the
                           container's mount namespace */
};

enum runtime_flags {
    RUNTIME_KEEP_KEYRING = 1 << 0, /* the caller's session keyring is the container's, too */
    RUNTIME_NO_PIVOT = 1 << 1, /* for a host whose root is a ramfs, where pivot_root(2) fails: the
                                  host's tree stays below the container's root */
    RUNTIME_DIE_WITH_CREATOR = 1 << 2, /* the container's first process is killed when the one that
                                          created it ends, also by SIGKILL */
};

/* Who passes the listener of a filter with SCMP_ACT_NOTIFY on to the agent at listenerPath. `pid`
 * is the filtered process in the caller's pid namespace; the descriptor is borrowed. The process
 * waits meanwhile: it is killed on failure. */
struct runtime_agent {
    int (*tell)(void *arg, pid_t pid, int listener, struct err *e);
    void *arg;
};

struct runtime_config {
    const char *id;     /* 64 hex digits, or a caller's id */
    const char *bundle; /* absolute; what hooks are told. NULL: the spec has none */
    const struct oci_spec *spec;
    struct runtime_rootfs rootfs;
    int stdio[3];     /* become 0, 1, 2; FD_NONE: /dev/null of the container's own. Not used with a
                         terminal */
    const char *user; /* "NAME|UID[:GROUP|GID]", looked up in the root's own passwd and group; NULL:
                         spec's numbers */
    char *const *user_groups; /* additional group names or numbers (--group-add), or NULL */
    bool set_home;            /* set HOME from passwd when the environment has none */
    bool create_cwd;          /* make process.cwd when it is missing, beneath the root */
    int bundle_dirfd; /* what relative sources of binds count from; FD_NONE: there are none */
    int etc_dirfd; /* the container's own /etc/hostname, /etc/hosts and /etc/resolv.conf: files of
                   these names in this directory, bind-mounted; FD_NONE: the image's */
    int start_listener; /* a listening socket (sys_listen_at()): the start comes from another
                           process by runtime_start_at(); FD_NONE: by runtime_start() */
    int waiting_fd; /* what the first process holds open until it executes, and nothing longer: its
                       lock says that it waits; or FD_NONE */
    unsigned flags; /* RUNTIME_* */
    unsigned preserve_fds; /* so many descriptors from 3 on are the command's */
    /* Located by the caller, made by runtime_create() with the same request, removed by the caller
     * whatever happens; borrowed. NULL: linux.cgroupsPath, removed again when the creation fails.
     */
    struct cgroup *cgroup;
    const struct cgroup_request *cgroup_request;
    const struct runtime_agent *agent; /* borrowed until the start; NULL: a filter that notifies is
                                          refused, unless the start comes from elsewhere */
    const struct rdt
        *rdt; /* linux.intelRdt's group, made by the caller (rdt.h); borrowed, or NULL */
    const int *creator_fds; /* what a copy in the container's process would hold too long: locks,
                               directories; it closes them first */
    size_t n_creator_fds;
};
#define RUNTIME_CONFIG_NONE                                                                        \
    {                                                                                              \
        .rootfs = {.upper_fd = FD_NONE, .work_fd = FD_NONE, .mount_point_fd = FD_NONE},            \
        .stdio = {FD_NONE, FD_NONE, FD_NONE}, .bundle_dirfd = FD_NONE, .etc_dirfd = FD_NONE,       \
        .start_listener = FD_NONE, .waiting_fd = FD_NONE                                           \
    }

/* The plan: named steps in order, for --dry-run, errors and traces. Owned; free with
 * runtime_plan_free(). */
struct runtime_plan; /* opaque */
int runtime_plan(const struct runtime_config *config, struct runtime_plan **ret,
                 struct err *e);                                     /* borrows config */
char *runtime_plan_text(const struct runtime_plan *p) DHOW_MUST_USE; /* a line a step */
void runtime_plan_free(struct runtime_plan *p);
/* What the plan asks for and this caller cannot give, where that is no failure: capabilities that
 * it does not have ("Runtimes SHOULD NOT fail", config.md), hard limits that it may not raise
 * (callers write such limits for every container). */
void runtime_plan_add_warnings(const struct runtime_plan *p, char ***inout_warnings);

struct runtime_container {
    pid_t pid; /* in the caller's pid namespace; a child of the caller */
    int pidfd;
    uint64_t start_ticks; /* sys_process_start_time() */
    int terminal_fd;      /* master of the container's pty, or FD_NONE */
    int sync_fd;          /* to init until it has executed */
    int oom_fd; /* poll: readable when the cgroup saw an OOM kill (v1 eventfd or v2 inotify);
                   FD_NONE: not known */
    const struct runtime_agent *agent; /* of the configuration; borrowed */
    char **warnings; /* what has no effect here: limits that this kernel cannot apply, unknown
                        capabilities; owned */
};
#define RUNTIME_CONTAINER_NONE                                                                     \
    {                                                                                              \
        .pidfd = FD_NONE, .terminal_fd = FD_NONE, .sync_fd = FD_NONE, .oom_fd = FD_NONE            \
    }
int runtime_create(const struct runtime_plan *p, struct runtime_container *ret, struct err *e);
/* ERR_CMD_NOT_FOUND and ERR_CMD_INVOKE tell 127 and 126. On failure init is dead and reaped. */
int runtime_start(struct runtime_container *c, struct err *e);
/* From now on init outlives the caller and waits on its start listener. Whoever takes the pidfd out
 * of `c` keeps runtime_container_done() from killing it. */
int runtime_detach(struct runtime_container *c, struct err *e);
struct runtime_init {
    pid_t pid;
    const struct runtime_agent *agent; /* NULL: its filter does not notify */
};
/* The start of a detached init that listens at dirfd/socket_name. ERR_BAD_STATE when nobody
 * listens there (any more), else as runtime_start(); a failed start ends init. */
int runtime_start_at(int dirfd, const char *socket_name, const struct runtime_init *init,
                     struct err *e);
/* Kills and reaps init if it still is there, closes the fds, frees the warnings. The cgroup stays:
 * runtime_remove(). */
void runtime_container_done(struct runtime_container *c);

struct runtime_exec_config {
    pid_t init_pid;       /* of the running container */
    uint64_t start_ticks; /* checked after the pidfd is open: no pid reuse */
    const char *id;       /* whose keyring is joined; NULL: the caller's is kept */
    const struct oci_process *process;
    const struct oci_linux *linux;     /* the container's: personality and memory policy are those
                                          of its execs, too; NULL: none */
    const struct oci_seccomp *seccomp; /* NULL: none */
    bool has_foreign_mounts;           /* the container joined a mount namespace by path */
    const char *cgroup_path;
    struct cgroup *cgroup; /* instead of the path; borrowed */
    const char *user;
    char *const *user_groups;
    bool set_home;
    int stdio[3];
    unsigned preserve_fds;
    const struct runtime_agent *agent; /* NULL: a filter that notifies is refused */
};
struct runtime_process {
    pid_t pid; /* a child of the caller */
    int pidfd;
    int terminal_fd;
};
#define RUNTIME_PROCESS_NONE                                                                       \
    {                                                                                              \
        .pidfd = FD_NONE, .terminal_fd = FD_NONE                                                   \
    }
int runtime_exec(const struct runtime_exec_config *config, struct runtime_process *ret,
                 struct err *e);

/* Kills what is left in the container's cgroup and removes it. 0 also when there is none. */
int runtime_remove(const char *cgroup_path, struct err *e);

/* Mounts of a running container that come and go later. */
struct runtime_mounts_config {
    pid_t init_pid;
    uint64_t start_ticks;
    const struct oci_spec *spec; /* the container's, with these mounts and no others */
    int bundle_dirfd;            /* as in runtime_config */
    bool has_foreign_mounts;     /* as in runtime_exec_config */
};
/* Sources are resolved as the caller, targets inside the container. What was mounted before a
 * failure stays. */
int runtime_mounts_add(const struct runtime_mounts_config *config, struct err *e);
/* Only destinations count: what is mounted there, with all below, is taken away. */
int runtime_mounts_remove(const struct runtime_mounts_config *config, struct err *e);
