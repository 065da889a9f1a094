/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The runtime's front: one row of the table below is one way to isolate. A virtual machine is the
 * next row; the plan, the container and the errors stay the same.
 */
#include "runtime/runtime.h"

#include "base/strv.h"
#include "cgroup/cgroup.h"
#include "runtime/launch.h"
#include "runtime/namespaced.h"

static const struct handler {
    const char *name;
    int (*create)(const struct runtime_plan *p, struct runtime_container *ret, struct err *e);
    int (*start)(struct runtime_container *c, struct err *e);
    int (*exec)(const struct runtime_exec_config *config, struct runtime_process *ret,
                struct err *e);
} handlers[] = {
    {"namespaces", namespaced_create, namespaced_start, namespaced_exec},
};

int runtime_create(const struct runtime_plan *p, struct runtime_container *ret, struct err *e)
{
    return handlers[0].create(p, ret, e);
}

int runtime_start(struct runtime_container *c, struct err *e)
{
    if (c->sync_fd < 0)
        return err_set(e, ERR_BAD_STATE, "the container was started already");
    return handlers[0].start(c, e);
}

int runtime_exec(const struct runtime_exec_config *config, struct runtime_process *ret,
                 struct err *e)
{
    if (!config->process)
        return err_set(e, ERR_INVALID, "there is no process to execute");
    return handlers[0].exec(config, ret, e);
}

int runtime_remove(const char *cgroup_path, struct err *e)
{
    return cgroup_path && *cgroup_path ? cgroup_remove(cgroup_path, e) : 0;
}

void runtime_container_done(struct runtime_container *c)
{
    launch_kill(c->pidfd);
    fd_close(c->pidfd);
    fd_close(c->terminal_fd);
    fd_close(c->sync_fd);
    fd_close(c->oom_fd);
    strv_free(c->warnings);
    *c = (struct runtime_container)RUNTIME_CONTAINER_NONE;
}
