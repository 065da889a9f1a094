/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * The life of a container as the runtime specification's runtime.md has it, spread over processes:
 * one creates, another starts, others signal, execute, delete. What they share is a directory,
 * ROOT/ID (state.h). Nothing of it is believed without the kernel: "running" means that the process
 * of (pid, start time, boot) lives.
 *
 * Every call is complete in itself, and returns 0 or -1 with an error. A caller may be killed
 * anywhere, and lifecycle_delete() with LIFECYCLE_FORCE removes whatever it left. Single-threaded
 * processes only.
 *
 * Calls that change a container take its lock and wait for whoever has it: of
 * two at once one comes after the other. The rest looks at what is there. A holder may hang: in a
 * hook, in a file system. LIFECYCLE_FORCE waits for it for some seconds (LOCK_PATIENCE_MS) and then
 * kills it, which is an end like any other (above), and takes its first process, which it has not
 * recorded yet, with it. So a process that makes these calls does little else.
 *
 * The words of some errors are a contract (containerd's, podman's and CRI-O's classification):
 * "container does not exist", "container not running", "container with given ID already exists".
 */
#include <sys/types.h>

#include "base/err.h"
#include "base/fd.h"
#include "cgroup/cgroup.h"
#include "oci/spec.h"
#include "runtime/rdt.h"
#include "runtime/runtime.h"
#include "sys/criu.h"

struct lifecycle_config {
    const char *root; /* where the containers' directories are; made with mode 0700 */
    enum cgroup_manager cgroup_manager;
    bool is_rootless;          /* cope without the rights of root */
    const char *notify_socket; /* create, start: who waits there is told when the command says that
                                  it is ready (sd_notify(3)); NULL: nobody waits */
};

enum lifecycle_status {
    LIFECYCLE_CREATING,
    LIFECYCLE_CREATED,
    LIFECYCLE_RUNNING,
    LIFECYCLE_PAUSED,
    LIFECYCLE_STOPPED
};
const char *lifecycle_status_name(enum lifecycle_status status);

/* What is known of a container; owned, lifecycle_state_done(). */
struct lifecycle_state {
    char *oci_version;
    char *id;
    char *bundle;  /* absolute */
    char *rootfs;  /* absolute */
    char *created; /* RFC 3339 with nanoseconds, UTC */
    char **annotations;
    uint32_t owner; /* who created it */
    struct cgroup_id cgroup;
    struct rdt rdt;
    int64_t pid; /* 0: none yet */
    uint64_t start_ticks;
    char *boot_id;
    bool has_late_hooks; /* the configuration has hooks for start or delete */
    bool has_agent;      /* its filter notifies one, which is told at the start */
    bool no_new_keyring; /* LIFECYCLE_NO_NEW_KEYRING */
};
void lifecycle_state_done(struct lifecycle_state *s);

/* ---- create, start ---- */
struct lifecycle_process_io {
    const char *console_socket; /* gets the master of the process's terminal. Without a terminal the
                                   process has the caller's 0, 1, 2 */
    bool wants_terminal;        /* the caller takes the master itself */
    const char *pidfd_socket;
    const char *pid_file;  /* written, complete, before the call returns */
    unsigned listen_fds;   /* create: so many sockets from 3 on, by sd_listen_fds(3) */
    unsigned preserve_fds; /* so many descriptors after those */
};
enum lifecycle_create_flags {
    LIFECYCLE_NO_NEW_KEYRING = 1 << 0,  /* RUNTIME_KEEP_KEYRING, also for execs */
    LIFECYCLE_NO_PIVOT = 1 << 1,        /* RUNTIME_NO_PIVOT */
    LIFECYCLE_DIE_WITH_CREATOR = 1 << 2 /* RUNTIME_DIE_WITH_CREATOR */
};
struct lifecycle_create_options {
    const char *id;
    const char *bundle;      /* NULL: the working directory */
    const char *config_file; /* NULL: config.json of the bundle */
    struct lifecycle_process_io io;
    unsigned flags;
};
/* A process that was made: a child of the caller, and, when that ends, of whoever reaps its
 * children. Owned; lifecycle_process_done(), which leaves the process alone. */
struct lifecycle_process {
    pid_t pid;
    int pidfd;
    int terminal_fd; /* with io.wants_terminal; else FD_NONE */
    int notify_fd;   /* the caller's: of lifecycle_start() */
    char **warnings;
};
#define LIFECYCLE_PROCESS_NONE                                                                     \
    {                                                                                              \
        .pidfd = FD_NONE, .terminal_fd = FD_NONE, .notify_fd = FD_NONE                             \
    }
void lifecycle_process_done(struct lifecycle_process *p);
/* The first process waits for lifecycle_start(). */
int lifecycle_create(const struct lifecycle_config *config,
                     const struct lifecycle_create_options *options, struct lifecycle_process *ret,
                     struct err *e);
/* With config.notify_socket returns when the command is ready (or has ended), or, when
 * ret_notify_fd is not NULL, at once: then the caller waits, and reads by lifecycle_notify_relay()
 * (FD_NONE: nothing will come). */
int lifecycle_start(const struct lifecycle_config *config, const char *id, int *ret_notify_fd,
                    struct err *e);
/* Takes one message, never waits: 1 when the command is ready and config.notify_socket has been
 * told that, and the pid to watch; 0: not yet. */
int lifecycle_notify_relay(const struct lifecycle_config *config, int notify_fd, pid_t main_pid,
                           struct err *e);

/* ---- exec ---- */
enum lifecycle_exec_flags { LIFECYCLE_IGNORE_PAUSED = 1 << 0 };
struct lifecycle_exec_options {
    const char *id;
    const struct oci_process *process; /* complete; see lifecycle_exec_process() */
    const char *user;     /* "NAME[:GROUP]" of the container's own files; NULL: process->user */
    char *const *cgroups; /* groups below the container's: cgroup_open_below(); NULL: its own */
    struct lifecycle_process_io io;
    unsigned flags;
};
/* The container's own process with other arguments: what exec begins with. Owned:
 * json_free_struct(&oci_process_json, ...). */
int lifecycle_exec_process(const struct lifecycle_config *config, const char *id,
                           struct oci_process *ret, struct err *e);
int lifecycle_exec(const struct lifecycle_config *config,
                   const struct lifecycle_exec_options *options, struct lifecycle_process *ret,
                   struct err *e);

/* ---- checkpoint and restore, by CRIU where it can (ERR_UNSUPPORTED) ---- */
enum lifecycle_checkpoint_flags {
    LIFECYCLE_CHECKPOINT_LEAVE_RUNNING = 1 << 0,
    LIFECYCLE_CHECKPOINT_TCP_ESTABLISHED = 1 << 1,
    LIFECYCLE_CHECKPOINT_TCP_SKIP_IN_FLIGHT = 1 << 2,
    LIFECYCLE_CHECKPOINT_EXT_UNIX_SK = 1 << 3,
    LIFECYCLE_CHECKPOINT_SHELL_JOB = 1 << 4,
    LIFECYCLE_CHECKPOINT_FILE_LOCKS = 1 << 5,
    LIFECYCLE_CHECKPOINT_AUTO_DEDUP = 1 << 6,
    LIFECYCLE_CHECKPOINT_LINK_REMAP = 1 << 7,
    LIFECYCLE_CHECKPOINT_PRE_DUMP = 1 << 8
};
#define LIFECYCLE_CHECKPOINT_NETWORK                                                               \
    "extRootNetNS" /* CRIU's key of a network namespace by path                                    \
                    */
struct lifecycle_checkpoint_options {
    const char *image_path;  /* NULL: "checkpoint"; made by a checkpoint */
    const char *work_path;   /* CRIU's logs; NULL: with the images */
    const char *parent_path; /* relative to image_path; NULL: none */
    const char *lsm_profile; /* restore: "TYPE:NAME" instead of the old one; NULL */
    const char *criu;        /* the program; NULL: criu of the PATH */
    unsigned flags;
    enum sys_criu_cgroup_mode cgroup_mode;
};
/* Without LEAVE_RUNNING and PRE_DUMP the container is deleted afterwards, as runc does. */
int lifecycle_checkpoint(const struct lifecycle_config *config, const char *id,
                         const struct lifecycle_checkpoint_options *options, struct err *e);
struct lifecycle_restore_options {
    struct lifecycle_create_options create;
    struct lifecycle_checkpoint_options checkpoint;
};
/* The container runs when the call returns. The caller is in a mount namespace of its own then. */
int lifecycle_restore(const struct lifecycle_config *config,
                      const struct lifecycle_restore_options *options,
                      struct lifecycle_process *ret, struct err *e);

/* ---- mounts ---- */
/* `text` is JSON as the specification's mounts: a list, or an object that has it as "mounts". */
int lifecycle_mounts_add(const struct lifecycle_config *config, const char *id, const char *text,
                         size_t len, struct err *e);
/* Only the destinations count. */
int lifecycle_mounts_remove(const struct lifecycle_config *config, const char *id, const char *text,
                            size_t len, struct err *e);

/* ---- the rest ---- */
int lifecycle_get_state(const struct lifecycle_config *config, const char *id,
                        struct lifecycle_state *ret, enum lifecycle_status *ret_status,
                        struct err *e);
/* Ids of all containers of the root, sorted; owned vector. */
int lifecycle_list(const struct lifecycle_config *config, char ***ret, struct err *e);
enum lifecycle_kill_flags { LIFECYCLE_KILL_ALL = 1 << 0 }; /* every process of the container */
int lifecycle_kill(const struct lifecycle_config *config, const char *id, int signal,
                   unsigned flags, struct err *e);
/* The container's processes, as the caller's pid namespace numbers them; owned array. */
int lifecycle_pids(const struct lifecycle_config *config, const char *id, pid_t **ret,
                   size_t *ret_n, struct err *e);
int lifecycle_pause(const struct lifecycle_config *config, const char *id, struct err *e);
int lifecycle_resume(const struct lifecycle_config *config, const char *id, struct err *e);
/* What `resources` says, and nothing else. Warnings (owned) may be NULL. */
int lifecycle_update(const struct lifecycle_config *config, const char *id,
                     const struct oci_resources *resources, char ***ret_warnings, struct err *e);
/* The `data` of runc's event "stats"; owned: json_object_put(). */
int lifecycle_stats(const struct lifecycle_config *config, const char *id, struct json_object **ret,
                    struct err *e);
enum lifecycle_event { LIFECYCLE_EVENT_STATS, LIFECYCLE_EVENT_OOM };
/* `data` is the callee's, NULL for OOM. Negative ends the watch. */
typedef int lifecycle_event_fn(void *arg, enum lifecycle_event event, struct json_object *data);
/* Statistics each interval, and each time that memory ran out, until the container's end. */
int lifecycle_watch(const struct lifecycle_config *config, const char *id, unsigned interval_ms,
                    lifecycle_event_fn *fn, void *arg, struct err *e);
enum lifecycle_delete_flags {
    LIFECYCLE_FORCE = 1 << 0 /* whatever its state; 0 also when there is none */
};
int lifecycle_delete(const struct lifecycle_config *config, const char *id, unsigned flags,
                     struct err *e);
