/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From what was typed to what is meant: struct container_flags -> struct engine_options. The order
 * is the one in which a user would want to hear of a mistake; each part is a step of one table.
 */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/fd.h"
#include "base/signals.h"
#include "base/str.h"
#include "base/strv.h"
#include "cli/container_options.h"
#include "sys/file.h"

#define TEXT_FILE_MAX_BYTES (4u << 20)
#define MEMORY_MIN_BYTES    4194304
#define CPU_PERIOD_MIN_US   1000
#define CPU_PERIOD_MAX_US   1000000

/* ---- environment ---- */

static int env_add_one(const char *word, char *const *host_env, char ***env, struct err *e)
{
    size_t len = strcspn(word, "=");
    auto_free char *name = alloc_strndup(word, len);
    if (len == 0)
        return err_set(e, ERR_INVALID, "environment variable '%s' has no name", word);
    if (strpbrk(name, " \t"))
        return err_set(e, ERR_INVALID, "environment variable name '%s' has a blank", name);
    if (word[len] == '=') {
        strv_env_set(env, word);
        return 0;
    }
    /* A name alone: the caller's value; unset here is unset there (podman 4). */
    const char *value = strv_env_get(host_env, name);
    if (value) {
        auto_free char *assignment = alloc_printf("%s=%s", name, value);
        strv_env_set(env, assignment);
    }
    return 0;
}

int container_env_add(char *const *assignments, char *const *host_env, char ***env, struct err *e)
{
    STRV_FOREACH (word, assignments) {
        if (env_add_one(*word, host_env, env, e) < 0)
            return -1;
    }
    return 0;
}

/* The lines of a file that are neither empty nor comments, without leading blanks. */
static int read_lines(const char *path, char ***ret, struct err *e)
{
    auto_free char *text = NULL;
    size_t len;
    auto_fd int fd = sys_open(AT_FDCWD, path, O_RDONLY, 0);
    if (fd < 0)
        return err_sys(e, fd, "open '%s'", path);
    int r = sys_read_fd(fd, TEXT_FILE_MAX_BYTES, &text, &len);
    if (r < 0)
        return err_sys(e, r, "read '%s'", path);
    if (strlen(text) != len)
        return err_set(e, ERR_INVALID, "'%s' has a NUL byte", path);
    auto_strv lines = strv_split(text, '\n');
    STRV_FOREACH (line, lines) {
        char *s = *line + strspn(*line, " \t");
        s[strcspn(s, "\r")] = '\0';
        if (*s && *s != '#')
            strv_add(ret, s);
    }
    return 0;
}

int container_env_file(const char *path, char *const *host_env, char ***env, struct err *e)
{
    auto_strv lines = NULL;
    if (read_lines(path, &lines, e) < 0 || container_env_add(lines, host_env, env, e) < 0)
        return err_wrap(e, "--env-file");
    return 0;
}

static int resolve_env(const struct container_flags *f, char *const *host_env,
                       struct engine_options *o, struct err *e)
{
    if (f->env_host)
        strv_extend(&o->env, host_env);
    STRV_FOREACH (path, f->env_files) {
        if (container_env_file(*path, host_env, &o->env, e) < 0)
            return -1;
    }
    return container_env_add(f->env, host_env, &o->env, e);
}

/* ---- labels, annotations ---- */

static int add_pairs(const char *what, char *const *words, bool value_is_optional, char ***ret,
                     struct err *e)
{
    STRV_FOREACH (word, words) {
        size_t len = strcspn(*word, "=");
        if (len == 0 || (!(*word)[len] && !value_is_optional))
            return err_set(e, ERR_INVALID, "%s '%s' is not KEY=VALUE", what, *word);
        auto_free char *pair = alloc_printf("%s%s", *word, (*word)[len] ? "" : "=");
        strv_env_set(ret, pair);
    }
    return 0;
}

