/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * The options that `run` and `create` share, as typed (struct container_flags, filled by the
 * parser), and what they mean (struct engine_options). Resolving reads files that options name
 * (--env-file,
 * --label-file, a seccomp profile) and nothing else.
 */
#include "cli/pull.h"
#include "command/command.h"
#include "engine/engine.h"

struct container_flags {
    struct pull_flags fetch; /* first: its rows are shared with `pull` */
    char *name;
    char *hostname;
    char *cidfile;
    char *pull;
    bool replace;
    bool rm;
    bool interactive;
    bool tty;
    bool read_only;
    bool privileged;
    char *entrypoint;
    char *workdir;
    char *user;
    char **group_add;
    char **env;
    char **env_files;
    bool env_host;
    char **labels;
    char **label_files;
    char **annotations;
    char **volumes;
    char **mounts;
    char **tmpfs;
    char **devices;
    char **security_opts;
    char **cap_add;
    char **cap_drop;
    char **sysctls;
    char **ulimits;
    char **networks;
    char *pid;
    char *ipc;
    char *uts;
    char *userns;
    char *cgroup_parent;
    char *restart;
    struct json_opt_i64 memory;
    struct json_opt_i64 memory_swap;
    struct json_opt_i64 memory_reservation;
    struct json_opt_u64 cpu_shares;
    struct json_opt_i64 cpu_quota;
    struct json_opt_u64 cpu_period;
    char *cpus;
    char *cpuset_cpus;
    char *cpuset_mems;
    struct json_opt_i64 pids_limit;
    struct json_opt_i64 oom_score_adj;
    struct json_opt_i64 shm_size;
    char *stop_signal;
    struct json_opt_u64 stop_timeout;
    char *log_driver;
};

/* Rows with offsets into struct container_flags, which begins the options struct of both commands.
 */
extern const struct option container_option_rows[];
/* What podman and docker have and we have not yet. */
extern const struct option container_unsupported_rows[];
extern const struct option container_unsupported_run_rows[]; /* run only */

/* args: IMAGE [COMMAND...]. host_env: the caller's environment, for "-e NAME" and --env-host. */
int container_options_resolve(const struct container_flags *f, char *const *args,
                              char *const *host_env, struct engine_options *ret, struct err *e);

/* ---- pieces, for tests ---- */
/* "SOURCE:DESTINATION[:OPTIONS]" */
int container_volume_parse(const char *s, struct engine_volume *ret, struct err *e);
void container_volume_done(struct engine_volume *v);
/* "type=bind,source=A,target=B,..." adds to volumes or tmpfs of `o`. */
int container_mount_parse(const char *s, struct engine_options *o, struct err *e);
int container_tmpfs_check(const char *s, struct err *e);
/* A string is one word; a JSON array of strings is as it is; "" is the empty entrypoint. */
int container_entrypoint_parse(const char *s, char ***ret, struct err *e);
/* "NAME=SOFT[:HARD]"; -1 is unlimited. */
int container_ulimit_parse(const char *s, struct engine_ulimit *ret, struct err *e);
int container_cpus_parse(const char *s, int64_t *ret_nano_cpus, struct err *e);
int container_device_check(const char *s, struct err *e);
int container_security_opt(const char *s, struct engine_options *o, struct err *e);
int container_env_add(char *const *assignments, char *const *host_env, char ***env, struct err *e);
int container_env_file(const char *path, char *const *host_env, char ***env, struct err *e);
int container_resources_check(const struct container_flags *f, struct err *e);
int container_sysctl_check(const char *s, const struct engine_options *o, struct err *e);
int container_namespaces_resolve(const struct container_flags *f, struct engine_options *o,
                                 struct err *e);
