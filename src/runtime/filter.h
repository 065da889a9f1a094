/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * The parent's part of a filter that notifies an agent (filter.c).
 */
#include "runtime/runtime.h"
#include "runtime/sync.h"

/* The filtered process, as its starter knows it. */
struct filter_process {
    int sync_fd;
    pid_t pid;
    int pidfd;                         /* FD_NONE: opened when it is needed */
    const struct runtime_agent *agent; /* NULL: there is nobody to tell */
};

/* Answers LISTENER. */
int filter_tell_agent(const struct filter_process *p, const struct sync_message *m, struct err *e);
/* After START: 0 when the command runs, else its error. */
int filter_wait_for_command(const struct filter_process *p, struct err *e);
