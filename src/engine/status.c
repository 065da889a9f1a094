/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a container's state is: the database says what should be, the kernel says what is. No lock
 * is taken, nothing is changed.
 *
 *   run directory      first process    monitor   state
 *   none               -                -         created (never started) or exited (row); started
 * but not finished: lost, code 255 with exit record   -                -         exited, as
 * recorded (the row follows at the tidying up) with init record   alive            any running, or
 * paused with init record   dead             alive     running still: the monitor is writing the
 * exit record with init record   dead             dead      exited, code 255: nobody saw the end no
 * init record     -                any       as if there were none: it is being started, or that
 * failed
 *
 * A record of another boot is no record.
 */
#include "base/fd.h"
#include "base/names.h"
#include "engine/engine_internal.h"
#include "sys/process.h"

#define LOST_EXIT_CODE 255

static const char *const state_names[] = {
    [ENGINE_CREATED] = "created", [ENGINE_RUNNING] = "running", [ENGINE_PAUSED] = "paused",
    [ENGINE_EXITED] = "exited",   [ENGINE_UNKNOWN] = "unknown",
};

const char *engine_state_name(enum engine_state s)
{
    return (size_t)s < ARRAY_LEN(state_names) ? state_names[s] : "unknown";
}

static struct engine_status from_row(const struct store_container *c)
{
    struct engine_status s = {.state = ENGINE_CREATED,
                              .exit_code = c->exit_code,
                              .oom_killed = c->oom_killed};

    if (c->started_ns == 0 && c->finished_ns == 0)
        return s;
    s.started_ns = c->started_ns;
    s.finished_ns = c->finished_ns;
    if (c->started_ns > 0)
        s.state = ENGINE_EXITED;
    if (c->finished_ns < c->started_ns) {
        s.finished_ns = c->started_ns;
        s.exit_code = LOST_EXIT_CODE;
    }
    return s;
}

static struct engine_status exited(int64_t started_ns, const struct rundir_exit *x)
{
    return (struct engine_status){.state = ENGINE_EXITED,
                                  .started_ns = started_ns,
                                  .finished_ns = x->finished_ns,
                                  .exit_code = x->code,
                                  .oom_killed = x->oom};
}

void status_of(const struct engine *en, const struct store_container *c, struct engine_status *ret)
{
    auto_fd int dir = FD_NONE;
    struct rundir_init init;
    struct rundir_exit x;
    bool is_alive;

    *ret = from_row(c);
    if (rundir_open(en, c->id, &dir) < 0 || rundir_read_init(dir, &init) < 0 || !init.is_this_boot)
        return;
    is_alive = sys_process_is_alive(init.pid, init.start_ticks) == 1;
    if (!is_alive && rundir_read_exit(dir, &x) == 0) {
        *ret = exited(init.started_ns, &x);
        return;
    }
    if (!is_alive && !rundir_has_monitor(dir)) {
        /* The monitor may have written its record and gone between the two looks. */
        x = (struct rundir_exit){.code = LOST_EXIT_CODE, .finished_ns = init.started_ns};
        (void)rundir_read_exit(dir, &x);
        *ret = exited(init.started_ns, &x);
        return;
    }
    *ret = (struct engine_status){.state = rundir_is_paused(dir) ? ENGINE_PAUSED : ENGINE_RUNNING,
                                  .pid = init.pid,
                                  .started_ns = init.started_ns};
}

bool status_is_alive(const struct engine_status *s)
{
    return s->state == ENGINE_RUNNING || s->state == ENGINE_PAUSED;
}

int engine_container_status(struct engine *en, const char *name, char **ret_id,
                            struct engine_status *ret, struct err *e)
{
    DHOW_CLEANUP(store_container_done) struct store_container c = {0};

    if (store_container_find(en->store, name, &c, e) < 0)
        return -1;
    status_of(en, &c, ret);
    if (ret_id)
        *ret_id = take_ptr(&c.id);
    return 0;
}
