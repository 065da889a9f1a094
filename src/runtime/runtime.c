/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The runtime's front: one row of the table below is one way to isolate. A virtual machine is the
 * next row; the plan, the container and the errors stay the same.
 */
#include "runtime/runtime.h"

#include <errno.h>

#include "base/strv.h"
#include "cgroup/cgroup.h"
#include "runtime/filter.h"
#include "runtime/launch.h"
#include "runtime/namespaced.h"
#include "runtime/sync.h"
#include "sys/socket.h"

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

int runtime_detach(struct runtime_container *c, struct err *e)
{
    /* The end of the stream: it does not die with us any more. */
    if (sync_send_detach(c->sync_fd, e) < 0 || sync_expect_end(c->sync_fd, e) < 0)
        return -1;
    c->sync_fd = fd_close(c->sync_fd);
    return 0;
}

int runtime_start_at(int dirfd, const char *socket_name, const struct runtime_init *init,
                     struct err *e)
{
    auto_fd int fd = sys_connect_at(dirfd, socket_name);

    if (fd == -ECONNREFUSED || fd == -ENOENT)
        return err_set(e, ERR_BAD_STATE, "the container does not wait for its start");
    if (fd < 0)
        return err_sys(e, fd, "connect to the container's process");
    struct filter_process p = {.sync_fd = fd,
                               .pid = init->pid,
                               .pidfd = FD_NONE,
                               .agent = init->agent};
    return sync_send_start(fd, e) < 0 ? -1 : filter_wait_for_command(&p, e);
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
