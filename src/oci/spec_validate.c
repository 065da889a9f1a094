/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Theory: what config.json must hold beyond its types, checked before anything is touched. The
 * caller of an OCI runtime is trusted to be root's tool, not trusted to be right; sizes are bounded
 * so that no later loop depends on the text's author. Each check names the field by its path.
 */
#include <ctype.h>
#include <string.h>
#include <sys/stat.h>

#include "base/str.h"
#include "base/strv.h"
#include "oci/spec.h"

#define MAX_MOUNTS      4096
#define MAX_DEVICES     1024
#define MAX_ID_MAPPINGS 340 /* user_namespaces(7): lines of a uid_map */
#define MAX_GROUPS      65536
#define MAX_NAME_BYTES  64 /* sethostname(2) */

static const char *const namespace_types[] = {"pid", "network", "mount",  "ipc",
                                              "uts", "user",    "cgroup", "time"};
static const char *const rlimit_types[] = {"RLIMIT_AS",      "RLIMIT_CORE",     "RLIMIT_CPU",
                                           "RLIMIT_DATA",    "RLIMIT_FSIZE",    "RLIMIT_LOCKS",
                                           "RLIMIT_MEMLOCK", "RLIMIT_MSGQUEUE", "RLIMIT_NICE",
                                           "RLIMIT_NOFILE",  "RLIMIT_NPROC",    "RLIMIT_RSS",
                                           "RLIMIT_RTPRIO",  "RLIMIT_RTTIME",   "RLIMIT_SIGPENDING",
                                           "RLIMIT_STACK"};
static const char *const propagations[] = {"",       "private",    "rprivate",
                                           "shared", "rshared",    "slave",
                                           "rslave", "unbindable", "runbindable"};
static const char *const seccomp_ops[] = {"SCMP_CMP_NE",       "SCMP_CMP_LT", "SCMP_CMP_LE",
                                          "SCMP_CMP_EQ",       "SCMP_CMP_GE", "SCMP_CMP_GT",
                                          "SCMP_CMP_MASKED_EQ"};

#define ONE_OF(table, s) is_one_of(table, ARRAY_LEN(table), s)
static bool is_one_of(const char *const *table, size_t n, const char *s)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(table[i], s) == 0)
            return true;
    return false;
}

static bool has_dotdot(const char *path)
{
    for (const char *p = path; *p; p += strcspn(p, "/")) {
        p += strspn(p, "/");
        if (strcspn(p, "/") == 2 && p[0] == '.' && p[1] == '.')
            return true;
    }
    return false;
}

static int check_absolute(const char *path, const char *field, struct err *e)
{
    if (!path || path[0] != '/')
        return err_set(e, ERR_INVALID, "%s: '%s' is not an absolute path", field, path ? path : "");
    return 0;
}

static int check_version(const char *v, struct err *e)
{
    size_t major = strspn(v, "0123456789");

    if (major == 0 || v[major] != '.' || !isdigit((unsigned char)v[major + 1]))
        return err_set(e, ERR_INVALID, "ociVersion: '%s' is not a version", v);
    if (major != 1 || v[0] != '1')
        return err_set(e, ERR_UNSUPPORTED, "ociVersion: '%s' is not supported (1.x is)", v);
    return 0;
}

static int check_env(char *const *env, struct err *e)
{
    size_t i = 0;

    STRV_FOREACH (entry, env) {
        const char *eq = strchr(*entry, '=');

        if (!eq || eq == *entry)
            return err_set(e, ERR_INVALID, "process.env[%zu]: '%.60s' is not NAME=value", i,
                           *entry);
        i++;
    }
    return 0;
}

static int check_rlimits(const struct oci_process *p, struct err *e)
{
    for (size_t i = 0; i < p->rlimits.len; i++) {
        const struct oci_rlimit *r = &p->rlimits.items[i];

        if (!ONE_OF(rlimit_types, r->type))
            return err_set(e, ERR_INVALID, "process.rlimits[%zu].type: unknown '%s'", i, r->type);
        if (r->soft > r->hard)
            return err_set(e, ERR_INVALID, "process.rlimits[%zu]: soft is above hard", i);
        for (size_t j = 0; j < i; j++)
            if (strcmp(p->rlimits.items[j].type, r->type) == 0)
                return err_set(e, ERR_INVALID, "process.rlimits[%zu]: '%s' is there twice", i,
                               r->type);
    }
    return 0;
}

