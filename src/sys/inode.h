/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * Dressing what was just made: owner, times, extended attributes. Names are single components
 * beneath a directory fd (O_PATH is fine); links are never followed. 0 or -errno, with a fault
 * point each.
 */
#include <sys/types.h>
#include <time.h>

#include "base/def.h"

int sys_chown_at(int dirfd, const char *name, uid_t uid, gid_t gid);
int sys_chmod_at(int dirfd, const char *name, mode_t mode); /* not a symlink: it would follow */
int sys_set_mtime(int fd, const struct timespec *mtime);
int sys_set_mtime_at(int dirfd, const char *name, const struct timespec *mtime);
int sys_set_xattr(int fd, const char *name, const void *value, size_t len);
/* Length, or -ENODATA. */