static int resolve_metadata(const struct container_flags *f, struct engine_options *o,
                            struct err *e)
{
    STRV_FOREACH (path, f->label_files) {
        auto_strv lines = NULL;
        if (read_lines(*path, &lines, e) < 0 || add_pairs("label", lines, true, &o->labels, e) < 0)
            return err_wrap(e, "--label-file");
    }
    if (add_pairs("label", f->labels, true, &o->labels, e) < 0)
        return -1;
    return add_pairs("annotation", f->annotations, false, &o->annotations, e);
}

/* ---- files ---- */

static int add_volumes(char *const *words, struct engine_options *o, struct err *e)
{
    STRV_FOREACH (word, words) {
        struct engine_volume v;
        if (container_volume_parse(*word, &v, e) < 0)
            return -1;
        vec_push(&o->volumes, v);
    }
    return 0;
}

/* Two mounts on one place: the second would hide the first. */
static int check_destinations(const struct engine_options *o, struct err *e)
{
    auto_strv seen = NULL;
    VEC_FOREACH (v, &o->volumes) {
        if (strv_has(seen, v->destination))
            return err_set(e, ERR_INVALID, "duplicate mount destination '%s'", v->destination);
        strv_add(&seen, v->destination);
    }
    STRV_FOREACH (t, o->tmpfs) {
        auto_free char *path = alloc_strndup(*t, strcspn(*t, ":"));
        if (strv_has(seen, path))
            return err_set(e, ERR_INVALID, "duplicate mount destination '%s'", path);
        strv_add(&seen, path);
    }
    return 0;
}

static int resolve_files(const struct container_flags *f, struct engine_options *o, struct err *e)
{
    if (add_volumes(f->volumes, o, e) < 0)
        return -1;
    STRV_FOREACH (t, f->tmpfs) {
        if (container_tmpfs_check(*t, e) < 0)
            return -1;
        strv_add(&o->tmpfs, *t);
    }
    STRV_FOREACH (m, f->mounts) {
        if (container_mount_parse(*m, o, e) < 0)
            return -1;
    }
    STRV_FOREACH (d, f->devices) {
        if (container_device_check(*d, e) < 0)
            return -1;
        strv_add(&o->devices, *d);
    }
    return check_destinations(o, e);
}

/* ---- namespaces ---- */

static int resolve_network(const char *mode, enum engine_network *ret, struct err *e)
{
    enum engine_network network = strcmp(mode, "none") == 0   ? ENGINE_NETWORK_NONE
                                  : strcmp(mode, "host") == 0 ? ENGINE_NETWORK_HOST
                                                              : ENGINE_NETWORK_UNSET;
    if (network == ENGINE_NETWORK_UNSET)
        return err_set(e, ERR_UNSUPPORTED,
                       "--network %s is not supported yet (only none and host are)", mode);
    if (*ret != ENGINE_NETWORK_UNSET && *ret != network)
        return err_set(e, ERR_INVALID, "--network none and host exclude each other");
    *ret = network;
    return 0;
}

/* One row a namespace option: what it may be; the first word is the default and means NULL. */
static const struct {
    const char *option;
    size_t flag;
    size_t field;
    const char *words[4];
} namespace_modes[] = {
    {"pid",
     offsetof(struct container_flags, pid),
     offsetof(struct engine_options, pid),
     {"private", "host"}},
    {"ipc",
     offsetof(struct container_flags, ipc),
     offsetof(struct engine_options, ipc),
     {"private", "host", "none"}},
    {"uts",
     offsetof(struct container_flags, uts),
     offsetof(struct engine_options, uts),
     {"private", "host"}},
    {"userns",
     offsetof(struct container_flags, userns),
     offsetof(struct engine_options, userns),
     {"host"}},
};

static int resolve_mode(size_t row, const char *mode, char **ret, struct err *e)
{
    const char *const *words = namespace_modes[row].words;
    for (size_t i = 0; i < ARRAY_LEN(namespace_modes[row].words) && words[i]; i++) {
        if (strcmp(words[i], mode) == 0) {
            *ret = i == 0 ? NULL : alloc_strdup(mode);
            return 0;
        }
    }
    if (*mode == '\0')
        return 0;
    return err_set(e, ERR_UNSUPPORTED, "--%s %s is not supported yet", namespace_modes[row].option,
                   mode);
}

