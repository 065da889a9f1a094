/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The end of a container's run: what stays is recorded, what must go goes. Each step can be done
 * again, the run directory goes last: whoever is killed in between leaves a run directory without a
 * monitor, and the next writer's heal() does it all once more.
 *
 *   cgroup removed -> end recorded in the row -> [--rm: container removed] -> run directory removed
 */
#include <errno.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/str.h"
#include "base/strv.h"
#include "base/trace.h"
#include "engine/engine_internal.h"
#include "runtime/runtime.h"
#include "sys/file.h"
#include "sys/process.h"

#define ID_LEN 64

static int record_end(struct engine *en, const struct store_container *c, struct err *e)
{
    auto_fd int dir = FD_NONE;
    struct engine_status s;
    struct rundir_init init;

    status_of(en, c, &s);
    if (status_is_alive(&s))
        return err_set(e, ERR_BAD_STATE, "container '%s' is still running", c->name);
    if (rundir_open(en, c->id, &dir) < 0 || rundir_read_init(dir, &init) < 0)
        return 0; /* it never started: nothing to record */
    if (c->started_ns < init.started_ns &&
        store_container_set_started(en->store, c->id, init.started_ns, e) < 0)
        return -1;
    return store_container_set_finished(en->store, c->id, MAX(s.finished_ns, init.started_ns),
                                        s.exit_code, s.oom_killed, NULL, e);
}

int finish_locked(struct engine *en, const struct store_container *c, struct err *e)
{
    auto_free char *cgroup = launch_cgroup_path_of(c);
    struct engine_status s;

    TRACE_SPAN("finish");
    status_of(en, c, &s);
    if (status_is_alive(&s))
        return err_set(e, ERR_BAD_STATE, "container '%s' is still running", c->name);
    if (runtime_remove(cgroup, e) < 0)
        return -1;
    if (c->auto_remove)
        return remove_locked(en, c->id, e);
    if (record_end(en, c, e) < 0)
        return -1;
    int r = rundir_remove(en, c->id);

    return r < 0 ? err_sys(e, r, "remove the run directory of container '%s'", c->name) : 0;
}

/* The run directory is there during all of it, as the mark by which heal() finds a removal that was
 * cut short. */
int remove_locked(struct engine *en, const char *id, struct err *e)
{
    int r;

    TRACE_SPAN("remove the container");
    r = sys_mkdir(en->containers_fd, id, 0700);
    if (r < 0 && r != -EEXIST)
        return err_sys(e, r, "make the run directory of container '%.12s'", id);
    if (store_container_remove(en->store, id, e) < 0 && e && e->kind != ERR_NOT_FOUND)
        return -1;
    r = rundir_remove(en, id);
    if (r < 0)
        return err_sys(e, r, "remove the run directory of container '%.12s'", id);
    lock_forget(en, id);
    return 0;
}

/* A container whose row is gone already: a removal that was cut short. */
static int remove_remains(struct engine *en, const char *id, struct err *e)
{
    auto_free char *cgroup = launch_cgroup_path(&(struct engine_options){0}, id);

    if (runtime_remove(cgroup, e) < 0)
        return -1;
    return remove_locked(en, id, e);
}

int engine_container_finish(struct engine *en, const char *id, struct err *e)
{
    DHOW_CLEANUP(store_container_done) struct store_container c = {0};
    auto_fd int lock = FD_NONE;
    auto_fd int dir = FD_NONE;

    if (rundir_open(en, id, &dir) < 0)
        return 0; /* somebody else has tidied up */
    if (lock_container(en, id, &lock, e) < 0)
        return -1;
    if (store_container_find(en->store, id, &c, e) == 0)
        return finish_locked(en, &c, e);
    return e && e->kind == ERR_NOT_FOUND ? remove_remains(en, id, e) : -1;
}

static bool is_id(const char *s)
{
    return strlen(s) == ID_LEN && strspn(s, "0123456789abcdef") == ID_LEN;
}

/* A run directory whose monitor is dead, and whose container is not being worked on by somebody
 * else. */
static void heal_one(struct engine *en, const char *id)
{
    DHOW_CLEANUP(store_container_done) struct store_container c = {0};
    struct engine_status s;
    struct err e = {0};
    auto_fd int lock = FD_NONE;
    auto_fd int dir = FD_NONE;

    if (rundir_open(en, id, &dir) < 0 || rundir_has_monitor(dir))
        return;
    if (lock_container_try(en, id, &lock) < 0 || rundir_has_monitor(dir))
        return;
    if (store_container_find(en->store, id, &c, &e) == 0) {
        status_of(en, &c, &s);
        if (!status_is_alive(&s) && finish_locked(en, &c, &e) < 0)
            log_warn("tidy up container %.12s: %s, ignoring", id, e.msg);
        return;
    }
    if (e.kind != ERR_NOT_FOUND)
        return;
    if (remove_remains(en, id, &e) < 0)
        log_warn("remove what is left of container %.12s: %s, ignoring", id, e.msg);
}

void heal(struct engine *en)
{
    auto_strv names = NULL;

    struct err e = {0};

    TRACE_SPAN("heal");
    if (store_needs_sweep(en->store) && store_sweep(en->store, &e) < 0)
        log_warn("sweep the store: %s, ignoring", e.msg);
    if (sys_list_dir(en->containers_fd, ".", &names) < 0)
        return;
    STRV_FOREACH (name, names) {
        if (is_id(*name))
            heal_one(en, *name);
    }
}
