/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Theory: docker's profile format is linux.seccomp of the runtime specification plus conditions:
 * a rule counts when everything in `includes` holds and nothing in `excludes` does. The conditions
 * are decided here, once; what follows knows only linux.seccomp. The file belongs to the user who
 * starts the container; it is bounded and a wrong one is refused.
 */
#include "seccomp/profile.h"

#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

#include "base/str.h"
#include "base/strv.h"
#include "oci/image.h"

static const struct {
    const char *arch; /* Go's name */
    const char *architectures[3];
} natives[] = {
    {"amd64", {"SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32"}},
    {"386", {"SCMP_ARCH_X86"}},
    {"arm64", {"SCMP_ARCH_AARCH64", "SCMP_ARCH_ARM"}},
    {"arm", {"SCMP_ARCH_ARM"}},
    {"ppc64le", {"SCMP_ARCH_PPC64LE"}},
    {"s390x", {"SCMP_ARCH_S390X", "SCMP_ARCH_S390"}},
    {"riscv64", {"SCMP_ARCH_RISCV64"}},
};

const char *profile_native_arch(void)
{
    return oci_host_architecture();
}

char **profile_native_architectures(void)
{
    char **v = NULL;

    for (size_t i = 0; i < ARRAY_LEN(natives); i++)
        if (strcmp(natives[i].arch, profile_native_arch()) == 0)
            for (size_t k = 0; k < ARRAY_LEN(natives[i].architectures); k++)
                if (natives[i].architectures[k])
                    strv_add(&v, natives[i].architectures[k]);
    return v;
}

void profile_done(struct oci_seccomp *s)
{
    json_free_struct(&oci_seccomp_json, s);
}

struct condition {
    char **caps;
    char **arches;
    char *min_kernel; /* "4.8" */
};

struct file_rule {
    char *name; /* docker's older form */
    char **names;
    char *action;
    struct json_opt_u64 errno_ret;
    VEC(struct oci_seccomp_arg) args;
    struct condition includes;
    struct condition excludes;
};

struct arch_map {
    char *architecture;
    char **sub_architectures;
};

struct file {
    char *default_action;
    struct json_opt_u64 default_errno_ret;
    char **architectures;
    VEC(struct arch_map) arch_map;
    char **flags;
    VEC(struct file_rule) syscalls;
};

#define ROW(type_name, member, key, type, ...)                                                     \
    {                                                                                              \
        key, type, offsetof(struct type_name, member), __VA_ARGS__                                 \
    }
static const struct json_field condition_fields[] = {
    ROW(condition, caps, "caps", JSON_STRV),
    ROW(condition, arches, "arches", JSON_STRV),
    ROW(condition, min_kernel, "minKernel", JSON_STRING),
};
static const struct json_struct condition_json =
    JSON_STRUCT("condition", struct condition, condition_fields);

static const struct json_field arg_fields[] = {
    ROW(oci_seccomp_arg, index, "index", JSON_UINT32),
    ROW(oci_seccomp_arg, value, "value", JSON_UINT64),
    ROW(oci_seccomp_arg, value_two, "valueTwo", JSON_UINT64),
    ROW(oci_seccomp_arg, op, "op", JSON_STRING, JSON_REQUIRED),
};
static const struct json_struct arg_json = JSON_STRUCT("arg", struct oci_seccomp_arg, arg_fields);

static const struct json_field rule_fields[] = {
    ROW(file_rule, name, "name", JSON_STRING),
    ROW(file_rule, names, "names", JSON_STRV),
    ROW(file_rule, action, "action", JSON_STRING, JSON_REQUIRED),
    ROW(file_rule, errno_ret, "errnoRet", JSON_OPT_UINT64),
    ROW(file_rule, args, "args", JSON_ARRAY, .nested = &arg_json),
    ROW(file_rule, includes, "includes", JSON_OBJECT, .nested = &condition_json),
    ROW(file_rule, excludes, "excludes", JSON_OBJECT, .nested = &condition_json),
};
static const struct json_struct rule_json = JSON_STRUCT("rule", struct file_rule, rule_fields);

static const struct json_field arch_map_fields[] = {
    ROW(arch_map, architecture, "architecture", JSON_STRING, JSON_REQUIRED),
    ROW(arch_map, sub_architectures, "subArchitectures", JSON_STRV),
};
static const struct json_struct arch_map_json =
    JSON_STRUCT("archMap", struct arch_map, arch_map_fields);

