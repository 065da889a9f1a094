/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Theory: device rules to the kernel. A new group gets them before anybody is in it. A running
 * container's are changed so that nothing it may open before and after is refused in between: v2
 * replaces the program in one step; v1 first adds what is new, then takes away what is gone, which
 * is possible while the default stays "deny". Only when the default changes must the group stand
 * still: v1 can change that only by dropping all exceptions.
 *
 * Rootless: neither is permitted, nor needed: nobody in a user namespace can make device nodes.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/str.h"
#include "cgroup/cgroup_private.h"
#include "sys/bpf.h"
#include "sys/file.h"

#define PROGRAM_NAME "dhow_devices"

/* The files of v1's devices hierarchy. */
struct v1_files {
    const char *path;
    int allow;
    int deny;
};

static int change(const struct v1_files *f, const struct device_rule *r, bool to_allow,
                  char ***warnings, struct err *e)
{
    auto_free char *text = device_rule_text(r);
    int x = sys_write_all(to_allow ? f->allow : f->deny, text, strlen(text));

    /* A group cannot allow what its parent (we, in a container) may not. */
    if (x == -EPERM && to_allow) {
        cgroup_warn(warnings, alloc_printf("device access '%s' is more than this process may "
                                           "grant; rule discarded",
                                           text));
        return 0;
    }
    return x < 0 ? err_sys(e, x, "cgroup '%s': device rule '%s'", f->path, text) : 0;
}

/* From nothing but the default. */
static int set_all_v1(const struct v1_files *f, const struct device_state *to, char ***warnings,
                      struct err *e)
{
    int r = sys_write_all(to->is_allowed ? f->allow : f->deny, "a", 1);

    if (r == -EPERM && to->is_allowed)
        cgroup_warn(warnings, alloc_strdup("access to all devices is more than this process may "
                                           "grant; rule discarded"));
    else if (r < 0)
        return err_sys(e, r, "cgroup '%s': %s all devices", f->path,
                       to->is_allowed ? "allow" : "deny");
    VEC_FOREACH (x, &to->exceptions)
        if (change(f, x, !to->is_allowed, warnings, e) < 0)
            return -1;
    return 0;
}

/* Both deny by default. */
static int move_v1(const struct v1_files *f, const struct device_state *from,
                   const struct device_state *to, char ***warnings, struct err *e)
{
    VEC_FOREACH (x, &to->exceptions)
        if (x->access & ~device_state_access(from, x) && change(f, x, true, warnings, e) < 0)
            return -1;
    VEC_FOREACH (x, &from->exceptions) {
        struct device_rule gone = *x;

        gone.access &= ~device_state_access(to, x);
        if (gone.access && change(f, &gone, false, warnings, e) < 0)
            return -1;
    }
    return 0;
}

static int set_standing_still(const struct cgroup *g, const struct v1_files *f,
                              const struct device_state *to, char ***warnings, struct err *e)
{
    bool thaw = cgroup_is_frozen(g) == 0 && cgroup_freeze(g, true, NULL) == 0;
    int r = set_all_v1(f, to, warnings, e);

    if (thaw && cgroup_freeze(g, false, r < 0 ? NULL : e) < 0)
        return -1;
    return r;
}

static int apply_v1(const struct cgroup *g, int dirfd, const struct device_rules *rules,
                    bool is_running, char ***warnings, struct err *e)
{
    auto_fd int deny = sys_open(dirfd, "devices.deny", O_WRONLY, 0);
    auto_fd int allow = sys_open(dirfd, "devices.allow", O_WRONLY, 0);
    DHOW_CLEANUP(device_state_done) struct device_state from = {0}, to = {0};
    struct v1_files f = {cgroup_path(g), allow, deny};
    auto_free char *list = NULL;
    int r = deny < 0 ? deny : allow;
    size_t n;

    if (r >= 0 && is_running)
        r = sys_read_file(dirfd, "devices.list", CGROUP_FILE_MAX_BYTES, &list, &n);
    if (r < 0)
        return err_sys(e, r, "cgroup '%s': restrict devices", f.path);
    if (device_state_of(rules, &to, e) < 0)
        return -1;
    if (!is_running)
        return set_all_v1(&f, &to, warnings, e);
    device_state_parse(list, &from);
    if (from.is_allowed || to.is_allowed)
        return set_standing_still(g, &f, &to, warnings, e);
    return move_v1(&f, &from, &to, warnings, e);
}

static int apply_v2(const struct cgroup *g, int dirfd, const struct device_rules *rules,
                    bool is_running, struct err *e)
{
    size_t n;
    auto_free struct bpf_insn *insns = device_rules_program(rules, &n);
    auto_fd int group = sys_open(dirfd, ".", O_RDONLY | O_DIRECTORY, 0);
    auto_fd int program = FD_NONE, old = FD_NONE;
    int r;

    if (group < 0)
        return err_sys(e, group, "cgroup '%s': open it", cgroup_path(g));
    if (is_running) {
        old = sys_bpf_find_device(group, PROGRAM_NAME);
        if (old < 0 && old != -ENOENT)
            return err_sys(e, old, "cgroup '%s': find its device program", cgroup_path(g));
    }
    program = sys_bpf_load_device(insns, n, PROGRAM_NAME);
    r = program < 0 ? program : sys_bpf_attach_device(group, program, old);
    if (r == -EINVAL && old >= 0) { /* before Linux 5.6: two for a moment */
        r = sys_bpf_attach_device(group, program, FD_NONE);
        if (r == 0)
            r = sys_bpf_detach_device(group, old);
    }
    return r < 0 ? err_sys(e, r, "cgroup '%s': restrict devices by a BPF program", cgroup_path(g))
                 : 0;
}

static int apply(const struct cgroup *g, const struct device_rules *rules, bool is_running,
                 unsigned flags, char ***warnings, struct err *e)
{
    int v1 = cgroup_controller_fd(g, CGROUP_DEVICES), v2 = cgroup_v2_fd(g), r = 0;
    struct err here = {0};

    if (v1 >= 0)
        r = apply_v1(g, v1, rules, is_running, warnings, &here);
    else if (v2 >= 0 && !cgroup_is_v1(g, CGROUP_DEVICES))
        r = apply_v2(g, v2, rules, is_running, &here);
    else if (!(flags & CGROUP_OCI))
        cgroup_warn(warnings, alloc_strdup("your kernel does not support device restriction "
                                           "capabilities or the cgroup is not mounted; limitation "
                                           "discarded"));
    else if (!(flags & CGROUP_ROOTLESS) && g->manager != CGROUP_MANAGER_DISABLED)
        r = err_set(&here, ERR_UNSUPPORTED,
                    "cannot restrict devices: no devices cgroup is mounted");
    if (r == 0 || flags & CGROUP_ROOTLESS)
        return 0;
    if (e)
        *e = here;
    return -1;
}

int cgroup_apply_devices(const struct cgroup *g, const struct device_rules *rules, unsigned flags,
                         char ***warnings, struct err *e)
{
    if (rules->allows_all && !cgroup_has_found(g))
        return 0; /* as a new group is */
    return apply(g, rules, cgroup_has_found(g), flags, warnings, e);
}

int cgroup_update_devices(const struct cgroup *g, const struct device_rules *rules, unsigned flags,
                          char ***warnings, struct err *e)
{
    return apply(g, rules, true, flags, warnings, e);
}
