/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The container's terminal: a pty of its own devpts, so that its name means something inside. The
 * master goes to the parent, the slave becomes 0, 1, 2 and the controlling terminal, and (init
 * only) /dev/console.
 *
 * Trust boundary: an exec opens /dev/pts/ptmx of a running, hostile container; sys_pty_open() takes
 * only a true multiplexer, and the name is resolved inside the container's root.
 */
#include <errno.h>
#include <fcntl.h>

#include "runtime/init.h"
#include "runtime/mounts.h"
#include "runtime/rootpath.h"
#include "runtime/sync.h"
#include "sys/file.h"
#include "sys/mount.h"
#include "sys/pty.h"
#include "sys/terminal.h"

static int bind_console(struct init *init, int slave, struct err *e)
{
    auto_fd int tree = sys_open_tree(slave, "", SYS_TREE_CLONE);
    auto_fd int target = FD_NONE;
    int r;

    if (tree < 0)
        return err_sys(e, tree, "clone the terminal's mount");
    target = init->dev_fd >= 0
                 ? rootpath_open(init->dev_fd, "console", ROOTPATH_MAKE)
                 : rootpath_open(init->root_fd, "dev/console", ROOTPATH_MAKE | ROOTPATH_NOFOLLOW);
    r = target < 0 ? target : sys_attach_mount(tree, target);
    return r < 0 ? err_sys(e, r, "bind the terminal on '/dev/console'") : 0;
}

static int open_pts(struct init *init, struct err *e)
{
    int fd;

    if (init->pts_fd >= 0)
        return init->pts_fd;
    fd = rootpath_open(init->root_fd, "dev/pts", ROOTPATH_DIRECTORY);
    return fd < 0 ? err_sys(e, fd, "open '/dev/pts' of the container") : fd;
}

static int step_terminal(struct init *init, const void *arg, struct err *e)
{
    const struct oci_console_size *size = &init->process->process->console_size;
    auto_fd int master = FD_NONE;
    int pts = open_pts(init, e), r;

    (void)arg;
    if (pts < 0)
        return -1;
    r = sys_pty_open(pts, "ptmx", &master, &init->terminal_fd);
    if (r < 0)
        return err_sys(e, r, "open a terminal in '/dev/pts'");
    if (size->height > 0 && size->width > 0)
        r = sys_terminal_set_size(master, (uint16_t)MIN(size->height, 65535u),
                                  (uint16_t)MIN(size->width, 65535u));
    if (r < 0)
        return err_sys(e, r, "set the size of the terminal");
    if (init->plan->kind == PLAN_CREATE && bind_console(init, init->terminal_fd, e) < 0)
        return -1;
    return sync_send_terminal(init->sync_fd, master, e);
}

int terminal_plan(struct runtime_plan *p, struct err *e)
{
    if (!p->process.process->terminal)
        return 0;
    if (p->kind == PLAN_CREATE && !p->has_own_pts && !p->has_foreign_dev)
        return err_set(e, ERR_INVALID, "process.terminal: needs a devpts mount on '/dev/pts'");
    plan_add(p, "terminal", step_terminal, NULL, NULL);
    return 0;
}
