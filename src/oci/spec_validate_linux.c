/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The rules of config-linux.md, but for the resources (spec_validate_resources.c). */
#include <ctype.h>
#include <string.h>
#include <sys/stat.h>

#include "base/str.h"
#include "base/strv.h"
#include "oci/spec_private.h"

#define MAX_DEVICES 1024

static const char *const namespace_types[] = {"pid", "network", "mount",  "ipc",
                                              "uts", "user",    "cgroup", "time"};
static const char *const clocks[] = {"monotonic", "boottime"};
static const char *const device_types[] = {"c", "b", "u", "p"};
static const char *const propagations[] = {"",       "private",    "rprivate",
                                           "shared", "rshared",    "slave",
                                           "rslave", "unbindable", "runbindable"};
static const char *const seccomp_actions[] = {"SCMP_ACT_KILL",        "SCMP_ACT_KILL_PROCESS",
                                              "SCMP_ACT_KILL_THREAD", "SCMP_ACT_TRAP",
                                              "SCMP_ACT_ERRNO",       "SCMP_ACT_TRACE",
                                              "SCMP_ACT_ALLOW",       "SCMP_ACT_LOG",
                                              "SCMP_ACT_NOTIFY"};
static const char *const seccomp_archs[] =
    {"SCMP_ARCH_X86",     "SCMP_ARCH_X86_64",   "SCMP_ARCH_X32",         "SCMP_ARCH_ARM",
     "SCMP_ARCH_AARCH64", "SCMP_ARCH_MIPS",     "SCMP_ARCH_MIPS64",      "SCMP_ARCH_MIPS64N32",
     "SCMP_ARCH_MIPSEL",  "SCMP_ARCH_MIPSEL64", "SCMP_ARCH_MIPSEL64N32", "SCMP_ARCH_PPC",
     "SCMP_ARCH_PPC64",   "SCMP_ARCH_PPC64LE",  "SCMP_ARCH_S390",        "SCMP_ARCH_S390X",
     "SCMP_ARCH_PARISC",  "SCMP_ARCH_PARISC64", "SCMP_ARCH_RISCV64",     "SCMP_ARCH_LOONGARCH64",
     "SCMP_ARCH_M68K",    "SCMP_ARCH_SH",       "SCMP_ARCH_SHEB"};
static const char *const seccomp_flags[] = {"SECCOMP_FILTER_FLAG_TSYNC", "SECCOMP_FILTER_FLAG_LOG",
                                            "SECCOMP_FILTER_FLAG_SPEC_ALLOW",
                                            "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV"};
static const char *const seccomp_ops[] = {"SCMP_CMP_NE",       "SCMP_CMP_LT", "SCMP_CMP_LE",
                                          "SCMP_CMP_EQ",       "SCMP_CMP_GE", "SCMP_CMP_GT",
                                          "SCMP_CMP_MASKED_EQ"};
static const char *const personality_domains[] = {"LINUX", "LINUX32"};
static const char *const memory_modes[] = {"MPOL_DEFAULT",    "MPOL_BIND",
                                           "MPOL_INTERLEAVE", "MPOL_WEIGHTED_INTERLEAVE",
                                           "MPOL_PREFERRED",  "MPOL_PREFERRED_MANY",
                                           "MPOL_LOCAL"};
static const char *const memory_flags[] = {"MPOL_F_NUMA_BALANCING", "MPOL_F_RELATIVE_NODES",
                                           "MPOL_F_STATIC_NODES"};

static int check_namespaces(const struct oci_linux *l, struct err *e)
{
    char field[SPEC_FIELD_MAX];

    for (size_t i = 0; i < l->namespaces.len; i++) {
        const struct oci_namespace *ns = &l->namespaces.items[i];

        snprintf(field, sizeof(field), "linux.namespaces[%zu].type", i);
        if (SPEC_CHECK_WORD(namespace_types, ns->type, field, e) < 0)
            return -1;
        for (size_t j = 0; j < i; j++)
            if (strcmp(l->namespaces.items[j].type, ns->type) == 0)
                return err_set(e, ERR_INVALID, "%s: '%s' is there twice", field, ns->type);
        snprintf(field, sizeof(field), "linux.namespaces[%zu].path", i);
        if (ns->path && *ns->path && spec_check_absolute(ns->path, field, e) < 0)
            return -1;
    }
    return 0;
}

