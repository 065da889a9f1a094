/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "runtime/launch.h"

/* Must the child be cloned by a stage? */
bool stage_is_needed(const struct launch *l);
/* Clones the child by a stage: l->pid and l->pidfd. `child_end` is the child's end of the sync
 * socket, `parent_end` ours. */
int stage_clone(struct launch *l, int parent_end, int child_end, struct err *e);
