/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One more process in a running container. It gets what the container's first process got
 * (environment, user, directory, capabilities, seccomp) from the same builder, changed by what the
 * caller asks for.
 */
#include <stdlib.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/str.h"
#include "base/strv.h"
#include "base/trace.h"
#include "engine/engine_internal.h"
#include "runtime/runtime.h"

static int change_process(struct launch *l, const struct engine_exec *x, struct err *e)
{
    struct oci_process *p = l->process;

    strv_free(p->args);
    p->args = strv_dup(x->command);
    p->terminal = x->tty;
    STRV_FOREACH (s, x->env)
        strv_env_set(&p->env, *s);
    if (x->workdir) {
        if (x->workdir[0] != '/')
            return err_set(e, ERR_INVALID, "the working directory '%s' is not an absolute path",
                           x->workdir);
        free(p->cwd);
        p->cwd = alloc_strdup(x->workdir);
    }
    if (x->privileged) {
        struct engine_options all = {.privileged = true};
        struct oci_capabilities *c = p->capabilities;
        char **const sets[] = {c->bounding, c->effective, c->permitted};

        for (size_t i = 0; i < ARRAY_LEN(sets); i++)
            strv_free(sets[i]);
        c->bounding = c->effective = c->permitted = NULL;
        if (launch_capabilities(&all, &c->bounding, e) < 0)
            return -1;
        c->effective = strv_dup(c->bounding);
        c->permitted = strv_dup(c->bounding);
    }
    return 0;
}

static int find_running(struct engine *en, const char *name, struct store_container *ret,
                        struct rundir_init *ret_init, struct err *e)
{
    auto_fd int dir = FD_NONE;
    struct engine_status s;

    if (store_container_find(en->store, name, ret, e) < 0)
        return -1;
    status_of(en, ret, &s);
    if (s.state != ENGINE_RUNNING)
        return err_set(e, ERR_BAD_STATE,
                       "can only exec in running containers: container '%s' is %s", ret->name,
                       engine_state_name(s.state));
    if (rundir_open(en, ret->id, &dir) < 0 || rundir_read_init(dir, ret_init) < 0)
        return err_set(e, ERR_BAD_STATE, "container '%s' has just ended", ret->name);
    return 0;
}

int engine_container_exec(struct engine *en, const char *name, const struct engine_exec *x,
                          pid_t *ret_pid, int *ret_pidfd, int *ret_terminal_fd, struct err *e)
{
    DHOW_CLEANUP(store_container_done) struct store_container c = {0};
    DHOW_CLEANUP(launch_done) struct launch l = {0};
    struct runtime_process p = RUNTIME_PROCESS_NONE;
    struct rundir_init init = {0};

    TRACE_SPAN("exec");
    if (find_running(en, name, &c, &init, e) < 0 || launch_build(en, &c, &l, e) < 0 ||
        change_process(&l, x, e) < 0)
        return -1;
    struct runtime_exec_config config = {
        .id = c.id,
        .init_pid = init.pid,
        .start_ticks = init.start_ticks,
        .process = l.process,
        .seccomp = x->privileged ? NULL : l.spec.linux->seccomp,
        .cgroup_path = l.cgroup_path,
        .user = x->user ? x->user : l.user,
        .user_groups = l.options.group_add,
        .set_home = true,
        .stdio = {x->stdio[0], x->stdio[1], x->stdio[2]},
    };
    if (runtime_exec(&config, &p, e) < 0)
        return -1;
    *ret_pid = p.pid;
    *ret_pidfd = p.pidfd;
    *ret_terminal_fd = p.terminal_fd;
    return 0;
}
