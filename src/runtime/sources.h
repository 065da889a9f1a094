/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * What the container gets of the host: mount trees, cloned by whoever may. The parent does it
 * before the child exists, with the caller's rights. A caller who may not clone mounts (a plain
 * user, a root without his mount namespace) leaves it to the child, who may as soon as it has
 * namespaces of its own.
 */
#include "runtime/plan.h"

/* Opens all into fds[plan->sources.len], which begin as FD_NONE; optional ones that are not there
 * stay so. -1 with an error; 1: not permitted, nothing was opened, the child must do it. */
int sources_open(const struct runtime_plan *p, int *fds, struct err *e);
/* Maps the ids of those that want the container's user namespace. Before any is attached. */
int sources_map(const struct runtime_plan *p, const int *fds, int userns_fd, struct err *e);
void sources_close(const struct runtime_plan *p, int *fds);

/* The child's step, in its own mount namespace. */
struct init;
int sources_step(struct init *init, const void *arg, struct err *e);