int container_namespaces_resolve(const struct container_flags *f, struct engine_options *o,
                                 struct err *e)
{
    STRV_FOREACH (mode, f->networks) {
        if (resolve_network(*mode, &o->network, e) < 0)
            return -1;
    }
    for (size_t i = 0; i < ARRAY_LEN(namespace_modes); i++) {
        const char *mode = *(char *const *)((const char *)f + namespace_modes[i].flag);
        char **field = (char **)((char *)o + namespace_modes[i].field);
        if (mode && resolve_mode(i, mode, field, e) < 0)
            return -1;
    }
    if (f->hostname && str_equal(o->uts, "host"))
        return err_set(e, ERR_INVALID, "--hostname cannot be set with --uts host");
    return 0;
}

/* ---- rights ---- */

int container_sysctl_check(const char *s, const struct engine_options *o, struct err *e)
{
    static const char *const ipc_names[] = {
        "kernel.msgmax", "kernel.msgmnb", "kernel.msgmni", "kernel.sem",
        "kernel.shmall", "kernel.shmmax", "kernel.shmmni", "kernel.shm_rmid_forced",
    };
    size_t len = strcspn(s, "=");
    auto_free char *name = alloc_strndup(s, len);
    if (len == 0 || s[len] != '=')
        return err_set(e, ERR_INVALID, "sysctl '%s' is not NAME=VALUE", s);
    bool is_ipc = str_starts_with(name, "fs.mqueue.");
    for (size_t i = 0; i < ARRAY_LEN(ipc_names); i++)
        is_ipc = is_ipc || strcmp(ipc_names[i], name) == 0;
    bool is_net = str_starts_with(name, "net.");
    if (!is_ipc && !is_net && strcmp(name, "kernel.domainname") != 0)
        return err_set(e, ERR_INVALID, "sysctl '%s' is not of a namespace of the container", name);
    if (is_ipc && str_equal(o->ipc, "host"))
        return err_set(e, ERR_INVALID, "sysctl '%s' cannot be set with --ipc host", name);
    if (is_net && o->network == ENGINE_NETWORK_HOST)
        return err_set(e, ERR_INVALID, "sysctl '%s' cannot be set with --network host", name);
    return 0;
}

static int add_ulimit(const char *word, struct engine_options *o, struct err *e)
{
    struct engine_ulimit u;
    if (container_ulimit_parse(word, &u, e) < 0)
        return -1;
    VEC_FOREACH (other, &o->ulimits) {
        if (strcmp(other->name, u.name) == 0) {
            free(other->name);
            *other = u;
            return 0;
        }
    }
    vec_push(&o->ulimits, u);
    return 0;
}

static int resolve_rights(const struct container_flags *f, struct engine_options *o, struct err *e)
{
    STRV_FOREACH (s, f->security_opts) {
        if (container_security_opt(*s, o, e) < 0)
            return -1;
    }
    STRV_FOREACH (s, f->sysctls) {
        if (container_sysctl_check(*s, o, e) < 0)
            return -1;
        strv_add(&o->sysctl, *s);
    }
    STRV_FOREACH (u, f->ulimits) {
        if (add_ulimit(*u, o, e) < 0)
            return -1;
    }
    if (strv_has(f->group_add, "keep-groups"))
        return err_set(e, ERR_UNSUPPORTED, "--group-add keep-groups is not supported yet");
    strv_extend(&o->cap_add, f->cap_add);
    strv_extend(&o->cap_drop, f->cap_drop);
    strv_extend(&o->group_add, f->group_add);
    return 0;
}

/* ---- resources ---- */