/* A joined user namespace has its mappings; callers repeat them. */
static int check_userns(const struct oci_spec *s, struct err *e)
{
    const struct oci_linux *l = s->linux;
    const char *path = NULL,
               *field = l->uid_mappings.len ? "linux.uidMappings" : "linux.gidMappings";
    bool has_user = oci_spec_has_namespace(s, "user", &path);

    if ((l->uid_mappings.len || l->gid_mappings.len) && !has_user)
        return err_set(e, ERR_INVALID, "%s: needs a user namespace", field);
    if (has_user && !(path && *path) && (!l->uid_mappings.len || !l->gid_mappings.len))
        return err_set(e, ERR_INVALID, "%s: missing, a new user namespace needs it",
                       l->uid_mappings.len ? "linux.gidMappings" : "linux.uidMappings");
    if (spec_check_mappings(l->uid_mappings.items, l->uid_mappings.len, "linux.uidMappings", e) < 0)
        return -1;
    return spec_check_mappings(l->gid_mappings.items, l->gid_mappings.len, "linux.gidMappings", e);
}

static int check_time_offsets(const struct oci_spec *s, struct err *e)
{
    const char *path = NULL;
    bool has_time = oci_spec_has_namespace(s, "time", &path);

    if (s->linux->time_offsets.len > 0 && (!has_time || (path && *path)))
        return err_set(e, ERR_INVALID, "linux.timeOffsets: needs a new time namespace");
    VEC_FOREACH (o, &s->linux->time_offsets) {
        char field[SPEC_FIELD_MAX];

        snprintf(field, sizeof(field), "linux.timeOffsets.%.60s", o->clock);
        if (SPEC_CHECK_WORD(clocks, o->clock, field, e) < 0)
            return -1;
        if (o->nanosecs >= 1000000000)
            return err_set(e, ERR_INVALID, "%s.nanosecs: above 999999999", field);
    }
    return 0;
}

static int check_devices(const struct oci_linux *l, struct err *e)
{
    char field[SPEC_FIELD_MAX];

    if (l->devices.len > MAX_DEVICES)
        return err_set(e, ERR_LIMIT, "linux.devices: more than %d", MAX_DEVICES);
    for (size_t i = 0; i < l->devices.len; i++) {
        const struct oci_device *d = &l->devices.items[i];

        snprintf(field, sizeof(field), "linux.devices[%zu].type", i);
        if (SPEC_CHECK_WORD(device_types, d->type, field, e) < 0)
            return -1;
        snprintf(field, sizeof(field), "linux.devices[%zu].path", i);
        if (spec_check_absolute(d->path, field, e) < 0)
            return -1;
        snprintf(field, sizeof(field), "linux.devices[%zu]", i);
        if (spec_check_device_number(d->major, d->minor, field, e) < 0)
            return -1;
        /* docker writes the whole st_mode, 020666 */
        if (d->file_mode.is_set && (d->file_mode.value & ~(uint64_t)(S_IFMT | 07777)))
            return err_set(e, ERR_INVALID, "%s.fileMode: not a mode", field);
    }
    return 0;
}

