/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* The end of a container. */
#include "lifecycle/state.h"

/* Kills it, removes all that it has, and runs the poststop hooks; those that fail are logged. The
 * caller has the lock. */
int control_destroy(struct state_dir *d, const struct lifecycle_state *s, struct err *e);
