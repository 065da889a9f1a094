/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The child: it hides, it dies with its parent, and then it takes the steps of the plan in their
 * order. It decides nothing. What goes wrong is sent to the parent as a struct err, and the child
 * exits.
 */
#include "runtime/init.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fault.h"
#include "base/trace.h"
#include "runtime/rootfs.h"
#include "runtime/sync.h"
#include "sys/process.h"
#include "sys/self.h"

/* Everything to who possesses it; to its user, as the kernel has it, view, read and link, and
 * search, without which an exec cannot join it; search to others, since in a user namespace the
 * user is another (runc's modes). */
#define KEYRING_MODE 0x3f1b0008

/* A keyring of the container, so that the caller's keys are not the command's; its execs join it.
 * There are none in some kernels, and no more in some quotas: then the keys stay the caller's. */
static void join_keyring(const struct init *init)
{
    int keyring;

    labels_set_keys(init, LABELS_BEGIN);
    keyring = sys_join_session_keyring(init->process->keyring);
    if (keyring >= 0 && init->plan->kind == PLAN_CREATE)
        (void)sys_set_keyring_mode(keyring, KEYRING_MODE);
    labels_set_keys(init, LABELS_END);
}

/* Not dumpable already (launch.c): nothing of the container can look into this copy of the engine.
 */
int init_become_child(void)
{
    int r = sys_set_pdeathsig(SIGKILL);

    if (r == 0)
        r = sys_reset_signals();
    if (r == 0)
        r = MIN(sys_setsid(), 0);
    sys_umask(0);
    return r;
}

int init_outlive_creator(const struct init *init)
{
    const struct runtime_config *c = init->plan->config;

    return sys_set_pdeathsig(c && c->flags & RUNTIME_DIE_WITH_CREATOR ? SIGKILL : 0);
}

int init_expect(struct init *init, enum sync_type type, struct sync_message *ret, struct err *e)
{
    /* Bounded: the parent sends each message once. */
    for (int i = 0; i < SYNC_TYPE_MAX; i++) {
        struct sync_message m = {0};
        int r;

        if (init->early[type]) {
            *ret = *init->early[type];
            init->early[type] = NULL; /* the child frees nothing */
            return 0;
        }
        r = sync_receive(init->sync_fd, &m, e);
        if (r < 0)
            return -1;
        if (r == 0)
            return err_set(e, ERR_IO, "the parent is gone, expected %s", sync_type_name(type));
        if (init->early[m.type])
            return err_set(e, ERR_INTERNAL, "message %s came twice", sync_type_name(m.type));
        init->early[m.type] = alloc_memdup(&m, sizeof(m));
    }
    return err_set(e, ERR_INTERNAL, "message %s did not come", sync_type_name(type));
}

static int by_number(const void *a, const void *b)
{
    int x = *(const int *)a, y = *(const int *)b;

    return (x > y) - (x < y);
}

int init_close_the_rest(struct init *init)
{
    const struct runtime_config *config = init->plan->config;
    /* A step after READY needs another one? Add it. */
    int keep[] = {init->root_fd,      init->stub_fd, init->sync_fd,  config->start_listener,
                  config->waiting_fd, trace_fd(),    init->labels_fd};
    int first = 3 + (int)init->process->preserve_fds, r = 0;

    qsort(keep, ARRAY_LEN(keep), sizeof(keep[0]), by_number);
    for (size_t i = 0; i < ARRAY_LEN(keep) && r == 0; i++) {
        if (keep[i] > first)
            r = sys_close_range((unsigned)first, (unsigned)keep[i] - 1);
        first = MAX(first, keep[i] + 1);
    }
    init->mount_point_fd = init->dev_fd = init->pts_fd = FD_NONE;
    init->terminal_fd = init->empty_dir_fd = FD_NONE;
    return r < 0 ? r : sys_close_range((unsigned)first, ~0u);
}

static int run_steps(struct init *init, struct err *e)
{
    int r = init_become_child();

    if (r < 0)
        return err_sys(e, r, "set up the container's process");
    if (init->process->keyring)
        join_keyring(init);
    VEC_FOREACH (step, &init->plan->steps) {
        TRACE_SPAN(step->name);

        if (step->run(init, step->arg, e) < 0)
            return -1;
    }
    return err_set(e, ERR_INTERNAL, "the plan does not execute anything");
}

void init_main(struct init *init)
{
    static const char *const roles[] =
        {[PLAN_CREATE] = "init", [PLAN_EXEC] = "exec", [PLAN_MOUNTS] = "mounts"};
    const char *role = roles[init->plan->kind];
    struct err e = {0};

    fault_role(role);
    trace_role(role);
    run_steps(init, &e);
    rootfs_leave(init);
    (void)sync_send_failed(init->sync_fd, &e); /* a dead parent needs no message */
    _exit(e.kind == ERR_CMD_NOT_FOUND ? 127 : 126);
}
