/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The container's options as JSON: stored with the container's row, and what the service decodes. A
 * new field of struct engine_options needs its row here, or it is lost when the container is
 * started again.
 */
#include "base/strv.h"
#include "engine/engine_internal.h"

#define OPTIONS_MAX_BYTES (16u << 20)

#define FIELD(member, kind)                                                                        \
    {                                                                                              \
#member, kind, offsetof(struct engine_options, member)                                     \
    }
#define FIELD_ARRAY(member, table)                                                                 \
    {                                                                                              \
#member, JSON_ARRAY, offsetof(struct engine_options, member), .nested = &(table)           \
    }

static const struct json_field volume_fields[] = {
    {"source", JSON_STRING, offsetof(struct engine_volume, source), JSON_REQUIRED},
    {"destination", JSON_STRING, offsetof(struct engine_volume, destination), JSON_REQUIRED},
    {"options", JSON_STRV, offsetof(struct engine_volume, options)},
};
static const struct json_struct volume_json =
    JSON_STRUCT("volume", struct engine_volume, volume_fields);

static const struct json_field ulimit_fields[] = {
    {"name", JSON_STRING, offsetof(struct engine_ulimit, name), JSON_REQUIRED},
    {"soft", JSON_UINT64, offsetof(struct engine_ulimit, soft), JSON_REQUIRED},
    {"hard", JSON_UINT64, offsetof(struct engine_ulimit, hard), JSON_REQUIRED},
};
static const struct json_struct ulimit_json =
    JSON_STRUCT("ulimit", struct engine_ulimit, ulimit_fields);

static const char *const network_names[] = {
    [ENGINE_NETWORK_UNSET] = "",
    [ENGINE_NETWORK_NONE] = "none",
    [ENGINE_NETWORK_HOST] = "host",
};

static const struct json_field options_fields[] = {
    FIELD(name, JSON_STRING),
    FIELD(image, JSON_STRING),
    FIELD(command, JSON_STRV),
    FIELD(entrypoint, JSON_STRV),
    FIELD(has_entrypoint, JSON_BOOL),
    FIELD(env, JSON_STRV),
    FIELD(workdir, JSON_STRING),
    FIELD(user, JSON_STRING),
    FIELD(group_add, JSON_STRV),
    FIELD(hostname, JSON_STRING),
    FIELD(interactive, JSON_BOOL),
    FIELD(tty, JSON_BOOL),
    FIELD(auto_remove, JSON_BOOL),
    FIELD(read_only, JSON_BOOL),
    FIELD(privileged, JSON_BOOL),
    FIELD(no_new_privileges, JSON_BOOL),
    FIELD(seccomp, JSON_STRING),
    FIELD(cap_add, JSON_STRV),
    FIELD(cap_drop, JSON_STRV),
    FIELD_ARRAY(volumes, volume_json),
    FIELD(tmpfs, JSON_STRV),
    {"network", JSON_ENUM, offsetof(struct engine_options, network), .names = network_names,
     .n_names = ARRAY_LEN(network_names)},
    FIELD(userns, JSON_STRING),
    FIELD(pid, JSON_STRING),
    FIELD(ipc, JSON_STRING),
    FIELD(uts, JSON_STRING),
    FIELD(cgroup_parent, JSON_STRING),
    FIELD(memory, JSON_OPT_INT64),
    FIELD(memory_swap, JSON_OPT_INT64),
    FIELD(memory_reservation, JSON_OPT_INT64),
    FIELD(cpu_shares, JSON_OPT_UINT64),
    FIELD(cpu_quota, JSON_OPT_INT64),
    FIELD(cpu_period, JSON_OPT_UINT64),
    FIELD(nano_cpus, JSON_OPT_INT64),
    FIELD(cpuset_cpus, JSON_STRING),
    FIELD(cpuset_mems, JSON_STRING),
    FIELD(pids_limit, JSON_OPT_INT64),
    FIELD(oom_score_adj, JSON_OPT_INT64),
    FIELD(shm_size, JSON_OPT_UINT64),
    FIELD_ARRAY(ulimits, ulimit_json),
    FIELD(sysctl, JSON_STRV),
    FIELD(labels, JSON_STRV),
    FIELD(annotations, JSON_STRV),
    FIELD(stop_signal, JSON_STRING),
    FIELD(stop_timeout, JSON_OPT_UINT64),
    FIELD(log_driver, JSON_STRING),
    FIELD(devices, JSON_STRV),
    FIELD(args, JSON_STRV),
};
const struct json_struct engine_options_json =
    JSON_STRUCT("options", struct engine_options, options_fields);

void engine_options_done(struct engine_options *o)
{
    json_free_struct(&engine_options_json, o);
}

int options_load(const struct store_container *c, struct engine_options *ret, struct err *e)
{
    if (json_decode_text(c->options, strlen(c->options), OPTIONS_MAX_BYTES, &engine_options_json,
                         ret, e) < 0)
        return err_wrap(e, "container '%.12s': stored options", c->id);
    return 0;
}