static int check_net_devices(const struct oci_spec *s, struct err *e)
{
    char field[SPEC_FIELD_MAX];

    if (s->linux->net_devices.len > 0 && !oci_spec_has_namespace(s, "network", NULL))
        return err_set(e, ERR_INVALID, "linux.netDevices: needs a network namespace");
    VEC_FOREACH (d, &s->linux->net_devices) {
        snprintf(field, sizeof(field), "linux.netDevices.%.60s", d->host_name);
        if (spec_check_interface(d->host_name, field, e) < 0)
            return -1;
        snprintf(field, sizeof(field), "linux.netDevices.%s.name", d->host_name);
        if (d->name && *d->name && spec_check_interface(d->name, field, e) < 0)
            return -1;
    }
    return 0;
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

static int check_cgroups_path(const char *path, struct err *e)
{
    if (path && (has_dotdot(path) || strlen(path) >= 4096 || strchr(path, '\n')))
        return err_set(e, ERR_INVALID, "linux.cgroupsPath: '%.60s' is not a path beneath the root",
                       path);
    return 0;
}

/* Which of them a container may set, and in which namespace, is the runtime's table. */
static int check_sysctl(char *const *sysctl, struct err *e)
{
    STRV_FOREACH (entry, sysctl) {
        size_t key = strcspn(*entry, "=");

        for (size_t i = 0; i < key; i++)
            if (!isalnum((unsigned char)(*entry)[i]) && !strchr("._-", (*entry)[i]))
                return err_set(e, ERR_INVALID, "linux.sysctl.%.*s: not a name",
                               (int)MIN(key, (size_t)60), *entry);
        if (key == 0 || (*entry)[0] == '.' || strstr(*entry, ".."))
            return err_set(e, ERR_INVALID, "linux.sysctl.%.*s: not a name",
                           (int)MIN(key, (size_t)60), *entry);
        if (strchr(*entry, '\n'))
            return err_set(e, ERR_INVALID, "linux.sysctl.%.*s: has a newline in it",
                           (int)MIN(key, (size_t)60), *entry);
    }
    return 0;
}

static int check_paths(char *const *paths, const char *field, struct err *e)
{
    size_t i = 0;

    STRV_FOREACH (path, paths) {
        char element[SPEC_FIELD_MAX];

        snprintf(element, sizeof(element), "%s[%zu]", field, i++);
        if (spec_check_absolute(*path, element, e) < 0)
            return -1;
    }
    return 0;
}

/* "When the action doesn't support an errno, the runtime MUST print an error and fail." */
static int check_action(const char *action, const struct json_opt_u64 *errno_ret,
                        const char *action_field, const char *errno_field, struct err *e)
{
    if (SPEC_CHECK_WORD(seccomp_actions, action, action_field, e) < 0)
        return -1;
    if (errno_ret->is_set && strcmp(action, "SCMP_ACT_ERRNO") != 0 &&
        strcmp(action, "SCMP_ACT_TRACE") != 0)
        return err_set(e, ERR_INVALID, "%s: '%s' has none", errno_field, action);
    return spec_check_unsigned(errno_ret, UINT16_MAX, errno_field, e);
}

static int check_seccomp_rule(const struct oci_seccomp_rule *r, size_t i, struct err *e)
{
    char field[SPEC_FIELD_MAX], second[SPEC_FIELD_MAX];

    if (!r->names || !r->names[0])
        return err_set(e, ERR_INVALID, "linux.seccomp.syscalls[%zu].names: must not be empty", i);
    snprintf(field, sizeof(field), "linux.seccomp.syscalls[%zu].action", i);
    snprintf(second, sizeof(second), "linux.seccomp.syscalls[%zu].errnoRet", i);
    if (check_action(r->action, &r->errno_ret, field, second, e) < 0)
        return -1;
    for (size_t j = 0; j < r->args.len; j++) {
        const struct oci_seccomp_arg *a = &r->args.items[j];

        if (a->index > 5)
            return err_set(e, ERR_INVALID,
                           "linux.seccomp.syscalls[%zu].args[%zu].index: %u is above 5", i, j,
                           a->index);
        snprintf(field, sizeof(field), "linux.seccomp.syscalls[%zu].args[%zu].op", i, j);
        if (SPEC_CHECK_WORD(seccomp_ops, a->op, field, e) < 0)
            return -1;
    }
    return 0;
}

static int check_seccomp(const struct oci_seccomp *s, struct err *e)
{
    if (check_action(s->default_action, &s->default_errno_ret, "linux.seccomp.defaultAction",
                     "linux.seccomp.defaultErrnoRet", e) < 0 ||
        SPEC_CHECK_WORDS(seccomp_archs, s->architectures, "linux.seccomp.architectures", e) < 0 ||
        SPEC_CHECK_WORDS(seccomp_flags, s->flags, "linux.seccomp.flags", e) < 0)
        return -1;
    if (s->listener_metadata && *s->listener_metadata && !(s->listener_path && *s->listener_path))
        return err_set(e, ERR_INVALID, "linux.seccomp.listenerMetadata: needs a listenerPath");
    for (size_t i = 0; i < s->syscalls.len; i++)
        if (check_seccomp_rule(&s->syscalls.items[i], i, e) < 0)
            return -1;
    return 0;
}

static int check_personality(const struct oci_personality *p, struct err *e)
{
    if (SPEC_CHECK_WORD(personality_domains, p->domain, "linux.personality.domain", e) < 0)
        return -1;
    return spec_check_words(NULL, 0, p->flags, "linux.personality.flags", e);
}

static int check_intel_rdt(const struct oci_intel_rdt *r, struct err *e)
{
    const char *id = r->clos_id ? r->clos_id : "";
    size_t i = 0;

    if (strcmp(id, ".") == 0 || strcmp(id, "..") == 0 || (strchr(id, '/') && strcmp(id, "/") != 0))
        return err_set(e, ERR_INVALID, "linux.intelRdt.closID: '%.60s' is not a name", id);
    if (spec_check_line(id, "linux.intelRdt.closID", e) < 0 ||
        spec_check_line(r->l3_cache_schema, "linux.intelRdt.l3CacheSchema", e) < 0 ||
        spec_check_line(r->mem_bw_schema, "linux.intelRdt.memBwSchema", e) < 0)
        return -1;
    if (r->mem_bw_schema && *r->mem_bw_schema && !str_starts_with(r->mem_bw_schema, "MB:"))
        return err_set(e, ERR_INVALID, "linux.intelRdt.memBwSchema: does not begin with 'MB:'");
    STRV_FOREACH (line, r->schemata) {
        char field[SPEC_FIELD_MAX];

        snprintf(field, sizeof(field), "linux.intelRdt.schemata[%zu]", i++);
        if (spec_check_line(*line, field, e) < 0)
            return -1;
    }
    return 0;
}

/* set_mempolicy(2) */
static int check_memory_policy(const struct oci_memory_policy *m, struct err *e)
{
    static const char *const nodes = "linux.memoryPolicy.nodes";
    bool has_nodes = m->nodes && *m->nodes;
    bool takes_none = str_equal(m->mode, "MPOL_DEFAULT") || str_equal(m->mode, "MPOL_LOCAL");

    if (SPEC_CHECK_WORD(memory_modes, m->mode, "linux.memoryPolicy.mode", e) < 0 ||
        SPEC_CHECK_WORDS(memory_flags, m->flags, "linux.memoryPolicy.flags", e) < 0 ||
        spec_check_list(m->nodes, nodes, e) < 0)
        return -1;
    if (takes_none && has_nodes)
        return err_set(e, ERR_INVALID, "%s: '%s' takes none", nodes, m->mode);
    if (!takes_none && !has_nodes && !str_equal(m->mode, "MPOL_PREFERRED"))
        return err_set(e, ERR_INVALID, "%s: '%s' needs some", nodes, m->mode);
    return 0;
}

int spec_check_linux(const struct oci_spec *s, struct err *e)
{
    const struct oci_linux *l = s->linux;

    if (check_namespaces(l, e) < 0 || check_userns(s, e) < 0 || check_time_offsets(s, e) < 0 ||
        check_devices(l, e) < 0 || check_net_devices(s, e) < 0 ||
        check_cgroups_path(l->cgroups_path, e) < 0 ||
        (l->resources && spec_check_resources(l->resources, e) < 0) ||
        check_sysctl(l->sysctl, e) < 0 ||
        check_paths(l->masked_paths, "linux.maskedPaths", e) < 0 ||
        check_paths(l->readonly_paths, "linux.readonlyPaths", e) < 0)
        return -1;
    if (l->rootfs_propagation &&
        SPEC_CHECK_WORD(propagations, l->rootfs_propagation, "linux.rootfsPropagation", e) < 0)
        return -1;
    if ((l->seccomp && check_seccomp(l->seccomp, e) < 0) ||
        (l->personality && check_personality(l->personality, e) < 0) ||
        (l->intel_rdt && check_intel_rdt(l->intel_rdt, e) < 0) ||
        (l->memory_policy && check_memory_policy(l->memory_policy, e) < 0))
        return -1;
    return 0;
}
