/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Order is everything here, and this file is where it stands: the two tables below are the life of
 * a container's process from clone to execve. Each row adds its steps, in this order, to the plan.
 */
#include "runtime/plan.h"

#include <stdarg.h>

#include "base/str.h"
#include "base/strv.h"
#include "cgroup/cgroup.h"

struct feature {
    const char *name;
    int (*plan)(struct runtime_plan *p, struct err *e);
};

static const struct feature create_features[] = {
    {"limits", identity_plan_limits},
    {"namespaces", namespaces_plan}, /* join and make them; host name, loopback */
    {"root file system",
     rootfs_plan}, /* overlay or directory, attached, still beside the host's root */
    {"mounts", mounts_plan},
    {"etc files", etc_plan},
    {"devices", devices_plan},
    {"hooks", hooks_plan},   /* prestart, createRuntime, createContainer */
    {"sysctl", sysctl_plan}, /* also of network devices that were moved or made by a hook */
    {"labels", labels_plan},
    {"identity", identity_plan}, /* ask for names: the parent reads while we go on */
    {"masked and read-only paths", paths_plan},
    {"terminal", terminal_plan},
    {"root",
     rootfs_plan_finish}, /* read-only, pivot: from here on the host's files are out of reach */
    {"attributes", attributes_plan},
    {"command", command_plan}, /* stdio, directory, program; READY, START */
    {"start hooks", hooks_plan_start},
    {"privileges", identity_plan_finish}, /* limits, ids, capabilities */
    {"filter", command_plan_filter},      /* no other system call of ours, but: */
    {"start hooks under a filter", hooks_plan_start_filtered},
    {"execute", command_plan_finish},
};

static const struct feature exec_features[] = {
    {"limits", identity_plan_limits}, /* raised on this side of a user namespace */
    {"labels", labels_plan},          /* beside nothing of the container */
    {"namespaces", namespaces_plan},  {"identity", identity_plan},
    {"terminal", terminal_plan},      {"attributes", attributes_plan},
    {"command", command_plan},        {"privileges", identity_plan_finish},
    {"filter", command_plan_filter},  {"execute", command_plan_finish},
};

void plan_add(struct runtime_plan *p, const char *name,
              int (*run)(struct init *init, const void *arg, struct err *e), const void *arg,
              const char *detail, ...)
{
    struct plan_step step = {.name = name, .run = run, .arg = arg};
    auto_str text = STR_INIT(8192);
    va_list ap;

    if (detail) {
        va_start(ap, detail);
        str_vaddf(&text, detail, ap);
        va_end(ap);
        step.detail = str_take(&text);
    }
    vec_push(&p->steps, step);
}

void *plan_alloc(struct runtime_plan *p, size_t size)
{
    void *m = alloc_zero(1, size);

    vec_push(&p->owned, m);
    return m;
}

char *plan_own_string(struct runtime_plan *p, char *s)
{
    vec_push(&p->owned, (void *)s);
    return s;
}

size_t plan_add_source(struct runtime_plan *p, struct plan_source source)
{
    vec_push(&p->sources, source);
    return p->sources.len - 1;
}

static int add_features(struct runtime_plan *p, const struct feature *features, size_t n,
                        struct err *e)
{
    for (size_t i = 0; i < n; i++)
        if (features[i].plan(p, e) < 0)
            return -1;
    return 0;
}

static const char *or_null(const char *s)
{
    return s && *s ? s : NULL;
}

DEFINE_AUTO_PTR(struct runtime_plan, plan, runtime_plan_free);
#define auto_plan DHOW_CLEANUP(plan_auto) struct runtime_plan

/* runc's name, by which a container's execs find it. */
static char *keyring_name(const char *id)
{
    return alloc_printf("_ses.%s", id);
}

