/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* The program between us and the container's command (stub.c says why). */
#include "base/err.h"

#define STUB_SYNC_FD 3 /* plus the descriptors that the command is given beside 0, 1, 2 */

/* The stub as a sealed memory file, close-on-exec, for the sync socket at this number. An fd or -1.
 */
int stub_open(int sync_fd, struct err *e);
