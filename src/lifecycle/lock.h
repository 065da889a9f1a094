/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * The lock of a container: an open-file-description lock on the file `lock` of its directory. It
 * dies with its holder, so that nobody waits for the dead; a holder that hangs is another matter.
 */
#include "base/err.h"

enum lock_way {
    LOCK_WAIT, /* for as long as it takes */
    LOCK_SEIZE /* for LOCK_PATIENCE_MS; then the holder is killed: a call may be killed anywhere */
};
#define LOCK_PATIENCE_MS 5000

/* ERR_NOT_FOUND: the container was deleted meanwhile. ERR_TIMEOUT: the holder does not die, or is
 * not to be seen from here. */
int lock_take(int dirfd, enum lock_way way, int *ret_fd, struct err *e);
/* The holder's last act on a container that it has deleted but for its lock. Whoever waits for the
 * lock finds it without a name. `dirfd`: FD_NONE when there is no lock yet. */
int lock_remove(int root_fd, int dirfd, const char *id);
