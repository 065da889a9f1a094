/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * Owned file descriptors. FD_NONE (-EBADF) is "no fd". close() is never retried: on Linux the
 * number is free already.
 */
#include <errno.h>

#include "base/def.h"

#define FD_NONE (-EBADF)
#define auto_fd DHOW_CLEANUP(fd_auto)

int fd_close(
    int fd); /* FD_NONE and any negative are accepted; errno is preserved; returns FD_NONE */
void fd_auto(int *fd);

#define take_fd(p)                                                                                 \
    ({                                                                                             \
        int *take_from = (p);                                                                      \
        int take_value = *take_from;                                                               \
        *take_from = FD_NONE;                                                                      \
        take_value;                                                                                \
    })
