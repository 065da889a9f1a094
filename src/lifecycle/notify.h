/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* The socket on which a container's command tells that it is ready (sd_notify(3)). */
#include "lifecycle/state.h"

/* Makes its directory, and adds to the specification what lets the command find it. */
int notify_prepare(const struct state_dir *d, struct oci_spec *spec, struct err *e);
/* Binds the socket: *ret is FD_NONE when the container was created without. */
int notify_listen(const struct state_dir *d, int *ret, struct err *e);
/* Until the command is ready, which is told to config->notify_socket, or the process has ended. */
int notify_wait(const struct lifecycle_config *config, int fd, const struct lifecycle_state *s,
                struct err *e);