static int check_memory(const struct container_flags *f, struct err *e)
{
    bool has_limit = f->memory.is_set && f->memory.value > 0;
    if (has_limit && f->memory.value < MEMORY_MIN_BYTES)
        return err_set(e, ERR_INVALID, "the minimum memory limit is 4 MiB");
    if (f->memory_swap.is_set && f->memory_swap.value > 0) {
        if (!has_limit)
            return err_set(e, ERR_INVALID, "--memory-swap needs --memory");
        if (f->memory_swap.value < f->memory.value)
            return err_set(e, ERR_INVALID, "--memory-swap must not be less than --memory");
    }
    if (has_limit && f->memory_reservation.is_set && f->memory_reservation.value > f->memory.value)
        return err_set(e, ERR_INVALID, "--memory-reservation must not be more than --memory");
    return 0;
}

static int check_cpu(const struct container_flags *f, struct err *e)
{
    uint64_t period = f->cpu_period.is_set ? f->cpu_period.value : 0;
    int64_t quota = f->cpu_quota.is_set ? f->cpu_quota.value : 0;
    if (f->cpus && (period || quota))
        return err_set(e, ERR_INVALID, "--cpus excludes --cpu-period and --cpu-quota");
    if (period && (period < CPU_PERIOD_MIN_US || period > CPU_PERIOD_MAX_US))
        return err_set(e, ERR_INVALID, "--cpu-period must be from %d to %d", CPU_PERIOD_MIN_US,
                       CPU_PERIOD_MAX_US);
    if (quota > 0 && quota < CPU_PERIOD_MIN_US)
        return err_set(e, ERR_INVALID, "--cpu-quota must be at least %d", CPU_PERIOD_MIN_US);
    if (f->cpu_shares.is_set && f->cpu_shares.value == 1)
        return err_set(e, ERR_INVALID, "--cpu-shares must be at least 2");
    return 0;
}

/* "0-3,5" */
static int check_cpu_list(const char *option, const char *list, struct err *e)
{
    auto_strv ranges = strv_split(list, ',');
    bool is_good = *list != '\0';
    STRV_FOREACH (range, ranges) {
        auto_strv ends = strv_split(*range, '-');
        size_t n = strv_len(ends);
        uint64_t first = 0;
        uint64_t last = 0;
        is_good = is_good && (n == 1 || n == 2) && str_to_u64(ends[0], 8191, &first) == 0 &&
                  str_to_u64(ends[n - 1], 8191, &last) == 0 && first <= last;
    }
    if (!is_good)
        return err_set(e, ERR_INVALID, "--%s '%s' is not a list like 0-3,5", option, list);
    return 0;
}

int container_resources_check(const struct container_flags *f, struct err *e)
{
    if (check_memory(f, e) < 0 || check_cpu(f, e) < 0)
        return -1;
    if (f->cpuset_cpus && check_cpu_list("cpuset-cpus", f->cpuset_cpus, e) < 0)
        return -1;
    if (f->cpuset_mems && check_cpu_list("cpuset-mems", f->cpuset_mems, e) < 0)
        return -1;
    if (f->pids_limit.is_set && f->pids_limit.value < -1)
        return err_set(e, ERR_INVALID, "--pids-limit must be -1 or more");
    if (f->oom_score_adj.is_set &&
        (f->oom_score_adj.value < -1000 || f->oom_score_adj.value > 1000))
        return err_set(e, ERR_INVALID, "--oom-score-adj must be from -1000 to 1000");
    if (f->shm_size.is_set && f->shm_size.value <= 0)
        return err_set(e, ERR_INVALID, "--shm-size must be more than 0");
    return 0;
}

/* A limit of 0 means none: not set. */
static struct json_opt_i64 non_zero(struct json_opt_i64 n)
{
    return n.value == 0 ? (struct json_opt_i64){0} : n;
}
static struct json_opt_u64 non_zero_u(struct json_opt_u64 n)
{
    return n.value == 0 ? (struct json_opt_u64){0} : n;
}

