/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * The engine: containers and images for the command line, the library and the service. The only
 * layer that composes the store, the image worker, the runtime and the monitor. Calls return 0 or
 * -1 with an error; nothing prints.
 *
 * An engine handle belongs to one thread. Names of objects are what users type: full id, unique id
 * prefix, or name.
 */
#include <sys/types.h>

#include "base/err.h"
#include "base/json.h"
#include "base/vec.h"
#include "store/store.h"

struct engine; /* opaque */
struct engine_config {
    const char *root;    /* NULL: /var/lib/dhow */
    const char *runroot; /* NULL: /run/dhow */
    const char *libexec; /* where dhow-monitor and dhow-image are; NULL: found beside the program,
                            else the built-in place */
};
/* Opening makes directories only when `mode` is STORE_WRITE; a STORE_WRITE open also heals what a
 * killed process left. */
int engine_open(const struct engine_config *config, enum store_mode mode, struct engine **ret,
                struct err *e);
/* Is there a store at the configured root? Makes nothing. */
bool engine_exists(const struct engine_config *config);
void engine_close(struct engine *en);
struct store *engine_store(struct engine *en); /* borrowed */

/* ---- container options: what `create` and `run` mean; stored as JSON with the container ---- */
enum engine_network { ENGINE_NETWORK_UNSET, ENGINE_NETWORK_NONE, ENGINE_NETWORK_HOST };
struct engine_volume {
    char *source;      /* absolute host path */
    char *destination; /* absolute container path */
    char **options;    /* ro rw z Z rshared ... as given */
};
struct engine_ulimit {
    char *name; /* "nofile" */
    uint64_t soft;
    uint64_t hard;
};
struct engine_options {
    char *name;  /* NULL: a random adjective_surname */
    char *image; /* as typed */
    char **command;
    char **entrypoint; /* with has_entrypoint */
    bool has_entrypoint;
    char **env; /* "K=V", already resolved by the caller */
    char *workdir;
    char *user;
    char **group_add;
    char *hostname;
    bool interactive;
    bool tty;
    bool auto_remove;
    bool read_only;
    bool privileged;
    bool no_new_privileges;
    char *seccomp; /* NULL: the default profile; "unconfined"; or a profile's JSON text */
    char **cap_add;
    char **cap_drop;
    VEC(struct engine_volume) volumes;
    char **tmpfs; /* "path[:opts]" */
    enum engine_network network;
    char *userns; /* NULL or "host" */
    char *pid;    /* NULL (private) or "host" */
    char *ipc;    /* NULL (private), "host", "none" */
    char *uts;    /* NULL or "host" */
    char *cgroup_parent;
    struct json_opt_i64 memory; /* bytes */
    struct json_opt_i64 memory_swap;
    struct json_opt_i64 memory_reservation;
    struct json_opt_u64 cpu_shares;
    struct json_opt_i64 cpu_quota;
    struct json_opt_u64 cpu_period;
    struct json_opt_i64 nano_cpus;
    char *cpuset_cpus;
    char *cpuset_mems;
    struct json_opt_i64 pids_limit;
    struct json_opt_i64 oom_score_adj;
    struct json_opt_u64 shm_size;
    VEC(struct engine_ulimit) ulimits;
    char **sysctl; /* "k=v" */
    char **labels; /* "k=v" */
    char **annotations;
    char *stop_signal;                /* NULL: the image's, else SIGTERM */
    struct json_opt_u64 stop_timeout; /* seconds */
    char *log_driver;                 /* "k8s-file" (default), "none" */
    char **devices;                   /* "host[:ctr][:rwm]" */
    char **args; /* set by engine_container_create(): what entrypoint and command come to */
};
extern const struct json_struct engine_options_json;
void engine_options_done(struct engine_options *o);
/* What can be told without an image: names, signals, combinations, sources of volumes. For a skin
 * that wants its errors before it pulls; engine_container_create() asks it too. */
int engine_options_check(const struct engine_options *o, struct err *e);

/* ---- states ---- */
enum engine_state { ENGINE_CREATED, ENGINE_RUNNING, ENGINE_PAUSED, ENGINE_EXITED, ENGINE_UNKNOWN };
const char *
engine_state_name(enum engine_state s); /* "created" "running" "paused" "exited" "unknown" */

struct engine_status {
    enum engine_state state;
    pid_t pid; /* running: of the first process, host's numbering; else 0 */
    int64_t started_ns;
    int64_t finished_ns;
    int32_t exit_code;
    bool oom_killed;
};

/* ---- containers ---- */
int engine_container_create(struct engine *en, const struct engine_options *o, char **ret_id,
                            struct err *e);

/* The launch plan of what would be created: a line a step; owned text. Changes nothing. */
int engine_container_plan(struct engine *en, const struct engine_options *o, char **ret_text,
                          struct err *e);

struct engine_start {
    bool attach;         /* keep a client on the container's stdio: *ret_client is its socket
                            (runtime/monitor.h) */
    uint16_t rows, cols; /* first size of a terminal; 0: unknown */
};
/* Returns when the command has been executed. ERR_CMD_INVOKE, ERR_CMD_NOT_FOUND; warnings are
 * limits that were dropped. */