static int check_process(const struct oci_process *p, struct err *e)
{
    if (!p->args || !p->args[0])
        return err_set(e, ERR_INVALID, "process.args: must not be empty");
    if (check_absolute(p->cwd, "process.cwd", e) < 0 || check_env(p->env, e) < 0 ||
        check_rlimits(p, e) < 0)
        return -1;
    if (p->user.umask.is_set && p->user.umask.value > 0777)
        return err_set(e, ERR_INVALID, "process.user.umask: above 0777");
    if (p->user.additional_gids.len > MAX_GROUPS)
        return err_set(e, ERR_LIMIT, "process.user.additionalGids: more than %d", MAX_GROUPS);
    if (p->oom_score_adj.is_set &&
        (p->oom_score_adj.value < -1000 || p->oom_score_adj.value > 1000))
        return err_set(e, ERR_INVALID, "process.oomScoreAdj: not within -1000..1000");
    if (p->console_size.height > 0xffff || p->console_size.width > 0xffff)
        return err_set(e, ERR_INVALID, "process.consoleSize: above 65535");
    return 0;
}

static int check_name(const char *name, const char *field, struct err *e)
{
    if (name && strlen(name) > MAX_NAME_BYTES)
        return err_set(e, ERR_INVALID, "%s: longer than %d bytes", field, MAX_NAME_BYTES);
    return 0;
}

static int check_mappings(const struct oci_id_mapping *m, size_t n, const char *field,
                          struct err *e)
{
    if (n > MAX_ID_MAPPINGS)
        return err_set(e, ERR_LIMIT, "%s: more than %d", field, MAX_ID_MAPPINGS);
    for (size_t i = 0; i < n; i++) {
        uint64_t last_container = (uint64_t)m[i].container_id + m[i].size;
        uint64_t last_host = (uint64_t)m[i].host_id + m[i].size;

        /* 4294967295 is "no id" to the kernel and cannot be mapped. */
        if (m[i].size == 0 || last_container > UINT32_MAX || last_host > UINT32_MAX)
            return err_set(e, ERR_INVALID, "%s[%zu]: the range is empty or too long", field, i);
    }
    return 0;
}

static int check_mounts(const struct oci_spec *s, struct err *e)
{
    char field[64];

    if (s->mounts.len > MAX_MOUNTS)
        return err_set(e, ERR_LIMIT, "mounts: more than %d", MAX_MOUNTS);
    for (size_t i = 0; i < s->mounts.len; i++) {
        const struct oci_mount *m = &s->mounts.items[i];

        snprintf(field, sizeof(field), "mounts[%zu].destination", i);
        if (check_absolute(m->destination, field, e) < 0)
            return -1;
        if ((m->uid_mappings.len == 0) != (m->gid_mappings.len == 0))
            return err_set(e, ERR_INVALID, "mounts[%zu]: uidMappings and gidMappings go together",
                           i);
        snprintf(field, sizeof(field), "mounts[%zu].uidMappings", i);
        if (check_mappings(m->uid_mappings.items, m->uid_mappings.len, field, e) < 0)
            return -1;
        snprintf(field, sizeof(field), "mounts[%zu].gidMappings", i);
        if (check_mappings(m->gid_mappings.items, m->gid_mappings.len, field, e) < 0)
            return -1;
    }
    return 0;
}

static int check_namespaces(const struct oci_linux *l, struct err *e)
{
    for (size_t i = 0; i < l->namespaces.len; i++) {
        const struct oci_namespace *ns = &l->namespaces.items[i];

        if (!ONE_OF(namespace_types, ns->type))
            return err_set(e, ERR_INVALID, "linux.namespaces[%zu].type: unknown '%s'", i, ns->type);
        if (ns->path && ns->path[0] && check_absolute(ns->path, "linux.namespaces.path", e) < 0)
            return -1;
        for (size_t j = 0; j < i; j++)
            if (strcmp(l->namespaces.items[j].type, ns->type) == 0)
                return err_set(e, ERR_INVALID, "linux.namespaces[%zu]: '%s' is there twice", i,
                               ns->type);
    }
    return 0;
}

static int check_userns(const struct oci_spec *s, struct err *e)
{
    const struct oci_linux *l = s->linux;
    const char *path = NULL;
    bool has_user = oci_spec_has_namespace(s, "user", &path);
    bool has_maps = l->uid_mappings.len || l->gid_mappings.len;

    if (has_maps && (!has_user || (path && *path)))
        return err_set(e, ERR_INVALID, "linux.uidMappings: they need a new user namespace");
    if (has_user && !(path && *path) && (!l->uid_mappings.len || !l->gid_mappings.len))
        return err_set(e, ERR_INVALID,
                       "linux.uidMappings: a new user namespace needs uidMappings and gidMappings");
    if (check_mappings(l->uid_mappings.items, l->uid_mappings.len, "linux.uidMappings", e) < 0)
        return -1;
    return check_mappings(l->gid_mappings.items, l->gid_mappings.len, "linux.gidMappings", e);
}

