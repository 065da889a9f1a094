/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* State, list, kill, pause, resume, delete: what is done to a container that is there. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/strv.h"
#include "base/trace.h"
#include "cgroup/cgroup.h"
#include "lifecycle/control.h"
#include "runtime/hooks.h"
#include "sys/file.h"
#include "sys/process.h"

#define KILL_PAUSE_MS 20
#define KILL_WAIT_MS  10000

static int open_all(const struct lifecycle_config *config, const char *id, unsigned flags,
                    struct state_dir *ret_dir, struct lifecycle_state *ret,
                    enum lifecycle_status *ret_status, struct err *e)
{
    return state_dir_open(config, id, flags, ret_dir, e) < 0
               ? -1
               : state_look(ret_dir, ret, ret_status, e);
}

int lifecycle_get_state(const struct lifecycle_config *config, const char *id,
                        struct lifecycle_state *ret, enum lifecycle_status *ret_status,
                        struct err *e)
{
    auto_state_dir d = STATE_DIR_NONE;

    return open_all(config, id, 0, &d, ret, ret_status, e);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

int lifecycle_list(const struct lifecycle_config *config, char ***ret, struct err *e)
{
    auto_strv names = NULL;
    auto_fd int fd = sys_open(AT_FDCWD, config->root, O_RDONLY | O_DIRECTORY, 0);
    char **ids = NULL;
    int r = fd < 0 ? fd : sys_list_dir(fd, ".", &names);

    if (r < 0 && r != -ENOENT)
        return err_sys(e, r, "list '%s'", config->root);
    STRV_FOREACH (name, names) {
        auto_free char *file = alloc_printf("%s/state.json", *name);
        struct stat st;

        if (state_check_id(*name, NULL) == 0 && sys_lstat(fd, file, &st) == 0)
            strv_add(&ids, *name);
    }
    if (ids)
        qsort(ids, strv_len(ids), sizeof(char *), by_name);
    *ret = ids;
    return 0;
}

/* ---- signals ---- */

static int not_running(const char *id, struct err *e)
{
    return err_set(e, ERR_BAD_STATE, "container not running: '%s'", id);
}

/* The end of init ends all only in a pid namespace of which it is the first process. */
static bool shares_pids(const struct state_dir *d)
{
    auto_spec spec = {0};
    const char *path = NULL;

    return state_read_config(d, &spec, NULL) == 0 &&
           (!oci_spec_has_namespace(&spec, "pid", &path) || (path && *path));
}

/* Nobody is there any more: that is what a caller of --all wants to know of 0 and KILL. */
static int signal_all(const struct lifecycle_state *s, int signal, struct err *e)
{
    struct cgroup *g = NULL;
    struct err why = {0};
    int r = cgroup_open_id(&s->cgroup, &g, &why);

    if (r == 0)
        r = cgroup_signal(g, signal, &why);
    cgroup_free(g);
    if (r == 0 || why.kind == ERR_NOT_FOUND)
        return 0;
    if (e)
        *e = why;
    return -1;
}

/* v1's freezer holds even who is killed. Who is killed does not run when it is let go. */
static int thaw(const struct lifecycle_state *s, struct err *e)
{
    struct cgroup *g = NULL;
    int r = cgroup_open_id(&s->cgroup, &g, e);

    if (r == 0 && cgroup_is_frozen(g) == 1)
        r = cgroup_freeze(g, false, e);
    cgroup_free(g);
    return r;
}

int lifecycle_kill(const struct lifecycle_config *config, const char *id, int signal,
                   unsigned flags, struct err *e)
{
    auto_state_dir d = STATE_DIR_NONE;
    auto_state s = {0};
    auto_fd int init = FD_NONE;
    enum lifecycle_status status;
    int r;

    if (open_all(config, id, 0, &d, &s, &status, e) < 0 || state_open_init(&s, &init, e) < 0)
        return -1;
    if ((flags & LIFECYCLE_KILL_ALL) || (signal == SIGKILL && init >= 0 && shares_pids(&d)))
        return signal_all(&s, signal, e);
    if (init < 0)
        return not_running(id, e);
    r = sys_pidfd_send_signal(init, signal);
    if (r == -ESRCH)
        return not_running(id, e);
    if (r < 0)
        return err_sys(e, r, "send signal %d to container '%s'", signal, id);
    return signal == SIGKILL && status == LIFECYCLE_PAUSED ? thaw(&s, e) : 0;
}

static bool has_cgroup(const struct lifecycle_state *s)
{
    return s->cgroup.places.len > 0;
}

int lifecycle_pids(const struct lifecycle_config *config, const char *id, pid_t **ret,
                   size_t *ret_n, struct err *e)
{
    auto_state_dir d = STATE_DIR_NONE;
    auto_state s = {0};
    enum lifecycle_status status;
    struct cgroup *g = NULL;
    int r;

    *ret = NULL;
    *ret_n = 0;
    if (open_all(config, id, 0, &d, &s, &status, e) < 0)
        return -1;
    if (status == LIFECYCLE_STOPPED || status == LIFECYCLE_CREATING)
        return 0;
    if (!has_cgroup(&s)) {
        *ret = alloc_zero(1, sizeof(pid_t));
        **ret = (pid_t)s.pid;
        *ret_n = 1;
        return 0;
    }
    r = cgroup_open_id(&s.cgroup, &g, e);
    if (r == 0)
        r = cgroup_pids(g, ret, ret_n, e);
    cgroup_free(g);
    return r;
}

/* ---- freezing ---- */

static int freeze(const struct lifecycle_config *config, const char *id, bool frozen, struct err *e)
{
    auto_state_dir d = STATE_DIR_NONE;
    auto_state s = {0};
    enum lifecycle_status status;
    struct cgroup *g = NULL;
    int r;

    if (open_all(config, id, STATE_DIR_LOCK, &d, &s, &status, e) < 0)
        return -1;
    if (status != LIFECYCLE_RUNNING && status != LIFECYCLE_CREATED && status != LIFECYCLE_PAUSED)
        return err_set(e, ERR_BAD_STATE, "container not running or created: %s",
                       lifecycle_status_name(status));
    if (!has_cgroup(&s))
        return err_set(e, ERR_UNSUPPORTED, "container '%s' has no cgroup of its own to freeze", id);
    r = cgroup_open_id(&s.cgroup, &g, e);
    if (r == 0)
        r = cgroup_freeze(g, frozen, e);
    cgroup_free(g);
    return r;
}

int lifecycle_pause(const struct lifecycle_config *config, const char *id, struct err *e)
{
    return freeze(config, id, true, e);
}

int lifecycle_resume(const struct lifecycle_config *config, const char *id, struct err *e)
{
    return freeze(config, id, false, e);
}

/* ---- deletion ---- */

/* 1: it is dead, which is enough: the zombie belongs to whoever reaps it. */
static int await_death(int pidfd, int timeout_ms)
{
    struct pollfd p = {.fd = pidfd, .events = POLLIN};
    int r;

    while ((r = poll(&p, 1, timeout_ms)) < 0 && errno == EINTR)
        ;
    return r;
}

static int kill_init(const struct lifecycle_state *s, struct err *e)
{
    auto_fd int init = FD_NONE;
    int r;

    if (state_open_init(s, &init, e) < 0)
        return -1;
    if (init < 0)
        return 0;
    r = sys_pidfd_send_signal(init, SIGKILL);
    if (r == -ESRCH)
        return 0;
    if (r < 0)
        return err_sys(e, r, "kill container '%s'", s->id);
    if (await_death(init, KILL_PAUSE_MS) == 0 && has_cgroup(s) && thaw(s, e) < 0)
        return -1;
    if (await_death(init, KILL_WAIT_MS) == 0)
        return err_set(e, ERR_TIMEOUT, "container '%s' does not die", s->id);
    return 0;
}

/* The container is gone by then; what goes wrong is told, and changes nothing. */
static void run_poststop(const struct lifecycle_state *s, const struct oci_spec *spec)
{
    struct hooks_container c = {.spec = spec, .id = s->id, .bundle = s->bundle};
    auto_strv warnings = NULL;

    hooks_run_all(&c, HOOKS_POSTSTOP, &warnings);
    STRV_FOREACH (w, warnings)
        log_warn("%s", *w);
}

int control_destroy(struct state_dir *d, const struct lifecycle_state *s, struct err *e)
{
    auto_spec spec = {0};
    struct err why = {0};

    if (s->has_late_hooks && state_read_config(d, &spec, &why) < 0)
        log_warn("the poststop hooks of container '%s' do not run: %s", s->id, why.msg);
    if (kill_init(s, e) < 0 || cgroup_remove_id(&s->cgroup, e) < 0 || rdt_remove(&s->rdt, e) < 0 ||
        state_dir_remove(d, e) < 0)
        return -1;
    if (s->has_late_hooks)
        run_poststop(s, &spec);
    return 0;
}

/* What a creation left that was killed before it wrote a state, or a deletion that was killed after
 * it removed it. A state that cannot be read is another matter: its process may be alive. */
static int delete_rest(struct state_dir *d, unsigned flags, const struct err *why, struct err *e)
{
    if (why->kind == ERR_NOT_FOUND && (flags & LIFECYCLE_FORCE))
        return state_dir_remove(d, e);
    if (e)
        *e = *why;
    return -1;
}

int lifecycle_delete(const struct lifecycle_config *config, const char *id, unsigned flags,
                     struct err *e)
{
    auto_state_dir d = STATE_DIR_NONE;
    auto_state s = {0};
    enum lifecycle_status status;
    bool force = flags & LIFECYCLE_FORCE;
    struct err why = {0};

    TRACE_SPAN("delete");
    if (state_dir_open(config, id, STATE_DIR_LOCK | (force ? STATE_DIR_SEIZE : 0), &d, &why) < 0) {
        if (why.kind == ERR_NOT_FOUND && force)
            return 0;
        if (e)
            *e = why;
        return -1;
    }
    if (state_read(&d, &s, &why) < 0)
        return delete_rest(&d, flags, &why, e);
    if (state_status(&d, &s, &status, e) < 0)
        return -1;
    /* runtime.md: of a container that is not stopped, created or not, this is an error. */
    if (!force && status != LIFECYCLE_STOPPED)
        return err_set(e, ERR_BAD_STATE, "cannot delete container '%s' that is not stopped: %s", id,
                       lifecycle_status_name(status));
    return control_destroy(&d, &s, e);
}
