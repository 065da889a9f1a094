/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * What a caller gets of a new process: its terminal's master over --console-socket, its pidfd over
 * --pidfd-socket, its pid in --pid-file.
 */
#include "lifecycle/lifecycle.h"

/* Does the caller's io fit the process? Before anything is made. */
int process_io_check(const struct lifecycle_process_io *io, const struct oci_process *process,
                     struct err *e);
/* Hands all over but the terminal that the caller takes itself. */
int process_io_deliver(const struct lifecycle_process_io *io, pid_t pid, int pidfd, int terminal_fd,
                       struct err *e);