static int check_devices(const struct oci_linux *l, struct err *e)
{
    if (l->devices.len > MAX_DEVICES)
        return err_set(e, ERR_LIMIT, "linux.devices: more than %d", MAX_DEVICES);
    for (size_t i = 0; i < l->devices.len; i++) {
        const struct oci_device *d = &l->devices.items[i];

        if (strlen(d->type) != 1 || !strchr("cbup", d->type[0]))
            return err_set(e, ERR_INVALID, "linux.devices[%zu].type: unknown '%s'", i, d->type);
        if (check_absolute(d->path, "linux.devices.path", e) < 0)
            return -1;
        if (d->major < 0 || d->major > 4095 || d->minor < 0 || d->minor > 1048575)
            return err_set(e, ERR_INVALID, "linux.devices[%zu]: no such device number", i);
        /* docker writes the whole st_mode, 020666 */
        if (d->file_mode.is_set && (d->file_mode.value & ~(uint64_t)(S_IFMT | 07777)))
            return err_set(e, ERR_INVALID, "linux.devices[%zu].fileMode: not a mode", i);
    }
    return 0;
}

static int check_device_rules(const struct oci_resources *r, struct err *e)
{
    if (r->devices.len > MAX_DEVICES)
        return err_set(e, ERR_LIMIT, "linux.resources.devices: more than %d", MAX_DEVICES);
    for (size_t i = 0; i < r->devices.len; i++) {
        const struct oci_device_rule *d = &r->devices.items[i];
        const char *type = d->type && *d->type ? d->type : "a";

        if (strlen(type) != 1 || !strchr("abc", type[0]))
            return err_set(e, ERR_INVALID, "linux.resources.devices[%zu].type: unknown '%s'", i,
                           type);
        if (d->access && d->access[strspn(d->access, "rwm")])
            return err_set(e, ERR_INVALID,
                           "linux.resources.devices[%zu].access: '%s' is not of rwm", i, d->access);
        if ((d->major.is_set && (d->major.value < -1 || d->major.value > 4095)) ||
            (d->minor.is_set && (d->minor.value < -1 || d->minor.value > 1048575)))
            return err_set(e, ERR_INVALID, "linux.resources.devices[%zu]: no such device number",
                           i);
    }
    return 0;
}

static int check_memory(const struct oci_memory *m, struct err *e)
{
    const struct {
        const char *name;
        const struct json_opt_i64 *v;
    } sizes[] = {{"limit", &m->limit}, {"reservation", &m->reservation}, {"swap", &m->swap}};

    for (size_t i = 0; i < ARRAY_LEN(sizes); i++)
        if (sizes[i].v->is_set && sizes[i].v->value < -1)
            return err_set(e, ERR_INVALID, "linux.resources.memory.%s: below -1", sizes[i].name);
    if (m->swappiness.is_set && m->swappiness.value > 100)
        return err_set(e, ERR_INVALID, "linux.resources.memory.swappiness: above 100");
    if (m->swap.is_set && m->swap.value > 0) {
        if (!m->limit.is_set || m->limit.value == 0)
            return err_set(e, ERR_INVALID,
                           "linux.resources.memory.swap: needs a memory limit beside it");
        if (m->limit.value == -1 || m->swap.value < m->limit.value)
            return err_set(e, ERR_INVALID,
                           "linux.resources.memory.swap: is below the memory limit");
    }
    return 0;
}

/* Lists as in cpuset(7): "0-3,7". */
static int check_cpu_list(const char *list, const char *field, struct err *e)
{
    if (list && list[strspn(list, "0123456789,-")])
        return err_set(e, ERR_INVALID, "linux.resources.cpu.%s: '%.60s' is not a list", field,
                       list);
    return 0;
}

static int check_cpu(const struct oci_cpu *c, struct err *e)
{
    if (c->period.is_set && c->period.value &&
        (c->period.value < 1000 || c->period.value > 1000000))
        return err_set(e, ERR_INVALID, "linux.resources.cpu.period: not within 1000..1000000");
    if (c->quota.is_set && c->quota.value > 0 && c->quota.value < 1000)
        return err_set(e, ERR_INVALID, "linux.resources.cpu.quota: below 1000");
    if (check_cpu_list(c->cpus, "cpus", e) < 0)
        return -1;
    return check_cpu_list(c->mems, "mems", e);
}

static int check_unified(char *const *unified, struct err *e)
{
    STRV_FOREACH (entry, unified) {
        size_t key = strcspn(*entry, "=");

        if (key == 0 || !isalpha((unsigned char)(*entry)[0]) || memchr(*entry, '/', key) ||
            !memchr(*entry, '.', key))
            return err_set(e, ERR_INVALID, "linux.resources.unified: '%.*s' is not a file name",
                           (int)MIN(key, (size_t)60), *entry);
    }
    return 0;
}

