/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * `logs`: the container's log file read by log_file.c; following ends when the container has ended
 * and no monitor writes any more.
 */
#include "base/fd.h"
#include "base/str.h"
#include "engine/engine_internal.h"
#include "engine/log_file.h"
#include "runtime/monitor.h"

struct follow {
    struct engine *en;
    const char *id;
};

/* Over when there is no run directory, or its monitor is gone. A container that was restarted goes
 * on. */
static int is_over(void *arg)
{
    struct follow *f = arg;
    auto_fd int dir = FD_NONE;

    return rundir_open(f->en, f->id, &dir) < 0 || !rundir_has_monitor(dir);
}

int engine_container_logs(struct engine *en, const char *name, const struct engine_logs *how,
                          engine_log_fn *fn, void *arg, struct err *e)
{
    DHOW_CLEANUP(store_container_done) struct store_container c = {0};
    struct engine_options o = {0};
    struct follow f = {.en = en};
    struct err missing = {0};
    auto_fd int dir = FD_NONE;
    bool has_log;

    if (store_container_find(en->store, name, &c, e) < 0 || options_load(&c, &o, e) < 0)
        return -1;
    has_log = !str_equal(o.log_driver, "none");
    engine_options_done(&o);
    if (!has_log)
        return err_set(e, ERR_UNSUPPORTED,
                       "container '%s' has the log driver 'none', which keeps nothing to read",
                       c.name);
    if (store_container_dir(en->store, c.id, false, &dir, &missing) < 0) {
        if (missing.kind == ERR_NOT_FOUND)
            return 0; /* it was never started */
        if (e)
            *e = missing;
        return -1;
    }
    f.id = c.id;
    return log_file_read(dir, MONITOR_LOG_NAME, how, is_over, &f, fn, arg, e);
}
