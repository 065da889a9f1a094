/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Namespaces that the container joins by path. */
#include "runtime/plan.h"

/* CLONE_NEW* of a kind. */
int joins_flag(enum plan_join kind);
/* The parent's side: opens them into fds[PLAN_JOIN_MAX] (FD_NONE: not joined), each checked to be
 * what it is said to be. The caller's own user namespace is not joined but kept. */
int joins_open(const struct runtime_plan *p, int *fds, struct err *e);
/* Joins one that is open, and closes it: 0, -errno. */
int joins_enter(int *fds, enum plan_join kind);
int joins_error(const struct plan_namespaces *ns, enum plan_join kind, int negative_errno,
                struct err *e);