static const struct json_field file_fields[] = {
    ROW(file, default_action, "defaultAction", JSON_STRING, JSON_REQUIRED),
    ROW(file, default_errno_ret, "defaultErrnoRet", JSON_OPT_UINT64),
    ROW(file, architectures, "architectures", JSON_STRV),
    ROW(file, arch_map, "archMap", JSON_ARRAY, .nested = &arch_map_json),
    ROW(file, flags, "flags", JSON_STRV),
    ROW(file, syscalls, "syscalls", JSON_ARRAY, .nested = &rule_json),
    {"listenerPath", JSON_RAW, 0, JSON_UNSUPPORTED},
    {"listenerMetadata", JSON_RAW, 0, JSON_UNSUPPORTED},
};
static const struct json_struct file_json = JSON_STRUCT("profile", struct file, file_fields);

static void file_done(struct file *f)
{
    json_free_struct(&file_json, f);
}

/* Does the running kernel reach "MAJOR.MINOR"? */
static bool kernel_reaches(const char *min_kernel)
{
    struct utsname u;
    unsigned have[2] = {0}, want[2] = {0};

    if (uname(&u) < 0 || sscanf(u.release, "%u.%u", &have[0], &have[1]) != 2 ||
        sscanf(min_kernel, "%u.%u", &want[0], &want[1]) != 2)
        return false;
    return have[0] != want[0] ? have[0] > want[0] : have[1] >= want[1];
}

static bool is_included(const struct condition *c, char *const *caps)
{
    STRV_FOREACH (cap, c->caps)
        if (!strv_has(caps, *cap))
            return false;
    if (c->arches && c->arches[0] && !strv_has(c->arches, profile_native_arch()))
        return false;
    return !c->min_kernel || kernel_reaches(c->min_kernel);
}

static bool is_excluded(const struct condition *c, char *const *caps)
{
    STRV_FOREACH (cap, c->caps)
        if (strv_has(caps, *cap))
            return true;
    return strv_has(c->arches, profile_native_arch()) ||
           (c->min_kernel && kernel_reaches(c->min_kernel));
}

static bool is_native(const char *architecture)
{
    auto_strv ours = profile_native_architectures();

    return ours && strcmp(ours[0], architecture) == 0;
}

/* archMap's entry of this machine, or the list. None at all means the native one only. */
static char **resolve_architectures(const struct file *f)
{
    char **v = strv_dup(f->architectures);

    VEC_FOREACH (m, &f->arch_map) {
        if (!is_native(m->architecture))
            continue;
        strv_add(&v, m->architecture);
        strv_extend(&v, m->sub_architectures);
    }
    return v;
}

static void move_rule(struct file_rule *from, struct oci_seccomp *ret)
{
    struct oci_seccomp_rule rule = {.names = take_ptr(&from->names),
                                    .action = take_ptr(&from->action),
                                    .errno_ret = from->errno_ret};

    if (from->name)
        strv_take(&rule.names, take_ptr(&from->name));
    VEC_FOREACH (arg, &from->args) {
        struct oci_seccomp_arg copy = *arg;

        copy.op = take_ptr(&arg->op);
        vec_push(&rule.args, copy);
    }
    vec_push(&ret->syscalls, rule);
}

int profile_parse(const char *text, size_t len, char *const *caps, struct oci_seccomp *ret,
                  struct err *e)
{
    DHOW_CLEANUP(file_done) struct file f = {0};
    struct oci_seccomp s = {0};

    if (json_decode_text(text, len, PROFILE_MAX_BYTES, &file_json, &f, e) < 0)
        return err_wrap(e, "seccomp profile");
    if (f.architectures && f.arch_map.len)
        return err_set(e, ERR_INVALID,
                       "seccomp profile: architectures and archMap exclude each other");
    for (size_t i = 0; i < f.syscalls.len; i++) {
        struct file_rule *r = &f.syscalls.items[i];

        if (r->name && r->names)
            return err_set(e, ERR_INVALID,
                           "seccomp profile: syscalls[%zu]: name and names exclude each other", i);
        if (!r->name && !(r->names && r->names[0]))
            return err_set(e, ERR_INVALID, "seccomp profile: syscalls[%zu]: names is empty", i);
    }
    s.default_action = take_ptr(&f.default_action);
    s.default_errno_ret = f.default_errno_ret;
    s.flags = take_ptr(&f.flags);
    s.architectures = resolve_architectures(&f);
    VEC_FOREACH (r, &f.syscalls)
        if (is_included(&r->includes, caps) && !is_excluded(&r->excludes, caps))
            move_rule(r, &s);
    *ret = s;
    return 0;
}
