/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Kernel parameters of the container's own namespaces (linux.sysctl).
 *
 * Trust boundary (CVE-2022-0811: a '+' in a value became a second parameter): names are looked up
 * in the table below, exactly, or are made of plain components below the two prefixes; nothing else
 * is written anywhere. They are written through a procfs of our own that is never attached
 * (CVE-2025-52881: the image's /proc may be anything).
 */
#include <errno.h>
#include <fcntl.h>

#include "base/str.h"
#include "base/strv.h"
#include "runtime/joins.h"
#include "runtime/mounts.h"
#include "sys/file.h"
#include "sys/namespace.h"

static const struct {
    const char *name;
    enum plan_join scope; /* whose namespace */
    bool is_prefix;
} allowed[] = {
    {"kernel.msgmax", PLAN_JOIN_IPC, false},
    {"kernel.msgmnb", PLAN_JOIN_IPC, false},
    {"kernel.msgmni", PLAN_JOIN_IPC, false},
    {"kernel.sem", PLAN_JOIN_IPC, false},
    {"kernel.shmall", PLAN_JOIN_IPC, false},
    {"kernel.shmmax", PLAN_JOIN_IPC, false},
    {"kernel.shmmni", PLAN_JOIN_IPC, false},
    {"kernel.shm_rmid_forced", PLAN_JOIN_IPC, false},
    {"kernel.domainname", PLAN_JOIN_UTS, false},
    {"fs.mqueue.", PLAN_JOIN_IPC, true},
    {"net.", PLAN_JOIN_NET, true},
};

struct sysctl {
    const char *name;
    const char *path; /* "sys/net/ipv4/ip_forward" */
    const char *value;
};

static int step_sysctls(struct init *init, const void *arg, struct err *e)
{
    const struct sysctl *s = arg;
    auto_fd int proc = mounts_make("proc", "proc", NULL, 0, 0, e);

    (void)init;
    if (proc < 0)
        return -1;
    for (; s->name; s++) {
        auto_fd int fd = sys_open_beneath(proc, s->path, O_WRONLY, 0);
        int r = fd < 0 ? fd : sys_write_all(fd, s->value, strlen(s->value));

        if (r < 0)
            return err_sys(e, r, "set kernel parameter '%s'", s->name);
    }
    return 0;
}

static bool has_plain_components(const char *name)
{
    size_t n = strlen(name);

    if (n == 0 || n > 255 || name[0] == '.' || name[n - 1] == '.' || strstr(name, ".."))
        return false;
    return n == strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-");
}

static bool has_scope(const struct runtime_plan *p, enum plan_join scope)
{
    return p->namespaces.unshare_flags & joins_flag(scope) || p->namespaces.joins[scope].path;
}

static bool is_row(size_t i, const char *name)
{
    return allowed[i].is_prefix ? str_starts_with(name, allowed[i].name)
                                : str_equal(name, allowed[i].name);
}

bool sysctl_sets_in(const struct runtime_plan *p, enum plan_join kind)
{
    STRV_FOREACH (entry, p->linux->sysctl) {
        auto_free char *name = alloc_strndup(*entry, strcspn(*entry, "="));

        for (size_t i = 0; i < ARRAY_LEN(allowed); i++)
            if (allowed[i].scope == kind && is_row(i, name))
                return true;
    }
    return false;
}

static int check(const struct runtime_plan *p, const char *name, struct err *e)
{
    for (size_t i = 0; i < ARRAY_LEN(allowed) && has_plain_components(name); i++) {
        if (!is_row(i, name))
            continue;
        if (!has_scope(p, allowed[i].scope))
            return err_set(e, ERR_INVALID,
                           "linux.sysctl.%s: needs a namespace of the container's own", name);
        return 0;
    }
    return err_set(e, ERR_INVALID, "linux.sysctl.%s: not one that a container may set", name);
}

static int plan_one(struct runtime_plan *p, const char *entry, struct sysctl *ret, struct err *e)
{
    const char *equals = strchr(entry, '=');
    char *name =
        plan_own_string(p, alloc_strndup(entry, equals ? (size_t)(equals - entry) : strlen(entry)));
    char *path;

    if (!equals || strchr(equals, '\n'))
        return err_set(e, ERR_INVALID, "linux.sysctl.%s: has no valid value", name);
    if (check(p, name, e) < 0)
        return -1;
    path = plan_own_string(p, alloc_printf("sys/%s", name));
    for (char *c = path; *c; c++)
        if (*c == '.')
            *c = '/';
    *ret = (struct sysctl){.name = name, .path = path, .value = equals + 1};
    return 0;
}

int sysctl_plan(struct runtime_plan *p, struct err *e)
{
    size_t n = strv_len(p->linux->sysctl), i = 0;
    struct sysctl *list;

    if (n == 0)
        return 0;
    list = plan_alloc(p, (n + 1) * sizeof(*list));
    STRV_FOREACH (entry, p->linux->sysctl)
        if (plan_one(p, *entry, &list[i++], e) < 0)
            return -1;
    plan_add(p, "kernel parameters", step_sysctls, list, "%zu", n);
    return 0;
}
