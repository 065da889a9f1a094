/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* The overlay of a container, as a detached mount. */
#include "runtime/runtime.h"

/* Makes the overlay of `r` (lower_fds replaced by `lowers` if not NULL): a detached mount's fd, or
 * -1. Needs CAP_SYS_ADMIN; -2 with no error set: this kernel (before 6.5) cannot make it detached,
 * use rootfs_mount_overlay(). */
int rootfs_make_overlay(const struct runtime_rootfs *r, const int *lowers, struct err *e);
/* The same by mount(2), for the caller's own mount namespace, attached at mount_point_fd: the
 * root's fd. */
int rootfs_mount_overlay(const struct runtime_rootfs *r, int mount_point_fd, struct err *e);

/* Does the root receive what the host mounts later (rootfsPropagation "slave")? Pure. */
struct runtime_plan;
bool rootfs_is_slave(const struct runtime_plan *p);

/* What a failed child has mounted in a mount namespace that is not its own. */
struct init;
void rootfs_leave(struct init *init);
