/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * `inspect` of a container: podman's object (and so docker's), from the row, the options and the
 * spec that a start would use. Keys that stand for what this version has not (port bindings,
 * healthchecks) are there with their empty values, as podman's are.
 */
#include <stdlib.h>

#include "base/alloc.h"
#include "base/str.h"
#include "base/strv.h"
#include "base/units.h"
#include "engine/engine_internal.h"
#include "runtime/monitor.h"

static void add_string(struct json_object *o, const char *key, const char *value)
{
    json_object_object_add(o, key, json_object_new_string(value ? value : ""));
}

static void add_int(struct json_object *o, const char *key, int64_t value)
{
    json_object_object_add(o, key, json_object_new_int64(value));
}

static void add_bool(struct json_object *o, const char *key, bool value)
{
    json_object_object_add(o, key, json_object_new_boolean(value));
}

static void add_strv(struct json_object *o, const char *key, char *const *v)
{
    struct json_object *a = json_object_new_array();

    STRV_FOREACH (s, v)
        json_object_array_add(a, json_object_new_string(*s));
    json_object_object_add(o, key, a);
}

/* "k=v" entries as an object. */
static void add_strmap(struct json_object *o, const char *key, char *const *v)
{
    struct json_object *m = json_object_new_object();

    STRV_FOREACH (s, v) {
        size_t n = strcspn(*s, "=");
        auto_free char *name = alloc_strndup(*s, n);

        add_string(m, name, (*s)[n] ? *s + n + 1 : "");
    }
    json_object_object_add(o, key, m);
}

static void add_time(struct json_object *o, const char *key, int64_t ns)
{
    auto_free char *text = ns > 0 ? units_rfc3339(ns) : alloc_strdup("0001-01-01T00:00:00Z");

    add_string(o, key, text);
}

static struct json_object *state_object(const struct store_container *c,
                                        const struct engine_status *s, const struct launch *l)
{
    struct json_object *o = json_object_new_object();

    add_string(o, "OciVersion", l->spec.oci_version);
    add_string(o, "Status", engine_state_name(s->state));
    add_bool(o, "Running", s->state == ENGINE_RUNNING);
    add_bool(o, "Paused", s->state == ENGINE_PAUSED);
    add_bool(o, "Restarting", false);
    add_bool(o, "OOMKilled", s->oom_killed);
    add_bool(o, "Dead", false);
    add_int(o, "Pid", s->pid);
    add_int(o, "ExitCode", s->exit_code);
    add_string(o, "Error", c->error);
    add_time(o, "StartedAt", s->started_ns);
    add_time(o, "FinishedAt", s->finished_ns);
    add_string(o, "CgroupPath", l->cgroup_path);
    return o;
}

static struct json_object *mounts_array(const struct engine_options *options)
{
    struct json_object *a = json_object_new_array();

    VEC_FOREACH (v, &options->volumes) {
        struct json_object *o = json_object_new_object();

        add_string(o, "Type", "bind");
        add_string(o, "Source", v->source);
        add_string(o, "Destination", v->destination);
        add_string(o, "Driver", "");
        add_string(o, "Mode", "");
        add_strv(o, "Options", v->options);
        add_bool(o, "RW", !strv_has(v->options, "ro"));
        add_string(o, "Propagation", "rprivate");
        json_object_array_add(a, o);
    }
    return a;
}

static struct json_object *binds_array(const struct engine_options *options)
{
    struct json_object *a = json_object_new_array();

    VEC_FOREACH (v, &options->volumes) {
        auto_free char *joined = strv_join(v->options, ",");
        auto_free char *text =
            alloc_printf("%s:%s%s%s", v->source, v->destination, *joined ? ":" : "", joined);

        json_object_array_add(a, json_object_new_string(text));
    }
    return a;
}

static struct json_object *ulimits_array(const struct engine_options *options)
{
    struct json_object *a = json_object_new_array();

    VEC_FOREACH (u, &options->ulimits) {
        struct json_object *o = json_object_new_object();

        add_string(o, "Name", u->name);
        json_object_object_add(o, "Soft", json_object_new_uint64(u->soft));
        json_object_object_add(o, "Hard", json_object_new_uint64(u->hard));
        json_object_array_add(a, o);
    }
    return a;
}

static const char *or_private(const char *mode)
{
    return mode && *mode ? mode : "private";
}

static struct json_object *host_config(const struct launch *l)
{
    const struct engine_options *p = &l->options;
    struct json_object *o = json_object_new_object(), *log = json_object_new_object();

