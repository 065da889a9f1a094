/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What bounds a container: capabilities, seccomp, resources, devices.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/capability.h>
#include <sys/sysmacros.h>

#include "base/alloc.h"
#include "base/str.h"
#include "base/strv.h"
#include "engine/engine_internal.h"
#include "seccomp/profile.h"
#include "sys/file.h"

#define DEFAULT_PIDS_LIMIT 2048
#define CPU_PERIOD_US      100000u

static const char *const default_capabilities[] = {
    "CAP_AUDIT_WRITE", "CAP_CHOWN",   "CAP_DAC_OVERRIDE",     "CAP_FOWNER",     "CAP_FSETID",
    "CAP_KILL",        "CAP_MKNOD",   "CAP_NET_BIND_SERVICE", "CAP_NET_RAW",    "CAP_SETFCAP",
    "CAP_SETGID",      "CAP_SETPCAP", "CAP_SETUID",           "CAP_SYS_CHROOT",
};

/* "net_admin", "CAP_NET_ADMIN" -> "CAP_NET_ADMIN", owned; NULL when there is no such capability. */
static char *capability_name(const char *s)
{
    auto_free char *lower = alloc_strdup(s);
    auto_free char *full = NULL;
    cap_value_t v;

    for (char *p = lower; *p; p++)
        *p = *p >= 'A' && *p <= 'Z' ? (char)(*p - 'A' + 'a') : *p;
    full = alloc_printf("%s%s", str_starts_with(lower, "cap_") ? "" : "cap_", lower);
    if (cap_from_name(full, &v) < 0)
        return NULL;
    for (char *p = full; *p; p++)
        *p = *p >= 'a' && *p <= 'z' ? (char)(*p - 'a' + 'A') : *p;
    return take_ptr(&full);
}

/* All that the kernel knows and we have ourselves. */
static void add_all(char ***v)
{
    for (cap_value_t i = 0; i < cap_max_bits(); i++) {
        char *name;

        if (cap_get_bound(i) != 1)
            continue;
        name = cap_to_name(i);
        for (char *p = name; name && *p; p++)
            *p = *p >= 'a' && *p <= 'z' ? (char)(*p - 'a' + 'A') : *p;
        if (name)
            strv_add(v, name);
        cap_free(name);
    }
}

static bool is_all(const char *s)
{
    return str_equal(s, "all") || str_equal(s, "ALL");
}

/* Collects the names of a --cap-add or --cap-drop list; ret_all when "all" is in it. */
static int collect(char *const *list, const char *verb, char ***ret, bool *ret_all, struct err *e)
{
    STRV_FOREACH (s, list) {
        char *name;

        if (is_all(*s)) {
            *ret_all = true;
            continue;
        }
        name = capability_name(*s);
        if (!name)
            return err_set(e, ERR_INVALID, "unknown capability to %s: '%s'", verb, *s);
        strv_take(ret, name);
    }
    return 0;
}

int launch_capabilities(const struct engine_options *o, char ***ret, struct err *e)
{
    auto_strv add = NULL;
    auto_strv drop = NULL;
    auto_strv from = NULL;
    auto_strv result = NULL;
    bool is_add_all = o->privileged, is_drop_all = false;

    if (collect(o->cap_add, "add", &add, &is_add_all, e) < 0 ||
        collect(o->cap_drop, "drop", &drop, &is_drop_all, e) < 0)
        return -1;
    if (is_add_all)
        add_all(&from);
    else if (!is_drop_all)
        for (size_t i = 0; i < ARRAY_LEN(default_capabilities); i++)
            strv_add(&from, default_capabilities[i]);
    STRV_FOREACH (s, add)
        if (!strv_has(from, *s))
            strv_add(&from, *s);
    STRV_FOREACH (s, from)
        if (!strv_has(drop, *s))
            strv_add(&result, *s);
    *ret = take_ptr(&result);
    return 0;
}

int launch_add_seccomp(struct launch *l, struct err *e)
{
    const struct engine_options *o = &l->options;
    char *const *caps = l->process->capabilities->bounding;
    struct oci_seccomp *s;

    if (str_equal(o->seccomp, "unconfined") || (o->privileged && !o->seccomp))
        return 0;
    s = alloc_new(struct oci_seccomp);
    l->spec.linux->seccomp = s;
    if (!o->seccomp) {
        profile_default(caps, s);
        return 0;
    }
    if (profile_parse(o->seccomp, strlen(o->seccomp), caps, s, e) < 0)
        return err_wrap(e, "seccomp profile");
    return 0;
}

static void add_memory(const struct engine_options *o, struct oci_resources *r)
{
    if (!o->memory.is_set && !o->memory_swap.is_set && !o->memory_reservation.is_set)
        return;
    r->memory = alloc_new(struct oci_memory);
    r->memory->limit = o->memory;
    r->memory->reservation = o->memory_reservation;
    r->memory->swap = o->memory_swap;
}

