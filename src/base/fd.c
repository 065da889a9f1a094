/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/fd.h"

#include <unistd.h>

int fd_close(int fd)
{
    int saved = errno;

    if (fd >= 0)
        (void)close(
            fd); /* an error of close is an error of a write that was not synced; writers sync */
    errno = saved;
    return FD_NONE;
}

void fd_auto(int *fd)
{
    *fd = fd_close(*fd);
}