int engine_container_start(struct engine *en, const char *name, const struct engine_start *how,
                           int *ret_client, char ***ret_warnings, struct err *e);
/* After an EXIT packet came to a client of ours: records the end, tears down, removes with --rm. */
int engine_container_finish(struct engine *en, const char *id, struct err *e);
int engine_container_attach(struct engine *en, const char *name, int *ret_client, bool *ret_tty,
                            struct err *e);
/* The first signal is the container's stop signal; SIGKILL after the timeout (seconds; -1: the
 * container's own, 10). */
int engine_container_stop(struct engine *en, const char *name, int timeout_s, char **ret_id,
                          struct err *e);
int engine_container_kill(struct engine *en, const char *name, int sig, char **ret_id,
                          struct err *e);
enum engine_remove_flags { ENGINE_REMOVE_FORCE = 1 << 0, ENGINE_REMOVE_IGNORE_MISSING = 1 << 1 };
int engine_container_remove(struct engine *en, const char *name, unsigned flags, int timeout_s,
                            char **ret_id, struct err *e);
/* Waits for the end (forever) and gives the exit code. */
int engine_container_wait(struct engine *en, const char *name, int *ret_code, struct err *e);
int engine_container_status(struct engine *en, const char *name, char **ret_id,
                            struct engine_status *ret, struct err *e);
int engine_container_pause(struct engine *en, const char *name, bool pause, char **ret_id,
                           struct err *e);
int engine_container_rename(struct engine *en, const char *name, const char *new_name,
                            struct err *e);

/* One row of `ps`; JSON keys and template fields as podman's. Strings are owned. */
struct engine_summary {
    char *id;
    char *name;
    char *image;
    char *image_id;
    char **command;
    char **labels;
    int64_t created_ns;
    struct engine_status status;
    char *status_text; /* "Up 3 minutes", "Exited (0) 2 hours ago", "Created" */
    char **mounts;     /* destinations of the user's volumes */
    bool auto_remove;
};
typedef VEC(struct engine_summary) engine_summary_list;
int engine_container_list(struct engine *en, bool all, engine_summary_list *ret,
                          struct err *e); /* newest first */
void engine_summary_list_done(engine_summary_list *l);
/* podman's `inspect` object; owned JSON. */
int engine_container_inspect(struct engine *en, const char *name, struct json_object **ret,
                             struct err *e);

/* ---- exec ---- */
struct engine_exec {
    char *const *command;
    char *const *env;    /* added to the container's */
    const char *user;    /* NULL: the container's */
    const char *workdir; /* NULL: the container's */
    bool tty;
    bool interactive;
    bool privileged;
    int stdio[3]; /* the process's 0, 1, 2 (pipes of the caller); not used with tty */
};
/* The process is a child of the caller: pid, pidfd and, with tty, the pty's master. */
int engine_container_exec(struct engine *en, const char *name, const struct engine_exec *x,
                          pid_t *ret_pid, int *ret_pidfd, int *ret_terminal_fd, struct err *e);

/* ---- logs ---- */
enum engine_log_stream { ENGINE_LOG_STDOUT, ENGINE_LOG_STDERR };
/* Called for each piece in order. `is_line_start` tells where a timestamp may be printed. Non-zero
 * stops. */
typedef int engine_log_fn(void *arg, enum engine_log_stream stream, const char *timestamp,
                          bool is_line_start, const char *text, size_t n);
struct engine_logs {
    bool follow;      /* until the container has exited and the log is drained */
    int64_t tail;     /* lines; -1: all */
    int64_t since_ns; /* 0: all */
    int64_t until_ns; /* 0: no end */
};
int engine_container_logs(struct engine *en, const char *name, const struct engine_logs *how,
                          engine_log_fn *fn, void *arg, struct err *e);

/* ---- images ---- */
typedef void engine_progress_fn(void *arg, const char *item, const char *phase,
                                int64_t current_bytes, int64_t total_bytes);
struct engine_pull {
    const char *reference; /* as typed; completed by the engine */
    const char *platform;  /* NULL: the host's */
    const char *username;
    const char *password;
    const char *cert_dir;
    bool tls_verify;
    engine_progress_fn *progress; /* may be NULL */
    void *arg;
};
int engine_image_pull(struct engine *en, const struct engine_pull *p, char **ret_id, struct err *e);
/* `fd`: a docker-archive or an OCI layout, as a tar (plain or gzip or zstd; may be a pipe) or an
 * open directory. */
int engine_image_load(struct engine *en, int fd, const char *name, engine_progress_fn *progress,
                      void *arg, char ***ret_names, struct err *e);
/* rmi: untags when the image has other names and `name` is one of them, else removes. Lines for the
 * user: "Untagged: X", "Deleted: ID". */
int engine_image_remove(struct engine *en, const char *name, bool force, char ***ret_lines,
                        struct err *e);
int engine_image_tag(struct engine *en, const char *name, const char *new_name, struct err *e);
int engine_image_inspect(struct engine *en, const char *name, struct json_object **ret,
                         struct err *e);

/* ---- information ---- */
int engine_info(struct engine *en, struct json_object **ret,
                struct err *e); /* podman's info object: host, store, version */
