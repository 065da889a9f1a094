/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * The agent at linux.seccomp.listenerPath (config-linux.md, "The Container Process State"): it gets
 * the state of the process whose filter notifies, and the filter's listener.
 */
#include "lifecycle/lifecycle.h"
#include "runtime/hooks.h"

struct agent {
    const struct hooks_container *container; /* its pid is that of the container's first process */
    enum hooks_stage stage;                  /* which has the container's status */
};

/* runtime_agent.tell(); `arg` is a struct agent. One connection, one message. */
int agent_tell(void *arg, pid_t pid, int listener, struct err *e);
