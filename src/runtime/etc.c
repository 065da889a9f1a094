/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * /etc/hostname, hosts and resolv.conf of the container: files in a directory of the engine, each
 * bound on its place. One that is not there is left out; one whose place cannot be made (a
 * read-only root without it) is left out too.
 */
#include <errno.h>

#include "runtime/mounts.h"
#include "runtime/rootpath.h"
#include "sys/mount.h"

struct etc_file {
    const char *name;
    const char *target;
    size_t source;
};

static const struct etc_file files[] = {
    {"hostname", "etc/hostname", 0},
    {"hosts", "etc/hosts", 0},
    {"resolv.conf", "etc/resolv.conf", 0},
};

static int step_etc(struct init *init, const void *arg, struct err *e)
{
    const struct etc_file *f = arg;
    int fd = init->source_fds[f->source];
    auto_fd int target = FD_NONE;
    int r;

    if (fd < 0)
        return 0;
    target = rootpath_open(init->root_fd, f->target, ROOTPATH_MAKE);
    if (target == -EROFS || target == -ENOTDIR || target == -EISDIR)
        return 0;
    if (target < 0)
        return err_sys(e, target, "open '/%s' of the root file system", f->target);
    r = sys_mount_setattr(fd, 0, 0, 0, MS_PRIVATE);
    if (r == 0)
        r = sys_attach_mount(fd, target);
    return r < 0 ? err_sys(e, r, "bind '/%s'", f->target) : 0;
}

int etc_plan(struct runtime_plan *p, struct err *e)
{
    (void)e;
    if (p->config->etc_dirfd < 0)
        return 0;
    for (size_t i = 0; i < ARRAY_LEN(files); i++) {
        struct etc_file *f = plan_alloc(p, sizeof(*f));

        *f = files[i];
        f->source =
            plan_add_source(p, (struct plan_source){.dirfd = p->config->etc_dirfd,
                                                    .path = f->name,
                                                    .field = "etc file",
                                                    .flags = SYS_TREE_CLONE | SYS_TREE_NOFOLLOW,
                                                    .is_optional = true});
        plan_add(p, "etc file", step_etc, f, "/%s", f->target);
    }
    return 0;
}