static int check_resources(const struct oci_resources *r, struct err *e)
{
    if (check_device_rules(r, e) < 0 || (r->memory && check_memory(r->memory, e) < 0) ||
        (r->cpu && check_cpu(r->cpu, e) < 0))
        return -1;
    return check_unified(r->unified, e);
}

static int check_sysctl(char *const *sysctl, struct err *e)
{
    STRV_FOREACH (entry, sysctl) {
        size_t key = strcspn(*entry, "=");

        for (size_t i = 0; i < key; i++)
            if (!isalnum((unsigned char)(*entry)[i]) && !strchr("._-", (*entry)[i]))
                return err_set(e, ERR_INVALID, "linux.sysctl: '%.*s' is not a name",
                               (int)MIN(key, (size_t)60), *entry);
        if (key == 0 || (*entry)[0] == '.' || strstr(*entry, "..") || strchr(*entry, '\n'))
            return err_set(e, ERR_INVALID, "linux.sysctl: '%.60s' is not NAME=value", *entry);
    }
    return 0;
}

static int check_paths(char *const *paths, const char *field, struct err *e)
{
    STRV_FOREACH (path, paths)
        if (check_absolute(*path, field, e) < 0)
            return -1;
    return 0;
}

static int check_seccomp_rule(const struct oci_seccomp_rule *r, size_t i, struct err *e)
{
    if (!r->names || !r->names[0])
        return err_set(e, ERR_INVALID, "linux.seccomp.syscalls[%zu].names: must not be empty", i);
    if (!str_starts_with(r->action, "SCMP_ACT_"))
        return err_set(e, ERR_INVALID, "linux.seccomp.syscalls[%zu].action: unknown '%s'", i,
                       r->action);
    if (r->errno_ret.is_set && r->errno_ret.value > 0xffff)
        return err_set(e, ERR_INVALID, "linux.seccomp.syscalls[%zu].errnoRet: above 65535", i);
    VEC_FOREACH (a, &r->args)
        if (a->index > 5 || !ONE_OF(seccomp_ops, a->op))
            return err_set(e, ERR_INVALID, "linux.seccomp.syscalls[%zu].args: no such comparison",
                           i);
    return 0;
}

static int check_seccomp(const struct oci_seccomp *s, struct err *e)
{
    if (!str_starts_with(s->default_action, "SCMP_ACT_"))
        return err_set(e, ERR_INVALID, "linux.seccomp.defaultAction: unknown '%s'",
                       s->default_action);
    for (size_t i = 0; i < s->syscalls.len; i++)
        if (check_seccomp_rule(&s->syscalls.items[i], i, e) < 0)
            return -1;
    return 0;
}

static int check_linux(const struct oci_spec *s, struct err *e)
{
    const struct oci_linux *l = s->linux;

    if (check_namespaces(l, e) < 0 || check_userns(s, e) < 0 || check_devices(l, e) < 0 ||
        (l->resources && check_resources(l->resources, e) < 0) || check_sysctl(l->sysctl, e) < 0 ||
        check_paths(l->masked_paths, "linux.maskedPaths", e) < 0 ||
        check_paths(l->readonly_paths, "linux.readonlyPaths", e) < 0 ||
        (l->seccomp && check_seccomp(l->seccomp, e) < 0))
        return -1;
    if (l->cgroups_path && (has_dotdot(l->cgroups_path) || strlen(l->cgroups_path) >= 4096 ||
                            strchr(l->cgroups_path, '\n')))
        return err_set(e, ERR_INVALID, "linux.cgroupsPath: '%.60s' is not a path beneath the root",
                       l->cgroups_path);
    if (l->rootfs_propagation && !ONE_OF(propagations, l->rootfs_propagation))
        return err_set(e, ERR_INVALID, "linux.rootfsPropagation: unknown '%s'",
                       l->rootfs_propagation);
    return 0;
}

int oci_spec_validate(const struct oci_spec *s, struct err *e)
{
    if (!s->oci_version)
        return err_set(e, ERR_INVALID, "ociVersion: is required");
    if (check_version(s->oci_version, e) < 0)
        return -1;
    if (!s->root.path || !*s->root.path)
        return err_set(e, ERR_INVALID, "root.path: must not be empty");
    if (s->process && check_process(s->process, e) < 0)
        return -1;
    if (check_name(s->hostname, "hostname", e) < 0 ||
        check_name(s->domainname, "domainname", e) < 0 || check_mounts(s, e) < 0)
        return -1;
    if (((s->hostname && *s->hostname) || (s->domainname && *s->domainname)) &&
        !oci_spec_has_namespace(s, "uts", NULL))
        return err_set(e, ERR_INVALID, "hostname: needs a uts namespace of the container's own");
    return s->linux ? check_linux(s, e) : 0;
}
