/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Starting. A hook that fails ends the container (runtime.md, lifecycle 7 and 9): it is destroyed,
 * and the poststop hooks run. By the text of 1.0 a poststart hook that fails is a warning.
 */
#include "base/log.h"
#include "base/strv.h"
#include "base/trace.h"
#include "lifecycle/agent.h"
#include "lifecycle/control.h"
#include "lifecycle/notify.h"
#include "runtime/hooks.h"

static int check_status(enum lifecycle_status status, struct err *e)
{
    switch (status) {
    case LIFECYCLE_CREATED:
        return 0;
    case LIFECYCLE_STOPPED:
        return err_set(e, ERR_BAD_STATE, "cannot start a container that has stopped");
    case LIFECYCLE_RUNNING:
        return err_set(e, ERR_BAD_STATE, "cannot start an already running container");
    case LIFECYCLE_CREATING:
    case LIFECYCLE_PAUSED:
        break;
    }
    return err_set(e, ERR_BAD_STATE, "cannot start a container in the %s state",
                   lifecycle_status_name(status));
}

static int run_poststart(const struct hooks_container *c, struct err *e)
{
    auto_strv warnings = NULL;

    if (!oci_spec_is_1_0(c->spec))
        return hooks_run_here(c, HOOKS_POSTSTART, e);
    hooks_run_all(c, HOOKS_POSTSTART, &warnings);
    STRV_FOREACH (w, warnings)
        log_warn("%s", *w);
    return 0;
}

/* Hooks to be run, an agent to be told. */
static int start_with_others(struct state_dir *d, const struct lifecycle_state *s, struct err *e)
{
    auto_spec spec = {0};
    struct hooks_container c = {.spec = &spec,
                                .id = s->id,
                                .bundle = s->bundle,
                                .pid = (pid_t)s->pid};
    struct agent told = {&c, HOOKS_CREATE_RUNTIME};
    const struct runtime_agent agent = {agent_tell, &told};
    const struct runtime_init init = {c.pid, s->has_agent ? &agent : NULL};
    struct err why = {0};

    if (state_read_config(d, &spec, e) < 0)
        return -1;
    if (runtime_start_at(d->fd, STATE_START_SOCKET, &init, e) == 0 && run_poststart(&c, e) == 0)
        return 0;
    if (s->has_late_hooks && control_destroy(d, s, &why) < 0)
        log_error("%s", why.msg); /* beside the first error */
    return -1;
}

static int start(struct state_dir *d, const struct lifecycle_state *s, struct err *e)
{
    if ((s->has_late_hooks || s->has_agent
             ? start_with_others(d, s, e)
             : runtime_start_at(d->fd, STATE_START_SOCKET, &(struct runtime_init){0}, e)) < 0)
        return -1;
    log_debug("init: closing the pipe to signal completion: the command runs");
    return 0;
}

int lifecycle_start(const struct lifecycle_config *config, const char *id, int *ret_notify_fd,
                    struct err *e)
{
    auto_state_dir d = STATE_DIR_NONE;
    auto_state s = {0};
    auto_fd int notify = FD_NONE;
    enum lifecycle_status status;

    TRACE_SPAN("start");
    if (state_dir_open(config, id, STATE_DIR_LOCK, &d, e) < 0 ||
        state_look(&d, &s, &status, e) < 0 || check_status(status, e) < 0 ||
        (config->notify_socket && notify_listen(&d, &notify, e) < 0) || start(&d, &s, e) < 0)
        return -1;
    state_dir_close(&d); /* others may signal it, or delete it, while we wait */
    if (ret_notify_fd)
        *ret_notify_fd = take_fd(&notify);
    return notify < 0 ? 0 : notify_wait(config, notify, &s, e);
}
