/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * Landlock: a process gives up file access that no rule allows. Every function returns >= 0 or
 * -errno and passes a fault point. Linux 5.13; what newer versions add is used where it is there.
 */
#include "base/def.h"

enum sys_landlock_access {
    SYS_LANDLOCK_READ = 1 << 0,  /* files and directories beneath may be read */
    SYS_LANDLOCK_WRITE = 1 << 1, /* everything but executing and device ioctls */
};

enum sys_landlock_flags { SYS_LANDLOCK_TCP_CONNECT = 1 << 0 /* else not even that */ };

int sys_landlock_abi(void); /* 1...; -ENOSYS, -EOPNOTSUPP: none */
/* A set that handles every access right that this kernel knows. -EOPNOTSUPP below version 2, which
 * would forbid links between directories. */
int sys_landlock_new(unsigned flags);
int sys_landlock_allow(int ruleset_fd, int fd, unsigned access); /* fd: a directory or a file */
/* From here on, for this thread and those that it starts. Needs no_new_privs. */
int sys_landlock_restrict(int ruleset_fd);