static void add_cpu(const struct engine_options *o, struct oci_resources *r)
{
    struct oci_cpu c = {.shares = o->cpu_shares, .quota = o->cpu_quota, .period = o->cpu_period};

    if (o->nano_cpus.is_set && o->nano_cpus.value > 0) {
        c.period = (struct json_opt_u64){true, CPU_PERIOD_US};
        c.quota = (struct json_opt_i64){true, o->nano_cpus.value / (1000000000 / CPU_PERIOD_US)};
    }
    if (!c.shares.is_set && !c.quota.is_set && !c.period.is_set && !o->cpuset_cpus &&
        !o->cpuset_mems)
        return;
    c.cpus = alloc_strdup(o->cpuset_cpus);
    c.mems = alloc_strdup(o->cpuset_mems);
    r->cpu = alloc_memdup(&c, sizeof(c));
}

static void allow_device(struct oci_resources *r, bool allow, const struct oci_device *d,
                         const char *access)
{
    struct oci_device_rule rule = {.allow = allow,
                                   .type = alloc_strdup(d ? d->type : "a"),
                                   .access = alloc_strdup(access)};

    if (d) {
        rule.major = (struct json_opt_i64){true, d->major};
        rule.minor = (struct json_opt_i64){true, d->minor};
    }
    vec_push(&r->devices, rule);
}

/* Fills type and numbers from a node of the host. -ENODEV: it is no device. */
static int device_of_host(const char *path, struct oci_device *ret)
{
    struct stat st;
    int r = sys_stat(AT_FDCWD, path, &st);

    if (r < 0)
        return r;
    if (!S_ISCHR(st.st_mode) && !S_ISBLK(st.st_mode))
        return -ENODEV;
    *ret = (struct oci_device){.type = alloc_strdup(S_ISCHR(st.st_mode) ? "c" : "b"),
                               .major = major(st.st_rdev),
                               .minor = minor(st.st_rdev),
                               .file_mode = {true, st.st_mode & 07777},
                               .uid = st.st_uid,
                               .gid = st.st_gid};
    return 0;
}

static bool is_access(const char *s)
{
    return *s && strspn(s, "rwm") == strlen(s) && strlen(s) <= 3;
}

/* "host[:ctr][:rwm]" */
static int add_device(struct launch *l, const char *text, struct err *e)
{
    auto_strv parts = strv_split(text, ':');
    size_t n = strv_len(parts);
    const char *access = "rwm", *path;
    struct oci_device d;
    int r;

    if (n > 1 && is_access(parts[n - 1]))
        access = parts[--n];
    if (n < 1 || n > 2 || parts[0][0] != '/' || (n == 2 && parts[1][0] != '/'))
        return err_set(e, ERR_INVALID, "device '%s' is not HOST-PATH[:CONTAINER-PATH][:rwm]", text);
    path = n == 2 ? parts[1] : parts[0];
    r = device_of_host(parts[0], &d);
    if (r == -ENODEV)
        return err_set(e, ERR_INVALID, "device '%s' is not a device node", parts[0]);
    if (r < 0)
        return err_sys(e, r, "device '%s'", parts[0]);
    d.path = alloc_strdup(path);
    vec_push(&l->spec.linux->devices, d);
    allow_device(l->spec.linux->resources, true, &d, access);
    return 0;
}

/* Nodes that a container has of its own, or that are no business of it. */
static const char *const not_passed[] = {"pts",         "shm",    "fd",      "mqueue", ".lxc",
                                         ".lxd-mounts", ".udev",  "null",    "zero",   "console",
                                         "full",        "random", "urandom", "tty",    "ptmx",
                                         "core",        "stdin",  "stdout",  "stderr"};

static void add_host_devices(struct launch *l, const char *dir, unsigned depth)
{
    auto_strv names = NULL;

    if (depth > 8 || sys_list_dir(AT_FDCWD, dir, &names) < 0)
        return;
    STRV_FOREACH (name, names) {
        auto_free char *path = alloc_printf("%s/%s", dir, *name);
        struct oci_device d;
        bool is_ours = false;
        struct stat st;

        for (size_t i = 0; i < ARRAY_LEN(not_passed); i++)
            is_ours |= depth == 0 && str_equal(*name, not_passed[i]);
        if (is_ours || sys_lstat(AT_FDCWD, path, &st) < 0)
            continue;
        if (S_ISDIR(st.st_mode)) {
            add_host_devices(l, path, depth + 1);
        } else if (!S_ISLNK(st.st_mode) && device_of_host(path, &d) == 0) {
            d.path = alloc_strdup(path);
            vec_push(&l->spec.linux->devices, d);
        }
    }
}

int launch_add_resources(struct launch *l, struct err *e)
{
    const struct engine_options *o = &l->options;
    struct oci_resources *r = alloc_new(struct oci_resources);

    l->spec.linux->resources = r;
    add_memory(o, r);
    add_cpu(o, r);
    r->pids = alloc_new(struct oci_pids);
    r->pids->limit =
        o->pids_limit.is_set ? o->pids_limit : (struct json_opt_i64){true, DEFAULT_PIDS_LIMIT};
    allow_device(r, o->privileged, NULL, "rwm");
    if (o->privileged)
        add_host_devices(l, "/dev", 0);
    STRV_FOREACH (d, o->devices)
        if (add_device(l, *d, e) < 0)
            return -1;
    return 0;
}