    json_object_object_add(o, "Binds", binds_array(p));
    add_string(log, "Type", p->log_driver ? p->log_driver : "k8s-file");
    json_object_object_add(o, "LogConfig", log);
    add_string(o, "NetworkMode", p->network == ENGINE_NETWORK_HOST ? "host" : "none");
    json_object_object_add(o, "PortBindings", json_object_new_object());
    add_bool(o, "AutoRemove", p->auto_remove);
    add_strv(o, "CapAdd", p->cap_add);
    add_strv(o, "CapDrop", p->cap_drop);
    add_strv(o, "GroupAdd", p->group_add);
    add_string(o, "IpcMode", or_private(p->ipc));
    add_string(o, "Cgroup", "");
    add_string(o, "CgroupParent", p->cgroup_parent);
    add_int(o, "OomScoreAdj", p->oom_score_adj.value);
    add_string(o, "PidMode", or_private(p->pid));
    add_bool(o, "Privileged", p->privileged);
    add_bool(o, "PublishAllPorts", false);
    add_bool(o, "ReadonlyRootfs", p->read_only);
    add_string(o, "UTSMode", or_private(p->uts));
    add_string(o, "UsernsMode", p->userns);
    add_int(o, "ShmSize", p->shm_size.is_set ? (int64_t)p->shm_size.value : 64 << 20);
    add_string(o, "Runtime", "dhow");
    add_int(o, "CpuShares", (int64_t)p->cpu_shares.value);
    add_int(o, "CpuPeriod", (int64_t)p->cpu_period.value);
    add_int(o, "CpuQuota", p->cpu_quota.value);
    add_int(o, "NanoCpus", p->nano_cpus.value);
    add_string(o, "CpusetCpus", p->cpuset_cpus);
    add_string(o, "CpusetMems", p->cpuset_mems);
    add_int(o, "Memory", p->memory.value);
    add_int(o, "MemoryReservation", p->memory_reservation.value);
    add_int(o, "MemorySwap", p->memory_swap.value);
    add_int(o, "PidsLimit", l->spec.linux->resources->pids->limit.value);
    add_strv(o, "Devices", p->devices);
    json_object_object_add(o, "Ulimits", ulimits_array(p));
    add_strv(o, "Tmpfs", p->tmpfs);
    return o;
}

static struct json_object *config_object(struct engine *en, const struct store_container *c,
                                         const struct launch *l)
{
    const struct engine_options *p = &l->options;
    struct json_object *o = json_object_new_object();
    int sig = 15;

    (void)launch_stop_signal(en, c, p,
                             &sig); /* an image's nonsense reads as SIGTERM, as stop does it */
    add_string(o, "Hostname", l->hostname);
    add_string(o, "Domainname", "");
    add_string(o, "User", l->user);
    add_bool(o, "AttachStdin", false);
    add_bool(o, "AttachStdout", false);
    add_bool(o, "AttachStderr", false);
    add_bool(o, "Tty", p->tty);
    add_bool(o, "OpenStdin", p->interactive);
    add_bool(o, "StdinOnce", false);
    add_strv(o, "Env", l->process->env);
    add_strv(o, "Cmd", p->command ? p->command : p->has_entrypoint ? NULL : l->image.config.cmd);
    add_string(o, "Image", c->image_name);
    json_object_object_add(o, "Volumes", NULL);
    add_string(o, "WorkingDir", l->process->cwd);
    add_strv(o, "Entrypoint", p->has_entrypoint ? p->entrypoint : l->image.config.entrypoint);
    add_strmap(o, "Labels", p->labels);
    add_strmap(o, "Annotations", p->annotations);
    add_int(o, "StopSignal", sig);
    add_int(o, "StopTimeout", p->stop_timeout.is_set ? (int64_t)p->stop_timeout.value : 10);
    return o;
}

static void add_paths(struct engine *en, struct json_object *o, const struct store_container *c)
{
    auto_free char *static_dir = alloc_printf("%s/containers/%s", en->root, c->id);
    auto_free char *log = alloc_printf("%s/%s", static_dir, MONITOR_LOG_NAME);
    auto_free char *etc = alloc_printf("%s/containers/%s/etc", en->runroot, c->id);
    static const struct {
        const char *key, *file;
    } files[] = {{"ResolvConfPath", "resolv.conf"},
                 {"HostnamePath", "hostname"},
                 {"HostsPath", "hosts"}};

    for (size_t i = 0; i < ARRAY_LEN(files); i++) {
        auto_free char *path = alloc_printf("%s/%s", etc, files[i].file);

        add_string(o, files[i].key, path);
    }
    add_string(o, "StaticDir", static_dir);
    add_string(o, "LogPath", log);
}

static struct json_object *container_object(struct engine *en, const struct store_container *c,
                                            const struct launch *l)
{
    struct json_object *o = json_object_new_object();
    char *const *args = l->process->args;
    struct engine_status s;

    status_of(en, c, &s);
    add_string(o, "Id", c->id);
    add_time(o, "Created", c->created_ns);
    add_string(o, "Path", args[0]);
    add_strv(o, "Args", args + 1);
    json_object_object_add(o, "State", state_object(c, &s, l));
    add_string(o, "Image", c->image_id);
    add_string(o, "ImageName", c->image_name);
    add_string(o, "Rootfs", "");
    add_string(o, "Pod", "");
    add_paths(en, o, c);
    add_string(o, "Name", c->name);
    add_int(o, "RestartCount", 0);
    add_string(o, "Driver", "overlay");
    add_string(o, "MountLabel", "");
    add_string(o, "ProcessLabel", "");
    add_strv(o, "EffectiveCaps", l->process->capabilities->effective);
    add_strv(o, "BoundingCaps", l->process->capabilities->bounding);
    add_strv(o, "ExecIDs", NULL);
    json_object_object_add(o, "Mounts", mounts_array(&l->options));
    json_object_object_add(o, "Config", config_object(en, c, l));
    json_object_object_add(o, "HostConfig", host_config(l));
    return o;
}

int engine_container_inspect(struct engine *en, const char *name, struct json_object **ret,
                             struct err *e)
{
    DHOW_CLEANUP(store_container_done) struct store_container c = {0};
    DHOW_CLEANUP(launch_done) struct launch l = {0};

    if (store_container_find(en->store, name, &c, e) < 0 || launch_build(en, &c, &l, e) < 0)
        return -1;
    *ret = container_object(en, &c, &l);
    return 0;
}