static int check_config(const struct runtime_config *c, struct err *e)
{
    if (!c->id || !*c->id)
        return err_set(e, ERR_INVALID, "the container has no id");
    if (!c->spec || !c->spec->process)
        return err_set(e, ERR_INVALID, "the specification has no process");
    if (!c->spec->linux)
        return err_set(e, ERR_INVALID, "the specification has no linux object");
    if (c->spec->linux->intel_rdt && !c->rdt)
        return err_set(e, ERR_UNSUPPORTED, "linux.intelRdt: there is no group");
    return 0;
}

int runtime_plan(const struct runtime_config *config, struct runtime_plan **ret, struct err *e)
{
    auto_plan *p = NULL;

    if (check_config(config, e) < 0)
        return -1;
    p = alloc_new(struct runtime_plan);
    *p = (struct runtime_plan){.kind = PLAN_CREATE,
                               .config = config,
                               .spec = config->spec,
                               .linux = config->spec->linux,
                               .cgroup_path = config->cgroup
                                                  ? or_null(cgroup_path(config->cgroup))
                                                  : or_null(config->spec->linux->cgroups_path)};
    p->process.process = config->spec->process;
    p->process.linux = config->spec->linux;
    if (!(config->flags & RUNTIME_KEEP_KEYRING))
        p->process.keyring = plan_own_string(p, keyring_name(config->id));
    p->process.seccomp = config->spec->linux->seccomp;
    p->process.users.user = config->user;
    p->process.users.groups = config->user_groups;
    p->process.users.want_home = config->set_home;
    p->process.create_cwd = config->create_cwd;
    p->process.preserve_fds = config->preserve_fds;
    memcpy(p->process.stdio, config->stdio, sizeof(p->process.stdio));
    if (add_features(p, create_features, ARRAY_LEN(create_features), e) < 0)
        return -1;
    *ret = take_ptr(&p);
    return 0;
}

int plan_make_exec(const struct runtime_exec_config *config, struct runtime_plan **ret,
                   struct err *e)
{
    auto_plan *p = alloc_new(struct runtime_plan);

    *p = (struct runtime_plan){.kind = PLAN_EXEC,
                               .exec_config = config,
                               .cgroup_path = or_null(config->cgroup ? cgroup_path(config->cgroup)
                                                                     : config->cgroup_path)};
    p->process.process = config->process;
    p->process.linux = config->linux;
    if (config->id)
        p->process.keyring = plan_own_string(p, keyring_name(config->id));
    p->process.seccomp = config->seccomp;
    p->process.users.user = config->user;
    p->process.users.groups = config->user_groups;
    p->process.users.want_home = config->set_home;
    p->process.preserve_fds = config->preserve_fds;
    memcpy(p->process.stdio, config->stdio, sizeof(p->process.stdio));
    if (add_features(p, exec_features, ARRAY_LEN(exec_features), e) < 0)
        return -1;
    *ret = take_ptr(&p);
    return 0;
}

char *runtime_plan_text(const struct runtime_plan *p)
{
    auto_str s = STR_INIT(4u << 20);

    if (p->cgroup_path)
        str_addf(&s, "parent  %-24s %s\n", "cgroup", p->cgroup_path);
    if (p->process.seccomp)
        str_addf(&s, "parent  %-24s %zu rules\n", "seccomp program",
                 p->process.seccomp->syscalls.len);
    VEC_FOREACH (source, &p->sources)
        str_addf(&s, "parent  %-24s %s\n", "clone mount", source->path);
    VEC_FOREACH (step, &p->steps) {
        str_addf(&s, step->detail ? "init    %-24s %s\n" : "init    %s%s\n", step->name,
                 step->detail ? step->detail : "");
    }
    return str_take(&s);
}

void runtime_plan_free(struct runtime_plan *p)
{
    if (!p)
        return;
    VEC_FOREACH (step, &p->steps)
        free(step->detail);
    VEC_FOREACH (owned, &p->owned)
        free(*owned);
    vec_done(&p->steps);
    vec_done(&p->owned);
    vec_done(&p->sources);
    vec_done(&p->process.rlimits);
    free(p);
}