static int resolve_resources(const struct container_flags *f, struct engine_options *o,
                             struct err *e)
{
    int64_t nano = 0;
    if (container_resources_check(f, e) < 0)
        return -1;
    if (f->cpus && container_cpus_parse(f->cpus, &nano, e) < 0)
        return -1;
    o->nano_cpus = (struct json_opt_i64){.is_set = nano > 0, .value = nano};
    o->memory = non_zero(f->memory);
    o->memory_swap = non_zero(f->memory_swap);
    o->memory_reservation = non_zero(f->memory_reservation);
    o->cpu_shares = non_zero_u(f->cpu_shares);
    o->cpu_quota = non_zero(f->cpu_quota);
    o->cpu_period = non_zero_u(f->cpu_period);
    o->cpuset_cpus = alloc_strdup(f->cpuset_cpus);
    o->cpuset_mems = alloc_strdup(f->cpuset_mems);
    o->pids_limit = f->pids_limit;
    if (o->pids_limit.is_set && o->pids_limit.value == 0)
        o->pids_limit.value = -1;
    o->oom_score_adj = f->oom_score_adj;
    o->shm_size =
        (struct json_opt_u64){.is_set = f->shm_size.is_set, .value = (uint64_t)f->shm_size.value};
    o->cgroup_parent = alloc_strdup(f->cgroup_parent);
    return 0;
}

/* ---- the process ---- */

static int check_words(const struct container_flags *f, struct err *e)
{
    int signal;
    if (f->restart && *f->restart && strcmp(f->restart, "no") != 0)
        return err_set(e, ERR_UNSUPPORTED, "--restart %s is not supported yet", f->restart);
    if (f->workdir && f->workdir[0] != '/')
        return err_set(e, ERR_INVALID, "working directory '%s' is not an absolute path",
                       f->workdir);
    if (f->stop_signal && signals_parse(f->stop_signal, &signal) < 0)
        return err_set(e, ERR_INVALID, "invalid signal '%s'", f->stop_signal);
    if (f->log_driver && strcmp(f->log_driver, "k8s-file") != 0 &&
        strcmp(f->log_driver, "none") != 0)
        return err_set(e, ERR_UNSUPPORTED, "--log-driver %s is not supported yet", f->log_driver);
    if (f->hostname && (!*f->hostname || strlen(f->hostname) > 64))
        return err_set(e, ERR_INVALID, "host name '%s' is not of 1 to 64 characters", f->hostname);
    return 0;
}

static int resolve_process(const struct container_flags *f, char *const *args,
                           struct engine_options *o, struct err *e)
{
    if (!*args[0])
        return err_set(e, ERR_INVALID, "the image's name is empty");
    if (check_words(f, e) < 0)
        return -1;
    if (f->entrypoint && container_entrypoint_parse(f->entrypoint, &o->entrypoint, e) < 0)
        return -1;
    o->has_entrypoint = f->entrypoint != NULL;
    o->image = alloc_strdup(args[0]);
    o->command = strv_dup(args + 1);
    o->name = alloc_strdup(f->name);
    o->hostname = alloc_strdup(f->hostname);
    o->workdir = alloc_strdup(f->workdir);
    o->user = alloc_strdup(f->user);
    o->stop_signal = alloc_strdup(f->stop_signal);
    o->stop_timeout = f->stop_timeout;
    o->log_driver = alloc_strdup(f->log_driver);
    o->interactive = f->interactive;
    o->tty = f->tty;
    o->auto_remove = f->rm;
    o->read_only = f->read_only;
    o->privileged = f->privileged;
    return 0;
}

int container_options_resolve(const struct container_flags *f, char *const *args,
                              char *const *host_env, struct engine_options *ret, struct err *e)
{
    struct engine_options o = {0};
    /* Rights look at the namespaces, so these come first. */
    if (resolve_process(f, args, &o, e) < 0 || container_namespaces_resolve(f, &o, e) < 0 ||
        resolve_env(f, host_env, &o, e) < 0 || resolve_metadata(f, &o, e) < 0 ||
        resolve_files(f, &o, e) < 0 || resolve_rights(f, &o, e) < 0 ||
        resolve_resources(f, &o, e) < 0) {
        engine_options_done(&o);
        return -1;
    }
    *ret = o;
    return 0;
}
